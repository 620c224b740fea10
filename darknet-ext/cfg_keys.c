/* One table of keys: what each means, its range, its default, and where its value goes. Reading and writing both use
 * it. */
#include "darknet-ext/cfg_parts.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/settings.h"

enum key_kind {
    KEY_INT, KEY_REAL, KEY_FLAG, KEY_SEED, KEY_STRING, KEY_PRECISION, KEY_WORD, KEY_INTS, KEY_REALS,
    KEY_NEUTRAL /* accepted only with the value that does nothing; `why` says why and what to do instead */
};

struct key {
    const char *section; /* canonical name; "*": every layer */
    const char *name;
    enum key_kind kind;
    double min, max;     /* of numbers; max of KEY_STRING: length */
    const char *preset;  /* value when not given, NULL: must be given, "": stays zero */
    size_t offset;       /* in struct net_keys or struct layer_keys */
    size_t count;        /* offset of the int that counts the numbers of a list */
    int capacity;        /* of a list; of KEY_WORD: enum cfg_words */
    unsigned policies;   /* means something only with these policies (bits 1 << enum lr_policy); 0: always */
    const char *why;     /* KEY_NEUTRAL: why refused; numbers: the remedy when out of range */
};

#define NET(field) offsetof(struct net_keys, net.field)
#define LAYER(field) offsetof(struct layer_keys, layer.field)
#define DRAFT(field) offsetof(struct layer_keys, field)
#define NET_DRAFT(field) offsetof(struct net_keys, field)
#define WITH(policy) (1u << LR_##policy)

enum { WITH_BURN_IN = WITH(CONSTANT) | WITH(STEP) | WITH(STEPS) | WITH(EXP) | WITH(POLY) | WITH(SIG) };

static const char no_colour[] = "colour augmentation is not available; remove the key (flip=, crop_pad= and "
                                "random_resized_crop= are)";
static const char no_shape[] = "this augmentation is not available; use crop_pad= or random_resized_crop=";
static const char no_sequence[] = "it is for recurrent networks; remove the key";
static const char no_freeze[] = "every layer is trained, saved and loaded here; remove the key";
static const char scale_of_pixels[] = "pixels are in [0,1]: divide values meant for 0..255 by 255";
static const char no_binary[] = "binary weights are not available; remove the key";

