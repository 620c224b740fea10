/* Whether what stands side by side on the page was made of the same networks. A record of many days, or of several
 * machines, can hold a search in a network that has been trained anew since. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tools/study_page/sections.h"

/* "resnet20_1" of ".../resnet20_1", ".../resnet20_1/" and ".../resnet20_1/final.weights"; free() it. */
static char *network_of(const char *path)
{
    static const char file[] = "/final.weights";
    size_t n = strlen(path), own = strlen(file);
    if (n > own && strcmp(path + n - own, file) == 0)
        n -= own;
    while (n && path[n - 1] == '/')
        n--;
    size_t begin = n;
    while (begin && path[begin - 1] != '/')
        begin--;
    return mem_format("%.*s", (int)(n - begin), path + begin);
}

/* The final weights of a training; "" when it is none, or was not run. */
static const char *trained_weights(const struct runs *s, const char *name)
{
    const struct step *step = runs_done(s, "%s", name);
    const json_t *manifest = step ? runs_kept(step, "manifest.json") : NULL;
    return runs_text(json_object_get(json_object_get(manifest, "results"), "final"), "sha256");
}

/* Reports, searches and manifests name a network by one of these beside the SHA-256 of its weights. */
static const char *path_of(const json_t *object)
{
    static const char *const key[] = { "run", "path", "model" };
    for (size_t i = 0; i < sizeof key / sizeof *key; i++)
        if (json_object_get(object, key[i]))
            return runs_text(object, key[i]);
    return "";
}

/* The name of a network whose weights this object has otherwise than its training; free() it; NULL: there is none. */
static char *other_weights_here(const struct runs *s, const json_t *object)
{
    const char *path = path_of(object), *weights = runs_text(object, "weights_sha256");
    if (!*weights && strstr(path, ".weights"))
        weights = runs_text(object, "sha256");
    char *name = network_of(path);
    const char *trained = trained_weights(s, name);
    if (*weights && *trained && strcmp(weights, trained) != 0)
        return name;
    free(name);
    return NULL;
}

/* The same, of everything within. */
static char *other_weights(const struct runs *s, const json_t *value)
{
    char *name = json_is_object(value) ? other_weights_here(s, value) : NULL;
    const char *key;
    json_t *inner;
    size_t i;
    json_object_foreach((json_t *)value, key, inner)
    {
        if (!name)
            name = other_weights(s, inner);
    }
    json_array_foreach(value, i, inner)
    {
        if (!name)
            name = other_weights(s, inner);
    }
    return name;
}

void name_mixed_networks(struct page *p)
{
    const char *list = "";
    for (int i = 0; i < p->runs->n; i++) {
        const struct step *step = &p->runs->step[i];
        char *name = step->done ? other_weights(p->runs, step->files) : NULL;
        if (name)
            list = page_text(p, "%s, `%s` (%s)", list, step->name, name);
        free(name);
    }
    if (*list)
        page_differs(
            p,
            "Not of the networks that stand beside them, but of others with the same seeds (trained on another "
            "processor, or by another revision): %s. `tools/reproduce --redo STEP` makes a step of the present "
            "network.",
            list + 2);
}
