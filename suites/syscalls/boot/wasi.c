/* SPDX-License-Identifier: MIT */
/*
 * WASI's functions as calls. Numbers of errors, flags and types of files are WASI's own; structures of stat and directory
 * entries are filled in by the call, and mended in place where they differ (rawposix.h has the layouts). A result that has no
 * room of its own in the cage's memory (a clock, a mode) comes as the call's value.
 */
#include "suites/syscalls/boot/wasi.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "suites/syscalls/boot/boot_internal.h"
#include "suites/syscalls/boot/lind_common.h"
#include "suites/syscalls/boot/wasi_internal.h"
#include "suites/syscalls/layers/rawposix.h"

#define MODULE "wasi_snapshot_preview1"

enum { /* types of files */
       TYPE_UNKNOWN = 0,
       TYPE_BLOCK = 1,
       TYPE_CHARACTER = 2,
       TYPE_DIRECTORY = 3,
       TYPE_REGULAR = 4,
       TYPE_STREAM = 6,
       TYPE_LINK = 7,
};

enum { /* flags */
       FD_APPEND = 1,
       FD_DSYNC = 2,
       FD_RSYNC = 8,
       FD_SYNC = 16,
       OPEN_CREAT = 1,
       OPEN_DIRECTORY = 2,
       OPEN_EXCL = 4,
       OPEN_TRUNC = 8,
       LOOKUP_FOLLOW = 1,
       TIME_ATIM = 1,
       TIME_ATIM_NOW = 2,
       TIME_MTIM = 4,
       TIME_MTIM_NOW = 8,
       RIGHT_READ = 1 << 1,
       RIGHT_SEEK = 1 << 2,
       RIGHT_TELL = 1 << 5,
       RIGHT_WRITE = 1 << 6,
       RIGHTS_ALL = (1 << 30) - 1,
};

static const struct {
    int error;
    uint8_t number;
} errors[] = {
    {E2BIG, 1},         {EACCES, 2},
    {EADDRINUSE, 3},    {EADDRNOTAVAIL, 4},
    {EAFNOSUPPORT, 5},  {EAGAIN, 6},
    {EALREADY, 7},      {EBADF, 8},
    {EBADMSG, 9},       {EBUSY, 10},
    {ECANCELED, 11},    {ECHILD, 12},
    {ECONNABORTED, 13}, {ECONNREFUSED, 14},
    {ECONNRESET, 15},   {EDEADLK, 16},
    {EDESTADDRREQ, 17}, {EDOM, 18},
    {EDQUOT, 19},       {EEXIST, 20},
    {EFAULT, 21},       {EFBIG, 22},
    {EHOSTUNREACH, 23}, {EIDRM, 24},
    {EILSEQ, 25},       {EINPROGRESS, 26},
    {EINTR, 27},        {EINVAL, 28},
    {EIO, 29},          {EISCONN, 30},
    {EISDIR, 31},       {ELOOP, 32},
    {EMFILE, 33},       {EMLINK, 34},
    {EMSGSIZE, 35},     {EMULTIHOP, 36},
    {ENAMETOOLONG, 37}, {ENETDOWN, 38},
    {ENETRESET, 39},    {ENETUNREACH, 40},
    {ENFILE, 41},       {ENOBUFS, 42},
    {ENODEV, 43},       {ENOENT, 44},
    {ENOEXEC, 45},      {ENOLCK, 46},
    {ENOLINK, 47},      {ENOMEM, 48},
    {ENOMSG, 49},       {ENOPROTOOPT, 50},
    {ENOSPC, 51},       {ENOSYS, 52},
    {ENOTCONN, 53},     {ENOTDIR, 54},
    {ENOTEMPTY, 55},    {ENOTRECOVERABLE, 56},
    {ENOTSOCK, 57},     {ENOTSUP, 58},
    {ENOTTY, 59},       {ENXIO, 60},
    {EOVERFLOW, 61},    {EOWNERDEAD, 62},
    {EPERM, 63},        {EPIPE, 64},
    {EPROTO, 65},       {EPROTONOSUPPORT, 66},
    {EPROTOTYPE, 67},   {ERANGE, 68},
    {EROFS, 69},        {ESPIPE, 70},
    {ESRCH, 71},        {ESTALE, 72},
    {ETIMEDOUT, 73},    {ETXTBSY, 74},
    {EXDEV, 75},
};

