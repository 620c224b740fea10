#include "tests/survey_fixture.h"

#include <criterion/criterion.h>
#include <jansson.h>

void survey_fixture_open(struct survey *s, const char *path, int threads)
{
    struct dataset *data;
    struct err err;
    *s = (struct survey){ .seed = 1 };
    cr_assert(dataset_open(path, NULL, &data, &err), "%s", err.text);
    s->data = data;
    cr_assert(team_new(threads, false, &s->team, &err), "%s", err.text);
    cr_assert(survey_open(s, &err), "%s", err.text);
}

void survey_fixture_close(struct survey *s)
{
    survey_close(s);
    team_free(s->team);
    dataset_close((struct dataset *)s->data);
}

void survey_fixture_check(struct survey *s, survey_function check, enum side side, double limit, int64_t n,
                          struct check *out)
{
    struct policy_check p = { .side = side, .limit = limit };
    struct err err = { 0 };
    *out = (struct check){ 0 };
    cr_assert(check(s, &p, n, out, &err), "%s", err.text);
    out->status = check_decide(&out->estimate, side, limit);
    cr_assert(out->question && out->measure && out->asks && out->found && out->means && out->act && out->details);
    for (int i = 0; i < out->n_figures; i++)
        cr_assert(out->figure[i].heading && out->figure[i].caption && out->figure[i].description);
}

int64_t survey_fixture_detail(const struct check *c, const char *key)
{
    json_t *value = json_object_get(c->details, key);
    cr_assert(json_is_integer(value), "details have no whole number %s", key);
    return json_integer_value(value);
}
