/* SPDX-License-Identifier: MIT */
/* The chains of chain.c. The value that goes in and comes out is of no interest, but keeps the calls in order. */
#ifndef TARE_BENCH_VERDICTS_CHAIN_H
#define TARE_BENCH_VERDICTS_CHAIN_H

#include <stdint.h>

#define CHAIN_NAME(steps) CHAIN_NAME_OF(steps)
#define CHAIN_NAME_OF(steps) verdicts_chain_##steps

uint64_t verdicts_chain_1000(uint64_t value);
uint64_t verdicts_chain_1005(uint64_t value);
uint64_t verdicts_chain_1010(uint64_t value);

#endif
