#include "base/process.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "base/file.h"
#include "base/mem.h"

enum { LONGEST_LINE = 512, CANNOT_START = 127 };

void process_add(struct process_words *w, const char *fmt, ...)
{
    char *word = NULL;
    va_list args;

    va_start(args, fmt);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    word = mem_alloc((size_t)n + 1, 1);
    va_start(args, fmt);
    vsnprintf(word, (size_t)n + 1, fmt, args);
    va_end(args);
    assert(w->n < PROCESS_MOST_WORDS);
    w->word[w->n++] = word;
}

void process_words_free(struct process_words *w)
{
    for (int i = 0; i < w->n; i++)
        free(w->word[i]);
    *w = (struct process_words){ .n = 0 };
}

/* --- finding it --------------------------------------------------------------------------------------------------- */

static bool is_program(const char *path)
{
    struct stat s;

    return stat(path, &s) == 0 && S_ISREG(s.st_mode) && access(path, X_OK) == 0;
}

/* The first of the folders in PATH that has it (an empty one is the current folder), or NULL. */
static char *search_path(const char *name)
{
    const char *at = getenv("PATH");

    while (at && *name) {
        size_t n = strcspn(at, ":");
        char *folder = n ? mem_format("%.*s", (int)n, at) : mem_string(".");
        char *path = file_join(folder, name);
        free(folder);
        if (is_program(path))
            return path;
        free(path);
        at = at[n] ? at + n + 1 : NULL;
    }
    return NULL;
}

/* "bin/marginalia-validate", "train" -> "bin/marginalia-train" */
static char *sibling(const char *path, const char *name)
{
    static const char ours[] = "validate";
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    size_t folder = (size_t)(base - path), n = strlen(base), end = sizeof ours - 1;
    size_t before = n >= end && strcmp(base + n - end, ours) == 0 ? n - end : 0;

    return mem_format("%.*s%s", (int)(folder + before), path, name);
}

bool process_beside(const char *program, const char *name, char **out, struct err *err)
{
    char *own = strchr(program, '/') ? mem_string(program) : search_path(program);
    char *path = sibling(own ? own : program, name);

    *out = NULL;
    if (own && !is_program(path)) {
        char *real = realpath(own, NULL), *other = real ? sibling(real, name) : NULL;
        if (other && is_program(other)) {
            free(path);
            path = other;
            other = NULL;
        }
        free(other);
        free(real);
    }
    bool ok = (own && is_program(path)) ||
              err_run(err, "%s: is not there or cannot be run; install %s beside %s", path, name, program);
    if (ok)
        *out = path;
    else
        free(path);
    free(own);
    return ok;
}

/* --- what it prints ----------------------------------------------------------------------------------------------- */

/* line = the last whole line of the log that is not blank, or "". */
static void last_line(const struct process_child *child, char line[LONGEST_LINE])
{
    int file = open(child->p->log, O_RDONLY | O_CLOEXEC);
    struct stat s;
    ssize_t n = 0;
    char tail[LONGEST_LINE];

    *line = '\0';
    if (file < 0)
        return;
    if (fstat(file, &s) == 0) {
        off_t from = s.st_size - (LONGEST_LINE - 1);
        from = from > child->log_start ? from : child->log_start;
        n = pread(file, tail, LONGEST_LINE - 1, from);
    }
    close(file);
    while (n > 0 && tail[n - 1] != '\n') /* it is still writing this one */
        n--;
    while (n > 0 && strchr(" \n\r", tail[n - 1]))
        n--;
    ssize_t begin = n;
    while (begin > 0 && tail[begin - 1] != '\n' && tail[begin - 1] != '\r')
        begin--;
    if (n > begin)
        memcpy(line, tail + begin, (size_t)(n - begin));
    line[n > begin ? n - begin : 0] = '\0';
}

/* --- running it --------------------------------------------------------------------------------------------------- */

