#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "base/mem.h"
#include "tests/data_fixture.h"
#include "validate/bind_cfg.h"

TestSuite(bind_cfg, .init = fixture_set_up, .fini = fixture_clean_up);

static struct err err;

/* What becomes of the text; free() it. NULL: refused. */
static char *bound(const char *text, size_t n, int *h, int *w)
{
    const char *cfg = fixture_path("in.cfg"), *out = fixture_path("out.cfg");
    char *copy;
    size_t length;

    fixture_write("in.cfg", text, n);
    if (!bind_cfg(cfg, "sets/mine.conf", out, h, w, &err))
        return NULL;
    cr_assert(file_read(out, 1 << 20, &copy, &length, &err), "%s", err.text);
    return copy;
}

/* Lines of [net], the network that is the same in every case, and what stands at the end. */
static char *bound_net(const char *net, const char *end)
{
    char *text = mem_format("# a network\n[net]\n%s[connected]\noutput=4\n%s", net, end);
    int h, w;
    char *copy = bound(text, strlen(text), &h, &w);

    cr_assert(copy, "%s", err.text);
    cr_assert(h == 28 && w == 20);
    free(text);
    return copy;
}

static void expect(const char *net, const char *end)
{
    char *copy = bound_net(net, end);

    cr_expect_str_eq(copy,
                     "# a network\n[net]\ndataset=sets/mine.conf\nheight=28\nwidth = 20\n[connected]\noutput=4\n");
    free(copy);
}

Test(bind_cfg, an_ensemble_on_another_set_or_a_view_becomes_one_network_on_ours)
{
    static const char ensemble[] = "[ensemble]\nmembers=3\ncombine=probability\n";

    expect("height=28\nwidth = 20\n", "");
    expect("height=28\nwidth = 20\n", ensemble);
    expect("height=28\ndataset=other.conf\nwidth = 20\n", ensemble);
    expect("height=28\n\tdataset = other.conf # theirs\nwidth = 20\n", ensemble);
    expect("height=28\nwidth = 20\nview=border:4\n", ensemble);
    expect("height=28\nwidth = 20\nview=border:4\nbaseline=mean\nmask_order=after\n", ensemble);
    expect("height=28\nteacher=runs/big\nteacher_sha256=00\nwidth = 20\ndistill_weight=0.5\n"
           "distill_temperature=2\n",
           "");
    expect("dataset=other.conf\nheight=28\nview=border:4\nwidth = 20\nbaseline=mean\nmask_order=after\n", ensemble);
}

Test(bind_cfg, an_ensemble_is_known_however_train_reads_it)
{
    static const char *const heads[] = { "[ensemble]\n", "\t[ensemble]\r\n", "[ ensemble ]\n",
                                         "[ensemble ] # of three\n", "[\tensemble]\n" };

    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        char *end = mem_format("%smembers=3\n", heads[i]);
        expect("height=28\nview=border:4\nwidth = 20\n", end);
        free(end);
    }
}

Test(bind_cfg, what_only_looks_like_such_a_line_stays)
{
    static const char *const ends[] = { "dataset_of=x\n[ensembles]\nmembers=3\n", "view=border:4\n", "# [ensemble]\n" };

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        char *copy = bound_net("height=28\nwidth=20\n", ends[i]);
        cr_expect_not_null(strstr(copy, ends[i]), "%s", ends[i]);
        free(copy);
    }
}

Test(bind_cfg, what_stands_behind_a_nul_is_not_lost_unseen)
{
    static const char text[] = "[net]\nheight=28\nwidth=20\n[connected]\noutput=4\n\0[softmax]\n";
    int h, w;

    cr_assert_null(bound(text, sizeof text - 1, &h, &w));
    cr_assert_not_null(strstr(err.text, "NUL"), "%s", err.text);
    cr_assert_eq(err.status, EXIT_USAGE);
}
