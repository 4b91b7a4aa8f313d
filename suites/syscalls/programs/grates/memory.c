/* SPDX-License-Identifier: MIT */
/*
 * A grate that is a file system in memory: a file that the cage opens with O_CREAT lies in this grate's memory from then
 * on, and never in the host's file system; every other path is passed on. It goes with its last descriptor when it was
 * unlinked, and else with the grate.
 *
 * A descriptor of such a file has a number of the cage's own table: a duplicate of descriptor 0 is made, behind this
 * grate, for nothing but to hold the number, so that the lowest is given and the table is full when it is. What that leads
 * to is never read or written, as all calls on it come here first.
 *
 * It serves one cage. Paths are compared as they are written, without a leading "/" or "./"; folders cannot be made in
 * it. dup2, poll, mmap and the like are not taken.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "grate.h"

enum { FILES_MAX = 64, DESCRIPTORS_MAX = 1024, NAME_MAX_BYTES = 256, VECTOR_MAX = 64 };
#define FILE_MAX_BYTES (64u << 20)

/* Calls, as suites/syscalls/cage.h numbers them. */
enum {
    READ = 0,
    WRITE = 1,
    OPEN = 2,
    CLOSE = 3,
    FSTAT = 5,
    LSEEK = 8,
    PREAD = 17,
    PWRITE = 18,
    READV = 19,
    WRITEV = 20,
    DUP = 32,
    FSYNC = 74,
    FDATASYNC = 75,
    FTRUNCATE = 77,
    UNLINK = 87,
    PREADV = 295,
    PWRITEV = 296,
    PATH_OPEN = 400,
    PATH_STAT = 401,
    PATH_UNLINK = 404,
    FDMODE = 413,
};

static const int64_t mine[] = {READ,   WRITE,   OPEN,      CLOSE,     FSTAT,       LSEEK,     PREAD,
                               PWRITE, READV,   WRITEV,    FSYNC,     FDATASYNC,   FTRUNCATE, UNLINK,
                               PREADV, PWRITEV, PATH_OPEN, PATH_STAT, PATH_UNLINK, FDMODE};

enum { O_CREATES = 0100, O_EXCLUDES = 0200, O_TRUNCATES = 01000, O_APPENDS = 02000 };
enum { SEEK_FROM_START, SEEK_FROM_HERE, SEEK_FROM_END };
enum { MODE = 0100600 }; /* a regular file */

struct file {
    char name[NAME_MAX_BYTES]; /* "": it has none any more */
    uint8_t *content;
    uint32_t size, room, uses;
    bool used;
};

struct descriptor {
    struct file *file; /* NULL: none of ours */
    int64_t offset;
    bool appends;
};

/* In the cage's memory: rawposix.h. */
struct stat_of {
    uint64_t device, inode;
    uint32_t mode, unused;
    uint64_t links, size_bytes;
    int64_t accessed_ns, modified_ns, changed_ns;
};
struct piece {
    uint32_t base, length;
};

static struct file files[FILES_MAX];
static struct descriptor descriptors[DESCRIPTORS_MAX];
static int64_t cage; /* 0: none yet */

static int64_t at(const void *address)
{
    return (int64_t)(uintptr_t)address;
}

static struct descriptor *descriptor_of(int64_t fd)
{
    return fd >= 0 && fd < DESCRIPTORS_MAX && descriptors[fd].file != NULL ? &descriptors[fd] : NULL;
}

/* The path, as files are called. length < 0: it ends with NUL. 0 or a negative errno. */
static int64_t get_name(char name[NAME_MAX_BYTES], int64_t address, int64_t length)
{
    char path[NAME_MAX_BYTES + 4] = "";
    size_t size = 0;
    if (length >= (int64_t)sizeof(path)) {
        return -GRATE_ENAMETOOLONG;
    }
    if (length >= 0) {
        int64_t result = grate_copy(cage, address, GRATE_SELF, at(path), length);
        if (result < 0) {
            return result;
        }
        path[length] = '\0';
        size = strlen(path);
    } else {
        for (;; size++) { /* no further than the NUL: the memory may end there */
            int64_t result = grate_copy(cage, address + (int64_t)size, GRATE_SELF, at(&path[size]), 1);
            if (result < 0) {
                return result;
            }
            if (path[size] == '\0') {
                break;
            }
            if (size == sizeof(path) - 1) {
                return -GRATE_ENAMETOOLONG;
            }
        }
    }
    const char *from = path;
    while (*from == '/' || (from[0] == '.' && from[1] == '/')) {
        from++;
    }
    size = strlen(from);
    if (size >= NAME_MAX_BYTES) {
        return -GRATE_ENAMETOOLONG;
    }
    memcpy(name, from, size + 1);
    return 0;
}

