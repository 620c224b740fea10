#include "validate/dataset/provenance.h"

#include <stdlib.h>
#include "base/json.h"
#include "base/mem.h"
#include "base/ranks.h"
#include "base/shell.h"
#include "base/version.h"
#include "validate/provenance_parts.h"
#include "validate/report/format.h"
#include "validate/report/words.h"

static char *data_text(const struct dataset *d)
{
    char *train = format_count(d->count[SPLIT_TRAIN]), *test = format_count(d->count[SPLIT_TEST]);
    char *classes = format_count(d->classes);
    char *text =
        mem_format("%s training and %s test pictures, %s class%s", train, test, classes, d->classes == 1 ? "" : "es");

    free(classes);
    free(test);
    free(train);
    return text;
}

static char *pass_text(const struct survey *s)
{
    if (!s->facts[SPLIT_TRAIN] && !s->facts[SPLIT_TEST])
        return mem_string("no check needed to read every picture");
    char *n = format_count(s->n_complaints);
    char *text = mem_format("every picture of both parts was read once, %s could not be used", n);
    free(n);
    return text;
}

static char *sample_text(const struct survey *s)
{
    char *n = format_count(s->n), *all = format_count(s->data->count[s->split]);
    char *text = mem_format("%s: %s of %s %s pictures, drawn at random without replacement, as %d x %d pixels; a check "
                            "that uses fewer says so",
                            s->full ? "--full" : "--quick", n, all, s->split == SPLIT_TRAIN ? "training" : "test",
                            s->geometry.w, s->geometry.h);

    free(all);
    free(n);
    return text;
}

static void fill_facts(const struct dataset_suite *s, struct report *r)
{
    const struct survey *survey = s->survey;
    double seconds = clock_seconds() - s->start;

    r->fact = mem_alloc(PROVENANCE_FACTS, sizeof *r->fact);
    provenance_add(r, "Command", true, shell_command(s->argc, s->argv));
    provenance_add(r, "Exit status", false, mem_format("%d: %s", r->verdict, words_exit(r->kind, r->verdict)));
    provenance_add(r, "Data", true, mem_format("%s\nsha256 %s", survey->descriptor, s->data_hash));
    provenance_add(r, "Policy", true, mem_format("%s\nsha256 %s", s->policy->path, s->policy->hash));
    provenance_add(r, "View", false, mem_string(survey->view ? view_text(survey->view) : "whole pictures"));
    provenance_add(r, "The pass", false, pass_text(survey));
    provenance_add(r, "Sample", false, sample_text(survey));
    provenance_add(r, "Tested", false,
                   mem_format("%d-fold cross-validation: every picture is named by a model that was not fitted on it",
                              SURVEY_FOLDS));
    provenance_add(r, "Intervals", false,
                   mem_string("95%; Wilson for shares, bootstrap over pictures for differences; a limit is compared "
                              "with the interval, not with the value"));
    provenance_add(r, "Waivers", false, provenance_waivers(s->waivers));
    if (s->policy->n_left_out)
        provenance_add(r, "Not run", false, provenance_left_out(s->policy));
    if (s->previous)
        provenance_add(r, "Last version", false, provenance_previous(s->previous, s->policy, r));
    provenance_add(r, "Seed", false,
                   mem_format("%llu (sample, folds, random pixels, bootstrap)", (unsigned long long)survey->seed));
    char *processors = provenance_processors(s->threads);
    provenance_add(r, "Run on", false, mem_format("%s, %.0f s", processors, seconds));
    free(processors);
    provenance_add(r, "Version", false, mem_format("Marginalia %s", version_string()));
    provenance_add(r, "Files", false, mem_string("report.json, report.html, report.md, report.xml"));
}

static json_t *data_json(const struct dataset_suite *s)
{
    const struct survey *v = s->survey;
    const struct dataset *d = v->data;

    return json_pack("{s:o, s:o, s:s, s:I, s:I, s:i, s:s, s:i, s:i}", "name", provenance_text_json(d->name),
                     "descriptor", provenance_text_json(v->descriptor), "sha256", s->data_hash, "train",
                     (json_int_t)d->count[SPLIT_TRAIN], "test", (json_int_t)d->count[SPLIT_TEST], "classes", d->classes,
                     "split", v->split == SPLIT_TRAIN ? "train" : "test", "sample", v->n, "complaints",
                     v->n_complaints);
}

static void fill_json(const struct dataset_suite *s, struct report *r)
{
    const struct survey *v = s->survey;
    json_t *o = json_object();

    json_object_set_new(o, "command", provenance_words_json(s->argc, s->argv));
    json_object_set_new(o, "exit_status", json_integer(r->verdict));
    json_object_set_new(o, "data", data_json(s));
    json_object_set_new(o, "policy", provenance_file_json(s->policy->path, s->policy->hash));
    json_object_set_new(o, "view", v->view ? provenance_text_json(view_text(v->view)) : json_null());
    json_object_set_new(o, "sizes", json_string(v->full ? "full" : "quick"));
    json_object_set_new(o, "waivers", provenance_waivers_json(s->waivers));
    json_object_set_new(o, "left_out", provenance_left_out_json(s->policy));
    json_object_set_new(o, "previous", s->previous ? provenance_text_json(s->previous->path) : json_null());
    json_object_set_new(o, "seed", json_integer((json_int_t)v->seed));
    json_object_set_new(o, "ranks", json_integer(ranks_size()));
    json_object_set_new(o, "threads", json_integer(s->threads));
    json_object_set_new(o, "version", json_string(version_string()));
    json_object_set_new(o, "git_revision", json_string(version_revision()));
    json_object_set_new(o, "wall_seconds", json_finite(clock_seconds() - s->start));
    r->provenance = o;
}

void provenance_fill_dataset(const struct dataset_suite *s, struct report *out)
{
    provenance_head(out, s->survey->data->name, data_text(s->survey->data), s->policy);
    fill_facts(s, out);
    fill_json(s, out);
}
