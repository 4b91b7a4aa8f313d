/* SPDX-License-Identifier: MIT */
/*
 * Profiles by perf: `perf record` runs the program, or attaches to a process, and what it wrote is read through
 * `perf script`, which unwinds. What was mapped where comes along, so that user code's functions, lines and inlined
 * calls are looked up by record/symbols.h; the kernel's names are perf's.
 *
 * The program is our child, not perf's: perf would end it with SIGTERM where it was sent something else, pass
 * nothing on, and leave it behind when it dies itself. So the child waits before it becomes the program, perf attaches
 * to it, and what perf runs as its program is a `cat` whose input we hold:
 *
 *     tare ---fork---> child ..................... waits ......... exec: the program
 *       |                                                          ^
 *       +---spawn----> perf record -p CHILD -- cat                 | go
 *                        events open and enabled, then:            |
 *       <--- a byte that we wrote comes back through cat ----------+
 *
 * When cat's input is closed, on purpose or as we die, cat ends, then perf, with all its data written. perf is in a
 * process group of its own, where Ctrl-C does not reach it. The data lie in a file without a name, which is gone
 * with us whatever happens.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "record/clean.h"
#include "record/elf.h"
#include "record/files.h"
#include "record/perf_child.h"
#include "record/perf_parts.h"
#include "record/perf_script.h"
#include "record/process_stat.h"
#include "record/profiling.h"
#include "record/symbols.h"

enum {
    WORDS = 200,
    RING_BYTES = 512 << 10,         /* of each processor: what everybody may lock, and perf's own default */
    RING_BYTES_MAX = 16 << 20,      /* of each processor, for who may lock more */
    SAMPLE_BYTES = 1500,            /* of a sample, besides the copy of the stack: 127 addresses and a head */
    FULL_BYTES = 1 << 20,           /* left in a file system: it is full */
    CODE_CAT_ENDED = 128 + SIGTERM, /* perf's, where it ended its `cat` as the program was gone */
    STEP_MS = 50,
    STACK_BYTES_MAX = 65528, /* of a sample: 16 bits, less its own place */
};

/* ---- the command ---- */

size_t tare__perf_record_options(const struct tare_perf *perf, char **options)
{
    static char quiet[] = "-q", no_ids[] = "-B", no_cache[] = "-N", no_bpf[] = "--no-bpf-event",
                ids_in_maps[] = "--buildid-mmap", clock[] = "--clockid=monotonic";
    size_t n = 0;
    options[n++] = quiet;
    options[n++] = no_ids;
    options[n++] = no_cache;
    options[n++] = clock;
    if (tare__perf_at_least(perf, 5, 1)) {
        options[n++] = no_bpf; /* else it looks after programs in the kernel, and takes a second to end */
    }
    if (tare__perf_at_least(perf, 5, 12)) {
        options[n++] = ids_in_maps;
    }
    return n;
}

static double frequency(const struct tare_profiling_request *request)
{
    return request->frequency_hz > 0 ? request->frequency_hz : TARE_PROFILING_HZ;
}

static unsigned stack_bytes(const struct tare_profiling_request *request)
{
    unsigned bytes = request->stack_bytes != 0 ? request->stack_bytes : TARE_PROFILING_STACK_BYTES;
    return (bytes + 7) / 8 * 8; /* as the kernel wants it */
}

/*
 * Of events that come one by one, each is taken: perf's frequency is kept by a period that changes all the time, and
 * the first sample after a rush would stand for all of it.
 */
static bool by_count(const struct tare_profiling_request *request, const struct tare_profiling_choice *choice)
{
    static const char *const events[] = {
        "page-faults", "faults",         "minor-faults",     "major-faults",     "context-switches", "cs",
        "migrations",  "cpu-migrations", "alignment-faults", "emulation-faults", "cgroup-switches"};
    size_t length = choice->event != NULL ? strcspn(choice->event, ":") : 0; /* ":u" and the like */
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]) && request->frequency_hz <= 0; i++) {
        if (strlen(events[i]) == length && memcmp(events[i], choice->event, length) == 0) {
            return true;
        }
    }
    return false;
}

/*
 * Room for half a second of samples, where that may be locked; 0: perf's own size will do. How many events come one by
 * one is not known before.
 */
