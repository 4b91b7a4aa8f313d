/* SPDX-License-Identifier: MIT */
/*
 * Work for `make bench-profile`: twelve functions of different weight, some of them called through others, for about
 * so many seconds of processor time:
 *
 *     bench-profile-work SECONDS [DEPTH]
 *
 * DEPTH: each is called below so many frames of a recursion (default 0), so that stacks are deep.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static volatile uint64_t sink;

/* Each step waits for the one before it: the time is the steps', whatever the processor overlaps. */
#define WORK(name, steps)                                                                                      \
    __attribute__((noinline)) static void name(uint64_t value)                                                 \
    {                                                                                                          \
        for (int i = 0; i < (steps); i++) {                                                                    \
            value = value * 6364136223846793005u + 1442695040888963407u;                                       \
        }                                                                                                      \
        sink = sink + value;                                                                                   \
    }                                                                                                          \
    _Static_assert(1, "")

WORK(twenty, 20000);
WORK(seventeen, 17000);
WORK(fourteen, 14000);
WORK(eleven, 11000);
WORK(nine, 9000);
WORK(eight, 8000);
WORK(six, 6000);
WORK(five, 5000);
WORK(four, 4000);
WORK(three, 3000);
WORK(two, 2000);
WORK(one, 1000);

__attribute__((noinline)) static void upper(uint64_t value)
{
    twenty(value);
    eleven(value);
    eight(value);
    five(value);
    sink = sink + 1;
}

__attribute__((noinline)) static void lower(uint64_t value)
{
    seventeen(value);
    fourteen(value);
    nine(value);
    six(value);
    sink = sink + 1;
}

__attribute__((noinline)) static void rest(uint64_t value)
{
    four(value);
    three(value);
    two(value);
    one(value);
    sink = sink + 1;
}

__attribute__((noinline)) static void descend(unsigned depth, uint64_t value)
{
    if (depth != 0) {
        descend(depth - 1, value + depth);
    } else {
        upper(value);
        lower(value);
        rest(value);
    }
    sink = sink + depth; /* no sibling call */
}

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    char *end = NULL;
    double seconds = argc > 1 ? strtod(argv[1], &end) : 0;
    unsigned depth = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
    if (argc < 2 || *end != '\0' || !(seconds > 0) || depth > 1000) {
        fprintf(stderr, "usage: %s SECONDS [DEPTH]\n", argv[0]);
        return 2;
    }
    for (uint64_t round = 0; cpu_seconds() < seconds; round++) {
        descend(depth, round);
    }
    return 0;
}
