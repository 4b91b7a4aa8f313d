/* SPDX-License-Identifier: MIT */
/*
 * Spinning and timing. The gaps go into a log-linear histogram (tare/page.h), so that nothing is allocated and
 * next to nothing is touched while the clock is watched.
 */
#include "record/gaps.h"

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <tare/page.h>

#include "stats/quantile.h"

enum {
    STEPS = 1001,        /* readings for the usual step */
    THRESHOLD_NS = 1000, /* over what memory and the clock itself cost; a timer interrupt takes more in total */
    THRESHOLD_STEPS = 8, /* the same, where reading the clock is a system call */
    WARM_UP_NS = 20000000, /* before: a processor that was idle takes some milliseconds to its full rate */
    CHAIN_NS =
        20000, /* a chain: some hundred times what reading the clock costs, and under the gaps' distance */
    CHAINS_MAX = 200000,
    BATCHES = 101,
    BATCH_NS = 20000,
    NS = 1000000000,
};

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_RAW, &now);
    return (uint64_t)now.tv_sec * NS + (uint64_t)now.tv_nsec;
}

static bool stopped(const volatile sig_atomic_t *stop)
{
    return stop != NULL && *stop != 0;
}

static double usual_step(void)
{
    double steps[STEPS];
    uint64_t last = now_ns();
    for (size_t i = 0; i < STEPS; i++) {
        uint64_t now = now_ns();
        steps[i] = (double)(now - last);
        last = now;
    }
    return tare_median(steps, STEPS);
}

/* The processors' mask may be wider than cpu_set_t: the kernel says how wide. */
struct mask {
    cpu_set_t *set;
    size_t size;
};

static int get_mask(struct mask *mask)
{
    for (int processors = 1024; processors <= 1 << 20; processors *= 4) {
        mask->size = CPU_ALLOC_SIZE(processors);
        mask->set = malloc(mask->size);
        if (mask->set == NULL) {
            return -ENOMEM;
        }
        if (sched_getaffinity(0, mask->size, mask->set) == 0) {
            return 0;
        }
        int error = errno;
        free(mask->set);
        mask->set = NULL;
        if (error != EINVAL) {
            return -error;
        }
    }
    return -EINVAL;
}

/* Binds this thread to one processor. Returns 0 or -errno. */
static int bind_to(int cpu, size_t size)
{
    if ((size_t)cpu >= size * 8) {
        return -EINVAL;
    }
    cpu_set_t *one = malloc(size);
    if (one == NULL) {
        return -ENOMEM;
    }
    CPU_ZERO_S(size, one);
    CPU_SET_S((size_t)cpu, size, one);
    int result = sched_setaffinity(0, size, one) == 0 ? 0 : -errno;
    free(one);
    return result;
}

/* Where the time goes while we look. */
struct watch {
    uint64_t buckets[TARE_BUCKET_COUNT];
    uint64_t count, shortest_ns, longest_ns;
    double lost_ns;
    unsigned migrations;
};

static uint64_t spin(struct watch *watch, uint64_t for_ns, uint64_t threshold_ns, uint64_t step_ns,
                     const volatile sig_atomic_t *stop)
{
    int cpu = sched_getcpu();
    const uint64_t began = now_ns();
    uint64_t last = began;
    while (last - began < for_ns && !stopped(stop)) {
        uint64_t now = now_ns(), step = now - last;
        last = now;
        if (__builtin_expect(step < threshold_ns, 1)) {
            continue;
        }
        uint64_t gap = step - step_ns;
        watch->buckets[tare_bucket_of(gap)]++;
        watch->count++;
        watch->lost_ns += (double)gap;
        watch->shortest_ns = gap < watch->shortest_ns ? gap : watch->shortest_ns;
        watch->longest_ns = gap > watch->longest_ns ? gap : watch->longest_ns;
        int here = sched_getcpu();
        watch->migrations += here != cpu;
        cpu = here;
        last = now_ns(); /* our own doing is no gap */
    }
    return last - began;
}

