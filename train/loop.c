#include "train/loop.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "darknet-ext/weights.h"
#include "train/together.h"

static void prepare(struct loop *l)
{
    l->schedule = schedule_new(l->cfg, loader_batches(l->train));
    l->end = l->schedule.total;
    if (l->stop_after > 0 && l->stop_after < l->end)
        l->end = l->stop_after;
    l->checkpoint_step = l->state.position.steps;
    l->checkpoint_time = l->clock = l->batch_end = clock_seconds();
}

void loop_begin(struct loop *l)
{
    l->state.position = (struct position){ .average_loss = -1 };
    prepare(l);
}

/* The digest of a checkpoint keeps accidents out; this keeps a forged position from reaching an assert. */
static bool check_position(const struct loop *l, const char *path, struct err *err)
{
    const struct position *p = &l->state.position;

    if (p->epoch >= 0 && p->batch >= 0 && p->batch <= l->schedule.batches_per_epoch && p->steps <= l->end &&
        p->epoch == l->state.records.n && p->epoch <= p->steps && (p->epoch > 0 || !p->finished))
        return true;
    return err_run(err, "%s: the position in the checkpoint is impossible; start again with --overwrite", path);
}

static void note_host(const struct loop *l, const char *then)
{
    if (strcmp(l->state.host, then) != 0)
        progress_line(l->progress, "note: threads, ranks, instruction set or engine differ from the last start; the final "
                      "bytes may differ from those of a run without a stop");
}

/* Takes over what checkpoint_read brought, once it is known to fit. */
static bool adopt(struct loop *l, struct checkpoint *from, const char *path, struct err *err)
{
    l->state.position = from->position;
    l->state.records = from->records;
    from->records = (struct records){ 0 };
    prepare(l);
    if (!check_position(l, path, err))
        return false;
    model_set_parameters(l->model, from->parameters);
    model_set_momentum(l->model, from->momentum);
    loader_seek(l->train, (int)from->position.epoch, (int)from->position.batch); /* after the last batch: next epoch */
    note_host(l, from->host);
    return !l->leads || records_write(&l->state.records, l->directory->path, l->tensorboard, l->title, err);
}

bool loop_resume(struct loop *l, struct err *err)
{
    char *path = run_file(l->directory, RUN_CHECKPOINT);
    struct checkpoint from = { .stored = l->state.stored, .parameters = l->state.parameters,
                               .momentum = l->state.momentum };
    bool ok = checkpoint_read(path, l->state.identity, &from, err);

    if (ok) {
        ok = adopt(l, &from, path, err);
        checkpoint_free(&from);
    }
    free(path);
    return ok;
}

static void count_wall_time(struct loop *l)
{
    double now = clock_seconds();

    l->state.position.wall_seconds += now - l->clock;
    l->clock = now;
}

static bool diverged(const struct loop *l, struct err *err)
{
    char *path = run_file(l->directory, RUN_CHECKPOINT);
    int64_t steps = l->state.position.steps;

    err_run(err, "%s: the training diverged after %lld batches (numbers are not finite; learning rate %g); lower "
            "learning_rate or add burn_in=, then start again with --overwrite (%s is the last good state)",
            l->cfg->path, (long long)steps, schedule_rate(&l->schedule, steps > 0 ? steps : 1), path);
    free(path);
    return false;
}

/* Copies the parameters into the state, unless a number among them is not finite: that must not replace a good file. */
static bool fetch_parameters(struct loop *l, struct err *err)
{
    model_get_parameters(l->model, l->state.parameters);
    for (int64_t i = 0; i < l->state.stored; i++)
        if (!isfinite(l->state.parameters[i]))
            return diverged(l, err);
    return true;
}

static bool save_checkpoint(struct loop *l, struct err *err)
{
    if (!fetch_parameters(l, err))
        return false;
    if (!l->leads)
        return true;
    char *path = run_file(l->directory, RUN_CHECKPOINT);
    count_wall_time(l);
    model_get_momentum(l->model, l->state.momentum);
    bool ok = checkpoint_write(path, &l->state, err);
    l->checkpoint_step = l->state.position.steps;
    l->checkpoint_time = clock_seconds();
    free(path);
    return ok;
}

