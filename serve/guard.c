/* SPDX-License-Identifier: MIT */
/*
 * The texts of a request that decide. Kept apart from the server, so that they can be tested and fuzzed without
 * one. Comparisons of names are of ASCII, whatever the locale.
 */
#include "serve/guard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same_text(const char *a, size_t a_size, const char *b, size_t b_size)
{
    if (a_size != b_size) {
        return false;
    }
    for (size_t i = 0; i < a_size; i++) {
        if (lower(a[i]) != lower(b[i])) {
            return false;
        }
    }
    return true;
}

static bool is_port(const char *text, size_t size)
{
    unsigned value = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9' || i >= 5) {
            return false;
        }
        value = value * 10 + (unsigned)(text[i] - '0');
    }
    return size > 0 && value <= 65535;
}

/* Where the host ends in "host:port", "host", "[v6]:port", "[v6]"; the host without brackets. */
static bool split_host(const char *text, const char **host, size_t *host_size, const char **port)
{
    const char *end;
    if (*text == '[') {
        end = strchr(text, ']');
        if (end == NULL) {
            return false;
        }
        *host = text + 1;
        *host_size = (size_t)(end - *host);
        end++;
    } else {
        end = text + strcspn(text, ":");
        *host = text;
        *host_size = (size_t)(end - text);
    }
    *port = *end == ':' ? end + 1 : NULL;
    return *end == '\0' || (*end == ':' && is_port(end + 1, strlen(end + 1)));
}

bool tare__guard_listen(const char *text, char *host, size_t host_size, char port[6])
{
    const char *at, *port_text;
    size_t size;
    if (!split_host(text, &at, &size, &port_text) || port_text == NULL || size >= host_size) {
        return false;
    }
    if (size == 0) {
        if (*text == '[' || host_size < sizeof("127.0.0.1")) {
            return false;
        }
        at = "127.0.0.1";
        size = strlen(at);
    }
    memcpy(host, at, size);
    host[size] = '\0';
    memcpy(port, port_text, strlen(port_text) + 1);
    return true;
}

static bool is_loopback(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, host, &v4) == 1) {
        return ntohl(v4.s_addr) >> 24 == 127;
    }
    return inet_pton(AF_INET6, host, &v6) == 1 &&
           (IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127));
}

bool tare__guard_host(const char *header, const char *own)
{
    const char *at, *port;
    size_t size;
    char host[256];
    if (header == NULL || !split_host(header, &at, &size, &port) || size == 0 || size >= sizeof(host)) {
        return false;
    }
    memcpy(host, at, size);
    host[size] = '\0';
    return same_text(host, size, "localhost", strlen("localhost")) || same_text(host, size, own, strlen(own)) ||
           is_loopback(host);
}

bool tare__guard_is_name(const char *text)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_";
    struct in6_addr v6;
    size_t size = strlen(text);
    return size > 0 && size < 256 && (strspn(text, allowed) == size || inet_pton(AF_INET6, text, &v6) == 1);
}

bool tare__guard_named(const char *header, const char *const *names, size_t count)
{
    const char *at, *port;
    size_t size;
    if (header == NULL || !split_host(header, &at, &size, &port)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (same_text(at, size, names[i], strlen(names[i]))) {
            return true;
        }
    }
    return false;
}

const char *tare__guard_target(const char *target, char *host, size_t host_size)
{
    static const char scheme[] = "http://";
    *host = '\0';
    size_t size = strlen(scheme);
    if (strlen(target) < size || !same_text(target, size, scheme, size)) {
        return target;
    }
    const char *at = target + size, *path = at + strcspn(at, "/");
    size = (size_t)(path - at);
    if (size == 0 || size >= host_size) {
        return NULL;
    }
    memcpy(host, at, size);
    host[size] = '\0';
    return *path != '\0' ? path : "/";
}

