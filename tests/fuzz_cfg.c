/* Any bytes as a cfg: refused with a line of text, or accepted; what is accepted reads back from its own resolved
 * text. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "darknet-ext/cfg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct net_cfg *cfg, *again;
    struct err err = { 0 };
    char *text = mem_alloc(n + 1, 1);
    memcpy(text, data, n);
    bool ok = cfg_parse("fuzz.cfg", text, &cfg, &err);
    free(text);
    if (!ok) {
        assert(!cfg && err.status == EXIT_USAGE && strncmp(err.text, "fuzz.cfg:", 9) == 0);
        return 0;
    }
    text = cfg_resolved_text(cfg);
    ok = cfg_parse("resolved.cfg", text, &again, &err);
    assert(ok && again->n == cfg->n && again->stored == cfg->stored && again->macs == cfg->macs);
    free(text);
    free(cfg_stock_text(cfg, 1));
    cfg_free(again);
    cfg_free(cfg);
    return 0;
}
