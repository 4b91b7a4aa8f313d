/* SPDX-License-Identifier: MIT */
/* The program as `tare bench` drives it: one job, told in lines (lines.h). */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/harness.h"

enum { BUFFER_BYTES = 1 << 16 };
#define LOOK_NS UINT64_C(100000000)

struct job {
    char what[16];
    uint64_t fd, number, samples, iterations, empty; /* `number` of the case */
    double sample_ns;
};

static struct speech {
    int fd;
    pid_t pid; /* a forked child says nothing */
    size_t used;
    char buffer[BUFFER_BYTES];
} speech = {.fd = -1};

/* What was told of a block so far. */
struct telling {
    struct measured *measured;
    struct costs costs;
    bool costs_known, first_told;
    size_t told; /* samples */
    uint64_t last_ns;
};

static void flush(void)
{
    size_t at = 0;
    while (at < speech.used && getpid() == speech.pid) {
        ssize_t n = write(speech.fd, speech.buffer + at, speech.used - at);
        if (n < 0 && errno != EINTR) {
            break; /* who asked has gone */
        }
        at += n > 0 ? (size_t)n : 0;
    }
    speech.used = 0;
}

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *format, ...)
{
    char line[BENCH_LINE_MAX - 1];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    size_t size = length < 0 ? 0 : (size_t)length < sizeof(line) ? (size_t)length : sizeof(line) - 1;
    if (speech.used + size + 1 > sizeof(speech.buffer)) {
        flush();
    }
    memcpy(speech.buffer + speech.used, line, size);
    speech.used += size;
    speech.buffer[speech.used++] = '\n';
}

static void say_number(const char *word, double value, unsigned decimals)
{
    char text[DECIMAL_MAX];
    if (tare__bench_decimal(text, value, decimals)) {
        say("%s %s", word, text);
    }
}

static void say_failed(const char *why)
{
    say("failed %s", why);
    flush();
}

/* One word NAME=VALUE of the job. */
static bool parse_word(struct job *job, const char *word)
{
    const struct {
        const char *name;
        uint64_t *value;
    } numbers[] = {
        {"fd", &job->fd},           {"case", &job->number},
        {"samples", &job->samples}, {"iterations", &job->iterations},
        {"empty", &job->empty},
    };
    const char *equals = strchr(word, '=');
    size_t length = equals != NULL ? (size_t)(equals - word) : 0;
    if (length == 3 && memcmp(word, "job", 3) == 0) {
        snprintf(job->what, sizeof(job->what), "%s", equals + 1);
        return true;
    }
    uint64_t number;
    char end;
    if (length == 0 || equals[1] < '0' || equals[1] > '9' || strlen(equals + 1) > 18 ||
        sscanf(equals + 1, "%" SCNu64 "%c", &number, &end) != 1) {
        return false;
    }
    if (length == 9 && memcmp(word, "sample_ns", 9) == 0) {
        job->sample_ns = (double)number;
        return true;
    }
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (strlen(numbers[i].name) == length && memcmp(word, numbers[i].name, length) == 0) {
            *numbers[i].value = number;
            return true;
        }
    }
    return false;
}

static bool parse_job(struct job *job, const char *drive)
{
    char text[512], *rest = text;
    *job = (struct job){.fd = UINT64_MAX, .samples = 1};
    if (strlen(drive) >= sizeof(text)) {
        return false;
    }
    memcpy(text, drive, strlen(drive) + 1);
    for (const char *word; (word = strsep(&rest, " ")) != NULL;) {
        if (*word != '\0' && !parse_word(job, word)) {
            return false;
        }
    }
    bool exact = strcmp(job->what, "exact") == 0 || strcmp(job->what, "count") == 0;
    bool block = strcmp(job->what, "block") == 0;
    return job->fd <= INT32_MAX && job->samples >= 1 && job->samples <= BENCH_SAMPLES_MAX &&
           job->iterations <= UINT64_C(1) << 50 && (exact ? job->iterations > 0 : true) &&
           (block ? job->iterations > 0 || job->sample_ns > 0 : true) &&
           (exact || block || strcmp(job->what, "list") == 0);
}

static bool printable(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text < ' ' || *text > '~') {
            return false;
        }
    }
    return true;
}

static void say_list(const struct bench_units *units)
{
    for (size_t i = 0; i < units->count; i++) {
        const struct bench_unit *unit = &units->units[i];
        char args[BENCH_NAME_MAX] = "";
        size_t at = 0;
        for (unsigned k = 0; k < unit->arg_count && at < sizeof(args); k++) {
            at += (size_t)snprintf(args + at, sizeof(args) - at, "%s%" PRId64, k == 0 ? " args=" : ",",
                                   unit->args[k]);
        }
        const char *file = unit->bench->file;
        bool known = *file != '\0' && strlen(file) < BENCH_LINE_MAX / 2 && printable(file);
        say("case %zu %s threads=%u%s bench=%s line=%" PRIu32 "%s%s", i, unit->name, unit->threads, args,
            unit->bench->name, unit->bench->line, known ? " file=" : "", known ? file : "");
    }
}

