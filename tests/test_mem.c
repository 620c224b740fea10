#include <criterion/criterion.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

static bool is_zero(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i])
            return false;
    return true;
}

Test(mem, allocation_is_zeroed)
{
    unsigned char *p = mem_alloc(1000, 3);
    cr_assert(is_zero(p, 3000));
    free(p);
}

Test(mem, nothing_is_a_valid_request)
{
    void *p = mem_alloc(0, 8);
    cr_assert_not_null(p);
    p = mem_resize(p, 0, 8);
    cr_assert_not_null(p);
    free(p);
    p = mem_big(0, 4);
    cr_assert_not_null(p);
    mem_big_free(p, 0, 4);
}

Test(mem, product_that_overflows_ends_the_program, .exit_code = EXIT_CANNOT_RUN)
{
    mem_alloc(SIZE_MAX / 8 + 2, 8); /* wraps round to 8 bytes */
}

Test(mem, resize_that_overflows_ends_the_program, .exit_code = EXIT_CANNOT_RUN)
{
    mem_resize(NULL, SIZE_MAX / 2, 3);
}

#if !defined(__SANITIZE_ADDRESS__) /* which reports such a request as a fault of its own */
Test(mem, more_than_there_is_ends_the_program, .exit_code = EXIT_CANNOT_RUN)
{
    mem_big(SIZE_MAX / 8, 2);
}
#endif

Test(mem, resize_keeps_the_contents)
{
    char *p = mem_string("marginalia");
    p = mem_resize(p, 100000, 1);
    cr_assert_str_eq(p, "marginalia");
    free(p);
}

Test(mem, format_makes_strings_of_any_length)
{
    char *s = mem_format("%0*d|%s", 5000, 7, "end");
    cr_assert_eq(strlen(s), 5004);
    cr_assert_str_eq(s + 4999, "7|end");
    free(s);
}

Test(mem, big_buffers_are_zeroed_aligned_and_writable_to_the_end)
{
    size_t sizes[] = { 1, 4096, (2 << 20) - 1, 2 << 20, (2 << 20) + 1, 5000001, 64 << 20 };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned char *p = mem_big(sizes[i], 1);
        size_t alignment = sizes[i] > 2 << 20 ? 2 << 20 : 64;
        cr_assert_eq((uintptr_t)p % alignment, 0, "%zu bytes", sizes[i]);
        cr_assert(is_zero(p, sizes[i] < 6000000 ? sizes[i] : 6000000));
        memset(p, 1, sizes[i]);
        mem_big_free(p, sizes[i], 1);
    }
    mem_big_free(NULL, 10, 10);
}
