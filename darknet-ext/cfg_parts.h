/* What the parts of the cfg front end share: the file split into sections and keys, with line numbers, and how a value
 * is refused. Private to darknet-ext/cfg_*.c. */
#ifndef MARGINALIA_DARKNET_EXT_CFG_PARTS_H
#define MARGINALIA_DARKNET_EXT_CFG_PARTS_H

#include "darknet-ext/cfg.h"

enum { CFG_MAX_BYTES = 1 << 20, CFG_MAX_LAYERS = 4096, CFG_MAX_SHAPE = 100000 };

struct cfg_entry {
    char *key, *value;
    int line;
};

struct cfg_section {
    char *name;                /* without brackets, as written */
    int line;
    struct cfg_entry *entries; /* [n] */
    int n;
};

struct cfg_document {
    char *text;                /* the strings below point into it */
    struct cfg_section *sections;
    int n;
    struct cfg_entry *entries; /* of all sections, in file order */
};

/* Where the front end is reading. */
struct cfg_place {
    const char *path;
    const struct cfg_section *section;
    struct err *err;
};

/* cfg_split.c: lines to sections and keys. Knows nothing of what they mean. */
bool cfg_split(const char *path, const char *text, struct cfg_document *doc, struct err *err);
void cfg_document_free(struct cfg_document *doc);

/* The entry of this section, or NULL. */
const struct cfg_entry *cfg_find(const struct cfg_section *section, const char *key);
/* Always false: "path:LINE: ...", LINE of the key, or of the section when key is NULL or not given. */
bool cfg_refuse(const struct cfg_place *at, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* A layer while it is being read: what the file says before shapes are known. The layer must come first. */
struct layer_keys {
    struct layer_cfg layer; /* from[]: as written, relative when negative */
    bool pad_half;          /* Darknet's `pad=1`: padding = size/2 */
    int n_mean, n_std;
};

/* The same for [net]. */
struct net_keys {
    struct net_cfg net;
    int n_scales, min_crop, max_crop, inputs; /* 0: not given */
};

/* cfg_sections.c: which sections there are. Sets layer.kind and layer.type, or refuses with the reason. */
bool cfg_section_kind(const struct cfg_place *at, struct layer_cfg *layer);
bool cfg_section_is_net(const char *name);
bool cfg_section_is_ensemble(const char *name);

/* cfg_keys.c: one table of keys. Reads every key of the section into *target, which is a net_keys ("net", "ensemble")
 * or a layer_keys. */
bool cfg_read_keys(const struct cfg_place *at, const char *type, void *target);
/* Writes the keys of a section with their values, one per line, from a net_keys or a layer_keys. */
void cfg_write_keys(FILE *out, const char *type, const void *source);

/* cfg_words.c: the words of the keys that take one; *out = its place, which is the value of the enum in cfg.h, or
 * refused with the nearest as a hint. */
enum cfg_words { WORDS_POLICY, WORDS_ACTIVATION, WORDS_COMBINE, WORDS_SCHEDULE, WORDS_FILL, WORDS_PRECISION };
const char *cfg_word(enum cfg_words which, int i);
bool cfg_read_word(const struct cfg_place *at, const char *key, const char *value, enum cfg_words which, int *out);

/* cfg_rules.c: rules between the keys of [net]. */
bool cfg_check_net(const struct cfg_place *at, const struct net_keys *keys);

/* cfg_shape.c: shapes and counts of layer i (cfg->layers[0..i-1] are known) from its keys; then the whole network's
 * rules. */
bool cfg_shape_layer(const struct cfg_place *at, struct net_cfg *cfg, int i, struct layer_keys *keys);
bool cfg_check_network(const struct cfg_place *last, struct net_cfg *cfg);

#endif
