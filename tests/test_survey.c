#include <criterion/criterion.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"
#include "tests/survey_fixture.h"

TestSuite(survey, .init = fixture_set_up, .fini = fixture_clean_up);

enum { IMAGES = 200 };

/* Class folders of small pictures, each with its number as colour; every `every`-th is no picture (0: none). */
static void make_set(int every)
{
    for (int i = 0; i < IMAGES; i++) {
        char *name = mem_format("set/train/%c/%03d.ppm", "abc"[i % 3], i);
        uint8_t pixels[4 * 4 * 3];
        memset(pixels, i, sizeof pixels);
        if (every && i % every == 0)
            fixture_text(name, "no picture");
        else
            fixture_image(name, 4, 4, 3, pixels);
        free(name);
    }
    uint8_t pixel[3] = { 1, 2, 3 };
    fixture_image("set/val/a/x.ppm", 1, 1, 3, pixel);
}

static void open_set(struct survey *s, int threads)
{
    survey_fixture_open(s, fixture_path("set"), threads);
}

Test(survey, sample_is_drawn_without_replacement_in_rising_order_with_even_folds)
{
    struct survey s;
    struct err err;
    int folds[SURVEY_FOLDS] = { 0 };
    make_set(0);
    open_set(&s, 2);
    cr_assert(survey_sample(&s, 102, &err), "%s", err.text);
    cr_assert_eq(s.n, 102);
    for (int k = 0; k < s.n; k++) {
        cr_assert(k == 0 || s.image[k] > s.image[k - 1]);
        cr_assert(s.image[k] < IMAGES && s.label[k] == s.data->label(s.data, SPLIT_TRAIN, s.image[k]));
        folds[s.fold[k]]++;
    }
    for (int f = 0; f < SURVEY_FOLDS; f++)
        cr_assert(folds[f] == 20 || folds[f] == 21);
    cr_assert_lt(s.image[s.n / 2], 140, "not the last ones");
    cr_assert_gt(s.image[s.n / 2], 60, "not the first ones");
    survey_fixture_close(&s);
}

/* The folds of a class must not all be the same one: pictures lie class by class. */
Test(survey, folds_do_not_follow_the_order_of_pictures)
{
    struct survey s;
    struct err err;
    int repeats = 0;
    make_set(0);
    open_set(&s, 1);
    cr_assert(survey_sample(&s, 0, &err) && s.n == IMAGES);
    for (int k = SURVEY_FOLDS; k < s.n; k++)
        repeats += s.fold[k] == s.fold[k - SURVEY_FOLDS];
    cr_assert(repeats > 10 && repeats < 100, "%d of 195", repeats);
    survey_fixture_close(&s);
}

static int64_t *sample_of(uint64_t seed, int threads, int64_t first, int64_t then, int *n)
{
    struct survey s;
    struct err err;
    open_set(&s, threads);
    s.seed = seed;
    cr_assert(survey_sample(&s, first, &err) && survey_sample(&s, then, &err));
    int64_t *pair = mem_alloc(2 * (size_t)s.n, sizeof *pair);
    for (int k = 0; k < s.n; k++) {
        pair[2 * k] = s.image[k];
        pair[2 * k + 1] = s.fold[k];
    }
    *n = s.n;
    survey_fixture_close(&s);
    return pair;
}

Test(survey, sample_depends_on_the_seed_alone)
{
    int n, m;
    make_set(7);
    int64_t *sample = sample_of(1, 1, 50, 50, &n), *again = sample_of(1, 3, 20, 50, &m);
    cr_assert(n == 50 && m == 50);
    cr_assert_eq(memcmp(sample, again, 2 * (size_t)n * sizeof *sample), 0, "threads or the order of calls matter");
    free(again);
    again = sample_of(2, 1, 50, 50, &m);
    cr_assert_neq(memcmp(sample, again, 2 * (size_t)n * sizeof *sample), 0);
    free(again);
    again = sample_of(1, 1, 50, 20, &m);
    cr_assert_eq(m, 50, "a smaller sample is there already");
    free(again);
    free(sample);
}

