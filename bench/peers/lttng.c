/* SPDX-License-Identifier: MIT */
/* What one LTTng-UST event costs; a scope would take two of them, or one with a duration in it. */
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "lttng-events.h"

#include "loop.h"

static void mark(int i)
{
    lttng_ust_tracepoint(tare_peer, mark, i);
}

int main(void)
{
    peer_print(mark);
    return 0;
}
