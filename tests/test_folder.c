#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
#include "datasets/image_list.h"
#include "tests/data_fixture.h"

TestSuite(folder, .init = fixture_set_up, .fini = fixture_clean_up);
TestSuite(list, .init = fixture_set_up, .fini = fixture_clean_up);

static const uint8_t pixel[3] = { 10, 20, 30 };

static void touch(const char *name)
{
    if (strstr(name, ".jpg"))
        fixture_copy(name, "tests/data/flat.jpg");
    else
        fixture_image(name, 1, 1, 3, pixel);
}

static void make_folder(void)
{
    touch("train/dog/b.ppm");
    touch("train/dog/a.ppm");
    touch("train/cat/z.png");
    touch("train/Ant/x.jpg");
    touch("val/dog/v.ppm");
}

static void check_where(const struct dataset *ds, enum split split, int64_t i, const char *path, int label)
{
    char *where = ds->where(ds, split, i);
    cr_assert_str_eq(where, path);
    cr_assert_eq(ds->label(ds, split, i), label);
    free(where);
}

Test(folder, classes_and_images_are_in_byte_order)
{
    struct dataset *ds;
    struct err err;
    struct image8 image;
    make_folder();
    fixture_text("train/cat/notes.txt", "passed over");
    fixture_text("train/cat/.hidden.png", "passed over");
    fixture_text("train/README", "passed over");
    cr_assert(fixture_open(fixture_folder_conf, &ds, &err), "%s", err.text);
    cr_assert(ds->classes == 3 && ds->count[SPLIT_TRAIN] == 4 && ds->count[SPLIT_TEST] == 1);
    cr_assert_str_eq(ds->class_names[0], "Ant");
    cr_assert_str_eq(ds->class_names[1], "cat");
    check_where(ds, SPLIT_TRAIN, 0, "train/Ant/x.jpg", 0);
    check_where(ds, SPLIT_TRAIN, 1, "train/cat/z.png", 1);
    check_where(ds, SPLIT_TRAIN, 2, "train/dog/a.ppm", 2);
    check_where(ds, SPLIT_TRAIN, 3, "train/dog/b.ppm", 2);
    check_where(ds, SPLIT_TEST, 0, "val/dog/v.ppm", 2);
    cr_assert(ds->read(ds, SPLIT_TRAIN, 2, &image, &err), "%s", err.text);
    cr_assert(image.c == 3 && memcmp(image.pixels, pixel, 3) == 0);
    free(image.pixels);
    dataset_close(ds);
}

Test(folder, labels_txt_names_the_classes)
{
    struct dataset *ds;
    struct err err;
    make_folder();
    fixture_text("labels.txt", "#wnid\tindex\tname\r\ncat\t7\thouse cat\r\nother\t1\tx\r\ndog\t3\tEnglish springer");
    cr_assert(fixture_open(fixture_folder_conf, &ds, &err), "%s", err.text);
    cr_assert_str_eq(ds->class_names[0], "Ant");
    cr_assert_str_eq(ds->class_names[1], "house cat");
    cr_assert_str_eq(ds->class_names[2], "English springer");
    dataset_close(ds);
}

Test(folder, one_split_is_enough)
{
    struct dataset *ds;
    struct err err;
    touch("val/dog/v.ppm");
    cr_assert(fixture_open(fixture_folder_conf, &ds, &err), "%s", err.text);
    cr_assert(ds->classes == 1 && ds->count[SPLIT_TRAIN] == 0 && ds->count[SPLIT_TEST] == 1);
    dataset_close(ds);
}

Test(folder, test_is_used_where_there_is_no_val_and_names_can_be_given)
{
    struct dataset *ds;
    struct err err;
    make_folder();
    touch("test/cat/t.ppm");
    rename(fixture_path("val"), fixture_path("other"));
    cr_assert(fixture_open(fixture_folder_conf, &ds, &err), "%s", err.text);
    check_where(ds, SPLIT_TEST, 0, "test/cat/t.ppm", 1);
    dataset_close(ds);
    char *text = mem_format("%stest = \"other\";", fixture_folder_conf);
    cr_assert(fixture_open(text, &ds, &err), "%s", err.text);
    check_where(ds, SPLIT_TEST, 0, "other/dog/v.ppm", 2);
    dataset_close(ds);
    free(text);
    text = mem_format("%stest = \"absent\";", fixture_folder_conf);
    fixture_refused(text, "absent: No such file", NULL);
    free(text);
}

