#include "validate/plan.h"

#include <assert.h>
#include <string.h>
#include "validate/checks/checks.h"
#include "validate/outcome.h"

int64_t plan_pictures(const struct plan *p, const struct policy_check *check, int sample)
{
    bool whole = check->type->basis == BASIS_SPLIT;
    int64_t count = whole || sample == 0 ? p->subject->data->count[SPLIT_TEST] : sample;

    if (p->images > 0 && !whole)
        return p->images < count ? p->images : count;
    return outcome_pictures(check, p->full, count);
}

/* The largest number of pictures that any check of one basis asks for; 0: there is none. */
static int64_t most_pictures(const struct plan *p, enum basis basis)
{
    int64_t most = 0;

    for (int i = 0; i < p->policy->n; i++) {
        int64_t n = plan_pictures(p, &p->policy->check[i], 0);
        if (p->policy->check[i].type->basis == basis && n > most)
            most = n;
    }
    return most;
}

/* Texts are borrowed. */
static void fill_identity(const struct plan *plan, struct sis_identity *id)
{
    const struct subject *subject = plan->subject;
    const struct policy *p = plan->policy;

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
                                 .seed = plan->seed,
                                 .n_thresholds = p->n_thresholds,
                                 .shard = 1,
                                 .shards = 1 };
    memcpy(id->weights, subject->weights_hash, sizeof id->weights);
    memcpy(id->cfg, subject->cfg_hash, sizeof id->cfg);
    memcpy(id->data_hash, subject->data_hash, sizeof id->data_hash);
    memcpy(id->threshold, p->threshold, sizeof id->threshold);
}

bool plan_open(const struct plan *p, struct sis_identity *identity, struct study *study, struct err *err)
{
    const struct subject *m = p->subject;
    int64_t whole = most_pictures(p, BASIS_SPLIT), sample = most_pictures(p, BASIS_SAMPLE);
    int64_t searched = most_pictures(p, BASIS_SEARCH);

    assert(m->data->count[SPLIT_TEST] > 0); /* subject_covers */
    fill_identity(p, identity);
    *study = (struct study){ .model = m->model,
                             .data = m->data,
                             .split = SPLIT_TEST,
                             .geometry = &m->geometry,
                             .view = m->view,
                             .directory = p->directory,
                             .progress = p->progress,
                             .stop = p->stop,
                             .identity = identity,
                             .seed = p->seed,
                             .resume = p->resume,
                             .recipe = { .program = p->program,
                                         .cfg = m->cfg,
                                         .members = m->n_members,
                                         .descriptor = m->descriptor,
                                         .data = m->data_dir,
                                         .threads = p->threads },
                             .whole = whole > 0 ? whole : 1,
                             .searched = searched > 0 ? (int)searched : 1 };
    sample = searched > sample ? searched : sample;
    return study_open(study, sample > 0 ? sample : 1, err);
}

const struct sis_answer *plan_search(const struct plan *p, struct study *study, struct err *err)
{
    struct sis_question q = {
        .rank = p->policy->sis.rank, .baseline = p->policy->baseline, .target = TARGET_PREDICTED, .n = study->searched
    };

    return study_has_searched(study) ? study_sis(study, &q, err) : NULL;
}

bool plan_evaluate_again(const struct plan *p, const struct sis_identity *identity, const struct sis_answer *a,
                         struct sufficiency *out, struct err *err)
{
    if (!sufficiency_check(p->subject, identity, a->records.record, a->records.n, p->stop, out, err))
        return false;
    return out->failed == 0 ||
           err_run(err,
                   "%lld of %lld subsets do not reach their threshold when they are evaluated again, first of "
                   "image %lld; no verdict can rest on them, report the fault",
                   (long long)out->failed, (long long)out->subsets, (long long)out->first_image);
}
