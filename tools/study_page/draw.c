#include "tools/study_page/draw.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/xml.h"
#include "validate/report/format.h"
#include "validate/report/svg.h"

/* The roles of the report's style sheet, for a file that stands alone. */
static const char style[] =
    "<style>"
    "svg{--paper:#fff;--ink:#1c2126;--soft:#57616b;--data:#0068a8;--alert:#b3400a}\n"
    "@media(prefers-color-scheme:dark){svg{--paper:#15191d;--ink:#e7eaec;--soft:#a4aeb7;--data:#63b5ee;"
    "--alert:#ff9a66}}\n"
    "text{font:12px 'Segoe UI',Roboto,'Helvetica Neue','Noto Sans','Liberation Sans',Arial,sans-serif;"
    "font-variant-numeric:tabular-nums}\n"
    ".title{font-size:16px;font-weight:600;fill:var(--ink)}.paper{fill:var(--paper)}.tx{fill:var(--ink)}"
    ".ts{fill:var(--soft)}\n"
    ".ax,.ze,.lim,.wd,.wa,.wi,.wk,.frame{fill:none}.ax,.frame{stroke:var(--soft)}.ze{stroke:var(--ink)}\n"
    ".lim{stroke:var(--ink);stroke-width:2}.wd,.wa,.wi,.wk{stroke-width:3}.wd{stroke:var(--data)}"
    ".wa{stroke:var(--alert)}.wi{stroke:var(--ink)}.wk{stroke:var(--soft)}\n"
    ".dd{fill:var(--data)}.da{fill:var(--alert)}.di,.dk{fill:var(--paper);stroke-width:2}.di{stroke:var(--ink)}"
    ".dk{stroke:var(--soft)}\n"
    ".outline{fill:none;stroke:#b3400a;stroke-width:1.5;stroke-dasharray:5 3}\n"
    ".dark{fill:#fff}.light{fill:#111}.dark,.light{font-weight:600}.none{fill:var(--soft)}\n"
    "</style>\n";

enum { MARGIN = 16, TITLE_HEIGHT = 44 };

static void begin(FILE *out, const char *title, const char *description, double width, double height)
{
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" "
            "role=\"img\">\n<title>",
            width, height, width, height);
    xml_text(out, title);
    fputs("</title>\n<desc>", out);
    xml_text(out, description);
    fprintf(out, "</desc>\n%s<rect class=\"paper\" width=\"%.0f\" height=\"%.0f\"/>\n", style, width, height);
    svg_label(out, "title", MARGIN, 26, "start", title);
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

static double height_of(const char *svg)
{
    const char *key = " height=\"", *place = strstr(svg, key);
    assert(place);
    return strtod(place + strlen(key), NULL);
}

void draw_rows(FILE *out, const struct figure *f)
{
    char *rows = NULL;
    size_t n = 0;
    FILE *memory = open_memstream(&rows, &n);
    if (!memory)
        mem_alloc(SIZE_MAX, 1); /* ends the program as every failed allocation does */
    svg_rows(memory, f, "rows");
    fclose(memory);
    double width = fmax(SVG_WIDTH, 9.2 * (double)strlen(f->heading)) + 2 * MARGIN;
    begin(out, f->heading, f->description, width, TITLE_HEIGHT + height_of(rows) + MARGIN);
    fprintf(out, "<g transform=\"translate(%d,%d)\">\n%s</g>\n</svg>\n", MARGIN, TITLE_HEIGHT, rows);
    free(rows);
}

/* --- shades ------------------------------------------------------------------------------------------------------- */

/* The key below: cells from nothing to the darkest, then what they are of. */
enum { KEY_STEPS = 5, KEY_STEP_WIDTH = 48, KEY_WIDTH = KEY_STEPS * KEY_STEP_WIDTH, KEY_GAP = 10 };

/* Where everything is, pixels of the drawing. */
struct layout {
    double cell_w, cell_h, left, top, panel_w, panel_h, gap, width, height;
};

static double widest(const char *const *name, int n)
{
    double width = 0;
    for (int i = 0; i < n; i++)
        width = fmax(width, svg_text_width(name[i]));
    return width;
}

static struct layout lay_out(const struct shading *s)
{
    bool named = s->row_name;
    struct layout l = { .cell_h = named ? 30 : fmax(1, floor(256.0 / s->rows)),
                        .left = MARGIN + (named ? widest(s->row_name, s->rows) + 8 : 24),
                        .top = TITLE_HEIGHT + (s->panel[0].name ? 42 : 20),
                        .gap = 52 };
    l.cell_w = named ? fmax(58, widest(s->column_name, s->columns) + 16) : l.cell_h;
    l.panel_w = l.cell_w * s->columns;
    l.panel_h = l.cell_h * s->rows;
    double panels = l.left + s->n * l.panel_w + (s->n - 1) * l.gap + MARGIN;
    double key = l.left + KEY_WIDTH + KEY_GAP + svg_text_width(s->key) + MARGIN;
    l.width = fmax(fmax(panels, 9.2 * (double)strlen(s->title) + 2 * MARGIN), key);
    l.height = l.top + l.panel_h + 44 + 52;
    return l;
}

