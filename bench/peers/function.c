/* SPDX-License-Identifier: MIT */
/* A function that uftrace traces when this is compiled with -pg: what one traced call costs. */
#include "loop.h"

__attribute__((noinline)) void traced(int i);
void traced(int i)
{
    __asm__ volatile("" : : "r"(i));
}

__attribute__((no_instrument_function)) int main(void)
{
    peer_print(traced);
    return 0;
}