static size_t ring_bytes(const struct tare_profiling_request *request,
                         const struct tare_profiling_choice *choice)
{
    double wanted =
        frequency(request) * ((choice->mode == TARE_MODE_DWARF ? stack_bytes(request) : 0) + SAMPLE_BYTES) / 2;
    size_t bytes = RING_BYTES;
    while (bytes < RING_BYTES_MAX && ((double)bytes < wanted || by_count(request, choice))) {
        bytes *= 2;
    }
    return bytes > RING_BYTES && geteuid() == 0 ? bytes : 0;
}

/* perf record with all but what to watch. */
static void add_recording(struct tare__perf_words *words, const char *name,
                          const struct tare_profiling_request *request,
                          const struct tare_profiling_choice *choice, const struct tare_perf *perf,
                          const char *data)
{
    char *options[TARE__PERF_RECORD_OPTIONS];
    size_t option_count = tare__perf_record_options(perf, options);
    tare__perf_add(words, "%s", name);
    tare__perf_add(words, "record");
    for (size_t i = 0; i < option_count; i++) {
        tare__perf_add(words, "%s", options[i]);
    }
    if (request->off_cpu) { /* a sample with each switch away, and a record of each switch */
        tare__perf_add(words, "-e");
        tare__perf_add(words, "context-switches");
        tare__perf_add(words, "-c");
        tare__perf_add(words, "1");
        tare__perf_add(words, "--switch-events");
    } else {
        tare__perf_add(words, by_count(request, choice) ? "-c" : "-F");
        tare__perf_add(words, "%.0f", by_count(request, choice) ? 1 : fmax(1, round(frequency(request))));
        tare__perf_add(words, "-e");
        tare__perf_add(words, "%s", choice->event != NULL ? choice->event : "cpu-clock");
        if (perf->no_kernel != NULL) {
            tare__perf_add(words, "--all-user");
        }
    }
    tare__perf_add(words, "--call-graph");
    switch (choice->mode) {
    case TARE_MODE_DWARF:
        tare__perf_add(words, "dwarf,%u", stack_bytes(request));
        break;
    case TARE_MODE_LBR:
        tare__perf_add(words, "lbr");
        break;
    default:
        tare__perf_add(words, "fp");
        break;
    }
    size_t ring = ring_bytes(request, choice);
    if (ring != 0) {
        tare__perf_add(words, "-m");
        tare__perf_add(words, "%zuK", ring >> 10);
    }
    tare__perf_add(words, "-o");
    tare__perf_add(words, "%s", data);
}

char **tare_perf_argv(const struct tare_profiling_request *request, const struct tare_profiling_choice *choice,
                      const struct tare_perf *perf, const char *data)
{
    struct tare__perf_words words = {0};
    /* By a name with a slash, perf would put that folder in front of the program's PATH. */
    bool by_name = request->perf == NULL || strchr(request->perf, '/') == NULL;
    add_recording(&words, !by_name && perf->path != NULL ? perf->path : "perf", request, choice, perf, data);
    if (request->argv == NULL) {
        tare__perf_add(&words, "-p");
        tare__perf_add(&words, "%ld", (long)request->pid);
        if (request->for_s > 0) {
            tare__perf_add(&words, "--");
            tare__perf_add(&words, "sleep");
            tare__perf_add(&words, "%.9g", request->for_s);
        }
    } else {
        tare__perf_add(&words, "--");
        for (char *const *word = request->argv; *word != NULL; word++) {
            tare__perf_add(&words, "%s", *word);
        }
    }
    if (words.failed) {
        tare__perf_free_words(words.list);
        return NULL;
    }
    return words.list;
}

/* The same as tare runs it, attached to `pid`; it may say why it fails, as nobody but us hears it. */
static char **attached_argv(const struct tare_profiling_request *request,
                            const struct tare_profiling_choice *choice, const struct tare_perf *perf,
                            const char *data, pid_t pid)
{
    struct tare__perf_words words = {0};
    add_recording(&words, perf->path != NULL ? perf->path : "perf", request, choice, perf, data);
    tare__perf_add(&words, "-p");
    tare__perf_add(&words, "%ld", (long)pid);
    tare__perf_add(&words, "--");
    tare__perf_add(&words, "cat");
    if (words.failed) {
        tare__perf_free_words(words.list);
        return NULL;
    }
    size_t to = 2;
    for (size_t from = 2; words.list[from] != NULL; from++) {
        if (strcmp(words.list[from], "-q") == 0 && to == from) {
            free(words.list[from]);
        } else {
            words.list[to++] = words.list[from];
        }
    }
    words.list[to] = NULL;
    return words.list;
}

/* ---- recording ---- */