static double shade_of(const struct shading *s, double value)
{
    return fmin(fmax(value / s->darkest, 0), 1);
}

/* From white to a dark blue, evenly. */
static void write_cell(FILE *out, double shade, double x, double y, double w, double h)
{
    fprintf(out, "<rect x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\" fill=\"#%02x%02x%02x\"/>\n", svg_number(x).text,
            svg_number(y).text, svg_number(w).text, svg_number(h).text, (int)lround(255 - 247 * shade),
            (int)lround(255 - 207 * shade), (int)lround(255 - 148 * shade));
}

static void write_value(FILE *out, const struct shading *s, double value, double x, double y)
{
    if (!isfinite(value)) {
        svg_label(out, "none", x, y, "middle", "not run");
        return;
    }
    char *text = format_value(value, s->unit, 1);
    svg_label(out, shade_of(s, value) > 0.63 ? "dark" : "light", x, y, "middle", text);
    free(text);
}

static void write_panel(FILE *out, const struct shading *s, const struct layout *l, int panel, double left)
{
    for (int i = 0; i < s->rows * s->columns; i++) {
        double value = s->panel[panel].value[i];
        double x = left + i % s->columns * l->cell_w, y = l->top + i / s->columns * l->cell_h;
        if (isfinite(value))
            write_cell(out, shade_of(s, value), x, y, l->cell_w, l->cell_h);
        if (s->row_name)
            write_value(out, s, value, x + l->cell_w / 2, y + l->cell_h / 2 + 4);
    }
    fprintf(out, "<rect class=\"frame\" x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\"/>\n", svg_number(left).text,
            svg_number(l->top).text, svg_number(l->panel_w).text, svg_number(l->panel_h).text);
    double in = s->outline * l->cell_w;
    if (s->outline)
        fprintf(out, "<rect class=\"outline\" x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\"/>\n",
                svg_number(left + in).text, svg_number(l->top + in).text, svg_number(l->panel_w - 2 * in).text,
                svg_number(l->panel_h - 2 * in).text);
    if (s->panel[panel].name)
        svg_label(out, "tx", left, l->top - 26, "start", s->panel[panel].name);
}

/* Numbers of rows and columns: every eighth and the last. */
static bool is_numbered(int i, int n)
{
    return i == n - 1 || (i % 8 == 0 && n - 1 - i > 3);
}

static void write_column_names(FILE *out, const struct shading *s, const struct layout *l, double left)
{
    char number[16];
    for (int i = 0; i < s->columns; i++) {
        snprintf(number, sizeof number, "%d", i);
        if (s->column_name || is_numbered(i, s->columns))
            svg_label(out, "ts", left + (i + 0.5) * l->cell_w, l->top - 8, "middle",
                      s->column_name ? s->column_name[i] : number);
    }
    svg_label(out, "ts", left + l->panel_w / 2, l->top + l->panel_h + 18, "middle", s->x_label);
}

static void write_row_names(FILE *out, const struct shading *s, const struct layout *l, double left)
{
    char number[16];
    for (int i = 0; i < s->rows; i++) {
        snprintf(number, sizeof number, "%d", i);
        if (s->row_name || is_numbered(i, s->rows))
            svg_label(out, "ts", left - 6, l->top + (i + 0.5) * l->cell_h + 4, "end",
                      s->row_name ? s->row_name[i] : number);
    }
}

static void write_key(FILE *out, const struct shading *s, double left, double y)
{
    for (int i = 0; i < KEY_STEPS; i++) {
        double value = s->darkest * i / (KEY_STEPS - 1);
        char *text = format_value(value, s->unit, 1);
        write_cell(out, shade_of(s, value), left + i * KEY_STEP_WIDTH, y, KEY_STEP_WIDTH, 14);
        svg_label(out, "ts", left + (i + 0.5) * KEY_STEP_WIDTH, y + 30, "middle", text);
        free(text);
    }
    fprintf(out, "<rect class=\"frame\" x=\"%s\" y=\"%s\" width=\"%d\" height=\"14\"/>\n", svg_number(left).text,
            svg_number(y).text, KEY_WIDTH);
    svg_label(out, "ts", left + KEY_WIDTH + KEY_GAP, y + 11, "start", s->key);
}

void draw_shading(FILE *out, const struct shading *s)
{
    assert(s->n >= 1 && s->n <= DRAW_MOST_PANELS && s->darkest > 0);
    struct layout l = lay_out(s);
    begin(out, s->title, s->description, l.width, l.height);
    for (int k = 0; k < s->n; k++) {
        double left = l.left + k * (l.panel_w + l.gap);
        write_panel(out, s, &l, k, left);
        write_column_names(out, s, &l, left);
        if (k == 0 || !s->row_name)
            write_row_names(out, s, &l, left);
    }
    if (s->row_name)
        svg_label(out, "ts", MARGIN, l.top - 8, "start", s->y_label);
    else
        svg_label(out, "ts", MARGIN, l.top + l.panel_h + 18, "start", s->y_label);
    write_key(out, s, l.left, l.top + l.panel_h + 44);
    fputs("</svg>\n", out);
}
