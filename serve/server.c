/* SPDX-License-Identifier: MIT */
/*
 * The server's loop: one thread, which waits for the sockets (MHD's epoll descriptor), for the end, for a
 * document that another thread makes, and for the next poll. MHD is driven from outside, so nothing here needs a
 * lock; its sockets do not block, so no client keeps another one waiting. How long one may take is bounded three
 * times: MHD's timeout for a silent connection, a deadline for a request or an answer that comes in drops, and the
 * stream's own rule for clients that lag.
 */
#include "serve/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "record/monotonic.h"
#include "serve/guard.h"
#include "view/history_page.h"
#include "view/openmetrics.h"

#define SECOND_NS UINT64_C(1000000000)
enum {
    LINGER_S = 10,           /* after the last request, polls go on for so long, once a second */
    SCRAPES_S = 120,         /* after a scrape: for so long, if the one before is no longer ago */
    SILENCE_S = 15,          /* MHD's timeout */
    REQUEST_S = 20,          /* for a request, from the end of the one before */
    BYTES_PER_S = 16384,     /* a slower reader of a long answer is not waited for */
    SEND_BUFFER = 256 << 10, /* the kernel's, of each connection: what a slow client can have lying there */
    MEMORY_BYTES = 32 << 10, /* of MHD, for each connection: the header has to fit */
};

void tare__serve_say(struct tare_serve *serve, const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    if (serve->options.say != NULL) {
        serve->options.say(serve->options.say_data, line);
    }
}

uint64_t tare__serve_deadline(uint64_t now_ns, uint64_t answer_size)
{
    return now_ns + REQUEST_S * SECOND_NS + answer_size * SECOND_NS / BYTES_PER_S;
}

static void forget_texts(struct tare_serve *serve)
{
    tare__text_drop(serve->document);
    serve->document = NULL;
    for (size_t i = 0; i < 16; i++) {
        struct tare__text **text = &serve->metrics[i / 8][i / 4 % 2][i / 2 % 2][i % 2];
        tare__text_drop(*text);
        *text = NULL;
    }
}

struct tare__text *tare__serve_document(void *data)
{
    struct tare_serve *serve = data;
    if (serve->document == NULL && serve->latest != NULL) {
        size_t size = 0;
        char *text = tare_telemetry_json(serve->latest, &size);
        serve->document = tare__text_own(text, size);
    }
    return serve->document != NULL ? tare__text_hold(serve->document) : NULL;
}

/* Says what is wrong once, until something else is. */
static void complain(struct tare_serve *serve, const char *message)
{
    if (*message == '\0' || (serve->complaint != NULL && strcmp(serve->complaint, message) == 0)) {
        return;
    }
    free(serve->complaint);
    serve->complaint = strdup(message);
    tare__serve_say(serve, "%s", message);
}

static void push_it(struct tare_serve *serve, uint64_t now_ns)
{
    uint64_t interval_ns = (uint64_t)(serve->options.push->interval_s * 1e9);
    serve->next_push_ns += interval_ns;
    if (serve->next_push_ns <= now_ns) { /* what was missed is not made up for */
        serve->next_push_ns = now_ns + interval_ns;
    }
    const struct tare_metrics_options options = {
        .format = TARE_METRICS_PROMETHEUS,
        .timestamps = true,
        .samples_only = true,
        .no_rolling = true,
        .timer_histograms = serve->options.timer_histograms,
    };
    size_t size = 0;
    char *text = tare_openmetrics_with(serve->latest, &options, &size);
    if (text == NULL || size == 0) { /* nothing runs that has a page */
        free(text);
        return;
    }
    tare_push_add(serve->push, (uint64_t)(serve->latest->unix_ns / 1e6 + 0.5), text, size);
}

/* A sample is added when one is due, whoever else has a poll made in between. */
static void capture_it(struct tare_serve *serve)
{
    uint64_t interval_ns = (uint64_t)(serve->options.interval_s * 1e9);
    if (serve->polled_ns >= serve->capture_due_ns) {
        uint64_t missed = (serve->polled_ns - serve->capture_due_ns) / interval_ns;
        serve->capture_due_ns += (missed + 1) * interval_ns;
        int failure = serve->latest != NULL ? tare_capture_add(serve->capture, serve->latest) : 0;
        if (failure == -ENOBUFS) {
            complain(serve, "the capture is full: further samples are dropped, and counted");
        } else if (failure != 0) {
            complain(serve, "out of memory: a sample is missing in the capture");
        }
        missed += serve->latest == NULL || (failure != 0 && failure != -ENOBUFS);
        if (missed > 0) {
            tare_capture_missed(serve->capture, missed);
        }
    }
    serve->next_poll_ns = serve->capture_due_ns; /* one beat for both */
}