Test(folder, refuses_what_would_be_lost_silently)
{
    fixture_refused(fixture_folder_conf, "neither train/ nor val/", "--data DIR", NULL);
    fixture_text("train/.x", "");
    fixture_refused(fixture_folder_conf, "/train: 0 class directories", NULL);
    make_folder();
    fixture_text("train/empty/readme.txt", "");
    fixture_refused(fixture_folder_conf, "train/empty: no image in this class", "remove the directory", NULL);
    remove(fixture_path("train/empty/readme.txt")), remove(fixture_path("train/empty"));
    touch("train/loose.jpg");
    fixture_refused(fixture_folder_conf, "train/loose.jpg: image outside a class directory", NULL);
    remove(fixture_path("train/loose.jpg"));
    touch("train/dog/puppies/p.jpg");
    fixture_refused(fixture_folder_conf, "train/dog/puppies: directory inside a class", NULL);
    remove(fixture_path("train/dog/puppies/p.jpg")), remove(fixture_path("train/dog/puppies"));
    touch("val/wolf/w.jpg");
    fixture_refused(fixture_folder_conf, "val/wolf: class that the training split does not have", NULL);
}

Test(folder, refuses_broken_and_circular_links)
{
    make_folder();
    cr_assert_eq(symlink("nowhere", fixture_path("train/dog/link.jpg")), 0);
    fixture_refused(fixture_folder_conf, "train/dog/link.jpg: No such file", "repair the link", NULL);
    remove(fixture_path("train/dog/link.jpg"));
    cr_assert_eq(symlink("loop", fixture_path("train/loop")), 0);
    fixture_refused(fixture_folder_conf, "train/loop", "repair the link", NULL);
    remove(fixture_path("train/loop"));
    cr_assert_eq(symlink("..", fixture_path("train/up")), 0);
    fixture_refused(fixture_folder_conf, "train/up", NULL);
}

Test(folder, refuses_unreadable_directories)
{
    if (geteuid() == 0)
        cr_skip_test("root reads everything");
    make_folder();
    chmod(fixture_path("train/cat"), 0);
    fixture_refused(fixture_folder_conf, "train/cat: Permission denied", NULL);
}

Test(folder, follows_links_and_keeps_strange_names)
{
    struct dataset *ds;
    struct err err;
    make_folder();
    touch("train/cat/new\nline \x01 end.ppm");
    cr_assert_eq(symlink("../dog/b.ppm", fixture_path("train/cat/linked.ppm")), 0);
    cr_assert(fixture_open(fixture_folder_conf, &ds, &err), "%s", err.text);
    check_where(ds, SPLIT_TRAIN, 1, "train/cat/linked.ppm", 1);
    check_where(ds, SPLIT_TRAIN, 2, "train/cat/new\nline \x01 end.ppm", 1);
    dataset_close(ds);
    fixture_text("train/cat/new\nline \x01 end.ppm", "no image");
    cr_assert(fixture_open(fixture_folder_conf, &ds, &err));
    struct image8 image;
    cr_assert_not(ds->read(ds, SPLIT_TRAIN, 2, &image, &err));
    cr_assert(!strchr(err.text, '\n') && !strchr(err.text, 1) && strstr(err.text, "new\\x0aline"), "%s", err.text);
    dataset_close(ds);
}

Test(folder, class_counts_must_agree)
{
    make_folder();
    char *text = mem_format("%sclasses = 4;", fixture_folder_conf);
    fixture_refused(text, "classes = 4, but the data have 3", NULL);
    free(text);
}

Test(folder, hash_depends_on_names_and_sizes)
{
    struct dataset *ds;
    struct err err;
    char first[SHA256_HEX], again[SHA256_HEX], other[SHA256_HEX];
    make_folder();
    cr_assert(fixture_open(fixture_folder_conf, &ds, &err) && ds->hash(ds, first, &err) && ds->hash(ds, again, &err));
    cr_assert_str_eq(first, again);
    dataset_close(ds);
    rename(fixture_path("train/dog/b.ppm"), fixture_path("train/cat/b.ppm"));
    cr_assert(fixture_open(fixture_folder_conf, &ds, &err) && ds->hash(ds, other, &err));
    cr_assert_str_neq(first, other);
    dataset_close(ds);
}

#define LIST_CONF "format = \"list\"; name = \"tiny\"; classes = 3; class_names = [\"cat\", \"big dog\", \"2\"];" \
    "shape = [3, 32, 32]; mean = [0.5, 0.5, 0.5]; std = [0.25, 0.25, 0.25];\n"

