/* study_page OUT DIR: DIR/results.md and the drawings in DIR/results/, from what tools/reproduce left in OUT. */
#include <stdio.h>
#include "base/settings.h"
#include "tools/study_page/sections.h"

static const struct settings settings = {
    .program = "study_page",
    .usage = "OUT DIR",
    .summary = "Writes DIR/results.md from what tools/reproduce left in OUT.",
    .min_positional = 2,
    .max_positional = 2,
};

int main(int argc, char **argv)
{
    struct err err;
    const char *positional[2];
    int n = 0;

    if (settings_asks(argc, argv, "help")) {
        settings_help(&settings, stdout);
        return EXIT_OK;
    }
    if (settings_parse(&settings, argc, argv, positional, &n, &err) && study_page(positional[0], positional[1], &err))
        return EXIT_OK;
    fprintf(stderr, "%s\n", err.text);
    return err.status;
}
