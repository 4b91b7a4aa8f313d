/* SPDX-License-Identifier: MIT */
/*
 * The parts of `tare doctor` that set the machine. Each prints what it does and returns an exit code. `root`
 * stands before the names of all files; "" is the real root.
 */
#ifndef TARE_CLI_DOCTOR_TUNE_H
#define TARE_CLI_DOCTOR_TUNE_H

#include <stdbool.h>

int doctor_fix(const char *root, bool json);     /* prints the commands, and changes nothing */
int doctor_apply(const char *root, bool json);   /* saves, then changes */
int doctor_restore(const char *root, bool json); /* puts back what was saved */

#endif
