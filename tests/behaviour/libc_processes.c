/* SPDX-License-Identifier: MIT */
/*
 * Processes: a fork is counted in the parent alone, and its child counts for itself; an exec that succeeds
 * leaves a program that works and counts, and one after vfork leaves the parent's timers as they were. What
 * libc calls for itself (in stdio, in system) is not counted.
 */
#include <errno.h>
#include <spawn.h>
#include <sys/wait.h>

#include "tests/behaviour/libc_preload.h"

extern char **environ;

static int exit_code_of(pid_t pid)
{
    int status = -1;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + status;
}

static unsigned long calls(const char *name)
{
    return (unsigned long)stats_of(name).calls;
}

/* In the child of fork: nothing is counted yet, then what it does; its exit code says what it found. */
static int look_around(void)
{
    tare_stats forks = stats_of("fork");
    if (forks.calls != 0 || forks.enabled != 1 || stats_of("getpid").name != NULL) {
        return 10;
    }
    close(-1);
    close(-1);
    return stats_of("close").calls == 2 ? 0 : 11;
}

static void forks(void)
{
    close(-1);
    pid_t pid = fork();
    if (pid == 0) {
        _exit(look_around());
    }
    int code = exit_code_of(pid);
    CHECK(code == 0, "the child's exit code is %d", code);
    CHECK(calls("fork") == 1, "%lu", calls("fork"));
    CHECK(calls("close") == 1, "%lu", calls("close"));
    CHECK(calls("waitpid") == 1, "%lu", calls("waitpid"));
}

static void execs(char **argv)
{
    pid_t pid = fork();
    if (pid == 0) {
        setenv("TARE_ENABLE", "libc::close", 1);
        execl("/proc/self/exe", argv[0], "--executed", (char *)NULL);
        _exit(errno == ENOEXEC ? 77 : 20);
    }
    int code = exit_code_of(pid);
    if (code == 77) {
        printf("left out: starting this program again, which this system does not do by itself\n");
        code = 0;
    }
    CHECK(code == 0, "the executed program's exit code is %d", code);
    CHECK(calls("execve") == 0, "%lu", calls("execve"));
}

static char *true_arguments[] = {(char[]){"true"}, NULL};

static __attribute__((noinline)) pid_t start_by_vfork(void)
{
    pid_t pid = vfork();
    if (pid == 0) {
        execve("/bin/true", true_arguments, environ);
        _exit(127);
    }
    return pid;
}

static void vforks(void)
{
    for (int i = 0; i < 3; i++) {
        int code = exit_code_of(start_by_vfork());
        CHECK(code == 0, "exit code %d", code);
    }
    CHECK(calls("execve") == 0, "%lu", calls("execve"));
    execve("/nonexistent/file", true_arguments, environ);
    tare_stats stats = stats_of("execve");
    CHECK(stats.calls == 1 && stats.outermost == 1, "%lu, %lu outermost", (unsigned long)stats.calls,
          (unsigned long)stats.outermost);
}

static void spawns(void)
{
    pid_t pid = -1;
    CHECK(posix_spawnp(&pid, "true", NULL, NULL, true_arguments, environ) == 0, "errno %d", errno);
    int code = exit_code_of(pid);
    CHECK(code == 0, "exit code %d", code);
    CHECK(calls("posix_spawn") == 1, "%lu", calls("posix_spawn"));
}

static void libc_for_itself(void)
{
    FILE *null = fopen("/dev/null", "w");
    if (null == NULL) {
        perror("not ok: /dev/null");
        failures++;
        return;
    }
    unsigned long writes = calls("write"), opens = calls("open") + calls("openat"), waits = calls("waitpid");
    fputs("text", null);
    fflush(null);
    fclose(null);
    int code = system("exit 3");
    CHECK(WEXITSTATUS(code) == 3, "%d", code);
    CHECK(calls("write") == writes, "%lu, not %lu", calls("write"), writes);
    CHECK(calls("open") + calls("openat") == opens, "more than the %lu of before", opens);
    CHECK(calls("waitpid") == waits && calls("posix_spawn") == 1, "%lu, %lu", calls("waitpid"),
          calls("posix_spawn"));
}

int main(int argc, char **argv)
{
    preload_self(argv);
    if (argc == 2 && strcmp(argv[1], "--executed") == 0) {
        unsigned long before = calls("close");
        close(-1);
        return stats_of("close").enabled == 1 && calls("close") == before + 1 ? 0 : 21;
    }
    CHECK(tare_enable("libc::*") > 50, "timers are there");
    forks();
    execs(argv);
    vforks();
    spawns();
    libc_for_itself();
    return failures != 0;
}
