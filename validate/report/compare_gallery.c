/* Pictures of a comparison: what decides for one model and for the other on the same picture. */
#include "validate/report/compare_parts.h"

#include <stdlib.h>

#include "base/mem.h"
#include "validate/report/format.h"

enum { PER_GROUP = 3, IN_ORDER = 12, GROUPS = 4 };

static int by_growth(const void *a, const void *b)
{
    const struct growth *x = a, *y = b;
    return x->growth != y->growth ? (x->growth < y->growth) - (x->growth > y->growth)
                                  : (x->picture > y->picture) - (x->picture < y->picture);
}

static int by_loss(const void *a, const void *b)
{
    const struct growth *x = a, *y = b;
    return x->growth != y->growth ? (x->growth > y->growth) - (x->growth < y->growth)
                                  : (x->picture > y->picture) - (x->picture < y->picture);
}

static int by_place(const void *a, const void *b)
{
    const struct growth *x = a, *y = b;
    return (x->picture > y->picture) - (x->picture < y->picture);
}

int compare_pairs(const struct comparison *c, int subject, struct growth *list)
{
    int n = 0;
    for (int i = 0; i < c->n_pictures; i++) {
        int a = c->subject[0].part[i], b = c->subject[subject].part[i];
        if (a >= 0 && b >= 0)
            list[n++] = (struct growth){ i, b - a };
    }
    qsort(list, (size_t)n, sizeof *list, by_growth);
    return n;
}

static const char *class_of(const struct comparison *c, int k)
{
    return k >= 0 && k < c->classes && c->class_name ? c->class_name[k] : "?";
}

/* What a model answers where that is not the label; "" otherwise. */
static char *answer_text(const struct comparison *c, int i, int subject)
{
    int said = c->subject[subject].predicted[i];
    return said == c->picture[i].label
               ? mem_string("")
               : mem_format("; %s says \u201c%s\u201d", c->subject[subject].name, class_of(c, said));
}

char *compare_pixels(const struct comparison *c, int i, int subject)
{
    char *count = format_count(c->subject[subject].part[i]);
    char *text =
        mem_format("%s pixel%s of %s", count, c->subject[subject].part[i] == 1 ? "" : "s", c->subject[subject].name);
    free(count);
    return text;
}

void compare_show_whole(const struct comparison *c, int i, struct picture *out)
{
    c->show(c->shower, i, -1, out);
    out->alt = mem_format("Picture %lld: %s", (long long)c->picture[i].image, c->picture[i].class_name);
}

void compare_show_part(const struct comparison *c, int i, int subject, struct picture *out)
{
    char *pixels = compare_pixels(c, i, subject);
    c->show(c->shower, i, subject, out);
    out->alt = mem_format("Only the deciding %s", pixels);
    free(pixels);
}

static struct gallery_item make_item(const struct comparison *c, int i, int subject)
{
    struct gallery_item item = { .n = 3 };
    char *wrong_a = answer_text(c, i, 0), *wrong_b = answer_text(c, i, subject);
    int parts[2] = { c->subject[0].part[i], c->subject[subject].part[i] };
    char *a = format_count(parts[0]), *b = format_count(parts[1]);
    char *growth = format_change(parts[1] - parts[0], UNIT_NUMBER, 0);
    compare_show_whole(c, i, &item.picture[0]);
    compare_show_part(c, i, 0, &item.picture[1]);
    compare_show_part(c, i, subject, &item.picture[2]);
    item.line = mem_format("\u201c%s\u201d, no. %lld%s%s", c->picture[i].class_name, (long long)c->picture[i].image,
                           wrong_a, wrong_b);
    item.note = mem_format("%s %s pixels, %s %s: %s", c->subject[0].name, a, c->subject[subject].name, b,
                           parts[1] == parts[0] ? "\u00b10" : growth);
    free(growth);
    free(b);
    free(a);
    free(wrong_b);
    free(wrong_a);
    return item;
}

static void add_group(struct comparison *c, int subject, const char *heading, const struct growth *list, int n)
{
    struct report *r = &c->report;
    if (n <= 0)
        return;
    struct gallery_group *g = &r->group[r->n_groups++];
    *g = (struct gallery_group){ .heading = c->n_subjects > 2 ? mem_format("%s: %s", c->subject[subject].name, heading)
                                                              : mem_format("%s", heading),
                                 .item = mem_alloc((size_t)n, sizeof *g->item) };
    for (; g->n < n; g->n++)
        g->item[g->n] = make_item(c, list[g->n].picture, subject);
}

static int count_growing(const struct growth *list, int n, int sign)
{
    int count = 0;
    for (int i = 0; i < n; i++)
        count += list[i].growth * sign > 0;
    return count;
}

static int at_most(int n, int most)
{
    return n < most ? n : most;
}

/* `first`: pictures of the last group. */
static void add_candidate(struct comparison *c, int subject, int first, struct growth *list)
{
    int n = compare_pairs(c, subject, list), some = at_most(n, PER_GROUP);
    add_group(c, subject, "Largest growth", list, at_most(count_growing(list, n, 1), PER_GROUP));
    add_group(c, subject, "Around the median change", list + (n - some) / 2, some);
    qsort(list, (size_t)n, sizeof *list, by_loss);
    add_group(c, subject, "Largest shrinkage", list, at_most(count_growing(list, n, -1), PER_GROUP));
    qsort(list, (size_t)n, sizeof *list, by_place);
    int shown = at_most(n, first);
    char *heading = shown == 1 ? mem_string("The first pair, in the order of the set")
                               : mem_format("The first %d pairs, in the order of the set", shown);
    add_group(c, subject, heading, list, shown);
    free(heading);
}

static char *rule_text(const struct comparison *c, int n)
{
    char *level = format_value(c->threshold, UNIT_SHARE, 0), *pairs = format_count(n);
    char *all = format_count(c->n_pictures);
    bool two = c->n_subjects == 2;
    char *text =
        mem_format("From left: the picture, the deciding pixels of %s, the deciding pixels of %s (those that make it "
                   "%s sure of its "
                   "own answer). The other pixels are hidden as the model saw them hidden. The pictures are chosen by "
                   "rule, not by "
                   "hand%s%s%s%s.",
                   c->subject[0].name, two ? c->subject[1].name : "the candidate", level, two ? ", among " : "",
                   two ? pairs : "", two ? " on which both models are as sure, of " : "", two ? all : "");
    free(all);
    free(pairs);
    free(level);
    return text;
}

void compare_gallery(struct comparison *c)
{
    int candidates = c->n_subjects - 1, first = candidates > 0 ? IN_ORDER / candidates : 0;
    if (c->n_pictures <= 0 || candidates < 1 || !c->show)
        return;
    struct growth *list = mem_alloc((size_t)c->n_pictures, sizeof *list);
    c->report.gallery_rule = rule_text(c, compare_pairs(c, 1, list));
    c->report.group = mem_alloc((size_t)candidates * GROUPS, sizeof *c->report.group);
    for (int k = 1; k <= candidates; k++)
        add_candidate(c, k, first > PER_GROUP ? first : PER_GROUP, list);
    free(list);
}
