/* SPDX-License-Identifier: MIT */
/*
 * Requests and answers. A request is judged once all of it is here: whether it means us (Host), whether it may
 * (token), whether another page has made the browser send it (Origin, Content-Type), and then by its path and
 * method. Nothing changes by a GET.
 */
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <tare/version.h>

#include "record/monotonic.h"
#include "record/sha256.h"
#include "serve/guard.h"
#include "serve/peer.h"
#include "serve/server.h"
#include "view/openmetrics.h"

/*
 * More than a body may have, but less is read to its end, so that the answer reaches the client; what is in chunks
 * cannot be answered by MHD before its end, so more of it is read.
 */
enum {
    BODY_READ_MAX = 64 << 10,
    CHUNKS_READ_MAX = 1 << 20,
    STREAM_BLOCK = 32 << 10,
    RETRY_S = 5 /* what a 503 says */
};

struct request {
    struct tare__waiter waiter;         /* for the capture's document */
    struct tare__waiter history_waiter; /* its text is unused: there is one */
    bool too_large;
    size_t size, read;
    char body[TARE_SERVE_BODY_BYTES];
};

struct exchange {
    struct tare_serve *serve;
    struct MHD_Connection *connection;
    struct tare__connection *socket;
    struct request *request;
    const char *version;
    bool head;
    const char *allow; /* for a 405 */
};

static const char no_policy[] = "default-src 'none'; frame-ancestors 'none'";

static const char *header_of(const struct exchange *exchange, const char *name)
{
    return MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, name);
}

static void drop_text(void *text)
{
    tare__text_drop(text);
}

/* Sends it; the response is gone afterwards. */
static enum MHD_Result send_response(const struct exchange *exchange, unsigned status,
                                     struct MHD_Response *response, const char *type, const char *policy,
                                     uint64_t size)
{
    if (response == NULL) {
        return MHD_NO;
    }
    MHD_add_response_header(response, "Content-Type", type);
    if (MHD_get_response_header(response, "Cache-Control") == NULL) {
        MHD_add_response_header(response, "Cache-Control", "no-store");
    }
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
    MHD_add_response_header(response, "Cross-Origin-Resource-Policy", "same-origin");
    MHD_add_response_header(response, "X-Frame-Options", "DENY");
    MHD_add_response_header(response, "Content-Security-Policy", policy);
    if (exchange->socket != NULL) {
        exchange->socket->deadline_ns =
            size == UINT64_MAX ? UINT64_MAX : tare__serve_deadline(tare__monotonic_ns(), size);
    }
    enum MHD_Result result = MHD_queue_response(exchange->connection, status, response);
    MHD_destroy_response(response);
    return result;
}

/* With as little memory as possible. */
static enum MHD_Result send_unmade(const struct exchange *exchange)
{
    static char unmade[] = "{\"error\":\"the answer cannot be made: there is no memory for it, or it has what "
                           "its format cannot say\"}";
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(unmade), unmade, MHD_RESPMEM_PERSISTENT);
    return send_response(exchange, MHD_HTTP_INTERNAL_SERVER_ERROR, response, "application/json", no_policy,
                         strlen(unmade));
}

/* The text is taken over. NULL: it could not be made. */
static enum MHD_Result send_text(const struct exchange *exchange, unsigned status, struct tare__text *text,
                                 const char *type, const char *policy)
{
    if (text == NULL) {
        return send_unmade(exchange);
    }
    uint64_t size = text->size;
    struct MHD_Response *response =
        MHD_create_response_from_buffer_with_free_callback_cls(text->size, text->bytes, drop_text, text);
    if (response == NULL) {
        tare__text_drop(text);
        return MHD_NO;
    }
    if (exchange->allow != NULL) {
        MHD_add_response_header(response, "Allow", exchange->allow);
    }
    if (status == MHD_HTTP_UNAUTHORIZED) {
        MHD_add_response_header(response, "WWW-Authenticate", "Bearer realm=\"tare\"");
    }
    if (status == MHD_HTTP_BAD_REQUEST || status == MHD_HTTP_NOT_IMPLEMENTED) { /* where does it end? */
        MHD_add_response_header(response, "Connection", "close");
    }
    if (status == MHD_HTTP_SERVICE_UNAVAILABLE) {
        char seconds[16];
        snprintf(seconds, sizeof(seconds), "%d", (int)RETRY_S);
        MHD_add_response_header(response, "Retry-After", seconds);
    }
    return send_response(exchange, status, response, type, policy, size);
}

static enum MHD_Result send_json(const struct exchange *exchange, unsigned status, json_t *value)
{
    char *text = value != NULL ? json_dumps(value, JSON_COMPACT) : NULL;
    json_decref(value);
    return send_text(exchange, status, tare__text_own(text, text != NULL ? strlen(text) : 0),
                     "application/json", no_policy);
}

