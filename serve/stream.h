/* SPDX-License-Identifier: MIT */
/*
 * The stream's events: made once for each poll, and shared by all clients, of which each has its own place in
 * them. docs/serve.md has the format. One thread.
 */
#ifndef TARE_SERVE_STREAM_H
#define TARE_SERVE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "result/telemetry.h"

/* A text that several hold; it goes with the last of them. */
struct tare__text {
    unsigned references;
    size_t size;
    char *bytes; /* malloc'ed */
};
struct tare__text *tare__text_own(char *bytes,
                                  size_t size); /* NULL if bytes is, or without memory: freed then */
struct tare__text *tare__text_hold(struct tare__text *text);
void tare__text_drop(struct tare__text *text); /* NULL is fine */

/* A buffer that grows. After a failure it stays as it is, and `failed` says so. */
struct tare__buffer {
    char *bytes;
    size_t size, capacity;
    bool failed;
};
void tare__buffer_add(struct tare__buffer *buffer, const char *bytes, size_t size);
void tare__buffer_text(struct tare__buffer *buffer, const char *text);
/* A count, or null: TARE_COUNT_UNKNOWN, and all above 2^63 - 1. */
void tare__buffer_count(struct tare__buffer *buffer, uint64_t value);
/*
 * Six significant digits; a whole number, or one of more than six digits before the point, as a whole number.
 * null if it is not finite. The same in every locale.
 */
void tare__buffer_number(struct tare__buffer *buffer, double value);
struct tare__text *tare__buffer_share(struct tare__buffer *buffer); /* empties it; NULL if it failed */

/* What the last poll gave, as rows of the stream's text; and what of it is new. */
struct tare__rows {
    struct tare__buffer rows[2]; /* of the last poll, and of the one before */
    size_t *ends[2];             /* where each row ends */
    size_t count, capacity;
    unsigned now; /* which of the two is the last */
    uint64_t *frames_seen;
    struct tare__buffer changed, head, tail; /* of the sample */
};
void tare__stream_rows_release(struct tare__rows *rows);

/* After a snapshot event: what it has is known. Returns 0 or -ENOMEM. */
int tare__rows_begin(struct tare__rows *rows, const struct tare_telemetry *telemetry);
/* The next poll of the same shape. Returns 0 or -ENOMEM. */
int tare__rows_next(struct tare__rows *rows, const struct tare_telemetry *telemetry);
/* Its event, with what changed, or with everything. NULL without memory. */
struct tare__text *tare__rows_sample(struct tare__rows *rows, bool full);
struct tare__text *tare__snapshot_event(const struct tare_telemetry *telemetry, const char *document,
                                        size_t document_size, double interval_s, double window_s);

/* The clients of a stream. */
struct MHD_Connection;
struct tare__client;
struct tare__hub {
    struct tare__client *first;
    size_t count;
    bool closing;
    uint64_t skipped; /* samples, by clients that were slow */
    uint64_t dropped; /* clients, for that */
    struct tare__rows rows;
    struct tare__text *snapshot, *full; /* of the last poll, once somebody wanted it */
    uint64_t shape;
    bool begun; /* the rows are of the last poll */
    const struct tare_telemetry *latest;
    double interval_s, window_s;
    struct tare__text *(*document)(void *data); /* the snapshot as JSON; the caller drops it. NULL: no memory */
    void *document_data;
    uint64_t last_event_ns;
};

/* A new client, for whom the next event is the whole. `fd`: its socket, to be shut when it has to go. */
struct tare__client *tare__hub_join(struct tare__hub *hub, struct MHD_Connection *connection, int fd);
/* A content reader and its end, as MHD wants them; the data is the client. */
ssize_t tare__client_read(void *client, uint64_t position, char *buffer, size_t size);
void tare__client_leave(void *client);

/* A poll was made: `telemetry` is valid up to the next. Returns 0 or -ENOMEM: nobody got it. */
int tare__hub_publish(struct tare__hub *hub, const struct tare_telemetry *telemetry, uint64_t now_ns);
/* Sends a heartbeat if nothing was for long, and shuts the sockets of clients that are stuck. */
void tare__hub_look(struct tare__hub *hub, uint64_t now_ns);
/* Ends what a socket does; whoever owns it finds it so, and closes it. */
void tare__shut(int fd);
/* All streams end; the daemon has to run after it. */
void tare__hub_close(struct tare__hub *hub);
void tare__hub_release(struct tare__hub *hub);

#endif
