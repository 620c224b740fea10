#include "validate/compare/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "validate/compare/pairs.h"

/* --- which models belong together --------------------------------------------------------------------------------- */

static bool check_shape(const struct subject *a, const struct subject *b, struct err *err)
{
    const struct classifier *m = a->model, *k = b->model;

    if (m->classes != k->classes)
        return err_usage(err, "%s: has %d classes, but %s has %d; compare models that answer the same question", b->cfg,
                         k->classes, a->cfg, m->classes);
    return (m->c == k->c && m->h == k->h && m->w == k->w) ||
           err_usage(err,
                     "%s: takes pictures of %d x %d x %d, but %s takes %d x %d x %d; compare models that see the same "
                     "pictures",
                     b->cfg, k->c, k->h, k->w, a->cfg, m->c, m->h, m->w);
}

bool compare_fits(const struct subject *a, const struct subject *b, struct err *err)
{
    const char *view[] = { a->view ? view_text(a->view) : "", b->view ? view_text(b->view) : "" };

    if (!check_shape(a, b, err))
        return false;
    if (strcmp(a->data_hash, b->data_hash) != 0)
        return err_usage(err, "%s: was trained on %s, but %s on %s; --data DIR shows all the first one's data set",
                         b->cfg, b->data->name, a->cfg, a->data->name);
    if (strcmp(view[0], view[1]) != 0 || !(a->geometry.test_resize == b->geometry.test_resize))
        return err_usage(err,
                         "%s: would see other parts of the pictures than %s; give both the same test_resize and view",
                         b->cfg, a->cfg);
    return strcmp(a->weights_hash, b->weights_hash) != 0 || strcmp(a->cfg_hash, b->cfg_hash) != 0 ||
           err_usage(err, "%s: is the same model as %s; name another one", b->weights, a->weights);
}

/* --- one question ------------------------------------------------------------------------------------------------- */

static struct plan plan_of(const struct compare *c, const struct contender *k)
{
    return (struct plan){ .subject = k->subject,
                          .policy = c->policy,
                          .program = c->argv[0],
                          .directory = k->directory,
                          .progress = c->progress,
                          .stop = c->stop,
                          .full = c->full,
                          .resume = c->resume,
                          .images = c->images,
                          .seed = c->seed,
                          .threads = c->threads };
}

/* What one model has, or why not. */
struct outcome {
    bool ok;
    struct measured measured;
    struct err err;
};

static void measure(const struct compare *c, struct contender *k, const struct policy_check *p, struct outcome *out)
{
    struct plan plan = plan_of(c, k);

    *out = (struct outcome){ 0 };
    out->ok = p->type->measure(&k->study, p, plan_pictures(&plan, p, k->study.n), &out->measured, &out->err);
}

static void set_error(const char *why, struct paired *p, struct check *out)
{
    out->estimate = (struct estimate){ .value = NAN, .low = NAN, .high = NAN };
    p->a = p->b = out->estimate;
    p->n = 0;
    p->rose = p->fell = 0;
    p->p_value = NAN;
    out->error = mem_string(why);
}

/* With more than one candidate ids carry the candidate's letter: "sis.size@0.99/C". */
static char *make_id(const struct comparison *out, const struct policy_check *p, int candidate)
{
    return out->n_subjects > 2 ? mem_format("%s/%c", p->id, out->subject[candidate].letter) : mem_string(p->id);
}

static void fill_row(const struct policy_check *p, const struct confidence *confidence, struct outcome *a,
                     struct outcome *b, struct paired *row, struct check *out)
{
    struct err why = { 0 };
    struct outcome *failed = !a->ok ? a : !b->ok ? b : NULL;

    measure_words(p, out);
    row->counted = measure_is_counted(p->type->kind);
    row->median = measure_is_median(p->type->kind);
    row->guards = p->type->guards;
    row->margin = p->margin;
    row->unit = p->type->unit;
    out->side = p->type->good;
    out->limit = p->side == SIDE_NONE ? 0 : p->limit;
    out->gates = p->gates;
    if (failed)
        set_error(failed->err.text, row, out);
    else if (!pairs_compare(&a->measured, &b->measured, confidence, row, out, &why))
        set_error(why.text, row, out);
    row->change = comparison_change(&out->estimate, out->side, row->margin);
    out->status = row->change == CHANGE_ERROR       ? CHECK_ERROR
                  : !out->gates                     ? CHECK_REPORTED
                  : row->change == CHANGE_WORSE     ? CHECK_FAIL
                  : row->change == CHANGE_UNDECIDED ? CHECK_INCONCLUSIVE
                                                    : CHECK_PASS;
    out->unwaived = out->status;
    if (row->change == CHANGE_UNDECIDED)
        out->needed = check_needed(&out->estimate, out->limit);
}

