#include "validate/sis/images.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include "base/mem.h"
#include "base/rng.h"

/* Two classes, one channel, 6 x 5 pixels: z_0 = scale * sum of weight * x + shift, z_1 = shift. So the margin is a sum,
 * and the exact order is that of weight * (x - baseline), the least first. */
enum { SIDE_H = 6, SIDE_W = 5, AREA = SIDE_H * SIDE_W, MANY = 9 };

struct linear {
    struct classifier classifier;
    float weight[AREA], scale, shift;
    int broken_after; /* calls until the answer is NaN; 0: never */
    int calls, largest;
};

static float sum_of(const struct linear *m, const float *x)
{
    double sum = 0;
    for (int i = 0; i < AREA; i++)
        sum += (double)m->weight[i] * x[i];
    return (float)(m->scale * sum);
}

static bool linear_logits(void *self, const float *x, int n, float *z, struct err *err)
{
    struct linear *m = self;

    (void)err;
    m->largest = n > m->largest ? n : m->largest;
    for (int i = 0; i < n; i++) {
        z[2 * i] = m->shift + sum_of(m, x + i * AREA);
        z[2 * i + 1] = m->shift;
        if (m->broken_after && m->calls + 1 >= m->broken_after)
            z[2 * i] = NAN;
    }
    m->calls++;
    return true;
}

static bool linear_gradient(void *self, const float *x, int n, enum scalar scalar, const int *target, float *g,
                            float *z, struct err *err)
{
    struct linear *m = self;

    linear_logits(self, x, n, z, err);
    for (int i = 0; i < n; i++) {
        float sign = target[i] == 0 ? 1 : -1;
        double p = 1 / (1 + exp((double)(z[2 * i + 1] - z[2 * i])));
        float slope = scalar == SCALAR_MARGIN ? 1 : (float)(p * (1 - p));
        for (int k = 0; k < AREA; k++)
            g[i * AREA + k] = sign * slope * m->scale * m->weight[k];
    }
    return true;
}

static void linear_new(struct linear *m, int batch)
{
    struct rng r = rng_stream(5, RNG_TEST, 0, 0);

    *m =
        (struct linear){ .classifier = { m, 1, SIDE_H, SIDE_W, 2, batch, linear_logits, linear_gradient }, .scale = 1 };
    for (int i = 0; i < AREA; i++)
        m->weight[i] = 0.1f + rng_unit(&r);
}

/* Inputs, and the orders that come out. */
struct album {
    int64_t n;
    float x[MANY][AREA];
    int target[MANY];
    uint8_t start[MANY][AREA];
    bool has_start;
    struct sis_order order[MANY];
    int done, fail_read, fail_done, stop_after, asked;
    double told;
    bool backwards; /* input i is image n-1-i */
};

static int image_of(const struct album *a, int64_t i)
{
    return (int)(a->backwards ? a->n - 1 - i : i);
}

static bool read_album(void *self, int64_t i, struct sis_input *input, struct err *err)
{
    struct album *a = self;
    int image = image_of(a, i);

    if (i + 1 == a->fail_read)
        return err_run(err, "album: image %d cannot be read", image);
    memcpy(input->x, a->x[image], sizeof a->x[image]);
    memset(input->baseline, 0, sizeof a->x[image]);
    if (a->has_start)
        memcpy(input->start, a->start[image], AREA);
    input->target = a->target[image];
    return true;
}

static bool keep_order(void *self, int64_t i, const struct sis_order *o, struct err *err)
{
    struct album *a = self;
    struct sis_order *copy = &a->order[image_of(a, i)];
    size_t features = (size_t)o->features, states = (size_t)o->states;

    if (++a->done == a->fail_done)
        return err_run(err, "album: full");
    cr_assert_null(copy->order, "image %d is done twice", image_of(a, i));
    *copy = (struct sis_order){ o->features, mem_alloc(features, sizeof(uint32_t)), o->states,
                                mem_alloc(states, sizeof(uint32_t)), mem_alloc(states, sizeof(double)) };
    memcpy(copy->order, o->order, features * sizeof(uint32_t));
    memcpy(copy->removed, o->removed, states * sizeof(uint32_t));
    memcpy(copy->value, o->value, states * sizeof(double));
    return true;
}

static bool stop_album(void *self)
{
    struct album *a = self;
    return a->stop_after && ++a->asked >= a->stop_after;
}

static void hear_album(void *self, double done)
{
    struct album *a = self;

    cr_assert(done >= a->told - 1e-9 && done <= (double)a->n, "%g done after %g", done, a->told);
    a->told = done;
}

static struct album *album_new(int n, int target)
{
    struct album *a = mem_alloc(1, sizeof *a);