static struct file *find(const char *name)
{
    for (struct file *file = files; file < files + FILES_MAX; file++) {
        if (file->used && *name != '\0' && strcmp(file->name, name) == 0) {
            return file;
        }
    }
    return NULL;
}

static struct file *make(const char *name)
{
    for (struct file *file = files; file < files + FILES_MAX; file++) {
        if (!file->used) {
            *file = (struct file){.used = true};
            strcpy(file->name, name);
            return file;
        }
    }
    return NULL;
}

static void drop_unused(struct file *file)
{
    if (file->uses == 0 && *file->name == '\0') {
        free(file->content);
        *file = (struct file){0};
    }
}

/* -GRATE_ENOSYS: not ours, to be passed on. */
static int64_t open_file(int64_t path, int64_t length, int64_t flags)
{
    char name[NAME_MAX_BYTES];
    int64_t result = get_name(name, path, length);
    if (result == -GRATE_ENAMETOOLONG) {
        return -GRATE_ENOSYS;
    }
    if (result < 0) {
        return result;
    }
    struct file *file = find(name);
    if (file != NULL && (flags & O_CREATES) != 0 && (flags & O_EXCLUDES) != 0) {
        return -GRATE_EEXIST;
    }
    if (file == NULL && ((flags & O_CREATES) == 0 || *name == '\0')) {
        return -GRATE_ENOSYS;
    }
    int64_t fd = grate_pass(cage, DUP, 0, 0, 0, 0, 0, 0);
    if (fd < 0) {
        return fd;
    }
    file = file != NULL ? file : make(name);
    if (file == NULL || fd >= DESCRIPTORS_MAX) {
        (void)grate_pass(cage, CLOSE, fd, 0, 0, 0, 0, 0);
        return -GRATE_ENOSPC;
    }
    if ((flags & O_TRUNCATES) != 0) {
        file->size = 0;
    }
    file->uses++;
    descriptors[fd] = (struct descriptor){.file = file, .appends = (flags & O_APPENDS) != 0};
    return fd;
}

static int64_t unlink_file(int64_t path, int64_t length)
{
    char name[NAME_MAX_BYTES];
    int64_t result = get_name(name, path, length);
    struct file *file = result == 0 ? find(name) : NULL;
    if (file == NULL) {
        return result < 0 && result != -GRATE_ENAMETOOLONG ? result : -GRATE_ENOSYS;
    }
    *file->name = '\0';
    drop_unused(file);
    return 0;
}

static int64_t close_file(struct descriptor *descriptor, int64_t fd)
{
    struct file *file = descriptor->file;
    *descriptor = (struct descriptor){0};
    file->uses--;
    drop_unused(file);
    return grate_pass(cage, CLOSE, fd, 0, 0, 0, 0, 0);
}

static int64_t tell_stat(const struct file *file, int64_t to)
{
    struct stat_of stat = {.inode = (uint64_t)(file - files) + 1,
                           .mode = MODE,
                           .links = *file->name != '\0',
                           .size_bytes = file->size};
    return grate_copy(GRATE_SELF, at(&stat), cage, to, sizeof(stat));
}

static int64_t resize(struct file *file, int64_t size)
{
    if (size < 0) {
        return -GRATE_EINVAL;
    }
    if (size > (int64_t)FILE_MAX_BYTES) {
        return -GRATE_EFBIG;
    }
    if (size > file->room) {
        uint32_t room = file->room < 4096 ? 4096 : file->room;
        while (room < size) {
            room *= 2;
        }
        uint8_t *content = realloc(file->content, room);
        if (content == NULL) {
            return -GRATE_ENOMEM;
        }
        file->content = content;
        file->room = room;
    }
    if (size > file->size) {
        memset(file->content + file->size, 0, (size_t)size - file->size);
    }
    file->size = (uint32_t)size;
    return 0;
}

/* A read or write of `size` bytes at `address`: what it moved, or a negative errno. */
static int64_t move(struct file *file, bool writes, int64_t address, int64_t size, int64_t offset)
{
    if (size < 0 || offset < 0) {
        return -GRATE_EINVAL;
    }
    if (!writes) {
        int64_t left = offset < file->size ? file->size - offset : 0;
        size = size < left ? size : left;
        int64_t result =
            grate_copy(GRATE_SELF, size == 0 ? 0 : at(file->content + offset), cage, address, size);
        return result < 0 ? result : size;
    }
    if (size > (int64_t)FILE_MAX_BYTES || offset > (int64_t)FILE_MAX_BYTES) {
        return -GRATE_EFBIG;
    }
    int64_t result = size != 0 && offset + size > file->size ? resize(file, offset + size) : 0;
    if (result == 0) {
        result = grate_copy(cage, address, GRATE_SELF, size == 0 ? 0 : at(file->content + offset), size);
    }
    return result < 0 ? result : size;
}

