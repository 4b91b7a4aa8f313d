/* SPDX-License-Identifier: MIT */
/* The folder that benchmarks of files work in: what is in it, and who may use it when. See folder.h. */
#include "suites/os/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <tare/bench.h>

enum {
    TRIES = 100,      /* for a folder that others remove meanwhile, and for a lock */
    PAUSE_MS = 20,    /* between two tries for the lock */
    DEPTH_MAX = 2,    /* of what is in it */
    REASON_MAX = 512, /* and a path in it is cut */
};

/* What has one of these at its beginning is the suite's. */
static const char *const ours[] = {"list-", "data", "making-", "work-"};

static const char too_long[] =
    "the name of the folder for files is too long (TARE_SUITE_DIR names another folder)";

static int folder = -1;

/* What hinders, for tare_skip(). */
static char reason[REASON_MAX];

static void hindered(const char *what, const char *path, int error)
{
    snprintf(reason, sizeof(reason), "cannot %s '%.300s': %s (TARE_SUITE_DIR names another folder)", what, path,
             strerror(error));
}

int folder_path(char *path, size_t size)
{
    const char *base = getenv("TARE_SUITE_DIR");
    if (base == NULL || *base == '\0') {
        base = getenv("TMPDIR");
    }
    if (base == NULL || *base == '\0') {
        base = "/tmp";
    }
    int length = snprintf(path, size, "%s/tare-suite-os.%u", base, (unsigned)geteuid());
    return length < 0 || (size_t)length >= size ? -ENAMETOOLONG : 0;
}

/* The same of something in it. */
static int folder_in(char *path, size_t size, const char *name)
{
    int error = folder_path(path, size);
    size_t length = error == 0 ? strlen(path) : 0;
    if (error == 0 && (size_t)snprintf(path + length, size - length, "/%s", name) >= size - length) {
        error = -ENAMETOOLONG;
    }
    return error;
}

static void hindered_in(const char *what, const char *name, int error)
{
    char path[PATH_MAX];
    hindered(what, folder_in(path, sizeof(path), name) == 0 ? path : name, error);
}

/* flock(), but not for ever. 0 or -errno: -EWOULDBLOCK if somebody keeps it. */
static int lock(int fd, int operation)
{
    for (unsigned i = 0; i < TRIES; i++) {
        if (flock(fd, operation | LOCK_NB) == 0) {
            return 0;
        }
        if (errno != EWOULDBLOCK && errno != EINTR) {
            return -errno;
        }
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000L}, NULL);
    }
    return -EWOULDBLOCK;
}

/*
 * Opens the folder and locks it: the descriptor; -ENOENT if there is none, or if it went meanwhile; another -errno; `reason`
 * is set for all of them. What somebody else put in its place is not used.
 */
static int open_locked(const char *path, int operation)
{
    struct stat opened, named;
    hindered("open", path, ENOENT);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        int error = errno;
        hindered("open", path, error);
        return -error;
    }
    int error = fstat(fd, &opened) != 0 ? -errno : 0;
    if (error == 0 && (opened.st_uid != geteuid() || (opened.st_mode & 0777) != 0700)) {
        error = -EPERM;
    }
    if (error != 0) {
        hindered("use", path, -error);
    } else if ((error = lock(fd, operation)) != 0) {
        hindered("lock", path, -error);
    } else if (lstat(path, &named) != 0 || named.st_dev != opened.st_dev || named.st_ino != opened.st_ino) {
        error = -ENOENT; /* removed by who had the lock */
    }
    if (error != 0) {
        close(fd);
        return error;
    }
    return fd;
}

int folder_fd(void)
{
    char path[PATH_MAX];
    if (folder >= 0) {
        return folder;
    }
    if (folder_path(path, sizeof(path)) != 0) {
        tare_skip(too_long);
    }
    for (unsigned i = 0; i < TRIES && folder < 0; i++) {
        if (mkdir(path, 0700) != 0 && errno != EEXIST) {
            hindered("make", path, errno);
            break;
        }
        folder = open_locked(path, LOCK_SH);
        if (folder < 0 && folder != -ENOENT) {
            break;
        }
    }
    if (folder < 0) {
        tare_skip(reason);
    }
    return folder;
}

