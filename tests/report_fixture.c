#include "tests/report_fixture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/statistics.h"

enum { SIDE = 32, PIXELS = SIDE * SIDE };

static double random_share(struct rng *r)
{
    return rng_unit(r);
}

/* A thing on a ground: an ellipse with a light and a dark side before two soft colours. */
static void paint(uint8_t *rgb, uint64_t seed)
{
    struct rng r = rng_stream(seed, RNG_TEST, 0, 0);
    double colour[3][3], cx = 12 + 8 * random_share(&r), cy = 12 + 8 * random_share(&r);
    double rx = 6 + 6 * random_share(&r), ry = 4 + 5 * random_share(&r), horizon = 14 + 10 * random_share(&r);
    for (int i = 0; i < 9; i++)
        colour[i / 3][i % 3] = 40 + 190 * random_share(&r);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            double dx = (x - cx) / rx, dy = (y - cy) / ry;
            int what = dx * dx + dy * dy < 1 ? 2 : y > horizon;
            double light = what == 2 ? 1.2 - 0.35 * (dx + dy + 1) : 0.85 + 0.3 * y / SIDE;
            for (int k = 0; k < 3; k++)
                rgb[3 * (y * SIDE + x) + k] = (uint8_t)fmin(255, colour[what][k] * light + 14 * random_share(&r));
        }
}

/* Keeps about `keep` pixels, most of them near the border; the others become the filling. */
static void mask(uint8_t *rgb, uint64_t seed, int keep)
{
    struct rng r = rng_stream(seed, RNG_TEST, 1, 0);
    for (int i = 0; i < PIXELS; i++) {
        int x = i % SIDE, y = i / SIDE;
        bool border = x < 2 || y < 2 || x >= SIDE - 2 || y >= SIDE - 2;
        if (random_share(&r) >= keep * (border ? 2.2 : 0.6) / PIXELS)
            memcpy(rgb + 3 * i, (uint8_t[]){ 125, 123, 114 }, 3);
    }
}

struct picture fixture_picture(uint64_t seed, int keep, const char *alt, const char *caption)
{
    struct picture p = { .w = SIDE, .h = SIDE, .channels = 3, .pixels = mem_alloc(PIXELS, 3) };
    paint(p.pixels, seed);
    if (keep)
        mask(p.pixels, seed + 100 * (uint64_t)keep, keep);
    p.alt = mem_string(alt);
    p.caption = caption ? mem_string(caption) : NULL;
    return p;
}

static void add_picture(struct figure *f, uint64_t seed, int keep, const char *alt, const char *caption)
{
    struct picture *p = figure_add_picture(f, SIDE, SIDE, 3, alt, caption);
    paint(p->pixels, seed);
    if (keep)
        mask(p->pixels, seed + 100 * (uint64_t)keep, keep);
}

static void add_fact(struct check *c, const char *heading, const char *sentence, uint64_t seed)
{
    c->fact = (struct fact){ .heading = mem_string(heading), .sentence = mem_string(sentence), .n_pictures = 3 };
    c->fact.picture[0] = fixture_picture(seed, 0, "Test picture 15: a ship", "A ship");
    c->fact.picture[1] = fixture_picture(seed, 88, "The same picture, 88 of 1,024 pixels shown",
                                         "Best 88 pixels: \u201cship\u201d, 99%");
    c->fact.picture[2] =
        fixture_picture(seed, 89, "88 random pixels of it", "88 random pixels: \u201cairplane\u201d, 98%");
}

