/* SPDX-License-Identifier: MIT */
/*
 * A thread that is cancelled while it waits in read ends the scope of that read on its way out, runs its own
 * clean-up handlers, and can be joined.
 */
#include <pthread.h>

#include "tests/behaviour/libc_preload.h"

static int never_written[2];
static int cleaned_up;

static void clean_up(void *unused)
{
    (void)unused;
    cleaned_up++;
}

static void *read_for_ever(void *started)
{
    char byte;
    pthread_cleanup_push(clean_up, NULL);
    *(volatile pid_t *)started = gettid();
    ssize_t n = read(never_written[0], &byte, 1);
    CHECK(n < 0, "read returned %zd", n);
    pthread_cleanup_pop(0);
    return NULL;
}

/* Waits until the thread sleeps in the kernel: state S in /proc/PID/task/TID/stat. */
static void wait_until_asleep(pid_t tid)
{
    char path[64], line[256];
    snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)tid);
    for (;;) {
        FILE *stat = fopen(path, "r");
        const char *end = stat != NULL && fgets(line, sizeof(line), stat) != NULL ? strrchr(line, ')') : NULL;
        if (stat != NULL) {
            fclose(stat);
        }
        if (end != NULL && end[2] == 'S') {
            return;
        }
        usleep(200);
    }
}

int main(int argc, char **argv)
{
    enum { THREADS = 20 };
    (void)argc;
    preload_self(argv);
    if (pipe(never_written) != 0) {
        perror("not ok: pipe");
        return 1;
    }
    CHECK(tare_enable("libc::read,libc::pthread_mutex_lock") == 2, "both timers are there");
    for (int i = 0; i < THREADS; i++) {
        pthread_t thread;
        void *result = NULL;
        volatile pid_t tid = 0;
        if (pthread_create(&thread, NULL, read_for_ever, (void *)&tid) != 0) {
            perror("not ok: pthread_create");
            return 1;
        }
        while (tid == 0) {
            usleep(100);
        }
        wait_until_asleep(tid);
        pthread_cancel(thread);
        pthread_join(thread, &result);
        CHECK(result == PTHREAD_CANCELED, "round %d", i);
    }
    tare_disable("*");
    tare_stats reads = stats_of("read");
    CHECK(cleaned_up == THREADS, "%d", cleaned_up);
    CHECK(reads.calls == THREADS && reads.outermost == THREADS, "%lu calls, %lu outermost",
          (unsigned long)reads.calls, (unsigned long)reads.outermost);
    CHECK(reads.bytes == 0, "%lu bytes", (unsigned long)reads.bytes);
    return failures != 0;
}
