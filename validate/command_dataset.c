/* validate dataset DESCRIPTOR: the checks of a policy, and a verdict; with --fix a cleaned copy. */
#include "validate/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/interrupt.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/ranks.h"
#include "base/shell.h"
#include "base/version.h"
#include "validate/command_parts.h"
#include "validate/dataset/dataset_checks.h"
#include "validate/dataset/suite.h"
#include "validate/dataset/suspects.h"
#include "validate/fix.h"
#include "validate/options_dataset.h"
#include "validate/output.h"
#include "validate/resources.h"
#include "validate/together.h"

enum { SIS_LIMIT_BYTES = 1 << 20 };

struct command {
    struct dataset_options options;
    int argc;
    char **argv;
    struct dataset *data;
    struct augment frame; /* of the view */
    struct masked_view *view;
    struct policy *policy;
    struct previous *previous;
    struct waivers waivers;
    struct team *team;
    struct progress *progress;
    struct output output;
    struct survey survey;
    struct report report;
    double start;
};

/* --- what the options name ---------------------------------------------------------------------------------------- */

static bool read_policy(struct command *c, struct err *err)
{
    char *path = c->options.policy ? mem_string(c->options.policy) : resource_find(policy_of_datasets.example);
    bool ok = policy_read(&policy_of_datasets, path, &c->policy, err);

    free(path);
    return ok;
}

static bool open_view(struct command *c, struct err *err)
{
    const struct dataset_options *o = &c->options;

    c->frame = picture_geometry(c->data);
    const struct view_options view = {
        .text = o->view, .data = c->data, .frame = &c->frame, .baseline = o->baseline, .seed = (uint64_t)o->seed
    };
    return !o->view || view_open(&view, &c->view, err);
}

/* Which split a directory of `validate sis` is about, by its sis.json. */
static bool place_masks(struct command *c, const char *directory, struct err *err)
{
    char *path = file_join(directory, "sis.json");
    json_t *root = NULL;
    bool ok = json_open(path, SIS_LIMIT_BYTES, &root, err);
    const char *split = ok ? json_string_value(json_object_get(root, "split")) : NULL;

    if (ok && !(split && (strcmp(split, "train") == 0 || strcmp(split, "test") == 0)))
        ok = err_run(err, "%s: names neither train nor test as its split; give a result of validate sis", path);
    if (ok) {
        const char **place = &c->survey.masks[strcmp(split, "train") == 0 ? SPLIT_TRAIN : SPLIT_TEST];
        ok = !*place || err_usage(err, "validate dataset: --masks %s and %s are both of the %s split; give one of each",
                                  *place, directory, split);
        *place = directory;
    }
    json_decref(root);
    free(path);
    return ok;
}

static bool open_output(struct command *c, struct err *err)
{
    const struct dataset_options *o = &c->options;
    char *name = file_plain_name(c->data->name), *usual = file_join("validation", name);
    bool ok = !o->suspects || o->resume || o->overwrite || !file_exists(o->suspects) ||
              err_usage(err, "%s: exists; --overwrite replaces it", o->suspects);

    c->output.path = mem_string(o->out ? o->out : usual); /* rank 0 alone holds the directory */
    if (ok && ranks_number() == 0) {
        free(c->output.path);
        ok = output_open(&c->output, o->out ? o->out : usual, o->resume, o->overwrite, err);
    }
    free(usual);
    free(name);
    return ranks_all_ok(ok, err) && ranks_see_directory(c->output.path, err);
}

/* What each rank does by itself before all work together. */
static bool prepare(struct command *c, struct err *err)
{
    const struct dataset_options *o = &c->options;
    bool ok = read_policy(c, err) && (!o->previous || previous_read(o->previous, REPORT_DATASET, &c->previous, err)) &&
              waivers_read(c->policy, o->previous != NULL, &o->waive, &c->waivers, err);

    for (int i = 0; ok && i < o->masks.n; i++)
        ok = place_masks(c, o->masks.text[i], err);
    ok = ok && dataset_open(o->descriptor, o->data, &c->data, err);
    if (ok)
        policy_choose(c->policy, o->full, c->data->count[SPLIT_TRAIN] > 0 && c->data->count[SPLIT_TEST] > 0);
    return ok && open_view(c, err);
}

static bool agree(const struct command *c, struct err *err)
{
    const struct dataset_options *o = &c->options;
    char hash[SHA256_HEX] = "",
         *settings = mem_format("seed %lld full %d resume %d cfg %s view %s", o->seed, o->full, o->resume,
                                o->cfg ? o->cfg : "", c->view ? view_text(c->view) : "");
    bool ok = ranks_size() == 1 ||
              (ranks_all_ok(c->data->hash(c->data, hash, err), err) && ranks_agree("data set", hash, err) &&
               ranks_agree("policy", c->policy->hash, err) && ranks_agree("set of options", settings, err) &&
               ranks_agree("version of this program", version_string(), err));

    free(settings);
    return ok;
}

