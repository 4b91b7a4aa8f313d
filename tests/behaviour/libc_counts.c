/* SPDX-License-Identifier: MIT */
/*
 * Every timer of libtare-libc.so counts exactly the calls that this program makes, and the bytes that they
 * moved: the fortified and the 64-bit names as well, nothing of what libc or libtare call for themselves, and
 * no other timer. What the calls return, and errno, is what libc says.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/behaviour/libc_preload.h"

ssize_t __read_chk(int fd, void *to, size_t size, size_t room);
ssize_t __pread_chk(int fd, void *to, size_t size, off_t at, size_t room);
ssize_t __pread64_chk(int fd, void *to, size_t size, off64_t at, size_t room);
ssize_t __recv_chk(int fd, void *to, size_t size, size_t room, int flags);
ssize_t __recvfrom_chk(int fd, void *to, size_t size, size_t room, int flags, struct sockaddr *from,
                       socklen_t *n);
int __poll_chk(struct pollfd *fds, nfds_t n, int limit_ms, size_t room);
int __ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *limit, const sigset_t *mask, size_t room);
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int at, const char *path, int flags);
int __openat64_2(int at, const char *path, int flags);

struct expected {
    const char *name;
    uint64_t calls;
    uint64_t bytes;
};
static struct expected expected[64];
static size_t expected_n;

static void expect(const char *name, uint64_t calls, int64_t bytes)
{
    struct expected *e = expected;
    while (e < expected + expected_n && strcmp(e->name, name) != 0) {
        e++;
    }
    if (e == expected + expected_n) {
        expected_n++;
        e->name = name;
    }
    e->calls += calls;
    e->bytes += bytes > 0 ? (uint64_t)bytes : 0;
}

/* Makes a call that must return `result`, and expects the timer to have counted it. */
#define CALL(timer, result, call)                                                                              \
    do {                                                                                                       \
        errno = 4711;                                                                                          \
        int64_t got_ = (int64_t)(call);                                                                        \
        if (got_ != (int64_t)(result) || (got_ >= 0 && errno != 4711)) {                                       \
            wrong_line = __LINE__;                                                                             \
            wrong_result = got_;                                                                               \
            wrong_errno = errno;                                                                               \
        }                                                                                                      \
        expect(#timer, 1, 0);                                                                                  \
    } while (0)

/* The same, where the result is the number of bytes. */
#define MOVE(timer, result, call)                                                                              \
    do {                                                                                                       \
        CALL(timer, result, call);                                                                             \
        expect(#timer, 0, result);                                                                             \
    } while (0)

/* Nothing is printed while the timers are on: it would be counted. */
static int wrong_line;
static int64_t wrong_result;
static int wrong_errno;

static char buffer[256];
static const char *missing = "/nonexistent/file";

static void files(int fd)
{
    char other[100];
    struct iovec parts[2] = {{buffer, 10}, {other, 20}};
    MOVE(write, 100, write(fd, buffer, 100));
    MOVE(write, -1, write(-1, buffer, 100));
    MOVE(pwrite, 50, pwrite(fd, buffer, 50, 100));
    MOVE(pwrite, 50, pwrite64(fd, buffer, 50, 150));
    MOVE(writev, 30, writev(fd, parts, 2));
    MOVE(pwritev, 30, pwritev(fd, parts, 2, 0));
    MOVE(pwritev, 30, pwritev64(fd, parts, 2, 0));
    MOVE(pread, 60, pread(fd, buffer, 60, 0));
    MOVE(pread, 61, pread64(fd, buffer, 61, 0));
    MOVE(pread, 62, __pread_chk(fd, buffer, 62, 0, sizeof(buffer)));
    MOVE(pread, 63, __pread64_chk(fd, buffer, 63, 0, sizeof(buffer)));
    MOVE(preadv, 30, preadv(fd, parts, 2, 0));
    MOVE(preadv, 30, preadv64(fd, parts, 2, 0));
    lseek(fd, 0, SEEK_SET);
    MOVE(read, 40, read(fd, buffer, 40));
    MOVE(read, 41, __read_chk(fd, buffer, 41, sizeof(buffer)));
    MOVE(read, -1, read(-1, buffer, 1));
    MOVE(readv, 30, readv(fd, parts, 2));
    MOVE(read, 89, read(fd, buffer, 200));
    MOVE(read, 0, read(fd, buffer, 200));

    int to = memfd_create("copy", MFD_CLOEXEC);
    off64_t from_at = 0, to_at = 0;
    MOVE(sendfile, 70, sendfile(to, fd, &from_at, 70));
    MOVE(sendfile, 70, sendfile64(to, fd, &from_at, 70));
    from_at = 0;
    errno = 4711;
    ssize_t copied = copy_file_range(fd, &from_at, fd, &to_at, 0, 0);
    expect("copy_file_range", 1, copied);
    CALL(fsync, 0, fsync(fd));
    CALL(fdatasync, 0, fdatasync(fd));
    CALL(fcntl, FD_CLOEXEC, fcntl(to, F_GETFD));
    CALL(fcntl, 0, fcntl64(to, F_SETFD, 0));
    int waiting = 0;
    CALL(ioctl, 0, ioctl(fd, FIONREAD, &waiting));
    CALL(close, 0, close(to));
    CALL(close, -1, close(to));

    void *mapped = MAP_FAILED;
    CALL(mmap, 0, (mapped = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0)) == MAP_FAILED);
    CALL(munmap, 0, munmap(mapped, 4096));
    CALL(mmap, 0, (mapped = mmap64(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0)) == MAP_FAILED);
    CALL(munmap, 0, munmap(mapped, 4096));
}

/* Opens with and without a mode; the descriptor is the one just closed. */
static void opens(const char *path, int next)
{
    char created[300];
    snprintf(created, sizeof(created), "%s.created", path);
    struct stat st;
#define OPENED(timer, call)                                                                                    \
    CALL(timer, next, call);                                                                                   \
    CALL(close, 0, close(next))
    OPENED(open, open(path, O_RDONLY));
    OPENED(open, open64(path, O_RDONLY));
    OPENED(open, __open_2(path, O_RDONLY));
    OPENED(open, __open64_2(path, O_RDONLY));
    OPENED(openat, openat(AT_FDCWD, path, O_RDONLY));
    OPENED(openat, openat64(AT_FDCWD, path, O_RDONLY));
    OPENED(openat, __openat_2(AT_FDCWD, path, O_RDONLY));
    OPENED(openat, __openat64_2(AT_FDCWD, path, O_RDONLY));
    CALL(open, -1, open(missing, O_RDONLY));
    OPENED(open, open(created, O_CREAT | O_EXCL | O_WRONLY, 0640));
    CALL(stat, 0, stat(created, &st));
    if ((st.st_mode & 0777) != 0640) {
        wrong_line = __LINE__;
    }
    unlink(created);
    OPENED(openat, openat(AT_FDCWD, created, O_CREAT | O_EXCL | O_WRONLY, 0600));
    CALL(lstat, 0, lstat(created, &st));
    if ((st.st_mode & 0777) != 0600) {
        wrong_line = __LINE__;
    }
    OPENED(open, creat(created, 0600));
    OPENED(open, creat64(created, 0600));
    unlink(created);
}

static void stats(int fd, const char *path)
{
    struct stat st;
    struct stat64 st64;
    struct statx stx;
    CALL(stat, 0, stat(path, &st));
    CALL(stat, 0, stat64(path, &st64));
    CALL(stat, -1, stat(missing, &st));
    CALL(fstat, 0, fstat(fd, &st));
    CALL(fstat, 0, fstat64(fd, &st64));
    CALL(lstat, 0, lstat(path, &st));
    CALL(lstat, 0, lstat64(path, &st64));
    CALL(fstatat, 0, fstatat(AT_FDCWD, path, &st, 0));
    CALL(fstatat, 0, fstatat64(AT_FDCWD, path, &st64, 0));
    CALL(statx, 0, statx(AT_FDCWD, path, 0, STATX_SIZE, &stx));
}

/* What programs linked before glibc 2.33 call; new ones cannot be linked with it. */
static void old_stats(int fd, const char *path)
{
#ifdef __x86_64__
    const int layout = 1;
#else
    const int layout = 0;
#endif
    struct stat st = {0};
    int (*by_path)(int, const char *, struct stat *) = NULL;
    int (*by_fd)(int, int, struct stat *) = NULL;
    int (*by_at)(int, int, const char *, struct stat *, int) = NULL;
    *(void **)&by_path = dlsym(RTLD_DEFAULT, "__xstat");
    *(void **)&by_fd = dlsym(RTLD_DEFAULT, "__fxstat64");
    *(void **)&by_at = dlsym(RTLD_DEFAULT, "__fxstatat");
    CALL(stat, 0, by_path(layout, path, &st));
    CALL(fstat, 0, by_fd(layout, fd, &st));
    CALL(fstatat, 0, by_at(layout, AT_FDCWD, path, &st, 0));
    *(void **)&by_path = dlsym(RTLD_DEFAULT, "__lxstat");
    CALL(lstat, 0, by_path(layout, path, &st));
    if (!S_ISREG(st.st_mode)) {
        wrong_line = __LINE__;
    }
}

static void sockets(void)
{
    int pair[2];
    struct iovec part = {buffer, 30};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    struct mmsghdr messages[2] = {{.msg_hdr = message}, {.msg_hdr = message}};
    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) != 0) {
        wrong_line = __LINE__;
        return;
    }
    MOVE(send, 11, send(pair[0], buffer, 11, 0));
    MOVE(recv, 11, recv(pair[1], buffer, 100, 0));
    MOVE(send, 12, send(pair[0], buffer, 12, 0));
    MOVE(recv, 12, __recv_chk(pair[1], buffer, 100, sizeof(buffer), 0));
    MOVE(sendto, 13, sendto(pair[0], buffer, 13, 0, NULL, 0));
    MOVE(recvfrom, 13, recvfrom(pair[1], buffer, 100, 0, NULL, NULL));
    MOVE(sendto, 14, sendto(pair[0], buffer, 14, 0, NULL, 0));
    MOVE(recvfrom, 14, __recvfrom_chk(pair[1], buffer, 100, sizeof(buffer), 0, NULL, NULL));
    MOVE(sendmsg, 30, sendmsg(pair[0], &message, 0));
    MOVE(recvmsg, 30, recvmsg(pair[1], &message, 0));
    CALL(sendmmsg, 2, sendmmsg(pair[0], messages, 2, 0));
    expect("sendmmsg", 0, 60);
    CALL(recvmmsg, 2, recvmmsg(pair[1], messages, 2, 0, NULL));
    expect("recvmmsg", 0, 60);
    MOVE(recv, -1, recv(pair[1], buffer, 100, MSG_DONTWAIT));
    CALL(recvmmsg, -1, recvmmsg(pair[1], messages, 2, MSG_DONTWAIT, NULL));

    struct pollfd ready = {.fd = pair[0], .events = POLLOUT};
    struct timespec at_once = {0, 0};
    struct timeval now = {0, 0};
    struct epoll_event event = {.events = EPOLLOUT};
    CALL(poll, 1, poll(&ready, 1, 0));
    CALL(poll, 1, __poll_chk(&ready, 1, 0, sizeof(ready)));
    CALL(ppoll, 1, ppoll(&ready, 1, &at_once, NULL));
    CALL(ppoll, 1, __ppoll_chk(&ready, 1, &at_once, NULL, sizeof(ready)));
    CALL(select, 0, select(0, NULL, NULL, NULL, &now));
    CALL(pselect, 0, pselect(0, NULL, NULL, NULL, &at_once, NULL));
    int epoll = epoll_create1(0);
    epoll_ctl(epoll, EPOLL_CTL_ADD, pair[0], &event);
    CALL(epoll_wait, 1, epoll_wait(epoll, &event, 1, 0));
    CALL(epoll_pwait, 1, epoll_pwait(epoll, &event, 1, 0, NULL));
    CALL(close, 0, close(epoll));
    CALL(close, 0, close(pair[0]));
    CALL(close, 0, close(pair[1]));
}