    a->n = n;
    for (int i = 0; i < n; i++) {
        struct rng r = rng_stream(6, RNG_TEST, 0, (uint32_t)i);
        for (int k = 0; k < AREA; k++)
            a->x[i][k] = rng_unit(&r);
        a->target[i] = target < 0 ? i % 2 : target;
    }
    return a;
}

static void album_free(struct album *a)
{
    for (int i = 0; i < MANY; i++)
        sis_order_free(&a->order[i]);
    free(a);
}

static bool search(struct linear *m, struct album *a, struct sis_settings s, struct sis_counts *counts, struct err *err)
{
    struct sis_images images = { a->n, a, read_album, keep_order, stop_album, hear_album };
    return sis_images_run(&m->classifier, &s, &images, counts, err);
}

static void search_well(struct linear *m, struct album *a, struct sis_settings s)
{
    struct sis_counts counts;
    struct err err;

    cr_assert(search(m, a, s, &counts, &err), "%s", err.text);
    cr_assert_not(counts.stopped);
    cr_assert_eq(a->done, a->n);
    cr_assert_leq(m->largest, m->classifier.batch);
}

static const struct sis_settings exact = { SIS_BACKSELECT, SIS_MARGIN, 0, 0 };
static const struct sis_settings gradient_by_one = { SIS_GRADIENT, SIS_MARGIN, 1, 0 };
static const struct sis_settings screened = { SIS_SCREENED, SIS_MARGIN, 1, 4 };

/* The order worked out by hand: pixels by what they add to the target's margin, the least first. */
static void check_linear_order(const struct linear *m, const struct album *a, int image)
{
    const struct sis_order *o = &a->order[image];
    double last = -INFINITY;
    float sign = a->target[image] == 0 ? 1 : -1, rest = sum_of(m, a->x[image]);

    cr_assert_eq(o->states, AREA + 1);
    cr_assert_float_eq(o->value[0], sign * rest, 1e-5);
    for (int i = 0; i < AREA; i++) {
        int pixel = (int)o->order[i];
        double adds = (double)(sign * m->weight[pixel]) * a->x[image][pixel];
        cr_assert_geq(adds, last, "image %d, place %d", image, i);
        last = adds;
        rest -= m->weight[pixel] * a->x[image][pixel];
        cr_assert_float_eq(o->value[i + 1], sign * rest, 1e-5);
    }
    cr_assert_lt(fabs(o->value[AREA]), 1e-5);
    cr_assert_gt(fabs(o->value[0]), 1);
}

Test(sis_images, all_methods_find_the_order_of_a_linear_model)
{
    static const struct sis_settings *const settings[] = { &exact, &gradient_by_one, &screened };
    struct linear m;

    for (int s = 0; s < 3; s++) {
        for (int batch = 1; batch < 8; batch += 3) {
            struct album *a = album_new(MANY, -1);
            linear_new(&m, batch);
            search_well(&m, a, *settings[s]);
            for (int i = 0; i < MANY; i++)
                check_linear_order(&m, a, i);
            album_free(a);
        }
    }
}

static void check_equal(const struct album *a, const struct album *b)
{
    for (int i = 0; i < a->n; i++) {
        const struct sis_order *x = &a->order[i], *y = &b->order[i];
        cr_assert(x->features == y->features && x->states == y->states);
        cr_assert_eq(memcmp(x->order, y->order, (size_t)x->features * sizeof *x->order), 0, "image %d", i);
        cr_assert_eq(memcmp(x->removed, y->removed, (size_t)x->states * sizeof *x->removed), 0);
        cr_assert_eq(memcmp(x->value, y->value, (size_t)x->states * sizeof *x->value), 0);
    }
}

Test(sis_images, neither_batch_nor_order_of_images_changes_a_result)
{
    static const struct sis_settings settings[] = {
        { SIS_BACKSELECT, SIS_MARGIN, 0, 0 }, { SIS_BACKSELECT, SIS_PROBABILITY, 0, 0 },
        { SIS_GRADIENT, SIS_MARGIN, 4, 0 },   { SIS_GRADIENT, SIS_PROBABILITY, 7, 0 },
        { SIS_SCREENED, SIS_MARGIN, 3, 5 },   { SIS_SCREENED, SIS_PROBABILITY, 1, 40 }
    };
    struct linear m;

    for (size_t s = 0; s < sizeof settings / sizeof settings[0]; s++) {
        struct album *first = album_new(MANY, -1);
        linear_new(&m, 4);
        search_well(&m, first, settings[s]);
        for (int batch = 1; batch < 40; batch += 13) {
            struct album *other = album_new(MANY, -1);
            other->backwards = true;
            linear_new(&m, batch);
            search_well(&m, other, settings[s]);
            check_equal(first, other);
            album_free(other);
        }
        album_free(first);
    }
}

