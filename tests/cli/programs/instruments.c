/* SPDX-License-Identifier: MIT */
/*
 * A program with an instrument of each kind, for tests of what shows live processes. Says "ready" when all have
 * been used once; then it counts on, a beat every 5 ms, until it is ended, or it is told how many beats to make
 * and waits behind them.
 *
 *     instruments [BEATS]
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <tare/frame.h>
#include <tare/tare.h>

TARE_MODULE("panel");
TARE_TIMER(work);
TARE_COUNTER(beats, NULL, NULL, "Beats of the loop.");
TARE_COUNTER_NAMED(bytes_in, "io.bytes", "bytes", "direction=in", "Bytes moved.");
TARE_COUNTER_NAMED(bytes_out, "io.bytes", "bytes", "direction=out", "Bytes moved.");
TARE_GAUGE(depth, NULL, NULL, "Goes from 0 to 9.");
TARE_GAUGE(never_known, "bytes", NULL, "Is never set.");
TARE_HISTOGRAM(sizes, "bytes", NULL, "Powers of two.");
TARE_STATE(mode, "idle", "busy");
TARE_TOPK(keys, 16);
TARE_FRAMES(view, 64, "cpu", "gpu");

static void beat(unsigned long i)
{
    TARE_ENTER(mode, 1);
    {
        TARE_SCOPE(work);
        TARE_ADD(beats, 1);
        TARE_ADD(bytes_in, 100);
        TARE_ADD(bytes_out, 7);
        TARE_SET(depth, (double)(i % 10));
        TARE_RECORD(sizes, 1u << (i % 12));
        TARE_HIT(keys, i % 5, 1 + i % 5);
    }
    tare_frame_begin(view);
    tare_frame_part_ns(view, 0, 1000000);
    tare_frame_end(view);
    TARE_ENTER(mode, 0);
}

int main(int argc, char **argv)
{
    unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
    tare_enable("*");
    for (unsigned long i = 0; i < (count != 0 ? count : 10); i++) {
        beat(i);
    }
    puts("ready");
    fflush(stdout);
    if (count != 0) {
        for (;;) {
            pause();
        }
    }
    for (unsigned long i = 10;; i++) {
        beat(i);
        nanosleep(&(struct timespec){0, 5000000}, NULL);
    }
}
