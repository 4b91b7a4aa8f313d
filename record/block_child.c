/* SPDX-License-Identifier: MIT */
/*
 * Starting the process of a block. As posix_spawn(3) does it, the child shares our memory until it becomes the
 * program (CLONE_VFORK | CLONE_VM): copying page tables would take longer the more memory we have, and would
 * make us fault on each page again afterwards. posix_spawn itself can neither pin nor set the parent's death
 * signal. The child has its own stack, calls nothing that allocates or locks, and has no handler of ours.
 *
 * The program gets a process group of its own, so that a time limit ends all of it. That group is not the
 * terminal's foreground group: the program does not get its Ctrl-C (we stop it instead), and reading the
 * terminal, or setting it, would stop it with SIGTTIN or SIGTTOU, for ever. So it is started with both ignored:
 * then reading fails with EIO and writing works. Not a session of its own, which where the kernel schedules by
 * session would give each block a scheduling group of its own.
 * SIGKILL for us ends the program, too (PR_SET_PDEATHSIG).
 */
#include "record/block_child.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

/* 64 KiB: execve needs none of it, but the dynamic linker saves all of the processor's registers on the way. */
enum { STACK_SIZE = 65536, SIGNALS = 32 };

static const char padding_name[] = "TARE_BENCH_PAD=", preload_name[] = "LD_PRELOAD=";

/* ThreadSanitizer keeps the signals' handlers in memory, where the child would change them for us. */
#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#define OWN_MEMORY 1
#endif
#elif defined(__SANITIZE_THREAD__)
#define OWN_MEMORY 1
#endif
#ifndef OWN_MEMORY
#define OWN_MEMORY 0
#endif

/* What a sanitizer keeps of each call would stay behind in our memory: the child does not return. */
#define NOT_WATCHED __attribute__((noinline, no_sanitize("thread", "address")))

static bool same_name(const char *variable, const char *other)
{
    size_t length = strcspn(variable, "=");
    return strncmp(variable, other, length) == 0 && (other[length] == '=' || other[length] == '\0');
}

/* The last "NAME=VALUE" of the name in `list`, or NULL. */
static const char *find(const char *const *list, const char *name)
{
    const char *found = NULL;
    for (; list != NULL && *list != NULL; list++) {
        found = same_name(name, *list) ? *list : found;
    }
    return found;
}

/* A library's name in LD_PRELOAD ends at a blank or colon, and there is no way to quote these. */
static int make_preload(struct tare__child *child)
{
    const struct tare_block_request *block = child->block;
    if (block->preload == NULL) {
        return 0;
    }
    if (block->preload[strcspn(block->preload, ": \t\n")] != '\0') {
        return -EINVAL;
    }
    const char *before = find(block->set, preload_name);
    before = before != NULL ? before : find((const char *const *)environ, preload_name);
    before = before != NULL ? before + strlen(preload_name) : "";
    return asprintf(&child->preload, "%s%s%s%s", preload_name, block->preload, *before != '\0' ? ":" : "",
                    before) < 0
               ? -ENOMEM
               : 0;
}

static int make_padding(struct tare__child *child)
{
    size_t length = strlen(padding_name), size = child->block->padding;
    if (size == 0) {
        return 0;
    }
    if (size > (size_t)1 << 24) { /* beyond what execve takes: 128 KiB for a string, 6 MiB for all */
        return -E2BIG;
    }
    child->padding = malloc(length + size + 1);
    if (child->padding == NULL) {
        return -ENOMEM;
    }
    memcpy(child->padding, padding_name, length);
    memset(child->padding + length, 'x', size);
    child->padding[length + size] = '\0';
    return 0;
}

static int make_environment(struct tare__child *child)
{
    int error = make_preload(child);
    error = error != 0 ? error : make_padding(child);
    if (error != 0) {
        return error;
    }
    const char *const *set = child->block->set;
    size_t count = 0, added = 0, at = 0;
    while (environ != NULL && environ[count] != NULL) {
        count++;
    }
    while (set != NULL && set[added] != NULL) {
        added++;
    }
    child->environment = calloc(count + added + 3, sizeof(*child->environment));
    if (child->environment == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < count + added; i++) {
        char *variable = i < count ? environ[i] : (char *)(uintptr_t)set[i - count];
        bool replaced = (i < count && find(set, variable) != NULL) ||
                        (child->preload != NULL && same_name(preload_name, variable)) ||
                        (child->padding != NULL && same_name(padding_name, variable));
        if (!replaced) {
            child->environment[at++] = variable;
        }
    }
    if (child->preload != NULL) {
        child->environment[at++] = child->preload;
    }
    if (child->padding != NULL) {
        child->environment[at++] = child->padding;
    }
    return 0;
}

