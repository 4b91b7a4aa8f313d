/* SPDX-License-Identifier: MIT */
/*
 * Calls with addresses that are not all in this memory, sizes that wrap around, counts that are too large: each has to be
 * refused with an errno, and the memory around has to be as it was. Exit code: 0, or the number of the check that failed.
 */
#include <stddef.h>
#include <stdint.h>

__attribute__((import_module("lind"), import_name("make_syscall"))) int64_t make_syscall(int64_t number,
                                                                                         int64_t a, int64_t b,
                                                                                         int64_t c, int64_t d,
                                                                                         int64_t e, int64_t f);

enum { READ = 0, WRITE = 1, OPEN = 2, STAT = 4, POLL = 7, READV = 19, WRITEV = 20, PIPE = 22, SOCKETPAIR = 53 };
enum { GETDENTS = 78, RENAME = 82, READLINK = 89, CLOCK_GETTIME = 228, GETRANDOM = 318, PATH_OPEN = 400 };

static int64_t call(int64_t number, int64_t a, int64_t b, int64_t c, int64_t d)
{
    return make_syscall(number, a, b, c, d, 0, 0);
}

int main(void)
{
    int64_t end = (int64_t)__builtin_wasm_memory_size(0) * 65536;
    const int64_t outside[] = {end, end - 1, end + 1, 0xffffffff, 0x100000000, INT64_MAX, INT64_MIN, -1, -4096};
    int32_t fds[2];
    struct {
        uint32_t base, length;
    } vector[2] = {{(uint32_t)(uintptr_t)fds, 4}, {0xfffffff0, 0x20}};
    int64_t address = (int64_t)(uintptr_t)vector;
    if (make_syscall(PIPE, (int64_t)(uintptr_t)fds, 0, 0, 0, 0, 0) != 0) {
        return 1;
    }
    for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
        int64_t to = outside[i];
        if (call(WRITE, fds[1], to, 16, 0) >= 0) {
            return 2; /* something that is not ours would be in the pipe */
        }
        if (call(READV, fds[0], to, 2, 0) >= 0 || call(WRITEV, fds[1], to, 2, 0) >= 0) {
            return 3;
        }
        if (call(OPEN, to, 0, 0, 0) >= 0 || call(STAT, to, to, 0, 0) >= 0 || call(RENAME, to, to, 0, 0) >= 0) {
            return 4;
        }
        if (call(PIPE, to, 0, 0, 0) >= 0 || call(SOCKETPAIR, 1, 1, 0, to) >= 0) {
            return 5;
        }
        if (call(POLL, to, 8, 0, 0) >= 0 || call(CLOCK_GETTIME, 1, to, 0, 0) >= 0 ||
            call(GETRANDOM, to, 16, 0, 0) >= 0) {
            return 6;
        }
        if (call(PATH_OPEN, -100, to, 16, 0) >= 0 || call(READLINK, to, to, 16, 0) >= 0 ||
            call(GETDENTS, fds[0], to, 64, 0) >= 0) {
            return 7;
        }
    }
    /* A begin within, and an end far away. */
    const int64_t sizes[] = {end, 0xffffffff, 0x100000000, INT64_MAX, -1};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        if (call(WRITE, fds[1], address, sizes[i], 0) >= 0 ||
            call(PATH_OPEN, -100, address, sizes[i], 0) >= 0 || call(POLL, address, sizes[i], 0, 0) >= 0 ||
            call(WRITEV, fds[1], address, sizes[i], 0) >= 0 || call(GETRANDOM, address, sizes[i], 0, 0) >= 0) {
            return 8;
        }
    }
    if (call(WRITEV, fds[1], address, 2, 0) > 4) {
        return 9; /* its second part is not in the memory: all is refused, or the first part alone is written */
    }
    const int64_t numbers[] = {-1, 511, 512, 100000, INT64_MAX, INT64_MIN, 57, 60, 59, 9, 11, 101};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (numbers[i] != 60 && numbers[i] != 57 && call(numbers[i], 0, 0, 0, 0) >= 0) {
            return 10; /* no such call */
        }
    }
    return 0;
}
