#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "validate/checks/figure.h"

Test(figure, rows_series_and_pictures_are_added_zeroed)
{
    struct figure f = { .kind = FIGURE_CURVE };
    figure_add_row(&f, "first", 1, 0.5, 2, TONE_ALERT);
    struct figure_row *row = figure_add_row(&f, NULL, 2, 2, 2, TONE_OPEN);
    cr_assert(f.n_rows == 2 && row == &f.row[1] && !row->name);
    cr_assert_str_eq(f.row[0].name, "first");
    cr_assert(f.row[0].value == 1 && f.row[0].low == 0.5 && f.row[0].high == 2 && f.row[0].tone == TONE_ALERT);
    struct figure_series *s = figure_add_series(&f, "line", TONE_CONTROL, 3);
    cr_assert(f.n_series == 1 && s->n == 3 && s->x[2] == 0 && s->y[2] == 0 && !s->low && !s->high);
    struct picture *p = figure_add_picture(&f, 4, 2, 3, "alt", NULL);
    cr_assert(f.n_pictures == 1 && p->w == 4 && p->h == 2 && p->pixels[4 * 2 * 3 - 1] == 0 && !p->caption);
    figure_free(&f);
}

Test(figure, dots_have_no_second_axis)
{
    struct figure f = { .kind = FIGURE_DOTS };
    cr_assert_null(figure_add_series(&f, NULL, TONE_DATA, 3)->y);
    figure_free(&f);
}

Test(figure, a_series_may_be_empty)
{
    struct figure f = { .kind = FIGURE_SCATTER };
    cr_assert_eq(figure_add_series(&f, "none", TONE_DATA, 0)->n, 0);
    figure_free(&f);
}

Test(figure, planes_become_pixels_rounded_and_clipped)
{
    /* [c,h,w] = [3,1,2] */
    const float x[] = { 0, 1, 0.5f, 2, -1, NAN };
    const uint8_t wanted[] = { 0, 128, 0, 255, 255, 0 };
    uint8_t pixels[6];
    picture_from_image(x, 3, 1, 2, pixels);
    cr_assert_arr_eq(pixels, wanted, sizeof wanted);
}

Test(figure, grey_becomes_three_equal_channels)
{
    const float x[] = { 0.2f, 1 };
    const uint8_t wanted[] = { 51, 51, 51, 255, 255, 255 };
    uint8_t pixels[6];
    picture_from_image(x, 1, 1, 2, pixels);
    cr_assert_arr_eq(pixels, wanted, sizeof wanted);
}
