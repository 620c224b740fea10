/* Section 4: networks trained anew on small parts, and tested on parts made alike. */
#include <math.h>
#include <stdlib.h>

#include "tools/study_page/sections.h"

enum { SEEDS = 3 };

struct training {
    const char *name, *prefix;
};
enum { WHOLE, RANKED, RANDOM, PLACES, SHUFFLED, RANKED_AFTER, RANDOM_AFTER, TRAININGS };
static const struct training trainings[TRAININGS] = {
    [WHOLE] = { "Whole pictures (section 1)", "resnet20" },
    [RANKED] = { "5 % ranked", "subset_ranked" },
    [RANDOM] = { "5 % random", "subset_random" },
    [PLACES] = { "Places of the ranked 5 % alone", "subset_places" },
    [SHUFFLED] = { "5 % ranked, colours dealt out anew among the places", "subset_shuffled" },
    [RANKED_AFTER] = { "5 % ranked, mask laid on after cropping", "subset_ranked_after" },
    [RANDOM_AFTER] = { "5 % random, mask laid on after cropping", "subset_random_after" },
};

static bool read_trainings(struct page *p, struct values *v, struct err *err)
{
    for (int i = 0; i < TRAININGS; i++) {
        v[i] = (struct values){ .n = SEEDS };
        for (int k = 0; k < SEEDS; k++)
            if (!read_training(p->runs, page_text(p, "%s_%d", trainings[i].prefix, k + 1), 0, &v[i].of[k], err))
                return false;
    }
    return true;
}

static bool any_part(const struct values *v)
{
    bool any = false;
    for (int i = RANKED; i < TRAININGS; i++)
        any = any || values_known(&v[i]);
    return any;
}

static void write_trainings(struct page *p, const struct values *v)
{
    struct bars bars;
    bars_begin(&bars, "Trained on small parts", "share of test pictures answered right", UNIT_SHARE);
    page_table(p, "trainings on small parts",
               "Another network chose the ranked pixels; where a mask is laid on after cropping and flipping, it no "
               "longer lies on the pixels that were chosen.",
               "Trained and tested on", "Seeds", "n", "Right, each seed (95 % interval)", "Mean of the seeds (range)",
               NULL);
    for (int i = any_part(v) ? WHOLE : RANKED; i < TRAININGS; i++) { /* whole pictures alone say nothing */
        bars_add(&bars, trainings[i].name, &v[i], i == WHOLE || i == RANDOM ? TONE_CONTROL : TONE_DATA);
        if (values_known(&v[i]))
            page_row(p, trainings[i].name, values_seeds(p, &v[i]), page_count(p, values_pictures(&v[i])),
                     values_text(p, &v[i], UNIT_SHARE), values_mean(p, &v[i], UNIT_SHARE), NULL);
        else
            page_absent(p, trainings[i].name);
    }
    page_table_end(p);
    bars_show(p, "retraining", &bars);
}

/* The trainings of subset.retrain stand in its details, each with its right answers. */
static bool write_retrain(struct page *p, const json_t *check, const char *place, struct err *err)
{
    const char *key;
    json_t *training;
    json_object_foreach(json_object_get((json_t *)check, "details"), key, training)
    {
        struct estimate e;
        const json_t *right = json_object_get(training, "right");
        if (!right)
            continue;
        if (!runs_estimate(right, place, &e, err))
            return false;
        page_row(p, page_words(p, key), page_count(p, e.n), page_estimate(p, &e, UNIT_SHARE), NULL);
    }
    page_table_end(p);
    page_quote(p, runs_text(check, "found"));
    return true;
}

