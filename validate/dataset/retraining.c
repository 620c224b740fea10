#include "validate/dataset/retraining.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/ranks.h"
#include "validate/dataset/cross_masks.h"
#include "validate/sis/store.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { IDENTITY_LIMIT = 1 << 20, LEAST_PICTURES = 2 };

static const struct {
    const char *name, *what;
} trainings[RETRAINED] = {
    [RETRAINED_WHOLE] = { "whole", "training on whole pictures" },
    [RETRAINED_GIVEN] = { "given", "training on given pixels" },
    [RETRAINED_GIVEN_PLACES] = { "given_places", "training on given places" },
    [RETRAINED_CROSS] = { "cross", "training on own pixels" },
    [RETRAINED_CROSS_PLACES] = { "cross_places", "training on own places" },
    [RETRAINED_EXCHANGED] = { "exchanged", "training on chosen places" },
    [RETRAINED_RANDOM] = { "random", "training on random pixels" },
};

struct job {
    struct survey *survey;
    struct network_cfg network;
    double fraction;
    char *folder;                  /* directory/retrain */
    char *cross[2], *exchanged[2]; /* directories of cross_masks.h, by split */
    struct retraining *out;
};

/* --- the masks that were given ------------------------------------------------------------------------------------ */

static bool check_first(const char *path, const json_t *root, enum split split, int64_t *n, struct err *err)
{
    const char *word = json_string_value(json_object_get(root, "split"));
    const char *hash = json_string_value(json_object_get(root, "images_sha256"));
    char wanted[SHA256_HEX] = "";

    *n = json_integer_value(json_object_get(root, "images"));
    if (!word || !hash || *n < 1 || *n > INT32_MAX || json_integer_value(json_object_get(root, "shards")) != 1)
        return err_run(err,
                       "%s: is not as validate sis or validate merge writes it; "
                       "make the masks again",
                       path);
    if (strcmp(word, split == SPLIT_TRAIN ? "train" : "test") != 0)
        return err_usage(err, "%s: its masks are of the %s split; give one result of each split", path, word);
    int64_t *image = mem_alloc((size_t)*n, sizeof *image);
    for (int64_t i = 0; i < *n; i++)
        image[i] = i;
    sis_images_hash(image, *n, wanted);
    free(image);
    return strcmp(hash, wanted) == 0 || err_usage(err,
                                                  "%s: its masks are not those of the first %lld pictures; "
                                                  "make them with validate sis --split "
                                                  "%s --images %lld",
                                                  path, (long long)*n, word, (long long)*n);
}

/* How many pictures these masks are of: the first ones of the split. Whether they fit the data, train asks. */
static bool count_masks(const char *directory, enum split split, int64_t *n, struct err *err)
{
    char *path = file_join(directory, "sis.json");
    json_t *root = NULL;
    bool ok = json_open(path, IDENTITY_LIMIT, &root, err) && check_first(path, root, split, n, err);

    json_decref(root);
    free(path);
    return ok;
}

static bool choose_pictures(const struct survey *s, int64_t n, int64_t out[2], struct err *err)
{
    if (!s->full)
        return err_usage(err, "subset.retrain trains nine networks; give --full, "
                              "or take it out of the policy");
    if (!s->masks[SPLIT_TRAIN] || !s->masks[SPLIT_TEST])
        return err_usage(err, "subset.retrain needs the deciding pixels of a model "
                              "on both splits: run validate sis RUN "
                              "with --split train and with --split test, and give "
                              "both results with --masks");
    for (int split = 0; split < 2; split++) {
        if (!count_masks(s->masks[split], (enum split)split, &out[split], err))
            return false;
        if (n > 0 && n < out[split])
            out[split] = n;
        if (out[split] > s->data->count[split] || out[split] < LEAST_PICTURES)
            return err_usage(err,
                             "%s: has masks of %lld pictures, but the split has "
                             "%lld; two or more are needed, of "
                             "this data set",
                             s->masks[split], (long long)out[split], (long long)s->data->count[split]);
    }
    return true;
}

/* --- trainings ---------------------------------------------------------------------------------------------------- */

/* As the view masks:...@F rounds. */
static int kept_pixels(double fraction, int pixels)
{
    int kept = (int)ceil(fraction * pixels - 1e-9);

    return kept < 1 ? 1 : kept;
}

static char *masks_view(const struct job *j, const char *form, const char *train, const char *test)
{
    return mem_format("%s:%s/masks.npz,%s/masks.npz@%.15g", form, train, test, j->fraction);
}

