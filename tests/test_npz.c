#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zip.h>

#include "base/file.h"
#include "base/npz.h"

static char directory[64];
static struct err err;

static void enter(void)
{
    snprintf(directory, sizeof directory, "/tmp/marginalia-test-XXXXXX");
    cr_assert_not_null(mkdtemp(directory));
    cr_assert_eq(chdir(directory), 0);
}

static void leave(void)
{
    unlink("a.npz");
    unlink("b.npz");
    unlink("b.npy");
    cr_assert_eq(rmdir(directory), 0, "something was left behind");
}

TestSuite(npz, .init = enter, .fini = leave);

static uint8_t bools[6] = { 1, 0, 1, 1, 0, 0 }, bytes[3] = { 0, 7, 255 };
static uint16_t shorts[4] = { 0, 1, 65535, 9 };
static uint32_t words[2] = { 0, 4294967295u };
static int64_t longs[3] = { -1, INT64_MIN, INT64_MAX };
static float floats[2] = { 0.1f, -1e30f };
static double doubles[8] = { 0.1, -0.0, 5e-324, 1.0 / 3, 1e300, 2, 3, 4 };

enum { N_ALL = 8 };
static const struct npz_array all[N_ALL] = {
    { "mask", NPZ_BOOL, 3, { 1, 2, 3 }, bools },  { "byte", NPZ_U8, 1, { 3 }, bytes },
    { "short_2", NPZ_U16, 2, { 2, 2 }, shorts },  { "word", NPZ_U32, 1, { 2 }, words },
    { "long", NPZ_I64, 2, { 3, 1 }, longs },      { "f", NPZ_F32, 1, { 2 }, floats },
    { "d", NPZ_F64, 4, { 2, 1, 2, 2 }, doubles }, { "none", NPZ_F64, 2, { 0, 5 }, doubles },
};

static void write_all(const char *path)
{
    cr_assert(npz_write(path, all, N_ALL, &err), "%s", err.text);
}

static char *content(const char *path, size_t *n)
{
    char *text;
    cr_assert(file_read(path, 1 << 20, &text, n, &err), "%s", err.text);
    return text;
}

Test(npz, every_type_comes_back_bit_for_bit)
{
    struct npz z;
    write_all("a.npz");
    cr_assert(npz_read("a.npz", 1 << 20, &z, &err), "%s", err.text);
    cr_assert_eq(z.n, N_ALL);
    for (int i = 0; i < N_ALL; i++) {
        const struct npz_array *a = npz_find(&z, "a.npz", all[i].name, all[i].type, all[i].dimensions, &err);
        cr_assert_not_null(a, "%s", err.text);
        cr_assert_eq(npz_bytes(a), npz_bytes(&all[i]));
        cr_assert(memcmp(a->data, all[i].data, npz_bytes(a)) == 0, "%s", a->name);
        for (int k = 0; k < a->dimensions; k++)
            cr_assert_eq(a->shape[k], all[i].shape[k], "%s", a->name);
    }
    npz_free(&z);
}

Test(npz, same_arrays_give_same_bytes)
{
    size_t n, m;
    write_all("a.npz");
    sleep(3); /* the zip format counts two seconds */
    write_all("b.npz");
    char *a = content("a.npz", &n), *b = content("b.npz", &m);
    cr_assert(n == m && memcmp(a, b, n) == 0);
    free(a);
    free(b);
}

Test(npz, find_names_what_is_wrong)
{
    struct npz z;
    write_all("a.npz");
    cr_assert(npz_read("a.npz", 1 << 20, &z, &err), "%s", err.text);
    cr_assert_null(npz_find(&z, "a.npz", "nothing", NPZ_U8, 1, &err));
    cr_assert_str_eq(err.text, "a.npz: has no array nothing; make the file again");
    cr_assert_null(npz_find(&z, "a.npz", "f", NPZ_F64, 1, &err));
    cr_assert_str_eq(err.text, "a.npz: f is <f4 with 1 dimension, not <f8 with 1 dimension; make the file again");
    cr_assert_null(npz_find(&z, "a.npz", "f", NPZ_F32, 2, &err));
    cr_assert_eq(err.status, EXIT_CANNOT_RUN);
    npz_free(&z);
}

Test(npz, every_truncation_and_every_flipped_bit_of_the_data_is_refused)
{
    size_t n;
    struct npz z;
    static const struct npz_array one = { "d", NPZ_F64, 1, { 8 }, doubles };
    cr_assert(npz_write("a.npz", &one, 1, &err), "%s", err.text);
    char *text = content("a.npz", &n);
    for (size_t cut = 0; cut < n; cut++) {
        cr_assert(file_write("b.npz", text, cut, &err));
        cr_assert_not(npz_read("b.npz", 1 << 20, &z, &err), "%zu of %zu bytes were enough", cut, n);
        cr_assert_eq(err.status, EXIT_CANNOT_RUN);
        cr_assert(strncmp(err.text, "b.npz: ", 7) == 0, "%s", err.text);
    }
    const size_t local = 30 + 5; /* the zip's entry header and the name "d.npy" */
    for (size_t i = local; i < local + 60; i++) {
        text[i] ^= 4;
        cr_assert(file_write("b.npz", text, n, &err));
        cr_assert_not(npz_read("b.npz", 1 << 20, &z, &err), "a wrong byte at %zu was not seen", i);
        text[i] ^= 4;
    }
    free(text);
}

