/* SPDX-License-Identifier: MIT */
/*
 * Requests to the store that is pushed to, by libcurl: one POST at a time over connections that are kept, with
 * credentials, and what its answer means. Only where there is libcurl. Not thread-safe.
 */
#ifndef TARE_SERVE_POST_H
#define TARE_SERVE_POST_H

#include <stdbool.h>
#include <stddef.h>

enum { TARE_POST_WHY = 256 }; /* libcurl's CURL_ERROR_SIZE */

/*
 * REFUSED: the batch is not understood, and will not be. AWAY: it is worth another try: there is no answer, or
 * one that says nothing of the batch (too many, not allowed, not there, elsewhere; redirections are not
 * followed).
 */
enum tare_post_outcome { TARE_POST_TAKEN, TARE_POST_REFUSED, TARE_POST_AWAY };

/* What the other side says, where that matters. `bytes` is malloc'ed. */
struct tare_post_answer {
    char *bytes;
    size_t size, capacity;
    bool too_large;
};

struct tare_post;

/*
 * `auth`: "user:password", or a token, which has no colon; NULL: what the URL has. `stop` is asked now and then
 * whether the request that runs is to be given up. NULL: no memory, or libcurl cannot do it.
 */
struct tare_post *tare__post_new(const char *auth, bool (*stop)(void *data), void *data);
void tare__post_free(struct tare_post *post);

/*
 * `answer`: takes what it says, or NULL. `*status`: of HTTP; 0: there was no answer. `why`: TARE_POST_WHY
 * bytes, what is to be said unless it was taken. `*connected`: set if a new connection had to be made; else
 * left alone.
 */
enum tare_post_outcome tare__post(struct tare_post *post, const char *url, const char *text, size_t size,
                                  struct tare_post_answer *answer, long *status, char *why, bool *connected);

/* Whether it is an address of HTTP. */
bool tare__post_is_url(const char *text);

/* Whether both are of the same scheme, host and port, and so share their connections. */
bool tare__post_same_side(const char *url, const char *other);

/* Text without what is between :// and @. malloc'ed; NULL: no memory. */
char *tare__post_without_credentials(const char *text);

#endif
