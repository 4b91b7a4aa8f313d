/* SPDX-License-Identifier: MIT */
/* What a table of descriptors takes, empty and full: the lowest free number has to be found each time. */
#include "work.h"

enum { HOLD_MAX = 1024 };

static int held[HOLD_MAX];
static unsigned held_count;

/* Duplicates of descriptor 0 until `arg` are held. */
WORK(fd_hold)
{
    (void)n;
    CHECK(arg <= HOLD_MAX);
    while (held_count < arg) {
        int64_t fd = call_dup(0);
        CHECK(fd >= 0);
        held[held_count++] = (int)fd;
    }
    return 0;
}

WORK(fd_dup_close)
{
    (void)arg;
    for (; n > 0; n--) {
        int64_t fd = call_dup(0);
        CHECK(fd > 0);
        CHECK(call_close((int)fd) == 0);
    }
    return 0;
}

/* Fills the table until it is full, of which the caller has seen to it that this happens at HOLD_MAX, and empties it. */
WORK(fd_fill)
{
    (void)arg;
    for (; n > 0; n--) {
        int64_t fd, last = -1;
        unsigned count = 0;
        while ((fd = call_dup(0)) >= 0) {
            CHECK(fd > last && fd < HOLD_MAX); /* always the lowest that is free */
            held[count++] = (int)(last = fd);
        }
        CHECK(fd == -WORK_EMFILE && last == HOLD_MAX - 1);
        while (count > 0) {
            CHECK(call_close(held[--count]) == 0);
        }
    }
    return 0;
}

WORK(fd_release)
{
    (void)n;
    (void)arg;
    while (held_count > 0) {
        CHECK(call_close(held[--held_count]) == 0);
    }
    return 0;
}
