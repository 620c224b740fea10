/* Do the deciding pixels lie at the border? Their share in a ring along the edge, divided by the ring's share of the
 * area, beside a centre of the same area, random pixels, and the other way to rank. The value is the one of the margin
 * ranking: probability ranking pushes pixels to the lower border by float32 ties alone. */
#include "validate/checks/checks.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "validate/checks/exhibit.h"
#include "datasets/region.h"
#include "validate/checks/text.h"

enum { WIDTHS_MAX = 4, PROBABILITY_PICTURES = 30 };

/* Ring or centre: its mask and area. */
struct place {
    int width, area;
    uint8_t *mask;
};

/* Deciding pixels of each picture that has some, and how many of them lie in a place: what a ratio is made of. */
struct tally {
    int n;
    double *inside, *total; /* [n] */
    int area, pixels;
};

struct result {
    int n_widths, asked;
    struct place ring[WIDTHS_MAX], centre;
    struct estimate of_ring[WIDTHS_MAX], of_centre, of_random;
    struct estimate of_same, of_probability; /* margin and probability ranking, the same pictures */
    int empty;                               /* pictures answered alike with nothing shown */
    int unreached;                           /* pictures that do not reach the threshold as a whole */
    int example, n_margin, n_probability;    /* n: pictures in the heat maps */
    double *heat, *heat_probability;         /* [pixels] share of pictures that have it as a deciding one */
};

static double ratio_of(void *sample, const uint32_t *pick, int n)
{
    const struct tally *t = sample;
    double inside = 0, total = 0;
    for (int i = 0; i < n; i++) {
        inside += t->inside[pick[i]];
        total += t->total[pick[i]];
    }
    return region_ratio(inside, total, t->area, t->pixels);
}

static struct estimate estimate_ratio(struct tally *t, uint64_t seed)
{
    struct interval range = { 0, (double)t->pixels / t->area };
    if (t->n == 0)
        return (struct estimate){ (double)NAN, range.low, range.high, 0 };
    uint32_t *all = mem_alloc((size_t)t->n, sizeof *all);
    for (int i = 0; i < t->n; i++)
        all[i] = (uint32_t)i;
    double value = ratio_of(t, all, t->n);
    free(all);
    return probe_widen(estimate_statistic(ratio_of, t, value, t->n, range, seed), range);
}

/* The deciding pixels of picture i, or as many random ones; returns how many. */
static int deciding(const struct probe *p, int i, bool random, uint8_t *mask)
{
    int size = probe_size(p, i, p->policy->threshold);
    memset(mask, 0, (size_t)study_pixels(p->study));
    if (size > 0 && random)
        probe_random(p, i, DRAW_SIS, NULL, size, mask);
    else if (size > 0)
        probe_ranked(p, i, size, mask);
    return size;
}

static struct estimate measure(const struct probe *p, const struct place *place, bool random)
{
    size_t n = (size_t)p->n;
    int pixels = study_pixels(p->study);
    struct tally t = { 0, mem_alloc(n, sizeof(double)), mem_alloc(n, sizeof(double)), place->area, pixels };
    uint8_t *mask = mem_alloc((size_t)pixels, 1);
    for (int i = 0; i < p->n; i++) {
        int size = deciding(p, i, random, mask);
        if (size <= 0)
            continue;
        t.inside[t.n] = region_overlap(mask, place->mask, pixels);
        t.total[t.n++] = size;
    }
    struct estimate e = estimate_ratio(&t, p->study->seed);
    free(mask);
    free(t.total);
    free(t.inside);
    return e;
}

/* *n: pictures that it is a share of. */
static double *count_heat(const struct probe *p, int *n)
{
    int pixels = study_pixels(p->study);
    double *heat = mem_alloc((size_t)pixels, sizeof *heat);
    uint8_t *mask = mem_alloc((size_t)pixels, 1);
    for (int i = 0; i < p->n; i++) {
        *n += deciding(p, i, false, mask) != SIS_NONE;
        for (int k = 0; k < pixels; k++)
            heat[k] += mask[k];
    }
    for (int k = 0; k < pixels; k++)
        heat[k] /= *n > 0 ? *n : 1;
    free(mask);
    return heat;
}

