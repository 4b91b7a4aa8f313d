/* SPDX-License-Identifier: MIT */
/*
 * tare-rungs: the program that `tare verify` measures. For each rung it runs the same work with and without
 * scopes in turns, and says what the clock on the wall and what the timers saw; it judges nothing. lines.h has
 * the form.
 *
 * A pair is one block without scopes for each timer of the rung, and one block with all of its scopes. Blocks
 * are short (BLOCK_NS), so that what disturbs the machine for longer disturbs both sides alike, and every other
 * pair runs in the reverse order, so that what changes steadily favours neither. A repetition is PAIRS pairs of
 * each rung in turn; repetitions follow each other until the time is up.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tare/tare.h>

#include "runtime/clock.h"
#include "verify/bodies.h"
#include "verify/lines.h"
#include "verify/memory.h"

enum {
    PAIRS = 24,
    BLOCK_NS = 50000,
    BLOCK_CALLS_MIN = 4,
    REPETITIONS_MIN = 3,
    TEXT_MAX = PAIRS * VERIFY_LINE_MAX,
};

struct rung {
    const struct verify_body *bare, *timed;
    const char *skipped;
    uint64_t value; /* where the last execution stopped */
    uint64_t ring_bytes;
    uint64_t bare_calls[VERIFY_LEVELS_MAX], timed_calls;
    char globs[VERIFY_LEVELS_MAX * (VERIFY_NAME_MAX + 10)];
    unsigned place[VERIFY_LEVELS_MAX]; /* of each level among what tare_snapshot() finds */
};

/* One block for the second thread. It spins while a rung needs it, so that both begin at once. */
static struct partner {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    int cpu; /* -1: there is none */
    bool awake;
    verify_block *block; /* valid while sequence is odd */
    uint64_t value, calls, ns;
    unsigned sequence;
} partner = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER, .cpu = -1};

static uint64_t pair_ns; /* what two readings of the wall clock take */

static void die(const char *what, const char *why)
{
    fprintf(stderr, "tare-rungs: %s: %s\n", what, why);
    exit(2);
}

static bool pin(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    return sched_setaffinity(0, sizeof(set), &set) == 0;
}