uint64_t wasi_error_of(int64_t result)
{
    if (result >= 0) {
        return WASI_SUCCESS;
    }
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        if (errors[i].error == -result) {
            return errors[i].number;
        }
    }
    return WASI_IO;
}

#define IMPORT(name) static uint64_t name(struct boot_cage *cage, const uint64_t *args)

/* Memory of the cage: WebAssembly's byte order is little-endian, and so are all processors that we know. */

uint64_t wasi_put(struct boot_cage *cage, uint64_t address, const void *bytes, size_t size)
{
    void *room = cage_at(cage->cage, address, size);
    if (room == NULL) {
        return WASI_FAULT;
    }
    memcpy(room, bytes, size);
    return WASI_SUCCESS;
}

uint64_t wasi_put_u32(struct boot_cage *cage, uint64_t address, uint64_t value)
{
    uint32_t word = (uint32_t)value;
    return wasi_put(cage, address, &word, sizeof(word));
}

static uint64_t put_u64(struct boot_cage *cage, uint64_t address, uint64_t value)
{
    return wasi_put(cage, address, &value, sizeof(value));
}

uint64_t wasi_put_result_u32(struct boot_cage *cage, uint64_t address, int64_t result)
{
    return result < 0 ? wasi_error_of(result) : wasi_put_u32(cage, address, (uint64_t)result);
}

static uint64_t put_result_u64(struct boot_cage *cage, uint64_t address, int64_t result)
{
    return result < 0 ? wasi_error_of(result) : put_u64(cage, address, (uint64_t)result);
}

static uint8_t type_of_mode(uint64_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFBLK:
        return TYPE_BLOCK;
    case S_IFCHR:
        return TYPE_CHARACTER;
    case S_IFDIR:
        return TYPE_DIRECTORY;
    case S_IFREG:
        return TYPE_REGULAR;
    case S_IFSOCK:
        return TYPE_STREAM;
    case S_IFLNK:
        return TYPE_LINK;
    default:
        return TYPE_UNKNOWN;
    }
}

/* Arguments and environment */

static uint64_t strings_sizes(struct boot_cage *cage, char *const *strings, const uint64_t *args)
{
    uint64_t count = 0, bytes = 0;
    for (; strings != NULL && strings[count] != NULL; count++) {
        bytes += strlen(strings[count]) + 1;
    }
    uint64_t result = wasi_put_u32(cage, args[0], count);
    return result != WASI_SUCCESS ? result : wasi_put_u32(cage, args[1], bytes);
}

static uint64_t strings_get(struct boot_cage *cage, char *const *strings, const uint64_t *args)
{
    uint64_t at = args[1];
    for (uint64_t i = 0; strings != NULL && strings[i] != NULL; i++) {
        size_t size = strlen(strings[i]) + 1;
        if (wasi_put_u32(cage, args[0] + 4 * i, at) != WASI_SUCCESS ||
            wasi_put(cage, at, strings[i], size) != WASI_SUCCESS) {
            return WASI_FAULT;
        }
        at += size;
    }
    return WASI_SUCCESS;
}

IMPORT(args_get)
{
    return strings_get(cage, cage->args, args);
}

IMPORT(args_sizes_get)
{
    return strings_sizes(cage, cage->args, args);
}

IMPORT(environ_get)
{
    return strings_get(cage, cage->environment, args);
}

IMPORT(environ_sizes_get)
{
    return strings_sizes(cage, cage->environment, args);
}

/* Clocks, chance, ends */

IMPORT(clock_res_get)
{
    return put_result_u64(cage, args[1], CALL(LIND_CLOCK_RES_NS, args[0], 0, 0, 0, 0, 0));
}

IMPORT(clock_time_get)
{
    return put_result_u64(cage, args[2], CALL(LIND_CLOCK_NS, args[0], 0, 0, 0, 0, 0));
}

IMPORT(random_get)
{
    for (uint64_t done = 0; done < args[1];) {
        int64_t got = CALL(LIND_GETRANDOM, args[0] + done, args[1] - done, 0, 0, 0, 0);
        if (got <= 0) {
            return got == 0 ? WASI_IO : wasi_error_of(got);
        }
        done += (uint64_t)got;
    }
    return WASI_SUCCESS;
}

IMPORT(sched_yield_import)
{
    (void)args;
    return wasi_error_of(CALL(LIND_SCHED_YIELD, 0, 0, 0, 0, 0, 0));
}

