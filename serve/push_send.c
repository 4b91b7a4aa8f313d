/* SPDX-License-Identifier: MIT */
/*
 * Pushing: the thread that sends what lies in the spool, in order.
 *
 * That the other side said 204 does not mean that it has kept the batch: VictoriaMetrics writes what it took to
 * disk some seconds later, and loses it when it is killed before. So a batch that was taken stays in the spool
 * until the same connection has been alive for `settle_s` longer: its end tells us that the other side may have
 * died. So does a proxy that says that what is behind it is away (502, 503, 504). After either, everything that
 * is not settled is sent again, once; and what was taken three times over twice as long counts as settled, too,
 * for the sake of proxies that keep no connection. Nothing says after a restart of ours what had been taken, so
 * then the same is sent again.
 *
 * It is sent again with its own times, so it is the same samples; a store that keeps one sample for each
 * time of a series has each once. For one that does not, we ask first (serve/arrived.h), and only the rest is
 * sent. It is asked some seconds after the last attempt, since what it took a moment ago is not in its answers
 * yet.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "record/monotonic.h"
#include "serve/pushing.h"

#define BACKOFF_MIN_S 0.5
#define BACKOFF_MAX_S 30.0
#define VISIBLE_S 5.0 /* until what the other side took is in its answers: VictoriaMetrics says one second */

void tare__push_doubt(struct tare_push *push, uint64_t number)
{
    push->doubt_to = number > push->doubt_to ? number : push->doubt_to;
    push->ask_ns = tare__monotonic_ns() + (uint64_t)(VISIBLE_S * 1e9);
}

static void say_no_ask(struct tare_push *push, const char *why)
{
    if (!push->said_no_ask) {
        tare__push_say(
            push,
            "'%s' cannot be asked what has arrived: %s: what may be there is sent again, and is there twice "
            "unless the store drops it%s",
            push->arrived.given != NULL ? push->arrived.given : push->shown, why,
            push->arrived.given != NULL ? "" : "; --push-ask says who can be asked");
    }
    push->said_no_ask = true;
}

/*
 * Takes out of the batch what the other side has of it. False: it is away, and why is in `why`. Where it
 * cannot be asked, the batch stays as it is.
 */
static bool leave_out_known(struct tare_push *push, uint64_t unix_ms, char **text, size_t *size, long *status,
                            char *why)
{
    switch (tare__arrived_leave_out(&push->arrived, push->post, unix_ms, text, size, status, why,
                                    &push->connected)) {
    case TARE_ARRIVED_KNOWN:
        push->said_no_ask = false;
        return true;
    case TARE_ARRIVED_UNKNOWN:
        say_no_ask(push, why);
        return true;
    case TARE_ARRIVED_AWAY:
    default:
        return false;
    }
}

static struct tare_push_taken *taken_of(const struct tare_push *push, uint64_t number)
{
    for (size_t i = 0; i < push->taken_count; i++) {
        if (push->taken[i].number == number) {
            return &push->taken[i];
        }
    }
    return NULL;
}

static bool note_taken(struct tare_push *push, uint64_t number, bool refused, uint64_t now_ns)
{
    struct tare_push_taken *known = taken_of(push, number);
    if (known != NULL) {
        known->last_ns = now_ns;
        known->times++;
        return true;
    }
    if (push->taken_count == push->taken_capacity) {
        size_t capacity = push->taken_capacity * 2 + 32;
        struct tare_push_taken *more = realloc(push->taken, capacity * sizeof(*more));
        if (more == NULL) {
            return false;
        }
        push->taken = more;
        push->taken_capacity = capacity;
    }
    push->taken[push->taken_count++] = (struct tare_push_taken){number, now_ns, now_ns, 1, refused};
    return true;
}

/* The other side has answered on a connection that was there before, or again: what is settled by that goes. */
static void settle(struct tare_push *push, bool connected, uint64_t now_ns)
{
    uint64_t settle_ns = (uint64_t)(push->options.settle_s * 1e9), number = 0;
    size_t done = 0;
    for (; done < push->taken_count; done++) {
        const struct tare_push_taken *taken = &push->taken[done];
        bool lasted = !connected && now_ns - taken->last_ns >= settle_ns;
        bool often = taken->times >= 3 && taken->last_ns - taken->first_ns >= 2 * settle_ns;
        if ((!lasted && !often && !taken->refused) || taken->number >= push->next) {
            break;
        }
        number = taken->number;
    }
    if (done == 0) {
        return;
    }
    int failure = tare_spool_settle(&push->spool, number);
    uint64_t all;
    if (failure != 0) {
        if (tare__push_is_time(&push->unsettled, 1, &all)) {
            tare__push_say(push, "cannot write to the spool '%s': %s: batches that have arrived stay there",
                           push->options.folder, strerror(-failure));
        }
        return;
    }
    push->taken_count -= done;
    memmove(push->taken, push->taken + done, push->taken_count * sizeof(*push->taken));
}