Test(survey, unreadable_pictures_are_replaced_with_facts_and_without)
{
    struct survey s;
    struct err err;
    make_set(2);
    open_set(&s, 2);
    cr_assert(survey_sample(&s, 60, &err) && s.n == 60);
    int64_t before[60];
    memcpy(before, s.image, sizeof before);
    cr_assert(survey_sample(&s, 150, &err), "%s", err.text);
    cr_assert_eq(s.n, IMAGES / 2, "there are no more");
    survey_fixture_close(&s);
    open_set(&s, 2);
    cr_assert(survey_facts(&s, &err) && survey_sample(&s, 60, &err) && s.n == 60);
    cr_assert_eq(memcmp(before, s.image, sizeof before), 0);
    survey_fixture_close(&s);
}

struct seen {
    _Atomic int times[IMAGES], other_worker;
    int threads;
    const struct survey *survey;
};

/* Rows of the sample from behind. */
static void look_at(void *self, int worker, int i, const float *x)
{
    struct seen *seen = self;
    const struct survey *s = seen->survey;
    int k = 89 - i;
    cr_assert(worker >= 0 && worker < seen->threads);
    seen->times[k]++;
    seen->other_worker += worker != 0;
    char *where = s->data->where(s->data, s->split, s->image[k]);
    int number = (int)strtol(strrchr(where, '/') + 1, NULL, 10);
    cr_assert_float_eq(x[5], (float)number / 255, 1e-6, "picture %s", where);
    free(where);
}

Test(survey, visit_shows_every_row_of_the_list_once)
{
    struct survey s;
    struct err err;
    make_set(0);
    open_set(&s, 2);
    struct seen seen = { .threads = 2, .survey = &s };
    int row[90];
    for (int i = 0; i < 90; i++)
        row[i] = 89 - i;
    cr_assert(survey_sample(&s, 90, &err) && survey_visit(&s, "looking", row, 90, look_at, &seen, NULL, 0, &err), "%s",
              err.text);
    for (int k = 0; k < IMAGES; k++)
        cr_assert_eq(seen.times[k], k < 90);
    survey_fixture_close(&s);
}

struct failing {
    _Atomic int calls, later;
};

/* 7 and 17 fail, 17 first. */
static bool fail_twice(void *self, int worker, int64_t i, struct err *err)
{
    struct failing *f = self;
    (void)worker;
    f->calls++;
    while (i == 7 && !f->later)
        sched_yield();
    if (i == 17)
        f->later = 1;
    return (i != 7 && i != 17) || err_run(err, "item %d", (int)i);
}

Test(survey, the_first_failure_by_number_wins_and_ends_the_work)
{
    struct survey s;
    struct err err;
    make_set(0);
    open_set(&s, 3);
    for (int repeat = 0; repeat < 20; repeat++) {
        struct failing f = { 0 };
        cr_assert_not(survey_each(&s, "failing", 100000000, fail_twice, &f, &err));
        cr_assert_str_eq(err.text, "item 7");
        cr_assert_lt(f.calls, 100000000);
    }
    survey_fixture_close(&s);
}

static bool always(void)
{
    return true;
}

static bool do_nothing(void *self, int worker, int64_t i, struct err *err)
{
    (void)worker, (void)i, (void)err;
    ++*(_Atomic int *)self;
    return true;
}

Test(survey, stops_when_the_user_asks)
{
    struct survey s;
    struct err err;
    _Atomic int calls = 0;
    make_set(0);
    open_set(&s, 1);
    s.stop = always;
    cr_assert(!survey_each(&s, "nothing", 1000, do_nothing, &calls, &err) && err.status == EXIT_INTERRUPTED);
    cr_assert_lt(calls, 1000);
    cr_assert(!survey_facts(&s, &err) && err.status == EXIT_INTERRUPTED && !s.facts[SPLIT_TRAIN]);
    s.stop = NULL;
    cr_assert(survey_facts(&s, &err), "an interrupted pass can be made again");
    cr_assert_eq(s.facts[SPLIT_TRAIN][IMAGES - 1].state, PICTURE_BLANK);
    survey_fixture_close(&s);
}

