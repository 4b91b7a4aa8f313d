/* SPDX-License-Identifier: MIT */
/*
 * What perf can do here. The kernel is asked first, with the very events that perf would open: its errno says why
 * not, where perf has but one text for many causes, and where some versions of perf quietly take another event
 * than the one that was asked for. Then perf itself has to record a program that does nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "record/elf.h"
#include "record/files.h"
#include "record/perf_child.h"
#include "record/perf_parts.h"
#include "record/profiling.h"

enum { WORDS = 200, OLDEST_MAJOR = 4, OLDEST_MINOR = 4 };

__attribute__((format(printf, 1, 2))) static char *say(const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0) {
        text = NULL;
    }
    va_end(arguments);
    return text;
}

#if __has_include(<linux/perf_event.h>)
#include <linux/perf_event.h>

/* Tries to open the event for ourselves. Returns 0 or an errno. */
static int try_event(struct perf_event_attr attributes)
{
    attributes.size = sizeof(attributes);
    attributes.disabled = 1;
    attributes.exclude_hv = 1;
    int fd = (int)syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
    if (fd < 0) {
        return errno;
    }
    close(fd);
    return 0;
}

static const struct perf_event_attr user_clock = {.type = PERF_TYPE_SOFTWARE,
                                                  .config = PERF_COUNT_SW_CPU_CLOCK,
                                                  .sample_period = 1000000,
                                                  .sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_TID,
                                                  .exclude_kernel = 1};

static int try_clock(bool kernel)
{
    struct perf_event_attr attributes = user_clock;
    attributes.exclude_kernel = !kernel;
    return try_event(attributes);
}

static int try_cycles(void)
{
    struct perf_event_attr attributes = user_clock;
    attributes.type = PERF_TYPE_HARDWARE;
    attributes.config = PERF_COUNT_HW_CPU_CYCLES;
    return try_event(attributes);
}

static int try_lbr(void)
{
    struct perf_event_attr attributes = user_clock;
    attributes.type = PERF_TYPE_HARDWARE;
    attributes.config = PERF_COUNT_HW_CPU_CYCLES;
    attributes.sample_type |= PERF_SAMPLE_BRANCH_STACK;
    attributes.branch_sample_type = PERF_SAMPLE_BRANCH_USER | PERF_SAMPLE_BRANCH_CALL_STACK;
    return try_event(attributes);
}

static int try_switches(void)
{
    struct perf_event_attr attributes = user_clock;
    attributes.config = PERF_COUNT_SW_CONTEXT_SWITCHES;
    attributes.sample_period = 1;
    attributes.exclude_kernel = 0;
    attributes.context_switch = 1;
    attributes.sample_id_all = 1;
    return try_event(attributes);
}
#else
static int try_clock(bool kernel)
{
    (void)kernel;
    return ENOSYS;
}
static int try_cycles(void)
{
    return ENOSYS;
}
static int try_lbr(void)
{
    return ENOSYS;
}
static int try_switches(void)
{
    return ENOSYS;
}
#endif

/* /proc/self/status says that system calls are filtered. */
static bool filtered(void)
{
    char *status = tare__file_load("", "/proc/self/status", 65536);
    const char *line = status != NULL ? strstr(status, "\nSeccomp:") : NULL;
    bool found = line != NULL && strtol(line + 9, NULL, 10) == 2;
    free(status);
    return found;
}

char *tare__perf_refusal(int error, int wanted_paranoid)
{
    long long paranoid;
    bool known = tare__file_number("", "/proc/sys/kernel/perf_event_paranoid", &paranoid) == 0;
    switch (error) {
    case ENOSYS:
        return say("the kernel has no perf_event_open, or hides it here: a kernel with CONFIG_PERF_EVENTS, "
                   "outside of a container, has it");
    case EACCES:
    case EPERM:
        if (geteuid() != 0 && known && paranoid > wanted_paranoid) {
            return say("perf_event_paranoid is %lld: 'sysctl kernel.perf_event_paranoid=%d' allows it",
                       paranoid, wanted_paranoid);
        }
        if (filtered()) {
            return say("system calls are filtered here (seccomp), as containers do: 'docker run --cap-add "
                       "PERFMON' allows it");
        }
        return say("perf_event_open is forbidden here (%s): the right CAP_PERFMON allows it", strerror(error));
    default:
        return say("perf_event_open does not work here: %s", strerror(error));
    }
}

static bool no_counters(int error)
{
    return error == ENOENT || error == ENODEV || error == EOPNOTSUPP || error == EINVAL || error == ENXIO;
}

