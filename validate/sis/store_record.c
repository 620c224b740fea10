#include "validate/sis/store_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void sis_record_free(struct sis_record *r)
{
    sis_order_free(&r->order);
    sis_collection_free(&r->collection);
    memset(r, 0, sizeof *r);
}

void sis_records_free(struct sis_records *r)
{
    for (int64_t i = 0; i < r->n; i++)
        sis_record_free(&r->record[i]);
    free(r->record);
    store_identity_clear(&r->identity);
    memset(r, 0, sizeof *r);
}

/* Always false. */
static bool refuse(struct err *err, const char *place, const struct sis_record *r, const char *cause)
{
    return err_run(err, "%s: image %lld: %s; make the file again", place, (long long)r->image, cause);
}

/* Marks features in seen[features]; false when one is out of range or was marked. */
static bool mark(uint8_t *seen, int features, const uint32_t *list, int n)
{
    for (int i = 0; i < n; i++) {
        if (list[i] >= (uint32_t)features || seen[list[i]])
            return false;
        seen[list[i]] = 1;
    }
    return true;
}

static bool is_permutation(const struct sis_order *o)
{
    uint8_t *seen = mem_alloc((size_t)o->features, 1);
    bool ok = mark(seen, o->features, o->order, o->features);
    free(seen);
    return ok;
}

static bool states_rise(const struct sis_order *o)
{
    for (int s = 1; s < o->states; s++)
        if (o->removed[s] <= o->removed[s - 1])
            return false;
    return o->removed[0] == 0 && o->removed[o->states - 1] == (uint32_t)o->features;
}