/* Wall time of a block, in ns; at least 1. */
static uint64_t timed_block(verify_block *block, uint64_t *value, uint64_t calls)
{
    uint64_t start = clock_raw_ns();
    *value = block(*value, calls);
    uint64_t took = clock_raw_ns() - start;
    return took > pair_ns ? took - pair_ns : 1;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void measure_pair(const struct verify_body *body)
{
    enum { READINGS = 101 };
    uint64_t readings[READINGS], value = 1;
    for (int i = 0; i < READINGS; i++) {
        pair_ns = 0;
        readings[i] = timed_block(body->level[0].block, &value, 0);
    }
    qsort(readings, READINGS, sizeof(readings[0]), compare);
    pair_ns = readings[READINGS / 2];
}

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void *partner_main(void *data)
{
    (void)data;
    pin(partner.cpu);
    for (unsigned done = 0;;) {
        pthread_mutex_lock(&partner.lock);
        while (!partner.awake) {
            pthread_cond_wait(&partner.wake, &partner.lock);
        }
        pthread_mutex_unlock(&partner.lock);
        while (__atomic_load_n(&partner.awake, __ATOMIC_ACQUIRE)) {
            if (__atomic_load_n(&partner.sequence, __ATOMIC_ACQUIRE) != done + 1) {
                relax();
                continue;
            }
            partner.ns = timed_block(partner.block, &partner.value, partner.calls);
            done += 2;
            __atomic_store_n(&partner.sequence, done, __ATOMIC_RELEASE);
        }
    }
    return NULL;
}

static void partner_wake(bool awake)
{
    pthread_mutex_lock(&partner.lock);
    __atomic_store_n(&partner.awake, awake, __ATOMIC_RELEASE);
    pthread_cond_signal(&partner.wake);
    pthread_mutex_unlock(&partner.lock);
}

/* The same block on both threads at once; the mean of their times. */
static uint64_t timed_block_twice(verify_block *block, uint64_t *value, uint64_t calls)
{
    unsigned sequence = __atomic_load_n(&partner.sequence, __ATOMIC_RELAXED);
    partner.block = block;
    partner.calls = calls;
    __atomic_store_n(&partner.sequence, sequence + 1, __ATOMIC_RELEASE);
    uint64_t ns = timed_block(block, value, calls);
    while (__atomic_load_n(&partner.sequence, __ATOMIC_ACQUIRE) != sequence + 2) {
        relax();
    }
    return (ns + partner.ns) / 2;
}

static uint64_t run_block(struct rung *rung, verify_block *block, uint64_t calls)
{
    return rung->bare->two_threads ? timed_block_twice(block, &rung->value, calls)
                                   : timed_block(block, &rung->value, calls);
}

/* How many calls make a block of the usual length. */
static uint64_t calls_of_block(struct rung *rung, verify_block *block)
{
    enum { TRIES = 3 };
    for (uint64_t calls = BLOCK_CALLS_MIN;; calls *= 2) {
        uint64_t ns = run_block(rung, block, calls);
        for (int i = 1; i < TRIES; i++) { /* one of them may have been interrupted */
            uint64_t again = run_block(rung, block, calls);
            ns = again < ns ? again : ns;
        }
        if (ns >= BLOCK_NS / 4 || calls > UINT32_MAX) {
            calls = (uint64_t)((double)calls * BLOCK_NS / (double)ns);
            return calls > BLOCK_CALLS_MIN ? calls : BLOCK_CALLS_MIN;
        }
    }
}

static void take_counts(const struct rung *rung, tare_stats stats[VERIFY_LEVELS_MAX])
{
    if (tare_snapshot(rung->globs, stats, VERIFY_LEVELS_MAX) != (int)rung->timed->levels) {
        die(rung->bare->name, "its timers are not what they were");
    }
}

/* One timer for each level, enabled. */
static bool find_timers(struct rung *rung)
{
    tare_stats stats[VERIFY_LEVELS_MAX];
    unsigned levels = rung->timed->levels, found = 0;
    size_t at = 0;
    for (unsigned i = 0; i < levels; i++) {
        at += (size_t)snprintf(rung->globs + at, sizeof(rung->globs) - at, "%sverify::%s", i != 0 ? "," : "",
                               rung->timed->level[i].name);
    }
    if (tare_enable(rung->globs) != (int)levels ||
        tare_snapshot(rung->globs, stats, VERIFY_LEVELS_MAX) != (int)levels) {
        return false;
    }
    for (unsigned i = 0; i < levels; i++) {
        for (unsigned k = 0; k < levels; k++) {
            if (strcmp(stats[k].name, rung->timed->level[i].name) == 0) {
                rung->place[i] = k;
                found++;
            }
        }
    }
    return found == levels;
}

static void prepare(struct rung *rung, const struct verify_sizes *sizes)
{
    enum verify_memory memory = rung->bare->memory;
    rung->value = 1;
    if (memory != VERIFY_MEMORY_NONE) {
        rung->ring_bytes = sizes->bytes[memory];
        rung->value = rung->ring_bytes != 0 ? verify_memory_ring(rung->ring_bytes) : 0;
        if (rung->value == 0) {
            rung->skipped =
                rung->ring_bytes != 0 ? "no memory for it" : "the caches are too large to be missed";
            return;
        }
    }
    if (rung->bare->two_threads && partner.cpu < 0) {
        rung->skipped = "there is no second processor that this process may use";
        return;
    }
    if (!find_timers(rung)) {
        die(rung->bare->name, "its timers cannot be enabled");
    }
    if (rung->bare->two_threads) {
        partner_wake(true);
    }
    for (unsigned i = 0; i < rung->bare->levels; i++) {
        rung->bare_calls[i] = calls_of_block(rung, rung->bare->level[i].block);
    }
    rung->timed_calls = calls_of_block(rung, rung->timed->level[0].block);
    if (rung->bare->two_threads) {
        partner_wake(false);
    }
}

static uint64_t block_with_scopes(struct rung *rung, struct verify_counts counts[VERIFY_LEVELS_MAX])
{
    tare_stats before[VERIFY_LEVELS_MAX], after[VERIFY_LEVELS_MAX];
    take_counts(rung, before);
    uint64_t ns = run_block(rung, rung->timed->level[0].block, rung->timed_calls);
    take_counts(rung, after);
    for (unsigned i = 0; i < rung->timed->levels; i++) {
        const tare_stats *a = &before[rung->place[i]], *b = &after[rung->place[i]];
        counts[i].calls = b->calls - a->calls;
        counts[i].outermost = b->outermost - a->outermost;
        counts[i].ticks = b->total_ticks - a->total_ticks;
        counts[i].within = b->scopes_within - a->scopes_within;
        counts[i].closeness = b->closeness_within - a->closeness_within;
        counts[i].uncounted = b->uncounted_within - a->uncounted_within;
    }
    return ns;
}

static void blocks_without_scopes(struct rung *rung, bool reverse,
                                  struct verify_counts counts[VERIFY_LEVELS_MAX])
{
    unsigned levels = rung->bare->levels;
    for (unsigned i = 0; i < levels; i++) {
        unsigned level = reverse ? levels - 1 - i : i;
        counts[level].bare_calls = rung->bare_calls[level];
        counts[level].bare_ns = run_block(rung, rung->bare->level[level].block, rung->bare_calls[level]);
    }
}

/* Lines are made while nothing is measured, and written at once. */
static size_t pairs_of_rung(struct rung *rung, size_t number, uint32_t repetition, char *text)
{
    static struct verify_pair pairs[PAIRS];
    struct verify_counts unused[VERIFY_LEVELS_MAX];
    blocks_without_scopes(rung, false, unused); /* caches and predictors get to know the code again */
    block_with_scopes(rung, unused);
    for (unsigned i = 0; i < PAIRS; i++) {
        struct verify_pair *pair = &pairs[i];
        bool scopes_first = i % 2 != 0;
        if (scopes_first) {
            pair->timed_ns = block_with_scopes(rung, pair->level);
        }
        blocks_without_scopes(rung, scopes_first, pair->level);
        if (!scopes_first) {
            pair->timed_ns = block_with_scopes(rung, pair->level);
        }
        pair->timed_calls = rung->timed_calls;
    }
    size_t at = 0;
    for (unsigned i = 0; i < PAIRS; i++) {
        at += (size_t)snprintf(text + at, TEXT_MAX - at, "pair %zu %u %llu %llu", number, repetition,
                               (unsigned long long)pairs[i].timed_calls, (unsigned long long)pairs[i].timed_ns);
        for (unsigned level = 0; level < rung->bare->levels; level++) {
            const struct verify_counts *counts = &pairs[i].level[level];
            at +=
                (size_t)snprintf(text + at, TEXT_MAX - at, " %llu %llu %llu %llu %llu %llu %llu %llu",
                                 (unsigned long long)counts->bare_calls, (unsigned long long)counts->bare_ns,
                                 (unsigned long long)counts->calls, (unsigned long long)counts->outermost,
                                 (unsigned long long)counts->ticks, (unsigned long long)counts->within,
                                 (unsigned long long)counts->closeness, (unsigned long long)counts->uncounted);
        }
        text[at++] = '\n';
    }
    return at;
}

static void write_all(int fd, const char *text, size_t size)
{
    while (size != 0) {
        ssize_t n = write(fd, text, size);
        if (n < 0 && errno != EINTR) {
            die("cannot write", strerror(errno));
        }
        text += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
}

static void say_what_there_is(int fd, int cpu, const struct verify_sizes *sizes, const struct rung *rungs,
                              size_t count)
{
    static char text[VERIFY_RUNGS_MAX * VERIFY_LINE_MAX];
    size_t at = (size_t)snprintf(text, sizeof(text), "tare-rungs %d\ncpus %d %d\n", VERIFY_LINES_VERSION, cpu,
                                 partner.cpu);
    for (int i = VERIFY_MEMORY_L1; i < VERIFY_MEMORIES; i++) {
        if (sizes->bytes[i] != 0) {
            at += (size_t)snprintf(text + at, sizeof(text) - at, "ring %s %llu %s\n", verify_memory_names[i],
                                   (unsigned long long)sizes->bytes[i], sizes->known[i] ? "known" : "assumed");
        }
    }
    for (size_t i = 0; i < count; i++) {
        const struct verify_body *body = rungs[i].bare;
        at += (size_t)snprintf(text + at, sizeof(text) - at, "rung %s %s", body->name,
                               verify_class_names[body->class]);
        for (unsigned level = 0; level < body->levels; level++) {
            at += (size_t)snprintf(text + at, sizeof(text) - at, " %s", body->level[level].name);
        }
        text[at++] = '\n';
        if (rungs[i].skipped != NULL) {
            at += (size_t)snprintf(text + at, sizeof(text) - at, "skip %s %s\n", body->name, rungs[i].skipped);
        }
    }
    write_all(fd, text, at);
}

static uint32_t repeat(int fd, struct rung *rungs, size_t count, double until_ns)
{
    static char text[TEXT_MAX];
    double began_ns = (double)clock_raw_ns();
    for (uint32_t repetition = 0;; repetition++) {
        double now_ns = (double)clock_raw_ns();
        double each_ns = repetition != 0 ? (now_ns - began_ns) / repetition : 0;
        if (repetition >= REPETITIONS_MIN && now_ns + each_ns / 2 > until_ns) {
            return repetition;
        }
        for (size_t i = 0; i < count; i++) {
            if (rungs[i].skipped != NULL) {
                continue;
            }
            if (rungs[i].bare->two_threads) {
                partner_wake(true);
            }
            if (rungs[i].ring_bytes != 0 && rungs[i].bare->memory != VERIFY_MEMORY_MAIN) {
                rungs[i].value = verify_memory_walk(rungs[i].value, rungs[i].ring_bytes);
            }
            size_t size = pairs_of_rung(&rungs[i], i, repetition, text);
            if (rungs[i].bare->two_threads) {
                partner_wake(false);
            }
            write_all(fd, text, size);
        }
    }
}

/* Pins this thread to `cpu` (-1: where it is) and finds another processor for the second. */
static int choose_processors(int cpu)
{
    cpu_set_t allowed;
    bool known = sched_getaffinity(0, sizeof(allowed), &allowed) == 0;
    int first = cpu >= 0 ? cpu : sched_getcpu();
    if (first >= 0 && !pin(first)) {
        die("cannot run on that processor", strerror(errno));
    }
    for (int i = 0; known && first >= 0 && i < CPU_SETSIZE && partner.cpu < 0; i++) {
        partner.cpu = i != first && CPU_ISSET((size_t)i, &allowed) ? i : -1;
    }
    pthread_t thread;
    if (partner.cpu >= 0 && pthread_create(&thread, NULL, partner_main, NULL) != 0) {
        partner.cpu = -1;
    }
    return first;
}

static double number(const char *text, double min, double max)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= min && value <= max)) {
        die(text, "not such a number");
    }
    return value;
}