/* One question, asked of all; row k stands for candidate k + 1. False only when the user stopped it. */
static bool ask(struct compare *c, int question, struct comparison *out, struct err *err)
{
    const struct policy_check *p = &c->policy->check[question];
    struct confidence confidence = { out->confidence, out->draws, c->seed };
    struct outcome *outcome = mem_alloc((size_t)c->n, sizeof *outcome);
    bool stopped = false;

    for (int k = 0; k < c->n && !stopped; k++) {
        measure(c, &c->contender[k], p, &outcome[k]);
        stopped = !outcome[k].ok && outcome[k].err.status == EXIT_INTERRUPTED;
        if (stopped)
            *err = outcome[k].err;
    }
    for (int k = 1; k < c->n && !stopped; k++) {
        int row = (k - 1) * out->n_questions + question;
        struct check *check = &out->report.check[row];
        check->id = make_id(out, p, k);
        out->paired[row].candidate = k;
        fill_row(p, &confidence, &outcome[0], &outcome[k], &out->paired[row], check);
        progress_line(c->progress, "%d/%d %s: %s", question + 1, out->n_questions, check->id,
                      change_name(out->paired[row].change));
    }
    for (int k = 0; k < c->n; k++)
        measured_free(&outcome[k].measured);
    free(outcome);
    return !stopped;
}

/* --- all of them -------------------------------------------------------------------------------------------------- */

/* The last part of the path as name; the whole path where two would be called alike. */
static void name_subjects(const struct compare *c, struct comparison *out)
{
    for (int k = 0; k < c->n; k++) {
        const struct contender *m = &c->contender[k];
        bool twice = false;
        for (int i = 0; i < c->n; i++)
            twice |= i != k && strcmp(c->contender[i].subject->name, m->subject->name) == 0;
        struct comparison_subject *s = &out->subject[k];
        s->letter = (char)('A' + k);
        s->name = twice ? mem_string(m->path) : subject_title(m->subject);
        s->path = mem_string(m->path);
        memcpy(s->cfg, m->subject->cfg_hash, sizeof s->cfg);
        memcpy(s->weights, m->subject->weights_hash, sizeof s->weights);
    }
}

static void begin(const struct compare *c, struct comparison *out)
{
    const struct policy *p = c->policy;
    int rows = p->n * (c->n - 1);

    *out = (struct comparison){ .n_questions = p->n,
                                .n_subjects = c->n,
                                .needs_better = p->require == REQUIRE_BETTER,
                                .class_name = (const char *const *)c->contender[0].subject->data->class_names,
                                .classes = c->contender[0].subject->data->classes,
                                .n_former = c->n_former };
    out->subject = mem_alloc((size_t)c->n, sizeof *out->subject);
    out->paired = mem_alloc((size_t)rows, sizeof *out->paired);
    out->report = (struct report){ .kind = REPORT_COMPARE, .n_checks = rows };
    out->report.check = mem_alloc((size_t)rows, sizeof *out->report.check);
    out->former = mem_alloc((size_t)c->n_former, sizeof *out->former);
    if (c->n_former)
        memcpy(out->former, c->former, (size_t)c->n_former * sizeof *out->former);
    for (int i = 0; i < p->n; i++)
        out->decisions += p->check[i].gates ? c->n - 1 : 0;
    struct confidence confidence = confidence_of(out->decisions, c->seed);
    out->confidence = confidence.level;
    out->draws = confidence.draws;
    name_subjects(c, out);
}

static bool open_studies(struct compare *c, int *opened, struct err *err)
{
    for (*opened = 0; *opened < c->n; ++*opened) {
        struct contender *k = &c->contender[*opened];
        struct plan plan = plan_of(c, k);
        if (!plan_open(&plan, &k->identity, &k->study, err))
            return false;
    }
    return true;
}

/* Every subset that a search of one of the models returned is shown to it again. */
static bool evaluate_again(struct compare *c, struct err *err)
{
    for (int k = 0; k < c->n; k++) {
        struct contender *m = &c->contender[k];
        struct plan plan = plan_of(c, m);
        if (!study_has_searched(&m->study))
            continue;
        m->answer = plan_search(&plan, &m->study, err);
        if (!m->answer || !plan_evaluate_again(&plan, &m->identity, m->answer, &m->again, err))
            return false;
    }
    return true;
}

bool compare_run(struct compare *c, struct comparison *out, struct err *err)
{
    int opened;

    begin(c, out);
    bool ok = open_studies(c, &opened, err);
    if (ok)
        costs_measure(c, out);
    for (int i = 0; ok && i < out->n_questions; i++)
        ok = ask(c, i, out, err);
    ok = ok && evaluate_again(c, err);
    if (ok) {
        compare_pictures(c, out);
        comparison_decide(out);
        compare_provenance(c, out);
        comparison_describe(out, c->argc, c->argv);
        out->show = NULL;
        out->mask = NULL;
    }
    for (int k = 0; k < opened; k++)
        study_close(&c->contender[k].study);
    if (!ok) {
        comparison_free(out);
        *out = (struct comparison){ 0 };
    }
    return ok;
}
