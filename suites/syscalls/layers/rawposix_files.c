/* SPDX-License-Identifier: MIT */
/* The calls on descriptors: the number becomes a file that is held while the host works on it, the address a pointer. */
#include <dirent.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <tare/tare.h>

#include "suites/syscalls/layers/rawposix_internal.h"

TARE_MODULE("rawposix");
TARE_TIMER(read_syscall);
TARE_TIMER(write_syscall);
TARE_TIMER(pread_syscall);
TARE_TIMER(pwrite_syscall);
TARE_TIMER(readv_syscall);
TARE_TIMER(writev_syscall);
TARE_TIMER(close_syscall);
TARE_TIMER(fstat_syscall);
TARE_TIMER(lseek_syscall);
TARE_TIMER(dup_syscall);
TARE_TIMER(dup2_syscall);
TARE_TIMER(fcntl_syscall);
TARE_TIMER(fsync_syscall);
TARE_TIMER(ftruncate_syscall);
TARE_TIMER(fallocate_syscall);
TARE_TIMER(futimens_syscall);
TARE_TIMER(getdents_syscall);

enum {
    LIND_F_DUPFD = 0,
    LIND_F_GETFD = 1,
    LIND_F_SETFD = 2,
    LIND_F_GETFL = 3,
    LIND_F_SETFL = 4,
    LIND_F_DUPFD_CLOEXEC = 1030,
};

/* Does something with the host's descriptor behind a number, which is held meanwhile, and gives the result. */
#define WITH_FILE(cage, number, host_fd, call)                                                                 \
    do {                                                                                                       \
        struct fd_file *file = fdtables_translate_virtual_fd((cage)->fds, (number));                           \
        if (file == NULL) {                                                                                    \
            return -EBADF;                                                                                     \
        }                                                                                                      \
        int host_fd = file->under_fd;                                                                          \
        int64_t with_result = rawposix__result(call);                                                          \
        fd_file_put(file);                                                                                     \
        return with_result;                                                                                    \
    } while (false)

/*
 * Reading and writing
 */

int64_t rawposix_read(struct cage *cage, int fd, void *buffer, size_t size)
{
    WITH_FILE(cage, fd, host_fd, read(host_fd, buffer, size));
}

int64_t rawposix_write(struct cage *cage, int fd, const void *buffer, size_t size)
{
    WITH_FILE(cage, fd, host_fd, write(host_fd, buffer, size));
}

int64_t rawposix_pread(struct cage *cage, int fd, void *buffer, size_t size, int64_t offset)
{
    WITH_FILE(cage, fd, host_fd, pread(host_fd, buffer, size, offset));
}

int64_t rawposix_pwrite(struct cage *cage, int fd, const void *buffer, size_t size, int64_t offset)
{
    WITH_FILE(cage, fd, host_fd, pwrite(host_fd, buffer, size, offset));
}

int64_t rawposix_readv(struct cage *cage, int fd, const struct iovec *vector, size_t count, int64_t offset)
{
    if (count > LIND_IOV_MAX) {
        return -EINVAL;
    }
    WITH_FILE(cage, fd, host_fd,
              offset < 0 ? readv(host_fd, vector, (int)count) : preadv(host_fd, vector, (int)count, offset));
}

int64_t rawposix_writev(struct cage *cage, int fd, const struct iovec *vector, size_t count, int64_t offset)
{
    if (count > LIND_IOV_MAX) {
        return -EINVAL;
    }
    WITH_FILE(cage, fd, host_fd,
              offset < 0 ? writev(host_fd, vector, (int)count) : pwritev(host_fd, vector, (int)count, offset));
}

RAWPOSIX_CALL(read)
{
    TARE_SCOPE(read_syscall);
    void *buffer = rawposix__at(request, 1, request->args[2]);
    return buffer != NULL ? rawposix_read(request->caller, rawposix__int(request, 0), buffer, request->args[2])
                          : -EFAULT;
}

RAWPOSIX_CALL(write)
{
    TARE_SCOPE(write_syscall);
    const void *buffer = rawposix__at(request, 1, request->args[2]);
    return buffer != NULL ? rawposix_write(request->caller, rawposix__int(request, 0), buffer, request->args[2])
                          : -EFAULT;
}

