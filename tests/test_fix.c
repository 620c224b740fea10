#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/json.h"
#include "base/mem.h"
#include "datasets/decode.h"
#include "tests/data_fixture.h"
#include "validate/fix.h"
#include "validate/fix_parts.h"

TestSuite(fix, .init = fixture_set_up, .fini = fixture_clean_up);

static const char planted_conf[] =
    "format = \"planted\"; name = \"p\"; classes = 4; shape = [3, 32, 32]; n_train = 80; n_test = 24; seed = 3;\n"
    "border_width = 2; border_cue = 1.0; mean = [0.5, 0.5, 0.5]; std = [0.25, 0.25, 0.25];\n";

static struct dataset *original;
static struct err err;
static int patience; /* questions until the user stops it, for good; 0: never */

static bool asked_to_stop(void)
{
    patience -= patience > 1;
    return patience == 1;
}

/* `text`, with the data in the folder `data` of the fixture unless it is generated. */
static void open_original(const char *text)
{
    char *all =
        strstr(text, "planted") ? mem_string(text) : mem_format("%sdirectory = \"%s\";\n", text, fixture_path("data"));

    fixture_text("set.conf", all);
    free(all);
    cr_assert(dataset_open(fixture_path("set.conf"), NULL, &original, &err), "%s", err.text);
}

static bool try_fix(const char *what, const char *name, int threads, bool overwrite, struct fix_result *result)
{
    static char *words[] = { (char *)"validate", (char *)"dataset" };
    struct fix f = { .data = original,
                     .source = "set.conf",
                     .directory = fixture_path(name),
                     .seed = 1,
                     .overwrite = overwrite,
                     .argc = 2,
                     .argv = words,
                     .stop = asked_to_stop };

    cr_assert(fix_parse(what, &f, &err), "%s", err.text);
    cr_assert(team_new(threads, false, &f.team, &err));
    bool ok = fix_run(&f, result, &err);
    team_free(f.team);
    return ok;
}

/* Makes the copy and opens it. */
static struct dataset *fix(const char *what, const char *name, struct fix_result *result)
{
    struct dataset *copy = NULL;
    char *path = mem_format("%s/dataset.conf", fixture_path(name));

    cr_assert(try_fix(what, name, 2, false, result), "%s", err.text);
    cr_assert(dataset_open(path, NULL, &copy, &err), "%s", err.text);
    free(path);
    return copy;
}

static struct image8 read_picture(const struct dataset *d, enum split split, int64_t i)
{
    struct image8 picture;

    cr_assert(d->read(d, split, i, &picture, &err), "%s", err.text);
    return picture;
}

/* Byte of channel c at (y, x). */
static int at(const struct image8 *p, int c, int y, int x)
{
    return p->pixels[((size_t)c * (size_t)p->h + (size_t)y) * (size_t)p->w + (size_t)x];
}

static void refused(const char *what, const char *name, bool overwrite, const char *part)
{
    struct fix_result result;

    cr_assert_not(try_fix(what, name, 1, overwrite, &result), "accepted: %s", name);
    cr_assert_not_null(strstr(err.text, part), "'%s' lacks '%s'", err.text, part);
}

static bool is_there(const char *name)
{
    struct stat s;

    return lstat(fixture_path(name), &s) == 0;
}

Test(fix, a_width_is_asked_for_and_checked)
{
    static const char *const wrong[] = { "crop-border",
                                         "crop-border:",
                                         "crop-border:0",
                                         "crop-border:-1",
                                         "crop-border:2x",
                                         "crop-borders:2",
                                         "randomize-border:",
                                         "",
                                         ":",
                                         "crop-border:99999",
                                         "randomize-border:1.5" };
    struct fix f = { 0 };

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_assert_not(fix_parse(wrong[i], &f, &err), "accepted: %s", wrong[i]);
    cr_assert(fix_parse("crop-border:3", &f, &err) && f.kind == FIX_CROP_BORDER && f.width == 3);
    cr_assert(fix_parse("randomize-border:5", &f, &err) && f.kind == FIX_RANDOMIZE_BORDER && f.width == 5);
    cr_assert(fix_parse("randomize-border", &f, &err) && f.width >= 1);
}