/* `status`: what it answered; 0: nothing. */
static void back_off(struct tare_push *push, long status, const char *why)
{
    if (!push->away || (status != 0 && status != push->said_status)) {
        tare__push_say(push, "cannot push to '%s': %s: batches are kept in '%s'", push->shown, why,
                       push->options.folder);
        push->away = true;
        push->said_status = status;
    }
    tare__push_count(push, &push->figures.failures, 1);
    push->backoff_s = push->backoff_s == 0 ? BACKOFF_MIN_S : push->backoff_s * 2;
    push->backoff_s = push->backoff_s > BACKOFF_MAX_S ? BACKOFF_MAX_S : push->backoff_s;
    /* Half of it by chance: many that were refused together do not come back together. */
    double wait_s = push->backoff_s * (0.5 + 0.5 * tare_random_uniform(&push->random));
    push->retry_ns = tare__monotonic_ns() + (uint64_t)(wait_s * 1e9);
}

static void say_refused(struct tare_push *push, uint64_t batches, const char *why)
{
    if (batches == 1) {
        tare__push_say(push, "'%s' refused a batch, which is lost: %s", push->shown, why);
    } else {
        tare__push_say(push, "'%s' refused %llu batches, which are lost: %s", push->shown,
                       (unsigned long long)batches, why);
    }
}

/* From here to end_attempt(), it is known to be on its way. */
static void begin_attempt(struct tare_push *push, uint64_t number)
{
    pthread_mutex_lock(&push->lock);
    push->under_way = number;
    push->under_way_dropped = false;
    pthread_mutex_unlock(&push->lock);
}

/*
 * `done`: it is not to be sent again unless it was lost over there. Returns whether it had been so before.
 * `*dropped`: it had to go from the spool meanwhile; if it was not done, that was its loss, and has been
 * counted.
 */
static bool end_attempt(struct tare_push *push, uint64_t number, bool done, bool *dropped)
{
    pthread_mutex_lock(&push->lock);
    bool again = number <= push->most_taken;
    *dropped = push->under_way_dropped;
    push->under_way = 0;
    if (done && !again) {
        push->most_taken = number;
    } else if (!again && *dropped) {
        push->full.unsaid++;
        push->figures.batches_dropped++;
    }
    pthread_mutex_unlock(&push->lock);
    return again;
}

/*
 * It was sent, and taken or refused: on to the next one, or once more to those that may have been lost.
 * `again`: it had been before; `was_there`: nothing had to be sent.
 */
static void sent(struct tare_push *push, uint64_t number, enum tare_post_outcome outcome, bool again,
                 bool was_there, const char *why)
{
    uint64_t now_ns = tare__monotonic_ns();
    if (push->away) {
        tare__push_say(push, "pushing to '%s' again", push->shown);
    }
    push->away = false;
    push->said_status = 0;
    push->backoff_s = 0;
    push->next = number + 1;
    if (outcome == TARE_POST_REFUSED) {
        uint64_t all;
        if (tare__push_is_time(&push->refused, 1, &all)) {
            say_refused(push, all, why);
        }
        tare__push_count(push, &push->figures.batches_refused, 1);
    } else if (!again || !was_there) {
        tare__push_count(push, again ? &push->figures.batches_again : &push->figures.batches_sent, 1);
    }
    if (!note_taken(push, number, outcome == TARE_POST_REFUSED, now_ns)) {
        tare__push_say(push, "out of memory: a batch may be sent again");
    }
    if (was_there && push->arrived.elsewhere) {
        return; /* the side that takes batches has said nothing: whether it lives is not known */
    }
    bool connected = push->connected;
    push->connected = false;
    /*
     * A side that never keeps a connection would have us send all of it for ever: now and then will do there.
     */
    uint64_t settle_ns = (uint64_t)(push->options.settle_s * 1e9);
    bool lost = push->gone || (connected && (push->broken || push->reused || push->again_ns == 0 ||
                                             now_ns - push->again_ns >= settle_ns / 2));
    push->reused = !connected;
    push->broken = false;
    push->gone = false;
    if (lost) {
        push->again_to = number;
        push->again_ns = now_ns;
    }
    if (lost && push->taken_count > 0 && push->taken[0].number < number) {
        push->next = push->taken[0].number;
        tare__push_doubt(push, number);
        return;
    }
    if (push->next == push->again_to) {
        push->next++; /* it was what the new connection was made for */
    }
    settle(push, connected, now_ns);
}

/* A batch that is there no more, or is not what was written: on to the next one. */
static void lose(struct tare_push *push, const struct tare_spool_batch *batch, int failure)
{
    bool dropped, again = end_attempt(push, batch->number, true, &dropped);
    push->next = batch->number + 1;
    if (dropped) { /* for want of room, just before it was read */
        pthread_mutex_lock(&push->lock);
        push->full.unsaid += !again;
        push->figures.batches_dropped += !again;
        pthread_mutex_unlock(&push->lock);
        return;
    }
    struct tare_spool_batch left;
    if (failure == -ENOENT &&
        !(tare_spool_from(&push->spool, batch->number, &left) && left.number == batch->number)) {
        return; /* it had to go before the attempt began: that was counted where it went */
    }
    tare__push_say(push, "a batch in the spool '%s' cannot be read, and is lost: %s", push->options.folder,
                   failure == -EBADMSG ? "it is damaged" : strerror(-failure));
    tare__push_count(push, &push->figures.batches_damaged, 1);
    if (failure == -EBADMSG) {
        tare_spool_bury(&push->spool, batch);
    }
}

