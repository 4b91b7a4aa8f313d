/* SPDX-License-Identifier: MIT */
/* What the views of history share. Private to view/. */
#ifndef TARE_VIEW_HISTORY_WORDS_H
#define TARE_VIEW_HISTORY_WORDS_H

#include "view/history_page.h"

/* The page's own title, or one made of the project; malloc'ed. NULL without memory. */
char *tare__history_page_title(const struct tare_history_page *page);

/* Where the commit's page is; malloc'ed. NULL: nobody knows, or it is no link, or there is no memory. */
char *tare__history_commit_link(const struct tare_history_page *page, const struct tare_history_commit *commit);

/*
 * The change that its status is about: the decisive one, and of a series that has changed, and none that counts,
 * the newest that is not old. NULL: none.
 */
const struct tare_judged_change *tare__history_change(const struct tare_judged_series *series);

/*
 * The ratio that stands for the series everywhere: of the change that its status is about, else of the level
 * now to what it is judged against. NAN: there is none, as where something came from 0.
 */
double tare__history_ratio(const struct tare_judged_series *series);

#endif
