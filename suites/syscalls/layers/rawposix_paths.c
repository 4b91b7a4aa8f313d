/* SPDX-License-Identifier: MIT */
/* The calls that take paths. rawposix_resolve.c says how a path is kept below the root. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <tare/tare.h>

#include "suites/syscalls/layers/rawposix_internal.h"

TARE_MODULE("rawposix");
TARE_TIMER(open_syscall);
TARE_TIMER(stat_syscall);
TARE_TIMER(mkdir_syscall);
TARE_TIMER(rmdir_syscall);
TARE_TIMER(unlink_syscall);
TARE_TIMER(rename_syscall);
TARE_TIMER(link_syscall);
TARE_TIMER(symlink_syscall);
TARE_TIMER(readlink_syscall);
TARE_TIMER(utimensat_syscall);

#define PROCFS_MAGIC 0x9fa0 /* PROC_SUPER_MAGIC of linux/magic.h */

enum {
    LINKS_MAX = 40,     /* that lead to a file that is made */
    PERMISSIONS = 0777, /* that a cage may give: not set-user-ID and the like */
    MEM_MAJOR = 1,      /* of the devices that follow */
    MEM_NULL = 3,
    MEM_ZERO = 5,
    MEM_FULL = 7,
    MEM_RANDOM = 8,
    MEM_URANDOM = 9,
};

/* A path that is copied, as its end may be written to, and the base that it begins in. */
struct path {
    struct rawposix_base base;
    char text[LIND_PATH_MAX];
};

static int path_begin(struct path *path, struct cage *cage, int at, const char *text, size_t length)
{
    path->base.held = NULL;
    if (length >= sizeof path->text) {
        return -ENAMETOOLONG;
    }
    if (length == 0) {
        return -ENOENT;
    }
    if (memchr(text, '\0', length) != NULL) {
        return -EINVAL;
    }
    memcpy(path->text, text, length);
    path->text[length] = '\0';
    return rawposix__base(cage, at, &path->base);
}

static void path_end(struct path *path)
{
    rawposix__base_end(&path->base);
}

/*
 * Opening
 */

static const struct {
    uint32_t lind;
    int host;
} open_flags[] = {
    {LIND_O_CREAT, O_CREAT},     {LIND_O_EXCL, O_EXCL},           {LIND_O_NOCTTY, 0},
    {LIND_O_TRUNC, O_TRUNC},     {LIND_O_APPEND, O_APPEND},       {LIND_O_NONBLOCK, O_NONBLOCK},
    {LIND_O_LARGEFILE, 0},       {LIND_O_DIRECTORY, O_DIRECTORY}, {LIND_O_NOFOLLOW, O_NOFOLLOW},
    {LIND_O_CLOEXEC, O_CLOEXEC}, {LIND_O_SYNC, O_SYNC},           {LIND_O_DSYNC, O_DSYNC},
};

int rawposix__host_flags(uint32_t flags)
{
    int host = (int)(flags & LIND_O_ACCMODE); /* the same everywhere */
    if (host == LIND_O_ACCMODE) {
        return -EINVAL;
    }
    uint32_t left = flags & ~(uint32_t)LIND_O_ACCMODE;
    for (size_t i = 0; i < sizeof(open_flags) / sizeof(open_flags[0]); i++) {
        if ((left & open_flags[i].lind) == open_flags[i].lind) {
            host |= open_flags[i].host;
            left &= ~open_flags[i].lind;
        }
    }
    return left == 0 ? host | O_NOCTTY : -EINVAL;
}

/*
 * Whether a file that lies below the root is one that a cage may have: not the host's memory by way of procfs, no disk, no
 * terminal or other device but the usual harmless ones. 0, or -errno.
 */
