#include "validate/dataset/suite.h"

#include <stdlib.h>
#include "base/mem.h"
#include "validate/checks/checks.h"
#include "validate/dataset/gallery.h"
#include "validate/dataset/provenance.h"
#include "validate/dataset/summary.h"
#include "validate/dataset/suspects.h"
#include "validate/outcome.h"

/* False only when the user stopped it. */
static bool run_check(struct dataset_suite *s, const struct policy_check *p, struct check *out, struct err *err)
{
    struct err why = { 0 };
    bool ok = p->type->survey(s->survey, p, s->survey->full ? p->full : p->quick, out, &why);

    if (!ok && why.status == EXIT_INTERRUPTED) {
        check_free(out);
        *err = why;
        return false;
    }
    if (!ok) {
        check_free(out);
        *out = (struct check){ 0 };
    }
    outcome_complete(p, ok, &why, s->waivers, out);
    return true;
}

static bool run_checks(struct dataset_suite *s, struct report *r, struct err *err)
{
    const struct policy *policy = s->policy;

    r->check = mem_alloc(2 * (size_t)policy->n, sizeof *r->check); /* each may have one beside it: previous */
    for (int i = 0; i < policy->n; i++) {
        double start = clock_seconds();
        if (!survey_all_go_on(s->survey, err) || !run_check(s, &policy->check[i], &r->check[i], err))
            return false;
        r->n_checks++;
        if (s->survey->progress)
            progress_line(s->survey->progress, "%d/%d %s: %s (%.1f s)", i + 1, policy->n, policy->check[i].id,
                          check_status_name(r->check[i].status), clock_seconds() - start);
    }
    return true;
}

static bool fill_report(struct dataset_suite *s, struct report *r, struct err *err)
{
    outcome_compare(s->policy, s->previous, s->waivers, s->survey->seed, r);
    r->verdict = check_verdict(r->check, r->n_checks);
    suspects_fill(s->survey, r);
    summary_fill_dataset(s, r);
    provenance_fill_dataset(s, r);
    return gallery_fill_dataset(s, r, err);
}

bool dataset_suite_run(struct dataset_suite *s, struct report *out, struct err *err)
{
    const struct dataset *data = s->survey->data;

    *out = (struct report){ .kind = REPORT_DATASET };
    if (!data->hash(data, s->data_hash, err) || !survey_open(s->survey, err))
        return false;
    bool ok = run_checks(s, out, err) && fill_report(s, out, err);
    survey_close(s->survey);
    if (!ok) {
        report_free(out);
        *out = (struct report){ .kind = REPORT_DATASET };
    }
    return ok;
}
