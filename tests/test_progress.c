#include <criterion/criterion.h>
#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/progress.h"

static int terminal;
static char text[100000];

/* stderr becomes a terminal of that many columns; what is written there can be read from `terminal`. */
static void open_terminal(unsigned short columns)
{
    int slave;
    struct winsize size = { .ws_row = 24, .ws_col = columns };
    cr_assert_eq(openpty(&terminal, &slave, NULL, NULL, &size), 0);
    fcntl(terminal, F_SETFL, O_NONBLOCK);
    fflush(stderr);
    cr_assert_geq(dup2(slave, STDERR_FILENO), 0);
    setenv("TERM", "xterm", 1);
}

/* stderr becomes a plain file. */
static void open_log(void)
{
    char name[] = "/tmp/marginalia-test-XXXXXX";
    terminal = mkstemp(name);
    unlink(name);
    fflush(stderr);
    cr_assert_geq(dup2(terminal, STDERR_FILENO), 0);
}

static const char *written(bool is_log)
{
    fflush(stderr);
    if (is_log)
        lseek(terminal, 0, SEEK_SET);
    size_t used = 0;
    ssize_t n;
    while ((n = read(terminal, text + used, sizeof text - 1 - used)) > 0)
        used += (size_t)n;
    text[used] = '\0';
    return text;
}

static void wait_ms(long ms)
{
    nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 }, NULL);
}

Test(progress, bar_shows_stage_share_rate_eta_and_note)
{
    open_terminal(120);
    struct progress *p = progress_new(PROGRESS_AUTO, "images");
    progress_update(p, "epoch 3/30", 0, 1000, 0, 100000, NULL);
    wait_ms(150);
    progress_update(p, "epoch 3/30", 450, 1000, 450, 100000, "loss 0.412");
    written(false);
    cr_assert_not_null(strstr(text, "epoch 3/30 [#########...........] 45 %, "), "%s", text);
    cr_assert_not_null(strstr(text, " images/s, ETA "), "%s", text);
    cr_assert_not_null(strstr(text, ", loss 0.412\033[K"), "%s", text);
    cr_assert_null(strchr(text, '\n'));
    progress_free(p);
    cr_assert_str_eq(written(false), "\r\033[K");
}

Test(progress, bar_is_never_wider_than_the_terminal)
{
    open_terminal(30);
    struct progress *p = progress_new(PROGRESS_BAR, "images");
    progress_update(p, "a very long name of a stage", 1, 2, 1, 2, "and a long note");
    cr_assert_eq(strcspn(written(false) + 1, "\033"), 29, "%s", text);
    progress_free(p);
}

Test(progress, terminal_that_does_not_know_its_width_is_taken_for_eighty_columns)
{
    open_terminal(0);
    struct progress *p = progress_new(PROGRESS_BAR, "images");
    progress_update(p, "stage with a note of many words", 1, 2, 1, 2,
                    "and more and more and more and more and more and more and more and more and more");
    cr_assert_eq(strcspn(written(false) + 1, "\033"), 79, "%s", text);
    progress_free(p);
}

Test(progress, bar_is_drawn_at_most_ten_times_a_second)
{
    open_terminal(80);
    struct progress *p = progress_new(PROGRESS_BAR, "images");
    double start = clock_seconds(), seconds;
    for (int i = 0; (seconds = clock_seconds() - start) < 0.35; i++)
        progress_update(p, "x", i, 1 << 30, i, 1 << 30, NULL);
    progress_update(p, "x", 1, 2, 1, 2, NULL); /* a slow machine may have come to the first one only */
    int drawn = 0;
    for (const char *s = written(false); (s = strchr(s, '\r')); s++)
        drawn++;
    cr_assert(drawn >= 2 && drawn <= 2 + 10 * seconds, "%d times in %g s", drawn, seconds);
    progress_free(p);
}

Test(progress, a_line_takes_the_place_of_the_bar)
{
    open_terminal(80);
    struct progress *p = progress_new(PROGRESS_BAR, "images");
    progress_update(p, "x", 1, 2, 1, 2, NULL);
    written(false);
    progress_line(p, "epoch %d done", 1);
    cr_assert_str_eq(written(false), "\r\033[Kepoch 1 done\r\n");
    progress_clear(p);
    cr_assert_str_eq(written(false), "", "cleared twice");
    progress_free(p);
}

Test(progress, log_gets_plain_lines)
{
    open_log();
    struct progress *p = progress_new(PROGRESS_AUTO, "images");
    double start = clock_seconds();
    for (int i = 0; clock_seconds() - start < 5.3; i++) {
        progress_update(p, "epoch 1/2", i, 100, i, 200, "loss 1");
        wait_ms(100);
    }
    progress_line(p, "done");
    progress_free(p);
    written(true);
    cr_assert_null(strpbrk(text, "\r\033"), "%s", text);
    cr_assert_str_eq(strchr(text, '\n'), "\ndone\n", "one line after five seconds, then the permanent one: %s", text);
    int percent, eta;
    double rate; /* below 10 it has a decimal, which on a busy machine happens here */
    int n = sscanf(text, "epoch 1/2 %d %%, %lf images/s, ETA %d s, loss 1\n", &percent, &rate, &eta);
    cr_assert_eq(n, 3, "%s", text);
    cr_assert(percent > 0 && rate > 0 && eta > 0);
}

