/* What a JPEG's header says about how it was made, read from its markers without decoding it. */
#ifndef MARGINALIA_DATASETS_JPEG_FACTS_H
#define MARGINALIA_DATASETS_JPEG_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jpeg_facts {
    /* 1..100 on the scale of the Independent JPEG Group: the quality whose quantisation table of brightness has the
     * sum that is nearest to this file's; 0: no such table. */
    int quality;
    /* A hash of what the encoder leaves in the header beside the picture: kinds of markers in their order (without what
     * they hold; application segments by the first four letters of their name), sampling factors, progressive or not,
     * and quantisation tables that are not those of the standard's Annex K at some quality. Never 0. */
    uint32_t encoder;
    bool progressive, jfif, exif;
};

/* False: not a JPEG (no start marker, or no frame header before the picture's data). Any bytes are safe. */
bool jpeg_facts_read(const uint8_t *bytes, size_t n, struct jpeg_facts *out);

#endif