/* The text of its --view, or NULL: whole pictures. free() it. */
static char *view_of(const struct job *j, enum retrained k)
{
    const char *const *given = j->survey->masks;

    switch (k) {
    case RETRAINED_GIVEN: return masks_view(j, "masks", given[SPLIT_TRAIN], given[SPLIT_TEST]);
    case RETRAINED_GIVEN_PLACES: return masks_view(j, "mask-only", given[SPLIT_TRAIN], given[SPLIT_TEST]);
    case RETRAINED_CROSS: return masks_view(j, "masks", j->cross[SPLIT_TRAIN], j->cross[SPLIT_TEST]);
    case RETRAINED_CROSS_PLACES: return masks_view(j, "mask-only", j->cross[SPLIT_TRAIN], j->cross[SPLIT_TEST]);
    case RETRAINED_EXCHANGED: return masks_view(j, "masks", j->exchanged[SPLIT_TRAIN], j->exchanged[SPLIT_TEST]);
    case RETRAINED_RANDOM: return mem_format("random:%.17g", (double)j->out->kept / (j->out->h * j->out->w));
    default: return NULL;
    }
}

/* Trainings on whole pictures serve every fraction. */
static bool train(const struct job *j, enum retrained k, struct err *err)
{
    const struct survey *s = j->survey;
    char *view = view_of(j, k), *run = view ? mem_format("%s/%.15g/%s", j->folder, j->fraction, trainings[k].name)
                                            : file_join(j->folder, trainings[k].name);
    struct training t = { .program = s->program,
                          .cfg = j->network.path,
                          .out = run,
                          .data = s->data_dir,
                          .view = view,
                          .seed = (int64_t)s->seed,
                          .threads = team_size(s->team),
                          .replace = s->replace,
                          .limit_train = j->out->n[SPLIT_TRAIN],
                          .limit_test = j->out->n[SPLIT_TEST],
                          .progress = s->progress,
                          .what = trainings[k].what,
                          .stop = s->stop };
    bool ok = survey_goes_on(s, err) && training_run(&t, &j->out->trained[k], err);

    free(run);
    free(view);
    return ok;
}

/* --- examples ----------------------------------------------------------------------------------------------------- */

static bool keep_examples(const struct job *j, struct err *err)
{
    struct sis_records test;
    struct retraining *r = j->out;
    int pixels = r->h * r->w;

    if (!sis_records_read(j->cross[SPLIT_TEST], &test, err))
        return false;
    for (int k = 0; k < RETRAINING_EXAMPLES && k < test.n; k++) {
        r->mask[k] = mem_alloc((size_t)pixels, 1);
        sis_mask(&test.record[k].order, r->kept, pixels, r->mask[k]);
    }
    sis_records_free(&test);
    return true;
}

static bool retrain(struct job *j, struct err *err)
{
    struct retraining *r = j->out;
    struct cross_masks cross = {
        .survey = j->survey, .network = &j->network, .folder = j->folder, .n = { r->n[0], r->n[1] }
    };
    bool ok = true;

    r->h = j->network.h;
    r->w = j->network.w;
    r->kept = kept_pixels(j->fraction, r->h * r->w);
    if (r->kept >= r->h * r->w)
        return err_usage(err,
                         "subset.retrain: %.15g of %d x %d pixels are all of them; "
                         "take a smaller fraction",
                         j->fraction, r->w, r->h);
    j->cross[SPLIT_TRAIN] = file_join(j->folder, "masks_train");
    j->cross[SPLIT_TEST] = file_join(j->folder, "masks_test");
    j->exchanged[SPLIT_TRAIN] = file_join(j->folder, "exchanged_train");
    j->exchanged[SPLIT_TEST] = file_join(j->folder, "exchanged_test");
    ok = cross_masks_make(&cross, err) && keep_examples(j, err);
    for (int k = 0; ok && k < RETRAINED; k++)
        ok = train(j, (enum retrained)k, err);
    return ok;
}

/* Rank 0 alone has trained. */
static void broadcast(struct retraining *r)
{
    struct retraining here = *r;

    ranks_broadcast(r, sizeof *r);
    for (int k = 0; k < RETRAINING_EXAMPLES; k++) {
        bool there = r->mask[k];
        size_t pixels = (size_t)r->h * (size_t)r->w;
        r->mask[k] = ranks_number() == 0 ? here.mask[k] : there ? mem_alloc(pixels, 1) : NULL;
        if (there)
            ranks_broadcast(r->mask[k], pixels);
    }
}

bool retraining_run(struct survey *s, double fraction, int64_t n, struct retraining *out, struct err *err)
{
    struct job j = { .survey = s, .fraction = fraction, .out = out };

    *out = (struct retraining){ .h = 0 };
    bool ok = choose_pictures(s, n, out->n, err);
    if (ok && ranks_number() == 0) {
        ok = network_cfg_write(s, &j.network, err);
        j.folder = file_join(s->directory, "retrain");
        ok = ok && retrain(&j, err);
    }
    ok = ranks_all_ok(ok, err);
    if (ok)
        broadcast(out);
    free(j.folder);
    for (int split = 0; split < 2; split++) {
        free(j.cross[split]);
        free(j.exchanged[split]);
    }
    network_cfg_free(&j.network);
    return ok;
}

void retraining_free(struct retraining *r)
{
    for (int k = 0; k < RETRAINING_EXAMPLES; k++)
        free(r->mask[k]);
    *r = (struct retraining){ .h = 0 };
}