static enum MHD_Result send_error(const struct exchange *exchange, unsigned status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static enum MHD_Result send_error(const struct exchange *exchange, unsigned status, const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    for (char *at = line; *at != '\0'; at++) { /* what a client sent need not be UTF-8 */
        *at = (unsigned char)*at < ' ' || (unsigned char)*at > '~' ? '?' : *at;
    }
    return send_json(exchange, status, json_pack("{s:s}", "error", line));
}

static enum MHD_Result send_ok(const struct exchange *exchange)
{
    return send_json(exchange, MHD_HTTP_OK, json_pack("{s:b}", "ok", 1));
}

/* NULL: there is a poll to answer from; else the answer was given, and this is MHD's. */
static bool is_fresh(const struct exchange *exchange, enum MHD_Result *result)
{
    int failure = tare__serve_fresh(exchange->serve);
    if (failure != 0) {
        *result = send_error(exchange, MHD_HTTP_INTERNAL_SERVER_ERROR, "the pages cannot be read: %s",
                             strerror(-failure));
    }
    return failure == 0;
}

/* What was done is to be seen in what is served from now on. */
static enum MHD_Result send_done(const struct exchange *exchange)
{
    int failure = tare__serve_poll(exchange->serve);
    if (failure != 0) {
        return send_error(exchange, MHD_HTTP_INTERNAL_SERVER_ERROR,
                          "it is done, but the pages cannot be read now: %s", strerror(-failure));
    }
    return send_ok(exchange);
}

/* `html` lives as long as the server. */
static enum MHD_Result send_page(const struct exchange *exchange, const char *path, const char *html,
                                 const char *policy)
{
    struct tare_serve *serve = exchange->serve;
    const char *given = MHD_lookup_connection_value(exchange->connection, MHD_GET_ARGUMENT_KIND, "token");
    if (given != NULL) { /* out of the address line, which is seen and kept, into a cookie */
        struct MHD_Response *response = MHD_create_response_from_buffer(0, (void *)"", MHD_RESPMEM_PERSISTENT);
        char *cookie = NULL;
        if (response == NULL) {
            return MHD_NO;
        }
        if (asprintf(&cookie, "%s=%s; Path=/; HttpOnly; SameSite=Strict", serve->cookie,
                     serve->options.token != NULL ? serve->options.token : "") < 0) {
            MHD_destroy_response(response);
            return MHD_NO;
        }
        MHD_add_response_header(response, "Location", path);
        if (serve->options.token != NULL) {
            MHD_add_response_header(response, "Set-Cookie", cookie);
        }
        free(cookie);
        return send_response(exchange, MHD_HTTP_SEE_OTHER, response, "text/plain; charset=utf-8", no_policy, 0);
    }
    size_t size = strlen(html);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(size, (void *)(uintptr_t)html, MHD_RESPMEM_PERSISTENT);
    return send_response(exchange, MHD_HTTP_OK, response, "text/html; charset=utf-8", policy, size);
}

static enum MHD_Result get_page(const struct exchange *exchange)
{
    const struct tare_serve *serve = exchange->serve;
    return send_page(exchange, "/", serve->page != NULL ? serve->page : tare__web_live_html,
                     serve->page_policy);
}

static enum MHD_Result send_no_history(const struct exchange *exchange)
{
    return send_error(exchange, MHD_HTTP_NOT_FOUND, "there is no history here: 'tare serve --history' has one");
}

static enum MHD_Result get_history_page(const struct exchange *exchange)
{
    const struct tare_serve *serve = exchange->serve;
    return serve->history_page != NULL
               ? send_page(exchange, "/history", serve->history_page, serve->history_policy)
               : send_no_history(exchange);
}

static enum MHD_Result get_snapshot(const struct exchange *exchange)
{
    enum MHD_Result result;
    if (!is_fresh(exchange, &result)) {
        return result;
    }
    return send_text(exchange, MHD_HTTP_OK, tare__serve_document(exchange->serve), "application/json",
                     no_policy);
}

static enum MHD_Result get_stream(const struct exchange *exchange)
{
    struct tare_serve *serve = exchange->serve;
    struct tare__connection *socket = exchange->socket;
    if (serve->hub.count >= TARE_SERVE_STREAMS) {
        return send_error(exchange, MHD_HTTP_SERVICE_UNAVAILABLE, "%u streams are open: there can be no more",
                          (unsigned)TARE_SERVE_STREAMS);
    }
    if (socket != NULL && !tare__serve_has_room(serve, socket)) {
        return send_error(exchange, MHD_HTTP_SERVICE_UNAVAILABLE,
                          "%u streams of this address are open: there can be no more",
                          (unsigned)TARE_SERVE_STREAMS_PER_ADDRESS);
    }
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct tare__client *client = info != NULL && socket != NULL
                                      ? tare__hub_join(&serve->hub, exchange->connection, info->connect_fd)
                                      : NULL;
    if (client == NULL) {
        return send_unmade(exchange);
    }
    struct MHD_Response *response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, STREAM_BLOCK, tare__client_read, client, tare__client_leave);
    if (response == NULL) {
        tare__client_leave(client);
        return MHD_NO;
    }
    socket->stream = true;
    /* The connection's end is the stream's end: no chunks, which would be copied once more. */
    MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
    MHD_add_response_header(response, "X-Accel-Buffering", "no");
    if (!serve->hub.begun) {
        serve->next_poll_ns = 0; /* the first snapshot comes at once; with others here, the last one is there */
    }
    return send_response(exchange, MHD_HTTP_OK, response, "text/event-stream", no_policy, UINT64_MAX);
}

struct own_metric {
    const char *name, *help;
    bool counter;
    double value;
};

