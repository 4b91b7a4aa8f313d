/* SPDX-License-Identifier: MIT */
/*
 * Runs the commands that a project is built by, and git: for minutes perhaps, so who waits is kept informed and
 * Ctrl-C stops them. record/worktree.h and record/relink.h are made of it.
 */
#ifndef TARE_RECORD_BUILD_H
#define TARE_RECORD_BUILD_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Who waits. Each may be NULL, and so may be the whole. Called in the thread that waits, never from a signal.
 */
struct tare_build_watch {
    /* Ten times a second while something takes time: what ("building 1a2b3c4d5e6f"), and since when. */
    void (*progress)(void *data, const char *what, double elapsed_s);
    /* One line that the user should see also when all goes well: which command was chosen, and why. */
    void (*notice)(void *data, const char *line);
    void *data;
};

/* What went wrong, for people. Zeroed before use; to be released. All allocated; fit for a terminal. */
struct tare_build_trouble {
    char *message;   /* one line: the problem, its subject in quotes, what to do; NULL: no memory for one */
    char *output;    /* the last lines that the command printed, each with a newline; NULL: nothing */
    char *log;       /* the file with all that it printed, left for the user; NULL: none */
    int interrupted; /* with -EINTR: the signal that we got (SIGINT, SIGTERM, SIGHUP, SIGQUIT) */
};

void tare_build_trouble_release(struct tare_build_trouble *trouble);

/* The rest is private to record/. */

/* Sets the message, in the place of an earlier one, cleaned. Returns `error`. `trouble` may be NULL. */
__attribute__((format(printf, 3, 4))) int tare__trouble(struct tare_build_trouble *trouble, int error,
                                                        const char *format, ...);

__attribute__((format(printf, 2, 3))) void tare__notice(const struct tare_build_watch *watch,
                                                        const char *format, ...);

struct tare__command {
    const char *const *argv; /* argv[0] is looked for in PATH */
    const char *folder;      /* in which it runs; NULL: ours */
    const char *const *set;  /* "NAME=VALUE", NULL-terminated, or NULL */
    int output, errors;      /* where its standard output and standard error go; -1: /dev/null */
    double timeout_s;        /* 0: none */
    bool deaf;               /* it cleans up: signals to us wait until it is done */
    const char *what;        /* for progress */
    const struct tare_build_watch *watch;
};

/*
 * Runs it in a session of its own, without a terminal to ask questions on, with /dev/null as input; git's
 * variables that name another repository, and what a make around us tells its children, are taken out of its
 * environment. Returns its exit code, 128 + the number of the signal that ended it, -EINTR when we were
 * interrupted (*interrupted is the signal), -ETIMEDOUT, or -errno: it could not be run. In all cases nobody of
 * its session is left, unless he has made one of his own. Not for a program with other threads.
 */
int tare__command_run(const struct tare__command *command, int *interrupted);

/*
 * The signals that tare__command_run() waits for are kept away between two commands, for as long as something
 * must not be left half-done. Those that came at the end are taken: the last one is returned, 0 without.
 */
void tare__signals_block(sigset_t *before);
int tare__signals_unblock(const sigset_t *before);

/*
 * Runs `command` by sh in `folder`. If it fails (-ECHILD) or takes too long, the trouble has what happened, the
 * last lines, and a file with all that it printed; as long as it goes well there is no file. 0 or -errno.
 */
struct tare__shell {
    const char *command, *folder;
    const char *const *set;
    const char *what;
    double timeout_s;
    const struct tare_build_watch *watch;
};
int tare__shell_run(const struct tare__shell *shell, struct tare_build_trouble *trouble);

/* All that is in a file, with a NUL behind it; `limit` bytes at most. Allocated; NULL: not to be read. */
char *tare__descriptor_text(int fd, size_t limit);

#endif
