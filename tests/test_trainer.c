#include <criterion/criterion.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "base/mem.h"
#include "tests/data_fixture.h"
#include "base/process.h"
#include "validate/trainer.h"

TestSuite(trainer, .init = fixture_set_up, .fini = fixture_clean_up, .timeout = 60);

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* What every fake training begins with: $out, and the words it was given in OUT.words. */
static const char head[] = "#!/bin/sh\n"
                           "for word; do case $word in --out=*) out=${word#--out=} ;; esac; done\n"
                           "printf '%s\\n' \"$@\" >$out.words\n";

/* One that ends well: 75 of 80 test pictures right. */
static const char good[] =
    "mkdir -p $out && : >$out/lock\n"
    "echo '{\"schema\": \"marginalia.run/1\", \"status\": \"finished\", \"progress\": {\"wall_seconds\": 2.5}, "
    "\"results\": {\"final\": {\"file\": \"final.weights\", \"sha256\": \"" HASH "\", \"epoch\": 2, "
    "\"test_images\": 80, \"test_correct\": 75}}}' >$out/manifest.json\n"
    "printf 'epoch,loss,train_accuracy,test_loss\\n1,2.5,0.25,3\\n2,1.5,0.75,2\\n' >$out/summary.csv\n"
    "echo 'trained as asked'\n";

static struct training training;
static struct training_result result;
static struct err err;
static bool impatient; /* the user stops a training when it has written OUT.up */

static bool asked_to_stop(void)
{
    return impatient && file_exists(fixture_path("report/run.up"));
}

/* bin/train becomes this script, and `training` a request to run it. */
static void fake(const char *name, const char *script)
{
    char *text = mem_format("%s%s", head, script);

    fixture_text(name, text);
    cr_assert_eq(chmod(fixture_path(name), 0755), 0);
    free(text);
    training = (struct training){ .program = fixture_path("bin/validate"),
                                  .cfg = "net.cfg",
                                  .out = fixture_path("report/run"),
                                  .seed = 7,
                                  .threads = 2,
                                  .what = "a test",
                                  .stop = asked_to_stop };
}

static bool run(const char *script)
{
    fake("bin/train", script);
    return training_run(&training, &result, &err);
}

static char *read_text(const char *name)
{
    char *text;
    size_t n;
    struct err ignored;

    return file_read(fixture_path(name), 1 << 16, &text, &n, &ignored) ? text : mem_string("");
}

static void expect_words(const char *wanted)
{
    char *words = read_text("report/run.words"), *all = mem_format("--out=%s\n%s", training.out, wanted);

    cr_assert_str_eq(words, all);
    free(all);
    free(words);
}

static void expect_error(enum exit_status status, const char *part)
{
    cr_assert_eq(err.status, status, "%d: %s", err.status, err.text);
    cr_assert_not_null(strstr(err.text, part), "%s", err.text);
    cr_assert_null(strchr(err.text, '\n'));
}

static void wait_until(const char *name)
{
    const struct timespec pause = { .tv_nsec = 20000000 };

    for (int i = 0; i < 1000 && !file_exists(fixture_path(name)); i++)
        nanosleep(&pause, NULL);
    cr_assert(file_exists(fixture_path(name)), "%s never came", name);
}

Test(trainer, a_training_gives_its_result)
{
    cr_assert(run(good), "%s", err.text);
    cr_assert_eq(result.test_right, 75);
    cr_assert_eq(result.test_images, 80);
    cr_assert_eq(result.test_accuracy, 75.0 / 80);
    cr_assert_eq(result.train_accuracy, 0.75); /* of the last epoch */
    cr_assert_eq(result.seconds, 2.5);
    cr_assert_str_eq(result.weights_hash, HASH);
    expect_words("--seed=7\n--threads=2\n--\nnet.cfg\n");
}

Test(trainer, every_setting_reaches_train)
{
    fake("bin/train", good);
    training.cfg = "-odd name;.cfg"; /* no shell splits it, and it is no option */
    training.data = "a b";
    training.view = "masks:$HOME,'x'@5%";
    training.baseline = "black";
    training.mask_order = "after";
    training.without = "1/2";
    training.epochs = 3;
    training.limit_train = 40;
    training.limit_test = 20;
    cr_assert(training_run(&training, &result, &err), "%s", err.text);
    expect_words("--data=a b\n--view=masks:$HOME,'x'@5%\n--baseline=black\n--mask-order=after\n--without=1/2\n"
                 "--seed=7\n--threads=2\n--epochs=3\n--limit-train=40\n--limit-test=20\n--\n-odd name;.cfg\n");
}

Test(trainer, without_a_seed_the_one_of_the_cfg_counts)
{
    fake("bin/train", good);
    training.seed = -1;
    cr_assert(training_run(&training, &result, &err), "%s", err.text);
    expect_words("--threads=2\n--\nnet.cfg\n");
}

Test(trainer, what_train_prints_is_kept_beside_the_run)
{
    cr_assert(run(good));
    char *log = read_text("report/run.log");
    cr_assert_str_eq(log, "trained as asked\n");
    free(log);
}

