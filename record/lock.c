/* SPDX-License-Identifier: MIT */
/*
 * The lock that measurements take turns by.
 *
 * The file lies where others can write, too, and so can be anything that they made of it. It is opened
 * without following a link and without waiting, and nothing is written into what is not plainly a lock: a
 * regular file of one name and small size. (A hard link to somebody's file would have two names.) It is
 * created with O_EXCL, or else opened without O_CREAT, which sysctl fs.protected_regular refuses for another
 * user's file.
 *
 * It holds one line, "MARK PID COMMAND", by whoever holds the lock. The lock counts, not the line: a crash
 * leaves the line and frees the lock. The mark is a random number that the holder's measured programs find in
 * TARE_LOCK. A tare among them would wait for its own measurement to end; it knows by the mark that it is
 * part of it. A pid would not do, as the inner one may be in another namespace.
 *
 * flock(2) belongs to the open file, which a forked child shares: O_CLOEXEC closes it in whoever calls exec,
 * and a handler of fork in those that do not (spawn.c has one that lives as long as the measured program's
 * children).
 */
#include "record/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "record/clean.h"
#include "record/monotonic.h"

#define FILE_NAME "tare.lock"

enum {
    FILE_MODE = 0666,
    LINE_BYTES = TARE_LOCK_MARK + 16 + TARE_LOCK_COMMAND,
    SIZE_MAX_BYTES = 4096, /* of what may be a lock */
    PID_MAX = 1 << 22,     /* the kernel's own limit */
    OPEN_TRIES = 100,      /* between finding no file and finding one, somebody would have to be that quick */
};

/* The one of this process, for the handler of fork; -1: none. */
static int locked_fd = -1;

static void close_in_child(void)
{
    if (locked_fd >= 0) {
        close(locked_fd);
        locked_fd = -1;
    }
}

/* Where all users can create files, and remove only their own: for root and for others the same folder. */
static bool is_for_all(const char *folder)
{
    struct stat status;
    const mode_t wanted = S_IFDIR | S_ISVTX | S_IWOTH | S_IXOTH;
    return stat(folder, &status) == 0 && (status.st_mode & wanted) == wanted;
}

int tare_lock_default_path(char path[TARE_LOCK_PATH])
{
    static const char *const folders[] = {"/run/lock", "/var/lock", "/tmp"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        if (is_for_all(folders[i])) {
            snprintf(path, TARE_LOCK_PATH, "%s/" FILE_NAME, folders[i]);
            return 0;
        }
    }
    return -ENOENT;
}

static int find_path(char path[TARE_LOCK_PATH], const char *given)
{
    if (given == NULL) {
        return tare_lock_default_path(path);
    }
    return snprintf(path, TARE_LOCK_PATH, "%s", given) >= TARE_LOCK_PATH ? -ENAMETOOLONG : 0;
}

static int create(const char *path, int flags)
{
    mode_t before = umask(0);
    int fd = open(path, flags | O_CREAT | O_EXCL, FILE_MODE);
    umask(before);
    return fd;
}

/* Opens the file, new or old. *read_only: it may not be written to. Returns the descriptor or -errno. */
static int open_file(const char *path, bool *read_only)
{
    const int flags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    int fd = -1;
    *read_only = false;
    for (int i = 0; fd < 0 && i < OPEN_TRIES; i++) {
        fd = open(path, O_RDWR | flags);
        if (fd < 0 && errno == ENOENT) {
            fd = create(path, O_RDWR | flags);
        }
        if (fd < 0 && errno != EEXIST && errno != ENOENT) {
            break;
        }
    }
    if (fd < 0 && (errno == EACCES || errno == EROFS)) {
        int error = errno;
        fd = open(path, O_RDONLY | flags);
        *read_only = fd >= 0;
        errno = error;
    }
    if (fd < 0) {
        return errno == ELOOP || errno == EISDIR || errno == ENXIO ? -EPERM : -errno;
    }
    struct stat status;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_nlink > 1 ||
        status.st_size > SIZE_MAX_BYTES) {
        close(fd);
        return -EPERM;
    }
    return fd;
}

/* Whether the file is still the one of that name: one that was removed locks nobody out. */
static bool is_current(int fd, const char *path)
{
    struct stat open_status, path_status;
    return fstat(fd, &open_status) == 0 && lstat(path, &path_status) == 0 &&
           open_status.st_dev == path_status.st_dev && open_status.st_ino == path_status.st_ino;
}

static void make_mark(char mark[TARE_LOCK_MARK])
{
    uint64_t number;
    if (getrandom(&number, sizeof number, GRND_NONBLOCK) != (ssize_t)sizeof number) {
        struct timespec now;
        clock_gettime(CLOCK_BOOTTIME, &now);
        number = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
        number ^= (uint64_t)getpid() << 40;
    }
    snprintf(mark, TARE_LOCK_MARK, "%016llx", (unsigned long long)number);
}

/* What the holder wrote; nothing of it where the line is not one of ours. */
static void read_line(int fd, char mark[TARE_LOCK_MARK], struct tare_lock_holder *holder)
{
    char line[LINE_BYTES];
    ssize_t got = pread(fd, line, sizeof line - 1, 0);
    line[got > 0 ? got : 0] = '\0';
    line[strcspn(line, "\n")] = '\0';
    mark[0] = '\0';
    *holder = (struct tare_lock_holder){0};
    const char *digits = line + TARE_LOCK_MARK;
    if (strspn(line, "0123456789abcdef") != TARE_LOCK_MARK - 1 || digits[-1] != ' ') {
        return;
    }
    char *end;
    long pid = strtol(digits, &end, 10);
    if (pid > 0 && pid <= PID_MAX && *end == ' ') {
        snprintf(mark, TARE_LOCK_MARK, "%.16s", line);
        holder->pid = (pid_t)pid;
        snprintf(holder->command, sizeof holder->command, "%.*s", TARE_LOCK_COMMAND - 1, end + 1);
        tare__clean_text(holder->command);
    }
}

