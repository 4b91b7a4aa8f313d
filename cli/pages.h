/* SPDX-License-Identifier: MIT */
/* Single pages, live or left behind, for `tare report` and `tare attach`. */
#ifndef TARE_CLI_PAGES_H
#define TARE_CLI_PAGES_H

#include "record/reader.h"
#include "result/collect.h"

/* Reads a page; prints an error that names `subject` and returns -errno if it cannot. */
int pages_read(const struct tare_page_source *source, struct tare_page_view *view, const char *subject);

/*
 * Reads a page and adds it, less what it held at `before` (NULL: all of it). `sampler` (or NULL) has looked at
 * it since then, as page `number`. Prints an error, returns -errno.
 */
int pages_add(struct tare_collector *collector, const struct tare_page_source *source,
              const struct tare_page_view *before, const struct tare_sampler *sampler, uint64_t number,
              const char *subject);

#endif
