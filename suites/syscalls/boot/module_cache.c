/* SPDX-License-Identifier: MIT */
/* The cache of compiled modules: finding, making and throwing out entries, safely beside other processes. */
#include "suites/syscalls/boot/module_cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char trailer_mark[8] = {'l', 'i', 'n', 'd', 'w', 'a', 's', 'm'};

struct trailer {
    char mark[8], key[TARE_SHA256_HEX]; /* the key: a file under another's name is not that one's entry */
    uint64_t size_bytes, checksum;
};

enum {
    CHECKSUM_PART_BYTES = 16 << 10, /* of whole words */
    DEPTH_MAX = 64,                 /* of what is removed: a descriptor is open for each level */
    ASIDE_MAX = 16,
};

/* Finds what went wrong on a disk, not what somebody did on purpose: nobody else may write here. 0 or -errno. */
static int checksum_of(int file, uint64_t size, uint64_t *sum)
{
    uint64_t words[CHECKSUM_PART_BYTES / sizeof(uint64_t)];
    *sum = size;
    for (uint64_t at = 0; at < size;) {
        size_t part = size - at < sizeof(words) ? (size_t)(size - at) : sizeof(words), got = 0;
        words[(part - 1) / sizeof(words[0])] = 0;
        while (got < part) {
            ssize_t more = pread(file, (uint8_t *)words + got, part - got, (off_t)(at + got));
            if (more <= 0) {
                return more < 0 ? -errno : -EIO;
            }
            got += (size_t)more;
        }
        for (size_t i = 0; i * sizeof(words[0]) < part; i++) {
            *sum = (*sum ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15);
            *sum ^= *sum >> 29;
        }
        at += part;
    }
    return 0;
}

/* Removes it, whatever it is, with what is in it; no link is followed. 0 or -errno. */
static int remove_all(int parent, const char *name, int depth)
{
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT) {
        return 0;
    }
    if (errno != EISDIR) {
        return -errno;
    }
    int folder =
        depth == DEPTH_MAX ? -1 : openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *directory = folder < 0 ? NULL : fdopendir(folder);
    for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            remove_all(folder, entry->d_name, depth + 1);
        }
    }
    if (directory != NULL) {
        closedir(directory);
    } else if (folder >= 0) {
        close(folder);
    }
    return unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : -errno;
}

/* Makes a name free: what cannot be removed, as parts of it are another user's, gets another name. */
static void make_free(struct module_cache *cache, const char *name)
{
    char aside[32];
    int result = remove_all(cache->directory, name, 0);
    for (int i = 0; result < 0 && i < ASIDE_MAX; i++) {
        snprintf(aside, sizeof(aside), "aside.%d", i);
        result = renameat(cache->directory, name, cache->directory, aside);
    }
}

/* The directory */

static int default_path(char *path, size_t room)
{
    const char *given = getenv("LIND_CACHE"), *caches = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int length;
    if (given != NULL && given[0] != '\0') {
        length = snprintf(path, room, "%s", given);
    } else if (caches != NULL && caches[0] == '/') {
        length = snprintf(path, room, "%s/tare/wasm", caches);
    } else if (home != NULL && home[0] == '/') {
        length = snprintf(path, room, "%s/.cache/tare/wasm", home);
    } else {
        return -ENOENT;
    }
    return length < (int)room ? 0 : -ENAMETOOLONG;
}

static int make_directories(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int made = mkdir(path, 0700);
        int error = errno;
        *slash = '/';
        if (made < 0 && error != EEXIST && error != EROFS && error != EACCES) {
            return -error;
        }
    }
    return mkdir(path, 0700) == 0 || errno == EEXIST ? 0 : -errno;
}

