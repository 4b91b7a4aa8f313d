/* SPDX-License-Identifier: MIT */
/*
 * libtare-count.so and its reader: each call of the malloc family is counted once, whoever of the program's
 * processes and threads makes it, and nothing else is touched. The programs are this one again, with a part to
 * play; what they do beside it falls out as the difference of two executions.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tare/tare.h>

#include "record/allocations.h"
#include "record/block.h"

static int failures;

#define CHECK(condition, ...)                                                                                  \
    do {                                                                                                       \
        if (!(condition)) {                                                                                    \
            failures++;                                                                                        \
            printf("not ok: line %d: %s: ", __LINE__, #condition);                                             \
            printf(__VA_ARGS__);                                                                               \
            printf("\n");                                                                                      \
        }                                                                                                      \
    } while (0)

enum { THREADS = 4, EACH = 1000 };

/* ---- the parts ---- */

/* Through a volatile pointer, or the compiler would leave out a pair of malloc and free. */
static void *volatile kept;

static void keep(void *memory)
{
    kept = memory;
    free(kept);
}

/* The same, for threads. */
static void keep_own(void *memory)
{
    __asm__ volatile("" : "+r"(memory));
    free(memory);
}

static void some_of_each(void)
{
    void *memory;
    keep(malloc(100));
    keep(calloc(3, 7));
    kept = malloc(10);
    kept = realloc(kept, 1000);
    keep(reallocarray(kept, 5, 50));
    keep(realloc(NULL, 30));
    if (posix_memalign(&memory, 64, 200) == 0) {
        keep(memory);
    }
    keep(aligned_alloc(64, 128));
    keep(memalign(32, 96));
    keep(strdup("twelve bytes"));
    volatile size_t too_many = SIZE_MAX;
    keep(calloc(too_many, 2));
    free(NULL);
}

enum { OF_EACH = 11, BYTES_OF_EACH = 100 + 21 + 10 + 1000 + 250 + 30 + 200 + 128 + 96 + 13 };

static void *in_thread(void *often)
{
    for (int i = 0; i < *(int *)often; i++) {
        keep_own(malloc(10));
    }
    return NULL;
}

static int in_threads(int often)
{
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, in_thread, &often) != 0) {
            return 90;
        }
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    return 0;
}

static int await(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            return 91;
        }
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 92;
}

static int in_child(int often)
{
    pid_t pid = fork();
    if (pid == 0) {
        while (often-- > 0) {
            some_of_each();
        }
        _exit(0);
    }
    return await(pid);
}

static int in_program(const char *with)
{
    pid_t pid = fork();
    if (pid == 0) {
        execl("/proc/self/exe", "allocations", "each", with, (char *)NULL);
        _exit(93);
    }
    return await(pid);
}

/* A file of ours under the number that the counts had: the program that is started then must leave it alone. */
static int with_another_file(const char *with)
{
    const char *text = getenv("TARE_COUNT");
    char zeros[4096] = {0}, now[sizeof(zeros)];
    int fd = text != NULL ? atoi(text + strlen("fd=")) : -1;
    int other = memfd_create("other", 0);
    if (fd < 0 || other < 0 || write(other, zeros, sizeof(zeros)) != (ssize_t)sizeof(zeros) ||
        dup2(other, fd) != fd) {
        return 94;
    }
    int code = in_program(with);
    return code != 0 ? code
           : pread(fd, now, sizeof(now), 0) == (ssize_t)sizeof(now) && memcmp(now, zeros, sizeof(now)) == 0
               ? 0
               : 95;
}

static int play(const char *part, const char *with)
{
    int often = atoi(with);
    if (strcmp(part, "each") == 0) {
        while (often-- > 0) {
            some_of_each();
        }
    } else if (strcmp(part, "threads") == 0) {
        return in_threads(often);
    } else if (strcmp(part, "child") == 0) {
        return in_child(often);
    } else if (strcmp(part, "program") == 0) {
        return in_program(with);
    } else if (strcmp(part, "another-file") == 0) {
        return with_another_file(with);
    } else {
        return 96;
    }
    return 0;
}

/* ---- the test ---- */

static char library[PATH_MAX];
static struct tare_allocations allocations;

