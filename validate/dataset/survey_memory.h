/* What a survey remembers for itself. Included by survey.c and survey_facts.c alone. */
#ifndef MARGINALIA_VALIDATE_DATASET_SURVEY_MEMORY_H
#define MARGINALIA_VALIDATE_DATASET_SURVEY_MEMORY_H

#include "validate/dataset/survey.h"

enum { TRIED_NOT, TRIED_GOOD, TRIED_BAD };

struct survey_memory {
    uint32_t *order;       /* a random order of the split's pictures; NULL: no sample yet */
    uint8_t *tried;        /* [count] TRIED_ */
    int64_t first_untried; /* place in the order up to which pictures have been tried */
    int64_t asked;         /* size of the sample that was asked for; it holds fewer when not so many are readable */
    int n_suspects, suspects_room;
    struct suspect *suspect;
};

#endif
