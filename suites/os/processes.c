/* SPDX-License-Identifier: MIT */
/*
 * Processes: what it takes to make one, and another program of it. Each iteration ends when the process has ended and was
 * waited for. Forks are the kernel's, without handlers (place_fork()): libtare, which this program is linked with, has some.
 * about_processes.c has the definitions.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tare/tare.h>

#include "suites/os/place.h"

TARE_MODULE("os");
TARE_TIMER(proc_fork);
TARE_TIMER(proc_vfork);
TARE_TIMER(proc_posix_spawn);
TARE_TIMER(proc_exec_static);
TARE_TIMER(proc_exec_dynamic);
TARE_TIMER(proc_spawn);
TARE_TIMER(proc_shell);

/* Programs are named by their paths, and find nothing that could change what they do. */
static char *const no_environment[] = {NULL};

/* Whether it has ended well. */
static inline bool ended_well(pid_t child)
{
    int status;
    pid_t ended;
    do {
        ended = waitpid(child, &status, 0);
    } while (ended < 0 && errno == EINTR);
    return child > 0 && ended == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* A parent may leave SIGCHLD ignored to us, and then nobody can be waited for. */
static void can_wait(void)
{
    const struct sigaction standard = {.sa_handler = SIG_DFL};
    sigaction(SIGCHLD, &standard, NULL);
}

TARE_BENCH(proc_fork)
{
    can_wait();
    TARE_EACH(b)
    {
        TARE_SCOPE(proc_fork);
        pid_t child = place_fork();
        if (child == 0) {
            _exit(0);
        }
        tare_require(ended_well(child));
    }
}

/* On its own, so that nothing of its caller's is kept where the child could write. */
__attribute__((noinline)) static pid_t vfork_and_exit(void)
{
    pid_t child = vfork();
    if (child == 0) {
        _exit(0);
    }
    return child;
}

TARE_BENCH(proc_vfork)
{
    can_wait();
    TARE_EACH(b)
    {
        TARE_SCOPE(proc_vfork);
        tare_require(ended_well(vfork_and_exit()));
    }
}

/* Beside this program. False: there is none, as it was left out of the build. */
static bool find_beside(const char *name, char *path, size_t size)
{
    ssize_t length = readlink("/proc/self/exe", path, size - 1);
    if (length <= 0) {
        return false;
    }
    path[length] = '\0';
    char *slash = strrchr(path, '/');
    size_t room = slash != NULL ? size - (size_t)(slash + 1 - path) : 0;
    return slash != NULL && (size_t)snprintf(slash + 1, room, "%s", name) < room && access(path, X_OK) == 0;
}

static inline pid_t fork_exec(char *const argv[])
{
    pid_t child = place_fork();
    if (child == 0) {
        execve(argv[0], argv, no_environment);
        _exit(127);
    }
    return child;
}

TARE_BENCH(proc_posix_spawn)
{
    char path[PATH_MAX];
    can_wait();
    if (!find_beside("nothing", path, sizeof(path))) {
        tare_skip("its program 'nothing' is not beside this one");
    }
    char *const argv[] = {path, NULL};
    TARE_EACH(b)
    {
        pid_t child;
        TARE_SCOPE(proc_posix_spawn);
        tare_require(posix_spawn(&child, path, NULL, NULL, argv, no_environment) == 0);
        tare_require(ended_well(child));
    }
}

TARE_BENCH(proc_exec_static)
{
    char path[PATH_MAX];
    if (!find_beside("nothing-static", path, sizeof(path))) {
        tare_skip("it was built without static libraries of C (libc6-dev, glibc-static)");
    }
    char *const argv[] = {path, NULL};
    can_wait();
    TARE_EACH(b)
    {
        TARE_SCOPE(proc_exec_static);
        tare_require(ended_well(fork_exec(argv)));
    }
}

TARE_BENCH(proc_exec_dynamic)
{
    char path[PATH_MAX];
    if (!find_beside("nothing", path, sizeof(path))) {
        tare_skip("its program 'nothing' is not beside this one");
    }
    char *const argv[] = {path, NULL};
    can_wait();
    TARE_EACH(b)
    {
        TARE_SCOPE(proc_exec_dynamic);
        tare_require(ended_well(fork_exec(argv)));
    }
}

TARE_BENCH(proc_spawn)
{
    static char path[] = "/bin/true";
    char *const argv[] = {path, NULL};
    if (access(argv[0], X_OK) != 0) {
        tare_skip("there is no '/bin/true'");
    }
    can_wait();
    TARE_EACH(b)
    {
        TARE_SCOPE(proc_spawn);
        tare_require(ended_well(fork_exec(argv)));
    }
}

TARE_BENCH(proc_shell)
{
    static char path[] = "/bin/sh", option[] = "-c", command[] = "true";
    char *const argv[] = {path, option, command, NULL};
    if (access(argv[0], X_OK) != 0) {
        tare_skip("there is no '/bin/sh'");
    }
    can_wait();
    TARE_EACH(b)
    {
        TARE_SCOPE(proc_shell);
        tare_require(ended_well(fork_exec(argv)));
    }
}
