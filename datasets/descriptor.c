#include "datasets/descriptor.h"

#include <libconfig.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "base/mem.h"
#include "base/settings.h"

enum { DESCRIPTOR_LIMIT_BYTES = 1 << 20, MAX_CLASSES = 100000 };

static const char format_words[] = "cifar10|cifar100|idx|folder|list|planted"; /* in the order of enum data_format */

#define ONLY(format) (1u << (format))
#define PACKED       (ONLY(FORMAT_CIFAR10) | ONLY(FORMAT_CIFAR100) | ONLY(FORMAT_IDX))
#define FILES        (ONLY(FORMAT_FOLDER) | ONLY(FORMAT_LIST))
#define PLANTED      ONLY(FORMAT_PLANTED)
#define ALL          (PACKED | FILES | PLANTED)

enum key_kind { KEY_STRING, KEY_PATH, KEY_INT, KEY_REAL, KEY_SHAPE, KEY_REALS, KEY_NAMES };

/* One key of the language: which formats take it, which need it, where its value goes. */
struct key {
    const char *name;
    enum key_kind kind;
    unsigned formats, required;
    size_t offset;
    double min, max;
};

#define FIELD(member) offsetof(struct descriptor, member)

static const struct key keys[] = {
    { "format", KEY_STRING, ALL, 0, 0, 0, 0 }, /* read before all others */
    { "name", KEY_STRING, ALL, ALL, FIELD(name), 0, 0 },
    { "directory", KEY_STRING, ALL & ~PLANTED, ALL & ~PLANTED, FIELD(directory), 0, 0 },
    { "classes", KEY_INT, ALL, ONLY(FORMAT_LIST) | PLANTED, FIELD(classes), 1, MAX_CLASSES },
    { "class_names", KEY_NAMES, ALL & ~PLANTED, 0, 0, 0, 0 },
    { "shape", KEY_SHAPE, ALL, ALL, FIELD(shape), 1, 4096 },
    { "mean", KEY_REALS, ALL, ALL, FIELD(mean), 0, 1 },
    { "std", KEY_REALS, ALL, ALL, FIELD(std), 1e-3, 10 },
    { "train", KEY_PATH, FILES, 0, FIELD(train), 0, 0 },
    { "test", KEY_PATH, FILES, 0, FIELD(test), 0, 0 },
    { "train_images", KEY_PATH, ONLY(FORMAT_IDX), 0, FIELD(images[SPLIT_TRAIN]), 0, 0 },
    { "train_labels", KEY_PATH, ONLY(FORMAT_IDX), 0, FIELD(labels[SPLIT_TRAIN]), 0, 0 },
    { "test_images", KEY_PATH, ONLY(FORMAT_IDX), 0, FIELD(images[SPLIT_TEST]), 0, 0 },
    { "test_labels", KEY_PATH, ONLY(FORMAT_IDX), 0, FIELD(labels[SPLIT_TEST]), 0, 0 },
    { "n_train", KEY_INT, PLANTED, PLANTED, FIELD(planted.n_train), 0, INT32_MAX },
    { "n_test", KEY_INT, PLANTED, PLANTED, FIELD(planted.n_test), 0, INT32_MAX },
    { "seed", KEY_INT, PLANTED, PLANTED, FIELD(planted.seed), 0, 9e15 },
    { "border_width", KEY_INT, PLANTED, 0, FIELD(planted.border_width), 0, PLANTED_MAX_BORDER },
    { "border_cue", KEY_REAL, PLANTED, 0, FIELD(planted.border_cue), 0, 1 },
    { "texture_cue", KEY_REAL, PLANTED, 0, FIELD(planted.texture_cue), 0, 1 },
    { "property_cue", KEY_REAL, PLANTED, 0, FIELD(planted.property_cue), 0, 1 },
    { "cue_in_test", KEY_REAL, PLANTED, 0, FIELD(planted.cue_in_test), 0, 1 },
    { "label_noise", KEY_REAL, PLANTED, 0, FIELD(planted.label_noise), 0, 1 },
    { "noise", KEY_REAL, PLANTED, 0, FIELD(planted.noise), 0, 1 },
};
enum { N_KEYS = sizeof keys / sizeof keys[0] };

