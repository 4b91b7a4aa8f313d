/* SPDX-License-Identifier: MIT */
/*
 * Paths of a cage: followed below a directory that they cannot leave.
 *
 * The kernel does that itself, at once, where it has openat2(): RESOLVE_IN_ROOT takes the base for "/", RESOLVE_BENEATH
 * refuses what would leave it. Where it is missing (before Linux 5.6, some emulators), or forbidden by a filter of system
 * calls, we go component by component: each directory is opened without following a link, links are read and their text
 * takes their place in the path, and ".." is the directory that we came from, not the one the kernel would find, since that
 * may have been moved meanwhile. Nothing is ever looked at by a name that is checked first and used afterwards.
 *
 * Functions that change a directory (unlink, rename, mkdir ...) get the directory, opened as above, and the last component,
 * which they do not follow.
 */
#include <fcntl.h>
#include <linux/limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#if __has_include(<linux/openat2.h>)
#include <linux/openat2.h>
#endif

#include "suites/syscalls/layers/rawposix_internal.h"

enum {
    LINKS_MAX = 40,  /* that one path may lead through: the kernel's limit */
    DEPTH_MAX = 128, /* directories that we keep open on the way, of which a path that has more is refused */
    AGAIN_MAX = 128, /* attempts while others rename directories under our feet */
};

enum { UNKNOWN, HAS_OPENAT2, BY_COMPONENTS };
static int way; /* atomic */

int rawposix__base(struct cage *cage, int at, struct rawposix_base *base)
{
    *base = (struct rawposix_base){.fd = cage->root_fd};
    if (at == LIND_AT_ROOT) {
        return base->fd >= 0 ? 0 : -ENOENT;
    }
    base->held = fdtables_translate_virtual_fd(cage->fds, at);
    if (base->held == NULL) {
        return -EBADF;
    }
    base->fd = base->held->under_fd;
    base->beneath = true;
    return 0;
}

void rawposix__base_end(struct rawposix_base *base)
{
    if (base->held != NULL) {
        fd_file_put(base->held);
        base->held = NULL;
    }
}

/*
 * By the kernel
 */

#ifdef SYS_openat2
static int open_by_kernel(const struct rawposix_base *base, const char *path, int flags, mode_t mode)
{
    struct open_how how = {
        .flags = (uint64_t)(unsigned)flags,
        .mode = (flags & O_CREAT) != 0 ? mode : 0,
        .resolve = RESOLVE_NO_MAGICLINKS | (base->beneath ? RESOLVE_BENEATH : RESOLVE_IN_ROOT),
    };
    int fd = -1;
    for (int i = 0; i < AGAIN_MAX; i++) {
        fd = (int)syscall(SYS_openat2, base->fd, path, &how, sizeof how);
        /* The kernel cannot tell whether ".." was safe while something was renamed. */
        if (fd >= 0 || errno != EAGAIN) {
            break;
        }
    }
    return fd >= 0 ? fd : errno == EXDEV ? -EPERM : (int)rawposix__result(-1);
}

static bool has_openat2(void)
{
    int known = __atomic_load_n(&way, __ATOMIC_RELAXED);
    if (known == UNKNOWN) {
        struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT};
        int fd = (int)syscall(SYS_openat2, AT_FDCWD, ".", &how, sizeof how);
        /* A filter says EPERM, or whatever it likes; having no descriptors left is no answer. */
        if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == EACCES || errno == ENOENT)) {
            return true;
        }
        if (fd >= 0) {
            close(fd);
        }
        known = fd >= 0 ? HAS_OPENAT2 : BY_COMPONENTS;
        __atomic_store_n(&way, known, __ATOMIC_RELAXED);
    }
    return known == HAS_OPENAT2;
}
#else
static int open_by_kernel(const struct rawposix_base *base, const char *path, int flags, mode_t mode)
{
    (void)base, (void)path, (void)flags, (void)mode;
    return -ENOSYS;
}

static bool has_openat2(void)
{
    return false;
}
#endif

void rawposix__without_openat2(bool without)
{
    __atomic_store_n(&way, without ? BY_COMPONENTS : UNKNOWN, __ATOMIC_RELAXED);
}

/*
 * By components
 */

struct walk {
    const struct rawposix_base *base;
    int dirs[DEPTH_MAX]; /* that we went through, below the base */
    int depth;
    int links;
    char rest[PATH_MAX]; /* of the path, still to be gone */
};

static int here(const struct walk *walk)
{
    return walk->depth > 0 ? walk->dirs[walk->depth - 1] : walk->base->fd;
}

static void up_to(struct walk *walk, int depth)
{
    while (walk->depth > depth) {
        close(walk->dirs[--walk->depth]);
    }
}

/* Puts the target of a link, open in `fd`, before what is left of the path. */
static int follow(struct walk *walk, int fd, const char *after)
{
    char target[PATH_MAX];
    if (++walk->links > LINKS_MAX) {
        return -ELOOP;
    }
    ssize_t length = readlinkat(fd, "", target, sizeof target);
    if (length < 0) {
        return -errno;
    }
    size_t rest_length = strlen(after);
    if (length == 0 || (size_t)length + rest_length >= sizeof walk->rest) {
        return length == 0 ? -ENOENT : -ENAMETOOLONG;
    }
    if (target[0] == '/') {
        if (walk->base->beneath) {
            return -EPERM;
        }
        up_to(walk, 0);
    }
    memmove(walk->rest + length, after, rest_length + 1); /* which begins with a slash, or is empty */
    memcpy(walk->rest, target, (size_t)length);
    return 0;
}