/* After fork: only what a signal handler may call. Never returns. */
static void become(const struct process *p, char *const *words, int log, pid_t parent)
{
    sigset_t none;
    int nothing = open("/dev/null", O_RDONLY);

    setpgid(0, 0);
    signal(SIGTERM, SIG_DFL); /* it can be stopped even if we were started so that we cannot */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent || nothing < 0 ||
        (p->cpus && sched_setaffinity(0, sizeof *p->cpus, p->cpus) != 0) || dup2(nothing, STDIN_FILENO) < 0 ||
        dup2(log, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0)
        _exit(CANNOT_START);
    close_range(STDERR_FILENO + 1, ~0U, 0);
    execv(p->path, words);
    _exit(CANNOT_START);
}

static int open_log(const struct process *p, off_t *start, struct err *err)
{
    int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | (p->append ? 0 : O_TRUNC);
    int log = open(p->log, flags, 0666);

    if (log < 0)
        err_run(err, "%s: cannot be written (%s); check the permissions", p->log, strerror(errno));
    else
        *start = lseek(log, 0, SEEK_END);
    return log;
}

bool process_start(const struct process *p, struct process_child *child, struct err *err)
{
    char *words[PROCESS_MOST_WORDS + 2] = { (char *)(p->called ? p->called : p->path) };
    pid_t self = getpid();

    *child = (struct process_child){ .p = p };
    int log = open_log(p, &child->log_start, err);
    if (log < 0)
        return false;
    memcpy(words + 1, p->words->word, (size_t)p->words->n * sizeof *words);
    signal(SIGCHLD, SIG_DFL); /* if it was ignored when we started, nobody would learn how the child ended */
    child->id = fork();
    if (child->id == 0)
        become(p, words, log, self);
    int why = errno;
    close(log);
    return child->id > 0 ||
           err_run(err, "%s: cannot be started (%s); try again with less to do", p->path, strerror(why));
}

static bool interrupted(struct err *err)
{
    err_run(err, "interrupted");
    err->status = EXIT_INTERRUPTED;
    return false;
}

/* status as of waitpid, and not that of success. */
static bool explain(const struct process_child *child, int status, struct err *err)
{
    const struct process *p = child->p;
    char line[LONGEST_LINE];

    last_line(child, line);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM) /* before it had a handler for it */
        return interrupted(err);
    if (WIFSIGNALED(status))
        return err_run(err, "%s: was ended by signal %d (%s); is there enough memory? Its output is in %s", p->name,
                       WTERMSIG(status), strsignal(WTERMSIG(status)), p->log);
    if (WEXITSTATUS(status) == EXIT_INTERRUPTED)
        return interrupted(err);
    if (WEXITSTATUS(status) == CANNOT_START && !*line)
        return err_run(err, "%s: cannot be started; check that it is a program for this machine", p->path);
    if (*line)
        err_run(err, "%s (its whole output is in %s)", line, p->log);
    else
        err_run(err, "%s: ended with status %d and without a word; look into %s", p->name, WEXITSTATUS(status), p->log);
    if (WEXITSTATUS(status) == EXIT_USAGE)
        err->status = EXIT_USAGE;
    return false;
}

bool process_ended(struct process_child *child, bool *ok, struct err *err)
{
    const struct process *p = child->p;
    char line[LONGEST_LINE];
    int status;
    pid_t ended = waitpid(child->id, &status, WNOHANG);

    if (ended == 0) {
        if (!child->asked && p->stop && p->stop()) {
            kill(child->id, SIGTERM);
            child->asked = true;
        }
        if (p->tell) {
            last_line(child, line);
            p->tell(p->self, line);
        }
        return false;
    }
    if (ended != child->id)
        *ok = err_run(err, "%s: its end was missed (%s); start again", p->name, strerror(errno));
    else
        *ok = (WIFEXITED(status) && WEXITSTATUS(status) == 0) || explain(child, status, err);
    return true;
}

void process_pause(void)
{
    nanosleep(&(const struct timespec){ .tv_nsec = 50000000 }, NULL);
}

bool process_run(const struct process *p, struct err *err)
{
    struct process_child child;
    bool ok;

    if (!process_start(p, &child, err))
        return false;
    while (!process_ended(&child, &ok, err))
        process_pause();
    return ok;
}
