/* SPDX-License-Identifier: MIT */
/*
 * A wrapper of a disabled timer is nearly free. Measures a pair of malloc and free, by turns in one process:
 * straight into libc, through the wrappers while they are disabled, and while they are enabled. Prints the
 * medians, which docs/libc-timers.md quotes; asserts, with much slack, only that the disabled wrappers cost
 * less than the pair itself.
 */
#include <time.h>

#include "tests/behaviour/libc_preload.h"

enum { ROUNDS = 41, PAIRS = 20000 };

typedef void *get_function(size_t);
typedef void give_back_function(void *);

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double pair_ns(get_function *volatile get, give_back_function *volatile give_back)
{
    struct timespec start, stop;
    clock_gettime(CLOCK_MONOTONIC_RAW, &start);
    for (int i = 0; i < PAIRS; i++) {
        give_back(get(64));
    }
    clock_gettime(CLOCK_MONOTONIC_RAW, &stop);
    return ((double)(stop.tv_sec - start.tv_sec) * 1e9 + (double)(stop.tv_nsec - start.tv_nsec)) / PAIRS;
}

int main(int argc, char **argv)
{
    (void)argc;
    preload_self(argv);
    void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
    get_function *get = NULL;
    give_back_function *give_back = NULL;
    if (libc != NULL) {
        *(void **)&get = dlsym(libc, "malloc");
        *(void **)&give_back = dlsym(libc, "free");
    }
    if (get == NULL || give_back == NULL) {
        printf("not ok: libc's own malloc and free cannot be found\n");
        return 1;
    }
    static double plain[ROUNDS], disabled[ROUNDS], enabled[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        plain[i] = pair_ns(get, give_back);
        disabled[i] = pair_ns(malloc, free);
        tare_enable("libc::malloc,libc::free");
        enabled[i] = pair_ns(malloc, free);
        tare_disable("*");
    }
    qsort(plain, ROUNDS, sizeof(double), compare);
    qsort(disabled, ROUNDS, sizeof(double), compare);
    qsort(enabled, ROUNDS, sizeof(double), compare);
    const int middle = ROUNDS / 2;
    printf("a pair of malloc and free: %.1f ns in libc, %.1f ns with disabled timers (x %.2f), "
           "%.1f ns with enabled timers (x %.1f)\n",
           plain[middle], disabled[middle], disabled[middle] / plain[middle], enabled[middle],
           enabled[middle] / plain[middle]);
    unsigned long calls = (unsigned long)stats_of("malloc").calls;
    CHECK(calls == (unsigned long)ROUNDS * PAIRS, "%lu", calls);
    CHECK(disabled[middle] < 2 * plain[middle] + 5, "%.1f ns and %.1f ns", plain[middle], disabled[middle]);
    return failures != 0;
}
