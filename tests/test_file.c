#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

static char directory[64];
static struct err err;

static void enter(void)
{
    snprintf(directory, sizeof directory, "/tmp/marginalia-test-XXXXXX");
    cr_assert_not_null(mkdtemp(directory));
    cr_assert_eq(chdir(directory), 0);
}

static int count_files(void)
{
    int n = 0;
    DIR *d = opendir(".");
    for (struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static void leave(void)
{
    cr_assert_eq(chdir("/"), 0);
    char *command[] = { "rm", "-rf", directory, NULL };
    pid_t child = fork();
    if (child == 0) {
        execvp(command[0], command);
        _exit(1);
    }
}

TestSuite(file, .init = enter, .fini = leave);

static void expect_failure(bool ok, const char *part)
{
    cr_assert_not(ok, "must fail: %s", part);
    cr_assert_eq(err.status, EXIT_CANNOT_RUN);
    cr_assert_not_null(strstr(err.text, part), "'%s' lacks '%s'", err.text, part);
    cr_assert_not_null(strstr(err.text, "; "), "'%s' has no remedy", err.text);
}

static void expect_content(const char *path, const char *want)
{
    char *text;
    size_t n;
    cr_assert(file_read(path, 1 << 20, &text, &n, &err), "%s", err.text);
    cr_assert_eq(n, strlen(want));
    cr_assert_str_eq(text, want);
    free(text);
}

Test(file, what_was_written_is_read)
{
    cr_assert(file_write("a", "first", 5, &err), "%s", err.text);
    expect_content("a", "first");
    cr_assert(file_write("a", "", 0, &err));
    expect_content("a", "");
    cr_assert_eq(count_files(), 1);
}

Test(file, bytes_of_any_value_survive)
{
    char data[70000], *text;
    size_t n;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (char)(i * 37);
    cr_assert(file_write("a", data, sizeof data, &err));
    cr_assert(file_read("a", sizeof data, &text, &n, &err), "%s", err.text);
    cr_assert_eq(n, sizeof data);
    cr_assert_arr_eq(text, data, n);
    cr_assert_eq(text[n], '\0');
    free(text);
}

Test(file, read_refuses_what_is_no_regular_file_or_too_long)
{
    char *text;
    size_t n;
    expect_failure(file_read("missing", 10, &text, &n, &err), "missing: cannot be read: No such file");
    expect_failure(file_read(".", 10, &text, &n, &err), "not a regular file");
    expect_failure(file_read("/dev/zero", 10, &text, &n, &err), "not a regular file");
    cr_assert_eq(mkfifo("pipe", 0600), 0);
    expect_failure(file_read("pipe", 10, &text, &n, &err), "not a regular file");
    cr_assert(file_write("a", "12345", 5, &err));
    cr_assert(file_read("a", 5, &text, &n, &err));
    free(text);
    expect_failure(file_read("a", 4, &text, &n, &err), "more than the limit of 4");
}

/* Files of /proc say that they have no bytes. */
Test(file, read_does_not_trust_the_size_that_the_system_gives)
{
    char *text;
    size_t n;
    cr_assert(file_read("/proc/self/status", 1 << 20, &text, &n, &err), "%s", err.text);
    cr_assert_gt(n, 100);
    cr_assert_eq(strlen(text), n);
    free(text);
    expect_failure(file_read("/proc/self/status", 100, &text, &n, &err), "larger than 100 bytes");
}

Test(file, hostile_name_stays_in_one_line)
{
    char *text;
    size_t n;
    expect_failure(file_read("no\nsuch", 10, &text, &n, &err), "no\\x0asuch");
}

static void limit_file_size(rlim_t bytes)
{
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){ bytes, bytes }), 0);
}

Test(file, failed_write_leaves_the_old_file_and_nothing_else)
{
    char data[10000] = { 0 };
    cr_assert(file_write("a", "old", 3, &err));
    limit_file_size(5000);
    expect_failure(file_write("a", data, sizeof data, &err), "a: cannot be written");
    expect_content("a", "old");
    cr_assert_eq(count_files(), 1);
}

/* The failure lies long before the commit: only the stream remembers it. */
Test(file, early_failed_write_is_found_by_the_commit)
{
    struct file_writer w;
    char data[10000] = { 0 };
    limit_file_size(5000);
    cr_assert(file_begin(&w, "a", &err));
    fwrite(data, 1, sizeof data, w.stream);
    fflush(w.stream);
    cr_assert_eq(ftruncate(fileno(w.stream), 0), 0);
    rewind(w.stream);
    clearerr(w.stream);
    fwrite(data, 1, sizeof data, w.stream);
    fflush(w.stream);
    expect_failure(file_commit(&w, &err), "a: cannot be written");
    cr_assert_eq(count_files(), 0);
}

Test(file, full_disk_is_reported_as_such)
{
    struct file_writer w;
    cr_assert(file_begin(&w, "a", &err));
    int full = open("/dev/full", O_WRONLY);
    cr_assert_geq(full, 0);
    cr_assert_geq(dup2(full, fileno(w.stream)), 0);
    fputs("some text", w.stream);
    expect_failure(file_commit(&w, &err), "No space left on device; free some space");
    cr_assert_eq(count_files(), 0);
    close(full);
}

