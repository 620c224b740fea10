#include <criterion/criterion.h>
#include <stdlib.h>
#include "base/printable.h"

static void check(const char *raw, const char *want)
{
    char *text = printable_text(raw);
    cr_assert_str_eq(text, want);
    free(text);
}

Test(printable, leaves_ordinary_text_alone)
{
    check("", "");
    check("a b/c'\"\\.jpg", "a b/c'\"\\.jpg");
    check("Z\xc3\xbcrich \xe6\x97\xa5 \xf0\x9f\x90\xb1", "Z\xc3\xbcrich \xe6\x97\xa5 \xf0\x9f\x90\xb1");
}

Test(printable, writes_control_characters_as_bytes)
{
    check("a\nb\x1b[31m\x7f", "a\\x0ab\\x1b[31m\\x7f");
    check("\xc2\x85|\xe2\x80\xa8", "\\xc2\\x85|\\xe2\\x80\\xa8");
}

Test(printable, writes_what_is_not_utf8_as_bytes)
{
    check("\xff", "\\xff");
    check("\xc3", "\\xc3");                   /* cut short */
    check("\xc0\x8a", "\\xc0\\x8a");          /* a newline in two bytes */
    check("\xc1\x81", "\\xc1\\x81");          /* an A in two bytes */
    check("\xe0\x80\x8a", "\\xe0\\x80\\x8a"); /* and in three */
    check("\xed\xa0\x80", "\\xed\\xa0\\x80"); /* half a surrogate pair */
    check("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
    check("\xe6\x97x", "\\xe6\\x97x");
}
