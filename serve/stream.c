/* SPDX-License-Identifier: MIT */
/*
 * Who gets which event. A client that has nothing to read is suspended, and is woken by the next event. One
 * that is in the middle of an event has a short queue behind it; once that is full, the queue is given up,
 * and the client gets the latest poll as a whole when it is through. So nobody waits for it, and what it
 * holds is bounded.
 */
#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "serve/stream.h"

enum { QUEUE_MAX = 4 };
#define STUCK_NS UINT64_C(10000000000)     /* behind for so long: it has to go */
#define HEARTBEAT_NS UINT64_C(15000000000) /* of silence: less than proxies bear */

struct tare__client {
    struct tare__client *next, *previous;
    struct tare__hub *hub;
    struct MHD_Connection *connection;
    int fd;
    bool suspended, shut;
    bool wants_snapshot, wants_full; /* instead of the queue, once it is through with `current` */
    struct tare__text *current;
    size_t at;
    struct tare__text *queue[QUEUE_MAX];
    size_t queued;
    uint64_t behind_since_ns; /* 0: it had everything when the last event came */
};

struct tare__client *tare__hub_join(struct tare__hub *hub, struct MHD_Connection *connection, int fd)
{
    static const char hello[] = "retry: 1000\n: tare\n\n";
    struct tare__client *client = calloc(1, sizeof(*client));
    if (client == NULL) {
        return NULL;
    }
    client->current = tare__text_own(strdup(hello), strlen(hello));
    if (client->current == NULL) {
        free(client);
        return NULL;
    }
    client->hub = hub;
    client->connection = connection;
    client->fd = fd;
    client->wants_snapshot = true;
    client->next = hub->first;
    if (hub->first != NULL) {
        hub->first->previous = client;
    }
    hub->first = client;
    hub->count++;
    return client;
}

static void forget_queue(struct tare__client *client)
{
    for (size_t i = 0; i < client->queued; i++) {
        tare__text_drop(client->queue[i]);
    }
    client->queued = 0;
}

void tare__client_leave(void *data)
{
    struct tare__client *client = data;
    struct tare__hub *hub = client->hub;
    *(client->previous != NULL ? &client->previous->next : &hub->first) = client->next;
    if (client->next != NULL) {
        client->next->previous = client->previous;
    }
    hub->count--;
    forget_queue(client);
    tare__text_drop(client->current);
    free(client);
}

static struct tare__text *snapshot_of(struct tare__hub *hub)
{
    if (hub->snapshot == NULL && hub->latest != NULL) {
        struct tare__text *document = hub->document(hub->document_data);
        if (document != NULL) {
            hub->snapshot = tare__snapshot_event(hub->latest, document->bytes, document->size, hub->interval_s,
                                                 hub->window_s);
            tare__text_drop(document);
        }
    }
    return hub->snapshot;
}

static struct tare__text *full_of(struct tare__hub *hub)
{
    if (hub->full == NULL) {
        hub->full = tare__rows_sample(&hub->rows, true);
    }
    return hub->full;
}

/*
 * The next event of a client that is through with one; NULL: it has everything, or there is no memory for
 * it now.
 */
static struct tare__text *next_event(struct tare__client *client)
{
    struct tare__hub *hub = client->hub;
    if (client->wants_snapshot || client->wants_full) {
        if (!hub->begun) {
            return NULL;
        }
        /* With the poll that the snapshot is of, rows begin: there is no sample of it. */
        struct tare__text *text = client->wants_snapshot ? snapshot_of(hub) : full_of(hub);
        if (text == NULL) {
            return NULL;
        }
        client->wants_snapshot = client->wants_full = false;
        return tare__text_hold(text);
    }
    if (client->queued == 0) {
        return NULL;
    }
    struct tare__text *text = client->queue[0];
    memmove(client->queue, client->queue + 1, --client->queued * sizeof(client->queue[0]));
    return text;
}

