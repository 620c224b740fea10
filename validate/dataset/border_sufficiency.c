/* Is the border enough to tell the class? Right answers of a simple model that sees nothing but a ring along the edge,
 * minus those of one that sees a centre of the same area, or the next ring inside, whichever tells less: photographs
 * give away some of their class anywhere (sky, water, grass), so chance is no yardstick; where the middle is easily
 * told, it is none either, for it would hide whatever the edge tells. In photographs the next ring tells what the edge
 * does, which a frame does not. */
#include "validate/dataset/dataset_checks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "datasets/region.h"
#include "validate/checks/estimate.h"
#include "validate/checks/probe.h"
#include "validate/dataset/border.h"

enum { CELLS = 64, FILTERS = 32, STREAM_PLACES = RNG_CHECK | 67 << 8 };

static bool make_masks(struct border *b, struct err *err)
{
    int h = b->survey->geometry.h, w = b->survey->geometry.w, width = b->policy->width;
    if (!region_ring_fits(h, w, width))
        return err_usage(err, "%s: a ring %d pixels wide covers more than half of %d x %d; take a smaller width",
                         b->policy->id, width, w, h);
    for (int k = 0; k < BORDER_PARTS; k++)
        b->mask[k] = mem_alloc((size_t)h * (size_t)w, 1);
    b->area = region_ring(h, w, width, b->mask[BORDER_RING]);
    region_centre(h, w, width, b->area, b->mask[BORDER_CENTRE]);
    struct rng r = rng_stream(b->survey->seed, STREAM_PLACES, 0, (uint32_t)width);
    region_draw(NULL, h * w, b->area, &r, b->mask[BORDER_RANDOM]);
    /* Wide enough to have no fewer pixels; inside of a ring that fits there is room. */
    for (int outer = 2 * width; region_ring(h, w, outer, b->mask[BORDER_NEXT]) < 2 * b->area;)
        outer++;
    for (int i = 0; i < h * w; i++)
        b->mask[BORDER_NEXT][i] &= !b->mask[BORDER_RING][i];
    return true;
}

static struct estimate compare(const struct border *b, int other)
{
    const struct linear_probe *p = &b->probe;
    const int *ring = b->part[BORDER_RING].told.answer, *against = b->part[other].told.answer;
    double *difference = mem_alloc((size_t)p->n, sizeof *difference);
    for (int i = 0; i < p->n; i++)
        difference[i] = (ring[i] == p->label[i]) - (against[i] == p->label[i]);
    struct estimate e = linear_probe_mean(p, difference);
    free(difference);
    return e;
}

static int compare_classes(const void *a, const void *b)
{
    const struct border_class *x = a, *y = b;
    int64_t left = (int64_t)x->right * y->n, right = (int64_t)y->right * x->n;
    return left != right ? (left < right ? 1 : -1) : (x->class > y->class) - (x->class < y->class);
}

static void count_classes(struct border *b)
{
    int classes = b->survey->data->classes;
    struct border_class *all = mem_alloc((size_t)classes, sizeof *all);
    for (int i = 0; i < b->probe.n; i++) {
        all[b->probe.label[i]].n++;
        all[b->probe.label[i]].right += b->part[BORDER_RING].told.answer[i] == b->probe.label[i];
    }
    for (int k = 0; k < classes; k++) {
        all[k].class = k;
        if (all[k].n > 0)
            all[b->n_classes++] = all[k];
    }
    qsort(all, (size_t)b->n_classes, sizeof *all, compare_classes);
    b->class = all;
}

static bool measure(struct border *b, struct err *err)
{
    if (!linear_probe_open(&b->probe, b->survey, b->pictures, err))
        return false;
    for (int k = 0; k < BORDER_PARTS; k++)
        b->part[k] =
            (struct probed_part){ .mask = b->mask[k], .cells = CELLS, .filters = FILTERS, .shuffle = k == BORDER_RING };
    if (!linear_probe_ask(&b->probe, "telling classes from the border", b->part, BORDER_PARTS, err))
        return false;
    for (int k = 0; k < BORDER_PARTS; k++)
        b->right[k] = linear_probe_share(&b->probe, b->part[k].told.right);
    b->shuffled = linear_probe_share(&b->probe, b->part[BORDER_RING].shuffled.right);
    for (int k = BORDER_CENTRE; k < BORDER_PARTS; k++)
        b->difference[k] = compare(b, k);
    bool next = b->part[BORDER_NEXT].told.right < b->part[BORDER_CENTRE].told.right;
    b->against = next ? BORDER_NEXT : BORDER_CENTRE;
    count_classes(b);
    return true;
}

/* The difference of two shares by Newcombe's hybrid of Wilson's intervals ("Interval estimation for the difference
 * between independent proportions", Statistics in Medicine 1998, method 10). Here both are of the same pictures, which
 * agree more often than not: the interval is rather too wide. */
static struct estimate subtract(const struct estimate *a, const struct estimate *b)
{
    double value = a->value - b->value;
    return (struct estimate){ value, value - hypot(a->value - a->low, b->high - b->value),
                              value + hypot(a->high - a->value, b->value - b->low), a->n };
}

/* Only where there are test pictures to measure on. The network decides when it finds more at the border than the
 * simple model does. */
