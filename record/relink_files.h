/* SPDX-License-Identifier: MIT */
/* The files beside an executable that is relinked; record/relink.h names them. Private to record/. */
#ifndef TARE_RECORD_RELINK_FILES_H
#define TARE_RECORD_RELINK_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "record/sha256.h"

/* Where an executable's name leads in the end, absolute, also if nothing is there. 0 or -errno. */
int tare__relink_resolve(const char *executable, char **original);

/* ".tare-relink-NAME.SUFFIX" in the executable's folder. Allocated; NULL: no memory. */
char *tare__relink_name(const char *original, const char *suffix);

/* Takes the lock. Returns its descriptor, -EBUSY: another has it, or -errno. */
int tare__relink_lock(const char *original);

/* Removes the lock's file and closes it. */
void tare__relink_unlock(const char *original, int lock);

/* A sign of life: what is made of the executable until now is ours. */
void tare__relink_alive(int lock);

/* Writes down a scratch folder of ours ("tare-ld-..."), to be removed by whoever tidies if we cannot. */
void tare__relink_note(int lock, const char *folder);

enum tare__relink_found {
    TARE__RELINK_NOTHING,
    TARE__RELINK_PUT_BACK, /* the executable is as it was */
    TARE__RELINK_NEWER,    /* it has been built again since: what lay aside is removed */
};

/* With the lock: puts in order what a killed run has left. Returns one of these, or -errno. */
int tare__relink_tidy(const char *original, int lock);

/* Whether somebody died here: cheap. */
bool tare__relink_is_left(const char *original);

/* The hash of a file's bytes, in hexadecimal. 0 or -errno. */
int tare__relink_digest(const char *path, char digest[TARE_SHA256_HEX + 1]);

#endif
