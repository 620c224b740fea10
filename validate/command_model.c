/* validate model RUN: the checks of a policy, and a verdict. */
#include "validate/command.h"

#include <stdlib.h>
#include "base/interrupt.h"
#include "base/mem.h"
#include "base/ranks.h"
#include "validate/command_parts.h"
#include "validate/output.h"
#include "validate/resources.h"
#include "validate/suite.h"
#include "validate/together.h"

struct command {
    struct judge_options options;
    struct policy *policy;
    struct previous *previous;
    struct waivers waivers;
    struct subject subject;
    struct selftest selftest;
    struct output output;
    struct report report;
    double start;
};

static bool read_policy(struct command *c, struct err *err)
{
    char *path = c->options.policy ? mem_string(c->options.policy) : resource_find(policy_of_models.example);
    bool ok = policy_read(&policy_of_models, path, &c->policy, err);

    free(path);
    return ok;
}

/* Rank 0 alone holds the directory. */
static bool open_output(struct command *c, struct err *err)
{
    const struct judge_options *o = &c->options;
    char *path = o->out ? mem_string(o->out) : file_join(c->subject.directory, "validation");
    bool ok = true;

    if (ranks_number() == 0)
        ok = output_open(&c->output, path, o->resume, o->overwrite, err);
    else
        c->output.path = mem_string(path);
    free(path);
    return ranks_all_ok(ok, err) && ranks_see_directory(c->output.path, err);
}

/* What each rank does by itself before all work together. */
static bool prepare(struct command *c, struct err *err)
{
    const struct judge_options *o = &c->options;

    return read_policy(c, err) && (!o->previous || previous_read(o->previous, REPORT_MODEL, &c->previous, err)) &&
           waivers_read(c->policy, o->previous != NULL, &o->waive, &c->waivers, err) &&
           subject_open(&o->subject, c->subject.opener, c->policy->baseline, &c->subject, err) &&
           subject_covers(&c->subject, SPLIT_TEST, NULL, c->subject.data->count[SPLIT_TEST], err) &&
           subject_selftest(&c->subject, SPLIT_TEST, (uint64_t)o->subject.seed, &c->selftest, err);
}

static bool agree(const struct command *c, struct err *err)
{
    const struct judge_options *o = &c->options;
    char *settings = mem_format("seed %lld full %d resume %d", o->subject.seed, o->full, o->resume);
    bool ok = together_subject(&c->subject, err) && ranks_agree("policy", c->policy->hash, err) &&
              ranks_agree("set of options", settings, err);

    free(settings);
    return ok;
}

static bool judge(struct command *c, int argc, char **argv, struct err *err)
{
    const struct judge_options *o = &c->options;
    struct suite suite = { .subject = &c->subject,
                           .policy = c->policy,
                           .previous = c->previous,
                           .waivers = &c->waivers,
                           .selftest = &c->selftest,
                           .directory = c->output.path,
                           .progress = progress_new(command_progress(o->quiet), "pictures"),
                           .stop = interrupt_requested,
                           .argc = argc,
                           .argv = argv,
                           .full = o->full,
                           .resume = o->resume,
                           .seed = (uint64_t)o->subject.seed,
                           .threads = (int)o->subject.threads,
                           .start = c->start };

    policy_choose(c->policy, o->full, true);
    interrupt_install();
    bool ok = suite_run(&suite, &c->report, err);
    progress_clear(suite.progress);
    progress_free(suite.progress);
    if (!ok && err->status == EXIT_INTERRUPTED)
        return command_interrupted(argc, argv, err);
    return ok && command_save_report(&c->report, c->output.path, err);
}

static bool run(struct command *c, int argc, char **argv, struct err *err)
{
    bool ok = ranks_all_ok(prepare(c, err), err) && agree(c, err) && open_output(c, err) && judge(c, argc, argv, err);

    if (ok)
        command_print_report(&c->report, c->output.path);
    return ok;
}

static void close_command(struct command *c)
{
    report_free(&c->report);
    output_close(&c->output);
    if (c->subject.opener)
        subject_close(&c->subject);
    waivers_free(&c->waivers);
    previous_free(c->previous);
    policy_free(c->policy);
}

enum exit_status command_model(const struct subject_opener *opener, int argc, char **argv, struct err *err)
{
    struct command c = { .output = { .lock = -1 }, .start = clock_seconds() };

    if (!ranks_all_ok(judge_options_parse(&c.options, argc - 1, argv + 1, err), err))
        return err->status;
    if (c.options.list_checks) {
        command_list_checks(check_types);
        return EXIT_OK;
    }
    c.subject.opener = opener;
    bool ok = run(&c, argc, argv, err);
    enum exit_status status = ok ? c.report.verdict : err->status;
    close_command(&c);
    return status;
}