Test(trainer, a_failure_says_what_train_said_last)
{
    cr_assert_not(run("echo 'epoch 1: fine'\necho 'train: net.cfg:3: unknown key; remove it' >&2\nexit 2\n"));
    expect_error(EXIT_USAGE, "train: net.cfg:3: unknown key; remove it (its whole output is in ");
    cr_assert_not_null(strstr(err.text, "report/run.log"));
    cr_assert_not(run("echo 'train: disk full' >&2\nexit 3\n"));
    expect_error(EXIT_CANNOT_RUN, "train: disk full (");
}

Test(trainer, a_failure_without_a_word_is_one_all_the_same)
{
    cr_assert_not(run("exit 3\n"));
    expect_error(EXIT_CANNOT_RUN, "train: ended with status 3 and without a word");
    cr_assert_not(run("exit 1\n")); /* whatever it means: it is no success */
    expect_error(EXIT_CANNOT_RUN, "status 1");
    cr_assert_not(run("kill -KILL $$\n"));
    expect_error(EXIT_CANNOT_RUN, "train: was ended by signal 9");
}

Test(trainer, no_result_is_made_up)
{
    cr_assert_not(run("exit 0\n"));
    expect_error(EXIT_CANNOT_RUN, "manifest.json");
    static const char *const damage[][2] = {
        { "s/finished/interrupted/", "is not finished" },
        { "s/\"test_correct\": 75/\"test_correct\": 81/", "impossible" },
        { "s/\"test_correct\": 75/\"test_correct\": -1/", "impossible" },
        { "s/\"test_correct\": 75/\"test_correct\": 75.5/", "impossible" },
        { "s/\"test_images\": 80.*75/\"test_images\": 0, \"test_correct\": 0/", "impossible" },
        { "s/\"sha256\": \"0/\"sha256\": \"x/", "names no weights" },
        { "s/results/result/", "names no weights" },
    };
    for (size_t i = 0; i < sizeof damage / sizeof *damage; i++) {
        char *script = mem_format("%ssed -i '%s' $out/manifest.json\n", good, damage[i][0]);
        cr_assert_not(run(script), "%s", damage[i][0]);
        expect_error(EXIT_CANNOT_RUN, damage[i][1]);
        free(script);
    }
    static const char *const summary[] = { "epoch,loss,train_accuracy\\n", "epoch,loss\\n1,2\\n",
                                           "epoch,loss,train_accuracy\\n1,2\\n",
                                           "epoch,loss,train_accuracy\\n1,2,nan\\n",
                                           "epoch,loss,train_accuracy\\n1,2,1.5\\n" };
    for (size_t i = 0; i < sizeof summary / sizeof *summary; i++) {
        char *script = mem_format("%sprintf '%s' >$out/summary.csv\n", good, summary[i]);
        cr_assert_not(run(script), "%s", summary[i]);
        expect_error(EXIT_CANNOT_RUN, "summary.csv");
        free(script);
    }
}

Test(trainer, without_a_test_split_there_is_no_test_accuracy)
{
    char *script = mem_format("%ssed -i 's/, \"test_images\": 80, \"test_correct\": 75//' $out/manifest.json\n", good);

    cr_assert(run(script), "%s", err.text);
    cr_assert_eq(result.test_images, 0);
    cr_assert(isnan(result.test_accuracy));
    free(script);
}

Test(trainer, an_unfinished_run_is_continued_and_a_finished_one_taken)
{
    cr_assert(run(good));
    cr_assert(run("echo 'this run is finished'\n"), "%s", err.text);
    expect_words("--seed=7\n--threads=2\n--resume\n--\nnet.cfg\n");
    cr_assert_eq(result.test_right, 75);
}

Test(trainer, a_run_that_train_does_not_know_is_refused)
{
    cr_assert(run(good));
    cr_assert_not(run("echo 'train: the run was started with `seed=1`, now it is `seed=7`'\nexit 2\n"));
    expect_error(EXIT_USAGE, "started with `seed=1`");
}

Test(trainer, one_that_may_be_replaced_is)
{
    char *script = mem_format("case \"$*\" in *--overwrite*) ;; *) echo 'train: other seed'; exit 2 ;; esac\n%s", good);

    cr_assert(run(good));
    fake("bin/train", script);
    training.replace = true;
    cr_assert(training_run(&training, &result, &err), "%s", err.text);
    expect_words("--seed=7\n--threads=2\n--overwrite\n--\nnet.cfg\n");
    fake("bin/train", "echo 'train: disk full'\nexit 3\n"); /* what failed otherwise is kept */
    training.replace = true;
    cr_assert_not(training_run(&training, &result, &err));
    expect_words("--seed=7\n--threads=2\n--resume\n--\nnet.cfg\n");
    free(script);
}

