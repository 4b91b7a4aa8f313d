/* SPDX-License-Identifier: MIT */
/*
 * The benchmarks of the suite `syscalls`, the same ones in both programs: `native` is this file with side_native.c,
 * `sandboxed` with side_sandboxed.c. ../about_*.c says what each does.
 */
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>

#include <tare/bench.h>

#include "side.h"

enum { DESCRIPTORS = 1024, CAGES = 1000, IN_TURN = 10 };

/* A workload says where it found something wrong; what is left of that after the benchmark's end is this line. */
static bool right(const char *name, int64_t line)
{
    if (line != 0) {
        fprintf(stderr, "%s: a check failed in line %lld of its source\n", name, (long long)line);
    }
    return line == 0;
}

static void run(struct side *side, const char *name, uint64_t n, uint64_t arg)
{
    tare_require(right(name, side_run(side, side_find(name), n, arg)));
}

/* One workload as it is, without anything before or behind it. */
static void plain(tare_bench *b, enum side_grate grate, const char *name)
{
    struct side *side = side_new(grate);
    const struct side_work *work = side_find(name);
    TARE_EACH_BATCH(b, n)
    {
        tare_require(right(name, side_run(side, work, n, (uint64_t)b->arg[0])));
    }
    side_free(side);
}

/* One that needs a file. */
static void with_file(tare_bench *b, enum side_grate grate, const char *begin, const char *name,
                      const char *end)
{
    struct side *side = side_new(grate);
    const struct side_work *work = side_find(name);
    run(side, begin, 1, 0);
    TARE_EACH_BATCH(b, n)
    {
        tare_require(right(name, side_run(side, work, n, (uint64_t)b->arg[0])));
    }
    run(side, end, 1, 0);
    side_free(side);
    tare_bytes(b, (double)b->arg[0]);
}

TARE_BENCH(null_call)
{
    plain(b, SIDE_DIRECT, "null_call");
}

TARE_BENCH(close_bad)
{
    plain(b, SIDE_DIRECT, "close_bad");
}

TARE_BENCH(close_wasi)
{
    plain(b, SIDE_DIRECT, "close_wasi");
}

TARE_BENCH(clock_wasi)
{
    plain(b, SIDE_DIRECT, "clock_wasi");
}

TARE_BENCH(pread)
{
    with_file(b, SIDE_DIRECT, "file_begin", "file_pread", "file_end");
}
TARE_BENCH_ARGS(pread, 1, 1024, 4096, 10240);

TARE_BENCH(pwrite)
{
    with_file(b, SIDE_DIRECT, "file_begin", "file_pwrite", "file_end");
}
TARE_BENCH_ARGS(pwrite, 1, 1024, 4096, 10240);

TARE_BENCH(pread_wasi)
{
    with_file(b, SIDE_DIRECT, "wasi_file_begin", "wasi_file_pread", "wasi_file_end");
}
TARE_BENCH_ARGS(pread_wasi, 1, 4096);

/* The other one of a ping-pong. */
struct echo {
    struct side *side;
    const struct side_work *work;
    uint64_t descriptors;
    int64_t result;
};

static void *run_echo(void *data)
{
    struct echo *echo = data;
    echo->result = side_run(echo->side, echo->work, 1, echo->descriptors);
    return NULL;
}

/* Both on one processor: so there is a switch for each way, and the distance of two processors does not count. */
static void pingpong(tare_bench *b, uint64_t sockets)
{
    cpu_set_t before, one;
    tare_require(sched_getaffinity(0, sizeof(before), &before) == 0);
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    sched_setaffinity(0, sizeof(one),
                      &one); /* the thread below inherits it; where it is forbidden, it is free */

    struct side *side = side_new(SIDE_DIRECT);
    const struct side_work *work = side_find("pingpong");
    run(side, "pingpong_begin", 1, sockets);
    struct echo echo = {.side = side_fork(side), .work = side_find("pingpong_echo"), .result = -1};
    echo.descriptors = (uint64_t)side_run(side, side_find("pingpong_descriptors"), 1, 0);
    pthread_t thread;
    tare_require(pthread_create(&thread, NULL, run_echo, &echo) == 0);
    TARE_EACH_BATCH(b, n)
    {
        tare_require(right("pingpong", side_run(side, work, n, 0)));
    }
    run(side, "pingpong_end", 1, 0);
    pthread_join(thread, NULL);
    tare_require(right("pingpong_echo", echo.result));
    side_free(echo.side);
    side_free(side);
    sched_setaffinity(0, sizeof(before), &before);
}

