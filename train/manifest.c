#include "train/manifest_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/statistics.h"
#include "base/ranks.h"
#include "base/version.h"

/* "model name" of the first processor; free() it. */
static char *processor_name(void)
{
    FILE *in = fopen("/proc/cpuinfo", "re");
    char line[256], *name = NULL;

    while (in && !name && fgets(line, sizeof line, in)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) == 0 && colon)
            name = mem_format("%.*s", (int)strcspn(colon + 1, "\n"), colon + 1);
    }
    if (in)
        fclose(in);
    if (!name)
        return mem_string("unknown");
    memmove(name, name + strspn(name, " "), strlen(name + strspn(name, " ")) + 1);
    return name;
}

json_t *manifest_now(void)
{
    time_t now = time(NULL);
    struct tm utc;
    char text[32];

    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    return json_string(text);
}

/* A text that may hold a file's name. */
static json_t *text_json(const char *text)
{
    json_t *o = json_string(text); /* NULL when it is not UTF-8 */

    return o ? o : json_string("(not UTF-8)");
}

json_t *manifest_command(int argc, char **argv)
{
    json_t *words = json_array();

    for (int i = 0; i < argc; i++)
        json_array_append_new(words, text_json(argv[i]));
    return words;
}

json_t *manifest_program(void)
{
    json_t *o = json_object();
    char *processor = processor_name();

    json_object_set_new(o, "version", json_string(version_string()));
    json_object_set_new(o, "git_revision", json_string(version_revision()));
    json_object_set_new(o, "engine", json_string(model_engine_version()));
    json_object_set_new(o, "isa", json_string(model_isa()));
    json_object_set_new(o, "processor", json_string(processor));
    free(processor);
    return o;
}

static json_t *data_json(const struct setup *s)
{
    json_t *o = json_object();

    json_object_set_new(o, "name", json_string(s->data->name));
    json_object_set_new(o, "sha256", json_string(s->data_hash));
    json_object_set_new(o, "classes", json_integer(s->data->classes));
    json_object_set_new(o, "train_images", json_integer(s->images[SPLIT_TRAIN]));
    json_object_set_new(o, "test_images", json_integer(s->images[SPLIT_TEST]));
    json_object_set_new(o, "left_out", s->options->parts ? json_sprintf("%d/%d", s->options->without + 1,
                                                                        s->options->parts) : json_null());
    json_object_set_new(o, "view", s->view ? text_json(view_text(s->view)) : json_null());
    return o;
}

json_t *manifest_cfg(const struct net_cfg *cfg)
{
    json_t *o = json_object();
    struct sha256 *digest = sha256_new();
    char hex[SHA256_HEX];

    json_object_set_new(o, "path", json_string(cfg->path));
    sha256_add(digest, cfg->text, strlen(cfg->text));
    sha256_finish(digest, hex);
    json_object_set_new(o, "sha256", json_string(hex));
    char *resolved = cfg_resolved_text(cfg);
    digest = sha256_new();
    sha256_add(digest, resolved, strlen(resolved));
    sha256_finish(digest, hex);
    free(resolved);
    json_object_set_new(o, "resolved_sha256", json_string(hex));
    json_object_set_new(o, "parameters", json_integer(cfg->parameters));
    return o;
}

static json_t *teacher_json(const struct setup *s)
{
    const struct teacher *t = s->teacher;
    json_t *o = json_object(), *members = json_array();

    json_object_set_new(o, "path", text_json(t->path));
    json_object_set_new(o, "combine", json_string(combine_name(t->combine)));
    json_object_set_new(o, "sha256", json_string(t->hash));
    for (int i = 0; i < t->n; i++) {
        json_t *member = json_object();
        json_object_set_new(member, "run", text_json(t->member[i].directory));
        json_object_set_new(member, "weights_sha256", json_string(t->member[i].weights_hash));
        json_object_set_new(member, "cfg_sha256", json_string(t->member[i].cfg_hash));
        json_array_append_new(members, member);
    }
    json_object_set_new(o, "members", members);
    return o;
}

