#include "tests/compare_fixture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/statistics.h"
#include "tests/report_fixture.h"

enum { SIDE = 32, PICTURES = 40, PAIRS = 100, WHOLE = 2000, MOST_QUESTIONS = 6 };

struct question {
    const char *kind, *id, *question, *measure, *of;
    enum unit unit, change_unit;
    enum side good;
    bool counted, median, guards, gates;
    double margin, base, spread, effect; /* effect: of a gain of 1 */
    int n;
};

static const struct question questions[MOST_QUESTIONS] = {
    { "sis.size", "sis.size@0.99", "Does it need more of a picture?", "of the picture, median change", "pairs",
      UNIT_SHARE, UNIT_POINTS, SIDE_AT_LEAST, false, true, false, true, 0.01, 0.09, 0.03, 0.03, PAIRS },
    { "border.share", "border.share@1,0.99", "Does the border count less?", "times the area, mean change", "pairs",
      UNIT_RATIO, UNIT_NUMBER, SIDE_AT_MOST, false, false, false, true, 0.1, 2.7, 0.5, -0.6, PAIRS },
    { "dilation", "dilation@0.99", "Does the answer hold better when more is shown?", "of the answers that are lost",
      "pairs", UNIT_SHARE, UNIT_POINTS, SIDE_AT_MOST, true, false, false, true, 0.05, 0.6, 0, -0.3, PAIRS },
    { "accuracy", "accuracy", "Is it more often right?", "of the pictures", "pictures", UNIT_SHARE, UNIT_POINTS,
      SIDE_AT_LEAST, true, false, true, true, 0.005, 0.915, 0, 0.03, WHOLE },
    { "rubbish", "rubbish", "Is it less sure of pictures without an object?", "of the certainty, mean change",
      "pictures", UNIT_SHARE, UNIT_POINTS, SIDE_AT_MOST, false, false, false, false, NAN, 0.55, 0.1, 0.1, PAIRS },
    { "accuracy", "accuracy@corrupt", "Is it more accurate on corrupted pictures?", "of the pictures", "pictures",
      UNIT_SHARE, UNIT_POINTS, SIDE_AT_LEAST, true, false, true, false, NAN, 0, 0, 0, 0 },
};

/* Sum of three uniform numbers: a bell of width 1. */
static double bell(struct rng *r)
{
    return rng_unit(r) + rng_unit(r) + rng_unit(r) - 1.5;
}

static void draw_values(const struct question *q, int candidate, double gain, struct paired *p)
{
    p->n = q->n;
    p->image = mem_alloc((size_t)p->n, sizeof *p->image);
    for (int k = 0; k < 2; k++)
        p->value[k] = mem_alloc((size_t)p->n, sizeof *p->value[k]);
    for (int i = 0; i < p->n; i++) {
        struct rng r = rng_stream(11, RNG_TEST, (uint64_t)i, q->n);
        double same = rng_unit(&r), wave = bell(&r);
        struct rng own = rng_stream(11 + (uint64_t)candidate, RNG_TEST, (uint64_t)i, 1 + strlen(q->kind));
        double a = q->base * exp(wave), b = a + q->spread * bell(&own) + gain * q->effect;
        if (q->counted) {
            a = same < q->base;
            b = (rng_unit(&own) < 0.03 ? rng_unit(&own) : same) < q->base + gain * q->effect;
        }
        p->image[i] = 3 * i;
        p->value[0][i] = a;
        p->value[1][i] = fmax(b, 0);
        p->rose += p->value[1][i] > p->value[0][i];
        p->fell += p->value[1][i] < p->value[0][i];
    }
}

static struct estimate own_estimate(const struct paired *p, int side)
{
    double *copy = mem_alloc((size_t)p->n, sizeof *copy), sum = 0;
    memcpy(copy, p->value[side], (size_t)p->n * sizeof *copy);
    for (int i = 0; i < p->n; i++)
        sum += copy[i];
    struct interval in = p->counted  ? wilson((int64_t)sum, p->n)
                         : p->median ? bootstrap_median(copy, p->n, 200, 1)
                                     : bootstrap_mean(copy, p->n, 200, 1);
    struct estimate e = { p->median ? median(copy, p->n) : sum / p->n, in.low, in.high, p->n };
    free(copy);
    return e;
}

