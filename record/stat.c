/* SPDX-License-Identifier: MIT */
/*
 * The counters are opened for ourselves, stopped, and inherited: by the child that becomes the program they are
 * started, and by what it starts; ours stand still. So the program is started as everywhere else, and is counted
 * from its first instruction. Threads that end add what they counted to ours.
 *
 * Counters of the processor that belong together (cycles and instructions) are opened as a group, which the
 * kernel lets run together or not at all: their ratio is right also where they have to share the counters with
 * others.
 */
#include "record/stat.h"

#include <dirent.h>
#include <errno.h>
#include <malloc.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "record/hardware_count.h"
#include "record/monotonic.h"
#include "record/perf_parts.h"
#include "record/process_stat.h"

enum { THREADS_MAX = 4096, LOOK_NS = 20000000 };

const struct tare_stat_usage_info tare_stat_usages[TARE_STAT_USAGES] = {
    [TARE_STAT_WALL] = {"wall", "ns"},
    [TARE_STAT_USER] = {"user", "ns"},
    [TARE_STAT_SYSTEM] = {"system", "ns"},
    [TARE_STAT_MAX_RSS] = {"max-rss", "bytes"},
    [TARE_STAT_MINOR_FAULTS] = {"faults-without-io", ""},
    [TARE_STAT_MAJOR_FAULTS] = {"faults-with-io", ""},
    [TARE_STAT_VOLUNTARY] = {"switches-to-wait", ""},
    [TARE_STAT_INVOLUNTARY] = {"switches-forced", ""},
    [TARE_STAT_BLOCKS_IN] = {"read-from-disk", "bytes"},
    [TARE_STAT_BLOCKS_OUT] = {"written-to-disk", "bytes"},
};

#if __has_include(<linux/perf_event.h>)
#include <linux/perf_event.h>

