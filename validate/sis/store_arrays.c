/* masks.npz: which array holds what, in both directions. */
#include "validate/sis/store_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static int pixels_of(const struct sis_identity *d)
{
    return d->h * d->w;
}

/* Pixel numbers are written as narrow as they go. */
static enum npz_type order_type(const struct sis_identity *d)
{
    return pixels_of(d) <= UINT16_MAX + 1 ? NPZ_U16 : NPZ_U32;
}

size_t store_arrays_limit(const struct sis_identity *d, int64_t n, int64_t m)
{
    enum { HEADERS = STORE_MAX_ARRAYS * 2048 };
    size_t pixels = (size_t)pixels_of(d), thresholds = (size_t)d->n_thresholds;
    size_t per_image = 8 + 4 * pixels + 8 * (pixels + 1) + thresholds * (8 + pixels);
    return HEADERS + (size_t)n * per_image + 4 * (pixels + 1) + 8 * thresholds + (size_t)m * (8 + 8 + pixels);
}

/* A new array of zeros; shape ends at the first -1. */
static void *add(struct store_arrays *out, const char *name, enum npz_type type, const int64_t shape[5])
{
    struct npz_array *a = &out->array[out->n++];
    *a = (struct npz_array){ .type = type };
    snprintf(a->name, sizeof a->name, "%s", name);
    while (shape[a->dimensions] >= 0) {
        a->shape[a->dimensions] = shape[a->dimensions];
        a->dimensions++;
    }
    size_t bytes = npz_bytes(a);
    a->data = mem_alloc(bytes ? bytes : 1, 1);
    return a->data;
}

#define SHAPE(...) ((const int64_t[5]){ __VA_ARGS__, -1 })

static void build_orders(const struct sis_records *r, struct store_arrays *out)
{
    const struct sis_identity *d = &r->identity;
    size_t pixels = (size_t)pixels_of(d), states = r->n ? (size_t)r->record[0].order.states : 0;
    int64_t *image = add(out, "image", NPZ_I64, SHAPE(r->n));
    void *order = add(out, "order", order_type(d), SHAPE(r->n, (int64_t)pixels));
    uint32_t *removed = add(out, "removed", NPZ_U32, SHAPE((int64_t)states));
    double *value = add(out, "value", NPZ_F64, SHAPE(r->n, (int64_t)states));
    if (r->n)
        memcpy(removed, r->record[0].order.removed, states * sizeof *removed);
    for (int64_t i = 0; i < r->n; i++) {
        const struct sis_order *o = &r->record[i].order;
        size_t at = (size_t)i * pixels;
        image[i] = r->record[i].image;
        memcpy(value + (size_t)i * states, o->value, states * sizeof *value);
        for (size_t k = 0; k < pixels; k++)
            if (order_type(d) == NPZ_U16)
                ((uint16_t *)order)[at + k] = (uint16_t)o->order[k];
            else
                ((uint32_t *)order)[at + k] = o->order[k];
    }
}

static void build_masks(const struct sis_records *r, struct store_arrays *out)
{
    const struct sis_identity *d = &r->identity;
    size_t pixels = (size_t)pixels_of(d), thresholds = (size_t)d->n_thresholds;
    int64_t *size = add(out, "size", NPZ_I64, SHAPE(r->n, d->n_thresholds));
    uint8_t *mask = add(out, "mask", NPZ_BOOL, SHAPE(r->n, d->n_thresholds, d->h, d->w));
    double *threshold = add(out, "threshold", NPZ_F64, SHAPE(d->n_thresholds));
    memcpy(threshold, d->threshold, thresholds * sizeof *threshold);
    for (size_t i = 0; i < (size_t)r->n * thresholds; i++) {
        const struct sis_order *o = &r->record[i / thresholds].order;
        size[i] = sis_size(o, sis_threshold(d->settings.rank, d->threshold[i % thresholds]));
        if (size[i] > 0)
            sis_mask(o, (int)size[i], (int)pixels, mask + i * pixels);
    }
}

static void build_collections(const struct sis_records *r, struct store_arrays *out)
{
    const struct sis_identity *d = &r->identity;
    int64_t m = 0;
    for (int64_t i = 0; i < r->n; i++)
        m += r->record[i].collection.n;
    int64_t *image = add(out, "collection_image", NPZ_I64, SHAPE(m));
    uint8_t *mask = add(out, "collection_mask", NPZ_BOOL, SHAPE(m, d->h, d->w));
    double *value = add(out, "collection_value", NPZ_F64, SHAPE(m));
    for (int64_t i = 0; i < r->n; i++) {
        const struct sis_collection *c = &r->record[i].collection;
        for (int k = 0; k < c->n; k++, mask += pixels_of(d)) {
            *image++ = r->record[i].image;
            *value++ = c->value[k];
            for (int f = 0; f < c->size[k]; f++)
                mask[c->subset[k][f]] = 1;
        }
    }
}

