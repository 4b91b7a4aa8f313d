/* SPDX-License-Identifier: MIT */
/*
 * calls [WORKLOAD [N]]: runs a workload of work.h N times (1,000,000) and says what one iteration took by the clock. The plain
 * program for `lind-boot --perf calls.wasm close_bad 1000000`, and the same natively: no machinery around it, so no interval
 * either; tare suite syscalls measures.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "work.h"

#ifndef __wasm__
int work_place = AT_FDCWD;
#endif

/* Those that need neither a file nor a second party. */
#define PLAIN(X) X(null_call) X(close_bad) X(close_wasi) X(clock_wasi) X(fd_dup_close) X(fibonacci)
#define DECLARE(name) work_function work_##name;
PLAIN(DECLARE)

static const struct {
    const char *name;
    work_function *function;
} works[] = {
#define ENTRY(name) {#name, work_##name},
    PLAIN(ENTRY)};

static int usage(void)
{
    fprintf(stderr, "usage: calls [WORKLOAD [N]]; workloads:");
    for (size_t i = 0; i < sizeof(works) / sizeof(works[0]); i++) {
        fprintf(stderr, " %s", works[i].name);
    }
    fputc('\n', stderr);
    return 2;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "close_bad", *digits = argc > 2 ? argv[2] : "1000000";
    work_function *function = NULL;
    for (size_t i = 0; i < sizeof(works) / sizeof(works[0]); i++) {
        function = strcmp(works[i].name, name) == 0 ? works[i].function : function;
    }
    char *rest;
    unsigned long long n = strtoull(digits, &rest, 10);
    if (function == NULL || argc > 3 || *digits < '0' || *digits > '9' || *rest != '\0' || n == 0 ||
        n > 1000000000000) {
        return usage();
    }
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    int64_t line = function((uint64_t)n, 15);
    clock_gettime(CLOCK_MONOTONIC, &end);
    if (line != 0) {
        fprintf(stderr, "calls: %s: a check failed in line %lld of its source\n", name, (long long)line);
        return 1;
    }
    double ns = (double)(end.tv_sec - begin.tv_sec) * 1e9 + (double)(end.tv_nsec - begin.tv_nsec);
    printf("%s: %llu times, %.1f ns each\n", name, n, ns / (double)n);
    return fflush(stdout) == 0 ? 0 : 1;
}