bool folder_in_use(void)
{
    return folder >= 0;
}

void folder_leave(void)
{
    if (folder >= 0) {
        close(folder);
        folder = -1;
    }
}

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static bool is_ours(const char *name)
{
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
        if (strncmp(name, ours[i], strlen(ours[i])) == 0) {
            return true;
        }
    }
    return false;
}

/*
 * Removes what is in the directory `at`: all, or what is the suite's. The descriptor is closed. 0, or -errno of the first
 * that could not be removed.
 */
static int remove_in(int at, bool all, unsigned depth)
{
    DIR *directory = fdopendir(at);
    if (directory == NULL) {
        int error = -errno;
        close(at);
        return error;
    }
    int result = 0;
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        if (is_dots(entry->d_name) || (!all && !is_ours(entry->d_name)) ||
            unlinkat(at, entry->d_name, 0) == 0 || errno == ENOENT) {
            continue;
        }
        int error = -errno;
        int inner = depth < DEPTH_MAX && (errno == EISDIR || errno == EPERM)
                        ? openat(at, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                        : -1;
        if (inner >= 0) {
            error = remove_in(inner, true, depth + 1);
            if (error == 0 && unlinkat(at, entry->d_name, AT_REMOVEDIR) != 0) {
                error = -errno;
            }
        }
        result = result != 0 ? result : error;
    }
    closedir(directory);
    return result;
}

int folder_clean(void)
{
    char path[PATH_MAX];
    if (folder_path(path, sizeof(path)) != 0) {
        fprintf(stderr, "os: %s\n", too_long);
        return 1;
    }
    folder_leave();
    int fd = open_locked(path, LOCK_EX);
    if (fd < 0 && fd != -ENOENT) {
        fprintf(stderr, "os: %s\n", reason);
        return 1;
    }
    if (fd < 0) {
        return 0;
    }
    int inner = fcntl(fd, F_DUPFD_CLOEXEC, 0); /* the lock is both descriptors' */
    int error = inner < 0 ? -errno : remove_in(inner, false, 0);
    if (error == 0 && rmdir(path) != 0) {
        error = -errno;
    }
    if (error != 0) {
        fprintf(stderr, "os: cannot remove '%s': %s\n", path,
                error == -ENOTEMPTY || error == -EEXIST ? "there is something else in it" : strerror(-error));
    }
    close(fd);
    return error != 0;
}

/* Entries of a directory, but for itself and the one above; SIZE_MAX if it cannot be read. */
static size_t count_entries(int at)
{
    int own = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = own >= 0 ? fdopendir(own) : NULL;
    if (directory == NULL) {
        if (own >= 0) {
            close(own);
        }
        return SIZE_MAX;
    }
    size_t count = 0;
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        count += !is_dots(entry->d_name);
    }
    closedir(directory);
    return count;
}

