/* SPDX-License-Identifier: MIT */
/*
 * Calls in which the kernel has next to nothing to do: what is left is the way there. By lind.make_syscall, and by the
 * functions of WASI that libc uses, which go the same way behind their first step.
 */
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "work.h"

WORK(null_call)
{
    (void)arg;
    int64_t expected = call_geteuid();
    CHECK(expected >= 0);
    for (; n > 0; n--) {
        CHECK(call_geteuid() == expected);
    }
    return 0;
}

WORK(close_bad)
{
    (void)arg;
    for (; n > 0; n--) {
        CHECK(call_close(-1) == -WORK_EBADF);
    }
    return 0;
}

WORK(close_wasi)
{
    (void)arg;
    for (; n > 0; n--) {
        CHECK(close(-1) == -1 && errno == EBADF);
    }
    return 0;
}

WORK(clock_wasi)
{
    (void)arg;
    struct timespec before, now;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &before) == 0);
    for (; n > 0; n--) {
        CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
        CHECK(now.tv_sec > before.tv_sec || (now.tv_sec == before.tv_sec && now.tv_nsec >= before.tv_nsec));
        before = now;
    }
    return 0;
}