int tare__serve_poll(struct tare_serve *serve)
{
    char message[512] = "";
    uint64_t begin_ns = tare__monotonic_ns();
    forget_texts(serve);
    serve->latest = NULL;
    int failure = tare_live_poll(serve->live, &serve->latest, message, sizeof(message));
    serve->polled_ns = tare__monotonic_ns();
    serve->poll_ns += serve->polled_ns - begin_ns;
    serve->polls++;
    complain(serve, message);
    if (failure != 0) {
        serve->latest = NULL;
    }
    if (serve->capturing) {
        capture_it(serve);
    }
    if (failure != 0) {
        serve->hub.latest = NULL;
        serve->hub.begun = false;
        return failure;
    }
    if (serve->push != NULL && serve->polled_ns >= serve->next_push_ns) {
        push_it(serve, serve->polled_ns);
    }
    if (tare__hub_publish(&serve->hub, serve->latest, serve->polled_ns) != 0) {
        complain(serve, "out of memory: a sample was left out of the stream");
    }
    return 0;
}

int tare__serve_fresh(struct tare_serve *serve)
{
    uint64_t interval_ns = (uint64_t)(serve->options.interval_s * 1e9);
    if (serve->latest != NULL && tare__monotonic_ns() - serve->polled_ns < interval_ns) {
        return 0;
    }
    return tare__serve_poll(serve);
}

void tare__serve_scraped(struct tare_serve *serve)
{
    uint64_t now_ns = tare__monotonic_ns();
    serve->scrapes_recur = serve->scraped_ns != 0 && now_ns - serve->scraped_ns < SCRAPES_S * SECOND_NS;
    serve->scraped_ns = now_ns;
}

/* How long after a poll the next one is due; UINT64_MAX: nobody looks. */
static uint64_t poll_interval(const struct tare_serve *serve, uint64_t now_ns)
{
    uint64_t interval_ns = (uint64_t)(serve->options.interval_s * 1e9);
    if (serve->hub.count > 0 || serve->capturing) {
        return interval_ns;
    }
    bool asked = (serve->asked_ns != 0 && now_ns - serve->asked_ns < LINGER_S * SECOND_NS) ||
                 (serve->scrapes_recur && now_ns - serve->scraped_ns < SCRAPES_S * SECOND_NS);
    return !asked ? UINT64_MAX : interval_ns > SECOND_NS ? interval_ns : SECOND_NS;
}

static uint64_t next_poll(const struct tare_serve *serve, uint64_t now_ns)
{
    uint64_t interval_ns = poll_interval(serve, now_ns);
    uint64_t next_ns = interval_ns != UINT64_MAX ? serve->polled_ns + interval_ns : UINT64_MAX;
    /* Full speed has a beat of its own, which polls between do not move. */
    if (interval_ns != UINT64_MAX && (serve->hub.count > 0 || serve->capturing) &&
        serve->next_poll_ns < next_ns) {
        next_ns = serve->next_poll_ns;
    }
    if (serve->push != NULL && serve->next_push_ns < next_ns) {
        next_ns = serve->next_push_ns;
    }
    return next_ns;
}