/* --- judging ------------------------------------------------------------------------------------------------------ */

static bool judge(struct command *c, struct err *err)
{
    const struct dataset_options *o = &c->options;

    c->survey.data = c->data;
    c->survey.descriptor = o->descriptor;
    c->survey.data_dir = o->data;
    c->survey.view = c->view;
    c->survey.cfg = o->cfg;
    c->survey.directory = c->output.path;
    c->survey.program = c->argv[0];
    c->survey.progress = c->progress;
    c->survey.stop = interrupt_requested;
    c->survey.team = c->team;
    c->survey.seed = (uint64_t)o->seed;
    c->survey.full = o->full;
    c->survey.replace = !o->resume;
    struct dataset_suite suite = { .survey = &c->survey,
                                   .policy = c->policy,
                                   .previous = c->previous,
                                   .waivers = &c->waivers,
                                   .argc = c->argc,
                                   .argv = c->argv,
                                   .threads = (int)o->threads,
                                   .start = c->start };
    bool ok = dataset_suite_run(&suite, &c->report, err);
    progress_clear(c->progress);
    if (!ok && err->status == EXIT_INTERRUPTED)
        return command_interrupted(c->argc, c->argv, err);
    return ok && command_save_report(&c->report, c->output.path, err);
}

static bool export(struct command *c, struct err *err)
{
    const char *path = c->options.suspects;
    int written, left_out;

    if (!path || ranks_number() != 0)
        return true;
    if (!suspects_export(&c->report, c->data, path, &written, &left_out, err))
        return false;
    printf("%d picture%s to look at in %s\n", written, written == 1 ? "" : "s", path);
    if (left_out > 0)
        printf("%d more cannot stand in a list, for line breaks or blanks in their names; report.json has them\n",
               left_out);
    return true;
}

static bool run(struct command *c, struct err *err)
{
    if (!ranks_all_ok(prepare(c, err), err) || !agree(c, err) || !open_output(c, err) || !judge(c, err))
        return false;
    command_print_report(&c->report, c->output.path);
    return ranks_all_ok(export(c, err), err);
}

/* --- fixing ------------------------------------------------------------------------------------------------------- */

static bool fix(struct command *c, struct err *err)
{
    const struct dataset_options *o = &c->options;
    struct fix f = { .source = o->descriptor,
                     .directory = o->out,
                     .seed = (uint64_t)o->seed,
                     .overwrite = o->overwrite,
                     .argc = c->argc,
                     .argv = c->argv,
                     .team = c->team,
                     .progress = c->progress,
                     .stop = interrupt_requested };
    struct fix_result result;

    if (ranks_size() > 1)
        return err_usage(err, "validate dataset: --fix is not shared by ranks; start it without mpirun");
    if (!fix_parse(o->fix, &f, err) || !dataset_open(o->descriptor, o->data, &c->data, err))
        return false;
    f.data = c->data;
    bool ok = fix_run(&f, &result, err);
    progress_clear(c->progress);
    if (!ok && err->status == EXIT_INTERRUPTED) {
        char *command = shell_command(c->argc, c->argv);
        err_run(err, "interrupted; nothing was written; start again with: %s", command);
        err->status = EXIT_INTERRUPTED;
        free(command);
    }
    if (ok)
        printf("%s: %lld pictures written, %lld left out because they cannot be read\ncheck it with: validate dataset "
               "%s/dataset.conf\n",
               o->out, (long long)result.written, (long long)result.left_out, o->out);
    return ok;
}

/* --- the command -------------------------------------------------------------------------------------------------- */

static void close_command(struct command *c)
{
    report_free(&c->report);
    output_close(&c->output);
    view_close(c->view);
    dataset_close(c->data);
    waivers_free(&c->waivers);
    previous_free(c->previous);
    policy_free(c->policy);
    team_free(c->team);
    progress_free(c->progress);
}

enum exit_status command_dataset(const struct subject_opener *opener, int argc, char **argv, struct err *err)
{
    struct command c = { .argc = argc, .argv = argv, .output = { .lock = -1 }, .start = clock_seconds() };
    const struct dataset_options *o = &c.options;

    (void)opener; /* no model is asked */
    if (!ranks_all_ok(dataset_options_parse(&c.options, argc - 1, argv + 1, err), err))
        return err->status;
    if (o->list_checks) {
        command_list_checks(dataset_check_types);
        return EXIT_OK;
    }
    c.progress = progress_new(command_progress(o->quiet), "pictures");
    interrupt_install();
    bool ok = team_new((int)o->threads, false, &c.team, err) && (o->fix ? fix(&c, err) : run(&c, err));
    enum exit_status status = !ok ? err->status : o->fix ? EXIT_OK : c.report.verdict;
    close_command(&c);
    return status;
}
