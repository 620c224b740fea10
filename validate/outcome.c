#include "validate/outcome.h"

#include <math.h>
#include <stdlib.h>
#include "base/mem.h"
#include "validate/checks/checks.h"

int64_t outcome_pictures(const struct policy_check *p, bool full, int64_t count)
{
    int64_t n = full ? p->full : p->quick;

    return n == 0 || n > count ? count : n;
}

static void set_text(char **text, const char *value)
{
    free(*text);
    *text = mem_string(value);
}

/* What stands in the report in the place of a check that could not run. */
static void fill_error(const struct policy_check *p, const char *why, struct check *out)
{
    out->status = CHECK_ERROR;
    out->estimate = (struct estimate){ .value = NAN, .low = NAN, .high = NAN };
    out->unit = p->type->unit;
    out->of = "pictures";
    set_text(&out->error, why);
    set_text(&out->question, "What would this check have found?");
    set_text(&out->measure, "nothing was measured");
    set_text(&out->asks, p->type->summary);
    set_text(&out->found, "The check could not run.");
    set_text(&out->means, "Nothing follows. A check that did not run is never counted as passed.");
    set_text(&out->act, "Remove the cause, then run this program again.");
}

/* A check that could not run is not waived: nobody knows what would be accepted. */
static void apply_waiver(const struct waivers *waivers, struct check *c)
{
    const struct waiver *w = waivers_find(waivers, c->id);

    c->unwaived = c->status;
    if (!w || (c->status != CHECK_FAIL && c->status != CHECK_INCONCLUSIVE))
        return;
    c->status = CHECK_WAIVED;
    c->waiver = mem_string(w->reason);
}

void outcome_complete(const struct policy_check *p, bool ok, const struct err *why, const struct waivers *waivers,
                      struct check *out)
{
    set_text(&out->id, p->id);
    set_text(&out->kind, p->type->kind);
    out->side = p->side;
    out->limit = p->limit;
    out->gates = p->gates;
    if (ok)
        out->status = check_decide(&out->estimate, p->side, p->limit);
    if (!ok)
        fill_error(p, why->text, out);
    else if (out->status == CHECK_ERROR)
        fill_error(p, "no picture could be measured; raise the number of pictures in the policy", out);
    else if (!p->gates)
        out->status = CHECK_REPORTED;
    if (out->status == CHECK_INCONCLUSIVE && out->needed == 0)
        out->needed = check_needed(&out->estimate, p->limit);
    apply_waiver(waivers, out);
}

void outcome_compare(const struct policy *p, const struct previous *previous, const struct waivers *waivers,
                     uint64_t seed, struct report *r)
{
    int n = r->n_checks;

    for (int i = 0; previous && i < n; i++) {
        struct check *out = &r->check[r->n_checks];
        if (previous_compare(previous, &r->check[i], p->check[i].type->good, seed, out)) {
            apply_waiver(waivers, out);
            r->n_checks++;
        }
    }
}
