/* What a comparison says first, and what to do next. */
#include "validate/report/compare_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/shell.h"
#include "validate/report/format.h"
#include "validate/steps.h"

/* --- lead ----------------------------------------------------------------------------------------------------------
 */

/* A list of clauses: "decides on larger parts, is less sure of pictures of nothing and is more often right". */
struct clauses {
    int n;
    const char *text[64];
};

static void add_clause(struct clauses *list, const char *text)
{
    for (int i = 0; i < list->n; i++)
        if (strcmp(list->text[i], text) == 0)
            return;
    if (list->n < (int)(sizeof list->text / sizeof *list->text))
        list->text[list->n++] = text;
}

static char *clauses_text(const struct clauses *list)
{
    char *text = mem_string("");
    for (int i = 0; i < list->n; i++) {
        const char *between = i == 0 ? "" : i == list->n - 1 ? " and " : ", ";
        char *longer = mem_format("%s%s%s", text, between, list->text[i]);
        free(text);
        text = longer;
    }
    return text;
}

/* What a candidate does better, or worse, on questions that decide. */
static struct clauses clauses_of(const struct comparison *c, int candidate, enum change change)
{
    struct clauses list = { 0 };
    for (int i = 0; i < c->report.n_checks; i++) {
        const struct question_words *q = compare_question(c->report.check[i].kind);
        if (c->paired[i].candidate == candidate && c->report.check[i].gates && c->paired[i].change == change)
            add_clause(&list, change == CHANGE_BETTER ? q->better : change == CHANGE_WORSE ? q->worse : q->open);
    }
    return list;
}

static int count_deciding(const struct comparison *c, int candidate)
{
    int n = 0;
    for (int i = 0; i < c->report.n_checks; i++)
        n += c->paired[i].candidate == candidate && c->report.check[i].gates;
    return n;
}

static char *questions_text(int n)
{
    return mem_format("%d question%s that decide%s", n, n == 1 ? "" : "s", n == 1 ? "s" : "");
}

/* Whether what is better is a guard alone. */
static bool only_guards(const struct comparison *c, int candidate)
{
    bool guards = false;
    for (int i = 0; i < c->report.n_checks; i++) {
        bool better =
            c->paired[i].candidate == candidate && c->report.check[i].gates && c->paired[i].change == CHANGE_BETTER;
        if (better && !c->paired[i].guards)
            return false;
        guards |= better;
    }
    return guards;
}

static char *lead_worse(const struct comparison *c, int k)
{
    struct clauses worse = clauses_of(c, k, CHANGE_WORSE), better = clauses_of(c, k, CHANGE_BETTER);
    char *bad = clauses_text(&worse), *good = clauses_text(&better);
    char *text =
        mem_format("On the same pictures %s %s than %s%s%s%s. By this policy it is worse: do not put it in the "
                   "place of %s.",
                   c->subject[k].name, bad, c->subject[0].name, *good ? "; it " : "", good,
                   *good ? " all the same" : "", c->subject[0].name);
    free(bad);
    free(good);
    return text;
}

static char *lead_ok(const struct comparison *c, int k)
{
    struct clauses better = clauses_of(c, k, CHANGE_BETTER);
    char *good = clauses_text(&better), *all = questions_text(count_deciding(c, k)), *text;
    if (strcmp(compare_verdict(c, k), "yes") == 0)
        text = mem_format("On the same pictures %s %s than %s, and none of the %s shows it worse. By this policy it "
                          "overinterprets less.",
                          c->subject[k].name, good, c->subject[0].name, all);
    else
        text =
            mem_format("On the same pictures %s is no worse than %s on any of the %s. That it overinterprets less is "
                       "not shown; this policy does not ask for it.",
                       c->subject[k].name, c->subject[0].name, all);
    free(all);
    free(good);
    return text;
}

static char *lead_open(const struct comparison *c, int k)
{
    struct clauses better = clauses_of(c, k, CHANGE_BETTER), open = clauses_of(c, k, CHANGE_UNDECIDED);
    char *good = clauses_text(&better), *all = questions_text(count_deciding(c, k));
    char *first = better.n
                      ? mem_format("On the same pictures %s %s than %s. ", c->subject[k].name, good, c->subject[0].name)
                      : mem_string("");
    char *undecided = mem_format("Of %s, %d %s undecided", all, open.n, open.n == 1 ? "is" : "are");
    char *text = mem_format("%s%s. That %s overinterprets less than %s is not shown%s.", first,
                            open.n ? undecided
                                   : "No question about its reasons shows it better, which this policy asks "
                                     "for",
                            better.n ? "it" : c->subject[k].name, c->subject[0].name,
                            only_guards(c, k) ? "; what it gains is no evidence of better reasons" : "");
    free(undecided);
    free(first);
    free(all);
    free(good);
    return text;
}

static char *lead_of_one(const struct comparison *c, int k)
{
    switch (c->subject[k].verdict) {
    case EXIT_OK: return lead_ok(c, k);
    case EXIT_FAILED_CHECK: return lead_worse(c, k);
    case EXIT_INCONCLUSIVE: return lead_open(c, k);
    default:
        return mem_format("Nothing is decided: of %d questions about %s, %d could not be measured.", c->n_questions,
                          c->subject[k].name, c->report.n_checks ? compare_count(c, k, 1) : 0);
    }
}

