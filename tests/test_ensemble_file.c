#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "base/ensemble_file.h"
#include "base/mem.h"
#include "tests/data_fixture.h"

#define HASH_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_B "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HASH_48 "0123456789abcdef0123456789abcdef0123456789abcdef"
#define ONE "{ run = \"one\"; weights_sha256 = \"" HASH_A "\"; }"
#define TWO "{ run = \"two\"; weights_sha256 = \"" HASH_B "\"; }"

static bool parse(const char *text, struct ensemble_file **out, struct err *err)
{
    return ensemble_file_parse("runs/five/ensemble.conf", text, strlen(text), out, err);
}

Test(ensemble_file, members_are_named_from_the_files_folder)
{
    struct ensemble_file *f;
    struct err err;
    cr_assert(parse("combine = \"probability\";\nmembers = (\n" ONE ",\n{ weights_sha256 = \"" HASH_B
                    "\"; run = \"/else/where\"; });\n",
                    &f, &err),
              "%s", err.text);
    cr_assert(f->n == 2 && f->n_missing == 0 && f->combine == COMBINE_PROBABILITY);
    cr_assert_str_eq(f->path, "runs/five/ensemble.conf");
    cr_assert_str_eq(f->member[0].run, "one");
    cr_assert_str_eq(f->member[0].directory, "runs/five/one");
    cr_assert_str_eq(f->member[0].cfg, "runs/five/one/resolved.cfg");
    cr_assert_str_eq(f->member[0].weights, "runs/five/one/final.weights");
    cr_assert_str_eq(f->member[0].hash, HASH_A);
    cr_assert_eq(f->member[0].line, 3);
    cr_assert_str_eq(f->member[1].weights, "/else/where/final.weights");
    cr_assert_eq(f->member[1].line, 4);
    ensemble_file_free(f);
    const char *text = "combine = \"logit\"; members = (" ONE ");";
    cr_assert(ensemble_file_parse("ensemble.conf", text, strlen(text), &f, &err), "%s", err.text);
    cr_assert_eq(f->combine, COMBINE_LOGIT);
    cr_assert_str_eq(f->member[0].cfg, "one/resolved.cfg");
    ensemble_file_free(f);
}

/* Each text must be refused with a line that holds both parts. */
static const struct {
    const char *text, *place, *cause;
} refused[] = {
    { "", "ensemble.conf:", "no combine" },
    { "combine = \"logit\";", "ensemble.conf:", "no members" },
    { "members = (" ONE ");", "ensemble.conf:", "no combine" },
    { "\ncombine = \"mean\"; members = (" ONE ");", "ensemble.conf:2:", "is none of logit|probability" },
    { "combine = 1; members = (" ONE ");", "ensemble.conf:1:", "combine takes a text" },
    { "combine = \"logit\";\nmember = (" ONE ");", "ensemble.conf:2:", "unknown key member;" },
    { "combine = \"logit\";\nmembers = ();", "ensemble.conf:2:", "a list of 1..64 runs" },
    { "combine = \"logit\";\nmembers = \"one\";", "ensemble.conf:2:", "a list of 1..64 runs" },
    { "combine = \"logit\";\nmembers = [\"one\"];", "ensemble.conf:2:", "a list of 1..64 runs" },
    { "combine = \"logit\";\nmembers = (\"one\");", "ensemble.conf:2:", "a member is a group" },
    { "combine = \"logit\";\nmembers = (" ONE ",\n{ run = \"two\"; });", "ensemble.conf:3:", "no weights_sha256" },
    { "combine = \"logit\"; members = ({ weights_sha256 = \"" HASH_A "\"; });", ":1:", "the member has no run" },
    { "combine = \"logit\"; members = ({ run = \"\"; weights_sha256 = \"" HASH_A "\"; });", ":1:", "run takes a text" },
    { "combine = \"logit\"; members = ({ run = \"a\"; weights_sha256 = \"" HASH_A "0\"; });", ":1:", "no SHA-256" },
    { "combine = \"logit\"; members = ({ run = \"a\"; weights_sha256 = \"abc\"; });", ":1:", "no SHA-256" },
    { "combine = \"logit\"; members = ({ run = \"a\"; weights_sha256 = \"A123456789abcdef" HASH_48 "\"; });",
      ":1:", "no SHA-256" },
    { "combine = \"logit\"; members = ({ run = \"a\"; weights_sha256 = 12; });", ":1:", "takes a text" },
    { "combine = \"logit\"; members = ({ run = \"a\"; seed = 12;\nweights_sha256 = \"" HASH_A "\"; });",
      ":1:", "unknown key seed" },
    { "combine = \"logit\"; members = (" ONE ",\n\n" ONE ");", ":3:", "one is the member of line 1 once more" },
    { "combine = \"logit\"; members = (" ONE ",\n" TWO ",\n{ run = \"copy\"; weights_sha256 = \"" HASH_B "\"; });",
      ":3:", "copy is the member of line 2 once more" },
    { "combine = \"logit\"; members = (" ONE ",\n{ run = \"one\"; weights_sha256 = \"" HASH_B "\"; });",
      ":2:", "one is the member of line 1 once more" },
    { "combine = \"logit\"\ncombine = \"logit\"", ":2:", "duplicate" },
    { "combine = \"logit\"; members = (", ":1:", "syntax error" },
    { "\n@include \"x\"", ":2:", "@ is not allowed" },
};