static bool train(struct border *b, struct err *err)
{
    if (!b->survey->full || b->survey->data->count[SPLIT_TEST] == 0)
        return true;
    if (!border_training(b->survey, b->policy->width, &b->training, err))
        return false;
    for (int k = 0; k < BORDER_TRAINING_PARTS; k++)
        b->trained_right[k] = estimate_share(b->training.part[k].right, b->training.part[k].images);
    b->trained = true;
    b->trained_difference = subtract(&b->trained_right[BORDER_RING], &b->trained_right[BORDER_CENTRE]);
    b->by_training = b->trained_difference.value > b->difference[b->against].value;
    return true;
}

static void decide(struct border *b)
{
    struct check *out = b->check;
    out->unit = UNIT_POINTS;
    out->estimate = b->by_training ? b->trained_difference : b->difference[b->against];
    b->worrying = b->policy->side == SIDE_NONE
                      ? out->estimate.low > 0
                      : check_decide(&out->estimate, b->policy->side, b->policy->limit) == CHECK_FAIL;
    if (b->probe.few && !b->by_training)
        out->needed = b->probe.n_needed;
}

bool border_tells(const struct border *b, int i)
{
    int label = b->probe.label[i];
    return b->part[BORDER_RING].told.answer[i] == label && b->part[b->against].told.answer[i] != label;
}

/* --- what else is told -------------------------------------------------------------------------------------------- */

static void list_suspects(struct border *b)
{
    const char *where = b->against == BORDER_NEXT ? "next ring inside" : "centre";
    for (int i = 0; i < b->probe.n; i++)
        if (border_tells(b, i))
            survey_suspect(b->survey, b->survey->split, b->survey->image[b->probe.row[i]], "border.sufficiency",
                           mem_format("told from the outermost %d pixel%s, not from the %s", b->policy->width,
                                      b->policy->width == 1 ? "" : "s", where));
}

static json_t *class_details(const struct border *b)
{
    json_t *classes = json_array();
    for (int k = 0; k < b->n_classes; k++) {
        const struct border_class *c = &b->class[k];
        struct estimate right = estimate_share(c->right, c->n);
        json_t *class = json_object();
        json_object_set_new(class, "class", json_string(b->survey->data->class_names[c->class]));
        json_object_set_new(class, "ring_right", probe_json(&right));
        json_array_append_new(classes, class);
    }
    return classes;
}

static json_t *training_details(const struct border *b)
{
    json_t *parts = json_array();
    for (int k = 0; k < BORDER_TRAINING_PARTS; k++) {
        json_t *part = json_object();
        json_object_set_new(part, "view", json_string(b->training.part[k].name));
        json_object_set_new(part, "right", probe_json(&b->trained_right[k]));
        json_object_set_new(part, "right_in_training", probe_number(b->training.part[k].train_accuracy));
        json_object_set_new(part, "seconds", probe_number(b->training.part[k].seconds));
        json_array_append_new(parts, part);
    }
    return parts;
}

static json_t *details(const struct border *b)
{
    static const char *const name[BORDER_PARTS] = { "ring_right", "centre_right", "random_right", "next_ring_right" };
    json_t *object = json_object();
    json_object_set_new(object, "width_px", json_integer(b->policy->width));
    json_object_set_new(object, "area_px", json_integer(b->area));
    json_object_set_new(object, "ring_minus_centre", probe_json(&b->difference[BORDER_CENTRE]));
    json_object_set_new(object, "ring_minus_next_ring", probe_json(&b->difference[BORDER_NEXT]));
    for (int k = 0; k < BORDER_PARTS; k++)
        json_object_set_new(object, name[k], probe_json(&b->right[k]));
    json_object_set_new(object, "shuffled_labels_right", probe_json(&b->shuffled));
    json_object_set_new(object, "majority_right", probe_number(b->probe.majority));
    json_object_set_new(object, "chance", probe_number(1.0 / b->survey->data->classes));
    json_object_set_new(object, "room_for_improvement_used",
                        probe_number(linear_probe_improvement(&b->probe, b->right[BORDER_RING].value)));
    json_object_set_new(object, "classes", class_details(b));
    if (b->trained) {
        json_object_set_new(object, "networks", training_details(b));
        json_object_set_new(object, "network_ring_minus_centre", probe_json(&b->trained_difference));
    }
    return object;
}

static void border_close(struct border *b)
{
    for (int k = 0; k < BORDER_PARTS; k++) {
        free(b->mask[k]);
        told_free(&b->part[k].told);
        told_free(&b->part[k].shuffled);
    }
    free(b->class);
    linear_probe_close(&b->probe);
    kept_free(&b->kept);
}

bool check_border_sufficiency(struct survey *s, const struct policy_check *policy, int64_t n, struct check *out,
                              struct err *err)
{
    struct border b = { .survey = s, .policy = policy, .check = out, .pictures = n };
    bool ok = make_masks(&b, err) && measure(&b, err) && train(&b, err);
    if (ok) {
        decide(&b);
        out->details = details(&b);
        border_word(&b);
        ok = border_draw(&b, err);
    }
    if (ok && b.worrying)
        list_suspects(&b);
    border_close(&b);
    return ok;
}
