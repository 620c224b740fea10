#include <criterion/criterion.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include "datasets/descriptor.h"
#include "tests/data_fixture.h"

#define REST " shape = [3, 32, 32]; mean = [0.5, 0.5, 0.5]; std = [0.25, 0.25, 0.25];\n"
#define CIFAR "format = \"cifar10\"; name = \"x\"; directory = \"d\";"
#define PLANTED "format = \"planted\"; name = \"x\"; classes = 4; n_train = 8; n_test = 4; seed = 1;" REST

static bool parse(struct descriptor *d, const char *text, struct err *err)
{
    return descriptor_parse(d, "x.conf", text, strlen(text), err);
}

Test(descriptor, reads_every_common_key)
{
    struct descriptor d;
    struct err err;
    const char *text =
        "format = \"folder\";\nname = \"pets\"; directory = \"data/pets\"; classes = 2;\n"
        "class_names = [\"cat\", \"dog\"]; shape = [3, 48, 64]; mean = (0.5, 0, 1); std = [0.1, 0.2, 1.0];\n"
        "train = \"a\"; test = \"b/c\";\n";
    cr_assert(parse(&d, text, &err), "%s", err.text);
    cr_assert_eq(d.format, FORMAT_FOLDER);
    cr_assert_str_eq(d.name, "pets");
    cr_assert_str_eq(d.directory, "data/pets");
    cr_assert_eq(d.classes, 2);
    cr_assert_str_eq(d.class_names[1], "dog");
    cr_assert(d.shape[0] == 3 && d.shape[1] == 48 && d.shape[2] == 64);
    cr_assert(d.mean[0] == 0.5 && d.mean[1] == 0 && d.mean[2] == 1, "in a list, whole numbers are reals, too");
    cr_assert(d.std[1] == 0.2);
    cr_assert_str_eq(d.test, "b/c");
    descriptor_clear(&d);
}

Test(descriptor, reads_the_knobs_of_planted_data)
{
    struct descriptor d;
    struct err err;
    cr_assert(parse(&d, PLANTED "border_width = 2; border_cue = 0.9; texture_cue = 1; label_noise = 0.1; noise = 0.05;",
                    &err));
    cr_assert(d.planted.n_train == 8 && d.planted.n_test == 4 && d.planted.seed == 1 && d.planted.border_width == 2);
    cr_assert(d.planted.border_cue == 0.9 && d.planted.texture_cue == 1 && d.planted.label_noise == 0.1);
    cr_assert(d.planted.cue_in_test < 0, "not given means as in training");
    descriptor_clear(&d);
    cr_assert(parse(&d, PLANTED "seed2 = 1;", &err) == false);
    descriptor_clear(&d);
    cr_assert(
        parse(&d, "format = \"planted\"; name = \"x\"; classes = 4; n_train = 8; n_test = 4; seed = 5000000000L;" REST,
              &err));
    cr_assert_eq(d.planted.seed, 5000000000);
    descriptor_clear(&d);
}