/* Texts that a check of this name could have. */
static struct check make_check(const char *id, const char *kind, const char *question, struct estimate e,
                               enum unit unit, enum side side, double limit)
{
    struct check c = { .id = mem_string(id), .kind = mem_string(kind), .question = mem_string(question) };
    c.asks =
        mem_string("We hide pixels, the least useful first, and stop at the smallest part that still makes the model "
                   "99% sure of its answer.");
    c.found = mem_string("The value, its 95% interval, the number of pictures and the control stand here.");
    c.means = mem_string("What follows from it, and what does not, in a sentence or two.");
    c.act = mem_string("Train with input dropout and compare the two models.");
    c.unit = unit;
    c.of = "pictures";
    c.estimate = e;
    c.side = side;
    c.limit = limit;
    c.status = c.unwaived = check_decide(&e, side, limit);
    c.gates = side != SIDE_NONE;
    c.needed = c.status == CHECK_INCONCLUSIVE ? check_needed(&e, limit) : 0;
    return c;
}

static void head(struct figure *f, const char *heading, const char *caption, const char *description)
{
    f->heading = mem_string(heading);
    f->caption = mem_string(caption);
    f->description = mem_string(description);
}

static void add_dots(struct check *c, int n)
{
    struct figure *f = check_add_figure(c, FIGURE_DOTS);
    struct rng r = rng_stream(5, RNG_TEST, 0, 0);
    head(f, "One dot is one picture, at 99% sure", "n = 200 pictures; the ring is the median.",
         "Median 8.8%; smallest 0.4%, largest 27%; limit 15%.");
    f->x_label = mem_string("share of the picture that is needed");
    f->x_high = 0.3;
    f->has_limit = true;
    f->limit = 0.15;
    struct figure_series *s = figure_add_series(f, NULL, TONE_DATA, n);
    for (int i = 0; i < n; i++)
        s->x[i] = fabs(0.09 + 0.09 * (random_share(&r) + random_share(&r) + random_share(&r) - 1.5));
}

static void add_rows(struct check *c, enum unit unit, double limit)
{
    struct figure *f = check_add_figure(c, FIGURE_ROWS);
    bool ratio = unit == UNIT_RATIO;
    head(f, "By how sure the model must be", "n = 200 pictures; lines are 95% intervals (bootstrap over pictures).",
         "50% sure 3.5% (2.7% to 3.9%); 90% sure 5.5%; 99% sure 8.8%.");
    f->x_unit = unit;
    f->x_label = mem_string(ratio ? "times its share" : "share of the picture");
    f->has_limit = limit > 0;
    f->limit = limit;
    figure_add_row(f, ratio ? "ring 1 pixel wide" : "50% sure", ratio ? 2.7 : 0.035, ratio ? 2.6 : 0.027,
                   ratio ? 2.8 : 0.039, ratio ? TONE_ALERT : TONE_DATA);
    figure_add_row(f, ratio ? "ring 2 pixels wide" : "90% sure", ratio ? 2.0 : 0.055, ratio ? 1.9 : 0.045,
                   ratio ? 2.1 : 0.064, TONE_DATA);
    figure_add_row(f, ratio ? "centre square of the same area as ring 1" : "99% sure", ratio ? 0.4 : 0.088,
                   ratio ? 0.3 : 0.074, ratio ? 0.5 : 0.094, ratio ? TONE_CONTROL : TONE_OPEN);
}

static void add_curve(struct check *c)
{
    enum { POINTS = 23 };
    struct figure *f = check_add_figure(c, FIGURE_CURVE);
    head(f, "Answers that stay, by share of pixels shown",
         "Lines: share of 200 answers; bands: 95% intervals (Wilson).",
         "Best pixels: 69% at 5 percent. Random pixels: 10% at 5 percent.");
    f->x_label = mem_string("share of the pixels shown (log scale)");
    f->y_label = mem_string("answers that stay the same");
    f->x_log = true;
    f->x_low = 0.004, f->x_high = 1, f->y_high = 1;
    f->has_limit = true, f->limit = 0.5;
    for (int random = 0; random < 2; random++) {
        struct figure_series *s =
            figure_add_series(f, random ? "random pixels" : "best pixels", random ? TONE_CONTROL : TONE_DATA, POINTS);
        s->low = mem_alloc(POINTS, sizeof *s->low);
        s->high = mem_alloc(POINTS, sizeof *s->high);
        for (int i = 0; i < POINTS; i++) {
            s->x[i] = exp(log(0.004) + (log(1) - log(0.004)) * i / (POINTS - 1));
            double share = random ? 0.1 + 0.9 * pow(s->x[i], 6) : 1 / (1 + exp(-1.7 * log(s->x[i] / 0.025)));
            struct interval w = wilson((int64_t)(200 * fmin(1, share)), 200);
            s->y[i] = fmin(1, share), s->low[i] = w.low, s->high[i] = w.high;
        }
    }
}

