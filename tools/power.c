/* How often the verdict of a check is wrong: power CHECK plants faults of rising strength into models or data sets that
 * are made up for it (tools/power/plants.h), lets the check judge each, and counts. The first strength is the clean
 * case, so its fails are false alarms; elsewhere they are faults that were found. Results do not depend on the number
 * of threads. */
#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/json.h"
#include "base/mem.h"
#include "base/plot.h"
#include "base/progress.h"
#include "base/settings.h"
#include "base/statistics.h"
#include "base/team.h"
#include "tools/power/plants.h"
#include "validate/checks/checks.h"
#include "validate/report/format.h"

static long long sets = 200, seed = 1, threads, pictures;
static const char *cfg = "cfg", *plot_path, *json_path;
static bool list;

static const struct setting table[] = {
    { "list", 0, SETTING_FLAG, &list, 0, 0, NULL, NULL, "list the checks and what is planted for each", NULL },
    { "sets", 0, SETTING_INT, &sets, 1, 100000, "N", NULL, "models or data sets for each strength", NULL },
    { "seed", 0, SETTING_INT, &seed, 0, 1e9, "N", NULL, "seed of the first of them; the next ones follow", NULL },
    { "pictures", 0, SETTING_INT, &pictures, 1, 10000000, "N", NULL,
      "size of the split that a model is tried on (default: 10,000)", NULL },
    { "threads", 'j', SETTING_INT, &threads, 1, 1024, "N", NULL, "processes that judge (default: processors)", NULL },
    { "cfg", 0, SETTING_STRING, &cfg, 0, 0, "DIR", NULL, "where release.conf and dataset.conf are", NULL },
    { "json", 0, SETTING_STRING, &json_path, 0, 0, "FILE", NULL, "write the table there, too", NULL },
    { "out", 0, SETTING_STRING, &plot_path, 0, 0, "FILE", NULL, "draw the curve there (SVG)", NULL },
};

static const struct settings settings = {
    .program = "power",
    .usage = "CHECK [options]",
    .summary = "Finds out how often a check finds a planted fault, and how often it accuses where there is none.",
    .table = table,
    .n = sizeof table / sizeof *table,
    .max_positional = 1,
    .examples = "  power sis.size --sets 20\n  power calibration --pictures 200\n  power border.sufficiency@2 --json "
                "power.json --out power.svg\n",
};

/* --- one strength ------------------------------------------------------------------------------------------------- */

/* In memory that the workers and the one who counts share. */
struct verdict {
    bool judged, ran; /* ran: not CHECK_ERROR */
    bool counted;     /* without an interval around the value */
    enum check_status status;
    double value;
    int64_t n;      /* pictures, or what else it rests on */
    struct err why; /* of one that was not judged, or could not run */
};

struct work {
    const struct plant *plant;
    const struct plant_policies *policies;
    double strength;
    struct shared {
        atomic_llong next;
        struct verdict verdict[]; /* [sets] */
    } * shared;
};

static void judge(const struct work *w, long long i)
{
    struct verdict *v = &w->shared->verdict[i];
    struct check c;
    v->judged = plant_judge(w->plant, w->policies, w->strength, (uint64_t)(seed + i), &c, &v->why);
    v->status = c.status;
    v->ran = v->judged && c.status != CHECK_ERROR;
    v->value = c.estimate.value;
    v->counted = c.estimate.low == c.estimate.value && c.estimate.high == c.estimate.value;
    v->n = c.estimate.n;
    if (v->judged && !v->ran)
        err_run(&v->why, "%s", c.error);
    check_free(&c);
}

/* Until nothing is left. In a process of its own: a validation is made to be alone in its process (base/share.h). */
static pid_t start_worker(const struct work *w)
{
    pid_t child = fork();
    if (child != 0)
        return child;
    for (long long i; (i = atomic_fetch_add(&w->shared->next, 1)) < sets;)
        judge(w, i);
    _exit(EXIT_OK);
}

static bool run_workers(const struct work *w, struct err *err)
{
    int started = 0, ended = 0, status;
    while (started < threads && start_worker(w) > 0)
        started++;
    for (int i = 0; i < started; i++)
        ended += wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_OK;
    return (started > 0 && ended == started) ||
           err_run(err,
                   "%s: %d of %d workers were started, %d came to an end; take fewer with --threads, or report the "
                   "fault",
                   w->plant->name, started, (int)threads, ended);
}

