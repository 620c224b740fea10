#include "validate/option_rows.h"

struct setting option_data(const char **value)
{
    return (struct setting){ .name = "data",
                             .letter = 'd',
                             .kind = SETTING_STRING,
                             .value = value,
                             .argument = "DIR",
                             .help = "where the data set's files are (default: as its descriptor says)" };
}

struct setting option_view(const char **value)
{
    return (struct setting){ .name = "view",
                             .kind = SETTING_STRING,
                             .value = value,
                             .argument = "VIEW",
                             .help = "show the model a part of each picture: border:W, ring:W@OFFSET, center:F, "
                                     "random:F, segment:F, masks:FILE[@F], mask-only:FILE or shuffled:FILE "
                                     "(marginalia-train(1), MASKED VIEWS)" };
}

struct setting option_threads(long long *value)
{
    return (struct setting){ .name = "threads",
                             .letter = 'j',
                             .kind = SETTING_INT,
                             .value = value,
                             .min = 1,
                             .max = 1024,
                             .argument = "N",
                             .help = "threads that compute" };
}

struct setting option_kernels(const char **value)
{
    return (struct setting){ .name = "kernels",
                             .kind = SETTING_CHOICE,
                             .value = value,
                             .choices = "auto|onednn|own",
                             .argument = "WORD",
                             .help = "who runs convolutions: the faster (default), oneDNN alone, or our kernels "
                                     "wherever they apply" };
}

struct setting option_seed(long long *value)
{
    return (struct setting){ .name = "seed",
                             .letter = 's',
                             .kind = SETTING_INT,
                             .value = value,
                             .min = 0,
                             .max = 9e18,
                             .argument = "N",
                             .help = "seed of everything random" };
}

struct setting option_allow_partial(bool *value)
{
    return (struct setting){ .name = "allow-partial",
                             .kind = SETTING_FLAG,
                             .value = value,
                             .help = "of an ensemble, leave out members that are missing or are not those that its "
                                     "ensemble.conf names; results say so" };
}

struct setting option_waive(struct setting_list *value)
{
    return (struct setting){ .name = "waive",
                             .kind = SETTING_LIST,
                             .value = value,
                             .argument = "CHECK=REASON",
                             .help = "accept that CHECK does not pass; recorded and shown; may be repeated" };
}

struct setting option_policy(const char **value, const char *help)
{
    return (struct setting){
        .name = "policy", .letter = 'p', .kind = SETTING_STRING, .value = value, .argument = "FILE", .help = help
    };
}

struct setting option_quick(bool *value, const char *help)
{
    return (struct setting){ .name = "quick", .kind = SETTING_FLAG, .value = value, .help = help };
}

struct setting option_full(bool *value, const char *help)
{
    return (struct setting){ .name = "full", .kind = SETTING_FLAG, .value = value, .help = help };
}

struct setting option_out(const char **value, const char *help)
{
    return (struct setting){
        .name = "out", .letter = 'o', .kind = SETTING_STRING, .value = value, .argument = "DIR", .help = help
    };
}

struct setting option_overwrite(bool *value, const char *help)
{
    return (struct setting){ .name = "overwrite", .kind = SETTING_FLAG, .value = value, .help = help };
}

struct setting option_resume_validation(bool *value)
{
    return (struct setting){ .name = "resume",
                             .letter = 'r',
                             .kind = SETTING_FLAG,
                             .value = value,
                             .help = "continue an interrupted validation" };
}

struct setting option_list_checks(bool *value)
{
    return (struct setting){ .name = "list-checks",
                             .kind = SETTING_FLAG,
                             .value = value,
                             .help = "print the checks that a policy may name, then stop" };
}

struct setting option_quiet(bool *value)
{
    return (
        struct setting){ .name = "quiet", .letter = 'q', .kind = SETTING_FLAG, .value = value, .help = "no progress" };
}

bool options_agree(const char *program, const char *name, bool given, const char *other, bool other_given,
                   struct err *err)
{
    return !(given && other_given) ||
           err_usage(err, "%s: --%s and --%s contradict each other; leave one of them out", program, name, other);
}
