/* A generated data set whose evidence is known exactly: RGB images of one shape on a striped background.
 *
 * The shape alone tells the class; all shapes cover the same area, so colour statistics do not. A cue (border colour,
 * background texture, a property of the picture) is a code of the label in a share `cue` of the images and the code of
 * a class drawn at random in the rest: who reads only that cue is right in cue + (1 - cue) / classes of the images. The
 * property is the mean brightness: the whole finished picture, border and noise too, is made lighter or darker until it
 * has the brightness of its code; without a property cue it stays as it was drawn. Label noise replaces the label
 * of a training image by another class; the shape keeps the true class, the cues follow the label. Everything is a
 * function of (seed, split, image). */
#ifndef MARGINALIA_DATASETS_PLANTED_H
#define MARGINALIA_DATASETS_PLANTED_H

#include <stdint.h>
#include "datasets/dataset.h"

enum { PLANTED_MIN_CLASSES = 4, PLANTED_MAX_CLASSES = 10, PLANTED_MAX_BORDER = 64 };

struct planted {
    int64_t n_train, n_test, seed;
    int64_t border_width;           /* px; 0: no border at all */
    double border_cue, texture_cue; /* share of images whose border / texture carries the label, 0..1 */
    double property_cue;            /* share of images whose mean brightness carries the label, 0..1 */
    double cue_in_test; /* replaces those of the three that are above 0 in the test split; < 0: as in training */
    double label_noise; /* share of training images with a wrong label, 0..1 */
    double noise;       /* standard deviation of pixel noise, pixels in [0,1] */
};

/* Shapes in class order: "disc", "square", ... */
extern const char *const planted_shape_names[PLANTED_MAX_CLASSES];

/* The label of image i; *shape (or NULL) = the class whose shape is drawn. Every block of `classes` images holds each
 * shape once. */
int planted_label(const struct planted *p, int classes, enum split split, int64_t i, int *shape);

/* pixels[3,h,w] = image i. h, w >= 16. */
void planted_draw(const struct planted *p, int classes, enum split split, int64_t i, int h, int w, uint8_t *pixels);

/* Whether (u,v), in units of the shape's radius, lies inside shape k. For tests of the shapes' areas. */
bool planted_inside(int k, float u, float v);

/* The mean luma (0.299 R + 0.587 G + 0.114 B) of a picture, 0..255, that is the code of class k. */
double planted_brightness(int k, int classes);

/* How far each shape extends from its centre, in radii. */
extern const float planted_shape_reach[PLANTED_MAX_CLASSES];

#endif
