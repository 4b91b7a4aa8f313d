/* SPDX-License-Identifier: MIT */
/* The loop of the disabled-scope row, compiled twice: with the library's macros, and with TARE_DISABLE. */
#ifndef TARE_BENCH_COST_LOOP_H
#define TARE_BENCH_COST_LOOP_H

#include <stdint.h>

/* A short dependent chain for each of n iterations, with a scope around it; returns what it computed. */
uint64_t cost_loop_with(uint64_t n);
uint64_t cost_loop_without(uint64_t n);

#endif