#define CACHE(which, operation, result)                                                                        \
    PERF_TYPE_HW_CACHE, (PERF_COUNT_HW_CACHE_##which | PERF_COUNT_HW_CACHE_OP_##operation << 8 |               \
                         PERF_COUNT_HW_CACHE_RESULT_##result << 16)

static const struct known_event {
    struct tare_stat_event event;
    bool usual;
} known_events[] = {
    {{"task-clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK, .time = true}, true},
    {{"context-switches", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES, .in_kernel = true}, true},
    {{"cpu-migrations", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_MIGRATIONS, .in_kernel = true}, true},
    {{"page-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS, .hardware = false}, true},
    {{"minor-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MIN, .hardware = false}, true},
    {{"major-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MAJ, .hardware = false}, true},
    {{"cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, .hardware = true}, true},
    {{"instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS, .hardware = true, .with_previous = true},
     true},
    {{"branches", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_INSTRUCTIONS, .hardware = true}, true},
    {{"branch-misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES, .hardware = true,
      .with_previous = true},
     true},
    {{"cache-references", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_REFERENCES, .hardware = true}, true},
    {{"cache-misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES, .hardware = true, .with_previous = true},
     true},
    {{"cpu-clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK, .time = true}, false},
    {{"alignment-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_ALIGNMENT_FAULTS, .hardware = false}, false},
    {{"emulation-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_EMULATION_FAULTS, .hardware = false}, false},
    {{"bus-cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BUS_CYCLES, .hardware = true}, false},
    {{"ref-cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_REF_CPU_CYCLES, .hardware = true}, false},
    {{"stalled-cycles-frontend", PERF_TYPE_HARDWARE, PERF_COUNT_HW_STALLED_CYCLES_FRONTEND, .hardware = true},
     false},
    {{"stalled-cycles-backend", PERF_TYPE_HARDWARE, PERF_COUNT_HW_STALLED_CYCLES_BACKEND, .hardware = true},
     false},
    {{"L1-dcache-loads", CACHE(L1D, READ, ACCESS), .hardware = true}, false},
    {{"L1-dcache-load-misses", CACHE(L1D, READ, MISS), .hardware = true, .with_previous = true}, false},
    {{"L1-icache-load-misses", CACHE(L1I, READ, MISS), .hardware = true}, false},
    {{"LLC-loads", CACHE(LL, READ, ACCESS), .hardware = true}, false},
    {{"LLC-load-misses", CACHE(LL, READ, MISS), .hardware = true, .with_previous = true}, false},
    {{"dTLB-loads", CACHE(DTLB, READ, ACCESS), .hardware = true}, false},
    {{"dTLB-load-misses", CACHE(DTLB, READ, MISS), .hardware = true, .with_previous = true}, false},
    {{"iTLB-load-misses", CACHE(ITLB, READ, MISS), .hardware = true}, false},
};
static const uint32_t raw_type = PERF_TYPE_RAW;
#else
static const struct known_event {
    struct tare_stat_event event;
    bool usual;
} known_events[] = {{{"task-clock", 1, 1, .time = true}, true}};
static const uint32_t raw_type = 4;
#endif

const char *const tare_stat_names[] = {
    "task-clock",
    "cpu-clock",
    "context-switches",
    "cpu-migrations",
    "page-faults",
    "minor-faults",
    "major-faults",
    "alignment-faults",
    "emulation-faults",
    "cycles",
    "instructions",
    "branches",
    "branch-misses",
    "cache-references",
    "cache-misses",
    "bus-cycles",
    "ref-cycles",
    "L1-dcache-loads",
    "L1-dcache-load-misses",
    "L1-icache-load-misses",
    "LLC-loads",
    "LLC-load-misses",
    "dTLB-loads",
    "dTLB-load-misses",
    "iTLB-load-misses",
    "stalled-cycles-frontend",
    "stalled-cycles-backend",
    NULL,
};

/* Other names that perf has for them. */
static const struct {
    const char *name, *is;
} other_names[] = {
    {"cs", "context-switches"}, {"migrations", "cpu-migrations"},    {"faults", "page-faults"},
    {"cpu-cycles", "cycles"},   {"branch-instructions", "branches"},
};

/* "r1a8": the processor's own number for an event. */
static bool parse_raw(const char *name, struct tare_stat_event *event)
{
    size_t digits = name[0] == 'r' ? strspn(name + 1, "0123456789abcdefABCDEF") : 0;
    if (digits == 0 || digits > 16 || name[1 + digits] != '\0') {
        return false;
    }
    *event =
        (struct tare_stat_event){.type = raw_type, .config = strtoull(name + 1, NULL, 16), .hardware = true};
    return true;
}

static bool find_event(const char *name, struct tare_stat_event *event)
{
    for (size_t i = 0; i < sizeof(other_names) / sizeof(other_names[0]); i++) {
        name = strcmp(name, other_names[i].name) == 0 ? other_names[i].is : name;
    }
    for (size_t i = 0; i < sizeof(known_events) / sizeof(known_events[0]); i++) {
        if (strcmp(name, known_events[i].event.name) == 0) {
            *event = known_events[i].event;
            return true;
        }
    }
    return parse_raw(name, event);
}

/* The ratio is of the event in front, and so is the group, only if it stands there. */
static bool goes_with(const struct tare_stat_event *event, const struct tare_stat_event *previous)
{
    static const char *const pairs[][2] = {
        {"cycles", "instructions"},           {"branches", "branch-misses"},
        {"cache-references", "cache-misses"}, {"L1-dcache-loads", "L1-dcache-load-misses"},
        {"LLC-loads", "LLC-load-misses"},     {"dTLB-loads", "dTLB-load-misses"},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        size_t first = strlen(pairs[i][0]), second = strlen(pairs[i][1]);
        if (strncmp(previous->name, pairs[i][0], first) == 0 &&
            strncmp(event->name, pairs[i][1], second) == 0 &&
            strcmp(previous->name + first, event->name + second) == 0) {
            return true;
        }
    }
    return false;
}

static int add_event(const char *word, struct tare_stat_events *events, char *message, size_t size)
{
    struct tare_stat_event event;
    char name[TARE_STAT_NAME];
    size_t length = strcspn(word, ":");
    const char *modifier = word + length;
    if (length == 0 || strlen(word) >= sizeof(name)) {
        snprintf(message, size, "'%.80s' is no event", word);
        return -EINVAL;
    }
    memcpy(name, word, length);
    name[length] = '\0';
    if (!find_event(name, &event)) {
        snprintf(message, size, "unknown event '%s'", name);
        return -EINVAL;
    }
    event.user_only = strcmp(modifier, ":u") == 0;
    event.kernel_only = strcmp(modifier, ":k") == 0;
    if (*modifier != '\0' && strcmp(modifier, ":uk") != 0 && !event.user_only && !event.kernel_only) {
        snprintf(message, size, "unknown modifier '%s' of '%s': ':u' (outside of the kernel) or ':k' (in it)",
                 modifier, name);
        return -EINVAL;
    }
    snprintf(event.name, sizeof(event.name), "%s", word);
    for (size_t i = 0; i < events->count; i++) {
        if (strcmp(events->events[i].name, event.name) == 0) {
            return 0;
        }
    }
    if (events->count == TARE_STAT_EVENTS_MAX) {
        snprintf(message, size, "more than %d events", TARE_STAT_EVENTS_MAX);
        return -EINVAL;
    }
    event.with_previous = events->count > 0 && goes_with(&event, &events->events[events->count - 1]);
    events->events[events->count++] = event;
    return 0;
}

int tare_stat_parse(const char *list, struct tare_stat_events *events, char *message, size_t message_size)
{
    int error = 0;
    for (size_t i = 0; list == NULL && i < sizeof(known_events) / sizeof(known_events[0]); i++) {
        if (known_events[i].usual) {
            events->events[events->count++] = known_events[i].event;
        }
    }
    char *copy = list != NULL ? strdup(list) : NULL, *rest = copy;
    if (list != NULL && copy == NULL) {
        snprintf(message, message_size, "out of memory");
        return -ENOMEM;
    }
    for (char *word; error == 0 && rest != NULL && (word = strsep(&rest, ",")) != NULL;) {
        error = add_event(word, events, message, message_size);
    }
    free(copy);
    return error;
}

/* ---- counters ---- */

/* Of the event in each thread that there was. */
struct open_event {
    int *fds;
    size_t count;
    bool user_only;
    int error; /* the first */
};

struct open_events {
    struct open_event events[TARE_STAT_EVENTS_MAX];
};

static bool no_such_counter(int error)
{
    return error == -ENOENT || error == -ENODEV || error == -EOPNOTSUPP || error == -EINVAL || error == -ENXIO;
}

/* In a group if there is one, else alone; without the kernel where that is forbidden. Returns a descriptor. */
static int open_counter(const struct tare_stat_event *event, pid_t pid, bool on_exec, int group,
                        bool *user_only)
{
    struct tare__counter counter = {.event = {event->type, event->config},
                                    .user_only = *user_only,
                                    .kernel_only = event->kernel_only,
                                    .on_exec = on_exec,
                                    .group = group};
    int fd = tare__counter_open(&counter, pid);
    if (fd < 0 && fd != -ESRCH && group >= 0) {
        counter.group = -1;
        fd = tare__counter_open(&counter, pid);
    }
    if ((fd == -EACCES || fd == -EPERM) && !counter.user_only && !event->kernel_only && !event->in_kernel) {
        counter.user_only = true;
        counter.group = group;
        fd = tare__counter_open(&counter, pid);
        *user_only = fd >= 0;
    }
    return fd;
}

/* Each event in each of the processes or threads. Returns 0 or -ENOMEM. */
static int open_all(const struct tare_stat_events *events, const pid_t *pids, size_t count, bool on_exec,
                    struct open_events *open)
{
    *open = (struct open_events){0};
    for (size_t i = 0; i < events->count; i++) {
        struct open_event *one = &open->events[i];
        const struct tare_stat_event *event = &events->events[i];
        one->user_only = event->user_only;
        one->fds = calloc(count, sizeof(*one->fds));
        if (one->fds == NULL) {
            return -ENOMEM;
        }
        for (size_t thread = 0; thread < count; thread++) {
            const struct open_event *previous = event->with_previous ? &open->events[i - 1] : NULL;
            int group = previous != NULL && previous->fds[thread] >= 0 ? previous->fds[thread] : -1;
            int fd = open_counter(event, pids[thread], on_exec, group, &one->user_only);
            if (fd < 0 && fd != -ESRCH && one->error == 0) {
                one->error = fd;
            }
            one->fds[one->count++] = fd;
        }
    }
    return 0;
}

/* Sums over threads, and closes. */
static void take_counts(const struct tare_stat_events *events, struct open_events *open,
                        struct tare_stat_run *run)
{
    for (size_t i = 0; i < events->count; i++) {
        struct open_event *one = &open->events[i];
        struct tare_stat_count *count = &run->counts[i];
        double sum = 0, enabled = 0, running = 0;
        bool any = false, complete = true;
        for (size_t thread = 0; thread < one->count; thread++) {
            uint64_t value, enabled_ns, running_ns;
            if (one->fds[thread] >= 0 &&
                tare__counter_read(one->fds[thread], &value, &enabled_ns, &running_ns)) {
                double scaled = tare__hardware_scale(value, enabled_ns, running_ns);
                any = true;
                complete = complete && (enabled_ns == 0 || running_ns != 0);
                sum += isnan(scaled) ? 0 : scaled;
                enabled += (double)enabled_ns;
                running += (double)running_ns;
            }
        }
        for (size_t thread = 0; thread < one->count; thread++) {
            if (one->fds[thread] >= 0) {
                close(one->fds[thread]);
            }
        }
        free(one->fds);
        one->fds = NULL;
        *count = (struct tare_stat_count){.value = NAN, .running = NAN, .user_only = one->user_only};
        if (any && one->error == 0 && complete) {
            count->value = sum;
            count->running = enabled > 0 ? fmin(1, running / enabled) : NAN;
        } else if (one->error != 0) {
            count->reason =
                no_such_counter(one->error) && events->events[i].hardware
                    ? strdup("the processor has no such counter, or lends none to this machine (no "
                             "PMU), as most virtual machines")
                    : tare__perf_refusal(-one->error,
                                         events->events[i].in_kernel || events->events[i].kernel_only ? 1 : 2);
        } else {
            count->reason = strdup(any ? "it was never counted: other events had the counters all of the time"
                                       : "it was never counted: the threads had ended");
        }
    }
    run->count = events->count;
}

/* ---- a program ---- */

struct ending {
    const struct tare_outcome *outcome;
    struct rusage usage;
    bool known;
};

/* libc's waitid() does not hand out the resources that the kernel's does. */
static void note_usage(void *data)
{
    struct ending *ending = data;
    siginfo_t info;
    ending->known = syscall(SYS_waitid, P_PID, ending->outcome->pid, &info, WEXITED | WNOHANG | WNOWAIT,
                            &ending->usage) == 0;
}

static double timeval_ns(struct timeval t)
{
    return (double)t.tv_sec * 1e9 + (double)t.tv_usec * 1e3;
}

/* The kernel's counts of a process's pages may be behind by some dozens for each processor. */
enum { RSS_SLACK_KIB = 128 };

/* `before`: what the child had used when it was not yet the program, but a copy of us. */
static void take_usage(const struct rusage *usage, const struct rusage *before, struct tare_stat_run *run)
{
    double *values = run->usage;
    /* The sum is exact; the kernel divides it by where ticks fell, and may have divided the begin differently. */
    double user_ns = timeval_ns(usage->ru_utime) - timeval_ns(before->ru_utime);
    double sum_ns = fmax(0, user_ns + timeval_ns(usage->ru_stime) - timeval_ns(before->ru_stime));
    values[TARE_STAT_USER] = fmin(fmax(0, user_ns), sum_ns);
    values[TARE_STAT_SYSTEM] = sum_ns - values[TARE_STAT_USER];
    run->own_rss_bytes = (double)before->ru_maxrss * 1024;
    values[TARE_STAT_MAX_RSS] =
        usage->ru_maxrss > before->ru_maxrss + RSS_SLACK_KIB ? (double)usage->ru_maxrss * 1024 : NAN;
    values[TARE_STAT_MINOR_FAULTS] = (double)(usage->ru_minflt - before->ru_minflt);
    values[TARE_STAT_MAJOR_FAULTS] = (double)(usage->ru_majflt - before->ru_majflt);
    values[TARE_STAT_VOLUNTARY] = (double)(usage->ru_nvcsw - before->ru_nvcsw);
    values[TARE_STAT_INVOLUNTARY] = (double)(usage->ru_nivcsw - before->ru_nivcsw);
    /* 512 is the unit of getrusage(2) in Linux. */
    values[TARE_STAT_BLOCKS_IN] = (double)(usage->ru_inblock - before->ru_inblock) * 512;
    values[TARE_STAT_BLOCKS_OUT] = (double)(usage->ru_oublock - before->ru_oublock) * 512;
}

static void begin(struct tare_stat_run *run)
{
    *run = (struct tare_stat_run){.own_rss_bytes = NAN};
    for (int i = 0; i < TARE_STAT_USAGES; i++) {
        run->usage[i] = NAN;
    }
}

int tare_stat_run(const struct tare_spawn *spawn, const struct tare_stat_events *events,
                  struct tare_stat_run *run)
{
    const pid_t us = 0;
    struct open_events *open = malloc(sizeof(*open));
    struct ending ending = {.outcome = &run->program};
    struct tare_spawn with_usage = *spawn;
    with_usage.ending = note_usage;
    with_usage.data = &ending;
    begin(run);
    struct rusage *before =
        mmap(NULL, sizeof(*before), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    with_usage.before = before != MAP_FAILED ? before : NULL;
#ifdef __GLIBC__
    malloc_trim(0); /* the child is a copy of us, and as large */
#endif
    int error = open != NULL ? open_all(events, &us, 1, true, open) : -ENOMEM;
    error = error != 0 ? error : tare_spawn_run(&with_usage, &run->program, &run->not_started);
    if (open != NULL) {
        take_counts(events, open, run);
    }
    run->usage[TARE_STAT_WALL] = run->program.wall_ns;
    if (error == 0 && ending.known && with_usage.before != NULL) {
        take_usage(&ending.usage, before, run);
    } else if (error == 0) {
        run->usage[TARE_STAT_USER] = run->program.user_ns;
        run->usage[TARE_STAT_SYSTEM] = run->program.system_ns;
    }
    if (with_usage.before != NULL) {
        munmap(before, sizeof(*before));
    }
    free(open);
    return error;
}

/* ---- a process that runs ---- */

static size_t read_threads(pid_t pid, pid_t threads[THREADS_MAX])
{
    char path[64];
    size_t count = 0;
    snprintf(path, sizeof(path), "/proc/%ld/task", (long)pid);
    DIR *entries = opendir(path);
    for (struct dirent *entry; entries != NULL && count < THREADS_MAX && (entry = readdir(entries)) != NULL;) {
        long thread = strtol(entry->d_name, NULL, 10);
        if (thread > 0) {
            threads[count++] = (pid_t)thread;
        }
    }
    if (entries != NULL) {
        closedir(entries);
    }
    return count;
}

/* Returns the signal that ended it, or 0. */
static int wait_for(pid_t pid, double for_s, const sigset_t *interrupts, bool *ended)
{
    uint64_t start = tare__monotonic_ns();
    for (;;) {
        double left_ns = for_s > 0 ? for_s * 1e9 - (double)(tare__monotonic_ns() - start) : LOOK_NS;
        if (left_ns <= 0) {
            return 0;
        }
        *ended = tare__process_ended(pid);
        if (*ended) {
            return 0;
        }
        long wait_ns = (long)fmin(left_ns, LOOK_NS);
        int got = sigtimedwait(interrupts, NULL, &(struct timespec){0, wait_ns});
        if (got > 0) {
            return got;
        }
    }
}

static bool any_open(const struct tare_stat_events *events, const struct open_events *open)
{
    for (size_t i = 0; i < events->count; i++) {
        for (size_t thread = 0; thread < open->events[i].count; thread++) {
            if (open->events[i].fds[thread] >= 0) {
                return true;
            }
        }
    }
    return false;
}

/* Whether not one of the events could be counted: then there is nothing to show, but why. */
static bool refused(pid_t pid, const struct tare_stat_events *events, const struct tare_stat_run *run,
                    char *message, size_t size)
{
    const char *reason = NULL;
    for (size_t i = 0; i < events->count; i++) {
        if (run->counts[i].reason == NULL) {
            return false;
        }
        reason = reason == NULL || !events->events[i].hardware ? run->counts[i].reason : reason;
    }
    char path[64];
    struct stat process;
    snprintf(path, sizeof(path), "/proc/%ld", (long)pid);
    if (geteuid() != 0 && stat(path, &process) == 0 && process.st_uid != geteuid()) {
        snprintf(
            message, size,
            "nothing of process %ld can be counted: it is another user's: run tare as that user or as root",
            (long)pid);
    } else {
        snprintf(message, size, "nothing of process %ld can be counted: %s", (long)pid, reason);
    }
    return true;
}

int tare_stat_attach(pid_t pid, double for_s, const sigset_t *interrupts, const struct tare_stat_events *events,
                     struct tare_stat_run *run, char *message, size_t message_size)
{
    begin(run);
    if (kill(pid, 0) != 0 && errno == ESRCH) {
        snprintf(message, message_size, "there is no process %ld", (long)pid);
        return -ESRCH;
    }
    if (tare__process_ended(pid)) {
        snprintf(message, message_size, "process %ld has ended: its parent has not asked how", (long)pid);
        return -ESRCH;
    }
    struct open_events *open = malloc(sizeof(*open));
    pid_t *threads = calloc(THREADS_MAX, sizeof(*threads));
    size_t count = threads != NULL ? read_threads(pid, threads) : 0;
    int error = open == NULL || threads == NULL ? -ENOMEM : count == 0 ? -ESRCH : 0;
    bool ended = false;
    if (error == 0) {
        error = open_all(events, threads, count, false, open);
        uint64_t start = tare__monotonic_ns();
        run->program.pid = pid;
        if (error == 0 && any_open(events, open)) { /* else there is nothing to wait for */
            run->program.interrupted = wait_for(pid, for_s, interrupts, &ended);
        }
        run->usage[TARE_STAT_WALL] = (double)(tare__monotonic_ns() - start);
        run->program.wall_ns = run->usage[TARE_STAT_WALL];
        take_counts(events, open, run);
    }
    run->program.end = ended ? TARE_END_UNKNOWN : TARE_END_RUNNING;
    if (error == 0 && refused(pid, events, run, message, message_size)) {
        error = -EPERM;
    } else if (error != 0) {
        snprintf(message, message_size,
                 error == -ESRCH ? "the threads of process %ld cannot be read" : "out of memory (process %ld)",
                 (long)pid);
    }
    free(threads);
    free(open);
    return error;
}

void tare_stat_run_release(struct tare_stat_run *run)
{
    for (size_t i = 0; i < run->count; i++) {
        free(run->counts[i].reason);
    }
    run->count = 0;
}
