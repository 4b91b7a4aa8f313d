/* SPDX-License-Identifier: MIT */
/*
 * Files: what the file system takes for names and for blocks, on the folder of folder.h. All that is read is in the page
 * cache: this is the kernel's path, and not the disk's. What is written stays there, too, but with fsync(), whose time is
 * that of the disk.
 *
 * A scope is around each operation, so that its distribution is known: of those with a disk behind them the median says
 * little.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <tare/bench.h>
#include <tare/tare.h>

#include "suites/os/folder.h"

TARE_MODULE("os");
TARE_TIMER(file_list);
TARE_TIMER(file_create_unlink);
TARE_TIMER(file_rename);
TARE_TIMER(file_read);
TARE_TIMER(file_read_random);
TARE_TIMER(file_write);
TARE_TIMER(file_write_random);
TARE_TIMER(file_write_fsync);
TARE_TIMER(file_write_random_fsync);

_Static_assert((FOLDER_BLOCKS & (FOLDER_BLOCKS - 1)) == 0, "the next block is found by a mask");

static uint64_t block[FOLDER_BLOCK / sizeof(uint64_t)];

/* Which block is next: one behind the other, or by upper bits of a linear congruential generator (Knuth's MMIX). */
static inline uint64_t next_block(uint64_t *state, bool random)
{
    if (random) {
        *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return *state >> 33 & (FOLDER_BLOCKS - 1);
    }
    return (*state)++ & (FOLDER_BLOCKS - 1);
}

TARE_BENCH(file_list)
{
    unsigned entries = (unsigned)b->arg[0];
    char path[PATH_MAX];
    folder_list(entries, path, sizeof(path));
    TARE_EACH(b)
    {
        TARE_SCOPE(file_list);
        DIR *directory = opendir(path);
        tare_require(directory != NULL);
        unsigned count = 0;
        while (readdir(directory) != NULL) {
            count++;
        }
        closedir(directory);
        tare_require(count == entries + 2); /* itself, and the one above */
    }
    tare_items(b, (double)entries);
}
TARE_BENCH_ARGS(file_list, 10, 1000, 10000);

TARE_BENCH(file_create_unlink)
{
    int at = folder_work();
    TARE_EACH(b)
    {
        TARE_SCOPE(file_create_unlink);
        int fd = openat(at, "file", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        tare_require(fd >= 0);
        close(fd);
        tare_require(unlinkat(at, "file", 0) == 0);
    }
    folder_work_end(at);
}

TARE_BENCH(file_rename)
{
    static const char *const names[] = {"file-a", "file-b"};
    int at = folder_work();
    int fd = openat(at, names[0], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    tare_require(fd >= 0);
    close(fd);
    unsigned now = 0;
    TARE_EACH(b)
    {
        TARE_SCOPE(file_rename);
        tare_require(renameat(at, names[now], at, names[!now]) == 0);
        now = !now;
    }
    folder_work_end(at);
}

TARE_BENCH(file_read)
{
    int fd = folder_data();
    uint64_t state = 0;
    TARE_EACH(b)
    {
        TARE_SCOPE(file_read);
        uint64_t number = next_block(&state, false);
        tare_require(pread(fd, block, FOLDER_BLOCK, (off_t)(number * FOLDER_BLOCK)) == FOLDER_BLOCK);
        tare_require(block[0] == number);
    }
    tare_bytes(b, FOLDER_BLOCK);
    close(fd);
}

TARE_BENCH(file_read_random)
{
    int fd = folder_data();
    uint64_t state = 0;
    TARE_EACH(b)
    {
        TARE_SCOPE(file_read_random);
        uint64_t number = next_block(&state, true);
        tare_require(pread(fd, block, FOLDER_BLOCK, (off_t)(number * FOLDER_BLOCK)) == FOLDER_BLOCK);
        tare_require(block[0] == number);
    }
    tare_bytes(b, FOLDER_BLOCK);
    close(fd);
}

/* The file's blocks are written over with what is in them. */
static inline bool write_next(int fd, uint64_t *state, bool random)
{
    uint64_t number = next_block(state, random);
    block[0] = number;
    return pwrite(fd, block, FOLDER_BLOCK, (off_t)(number * FOLDER_BLOCK)) == FOLDER_BLOCK;
}

TARE_BENCH(file_write)
{
    int fd = folder_data();
    uint64_t state = 0;
    memset(block, 0, sizeof(block));
    TARE_EACH(b)
    {
        TARE_SCOPE(file_write);
        tare_require(write_next(fd, &state, false));
    }
    tare_bytes(b, FOLDER_BLOCK);
    close(fd);
}

TARE_BENCH(file_write_random)
{
    int fd = folder_data();
    uint64_t state = 0;
    memset(block, 0, sizeof(block));
    TARE_EACH(b)
    {
        TARE_SCOPE(file_write_random);
        tare_require(write_next(fd, &state, true));
    }
    tare_bytes(b, FOLDER_BLOCK);
    close(fd);
}

/* What others wrote to the file is on the disk before the first is timed. */
TARE_BENCH(file_write_fsync)
{
    int fd = folder_data();
    uint64_t state = 0;
    memset(block, 0, sizeof(block));
    tare_require(fsync(fd) == 0);
    TARE_EACH(b)
    {
        TARE_SCOPE(file_write_fsync);
        tare_require(write_next(fd, &state, false));
        tare_require(fsync(fd) == 0);
    }
    tare_bytes(b, FOLDER_BLOCK);
    close(fd);
}

TARE_BENCH(file_write_random_fsync)
{
    int fd = folder_data();
    uint64_t state = 0;
    memset(block, 0, sizeof(block));
    tare_require(fsync(fd) == 0);
    TARE_EACH(b)
    {
        TARE_SCOPE(file_write_random_fsync);
        tare_require(write_next(fd, &state, true));
        tare_require(fsync(fd) == 0);
    }
    tare_bytes(b, FOLDER_BLOCK);
    close(fd);
}