static const struct key *find_key(const char *name)
{
    for (int i = 0; i < N_KEYS; i++)
        if (strcmp(keys[i].name, name) == 0)
            return &keys[i];
    return NULL;
}

/* The position of `word` among '|'-separated words, or -1. */
static int word_index(const char *word, const char *words)
{
    size_t n = strlen(word);
    for (int i = 0; *words; i++) {
        size_t length = strcspn(words, "|");
        if (length == n && memcmp(word, words, n) == 0)
            return i;
        words += length + (words[length] == '|');
    }
    return -1;
}

/* "did you mean X?" for a misspelt word, else where to read on. */
static const char *hint(const char *text, const char *words, char *buffer, int n)
{
    char word[64];
    if (!nearest_word(text, words, word, sizeof word))
        return "the language is explained in datasets/README.md";
    snprintf(buffer, n, "did you mean %s?", word);
    return buffer;
}

/* The names of the keys that `format` takes, '|'-separated. */
static char *key_words(enum data_format format)
{
    char *words = mem_string("");
    for (int i = 0; i < N_KEYS; i++) {
        if (!(keys[i].formats & ONLY(format)))
            continue;
        char *longer = mem_format("%s%s%s", words, *words ? "|" : "", keys[i].name);
        free(words);
        words = longer;
    }
    return words;
}

static bool read_int(const struct descriptor *d, const struct key *key, const config_setting_t *setting, int64_t *out,
                     struct err *err)
{
    int type = config_setting_type(setting);
    if (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64)
        return err_usage(err, "%s:%d: %s takes whole numbers", d->path, (int)setting->line, key->name);
    *out = config_setting_get_int64(setting);
    if (!((double)*out >= key->min && (double)*out <= key->max))
        return err_usage(err, "%s:%d: %s = %lld is outside %.0f..%.0f", d->path, (int)setting->line, key->name,
                         (long long)*out, key->min, key->max);
    return true;
}

static bool read_real(const struct descriptor *d, const struct key *key, const config_setting_t *setting, double *out,
                      struct err *err)
{
    if (!config_setting_is_number(setting))
        return err_usage(err, "%s:%d: %s takes numbers", d->path, (int)setting->line, key->name);
    *out = config_setting_get_float(setting);
    if (!(*out >= key->min && *out <= key->max))
        return err_usage(err, "%s:%d: %s = %g is outside %g..%g", d->path, (int)setting->line, key->name, *out,
                         key->min, key->max);
    return true;
}

static bool read_string(const struct descriptor *d, const struct key *key, const config_setting_t *setting, char **out,
                        struct err *err)
{
    if (config_setting_type(setting) != CONFIG_TYPE_STRING)
        return err_usage(err, "%s:%d: %s takes a text in quotes", d->path, (int)setting->line, key->name);
    const char *text = config_setting_get_string(setting);
    if (!*text)
        return err_usage(err, "%s:%d: %s is empty; remove it or fill it in", d->path, (int)setting->line, key->name);
    *out = mem_string(text);
    return true;
}

/* A file or directory below the data directory. */
static bool read_path(const struct descriptor *d, const struct key *key, const config_setting_t *setting, char **out,
                      struct err *err)
{
    if (!read_string(d, key, setting, out, err))
        return false;
    bool climbs = (*out)[0] == '/';
    for (const char *s = *out; *s && !climbs; s += strcspn(s, "/"), s += *s == '/')
        climbs = strncmp(s, "..", 2) == 0 && (s[2] == '/' || s[2] == 0);
    return !climbs || err_usage(err, "%s:%d: %s = \"%s\" leaves the data directory; put it there, or change directory",
                                d->path, (int)setting->line, key->name, *out);
}

static bool check_array(const struct descriptor *d, const struct key *key, const config_setting_t *setting, int want,
                        const char *example, struct err *err)
{
    bool array = config_setting_is_array(setting) || config_setting_is_list(setting);
    if (!array || config_setting_length(setting) != want)
        return err_usage(err, "%s:%d: %s takes an array of %d number%s, such as %s", d->path, (int)setting->line,
                         key->name, want, want == 1 ? "" : "s", example);
    return true;
}