IMPORT(proc_exit)
{
    CALL(LIND_EXIT, args[0], 0, 0, 0, 0,
         0); /* whoever stands before rawposix hears of it; the end it is all the same */
    cage->ended = true;
    cage->exit_code = (int)args[0];
    return 0;
}

IMPORT(not_offered)
{
    (void)cage;
    (void)args;
    return WASI_NOSYS;
}

/* Descriptors */

IMPORT(fd_advise)
{
    return wasi_error_of(CALL(LIND_FDMODE, args[0], 0, 0, 0, 0, 0)); /* advice need not be taken */
}

IMPORT(fd_allocate)
{
    return wasi_error_of(CALL(LIND_FALLOCATE, args[0], 0, args[1], args[2], 0, 0));
}

IMPORT(fd_close)
{
    return wasi_error_of(CALL(LIND_CLOSE, args[0], 0, 0, 0, 0, 0));
}

IMPORT(fd_datasync)
{
    return wasi_error_of(CALL(LIND_FDATASYNC, args[0], 0, 0, 0, 0, 0));
}

IMPORT(fd_sync)
{
    return wasi_error_of(CALL(LIND_FSYNC, args[0], 0, 0, 0, 0, 0));
}

IMPORT(fd_fdstat_get)
{
    int64_t mode = CALL(LIND_FDMODE, args[0], 0, 0, 0, 0, 0);
    int64_t flags = mode < 0 ? mode : CALL(LIND_FCNTL, args[0], 3 /* F_GETFL */, 0, 0, 0, 0);
    if (flags < 0) {
        return wasi_error_of(flags);
    }
    struct {
        uint8_t type, unused;
        uint16_t flags;
        uint32_t unused_too;
        uint64_t rights, inheriting;
    } stat = {.type = type_of_mode((uint64_t)mode), .rights = RIGHTS_ALL, .inheriting = RIGHTS_ALL};
    stat.flags = (uint16_t)(((flags & LIND_O_APPEND) != 0 ? FD_APPEND : 0) |
                            ((flags & LIND_O_NONBLOCK) != 0 ? WASI_FD_NONBLOCK : 0) |
                            ((flags & LIND_O_SYNC) == LIND_O_SYNC ? FD_SYNC | FD_DSYNC
                             : (flags & LIND_O_DSYNC) != 0        ? FD_DSYNC
                                                                  : 0));
    if (stat.type == TYPE_CHARACTER) { /* by which libc tells a terminal */
        stat.rights &= ~(uint64_t)(RIGHT_SEEK | RIGHT_TELL);
    }
    if (stat.type != TYPE_DIRECTORY) {
        int access = (int)(flags & LIND_O_ACCMODE);
        stat.rights &= ~(uint64_t)((access == 0 ? RIGHT_WRITE : 0) | (access == 1 ? RIGHT_READ : 0));
    }
    return wasi_put(cage, args[1], &stat, sizeof(stat));
}

IMPORT(fd_fdstat_set_flags)
{
    if ((args[1] & ~(uint64_t)(FD_APPEND | WASI_FD_NONBLOCK)) != 0) {
        return WASI_INVAL; /* Linux cannot change the others either */
    }
    uint64_t flags = ((args[1] & FD_APPEND) != 0 ? LIND_O_APPEND : 0) |
                     ((args[1] & WASI_FD_NONBLOCK) != 0 ? LIND_O_NONBLOCK : 0);
    return wasi_error_of(CALL(LIND_FCNTL, args[0], 4 /* F_SETFL */, flags, 0, 0, 0));
}

IMPORT(fd_fdstat_set_rights)
{
    return wasi_error_of(
        CALL(LIND_FDMODE, args[0], 0, 0, 0, 0, 0)); /* rights are not kept: the root is the border */
}

/* struct lind_stat is a filestat, but for 8 bytes: there the type stands alone. */
static uint64_t mend_stat(struct boot_cage *cage, uint64_t address, int64_t result)
{
    struct lind_stat *stat = result < 0 ? NULL : cage_at(cage->cage, address, sizeof(*stat));
    if (stat == NULL) {
        return result < 0 ? wasi_error_of(result) : WASI_FAULT;
    }
    uint32_t words[2];
    memcpy(words, (uint8_t *)stat + offsetof(struct lind_stat, mode), sizeof(words));
    words[0] = type_of_mode(words[0]);
    words[1] = 0;
    memcpy((uint8_t *)stat + offsetof(struct lind_stat, mode), words, sizeof(words));
    return WASI_SUCCESS;
}

