/* Every form of input dropout: how much is dropped and where, what stands in the place, and when. */
#include "darknet-ext/input_dropout.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "tests/model_fixture.h"

TestSuite(input_dropout, .timeout = 300);

enum { H = 11, W = 14, AREA = H * W };

static const struct form {
    const char *name;
    int block, patch;
} forms[] = {
    { "pixels", 1, 1 },       { "blocks of 2", 2, 1 },  { "blocks of 5", 5, 1 },    { "blocks of 11", 11, 1 },
    { "patches of 2", 1, 2 }, { "patches of 4", 1, 4 }, { "patches of 11", 1, 11 },
};
enum { N_FORMS = sizeof forms / sizeof *forms };

static struct layer_cfg layer_of(const struct form *f, float probability)
{
    return (struct layer_cfg){ .kind = LAYER_INPUT_DROPOUT,
                               .c = 3,
                               .h = H,
                               .w = W,
                               .block = f->block,
                               .patch = f->patch,
                               .probability = probability };
}

/* A pixel is dropped in n independent images, so its count is binomial; 5 sigma for the worst of 154 pixels. */
Test(input_dropout, every_pixel_is_dropped_with_the_same_probability)
{
    static const float probabilities[] = { 0.05f, 0.3f, 0.8f };
    enum { IMAGES = 2000 };
    for (int f = 0; f < N_FORMS; f++)
        for (int k = 0; k < 3; k++) {
            struct layer_cfg l = layer_of(&forms[f], probabilities[k]);
            int dropped[AREA] = { 0 };
            float keep[AREA];
            for (uint32_t i = 0; i < IMAGES; i++) {
                struct input_draw d = { 1, 2, i, l.probability };
                input_dropout_draw(&l, &d, H, W, keep);
                for (int j = 0; j < AREA; j++)
                    dropped[j] += keep[j] == 0;
            }
            double p = l.probability, sigma = sqrt(IMAGES * p * (1 - p));
            for (int j = 0; j < AREA; j++)
                cr_expect(fabs(dropped[j] - IMAGES * p) <= 5 * sigma, "%s, p = %g: pixel %d is dropped in %d of %d",
                          forms[f].name, p, j, dropped[j], IMAGES);
        }
}

/* Does a square of n dropped pixels, cut off at the edges, cover (y, x)? */
static bool square_covers(const float *keep, int y, int x, int n)
{
    for (int top = y - n + 1; top <= y; top++)
        for (int left = x - n + 1; left <= x; left++) {
            bool whole = true;
            for (int j = top; j < top + n; j++)
                for (int i = left; i < left + n; i++)
                    whole = whole && (j < 0 || i < 0 || j >= H || i >= W || keep[j * W + i] == 0);
            if (whole)
                return true;
        }
    return false;
}

Test(input_dropout, blocks_are_whole_squares_anywhere_and_patches_those_of_the_grid)
{
    struct layer_cfg blocks = layer_of(&forms[2], 0.3f), patches = layer_of(&forms[5], 0.3f);
    float keep[AREA];
    int dropped = 0, off_grid = 0;
    for (uint32_t image = 0; image < 50; image++) {
        struct input_draw d = { 1, 0, image, 0.3f };
        input_dropout_draw(&blocks, &d, H, W, keep);
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++) {
                dropped += keep[y * W + x] == 0;
                cr_expect(keep[y * W + x] == 1 || square_covers(keep, y, x, blocks.block), "image %u: (%d,%d)", image,
                          y, x);
                off_grid += keep[y * W + x] != keep[y / 5 * 5 * W + x / 5 * 5];
            }
        input_dropout_draw(&patches, &d, H, W, keep);
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++)
                cr_expect(keep[y * W + x] == keep[y / 4 * 4 * W + x / 4 * 4], "image %u: (%d,%d)", image, y, x);
    }
    cr_expect(dropped > 1000 && off_grid > 500, "%d dropped, %d unlike their cell of the grid", dropped, off_grid);
}

Test(input_dropout, what_is_drawn_is_keyed_by_seed_epoch_and_image)
{
    static const struct input_draw draws[] = {
        { 1, 2, 3, 0.5f }, { 9, 2, 3, 0.5f }, { 1, 9, 3, 0.5f }, { 1, 2, 9, 0.5f }
    };
    for (int f = 0; f < 6; f++) {
        struct layer_cfg l = layer_of(&forms[f], 0.5f);
        float first[AREA], keep[AREA];
        input_dropout_draw(&l, &draws[0], H, W, first);
        input_dropout_draw(&l, &draws[0], H, W, keep);
        cr_expect(memcmp(first, keep, sizeof keep) == 0, "%s", forms[f].name);
        for (int k = 1; k < 4; k++) {
            input_dropout_draw(&l, &draws[k], H, W, keep);
            cr_expect(memcmp(first, keep, sizeof keep) != 0, "%s: draw %d", forms[f].name, k);
        }
    }
}

