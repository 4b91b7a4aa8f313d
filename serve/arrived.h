/* SPDX-License-Identifier: MIT */
/*
 * What of a batch has arrived: the store is asked for the batch's series at its time, and what it has is left
 * out when the batch is sent again. VictoriaMetrics says it at /api/v1/export, which is beside its import; in
 * its cluster somebody else does, who cannot be guessed. Only where there is libcurl. Not thread-safe.
 */
#ifndef TARE_SERVE_ARRIVED_H
#define TARE_SERVE_ARRIVED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "serve/post.h"

struct tare_arrived {
    char *url;         /* where to ask; NULL: that is not known, or it cannot be asked */
    char *given;       /* what the user gave for it, without credentials; NULL: it is beside the import */
    char **extra;      /* labels that the import's URL gives to all: "name=value", NULL at the end */
    bool elsewhere;    /* it is not on the host and port that batches are sent to */
    unsigned failures; /* answers that were none, one after the other */
};

/* `import`: where batches are sent; `ask`: where to ask, or NULL: beside it. Returns 0 or -ENOMEM. */
int tare__arrived_init(struct tare_arrived *arrived, const char *import, const char *ask);
void tare__arrived_release(struct tare_arrived *arrived);

enum tare_arrived_answer {
    TARE_ARRIVED_KNOWN,   /* what is there has been taken out of the batch: *size may be 0 now */
    TARE_ARRIVED_AWAY,    /* ask again later */
    TARE_ARRIVED_UNKNOWN, /* it cannot be asked, and has not to be waited for; `url` is NULL if it never can */
};

/* Asks, and takes out of the batch (malloc'ed) what is there. For the rest see tare__post(). */
enum tare_arrived_answer tare__arrived_leave_out(struct tare_arrived *arrived, struct tare_post *post,
                                                 uint64_t unix_ms, char **text, size_t *size, long *status,
                                                 char *why, bool *connected);

#endif