/* There was no answer, or one that says nothing of the batch, from the side that takes batches. */
static void note_away(struct tare_push *push, long status)
{
    push->broken |= status == 0;
    push->gone |= status == 502 || status == 503 || status == 504;
}

/* Sends it, or what is missing of it. `*text` is as it was read. False: it has to be tried again. */
static bool attempt(struct tare_push *push, const struct tare_spool_batch *batch, bool asks, char **text)
{
    char why[TARE_POST_WHY] = "";
    size_t size = batch->size;
    long status = 0;
    bool dropped;
    if (asks && !leave_out_known(push, batch->unix_ms, text, &size, &status, why)) {
        end_attempt(push, batch->number, false, &dropped);
        if (!push->arrived.elsewhere) {
            note_away(push, status);
        }
        back_off(push, status, why);
        return false;
    }
    bool was_there = size == 0;
    enum tare_post_outcome outcome =
        was_there ? TARE_POST_TAKEN
                  : tare__post(push->post, push->url, *text, size, NULL, &status, why, &push->connected);
    bool again = end_attempt(push, batch->number, outcome != TARE_POST_AWAY, &dropped);
    if (outcome == TARE_POST_AWAY) {
        tare__push_doubt(push, batch->number); /* a part may have arrived */
        note_away(push, status);
        back_off(push, status, why);
        return false;
    }
    sent(push, batch->number, outcome, again, was_there, why);
    return true;
}

/* Sends one batch if there is one, and it is time. False: there is nothing to do now. */
static bool send_next(struct tare_push *push)
{
    struct tare_spool_batch batch;
    uint64_t now_ns = tare__monotonic_ns();
    if (now_ns < push->retry_ns || !tare_spool_from(&push->spool, push->next, &batch)) {
        return false;
    }
    const struct tare_push_taken *taken = taken_of(push, batch.number);
    if (taken != NULL && taken->refused) {
        push->next = batch.number + 1;
        return true;
    }
    bool asks = batch.number <= push->doubt_to;
    if (asks && push->arrived.url == NULL) {
        say_no_ask(push, "only a URL that ends in /api/v1/import/prometheus says where");
        asks = false;
    }
    if (asks && now_ns < push->ask_ns) {
        push->retry_ns = push->ask_ns;
        return false;
    }
    begin_attempt(push, batch.number);
    char *text = NULL;
    int failure = tare_spool_read(&push->spool, &batch, &text);
    if (failure == -ENOMEM || failure == -EMFILE || failure == -ENFILE) {
        bool dropped;
        end_attempt(push, batch.number, false, &dropped);
        back_off(push, 0, strerror(-failure));
        return false;
    }
    if (failure != 0) {
        lose(push, &batch, failure);
        return true;
    }
    bool went = attempt(push, &batch, asks, &text);
    free(text);
    return went;
}

static void wait_for_work(struct tare_push *push, uint64_t seen)
{
    struct tare_spool_batch batch;
    bool any = tare_spool_from(&push->spool, push->next, &batch);
    uint64_t now_ns = tare__monotonic_ns(), wait_ns = UINT64_C(1000000000);
    if (any) {
        wait_ns = push->retry_ns > now_ns ? push->retry_ns - now_ns : 0;
    }
    pthread_mutex_lock(&push->lock);
    if (push->ending && push->end_ns < now_ns + wait_ns) {
        wait_ns = push->end_ns > now_ns ? push->end_ns - now_ns : 0;
    }
    if (push->changes == seen && wait_ns > 0) {
        uint64_t until_ns = now_ns + wait_ns;
        struct timespec until = {(time_t)(until_ns / 1000000000), (long)(until_ns % 1000000000)};
        pthread_cond_timedwait(&push->changed, &push->lock, &until);
    }
    pthread_mutex_unlock(&push->lock);
}

void *tare__push_send(void *data)
{
    struct tare_push *push = data;
    bool was_ending = false;
    for (;;) {
        pthread_mutex_lock(&push->lock);
        uint64_t seen = push->changes, end_ns = push->end_ns;
        bool ending = push->ending, all_stored = push->all_stored;
        pthread_mutex_unlock(&push->lock);
        if (ending && !was_ending) {
            push->retry_ns = 0; /* one last time */
            was_ending = true;
        }
        bool more = send_next(push);
        tare__push_say_lost(push, false);
        struct tare_spool_batch batch;
        bool done = all_stored && (push->away || !tare_spool_from(&push->spool, push->next, &batch));
        if (ending && (done || tare__monotonic_ns() >= end_ns)) {
            break;
        }
        if (!more) {
            wait_for_work(push, seen);
        }
    }
    if (push->refused.unsaid > 0) {
        say_refused(push, push->refused.unsaid, "since that was said last");
    }
    return NULL;
}
