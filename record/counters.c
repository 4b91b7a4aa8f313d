/* SPDX-License-Identifier: MIT */
/*
 * Tries what perf_event_open(2) gives: whether a counter can be had is not written anywhere, since the
 * processor, the hypervisor, perf_event_paranoid, capabilities and seccomp filters each have a say.
 */
#include "record/machine.h"

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "record/clean.h"
#include "record/files.h"

#if __has_include(<linux/perf_event.h>)
#include <linux/perf_event.h>

static int open_event(const struct perf_event_attr *attributes)
{
    long fd = syscall(SYS_perf_event_open, attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
    return fd >= 0 ? (int)fd : -errno;
}

/* Counts while some work is done, on both sides of the system call boundary. */
static int try_counter(uint64_t event, bool kernel_only)
{
    struct perf_event_attr attributes = {
        .type = PERF_TYPE_HARDWARE,
        .size = sizeof attributes,
        .config = event,
        .exclude_kernel = !kernel_only,
        .exclude_user = kernel_only,
        .exclude_hv = 1,
    };
    int fd = open_event(&attributes);
    if (fd < 0) {
        return fd;
    }
    volatile unsigned work = 1;
    for (unsigned i = 0; i < 20000; i++) {
        work = work * 5 + 1;
    }
    uint64_t count = 0;
    for (unsigned i = 0; i < 20; i++) {
        syscall(SYS_getppid);
    }
    ssize_t got = read(fd, &count, sizeof count);
    close(fd);
    return got == (ssize_t)sizeof count && count > 0 ? 0 : -ENODATA;
}

static int try_branch_stack(void)
{
    struct perf_event_attr attributes = {
        .type = PERF_TYPE_HARDWARE,
        .size = sizeof attributes,
        .config = PERF_COUNT_HW_CPU_CYCLES,
        .sample_period = 1000000,
        .sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_BRANCH_STACK,
        .branch_sample_type = PERF_SAMPLE_BRANCH_USER | PERF_SAMPLE_BRANCH_ANY,
        .disabled = 1,
        .exclude_kernel = 1,
        .exclude_hv = 1,
    };
    int fd = open_event(&attributes);
    if (fd >= 0) {
        close(fd);
    }
    return fd < 0 ? fd : 0;
}
#else
enum { PERF_COUNT_HW_CPU_CYCLES, PERF_COUNT_HW_INSTRUCTIONS };

static int try_counter(uint64_t event, bool kernel_only)
{
    (void)event;
    (void)kernel_only;
    return -ENOSYS;
}

static int try_branch_stack(void)
{
    return -ENOSYS;
}
#endif

/* Units that count in hardware; the others are the kernel's own, and are there everywhere. */
static int is_hardware(const struct dirent *entry)
{
    static const char *const others[] = {"breakpoint", "kprobe", "msr", "software", "tracepoint", "uprobe"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (strcmp(entry->d_name, others[i]) == 0) {
            return 0;
        }
    }
    return entry->d_name[0] != '.';
}

static void read_units(char *units, size_t size, const char *root)
{
    char path[TARE__FILE_PATH];
    struct dirent **names = NULL;
    int length = snprintf(path, sizeof path, "%s/sys/bus/event_source/devices", root);
    int count = length > 0 && (size_t)length < sizeof path ? scandir(path, &names, is_hardware, alphasort) : 0;
    size_t used = 0;
    for (int i = 0; i < count; i++) {
        tare__clean_text(names[i]->d_name);
        if (used + strlen(names[i]->d_name) + 3 <= size) {
            used += (size_t)snprintf(units + used, size - used, "%s%s", used > 0 ? ", " : "", names[i]->d_name);
        }
        free(names[i]);
    }
    free(names);
}

void tare_counters_try(struct tare_counters *counters, const char *root)
{
    memset(counters, 0, sizeof *counters);
    counters->cycles = try_counter(PERF_COUNT_HW_CPU_CYCLES, false);
    counters->instructions = try_counter(PERF_COUNT_HW_INSTRUCTIONS, false);
    counters->kernel_cycles = try_counter(PERF_COUNT_HW_CPU_CYCLES, true);
    counters->branch_stack = try_branch_stack();
    read_units(counters->units, sizeof counters->units, root);
}
