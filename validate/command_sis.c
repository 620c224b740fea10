/* validate sis RUN: sufficient input subsets of images, into files. */
#include "validate/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/interrupt.h"
#include "base/mem.h"
#include "base/ranks.h"
#include "base/statistics.h"
#include "validate/command_parts.h"
#include "validate/output.h"
#include "validate/search.h"
#include "validate/selection.h"
#include "validate/sufficiency.h"
#include "validate/together.h"

/* Targets that are no class. */
enum { TARGET_IS_PREDICTED = -1, TARGET_IS_TRUE = -2 };

struct command {
    struct sis_options options;
    struct subject subject;
    struct selftest selftest;
    int target; /* class, or TARGET_IS_ */
    char *directory;
    int64_t n, *image; /* of this shard */
    struct sis_identity identity;
    struct progress *progress;
};

static bool find_target(struct command *c, struct err *err)
{
    const char *word = c->options.target;
    int classes = c->subject.model->classes;
    long long class = 0;

    if (strcmp(word, "predicted") != 0 && strcmp(word, "true") != 0 && !parse_int(word, 0, classes - 1, &class))
        return err_usage(err,
                         "validate sis: --target %s: not accepted; must be predicted, true or a class from 0 to "
                         "%d",
                         word, classes - 1);
    c->target = strcmp(word, "predicted") == 0 ? TARGET_IS_PREDICTED
                : strcmp(word, "true") == 0    ? TARGET_IS_TRUE
                                               : (int)class;
    return true;
}

/* The images of the whole run, for the identity, then those of this shard. */
static bool find_images(struct command *c, struct err *err)
{
    const struct sis_options *o = &c->options;
    struct sis_identity *id = &c->identity;

    if (!selection_parse(o->images, c->subject.data->count[o->split], id->seed, &c->image, &c->n, err))
        return false;
    if (!subject_covers(&c->subject, o->split, c->image, c->n, err))
        return false;
    id->n_images = c->n;
    sis_images_hash(c->image, c->n, id->images);
    c->n = 0;
    for (int64_t p = 0; p < id->n_images; p++)
        if (sis_shard_of(p, o->shards) == o->shard)
            c->image[c->n++] = c->image[p];
    return c->n > 0 || err_usage(err, "validate sis: --shard %d/%d: has none of the %lld images; use fewer shards",
                                 o->shard, o->shards, (long long)id->n_images);
}

static char *default_directory(const struct sis_options *o, const struct subject *s)
{
    char *name = o->shards == 1 ? mem_string("sis") : mem_format("sis-%d-of-%d", o->shard, o->shards);
    char *path = file_join(s->directory, name);

    free(name);
    return path;
}

/* Texts are borrowed. */
static void fill_identity(struct command *c)
{
    const struct sis_options *o = &c->options;
    const struct subject *s = &c->subject;
    struct sis_identity *id = &c->identity;

    *id = (struct sis_identity){ .model = s->name,
                                 .data = s->data->name,
                                 .split = (char *)(o->split == SPLIT_TEST ? "test" : "train"),
                                 .h = s->model->h,
                                 .w = s->model->w,
                                 .k = s->model->classes,
                                 .settings = o->settings,
                                 .target = (char *)o->target,
                                 .baseline = (char *)baseline_name(o->baseline),
                                 .view = s->view ? (char *)view_text(s->view) : NULL,
                                 .seed = (uint64_t)o->subject.seed,
                                 .n_thresholds = o->n_thresholds,
                                 .collection = o->collection,
                                 .shard = o->shard,
                                 .shards = o->shards };
    memcpy(id->weights, s->weights_hash, sizeof id->weights);
    memcpy(id->cfg, s->cfg_hash, sizeof id->cfg);
    memcpy(id->data_hash, s->data_hash, sizeof id->data_hash);
    memcpy(id->threshold, o->threshold, sizeof id->threshold);
}

static void print_sizes(const struct command *c, const struct sis_records *r)
{
    const struct sis_identity *id = &c->identity;
    double *size = mem_alloc((size_t)r->n, sizeof *size);

    for (int t = 0; t < id->n_thresholds; t++) {
        int n = 0;
        for (int64_t i = 0; i < r->n; i++) {
            int s = sis_size(&r->record[i].order, sis_threshold(id->settings.rank, id->threshold[t]));
            if (s != SIS_NONE)
                size[n++] = s;
        }
        printf("threshold %-6g reached by %d of %lld images", id->threshold[t], n, (long long)r->n);
        if (n > 0) {
            double middle = median(size, n);
            printf(", median size %g of %d pixels (%.1f %%)", middle, id->h * id->w, 100 * middle / (id->h * id->w));
        }
        printf("\n");
    }
    free(size);
}

static void print_summary(const struct command *c, const struct sis_records *r, const struct sufficiency *again)
{
    const struct sis_identity *id = &c->identity;
    char *title = subject_title(&c->subject);

    printf("%s: %lld of the images of %s %s", title, (long long)r->n, id->data, id->split);
    free(title);
    if (id->shards > 1)
        printf(", part %d of %d", id->shard, id->shards);
    printf("; %s, ranked by %s, %s baseline\n", sis_method_name(id->settings.method), sis_rank_name(id->settings.rank),
           id->baseline);
    if (id->view)
        printf("of each picture the model sees only %s\n", id->view);
    print_sizes(c, r);
    printf("shown to the model again: %lld subsets, %lld below their threshold\n", (long long)again->subsets,
           (long long)again->failed);
    printf("results in %s\n", c->directory);
}

