/* Made-up pictures, and a model whose evidence in them is known: what is planted into models.
 *
 * A picture is grey, and on it lie up to SCENE_LAYERS patterns that stand for its class, each in its region. The model
 * is linear: it adds up, for each class, how well the picture agrees with the class's patterns, weighed by layer:
 *   z_k = gain * sum over pixels and channels of weight_k * (x - grey), plus `bias` for class 0.
 * Grey is the data set's mean colour, so a hidden pixel adds nothing. A picture with one layer of amplitude a and
 * weight w on m pixels has the evidence 3 * gain * a * w * m (2 * for hues); SCENE_SURE of it makes the model 99 %
 * sure. */
#ifndef MARGINALIA_TOOLS_POWER_SCENES_H
#define MARGINALIA_TOOLS_POWER_SCENES_H

#include <stdbool.h>
#include "base/classifier.h"
#include "datasets/dataset.h"

enum { SCENE_SIDE = 16, SCENE_PIXELS = SCENE_SIDE * SCENE_SIDE, SCENE_CLASSES = 8, SCENE_LAYERS = 3 };
#define SCENE_SURE 6.541 /* ln 99 + ln 7: seven other classes without any evidence */

enum scene_code {
    CODE_SIGNS,  /* each pixel and channel of each class lighter or darker, at random */
    CODE_HUES,   /* each pixel of each class lighter in one channel and as much darker in another, at random */
    CODE_COLOUR, /* one of eight colours, the same everywhere */
    CODE_LIGHT   /* lighter, the same for all classes */
};

struct scene_layer {
    bool (*in)(int y, int x, int k); /* NULL: everywhere */
    enum scene_code code;
    double share;      /* of the pictures that have it, drawn by picture */
    double amplitude;  /* of the pattern, pixels in [0,1] */
    double uneven;     /* a pixel has between 1 - uneven and 1 of the amplitude, at random */
    double noise;      /* half width of noise that stands for nothing */
    double weight;     /* of the model */
    double weight_odd; /* on every other pixel, as on the black squares of a chessboard; 0: the same */
};

struct planted_scene {
    struct scene_layer layer[SCENE_LAYERS];
    int64_t pictures; /* of the test split; 0: 10,000 */
    double gain, bias;
    double mislabelled;    /* share of the pictures that show another class than their label's */
    double of_mislabelled; /* the amplitude of these, times this; 0: 1 */
    double fade;           /* a picture has between 1 - fade and 1 of its amplitudes, at random */
    bool drawn_labels;     /* the label is drawn from the model's own probabilities */
    double overrated;      /* the model's logits are multiplied by 1 + this */
    double always_sure;    /* share of all inputs, whatever they show, that get a sure answer */

    /* Filled by scene_open. */
    uint64_t seed;
    struct classifier model;
    struct dataset data; /* test split only */
    float *sign;         /* [SCENE_CLASSES, 3 * SCENE_PIXELS] */
    float *weight;       /* [3 * SCENE_PIXELS, SCENE_CLASSES] */
};

void scene_open(struct planted_scene *s, uint64_t seed);
void scene_close(struct planted_scene *s);

#endif
