/* SPDX-License-Identifier: MIT */
/*
 * From a result to what history keeps of it. Which metrics become series: docs/history.md. Numbers and text only,
 * but for tare_origin_read(), which asks git.
 */
#ifndef TARE_HISTORY_EXTRACT_H
#define TARE_HISTORY_EXTRACT_H

#include "history/model.h"
#include "result/model.h"

/* Where results belong that do not say so themselves. NULL and so on: unknown. Strings are its own. */
struct tare_origin {
    char *project;
    char *branch;
    char *link;    /* of the job */
    char *machine; /* of an import: the user's name for it, beside what the file says; NULL: none */
    bool has_commit;
    struct tare_history_commit commit; /* that is checked out, or that was named */
    int dirty;                         /* 1, 0, or -1: unknown */
    char *up;       /* from the directory to the root of the work tree, "../" or ""; NULL: none */
    bool is_head;   /* the commit is what is checked out */
    bool shallow;   /* commits are missing, or it is not known whether some are */
    unsigned known; /* which of the below were asked */
};
void tare_origin_release(struct tare_origin *origin);

/* What takes longer the larger the repository is, or is not needed of a result that says it itself. */
enum {
    TARE_ORIGIN_DETAILS = 1, /* the commit's parents, time and subject */
    TARE_ORIGIN_DIRTY = 2,   /* looks at each file that git knows */
    TARE_ORIGIN_ORDINAL = 4, /* counts all commits on the line: 5 us for each */
    TARE_ORIGIN_ALL = 7,
};

/*
 * Fills it by git from the work tree that `directory` is in, and from the variables of the usual CI services
 * (docs/history.md: branch and job link of GitHub Actions and GitLab CI), with what `wanted` says of the above.
 * `revision`: one commit, as git has it, NULL: HEAD; of another one than is checked out, branch and dirty are unknown.
 * Two runs of git at the same time, some ms; then what is wanted. Not in a work tree, or without git: all unknown but
 * the job, project NULL. Returns 0; -EINVAL: there is no such commit (`message`); -ENOMEM. After an error it is
 * released.
 */
int tare_origin_find(const char *directory, const char *revision, unsigned wanted, struct tare_origin *origin,
                     char *message, size_t message_size);

/* More of one that was found from there: what was not asked yet. 0 or -ENOMEM. */
int tare_origin_more(const char *directory, unsigned wanted, struct tare_origin *origin);

/* All of it. */
int tare_origin_read(const char *directory, const char *revision, struct tare_origin *origin, char *message,
                     size_t message_size);

/*
 * A record of a result and its bytes. What the result says itself goes before the origin: its commit, branch, job and
 * dirty flag. If it names no commit, or the origin's, that is as the origin describes it, with its place among the
 * others; of another one it has what the result says, and its ordinal and link are unknown. `origin` NULL: nothing is
 * known. 0; -EINVAL with `message`: nothing in it can be kept; -ENOMEM. Released by tare_history_record_release() in
 * any case.
 */
int tare_history_extract(const struct tare_result *result, const char *raw, size_t raw_size,
                         const struct tare_origin *origin, struct tare_history_record *record, char *message,
                         size_t message_size);

#endif
