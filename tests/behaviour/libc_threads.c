/* SPDX-License-Identifier: MIT */
/*
 * Calls of many threads at once are all counted, each once; so are those of threads that come and go, more of
 * them than the page has room for at one time. Memory that one thread gets another may give back. A wait for a
 * condition is timed, and ends.
 */
#include <pthread.h>

#include "tests/behaviour/libc_preload.h"

enum { THREADS = 50, ROUNDS = 2000, GENERATIONS = 300 };

static void *(*volatile get)(size_t) = malloc;
static void (*volatile give_back)(void *) = free;

static void *allocate(void *kept)
{
    for (int i = 0; i < ROUNDS; i++) {
        char *memory = get((size_t)(i % 1000) + 1);
        if (memory == NULL) {
            return NULL;
        }
        memory[0] = (char)i;
        memory[i % 1000] = (char)i;
        give_back(memory);
    }
    *(void **)kept = get(10);
    return kept;
}

static void *allocate_once(void *unused)
{
    (void)unused;
    give_back(get(100));
    return NULL;
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static int flag;

static void *raise_flag(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&mutex);
    flag = 1;
    pthread_cond_signal(&condition);
    pthread_mutex_unlock(&mutex);
    return NULL;
}

static void start(pthread_t *thread, void *(*run)(void *), void *data)
{
    if (pthread_create(thread, NULL, run, data) != 0) {
        perror("not ok: pthread_create");
        exit(1);
    }
}

int main(int argc, char **argv)
{
    (void)argc;
    preload_self(argv);
    pthread_t threads[THREADS];
    static void *kept[THREADS];
    /* Freeing what ends with a thread is libc's own, so frees can only be more. */
    CHECK(tare_enable("libc::malloc,libc::free,libc::pthread_cond_wait") == 3, "the timers are there");
    for (int i = 0; i < THREADS; i++) {
        start(&threads[i], allocate, &kept[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        void *result = NULL;
        pthread_join(threads[i], &result);
        CHECK(result == &kept[i] && kept[i] != NULL, "thread %d", i);
        give_back(kept[i]);
    }
    for (int i = 0; i < GENERATIONS; i++) {
        start(&threads[0], allocate_once, NULL);
        pthread_join(threads[0], NULL);
    }
    start(&threads[0], raise_flag, NULL);
    pthread_mutex_lock(&mutex);
    if (flag == 0) {
        do {
            pthread_cond_wait(&condition, &mutex);
        } while (flag == 0);
        CHECK(stats_of("pthread_cond_wait").calls >= 1, "the wait was not counted");
    }
    pthread_mutex_unlock(&mutex);
    pthread_join(threads[0], NULL);
    tare_disable("*");
    const uint64_t pairs = THREADS * (ROUNDS + 1) + GENERATIONS;
    uint64_t mallocs = stats_of("malloc").calls, frees = stats_of("free").calls;
    CHECK(mallocs == pairs, "%lu, not %lu", (unsigned long)mallocs, (unsigned long)pairs);
    CHECK(frees >= pairs, "%lu, not %lu", (unsigned long)frees, (unsigned long)pairs);
    printf("%lu mallocs, %lu frees\n", (unsigned long)mallocs, (unsigned long)frees);
    return failures != 0;
}
