#include "validate/provenance.h"

#include <stdlib.h>
#include "base/json.h"
#include "base/mem.h"
#include "base/ranks.h"
#include "base/shell.h"
#include "base/version.h"
#include "validate/provenance_parts.h"
#include "validate/report/format.h"
#include "validate/report/words.h"

static void fill_head(const struct suite *s, struct report *r)
{
    char *count = format_count(s->subject->data->count[SPLIT_TEST]);

    char *view = s->subject->view ? mem_format(", of each only %s", view_text(s->subject->view)) : mem_string("");

    char *title = subject_title(s->subject);

    provenance_head(r, title, mem_format("%s test, %s pictures%s", s->subject->data->name, count, view), s->policy);
    free(title);
    free(view);
    free(count);
}

static void add_files(const struct subject *m, struct report *r)
{
    if (m->ensemble) {
        provenance_add(r, "Ensemble", false, provenance_rule(m));
        provenance_add(r, "Weights", true, mem_format("%s\nsha256 %s (of all members)", m->weights, m->weights_hash));
        provenance_add(r, "Members", true, provenance_members(m));
        return;
    }
    provenance_add(r, "Weights", true, mem_format("%s\nsha256 %s", m->weights, m->weights_hash));
    provenance_add(r, "Configuration", true, mem_format("%s\nsha256 %s", m->cfg, m->cfg_hash));
}

static char *sample_text(const struct suite *s)
{
    int64_t all = s->subject->data->count[SPLIT_TEST];
    char *sample = format_count(s->study.n), *searched = format_count(s->study.searched),
         *whole = format_count(s->study.whole < all ? s->study.whole : all);
    char *text = mem_format("%s: %s drawn at random without replacement for what hides pixels, the first %s of them "
                            "searched, %s whole ones; a check that uses fewer says so",
                            s->full ? "--full" : "--quick", sample, searched, whole);

    free(sample);
    free(searched);
    free(whole);
    return text;
}

static char *again_text(const struct suite *s)
{
    if (!s->searched)
        return mem_string("no check searched for subsets");
    char *n = format_count(s->again.subsets);
    char *text = mem_format("%s of %s subsets reach their threshold when the model sees them alone", n, n);
    free(n);
    return text;
}

static char *selftest_text(const struct selftest *t)
{
    return mem_format("passed in %.1f s: gradient within %.2g of central differences on %d random coordinates; an "
                      "image alone, in a batch and repeated bit for bit; model unchanged",
                      t->seconds, t->gradient_error, t->coordinates);
}

static void fill_facts(const struct suite *s, struct report *r)
{
    const struct subject *m = s->subject;
    double seconds = clock_seconds() - s->start;

    r->fact = mem_alloc(PROVENANCE_FACTS, sizeof *r->fact);
    provenance_add(r, "Command", true, shell_command(s->argc, s->argv));
    provenance_add(r, "Exit status", false, mem_format("%d: %s", r->verdict, words_exit(r->kind, r->verdict)));
    char *parameters = format_count(m->network.parameters);
    provenance_add(r, "Model", false,
                   mem_format("%s, %s parameters, %d classes", m->name, parameters, m->model->classes));
    free(parameters);
    add_files(m, r);
    provenance_add(r, "Data", true, mem_format("%s\nsha256 %s", m->data->name, m->data_hash));
    if (m->view)
        provenance_add(r, "View", false, mem_format("the model was shown only %s", view_text(m->view)));
    provenance_add(r, "Policy", true, mem_format("%s\nsha256 %s", s->policy->path, s->policy->hash));
    provenance_add(r, "Pictures", false, sample_text(s));
    provenance_add(r, "Deciding pixels", false, provenance_search(s->policy));
    provenance_add(r, "Shown again", false, again_text(s));
    provenance_add(
        r, "Intervals", false,
        mem_string("95%; Wilson for shares, bootstrap over pictures for medians, means and ratios; a limit is compared "
                   "with the interval, not with the value"));
    provenance_add(r, "Self-test", false, selftest_text(s->selftest));
    provenance_add(r, "Waivers", false, provenance_waivers(s->waivers));
    if (s->policy->n_left_out)
        provenance_add(r, "Not run", false, provenance_left_out(s->policy));
    if (s->previous)
        provenance_add(r, "Last release", false, provenance_previous(s->previous, s->policy, r));
    provenance_add(r, "Seed", false,
                   mem_format("%llu (pictures, random parts, bootstrap)", (unsigned long long)s->seed));
    char *processors = provenance_processors(s->threads);
    provenance_add(r, "Run on", false, mem_format("%s, %s, %.0f s", m->network.isa, processors, seconds));
    free(processors);
    provenance_add(r, "Versions", false, mem_format("Marginalia %s; %s", version_string(), m->network.engine));
    provenance_add(r, "Files", false,
                   mem_string("report.json, report.html, report.md, report.xml; sis-*/: every deciding part "
                              "(sis.jsonl, masks.npz)"));
}

