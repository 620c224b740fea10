/* What the page of a comparison shows: its gallery, its figures, its strips. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/compare_fixture.h"
#include "tests/markup.h"
#include "validate/report/compare_parts.h"
#include "validate/report/compare_save.h"
#include "validate/report/svg.h"

static int growth_of(const struct gallery_item *item)
{
    const char *colon = strrchr(item->note, ':');
    bool minus = colon && strstr(colon, "\u2212"); /* what a report writes for a minus */
    const char *digits = colon + strcspn(colon, "0123456789");
    return (minus ? -1 : 1) * (int)strtol(digits, NULL, 10);
}

Test(compare_pictures, the_gallery_follows_its_rule)
{
    struct comparison c = fixture_comparison_clean(1, 1);
    const struct report *r = &c.report;
    int largest = -9999, smallest = 9999, both = 0;
    for (int i = 0; i < c.n_pictures; i++) {
        int growth = c.subject[1].part[i] - c.subject[0].part[i];
        if (c.subject[0].part[i] < 0 || c.subject[1].part[i] < 0)
            continue;
        largest = growth > largest ? growth : largest;
        smallest = growth < smallest ? growth : smallest;
        both++;
    }
    cr_assert_eq(r->n_groups, 4);
    cr_expect_str_eq(r->group[0].heading, "Largest growth");
    cr_expect_eq(growth_of(&r->group[0].item[0]), largest);
    cr_expect_str_eq(r->group[2].heading, "Largest shrinkage");
    cr_expect_eq(growth_of(&r->group[2].item[0]), smallest);
    for (int i = 1; i < 3; i++) {
        cr_expect_leq(growth_of(&r->group[0].item[i]), growth_of(&r->group[0].item[i - 1]));
        cr_expect_geq(growth_of(&r->group[2].item[i]), growth_of(&r->group[2].item[i - 1]));
    }
    cr_expect_str_eq(r->group[3].heading, "The first 12 pairs, in the order of the set");
    cr_expect_eq(r->group[3].n, 12);
    char *among = mem_format("among %d on which both models are as sure, of %d", both, c.n_pictures);
    cr_expect_lt(both, c.n_pictures);
    cr_expect(strstr(r->gallery_rule, among), "%s", r->gallery_rule);
    free(among);
    comparison_free(&c);
}

Test(compare_pictures, a_picture_is_shown_whole_then_as_each_model_saw_it)
{
    struct comparison c = fixture_comparison_clean(1, 1);
    const struct gallery_item *item = &c.report.group[3].item[1];
    struct picture own = { 0 };
    cr_assert_eq(item->n, 3);
    for (int subject = -1; subject < 2; subject++) {
        const struct picture *p = &item->picture[subject + 1];
        c.show(c.shower, 1, subject, &own);
        cr_expect_arr_eq(p->pixels, own.pixels, (size_t)own.w * (size_t)own.h * (size_t)own.channels);
        picture_free(&own);
    }
    cr_expect_eq(strncmp(item->picture[0].alt, "Picture 3:", 10), 0);
    cr_expect(strstr(item->picture[1].alt, "of resnet20") && strstr(item->picture[2].alt, "of ensemble3"));
    comparison_free(&c);
}

Test(compare_pictures, a_wrong_answer_is_told)
{
    struct comparison c = fixture_comparison_clean(1, 1);
    bool told = false;
    for (int i = 0; i < c.report.n_groups; i++)
        for (int k = 0; k < c.report.group[i].n; k++) {
            const char *line = c.report.group[i].item[k].line;
            bool wrong = strstr(line, "no. 30;") || strstr(line, "no. 63;") || strstr(line, "no. 96;");
            cr_expect_eq(wrong, strstr(line, "says \u201c") != NULL, "%s", line);
            told |= wrong;
        }
    cr_expect(told);
    comparison_free(&c);
}