static int may_have(int under_fd)
{
    struct stat stat;
    if (fstat(under_fd, &stat) != 0) {
        return -errno;
    }
    if (S_ISBLK(stat.st_mode)) {
        return -EACCES;
    }
    if (S_ISCHR(stat.st_mode)) {
        unsigned device = minor(stat.st_rdev);
        bool harmless = device == MEM_NULL || device == MEM_ZERO || device == MEM_FULL ||
                        device == MEM_RANDOM || device == MEM_URANDOM;
        return major(stat.st_rdev) == MEM_MAJOR && harmless ? 0 : -EACCES;
    }
    /* File systems without a device have the major number 0; the others need not be asked what they are. */
    struct statfs system;
    if (S_ISREG(stat.st_mode) && major(stat.st_dev) == 0 &&
        (fstatfs(under_fd, &system) != 0 || (unsigned long)system.f_type == PROCFS_MAGIC)) {
        return -EACCES;
    }
    return 0;
}

/* The descriptor, or why a cage may not have it, which closes it. */
static int judged(int fd)
{
    int refused = fd >= 0 ? may_have(fd) : 0;
    if (refused != 0) {
        close(fd);
    }
    return refused != 0 ? refused : fd;
}

/*
 * What is there already. To open a device does something, so it is judged by a descriptor that opens nothing, and it is that
 * very file that is opened then, whatever its path leads to meanwhile.
 */
static int open_existing(const struct rawposix_base *base, const char *path, int flags)
{
    int found = judged(rawposix__open_below(base, path, O_PATH | (flags & (O_DIRECTORY | O_NOFOLLOW)), 0));
    if (found < 0) {
        return found;
    }
    struct stat stat;
    int result = 0;
    if (fstat(found, &stat) != 0) {
        result = -errno;
    } else if (S_ISLNK(stat.st_mode)) {
        result = -ELOOP; /* not to be followed */
    } else if (S_ISDIR(stat.st_mode) && (flags & O_CREAT) != 0) {
        result = -EISDIR;
    }
    if (result == 0) {
        char name[32];
        snprintf(name, sizeof name, "/proc/self/fd/%d", found);
        int fd = open(name, (flags & ~(O_CREAT | O_EXCL | O_NOFOLLOW)) | O_CLOEXEC);
        result = fd >= 0 ? fd : (int)rawposix__result(-1);
        if (result == -ENOENT) { /* no procfs here: by its path again, and judged again */
            result = judged(rawposix__open_below(base, path, flags & ~O_CREAT, 0));
        }
    }
    close(found);
    return result;
}

/* Puts the target of a link, which leads to nothing, in the place of its path. */
static int follow_dangling(const struct rawposix_base *base, char path[LIND_PATH_MAX])
{
    int link = rawposix__open_below(base, path, O_PATH | O_NOFOLLOW, 0);
    if (link < 0) {
        return link == -ENOENT ? 0 : link; /* it has gone meanwhile */
    }
    char target[LIND_PATH_MAX];
    ssize_t length = readlinkat(link, "", target, sizeof target);
    close(link);
    if (length <= 0) {
        return 0; /* it has become another thing */
    }
    const char *slash = strrchr(path, '/');
    size_t begin = target[0] == '/' || slash == NULL ? 0 : (size_t)(slash + 1 - path);
    if (begin + (size_t)length >= LIND_PATH_MAX) {
        return -ENAMETOOLONG;
    }
    memcpy(path + begin, target, (size_t)length);
    path[begin + (size_t)length] = '\0';
    return 0;
}

/* With O_CREAT alone: what is there is opened as above, and what is made was not there before. */
static int open_or_make(const struct rawposix_base *base, char path[LIND_PATH_MAX], int flags, mode_t mode)
{
    for (int i = 0; i < LINKS_MAX; i++) {
        int fd = open_existing(base, path, flags);
        if (fd != -ENOENT) {
            return fd;
        }
        fd = rawposix__open_below(base, path, flags | O_EXCL, mode);
        if (fd != -EEXIST) {
            return judged(fd);
        }
        int error = (flags & O_NOFOLLOW) != 0 ? 0 : follow_dangling(base, path);
        if (error != 0) {
            return error;
        }
    }
    return -ELOOP;
}