/* What we count ourselves, behind what the instruments say, before the end mark of OpenMetrics. */
static char *with_own_metrics(const struct tare_serve *serve, bool openmetrics, char *text, size_t *size)
{
    static const char end[] = "# EOF\n";
    struct tare_push_figures push = {0};
    if (serve->push != NULL) {
        push = tare_push_figures(serve->push);
    }
    const struct own_metric metrics[] = {
        {"tare_serve_streams", "Clients of the stream.", false, (double)serve->hub.count},
        {"tare_serve_requests", "Requests that were answered.", true, (double)serve->requests},
        {"tare_serve_polls", "Times that the pages were read.", true, (double)serve->polls},
        {"tare_serve_poll_seconds", "Time that reading the pages took.", true, (double)serve->poll_ns / 1e9},
        {"tare_serve_skipped_samples", "Samples that slow clients of the stream did not get.", true,
         (double)serve->hub.skipped},
        {"tare_push_sent", "Batches that the other side has taken.", true, (double)push.batches_sent},
        {"tare_push_resent", "Batches that were sent again, lest they were lost.", true,
         (double)push.batches_again},
        {"tare_push_refused", "Batches that the other side refused for good.", true,
         (double)push.batches_refused},
        {"tare_push_dropped", "Batches that were dropped for want of room, or damaged on disk.", true,
         (double)(push.batches_dropped + push.batches_damaged)},
        {"tare_push_failures", "Attempts that did not succeed.", true, (double)push.failures},
        {"tare_push_backlog", "Batches that are still to be taken.", false, (double)push.backlog},
        {"tare_push_backlog_bytes", "Bytes of them on disk.", false, (double)push.backlog_bytes},
    };
    struct tare__buffer out = {.bytes = text, .size = *size, .capacity = *size};
    if (openmetrics && out.size >= strlen(end) &&
        memcmp(text + out.size - strlen(end), end, strlen(end)) == 0) {
        out.size -= strlen(end);
    }
    size_t count = sizeof(metrics) / sizeof(metrics[0]) - (serve->push == NULL ? 7 : 0);
    for (size_t i = 0; i < count; i++) {
        const struct own_metric *metric = &metrics[i];
        const char *total = metric->counter ? "_total" : "", *family = openmetrics ? "" : total;
        const char *const parts[] = {"# HELP ",    metric->name, family,
                                     " ",          metric->help, "\n# TYPE ",
                                     metric->name, family,       metric->counter ? " counter\n" : " gauge\n",
                                     metric->name, total,        " "};
        for (size_t p = 0; p < sizeof(parts) / sizeof(parts[0]); p++) {
            tare__buffer_text(&out, parts[p]);
        }
        tare__buffer_number(&out, metric->value);
        tare__buffer_text(&out, "\n");
    }
    if (openmetrics) {
        tare__buffer_text(&out, end);
    }
    if (out.failed) {
        free(out.bytes);
        return NULL;
    }
    *size = out.size;
    return out.bytes;
}

struct metrics_asked {
    bool timers_given, histograms, wrong_timers;
    bool rolling_given, no_rolling, wrong_rolling;
    bool keys_given, no_keys, wrong_keys;
};

static enum MHD_Result take_metrics_asked(void *data, enum MHD_ValueKind kind, const char *key,
                                          const char *value)
{
    (void)kind;
    struct metrics_asked *asked = data;
    if (strcmp(key, "timers") == 0) {
        asked->wrong_timers |= asked->timers_given || !tare__guard_timers(value, &asked->histograms);
        asked->timers_given = true;
    } else if (strcmp(key, "rolling") == 0) {
        asked->wrong_rolling |= asked->rolling_given || !tare__guard_leave_out(value, &asked->no_rolling);
        asked->rolling_given = true;
    } else if (strcmp(key, "keys") == 0) {
        asked->wrong_keys |= asked->keys_given || !tare__guard_leave_out(value, &asked->no_keys);
        asked->keys_given = true;
    }
    return MHD_YES;
}

static enum MHD_Result get_metrics(const struct exchange *exchange)
{
    struct tare_serve *serve = exchange->serve;
    enum MHD_Result result;
    struct metrics_asked asked = {.histograms = serve->options.timer_histograms};
    MHD_get_connection_values(exchange->connection, MHD_GET_ARGUMENT_KIND, take_metrics_asked, &asked);
    if (asked.wrong_timers) {
        return send_error(exchange, MHD_HTTP_BAD_REQUEST,
                          "'timers' is not understood: it is summary or histogram, and there once");
    }
    if (asked.wrong_rolling) {
        return send_error(exchange, MHD_HTTP_BAD_REQUEST,
                          "'rolling' is not understood: it is 0 or 1, and there once");
    }
    if (asked.wrong_keys) {
        return send_error(exchange, MHD_HTTP_BAD_REQUEST,
                          "'keys' is not understood: it is 0 or 1, and there once");
    }
    if (!is_fresh(exchange, &result)) {
        return result;
    }
    if (!asked.no_rolling) {
        tare__serve_scraped(serve);
    }
    bool open = tare__guard_openmetrics(header_of(exchange, "Accept"));
    struct tare__text **made = &serve->metrics[open][asked.histograms][asked.no_rolling][asked.no_keys];
    if (*made == NULL) {
        const struct tare_metrics_options options = {
            .format = open ? TARE_METRICS_OPENMETRICS : TARE_METRICS_PROMETHEUS,
            .timer_histograms = asked.histograms,
            .no_rolling = asked.no_rolling,
            .no_keys = asked.no_keys,
        };
        size_t size = 0;
        char *text = tare_openmetrics_with(serve->latest, &options, &size);
        text = text != NULL ? with_own_metrics(serve, open, text, &size) : NULL;
        *made = tare__text_own(text, size);
    }
    struct tare__text *text = *made;
    return send_text(exchange, MHD_HTTP_OK, text != NULL ? tare__text_hold(text) : NULL,
                     open ? TARE_METRICS_OPENMETRICS_TYPE : TARE_METRICS_PROMETHEUS_TYPE, no_policy);
}

static enum MHD_Result get_health(const struct exchange *exchange)
{
    return send_json(exchange, MHD_HTTP_OK, json_pack("{s:s, s:s}", "status", "ok", "version", TARE_VERSION));
}