TARE_BENCH(pipe_pingpong)
{
    pingpong(b, 0);
}

TARE_BENCH(socket_pingpong)
{
    pingpong(b, 1);
}

/* As many descriptors as a cage has, for this process, too. */
static void limit_descriptors(void)
{
    struct rlimit limit;
    tare_require(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    if (limit.rlim_max < DESCRIPTORS) {
        tare_skip("this process may not have 1,024 descriptors (ulimit -Hn)");
    }
    limit.rlim_cur = DESCRIPTORS;
    tare_require(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

TARE_BENCH(fd_dup_close)
{
    limit_descriptors();
    struct side *side = side_new(SIDE_DIRECT);
    const struct side_work *work = side_find("fd_dup_close");
    run(side, "fd_hold", 1, (uint64_t)b->arg[0]);
    TARE_EACH_BATCH(b, n)
    {
        tare_require(right("fd_dup_close", side_run(side, work, n, 0)));
    }
    run(side, "fd_release", 1, 0);
    side_free(side);
}
TARE_BENCH_ARGS(fd_dup_close, 0, 100, 1000);

TARE_BENCH(fd_fill)
{
    limit_descriptors();
    plain(b, SIDE_DIRECT, "fd_fill");
    tare_items(b, DESCRIPTORS);
}

/*
 * One thread's table is that of all; the last one gives it back. What is done while the lock is held fails for a cage that is
 * gone alone, and these live until then.
 */
static struct {
    pthread_mutex_t lock;
    struct side *owner;
    unsigned users;
} table = {.lock = PTHREAD_MUTEX_INITIALIZER};

TARE_BENCH(fd_threads)
{
    struct side *side = side_new(SIDE_DIRECT);
    const struct side_work *work = side_find("fd_dup_close");
    pthread_mutex_lock(&table.lock);
    if (table.users++ == 0) {
        table.owner = side;
    } else {
        side_share(side, table.owner);
    }
    pthread_mutex_unlock(&table.lock);
    TARE_EACH_BATCH(b, n)
    {
        tare_require(right("fd_dup_close", side_run(side, work, n, 0)));
    }
    pthread_mutex_lock(&table.lock);
    if (side != table.owner) {
        side_free(side);
    }
    if (--table.users == 0) {
        side_free(table.owner);
    }
    pthread_mutex_unlock(&table.lock);
}
TARE_BENCH_THREADS(fd_threads, 1, 16);

/* Each cage is called for a few iterations, then the next one. */
TARE_BENCH(fd_cages)
{
    static struct side *sides[CAGES];
    size_t count = (size_t)b->arg[0], at = 0;
    tare_require(count >= 1 && count <= CAGES);
    const struct side_work *work = side_find("fd_dup_close");
    for (size_t i = 0; i < count; i++) {
        sides[i] = i == 0 ? side_new(SIDE_DIRECT) : side_fork(sides[0]);
    }
    TARE_EACH_BATCH(b, n)
    {
        for (uint64_t left = n; left > 0;) {
            uint64_t now = left < IN_TURN ? left : IN_TURN;
            tare_require(right("fd_dup_close", side_run(sides[at], work, now, 0)));
            at = at + 1 < count ? at + 1 : 0;
            left -= now;
        }
    }
    for (size_t i = 0; i < count; i++) {
        side_free(sides[i]);
    }
}
TARE_BENCH_ARGS(fd_cages, 1, 1000);

TARE_BENCH(fibonacci)
{
    plain(b, SIDE_DIRECT, "fibonacci");
}
TARE_BENCH_ARGS(fibonacci, 15, 20);

TARE_BENCH(grate_null_call)
{
    plain(b, SIDE_GRATE_NOOP, "null_call");
}

TARE_BENCH(grate_close_bad)
{
    plain(b, SIDE_GRATE_NOOP, "close_bad");
}

TARE_BENCH(grate_memory_pread)
{
    with_file(b, SIDE_GRATE_MEMORY, "file_begin", "file_pread", "file_end");
}
TARE_BENCH_ARGS(grate_memory_pread, 1, 4096);

TARE_BENCH(grate_memory_pwrite)
{
    with_file(b, SIDE_GRATE_MEMORY, "file_begin", "file_pwrite", "file_end");
}
TARE_BENCH_ARGS(grate_memory_pwrite, 1, 4096);

TARE_BENCH_MAIN();
