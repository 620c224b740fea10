#include "tests/masks_fixture.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "tests/data_fixture.h"

const char masks_hash[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static bool fake_hash(const struct dataset *ds, char hex[SHA256_HEX], struct err *err)
{
    (void)ds, (void)err;
    memcpy(hex, masks_hash, SHA256_HEX);
    return true;
}

const struct dataset masks_data = {
    .name = "fake", .c = 1, .h = H, .w = W, .mean = { 0.5f }, .count = { 10, 10 }, .hash = fake_hash
};
const struct augment masks_frame = { .c = 1, .h = H, .w = W, .test_resize = 1 };

struct masks masks;
static char *identity;

void masks_set_identity(char *text)
{
    free(identity);
    identity = text;
}

char *masks_identity(const char *split, const char *hash, int h, int w)
{
    return mem_format("{\"schema\": \"marginalia/sis\", \"version\": 1, \"data_sha256\": \"%s\", \"split\": \"%s\", "
                      "\"height\": %d, \"width\": %d}",
                      hash, split, h, w);
}

/* The lower threshold keeps 1 and 2 pixels, the higher one 3 and 5. */
void masks_make(void)
{
    fixture_set_up();
    static const int64_t sizes[N * T] = { 1, 3, 2, 5 };
    memcpy(masks.size, sizes, sizeof masks.size);
    masks.image[0] = 3, masks.image[1] = 8;
    for (int i = 0; i < N * AREA; i++)
        masks.order[i] = (uint16_t)(i < AREA ? i : 2 * AREA - 1 - i);
    for (int i = 0; i < N * T; i++)
        for (int k = 0; k < masks.size[i]; k++)
            masks.mask[i * AREA + masks.order[i / T * AREA + AREA - 1 - k]] = 1;
    masks.arrays[0] = (struct npz_array){ "image", NPZ_I64, 1, { N }, masks.image };
    masks.arrays[1] = (struct npz_array){ "order", NPZ_U16, 2, { N, AREA }, masks.order };
    masks.arrays[2] = (struct npz_array){ "size", NPZ_I64, 2, { N, T }, masks.size };
    masks.arrays[3] = (struct npz_array){ "mask", NPZ_BOOL, 4, { N, T, H, W }, masks.mask };
    masks_set_identity(masks_identity("test", masks_hash, H, W));
}

const char *masks_write(const char *directory)
{
    struct err err;
    char *name = mem_format("%s/sis.json", directory), *file = mem_format("%s/masks.npz", directory);
    fixture_text(name, identity);
    const char *path = fixture_path(file);
    cr_assert(npz_write(path, masks.arrays, 4, &err), "%s", err.text);
    free(name);
    free(file);
    return path;
}

static struct view_options options(const char *text)
{
    return (struct view_options){ .text = text, .data = &masks_data, .frame = &masks_frame };
}

struct masked_view *masks_open(char *text)
{
    struct view_options o = options(text);
    struct masked_view *v;
    struct err err;
    cr_assert(view_open(&o, &v, &err), "%s", err.text);
    free(text);
    return v;
}

void masks_expect_refused(char *text, enum exit_status status, const char *part)
{
    struct view_options o = options(text);
    struct masked_view *v;
    struct err err = { 0 };
    cr_assert_not(view_open(&o, &v, &err), "%s", part);
    cr_expect(err.status == status && strstr(err.text, part) && !strchr(err.text, '\n'), "%d: %s", err.status,
              err.text);
    cr_expect_null(v);
    free(text);
}

char *masks_all(const char *directory)
{
    return mem_format("masks:%s", masks_write(directory));
}
