/* SPDX-License-Identifier: MIT */
/*
 * bench-own: benchmarks of tare's own hot readers, small and fast, whose history scripts/perf-history.sh keeps: a page
 * (page.c), a result (json.c), quantiles, summaries and change points (numbers.c). Inputs are made up and the same in
 * every run. A benchmark that changes its work gets another name: else its history shows a step that nobody made.
 */
#include <stdlib.h>
#include <string.h>

#include <tare/bench.h>

#include "bench/own/own.h"

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "page") == 0) {
        own_page_fill(atoi(argv[2]), (unsigned)atoi(argv[3]));
    }
    return tare_bench_main(argc, argv);
}