static bool read_shape(struct descriptor *d, const struct key *key, const config_setting_t *setting, struct err *err)
{
    if (!check_array(d, key, setting, 3, "[3, 32, 32] (channels, height, width)", err))
        return false;
    for (int i = 0; i < 3; i++)
        if (!read_int(d, key, config_setting_get_elem(setting, i), &d->shape[i], err))
            return false;
    if (d->shape[0] != 1 && d->shape[0] != 3)
        return err_usage(err, "%s:%d: shape has %lld channels; 1 (grey) and 3 (RGB) are possible", d->path,
                         (int)setting->line, (long long)d->shape[0]);
    return true;
}

/* mean and std: one number per channel, so the shape is read before them. */
static bool read_reals(const struct descriptor *d, const struct key *key, const config_setting_t *setting, double *out,
                       struct err *err)
{
    int channels = (int)d->shape[0];
    if (!check_array(d, key, setting, channels, channels == 1 ? "[0.5]" : "[0.5, 0.5, 0.5]", err))
        return false;
    for (int i = 0; i < channels; i++)
        if (!read_real(d, key, config_setting_get_elem(setting, i), &out[i], err))
            return false;
    return true;
}

static bool read_names(struct descriptor *d, const struct key *key, const config_setting_t *setting, struct err *err)
{
    bool array = config_setting_is_array(setting) || config_setting_is_list(setting);
    int n = array ? config_setting_length(setting) : 0;
    if (n < 1 || n > MAX_CLASSES)
        return err_usage(err, "%s:%d: class_names takes an array of 1..%d texts, such as [\"cat\", \"dog\"]", d->path,
                         (int)setting->line, MAX_CLASSES);
    d->class_names = mem_alloc(n, sizeof *d->class_names);
    for (int i = 0; i < n; i++) {
        if (!read_string(d, key, config_setting_get_elem(setting, i), &d->class_names[i], err))
            return false;
        d->n_class_names = i + 1;
    }
    return true;
}

static bool read_value(struct descriptor *d, const struct key *key, const config_setting_t *setting, struct err *err)
{
    char *field = (char *)d + key->offset;
    switch (key->kind) {
    case KEY_STRING: return key->offset == 0 || read_string(d, key, setting, (char **)field, err);
    case KEY_PATH:   return read_path(d, key, setting, (char **)field, err);
    case KEY_INT:    return read_int(d, key, setting, (int64_t *)field, err);
    case KEY_REAL:   return read_real(d, key, setting, (double *)field, err);
    case KEY_SHAPE:  return read_shape(d, key, setting, err);
    case KEY_REALS:  return read_reals(d, key, setting, (double *)field, err);
    case KEY_NAMES:  return read_names(d, key, setting, err);
    }
    return true;
}

static bool check_names_of_keys(const struct descriptor *d, const config_setting_t *root, struct err *err)
{
    char *words = key_words(d->format);
    bool ok = true;
    for (int i = 0; ok && i < config_setting_length(root); i++) {
        const config_setting_t *setting = config_setting_get_elem(root, i);
        const char *name = config_setting_name(setting);
        const struct key *key = find_key(name);
        char buffer[96];
        if (!key)
            ok = err_usage(err, "%s:%d: unknown key %s; %s", d->path, (int)setting->line, name,
                           hint(name, words, buffer, sizeof buffer));
        else if (!(key->formats & ONLY(d->format)))
            ok = err_usage(err, "%s:%d: %s does not belong to this format; the keys of each are in datasets/README.md",
                           d->path, (int)setting->line, name);
    }
    free(words);
    return ok;
}

static bool read_format(struct descriptor *d, const config_setting_t *root, struct err *err)
{
    const config_setting_t *setting = config_setting_get_member(root, "format");
    if (!setting)
        return err_usage(err, "%s: no format; add format = \"folder\"; or another of %s", d->path, format_words);
    char *word = NULL, buffer[96];
    if (!read_string(d, &keys[0], setting, &word, err))
        return false;
    int format = word_index(word, format_words);
    bool ok = format >= 0 || err_usage(err, "%s:%d: unknown format %s (not one of %s); %s", d->path,
                                       (int)setting->line, word, format_words,
                                       hint(word, format_words, buffer, sizeof buffer));
    d->format = ok ? (enum data_format)format : FORMAT_CIFAR10;
    free(word);
    return ok;
}

