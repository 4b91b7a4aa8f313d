/* SPDX-License-Identifier: MIT */
/*
 * One function for each call, all of the same shape, and one table of them. Here are the table, the way to a cage's memory,
 * and the calls that have no file: null calls, time, chance.
 */
#include "suites/syscalls/layers/rawposix.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <tare/tare.h>

#include "suites/syscalls/layers/rawposix_internal.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "a cage's memory is little-endian, and is not converted");

TARE_MODULE("rawposix");
TARE_TIMER(pipe_syscall);
TARE_TIMER(poll_syscall);
TARE_TIMER(nanosleep_syscall);
TARE_TIMER(clock_gettime_syscall);
TARE_TIMER(clock_getres_syscall);
TARE_TIMER(getrandom_syscall);
TARE_TIMER(sched_yield_syscall);
TARE_TIMER(getpid_syscall);
TARE_TIMER(getppid_syscall);
TARE_TIMER(geteuid_syscall);

#define NS_PER_S INT64_C(1000000000)

/*
 * Addresses
 */

static struct cage *cage_of(struct rawposix_request *request, uint32_t id)
{
    if (id == request->caller->id) {
        return request->caller;
    }
    for (int i = 0; i < request->other_count; i++) {
        if (request->others[i]->id == id) {
            return request->others[i];
        }
    }
    struct cage *cage = cage_get(id);
    if (cage != NULL) {
        request->others[request->other_count++] = cage; /* at most one for each argument */
    }
    return cage;
}

void *rawposix__address(struct rawposix_request *request, int argument, uint64_t address, uint64_t size)
{
    const struct cage *cage = cage_of(request, request->from[argument]);
    return cage != NULL ? cage_at(cage, address, size) : NULL;
}

void *rawposix__at(struct rawposix_request *request, int argument, uint64_t size)
{
    return rawposix__address(request, argument, request->args[argument], size);
}

void *rawposix__array_at(struct rawposix_request *request, int argument, uint64_t count, uint64_t size)
{
    return count <= UINT32_MAX ? rawposix__at(request, argument, count * size) : NULL;
}

int rawposix__path(struct rawposix_request *request, int argument, char path[LIND_PATH_MAX])
{
    const struct cage *cage = cage_of(request, request->from[argument]);
    uint64_t address = request->args[argument];
    const char *text = cage != NULL ? cage_at(cage, address, 1) : NULL;
    if (text == NULL) {
        return -EFAULT;
    }
    /* The memory does not shrink, and another thread of the cage may write into it: bytes are looked at in the copy. */
    uint64_t room = __atomic_load_n(&cage->size, __ATOMIC_ACQUIRE) - address;
    size_t size = room < LIND_PATH_MAX ? (size_t)room : LIND_PATH_MAX;
    const char *end = memccpy(path, text, '\0', size);
    if (end == NULL) {
        return size < LIND_PATH_MAX ? -EFAULT : -ENAMETOOLONG;
    }
    return (int)(end - path) - 1;
}

int rawposix__path_of_length(struct rawposix_request *request, int argument, uint64_t length,
                             char path[LIND_PATH_MAX])
{
    const char *text = rawposix__at(request, argument, length);
    if (text == NULL) {
        return -EFAULT;
    }
    if (length >= LIND_PATH_MAX) {
        return -ENAMETOOLONG;
    }
    rawposix__copy_in(path, text, length);
    path[length] = '\0';
    return memchr(path, '\0', length) == NULL ? (int)length : -EINVAL;
}

/*
 * Files of the host
 */

static void close_owned(int under_fd, uint64_t data)
{
    (void)data;
    /* Linux frees the descriptor even when close reports an error, so there is nothing to repeat. */
    close(under_fd);
}

/* A program that writes where nobody reads, or beyond what the user allows, gets an error; its host would get a signal. */
static void ignore_if_default(int number)
{
    struct sigaction action;
    if (sigaction(number, NULL, &action) == 0 && (action.sa_flags & SA_SIGINFO) == 0 &&
        action.sa_handler == SIG_DFL) {
        action.sa_handler = SIG_IGN;
        sigaction(number, &action, NULL);
    }
}

static void init(void)
{
    fdtables_register_close_handler(RAWPOSIX_OWNED, close_owned);
    ignore_if_default(SIGPIPE);
    ignore_if_default(SIGXFSZ);
}

