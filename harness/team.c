/* SPDX-License-Identifier: MIT */
/* A barrier that counts its rounds. pthread's takes a lock, and cannot be given up. */
#include "harness/team.h"

#include <limits.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/atomic.h"

enum {
    SPINS = 2000, /* some 20 us, which a futex takes, too */
    SLEEP =
        0 | 128, /* FUTEX_WAIT_PRIVATE and FUTEX_WAKE_PRIVATE of <linux/futex.h>, which does not stand among */
    WAKE = 1 | 128, /* musl's headers */
};

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void next_round(struct team *team)
{
    fetch_add_acq_rel(&team->round, 1); /* pairs with the load_acquire of those who wait */
    syscall(SYS_futex, &team->round, WAKE, INT_MAX, NULL, NULL, 0);
}

bool tare__bench_team_meet(struct team *team)
{
    uint32_t round = load_acquire(&team->round);
    if (load_acquire(&team->broken)) {
        return false;
    }
    if (fetch_add_acq_rel(&team->arrived, 1) + 1 == team->size) {
        store_relaxed(&team->arrived, 0);
        next_round(team);
        return !load_acquire(&team->broken);
    }
    for (int spin = 0; load_acquire(&team->round) == round; spin++) {
        if (spin < SPINS) {
            relax();
        } else {
            syscall(SYS_futex, &team->round, SLEEP, round, NULL, NULL, 0);
        }
    }
    return !load_acquire(&team->broken);
}

void tare__bench_team_break(struct team *team)
{
    store_release(&team->broken, 1);
    next_round(team);
}
