#include "validate/suite.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "validate/gallery.h"
#include "validate/outcome.h"
#include "validate/pictures.h"
#include "validate/provenance.h"
#include "validate/summary.h"

/* The largest number of pictures that any check of one basis asks for; 0: there is none. */
static int64_t most_pictures(const struct suite *s, enum basis basis)
{
    int64_t most = 0, count = s->subject->data->count[SPLIT_TEST];

    for (int i = 0; i < s->policy->n; i++) {
        const struct policy_check *p = &s->policy->check[i];
        int64_t n = outcome_pictures(p, s->full, count);
        if (p->type->basis == basis && n > most)
            most = n;
    }
    return most;
}

/* --- one check ---------------------------------------------------------------------------------------------------- */

/* False only when the user stopped it. */
static bool run_check(struct suite *s, const struct policy_check *p, struct check *out, struct err *err)
{
    struct study *study = &s->study;
    int64_t n =
        outcome_pictures(p, s->full, p->type->basis == BASIS_SPLIT ? s->subject->data->count[SPLIT_TEST] : study->n);
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

/* Texts are borrowed. */
static void fill_identity(struct suite *s)
{
    const struct subject *subject = s->subject;
    const struct policy *p = s->policy;
    struct sis_identity *id = &s->identity;

    *id = (struct sis_identity){ .model = subject->name,
                                 .data = subject->data->name,
                                 .split = (char *)"test",
                                 .h = subject->model->h,
                                 .w = subject->model->w,
                                 .k = subject->model->classes,
                                 .settings = p->sis,
                                 .target = (char *)"predicted",
                                 .baseline = (char *)baseline_name(p->baseline),
                                 .view = subject->view ? (char *)view_text(subject->view) : NULL,
                                 .seed = s->seed,
                                 .n_thresholds = p->n_thresholds,
                                 .shard = 1,
                                 .shards = 1 };
    memcpy(id->weights, subject->weights_hash, sizeof id->weights);
    memcpy(id->cfg, subject->cfg_hash, sizeof id->cfg);
    memcpy(id->data_hash, subject->data_hash, sizeof id->data_hash);
    memcpy(id->threshold, p->threshold, sizeof id->threshold);
}

static bool open_study(struct suite *s, struct err *err)
{
    int64_t whole = most_pictures(s, BASIS_SPLIT), sample = most_pictures(s, BASIS_SAMPLE);
    int64_t searched = most_pictures(s, BASIS_SEARCH);

    if (s->subject->data->count[SPLIT_TEST] == 0)
        return err_usage(err, "data set %s has no test images, so nothing can be measured; choose one that has",
                         s->subject->data->name);
    fill_identity(s);
    s->study = (struct study){ .model = s->subject->model,
                               .data = s->subject->data,
                               .split = SPLIT_TEST,
                               .geometry = &s->subject->geometry,
                               .view = s->subject->view,
                               .directory = s->directory,
                               .progress = s->progress,
                               .stop = s->stop,
                               .identity = &s->identity,
                               .seed = s->seed,
                               .resume = s->resume,
                               .recipe = { .program = s->argv[0],
                                           .cfg = s->subject->cfg,
                                           .descriptor = s->subject->descriptor,
                                           .data = s->subject->data_dir,
                                           .threads = s->threads },
                               .whole = whole > 0 ? whole : 1,
                               .searched = searched > 0 ? (int)searched : 1 };
    sample = searched > sample ? searched : sample;
    return study_open(&s->study, sample > 0 ? sample : 1, err);
}

static const struct sis_answer *shared_search(struct suite *s, struct err *err)
{
    struct sis_question q = {
        .rank = s->policy->sis.rank, .baseline = s->policy->baseline, .target = TARGET_PREDICTED, .n = s->study.searched
    };

    return study_sis(&s->study, &q, err);
}

/* Every subset of the shared search is shown to the model again. */
static bool evaluate_again(struct suite *s, const struct sis_answer *a, struct err *err)
{
    if (!sufficiency_check(s->subject, &s->identity, a->records.record, a->records.n, s->stop, &s->again, err))
        return false;
    return s->again.failed == 0 ||
           err_run(err,
                   "%lld of %lld subsets do not reach their threshold when they are evaluated again, first of "
                   "image %lld; no verdict can rest on them, report the fault",
                   (long long)s->again.failed, (long long)s->again.subsets, (long long)s->again.first_image);
}

static bool fill_report(struct suite *s, struct report *r, struct err *err)
{
    const struct sis_answer *a = study_has_searched(&s->study) ? shared_search(s, err) : NULL;

    if (study_has_searched(&s->study) && (!a || !evaluate_again(s, a, err)))
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
    if (!open_study(s, err))
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
