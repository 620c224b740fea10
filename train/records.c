#include "train/records.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/plot.h"
#include "train/run_directory.h"
#include "train/tfevents.h"

double record_test_accuracy(const struct epoch_record *r)
{
    return r->test_images ? (double)r->test_correct / (double)r->test_images : NAN;
}

void records_add(struct records *r, const struct epoch_record *record)
{
    if (r->n == r->room) {
        r->room = r->room ? 2 * r->room : 64;
        r->record = mem_resize(r->record, (size_t)r->room, sizeof *r->record);
    }
    r->record[r->n++] = *record;
}

void records_free(struct records *r)
{
    free(r->record);
    *r = (struct records){ 0 };
}

static json_t *record_json(const struct epoch_record *r)
{
    return json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I}", "epoch", (json_int_t)r->epoch,
                     "loss", json_finite(r->loss), "train_accuracy", json_finite(r->train_accuracy),
                     "test_loss", json_finite(r->test_images ? r->test_loss : NAN),
                     "test_accuracy", json_finite(record_test_accuracy(r)),
                     "learning_rate", json_finite(r->learning_rate),
                     "images_per_second", json_finite(r->images_per_second), "seconds", json_finite(r->seconds),
                     "images", (json_int_t)r->images);
}

/* One record as train.jsonl has it; free() it. */
static char *record_line(const struct epoch_record *r)
{
    json_t *json = record_json(r);
    char *line = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(17));

    json_decref(json);
    return line;
}

static bool write_jsonl(const struct records *r, const char *path, struct err *err)
{
    struct file_writer w;

    if (!file_begin(&w, path, err))
        return false;
    for (int64_t i = 0; i < r->n; i++) {
        char *line = record_line(&r->record[i]);
        fprintf(w.stream, "%s\n", line);
        free(line);
    }
    return file_commit(&w, err);
}

static bool append_jsonl(const struct records *r, const char *path, struct err *err)
{
    json_t *json = record_json(&r->record[r->n - 1]);
    bool ok = jsonl_append(path, json, err);

    json_decref(json);
    return ok;
}

/* A column that has no figure stays empty. */
static void put_column(FILE *out, double x)
{
    if (isfinite(x))
        fprintf(out, ",%.9g", x);
    else
        fputc(',', out);
}

static bool write_csv(const struct records *r, const char *path, struct err *err)
{
    struct file_writer w;

    if (!file_begin(&w, path, err))
        return false;
    fputs("epoch,loss,train_accuracy,test_loss,test_accuracy,learning_rate,images_per_second,seconds,images\n",
          w.stream);
    for (int64_t i = 0; i < r->n; i++) {
        const struct epoch_record *e = &r->record[i];
        fprintf(w.stream, "%lld", (long long)e->epoch);
        put_column(w.stream, e->loss);
        put_column(w.stream, e->train_accuracy);
        put_column(w.stream, e->test_images ? e->test_loss : NAN);
        put_column(w.stream, record_test_accuracy(e));
        put_column(w.stream, e->learning_rate);
        put_column(w.stream, e->images_per_second);
        put_column(w.stream, e->seconds);
        fprintf(w.stream, ",%lld\n", (long long)e->images);
    }
    return file_commit(&w, err);
}

static void put_event(FILE *out, const struct epoch_record *r)
{
    const struct tfevents_scalar scalars[] = {
        { "loss/train", (float)r->loss }, { "accuracy/train", (float)r->train_accuracy },
        { "learning_rate", (float)r->learning_rate }, { "images_per_second", (float)r->images_per_second },
        { "loss/test", (float)r->test_loss }, { "accuracy/test", (float)record_test_accuracy(r) },
    };

    tfevents_put_scalars(out, r->wall_time, r->epoch, scalars, r->test_images ? 6 : 4);
}

