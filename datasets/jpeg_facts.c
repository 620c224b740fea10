#include "datasets/jpeg_facts.h"

#include <pthread.h>
#include <string.h>

enum { COEFFICIENTS = 64, QUALITIES = 100, TABLES = 4, LUMA = 0, CHROMA = 1 };

/* Recommendation ITU-T T.81, Annex K.1: tables K.1 (luma) and K.2 (chroma), row by row. */
static const uint8_t annex_k[2][COEFFICIENTS] = {
    [LUMA] = { 16, 11,  10,  16, 24, 40, 51, 61, 12,  12,  14,  19,  26, 58, 60, 55,  14,  13,  16,  24, 40, 57,
               69, 56,  14,  17, 22, 29, 51, 87, 80,  62,  18,  22,  37, 56, 68, 109, 103, 77,  24,  35, 55, 64,
               81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98,  112, 100, 103, 99 },
    [CHROMA] = { 17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99,
                 99, 99, 47, 66, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
                 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99 }
};

/* Files hold their tables in zigzag order: the k-th number belongs at this place of the rows (figure A.6). */
static const uint8_t zigzag[COEFFICIENTS] = { 0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,
                                              12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6,  7,  14, 21, 28,
                                              35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
                                              58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63 };

/* The standard's tables at every quality, as the Independent JPEG Group's library scales them, in a file's order. */
static struct standard {
    uint8_t table[COEFFICIENTS];
    int sum;
} standard[2][QUALITIES + 1];
static pthread_once_t standard_once = PTHREAD_ONCE_INIT;

static void make_standard(void)
{
    for (int kind = LUMA; kind <= CHROMA; kind++)
        for (int quality = 1; quality <= QUALITIES; quality++) {
            int scale = quality < 50 ? 5000 / quality : 200 - 2 * quality;
            struct standard *s = &standard[kind][quality];
            for (int k = 0; k < COEFFICIENTS; k++) {
                int value = (annex_k[kind][zigzag[k]] * scale + 50) / 100;
                s->table[k] = (uint8_t)(value < 1 ? 1 : value > 255 ? 255 : value);
                s->sum += s->table[k];
            }
        }
}

/* The FNV-1a hash (Fowler, Noll, Vo), 32 bits. */
static uint32_t hash_byte(uint32_t hash, unsigned byte)
{
    return (hash ^ (byte & 0xff)) * 16777619u;
}

struct header {
    const uint8_t *bytes;
    size_t n;
    struct jpeg_facts *facts;
    uint32_t last_kind; /* of marker */
    uint32_t hash;
    bool framed;
    int luma_table; /* of the first component */
    bool has_table[TABLES];
    uint16_t table[TABLES][COEFFICIENTS];
};

/* Segments in these functions are bytes[at..end-1], inside the file, behind their length. */
static void read_tables(struct header *h, size_t at, size_t end)
{
    while (at < end) {
        int wide = h->bytes[at] >> 4 ? 2 : 1, id = h->bytes[at] & 15;
        at++;
        if (id >= TABLES || end - at < (size_t)(wide * COEFFICIENTS))
            return;
        for (int k = 0; k < COEFFICIENTS; k++, at += (size_t)wide)
            h->table[id][k] = (uint16_t)(wide == 2 ? h->bytes[at] << 8 | h->bytes[at + 1] : h->bytes[at]);
        h->has_table[id] = true;
    }
}

/* Precision, height, width, components: identifier, sampling factors, quantisation table. */
static void read_frame(struct header *h, unsigned marker, size_t at, size_t end)
{
    enum { FIXED = 6, COMPONENT = 3 };
    if (end - at < FIXED)
        return;
    h->framed = true;
    h->facts->progressive = marker == 0xc2;
    size_t components = h->bytes[at + 5];
    for (size_t c = 0; c < components && end - at >= FIXED + COMPONENT * (c + 1); c++) {
        const uint8_t *component = h->bytes + at + FIXED + COMPONENT * c;
        h->hash = hash_byte(h->hash, component[1]);
        if (c == 0)
            h->luma_table = component[2] % TABLES;
    }
}