/* A directory below the folder; -errno. */
static int open_directory(const char *name)
{
    int fd = openat(folder_fd(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static void remove_directory(const char *name)
{
    int fd = open_directory(name);
    if (fd >= 0) {
        remove_in(fd, true, 1);
        unlinkat(folder_fd(), name, AT_REMOVEDIR);
    }
}

static int fill(int at, unsigned entries)
{
    for (unsigned i = 0; i < entries; i++) {
        char name[32];
        snprintf(name, sizeof(name), "entry-%05u", i);
        int fd = openat(at, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0) {
            return -errno;
        }
        close(fd);
    }
    return 0;
}

/* Makes it under a name of this process's, which it loses when it is complete. 0 or -errno. */
static int make_list(const char *name, unsigned entries)
{
    char making[64];
    snprintf(making, sizeof(making), "making-%s-%ld", name, (long)getpid());
    remove_directory(making); /* of one that had our number, and was killed */
    if (mkdirat(folder_fd(), making, 0700) != 0) {
        return -errno;
    }
    int fd = open_directory(making);
    int error = fd < 0 ? fd : fill(fd, entries);
    if (fd >= 0) {
        close(fd);
    }
    if (error == 0 && renameat(folder_fd(), making, folder_fd(), name) != 0) {
        error = errno == ENOTEMPTY || errno == EEXIST ? 0 : -errno; /* somebody else was sooner */
    }
    remove_directory(making);
    return error;
}

/* What is not as it should be gives up its name, and goes. */
static void discard(const char *name)
{
    char making[64];
    snprintf(making, sizeof(making), "making-%s-%ld", name, (long)getpid());
    if (renameat(folder_fd(), name, folder_fd(), making) == 0) {
        if (unlinkat(folder_fd(), making, 0) != 0) {
            remove_directory(making);
        }
    }
}

void folder_list(unsigned entries, char *path, size_t size)
{
    char name[32];
    snprintf(name, sizeof(name), "list-%u", entries);
    if (folder_in(path, size, name) != 0) {
        tare_skip(too_long);
    }
    for (unsigned i = 0; i < 3; i++) {
        int fd = open_directory(name);
        size_t count = fd >= 0 ? count_entries(fd) : 0;
        if (fd >= 0) {
            close(fd);
        }
        if (fd >= 0 && count == entries) {
            return;
        }
        if (fd != -ENOENT) {
            discard(name);
        }
        int error = make_list(name, entries);
        if (error != 0) {
            hindered_in("fill", name, -error);
            tare_skip(reason);
        }
    }
    tare_skip("the directory to list does not stay as it is");
}

/* Whether each block has its number; brings all of them into the page cache. */
static bool is_data(int fd)
{
    struct stat seen;
    if (fstat(fd, &seen) != 0 || !S_ISREG(seen.st_mode) ||
        seen.st_size != (off_t)FOLDER_BLOCKS * FOLDER_BLOCK) {
        return false;
    }
    for (uint64_t i = 0; i < FOLDER_BLOCKS; i++) {
        uint64_t number;
        if (pread(fd, &number, sizeof(number), (off_t)(i * FOLDER_BLOCK)) != sizeof(number) || number != i) {
            return false;
        }
    }
    return true;
}

static int make_data(void)
{
    static uint64_t block[FOLDER_BLOCK / sizeof(uint64_t)];
    char making[64];
    snprintf(making, sizeof(making), "making-data-%ld", (long)getpid());
    unlinkat(folder_fd(), making, 0);
    int fd = openat(folder_fd(), making, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return -errno;
    }
    int error = 0;
    for (uint64_t i = 0; i < FOLDER_BLOCKS && error == 0; i++) {
        block[0] = i;
        ssize_t written = write(fd, block, sizeof(block));
        error = written < 0 ? -errno : written != sizeof(block) ? -ENOSPC : 0;
    }
    if (error == 0 && fsync(fd) != 0) { /* so that blocks that follow find them allocated */
        error = -errno;
    }
    if (close(fd) != 0 && error == 0) {
        error = -errno;
    }
    if (error == 0 && renameat(folder_fd(), making, folder_fd(), "data") != 0) {
        error = -errno;
    }
    unlinkat(folder_fd(), making, 0);
    return error;
}

int folder_data(void)
{
    for (unsigned i = 0; i < 3; i++) {
        int fd = openat(folder_fd(), "data", O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
        if (fd >= 0 && is_data(fd)) {
            return fd;
        }
        if (fd >= 0) {
            close(fd);
        }
        if (fd >= 0 || errno != ENOENT) {
            discard("data");
        }
        int error = make_data();
        if (error != 0) {
            hindered_in("fill", "data", -error);
            tare_skip(reason);
        }
    }
    tare_skip("the file to read and write does not stay as it is");
    return -1;
}

static void work_name(char *name, size_t size)
{
    snprintf(name, size, "work-%ld", (long)getpid());
}

int folder_work(void)
{
    char name[32];
    work_name(name, sizeof(name));
    remove_directory(name);
    int fd = mkdirat(folder_fd(), name, 0700) == 0 ? open_directory(name) : -errno;
    if (fd < 0) {
        hindered_in("make", name, -fd);
        tare_skip(reason);
    }
    return fd;
}

void folder_work_end(int fd)
{
    char name[32];
    close(fd);
    work_name(name, sizeof(name));
    remove_directory(name);
}
