/* What holds for every page, whatever is in it. Each fails the test that calls it. */
#ifndef MARGINALIA_TESTS_PAGE_H
#define MARGINALIA_TESTS_PAGE_H

#include "tests/markup.h"

void page_closes_every_tag(const struct markup *m);
void page_links_lead_somewhere(const struct markup *m); /* and ids are unique */
void page_tells_who_cannot_see(const struct markup *m); /* pictures and charts have texts */
void page_skips_no_heading(const struct markup *m);
void page_loads_and_runs_nothing(const char *page, const struct markup *m);
void page_prints_numbers_only(const struct markup *m); /* no "nan" or "inf" */
void page_is_narrow(const struct markup *m);           /* nothing is wider than a chart */

void page_must_hold(const char *page); /* all of them */

#endif