Test(file, abandoned_write_leaves_nothing)
{
    struct file_writer w;
    cr_assert(file_begin(&w, "a", &err));
    fputs("half", w.stream);
    cr_assert_eq(count_files(), 1);
    file_abandon(&w);
    cr_assert_eq(count_files(), 0);
}

Test(file, nothing_stands_under_the_final_name_before_the_commit)
{
    struct file_writer w;
    cr_assert(file_begin(&w, "a", &err));
    fputs("whole", w.stream);
    cr_assert_not(file_exists("a"));
    cr_assert(file_commit(&w, &err));
    expect_content("a", "whole");
}

Test(file, left_over_temporary_file_does_no_harm)
{
    char *left = mem_format("a.tmp-%ld", (long)getpid());
    cr_assert_eq(symlink("victim", left), 0);
    cr_assert(file_write("a", "new", 3, &err), "%s", err.text);
    expect_content("a", "new");
    cr_assert_not(file_exists("victim"));
    free(left);
}

Test(file, write_refuses_directories_devices_and_missing_folders)
{
    cr_assert_eq(mkdir("d", 0700), 0);
    expect_failure(file_write("d", "x", 1, &err), "not a regular file");
    expect_failure(file_write("/dev/full", "x", 1, &err), "not a regular file");
    expect_failure(file_write("no/such/a", "x", 1, &err), "no/such/a: cannot be written: No such file");
    cr_assert_eq(count_files(), 1);
}

Test(file, unwritable_directory_is_reported)
{
    cr_assert_eq(mkdir("d", 0500), 0);
    if (geteuid() == 0 && seteuid(65534) != 0) /* root may write everywhere */
        cr_skip_test("cannot become an ordinary user");
    cr_assert_eq(access("/proc/self", R_OK), 0);
    expect_failure(file_write("d/a", "x", 1, &err), "Permission denied; check the permissions");
    expect_failure(file_make_directories("d/e/f", &err), "check the permissions");
    if (getuid() == 0)
        cr_assert_eq(seteuid(0), 0);
}

Test(file, directories_are_made_with_their_parents)
{
    cr_assert(file_make_directories("x/y//z/", &err), "%s", err.text);
    cr_assert(file_exists("x/y/z"));
    cr_assert(file_make_directories("x/y/z", &err));
    cr_assert(file_make_directories(directory, &err));
    cr_assert(file_make_directories("/", &err), "%s", err.text);
    cr_assert(file_write("f", "", 0, &err));
    expect_failure(file_make_directories("f/g", &err), "f/g: directory cannot be made: Not a directory");
    expect_failure(file_make_directories("f", &err), "Not a directory");
    expect_failure(file_make_directories("", &err), "cannot be made");
}

Test(file, join_puts_one_slash)
{
    const char *cases[][3] = { { "a", "b", "a/b" }, { "a/", "b", "a/b" }, { "/", "b", "/b" }, { "", "b", "b" } };
    for (size_t i = 0; i < 4; i++) {
        char *path = file_join(cases[i][0], cases[i][1]);
        cr_assert_str_eq(path, cases[i][2]);
        free(path);
    }
}

/* FIPS 180-4 examples. */
Test(file, sha256_gives_the_published_answers)
{
    char hex[SHA256_HEX];
    sha256_finish(sha256_new(), hex);
    cr_assert_str_eq(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    struct sha256 *s = sha256_new();
    sha256_add(s, "a", 1);
    sha256_add(s, "bc", 2);
    sha256_finish(s, hex);
    cr_assert_str_eq(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

Test(file, sha256_of_a_file_is_that_of_its_bytes)
{
    char hex[SHA256_HEX], *million = mem_alloc(1000000, 1);
    memset(million, 'a', 1000000);
    cr_assert(file_write("a", million, 1000000, &err));
    cr_assert(file_sha256("a", hex, &err));
    cr_assert_str_eq(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(million);
    expect_failure(file_sha256("missing", hex, &err), "missing: cannot be read");
    expect_failure(file_sha256(".", hex, &err), "not a regular file");
}

/* A child holds the lock and leaves after `ms`. */
static int hold_lock(const char *path, int ms)
{
    int pipes[2], fd = open(path, O_RDWR | O_CREAT, 0666);
    cr_assert(fd >= 0 && pipe(pipes) == 0);
    if (fork() == 0) {
        int own = open(path, O_RDWR);
        bool ok = file_lock(own) && write(pipes[1], "x", 1) == 1;
        usleep((useconds_t)ms * 1000);
        _exit(!ok);
    }
    char byte;
    cr_assert_eq(read(pipes[0], &byte, 1), 1);
    close(pipes[0]);
    close(pipes[1]);
    return fd;
}

Test(file, a_lock_of_a_process_that_ends_is_waited_for)
{
    int fd = hold_lock("a", 100);
    cr_assert(file_lock(fd));
    close(fd);
}

Test(file, a_lock_that_is_kept_is_not_waited_for_forever)
{
    int fd = hold_lock("a", 20000);
    cr_assert(!file_lock(fd));
    close(fd);
}
