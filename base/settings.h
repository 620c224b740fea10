/* One table of settings: parses the command line, prints --help, checks ranges. Used by both programs, so that help and
 * parser cannot drift apart. */
#ifndef MARGINALIA_BASE_SETTINGS_H
#define MARGINALIA_BASE_SETTINGS_H

#include <stdbool.h>
#include <stdio.h>
#include "base/err.h"

enum setting_kind {
    SETTING_FLAG,   /* bool *: present or not */
    SETTING_INT,    /* long long * within [min,max] */
    SETTING_REAL,   /* double * within [min,max]; NaN and infinities refused */
    SETTING_STRING, /* const char **: borrowed from argv */
    SETTING_CHOICE, /* const char **: one of the words in `choices`, separated by '|' */
    SETTING_LIST    /* struct setting_list *: a string that may be given again and again */
};

enum { SETTING_LIST_LONGEST = 64 };
struct setting_list {
    int n;
    const char *text[SETTING_LIST_LONGEST]; /* borrowed from argv, in the order given */
};

struct setting {
    const char *name;  /* without the dashes: "epochs" */
    char letter;       /* 'j' for -j, 0 for none */
    enum setting_kind kind;
    void *value;       /* holds the default before, the setting after; a number outside [min,max]: no default to show */
    double min, max;
    const char *argument; /* "N", "DIR": how --help shows the value */
    const char *choices;
    const char *help;
    bool *given;          /* set to true when the user gave it; may be NULL */
};

struct settings {
    const char *program, *usage, *summary; /* usage: "CFG [options]" */
    const struct setting *table;
    int n;
    int min_positional, max_positional;
    const char *examples; /* printed at the end of --help */
};

/* Accepts --name VALUE, --name=VALUE, -l VALUE, "--" ; positional arguments in positional[0..*n_positional-1].
 * An unknown option is refused with the nearest name as a hint; so are a missing or trailing-garbage value, a value out
 * of range, a repeated option that is no list and a wrong number of positional arguments. --help and --version are handled by the
 * caller. */
bool settings_parse(const struct settings *s, int argc, char **argv, const char **positional, int *n_positional,
                    struct err *err);
/* Whether the user asks for --NAME ("help", "version") anywhere before "--". To be called before settings_parse. */
bool settings_asks(int argc, char **argv, const char *name);

/* Lists the table, and --help and --version, which need no row. */
void settings_help(const struct settings *s, FILE *out);

/* Strict conversions used everywhere (cfg, policies, command line): the whole text must be the number. */
bool parse_int(const char *text, long long min, long long max, long long *out);
bool parse_real(const char *text, double min, double max, double *out);

/* The word of `words` ('|'-separated) nearest to `text` by edit distance, or NULL when none is near enough to suggest.
 * Copied into buffer of n bytes. */
const char *nearest_word(const char *text, const char *words, char *buffer, int n);

#endif
