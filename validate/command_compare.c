/* validate compare A B [C ...]: do models overinterpret less than the first one? */
#include "validate/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/interrupt.h"
#include "base/mem.h"
#include "validate/command_parts.h"
#include "validate/compare/compare.h"
#include "validate/compare/history.h"
#include "validate/compare/measures.h"
#include "validate/options_compare.h"
#include "validate/output.h"
#include "validate/resources.h"

struct model {
    struct subject subject;
    struct selftest selftest;
    struct output output; /* of its searches */
};

struct command {
    struct compare_options options;
    const struct subject_opener *opener;
    struct policy *policy;
    struct model model[COMPARISON_MOST];
    int n_opened;
    struct output output;
    struct history history;
    struct comparison comparison;
    double start;
};

static bool read_policy(struct command *c, struct err *err)
{
    const struct policy_kind *kind = &policy_of_comparisons;
    char *path = c->options.policy ? mem_string(c->options.policy) : resource_find(kind->example);
    bool ok = policy_read(kind, path, &c->policy, err);

    free(path);
    return ok;
}

/* Every model fits the first one, and no two are the same. */
static bool check_fits(const struct command *c, int k, struct err *err)
{
    for (int i = 0; i < k; i++)
        if (!compare_fits(&c->model[i].subject, &c->model[k].subject, err))
            return false;
    return true;
}

/* With --data all are shown the baseline's data set, whatever the others were trained on. */
static bool open_model(struct command *c, int k, struct err *err)
{
    const struct compare_options *o = &c->options;
    struct subject_options options = { .run = o->run[k],
                                       .data = o->data,
                                       .view = o->view,
                                       .descriptor = o->data && k > 0 ? c->model[0].subject.descriptor : NULL,
                                       .allow_partial = o->allow_partial,
                                       .kernels = o->kernels,
                                       .threads = o->threads,
                                       .seed = o->seed };
    struct subject *s = &c->model[k].subject;

    if (!subject_open(&options, c->opener, c->policy->baseline, s, err))
        return false;
    c->n_opened++;
    return check_fits(c, k, err);
}

static bool check_images(const struct command *c, struct err *err)
{
    long long wanted = c->options.images, count = c->model[0].subject.data->count[SPLIT_TEST];

    return wanted <= count || err_usage(err,
                                        "validate compare: --images %lld: not accepted; must be from 1 to %lld, the "
                                        "images of the split",
                                        wanted, count);
}

static bool open_models(struct command *c, struct err *err)
{
    for (int k = 0; k < c->options.n; k++)
        if (!open_model(c, k, err))
            return false;
    const struct subject *a = &c->model[0].subject;
    return subject_covers(a, SPLIT_TEST, NULL, a->data->count[SPLIT_TEST], err) && check_images(c, err);
}

/* A gradient that is wrong, or answers that depend on the batch, would make one model look better. */
static bool test_models(struct command *c, struct err *err)
{
    for (int k = 0; k < c->options.n; k++)
        if (!subject_selftest(&c->model[k].subject, SPLIT_TEST, (uint64_t)c->options.seed, &c->model[k].selftest, err))
            return false;
    return true;
}

/* Of a model that is no longer there. A folder that holds what is not ours stays. */
static void remove_folder(struct output *o)
{
    char *path = mem_string(o->path), *lock = file_join(path, "lock");

    output_close(o);
    unlink(lock);
    rmdir(path);
    free(lock);
    free(path);
}

/* Searches of each model stand in a folder that is called by its letter; with --overwrite those of models that are no
 * longer there go, too. */
static bool open_searches(struct command *c, struct err *err)
{
    const struct compare_options *o = &c->options;
    bool ok = true;

    for (int k = 0; ok && k < COMPARISON_MOST; k++) {
        char *path = mem_format("%s/%c", c->output.path, 'A' + k);
        if (k < o->n || (o->overwrite && file_exists(path)))
            ok = output_open(&c->model[k].output, path, o->resume, o->overwrite, err);
        if (ok && k >= o->n && c->model[k].output.path)
            remove_folder(&c->model[k].output);
        free(path);
    }
    return ok;
}

