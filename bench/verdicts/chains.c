/* SPDX-License-Identifier: MIT */
/*
 * The chains without any harness, from the same objects as in the benchmarks:
 *
 *     bench-verdicts-chains run STEPS CALLS   calls the chain so often: for callgrind, and as a command
 *     bench-verdicts-chains truth SECONDS     what they take against each other, in lines
 *
 *         chain STEPS NS                        the median time of a call
 *         ratio STEPS MEDIAN LOW HIGH ROUNDS    to the chain of 1000, with a 99 % interval of the median
 *
 * For `truth` all three run in turns, some 0.1 ms each, in an order that is reversed from round to round: what
 * happens to the machine happens to all. The median over rounds leaves out those that something interrupted.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/verdicts/chain.h"

enum { CHAINS = 3, CALLS = 100, ROUNDS_MAX = 1 << 20 };

static const struct chain {
    unsigned steps;
    uint64_t (*call)(uint64_t value);
} chains[CHAINS] = {
    {1000, verdicts_chain_1000},
    {1005, verdicts_chain_1005},
    {1010, verdicts_chain_1010},
};

static volatile uint64_t sink;

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_RAW, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint64_t run(const struct chain *chain, uint64_t calls)
{
    uint64_t value = 1;
    uint64_t start_ns = now_ns();
    for (uint64_t i = 0; i < calls; i++) {
        value = chain->call(value);
    }
    uint64_t took_ns = now_ns() - start_ns;
    sink = value;
    return took_ns;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void truth(double seconds, double *ns[CHAINS], double *ratios)
{
    const uint64_t end_ns = now_ns() + (uint64_t)(seconds * 1e9);
    size_t rounds = 0;
    for (; rounds < ROUNDS_MAX && (rounds < 10 || now_ns() < end_ns); rounds++) {
        for (size_t i = 0; i < CHAINS; i++) {
            size_t turn = rounds % 2 == 0 ? i : CHAINS - 1 - i;
            ns[turn][rounds] = (double)run(&chains[turn], CALLS) / CALLS;
        }
    }
    for (size_t i = 1; i < CHAINS; i++) {
        for (size_t j = 0; j < rounds; j++) {
            ratios[j] = ns[i][j] / ns[0][j];
        }
        qsort(ratios, rounds, sizeof *ratios, ascending);
        /* Ranks of the median's interval by the normal approximation to the binomial: rounds are thousands. */
        double apart = 2.576 * sqrt((double)rounds) / 2;
        double low = floor((double)rounds / 2 - apart), high = ceil((double)rounds / 2 + apart);
        printf("ratio %u %.6f %.6f %.6f %zu\n", chains[i].steps, ratios[rounds / 2],
               ratios[low > 0 ? (size_t)low : 0], ratios[high < (double)rounds ? (size_t)high : rounds - 1],
               rounds);
    }
    for (size_t i = 0; i < CHAINS; i++) {
        qsort(ns[i], rounds, sizeof *ns[i], ascending);
        printf("chain %u %.3f\n", chains[i].steps, ns[i][rounds / 2]);
    }
}

static int measure_truth(double seconds)
{
    double *room = malloc((CHAINS + 1) * (size_t)ROUNDS_MAX * sizeof *room);
    if (room == NULL) {
        fputs("out of memory\n", stderr);
        return 1;
    }
    double *ns[CHAINS];
    for (size_t i = 0; i < CHAINS; i++) {
        ns[i] = room + (i + 1) * (size_t)ROUNDS_MAX;
    }
    truth(seconds, ns, room);
    free(room);
    return fflush(stdout) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    char *end = NULL;
    if (argc == 3 && strcmp(argv[1], "truth") == 0) {
        double seconds = strtod(argv[2], &end);
        if (end != argv[2] && *end == '\0' && seconds > 0 && seconds <= 3600) {
            return measure_truth(seconds);
        }
    }
    if (argc == 4 && strcmp(argv[1], "run") == 0) {
        unsigned long long calls = strtoull(argv[3], &end, 10);
        for (size_t i = 0; i < CHAINS && *end == '\0' && calls > 0; i++) {
            if (strtoul(argv[2], NULL, 10) == chains[i].steps) {
                run(&chains[i], calls);
                return 0;
            }
        }
    }
    fprintf(stderr, "usage: %s run 1000|1005|1010 CALLS\n       %s truth SECONDS\n", argv[0], argv[0]);
    return 2;
}
