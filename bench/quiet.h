/* SPDX-License-Identifier: MIT */
/*
 * The control of the benches: what others took of the processors meanwhile, their time and what a hypervisor kept
 * back, in processors. A limit that is missed while that is more than BENCH_OTHERS_MOST says nothing of tare.
 */
#ifndef TARE_BENCH_QUIET_H
#define TARE_BENCH_QUIET_H

#include <math.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define BENCH_OTHERS_MOST 0.1

struct bench_quiet {
    double busy_s, own_s, at_s;
};

static inline double bench_seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

/* Of all processors but idle and waiting, from /proc/stat; ours and that of children that have been waited for. */
static inline struct bench_quiet bench_quiet_now(void)
{
    struct bench_quiet now = {NAN, 0, 0};
    unsigned long long user, nice, system, idle, wait, irq, softirq, steal;
    FILE *file = fopen("/proc/stat", "re");
    if (file != NULL) {
        if (fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &system, &idle, &wait,
                   &irq, &softirq, &steal) == 8) {
            now.busy_s = (double)(user + nice + system + irq + softirq + steal) / (double)sysconf(_SC_CLK_TCK);
        }
        fclose(file);
    }
    struct rusage usage;
    struct timespec at;
    getrusage(RUSAGE_SELF, &usage);
    now.own_s = bench_seconds(usage.ru_utime) + bench_seconds(usage.ru_stime);
    getrusage(RUSAGE_CHILDREN, &usage);
    now.own_s += bench_seconds(usage.ru_utime) + bench_seconds(usage.ru_stime);
    clock_gettime(CLOCK_MONOTONIC, &at);
    now.at_s = (double)at.tv_sec + (double)at.tv_nsec / 1e9;
    return now;
}

/* Of one processor, since then. NAN: unknown. */
static inline double bench_others_since(struct bench_quiet then)
{
    struct bench_quiet now = bench_quiet_now();
    double others = (now.busy_s - then.busy_s - (now.own_s - then.own_s)) / (now.at_s - then.at_s);
    return others < 0 ? 0 : others; /* not fmax(), which takes what is unknown for 0 */
}

/* Says so. Whether it was too much, or nobody knows. */
static inline int bench_is_noisy(struct bench_quiet then)
{
    double others = bench_others_since(then);
    printf("\nothers took %.0f %% of a processor meanwhile%s\n", others * 100,
           others <= BENCH_OTHERS_MOST ? "" : ": noisy, what is missed says nothing");
    return !(others <= BENCH_OTHERS_MOST);
}

#endif
