/* SPDX-License-Identifier: MIT */
/* Paths, and whole trees of folders. Private to record/. Thread-safe; what is allocated the caller frees. */
#ifndef TARE_RECORD_FOLDERS_H
#define TARE_RECORD_FOLDERS_H

#include <stdbool.h>
#include <stddef.h>

/* As asprintf; NULL: no memory. */
__attribute__((format(printf, 1, 2))) char *tare__text(const char *format, ...);

/* The last part of a path. */
const char *tare__path_name(const char *path);

/* All but the last part, "." where there is no slash. NULL: no memory. */
char *tare__path_folder(const char *path);

/*
 * Where a path's last part lies: absolute, its folder resolved, the last part as it is, whatever it links to
 * and whether it exists. Returns 0 or -errno.
 */
int tare__path_place(const char *path, char **place);

/* What of `path` is behind `folder`, both absolute and resolved: "" for the folder itself; NULL: not in it. */
const char *tare__path_below(const char *path, const char *folder);

bool tare__path_exists(const char *folder, const char *name);

/* As a word for sh: as it is where that is safe, else in quotes. NULL: no memory. */
char *tare__shell_word(const char *text);

/* The folder and those above it that are missing. 0 or -errno. */
int tare__folders_make(const char *path);

/*
 * Removes a file, or a folder with all that is in it, also where a folder is read-only; follows no symbolic
 * link. What cannot be removed stays, and the rest goes. 0, also without such a path, or the first -errno.
 */
int tare__tree_remove(const char *path);

/* Makes a folder of our own: `path` ends with "XXXXXX", which is replaced. 0 or -errno. */
int tare__scratch_make(char *path);

/*
 * The folder for scratch files, resolved: of TMPDIR, or /tmp, or /var/tmp; where `run`, one from which programs
 * can be run. 0 or -errno; *folder is allocated in both cases: after an error it is the one that
 * this is about (NULL: no memory).
 */
int tare__scratch_place(bool run, char **folder);

#endif
