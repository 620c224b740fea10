/* Properties of a file, and of a picture on the whole, that have nothing to do with what it shows: from the facts. */
#ifndef MARGINALIA_VALIDATE_DATASET_PROPERTIES_H
#define MARGINALIA_VALIDATE_DATASET_PROPERTIES_H

#include "validate/dataset/survey.h"
#include "validate/policy.h"

enum { PROPERTY_DIMS = 3, PROPERTIES_MOST = 8 };

struct property {
    const char *name; /* in a sentence: "the JPEG quality is ..." without the article */
    enum properties of;
    int dims;      /* 1, or 3: red, green, blue */
    bool category; /* a code: only equal or not */
    void (*read)(const struct picture_facts *f, int64_t image, double *value);
    char *(*write)(const double *value); /* "quality 75"; free() it */
};

extern const struct property properties[]; /* ends with name NULL */

/* The place in the split says nothing where every picture is a file of its own and they stand class by class, as class
 * folders make them. */
bool properties_ordered_by_class(const struct survey *s);
bool property_is_place(const struct property *p);

#endif