/* The lowest free one, found past libc's functions, which are counted. */
static int next_descriptor(void)
{
    int next = (int)syscall(SYS_dup, 0);
    syscall(SYS_close, next);
    return next;
}

static void connections(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t size = sizeof(sa_family_t); /* the kernel chooses an abstract name */
    int server = socket(AF_UNIX, SOCK_STREAM, 0);
    bind(server, (struct sockaddr *)&address, size);
    size = sizeof(address);
    getsockname(server, (struct sockaddr *)&address, &size);
    listen(server, 5);
    int client[2] = {socket(AF_UNIX, SOCK_STREAM, 0), socket(AF_UNIX, SOCK_STREAM, 0)};
    CALL(connect, 0, connect(client[0], (struct sockaddr *)&address, size));
    CALL(connect, 0, connect(client[1], (struct sockaddr *)&address, size));
    int accepted[2] = {next_descriptor()};
    CALL(accept, accepted[0], accept(server, NULL, NULL));
    accepted[1] = next_descriptor();
    CALL(accept4, accepted[1], accept4(server, NULL, NULL, SOCK_CLOEXEC));
    const int all[] = {server, client[0], client[1], accepted[0], accepted[1]};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        CALL(close, 0, close(all[i]));
    }
}

static void memory(void)
{
    /* Through pointers, or the compiler would remove the pairs. */
    void *(*volatile get)(size_t) = malloc;
    void *(*volatile get_zeroed)(size_t, size_t) = calloc;
    void *(*volatile resize)(void *, size_t) = realloc;
    void (*volatile give_back)(void *) = free;
    for (int i = 0; i < 1000; i++) {
        void *p = NULL, *q = NULL;
        CALL(malloc, 1, (p = get((size_t)i + 1)) != NULL);
        CALL(calloc, 1, (q = get_zeroed(3, (size_t)i + 1)) != NULL);
        CALL(realloc, 1, (p = resize(p, 5000)) != NULL);
        CALL(free, 0, (give_back(p), 0));
        CALL(free, 0, (give_back(q), 0));
    }
    void *p = NULL;
    CALL(posix_memalign, 0, posix_memalign(&p, 64, 100));
    if (malloc_usable_size(p) < 100) { /* has no timer */
        wrong_line = __LINE__;
    }
    CALL(free, 0, (give_back(p), 0));
    CALL(aligned_alloc, 0, (uintptr_t)(p = aligned_alloc(4096, 8192)) % 4096);
    CALL(free, 0, (give_back(p), 0));
    CALL(memalign, 0, (uintptr_t)(p = memalign(256, 10)) % 256);
    CALL(free, 0, (give_back(p), 0));
    CALL(free, 0, (give_back(NULL), 0));
    errno = 0;
    p = get(SIZE_MAX / 2);
    if (p != NULL || errno != ENOMEM) {
        wrong_line = __LINE__;
    }
    expect("malloc", 1, 0);
}

