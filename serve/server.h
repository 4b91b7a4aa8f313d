/* SPDX-License-Identifier: MIT */
/* What the files of the server share. One thread uses all of it. */
#ifndef TARE_SERVE_SERVER_H
#define TARE_SERVE_SERVER_H

#include <microhttpd.h>

#include "result/capture.h"
#include "result/telemetry.h"
#include "serve/history.h"
#include "serve/maker.h"
#include "serve/serve.h"
#include "serve/stream.h"

/* A connection, from its first byte to its last. */
struct tare__connection {
    struct tare__connection *next, *previous;
    int fd;
    uint64_t deadline_ns; /* what is under way has to be through by then; UINT64_MAX: there is no such time */
    bool peer_asked, peer_ours; /* whether the other end is a socket of our user, or of root */
    uint8_t address[16];        /* of the other end, as one of IPv6; of those, the network's half alone */
    bool loopback, stream, shut;
    bool answering; /* a request is whole, and its answer under way */
    bool gone;      /* at the last look its client had closed it, and was owed nothing */
};

/* A request for a document that is being made: suspended meanwhile. */
struct tare__waiter {
    struct tare__waiter *next;
    struct MHD_Connection *connection; /* NULL: it does not wait */
    uint64_t ticket;                   /* the making that it waits for */
    bool through;                      /* what it waited for is there, or could not be made: `text` is NULL */
    struct tare__text *text;
};

struct tare_serve {
    struct tare_serve_options options;
    char host[256];      /* as --listen says */
    unsigned short port; /* that we really have */
    bool loopback;
    char *url;
    char cookie[32];    /* its name: cookies do not know ports */
    char *page;         /* the live page, with a link to /history; NULL: as it was built */
    char *page_policy;  /* its Content-Security-Policy */
    char *history_page; /* NULL: there is no /history */
    char *history_policy;
    struct MHD_Daemon *daemon;
    int listen_fd; /* -1: the daemon has it */
    int events_fd;
    struct tare__connection *connections;
    struct tare_live *live;
    const struct tare_telemetry *latest; /* NULL: none, or the last poll failed */
    uint64_t polled_ns, asked_ns, looked_ns, next_poll_ns, next_push_ns;
    uint64_t scraped_ns; /* /metrics with rolling figures */
    bool scrapes_recur;
    uint64_t polls, poll_ns, requests;
    char *complaint; /* the last one, which is not said again and again */
    /* Of the last poll, once somebody asked; [open][histograms][no rolling figures]. */
    struct tare__text *document, *metrics[2][2][2][2];
    struct tare__hub hub;
    struct tare_capture *capture;
    bool capturing;
    uint64_t capture_due_ns;     /* when the next sample is */
    struct tare__text *result;   /* the capture as JSON, once somebody asked */
    uint64_t result_state;       /* of the capture, then */
    uint64_t result_ns, took_ns; /* when it was begun, and how long it took */
    struct tare__maker maker;
    uint64_t making, making_state; /* its number, from 1 on, and of what state of the capture it is */
    uint64_t making_ns;            /* when it was begun */
    bool making_is_void;           /* the capture was reset since */
    struct tare__waiter *waiters;
    unsigned downloads; /* that are under way, or waited for */
    struct tare__history history;
    struct tare__waiter *history_waiters;
    unsigned history_downloads;
    bool closing;
    struct tare_push *push;
};

/* Makes a poll if the last one is older than the interval. Returns 0 or -errno. */
int tare__serve_fresh(struct tare_serve *serve);
/* The same in any case: what was switched is to be seen. */
int tare__serve_poll(struct tare_serve *serve);
/* Rolling figures were asked for at /metrics: before the next time, polls go on. */
void tare__serve_scraped(struct tare_serve *serve);
/* The capture is gone: what was made of it, or is being made, is not of the next one. */
void tare__serve_forget_result(struct tare_serve *serve);
/* The document that was being made is there: whoever waits for it gets it. */
void tare__serve_result_made(struct tare_serve *serve);
/* Nobody waits any more: for the capture's document, for the history. */
void tare__serve_let_go(struct tare_serve *serve);
void tare__serve_history_made(struct tare_serve *serve);
/* Whether one more stream of the address of this connection may be opened. */
bool tare__serve_has_room(const struct tare_serve *serve, const struct tare__connection *connection);
/* The snapshot as JSON, of the last poll. The caller drops it; NULL: no memory. */
struct tare__text *tare__serve_document(void *serve);
void tare__serve_say(struct tare_serve *serve, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* routes.c: MHD's handlers. */
enum MHD_Result tare__serve_answer(void *serve, struct MHD_Connection *connection, const char *url,
                                   const char *method, const char *version, const char *upload,
                                   size_t *upload_size, void **request);
void tare__serve_answered(void *serve, struct MHD_Connection *connection, void **request,
                          enum MHD_RequestTerminationCode why);
/* The policy for a page, with the hashes of its script and style. NULL: no memory. */
char *tare__serve_page_policy(const char *page);
/* The live page with a link to /history. NULL: no memory. */
char *tare__serve_page_with_history(void);

extern const char tare__web_live_html[];

/* Until when a request has to be here, and an answer of that size to be gone. */
uint64_t tare__serve_deadline(uint64_t now_ns, uint64_t answer_size);

#endif
