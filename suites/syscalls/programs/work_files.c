/* SPDX-License-Identifier: MIT */
/*
 * Reads and writes of a file that lies in memory (page cache), always of the same place: the copy is a part of it that
 * grows with the size, the way there one that does not. `arg` is the size of a call.
 */
#include <string.h>
#include <unistd.h>

#include "work.h"

static int file = -1;
static uint8_t content[WORK_FILE_MAX], buffer[WORK_FILE_MAX];

static void fill(void)
{
    for (size_t i = 0; i < sizeof(content); i++) {
        content[i] = (uint8_t)(i * 7 + i / 256);
    }
}

/* Creates the file, with its content. */
WORK(file_begin)
{
    (void)n;
    (void)arg;
    fill();
    int64_t fd = work_file();
    CHECK(fd >= 0);
    file = (int)fd;
    CHECK(call_pwrite(file, content, sizeof(content), 0) == (int64_t)sizeof(content));
    return 0;
}

WORK(file_pread)
{
    CHECK(arg >= 1 && arg <= sizeof(buffer));
    memset(buffer, 0xff, (size_t)arg);
    for (; n > 0; n--) {
        CHECK(call_pread(file, buffer, (size_t)arg, 0) == (int64_t)arg);
    }
    CHECK(memcmp(buffer, content, (size_t)arg) == 0);
    return 0;
}

WORK(file_pwrite)
{
    CHECK(arg >= 1 && arg <= sizeof(buffer));
    for (; n > 0; n--) {
        content[0]++; /* so that the last write is told from the others */
        CHECK(call_pwrite(file, content, (size_t)arg, 0) == (int64_t)arg);
    }
    memset(buffer, 0xff, (size_t)arg);
    CHECK(call_pread(file, buffer, (size_t)arg, 0) == (int64_t)arg);
    CHECK(memcmp(buffer, content, (size_t)arg) == 0);
    return 0;
}

WORK(file_end)
{
    (void)n;
    (void)arg;
    CHECK(call_close(file) == 0);
    file = -1;
    return 0;
}

/* The same by libc: pread(2), which is fd_pread in WASI, with a vector of one. Both ways have the same descriptors. */
WORK(wasi_file_begin)
{
    (void)n;
    (void)arg;
    fill();
    int64_t fd = work_file();
    CHECK(fd >= 0);
    file = (int)fd;
    CHECK(pwrite(file, content, sizeof(content), 0) == (ssize_t)sizeof(content));
    return 0;
}

WORK(wasi_file_pread)
{
    CHECK(arg >= 1 && arg <= sizeof(buffer));
    memset(buffer, 0xff, (size_t)arg);
    for (; n > 0; n--) {
        CHECK(pread(file, buffer, (size_t)arg, 0) == (ssize_t)arg);
    }
    CHECK(memcmp(buffer, content, (size_t)arg) == 0);
    return 0;
}

WORK(wasi_file_end)
{
    (void)n;
    (void)arg;
    CHECK(close(file) == 0);
    file = -1;
    return 0;
}
