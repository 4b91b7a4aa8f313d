/* SPDX-License-Identifier: MIT */
/*
 * Where the two parties of a benchmark run: on one processor, on two, or wherever the kernel puts them. A benchmark that is
 * placed exists three times, as NAME_same, NAME_other and NAME_free.
 *
 * Its body is a function NAME(b, place) before PLACED_BENCH(NAME):
 *
 *     place_begin(place);                     // pins this thread; skips what cannot be placed so here
 *     place_pipe(there);                      // descriptors that are closed at the end, whatever happens
 *     place_start(echo, there);               // the other party: a process
 *     place_close(&there[0]);                 // so that its end is seen as the end of file
 *     TARE_EACH(b) { ... }
 *     place_end();
 *
 * What place_begin() and the others made is undone by place_end(); after a body that was left by a failure, by the next
 * place_begin(), and by the kernel: a party dies with its parent. Only the thread that runs the body may call these.
 */
#ifndef TARE_SUITES_OS_PLACE_H
#define TARE_SUITES_OS_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <tare/bench.h>

enum place { PLACE_SAME, PLACE_OTHER, PLACE_FREE };

#define PLACED_BENCH(name)                                                                                     \
    TARE_BENCH(name##_same)                                                                                    \
    {                                                                                                          \
        name(b, PLACE_SAME);                                                                                   \
    }                                                                                                          \
    TARE_BENCH(name##_other)                                                                                   \
    {                                                                                                          \
        name(b, PLACE_OTHER);                                                                                  \
    }                                                                                                          \
    TARE_BENCH(name##_free)                                                                                    \
    {                                                                                                          \
        name(b, PLACE_FREE);                                                                                   \
    }                                                                                                          \
    _Static_assert(1, "")

#define PLACED_ARGS(name, ...)                                                                                 \
    TARE_BENCH_ARGS(name##_same, __VA_ARGS__);                                                                 \
    TARE_BENCH_ARGS(name##_other, __VA_ARGS__);                                                                \
    TARE_BENCH_ARGS(name##_free, __VA_ARGS__)

/*
 * Two processors that this thread may run on: of two cores where there are two, of one package where it can be. Returns
 * how many there are, 1 or 2, or 0 where the kernel does not say; cpus[1] is cpus[0] if there is but one.
 */
unsigned place_cpus(int cpus[2]);

/* The calling thread runs on that one alone, from now on. */
bool place_pin(int cpu);

/* The kernel's bare fork: no handlers of pthread_atfork(), which the benchmark's own libraries have. The child may but
 * make system calls. */
pid_t place_fork(void);

void place_begin(enum place place);
void place_end(void);

/*
 * Another party, with a number from 1 on: with PLACE_OTHER odd ones run on the second processor. It ends when `party`
 * returns. A process is killed at the end, at the latest; a thread has to return when `stop` (place_on_end()) was called.
 */
typedef void place_party(void *data, unsigned number);
void place_start(place_party *party, void *data);
void place_start_thread(place_party *party, void *data);

/* Called first at the end. */
void place_on_end(void (*stop)(void *data), void *data);

/*
 * Called in a signal handler when a process that is a party has ended before place_end(), so that this one does not wait
 * for it for ever: where there is no end of file. `died` lets the wait end in something that the body takes for wrong.
 */
void place_on_death(void (*died)(void *data), void *data);

/* Closed at the end; -1 is none, and fails the benchmark. Returns it. */
int place_keep(int fd);
void place_pipe(int fds[2]);
void place_close(int *fd); /* earlier */
/* Memory, zeroed, that the parties have in common. */
void *place_share(size_t size);

/* The whole of it; false: an error, or the end of file. */
bool place_write(int fd, const void *bytes, size_t size);
bool place_read(int fd, void *bytes, size_t size);

#endif