/* Rings of 1, 2, 4 pixels and the one asked for, as far as they fit; the centre has the area of the latter. */
static bool make_places(const struct probe *p, struct result *r, struct err *err)
{
    int h = p->study->model->h, w = p->study->model->w, asked = p->policy->width;
    if (!region_ring_fits(h, w, asked))
        return err_usage(err, "%s: a ring %d pixels wide covers more than half of %d x %d; take a smaller width",
                         p->policy->id, asked, w, h);
    for (int width = 1; width <= (asked > 4 ? asked : 4); width++) {
        if (!region_ring_fits(h, w, width) || (width != 1 && width != 2 && width != 4 && width != asked))
            continue;
        if (width == asked)
            r->asked = r->n_widths;
        struct place *ring = &r->ring[r->n_widths++];
        ring->mask = mem_alloc((size_t)h * (size_t)w, 1);
        ring->width = width;
        ring->area = region_ring(h, w, width, ring->mask);
    }
    r->centre.area = r->ring[r->asked].area;
    r->centre.mask = mem_alloc((size_t)h * (size_t)w, 1);
    region_centre(h, w, asked, r->centre.area, r->centre.mask);
    return true;
}

/* The picture whose share in the ring is nearest to that of all: neither the best nor the worst one. */
static int find_example(const struct probe *p, const struct result *r)
{
    const struct place *ring = &r->ring[r->asked];
    int pixels = study_pixels(p->study), best = 0;
    double nearest = INFINITY;
    uint8_t *mask = mem_alloc((size_t)pixels, 1);
    for (int i = 0; i < p->n; i++) {
        int size = deciding(p, i, false, mask);
        if (size <= 0)
            continue;
        double ratio = region_ratio(region_overlap(mask, ring->mask, pixels), size, ring->area, pixels);
        double distance = fabs(ratio - r->of_ring[r->asked].value);
        if (distance < nearest) {
            nearest = distance;
            best = i;
        }
    }
    free(mask);
    return best;
}

static bool measure_margin(struct probe *p, struct result *r, struct err *err)
{
    for (int i = 0; i < p->n; i++) {
        int size = probe_size(p, i, p->policy->threshold);
        r->empty += size == 0;
        r->unreached += size == SIS_NONE;
    }
    if (r->empty + r->unreached == p->n)
        return err_run(err,
                       "%s: none of %d pictures has deciding pixels at %g (%d do not reach it, %d need none); take "
                       "another threshold or baseline",
                       p->policy->id, p->n, p->policy->threshold, r->unreached, r->empty);
    for (int k = 0; k < r->n_widths; k++)
        r->of_ring[k] = measure(p, &r->ring[k], false);
    r->of_centre = measure(p, &r->centre, false);
    r->of_random = measure(p, &r->ring[r->asked], true);
    r->heat = count_heat(p, &r->n_margin);
    r->example = find_example(p, r);
    return true;
}

/* Both rankings on the first pictures of the sample: margin there, then probability. Leaves p with all pictures. */
static bool measure_probability(struct probe *p, struct result *r, struct err *err)
{
    int all = p->n, n = all < PROBABILITY_PICTURES ? all : PROBABILITY_PICTURES;
    if (!probe_search(p, TARGET_PREDICTED, SIS_MARGIN, n, err))
        return false;
    r->of_same = measure(p, &r->ring[r->asked], false);
    if (!probe_search(p, TARGET_PREDICTED, SIS_PROBABILITY, n, err))
        return false;
    r->of_probability = measure(p, &r->ring[r->asked], false);
    r->heat_probability = count_heat(p, &r->n_probability);
    return probe_search(p, TARGET_PREDICTED, SIS_MARGIN, all, err);
}

static const char *ratio(struct probe *p, const struct estimate *e)
{
    return probe_keep(p, e->n > 0 ? text_control(e, UNIT_RATIO) : mem_string("not measured"));
}

/* " Not counted: ...", or "". */
static const char *left_out(struct probe *p, int pictures, const char *which)
{
    return pictures == 0 ? ""
                         : probe_keep(p, mem_format(" Not counted: %d of %d pictures, %s.", pictures, p->n, which));
}

