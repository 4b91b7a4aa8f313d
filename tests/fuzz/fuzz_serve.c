/* SPDX-License-Identifier: MIT */
/*
 * What a client of tare serve sends, as far as we read it ourselves: the headers that decide, and the bodies of
 * POSTs. A file is texts separated by NUL: Host (also taken for a target), Origin, Authorization, Cookie, Content-Type, Accept, body.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "serve/guard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXTS = 7 };

/* What is served is a path of the target, and its host is a part of it. */
static void check_target(const char *target)
{
    char host[32];
    const char *path = target != NULL ? tare__guard_target(target, host, sizeof(host)) : NULL;
    if (path == NULL) {
        return;
    }
    if (*host != '\0' ? *path != '/' || strstr(target, host) == NULL || strchr(host, '/') != NULL
                      : path != target) {
        abort();
    }
}

/* It gets no longer, and no NUL comes into it: it ends where it says. */
static void check_unescaped(const char *text)
{
    char *copy = text != NULL ? strdup(text) : NULL;
    if (copy == NULL) {
        return;
    }
    size_t size = tare__guard_unescape(copy);
    if (size != strlen(copy) || size > strlen(text)) {
        abort();
    }
    bool histograms;
    static const char *const names[] = {"my.example", "::2"};
    tare__guard_is_name(text);
    tare__guard_once(text);
    tare__guard_timers(text, &histograms);
    tare__guard_leave_out(text, &histograms);
    if (tare__guard_named(text, names, 2) && strncasecmp(text, "my.example", 10) != 0 &&
        strncmp(text, "::2", 3) != 0 && strncmp(text, "[::2]", 5) != 0) {
        abort();
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char token[] = "0123456789abcdef";
    char *copy = malloc(size + 1), *texts[TEXTS] = {NULL};
    if (copy == NULL) {
        return 0;
    }
    memcpy(copy, data, size);
    copy[size] = '\0';
    size_t at = 0, count = 0;
    for (; count < TEXTS && at <= size; count++) {
        texts[count] = copy + at;
        at += strlen(copy + at) + 1;
    }
    const char *host = texts[0], *origin = texts[1];
    bool ours = tare__guard_host(host, "127.0.0.1");
    if (ours && strcasestr(host, "example") != NULL) {
        abort(); /* a name that somebody else can have resolve to our address */
    }
    if (origin != NULL && tare__guard_origin(origin, host) &&
        (strlen(origin) < strlen(host) || strcasecmp(origin + strlen(origin) - strlen(host), host) != 0)) {
        abort();
    }
    if (tare__guard_token(texts[2], texts[3], "tare_token_9469", token) &&
        (texts[2] == NULL || strstr(texts[2], token) == NULL) &&
        (texts[3] == NULL || strstr(texts[3], token) == NULL)) {
        abort();
    }
    tare__guard_is_json(texts[4]);
    tare__guard_openmetrics(texts[5]);
    tare__guard_matches(texts[4], "\"0123456789abcdef\"");
    char name[64], port[6];
    if (host != NULL && tare__guard_listen(host, name, sizeof(name), port) && atoi(port) > 65535) {
        abort();
    }
    check_target(host);
    check_unescaped(host);
    for (int action = TARE_GUARD_SWITCH; action <= TARE_GUARD_CAPTURE && texts[6] != NULL; action++) {
        struct tare_guard_body body;
        char message[128];
        size_t body_size = size - (size_t)(texts[6] - copy);
        tare__guard_body((enum tare_guard_action)action, texts[6], body_size, &body, message, sizeof(message));
    }
    free(copy);
    return 0;
}
