/* SPDX-License-Identifier: MIT */
/*
 * Snapshots for tests of what shows them: made up, but whole, and free of contradictions where one can tell.
 * Without memory they abort.
 */
#ifndef TARE_TESTS_SAMPLE_TELEMETRY_H
#define TARE_TESTS_SAMPLE_TELEMETRY_H

#include "result/telemetry.h"

/*
 * Two processes in the snapshot number 7, with a window of 1 s. Released by tare_telemetry_release().
 *
 * 4242 "game", id 1: instruments of every kind, among them unknown gauges, a timer that was reset (rolling
 * figures unknown), labels, frames with a part that is unknown, and those of jit.h, gfx.h, cpu.h, memory.h and
 * latency.h; derived figures, one of them unknown.
 * 4300 "worker", id 2: has ended, and is young: no rolling figures; one timer and a counter of name and labels
 * that are hard to write down.
 */
void sample_telemetry(struct tare_telemetry *telemetry);

/* No process at all; the first reading. */
void sample_telemetry_empty(struct tare_telemetry *telemetry);

/* One process of `count` instruments of mixed kinds, as large ones have. */
void sample_telemetry_large(struct tare_telemetry *telemetry, size_t count);

#endif
