#include <criterion/criterion.h>
#include <math.h>
#include "train/evaluate.h"

static struct test_result of_row(const float *z, int label, int classes)
{
    struct test_result r = { 0 };

    test_result_add(&r, z, &label, 1, classes);
    return r;
}

Test(evaluate, largest_logit_is_correct_and_loss_is_cross_entropy)
{
    const float z[] = { 0, logf(3), 0 };

    cr_assert_eq(of_row(z, 1, 3).correct, 1);
    cr_assert_eq(of_row(z, 0, 3).correct, 0);
    cr_assert(fabs(of_row(z, 1, 3).loss_sum - log(5. / 3)) <= 1e-6);
    cr_assert(fabs(of_row(z, 0, 3).loss_sum - log(5)) <= 1e-6);
}

Test(evaluate, of_equal_logits_the_first_is_the_prediction)
{
    const float z[] = { 1, 1, 0 };

    cr_assert_eq(of_row(z, 0, 3).correct, 1);
    cr_assert_eq(of_row(z, 1, 3).correct, 0);
}

Test(evaluate, not_a_number_is_never_correct)
{
    for (int label = 0; label < 3; label++) {
        const float all[] = { NAN, NAN, NAN }, one[] = { 0, NAN, 0 };
        cr_assert_eq(of_row(all, label, 3).correct, 0);
        cr_assert_eq(of_row(one, label, 3).correct, 0);
    }
}

Test(evaluate, huge_logits_do_not_overflow)
{
    const float z[] = { 3e4f, 0 };

    cr_assert(fabs(of_row(z, 1, 2).loss_sum - 3e4) <= 1e-3);
    cr_assert(fabs(of_row(z, 0, 2).loss_sum) <= 1e-12);
}

Test(evaluate, rows_add_up)
{
    const float z[] = { 1, 0, 0, 1, 1, 0 };
    const int label[] = { 0, 0, 0 };
    struct test_result r = { 0 };

    test_result_add(&r, z, label, 3, 2);
    cr_assert_eq(r.images, 3);
    cr_assert_eq(r.correct, 2);
}
