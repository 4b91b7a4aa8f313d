/* SPDX-License-Identifier: MIT */
/* A function in C++ that fails, for benchmarks in C. */
#include <tare/bench.h>

extern "C" void require_in_cxx(int x);

extern "C" void require_in_cxx(int x)
{
    tare_require(x < 3 && "in C++");
}