static enum MHD_Result get_capture(const struct exchange *exchange)
{
    const struct tare_serve *serve = exchange->serve;
    const struct tare_capture *capture = serve->capture;
    return send_json(exchange, MHD_HTTP_OK,
                     json_pack("{s:b, s:I, s:I, s:I}", "running", serve->capturing, "samples",
                               (json_int_t)(capture != NULL ? capture->sample_count : 0), "dropped",
                               (json_int_t)(capture != NULL ? capture->samples_dropped : 0), "missed",
                               (json_int_t)(capture != NULL ? capture->samples_missed : 0)));
}

/* A download under way: it holds the text, and one of the places. */
struct download {
    struct tare__text *text;
    unsigned *places; /* that are taken: of captures, or of the history */
};

static void drop_download(void *data)
{
    struct download *download = data;
    (*download->places)--;
    tare__text_drop(download->text);
    free(download);
}

void tare__serve_forget_result(struct tare_serve *serve)
{
    tare__text_drop(serve->result);
    serve->result = NULL;
    serve->making_is_void = serve->maker.running;
}

static bool is_empty(const struct tare_capture *capture)
{
    return capture == NULL || capture->sample_count == 0;
}

/* It grows with the capture. */
static uint64_t state_of(const struct tare_capture *capture)
{
    return capture->sample_count + capture->samples_dropped + capture->samples_missed;
}

static int begin_making(struct tare_serve *serve)
{
    uint64_t state = state_of(serve->capture);
    int failure = tare__maker_begin(&serve->maker, serve->capture);
    if (failure == 0) {
        serve->making++;
        serve->making_state = state;
        serve->making_is_void = false;
        serve->making_ns = tare__monotonic_ns();
    }
    return failure;
}

/* The one that waits goes on, with what there is: MHD asks its handler again. NULL: without. */
static void let_go(struct tare__waiter **at, struct tare__text *text)
{
    struct tare__waiter *waiter = *at;
    *at = waiter->next;
    waiter->through = true;
    waiter->text = text != NULL ? tare__text_hold(text) : NULL;
    MHD_resume_connection(waiter->connection);
    waiter->connection = NULL;
}

void tare__serve_let_go(struct tare_serve *serve)
{
    while (serve->waiters != NULL) {
        let_go(&serve->waiters, NULL);
    }
}

void tare__serve_history_made(struct tare_serve *serve)
{
    while (serve->history_waiters != NULL) {
        let_go(&serve->history_waiters, NULL);
    }
}

void tare__serve_result_made(struct tare_serve *serve)
{
    size_t size;
    if (!serve->maker.running) {
        return;
    }
    char *bytes = tare__maker_end(&serve->maker, &size, &serve->took_ns);
    struct tare__text *text = tare__text_own(bytes, size);
    for (struct tare__waiter **at = &serve->waiters; *at != NULL;) {
        if ((*at)->ticket <= serve->making) {
            let_go(at, text);
        } else {
            at = &(*at)->next;
        }
    }
    if (!serve->making_is_void && text != NULL) {
        tare__text_drop(serve->result);
        serve->result = tare__text_hold(text);
        serve->result_state = serve->making_state;
        serve->result_ns = serve->making_ns;
    }
    tare__text_drop(text);
    bool more = serve->waiters != NULL;
    if (more && (is_empty(serve->capture) || begin_making(serve) != 0)) {
        tare__serve_let_go(serve);
    }
}

/*
 * The capture as JSON, which all who ask share. While a capture grows, one that was just made will do, so that
 * making them takes a twentieth of the time at most. NULL: there is none that will do.
 */
static struct tare__text *result_of(const struct tare_serve *serve)
{
    bool fresh = serve->result != NULL &&
                 (serve->result_state == state_of(serve->capture) ||
                  (serve->capturing && tare__monotonic_ns() - serve->result_ns < 20 * serve->took_ns));
    return fresh ? serve->result : NULL;
}

static enum MHD_Result send_result(const struct exchange *exchange, struct tare__text *text)
{
    struct download *download = malloc(sizeof(*download));
    if (download == NULL) {
        return send_unmade(exchange);
    }
    *download = (struct download){tare__text_hold(text), &exchange->serve->downloads};
    exchange->serve->downloads++;
    struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback_cls(
        text->size, text->bytes, drop_download, download);
    if (response == NULL) {
        drop_download(download);
        return send_unmade(exchange);
    }
    MHD_add_response_header(response, "Content-Disposition", "attachment; filename=\"capture.json\"");
    return send_response(exchange, MHD_HTTP_OK, response, "application/json", no_policy, text->size);
}

static enum MHD_Result send_empty(const struct exchange *exchange)
{
    return send_error(exchange, MHD_HTTP_CONFLICT,
                      "nothing is captured: POST {\"action\":\"start\"} to "
                      "/api/v1/capture first");
}

/* It waited: MHD asks again. */
static enum MHD_Result go_on(const struct exchange *exchange)
{
    struct tare__waiter *waiter = &exchange->request->waiter;
    struct tare__text *text = waiter->text;
    exchange->serve->downloads--;
    waiter->text = NULL;
    waiter->through = false;
    if (text == NULL && exchange->serve->closing) {
        return send_error(exchange, MHD_HTTP_SERVICE_UNAVAILABLE, "the server ends");
    }
    enum MHD_Result result = text != NULL                         ? send_result(exchange, text)
                             : is_empty(exchange->serve->capture) ? send_empty(exchange) /* by now: a reset */
                                                                  : send_unmade(exchange);
    tare__text_drop(text);
    return result;
}

