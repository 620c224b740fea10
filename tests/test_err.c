#include <criterion/criterion.h>
#include <string.h>

#include "base/err.h"

Test(err, usage_and_run_set_status_and_return_false)
{
    struct err err;
    cr_assert_not(err_usage(&err, "x.cfg:%d: %s", 7, "unknown key"));
    cr_assert_eq(err.status, EXIT_USAGE);
    cr_assert_str_eq(err.text, "x.cfg:7: unknown key");
    cr_assert_not(err_run(&err, "disk full"));
    cr_assert_eq(err.status, EXIT_CANNOT_RUN);
    cr_assert_str_eq(err.text, "disk full");
}

Test(err, hostile_name_cannot_forge_a_second_line_or_steer_the_terminal)
{
    struct err err;
    err_run(&err, "%s: cannot be read", "a\nb\x1b[2J\x7f\tc");
    cr_assert_str_eq(err.text, "a\\x0ab\\x1b[2J\\x7f\\x09c: cannot be read");
}

Test(err, text_beyond_ascii_stays)
{
    struct err err;
    err_run(&err, "%s", "Größe");
    cr_assert_str_eq(err.text, "Größe");
}

Test(err, long_text_is_cut_and_ends_in_dots)
{
    struct err err;
    char name[5000];
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    err_run(&err, "%s", name);
    cr_assert_eq(strlen(err.text), sizeof err.text - 1);
    cr_assert_str_eq(err.text + sizeof err.text - 5, "x...");
}

Test(err, text_that_just_fits_is_whole)
{
    struct err err;
    char name[sizeof err.text];
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    err_run(&err, "%s", name);
    cr_assert_str_eq(err.text, name);
}

Test(err, text_of_control_characters_is_cut_within_bounds)
{
    char name[sizeof(struct err)];
    struct { struct err err; char guard; } s = { .guard = 'g' };
    for (size_t n = 240; n < 270; n++) {
        memset(name, '\n', n);
        name[n] = '\0';
        err_run(&s.err, "%s", name);
        cr_assert_leq(strlen(s.err.text), sizeof s.err.text - 1);
        cr_assert(n * 4 < sizeof s.err.text || !strcmp(s.err.text + strlen(s.err.text) - 3, "..."), "n = %zu", n);
    }
    cr_assert_eq(s.guard, 'g');
}

Test(err, an_error_can_be_wrapped_in_itself)
{
    struct err err;
    err_usage(&err, "line 3: no number");
    err_run(&err, "x.cfg: %s", err.text);
    cr_assert_str_eq(err.text, "x.cfg: line 3: no number");
}
