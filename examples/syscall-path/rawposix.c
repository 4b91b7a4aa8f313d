/* SPDX-License-Identifier: MIT */
/*
 * One function for each call, all of the same shape, and one table of them. What a cage says is not trusted:
 * a descriptor is looked up in the cage's table, an address is checked against the cage's memory, and only
 * then does the host hear of it.
 */
#include "rawposix.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include <tare/tare.h>

#include "fdtables.h"
#include "threei.h"

TARE_MODULE("rawposix");
TARE_TIMER(read_syscall);
TARE_TIMER(write_syscall);
TARE_TIMER(open_syscall);
TARE_TIMER(close_syscall);
TARE_TIMER(dup_syscall);
TARE_TIMER(geteuid_syscall);

enum {
    KIND_FILE = 0, /* a descriptor that open_syscall made, and that is closed with the last number for it */
};

/* A descriptor as a cage passes it: an int in the low half of the argument. */
static int fd_of(uint64_t arg)
{
    return (int)(uint32_t)arg;
}

/* What a host function returned, as the kernel would have said it. */
static int64_t result_of(int64_t returned)
{
    return returned < 0 ? -errno : returned;
}

static void close_file(int under_fd)
{
    /* Linux frees the descriptor even when close reports an error, so there is nothing to repeat. */
    close(under_fd);
}

static int64_t do_read(const struct threei_call *call)
{
    struct fdtables_entry entry;
    int error = fdtables_translate_virtual_fd(call->cage, fd_of(call->args[0]), &entry);
    if (error != 0) {
        return error;
    }
    void *buffer = threei_address(call->caller, call->args[1], call->args[2]);
    if (buffer == NULL) {
        return -EFAULT;
    }
    return result_of(read(entry.under_fd, buffer, call->args[2]));
}

static int64_t do_write(const struct threei_call *call)
{
    struct fdtables_entry entry;
    int error = fdtables_translate_virtual_fd(call->cage, fd_of(call->args[0]), &entry);
    if (error != 0) {
        return error;
    }
    const void *buffer = threei_address(call->caller, call->args[1], call->args[2]);
    if (buffer == NULL) {
        return -EFAULT;
    }
    return result_of(write(entry.under_fd, buffer, call->args[2]));
}

static int64_t read_syscall(uint64_t self, const struct threei_call *call)
{
    (void)self;
    tare_span span = TARE_BEGIN(read_syscall);
    int64_t result = do_read(call);
    if (result > 0) {
        TARE_BYTES(span, result);
    }
    TARE_END(span);
    return result;
}

static int64_t write_syscall(uint64_t self, const struct threei_call *call)
{
    (void)self;
    tare_span span = TARE_BEGIN(write_syscall);
    int64_t result = do_write(call);
    if (result > 0) {
        TARE_BYTES(span, result);
    }
    TARE_END(span);
    return result;
}

/*
 * Copies a cage's string, so that it cannot change between being checked and being used. Returns 0 or -errno.
 */
static int path_from_cage(char path[PATH_MAX], uint64_t cage, uint64_t address)
{
    for (size_t i = 0; i < PATH_MAX; i++) {
        const char *byte = threei_address(cage, address + i, 1);
        if (byte == NULL) {
            return -EFAULT;
        }
        path[i] = *byte;
        if (path[i] == '\0') {
            return 0;
        }
    }
    return -ENAMETOOLONG;
}

static int open_for(uint64_t cage, const char *path, int flags, mode_t mode)
{
    int under_fd = open(path, flags | O_CLOEXEC, mode);
    if (under_fd < 0) {
        return -errno;
    }
    int fd = fdtables_get_unused_virtual_fd(cage, KIND_FILE, under_fd, (flags & O_CLOEXEC) != 0);
    if (fd < 0) {
        close(under_fd);
    }
    return fd;
}

static int64_t open_syscall(uint64_t self, const struct threei_call *call)
{
    (void)self;
    TARE_SCOPE(open_syscall);
    char path[PATH_MAX];
    int error = path_from_cage(path, call->caller, call->args[0]);
    if (error != 0) {
        return error;
    }
    return open_for(call->cage, path, (int)call->args[1], (mode_t)call->args[2]);
}

static int64_t close_syscall(uint64_t self, const struct threei_call *call)
{
    (void)self;
    TARE_SCOPE(close_syscall);
    return fdtables_close_virtualfd(call->cage, fd_of(call->args[0]));
}

static int64_t dup_syscall(uint64_t self, const struct threei_call *call)
{
    (void)self;
    TARE_SCOPE(dup_syscall);
    return fdtables_dup_virtual_fd(call->cage, fd_of(call->args[0]));
}

static int64_t geteuid_syscall(uint64_t self, const struct threei_call *call)
{
    (void)self;
    (void)call;
    TARE_SCOPE(geteuid_syscall);
    return geteuid();
}

static const struct {
    uint64_t number;
    threei_handler *handler;
} served[] = {
    {CALL_READ, read_syscall},   {CALL_WRITE, write_syscall}, {CALL_OPEN, open_syscall},
    {CALL_CLOSE, close_syscall}, {CALL_DUP, dup_syscall},     {CALL_GETEUID, geteuid_syscall},
};

int rawposix_init(void)
{
    return fdtables_register_close_handlers(KIND_FILE, (struct fdtables_close_handlers){.last = close_file});
}

int rawposix_preopen(uint64_t cage, const char *path, int flags)
{
    return open_for(cage, path, flags, 0);
}

int rawposix_serve(uint64_t cage)
{
    for (size_t i = 0; i < sizeof(served) / sizeof(served[0]); i++) {
        int error = threei_register_handler(cage, served[i].number, served[i].handler, 0);
        if (error != 0) {
            return error;
        }
    }
    return 0;
}
