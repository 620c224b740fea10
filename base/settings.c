#include "base/settings.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { WORD_LONGEST = 63, HELP_COLUMN = 28, HELP_WIDTH = 100 };

bool parse_int(const char *text, long long min, long long max, long long *out)
{
    char *end;
    const char *digits = text + (*text == '-');
    if (*digits < '0' || *digits > '9') /* strtoll would skip blanks and take a plus */
        return false;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno || *end || value < min || value > max)
        return false;
    *out = value;
    return true;
}

bool parse_real(const char *text, double min, double max, double *out)
{
    char *end;
    if (!*text || text[strspn(text, "0123456789.eE+-")] || *text == '+') /* no blanks, no "inf", no hexadecimal */
        return false;
    double value = strtod(text, &end);
    if (*end || !isfinite(value) || !(value >= min && value <= max))
        return false;
    *out = value;
    return true;
}

static int least(int a, int b, int c)
{
    int ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Edit distance (insert, delete, replace: 1 each) of a[na] and b[nb], nb <= WORD_LONGEST. */
static int edit_distance(const char *a, int na, const char *b, int nb)
{
    int row[WORD_LONGEST + 1];
    for (int j = 0; j <= nb; j++)
        row[j] = j;
    for (int i = 1; i <= na; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= nb; j++) {
            int above = row[j];
            row[j] = least(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[nb];
}

const char *nearest_word(const char *text, const char *words, char *buffer, int n)
{
    size_t length = strlen(text);
    int best = 1 + (int)length / 3; /* one mistake in three letters is as much as still looks alike */
    const char *found = NULL;
    for (const char *word = words; *word;) {
        int m = (int)strcspn(word, "|");
        int distance = m <= WORD_LONGEST ? edit_distance(text, (int)length, word, m) : m;
        if (distance <= best && distance < m && m < n && (!found || distance < best)) {
            best = distance;
            found = buffer;
            snprintf(buffer, (size_t)n, "%.*s", m, word);
        }
        word += m + (word[m] == '|');
    }
    return found;
}

static const struct setting *find(const struct settings *s, const char *name, size_t length)
{
    for (int i = 0; i < s->n; i++)
        if (strlen(s->table[i].name) == length && !strncmp(s->table[i].name, name, length))
            return &s->table[i];
    return NULL;
}

static const struct setting *find_letter(const struct settings *s, char letter)
{
    for (int i = 0; i < s->n; i++)
        if (s->table[i].letter && s->table[i].letter == letter)
            return &s->table[i];
    return NULL;
}

/* The setting that a command-line word names; *value = what follows '=' or NULL. */
static const struct setting *find_option(const struct settings *s, const char *word, const char **value)
{
    *value = NULL;
    if (word[0] != '-')
        return NULL;
    if (word[1] != '-')
        return word[1] && !word[2] ? find_letter(s, word[1]) : NULL;
    size_t length = strcspn(word + 2, "=");
    if (word[2 + length] == '=')
        *value = word + 2 + length + 1;
    return find(s, word + 2, length);
}

static bool refuse_unknown(const struct settings *s, const char *word, struct err *err)
{
    char near[WORD_LONGEST + 1];
    char *names = mem_string("help|version");
    char *name = mem_format("%.*s", (int)strcspn(word + strspn(word, "-"), "="), word + strspn(word, "-"));
    for (int i = 0; i < s->n; i++) {
        char *longer = mem_format("%s|%s", names, s->table[i].name);
        free(names);
        names = longer;
    }
    if (nearest_word(name, names, near, sizeof near))
        err_usage(err, "%s: unknown option %s; did you mean --%s?", s->program, word, near);
    else
        err_usage(err, "%s: unknown option %s; %s --help lists the options", s->program, word, s->program);
    free(names);
    free(name);
    return false;
}

/* "|a|b|" contains "|text|". */
static bool is_choice(const char *text, const char *choices)
{
    size_t length = strlen(text);
    for (const char *word = choices;; word++) {
        size_t m = strcspn(word, "|");
        if (m == length && !strncmp(word, text, m))
            return true;
        word += m;
        if (!*word)
            return false;
    }
}

static bool refuse_choice(const struct settings *s, const struct setting *o, const char *text, struct err *err)
{
    char near[WORD_LONGEST + 1];
    if (nearest_word(text, o->choices, near, sizeof near))
        return err_usage(err, "%s: --%s %s: must be one of %s; did you mean %s?", s->program, o->name, text, o->choices,
                         near);
    return err_usage(err, "%s: --%s %s: unknown word; must be one of %s", s->program, o->name, text, o->choices);
}

static bool store_in_list(const struct settings *s, const struct setting *o, const char *text, struct err *err)
{
    struct setting_list *list = o->value;

    if (!*text)
        return err_usage(err, "%s: --%s: the value is empty; give %s", s->program, o->name, o->argument);
    if (list->n == SETTING_LIST_LONGEST)
        return err_usage(err, "%s: --%s is given more than %d times; leave some out", s->program, o->name,
                         SETTING_LIST_LONGEST);
    list->text[list->n++] = text;
    return true;
}

static bool store(const struct settings *s, const struct setting *o, const char *text, struct err *err)
{
    switch (o->kind) {
    case SETTING_FLAG:
        *(bool *)o->value = true;
        return true;
    case SETTING_INT:
        return parse_int(text, (long long)o->min, (long long)o->max, o->value) ||
               err_usage(err, "%s: --%s %s: not accepted; must be a whole number from %.0f to %.0f", s->program,
                         o->name, text, o->min, o->max);
    case SETTING_REAL:
        return parse_real(text, o->min, o->max, o->value) ||
               err_usage(err, "%s: --%s %s: not accepted; must be a number from %g to %g", s->program, o->name, text,
                         o->min, o->max);
    case SETTING_CHOICE:
        if (!is_choice(text, o->choices))
            return refuse_choice(s, o, text, err);
        break;
    case SETTING_STRING:
        if (!*text)
            return err_usage(err, "%s: --%s: the value is empty; give %s", s->program, o->name, o->argument);
        break;
    case SETTING_LIST:
        return store_in_list(s, o, text, err);
    }
    *(const char **)o->value = text;
    return true;
}

/* Handles the option argv[*i]; advances *i past a value that is a word of its own. */
static bool take_option(const struct settings *s, int argc, char **argv, int *i, bool *seen, struct err *err)
{
    const char *word = argv[*i], *value, *unused;
    const struct setting *o = find_option(s, word, &value);
    if (!o)
        return refuse_unknown(s, word, err);
    if (seen[o - s->table] && o->kind != SETTING_LIST)
        return err_usage(err, "%s: --%s is given twice; give it once", s->program, o->name);
    seen[o - s->table] = true;
    if (o->kind == SETTING_FLAG && value)
        return err_usage(err, "%s: --%s takes no value; leave out '=%s'", s->program, o->name, value);
    if (o->kind != SETTING_FLAG && !value) {
        if (*i + 1 >= argc || !strncmp(argv[*i + 1], "--", 2) || find_option(s, argv[*i + 1], &unused))
            return err_usage(err, "%s: --%s has no value; give %s", s->program, o->name, o->argument);
        value = argv[++*i];
    }
    if (o->given)
        *o->given = true;
    return store(s, o, value, err);
}

static bool check_positional(const struct settings *s, int n, const char *last, struct err *err)
{
    if (n < s->min_positional)
        return err_usage(err, "%s: too few arguments; usage: %s %s", s->program, s->program, s->usage);
    if (n > s->max_positional)
        return err_usage(err, "%s: unexpected argument %s; usage: %s %s", s->program, last, s->program, s->usage);
    return true;
}

bool settings_parse(const struct settings *s, int argc, char **argv, const char **positional, int *n_positional,
                    struct err *err)
{
    bool *seen = mem_alloc((size_t)s->n, sizeof *seen);
    bool ok = true, options = true;
    int n = 0;
    for (int i = 1; ok && i < argc; i++) {
        if (options && !strcmp(argv[i], "--"))
            options = false;
        else if (options && argv[i][0] == '-' && argv[i][1])
            ok = take_option(s, argc, argv, &i, seen, err);
        else if (n < s->max_positional)
            positional[n++] = argv[i];
        else
            ok = check_positional(s, n + 1, argv[i], err);
    }
    free(seen);
    *n_positional = n;
    return ok && check_positional(s, n, NULL, err);
}

bool settings_asks(int argc, char **argv, const char *name)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
        if (!strncmp(argv[i], "--", 2) && !strcmp(argv[i] + 2, name))
            return true;
    return false;
}

/* Writes text from the present column (already in HELP_COLUMN), broken between words at HELP_WIDTH. */
static void print_wrapped(const char *text, FILE *out)
{
    int column = HELP_COLUMN;
    while (*text) {
        int length = (int)strcspn(text, " ");
        if (column > HELP_COLUMN && column + 1 + length > HELP_WIDTH) {
            fprintf(out, "\n%*s", HELP_COLUMN, "");
            column = HELP_COLUMN;
        }
        column += fprintf(out, "%s%.*s", column > HELP_COLUMN ? " " : "", length, text);
        text += length;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

/* "(1 to 9; default 3)", or nothing to say: "". free() it. */
static char *describe_value(const struct setting *o)
{
    switch (o->kind) {
    case SETTING_INT: {
        long long value = *(const long long *)o->value;
        return (double)value >= o->min && (double)value <= o->max ? mem_format(" (default %lld)", value)
                                                                  : mem_string("");
    }
    case SETTING_REAL: {
        double value = *(const double *)o->value;
        return value >= o->min && value <= o->max ? mem_format(" (default %g)", value) : mem_string("");
    }
    case SETTING_STRING:
    case SETTING_CHOICE: {
        const char *value = *(const char *const *)o->value;
        return value ? mem_format(" (default %s)", value) : mem_string("");
    }
    case SETTING_FLAG:
    case SETTING_LIST:
        break;
    }
    return mem_string("");
}

static void print_option(char letter, const char *name, const char *argument, const char *help, const char *value,
                         FILE *out)
{
    char dash[] = { '-', letter, ',', ' ', '\0' };
    int used = fprintf(out, "  %s--%s%s%s", letter ? dash : "    ", name, argument ? " " : "",
                       argument ? argument : "");
    if (used > HELP_COLUMN - 2) {
        fputc('\n', out);
        used = 0;
    }
    fprintf(out, "%*s", HELP_COLUMN - used, "");
    char *text = mem_format("%s%s", help, value);
    print_wrapped(text, out);
    free(text);
}

void settings_help(const struct settings *s, FILE *out)
{
    fprintf(out, "%s - %s\n\nusage: %s %s\n\noptions:\n", s->program, s->summary, s->program, s->usage);
    for (int i = 0; i < s->n; i++) {
        const struct setting *o = &s->table[i];
        const char *argument = o->kind == SETTING_CHOICE && !o->argument ? o->choices : o->argument;
        char *value = describe_value(o);
        print_option(o->letter, o->name, o->kind == SETTING_FLAG ? NULL : argument, o->help, value, out);
        free(value);
    }
    print_option(0, "help", NULL, "this text", "", out);
    print_option(0, "version", NULL, "the version", "", out);
    if (s->examples)
        fprintf(out, "\nexamples:\n%s", s->examples);
}
