/* SPDX-License-Identifier: MIT */
/* What the ready-made sets of instruments (tare/set.h) need of the library. */
#include <math.h>
#include <stdbool.h>
#include <time.h>

#include <tare/set.h>

#include "runtime/atomic.h"

uint64_t tare__now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/*
 * How often the compiler was switched on or off. It counts, so that who tells a gauge can see whether there
 * was a switch in between, also one there and back. Who switches adds to it before telling the gauges, who
 * tells a gauge looks again after that; both by an atomic read-modify-write, so that one of them sees what the
 * other has done.
 */
uint32_t tare__jit_switches;

static uint32_t switches_after(void)
{
    return fetch_add_acq_rel(&tare__jit_switches, 0);
}

/* Also one that is disabled, as what it says must be true once somebody enables it. */
static void tell(tare_instrument *gauge, double value)
{
    if (load_relaxed(&gauge->timer.enabled) != &tare__never) {
        tare__set(gauge, value);
    }
}

void tare__jit_tell(tare_instrument *gauge, double value)
{
    uint32_t seen = load_acquire(&tare__jit_switches), now;
    if ((seen & 1) != 0) {
        return;
    }
    tare__set(gauge, value);
    while ((now = switches_after()) != seen) {
        seen = now;
        tare__set(gauge, (seen & 1) != 0 ? 0 : NAN);
    }
}

void tare__jit_switch(int enabled, tare_instrument *state, tare_instrument *capacity, tare_instrument *used)
{
    uint32_t seen = load_acquire(&tare__jit_switches), now;
    bool switched = false;
    while (((seen & 1) == 0) != (enabled != 0) && !switched) {
        switched = cas32_acq_rel(&tare__jit_switches, seen, seen + 1);
        seen = switched ? seen + 1 : load_acquire(&tare__jit_switches);
    }
    for (;;) {
        bool off = (seen & 1) != 0;
        tell(state, off ? 0 : 1);
        if (off || switched) {
            tell(capacity, off ? 0 : NAN);
            tell(used, off ? 0 : NAN);
        }
        if ((now = switches_after()) == seen) {
            return;
        }
        seen = now;
        switched = true;
    }
}
