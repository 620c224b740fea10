/* What a finished `validate sis` says about many pictures: how large the sufficient parts are, and where they lie. */
#ifndef MARGINALIA_TOOLS_STUDY_PAGE_SIS_SUMMARY_H
#define MARGINALIA_TOOLS_STUDY_PAGE_SIS_SUMMARY_H

#include <jansson.h>
#include "validate/checks/check.h"
#include "validate/sis/store.h"

/* Pictures that are answered right, and wrong. */
enum { GROUP_RIGHT, GROUP_WRONG, GROUPS };

/* Regions in which deciding pixels are counted, SEARCH_BORDER pixels deep. */
enum { REGION_BORDER, REGION_LOWER, REGION_UPPER, REGIONS };
enum { SEARCH_BORDER = 4 };

/* Of the pictures of a group; sizes in pixels. */
struct sizes {
    struct estimate reached;      /* share that reaches the threshold, Wilson; n: the group */
    struct estimate mean, median; /* size, of those; n: how many; unknown when none does */
};

struct sis_summary {
    int64_t n;
    int h, w, n_thresholds;
    char *method; /* "gradient, 8 pixels a step, ranked by margin" */
    double threshold[SIS_MAX_THRESHOLDS];
    struct sizes sizes[SIS_MAX_THRESHOLDS][GROUPS];

    /* Places, at the threshold nearest to 0.9, of the pictures whose part has at least one pixel. */
    double where;                   /* that threshold */
    int64_t n_where;                /* those pictures */
    struct estimate share[REGIONS]; /* deciding pixels in a region over all deciding pixels; pictures are resampled */
    double area[REGIONS];           /* the region's share of a picture: what an even spread would give */
    double *heat;                   /* [h*w] share of those pictures that have the pixel in their part */
};

/* sis_summary_free it, also after a failure. */
bool sis_summary_read(const char *directory, struct sis_summary *out, struct err *err);
void sis_summarize(const struct sis_records *r, struct sis_summary *out);

/* For the record: everything above as a JSON object (new reference), and back. The counts of `heat` stand in a text for
 * each row of the picture. place: of the object, for what is wrong in it. */
#define SIS_SUMMARY "marginalia.study.summary/1"
json_t *sis_summary_json(const struct sis_summary *s);
bool sis_summary_parse(const json_t *object, const char *place, struct sis_summary *out, struct err *err);

void sis_summary_free(struct sis_summary *s); /* accepts a zeroed one */

#endif
