#include "validate/waivers.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

/* The policy knows ID, not ID.previous. */
static bool read_waiver(const struct policy *p, bool compared, const char *text, struct waiver *out, struct err *err)
{
    static const char suffix[] = ".previous";
    size_t id = strcspn(text, "="), n = sizeof suffix - 1;

    if (!compared || id <= n || strncmp(text + id - n, suffix, n) != 0)
        return policy_waiver(p, text, out, err);
    char *plain = mem_format("%.*s%s", (int)(id - n), text, text + id);
    bool ok = policy_waiver(p, plain, out, err);
    if (ok) {
        char *longer = mem_format("%s%s", out->id, suffix);
        free(out->id);
        out->id = longer;
    }
    free(plain);
    return ok;
}

bool waivers_read(const struct policy *p, bool compared, const struct setting_list *list, struct waivers *out,
                  struct err *err)
{
    *out = (struct waivers){ 0 };
    for (int i = 0; i < list->n; i++) {
        struct waiver w;
        if (!read_waiver(p, compared, list->text[i], &w, err))
            return false;
        bool twice = waivers_find(out, w.id);
        out->waiver[out->n++] = w;
        if (twice)
            return err_usage(err, "%s: --waive %s is given twice; give it once", p->kind->command, w.id);
    }
    return true;
}

void waivers_free(struct waivers *w)
{
    for (int i = 0; i < w->n; i++) {
        free(w->waiver[i].id);
        free(w->waiver[i].reason);
    }
    *w = (struct waivers){ 0 };
}

const struct waiver *waivers_find(const struct waivers *w, const char *id)
{
    for (int i = 0; w && i < w->n; i++)
        if (strcmp(w->waiver[i].id, id) == 0)
            return &w->waiver[i];
    return NULL;
}
