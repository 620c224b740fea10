/* The summary of a search as JSON. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "tools/study_page/runs.h"
#include "tools/study_page/sis_summary.h"

enum { MOST_PIXELS = 1 << 24 };

static const char *const group_name[GROUPS] = { [GROUP_RIGHT] = "right", [GROUP_WRONG] = "wrong" };
static const char *const region_name[REGIONS] = {
    [REGION_BORDER] = "border", [REGION_LOWER] = "lower", [REGION_UPPER] = "upper"
};

/* --- written ------------------------------------------------------------------------------------------------------ */

static json_t *estimate_json(const struct estimate *e)
{
    return e->n ? json_pack("{so so so sI}", "value", json_finite(e->value), "low", json_finite(e->low), "high",
                            json_finite(e->high), "n", (json_int_t)e->n)
                : json_null();
}

static json_t *sizes_json(const struct sizes *s)
{
    return json_pack("{so so so}", "reached", estimate_json(&s->reached), "mean", estimate_json(&s->mean), "median",
                     estimate_json(&s->median));
}

static json_t *thresholds_json(const struct sis_summary *s)
{
    json_t *list = json_array();
    for (int t = 0; t < s->n_thresholds; t++) {
        json_t *entry = json_pack("{sf}", "threshold", s->threshold[t]);
        for (int g = 0; g < GROUPS; g++)
            json_object_set_new(entry, group_name[g], sizes_json(&s->sizes[t][g]));
        json_array_append_new(list, entry);
    }
    return list;
}

/* "0 3 17": in how many of the pictures each pixel of the row belongs to the part. */
static json_t *heat_row(const struct sis_summary *s, int y)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    if (!out)
        mem_alloc(SIZE_MAX, 1); /* ends the program as every failed allocation does */
    for (int x = 0; x < s->w; x++)
        fprintf(out, "%s%.0f", x ? " " : "", s->heat[y * s->w + x] * (double)s->n_where);
    fclose(out);
    json_t *row = json_string(text);
    free(text);
    return row;
}

static json_t *places_json(const struct sis_summary *s)
{
    json_t *heat = json_array(), *places = json_pack("{sf sI}", "threshold", s->where, "n", (json_int_t)s->n_where);
    for (int r = 0; r < REGIONS; r++)
        json_object_set_new(places, region_name[r],
                            json_pack("{sf so}", "area", s->area[r], "share", estimate_json(&s->share[r])));
    for (int y = 0; y < s->h; y++)
        json_array_append_new(heat, heat_row(s, y));
    json_object_set_new(places, "heat", heat);
    return places;
}

json_t *sis_summary_json(const struct sis_summary *s)
{
    return json_pack("{ss ss sI si si so so}", "schema", SIS_SUMMARY, "method", s->method, "n", (json_int_t)s->n,
                     "height", s->h, "width", s->w, "thresholds", thresholds_json(s), "places", places_json(s));
}

/* --- read --------------------------------------------------------------------------------------------------------- */

static bool refuse(const char *place, const char *what, struct err *err)
{
    return err_run(err, "%s: %s: it is not that of a search; run tools/reproduce --redo STEP", place, what);
}

/* Null: there was nothing to estimate. */
static bool parse_estimate(const json_t *object, const char *place, struct estimate *out, struct err *err)
{
    *out = runs_unknown();
    if (json_is_null(object))
        return true;
    return (json_is_object(object) || refuse(place, "estimate", err)) && runs_estimate(object, place, out, err);
}

static bool parse_sizes(const json_t *object, const char *place, struct sizes *out, struct err *err)
{
    return parse_estimate(json_object_get(object, "reached"), place, &out->reached, err) &&
           parse_estimate(json_object_get(object, "mean"), place, &out->mean, err) &&
           parse_estimate(json_object_get(object, "median"), place, &out->median, err);
}

static bool parse_thresholds(const json_t *list, const char *place, struct sis_summary *out, struct err *err)
{
    size_t n = json_array_size(list);
    if (n < 1 || n > SIS_MAX_THRESHOLDS)
        return refuse(place, "thresholds", err);
    for (out->n_thresholds = 0; out->n_thresholds < (int)n; out->n_thresholds++) {
        int t = out->n_thresholds;
        const json_t *entry = json_array_get(list, (size_t)t);
        out->threshold[t] = json_number_value(json_object_get(entry, "threshold"));
        for (int g = 0; g < GROUPS; g++)
            if (!parse_sizes(json_object_get(entry, group_name[g]), place, &out->sizes[t][g], err))
                return false;
    }
    return true;
}

static bool parse_row(const char *text, int w, int64_t n, double *heat)
{
    char *end = NULL;
    for (int x = 0; x < w; x++, text = end) {
        intmax_t count = strtoimax(text, &end, 10);
        if (end == text || count < 0 || count > n)
            return false;
        heat[x] = n ? (double)count / (double)n : 0;
    }
    return !*text;
}

static bool parse_heat(const json_t *list, const char *place, struct sis_summary *out, struct err *err)
{
    if (json_array_size(list) != (size_t)out->h)
        return refuse(place, "places.heat", err);
    out->heat = mem_alloc((size_t)out->h * (size_t)out->w, sizeof *out->heat);
    for (int y = 0; y < out->h; y++) {
        const char *row = json_string_value(json_array_get(list, (size_t)y));
        if (!row || !parse_row(row, out->w, out->n_where, out->heat + y * out->w))
            return refuse(place, "places.heat", err);
    }
    return true;
}

static bool parse_places(const json_t *object, const char *place, struct sis_summary *out, struct err *err)
{
    out->where = json_number_value(json_object_get(object, "threshold"));
    out->n_where = json_integer_value(json_object_get(object, "n"));
    for (int r = 0; r < REGIONS; r++) {
        const json_t *region = json_object_get(object, region_name[r]);
        out->area[r] = json_number_value(json_object_get(region, "area"));
        if (!(out->area[r] > 0 && out->area[r] <= 1))
            return refuse(place, "places", err);
        if (!parse_estimate(json_object_get(region, "share"), place, &out->share[r], err))
            return false;
    }
    return (out->n_where >= 0 && out->n_where <= out->n) ? parse_heat(json_object_get(object, "heat"), place, out, err)
                                                         : refuse(place, "places.n", err);
}

bool sis_summary_parse(const json_t *object, const char *place, struct sis_summary *out, struct err *err)
{
    json_int_t h = json_integer_value(json_object_get(object, "height")),
               w = json_integer_value(json_object_get(object, "width"));
    *out = (struct sis_summary){ .n = json_integer_value(json_object_get(object, "n")) };
    if (h < 1 || w < 1 || h > MOST_PIXELS / w)
        return refuse(place, "height and width", err);
    out->h = (int)h;
    out->w = (int)w;
    out->method = mem_string(runs_text(object, "method"));
    bool ok = parse_thresholds(json_object_get(object, "thresholds"), place, out, err) &&
              parse_places(json_object_get(object, "places"), place, out, err);
    if (!ok)
        sis_summary_free(out);
    return ok;
}
