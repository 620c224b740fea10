/* The masks of `validate sis` (docs/sis_files.md): masks.npz and the sis.json beside it. Only what is used is kept: a
 * bit for a pixel. */
#include "datasets/view_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/npz.h"

enum { IDENTITY_LIMIT_BYTES = 1 << 20 };
static const size_t MASKS_LIMIT_BYTES = (size_t)1 << 34; /* unpacked; 50,000 pictures of 32 x 32 pixels: 0.7 GB */
static const char identity_name[] = "sis.json";

struct view_masks {
    char *path, hash[SHA256_HEX];
    enum split split;
    int pixels;
    int64_t n;
    int64_t *image; /* [n] rising */
    bool *found;    /* [n] false: the image reaches no threshold, and has no mask */
    uint8_t *bits;  /* [n, row_bytes] */
    size_t row_bytes;
};

/* --- sis.json ----------------------------------------------------------------------------------------------------- */

/* The sis.json beside a file; free() it. */
static char *beside(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? mem_format("%.*s/%s", (int)(slash - path), path, identity_name) : mem_string(identity_name);
}

static bool check_content(const json_t *root, const char *path, const char *masks, const char *data_hash, int h, int w,
                          struct err *err)
{
    const char *schema = json_string_value(json_object_get(root, "schema"));
    const char *hash = json_string_value(json_object_get(root, "data_sha256"));
    const json_t *height = json_object_get(root, "height"), *width = json_object_get(root, "width");

    if (!schema || strcmp(schema, "marginalia/sis") != 0 || json_integer_value(json_object_get(root, "version")) != 1 ||
        !hash || !json_is_integer(height) || !json_is_integer(width))
        return err_run(err, "%s: is not as validate sis writes it; name the masks.npz of a results directory", path);
    if (strcmp(hash, data_hash) != 0)
        return err_usage(err, "%s: its masks were made of another data set (%s); make them of this one", masks, path);
    if (json_integer_value(height) != h || json_integer_value(width) != w)
        return err_usage(err,
                         "%s: has masks of %lld x %lld pixels, but the pictures here have %d x %d; make masks of "
                         "this size",
                         masks, (long long)json_integer_value(height), (long long)json_integer_value(width), h, w);
    return true;
}

static bool read_split(const json_t *root, const char *path, enum split *out, struct err *err)
{
    const char *split = json_string_value(json_object_get(root, "split"));

    if (!split || (strcmp(split, "test") != 0 && strcmp(split, "train") != 0))
        return err_run(err, "%s: split is neither test nor train; make the masks again", path);
    *out = strcmp(split, "test") == 0 ? SPLIT_TEST : SPLIT_TRAIN;
    return true;
}

static bool read_identity(struct view_masks *m, const char *data_hash, int h, int w, struct err *err)
{
    char *path = beside(m->path);
    json_t *root = NULL;
    bool ok = json_open(path, IDENTITY_LIMIT_BYTES, &root, err) &&
              check_content(root, path, m->path, data_hash, h, w, err) && read_split(root, path, &m->split, err);

    json_decref(root);
    free(path);
    return ok;
}

/* --- masks.npz ---------------------------------------------------------------------------------------------------- */

static bool damaged(const struct view_masks *m, const char *cause, struct err *err)
{
    return err_run(err, "%s: %s; make the masks again with validate sis", m->path, cause);
}

static bool copy_images(struct view_masks *m, const struct npz *z, struct err *err)
{
    const struct npz_array *a = npz_find(z, m->path, "image", NPZ_I64, 1, err);

    if (!a)
        return false;
    if (a->shape[0] < 1)
        return damaged(m, "has no images", err);
    m->n = a->shape[0];
    m->row_bytes = ((size_t)m->pixels + 7) / 8;
    m->image = mem_alloc((size_t)m->n, sizeof *m->image);
    m->found = mem_alloc((size_t)m->n, sizeof *m->found);
    m->bits = mem_alloc((size_t)m->n, m->row_bytes);
    memcpy(m->image, a->data, (size_t)m->n * sizeof *m->image);
    for (int64_t i = 0; i < m->n; i++)
        if (m->image[i] < 0 || (i > 0 && m->image[i] <= m->image[i - 1]))
            return damaged(m, "its images do not rise", err);
    return true;
}

static void set_bit(uint8_t *row, uint32_t pixel)
{
    row[pixel / 8] |= (uint8_t)(1u << pixel % 8);
}

