/* SPDX-License-Identifier: MIT */
/*
 * A program for the scripts to measure: a sequence of words, done one after the other. It prints nothing of
 * its own accord, so what comes out besides `print` is tare's.
 *
 *   count N     N scopes of load::work
 *   print TEXT  a line on standard output
 *   ready FILE  makes an empty file, to say how far we are
 *   await FILE  waits until the file is there
 *   endless     scopes of load::work, some thousand a second, until a signal ends it
 *   stubborn    the same, and SIGTERM does not end it
 *   forks N     N children, one after the other, with 10 scopes of load::child each
 *   leave FILE  a child that goes on as a daemon: 10 scopes of load::daemon, then waits until the file is there
 *   closefrom N closes all descriptors from N on
 *   exec        becomes this program anew, for the words that follow
 *   exit CODE   ends
 *   abort       ends, too
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <tare/tare.h>

TARE_TIMER(work);
TARE_TIMER(child);
TARE_TIMER(daemon_work);

static void nap(void)
{
    nanosleep(&(struct timespec){0, 200000}, NULL);
}

static void count(unsigned long n)
{
    for (unsigned long i = 0; i < n; i++) {
        TARE_SCOPE(work);
    }
}

static void await_file(const char *path)
{
    while (access(path, F_OK) != 0) {
        nap();
    }
}

static int make_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    return fd < 0 ? -1 : close(fd);
}

static void endless(void)
{
    for (;;) {
        count(1);
        nap();
    }
}

static int fork_children(unsigned long n)
{
    for (unsigned long i = 0; i < n; i++) {
        int status = -1;
        pid_t pid = fork();
        if (pid == 0) {
            for (int k = 0; k < 10; k++) {
                TARE_SCOPE(child);
            }
            exit(0);
        }
        if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
            return -1;
        }
    }
    return 0;
}

static int leave_daemon(const char *until)
{
    int ready[2];
    char byte = 0;
    if (pipe(ready) != 0) {
        return -1;
    }
    pid_t pid = fork();
    if (pid == 0) {
        setsid();
        for (int k = 0; k < 10; k++) {
            TARE_SCOPE(daemon_work);
        }
        if (write(ready[1], &byte, 1) != 1) {
            _exit(1);
        }
        for (int fd = 0; fd < 3; fd++) {
            close(fd); /* a reader may wait for the last writer of a pipe */
        }
        await_file(until);
        _exit(0);
    }
    return pid > 0 && read(ready[0], &byte, 1) == 1 ? 0 : -1;
}

static void close_from(int first)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    for (int fd = first; fd < 65536 && (rlim_t)fd < limit.rlim_cur; fd++) {
        close(fd);
    }
}

/* Does one word; returns how many arguments it took, or -1. */
static int perform(const char *word, const char *argument)
{
    if (strcmp(word, "abort") == 0) {
        abort();
    }
    if (strcmp(word, "stubborn") == 0) {
        signal(SIGTERM, SIG_IGN);
    }
    if (strcmp(word, "endless") == 0 || strcmp(word, "stubborn") == 0) {
        endless();
    }
    if (argument == NULL) {
        return -1;
    }
    int failed = 0;
    if (strcmp(word, "count") == 0) {
        count(strtoul(argument, NULL, 10));
    } else if (strcmp(word, "print") == 0) {
        failed = puts(argument) == EOF;
    } else if (strcmp(word, "ready") == 0) {
        failed = make_file(argument);
    } else if (strcmp(word, "await") == 0) {
        await_file(argument);
    } else if (strcmp(word, "forks") == 0) {
        failed = fork_children(strtoul(argument, NULL, 10));
    } else if (strcmp(word, "leave") == 0) {
        failed = leave_daemon(argument);
    } else if (strcmp(word, "closefrom") == 0) {
        close_from(atoi(argument));
    } else if (strcmp(word, "exit") == 0) {
        exit(atoi(argument));
    } else {
        return -1;
    }
    return failed != 0 ? -1 : 1;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "exec") == 0) {
            argv[i] = argv[0];
            execv("/proc/self/exe", argv + i);
        }
        int took = perform(argv[i], i + 1 < argc ? argv[i + 1] : NULL);
        if (took < 0) {
            fprintf(stderr, "load: cannot do '%s': %s\n", argv[i], strerror(errno));
            return 99;
        }
        i += took;
    }
    return 0;
}
