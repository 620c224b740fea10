/* train CFG: data + cfg -> a run directory with weights, records and manifest. Binds the modules; the only place that
 * prints errors. */
#include <fenv.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/interrupt.h"
#include "base/mem.h"
#include "base/progress.h"
#include "base/ranks.h"
#include "base/settings.h"
#include "base/statistics.h"
#include "base/version.h"
#include "darknet-ext/conv.h"
#include "darknet-ext/weights.h"
#include "train/command_ensemble.h"
#include "train/loop.h"
#include "train/manifest.h"
#include "train/members.h"
#include "train/options.h"
#include "train/setup.h"
#include "train/together.h"

/* One training from the command line to the summary. */
struct run {
    const struct train_options *options;
    int argc;
    char **argv;
    struct setup setup;
    struct run_directory directory;
    struct run_directory ensemble; /* --member: a share of it, unless a training of all members leads */
    bool led;
    struct loop loop;
    struct manifest manifest;
};

static void print_megabytes(const char *what, int64_t bytes)
{
    printf("  %-24s %8.1f MB\n", what, (double)bytes / 1e6);
}

static void print_memory(const struct train_options *o, const struct net_cfg *cfg)
{
    struct model_options options = setup_model_options(o, cfg);
    int64_t model = model_memory_estimate(cfg, &options), loader = setup_loader_bytes(cfg);

    printf("\nestimated memory%s\n", cfg->members ? " of each member while it trains" : "");
    print_megabytes("network and workspace", model);
    print_megabytes("images decoded ahead", loader);
    print_megabytes("in all", model + loader);
}

/* Opens the model as a training would: what only the engine or libdarknet can refuse is refused here too. */
static bool print_engine(const struct train_options *o, const struct net_cfg *cfg, struct err *err)
{
    struct model_options options = setup_model_options(o, cfg);
    struct model *model;

    if (!model_open(cfg, &options, &model, err))
        return false;
    printf("\nengine: %s\n", model_engine_version());
    model_print_plan(model, stdout);
    model_close(model);
    return true;
}

static bool print_view(const struct net_cfg *cfg, const struct dataset *data, struct err *err)
{
    struct masked_view *view;

    if (!setup_view(cfg, data, &view, err))
        return false;
    if (view)
        printf("view: %s\n", view_text(view));
    view_close(view);
    return true;
}

static void print_images(const struct train_options *o, const struct dataset *data)
{
    printf("\ndata set %s: %lld training images", data->name, (long long)data->count[SPLIT_TRAIN]);
    if (o->parts)
        printf(" (without part %d of %d)", o->without + 1, o->parts);
    printf(", %lld test images, %d classes\n", (long long)data->count[SPLIT_TEST], data->classes);
}

static bool print_teacher(const struct train_options *o, const struct net_cfg *cfg, struct err *err)
{
    struct teacher *teacher;

    if (!cfg->teacher)
        return true;
    if (!teacher_open(cfg, NULL, (int)o->threads, &teacher, err))
        return false;
    printf("teacher: %s, %d network%s, weight %g, temperature %g\n", teacher->path, teacher->n,
           teacher->n > 1 ? "s" : "", cfg->distill_weight, cfg->distill_temperature);
    teacher_close(teacher);
    return true;
}

/* Data that are absent are no reason to refuse a dry run; data that do not fit the cfg are. */
static bool print_data(const struct train_options *o, const struct net_cfg *cfg, struct err *err)
{
    struct dataset *data;

    if (!cfg->dataset) {
        printf("\ndata set: the cfg names none\n");
    } else if (setup_data(o, cfg, &data, err)) {
        print_images(o, data);
        bool ok = print_view(cfg, data, err);
        dataset_close(data);
        return ok;
    } else if (err->status == EXIT_CANNOT_RUN) {
        printf("\ndata set not available: %s\n", err->text);
    } else {
        return false;
    }
    return true;
}

static void print_members(const struct train_options *o, const struct net_cfg *cfg)
{
    int jobs, threads;

    members_share(o, cfg->members, &jobs, &threads);
    printf("ensemble: %d members with seeds %llu to %llu, combined by the mean of their %s; %d at a time, %d thread%s "
           "each\n", cfg->members, (unsigned long long)cfg->seed, (unsigned long long)cfg->seed + cfg->members - 1u,
           cfg->combine == COMBINE_LOGIT ? "logits" : "probabilities", jobs, threads, threads > 1 ? "s" : "");
}

