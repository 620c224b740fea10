#include "datasets/picture.h"

#include <stdlib.h>
#include <string.h>

bool picture_read(const struct dataset *data, enum split split, int64_t i, const struct augment *a,
                  const struct masked_view *view, const struct showing *s, float *x, struct err *err)
{
    struct image8 image;

    if (!data->read(data, split, i, &image, err))
        return false;
    struct placement p = augment_image(a, &image, s, x);
    bool ok = !view || view_apply(view, split, i, &image, &p, x, err);
    free(image.pixels);
    return ok;
}

struct augment picture_geometry(const struct dataset *data)
{
    struct augment a = { .c = data->c, .h = data->h, .w = data->w, .test_resize = 1 };

    memcpy(a.pad, data->mean, sizeof a.pad);
    return a;
}