static bool run_program(const char *path, const char *part, int often, bool preloaded,
                        struct tare_allocation_counts *counts)
{
    char variable[TARE_ALLOCATIONS_VARIABLE], with[16];
    snprintf(with, sizeof(with), "%d", often);
    char *const argv[] = {(char *)(uintptr_t)path, (char *)(uintptr_t)part, with, NULL};
    const char *const set[] = {variable, "LD_BIND_NOW=1", NULL}; /* nothing of it may be missing */
    tare_allocations_variable(&allocations, variable, sizeof(variable));
    const struct tare_block_request request = {
        .path = path,
        .argv = argv,
        .set = set,
        .output = TARE_BLOCK_CAPTURE,
        .errors = TARE_BLOCK_CAPTURE,
        .lines_fd = -1,
        .pin_cpu = -1,
        .timeout_s = 30,
        .preload = preloaded ? library : NULL,
    };
    struct tare_block_outcome outcome;
    bool not_started;
    tare_allocations_clear(&allocations);
    int error = tare_block_run(&request, &outcome, &not_started);
    CHECK(error == 0, "%s", strerror(-error));
    CHECK(outcome.end == TARE_END_EXITED && outcome.code == 0, "%s %s: end %d, code %d", part, with,
          outcome.end, outcome.code);
    CHECK(error != 0 || outcome.output_size == 0, "'%s'", outcome.output);
    tare_block_release(&outcome);
    return tare_allocations_read(&allocations, counts);
}

/* Twice `often` makes so many calls and bytes more than once. */
static void expect(const char *part, int often, uint64_t calls, uint64_t bytes)
{
    struct tare_allocation_counts once, twice;
    bool known = run_program("/proc/self/exe", part, often, true, &once);
    known = run_program("/proc/self/exe", part, 2 * often, true, &twice) && known;
    CHECK(known, "%s is not known", part);
    CHECK(twice.calls - once.calls == calls, "%s: %llu calls, not %llu", part,
          (unsigned long long)(twice.calls - once.calls), (unsigned long long)calls);
    CHECK(twice.bytes - once.bytes == bytes, "%s: %llu bytes, not %llu", part,
          (unsigned long long)(twice.bytes - once.bytes), (unsigned long long)bytes);
}

/* Beside the libtare.so that the test is linked with. */
static void find_library(void)
{
    Dl_info info;
    void *address = dlsym(RTLD_DEFAULT, "tare_version");
    if (address == NULL || dladdr(address, &info) == 0 || realpath(info.dli_fname, library) == NULL) {
        printf("not ok: cannot find libtare.so\n");
        exit(1);
    }
    char *slash = strrchr(library, '/');
    snprintf(slash + 1, sizeof(library) - (size_t)(slash + 1 - library), "libtare-count.so");
    if (access(library, R_OK) != 0) {
        printf("skipped: no libtare-count.so in this build\n");
        exit(77);
    }
}

static size_t descriptors(void)
{
    size_t open = 0;
    for (int fd = 0; fd < 200; fd++) {
        open += fcntl(fd, F_GETFD) >= 0;
    }
    return open;
}

int main(int argc, char **argv)
{
    if (argc == 3) {
        return play(argv[1], argv[2]);
    }
    const char *sanitizer = getenv("TARE_SANITIZER");
    if (sanitizer != NULL && *sanitizer != '\0') {
        printf("skipped: a sanitizer takes libc's calls for itself\n");
        return 77;
    }
    find_library();
    size_t before = descriptors();
    int error = tare_allocations_open(&allocations);
    CHECK(error == 0, "%s", strerror(-error));
    if (error != 0) {
        return 1;
    }
    const uint64_t one = OF_EACH, bytes = BYTES_OF_EACH;
    expect("each", 1, one, bytes);
    expect("each", 1000, 1000 * one, 1000 * bytes);
    expect("threads", EACH, (uint64_t)THREADS * EACH, (uint64_t)THREADS * EACH * 10);
    expect("child", 10, 10 * one, 10 * bytes);
    expect("program", 10, 10 * one, 10 * bytes);
    expect("another-file", 10, 0, 0);

    struct tare_allocation_counts counts;
    CHECK(!run_program("/proc/self/exe", "each", 1, false, &counts), "known without the library");
    char own[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", own, sizeof(own) - 32);
    char *slash = length > 0 ? memrchr(own, '/', (size_t)length) : NULL;
    if (slash != NULL) {
        strcpy(slash + 1, "own_malloc");
        CHECK(!run_program(own, "", 0, true, &counts), "known with an allocator that is not seen");
    }
    tare_allocations_close(&allocations);
    CHECK(descriptors() == before, "%zu descriptors, not %zu", descriptors(), before);
    return failures != 0;
}
