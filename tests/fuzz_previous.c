/* Any bytes as the last release's report.json: refused or accepted, never a crash or an overrun; what is accepted can
 * be compared with. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/mem.h"
#include "validate/previous.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compare_all(const struct previous *p)
{
    for (int i = 0; i < p->n; i++) {
        const struct previous_check *c = &p->check[i];
        struct check now = { .id = c->id,
                             .kind = (char *)"accuracy",
                             .unit = c->unit,
                             .of = "pictures",
                             .gates = true,
                             .question = (char *)"Is it?",
                             .measure = (char *)"right",
                             .estimate = { 0.5, 0.4, 0.6, 100 } };
        struct check out = { 0 };
        if (previous_compare(p, &now, SIDE_AT_LEAST, 1, &out)) {
            if (out.status == CHECK_PASS && !isfinite(out.estimate.value))
                abort(); /* nothing unmeasured passes */
            check_free(&out);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("previous", 0);
    struct previous *p;
    struct err err;

    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    char *path = mem_format("/proc/self/fd/%d", fd);
    if (previous_read(path, REPORT_MODEL, &p, &err)) {
        compare_all(p);
        previous_free(p);
    }
    free(path);
    close(fd);
    return 0;
}
