#include "validate/checks/checks.h"

#include <string.h>

const struct check_type check_types[] = {
    { .kind = NULL },
};

const struct check_type *check_type_find(const char *kind)
{
    for (const struct check_type *type = check_types; type->kind; type++)
        if (strcmp(type->kind, kind) == 0)
            return type;
    return NULL;
}
