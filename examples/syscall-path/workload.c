/* SPDX-License-Identifier: MIT */
/*
 * Each workload is a function that makes one call (or a pair that undoes itself), and what the call must
 * return.
 */
#include "workload.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "lind_common.h"
#include "threei.h"

static int64_t call_close(const struct workload_step *step)
{
    return lind_make_syscall(step->cage, CALL_CLOSE, (uint64_t)step->parameter, 0, 0, 0, 0, 0);
}

static int64_t call_dup(const struct workload_step *step)
{
    int64_t fd = lind_make_syscall(step->cage, CALL_DUP, CAGE_FD_ZERO, 0, 0, 0, 0, 0);
    return fd < 0 ? fd : lind_make_syscall(step->cage, CALL_CLOSE, (uint64_t)fd, 0, 0, 0, 0, 0);
}

static int64_t call_geteuid(const struct workload_step *step)
{
    return lind_make_syscall(step->cage, CALL_GETEUID, 0, 0, 0, 0, 0, 0);
}

static int64_t call_open(const struct workload_step *step)
{
    int64_t fd = lind_make_syscall(step->cage, CALL_OPEN, CAGE_PATH_ADDRESS, O_RDWR, 0, 0, 0, 0);
    return fd < 0 ? fd : lind_make_syscall(step->cage, CALL_CLOSE, (uint64_t)fd, 0, 0, 0, 0, 0);
}

static int64_t call_read(const struct workload_step *step)
{
    return lind_make_syscall(step->cage, CALL_READ, CAGE_FD_ZERO, step->buffer, (uint64_t)step->parameter, 0, 0,
                             0);
}

static int64_t call_write(const struct workload_step *step)
{
    return lind_make_syscall(step->cage, CALL_WRITE, CAGE_FD_NULL, step->buffer, (uint64_t)step->parameter, 0,
                             0, 0);
}

static int64_t expect_ebadf(int64_t parameter)
{
    (void)parameter;
    return -EBADF;
}

static int64_t expect_zero(int64_t parameter)
{
    (void)parameter;
    return 0;
}

static int64_t expect_euid(int64_t parameter)
{
    (void)parameter;
    return geteuid();
}

static int64_t expect_all(int64_t parameter)
{
    return parameter;
}

const struct workload workloads[] = {
    {"close", "FD", INT_MIN, INT_MAX, "close a descriptor that is not open, such as -1", call_close,
     expect_ebadf, false},
    {"dup", NULL, 0, 0, "duplicate a descriptor and close the duplicate", call_dup, expect_zero, false},
    {"geteuid", NULL, 0, 0, "ask for the effective user", call_geteuid, expect_euid, false},
    {"open", NULL, 0, 0, "open /dev/null and close it", call_open, expect_zero, false},
    {"read", "SIZE", 1, SIZE_MAX_BYTES, "read SIZE bytes from /dev/zero", call_read, expect_all, true},
    {"write", "SIZE", 1, SIZE_MAX_BYTES, "write SIZE bytes to /dev/null", call_write, expect_all, false},
};
const unsigned workload_count = sizeof(workloads) / sizeof(workloads[0]);

const struct workload *workload_find(const char *name)
{
    for (unsigned i = 0; i < workload_count; i++) {
        if (strcmp(workloads[i].name, name) == 0) {
            return &workloads[i];
        }
    }
    return NULL;
}
