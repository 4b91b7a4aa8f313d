/* SPDX-License-Identifier: MIT */
/*
 * POST by libcurl. An attempt ends after ATTEMPT_S whatever the other side does, also if it answers a byte now
 * and then; libcurl keeps the connections, and says when it had to make one.
 */
#include "serve/post.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ATTEMPT_S 15L
#define CONNECT_S 5L
#define ANSWER_MAX ((size_t)64 << 20)

_Static_assert(TARE_POST_WHY >= CURL_ERROR_SIZE, "libcurl writes as much");

struct tare_post {
    CURL *curl;
    bool (*stop)(void *data);
    void *data;
};

static int stop_waiting(void *data, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct tare_post *post = data;
    (void)a;
    (void)b;
    (void)c;
    (void)d;
    return post->stop(post->data);
}

/* Of most answers only the status matters. */
static size_t take_answer(char *bytes, size_t size, size_t n, void *data)
{
    struct tare_post_answer *answer = data;
    size_t all = size * n;
    if (answer == NULL || all == 0) {
        return all;
    }
    if (all > ANSWER_MAX - answer->size) {
        answer->too_large = true;
        return 0;
    }
    if (answer->capacity - answer->size < all) {
        size_t capacity = (answer->size + all) * 2;
        char *more = realloc(answer->bytes, capacity);
        if (more == NULL) {
            return 0;
        }
        answer->bytes = more;
        answer->capacity = capacity;
    }
    memcpy(answer->bytes + answer->size, bytes, all);
    answer->size += all;
    return all;
}

enum tare_post_outcome tare__post(struct tare_post *post, const char *url, const char *text, size_t size,
                                  struct tare_post_answer *answer, long *status, char *why, bool *connected)
{
    CURL *curl = post->curl;
    *why = '\0';
    *status = 0;
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, text);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size);
    CURLcode code = curl_easy_perform(curl);
    long connections = 0;
    curl_easy_getinfo(curl, CURLINFO_NUM_CONNECTS, &connections);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, NULL);
    *connected |= connections > 0;
    if (code != CURLE_OK) {
        if (*why == '\0') {
            snprintf(why, TARE_POST_WHY, "%s", curl_easy_strerror(code));
        }
        return TARE_POST_AWAY;
    }
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status);
    if (*status >= 200 && *status < 300) {
        return TARE_POST_TAKEN;
    }
    snprintf(why, TARE_POST_WHY, "it answered %ld", *status);
    return *status == 400 || *status == 413 || *status == 422 ? TARE_POST_REFUSED : TARE_POST_AWAY;
}

/* In a file or in the URL, never both at a time. */
static bool set_auth(CURL *curl, const char *auth)
{
    if (auth == NULL) {
        return true;
    }
    if (strchr(auth, ':') != NULL) {
        return curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_USERPWD, auth) == CURLE_OK;
    }
    return curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, auth) == CURLE_OK;
}

struct tare_post *tare__post_new(const char *auth, bool (*stop)(void *data), void *data)
{
    struct tare_post *post = calloc(1, sizeof(*post));
    if (post == NULL) {
        return NULL;
    }
    post->stop = stop;
    post->data = data;
    post->curl = curl_global_init(CURL_GLOBAL_DEFAULT) == 0 ? curl_easy_init() : NULL;
    if (post->curl == NULL || curl_easy_setopt(post->curl, CURLOPT_PROTOCOLS_STR, "http,https") != CURLE_OK ||
        !set_auth(post->curl, auth)) {
        tare__post_free(post);
        return NULL;
    }
    curl_easy_setopt(post->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(post->curl, CURLOPT_POST, 1L);
    curl_easy_setopt(post->curl, CURLOPT_CONNECTTIMEOUT, CONNECT_S);
    curl_easy_setopt(post->curl, CURLOPT_TIMEOUT, ATTEMPT_S);
    curl_easy_setopt(post->curl, CURLOPT_USERAGENT, "tare");
    curl_easy_setopt(post->curl, CURLOPT_WRITEFUNCTION, take_answer);
    curl_easy_setopt(post->curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(post->curl, CURLOPT_XFERINFOFUNCTION, stop_waiting);
    curl_easy_setopt(post->curl, CURLOPT_XFERINFODATA, post);
    return post;
}

void tare__post_free(struct tare_post *post)
{
    if (post != NULL) {
        curl_easy_cleanup(post->curl);
        free(post);
    }
}

bool tare__post_is_url(const char *text)
{
    CURLU *url = curl_url();
    char *scheme = NULL;
    bool right = url != NULL && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK &&
                 curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                 (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
    curl_free(scheme);
    curl_url_cleanup(url);
    return right;
}

bool tare__post_same_side(const char *url, const char *other)
{
    static const CURLUPart parts[] = {CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT};
    CURLU *first = curl_url(), *second = curl_url();
    bool same = first != NULL && second != NULL && curl_url_set(first, CURLUPART_URL, url, 0) == CURLUE_OK &&
                curl_url_set(second, CURLUPART_URL, other, 0) == CURLUE_OK;
    for (size_t i = 0; same && i < sizeof(parts) / sizeof(parts[0]); i++) {
        char *a = NULL, *b = NULL;
        same = curl_url_get(first, parts[i], &a, CURLU_DEFAULT_PORT) == CURLUE_OK &&
               curl_url_get(second, parts[i], &b, CURLU_DEFAULT_PORT) == CURLUE_OK && strcmp(a, b) == 0;
        curl_free(a);
        curl_free(b);
    }
    curl_url_cleanup(first);
    curl_url_cleanup(second);
    return same;
}

char *tare__post_without_credentials(const char *text)
{
    CURLU *url = curl_url();
    char *whole = NULL, *copy = NULL;
    if (url != NULL && curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK) {
        char *user = NULL;
        bool has_user = curl_url_get(url, CURLUPART_USER, &user, 0) == CURLUE_OK;
        curl_free(user);
        if (!has_user) { /* as it was given */
            copy = strdup(text);
        } else if (curl_url_set(url, CURLUPART_USER, NULL, 0) == CURLUE_OK &&
                   curl_url_set(url, CURLUPART_PASSWORD, NULL, 0) == CURLUE_OK &&
                   curl_url_get(url, CURLUPART_URL, &whole, 0) == CURLUE_OK) {
            copy = strdup(whole);
        }
    } else {
        const char *at = strrchr(text, '@');
        copy = strdup(at != NULL ? at + 1 : text);
    }
    curl_free(whole);
    curl_url_cleanup(url);
    return copy;
}
