/* SPDX-License-Identifier: MIT */
/*
 * A program whose figures have units of all sorts, whose ring keeps fewer frames than a window has, with the sets for
 * guest processors, memory and latencies, and with a thread that counts nothing. Prints "ready", and works until
 * SIGTERM.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <tare/cpu.h>
#include <tare/frame.h>
#include <tare/latency.h>
#include <tare/memory.h>
#include <tare/tare.h>

TARE_MODULE("units");
TARE_GAUGE(heat, "celsius");
TARE_GAUGE(flow, "bytes/s");
TARE_COUNTER(line, "kbit/s");
TARE_COUNTER(spent, "ms");
TARE_COUNTER(load, "%");
TARE_COUNTER(plain);
TARE_HISTOGRAM(width, "pixels");
TARE_TOPK(paths, 64, "ns");
TARE_FRAMES(small, 64);
TARE_MEMORY_REGION(heap);
TARE_LATENCY_STAGE(draw);

static volatile sig_atomic_t ended;

static void note_signal(int number)
{
    ended = number;
}

static void *wait_for_ever(void *data)
{
    for (;;) {
        pause();
    }
    return data;
}

static void turn(unsigned number, tare_cpu_batch *batch)
{
    const struct timespec moment = {0, 1000000};
    tare_frame_begin(small);
    tare_latency way = tare_latency_input();
    tare_latency_queue_depth(number % 3);
    TARE_SET(heat, 21);
    TARE_SET(flow, 1e6);
    TARE_ADD(line, 1000);
    TARE_ADD(spent, 2);
    TARE_ADD(load, 5);
    TARE_ADD(plain, 1);
    TARE_RECORD(width, 640 + number % 100);
    TARE_HIT(paths, 0x1000 + number % 4, 25000);
    tare_cpu_retired(batch, 100000);
    nanosleep(&moment, NULL);
    tare_latency_stage(&way, draw);
    tare_latency_present(&way);
    tare_latency_stalled(1000);
    tare_frame_end(small);
}

int main(void)
{
    pthread_t thread;
    signal(SIGTERM, note_signal);
    alarm(120); /* nobody forgets it for ever */
    if (pthread_create(&thread, NULL, wait_for_ever, NULL) != 0) {
        return 1;
    }
    tare_memory_configured(heap, 1 << 28);
    tare_memory_committed(heap, 1 << 20);
    tare_cpu_batch batch = TARE_CPU_BATCH;
    tare_cpu_resume(&batch);
    for (unsigned number = 0; ended == 0; number++) {
        turn(number, &batch);
        if (number == 200) { /* more than the ring keeps */
            puts("ready");
            fflush(stdout);
        }
    }
    tare_cpu_pause(&batch);
    return 0;
}
