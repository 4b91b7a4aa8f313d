/* SPDX-License-Identifier: MIT */
/*
 * Runs git instead of reading .git, whose layout is git's own business (packed refs, worktrees, reftables). No
 * shell is involved. git runs in a process group of its own with a time limit, because `git status` on a cold
 * or remote file system can take minutes, and a measurement is not worth that wait. GIT_OPTIONAL_LOCKS=0 keeps
 * it from writing the index of a tree that somebody else may be working in.
 */
#include "record/git.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "record/monotonic.h"

extern char **environ;

static int64_t now_ms(void)
{
    return (int64_t)(tare__monotonic_ns() / 1000000);
}

/*
 * A copy of the environment with GIT_OPTIONAL_LOCKS=0; the strings are shared. What a git hook sets to name its
 * own repository is left out: ours is the one around the directory. NULL without memory.
 */
static char **git_environment(void)
{
    static char setting[] = "GIT_OPTIONAL_LOCKS=0";
    static const char *const dropped[] = {
        "GIT_OPTIONAL_LOCKS=", "GIT_DIR=", "GIT_WORK_TREE=", "GIT_INDEX_FILE="};
    size_t count = 0;
    while (environ != NULL && environ[count] != NULL) {
        count++;
    }
    char **copy = malloc((count + 2) * sizeof *copy);
    if (copy == NULL) {
        return NULL;
    }
    size_t used = 0;
    copy[used++] = setting;
    for (size_t i = 0; i < count; i++) {
        bool drop = false;
        for (size_t k = 0; k < sizeof dropped / sizeof dropped[0]; k++) {
            drop = drop || strncmp(environ[i], dropped[k], strlen(dropped[k])) == 0;
        }
        if (!drop) {
            copy[used++] = environ[i];
        }
    }
    copy[used] = NULL;
    return copy;
}

/* Starts git with its output going to `out`. Returns 0, or the error of posix_spawn. */
static int start(const char *const argv[], char **environment, int out, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int result = posix_spawn_file_actions_init(&actions);
    if (result != 0) {
        return result;
    }
    result = posix_spawnattr_init(&attributes);
    if (result != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return result;
    }
    sigset_t set;
    sigemptyset(&set);
    posix_spawnattr_setsigmask(&attributes, &set);
    sigaddset(&set, SIGPIPE);
    sigaddset(&set, SIGCHLD);
    posix_spawnattr_setsigdefault(&attributes, &set);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    /* The pipe first: it may have any number, also 0 or 2 if we were started without these. */
    result = posix_spawn_file_actions_adddup2(&actions, out, 1);
    if (result == 0) {
        result = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    }
    if (result == 0) {
        result = posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    }
    if (result == 0) {
        result = posix_spawnp(pid, argv[0], &actions, &attributes, (char *const *)argv, environment);
    }
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return result;
}

/* Reads to the end of `fd`, keeping the first size - 1 bytes. Returns how many came in all, or -1: too late. */
static ssize_t read_all(int fd, char *buffer, size_t size, int64_t deadline_ms)
{
    char scratch[4096];
    size_t total = 0;
    size_t kept = 0;
    for (;;) {
        int64_t left = deadline_ms - now_ms();
        if (left <= 0) {
            return -1;
        }
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        int ready = poll(&wait, 1, (int)left);
        if (ready <= 0) {
            if (ready < 0 && errno != EINTR) {
                return -1;
            }
            continue;
        }
        ssize_t got = read(fd, scratch, sizeof scratch);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            buffer[kept] = '\0';
            return got < 0 ? -1 : (ssize_t)total;
        }
        size_t take = (size_t)got < size - 1 - kept ? (size_t)got : size - 1 - kept;
        memcpy(buffer + kept, scratch, take);
        kept += take;
        total += (size_t)got;
    }
}

/* Waits for the child until the deadline. Returns whether it exited with 0. */
static bool reap(pid_t pid, int64_t deadline_ms)
{
    for (;;) {
        int status;
        /* Its output is at its end, so it exits now, in nearly all cases: look, and sleep for 1 ms at most. */
        pid_t got = waitpid(pid, &status, WNOHANG);
        if (got == pid) {
            return WIFEXITED(status) && WEXITSTATUS(status) == 0;
        }
        if (got < 0 && errno != EINTR) {
            return false;
        }
        if (now_ms() >= deadline_ms) {
            kill(-pid, SIGKILL);
            while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
            }
            return false;
        }
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

/*
 * Runs git and keeps the start of what it prints. Returns how many bytes that were, or -1 if it could not be
 * run, failed, or took too long; -ENOMEM is told apart because the caller reports it.
 */
static ssize_t run_git(const char *const argv[], int limit_ms, char *buffer, size_t size)
{
    int pipe_fd[2];
    if (pipe2(pipe_fd, O_CLOEXEC) != 0) {
        return -1;
    }
    char **environment = git_environment();
    if (environment == NULL) {
        close(pipe_fd[0]);
        close(pipe_fd[1]);
        return -ENOMEM;
    }
    int64_t deadline_ms = now_ms() + limit_ms;
    pid_t pid;
    int failed = start(argv, environment, pipe_fd[1], &pid);
    close(pipe_fd[1]);
    free(environment);
    ssize_t got = -1;
    if (failed == 0) {
        got = read_all(pipe_fd[0], buffer, size, deadline_ms);
        if (!reap(pid, got < 0 ? now_ms() : deadline_ms)) {
            got = -1;
        }
    }
    close(pipe_fd[0]);
    return failed == ENOMEM ? -ENOMEM : got;
}

int tare__git_head(const char *directory, int limit_ms, char **commit, int *dirty)
{
    *commit = NULL;
    *dirty = -1;
    char id[80];
    /* A file system monitor is a program that the repository's configuration names: not ours to start. */
    const char *const head[] = {"git", "-C", directory, "rev-parse", "HEAD", NULL};
    const char *const status[] = {
        "git", "-C", directory, "-c", "core.fsmonitor=false", "status", "--porcelain", "--untracked-files=no",
        NULL};
    ssize_t got = run_git(head, limit_ms, id, sizeof id);
    if (got == -ENOMEM) {
        return -ENOMEM;
    }
    if (got <= 0) {
        return 0;
    }
    size_t length = strspn(id, "0123456789abcdef");
    if ((length != 40 && length != 64) || strcmp(id + length, "\n") != 0) { /* SHA-1 or SHA-256 */
        return 0;
    }
    char first[2];
    ssize_t changes = run_git(status, limit_ms, first, sizeof first);
    if (changes == -ENOMEM) {
        return -ENOMEM;
    }
    *commit = strndup(id, length);
    if (*commit == NULL) {
        return -ENOMEM;
    }
    *dirty = changes < 0 ? -1 : changes > 0;
    return 0;
}