static bool read_retrain(struct page *p, struct err *err)
{
    const struct step *step = runs_done(p->runs, "retrain");
    page_table(p, "masks that are cross-fitted or exchanged",
               "By `validate dataset`, on fewer pictures, with the masks of the training pictures cross-fitted (chosen "
               "by models that never saw them):",
               "Trained and tested on", "n", "Right (95 % interval)", NULL);
    if (!step) {
        page_table_end(p);
        return true;
    }
    const json_t *report = runs_report(p->runs, step, "report.json", err);
    if (!report)
        return false;
    char *place = runs_place(p->runs, step, "report.json");
    const json_t *check = runs_check(report, "subset.retrain");
    bool ok = check ? write_retrain(p, check, place, err)
                    : err_run(err, "%s: checks: there is no subset.retrain; run tools/reproduce --redo retrain", place);
    free(place);
    return ok;
}

/* Tests of models that were trained on whole pictures. */
static bool write_controls(struct page *p, struct err *err)
{
    static const char *const check[] = { "mask.only", "shuffled.values" };
    static const char *const name[] = { "places alone, painted white", "values shuffled among the places" };
    page_table(p, "tests without colours or order",
               "Trained on whole pictures and tested on the best 5 % with one thing taken away, as many of the answers "
               "stay:",
               "Model", "Test", "Seeds", "n", "Answers that stay, each seed (95 % interval)",
               "Mean of the seeds (range)", NULL);
    for (int f = FAMILY_PLAIN; f <= FAMILY_DROPOUT; f++)
        for (int i = 0; i < 2; i++) {
            struct values v = { .n = SEEDS };
            for (int k = 0; k < SEEDS; k++)
                if (!read_check(p->runs, page_text(p, "model_%s", family_model(p, &families[f], k + 1)), "report.json",
                                check[i], &v.of[k], err))
                    return false;
            if (values_known(&v))
                page_row(p, families[f].name, name[i], values_seeds(p, &v), page_count(p, values_pictures(&v)),
                         values_text(p, &v, UNIT_SHARE), values_mean(p, &v, UNIT_SHARE), NULL);
            else
                page_absent(p, families[f].name);
        }
    page_table_end(p);
    return true;
}

/* Published: a training on ranked parts does about as well as one on whole pictures. "About": within 5 points. */
static void compare_expected(struct page *p, const struct values *v)
{
    const double about = 0.05;
    struct estimate whole = values_summary(&v[WHOLE]), ranked = values_summary(&v[RANKED]),
                    after = values_summary(&v[RANKED_AFTER]), places = values_summary(&v[PLACES]),
                    shuffled = values_summary(&v[SHUFFLED]);
    if (whole.value - ranked.value > about)
        page_differs(p,
                     "Section 4: trained on ranked 5 %% of the pixels, %s are right (mean of the seeds), on whole "
                     "pictures %s. Expected: about as many.",
                     page_value(p, ranked.value, UNIT_SHARE), page_value(p, whole.value, UNIT_SHARE));
    if (fabs(after.value - ranked.value) > about)
        page_differs(p,
                     "Section 4: whether the mask is laid on before or after the picture is cropped and flipped "
                     "decides: %s against %s.",
                     page_value(p, ranked.value, UNIT_SHARE), page_value(p, after.value, UNIT_SHARE));
    if (ranked.value - places.value <= about)
        page_differs(p,
                     "Section 4: the places of the ranked pixels alone, without their colours, teach as much (%s) as "
                     "the pixels do (%s): the choice carries the label.",
                     page_value(p, places.value, UNIT_SHARE), page_value(p, ranked.value, UNIT_SHARE));
    if (ranked.value - shuffled.value <= about)
        page_differs(p,
                     "Section 4: with their colours dealt out anew among their places, the ranked pixels teach as much "
                     "(%s) as in order (%s): what they draw does not count.",
                     page_value(p, shuffled.value, UNIT_SHARE), page_value(p, ranked.value, UNIT_SHARE));
}

bool section_retraining(struct page *p, struct err *err)
{
    struct values v[TRAININGS];
    page_section(p, 4,
                 "how well new networks learn from nothing but 5 % of each training picture's pixels, tested on as "
                 "many of each test picture");
    if (!read_trainings(p, v, err))
        return false;
    write_trainings(p, v);
    compare_expected(p, v);
    return read_retrain(p, err) && write_controls(p, err);
}
