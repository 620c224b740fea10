/* validate COMMAND: verdicts on models and data sets. So far it knows its commands and says that they are to come. */
#include <stdio.h>
#include <string.h>
#include "base/err.h"
#include "base/settings.h"
#include "base/version.h"

static const char help[] =
    "validate - Tells whether a model or a data set overinterprets.\n"
    "\n"
    "usage: validate COMMAND [arguments]\n"
    "\n"
    "commands:\n"
    "  model RUN                 a report on a trained model, with a verdict\n"
    "  dataset DESCRIPTOR        can labels be predicted from meaningless regions alone?\n"
    "  sis RUN                   sufficient input subsets of single images\n"
    "  compare RUN RUN           is the second less prone to overinterpretation than the first?\n"
    "\n"
    "options:\n"
    "  --help                    this text\n"
    "  --version                 the version\n"
    "\n"
    "None of the commands is available yet. Exit status: 2 wrong usage, or a command that is not available.\n";

static const char commands[] = "model|dataset|sis|compare";

static bool is_command(const char *word)
{
    size_t n = strlen(word);

    for (const char *at = commands; *at; at += strcspn(at, "|"), at += *at == '|')
        if (strcspn(at, "|") == n && strncmp(at, word, n) == 0)
            return true;
    return false;
}

static enum exit_status refuse(const char *command)
{
    char near[16];
    struct err err;

    if (is_command(command))
        err_usage(&err, "%s is not available yet; this version trains models (see train --help)", command);
    else if (nearest_word(command, commands, near, sizeof near))
        err_usage(&err, "%s: unknown command; did you mean %s?", command, near);
    else
        err_usage(&err, "%s: unknown command; validate --help lists the commands", command);
    fprintf(stderr, "validate: %s\n", err.text);
    return err.status;
}

static enum exit_status print(const char *text)
{
    return fputs(text, stdout) >= 0 && fflush(stdout) == 0 ? EXIT_OK : EXIT_CANNOT_RUN;
}

static enum exit_status print_version(void)
{
    printf("validate (Marginalia) ");
    return print(version_string()) == EXIT_OK ? print("\n") : EXIT_CANNOT_RUN;
}

int main(int argc, char **argv)
{
    if (settings_asks(argc, argv, "help"))
        return print(help);
    if (settings_asks(argc, argv, "version"))
        return print_version();
    if (argc >= 2)
        return refuse(argv[1]);
    fprintf(stderr, "validate: no command; validate --help lists the commands\n");
    return EXIT_USAGE;
}