static bool dry_run(const struct train_options *o, struct err *err)
{
    struct net_cfg *cfg;

    if (!setup_cfg(o, &cfg, err))
        return false;
    char *text = cfg_resolved_text(cfg), *directory = options_directory(o);
    char *layers = strstr(text + 1, "\n[");
    printf("run directory %s, threads %lld\n", directory, o->threads);
    if (cfg->members)
        print_members(o, cfg);
    printf("\n%.*s\n\n", layers ? (int)(layers - text) : (int)strlen(text), text);
    cfg_print(cfg, stdout);
    print_memory(o, cfg);
    bool ok = print_engine(o, cfg, err) && print_teacher(o, cfg, err) && print_data(o, cfg, err);
    free(directory);
    free(text);
    cfg_free(cfg);
    return ok;
}

static bool export_stock(const struct train_options *o, const struct net_cfg *cfg, const float *values, uint64_t seen,
                         char *const *class_names, struct err *err)
{
    char *name = options_name(o);
    bool ok = weights_export_stock(o->export_stock, name, cfg, values, seen, class_names, err);

    free(name);
    return ok;
}

static void print_stock_command(const struct train_options *o)
{
    char *name = options_name(o), *command = weights_export_command(o->export_stock, name);

    printf("for stock Darknet: %s\n", command);
    free(command);
    free(name);
}

/* --weights W --export-stock DIR: no training, and no data but the names of the classes. */
static bool export_only(const struct train_options *o, struct err *err)
{
    struct net_cfg *cfg;
    struct dataset *data = NULL;
    uint64_t seen;

    if (!setup_cfg(o, &cfg, err))
        return false;
    float *values = mem_alloc((size_t)cfg->stored, sizeof *values);
    bool ok = weights_read(o->weights, cfg, values, &seen, err) && setup_data(o, cfg, &data, err) &&
              export_stock(o, cfg, values, seen, data->class_names, err);
    if (ok)
        print_stock_command(o);
    free(values);
    dataset_close(data);
    cfg_free(cfg);
    return ok;
}

static void say_interrupted(const struct run *r)
{
    const struct position *p = &r->loop.state.position;
    char *command = together_resume_command(r->argc, r->argv);

    progress_clear(r->loop.progress);
    fprintf(stderr, "train: interrupted in epoch %lld after batch %lld; continue with: %s\n", (long long)p->epoch + 1,
            (long long)p->batch, command);
    free(command);
}

static void print_accuracy(const char *what, int64_t correct, int64_t images)
{
    struct interval w = wilson(correct, images);

    printf("%-44s %.2f %% (95 %% interval %.2f to %.2f)\n", what, 100.0 * (double)correct / (double)images, 100 * w.low,
           100 * w.high);
}

static void print_summary(const struct run *r)
{
    const struct checkpoint *state = &r->loop.state;
    const struct epoch_record *last = &state->records.record[state->records.n - 1];
    char what[64];

    if (last->test_images)
        print_accuracy("test accuracy", last->test_correct, last->test_images);
    for (int i = 0; i < r->manifest.n_sampled; i++) {
        const struct sampled_result *s = &r->manifest.sampled[i];
        snprintf(what, sizeof what, "test accuracy, input dropout, %d draw%s", s->samples, s->samples > 1 ? "s" : "");
        print_accuracy(what, s->result.correct, s->result.images);
    }
    if (state->position.best_epoch) {
        snprintf(what, sizeof what, "best epoch %lld (chosen on the test split)",
                 (long long)state->position.best_epoch);
        print_accuracy(what, state->position.best_correct, last->test_images);
    }
    printf("results in %s\n", r->directory.path);
}

static bool has_input_dropout(const struct net_cfg *cfg)
{
    for (int i = 0; i < cfg->n; i++)
        if (cfg->layers[i].kind == LAYER_INPUT_DROPOUT)
            return true;
    return false;
}

/* The figures with input dropout at test time. */
static bool test_with_samples(struct run *r, bool *stopped, struct err *err)
{
    int asked = (int)r->options->test_samples;
    int samples[MANIFEST_MAX_SAMPLES] = { asked ? asked : 1, asked ? 0 : 8 };

    *stopped = false;
    if (!r->loop.test || !has_input_dropout(r->setup.cfg))
        return true;
    for (int i = 0; i < MANIFEST_MAX_SAMPLES && samples[i] && !*stopped; i++) {
        struct sampled_result *s = &r->manifest.sampled[r->manifest.n_sampled];
        s->samples = samples[i];
        if (!loop_test(&r->loop, samples[i], &s->result, stopped, err))
            return false;
        r->manifest.n_sampled += !*stopped;
    }
    return true;
}

