/* SPDX-License-Identifier: MIT */
/* What the files of the suite `os` share: the tables of its groups (suite.c). */
#ifndef TARE_SUITES_OS_H
#define TARE_SUITES_OS_H

#include "suites/suite.h"

extern const struct suite_group os_calls, os_ipc, os_scheduling, os_processes, os_signals, os_memory, os_files,
    os_pty;

#endif
