#include "base/version.h"

const char *version_string(void)
{
    return VERSION;
}

const char *version_revision(void)
{
    return REVISION;
}