/* Each text must be refused with a line that holds both parts. */
static const struct { const char *text, *place, *cause;
} refused[] = {
    { "", "x.conf", "no format; add" },
    { "format = \"cifar\";", "x.conf:1", "list|planted); did you mean cifar10?" },
    { "format = 3;", "x.conf:1", "format takes a text in quotes" },
    { "format = \"cifar10\"\nname = ", "x.conf:2", "syntax error" },
    { CIFAR "\n\nnane = \"y\";", "x.conf:3", "unknown key nane; did you mean name?" },
    { CIFAR "\nqqqqqqqqqqq = 1;" REST, "x.conf:2", "unknown key qqqqqqqqqqq; the language is explained in" },
    { CIFAR "\nn_train = 10;" REST, "x.conf:2", "n_train does not belong to this format" },
    { CIFAR CIFAR REST, "x.conf:1", "duplicate" },
    { "format = \"cifar10\"; name = \"x\";" REST, "x.conf", "directory is missing" },
    { CIFAR "mean = [0.5, 0.5, 0.5]; std = [1.0, 1.0, 1.0];", "x.conf", "shape is missing" },
    { CIFAR "shape = [3, 32, 32]; std = [1.0, 1.0, 1.0];", "x.conf", "mean is missing" },
    { CIFAR "\nshape = [3, 32]; mean = [0.5, 0.5, 0.5]; std = [1.0, 1.0, 1.0];", "x.conf:2",
      "shape takes an array of 3" },
    { CIFAR "\nshape = [2, 32, 32]; mean = [0.5, 0.5]; std = [1.0, 1.0];", "x.conf:2", "2 channels" },
    { CIFAR "\nshape = [3, 32, 5000]; mean = [0.5]; std = [1.0];", "x.conf:2", "shape = 5000 is outside 1..4096" },
    { CIFAR "\nshape = [3, 32, 0]; mean = [0.5]; std = [1.0];", "x.conf:2", "shape = 0 is outside 1..4096" },
    { CIFAR "\nshape = [3.0, 32.0, 32.0]; mean = [0.5]; std = [1.0];", "x.conf:2", "shape takes whole numbers" },
    { CIFAR "shape = [3, 32, 32];\nmean = [0.5]; std = [1.0];", "x.conf:2", "mean takes an array of 3 numbers" },
    { CIFAR "shape = [3, 32, 32]; mean = [0.5, 0.5, 127.5];\nstd = [1.0, 1.0, 1.0];", "x.conf:1",
      "mean = 127.5 is outside 0..1" },
    { CIFAR "shape = [3, 32, 32]; mean = [0.5, 0.5, 0.5];\nstd = [1.0, 0, 1.0];", "x.conf:2",
      "mismatched element type" },
    { CIFAR "shape = [3, 32, 32]; mean = [0.5, 0.5, 0.5];\nstd = (1.0, 0, 1.0);", "x.conf:2", "std = 0 is outside" },
    { CIFAR "shape = [3, 32, 32]; mean = [0.5, 0.5, 0.5];\nstd = [1e400, 1.0, 1.0];", "x.conf:2",
      "std = inf is outside" },
    { CIFAR "shape = [3, 32, 32]; mean = [\"a\", \"b\", \"c\"];", "x.conf:1", "mean takes numbers" },
    { CIFAR "\nclasses = 5000000000;" REST, "x.conf:2",
      "integer 5000000000 needs more than 32 bits; write 5000000000L" },
    { CIFAR "\nclasses = 0xFFFFFFFFF;" REST, "x.conf:2", "needs more than 32 bits" },
    { CIFAR "\nclasses = 5000000000L;" REST, "x.conf:2", "outside 1..100000" },
    { CIFAR "\nclasses = true;" REST, "x.conf:2", "classes takes whole numbers" },
    { CIFAR "\nclasses = \"ten\";" REST, "x.conf:2", "classes takes whole numbers" },
    { CIFAR "\nclasses = -1;" REST, "x.conf:2", "classes = -1 is outside" },
    { CIFAR "\nclass_names = [];" REST, "x.conf:2", "class_names takes an array" },
    { CIFAR "\nclass_names = [1, 2];" REST, "x.conf:2", "class_names takes a text" },
    { CIFAR "classes = 3; class_names = [\"a\", \"b\"];" REST, "x.conf", "classes = 3, but class_names has 2" },
    { CIFAR "name2 = { name = \"x\"; };" REST, "x.conf:1", "unknown key name2" },
    { "format = \"cifar10\"; name = \"\"; directory = \"d\";" REST, "x.conf:1", "name is empty" },
    { "# comment\n@include \"/etc/passwd\"\n", "x.conf:2", "@ is not allowed" },
    { "/* \n */ @include \"other.conf\"\n", "x.conf:2", "@ is not allowed" },
    { "format = \"folder\"; name = \"x\"; directory = \"d\";\ntrain = \"../../etc\";" REST, "x.conf:2",
      "leaves the data directory" },
    { "format = \"folder\"; name = \"x\"; directory = \"d\";\ntest = \"a/..\";" REST, "x.conf:2",
      "leaves the data directory" },
    { "format = \"idx\"; name = \"x\"; directory = \"d\";\ntrain_images = \"/etc/passwd\";" REST, "x.conf:2",
      "leaves the data" },
    { "format = \"list\"; name = \"x\"; directory = \"d\";" REST, "x.conf", "classes is missing" },
    { "format = \"planted\"; name = \"x\"; classes = 4; n_train = 8; n_test = 4;" REST, "x.conf", "seed is missing" },
    { PLANTED "\ndirectory = \"d\";", "x.conf:3", "directory does not belong to this format" },
    { PLANTED "\nborder_cue = 1.5;", "x.conf:3", "border_cue = 1.5 is outside 0..1" },
    { PLANTED "border_cue = 0.5;", "x.conf", "border_cue without a border; add border_width" },
    { PLANTED "border_width = 5;", "x.conf", "no room for the shape; use at most 4" },
    { "format = \"planted\"; name = \"x\"; classes = 3; n_train = 8; n_test = 4; seed = 1;" REST, "x.conf",
      "planted data have 4..10" },
    { "format = \"planted\"; name = \"x\"; classes = 4; n_train = 8; n_test = 4; seed = 1; shape = [3, 8, 8];"
      "mean = [0.5, 0.5, 0.5]; std = [1.0, 1.0, 1.0];",
      "x.conf", "at least 16 x 16" },
};