static void estimate_change(const struct question *q, double confidence, struct paired *p, struct check *out)
{
    double *change = mem_alloc((size_t)p->n, sizeof *change), sum = 0;
    for (int i = 0; i < p->n; i++) {
        change[i] = p->value[1][i] - p->value[0][i];
        sum += change[i];
    }
    struct interval in = p->counted  ? paired_difference(p->rose, p->fell, p->n, confidence)
                         : p->median ? bootstrap_median_at(confidence, change, p->n, 500, 1)
                                     : bootstrap_mean_at(confidence, change, p->n, 500, 1);
    if (p->median) {
        struct interval mean = bootstrap_mean_at(confidence, change, p->n, 500, 1);
        p->second = (struct estimate){ sum / p->n, mean.low, mean.high, p->n };
    }
    out->estimate = (struct estimate){ p->median ? median(change, p->n) : sum / p->n, in.low, in.high, p->n };
    p->p_value = q->counted ? mcnemar(p->rose, p->fell) : (double)NAN;
    free(change);
}

static void set_status(struct paired *p, struct check *out)
{
    p->change = comparison_change(&out->estimate, out->side, p->margin);
    out->status = p->change == CHANGE_ERROR       ? CHECK_ERROR
                  : !out->gates                   ? CHECK_REPORTED
                  : p->change == CHANGE_WORSE     ? CHECK_FAIL
                  : p->change == CHANGE_UNDECIDED ? CHECK_INCONCLUSIVE
                                                  : CHECK_PASS;
}

static void fill_row(const struct comparison *c, const struct question *q, int candidate, double gain, struct paired *p,
                     struct check *out)
{
    *p = (struct paired){ .candidate = candidate,
                          .guards = q->guards,
                          .counted = q->counted,
                          .median = q->median,
                          .margin = q->margin,
                          .unit = q->unit,
                          .p_value = NAN };
    *out = (struct check){ .kind = mem_string(q->kind),
                           .question = mem_string(q->question),
                           .measure = mem_string(q->measure),
                           .of = q->of,
                           .unit = q->change_unit,
                           .side = q->good,
                           .gates = q->gates };
    out->id = c->n_subjects > 2 ? mem_format("%s/%c", q->id, 'A' + candidate) : mem_string(q->id);
    out->asks = mem_string("We ask both models about the same pictures, and subtract, picture by picture.");
    out->limit = isnan(q->margin) ? 0 : q->good == SIDE_AT_LEAST ? -q->margin : q->margin;
    if (q->n) {
        draw_values(q, candidate, gain, p);
        p->a = own_estimate(p, 0);
        p->b = own_estimate(p, 1);
        estimate_change(q, c->confidence, p, out);
    } else {
        out->estimate = p->a = p->b = (struct estimate){ NAN, NAN, NAN, 0 };
        out->error = mem_string("datasets/cifar10-c.conf:3: datasets/cifar10-c: no such directory; tools/get-dataset "
                                "cifar10-c gets it");
    }
    set_status(p, out);
}

/* --- pictures ------------------------------------------------------------------------------------------------------
 */

static int part_of(int i, int subject)
{
    struct rng r = rng_stream(21 + (uint64_t)subject, RNG_TEST, (uint64_t)i, 0);
    return i % 9 == 8 && subject == 0 ? -1 : (int)(120 * rng_unit(&r)) + 20 * subject + 4;
}

static void show(void *shower, int i, int subject, struct picture *out)
{
    (void)shower;
    *out = fixture_picture(40 + (uint64_t)i, subject < 0 ? 0 : part_of(i, subject), "", NULL);
    free(out->alt);
    out->alt = NULL;
}