Test(list, takes_numbers_names_tabs_blanks_and_crlf)
{
    struct dataset *ds;
    struct err err;
    touch("a.ppm");
    touch("with blank/b.ppm");
    fixture_text("train.list",
                 "a.ppm 1\r\n\r\n  with blank/b.ppm 0  \na.ppm\tbig dog\na.ppm\t cat\nwith blank/b.ppm cat\na.ppm 2");
    cr_assert_not(fixture_open(LIST_CONF, &ds, &err), "a blank after the tab belongs to no class name");
    fixture_text("train.list", "a.ppm 1\r\n\r\n  with blank/b.ppm 0  \na.ppm\tbig dog\nwith blank/b.ppm cat\na.ppm 2");
    cr_assert(fixture_open(LIST_CONF, &ds, &err), "%s", err.text);
    cr_assert(ds->count[SPLIT_TRAIN] == 5 && ds->count[SPLIT_TEST] == 0);
    check_where(ds, SPLIT_TRAIN, 0, "a.ppm", 1);
    check_where(ds, SPLIT_TRAIN, 1, "with blank/b.ppm", 0);
    check_where(ds, SPLIT_TRAIN, 2, "a.ppm", 1);
    check_where(ds, SPLIT_TRAIN, 3, "with blank/b.ppm", 0);
    check_where(ds, SPLIT_TRAIN, 4, "a.ppm", 2);
    struct image8 image;
    cr_assert(ds->read(ds, SPLIT_TRAIN, 1, &image, &err), "%s", err.text);
    free(image.pixels);
    dataset_close(ds);
}

Test(list, a_label_inside_the_path_means_nothing)
{
    struct dataset *ds;
    struct err err;
    touch("cat/cat_7.ppm");
    fixture_text("train.list", "cat/cat_7.ppm 1\n");
    cr_assert(fixture_open(LIST_CONF, &ds, &err), "%s", err.text);
    cr_assert_eq(ds->label(ds, SPLIT_TRAIN, 0), 1);
    dataset_close(ds);
}

Test(list, absolute_paths_are_taken_as_they_are)
{
    struct dataset *ds;
    struct err err;
    struct image8 image;
    touch("a.ppm");
    char *text = mem_format("%s cat\n", fixture_path("a.ppm"));
    fixture_text("train.list", text);
    cr_assert(fixture_open(LIST_CONF, &ds, &err), "%s", err.text);
    cr_assert(ds->read(ds, SPLIT_TRAIN, 0, &image, &err), "%s", err.text);
    free(image.pixels);
    free(text);
    dataset_close(ds);
}

Test(list, refuses_with_line)
{
    touch("a.ppm");
    fixture_refused(LIST_CONF, "neither train.list nor test.list", "--data DIR", NULL);
    fixture_text("train.list", "a.ppm cat\na.ppm\n");
    fixture_refused(LIST_CONF, "train.list:2: no label; each line is PATH LABEL", NULL);
    fixture_text("train.list", "a.ppm cat\n\n 1\n");
    fixture_refused(LIST_CONF, "train.list:3: no label", NULL);
    fixture_text("train.list", "a.ppm 3\n");
    fixture_refused(LIST_CONF, "train.list:1: label 3 is neither a class name nor a number 0..2", NULL);
    fixture_text("train.list", "a.ppm -1\n");
    fixture_refused(LIST_CONF, "train.list:1: label -1", NULL);
    fixture_text("train.list", "a.ppm 1x\n");
    fixture_refused(LIST_CONF, "train.list:1: label 1x", NULL);
    fixture_text("train.list", "\n \r\n");
    fixture_refused(LIST_CONF, "train.list: lists no image", NULL);
    fixture_write("train.list", "a.ppm 1\n\0\n", 10);
    fixture_refused(LIST_CONF, "train.list: holds a zero byte", NULL);
    fixture_text("train.list", "nowhere/a.ppm 1\n");
    fixture_refused(LIST_CONF, "train.list: its first image", "nowhere/a.ppm, does not exist", NULL);
}

Test(list, test_lists_that_are_named_must_exist)
{
    touch("a.ppm");
    fixture_text("train.list", "a.ppm cat\n");
    fixture_refused(LIST_CONF "test = \"valid.list\";", "valid.list", NULL);
}