/* Suspends it until what is being made, or will be next, is there. */
static enum MHD_Result wait_for_result(const struct exchange *exchange)
{
    struct tare_serve *serve = exchange->serve;
    struct tare__waiter *waiter = &exchange->request->waiter;
    if (!serve->maker.running && begin_making(serve) != 0) {
        return send_unmade(exchange);
    }
    bool joins =
        !serve->making_is_void && (serve->capturing || serve->making_state == state_of(serve->capture));
    waiter->ticket = serve->making + !joins;
    waiter->connection = exchange->connection;
    waiter->next = serve->waiters;
    serve->waiters = waiter;
    serve->downloads++;
    if (exchange->socket != NULL) {
        exchange->socket->deadline_ns = UINT64_MAX;
    }
    MHD_suspend_connection(exchange->connection);
    return MHD_YES;
}

static enum MHD_Result get_result(const struct exchange *exchange)
{
    struct tare_serve *serve = exchange->serve;
    if (exchange->request->waiter.through) {
        return go_on(exchange);
    }
    if (is_empty(serve->capture)) {
        return send_empty(exchange);
    }
    if (serve->downloads >= TARE_SERVE_DOWNLOADS) {
        return send_error(exchange, MHD_HTTP_SERVICE_UNAVAILABLE,
                          "%u downloads are under way: there can be no more, try again later",
                          (unsigned)TARE_SERVE_DOWNLOADS);
    }
    struct tare__text *text = result_of(serve);
    return text != NULL ? send_result(exchange, text) : wait_for_result(exchange);
}

static enum MHD_Result send_history(const struct exchange *exchange)
{
    struct tare_serve *serve = exchange->serve;
    struct tare__text *text = serve->history.document;
    bool has_it = tare__guard_matches(header_of(exchange, "If-None-Match"), serve->history.etag);
    struct download *download = has_it ? NULL : malloc(sizeof(*download));
    struct MHD_Response *response = NULL;
    if (has_it) {
        response = MHD_create_response_from_buffer(0, (void *)"", MHD_RESPMEM_PERSISTENT);
    } else if (serve->history_downloads >= TARE_SERVE_HISTORY_DOWNLOADS) {
        free(download);
        return send_error(exchange, MHD_HTTP_SERVICE_UNAVAILABLE,
                          "%u downloads of the history are under way: there can be no more, try again later",
                          (unsigned)TARE_SERVE_HISTORY_DOWNLOADS);
    } else if (download != NULL) {
        *download = (struct download){tare__text_hold(text), &serve->history_downloads};
        serve->history_downloads++;
        response = MHD_create_response_from_buffer_with_free_callback_cls(text->size, text->bytes,
                                                                          drop_download, download);
        if (response == NULL) {
            drop_download(download);
        }
    }
    if (response == NULL) {
        return send_unmade(exchange);
    }
    MHD_add_response_header(response, "ETag", serve->history.etag);
    /* Else no browser asks with the ETag. */
    MHD_add_response_header(response, "Cache-Control", "private, no-cache");
    return send_response(exchange, has_it ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK, response, "application/json",
                         no_policy, has_it ? 0 : text->size);
}

/* What was made a moment ago will do; else it is made, and who asks waits for it, as do others who ask meanwhile. */
static enum MHD_Result get_history(const struct exchange *exchange)
{
    struct tare_serve *serve = exchange->serve;
    struct tare__history *history = &serve->history;
    struct tare__waiter *waiter = &exchange->request->history_waiter;
    uint64_t now_ns = tare__monotonic_ns();
    bool waited = waiter->through;
    if (history->command == NULL) {
        return send_no_history(exchange);
    }
    waiter->through = false;
    if (serve->closing) {
        return send_error(exchange, MHD_HTTP_SERVICE_UNAVAILABLE, "the server ends");
    }
    if (!waited && !tare__history_is_fresh(history, now_ns) &&
        (history->pid != 0 || tare__history_begin(history, now_ns) == 0)) {
        waiter->connection = exchange->connection;
        waiter->next = serve->history_waiters;
        serve->history_waiters = waiter;
        if (exchange->socket != NULL) {
            exchange->socket->deadline_ns = UINT64_MAX;
        }
        MHD_suspend_connection(exchange->connection);
        return MHD_YES;
    }
    return history->document != NULL
               ? send_history(exchange)
               : send_error(exchange, MHD_HTTP_SERVICE_UNAVAILABLE, "%s", history->problem);
}

/* False: an answer was given. */
static bool parse_body(const struct exchange *exchange, enum tare_guard_action action,
                       struct tare_guard_body *body, enum MHD_Result *result)
{
    char message[128];
    const struct request *request = exchange->request;
    if (!tare__guard_is_json(header_of(exchange, "Content-Type"))) {
        *result = send_error(exchange, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, "the body is not 'application/json'");
        return false;
    }
    if (tare__guard_body(action, request->body, request->size, body, message, sizeof(message)) != 0) {
        *result = send_error(exchange, MHD_HTTP_BAD_REQUEST, "%s", message);
        return false;
    }
    return true;
}

static enum MHD_Result send_failure(const struct exchange *exchange, int failure, uint64_t id)
{
    switch (failure) {
    case -ENOENT:
    case -ESRCH:
        return send_error(exchange, MHD_HTTP_NOT_FOUND, "no instrument has the id '%llu' now",
                          (unsigned long long)id);
    case -EACCES:
    case -EPERM:
        return send_error(exchange, MHD_HTTP_FORBIDDEN, "the process belongs to somebody else");
    case -EBUSY:
        return send_error(exchange, MHD_HTTP_CONFLICT,
                          "another tare is switching the instruments of the process");
    default:
        return send_error(exchange, MHD_HTTP_INTERNAL_SERVER_ERROR, "the page cannot be written: %s",
                          strerror(-failure));
    }
}

