/* Axes and charts. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "datasets/decode.h"
#include "tests/markup.h"
#include "validate/report/axis.h"
#include "validate/report/picture.h"
#include "validate/report/svg.h"

static void expect_label(const struct axis *a, int i, const char *wanted)
{
    char *label = axis_label(a, i);
    cr_expect_str_eq(label, wanted);
    free(label);
}

Test(axis, rounds_outwards_to_ticks)
{
    struct axis a = axis_make(0, 0.273, false, UNIT_SHARE, 6, 338);
    cr_expect_float_eq(a.high, 0.3, 1e-12);
    cr_expect_float_eq(axis_place(&a, 0), 6, 1e-9);
    cr_expect_float_eq(axis_place(&a, 0.15), 172, 1e-9);
    cr_expect_float_eq(axis_place(&a, 7), 338, 1e-9);
    expect_label(&a, 0, "0%");
    expect_label(&a, a.n - 1, "30%");
}

Test(axis, log_scale_has_labels_of_1_2_and_5)
{
    struct axis a = axis_make(0.004, 1, true, UNIT_SHARE, 0, 100);
    cr_assert_eq(a.n, 8);
    expect_label(&a, 0, "0.5%");
    expect_label(&a, 1, "1%");
    expect_label(&a, 7, "100%");
    cr_expect_float_eq(axis_place(&a, 0.004), 0, 1e-9);
    cr_expect_float_eq(axis_place(&a, sqrt(0.004)), 50, 1e-9);
}

Test(axis, differences_carry_their_sign_but_not_their_unit)
{
    struct axis a = axis_make(-0.04, 0.02, false, UNIT_POINTS, 0, 100);
    expect_label(&a, 0, "\u22124");
    expect_label(&a, a.n - 1, "+2");
}

Test(axis, ends_that_make_no_axis_are_mended)
{
    static const double ends[][2] = {
        { NAN, NAN },     { 1, -1 },  { 3, 3 },           { 0, 0 }, { -INFINITY, INFINITY },
        { 1e300, 1e301 }, { -5, -5 }, { 1e-300, 2e-300 }, { -1, 1 }
    };
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        for (int log = 0; log < 2; log++) {
            struct axis a = axis_make(ends[i][0], ends[i][1], log, UNIT_NUMBER, 0, 100);
            cr_expect(a.low < a.high && a.n >= 1 && a.n <= AXIS_MOST_TICKS, "%g..%g", ends[i][0], ends[i][1]);
            double x = axis_place(&a, ends[i][0]);
            cr_expect(x >= 0 && x <= 100, "%g is placed at %g", ends[i][0], x);
        }
}

static char *draw(void (*chart)(FILE *, const struct figure *, const char *), const struct figure *f)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    chart(out, f, "id");
    cr_assert_eq(fclose(out), 0);
    return text;
}

Test(svg, one_dot_is_one_picture)
{
    struct figure f = { .kind = FIGURE_DOTS, .x_high = 0.3, .has_limit = true, .limit = 0.15 };
    struct figure_series *s = figure_add_series(&f, NULL, TONE_DATA, 201);
    for (int i = 0; i < 200; i++)
        s->x[i] = 0.3 * i / 200;
    s->x[200] = NAN; /* left out */
    char *text = draw(svg_dots, &f);
    struct markup m = markup_read(text);
    cr_expect_str_empty(m.problem, "%s", m.problem);
    cr_expect_eq(markup_count(&m, "circle", "class", "dd"), 200);
    cr_expect_eq(markup_count(&m, "circle", "class", "di"), 1);
    cr_expect_eq(markup_count(&m, "path", "class", "lim"), 1);
    cr_expect(strstr(m.text, "limit 15%") && strstr(m.text, "median 14.9%"));
    markup_free(&m);
    free(text);
    figure_free(&f);
}

