/* --waive CHECK=REASON, as often as given. */
#ifndef MARGINALIA_VALIDATE_WAIVERS_H
#define MARGINALIA_VALIDATE_WAIVERS_H

#include "base/settings.h"
#include "validate/policy.h"

struct waivers {
    int n;
    struct waiver waiver[SETTING_LIST_LONGEST];
};

/* Refuses what names no check of the policy, and the same check twice. `compared`: there is a last report, so that
 * "ID.previous=REASON" waives the comparison with it. waivers_free it, also after a failure. */
bool waivers_read(const struct policy *p, bool compared, const struct setting_list *list, struct waivers *out,
                  struct err *err);
void waivers_free(struct waivers *w);
/* NULL: not waived. w may be NULL. */
const struct waiver *waivers_find(const struct waivers *w, const char *id);

#endif
