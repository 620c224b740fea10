#include "base/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

enum { COLUMNS_UNKNOWN = 80, BAR_CELLS = 20, LINE_LONGEST = 511 };

static const double bar_interval_s = 0.1, lines_interval_s = 5, rate_window_s = 20;

struct progress {
    enum progress_style style; /* never PROGRESS_AUTO */
    char *unit;
    bool visible; /* a bar is on the terminal's last line */
    double drawn_s;
    /* The rate is measured from the older of two marks; the newer takes its place after rate_window_s. */
    struct mark {
        double s;
        double done;
    } older, newer;
    bool started;
};

double clock_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static enum progress_style style_of_terminal(void)
{
    const char *term = getenv("TERM");
    bool dumb = !term || !*term || !strcmp(term, "dumb");
    return isatty(STDERR_FILENO) && !dumb ? PROGRESS_BAR : PROGRESS_LINES;
}

struct progress *progress_new(enum progress_style style, const char *unit)
{
    struct progress *p = mem_alloc(1, sizeof *p);
    p->style = style == PROGRESS_AUTO ? style_of_terminal() : style;
    p->unit = mem_string(unit);
    return p;
}

void progress_free(struct progress *p)
{
    if (!p)
        return;
    progress_clear(p);
    free(p->unit);
    free(p);
}

void progress_clear(struct progress *p)
{
    if (p->visible)
        fputs("\r\033[K", stderr);
    p->visible = false;
}

static int terminal_columns(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : COLUMNS_UNKNOWN;
}

/* "45 s", "3 min 20 s", "1 h 05 min" */
static void format_duration(char *text, size_t n, double seconds)
{
    long long s = (long long)(seconds + 0.5);
    if (s < 60)
        snprintf(text, n, "%lld s", s);
    else if (s < 3600)
        snprintf(text, n, "%lld min %02lld s", s / 60, s % 60);
    else
        snprintf(text, n, "%lld h %02lld min", s / 3600, s / 60 % 60);
}

/* Units per second since the older mark; 0 while unknown. */
static double measure_rate(struct progress *p, double now, double all_done)
{
    if (!p->started || all_done < p->newer.done) {
        p->older = p->newer = (struct mark){ now, all_done };
        p->started = true;
    } else if (now - p->newer.s > rate_window_s) {
        p->older = p->newer;
        p->newer = (struct mark){ now, all_done };
    }
    return now > p->older.s ? (all_done - p->older.done) / (now - p->older.s) : 0;
}

static void format_bar(char *text, double share)
{
    int full = share >= 1 ? BAR_CELLS : share > 0 ? (int)(share * BAR_CELLS) : 0;
    *text++ = '[';
    for (int i = 0; i < BAR_CELLS; i++)
        *text++ = i < full ? '#' : '.';
    memcpy(text, "] ", 3);
}

static void append(char *line, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void append(char *line, const char *fmt, ...)
{
    size_t used = strlen(line);
    va_list args;
    va_start(args, fmt);
    vsnprintf(line + used, LINE_LONGEST + 1 - used, fmt, args);
    va_end(args);
}

/* Notes may hold names from outside; nothing of theirs may steer the terminal. */
static void hide_controls(char *line)
{
    for (; *line; line++)
        if ((unsigned char)*line < 0x20 || *line == 0x7f)
            *line = '?';
}

static void draw(struct progress *p, const char *line)
{
    if (p->style == PROGRESS_LINES) {
        fprintf(stderr, "%s\n", line);
        return;
    }
    /* One write, so that the bar does not flicker; the last column stays free, or the terminal would wrap. */
    char whole[LINE_LONGEST + 16];
    snprintf(whole, sizeof whole, "\r%.*s\033[K", terminal_columns() - 1, line);
    fputs(whole, stderr);
    p->visible = true;
}

void progress_update(struct progress *p, const char *stage, double done, double total, double all_done,
                     double all_total, const char *note)
{
    if (p->style == PROGRESS_QUIET)
        return;
    double now = clock_seconds(), rate = measure_rate(p, now, all_done);
    if (p->drawn_s == 0 && p->style == PROGRESS_LINES)
        p->drawn_s = now;
    if (now - p->drawn_s < (p->style == PROGRESS_BAR ? bar_interval_s : lines_interval_s))
        return;
    p->drawn_s = now;

    char line[LINE_LONGEST + 1] = "", part[64];
    double share = total > 0 ? done / total : 0;
    append(line, "%s ", stage);
    if (p->style == PROGRESS_BAR) {
        format_bar(part, share);
        append(line, "%s", part);
    }
    append(line, "%.0f %%", 100 * share);
    if (rate > 0) {
        append(line, rate < 10 ? ", %.2g %s/s" : ", %.0f %s/s", rate, p->unit);
        format_duration(part, sizeof part, (all_total - all_done) / rate);
        append(line, ", ETA %s", part);
    }
    if (note && *note)
        append(line, ", %s", note);
    hide_controls(line);
    draw(p, line);
}

void progress_line(struct progress *p, const char *fmt, ...)
{
    if (p->style == PROGRESS_QUIET)
        return;
    char line[LINE_LONGEST + 1];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    hide_controls(line);
    progress_clear(p);
    fprintf(stderr, "%s\n", line);
}
