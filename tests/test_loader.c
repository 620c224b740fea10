#include <criterion/criterion.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"
#include "datasets/loader.h"

/* A data set in memory: image i is 1 x 2 x 2, pixels i, i+1, i+2, i+3 (mod 256), label i % 7; some images cannot be
 * read. */
static int64_t broken_from = -1, broken_to = -1;
static atomic_int reads;

static int fake_label(const struct dataset *ds, enum split split, int64_t i)
{
    (void)ds, (void)split;
    return (int)(i % 7);
}

static bool fake_read(const struct dataset *ds, enum split split, int64_t i, struct image8 *out, struct err *err)
{
    (void)ds, (void)split;
    atomic_fetch_add(&reads, 1);
    if (i % 5 == 0)
        usleep(50); /* images take different times, so threads finish out of order */
    if (i >= broken_from && i < broken_to)
        return err_run(err, "image %lld is broken", (long long)i);
    *out = (struct image8){ 1, 2, 2, mem_alloc(4, 1) };
    for (int k = 0; k < 4; k++)
        out->pixels[k] = (uint8_t)(i + k);
    return true;
}

static struct dataset fake = {
    .name = "fake", .classes = 7, .c = 1, .h = 2, .w = 2, .count = { 1000, 103 }, .label = fake_label, .read = fake_read
};

static struct loader_options options(enum split split, int threads)
{
    return (struct loader_options){
        .dataset = &fake,
        .split = split,
        .training = split == SPLIT_TRAIN,
        .seed = 5,
        .batch = 32,
        .threads = threads,
        .ahead = 3,
        .augment = { .c = 1, .h = 2, .w = 2, .flip = true, .crop_pad = 1, .test_resize = 1 },
    };
}

static struct loader *open_loader(struct loader_options o)
{
    struct loader *l;
    struct err err;
    cr_assert(loader_open(&o, &l, &err), "%s", err.text);
    return l;
}

static struct batch next(struct loader *l)
{
    struct batch b;
    struct err err;
    cr_assert(loader_next(l, &b, &err), "%s", err.text);
    return b;
}

static void hash_batch(struct sha256 *sum, const struct batch *b)
{
    sha256_add(sum, &b->n, sizeof b->n);
    sha256_add(sum, b->x, (size_t)b->n * 4 * sizeof(float));
    sha256_add(sum, b->label, (size_t)b->n * sizeof(int));
    sha256_add(sum, b->index, (size_t)b->n * sizeof(int64_t));
}

static void hash_run(struct loader_options o, int batches, char hex[SHA256_HEX])
{
    struct loader *l = open_loader(o);
    struct sha256 *sum = sha256_new();
    for (int i = 0; i < batches; i++) {
        struct batch b = next(l);
        hash_batch(sum, &b);
    }
    sha256_finish(sum, hex);
    loader_close(l);
}

Test(loader, same_bytes_for_any_number_of_threads_and_any_read_ahead)
{
    char one[SHA256_HEX], four[SHA256_HEX], far[SHA256_HEX], other[SHA256_HEX];
    struct loader_options o = options(SPLIT_TRAIN, 1);
    hash_run(o, 100, one);
    o.threads = 4;
    hash_run(o, 100, four);
    o.ahead = 40;
    hash_run(o, 100, far);
    o.seed = 6;
    hash_run(o, 100, other);
    cr_assert_str_eq(one, four);
    cr_assert_str_eq(one, far);
    cr_assert_str_neq(one, other);
}

Test(loader, each_epoch_is_a_permutation_and_drops_the_partial_batch)
{
    struct loader *l = open_loader(options(SPLIT_TRAIN, 3));
    int order[2][992];
    cr_assert_eq(loader_batches(l), 31);
    for (int epoch = 0; epoch < 2; epoch++) {
        int seen[1000] = { 0 };
        for (int number = 0; number < 31; number++) {
            struct batch b = next(l);
            cr_assert(b.epoch == epoch && b.number == number && b.n == 32);
            for (int i = 0; i < b.n; i++) {
                cr_assert(b.index[i] >= 0 && b.index[i] < 1000 && b.label[i] == b.index[i] % 7);
                cr_assert_eq(seen[b.index[i]]++, 0);
                order[epoch][number * 32 + i] = (int)b.index[i];
            }
        }
    }
    cr_assert_neq(memcmp(order[0], order[1], sizeof order[0]), 0);
    loader_close(l);
}