/* Of IPv6, machines have a network's half to themselves; IPv4 comes as such, or as a part of IPv6. */
static void take_address(struct tare__connection *connection, const struct sockaddr *address)
{
    if (address != NULL && address->sa_family == AF_INET) {
        uint32_t v4 = ((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr;
        memcpy(connection->address + 12, &v4, sizeof(v4));
        connection->loopback = ntohl(v4) >> 24 == 127;
    } else if (address != NULL && address->sa_family == AF_INET6) {
        const struct in6_addr *v6 = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
        bool mapped = IN6_IS_ADDR_V4MAPPED(v6);
        size_t from = mapped ? 12 : 0, size = mapped ? 4 : 8;
        memcpy(connection->address + from, v6->s6_addr + from, size);
        connection->loopback = IN6_IS_ADDR_LOOPBACK(v6) || (mapped && v6->s6_addr[12] == 127);
    }
}

static bool same_address(const struct tare__connection *a, const struct tare__connection *b)
{
    return memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

static void shut(struct tare__connection *connection)
{
    connection->deadline_ns = UINT64_MAX;
    connection->shut = true;
    tare__shut(connection->fd);
}

bool tare__serve_has_room(const struct tare_serve *serve, const struct tare__connection *connection)
{
    size_t streams = 0;
    for (const struct tare__connection *at = serve->connections; at != NULL; at = at->next) {
        streams += at->stream && same_address(at, connection);
    }
    return connection->loopback || streams < TARE_SERVE_STREAMS_PER_ADDRESS;
}

/*
 * Before there are too many, in all or from one address, the one goes that has waited longest for its client: to
 * ask, or to read. So a request always gets in, however many connections somebody holds open. Streams stay: there
 * are fewer of them than of connections.
 */
static void make_room(struct tare_serve *serve, const struct tare__connection *newcomer)
{
    struct tare__connection *longest = NULL, *same_longest = NULL;
    size_t count = 0, same_count = 0;
    for (struct tare__connection *at = serve->connections; at != NULL; at = at->next) {
        bool same = same_address(at, newcomer);
        count += !at->shut;
        same_count += !at->shut && same;
        if (at == newcomer || at->deadline_ns == UINT64_MAX) {
            continue;
        }
        if (longest == NULL || at->deadline_ns < longest->deadline_ns) {
            longest = at;
        }
        if (same && (same_longest == NULL || at->deadline_ns < same_longest->deadline_ns)) {
            same_longest = at;
        }
    }
    if (!newcomer->loopback && same_count > TARE_SERVE_PER_ADDRESS && same_longest != NULL) {
        shut(same_longest);
    } else if (count > TARE_SERVE_CONNECTIONS - TARE_SERVE_SPARE && longest != NULL) {
        shut(longest);
    }
}

/*
 * What came together with the end of a connection is one event for MHD (epoll, edge-triggered), which does not look
 * for the end behind it; it would hold the connection for SILENCE_S. Who half-closes after a request still gets its
 * answer, and those to requests that are in MHD's buffer: a second passes between two looks.
 */
static bool is_abandoned(struct tare__connection *at)
{
    struct pollfd end = {.fd = at->fd, .events = POLLRDHUP};
    bool before = at->gone;
    at->gone = !at->answering && !at->stream && poll(&end, 1, 0) > 0;
    return before && at->gone;
}

/* Shuts what is too slow, or over: MHD then finds it at its end. */
static void look_at_connections(struct tare_serve *serve, uint64_t now_ns)
{
    for (struct tare__connection *at = serve->connections; at != NULL; at = at->next) {
        if (now_ns > at->deadline_ns || (!at->shut && is_abandoned(at))) {
            shut(at);
        }
    }
    tare__hub_look(&serve->hub, now_ns);
}

static void connection_changed(void *data, struct MHD_Connection *connection, void **context,
                               enum MHD_ConnectionNotificationCode what)
{
    struct tare_serve *serve = data;
    struct tare__connection *at = *context;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        at = calloc(1, sizeof(*at));
        if (at == NULL || info == NULL) {
            free(at);
            return; /* it is answered, and has MHD's timeout alone */
        }
        at->fd = info->connect_fd;
        at->deadline_ns = tare__serve_deadline(tare__monotonic_ns(), 0);
        setsockopt(at->fd, SOL_SOCKET, SO_SNDBUF, &(int){SEND_BUFFER}, sizeof(int));
        at->next = serve->connections;
        if (at->next != NULL) {
            at->next->previous = at;
        }
        serve->connections = at;
        *context = at;
        info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
        take_address(at, info != NULL ? info->client_addr : NULL);
        make_room(serve, at);
    } else if (at != NULL) {
        *(at->previous != NULL ? &at->previous->next : &serve->connections) = at->next;
        if (at->next != NULL) {
            at->next->previous = at->previous;
        }
        free(at);
        *context = NULL;
    }
}

/* How long to sleep: up to the next poll, look, or what MHD wants; ms. */
static int sleep_ms(struct tare_serve *serve, uint64_t now_ns)
{
    uint64_t next_ns = next_poll(serve, now_ns);
    if (serve->connections != NULL && serve->looked_ns + SECOND_NS < next_ns) {
        next_ns = serve->looked_ns + SECOND_NS;
    }
    uint64_t history_ns = tare__history_due_ns(&serve->history, now_ns);
    next_ns = history_ns < next_ns ? history_ns : next_ns;
    MHD_UNSIGNED_LONG_LONG daemon_ms;
    uint64_t ms = next_ns <= now_ns ? 0 : (next_ns - now_ns + 999999) / 1000000;
    if (MHD_get_timeout(serve->daemon, &daemon_ms) == MHD_YES && daemon_ms < ms) {
        ms = daemon_ms;
    }
    return ms > 60000 ? 60000 : (int)ms;
}

int tare_serve_run(struct tare_serve *serve, int stop_fd, char *message, size_t message_size)
{
    for (;;) {
        struct pollfd fds[] = {{.fd = stop_fd, .events = POLLIN},
                               {.fd = serve->events_fd, .events = POLLIN},
                               {.fd = serve->maker.ready_fd, .events = POLLIN},
                               {.fd = serve->history.fd, .events = POLLIN}};
        int ready = poll(fds, 4, sleep_ms(serve, tare__monotonic_ns()));
        if (ready < 0 && errno != EINTR) {
            int failure = -errno;
            snprintf(message, message_size, "cannot wait for requests: %s", strerror(errno));
            return failure;
        }
        if (ready > 0 && fds[0].revents != 0) {
            return 0;
        }
        if (ready > 0 && fds[2].revents != 0) {
            tare__serve_result_made(serve);
        }
        uint64_t now_ns = tare__monotonic_ns();
        if (tare__history_go_on(&serve->history, now_ns)) {
            complain(serve, serve->history.problem);
            tare__serve_history_made(serve);
        }
        if (now_ns >= next_poll(serve, now_ns)) {
            uint64_t interval_ns = (uint64_t)(serve->options.interval_s * 1e9);
            if (serve->next_poll_ns <= now_ns) { /* else it was a push's turn, which does not move the beat */
                bool late = now_ns - serve->next_poll_ns >= interval_ns;
                serve->next_poll_ns = late ? now_ns + interval_ns : serve->next_poll_ns + interval_ns;
            }
            tare__serve_poll(serve);
            if (serve->latest == NULL && serve->push != NULL && serve->next_push_ns <= now_ns) {
                serve->next_push_ns = now_ns + (uint64_t)(serve->options.push->interval_s * 1e9);
            }
        }
        if (now_ns - serve->looked_ns >= SECOND_NS) {
            serve->looked_ns = now_ns;
            look_at_connections(serve, now_ns);
        }
        MHD_run(serve->daemon);
    }
}

/* Whether it can be reached from this machine alone. */
static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        return ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr) >> 24 == 127;
    }
    return address->sa_family == AF_INET6 &&
           IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
}

