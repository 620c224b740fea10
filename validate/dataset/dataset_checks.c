#include "validate/dataset/dataset_checks.h"

const struct check_type dataset_check_types[] = {
    { .kind = NULL },
};
