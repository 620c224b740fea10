/* How the values of a policy are read: a table of keys for each group, and what a wrong one is told. */
#ifndef MARGINALIA_VALIDATE_POLICY_PARTS_H
#define MARGINALIA_VALIDATE_POLICY_PARTS_H

#include <libconfig.h>
#include <stddef.h>
#include "validate/checks/checks.h"
#include "validate/policy.h"

enum key_kind {
    KEY_TEXT,
    KEY_COUNT,      /* int64_t within min..max */
    KEY_INT,        /* int within min..max */
    KEY_SHARE,      /* double within (0,1) */
    KEY_FLAG,       /* bool */
    KEY_CHOICE,     /* enum: the index among `words` */
    KEY_THRESHOLDS, /* of struct policy */
    KEY_LIMIT,      /* of struct policy_check; min: the enum side */
    KEY_MARGIN,     /* of struct policy_check; sets its side and limit, too */
    KEY_OTHER       /* read elsewhere */
};

/* One key of a group: where its value goes. */
struct policy_key {
    const char *name;
    enum key_kind kind;
    size_t offset;
    double min, max;
    const char *words;
    int takes; /* of a check: needs this of its type; 0: all take it */
};

/* Where a value stands, for messages. */
struct policy_place {
    const struct policy_kind *kind;
    const char *path;
    int line;
    const char *key;
};
struct policy_place policy_place_of(const struct policy *p, const config_setting_t *setting);

/* `words` with one more at its end, behind a bar; frees the old text. */
char *policy_append_word(char *words, const char *word);

bool policy_read_text(const struct policy_place *at, const config_setting_t *setting, char **out, struct err *err);

/* Reads all members of a group into `base`, struct policy or struct policy_check as the table says. type: the check
 * that the group describes, or NULL. */
bool policy_read_group(const struct policy *p, const config_setting_t *group, const struct policy_key *keys,
                       const struct check_type *type, void *base, struct err *err);

#endif
