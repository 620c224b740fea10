/* What a model costs: training by its manifest, inference and memory measured here. */
#include "validate/compare/compare.h"

#include <float.h>
#include <limits.h>
#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/json.h"
#include "base/mem.h"
#include "base/statistics.h"

enum { MANIFEST_LIMIT = 4 << 20, ROUNDS_MOST = 31, ROUNDS_LEAST = 5 };

/* Passes that would take longer than this in all are left out, down to ROUNDS_LEAST. */
static const double seconds_most = 6;

/* --- training ----------------------------------------------------------------------------------------------------- */

/* The key's value if it is a number that can be one; else NaN. */
static double number_at(const json_t *object, const char *key, double least, double most)
{
    const json_t *number = json_object_get(object, key);
    double value = json_is_number(number) ? json_number_value(number) : NAN;

    return value >= least && value <= most ? value : NAN;
}

/* Adds a run's wall time; NaN when its manifest does not tell. */
static void add_run(const char *directory, struct comparison_subject *s)
{
    char *path = file_join(directory, "manifest.json");
    struct err ignored = { 0 };
    json_t *root = NULL;

    if (json_open(path, MANIFEST_LIMIT, &root, &ignored)) {
        double threads = number_at(root, "threads", 1, INT_MAX);
        int n = isnan(threads) ? -1 : (int)threads;
        s->training_s += number_at(json_object_get(root, "progress"), "wall_seconds", 0, DBL_MAX);
        s->training_threads = s->training_threads == 0 || s->training_threads == n ? n : -1;
    } else {
        s->training_s = NAN;
        s->training_threads = -1;
    }
    json_decref(root);
    free(path);
}

static void fill_training(const struct subject *subject, struct comparison_subject *s)
{
    s->members = subject->n_members;
    for (int i = 0; i < subject->n_members; i++) {
        if (subject->member[i].directory)
            add_run(subject->member[i].directory, s);
        else
            s->training_s = NAN;
    }
    if (!isfinite(s->training_s))
        s->training_threads = -1;
}

/* --- inference ---------------------------------------------------------------------------------------------------- */

/* A full batch of the sample's pictures, again from the first when there are too few. */
static float *full_batch(const struct study *s, int batch)
{
    float *x = mem_big((size_t)batch * study_floats(s), sizeof *x);

    for (int i = 0; i < batch; i++)
        memcpy(x + (size_t)i * study_floats(s), study_x(s, i % s->n), study_floats(s) * sizeof *x);
    return x;
}

/* Seconds of one pass; NaN when the model cannot answer. */
static double time_pass(const struct classifier *m, const float *x, float *z)
{
    struct err ignored = { 0 };
    double start = clock_seconds();

    return m->logits(m->self, x, m->batch, z, &ignored) ? clock_seconds() - start : NAN;
}

/* The models take turns, forth and back, so that what slows the machine down for a while slows all of them. The first
 * round warms up and is not counted. seconds[n][ROUNDS_MOST] of a pass; returns the rounds. */
static int time_rounds(const struct compare *c, float *const *x, float *z, double (*seconds)[ROUNDS_MOST])
{
    double start = clock_seconds();
    int round = -1;

    for (; round < ROUNDS_MOST; round++) {
        if ((c->stop && c->stop()) || (round >= ROUNDS_LEAST && clock_seconds() - start > seconds_most))
            break;
        for (int i = 0; i < c->n; i++) {
            int k = round % 2 ? c->n - 1 - i : i;
            double took = time_pass(c->contender[k].subject->model, x[k], z);
            if (round >= 0)
                seconds[k][round] = took;
        }
    }
    return round > 0 ? round : 0;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void fill_inference(double *seconds, int rounds, int batch, struct comparison_subject *s)
{
    s->batch = batch;
    s->inference_s = s->inference_low_s = s->inference_high_s = NAN;
    for (int i = 0; i < rounds; i++)
        if (!isfinite(seconds[i]))
            return;
    if (rounds == 0)
        return;
    qsort(seconds, (size_t)rounds, sizeof *seconds, by_size);
    s->inference_s = quantile(seconds, rounds, 0.5) / batch;
    s->inference_low_s = quantile(seconds, rounds, 0.25) / batch;
    s->inference_high_s = quantile(seconds, rounds, 0.75) / batch;
}

static void measure_inference(const struct compare *c, struct comparison *out)
{
    double(*seconds)[ROUNDS_MOST] = mem_alloc((size_t)c->n, sizeof *seconds);
    float **x = mem_alloc((size_t)c->n, sizeof *x);
    int most = 1;

    for (int k = 0; k < c->n; k++) {
        const struct classifier *m = c->contender[k].subject->model;
        x[k] = full_batch(&c->contender[k].study, m->batch);
        most = m->batch > most ? m->batch : most;
    }
    float *z = mem_alloc((size_t)most * (size_t)out->classes, sizeof *z);
    int rounds = time_rounds(c, x, z, seconds);
    for (int k = 0; k < c->n; k++) {
        const struct study *s = &c->contender[k].study;
        fill_inference(seconds[k], rounds, s->model->batch, &out->subject[k]);
        mem_big_free(x[k], (size_t)s->model->batch * study_floats(s), sizeof *x[k]);
    }
    free(z);
    free(x);
    free(seconds);
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

/* Bytes of this process that are in memory and stem from no file; NaN where the system does not tell. */
static double own_memory(void)
{
    FILE *f = fopen("/proc/self/statm", "re");
    long long size, resident, shared;
    bool ok = f && fscanf(f, "%lld %lld %lld", &size, &resident, &shared) == 3;

    if (f)
        fclose(f);
    return ok ? (double)(resident - shared) * (double)sysconf(_SC_PAGESIZE) : NAN;
}

/* By how much the process grows when it opens the model once more and asks it about a batch. What every model shares
 * (libraries, code made at run time) is there by then. */
static double memory_of(const struct contender *k, int threads)
{
    const struct subject *s = k->subject;
    struct network again = { 0 };
    struct err ignored = { 0 };

    malloc_trim(0);
    double before = own_memory(), grown = NAN;
    if (!s->opener || !subject_open_network(s, threads, &again, &ignored))
        return NAN;
    float *x = full_batch(&k->study, again.classifier.batch);
    float *z = mem_alloc((size_t)again.classifier.batch * (size_t)again.classifier.classes, sizeof *z);
    if (isfinite(time_pass(&again.classifier, x, z)))
        grown = own_memory() - before;
    free(z);
    mem_big_free(x, (size_t)again.classifier.batch * study_floats(&k->study), sizeof *x);
    s->opener->close(&again);
    return grown > 0 ? grown : NAN;
}

void costs_measure(const struct compare *c, struct comparison *out)
{
    measure_inference(c, out);
    for (int k = 0; k < c->n; k++) {
        fill_training(c->contender[k].subject, &out->subject[k]);
        out->subject[k].parameters = c->contender[k].subject->network.parameters;
        out->subject[k].memory_bytes = memory_of(&c->contender[k], c->threads);
    }
}