/*
 * Takes the descriptor away from the numbers that the child gives to others, which dup2 would close. Returns
 * the new one, or -errno with the old one closed.
 */
static int out_of_the_way(int fd, int lines_fd)
{
    if (fd > STDERR_FILENO && fd != lines_fd) {
        return fd;
    }
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (moved == lines_fd) {
        int again = fcntl(fd, F_DUPFD_CLOEXEC, lines_fd + 1);
        close(moved);
        moved = again;
    }
    int error = errno;
    close(fd);
    return moved >= 0 ? moved : -error;
}

static int open_file(const char *path, int flags, int lines_fd, int *fd)
{
    *fd = open(path, flags | O_CLOEXEC | O_NOCTTY);
    if (*fd < 0) {
        return -errno;
    }
    int moved = out_of_the_way(*fd, lines_fd);
    *fd = moved >= 0 ? moved : -1;
    return moved >= 0 ? 0 : moved;
}

/*
 * Each block reads the input from its beginning, which of a pipe nobody can; and opening one would wait for a
 * writer, with the signals blocked that could end that.
 */
static int open_input(struct tare__child *child)
{
    struct stat status;
    int error = open_file(child->block->input, O_RDONLY | O_NONBLOCK, child->block->lines_fd, &child->input);
    if (error != 0) {
        return error;
    }
    if (fstat(child->input, &status) != 0) {
        return -errno;
    }
    if (S_ISDIR(status.st_mode)) {
        return -EISDIR;
    }
    if (S_ISFIFO(status.st_mode)) {
        return -ESPIPE;
    }
    int flags = fcntl(child->input, F_GETFL);
    return flags >= 0 && fcntl(child->input, F_SETFL, flags & ~O_NONBLOCK) == 0 ? 0 : -errno;
}

/* Our end does not block, the child's does: they are different open files to the kernel. */
static int open_pipe(int ends[2], int lines_fd)
{
    if (pipe2(ends, O_CLOEXEC) != 0) {
        ends[0] = ends[1] = -1;
        return -errno;
    }
    for (int i = 0; i < 2; i++) {
        int moved = out_of_the_way(ends[i], lines_fd);
        ends[i] = moved >= 0 ? moved : -1;
        if (moved < 0) {
            return moved;
        }
    }
    return fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 ? 0 : -errno;
}

static int open_all(struct tare__child *child)
{
    const struct tare_block_request *block = child->block;
    int lines_fd = block->lines_fd, error = 0;
    if (block->input != NULL) {
        error = open_input(child);
    }
    if (error == 0 &&
        (block->input == NULL || block->output == TARE_BLOCK_NULL || block->errors == TARE_BLOCK_NULL)) {
        error = open_file("/dev/null", O_RDWR, lines_fd, &child->null);
    }
    if (error == 0 && (block->output == TARE_BLOCK_CAPTURE || block->errors == TARE_BLOCK_CAPTURE)) {
        error = open_pipe(child->pipe_output, lines_fd);
    }
    if (error == 0 && lines_fd >= 0) {
        error = open_pipe(child->pipe_lines, lines_fd);
    }
    return error;
}

int tare__child_prepare(struct tare__child *child, const struct tare_block_request *block, const sigset_t *mask,
                        const struct sigaction *child_signal)
{
    *child = (struct tare__child){
        .block = block,
        .mask = mask,
        .child_signal = child_signal,
        .input = -1,
        .null = -1,
        .pipe_output = {-1, -1},
        .pipe_lines = {-1, -1},
        .hold = {-1, -1},
    };
    if ((block->lines_fd >= 0 && block->lines_fd <= STDERR_FILENO) || block->pin_cpu >= CPU_SETSIZE) {
        return -EINVAL;
    }
    int error = make_environment(child);
    error = error != 0 ? error : open_all(child);
    if (error != 0) {
        return error;
    }
    for (int number = 1; number < SIGNALS; number++) {
        struct sigaction action;
        if (sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_DFL &&
            action.sa_handler != SIG_IGN) {
            child->caught |= UINT32_C(1) << number;
        }
    }
    return 0;
}

/*
 * The child's stack, with the report at its bottom. While the child shares our memory, any will do; shared
 * memory takes 15 us longer to get and to give back.
 */
static int make_stack(struct tare__child *child, bool shares)
{
    void *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
                       (shares ? MAP_PRIVATE | MAP_STACK : MAP_SHARED) | MAP_ANONYMOUS, -1, 0);
    if (stack == MAP_FAILED) {
        return -errno;
    }
    child->stack = stack;
    child->report = stack;
    return 0;
}

