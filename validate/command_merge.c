/* validate merge OUT DIR...: the shards of one `validate sis` as one result. */
#include "validate/command.h"

#include <stdio.h>
#include "validate/sis/store.h"

enum exit_status command_merge(const struct subject_opener *opener, int argc, char **argv, struct err *err)
{
    struct merge_options o;

    (void)opener;
    if (!merge_options_parse(&o, argc - 1, argv + 1, err))
        return err->status;
    bool ok = sis_merge((char *const *)o.directory, o.n, o.out, err);
    if (ok)
        printf("%d shards joined in %s\n", o.n, o.out);
    merge_options_free(&o);
    return ok ? EXIT_OK : err->status;
}
