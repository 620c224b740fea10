/* The network that --full trains on a data set, as a cfg file in the report's directory: the user's (--cfg), bound to
 * this set, or a small one made for it. Both are written anew each time; the same survey writes the same bytes. */
#ifndef MARGINALIA_VALIDATE_DATASET_NETWORK_CFG_H
#define MARGINALIA_VALIDATE_DATASET_NETWORK_CFG_H

#include "validate/dataset/survey.h"

struct network_cfg {
    char *path; /* directory/network.cfg */
    int h, w;   /* of its input */
};

/* Refuses a survey with a view (one view cannot be shown through another), a set without test pictures, a --cfg without
 * height and width, and a descriptor whose path cannot stand in a cfg. */
bool network_cfg_write(const struct survey *s, struct network_cfg *out, struct err *err);
void network_cfg_free(struct network_cfg *n);

#endif