static void word(struct probe *p, const struct result *r)
{
    struct check *out = p->check;
    const struct estimate *e = &r->of_ring[r->asked];
    const struct place *ring = &r->ring[r->asked];
    bool worrying = e->low > 1;
    const char *width = probe_keep(p, exhibit_pixels(ring->width));
    out->question = mem_string("Do the deciding pixels lie at the border?");
    out->measure = mem_format("its share, ring %s wide", width);
    out->asks = mem_format("We count how many deciding pixels (at %s sure) lie in a ring %s wide along the edge, and "
                           "divide their share by the ring's share of the area. Pixels spread evenly would give 1.",
                           probe_keep(p, text_level(p->policy->threshold)), width);
    out->found = mem_format(
        "The ring is %s of the area; its share of the deciding pixels divided by that is %s. A centre of the same area "
        "gives %s, random pixels in the ring %s. Ranked by probability instead of margin the ring gives %s, by margin "
        "on the same pictures %s; %s each.%s%s",
        probe_keep(p, text_number((double)ring->area / study_pixels(p->study), UNIT_SHARE)),
        probe_keep(p, text_estimate(e, UNIT_RATIO, p->policy)), ratio(p, &r->of_centre), ratio(p, &r->of_random),
        ratio(p, &r->of_probability), ratio(p, &r->of_same), probe_keep(p, text_n(r->of_probability.n)),
        left_out(p, r->unreached, "which are not answered so surely even as a whole"),
        left_out(p, r->empty, "which are answered so surely with nothing shown"));
    out->means = mem_string(
        worrying ? "The object is seldom at the edge, so the model reads the background or the edge itself. Where both "
                   "rankings agree, the order of hiding is not the cause. It does not follow that the border alone is "
                   "enough for an answer."
                 : "The deciding pixels do not gather in this ring. It does not follow that they lie on the object.");
    out->act =
        probe_act(p, e, worrying, "Keep the heat map and compare it with that of the next model.",
                  "Check the training set for border signals with validate dataset, and pad or crop at random in "
                  "training.");
}

static void draw_rows(struct probe *p, const struct result *r)
{
    struct figure *f = check_add_figure(p->check, FIGURE_ROWS);
    f->heading = mem_string("Share of deciding pixels divided by share of area");
    f->x_unit = UNIT_RATIO;
    f->x_label = mem_string("Times its share; 1 means spread evenly");
    for (int k = 0; k < r->n_widths; k++) {
        const struct estimate *e = &r->of_ring[k];
        enum tone tone = k == r->asked ? estimate_tone(e, p->policy) : TONE_DATA;
        figure_add_row(f, probe_keep(p, mem_format("ring %d wide", r->ring[k].width)), e->value, e->low, e->high, tone);
    }
    const struct estimate *control[3] = { &r->of_probability, &r->of_random, &r->of_centre };
    static const char *const name[3] = { "ranked by probability", "random pixels", "centre, same area" };
    for (int k = 0; k < 3; k++)
        if (control[k]->n > 0)
            figure_add_row(f, name[k], control[k]->value, control[k]->low, control[k]->high, TONE_CONTROL);
    for (int k = 0; k < f->n_rows; k++)
        f->x_high = fmax(f->x_high, f->row[k].high);
    f->has_limit = p->policy->side != SIDE_NONE;
    f->limit = p->policy->limit;
    f->caption = mem_format("%s; by probability %s. The last three rows are of the ring %d wide or its area. Lines are "
                            "95%% intervals (bootstrap over pictures).",
                            probe_keep(p, text_n(r->of_ring[r->asked].n)), probe_keep(p, text_n(r->of_probability.n)),
                            r->ring[r->asked].width);
    text_describe_rows(f);
}

