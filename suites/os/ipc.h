/* SPDX-License-Identifier: MIT */
/*
 * Throughput: this process writes, another one reads, as many bytes a call. The end of a batch is when the other one has read
 * its last byte and said so, or what lies in the buffers between would be taken for delivered.
 */
#ifndef TARE_SUITES_OS_IPC_H
#define TARE_SUITES_OS_IPC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tare/bench.h>
#include <tare/tare.h>

#include "suites/os/place.h"

struct flow {
    int in;               /* the reader's */
    int closed_by_reader; /* the writer's, so that the end of the reader is seen; -1: none */
    int done;             /* an eventfd */
    size_t size;
    char *bytes; /* `size` of them, to be written */
    uint64_t sent;
    _Atomic uint64_t *target; /* what is to be received in all */
};

/* Between place_begin() and place_end(); `in` and `closed_by_reader` are set. `flow` has to outlive the body: static. */
void flow_begin(struct flow *flow, size_t size);
void flow_expect(struct flow *flow, uint64_t count); /* before writing so many messages */
bool flow_await(struct flow *flow);                  /* until they were read; false: that cannot be any more */

/* Measures it: each iteration is one message to the writer's end, which the timer of this name sees. */
#define FLOW_MEASURE(b, flow, writer, timer)                                                                   \
    do {                                                                                                       \
        TARE_EACH_BATCH(b, flow_count)                                                                         \
        {                                                                                                      \
            flow_expect(flow, flow_count);                                                                     \
            for (uint64_t flow_i = 0; flow_i < flow_count; flow_i++) {                                         \
                TARE_SCOPE(timer);                                                                             \
                tare_require(place_write(writer, (flow)->bytes, (flow)->size));                                \
            }                                                                                                  \
            tare_require(flow_await(flow));                                                                    \
        }                                                                                                      \
        tare_bytes(b, (double)(flow)->size);                                                                   \
    } while (0)

#endif
