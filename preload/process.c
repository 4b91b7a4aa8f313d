/* SPDX-License-Identifier: MIT */
/*
 * Starting processes and programs.
 *
 * All of the exec family is one timer, execve. An exec that succeeds never returns: the memory that its scope
 * lives in is gone with the old program, so the scope is lost, and only those that fail are counted. (In the
 * old program's page it remains as one scope that began and never ended.) posix_spawn is the way to see what
 * starting costs.
 *
 * vfork is not wrapped, because it returns twice on one stack. Its child runs in its parent's memory and would
 * leave its lost exec scope in the parent's page, in the way of the parent's own; hence an exec is timed only
 * in the process that this memory belongs to.
 *
 * In the child of a fork, the scope of fork is dropped: it belongs to the parent, where it is recorded. system,
 * popen, daemon and forkpty have no timer: they are calls of libc to itself, and mostly the time of another
 * program.
 */
#include "preload/next.h"

#include <alloca.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/types.h>
#include <unistd.h>

TARE_MODULE("libc");

TARE_TIMER(fork);
NEXT_TIMED(fork, pid_t, fork, (void), ());

TARE_TIMER(posix_spawn);
NEXT_TIMED_OF(NEXT_VERSION_SPAWN, posix_spawn, int, posix_spawn,
              (pid_t * pid, const char *path, const posix_spawn_file_actions_t *actions,
               const posix_spawnattr_t *attributes, char *const arguments[], char *const environment[]),
              (pid, path, actions, attributes, arguments, environment));
NEXT_TIMED_OF(NEXT_VERSION_SPAWN, posix_spawn, int, posix_spawnp,
              (pid_t * pid, const char *file, const posix_spawn_file_actions_t *actions,
               const posix_spawnattr_t *attributes, char *const arguments[], char *const environment[]),
              (pid, file, actions, attributes, arguments, environment));

static pid_t owner;

static void set_owner(void)
{
    owner = getpid();
}

__attribute__((constructor(102))) static void watch_forks(void)
{
    int saved = errno;
    set_owner();
    pthread_atfork(NULL, NULL, set_owner);
    errno = saved;
}

TARE_TIMER(execve);
#define EXEC_BODY(symbol, args)                                                                                \
    if (NEXT_OFF(execve) || getpid() != owner) {                                                               \
        return NEXT(symbol) args;                                                                              \
    }                                                                                                          \
    NEXT_SCOPE(execve, span);                                                                                  \
    return NEXT(symbol) args

#define EXEC(symbol, params, args)                                                                             \
    NEXT_OF(NULL, int, symbol, params, args)                                                                   \
    int symbol params                                                                                          \
    {                                                                                                          \
        EXEC_BODY(symbol, args);                                                                               \
    }                                                                                                          \
    NEXT_LINE_END

EXEC(execve, (const char *path, char *const arguments[], char *const environment[]),
     (path, arguments, environment));
EXEC(execv, (const char *path, char *const arguments[]), (path, arguments));
EXEC(execvp, (const char *file, char *const arguments[]), (file, arguments));
EXEC(execvpe, (const char *file, char *const arguments[], char *const environment[]),
     (file, arguments, environment));
EXEC(fexecve, (int fd, char *const arguments[], char *const environment[]), (fd, arguments, environment));
EXEC(execveat, (int at, const char *path, char *const arguments[], char *const environment[], int flags),
     (at, path, arguments, environment, flags));

/* How many arguments there are before the NULL that ends them. */
static size_t count_arguments(va_list list)
{
    size_t n = 0;
    while (va_arg(list, char *) != NULL) {
        n++;
    }
    return n;
}

/*
 * Copies `first`, the n arguments after it and the NULL into `to`; returns the argument after the NULL, if
 * there is to be one (that of execle).
 */
static char *const *copy_arguments(char **to, const char *first, size_t n, va_list list, bool more)
{
    to[0] = (char *)(uintptr_t)first;
    for (size_t i = 1; i <= n + 1; i++) {
        to[i] = va_arg(list, char *);
    }
    return more ? va_arg(list, char *const *) : NULL;
}

/*
 * execl and its like go on as the form that takes an array, as they do in libc. The array is on the stack
 * because they may be called in the child of a vfork, or of a fork in a threaded program, where malloc is not
 * safe. As in libc, `first` must not be NULL.
 */
#define EXEC_LIST(symbol, more, to, args)                                                                      \
    NEXT_EXPORT int symbol(const char *path, const char *first, ...);                                          \
    int symbol(const char *path, const char *first, ...)                                                       \
    {                                                                                                          \
        va_list list;                                                                                          \
        va_start(list, first);                                                                                 \
        size_t n = count_arguments(list);                                                                      \
        va_end(list);                                                                                          \
        char **arguments = alloca((n + 2) * sizeof(*arguments));                                               \
        va_start(list, first);                                                                                 \
        char *const *environment = copy_arguments(arguments, first, n, list, more);                            \
        va_end(list);                                                                                          \
        (void)environment;                                                                                     \
        EXEC_BODY(to, args);                                                                                   \
    }                                                                                                          \
    NEXT_LINE_END

EXEC_LIST(execl, false, execv, (path, arguments));
EXEC_LIST(execlp, false, execvp, (path, arguments));
EXEC_LIST(execle, true, execve, (path, arguments, environment));