static const struct key keys[] = {
    { "net", "batch", KEY_INT, 1, 65536, NULL, NET(batch), 0, 0, 0, 0 },
    { "net", "subdivisions", KEY_INT, 1, 65536, "1", NET(subdivisions), 0, 0, 0, 0 },
    { "net", "height", KEY_INT, 1, CFG_MAX_SHAPE, NULL, NET(h), 0, 0, 0, 0 },
    { "net", "width", KEY_INT, 1, CFG_MAX_SHAPE, NULL, NET(w), 0, 0, 0, 0 },
    { "net", "channels", KEY_INT, 1, 3, NULL, NET(c), 0, 0, 0, 0 },
    { "net", "learning_rate", KEY_REAL, 1e-12, 1000, "0.001", NET(learning_rate), 0, 0, 0, 0 },
    { "net", "momentum", KEY_REAL, 0, 0.9999, "0.9", NET(momentum), 0, 0, 0, 0 },
    { "net", "nesterov", KEY_FLAG, 0, 1, "0", NET(nesterov), 0, 0, 0, 0 },
    { "net", "decay", KEY_REAL, 0, 1, "0.0001", NET(decay), 0, 0, 0, 0 },
    { "net", "label_smoothing", KEY_REAL, 0, 0.9999, "0", NET(label_smoothing), 0, 0, 0, 0 },
    { "net", "teacher", KEY_STRING, 0, 4000, "", NET(teacher), 0, 0, 0, 0 },
    { "net", "teacher_sha256", KEY_STRING, 0, 64, "", NET(teacher_hash), 0, 0, 0, 0 },
    { "net", "distill_weight", KEY_REAL, 0, 1, "0.9", NET(distill_weight), 0, 0, 0, 0 },
    { "net", "distill_temperature", KEY_REAL, 0.01, 1000, "4", NET(distill_temperature), 0, 0, 0, 0 },
    { "net", "policy", KEY_WORD, 0, 0, "constant", NET(policy), 0, WORDS_POLICY, 0, 0 },
    { "net", "step", KEY_INT, 1, 1e9, NULL, NET(step), 0, 0, WITH(STEP) | WITH(SIG), 0 },
    { "net", "scale", KEY_REAL, 1e-12, 1e6, NULL, NET(scale), 0, 0, WITH(STEP), 0 },
    { "net", "steps", KEY_INTS, 1, 1e9, NULL, NET(steps), NET(n_steps), CFG_MAX_STEPS, WITH(STEPS), 0 },
    { "net", "scales", KEY_REALS, 1e-12, 1e6, NULL, NET(scales), NET_DRAFT(n_scales), CFG_MAX_STEPS, WITH(STEPS), 0 },
    { "net", "gamma", KEY_REAL, 1e-12, 1e6, NULL, NET(gamma), 0, 0, WITH(EXP) | WITH(SIG), 0 },
    { "net", "burn_in", KEY_INT, 0, 1e9, "0", NET(burn_in), 0, 0, WITH_BURN_IN, 0 },
    { "net", "power", KEY_REAL, 0, 100, "4", NET(power), 0, 0, WITH_BURN_IN, 0 },
    { "net", "warmup", KEY_REAL, 0, 1e6, "0", NET(warmup), 0, 0, WITH(COSINE) | WITH(ONECYCLE), 0 },
    { "net", "max_batches", KEY_INT, 0, 2e9, "0", NET(max_batches), 0, 0, 0, 0 },
    { "net", "epochs", KEY_INT, 0, 1e6, "0", NET(epochs), 0, 0, 0, 0 },
    { "net", "seed", KEY_SEED, 0, 0, "1", NET(seed), 0, 0, 0, 0 },
    { "net", "dataset", KEY_STRING, 0, 4000, "", NET(dataset), 0, 0, 0, 0 },
    { "net", "flip", KEY_FLAG, 0, 1, "0", NET(flip), 0, 0, 0, 0 },
    { "net", "crop_pad", KEY_INT, 0, CFG_MAX_SHAPE, "0", NET(crop_pad), 0, 0, 0, 0 },
    { "net", "random_resized_crop", KEY_FLAG, 0, 1, "0", NET(random_resized_crop), 0, 0, 0, 0 },
    { "net", "crop_area_min", KEY_REAL, 0.001, 1, "0.08", NET(crop_area_min), 0, 0, 0, 0 },
    { "net", "sync_bn", KEY_FLAG, 0, 1, "0", NET(sync_bn), 0, 0, 0, 0 },
    { "net", "test_resize", KEY_REAL, 1, 4, "1", NET(test_resize), 0, 0, 0, 0 },
    { "net", "view", KEY_STRING, 0, 4000, "", NET(view), 0, 0, 0, 0 },
    { "net", "baseline", KEY_STRING, 0, 32, "", NET(baseline), 0, 0, 0, 0 },
    { "net", "mask_order", KEY_STRING, 0, 32, "", NET(mask_order), 0, 0, 0, 0 },
    { "net", "precision", KEY_PRECISION, 0, 0, "f32", NET(precision), 0, 0, 0, 0 },
    { "net", "adam", KEY_NEUTRAL, 0, 0, "", 0, 0, 0, 0, "Darknet ignores it on a CPU; remove it: SGD is used" },
    { "net", "B1", KEY_NEUTRAL, 0.9, 0, "", 0, 0, 0, 0, "it belongs to adam, which is not available; remove the key" },
    { "net", "B2", KEY_NEUTRAL, 0.999, 0, "", 0, 0, 0, 0,
      "it belongs to adam, which is not available; remove the key" },
    { "net", "eps", KEY_NEUTRAL, 1e-7, 0, "", 0, 0, 0, 0,
      "it belongs to adam, which is not available; remove the key" },
    { "net", "clip", KEY_NEUTRAL, 0, 0, "", 0, 0, 0, 0, "Darknet ignores it on a CPU; lower learning_rate= instead" },
    { "net", "angle", KEY_NEUTRAL, 0, 0, "", 0, 0, 0, 0, no_shape },
    { "net", "aspect", KEY_NEUTRAL, 1, 0, "", 0, 0, 0, 0, no_shape },
    { "net", "max_ratio", KEY_NEUTRAL, 1, 0, "", 0, 0, 0, 0, no_shape },
    { "net", "min_ratio", KEY_NEUTRAL, 1, 0, "", 0, 0, 0, 0, no_shape },
    { "net", "center", KEY_NEUTRAL, 0, 0, "", 0, 0, 0, 0, no_shape },
    { "net", "hue", KEY_NEUTRAL, 0, 0, "", 0, 0, 0, 0, no_colour },
    { "net", "exposure", KEY_NEUTRAL, 1, 0, "", 0, 0, 0, 0, no_colour },
    { "net", "saturation", KEY_NEUTRAL, 1, 0, "", 0, 0, 0, 0, no_colour },
    { "net", "random", KEY_NEUTRAL, 0, 0, "", 0, 0, 0, 0, "it is for detection; remove the key" },
    { "net", "notruth", KEY_NEUTRAL, 0, 0, "", 0, 0, 0, 0, "labels are always used; remove the key" },
    { "net", "time_steps", KEY_NEUTRAL, 1, 0, "", 0, 0, 0, 0, no_sequence },
    { "net", "max_crop", KEY_INT, 1, CFG_MAX_SHAPE, "", NET_DRAFT(max_crop), 0, 0, 0, 0 },
    { "net", "min_crop", KEY_INT, 1, CFG_MAX_SHAPE, "", NET_DRAFT(min_crop), 0, 0, 0, 0 },
    { "net", "inputs", KEY_INT, 1, 2e9, "", NET_DRAFT(inputs), 0, 0, 0, 0 },

    { "ensemble", "members", KEY_INT, 2, ENSEMBLE_MOST, NULL, NET(members), 0, 0, 0,
      "a single network needs no [ensemble]" },
    { "ensemble", "combine", KEY_WORD, 0, 0, "logit", NET(combine), 0, WORDS_COMBINE, 0, 0 },

    { "normalize", "mean", KEY_REALS, 0, 1, NULL, LAYER(mean), DRAFT(n_mean), 3, 0, scale_of_pixels },
    { "normalize", "std", KEY_REALS, 1e-4, 1, NULL, LAYER(std), DRAFT(n_std), 3, 0, scale_of_pixels },

    { "input_dropout", "probability", KEY_REAL, 0, 0.9999, NULL, LAYER(probability), 0, 0, 0, 0 },
    { "input_dropout", "rescale", KEY_FLAG, 0, 1, "0", LAYER(rescale), 0, 0, 0, 0 },
    { "input_dropout", "at_test", KEY_FLAG, 0, 1, "0", LAYER(at_test), 0, 0, 0, 0 },
    { "input_dropout", "samples", KEY_INT, 1, 10000, "1", LAYER(samples), 0, 0, 0, 0 },
    { "input_dropout", "block", KEY_INT, 1, CFG_MAX_SHAPE, "1", LAYER(block), 0, 0, 0, 0 },
    { "input_dropout", "patch", KEY_INT, 1, CFG_MAX_SHAPE, "1", LAYER(patch), 0, 0, 0, 0 },
    { "input_dropout", "schedule", KEY_WORD, 0, 0, "constant", LAYER(schedule), 0, WORDS_SCHEDULE, 0, 0 },
    { "input_dropout", "ramp", KEY_REAL, 0, 1e6, "0", LAYER(ramp), 0, 0, 0, 0 },
    { "input_dropout", "fill", KEY_WORD, 0, 0, "mean", LAYER(fill), 0, WORDS_FILL, 0, 0 },

    { "convolutional", "batch_normalize", KEY_FLAG, 0, 1, "0", LAYER(batch_normalize), 0, 0, 0, 0 },
    { "convolutional", "filters", KEY_INT, 1, CFG_MAX_SHAPE, NULL, LAYER(filters), 0, 0, 0, 0 },
    { "convolutional", "size", KEY_INT, 1, 1000, NULL, LAYER(size), 0, 0, 0, 0 },
    { "convolutional", "stride", KEY_INT, 1, CFG_MAX_SHAPE, "1", LAYER(stride), 0, 0, 0, 0 },
    { "convolutional", "pad", KEY_FLAG, 0, 1, "0", DRAFT(pad_half), 0, 0, 0, 0 },
    { "convolutional", "padding", KEY_INT, 0, 1000, "0", LAYER(pad), 0, 0, 0, 0 },
    { "convolutional", "groups", KEY_INT, 1, CFG_MAX_SHAPE, "1", LAYER(groups), 0, 0, 0, 0 },
    { "convolutional", "activation", KEY_WORD, 0, 0, NULL, LAYER(activation), 0, WORDS_ACTIVATION, 0, 0 },
    { "convolutional", "binary", KEY_NEUTRAL, 0, 0, "", 0, 0, 0, 0, no_binary },
    { "convolutional", "xnor", KEY_NEUTRAL, 0, 0, "", 0, 0, 0, 0, no_binary },
    { "convolutional", "flipped", KEY_NEUTRAL, 0, 0, "", 0, 0, 0, 0,
      "transposed weights are not read; remove the key" },
    { "convolutional", "dot", KEY_NEUTRAL, 0, 0, "", 0, 0, 0, 0, "Darknet itself no longer uses it; remove the key" },

    { "connected", "output", KEY_INT, 1, CFG_MAX_SHAPE, NULL, LAYER(filters), 0, 0, 0, 0 },
    { "connected", "activation", KEY_WORD, 0, 0, NULL, LAYER(activation), 0, WORDS_ACTIVATION, 0, 0 },
    { "connected", "batch_normalize", KEY_FLAG, 0, 1, "0", LAYER(batch_normalize), 0, 0, 0, 0 },

    { "activation", "activation", KEY_WORD, 0, 0, NULL, LAYER(activation), 0, WORDS_ACTIVATION, 0, 0 },

    { "shortcut", "from", KEY_INTS, -CFG_MAX_LAYERS, CFG_MAX_LAYERS, NULL, LAYER(from), LAYER(n_from), 1, 0, 0 },
    { "shortcut", "activation", KEY_WORD, 0, 0, "linear", LAYER(activation), 0, WORDS_ACTIVATION, 0, 0 },
    { "shortcut", "alpha", KEY_REAL, -1000, 1000, "1", LAYER(alpha), 0, 0, 0, 0 },
    { "shortcut", "beta", KEY_REAL, -1000, 1000, "1", LAYER(beta), 0, 0, 0, 0 },

    { "maxpool", "size", KEY_INT, 1, CFG_MAX_SHAPE, NULL, LAYER(size), 0, 0, 0, 0 },
    { "maxpool", "stride", KEY_INT, 1, CFG_MAX_SHAPE, NULL, LAYER(stride), 0, 0, 0, 0 },
    { "maxpool", "padding", KEY_INT, 0, CFG_MAX_SHAPE, "", LAYER(pad), 0, 0, 0, 0 },

    { "dropout", "probability", KEY_REAL, 0, 0.9999, "0.5", LAYER(probability), 0, 0, 0, 0 },

    { "route", "layers", KEY_INTS, -CFG_MAX_LAYERS, CFG_MAX_LAYERS, NULL, LAYER(from), LAYER(n_from), CFG_MAX_FROM, 0,
      0 },

    { "softmax", "groups", KEY_NEUTRAL, 1, 0, "", 0, 0, 0, 0, "one label per image needs one group; remove the key" },
    { "softmax", "temperature", KEY_NEUTRAL, 1, 0, "", 0, 0, 0, 0, "Darknet's gradient ignores it; remove the key" },
    { "softmax", "spatial", KEY_NEUTRAL, 0, 0, "", 0, 0, 0, 0,
      "one label per image needs a vector; put [avgpool] before" },
    { "softmax", "noloss", KEY_NEUTRAL, 0, 0, "", 0, 0, 0, 0, "the loss is needed; remove the key" },

    { "upsample", "stride", KEY_INT, 1, CFG_MAX_SHAPE, "2", LAYER(stride), 0, 0, 0, 0 },
    { "upsample", "scale", KEY_REAL, -1e6, 1e6, "1", LAYER(scale), 0, 0, 0, 0 },

    { "reorg", "stride", KEY_INT, 1, CFG_MAX_SHAPE, "1", LAYER(stride), 0, 0, 0, 0 },
    { "reorg", "reverse", KEY_FLAG, 0, 1, "0", LAYER(reverse), 0, 0, 0, 0 },
    { "reorg", "flatten", KEY_NEUTRAL, 0, 0, "", 0, 0, 0, 0, "its gradient in Darknet overwrites; remove the key" },
    { "reorg", "extra", KEY_NEUTRAL, 0, 0, "", 0, 0, 0, 0, "it leaves a vector without shape; remove the key" },

    { "*", "truth", KEY_NEUTRAL, 0, 0, "", 0, 0, 0, 0, "targets are the image's labels; remove the key" },
    { "*", "onlyforward", KEY_NEUTRAL, 0, 0, "", 0, 0, 0, 0, no_freeze },
    { "*", "stopbackward", KEY_NEUTRAL, 0, 0, "", 0, 0, 0, 0, no_freeze },
    { "*", "dontsave", KEY_NEUTRAL, 0, 0, "", 0, 0, 0, 0, no_freeze },
    { "*", "dontload", KEY_NEUTRAL, 0, 0, "", 0, 0, 0, 0, no_freeze },
    { "*", "dontloadscales", KEY_NEUTRAL, 0, 0, "", 0, 0, 0, 0, no_freeze },
    { "*", "numload", KEY_NEUTRAL, 0, 0, "", 0, 0, 0, 0, no_freeze },
    { "*", "learning_rate", KEY_NEUTRAL, 1, 0, "", 0, 0, 0, 0,
      "every layer has the learning rate of [net]; remove the key" },
    { "*", "smooth", KEY_NEUTRAL, 0, 0, "", 0, 0, 0, 0, "Darknet ignores it on a CPU; use label_smoothing= in [net]" },
};