struct point {
    double strength;
    int count[CHECK_REPORTED + 1]; /* by status */
    double value, n;               /* means over those that ran */
    double value_error;            /* standard error of that mean; NaN of a single one */
    bool counted;                  /* all that ran */
    struct err why;                /* of the first that did not; text "" when all did */
};

/* Of the mean of those that ran. */
static double standard_error(const struct verdict *v, double mean, int ran)
{
    double squares = 0;
    for (long long i = 0; i < sets; i++)
        squares += v[i].ran ? (v[i].value - mean) * (v[i].value - mean) : 0;
    return sqrt(squares / (ran - 1.0) / ran);
}

/* In the order of the sets, so that sums are the same whoever worked on which. */
static bool add_up(const struct verdict *v, struct point *p, struct err *err)
{
    int ran = 0, counted = 0;
    for (long long i = 0; i < sets; i++) {
        if (!v[i].judged) {
            *err = v[i].why;
            return false;
        }
        p->count[v[i].status]++;
        if (v[i].ran) {
            p->value += v[i].value;
            p->n += (double)v[i].n;
            counted += v[i].counted;
            ran++;
        } else if (!*p->why.text) {
            p->why = v[i].why;
        }
    }
    p->value /= ran;
    p->n /= ran;
    p->value_error = standard_error(v, p->value, ran);
    p->counted = ran && counted == ran;
    return true;
}

static bool measure(const struct plant *plant, const struct plant_policies *policies, struct point *p, struct err *err)
{
    size_t bytes = sizeof(struct shared) + (size_t)sets * sizeof(struct verdict);
    struct work w = { .plant = plant, .policies = policies, .strength = p->strength };
    w.shared = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (w.shared == MAP_FAILED)
        return err_run(err, "%zu bytes of shared memory cannot be had: %s; take fewer --sets", bytes, strerror(errno));
    bool ok = run_workers(&w, err) && add_up(w.shared->verdict, p, err);
    munmap(w.shared, bytes);
    return ok;
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

static void print_head(const struct plant *plant, const struct policy_check *policy)
{
    char *limit = format_limit(policy->side, policy->limit, policy->type->unit, 0);
    printf("%s, %s: %lld %s for each strength\nstrength: %s\n", policy->id, limit, sets,
           plant->into_model ? "models" : "data sets", plant->knob);
    printf("%8s %5s %5s %13s %13s %24s %16s %8s\n", "strength", "pass", "fail", "inconclusive", "could not run",
           "fail, 95 %", "mean value", "mean n");
    free(limit);
}

static void print_row(const struct point *p, enum unit unit)
{
    struct interval i = wilson(p->count[CHECK_FAIL], sets);
    char *value = format_value(p->value, unit, unit == UNIT_RATIO ? 2 : 1);
    int wide =
        16 + (strstr(value, "\u2212") ? 2 : 0) + (strstr(value, "\u00d7") ? 1 : 0); /* bytes that are no columns */
    printf("%8g %5d %5d %13d %13d %9.1f%% (%.1f%% to %.1f%%) %*s %8.0f\n", p->strength, p->count[CHECK_PASS],
           p->count[CHECK_FAIL], p->count[CHECK_INCONCLUSIVE], p->count[CHECK_ERROR],
           100.0 * p->count[CHECK_FAIL] / (double)sets, 100 * i.low, 100 * i.high, wide, value, p->n);
    if (*p->why.text)
        printf("         could not run: %s\n", p->why.text);
    fflush(stdout);
    free(value);
}

static bool save_curve(const struct plant *plant, const struct point *p, struct err *err)
{
    double x[PLANT_STRENGTHS], failed[PLANT_STRENGTHS], passed[PLANT_STRENGTHS];
    for (int k = 0; k < plant->n; k++) {
        x[k] = p[k].strength;
        failed[k] = 100.0 * p[k].count[CHECK_FAIL] / (double)sets;
        passed[k] = 100.0 * p[k].count[CHECK_PASS] / (double)sets;
    }
    char *title = mem_format("How often %s finds what is planted", plant->name);
    struct plot plot = { .title = title,
                         .n = 1,
                         .panels = { { plant->knob,
                                       plant->into_model ? "models (%)" : "data sets (%)",
                                       2,
                                       { { "fail", plant->n, x, failed }, { "pass", plant->n, x, passed } } } } };
    bool ok = plot_save(&plot, plot_path, err);
    free(title);
    return ok;
}

static json_t *point_json(const struct point *p)
{
    struct interval i = wilson(p->count[CHECK_FAIL], sets);
    json_t *object =
        json_pack("{s:f, s:i, s:i, s:i, s:i, s:o, s:o, s:o}", "strength", p->strength, "pass", p->count[CHECK_PASS],
                  "fail", p->count[CHECK_FAIL], "inconclusive", p->count[CHECK_INCONCLUSIVE], "could_not_run",
                  p->count[CHECK_ERROR], "mean_value", json_finite(p->value), "mean_value_error",
                  json_finite(p->value_error), "mean_n", json_finite(p->n));
    json_object_set_new(object, "counted", json_boolean(p->counted));
    json_object_set_new(object, "fail_share",
                        json_pack("{s:f, s:f, s:f}", "value", (double)p->count[CHECK_FAIL] / (double)sets, "low", i.low,
                                  "high", i.high));
    if (*p->why.text)
        json_object_set_new(object, "why", json_string(p->why.text));
    return object;
}

static bool save_json(const struct plant *plant, const struct policy_check *policy, const struct point *p,
                      double seconds, struct err *err)
{
    static const char *const unit_name[] = { "share", "points", "ratio", "number" };
    json_t *points = json_array();
    for (int k = 0; k < plant->n; k++)
        json_array_append_new(points, point_json(&p[k]));
    json_t *root = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:f, s:b, s:I, s:I, s:f, s:o}", "schema", "marginalia.power/1", "check",
        plant->name, "policy_row", policy->id, "strength_is", plant->knob, "unit", unit_name[policy->type->unit],
        "side", policy->side == SIDE_AT_LEAST ? "at_least" : "at_most", "limit", policy->limit, "gates", policy->gates,
        "sets", (json_int_t)sets, "seed", (json_int_t)seed, "seconds", seconds, "strengths", points);
    bool ok = json_save(root, json_path, err);
    json_decref(root);
    return ok;
}