static int check_remote(const struct tare_serve *serve, char *message, size_t message_size)
{
    const char *listen = serve->options.listen;
    if (!serve->loopback && !serve->options.allow_remote) {
        snprintf(message, message_size,
                 "'%s' can be reached from other machines: give --allow-remote, too, or listen on 127.0.0.1",
                 listen);
        return -EPERM;
    }
    if (!serve->loopback && serve->options.token == NULL) {
        snprintf(message, message_size, "'%s' can be reached from other machines, and there is no token",
                 listen);
        return -EPERM;
    }
    return 0;
}

static int bind_to(struct tare_serve *serve, const struct addrinfo *found, char *message, size_t message_size)
{
    serve->loopback = is_loopback(found->ai_addr);
    int failure = check_remote(serve, message, message_size);
    if (failure != 0) {
        return failure;
    }
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    }
    struct sockaddr_storage own;
    socklen_t size = sizeof(own);
    if (fd < 0 || bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, 512) != 0 ||
        getsockname(fd, (struct sockaddr *)&own, &size) != 0) {
        failure = -errno;
        snprintf(message, message_size,
                 failure == -EADDRINUSE ? "cannot listen on '%s': %s: give another port, or 0 for any"
                                        : "cannot listen on '%s': %s",
                 serve->options.listen, strerror(-failure));
        if (fd >= 0) {
            close(fd);
        }
        return failure;
    }
    serve->port = ntohs(own.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&own)->sin6_port
                                                  : ((struct sockaddr_in *)&own)->sin_port);
    serve->listen_fd = fd;
    return 0;
}