Test(loader, seek_equals_running_there)
{
    struct loader *running = open_loader(options(SPLIT_TRAIN, 2)), *seeking = open_loader(options(SPLIT_TRAIN, 3));
    for (int i = 0; i < 31 * 2 + 17; i++)
        next(running);
    loader_seek(seeking, 2, 17);
    for (int i = 0; i < 40; i++) {
        struct batch a = next(running), b = next(seeking);
        cr_assert(a.epoch == b.epoch && a.number == b.number && a.n == b.n);
        cr_assert_eq(memcmp(a.x, b.x, (size_t)a.n * 4 * sizeof(float)), 0);
        cr_assert_eq(memcmp(a.index, b.index, (size_t)a.n * sizeof(int64_t)), 0);
    }
    loader_close(running);
    loader_close(seeking);
}

/* shown[1000][4]: each image of epoch 0 as it is shown with this batch size; images that are left out stay at -1. */
static void collect(int batch, float shown[1000][4])
{
    struct loader_options o = options(SPLIT_TRAIN, 2);
    o.batch = batch;
    struct loader *l = open_loader(o);
    for (int i = 0; i < 1000; i++)
        shown[i][0] = -1;
    for (int i = 0; i < loader_batches(l); i++) {
        struct batch b = next(l);
        for (int k = 0; k < b.n; k++)
            memcpy(shown[b.index[k]], b.x + k * 4, sizeof shown[0]);
    }
    loader_close(l);
}

Test(loader, augmentation_depends_on_the_image_not_on_the_batch)
{
    static float small[1000][4], large[1000][4];
    int compared = 0;
    collect(7, small);
    collect(64, large);
    for (int i = 0; i < 1000; i++) {
        if (small[i][0] < 0 || large[i][0] < 0)
            continue;
        cr_assert_eq(memcmp(small[i], large[i], sizeof small[0]), 0, "image %d", i);
        compared++;
    }
    cr_assert_gt(compared, 900);
}

/* Threads that are busy with the batches of before may not write into those of after. */
Test(loader, seek_works_at_any_moment)
{
    struct loader_options o = options(SPLIT_TRAIN, 4);
    o.augment.flip = false, o.augment.crop_pad = 0;
    struct loader *l = open_loader(o);
    for (int i = 0; i < 300; i++) {
        loader_seek(l, i % 5, i % 31);
        for (int k = 0; k < i % 4; k++) {
            struct batch b = next(l);
            cr_assert_eq(b.epoch * 31 + b.number, i % 5 * 31 + i % 31 + k);
            for (int j = 0; j < b.n * 4; j++)
                cr_assert_eq(b.x[j], (float)(uint8_t)(b.index[j / 4] + j % 4) / 255.0f);
        }
    }
    loader_seek(l, 3, 31);
    struct batch b = next(l);
    cr_assert(b.epoch == 4 && b.number == 0, "the end of an epoch is the start of the next");
    loader_close(l);
}

Test(loader, testing_goes_in_file_order_with_a_partial_last_batch_and_ends)
{
    struct loader *l = open_loader(options(SPLIT_TEST, 3));
    cr_assert_eq(loader_batches(l), 4);
    for (int run = 0; run < 3; run++) {
        for (int number = 0; number < 4; number++) {
            struct batch b = next(l);
            cr_assert(b.n == (number < 3 ? 32 : 7) && b.number == number);
            for (int i = 0; i < b.n; i++) {
                cr_assert_eq(b.index[i], number * 32 + i);
                for (int k = 0; k < 4; k++)
                    cr_assert_eq(b.x[i * 4 + k], (float)(uint8_t)(b.index[i] + k) / 255.0f,
                                 "no augmentation in testing");
            }
        }
        cr_assert_eq(next(l).n, 0);
        cr_assert_eq(next(l).n, 0);
        loader_seek(l, 0, 0);
    }
    loader_seek(l, 0, 4);
    cr_assert_eq(next(l).n, 0);
    loader_close(l);
}

Test(loader, a_split_smaller_than_a_batch_is_one_partial_batch)
{
    struct loader_options o = options(SPLIT_TRAIN, 2);
    o.limit = 10;
    struct loader *l = open_loader(o);
    cr_assert_eq(loader_batches(l), 1);
    for (int epoch = 0; epoch < 20; epoch++) {
        struct batch b = next(l);
        int seen = 0;
        cr_assert(b.n == 10 && b.epoch == epoch && b.number == 0);
        for (int i = 0; i < 10; i++)
            seen |= 1 << b.index[i];
        cr_assert_eq(seen, 1023, "limit takes the first images of the split");
    }
    loader_close(l);
}