Test(fix, a_cropped_copy_is_the_inside_of_every_picture_under_its_label)
{
    struct fix_result result;
    open_original(planted_conf);
    struct dataset *copy = fix("crop-border:2", "copy", &result);

    cr_assert(result.written == 104 && result.left_out == 0);
    cr_assert(copy->h == 28 && copy->w == 28 && copy->c == 3 && copy->classes == 4);
    for (int split = 0; split < 2; split++) {
        cr_assert_eq(copy->count[split], original->count[split]);
        for (int64_t i = 0; i < copy->count[split]; i++) {
            struct image8 a = read_picture(original, split, i), b = read_picture(copy, split, i);
            cr_assert_eq(copy->label(copy, split, i), original->label(original, split, i));
            cr_assert(b.h == 28 && b.w == 28 && b.c == 3);
            for (int c = 0; c < 3; c++)
                for (int y = 0; y < 28; y++)
                    for (int x = 0; x < 28; x++)
                        cr_assert_eq(at(&b, c, y, x), at(&a, c, y + 2, x + 2));
            free(a.pixels);
            free(b.pixels);
        }
    }
    for (int k = 0; k < 4; k++)
        cr_assert_str_eq(copy->class_names[k], original->class_names[k]);
    dataset_close(copy);
    dataset_close(original);
}

Test(fix, mean_and_deviation_are_those_of_the_copy)
{
    struct fix_result result;
    open_original(planted_conf);
    struct dataset *copy = fix("crop-border:2", "copy", &result);

    for (int c = 0; c < 3; c++) {
        double sum = 0, square = 0, n = 80 * 28 * 28;
        for (int64_t i = 0; i < 80; i++) {
            struct image8 p = read_picture(copy, SPLIT_TRAIN, i);
            for (int k = 0; k < 28 * 28; k++) {
                double v = p.pixels[c * 28 * 28 + k] / 255.;
                sum += v;
                square += v * v;
            }
            free(p.pixels);
        }
        cr_assert_float_eq(copy->mean[c], sum / n, 1e-4);
        cr_assert_float_eq(copy->std[c] * copy->std[c], square / n - sum / n * sum / n, 1e-4);
    }
    dataset_close(copy);
    dataset_close(original);
}

/* Colour of the ring as one number. */
static int ring_colour(const struct image8 *p)
{
    return at(p, 0, 0, 0) << 16 | at(p, 1, 0, 0) << 8 | at(p, 2, 0, 0);
}

static bool same_ring(const struct image8 *a, const struct image8 *b)
{
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < 32; y++)
            for (int x = 0; x < 32; x++)
                if ((y < 2 || y > 29 || x < 2 || x > 29) && at(a, c, y, x) != at(b, c, y, x))
                    return false;
    return true;
}

Test(fix, a_randomized_border_is_that_of_another_picture_and_tells_no_label)
{
    struct fix_result result;
    struct image8 whole[80];
    int own = 0, found = 0;
    open_original(planted_conf);
    struct dataset *copy = fix("randomize-border:2", "copy", &result);

    for (int i = 0; i < 80; i++)
        whole[i] = read_picture(original, SPLIT_TRAIN, i);
    for (int i = 0; i < 80; i++) {
        struct image8 p = read_picture(copy, SPLIT_TRAIN, i);
        int donor = 0;
        while (donor < 80 && !same_ring(&p, &whole[donor]))
            donor++;
        cr_assert(donor < 80, "picture %d has a ring of nobody", i);
        found += donor != i;
        own += original->label(original, SPLIT_TRAIN, donor) == original->label(original, SPLIT_TRAIN, i);
        for (int c = 0; c < 3; c++)
            for (int y = 2; y < 30; y++)
                for (int x = 2; x < 30; x++)
                    cr_assert_eq(at(&p, c, y, x), at(&whole[i], c, y, x));
        free(p.pixels);
    }
    cr_assert(found > 70);
    cr_assert(own > 5 && own < 40, "%d of 80 rings are of the own class; 20 are expected", own); /* 3.9 deviations */
    cr_assert(copy->h == 32 && copy->w == 32);
    for (int i = 0; i < 80; i++)
        free(whole[i].pixels);
    dataset_close(copy);
    dataset_close(original);
}

