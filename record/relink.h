/* SPDX-License-Identifier: MIT */
/*
 * One executable, linked in several orders. Where code and data lie changes how fast they run, by more than
 * many an optimisation (T. Mytkowicz, A. Diwan, M. Hauswirth, P. F. Sweeney, "Producing wrong data without
 * doing anything obviously wrong!", ASPLOS 2009, which varies the link order and the size of the environment);
 * so a difference is one of the programs and not of their layout only if it outlasts a change of layout.
 *
 * The project's own build command remakes the executable, each time with tare-ld in the place of the linker
 * (linker/linker.h). For that the executable is moved aside, and put back as it was: the same file, with its
 * times. What is made lies beside it, so that libraries that it finds from where it lies ($ORIGIN) are found:
 *
 *     .tare-relink-NAME.original   the executable, while others are made. If it is there and we are not, a run
 *                                  has been killed; the next one puts it back, or mv does
 *     .tare-relink-NAME.1 ...      the others
 *     .tare-relink-NAME.lock       locked for as long as they are in use; its time is that of the last sign of
 *                                  life
 */
#ifndef TARE_RECORD_RELINK_H
#define TARE_RECORD_RELINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/build.h"

enum { TARE_RELINK_LEAST = 2, TARE_RELINK_MOST = 100 };

struct tare_relink_request {
    const char *executable;
    const char *linker; /* tare-ld's path */
    unsigned count;     /* of orders wanted: TARE_RELINK_LEAST ... TARE_RELINK_MOST */
    uint64_t seed;      /* the same orders for the same seed and the same objects */
    /* For sh, in `folder`. NULL: found out, as for a revision, but the build folder stays as it is configured. */
    const char *build;
    const char *folder;                   /* NULL: ours */
    double timeout_s;                     /* for each command; 0: none */
    const struct tare_build_watch *watch; /* may be NULL */
};

struct tare_relink {
    char *original;     /* the executable, with symbolic links resolved */
    char **executables; /* absolute */
    size_t count;       /* as many as wanted, or as there are orders */
    size_t items;       /* object files, archive members or function sections that change places */
    uint64_t orders;    /* that these have; UINT64_MAX: that many or more */
    size_t layouts;     /* how many of the executables differ from each other */
    /*
     * In the usual order, the build makes the same bytes as the original has. If not, the sources or the
     * options have changed since, or the build puts the time or something random into what it makes: all of the
     * executables are of what it makes now.
     */
    bool reproduced;
    char *command; /* what made them, for sh */
    int lock;      /* private */
};

/*
 * Takes as long as count + 1 links. Returns 0, or -errno with `trouble` filled:
 *
 *     -ENOTSUP  nothing can be varied: one object file, a build that does not go through tare-ld, or that makes
 *               the same bytes in each order; also for what is no ELF executable (a script of libtool's)
 *     -EBUSY    another tare relinks the same executable
 *     -ECHILD   the build failed
 *     -ENOENT   how it is built is not known, or the build does not make it
 *     -EINTR, -ETIMEDOUT, or what the system said: a folder that cannot be written, a full disk
 *
 * In all of these cases the executable is where it was, unless the message says that it cannot be put back.
 * Not for a program with other threads.
 */
int tare_relink_make(const struct tare_relink_request *request, struct tare_relink *relink,
                     struct tare_build_trouble *trouble);

/* Removes the executables that were made, and releases the rest. Nothing to do for a zeroed one. */
void tare_relink_release(struct tare_relink *relink);

/*
 * Puts back what a run has left aside that was killed, and removes what else it left; tare_relink_make() begins
 * with that. To be called for every executable before it is looked for: it may be missing. Does nothing while
 * another tare is at it. Returns 1 if something was put back, 0 if there was nothing, or -errno with a message.
 */
int tare_relink_recover(const char *executable, const struct tare_build_watch *watch,
                        struct tare_build_trouble *trouble);

#endif
