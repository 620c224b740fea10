#include <criterion/criterion.h>
#include <stdlib.h>
#include "base/shell.h"

static void expect(char *text, const char *wanted)
{
    cr_assert_str_eq(text, wanted);
    free(text);
}

Test(shell, plain_words_stay_as_they_are)
{
    char *argv[] = { "bin/train", "cfg/x.cfg", "--seed=7", "a@b,c:d+e%_" };

    expect(shell_command(4, argv), "bin/train cfg/x.cfg --seed=7 a@b,c:d+e%_");
}

Test(shell, a_shell_reads_back_the_same_words)
{
    char *argv[] = { "a b", "", "it's", "$(x)", "~", "a\nb" };

    expect(shell_command(6, argv), "'a b' '' 'it'\\''s' '$(x)' '~' 'a\nb'");
}

Test(shell, a_command_is_continued_with_resume)
{
    char *none[] = { "train", "x" }, *overwrite[] = { "train", "--overwrite", "x" }, *letter[] = { "train", "-r" },
         *word[] = { "train", "--resume", "x" };

    expect(shell_resume_command(2, none), "train x --resume");
    expect(shell_resume_command(3, overwrite), "train --resume x");
    expect(shell_resume_command(2, letter), "train -r");
    expect(shell_resume_command(3, word), "train --resume x");
}
