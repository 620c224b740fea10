#include "validate/suite.h"

#include <stdlib.h>
#include "base/mem.h"
#include "validate/gallery.h"
#include "validate/outcome.h"
#include "validate/pictures.h"
#include "validate/plan.h"
#include "validate/provenance.h"
#include "validate/summary.h"

static struct plan plan_of(const struct suite *s)
{
    return (struct plan){ .subject = s->subject,
                          .policy = s->policy,
                          .program = s->argv[0],
                          .directory = s->directory,
                          .progress = s->progress,
                          .stop = s->stop,
                          .full = s->full,
                          .resume = s->resume,
                          .seed = s->seed,
                          .threads = s->threads };
}

/* --- one check ---------------------------------------------------------------------------------------------------- */

/* False only when the user stopped it. */
static bool run_check(struct suite *s, const struct policy_check *p, struct check *out, struct err *err)
{
    struct study *study = &s->study;
    struct plan plan = plan_of(s);
    int64_t n = plan_pictures(&plan, p, study->n);
    struct err why = { 0 };
    bool ok = p->type->run(study, p, n, out, &why) && pictures_add(study, p, n, out, &why);

    if (!ok && why.status == EXIT_INTERRUPTED) {
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

static bool run_checks(struct suite *s, struct report *r, struct err *err)
{
    const struct policy *policy = s->policy;

    r->check = mem_alloc(2 * (size_t)policy->n, sizeof *r->check); /* each may have one beside it: previous */
    for (int i = 0; i < policy->n; i++) {
        double start = clock_seconds();
        if (!run_check(s, &policy->check[i], &r->check[r->n_checks], err))
            return false;
        r->n_checks++;
        progress_line(s->progress, "%d/%d %s: %s (%.1f s)", i + 1, policy->n, policy->check[i].id,
                      check_status_name(r->check[i].status), clock_seconds() - start);
    }
    return true;
}

/* --- all of them -------------------------------------------------------------------------------------------------- */

static bool fill_report(struct suite *s, struct report *r, struct err *err)
{
    struct plan plan = plan_of(s);
    const struct sis_answer *a = plan_search(&plan, &s->study, err);

    if (study_has_searched(&s->study) && (!a || !plan_evaluate_again(&plan, &s->identity, a, &s->again, err)))
        return false;
    s->searched = a != NULL;
    r->kind = REPORT_MODEL;
    r->verdict = check_verdict(r->check, r->n_checks);
    if (a)
        gallery_fill(&s->study, a, r);
    summary_fill(s, r);
    provenance_fill(s, r);
    return true;
}

bool suite_run(struct suite *s, struct report *out, struct err *err)
{
    *out = (struct report){ 0 };
    struct plan plan = plan_of(s);
    if (!plan_open(&plan, &s->identity, &s->study, err))
        return false;
    bool ok = run_checks(s, out, err);
    if (ok) {
        outcome_compare(s->policy, s->previous, s->waivers, s->seed, out);
        ok = fill_report(s, out, err);
    }
    study_close(&s->study);
    if (!ok) {
        report_free(out);
        *out = (struct report){ 0 };
    }
    return ok;
}
