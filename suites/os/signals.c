/* SPDX-License-Identifier: MIT */
/*
 * Signals: what it takes to install a handler, to have one executed, here and on another thread, and to ask what is
 * pending.
 *
 * Signals are sent by tgkill(2), as raise() and pthread_kill() do it after blocking all signals for a moment: that is two
 * system calls more, which are libc's and not the delivery's.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <tare/bench.h>
#include <tare/tare.h>

#include "suites/os/place.h"

TARE_MODULE("os");
TARE_TIMER(signal_install);
TARE_TIMER(signal_self);
TARE_TIMER(signal_thread);
TARE_TIMER(signal_pending);

static volatile uint64_t delivered; /* written in a handler on the thread that reads it */

static void count(int number)
{
    (void)number;
    delivered++;
}

static bool install(int number, void (*handler)(int number), struct sigaction *before)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    return sigaction(number, &action, before) == 0;
}

TARE_BENCH(signal_install)
{
    struct sigaction before, action = {.sa_handler = count, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    tare_require(sigaction(SIGUSR1, NULL, &before) == 0);
    TARE_EACH(b)
    {
        TARE_SCOPE(signal_install);
        tare_require(sigaction(SIGUSR1, &action, NULL) == 0);
    }
    sigaction(SIGUSR1, &before, NULL);
}

/* ThreadSanitizer executes handlers when it sees fit. */
#if defined(__SANITIZE_THREAD__)
enum { HANDLED_LATER = 1 };
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
enum { HANDLED_LATER = 1 };
#else
enum { HANDLED_LATER = 0 };
#endif
#else
enum { HANDLED_LATER = 0 };
#endif

TARE_BENCH(signal_self)
{
    if (HANDLED_LATER) {
        tare_skip("built with ThreadSanitizer, which puts signals off");
    }
    struct sigaction before;
    pid_t pid = getpid(), tid = (pid_t)syscall(SYS_gettid);
    uint64_t sent = delivered;
    tare_require(install(SIGUSR1, count, &before));
    TARE_EACH(b)
    {
        TARE_SCOPE(signal_self);
        syscall(SYS_tgkill, pid, tid, SIGUSR1);
        tare_require(delivered == ++sent);
    }
    sigaction(SIGUSR1, &before, NULL);
}

TARE_BENCH(signal_pending)
{
    sigset_t pending;
    TARE_EACH(b)
    {
        TARE_SCOPE(signal_pending);
        tare_require(sigpending(&pending) == 0);
    }
    tare_require(sigismember(&pending, SIGUSR1) == 0);
}

/*
 * Two threads that sleep in sigsuspend(), and have both signals blocked else: SIGUSR1 goes there, and SIGUSR2 comes back
 * from within its handler. No more than one is ever under way, so that none is lost.
 */
static struct {
    pid_t pid, here;
    _Atomic pid_t there;
    atomic_bool stop;
    sigset_t before;         /* signals that were blocked before */
    sigset_t but_1, but_2;   /* blocked while waiting for the one or the other */
    struct sigaction was[2]; /* handlers before */
} pair;

static void answer(int number)
{
    (void)number;
    if (!atomic_load(&pair.stop)) {
        int error = errno;
        syscall(SYS_tgkill, pair.pid, pair.here, SIGUSR2);
        errno = error;
    }
}

static void wait_and_answer(void *data, unsigned number)
{
    (void)data;
    atomic_store(&pair.there, (pid_t)syscall(SYS_gettid));
    answer((int)number); /* it is ready */
    while (!atomic_load(&pair.stop)) {
        sigsuspend(&pair.but_1);
    }
}

static void stop_answering(void *data)
{
    (void)data;
    atomic_store(&pair.stop, true);
    syscall(SYS_tgkill, pair.pid, atomic_load(&pair.there), SIGUSR1);
    pthread_sigmask(SIG_SETMASK, &pair.before, NULL);
}

static void signal_thread(tare_bench *b, enum place place)
{
    sigset_t both;
    sigemptyset(&both);
    sigaddset(&both, SIGUSR1);
    sigaddset(&both, SIGUSR2);
    place_begin(place);
    pair.pid = getpid();
    pair.here = (pid_t)syscall(SYS_gettid);
    atomic_store(&pair.stop, false);
    tare_require(install(SIGUSR1, answer, &pair.was[0]) && install(SIGUSR2, count, &pair.was[1]));
    tare_require(pthread_sigmask(SIG_BLOCK, &both, &pair.before) == 0);
    pair.but_1 = pair.but_2 = pair.before;
    sigaddset(&pair.but_1, SIGUSR2);
    sigdelset(&pair.but_1, SIGUSR1);
    sigaddset(&pair.but_2, SIGUSR1);
    sigdelset(&pair.but_2, SIGUSR2);

    uint64_t answers = delivered;
    place_start_thread(wait_and_answer, NULL);
    while (delivered == answers) {
        sigsuspend(&pair.but_2);
    }
    place_on_end(stop_answering, NULL);
    answers = delivered;
    TARE_EACH(b)
    {
        TARE_SCOPE(signal_thread);
        syscall(SYS_tgkill, pair.pid, atomic_load_explicit(&pair.there, memory_order_relaxed), SIGUSR1);
        do {
            sigsuspend(&pair.but_2);
        } while (delivered == answers);
        tare_require(delivered == ++answers);
    }
    place_end();
    sigaction(SIGUSR1, &pair.was[0], NULL);
    sigaction(SIGUSR2, &pair.was[1], NULL);
}
PLACED_BENCH(signal_thread);
