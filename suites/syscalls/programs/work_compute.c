/* SPDX-License-Identifier: MIT */
/* Work without calls: what WebAssembly itself takes, behind which all else has to be seen. */
#include "work.h"

static uint64_t of(uint64_t n)
{
    return n < 2 ? n : of(n - 1) + of(n - 2);
}

/* The `arg`-th number, by recursion, beside its value by a loop. */
WORK(fibonacci)
{
    uint64_t a = 0, b = 1;
    for (uint64_t i = 0; i < arg; i++) {
        uint64_t next = a + b;
        a = b;
        b = next;
    }
    for (; n > 0; n--) {
        uint64_t number = arg;
        __asm__ volatile("" : "+r"(number)); /* unknown: not the same each time, for all that is known */
        CHECK(of(number) == a);
    }
    return 0;
}
