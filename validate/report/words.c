#include "validate/report/words.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "validate/report/format.h"

#define NO_BREAK "\u00a0"

const enum check_status words_statuses[N_STATUSES] = { CHECK_FAIL,   CHECK_ERROR, CHECK_INCONCLUSIVE,
                                                       CHECK_WAIVED, CHECK_PASS,  CHECK_REPORTED };

static const char *const counted[N_STATUSES] = {
    [CHECK_PASS] = "passed",         [CHECK_FAIL] = "failed",   [CHECK_INCONCLUSIVE] = "inconclusive",
    [CHECK_ERROR] = "could not run", [CHECK_WAIVED] = "waived", [CHECK_REPORTED] = "reported"
};

static const struct words_entry model_words[] = {
    { "Overinterprets", "The model is sure although it is shown only pixels in which a person recognises nothing." },
    { "Deciding pixels", "A small part of the picture that is enough to make the model as sure as stated (sufficient "
                         "input subset, SIS). The "
                         "search goes step by step, so an even smaller part may exist." },
    { "Hidden",
      "A hidden pixel is replaced by a filling, such as the mean colour of the data set, that tells nothing about "
      "what was there." },
    { "99% sure",
      "The probability that the model itself gives to its answer is 0.99 or more. It may be wrong all the same." },
    { "95% interval",
      "Values that agree with the pictures that were measured. With more pictures it becomes narrower." },
    { "Inconclusive",
      "The interval contains the limit, so these pictures cannot decide. It does not count as passed." },
    { "Error", "The check could not run. It does not count as passed." },
    { "Waived", "The check did not pass, and somebody gave a reason to go on. The result stays on this page." },
    { "Reported", "Measured and shown for information; the policy sets no limit, or does not let it decide." },
    { NULL, NULL }
};
static const struct words_entry dataset_words[] = {
    { "Safe to learn from",
      "No check found a way to the label that leads around the object, and no damage. What no check "
      "asks, nobody knows." },
    { "Border, ring",
      "The outermost pixels of a picture. They rarely show the object, so they should tell its class no "
      "better than any other part of the same size." },
    { "Simple model", "One linear layer on numbers that describe a part of the picture. What it finds, every network "
                      "finds." },
    { "Centre, random pixels", "Parts of the same number of pixels as the ring, beside which its result is judged: a "
                               "few pixels from anywhere already tell something." },
    { "Named right",
      "The share of pictures whose class the model says, tested on pictures that it was not fitted on." },
    { "Same picture", "Equal in every pixel, or so alike that only size, compression or a slight change of colour "
                      "differs." },
    { "95% interval",
      "Values that agree with the pictures that were measured. With more pictures it becomes narrower." },
    { "Inconclusive",
      "The interval contains the limit, so these pictures cannot decide. It does not count as passed." },
    { "Error", "The check could not run. It does not count as passed." },
    { "Waived", "The check did not pass, and somebody gave a reason to go on. The result stays on this page." },
    { "Reported", "Measured and shown for information; the policy sets no limit, or does not let it decide." },
    { NULL, NULL }
};
static const struct words_entry compare_words[] = {
    { "Overinterprets less",
      "On the same pictures the candidate is better than the baseline on a question about its evidence, and worse on "
      "none that decides." },
    { "Baseline, candidate", "A is the model that is in use, or the simpler one; each other model is measured against "
                             "it." },
    { "Deciding pixels", "A small part of the picture that is enough to make a model as sure as stated (sufficient "
                         "input subset, SIS). Each model has its own." },
    { "Pair, change", "The same picture asked of both models. A change is the candidate's value minus the baseline's, "
                      "picture by picture." },
    { "95% interval",
      "Changes that agree with the pictures that were measured. Joint: made so wide that all that decide are right "
      "together in 95% of such comparisons, so that one cannot pick a lucky one." },
    { "Margin", "What the policy calls indifferent, fixed before the run: changes of up to it matter to nobody." },
    { "Better, worse", "The whole interval lies on that side, beyond the margin." },
    { "No worse", "Not better, but no part of the interval lies beyond the margin on the worse side." },
    { "Undecided", "The interval leaves it open, or there were too few pairs. It does not count as no worse." },
    { "Guard", "A question such as accuracy: worse counts against the candidate, better is no evidence of better "
               "reasons." },
    { "Reported", "Measured and shown for information; the policy does not let it decide." },
    { NULL, NULL }
};