/* Nobody but the user may have put something into it, or be able to. */
static int check_directory(int directory, const char *path, char error[CACHE_ERROR_BYTES])
{
    struct stat stat_of;
    if (fstat(directory, &stat_of) < 0) {
        return -errno;
    }
    if (stat_of.st_uid != geteuid()) {
        snprintf(error, CACHE_ERROR_BYTES, "cache directory '%.200s' belongs to another user: give another one",
                 path);
        return -EPERM;
    }
    if ((stat_of.st_mode & 022) != 0) {
        snprintf(error, CACHE_ERROR_BYTES, "cache directory '%.200s' can be written by others: 'chmod go-w' it",
                 path);
        return -EPERM;
    }
    return 0;
}

/*
 * Who can write to a folder above it can put another directory in its place, unless that folder is sticky; its owner can in
 * any case. Whoever has the root can do all that anyway (in a container, that may be nobody whom it knows).
 */
static int check_parents(const char *path, const char *real, char error[CACHE_ERROR_BYTES])
{
    char above[PATH_MAX];
    struct stat stat_of, root = {0};
    stat("/", &root);
    snprintf(above, sizeof(above), "%s", real);
    for (char *slash = strrchr(above, '/'); slash != NULL && slash != above; slash = strrchr(above, '/')) {
        const char *wrong = NULL;
        *slash = '\0';
        if (stat(above, &stat_of) < 0) {
            return -errno;
        }
        if ((stat_of.st_mode & S_ISVTX) == 0 && (stat_of.st_mode & (S_IWOTH | S_IWGRP)) != 0) {
            wrong =
                (stat_of.st_mode & S_IWOTH) != 0 ? "which all can write to" : "which its group can write to";
        } else if (stat_of.st_uid != 0 && stat_of.st_uid != geteuid() && stat_of.st_uid != root.st_uid) {
            wrong = "which belongs to another user";
        }
        if (wrong != NULL) {
            snprintf(error, CACHE_ERROR_BYTES, "cache directory '%.120s' lies in '%.120s', %s", path, above,
                     wrong);
            return -EPERM;
        }
    }
    return 0;
}

/* From now on its path is one without links, whose parents are as they should be. */
static int settle_path(struct module_cache *cache, char error[CACHE_ERROR_BYTES])
{
    char real[PATH_MAX];
    struct stat opened, named;
    if (realpath(cache->path, real) == NULL || fstat(cache->directory, &opened) < 0 || stat(real, &named) < 0) {
        return -errno;
    }
    if (opened.st_dev != named.st_dev || opened.st_ino != named.st_ino) {
        return -ESTALE;
    }
    int result = check_parents(cache->path, real, error);
    if (result == 0 && snprintf(cache->path, sizeof(cache->path), "%s", real) >= (int)sizeof(cache->path)) {
        result = -ENAMETOOLONG;
    }
    return result;
}