RAWPOSIX_CALL(pread)
{
    TARE_SCOPE(pread_syscall);
    void *buffer = rawposix__at(request, 1, request->args[2]);
    return buffer != NULL ? rawposix_pread(request->caller, rawposix__int(request, 0), buffer, request->args[2],
                                           (int64_t)request->args[3])
                          : -EFAULT;
}

RAWPOSIX_CALL(pwrite)
{
    TARE_SCOPE(pwrite_syscall);
    const void *buffer = rawposix__at(request, 1, request->args[2]);
    return buffer != NULL ? rawposix_pwrite(request->caller, rawposix__int(request, 0), buffer,
                                            request->args[2], (int64_t)request->args[3])
                          : -EFAULT;
}

/* The vector of a cage, copied and checked, as pointers of the host. 0, or -errno. */
static int vector_of(struct rawposix_request *request, struct iovec host[LIND_IOV_MAX], int *count)
{
    uint64_t number = request->args[2];
    if (number > LIND_IOV_MAX) {
        return -EINVAL;
    }
    const uint8_t *at = rawposix__array_at(request, 1, number, sizeof(struct lind_iovec));
    if (at == NULL) {
        return -EFAULT;
    }
    for (uint64_t i = 0; i < number; i++) {
        struct lind_iovec part;
        rawposix__copy_in(&part, at + i * sizeof part, sizeof part);
        void *base = rawposix__address(request, 1, part.base, part.length); /* where the vector lies itself */
        if (base == NULL) {
            return -EFAULT;
        }
        host[i] = (struct iovec){.iov_base = base, .iov_len = part.length};
    }
    *count = (int)number;
    return 0;
}

static int64_t vector_call(struct rawposix_request *request, bool writes, bool at_offset)
{
    struct iovec host[LIND_IOV_MAX];
    int count;
    int error = vector_of(request, host, &count);
    if (error != 0) {
        return error;
    }
    int64_t offset = at_offset ? (int64_t)request->args[3] : -1;
    if (at_offset && offset < 0) {
        return -EINVAL;
    }
    int fd = rawposix__int(request, 0);
    return writes ? rawposix_writev(request->caller, fd, host, (size_t)count, offset)
                  : rawposix_readv(request->caller, fd, host, (size_t)count, offset);
}

RAWPOSIX_CALL(readv)
{
    TARE_SCOPE(readv_syscall);
    return vector_call(request, false, false);
}

RAWPOSIX_CALL(writev)
{
    TARE_SCOPE(writev_syscall);
    return vector_call(request, true, false);
}

RAWPOSIX_CALL(preadv)
{
    TARE_SCOPE(pread_syscall);
    return vector_call(request, false, true);
}

RAWPOSIX_CALL(pwritev)
{
    TARE_SCOPE(pwrite_syscall);
    return vector_call(request, true, true);
}

/*
 * The file itself
 */

static int stat_fd(int host_fd, struct lind_stat *stat)
{
    struct stat host;
    if (fstat(host_fd, &host) != 0) {
        return -1;
    }
    rawposix__stat_of(&host, stat);
    return 0;
}

int64_t rawposix_fstat(struct cage *cage, int fd, struct lind_stat *stat)
{
    WITH_FILE(cage, fd, host_fd, stat_fd(host_fd, stat));
}

int64_t rawposix_fdmode(struct cage *cage, int fd)
{
    struct lind_stat stat;
    WITH_FILE(cage, fd, host_fd, stat_fd(host_fd, &stat) == 0 ? (int64_t)stat.mode : -1);
}

int64_t rawposix_lseek(struct cage *cage, int fd, int64_t offset, int whence)
{
    if (whence < SEEK_SET || whence > SEEK_HOLE) {
        return -EINVAL;
    }
    WITH_FILE(cage, fd, host_fd, lseek(host_fd, offset, whence));
}

int64_t rawposix_futimens(struct cage *cage, int fd, int64_t accessed_ns, int64_t modified_ns)
{
    struct timespec times[2] = {rawposix__host_time(accessed_ns), rawposix__host_time(modified_ns)};
    WITH_FILE(cage, fd, host_fd, futimens(host_fd, times));
}

int64_t rawposix_close(struct cage *cage, int fd)
{
    return fdtables_close_virtualfd(cage->fds, fd);
}

RAWPOSIX_CALL(close)
{
    TARE_SCOPE(close_syscall);
    return rawposix_close(request->caller, rawposix__int(request, 0));
}