Test(fix, the_planted_border_is_there_before_and_gone_afterwards)
{
    struct fix_result result;
    int before = 0, after = 0;
    open_original(planted_conf);
    struct dataset *copy = fix("randomize-border:2", "copy", &result);

    for (int i = 4; i < 80; i++) { /* same label, same colour? (to the noise: here is none) */
        struct image8 a = read_picture(original, SPLIT_TRAIN, i), b = read_picture(copy, SPLIT_TRAIN, i);
        for (int k = 0; k < i; k++) {
            if (original->label(original, SPLIT_TRAIN, k) != original->label(original, SPLIT_TRAIN, i))
                continue;
            struct image8 c = read_picture(original, SPLIT_TRAIN, k), d = read_picture(copy, SPLIT_TRAIN, k);
            before += ring_colour(&a) != ring_colour(&c);
            after += ring_colour(&b) != ring_colour(&d);
            free(c.pixels);
            free(d.pixels);
        }
        free(a.pixels);
        free(b.pixels);
    }
    cr_assert_eq(before, 0);
    cr_assert_gt(after, 400);
    dataset_close(copy);
    dataset_close(original);
}

static void same_file(const char *a, const char *b)
{
    char *x, *y;
    size_t n, m;

    cr_assert(file_read(a, 1 << 20, &x, &n, &err) && file_read(b, 1 << 20, &y, &m, &err), "%s", err.text);
    cr_assert(n == m && memcmp(x, y, n) == 0, "%s and %s differ", a, b);
    free(x);
    free(y);
}

Test(fix, threads_change_no_byte)
{
    struct fix_result result;
    open_original(planted_conf);
    cr_assert(try_fix("randomize-border", "one", 1, false, &result) &&
              try_fix("randomize-border", "three", 3, false, &result));
    for (int i = 0; i < 80; i += 7) {
        const char *shape = original->class_names[original->label(original, SPLIT_TRAIN, i)];
        char *name = mem_format("/train/%s/%06d.png", shape, i);
        char *a = mem_format("%s%s", fixture_path("one"), name), *b = mem_format("%s%s", fixture_path("three"), name);
        same_file(a, b);
        free(a);
        free(b);
        free(name);
    }
    same_file(fixture_path("one/manifest.json"), fixture_path("three/manifest.json"));
    same_file(fixture_path("one/train.list"), fixture_path("three/train.list"));
    dataset_close(original);
}

static void grey_image(const char *name, int h, int w, int value)
{
    uint8_t *pixels = mem_alloc((size_t)h * (size_t)w, 1);

    memset(pixels, value, (size_t)h * (size_t)w);
    fixture_image(name, h, w, 1, pixels);
    free(pixels);
}

static void rgb_image(const char *name, int h, int w, int value)
{
    uint8_t *pixels = mem_alloc((size_t)h * (size_t)w, 3);

    for (int i = 0; i < h * w; i++) {
        pixels[3 * i] = (uint8_t)value;
        pixels[3 * i + 1] = 0;
        pixels[3 * i + 2] = 255;
    }
    fixture_image(name, h, w, 3, pixels);
    free(pixels);
}

static const char folder_conf[] =
    "format = \"folder\"; name = \"f\"; shape = [3, 8, 8]; mean = [0.5, 0.5, 0.5]; std = [0.25, 0.25, 0.25];\n";