/* Pictures of the data set, and what the model says of them. */
static bool load_pictures(void *self, const int64_t *place, int n, float *x, struct search_picture *picture,
                          struct err *err)
{
    const struct command *c = self;
    const struct subject *s = &c->subject;
    const struct classifier *m = s->model;
    size_t floats = (size_t)m->c * (size_t)m->h * (size_t)m->w, classes = (size_t)m->classes;
    float *z = mem_alloc((size_t)n * classes, sizeof *z);
    bool ok = true;

    for (int i = 0; ok && i < n; i++)
        ok = subject_read(s, c->options.split, c->image[place[i]], x + (size_t)i * floats, err);
    ok = ok && m->logits(m->self, x, n, z, err);
    for (int i = 0; ok && i < n; i++) {
        int label = s->data->label(s->data, c->options.split, c->image[place[i]]);
        int predicted = argmax_of(z + (size_t)i * classes, m->classes);
        int target = c->target == TARGET_IS_PREDICTED ? predicted : c->target == TARGET_IS_TRUE ? label : c->target;
        picture[i] = (struct search_picture){ label, predicted, target };
    }
    free(z);
    return ok;
}

static bool interrupted(const struct command *c, int64_t done, int argc, char **argv, struct err *err)
{
    char *command = command_resume(argc, argv);

    progress_clear(c->progress);
    err_run(err, "interrupted after %lld of %lld images; continue with: %s", (long long)done, (long long)c->n, command);
    err->status = EXIT_INTERRUPTED;
    free(command);
    return false;
}

static bool search(struct command *c, int64_t *done, struct sis_records *records, struct err *err)
{
    const struct search search = { .model = c->subject.model,
                                   .identity = &c->identity,
                                   .mean = c->subject.data->mean,
                                   .image = c->image,
                                   .n = c->n,
                                   .load = load_pictures,
                                   .self = c,
                                   .directory = c->directory,
                                   .resume = c->options.resume,
                                   .progress = c->progress,
                                   .what = "images",
                                   .stop = interrupt_requested };

    return search_run(&search, records, done, err);
}

/* Every subset in the files is evaluated again. */
static bool verify(struct command *c, const struct sis_records *r, struct err *err)
{
    struct sufficiency again;

    bool ok = sufficiency_check(&c->subject, &c->identity, r->record, r->n, interrupt_requested, &again, err);
    progress_clear(c->progress);
    if (ok && ranks_number() == 0)
        print_summary(c, r, &again);
    return ok && (again.failed == 0 ||
                  err_run(err,
                          "%s: %lld subsets do not reach their threshold when they are evaluated again, first of image "
                          "%lld; do not use these results, and report the fault",
                          c->directory, (long long)again.failed, (long long)again.first_image));
}

static bool search_and_verify(struct command *c, int argc, char **argv, struct err *err)
{
    struct sis_records records = { 0 };
    int64_t done = c->n;
    bool ok = search(c, &done, &records, err) && verify(c, &records, err);

    sis_records_free(&records);
    return ok || (err->status == EXIT_INTERRUPTED && interrupted(c, done, argc, argv, err));
}

/* What each rank does by itself before all work together. */
static bool prepare(struct command *c, int argc, char **argv, struct err *err)
{
    const struct sis_options *o = &c->options;

    if (!sis_options_parse(&c->options, argc - 1, argv + 1, err) ||
        !subject_open(&o->subject, c->subject.opener, o->baseline, &c->subject, err))
        return false;
    fill_identity(c);
    if (!find_target(c, err) || !find_images(c, err))
        return false;
    c->directory = o->out ? mem_string(o->out) : default_directory(o, &c->subject);
    return subject_selftest(&c->subject, o->split, (uint64_t)o->subject.seed, &c->selftest, err);
}

static bool agree(const struct command *c, struct err *err)
{
    const struct sis_options *o = &c->options;
    char *settings = sis_identity_text(&c->identity);
    bool ok = together_subject(&c->subject, err) && ranks_agree("set of options", settings, err) &&
              ranks_see_directory(c->directory, err);

    free(settings);
    return ok && ranks_all_ok(!o->overwrite || ranks_number() != 0 || output_clear_sis(c->directory, err), err);
}

static bool run(struct command *c, int argc, char **argv, struct err *err)
{
    if (!ranks_all_ok(prepare(c, argc, argv, err), err) || !agree(c, err))
        return false;
    interrupt_install();
    c->progress = progress_new(command_progress(c->options.quiet), "images");
    return search_and_verify(c, argc, argv, err);
}

enum exit_status command_sis(const struct subject_opener *opener, int argc, char **argv, struct err *err)
{
    struct command c = { .subject.opener = opener };
    bool ok = run(&c, argc, argv, err);

    progress_free(c.progress);
    free(c.image);
    free(c.directory);
    if (c.subject.opener)
        subject_close(&c.subject);
    return ok ? EXIT_OK : err->status;
}
