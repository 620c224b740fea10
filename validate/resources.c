#include "validate/resources.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "base/mem.h"

char *resource_find(const char *name)
{
    static const char *const beside[] = { "..", "../share/marginalia" };
    char program[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);

    if (file_exists(name) || n < 1)
        return mem_string(name);
    program[n] = '\0';
    *strrchr(program, '/') = '\0';
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
        char *path = mem_format("%s/%s/%s", program, beside[i], name);
        if (file_exists(path))
            return path;
        free(path);
    }
    return mem_string(name);
}