enum { N_KEYS = sizeof keys / sizeof *keys };

static bool key_of_section(const struct key *key, const char *type)
{
    bool layer = !cfg_section_is_net(type) && !cfg_section_is_ensemble(type);
    return strcmp(key->section, type) == 0 || (strcmp(key->section, "*") == 0 && layer);
}

static const struct key *find_key(const char *type, const char *name)
{
    for (int i = 0; i < N_KEYS; i++)
        if (key_of_section(&keys[i], type) && strcmp(keys[i].name, name) == 0)
            return &keys[i];
    return NULL;
}

/* "a|b|c" of the keys worth suggesting in a section; free() it. */
static char *key_words(const char *type)
{
    char *words = mem_string("");
    for (int i = 0; i < N_KEYS; i++)
        if (strcmp(keys[i].section, type) == 0 && keys[i].kind != KEY_NEUTRAL) {
            char *longer = mem_format("%s%s%s", words, *words ? "|" : "", keys[i].name);
            free(words);
            words = longer;
        }
    return words;
}

static bool refuse_unknown_key(const struct cfg_place *at, const char *type, const char *name)
{
    char near[32], *words = key_words(type);
    if (nearest_word(name, words, near, sizeof near))
        cfg_refuse(at, name, "unknown key '%.60s' in [%s]; did you mean '%s'?", name, type, near);
    else
        cfg_refuse(at, name, "unknown key '%.60s' in [%s]; known are: %s", name, type, *words ? words : "none");
    free(words);
    return false;
}

