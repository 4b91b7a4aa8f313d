/* SPDX-License-Identifier: MIT */
/*
 * kill_at_call N PROGRAM [ARGS]: kills the program with SIGKILL when it has gone into or out of the kernel N
 * times. Exit code: 0; 3: it ended before that; 77: it cannot be traced here.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc < 3) {
        return 1;
    }
    pid_t pid = fork();
    if (pid == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) {
            _exit(77);
        }
        execvp(argv[2], argv + 2);
        _exit(127);
    }
    long left = strtol(argv[1], NULL, 10);
    int status;
    while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
        int got = WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status);
        if (left-- == 0) {
            kill(pid, SIGKILL);
            waitpid(pid, &status, 0);
            return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? 0 : 1;
        }
        if (ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(long)got) != 0) {
            break;
        }
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 77 ? 77 : 3;
}
