#include "validate/dataset/cross_masks.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/process.h"
#include "validate/sis/store.h"
#include "validate/trainer.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    HALVES = 2,
    LEAST_STEP = 8,
    MOST_STEPS = 512,
    DRAW_EXCHANGE = 64 /* of RNG_CHECK; checks/probe.h has the first */
};

static const char *const split_name[] = { "train", "test" };

/* FOLDER/without_1, FOLDER/masks_train_2, FOLDER/masks_train: half 1 or 2; 0: both. free() it. */
static char *place(const struct cross_masks *c, const char *what, int half)
{
    return half ? mem_format("%s/%s_%d", c->folder, what, half) : mem_format("%s/%s", c->folder, what);
}

/* The model that has not seen half `half` of the training pictures: those whose number mod 2 is half - 1. */
static bool train_half(const struct cross_masks *c, int half, struct err *err)
{
    const struct survey *s = c->survey;
    char *run = place(c, "without", half), *without = mem_format("%d/%d", half, HALVES);
    struct training t = { .program = s->program,
                          .cfg = c->network->path,
                          .out = run,
                          .data = s->data_dir,
                          .without = without,
                          .seed = (int64_t)s->seed,
                          .threads = team_size(s->team),
                          .replace = s->replace,
                          .limit_train = c->n[SPLIT_TRAIN],
                          .limit_test = c->n[SPLIT_TEST],
                          .progress = s->progress,
                          .what = half == 1 ? "model of the second half" : "model of the first half",
                          .stop = s->stop };
    struct training_result ignored;
    bool ok = training_run(&t, &ignored, err);

    free(without);
    free(run);
    return ok;
}

/* --- its masks ---------------------------------------------------------------------------------------------------- */

/* The numbers of one half of the first n pictures, one a line. */
static bool write_list(const char *path, int half, int64_t n, struct err *err)
{
    struct file_writer w;

    if (!file_begin(&w, path, err))
        return false;
    for (int64_t i = half - 1; i < n; i += HALVES)
        fprintf(w.stream, "%lld\n", (long long)i);
    return file_commit(&w, err);
}

/* A finished or begun search is in the directory. */
static bool is_search(const char *directory)
{
    char *finished = file_join(directory, "sis.json"), *begun = file_join(directory, "sis.partial");
    bool yes = file_exists(finished) || file_exists(begun);

    free(finished);
    free(begun);
    return yes;
}

/* Pixels removed at once: few steps more than 512 for a large picture, 8 pixels for a small one. */
static int choose_step(const struct network_cfg *n)
{
    int step = n->h * n->w / MOST_STEPS;

    return step < LEAST_STEP ? LEAST_STEP : step;
}

/* validate sis prints "images 12 %, ...". */
static void tell(void *self, const char *line)
{
    const struct cross_masks *c = self;
    double percent;

    if (c->survey->progress && sscanf(line, "images %lf %%", &percent) == 1 && percent >= 0 && percent <= 100)
        survey_tell(c->survey, "deciding pixels", percent, 100);
}

/* mode: what to do with a search that is there already; NULL: there is none. */
static bool search(const struct cross_masks *c, enum split split, int half, const char *path, const char *mode,
                   struct err *err)
{
    const struct survey *s = c->survey;
    struct process_words words = { 0 };
    char *run = place(c, "without", half), *out = mem_format("%s/masks_%s_%d", c->folder, split_name[split], half);
    char *list = mem_format("%s.images", out), *log = mem_format("%s.log", out);
    struct process sis = {
        .path = path, .name = "validate", .words = &words, .log = log, .tell = tell, .self = (void *)c, .stop = s->stop
    };

    process_add(&words, "sis");
    process_add(&words, "--split=%s", split_name[split]);
    process_add(&words, "--images=@%s", list);
    process_add(&words, "--out=%s", out);
    process_add(&words, "--method=gradient");
    process_add(&words, "--per-step=%d", choose_step(c->network));
    process_add(&words, "--seed=%llu", (unsigned long long)s->seed);
    process_add(&words, "--threads=%d", team_size(s->team));
    if (s->data_dir)
        process_add(&words, "--data=%s", s->data_dir);
    if (mode)
        process_add(&words, "--%s", mode);
    process_add(&words, "--");
    process_add(&words, "%s", run);
    bool ok = write_list(list, half, c->n[split], err) && process_run(&sis, err);
    process_words_free(&words);
    free(log);
    free(list);
    free(out);
    free(run);
    return ok;
}