/* Before the first file. */
static void init_once(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init);
}

int rawposix__number(struct cage *cage, int under_fd, bool cloexec)
{
    init_once();
    int fd = fdtables_get_unused_virtual_fd(cage->fds, RAWPOSIX_OWNED, under_fd, 0, cloexec, 0);
    if (fd < 0) {
        close(under_fd);
    }
    return fd;
}

int rawposix_set_root(struct cage *cage, const char *directory)
{
    init_once();
    int under_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (under_fd < 0) {
        return (int)rawposix__result(-1);
    }
    struct fd_file *root = fd_file_new(RAWPOSIX_OWNED, under_fd, 0);
    if (root == NULL) {
        close(under_fd);
        return -ENOMEM;
    }
    if (cage->root != NULL) {
        fd_file_put(cage->root);
    }
    cage->root = root;
    cage->root_fd = under_fd;
    return 0;
}

int rawposix_adopt(struct cage *cage, int host_fd)
{
    int under_fd = fcntl(host_fd, F_DUPFD_CLOEXEC, 3);
    return under_fd < 0 ? (int)rawposix__result(-1) : rawposix__number(cage, under_fd, false);
}

int rawposix_lend(struct cage *cage, int host_fd)
{
    init_once();
    return fdtables_get_unused_virtual_fd(cage->fds, RAWPOSIX_LENT, host_fd, 0, false, 0);
}

int rawposix_open_root(struct cage *cage)
{
    if (cage->root_fd < 0) {
        return -ENOENT;
    }
    int under_fd = openat(cage->root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return under_fd < 0 ? (int)rawposix__result(-1) : rawposix__number(cage, under_fd, false);
}

int64_t rawposix_pipe(struct cage *cage, int32_t fds[2], int flags)
{
    if ((flags & ~(LIND_O_CLOEXEC | LIND_O_NONBLOCK)) != 0) {
        return -EINVAL;
    }
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | ((flags & LIND_O_NONBLOCK) != 0 ? O_NONBLOCK : 0)) != 0) {
        return rawposix__result(-1);
    }
    bool cloexec = (flags & LIND_O_CLOEXEC) != 0;
    int reading = rawposix__number(cage, ends[0], cloexec);
    if (reading < 0) {
        close(ends[1]);
        return reading;
    }
    int writing = rawposix__number(cage, ends[1], cloexec);
    if (writing < 0) {
        fdtables_close_virtualfd(cage->fds, reading);
        return writing;
    }
    fds[0] = reading;
    fds[1] = writing;
    return 0;
}

static int64_t pipe_at(struct rawposix_request *request, int flags)
{
    int32_t *fds = rawposix__array_at(request, 0, 2, sizeof(*fds));
    if (fds == NULL) {
        return -EFAULT;
    }
    int32_t made[2];
    int64_t result = rawposix_pipe(request->caller, made, flags);
    if (result == 0) {
        memcpy(fds, made, sizeof made); /* may be unaligned */
    }
    return result;
}

RAWPOSIX_CALL(pipe)
{
    TARE_SCOPE(pipe_syscall);
    return pipe_at(request, 0);
}

RAWPOSIX_CALL(pipe2)
{
    TARE_SCOPE(pipe_syscall);
    return pipe_at(request, rawposix__int(request, 1));
}

/*
 * Time
 */

/* Clocks by number that are the same for all; not those of other processes and devices. */
static bool known_clock(int clock)
{
    return clock >= CLOCK_REALTIME && clock <= CLOCK_BOOTTIME;
}

int64_t rawposix_clock_ns(int clock)
{
    struct timespec time;
    if (!known_clock(clock)) {
        return -EINVAL;
    }
    return clock_gettime(clock, &time) == 0 ? time.tv_sec * NS_PER_S + time.tv_nsec : -errno;
}

int64_t rawposix_clock_res_ns(int clock)
{
    struct timespec time;
    if (!known_clock(clock)) {
        return -EINVAL;
    }
    return clock_getres(clock, &time) == 0 ? time.tv_sec * NS_PER_S + time.tv_nsec : -errno;
}

static void put_time(void *to, int64_t ns)
{
    struct lind_timespec time = {.seconds = ns / NS_PER_S, .nanoseconds = (uint32_t)(ns % NS_PER_S)};
    memcpy(to, &time, sizeof time); /* may be unaligned */
}

