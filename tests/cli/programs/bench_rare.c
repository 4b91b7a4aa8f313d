/* SPDX-License-Identifier: MIT */
/* Work that comes rarely, and a loop of nothing in a process that is never twice the same, for bench.bats. */
#include <sys/syscall.h>
#include <unistd.h>

#include <tare/bench.h>

static void work(uint64_t steps)
{
    static uint64_t value;
    for (uint64_t i = 0; i < steps; i++) {
        value = value * 6364136223846793005u + 1;
        tare_forget(value);
    }
}

/* About a millisecond more in each 65536th iteration: most samples have none of it. */
TARE_BENCH(rarely)
{
    uint64_t count = 0;
    TARE_EACH(b)
    {
        work(++count % 65536 == 0 ? 1000000 : 20);
    }
}

/* Of the calls behind it, another number in each process, none is the loop's. */
TARE_BENCH(nothing)
{
    TARE_EACH(b)
    {
    }
    for (int i = getpid() % 5; i > 0; i--) {
        tare_keep(syscall(SYS_getppid));
    }
}

TARE_BENCH_MAIN();