IMPORT(fd_filestat_get)
{
    return mend_stat(cage, args[1], CALL(LIND_FSTAT, args[0], args[1], 0, 0, 0, 0));
}

IMPORT(fd_filestat_set_size)
{
    return wasi_error_of(CALL(LIND_FTRUNCATE, args[0], args[1], 0, 0, 0, 0));
}

/* The two times as a call takes them; false: flags that contradict each other. */
static bool times_of(uint64_t accessed, uint64_t modified, uint64_t flags, int64_t times[2])
{
    times[0] = (flags & TIME_ATIM) != 0       ? (int64_t)accessed
               : (flags & TIME_ATIM_NOW) != 0 ? LIND_TIME_NOW
                                              : LIND_TIME_OMIT;
    times[1] = (flags & TIME_MTIM) != 0       ? (int64_t)modified
               : (flags & TIME_MTIM_NOW) != 0 ? LIND_TIME_NOW
                                              : LIND_TIME_OMIT;
    return (flags & (TIME_ATIM | TIME_ATIM_NOW)) != (TIME_ATIM | TIME_ATIM_NOW) &&
           (flags & (TIME_MTIM | TIME_MTIM_NOW)) != (TIME_MTIM | TIME_MTIM_NOW) && flags < 16;
}

IMPORT(fd_filestat_set_times)
{
    int64_t times[2];
    return times_of(args[1], args[2], args[3], times)
               ? wasi_error_of(CALL(LIND_FUTIMENS, args[0], times[0], times[1], 0, 0, 0))
               : WASI_INVAL;
}

IMPORT(fd_pread)
{
    return wasi_put_result_u32(cage, args[4], CALL(LIND_PREADV, args[0], args[1], args[2], args[3], 0, 0));
}

IMPORT(fd_pwrite)
{
    return wasi_put_result_u32(cage, args[4], CALL(LIND_PWRITEV, args[0], args[1], args[2], args[3], 0, 0));
}

IMPORT(fd_read)
{
    return wasi_put_result_u32(cage, args[3], CALL(LIND_READV, args[0], args[1], args[2], 0, 0, 0));
}

IMPORT(fd_write)
{
    return wasi_put_result_u32(cage, args[3], CALL(LIND_WRITEV, args[0], args[1], args[2], 0, 0, 0));
}

/* The root is the one directory that is open from the beginning, as "/". */
IMPORT(fd_prestat_get)
{
    const uint32_t prestat[2] = {0, 1};
    return cage->root_number >= 0 && args[0] == (uint64_t)cage->root_number
               ? wasi_put(cage, args[1], prestat, sizeof(prestat))
               : WASI_BADF;
}

IMPORT(fd_prestat_dir_name)
{
    if (cage->root_number < 0 || args[0] != (uint64_t)cage->root_number) {
        return WASI_BADF;
    }
    return args[2] < 1 ? WASI_INVAL : wasi_put(cage, args[1], "/", 1);
}

static uint8_t type_of_dirent(uint8_t type)
{
    static const uint8_t types[16] = {[2] = TYPE_CHARACTER, [4] = TYPE_DIRECTORY, [6] = TYPE_BLOCK,
                                      [8] = TYPE_REGULAR,   [10] = TYPE_LINK,     [12] = TYPE_STREAM};
    return type < sizeof(types) ? types[type] : TYPE_UNKNOWN;
}

IMPORT(fd_readdir)
{
    int64_t got = CALL(LIND_READDIR, args[0], args[1], args[2], args[3], 0, 0);
    uint8_t *entries = got < 0 ? NULL : cage_at(cage->cage, args[1], (uint64_t)got);
    if (entries == NULL) {
        return got < 0 ? wasi_error_of(got) : WASI_FAULT;
    }
    for (uint64_t at = 0; at + offsetof(struct lind_dirent, type) < (uint64_t)got;) {
        struct lind_dirent entry = {0};
        uint64_t left = (uint64_t)got - at;
        memcpy(&entry, entries + at, left < sizeof(entry) ? left : sizeof(entry));
        entries[at + offsetof(struct lind_dirent, type)] = type_of_dirent(entry.type);
        at += sizeof(entry) + entry.name_bytes;
    }
    return wasi_put_u32(cage, args[4], (uint64_t)got);
}