RAWPOSIX_CALL(clock_gettime)
{
    TARE_SCOPE(clock_gettime_syscall);
    void *to = rawposix__at(request, 1, sizeof(struct lind_timespec));
    if (to == NULL) {
        return -EFAULT;
    }
    int64_t ns = rawposix_clock_ns(rawposix__int(request, 0));
    if (ns >= 0) {
        put_time(to, ns);
    }
    return ns < 0 ? ns : 0;
}

RAWPOSIX_CALL(clock_getres)
{
    TARE_SCOPE(clock_getres_syscall);
    void *to = rawposix__at(request, 1, sizeof(struct lind_timespec));
    if (to == NULL && request->args[1] != 0) {
        return -EFAULT;
    }
    int64_t ns = rawposix_clock_res_ns(rawposix__int(request, 0));
    if (ns >= 0 && request->args[1] != 0) {
        put_time(to, ns);
    }
    return ns < 0 ? ns : 0;
}

RAWPOSIX_CALL(clock_ns)
{
    TARE_SCOPE(clock_gettime_syscall);
    return rawposix_clock_ns(rawposix__int(request, 0));
}

RAWPOSIX_CALL(clock_res_ns)
{
    TARE_SCOPE(clock_getres_syscall);
    return rawposix_clock_res_ns(rawposix__int(request, 0));
}