/* All samples that have not been told yet. */
static void tell_samples(struct telling *telling)
{
    const struct measured *measured = telling->measured;
    if (!telling->costs_known) {
        telling->costs = tare__bench_costs(measured->bench, measured->with);
        telling->costs_known = true;
        say_number("loop", telling->costs.loop_ticks * telling->costs.tick_ns, 4);
    }
    if (!telling->first_told && measured->has_first) {
        telling->first_told = true;
        say_number("first", tare__bench_first_ns(measured, &telling->costs), 1);
    }
    for (; telling->told < measured->count; telling->told++) {
        const struct measured_sample *sample = &measured->samples[telling->told];
        char ns[DECIMAL_MAX];
        if (tare__bench_decimal(ns, tare__bench_sample_ns(sample, &telling->costs), 1)) {
            say("sample %" PRIu64 " %s", sample->iterations, ns);
        }
    }
    flush();
}

/* Writing wakes the reader up, so it is done but now and then: for those who die young. */
static void look(void *data)
{
    struct telling *telling = data;
    uint64_t now = clock_raw_ns();
    if (now - telling->last_ns >= LOOK_NS) {
        tell_samples(telling);
        telling->last_ns = clock_raw_ns();
    }
}

/* What the body says of an iteration. */
static void say_kind(const struct measured *measured)
{
    say_number("bytes", measured->bytes, 3);
    say_number("items", measured->items, 3);
    if (measured->with) {
        say("with");
    }
}

/* The job's exit code. */
static int conclude(struct measured *measured, int error)
{
    bool failed = measured->failed[0] != '\0';
    if (failed || error != 0) {
        say_failed(failed ? measured->failed : "not enough memory");
    }
    tare__bench_measured_release(measured);
    return failed || error != 0;
}

static int do_block(const struct bench_unit *unit, const struct job *job)
{
    struct measured measured;
    struct telling telling = {.measured = &measured, .last_ns = clock_raw_ns()};
    const struct plan plan = {
        .kind = PLAN_TIME,
        .empty = job->empty != 0,
        .samples = job->samples,
        .samples_min = job->samples,
        .sample_ns = job->sample_ns,
        .iterations = job->iterations,
        .look = look,
        .data = &telling,
    };
    int error = tare__bench_measure(unit, &plan, &measured);
    if (error == 0 && measured.has_first) {
        tell_samples(&telling);
        say_kind(&measured);
        say_number("wait", measured.wait_ns, 0);
        say_number("migrations", measured.migrations, 0);
        say_number("cpu", measured.cpu_ns, 0);
        say_number("involuntary", measured.involuntary, 0);
    }
    return conclude(&measured, error);
}

static int do_exact(const struct bench_unit *unit, const struct job *job)
{
    struct measured measured;
    const struct plan plan = {
        .kind = PLAN_EXACT, .empty = job->empty != 0, .samples = 1, .iterations = job->iterations};
    int error = tare__bench_measure(unit, &plan, &measured);
    if (error == 0 && measured.count == 1) {
        char ns[DECIMAL_MAX];
        if (tare__bench_decimal(ns, measured.samples[0].ticks * tare__bench_tick_ns(), 1)) {
            say("sample %" PRIu64 " %s", job->iterations, ns);
        }
        say_kind(&measured);
    }
    return conclude(&measured, error);
}

static int do_count(const struct bench_unit *unit, const struct job *job)
{
    struct measured measured, empty;
    struct plan plan = {
        .kind = PLAN_COUNT, .empty = job->empty != 0, .samples = 1, .iterations = job->iterations};
    int error = tare__bench_measure(unit, &plan, &measured);
    plan.empty = true;
    if (error == 0) {
        error = tare__bench_measure(unit, &plan, &empty);
        for (unsigned i = 0; error == 0 && !measured.with && i < COUNTERS_MAX; i++) {
            char word[64];
            double loop = tare__bench_counter_is_kernels(i) ? 0 : empty.counts[i];
            snprintf(word, sizeof(word), "count %s", tare__bench_counter_names[i]);
            say_number(word, measured.counts[i] - loop, 6);
        }
        tare__bench_measured_release(&empty);
    }
    if (error == 0) {
        say_kind(&measured);
    }
    return conclude(&measured, error);
}

int tare__bench_drive(const char *drive)
{
    struct job job;
    bool known = parse_job(&job, drive);
    int flags = known ? fcntl((int)job.fd, F_GETFD) : -1;
    if (flags < 0) {
        fprintf(stderr,
                "'%s' in TARE_BENCH_DRIVE is no job, or its descriptor is not open: it is for 'tare bench'\n",
                drive);
        return 2;
    }
    unsetenv("TARE_BENCH_DRIVE");
    fcntl((int)job.fd, F_SETFD, flags | FD_CLOEXEC);
    speech.fd = (int)job.fd;
    speech.pid = getpid();
    tare__bench_last_words = say_failed;
    bool list = strcmp(job.what, "list") == 0, block = strcmp(job.what, "block") == 0;
    tare__bench_clock_init(!block);
    say("tare-bench %d", BENCH_LINES_VERSION);

    struct bench_units units;
    char message[512];
    int code = 0;
    if (tare__bench_units(&units, message, sizeof(message)) != 0) {
        say_failed(message);
        code = 1;
    } else if (list) {
        say_list(&units);
    } else if (job.number >= units.count) {
        say_failed("there is no case of that number");
        code = 1;
    } else {
        flush(); /* so that whatever happens now, it is known who said it */
        const struct bench_unit *unit = &units.units[job.number];
        code = block                            ? do_block(unit, &job)
               : strcmp(job.what, "exact") == 0 ? do_exact(unit, &job)
                                                : do_count(unit, &job);
    }
    if (code == 0) {
        say("end");
    }
    flush();
    tare__bench_units_release(&units);
    return code;
}
