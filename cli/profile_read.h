/* SPDX-License-Identifier: MIT */
/* Reading a profile, whoever took it. */
#ifndef TARE_CLI_PROFILE_READ_H
#define TARE_CLI_PROFILE_READ_H

#include "result/model.h"

/*
 * The file, "-" for standard input, as a result of kind "profile", which the caller frees: what tare wrote
 * (JSON), a perf.data (read by `perf`, as in struct tare_profiling_request; NULL: "perf"), what `perf script`
 * printed, or folded stacks. Which of them it is, its content says. Of a profile that tare did not take,
 * nothing is known of the machine. Prints one line of error and returns NULL for anything else, and for results
 * of another kind.
 */
struct tare_result *profile_read(const char *path, const char *perf);

/* The same, and results of any kind. */
struct tare_result *profile_read_any(const char *path, const char *perf);

/*
 * Where what is written has no place for notes: those of a profile that others took, which say what of it was left
 * out, as warnings. Of other results nothing.
 */
void profile_warn(const struct tare_result *result);

#endif
