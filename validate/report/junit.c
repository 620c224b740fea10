/* report.xml for continuous integration. Such programs read a skipped test as harmless, so only what may not stop a
 * release is skipped: what is waived, and what the policy only reports. A check that could not decide is an error of
 * type "inconclusive", never a pass. */
#include "validate/report/report.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/xml.h"
#include "validate/report/words.h"

static void attribute(FILE *out, const char *name, const char *value)
{
    fprintf(out, " %s=\"", name);
    xml_text(out, value ? value : "");
    fputs("\"", out);
}

enum outcome { PASSED, FAILURE, BROKEN, SKIPPED };

static enum outcome outcome_of(const struct check *c)
{
    switch (c->status) {
    case CHECK_PASS: return PASSED;
    case CHECK_FAIL: return c->gates ? FAILURE : SKIPPED;
    case CHECK_INCONCLUSIVE: return c->gates ? BROKEN : SKIPPED;
    case CHECK_ERROR: return BROKEN;
    default: return SKIPPED;
    }
}

static int count(const struct report *r, enum outcome outcome)
{
    int n = 0;
    for (int i = 0; i < r->n_checks; i++)
        n += outcome_of(&r->check[i]) == outcome;
    return n;
}

/* "8.8% of the picture is enough (7.4% to 9.4%, n = 200); limit: at least 15%"; free() it. */
static char *sentence(const struct report *r, const struct check *c)
{
    if (r->kind == REPORT_COMPARE && c->found) /* names both models and their values */
        return mem_string(c->found);
    struct result t = result_of(c);
    char *basis = result_basis(c, &t);
    char *text =
        mem_format("%s%s%s (%s); limit: %s%s%s%s", t.value, c->measure ? " " : "", c->measure ? c->measure : "", basis,
                   *t.limit ? t.limit : "none", *t.needed ? "; " : "", t.needed, *t.needed ? " would decide" : "");
    free(basis);
    result_free(&t);
    return text;
}

static void write_outcome(FILE *out, const struct check *c, const char *found)
{
    static const char *const tag[] = { [FAILURE] = "failure", [BROKEN] = "error", [SKIPPED] = "skipped" };
    enum outcome outcome = outcome_of(c);
    if (outcome == PASSED)
        return;
    char *message = c->status == CHECK_WAIVED
                        ? mem_format("waived: %s; without the waiver: %s", c->waiver ? c->waiver : "",
                                     check_status_name(c->unwaived))
                        : mem_format("%s: %s", check_status_name(c->status), c->error ? c->error : found);
    fprintf(out, "      <%s", tag[outcome]);
    if (outcome != SKIPPED)
        attribute(out, "type", check_status_name(c->status));
    attribute(out, "message", message);
    fputs(outcome == SKIPPED ? "/>\n" : ">", out);
    if (outcome != SKIPPED) {
        xml_text(out, c->act ? c->act : "");
        fprintf(out, "</%s>\n", tag[outcome]);
    }
    free(message);
}

static void write_case(FILE *out, const struct report *r, const struct check *c)
{
    char *found = sentence(r, c),
         *class = mem_format("marginalia.%s.%s", words_name(r->kind), r->subject ? r->subject : "");
    fputs("    <testcase", out);
    attribute(out, "classname", class);
    attribute(out, "name", c->id);
    fputs(">\n", out);
    write_outcome(out, c, found);
    fputs("      <system-out>", out);
    xml_text(out, c->question ? c->question : "");
    fputs(" ", out);
    xml_text(out, found);
    fputs("</system-out>\n    </testcase>\n", out);
    free(class);
    free(found);
}

void report_junit(const struct report *r, FILE *out)
{
    char *numbers = mem_format("tests=\"%d\" failures=\"%d\" errors=\"%d\" skipped=\"%d\"", r->n_checks,
                               count(r, FAILURE), count(r, BROKEN), count(r, SKIPPED));
    fprintf(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites %s>\n  <testsuite", numbers);
    attribute(out, "name", words_command(r->kind));
    fprintf(out, " %s>\n    <properties>\n      <property name=\"verdict\"", numbers);
    char *verdict = mem_format("%s: %s", report_noun(r), report_word(r));
    attribute(out, "value", verdict);
    fputs("/>\n    </properties>\n", out);
    for (int i = 0; i < r->n_checks; i++)
        write_case(out, r, &r->check[i]);
    fputs("  </testsuite>\n</testsuites>\n", out);
    free(verdict);
    free(numbers);
}
