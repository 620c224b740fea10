#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/team.h"
#include "train/options.h"

/* Parses words separated by blanks, after the program's name. */
static bool parse(const char *words, struct train_options *o, struct err *err)
{
    static char text[256];
    char *argv[32] = { (char *)"train" };
    int argc = 1;

    snprintf(text, sizeof text, "%s", words);
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    return options_parse(o, argc, argv, err);
}

static void expect_directory(const char *words, const char *wanted)
{
    struct train_options o;
    struct err err;

    cr_assert(parse(words, &o, &err), "%s", err.text);
    char *path = options_directory(&o);
    cr_assert_str_eq(path, wanted);
    free(path);
}

Test(options, without_any_the_defaults_hold)
{
    struct train_options o;
    struct err err;

    cr_assert(parse("cfg/x.cfg", &o, &err), "%s", err.text);
    cr_assert_str_eq(o.cfg, "cfg/x.cfg");
    cr_assert_eq(o.seed, -1);
    cr_assert_eq(o.epochs, 0);
    cr_assert_eq(o.threads, team_available_cpus());
    cr_assert_eq(o.checkpoint_seconds, 60);
    cr_assert(!o.resume && !o.overwrite && !o.quiet && !o.weights);
}

Test(options, values_and_letters_are_taken)
{
    struct train_options o;
    struct err err;

    cr_assert(parse("-s 7 x.cfg --epochs=3 -q --weights a.weights --checkpoint-every 0.5", &o, &err), "%s", err.text);
    cr_assert_eq(o.seed, 7);
    cr_assert_eq(o.epochs, 3);
    cr_assert(o.quiet);
    cr_assert_str_eq(o.weights, "a.weights");
    cr_assert_eq(o.checkpoint_seconds, .5);
}

Test(options, the_run_directory_is_named_after_the_cfg)
{
    expect_directory("cfg/resnet20.cfg", "runs/resnet20");
    expect_directory("x.y.cfg", "runs/x.y");
    expect_directory("plain", "runs/plain");
    expect_directory("a.b/plain", "runs/plain");
    expect_directory("x.cfg --out here", "here");
}

Test(options, a_part_to_leave_out_is_one_of_a_number_of_parts)
{
    static const char *const bad[] = { "1", "0/5", "6/5", "1/1", "1/1001", "/5", "1/", "-1/5", "1/5/2", "a/b", "1.5/5" };
    struct train_options o;
    struct err err;
    char words[64];

    cr_assert(parse("x.cfg", &o, &err) && o.parts == 0);
    cr_assert(parse("x.cfg --without 1/2", &o, &err) && o.without == 0 && o.parts == 2, "%s", err.text);
    cr_assert(parse("x.cfg --without=1000/1000", &o, &err) && o.without == 999 && o.parts == 1000);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(words, sizeof words, "x.cfg --without=%s", bad[i]);
        cr_expect_not(parse(words, &o, &err), "%s", words);
        cr_expect(err.status == EXIT_USAGE && strstr(err.text, "must be K/N"), "%s", err.text);
    }
}

Test(options, views_are_words_of_their_own)
{
    struct train_options o;
    struct err err;

    cr_assert(parse("x.cfg --view border:4 --baseline noise --mask-order after", &o, &err), "%s", err.text);
    cr_assert_str_eq(o.view, "border:4");
    cr_assert_str_eq(o.baseline, "noise");
    cr_assert_str_eq(o.mask_order, "after");
    cr_assert_not(parse("x.cfg --baseline grey", &o, &err));
    cr_assert_not(parse("x.cfg --mask-order during", &o, &err));
}

Test(options, a_members_directory_is_in_that_of_its_ensemble)
{
    expect_directory("cfg/x.cfg --member 3", "runs/x/member_3");
    expect_directory("cfg/x.cfg --member 64 --out here/", "here//member_64");
}

Test(options, runs_to_join_take_the_place_of_the_cfg)
{
    struct train_options o;
    struct err err;

    cr_assert(parse("--join all a b --combine probability", &o, &err), "%s", err.text);
    cr_assert_str_eq(o.join, "all");
    cr_assert(o.n_runs == 2 && strcmp(o.run[0], "a") == 0 && strcmp(o.run[1], "b") == 0);
    cr_assert_not(parse("--join all a", &o, &err));
    cr_assert_not(parse("a.cfg b.cfg", &o, &err));
    cr_assert_not(parse("a.cfg --member 2 --jobs 2", &o, &err));
}

/* "a b c", free() it. */
static char *words_of(const struct train_options *o)
{
    struct process_words w = { 0 };
    char *text = mem_string("");

    options_words(o, &w);
    for (int i = 0; i < w.n; i++) {
        char *longer = mem_format("%s%s%s", text, i ? " " : "", w.word[i]);
        free(text);
        text = longer;
    }
    process_words_free(&w);
    return text;
}

static void expect_words(const char *given, const char *wanted)
{
    struct train_options o;
    struct err err;

    cr_assert(parse(given, &o, &err), "%s", err.text);
    char *words = words_of(&o);
    cr_expect_str_eq(words, wanted);
    free(words);
}

Test(options, words_say_what_differs_from_the_defaults)
{
    expect_words("x.cfg", "");
    expect_words("-s 0 -q x.cfg --epochs 3 -r", "--seed=0 --epochs=3 --resume --quiet");
    expect_words("x.cfg --checkpoint-every 0.1", "--checkpoint-every=0.10000000000000001");
    expect_words("x.cfg --without 2/5 --view border:4", "--view=border:4 --without=2/5");
    expect_words("x.cfg --limit-train 7 --member 2 --out a", "--out=a --member=2 --limit-train=7");
}

Test(options, help_lists_every_option_and_shows_no_default_that_is_none)
{
    char *text;
    size_t n;
    FILE *out = open_memstream(&text, &n);

    options_help(out);
    fclose(out);
    cr_assert(strstr(text, "--checkpoint-batches N"));
    cr_assert(strstr(text, "(default 60)"));
    cr_assert(!strstr(text, "(default -1)") && !strstr(text, "(default 0)"));
    free(text);
}
