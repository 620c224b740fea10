#include "validate/pictures.h"

#include <string.h>
#include "base/json.h"

/* SHA-256 over what identifies the pictures, in their order. */
static void hash_pictures(const struct study *s, const int64_t *image, int64_t n, char hex[SHA256_HEX])
{
    struct sha256 *digest = sha256_new();

    sha256_add(digest, s->identity->data_hash, sizeof s->identity->data_hash);
    sha256_add(digest, &s->split, sizeof s->split);
    sha256_add(digest, image, (size_t)n * sizeof *image);
    if (s->view)
        sha256_add(digest, view_text(s->view), strlen(view_text(s->view)));
    sha256_finish(digest, hex);
}

static void set_pictures(struct study *s, const int64_t *image, int64_t n, const char *combine, json_t *value,
                         struct check *c)
{
    char hex[SHA256_HEX];

    hash_pictures(s, image, n, hex);
    if (!c->details)
        c->details = json_object();
    json_object_set_new(c->details, "pictures",
                        json_pack("{s:s, s:s, s:o}", "sha256", hex, "combine", combine, "value", value));
}

static bool add_answers(struct study *s, struct check *c, struct err *err)
{
    const struct answers *a = study_answers(s, err);

    if (!a)
        return false;
    json_t *value = json_array();
    for (int64_t i = 0; i < a->n; i++)
        json_array_append_new(value, json_integer(a->predicted[i] == a->label[i]));
    set_pictures(s, a->image, a->n, "mean", value, c);
    return true;
}

/* The size of each picture's part, as a share of its pixels; of pictures that are answered right. */
static bool add_sizes(struct study *s, const struct policy_check *p, int n, struct check *c, struct err *err)
{
    const struct sis_settings *settings = &s->identity->settings;
    struct sis_question q = { .rank = settings->rank, .target = TARGET_PREDICTED, .n = n };
    const struct sis_answer *a = baseline_parse(s->identity->baseline, &q.baseline) ? study_sis(s, &q, err) : NULL;

    if (!a)
        return false;
    json_t *value = json_array();
    for (int row = 0; row < n; row++)
        json_array_append_new(value, json_null());
    for (int64_t i = 0; i < a->records.n; i++) {
        const struct sis_record *r = &a->records.record[i];
        int size = sis_size(&r->order, sis_threshold(settings->rank, p->threshold));
        if (size != SIS_NONE && r->predicted == r->label)
            json_array_set_new(value, (size_t)a->row[i], json_real((double)size / study_pixels(s)));
    }
    set_pictures(s, s->image, n, "median", value, c);
    return true;
}

bool pictures_add(struct study *s, const struct policy_check *p, int64_t n, struct check *c, struct err *err)
{
    if (strcmp(p->type->kind, "accuracy") == 0)
        return add_answers(s, c, err);
    if (strcmp(p->type->kind, "sis.size") == 0)
        return add_sizes(s, p, (int)n, c, err);
    return true;
}
