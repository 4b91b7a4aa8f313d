/* SPDX-License-Identifier: MIT */
/*
 * Asking what has arrived. Batches matter more than exactness: a store that takes them and does not say what it
 * has gets them again after a while, and the one who calls says so.
 */
#include "serve/arrived.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve/lines.h"

enum { FAILURES_MAX = 8 }; /* times that it is asked in vain, one after the other: then it is not waited for */

/* What a part of the query gives to all series: extra_label=name=value. False: no memory. */
static bool take_extra(struct tare_arrived *arrived, const char *part, size_t size, size_t *count)
{
    static const char name[] = "extra_label=";
    if (size <= strlen(name) || strncmp(part, name, strlen(name)) != 0) {
        return true;
    }
    int length = 0;
    char *encoded = strndup(part + strlen(name), size - strlen(name));
    for (char *at = encoded; at != NULL && *at != '\0'; at++) {
        *at = *at == '+' ? ' ' : *at;
    }
    char *decoded = encoded != NULL ? curl_easy_unescape(NULL, encoded, 0, &length) : NULL;
    free(encoded);
    char **extra = decoded != NULL ? realloc(arrived->extra, (*count + 2) * sizeof(*extra)) : NULL;
    if (extra != NULL) {
        arrived->extra = extra;
        extra[*count] = strdup(decoded);
        extra[*count + 1] = NULL;
        *count += extra[*count] != NULL;
    }
    curl_free(decoded);
    return extra != NULL && extra[*count] == NULL && *count > 0;
}

static bool take_extras(struct tare_arrived *arrived, CURLU *url)
{
    char *query = NULL;
    size_t count = 0;
    bool fine = true;
    if (curl_url_get(url, CURLUPART_QUERY, &query, 0) == CURLUE_OK) {
        for (const char *at = query; fine && *at != '\0';) {
            size_t part = strcspn(at, "&");
            fine = take_extra(arrived, at, part, &count);
            at += part + (at[part] == '&');
        }
    }
    curl_free(query);
    return fine;
}

/* The export beside the import. False: no memory; the URL stays NULL if the import is another's. */
static bool guess(struct tare_arrived *arrived, CURLU *url)
{
    static const char from[] = "/api/v1/import/prometheus", to[] = "/api/v1/export";
    char *path = NULL, *asked = NULL, *whole = NULL;
    if (curl_url_get(url, CURLUPART_PATH, &path, 0) != CURLUE_OK) {
        return false;
    }
    size_t size = strlen(path);
    size -= size > 0 && path[size - 1] == '/';
    bool fine = true;
    if (size >= strlen(from) && strncmp(path + size - strlen(from), from, strlen(from)) == 0) {
        fine = asprintf(&asked, "%.*s%s", (int)(size - strlen(from)), path, to) >= 0;
        asked = fine ? asked : NULL;
        fine = fine && curl_url_set(url, CURLUPART_PATH, asked, 0) == CURLUE_OK &&
               curl_url_set(url, CURLUPART_QUERY, NULL, 0) == CURLUE_OK &&
               curl_url_get(url, CURLUPART_URL, &whole, 0) == CURLUE_OK;
        arrived->url = fine ? strdup(whole) : NULL;
        fine = arrived->url != NULL;
    }
    free(asked);
    curl_free(path);
    curl_free(whole);
    return fine;
}

int tare__arrived_init(struct tare_arrived *arrived, const char *import, const char *ask)
{
    *arrived = (struct tare_arrived){0};
    CURLU *url = curl_url();
    bool fine =
        url != NULL && curl_url_set(url, CURLUPART_URL, import, 0) == CURLUE_OK && take_extras(arrived, url);
    if (fine && ask != NULL) {
        arrived->url = strdup(ask);
        arrived->given = tare__post_without_credentials(ask);
        arrived->elsewhere = !tare__post_same_side(import, ask);
        fine = arrived->url != NULL && arrived->given != NULL;
    } else if (fine) {
        fine = guess(arrived, url);
    }
    curl_url_cleanup(url);
    return fine ? 0 : -ENOMEM;
}

void tare__arrived_release(struct tare_arrived *arrived)
{
    for (char **extra = arrived->extra; extra != NULL && *extra != NULL; extra++) {
        free(*extra);
    }
    free(arrived->extra);
    free(arrived->url);
    free(arrived->given);
    *arrived = (struct tare_arrived){0};
}

static enum tare_arrived_answer give_up(struct tare_arrived *arrived)
{
    free(arrived->url);
    arrived->url = NULL;
    return TARE_ARRIVED_UNKNOWN;
}

/* It will say it another time, perhaps. */
static enum tare_arrived_answer put_off(struct tare_arrived *arrived, long status, char *why)
{
    /* Where there is no answer at all, batches would not be taken either, if that is the same side. */
    arrived->failures += status != 0 || arrived->elsewhere;
    if (arrived->failures >= FAILURES_MAX) {
        return TARE_ARRIVED_UNKNOWN;
    }
    if (arrived->given != NULL) {
        char *copy = strdup(why);
        snprintf(why, TARE_POST_WHY, "'%.120s' does not say what has arrived: %.100s", arrived->given,
                 copy != NULL ? copy : "");
        free(copy);
    }
    return TARE_ARRIVED_AWAY;
}

enum tare_arrived_answer tare__arrived_leave_out(struct tare_arrived *arrived, struct tare_post *post,
                                                 uint64_t unix_ms, char **text, size_t *size, long *status,
                                                 char *why, bool *connected)
{
    char *question = tare__lines_query(*text, *size, unix_ms);
    if (question == NULL) {
        snprintf(why, TARE_POST_WHY, "out of memory");
        return TARE_ARRIVED_AWAY;
    }
    struct tare_post_answer answer = {0};
    bool other_side = false; /* its connections say nothing of the side that takes batches */
    enum tare_post_outcome outcome = tare__post(post, arrived->url, question, strlen(question), &answer, status,
                                                why, arrived->elsewhere ? &other_side : connected);
    free(question);
    enum tare_arrived_answer known = TARE_ARRIVED_AWAY;
    if (outcome == TARE_POST_TAKEN) {
        size_t rest_size;
        char *rest = tare__lines_missing(*text, *size, answer.bytes, answer.size,
                                         (const char *const *)arrived->extra, unix_ms, &rest_size);
        arrived->failures = 0;
        if (rest == NULL) {
            snprintf(why, TARE_POST_WHY, "out of memory");
        } else {
            free(*text);
            *text = rest;
            *size = rest_size;
            known = TARE_ARRIVED_KNOWN;
        }
    } else if (answer.too_large) {
        snprintf(why, TARE_POST_WHY, "its answer is too large");
        known = give_up(arrived);
    } else if (*status == 0 || *status >= 500 || *status == 408 || *status == 429) {
        known = put_off(arrived, *status, why);
    } else {
        known = give_up(arrived);
    }
    free(answer.bytes);
    return known;
}
