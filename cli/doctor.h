/* SPDX-License-Identifier: MIT */
/* The parts of `tare doctor` that have files of their own. Each prints its report and returns an exit code. */
#ifndef TARE_CLI_DOCTOR_H
#define TARE_CLI_DOCTOR_H

#include <stdbool.h>

/* doctor_binary.c: what can be measured in the program or library `path`, and how. */
int doctor_binary(const char *path, bool json);

/*
 * doctor_against.c: whether this machine is, by its fingerprint, the one on which the result `path` was made;
 * the parts that differ are named. EXIT_FINE, EXIT_DIFFERENT, or EXIT_TROUBLE after an error was printed.
 */
int doctor_against(const char *path, bool json);

#endif
