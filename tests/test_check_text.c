#include "validate/checks/text.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "validate/checks/estimate.h"

static void expect_part(const char *text, const char *part)
{
    cr_assert(text && strstr(text, part), "\"%s\" does not say \"%s\"", text ? text : "(nothing)", part);
}

static void expect_text(char *text, const char *wanted)
{
    cr_assert_str_eq(text, wanted);
    free(text);
}

Test(check_text, numbers_in_sentences_have_one_spelling)
{
    struct policy_check p = { .side = SIDE_AT_LEAST, .limit = 0.15 };
    struct estimate e = { 0.088, 0.074, 0.094, 200 }, counted = { 0.5, 0.5, 0.5, 3 };
    expect_text(text_estimate(&e, UNIT_SHARE, &p), "8.8% (95% interval 7.4% to 9.4%, n\u00a0=\u00a0200)");
    expect_text(text_estimate(&counted, UNIT_SHARE, &p), "50.0% (n\u00a0=\u00a03)");
    expect_text(text_control(&e, UNIT_SHARE), "8.8% (7.4% to 9.4%)");
    expect_text(text_limit(&e, UNIT_SHARE, &p), "The policy asks for at least 15%.");
    expect_text(text_level(0.99), "99%");
    expect_text(text_level(0.999), "99.9%");
    expect_text(text_level(0.5), "50%");
    expect_text(text_sure(0.9931), "99%");
    expect_text(text_sure(0.996), "99.6%"); /* not "100%" */
    p.side = SIDE_NONE;
    expect_text(text_limit(&e, UNIT_SHARE, &p), "");
}

Test(check_text, the_words_follow_the_outcome)
{
    struct policy_check p = { .side = SIDE_AT_LEAST, .limit = 0.15 };
    struct estimate bad = { 0.088, 0.074, 0.094, 200 }, good = { 0.3, 0.2, 0.4, 200 }, open = { 0.2, 0.1, 0.3, 200 };
    cr_assert_str_eq(text_choose(&bad, &p, "pass", "fail", "open"), "fail");
    cr_assert_str_eq(text_choose(&good, &p, "pass", "fail", "open"), "pass");
    cr_assert_str_eq(text_choose(&open, &p, "pass", "fail", "open"), "open");
    expect_text(text_act(&bad, &p, "pass", "fail"), "fail");
    char *act = text_act(&open, &p, "pass", "fail");
    expect_part(act, "About 80"); /* the half width 0.1 must become less than 0.05 */
    free(act);
    open.n = ESTIMATE_FEW - 1;
    act = text_act(&open, &p, "pass", "fail");
    expect_part(act, "More pictures");
    free(act);
    p.side = SIDE_NONE;
    cr_assert_str_eq(text_choose(&bad, &p, "pass", "fail", "open"), "pass");
}
