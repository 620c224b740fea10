#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