Test(ensemble_file, what_is_no_ensemble_is_refused_with_its_line)
{
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct ensemble_file *f;
        struct err err;
        cr_assert(!parse(refused[i].text, &f, &err), "accepted: %s", refused[i].text);
        cr_assert_eq(err.status, EXIT_USAGE, "%s", err.text);
        cr_assert(strstr(err.text, refused[i].place), "%s: not in: %s", refused[i].place, err.text);
        cr_assert(strstr(err.text, refused[i].cause), "%s: not in: %s", refused[i].cause, err.text);
        cr_assert(!strchr(err.text, '\n'));
    }
}

/* n members with hashes of their own; free() it. */
static char *many(int n)
{
    char *text = mem_string("combine = \"logit\"; members = (");
    for (int i = 0; i < n; i++) {
        char *longer = mem_format("%s%s{ run = \"m%d\"; weights_sha256 = \"%064d\"; }", text, i ? "," : "", i, i);
        free(text);
        text = longer;
    }
    char *whole = mem_format("%s);", text);
    free(text);
    return whole;
}

Test(ensemble_file, sixty_four_members_are_the_most)
{
    struct ensemble_file *f;
    struct err err;
    char *text = many(ENSEMBLE_MOST);
    cr_assert(parse(text, &f, &err), "%s", err.text);
    cr_assert_eq(f->n, 64);
    ensemble_file_free(f);
    free(text);
    text = many(ENSEMBLE_MOST + 1);
    cr_assert(!parse(text, &f, &err));
    cr_assert(strstr(err.text, "1..64"), "%s", err.text);
    free(text);
}

/* Runs "one", "two" and "three" whose weights are their names. */
static void make_runs(void)
{
    static const char *const name[] = { "one", "two", "three" };
    char path[64];
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/final.weights", name[i]);
        fixture_text(path, name[i]);
        snprintf(path, sizeof path, "%s/resolved.cfg", name[i]);
        fixture_text(path, "[net]\n");
    }
}

static bool write_three(const char *directory, enum combine combine, struct err *err)
{
    char *run[] = { "../one", "../two", "../three" };
    return ensemble_file_write(fixture_path(directory), run, 3, combine, err);
}

static struct ensemble_file *must_read(const char *name, bool partial)
{
    struct ensemble_file *f;
    struct err err;
    cr_assert(ensemble_file_read(fixture_path(name), partial, &f, &err), "%s", err.text);
    return f;
}

/* Reading it must fail with this status and a line with all of these parts. */
static void must_refuse(const char *name, bool partial, enum exit_status status, const char *a, const char *b)
{
    struct ensemble_file *f;
    struct err err;
    cr_assert(!ensemble_file_read(fixture_path(name), partial, &f, &err), "accepted");
    cr_assert_eq(err.status, status, "%s", err.text);
    cr_assert(strstr(err.text, a) && strstr(err.text, b), "%s", err.text);
}

TestSuite(ensemble_files, .init = fixture_set_up, .fini = fixture_clean_up);

