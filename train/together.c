#include "train/together.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/interrupt.h"
#include "base/mem.h"
#include "base/ranks.h"
#include "base/shell.h"
#include "base/version.h"

bool together_leads(void)
{
    return ranks_number() == 0;
}

const struct exchange *together_exchange(void)
{
    static struct exchange exchange = { .sum_doubles = ranks_sum_doubles, .slots = RANKS_SUMS, .start = ranks_sum_start,
                                        .progress = ranks_sum_progress, .wait = ranks_sum_wait };

    exchange.number = ranks_number();
    exchange.ranks = ranks_size();
    return exchange.ranks > 1 ? &exchange : NULL;
}

bool together_check_batch(const struct net_cfg *cfg, int64_t images, struct err *err)
{
    int64_t batch = images < cfg->batch ? images : cfg->batch;

    if (ranks_size() <= batch)
        return true;
    return err_usage(err, "%s: a batch of %lld images cannot be divided among %d ranks; start at most %lld with mpirun "
                     "-n, or make the batch larger", cfg->path, (long long)batch, ranks_size(), (long long)batch);
}

/* What decides what a rank does next, beside the identity. */
static char *settings_text(const struct setup *s)
{
    const struct train_options *o = s->options;
    char *identity = setup_identity(s), *directory = options_directory(o);
    char *text = mem_format("%s%s\n%d %d %lld %lld %d", identity, directory, o->resume, o->overwrite, o->test_samples,
                            o->member, o->export_stock != NULL);

    free(directory);
    free(identity);
    return text;
}

bool together_agree(const struct setup *s, struct err *err)
{
    char *cfg = cfg_resolved_text(s->cfg), *settings = settings_text(s);
    char *engine = mem_format("%s, %s", model_isa(), model_engine_version());
    bool ok = ranks_agree("cfg", cfg, err) && ranks_agree("data set", s->data_hash, err) &&
              ranks_agree("set of options", settings, err) &&
              ranks_agree("instruction set (MARGINALIA_ISA sets the same everywhere)", engine, err) &&
              ranks_agree("version of this program", version_string(), err);

    free(engine);
    free(settings);
    free(cfg);
    return ok;
}

bool together_stop(void)
{
    return ranks_any(interrupt_requested());
}

void together_sum(struct test_result *r)
{
    double sums[] = { (double)r->images, (double)r->correct, r->loss_sum };

    ranks_sum_doubles(sums, 3);
    *r = (struct test_result){ .images = (int64_t)sums[0], .correct = (int64_t)sums[1], .loss_sum = sums[2] };
}

bool together_check_model(const struct model *m, int64_t epoch, struct err *err)
{
    char hash[32];
    struct err differ;

    if (ranks_size() == 1)
        return true;
    snprintf(hash, sizeof hash, "%016" PRIx64, model_state_hash(m));
    return ranks_agree("model", hash, &differ) ||
           err_run(err, "after epoch %lld the ranks have different parameters, which a fault of the hardware or of MPI "
                   "makes; go on from the last checkpoint with --resume", (long long)epoch);
}

char *together_resume_command(int argc, char **argv)
{
    char *command = shell_resume_command(argc, argv);

    if (ranks_size() == 1)
        return command;
    char *launched = mem_format("mpirun -n %d %s", ranks_size(), command);
    free(command);
    return launched;
}
