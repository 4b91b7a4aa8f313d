/* SPDX-License-Identifier: MIT */
/* Which commit a directory is at, by asking git. */
#ifndef TARE_RECORD_GIT_H
#define TARE_RECORD_GIT_H

/*
 * Sets *commit to the full id of HEAD of the work tree around `directory`, allocated, and *dirty to whether
 * tracked files differ from it; git is run twice, for `limit_ms` at most each time. Without git, outside of a
 * work tree, or when it took too long: NULL and -1. Returns 0 or -ENOMEM.
 */
int tare__git_head(const char *directory, int limit_ms, char **commit, int *dirty);

#endif
