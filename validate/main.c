/* validate COMMAND: verdicts on models and data sets. Binds the engine to struct subject_opener; the only place that
 * prints errors. */
#include <fenv.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/ranks.h"
#include "base/settings.h"
#include "base/version.h"
#include "darknet-ext/ensemble.h"
#include "validate/command.h"
#include "validate/options.h"
#include "validate/options_compare.h"
#include "validate/options_dataset.h"

static const char help[] =
    "validate - Tells whether a model or a data set overinterprets.\n"
    "\n"
    "usage: validate COMMAND [arguments]\n"
    "\n"
    "commands:\n"
    "  model RUN                 a report on a trained model, with a verdict\n"
    "  dataset DESCRIPTOR|DIR    a report on a data set, with a verdict; or a cleaned copy\n"
    "  compare A B [C ...]       do B, C, ... overinterpret less than A, on the same pictures?\n"
    "  sis RUN                   sufficient input subsets of single images\n"
    "  merge OUT DIR...          the shards of one `validate sis` as one result\n"
    "\n"
    "options:\n"
    "  --help                    this text; after a command: its options\n"
    "  --version                 the version\n"
    "\n"
    "Exit status: 0 done, or every check passed; 1 a check failed (the model overinterprets, the data set is\n"
    "not safe to learn from, a candidate is worse); 2 wrong usage or settings; 3 could not run; 4 inconclusive;\n"
    "75 interrupted (--resume continues). Only 0 means \"release\".\n";

struct command {
    const char *name;
    enum exit_status (*run)(const struct subject_opener *opener, int argc, char **argv, struct err *err);
    void (*help)(FILE *out);
    bool shared; /* the ranks of a job do it together */
};

static const struct command commands[] = {
    { "model", command_model, judge_options_help, true },
    { "dataset", command_dataset, dataset_options_help, true },
    { "compare", command_compare, compare_options_help, false },
    { "sis", command_sis, sis_options_help, true },
    { "merge", command_merge, merge_options_help, false },
};
enum { N_COMMANDS = sizeof commands / sizeof *commands };
static const char command_words[] = "model|dataset|compare|sis|merge";

static void engine_close(struct network *network)
{
    ensemble_close(network->self);
    network->self = NULL;
}

static int64_t count_parameters(const struct ensemble *e)
{
    int64_t n = 0;

    for (int i = 0; i < ensemble_members(e); i++)
        n += ensemble_cfg(e, i)->parameters;
    return n;
}

static bool engine_open(const struct network_files *files, int threads, struct network *out, struct err *err)
{
    struct ensemble_options o = {
        .n = files->n, .cfg = files->cfg, .weights = files->weights, .combine = files->combine, .threads = threads
    };
    struct ensemble *e;

    *out = (struct network){ 0 };
    if (!ensemble_open(&o, &e, err))
        return false;
    *out = (struct network){ .self = e,
                             .classifier = ensemble_classifier(e),
                             .dataset = ensemble_cfg(e, 0)->dataset,
                             .test_resize = ensemble_cfg(e, 0)->test_resize,
                             .parameters = count_parameters(e),
                             .isa = model_isa(),
                             .engine = model_engine_version() };
    return true;
}

static uint64_t engine_state_hash(const void *self)
{
    return ensemble_state_hash(self);
}

static const struct subject_opener engine = { engine_open, engine_close, engine_state_hash };

static enum exit_status refuse(const char *command, struct err *err)
{
    char near[16];

    if (nearest_word(command, command_words, near, sizeof near))
        err_usage(err, "%s: unknown command; did you mean %s?", command, near);
    else
        err_usage(err, "%s: unknown command; validate --help lists the commands", command);
    return err->status;
}

static const struct command *find_command(const char *word)
{
    for (int i = 0; i < N_COMMANDS; i++)
        if (strcmp(commands[i].name, word) == 0)
            return &commands[i];
    return NULL;
}

static enum exit_status run_command(const struct command *c, int argc, char **argv, struct err *err)
{
    if (!ranks_agree("command", c->name, err))
        return err->status;
    if (!c->shared && ranks_size() > 1)
        return err_usage(err, "%s: is not shared by ranks; start it without mpirun", c->name), err->status;
    return c->run(&engine, argc, argv, err);
}

static enum exit_status run_program(int argc, char **argv, struct err *err)
{
    const struct command *command = argc >= 2 ? find_command(argv[1]) : NULL;

    if (ranks_number() != 0 && (settings_asks(argc, argv, "help") || settings_asks(argc, argv, "version")))
        return EXIT_OK;
    if (settings_asks(argc, argv, "help")) {
        if (command)
            command->help(stdout);
        else
            fputs(help, stdout);
        return EXIT_OK;
    }
    if (settings_asks(argc, argv, "version")) {
        printf("validate (Marginalia) %s\n", version_string());
        return EXIT_OK;
    }
    if (argc < 2)
        return err_usage(err, "no command; validate --help lists the commands"), err->status;
    return command ? run_command(command, argc, argv, err) : refuse(argv[1], err);
}

int main(int argc, char **argv)
{
    struct err err = { 0 };

    fesetenv(FE_DFL_ENV);     /* whatever was loaded before us: IEEE arithmetic with denormals */
    signal(SIGXFSZ, SIG_IGN); /* a file size limit is an error of write(2), not a death */
    enum exit_status status = ranks_begin(&err) ? run_program(argc, argv, &err) : err.status;
    bool failed = *err.text != '\0', speaks = ranks_speak(&failed, &err);
    if (failed)
        status = err.status;
    if (*err.text && speaks)
        fprintf(stderr, "%s%s\n", strncmp(err.text, "validate", 8) == 0 ? "" : "validate: ", err.text);
    if (fflush(stdout) != 0 && status != EXIT_USAGE && status != EXIT_INTERRUPTED) {
        fprintf(stderr, "validate: standard output: cannot be written; check the disk it goes to\n");
        status = EXIT_CANNOT_RUN;
    }
    ranks_end(status);
    return status;
}