/* One component that is a directory or a link on the way; `after`: what follows it. */
static int step(struct walk *walk, const char *name, const char *after)
{
    int fd = openat(here(walk), name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return (int)rawposix__result(-1);
    }
    struct stat stat;
    int error = fstat(fd, &stat) != 0 ? -errno : 0;
    if (error == 0 && S_ISLNK(stat.st_mode)) {
        error = follow(walk, fd, after);
        close(fd);
        return error;
    }
    if (error == 0 && !S_ISDIR(stat.st_mode)) {
        error = -ENOTDIR;
    }
    if (error == 0 && walk->depth == DEPTH_MAX) {
        error = -ENAMETOOLONG;
    }
    if (error != 0) {
        close(fd);
        return error;
    }
    walk->dirs[walk->depth++] = fd;
    memmove(walk->rest, after, strlen(after) + 1);
    return 0;
}

/* Whether the last component is a link, which then takes its own place in the path: 1, 0, -errno. */
static int follow_last(struct walk *walk, const char *name, const char *after)
{
    int fd = openat(here(walk), name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT ? 0 : (int)rawposix__result(-1); /* it may be about to be made */
    }
    struct stat stat;
    int result = fstat(fd, &stat) != 0 ? -errno : S_ISLNK(stat.st_mode);
    if (result == 1) {
        int error = follow(walk, fd, after);
        result = error != 0 ? error : 1;
    }
    close(fd);
    return result;
}

static int open_here(struct walk *walk, const char *name, bool directory, int flags, mode_t mode)
{
    if (directory && (flags & O_CREAT) != 0) {
        return -EISDIR;
    }
    int fd = openat(here(walk), name, flags | O_NOFOLLOW | (directory ? O_DIRECTORY : 0), mode);
    return fd >= 0 ? fd : (int)rawposix__result(-1);
}

/* Goes as far as the last component, and opens that. -EAGAIN: it has become a link meanwhile. */
static int walk_and_open(struct walk *walk, int flags, mode_t mode)
{
    bool follows = (flags & O_NOFOLLOW) == 0 && (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL);
    for (;;) {
        const char *begin = walk->rest + strspn(walk->rest, "/");
        size_t length = strcspn(begin, "/");
        const char *after = begin + length;
        bool last = after[strspn(after, "/")] == '\0';
        bool directory = last && *after == '/';
        char name[NAME_MAX + 1];
        if (length > NAME_MAX) {
            return -ENAMETOOLONG;
        }
        memcpy(name, begin, length);
        name[length] = '\0';
        if (length == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
            if (name[0] == '.' && name[1] == '.') {
                if (walk->depth == 0 && walk->base->beneath) {
                    return -EPERM;
                }
                up_to(walk, walk->depth > 0 ? walk->depth - 1 : 0);
            }
            if (last) {
                return open_here(walk, ".", false, flags, mode);
            }
            memmove(walk->rest, after, strlen(after) + 1);
            continue;
        }
        if (!last) {
            int error = step(walk, name, after);
            if (error != 0) {
                return error;
            }
            continue;
        }
        int followed = follows || directory ? follow_last(walk, name, after) : 0;
        if (followed < 0) {
            return followed;
        }
        if (followed == 0) {
            int fd = open_here(walk, name, directory, flags, mode);
            return fd == -ELOOP && follows ? -EAGAIN : fd;
        }
    }
}

static int open_by_components(const struct rawposix_base *base, const char *path, int flags, mode_t mode)
{
    int result = -EAGAIN;
    for (int i = 0; i < AGAIN_MAX && result == -EAGAIN; i++) {
        struct walk walk;
        walk.base = base;
        walk.depth = 0;
        walk.links = 0;
        size_t length = strlen(path);
        if (length >= sizeof walk.rest) {
            return -ENAMETOOLONG;
        }
        memcpy(walk.rest, path, length + 1);
        result = walk_and_open(&walk, flags, mode);
        up_to(&walk, 0);
    }
    return result;
}

int rawposix__open_below(const struct rawposix_base *base, const char *path, int flags, mode_t mode)
{
    if (path[0] == '\0') {
        return -ENOENT;
    }
    if (path[0] == '/' && base->beneath) {
        return -EPERM;
    }
    flags |= O_CLOEXEC;
    return has_openat2() ? open_by_kernel(base, path, flags, mode)
                         : open_by_components(base, path, flags, mode);
}

int rawposix__place(const struct rawposix_base *base, char *path, struct rawposix_place *place)
{
    *place = (struct rawposix_place){.fd = base->fd, .opened_fd = -1};
    if (path[0] == '\0') {
        return -ENOENT;
    }
    if (path[0] == '/' && base->beneath) {
        return -EPERM;
    }
    size_t end = strlen(path);
    while (end > 0 && path[end - 1] == '/') {
        end--;
    }
    if (end == 0) {
        place->name = "."; /* the root itself */
        return 0;
    }
    size_t begin = end;
    while (begin > 0 && path[begin - 1] != '/') {
        begin--;
    }
    place->name = path + begin;
    while (begin > 0 && path[begin - 1] == '/') {
        begin--;
    }
    if (begin == 0) {
        return 0; /* "name", "/name" */
    }
    path[begin] = '\0'; /* a slash before the name */
    int fd = rawposix__open_below(base, path, O_PATH | O_DIRECTORY, 0);
    if (fd < 0) {
        return fd;
    }
    place->fd = place->opened_fd = fd;
    return 0;
}

void rawposix__place_end(struct rawposix_place *place)
{
    if (place->opened_fd >= 0) {
        close(place->opened_fd);
        place->opened_fd = -1;
    }
}
