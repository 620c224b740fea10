#include "validate/report/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void group_free(struct gallery_group *g)
{
    for (int i = 0; i < g->n; i++) {
        for (int k = 0; k < g->item[i].n; k++)
            picture_free(&g->item[i].picture[k]);
        free(g->item[i].line);
        free(g->item[i].note);
    }
    free(g->item);
    free(g->heading);
}

void report_free(struct report *r)
{
    char *const text[] = { r->subject, r->program, r->data, r->policy, r->date, r->lead, r->gallery_rule };
    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        free(text[i]);
    for (int i = 0; i < r->n_checks; i++)
        check_free(&r->check[i]);
    free(r->check);
    for (int i = 0; i < r->n_steps; i++) {
        free(r->step[i].text);
        free(r->step[i].command);
    }
    free(r->step);
    for (int i = 0; i < r->n_groups; i++)
        group_free(&r->group[i]);
    free(r->group);
    for (int i = 0; i < r->n_suspects; i++) {
        free(r->suspect[i].path);
        free(r->suspect[i].label);
        free(r->suspect[i].why);
    }
    free(r->suspect);
    for (int i = 0; i < r->n_facts; i++) {
        free(r->fact[i].key);
        free(r->fact[i].value);
    }
    free(r->fact);
    json_decref(r->provenance);
}

int report_suspects_end(const struct report *r, int i)
{
    int end = i;
    while (end < r->n_suspects && strcmp(r->suspect[end].check, r->suspect[i].check) == 0)
        end++;
    return end;
}

/* Place of a status in the table. */
static int rank_of(enum check_status s)
{
    static const int rank[] = { [CHECK_FAIL] = 0,   [CHECK_ERROR] = 1, [CHECK_INCONCLUSIVE] = 2,
                                [CHECK_WAIVED] = 3, [CHECK_PASS] = 4,  [CHECK_REPORTED] = 5 };
    return rank[s];
}

/* How far the value lies beyond its limit: the logarithm of their ratio, so that units do not matter, or the
 * difference where there is no ratio; negative on the good side. */
static double beyond(const struct check *c)
{
    double value = c->estimate.value, limit = c->limit;
    if (c->side == SIDE_NONE || !isfinite(value) || !isfinite(limit))
        return -INFINITY;
    double excess = value > 0 && limit > 0 ? log(value / limit) : value - limit;
    return c->side == SIDE_AT_MOST ? excess : -excess;
}

static bool comes_before(const struct check *a, const struct check *b)
{
    int rank_a = rank_of(a->status), rank_b = rank_of(b->status);
    return rank_a < rank_b || (rank_a == rank_b && beyond(a) > beyond(b));
}

/* By insertion: equal ones keep the policy's order. */
void report_order(const struct report *r, int *order)
{
    for (int i = 0; i < r->n_checks; i++) {
        int at = i;
        for (; at > 0 && comes_before(&r->check[i], &r->check[order[at - 1]]); at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
}

int report_count(const struct report *r, enum check_status status)
{
    int n = 0;
    for (int i = 0; i < r->n_checks; i++)
        n += r->check[i].status == status;
    return n;
}
