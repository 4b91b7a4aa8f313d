/* SPDX-License-Identifier: MIT */
/*
 * The store's tables, and how an older schema becomes the newest: a step for each version, run in one
 * transaction. Private to the store. docs/history-store.md has the tables.
 */
#ifndef TARE_HISTORY_SCHEMA_H
#define TARE_HISTORY_SCHEMA_H

#include "history/sql.h"

/* From the version before to the next; the first one makes everything of nothing. */
struct tare__schema_step {
    const char *const *statements; /* NULL-terminated; each is right also if it was run before */
};

struct tare__schema {
    const struct tare__schema_step *steps; /* steps[0] leads to version 1 */
    int version;                           /* of the newest; as many steps */
};

extern const struct tare__schema tare__store_schema;

/*
 * Finds out what version is there and, if `flags` (of tare_store_open) allow it, makes it the newest.
 * -ENOENT: there is none, -EINVAL: something else is there, -ENOTSUP: it is of a later version, or, only to
 * be read, of an older one.
 */
int tare__schema_bring(struct tare__sql *sql, const struct tare__schema *schema, int flags);

#endif
