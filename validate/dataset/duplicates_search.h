/* Pairs of pictures that look alike, among millions: those whose perceptual hashes (look.h) differ in few bits.
 *
 * Multi-index hashing (Norouzi, Punjani, Fleet: "Fast search in Hamming space with multi-index hashing", CVPR 2012).
 * The parts of a hash are its 16 rows of 16 bits: two hashes that differ in at most 31 bits have a row in which they
 * differ in at most one, so it is enough to compare pictures that share a row but for one bit. For each row the
 * pictures are sorted into 65,536 buckets; a bucket is compared with itself and with its 16 neighbours. Most pairs that
 * differ in more bits are found as well: copies differ in the fine detail first, and that is in few rows.
 *
 * A bucket with more than SEARCH_CROWD pictures tells nothing (what most pictures share) and is passed over: so the
 * time cannot grow with the square of the number of pictures. Those pictures can still be found by another row. Memory:
 * 36 bytes a picture, and what is found. */
#ifndef MARGINALIA_VALIDATE_DATASET_DUPLICATES_SEARCH_H
#define MARGINALIA_VALIDATE_DATASET_DUPLICATES_SEARCH_H

#include "validate/dataset/look.h"
#include "validate/dataset/survey.h"

enum {
    SEARCH_RADIUS = 47,  /* bits that may differ */
    SEARCH_CERTAIN = 31, /* up to here no pair is missed, unless all its buckets are crowded */
    SEARCH_CROWD = 1024, /* pictures */
    SEARCH_PAIRS = 8     /* pairs for each picture, on the average, that are worth having */
};

/* Two of the hashes that were searched; a < b. */
struct look_pair {
    uint32_t a, b;
    uint8_t distance; /* bits */
    bool mirrored;    /* b looks like the mirror image of a */
};

struct look_pairs {
    int64_t n;
    struct look_pair *pair; /* sorted by a, b; free() it */
    int radius;             /* that was searched; -1: not even equal hashes */
};

/* Finds the pairs of look[n] at most SEARCH_RADIUS bits apart: hash with hash or, when `mirrored`, hash with the hash
 * of the mirror image. When they are more than SEARCH_PAIRS * n, the radius is lowered until they are not. */
bool look_search(const struct survey *s, const uint64_t (*look)[LOOK_WORDS], uint32_t n, bool mirrored,
                 struct look_pairs *out, struct err *err);

#endif