static void draw_heat(struct probe *p, const struct result *r, double **heat, const char *rank, int n)
{
    const struct study *s = p->study;
    const struct place *ring = &r->ring[r->asked];
    double inside = 0, total = 0;
    for (int k = 0; k < study_pixels(s); k++) {
        total += (*heat)[k];
        inside += ring->mask[k] ? (*heat)[k] : 0;
    }
    struct figure *f = check_add_figure(p->check, FIGURE_HEAT);
    f->heading = mem_format("How often each pixel is a deciding one, ranked by %s", rank);
    f->caption = mem_format("Share of pictures, %s; the line is the inner edge of the ring %d wide.",
                            probe_keep(p, text_n(n)), ring->width);
    f->description = mem_format("The ring is %s of the area and holds %s of the deciding pixels.",
                                probe_keep(p, text_number((double)ring->area / study_pixels(s), UNIT_SHARE)),
                                probe_keep(p, text_number(total > 0 ? inside / total : 0, UNIT_SHARE)));
    f->x_unit = f->y_unit = UNIT_SHARE;
    f->heat_w = s->model->w;
    f->heat_h = s->model->h;
    f->ring = ring->width;
    f->share = *heat; /* handed over */
    *heat = NULL;
}

static bool state_fact(struct probe *p, const struct result *r, struct err *err)
{
    struct fact *fact = &p->check->fact;
    const struct estimate *e = &r->of_ring[r->asked];
    int pixels = study_pixels(p->study);
    fact->heading = mem_format("The border holds %s its share", probe_keep(p, text_value(e, UNIT_RATIO, p->policy)));
    fact->sentence =
        mem_format("The ring %s wide is %s of a picture; its share of the deciding pixels divided by that is %s.",
                   probe_keep(p, exhibit_pixels(r->ring[r->asked].width)),
                   probe_keep(p, text_number((double)r->ring[r->asked].area / pixels, UNIT_SHARE)),
                   probe_keep(p, text_estimate(e, UNIT_RATIO, p->policy)));
    fact->sentence = probe_with_limit(p, e, UNIT_RATIO, fact->sentence);
    struct exhibit exhibit = { .probe = p };
    uint8_t *mask = mem_alloc((size_t)pixels, 1);
    int size = deciding(p, r->example, false, mask);
    exhibit_add(&exhibit, r->example, NULL, NULL);
    exhibit_add(&exhibit, r->example, mask,
                mem_format("%d of %d pixels in the ring", region_overlap(mask, r->ring[r->asked].mask, pixels), size));
    free(mask);
    return exhibit_hang_fact(&exhibit, fact, err);
}

static json_t *details(const struct result *r)
{
    json_t *rings = json_array(), *object = json_object();
    for (int k = 0; k < r->n_widths; k++) {
        json_t *ring = json_object();
        json_object_set_new(ring, "width_px", json_integer(r->ring[k].width));
        json_object_set_new(ring, "area_px", json_integer(r->ring[k].area));
        json_object_set_new(ring, "ratio", probe_json(&r->of_ring[k]));
        json_array_append_new(rings, ring);
    }
    json_object_set_new(object, "rings", rings);
    json_object_set_new(object, "centre_ratio", probe_json(&r->of_centre));
    json_object_set_new(object, "random_ratio", probe_json(&r->of_random));
    json_object_set_new(object, "probability_ratio", probe_json(&r->of_probability));
    json_object_set_new(object, "margin_ratio_same_pictures", probe_json(&r->of_same));
    json_object_set_new(object, "pictures_without_pixels", json_integer(r->empty));
    json_object_set_new(object, "pictures_below_threshold", json_integer(r->unreached));
    return object;
}

static void result_free(struct result *r)
{
    for (int k = 0; k < r->n_widths; k++)
        free(r->ring[k].mask);
    free(r->centre.mask);
    free(r->heat);
    free(r->heat_probability);
}

bool check_border_share(struct study *s, const struct policy_check *policy, int64_t n, struct check *out,
                        struct err *err)
{
    struct probe p;
    struct result r = { 0 };
    probe_open(&p, s, policy, n, out);
    bool ok = make_places(&p, &r, err) && probe_search(&p, TARGET_PREDICTED, SIS_MARGIN, p.n, err) &&
              measure_margin(&p, &r, err) && measure_probability(&p, &r, err);
    if (ok) {
        out->unit = UNIT_RATIO;
        out->estimate = r.of_ring[r.asked];
        out->details = details(&r);
        word(&p, &r);
        draw_heat(&p, &r, &r.heat, "margin", r.n_margin);
        draw_heat(&p, &r, &r.heat_probability, "probability", r.n_probability);
        draw_rows(&p, &r);
        ok = state_fact(&p, &r, err);
    }
    result_free(&r);
    probe_close(&p);
    return ok;
}