static void mask(void *shower, int i, int subject, uint8_t *kept)
{
    (void)shower;
    for (int k = 0; k < SIDE * SIDE; k++) {
        int x = k % SIDE, y = k / SIDE;
        bool border = x < 1 || y < 1 || x >= SIDE - 1 || y >= SIDE - 1;
        struct rng r = rng_stream(31 + (uint64_t)subject, RNG_TEST, (uint64_t)i, (uint64_t)k);
        kept[k] = rng_unit(&r) < (border ? 0.5 - 0.15 * subject : 0.1);
    }
}

static const char *const class_names[] = { "airplane", "cat", "dog", "frog", "ship" };

static void add_pictures(struct comparison *c)
{
    c->class_name = class_names;
    c->classes = 5;
    c->n_pictures = PICTURES;
    c->threshold = 0.99;
    c->pixels = SIDE * SIDE;
    c->width = 1;
    c->show = show;
    c->mask = mask;
    c->picture = mem_alloc(PICTURES, sizeof *c->picture);
    for (int i = 0; i < PICTURES; i++)
        c->picture[i] = (struct comparison_picture){ 3 * i, i % 5, class_names[i % 5] };
    for (int k = 0; k < c->n_subjects; k++) {
        struct comparison_subject *s = &c->subject[k];
        s->predicted = mem_alloc(PICTURES, sizeof *s->predicted);
        s->confidence = mem_alloc(PICTURES, sizeof *s->confidence);
        s->part = mem_alloc(PICTURES, sizeof *s->part);
        s->part_sure = mem_alloc(PICTURES, sizeof *s->part_sure);
        for (int i = 0; i < PICTURES; i++) {
            s->predicted[i] = i % 11 == 10 ? (i + 1) % 5 : i % 5;
            s->confidence[i] = s->part_sure[i] = 0.995F;
            s->part[i] = part_of(i, k);
        }
    }
}

/* --- the whole -----------------------------------------------------------------------------------------------------
 */

static void add_subjects(struct comparison *c, int n)
{
    static const char *const name[] = { "resnet20", "ensemble3", "resnet20_dropout", "resnet20_blocks" };
    c->n_subjects = n;
    c->subject = mem_alloc((size_t)n, sizeof *c->subject);
    for (int k = 0; k < n; k++) {
        int members = k == 1 ? 3 : 1;
        c->subject[k] = (struct comparison_subject){ .letter = (char)('A' + k),
                                                     .name = mem_string(name[k]),
                                                     .path = mem_format("runs/%s", name[k]),
                                                     .members = members,
                                                     .parameters = (int64_t)members * 269722,
                                                     .training_s = members * 7264.0,
                                                     .training_threads = 2,
                                                     .inference_s = members * 0.00042,
                                                     .inference_low_s = members * 0.00041,
                                                     .inference_high_s = members * 0.00044,
                                                     .memory_bytes = members * 12.4e6,
                                                     .batch = 64 };
        memset(c->subject[k].cfg, '0' + k, SHA256_HEX - 1);
        memset(c->subject[k].weights, 'a' + k, SHA256_HEX - 1);
    }
}

static void add_head(struct report *r)
{
    r->kind = REPORT_COMPARE;
    r->subject = mem_string("ensemble3 against resnet20");
    r->program = mem_string("validate compare, Marginalia 0.1.0");
    r->data = mem_string("CIFAR-10 test, 10,000 pictures");
    r->policy = mem_string("policy: cfg/compare.conf");
    r->date = mem_string("21 November 2026, 19:02 UTC");
    r->fact = mem_alloc(2, sizeof *r->fact);
    r->fact[r->n_facts++] = (struct report_fact){ mem_string("Command"),
                                                  mem_string("validate compare runs/resnet20 runs/ensemble3 --images "
                                                             "120 --seed 1"),
                                                  true };
    r->fact[r->n_facts++] = (struct report_fact){ mem_string("Seed"), mem_string("1"), false };
    r->provenance = json_pack("{s:i}", "seed", 1);
}

static char *words[] = { (char *)"validate", (char *)"compare", (char *)"runs/resnet20", (char *)"runs/ensemble3",
                         (char *)"--images", (char *)"120",     (char *)"--resume" };