IMPORT(fd_renumber)
{
    return wasi_error_of(CALL(LIND_RENUMBER, args[0], args[1], 0, 0, 0, 0));
}

IMPORT(fd_seek)
{
    return args[2] > 2 ? WASI_INVAL
                       : put_result_u64(cage, args[3], CALL(LIND_LSEEK, args[0], args[1], args[2], 0, 0, 0));
}

IMPORT(fd_tell)
{
    return put_result_u64(cage, args[1], CALL(LIND_LSEEK, args[0], 0, 1, 0, 0, 0));
}

/* Paths: at, address and length go on as they are. -EPERM says that a path leads out of a directory. */

static uint64_t path_error(int64_t result)
{
    return result == -EPERM ? WASI_NOTCAPABLE : wasi_error_of(result);
}

static uint64_t follow(uint64_t lookup)
{
    return (lookup & LOOKUP_FOLLOW) != 0 ? 0 : LIND_AT_SYMLINK_NOFOLLOW;
}

/* `at` is a descriptor, always: the root's number -100 is not WASI's. */
static uint64_t at_of(uint64_t fd)
{
    return fd < LIND_FDS_MAX ? fd : LIND_FDS_MAX;
}

IMPORT(path_create_directory)
{
    return path_error(CALL(LIND_PATH_MKDIR, at_of(args[0]), args[1], args[2], 0777, 0, 0));
}

IMPORT(path_filestat_get)
{
    int64_t result = CALL(LIND_PATH_STAT, at_of(args[0]), args[2], args[3], args[4], follow(args[1]), 0);
    return result == -EPERM ? WASI_NOTCAPABLE : mend_stat(cage, args[4], result);
}

IMPORT(path_filestat_set_times)
{
    int64_t times[2];
    return times_of(args[4], args[5], args[6], times)
               ? path_error(CALL(LIND_PATH_UTIMENS, at_of(args[0]), args[2], args[3], times[0], times[1],
                                 follow(args[1])))
               : WASI_INVAL;
}

IMPORT(path_link)
{
    if ((args[1] & LOOKUP_FOLLOW) != 0) {
        return WASI_INVAL; /* as other runtimes have it */
    }
    return path_error(CALL(LIND_PATH_LINK, at_of(args[0]), args[2], args[3], at_of(args[4]), args[5], args[6]));
}

IMPORT(path_open)
{
    uint64_t wanted = args[4], rights = args[5], fd_flags = args[7];
    uint64_t flags = (rights & RIGHT_WRITE) == 0 ? 0 : (rights & RIGHT_READ) != 0 ? 2 : 1;
    if ((wanted & ~(uint64_t)15) != 0 || (fd_flags & ~(uint64_t)31) != 0) {
        return WASI_INVAL;
    }
    flags = (wanted & OPEN_DIRECTORY) != 0 ? LIND_O_DIRECTORY : flags;
    flags |= ((wanted & OPEN_CREAT) != 0 ? LIND_O_CREAT : 0) | ((wanted & OPEN_EXCL) != 0 ? LIND_O_EXCL : 0) |
             ((wanted & OPEN_TRUNC) != 0 ? LIND_O_TRUNC : 0) |
             ((fd_flags & FD_APPEND) != 0 ? LIND_O_APPEND : 0) |
             ((fd_flags & WASI_FD_NONBLOCK) != 0 ? LIND_O_NONBLOCK : 0) |
             ((fd_flags & FD_DSYNC) != 0 ? LIND_O_DSYNC : 0) |
             ((fd_flags & (FD_SYNC | FD_RSYNC)) != 0 ? LIND_O_SYNC : 0) |
             ((args[1] & LOOKUP_FOLLOW) != 0 ? 0 : LIND_O_NOFOLLOW);
    int64_t fd = CALL(LIND_PATH_OPEN, at_of(args[0]), args[2], args[3], flags, 0666, 0);
    if (fd < 0) {
        return path_error(fd);
    }
    uint64_t result = wasi_put_u32(cage, args[8], (uint64_t)fd);
    if (result != WASI_SUCCESS) {
        CALL(LIND_CLOSE, fd, 0, 0, 0, 0, 0);
    }
    return result;
}

IMPORT(path_readlink)
{
    int64_t result = CALL(LIND_PATH_READLINK, at_of(args[0]), args[1], args[2], args[3], args[4], 0);
    return result < 0 ? path_error(result) : wasi_put_u32(cage, args[5], (uint64_t)result);
}

