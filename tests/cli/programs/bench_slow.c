/* SPDX-License-Identifier: MIT */
/* Benchmarks whose iterations are long, for bench.bats; each is a line of the file "log". */
#include <stdio.h>
#include <unistd.h>

#include <tare/bench.h>

TARE_BENCH(slow)
{
    TARE_EACH(b)
    {
        FILE *log = fopen("log", "a");
        if (log != NULL) {
            fputs("slow\n", log);
            fclose(log);
        }
        usleep(50000);
    }
}

TARE_BENCH_MAIN();
