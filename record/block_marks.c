/* SPDX-License-Identifier: MIT */
/*
 * What the machine did between two moments, from counters of the kernel that only grow. The files stay open,
 * and are read again from their start: the kernel makes the text anew for each such read. A file that was
 * not there at first is not looked for again, so a figure is known in all marks or in none (but for a
 * processor that goes offline).
 */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/block.h"
#include "record/files.h"
#include "record/machine.h"
#include "record/monotonic.h"

enum {
    PROCESSORS_MAX = 4096,
    FREQUENCIES_MAX = 32, /* files that are kept open; of more processors, some evenly apart */
};

struct tare_machine_marks {
    int stat, pressure, throttled; /* -1: none */
    bool without_quota;            /* so nothing is ever throttled */
    int frequencies[FREQUENCIES_MAX];
    size_t frequency_count;
    double tick_ns;
};

static int open_file(const char *root, const char *name)
{
    char path[TARE__FILE_PATH];
    int length = snprintf(path, sizeof(path), "%s%s", root, name);
    if (length < 0 || (size_t)length >= sizeof(path)) {
        return -1;
    }
    /* O_NONBLOCK: a FIFO in the place of the file must not hang us. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat status;
    if (fd >= 0 && (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* The beginning of the file as it is now; false: not to be read. */
static bool read_again(int fd, char *text, size_t size)
{
    ssize_t got = fd >= 0 ? pread(fd, text, size - 1, 0) : -1;
    text[got > 0 ? got : 0] = '\0';
    return got > 0;
}

/* The number behind `label`, which begins a word; NAN: it is not there. */
static double number_behind(const char *text, const char *label)
{
    size_t length = strlen(label);
    for (const char *at = strstr(text, label); at != NULL; at = strstr(at + length, label)) {
        const char *digits = at + length;
        if ((at == text || at[-1] == ' ' || at[-1] == '\n') && *digits >= '0' && *digits <= '9') {
            return strtod(digits, NULL);
        }
    }
    return NAN;
}

/* "cpu  user nice system idle iowait irq softirq steal": of all processors together. */
static double read_steal_ticks(int fd)
{
    char text[512];
    unsigned long long steal;
    return read_again(fd, text, sizeof(text)) &&
                   sscanf(text, "cpu %*u %*u %*u %*u %*u %*u %*u %llu", &steal) == 1
               ? (double)steal
               : NAN;
}

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=1234", in microseconds, on the first line. */
static double read_pressure_us(int fd)
{
    char text[512];
    if (!read_again(fd, text, sizeof(text)) || strncmp(text, "some ", 5) != 0) {
        return NAN;
    }
    text[strcspn(text, "\n")] = '\0';
    return number_behind(text, "total=");
}

static double read_throttled_ns(const struct tare_machine_marks *marks)
{
    char text[4096];
    if (marks->without_quota) {
        return 0;
    }
    if (!read_again(marks->throttled, text, sizeof(text))) {
        return NAN;
    }
    double us = number_behind(text, "throttled_usec "), ns = number_behind(text, "throttled_time ");
    return isnan(us) ? ns : us * 1e3;
}

/* In kHz; the mean of those that can be read. */
static double read_frequency_khz(const struct tare_machine_marks *marks)
{
    double sum = 0;
    size_t count = 0;
    for (size_t i = 0; i < marks->frequency_count; i++) {
        char text[64], *end;
        if (read_again(marks->frequencies[i], text, sizeof(text))) {
            double khz = strtod(text, &end);
            if (end != text && khz > 0 && isfinite(khz)) {
                sum += khz;
                count++;
            }
        }
    }
    return count > 0 ? sum / (double)count : NAN;
}

/* That of the smallest quota on the way up, which is the one that bites. */
static void open_throttled(struct tare_machine_marks *marks, const char *root)
{
    struct tare_quota quota;
    tare_quota_read(&quota, root);
    marks->without_quota = quota.known && quota.file[0] == '\0';
    char *slash = strrchr(quota.file, '/');
    if (slash != NULL && (size_t)(slash - quota.file) + sizeof("/cpu.stat") <= sizeof(quota.file)) {
        memcpy(slash, "/cpu.stat", sizeof("/cpu.stat"));
        marks->throttled = open_file(root, quota.file);
    }
}

static void open_frequencies(struct tare_machine_marks *marks, const char *root)
{
    unsigned *processors = malloc(PROCESSORS_MAX * sizeof(*processors));
    if (processors == NULL) {
        return;
    }
    size_t count = tare__file_numbered(root, "/sys/devices/system/cpu", "cpu", processors, PROCESSORS_MAX);
    size_t step = (count + FREQUENCIES_MAX - 1) / FREQUENCIES_MAX;
    for (size_t i = 0; i < count; i += step) {
        char name[96];
        snprintf(name, sizeof(name), "/sys/devices/system/cpu/cpu%u/cpufreq/scaling_cur_freq", processors[i]);
        int fd = open_file(root, name);
        if (fd >= 0) {
            marks->frequencies[marks->frequency_count++] = fd;
        }
    }
    free(processors);
}

struct tare_machine_marks *tare_machine_marks_new(const char *root)
{
    struct tare_machine_marks *marks = calloc(1, sizeof(*marks));
    if (marks == NULL) {
        return NULL;
    }
    long ticks = sysconf(_SC_CLK_TCK);
    marks->tick_ns = ticks > 0 ? 1e9 / (double)ticks : NAN;
    marks->throttled = -1;
    marks->stat = open_file(root, "/proc/stat");
    marks->pressure = open_file(root, "/proc/pressure/cpu");
    open_throttled(marks, root);
    open_frequencies(marks, root);
    return marks;
}

void tare_machine_marks_free(struct tare_machine_marks *marks)
{
    if (marks == NULL) {
        return;
    }
    const int fds[] = {marks->stat, marks->pressure, marks->throttled};
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
    for (size_t i = 0; i < marks->frequency_count; i++) {
        close(marks->frequencies[i]);
    }
    free(marks);
}

void tare_machine_mark(struct tare_machine_marks *marks, struct tare_machine_mark *mark)
{
    *mark = (struct tare_machine_mark){
        .now_ns = tare__monotonic_ns(),
        .steal_ns = read_steal_ticks(marks->stat) * marks->tick_ns,
        .pressure_ns = read_pressure_us(marks->pressure) * 1e3,
        .throttled_ns = read_throttled_ns(marks),
        .frequency_hz = read_frequency_khz(marks) * 1e3,
    };
}
