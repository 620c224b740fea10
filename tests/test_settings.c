#include <criterion/criterion.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/settings.h"

static bool quiet, given;
static long long epochs;
static double rate;
static const char *out, *precision, *positional[2];
static int n_positional;
static struct err err;

static const struct setting table[] = {
    { .name = "quiet", .letter = 'q', .kind = SETTING_FLAG, .value = &quiet, .help = "no progress" },
    { .name = "epochs", .letter = 'e', .kind = SETTING_INT, .value = &epochs, .min = 1, .max = 1000, .argument = "N",
      .help = "passes over the training split", .given = &given },
    { .name = "rate", .kind = SETTING_REAL, .value = &rate, .min = -1, .max = 10, .argument = "R",
      .help = "step size" },
    { .name = "out", .letter = 'o', .kind = SETTING_STRING, .value = &out, .argument = "DIR",
      .help = "where results go" },
    { .name = "precision", .kind = SETTING_CHOICE, .value = &precision, .choices = "f32|bf16", .help = "of operands" },
};

static const struct settings settings = {
    .program = "train", .usage = "CFG [options]", .summary = "trains a classifier", .table = table, .n = 5,
    .min_positional = 1, .max_positional = 2, .examples = "  train cfg/a.cfg\n",
};

static void reset(void)
{
    quiet = given = false;
    epochs = 30;
    rate = 0.1;
    out = NULL;
    precision = "f32";
}

TestSuite(settings, .init = reset);

/* Words separated by single blanks. */
static bool parse(const char *line)
{
    static char copy[1000];
    char *argv[20] = { "train" };
    int argc = 1;
    reset();
    cr_assert_lt(snprintf(copy, sizeof copy, "%s", line), (int)sizeof copy);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    return settings_parse(&settings, argc, argv, positional, &n_positional, &err);
}

static void refuse(const char *line, const char *part)
{
    cr_assert_not(parse(line), "accepted: %s", line);
    cr_assert_eq(err.status, EXIT_USAGE);
    cr_assert_not_null(strstr(err.text, part), "%s: '%s' lacks '%s'", line, err.text, part);
}

Test(settings, all_forms_are_accepted)
{
    cr_assert(parse("a.cfg -q --epochs 12 --rate=-0.5 -o runs/x --precision bf16"), "%s", err.text);
    cr_assert(quiet && given && epochs == 12 && rate == -0.5);
    cr_assert_str_eq(out, "runs/x");
    cr_assert_str_eq(precision, "bf16");
    cr_assert_eq(n_positional, 1);
    cr_assert_str_eq(positional[0], "a.cfg");
    cr_assert(parse("-e 7 a --rate -1 b"), "%s", err.text);
    cr_assert(epochs == 7 && rate == -1 && n_positional == 2);
}

Test(settings, what_is_not_given_keeps_its_default)
{
    cr_assert(parse("a.cfg"));
    cr_assert(!quiet && !given && epochs == 30 && rate == 0.1 && !out);
}

Test(settings, after_two_dashes_all_is_positional)
{
    cr_assert(parse("-q -- --epochs"), "%s", err.text);
    cr_assert_str_eq(positional[0], "--epochs");
    cr_assert(parse("-"), "%s", err.text);
    cr_assert_str_eq(positional[0], "-");
}

Test(settings, unknown_options_are_refused_with_the_nearest_name)
{
    refuse("a --epoch 3", "did you mean --epochs?");
    refuse("a --eopchs 3", "did you mean --epochs?");
    refuse("a --presicion=f32", "did you mean --precision?");
    refuse("a --hepl", "did you mean --help?");
    refuse("a --zzzzzz", "train --help lists");
    refuse("a -z", "unknown option -z");
    refuse("a -qe", "unknown option -qe");
    refuse("a -e=3", "unknown option -e=3");
    refuse("a ---quiet", "unknown option ---quiet");
    refuse("a --=3", "unknown option");
}