static void add_scatter(struct check *c)
{
    struct figure *f = check_add_figure(c, FIGURE_SCATTER);
    struct rng r = rng_stream(7, RNG_TEST, 0, 0);
    head(f, "Size against confidence", "One dot is one picture, n = 120.", "No trend.");
    f->x_label = mem_string("confidence on the whole picture");
    f->y_label = mem_string("share of the picture that is needed");
    f->x_low = 0.5, f->x_high = 1, f->y_high = 0.3;
    for (int wrong = 0; wrong < 2; wrong++) {
        struct figure_series *s =
            figure_add_series(f, wrong ? "wrong" : "right", wrong ? TONE_CONTROL : TONE_DATA, wrong ? 20 : 100);
        for (int i = 0; i < s->n; i++) {
            s->x[i] = wrong ? 0.55 + 0.3 * random_share(&r) : 1 - 0.3 * pow(random_share(&r), 3);
            s->y[i] = 0.02 + (wrong ? 0.1 : 0.2) * random_share(&r);
        }
    }
}

static void add_heat(struct check *c)
{
    struct figure *f = check_add_figure(c, FIGURE_HEAT);
    struct rng r = rng_stream(9, RNG_TEST, 0, 0);
    head(f, "How often each pixel is a deciding one", "n = 200 pictures; the line is the ring of one pixel.",
         "Heat map of all deciding pixels: dense along all four borders, thin in the middle");
    f->heat_w = f->heat_h = SIDE;
    f->ring = 1;
    f->share = mem_alloc(PIXELS, sizeof *f->share);
    for (int i = 0; i < PIXELS; i++) {
        int x = i % SIDE, y = i / SIDE, edge = (int)fmin(fmin(x, y), fmin(SIDE - 1 - x, SIDE - 1 - y));
        f->share[i] = (edge == 0 ? 0.45 : 0.12 * exp(-edge / 6.0)) + 0.12 * random_share(&r);
    }
}

static void add_pictures(struct check *c, int n)
{
    struct figure *f = check_add_figure(c, FIGURE_PICTURES);
    head(f, "The same picture, more and more of it", "The first in the order of the test set.", "Pictures.");
    for (int i = 0; i < n; i++)
        add_picture(f, 3 + (uint64_t)i / 3, i % 3 * 60, i % 3 ? "60 of 1,024 pixels shown" : "Test picture 5: a frog",
                    i % 3 ? "60 pixels: \u201cautomobile\u201d, 99%" : "A frog");
}

static void add(struct report *r, struct check c, const char *measure)
{
    c.measure = mem_string(measure);
    r->check = mem_resize(r->check, (size_t)r->n_checks + 1, sizeof *r->check);
    r->check[r->n_checks++] = c;
}

