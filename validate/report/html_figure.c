/* Figures of a check: a chart, a heat map or pictures, between heading and caption. */
#include "validate/report/html.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "validate/report/picture.h"
#include "validate/report/svg.h"

enum { HEAT_SIDE = 256, PICTURE_SIDE = 96, FEW_PICTURES = 4 };

/* The border ring as an outline over the map, in the map's own pixels. */
static void write_ring(FILE *out, const struct figure *f)
{
    int w = f->heat_w - 2 * f->ring, h = f->heat_h - 2 * f->ring;
    if (f->ring > 0 && w > 0 && h > 0)
        fprintf(out,
                "<svg viewBox=\"0 0 %d %d\" aria-hidden=\"true\"><rect class=\"ring\" x=\"%d\" y=\"%d\" width=\"%d\" "
                "height=\"%d\" vector-effect=\"non-scaling-stroke\"/></svg>",
                f->heat_w, f->heat_h, f->ring, f->ring, w, h);
}

static void write_heat(FILE *out, const struct figure *f)
{
    double most = isfinite(f->x_high) ? fmax(f->x_high, 0) : 0;
    size_t n = f->heat_w > 0 && f->heat_h > 0 && f->share ? (size_t)f->heat_w * (size_t)f->heat_h : 0;
    for (size_t i = 0; i < n; i++)
        most = isfinite(f->share[i]) && f->share[i] > most ? f->share[i] : most;
    if (!n)
        return;
    most = most > 0 ? most : 1;
    struct picture p = picture_of_heat(f->share, f->heat_w, f->heat_h, most);
    p.alt = f->description;
    p.caption = f->heading;
    fputs("<span class=\"over\">", out);
    picture_write_img(out, &p, HEAT_SIDE, "heat");
    write_ring(out, f);
    fputs("</span>", out);
    svg_key(out, most, f->x_unit, f->x_label ? f->x_label : "of the pictures");
    free(p.pixels);
}

static void write_body(FILE *out, const struct figure *f, const char *id)
{
    switch (f->kind) {
    case FIGURE_ROWS: svg_rows(out, f, id); break;
    case FIGURE_DOTS: svg_dots(out, f, id); break;
    case FIGURE_CURVE: svg_curve(out, f, id); break;
    case FIGURE_SCATTER: svg_scatter(out, f, id); break;
    case FIGURE_HEAT: write_heat(out, f); break;
    case FIGURE_PICTURES:
        fputs("<div class=\"row\">", out);
        for (int i = 0; i < f->n_pictures; i++)
            html_picture(out, &f->picture[i], PICTURE_SIDE);
        fputs("</div>", out);
        break;
    }
}

void html_figure(FILE *out, const struct figure *f, const char *id, bool beside)
{
    bool pictures = f->kind == FIGURE_PICTURES, few = pictures && beside && f->n_pictures <= FEW_PICTURES;
    fprintf(out, "<figure class=\"fig%s\">", few ? " two" : pictures ? " full" : "");
    if (f->heading && *f->heading) {
        fputs("<h4>", out);
        html_text(out, f->heading);
        fputs("</h4>", out);
    }
    write_body(out, f, id);
    if (f->caption && *f->caption) {
        fputs("<figcaption>", out);
        html_text(out, f->caption);
        fputs("</figcaption>", out);
    }
    fputs("</figure>\n", out);
}
