#include "validate/checks/text.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "validate/checks/estimate.h"
#include "validate/report/format.h"

#define NBSP "\xc2\xa0"

char *text_n(int64_t n)
{
    char *count = format_count(n), *text = mem_format("n" NBSP "=" NBSP "%s", count);
    free(count);
    return text;
}

char *text_value(const struct estimate *e, enum unit unit, const struct policy_check *p)
{
    return format_value(e->value, unit, format_decimals(e, unit, p->side, p->limit));
}

char *text_brackets(const struct estimate *e, enum unit unit, const struct policy_check *p)
{
    char *interval = format_interval(e, unit, format_decimals(e, unit, p->side, p->limit)), *n = text_n(e->n);
    char *text = *interval ? mem_format("(95%% interval %s, %s)", interval, n) : mem_format("(%s)", n);
    free(n);
    free(interval);
    return text;
}

char *text_estimate(const struct estimate *e, enum unit unit, const struct policy_check *p)
{
    char *value = text_value(e, unit, p), *brackets = text_brackets(e, unit, p);
    char *text = mem_format("%s %s", value, brackets);
    free(brackets);
    free(value);
    return text;
}

char *text_control(const struct estimate *e, enum unit unit)
{
    int decimals = format_decimals(e, unit, SIDE_NONE, 0);
    char *value = format_value(e->value, unit, decimals), *interval = format_interval(e, unit, decimals);
    char *text = *interval ? mem_format("%s (%s)", value, interval) : mem_string(value);
    free(interval);
    free(value);
    return text;
}

char *text_number(double value, enum unit unit)
{
    struct estimate e = { value, value, value, 1 };
    return text_control(&e, unit);
}

char *text_level(double probability)
{
    int decimals = 0;
    for (double percent = 100 * probability; decimals < 6; decimals++, percent *= 10)
        if (!(fabs(percent - round(percent)) > 1e-6))
            break;
    return format_value(probability, UNIT_SHARE, decimals);
}

char *text_sure(double probability)
{
    return format_value(probability, UNIT_SHARE, probability >= 0.995 ? 1 : 0);
}

char *text_class(const struct study *s, int k)
{
    return mem_format("\xe2\x80\x9c%s\xe2\x80\x9d", s->data->class_names[k]);
}

char *text_limit(const struct estimate *e, enum unit unit, const struct policy_check *p)
{
    if (p->side == SIDE_NONE)
        return mem_string("");
    char *limit = format_limit(p->side, p->limit, unit, format_decimals(e, unit, p->side, p->limit));
    char *text = mem_format("The policy asks for %s.", limit);
    free(limit);
    return text;
}

const char *text_choose(const struct estimate *e, const struct policy_check *p, const char *pass, const char *fail,
                        const char *open)
{
    enum check_status status = check_decide(e, p->side, p->limit);
    return status == CHECK_FAIL ? fail : status == CHECK_INCONCLUSIVE ? open : pass;
}

char *text_act(const struct estimate *e, const struct policy_check *p, const char *pass, const char *fail)
{
    if (check_decide(e, p->side, p->limit) != CHECK_INCONCLUSIVE)
        return mem_string(text_choose(e, p, pass, fail, ""));
    int64_t needed = check_needed(e, p->limit);
    bool known = e->n >= ESTIMATE_FEW && needed > e->n; /* a handful says nothing about how an interval would shrink */
    char *count = known ? format_count(needed) : mem_string("More");
    char *text =
        mem_format("The interval lies on both sides of the limit. %s%s pictures like these would decide%s: raise "
                   "the sample of this check in the policy, use --full, or add pictures to the set.",
                   known ? "About " : "", count, known ? " if the value stays" : "");
    free(count);
    return text;
}

void text_describe_rows(struct figure *f)
{
    char *all = mem_string("");
    for (int i = 0; i < f->n_rows; i++) {
        const struct figure_row *row = &f->row[i];
        struct estimate e = { row->value, row->low, row->high, 1 };
        char *value = text_control(&e, f->x_unit), *before = all;
        all = mem_format("%s%s%s: %s", before, i ? "; " : "", row->name, value);
        free(before);
        free(value);
    }
    free(f->description);
    f->description = mem_format("%s.", all);
    free(all);
}
