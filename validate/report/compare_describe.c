/* The paragraphs and facts of a comparison, made from its numbers. */
#include "validate/report/compare_parts.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "validate/report/format.h"

/* Takes over both. */
static char *joined(char *first, char *second)
{
    char *text = mem_format("%s%s%s", first, *first && *second ? " " : "", second);
    free(first);
    free(second);
    return text;
}

/* "... +3 points (joint 95% interval −6 to +12, n = 100 pairs)." */
static char *found_text(const struct comparison *c, int row)
{
    struct pair_text t = pair_text_of(c, row);
    char *found = compare_fill(c, row, compare_question(c->report.check[row].kind)->found);
    char *text = mem_format("%s (%s %s, %s).", found, compare_interval(c), t.interval, t.n);
    free(found);
    pair_text_free(&t);
    return text;
}

static char *second_text(const struct comparison *c, int row)
{
    const struct check *check = &c->report.check[row];
    const struct estimate *e = &c->paired[row].second;
    if (e->n <= 0 || !isfinite(e->value))
        return mem_string("");
    int decimals = format_decimals(e, check->unit, SIDE_AT_LEAST, 0);
    char *value = format_change(e->value, check->unit, decimals);
    char *interval = format_change_interval(e, check->unit, decimals);
    char *text = mem_format("The mean change is %s (%s); the measure was fixed before the run, so it decides nothing.",
                            value, interval);
    free(value);
    free(interval);
    return text;
}

static char *means_text(const struct comparison *c, int row)
{
    const struct question_words *q = compare_question(c->report.check[row].kind);
    struct pair_text t = pair_text_of(c, row);
    const char *guard = c->paired[row].guards ? " That is no evidence of better reasons." : "";
    char *means = NULL, *text;
    switch (c->paired[row].change) {
    case CHANGE_BETTER:
        text = compare_fill(c, row, q->means_better);
        means = mem_format("%s%s", text, guard);
        free(text);
        break;
    case CHANGE_NO_WORSE:
        means =
            mem_format("%s is not worse by more than the policy lets pass%s%s%s, and not shown to be better by more "
                       "than that.",
                       compare_candidate(c, row), *t.loss ? " (" : "", t.loss, *t.loss ? ")" : "");
        break;
    case CHANGE_WORSE: means = compare_fill(c, row, q->means_worse); break;
    case CHANGE_UNDECIDED:
        means = mem_format("The interval leaves open whether %s is better or worse than the policy lets pass. It does "
                           "not count as no worse.",
                           compare_candidate(c, row));
        break;
    case CHANGE_ERROR: means = mem_string("What could not be measured is never counted as better."); break;
    }
    pair_text_free(&t);
    if (compare_outcomes[compare_outcome(c, row)].status == CHECK_REPORTED)
        means = joined(means, mem_string("The policy does not let this question decide."));
    return means;
}

static char *act_text(const struct comparison *c, int row)
{
    const struct check *check = &c->report.check[row];
    if (c->paired[row].change == CHANGE_WORSE)
        return mem_string(compare_question(check->kind)->act);
    if (c->paired[row].change != CHANGE_UNDECIDED)
        return NULL;
    if (check->needed <= 0)
        return mem_string("Take more pictures, or write into the policy which loss does not matter.");
    char *count = format_count(check->needed);
    char *text = mem_format("Take more pictures: about %s pairs would decide if the change stays as it is.", count);
    free(count);
    return text;
}

static void describe(struct comparison *c, int row)
{
    struct check *check = &c->report.check[row];
    enum change change = c->paired[row].change;
    if (check->status == CHECK_INCONCLUSIVE && check->needed == 0)
        check->needed = check_needed(&check->estimate, check->limit);
    check->means = means_text(c, row);
    check->act = act_text(c, row);
    if (change == CHANGE_ERROR)
        return;
    check->found = joined(joined(found_text(c, row), compare_fill(c, row, compare_question(check->kind)->ways)),
                          second_text(c, row));
    check->fact.heading = mem_string(compare_question(check->kind)->heading[change]);
    check->fact.sentence = joined(found_text(c, row), compare_fill(c, row, compare_question(check->kind)->ways));
    compare_fact_pictures(c, row);
    compare_figures(c, row);
}

void comparison_describe(struct comparison *c, int argc, char **argv)
{
    for (int i = 0; i < c->report.n_checks; i++)
        describe(c, i);
    compare_gallery(c);
    compare_summary(c, argc, argv);
}
