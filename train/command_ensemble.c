#include "train/command_ensemble.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/ensemble_file.h"
#include "base/interrupt.h"
#include "base/mem.h"
#include "base/shell.h"
#include "base/statistics.h"
#include "train/ensemble_run.h"
#include "train/join.h"
#include "train/setup.h"

static void print_accuracy(const char *what, int64_t correct, int64_t images)
{
    struct interval w = wilson(correct, images);

    printf("%-44s %.2f %% (95 %% interval %.2f to %.2f)\n", what, 100.0 * (double)correct / (double)images, 100 * w.low,
           100 * w.high);
}

static void print_summary(const struct ensemble_run *r)
{
    char what[64];

    for (int i = 0; r->test.images && i < r->cfg->members; i++) {
        if (!r->member[i].images) /* its manifest does not tell */
            continue;
        snprintf(what, sizeof what, "test accuracy, member %d (seed %llu)", i + 1,
                 (unsigned long long)r->cfg->seed + (unsigned)i);
        print_accuracy(what, r->member[i].correct, r->member[i].images);
    }
    if (r->test.images) {
        snprintf(what, sizeof what, "test accuracy, ensemble (mean of %s)",
                 r->cfg->combine == COMBINE_LOGIT ? "logits" : "probabilities");
        print_accuracy(what, r->test.correct, r->test.images);
    }
    printf("results in %s\n", r->directory.path);
}

/* "member_2 (interrupted), member_4 (not begun)" */
static void print_missing(const struct ensemble_run *r)
{
    const char *comma = "";

    printf("%s: no ensemble yet; not finished:", r->directory.path);
    for (int i = 0; i < r->cfg->members; i++)
        if (!run_status_finished(&r->member[i])) {
            printf("%s member_%d (%s)", comma, i + 1, *r->member[i].status ? r->member[i].status : "not begun");
            comma = ",";
        }
    printf("\n");
}

static enum exit_status conclude(const struct ensemble_run *r, enum ensemble_end end)
{
    char *command;

    progress_clear(r->progress);
    switch (end) {
    case ENSEMBLE_FINISHED: print_summary(r); return EXIT_OK;
    case ENSEMBLE_WAS_FINISHED:
        printf("%s: this ensemble is finished; --overwrite starts it again\n", r->directory.path);
        return EXIT_OK;
    case ENSEMBLE_UNFINISHED: print_missing(r); return EXIT_OK;
    case ENSEMBLE_STOPPED: break;
    }
    command = shell_resume_command(r->argc, r->argv);
    fprintf(stderr, "train: interrupted; continue with: %s\n", command);
    free(command);
    return EXIT_INTERRUPTED;
}

static struct ensemble_run make_run(const struct train_options *o, int argc, char **argv)
{
    return (struct ensemble_run){ .options = o,
                                  .argc = argc,
                                  .argv = argv,
                                  .stop = interrupt_requested,
                                  .directory = { .lock = -1, .turn = -1 },
                                  .progress = progress_new(o->quiet ? PROGRESS_QUIET : PROGRESS_AUTO, "epochs") };
}

enum exit_status command_ensemble(const struct train_options *o, int argc, char **argv, struct err *err)
{
    struct ensemble_run r = make_run(o, argc, argv);
    enum ensemble_end end;

    interrupt_install();
    bool ok = ensemble_run_open(&r, err) && ensemble_run_train(&r, &end, err);
    enum exit_status status = ok ? conclude(&r, end) : err->status;
    progress_free(r.progress);
    ensemble_run_close(&r);
    return status;
}

static struct train_options without_member(const struct train_options *o)
{
    struct train_options whole = *o;

    whole.member = 0;
    return whole;
}

static bool remove_ensemble_file(const struct run_directory *d, struct err *err)
{
    char *path = run_file(d, ENSEMBLE_FILE);
    bool ok = unlink(path) == 0 || errno == ENOENT ||
              err_run(err, "%s: cannot be removed (%s); check the permissions", path, strerror(errno));

    free(path);
    return ok;
}

bool command_member_begin(const struct train_options *o, struct run_directory *d, bool *led, struct err *err)
{
    struct train_options whole = without_member(o);
    char *path = options_directory(&whole);
    bool ok = run_directory_share(d, path, led, err) && (*led || !o->overwrite || remove_ensemble_file(d, err));

    free(path);
    return ok;
}

enum exit_status command_member_end(const struct train_options *o, struct run_directory *d, int argc, char **argv,
                                    struct err *err)
{
    struct train_options whole = without_member(o);
    struct ensemble_run r = make_run(&whole, argc, argv);
    enum ensemble_end end = ENSEMBLE_STOPPED;
    bool stopped;

    r.directory = *d;
    bool ok = setup_cfg(&whole, &r.cfg, err) && run_directory_wait_turn(&r.directory, r.stop, &stopped, err) &&
              (stopped || ensemble_run_finish(&r, &end, err));
    enum exit_status status = ok ? conclude(&r, end) : err->status;
    progress_free(r.progress);
    ensemble_run_close(&r);
    *d = r.directory;
    return status;
}

enum exit_status command_join(const struct train_options *o, struct err *err)
{
    if (!join_runs(o, err))
        return err->status;
    printf("an ensemble of %d runs: %s\n", o->n_runs, o->join);
    return EXIT_OK;
}