ssize_t tare__client_read(void *data, uint64_t position, char *buffer, size_t size)
{
    (void)position;
    struct tare__client *client = data;
    if (client->hub->closing) {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    size_t given = 0;
    while (given < size) {
        if (client->current == NULL) {
            client->current = next_event(client);
            client->at = 0;
        }
        if (client->current == NULL) {
            break;
        }
        size_t rest = client->current->size - client->at, part = rest < size - given ? rest : size - given;
        memcpy(buffer + given, client->current->bytes + client->at, part);
        given += part;
        client->at += part;
        if (part == rest) {
            tare__text_drop(client->current);
            client->current = NULL;
        }
    }
    if (given == 0) {
        client->behind_since_ns = 0;
        client->suspended = true;
        MHD_suspend_connection(client->connection);
    }
    return (ssize_t)given;
}

static void wake(struct tare__client *client)
{
    if (client->suspended) {
        client->suspended = false;
        MHD_resume_connection(client->connection);
    }
}

static void enqueue(struct tare__client *client, struct tare__text *text, uint64_t now_ns)
{
    if (client->behind_since_ns == 0) {
        client->behind_since_ns = now_ns;
    }
    if (client->wants_snapshot || client->wants_full) {
        client->hub->skipped += client->wants_full;
    } else if (client->queued == QUEUE_MAX) {
        client->hub->skipped += QUEUE_MAX + 1;
        forget_queue(client);
        client->wants_full = true;
    } else {
        client->queue[client->queued++] = tare__text_hold(text);
    }
    wake(client);
}

void tare__shut(int fd)
{
    const struct linger now = {1, 0}; /* nothing that lies in its buffer is waited for when it is closed */
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    shutdown(fd, SHUT_RDWR);
}

int tare__hub_publish(struct tare__hub *hub, const struct tare_telemetry *telemetry, uint64_t now_ns)
{
    tare__text_drop(hub->snapshot);
    tare__text_drop(hub->full);
    hub->snapshot = hub->full = NULL;
    hub->latest = telemetry;
    if (hub->count == 0) { /* nobody looks: rows begin with the next client */
        hub->begun = false;
        return 0;
    }
    int failure = -EINVAL;
    struct tare__text *sample = NULL;
    if (hub->begun && hub->shape == telemetry->shape) {
        failure = tare__rows_next(&hub->rows, telemetry);
        sample = failure == 0 ? tare__rows_sample(&hub->rows, false) : NULL;
    }
    bool whole = failure == -EINVAL; /* another shape, or the first poll with clients */
    if (whole) {
        failure = tare__rows_begin(&hub->rows, telemetry);
    }
    hub->begun = failure == 0;
    hub->shape = telemetry->shape;
    if (failure == 0 && !whole && sample == NULL) {
        failure = -ENOMEM;
        whole = true;
    }
    for (struct tare__client *client = hub->first; client != NULL; client = client->next) {
        if (whole || failure != 0) {
            forget_queue(client);
            client->wants_snapshot = true;
            client->wants_full = false;
        }
        if (sample != NULL || (whole && failure == 0)) {
            enqueue(client, sample, now_ns);
        }
    }
    tare__text_drop(sample);
    hub->last_event_ns = now_ns;
    return failure;
}

void tare__hub_look(struct tare__hub *hub, uint64_t now_ns)
{
    struct tare__text *heartbeat = NULL;
    if (hub->count > 0 && now_ns > hub->last_event_ns + HEARTBEAT_NS) {
        /* A comment would not reach the page: EventSource keeps those to itself, and events without data. */
        static const char beat[] = "event: beat\ndata: {}\n\n";
        heartbeat = tare__text_own(strdup(beat), strlen(beat));
        hub->last_event_ns = now_ns;
    }
    for (struct tare__client *client = hub->first; client != NULL; client = client->next) {
        if (heartbeat != NULL) {
            enqueue(client, heartbeat, now_ns);
        }
        /* The daemon finds its socket at an end, and lets the client go. */
        if (client->behind_since_ns != 0 && now_ns > client->behind_since_ns + STUCK_NS && !client->shut) {
            client->shut = true;
            tare__shut(client->fd);
            wake(client);
            hub->dropped++;
        }
    }
    tare__text_drop(heartbeat);
}

void tare__hub_close(struct tare__hub *hub)
{
    hub->closing = true;
    for (struct tare__client *client = hub->first; client != NULL; client = client->next) {
        wake(client);
    }
}

void tare__hub_release(struct tare__hub *hub)
{
    tare__stream_rows_release(&hub->rows);
    tare__text_drop(hub->snapshot);
    tare__text_drop(hub->full);
    hub->snapshot = hub->full = NULL;
}