int64_t rawposix_path_open(struct cage *cage, int at, const char *path, size_t length, uint32_t flags,
                           uint32_t mode)
{
    int host_flags = rawposix__host_flags(flags);
    if (host_flags < 0) {
        return host_flags;
    }
    struct path own;
    int64_t result = path_begin(&own, cage, at, path, length);
    if (result == 0) {
        mode &= PERMISSIONS;
        if ((host_flags & O_CREAT) == 0) {
            result = open_existing(&own.base, own.text, host_flags);
        } else if ((host_flags & (O_EXCL | O_DIRECTORY)) != 0) { /* opens nothing that is no directory */
            result = judged(rawposix__open_below(&own.base, own.text, host_flags, mode));
        } else {
            result = open_or_make(&own.base, own.text, host_flags, mode);
        }
    }
    path_end(&own);
    return result < 0 ? result : rawposix__number(cage, (int)result, (flags & LIND_O_CLOEXEC) != 0);
}

/*
 * Looking
 */

static int64_t ns_of(struct timespec time)
{
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

void rawposix__stat_of(const struct stat *host, struct lind_stat *stat)
{
    *stat = (struct lind_stat){
        .device = host->st_dev,
        .inode = host->st_ino,
        .mode = host->st_mode,
        .links = host->st_nlink,
        .size_bytes = (uint64_t)host->st_size,
        .accessed_ns = ns_of(host->st_atim),
        .modified_ns = ns_of(host->st_mtim),
        .changed_ns = ns_of(host->st_ctim),
    };
}

/* A name of one component, that is no way back: asked at once, which gives what it is itself, not where it leads. */
static bool is_plain_name(const char *path)
{
    return strchr(path, '/') == NULL && strcmp(path, ".") != 0 && strcmp(path, "..") != 0;
}

static int stat_below(const struct rawposix_base *base, const char *path, bool follow, struct stat *stat)
{
    if (is_plain_name(path)) {
        if (fstatat(base->fd, path, stat, AT_SYMLINK_NOFOLLOW) != 0) {
            return -errno;
        }
        if (!follow || !S_ISLNK(stat->st_mode)) {
            return 0;
        }
    }
    int fd = rawposix__open_below(base, path, O_PATH | (follow ? 0 : O_NOFOLLOW), 0);
    if (fd < 0) {
        return fd;
    }
    int error = fstat(fd, stat) != 0 ? -errno : 0;
    close(fd);
    return error;
}

int64_t rawposix_path_stat(struct cage *cage, int at, const char *path, size_t length, struct lind_stat *stat,
                           uint32_t flags)
{
    if ((flags & ~(uint32_t)LIND_AT_SYMLINK_NOFOLLOW) != 0) {
        return -EINVAL;
    }
    struct path own;
    struct stat host;
    int64_t result = path_begin(&own, cage, at, path, length);
    if (result == 0) {
        result = stat_below(&own.base, own.text, flags == 0, &host);
    }
    path_end(&own);
    if (result == 0) {
        rawposix__stat_of(&host, stat);
    }
    return result;
}

int64_t rawposix_path_readlink(struct cage *cage, int at, const char *path, size_t length, char *buffer,
                               size_t size)
{
    if (size == 0) {
        return -EINVAL;
    }
    struct path own;
    int64_t result = path_begin(&own, cage, at, path, length);
    if (result == 0) {
        result = rawposix__open_below(&own.base, own.text, O_PATH | O_NOFOLLOW, 0);
    }
    path_end(&own);
    if (result < 0) {
        return result;
    }
    int fd = (int)result;
    ssize_t got = readlinkat(fd, "", buffer, size);
    /* Of a descriptor of what is no link, the kernel says ENOENT. */
    result = got < 0 && errno == ENOENT ? -EINVAL : rawposix__result(got);
    close(fd);
    return result;
}

/*
 * Changing directories
 */

/* What is done at one place; -1 and errno. */
typedef int (*place_change)(const struct rawposix_place *place, const void *argument);

static int64_t change_at(struct cage *cage, int at, const char *path, size_t length, place_change change,
                         const void *argument)
{
    struct path own;
    int64_t result = path_begin(&own, cage, at, path, length);
    if (result == 0) {
        struct rawposix_place place;
        result = rawposix__place(&own.base, own.text, &place);
        if (result == 0) {
            result = rawposix__result(change(&place, argument));
        }
        rawposix__place_end(&place);
    }
    path_end(&own);
    return result;
}

static int change_mkdir(const struct rawposix_place *place, const void *argument)
{
    return mkdirat(place->fd, place->name, *(const mode_t *)argument);
}

static int change_unlink(const struct rawposix_place *place, const void *argument)
{
    return unlinkat(place->fd, place->name, *(const int *)argument);
}

static int change_symlink(const struct rawposix_place *place, const void *argument)
{
    return symlinkat(argument, place->fd, place->name);
}

int64_t rawposix_path_mkdir(struct cage *cage, int at, const char *path, size_t length, uint32_t mode)
{
    mode_t permissions = mode & PERMISSIONS;
    return change_at(cage, at, path, length, change_mkdir, &permissions);
}

int64_t rawposix_path_rmdir(struct cage *cage, int at, const char *path, size_t length)
{
    int flags = AT_REMOVEDIR;
    return change_at(cage, at, path, length, change_unlink, &flags);
}

int64_t rawposix_path_unlink(struct cage *cage, int at, const char *path, size_t length)
{
    int flags = 0;
    return change_at(cage, at, path, length, change_unlink, &flags);
}

int64_t rawposix_path_symlink(struct cage *cage, const char *target, size_t target_length, int at,
                              const char *path, size_t length)
{
    char text[LIND_PATH_MAX];
    if (target_length >= sizeof text) {
        return -ENAMETOOLONG;
    }
    if (target_length == 0 || memchr(target, '\0', target_length) != NULL) {
        return target_length == 0 ? -ENOENT : -EINVAL;
    }
    memcpy(text, target, target_length);
    text[target_length] = '\0';
    return change_at(cage, at, path, length, change_symlink, text);
}

static int change_rename(const struct rawposix_place *place, const void *argument)
{
    const struct rawposix_place *old = argument;
    return renameat(old->fd, old->name, place->fd, place->name);
}

/* A link to the file itself, whatever it is: with a slash behind its name the kernel would follow it. */
static int change_link(const struct rawposix_place *place, const void *argument)
{
    const struct rawposix_place *old = argument;
    size_t length = strlen(old->name);
    if (old->name[length - 1] == '/') {
        errno = ENOTDIR;
        return -1;
    }
    return linkat(old->fd, old->name, place->fd, place->name, 0);
}

static int64_t change_two(struct cage *cage, int old_at, const char *old, size_t old_length, int new_at,
                          const char *new, size_t new_length, place_change change)
{
    struct path own;
    int64_t result = path_begin(&own, cage, old_at, old, old_length);
    if (result == 0) {
        struct rawposix_place place;
        result = rawposix__place(&own.base, own.text, &place);
        if (result == 0) {
            result = change_at(cage, new_at, new, new_length, change, &place);
        }
        rawposix__place_end(&place);
    }
    path_end(&own);
    return result;
}

int64_t rawposix_path_rename(struct cage *cage, int old_at, const char *old, size_t old_length, int new_at,
                             const char *new, size_t new_length)
{
    return change_two(cage, old_at, old, old_length, new_at, new, new_length, change_rename);
}

int64_t rawposix_path_link(struct cage *cage, int old_at, const char *old, size_t old_length, int new_at,
                           const char *new, size_t new_length)
{
    return change_two(cage, old_at, old, old_length, new_at, new, new_length, change_link);
}

/*
 * Times
 */

struct timespec rawposix__host_time(int64_t ns)
{
    if (ns == LIND_TIME_NOW || ns == LIND_TIME_OMIT) {
        return (struct timespec){.tv_nsec = ns == LIND_TIME_NOW ? UTIME_NOW : UTIME_OMIT};
    }
    struct timespec time = {.tv_sec = ns / INT64_C(1000000000), .tv_nsec = ns % INT64_C(1000000000)};
    if (time.tv_nsec < 0) { /* before 1970 */
        time.tv_sec--;
        time.tv_nsec += 1000000000;
    }
    return time;
}

int64_t rawposix_path_utimens(struct cage *cage, int at, const char *path, size_t length, int64_t accessed_ns,
                              int64_t modified_ns, uint32_t flags)
{
    if ((flags & ~(uint32_t)LIND_AT_SYMLINK_NOFOLLOW) != 0) {
        return -EINVAL;
    }
    struct path own;
    int64_t result = path_begin(&own, cage, at, path, length);
    if (result == 0) {
        result = rawposix__open_below(&own.base, own.text, O_PATH | (flags != 0 ? O_NOFOLLOW : 0), 0);
    }
    path_end(&own);
    if (result < 0) {
        return result;
    }
    int fd = (int)result;
    struct timespec times[2] = {rawposix__host_time(accessed_ns), rawposix__host_time(modified_ns)};
    result = rawposix__result(utimensat(fd, "", times, AT_EMPTY_PATH));
    if (result == -EINVAL || result == -ENOENT || result == -EBADF) { /* before Linux 5.8 */
        char name[32];
        snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
        result = rawposix__result(utimensat(AT_FDCWD, name, times, 0));
    }
    close(fd);
    return result;
}

/*
 * The calls. A path ends with NUL, or its length is given; both are copied by rawposix__path...().
 */

RAWPOSIX_CALL(open)
{
    TARE_SCOPE(open_syscall);
    char path[LIND_PATH_MAX];
    int length = rawposix__path(request, 0, path);
    return length < 0 ? length
                      : rawposix_path_open(request->caller, LIND_AT_ROOT, path, (size_t)length,
                                           (uint32_t)request->args[1], (uint32_t)request->args[2]);
}

RAWPOSIX_CALL(path_open)
{
    TARE_SCOPE(open_syscall);
    char path[LIND_PATH_MAX];
    int length = rawposix__path_of_length(request, 1, request->args[2], path);
    return length < 0 ? length
                      : rawposix_path_open(request->caller, rawposix__int(request, 0), path, (size_t)length,
                                           (uint32_t)request->args[3], (uint32_t)request->args[4]);
}

static int64_t stat_to(struct rawposix_request *request, int at, const char *path, int length, int to_argument,
                       uint32_t flags)
{
    void *to = rawposix__at(request, to_argument, sizeof(struct lind_stat));
    if (length < 0 || to == NULL) {
        return length < 0 ? length : -EFAULT;
    }
    struct lind_stat stat;
    int64_t result = rawposix_path_stat(request->caller, at, path, (size_t)length, &stat, flags);
    if (result == 0) {
        memcpy(to, &stat, sizeof stat);
    }
    return result;
}

RAWPOSIX_CALL(stat)
{
    TARE_SCOPE(stat_syscall);
    char path[LIND_PATH_MAX];
    return stat_to(request, LIND_AT_ROOT, path, rawposix__path(request, 0, path), 1, 0);
}

RAWPOSIX_CALL(lstat)
{
    TARE_SCOPE(stat_syscall);
    char path[LIND_PATH_MAX];
    return stat_to(request, LIND_AT_ROOT, path, rawposix__path(request, 0, path), 1, LIND_AT_SYMLINK_NOFOLLOW);
}

RAWPOSIX_CALL(path_stat)
{
    TARE_SCOPE(stat_syscall);
    char path[LIND_PATH_MAX];
    int length = rawposix__path_of_length(request, 1, request->args[2], path);
    return stat_to(request, rawposix__int(request, 0), path, length, 3, (uint32_t)request->args[4]);
}

/* Calls of one path, and a number at most, in both forms. */
#define ONE_PATH(name, timer, number)                                                                          \
    RAWPOSIX_CALL(name)                                                                                        \
    {                                                                                                          \
        TARE_SCOPE(timer);                                                                                     \
        char path[LIND_PATH_MAX];                                                                              \
        int length = rawposix__path(request, 0, path);                                                         \
        return length < 0                                                                                      \
                   ? length                                                                                    \
                   : rawposix_path_##name(request->caller, LIND_AT_ROOT, path, (size_t)length number(1));      \
    }                                                                                                          \
    RAWPOSIX_CALL(path_##name)                                                                                 \
    {                                                                                                          \
        TARE_SCOPE(timer);                                                                                     \
        char path[LIND_PATH_MAX];                                                                              \
        int length = rawposix__path_of_length(request, 1, request->args[2], path);                             \
        return length < 0 ? length                                                                             \
                          : rawposix_path_##name(request->caller, rawposix__int(request, 0), path,             \
                                                 (size_t)length number(3));                                    \
    }
#define NO_NUMBER(argument)
#define ITS_NUMBER(argument) , (uint32_t)request->args[argument]

ONE_PATH(mkdir, mkdir_syscall, ITS_NUMBER)
ONE_PATH(rmdir, rmdir_syscall, NO_NUMBER)
ONE_PATH(unlink, unlink_syscall, NO_NUMBER)

/* Calls of two paths, in both forms. */
#define TWO_PATHS(name, timer)                                                                                 \
    RAWPOSIX_CALL(name)                                                                                        \
    {                                                                                                          \
        TARE_SCOPE(timer);                                                                                     \
        char old[LIND_PATH_MAX], new[LIND_PATH_MAX];                                                           \
        int old_length = rawposix__path(request, 0, old);                                                      \
        int new_length = old_length < 0 ? old_length : rawposix__path(request, 1, new);                        \
        return new_length < 0 ? new_length                                                                     \
                              : rawposix_path_##name(request->caller, LIND_AT_ROOT, old, (size_t)old_length,   \
                                                     LIND_AT_ROOT, new, (size_t)new_length);                   \
    }                                                                                                          \
    RAWPOSIX_CALL(path_##name)                                                                                 \
    {                                                                                                          \
        TARE_SCOPE(timer);                                                                                     \
        char old[LIND_PATH_MAX], new[LIND_PATH_MAX];                                                           \
        int old_length = rawposix__path_of_length(request, 1, request->args[2], old);                          \
        int new_length =                                                                                       \
            old_length < 0 ? old_length : rawposix__path_of_length(request, 4, request->args[5], new);         \
        return new_length < 0                                                                                  \
                   ? new_length                                                                                \
                   : rawposix_path_##name(request->caller, rawposix__int(request, 0), old, (size_t)old_length, \
                                          rawposix__int(request, 3), new, (size_t)new_length);                 \
    }

