/* SPDX-License-Identifier: MIT */
/* How right are net times on this machine? Also how a program switches and reads its timers itself. */
#include <stdio.h>
#include <time.h>

#include <tare/tare.h>

TARE_TIMER(work);
TARE_TIMER(ten);
enum { REPEATS = 100000 };

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_RAW, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* A chain: each step needs the one before, so that its length is its time. */
static inline uint64_t chain(uint64_t value, int steps)
{
    for (int i = 0; i < steps; i++) {
        value = value * 6364136223846793005u + 1442695040888963407u;
        __asm__ volatile("" : "+r"(value));
    }
    return value;
}

int main(void)
{
    uint64_t value = 1;
    if (tare_enable("accuracy::*") != 2) {
        fprintf(stderr, "accuracy: nothing can be measured here: the clock is '%s'\n", tare_clock_name());
        return 1;
    }
    printf("%8s %8s %18s\n", "true ns", "net", "a tenth of ten's");
    for (int steps = 5; steps <= 640; steps *= 2) {
        double start_ns = now_ns();
        for (int i = 0; i < REPEATS; i++) {
            value = chain(value, steps);
        }
        double true_ns = (now_ns() - start_ns) / REPEATS;
        tare_stats one = {0}, ten = {0};
        tare_reset("accuracy::*");
        for (int i = 0; i < REPEATS; i += 10) {
            TARE_SCOPE(ten);
            for (int j = 0; j < 10; j++) {
                TARE_SCOPE(work);
                value = chain(value, steps);
            }
        }
        tare_snapshot("accuracy::work", &one, 1);
        tare_snapshot("accuracy::ten", &ten, 1);
        printf("%8.1f %8.1f %18.1f\n", true_ns, one.net_ns / REPEATS, ten.net_ns / REPEATS);
    }
    return value == 0; /* never, but the compiler must not find out that the work is for nothing */
}
