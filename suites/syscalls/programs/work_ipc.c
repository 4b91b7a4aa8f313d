/* SPDX-License-Identifier: MIT */
/*
 * A byte that two parties throw to and fro. One has the two channels, and tells their descriptors; the other runs
 * pingpong_echo with them, in a thread of its own: natively of the same process, sandboxed in a cage that was forked from
 * the first one. The last byte ends it, so that nobody has to close what the other still uses.
 */
#include "work.h"

enum { BALL = 'b', LAST = 'l' };

/* What one side reads and writes: [0] is the first one's. */
static int32_t in[2], out[2];

/* arg 0: pipes; 1: socketpair */
WORK(pingpong_begin)
{
    (void)n;
    int32_t one[2], two[2];
    if (arg == 0) {
        CHECK(call_pipe(one) == 0);
        CHECK(call_pipe(two) == 0);
        in[0] = one[0];
        out[1] = one[1];
        in[1] = two[0];
        out[0] = two[1];
    } else {
        CHECK(call_socketpair(one) == 0);
        in[0] = out[0] = one[0];
        in[1] = out[1] = one[1];
    }
    return 0;
}

/* What the other needs to know. No line of the source: a descriptor it has to read from, and << 16 one to write to. */
WORK(pingpong_descriptors)
{
    (void)n;
    (void)arg;
    return (int64_t)in[1] | (int64_t)out[1] << 16;
}

WORK(pingpong)
{
    (void)arg;
    char byte = BALL;
    for (; n > 0; n--) {
        CHECK(call_write(out[0], &byte, 1) == 1);
        CHECK(call_read(in[0], &byte, 1) == 1);
    }
    CHECK(byte == BALL);
    return 0;
}

WORK(pingpong_echo)
{
    (void)n;
    int from = (int)(arg & 0xffff), to = (int)(arg >> 16);
    for (char byte = BALL; byte != LAST;) {
        CHECK(call_read(from, &byte, 1) == 1);
        CHECK(byte == BALL || byte == LAST);
        CHECK(call_write(to, &byte, 1) == 1);
    }
    return 0;
}

/* When this returns, the other has answered for the last time. */
WORK(pingpong_end)
{
    (void)n;
    (void)arg;
    char byte = LAST;
    CHECK(call_write(out[0], &byte, 1) == 1);
    CHECK(call_read(in[0], &byte, 1) == 1);
    CHECK(byte == LAST);
    CHECK(call_close(in[0]) == 0);
    CHECK(in[0] == out[0] || call_close(out[0]) == 0);
    CHECK(call_close(in[1]) == 0);
    CHECK(in[1] == out[1] || call_close(out[1]) == 0);
    return 0;
}