Test(descriptor, refuses_with_file_line_and_cause)
{
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct descriptor d;
        struct err err = { 0 };
        cr_expect_not(parse(&d, refused[i].text, &err), "case %zu was accepted: %s", i, refused[i].text);
        cr_expect_eq(err.status, EXIT_USAGE, "case %zu", i);
        cr_expect(strncmp(err.text, refused[i].place, strlen(refused[i].place)) == 0, "case %zu: %s, not at %s", i,
                  err.text, refused[i].place);
        cr_expect(strstr(err.text, refused[i].cause), "case %zu: %s, not %s", i, err.text, refused[i].cause);
        descriptor_clear(&d);
    }
}

Test(descriptor, refuses_a_zero_byte)
{
    static const char text[] = CIFAR "\0" REST;
    struct descriptor d;
    struct err err;
    cr_assert_not(descriptor_parse(&d, "x.conf", text, sizeof text - 1, &err));
    cr_assert(strstr(err.text, "zero byte"), "%s", err.text);
    descriptor_clear(&d);
}

Test(descriptor, is_not_fooled_by_strings_and_comments)
{
    struct descriptor d;
    struct err err;
    const char *text = "# 5000000000 @include\n// 99999999999\n/* @ 99999999999 */\n"
                       "format = \"cifar10\"; name = \"99999999999 \\\" @ 5000000000\"; directory = \"d\";" REST;
    cr_assert(parse(&d, text, &err), "%s", err.text);
    cr_assert_str_eq(d.name, "99999999999 \" @ 5000000000");
    descriptor_clear(&d);
}

Test(descriptor, all_shipped_descriptors_are_valid)
{
    glob_t found;
    cr_assert_eq(glob("datasets/*.conf", 0, NULL, &found), 0);
    cr_assert_geq(found.gl_pathc, 9);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct descriptor d;
        struct err err;
        cr_expect(descriptor_read(&d, found.gl_pathv[i], &err), "%s", err.text);
        descriptor_clear(&d);
    }
    globfree(&found);
}

Test(descriptor, a_missing_descriptor_is_named)
{
    struct dataset *ds;
    struct err err;
    cr_assert_not(dataset_open("no/such.conf", NULL, &ds, &err));
    cr_assert(strstr(err.text, "no/such.conf"), "%s", err.text);
}

Test(descriptor, missing_data_say_what_to_type)
{
    struct dataset *ds;
    struct err err;
    unsetenv("MARGINALIA_DATA");
    cr_assert_not(dataset_open("datasets/cifar10.conf", "/no/such/place", &ds, &err));
    cr_assert(strstr(err.text, "/no/such/place: no such directory"), "%s", err.text);
    cr_assert(strstr(err.text, "tools/get-dataset cifar10"), "%s", err.text);
    cr_assert(strstr(err.text, "--data DIR"), "%s", err.text);
    cr_assert_eq(err.status, EXIT_CANNOT_RUN);
}

Test(descriptor, finds_data_here_or_under_marginalia_data, .init = fixture_set_up, .fini = fixture_clean_up)
{
    struct dataset *ds;
    struct err err;
    fixture_text("set.conf", "format = \"cifar10\"; name = \"x\"; directory = \"here/d\";" REST);
    fixture_cifar10(1);
    setenv("MARGINALIA_DATA", fixture_path("root"), 1);
    cr_assert_not(dataset_open(fixture_path("set.conf"), NULL, &ds, &err));
    cr_assert(strstr(err.text, "here/d: no such directory, nor "), "%s", err.text);
    cr_assert(strstr(err.text, fixture_path("root/here/d")), "%s", err.text);
    cr_assert(dataset_open(fixture_path("set.conf"), fixture_path(""), &ds, &err), "%s", err.text);
    dataset_close(ds);
    fixture_text("root/here/d/placeholder", "");
    cr_assert_not(dataset_open(fixture_path("set.conf"), NULL, &ds, &err));
    cr_assert(strstr(err.text, "root/here/d/data_batch_1.bin: No such file"), "%s", err.text);
}
