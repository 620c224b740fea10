#include "darknet-ext/cfg_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"

/* `sections`: those of the network, which [ensemble] is not. */
static bool read_net(const char *path, const struct cfg_document *doc, int sections, struct net_cfg *cfg,
                     struct err *err)
{
    if (doc->n == 0)
        return err_usage(err, "%s:1: no section; a network begins with [net]", path);
    struct cfg_place at = { path, &doc->sections[0], err };
    if (!cfg_section_is_net(at.section->name))
        return cfg_refuse(&at, NULL, "the first section is [%.60s]; it must be [net]", at.section->name);
    if (sections == 1)
        return cfg_refuse(&at, NULL, "[net] is the only section; add layers");
    struct net_keys keys = { .net = *cfg };
    bool ok = cfg_read_keys(&at, "net", &keys) && cfg_check_net(&at, &keys);
    keys.net.distill_given = cfg_find(at.section, "distill_weight") || cfg_find(at.section, "distill_temperature")
                             || cfg_find(at.section, "teacher_sha256");
    *cfg = keys.net; /* also on failure: it may own a string already */
    return ok;
}

static bool read_ensemble(const struct cfg_place *at, struct net_cfg *cfg)
{
    struct net_keys keys = { .net = *cfg };
    bool ok = cfg_read_keys(at, "ensemble", &keys);
    *cfg = keys.net;
    if (ok && cfg->seed > INT64_MAX - (uint64_t)cfg->members)
        return cfg_refuse(at, NULL, "there are no %d seeds from seed=%llu on; choose a smaller one", cfg->members,
                          (unsigned long long)cfg->seed);
    return ok;
}

static bool read_layer(const struct cfg_place *at, struct net_cfg *cfg, int i)
{
    struct layer_keys keys = { 0 };
    return cfg_section_kind(at, &keys.layer) && cfg_read_keys(at, keys.layer.type, &keys)
           && cfg_shape_layer(at, cfg, i, &keys);
}

static bool read_document(const char *path, const struct cfg_document *doc, struct net_cfg *cfg, struct err *err)
{
    bool ensemble = doc->n > 1 && cfg_section_is_ensemble(doc->sections[doc->n - 1].name);
    int sections = doc->n - ensemble;
    if (!read_net(path, doc, sections, cfg, err))
        return false;
    cfg->layers = mem_alloc((size_t)sections - 1, sizeof *cfg->layers);
    for (cfg->n = 0; cfg->n < sections - 1; cfg->n++) {
        struct cfg_place at = { path, &doc->sections[cfg->n + 1], err };
        if (!read_layer(&at, cfg, cfg->n))
            return false;
    }
    struct cfg_place last = { path, &doc->sections[sections - 1], err };
    struct cfg_place end = { path, &doc->sections[doc->n - 1], err };
    return cfg_check_network(&last, cfg) && (!ensemble || read_ensemble(&end, cfg));
}

bool cfg_parse(const char *path, const char *text, struct net_cfg **out, struct err *err)
{
    *out = NULL;
    if (strlen(text) > CFG_MAX_BYTES)
        return err_usage(err, "%s:1: longer than %d bytes; is this a cfg file?", path, CFG_MAX_BYTES);
    struct net_cfg *cfg = mem_alloc(1, sizeof *cfg);
    cfg->path = mem_string(path);
    cfg->text = mem_string(text);
    struct cfg_document doc = { 0 };
    bool ok = cfg_split(path, text, &doc, err) && read_document(path, &doc, cfg, err);
    cfg_document_free(&doc);
    if (ok)
        *out = cfg;
    else
        cfg_free(cfg);
    return ok;
}

bool cfg_read(const char *path, struct net_cfg **out, struct err *err)
{
    char *text;
    size_t n;
    *out = NULL;
    if (!file_read(path, CFG_MAX_BYTES, &text, &n, err)) {
        err->status = EXIT_USAGE;
        return false;
    }
    bool ok = strlen(text) == n ? cfg_parse(path, text, out, err)
                                : err_usage(err, "%s:1: contains a NUL byte; a cfg is a text file", path);
    free(text);
    return ok;
}

void cfg_free(struct net_cfg *cfg)
{
    if (!cfg)
        return;
    free(cfg->path);
    free(cfg->dataset);
    free(cfg->teacher);
    free(cfg->teacher_hash);
    free(cfg->view);
    free(cfg->baseline);
    free(cfg->mask_order);
    free(cfg->layers);
    free(cfg->text);
    free(cfg);
}
