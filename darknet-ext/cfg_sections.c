/* Every section of Darknet's language and of ours: what serves it, or why it is refused. */
#include "darknet-ext/cfg_parts.h"

#include <string.h>

#include "base/settings.h"

#define DETECTION "is for detection; this toolkit trains classifiers: end the network with [softmax]"
#define RECURRENT "is recurrent; this toolkit trains feed-forward image classifiers: remove it"

static const struct section {
    const char *name, *alias;
    enum layer_kind kind;
    const char *refusal; /* "cause; remedy" after the section's name, or NULL */
} sections[] = {
    { "normalize", NULL, LAYER_NORMALIZE, NULL },
    { "input_dropout", NULL, LAYER_INPUT_DROPOUT, NULL },
    { "convolutional", "conv", LAYER_CONVOLUTIONAL, NULL },
    { "connected", "conn", LAYER_CONNECTED, NULL },
    { "batchnorm", NULL, LAYER_BATCHNORM, NULL },
    { "activation", NULL, LAYER_ACTIVATION, NULL },
    { "shortcut", NULL, LAYER_SHORTCUT, NULL },
    { "maxpool", "max", LAYER_MAXPOOL, NULL },
    { "avgpool", "avg", LAYER_AVGPOOL, NULL },
    { "dropout", NULL, LAYER_DROPOUT, NULL },
    { "route", NULL, LAYER_ROUTE, NULL },
    { "softmax", "soft", LAYER_SOFTMAX, NULL },
    { "upsample", NULL, LAYER_DARKNET, NULL },
    { "reorg", NULL, LAYER_DARKNET, NULL },

    { "ensemble", NULL, 0, "must be the last section, and there may be one; move it to the end of the file" },
    { "cost", NULL, 0,
      "is refused: [softmax] already carries the cross-entropy, and a [cost] after it doubles the gradient; "
      "remove [cost]" },
    { "crop", NULL, 0,
      "is refused: Darknet's crop draws from rand() and shifts the pixels to [-1,1]; "
      "use crop_pad= and flip= in [net]" },
    { "lrn", "normalization", 0,
      "is refused: its gradient in Darknet is an approximation that overwrites the one of other "
      "branches; use [batchnorm] (for input statistics: [normalize])" },
    { "l2norm", NULL, 0,
      "is refused: Darknet's gradient passes through it as if it were the identity; use [batchnorm]" },
    { "local", NULL, 0, "is refused: Darknet writes past the end of its workspace there; use [convolutional]" },
    { "deconvolutional", "deconv", 0,
      "is refused: only layers without weights can run by Darknet's own function; "
      "use [upsample], then [convolutional]" },
    { "logistic", NULL, 0,
      "is a loss for several labels per image; for one label use [softmax], as an activation "
      "[activation] activation=logistic" },
    { "detection", NULL, 0, DETECTION },
    { "region", NULL, 0, DETECTION },
    { "yolo", NULL, 0, DETECTION },
    { "iseg", NULL, 0, DETECTION },
    { "rnn", NULL, 0, RECURRENT },
    { "gru", NULL, 0, RECURRENT },
    { "lstm", NULL, 0, RECURRENT },
    { "crnn", NULL, 0, RECURRENT },
};

static const char *const section_words = "net|normalize|input_dropout|convolutional|connected|batchnorm|activation|"
                                         "shortcut|maxpool|avgpool|dropout|route|softmax|"
                                         "upsample|reorg|ensemble";

bool cfg_section_is_net(const char *name)
{
    return strcmp(name, "net") == 0 || strcmp(name, "network") == 0;
}

bool cfg_section_is_ensemble(const char *name)
{
    return strcmp(name, "ensemble") == 0;
}

static bool refuse_unknown(const struct cfg_place *at)
{
    char near[32];
    if (nearest_word(at->section->name, section_words, near, sizeof near))
        return cfg_refuse(at, NULL, "unknown section [%.60s]; did you mean [%s]?", at->section->name, near);
    return cfg_refuse(at, NULL, "unknown section [%.60s]; known are %s", at->section->name, section_words);
}

bool cfg_section_kind(const struct cfg_place *at, struct layer_cfg *layer)
{
    const char *name = at->section->name;
    if (cfg_section_is_net(name))
        return cfg_refuse(at, NULL, "a second [net]; keep one, as the first section");
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        const struct section *s = &sections[i];
        if (strcmp(name, s->name) != 0 && !(s->alias && strcmp(name, s->alias) == 0))
            continue;
        if (s->refusal)
            return cfg_refuse(at, NULL, "[%s] %s", name, s->refusal);
        layer->kind = s->kind;
        snprintf(layer->type, sizeof layer->type, "%s", s->name);
        layer->line = at->section->line;
        return true;
    }
    return refuse_unknown(at);
}