Test(compare_pictures, both_heat_maps_have_one_scale)
{
    struct comparison c = fixture_comparison_clean(1, 1);
    const struct check *border = &c.report.check[1];
    cr_assert_eq(border->n_figures, 4);
    cr_assert(border->figure[0].kind == FIGURE_HEAT && border->figure[1].kind == FIGURE_HEAT);
    cr_expect_eq(border->figure[0].x_high, border->figure[1].x_high);
    double most[2] = { 0 };
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < c.pixels; i++)
            most[k] = fmax(most[k], border->figure[k].share[i]);
    cr_expect_eq(border->figure[0].x_high, fmax(most[0], most[1]));
    cr_expect_neq(most[0], most[1]);
    comparison_free(&c);
}

Test(compare_pictures, figures_are_what_the_row_holds)
{
    struct comparison c = fixture_comparison_clean(1, 1);
    const struct figure *scatter = &c.report.check[0].figure[0], *dots = &c.report.check[0].figure[1];
    const struct paired *p = &c.paired[0];
    struct pair_text t = pair_text_of(&c, 0);
    cr_assert(scatter->kind == FIGURE_SCATTER && scatter->diagonal && dots->kind == FIGURE_DOTS);
    for (int i = 0; i < p->n; i++) {
        cr_expect_eq(scatter->series[0].x[i], p->value[0][i]);
        cr_expect_eq(scatter->series[0].y[i], p->value[1][i]);
        cr_expect_eq(dots->series[0].x[i], p->value[1][i] - p->value[0][i]);
    }
    cr_expect(strstr(dots->mark, t.change));
    cr_expect(dots->mark_low == c.report.check[0].estimate.low && dots->mark_high == c.report.check[0].estimate.high);
    const struct figure *rows = &c.report.check[3].figure[0];
    cr_expect(rows->kind == FIGURE_ROWS && rows->row[0].value == c.paired[3].a.value &&
              rows->row[1].value == c.paired[3].b.value);
    pair_text_free(&t);
    comparison_free(&c);
}

static char *render_strip(const struct check *check)
{
    svg_change(markup_stream(), check);
    return markup_written();
}

Test(compare_pictures, a_strip_has_no_change_in_its_middle_and_a_band_on_the_good_side)
{
    struct check check = { .estimate = { -0.02, -0.03, -0.012, 90 },
                           .side = SIDE_AT_LEAST,
                           .limit = -0.01,
                           .unit = UNIT_POINTS,
                           .status = CHECK_FAIL };
    char *text = render_strip(&check);
    cr_expect(strstr(text, "<path class=\"ze\" d=\"M75.0 6.0L75.0 18.0\"/>"), "%s", text);
    cr_expect(strstr(text, "<path class=\"lim\" d=\"M92.8 3.0L92.8 21.0\"/>"), "%s", text);
    cr_expect(strstr(text, "<rect class=\"ok\" x=\"57.3\" y=\"8\" width=\"88.8\""), "%s", text);
    cr_expect(strstr(text, "<circle class=\"da\" cx=\"39.5\""), "%s", text);
    free(text);
    check.side = SIDE_AT_MOST, check.limit = 0.01;
    text = render_strip(&check);
    cr_expect(strstr(text, "<rect class=\"ok\" x=\"4.0\" y=\"8\" width=\"88.8\""), "%s", text);
    free(text);
}

Test(compare_pictures, charts_of_pairs_mark_what_is_even_and_what_is_measured)
{
    struct comparison c = fixture_comparison_clean(1, 1);
    comparison_html(&c, markup_stream());
    char *page = markup_written(), *section = markup_between(page, "id=\"check.sis.size@0.99\"", "</section>");
    struct pair_text t = pair_text_of(&c, 0);
    char *mark = mem_format(">median %s</text>", t.change);
    cr_expect(strstr(section, mark), "%s", mark);
    const char *cloud = strstr(section, "<g class=\"cloud\">");
    cr_assert(cloud);
    cr_expect_eq(strncmp(cloud - 16, "L338.0 26.0\"/>", 14) && strncmp(cloud - 14, "L338.0 26.0\"/>", 14), 0);
    free(mark);
    pair_text_free(&t);
    free(section);
    free(page);
    comparison_free(&c);
}