enum { WORDS = sizeof words / sizeof *words };

static struct comparison make(int candidates, double gain, int n_questions)
{
    struct comparison c = { .n_questions = n_questions,
                            .needs_better = true,
                            .draws = 2000,
                            .decisions = 4 * candidates,
                            .confidence = 1 - 0.05 / (4 * candidates) };
    int rows = n_questions * candidates;
    add_head(&c.report);
    add_subjects(&c, candidates + 1);
    add_pictures(&c);
    c.paired = mem_alloc((size_t)rows, sizeof *c.paired);
    c.report.check = mem_alloc((size_t)rows, sizeof *c.report.check);
    for (int k = 1; k <= candidates; k++)
        for (int i = 0; i < n_questions; i++, c.report.n_checks++)
            fill_row(&c, &questions[i], k, gain, &c.paired[c.report.n_checks], &c.report.check[c.report.n_checks]);
    comparison_decide(&c);
    comparison_describe(&c, WORDS, words);
    return c;
}

struct comparison fixture_comparison(int candidates, double gain)
{
    return make(candidates, gain, MOST_QUESTIONS);
}

struct comparison fixture_comparison_clean(int candidates, double gain)
{
    return make(candidates, gain, MOST_QUESTIONS - 1);
}

struct comparison fixture_comparison_empty(void)
{
    struct comparison c = { .needs_better = true, .report = { .kind = REPORT_COMPARE } };
    add_subjects(&c, 2);
    comparison_decide(&c);
    comparison_describe(&c, WORDS, words);
    return c;
}

struct comparison fixture_comparison_hostile(void)
{
    static const char hostile[] = "<&\"'> \xff \x01 ]]> --> </style> | `x` {A} %s\nsecond line";
    struct comparison c = { .n_questions = 5, .decisions = 1, .confidence = 0.95 };
    add_subjects(&c, 2);
    for (int k = 0; k < 2; k++) {
        struct comparison_subject *s = &c.subject[k];
        free(s->name);
        s->name = mem_string(hostile);
        s->training_s = s->inference_s = s->memory_bytes = NAN;
        s->inference_low_s = INFINITY;
        s->parameters = s->training_threads = s->batch = -1;
    }
    c.report = (struct report){ .kind = REPORT_COMPARE, .subject = mem_string(hostile) };
    c.paired = mem_alloc(5, sizeof *c.paired);
    c.report.check = mem_alloc(5, sizeof *c.report.check);
    for (int i = 0; i < 5; i++) {
        double far = i == 1 ? INFINITY : 1e300;
        struct check *check = &c.report.check[c.report.n_checks++];
        *check = (struct check){ .id = mem_string(hostile),
                                 .kind = mem_string(i ? hostile : "sis.size"),
                                 .question = mem_string(hostile),
                                 .measure = mem_string(hostile),
                                 .gates = i < 4,
                                 .unit = (enum unit)i % 4,
                                 .side = (enum side)(i % 3),
                                 .limit = i == 3 ? (double)NAN : 0,
                                 .estimate = { i == 2 ? (double)NAN : 0.5, -far, far, i == 4 ? 0 : 5 } };
        c.paired[i] = (struct paired){ .candidate = 1,
                                       .margin = NAN,
                                       .p_value = NAN,
                                       .unit = (enum unit)(i % 4),
                                       .a = { NAN, -far, far, 1 },
                                       .b = { 1e300, 0, INFINITY, 0 },
                                       .n = i == 3 ? 2 : 0 };
        if (i == 3)
            for (int k = 0; k < 2; k++) {
                c.paired[i].value[k] = mem_alloc(2, sizeof(double));
                c.paired[i].value[k][0] = k ? (double)NAN : INFINITY;
            }
        set_status(&c.paired[i], check);
        check->error = check->status == CHECK_ERROR ? mem_string(hostile) : NULL;
    }
    comparison_decide(&c);
    comparison_describe(&c, WORDS, words);
    return c;
}
