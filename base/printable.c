#include "base/printable.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

/* Bytes of the UTF-8 character at s (RFC 3629), which does not reach beyond a NUL; 0: none starts here. */
static int character_bytes(const unsigned char *s, uint32_t *code)
{
    static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
    int n = s[0] < 0x80 ? 1 : s[0] < 0xc0 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf8 ? 4 : 0;
    *code = n == 1 ? s[0] : n ? s[0] & (0x7fu >> n) : 0;
    for (int i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | (s[i] & 0x3f);
    }
    bool surrogate = *code >= 0xd800 && *code < 0xe000;
    return n && *code >= least[n] && *code < 0x110000 && !surrogate ? n : 0;
}

/* Control characters, and the two that begin a new line or paragraph. */
static bool is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x2028 || code == 0x2029;
}

char *printable_text(const char *raw)
{
    char *text = mem_alloc(4 * strlen(raw) + 1, 1), *end = text;
    for (const unsigned char *s = (const unsigned char *)raw; *s;) {
        uint32_t code;
        int n = character_bytes(s, &code), escaped = n == 0 ? 1 : is_control(code) ? n : 0;
        for (int i = 0; i < escaped; i++)
            end += snprintf(end, 5, "\\x%02x", s[i]);
        if (!escaped) {
            memcpy(end, s, (size_t)n);
            end += n;
        }
        s += escaped ? escaped : n;
    }
    *end = 0;
    return text;
}
