/* SPDX-License-Identifier: MIT */
/*
 * Threads whose states are known: for what shows where threads were. It prints "ready", and writes a line for each
 * change into the file that it is given, "THREAD STATE BEFORE AFTER": the number of the state that was entered, -1
 * for none, and when, ns of CLOCK_MONOTONIC_RAW, before and behind the call. First of all "clocks UNIX RAW": the
 * same moment on both. At SIGTERM all threads end.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <tare/tare.h>

TARE_MODULE("states");
TARE_STATE(phase, "idle", "busy", "blocked");

static volatile sig_atomic_t ended;
static FILE *told;

static void note_signal(int number)
{
    ended = number;
}

static long long now_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void enter(const char *thread, int state)
{
    long long before = now_ns(CLOCK_MONOTONIC_RAW);
    TARE_ENTER(phase, state >= 0 ? (unsigned)state : 99u);
    fprintf(told, "%s %d %lld %lld\n", thread, state, before, now_ns(CLOCK_MONOTONIC_RAW));
}

static void wait_ms(long ms)
{
    const struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

struct plan {
    const char *name;
    int states[4];
    long ms[4];
    int count;
};

static const struct plan plans[] = {
    {"still", {1}, {200}, 1},
    {"slow", {0, 1}, {630, 680}, 2},
    {"pairs", {0, 1}, {700, 40}, 2},
    {"fast", {0, 1, 2, -1}, {7, 5, 9, 3}, 4},
};

static void *run(void *argument)
{
    const struct plan *plan = argument;
    pthread_setname_np(pthread_self(), plan->name);
    for (int i = 0, last = -1; ended == 0; i = (i + 1) % plan->count) {
        if (plan->states[i] != last) {
            enter(plan->name, plan->states[i]);
        }
        last = plan->states[i];
        for (long left = plan->ms[i]; left > 0 && ended == 0; left -= 100) {
            wait_ms(left < 100 ? left : 100);
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[sizeof(plans) / sizeof(plans[0])];
    const size_t count = sizeof(plans) / sizeof(plans[0]);
    told = argc == 2 ? fopen(argv[1], "we") : NULL;
    if (told == NULL) {
        return EXIT_FAILURE;
    }
    signal(SIGTERM, note_signal);
    alarm(120); /* nobody forgets it for ever */
    fprintf(told, "clocks %lld %lld\n", now_ns(CLOCK_REALTIME), now_ns(CLOCK_MONOTONIC_RAW));
    for (size_t i = 0; i < count; i++) {
        if (pthread_create(&threads[i], NULL, run, (void *)(size_t)&plans[i]) != 0) {
            return EXIT_FAILURE;
        }
    }
    puts("ready");
    fflush(stdout);
    for (size_t i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
    }
    return fclose(told) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
