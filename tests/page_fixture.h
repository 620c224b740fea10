/* The page of the study, made of what a test puts into its folder (data_fixture.h), and what it is expected to say. */
#ifndef MARGINALIA_TESTS_PAGE_FIXTURE_H
#define MARGINALIA_TESTS_PAGE_FIXTURE_H

#include <stdbool.h>
#include "base/err.h"

/* steps.json with these steps, objects with commas between. */
void study_put_steps(const char *steps);

/* A report whose one check, the accuracy over 100 pictures, is `right`, 1 point to each side. */
void study_put_report(const char *name, double right);

bool study_make(struct err *err);

/* A file, or the page, with every blank an ordinary one; free() it. */
char *study_read_text(const char *name);
char *study_page_text(void);

/* The file that is made, or the page, has all of these texts; NULL ends them. */
void study_expect_in(const char *name, const char *const *part);
void study_expect(const char *const *part);

/* The page that was made does not have it. */
void study_expect_none(const char *part);

#endif