RAWPOSIX_CALL(fstat)
{
    TARE_SCOPE(fstat_syscall);
    void *to = rawposix__at(request, 1, sizeof(struct lind_stat));
    if (to == NULL) {
        return -EFAULT;
    }
    struct lind_stat stat;
    int64_t result = rawposix_fstat(request->caller, rawposix__int(request, 0), &stat);
    if (result == 0) {
        memcpy(to, &stat, sizeof stat); /* may be unaligned */
    }
    return result;
}

RAWPOSIX_CALL(fdmode)
{
    TARE_SCOPE(fstat_syscall);
    return rawposix_fdmode(request->caller, rawposix__int(request, 0));
}

RAWPOSIX_CALL(lseek)
{
    TARE_SCOPE(lseek_syscall);
    return rawposix_lseek(request->caller, rawposix__int(request, 0), (int64_t)request->args[1],
                          rawposix__int(request, 2));
}

RAWPOSIX_CALL(futimens)
{
    TARE_SCOPE(futimens_syscall);
    return rawposix_futimens(request->caller, rawposix__int(request, 0), (int64_t)request->args[1],
                             (int64_t)request->args[2]);
}

RAWPOSIX_CALL(fsync)
{
    TARE_SCOPE(fsync_syscall);
    WITH_FILE(request->caller, rawposix__int(request, 0), host_fd, fsync(host_fd));
}

RAWPOSIX_CALL(fdatasync)
{
    TARE_SCOPE(fsync_syscall);
    WITH_FILE(request->caller, rawposix__int(request, 0), host_fd, fdatasync(host_fd));
}

RAWPOSIX_CALL(ftruncate)
{
    TARE_SCOPE(ftruncate_syscall);
    WITH_FILE(request->caller, rawposix__int(request, 0), host_fd, ftruncate(host_fd, (off_t)request->args[1]));
}

RAWPOSIX_CALL(fallocate)
{
    TARE_SCOPE(fallocate_syscall);
    if (request->args[1] != 0) {
        return -EOPNOTSUPP;
    }
    WITH_FILE(request->caller, rawposix__int(request, 0), host_fd,
              fallocate(host_fd, 0, (off_t)request->args[2], (off_t)request->args[3]));
}

/*
 * The number
 */

RAWPOSIX_CALL(dup)
{
    TARE_SCOPE(dup_syscall);
    return fdtables_dup_virtual_fd(request->caller->fds, rawposix__int(request, 0), 0, false);
}

RAWPOSIX_CALL(dup2)
{
    TARE_SCOPE(dup2_syscall);
    return fdtables_dup2_virtual_fd(request->caller->fds, rawposix__int(request, 0), rawposix__int(request, 1),
                                    false);
}

RAWPOSIX_CALL(dup3)
{
    TARE_SCOPE(dup2_syscall);
    int flags = rawposix__int(request, 2);
    if ((flags & ~LIND_O_CLOEXEC) != 0 || rawposix__int(request, 0) == rawposix__int(request, 1)) {
        return -EINVAL;
    }
    return fdtables_dup2_virtual_fd(request->caller->fds, rawposix__int(request, 0), rawposix__int(request, 1),
                                    (flags & LIND_O_CLOEXEC) != 0);
}

RAWPOSIX_CALL(renumber)
{
    TARE_SCOPE(dup2_syscall);
    return fdtables_renumber_virtual_fd(request->caller->fds, rawposix__int(request, 0),
                                        rawposix__int(request, 1));
}

/* What of the flags that a file was opened with a cage has to know. -1 and errno. */
static int64_t status_flags(int host_fd)
{
    int host = fcntl(host_fd, F_GETFL);
    if (host < 0) {
        return -1;
    }
    int64_t flags = host & O_ACCMODE;
    flags |= (host & O_APPEND) != 0 ? LIND_O_APPEND : 0;
    flags |= (host & O_NONBLOCK) != 0 ? LIND_O_NONBLOCK : 0;
    flags |= (host & O_SYNC) == O_SYNC ? LIND_O_SYNC : (host & O_DSYNC) != 0 ? LIND_O_DSYNC : 0;
    return flags;
}

