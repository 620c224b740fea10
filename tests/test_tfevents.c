#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "train/tfevents.h"

/* What a writer leaves in memory; free(bytes). */
struct written {
    char *bytes;
    size_t n;
};

static uint32_t u32_at(const char *p)
{
    const uint8_t *b = (const uint8_t *)p;

    return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static uint32_t unmasked(uint32_t masked)
{
    uint32_t rotated = masked - 0xa282ead8u;

    return rotated << 15 | rotated >> 17;
}

/* Checks the frame at p; returns its size in bytes. */
static size_t check_frame(const char *p, size_t room)
{
    cr_assert(room >= 16);
    size_t n = u32_at(p);
    cr_assert_eq(u32_at(p + 4), 0);
    cr_assert(n + 16 <= room);
    cr_assert_eq(unmasked(u32_at(p + 8)), crc32c(p, 8));
    cr_assert_eq(unmasked(u32_at(p + 12 + n)), crc32c(p + 12, n));
    return n + 16;
}

Test(tfevents, crc32c_agrees_with_published_vectors)
{
    uint8_t ramp[32], zeros[32] = { 0 }, ones[32];

    for (int i = 0; i < 32; i++)
        ramp[i] = (uint8_t)i;
    memset(ones, 0xff, sizeof ones);
    cr_assert_eq(crc32c(zeros, 32), 0x8a9136aau); /* RFC 3720, B.4 */
    cr_assert_eq(crc32c(ones, 32), 0x62a8ab43u);
    cr_assert_eq(crc32c(ramp, 32), 0x46dd794eu);
    cr_assert_eq(crc32c("123456789", 9), 0xe3069283u);
}

Test(tfevents, first_record_names_the_file_version)
{
    struct written w;
    FILE *out = open_memstream(&w.bytes, &w.n);

    tfevents_put_version(out, 1.0);
    fclose(out);
    cr_assert_eq(check_frame(w.bytes, w.n), w.n);
    static const char wanted[] = "\x09\0\0\0\0\0\0\xf0\x3f\x1a\x0d" "brain.Event:2"; /* 1.0 = 0x3ff0... */
    cr_assert_eq(w.n, 16 + sizeof wanted - 1);
    cr_assert_arr_eq(w.bytes + 12, wanted, sizeof wanted - 1);
    free(w.bytes);
}

Test(tfevents, scalars_are_encoded_as_an_event_with_a_summary)
{
    struct tfevents_scalar scalars[] = { { "a", 1.0f }, { "bc", -2.0f } };
    struct written w;
    FILE *out = open_memstream(&w.bytes, &w.n);

    tfevents_put_scalars(out, 1.0, 300, scalars, 2);
    fclose(out);
    cr_assert_eq(check_frame(w.bytes, w.n), w.n);
    static const char wanted[] = "\x09\0\0\0\0\0\0\xf0\x3f" /* 1: wall time */
        "\x10\xac\x02"                                     /* 2: 300 */
        "\x2a\x15"                                         /* 5: 21 bytes of summary */
        "\x0a\x08\x0a\x01" "a" "\x15\0\0\x80\x3f"
        "\x0a\x09\x0a\x02" "bc" "\x15\0\0\0\xc0";
    cr_assert_eq(w.n, 16 + sizeof wanted - 1);
    cr_assert_arr_eq(w.bytes + 12, wanted, sizeof wanted - 1);
    free(w.bytes);
}
