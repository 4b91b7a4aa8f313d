/* SPDX-License-Identifier: MIT */
/*
 * Takes descriptors until there are no more, in each way that there is, and gives them back: as many as a cage has, and the
 * host is none the poorer. Exit code: 0, or the number of the check that failed.
 */
#include <stdbool.h>
#include <stdint.h>

__attribute__((import_module("lind"), import_name("make_syscall"))) int64_t make_syscall(int64_t number,
                                                                                         int64_t a, int64_t b,
                                                                                         int64_t c, int64_t d,
                                                                                         int64_t e, int64_t f);

enum { CLOSE = 3, PIPE = 22, DUP = 32, SOCKETPAIR = 53, ENFILE = 23, EMFILE = 24, MOST = 1024 };

static int32_t fds[2 * MOST];

static int64_t fill(int way)
{
    int64_t count = 0, result = 0;
    while (count <= MOST) {
        int64_t to = (int64_t)(uintptr_t)(fds + count);
        if (way == 0) {
            result = make_syscall(DUP, 0, 0, 0, 0, 0, 0);
            fds[count] = (int32_t)result;
        } else {
            result =
                way == 1 ? make_syscall(PIPE, to, 0, 0, 0, 0, 0) : make_syscall(SOCKETPAIR, 1, 1, 0, to, 0, 0);
        }
        if (result < 0) {
            break;
        }
        count += way == 0 ? 1 : 2;
    }
    int64_t taken = count;
    while (count > 0) {
        if (make_syscall(CLOSE, fds[--count], 0, 0, 0, 0, 0) != 0) {
            return -1;
        }
    }
    bool full = result == -EMFILE || (way != 0 && result == -ENFILE);
    return full && taken <= MOST ? taken : -1;
}

int main(void)
{
    for (int i = 0; i < 3; i++) {
        if (fill(0) < MOST - 16) {
            return 1; /* some are open from the beginning */
        }
        /* Those are the cage's alone; these are the host's, too, whose limit may be lower: then it is ENFILE. */
        if (fill(1) <= 0 || fill(2) <= 0) {
            return 2;
        }
    }
    return 0;
}