/* --- the command -------------------------------------------------------------------------------------------------- */

static bool draw_up(const struct plant *plant, const struct plant_policies *policies, struct err *err)
{
    struct policy_check policy;
    struct point p[PLANT_STRENGTHS] = { 0 };
    double start = clock_seconds();
    bool ok = plant_policy(policies, plant, &policy, err);
    if (ok)
        print_head(plant, &policy);
    fflush(stdout); /* a worker must not print it again */
    for (int k = 0; ok && k < plant->n; k++) {
        p[k].strength = plant->strength[k];
        ok = measure(plant, policies, &p[k], err);
        if (ok)
            print_row(&p[k], policy.type->unit);
    }
    double seconds = clock_seconds() - start;
    if (ok)
        printf("%.0f s\n", seconds);
    return ok && (!json_path || save_json(plant, &policy, p, seconds, err)) &&
           (!plot_path || save_curve(plant, p, err));
}

static bool run(const char *name, struct err *err)
{
    const struct plant *found = plant_find(name);
    struct plant_policies policies;
    if (!found)
        return err_usage(err, "%s: nothing is planted for this check; --list names those for which something is", name);
    if (pictures > 0 && !found->into_model)
        return err_usage(err, "--pictures: %s is tried on data sets of their own size; leave it out", found->name);
    struct plant plant = *found;
    plant.pictures = pictures;
    if (!plant_policies_read(cfg, &policies, err))
        return false;
    bool ok = draw_up(&plant, &policies, err);
    plant_policies_free(&policies);
    return ok;
}

static void print_list(void)
{
    for (const struct plant *p = plants; p->name; p++)
        printf("%-22s  %s\n", p->name, p->knob);
    printf("\nNothing is planted for these:\n");
    for (const struct unplanted *u = unplanted; u->name; u++)
        printf("  %-22s%s\n", u->name, u->why);
}

int main(int argc, char **argv)
{
    struct err err;
    const char *name = NULL;
    int n = 0;

    threads = team_available_cpus();
    if (settings_asks(argc, argv, "help")) {
        settings_help(&settings, stdout);
        return EXIT_OK;
    }
    bool ok = settings_parse(&settings, argc, argv, &name, &n, &err);
    if (ok && list)
        print_list();
    else if (ok)
        ok = n == 1 ? run(name, &err) : err_usage(&err, "name one check; --list lists them");
    if (ok)
        return EXIT_OK;
    fprintf(stderr, "power: %s\n", err.text);
    return err.status;
}