IMPORT(path_remove_directory)
{
    return path_error(CALL(LIND_PATH_RMDIR, at_of(args[0]), args[1], args[2], 0, 0, 0));
}

IMPORT(path_rename)
{
    return path_error(
        CALL(LIND_PATH_RENAME, at_of(args[0]), args[1], args[2], at_of(args[3]), args[4], args[5]));
}

IMPORT(path_symlink)
{
    return path_error(CALL(LIND_PATH_SYMLINK, args[0], args[1], at_of(args[2]), args[3], args[4], 0));
}

IMPORT(path_unlink_file)
{
    return path_error(CALL(LIND_PATH_UNLINK, at_of(args[0]), args[1], args[2], 0, 0, 0));
}

const struct lind_import wasi_imports[] = {
    {MODULE, "args_get", "ii:i", args_get},
    {MODULE, "args_sizes_get", "ii:i", args_sizes_get},
    {MODULE, "environ_get", "ii:i", environ_get},
    {MODULE, "environ_sizes_get", "ii:i", environ_sizes_get},
    {MODULE, "clock_res_get", "ii:i", clock_res_get},
    {MODULE, "clock_time_get", "iIi:i", clock_time_get},
    {MODULE, "fd_advise", "iIIi:i", fd_advise},
    {MODULE, "fd_allocate", "iII:i", fd_allocate},
    {MODULE, "fd_close", "i:i", fd_close},
    {MODULE, "fd_datasync", "i:i", fd_datasync},
    {MODULE, "fd_fdstat_get", "ii:i", fd_fdstat_get},
    {MODULE, "fd_fdstat_set_flags", "ii:i", fd_fdstat_set_flags},
    {MODULE, "fd_fdstat_set_rights", "iII:i", fd_fdstat_set_rights},
    {MODULE, "fd_filestat_get", "ii:i", fd_filestat_get},
    {MODULE, "fd_filestat_set_size", "iI:i", fd_filestat_set_size},
    {MODULE, "fd_filestat_set_times", "iIIi:i", fd_filestat_set_times},
    {MODULE, "fd_pread", "iiiIi:i", fd_pread},
    {MODULE, "fd_prestat_get", "ii:i", fd_prestat_get},
    {MODULE, "fd_prestat_dir_name", "iii:i", fd_prestat_dir_name},
    {MODULE, "fd_pwrite", "iiiIi:i", fd_pwrite},
    {MODULE, "fd_read", "iiii:i", fd_read},
    {MODULE, "fd_readdir", "iiiIi:i", fd_readdir},
    {MODULE, "fd_renumber", "ii:i", fd_renumber},
    {MODULE, "fd_seek", "iIii:i", fd_seek},
    {MODULE, "fd_sync", "i:i", fd_sync},
    {MODULE, "fd_tell", "ii:i", fd_tell},
    {MODULE, "fd_write", "iiii:i", fd_write},
    {MODULE, "path_create_directory", "iii:i", path_create_directory},
    {MODULE, "path_filestat_get", "iiiii:i", path_filestat_get},
    {MODULE, "path_filestat_set_times", "iiiiIIi:i", path_filestat_set_times},
    {MODULE, "path_link", "iiiiiii:i", path_link},
    {MODULE, "path_open", "iiiiiIIii:i", path_open},
    {MODULE, "path_readlink", "iiiiii:i", path_readlink},
    {MODULE, "path_remove_directory", "iii:i", path_remove_directory},
    {MODULE, "path_rename", "iiiiii:i", path_rename},
    {MODULE, "path_symlink", "iiiii:i", path_symlink},
    {MODULE, "path_unlink_file", "iii:i", path_unlink_file},
    {MODULE, "poll_oneoff", "iiii:i", wasi_poll_oneoff},
    {MODULE, "proc_exit", "i:", proc_exit},
    {MODULE, "proc_raise", "i:i", not_offered},
    {MODULE, "random_get", "ii:i", random_get},
    {MODULE, "sched_yield", ":i", sched_yield_import},
    {MODULE, "sock_accept", "iii:i", wasi_sock_accept},
    {MODULE, "sock_recv", "iiiiii:i", wasi_sock_recv},
    {MODULE, "sock_send", "iiiii:i", wasi_sock_send},
    {MODULE, "sock_shutdown", "ii:i", wasi_sock_shutdown},
};
const size_t wasi_import_count = sizeof(wasi_imports) / sizeof(wasi_imports[0]);
