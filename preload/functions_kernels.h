/* SPDX-License-Identifier: MIT */
/* The functions with which each style is calibrated: functions_kernels.c. */
#ifndef TARE_PRELOAD_FUNCTIONS_KERNELS_H
#define TARE_PRELOAD_FUNCTIONS_KERNELS_H

#include "preload/functions_parts.h"

enum { FUNCTIONS_KERNELS = 9 };

struct functions_kernel {
    uintptr_t address;
    unsigned timer; /* of the runtime's TARE__KERNEL_TIMERS */
};

#define FUNCTIONS_KERNELS_OF(style)                                                                            \
    extern FUNCTIONS_HIDDEN const struct functions_kernel functions__kernel_list_##style[FUNCTIONS_KERNELS];   \
    extern FUNCTIONS_HIDDEN const struct tare__kernels functions__kernels_##style
FUNCTIONS_KERNELS_OF(cyg);
#if FUNCTIONS_CAN_RETURN
FUNCTIONS_KERNELS_OF(mcount);
FUNCTIONS_KERNELS_OF(fentry);
FUNCTIONS_KERNELS_OF(pads);
#endif

/* The bounds of all their code, which the linker gives. */
extern FUNCTIONS_HIDDEN const char __start_tare_kernels[], __stop_tare_kernels[];

/* functions_table.c: the runtime's timers for them. */
FUNCTIONS_HIDDEN void functions__bind(tare_timer *timers);

#endif
