#include "validate/compare/compare.h"

#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "base/mem.h"
#include "base/shell.h"
#include "base/version.h"
#include "validate/provenance_parts.h"
#include "validate/report/format.h"
#include "validate/report/words.h"

/* "b against a", "b and c against a" */
static char *subject_text(const struct comparison *out)
{
    char *text = mem_string("");

    for (int k = 1; k < out->n_subjects; k++) {
        const char *join = k == 1 ? "" : k == out->n_subjects - 1 ? " and " : ", ";
        char *longer = mem_format("%s%s%s", text, join, out->subject[k].name);
        free(text);
        text = longer;
    }
    char *whole = mem_format("%s against %s", text, out->subject[0].name);
    free(text);
    return whole;
}

static void fill_head(const struct compare *c, struct comparison *out)
{
    const struct subject *a = c->contender[0].subject;
    char *count = format_count(a->data->count[SPLIT_TEST]), *subject = subject_text(out);
    char *view = a->view ? mem_format(", of each only %s", view_text(a->view)) : mem_string("");

    provenance_head(&out->report, subject, mem_format("%s test, %s pictures%s", a->data->name, count, view), c->policy);
    free(view);
    free(subject);
    free(count);
}

static void add_model(const struct contender *k, const struct comparison_subject *s, struct report *r)
{
    char *key = mem_format("%c, %s", s->letter, s->name), *parameters = format_count(s->parameters);
    const struct subject *m = k->subject;
    char *rule = m->ensemble ? provenance_rule(m) : NULL;
    char *members = m->ensemble ? provenance_members(m) : mem_format("%s\nsha256 %s", m->cfg, m->cfg_hash);

    provenance_add(r, key, true,
                   mem_format("%s%s%s parameters\n%s\nsha256 %s\n%s", rule ? rule : "", rule ? "; " : "", parameters,
                              m->weights, m->weights_hash, members));
    free(rule);
    free(members);
    free(parameters);
    free(key);
}

static char *pictures_text(const struct compare *c, const struct comparison *out)
{
    const struct study *s = &c->contender[0].study;
    int64_t all = s->data->count[SPLIT_TEST];
    char *sample = format_count(s->n), *searched = format_count(out->n_pictures),
         *whole = format_count(s->whole < all ? s->whole : all);
    char *text =
        mem_format("%s: %s drawn at random without replacement, %s of them searched, %s whole ones; the same for "
                   "every model. Questions on deciding pixels rest on those that both models of a pair answer "
                   "right",
                   c->images ? "--images"
                   : c->full ? "--full"
                             : "--quick",
                   sample, searched, whole);

    free(sample);
    free(searched);
    free(whole);
    return text;
}

static char *again_text(const struct compare *c)
{
    int64_t subsets = 0;

    for (int k = 0; k < c->n; k++)
        subsets += c->contender[k].again.subsets;
    if (subsets == 0)
        return mem_string("no question searched for subsets");
    char *n = format_count(subsets);
    char *text = mem_format("%s of %s subsets reach their threshold when their model sees them alone", n, n);
    free(n);
    return text;
}

static char *intervals_text(const struct comparison *out)
{
    char *draws = format_count(out->draws), *level = mem_format("%.4g%%", 100 * out->confidence);
    char *text = mem_format(
        "each change has a %s interval, so that all %d that decide hold the truth at once in 95%% of "
        "comparisons (Bonferroni); bootstrap over pairs, %s draws, expanded percentiles; for counted "
        "answers the paired interval of Agresti and Min, which holds no change where McNemar\u2019s "
        "exact test does not exclude it. Values of one model have their own 95%% intervals. All are over pictures: "
        "what another training of the same network would give they do not tell",
        level, out->decisions, draws);

    free(level);
    free(draws);
    return text;
}

static char *former_text(const struct comparison *out)
{
    char *text =
        mem_format("the same models were compared in this directory before, by %d other polic%s, so the questions "
                   "may have been chosen after an answer was seen:",
                   out->n_former, out->n_former == 1 ? "y" : "ies");

    for (int i = 0; i < out->n_former; i++) {
        char *longer = mem_format("%s\nsha256 %s", text, out->former[i]);
        free(text);
        text = longer;
    }
    return text;
}

static char *selftest_text(const struct compare *c)
{
    double error = 0;

    for (int k = 0; k < c->n; k++)
        error = c->contender[k].selftest->gradient_error > error ? c->contender[k].selftest->gradient_error : error;
    return mem_format(
        "passed by every model: gradient within %.2g of central differences; an image alone, in a batch and "
        "repeated bit for bit; model unchanged",
        error);
}