static void add_failures(struct report *r)
{
    struct check c = make_check("sis.size@0.99", "sis.size", "How little of a picture is enough?",
                                (struct estimate){ 0.088, 0.074, 0.094, 200 }, UNIT_SHARE, SIDE_AT_LEAST, 0.15);
    add_fact(&c, "One pixel in eleven is enough",
             "In half of the pictures, 8.8% of the pixels or fewer make the model 99% sure (95% interval 7.4% to 9.4%, "
             "n\u00a0=\u00a0200). The policy asks for at least 15%.",
             1);
    add_dots(&c, 200);
    add_rows(&c, UNIT_SHARE, 0);
    add(r, c, "of the picture is enough");
    c = make_check("subset.sufficiency@0.05", "subset.sufficiency", "Does a small part do as well as the whole?",
                   (struct estimate){ 0.69, 0.62, 0.75, 200 }, UNIT_SHARE, SIDE_AT_MOST, 0.5);
    add_curve(&c);
    add_pictures(&c, 4);
    add(r, c, "of answers stay");
    c = make_check("border.share@1", "border.share", "Do the deciding pixels lie at the border?",
                   (struct estimate){ 2.7, 2.6, 2.8, 200 }, UNIT_RATIO, SIDE_AT_MOST, 1.5);
    add_fact(
        &c, "The outermost ring decides",
        "The ring one pixel wide is 12% of a picture but holds 33% of the deciding pixels (2.6\u00d7 to 2.8\u00d7, "
        "n\u00a0=\u00a0200). The policy asks for at most 1.5\u00d7.",
        2);
    add_heat(&c);
    add_rows(&c, UNIT_RATIO, 1.5);
    add(r, c, "its share");
    c = make_check("dilation@0.99", "dilation", "Does the answer hold when more is shown?",
                   (struct estimate){ 0.35, 0.29, 0.42, 200 }, UNIT_SHARE, SIDE_AT_LEAST, 0.8);
    add_pictures(&c, 6);
    add_fact(&c, "More evidence, less sure", "35% of the answers stay (29% to 42%, n\u00a0=\u00a0200).", 4);
    add(r, c, "of answers stay");
}

static void add_others(struct report *r)
{
    struct check c =
        make_check("baseline.sensitivity@0.99", "baseline.sensitivity", "Does it matter what hides the pixels?",
                   (struct estimate){ 1.53, 1.14, 2.75, 60 }, UNIT_RATIO, SIDE_AT_MOST, 1.1);
    c.status = CHECK_WAIVED;
    c.waiver = mem_string("The policy fixes the filling; see issue 118.");
    add(r, c, "largest over smallest median");
    c = make_check("border.accuracy@2", "border.accuracy", "Is the border alone enough?",
                   (struct estimate){ 0.1, 0.07, 0.15, 200 }, UNIT_SHARE, SIDE_AT_MOST, 0.12);
    add(r, c, "of answers stay");
    c = make_check("corrupt", "corrupt", "Does accuracy hold on corrupted pictures?",
                   (struct estimate){ NAN, NAN, NAN, 0 }, UNIT_SHARE, SIDE_AT_LEAST, 0.7);
    c.error = mem_string(
        "datasets/cifar10-c.conf:3: datasets/cifar10-c: no such directory; tools/get-dataset cifar10-c gets it");
    add(r, c, "right");
    c = make_check("accuracy", "accuracy", "Is it accurate on whole pictures?",
                   (struct estimate){ 0.9173, 0.912, 0.923, 10000 }, UNIT_SHARE, SIDE_AT_LEAST, 0.9);
    c.details = json_pack("{s:i,s:i}", "right", 9173, "wrong", 827);
    add(r, c, "right");
    c = make_check("shuffled.values", "shuffled.values", "Control: do the same colours in other places do?",
                   (struct estimate){ 0.18, 0.13, 0.23, 200 }, UNIT_SHARE, SIDE_AT_MOST, 0.3);
    add(r, c, "of answers stay");
    c = make_check("wrong.class@0.99", "wrong.class", "Can a wrong answer be forced?",
                   (struct estimate){ 1, 0.94, 1, 60 }, UNIT_SHARE, SIDE_AT_MOST, 0.1);
    c.status = CHECK_REPORTED;
    c.gates = false;
    add_scatter(&c);
    add(r, c, "of pictures turned");
    c = make_check("correct.vs.wrong", "correct.vs.wrong", "Are wrong answers made from less?",
                   (struct estimate){ -0.024, -0.041, 0.004, 400 }, UNIT_POINTS, SIDE_NONE, 0);
    add_dots(&c, 2000);
    add(r, c, "wrong minus right");
}

