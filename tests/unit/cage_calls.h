/* SPDX-License-Identifier: MIT */
/*
 * A cage for tests of suites/syscalls/layers/, and its calls. Its memory lies between pages that nobody may touch. Its root
 * is a new folder beside a file that it must never get at:
 *
 *     FOLDER/secret      "host\n"
 *     FOLDER/root/       the cage's "/"
 */
#ifndef TESTS_CAGE_CALLS_H
#define TESTS_CAGE_CALLS_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "suites/syscalls/cage.h"
#include "suites/syscalls/layers/fdtables.h"
#include "suites/syscalls/layers/rawposix.h"
#include "suites/syscalls/layers/rawposix_internal.h"

enum { CAGE_BYTES = 256 * 1024, GUARD_BYTES = 64 * 1024, AREA_BYTES = 8192 };

struct cage_test {
    struct cage *cage;
    char folder[64];
    int folder_fd;
};

static inline void unmap_memory(struct cage *cage)
{
    munmap(cage->memory - GUARD_BYTES, CAGE_BYTES + 2 * GUARD_BYTES);
}

static inline struct cage *cage_with_memory(uint32_t parent)
{
    uint8_t *all =
        mmap(NULL, CAGE_BYTES + 2 * GUARD_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_ptr_not_equal(all, MAP_FAILED);
    assert_int_equal(mprotect(all + GUARD_BYTES, CAGE_BYTES, PROT_READ | PROT_WRITE), 0);
    struct cage *cage = cage_new(parent);
    assert_non_null(cage);
    cage->memory = all + GUARD_BYTES;
    cage->release = unmap_memory;
    cage_set_size(cage, CAGE_BYTES);
    return cage;
}

static inline void write_file(int at, const char *path, const char *text)
{
    int fd = openat(at, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static inline int cage_test_set_up(void **state)
{
    struct cage_test *test = calloc(1, sizeof(*test));
    assert_non_null(test);
    const char *base = getenv("TMPDIR");
    snprintf(test->folder, sizeof test->folder, "%.40s/cage-XXXXXX", base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(test->folder));
    test->folder_fd = open(test->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(test->folder_fd >= 0);
    write_file(test->folder_fd, "secret", "host\n");
    assert_int_equal(mkdirat(test->folder_fd, "root", 0755), 0);
    test->cage = cage_with_memory(0);
    char root[80];
    snprintf(root, sizeof root, "%s/root", test->folder);
    assert_int_equal(rawposix_set_root(test->cage, root), 0);
    *state = test;
    return 0;
}

static inline int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *walk)
{
    (void)stat, (void)kind, (void)walk;
    return remove(path);
}

static inline int cage_test_tear_down(void **state)
{
    struct cage_test *test = *state;
    cage_end(test->cage);
    close(test->folder_fd);
    nftw(test->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(test);
    return 0;
}

static inline int64_t call_args(const struct cage *cage, uint32_t number, const uint64_t args[LIND_ARGUMENTS])
{
    struct lind_request request = {.number = number, .caller = cage->id};
    for (int i = 0; i < LIND_ARGUMENTS; i++) {
        request.args[i] = args[i];
        request.from[i] = cage->id;
    }
    return rawposix_call(&request, NULL);
}

/* call(cage, LIND_READ, fd, address, size): what is left out is 0. */
#define call(cage, number, ...) call_args((cage), (number), (const uint64_t[LIND_ARGUMENTS]){__VA_ARGS__})
#define ARG(value) ((uint64_t)(int64_t)(value))

/* Addresses for what calls need, apart from each other: 1, 2 ... 0 is not used. */
static inline uint64_t area(int number)
{
    return (uint64_t)number * AREA_BYTES;
}

static inline void *area_at(const struct cage *cage, int number)
{
    return cage->memory + area(number);
}

/* Puts a text with its NUL there. */
static inline uint64_t text_in(const struct cage *cage, int number, const char *text)
{
    assert_true(strlen(text) < AREA_BYTES);
    memcpy(area_at(cage, number), text, strlen(text) + 1);
    return area(number);
}

static inline int64_t open_in(const struct cage *cage, const char *path, uint32_t flags)
{
    return call(cage, LIND_OPEN, text_in(cage, 1, path), flags, 0644);
}

static inline int64_t close_in(const struct cage *cage, int64_t fd)
{
    return call(cage, LIND_CLOSE, (uint64_t)fd);
}

#endif
