/* SPDX-License-Identifier: MIT */
/*
 * tare/latency.h: how long it takes from an input to its picture (or answer), stage by stage; queues and stalls.
 *
 *     #include <tare/latency.h>
 *     TARE_LATENCY_STAGE(simulate);                    // at file scope
 *     TARE_LATENCY_STAGE(render);
 *
 *     tare_latency way = tare_latency_input();         // an input has come; keep this with it
 *     ...
 *     tare_latency_stage(&way, simulate);              // what passed since then was this stage
 *     tare_latency_stage(&way, render);
 *     tare_latency_present(&way);                      // and now it is seen
 *
 * | instrument                       | kind, unit      | what                                              |
 * | -------------------------------- | --------------- | ------------------------------------------------- |
 * | latency.input_to_present_ns      | histogram, ns   | the whole way                                     |
 * | latency.stage_ns{stage}          | histogram, ns   | from the end of the stage before to that of this  |
 * | latency.queue_depth              | gauge           | inputs that wait                                  |
 * | latency.stalls_total             | counter         | times that it did not go on                       |
 * | latency.stall_ns_total           | counter, ns     | and for how long                                  |
 *
 * Times are of CLOCK_MONOTONIC, so a way may lead through several threads and even processes. If
 * latency.input_to_present_ns is disabled when the input comes, no clock is read on that way.
 */
#ifndef TARE_LATENCY_H
#define TARE_LATENCY_H

#include <tare/set.h>

#ifdef __cplusplus
extern "C" {
#endif

TARE__SET_MODULE(latency, "latency");
TARE__SET_HISTOGRAM(latency_whole, latency, "input_to_present_ns", "ns", TARE__NONE,
                    "From an input to its picture");
TARE__SET_GAUGE(latency_queue, latency, "queue_depth", TARE__NONE, TARE__NONE, "Inputs that wait");
TARE__SET_COUNTER(latency_stalls, latency, "stalls_total", TARE__NONE, TARE__NONE,
                  "Times that it did not go on");
TARE__SET_COUNTER(latency_stall_ns, latency, "stall_ns_total", "ns", TARE__NONE,
                  "Time in which it did not go on");

#define TARE_LATENCY_STAGE(id)                                                                                 \
    TARE__SET_HISTOGRAM(latency_stage_##id, latency, "stage_ns", "ns", "stage=" #id, "A stage of the way")

typedef struct tare_latency {
    uint64_t input_ns; /* 0: not measured */
    uint64_t last_ns;  /* when the stage before ended */
} tare_latency;

TARE__SET_FUNCTION tare_latency tare_latency_input(void)
{
    tare_latency way;
    way.input_ns = TARE__SET_ON(histogram, latency_whole) ? tare__now_ns() : 0;
    way.last_ns = way.input_ns;
    return way;
}

/* Since the last call for this way; 0 where it is not measured. */
TARE__SET_FUNCTION uint64_t tare__latency_passed(tare_latency *way)
{
    if (way->input_ns == 0) {
        return 0;
    }
    uint64_t before = way->last_ns;
    way->last_ns = tare__now_ns();
    return way->last_ns - before;
}

#define tare_latency_stage(way, stage)                                                                         \
    ((way)->input_ns != 0 ? TARE_RECORD(latency_stage_##stage, tare__latency_passed(way)) : (void)0)

TARE__SET_FUNCTION void tare_latency_present(tare_latency *way)
{
    if (way->input_ns != 0) {
        TARE_RECORD(latency_whole, tare__now_ns() - way->input_ns);
    }
}

TARE__SET_FUNCTION void tare_latency_queue_depth(uint64_t inputs)
{
    TARE_SET(latency_queue, inputs);
}

TARE__SET_FUNCTION void tare_latency_stalled(uint64_t ns)
{
    TARE_ADD(latency_stalls, 1);
    TARE_ADD(latency_stall_ns, ns);
}

#ifdef __cplusplus
}
#endif

#endif
