#include "base/shell.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./,:=+@%";

/* The word in single quotes, where one inside becomes '\''; free() it. */
static char *quote(const char *word)
{
    if (*word && word[strspn(word, plain)] == '\0')
        return mem_string(word);
    char *text = mem_alloc(4 * strlen(word) + 3, 1), *at = text;
    *at++ = '\'';
    for (; *word; word++) {
        size_t n = *word == '\'' ? 4 : 1;
        memcpy(at, *word == '\'' ? "'\\''" : word, n);
        at += n;
    }
    *at = '\'';
    return text;
}

/* `text` with one more word; frees text. */
static char *append(char *text, const char *word)
{
    char *quoted = quote(word), *longer = mem_format("%s%s%s", text, *text ? " " : "", quoted);

    free(quoted);
    free(text);
    return longer;
}

char *shell_command(int argc, char **argv)
{
    char *text = mem_string("");

    for (int i = 0; i < argc; i++)
        text = append(text, argv[i]);
    return text;
}

char *shell_resume_command(int argc, char **argv)
{
    char *text = mem_string("");
    bool resume = false;

    for (int i = 0; i < argc; i++) {
        const char *word = strcmp(argv[i], "--overwrite") == 0 ? "--resume" : argv[i];
        resume = resume || strcmp(word, "--resume") == 0 || strcmp(word, "-r") == 0;
        text = append(text, word);
    }
    return resume ? text : append(text, "--resume");
}