Test(ensemble_files, what_is_written_is_read)
{
    struct err err;
    char hash[SHA256_HEX];
    make_runs();
    cr_assert(write_three("three_of_them", COMBINE_PROBABILITY, &err), "%s", err.text);
    struct ensemble_file *f = must_read("three_of_them/ensemble.conf", false);
    cr_assert(f->n == 3 && f->combine == COMBINE_PROBABILITY && f->n_missing == 0);
    cr_assert_str_eq(f->member[2].run, "../three");
    cr_assert(file_sha256(f->member[2].weights, hash, &err), "%s", err.text);
    cr_assert_str_eq(f->member[2].hash, hash);
    ensemble_file_free(f);
}

Test(ensemble_files, any_name_of_a_run_comes_back)
{
    struct err err;
    char *run[] = { "we\"ird\\ \n\tn\xc3\xa4me" };
    fixture_text("we\"ird\\ \n\tn\xc3\xa4me/final.weights", "x");
    fixture_text("we\"ird\\ \n\tn\xc3\xa4me/resolved.cfg", "x");
    cr_assert(ensemble_file_write(fixture_path("."), run, 1, COMBINE_LOGIT, &err), "%s", err.text);
    struct ensemble_file *f = must_read("ensemble.conf", false);
    cr_assert_str_eq(f->member[0].run, run[0]);
    ensemble_file_free(f);
}

Test(ensemble_files, a_missing_member_is_left_out_only_when_asked)
{
    struct err err;
    make_runs();
    cr_assert(write_three("all", COMBINE_LOGIT, &err), "%s", err.text);
    cr_assert(remove(fixture_path("two/final.weights")) == 0);
    must_refuse("all/ensemble.conf", false, EXIT_CANNOT_RUN, "../two: its final.weights is missing", "--allow-partial");
    struct ensemble_file *f = must_read("all/ensemble.conf", true);
    cr_assert(f->n == 2 && f->n_missing == 1);
    cr_assert_str_eq(f->missing[0], "../two (its final.weights is missing)");
    cr_assert_str_eq(f->member[1].run, "../three");
    ensemble_file_free(f);
    cr_assert(remove(fixture_path("three/resolved.cfg")) == 0);
    f = must_read("all/ensemble.conf", true);
    cr_assert(f->n == 1 && f->n_missing == 2);
    ensemble_file_free(f);
    cr_assert(remove(fixture_path("one/final.weights")) == 0);
    must_refuse("all/ensemble.conf", true, EXIT_CANNOT_RUN, "is missing", "no other is there");
}

Test(ensemble_files, a_foreign_member_is_left_out_only_when_asked)
{
    struct err err;
    make_runs();
    cr_assert(write_three("all", COMBINE_LOGIT, &err), "%s", err.text);
    fixture_text("three/final.weights", "tampered");
    must_refuse("all/ensemble.conf", false, EXIT_CANNOT_RUN, "all/ensemble.conf:6: member ../three",
                "its final.weights is another one");
    struct ensemble_file *f = must_read("all/ensemble.conf", true);
    cr_assert(f->n == 2 && f->n_missing == 1);
    cr_assert_str_eq(f->missing[0], "../three (its final.weights is another one)");
    ensemble_file_free(f);
}

Test(ensemble_files, no_ensemble_is_a_member)
{
    struct err err;
    char *inner[] = { "../all" }, *twice[] = { "../one", "../two", "../one" };
    make_runs();
    cr_assert(write_three("all", COMBINE_LOGIT, &err), "%s", err.text);
    cr_assert(!ensemble_file_write(fixture_path("outer"), inner, 1, COMBINE_LOGIT, &err));
    cr_assert(strstr(err.text, "is an ensemble itself"), "%s", err.text);
    fixture_text("one/ensemble.conf", "");
    must_refuse("all/ensemble.conf", true, EXIT_USAGE, "ensemble.conf:4:", "one is an ensemble itself");
    cr_assert(remove(fixture_path("one/ensemble.conf")) == 0);
    cr_assert(!ensemble_file_write(fixture_path("outer"), twice, 3, COMBINE_LOGIT, &err));
    cr_assert(strstr(err.text, "../one is the member of line 4 once more"), "%s", err.text);
    cr_assert(!ensemble_file_write(fixture_path("outer"), twice, 0, COMBINE_LOGIT, &err));
    cr_assert(!file_exists(fixture_path("outer/ensemble.conf")));
    must_refuse("none/ensemble.conf", false, EXIT_CANNOT_RUN, "none/ensemble.conf", "cannot be read");
}
