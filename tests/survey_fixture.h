/* A survey of a small data set, for tests of the checks on data sets. */
#ifndef MARGINALIA_TESTS_SURVEY_FIXTURE_H
#define MARGINALIA_TESTS_SURVEY_FIXTURE_H

#include "tests/data_fixture.h"
#include "validate/dataset/dataset_checks.h"

/* Opens the directory or descriptor `path` with a team of `threads`; fails the test when that is not possible. Call
 * survey_fixture_close in the end. */
void survey_fixture_open(struct survey *s, const char *path, int threads);
void survey_fixture_close(struct survey *s);

/* Runs one check with this limit and completes it with the status that follows; check_free it. */
void survey_fixture_check(struct survey *s, survey_function check, enum side side, double limit, int64_t n,
                          struct check *out);

/* The value of a whole number in the check's details. */
int64_t survey_fixture_detail(const struct check *c, const char *key);

#endif
