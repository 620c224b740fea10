#include <criterion/criterion.h>
#include <fenv.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/ridge.h"
#include "base/rng.h"

enum { ROWS = 1200, FEATURES = 20, CLASSES = 4, FOLDS = 5 };

struct rows {
    float *x;
    int *label, *answer;
    uint8_t *fold;
    struct ridge_problem p;
};

static struct rows rows_new(int n, int d)
{
    struct rows r = { mem_alloc((size_t)n * (size_t)d, sizeof(float)),
                      mem_alloc((size_t)n, sizeof(int)),
                      mem_alloc((size_t)n, sizeof(int)),
                      mem_alloc((size_t)n, 1),
                      { 0 } };
    r.p = (struct ridge_problem){ n, d, CLASSES, r.x, r.label, r.fold, FOLDS, 0.01 };
    for (int i = 0; i < n; i++)
        r.fold[i] = (uint8_t)(i * 7 / 3 % FOLDS);
    return r;
}

static void rows_free(struct rows *r)
{
    free(r->x);
    free(r->label);
    free(r->answer);
    free(r->fold);
}

static void solve(struct rows *r, int threads)
{
    struct team *team;
    struct err err;
    cr_assert(team_new(threads, false, &team, &err), "%s", err.text);
    bool ok = ridge_cross_validate(&r->p, team, r->answer, &err);
    team_free(team);
    cr_assert(ok, "%s", err.text);
}

static double right(const struct rows *r)
{
    int count = 0;
    for (int i = 0; i < r->p.n; i++)
        count += r->answer[i] == r->label[i];
    return (double)count / r->p.n;
}

/* Normal features; the label is the largest of CLASSES fixed combinations of them: a linear rule. */
static struct rows planted_rule(int n, int d)
{
    struct rows r = rows_new(n, d);
    struct rng rule = rng_stream(1, RNG_TEST, 0, 0);
    float w[CLASSES][FEATURES];
    for (int k = 0; k < CLASSES; k++)
        for (int j = 0; j < FEATURES; j++)
            w[k][j] = rng_normal(&rule);
    for (int i = 0; i < n; i++) {
        struct rng draw = rng_stream(1, RNG_TEST, 1, (uint32_t)i);
        float best = -INFINITY;
        for (int j = 0; j < d; j++)
            r.x[i * d + j] = rng_normal(&draw);
        for (int k = 0; k < CLASSES; k++) {
            float sum = 0;
            for (int j = 0; j < FEATURES; j++)
                sum += w[k][j] * r.x[i * d + j];
            if (sum > best)
                r.label[i] = k;
            best = fmaxf(best, sum);
        }
    }
    return r;
}

/* Two features in units of their own, two classes, four rows to learn from. By hand, on standardised features
 * z1 = (+1,+1,-1,-1), z2 = (+1,-1,+1,-1), uncorrelated, lambda 0.5: the output of class 1 is
 * 1/2 + (b1 z1 + b2 z2) / (1 + lambda) with b = mean of y z, y = (1,1,0,1): 3/4 + (1/4 z1 - 1/4 z2) / 1.5. Class 1 is
 * told when that is above 1/2: z2 - z1 < 1.5. */
Test(ridge, small_system_is_solved_as_by_hand)
{
    float x[] = { 12, -2, 12, -4, 8, -2, 8, -4, 10, 0.02f, 10, -0.02f - 1.5f, 10, -1.49f, 10, -1.51f };
    int label[] = { 1, 1, 0, 1, 0, 0, 0, 0 }, answer[8];
    uint8_t fold[] = { 0, 0, 0, 0, 1, 1, 1, 1 };
    struct rows r = { x, label, answer, fold, { 8, 2, 2, x, label, fold, 2, 0.5 } };
    for (int i = 4; i < 8; i++) { /* z1 = 0; feature 2 has mean -3, standard deviation 1 */
        static const float z2[] = { 1.51f, 1.49f, -1.6f, 0 };
        x[2 * i + 1] = z2[i - 4] - 3;
    }
    solve(&r, 1);
    static const int told[] = { 0, 1, 1, 1 };
    cr_assert(memcmp(answer + 4, told, sizeof told) == 0, "%d %d %d %d", answer[4], answer[5], answer[6], answer[7]);
    for (int i = 0; i < 4; i++)
        cr_assert(answer[i] == 0, "fitted on class 0 alone");
}