Test(settings, wrong_values_are_refused)
{
    refuse("a --epochs 0", "from 1 to 1000");
    refuse("a --epochs 1001", "from 1 to 1000");
    refuse("a --epochs 3x", "whole number");
    refuse("a --epochs=", "whole number");
    refuse("a --epochs 1e2", "whole number");
    refuse("a --epochs 99999999999999999999", "whole number");
    refuse("a --rate nan", "number from -1 to 10");
    refuse("a --rate inf", "number");
    refuse("a --rate 1e999", "number");
    refuse("a --rate 0x1p3", "number");
    refuse("a --rate 10.5", "number");
    refuse("a --rate 1..5", "number");
    refuse("a --precision f23", "did you mean f32?");
    refuse("a --precision f32|bf16", "must be one of f32|bf16");
    refuse("a --precision f3", "must be one of");
    refuse("a --out=", "--out: the value is empty");
    refuse("a --quiet=yes", "takes no value");
}

Test(settings, missing_values_and_repeated_options_are_refused)
{
    refuse("a --epochs", "--epochs has no value; give N");
    refuse("a --out --quiet", "--out has no value; give DIR");
    refuse("a --out --other", "--out has no value");
    refuse("a --out -q", "--out has no value");
    refuse("a --epochs 3 -e 4", "given twice");
    refuse("a -q -q", "given twice");
}

Test(settings, wrong_number_of_arguments_is_refused)
{
    refuse("-q", "too few arguments; usage: train CFG [options]");
    refuse("a b c", "unexpected argument c");
    refuse("a b -- c", "unexpected argument c");
}

Test(settings, asks_finds_help_only_where_options_may_stand)
{
    char *argv[] = { "train", "a", "--help", NULL }, *after[] = { "train", "--", "--help", NULL };
    cr_assert(settings_asks(3, argv, "help"));
    cr_assert_not(settings_asks(3, argv, "version"));
    cr_assert_not(settings_asks(3, after, "help"));
}

Test(settings, help_names_every_option_with_its_default_and_keeps_the_width)
{
    char *text;
    size_t n;
    FILE *stream = open_memstream(&text, &n);
    settings_help(&settings, stream);
    fclose(stream);
    for (int i = 0; i < settings.n; i++) {
        cr_assert_not_null(strstr(text, table[i].name));
        cr_assert_not_null(strstr(text, table[i].help));
    }
    cr_assert_not_null(strstr(text, "-e, --epochs N"));
    cr_assert_not_null(strstr(text, "(default 30)"));
    cr_assert_not_null(strstr(text, "--precision f32|bf16"));
    cr_assert_not_null(strstr(text, "--help"));
    cr_assert_not_null(strstr(text, "usage: train CFG [options]"));
    cr_assert_not_null(strstr(text, "train cfg/a.cfg"));
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        cr_assert_leq(strlen(line), 100, "%s", line);
        cr_assert_neq(line[strlen(line) - 1], ' ', "%s", line);
    }
    free(text);
}

Test(settings, help_breaks_long_lines_between_words)
{
    char words[1000] = "", *text;
    for (int i = 0, used = 0; i < 60; i++)
        used += snprintf(words + used, sizeof words - (size_t)used, "%s", i % 2 ? "mitigation " : "of ");
    bool flag;
    struct setting one = { .name = "x", .kind = SETTING_FLAG, .value = &flag, .help = words };
    struct settings s = { .program = "p", .usage = "u", .summary = "s", .table = &one, .n = 1 };
    size_t n;
    FILE *stream = open_memstream(&text, &n);
    settings_help(&s, stream);
    fclose(stream);
    int count = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        cr_assert_leq(strlen(line), 100, "%s", line);
        for (char *at = line; (at = strstr(at, "mitigation")); at++)
            count++;
    }
    cr_assert_eq(count, 30);
    free(text);
}