Test(input_dropout, a_linear_schedule_rises_from_0_to_the_probability)
{
    struct layer_cfg l = { .probability = 0.4f };
    static const struct {
        enum dropout_schedule schedule;
        float ramp;
        int epochs, epoch;
        double p;
    } cases[] = {
        { DROPOUT_CONSTANT, 0, 5, 0, 0.4 }, { DROPOUT_LINEAR, 0, 5, 0, 0 },   { DROPOUT_LINEAR, 0, 5, 1, 0.1 },
        { DROPOUT_LINEAR, 0, 5, 4, 0.4 },   { DROPOUT_LINEAR, 2, 5, 0, 0 },   { DROPOUT_LINEAR, 2, 5, 1, 0.2 },
        { DROPOUT_LINEAR, 2, 5, 2, 0.4 },   { DROPOUT_LINEAR, 2, 5, 4, 0.4 }, { DROPOUT_LINEAR, 8, 5, 4, 0.2 },
        { DROPOUT_LINEAR, 0, 1, 0, 0.4 },   { DROPOUT_LINEAR, 2, 0, 1, 0.2 },
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        l.schedule = cases[k].schedule;
        l.ramp = cases[k].ramp;
        double p = input_dropout_probability(&l, cases[k].epochs, cases[k].epoch);
        cr_expect(fabs(p - cases[k].p) <= 1e-7, "case %zu: %g instead of %g", k, p, cases[k].p);
    }
}

/* x = 2 everywhere, in a net whose [input_dropout] is layer 1, behind [normalize], or layer 0. */
static void fill_with(enum dropout_fill fill, int layer, const float *keep, float *x)
{
    struct layer_cfg layers[2] = {
        { .kind = LAYER_NORMALIZE, .mean = { 0.4f, 0.5f, 0.6f }, .std = { 0.2f, 0.25f, 0.5f } }
    };
    struct net_cfg cfg = { .n = 2, .layers = layers };
    struct input_draw d = { 1, 2, 3, 0.5f };
    layers[layer] = layer_of(&forms[0], 0.5f);
    layers[layer].fill = fill;
    for (int j = 0; j < 3 * AREA; j++)
        x[j] = 2;
    input_dropout_apply(&cfg, layer, &d, keep, x);
}

Test(input_dropout, dropped_pixels_become_mean_black_or_noise)
{
    static const float black[] = { -2, -2, -1.2f }, std[] = { 0.2f, 0.25f, 0.5f };
    struct layer_cfg l = layer_of(&forms[0], 0.5f);
    struct input_draw d = { 1, 2, 3, 0.5f };
    float keep[AREA], mean_fill[3 * AREA], black_fill[3 * AREA], noise[3 * AREA], early[3 * AREA];
    double sum = 0, square = 0;
    int dropped = 0, repeated = 0;
    input_dropout_draw(&l, &d, H, W, keep);
    fill_with(DROPOUT_MEAN, 1, keep, mean_fill);
    fill_with(DROPOUT_BLACK, 1, keep, black_fill);
    fill_with(DROPOUT_NOISE, 1, keep, noise);
    fill_with(DROPOUT_BLACK, 0, keep, early);
    for (int j = 0; j < 3 * AREA; j++) {
        if (keep[j % AREA] != 0) {
            cr_expect(mean_fill[j] == 2 && black_fill[j] == 2 && noise[j] == 2 && early[j] == 2);
            continue;
        }
        int c = j / AREA;
        double pixel = (double)noise[j] * std[c] + 0.4 + 0.1 * c;
        cr_expect(mean_fill[j] == 0 && early[j] == 0 && fabsf(black_fill[j] - black[c]) <= 1e-6f);
        cr_expect(pixel >= -1e-6 && pixel < 1 + 1e-6, "channel %d: noise %g", c, pixel);
        sum += pixel;
        square += pixel * pixel;
        repeated +=
            c > 0 && noise[j] * std[c] + 0.1f * (float)c == noise[j - AREA] * std[c - 1] + 0.1f * (float)(c - 1);
        dropped++;
    }
    sum /= dropped;
    cr_assert(dropped > 150);
    cr_expect(fabs(sum - 0.5) <= 4 * sqrt(1.0 / 12 / dropped), "mean of the noise %g", sum);
    cr_expect(fabs(square / dropped - 1.0 / 3) <= 0.07, "mean square of the noise %g", square / dropped);
    cr_expect(repeated == 0, "channels share their noise");
}