/* An ImageNet-sized list stays compact: its own text and 12 bytes an image. */
Test(list, a_million_lines_are_read_quickly_and_compactly)
{
    enum { N = 1000000 };
    struct image_list l;
    struct err err;
    const char *names[1000];
    for (int k = 0; k < 1000; k++)
        names[k] = mem_format("n%08d", k * 7919 % 1000);
    size_t room = (size_t)N * 40, used = 0;
    char *text = mem_alloc(room, 1);
    for (int i = 0; i < N; i++)
        used += (size_t)snprintf(text + used, room - used, "train/x/%d.JPEG %s\n", i, names[i % 1000]);
    cr_assert(image_list_parse(&l, text, used, "big.list", names, 1000, &err), "%s", err.text);
    cr_assert_eq(l.n, N);
    cr_assert_eq(l.label[123456], 456);
    cr_assert_str_eq(image_list_path(&l, 999999), "train/x/999999.JPEG");
    image_list_clear(&l);
    for (int k = 0; k < 1000; k++)
        free((char *)names[k]);
}

Test(folder, reads_the_real_imagenette)
{
    struct dataset *ds;
    struct err err;
    struct image8 image;
    if (!file_exists("../shared/data/imagenette128/train"))
        cr_skip_test("no ../shared/data/imagenette128");
    cr_assert(dataset_open("datasets/imagenette.conf", "../shared/data/imagenette128", &ds, &err), "%s", err.text);
    cr_assert(ds->classes == 10 && ds->count[SPLIT_TRAIN] == 9469 && ds->count[SPLIT_TEST] == 1500);
    int channels[4] = { 0 };
    for (int i = 0; i < 9469; i += 31) {
        cr_assert(ds->read(ds, SPLIT_TRAIN, i, &image, &err), "%s", err.text);
        cr_assert(image.h == 128 && image.w == 128);
        channels[image.c]++;
        free(image.pixels);
    }
    cr_assert(channels[3] > 200 && channels[2] == 0);
    dataset_close(ds);
}

/* --- directories without a descriptor ----------------------------------------------------------------------------- */

TestSuite(plain, .init = fixture_set_up, .fini = fixture_clean_up);

static struct dataset *open_plain(const char *name)
{
    struct dataset *ds;
    struct err err;
    cr_assert(dataset_open(fixture_path(name), NULL, &ds, &err), "%s", err.text);
    return ds;
}

static void plain_refused(const char *name, const char *part)
{
    struct dataset *ds;
    struct err err;
    cr_assert_not(dataset_open(fixture_path(name), NULL, &ds, &err), "was accepted: %s", name);
    cr_assert(strstr(err.text, part) && !strchr(err.text, '\n'), "\"%s\" is not in: %s", part, err.text);
}

static void touch_size(const char *name, int h, int w, int c)
{
    uint8_t *pixels = mem_alloc((size_t)h * (size_t)w * (size_t)c, 1);
    fixture_image(name, h, w, c, pixels);
    free(pixels);
}

Test(plain, class_folders_with_splits_are_opened_as_with_a_descriptor)
{
    make_folder();
    struct dataset *ds = open_plain("");
    cr_assert(ds->classes == 3 && ds->count[SPLIT_TRAIN] == 4 && ds->count[SPLIT_TEST] == 1 && !ds->packed);
    check_where(ds, SPLIT_TEST, 0, "val/dog/v.ppm", 2);
    cr_assert(ds->mean[2] == 0.5f && ds->std[2] == 0.25f);
    cr_assert(strncmp(ds->name, "marginalia-", 11) == 0, "the directory's last part, not \"%s\"", ds->name);
    dataset_close(ds);
}

Test(plain, class_folders_without_splits_are_all_training)
{
    touch("train/a.ppm"); /* a class of railway trains */
    touch("bus/b.ppm");
    touch("test/c.ppm");
    struct dataset *ds = open_plain("");
    cr_assert(ds->classes == 3 && ds->count[SPLIT_TRAIN] == 3 && ds->count[SPLIT_TEST] == 0);
    check_where(ds, SPLIT_TRAIN, 0, "bus/b.ppm", 0);
    check_where(ds, SPLIT_TRAIN, 2, "train/a.ppm", 2);
    char *file = ds->file(ds, SPLIT_TRAIN, 2);
    cr_assert(file_exists(file));
    free(file);
    dataset_close(ds);
}