Test(survey, facts_are_those_of_every_picture_and_complaints_in_order)
{
    struct survey s;
    struct err err;
    make_set(9);
    open_set(&s, 2);
    cr_assert(survey_facts(&s, &err), "%s", err.text);
    cr_assert_eq(s.n_complaints, (IMAGES + 8) / 9);
    int64_t last = -1;
    for (int i = 0; i < s.n_complaints; i++) {
        const struct complaint *c = &s.complaint[i];
        cr_assert(c->split == SPLIT_TRAIN && c->image > last && strstr(c->text, ".ppm"));
        cr_assert_eq(s.facts[SPLIT_TRAIN][c->image].state, PICTURE_UNREADABLE);
        last = c->image;
    }
    for (int i = 0; i < IMAGES; i++) {
        const struct picture_facts *f = &s.facts[SPLIT_TRAIN][i];
        char *where = s.data->where(s.data, SPLIT_TRAIN, i);
        int number = (int)strtol(strrchr(where, '/') + 1, NULL, 10);
        cr_assert_eq(f->label, s.data->label(s.data, SPLIT_TRAIN, i));
        if (f->state != PICTURE_UNREADABLE) {
            cr_assert(f->h == 4 && f->c == 3 && f->file_bytes > 48 && f->jpeg_quality == 0);
            cr_assert_float_eq(f->brightness, (float)number / 255, 1e-4);
        }
        free(where);
    }
    cr_assert_eq(s.facts[SPLIT_TEST][0].w, 1);
    survey_fixture_close(&s);
}

Test(survey, of_many_complaints_the_first_thousand_are_kept)
{
    enum { MANY = 2500 };
    struct survey s;
    struct err err;
    fixture_text("set/a/0000.jpg", "no picture");
    for (int i = 1; i < MANY; i++) {
        char *from = mem_string(fixture_path("set/a/0000.jpg")),
             *to = mem_format("%.*s%04d.jpg", (int)strlen(from) - 8, from, i);
        cr_assert_eq(link(from, to), 0);
        free(to);
        free(from);
    }
    fixture_copy("set/b/good.jpg", "tests/data/flat.jpg");
    open_set(&s, 2);
    cr_assert(survey_facts(&s, &err), "%s", err.text);
    cr_assert_eq(s.n_complaints, 1000);
    for (int i = 0; i < 1000; i++)
        cr_assert_eq(s.complaint[i].image, i);
    cr_assert(survey_sample(&s, 10, &err) && s.n == 1 && s.image[0] == MANY);
    cr_assert_gt(s.facts[SPLIT_TRAIN][MANY].jpeg_quality, 0);
    survey_fixture_close(&s);
}

Test(survey, a_set_without_a_readable_picture_is_refused)
{
    struct survey s;
    struct err err;
    make_set(1);
    remove(fixture_path("set/val/a/x.ppm"));
    fixture_text("set/val/a/x.ppm", "");
    open_set(&s, 2);
    cr_assert(!survey_sample(&s, 5, &err) && strstr(err.text, "not one of its 200 pictures"), "%s", err.text);
    cr_assert(!survey_facts(&s, &err) && strstr(err.text, "not one picture can be read"), "%s", err.text);
    survey_fixture_close(&s);
}

Test(survey, majority_is_the_share_of_the_largest_class)
{
    struct survey s;
    struct err err;
    make_set(0);
    open_set(&s, 1);
    cr_assert(survey_sample(&s, 0, &err));
    cr_assert_float_eq(survey_majority(&s), 67.0 / 200, 1e-12);
    survey_fixture_close(&s);
}

Test(survey, suspects_are_kept_in_order)
{
    struct survey s;
    const struct suspect *suspect;
    make_set(0);
    open_set(&s, 1);
    for (int i = 0; i < 100; i++)
        survey_suspect(&s, SPLIT_TEST, i, "integrity", mem_format("reason %d", i));
    cr_assert_eq(survey_suspects(&s, &suspect), 100);
    cr_assert(suspect[77].image == 77 && suspect[77].split == SPLIT_TEST && strcmp(suspect[77].why, "reason 77") == 0);
    survey_fixture_close(&s);
}