/* What is refused because its settings differ is wrong usage; so is what will be refused again. */
static bool search_half(const struct cross_masks *c, enum split split, int half, const char *path, struct err *err)
{
    char *out = mem_format("%s/masks_%s_%d", c->folder, split_name[split], half);
    bool there = is_search(out);

    free(out);
    return search(c, split, half, path, there ? "resume" : NULL, err) ||
           (there && c->survey->replace && err->status == EXIT_USAGE && search(c, split, half, path, "overwrite", err));
}

/* --- both halves in one result ------------------------------------------------------------------------------------ */

/* The weights of an ensemble are those of its members (store.h); here each member speaks for its half. */
static void join_identity(const struct sis_records half[HALVES], struct sis_records *out)
{
    struct sha256 *digest = sha256_new();

    out->identity = half[0].identity; /* borrowed but for what is replaced */
    out->identity.model = (char *)"two models, each asked about the half it was not trained on";
    for (int k = 0; k < HALVES; k++)
        sha256_add(digest, half[k].identity.weights, SHA256_HEX - 1);
    sha256_finish(digest, out->identity.weights);
    out->identity.n_images = out->n;
    int64_t *image = mem_alloc((size_t)out->n, sizeof *image);
    for (int64_t i = 0; i < out->n; i++)
        image[i] = out->record[i].image;
    sis_images_hash(image, out->n, out->identity.images);
    free(image);
}

/* Writes the records as FOLDER/NAME_train or _test. */
static bool write_joined(const struct cross_masks *c, const char *name, enum split split, const struct sis_records *r,
                         struct err *err)
{
    char *what = mem_format("%s_%s", name, split_name[split]), *directory = place(c, what, 0);
    bool ok = sis_records_write(directory, r, err);

    free(directory);
    free(what);
    return ok;
}

/* Each picture gets the mask of one drawn at random, whatever its class: a place then tells nothing of the label. */
static bool write_exchanged(const struct cross_masks *c, enum split split, struct sis_records *all, struct err *err)
{
    uint32_t n = (uint32_t)all->n, *from = mem_alloc(n, sizeof *from);
    struct rng r = rng_stream(c->survey->seed, RNG_CHECK | DRAW_EXCHANGE << 8, (uint32_t)split, 0);
    struct sis_records exchanged = { .identity = all->identity, .n = all->n };

    rng_permutation(&r, n, from);
    exchanged.identity.model = (char *)"two models, their masks exchanged between pictures";
    exchanged.record = mem_alloc(n, sizeof *exchanged.record);
    for (uint32_t i = 0; i < n; i++) {
        exchanged.record[i] = all->record[from[i]];
        exchanged.record[i].image = all->record[i].image;
    }
    bool ok = write_joined(c, "exchanged", split, &exchanged, err);
    free(exchanged.record);
    free(from);
    return ok;
}

/* What the joined records point to stays the halves'. */
static bool join_halves(const struct cross_masks *c, enum split split, const struct sis_records half[HALVES],
                        struct err *err)
{
    struct sis_records all = { .n = c->n[split] };

    if (half[0].n != (all.n + 1) / 2 || half[1].n != all.n / 2)
        return err_run(err, "%s: its masks are not of half of the pictures; remove it", c->folder);
    all.record = mem_alloc((size_t)all.n, sizeof *all.record);
    for (int64_t i = 0; i < all.n; i++) /* the halves take turns, from half 1 on */
        all.record[i] = half[i % HALVES].record[i / HALVES];
    join_identity(half, &all);
    bool ok = write_joined(c, "masks", split, &all, err) && write_exchanged(c, split, &all, err);
    free(all.record);
    return ok;
}

static bool join(const struct cross_masks *c, enum split split, struct err *err)
{
    struct sis_records half[HALVES] = { { .n = 0 } };
    char *what = mem_format("masks_%s", split_name[split]);
    bool ok = true;

    for (int k = 0; ok && k < HALVES; k++) {
        char *directory = place(c, what, k + 1);
        ok = sis_records_read(directory, &half[k], err);
        free(directory);
    }
    ok = ok && join_halves(c, split, half, err);
    for (int k = 0; k < HALVES; k++)
        sis_records_free(&half[k]);
    free(what);
    return ok;
}

bool cross_masks_make(const struct cross_masks *c, struct err *err)
{
    char *path = NULL;
    bool ok = file_make_directories(c->folder, err) && process_beside(c->survey->program, "validate", &path, err);

    for (int half = 1; ok && half <= HALVES; half++)
        ok = survey_goes_on(c->survey, err) && train_half(c, half, err) &&
             search_half(c, SPLIT_TRAIN, half, path, err) && search_half(c, SPLIT_TEST, half, path, err);
    ok = ok && join(c, SPLIT_TRAIN, err) && join(c, SPLIT_TEST, err);
    free(path);
    return ok;
}