int module_cache_open(struct module_cache *cache, const char *path, uint64_t max_bytes,
                      char error[CACHE_ERROR_BYTES])
{
    int result = 0;
    *cache = (struct module_cache){.directory = -1, .lock = -1, .max_bytes = max_bytes};
    error[0] = '\0';
    if (path == NULL) {
        result = default_path(cache->path, sizeof(cache->path));
    } else if (snprintf(cache->path, sizeof(cache->path), "%s", path) >= (int)sizeof(cache->path)) {
        result = -ENAMETOOLONG;
    } else if (path[0] == '\0') {
        result = -ENOENT;
    }
    if (result == 0) {
        result = make_directories(cache->path);
    }
    if (result == 0) {
        cache->directory = open(cache->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        result = cache->directory < 0 ? -errno : check_directory(cache->directory, cache->path, error);
        result = result < 0 ? result : settle_path(cache, error);
    }
    if (result == 0) {
        cache->lock = openat(cache->directory, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        struct stat stat_of;
        result = cache->lock < 0 || fstat(cache->lock, &stat_of) < 0 ? -errno : 0;
        if (result == 0 ? !S_ISREG(stat_of.st_mode) : result == -EISDIR || result == -ELOOP) {
            snprintf(error, CACHE_ERROR_BYTES,
                     "no cache directory '%.200s': 'lock' in it is no file: remove it", cache->path);
            result = -EINVAL;
        }
    }
    if (result < 0) {
        if (error[0] == '\0') {
            const char *quote = cache->path[0] == '\0' ? "" : "'";
            snprintf(error, CACHE_ERROR_BYTES, "no cache directory%s%s%.200s%s: %s",
                     quote[0] == '\0' ? "" : " ", quote, cache->path, quote,
                     quote[0] == '\0' ? "neither LIND_CACHE, XDG_CACHE_HOME nor HOME is set"
                                      : strerror(-result));
        }
        module_cache_close(cache);
    }
    return result;
}

void module_cache_close(struct module_cache *cache)
{
    if (cache->lock >= 0) {
        close(cache->lock);
    }
    if (cache->directory >= 0) {
        close(cache->directory);
    }
    cache->lock = cache->directory = -1;
}

/* Locks */

/* Which byte of the lock file belongs to a key; never 0. */
static off_t byte_of(const char *key)
{
    char digits[16];
    snprintf(digits, sizeof(digits), "%.14s", key);
    return (off_t)(strtoull(digits, NULL, 16) + 1);
}

/* Of the open file, not of the process: two threads with a cache each exclude each other, too. */
static int lock_byte(struct module_cache *cache, off_t byte, short type, bool wait)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    int result;
    do {
        result = fcntl(cache->lock, wait ? F_OFD_SETLKW : F_OFD_SETLK, &lock);
    } while (result < 0 && errno == EINTR && !wait);
    return result < 0 ? -errno : 0;
}

/* Entries */

static bool is_whole(int file, const char *key)
{
    struct trailer trailer;
    struct stat stat_of;
    uint64_t checksum;
    return fstat(file, &stat_of) == 0 && S_ISREG(stat_of.st_mode) && stat_of.st_uid == geteuid() &&
           (stat_of.st_mode & 022) == 0 && stat_of.st_size >= (off_t)sizeof(trailer) &&
           pread(file, &trailer, sizeof(trailer), stat_of.st_size - (off_t)sizeof(trailer)) ==
               (ssize_t)sizeof(trailer) &&
           memcmp(trailer.mark, trailer_mark, sizeof(trailer_mark)) == 0 &&
           memcmp(trailer.key, key, sizeof(trailer.key)) == 0 &&
           trailer.size_bytes == (uint64_t)stat_of.st_size - sizeof(trailer) &&
           checksum_of(file, trailer.size_bytes, &checksum) == 0 && checksum == trailer.checksum;
}

int module_cache_find(struct module_cache *cache, const char *key, char path[PATH_MAX])
{
    char name[TARE_SHA256_HEX + 8];
    snprintf(name, sizeof(name), "%s.so", key);
    snprintf(path, PATH_MAX, "%s/%s", cache->path, name);
    int file = openat(cache->directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (file < 0) {
        return errno == ENOENT || errno == EMFILE || errno == ENFILE || errno == ENOMEM ? -errno : -EBADMSG;
    }
    bool good = is_whole(file, key);
    close(file);
    if (!good) {
        return -EBADMSG;
    }
    utimensat(cache->directory, name, NULL, 0); /* it was used */
    return 0;
}

void module_cache_remove_directory(const char *path)
{
    remove_all(AT_FDCWD, path, 0);
}

int module_cache_begin(struct module_cache *cache, const char *key, char directory[PATH_MAX])
{
    char name[TARE_SHA256_HEX + 8];
    int result = lock_byte(cache, byte_of(key), F_WRLCK, true);
    if (result < 0) {
        return result;
    }
    snprintf(name, sizeof(name), "build.%s", key);
    snprintf(directory, PATH_MAX, "%s/%s", cache->path, name);
    make_free(cache, name); /* of one who was killed */
    if (mkdirat(cache->directory, name, 0700) < 0) {
        result = -errno;
        lock_byte(cache, byte_of(key), F_UNLCK, false);
    }
    return result;
}

struct entry {
    char name[TARE_SHA256_HEX + 8];
    struct timespec used;
    uint64_t bytes;
};

static int older_first(const void *a, const void *b)
{
    const struct entry *one = a, *two = b;
    if (one->used.tv_sec != two->used.tv_sec) {
        return one->used.tv_sec < two->used.tv_sec ? -1 : 1;
    }
    return (one->used.tv_nsec > two->used.tv_nsec) - (one->used.tv_nsec < two->used.tv_nsec);
}

static bool is_key(const char *text, size_t length)
{
    return length == TARE_SHA256_HEX && strspn(text, "0123456789abcdef") >= length;
}

/* What a process that was killed has left, if nobody is at work there. */
static void sweep_build(struct module_cache *cache, const char *name)
{
    const char *key = name + strlen("build.");
    if (is_key(key, strlen(key)) && lock_byte(cache, byte_of(key), F_WRLCK, false) == 0) {
        remove_all(cache->directory, name, 0);
        lock_byte(cache, byte_of(key), F_UNLCK, false);
    }
}

/* Throws out the oldest until the rest fits; `keep` stays in any case. */
static void throw_out(struct module_cache *cache, const char *keep)
{
    struct entry *entries = NULL;
    size_t count = 0, room = 0;
    uint64_t bytes = 0;
    DIR *directory = opendir(cache->path);
    for (struct dirent *item; directory != NULL && (item = readdir(directory)) != NULL;) {
        struct stat stat_of;
        size_t length = strlen(item->d_name);
        if (strncmp(item->d_name, "build.", 6) == 0) {
            sweep_build(cache, item->d_name);
        }
        if (length != TARE_SHA256_HEX + 3 || !is_key(item->d_name, length - 3) ||
            fstatat(cache->directory, item->d_name, &stat_of, AT_SYMLINK_NOFOLLOW) < 0) {
            continue;
        }
        if (count == room) {
            struct entry *more = reallocarray(entries, room = 2 * room + 16, sizeof(*more));
            if (more == NULL) {
                break;
            }
            entries = more;
        }
        entries[count] = (struct entry){.used = stat_of.st_mtim, .bytes = (uint64_t)stat_of.st_size};
        memcpy(entries[count++].name, item->d_name, length + 1);
        bytes += (uint64_t)stat_of.st_size;
    }
    if (directory != NULL) {
        closedir(directory);
    }
    if (count > 1) {
        qsort(entries, count, sizeof(*entries), older_first);
    }
    for (size_t i = 0; i < count && bytes > cache->max_bytes; i++) {
        if (strncmp(entries[i].name, keep, TARE_SHA256_HEX) != 0 &&
            remove_all(cache->directory, entries[i].name, 0) == 0) {
            bytes -= entries[i].bytes;
        }
    }
    free(entries);
}

void module_cache_trim(struct module_cache *cache, const char *key)
{
    if (lock_byte(cache, 0, F_WRLCK, false) == 0) {
        throw_out(cache, key);
        lock_byte(cache, 0, F_UNLCK, false);
    }
}

/*
 * Appends the trailer, and gives it the entry's name. Nothing waits for the disk: what a power failure leaves half is not
 * whole by its trailer, and is made again.
 */
static int keep_object(struct module_cache *cache, const char *built, const char *key)
{
    char name[TARE_SHA256_HEX + 8];
    struct trailer trailer = {.size_bytes = 0};
    struct stat stat_of;
    int result = 0;
    memcpy(trailer.mark, trailer_mark, sizeof(trailer_mark));
    memcpy(trailer.key, key, sizeof(trailer.key));
    snprintf(name, sizeof(name), "%s.so", key);
    int file = open(built, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0 || fstat(file, &stat_of) < 0) {
        result = -errno;
    } else {
        trailer.size_bytes = (uint64_t)stat_of.st_size;
        result = checksum_of(file, trailer.size_bytes, &trailer.checksum);
    }
    if (result == 0) {
        ssize_t written = pwrite(file, &trailer, sizeof(trailer), stat_of.st_size);
        result = written < 0 ? -errno : written < (ssize_t)sizeof(trailer) ? -ENOSPC : 0;
    }
    if (result == 0 && fchmod(file, 0600) < 0) {
        result = -errno;
    }
    if (file >= 0 && close(file) < 0 && result == 0) {
        result = -errno;
    }
    if (result == 0 && renameat(AT_FDCWD, built, cache->directory, name) < 0) {
        make_free(cache, name); /* it is a directory */
        result = renameat(AT_FDCWD, built, cache->directory, name) < 0 ? -errno : 0;
    }
    return result;
}

int module_cache_end(struct module_cache *cache, const char *key, int keep)
{
    char directory[PATH_MAX], built[PATH_MAX];
    int result = 0;
    snprintf(directory, sizeof(directory), "%s/build.%s", cache->path, key);
    if (keep) {
        result = snprintf(built, sizeof(built), "%s/m.so", directory) < (int)sizeof(built)
                     ? keep_object(cache, built, key)
                     : -ENAMETOOLONG;
    }
    module_cache_remove_directory(directory);
    lock_byte(cache, byte_of(key), F_UNLCK, false);
    if (keep && result == 0) {
        module_cache_trim(cache, key);
    }
    return result;
}

/* Without a cache */

static const char temporary_name[] = "lind-boot.", temporary_lock[] = "lind-boot.lock";

/* The lock, open, -EWOULDBLOCK, or another -errno. Where files cannot be locked, nobody removes what is another's. */
static int lock_temporary(int folder, int flags)
{
    int lock = openat(folder, temporary_lock, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | flags, 0600);
    if (lock < 0) {
        return -errno;
    }
    if (flock(lock, LOCK_EX | LOCK_NB) < 0 && (errno == EWOULDBLOCK || (flags & O_CREAT) == 0)) {
        int error = errno;
        close(lock);
        return -error;
    }
    return lock;
}

/* Of our own user, with a lock in it that nobody holds: whoever made it was killed. Whatever else has such a name stays. */
static void sweep_temporaries(const char *parent)
{
    DIR *directory = opendir(parent);
    for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
        struct stat stat_of;
        if (strncmp(entry->d_name, temporary_name, strlen(temporary_name)) != 0) {
            continue;
        }
        int folder = openat(dirfd(directory), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (folder < 0) {
            continue;
        }
        int lock =
            fstat(folder, &stat_of) == 0 && stat_of.st_uid == geteuid() ? lock_temporary(folder, 0) : -EPERM;
        if (lock >= 0) {
            remove_all(dirfd(directory), entry->d_name, 0);
            close(lock);
        }
        close(folder);
    }
    if (directory != NULL) {
        closedir(directory);
    }
}

int module_cache_begin_temporary(char directory[PATH_MAX])
{
    const char *given = getenv("TMPDIR"), *parent = given != NULL && given[0] == '/' ? given : "/tmp";
    struct stat stat_of;
    int lock;
    sweep_temporaries(parent);
    do {
        if (snprintf(directory, PATH_MAX, "%s/%sXXXXXX", parent, temporary_name) >= PATH_MAX) {
            return -ENAMETOOLONG;
        }
        if (mkdtemp(directory) == NULL) {
            return -errno;
        }
        int folder = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        lock = folder < 0 ? -errno : lock_temporary(folder, O_CREAT | O_EXCL);
        if (folder >= 0) {
            close(folder);
        }
        if (lock >= 0 && (fstat(lock, &stat_of) < 0 || stat_of.st_nlink == 0)) {
            close(lock);
            lock = -EWOULDBLOCK;
        }
    } while (lock == -EWOULDBLOCK); /* another one swept between our file and our lock */
    if (lock < 0) {
        module_cache_remove_directory(directory);
    }
    return lock;
}

void module_cache_end_temporary(const char *directory, int lock)
{
    module_cache_remove_directory(directory);
    close(lock);
}