static int digit_of(char c)
{
    c = lower(c);
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

size_t tare__guard_unescape(char *text)
{
    char *to = text;
    for (const char *at = text; *at != '\0'; at++) {
        int high = *at == '%' ? digit_of(at[1]) : -1, low = high >= 0 ? digit_of(at[2]) : -1;
        if (low >= 0 && high + low > 0) {
            *to++ = (char)(high * 16 + low);
            at += 2;
        } else {
            *to++ = *at;
        }
    }
    *to = '\0';
    return (size_t)(to - text);
}

bool tare__guard_once(const char *header)
{
    static const char *const once[] = {"Host",   "Content-Length", "Content-Type",
                                       "Origin", "Authorization",  "Sec-Fetch-Site"};
    for (size_t i = 0; i < sizeof(once) / sizeof(once[0]); i++) {
        if (same_text(header, strlen(header), once[i], strlen(once[i]))) {
            return true;
        }
    }
    return false;
}

bool tare__guard_timers(const char *value, bool *histograms)
{
    *histograms = value != NULL && strcmp(value, "histogram") == 0;
    return *histograms || (value != NULL && strcmp(value, "summary") == 0);
}

bool tare__guard_leave_out(const char *value, bool *leave_out)
{
    *leave_out = value != NULL && strcmp(value, "0") == 0;
    return *leave_out || (value != NULL && strcmp(value, "1") == 0);
}

bool tare__guard_origin(const char *origin, const char *host)
{
    if (origin == NULL) {
        return true;
    }
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < 2; i++) {
        size_t size = strlen(schemes[i]);
        if (host != NULL && strlen(origin) > size && same_text(origin, size, schemes[i], size)) {
            return same_text(origin + size, strlen(origin + size), host, strlen(host));
        }
    }
    return false;
}

bool tare__guard_same(const char *given, size_t given_size, const char *token)
{
    size_t size = strlen(token);
    volatile unsigned char differs = given_size != size;
    for (size_t i = 0; i < given_size; i++) {
        differs = differs | ((unsigned char)given[i] ^ (unsigned char)token[size != 0 ? i % size : 0]);
    }
    return differs == 0;
}

bool tare__guard_token(const char *authorization, const char *cookies, const char *cookie, const char *token)
{
    if (authorization != NULL && strlen(authorization) > 7 && same_text(authorization, 7, "Bearer ", 7)) {
        const char *given = authorization + 7 + strspn(authorization + 7, " ");
        size_t size = strlen(given);
        while (size > 0 && given[size - 1] == ' ') {
            size--;
        }
        return tare__guard_same(given, size, token);
    }
    size_t name_size = strlen(cookie);
    bool same = false;
    for (const char *at = cookies; at != NULL && *at != '\0';) {
        at += strspn(at, "; ");
        size_t size = strcspn(at, ";");
        if (size > name_size && memcmp(at, cookie, name_size) == 0 && at[name_size] == '=') {
            same |= tare__guard_same(at + name_size + 1, size - name_size - 1, token);
        }
        at += size;
    }
    return same;
}

/* The media type that a list's element begins with: up to a parameter. */
static size_t type_size(const char *text, size_t size)
{
    size_t end = 0;
    while (end < size && text[end] != ';' && text[end] != ' ' && text[end] != '\t') {
        end++;
    }
    return end;
}

bool tare__guard_is_json(const char *content_type)
{
    static const char json[] = "application/json";
    return content_type != NULL &&
           same_text(content_type, type_size(content_type, strlen(content_type)), json, strlen(json));
}

/* The q of an element's parameters; 1 without one. */
static double quality(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (text[i] != ';') {
            continue;
        }
        size_t at = i + 1;
        while (at < size && (text[at] == ' ' || text[at] == '\t')) {
            at++;
        }
        if (at + 2 < size && lower(text[at]) == 'q' && text[at + 1] == '=') {
            double value = 0, digit = 1;
            for (at += 2; at < size && ((text[at] >= '0' && text[at] <= '9') || text[at] == '.'); at++) {
                if (text[at] == '.') {
                    digit = 0.1;
                } else if (digit == 1) {
                    value = text[at] - '0';
                } else {
                    value += digit * (text[at] - '0');
                    digit /= 10;
                }
            }
            return value;
        }
    }
    return 1;
}