static const struct {
    const char *name, *command, *noun, *passed, *failed;
    const struct words_entry *glossary;
} kinds[] = {
    [REPORT_MODEL] = { "model", "validate model", "Overinterprets", "no", "yes", model_words },
    [REPORT_DATASET] = { "dataset", "validate dataset", "Safe to learn from", "yes", "no", dataset_words },
    [REPORT_COMPARE] = { "compare", "validate compare", "Overinterprets less", "yes", "no", compare_words },
};

const char *words_counted(enum check_status s)
{
    return counted[s];
}

const char *words_command(enum report_kind kind)
{
    return kinds[kind].command;
}

const char *words_name(enum report_kind kind)
{
    return kinds[kind].name;
}

const struct words_entry *words_glossary(enum report_kind kind)
{
    return kinds[kind].glossary;
}

const char *report_noun(const struct report *r)
{
    return kinds[r->kind].noun;
}

/* A policy that only reports finds nothing good or bad, whatever the values are. */
static bool only_reports(const struct report *r)
{
    for (int i = 0; i < r->n_checks; i++)
        if (r->check[i].gates)
            return false;
    return r->n_checks > 0;
}

const char *report_word(const struct report *r)
{
    switch (r->verdict) {
    case EXIT_OK: return only_reports(r) ? "not judged" : r->passed ? r->passed : kinds[r->kind].passed;
    case EXIT_FAILED_CHECK: return kinds[r->kind].failed;
    case EXIT_INCONCLUSIVE: return "not shown";
    default: return "not known";
    }
}

const char *words_verdict_class(const struct report *r)
{
    return r->verdict == EXIT_OK && !only_reports(r) ? "good" : r->verdict == EXIT_FAILED_CHECK ? "bad" : "open";
}

const char *words_exit(enum report_kind kind, enum exit_status s)
{
    bool pairs = kind == REPORT_COMPARE;
    switch (s) {
    case EXIT_OK:
        return pairs ? "no question that decides is worse or undecided"
                     : "every check that decides passed or was waived";
    case EXIT_FAILED_CHECK: return pairs ? "a question that decides is worse" : "a check failed";
    case EXIT_INCONCLUSIVE:
        return pairs ? "a question that decides is undecided, or none shows better reasons"
                     : "a check could not decide";
    default: return pairs ? "a question could not be measured" : "a check could not run";
    }
}

char *words_counts(const struct report *r)
{
    char *text = mem_string("");
    for (int i = 0; i < N_STATUSES; i++) {
        int n = report_count(r, words_statuses[i]);
        if (!n)
            continue;
        char *longer = mem_format("%s%s%d %s", text, *text ? ", " : "", n, counted[words_statuses[i]]);
        free(text);
        text = longer;
    }
    return text;
}

struct result result_of(const struct check *c)
{
    int decimals = format_decimals(&c->estimate, c->unit, c->side, c->limit);
    char *count = format_count(c->estimate.n), *needed = format_count(c->needed);
    bool open = c->status == CHECK_INCONCLUSIVE && c->needed > 0;
    struct result t = { .value = format_value(c->estimate.value, c->unit, decimals),
                        .interval = format_interval(&c->estimate, c->unit, decimals),
                        .limit = format_limit(c->side, c->limit, c->unit, decimals),
                        .n = mem_format("n" NO_BREAK "=" NO_BREAK "%s", count),
                        .needed = open ? mem_format("about %s", needed) : mem_string("") };
    free(count);
    free(needed);
    return t;
}

void result_free(struct result *t)
{
    free(t->value);
    free(t->interval);
    free(t->limit);
    free(t->n);
    free(t->needed);
}

char *result_basis(const struct check *c, const struct result *t)
{
    bool counted_all = c->estimate.n > 0 && isfinite(c->estimate.value) && !*t->interval;
    return mem_format("%s%s%s", t->interval, *t->interval ? ", " : counted_all ? "counted over all, " : "", t->n);
}
