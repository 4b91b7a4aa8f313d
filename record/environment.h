/* SPDX-License-Identifier: MIT */
/*
 * What the machine is and how it is set: the part of a result that says where it was measured. Whatever cannot
 * be found out stays unknown (NULL, 0, NAN, -1); nothing is guessed. The text comes from files that others
 * write, so control characters and broken UTF-8 arrive here as '?'.
 */
#ifndef TARE_RECORD_ENVIRONMENT_H
#define TARE_RECORD_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Strings are the structure's own; NULL, 0 and NAN where unknown. */
struct tare_environment {
    char *host, *machine; /* machine: x86_64, aarch64 */
    char *cpu_model;
    uint32_t cpu_count; /* 0: unknown */
    double memory_bytes;
    char *kernel, *os, *libc;
    char *clocksource, *governor, *virtualization;
    char *commit;     /* of the git work tree that the command ran in; NULL outside of one */
    int commit_dirty; /* 1, 0, or -1: unknown */
    /* Of that commit; so that a result says where it belongs also elsewhere, where nobody has the repository. */
    char *commit_parents; /* ids, a blank between two; "": it has none */
    double commit_time_s; /* the committer's, Unix time */
    char *commit_subject; /* its message's first line */
    char *branch;         /* that is checked out, or that a CI service says it builds (record/ci.h) */
    char *job_link;       /* http or https: the CI job's page */
};

/*
 * Fills `env`, whose earlier content is overwritten and not freed; tare_result_free() or
 * tare_environment_release() frees the strings. `directory` is where to look for a git work tree, NULL:
 * nowhere. Runs git, for at most 2 seconds each of two times. Returns 0 or -ENOMEM (then everything is
 * released).
 */
int tare_environment_read(struct tare_environment *env, const char *directory);

/*
 * The same with `root` before the names of all files of /proc, /sys and /etc; for tests. "" is the real root.
 */
int tare_environment_read_at(struct tare_environment *env, const char *root, const char *directory);

/* Frees the strings and sets everything to unknown. */
void tare_environment_release(struct tare_environment *env);

#endif