TWO_PATHS(rename, rename_syscall)
TWO_PATHS(link, link_syscall)

RAWPOSIX_CALL(symlink)
{
    TARE_SCOPE(symlink_syscall);
    char target[LIND_PATH_MAX], path[LIND_PATH_MAX];
    int target_length = rawposix__path(request, 0, target);
    int length = target_length < 0 ? target_length : rawposix__path(request, 1, path);
    return length < 0 ? length
                      : rawposix_path_symlink(request->caller, target, (size_t)target_length, LIND_AT_ROOT,
                                              path, (size_t)length);
}

RAWPOSIX_CALL(path_symlink)
{
    TARE_SCOPE(symlink_syscall);
    char target[LIND_PATH_MAX], path[LIND_PATH_MAX];
    int target_length = rawposix__path_of_length(request, 0, request->args[1], target);
    int length =
        target_length < 0 ? target_length : rawposix__path_of_length(request, 3, request->args[4], path);
    return length < 0 ? length
                      : rawposix_path_symlink(request->caller, target, (size_t)target_length,
                                              rawposix__int(request, 2), path, (size_t)length);
}

static int64_t readlink_to(struct rawposix_request *request, int at, const char *path, int length,
                           int to_argument)
{
    uint64_t size = request->args[to_argument + 1];
    char *to = rawposix__at(request, to_argument, size);
    if (length < 0 || to == NULL) {
        return length < 0 ? length : -EFAULT;
    }
    return rawposix_path_readlink(request->caller, at, path, (size_t)length, to, size);
}

