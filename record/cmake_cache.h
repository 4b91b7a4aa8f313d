/* SPDX-License-Identifier: MIT */
/* How a CMake build folder was configured, so that another one can be configured alike. Private to record/. */
#ifndef TARE_RECORD_CMAKE_CACHE_H
#define TARE_RECORD_CMAKE_CACHE_H

#include <stdbool.h>
#include <stddef.h>

#define TARE__CMAKE_CACHE "CMakeCache.txt"

struct tare__cmake_entry {
    char *name, *type, *value;
};

struct tare__cmake_cache {
    struct tare__cmake_entry *entries;
    size_t count;
};

/* CMakeCache.txt: lines "NAME:TYPE=VALUE"; others are comments. 0, -ENOMEM, or what reading said. */
int tare__cmake_cache_load(struct tare__cmake_cache *cache, const char *path);
int tare__cmake_cache_parse(struct tare__cmake_cache *cache, const char *text);
void tare__cmake_cache_release(struct tare__cmake_cache *cache);

/* The value; NULL: none. */
const char *tare__cmake_cache_get(const struct tare__cmake_cache *cache, const char *name);

/* A folder of the first build, and the one that stands for it in the second. Absolute. */
struct tare__move {
    const char *from, *to;
    bool always; /* else only for paths that exist there, or nowhere */
};

/*
 * A value with the folders exchanged, allocated; NULL: no memory. `path`: the value is a path, or several with
 * ';' between, and may have blanks in it; else paths are found as words, also behind -I and the like.
 */
char *tare__cmake_moved(const char *value, bool path, const struct tare__move *moves, size_t count);

/*
 * Writes a script for cmake -C, which sets all that the user or the project has set or found in the first
 * build: not what CMake keeps for itself, nor what was not found. 0 or -errno; the file must not exist.
 */
int tare__cmake_cache_write(const struct tare__cmake_cache *cache, const char *path,
                            const struct tare__move *moves, size_t count);

#endif