int tare_gaps_measure(struct tare_gaps *gaps, int cpu, double seconds, const volatile sig_atomic_t *stop)
{
    *gaps = (struct tare_gaps){.cpu = -1, .p50_ns = NAN, .p99_ns = NAN, .max_ns = NAN, .lost_share = NAN};
    gaps->step_ns = gaps->threshold_ns = NAN;
    struct mask mask = {0};
    if (cpu >= 0) {
        int result = get_mask(&mask);
        if (result == 0) {
            result = bind_to(cpu, mask.size);
        }
        if (result != 0) {
            free(mask.set);
            return result;
        }
        gaps->cpu = cpu;
    }
    struct watch watch = {.shortest_ns = UINT64_MAX};
    for (uint64_t began = now_ns(); now_ns() - began < WARM_UP_NS && !stopped(stop);) {
    }
    gaps->step_ns = usual_step();
    gaps->threshold_ns = fmax(THRESHOLD_NS, THRESHOLD_STEPS * gaps->step_ns);
    uint64_t spent_ns =
        spin(&watch, (uint64_t)(seconds * NS), (uint64_t)gaps->threshold_ns, (uint64_t)gaps->step_ns, stop);
    if (cpu >= 0) {
        sched_setaffinity(0, mask.size, mask.set);
        free(mask.set);
    }
    gaps->seconds = (double)spent_ns / NS;
    gaps->count = watch.count;
    gaps->migrations = watch.migrations;
    gaps->lost_share = spent_ns > 0 ? watch.lost_ns / (double)spent_ns : NAN;
    if (watch.count > 0) {
        gaps->max_ns = (double)watch.longest_ns;
        gaps->p50_ns = tare_histogram_quantile(watch.buckets, TARE_BUCKET_COUNT, 0.5, watch.shortest_ns,
                                               watch.longest_ns, NULL);
        gaps->p99_ns = tare_histogram_quantile(watch.buckets, TARE_BUCKET_COUNT, 0.99, watch.shortest_ns,
                                               watch.longest_ns, NULL);
    }
    return 0;
}

/* Each multiplication needs the one before it, so the time is the processor's latency times its clock rate. */
static double time_chain(unsigned length)
{
    uint64_t chain = 88172645463325252u, began = now_ns();
    for (unsigned i = 0; i < length; i++) {
        chain *= 6364136223846793005u;
        __asm__ volatile("" : "+r"(chain));
    }
    return (double)(now_ns() - began);
}

/* How many multiplications take about CHAIN_NS. */
static unsigned chain_length(void)
{
    enum { TRIAL = 4096, TRIALS = 31 };
    double trials[TRIALS];
    for (size_t i = 0; i < TRIALS; i++) {
        trials[i] = time_chain(TRIAL);
    }
    double median = tare_median(trials, TRIALS);
    double length = median > 0 ? TRIAL * CHAIN_NS / median : TRIAL;
    return length < 64 ? 64 : length > 1e7 ? 10000000 : (unsigned)length;
}

static int compare_doubles(const void *a, const void *b)
{
    double first = *(const double *)a, second = *(const double *)b;
    return (first > second) - (first < second);
}

int tare_wander_measure(struct tare_wander *wander, double seconds, const volatile sig_atomic_t *stop)
{
    *wander = (struct tare_wander){.p10_ns = NAN, .median_ns = NAN, .p90_ns = NAN, .spread = NAN, .start = NAN};
    double *times = malloc(CHAINS_MAX * sizeof *times);
    if (times == NULL) {
        return -ENOMEM;
    }
    unsigned length = chain_length();
    uint64_t began = now_ns(), spent = 0;
    size_t count = 0;
    while (count < CHAINS_MAX && spent < (uint64_t)(seconds * NS) && !stopped(stop)) {
        times[count++] = time_chain(length);
        spent = now_ns() - began;
    }
    wander->seconds = (double)spent / NS;
    wander->count = count;
    if (count >= 100) { /* fewer have no 10th of 100 to speak of */
        size_t tenth = count / 10;
        double first = tare_median(times, tenth), rest = tare_median(times + tenth, count - tenth);
        wander->start = rest > 0 ? first / rest - 1 : NAN;
        qsort(times, count, sizeof *times, compare_doubles);
        wander->p10_ns = tare_quantile(times, count, 0.1);
        wander->median_ns = tare_quantile(times, count, 0.5);
        wander->p90_ns = tare_quantile(times, count, 0.9);
        wander->spread = wander->median_ns > 0 ? (wander->p90_ns - wander->p10_ns) / wander->median_ns : NAN;
    }
    free(times);
    return 0;
}

void tare_call_cost_measure(struct tare_call_cost *cost, void (*repeat)(unsigned n))
{
    double means[BATCHES];
    /* A batch is long against the clock and short against the gaps. */
    unsigned n = 8;
    for (uint64_t began, spent = 0; spent < BATCH_NS / 2 && n < 1u << 20; n *= 2) {
        began = now_ns();
        repeat(n);
        spent = now_ns() - began;
    }
    for (size_t i = 0; i < BATCHES; i++) {
        uint64_t began = now_ns();
        repeat(n);
        means[i] = (double)(now_ns() - began) / n;
    }
    cost->batches = BATCHES;
    cost->median_ns = tare_median(means, BATCHES);
    cost->mad_ns = tare_mad(means, BATCHES, cost->median_ns);
}

void tare_call_system(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        syscall(SYS_getppid);
    }
}

void tare_call_clock(unsigned n)
{
    struct timespec now;
    for (unsigned i = 0; i < n; i++) {
        clock_gettime(CLOCK_MONOTONIC_RAW, &now);
    }
}
