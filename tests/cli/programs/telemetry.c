/* SPDX-License-Identifier: MIT */
/*
 * A program with instruments of every kind, for what watches them: it prints "ready", and works in small frames
 * until SIGTERM.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <tare/frame.h>
#include <tare/tare.h>

TARE_MODULE("telemetry");
TARE_TIMER(read_file);
TARE_TIMER(parse_line);
TARE_TIMER(write_out);
TARE_COUNTER(sent, "bytes", "proto=tcp", "What left this machine");
TARE_GAUGE(depth, "", "", "How many wait");
TARE_GAUGE(temperature);
TARE_HISTOGRAM(size, "bytes");
TARE_STATE(phase, "idle", "running");
TARE_TOPK(hot, 64);
TARE_FRAMES(view, 256, "cpu", "gpu");

static volatile sig_atomic_t ended;

static void note_signal(int number)
{
    ended = number;
}

static void work(unsigned turns)
{
    volatile unsigned sum = 0;
    for (unsigned i = 0; i < turns; i++) {
        sum = sum + i;
    }
}

static void frame(unsigned number)
{
    const struct timespec moment = {0, 2000000};
    tare_frame_begin(view);
    TARE_ENTER(phase, 1);
    for (unsigned i = 0; i < 10; i++) {
        TARE_SCOPE(read_file);
        work(50);
        {
            TARE_SCOPE(parse_line);
            work(200);
        }
        TARE_ADD(sent, 1500);
        TARE_RECORD(size, 64 * (i + 1));
        TARE_HIT(hot, 0xc0ffee00 + (i < 5 ? 0 : i), 1);
    }
    TARE_SET(depth, number % 7);
    tare_frame_part_ns(view, 0, 1000000);
    TARE_ENTER(phase, 0);
    {
        TARE_SCOPE(write_out);
        nanosleep(&moment, NULL);
    }
    if (number % 50 == 49) { /* a slow one */
        const struct timespec pause = {0, 30000000};
        nanosleep(&pause, NULL);
    }
    tare_frame_end(view);
}

int main(void)
{
    signal(SIGTERM, note_signal);
    alarm(120); /* nobody forgets it for ever */
    tare_frame_slow_ns(view, 25000000);
    for (unsigned number = 0; ended == 0; number++) {
        frame(number);
        if (number == 0) {
            puts("ready");
            fflush(stdout);
        }
    }
    return 0;
}
