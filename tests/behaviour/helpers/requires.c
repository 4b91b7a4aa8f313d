/* SPDX-License-Identifier: MIT */
/* A function in C that fails, for benchmarks in C++. */
#include <tare/bench.h>

void require_in_c(int x);

void require_in_c(int x)
{
    tare_require(x < 3 && "in C");
}
