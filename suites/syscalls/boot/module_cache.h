/* SPDX-License-Identifier: MIT */
/*
 * Compiled modules, kept: a directory of shared objects, each named by the hash of all that it was made of.
 *
 *     KEY.so      the object, then a trailer: "lindwasm", the key, and, 8 bytes each, little-endian, its size and a checksum
 *     build.KEY/  while it is made, by who holds the lock of that key
 *     lock        of which byte 0 is locked to throw out what is old, and another by who makes the entry of a key
 *
 * The directory is code that we run: it has to be the user's own, with no other allowed to write. An entry is there whole or not
 * at all (rename), and is looked through before it is used; what is no entry, whatever else it is, is replaced. Locks are given up by the kernel when their process ends,
 * however it does. The entry that was used longest ago is the first to go when there are too many bytes; the one that is used now
 * stays, however large it is.
 */
#ifndef LIND_MODULE_CACHE_H
#define LIND_MODULE_CACHE_H

#include <limits.h>
#include <stdint.h>

#include "record/sha256.h"

enum { CACHE_ERROR_BYTES = 320 };

struct module_cache {
    char path[PATH_MAX - TARE_SHA256_HEX - 32];
    int directory, lock; /* descriptors */
    uint64_t max_bytes;
};

/* path NULL: $LIND_CACHE, else as XDG has it. 0, -EPERM (it is not safe), or -errno (there can be none). */
int module_cache_open(struct module_cache *cache, const char *path, uint64_t max_bytes,
                      char error[CACHE_ERROR_BYTES]);
void module_cache_close(struct module_cache *cache);

/* 0 and where it is; -ENOENT; -EBADMSG: it is broken, and will be replaced by the one that is made; or another -errno. */
int module_cache_find(struct module_cache *cache, const char *key, char path[PATH_MAX]);

/* Waits for who makes the same entry, then makes an empty directory for it. 0 or -errno. */
int module_cache_begin(struct module_cache *cache, const char *key, char directory[PATH_MAX]);
/* Throws out what is too much, but for the entry of that key, which is in use; where another process does so, nothing. */
void module_cache_trim(struct module_cache *cache, const char *key);
/* Takes directory/m.so for the entry (keep), removes the directory, gives up the lock, and trims. 0 or -errno. */
int module_cache_end(struct module_cache *cache, const char *key, int keep);

/* Removes a directory with what is in it; follows no link. */
void module_cache_remove_directory(const char *path);

/*
 * Without a cache: an empty directory in TMPDIR, but for a lock. Removes first what killed processes of this user have left
 * there. The lock, to end with, or -errno.
 */
int module_cache_begin_temporary(char directory[PATH_MAX]);
void module_cache_end_temporary(const char *directory, int lock);

#endif
