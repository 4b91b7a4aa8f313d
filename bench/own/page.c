/* SPDX-License-Identifier: MIT */
/*
 * bench-own: reading a page, as live views do again and again, and as reports do once. The page is of a child process:
 * THREADS threads have used all of its instruments, half timers with histograms and half counters, and wait then.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tare/bench.h>
#include <tare/tare.h>

#include "bench/own/own.h"
#include "record/discover.h"
#include "record/reader.h"

extern char **environ;

enum { THREADS = 4, INSTRUMENTS_MOST = 1000, VALUES = 20, NAME = 24 };

static tare_instrument instruments[INSTRUMENTS_MOST];
static tare_timer *pointers[INSTRUMENTS_MOST];
static char names[INSTRUMENTS_MOST][NAME];
static const struct tare__module module = {"own"};
static unsigned used;
static pthread_barrier_t barrier;

static void *use_all(void *nothing)
{
    for (unsigned i = 0; i < used; i++) {
        for (int k = 0; k < VALUES; k++) {
            if (i % 2 == 0) {
                tare_span span = tare__open(&instruments[i].timer);
                tare__close(&span);
            } else {
                tare__add(&instruments[i], 1);
            }
        }
    }
    pthread_barrier_wait(&barrier);
    for (;;) {
        pause();
    }
    return nothing;
}

_Noreturn void own_page_fill(int ready, unsigned count)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    used = count < INSTRUMENTS_MOST ? count : INSTRUMENTS_MOST;
    for (unsigned i = 0; i < used; i++) {
        snprintf(names[i], NAME, "instrument_%u", i);
        instruments[i] = (tare_instrument){
            .timer = {&tare__never, TARE_ABI, UINT32_MAX, names[i], &module, "page.c", i + 1,
                      i % 2 == 0 ? TARE_KIND_TIMER : TARE_KIND_COUNTER},
        };
        pointers[i] = &instruments[i].timer;
    }
    tare__enroll(pointers, pointers + used);
    tare_enable("*");
    pthread_barrier_init(&barrier, NULL, THREADS + 1);
    for (int k = 0; k < THREADS; k++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, use_all, NULL) != 0) {
            _exit(1);
        }
    }
    pthread_barrier_wait(&barrier);
    if (write(ready, "r", 1) != 1) {
        _exit(1);
    }
    for (;;) {
        pause();
    }
}

/* Nothing of the page stands in this process: what it says about itself would be another thing to read. */
static pid_t start(int64_t count)
{
    int ready[2];
    char fd[16], number[16], byte = 0;
    pid_t pid = -1;
    tare_require(pipe(ready) == 0);
    snprintf(fd, sizeof(fd), "%d", ready[1]);
    snprintf(number, sizeof(number), "%d", (int)count);
    char *arguments[] = {(char *)(uintptr_t) "bench-own", (char *)(uintptr_t) "page", fd, number, NULL};
    unsetenv("TARE_PAGE"); /* it has a page of its own, whatever we run under */
    unsetenv("TARE");
    tare_require(posix_spawn(&pid, "/proc/self/exe", NULL, NULL, arguments, environ) == 0);
    close(ready[1]);
    tare_require(read(ready[0], &byte, 1) == 1);
    close(ready[0]);
    return pid;
}

static struct tare_page_source open_page(pid_t pid)
{
    struct tare_found_page *pages = NULL;
    size_t count = 0;
    tare_require(tare_discover(pid, &pages, &count, NULL) == 0 && count == 1);
    struct tare_page_source source = {open(pages[0].path, O_RDONLY | O_CLOEXEC), pages[0].offset,
                                      pages[0].limit};
    tare_require(source.fd >= 0);
    free(pages);
    return source;
}

static void stop(pid_t pid, struct tare_page_source source)
{
    close(source.fd);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* Of all its counters: 20 calls by each of 4 threads. */
static bool is_whole(const struct tare_page_view *view, int64_t count)
{
    bool whole = (int64_t)(view->timer_count + view->instrument_count) == count;
    for (size_t i = 0; whole && i < view->instrument_count; i++) {
        whole = view->instruments[i].total == (uint64_t)THREADS * VALUES;
    }
    return whole;
}

TARE_BENCH(page_again)
{
    struct tare_page_view view;
    char message[200] = "";
    pid_t pid = start(b->arg[0]);
    struct tare_page_source source = open_page(pid);
    struct tare_page_reader *reader = tare_page_reader_open(&source);
    const unsigned flags = TARE_READ_LIVE | TARE_READ_HISTOGRAMS;
    tare_require(reader != NULL && tare_page_reader_read(reader, flags, &view, message, sizeof(message)) == 0);
    tare_require(is_whole(&view, b->arg[0]));
    tare_page_view_release(&view);
    TARE_EACH(b)
    {
        tare_require(tare_page_reader_read(reader, flags, &view, message, sizeof(message)) == 0);
        tare_page_view_release(&view);
    }
    tare_items(b, (double)b->arg[0]);
    tare_page_reader_close(reader);
    stop(pid, source);
}
TARE_BENCH_ARGS(page_again, 100, 1000);

TARE_BENCH(page_once)
{
    struct tare_page_view view;
    char message[200] = "";
    pid_t pid = start(b->arg[0]);
    struct tare_page_source source = open_page(pid);
    tare_require(tare_page_read(&source, TARE_READ_HISTOGRAMS, &view, message, sizeof(message)) == 0);
    tare_require(is_whole(&view, b->arg[0]));
    tare_page_view_release(&view);
    TARE_EACH(b)
    {
        tare_require(tare_page_read(&source, TARE_READ_HISTOGRAMS, &view, message, sizeof(message)) == 0);
        tare_page_view_release(&view);
    }
    tare_items(b, (double)b->arg[0]);
    stop(pid, source);
}
TARE_BENCH_ARGS(page_once, 100, 1000);
