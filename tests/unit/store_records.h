/* SPDX-License-Identifier: MIT */
/* Records for tests of the store, and stores on both engines. */
#ifndef TARE_TESTS_STORE_RECORDS_H
#define TARE_TESTS_STORE_RECORDS_H

#include "history/model.h"

/*
 * A record of `series` points, each with 20 values of blocks, in project "p": the same for the same `number`,
 * and another one, an hour later and of another commit, for another. `raw` (NULL: one is made up) is what it
 * is of.
 */
void store_record(struct tare_history_record *record, const char *project, unsigned number, size_t series,
                  const char *raw);

#endif