Test(sis_images, steps_of_several_pixels_are_groups_of_the_exact_order)
{
    struct album *one = album_new(3, 0), *many = album_new(3, 0);
    struct linear m;

    linear_new(&m, 8);
    search_well(&m, one, gradient_by_one);
    search_well(&m, many, (struct sis_settings){ SIS_GRADIENT, SIS_MARGIN, 7, 0 });
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(many->order[i].states, 6, "30 pixels by 7: four steps, a short one, and the whole");
        cr_assert_eq(many->order[i].removed[4], 28);
        cr_assert_eq(many->order[i].removed[5], 30);
        for (int s = 0; s < 6; s++)
            cr_assert_float_eq(many->order[i].value[s], one->order[i].value[many->order[i].removed[s]], 1e-5);
    }
    album_free(one);
    album_free(many);
}

/* Several at once, the best first, are still the exact order when the model is linear. */
Test(sis_images, the_screened_search_takes_the_best_of_its_candidates)
{
    struct album *one = album_new(3, 0), *many = album_new(3, 0);
    struct linear m;

    linear_new(&m, 8);
    search_well(&m, one, exact);
    search_well(&m, many, (struct sis_settings){ SIS_SCREENED, SIS_MARGIN, 4, 9 });
    for (int i = 0; i < 3; i++) {
        cr_assert_lt(many->order[i].states, AREA * 2 / 3);
        cr_assert_eq(many->order[i].removed[1], 4);
        cr_assert_eq(memcmp(many->order[i].order, one->order[i].order, AREA * sizeof(uint32_t)), 0);
    }
    album_free(one);
    album_free(many);
}

Test(sis_images, the_first_of_equal_pixels_goes_first)
{
    static const struct sis_settings gradient_by_three = { SIS_GRADIENT, SIS_MARGIN, 3, 0 };
    static const struct sis_settings *const settings[] = { &exact, &gradient_by_one, &screened, &gradient_by_three };
    struct linear m;

    for (int s = 0; s < 4; s++) {
        struct album *a = album_new(2, 0);
        linear_new(&m, 4);
        for (int i = 0; i < AREA; i++)
            m.weight[i] = 1;
        for (int i = 0; i < AREA; i++)
            a->x[0][i] = a->x[1][i] = 0.5f;
        search_well(&m, a, *settings[s]);
        for (uint32_t i = 0; i < AREA; i++)
            cr_assert_eq(a->order[1].order[i], i, "%s", sis_method_name(settings[s]->method));
        album_free(a);
    }
}

/* The gradient prefers the last pixels; without any of them the probability is 1, so the first of the four goes. */
Test(sis_images, the_first_of_equal_candidates_goes_first)
{
    struct album *a = album_new(1, 0);
    struct linear m;

    linear_new(&m, 4);
    m.scale = 3; /* a margin of 32: the probability is 1 in float32, its gradient is small and not zero */
    for (int i = 0; i < AREA; i++) {
        m.weight[i] = 1 - 0.02f * (float)i;
        a->x[0][i] = 0.5f;
    }
    search_well(&m, a, (struct sis_settings){ SIS_SCREENED, SIS_PROBABILITY, 1, 4 });
    cr_assert_eq(a->order[0].order[0], AREA - 4);
    album_free(a);
}

/* Images of different sizes leave the batch at different times, and others move to their places. */
Test(sis_images, an_image_alone_gives_what_it_gives_among_others)
{
    static const struct sis_settings settings[] = { { SIS_BACKSELECT, SIS_MARGIN, 0, 0 },
                                                    { SIS_GRADIENT, SIS_MARGIN, 2, 0 },
                                                    { SIS_SCREENED, SIS_MARGIN, 2, 5 } };
    struct linear m;

    for (int s = 0; s < 3; s++) {
        struct album *together = album_new(MANY, -1);
        linear_new(&m, 5);
        together->has_start = true;
        for (int i = 0; i < MANY; i++)
            for (int k = 0; k < AREA; k++)
                together->start[i][k] = k > 3 * ((i * 4) % 7);
        search_well(&m, together, settings[s]);
        for (int i = 0; i < MANY; i++) {
            struct album *alone = mem_alloc(1, sizeof *alone), only = *together;
            *alone = (struct album){ .n = 1, .has_start = true, .target = { together->target[i] } };
            memcpy(alone->x[0], together->x[i], sizeof alone->x[0]);
            memcpy(alone->start[0], together->start[i], AREA);
            only.n = 1;
            only.order[0] = together->order[i];
            search_well(&m, alone, settings[s]);
            check_equal(&only, alone);
            album_free(alone);
        }
        album_free(together);
    }
}

static double mean_row(const struct sis_order *o, int size)
{
    double sum = 0;
    for (int i = o->features - size; i < o->features; i++)
        sum += o->order[i] / SIDE_W;
    return sum / size;
}

