/* SPDX-License-Identifier: MIT */
/*
 * What decides whether a request is answered, and what it asks for: text in, answer out, no state. Everything
 * here takes whatever a client sent.
 */
#ifndef TARE_SERVE_GUARD_H
#define TARE_SERVE_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * "host:port", "[v6]:port" or ":port" (the loopback) taken apart; `host` gets no brackets. False: it is none.
 */
bool tare__guard_listen(const char *text, char *host, size_t host_size, char port[6]);

/*
 * Whether a Host header names us, where we listen on the loopback: "localhost", an address of the loopback,
 * or `own`, with any port, which a tunnel may change. A page of another name that was made to resolve to
 * our address (DNS rebinding) still has that name in its Host header. NULL: the request had none.
 */
bool tare__guard_host(const char *header, const char *own);

/* Whether it can be a host's name, or is an address (of IPv6 without brackets). */
bool tare__guard_is_name(const char *text);

/* Whether a Host header, with any port, is one of these names. NULL: no. */
bool tare__guard_named(const char *header, const char *const *names, size_t count);

/*
 * The path of a request's target, up to its query: the target itself, or, of an absolute one
 * ("http://host/path", RFC 9112 3.2.2), what follows its host, which is then in `host` ("" otherwise) and
 * counts instead of the header. NULL: there is none in it, or a longer one than any.
 */
const char *tare__guard_target(const char *target, char *host, size_t host_size);

/*
 * Replaces %XX in place, and returns the length. %00 stays as it is: behind it, the text would be another one
 * than it looks. So does what is no %XX.
 */
size_t tare__guard_unescape(char *text);

/* Whether a header of that name decides something, and so may be there only once. */
bool tare__guard_once(const char *header);

/* "summary" or "histogram"; false: neither. */
bool tare__guard_timers(const char *value, bool *histograms);

/* "1" or "0", which leaves out what is asked about; false: neither. */
bool tare__guard_leave_out(const char *value, bool *leave_out);

/*
 * Whether an Origin header is that of the page that we served: the scheme, and the same host and port as in
 * `host`, the Host header. NULL, no header: not a browser's request across pages.
 */
bool tare__guard_origin(const char *origin, const char *host);

/* Whether one of the two carries the token: "Bearer TOKEN", or a cookie of that name. Either may be NULL. */
bool tare__guard_token(const char *authorization, const char *cookies, const char *cookie, const char *token);

/* Takes as long for every `given` of the same length. */
bool tare__guard_same(const char *given, size_t given_size, const char *token);

/*
 * Whether an If-None-Match header has this ETag, with its quotation marks, or "*"; whether it is called weak
 * there makes no difference (RFC 9110 13.1.2). NULL: no.
 */
bool tare__guard_matches(const char *header, const char *etag);

/* Whether it is application/json, whatever parameters follow. NULL: no. */
bool tare__guard_is_json(const char *content_type);

/*
 * Whether an Accept header prefers OpenMetrics to text/plain, by its q values; text/plain also counts as
 * text/(any) and as anything. NULL: no.
 */
bool tare__guard_openmetrics(const char *accept);

enum tare_guard_action { TARE_GUARD_SWITCH, TARE_GUARD_RESET, TARE_GUARD_CAPTURE };
enum tare_guard_capture { TARE_CAPTURE_START, TARE_CAPTURE_STOP, TARE_CAPTURE_RESET };

/* What the body of a POST asks for. */
struct tare_guard_body {
    uint64_t id;
    bool all; /* instead of an id */
    bool enabled;
    enum tare_guard_capture capture;
};
/* Returns 0, or -EINVAL with one line in `message`. */
int tare__guard_body(enum tare_guard_action action, const char *text, size_t size, struct tare_guard_body *body,
                     char *message, size_t message_size);

#endif
