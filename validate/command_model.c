/* validate model RUN: the checks of a policy, and a verdict. */
#include "validate/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/interrupt.h"
#include "base/mem.h"
#include "base/shell.h"
#include "validate/checks/checks.h"
#include "validate/output.h"
#include "validate/suite.h"

struct command {
    struct judge_options options;
    struct policy *policy;
    struct previous *previous;
    int n_waivers;
    struct waiver waiver[SETTING_LIST_LONGEST];
    struct subject subject;
    struct selftest selftest;
    struct output output;
    struct report report;
    double start;
};

static enum exit_status list_checks(void)
{
    for (const struct check_type *t = check_types; t->kind; t++)
        printf("%-22s %s%s%s%s\n", t->kind, t->summary, t->takes & TAKES_THRESHOLD ? " [threshold]" : "",
               t->takes & TAKES_FRACTION ? " [fraction]" : "", t->takes & TAKES_WIDTH ? " [width]" : "");
    return EXIT_OK;
}

/* "ID.previous=REASON" waives the comparison with the last release; the policy knows ID. */
static bool read_waiver(const struct command *c, const char *text, struct waiver *out, struct err *err)
{
    static const char suffix[] = ".previous";
    size_t id = strcspn(text, "="), n = sizeof suffix - 1;

    if (!c->previous || id <= n || strncmp(text + id - n, suffix, n) != 0)
        return policy_waiver(c->policy, text, out, err);
    char *plain = mem_format("%.*s%s", (int)(id - n), text, text + id);
    bool ok = policy_waiver(c->policy, plain, out, err);
    if (ok) {
        char *longer = mem_format("%s%s", out->id, suffix);
        free(out->id);
        out->id = longer;
    }
    free(plain);
    return ok;
}

static bool read_waivers(struct command *c, struct err *err)
{
    const struct setting_list *list = &c->options.waive;

    for (; c->n_waivers < list->n; c->n_waivers++) {
        struct waiver *w = &c->waiver[c->n_waivers];
        if (!read_waiver(c, list->text[c->n_waivers], w, err))
            return false;
        for (int i = 0; i < c->n_waivers; i++)
            if (strcmp(c->waiver[i].id, w->id) == 0) {
                c->n_waivers++;
                return err_usage(err, "validate model: --waive %s is given twice; give it once", w->id);
            }
    }
    return true;
}

static bool open_output(struct command *c, struct err *err)
{
    const struct judge_options *o = &c->options;
    char *path = o->out ? mem_string(o->out) : file_join(c->subject.directory, "validation");
    bool ok = output_open(&c->output, path, o->resume, o->overwrite, err);

    free(path);
    return ok;
}

static bool interrupted(int argc, char **argv, struct err *err)
{
    char *command = shell_resume_command(argc, argv);

    err_run(err, "interrupted; continue with: %s", command);
    err->status = EXIT_INTERRUPTED;
    free(command);
    return false;
}

static bool judge(struct command *c, int argc, char **argv, struct err *err)
{
    const struct judge_options *o = &c->options;
    struct suite suite = { .subject = &c->subject,
                           .policy = c->policy,
                           .previous = c->previous,
                           .n_waivers = c->n_waivers,
                           .waiver = c->waiver,
                           .selftest = &c->selftest,
                           .directory = c->output.path,
                           .progress = progress_new(o->quiet ? PROGRESS_QUIET : PROGRESS_AUTO, "pictures"),
                           .stop = interrupt_requested,
                           .argc = argc,
                           .argv = argv,
                           .full = o->full,
                           .resume = o->resume,
                           .seed = (uint64_t)o->subject.seed,
                           .threads = (int)o->subject.threads,
                           .start = c->start };

    interrupt_install();
    bool ok = suite_run(&suite, &c->report, err);
    progress_clear(suite.progress);
    progress_free(suite.progress);
    if (!ok && err->status == EXIT_INTERRUPTED)
        return interrupted(argc, argv, err);
    return ok && report_save(&c->report, c->output.path, err);
}

static void print_report(const struct command *c)
{
    const char *no_color = getenv("NO_COLOR");

    report_terminal(&c->report, stdout, isatty(STDOUT_FILENO) && !(no_color && *no_color));
    printf("report in %s/report.html\n", c->output.path);
}

static bool run(struct command *c, int argc, char **argv, struct err *err)
{
    const struct judge_options *o = &c->options;

    bool ok = policy_read(&policy_of_models, o->policy, &c->policy, err) &&
              (!o->previous || previous_read(o->previous, &c->previous, err)) && read_waivers(c, err) &&
              subject_open(&o->subject, c->subject.opener, &c->subject, err) && open_output(c, err) &&
              subject_selftest(&c->subject, SPLIT_TEST, (uint64_t)o->subject.seed, &c->selftest, err) &&
              judge(c, argc, argv, err);
    if (ok)
        print_report(c);
    return ok;
}

static void close_command(struct command *c)
{
    report_free(&c->report);
    output_close(&c->output);
    if (c->subject.opener)
        subject_close(&c->subject);
    for (int i = 0; i < c->n_waivers; i++) {
        free(c->waiver[i].id);
        free(c->waiver[i].reason);
    }
    previous_free(c->previous);
    policy_free(c->policy);
}

enum exit_status command_model(const struct subject_opener *opener, int argc, char **argv, struct err *err)
{
    struct command c = { .output = { .lock = -1 }, .start = clock_seconds() };

    if (!judge_options_parse(&c.options, argc - 1, argv + 1, err))
        return err->status;
    if (c.options.list_checks)
        return list_checks();
    c.subject.opener = opener;
    bool ok = run(&c, argc, argv, err);
    enum exit_status status = ok ? c.report.verdict : err->status;
    close_command(&c);
    return status;
}