/* Several segments of one kind in a row count once: how many there are may depend on the picture. */
static void note_kind(struct header *h, unsigned marker, size_t at, size_t end)
{
    uint32_t kind = hash_byte(2166136261u, marker);
    if (marker >= 0xe0 && marker <= 0xef && end - at >= 4) {
        for (size_t i = 0; i < 4; i++)
            kind = hash_byte(kind, h->bytes[at + i]);
        h->facts->jfif |= marker == 0xe0 && memcmp(h->bytes + at, "JFIF", 4) == 0;
        h->facts->exif |= marker == 0xe1 && memcmp(h->bytes + at, "Exif", 4) == 0;
    }
    if (kind != h->last_kind)
        for (int shift = 0; shift < 32; shift += 8)
            h->hash = hash_byte(h->hash, kind >> shift);
    h->last_kind = kind;
}

/* All frame headers but those that share the range with Huffman tables, extensions and arithmetic coding. */
static bool is_frame(unsigned marker)
{
    return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

/* From the start of the picture (0xffd8) to its data. */
static void walk(struct header *h)
{
    for (size_t at = 2; at + 4 <= h->n && h->bytes[at] == 0xff;) {
        unsigned marker = h->bytes[at + 1];
        if (marker == 0xff) { /* a fill byte */
            at++;
            continue;
        }
        size_t length = (size_t)h->bytes[at + 2] << 8 | h->bytes[at + 3];
        bool data = marker == 0xda, stop = marker == 0xd9;
        if (data || stop || length < 2 || length > h->n - at - 2)
            return;
        note_kind(h, marker, at + 4, at + 2 + length);
        if (marker == 0xdb)
            read_tables(h, at + 4, at + 2 + length);
        else if (is_frame(marker))
            read_frame(h, marker, at + 4, at + 2 + length);
        at += 2 + length;
    }
}

static int nearest_quality(const uint16_t table[COEFFICIENTS])
{
    int sum = 0, nearest = 1;
    for (int k = 0; k < COEFFICIENTS; k++)
        sum += table[k];
    for (int quality = 2; quality <= QUALITIES; quality++) {
        int here = sum - standard[LUMA][quality].sum, before = sum - standard[LUMA][nearest].sum;
        if (here * (int64_t)here < before * (int64_t)before)
            nearest = quality;
    }
    return nearest;
}

static bool is_standard(const uint16_t table[COEFFICIENTS], int kind, int quality)
{
    for (int k = 0; k < COEFFICIENTS; k++)
        if (table[k] != standard[kind][quality].table[k])
            return false;
    return true;
}

static void judge_tables(struct header *h)
{
    pthread_once(&standard_once, make_standard);
    if (!h->has_table[h->luma_table])
        return;
    int quality = h->facts->quality = nearest_quality(h->table[h->luma_table]);
    for (int id = 0; id < TABLES; id++)
        if (h->has_table[id] && !is_standard(h->table[id], LUMA, quality) &&
            !is_standard(h->table[id], CHROMA, quality))
            for (int k = 0; k < COEFFICIENTS; k++)
                h->hash = hash_byte(hash_byte(h->hash, h->table[id][k]), h->table[id][k] >> 8);
}

bool jpeg_facts_read(const uint8_t *bytes, size_t n, struct jpeg_facts *out)
{
    *out = (struct jpeg_facts){ 0 };
    if (n < 4 || bytes[0] != 0xff || bytes[1] != 0xd8)
        return false;
    struct header h = { .bytes = bytes, .n = n, .facts = out, .hash = 2166136261u };
    walk(&h);
    if (!h.framed)
        return false;
    judge_tables(&h);
    out->encoder = h.hash ? h.hash : 1;
    return true;
}