static enum MHD_Result post_switch(const struct exchange *exchange)
{
    struct tare_guard_body body;
    enum MHD_Result result;
    if (!parse_body(exchange, TARE_GUARD_SWITCH, &body, &result) || !is_fresh(exchange, &result)) {
        return result;
    }
    int failure = tare_live_switch(exchange->serve->live, body.id, body.enabled);
    if (failure != 0) {
        return send_failure(exchange, failure, body.id);
    }
    return send_done(exchange);
}

static enum MHD_Result post_reset(const struct exchange *exchange)
{
    struct tare_serve *serve = exchange->serve;
    struct tare_guard_body body;
    enum MHD_Result result;
    if (!parse_body(exchange, TARE_GUARD_RESET, &body, &result) || !is_fresh(exchange, &result)) {
        return result;
    }
    int failure = body.all ? 0 : tare_live_reset(serve->live, body.id);
    for (size_t p = 0; body.all && p < serve->latest->process_count; p++) {
        const struct tare_process_figures *process = &serve->latest->processes[p];
        for (size_t i = 0; process->alive && i < process->instrument_count; i++) {
            int one = tare_live_reset(serve->live, process->instruments[i].id);
            failure = failure == 0 && one != -ENOENT ? one : failure; /* the others are reset all the same */
        }
    }
    if (failure != 0) {
        return send_failure(exchange, failure, body.id);
    }
    return send_done(exchange);
}

static enum MHD_Result post_capture(const struct exchange *exchange)
{
    struct tare_serve *serve = exchange->serve;
    struct tare_guard_body body;
    enum MHD_Result result;
    if (!parse_body(exchange, TARE_GUARD_CAPTURE, &body, &result)) {
        return result;
    }
    if (body.capture == TARE_CAPTURE_RESET) {
        tare_capture_free(serve->capture);
        serve->capture = NULL;
        tare__serve_forget_result(serve);
    }
    bool run = body.capture == TARE_CAPTURE_START || (body.capture == TARE_CAPTURE_RESET && serve->capturing);
    if (run && serve->capture == NULL) {
        const struct tare_capture_options options = {.interval_ns = serve->options.interval_s * 1e9,
                                                     .max_bytes = TARE_SERVE_CAPTURE_BYTES};
        serve->capture = tare_capture_new(&options);
    }
    if (!serve->capturing || body.capture == TARE_CAPTURE_RESET) {
        serve->capture_due_ns = tare__monotonic_ns(); /* the first one is the poll that answers this */
    }
    serve->capturing = run && serve->capture != NULL;
    tare_live_set_stays(serve->live, serve->capturing);
    if (run && serve->capture == NULL) {
        return send_error(exchange, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory");
    }
    return run ? send_done(exchange) : send_ok(exchange);
}

typedef enum MHD_Result handler(const struct exchange *exchange);
struct route {
    const char *path, *allow;
    handler *get, *post;
    bool head, open; /* open: without a token */
};
static const struct route routes[] = {
    {"/", "GET, HEAD", get_page, NULL, true, false},
    {"/history", "GET, HEAD", get_history_page, NULL, true, false},
    {"/health", "GET, HEAD", get_health, NULL, true, true},
    {"/metrics", "GET, HEAD", get_metrics, NULL, true, false},
    {"/api/v1/history", "GET, HEAD", get_history, NULL, true, false},
    {"/api/v1/snapshot", "GET, HEAD", get_snapshot, NULL, true, false},
    {"/api/v1/stream", "GET", get_stream, NULL, false, false},
    {"/api/v1/result", "GET, HEAD", get_result, NULL, true, false},
    {"/api/v1/capture", "GET, HEAD, POST", get_capture, post_capture, true, false},
    {"/api/v1/switch", "POST", NULL, post_switch, false, false},
    {"/api/v1/reset", "POST", NULL, post_reset, false, false},
};

static const struct route *route_of(const char *url)
{
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (strcmp(routes[i].path, url) == 0) {
            return &routes[i];
        }
    }
    return NULL;
}

/* Where a browser comes to by a link or an address that somebody typed. */
static bool is_page(const struct route *route)
{
    return route != NULL && (route->get == get_page || route->get == get_history_page);
}

static bool has_token(const struct exchange *exchange, const struct route *route)
{
    const struct tare_serve *serve = exchange->serve;
    const char *token = serve->options.token;
    if (token == NULL || (route != NULL && route->open)) {
        return true;
    }
    const char *given = MHD_lookup_connection_value(exchange->connection, MHD_GET_ARGUMENT_KIND, "token");
    if (is_page(route) && given != NULL && tare__guard_same(given, strlen(given), token)) {
        return true;
    }
    return tare__guard_token(header_of(exchange, "Authorization"), header_of(exchange, "Cookie"), serve->cookie,
                             token);
}

/*
 * Without a token, who may: what we may look into and switch, other users of this machine may not, as the
 * kernel has it. So we answer ourselves and root.
 */
static bool is_ours(const struct exchange *exchange)
{
    struct tare__connection *socket = exchange->socket;
    if (socket == NULL) {
        return false;
    }
    if (!socket->peer_asked) {
        uid_t uid;
        socket->peer_ours = tare__peer_uid(socket->fd, &uid) == 0 && (uid == geteuid() || uid == 0);
        socket->peer_asked = true;
    }
    return socket->peer_ours;
}

/*
 * On the loopback, a page of another name that was made to resolve to us (DNS rebinding) is kept out by the Host
 * that its requests name. Elsewhere we do not know what we are called unless --host says it; there the token keeps
 * it out: the browser has none for that name.
 */