static bool check_consistency(const struct descriptor *d, struct err *err)
{
    if (d->classes && d->class_names && d->classes != d->n_class_names)
        return err_usage(err, "%s: classes = %lld, but class_names has %d; make them agree", d->path,
                         (long long)d->classes, d->n_class_names);
    if (d->format != FORMAT_PLANTED)
        return true;
    if (d->classes < PLANTED_MIN_CLASSES || d->classes > PLANTED_MAX_CLASSES)
        return err_usage(err, "%s: classes = %lld; planted data have %d..%d", d->path, (long long)d->classes,
                         PLANTED_MIN_CLASSES, PLANTED_MAX_CLASSES);
    if (d->shape[0] != 3 || d->shape[1] < 16 || d->shape[2] < 16)
        return err_usage(err, "%s: planted images have 3 channels and at least 16 x 16 pixels; change shape", d->path);
    int64_t side = d->shape[1] < d->shape[2] ? d->shape[1] : d->shape[2];
    if (d->planted.border_width > side / 8)
        return err_usage(err, "%s: border_width = %lld leaves no room for the shape; use at most %lld", d->path,
                         (long long)d->planted.border_width, (long long)side / 8);
    if (d->planted.border_cue > 0 && d->planted.border_width == 0)
        return err_usage(err, "%s: border_cue without a border; add border_width = 2;", d->path);
    return true;
}

static bool read_settings(struct descriptor *d, const config_setting_t *root, struct err *err)
{
    if (!read_format(d, root, err) || !check_names_of_keys(d, root, err))
        return false;
    for (int i = 0; i < N_KEYS; i++) {
        const config_setting_t *setting = config_setting_get_member(root, keys[i].name);
        if (!setting && (keys[i].required & ONLY(d->format)))
            return err_usage(err, "%s: %s is missing; see datasets/README.md", d->path, keys[i].name);
        if (setting && !read_value(d, &keys[i], setting, err))
            return false;
    }
    return check_consistency(d, err);
}

bool descriptor_parse(struct descriptor *d, const char *path, const char *text, size_t n, struct err *err)
{
    memset(d, 0, sizeof *d);
    d->path = mem_string(path);
    d->planted.cue_in_test = -1;
    if (!conf_check_text(path, text, n, err))
        return false;
    config_t config;
    config_init(&config);
    config_set_auto_convert(&config, CONFIG_TRUE);
    bool ok = config_read_string(&config, text)
                  ? read_settings(d, config_root_setting(&config), err)
                  : err_usage(err, "%s:%d: %s; the language is explained in datasets/README.md", path,
                              config_error_line(&config), config_error_text(&config));
    config_destroy(&config);
    return ok;
}

bool descriptor_read(struct descriptor *d, const char *path, struct err *err)
{
    memset(d, 0, sizeof *d);
    char *text = NULL;
    size_t n = 0;
    if (!file_read(path, DESCRIPTOR_LIMIT_BYTES, &text, &n, err))
        return false;
    bool ok = descriptor_parse(d, path, text, n, err);
    free(text);
    return ok;
}

void descriptor_clear(struct descriptor *d)
{
    free(d->path);
    free(d->name);
    free(d->directory);
    free(d->train);
    free(d->test);
    for (int split = 0; split < 2; split++) {
        free(d->images[split]);
        free(d->labels[split]);
    }
    for (int i = 0; i < d->n_class_names; i++)
        free(d->class_names[i]);
    free(d->class_names);
    memset(d, 0, sizeof *d);
}

char *descriptor_remedy(const struct descriptor *d)
{
    if (word_index(d->name, "cifar10|cifar100|mnist|fashion_mnist|imagenette|imagenet") >= 0)
        return mem_format("run tools/get-dataset %s, or say where it is with --data DIR", d->name);
    return mem_string("say where the data are with --data DIR, or correct directory in the descriptor");
}
