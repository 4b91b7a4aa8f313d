/* SPDX-License-Identifier: MIT */
/* The tracepoints of the LTTng-UST program: a scope's begin and its end, with the number of its rung. */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER tare_accuracy

#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "bench/accuracy/lttng-events.h"

#if !defined(TARE_BENCH_ACCURACY_LTTNG_EVENTS_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define TARE_BENCH_ACCURACY_LTTNG_EVENTS_H

#include <lttng/tracepoint.h>

LTTNG_UST_TRACEPOINT_EVENT(tare_accuracy, begin, LTTNG_UST_TP_ARGS(unsigned, rung),
                           LTTNG_UST_TP_FIELDS(lttng_ust_field_integer(unsigned, rung, rung)))
LTTNG_UST_TRACEPOINT_EVENT(tare_accuracy, end, LTTNG_UST_TP_ARGS(unsigned, rung),
                           LTTNG_UST_TP_FIELDS(lttng_ust_field_integer(unsigned, rung, rung)))

#endif

#include <lttng/tracepoint-event.h>
