/* Finished results that somebody has changed are refused. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "base/mem.h"
#include "base/npz.h"
#include "tests/results_fixture.h"

static struct err err;

TestSuite(sis_results, .init = results_set_up, .fini = results_clean_up);

/* A finished directory in which `from` is replaced by `to` in one of the two text files. */
static void expect_refused(const char *name, const char *from, const char *to, const char *part)
{
    struct sis_records r;
    size_t n;
    char *text = results_content("out", name, &n), *path = file_join("out", name), *at = strstr(text, from);
    cr_assert_not_null(at, "%s is not in %s", from, name);
    char *new = mem_format("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    results_put(path, new, strlen(new));
    cr_expect_not(sis_records_read("out", &r, &err), "%s instead of %s was accepted", to, from);
    results_expect_text(&err, part);
    cr_expect_eq(err.status, EXIT_CANNOT_RUN);
    results_put(path, text, n);
    free(text);
    free(path);
    free(new);
}

Test(sis_results, a_changed_identity_is_refused)
{
    static const struct {
        const char *from, *to, *part;
    } cases[] = {
        { "marginalia/sis", "marginalia/sos", "out/sis.json: schema is not marginalia/sis" },
        { "\"version\": 1", "\"version\": 2", "out/sis.json: version is not 1" },
        { "{", "[{", "out/sis.json:" },
        { "\"height\": 2", "\"height\": 0", "out/sis.json: height is out of range" },
        { "\"height\": 2", "\"height\": 2.0", "out/sis.json: height is not a whole number" },
        { "\"height\": 2", "\"hight\": 2", "out/sis.json: height is missing" },
        { "\"height\": 2", "\"height\": 2, \"depth\": 2", "out/sis.json: the list of keys has one that does not" },
        { "\"height\": 2", "\"height\": 65536, \"x\": 1", "out/sis.json: the list of keys" },
        { "\"height\": 2", "\"height\": 60000", "out/masks.npz: order is <u2 with 2 dimensions, not <u4" },
        { "\"classes\": 3", "\"classes\": 2", "out: image 3: a class is not one of the model's" },
        { "\"aaa", "\"Aaa", "out/sis.json: weights_sha256 is no SHA-256" },
        { "\"test\"", "\"validation\"", "out/sis.json: split is neither test nor train" },
        { "\"gradient\"", "\"gradients\"", "out/sis.json: method is none of backselect|gradient|screened" },
        { "\"margin\"", "\"logit\"", "out/sis.json: rank is none of margin|probability" },
        { "\"margin\"", "\"probability\"", "out: image 2: a value is no probability" },
        { "\"predicted\"", "\"3\"", "out/sis.json: target is none of" },
        { "\"mean\"", "\"meanest\"", "out/sis.json: baseline is none of mean|" },
        { "0.90000000000000002", "1.5", "out/sis.json: thresholds is not" },
        { "0.90000000000000002", "0.5", "out/sis.json: thresholds is not" },
        { "0.90000000000000002", "0.9000000000000001", "out/sis.json: thresholds has more than 15 digits" },
        { "0.90000000000000002", "0.91", "out/masks.npz: threshold does not follow" },
        { "\"collection\": true", "\"collection\": false", "out: image 3: has a collection that was not asked" },
        { "\"images\": 7", "\"images\": 6", "out/sis.jsonl:7: has more lines than images" },
        { "\"images\": 7", "\"images\": 8", "out/sis.jsonl:8: the file ends before its last image" },
        { "\"images\": 7", "\"images\": 2000000000", "out/sis.jsonl: is too short for 2000000000 images" },
        { "\"shard\": 1", "\"shard\": 2", "out/sis.json: shard is larger than shards" },
        { "\"seed\": 7", "\"seed\": -7", "out/sis.json: seed is out of range" },
    };
    struct sis_identity d = results_identity(1, 1);
    results_make("out", &d);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_refused("sis.json", cases[i].from, cases[i].to, cases[i].part);
}

Test(sis_results, changed_lines_are_refused)
{
    static const struct {
        const char *from, *to, *part;
    } cases[] = {
        { "\"image\":3", "\"image\":4", "out: its images are not those" },
        { "\"image\":3", "\"image\":2", "out: image 2: is not above the one before" },
        { "\"label\":1", "\"label\":4294967297", "out/sis.jsonl:2: does not agree with masks.npz" },
        { "\"label\":1", "\"label\":7", "out: image 3: a class is not" },
        { "\"confidence\":0", "\"confidence\":1", "out: image 2: a confidence is not within 0..1" },
        { "\"confidence\":", "\"confidence\":NaN", "out/sis.jsonl:1: is no line" },
        { "\"0.9\":6", "\"0.9\":4", "out/sis.jsonl:1: does not agree" },
        { "\"0.9\":4", "\"0.9\":null", "out/sis.jsonl:2: does not agree" },
        { "\"order\":1", "\"order\":2", "out/sis.jsonl:2: does not agree" },
        { "[1]", "[2]", "out/sis.jsonl:2: does not agree" },
        { "[1]", "[]", "out/masks.npz: collection_mask has" },
        { "[1]", "1", "out/sis.jsonl:2: is no line" },
        { "\n", " ", "out/sis.jsonl:1: is no line" },
        { "{", "", "out/sis.jsonl:1: is no line" },
        { "\"label\"", "\"image\"", "out/sis.jsonl:1: is no line" },
        { "\"label\"", "\"extra\":1,\"label\"", "out/sis.jsonl:1: does not agree" },
    };
    struct sis_identity d = results_identity(1, 1);
    results_make("out", &d);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_refused("sis.jsonl", cases[i].from, cases[i].to, cases[i].part);
}

/* What a hand that knows npz may have done to the arrays. */
static void spoil(struct npz *z, int what)
{
    struct npz_array *image = &z->array[0], *order = &z->array[1], *removed = &z->array[2], *value = &z->array[3];
    struct npz_array *size = &z->array[4], *mask = &z->array[5], *threshold = &z->array[6];
    struct npz_array *c_image = &z->array[7], *c_mask = &z->array[8], *c_value = &z->array[9];
    switch (what) {
    case 0: ((int64_t *)image->data)[0] = 1; break;
    case 1: ((uint16_t *)order->data)[0] = ((uint16_t *)order->data)[1]; break;
    case 2: ((uint16_t *)order->data)[0] = 65535; break;
    case 3: ((uint32_t *)removed->data)[1] = 1; break;
    case 4: ((uint32_t *)removed->data)[3] = 7; break;
    case 5: ((double *)value->data)[0] = NAN; break;
    case 6: ((double *)value->data)[7] = 9; break;
    case 7: ((int64_t *)size->data)[0] = 5; break;
    case 8: ((uint8_t *)mask->data)[0] ^= 1; break;
    case 9: ((double *)threshold->data)[0] = 0.6; break;
    case 10: ((int64_t *)c_image->data)[0] = 2; break;
    case 11: ((uint8_t *)c_mask->data)[0] ^= 1; break;
    case 12: memset(c_mask->data, 0, npz_bytes(c_mask)); break;
    case 13: ((double *)c_value->data)[0] = 0; break;
    case 14: z->n--; break;
    case 15: snprintf(mask->name, sizeof mask->name, "masks"); break;
    case 16: order->shape[0]--; break;
    case 17: removed->shape[0] = 0; break;
    case 18: size->type = NPZ_F64; break;
    case 19: ((double *)value->data)[0] += 1e-12; break; /* nothing else follows from it: not seen */
    }
}

Test(sis_results, changed_arrays_are_refused)
{
    enum { SPOILS = 20 };
    static const char *const part[SPOILS] = {
        "masks.npz: image does not follow",
        "order does not hold every pixel once",
        "every pixel once",
        "masks.npz: ",
        "states do not rise",
        "NaN or infinite",
        "does not",
        "masks.npz: size does not follow",
        "masks.npz: mask does not follow",
        "masks.npz: threshold does not follow",
        "masks.npz: collection_image does not follow",
        "sis.jsonl:",
        "collection are empty",
        "does not reach the threshold",
        "masks.npz: has no array collection_value",
        "has no array mask",
        "masks.npz: order has 6 items in dimension 0, not 7",
        "masks.npz: value has 4 items in dimension 1, not 0",
        "masks.npz: size is <f8",
        NULL,
    };
    struct sis_identity d = results_identity(1, 1);
    struct sis_records r;
    results_make("out", &d);
    for (int what = 0; what < SPOILS; what++) {
        struct npz z;
        cr_assert(npz_read("out/masks.npz", 1 << 20, &z, &err), "%s", err.text);
        int n = z.n;
        size_t length;
        char *good = results_content("out", "masks.npz", &length);
        spoil(&z, what);
        cr_assert(npz_write("out/masks.npz", z.array, z.n, &err), "%s", err.text);
        bool ok = sis_records_read("out", &r, &err);
        cr_expect_eq(ok, part[what] == NULL, "case %d: %s", what, err.text);
        if (ok)
            sis_records_free(&r);
        else
            results_expect_text(&err, part[what]);
        results_put("out/masks.npz", good, length);
        free(good);
        z.n = n;
        npz_free(&z);
    }
}

Test(sis_results, truncated_results_are_refused)
{
    static const char *const names[] = { "sis.json", "sis.jsonl", "masks.npz" };
    struct sis_identity d = results_identity(1, 1);
    struct sis_records r;
    results_make("out", &d);
    for (int i = 0; i < 3; i++) {
        size_t n;
        char *text = results_content("out", names[i], &n), *path = file_join("out", names[i]);
        for (size_t cut = 0; cut < n - (i == 0); cut += 7) { /* sis.json is whole without its final newline */
            results_put(path, text, cut);
            cr_expect_not(sis_records_read("out", &r, &err), "%zu bytes of %s were enough", cut, names[i]);
            results_expect_text(&err, path);
            cr_expect_eq(err.status, EXIT_CANNOT_RUN);
        }
        unlink(path);
        cr_expect_not(sis_records_read("out", &r, &err));
        results_expect_text(&err, path);
        results_put(path, text, n);
        free(text);
        free(path);
    }
    cr_assert(sis_records_read("out", &r, &err), "%s", err.text);
    sis_records_free(&r);
}