Test(fix, pictures_of_any_size_lose_their_share_and_what_cannot_be_copied_is_told)
{
    struct fix_result result;
    grey_image("data/train/a/0grey.png", 16, 32, 100);
    rgb_image("data/train/a/1rgb.png", 80, 40, 50);
    rgb_image("data/train/b/2point.png", 1, 1, 50);
    fixture_text("data/train/b/3text.png", "no picture");
    rgb_image("data/train/b/4.png", 8, 8, 50);
    open_original(folder_conf);
    struct dataset *copy = fix("crop-border:1", "copy", &result);

    cr_assert(result.written == 3 && result.left_out == 2);
    struct image8 grey = read_picture(copy, SPLIT_TRAIN, 0), rgb = read_picture(copy, SPLIT_TRAIN, 1);
    cr_assert(grey.c == 1 && grey.h == 12 && grey.w == 28); /* 16 pixels cover 8: twice as many are cut */
    cr_assert(rgb.c == 3 && rgb.h == 70 && rgb.w == 30);
    free(grey.pixels);
    free(rgb.pixels);
    json_t *root;
    cr_assert(json_open(fixture_path("copy/manifest.json"), 1 << 20, &root, &err));
    const json_t *list = json_object_get(root, "left_out");
    cr_assert_eq(json_array_size(list), 2);
    cr_assert_str_eq(json_string_value(json_object_get(json_array_get(list, 0), "where")), "train/b/2point.png");
    cr_assert_not_null(strstr(json_string_value(json_object_get(json_array_get(list, 0), "why")), "1 x 1"));
    cr_assert_not_null(strstr(json_string_value(json_object_get(json_array_get(list, 1), "why")), "3text.png"));
    json_decref(root);
    dataset_close(copy);
    dataset_close(original);
}

Test(fix, rings_of_other_sizes_and_colours_are_fitted)
{
    struct fix_result result;
    grey_image("data/train/a/0.png", 16, 16, 100);
    rgb_image("data/train/a/1.png", 24, 40, 50);
    open_original(folder_conf);
    struct dataset *copy = fix("randomize-border:1", "copy", &result);

    for (int i = 0; i < 2; i++) {
        struct image8 p = read_picture(copy, SPLIT_TRAIN, i);
        int corner = at(&p, 0, 0, 0), inside = at(&p, 0, p.h / 2, p.w / 2);
        cr_assert_eq(inside, i == 0 ? 100 : 50);
        cr_assert(corner == 100 || corner == (i == 0 ? (299 * 50 + 114 * 255 + 500) / 1000 : 50), "%d", corner);
        free(p.pixels);
    }
    dataset_close(copy);
    dataset_close(original);
}

Test(fix, the_original_keeps_its_bytes)
{
    struct fix_result result;
    char before[SHA256_HEX], after[SHA256_HEX];
    rgb_image("data/train/a/1.png", 24, 40, 50);
    rgb_image("data/val/a/1.png", 24, 40, 70);
    open_original(folder_conf);
    cr_assert(file_sha256(fixture_path("data/train/a/1.png"), before, &err));
    dataset_close(fix("randomize-border:1", "copy", &result));
    cr_assert(file_sha256(fixture_path("data/train/a/1.png"), after, &err));
    cr_assert_str_eq(before, after);
    dataset_close(original);
}

Test(fix, folders_are_plain_different_and_inside)
{
    static char *names[] = { (char *)"../../etc", (char *)"a/b", (char *)"A_b",    (char *)"a_b-1", (char *)".hidden",
                             (char *)"x\"y\\z\n", (char *)"",    (char *)"a_b-12", (char *)"cat" };
    enum { N = sizeof names / sizeof *names };
    struct dataset d = { .classes = N, .class_names = names };
    char **folder = fix_folders(&d);

    for (int i = 0; i < N; i++) {
        cr_assert(*folder[i] && *folder[i] != '.' && !strpbrk(folder[i], "/\\\"\n "), "'%s'", folder[i]);
        for (int k = 0; k < i; k++)
            cr_assert(strcasecmp(folder[i], folder[k]) != 0, "%s and %s become %s", names[i], names[k], folder[i]);
    }
    cr_assert_str_eq(folder[N - 1], "cat");
    for (int i = 0; i < N; i++)
        free(folder[i]);
    free(folder);
}

Test(fix, hostile_class_names_come_back_as_they_were)
{
    struct fix_result result;
    char *text = mem_format("format = \"list\"; name = \"n\\\"\\\\\\n\"; classes = 3; shape = [3, 8, 8];\n"
                            "class_names = [\"../../x\", \"2\", \"q\\\"\\\\\\x01\"];\n"
                            "mean = [0.5, 0.5, 0.5]; std = [0.25, 0.25, 0.25];\n");
    rgb_image("data/p.png", 8, 8, 1);
    fixture_text("data/train.list", "p.png\t../../x\np.png\t2\np.png\tq\"\\\x01\n");
    open_original(text);
    free(text);
    struct dataset *copy = fix("crop-border:1", "copy", &result);

    cr_assert_eq(copy->count[SPLIT_TRAIN], 3);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(copy->label(copy, SPLIT_TRAIN, i), original->label(original, SPLIT_TRAIN, i));
        cr_assert_str_eq(copy->class_names[i], original->class_names[i]);
    }
    cr_assert_not(is_there("x"));
    dataset_close(copy);
    dataset_close(original);
}

