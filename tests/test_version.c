#include <criterion/criterion.h>
#include <string.h>
#include "base/version.h"

Test(version, names_the_build)
{
    cr_assert_gt(strlen(version_string()), 0);
    cr_assert_gt(strlen(version_revision()), 0);
}
