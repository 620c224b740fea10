#include <criterion/criterion.h>
#include <math.h>
#include "train/schedule.h"

/* 4 epochs of 10 batches at learning rate 0.8. */
static struct net_cfg base_cfg(enum lr_policy policy)
{
    return (struct net_cfg){ .learning_rate = .8f, .policy = policy, .epochs = 4, .power = 4, .scale = 1 };
}

static void expect_rate(const struct net_cfg *cfg, int64_t t, double wanted)
{
    struct schedule s = schedule_new(cfg, 10);
    double rate = schedule_rate(&s, t);

    cr_assert(fabs(rate - wanted) <= 1e-6 * fabs(wanted), "batch %d: rate %.9g, wanted %.9g", (int)t, rate, wanted);
}

Test(schedule, length_is_epochs_or_batches_or_the_shorter_of_both)
{
    struct net_cfg cfg = base_cfg(LR_CONSTANT);

    cr_assert_eq(schedule_new(&cfg, 10).total, 40);
    cfg.max_batches = 25;
    cr_assert_eq(schedule_new(&cfg, 10).total, 25);
    cfg.max_batches = 100;
    cr_assert_eq(schedule_new(&cfg, 10).total, 40);
    cfg.epochs = 0;
    cr_assert_eq(schedule_new(&cfg, 10).total, 100);
    cfg.max_batches = 0;
    cr_assert_eq(schedule_new(&cfg, 10).total, 0);
}

Test(schedule, constant_stays)
{
    struct net_cfg cfg = base_cfg(LR_CONSTANT);

    expect_rate(&cfg, 1, .8);
    expect_rate(&cfg, 40, .8);
}

Test(schedule, step_divides_from_every_multiple_of_step_on)
{
    struct net_cfg cfg = base_cfg(LR_STEP);

    cfg.step = 10;
    cfg.scale = .5f;
    expect_rate(&cfg, 1, .8);
    expect_rate(&cfg, 9, .8);
    expect_rate(&cfg, 10, .4);
    expect_rate(&cfg, 20, .2);
}

Test(schedule, steps_hold_from_the_named_batch_on)
{
    struct net_cfg cfg = base_cfg(LR_STEPS);

    cfg.n_steps = 2;
    cfg.steps[0] = 10, cfg.scales[0] = .1f;
    cfg.steps[1] = 30, cfg.scales[1] = .5f;
    expect_rate(&cfg, 9, .8);
    expect_rate(&cfg, 10, .08);
    expect_rate(&cfg, 29, .08);
    expect_rate(&cfg, 30, .04);
}

Test(schedule, exp_poly_and_sig_are_darknets_formulas)
{
    struct net_cfg cfg = base_cfg(LR_EXP);

    cfg.gamma = .5f;
    expect_rate(&cfg, 1, .4);
    expect_rate(&cfg, 3, .1);
    cfg.policy = LR_POLY;
    cfg.power = 2;
    expect_rate(&cfg, 10, .8 * .75 * .75); /* of the 40 batches that 4 epochs have */
    cfg.max_batches = 20;
    expect_rate(&cfg, 10, .8 * .25);
    cfg.policy = LR_SIG;
    cfg.step = 10;
    expect_rate(&cfg, 10, .4);
    expect_rate(&cfg, 8, .8 / (1 + exp(-1)));
    expect_rate(&cfg, 12, .8 / (1 + exp(1)));
}

Test(schedule, burn_in_grows_with_the_fourth_power_and_ends_at_its_batch)
{
    struct net_cfg cfg = base_cfg(LR_CONSTANT);

    cfg.burn_in = 10;
    expect_rate(&cfg, 1, .8 * 1e-4);
    expect_rate(&cfg, 5, .8 * .0625);
    expect_rate(&cfg, 9, .8 * .6561);
    expect_rate(&cfg, 10, .8);
    cfg.policy = LR_STEP; /* from its last batch on the policy rules */
    cfg.step = 10;
    cfg.scale = .5f;
    expect_rate(&cfg, 10, .4);
}

Test(schedule, cosine_without_warmup_starts_full_and_halves_in_the_middle)
{
    struct net_cfg cfg = base_cfg(LR_COSINE);

    expect_rate(&cfg, 1, .8);
    expect_rate(&cfg, 21, .4); /* q = 20/40 */
    expect_rate(&cfg, 31, .4 * (1 - sqrt(.5)));
}

Test(schedule, cosine_warms_up_per_batch_then_starts_full)
{
    struct net_cfg cfg = base_cfg(LR_COSINE);

    cfg.warmup = 1; /* epoch: 10 batches */
    expect_rate(&cfg, 1, .08);
    expect_rate(&cfg, 10, .8);
    expect_rate(&cfg, 11, .8);
    expect_rate(&cfg, 26, .4); /* q = 15/30 */
}

Test(schedule, onecycle_is_a_triangle)
{
    struct net_cfg cfg = base_cfg(LR_ONECYCLE);

    cfg.warmup = 1.5f; /* 15 batches up, 25 down */
    expect_rate(&cfg, 3, .16);
    expect_rate(&cfg, 15, .8);
    expect_rate(&cfg, 16, .8);
    expect_rate(&cfg, 21, .64);
    expect_rate(&cfg, 40, .8 / 25);
}

Test(schedule, warmed_policies_never_reach_zero_and_never_grow_after_the_warmup)
{
    for (int policy = LR_COSINE; policy <= LR_ONECYCLE; policy++) {
        struct net_cfg cfg = base_cfg((enum lr_policy)policy);
        struct schedule s = schedule_new(&cfg, 10);
        for (int64_t t = 2; t <= s.total; t++) {
            cr_assert(schedule_rate(&s, t) > 0, "policy %d batch %d", policy, (int)t);
            cr_assert(schedule_rate(&s, t) <= schedule_rate(&s, t - 1), "policy %d batch %d", policy, (int)t);
        }
    }
}