/* SHA-256 over what every model is. */
static void hash_models(const struct command *c, char hex[SHA256_HEX])
{
    struct sha256 *digest = sha256_new();

    for (int k = 0; k < c->options.n; k++) {
        sha256_add(digest, c->model[k].subject.cfg_hash, SHA256_HEX);
        sha256_add(digest, c->model[k].subject.weights_hash, SHA256_HEX);
    }
    sha256_finish(digest, hex);
}

static bool open_output(struct command *c, struct err *err)
{
    const struct compare_options *o = &c->options;
    char models[SHA256_HEX];
    char *name = mem_format("%s/against_%s", c->model[1].subject.directory, c->model[0].subject.name);
    bool ok = output_open(&c->output, o->out ? o->out : name, o->resume, o->overwrite, err) && open_searches(c, err);

    hash_models(c, models);
    ok = ok && history_enter(c->output.path, c->policy->hash, models, o->resume, &c->history, err);
    free(name);
    return ok;
}

static bool compare(struct command *c, int argc, char **argv, struct err *err)
{
    const struct compare_options *o = &c->options;
    struct contender *contender = mem_alloc((size_t)o->n, sizeof *contender);
    struct compare suite = { .n = o->n,
                             .contender = contender,
                             .policy = c->policy,
                             .progress = progress_new(command_progress(o->quiet), "pictures"),
                             .stop = interrupt_requested,
                             .argc = argc,
                             .argv = argv,
                             .full = o->full,
                             .resume = o->resume,
                             .images = o->images,
                             .seed = (uint64_t)o->seed,
                             .threads = (int)o->threads,
                             .start = c->start,
                             .n_former = c->history.n,
                             .former = (const char(*)[SHA256_HEX])c->history.policy };

    for (int k = 0; k < o->n; k++)
        contender[k] = (struct contender){ .subject = &c->model[k].subject,
                                           .selftest = &c->model[k].selftest,
                                           .path = o->run[k],
                                           .directory = c->model[k].output.path };
    interrupt_install();
    bool ok = compare_run(&suite, &c->comparison, err);
    progress_clear(suite.progress);
    progress_free(suite.progress);
    free(contender);
    if (!ok && err->status == EXIT_INTERRUPTED)
        return command_interrupted(argc, argv, err);
    return ok && comparison_save(&c->comparison, c->output.path, err);
}

static void print(const struct command *c)
{
    const char *no_color = getenv("NO_COLOR");

    comparison_terminal(&c->comparison, stdout, isatty(STDOUT_FILENO) && !(no_color && *no_color));
    printf("report in %s/compare.html\n", c->output.path);
}

static void close_command(struct command *c)
{
    comparison_free(&c->comparison);
    history_free(&c->history);
    for (int k = 0; k < COMPARISON_MOST; k++)
        output_close(&c->model[k].output);
    output_close(&c->output);
    for (int k = 0; k < c->n_opened; k++)
        subject_close(&c->model[k].subject);
    policy_free(c->policy);
}

enum exit_status command_compare(const struct subject_opener *opener, int argc, char **argv, struct err *err)
{
    struct command c = { .opener = opener, .output = { .lock = -1 }, .start = clock_seconds() };

    for (int k = 0; k < COMPARISON_MOST; k++)
        c.model[k].output.lock = -1;
    if (!compare_options_parse(&c.options, argc - 1, argv + 1, err))
        return err->status;
    if (c.options.list_checks) {
        command_list_checks(comparison_types);
        return EXIT_OK;
    }
    bool ok = read_policy(&c, err) && open_models(&c, err) && open_output(&c, err) && test_models(&c, err) &&
              compare(&c, argc, argv, err);
    if (ok)
        print(&c);
    enum exit_status status = ok ? c.comparison.report.verdict : err->status;
    close_command(&c);
    return status;
}