bool tare__guard_openmetrics(const char *accept)
{
    static const char open[] = "application/openmetrics-text";
    static const char *const plain[] = {"*/*", "text/*", "text/plain"}; /* the more exact one counts */
    double openmetrics = 0, text = 0;
    size_t exact = 0;
    for (const char *at = accept; at != NULL && *at != '\0';) {
        at += strspn(at, ", \t");
        size_t size = strcspn(at, ","), type = type_size(at, size);
        double q = quality(at, size);
        if (same_text(at, type, open, strlen(open))) {
            openmetrics = fmax(openmetrics, q);
        }
        for (size_t i = exact; i < sizeof(plain) / sizeof(plain[0]); i++) {
            if (same_text(at, type, plain[i], strlen(plain[i]))) {
                text = i > exact ? q : fmax(text, q);
                exact = i;
            }
        }
        at += size;
    }
    return openmetrics > 0 && openmetrics >= text;
}

static bool id_of(const json_t *value, uint64_t *id)
{
    if (json_is_integer(value) && json_integer_value(value) >= 0) {
        *id = (uint64_t)json_integer_value(value);
        return true;
    }
    const char *text = json_string_value(value);
    if (text == NULL || *text < '0' || *text > '9') {
        return false;
    }
    char *end;
    errno = 0;
    *id = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0';
}

static const char *read_body(enum tare_guard_action action, const json_t *root, struct tare_guard_body *body)
{
    const json_t *id = json_object_get(root, "id");
    switch (action) {
    case TARE_GUARD_SWITCH:
        if (!json_is_boolean(json_object_get(root, "enabled"))) {
            return "no 'enabled', true or false";
        }
        body->enabled = json_is_true(json_object_get(root, "enabled"));
        return id_of(id, &body->id) ? NULL : "no 'id' of an instrument";
    case TARE_GUARD_RESET:
        body->all = json_is_string(id) && strcmp(json_string_value(id), "all") == 0;
        return body->all || id_of(id, &body->id) ? NULL : "no 'id' of an instrument, or 'all'";
    case TARE_GUARD_CAPTURE:
    default:
        break;
    }
    static const char *const words[] = {"start", "stop", "reset"};
    const char *word = json_string_value(json_object_get(root, "action"));
    for (size_t i = 0; word != NULL && i < 3; i++) {
        if (strcmp(word, words[i]) == 0) {
            body->capture = (enum tare_guard_capture)i;
            return NULL;
        }
    }
    return "no 'action', start, stop or reset";
}

int tare__guard_body(enum tare_guard_action action, const char *text, size_t size, struct tare_guard_body *body,
                     char *message, size_t message_size)
{
    *body = (struct tare_guard_body){0};
    json_error_t where;
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &where);
    const char *wrong = root == NULL            ? "not JSON"
                        : !json_is_object(root) ? "not an object"
                                                : read_body(action, root, body);
    json_decref(root);
    if (wrong == NULL) {
        return 0;
    }
    snprintf(message, message_size, "the body is not understood: %s", wrong);
    return -EINVAL;
}

bool tare__guard_matches(const char *header, const char *etag)
{
    if (header == NULL || *etag == '\0') {
        return false;
    }
    for (const char *at = header; *at != '\0';) {
        at += strspn(at, ", \t");
        if (*at == '*') {
            return true;
        }
        at += strncmp(at, "W/", 2) == 0 ? 2 : 0;
        const char *end = *at == '"' ? strchr(at + 1, '"') : NULL;
        if (end == NULL) {
            return false;
        }
        if ((size_t)(end + 1 - at) == strlen(etag) && memcmp(at, etag, strlen(etag)) == 0) {
            return true;
        }
        at = end + 1;
    }
    return false;
}