/* Every key of the section is known and given once. */
static bool check_names(const struct cfg_place *at, const char *type)
{
    for (int i = 0; i < at->section->n; i++) {
        const struct cfg_entry *entry = &at->section->entries[i];
        if (!find_key(type, entry->key))
            return refuse_unknown_key(at, type, entry->key);
        const struct cfg_entry *first = cfg_find(at->section, entry->key);
        if (first != entry)
            return err_usage(at->err, "%s:%d: key '%s' was already given in line %d; keep one", at->path, entry->line,
                             entry->key, first->line);
    }
    return true;
}

static bool refuse_number(const struct cfg_place *at, const struct key *key, const char *value)
{
    bool whole = key->kind == KEY_INT || key->kind == KEY_INTS;
    bool list = key->kind == KEY_INTS || key->kind == KEY_REALS;
    return cfg_refuse(at, key->name, "%s=%.60s is not %s from %.9g to %.9g; %s", key->name, value,
                      list ? whole ? "a list of integers" : "a list of numbers" : whole ? "an integer" : "a number",
                      key->min, key->max, key->why ? key->why : "correct it");
}

/* The next piece of a list "1, 2,3" as a string of its own; *list moves behind it, to NULL after the last one. */
static bool next_piece(const char **list, char *piece, size_t size)
{
    const char *start = *list, *end = strchr(start, ',');
    *list = end ? end + 1 : NULL;
    size_t n = end ? (size_t)(end - start) : strlen(start);
    while (n > 0 && (*start == ' ' || *start == '\t'))
        start++, n--;
    while (n > 0 && (start[n - 1] == ' ' || start[n - 1] == '\t'))
        n--;
    if (n >= size)
        return false;
    memcpy(piece, start, n);
    piece[n] = '\0';
    return true;
}