static void add_gallery(struct report *r)
{
    static const char *const heading[] = { "Smallest deciding parts", "Around the median",
                                           "The first 10 pictures of the sample, in the order of the test set" };
    r->gallery_rule =
        mem_string("Left, the picture; right, only its deciding pixels. Grey is hidden. The smallest, those "
                   "around the median, then the first of the sample: chosen by rule, not by hand.");
    r->n_groups = 3;
    r->group = mem_alloc(3, sizeof *r->group);
    for (int g = 0; g < 3; g++) {
        r->group[g].heading = mem_string(heading[g]);
        r->group[g].n = g < 2 ? 5 : 10;
        r->group[g].item = mem_alloc((size_t)r->group[g].n, sizeof *r->group[g].item);
        for (int i = 0; i < r->group[g].n; i++) {
            struct gallery_item *item = &r->group[g].item[i];
            uint64_t seed = 20 + 10 * (uint64_t)g + (uint64_t)i;
            item->n = 2;
            item->picture[0] = fixture_picture(seed, 0, "Test picture", NULL);
            item->picture[1] = fixture_picture(seed, 8 + 60 * g, "Only its deciding pixels", NULL);
            item->line = mem_string("\u201cairplane\u201d 100.0%");
            item->note = mem_format("no. %d: %d pixels, %.1f%%", 27 + 9 * i, 8 + 60 * g, 100.0 * (8 + 60 * g) / PIXELS);
        }
    }
}

static void add_step(struct report *r, const char *text, const char *command)
{
    r->step = mem_resize(r->step, (size_t)r->n_steps + 1, sizeof *r->step);
    r->step[r->n_steps++] = (struct report_step){ mem_string(text), command ? mem_string(command) : NULL };
}

static void add_provenance(struct report *r, const char *key, const char *value, bool code)
{
    r->fact = mem_resize(r->fact, (size_t)r->n_facts + 1, sizeof *r->fact);
    r->fact[r->n_facts++] = (struct report_fact){ mem_string(key), mem_string(value), code };
}

struct report fixture_report(void)
{
    struct report r = { .kind = REPORT_MODEL, .subject = mem_string("resnet20") };
    r.program = mem_string("validate model, Marginalia 0.1.0");
    r.data = mem_string("CIFAR-10 test, 10,000 pictures");
    r.policy = mem_string("policy: cfg/release.conf");
    r.date = mem_string("21 November 2026, 18:57 UTC");
    r.lead = mem_string(
        "This model is sure of its answers when it sees only scattered pixels that tell a person nothing. Of 11 "
        "checks, 4 failed. Do not release it.");
    add_failures(&r);
    add_others(&r);
    add_step(&r,
             "Keep the model back. The program ended with exit status 1, so a release job that called it has stopped.",
             NULL);
    add_step(&r, "Train again with pixels dropped at random, so that no single pixel can be relied on.",
             "train cfg/resnet20_dropout.cfg");
    add_step(&r, "Run the check that could not run: its pictures are missing.",
             "tools/get-dataset cifar10-c\nvalidate model runs/resnet20 --only corrupt --resume");
    add_gallery(&r);
    add_provenance(&r, "Command", "validate model runs/resnet20 --policy cfg/release.conf --images 200 --seed 1", true);
    add_provenance(&r, "Exit status", "1: a check failed", false);
    add_provenance(&r, "Model", "runs/resnet20, 269,722 parameters, 1 member", false);
    add_provenance(&r, "Weights", "sha256 4f0c9d27a1e86b354f0c9d27a1e86b354f0c9d27a1e86b354f0c9d27a1e86b35", true);
    add_provenance(&r, "Intervals", "95%; Wilson for shares, bootstrap over pictures for medians", false);
    add_provenance(&r, "Seeds", "1 (pictures, random parts, bootstrap)", false);
    r.provenance = json_pack("{s:i,s:s}", "seed", 1, "isa", "avx2");
    r.verdict = check_verdict(r.check, r.n_checks);
    return r;
}

