/* The words that some keys take. */
#include "darknet-ext/cfg_parts.h"

#include <string.h>

#include "base/settings.h"

enum { MOST_WORDS = 16 };

/* In the order of the enums of cfg.h that they stand for. */
static const char *const words[][MOST_WORDS] = {
    [WORDS_POLICY] = { "constant", "step", "steps", "exp", "poly", "sigmoid", "cosine", "onecycle" },
    [WORDS_ACTIVATION] = { "linear", "relu", "leaky", "logistic", "tanh", "elu", "selu", "relie", "ramp", "plse",
                           "stair", "hardtan", "lhtan", "loggy" },
    [WORDS_COMBINE] = { "logit", "probability" },
    [WORDS_SCHEDULE] = { "constant", "linear" },
    [WORDS_FILL] = { "mean", "black", "noise" },
    [WORDS_PRECISION] = { "f32", "bf16" },
};

const char *cfg_word(enum cfg_words which, int i)
{
    return words[which][i];
}

const char *policy_name(enum lr_policy policy)
{
    return words[WORDS_POLICY][policy];
}

const char *activation_name(enum activation a)
{
    return words[WORDS_ACTIVATION][a];
}

const char *combine_name(enum combine combine)
{
    return words[WORDS_COMBINE][combine];
}

const char *dropout_fill_name(enum dropout_fill fill)
{
    return words[WORDS_FILL][fill];
}

bool cfg_read_word(const struct cfg_place *at, const char *key, const char *value, enum cfg_words which, int *out)
{
    char all[256] = "", near[32];

    if (which == WORDS_POLICY && strcmp(value, "random") == 0)
        return cfg_refuse(at, key,
                          "policy=random draws the learning rate from rand(), so no run could be repeated; "
                          "use policy=cosine, onecycle, steps or poly");
    for (int i = 0; i < MOST_WORDS && words[which][i]; i++) {
        if (strcmp(value, words[which][i]) == 0) {
            *out = i;
            return true;
        }
        size_t used = strlen(all);
        snprintf(all + used, sizeof all - used, "%s%s", i ? "|" : "", words[which][i]);
    }
    if (nearest_word(value, all, near, sizeof near))
        return cfg_refuse(at, key, "unknown %s '%.60s'; did you mean '%s'?", key, value, near);
    return cfg_refuse(at, key, "unknown %s '%.60s'; known are: %s", key, value, all);
}