static int start_listening(struct tare_serve *serve, char *message, size_t message_size)
{
    char port[6];
    if (!tare__guard_listen(serve->options.listen, serve->host, sizeof(serve->host), port)) {
        snprintf(message, message_size,
                 "'%s' is no address to listen on: it looks like 127.0.0.1:9469 or [::1]:9469",
                 serve->options.listen);
        return -EINVAL;
    }
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    int wrong = getaddrinfo(serve->host, port, &hints, &found);
    if (wrong != 0) {
        snprintf(message, message_size, "cannot listen on '%s': %s", serve->options.listen,
                 gai_strerror(wrong));
        return -EADDRNOTAVAIL;
    }
    int failure = bind_to(serve, found, message, message_size);
    freeaddrinfo(found);
    bool brackets = strchr(serve->host, ':') != NULL;
    if (failure == 0 && asprintf(&serve->url, "http://%s%s%s:%u/", brackets ? "[" : "", serve->host,
                                 brackets ? "]" : "", serve->port) < 0) {
        serve->url = NULL;
        failure = -ENOMEM;
    }
    snprintf(serve->cookie, sizeof(serve->cookie), "tare_token_%u", serve->port);
    return failure;
}

static void ignore_log(void *data, const char *format, va_list arguments)
{
    (void)data;
    (void)format;
    (void)arguments;
}

static size_t unescape(void *data, struct MHD_Connection *connection, char *text)
{
    (void)data;
    (void)connection;
    return tare__guard_unescape(text);
}

static int start_daemon(struct tare_serve *serve, char *message, size_t message_size)
{
    serve->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, tare__serve_answer, serve,
        MHD_OPTION_EXTERNAL_LOGGER, ignore_log, NULL, MHD_OPTION_LISTEN_SOCKET, serve->listen_fd,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)TARE_SERVE_CONNECTIONS, MHD_OPTION_UNESCAPE_CALLBACK, unescape,
        NULL, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)SILENCE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)MEMORY_BYTES, MHD_OPTION_STRICT_FOR_CLIENT, 0, MHD_OPTION_NOTIFY_COMPLETED,
        tare__serve_answered, serve, MHD_OPTION_NOTIFY_CONNECTION, connection_changed, serve, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        serve->daemon != NULL ? MHD_get_daemon_info(serve->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    if (info == NULL) {
        snprintf(message, message_size, "cannot start the server: libmicrohttpd refused it: %s",
                 strerror(errno));
        return errno != 0 ? -errno : -EIO;
    }
    serve->listen_fd = -1;
    serve->events_fd = info->epoll_fd;
    return 0;
}

static int start_reading(struct tare_serve *serve, char *message, size_t message_size)
{
    const struct tare_live_options options = {
        .pids = serve->options.pid != 0 ? &serve->options.pid : NULL,
        .pid_count = serve->options.pid != 0,
        .name = serve->options.name,
        .window_ns = serve->options.window_s * 1e9,
        .histograms = true,
        .keep_ended = serve->options.pid != 0,
    };
    serve->live = tare_live_new(&options);
    if (serve->live == NULL) {
        return -ENOMEM;
    }
    int failure = tare_live_poll(serve->live, &serve->latest, message, message_size);
    serve->polled_ns = tare__monotonic_ns();
    if (failure != 0 || serve->latest->process_count > 0) {
        return failure;
    }
    if (serve->options.pid == 0) {
        if (serve->options.name != NULL && *message == '\0') {
            snprintf(message, message_size, "no process called '%s' has a page yet: waiting for one",
                     serve->options.name);
        }
        return 0;
    }
    if (kill(serve->options.pid, 0) != 0 && errno == ESRCH) {
        snprintf(message, message_size, "there is no process %d: 'tare ps' lists those with a page",
                 (int)serve->options.pid);
        return -ESRCH;
    }
    if (*message == '\0') {
        snprintf(
            message, message_size,
            "process %d has no page that can be read: it does not use libtare, or belongs to somebody else",
            (int)serve->options.pid);
    }
    return -ENOENT;
}

