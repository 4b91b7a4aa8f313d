/* SPDX-License-Identifier: MIT */
/* The peak of a program's memory, and who asked for it: valgrind's massif, and the file that it writes. */
#ifndef TARE_RECORD_MASSIF_H
#define TARE_RECORD_MASSIF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "record/spawn.h"

struct tare_massif_site {
    char *function; /* NULL: the object has no names */
    char *where;    /* "file.c:12", or the object; NULL: unknown */
    uint64_t bytes; /* of the peak, asked for there */
};

struct tare_massif {
    char *command;   /* of the process; NULL: not said */
    char *time_unit; /* "i" instructions, "ms", "B" bytes; NULL: not said */
    uint64_t snapshots;
    uint64_t peak_time; /* in time_unit */
    uint64_t end_time;  /* of the last snapshot */
    uint64_t heap_bytes;
    uint64_t extra_bytes;           /* what the allocator takes besides */
    uint64_t stacks_bytes;          /* 0 where they were not asked for */
    bool exact;                     /* massif caught the peak itself; else it is the largest snapshot */
    struct tare_massif_site *sites; /* the most first; none where the peak has no tree */
    size_t site_count;
    uint64_t below_bytes; /* at sites that are too small for massif to name */
};

/*
 * Reads what massif wrote. Returns 0, -ENOMEM, -EIO, or -EBADMSG with one line in `message`. Release it after 0
 * alone.
 */
int tare_massif_read(FILE *in, struct tare_massif *massif, char *message, size_t message_size);
void tare_massif_release(struct tare_massif *massif);

struct tare_massif_request {
    const struct tare_spawn *spawn; /* of the program; path and argv are the program's */
    bool stacks;                    /* count them, too: several times slower */
};
/*
 * Runs the program under massif, and the processes that it starts; of those that left something behind *massif is the
 * one with the highest peak. Returns 0, with a sentence in `message` if there were others or some cannot be read, else
 * "", or -errno with one line there; -ENOENT: no valgrind;
 * -ECHILD: it wrote nothing, and *outcome says how the program ended. Handles the signals of the process as tare_spawn_run() does.
 */
int tare_massif_run(const struct tare_massif_request *request, struct tare_massif *massif,
                    struct tare_outcome *outcome, char *message, size_t message_size);

#endif
