/* SPDX-License-Identifier: MIT */
/*
 * A program of 1,000 instruments that all count, to be watched while it works: bench/live/run.py. It does the
 * same again and again, and prints for each block of that when it ended (CLOCK_MONOTONIC, ns) and how long it
 * took. Ends when its output is closed, or after so many blocks.
 *
 *     watched [BLOCKS]
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <tare/tare.h>

TARE_MODULE("watched");

/* 10 x 10 x 8 counters, 10 x 10 gauges and as many histograms. */
#define TEN(X, p) X(p##0) X(p##1) X(p##2) X(p##3) X(p##4) X(p##5) X(p##6) X(p##7) X(p##8) X(p##9)
#define HUNDRED(X, p)                                                                                          \
    TEN(X, p##0)                                                                                               \
    TEN(X, p##1) TEN(X, p##2) TEN(X, p##3) TEN(X, p##4) TEN(X, p##5) TEN(X, p##6) TEN(X, p##7) TEN(X, p##8)    \
        TEN(X, p##9)
#define COUNTER(id) TARE_COUNTER(id);
#define GAUGE(id) TARE_GAUGE(id);
#define HISTOGRAM(id) TARE_HISTOGRAM(id, "ns");
HUNDRED(COUNTER, a)
HUNDRED(COUNTER, b) HUNDRED(COUNTER, c) HUNDRED(COUNTER, d) HUNDRED(COUNTER, e) HUNDRED(COUNTER, f)
    HUNDRED(COUNTER, g) HUNDRED(COUNTER, h) HUNDRED(GAUGE, level) HUNDRED(HISTOGRAM, size)

        static volatile unsigned long sink;

static unsigned long work(unsigned long n)
{
    unsigned long x = n;
    for (int i = 0; i < 200; i++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
    }
    return x;
}

#define ADD(id) TARE_ADD(id, i & 7);
#define SET(id) TARE_SET(id, (double)i);
#define RECORD(id) TARE_RECORD(id, x >> 44);

static void one_block(void)
{
    for (unsigned long i = 0; i < 1500; i++) {
        unsigned long x = 0;
        for (int k = 0; k < 100; k++) {
            x += work(i + (unsigned long)k);
        }
        sink = x;
        HUNDRED(ADD, a)
        HUNDRED(ADD, b) HUNDRED(ADD, c) HUNDRED(ADD, d) HUNDRED(ADD, e) HUNDRED(ADD, f) HUNDRED(ADD, g)
            HUNDRED(ADD, h) HUNDRED(SET, level) HUNDRED(RECORD, size)
    }
}

static unsigned long long now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (unsigned long long)now.tv_sec * 1000000000u + (unsigned long long)now.tv_nsec;
}

int main(int argc, char **argv)
{
    unsigned long blocks = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
    signal(SIGPIPE, SIG_IGN);
    for (unsigned long block = 0; blocks == 0 || block < blocks; block++) {
        unsigned long long begin = now_ns();
        one_block();
        unsigned long long end = now_ns();
        if (printf("%llu %llu\n", end, end - begin) < 0 || fflush(stdout) != 0) {
            break;
        }
    }
    return 0;
}