static json_t *search_json(const struct suite *s)
{
    const struct policy *p = s->policy;
    json_t *search = provenance_search_json(p), *thresholds = json_array();

    for (int i = 0; i < p->n_thresholds; i++)
        json_array_append_new(thresholds, json_real(p->threshold[i]));
    json_object_set_new(search, "thresholds", thresholds);
    json_object_set_new(search, "subsets_shown_again", json_integer((json_int_t)s->again.subsets));
    json_object_set_new(search, "below_threshold", json_integer((json_int_t)s->again.failed));
    return search;
}

static json_t *selftest_json(const struct selftest *t)
{
    return json_pack("{s:b, s:i, s:i, s:o, s:o}", "passed", 1, "pictures", t->pictures, "coordinates", t->coordinates,
                     "gradient_error", json_finite(t->gradient_error), "seconds", json_finite(t->seconds));
}

static void fill_json(const struct suite *s, struct report *r)
{
    const struct subject *m = s->subject;
    json_t *o = json_object();
    json_t *data = json_pack("{s:o, s:s, s:s, s:I, s:i, s:i, s:I}", "name", provenance_text_json(m->data->name),
                             "sha256", m->data_hash, "split", "test", "images", (json_int_t)m->data->count[SPLIT_TEST],
                             "sample", s->study.n, "searched", s->study.searched, "whole", (json_int_t)s->study.whole);

    json_object_set_new(o, "command", provenance_words_json(s->argc, s->argv));
    json_object_set_new(o, "exit_status", json_integer(r->verdict));
    json_object_set_new(o, "model", provenance_text_json(m->name));
    json_object_set_new(o, "parameters", json_integer(m->network.parameters));
    json_object_set_new(o, "weights", provenance_file_json(m->weights, m->weights_hash));
    json_object_set_new(o, "cfg", provenance_file_json(m->cfg, m->cfg_hash));
    json_object_set_new(o, "ensemble", provenance_ensemble_json(m));
    json_object_set_new(o, "data", data);
    json_object_set_new(o, "view", m->view ? provenance_text_json(view_text(m->view)) : json_null());
    json_object_set_new(o, "policy", provenance_file_json(s->policy->path, s->policy->hash));
    json_object_set_new(o, "sizes", json_string(s->full ? "full" : "quick"));
    json_object_set_new(o, "left_out", provenance_left_out_json(s->policy));
    json_object_set_new(o, "search", search_json(s));
    json_object_set_new(o, "self_test", selftest_json(s->selftest));
    json_object_set_new(o, "waivers", provenance_waivers_json(s->waivers));
    json_object_set_new(o, "previous", s->previous ? provenance_text_json(s->previous->path) : json_null());
    json_object_set_new(o, "seed", json_integer((json_int_t)s->seed));
    json_object_set_new(o, "ranks", json_integer(ranks_size()));
    json_object_set_new(o, "threads", json_integer(s->threads));
    json_object_set_new(o, "isa", provenance_text_json(m->network.isa));
    json_object_set_new(o, "engine", provenance_text_json(m->network.engine));
    json_object_set_new(o, "version", json_string(version_string()));
    json_object_set_new(o, "git_revision", json_string(version_revision()));
    json_object_set_new(o, "wall_seconds", json_finite(clock_seconds() - s->start));
    r->provenance = o;
}

void provenance_fill(const struct suite *s, struct report *out)
{
    fill_head(s, out);
    fill_facts(s, out);
    fill_json(s, out);
}
