#include "validate/compare/comparison.h"

#include <math.h>
#include <stdlib.h>

const char *change_name(enum change c)
{
    static const char *const names[] = { "better", "no worse", "worse", "undecided", "error" };
    return names[c];
}

enum change comparison_change(const struct estimate *e, enum side good, double margin)
{
    double low = good == SIDE_AT_LEAST ? e->low : -e->high, high = good == SIDE_AT_LEAST ? e->high : -e->low;
    double room = isnan(margin) ? 0 : margin;

    if (e->n <= 0 || !isfinite(e->value) || !isfinite(e->low) || !isfinite(e->high))
        return CHANGE_ERROR;
    return low > room ? CHANGE_BETTER : low >= -room ? CHANGE_NO_WORSE : high < -room ? CHANGE_WORSE : CHANGE_UNDECIDED;
}

static enum exit_status verdict_of(const struct comparison *c, int candidate)
{
    bool worse = false, error = false, undecided = false, better = !c->needs_better;

    for (int i = 0; i < c->report.n_checks; i++) {
        const struct paired *p = &c->paired[i];
        if (p->candidate != candidate)
            continue;
        bool gates = c->report.check[i].gates;
        error |= p->change == CHANGE_ERROR;
        worse |= gates && p->change == CHANGE_WORSE;
        undecided |= gates && p->change == CHANGE_UNDECIDED;
        better |= gates && !p->guards && p->change == CHANGE_BETTER;
    }
    return worse ? EXIT_FAILED_CHECK : error ? EXIT_CANNOT_RUN : undecided || !better ? EXIT_INCONCLUSIVE : EXIT_OK;
}

/* Which of two verdicts speaks for both: the first in this row that is there. */
static enum exit_status join(enum exit_status a, enum exit_status b)
{
    static const enum exit_status rank[] = { EXIT_FAILED_CHECK, EXIT_CANNOT_RUN, EXIT_INCONCLUSIVE };

    for (size_t i = 0; i < sizeof rank / sizeof *rank; i++)
        if (a == rank[i] || b == rank[i])
            return rank[i];
    return EXIT_OK;
}

void comparison_decide(struct comparison *c)
{
    c->report.verdict = EXIT_OK;
    for (int k = 1; k < c->n_subjects; k++) {
        c->subject[k].verdict = verdict_of(c, k);
        c->report.verdict = join(c->report.verdict, c->subject[k].verdict);
    }
}

static void subject_free(struct comparison_subject *s)
{
    free(s->name);
    free(s->path);
    free(s->predicted);
    free(s->confidence);
    free(s->part);
    free(s->part_sure);
}

void comparison_free(struct comparison *c)
{
    for (int i = 0; i < c->report.n_checks && c->paired; i++) {
        free(c->paired[i].image);
        free(c->paired[i].value[0]);
        free(c->paired[i].value[1]);
    }
    free(c->paired);
    for (int i = 0; i < c->n_subjects; i++)
        subject_free(&c->subject[i]);
    free(c->subject);
    free(c->picture);
    free(c->former);
    report_free(&c->report);
}
