/* SPDX-License-Identifier: MIT */
/*
 * The trampoline. A sandbox's import has a flat list of integers for a signature; behind it a call is one
 * object that is handed from layer to layer. The timer bears the name of the import, which is not an
 * identifier.
 */
#include "lind_common.h"

#include <tare/tare.h>

#include "threei.h"

TARE_MODULE("lind_common");
TARE_TIMER_NAMED(trampoline, "add_to_linker::make-syscall");

int64_t lind_make_syscall(uint64_t cage, uint64_t number, uint64_t arg1, uint64_t arg2, uint64_t arg3,
                          uint64_t arg4, uint64_t arg5, uint64_t arg6)
{
    TARE_SCOPE(trampoline);
    struct threei_call call = {
        .caller = cage,
        .cage = cage,
        .number = number,
        .args = {arg1, arg2, arg3, arg4, arg5, arg6},
    };
    return threei_make_syscall(&call);
}
