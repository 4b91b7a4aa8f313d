/* SPDX-License-Identifier: MIT */
/* The file in which record/tune.c saves what was there; its form stands in record/tune.h. Private to record/. */
#ifndef TARE_RECORD_TUNE_STATE_H
#define TARE_RECORD_TUNE_STATE_H

#include <stdbool.h>
#include <stddef.h>

#include "record/tune.h"

enum { TARE_TUNED_BOOT = 64 };

struct tare_tuned_entry {
    char path[TARE_TUNE_PATH];
    char saved[TARE_TUNE_VALUE];
    char set[TARE_TUNE_VALUE]; /* "-" of one to keep: not known */
    bool keep;
};

struct tare_tuned {
    char boot[TARE_TUNED_BOOT]; /* "-": unknown */
    struct tare_tuned_entry *entries;
    size_t count;
};

/* Whether a file is one of those that are set or kept: nothing else is ever written, whatever the state says. */
bool tare__tuned_path(const char *path);

/* One word of letters, digits and "_.+-", of fewer than TARE_TUNE_VALUE bytes. */
bool tare__tuned_value(const char *value);

/* The id of this boot, or "-". */
void tare__tuned_boot(char boot[TARE_TUNED_BOOT], const char *root);

/*
 * Parses a whole file. 0, -ENOMEM or -EBADMSG: it is not one, or not complete. In each case `tuned` is to be
 * released.
 */
int tare__tuned_parse(struct tare_tuned *tuned, const char *text, size_t size);

/* The same from the file `name`. -ENOENT; -EPERM: it is somebody else's, or others may write it. */
int tare__tuned_load(struct tare_tuned *tuned, const char *name);

/*
 * Writes it in the place of what is there, all or nothing, and down to the disk. 0 or -errno. Removes the file
 * where there is no entry.
 */
int tare__tuned_save(const struct tare_tuned *tuned, const char *name);

/* The entry of that file; NULL: none. */
struct tare_tuned_entry *tare__tuned_find(const struct tare_tuned *tuned, const char *path);

/* Appends a copy. 0 or -ENOMEM. */
int tare__tuned_add(struct tare_tuned *tuned, const struct tare_tuned_entry *entry);

void tare__tuned_release(struct tare_tuned *tuned);

/*
 * Keeps others from changing the state meanwhile, by a lock on the folder, which is made if it is missing
 * (`make`). Returns a descriptor to be closed, -EBUSY: another has it, -EPERM: the folder is neither root's nor
 * ours, or others may write it and remove what is in it, or -errno.
 */
int tare__tuned_lock(const char *name, bool make);

#endif