static bool is_named(const struct tare_serve *serve, const char *host)
{
    const struct tare_serve_options *options = &serve->options;
    if (!serve->loopback && options->host_count == 0) {
        return true;
    }
    return tare__guard_named(host, options->hosts, options->host_count) ||
           (serve->loopback && tare__guard_host(host, serve->host));
}

struct headers {
    const char *seen[8]; /* of those that may be there once */
    size_t seen_count;
    bool has_length, has_encoding;
    const char *wrong;
};

/* What two readers may understand in two ways is not for us: RFC 9112 3.2, 6.3. */
static enum MHD_Result look_at_header(void *data, enum MHD_ValueKind kind, const char *name, size_t name_size,
                                      const char *value, size_t value_size)
{
    (void)kind;
    struct headers *headers = data;
    if (strlen(name) != name_size || (value != NULL && strlen(value) != value_size)) {
        headers->wrong = "a NUL in a header";
    }
    if (*name == '\0' ||
        name[strcspn(name, " \t")] != '\0') { /* "Host : x" is one to some, and none to others */
        headers->wrong = "a header's name with a space";
    }
    headers->has_length |= strcasecmp(name, "Content-Length") == 0;
    headers->has_encoding |= strcasecmp(name, "Transfer-Encoding") == 0;
    if (headers->has_length && headers->has_encoding) {
        headers->wrong = "Content-Length and Transfer-Encoding";
    }
    if (!tare__guard_once(name)) {
        return MHD_YES;
    }
    for (size_t i = 0; i < headers->seen_count; i++) {
        if (strcasecmp(headers->seen[i], name) == 0) {
            headers->wrong = "a header twice that can be there once";
        }
    }
    if (headers->seen_count < sizeof(headers->seen) / sizeof(headers->seen[0])) {
        headers->seen[headers->seen_count++] = name;
    }
    return MHD_YES;
}

static enum MHD_Result answer(struct exchange *exchange, const char *url, const char *method)
{
    char named[256];
    if (exchange->socket != NULL) {
        exchange->socket->answering = true;
    }
    const char *path = tare__guard_target(url, named, sizeof(named));
    const struct route *route = path != NULL ? route_of(path) : NULL;
    const char *host = path != NULL && *named != '\0' ? named : header_of(exchange, "Host");
    struct headers headers = {0};
    MHD_get_connection_values_n(exchange->connection, MHD_HEADER_KIND, look_at_header, &headers);
    /* MHD could ask for it, too; 0.9.75 then sends the head of its answer twice. */
    if (header_of(exchange, "Host") == NULL && strcmp(exchange->version, "HTTP/1.0") != 0) {
        headers.wrong = "there is no Host";
    }
    if (headers.wrong != NULL || path == NULL) {
        return send_error(exchange, MHD_HTTP_BAD_REQUEST, "the request is not understood: %s",
                          headers.wrong != NULL ? headers.wrong : "its target has no host");
    }
    if (exchange->request->too_large) {
        return send_error(exchange, MHD_HTTP_CONTENT_TOO_LARGE, "the body has more than %d bytes",
                          TARE_SERVE_BODY_BYTES);
    }
    if (!is_named(exchange->serve, host)) {
        return send_error(exchange, MHD_HTTP_FORBIDDEN, "the Host '%.100s' is not this server's",
                          host != NULL ? host : "");
    }
    if (!has_token(exchange, route)) {
        return send_error(
            exchange, MHD_HTTP_UNAUTHORIZED,
            "a token is needed: 'Authorization: Bearer TOKEN', or open /?token=TOKEN in a browser");
    }
    bool asks_peer = exchange->serve->options.token == NULL && !exchange->serve->options.any_user;
    if (asks_peer && (route == NULL || !route->open) && !is_ours(exchange)) {
        return send_error(
            exchange, MHD_HTTP_FORBIDDEN,
            "the request comes from another user, or nobody knows from whom: that needs --token-file, "
            "or --any-user");
    }
    const char *site = header_of(exchange, "Sec-Fetch-Site");
    if (!tare__guard_origin(header_of(exchange, "Origin"), host) ||
        (site != NULL && strcmp(site, "cross-site") == 0 && !is_page(route))) {
        return send_error(exchange, MHD_HTTP_FORBIDDEN, "the request comes from another page");
    }
    if (route == NULL) {
        return send_error(exchange, MHD_HTTP_NOT_FOUND, "there is no '%.100s'", path);
    }
    exchange->head = strcmp(method, "HEAD") == 0;
    if (route->post != NULL && strcmp(method, "POST") == 0) {
        return route->post(exchange);
    }
    if (route->get != NULL && (strcmp(method, "GET") == 0 || (exchange->head && route->head))) {
        return route->get(exchange);
    }
    exchange->allow = route->allow;
    return send_error(exchange, MHD_HTTP_METHOD_NOT_ALLOWED, "'%.32s' is not for '%s': use %s", method, path,
                      route->allow);
}