Test(npz, what_is_larger_than_the_limit_is_not_unpacked)
{
    static double zeros[100000];
    static const struct npz_array one = { "zeros", NPZ_F64, 1, { 100000 }, zeros };
    struct npz z;
    cr_assert(npz_write("a.npz", &one, 1, &err), "%s", err.text);
    cr_assert(npz_read("a.npz", 800128, &z, &err), "%s", err.text);
    npz_free(&z);
    cr_assert_not(npz_read("a.npz", 800127, &z, &err));
    cr_assert(strstr(err.text, "zeros.npy: it is larger than it can be here"), "%s", err.text);
    cr_assert_not(npz_read("/dev/zero", 100, &z, &err));
    cr_assert_not(npz_read("no-such", 100, &z, &err));
}

/* b.npz with one stored entry of this name: prefix, a header of this text, then `data` zero bytes. */
static void forge(const char *name, const char *prefix, const char *header, int data)
{
    char entry[2048] = { 0 };
    memcpy(entry, prefix, 8);
    size_t n = strlen(header);
    entry[8] = (char)n;
    entry[9] = (char)(n >> 8);
    memcpy(entry + 10, header, n);
    unlink("b.npz");
    zip_t *zip = zip_open("b.npz", ZIP_CREATE, NULL);
    zip_source_t *source = zip_source_buffer(zip, entry, 10 + n + (size_t)data, 0);
    zip_int64_t index = zip_file_add(zip, name, source, 0);
    cr_assert(index >= 0 && zip_set_file_compression(zip, (zip_uint64_t)index, ZIP_CM_STORE, 0) == 0);
    cr_assert_eq(zip_close(zip), 0);
}

#define V1 "\x93NUMPY\x01\x00"