/* "resnet20_dropout: yes; ensemble: not shown" */
static char *lead_of_several(const struct comparison *c)
{
    char *text = mem_format("%d candidates against %s, on the same pictures.", c->n_subjects - 1, c->subject[0].name);
    for (int k = 1; k < c->n_subjects; k++) {
        char *longer = mem_format("%s%s %s: %s", text, k > 1 ? ";" : " Overinterprets less:", c->subject[k].name,
                                  compare_verdict(c, k));
        free(text);
        text = longer;
    }
    char *whole = mem_format("%s. The headline is the worst of these answers.", text);
    free(text);
    return whole;
}

/* --- steps ---------------------------------------------------------------------------------------------------------
 */

/* Pictures to ask for, so that every undecided question has about as many pairs as would decide it; 0: not known. */
static int64_t pictures_needed(const struct comparison *c)
{
    double most = 0;
    for (int i = 0; i < c->report.n_checks; i++) {
        const struct check *check = &c->report.check[i];
        bool searched = check->estimate.n > 0 && check->estimate.n <= c->n_pictures;
        if (check->status != CHECK_INCONCLUSIVE || !check->gates || !searched || check->needed <= 0)
            continue;
        double pictures = (double)check->needed * c->n_pictures / (double)check->estimate.n;
        most = pictures > most ? pictures : most;
    }
    double unit = 1;
    while (most / unit >= 100)
        unit *= 10;
    int64_t rounded = (int64_t)(most / unit);
    return (rounded + (rounded * unit < most)) * (int64_t)unit;
}

static bool is_option(const char *word, const char *name)
{
    size_t n = strlen(name);
    return strncmp(word, name, n) == 0 && (!word[n] || word[n] == '=');
}

/* This command with another number of pictures, written over this report; free() it. */
static char *larger_command(int argc, char **argv, int64_t pictures)
{
    static const char *const left_out[] = { "--quick", "--full", "--resume", "--overwrite" };
    char **word = mem_alloc((size_t)argc + 3, sizeof *word), *count = mem_format("%lld", (long long)pictures);
    int n = 0;
    for (int i = 0; i < argc; i++) {
        bool keep = strcmp(argv[i], "-r") != 0;
        for (size_t k = 0; k < sizeof left_out / sizeof *left_out; k++)
            keep = keep && strcmp(argv[i], left_out[k]) != 0;
        if (is_option(argv[i], "--images"))
            i += strcmp(argv[i], "--images") == 0;
        else if (keep)
            word[n++] = argv[i];
    }
    word[n++] = (char *)"--images";
    word[n++] = count;
    word[n++] = (char *)"--overwrite";
    char *command = shell_command(n, word);
    free(count);
    free(word);
    return command;
}

static void add_undecided(struct comparison *c, int argc, char **argv)
{
    int64_t pictures = pictures_needed(c);
    char *count = format_count(pictures);
    if (pictures > c->n_pictures)
        steps_add(
            &c->report,
            mem_format("Ask for more pictures: about %s would decide what is undecided, if the changes stay as they "
                       "are.",
                       count),
            larger_command(argc, argv, pictures));
    else
        steps_add(&c->report,
                  mem_string("Say in the policy which loss does not matter (no_worse_than), before the next run: these "
                             "pairs leave it open."),
                  NULL);
    free(count);
}

static char *validate_command(char **argv, const char *run)
{
    char *words[] = { argv[0], (char *)"model", (char *)run };
    return shell_command(3, words);
}

static void add_advice(struct comparison *c)
{
    int *order = mem_alloc((size_t)c->report.n_checks, sizeof *order);
    for (int k = 1; k < c->n_subjects; k++) {
        int n = compare_order(c, k, order);
        for (int i = 0; i < n; i++) {
            const struct check *check = &c->report.check[order[i]];
            bool said = check->status != CHECK_FAIL || !check->act;
            for (int s = 0; s < c->report.n_steps && !said; s++)
                said = strcmp(c->report.step[s].text, check->act) == 0;
            if (!said)
                steps_add(&c->report, mem_string(check->act), NULL);
        }
    }
    free(order);
}

static void add_steps(struct comparison *c, int argc, char **argv)
{
    struct report *r = &c->report;
    const struct comparison_subject *a = &c->subject[0];
    r->step = mem_alloc(STEPS_MOST, sizeof *r->step);
    for (int k = 1; k < c->n_subjects; k++)
        if (c->subject[k].verdict == EXIT_OK)
            steps_add(r,
                      mem_format("Before %s takes the place of %s, judge it by itself: better than %s is not yet good.",
                                 c->subject[k].name, a->name, a->name),
                      validate_command(argv, c->subject[k].path));
    if (r->verdict == EXIT_FAILED_CHECK)
        steps_add(
            r,
            mem_format("Keep %s. The program ended with exit status 1, so a job that called it has stopped.", a->name),
            NULL);
    if (r->verdict == EXIT_INCONCLUSIVE)
        steps_add(
            r, mem_string("Do not cite this run as an improvement. The program ended with exit status 4, undecided."),
            NULL);
    steps_add_errors(r, argc, argv);
    if (report_count(r, CHECK_INCONCLUSIVE))
        add_undecided(c, argc, argv);
    add_advice(c);
}

void compare_summary(struct comparison *c, int argc, char **argv)
{
    c->report.lead = c->n_subjects == 2 ? lead_of_one(c, 1) : lead_of_several(c);
    c->report.passed = NULL;
    for (int k = 1; k < c->n_subjects; k++)
        if (strcmp(compare_verdict(c, k), "no worse") == 0)
            c->report.passed = "no worse";
    add_steps(c, argc, argv);
}