void store_arrays_build(const struct sis_records *r, struct store_arrays *out)
{
    *out = (struct store_arrays){ 0 };
    build_orders(r, out);
    build_masks(r, out);
    if (r->identity.collection)
        build_collections(r, out);
}

void store_arrays_free(struct store_arrays *a)
{
    for (int i = 0; i < a->n; i++)
        free(a->array[i].data);
    *a = (struct store_arrays){ 0 };
}

/* The named array, of this shape; NULL and err otherwise. */
static const void *find(const struct npz *z, const char *path, const char *name, enum npz_type type,
                        const int64_t shape[5], struct err *err)
{
    int dimensions = 0;
    while (shape[dimensions] >= 0)
        dimensions++;
    const struct npz_array *a = npz_find(z, path, name, type, dimensions, err);
    for (int i = 0; a && i < dimensions; i++)
        if (a->shape[i] != shape[i]) {
            err_run(err, "%s: %s has %lld items in dimension %d, not %lld; make the file again", path, name,
                    (long long)a->shape[i], i, (long long)shape[i]);
            return NULL;
        }
    return a ? a->data : NULL;
}

static bool fill_orders(const struct npz *z, const char *path, struct sis_records *r, struct err *err)
{
    const struct sis_identity *d = &r->identity;
    enum npz_type type = order_type(d);
    size_t pixels = (size_t)pixels_of(d);
    const struct npz_array *removed = npz_find(z, path, "removed", NPZ_U32, 1, err);
    if (!removed)
        return false;
    if (removed->shape[0] > (int64_t)pixels + 1)
        return err_run(err, "%s: removed has more states than the image has pixels; make the file again", path);
    size_t states = (size_t)removed->shape[0];
    const void *order = find(z, path, "order", type, SHAPE(r->n, (int64_t)pixels), err);
    const double *value = order ? find(z, path, "value", NPZ_F64, SHAPE(r->n, (int64_t)states), err) : NULL;
    for (int64_t i = 0; value && i < r->n; i++) {
        struct sis_order *o = &r->record[i].order;
        *o = (struct sis_order){ .features = (int)pixels, .states = (int)states };
        o->order = mem_alloc(pixels, sizeof *o->order);
        o->removed = mem_alloc(states + 1, sizeof *o->removed);
        o->value = mem_alloc(states + 1, sizeof *o->value);
        memcpy(o->removed, removed->data, states * sizeof *o->removed);
        memcpy(o->value, value + (size_t)i * states, states * sizeof *o->value);
        for (size_t k = 0, at = (size_t)i * pixels; k < pixels; k++)
            o->order[k] = type == NPZ_U16 ? ((const uint16_t *)order)[at + k] : ((const uint32_t *)order)[at + k];
    }
    return value;
}

/* The features of mask[pixels], rising. */
static uint32_t *features_of(const uint8_t *mask, int pixels, int *size)
{
    uint32_t *list = mem_alloc((size_t)pixels + 1, sizeof *list);
    *size = 0;
    for (int k = 0; k < pixels; k++)
        if (mask[k])
            list[(*size)++] = (uint32_t)k;
    return mem_resize(list, (size_t)*size + 1, sizeof *list);
}

static bool fill_collections(const struct npz *z, const char *path, struct sis_records *r, struct err *err)
{
    const struct sis_identity *d = &r->identity;
    int64_t m = 0;
    for (int64_t i = 0; i < r->n; i++)
        m += r->record[i].collection.n;
    const uint8_t *mask = find(z, path, "collection_mask", NPZ_BOOL, SHAPE(m, d->h, d->w), err);
    const double *value = mask ? find(z, path, "collection_value", NPZ_F64, SHAPE(m), err) : NULL;
    for (int64_t i = 0; value && i < r->n; i++) {
        struct sis_collection *c = &r->record[i].collection;
        int n = c->n;
        c->size = mem_alloc((size_t)n + 1, sizeof *c->size);
        c->subset = mem_alloc((size_t)n + 1, sizeof *c->subset);
        c->value = mem_alloc((size_t)n + 1, sizeof *c->value);
        for (int k = 0; k < n; k++, mask += pixels_of(d)) {
            c->subset[k] = features_of(mask, pixels_of(d), &c->size[k]);
            c->value[k] = *value++;
        }
    }
    return value;
}

bool store_arrays_fill(const struct npz *z, const char *path, struct sis_records *r, struct err *err)
{
    return fill_orders(z, path, r, err) && (!r->identity.collection || fill_collections(z, path, r, err));
}
