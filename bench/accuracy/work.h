/* SPDX-License-Identifier: MIT */
/*
 * The work of the rungs, for C and C++: the chains, the system call and the call tree that `tare verify`
 * measures under the same names (verify/bodies.c). Each step needs the one before and passes through an empty
 * asm statement that could change the value, so that none is left out or done in advance.
 */
#ifndef TARE_BENCH_ACCURACY_WORK_H
#define TARE_BENCH_ACCURACY_WORK_H

#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OPAQUE(value) __asm__ volatile("" : "+r"(value))

/* A multiplication and an addition (Knuth's MMIX generator): some 4 cycles. */
#define STEP                                                                                                   \
    value = value * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);                             \
    OPAQUE(value);
#define STEPS_5 STEP STEP STEP STEP STEP
#define STEPS_10 STEPS_5 STEPS_5
#define STEPS_20 STEPS_10 STEPS_10
#define STEPS_50 STEPS_20 STEPS_20 STEPS_10
#define STEPS_100 STEPS_50 STEPS_50

#define HUNDREDS(times)                                                                                        \
    for (unsigned hundred = 0; hundred < (times); hundred++) {                                                 \
        STEPS_100                                                                                              \
    }

#define WORK_chain_5 STEPS_5
#define WORK_chain_10 STEPS_10
#define WORK_chain_20 STEPS_20
#define WORK_chain_50 STEPS_50
#define WORK_chain_200 HUNDREDS(2)
#define WORK_chain_1k HUNDREDS(10)
#define WORK_system_call                                                                                       \
    value += (uint64_t)syscall(SYS_getppid);                                                                   \
    OPAQUE(value);

/* Each level calls the next, which is a function of its own, and has work of its own between the calls. */
#define WORK_nest_d STEPS_20
#define WORK_nest_c                                                                                            \
    STEPS_10 value = nest_d(value);                                                                            \
    STEPS_20 value = nest_d(value);                                                                            \
    STEPS_10
#define WORK_nest_b                                                                                            \
    STEPS_20 value = nest_c(value);                                                                            \
    STEPS_10 value = nest_c(value);                                                                            \
    STEPS_10 value = nest_c(value);                                                                            \
    STEPS_20
#define WORK_nest_a                                                                                            \
    STEPS_10 value = nest_b(value);                                                                            \
    STEPS_20 value = nest_b(value);                                                                            \
    STEPS_10

#endif
