/* SPDX-License-Identifier: MIT */
/*
 * See the header. Each part runs in a process of its own, and ends it with a code above 90 when it cannot
 * play.
 */
#include "tests/unit/block_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const struct timespec moment = {.tv_nsec = 2000000};

static void say(int fd, const char *text)
{
    if (write(fd, text, strlen(text)) < 0) {
        _exit(99);
    }
}

/* A test that fails leaves nobody behind for good. */
static void pause_for_ever(void)
{
    alarm(50);
    for (;;) {
        pause();
    }
}

static int end(const char *code)
{
    return atoi(code);
}

static int die(const char *number)
{
    signal(atoi(number), SIG_DFL);
    return raise(atoi(number));
}

static int tell(const char *text)
{
    say(BLOCK_LINES, text);
    return 0;
}

static int print(const char *text)
{
    say(STDOUT_FILENO, "out ");
    say(STDERR_FILENO, "err ");
    say(STDOUT_FILENO, text);
    return 0;
}

static int flood(const char *fd)
{
    char block[4096];
    memset(block, 'f', sizeof(block));
    for (size_t sent = 0; sent < BLOCK_FLOOD;) {
        ssize_t wrote = write(atoi(fd), block, sizeof(block));
        if (wrote < 0) {
            return 98;
        }
        sent += (size_t)wrote;
    }
    return 0;
}

static int close_all(const char *unused)
{
    (void)unused;
    for (int fd = 0; fd < 1024; fd++) {
        close(fd);
    }
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    return 3;
}

/* The child goes on when its parent has ended, with every descriptor in its hands; it says its number first. */
static int leave(const char *where)
{
    bool in_a_session_of_its_own = strcmp(where, "session") == 0;
    char text[32];
    pid_t pid = fork();
    if (pid == 0) {
        snprintf(text, sizeof(text), "%d\n", (int)getpid());
        say(BLOCK_LINES, text);
        if (in_a_session_of_its_own) {
            setsid();
        }
        pause_for_ever();
    }
    while (getpgid(pid) == getpgrp() && in_a_session_of_its_own) {
        nanosleep(&moment, NULL);
    }
    say(STDOUT_FILENO, "last words");
    return 0;
}

static int hang(const char *how)
{
    if (strcmp(how, "stopped") == 0) {
        raise(SIGSTOP);
    } else if (strcmp(how, "family") == 0) {
        leave("session");
    }
    pause_for_ever();
    return 97;
}

/* Says its number to a descriptor that it has from the test itself. */
static int hang_for(const char *fd)
{
    char text[32];
    snprintf(text, sizeof(text), "%d\n", (int)getpid());
    say(atoi(fd), text);
    pause_for_ever();
    return 97;
}

static int signal_parent(const char *number)
{
    kill(getppid(), atoi(number));
    pause_for_ever();
    return 97;
}

static int signal_parent_and_end(const char *number)
{
    return kill(getppid(), atoi(number));
}

/* Ends when it is continued, which is after both were stopped. */
static int stop_parent(const char *unused)
{
    sigset_t set;
    int got;
    (void)unused;
    sigemptyset(&set);
    sigaddset(&set, SIGCONT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    kill(getppid(), SIGTSTP);
    return sigwait(&set, &got);
}

static int say_variable(const char *name)
{
    const char *value = getenv(name);
    say(BLOCK_LINES, value != NULL ? value : "(none)");
    return 0;
}

static int say_signals(const char *unused)
{
    sigset_t mask;
    char text[256];
    size_t used = (size_t)snprintf(text, sizeof(text), "blocked:");
    (void)unused;
    sigprocmask(SIG_SETMASK, NULL, &mask);
    for (int i = 1; i < 32; i++) {
        if (sigismember(&mask, i) == 1) {
            used += (size_t)snprintf(text + used, sizeof(text) - used, " %d", i);
        }
    }
    used += (size_t)snprintf(text + used, sizeof(text) - used, "\nignored:");
    for (int i = 1; i < 32; i++) {
        struct sigaction action;
        if (sigaction(i, NULL, &action) == 0 && action.sa_handler == SIG_IGN) {
            used += (size_t)snprintf(text + used, sizeof(text) - used, " %d", i);
        }
    }
    say(BLOCK_LINES, text);
    return 0;
}

static int say_descriptors(const char *unused)
{
    char text[512] = "";
    size_t used = 0;
    (void)unused;
    for (int fd = 0; fd < 100; fd++) {
        if (fcntl(fd, F_GETFD) >= 0) {
            used += (size_t)snprintf(text + used, sizeof(text) - used, "%d ", fd);
        }
    }
    say(BLOCK_LINES, text);
    return 0;
}

static int copy_input(const char *unused)
{
    char text[256];
    ssize_t got = read(STDIN_FILENO, text, sizeof(text) - 1);
    (void)unused;
    text[got > 0 ? got : 0] = '\0';
    say(BLOCK_LINES, got == 0 ? "(end)" : text);
    return 0;
}

static int work(const char *seconds)
{
    struct timespec used;
    do {
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    } while ((double)used.tv_sec + (double)used.tv_nsec / 1e9 < atof(seconds));
    return 0;
}

static int sleep_for(const char *seconds)
{
    return nanosleep(&(struct timespec){.tv_nsec = (long)(atof(seconds) * 1e9)}, NULL);
}

static int say_group(const char *unused)
{
    (void)unused;
    say(BLOCK_LINES, getpgrp() == getpid() ? "own" : "shared");
    return 0;
}

static int say_processors(const char *number)
{
    cpu_set_t set;
    char text[64];
    sched_getaffinity(0, sizeof(set), &set);
    snprintf(text, sizeof(text), "%d processors, %s", CPU_COUNT(&set),
             CPU_ISSET((size_t)atoi(number), &set) ? "that one" : "another");
    say(BLOCK_LINES, text);
    return 0;
}

/* Reads the terminal, which would stop it for ever where it is not told that it may not; then writes to it. */
static int use_terminal(const char *text)
{
    char byte;
    int terminal = open("/dev/tty", O_RDWR);
    bool refused = terminal >= 0 && read(terminal, &byte, 1) < 0 && errno == EIO;
    say(BLOCK_LINES, refused ? "refused" : "read");
    say(terminal, text);
    if (strcmp(text, "hanging") == 0) {
        pause_for_ever();
    }
    return 0;
}

static const struct {
    const char *name;
    int (*play)(const char *with);
} parts[] = {
    {"end", end},
    {"die", die},
    {"tell", tell},
    {"print", print},
    {"flood", flood},
    {"close-all", close_all},
    {"leave", leave},
    {"hang", hang},
    {"hang-for", hang_for},
    {"signal-parent", signal_parent},
    {"signal-parent-and-end", signal_parent_and_end},
    {"stop-parent", stop_parent},
    {"variable", say_variable},
    {"signals", say_signals},
    {"descriptors", say_descriptors},
    {"input", copy_input},
    {"work", work},
    {"sleep", sleep_for},
    {"group", say_group},
    {"processors", say_processors},
    {"terminal", use_terminal},
};

int block_part_play(const char *part, const char *with)
{
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (strcmp(parts[i].name, part) == 0) {
            return parts[i].play(with);
        }
    }
    return 96;
}