struct report fixture_report_empty(void)
{
    struct report r = { .kind = REPORT_DATASET, .subject = mem_string("empty"), .date = mem_string("") };
    r.verdict = check_verdict(NULL, 0);
    return r;
}

static void add_broken_figures(struct check *c)
{
    for (int kind = FIGURE_ROWS; kind <= FIGURE_PICTURES; kind++) {
        struct figure *f = check_add_figure(c, (enum figure_kind)kind); /* nothing in it */
        f = check_add_figure(c, (enum figure_kind)kind);
        head(f, "</svg><script>alert(1)</script>", "\"quoted\" & <b>", "nothing");
        f->x_low = NAN, f->x_high = INFINITY, f->y_low = 1e300, f->y_high = -1e300;
        f->x_log = true, f->has_limit = true, f->limit = NAN;
        figure_add_row(f, "a name that is far too long to stand on one line of a chart \u2014 and goes on \u2014 <&\">",
                       NAN, -INFINITY, INFINITY, TONE_ALERT);
        struct figure_series *s = figure_add_series(f, "<&\">", TONE_OPEN, 3);
        s->x[0] = NAN, s->x[1] = -INFINITY, s->x[2] = 1e300;
        for (int i = 0; s->y && i < 3; i++)
            s->y[i] = i == 1 ? 2 : NAN;
        figure_add_picture(f, 3, 2, 4, "", NULL);
        figure_add_picture(f, 300, 200, 3, "<&\">", "\xff\xfe <&\">");
        f->heat_w = 2, f->heat_h = 1, f->ring = 5;
        f->share = mem_alloc(2, sizeof *f->share);
        f->share[0] = NAN, f->share[1] = INFINITY;
    }
}

struct report fixture_report_hostile(void)
{
    static const char hostile[] = "<&\"'> \xff \x01 ]]> --> </style> | `x` \u20ac\nsecond line";
    struct report r = { .kind = REPORT_COMPARE, .subject = mem_string(hostile), .program = mem_string(hostile) };
    r.data = mem_string(hostile);
    r.lead = mem_string(hostile);
    r.gallery_rule = mem_string(hostile);
    for (int i = 0; i < 6; i++) {
        struct estimate e = { i % 2 ? NAN : -1e300, -INFINITY, INFINITY, i == 3 ? 0 : 5 };
        struct check c = make_check(i ? hostile : "plain", hostile, hostile, e, (enum unit)(i % 4), (enum side)(i % 3),
                                    i == 4 ? NAN : 0.1);
        c.status = (enum check_status)i;
        c.waiver = c.status == CHECK_WAIVED ? mem_string(hostile) : NULL;
        c.error = c.status == CHECK_ERROR ? mem_string(hostile) : NULL;
        add_fact(&c, hostile, hostile, 1);
        if (i == 0)
            add_broken_figures(&c);
        add(&r, c, hostile);
    }
    r.check = mem_resize(r.check, (size_t)r.n_checks + 1, sizeof *r.check);
    r.check[r.n_checks++] =
        (struct check){ .estimate = { NAN, NAN, NAN, 0 }, .status = CHECK_ERROR }; /* no texts at all */
    add_step(&r, hostile, hostile);
    add_provenance(&r, hostile, hostile, true);
    r.n_groups = 1;
    r.group = mem_alloc(1, sizeof *r.group);
    r.group[0].heading = mem_string(hostile); /* and no pictures */
    r.verdict = check_verdict(r.check, r.n_checks);
    return r;
}
