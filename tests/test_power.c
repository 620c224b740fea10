/* Every check on what is planted for it (tools/power): it must catch the strongest fault and clear the clean case. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#include "tools/power/plants.h"
#include "validate/checks/checks.h"
#include "validate/dataset/dataset_checks.h"

/* A sanitizer takes minutes for three sets, and sees in one what it would in three. */
#ifdef __SANITIZE_ADDRESS__
enum { SETS = 1 };
#else
enum { SETS = 3 };
#endif
enum { MOST_PLANTS = 64 };

/* These fit dozens of models to each data set, which takes a second: one will do. */
static bool is_slow(const struct plant *p)
{
    return strncmp(p->name, "border.sufficiency", strlen("border.sufficiency")) == 0 ||
           strcmp(p->name, "region.map") == 0;
}

/* How many of the sets get which verdict at this strength. */
static void judge(const struct plant *p, double strength, int sets, int count[CHECK_REPORTED + 1])
{
    struct plant_policies policies;
    struct err err;
    cr_assert(plant_policies_read("cfg", &policies, &err), "%s", err.text);
    for (int seed = 1; seed <= sets; seed++) {
        struct check c;
        cr_assert(plant_judge(p, &policies, strength, (uint64_t)seed, &c, &err), "%s: %s", p->name, err.text);
        cr_expect(c.status != CHECK_ERROR, "%s at %g: %s", p->name, strength, c.error);
        count[c.status]++;
        check_free(&c);
    }
    plant_policies_free(&policies);
}

static int number[MOST_PLANTS];

static struct criterion_test_params list_plants(void)
{
    size_t n = 0;
    for (; plants[n].name; n++)
        number[n] = (int)n;
    return cr_make_param_array(int, number, n);
}

ParameterizedTestParameters(power, clean_case_is_cleared)
{
    return list_plants();
}

/* 60 pictures of which one in eight is right by chance are now and then one in four: then nothing is decided. The
 * policy's 20 pictures of wrong.class never are enough: none of 20 may still be 16 of 100. */
ParameterizedTest(int *i, power, clean_case_is_cleared)
{
    const struct plant *p = &plants[*i];
    int count[CHECK_REPORTED + 1] = { 0 }, sets = is_slow(p) ? 1 : SETS;
    bool too_few = strcmp(p->name, "wrong.class") == 0;
    judge(p, p->strength[0], sets, count);
    cr_expect_eq(count[CHECK_FAIL], 0, "%s accuses %d of %d clean ones", p->name, count[CHECK_FAIL], sets);
    cr_expect(too_few || 2 * count[CHECK_PASS] > sets, "%s clears %d of %d", p->name, count[CHECK_PASS], sets);
}

ParameterizedTestParameters(power, strongest_fault_is_caught)
{
    return list_plants();
}

ParameterizedTest(int *i, power, strongest_fault_is_caught)
{
    const struct plant *p = &plants[*i];
    int count[CHECK_REPORTED + 1] = { 0 }, sets = is_slow(p) ? 1 : SETS;
    judge(p, p->strength[p->n - 1], sets, count);
    cr_expect_eq(count[CHECK_FAIL], sets, "%s catches %d of %d", p->name, count[CHECK_FAIL], sets);
}

static bool is_named(const char *kind)
{
    for (const struct unplanted *u = unplanted; u->name; u++)
        if (strcmp(u->name, kind) == 0)
            return true;
    return plant_find(kind) != NULL;
}

Test(power, every_check_has_a_plant_or_a_reason_to_have_none)
{
    for (const struct check_type *t = check_types; t->kind; t++)
        cr_expect(is_named(t->kind), "%s", t->kind);
    for (const struct check_type *t = dataset_check_types; t->kind; t++)
        cr_expect(is_named(t->kind), "%s", t->kind);
}

Test(power, plants_have_rising_strengths_and_a_limit_to_be_judged_by)
{
    struct plant_policies policies;
    struct policy_check row;
    struct err err;
    cr_assert(plant_policies_read("cfg", &policies, &err), "%s", err.text);
    for (const struct plant *p = plants; p->name; p++) {
        cr_expect(plant_policy(&policies, p, &row, &err), "%s", err.text);
        cr_expect((p->into_set == NULL) != (p->into_model == NULL), "%s", p->name);
        cr_expect(p->n >= 2 && p->n <= PLANT_STRENGTHS, "%s", p->name);
        for (int k = 1; k < p->n; k++)
            cr_expect(p->strength[k] > p->strength[k - 1], "%s: %g", p->name, p->strength[k]);
    }
    plant_policies_free(&policies);
}

Test(power, a_name_without_parameters_finds_the_first_of_its_kind)
{
    cr_expect_str_eq(plant_find("border.sufficiency")->name, "border.sufficiency@2");
    cr_expect_str_eq(plant_find("border.sufficiency@4")->name, "border.sufficiency@4");
    cr_expect_null(plant_find("border.suff"));
    cr_expect_null(plant_find("border.twin"));
}

Test(power, number_of_a_set_decides_what_it_is)
{
    struct plant_policies policies;
    struct check first, again, other;
    struct err err;
    const struct plant *p = plant_find("border.accuracy");
    cr_assert(plant_policies_read("cfg", &policies, &err), "%s", err.text);
    cr_assert(plant_judge(p, &policies, 0.4, 1, &first, &err) && plant_judge(p, &policies, 0.4, 1, &again, &err) &&
              plant_judge(p, &policies, 0.4, 2, &other, &err));
    cr_expect(first.estimate.value == again.estimate.value && first.estimate.low == again.estimate.low);
    cr_expect(first.estimate.value != other.estimate.value);
    check_free(&first);
    check_free(&again);
    check_free(&other);
    plant_policies_free(&policies);
}

Test(power, model_is_tried_on_as_many_pictures_as_asked)
{
    struct plant_policies policies;
    struct plant few = *plant_find("calibration");
    struct err err;
    few.pictures = 200;
    cr_assert(plant_policies_read("cfg", &policies, &err), "%s", err.text);
    for (int seed = 1; seed <= 5; seed++) {
        struct check c;
        cr_assert(plant_judge(&few, &policies, 0, (uint64_t)seed, &c, &err), "%s", err.text);
        cr_expect(c.estimate.n == 200 && c.status != CHECK_FAIL, "set %d: %s", seed, check_status_name(c.status));
        check_free(&c);
    }
    plant_policies_free(&policies);
}

/* Of the policy's 60 pictures the share of the border is uncertain by a tenth: its limit must leave room for that. */
Test(power, reader_of_all_places_alike_is_cleared_of_the_border)
{
    const struct plant *p = plant_find("border.share");
    int count[CHECK_REPORTED + 1] = { 0 };
    judge(p, p->strength[0], 6, count);
    cr_expect_eq(count[CHECK_PASS], 6, "cleared: %d, not decided: %d", count[CHECK_PASS], count[CHECK_INCONCLUSIVE]);
}