Test(plain, shape_is_that_of_the_pictures)
{
    static const struct {
        int h, w, c, other_h, want_c, want_h, want_w;
    } rows[] = {
        { 40, 30, 3, 40, 3, 40, 30 },      /* all alike */
        { 40, 30, 1, 40, 1, 40, 30 },      /* all grey */
        { 40, 30, 3, 36, 3, 30, 30 },      /* not alike: a square of the median of the shorter sides */
        { 300, 400, 3, 300, 3, 224, 224 }, /* alike, but large */
        { 300, 400, 3, 500, 3, 224, 224 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char name[3][32];
        for (int k = 0; k < 3; k++) {
            snprintf(name[k], sizeof name[k], "set%zu/%c/%d.ppm", i, k ? 'b' : 'a', k);
            touch_size(name[k], k ? rows[i].h : rows[i].other_h, rows[i].w, rows[i].c);
        }
        char *broken = mem_format("set%zu/a/broken.jpg", i), *set = mem_format("set%zu", i);
        fixture_text(broken, "no picture");
        struct dataset *ds = open_plain(set);
        free(set);
        free(broken);
        cr_assert(ds->c == rows[i].want_c && ds->h == rows[i].want_h && ds->w == rows[i].want_w, "row %zu: %d x %d x %d",
                  i, ds->c, ds->h, ds->w);
        dataset_close(ds);
    }
}

Test(plain, cifar_and_mnist_files_are_known)
{
    fixture_cifar10(2);
    struct dataset *ds = open_plain("");
    cr_assert(ds->classes == 10 && ds->count[SPLIT_TRAIN] == 10 && ds->c == 3 && ds->h == 32 && ds->packed);
    cr_assert_null(ds->file(ds, SPLIT_TRAIN, 0));
    dataset_close(ds);
    fixture_clean_up();
    fixture_set_up();
    fixture_idx(3, 28, 28);
    ds = open_plain("");
    cr_assert(ds->count[SPLIT_TEST] == 3 && ds->c == 1 && ds->w == 28);
    dataset_close(ds);
}

Test(plain, one_class_and_one_image_are_a_set)
{
    touch("only/one.png");
    struct dataset *ds = open_plain("");
    cr_assert(ds->classes == 1 && ds->count[SPLIT_TRAIN] == 1 && ds->h == 1);
    dataset_close(ds);
}

Test(plain, ten_thousand_and_one_classes_are_possible)
{
    enum { CLASSES = 10001 };
    touch("c0/x.ppm");
    for (int k = 1; k < CLASSES; k++) {
        char *directory = mem_format("%s%d", fixture_path("c"), k), *file = file_join(directory, "x.ppm");
        cr_assert(mkdir(directory, 0777) == 0 && link(fixture_path("c0/x.ppm"), file) == 0);
        free(directory);
        free(file);
    }
    struct dataset *ds = open_plain("");
    cr_assert(ds->classes == CLASSES && ds->count[SPLIT_TRAIN] == CLASSES);
    dataset_close(ds);
}

Test(plain, refuses_what_is_no_set)
{
    cr_assert_eq(mkdir(fixture_path("empty"), 0777), 0);
    plain_refused("empty", "empty: 0 class directories; sort images into CLASS/");
    touch("loose/x.ppm");
    plain_refused("loose", "x.ppm: image outside a class directory");
    touch("deep/train/a/x.ppm");
    touch("deep/train/a/b/y.ppm");
    plain_refused("deep", "train/a/b: directory inside a class");
    touch("loop/a/x.ppm");
    cr_assert_eq(symlink(".", fixture_path("loop/again")), 0);
    plain_refused("loop", "directory inside a class");
    cr_assert_eq(mkdir(fixture_path("new\nline"), 0777), 0);
    plain_refused("new\nline", "new\\x0aline: 0 class directories");
    struct dataset *ds;
    struct err err;
    cr_assert(!dataset_open(fixture_path("loop"), "elsewhere", &ds, &err) && strstr(err.text, "leave out --data"));
}

Test(plain, refuses_unreadable_directories)
{
    if (geteuid() == 0)
        cr_skip_test("root reads everything");
    touch("a/x.ppm");
    chmod(fixture_path("a"), 0);
    plain_refused("", "/a: Permission denied");
}

Test(plain, names_with_control_characters_stay_on_one_line)
{
    touch("new\nline/`rm -rf *`;$(x).ppm");
    touch("bad\xffutf/x.ppm");
    struct dataset *ds = open_plain("");
    cr_assert_str_eq(ds->class_names[0], "bad\\xffutf");
    cr_assert_str_eq(ds->class_names[1], "new\\x0aline");
    struct image8 picture;
    struct err err;
    cr_assert(ds->read(ds, SPLIT_TRAIN, 1, &picture, &err), "%s", err.text);
    free(picture.pixels);
    dataset_close(ds);
}
