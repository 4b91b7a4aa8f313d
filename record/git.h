/* SPDX-License-Identifier: MIT */
/* Which commit a directory is at, by asking git. */
#ifndef TARE_RECORD_GIT_H
#define TARE_RECORD_GIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Sets *commit to the full id of HEAD of the work tree around `directory`, allocated, and *dirty to whether
 * tracked files differ from it; git is run twice, for `limit_ms` at most each time. Without git, outside of a
 * work tree, or when it took too long: NULL and -1. Returns 0 or -ENOMEM.
 */
int tare__git_head(const char *directory, int limit_ms, char **commit, int *dirty);

#define TARE__GIT_TIME_MAX                                                                                     \
    INT64_C(1000000000000) /* s: times in ms are whole numbers of 64 bits and of doubles */

/*
 * What a commit says of itself. Strings are the structure's own, NULL where unknown; what people wrote is clean
 * (record/clean.h) and cut.
 */
struct tare__git_commit_details {
    char *id;       /* in full */
    char *parents;  /* ids, a blank between two; "": it has none */
    int64_t time_s; /* the committer's, Unix time, TARE__GIT_TIME_MAX at most; INT64_MIN: unknown */
    char *subject;  /* the message's first line */
};
void tare__git_details_release(struct tare__git_commit_details *details);

struct tare__git_state {
    struct tare__git_commit_details head; /* id NULL: there is none */
    char *branch;                         /* that is checked out; NULL: none, or unknown */
    int dirty;                            /* as above */
};

/*
 * All that is asked of the work tree around `directory` when a measurement begins: the same two runs of git, at the
 * same time, with `limit_ms` for both. What is not found out stays unknown. Returns 0 or -ENOMEM (then everything is
 * released).
 */
int tare__git_state(const char *directory, int limit_ms, struct tare__git_state *state);
void tare__git_state_release(struct tare__git_state *state);

/* One run of git, while others go on. */
struct tare__git_job {
    pid_t pid; /* 0: it was not started */
    int out;
    int64_t deadline_ms;
};

/*
 * Starts git with these arguments, "git" first; a job that could not be started finishes with -1. Each has to be
 * finished. Returns 0 or -ENOMEM.
 */
int tare__git_start(struct tare__git_job *job, const char *const argv[], int limit_ms);

/*
 * Waits for it and keeps the first size - 1 bytes of what it printed, also where it failed, with a NUL behind them.
 * Returns how many bytes it printed, or -1: it could not be run, failed, or took too long.
 */
ssize_t tare__git_finish(struct tare__git_job *job, char *buffer, size_t size);

/*
 * Whether there is a repository around `directory` that git will not have, as one of another user ("dubious
 * ownership"), or cannot be asked about: `why` is then one line of its own words. Runs git only where a .git is above.
 */
bool tare__git_refuses(const char *directory, int limit_ms, char *why, size_t size);

enum { TARE__GIT_TEXT = 16384 }; /* of a commit's details: enough for 300 parents */

/*
 * The arguments, NULL-terminated, that print a commit's details; `revision` must not begin with '-' or '^'. Nine and a NULL.
 */
void tare__git_details_arguments(const char *directory, const char *revision, const char *argv[10]);

/* Reads what these printed. Returns 0 (id NULL: that is no commit's), or -ENOMEM. Parses bytes from outside. */
int tare__git_details_read(const char *text, struct tare__git_commit_details *details);

#endif