/* The same for a vector; what was moved before an error counts. */
static int64_t move_all(struct file *file, bool writes, int64_t vector, int64_t count, int64_t offset)
{
    struct piece pieces[VECTOR_MAX];
    if (count < 0 || count > VECTOR_MAX) {
        return -GRATE_EINVAL;
    }
    int64_t result = grate_copy(cage, vector, GRATE_SELF, at(pieces), count * (int64_t)sizeof(pieces[0]));
    int64_t moved = 0;
    for (int64_t i = 0; i < count && result >= 0; i++) {
        result = move(file, writes, pieces[i].base, pieces[i].length, offset + moved);
        moved += result > 0 ? result : 0;
        if (result >= 0 && result < (int64_t)pieces[i].length) {
            break;
        }
    }
    return moved > 0 || result >= 0 ? moved : result;
}

/* From where the descriptor stands, which moves on. */
static int64_t move_on(struct descriptor *descriptor, bool writes, bool vector, int64_t address, int64_t size)
{
    if (writes && descriptor->appends) {
        descriptor->offset = descriptor->file->size;
    }
    int64_t moved = (vector ? move_all : move)(descriptor->file, writes, address, size, descriptor->offset);
    descriptor->offset += moved > 0 ? moved : 0;
    return moved;
}

static int64_t seek(struct descriptor *descriptor, int64_t offset, int64_t whence)
{
    int64_t from = whence == SEEK_FROM_START  ? 0
                   : whence == SEEK_FROM_HERE ? descriptor->offset
                   : whence == SEEK_FROM_END  ? descriptor->file->size
                                              : -1;
    int64_t to;
    if (from < 0 || __builtin_add_overflow(from, offset, &to) || to < 0) {
        return -GRATE_EINVAL;
    }
    return descriptor->offset = to;
}

/* Calls on a descriptor of ours. */
static int64_t with_descriptor(struct descriptor *descriptor, int64_t number, int64_t fd, int64_t b, int64_t c,
                               int64_t d)
{
    struct file *file = descriptor->file;
    switch (number) {
    case READ:
    case WRITE:
    case READV:
    case WRITEV:
        return move_on(descriptor, number == WRITE || number == WRITEV, number == READV || number == WRITEV, b,
                       c);
    case PREAD:
    case PWRITE:
        return move(file, number == PWRITE, b, c, d);
    case PREADV:
    case PWRITEV:
        return d < 0 ? -GRATE_EINVAL : move_all(file, number == PWRITEV, b, c, d);
    case CLOSE:
        return close_file(descriptor, fd);
    case FSTAT:
        return tell_stat(file, b);
    case LSEEK:
        return seek(descriptor, b, c);
    case FTRUNCATE:
        return resize(file, b);
    case FSYNC:
    case FDATASYNC:
        return 0;
    case FDMODE:
        return MODE;
    default:
        return -GRATE_ENOSYS;
    }
}

GRATE_EXPORT("lind_handle")
int64_t lind_handle(int64_t number, int64_t caller, int64_t a, int64_t b, int64_t c, int64_t d, int64_t e,
                    int64_t f)
{
    int64_t result = -GRATE_ENOSYS;
    if (caller != cage) {
        return grate_pass(caller, number, a, b, c, d, e, f);
    }
    if (number == OPEN) {
        result = open_file(a, -1, b);
    } else if (number == PATH_OPEN) {
        result = open_file(b, c < 0 ? 0 : c, d);
    } else if (number == UNLINK) {
        result = unlink_file(a, -1);
    } else if (number == PATH_UNLINK) {
        result = unlink_file(b, c < 0 ? 0 : c);
    } else if (number == PATH_STAT) {
        char name[NAME_MAX_BYTES];
        struct file *file = get_name(name, b, c < 0 ? 0 : c) == 0 ? find(name) : NULL;
        result = file != NULL ? tell_stat(file, d) : -GRATE_ENOSYS;
    } else if (descriptor_of(a) != NULL) {
        return with_descriptor(descriptor_of(a), number, a, b, c, d);
    }
    return result == -GRATE_ENOSYS ? grate_pass(caller, number, a, b, c, d, e, f) : result;
}

GRATE_EXPORT("lind_setup")
int64_t lind_setup(int64_t served)
{
    if (cage != 0) {
        return -GRATE_EBUSY;
    }
    cage = served;
    int64_t result = 0;
    for (size_t i = 0; i < sizeof(mine) / sizeof(mine[0]) && result >= 0; i++) {
        result = grate_register(cage, mine[i], 1);
    }
    return result;
}