/* MHD takes no answer in the middle of a body: this is all it would be, and the connection ends. */
static void tell_too_large(const struct exchange *exchange)
{
    char body[96], text[256];
    int size =
        snprintf(body, sizeof(body), "{\"error\":\"the body has more than %d bytes\"}", TARE_SERVE_BODY_BYTES);
    size = snprintf(text, sizeof(text),
                    "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Type: application/json\r\n"
                    "Content-Length: %d\r\n\r\n%s",
                    size, body);
    if (exchange->socket != NULL) {
        /* Nothing was sent on it for this request, so there is room for it; else it is lost, as MHD's would be. */
        (void)!send(exchange->socket->fd, text, (size_t)size, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
}

enum MHD_Result tare__serve_answer(void *data, struct MHD_Connection *connection, const char *url,
                                   const char *method, const char *version, const char *upload,
                                   size_t *upload_size, void **context)
{
    struct tare_serve *serve = data;
    struct request *request = *context;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct exchange exchange = {.serve = serve,
                                .connection = connection,
                                .request = request,
                                .version = version,
                                .socket = info != NULL ? info->socket_context : NULL};
    if (request == NULL) {
        *context = request = calloc(1, sizeof(*request));
        exchange.request = request;
        if (request == NULL) {
            return MHD_NO;
        }
        const char *length = header_of(&exchange, "Content-Length");
        uint64_t size = length != NULL ? strtoull(length, NULL, 10) : 0;
        request->too_large = size > TARE_SERVE_BODY_BYTES;
        const char *encoding = header_of(&exchange, "Transfer-Encoding");
        if (encoding != NULL && strcasecmp(encoding, "chunked") != 0) { /* MHD would read up to the end */
            return send_error(&exchange, MHD_HTTP_NOT_IMPLEMENTED, "bodies can be in chunks, and not encoded");
        }
        /* None of it is read; who asks before it sends it is told so. */
        if (request->too_large && (size > BODY_READ_MAX || header_of(&exchange, "Expect") != NULL)) {
            return answer(&exchange, url, method);
        }
        return MHD_YES;
    }
    if (*upload_size > 0) {
        request->read += *upload_size;
        request->too_large |= request->read > sizeof(request->body);
        if (!request->too_large) {
            memcpy(request->body + request->size, upload, *upload_size);
            request->size += *upload_size;
        }
        *upload_size = 0;
        if (request->read <= CHUNKS_READ_MAX) {
            return MHD_YES;
        }
        tell_too_large(&exchange);
        return MHD_NO;
    }
    if (request->waiter.through || request->history_waiter.through) { /* it was asked before, and had to wait */
        return answer(&exchange, url, method);
    }
    serve->requests++;
    serve->asked_ns = tare__monotonic_ns();
    return answer(&exchange, url, method);
}

void tare__serve_answered(void *data, struct MHD_Connection *connection, void **context,
                          enum MHD_RequestTerminationCode why)
{
    struct tare_serve *serve = data;
    struct request *request = *context;
    (void)why;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct tare__connection *at = info != NULL ? info->socket_context : NULL;
    if (at != NULL) {
        at->deadline_ns = tare__serve_deadline(tare__monotonic_ns(), 0);
        at->answering = at->gone = false;
    }
    if (request != NULL && (request->waiter.connection != NULL || request->waiter.through)) {
        for (struct tare__waiter **waiter = &serve->waiters; *waiter != NULL; waiter = &(*waiter)->next) {
            if (*waiter == &request->waiter) {
                *waiter = request->waiter.next;
                break;
            }
        }
        tare__text_drop(request->waiter.text);
        serve->downloads--;
    }
    for (struct tare__waiter **waiter = &serve->history_waiters; request != NULL && *waiter != NULL;
         waiter = &(*waiter)->next) {
        if (*waiter == &request->history_waiter) {
            *waiter = request->history_waiter.next;
            break;
        }
    }
    free(request);
    *context = NULL;
}

static void add_base64(struct tare__buffer *out, const uint8_t *bytes, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        size_t have = size - i < 3 ? size - i : 3;
        uint32_t three = (uint32_t)bytes[i] << 16 | (have > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                         (have > 2 ? bytes[i + 2] : 0);
        const char text[] = {digits[three >> 18 & 63], digits[three >> 12 & 63],
                             have > 1 ? digits[three >> 6 & 63] : '=', have > 2 ? digits[three & 63] : '='};
        tare__buffer_add(out, text, 4);
    }
}

/* The hashes of what stands between all <tag ...> and </tag> of the page, as CSP wants them. */
static void add_hashes(struct tare__buffer *out, const char *page, const char *begin, const char *end)
{
    for (const char *at = strstr(page, begin); at != NULL; at = strstr(at, begin)) {
        at += strlen(begin);
        if (*at != '>' && *at != ' ' && *at != '\n') { /* another tag, whose name goes on */
            continue;
        }
        const char *from = strchr(at, '>'), *to = from != NULL ? strstr(from, end) : NULL;
        if (to == NULL) {
            return;
        }
        struct tare_sha256 hash;
        uint8_t digest[TARE_SHA256_BYTES];
        tare_sha256_init(&hash);
        tare_sha256_add(&hash, from + 1, (size_t)(to - from - 1));
        tare_sha256_finish(&hash, digest);
        tare__buffer_text(out, " 'sha256-");
        add_base64(out, digest, sizeof(digest));
        tare__buffer_text(out, "'");
        at = to;
    }
}

char *tare__serve_page_policy(const char *page)
{
    struct tare__buffer out = {0};
    tare__buffer_text(&out, "default-src 'none'; connect-src 'self'; img-src data:; script-src");
    add_hashes(&out, page, "<script", "</script>");
    tare__buffer_text(&out, "; style-src");
    add_hashes(&out, page, "<style", "</style>");
    tare__buffer_text(&out, "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    tare__buffer_add(&out, "", 1);
    if (out.failed) {
        free(out.bytes);
        return NULL;
    }
    return out.bytes;
}

char *tare__serve_page_with_history(void)
{
    static const char place[] = "<!-- history -->";
    const char *at = strstr(tare__web_live_html, place);
    char *page = NULL;
    if (at == NULL) {
        return strdup(tare__web_live_html);
    }
    int size = asprintf(&page, "%.*s<a href=\"/history\">History</a>%s", (int)(at - tare__web_live_html),
                        tare__web_live_html, at + strlen(place));
    return size >= 0 ? page : NULL;
}
