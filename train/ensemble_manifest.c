#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "train/ensemble_run.h"
#include "train/manifest_parts.h"

static json_t *member_json(const struct ensemble_run *r, int i)
{
    const struct run_status *s = &r->member[i];
    json_t *o = json_object();
    char *run = mem_format("member_%d", i + 1);

    json_object_set_new(o, "run", json_string(run));
    json_object_set_new(o, "seed", json_integer((json_int_t)(r->cfg->seed + (uint64_t)i)));
    json_object_set_new(o, "status", *s->status ? json_string(s->status) : json_null());
    if (run_status_finished(s)) {
        json_object_set_new(o, "weights_sha256", json_string(s->hash));
        json_object_set_new(o, "wall_seconds", json_finite(s->wall_seconds));
        if (s->images)
            manifest_set_accuracy(o, s->correct, s->images);
    }
    free(run);
    return o;
}

static json_t *members_json(const struct ensemble_run *r)
{
    json_t *list = json_array();

    for (int i = 0; i < r->cfg->members; i++)
        json_array_append_new(list, member_json(r, i));
    return list;
}

static json_t *results_json(const struct ensemble_run *r)
{
    json_t *o = json_object();

    if (r->test.images)
        manifest_set_accuracy(o, r->test.correct, r->test.images);
    return o;
}

bool ensemble_manifest_write(const struct ensemble_run *r, const char *status, const char *reason, struct err *err)
{
    json_t *o = json_object(), *data = json_object_get(r->member[0].settings, "data");
    char *path = run_file(&r->directory, RUN_MANIFEST);

    json_object_set_new(o, "schema", json_string("marginalia.ensemble/1"));
    json_object_set_new(o, "status", json_string(status));
    if (reason)
        json_object_set_new(o, "reason", json_string(reason));
    json_object_set_new(o, "written_utc", manifest_now());
    json_object_set_new(o, "command", manifest_command(r->argc, r->argv));
    json_object_set_new(o, "seed", json_integer((json_int_t)r->cfg->seed));
    json_object_set_new(o, "threads", json_integer(r->options->threads));
    json_object_set_new(o, "precision", json_string(r->cfg->precision));
    json_object_set_new(o, "program", manifest_program());
    json_object_set_new(o, "cfg", manifest_cfg(r->cfg));
    json_object_set(o, "data", data ? data : json_null());
    json_object_set_new(o, "combine", json_string(combine_name(r->cfg->combine)));
    json_object_set_new(o, "members", members_json(r));
    if (strcmp(status, "finished") == 0)
        json_object_set_new(o, "results", results_json(r));
    bool ok = json_save(o, path, err);
    json_decref(o);
    free(path);
    return ok;
}