static int set_status_flags(int host_fd, uint64_t flags)
{
    int before = fcntl(host_fd, F_GETFL);
    if (before < 0) {
        return -1;
    }
    int after = before & ~(O_APPEND | O_NONBLOCK);
    after |= (flags & LIND_O_APPEND) != 0 ? O_APPEND : 0;
    after |= (flags & LIND_O_NONBLOCK) != 0 ? O_NONBLOCK : 0;
    return fcntl(host_fd, F_SETFL, after);
}

int64_t rawposix_fcntl(struct cage *cage, int fd, int command, uint64_t argument)
{
    switch (command) {
    case LIND_F_DUPFD:
    case LIND_F_DUPFD_CLOEXEC:
        return fdtables_dup_virtual_fd(cage->fds, fd, (int)(uint32_t)argument, command == LIND_F_DUPFD_CLOEXEC);
    case LIND_F_GETFD:
        return fdtables_get_cloexec(cage->fds, fd);
    case LIND_F_SETFD:
        return fdtables_set_cloexec(cage->fds, fd, (argument & 1) != 0);
    case LIND_F_GETFL:
        WITH_FILE(cage, fd, host_fd, status_flags(host_fd));
    case LIND_F_SETFL:
        WITH_FILE(cage, fd, host_fd, set_status_flags(host_fd, argument));
    default:
        WITH_FILE(cage, fd, host_fd, ((void)host_fd, errno = EINVAL, -1));
    }
}

RAWPOSIX_CALL(fcntl)
{
    TARE_SCOPE(fcntl_syscall);
    return rawposix_fcntl(request->caller, rawposix__int(request, 0), rawposix__int(request, 1),
                          request->args[2]);
}

/*
 * Directories
 */

/* As the kernel writes them, which is the same on all processors. */
struct kernel_dirent {
    uint64_t inode;
    int64_t next;
    uint16_t entry_bytes;
    uint8_t type;
    char name[];
};

int64_t rawposix_getdents(struct cage *cage, int fd, void *buffer, size_t size)
{
    WITH_FILE(cage, fd, host_fd, syscall(SYS_getdents64, host_fd, buffer, size < INT32_MAX ? size : INT32_MAX));
}

/* Appends as much as there is room for. */
static size_t append(uint8_t *buffer, size_t used, size_t size, const void *from, size_t bytes)
{
    size_t fits = bytes < size - used ? bytes : size - used;
    memcpy(buffer + used, from, fits);
    return used + fits;
}

static int64_t read_directory(int host_fd, uint8_t *buffer, size_t size, uint64_t cookie)
{
    if (lseek(host_fd, (off_t)cookie, SEEK_SET) < 0) {
        return -1;
    }
    size_t used = 0;
    while (used < size) {
        _Alignas(struct kernel_dirent) char entries[8192];
        ssize_t got = syscall(SYS_getdents64, host_fd, entries, sizeof entries);
        if (got <= 0) {
            return got < 0 && used == 0 ? -1 : (int64_t)used;
        }
        for (ssize_t at = 0; at < got && used < size;) {
            const struct kernel_dirent *entry = (const void *)(entries + at);
            size_t name_bytes = strlen(entry->name);
            struct lind_dirent own = {.next = (uint64_t)entry->next,
                                      .inode = entry->inode,
                                      .name_bytes = (uint32_t)name_bytes,
                                      .type = entry->type};
            used = append(buffer, used, size, &own, sizeof own);
            used = append(buffer, used, size, entry->name, name_bytes);
            at += entry->entry_bytes;
        }
    }
    return (int64_t)used;
}

int64_t rawposix_readdir(struct cage *cage, int fd, void *buffer, size_t size, uint64_t cookie)
{
    WITH_FILE(cage, fd, host_fd, read_directory(host_fd, buffer, size, cookie));
}

RAWPOSIX_CALL(getdents)
{
    TARE_SCOPE(getdents_syscall);
    void *buffer = rawposix__at(request, 1, request->args[2]);
    return buffer != NULL
               ? rawposix_getdents(request->caller, rawposix__int(request, 0), buffer, request->args[2])
               : -EFAULT;
}

RAWPOSIX_CALL(readdir)
{
    TARE_SCOPE(getdents_syscall);
    void *buffer = rawposix__at(request, 1, request->args[2]);
    return buffer != NULL ? rawposix_readdir(request->caller, rawposix__int(request, 0), buffer,
                                             request->args[2], request->args[3])
                          : -EFAULT;
}