Test(fix, nothing_but_a_former_copy_is_replaced)
{
    struct fix_result result;
    open_original(planted_conf);
    fixture_text("full/letter.txt", "mine");
    refused("crop-border:1", "full", false, "is no cleaned copy");
    refused("crop-border:1", "full", true, "is no cleaned copy");
    cr_assert(is_there("full/letter.txt"));
    fixture_text("full/manifest.json", "{\"schema\": \"other\"}");
    refused("crop-border:1", "full", true, "is no cleaned copy");
    fixture_text("file", "");
    refused("crop-border:1", "file", true, "is no cleaned copy");
    cr_assert(try_fix("crop-border:1", "copy", 1, false, &result), "%s", err.text);
    refused("crop-border:2", "copy", false, "--overwrite replaces it");
    cr_assert(try_fix("crop-border:2", "copy", 1, true, &result), "%s", err.text);
    struct dataset *copy;
    cr_assert(dataset_open(fixture_path("copy/dataset.conf"), NULL, &copy, &err));
    cr_assert_eq(copy->h, 28);
    dataset_close(copy);
    cr_assert_not(is_there("copy.partial"));
    cr_assert_eq(mkdir(fixture_path("empty"), 0777), 0);
    cr_assert(try_fix("crop-border:2", "empty", 1, false, &result), "%s", err.text);
    dataset_close(original);
}

Test(fix, a_copy_and_its_original_stay_apart)
{
    rgb_image("data/train/a/1.png", 24, 40, 50);
    open_original(folder_conf);
    refused("crop-border:1", "data/copy", false, "inside the data set");
    refused("crop-border:1", "data/new/copy", false, "inside the data set");
    refused("crop-border:1", "data", true, "is no cleaned copy");
    cr_assert_eq(symlink(fixture_path("data"), fixture_path("link")), 0);
    refused("crop-border:1", "link/copy", false, "inside the data set");
    cr_assert_not(is_there("data/copy") || is_there("data/copy.partial"));
    dataset_close(original);
}

Test(fix, a_ring_must_leave_something)
{
    open_original(planted_conf);
    refused("crop-border:16", "copy", false, "take at most 15");
    refused("randomize-border:16", "copy", false, "take at most 15");
    dataset_close(original);
}

Test(fix, who_stops_it_finds_nothing)
{
    struct fix_result result;
    open_original(planted_conf);
    for (int questions = 2; questions < 100; questions += 16) {
        patience = questions;
        cr_assert_not(try_fix("crop-border:1", "copy", 1, false, &result));
        cr_assert_eq(err.status, EXIT_INTERRUPTED);
        cr_assert_not(is_there("copy") || is_there("copy.partial"));
    }
    dataset_close(original);
}

Test(fix, what_a_killed_run_left_is_taken_away_and_nothing_else)
{
    struct fix_result result;
    open_original(planted_conf);
    fixture_text("copy.partial/lock", "");
    fixture_text("copy.partial/train/disc/000000.png", "torn");
    cr_assert(try_fix("crop-border:1", "copy", 1, false, &result), "%s", err.text);
    cr_assert(is_there("copy/dataset.conf") && !is_there("copy.partial"));
    cr_assert_not(is_there("copy/lock"));
    fixture_text("other.partial/letter.txt", "mine");
    refused("crop-border:1", "other", false, "is in the way");
    cr_assert(is_there("other.partial/letter.txt"));
    dataset_close(original);
}

Test(fix, no_readable_picture_is_no_copy)
{
    fixture_text("data/train/a/1.png", "no picture");
    open_original(folder_conf);
    refused("crop-border:1", "copy", false, "not one picture can be copied");
    cr_assert_not(is_there("copy") || is_there("copy.partial"));
    dataset_close(original);
}