/* A sure model: float32 probability is 1 for every candidate, so the first pixel goes first and what stays gathers at
 * the lower border. The margin still tells the pixels apart. */
Test(sis_images, saturated_probability_drives_subsets_to_the_lower_border_and_margin_does_not)
{
    struct album *margin = album_new(MANY, 0), *probability = album_new(MANY, 0);
    struct linear m;
    double low = 0, high = 0;

    linear_new(&m, 8);
    m.scale = 40;
    for (int i = 0; i < AREA; i++)
        m.weight[i] = 0.5f + 0.01f * (float)((i * 7) % 5);
    search_well(&m, margin, exact);
    search_well(&m, probability, (struct sis_settings){ SIS_BACKSELECT, SIS_PROBABILITY, 0, 0 });
    for (int i = 0; i < MANY; i++) {
        for (uint32_t k = 0; k < 10; k++)
            cr_assert_eq(probability->order[i].order[k], k, "ties remove row by row");
        low += mean_row(&probability->order[i], 6) / MANY;
        high += mean_row(&margin->order[i], 6) / MANY;
    }
    cr_assert_gt(low, 3.5);
    cr_assert(high > 1.5 && high < 3.5, "margin ranking prefers rows around %g", high);
    album_free(margin);
    album_free(probability);
}

Test(sis_images, the_early_end_at_probability_one_saves_evaluations)
{
    struct album *a = album_new(2, 0);
    struct linear m;
    struct sis_counts counts;
    struct err err;

    linear_new(&m, 4);
    m.scale = 40;
    cr_assert(search(&m, a, (struct sis_settings){ SIS_BACKSELECT, SIS_PROBABILITY, 0, 0 }, &counts, &err));
    cr_assert_lt(counts.evaluations, 2 * (AREA * (AREA + 1) / 2 + 1) * 3 / 4);
    album_free(a);
    a = album_new(2, 0);
    cr_assert(search(&m, a, exact, &counts, &err));
    cr_assert_eq(counts.evaluations, 2 * (AREA * (AREA + 1) / 2 + 1));
    album_free(a);
}

Test(sis_images, shifting_all_logits_changes_no_order)
{
    struct album *a = album_new(MANY, -1), *b = album_new(MANY, -1);
    struct linear m;

    linear_new(&m, 4);
    for (int i = 0; i < AREA; i++) /* sums that float adds without rounding, so that the shift can cost nothing */
        m.weight[i] = (float)(1 + i % 7) / 8;
    for (int i = 0; i < MANY; i++)
        for (int k = 0; k < AREA; k++)
            a->x[i][k] = b->x[i][k] = floorf(a->x[i][k] * 16) / 16;
    search_well(&m, a, exact);
    m.shift = 64;
    search_well(&m, b, exact);
    check_equal(a, b);
    album_free(a);
    album_free(b);
}

Test(sis_images, a_start_mask_is_masked_and_not_searched)
{
    static const struct sis_settings *const settings[] = { &exact, &gradient_by_one, &screened };
    struct linear m;

    linear_new(&m, 4);
    for (int s = 0; s < 3; s++) {
        struct album *a = album_new(3, 0);
        a->has_start = true;
        for (int i = 0; i < 3; i++)
            for (int k = 0; k < AREA; k++)
                a->start[i][k] = (k + i) % 3 != 0;
        search_well(&m, a, *settings[s]);
        for (int i = 0; i < 3; i++) {
            cr_assert_eq(a->order[i].features, 20);
            for (int k = 0; k < 20; k++)
                cr_assert(a->start[i][a->order[i].order[k]]);
        }
        memset(a->start[1], 0, AREA);
        a->done = 0;
        struct sis_counts counts;
        struct err err;
        cr_assert_not(search(&m, a, *settings[s], &counts, &err));
        cr_assert_eq(err.status, EXIT_USAGE);
        album_free(a);
    }
}

Test(sis_images, failures_and_stops_end_the_search)
{
    static const struct sis_settings *const settings[] = { &exact, &gradient_by_one, &screened };
    struct linear m;
    struct sis_counts counts;
    struct err err;

    for (int s = 0; s < 3; s++) {
        for (int what = 0; what < 4; what++) {
            struct album *a = album_new(MANY, 0);
            linear_new(&m, 4);
            a->fail_read = what == 0 ? 6 : 0;
            a->fail_done = what == 1 ? 2 : 0;
            a->stop_after = what == 2 ? 20 : 0;
            m.broken_after = what == 3 ? 12 : 0;
            bool ok = search(&m, a, *settings[s], &counts, &err);
            cr_assert_eq(ok, what == 2, "method %d, failure %d", s, what);
            cr_assert_eq(counts.stopped, what == 2);
            cr_assert(what != 3 || strstr(err.text, "not a number"), "%s", err.text);
            cr_assert_lt(a->done, MANY);
            album_free(a);
        }
    }
}