Test(ridge, finds_a_planted_linear_rule)
{
    struct rows r = planted_rule(ROWS, FEATURES);
    solve(&r, 1);
    cr_assert(right(&r) > 0.85, "%g", right(&r));
    rows_free(&r);
}

Test(ridge, is_at_chance_on_labels_that_have_nothing_to_do_with_the_features)
{
    struct rows r = planted_rule(ROWS, FEATURES);
    for (int i = 0; i < ROWS; i++) {
        struct rng draw = rng_stream(2, RNG_TEST, 2, (uint32_t)i);
        r.label[i] = (int)rng_below(&draw, CLASSES);
    }
    solve(&r, 1);
    double chance = 1.0 / CLASSES, sd = sqrt(chance * (1 - chance) / ROWS);
    cr_assert(fabs(right(&r) - chance) < 4 * sd, "%g", right(&r));
    rows_free(&r);
}

/* The row's own label is among its features in all folds but one where it is wrong: whoever fits on the fold that is
 * told would be right there. */
Test(ridge, never_learns_from_the_fold_that_it_answers)
{
    struct rows r = planted_rule(ROWS, FEATURES);
    for (int i = 0; i < ROWS; i++) {
        struct rng draw = rng_stream(3, RNG_TEST, 2, (uint32_t)i);
        r.label[i] = (int)rng_below(&draw, CLASSES);
        for (int k = 0; k < CLASSES; k++)
            r.x[i * FEATURES + k] = (r.fold[i] == 2 ? (r.label[i] + 1) % CLASSES : r.label[i]) == k;
    }
    solve(&r, 2);
    for (int i = 0; i < ROWS; i++)
        cr_assert(r.fold[i] != 2 || r.answer[i] == (r.label[i] + 1) % CLASSES, "row %d", i);
    rows_free(&r);
}

/* Without fold g, as if its rows were not there. */
Test(ridge, nested_answers_know_nothing_of_the_fold_that_is_left_out)
{
    struct rows all = planted_rule(ROWS, FEATURES), part = rows_new(ROWS, FEATURES);
    int *nested = mem_alloc(FOLDS * ROWS, sizeof *nested), differ = 0, others = 0;
    struct team *team;
    struct err err;
    cr_assert(team_new(2, false, &team, &err));
    cr_assert(ridge_cross_validate_nested(&all.p, team, all.answer, nested, &err));
    for (int i = 0; i < ROWS; i++) {
        if (all.fold[i] == 2) {
            cr_assert(nested[2 * ROWS + i] == -1);
            continue;
        }
        memcpy(part.x + others * FEATURES, all.x + i * FEATURES, FEATURES * sizeof(float));
        part.label[others] = all.label[i];
        part.fold[others++] = all.fold[i];
    }
    part.p.n = others;
    solve(&part, 1);
    for (int i = 0, k = 0; i < ROWS; i++)
        if (all.fold[i] != 2)
            differ += nested[2 * ROWS + i] != part.answer[k++];
    cr_assert(others < ROWS && differ <= 1, "%d of %d differ", differ, others); /* the scale rounds otherwise */
    team_free(team);
    free(nested);
    rows_free(&all);
    rows_free(&part);
}

Test(ridge, same_answers_for_every_number_of_threads)
{
    struct rows one = planted_rule(ROWS, FEATURES), many = planted_rule(ROWS, FEATURES);
    solve(&one, 1);
    for (int threads = 2; threads <= 7; threads += 5) {
        solve(&many, threads);
        cr_assert(memcmp(one.answer, many.answer, ROWS * sizeof(int)) == 0, "%d threads", threads);
    }
    rows_free(&one);
    rows_free(&many);
}

/* Constant columns, copies of others, and one that varies in a single fold change nothing. */
Test(ridge, features_that_tell_nothing_new_do_no_harm)
{
    enum { WIDE = FEATURES + 5 };
    struct rows plain = planted_rule(ROWS, FEATURES), wide = rows_new(ROWS, WIDE);
    for (int i = 0; i < ROWS; i++) {
        float *x = wide.x + i * WIDE, extra[5] = { 0, 3e8f, 0.1f, (float)(wide.fold[i] == 1) * (float)i, 0 };
        memcpy(x, plain.x + i * FEATURES, FEATURES * sizeof *x);
        memcpy(x + FEATURES, extra, sizeof extra);
        x[FEATURES + 4] = x[3];
        wide.label[i] = plain.label[i];
    }
    solve(&plain, 1);
    solve(&wide, 1);
    int differ = 0;
    for (int i = 0; i < ROWS; i++)
        differ += plain.fold[i] == 1 && plain.answer[i] != wide.answer[i];
    cr_assert(differ <= 2, "%d answers differ in the fold that alone has the feature", differ);
    cr_assert(fabs(right(&wide) - right(&plain)) < 0.01, "%g, without them %g", right(&wide), right(&plain));
    rows_free(&plain);
    rows_free(&wide);
}

