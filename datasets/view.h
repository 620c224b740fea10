/* Masked views: training and testing on a part of each picture, to ask what that part alone tells.
 *
 *   border:W              a ring W pixels wide along the edge
 *   ring:W@OFFSET         the same, OFFSET pixels further in
 *   center:F              a square-like centre of share F of the pixels, 0 < F < 1
 *   random:F              share F of the pixels, drawn for each image
 *   segment:F             whole regions of similar colour (superpixels), drawn for each image until share F is reached
 *   masks:FILE[,FILE][@S] the masks of `validate sis` (masks.npz, with sis.json beside it), one file for each split
 *                         that is read: those of the highest threshold, or the S (as 5% or 0.05) of the pixels that
 *                         were removed last
 *   mask-only:FILE...     the same, but the kept pixels are white: only their places are shown
 *   shuffled:FILE...      the same, but the kept pixels' colours are dealt out anew among them: places and colours are
 *                         right, which stands where is not
 *
 * Pixels are those of the network's input in the test geometry (the frame). A mask belongs to its image: random,
 * segment and shuffled are keyed by (seed, image), so they are the same in every epoch, program and thread. What lies
 * outside the frame, which random crops of large images can reach, is hidden. */
#ifndef MARGINALIA_DATASETS_VIEW_H
#define MARGINALIA_DATASETS_VIEW_H

#include "datasets/augment.h"
#include "datasets/baseline.h"
#include "datasets/dataset.h"

/* BEFORE: the mask moves with the picture (crop, flip, resize), as if it had been painted on the file. AFTER: it stays
 * in the output's frame while the pixels move below it, as the published code does. The same without augmentation. */
enum mask_order { MASK_BEFORE, MASK_AFTER };
#define MASK_ORDER_WORDS "before|after"

struct view_options {
    const char *text;            /* as above */
    const struct dataset *data;  /* borrowed: the mean colour; masks must have been made of this set */
    const struct augment *frame; /* borrowed: output shape and test geometry */
    enum baseline baseline;      /* what stands in the place of hidden pixels */
    enum mask_order order;
    uint64_t seed;
};

struct masked_view;

/* Refuses: a text that is not one of these forms, or that no cfg can hold (control characters, # and ;); a view that
 * shows nothing or everything (a ring that meets itself, an offset outside, a share that rounds to no pixel or to all);
 * masks of another data set or size, twice of the same split, or that contradict themselves. Which splits and images
 * will be read is not known here: view_covers. */
bool view_open(const struct view_options *o, struct masked_view **out, struct err *err);
void view_close(struct masked_view *v); /* accepts NULL */

/* The view as one canonical text with baseline and order, for manifests: "border:4, hidden: mean, masks move with the
 * picture". Borrowed. */
const char *view_text(const struct masked_view *v);

/* Whether the view can show this image: false when its split has no file, or the file no mask of it. Asked by
 * loader_open and before a search, so that a long run does not end at an image without a mask. */
bool view_covers(const struct masked_view *v, enum split split, int64_t image, struct err *err);

/* mask[h*w], 1 = shown, of an image in the frame. x[c,h,w]: the image in test geometry (used by segment only). False
 * when a file has no mask of this image. From any thread. */
bool view_mask(const struct masked_view *v, enum split split, int64_t image, const float *x, uint8_t *mask,
               struct err *err);

/* Hides what the view does not show in x[c,h,w], an image of in_h x in_w pixels that was placed as `p` says. From any
 * thread. */
bool view_apply(const struct masked_view *v, enum split split, int64_t image, const struct image8 *in,
                const struct placement *p, float *x, struct err *err);

#endif