static bool are_finite(const double *x, int n)
{
    for (int i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return false;
    return true;
}

static bool is_probability(double p)
{
    return p >= 0 && p <= 1; /* false for NaN */
}

static bool are_probabilities(const double *x, int n)
{
    for (int i = 0; i < n; i++)
        if (!is_probability(x[i]))
            return false;
    return true;
}

static bool is_disjoint(const struct sis_collection *c, int features)
{
    uint8_t *seen = mem_alloc((size_t)features, 1);
    bool ok = true;
    for (int i = 0; ok && i < c->n; i++)
        ok = c->size[i] >= 1 && c->size[i] <= features && mark(seen, features, c->subset[i], c->size[i]);
    free(seen);
    return ok;
}

static bool check_collection(const struct sis_record *r, const struct sis_identity *d, const char *place,
                             struct err *err)
{
    const struct sis_collection *c = &r->collection;
    double threshold = sis_threshold(d->settings.rank, d->threshold[d->n_thresholds - 1]);
    if (c->n < 0 || c->n > d->h * d->w || (c->n && !d->collection))
        return refuse(err, place, r, "has a collection that was not asked for");
    if (!is_disjoint(c, d->h * d->w))
        return refuse(err, place, r, "the subsets of its collection are empty, overlap or leave the image");
    for (int i = 0; i < c->n; i++)
        if (!(isfinite(c->value[i]) && c->value[i] >= threshold))
            return refuse(err, place, r, "a subset of its collection does not reach the threshold");
    return true;
}

bool store_record_check(const struct sis_record *r, const struct sis_identity *d, const char *place, struct err *err)
{
    const struct sis_order *o = &r->order;
    if (r->image < 0 || r->image > INT32_MAX)
        return refuse(err, place, r, "is no number of an image");
    if (r->label < 0 || r->label >= d->k || r->predicted < 0 || r->predicted >= d->k || r->target < 0 ||
        r->target >= d->k)
        return refuse(err, place, r, "a class is not one of the model's");
    if (!is_probability(r->confidence) || !is_probability(r->blank))
        return refuse(err, place, r, "a confidence is not within 0..1");
    if (o->features != d->h * d->w)
        return refuse(err, place, r, "its order does not hold every pixel");
    if (o->states < 2 || o->states > o->features + 1 || !states_rise(o))
        return refuse(err, place, r, "its states do not rise from the whole image to nothing");
    if (!is_permutation(o))
        return refuse(err, place, r, "its order does not hold every pixel once");
    if (!are_finite(o->value, o->states))
        return refuse(err, place, r, "a value is NaN or infinite");
    if (d->settings.rank == SIS_PROBABILITY && !are_probabilities(o->value, o->states))
        return refuse(err, place, r, "a value is no probability");
    return check_collection(r, d, place, err);
}

static bool same_states(const struct sis_order *a, const struct sis_order *b)
{
    return a->states == b->states && memcmp(a->removed, b->removed, (size_t)a->states * sizeof *a->removed) == 0;
}

/* The whole list of an unsharded run is known by its hash. */
static bool check_list(const struct sis_records *r, const char *place, struct err *err)
{
    char hex[SHA256_HEX];
    int64_t *image = mem_alloc((size_t)r->n + 1, sizeof *image);
    for (int64_t i = 0; i < r->n; i++)
        image[i] = r->record[i].image;
    sis_images_hash(image, r->n, hex);
    free(image);
    return r->identity.shards > 1 || strcmp(hex, r->identity.images) == 0 ||
           err_run(err, "%s: its images are not those of images_sha256; make the file again", place);
}

bool store_records_check(const struct sis_records *r, const char *place, struct err *err)
{
    const struct sis_identity *d = &r->identity;
    int64_t wanted = sis_shard_images(d->n_images, d->shard, d->shards);
    if (r->n != wanted)
        return err_run(err, "%s: has %lld images, not %lld; make the file again", place, (long long)r->n,
                       (long long)wanted);
    for (int64_t i = 0; i < r->n; i++) {
        if (!store_record_check(&r->record[i], d, place, err))
            return false;
        if (i && r->record[i].image <= r->record[i - 1].image)
            return refuse(err, place, &r->record[i], "is not above the one before");
        if (!same_states(&r->record[i].order, &r->record[0].order))
            return refuse(err, place, &r->record[i], "has other states than the first image");
    }
    return check_list(r, place, err);
}

/* Bytes on their way to or from a record. */
struct cursor {
    unsigned char *bytes;
    size_t left;
    bool ok;
};

static void give(struct cursor *c, const void *data, size_t n)
{
    memcpy(c->bytes, data, n);
    c->bytes += n;
}

static void take(struct cursor *c, void *data, size_t n)
{
    c->ok = c->ok && n <= c->left;
    if (!c->ok)
        return;
    memcpy(data, c->bytes, n);
    c->bytes += n;
    c->left -= n;
}

/* n items of `size` bytes; NULL when so many are not there. */
static void *take_array(struct cursor *c, size_t n, size_t size)
{
    c->ok = c->ok && n <= c->left / size;
    if (!c->ok)
        return NULL;
    void *data = mem_alloc(n + 1, size);
    take(c, data, n * size);
    return data;
}

static size_t packed_bytes(const struct sis_record *r)
{
    size_t n = 8 + 3 * 4 + 2 * 8 + 3 * 4;
    n += (size_t)r->order.features * 4 + (size_t)r->order.states * (4 + 8);
    for (int i = 0; i < r->collection.n; i++)
        n += 4 + 8 + (size_t)r->collection.size[i] * 4;
    return n;
}

unsigned char *store_record_pack(const struct sis_record *r, size_t *n)
{
    const struct sis_order *o = &r->order;
    *n = packed_bytes(r);
    unsigned char *bytes = mem_alloc(*n, 1);
    struct cursor c = { bytes, *n, true };
    const int32_t heads[] = { r->label, r->predicted, r->target, o->features, o->states, r->collection.n };
    give(&c, &r->image, sizeof r->image);
    give(&c, heads, sizeof heads);
    give(&c, &r->confidence, sizeof r->confidence);
    give(&c, &r->blank, sizeof r->blank);
    give(&c, o->order, (size_t)o->features * sizeof *o->order);
    give(&c, o->removed, (size_t)o->states * sizeof *o->removed);
    give(&c, o->value, (size_t)o->states * sizeof *o->value);
    for (int i = 0; i < r->collection.n; i++) {
        const int32_t size = r->collection.size[i];
        give(&c, &size, sizeof size);
        give(&c, &r->collection.value[i], sizeof(double));
        give(&c, r->collection.subset[i], (size_t)size * sizeof(uint32_t));
    }
    return bytes;
}

static void unpack_collection(struct cursor *c, int n, struct sis_collection *out)
{
    if (!c->ok || n < 0 || (size_t)n > c->left / (4 + 8)) {
        c->ok = false;
        return;
    }
    out->size = mem_alloc((size_t)n + 1, sizeof *out->size);
    out->subset = mem_alloc((size_t)n + 1, sizeof *out->subset);
    out->value = mem_alloc((size_t)n + 1, sizeof *out->value);
    for (out->n = 0; c->ok && out->n < n; out->n++) {
        int32_t size = 0;
        take(c, &size, sizeof size);
        take(c, &out->value[out->n], sizeof(double));
        c->ok = c->ok && size >= 1;
        out->size[out->n] = size;
        out->subset[out->n] = take_array(c, size < 0 ? 0 : (size_t)size, sizeof(uint32_t));
    }
}

bool store_record_unpack(const unsigned char *bytes, size_t n, struct sis_record *out)
{
    struct cursor c = { (unsigned char *)bytes, n, true };
    struct sis_order *o = &out->order;
    int32_t heads[6] = { 0 };
    memset(out, 0, sizeof *out);
    take(&c, &out->image, sizeof out->image);
    take(&c, heads, sizeof heads);
    take(&c, &out->confidence, sizeof out->confidence);
    take(&c, &out->blank, sizeof out->blank);
    out->label = heads[0];
    out->predicted = heads[1];
    out->target = heads[2];
    o->features = heads[3];
    o->states = heads[4];
    c.ok = c.ok && o->features >= 1 && o->states >= 2;
    if (c.ok) {
        o->order = take_array(&c, (size_t)o->features, sizeof *o->order);
        o->removed = take_array(&c, (size_t)o->states, sizeof *o->removed);
        o->value = take_array(&c, (size_t)o->states, sizeof *o->value);
        unpack_collection(&c, heads[5], &out->collection);
    }
    if (c.ok && c.left == 0)
        return true;
    sis_record_free(out);
    return false;
}
