/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "harness/harness.h"

int tare_bench_main(int argc, char **argv)
{
    const char *drive = getenv("TARE_BENCH_DRIVE");
    return drive != NULL ? tare__bench_drive(drive) : tare__bench_alone(argc, argv);
}