RAWPOSIX_CALL(readlink)
{
    TARE_SCOPE(readlink_syscall);
    char path[LIND_PATH_MAX];
    return readlink_to(request, LIND_AT_ROOT, path, rawposix__path(request, 0, path), 1);
}

RAWPOSIX_CALL(path_readlink)
{
    TARE_SCOPE(readlink_syscall);
    char path[LIND_PATH_MAX];
    int length = rawposix__path_of_length(request, 1, request->args[2], path);
    return readlink_to(request, rawposix__int(request, 0), path, length, 3);
}

/* A time of a cage's, in the ns that ours are in. -EINVAL: none. */
static int ns_of_cage(const struct lind_timespec *time, int64_t *ns)
{
    if (time->nanoseconds == UTIME_NOW || time->nanoseconds == UTIME_OMIT) {
        *ns = time->nanoseconds == UTIME_NOW ? LIND_TIME_NOW : LIND_TIME_OMIT;
        return 0;
    }
    int64_t seconds_ns;
    if (time->nanoseconds >= 1000000000 ||
        __builtin_mul_overflow(time->seconds, INT64_C(1000000000), &seconds_ns) ||
        __builtin_add_overflow(seconds_ns, (int64_t)time->nanoseconds, ns) || *ns >= LIND_TIME_OMIT) {
        return -EINVAL;
    }
    return 0;
}

