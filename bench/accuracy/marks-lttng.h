/* SPDX-License-Identifier: MIT */
/* See rungs.c: an event where a scope begins and one where it ends. */
#include "bench/accuracy/lttng-events.h"

static inline void lttng_end(const unsigned *rung)
{
    lttng_ust_tracepoint(tare_accuracy, end, *rung);
}

#define MARK_DECLARE(id, text)
#define MARK(id)                                                                                               \
    __attribute__((cleanup(lttng_end), unused)) const unsigned lttng_rung = RUNG_##id;                         \
    lttng_ust_tracepoint(tare_accuracy, begin, lttng_rung);
