/* SPDX-License-Identifier: MIT */
/*
 * Batches of Prometheus text against what a store says it has: VictoriaMetrics' /api/v1/export gives JSON
 * lines, {"metric":{"__name__":...},"values":[...],"timestamps":[...]}, one for each series. What is there
 * already is left out when a batch has to be sent again. Text in, text out; everything takes whatever a server
 * sent.
 */
#ifndef TARE_SERVE_LINES_H
#define TARE_SERVE_LINES_H

#include <stddef.h>
#include <stdint.h>

/*
 * The body of a POST to /api/v1/export that asks for all series of the names in the batch, at that time.
 * malloc'ed; NULL: no memory. Here and below, a NUL is behind the batch.
 */
char *tare__lines_query(const char *batch, size_t size, uint64_t unix_ms);

/*
 * The samples of the batch that the export has not, malloc'ed, `*rest_size` bytes and a NUL. A sample is there
 * if the export has its series with exactly its labels, and a value at unix_ms; `extra` are labels that the
 * store gives to all of it ("name=value", NULL at the end; NULL: none). What is not understood counts as
 * missing: sent twice rather than lost. NULL: no memory.
 */
char *tare__lines_missing(const char *batch, size_t size, const char *export, size_t export_size,
                          const char *const *extra, uint64_t unix_ms, size_t *rest_size);

#endif
