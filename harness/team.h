/* SPDX-License-Identifier: MIT */
/*
 * Threads that wait for each other, over and over. Who waits spins for some microseconds, so that those on
 * processors of their own go on within some ten nanoseconds of each other, and then sleeps.
 */
#ifndef TARE_HARNESS_TEAM_H
#define TARE_HARNESS_TEAM_H

#include <stdbool.h>
#include <stdint.h>

struct team {
    uint32_t size, arrived, round, broken;
};

static inline void team_init(struct team *team, uint32_t size)
{
    *team = (struct team){.size = size};
}

/*
 * Returns when all have called it, true; or, from the moment that the team is broken, at once: false. What a
 * member wrote before it all see behind it.
 */
bool tare__bench_team_meet(struct team *team);

/* A member will not come any more. */
void tare__bench_team_break(struct team *team);

#endif