static bool read_list(const struct cfg_place *at, const struct key *key, const char *value, char *target)
{
    int n = 0;
    for (const char *list = value; list; n++) {
        char piece[40];
        long long whole;
        double real;
        if (n == key->capacity)
            return cfg_refuse(at, key->name, "%s= has more than %d numbers; shorten the list", key->name,
                              key->capacity);
        if (!next_piece(&list, piece, sizeof piece))
            return refuse_number(at, key, value);
        if (key->kind == KEY_INTS) {
            if (!parse_int(piece, (long long)key->min, (long long)key->max, &whole))
                return refuse_number(at, key, value);
            ((int *)(target + key->offset))[n] = (int)whole;
        } else {
            if (!parse_real(piece, key->min, key->max, &real))
                return refuse_number(at, key, value);
            ((float *)(target + key->offset))[n] = (float)real;
        }
    }
    *(int *)(target + key->count) = n;
    return true;
}

static bool read_number(const struct cfg_place *at, const struct key *key, const char *value, void *out)
{
    long long whole = 0;
    double real = 0;
    if (key->kind == KEY_REAL ? !parse_real(value, key->min, key->max, &real)
                              : !parse_int(value, (long long)key->min, (long long)key->max, &whole))
        return key->kind == KEY_FLAG
                   ? cfg_refuse(at, key->name, "%s=%.60s is neither 0 nor 1; correct it", key->name, value)
                   : refuse_number(at, key, value);
    if (key->kind == KEY_REAL)
        *(float *)out = (float)real;
    else if (key->kind == KEY_FLAG)
        *(bool *)out = whole != 0;
    else
        *(int *)out = (int)whole;
    return true;
}