static bool checkpoint_is_due(const struct loop *l)
{
    if (!l->leads)
        return false;
    if (l->checkpoint_batches > 0)
        return l->state.position.steps - l->checkpoint_step >= l->checkpoint_batches;
    return clock_seconds() - l->checkpoint_time >= l->checkpoint_seconds;
}

static bool save_weights(struct loop *l, const char *name, struct err *err)
{
    if (!fetch_parameters(l, err))
        return false;
    if (!l->leads)
        return true;
    char *path = run_file(l->directory, name);
    bool ok = weights_write(path, l->cfg, l->state.parameters, (uint64_t)l->state.position.images, err);
    free(path);
    return ok;
}

/* Darknet's line of a batch, to the letter: people's scripts read it. */
static void print_darknet_line(const struct loop *l, double loss, float rate, double seconds)
{
    const struct position *p = &l->state.position;

    printf("%ld, %.3f: %f, %f avg, %f rate, %lf seconds, %ld images\n", (long)p->steps,
           (double)p->images / (double)l->epoch_images, loss, p->average_loss, rate, seconds, (long)p->images);
    fflush(stdout);
}

static int64_t batches_in_epoch(const struct loop *l)
{
    const struct position *p = &l->state.position;
    int64_t left = l->end - (p->steps - p->batch);

    return left < l->schedule.batches_per_epoch ? left : l->schedule.batches_per_epoch;
}

static void show_progress(const struct loop *l)
{
    const struct position *p = &l->state.position;
    int64_t per_batch = l->epoch_images / l->schedule.batches_per_epoch;
    int64_t epochs = (l->end + l->schedule.batches_per_epoch - 1) / l->schedule.batches_per_epoch;
    char stage[64], note[96];

    snprintf(stage, sizeof stage, "epoch %lld/%lld", (long long)p->epoch + 1, (long long)epochs);
    snprintf(note, sizeof note, "loss %.3f accuracy %.1f %%", p->loss_sum / (double)p->epoch_images,
             100 * (double)p->correct / (double)p->epoch_images);
    progress_update(l->progress, stage, p->epoch_images, batches_in_epoch(l) * per_batch, p->images,
                    l->end * per_batch, note);
}

static void add_batch(struct position *p, const struct step *step)
{
    double mean = step->loss / step->whole;

    p->batch++;
    p->steps++;
    p->images += step->whole;
    p->epoch_images += step->whole;
    p->loss_sum += step->loss;
    p->correct += step->correct;
    p->average_loss = p->average_loss < 0 ? mean : p->average_loss * .9 + mean * .1;
}

/* Seconds since the batch before: waiting for data, logging and checkpoints count, too. */
static double count_train_time(struct loop *l)
{
    double now = clock_seconds(), seconds = now - l->batch_end;

    l->state.position.train_seconds += seconds;
    l->batch_end = now;
    return seconds;
}

static bool train_batch(struct loop *l, struct err *err)
{
    struct position *p = &l->state.position;
    struct batch b;

    if (!loader_next(l->train, &b, err))
        return false;
    assert(b.epoch == p->epoch && b.number == p->batch);
    struct step step = { .x = b.x, .label = b.label, .index = b.index, .n = b.n, .whole = b.whole, .epoch = b.epoch, .seed = l->cfg->seed,
        .steps_done = l->steps_before + p->steps, .learning_rate = schedule_rate(&l->schedule, p->steps + 1) };
    if (l->teacher && !teacher_answer(l->teacher, b.x, b.n, &step.teacher, err))
        return false;
    if (!model_train_step(l->model, &step, err))
        return isfinite(step.loss) ? false : diverged(l, err);
    add_batch(p, &step);
    double seconds = count_train_time(l);
    if (l->darknet_log)
        print_darknet_line(l, step.loss / step.whole, step.learning_rate, seconds);
    else
        show_progress(l);
    return true;
}

struct test_view {
    const struct loop *loop;
    char stage[48];
};

static void show_test(void *arg, int64_t images)
{
    const struct test_view *v = arg;
    const struct loop *l = v->loop;
    int64_t all = l->end * (l->epoch_images / l->schedule.batches_per_epoch);

    if (!l->darknet_log)
        progress_update(l->progress, v->stage, images, l->test_images, l->state.position.images, all, "");
}