Test(svg, too_many_pictures_for_dots_become_bars)
{
    struct figure f = { .kind = FIGURE_DOTS };
    struct figure_series *s = figure_add_series(&f, "all", TONE_DATA, 1000);
    for (int i = 0; i < 1000; i++)
        s->x[i] = i < 400 ? 0.1 : 0.2 + i * 1e-4;
    char *text = draw(svg_dots, &f);
    struct markup m = markup_read(text);
    cr_expect_eq(markup_count(&m, "circle", "class", "dd"), 0);
    cr_expect_gt(markup_count(&m, "rect", "class", "dd"), 2);
    cr_expect(strstr(m.text, "tallest bar 400"), "%s", m.text);
    markup_free(&m);
    free(text);
    figure_free(&f);
}

Test(svg, a_row_has_name_value_interval_and_a_limit_labelled)
{
    struct figure f = { .kind = FIGURE_ROWS, .x_unit = UNIT_RATIO, .has_limit = true, .limit = 1.5 };
    figure_add_row(&f, "ring & edge", 2.7, 2.6, 2.8, TONE_ALERT);
    figure_add_row(&f, "centre", 0.4, 0.4, 0.4, TONE_CONTROL);
    char *text = draw(svg_rows, &f);
    struct markup m = markup_read(text);
    cr_expect_str_empty(m.problem, "%s", m.problem);
    cr_expect(strstr(m.text, "ring &amp; edge") && strstr(m.text, "2.7\u00d7 (2.6\u00d7 to 2.8\u00d7)"));
    cr_expect(strstr(m.text, "limit 1.5\u00d7"));
    cr_expect_eq(markup_count(&m, "path", "class", "wa"), 1); /* an interval is drawn where there is one */
    cr_expect_eq(markup_count(&m, "path", "class", "wk"), 0);
    cr_expect_eq(markup_count(&m, "circle", "class", "dk"), 1);
    cr_expect_eq(markup_count(&m, "path", "class", "lim bar"), 2);
    markup_free(&m);
    free(text);
    figure_free(&f);
}

Test(svg, a_curve_has_band_line_and_name_beside_it)
{
    struct figure f = { .kind = FIGURE_CURVE, .x_high = 1, .y_high = 1 };
    struct figure_series *s = figure_add_series(&f, "best pixels", TONE_DATA, 3);
    s->low = mem_alloc(3, sizeof *s->low);
    s->high = mem_alloc(3, sizeof *s->high);
    for (int i = 0; i < 3; i++)
        s->x[i] = i / 2.0, s->y[i] = i == 1 ? NAN : 0.5, s->low[i] = 0.4, s->high[i] = 0.6;
    char *text = draw(svg_curve, &f);
    struct markup m = markup_read(text);
    cr_expect_str_empty(m.problem, "%s", m.problem);
    cr_expect_eq(markup_count(&m, "polygon", "class", "bd"), 1);
    cr_expect_eq(markup_count(&m, "polyline", "class", "ld"), 1);
    cr_expect(strstr(text, "<polyline class=\"ld\" points=\"38.0,109.0 338.0,109.0 \"/>"), "%s",
              strstr(text, "<polyline"));
    cr_expect(strstr(m.text, "best pixels"));
    markup_free(&m);
    free(text);
    figure_free(&f);
}

static double strip_place(const char *text, const char *key)
{
    const char *p = strstr(text, key);
    cr_assert(p, "%s", key);
    return strtod(p + strlen(key), NULL);
}

Test(svg, a_strip_shades_the_side_that_the_policy_allows)
{
    struct check c = {
        .estimate = { 0.088, 0.074, 0.094, 200 }, .side = SIDE_AT_LEAST, .limit = 0.15, .status = CHECK_FAIL
    };
    for (int at_most = 0; at_most < 2; at_most++) {
        char *text = NULL;
        size_t n = 0;
        FILE *out = open_memstream(&text, &n);
        c.side = at_most ? SIDE_AT_MOST : SIDE_AT_LEAST;
        svg_strip(out, &c);
        fclose(out);
        double from = strip_place(text, "<rect class=\"ok\" x=\""), dot = strip_place(text, "class=\"da\" cx=\"");
        cr_expect(at_most ? from < dot : from > dot);
        free(text);
    }
}

Test(svg, coordinates_have_one_decimal_and_no_negative_zero)
{
    cr_expect_str_eq(svg_number(1.25).text, "1.3");
    cr_expect_str_eq(svg_number(-1.25).text, "-1.3");
    cr_expect_str_eq(svg_number(-0.01).text, "0.0");
    cr_expect_str_eq(svg_number(344).text, "344.0");
}

