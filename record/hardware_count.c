/* SPDX-License-Identifier: MIT */
/* Each counter by itself: the kernel inherits no groups that are read as such. See the header. */
#include "record/hardware_count.h"

#include <errno.h>
#include <math.h>
#include <sys/syscall.h>
#include <unistd.h>

double tare__hardware_scale(uint64_t count, uint64_t enabled_ns, uint64_t running_ns)
{
    if (running_ns == 0 || enabled_ns == 0) {
        return NAN;
    }
    return running_ns >= enabled_ns ? (double)count : (double)count * ((double)enabled_ns / (double)running_ns);
}

#if __has_include(<linux/perf_event.h>)
#include <linux/perf_event.h>

/* In the order of enum tare_block_hardware. */
const struct tare__hardware_event tare__hardware_events[] = {
    {PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES},          {PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS},
    {PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_INSTRUCTIONS}, {PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES},
    {PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_REFERENCES},    {PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES},
};
const size_t tare__hardware_event_count = sizeof(tare__hardware_events) / sizeof(tare__hardware_events[0]);

void tare__hardware_open(struct tare__hardware *hardware, pid_t pid, const struct tare__hardware_event *events,
                         size_t count)
{
    for (size_t i = 0; i < TARE__HARDWARE_MAX; i++) {
        hardware->fds[i] = -1;
        if (i >= count) {
            continue;
        }
        const struct tare__counter counter = {
            .event = events[i], .user_only = true, .on_exec = true, .group = -1};
        int fd = tare__counter_open(&counter, pid);
        hardware->fds[i] = fd >= 0 ? fd : -1;
    }
}

int tare__counter_open(const struct tare__counter *counter, pid_t pid)
{
    const bool starts = counter->on_exec && counter->group < 0; /* the others of a group follow the first */
    struct perf_event_attr attributes = {
        .type = counter->event.type,
        .size = sizeof(attributes),
        .config = counter->event.config,
        .read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING,
        .disabled = starts,
        .inherit = 1,
        .enable_on_exec = starts,
        .exclude_kernel = counter->user_only,
        .exclude_user = counter->kernel_only,
        .exclude_hv = 1,
    };
    int fd = (int)syscall(SYS_perf_event_open, &attributes, pid, -1, counter->group, PERF_FLAG_FD_CLOEXEC);
    return fd >= 0 ? fd : -errno;
}
#else
int tare__counter_open(const struct tare__counter *counter, pid_t pid)
{
    (void)counter;
    (void)pid;
    return -ENOSYS;
}

const struct tare__hardware_event tare__hardware_events[] = {{0, 0}};
const size_t tare__hardware_event_count = 0;

void tare__hardware_open(struct tare__hardware *hardware, pid_t pid, const struct tare__hardware_event *events,
                         size_t count)
{
    (void)pid;
    (void)events;
    (void)count;
    for (size_t i = 0; i < TARE__HARDWARE_MAX; i++) {
        hardware->fds[i] = -1;
    }
}
#endif

bool tare__counter_read(int fd, uint64_t *count, uint64_t *enabled_ns, uint64_t *running_ns)
{
    uint64_t values[3];
    if (read(fd, values, sizeof(values)) != (ssize_t)sizeof(values)) {
        return false;
    }
    *count = values[0];
    *enabled_ns = values[1];
    *running_ns = values[2];
    return true;
}

void tare__hardware_finish(struct tare__hardware *hardware, double counts[TARE__HARDWARE_MAX])
{
    for (size_t i = 0; i < TARE__HARDWARE_MAX; i++) {
        uint64_t count, enabled_ns, running_ns;
        counts[i] = NAN;
        if (hardware->fds[i] >= 0) {
            if (tare__counter_read(hardware->fds[i], &count, &enabled_ns, &running_ns)) {
                counts[i] = tare__hardware_scale(count, enabled_ns, running_ns);
            }
            close(hardware->fds[i]);
            hardware->fds[i] = -1;
        }
    }
}