/* The masks of the highest threshold. */
static bool copy_masks(struct view_masks *m, const struct npz *z, int h, int w, struct err *err)
{
    const struct npz_array *mask = npz_find(z, m->path, "mask", NPZ_BOOL, 4, err);
    const struct npz_array *size = mask ? npz_find(z, m->path, "size", NPZ_I64, 2, err) : NULL;

    if (!size)
        return false;
    int64_t thresholds = mask->shape[1];
    if (mask->shape[0] != m->n || size->shape[0] != m->n || thresholds < 1 || size->shape[1] != thresholds ||
        mask->shape[2] != h || mask->shape[3] != w)
        return damaged(m, "the shapes of image, size and mask do not fit together", err);
    for (int64_t i = 0; i < m->n; i++) {
        int64_t last = (i + 1) * thresholds - 1, kept = ((const int64_t *)size->data)[last], count = 0;
        const uint8_t *from = (const uint8_t *)mask->data + (size_t)last * (size_t)m->pixels;
        for (int k = 0; k < m->pixels; k++)
            if (from[k]) {
                set_bit(m->bits + (size_t)i * m->row_bytes, (uint32_t)k);
                count++;
            }
        m->found[i] = kept >= 0;
        if (count != (kept < 0 ? 0 : kept))
            return damaged(m, "mask and size contradict each other", err);
    }
    return true;
}

/* The last `kept` pixels of an order, each within the picture and once. */
static bool copy_last(struct view_masks *m, int64_t i, const struct npz_array *order, int kept)
{
    uint8_t *row = m->bits + (size_t)i * m->row_bytes;

    for (int k = m->pixels - kept; k < m->pixels; k++) {
        size_t at = (size_t)i * (size_t)m->pixels + (size_t)k;
        uint32_t pixel =
            order->type == NPZ_U16 ? ((const uint16_t *)order->data)[at] : ((const uint32_t *)order->data)[at];
        if (pixel >= (uint32_t)m->pixels || row[pixel / 8] >> pixel % 8 & 1)
            return false;
        set_bit(row, pixel);
    }
    m->found[i] = true;
    return true;
}

/* share * pixels, rounded up but for the error of the product. */
static int part_of(double share, int pixels)
{
    int part = (int)ceil(share * pixels - 1e-9);

    return part < 1 ? 1 : part;
}

static bool copy_orders(struct view_masks *m, const struct npz *z, double share, struct err *err)
{
    enum npz_type type = m->pixels <= UINT16_MAX + 1 ? NPZ_U16 : NPZ_U32;
    const struct npz_array *order = npz_find(z, m->path, "order", type, 2, err);

    if (!order)
        return false;
    if (order->shape[0] != m->n || order->shape[1] != m->pixels)
        return damaged(m, "the shapes of image and order do not fit together", err);
    for (int64_t i = 0; i < m->n; i++)
        if (!copy_last(m, i, order, part_of(share, m->pixels)))
            return damaged(m, "an order names a pixel twice, or one outside of the picture", err);
    return true;
}

bool view_masks_open(const char *path, const struct view_spec *s, const char *data_hash, int h, int w,
                     struct view_masks **out, struct err *err)
{
    struct view_masks *m = mem_alloc(1, sizeof *m);
    struct npz z = { 0 };

    *out = NULL;
    m->path = mem_string(path);
    m->pixels = h * w;
    bool ok =
        (s->share == 0 || part_of(s->share, m->pixels) < m->pixels ||
         err_usage(err, "%s: %.15g of %d x %d pixels hides none; choose a smaller share", path, s->share, h, w)) &&
        file_sha256(path, m->hash, err) && read_identity(m, data_hash, h, w, err) &&
        npz_read(path, MASKS_LIMIT_BYTES, &z, err) && copy_images(m, &z, err) &&
        (s->share > 0 ? copy_orders(m, &z, s->share, err) : copy_masks(m, &z, h, w, err));
    npz_free(&z);
    if (ok)
        *out = m;
    else
        view_masks_close(m);
    return ok;
}

void view_masks_close(struct view_masks *m)
{
    if (!m)
        return;
    free(m->path);
    free(m->image);
    free(m->found);
    free(m->bits);
    free(m);
}

enum split view_masks_split(const struct view_masks *m)
{
    return m->split;
}

const char *view_masks_hash(const struct view_masks *m)
{
    return m->hash;
}

/* Position of an image, or -1. */
static int64_t position_of(const struct view_masks *m, int64_t image)
{
    int64_t low = 0, high = m->n;

    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (m->image[middle] < image)
            low = middle + 1;
        else
            high = middle;
    }
    return low < m->n && m->image[low] == image ? low : -1;
}

bool view_masks_find(const struct view_masks *m, int64_t image, uint8_t *mask, struct err *err)
{
    int64_t at = position_of(m, image);
    const char *split = m->split == SPLIT_TEST ? "test" : "train";

    if (at < 0)
        return err_usage(err, "%s: has no mask of image %lld of the %s split; make masks of all images that are read",
                         m->path, (long long)image, split);
    if (!m->found[at])
        return err_usage(err,
                         "%s: image %lld of the %s split does not reach the highest threshold, so it has no mask; "
                         "choose a share as in @5%%, or a lower threshold",
                         m->path, (long long)image, split);
    const uint8_t *row = m->bits + (size_t)at * m->row_bytes;
    for (int k = 0; mask && k < m->pixels; k++)
        mask[k] = row[k / 8] >> k % 8 & 1;
    return true;
}
