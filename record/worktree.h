/* SPDX-License-Identifier: MIT */
/*
 * Another revision of a program, for comparison: checked out into a scratch folder beside the user's work tree,
 * and built there by the project's own build command. The user's tree stays as it is, with whatever in it is
 * not committed; so does his index, stash and every branch.
 *
 * What lies in the scratch folder for files of another length than the user's has other strings in it
 * (__FILE__) and with them another layout; so the folder's path has as many characters as the work tree's,
 * where that is long enough.
 */
#ifndef TARE_RECORD_WORKTREE_H
#define TARE_RECORD_WORKTREE_H

#include "record/build.h"

struct tare_worktree_request {
    /*
     * A: in the work tree, or built beside it by CMake. With may_be_missing its place is enough: then it is in the
     * work tree, and `build` is given.
     */
    const char *executable;
    bool may_be_missing;
    const char *revision; /* as git understands it: a commit, a branch, a tag, HEAD~3 */
    /*
     * For sh, in the folder of the scratch tree that stands for the current one, or at its top where we are
     * outside of the work tree. NULL: found out. Then CMake's, Meson's or configure's options are those of
     * A's build folder, and only what A needs is built.
     */
    const char *build;
    double timeout_s; /* for each command; 0: none */
    /* For messages: the option that asks for this, and what to do where it cannot be built. NULL: tare bench's. */
    const char *option, *instead;
    const struct tare_build_watch *watch; /* may be NULL */
};

struct tare_worktree {
    char *executable; /* B: absolute */
    char *commit;     /* its full id */
    char *head;       /* that of the work tree, on which A may be built; NULL: none yet */
    int dirty;        /* tracked files differ from that: A is as it was built, not as any commit; -1: unknown */
    char *root;       /* of the user's work tree */
    char *tree;       /* the scratch folder */
    char *command,
        *folder; /* what built it, for sh, and in which folder: also to relink it; NULL: nothing had to be */
    int mark;    /* private */
};

/*
 * Takes as long as the build. Returns 0, or -errno with `trouble` filled: -EINVAL or -ENOENT (no such revision,
 * no repository, no git, no way to build it), -ECHILD (the build failed), -ETIMEDOUT, -EINTR (Ctrl-C: the
 * signal is in trouble->interrupted), or what the system said. After an error nothing is left, but the log that
 * trouble->log names. Also removes what an earlier run has left that was killed.
 *
 * Not for a program with other threads.
 */
int tare_worktree_build(const struct tare_worktree_request *request, struct tare_worktree *worktree,
                        struct tare_build_trouble *trouble);

/*
 * Removes the scratch folder and git's entry of it, whatever signals arrive meanwhile, and releases the rest.
 * Nothing to do for a zeroed one. Returns 0, or -errno with `trouble` (may be NULL) filled: something is left.
 */
int tare_worktree_remove(struct tare_worktree *worktree, struct tare_build_trouble *trouble);

#endif
