/* SPDX-License-Identifier: MIT */
/*
 * What job=count counts: the processor's events in user space, by perf_event_open(2), where the kernel lets
 * us, and what the kernel counts of each process. Each event is read by itself, since the kernel inherits no
 * groups.
 */
#include <math.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if __has_include(<linux/perf_event.h>)
#include <linux/perf_event.h>
#endif

#include "harness/harness.h"

enum { HARDWARE = 6, PAGE_FAULTS = HARDWARE, CONTEXT_SWITCHES };

const char *const tare__bench_counter_names[COUNTERS_MAX] = {
    "cycles",           "instructions", "branches",    "branch_misses",
    "cache_references", "cache_misses", "page_faults", "context_switches",
};

bool tare__bench_counter_is_kernels(unsigned counter)
{
    return counter >= HARDWARE;
}

void tare__bench_counters_open(struct counters *counters)
{
    for (unsigned i = 0; i < HARDWARE; i++) {
        counters->fds[i] = -1;
    }
#ifdef PERF_ATTR_SIZE_VER0
    static const uint64_t events[HARDWARE] = {
        PERF_COUNT_HW_CPU_CYCLES,    PERF_COUNT_HW_INSTRUCTIONS,     PERF_COUNT_HW_BRANCH_INSTRUCTIONS,
        PERF_COUNT_HW_BRANCH_MISSES, PERF_COUNT_HW_CACHE_REFERENCES, PERF_COUNT_HW_CACHE_MISSES,
    };
    for (unsigned i = 0; i < HARDWARE; i++) {
        struct perf_event_attr attributes = {
            .type = PERF_TYPE_HARDWARE,
            .size = sizeof(attributes),
            .config = events[i],
            .read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING,
            .inherit = 1,
            .exclude_kernel = 1, /* what perf_event_paranoid 2 allows; and our own reading is not in it */
            .exclude_hv = 1,
        };
        counters->fds[i] = (int)syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
    }
#endif
}

void tare__bench_counters_read(const struct counters *counters, struct counted *counted)
{
    for (unsigned i = 0; i < HARDWARE; i++) {
        uint64_t values[3]; /* count, ns enabled, ns running */
        bool got =
            counters->fds[i] >= 0 && read(counters->fds[i], values, sizeof(values)) == (ssize_t)sizeof(values);
        counted->of[i].count = got ? (double)values[0] : NAN;
        counted->of[i].enabled_ns = got ? (double)values[1] : NAN;
        counted->of[i].running_ns = got ? (double)values[2] : NAN;
    }
    struct rusage usage;
    bool got = getrusage(RUSAGE_SELF, &usage) == 0;
    counted->of[PAGE_FAULTS].count = got ? (double)(usage.ru_minflt + usage.ru_majflt) : NAN;
    counted->of[CONTEXT_SWITCHES].count = got ? (double)(usage.ru_nvcsw + usage.ru_nivcsw) : NAN;
}

/* Scaled is the difference: of two scaled counts it would be that of two guesses at all that went before. */
void tare__bench_counters_between(const struct counted *before, const struct counted *after,
                                  double values[COUNTERS_MAX])
{
    for (unsigned i = 0; i < COUNTERS_MAX; i++) {
        values[i] = after->of[i].count - before->of[i].count;
        if (!tare__bench_counter_is_kernels(i)) {
            double running_ns = after->of[i].running_ns - before->of[i].running_ns;
            double enabled_ns = after->of[i].enabled_ns - before->of[i].enabled_ns;
            values[i] = running_ns > 0 ? values[i] * (enabled_ns / running_ns) : NAN;
        }
    }
}

void tare__bench_counters_close(struct counters *counters)
{
    for (unsigned i = 0; i < HARDWARE; i++) {
        if (counters->fds[i] >= 0) {
            close(counters->fds[i]);
        }
    }
}