void manifest_set_accuracy(json_t *o, int64_t correct, int64_t images)
{
    struct interval w = wilson(correct, images);

    json_object_set_new(o, "test_images", json_integer(images));
    json_object_set_new(o, "test_correct", json_integer(correct));
    json_object_set_new(o, "test_accuracy", images ? json_real((double)correct / (double)images) : json_null());
    json_object_set_new(o, "test_accuracy_low", json_real(w.low));
    json_object_set_new(o, "test_accuracy_high", json_real(w.high));
}

static json_t *weights_json(const struct manifest *m, const char *file, int64_t epoch, int64_t correct, int64_t images)
{
    json_t *o = json_object();
    char *path = run_file(m->directory, file), hex[SHA256_HEX];
    struct err ignored;

    json_object_set_new(o, "file", json_string(file));
    json_object_set_new(o, "sha256", file_sha256(path, hex, &ignored) ? json_string(hex) : json_null());
    json_object_set_new(o, "epoch", json_integer(epoch));
    if (images)
        manifest_set_accuracy(o, correct, images);
    free(path);
    return o;
}

static json_t *sampled_json(const struct manifest *m)
{
    json_t *list = json_array();

    for (int i = 0; i < m->n_sampled; i++) {
        const struct sampled_result *s = &m->sampled[i];
        json_t *o = json_object();
        json_object_set_new(o, "samples", json_integer(s->samples));
        manifest_set_accuracy(o, s->result.correct, s->result.images);
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *results_json(const struct manifest *m)
{
    const struct position *p = &m->state->position;
    const struct epoch_record *last = &m->state->records.record[m->state->records.n - 1];
    json_t *o = json_object();

    json_object_set_new(o, "final", weights_json(m, RUN_FINAL, last->epoch, last->test_correct, last->test_images));
    if (m->n_sampled)
        json_object_set_new(o, "final_with_input_dropout", sampled_json(m));
    if (p->best_epoch) {
        json_t *best = weights_json(m, RUN_BEST, p->best_epoch, p->best_correct, last->test_images);
        json_object_set_new(best, "selected_on", json_string("test split"));
        json_object_set_new(o, "best", best);
    }
    return o;
}

static json_t *position_json(const struct position *p)
{
    json_t *o = json_object();

    json_object_set_new(o, "epochs", json_integer(p->epoch));
    json_object_set_new(o, "batches", json_integer(p->steps));
    json_object_set_new(o, "images", json_integer(p->images));
    json_object_set_new(o, "wall_seconds", json_finite(p->wall_seconds));
    return o;
}

bool manifest_write(const struct manifest *m, const char *status, const char *reason, struct err *err)
{
    const struct setup *s = m->setup;
    json_t *o = json_object();
    char *path = run_file(m->directory, RUN_MANIFEST);

    json_object_set_new(o, "schema", json_string("marginalia.run/1"));
    json_object_set_new(o, "status", json_string(status));
    if (reason)
        json_object_set_new(o, "reason", json_string(reason));
    json_object_set_new(o, "written_utc", manifest_now());
    json_object_set_new(o, "command", manifest_command(m->argc, m->argv));
    json_object_set_new(o, "seed", json_integer((json_int_t)s->cfg->seed));
    json_object_set_new(o, "threads", json_integer(s->options->threads));
    json_object_set_new(o, "ranks", json_integer(ranks_size()));
    json_object_set_new(o, "precision", json_string(s->cfg->precision));
    json_object_set_new(o, "program", manifest_program());
    json_object_set_new(o, "cfg", manifest_cfg(s->cfg));
    json_object_set_new(o, "initial_weights_sha256", s->fine_tuning ? json_string(s->weights_hash) : json_null());
    json_object_set_new(o, "teacher", s->teacher ? teacher_json(s) : json_null());
    json_object_set_new(o, "data", data_json(s));
    json_object_set_new(o, "progress", position_json(&m->state->position));
    if (strcmp(status, "finished") == 0)
        json_object_set_new(o, "results", results_json(m));
    bool ok = json_save(o, path, err);
    json_decref(o);
    free(path);
    return ok;
}
