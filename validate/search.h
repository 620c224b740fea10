/* A SIS run over images of a data set: from pictures to records in a store. */
#ifndef MARGINALIA_VALIDATE_SEARCH_H
#define MARGINALIA_VALIDATE_SEARCH_H

#include "base/progress.h"
#include "validate/sis/store.h"
#include "validate/subject.h"

enum { SEARCH_PREDICTED = -1, SEARCH_TRUE = -2 };

struct search {
    const struct subject *subject;
    const struct sis_identity *identity;
    enum split split;
    enum baseline baseline;
    int target; /* class, SEARCH_PREDICTED or SEARCH_TRUE */
    struct sis_store *store;
    struct progress *progress;
    bool (*stop)(void);
};

/* Of image[n] (rising), those that the store does not have yet. *stopped: by `stop`, before all were done. */
bool search_run(const struct search *s, const int64_t *image, int64_t n, bool *stopped, struct err *err);

#endif