Test(trainer, a_stop_is_passed_on_and_the_checkpoint_waited_for)
{
    impatient = true;
    cr_assert_not(run("trap ': >$out.checkpoint; exit 75' TERM\n: >$out.up\n"
                      "while :; do sleep 0.05; done\n"));
    expect_error(EXIT_INTERRUPTED, "interrupted");
    cr_assert(file_exists(fixture_path("report/run.checkpoint")));
}

Test(trainer, a_training_that_was_done_when_it_was_stopped_counts)
{
    char *script = mem_format("trap ': >$out.heard' TERM\n: >$out.up\n"
                              "while [ ! -e $out.heard ]; do sleep 0.05; done\n%s",
                              good);

    impatient = true;
    cr_assert(run(script), "%s", err.text);
    cr_assert_eq(result.test_right, 75);
    free(script);
}

Test(trainer, one_that_somebody_else_stopped_is_interrupted_too)
{
    cr_assert_not(run("exit 75\n"));
    expect_error(EXIT_INTERRUPTED, "interrupted");
    cr_assert_not(run("kill -TERM $$\n")); /* before it listens */
    expect_error(EXIT_INTERRUPTED, "interrupted");
}

Test(trainer, a_ctrl_c_reaches_it_once_and_nothing_else_is_inherited)
{
    char *script =
        mem_format("[ \"$(ps -o pgid= -p $$ | tr -d ' ')\" = $$ ] || { echo 'train: in our group'; exit 3; }\n"
                   "[ ! -e /proc/$$/fd/77 ] || { echo 'train: has our files'; exit 3; }\n"
                   "[ \"$(readlink /proc/$$/fd/0)\" = /dev/null ] || { echo 'train: reads'; exit 3; }\n%s",
                   good);

    cr_assert_eq(dup2(STDOUT_FILENO, 77), 77);
    cr_assert(run(script), "%s", err.text);
    free(script);
}

Test(trainer, a_training_does_not_outlive_a_validation_that_is_killed)
{
    fake("bin/train", "trap ': >$out.ended; exit 75' TERM\n: >$out.up\nwhile :; do sleep 0.05; done\n");
    pid_t validation = fork();

    if (validation == 0) {
        training_run(&training, &result, &err);
        _exit(0);
    }
    wait_until("report/run.up");
    cr_assert_not(file_exists(fixture_path("report/run.ended")));
    kill(validation, SIGKILL);
    waitpid(validation, NULL, 0);
    wait_until("report/run.ended");
}

Test(trainer, one_that_cannot_be_stopped_otherwise_still_can)
{
    signal(SIGTERM, SIG_IGN); /* as started by a shell that ignores it */
    impatient = true;
    cr_assert_not(run(": >$out.up\nwhile :; do sleep 0.05; done\n"));
    expect_error(EXIT_INTERRUPTED, "interrupted");
}

Test(trainer, a_program_that_is_missing_is_named)
{
    fake("bin/other", good);
    cr_assert_not(training_run(&training, &result, &err));
    expect_error(EXIT_CANNOT_RUN, "bin/train: is not there or cannot be run; install train beside");
    fake("bin/train", good);
    cr_assert_eq(chmod(fixture_path("bin/train"), 0644), 0);
    cr_assert_not(training_run(&training, &result, &err));
    expect_error(EXIT_CANNOT_RUN, "bin/train: is not there or cannot be run");
    fixture_text("bin/train", "\177ELF but of no machine");
    cr_assert_eq(chmod(fixture_path("bin/train"), 0755), 0);
    cr_assert_not(training_run(&training, &result, &err));
    expect_error(EXIT_CANNOT_RUN, "cannot be started; check that it is a program for this machine");
}

static void expect_beside(const char *program, const char *wanted)
{
    char *path = NULL;

    cr_assert(process_beside(program, "train", &path, &err), "%s", err.text);
    cr_assert_str_eq(path, wanted);
    free(path);
}

Test(trainer, train_is_found_as_the_shell_found_us)
{
    fake("bin/train", good);
    fake("bin/validate", good);
    fake("bin/marginalia-train", good);
    fake("bin/marginalia-validate", good);
    expect_beside(fixture_path("bin/validate"), fixture_path("bin/train"));
    expect_beside(fixture_path("bin/marginalia-validate"), fixture_path("bin/marginalia-train"));
    char *path = mem_format("%s:%s", fixture_path("nowhere"), fixture_path("bin"));
    setenv("PATH", path, 1);
    expect_beside("validate", fixture_path("bin/train"));
    expect_beside("marginalia-validate", fixture_path("bin/marginalia-train"));
    char *none;
    cr_assert_not(process_beside("invalidate-me", "train", &none, &err));
    free(path);
}

Test(trainer, a_link_to_us_leads_to_train)
{
    fake("real/marginalia-train", good);
    fake("real/marginalia-validate", good);
    fixture_text("links/readme", "");
    cr_assert_eq(symlink(fixture_path("real/marginalia-validate"), fixture_path("links/validate")), 0);
    char *real = realpath(fixture_path("real/marginalia-train"), NULL);
    expect_beside(fixture_path("links/validate"), real);
    free(real);
}