/* In the child: puts the signals as they were before the block. */
NOT_WATCHED static void set_signals(const struct tare__child *child)
{
    const struct sigaction standard = {.sa_handler = SIG_DFL}, ignored = {.sa_handler = SIG_IGN};
    for (int number = 1; number < SIGNALS; number++) {
        if ((child->caught >> number & 1) != 0) {
            sigaction(number, &standard, NULL);
        }
    }
    sigaction(SIGTTIN, &ignored, NULL);
    sigaction(SIGTTOU, &ignored, NULL);
    if (child->child_signal->sa_handler == SIG_IGN) {
        sigaction(SIGCHLD, &ignored, NULL);
    }
    sigprocmask(SIG_SETMASK, child->mask, NULL);
}

NOT_WATCHED static bool set_stream(enum tare_block_stream stream, const struct tare__child *child, int number)
{
    int from = stream == TARE_BLOCK_NULL      ? child->null
               : stream == TARE_BLOCK_CAPTURE ? child->pipe_output[1]
                                              : -1;
    return from < 0 || dup2(from, number) == number;
}

NOT_WATCHED static bool set_all(const struct tare__child *child)
{
    const struct tare_block_request *block = child->block;
    if (block->pin_cpu >= 0) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET((size_t)block->pin_cpu, &set);
        if (sched_setaffinity(0, sizeof(set), &set) != 0) {
            return false;
        }
    }
    return dup2(block->input != NULL ? child->input : child->null, STDIN_FILENO) == STDIN_FILENO &&
           set_stream(block->output, child, STDOUT_FILENO) && set_stream(block->errors, child, STDERR_FILENO) &&
           (block->lines_fd < 0 || dup2(child->pipe_lines[1], block->lines_fd) == block->lines_fd);
}

/* In the child. */
NOT_WATCHED static int become(void *data)
{
    const struct tare__child *child = data;
    struct tare__child_report *report = child->report;
    char go = 0;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != child->parent) {
        _exit(126); /* we were killed before: then the signal does not come */
    }
    setpgid(0, 0);
    if (child->hold[0] >= 0) {
        close(child->hold[1]); /* or its end would never be seen */
        while (read(child->hold[0], &go, 1) < 0 && errno == EINTR) {
        }
        if (go == 0) {
            _exit(126);
        }
    }
    if (set_all(child)) {
        set_signals(child);
        report->at_exec = true;
        execve(child->block->path, child->block->argv, child->environment);
    }
    report->error = errno;
    _exit(127);
}

int tare__child_start(struct tare__child *child, bool held)
{
    if (held && pipe2(child->hold, O_CLOEXEC) != 0) {
        child->hold[0] = child->hold[1] = -1;
        return -errno;
    }
    for (int i = 0; held && i < 2; i++) {
        int moved = out_of_the_way(child->hold[i], child->block->lines_fd);
        child->hold[i] = moved >= 0 ? moved : -1;
        if (moved < 0) {
            return moved;
        }
    }
    child->parent = getpid();
    bool shares = !held && !OWN_MEMORY;
    int error = make_stack(child, shares);
    if (error != 0) {
        return error;
    }
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid_t pid = clone(become, (char *)child->stack + STACK_SIZE,
                      (shares ? CLONE_VFORK | CLONE_VM : 0) | SIGCHLD, child);
    error = errno;
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (pid < 0) {
        return -error;
    }
    child->pid = pid;
    if (!shares) {
        setpgid(pid, pid); /* whoever comes first: it may be signalled from now on */
    }
    return 0;
}

static void close_one(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
        *fd = -1;
    }
}

void tare__child_go(struct tare__child *child)
{
    ssize_t written;
    do {
        written = write(child->hold[1], "x", 1);
    } while (written < 0 && errno == EINTR);
    close_one(&child->hold[0]); /* not before: without a reader, as it may have been killed, there is SIGPIPE */
    close_one(&child->hold[1]);
}

void tare__child_close_ends(struct tare__child *child)
{
    close_one(&child->input);
    close_one(&child->null);
    close_one(&child->pipe_output[1]);
    close_one(&child->pipe_lines[1]);
}

void tare__child_release(struct tare__child *child)
{
    tare__child_close_ends(child);
    close_one(&child->pipe_output[0]);
    close_one(&child->pipe_lines[0]);
    close_one(&child->hold[0]);
    close_one(&child->hold[1]);
    if (child->stack != NULL) {
        munmap(child->stack, STACK_SIZE);
        child->stack = NULL;
    }
    free(child->environment);
    free(child->padding);
    free(child->preload);
    child->environment = NULL;
    child->padding = child->preload = NULL;
}
