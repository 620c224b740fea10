/* Of "How this was measured": what reports on models and on data sets have in common. */
#ifndef MARGINALIA_VALIDATE_PROVENANCE_PARTS_H
#define MARGINALIA_VALIDATE_PROVENANCE_PARTS_H

#include "validate/policy.h"
#include "validate/previous.h"
#include "validate/report/report.h"
#include "validate/subject.h"
#include "validate/waivers.h"

enum { PROVENANCE_FACTS = 24 }; /* room that r->fact needs */

/* Sets subject, program, data (taken over), policy and date; r->kind is set. */
void provenance_head(struct report *r, const char *subject, char *data, const struct policy *p);

/* One line of the list; takes over the value. */
void provenance_add(struct report *r, const char *key, bool code, char *value);

/* Texts to free(). "2 threads", "3 ranks with 2 threads each". */
char *provenance_processors(int threads);
char *provenance_waivers(const struct waivers *w);
/* How many checks could be compared with the last report. */
char *provenance_previous(const struct previous *previous, const struct policy *p, const struct report *r);

/* Of an ensemble: "3 networks as one, by the mean of their logits"; each member's run and hashes, and who is missing. */
char *provenance_rule(const struct subject *s);
char *provenance_members(const struct subject *s);

/* Which search for subsets: "gradient SIS, 8 pixels per step, ranked by margin, hidden pixels: mean". */
char *provenance_search(const struct policy *p);

/* The checks that policy_choose left out, and why. */
char *provenance_left_out(const struct policy *p);

/* New references. A text that is not UTF-8, which JSON cannot hold, is told as such. */
json_t *provenance_text_json(const char *text);
json_t *provenance_words_json(int argc, char **argv);
json_t *provenance_file_json(const char *path, const char *hash);
json_t *provenance_ensemble_json(const struct subject *s); /* null for a single network */
json_t *provenance_search_json(const struct policy *p);
json_t *provenance_waivers_json(const struct waivers *w);
json_t *provenance_left_out_json(const struct policy *p);

#endif
