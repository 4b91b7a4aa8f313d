/* SPDX-License-Identifier: MIT */
/* perf (or another tool), run for what it prints, and a perf.data as a stream. Private to record/. */
#ifndef TARE_RECORD_PERF_CHILD_H
#define TARE_RECORD_PERF_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

struct tare__perf_child {
    pid_t pid;  /* 0: none */
    int errors; /* a memory file with what it said on standard error; -1: none */
};

/*
 * Starts argv[0], a path, with `in` and `out` as its standard input and output (-1: /dev/null), in the C locale
 * and without settings of perf. `apart`: in a process group of its own, which the terminal's Ctrl-C does not reach.
 * Returns 0 or -errno: then there is nothing to end.
 */
int tare__perf_start(char *const *argv, int in, int out, bool apart, struct tare__perf_child *child);
/*
 * Waits for its end. The exit code; 128 + the signal's number. `words` gets the first line that it wrote to
 * standard error and that says something, fit to be shown; "" without one.
 */
int tare__perf_end(struct tare__perf_child *child, char *words, size_t size);
/*
 * What it prints, from the pipe's end `fd`, which closing the stream closes. A perf that prints nothing for so many
 * seconds, and neither runs nor waits for a disk meanwhile, is killed, and the stream ends: `silent` is set then.
 */
struct tare__perf_watch {
    pid_t pid;
    unsigned limit_s;
    int fd; /* as below */
    bool silent;
};
enum { TARE__PERF_SILENCE_S = 60 };
FILE *tare__perf_output(struct tare__perf_watch *watch, int fd); /* NULL: no memory; fd stays open */
/*
 * Start and end, with what it prints in `text`, as far as that has room. Returns the exit code or -errno; -ETIMEDOUT: it
 * did nothing for some seconds and was killed, as `words` say.
 */
int tare__perf_ask(char *const *argv, char *text, size_t text_size, char *words, size_t words_size);

/*
 * perf reads a file by mapping it all into memory, and a pipe by the event. Makes of the perf.data in `fd` what
 * `perf record -o -` would have written: the end of a pipe to be read from, filled by a process of its own. Returns
 * -ENOTSUP where the file has something in it that cannot be said so, or is not of this machine's kind; or -errno.
 */
int tare__perf_stream(int fd, pid_t *writer);

/* A file in $TMPDIR that has no name (any more); returns its descriptor or -errno. */
int tare__perf_unnamed_file(void);
/* "/tmp", or what TMPDIR says. */
const char *tare__perf_folder(void);

#endif
