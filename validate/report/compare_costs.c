/* What the models of a comparison cost; no verdict comes of it. */
#include "validate/report/compare_words.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "validate/report/format.h"

enum { TRAINING, INFERENCE, MEMORY, PARAMETERS };

const char *const cost_names[COSTS] = {
    [TRAINING] = "Training", [INFERENCE] = "One picture", [MEMORY] = "Memory", [PARAMETERS] = "Parameters"
};

static double cost_of(const struct comparison_subject *s, int cost)
{
    switch (cost) {
    case TRAINING: return s->training_s;
    case INFERENCE: return s->inference_s;
    case MEMORY: return s->memory_bytes;
    default: return s->parameters >= 0 ? (double)s->parameters : (double)NAN;
    }
}

static char *value_text(const struct comparison_subject *s, int cost)
{
    switch (cost) {
    case TRAINING: return format_duration(s->training_s);
    case INFERENCE: return format_duration(s->inference_s);
    case MEMORY: return format_bytes(s->memory_bytes);
    default: return s->parameters >= 0 ? format_count(s->parameters) : mem_string("not known");
    }
}

/* "5.0× A", or "" where there is nothing to divide. */
static char *ratio_text(const struct comparison *c, int subject, int cost)
{
    double ratio = cost_of(&c->subject[subject], cost) / cost_of(&c->subject[0], cost);
    if (subject == 0 || !isfinite(ratio))
        return mem_string("");
    char *value = format_value(ratio, UNIT_RATIO, ratio < 0.995 ? 2 : ratio < 9.95 ? 1 : 0);
    char *text = mem_format("%s A", value);
    free(value);
    return text;
}

/* What else is worth knowing: threads, quartiles, members. */
static char *remark_text(const struct comparison_subject *s, int cost)
{
    if (cost == TRAINING && isfinite(s->training_s) && s->training_threads > 0)
        return mem_format("%d thread%s", s->training_threads, s->training_threads == 1 ? "" : "s");
    if (cost == PARAMETERS && s->members > 1)
        return mem_format("%d members", s->members);
    if (cost != INFERENCE || !isfinite(s->inference_s) || !isfinite(s->inference_low_s) ||
        !isfinite(s->inference_high_s))
        return mem_string("");
    char *low = format_duration(s->inference_low_s), *high = format_duration(s->inference_high_s);
    char *text = mem_format("quartiles %s to %s", low, high);
    free(low);
    free(high);
    return text;
}

struct cost_text cost_text_of(const struct comparison *c, int subject, int cost)
{
    char *ratio = ratio_text(c, subject, cost), *remark = remark_text(&c->subject[subject], cost);
    struct cost_text t = { .value = value_text(&c->subject[subject], cost),
                           .beside = mem_format("%s%s%s", ratio, *ratio && *remark ? "; " : "", remark) };
    free(ratio);
    free(remark);
    return t;
}

void cost_text_free(struct cost_text *t)
{
    free(t->value);
    free(t->beside);
}

char *cost_caption(const struct comparison *c)
{
    bool ensemble = false;
    for (int i = 0; i < c->n_subjects; i++)
        ensemble |= c->subject[i].members > 1;
    return mem_format(
        "No verdict comes of these. Training is wall time by the manifest of the run%s. One picture "
        "is the median over passes that alternate between the models, %d pictures in a pass. Memory is "
        "what the process grew by for the model.",
        ensemble ? ", of an ensemble the sum over its members" : "", c->subject[0].batch);
}
