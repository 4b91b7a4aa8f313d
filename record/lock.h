/* SPDX-License-Identifier: MIT */
/*
 * One measurement at a time on a machine: a file that every user can open, locked with flock(2). The kernel
 * drops the lock with the last descriptor of its holder, so one that crashed blocks nobody; who waits sleeps
 * in the kernel, and disturbs the one that measures by nothing. flock(1) on the same file takes part.
 *
 * It is a convention among those who keep it, no protection: any user can hold the lock for as long as he
 * likes.
 */
#ifndef TARE_RECORD_LOCK_H
#define TARE_RECORD_LOCK_H

#include <stdbool.h>
#include <sys/types.h>

enum {
    TARE_LOCK_PATH = 256,
    TARE_LOCK_COMMAND = 128,
    TARE_LOCK_MARK = 17, /* 16 hexadecimal digits and a NUL */
};

/* Zeroed: not held. Forked children do not hold it; so one process can have one lock at a time. */
struct tare_lock {
    char path[TARE_LOCK_PATH]; /* of the file, once it is known: for messages, also after an error */
    int fd;                    /* while held */
    bool held;
    bool nested;               /* not held, as we are part of the measurement of the one who holds it */
    char mark[TARE_LOCK_MARK]; /* tells those whom we measure that it is we who hold it: TARE_LOCK */
};

/*
 * Who holds the lock, by what it wrote into the file: made fit for a terminal, and no more true than its
 * writer.
 */
struct tare_lock_holder {
    pid_t pid;                       /* 0: unknown, as when the holder is not tare */
    char command[TARE_LOCK_COMMAND]; /* "" if unknown */
};

/* Called when there is somebody to wait for, and then once a second where that was asked for. */
typedef void tare_lock_waiting(void *data, const struct tare_lock_holder *holder, double waited_s);

/*
 * The file that is taken where none is named: tare.lock in the first of /run/lock, /var/lock and /tmp that
 * all users can write to. Returns 0, or -ENOENT if there is no such folder.
 */
int tare_lock_default_path(char path[TARE_LOCK_PATH]);

/*
 * Takes the lock, and waits for as long as another has it. `path` NULL: the default. `command` is shown to
 * those who wait. `mark`: of the environment (TARE_LOCK), or NULL; if the holder's is the same, this returns
 * at once with `nested` set. With `each_second`, `waiting` is called again every second, by means of SIGALRM
 * and ITIMER_REAL, which have to be free; else once. It may be NULL.
 *
 * Returns 0, or -errno: -EPERM if the file is something else than a lock (a link, a device, a large file),
 * -EINTR after a signal that was caught. Not for a program with other threads: it sets the umask for a
 * moment.
 */
int tare_lock_take(struct tare_lock *lock, const char *path, const char *command, const char *mark,
                   bool each_second, tare_lock_waiting *waiting, void *data);

/* Gives it back, if it is held. */
void tare_lock_release(struct tare_lock *lock);

#endif
