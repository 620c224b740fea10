/* Masks that were drawn once, since the next epoch needs them again: finding the segments of a picture takes longer
 * than decoding it. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "datasets/view_parts.h"

enum { MEMO_BYTES = 256 << 20 };
enum { ABSENT, BEING_WRITTEN, PRESENT };

struct view_memo {
    size_t bytes; /* of one mask, a bit for a pixel */
    int pixels;
    int64_t images[2];      /* by split; others are not remembered */
    atomic_uchar *state[2]; /* by split, [images] */
    uint8_t *bits[2];       /* [images, bytes] */
};

struct view_memo *view_memo_new(const int64_t images[2], int pixels)
{
    size_t bytes = ((size_t)pixels + 7) / 8;
    if ((double)(images[0] + images[1]) * (double)(bytes + 1) > MEMO_BYTES)
        return NULL;
    struct view_memo *m = mem_alloc(1, sizeof *m);
    m->bytes = bytes;
    m->pixels = pixels;
    memcpy(m->images, images, sizeof m->images);
    for (int split = 0; split < 2; split++) {
        m->state[split] = mem_alloc((size_t)images[split], sizeof *m->state[split]);
        m->bits[split] = mem_alloc((size_t)images[split], bytes);
    }
    return m;
}

void view_memo_free(struct view_memo *m)
{
    for (int split = 0; m && split < 2; split++) {
        free(m->state[split]);
        free(m->bits[split]);
    }
    free(m);
}

bool view_memo_recall(const struct view_memo *m, enum split split, int64_t image, uint8_t *mask)
{
    if (!m || image >= m->images[split] ||
        atomic_load_explicit(&m->state[split][image], memory_order_acquire) != PRESENT)
        return false;
    const uint8_t *bits = m->bits[split] + (size_t)image * m->bytes;
    for (int i = 0; i < m->pixels; i++)
        mask[i] = bits[i / 8] >> i % 8 & 1;
    return true;
}

void view_memo_keep(struct view_memo *m, enum split split, int64_t image, const uint8_t *mask)
{
    unsigned char absent = ABSENT;
    if (!m || image >= m->images[split] ||
        !atomic_compare_exchange_strong(&m->state[split][image], &absent, BEING_WRITTEN))
        return;
    uint8_t *bits = m->bits[split] + (size_t)image * m->bytes;
    for (int i = 0; i < m->pixels; i++)
        bits[i / 8] = (uint8_t)(bits[i / 8] | mask[i] << i % 8);
    atomic_store_explicit(&m->state[split][image], PRESENT, memory_order_release);
}
