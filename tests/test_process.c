#include "base/process.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"
#include "tests/data_fixture.h"

TestSuite(process, .init = fixture_set_up, .fini = fixture_clean_up, .timeout = 60);

enum { MANY = 3 };

/* What /bin/sh is asked to do, with a log of its own. */
struct job {
    struct process process;
    struct process_words words;
    struct process_child child;
    bool running, ok;
    struct err err;
};
static struct job jobs[MANY];

static void prepare(struct job *j, const char *log, const char *script)
{
    *j = (struct job){ .process = { .path = "/bin/sh", .name = "sh", .log = mem_string(fixture_path(log)) } };
    j->process.words = &j->words;
    process_add(&j->words, "-c");
    process_add(&j->words, "cd %s; %s", fixture_path("."), script);
}

static void start(struct job *j)
{
    j->running = process_start(&j->process, &j->child, &j->err);
    cr_assert(j->running, "%s", j->err.text);
}

/* Asks all in turns until none runs. */
static void wait_for_all(int n)
{
    for (int left = n; left > 0;) {
        for (int i = 0; i < n; i++)
            if (jobs[i].running && process_ended(&jobs[i].child, &jobs[i].ok, &jobs[i].err)) {
                jobs[i].running = false;
                left--;
            }
        process_pause();
    }
}

static char *read_text(const char *name)
{
    char *text;
    size_t n;
    struct err err;

    cr_assert(file_read(fixture_path(name), 1 << 16, &text, &n, &err), "%s", err.text);
    return text;
}

static void expect_text(const char *name, const char *wanted)
{
    char *text = read_text(name);
    cr_expect_str_eq(text, wanted);
    free(text);
}

static bool run(struct job *j)
{
    j->ok = process_run(&j->process, &j->err);
    return j->ok;
}

Test(process, several_run_at_the_same_time)
{
    for (int i = 0; i < MANY; i++) { /* each waits for the others' files */
        char *script =
            mem_format(": >here%d; until [ -e here0 -a -e here1 -a -e here2 ]; do sleep .02; done; exit %d", i, i);
        prepare(&jobs[i], i == 0 ? "0.log" : i == 1 ? "1.log" : "2.log", script);
        free(script);
        start(&jobs[i]);
    }
    wait_for_all(MANY);
    cr_expect(jobs[0].ok && !jobs[1].ok && !jobs[2].ok);
    cr_expect(strstr(jobs[1].err.text, "status 1"), "%s", jobs[1].err.text);
    cr_expect_eq(jobs[2].err.status, EXIT_USAGE);
}

static bool both_are_ready(void)
{
    return access(fixture_path("a"), F_OK) == 0 && access(fixture_path("b"), F_OK) == 0;
}

Test(process, a_stop_reaches_each_of_them_once)
{
    static const char wait[] = "trap 'echo asked; asked=1' TERM; : >%s; until [ -n \"$asked\" ]; do sleep .02; done; "
                               "sleep .3; exit 75";

    for (int i = 0; i < 2; i++) {
        const char *name = i ? "b" : "a";
        char *script = mem_format(wait, name);
        prepare(&jobs[i], i ? "b.log" : "a.log", script);
        jobs[i].process.stop = both_are_ready;
        free(script);
        start(&jobs[i]);
    }
    wait_for_all(2);
    for (int i = 0; i < 2; i++) {
        cr_expect(!jobs[i].ok && jobs[i].err.status == EXIT_INTERRUPTED);
        expect_text(i ? "b.log" : "a.log", "asked\n");
    }
}

Test(process, a_log_may_go_on_from_the_last_time)
{
    prepare(&jobs[0], "log", "echo first");
    cr_assert(run(&jobs[0]));
    prepare(&jobs[1], "log", "exit 3");
    jobs[1].process.append = true;
    cr_expect_not(run(&jobs[1]));
    expect_text("log", "first\n");
    cr_expect(strstr(jobs[1].err.text, "without a word"), "an old line speaks for it: %s", jobs[1].err.text);
    prepare(&jobs[2], "log", "echo second");
    cr_assert(run(&jobs[2]));
    expect_text("log", "second\n");
}

Test(process, it_is_called_as_asked)
{
    prepare(&jobs[0], "log", "echo $0");
    jobs[0].process.called = "bin/train";
    cr_assert(run(&jobs[0]), "%s", jobs[0].err.text);
    expect_text("log", "bin/train\n");
}

Test(process, it_keeps_to_the_processors_it_was_given)
{
    cpu_set_t ours, one;
    int last = CPU_SETSIZE - 1;

    CPU_ZERO(&one);
    cr_assert_eq(sched_getaffinity(0, sizeof ours, &ours), 0);
    while (!CPU_ISSET(last, &ours))
        last--;
    CPU_SET(last, &one);
    prepare(&jobs[0], "log", "grep Cpus_allowed_list /proc/self/status");
    jobs[0].process.cpus = &one;
    cr_assert(run(&jobs[0]), "%s", jobs[0].err.text);
    char *wanted = mem_format("Cpus_allowed_list:\t%d\n", last);
    expect_text("log", wanted);
    free(wanted);
}