#define KEYS "[net]\nbatch=6\nheight=12\nwidth=12\nchannels=3\nlearning_rate=0.1\nmomentum=0.9\ndecay=0\nepochs=5\n"
#define NORMALIZE "[normalize]\nmean=0.4,0.5,0.6\nstd=0.2,0.3,0.25\n"
#define BODY                                                                                                           \
    "[convolutional]\nfilters=16\nsize=3\nstride=1\npad=1\nactivation=relu\n[avgpool]\n"                               \
    "[connected]\noutput=5\nactivation=linear\n[softmax]\n"

/* All combinations: no gradient reaches a dropped pixel, and some reaches most others. */
Test(input_dropout, dropped_pixels_have_no_gradient)
{
    static const char *const places[] = { "", "block=3\n", "patch=4\n" }, *const fills[] = { "mean", "black", "noise" };
    for (int k = 0; k < 9; k++) {
        char *text = mem_format(KEYS NORMALIZE "[input_dropout]\nprobability=0.4\nat_test=1\n%sfill=%s\n" BODY,
                                places[k / 3], fills[k % 3]);
        struct fixture f = open_net(text, false, 2, PRECISION_F32);
        float g[BATCH * PIXELS], keep[144];
        struct err err;
        cr_assert(model_gradient(f.model, f.x, BATCH, SCALAR_MARGIN, f.label, g, NULL, &err), "%s", err.text);
        struct input_draw d = { 0, 0, 0, 0.4f };
        input_dropout_draw(&f.cfg->layers[1], &d, 12, 12, keep);
        int dropped = 0, wrong = 0, felt = 0;
        for (int j = 0; j < PIXELS; j++) {
            dropped += keep[j % 144] == 0;
            wrong += keep[j % 144] == 0 && g[j] != 0;
            felt += keep[j % 144] != 0 && g[j] != 0;
        }
        cr_expect(wrong == 0, "%s: %d of %d dropped values have a gradient", text, wrong, dropped);
        cr_expect(dropped > 60 && felt > (PIXELS - dropped) / 2, "%s: %d dropped, %d felt", text, dropped, felt);
        free(text);
        close_net(&f);
    }
}

static double loss_in_epoch(const char *dropout, int epoch)
{
    static const int64_t index[BATCH] = { 40, 3, 17, 900, 8, 21 };
    char *text = mem_format(KEYS "%s" BODY, dropout);
    struct fixture f = open_net(text, true, 2, PRECISION_F32);
    struct step step = { .x = f.x, .label = f.label, .index = index, .n = BATCH, .epoch = epoch };
    struct err err;
    cr_assert(model_train_step(f.model, &step, &err), "%s", err.text);
    free(text);
    close_net(&f);
    return step.loss;
}

Test(input_dropout, training_follows_the_schedule_and_prediction_has_its_end)
{
    const char *linear = "[input_dropout]\nprobability=0.4\nschedule=linear\nramp=2\nat_test=1\n",
               *constant = "[input_dropout]\nprobability=0.4\nat_test=1\n",
               *half = "[input_dropout]\nprobability=0.2\n",
               *none = "[input_dropout]\nprobability=0\n"; /* the layers' numbers key the initial weights */
    cr_expect(loss_in_epoch(linear, 0) == loss_in_epoch(none, 0));
    cr_expect(loss_in_epoch(linear, 1) == loss_in_epoch(half, 1));
    cr_expect(loss_in_epoch(linear, 3) == loss_in_epoch(constant, 3));
    cr_expect(loss_in_epoch(constant, 0) != loss_in_epoch(none, 0), "nothing is dropped at all");
    char *texts[] = { mem_format(KEYS "%s" BODY, linear), mem_format(KEYS "%s" BODY, constant) };
    float z[2][BATCH * CLASSES];
    for (int k = 0; k < 2; k++) {
        struct fixture f = open_net(texts[k], false, 2, PRECISION_F32);
        struct evaluation e = { .x = f.x, .n = BATCH, .samples = -1 };
        struct err err;
        cr_assert(model_logits(f.model, &e, z[k], &err), "%s", err.text);
        free(texts[k]);
        close_net(&f);
    }
    cr_expect(memcmp(z[0], z[1], sizeof z[0]) == 0);
}