static void waits(void)
{
    struct timespec nanosecond = {0, 1}, past = {0, 0};
    for (int i = 0; i < 3; i++) {
        CALL(nanosleep, 0, nanosleep(&nanosecond, NULL));
        CALL(clock_nanosleep, 0, clock_nanosleep(CLOCK_MONOTONIC, 0, &nanosecond, NULL));
    }
    CALL(usleep, 0, usleep(1));
    CALL(sleep, 0, sleep(0));
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
    for (int i = 0; i < 500; i++) {
        CALL(pthread_mutex_lock, 0, pthread_mutex_lock(&mutex));
        pthread_mutex_unlock(&mutex);
    }
    CALL(pthread_mutex_lock, 0, pthread_mutex_lock(&mutex));
    CALL(pthread_cond_timedwait, ETIMEDOUT, pthread_cond_timedwait(&condition, &mutex, &past));
    CALL(pthread_cond_timedwait, ETIMEDOUT, pthread_cond_clockwait(&condition, &mutex, CLOCK_MONOTONIC, &past));
    pthread_mutex_unlock(&mutex);
}

static void child(int code)
{
    pid_t pid = fork();
    if (pid == 0) {
        _exit(code);
    }
    expect("fork", 1, 0);
}

static void processes(void)
{
    int status = 0;
    siginfo_t info;
    struct rusage usage;
    char name[] = "x";
    char *arguments[] = {name, NULL}, *environment[] = {NULL};
    pid_t pid = 0;
#define REAPED(timer, call)                                                                                    \
    child(3);                                                                                                  \
    CALL(timer, 1, (call) > 0);                                                                                \
    if (WEXITSTATUS(status) != 3) {                                                                            \
        wrong_line = __LINE__;                                                                                 \
    }                                                                                                          \
    status = 0
    REAPED(wait, wait(&status));
    REAPED(waitpid, waitpid(-1, &status, 0));
    REAPED(wait3, wait3(&status, 0, &usage));
    REAPED(wait4, wait4(-1, &status, 0, &usage));
    child(0);
    CALL(waitid, 0, waitid(P_ALL, 0, &info, WEXITED));
    CALL(execve, -1, execve(missing, arguments, environment));
    CALL(execve, -1, execv(missing, arguments));
    CALL(execve, -1, execvp(missing, arguments));
    CALL(execve, -1, execvpe(missing, arguments, environment));
    CALL(execve, -1, execl(missing, "x", "y", (char *)NULL));
    CALL(execve, -1, execlp(missing, "x", (char *)NULL));
    CALL(execve, -1, execle(missing, "x", "y", "z", (char *)NULL, environment));
    CALL(execve, -1, fexecve(-1, arguments, environment));
    CALL(execve, -1, execveat(-1, "nothing", arguments, environment, 0));
    errno = 0;
    if (execv(missing, arguments) != -1 || errno != ENOENT) {
        wrong_line = __LINE__;
    }
    expect("execve", 1, 0);
    int error = posix_spawn(&pid, missing, NULL, NULL, arguments, environment);
    int error_too = posix_spawnp(&pid, missing, NULL, NULL, arguments, environment);
    expect("posix_spawn", 2, 0);
    /* Emulators know the error only after the child has gone. */
    if ((error != ENOENT && error != 0) || error_too != error) {
        wrong_line = __LINE__;
    }
}

