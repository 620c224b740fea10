/* Any bytes as an image file. */
#include <stdlib.h>
#include "datasets/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct image8 image;
    struct err err;
    if (size > 1 << 16 || !decode_bytes(data, size, "fuzz.jpg", &image, &err))
        return 0;
    if (image.c != 1 && image.c != 3)
        abort();
    volatile uint8_t last = image.pixels[(size_t)image.c * (size_t)image.h * (size_t)image.w - 1];
    (void)last;
    free(image.pixels);
    return 0;
}