static bool read_seed(const struct cfg_place *at, const struct key *key, const char *value, struct net_cfg *net)
{
    long long seed;
    if (!parse_int(value, 0, INT64_MAX, &seed))
        return cfg_refuse(at, key->name, "seed=%.60s is not an integer from 0 to %lld; correct it", value,
                          (long long)INT64_MAX);
    net->seed = (uint64_t)seed;
    net->seed_given = cfg_find(at->section, key->name) != NULL;
    return true;
}

static bool read_neutral(const struct cfg_place *at, const struct key *key, const char *value)
{
    double real;
    if (parse_real(value, -1e30, 1e30, &real) && real == key->min)
        return true;
    return cfg_refuse(at, key->name, "%s=%.60s is refused: %s", key->name, value, key->why);
}

static bool read_text(const struct cfg_place *at, const struct key *key, const char *value, char **out)
{
    if (strlen(value) > (size_t)key->max)
        return cfg_refuse(at, key->name, "%s= is longer than %.0f bytes; shorten it", key->name, key->max);
    *out = mem_string(value);
    return true;
}

static bool read_value(const struct cfg_place *at, const struct key *key, const char *value, char *target)
{
    void *out = target + key->offset;
    int word = 0;
    switch (key->kind) {
    case KEY_INT: case KEY_REAL: case KEY_FLAG:
        return read_number(at, key, value, out);
    case KEY_SEED:
        return read_seed(at, key, value, (struct net_cfg *)(void *)target);
    case KEY_STRING:
        return read_text(at, key, value, out);
    case KEY_PRECISION:
        if (!cfg_read_word(at, key->name, value, WORDS_PRECISION, &word))
            return false;
        snprintf(out, sizeof ((struct net_cfg *)0)->precision, "%s", cfg_word(WORDS_PRECISION, word));
        return true;
    case KEY_WORD:
        return cfg_read_word(at, key->name, value, (enum cfg_words)key->capacity, out);
    case KEY_INTS: case KEY_REALS:
        return read_list(at, key, value, target);
    case KEY_NEUTRAL:
        return read_neutral(at, key, value);
    }
    return false;
}

