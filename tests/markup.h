/* Reads HTML and XML as the writers make it, strictly: every tag is closed, every attribute quoted. */
#ifndef MARGINALIA_TESTS_MARKUP_H
#define MARGINALIA_TESTS_MARKUP_H

#include <stdbool.h>
#include <stdio.h>

enum { MARKUP_ATTRIBUTES = 16 };

struct tag {
    char *name;
    int n;
    char *key[MARKUP_ATTRIBUTES], *value[MARKUP_ATTRIBUTES]; /* values as written, still escaped */
};

/* Opening tags in the order of the text, and the text between tags, one blank in the place of each tag. */
struct markup {
    int n;
    struct tag *tag;
    char *text;
    char problem[200]; /* "" when every tag is closed and well-formed */
};

struct markup markup_read(const char *source);
void markup_free(struct markup *m);
const char *tag_value(const struct tag *t, const char *key);                                    /* NULL: it has none */
int markup_count(const struct markup *m, const char *name, const char *key, const char *value); /* value NULL: any */

/* A stream, and the text that was written to it, which closes it; one at a time. free() the text. */
FILE *markup_stream(void);
char *markup_written(void);

/* The part from `from` to the `to` after it; both must be there. free() it. */
char *markup_between(const char *text, const char *from, const char *to);

/* Whether a word stands in the text by itself, in any case. */
bool markup_has_word(const char *text, const char *word);

#endif
