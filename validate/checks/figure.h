/* Figures of a report as data: a check fills them, a writer draws them. All texts and arrays are owned by the figure
 * and allocated with base/mem (figure_free). A value that is not finite is left out of a drawing. */
#ifndef MARGINALIA_VALIDATE_CHECKS_FIGURE_H
#define MARGINALIA_VALIDATE_CHECKS_FIGURE_H

#include <stdbool.h>
#include <stdint.h>

/* How a number is written: format_value() in validate/report/format.h. */
enum unit {
    UNIT_SHARE,  /* 0.088 -> 8.8% */
    UNIT_POINTS, /* a difference of shares: 0.024 -> +2.4 points */
    UNIT_RATIO,  /* 2.7 -> 2.7x (the sign, not the letter) */
    UNIT_NUMBER
};

/* What a mark means; a writer gives it colour and shape, never colour alone. */
enum tone {
    TONE_DATA,    /* measured */
    TONE_CONTROL, /* a control, or an older model */
    TONE_ALERT,   /* measured, beyond its limit */
    TONE_OPEN     /* measured, undecided */
};

enum figure_kind { FIGURE_ROWS, FIGURE_DOTS, FIGURE_CURVE, FIGURE_SCATTER, FIGURE_HEAT, FIGURE_PICTURES };

/* A picture with square pixels. */
struct picture {
    int w, h, channels; /* 3: RGB, 4: RGBA */
    uint8_t *pixels;    /* [h,w,channels] interleaved */
    char *alt;          /* what a person who cannot see it is told */
    char *caption;      /* one or two short lines below it, or NULL */
};

/* ROWS: one named value with its interval. */
struct figure_row {
    char *name;
    double value, low, high;
    enum tone tone;
};

/* CURVE: y over x with a band (low, high may be NULL). DOTS: one dot per value x[n], stacked where they fall together;
 * the median is marked. SCATTER: points. */
struct figure_series {
    char *name;
    enum tone tone;
    int n;
    double *x, *y, *low, *high; /* [n]; DOTS uses x only */
};

struct figure {
    enum figure_kind kind;
    char *heading;                       /* "How often each pixel is a deciding one" */
    char *caption;                       /* says n and what lines and bands are */
    char *description;                   /* for readers who cannot see: the numbers in words */
    enum unit x_unit, y_unit;            /* ROWS, DOTS: x_unit */
    char *x_label, *y_label;             /* name and unit in words */
    double x_low, x_high, y_low, y_high; /* axes; the writer rounds outwards */
    bool x_log;
    bool has_limit;
    double limit;  /* on the axis of the values: x of ROWS and DOTS, y of CURVE */
    bool diagonal; /* SCATTER: both axes are the same, and the line on which y = x is drawn */
    /* DOTS: what is marked above the dots, with its interval: "median change"; NULL: each series' median */
    char *mark;
    double mark_value, mark_low, mark_high;
    int n_rows;
    struct figure_row *row;
    int n_series;
    struct figure_series *series;
    /* HEAT: share[h*w] >= 0 of each pixel position; ring: border width to outline, 0: none; the strongest colour stands
     * for the largest share, or for x_high where that is larger */
    int heat_w, heat_h, ring;
    double *share;
    int n_pictures;
    struct picture *picture; /* PICTURES */
};

void figure_free(struct figure *f);   /* what it owns, not f */
void picture_free(struct picture *p); /* the same */

/* Make room for one more; it moves those added before, so fill one before adding the next. A series has room for
 * x[n], and for y[n] unless the figure is DOTS; a picture has its pixels, black. */
struct figure_row *figure_add_row(struct figure *f, const char *name, double value, double low, double high,
                                  enum tone tone);
struct figure_series *figure_add_series(struct figure *f, const char *name, enum tone tone, int n);
struct picture *figure_add_picture(struct figure *f, int w, int h, int channels, const char *alt, const char *caption);

/* RGB bytes of x[c,h,w] in [0,1] (c = 1 or 3), rounded; values outside are clipped. */
void picture_from_image(const float *x, int c, int h, int w, uint8_t *pixels);

#endif
