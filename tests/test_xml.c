#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/xml.h"

static void expect(const char *text, const char *want)
{
    char *got;
    size_t n;
    FILE *stream = open_memstream(&got, &n);
    xml_text(stream, text);
    fclose(stream);
    cr_assert_str_eq(got, want);
    free(got);
}

Test(xml, markup_is_escaped)
{
    expect("a<b>&\"c\" 'd'", "a&lt;b&gt;&amp;&quot;c&quot; &#39;d&#39;");
    expect("]]>", "]]&gt;");
}

Test(xml, text_of_any_language_stays)
{
    expect("Größe 大 𝛼 é\t\n", "Größe 大 𝛼 é\t\n");
}

Test(xml, what_xml_does_not_allow_becomes_a_question_mark)
{
    expect("\x01\x1b\r\x7f", "????");
    expect("\xff\xc0\xaf", "???");
    expect("\xed\xa0\x80", "???");
    expect("\xf4\x90\x80\x80", "????");
    expect("\xe0\x80\x80", "???");
    expect("\xc2\x9b", "??");
    expect("cut \xe2\x82", "cut ??");
}