static int write_line(int fd, const char *mark, const char *command)
{
    char line[LINE_BYTES];
    snprintf(line, sizeof line, "%s %d %.*s", mark, (int)getpid(), TARE_LOCK_COMMAND - 1, command);
    line[strcspn(line, "\n")] = '\0';
    size_t length = strlen(line);
    line[length] = '\n';
    if (ftruncate(fd, 0) != 0 || pwrite(fd, line, length + 1, 0) != (ssize_t)(length + 1)) {
        return -errno;
    }
    return 0;
}

static volatile sig_atomic_t alarmed;

static void on_alarm(int signal)
{
    (void)signal;
    alarmed = 1;
}

/* A signal each second, which ends the wait in the kernel; and what was there before. */
struct ticker {
    bool on;
    struct sigaction action_before;
    sigset_t mask_before;
};

static void ticker_start(struct ticker *ticker, bool on)
{
    ticker->on = on;
    if (on) {
        const struct sigaction action = {.sa_handler = on_alarm}; /* without SA_RESTART */
        const struct itimerval second = {.it_interval = {.tv_sec = 1}, .it_value = {.tv_sec = 1}};
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGALRM);
        alarmed = 0;
        sigaction(SIGALRM, &action, &ticker->action_before);
        sigprocmask(SIG_UNBLOCK, &set, &ticker->mask_before);
        setitimer(ITIMER_REAL, &second, NULL);
    }
}

static void ticker_stop(const struct ticker *ticker)
{
    if (ticker->on) {
        const struct itimerval never = {0};
        setitimer(ITIMER_REAL, &never, NULL);
        sigprocmask(SIG_SETMASK, &ticker->mask_before, NULL);
        sigaction(SIGALRM, &ticker->action_before, NULL);
    }
}

/* Sleeps until the lock is ours. Returns 0 or -errno. */
static int await(int fd, bool each_second, tare_lock_waiting *waiting, void *data)
{
    const uint64_t start_ns = tare__monotonic_ns();
    struct ticker ticker;
    int error = -EINTR;
    ticker_start(&ticker, each_second && waiting != NULL);
    do {
        alarmed = 0;
        if (waiting != NULL) {
            struct tare_lock_holder holder;
            char mark[TARE_LOCK_MARK];
            read_line(fd, mark, &holder);
            waiting(data, &holder, (double)(tare__monotonic_ns() - start_ns) / 1e9);
        }
        error = flock(fd, LOCK_EX) == 0 ? 0 : -errno;
    } while (error == -EINTR && alarmed);
    ticker_stop(&ticker);
    return error;
}

/* Locks the open file, or finds that we need not. Returns 0 or -errno. */
static int lock_file(struct tare_lock *lock, bool read_only, const char *mark, bool each_second,
                     tare_lock_waiting *waiting, void *data)
{
    struct tare_lock_holder holder;
    char holders_mark[TARE_LOCK_MARK];
    if (flock(lock->fd, LOCK_EX | LOCK_NB) == 0) {
        /* Whoever cannot say that it is he who holds it would be waited for by what he measures. */
        return read_only ? -EACCES : 0;
    }
    if (errno != EWOULDBLOCK) {
        return -errno;
    }
    read_line(lock->fd, holders_mark, &holder);
    if (mark != NULL && holders_mark[0] != '\0' && strcmp(mark, holders_mark) == 0) {
        lock->nested = true;
        return 0;
    }
    return read_only ? -EACCES : await(lock->fd, each_second, waiting, data);
}

static void close_file(struct tare_lock *lock)
{
    close(lock->fd);
    lock->fd = -1;
    locked_fd = -1;
}

int tare_lock_take(struct tare_lock *lock, const char *path, const char *command, const char *mark,
                   bool each_second, tare_lock_waiting *waiting, void *data)
{
    static bool prepared;
    *lock = (struct tare_lock){.fd = -1};
    int error = find_path(lock->path, path);
    if (error != 0) {
        return error;
    }
    if (locked_fd >= 0) {
        return -EBUSY;
    }
    if (!prepared && pthread_atfork(NULL, NULL, close_in_child) != 0) {
        return -ENOMEM;
    }
    prepared = true;
    for (bool current = false; !current;) {
        bool read_only;
        int fd = open_file(lock->path, &read_only);
        if (fd < 0) {
            return fd;
        }
        lock->fd = locked_fd = fd;
        error = lock_file(lock, read_only, mark, each_second, waiting, data);
        current = error != 0 || lock->nested || is_current(fd, lock->path);
        if (!current) {
            close_file(lock);
        }
    }
    if (error == 0 && !lock->nested) {
        make_mark(lock->mark);
        error = write_line(lock->fd, lock->mark, command);
    }
    lock->held = error == 0 && !lock->nested;
    if (!lock->held) {
        close_file(lock);
    }
    return error;
}

void tare_lock_release(struct tare_lock *lock)
{
    if (lock->held) {
        /*
         * First, so that it is never the line of one who is done. Where that fails, the lock counts all the
         * same.
         */
        int unsaid = ftruncate(lock->fd, 0);
        (void)unsaid;
        flock(lock->fd, LOCK_UN); /* also where a child has not come to its exec yet */
        close_file(lock);
        lock->held = false;
    }
}