static bool write_events(const struct records *r, const char *path, struct err *err)
{
    struct file_writer w;

    if (!file_begin(&w, path, err))
        return false;
    tfevents_put_version(w.stream, r->record[0].wall_time);
    for (int64_t i = 0; i < r->n; i++)
        put_event(w.stream, &r->record[i]);
    return file_commit(&w, err);
}

/* Appends in place: a reader that has the file open goes on reading it. */
static bool append_event(const struct records *r, const char *path, struct err *err)
{
    FILE *out = fopen(path, "ae");

    if (out) {
        put_event(out, &r->record[r->n - 1]);
        bool failed = ferror(out);
        if (fclose(out) == 0 && !failed)
            return true;
    }
    return err_run(err, "%s: cannot be written (%s); free some space, or check the permissions", path, strerror(errno));
}

enum series { X_EPOCH, Y_LOSS, Y_TEST_LOSS, Y_ACCURACY, Y_TEST_ACCURACY, N_SERIES };

/* columns[N_SERIES * n], series after series; free() it. Accuracies in per cent. */
static double *curve_columns(const struct records *r)
{
    double *columns = mem_alloc((size_t)r->n, N_SERIES * sizeof *columns);

    for (int64_t i = 0; i < r->n; i++) {
        const struct epoch_record *e = &r->record[i];
        columns[X_EPOCH * r->n + i] = (double)e->epoch;
        columns[Y_LOSS * r->n + i] = e->loss;
        columns[Y_TEST_LOSS * r->n + i] = e->test_images ? e->test_loss : NAN;
        columns[Y_ACCURACY * r->n + i] = 100 * e->train_accuracy;
        columns[Y_TEST_ACCURACY * r->n + i] = 100 * record_test_accuracy(e);
    }
    return columns;
}

static bool write_curve(const struct records *r, const char *path, const char *title, struct err *err)
{
    double *c = curve_columns(r);
    int n = (int)r->n, tested = r->n && r->record[0].test_images;
    struct plot plot = { .title = title, .n = 2, .panels = {
        { .x_label = "epoch", .y_label = "loss", .n = 1 + tested, .series = {
            { "training", n, c, c + Y_LOSS * r->n }, { "test", n, c, c + Y_TEST_LOSS * r->n } } },
        { .x_label = "epoch", .y_label = "accuracy (%)", .n = 1 + tested, .series = {
            { "training", n, c, c + Y_ACCURACY * r->n }, { "test", n, c, c + Y_TEST_ACCURACY * r->n } } } } };
    bool ok = plot_save(&plot, path, err);

    free(c);
    return ok;
}

typedef bool write_function(const struct records *r, const char *path, struct err *err);

static bool write_in(const char *directory, const char *name, write_function *write, const struct records *r,
                     struct err *err)
{
    char *path = file_join(directory, name);
    bool ok = write(r, path, err);

    free(path);
    return ok;
}

/* The forms that are small enough to be replaced as a whole. */
static bool write_whole(const struct records *r, const char *directory, const char *title, struct err *err)
{
    char *curve = file_join(directory, RUN_CURVE);
    bool ok = write_in(directory, RUN_SUMMARY, write_csv, r, err) && write_curve(r, curve, title, err);

    free(curve);
    return ok;
}

bool records_write(const struct records *r, const char *directory, bool tensorboard, const char *title,
                   struct err *err)
{
    return r->n == 0 || (write_in(directory, RUN_JSONL, write_jsonl, r, err) &&
                         (!tensorboard || write_in(directory, RUN_EVENTS, write_events, r, err)) &&
                         write_whole(r, directory, title, err));
}

bool records_append(const struct records *r, const char *directory, bool tensorboard, const char *title,
                    struct err *err)
{
    if (r->n == 1)
        return records_write(r, directory, tensorboard, title, err);
    return write_in(directory, RUN_JSONL, append_jsonl, r, err) &&
           (!tensorboard || write_in(directory, RUN_EVENTS, append_event, r, err)) &&
           write_whole(r, directory, title, err);
}
