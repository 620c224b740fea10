#include "validate/dataset/dataset_checks.h"

const struct check_type dataset_check_types[] = {
    { .kind = "border.sufficiency",
      .summary = "right answers from a ring along the edge alone, minus those from an equal centre",
      .survey = check_border_sufficiency,
      .takes = TAKES_WIDTH,
      .width = 2,
      .quick = 10000,
      .unit = UNIT_POINTS,
      .good = SIDE_AT_MOST },
    { .kind = "region.map",
      .summary = "right answers from the best of 64 places alone, minus those from a middling one",
      .survey = check_region_map,
      .quick = 10000,
      .unit = UNIT_POINTS,
      .good = SIDE_AT_MOST },
    { .kind = NULL },
};
