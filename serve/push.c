/* SPDX-License-Identifier: MIT */
/*
 * Pushing. One thread takes what the server hands over, and puts it on disk. The other one sends what lies
 * there, in order. So a store that does not answer keeps nothing off the disk, and a disk that does not keep up
 * keeps nobody waiting but what comes behind it; the server waits for neither.
 *
 * How it sends, and sends again, is told in serve/push_send.c.
 */
#include "serve/push.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if TARE_HAVE_CURL

#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "record/monotonic.h"
#include "serve/pushing.h"

#define SPOOL_BYTES (UINT64_C(64) << 20)
#define SETTLE_S 20.0
#define LAST_S 2.0   /* what is left is tried for so long at the end */
#define QUIET_S 60.0 /* what happens again and again is said once, and then so often */

bool tare_push_supported(void)
{
    return true;
}

void tare__push_say(struct tare_push *push, const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    if (push->say != NULL) {
        push->say(push->say_data, line);
    }
}

bool tare__push_is_time(struct tare_push_quiet *quiet, uint64_t times, uint64_t *all)
{
    uint64_t now_ns = tare__monotonic_ns();
    quiet->unsaid += times;
    if (quiet->said_ns != 0 && now_ns - quiet->said_ns < (uint64_t)(QUIET_S * 1e9)) {
        return false;
    }
    *all = quiet->unsaid;
    *quiet = (struct tare_push_quiet){now_ns, 0};
    return true;
}

void tare__push_count(struct tare_push *push, uint64_t *figure, uint64_t more)
{
    pthread_mutex_lock(&push->lock);
    *figure += more;
    pthread_mutex_unlock(&push->lock);
}

static bool is_ending(struct tare_push *push, uint64_t *end_ns)
{
    pthread_mutex_lock(&push->lock);
    bool ending = push->ending;
    *end_ns = push->end_ns;
    pthread_mutex_unlock(&push->lock);
    return ending;
}

static const char *batches_are(uint64_t batches)
{
    return batches == 1 ? "batch is" : "batches are";
}

/* Under the lock. How many are to be said now; 0: none. */
static uint64_t to_say(struct tare_push_quiet *quiet, bool last)
{
    uint64_t all = 0;
    if (quiet->unsaid > 0 && !tare__push_is_time(quiet, 0, &all) && last) {
        all = quiet->unsaid;
        quiet->unsaid = 0;
    }
    return all;
}

void tare__push_say_lost(struct tare_push *push, bool last)
{
    pthread_mutex_lock(&push->lock);
    uint64_t late = to_say(&push->late, last), full = to_say(&push->full, last);
    pthread_mutex_unlock(&push->lock);
    if (late > 0) {
        tare__push_say(push, "the disk of the spool '%s' does not keep up: %llu %s lost", push->options.folder,
                       (unsigned long long)late, batches_are(late));
    }
    if (full > 0) {
        tare__push_say(push, "the spool '%s' is full, or its disk: %llu %s lost", push->options.folder,
                       (unsigned long long)full, batches_are(full));
    }
}

/* Under the lock. */
static void signal_change(struct tare_push *push)
{
    push->changes++;
    pthread_cond_signal(&push->changed);
}

/* Called by the spool when a batch has to go. What had been taken is no loss, as far as we know. */
static void note_dropped(void *data, uint64_t number)
{
    struct tare_push *push = data;
    pthread_mutex_lock(&push->lock);
    if (number == push->under_way) {
        push->under_way_dropped = true; /* it may arrive all the same: end_attempt() knows */
    } else if (number > push->most_taken) {
        push->full.unsaid++;
        push->figures.batches_dropped++;
    }
    pthread_mutex_unlock(&push->lock);
}

/* One batch, to disk. */
static void store(struct tare_push *push, struct tare_push_handed *handed)
{
    int failure = tare_spool_add(&push->spool, handed->unix_ms, handed->text, handed->size, note_dropped, push);
    free(handed->text);
    pthread_mutex_lock(&push->lock);
    push->figures.batches_dropped += failure != 0;
    signal_change(push);
    pthread_mutex_unlock(&push->lock);
    uint64_t all;
    if (failure != 0 && tare__push_is_time(&push->unwritten, 1, &all)) {
        tare__push_say(push, "cannot write to the spool '%s': %s: %llu %s lost", push->options.folder,
                       strerror(-failure), (unsigned long long)all, batches_are(all));
    }
    tare__push_say_lost(push, false);
}