/* The checkpoint says "finished" last: whatever a kill leaves undone before, a resume does. */
static bool finish(struct run *r, struct err *err)
{
    const struct train_options *o = r->options;
    const struct checkpoint *state = &r->loop.state;

    if ((o->export_stock && !export_stock(o, r->setup.cfg, state->parameters, (uint64_t)state->position.images,
                                          r->setup.data->class_names, err)) ||
        !manifest_write(&r->manifest, "finished", NULL, err) || !loop_finish(&r->loop, err))
        return false;
    progress_clear(r->loop.progress);
    print_summary(r);
    if (o->export_stock)
        print_stock_command(o);
    return true;
}

static enum exit_status train_to_the_end(struct run *r, struct err *err)
{
    enum loop_end end;
    bool stopped = false;

    interrupt_install();
    if (!loop_run(&r->loop, &end, err) || (end == LOOP_DONE && !test_with_samples(r, &stopped, err)))
        return err->status;
    if (end == LOOP_DONE && !stopped)
        return ranks_all_ok(!together_leads() || finish(r, err), err) ? EXIT_OK : err->status;
    if (!together_leads())
        return EXIT_INTERRUPTED;
    if (!manifest_write(&r->manifest, "interrupted", NULL, err))
        return err->status;
    say_interrupted(r);
    return EXIT_INTERRUPTED;
}

/* What a run directory holds from its first moment. */
static bool write_start(struct run *r, struct err *err)
{
    if (!together_leads())
        return true;
    char *path = run_file(&r->directory, RUN_CFG), *text = cfg_resolved_text(r->setup.cfg);
    bool ok = file_write(path, text, strlen(text), err) && manifest_write(&r->manifest, "running", NULL, err);

    free(text);
    free(path);
    return ok;
}

static bool has_checkpoint(const struct run *r)
{
    char *path = run_file(&r->directory, RUN_CHECKPOINT);
    bool yes = file_exists(path);

    free(path);
    return yes;
}

/* A failed run leaves its last checkpoint and says why in the manifest, or nothing when it came to no checkpoint. */
static void close_failed(struct run *r, const struct err *err)
{
    struct err ignored;

    if (has_checkpoint(r))
        manifest_write(&r->manifest, "failed", err->text, &ignored);
    else
        run_directory_discard(&r->directory);
}

static enum exit_status train_in_directory(struct run *r, struct err *err)
{
    struct loop *l = &r->loop;

    bool begun = r->options->resume && has_checkpoint(r);

    ranks_broadcast(&begun, sizeof begun);
    if (begun) {
        if (!ranks_all_ok(loop_resume(l, err), err))
            return err->status;
        if (l->state.position.finished) {
            if (together_leads())
                printf("%s: this run is finished; --overwrite starts it again\n", r->directory.path);
            return EXIT_OK;
        }
    } else {
        loop_begin(l);
    }
    enum exit_status status = ranks_all_ok(write_start(r, err), err) ? train_to_the_end(r, err) : err->status;
    if ((status == EXIT_USAGE || status == EXIT_CANNOT_RUN) && together_leads())
        close_failed(r, err);
    return status;
}

/* Optimiser steps after which batch-norm statistics need no start-up any more. */
enum { SETTLED_STEPS = 1000000 };

static void bind_loop(struct run *r)
{
    const struct train_options *o = r->options;
    struct setup *s = &r->setup;
    size_t stored = (size_t)s->cfg->stored;
    int64_t whole = (int64_t)loader_batches(s->train) * s->cfg->batch;

    r->loop = (struct loop){ .cfg = s->cfg, .model = s->model, .train = s->train, .test = s->test,
        .teacher = s->teacher,
        .directory = &r->directory, .title = s->cfg->path, .stop = together_stop,
        .leads = together_leads(),
        .progress = progress_new(o->quiet || o->darknet_log || !together_leads() ? PROGRESS_QUIET : PROGRESS_AUTO, "images"),
        .epoch_images = whole < s->images[SPLIT_TRAIN] ? whole : s->images[SPLIT_TRAIN],
        .test_images = s->images[SPLIT_TEST], .stop_after = o->batches,
        .steps_before = s->fine_tuning ? SETTLED_STEPS : 0, .checkpoint_batches = o->checkpoint_batches,
        .checkpoint_seconds = o->checkpoint_seconds, .darknet_log = o->darknet_log && together_leads(),
        .tensorboard = o->tensorboard,
        .state = { .identity = setup_identity(s), .host = setup_host(s), .stored = s->cfg->stored,
                   .parameters = mem_alloc(stored, sizeof(float)), .momentum = mem_alloc(stored, sizeof(float)) } };
    r->manifest = (struct manifest){ .setup = s, .directory = &r->directory, .argc = r->argc, .argv = r->argv,
                                     .state = &r->loop.state };
}

