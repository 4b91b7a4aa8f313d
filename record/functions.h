/* SPDX-License-Identifier: MIT */
/*
 * Which functions of a program can be timed without a word about it in its source, because the compiler put a
 * call into each, or room for one; and the choice among them, as the table that libtare-functions.so reads in
 * the program (preload/functions.h).
 *
 * Files are taken as hostile. Without libelf tare_functions_make() returns -ENOSYS and says so.
 */
#ifndef TARE_RECORD_FUNCTIONS_H
#define TARE_RECORD_FUNCTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "preload/functions.h"

struct tare_functions_request {
    const char *path;        /* of the program */
    const char *const *also; /* more files, programs or libraries; NULL-terminated, or NULL */
    /*
     * Comma-separated patterns of `module::name` and of `name`; one that begins with '!' leaves out what
     * matches. Without a pattern that chooses, all are chosen that are not left out. NULL: all.
     */
    const char *globs;
    /*
     * Bytes of a function's code, less what the compiler's call takes of it (on average), below which it is
     * left out. Not those that a pattern without '*', '?' and '[' names, nor those that call others.
     */
    uint32_t min_size;
    uint32_t max; /* so many at most: the largest */
};

/* One file whose functions can be timed. */
struct tare_functions_file {
    char *path;
    char *module; /* the name of the file without folders, as the timers' module */
    enum tare_functions_style style;
    size_t functions; /* that it has */
    size_t chosen;
    bool is_stripped; /* only those that it exports are known */
    bool has_timers;  /* declares timers in its source, too */
};

struct tare_functions {
    int fd; /* of the table, a memfd; -1: none */
    struct tare_functions_header *shared;
    struct tare_functions_file *files;
    size_t file_count;
    enum tare_functions_style style; /* of the first */
    /* Of all files. Functions of one name in one file (copies that the compiler made) are one here: one timer. */
    size_t functions, chosen;
    size_t too_small, not_asked_for; /* left out for that reason */
    char *small_names[3];            /* the largest of the former; NULL: no more */
    char **names;                    /* all of them, as "module::name" */
    size_t name_count;
    size_t without_room;           /* and those beyond `max`; the largest of them: */
    uint32_t largest_without_room; /* bytes */
};

/* A sensible smallest size, in bytes: what takes less is done before the clock has been read. */
enum { TARE_FUNCTIONS_MIN_SIZE = 16 };

/*
 * Looks at the program, at the libraries that it needs and that do not come with the system (below /usr/lib,
 * /lib and the like), and at the files in `also`, and makes the table. Returns 0, or -errno with one line in
 * `message`: -ENOENT (nothing of it was built so), -ESRCH (no function is left to be timed), -EINVAL (damaged),
 * -ENOTSUP (built so, but that cannot be used on this processor), -ENOMEM, -ENOSYS, or what opening said.
 * `made` may be closed in any case.
 */
int tare_functions_make(const struct tare_functions_request *request, struct tare_functions *made,
                        char *message, size_t message_size);
void tare_functions_close(struct tare_functions *made);

/* The value of TARE_FUNCTIONS for children, valid while this process lives. */
#define TARE_FUNCTIONS_ADDRESS 64
void tare_functions_address(const struct tare_functions *made, char address[TARE_FUNCTIONS_ADDRESS]);

/* "-finstrument-functions" and so on: the compiler's flag. */
const char *tare_functions_flag(enum tare_functions_style style);

/* Whether the patterns of a request choose a function. *by_name: one without wildcards does. */
bool tare_functions_wanted(const char *globs, const char *module, const char *name, bool *by_name);

#endif