static int make_pages(struct tare_serve *serve)
{
    serve->page_policy = tare__serve_page_policy(tare__web_live_html);
    if (serve->page_policy == NULL || serve->options.history == NULL) {
        return serve->page_policy != NULL ? 0 : -ENOMEM;
    }
    serve->page = tare__serve_page_with_history();
    serve->history_page = tare_history_page_live("/api/v1/history");
    serve->history_policy = serve->history_page != NULL ? tare__serve_page_policy(serve->history_page) : NULL;
    return serve->page != NULL && serve->history_policy != NULL ? 0 : -ENOMEM;
}

int tare_serve_open(struct tare_serve **out, const struct tare_serve_options *options, char *message,
                    size_t message_size)
{
    *out = NULL;
    *message = '\0';
    struct tare_serve *serve = calloc(1, sizeof(*serve));
    if (serve == NULL) {
        snprintf(message, message_size, "out of memory");
        return -ENOMEM;
    }
    serve->options = *options;
    serve->listen_fd = -1;
    serve->hub.interval_s = options->interval_s;
    serve->hub.window_s = options->window_s;
    serve->hub.document = tare__serve_document;
    serve->hub.document_data = serve;
    tare__history_init(&serve->history, options->history);
    int failure = tare__maker_open(&serve->maker);
    failure = failure == 0 ? make_pages(serve) : failure;
    failure = failure == 0 ? start_listening(serve, message, message_size) : failure;
    failure = failure == 0 ? start_reading(serve, message, message_size) : failure;
    if (failure == 0 && options->push != NULL) {
        failure =
            tare_push_open(&serve->push, options->push, options->say, options->say_data, message, message_size);
        serve->next_push_ns = tare__monotonic_ns();
    }
    failure = failure == 0 ? start_daemon(serve, message, message_size) : failure;
    if (failure != 0) {
        if (*message == '\0') {
            snprintf(message, message_size, "%s", strerror(-failure));
        }
        tare_serve_close(serve);
        return failure;
    }
    complain(serve, message);
    *out = serve;
    return 0;
}

const char *tare_serve_url(const struct tare_serve *serve)
{
    return serve->url;
}

void tare_serve_close(struct tare_serve *serve)
{
    if (serve == NULL) {
        return;
    }
    if (serve->live != NULL) {
        tare_live_restore(serve->live);
    }
    if (serve->daemon != NULL) {
        /*
         * No connection may be suspended when the daemon stops; running it resumes them and ends their
         * streams.
         */
        serve->closing = true;
        tare__hub_close(&serve->hub);
        tare__serve_let_go(serve);
        tare__serve_history_made(serve);
        MHD_run(serve->daemon);
        MHD_stop_daemon(serve->daemon);
    }
    if (serve->listen_fd >= 0) {
        close(serve->listen_fd);
    }
    tare__maker_close(&serve->maker);
    tare__history_release(&serve->history);
    tare_push_close(serve->push);
    tare__hub_release(&serve->hub);
    forget_texts(serve);
    tare__serve_forget_result(serve);
    tare_capture_free(serve->capture);
    tare_live_free(serve->live);
    free(serve->url);
    free(serve->page);
    free(serve->page_policy);
    free(serve->history_page);
    free(serve->history_policy);
    free(serve->complaint);
    free(serve);
}

bool tare_serve_is_host(const char *text)
{
    return tare__guard_is_name(text);
}

bool tare_serve_timers(const char *text, bool *histograms)
{
    return tare__guard_timers(text, histograms);
}

bool tare_serve_is_token(const char *token)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~+/=-";
    size_t size = strlen(token);
    return size >= TARE_SERVE_TOKEN_MIN && size <= TARE_SERVE_TOKEN_MAX && strspn(token, allowed) == size;
}

int tare_serve_make_token(char token[44])
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"; /* base64url */
    unsigned char bytes[43];
    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes)) {
        return -EIO;
    }
    for (size_t i = 0; i < sizeof(bytes); i++) {
        token[i] = digits[bytes[i] % 64];
    }
    token[43] = '\0';
    return 0;
}