/* Rank 0 makes and locks it; the others find it. */
static bool open_directory(struct run *r, struct err *err)
{
    const struct train_options *o = r->options;
    enum run_mode mode = o->resume ? RUN_RESUME : o->overwrite ? RUN_OVERWRITE : RUN_NEW;
    char *path = options_directory(o);
    bool ok = true;

    r->directory = (struct run_directory){ .lock = -1, .turn = -1 };
    if (together_leads())
        ok = (!o->member || command_member_begin(o, &r->ensemble, &r->led, err)) &&
             run_directory_open(&r->directory, path, mode, err);
    else
        r->directory.path = mem_string(path);
    ok = ranks_all_ok(ok, err) && ranks_see_directory(path, err);
    if (!ok && together_leads() && r->directory.created)
        run_directory_discard(&r->directory);
    if (!ok)
        run_directory_close(&r->directory);
    free(path);
    return ok;
}

static enum exit_status train_alone(struct run *r, struct err *err)
{
    bool ok = setup_open(r->options, &r->setup, err);

    if (!ranks_all_ok(ok, err)) {
        if (ok)
            setup_close(&r->setup);
        return err->status;
    }
    if (!together_agree(&r->setup, err) || !open_directory(r, err)) {
        setup_close(&r->setup);
        return err->status;
    }
    bind_loop(r);
    enum exit_status status = train_in_directory(r, err);
    progress_free(r->loop.progress);
    checkpoint_free(&r->loop.state);
    free(r->loop.state.parameters);
    free(r->loop.state.momentum);
    run_directory_close(&r->directory);
    setup_close(&r->setup);
    return status;
}

static enum exit_status train(const struct train_options *o, int argc, char **argv, struct err *err)
{
    struct run r = { .options = o, .argc = argc, .argv = argv, .ensemble = { .lock = -1, .turn = -1 } };
    enum exit_status status = train_alone(&r, err);

    if (status == EXIT_OK && o->member && !r.led && together_leads())
        status = command_member_end(o, &r.ensemble, argc, argv, err);
    run_directory_close(&r.ensemble);
    return status;
}

static bool is_ensemble(const struct train_options *o, bool *yes, struct err *err)
{
    struct net_cfg *cfg;

    if (!setup_cfg(o, &cfg, err))
        return false;
    *yes = cfg->members > 0;
    cfg_free(cfg);
    return true;
}

static enum exit_status run_program(int argc, char **argv, struct err *err)
{
    struct train_options o;
    bool ensemble;

    if (!together_leads() && (settings_asks(argc, argv, "help") || settings_asks(argc, argv, "version")))
        return EXIT_OK;
    if (settings_asks(argc, argv, "help")) {
        options_help(stdout);
        return EXIT_OK;
    }
    if (settings_asks(argc, argv, "version")) {
        printf("train (Marginalia) %s\n", version_string());
        return EXIT_OK;
    }
    if (!options_parse(&o, argc, argv, err))
        return err->status;
    if (o.kernels)
        setenv(CONV_KERNELS, o.kernels, 1); /* the engine reads it, and members of an ensemble inherit it */
    if (!together_leads() && (o.join || o.dry_run || (o.weights && o.export_stock)))
        return EXIT_OK;
    if (o.join)
        return command_join(&o, err);
    if (o.dry_run)
        return dry_run(&o, err) ? EXIT_OK : err->status;
    if (o.weights && o.export_stock)
        return export_only(&o, err) ? EXIT_OK : err->status;
    if (!is_ensemble(&o, &ensemble, err))
        return err->status;
    if (ensemble && ranks_size() > 1)
        return err_usage(err, "%s: the members of an ensemble train beside each other, not in ranks; start train without "
                         "mpirun, or one member with mpirun and --member K", o.cfg), err->status;
    return ensemble ? command_ensemble(&o, argc, argv, err) : train(&o, argc, argv, err);
}

int main(int argc, char **argv)
{
    struct err err = { 0 };

    fesetenv(FE_DFL_ENV);      /* whatever was loaded before us: IEEE arithmetic with denormals */
    signal(SIGXFSZ, SIG_IGN);  /* a file size limit is an error of write(2), not a death */
    enum exit_status status = ranks_begin(&err) ? run_program(argc, argv, &err) : err.status;
    bool failed = status == EXIT_USAGE || status == EXIT_CANNOT_RUN, speaks = ranks_speak(&failed, &err);
    if (failed)
        status = err.status;
    if (failed && speaks)
        fprintf(stderr, "%s%s\n", strncmp(err.text, "train: ", 7) == 0 ? "" : "train: ", err.text);
    if (fflush(stdout) != 0 && status == EXIT_OK) {
        fprintf(stderr, "train: standard output: cannot be written; check the disk it goes to\n");
        status = EXIT_CANNOT_RUN;
    }
    ranks_end(status);
    return status;
}
