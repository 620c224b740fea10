#include "validate/report/compare_words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "validate/report/format.h"

#define NO_BREAK "\u00a0"

enum { WORSE, ERROR, UNDECIDED, BETTER, NO_WORSE, REPORTED };

const struct compare_outcome compare_outcomes[COMPARE_OUTCOMES] = {
    [WORSE] = { CHECK_FAIL, "worse", "worse" },
    [ERROR] = { CHECK_ERROR, "error", "could not run" },
    [UNDECIDED] = { CHECK_INCONCLUSIVE, "undecided", "undecided" },
    [BETTER] = { CHECK_PASS, "better", "better" },
    [NO_WORSE] = { CHECK_PASS, "no worse", "no worse" },
    [REPORTED] = { CHECK_REPORTED, "reported", "reported" },
};

int compare_outcome(const struct comparison *c, int row)
{
    static const int outcome[] = { [CHANGE_BETTER] = BETTER,
                                   [CHANGE_NO_WORSE] = NO_WORSE,
                                   [CHANGE_WORSE] = WORSE,
                                   [CHANGE_UNDECIDED] = UNDECIDED,
                                   [CHANGE_ERROR] = ERROR };
    enum change change = c->paired[row].change;
    return change != CHANGE_ERROR && !c->report.check[row].gates ? REPORTED : outcome[change];
}

char *compare_word(const struct comparison *c, int row)
{
    int outcome = compare_outcome(c, row);
    const char *word = compare_outcomes[outcome].word;
    return outcome == REPORTED ? mem_format("%s: %s", word, change_name(c->paired[row].change)) : mem_string(word);
}

int compare_count(const struct comparison *c, int candidate, int outcome)
{
    int n = 0;
    for (int i = 0; i < c->report.n_checks; i++)
        n += (!candidate || c->paired[i].candidate == candidate) && compare_outcome(c, i) == outcome;
    return n;
}

char *compare_counts(const struct comparison *c, int candidate)
{
    char *text = mem_string("");
    for (int i = 0; i < COMPARE_OUTCOMES; i++) {
        int n = compare_count(c, candidate, i);
        if (!n)
            continue;
        char *longer = mem_format("%s%s%d %s", text, *text ? ", " : "", n, compare_outcomes[i].counted);
        free(text);
        text = longer;
    }
    return text;
}

int compare_order(const struct comparison *c, int candidate, int *order)
{
    int n = 0;
    for (int outcome = 0; outcome < COMPARE_OUTCOMES; outcome++)
        for (int i = 0; i < c->report.n_checks; i++)
            if (c->paired[i].candidate == candidate && compare_outcome(c, i) == outcome)
                order[n++] = i;
    return n;
}

static bool print_alike(const struct paired *p, int decimals)
{
    char *a = format_value(p->a.value, p->unit, decimals), *b = format_value(p->b.value, p->unit, decimals);
    bool alike = strcmp(a, b) == 0;
    free(a);
    free(b);
    return alike;
}

/* Both values with as many, and with as many as show that they differ, if the change has them. */
static int value_decimals(const struct paired *p, int of_change)
{
    int a = format_decimals(&p->a, p->unit, SIDE_NONE, 0), b = format_decimals(&p->b, p->unit, SIDE_NONE, 0);
    int decimals = a > b ? a : b;
    if (decimals == 0 && of_change > 0)
        decimals = 1;
    while (decimals < of_change && print_alike(p, decimals))
        decimals++;
    return decimals;
}

/* Enough to tell the bounds from no change, and from the margin on both sides. */
static int change_decimals(const struct check *c)
{
    const double bar[] = { 0, c->limit, -c->limit };
    int most = 0;
    for (int i = 0; i < 3; i++) {
        int decimals = format_decimals(&c->estimate, c->unit, SIDE_AT_LEAST, bar[i]);
        most = decimals > most ? decimals : most;
    }
    return most;
}

