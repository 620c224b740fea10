/* Results of `validate sis` that a view reads: two images, 3 and 8, of 4 x 5 pixels, and two thresholds. The order of
 * image 3 counts up, that of image 8 down. */
#ifndef MARGINALIA_TESTS_MASKS_FIXTURE_H
#define MARGINALIA_TESTS_MASKS_FIXTURE_H

#include "base/npz.h"
#include "datasets/view.h"

enum { N = 2, T = 2, H = 4, W = 5, AREA = H * W };

/* What a results directory holds; tests damage it before it is written. */
struct masks {
    int64_t image[N], size[N * T];
    uint16_t order[N * AREA];
    uint8_t mask[N * T * AREA];
    struct npz_array arrays[4];
};
extern struct masks masks;

extern const char masks_hash[]; /* of the data set that they are of, */
extern const struct dataset masks_data;
extern const struct augment masks_frame;

/* A test's beginning: the arrays as they ought to be, and the identity that sis.json tells. */
void masks_make(void);
void masks_set_identity(char *text); /* text is kept */
char *masks_identity(const char *split, const char *hash, int h, int w);

const char *masks_write(const char *directory); /* the path of the masks, valid until the end of the test */
char *masks_all(const char *directory);         /* the same as the text of a view: "masks:PATH" */

/* Both free the text. */
struct masked_view *masks_open(char *text);
void masks_expect_refused(char *text, enum exit_status status, const char *part);

#endif