Test(progress, dumb_terminal_gets_lines)
{
    open_terminal(80);
    setenv("TERM", "dumb", 1);
    struct progress *p = progress_new(PROGRESS_AUTO, "images");
    progress_update(p, "x", 1, 2, 1, 2, NULL);
    progress_line(p, "plain");
    cr_assert_str_eq(written(false), "plain\r\n");
    progress_free(p);
}

Test(progress, there_is_no_colour)
{
    open_terminal(80);
    struct progress *p = progress_new(PROGRESS_BAR, "images");
    progress_update(p, "x", 1, 2, 1, 2, "n");
    for (const char *s = written(false); (s = strchr(s, '\033')); s++)
        cr_assert_eq(s[2], 'K', "%s", text);
    progress_free(p);
}

Test(progress, quiet_is_quiet)
{
    open_log();
    struct progress *p = progress_new(PROGRESS_QUIET, "images");
    progress_update(p, "x", 1, 2, 1, 2, NULL);
    progress_line(p, "nothing");
    progress_free(p);
    cr_assert_str_eq(written(true), "");
}

Test(progress, names_from_outside_cannot_steer_the_terminal)
{
    open_terminal(80);
    struct progress *p = progress_new(PROGRESS_BAR, "images");
    progress_line(p, "%s", "a\033[2Jb\nc");
    cr_assert_str_eq(written(false), "a?[2Jb?c\r\n");
    progress_free(p);
}

/* The text after "ETA " when about `seconds` are left: up to four times as many if this machine is slow to wake us. */
static const char *show_eta(double seconds)
{
    double waited = 1;

    for (int i = 0; i < 50 && waited > 0.48; i++) {
        open_terminal(200);
        struct progress *p = progress_new(PROGRESS_BAR, "images");
        double start = clock_seconds();
        progress_update(p, "x", 0, 1, 0, 0, NULL);
        wait_ms(120);
        progress_update(p, "x", 0, 1, 120000, 120000 + (int64_t)(seconds * 1e6), NULL);
        waited = clock_seconds() - start;
        written(false);
        progress_free(p);
    }
    const char *eta = strstr(text, "ETA ");
    cr_assert_not_null(eta, "%s", text);
    return eta + 4;
}

Test(progress, eta_is_told_in_hours_minutes_and_seconds)
{
    int value, rest;
    char unit[4], small_unit[4];
    cr_assert_eq(sscanf(show_eta(36000), "%d %3[h] %2d %3[min]", &value, unit, &rest, small_unit), 4, "%s", text);
    cr_assert(value >= 10 && rest < 60);
    cr_assert_eq(sscanf(show_eta(600), "%d %3[min] %2d %3[s]", &value, unit, &rest, small_unit), 4, "%s", text);
    cr_assert(value >= 10 && rest < 60);
    cr_assert_eq(sscanf(show_eta(10), "%d %3[s]", &value, unit), 2, "%s", text);
    cr_assert(value >= 10 && value < 60);
}

Test(progress, a_unit_that_takes_long_is_counted_in_part)
{
    open_terminal(200);
    struct progress *p = progress_new(PROGRESS_BAR, "images");
    progress_update(p, "images", 0, 6, 0, 6, NULL);
    wait_ms(120);
    progress_update(p, "images", 0.06, 6, 0.06, 6, NULL);
    written(false);
    cr_assert_not_null(strstr(text, " 1 %"), "%s", text);
    const char *rate = strstr(text, "%, ");
    cr_assert_not_null(rate, "%s", text);
    double value = strtod(rate + 3, NULL);
    cr_assert(value > 0.05 && value < 0.51, "%s", text);
    cr_assert_not_null(strstr(text, "ETA"), "%s", text);
    progress_free(p);
}

Test(progress, resumed_run_is_not_credited_with_what_was_done_before)
{
    open_terminal(200);
    struct progress *p = progress_new(PROGRESS_BAR, "images");
    progress_update(p, "x", 0, 1, 1000000, 2000000, NULL);
    wait_ms(120);
    progress_update(p, "x", 0, 1, 1000100, 2000000, NULL);
    written(false);
    const char *rate = strstr(text, "%, ");
    cr_assert_not_null(rate, "%s", text);
    long value = strtol(rate + 3, NULL, 10);
    cr_assert(value > 0 && value < 900, "%s", text);
    progress_free(p);
}
