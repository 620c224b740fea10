#include "validate/provenance_parts.h"

#include <stdlib.h>
#include <time.h>
#include "base/mem.h"
#include "base/ranks.h"
#include "base/version.h"
#include "validate/checks/checks.h"
#include "validate/report/words.h"

void provenance_add(struct report *r, const char *key, bool code, char *value)
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

void provenance_head(struct report *r, const char *subject, char *data, const struct policy *p)
{
    r->subject = mem_string(subject);
    r->program = mem_format("%s, Marginalia %s", words_command(r->kind), version_string());
    r->data = data;
    r->policy = mem_format("policy: %s", p->path);
    r->date = date_now();
}

char *provenance_processors(int threads)
{
    char *text = mem_format("%d thread%s", threads, threads == 1 ? "" : "s");

    if (ranks_size() == 1)
        return text;
    char *all = mem_format("%d ranks with %s each", ranks_size(), text);
    free(text);
    return all;
}

char *provenance_waivers(const struct waivers *w)
{
    int n = w ? w->n : 0;
    char *text = mem_string(n ? "" : "none");

    for (int i = 0; i < n; i++) {
        char *longer = mem_format("%s%s%s: \u201c%s\u201d", text, i ? "; " : "", w->waiver[i].id, w->waiver[i].reason);
        free(text);
        text = longer;
    }
    return text;
}

char *provenance_previous(const struct previous *previous, const struct policy *p, const struct report *r)
{
    int compared = r->n_checks - p->n;

    return mem_format("%s (%s): %d of %d checks compared%s", previous->path, previous->subject, compared, p->n,
                      compared < p->n ? "; the others were not measured then, or not now" : "");
}

char *provenance_rule(const struct subject *s)
{
    return mem_format("%d network%s as one, by the mean of their %s", s->n_members, s->n_members == 1 ? "" : "s",
                      s->combine == COMBINE_LOGIT ? "logits" : "probabilities");
}

static void append_line(char **text, char *line)
{
    char *longer = mem_format("%s%s%s", *text, **text ? "\n" : "", line);

    free(*text);
    free(line);
    *text = longer;
}

char *provenance_members(const struct subject *s)
{
    char *text = mem_string("");

    for (int i = 0; i < s->n_members; i++) {
        const struct subject_member *m = &s->member[i];
        append_line(&text, mem_string(m->run));
        append_line(&text, mem_format("weights sha256 %s", m->weights_hash));
        append_line(&text, mem_format("cfg sha256 %s", m->cfg_hash));
    }
    for (int i = 0; i < s->n_missing; i++)
        append_line(&text, mem_format("left out: %s", s->missing[i]));
    return text;
}

char *provenance_left_out(const struct policy *p)
{
    char *text = mem_string("");

    for (int i = p->n; i < p->n + p->n_left_out; i++) {
        bool trains = p->check[i].type->full_only;
        char *longer = mem_format("%s%s%s (%s)", text, i > p->n ? ", " : "", p->check[i].id,
                                  trains ? "trains networks: --full" : "there is one split");
        free(text);
        text = longer;
    }
    char *whole = mem_format("%s: decided nothing here", text);
    free(text);
    return whole;
}

char *provenance_search(const struct policy *p)
{
    char *step = p->sis.method == SIS_BACKSELECT ? mem_string("one pixel per step")
                                                 : mem_format("%d pixels per step", p->sis.per_step);
    char *text = mem_format("%s SIS, %s, ranked by %s, hidden pixels: %s", sis_method_name(p->sis.method), step,
                            sis_rank_name(p->sis.rank), baseline_name(p->baseline));

    free(step);
    return text;
}

json_t *provenance_text_json(const char *text)
{
    json_t *j = json_string(text);

    return j ? j : json_string("(not UTF-8)");
}

json_t *provenance_words_json(int argc, char **argv)
{
    json_t *words = json_array();

    for (int i = 0; i < argc; i++)
        json_array_append_new(words, provenance_text_json(argv[i]));
    return words;
}

json_t *provenance_file_json(const char *path, const char *hash)
{
    return json_pack("{s:o, s:s}", "path", provenance_text_json(path), "sha256", hash);
}

json_t *provenance_ensemble_json(const struct subject *s)
{
    if (!s->ensemble)
        return json_null();
    json_t *members = json_array(), *missing = json_array();
    for (int i = 0; i < s->n_members; i++) {
        const struct subject_member *m = &s->member[i];
        json_array_append_new(members, json_pack("{s:o, s:s, s:s}", "run", provenance_text_json(m->run),
                                                 "weights_sha256", m->weights_hash, "cfg_sha256", m->cfg_hash));
    }
    for (int i = 0; i < s->n_missing; i++)
        json_array_append_new(missing, provenance_text_json(s->missing[i]));
    return json_pack("{s:s, s:o, s:o}", "combine", subject_rule(s), "members", members, "missing", missing);
}

json_t *provenance_search_json(const struct policy *p)
{
    return json_pack("{s:s, s:s, s:i, s:i, s:s}", "method", sis_method_name(p->sis.method), "rank",
                     sis_rank_name(p->sis.rank), "per_step", p->sis.per_step, "candidates", p->sis.candidates,
                     "baseline", baseline_name(p->baseline));
}

json_t *provenance_waivers_json(const struct waivers *w)
{
    json_t *list = json_array();

    for (int i = 0; w && i < w->n; i++)
        json_array_append_new(list, json_pack("{s:o, s:o}", "check", provenance_text_json(w->waiver[i].id), "reason",
                                              provenance_text_json(w->waiver[i].reason)));
    return list;
}

json_t *provenance_left_out_json(const struct policy *p)
{
    json_t *list = json_array();

    for (int i = p->n; i < p->n + p->n_left_out; i++)
        json_array_append_new(list, json_string(p->check[i].id));
    return list;
}
