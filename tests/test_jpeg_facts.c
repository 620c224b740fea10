#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "base/mem.h"
#include "datasets/jpeg_facts.h"
#include "tests/data_fixture.h"

TestSuite(jpeg_facts, .init = fixture_set_up, .fini = fixture_clean_up);

static uint8_t *read_bytes(const char *path, size_t *n)
{
    struct err err;
    char *bytes;
    cr_assert(file_read(path, 1 << 20, &bytes, n, &err), "%s", err.text);
    return (uint8_t *)bytes;
}

static struct jpeg_facts facts_of(const char *path)
{
    struct jpeg_facts facts;
    size_t n;
    uint8_t *bytes = read_bytes(path, &n);
    cr_assert(jpeg_facts_read(bytes, n, &facts), "%s is no JPEG", path);
    free(bytes);
    return facts;
}

static void make_jpeg(const char *name, int quality)
{
    uint8_t pixels[16 * 16 * 3];
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(i * 5);
    fixture_jpeg(name, 16, 16, 3, pixels, quality);
}

/* stb_image_write scales the standard's tables in the way that is asked for here. */
Test(jpeg_facts, tells_every_quality_and_the_same_encoder)
{
    make_jpeg("a.jpg", 90);
    uint32_t encoder = facts_of(fixture_path("a.jpg")).encoder;
    cr_assert_neq(encoder, 0);
    for (int quality = 1; quality <= 100; quality++) {
        make_jpeg("b.jpg", quality);
        struct jpeg_facts facts = facts_of(fixture_path("b.jpg"));
        cr_assert_eq(facts.quality, quality, "%d for %d", facts.quality, quality);
        if (quality <= 90) /* above, this encoder stores colours at full resolution */
            cr_assert_eq(facts.encoder, encoder, "quality %d", quality);
        cr_assert(facts.jfif && !facts.exif && !facts.progressive);
    }
    cr_assert_neq(facts_of("tests/data/flat.jpg").encoder, encoder, "another program made it");
}

/* A header by hand: markers with what is in them. */
struct header {
    uint8_t bytes[1024];
    size_t n;
};

static void add(struct header *h, unsigned marker, const void *data, size_t n)
{
    h->bytes[h->n++] = 0xff;
    h->bytes[h->n++] = (uint8_t)marker;
    h->bytes[h->n++] = (uint8_t)((n + 2) >> 8);
    h->bytes[h->n++] = (uint8_t)(n + 2);
    memcpy(h->bytes + h->n, data, n);
    h->n += n;
}

static const uint8_t frame[] = { 8, 0, 16, 0, 16, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1 };

static struct header start(void)
{
    struct header h = { .bytes = { 0xff, 0xd8 }, .n = 2 };
    return h;
}

static void add_table(struct header *h, int id, int step)
{
    uint8_t table[65] = { (uint8_t)id };
    memset(table + 1, step, 64);
    add(h, 0xdb, table, sizeof table);
}

static struct jpeg_facts read_header(const struct header *h)
{
    struct jpeg_facts facts;
    uint8_t *own = malloc(h->n); /* its own block, so that a sanitizer sees reads behind it */
    memcpy(own, h->bytes, h->n);
    cr_assert(jpeg_facts_read(own, h->n, &facts));
    free(own);
    return facts;
}

Test(jpeg_facts, encoder_depends_on_markers_sampling_and_tables_of_its_own)
{
    struct header plain = start(), exif = start(), comment = start(), sampling = start(), table = start(),
                  progressive = start(), other_text = start();
    uint8_t sampled[sizeof frame];
    add(&plain, 0xe0, "JFIF\0", 5), add(&plain, 0xc0, frame, sizeof frame);
    add(&exif, 0xe1, "Exif\0", 5), add(&exif, 0xc0, frame, sizeof frame);
    add(&comment, 0xe0, "JFIF\0", 5), add(&comment, 0xfe, "hello", 5), add(&comment, 0xc0, frame, sizeof frame);
    add(&other_text, 0xe0, "JFIF\0x", 6), add(&other_text, 0xfe, "bye", 3), add(&other_text, 0xfe, "!", 1);
    add(&other_text, 0xc0, frame, sizeof frame);
    memcpy(sampled, frame, sizeof frame);
    sampled[7] = 0x11;
    add(&sampling, 0xe0, "JFIF\0", 5), add(&sampling, 0xc0, sampled, sizeof frame);
    add(&table, 0xe0, "JFIF\0", 5), add_table(&table, 0, 7), add(&table, 0xc0, frame, sizeof frame);
    struct header table8 = start();
    add(&table8, 0xe0, "JFIF\0", 5), add_table(&table8, 0, 8), add(&table8, 0xc0, frame, sizeof frame);
    add(&progressive, 0xe0, "JFIF\0", 5), add(&progressive, 0xc2, frame, sizeof frame);
    const struct header *all[] = { &plain, &exif, &comment, &sampling, &table, &table8, &progressive };
    enum { N = sizeof all / sizeof all[0] };
    for (int i = 0; i < N; i++)
        for (int j = 0; j < i; j++)
            cr_assert_neq(read_header(all[i]).encoder, read_header(all[j]).encoder, "%d and %d", i, j);
    cr_assert_eq(read_header(&comment).encoder, read_header(&other_text).encoder, "what markers hold does not count");
    cr_assert(read_header(&exif).exif && !read_header(&exif).jfif && read_header(&progressive).progressive);
    cr_assert_eq(read_header(&plain).quality, 0, "no table");
    cr_assert(read_header(&table).quality > 80 && read_header(&table8).quality < read_header(&table).quality + 1);
}

Test(jpeg_facts, wide_tables_are_read_as_well)
{
    struct header h = start();
    uint8_t table[129] = { 0x10 };
    for (int k = 0; k < 64; k++)
        table[2 * k + 1] = 2; /* 512: coarser than any quality */
    add(&h, 0xdb, table, sizeof table), add(&h, 0xc1, frame, sizeof frame);
    cr_assert_eq(read_header(&h).quality, 1);
}

Test(jpeg_facts, other_files_are_no_jpeg)
{
    struct jpeg_facts facts;
    cr_assert_not(jpeg_facts_read((const uint8_t *)"", 0, &facts));
    cr_assert_not(jpeg_facts_read((const uint8_t *)"\x89PNG\r\n\x1a\n", 8, &facts));
    cr_assert_not(jpeg_facts_read((const uint8_t *)"\xff\xd8\xff\xd9", 4, &facts));
    cr_assert(facts.encoder == 0 && facts.quality == 0);
}

Test(jpeg_facts, files_cut_anywhere_are_safe)
{
    size_t n;
    uint8_t *bytes = read_bytes("tests/data/pattern.jpg", &n);
    for (size_t keep = 0; keep < n; keep++) {
        struct jpeg_facts facts;
        uint8_t *cut = malloc(keep + 1);
        memcpy(cut, bytes, keep);
        jpeg_facts_read(cut, keep, &facts);
        free(cut);
    }
    free(bytes);
}