Test(loader, the_batch_stays_untouched_until_the_next_call)
{
    struct loader_options o = options(SPLIT_TRAIN, 4);
    o.ahead = 1;
    struct loader *l = open_loader(o);
    for (int i = 0; i < 50; i++) {
        struct batch b = next(l);
        float copy[32 * 4];
        memcpy(copy, b.x, sizeof copy);
        usleep(500);
        cr_assert_eq(memcmp(copy, b.x, sizeof copy), 0);
    }
    loader_close(l);
}

Test(loader, an_error_arrives_at_its_batch_and_names_its_first_image)
{
    for (int threads = 1; threads <= 4; threads += 3) {
        broken_from = 40, broken_to = 60;
        struct loader *l = open_loader(options(SPLIT_TEST, threads));
        struct batch b;
        struct err err;
        next(l);
        cr_assert_not(loader_next(l, &b, &err));
        cr_assert_str_eq(err.text, "image 40 is broken");
        cr_assert_eq(next(l).number, 2, "the batch behind it is whole");
        loader_close(l);
    }
}

Test(loader, closing_while_threads_work_is_safe)
{
    for (int i = 0; i < 200; i++) {
        struct loader *l = open_loader(options(SPLIT_TRAIN, 1 + i % 5));
        if (i % 3)
            next(l);
        loader_close(l);
    }
    loader_close(NULL);
}

Test(loader, reads_no_further_ahead_than_told)
{
    struct loader_options o = options(SPLIT_TRAIN, 4);
    o.ahead = 2;
    struct loader *l = open_loader(o);
    next(l);
    for (int i = 0; i < 10000 && atomic_load(&reads) < 3 * 32; i++)
        usleep(1000);
    usleep(200000); /* time for one more */
    cr_assert_eq(atomic_load(&reads), 3 * 32, "the batch in use and two ahead");
    loader_close(l);
}

Test(loader, refuses_an_empty_split_and_impossible_sizes)
{
    struct loader *l;
    struct err err;
    struct loader_options o = options(SPLIT_TRAIN, 1);
    struct dataset empty = fake;
    empty.count[SPLIT_TRAIN] = 0;
    o.dataset = &empty;
    cr_assert_not(loader_open(&o, &l, &err));
    cr_assert(strstr(err.text, "fake: the data set has no training images"), "%s", err.text);
    o.dataset = &fake;
    o.batch = 1 << 30;
    o.augment.h = o.augment.w = 4096;
    cr_assert_not(loader_open(&o, &l, &err));
    cr_assert(strstr(err.text, "use a smaller batch"), "%s", err.text);
    cr_assert_null(l);
}

/* --- part of a split ---------------------------------------------------------------------------------------------- */

Test(loader, leaves_out_one_part_and_only_that)
{
    static const struct {
        int without, parts;
        int64_t limit;
    } cases[] = { { 0, 2, 0 }, { 1, 2, 0 }, { 2, 5, 0 }, { 4, 5, 0 }, { 999, 1000, 0 }, { 2, 5, 103 }, { 4, 7, 25 } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct loader_options o = options(SPLIT_TRAIN, 2);
        int64_t all = cases[i].limit ? cases[i].limit : 1000, used = 0;
        int seen[1000] = { 0 };
        o.without = cases[i].without, o.parts = cases[i].parts, o.limit = cases[i].limit, o.batch = 1;
        struct loader *l = open_loader(o);
        for (int64_t image = 0; image < all; image++)
            used += image % o.parts != o.without;
        cr_expect_eq(loader_images(l), used);
        cr_expect_eq(loader_batches(l), used);
        for (int64_t k = 0; k < 2 * used; k++)
            seen[next(l).index[0]]++;
        for (int image = 0; image < 1000; image++)
            cr_expect_eq(seen[image], image < all && image % o.parts != o.without ? 2 : 0, "image %d", image);
        loader_close(l);
    }
}

Test(loader, leaving_a_part_out_of_a_test_keeps_the_order_of_the_files)
{
    struct loader_options o = options(SPLIT_TEST, 3);
    int64_t last = -1, n = 0;
    o.without = 1, o.parts = 4;
    struct loader *l = open_loader(o);
    for (struct batch b = next(l); b.n > 0; b = next(l))
        for (int i = 0; i < b.n; i++, n++) {
            cr_expect(b.index[i] > last && b.index[i] % 4 != 1);
            cr_expect_eq(b.x[i * 4], (float)(uint8_t)b.index[i] / 255.0f);
            last = b.index[i];
        }
    cr_expect_eq(n, 77);
    loader_close(l);
}

