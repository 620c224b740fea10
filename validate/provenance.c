#include "validate/provenance.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/json.h"
#include "base/mem.h"
#include "base/shell.h"
#include "base/version.h"
#include "validate/report/format.h"
#include "validate/report/words.h"

enum { MOST_FACTS = 24 };

/* Takes over the value. */
static void add(struct report *r, const char *key, bool code, char *value)
{
    r->fact[r->n_facts++] = (struct report_fact){ mem_string(key), value, code };
}

static char *date_now(void)
{
    time_t now = time(NULL);
    struct tm utc;
    char text[64];

    strftime(text, sizeof text, "%d %B %Y, %H:%M UTC", gmtime_r(&now, &utc));
    return mem_string(text + (*text == '0'));
}

/* JSON holds UTF-8 only. */
static json_t *text_json(const char *text)
{
    json_t *j = json_string(text);

    return j ? j : json_string("(not UTF-8)");
}

static void fill_head(const struct suite *s, struct report *r)
{
    char *count = format_count(s->subject->data->count[SPLIT_TEST]);

    r->subject = mem_string(s->subject->name);
    r->program = mem_format("validate model, Marginalia %s", version_string());
    r->data = mem_format("%s test, %s pictures", s->subject->data->name, count);
    r->policy = mem_format("policy: %s", s->policy->path);
    r->date = date_now();
    free(count);
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

static char *search_text(const struct suite *s)
{
    const struct policy *p = s->policy;
    char *step = p->sis.method == SIS_BACKSELECT ? mem_string("one pixel per step")
                                                 : mem_format("%d pixels per step", p->sis.per_step);
    char *text = mem_format("%s SIS, %s, ranked by %s, hidden pixels: %s", sis_method_name(p->sis.method), step,
                            sis_rank_name(p->sis.rank), baseline_name(p->baseline));

    free(step);
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

static char *waivers_text(const struct suite *s)
{
    char *text = mem_string(s->n_waivers ? "" : "none");

    for (int i = 0; i < s->n_waivers; i++) {
        char *longer = mem_format("%s%s%s: \u201c%s\u201d", text, i ? "; " : "", s->waiver[i].id, s->waiver[i].reason);
        free(text);
        text = longer;
    }
    return text;
}

/* How many checks could be compared. */
static char *previous_text(const struct suite *s, const struct report *r)
{
    int compared = r->n_checks - s->policy->n;

    return mem_format("%s (%s): %d of %d checks compared%s", s->previous->path, s->previous->subject, compared,
                      s->policy->n, compared < s->policy->n ? "; the others were not measured then, or not now" : "");
}

static void fill_facts(const struct suite *s, struct report *r)
{
    const struct subject *m = s->subject;
    double seconds = clock_seconds() - s->start;

    r->fact = mem_alloc(MOST_FACTS, sizeof *r->fact);
    add(r, "Command", true, shell_command(s->argc, s->argv));
    add(r, "Exit status", false, mem_format("%d: %s", r->verdict, words_exit(r->verdict)));
    char *parameters = format_count(m->network.parameters);
    add(r, "Model", false, mem_format("%s, %s parameters, %d classes", m->name, parameters, m->model->classes));
    free(parameters);
    add(r, "Weights", true, mem_format("%s\nsha256 %s", m->weights, m->weights_hash));
    add(r, "Configuration", true, mem_format("%s\nsha256 %s", m->cfg, m->cfg_hash));
    add(r, "Data", true, mem_format("%s\nsha256 %s", m->data->name, m->data_hash));
    add(r, "Policy", true, mem_format("%s\nsha256 %s", s->policy->path, s->policy->hash));
    add(r, "Pictures", false, sample_text(s));
    add(r, "Deciding pixels", false, search_text(s));
    add(r, "Shown again", false, again_text(s));
    add(r, "Intervals", false,
        mem_string("95%; Wilson for shares, bootstrap over pictures for medians, means and ratios; a limit is compared "
                   "with the interval, not with the value"));
    add(r, "Self-test", false, selftest_text(s->selftest));
    add(r, "Waivers", false, waivers_text(s));
    if (s->previous)
        add(r, "Last release", false, previous_text(s, r));
    add(r, "Seed", false, mem_format("%llu (pictures, random parts, bootstrap)", (unsigned long long)s->seed));
    add(r, "Run on", false,
        mem_format("%s, %d thread%s, %.0f s", m->network.isa, s->threads, s->threads == 1 ? "" : "s", seconds));
    add(r, "Versions", false, mem_format("Marginalia %s; %s", version_string(), m->network.engine));
    add(r, "Files", false,
        mem_string("report.json, report.html, report.md, report.xml; sis-*/: every deciding part "
                   "(sis.jsonl, masks.npz)"));
}

static json_t *command_json(const struct suite *s)
{
    json_t *words = json_array();

    for (int i = 0; i < s->argc; i++)
        json_array_append_new(words, text_json(s->argv[i]));
    return words;
}

static json_t *file_json(const char *path, const char *hash)
{
    return json_pack("{s:o, s:s}", "path", text_json(path), "sha256", hash);
}

static json_t *search_json(const struct suite *s)
{
    const struct policy *p = s->policy;
    json_t *thresholds = json_array();

    for (int i = 0; i < p->n_thresholds; i++)
        json_array_append_new(thresholds, json_real(p->threshold[i]));
    return json_pack("{s:s, s:s, s:i, s:i, s:s, s:o, s:I, s:I}", "method", sis_method_name(p->sis.method), "rank",
                     sis_rank_name(p->sis.rank), "per_step", p->sis.per_step, "candidates", p->sis.candidates,
                     "baseline", baseline_name(p->baseline), "thresholds", thresholds, "subsets_shown_again",
                     (json_int_t)s->again.subsets, "below_threshold", (json_int_t)s->again.failed);
}

static json_t *waivers_json(const struct suite *s)
{
    json_t *list = json_array();

    for (int i = 0; i < s->n_waivers; i++)
        json_array_append_new(list, json_pack("{s:o, s:o}", "check", text_json(s->waiver[i].id), "reason",
                                              text_json(s->waiver[i].reason)));
    return list;
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
    json_t *data = json_pack("{s:o, s:s, s:s, s:I, s:i, s:i, s:I}", "name", text_json(m->data->name), "sha256",
                             m->data_hash, "split", "test", "images", (json_int_t)m->data->count[SPLIT_TEST], "sample",
                             s->study.n, "searched", s->study.searched, "whole", (json_int_t)s->study.whole);

    json_object_set_new(o, "command", command_json(s));
    json_object_set_new(o, "exit_status", json_integer(r->verdict));
    json_object_set_new(o, "model", text_json(m->name));
    json_object_set_new(o, "parameters", json_integer(m->network.parameters));
    json_object_set_new(o, "weights", file_json(m->weights, m->weights_hash));
    json_object_set_new(o, "cfg", file_json(m->cfg, m->cfg_hash));
    json_object_set_new(o, "data", data);
    json_object_set_new(o, "policy", file_json(s->policy->path, s->policy->hash));
    json_object_set_new(o, "sizes", json_string(s->full ? "full" : "quick"));
    json_object_set_new(o, "search", search_json(s));
    json_object_set_new(o, "self_test", selftest_json(s->selftest));
    json_object_set_new(o, "waivers", waivers_json(s));
    json_object_set_new(o, "previous", s->previous ? text_json(s->previous->path) : json_null());
    json_object_set_new(o, "seed", json_integer((json_int_t)s->seed));
    json_object_set_new(o, "threads", json_integer(s->threads));
    json_object_set_new(o, "isa", text_json(m->network.isa));
    json_object_set_new(o, "engine", text_json(m->network.engine));
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
