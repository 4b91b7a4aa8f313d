/* SPDX-License-Identifier: MIT */
/*
 * What another revision takes of git: finding it, checking it out beside the user's work tree, and removing it
 * again. The user's files, index, stash and branches are not touched, and no hook of his is run: what is
 * written in his repository is one entry of `git worktree list`. Private to record/.
 */
#ifndef TARE_RECORD_WORKTREE_GIT_H
#define TARE_RECORD_WORKTREE_GIT_H

#include <stdbool.h>
#include <stddef.h>

#include "record/build.h"

struct tare__git {
    const char *folder; /* git runs in it */
    const struct tare_build_watch *watch;
    struct tare_build_trouble *trouble;
    bool deaf; /* cleaning up: see tare__command_run() */
    double timeout_s;
    const char *option, *instead; /* as in the request for the worktree; NULL: tare bench's */
};

/* What the user can do instead. */
const char *tare__git_instead(const char *instead);

/* The top of the work tree around the folder, resolved, allocated. 0 or -errno; `subject` is who asks. */
int tare__git_root(const struct tare__git *git, const char *subject, char **root);

/* The full id of the commit that the user means by `revision`, allocated. 0 or -errno. */
int tare__git_commit(const struct tare__git *git, const char *revision, char **commit);

/* Whether the commit has that file; "a/b", from the top. */
bool tare__git_tracks(const struct tare__git *git, const char *commit, const char *file);

/*
 * Makes `tree`, an empty folder, a worktree with the commit checked out, also of submodules, as far as these
 * are checked out in the work tree `git->folder`. *mark is a descriptor that keeps others from taking it for
 * one that was left behind; -1 if there is none yet. 0 or -errno; then it is still to be removed.
 */
int tare__git_add(const struct tare__git *git, const char *tree, const char *commit, int *mark);

/* Removes it and its entry. 0 or -errno: something is left (-EIO: the entry, which git does not give up). */
int tare__git_remove(const struct tare__git *git, const char *tree);

/* Removes those that a tare made which was killed since. */
void tare__git_sweep(const struct tare__git *git);

#endif