static void fill_facts(const struct compare *c, struct comparison *out)
{
    const struct subject *a = c->contender[0].subject;
    struct report *r = &out->report;

    r->fact = mem_alloc(PROVENANCE_FACTS + (size_t)c->n, sizeof *r->fact);
    provenance_add(r, "Command", true, shell_command(c->argc, c->argv));
    provenance_add(r, "Exit status", false, mem_format("%d: %s", r->verdict, words_exit(r->kind, r->verdict)));
    for (int k = 0; k < c->n; k++)
        add_model(&c->contender[k], &out->subject[k], r);
    provenance_add(r, "Data", true, mem_format("%s\nsha256 %s", a->data->name, a->data_hash));
    if (a->view)
        provenance_add(r, "View", false, mem_format("the models were shown only %s", view_text(a->view)));
    provenance_add(r, "Policy", true, mem_format("%s\nsha256 %s", c->policy->path, c->policy->hash));
    provenance_add(
        r, "Asks for", false,
        mem_string(out->needs_better ? "better in one question at least, worse in none" : "worse in no question"));
    if (out->n_former)
        provenance_add(r, "Asked before", true, former_text(out));
    provenance_add(r, "Pictures", false, pictures_text(c, out));
    provenance_add(r, "Deciding pixels", false, provenance_search(c->policy));
    provenance_add(r, "Shown again", false, again_text(c));
    provenance_add(r, "Intervals", false, intervals_text(out));
    provenance_add(
        r, "Costs", false,
        mem_string("training: wall time by the manifest, an ensemble\u2019s members added up; one picture: median "
                   "over full batches, the models taking turns; memory: growth of the process when the model is "
                   "opened once more and answers a batch"));
    provenance_add(r, "Self-test", false, selftest_text(c));
    provenance_add(r, "Seed", false, mem_format("%llu (pictures, bootstrap)", (unsigned long long)c->seed));
    provenance_add(r, "Run on", false,
                   mem_format("%s, %d thread%s, %.0f s", a->network.isa, c->threads, c->threads == 1 ? "" : "s",
                              clock_seconds() - c->start));
    provenance_add(r, "Versions", false, mem_format("Marginalia %s; %s", version_string(), a->network.engine));
    provenance_add(
        r, "Files", false,
        mem_string("report.json, compare.html, report.md, report.xml; A/, B/, ...: every deciding part of each "
                   "model (sis-*/sis.jsonl, masks.npz)"));
}

static json_t *models_json(const struct compare *c, const struct comparison *out)
{
    json_t *list = json_array();

    for (int k = 0; k < c->n; k++) {
        const struct subject *s = c->contender[k].subject;
        json_t *model = json_object();
        json_object_set_new(model, "name", provenance_text_json(out->subject[k].name));
        json_object_set_new(model, "path", provenance_text_json(out->subject[k].path));
        json_object_set_new(model, "weights", provenance_file_json(s->weights, s->weights_hash));
        json_object_set_new(model, "cfg", provenance_file_json(s->cfg, s->cfg_hash));
        json_object_set_new(model, "ensemble", provenance_ensemble_json(s));
        json_object_set_new(model, "gradient_error", json_finite(c->contender[k].selftest->gradient_error));
        json_object_set_new(model, "subsets_shown_again", json_integer((json_int_t)c->contender[k].again.subsets));
        json_array_append_new(list, model);
    }
    return list;
}

static json_t *former_json(const struct comparison *out)
{
    json_t *list = json_array();

    for (int i = 0; i < out->n_former; i++)
        json_array_append_new(list, json_string(out->former[i]));
    return list;
}

static json_t *data_json(const struct compare *c, const struct comparison *out)
{
    const struct subject *a = c->contender[0].subject;
    const struct study *s = &c->contender[0].study;

    return json_pack("{s:o, s:s, s:s, s:I, s:i, s:i, s:I}", "name", provenance_text_json(a->data->name), "sha256",
                     a->data_hash, "split", "test", "images", (json_int_t)a->data->count[SPLIT_TEST], "sample", s->n,
                     "searched", out->n_pictures, "whole", (json_int_t)s->whole);
}

static void fill_json(const struct compare *c, struct comparison *out)
{
    const struct subject *a = c->contender[0].subject;
    json_t *o = json_object();

    json_object_set_new(o, "command", provenance_words_json(c->argc, c->argv));
    json_object_set_new(o, "exit_status", json_integer(out->report.verdict));
    json_object_set_new(o, "models", models_json(c, out));
    json_object_set_new(o, "data", data_json(c, out));
    json_object_set_new(o, "view", a->view ? provenance_text_json(view_text(a->view)) : json_null());
    json_object_set_new(o, "policy", provenance_file_json(c->policy->path, c->policy->hash));
    json_object_set_new(o, "require", json_string(out->needs_better ? "better" : "no_worse"));
    json_object_set_new(o, "former_policies", former_json(out));
    json_object_set_new(o, "sizes", json_string(c->images ? "images" : c->full ? "full" : "quick"));
    json_object_set_new(o, "search", provenance_search_json(c->policy));
    json_object_set_new(o, "seed", json_integer((json_int_t)c->seed));
    json_object_set_new(o, "threads", json_integer(c->threads));
    json_object_set_new(o, "isa", provenance_text_json(a->network.isa));
    json_object_set_new(o, "engine", provenance_text_json(a->network.engine));
    json_object_set_new(o, "version", json_string(version_string()));
    json_object_set_new(o, "git_revision", json_string(version_revision()));
    json_object_set_new(o, "wall_seconds", json_finite(clock_seconds() - c->start));
    out->report.provenance = o;
}

void compare_provenance(const struct compare *c, struct comparison *out)
{
    fill_head(c, out);
    fill_facts(c, out);
    fill_json(c, out);
}
