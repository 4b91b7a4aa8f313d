/* SPDX-License-Identifier: MIT */
/* What LTTng-UST makes of lttng-events.h. */
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "bench/accuracy/lttng-events.h"
