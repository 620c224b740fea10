/* What view.c, view_text.c, view_masks.c, view_segment.c and view_memo.c share. */
#ifndef MARGINALIA_DATASETS_VIEW_PARTS_H
#define MARGINALIA_DATASETS_VIEW_PARTS_H

#include "datasets/view.h"

/* VIEW_RING: border:W and ring:W@OFFSET. VIEW_MASKS: masks:, mask-only: and shuffled:. */
enum view_kind { VIEW_RING, VIEW_CENTER, VIEW_RANDOM, VIEW_SEGMENT, VIEW_MASKS };

/* What shown pixels have: their own values, white, or each other's. */
enum view_values { VIEW_OWN_VALUES, VIEW_WHITE, VIEW_SHUFFLED };

enum { VIEW_FILES = 2, VIEW_TEXT_LONGEST = 4000, VIEW_MAX_SIDE = 65536 };

/* A view's text, taken apart. */
struct view_spec {
    enum view_kind kind;
    int width, offset; /* ring, px */
    double share;      /* of the pixels, in (0,1); masks: of those removed last, 0: the mask of the highest threshold */
    enum view_values values; /* VIEW_MASKS; else their own */
    int n_files;
    char *file[VIEW_FILES];
};

/* From and to text; the second is canonical ("border:4", "center:0.25", "masks:FILE@0.05"), free() it. Both know
 * nothing of the pictures' size. */
bool view_spec_parse(const char *text, struct view_spec *out, struct err *err);
char *view_spec_text(const struct view_spec *s);
void view_spec_clear(struct view_spec *s);

/* The masks of a results directory of `validate sis`, one bit for a pixel. */
struct view_masks;

/* Opens the npz at `path` with the sis.json beside it. data_hash, h, w: what they must have been made of. */
bool view_masks_open(const char *path, const struct view_spec *s, const char *data_hash, int h, int w,
                     struct view_masks **out, struct err *err);
void view_masks_close(struct view_masks *m); /* accepts NULL */
enum split view_masks_split(const struct view_masks *m);
const char *view_masks_hash(const struct view_masks *m); /* SHA-256 of the npz */
/* mask: [h*w], or NULL to ask only whether there is one. */
bool view_masks_find(const struct view_masks *m, int64_t image, uint8_t *mask, struct err *err);

/* Remembers masks of a data set's images by split, from any thread. NULL, which remembers nothing, when they would take
 * more than 256 MB. */
struct view_memo;
struct view_memo *view_memo_new(const int64_t images[2], int pixels);
void view_memo_free(struct view_memo *m); /* accepts NULL */
bool view_memo_recall(const struct view_memo *m, enum split split, int64_t image, uint8_t *mask);
void view_memo_keep(struct view_memo *m, enum split split, int64_t image, const uint8_t *mask);

/* mask[h*w] = whole segments of x[c,h,w], drawn from r until share * h * w pixels are shown; one segment at least is
 * hidden. h * w >= 4. */
void view_segment(const float *x, int c, int h, int w, double share, struct rng *r, uint8_t *mask);

#endif