Test(settings, numbers_must_be_the_whole_text)
{
    long long i;
    double x;
    cr_assert(parse_int("-9223372036854775808", LLONG_MIN, LLONG_MAX, &i) && i == LLONG_MIN);
    cr_assert_not(parse_int("9223372036854775808", LLONG_MIN, LLONG_MAX, &i));
    cr_assert(parse_real("-1.5e-3", -1, 1, &x) && x == -1.5e-3);
    cr_assert(parse_real(".5", -1, 1, &x) && x == 0.5);
    const char *bad[] = { "", " 1", "1 ", "+1", "-", "0x10", "1,5", "--1", "one", "1\n" };
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        cr_assert_not(parse_int(bad[k], -100, 100, &i), "'%s'", bad[k]);
        cr_assert_not(parse_real(bad[k], -100, 100, &x), "'%s'", bad[k]);
    }
    const char *not_real[] = { "nan", "inf", "-inf", "1e", "e5", ".", "1e400", "-NAN" };
    for (size_t k = 0; k < sizeof not_real / sizeof *not_real; k++)
        cr_assert_not(parse_real(not_real[k], -INFINITY, INFINITY, &x), "'%s'", not_real[k]);
    cr_assert_not(parse_real("0.5", NAN, 1, &x));
}

Test(settings, nearest_word_suggests_only_what_looks_alike)
{
    char word[16];
    cr_assert_str_eq(nearest_word("convolutinal", "connected|convolutional|route", word, 16), "convolutional");
    cr_assert_null(nearest_word("zebra", "connected|convolutional|route", word, 16));
    cr_assert_null(nearest_word("abc", "", word, 16));
    cr_assert_null(nearest_word("x", "ab|cd", word, 16));
    cr_assert_null(nearest_word("a", "b|cd", word, 16), "nothing in common");
    cr_assert_null(nearest_word("dropout", "connected|maxpool", word, 16));
    cr_assert_str_eq(nearest_word("rout", "roux|route", word, 16), "roux", "the first of equals");
    char small[4];
    cr_assert_null(nearest_word("rout", "route", small, 4), "no room for the word");
    char longer[200];
    memset(longer, 'a', 199);
    longer[199] = '\0';
    cr_assert_null(nearest_word(longer, "aaaa", word, 16));
    char roomy[300];
    cr_assert_null(nearest_word("aaaa", longer, roomy, 300));
}

Test(settings, a_list_collects_what_is_given_again_and_again)
{
    struct setting_list list = { 0 };
    const struct setting row = { .name = "waive", .kind = SETTING_LIST, .value = &list, .argument = "A=B" };
    const struct settings s = { .program = "x", .usage = "", .table = &row, .n = 1 };
    char *argv[] = { "x", "--waive", "a=1", "--waive=b=2", "--waive", "" };

    cr_assert(settings_parse(&s, 4, argv, positional, &n_positional, &err), "%s", err.text);
    cr_assert_eq(list.n, 2);
    cr_assert_str_eq(list.text[0], "a=1");
    cr_assert_str_eq(list.text[1], "b=2");
    cr_assert_not(settings_parse(&s, 6, argv, positional, &n_positional, &err));
    cr_assert_not_null(strstr(err.text, "the value is empty; give A=B"));
}

Test(settings, a_list_has_an_end)
{
    struct setting_list list = { 0 };
    const struct setting row = { .name = "waive", .kind = SETTING_LIST, .value = &list, .argument = "A=B" };
    const struct settings s = { .program = "x", .usage = "", .table = &row, .n = 1 };
    char *argv[SETTING_LIST_LONGEST + 2];

    argv[0] = "x";
    for (int i = 1; i < SETTING_LIST_LONGEST + 2; i++)
        argv[i] = "--waive=a";
    cr_assert(settings_parse(&s, SETTING_LIST_LONGEST + 1, argv, positional, &n_positional, &err), "%s", err.text);
    list.n = 0;
    cr_assert_not(settings_parse(&s, SETTING_LIST_LONGEST + 2, argv, positional, &n_positional, &err));
}
