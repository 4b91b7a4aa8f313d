/* SPDX-License-Identifier: MIT */
/* Runs a program to its end: its input, output and signals pass through, its end and its times come back. */
#ifndef TARE_RECORD_SPAWN_H
#define TARE_RECORD_SPAWN_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* How a process came to its end. */
enum tare_end {
    TARE_END_UNKNOWN = 0, /* not seen: no child of ours, or lost */
    TARE_END_EXITED,      /* code */
    TARE_END_SIGNALED,    /* code is the signal's number */
    TARE_END_RUNNING,     /* it goes on */
    TARE_END_TIMEOUT, /* stopped by a time limit; code is the signal's number, or 0 if it exited on request */
};

struct rusage;

struct tare_spawn {
    const char *path;         /* the executable */
    char *const *argv;        /* its arguments, the first one its name */
    const char *const *set;   /* "NAME=VALUE", NULL-terminated: added to the environment, or replacing */
    const char *const *unset; /* names taken out of the environment, NULL-terminated */
    int pin_cpu;              /* -1: wherever */
    double timeout_s;         /* 0: none. SIGTERM, then SIGKILL two seconds later */
    const sigset_t *mask;     /* of signals, for the program; NULL: ours */
    bool quiet;               /* standard output goes nowhere (a pipe that is emptied) */
    bool no_input;            /* standard input comes from /dev/null */
    /*
     * Called when the child is there and waits to become the program; may be NULL. What it returns other than 0
     * is returned, and the program is not run. The signals that are passed on are blocked meanwhile; see
     * tare_spawn_asked_to_end().
     */
    int (*attach)(void *data, pid_t pid);
    /*
     * Called when it begins to run and from time to time until it ends; returns after how many ns it wants to
     * be called again (1 ms at least, a second at most); may be NULL.
     */
    uint64_t (*poll)(void *data);
    /*
     * Memory that is shared with children, for what the child has used up as a copy of us, right before it becomes
     * the program: the kernel counts that as the program's. May be NULL.
     */
    struct rusage *before;
    void (*ending)(void *data); /* it has ended, and is still there to be looked at; may be NULL */
    /*
     * The time is up: signals whoever else belongs to it (0: nobody), and returns how many there are; may be
     * NULL.
     */
    unsigned (*stop)(void *data, int signal);
    void *data;
};

struct tare_outcome {
    pid_t pid;
    enum tare_end end;
    int code;
    int interrupted; /* SIGINT, SIGTERM ... that we got while it ran, and passed on; 0: none */
    double wall_ns;  /* from its exec to its end */
    double user_ns, system_ns;
};

/*
 * Returns 0 when the program ran, however it ended, or -errno: of exec where *not_started is true (then the
 * program did not run), else of our own doing. Handles the signals of the whole process meanwhile: not for a
 * program with other threads.
 */
int tare_spawn_run(const struct tare_spawn *spawn, struct tare_outcome *outcome, bool *not_started);

/* Within attach(): whether SIGINT, SIGTERM, SIGHUP or SIGQUIT has come, which outcome->interrupted then names. */
bool tare_spawn_asked_to_end(void);

#endif
