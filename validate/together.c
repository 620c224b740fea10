#include "validate/together.h"

#include <stdlib.h>
#include "base/mem.h"
#include "base/ranks.h"
#include "base/version.h"

bool together_subject(const struct subject *s, struct err *err)
{
    char *model = mem_format("%s %s", s->cfg_hash, s->weights_hash);
    char *isa = mem_format("%s, %s", s->network.isa ? s->network.isa : "", s->network.engine ? s->network.engine : "");
    bool ok = ranks_agree("model", model, err) && ranks_agree("data set", s->data_hash, err) &&
              ranks_agree("view", s->view ? view_text(s->view) : "", err) &&
              ranks_agree("instruction set (MARGINALIA_ISA sets the same everywhere)", isa, err) &&
              ranks_agree("version of this program", version_string(), err);

    free(isa);
    free(model);
    return ok;
}
