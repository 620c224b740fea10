#include <criterion/criterion.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"

static char directory[64];
static struct err err;

static void enter(void)
{
    snprintf(directory, sizeof directory, "/tmp/marginalia-test-XXXXXX");
    cr_assert_not_null(mkdtemp(directory));
    cr_assert_eq(chdir(directory), 0);
}

static void leave(void)
{
    unlink("a");
    cr_assert_eq(rmdir(directory), 0, "something was left behind");
}

TestSuite(json, .init = enter, .fini = leave);

static void put(const char *text)
{
    cr_assert(file_write("a", text, strlen(text), &err), "%s", err.text);
}

static void expect_content(const char *want)
{
    char *text;
    size_t n;
    cr_assert(file_read("a", 1 << 20, &text, &n, &err), "%s", err.text);
    cr_assert_str_eq(text, want);
    free(text);
}

Test(json, saved_file_keeps_order_and_seventeen_digits)
{
    json_t *root = json_pack("{s:i, s:f, s:o}", "zebra", 1, "apple", 0.1, "none", json_finite(NAN));
    cr_assert(json_save(root, "a", &err), "%s", err.text);
    expect_content("{\n  \"zebra\": 1,\n  \"apple\": 0.10000000000000001,\n  \"none\": null\n}\n");
    json_decref(root);
}

Test(json, reals_come_back_bit_for_bit)
{
    double values[] = { 1.0 / 3, 1e-300, 123456789.123456789, -0.1f, 5e-324 };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        json_t *root = json_pack("[f]", values[i]), *back;
        cr_assert(json_save(root, "a", &err));
        cr_assert(json_open("a", 1000, &back, &err), "%s", err.text);
        cr_assert_eq(json_real_value(json_array_get(back, 0)), values[i]);
        json_decref(root);
        json_decref(back);
    }
}

Test(json, nan_is_refused_with_the_name_of_the_file)
{
    cr_assert_null(json_pack("{s:f}", "loss", NAN));
    cr_assert_not(json_save(NULL, "a", &err));
    cr_assert_not_null(strstr(err.text, "a: not written"), "%s", err.text);
    cr_assert_not(jsonl_append("a", NULL, &err));
    cr_assert_not_null(strstr(err.text, "NaN"), "%s", err.text);
    cr_assert_not(file_exists("a"));
    json_t *infinite = json_finite(INFINITY), *one = json_finite(1);
    cr_assert(json_is_null(infinite) && json_real_value(one) == 1);
    json_decref(infinite);
    json_decref(one);
}

Test(json, damaged_files_are_refused_with_their_line)
{
    const struct { const char *text, *part; } cases[] = {
        { "{\n\"a\": 1,\n\"a\": 2}", "a:3: duplicate" }, { "{} {}", "a:1: end of file expected" }, { "", "a:1:" },
        { "{\"a\": nan}", "a:1:" }, { "{\"a\": 1e999}", "a:1:" }, { "[\n\n1,\n", "a:4:" }, { "[\"\xff\"]", "a:1:" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *root;
        put(cases[i].text);
        cr_assert_not(json_open("a", 1000, &root, &err), "%s", cases[i].text);
        cr_assert_not_null(strstr(err.text, cases[i].part), "'%s' lacks '%s'", err.text, cases[i].part);
        cr_assert_eq(err.status, EXIT_CANNOT_RUN);
    }
}

Test(json, deep_nesting_and_long_files_are_refused)
{
    json_t *root;
    char deep[100001];
    memset(deep, '[', 100000);
    deep[100000] = '\0';
    put(deep);
    cr_assert_not(json_open("a", 1 << 20, &root, &err));
    cr_assert_not(json_open("a", 1000, &root, &err));
    cr_assert_not_null(strstr(err.text, "limit of 1000"), "%s", err.text);
}

Test(json, lines_are_appended_one_by_one)
{
    for (int i = 1; i <= 3; i++) {
        json_t *record = json_pack("{s:i}", "epoch", i);
        cr_assert(jsonl_append("a", record, &err), "%s", err.text);
        json_decref(record);
    }
    expect_content("{\"epoch\":1}\n{\"epoch\":2}\n{\"epoch\":3}\n");
}

Test(json, failed_append_leaves_no_torn_line)
{
    char text[4000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    json_t *record = json_pack("{s:s}", "note", text);
    put("{\"epoch\":1}\n");
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 1000, 1000 });
    cr_assert_not(jsonl_append("a", record, &err));
    cr_assert_not_null(strstr(err.text, "a: cannot be appended to: File too large"), "%s", err.text);
    expect_content("{\"epoch\":1}\n");
    json_decref(record);
}

Test(json, append_reports_a_missing_folder)
{
    json_t *record = json_object();
    cr_assert_not(jsonl_append("no/such", record, &err));
    cr_assert_not_null(strstr(err.text, "no/such: cannot be appended to"), "%s", err.text);
    json_decref(record);
}

Test(json, truncate_keeps_whole_lines_only)
{
    const struct { const char *before; long keep; const char *after; } cases[] = {
        { "1\n2\n3\n", 2, "1\n2\n" }, { "1\n2\n3\n", 0, "" }, { "1\n2\n3", 3, "1\n2\n" }, { "1\n2\n3", 9, "1\n2\n" },
        { "1\n2\n", 2, "1\n2\n" }, { "torn", 5, "" }, { "", 1, "" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put(cases[i].before);
        cr_assert(jsonl_truncate("a", cases[i].keep, &err), "%s", err.text);
        expect_content(cases[i].after);
    }
    unlink("a");
    cr_assert(jsonl_truncate("a", 3, &err));
    cr_assert_not(jsonl_truncate("/", 3, &err));
}
