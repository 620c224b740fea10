/* Small data sets made by tests, each in a directory of its own that disappears with clean_up. */
#ifndef MARGINALIA_TESTS_DATA_FIXTURE_H
#define MARGINALIA_TESTS_DATA_FIXTURE_H

#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "datasets/dataset.h"

void fixture_set_up(void);    /* makes the directory; use as Criterion's .init */
void fixture_clean_up(void);  /* removes it; use as .fini */

/* The path of `name` in the directory; valid until the end of the test. */
const char *fixture_path(const char *name);

/* All create missing directories. */
void fixture_write(const char *name, const void *bytes, size_t n);
void fixture_text(const char *name, const char *text);
void fixture_copy(const char *name,
                  const char *from); /* tests/data/flat.jpg: 16 x 16, (200,100,30); pattern.jpg: 24 x 24 */
/* name.png, .bmp or .ppm/.pgm; pixels [h,w,c], c 1..4 where the format knows that. */
void fixture_image(const char *name, int h, int w, int c, const uint8_t *pixels);
/* pixels [h,w,c], c = 1 or 3; quality 1..100. */
void fixture_jpeg(const char *name, int h, int w, int c, const uint8_t *pixels, int quality);

/* Writes `text` as set.conf with directory = the fixture's, and opens it. */
bool fixture_open(const char *text, struct dataset **out, struct err *err);
/* Fails the test unless opening fails with a one-line message that holds all the given parts (NULL ends them). */
void fixture_refused(const char *text, ...);

/* CIFAR-10 files with `images` records each, label (i + file) % 10, pixel j of image i = (i + j + file) % 256. */
void fixture_cifar10(int images);
/* A grey IDX pair as train-* and t10k-*: n images of h x w, pixel j of image i = (i + j) % 256, labels i % 10. */
void fixture_idx(int n, int h, int w);

extern const char fixture_cifar10_conf[], fixture_idx_conf[], fixture_folder_conf[];

#endif