static char *uri_of(const struct picture *p)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    picture_write_uri(out, p);
    cr_assert_eq(fclose(out), 0);
    return text;
}

/* RFC 4648; strict about length and padding. */
static size_t decode_base64(const char *text, uint8_t *bytes)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = 0, length = strlen(text), used = strcspn(text, "=");
    cr_assert(length % 4 == 0 && length - used < 3);
    uint32_t word = 0;
    for (size_t i = 0; i < used; i++) {
        cr_assert(strchr(digit, text[i]));
        word = word << 6 | (uint32_t)(strchr(digit, text[i]) - digit);
        if (i % 4 != 0)
            bytes[n++] = (uint8_t)(word >> (6 - 2 * (i % 4)));
    }
    return n;
}

Test(picture, a_small_picture_is_exact)
{
    struct rng r = rng_stream(1, RNG_TEST, 0, 0);
    for (int w = 1; w < 24; w++) { /* files of all lengths modulo 3 */
        uint8_t pixels[24 * 2 * 3], bytes[4096];
        for (size_t i = 0; i < sizeof pixels; i++)
            pixels[i] = (uint8_t)rng_below(&r, 256);
        char *uri = uri_of(&(struct picture){ .w = w, .h = 2, .channels = 3, .pixels = pixels });
        static const char head[] = "data:image/png;base64,";
        cr_assert_eq(strncmp(uri, head, strlen(head)), 0);
        struct image8 image;
        struct err err;
        size_t n = decode_base64(uri + strlen(head), bytes);
        cr_assert(decode_bytes(bytes, n, "uri", &image, &err), "%s", err.text);
        cr_assert(image.w == w && image.h == 2 && image.c == 3);
        for (int i = 0; i < 2 * w * 3; i++)
            cr_assert_eq(image.pixels[i % 3 * 2 * w + i / 3], pixels[i]);
        free(image.pixels);
        free(uri);
    }
}

Test(picture, a_photograph_keeps_its_shape_and_colour)
{
    enum { W = 401, H = 200 };
    uint8_t *pixels = mem_alloc(W * H, 3), *bytes = mem_alloc(1 << 16, 1);
    for (int i = 0; i < W * H * 3; i++)
        pixels[i] = (uint8_t[]){ 200, 100, 30 }[i % 3];
    char *uri = uri_of(&(struct picture){ .w = W, .h = H, .channels = 3, .pixels = pixels });
    struct image8 image;
    struct err err;
    size_t n = decode_base64(strchr(uri, ',') + 1, bytes);
    cr_assert(decode_bytes(bytes, n, "uri", &image, &err), "%s", err.text);
    cr_assert(image.w == PICTURE_PHOTO && image.h == 79 && image.c == 3);
    for (int k = 0; k < 3; k++)
        cr_expect_leq(abs(image.pixels[k * image.w * image.h + 5] - (int[]){ 200, 100, 30 }[k]), 3);
    free(image.pixels);
    free(uri);
    free(bytes);
    free(pixels);
}

Test(picture, square_pixels_are_enlarged_by_a_whole_number)
{
    uint8_t pixels[28 * 14 * 3] = { 0 };
    struct picture p = { .w = 28, .h = 14, .channels = 3, .pixels = pixels, .alt = (char[]){ "x" } };
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    picture_write_img(out, &p, 96, "");
    fclose(out);
    cr_expect(strstr(text, "width=\"84\" height=\"42\">"), "%s", text);
    free(text);
}

Test(picture, heat_is_one_blue_with_the_value_in_the_alpha)
{
    const double share[] = { 0, 0.1, 0.2, NAN };
    struct picture p = picture_of_heat(share, 2, 2, 0.2);
    const uint8_t wanted[] = { 48, 140, 204, 0, 48, 140, 204, 128, 48, 140, 204, 255, 48, 140, 204, 0 };
    cr_expect_arr_eq(p.pixels, wanted, sizeof wanted);
    free(p.pixels);
}