/* The policy stands before the keys that depend on it in the table, so *target already holds it. */
static bool key_applies(const struct key *key, const void *source)
{
    return !key->policies || key->policies & 1u << ((const struct net_cfg *)source)->policy;
}

static bool read_key(const struct cfg_place *at, const struct key *key, const char *type, void *target)
{
    const struct cfg_entry *entry = cfg_find(at->section, key->name);
    if (!key_applies(key, target)) {
        const char *policy = policy_name(((const struct net_cfg *)target)->policy);
        return !entry || cfg_refuse(at, key->name, "%s= means nothing with policy=%s; remove it", key->name, policy);
    }
    if (!entry && !key->preset)
        return key->policies ? cfg_refuse(at, "policy", "policy=%s needs %s=; add it",
                                          policy_name(((struct net_cfg *)target)->policy), key->name)
                             : cfg_refuse(at, NULL, "[%s] needs %s=; add it", type, key->name);
    const char *value = entry ? entry->value : key->preset;
    return !*value || read_value(at, key, value, target);
}

bool cfg_read_keys(const struct cfg_place *at, const char *type, void *target)
{
    if (!check_names(at, type))
        return false;
    for (int i = 0; i < N_KEYS; i++)
        if (key_of_section(&keys[i], type) && !read_key(at, &keys[i], type, target))
            return false;
    return true;
}

/* The shortest decimal number that reads back as the same float: 0.1, not 0.100000001. */
static void write_real(FILE *out, float value)
{
    char text[32];
    int digits = 6;
    do
        snprintf(text, sizeof text, "%.*g", digits, (double)value);
    while ((float)strtod(text, NULL) != value && ++digits <= 9);
    fputs(text, out);
}

static void write_list(FILE *out, const struct key *key, const char *source, int n)
{
    for (int i = 0; i < n; i++) {
        if (i)
            fputc(',', out);
        if (key->kind == KEY_INTS)
            fprintf(out, "%d", ((const int *)(const void *)(source + key->offset))[i]);
        else
            write_real(out, ((const float *)(const void *)(source + key->offset))[i]);
    }
}

static void write_value(FILE *out, const struct key *key, const char *source, int n)
{
    const void *value = source + key->offset;
    switch (key->kind) {
    case KEY_INT:        fprintf(out, "%d", *(const int *)value); break;
    case KEY_REAL:       write_real(out, *(const float *)value); break;
    case KEY_FLAG:       fprintf(out, "%d", *(const bool *)value); break;
    case KEY_SEED:       fprintf(out, "%llu", (unsigned long long)*(const uint64_t *)value); break;
    case KEY_STRING:     fputs(*(char *const *)value, out); break;
    case KEY_PRECISION:  fputs(value, out); break;
    case KEY_WORD:       fputs(cfg_word((enum cfg_words)key->capacity, *(const int *)value), out); break;
    case KEY_INTS: case KEY_REALS: write_list(out, key, source, n); break;
    case KEY_NEUTRAL:    break;
    }
}

/* Is there a value to write? In [net] a preset "" means that zero (or NULL) stands for "not given". */
static bool worth_writing(const struct key *key, const char *type, const char *source)
{
    if (key->kind == KEY_NEUTRAL || strcmp(key->section, type) != 0 || !key_applies(key, source))
        return false;
    if (key->kind == KEY_STRING)
        return *(char *const *)(const void *)(source + key->offset) != NULL;
    if (key->offset == NET(distill_weight) || key->offset == NET(distill_temperature))
        return strcmp(type, "net") != 0 || ((const struct net_cfg *)(const void *)source)->teacher;
    bool optional = strcmp(type, "net") == 0 && key->preset && !*key->preset;
    return !(optional && *(const int *)(const void *)(source + key->offset) == 0);
}

void cfg_write_keys(FILE *out, const char *type, const void *source)
{
    const char *bytes = source;
    for (int i = 0; i < N_KEYS; i++) {
        const struct key *key = &keys[i];
        if (!worth_writing(key, type, bytes))
            continue;
        fprintf(out, "%s=", key->name);
        write_value(out, key, bytes, key->count ? *(const int *)(const void *)(bytes + key->count) : 0);
        fputc('\n', out);
    }
}