RAWPOSIX_CALL(utimensat)
{
    TARE_SCOPE(utimensat_syscall);
    int64_t ns[2] = {LIND_TIME_NOW, LIND_TIME_NOW};
    if (request->args[2] != 0) {
        struct lind_timespec times[2];
        const void *from = rawposix__at(request, 2, sizeof times);
        if (from == NULL) {
            return -EFAULT;
        }
        rawposix__copy_in(times, from, sizeof times);
        if (ns_of_cage(&times[0], &ns[0]) != 0 || ns_of_cage(&times[1], &ns[1]) != 0) {
            return -EINVAL;
        }
    }
    int at = rawposix__int(request, 0);
    if (request->args[1] == 0) {
        return rawposix_futimens(request->caller, at, ns[0], ns[1]);
    }
    char path[LIND_PATH_MAX];
    int length = rawposix__path(request, 1, path);
    return length < 0 ? length
                      : rawposix_path_utimens(request->caller, at, path, (size_t)length, ns[0], ns[1],
                                              (uint32_t)request->args[3]);
}

RAWPOSIX_CALL(path_utimens)
{
    TARE_SCOPE(utimensat_syscall);
    char path[LIND_PATH_MAX];
    int length = rawposix__path_of_length(request, 1, request->args[2], path);
    return length < 0 ? length
                      : rawposix_path_utimens(request->caller, rawposix__int(request, 0), path, (size_t)length,
                                              (int64_t)request->args[3], (int64_t)request->args[4],
                                              (uint32_t)request->args[5]);
}
