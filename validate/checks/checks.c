#include "validate/checks/checks.h"

#include <string.h>

const struct check_type check_types[] = {
    { .kind = "accuracy",
      .summary = "share of right answers on whole pictures",
      .run = check_accuracy,
      .unit = UNIT_SHARE,
      .good = SIDE_AT_LEAST },
    { .kind = "calibration",
      .summary = "expected calibration error on whole pictures, 15 bins of equal mass",
      .run = check_calibration,
      .unit = UNIT_SHARE,
      .good = SIDE_AT_MOST },
    { .kind = "sis.size",
      .summary = "median share of the pixels that suffices for the answer",
      .run = check_sis_size,
      .takes = TAKES_THRESHOLD,
      .threshold = 0.99,
      .quick = -1,
      .full = -1,
      .unit = UNIT_SHARE,
      .good = SIDE_AT_LEAST },
    { .kind = "correct.vs.wrong",
      .summary = "mean size of the sufficient part, right answers minus wrong ones",
      .run = check_correct_vs_wrong,
      .takes = TAKES_THRESHOLD,
      .threshold = 0.99,
      .quick = -1,
      .full = -1,
      .unit = UNIT_POINTS,
      .good = SIDE_AT_LEAST },
    { .kind = "baseline.sensitivity",
      .summary = "largest over smallest median size of the sufficient part, over what hides the rest",
      .run = check_baseline_sensitivity,
      .takes = TAKES_THRESHOLD,
      .threshold = 0.99,
      .quick = 40,
      .full = 400,
      .unit = UNIT_RATIO,
      .good = SIDE_AT_MOST },
    { .kind = "rubbish",
      .summary = "share of noise, shuffled and blank pictures that get a sure answer",
      .run = check_rubbish,
      .takes = TAKES_THRESHOLD,
      .threshold = 0.9,
      .quick = -1,
      .full = -1,
      .unit = UNIT_SHARE,
      .good = SIDE_AT_MOST },
    { .kind = NULL },
};

const struct check_type *check_type_find(const char *kind)
{
    for (const struct check_type *type = check_types; type->kind; type++)
        if (strcmp(type->kind, kind) == 0)
            return type;
    return NULL;
}