Test(ridge, scale_and_shift_of_features_do_not_matter)
{
    struct rows plain = planted_rule(ROWS, FEATURES), moved = planted_rule(ROWS, FEATURES);
    for (int i = 0; i < ROWS * FEATURES; i++)
        moved.x[i] = ldexpf(moved.x[i], i % FEATURES - 10) + 1;
    solve(&plain, 1);
    solve(&moved, 1);
    int differ = 0;
    for (int i = 0; i < ROWS; i++)
        differ += plain.answer[i] != moved.answer[i];
    cr_assert(differ < ROWS / 100, "%d", differ); /* the shift rounds */
    rows_free(&plain);
    rows_free(&moved);
}

Test(ridge, fewer_rows_than_features_still_gives_an_answer_for_each)
{
    struct rows r = planted_rule(30, 200);
    solve(&r, 2);
    for (int i = 0; i < 30; i++)
        cr_assert(r.answer[i] >= 0 && r.answer[i] < CLASSES);
    rows_free(&r);
}

Test(ridge, class_that_a_training_part_lacks_is_never_told_there)
{
    struct rows r = planted_rule(ROWS, FEATURES);
    r.p.classes = 100000;
    for (int i = 0; i < ROWS; i++)
        r.label[i] = r.fold[i] == 3 ? 99999 : r.label[i];
    solve(&r, 2);
    for (int i = 0; i < ROWS; i++)
        cr_assert(r.fold[i] != 3 || r.answer[i] < CLASSES);
    rows_free(&r);
}

Test(ridge, nothing_to_learn_from_is_no_answer)
{
    float x[] = { 0, 1, 2 };
    int label[] = { 0, 1, 0 }, answer[] = { 7, 7, 7 };
    uint8_t fold[] = { 4, 4, 4 };
    struct rows r = { x, label, answer, fold, { 3, 1, 2, x, label, fold, FOLDS, 0.01 } };
    solve(&r, 2);
    cr_assert(answer[0] == -1 && answer[1] == -1 && answer[2] == -1);
    fold[2] = 0; /* one row to learn from: its class */
    solve(&r, 2);
    cr_assert(answer[0] == 0 && answer[1] == 0 && answer[2] >= 0);
}

Test(ridge, without_features_the_most_frequent_class_is_told)
{
    int label[] = { 2, 2, 1, 2, 0, 2 }, answer[6];
    uint8_t fold[] = { 0, 1, 2, 0, 1, 2 };
    struct rows r = { NULL, label, answer, fold, { 6, 0, 3, NULL, label, fold, 3, 0.01 } };
    solve(&r, 2);
    for (int i = 0; i < 6; i++)
        cr_assert(answer[i] == 2);
}

Test(ridge, feature_that_is_not_finite_is_refused)
{
    static const float bad[] = { NAN, INFINITY, -INFINITY };
    for (int k = 0; k < 3; k++) {
        struct rows r = planted_rule(ROWS, FEATURES);
        struct team *team;
        struct err err;
        r.x[7 * FEATURES + 3] = bad[k];
        cr_assert(team_new(1, false, &team, &err));
        cr_assert_not(ridge_cross_validate(&r.p, team, r.answer, &err));
        cr_assert(strstr(err.text, "feature 3 of row 7"), "%s", err.text);
        team_free(team);
        rows_free(&r);
    }
}

Test(ridge, leaves_the_floating_point_environment_as_it_was)
{
    volatile float smallest = FLT_MIN;
    struct rows r = planted_rule(ROWS, FEATURES);
    solve(&r, 2);
    cr_assert(smallest / 2 > 0, "denormals are lost");
    cr_assert(fegetround() == FE_TONEAREST);
    rows_free(&r);
}
