#include "validate/checks/checks.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "validate/checks/estimate.h"
#include "validate/checks/text.h"

static json_t *details(const struct answers *a, const struct estimate *e)
{
    double sure = 0;
    for (int64_t i = 0; i < a->n; i++)
        sure += a->confidence[i];
    return json_pack("{s:I, s:o, s:o}", "right", (json_int_t)(e->value * (double)a->n + 0.5), "mean_confidence",
                     json_finite(sure / (double)a->n), "accuracy", json_finite(e->value));
}

static void words(struct check *out, const struct study *s, const struct policy_check *p, double guessing)
{
    const struct estimate *e = &out->estimate;
    char *value = text_value(e, out->unit, p), *brackets = text_brackets(e, out->unit, p),
         *chance = text_number(guessing, UNIT_SHARE);
    bool all = e->n == s->data->count[s->split];
    out->question = mem_string("Is it accurate on whole pictures?");
    out->measure = mem_string("right");
    out->asks = mem_format("We count right answers on %s.",
                           all ? "all pictures of the set" : "pictures drawn at random from the set");
    out->found =
        mem_format("%s of the pictures are answered right %s. Naming the most frequent class every time would give %s.",
                   value, brackets, chance);
    out->means = mem_string("This is how often the model is right on pictures like these. It does not say on what "
                            "evidence: that is what the other checks ask.");
    out->act = text_act(e, p, "Read the other checks before trusting this figure.",
                        "Train longer or choose a larger network, then run this program again.");
    free(chance);
    free(brackets);
    free(value);
}

/* Share of the most frequent label. */
static double guessing_share(const struct study *s, const struct answers *a)
{
    int64_t *count = mem_alloc((size_t)s->data->classes, sizeof *count), most = 0;
    for (int64_t i = 0; i < a->n; i++)
        if (++count[a->label[i]] > most)
            most = count[a->label[i]];
    free(count);
    return a->n ? (double)most / (double)a->n : 0;
}

bool check_accuracy(struct study *s, const struct policy_check *p, int64_t n, struct check *out, struct err *err)
{
    (void)n; /* of the sample; whole pictures have their own number */
    const struct answers *a = study_answers(s, err);
    if (!a)
        return false;
    int64_t right = 0;
    for (int64_t i = 0; i < a->n; i++)
        right += a->predicted[i] == a->label[i];
    out->kind = mem_string(p->type->kind);
    out->unit = UNIT_SHARE;
    out->of = "pictures";
    out->estimate = estimate_share(right, a->n);
    words(out, s, p, guessing_share(s, a));
    out->details = details(a, &out->estimate);
    return true;
}