int main(int argc, char **argv)
{
    int fd = STDOUT_FILENO, cpu = -1, option;
    double time_s = 3;
    while ((option = getopt(argc, argv, "c:f:t:")) != -1) {
        switch (option) {
        case 'c':
            cpu = (int)number(optarg, 0, CPU_SETSIZE - 1);
            break;
        case 'f':
            fd = (int)number(optarg, 0, 1 << 20);
            break;
        case 't':
            time_s = number(optarg, 0, 1e6);
            break;
        default:
            optind = argc + 1;
        }
    }
    if (optind != argc) {
        fprintf(stderr, "usage: tare-rungs [-c CPU] [-f FD] [-t SECONDS]\n"
                        "Measured by 'tare verify', which makes figures of the lines that it writes.\n");
        return 2;
    }
    double until_ns = (double)clock_raw_ns() + time_s * 1e9;
    if (strcmp(tare_clock_name(), "none") == 0) {
        die("nothing can be measured", "there is no page");
    }
    static struct rung rungs[VERIFY_RUNGS_MAX];
    size_t count = 0;
    cpu = choose_processors(cpu);
    measure_pair(&verify_bare[0]);
    struct verify_sizes sizes = verify_memory_sizes(cpu >= 0 ? cpu : 0);
    for (; verify_bare[count].name != NULL; count++) {
        rungs[count].bare = &verify_bare[count];
        rungs[count].timed = &verify_timed[count];
        prepare(&rungs[count], &sizes);
    }
    say_what_there_is(fd, cpu, &sizes, rungs, count);
    uint32_t repetitions = repeat(fd, rungs, count, until_ns);
    char end[32];
    write_all(fd, end, (size_t)snprintf(end, sizeof(end), "end %u\n", repetitions));
    return 0;
}
