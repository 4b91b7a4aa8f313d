/* SPDX-License-Identifier: MIT */
/*
 * What peers measure, by their definitions, as benchmarks of tare: where the suite `os` has no such case, or defines it
 * otherwise. If these agree with them and the suite's do not, then it is the definition that makes the difference. See run.py.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tare/bench.h>

/* perf bench mem memcpy: libc's, from one buffer of 1 MiB to another, whose pages are there. */
enum { COPIED = 1 << 20 };

TARE_BENCH(memcpy_1mib)
{
    char *from = malloc(COPIED), *to = malloc(COPIED);
    tare_require(from != NULL && to != NULL);
    memset(from, 'x', COPIED);
    memcpy(to, from, COPIED);
    TARE_EACH(b)
    {
        memcpy(to, from, COPIED);
        tare_clobber();
    }
    tare_require(to[COPIED - 1] == 'x');
    tare_bytes(b, COPIED);
    free(from);
    free(to);
}

/* sysbench threads: each yield is between the lock and the unlock of a mutex that nobody else wants. */
TARE_BENCH(yield_locked)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    TARE_EACH(b)
    {
        pthread_mutex_lock(&mutex);
        sched_yield();
        pthread_mutex_unlock(&mutex);
    }
}

/*
 * stress-ng --switch: packets of one byte into a pipe that has room for one, all in one direction. Each waits until the one
 * before has been read: two switches.
 */
TARE_BENCH(packet_write)
{
    int fds[2];
    char byte = 'x';
    pid_t parent = getpid();
    tare_require(pipe2(fds, O_DIRECT | O_CLOEXEC) == 0 && fcntl(fds[1], F_SETPIPE_SZ, 1) > 0);
    pid_t child = fork();
    tare_require(child >= 0);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(fds[1]);
        if (getppid() != parent) {
            _exit(1); /* it died before that */
        }
        while (read(fds[0], &byte, 1) == 1) {
        }
        _exit(0);
    }
    close(fds[0]);
    signal(SIGPIPE, SIG_IGN);
    TARE_EACH(b)
    {
        tare_require(write(fds[1], &byte, 1) == 1);
    }
    close(fds[1]);
    tare_require(waitpid(child, NULL, 0) == child);
}

TARE_BENCH_MAIN();
