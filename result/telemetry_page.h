/* SPDX-License-Identifier: MIT */
/* What one page says, as telemetry: of a process that ended before anybody had watched it. */
#ifndef TARE_RESULT_TELEMETRY_PAGE_H
#define TARE_RESULT_TELEMETRY_PAGE_H

#include <sys/types.h>

#include "record/reader.h"
#include "result/telemetry.h"

/*
 * Makes a snapshot of one process that has ended, with the page's totals and without rolling figures. `id` is
 * that of the process in it, below 2^40; `pid` its number as we see it. Released by tare_telemetry_release().
 * Returns 0 or -ENOMEM; then there is nothing to release. Thread-safe.
 */
int tare_telemetry_of_page(const struct tare_page_view *view, uint64_t id, pid_t pid,
                           struct tare_telemetry *telemetry);

#endif
