/* From a plant to a verdict. Limits, sample sizes and the search are the policy's; the check is the product's. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tools/power/plants.h"
#include "tools/power/scenes.h"
#include "tools/power/sets.h"
#include "validate/checks/checks.h"
#include "validate/dataset/survey.h"
#include "validate/outcome.h"
#include "validate/plan.h"

/* --- policies ----------------------------------------------------------------------------------------------------- */

bool plant_policies_read(const char *directory, struct plant_policies *out, struct err *err)
{
    char *models = mem_format("%s/release.conf", directory), *sets = mem_format("%s/dataset.conf", directory);
    *out = (struct plant_policies){ 0 };
    bool ok = policy_read(&policy_of_models, models, &out->models, err) &&
              policy_read(&policy_of_datasets, sets, &out->sets, err);
    free(models);
    free(sets);
    if (!ok)
        plant_policies_free(out);
    return ok;
}

void plant_policies_free(struct plant_policies *p)
{
    policy_free(p->models);
    policy_free(p->sets);
    *p = (struct plant_policies){ 0 };
}

bool plant_policy(const struct plant_policies *p, const struct plant *plant, struct policy_check *out, struct err *err)
{
    const struct policy *policy = plant->into_model ? p->models : p->sets;
    const struct policy_check *found = NULL;
    for (int i = 0; i < policy->n; i++) {
        const struct policy_check *row = &policy->check[i];
        if (strcmp(row->id, plant->name) == 0 || (!found && strcmp(row->type->kind, plant->name) == 0))
            found = row;
    }
    if (!found || found->side == SIDE_NONE)
        return err_run(err, "%s: has no limit for %s; a verdict needs one", policy->path, plant->name);
    *out = *found;
    return true;
}

/* --- judging ------------------------------------------------------------------------------------------------------ */

/* As the report has it, but for `gates`: what the limit would decide is asked of every check. */
static void complete(struct policy_check policy, bool ran, const struct err *why, struct check *out)
{
    policy.gates = true;
    if (!ran) {
        check_free(out);
        *out = (struct check){ 0 };
    }
    outcome_complete(&policy, ran, why, NULL, out);
}

static bool judge_model(const struct plant *plant, const struct policy *all, struct policy_check policy,
                        double strength, uint64_t seed, struct check *out, struct err *err)
{
    struct planted_scene scene = { .gain = 1, .pictures = plant->pictures };
    struct policy alone = *all;
    struct sis_identity identity;
    struct study study;
    struct err why = { 0 };

    plant->into_model(&scene, strength);
    scene_open(&scene, seed);
    struct subject subject = { .model = &scene.model,
                               .data = &scene.data,
                               .geometry = picture_geometry(&scene.data),
                               .name = scene.data.name,
                               .n_members = 1 };
    alone.check = &policy;
    alone.n = 1;
    alone.n_left_out = 0;
    struct plan plan = { .subject = &subject, .policy = &alone, .seed = seed, .threads = 1 };
    bool ok = plan_open(&plan, &identity, &study, err);
    if (ok) {
        bool ran = policy.type->run(&study, &policy, plan_pictures(&plan, &policy, study.n), out, &why);
        complete(policy, ran, &why, out);
        study_close(&study);
    }
    scene_close(&scene);
    return ok;
}

static bool judge_set(const struct plant *plant, struct policy_check policy, double strength, uint64_t seed,
                      struct check *out, struct err *err)
{
    struct planted_set set = { .made = { .n_train = 2000, .n_test = 1000, .noise = 0.04, .cue_in_test = -1 } };
    struct survey survey = { .data = &set.data, .seed = seed };
    struct err why = { 0 };

    plant->into_set(&set, strength);
    planted_set_open(&set, seed);
    if (!team_new(1, false, &survey.team, err))
        return false;
    bool ok = survey_open(&survey, err);
    if (ok)
        complete(policy, policy.type->survey(&survey, &policy, policy.quick, out, &why), &why, out);
    survey_close(&survey);
    team_free(survey.team);
    return ok;
}

bool plant_judge(const struct plant *plant, const struct plant_policies *policies, double strength, uint64_t seed,
                 struct check *out, struct err *err)
{
    struct policy_check policy;
    *out = (struct check){ 0 };
    if (!plant_policy(policies, plant, &policy, err))
        return false;
    return plant->into_model ? judge_model(plant, policies->models, policy, strength, seed, out, err)
                             : judge_set(plant, policy, strength, seed, out, err);
}
