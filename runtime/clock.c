/* SPDX-License-Identifier: MIT */
/*
 * Which clock, and how fast it runs. The rate is never assumed: it is the distance of two anchors, readings of
 * the counter and of CLOCK_MONOTONIC_RAW at one instant, over a baseline that grows with the life of the
 * process.
 */
#include "runtime/clock.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

/*
 * A kernel that found the counter unreliable (by its watchdog, or because cores disagree) has left it for one
 * of these; then we do not trust it either. Linux, kernel/time/clocksource.c.
 */
static bool kernel_left_the_counter(void)
{
    char name[32];
    int fd = open("/sys/devices/system/clocksource/clocksource0/current_clocksource", O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    ssize_t n = read(fd, name, sizeof(name) - 1);
    close(fd);
    if (n <= 0) {
        return false;
    }
    name[n] = '\0';
    return strncmp(name, "hpet", 4) == 0 || strncmp(name, "acpi_pm", 7) == 0 ||
           strncmp(name, "jiffies", 7) == 0;
}

/*
 * A reading takes some tens of ns where it is an instruction and no more. What steps in costs more than the
 * rest of the hundred: on the VM of docs/cost.md, where `rdtscp` takes 20, an exception that the kernel
 * emulates (`sgdt` under UMIP) takes 640, a signal handler that does so 2300, an exit into the hypervisor
 * (`cpuid`) 4100. The half more is for the steps of CLOCK_MONOTONIC_RAW, up to 100 ns at 10 MHz, spread over a
 * batch.
 */
enum { DEAR_NS = 150 };

enum { BATCHES = 4, READINGS_IN_BATCH = 4 };

/* What one call of clock_raw_ns() takes, the least of some batches. */
static uint64_t clock_cost_ns(void)
{
    uint64_t least = UINT64_MAX;
    for (int batch = 0; batch < BATCHES; batch++) {
        uint64_t before = clock_raw_ns();
        for (int i = 0; i < READINGS_IN_BATCH; i++) {
            clock_raw_ns();
        }
        uint64_t taken = clock_raw_ns() - before;
        least = taken < least ? taken : least;
    }
    return least / (READINGS_IN_BATCH + 1);
}

/* What a batch of readings takes, the least of some; the first that is cheap will do. */
static uint64_t counter_batch_ns(uint32_t kind)
{
    uint64_t least = UINT64_MAX;
    for (int batch = 0; batch < BATCHES && least > DEAR_NS * READINGS_IN_BATCH; batch++) {
        uint64_t before = clock_raw_ns();
        for (int i = 0; i < READINGS_IN_BATCH; i++) {
            clock_stop(kind);
        }
        uint64_t taken = clock_raw_ns() - before;
        least = taken < least ? taken : least;
    }
    return least;
}

enum tare__counter tare__clock_judge(uint64_t counter_ns, uint64_t clock_ns)
{
    if (counter_ns <= DEAR_NS) {
        return TARE__COUNTER_DIRECT;
    }
    /* A quarter: two that cost the same, as the clock reads the counter, do not take turns by chance. */
    return counter_ns > clock_ns + clock_ns / 4 ? TARE__COUNTER_AVOIDED : TARE__COUNTER_DEAR;
}

enum tare__counter tare__clock_counter(uint32_t kind)
{
    uint64_t batch_ns = counter_batch_ns(kind);
    if (batch_ns <= DEAR_NS * READINGS_IN_BATCH) {
        return TARE__COUNTER_DIRECT;
    }
    uint64_t clock_ns = clock_cost_ns(); /* of which one lies in the batch */
    return tare__clock_judge((batch_ns > clock_ns ? batch_ns - clock_ns : 0) / READINGS_IN_BATCH, clock_ns);
}

uint32_t tare__clock_choose(uint32_t wanted, bool *counter_traps)
{
    bool reads_counter = wanted == TARE_CLOCK_TSC || wanted == TARE_CLOCK_TSC_ORDERED;
    bool usable = ARCH_HAS_COUNTER && arch_counter_usable(); /* once: CPUID alone takes µs in a VM */
    enum tare__counter counter =
        usable ? tare__clock_counter(reads_counter ? wanted : TARE_CLOCK_TSC_ORDERED) : TARE__COUNTER_AVOIDED;
    *counter_traps = usable && counter != TARE__COUNTER_DIRECT;
    if (wanted == TARE_CLOCK_CLOCK || (reads_counter && usable)) {
        return wanted;
    }
    bool fit = usable && counter != TARE__COUNTER_AVOIDED && arch_counter_invariant();
    return fit && !kernel_left_the_counter() ? TARE_CLOCK_TSC_ORDERED : TARE_CLOCK_CLOCK;
}

uint32_t tare__clock_default(void)
{
    bool counter_traps;
    return tare__clock_choose(TARE_CLOCK_NONE, &counter_traps);
}

bool tare__clock_usable(uint32_t kind)
{
    switch (kind) {
    case TARE_CLOCK_CLOCK:
        return true;
    case TARE_CLOCK_TSC:
    case TARE_CLOCK_TSC_ORDERED:
        return ARCH_HAS_COUNTER && arch_counter_usable();
    default:
        return false;
    }
}

static const char *const names[] = {
    [TARE_CLOCK_NONE] = "none",
    [TARE_CLOCK_TSC_ORDERED] = "tsc-ordered",
    [TARE_CLOCK_TSC] = "tsc",
    [TARE_CLOCK_CLOCK] = "clock",
};

const char *tare__clock_name(uint32_t kind)
{
    return kind < sizeof(names) / sizeof(names[0]) ? names[kind] : names[TARE_CLOCK_NONE];
}

uint32_t tare__clock_parse(const char *name)
{
    for (uint32_t kind = TARE_CLOCK_TSC_ORDERED; kind <= TARE_CLOCK_CLOCK; kind++) {
        if (strcmp(name, names[kind]) == 0) {
            return kind;
        }
    }
    return TARE_CLOCK_NONE;
}

struct tare_anchor tare__clock_anchor(uint32_t kind)
{
    enum { TRIES = 8 };
    struct tare_anchor best = {0, 0, UINT64_MAX};
    if (kind == TARE_CLOCK_CLOCK || kind == TARE_CLOCK_NONE) {
        best.raw_ns = clock_raw_ns();
        best.ticks = best.raw_ns;
        best.bracket_ns = 0;
        return best;
    }
    for (int i = 0; i < TRIES; i++) {
        uint64_t before = clock_raw_ns();
        uint64_t ticks = clock_stop(kind);
        uint64_t after = clock_raw_ns();
        if (after - before < best.bracket_ns) {
            best.bracket_ns = after - before;
            best.ticks = ticks;
            best.raw_ns = before + (after - before) / 2;
        }
    }
    return best;
}

/*
 * Readings at uneven distances differ by multiples of the step; a few do not, where the hardware corrects the
 * counter. So: the largest step that divides nine tenths of the differences.
 */
uint64_t tare__clock_grain(uint32_t kind)
{
    enum { READINGS = 64, LARGEST = 128 };
    uint32_t differences[READINGS];
    uint64_t before = clock_stop(kind), chain = 1;
    for (unsigned i = 0; i < READINGS; i++) {
        for (unsigned step = 0; step < i * 7 % 31; step++) {
            chain = chain * 6364136223846793005u + 1;
            __asm__ volatile("" : "+r"(chain));
        }
        uint64_t now = clock_stop(kind);
        differences[i] = (uint32_t)(now - before);
        before = now;
    }
    for (uint32_t step = LARGEST; step > 1; step--) {
        unsigned multiples = 0;
        for (unsigned i = 0; i < READINGS; i++) {
            multiples += differences[i] % step == 0;
        }
        if (multiples >= READINGS * 9 / 10) {
            return step;
        }
    }
    return 1;
}

uint64_t tare__clock_rate(uint32_t kind, const struct tare_anchor *first, const struct tare_anchor *last,
                          uint64_t *error_ppb)
{
    if (kind == TARE_CLOCK_CLOCK) {
        *error_ppb = 0;
        return 1000000000u;
    }
    *error_ppb = UINT64_MAX;
    if (last->raw_ns <= first->raw_ns || last->ticks <= first->ticks) {
        return 0;
    }
    uint64_t baseline = last->raw_ns - first->raw_ns;
    /* Each reading lies anywhere in its bracket: together at most half of both is what they are off. */
    uint64_t off_ns = (first->bracket_ns + last->bracket_ns + 1) / 2;
    *error_ppb =
        off_ns >= baseline ? 1000000000u : (uint64_t)((unsigned __int128)off_ns * 1000000000u / baseline);
    return (uint64_t)((unsigned __int128)(last->ticks - first->ticks) * 1000000000u / baseline);
}