Test(loader, a_part_that_holds_all_images_cannot_be_left_out)
{
    struct loader_options o = options(SPLIT_TRAIN, 1);
    struct loader *l;
    struct err err;
    o.limit = 1, o.without = 0, o.parts = 2;
    cr_assert_not(loader_open(&o, &l, &err));
    cr_assert(strstr(err.text, "fake: every one of its images is left out"), "%s", err.text);
}

/* --- views -------------------------------------------------------------------------------------------------------- */

static struct masked_view *open_random_view(const struct augment *frame)
{
    struct view_options v = {
        .text = "random:0.5", .data = &fake, .frame = frame, .baseline = BASELINE_NOISE, .seed = 5
    };
    struct masked_view *view;
    struct err err;
    cr_assert(view_open(&v, &view, &err), "%s", err.text);
    return view;
}

Test(loader, a_view_is_the_same_for_any_number_of_threads)
{
    char one[SHA256_HEX], four[SHA256_HEX], whole[SHA256_HEX];
    struct loader_options o = options(SPLIT_TRAIN, 1);
    struct masked_view *view = open_random_view(&o.augment);
    hash_run(o, 100, whole);
    o.view = view;
    hash_run(o, 100, one);
    o.threads = 4, o.ahead = 17;
    hash_run(o, 100, four);
    cr_expect_str_eq(one, four);
    cr_expect_str_neq(one, whole);
    view_close(view);
}

Test(loader, an_image_has_the_same_mask_in_every_epoch)
{
    static float first[1000][4];
    struct loader_options o = options(SPLIT_TRAIN, 3);
    int different = 0;
    o.augment.flip = false, o.augment.crop_pad = 0, o.batch = 1;
    struct masked_view *view = open_random_view(&o.augment);
    o.view = view;
    struct loader *l = open_loader(o);
    for (int k = 0; k < 3000; k++) {
        struct batch b = next(l);
        float *then = first[b.index[0]];
        if (k < 1000)
            memcpy(then, b.x, sizeof *first);
        cr_expect_arr_eq(b.x, then, sizeof *first, "epoch %d, image %d", b.epoch, (int)b.index[0]);
        for (int i = 0; i < 4; i++)
            different += b.x[i] != (float)(uint8_t)(b.index[0] + i) / 255.0f;
    }
    cr_expect_eq(different, 3000 * 2, "two of four pixels are hidden");
    loader_close(l);
    view_close(view);
}

/* Of 103 test images the last batch has 7: fewer than slices. */
Test(loader, slices_together_are_the_batch)
{
    for (int split = 0; split < 2; split++)
        for (int slices = 2; slices <= 9; slices += 7) {
            struct loader *whole = open_loader(options(split, 2)), *slice[9];
            for (int k = 0; k < slices; k++) {
                struct loader_options o = options(split, 2);
                o.slice = k;
                o.slices = slices;
                slice[k] = open_loader(o);
                cr_assert_eq(loader_batches(slice[k]), loader_batches(whole));
                cr_assert_eq(loader_images(slice[k]), loader_images(whole));
            }
            for (int b = 0; b < 40; b++) {
                struct batch all = next(whole);
                int n = 0, least = 32, most = 0;
                for (int k = 0; k < slices; k++) {
                    struct batch part = next(slice[k]);
                    cr_assert(part.whole == all.n && all.whole == all.n && part.epoch == all.epoch);
                    least = part.n < least ? part.n : least;
                    most = part.n > most ? part.n : most;
                    if (part.n == 0)
                        continue; /* at the end there are no arrays */
                    cr_assert_eq(memcmp(part.index, all.index + n, (size_t)part.n * sizeof *part.index), 0);
                    cr_assert_eq(memcmp(part.x, all.x + 4 * n, (size_t)part.n * 4 * sizeof *part.x), 0);
                    cr_assert_eq(memcmp(part.label, all.label + n, (size_t)part.n * sizeof *part.label), 0);
                    n += part.n;
                }
                cr_assert_eq(n, all.n);
                cr_assert(most - least <= 1);
                if (all.n == 0)
                    break;
            }
            loader_close(whole);
            for (int k = 0; k < slices; k++)
                loader_close(slice[k]);
        }
}

Test(loader, a_slice_reads_its_own_images_only)
{
    struct loader_options o = options(SPLIT_TEST, 1);
    o.slice = 1;
    o.slices = 3;
    int before = atomic_load(&reads), n = 0;
    struct loader *l = open_loader(o);
    for (struct batch b = next(l); b.whole > 0; b = next(l))
        n += b.n;
    loader_close(l);
    cr_assert_eq(n, 11 + 11 + 11 + 2); /* of 32, 32, 32 and 7 images */
    cr_assert_eq(atomic_load(&reads) - before, n);
}