Test(npz, what_is_not_ours_to_read_is_refused_with_its_cause)
{
    static const struct {
        const char *name, *prefix, *header;
        int data;
        const char *cause;
    } cases[] = {
        { "a.npy", V1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n", 8, NULL },
        { "a.npy", V1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n", 9, "does not fit its size" },
        { "a.npy", V1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n", 7, "does not fit its size" },
        { "a.npy", V1, "{'descr': '<f4', 'fortran_order': True, 'shape': (2,), }\n", 8, "Fortran" },
        { "a.npy", V1, "{'descr': '>f4', 'fortran_order': False, 'shape': (2,), }\n", 8, "its type is none of" },
        { "a.npy", V1, "{'descr': '|O', 'fortran_order': False, 'shape': (2,), }\n", 8, "its type is none of" },
        { "a.npy", V1, "{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (2,), }\n", 8, "a plain array" },
        { "a.npy", V1, "{'descr': '<f4', 'fortran_order': False, 'shape': (), }\n", 4, "1..4 whole numbers" },
        { "a.npy", V1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 1, 1, 2), }\n", 8, "1..4 whole" },
        { "a.npy", V1, "{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }\n", 8, "1..4 whole" },
        { "a.npy", V1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2), }\n", 8, "1..4 whole" },
        { "a.npy", V1, "{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296, 4294967296), }\n", 0,
          "does not fit its size" },
        { "a.npy", V1, "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }\n", 8,
          "1..4 whole" },
        { "a.npy", V1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), } x\n", 8, "goes on" },
        { "a.npy", V1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", 8, "goes on" },
        { "a.npy", "\x93NUMPY\x02\x00", "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n", 8, "1.0" },
        { "a.npy", "PK\x03\x04....", "", 0, "no .npy array" },
        { "../a.npy", V1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n", 8, "its name" },
        { "a.txt", V1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n", 8, "its name" },
        { ".npy", V1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n", 8, "its name" },
        { "a.npy", V1, "", 0, "a plain array" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct npz z;
        forge(cases[i].name, cases[i].prefix, cases[i].header, cases[i].data);
        bool ok = npz_read("b.npz", 1 << 20, &z, &err);
        cr_expect_eq(ok, cases[i].cause == NULL, "case %zu: %s", i, err.text);
        if (ok)
            npz_free(&z);
        else
            cr_expect(strstr(err.text, cases[i].cause) && err.status == EXIT_CANNOT_RUN, "case %zu: %s", i, err.text);
    }
}

Test(npz, a_bool_is_zero_or_one)
{
    struct npz z;
    char header[] = "{'descr': '|b1', 'fortran_order': False, 'shape': (2,), }\n";
    forge("a.npy", V1, header, 2);
    cr_assert(npz_read("b.npz", 100, &z, &err), "%s", err.text);
    npz_free(&z);
    const struct npz_array two = { "a", NPZ_BOOL, 1, { 2 }, (uint8_t[]){ 1, 2 } };
    cr_assert(npz_write("a.npz", &two, 1, &err), "%s", err.text);
    cr_assert_not(npz_read("a.npz", 1000, &z, &err));
    cr_assert(strstr(err.text, "neither 0 nor 1"), "%s", err.text);
}

Test(npz, a_stored_array_has_a_checksum_too)
{
    struct npz z;
    size_t n;
    forge("a.npy", V1, "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }\n", 16);
    char *text = content("b.npz", &n);
    char *data = memmem(text, n, "), }\n", 5);
    cr_assert_not_null(data);
    data[5 + 3] = 1;
    cr_assert(file_write("b.npz", text, n, &err));
    free(text);
    cr_assert_not(npz_read("b.npz", 1000, &z, &err), "a wrong byte was not seen");
    cr_assert(strstr(err.text, "b.npz: a.npy: it is damaged"), "%s", err.text);
}

Test(npz, a_name_that_comes_twice_is_refused)
{
    static const struct npz_array two[2] = { { "aa", NPZ_U8, 1, { 3 }, bytes }, { "ab", NPZ_U8, 1, { 3 }, bytes } };
    struct npz z;
    size_t n;
    cr_assert(npz_write("a.npz", two, 2, &err), "%s", err.text);
    char *text = content("a.npz", &n);
    for (size_t i = 0; i + 6 <= n; i++)
        if (memcmp(text + i, "ab.npy", 6) == 0)
            text[i + 1] = 'a';
    cr_assert(file_write("b.npz", text, n, &err));
    free(text);
    cr_assert_not(npz_read("b.npz", 1000, &z, &err));
    cr_assert(strstr(err.text, "b.npz: is no whole zip archive"), "%s", err.text);
}

/* A megabyte that a few bytes cannot hold is refused before it is allocated. */
Test(npz, a_size_that_the_packed_bytes_cannot_hold_is_refused)
{
    static const struct npz_array one = { "a", NPZ_U8, 1, { 3 }, bytes };
    const uint32_t huge = 1000000;
    struct npz z;
    size_t n;
    cr_assert(npz_write("a.npz", &one, 1, &err), "%s", err.text);
    char *text = content("a.npz", &n), *central = memmem(text, n, "PK\x01\x02", 4);
    cr_assert_not_null(central);
    memcpy(text + 22, &huge, sizeof huge); /* unpacked size in the entry's header, and in the directory */
    memcpy(central + 24, &huge, sizeof huge);
    cr_assert(file_write("b.npz", text, n, &err));
    free(text);
    cr_assert_not(npz_read("b.npz", 1 << 20, &z, &err));
    cr_assert(strstr(err.text, "its size is more than its packed bytes can hold"), "%s", err.text);
}

Test(npz, a_folder_that_is_missing_is_named)
{
    cr_assert_not(npz_write("no/such.npz", all, 1, &err));
    cr_assert(strstr(err.text, "no/such.npz: cannot be written"), "%s", err.text);
}

/* The judge of the format is NumPy itself, where it is installed. */
static bool numpy(const char *program)
{
    pid_t pid = fork();
    if (pid == 0) {
        execl("/usr/bin/python3", "python3", "-c", program, (char *)NULL);
        _exit(127);
    }
    int status = -1;
    waitpid(pid, &status, 0);
    return status == 0;
}

Test(npz, numpy_reads_what_we_write_and_we_read_what_numpy_writes, .timeout = 60)
{
    if (!numpy("import numpy"))
        cr_skip_test("no numpy here");
    struct npz z;
    write_all("a.npz");
    cr_assert(numpy("import numpy as np\n"
                    "z = np.load('a.npz', allow_pickle=False)\n"
                    "assert z.files == ['mask', 'byte', 'short_2', 'word', 'long', 'f', 'd', 'none'], z.files\n"
                    "assert z['mask'].dtype == bool and z['mask'].tolist() == [[[1, 0, 1], [1, 0, 0]]]\n"
                    "assert z['short_2'].dtype == np.uint16 and z['short_2'].tolist() == [[0, 1], [65535, 9]]\n"
                    "assert z['long'].tolist() == [[-1], [-2**63], [2**63 - 1]]\n"
                    "assert z['f'].tolist() == [np.float32(0.1), np.float32(-1e30)]\n"
                    "assert z['d'].shape == (2, 1, 2, 2) and z['d'].ravel().tolist()[:4] == [.1, -0., 5e-324, 1/3]\n"
                    "assert z['none'].shape == (0, 5)\n"
                    "np.savez('b.npz', **z)\n"));
    for (int packed = 0; packed < 2; packed++) {
        cr_assert(npz_read("b.npz", 1 << 20, &z, &err), "%s", err.text);
        cr_assert(z.n == N_ALL && memcmp(z.array[6].data, doubles, sizeof doubles) == 0);
        npz_free(&z);
        cr_assert(numpy("import numpy as np\nnp.savez_compressed('b.npz', **np.load('a.npz'))"));
    }
}