/* A bound of the margin, never rounded: "down to −1.0 points". */
static char *bound_text(const struct check *c, const struct paired *p, double bound, const char *rise, const char *fall,
                        int decimals)
{
    if (!(p->margin > 0) || !isfinite(bound) || c->side == SIDE_NONE)
        return mem_string("");
    int exact = format_exact_decimals(bound, c->unit);
    char *limit = format_change(bound, c->unit, exact > decimals ? exact : decimals);
    char *text = mem_format("%s %s", c->side == SIDE_AT_LEAST ? rise : fall, limit);
    free(limit);
    return text;
}

struct pair_text pair_text_of(const struct comparison *c, int row)
{
    const struct check *check = &c->report.check[row];
    const struct paired *p = &c->paired[row];
    bool measured = p->change != CHANGE_ERROR && isfinite(check->estimate.value);
    int of_change = measured ? change_decimals(check) : 0, of_value = measured ? value_decimals(p, of_change) : 0;
    char *count = format_count(check->estimate.n);
    struct pair_text t = {
        .a = measured ? format_value(p->a.value, p->unit, of_value) : mem_string(""),
        .b = measured ? format_value(p->b.value, p->unit, of_value) : mem_string(""),
        .change = measured ? format_change(check->estimate.value, check->unit, of_change) : mem_string("not measured"),
        .interval = measured ? format_change_interval(&check->estimate, check->unit, of_change) : mem_string(""),
        .n = mem_format("n" NO_BREAK "=" NO_BREAK "%s" NO_BREAK "%s", count,
                        check->of && *check->of ? check->of : "pairs"),
        .rose = format_count(p->rose),
        .fell = format_count(p->fell),
        .loss = bound_text(check, p, check->limit, "down to", "up to", of_change),
        .gain = bound_text(check, p, -check->limit, "above", "below", of_change)
    };
    free(count);
    return t;
}

void pair_text_free(struct pair_text *t)
{
    free(t->a);
    free(t->b);
    free(t->change);
    free(t->interval);
    free(t->n);
    free(t->rose);
    free(t->fell);
    free(t->loss);
    free(t->gain);
}

const char *compare_interval(const struct comparison *c)
{
    return c->decisions > 1 ? "joint 95% interval" : "95% interval";
}

const char *compare_candidate(const struct comparison *c, int row)
{
    return c->subject[c->paired[row].candidate].name;
}

const char *compare_baseline(const struct comparison *c)
{
    return c->subject[0].name;
}

static const char *word_for(const struct comparison *c, int row, const struct pair_text *t, char letter)
{
    switch (letter) {
    case 'A': return compare_baseline(c);
    case 'B': return compare_candidate(c, row);
    case 'a': return t->a;
    case 'b': return t->b;
    case 'c': return t->change;
    case 'r': return t->rose;
    case 'f': return t->fell;
    default: return "";
    }
}

char *compare_fill(const struct comparison *c, int row, const char *text)
{
    struct pair_text t = pair_text_of(c, row);
    char *out = mem_string("");
    while (*text) {
        size_t plain = strcspn(text, "{");
        bool named = text[plain] && text[plain + 1];
        char *longer =
            mem_format("%s%.*s%s", out, (int)plain, text, named ? word_for(c, row, &t, text[plain + 1]) : "");
        free(out);
        out = longer;
        text += plain;
        text += strcspn(text, "}");
        text += *text == '}';
    }
    pair_text_free(&t);
    return out;
}

/* A verdict of EXIT_OK rests on better evidence, or on a policy that asks for none. */
static bool is_better(const struct comparison *c, int candidate)
{
    for (int i = 0; i < c->report.n_checks; i++)
        if (c->paired[i].candidate == candidate && compare_outcome(c, i) == BETTER && !c->paired[i].guards)
            return true;
    return false;
}

const char *compare_verdict(const struct comparison *c, int candidate)
{
    switch (c->subject[candidate].verdict) {
    case EXIT_OK: return is_better(c, candidate) ? "yes" : "no worse";
    case EXIT_FAILED_CHECK: return "no";
    case EXIT_INCONCLUSIVE: return "not shown";
    default: return "not known";
    }
}

const char *compare_verdict_class(const struct comparison *c, int candidate)
{
    enum exit_status s = c->subject[candidate].verdict;
    return s == EXIT_OK && is_better(c, candidate) ? "good" : s == EXIT_FAILED_CHECK ? "bad" : "open";
}