__attribute__((format(printf, 2, 3))) static int note(struct tare_profiling_outcome *outcome,
                                                      const char *format, ...)
{
    size_t count = 0;
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int written = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (written < 0) {
        return -ENOMEM;
    }
    while (outcome->notes != NULL && outcome->notes[count] != NULL) {
        count++;
    }
    char **notes = reallocarray(outcome->notes, count + 2, sizeof(*notes));
    if (notes == NULL) {
        free(text);
        return -ENOMEM;
    }
    notes[count] = text;
    notes[count + 1] = NULL;
    outcome->notes = notes;
    return 0;
}

/* Where the data go, and what they are called on perf's command line. */
struct data {
    int fd;
    char path[4096];
};

static int open_data(const struct tare_profiling_request *request, struct data *data, char *message,
                     size_t size)
{
    data->fd = -1;
    if (request->keep_data != NULL) {
        int length = snprintf(data->path, sizeof(data->path), "%s", request->keep_data);
        data->fd = open(request->keep_data, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (data->fd < 0 || length >= (int)sizeof(data->path)) {
            int error = data->fd < 0 ? -errno : -ENAMETOOLONG;
            snprintf(message, size, "cannot write '%.200s': %s", request->keep_data, strerror(-error));
            return error;
        }
        return 0;
    }
    data->fd = tare__perf_unnamed_file();
    if (data->fd < 0) {
        snprintf(message, size, "cannot make a file for perf's data in '%.100s': %s: set TMPDIR",
                 tare__perf_folder(), strerror(-data->fd));
        return data->fd;
    }
    snprintf(data->path, sizeof(data->path), "/proc/%ld/fd/%d", (long)getpid(), data->fd);
    return 0;
}

/* perf replaces a file that has something in it by another one; ours is empty, but who knows. */
static bool reopen_kept(const struct tare_profiling_request *request, struct data *data)
{
    if (request->keep_data == NULL) {
        return true;
    }
    close(data->fd);
    data->fd = open(request->keep_data, O_RDONLY | O_CLOEXEC);
    return data->fd >= 0;
}

static bool is_full(int fd)
{
    struct statvfs space;
    return fstatvfs(fd, &space) == 0 && (double)space.f_bavail * (double)space.f_frsize < FULL_BYTES;
}

/* perf, attached to a process. */
struct attachment {
    const struct tare_profiling_request *request;
    const struct tare_profiling_choice *choice;
    const struct tare_perf *perf;
    const char *data;
    char **argv; /* perf's; NULL: it was not begun */
    struct tare__perf_child child;
    pid_t program; /* our child */
    int hold;      /* cat's input: perf ends when it is closed */
    bool ready;    /* it has been attached */
    int code;      /* its own, when it has ended */
    char words[WORDS];
};

static void detach(struct attachment *attachment)
{
    if (attachment->hold >= 0) {
        close(attachment->hold);
        attachment->hold = -1;
    }
    if (attachment->child.pid > 0) {
        attachment->code = tare__perf_end(&attachment->child, attachment->words, sizeof(attachment->words));
    }
}

/* Until what we wrote to cat comes back. Returns 0, -EINTR: we are asked to end, or -EIO: perf has ended. */
static int await_ready(struct attachment *attachment, int echo)
{
    char byte;
    while (!tare_spawn_asked_to_end()) {
        struct pollfd ready = {.fd = echo, .events = POLLIN};
        if (poll(&ready, 1, STEP_MS) > 0) {
            attachment->ready = read(echo, &byte, 1) == 1;
            return attachment->ready ? 0 : -EIO;
        }
    }
    kill(attachment->child.pid, SIGTERM); /* wherever it is */
    return -EINTR;
}

/* tare_spawn.attach. */
static int attach(void *data, pid_t pid)
{
    struct attachment *attachment = data;
    const struct tare_profiling_request *request = attachment->request;
    int in[2] = {-1, -1}, out[2] = {-1, -1};
    attachment->program = pid;
    attachment->argv = attached_argv(request, attachment->choice, attachment->perf, attachment->data,
                                     request->argv != NULL ? pid : request->pid);
    int error = attachment->argv == NULL ? -ENOMEM : 0;
    if (error == 0 && (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0 || write(in[1], "", 1) != 1)) {
        error = -errno;
    }
    error = error != 0 ? error : tare__perf_start(attachment->argv, in[0], out[1], true, &attachment->child);
    attachment->hold = in[1];
    for (int i = 0; i < 2; i++) {
        int ours = i == 0 ? in[0] : out[1];
        if (ours >= 0) {
            close(ours);
        }
    }
    error = error != 0 ? error : await_ready(attachment, out[0]);
    if (out[0] >= 0) {
        close(out[0]);
    }
    if (error != 0) {
        detach(attachment);
    }
    return error;
}

/* tare_spawn.poll, where the child only passes the time: it is over when perf ends, as the process is gone. */
static uint64_t end_with_perf(void *data)
{
    const struct attachment *attachment = data;
    siginfo_t info = {0};
    if (waitid(P_PID, (id_t)attachment->child.pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
        info.si_pid != 0) {
        kill(attachment->program, SIGKILL);
    }
    return STEP_MS * UINT64_C(1000000);
}

/* There is nothing to be read, or no program was seen: why. Returns -errno with a message, 0: it is fine so. */
static int explain(const struct attachment *attachment, int fd, bool empty,
                   const struct tare_profiling_outcome *outcome, char *message, size_t size)
{
    const struct tare_profiling_request *request = attachment->request;
    bool failed = attachment->code != 0 && attachment->code != CODE_CAT_ENDED;
    bool pending = request->argv != NULL && outcome->interrupted && outcome->program.end == TARE_END_SIGNALED;
    if ((failed || empty) && is_full(fd)) {
        snprintf(message, size, "no space left for perf's data in '%.200s': %s",
                 request->keep_data != NULL ? request->keep_data : tare__perf_folder(),
                 request->keep_data != NULL ? "free some, or keep them elsewhere" : "set TMPDIR, or free some");
        return -ENOSPC;
    }
    if (!attachment->ready && request->argv == NULL && kill(request->pid, 0) != 0 && errno == ESRCH) {
        snprintf(message, size, "there is no process %ld", (long)request->pid);
        return -ESRCH;
    }
    if (!attachment->ready && request->argv == NULL && tare__process_ended(request->pid)) {
        snprintf(message, size, "process %ld has ended: its parent has not asked how", (long)request->pid);
        return -ESRCH;
    }
    if (failed || !attachment->ready) {
        snprintf(message, size, "perf record failed%s%s", attachment->words[0] != '\0' ? ": " : "",
                 attachment->words);
        return -EIO;
    }
    if (pending) {
        snprintf(message, size, "'%.200s' was interrupted before it began", request->argv[0]);
        return -EINTR;
    }
    return 0;
}

/* What would make perf lose fewer samples; "": nothing that can be asked for. */
static const char *loses_fewer(const struct tare_profiling_request *request,
                               const struct tare_profiling_choice *choice)
{
    bool copies = choice->mode == TARE_MODE_DWARF;
    return request->off_cpu            ? (copies ? ": a smaller --stack-size loses fewer" : "")
           : by_count(request, choice) ? (copies ? ": each event is taken, -F takes fewer, and a smaller "
                                                   "--stack-size copies less of each"
                                                 : ": each event is taken, and -F takes fewer")
           : copies                    ? ": a lower frequency or a smaller --stack-size loses fewer"
                                       : ": a lower frequency loses fewer";
}

/* Of dwarf's stacks that end too early: what would reach further, as far as the binary says. */
static int note_truncated(const struct tare_profiling_request *request,
                          const struct tare_profiling_choice *choice, const struct tare_profile *profile,
                          struct tare_profiling_outcome *outcome)
{
    bool most = profile->truncated >= profile->sample_count / 2 + profile->sample_count % 2;
    if (!choice->dwarf_works) { /* --stack-size is no help, and what is missing was said */
        return note(outcome, "%llu of %zu stacks end before the outermost call: they could not be unwound%s",
                    (unsigned long long)profile->truncated, profile->sample_count,
                    choice->built_in_works ? "; --mode built-in may reach it" : "");
    }
    return note(outcome,
                "%llu of %zu stacks end before the outermost call: they could not be unwound, or were larger "
                "than the %u bytes that were copied%s%s",
                (unsigned long long)profile->truncated, profile->sample_count, stack_bytes(request),
                stack_bytes(request) >= STACK_BYTES_MAX ? ", which is the most that can be"
                                                        : " (--stack-size takes more)",
                most && choice->built_in_works ? "; --mode built-in copies nothing, and may reach it" : "");
}

/* What the reader of the profile has to know of how it came about. */
static int add_notes(const struct tare_profiling_request *request, const struct tare_profiling_choice *choice,
                     const struct tare_perf *perf, const struct tare__perf_reading *reading,
                     const struct tare_profile *profile, struct tare_profiling_outcome *outcome)
{
    int error = 0;
    if (perf->no_kernel != NULL && !request->off_cpu) {
        error = note(outcome, "user code only, time in the kernel has no samples: %s", perf->no_kernel);
    }
    if (error == 0 && profile->lost != 0 && profile->lost != TARE_PROFILE_UNKNOWN) {
        error = note(outcome, "perf lost %llu samples or records, as its memory was full%s",
                     (unsigned long long)profile->lost, loses_fewer(request, choice));
    }
    if (error == 0 && choice->mode == TARE_MODE_DWARF && profile->truncated != 0 &&
        profile->truncated != TARE_PROFILE_UNKNOWN) {
        error = note_truncated(request, choice, profile, outcome);
    }
    if (error == 0 && choice->mode == TARE_MODE_FP && profile->truncated != 0 &&
        profile->truncated != TARE_PROFILE_UNKNOWN) {
        error =
            note(outcome, "%llu of %zu stacks end before the outermost call, in code without frame pointers%s",
                 (unsigned long long)profile->truncated, profile->sample_count,
                 choice->dwarf_works ? ": --mode dwarf may reach it" : "");
    }
    if (error == 0 && choice->mode == TARE_MODE_LBR && profile->truncated != 0 &&
        profile->truncated != TARE_PROFILE_UNKNOWN) {
        error = note(outcome, "%llu of %zu stacks are cut, as the processor keeps no more than its last calls",
                     (unsigned long long)profile->truncated, profile->sample_count);
    }
    if (error == 0 && reading->damaged != 0) {
        error = note(outcome, "%llu lines of 'perf script' were not understood, the first of them line %llu",
                     (unsigned long long)reading->damaged, (unsigned long long)reading->first_damaged_line);
    }
    return error;
}

/* What was asked for, and what it took; `recorder` is the profile's then. */
static int describe(const struct tare_profiling_request *request, const struct tare_profiling_choice *choice,
                    const struct tare__perf_reading *reading, struct tare_profile *profile, char ***recorder)
{
    static const char *const modes[TARE_MODES] = {"fp", "dwarf", "lbr", "built-in"};
    profile->mode = strdup(modes[choice->mode]);
    profile->reason = choice->reason != NULL ? strdup(choice->reason) : NULL;
    profile->frequency_hz = request->off_cpu || by_count(request, choice) ? NAN : round(frequency(request));
    profile->lost = reading->lost;
    profile->off_cpu = request->off_cpu;
    profile->recorder = *recorder;
    *recorder = NULL;
    if (!request->off_cpu &&
        choice->event != NULL) { /* as it was asked for: perf adds what it was told besides */
        free(profile->event);
        profile->event = strdup(choice->event);
    }
    if (profile->sample_count == 0 || profile->unit == NULL) { /* nothing has said it */
        bool clock = profile->event != NULL && strstr(profile->event, "-clock") != NULL;
        free(profile->unit);
        profile->unit = strdup(request->off_cpu || clock ? "ns"
                               : profile->event != NULL  ? profile->event
                                                         : "samples");
    }
    return profile->mode != NULL && profile->event != NULL && profile->unit != NULL ? 0 : -ENOMEM;
}

/* Runs the program to its end with perf attached, or attaches perf. Returns 0 or -errno with a message. */
static int run_attached(struct attachment *attachment, int fd, struct tare_profiling_outcome *outcome,
                        char *message, size_t size)
{
    const struct tare_profiling_request *request = attachment->request;
    char *path = NULL, seconds[32], *const pause[] = {(char[]){"sleep"}, seconds, NULL};
    bool program = request->argv != NULL;
    const char *name = program ? request->argv[0] : pause[0];
    snprintf(seconds, sizeof(seconds), "%.9g", request->for_s > 0 ? request->for_s : INT32_MAX);
    int error = tare_find_program(name, &path);
    if (error != 0) {
        outcome->not_started = program;
        snprintf(message, size, "cannot run '%.200s': %s", name, strerror(-error));
        return error;
    }
    const struct tare_spawn spawn = {
        .path = path,
        .argv = program ? request->argv : pause,
        .set = program ? request->environment : NULL,
        .pin_cpu = program ? request->pin_cpu : -1,
        .timeout_s = request->timeout_s,
        .quiet = request->quiet,
        .no_input = request->quiet || !program,
        .attach = attach,
        .poll = program ? NULL : end_with_perf,
        .data = attachment,
    };
    bool not_started = false;
    error = tare_spawn_run(&spawn, &outcome->program, &not_started);
    int interrupted = outcome->program.interrupted;
    detach(attachment);
    outcome->interrupted =
        interrupted == SIGINT || interrupted == SIGTERM || interrupted == SIGHUP || interrupted == SIGQUIT;
    outcome->not_started = not_started && program;
    if (error == -EINTR && program) {
        snprintf(message, size, "interrupted before '%.200s' began", name);
    } else if (error == -EINTR) {
        snprintf(message, size, "interrupted before perf had attached to process %ld", (long)request->pid);
    } else if (not_started) {
        snprintf(message, size, "cannot run '%.200s': %s", name,
                 error == -ENOENT ? "its interpreter was not found" : strerror(-error)); /* the file was */
    } else if (error != 0) {
        int why = error == -EIO ? explain(attachment, fd, true, outcome, message, size) : 0;
        if (why == 0) {
            snprintf(message, size, "cannot run '%.200s': %s", attachment->perf->path, strerror(-error));
        }
        error = why != 0 ? why : error;
    }
    if (!program) {
        outcome->program.end = TARE_END_UNKNOWN;
        outcome->program.user_ns = outcome->program.system_ns = NAN;
    }
    free(path);
    return error;
}

int tare_perf_record(const struct tare_profiling_request *request, const struct tare_profiling_choice *choice,
                     const struct tare_perf *perf, struct tare_profile **profile,
                     struct tare_profiling_outcome *outcome, char *message, size_t message_size)
{
    struct tare__perf_reading reading = {
        .off_cpu = request->off_cpu, .stacks_complete = true, .from_exec = request->argv != NULL};
    struct data data;
    struct stat status;
    long long highest;
    *profile = NULL;
    *outcome = (struct tare_profiling_outcome){0};
    if (!request->off_cpu &&
        tare__file_number("", "/proc/sys/kernel/perf_event_max_sample_rate", &highest) == 0 &&
        frequency(request) > (double)highest) {
        snprintf(message, message_size,
                 "the kernel takes %lld samples in a second at most: use -F %lld, or set "
                 "kernel.perf_event_max_sample_rate",
                 highest, highest);
        return -EINVAL;
    }
    int error = open_data(request, &data, message, message_size);
    if (error != 0) {
        return error;
    }
    struct attachment attachment = {
        .request = request, .choice = choice, .perf = perf, .data = data.path, .hold = -1};
    error = run_attached(&attachment, data.fd, outcome, message, message_size);
    if (error == 0) {
        bool empty = !reopen_kept(request, &data) || fstat(data.fd, &status) != 0 || status.st_size == 0;
        if (!empty) {
            error = tare__perf_read(perf->path, data.fd, data.path, data.path, &reading, profile, message,
                                    message_size);
        }
        bool nothing =
            empty || error == -EBADMSG || (error == 0 && reading.exec_ns == 0 && request->argv != NULL);
        int why = error != -ENOMEM && nothing ? explain(&attachment, data.fd, empty || reading.samples == 0,
                                                        outcome, message, message_size)
                                              : 0;
        error = why != 0 ? why : error;
        if (why == 0 && nothing && error != -ENOMEM && *profile == NULL) {
            *profile = tare_profile_new();
            error = *profile != NULL ? 0 : -ENOMEM;
        }
        if (error == 0 && is_full(data.fd)) {
            error =
                note(outcome, "the file system of perf's data is full: the end of the profile may be missing");
        } else if (error == 0 && attachment.code != 0 && attachment.code != CODE_CAT_ENDED) {
            error = note(outcome, "perf failed, and the end of the profile may be missing%s%s",
                         attachment.words[0] != '\0' ? ": " : "", attachment.words);
        }
    }
    if (error == 0 && reading.exec_ns != 0 && reading.exit_ns > reading.exec_ns) {
        (*profile)->wall_ns = (double)(reading.exit_ns - reading.exec_ns);
    }
    error = error != 0 ? error : describe(request, choice, &reading, *profile, &attachment.argv);
    error = error != 0 ? error : add_notes(request, choice, perf, &reading, *profile, outcome);
    if (error == -ENOMEM) {
        snprintf(message, message_size, "out of memory");
    }
    if (error != 0) {
        tare_profile_free(*profile);
        *profile = NULL;
    }
    tare_symbols_free(reading.symbols);
    tare__perf_free_words(attachment.argv);
    if (data.fd >= 0) {
        close(data.fd);
    }
    return error;
}
