/* validate sis RUN: sufficient input subsets of images, into files. */
#include "validate/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/interrupt.h"
#include "base/mem.h"
#include "base/shell.h"
#include "base/statistics.h"
#include "validate/output.h"
#include "validate/search.h"
#include "validate/selection.h"
#include "validate/sufficiency.h"

struct command {
    struct sis_options options;
    struct subject subject;
    struct selftest selftest;
    int target; /* struct search */
    char *directory;
    int64_t n, *image; /* of this shard */
    struct sis_identity identity;
    struct sis_store *store;
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
    c->target = strcmp(word, "predicted") == 0 ? SEARCH_PREDICTED
                : strcmp(word, "true") == 0    ? SEARCH_TRUE
                                               : (int)class;
    return true;
}

/* The images of the whole run, for the identity, then those of this shard. */
static bool find_images(struct command *c, struct err *err)
{
    const struct sis_options *o = &c->options;
    struct sis_identity *id = &c->identity;

    if (!selection_parse(o->images, c->subject.data->count[o->split], &c->image, &c->n, err))
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

    printf("%s: %lld of the images of %s %s", c->subject.name, (long long)r->n, id->data, id->split);
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

/* Every subset in the files is evaluated again. */
static bool verify(struct command *c, struct err *err)
{
    struct sis_records records;
    struct sufficiency again;

    if (!sis_records_read(c->directory, &records, err))
        return false;
    bool ok = sufficiency_check(&c->subject, &c->identity, records.record, records.n, interrupt_requested, &again, err);
    progress_clear(c->progress);
    if (ok)
        print_summary(c, &records, &again);
    if (ok && again.failed > 0)
        ok = err_run(err,
                     "%s: %lld subsets do not reach their threshold when they are evaluated again, first of image "
                     "%lld; do not use these results, and report the fault",
                     c->directory, (long long)again.failed, (long long)again.first_image);
    sis_records_free(&records);
    return ok;
}

static bool interrupted(const struct command *c, int64_t done, int argc, char **argv, struct err *err)
{
    char *command = shell_resume_command(argc, argv);

    progress_clear(c->progress);
    err_run(err, "interrupted after %lld of %lld images; continue with: %s", (long long)done, (long long)c->n, command);
    err->status = EXIT_INTERRUPTED;
    free(command);
    return false;
}

static int64_t count_done(const struct command *c)
{
    int64_t done = 0;

    for (int64_t i = 0; i < c->n; i++)
        done += sis_store_has(c->store, c->image[i]);
    return done;
}

static bool search(struct command *c, int argc, char **argv, struct err *err)
{
    struct search search = { .subject = &c->subject,
                             .identity = &c->identity,
                             .split = c->options.split,
                             .baseline = c->options.baseline,
                             .target = c->target,
                             .store = c->store,
                             .progress = c->progress,
                             .stop = interrupt_requested };
    bool stopped;

    if (sis_store_finished(c->store))
        return true;
    if (!search_run(&search, c->image, c->n, &stopped, err))
        return false;
    return stopped ? interrupted(c, count_done(c), argc, argv, err) : sis_store_finish(c->store, c->n, err);
}

static bool run(struct command *c, int argc, char **argv, struct err *err)
{
    const struct sis_options *o = &c->options;

    fill_identity(c);
    if (!find_target(c, err) || !find_images(c, err))
        return false;
    c->directory = o->out ? mem_string(o->out) : default_directory(o, &c->subject);
    if (!subject_selftest(&c->subject, o->split, (uint64_t)o->subject.seed, &c->selftest, err) ||
        (o->overwrite && !output_clear_sis(c->directory, err)) ||
        !sis_store_open(c->directory, &c->identity, o->resume, &c->store, err))
        return false;
    interrupt_install();
    c->progress = progress_new(o->quiet ? PROGRESS_QUIET : PROGRESS_AUTO, "images");
    if (!search(c, argc, argv, err))
        return false;
    return verify(c, err) || (err->status == EXIT_INTERRUPTED && interrupted(c, c->n, argc, argv, err));
}

enum exit_status command_sis(const struct subject_opener *opener, int argc, char **argv, struct err *err)
{
    struct command c = { 0 };
    bool ok = sis_options_parse(&c.options, argc - 1, argv + 1, err) &&
              subject_open(&c.options.subject, opener, c.options.baseline, &c.subject, err);

    if (!ok)
        return err->status;
    ok = run(&c, argc, argv, err);
    progress_free(c.progress);
    sis_store_close(c.store);
    free(c.image);
    free(c.directory);
    subject_close(&c.subject);
    return ok ? EXIT_OK : err->status;
}
