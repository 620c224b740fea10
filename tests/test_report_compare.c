/* What a comparison shows: page, terminal, model card, JSON and JUnit say the same, and only what was measured. */
#include <criterion/criterion.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "tests/compare_fixture.h"
#include "tests/data_fixture.h"
#include "tests/page.h"
#include "validate/report/compare_save.h"
#include "validate/report/compare_words.h"

/* For looking at: REPORT_SAMPLE=/folder writes samples there. */
Test(report_compare, writes_samples_when_asked)
{
    const char *folder = getenv("REPORT_SAMPLE");
    for (int i = 0; folder && i < 5; i++) {
        static const char *const name[] = { "undecided", "better", "several", "empty", "hostile" };
        struct comparison c = i == 0   ? fixture_comparison(1, 0.1)
                              : i == 1 ? fixture_comparison_clean(1, 1)
                              : i == 2 ? fixture_comparison_clean(3, -0.6)
                              : i == 3 ? fixture_comparison_empty()
                                       : fixture_comparison_hostile();
        struct err err;
        char *directory = mem_format("%s/%s", folder, name[i]);
        cr_assert(comparison_save(&c, directory, &err), "%s", err.text);
        comparison_terminal(&c, stdout, false);
        free(directory);
        comparison_free(&c);
    }
}