static void compare(void)
{
    static tare_stats all[STATS_MAX];
    int n = tare_snapshot("libc::*", all, STATS_MAX);
    CHECK(n > 50, "%d timers", n);
    for (int i = 0; i < n; i++) {
        const struct expected none = {all[i].name, 0, 0}, *e = &none;
        for (size_t k = 0; k < expected_n; k++) {
            if (strcmp(expected[k].name, all[i].name) == 0) {
                e = &expected[k];
            }
        }
        CHECK(all[i].calls == e->calls, "%s: %lu calls, not %lu", all[i].name, (unsigned long)all[i].calls,
              (unsigned long)e->calls);
        CHECK(all[i].outermost == e->calls, "%s: %lu outermost calls, not %lu", all[i].name,
              (unsigned long)all[i].outermost, (unsigned long)e->calls);
        CHECK(all[i].bytes == e->bytes, "%s: %lu bytes, not %lu", all[i].name, (unsigned long)all[i].bytes,
              (unsigned long)e->bytes);
        CHECK(e->calls != 0 || strcmp(all[i].name, "pthread_cond_wait") == 0, "%s: no call in this test",
              all[i].name);
    }
    for (size_t k = 0; k < expected_n; k++) {
        CHECK(stats_of(expected[k].name).name != NULL, "no timer libc::%s", expected[k].name);
    }
}

int main(int argc, char **argv)
{
    (void)argc;
    preload_self(argv);
    char path[] = "/tmp/tare-libc-counts.XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0) {
        perror("not ok: mkstemp");
        return 1;
    }
    int next = dup(fd); /* the lowest free descriptor, which open is to return again */
    close(next);
    int enabled = tare_enable("libc::*");
    CHECK(enabled > 50, "%d timers enabled", enabled);
    files(fd);
    opens(path, next);
    stats(fd, path);
    old_stats(fd, path);
    sockets();
    connections();
    memory();
    waits();
    processes();
    tare_disable("*");
    CHECK(wrong_line == 0, "the call in line %d returned %ld with errno %d", wrong_line, (long)wrong_result,
          wrong_errno);
    compare();
    unlink(path);
    return failures != 0;
}