/* What of the kernel's answers keeps perf from more than the clock of user code. */
static void look_at_events(struct tare_perf *found)
{
    int kernel = try_clock(true), cycles = try_cycles(), lbr = try_lbr(), switches = try_switches();
    if (kernel != 0) {
        found->no_kernel = tare__perf_refusal(kernel, 1);
    }
    if (cycles != 0) {
        found->no_cycles = no_counters(cycles)
                               ? say("the processor's counters cannot be had (no PMU), as in most "
                                     "virtual machines: cpu-clock works")
                               : tare__perf_refusal(cycles, 2);
    }
    if (cycles != 0) {
        found->no_lbr = no_counters(cycles)
                            ? say("the processor's record of calls (LBR) cannot be had, nor its "
                                  "counters (no PMU), as in most virtual machines")
                            : tare__perf_refusal(cycles, 2);
    } else if (lbr != 0) {
        found->no_lbr = no_counters(lbr) ? say("this processor does not record calls (LBR): Intel's do since "
                                               "Haswell, outside of most virtual machines")
                                         : tare__perf_refusal(lbr, 2);
    }
    if (switches != 0) {
        found->no_off_cpu = no_counters(switches)
                                ? say("the kernel is too old to record switches (4.3 or later)")
                                : tare__perf_refusal(switches, 1);
    }
}

bool tare__perf_at_least(const struct tare_perf *perf, unsigned major, unsigned minor)
{
    unsigned has_major = 0, has_minor = 0;
    if (perf->version == NULL || sscanf(perf->version, "%u.%u", &has_major, &has_minor) < 1) {
        return true;
    }
    return has_major > major || (has_major == major && has_minor >= minor);
}

/* Sets path and version, or `missing`. */
static void look_at_program(const char *name, struct tare_perf *found)
{
    char text[WORDS], words[WORDS], version[64];
    if (tare_find_program(name, &found->path) != 0) {
        found->path = NULL;
        found->missing =
            strchr(name, '/') != NULL
                ? say("'%s' cannot be run", name)
                : say("perf is not installed: Debian has it as 'linux-perf', Ubuntu as 'linux-tools'");
        return;
    }
    char *const argv[] = {found->path, (char[]){"--version"}, NULL};
    int code = tare__perf_ask(argv, text, sizeof(text), words, sizeof(words));
    if (code != 0 || sscanf(text, "perf version %63s", version) != 1) {
        text[strcspn(text, "\n")] = '\0';
        found->missing =
            say("'%s' does not say its version%s%s", found->path, words[0] != '\0' ? ": " : "", words);
        return;
    }
    found->version = strdup(version);
    if (!tare__perf_at_least(found, OLDEST_MAJOR, OLDEST_MINOR)) {
        found->missing =
            say("perf %s is too old: %d.%d or later is needed", version, OLDEST_MAJOR, OLDEST_MINOR);
    }
}

/* Records a program that does nothing. Sets `missing` if that does not work. */
static void try_recording(struct tare_perf *found)
{
    static const char zeros[65536]; /* as much as a recording of nothing takes */
    int fd = tare__perf_unnamed_file();
    char path[64], words[WORDS] = "", text[16];
    if (fd < 0) {
        return; /* no matter of perf: whoever records says so */
    }
    snprintf(path, sizeof(path), "/proc/%ld/fd/%d", (long)getpid(), fd);
    char *argv[24], *program = NULL;
    size_t n = 0;
    argv[n++] = found->path;
    argv[n++] = (char[]){"record"};
    n += tare__perf_record_options(found, argv + n);
    argv[n++] = (char[]){"-F"};
    argv[n++] = (char[]){"99"};
    argv[n++] = (char[]){"-e"};
    argv[n++] = found->no_kernel != NULL ? (char[]){"cpu-clock:u"} : (char[]){"cpu-clock"};
    argv[n++] = (char[]){"-o"};
    argv[n++] = path;
    argv[n++] = (char[]){"--"};
    argv[n++] = tare_find_program("true", &program) == 0 ? program : (char[]){"/bin/true"};
    argv[n] = NULL;
    int code = tare__perf_ask(argv, text, sizeof(text), words, sizeof(words));
    struct stat status;
    bool fine = code == 0 && fstat(fd, &status) == 0 && status.st_size != 0;
    if (!fine && pwrite(fd, zeros, sizeof(zeros), 0) != (ssize_t)sizeof(zeros)) {
        found->missing = say("there is no space for perf's data in '%s': set TMPDIR, or free some",
                             tare__perf_folder()); /* ENOSPC, EDQUOT, EFBIG */
    } else if (!fine) {
        found->missing = say("perf %s does not record here%s%s", found->version != NULL ? found->version : "",
                             words[0] != '\0' ? ": " : "", words);
    }
    free(program);
    close(fd);
}

int tare_perf_look(const char *perf, struct tare_perf *found)
{
    *found = (struct tare_perf){0};
    look_at_program(perf != NULL ? perf : "perf", found);
    int clock = try_clock(false);
    if (found->missing == NULL && clock != 0) {
        found->missing = tare__perf_refusal(clock, 2);
    }
    look_at_events(found);
    if (found->missing == NULL) {
        try_recording(found);
    }
    bool fine = found->missing != NULL || (found->path != NULL && found->version != NULL);
    if (!fine) {
        tare_perf_release(found);
    }
    return fine ? 0 : -ENOMEM;
}

void tare_perf_release(struct tare_perf *found)
{
    free(found->path);
    free(found->version);
    free(found->missing);
    free(found->no_lbr);
    free(found->no_cycles);
    free(found->no_kernel);
    free(found->no_off_cpu);
    *found = (struct tare_perf){0};
}
