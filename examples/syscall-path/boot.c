/* SPDX-License-Identifier: MIT */
/*
 * The runtime around the sandboxed program. Loading gives each cage a descriptor table, a memory, handlers
 * for its calls and two open descriptors; then each thread runs its share of the loop and looks at every
 * result, because a path that is fast and wrong is of no interest.
 */
#include "boot.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <tare/tare.h>

#include "fdtables.h"
#include "grate.h"
#include "rawposix.h"
#include "threei.h"

TARE_MODULE("lind_boot");
TARE_TIMER(load_main_module);
TARE_TIMER(invoke_func);

enum {
    GRATE = BOOT_CAGE_MAX + 1,
};

static const char path_to_open[] = "/dev/null";

/* One thread's share of the loop. */
struct share {
    const struct boot *boot;
    unsigned number; /* of the thread, from 0 */
    uint64_t count;
    bool failed;
};

static bool report(const char *what, int error)
{
    fprintf(stderr, "syscall-path: cannot %s: %s\n", what, strerror(-error));
    return false;
}

static uint64_t cage_memory_bytes(const struct boot *boot)
{
    return CAGE_BUFFERS_ADDRESS + (uint64_t)boot->threads * CAGE_BUFFER_BYTES;
}

/*
 * Returns 0 or -errno; a descriptor with another number than the program expects is an error of ours: -EBADF.
 */
static int preopen(uint64_t cage, const char *path, int flags, int expected)
{
    int fd = rawposix_preopen(cage, path, flags);
    if (fd < 0) {
        return fd;
    }
    return fd == expected ? 0 : -EBADF;
}

static bool load_cage(const struct boot *boot, uint64_t cage)
{
    int error = fdtables_cage_create(cage);
    if (error == 0) {
        error = threei_cage_create(cage, cage_memory_bytes(boot));
    }
    if (error == 0) {
        error = rawposix_serve(cage);
    }
    if (error == 0 && boot->grate) {
        error = grate_guard(GRATE, cage);
    }
    if (error != 0) {
        return report("make a cage", error);
    }
    memcpy(threei_address(cage, CAGE_PATH_ADDRESS, sizeof(path_to_open)), path_to_open, sizeof(path_to_open));
    error = preopen(cage, "/dev/zero", O_RDONLY, CAGE_FD_ZERO);
    if (error != 0) {
        return report("open '/dev/zero' in a cage", error);
    }
    error = preopen(cage, "/dev/null", O_WRONLY, CAGE_FD_NULL);
    if (error != 0) {
        return report("open '/dev/null' in a cage", error);
    }
    return true;
}

static bool load_main_module(const struct boot *boot)
{
    TARE_SCOPE(load_main_module);
    int error = rawposix_init();
    if (error == 0 && boot->grate) {
        error = grate_create(GRATE, boot->threads);
    }
    if (error != 0) {
        return report("set up the host layer", error);
    }
    for (unsigned cage = 1; cage <= boot->cages; cage++) {
        if (!load_cage(boot, cage)) {
            return false;
        }
    }
    return true;
}

int boot_load(const struct boot *boot)
{
    if (!load_main_module(boot)) {
        boot_unload(boot);
        return -1;
    }
    return 0;
}

void boot_unload(const struct boot *boot)
{
    /* A cage that loading did not get to is refused with -ESRCH, which is fine. */
    for (unsigned cage = 1; cage <= boot->cages; cage++) {
        fdtables_cage_destroy(cage);
        threei_cage_destroy(cage);
    }
    threei_cage_destroy(GRATE);
}

/* The sandboxed program's exported function. */
static void invoke_func(struct share *share)
{
    TARE_SCOPE(invoke_func);
    const struct boot *boot = share->boot;
    const struct workload *workload = boot->workload;
    int64_t expected = workload->expected(boot->parameter);
    struct workload_step step = {
        .buffer = CAGE_BUFFERS_ADDRESS + (uint64_t)share->number * CAGE_BUFFER_BYTES,
        .parameter = boot->parameter,
    };

    unsigned cage = share->number % boot->cages;
    for (uint64_t i = 0; i < share->count; i++) {
        step.cage = cage + 1;
        int64_t result = workload->call(&step);
        if (result != expected) {
            fprintf(stderr,
                    "syscall-path: call %" PRIu64 " of thread %u, in cage %u: %s returned %" PRId64
                    ", not %" PRId64 "\n",
                    i + 1, share->number + 1, cage + 1, workload->name, result, expected);
            share->failed = true;
            return;
        }
        cage = cage + 1 < boot->cages ? cage + 1 : 0;
    }
}

/*
 * Before the loop, the buffers hold something that a read must replace; after it, they must be zero as far as
 * the size reaches and not a byte further.
 */
static void *buffer_of(const struct share *share, unsigned cage)
{
    uint64_t address = CAGE_BUFFERS_ADDRESS + (uint64_t)share->number * CAGE_BUFFER_BYTES;
    return threei_address(cage, address, CAGE_BUFFER_BYTES);
}

static void prepare_buffers(const struct share *share)
{
    for (unsigned cage = 1; cage <= share->boot->cages; cage++) {
        memset(buffer_of(share, cage), 0xff, CAGE_BUFFER_BYTES);
    }
}

static void check_buffers(struct share *share)
{
    const struct boot *boot = share->boot;
    uint64_t used = share->count < boot->cages ? share->count : boot->cages;
    for (uint64_t i = 0; i < used; i++) {
        unsigned cage = (unsigned)((share->number + i) % boot->cages) + 1;
        const unsigned char *buffer = buffer_of(share, cage);
        for (int64_t at = 0; at <= boot->parameter; at++) {
            unsigned char expected = at < boot->parameter ? 0 : 0xff;
            if (buffer[at] != expected) {
                fprintf(stderr, "syscall-path: byte %" PRId64 " of the buffer in cage %u is %u, not %u\n", at,
                        cage, buffer[at], expected);
                share->failed = true;
                return;
            }
        }
    }
}

static void *run_share(void *argument)
{
    invoke_func(argument);
    return NULL;
}

/* Returns how many threads there are to wait for: fewer than asked for after an error, which is reported. */
static unsigned start_threads(pthread_t threads[], struct share shares[], unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        int error = pthread_create(&threads[i], NULL, run_share, &shares[i]);
        if (error != 0) {
            report("start a thread", -error);
            shares[i].failed = true;
            return i;
        }
    }
    return count;
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_RAW, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

int boot_run(const struct boot *boot, uint64_t *elapsed_ns)
{
    struct share shares[BOOT_THREAD_MAX];
    pthread_t threads[BOOT_THREAD_MAX];
    for (unsigned i = 0; i < boot->threads; i++) {
        uint64_t remainder = boot->count % boot->threads;
        shares[i] = (struct share){
            .boot = boot, .number = i, .count = boot->count / boot->threads + (i < remainder ? 1 : 0)};
        prepare_buffers(&shares[i]);
    }

    uint64_t start_ns = now_ns();
    if (boot->threads == 1) {
        run_share(&shares[0]);
    } else {
        unsigned started = start_threads(threads, shares, boot->threads);
        for (unsigned i = 0; i < started; i++) {
            pthread_join(threads[i], NULL);
        }
    }
    *elapsed_ns = now_ns() - start_ns;

    bool failed = false;
    for (unsigned i = 0; i < boot->threads; i++) {
        if (!shares[i].failed && boot->workload->fills_buffer) {
            check_buffers(&shares[i]);
        }
        failed = failed || shares[i].failed;
    }
    return failed ? -1 : 0;
}