/* `rest_ns`: what was left when a signal came; or NULL. */
static int64_t sleep_for(int clock, int64_t ns, bool absolute, int64_t *rest_ns)
{
    if (ns < 0 || (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME)) {
        return -EINVAL;
    }
    struct timespec time = {.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
    struct timespec rest = {0};
    int error = clock_nanosleep(clock, absolute ? TIMER_ABSTIME : 0, &time, &rest);
    if (error == EINTR && rest_ns != NULL) {
        *rest_ns = rest.tv_sec * NS_PER_S + rest.tv_nsec;
    }
    return -error;
}

int64_t rawposix_sleep_ns(int clock, int64_t ns, int absolute)
{
    return sleep_for(clock, ns, absolute != 0, NULL);
}

RAWPOSIX_CALL(sleep_ns)
{
    TARE_SCOPE(nanosleep_syscall);
    return rawposix_sleep_ns(rawposix__int(request, 0), (int64_t)request->args[1], rawposix__int(request, 2));
}

RAWPOSIX_CALL(nanosleep)
{
    TARE_SCOPE(nanosleep_syscall);
    struct lind_timespec time;
    const void *from = rawposix__at(request, 0, sizeof time);
    void *rest = rawposix__at(request, 1, sizeof time);
    if (from == NULL || (rest == NULL && request->args[1] != 0)) {
        return -EFAULT;
    }
    rawposix__copy_in(&time, from, sizeof time);
    if (time.seconds < 0 || time.nanoseconds >= NS_PER_S) {
        return -EINVAL;
    }
    /* What is longer than the 292 years that an int64_t has is without end. */
    int64_t ns = time.seconds < INT64_MAX / NS_PER_S ? time.seconds * NS_PER_S + time.nanoseconds : INT64_MAX;
    int64_t rest_ns = 0;
    int64_t result = sleep_for(CLOCK_MONOTONIC, ns, false, &rest_ns);
    if (result == -EINTR && request->args[1] != 0) {
        put_time(rest, rest_ns);
    }
    return result;
}

/*
 * Waiting
 */

/* Translates, waits, and gives back; the arrays have `count` elements. */
static int64_t poll_files(struct lind_pollfd *fds, size_t count, struct pollfd *host, struct fd_file **files,
                          struct fd_table *table, int64_t timeout_ns)
{
    int64_t unknown = 0;
    for (size_t i = 0; i < count; i++) {
        files[i] = fds[i].fd >= 0 ? fdtables_translate_virtual_fd(table, fds[i].fd) : NULL;
        host[i] = (struct pollfd){.fd = files[i] != NULL ? files[i]->under_fd : -1, .events = fds[i].events};
        unknown += fds[i].fd >= 0 && files[i] == NULL;
    }
    struct timespec timeout = {0};
    if (unknown == 0 && timeout_ns > 0) {
        timeout = (struct timespec){.tv_sec = timeout_ns / NS_PER_S, .tv_nsec = timeout_ns % NS_PER_S};
    }
    bool endless = timeout_ns < 0 && unknown == 0;
    int ready = ppoll(host, count, endless ? NULL : &timeout, NULL);
    int64_t result = ready < 0 ? -errno : ready + unknown;
    for (size_t i = 0; i < count; i++) {
        fds[i].revents = fds[i].fd >= 0 && files[i] == NULL ? POLLNVAL : host[i].revents;
        if (files[i] != NULL) {
            fd_file_put(files[i]);
        }
    }
    return result;
}

int64_t rawposix_poll(struct cage *cage, struct lind_pollfd *fds, size_t count, int64_t timeout_ns)
{
    if (count > LIND_FDS_MAX) {
        return -EINVAL;
    }
    struct pollfd host[LIND_FDS_MAX];
    struct fd_file *files[LIND_FDS_MAX];
    return poll_files(fds, count, host, files, cage->fds, timeout_ns);
}

static int64_t poll_at(struct rawposix_request *request, int64_t timeout_ns)
{
    uint64_t count = request->args[1];
    if (count > LIND_FDS_MAX) {
        return -EINVAL;
    }
    uint8_t *at = rawposix__array_at(request, 0, count, sizeof(struct lind_pollfd));
    if (at == NULL && count != 0) {
        return -EFAULT;
    }
    struct lind_pollfd fds[LIND_FDS_MAX];
    if (count != 0) {
        rawposix__copy_in(fds, at, count * sizeof(fds[0]));
    }
    int64_t result = rawposix_poll(request->caller, fds, count, timeout_ns);
    for (size_t i = 0; result >= 0 && i < count; i++) {
        memcpy(at + i * sizeof(fds[0]) + offsetof(struct lind_pollfd, revents), &fds[i].revents,
               sizeof(fds[i].revents));
    }
    return result;
}

RAWPOSIX_CALL(poll)
{
    TARE_SCOPE(poll_syscall);
    int timeout_ms = rawposix__int(request, 2);
    return poll_at(request, timeout_ms < 0 ? -1 : timeout_ms * INT64_C(1000000));
}

RAWPOSIX_CALL(poll_ns)
{
    TARE_SCOPE(poll_syscall);
    return poll_at(request, (int64_t)request->args[2]);
}

/*
 * Chance, and null calls
 */

RAWPOSIX_CALL(getrandom)
{
    TARE_SCOPE(getrandom_syscall);
    void *to = rawposix__at(request, 0, request->args[1]);
    if (to == NULL) {
        return -EFAULT;
    }
    unsigned flags = (unsigned)request->args[2];
    if ((flags & ~(unsigned)(GRND_NONBLOCK | GRND_RANDOM)) != 0) {
        return -EINVAL;
    }
    return rawposix__result(getrandom(to, request->args[1], flags));
}

RAWPOSIX_CALL(sched_yield)
{
    (void)request;
    TARE_SCOPE(sched_yield_syscall);
    return rawposix__result(sched_yield());
}

RAWPOSIX_CALL(getpid)
{
    TARE_SCOPE(getpid_syscall);
    return request->caller->id;
}

RAWPOSIX_CALL(getppid)
{
    TARE_SCOPE(getppid_syscall);
    return (int64_t)request->caller->parent;
}

RAWPOSIX_CALL(geteuid)
{
    (void)request;
    TARE_SCOPE(geteuid_syscall);
    return syscall(SYS_geteuid);
}

/*
 * The table
 */

static const struct {
    int64_t (*answer)(struct rawposix_request *request);
    const char *name;
} calls[LIND_CALLS_MAX] = {
#define CALL(number, name) [number] = {rawposix__##name, #name}
    CALL(LIND_READ, read),
    CALL(LIND_WRITE, write),
    CALL(LIND_OPEN, open),
    CALL(LIND_CLOSE, close),
    CALL(LIND_STAT, stat),
    CALL(LIND_FSTAT, fstat),
    CALL(LIND_LSTAT, lstat),
    CALL(LIND_POLL, poll),
    CALL(LIND_LSEEK, lseek),
    CALL(LIND_PREAD, pread),
    CALL(LIND_PWRITE, pwrite),
    CALL(LIND_READV, readv),
    CALL(LIND_WRITEV, writev),
    CALL(LIND_PIPE, pipe),
    CALL(LIND_SCHED_YIELD, sched_yield),
    CALL(LIND_DUP, dup),
    CALL(LIND_DUP2, dup2),
    CALL(LIND_NANOSLEEP, nanosleep),
    CALL(LIND_GETPID, getpid),
    CALL(LIND_SOCKET, socket),
    CALL(LIND_CONNECT, connect),
    CALL(LIND_ACCEPT, accept),
    CALL(LIND_SENDTO, sendto),
    CALL(LIND_RECVFROM, recvfrom),
    CALL(LIND_SHUTDOWN, shutdown),
    CALL(LIND_BIND, bind),
    CALL(LIND_LISTEN, listen),
    CALL(LIND_GETSOCKNAME, getsockname),
    CALL(LIND_GETPEERNAME, getpeername),
    CALL(LIND_SOCKETPAIR, socketpair),
    CALL(LIND_SETSOCKOPT, setsockopt),
    CALL(LIND_GETSOCKOPT, getsockopt),
    CALL(LIND_FCNTL, fcntl),
    CALL(LIND_FSYNC, fsync),
    CALL(LIND_FDATASYNC, fdatasync),
    CALL(LIND_FTRUNCATE, ftruncate),
    CALL(LIND_GETDENTS, getdents),
    CALL(LIND_RENAME, rename),
    CALL(LIND_MKDIR, mkdir),
    CALL(LIND_RMDIR, rmdir),
    CALL(LIND_LINK, link),
    CALL(LIND_UNLINK, unlink),
    CALL(LIND_SYMLINK, symlink),
    CALL(LIND_READLINK, readlink),
    CALL(LIND_GETEUID, geteuid),
    CALL(LIND_GETPPID, getppid),
    CALL(LIND_CLOCK_GETTIME, clock_gettime),
    CALL(LIND_CLOCK_GETRES, clock_getres),
    CALL(LIND_UTIMENSAT, utimensat),
    CALL(LIND_FALLOCATE, fallocate),
    CALL(LIND_ACCEPT4, accept4),
    CALL(LIND_DUP3, dup3),
    CALL(LIND_PIPE2, pipe2),
    CALL(LIND_PREADV, preadv),
    CALL(LIND_PWRITEV, pwritev),
    CALL(LIND_GETRANDOM, getrandom),
    CALL(LIND_PATH_OPEN, path_open),
    CALL(LIND_PATH_STAT, path_stat),
    CALL(LIND_PATH_MKDIR, path_mkdir),
    CALL(LIND_PATH_RMDIR, path_rmdir),
    CALL(LIND_PATH_UNLINK, path_unlink),
    CALL(LIND_PATH_RENAME, path_rename),
    CALL(LIND_PATH_LINK, path_link),
    CALL(LIND_PATH_SYMLINK, path_symlink),
    CALL(LIND_PATH_READLINK, path_readlink),
    CALL(LIND_PATH_UTIMENS, path_utimens),
    CALL(LIND_FUTIMENS, futimens),
    CALL(LIND_READDIR, readdir),
    CALL(LIND_RENUMBER, renumber),
    CALL(LIND_FDMODE, fdmode),
    CALL(LIND_CLOCK_NS, clock_ns),
    CALL(LIND_CLOCK_RES_NS, clock_res_ns),
    CALL(LIND_POLL_NS, poll_ns),
    CALL(LIND_SLEEP_NS, sleep_ns),
#undef CALL
};

const char *rawposix_call_name(uint32_t number)
{
    return number < LIND_CALLS_MAX ? calls[number].name : NULL;
}

int64_t rawposix_call(const struct lind_request *request, void *data)
{
    (void)data;
    if (request->number >= LIND_CALLS_MAX || calls[request->number].answer == NULL) {
        return -ENOSYS;
    }
    struct rawposix_request own; /* not all of it is set: a null call should cost nothing here */
    own.args = request->args;
    own.from = request->from;
    own.other_count = 0;
    bool held;
    own.caller = cage_borrow(request->caller, &held);
    if (own.caller == NULL) {
        return -ESRCH;
    }
    int64_t result = calls[request->number].answer(&own);
    for (int i = 0; i < own.other_count; i++) {
        cage_put(own.others[i]);
    }
    if (held) {
        cage_put(own.caller);
    }
    return result;
}
