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
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "record/clean.h"
#include "record/monotonic.h"

extern char **environ;

static int64_t now_ms(void)
{
    return (int64_t)(tare__monotonic_ns() / 1000000);
}

/*
 * A copy of the environment with GIT_OPTIONAL_LOCKS=0, and, where its messages are read, in nobody's language; the
 * strings are shared. What a git hook sets to name its own repository is left out: ours is the one around the
 * directory. NULL without memory.
 */
static char **git_environment(void)
{
    static char setting[] = "GIT_OPTIONAL_LOCKS=0";
    static char language[] = "LC_ALL=C";
    static const char *const dropped[] = {
        "GIT_OPTIONAL_LOCKS=", "GIT_DIR=", "GIT_WORK_TREE=", "GIT_INDEX_FILE=", "LC_ALL=", "LANGUAGE="};
    size_t count = 0;
    while (environ != NULL && environ[count] != NULL) {
        count++;
    }
    char **copy = malloc((count + 3) * sizeof *copy);
    if (copy == NULL) {
        return NULL;
    }
    size_t used = 0;
    copy[used++] = setting;
    copy[used++] = language;
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

/* Starts git with its output going to `out`, or its errors. Returns 0, or the error of posix_spawn. */
static int start(const char *const argv[], char **environment, int out, bool errors, pid_t *pid)
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
    result = posix_spawn_file_actions_adddup2(&actions, out, errors ? 2 : 1);
    if (result == 0) {
        result = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    }
    if (result == 0) {
        result = posix_spawn_file_actions_addopen(&actions, errors ? 1 : 2, "/dev/null", O_WRONLY, 0);
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
    buffer[0] = '\0';
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
            return got < 0 ? -1 : (ssize_t)total;
        }
        size_t take = (size_t)got < size - 1 - kept ? (size_t)got : size - 1 - kept;
        memcpy(buffer + kept, scratch, take);
        kept += take;
        buffer[kept] = '\0';
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

static int start_job(struct tare__git_job *job, const char *const argv[], int limit_ms, bool errors)
{
    *job = (struct tare__git_job){.out = -1};
    int pipe_fd[2];
    if (pipe2(pipe_fd, O_CLOEXEC) != 0) {
        return 0;
    }
    char **environment = git_environment();
    if (environment == NULL) {
        close(pipe_fd[0]);
        close(pipe_fd[1]);
        return -ENOMEM;
    }
    job->deadline_ms = now_ms() + limit_ms;
    int failed = start(argv, environment, pipe_fd[1], errors, &job->pid);
    close(pipe_fd[1]);
    free(environment);
    if (failed != 0) {
        close(pipe_fd[0]);
        job->pid = 0;
        return failed == ENOMEM ? -ENOMEM : 0;
    }
    job->out = pipe_fd[0];
    return 0;
}

int tare__git_start(struct tare__git_job *job, const char *const argv[], int limit_ms)
{
    return start_job(job, argv, limit_ms, false);
}

ssize_t tare__git_finish(struct tare__git_job *job, char *buffer, size_t size)
{
    buffer[0] = '\0';
    if (job->pid == 0) {
        return -1;
    }
    ssize_t got = read_all(job->out, buffer, size, job->deadline_ms);
    if (!reap(job->pid, got < 0 ? now_ms() : job->deadline_ms)) {
        got = -1;
    }
    close(job->out);
    *job = (struct tare__git_job){.out = -1};
    return got;
}

/* Whether a folder above has what looks like a repository, on the same file system, as git looks for one. */
static bool has_repository_above(const char *directory)
{
    char path[PATH_MAX + sizeof "/.git/HEAD"];
    struct stat st;
    if (realpath(directory, path) == NULL || stat(path, &st) != 0) {
        return false;
    }
    dev_t device = st.st_dev;
    for (size_t length = strlen(path); length > 0;) {
        strcpy(path + length, "/.git");
        if (stat(path, &st) == 0 && (S_ISREG(st.st_mode) || access(strcat(path, "/HEAD"), F_OK) == 0)) {
            return true;
        }
        while (length > 0 && path[length - 1] != '/') {
            length--;
        }
        length -= length > 0;
        path[length > 0 ? length : 1] = '\0';
        if (stat(length > 0 ? path : "/", &st) != 0 || st.st_dev != device) {
            return false;
        }
        if (length == 0) {
            return access("/.git/HEAD", F_OK) == 0;
        }
    }
    return false;
}

bool tare__git_refuses(const char *directory, int limit_ms, char *why, size_t size)
{
    const char *const argv[] = {"git", "-C", directory, "rev-parse", "--git-dir", NULL};
    struct tare__git_job job;
    char text[1024];
    why[0] = '\0';
    if (!has_repository_above(directory) || start_job(&job, argv, limit_ms, true) != 0) {
        return false;
    }
    bool started = job.pid != 0;
    if (tare__git_finish(&job, text, sizeof text) >= 0) {
        return false;
    }
    const char *line = strncmp(text, "fatal: ", 7) == 0 ? text + 7 : text;
    static const char none[] = "not a git repository (or any";
    if (strncmp(line, none, sizeof none - 1) == 0) {
        return false;
    }
    text[strcspn(text, "\n")] = '\0';
    snprintf(why, size, "%s", *line != '\0' ? line : started ? "it gives no answer" : "it cannot be run");
    tare__clean_text(why);
    return true;
}

/*
 * Runs git and keeps the start of what it prints. Returns how many bytes that were, or -1 if it could not be
 * run, failed, or took too long; -ENOMEM is told apart because the caller reports it.
 */
static ssize_t run_git(const char *const argv[], int limit_ms, char *buffer, size_t size)
{
    struct tare__git_job job;
    if (tare__git_start(&job, argv, limit_ms) != 0) {
        return -ENOMEM;
    }
    return tare__git_finish(&job, buffer, size);
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

/* A commit's details */

enum { SUBJECT_MAX = 256 }; /* bytes */

void tare__git_details_release(struct tare__git_commit_details *details)
{
    free(details->id);
    free(details->parents);
    free(details->subject);
    *details = (struct tare__git_commit_details){.time_s = INT64_MIN};
}

void tare__git_details_arguments(const char *directory, const char *revision, const char *argv[10])
{
    /* rev-list and not log, which may check signatures, as the repository's configuration says, by programs. */
    const char *const arguments[10] = {
        "git",    "-C", directory, "rev-list", "--max-count=1", "--encoding=UTF-8", "--format=%P%n%ct%n%s",
        revision, "--", NULL};
    memcpy(argv, arguments, sizeof arguments);
}

/* Ids, a blank between two; or nothing. */
static bool are_ids(const char *text, size_t length)
{
    size_t digits = 0;
    for (size_t i = 0; i < length; i++) {
        bool digit = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');
        if (!digit && (text[i] != ' ' || digits == 0)) {
            return false;
        }
        digits = digit ? digits + 1 : 0;
    }
    return length == 0 || digits > 0;
}

/* Of SUBJECT_MAX bytes at most, not cut within a character; an empty one is NULL. 0 or -ENOMEM. */
static int copy_subject(const char *text, size_t length, char **subject)
{
    if (length > SUBJECT_MAX) {
        length = SUBJECT_MAX;
        while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80) {
            length--;
        }
    }
    if (length == 0) {
        return 0;
    }
    *subject = strndup(text, length);
    if (*subject == NULL) {
        return -ENOMEM;
    }
    tare__clean_text(*subject);
    return 0;
}

/* "commit ID", the parents, the time, the subject: a line each. */
int tare__git_details_read(const char *text, struct tare__git_commit_details *details)
{
    static const char before[] = "commit ";
    *details = (struct tare__git_commit_details){.time_s = INT64_MIN};
    if (strncmp(text, before, sizeof before - 1) != 0) {
        return 0;
    }
    const char *id = text + sizeof before - 1;
    size_t id_length = strspn(id, "0123456789abcdef");
    if ((id_length != 40 && id_length != 64) || id[id_length] != '\n') {
        return 0;
    }
    details->id = strndup(id, id_length);
    const char *parents = id + id_length + 1;
    size_t length = strcspn(parents, "\n");
    int result = details->id != NULL ? 0 : -ENOMEM;
    if (result == 0 && parents[length] == '\n' && are_ids(parents, length)) {
        details->parents = strndup(parents, length);
        result = details->parents != NULL ? 0 : -ENOMEM;
        const char *time = parents + length + 1;
        char *end;
        errno = 0;
        long long seconds = strtoll(time, &end, 10);
        if (result == 0 && end != time && *end == '\n' && errno == 0) {
            /* Anybody may write any time into a commit: what no clock can say is unknown. */
            details->time_s =
                seconds >= -TARE__GIT_TIME_MAX && seconds <= TARE__GIT_TIME_MAX ? seconds : INT64_MIN;
            result = copy_subject(end + 1, strcspn(end + 1, "\n"), &details->subject);
        }
    }
    if (result != 0) {
        tare__git_details_release(details);
    }
    return result;
}

void tare__git_state_release(struct tare__git_state *state)
{
    tare__git_details_release(&state->head);
    free(state->branch);
    state->branch = NULL;
    state->dirty = -1;
}

/* Headers, which begin with '#', and a line for each file that differs. `total` bytes, of which `text` is the start. */
static int read_status(const char *text, size_t total, struct tare__git_state *state)
{
    static const char head[] = "# branch.head ";
    size_t kept = strlen(text);
    state->dirty = total > kept;
    for (const char *line = text; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        if (*line != '#') {
            state->dirty = 1;
        } else if (strncmp(line, head, sizeof head - 1) == 0 && state->branch == NULL && line[length] == '\n' &&
                   strncmp(line + sizeof head - 1, "(detached)\n", 11) != 0) {
            state->branch = strndup(line + sizeof head - 1, length - (sizeof head - 1));
            if (state->branch == NULL) {
                return -ENOMEM;
            }
            tare__clean_text(state->branch);
        }
        line += length + (line[length] == '\n');
    }
    return 0;
}

int tare__git_state(const char *directory, int limit_ms, struct tare__git_state *state)
{
    const char *details[10];
    /* A file system monitor is a program that the repository's configuration names: not ours to start. */
    const char *const status[] = {"git",
                                  "-C",
                                  directory,
                                  "-c",
                                  "core.fsmonitor=false",
                                  "status",
                                  "--porcelain=v2",
                                  "--branch",
                                  "--no-ahead-behind",
                                  "--untracked-files=no",
                                  NULL};
    struct tare__git_job jobs[2];
    *state = (struct tare__git_state){.head.time_s = INT64_MIN, .dirty = -1};
    char *text = malloc(TARE__GIT_TEXT);
    if (text == NULL) {
        return -ENOMEM;
    }
    tare__git_details_arguments(directory, "HEAD", details);
    int result = tare__git_start(&jobs[0], details, limit_ms);
    int second = tare__git_start(&jobs[1], status, limit_ms);
    result = result != 0 ? result : second;
    if (tare__git_finish(&jobs[0], text, TARE__GIT_TEXT) > 0 && result == 0) {
        result = tare__git_details_read(text, &state->head);
    }
    ssize_t got = tare__git_finish(&jobs[1], text, TARE__GIT_TEXT);
    if (got >= 0 && result == 0 && state->head.id != NULL) {
        result = read_status(text, (size_t)got, state);
    }
    free(text);
    if (result != 0) {
        tare__git_state_release(state);
    }
    return result;
}
