/* What all data sets have in common that are made up for a plant: they are in no file, and square. */
#ifndef MARGINALIA_TOOLS_POWER_MADE_H
#define MARGINALIA_TOOLS_POWER_MADE_H

#include "datasets/dataset.h"

/* All but `label` and `read`, which get `self` in data->self. class_names: borrowed. mean, std: of each channel. */
struct dataset made_dataset(int classes, const char *const *class_names, int side, float mean, float std, void *self);

#endif