/* The thread that stores. It ends when all that was handed over is on disk. */
static void *run_storer(void *data)
{
    struct tare_push *push = data;
    for (;;) {
        struct tare_push_handed handed = {0};
        pthread_mutex_lock(&push->lock);
        while (push->handed_count == 0 && !push->ending) {
            pthread_cond_wait(&push->handed_over, &push->lock);
        }
        bool any = push->handed_count > 0;
        if (any) {
            handed = push->handed[0];
            memmove(push->handed, push->handed + 1, --push->handed_count * sizeof(push->handed[0]));
        }
        pthread_mutex_unlock(&push->lock);
        if (!any) {
            break;
        }
        store(push, &handed);
    }
    pthread_mutex_lock(&push->lock);
    push->all_stored = true;
    signal_change(push);
    pthread_mutex_unlock(&push->lock);
    return NULL;
}

static bool stop_waiting(void *data)
{
    uint64_t end_ns;
    return is_ending(data, &end_ns) && tare__monotonic_ns() >= end_ns;
}

static int start_thread(pthread_t *thread, bool *started, void *(*run)(void *), struct tare_push *push)
{
    /* Signals are for the thread that waits for them. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failure = -pthread_create(thread, NULL, run, push);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    *started = failure == 0;
    return failure;
}

static void release(struct tare_push *push)
{
    tare__post_free(push->post);
    tare__arrived_release(&push->arrived);
    tare_spool_close(&push->spool);
    for (size_t i = 0; i < push->handed_count; i++) {
        free(push->handed[i].text);
    }
    pthread_cond_destroy(&push->handed_over);
    pthread_cond_destroy(&push->changed);
    pthread_mutex_destroy(&push->lock);
    free(push->taken);
    free(push->url);
    free(push->shown);
    free(push);
}

/* False after `message` was written. */
static bool check_url(const char *url, const char *what, const char *example, char *message,
                      size_t message_size)
{
    if (tare__post_is_url(url)) {
        return true;
    }
    char *shown = tare__post_without_credentials(url);
    snprintf(message, message_size, "'%s' is no address to %s: it looks like %s", shown != NULL ? shown : "",
             what, example);
    free(shown);
    return false;
}

static struct tare_push *new_push(const struct tare_push_options *options,
                                  void (*say_to)(void *data, const char *line), void *say_data)
{
    struct tare_push *push = calloc(1, sizeof(*push));
    if (push == NULL) {
        return NULL;
    }
    push->options = *options;
    push->options.spool_bytes = options->spool_bytes != 0 ? options->spool_bytes : SPOOL_BYTES;
    push->options.settle_s = options->settle_s > 0 ? options->settle_s : SETTLE_S;
    push->say = say_to;
    push->say_data = say_data;
    push->spool = TARE_SPOOL_CLOSED;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    tare_random_seed(&push->random, (uint64_t)now.tv_nsec ^ (uint64_t)now.tv_sec << 32);
    pthread_mutex_init(&push->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&push->handed_over, &attributes);
    pthread_cond_init(&push->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    return push;
}

static int prepare(struct tare_push *push)
{
    const struct tare_push_options *options = &push->options;
    push->url = strdup(options->url);
    push->shown = tare__post_without_credentials(options->url);
    push->post = tare__post_new(options->auth, stop_waiting, push);
    if (push->url == NULL || push->shown == NULL || push->post == NULL) {
        return -ENOMEM;
    }
    if (options->auth == NULL && strcmp(push->url, push->shown) != 0) {
        tare__push_say(push, "who can list processes sees the credentials for '%s': use --push-auth",
                       push->shown);
    }
    return tare__arrived_init(&push->arrived, options->url, options->ask_url);
}

static int open_spool(struct tare_push *push, char *message, size_t message_size)
{
    int failure =
        tare_spool_open(&push->spool, push->options.folder, push->options.spool_bytes, message, message_size);
    if (failure != 0) {
        return failure;
    }
    push->figures.batches_damaged = push->spool.damaged;
    if (push->spool.damaged > 0) {
        tare__push_say(push, "%llu %s lost, since what is in the spool '%s' was cut off or damaged",
                       (unsigned long long)push->spool.damaged, batches_are(push->spool.damaged),
                       push->options.folder);
    }
    push->next = push->spool.settled + 1;
    push->most_taken = push->spool.settled;
    if (push->spool.count > 0) { /* whatever was there when it ended last may have arrived */
        tare__push_doubt(push, push->spool.next - 1);
    }
    return 0;
}

/* Ends the threads that were started, the one that sends after two seconds at most. */
static void stop(struct tare_push *push)
{
    pthread_mutex_lock(&push->lock);
    push->ending = true;
    push->end_ns = tare__monotonic_ns() + (uint64_t)(LAST_S * 1e9);
    pthread_cond_signal(&push->handed_over);
    signal_change(push);
    pthread_mutex_unlock(&push->lock);
    if (push->sending) {
        pthread_join(push->sender, NULL);
    }
    if (push->storing) {
        pthread_join(push->storer, NULL);
    }
    tare__push_say_lost(push, true);
}

int tare_push_open(struct tare_push **out, const struct tare_push_options *options,
                   void (*say_to)(void *data, const char *line), void *say_data, char *message,
                   size_t message_size)
{
    *out = NULL;
    if (!check_url(options->url, "push to", "http://127.0.0.1:8428/api/v1/import/prometheus", message,
                   message_size) ||
        (options->ask_url != NULL &&
         !check_url(options->ask_url, "ask at", "http://vmselect:8481/select/0/prometheus/api/v1/export",
                    message, message_size))) {
        return -EINVAL;
    }
    struct tare_push *push = new_push(options, say_to, say_data);
    if (push == NULL) {
        return -ENOMEM;
    }
    int failure = prepare(push);
    failure = failure == 0 ? open_spool(push, message, message_size) : failure;
    failure = failure == 0 ? start_thread(&push->storer, &push->storing, run_storer, push) : failure;
    failure = failure == 0 ? start_thread(&push->sender, &push->sending, tare__push_send, push) : failure;
    if (failure != 0) {
        stop(push);
        release(push);
        return failure;
    }
    *out = push;
    return 0;
}

void tare_push_add(struct tare_push *push, uint64_t unix_ms, char *text, size_t size)
{
    pthread_mutex_lock(&push->lock);
    if (push->handed_count < TARE_PUSH_HANDED_MAX) {
        push->handed[push->handed_count++] = (struct tare_push_handed){unix_ms, text, size};
        text = NULL;
        pthread_cond_signal(&push->handed_over);
    } else { /* the disk does not keep up */
        push->figures.batches_dropped++;
        push->late.unsaid++;
        signal_change(push);
    }
    pthread_mutex_unlock(&push->lock);
    free(text);
}

struct tare_push_figures tare_push_figures(struct tare_push *push)
{
    pthread_mutex_lock(&push->lock);
    struct tare_push_figures figures = push->figures;
    uint64_t most_taken = push->most_taken;
    pthread_mutex_unlock(&push->lock);
    tare_spool_backlog(&push->spool, most_taken, &figures.backlog, &figures.backlog_bytes);
    return figures;
}

void tare_push_close(struct tare_push *push)
{
    if (push != NULL) {
        stop(push);
        release(push);
    }
}

#else

bool tare_push_supported(void)
{
    return false;
}

int tare_push_open(struct tare_push **push, const struct tare_push_options *options,
                   void (*say)(void *data, const char *line), void *say_data, char *message,
                   size_t message_size)
{
    (void)options;
    (void)say;
    (void)say_data;
    *push = NULL;
    snprintf(message, message_size, "this tare cannot push: it was built without libcurl");
    return -ENOTSUP;
}

void tare_push_add(struct tare_push *push, uint64_t unix_ms, char *text, size_t size)
{
    (void)push;
    (void)unix_ms;
    (void)size;
    free(text);
}

struct tare_push_figures tare_push_figures(struct tare_push *push)
{
    (void)push;
    return (struct tare_push_figures){0};
}

void tare_push_close(struct tare_push *push)
{
    (void)push;
}

#endif