bool loop_test(struct loop *l, int samples, struct test_result *result, bool *stopped, struct err *err)
{
    struct test_view view = { .loop = l };
    struct evaluator e = { .model = l->model, .test = l->test, .classes = l->cfg->classes, .batch = l->cfg->batch,
                           .seed = l->cfg->seed, .stop = l->stop, .step = show_test, .arg = &view };

    if (samples)
        snprintf(view.stage, sizeof view.stage, "test, %d draw%s", samples, samples > 1 ? "s" : "");
    else
        snprintf(view.stage, sizeof view.stage, "test");
    bool ok = evaluate(&e, samples, result, stopped, err);
    count_wall_time(l);
    return ok;
}

static struct epoch_record make_record(const struct loop *l, const struct test_result *test, double test_seconds)
{
    const struct position *p = &l->state.position;
    double n = (double)p->epoch_images;
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (struct epoch_record){ .epoch = p->epoch + 1, .images = p->epoch_images, .loss = p->loss_sum / n,
        .train_accuracy = (double)p->correct / n, .test_images = test->images, .test_correct = test->correct,
        .test_loss = test->images ? test->loss_sum / (double)test->images : 0,
        .learning_rate = schedule_rate(&l->schedule, p->steps), .images_per_second = n / p->train_seconds,
        .seconds = p->train_seconds + test_seconds, .wall_time = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec };
}

static bool keep_best(struct loop *l, const struct epoch_record *r, struct err *err)
{
    struct position *p = &l->state.position;

    if (r->test_images == 0 || (p->best_epoch && r->test_correct <= p->best_correct))
        return true;
    p->best_epoch = r->epoch;
    p->best_correct = r->test_correct;
    return save_weights(l, RUN_BEST, err);
}

static void show_epoch(const struct loop *l, const struct epoch_record *r)
{
    char test[64] = "", teacher[64] = "";

    if (r->test_images)
        snprintf(test, sizeof test, ", test accuracy %.2f %%", 100 * record_test_accuracy(r));
    if (l->teacher)
        snprintf(teacher, sizeof teacher, " (the teacher alone %.0f)", teacher_images_per_second(l->teacher));
    progress_line(l->progress, "epoch %lld: loss %.4f, accuracy %.2f %%%s, learning rate %.4g, %.0f images/s%s, %.1f s",
                  (long long)r->epoch, r->loss, 100 * r->train_accuracy, test, r->learning_rate, r->images_per_second,
                  teacher, r->seconds);
}

static void start_epoch(struct position *p)
{
    p->epoch++;
    p->batch = p->epoch_images = p->correct = 0;
    p->loss_sum = p->train_seconds = 0;
}

/* Order matters for a kill in between: what is written before the checkpoint is written again, alike, after a
 * resume. */
static bool end_epoch(struct loop *l, bool *stopped, struct err *err)
{
    struct test_result test = { 0 };
    double begin = clock_seconds();

    *stopped = false;
    if (l->test && !loop_test(l, 0, &test, stopped, err))
        return false;
    if (*stopped)
        return true;
    if (!together_check_model(l->model, l->state.position.epoch + 1, err))
        return false;
    struct epoch_record r = make_record(l, &test, clock_seconds() - begin);
    records_add(&l->state.records, &r);
    if (!keep_best(l, &r, err) ||
        (l->leads && !records_append(&l->state.records, l->directory->path, l->tensorboard, l->title, err)))
        return false;
    show_epoch(l, &r);
    start_epoch(&l->state.position);
    l->batch_end = clock_seconds();
    return save_checkpoint(l, err);
}

static bool epoch_is_over(const struct loop *l)
{
    const struct position *p = &l->state.position;

    return p->batch > 0 && p->batch == batches_in_epoch(l);
}

bool loop_run(struct loop *l, enum loop_end *end, struct err *err)
{
    const struct position *p = &l->state.position;
    bool stopped = false;

    while (!stopped && (p->steps < l->end || p->batch > 0)) {
        if (epoch_is_over(l)) {
            if (!end_epoch(l, &stopped, err))
                return false;
        } else {
            if (!train_batch(l, err) || (checkpoint_is_due(l) && !save_checkpoint(l, err)))
                return false;
        }
        stopped = stopped || l->stop();
    }
    *end = stopped ? LOOP_STOPPED : LOOP_DONE;
    return stopped ? save_checkpoint(l, err) : save_weights(l, RUN_FINAL, err);
}

bool loop_finish(struct loop *l, struct err *err)
{
    l->state.position.finished = 1;
    return save_checkpoint(l, err);
}
