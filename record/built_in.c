/* SPDX-License-Identifier: MIT */
/*
 * Profiles without perf and without privilege: libtare-profile.so is loaded into the program and its children,
 * and writes samples into memory of ours (preload/samples.h). While the program runs, they are only taken out
 * of there and put together; functions and lines are looked up when it has ended.
 */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "record/discover.h"
#include "record/elf.h"
#include "record/monotonic.h"
#include "record/profiling.h"
#include "record/raw_stacks.h"
#include "record/samples_reader.h"
#include "record/set.h"
#include "record/symbols.h"

enum {
    POLL_NS = 50000000,
    POLL_BUSY_NS = 5000000, /* when the ring was a quarter full */
    LAST_NS = 5000000,
    PAGES_NS = 500000000, /* between two looks for processes whose pages can be given back */
    REASONS_MAX = 3,      /* of processes in which sampling did not start, that are told */
    VARIABLES_MAX = 64,
};

/* Less than this is within the error of the shares of 1,000 samples. */
#define MISSED_TOLD 0.03
/* And fewer expirations, of fewer threads, than that are chance: each may have one or two behind its last tick. */
#define MISSED_FEW 10
/* The longest time between two ticks of a kernel: CONFIG_HZ is 100 and more. */
#define TICK_NS 10e6

/* The numbers that the timers of one page have in the profile, by their index. */
struct page {
    uint32_t *numbers;
    size_t count;
    bool read;
};

struct recording {
    const struct tare_profiling_request *request;
    struct tare_samples_reader reader;
    struct tare_raw_stacks *stacks;
    struct tare_profile *profile;
    struct tare_profiling_outcome *outcome;
    uint64_t interval_ns;
    struct tare_page_set set; /* with by_timer */
    struct page *pages;       /* by number, set.max of them */
    uint64_t pages_ns;        /* when to look at them again */
    uint64_t unread_pages;
    size_t still_running;
    char *reasons[REASONS_MAX];
    size_t reason_count;
    int failure; /* the first one while it ran: -ENOMEM */
};

__attribute__((format(printf, 2, 3))) static int note(struct tare_profiling_outcome *outcome,
                                                      const char *format, ...)
{
    size_t count = 0;
    while (outcome->notes != NULL && outcome->notes[count] != NULL) {
        count++;
    }
    char **notes = realloc(outcome->notes, (count + 2) * sizeof(*notes));
    if (notes == NULL) {
        return -ENOMEM;
    }
    outcome->notes = notes;
    notes[count] = notes[count + 1] = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&notes[count], format, arguments);
    va_end(arguments);
    if (length < 0) {
        notes[count] = NULL;
        return -ENOMEM;
    }
    return 0;
}

static void keep_reason(struct recording *recording, const char *reason)
{
    for (size_t i = 0; i < recording->reason_count; i++) {
        if (strcmp(recording->reasons[i], reason) == 0) {
            return;
        }
    }
    if (recording->reason_count < REASONS_MAX) {
        recording->reasons[recording->reason_count] = strdup(reason);
        recording->reason_count += recording->reasons[recording->reason_count] != NULL;
    }
}

/* Takes what is there. `last`: nobody writes any more. */
static void drain(struct recording *recording, bool last)
{
    struct tare_samples_record record;
    uint64_t now_ns = tare__monotonic_ns();
    /* Who writes as fast as we read shall not keep us here. */
    for (uint32_t i = 0; i < 2 * TARE_SAMPLES_SLOTS && recording->failure == 0; i++) {
        if (!tare_samples_next(&recording->reader, now_ns, last, &record)) {
            break;
        }
        if (record.kind == TARE_SAMPLES_BROKEN) {
            keep_reason(recording, record.text);
        }
        recording->failure = tare_raw_stacks_take(recording->stacks, &record);
    }
}

/* What the timers in a page are called. A page that cannot be read has none. Returns 0 or -ENOMEM. */
static int read_page(struct recording *recording, uint64_t number)
{
    struct page *page = &recording->pages[number];
    struct tare_page_source source = tare_page_set_source(&recording->set, number);
    struct tare_page_view view = {0};
    char message[256];
    int result = tare_page_read(&source, 0, &view, message, sizeof(message));
    page->read = true;
    recording->unread_pages += result != 0 && result != -ENOMEM;
    for (size_t i = 0; i < view.timer_count && result == 0; i++) {
        const struct tare_page_timer *timer = &view.timers[i];
        if (timer->index >= page->count) {
            size_t count = (size_t)timer->index + 1;
            uint32_t *grown = realloc(page->numbers, count * sizeof(*grown));
            if (grown == NULL) {
                result = -ENOMEM;
                break;
            }
            memset(grown + page->count, 0xff, (count - page->count) * sizeof(*grown)); /* TARE_PROFILE_NONE */
            page->numbers = grown;
            page->count = count;
        }
        page->numbers[timer->index] = tare_profile_timer(recording->profile, timer->module, timer->name);
        result = page->numbers[timer->index] == TARE_PROFILE_NONE ? -ENOMEM : 0;
    }
    tare_page_view_release(&view);
    return result == -ENOMEM ? result : 0;
}

/* Processes that have ended give the memory of their pages back. */
static void read_ended_pages(struct recording *recording)
{
    uint64_t lost, count = tare_page_set_count(&recording->set, &lost);
    for (uint64_t i = 0; i < count && recording->failure == 0; i++) {
        if (!recording->pages[i].read && tare_page_set_ended(&recording->set, i)) {
            recording->failure = read_page(recording, i);
            tare_page_set_discard(&recording->set, i);
        }
    }
}

static int read_all_pages(struct recording *recording)
{
    uint64_t lost, count = tare_page_set_count(&recording->set, &lost);
    int result = 0;
    for (uint64_t i = 0; i < count && result == 0; i++) {
        result = recording->pages[i].read ? 0 : read_page(recording, i);
    }
    if (result == 0 && lost + recording->unread_pages != 0) {
        result = note(recording->outcome,
                      "%llu processes had no page that could be read: their samples have no timer",
                      (unsigned long long)(lost + recording->unread_pages));
    }
    if (result == 0 && recording->profile->timer_count == 0) {
        result = note(recording->outcome, "'%s' has no timers: no sample has one", recording->request->argv[0]);
    }
    return result;
}

static uint32_t timer_number(void *data, uint32_t page, uint32_t index)
{
    const struct recording *recording = data;
    const struct page *in = page < recording->set.max ? &recording->pages[page] : NULL;
    return in != NULL && index < in->count ? in->numbers[index] : TARE_PROFILE_NONE;
}

static uint64_t poll_samples(void *data)
{
    struct recording *recording = data;
    uint32_t waiting = tare_samples_waiting(&recording->reader);
    drain(recording, false);
    if (recording->pages != NULL && tare__monotonic_ns() >= recording->pages_ns) {
        read_ended_pages(recording);
        recording->pages_ns = tare__monotonic_ns() + PAGES_NS;
    }
    return waiting > TARE_SAMPLES_SLOTS / 4 ? POLL_BUSY_NS : POLL_NS;
}

/*
 * Those who write to us, and still run. What a pid in a record says is only believed of a process that maps the
 * ring.
 */
static unsigned signal_processes(struct recording *recording, int signal)
{
    unsigned reached = 0;
    uint32_t pid;
    for (size_t i = 0; (pid = tare_raw_stacks_pid(recording->stacks, i)) != 0; i++) {
        if ((pid_t)pid <= 1 || (pid_t)pid == getpid()) {
            continue; /* we map it, too */
        }
        int process = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0); /* names one process for good */
        if (process >= 0 && !tare_process_ended((pid_t)pid) &&
            tare_process_maps((pid_t)pid, recording->reader.fd, TARE_MAPS_ANYWHERE)) {
            reached += signal == 0 || syscall(SYS_pidfd_send_signal, process, signal, NULL, 0) == 0;
        }
        if (process >= 0) {
            close(process);
        }
    }
    return reached;
}

static unsigned stop_children(void *data, int signal)
{
    return signal_processes(data, signal);
}

/* The environment of the program: allocated strings, which the caller frees. -ENOMEM, -E2BIG. */
static int make_variables(const struct recording *recording, char *set[VARIABLES_MAX + 1])
{
    const struct tare_profiling_request *request = recording->request;
    char address[TARE_SET_ADDRESS > TARE_SAMPLES_ADDRESS ? TARE_SET_ADDRESS : TARE_SAMPLES_ADDRESS];
    const char *before = getenv("LD_PRELOAD");
    size_t at = 0;
    for (; request->environment != NULL && request->environment[at] != NULL; at++) {
        if (at >= VARIABLES_MAX - 8) {
            return -E2BIG;
        }
        set[at] = strdup(request->environment[at]);
        if (set[at] == NULL) {
            return -ENOMEM;
        }
        if (strncmp(set[at], "LD_PRELOAD=", 11) == 0) {
            before = request->environment[at] + 11;
            free(set[at--]);
        }
    }
    bool any = before != NULL && *before != '\0';
    tare_samples_address(&recording->reader, address);
    bool fine =
        asprintf(&set[at++], TARE_SAMPLES_VARIABLE "=%s", address) >= 0 &&
        asprintf(&set[at++], "LD_PRELOAD=%s%s%s", request->library, any ? ":" : "", any ? before : "") >= 0;
    if (recording->pages != NULL && fine) {
        tare_page_set_address(&recording->set, address);
        fine = asprintf(&set[at++], "TARE_PAGE=%s", address) >= 0 &&
               asprintf(&set[at++], "TARE_ENABLE=*") >= 0 && asprintf(&set[at++], "TARE_HISTOGRAM=off") >= 0;
    }
    return fine ? 0 : -ENOMEM;
}

/* Returns 0 or -errno with a line in `message`. */
static int run_program(struct recording *recording, char *message, size_t message_size)
{
    const struct tare_profiling_request *request = recording->request;
    char *path = NULL, *set[VARIABLES_MAX + 1] = {NULL};
    bool not_started = false;
    int result = tare_find_program(request->argv[0], &path);
    if (result != 0) {
        recording->outcome->not_started = true;
        snprintf(message, message_size, "cannot run '%s': %s", request->argv[0], strerror(-result));
        return result;
    }
    result = make_variables(recording, set);
    if (result != 0) {
        snprintf(message, message_size, "cannot make the environment of '%s': %s", request->argv[0],
                 strerror(-result));
        goto out;
    }
    const struct tare_spawn spawn = {
        .path = path,
        .argv = request->argv,
        .set = (const char *const *)set,
        .unset = recording->pages != NULL ? (const char *const[]){"TARE", NULL} : NULL,
        .pin_cpu = request->pin_cpu,
        .timeout_s = request->timeout_s,
        .quiet = request->quiet,
        .no_input = request->quiet,
        .poll = poll_samples,
        .stop = stop_children,
        .data = recording,
    };
    result = tare_spawn_run(&spawn, &recording->outcome->program, &not_started);
    recording->outcome->not_started = not_started;
    recording->outcome->interrupted = recording->outcome->program.interrupted != 0;
    if (result != 0) {
        bool interpreter = not_started && result == -ENOENT; /* the file itself was found */
        snprintf(message, message_size, "cannot run '%s': %s", request->argv[0],
                 interpreter ? "its interpreter was not found" : strerror(-result));
    }
out:
    for (size_t i = 0; i <= VARIABLES_MAX; i++) {
        free(set[i]);
    }
    free(path);
    return result;
}

/*
 * A process can write over all of the memory, and so over its counts. No program runs until there are 2^53 of
 * anything, which is also what a number in JSON can be.
 */
static uint64_t count_of(const struct recording *recording, const uint64_t *count)
{
    uint64_t value = __atomic_load_n(count, __ATOMIC_RELAXED);
    return value > UINT64_C(1) << 53 || tare_samples_damaged(&recording->reader) ? TARE_PROFILE_UNKNOWN : value;
}

/* 0: none, or not known. */
static uint64_t known_count_of(const struct recording *recording, const uint64_t *count)
{
    uint64_t value = count_of(recording, count);
    return value != TARE_PROFILE_UNKNOWN ? value : 0;
}

static bool is_damaged(const struct recording *recording)
{
    const struct tare_samples *shared = recording->reader.shared;
    const uint64_t *const counts[] = {
        &shared->lost,          &shared->missed_threads, &shared->missed_expirations,
        &shared->signal_taken,  &shared->broken,         &shared->sandboxed,
        &shared->cut_unwinding, &shared->lost_weight,    &shared->lost_records};
    bool damaged = tare_samples_damaged(&recording->reader);
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        damaged = damaged || count_of(recording, counts[i]) == TARE_PROFILE_UNKNOWN;
    }
    return damaged;
}

static uint64_t missed_expirations(const struct recording *recording)
{
    return known_count_of(recording, &recording->reader.shared->missed_expirations);
}

/*
 * Whether more than one thread has ended with time in no sample. Threads without samples are not known; one alone
 * leaves what it does in a tick, and intervals are as short as half of what was asked for.
 */
static bool missed_several(const struct recording *recording)
{
    double of_one = 1 + 2 * TICK_NS / (double)recording->interval_ns;
    return recording->profile->process_count > 1 || recording->profile->thread_count > 1 ||
           (double)missed_expirations(recording) > of_one;
}

static bool missed_few(const struct recording *recording)
{
    const struct tare_profile *profile = recording->profile;
    return missed_expirations(recording) < MISSED_FEW && profile->process_count < MISSED_FEW &&
           profile->thread_count < MISSED_FEW;
}

/* Of the time that threads took, what is in no sample: those that were gone before the kernel's tick. */
static double missed_share(const struct recording *recording)
{
    uint64_t missed = missed_expirations(recording);
    uint64_t lost = known_count_of(recording, &recording->reader.shared->lost_weight);
    double missed_ns = (double)missed * (double)recording->interval_ns;
    double seen_ns = (double)lost * (double)recording->interval_ns;
    for (size_t i = 0; i < recording->profile->sample_count; i++) {
        seen_ns += (double)recording->profile->samples[i].weight;
    }
    return missed != 0 ? missed_ns / (missed_ns + seen_ns) : 0;
}

/* What was lost and missed, in figures and in words. Returns 0 or -ENOMEM. */
static int tell(struct recording *recording)
{
    const struct tare_samples *shared = recording->reader.shared;
    struct tare_profiling_outcome *outcome = recording->outcome;
    struct tare_profile *profile = recording->profile;
    uint64_t taken = known_count_of(recording, &shared->signal_taken);
    uint64_t broken = known_count_of(recording, &shared->broken);
    uint64_t lost = known_count_of(recording, &shared->lost_records);
    profile->lost = count_of(recording, &shared->lost);
    profile->lost += profile->lost != TARE_PROFILE_UNKNOWN ? recording->reader.torn : 0;
    profile->threads_missed = count_of(recording, &shared->missed_threads);
    int result = 0;
    if (taken != 0) {
        result =
            note(outcome,
                 "%llu process%s took the sampler's signal for %s own use: there are no samples of %s since",
                 (unsigned long long)taken, taken == 1 ? "" : "es", taken == 1 ? "its" : "their",
                 taken == 1 ? "it" : "them");
    }
    uint64_t sandboxed = known_count_of(recording, &shared->sandboxed);
    if (sandboxed != 0 && result == 0) {
        result =
            note(outcome, "%llu process%s entered a sandbox (seccomp): there are no samples of %s since",
                 (unsigned long long)sandboxed, sandboxed == 1 ? "" : "es", sandboxed == 1 ? "it" : "them");
    }
    for (size_t i = 0; i < recording->reason_count && result == 0; i++) {
        result = note(outcome, "sampling could not start in a process: %s", recording->reasons[i]);
    }
    if (broken != 0 && recording->reason_count == 0 && result == 0) {
        result = note(outcome, "sampling could not start in %llu process%s", (unsigned long long)broken,
                      broken == 1 ? "" : "es");
    }
    double missed = missed_share(recording);
    if (missed >= MISSED_TOLD && !missed_few(recording) && result == 0) {
        bool several = missed_several(recording), none = recording->profile->sample_count == 0;
        result = note(outcome, "%.0f %% of the processor time is in no sample: it is %s%s", 100 * missed,
                      several ? "that of threads and processes which were too short for the kernel's tick"
                              : "what a thread did behind the kernel's last tick in it",
                      none && several ? ", or which block all signals without libc"
                      : none          ? ", or with all signals blocked without libc"
                                      : "");
    }
    if (lost != 0 && result == 0) {
        result =
            note(outcome,
                 "%llu record%s of processes, threads and libraries %s lost, as 'tare profile' did not get to "
                 "read in time: names may be missing",
                 (unsigned long long)lost, lost == 1 ? "" : "s", lost == 1 ? "was" : "were");
    }
    if (recording->still_running != 0 && result == 0) {
        result = note(outcome, "%zu of the processes still run%s: no more samples are taken there",
                      recording->still_running, recording->still_running == 1 ? "s" : "");
    }
    if (is_damaged(recording) && result == 0) {
        result = note(outcome, "a process has written over the memory of the samples: %s",
                      tare_samples_damaged(&recording->reader) ? "there are none since"
                                                               : "what was lost is not known");
    }
    if (tare_raw_stacks_pid(recording->stacks, 0) == 0 && result == 0) {
        result = note(outcome, "libtare-profile.so was not loaded into '%s', or it ended before that",
                      recording->request->argv[0]);
    }
    return result;
}

static bool is_stopped(void *data)
{
    const struct recording *recording = data;
    return recording->request->stopped != NULL && recording->request->stopped();
}

/* Names everything, and fills the profile. Returns 0 or -ENOMEM. */
static int finish(struct recording *recording, uint64_t start_ns)
{
    struct tare_symbols *symbols = tare_symbols_new(NULL);
    uint64_t unnamed = 0;
    const struct tare_raw_finish how = {
        .start_ns = start_ns,
        .interval_ns = recording->interval_ns,
        .timer = recording->pages != NULL ? timer_number : NULL,
        .stopped = is_stopped,
        .unnamed = &unnamed,
        .data = recording,
    };
    int result = symbols == NULL ? -ENOMEM : recording->failure;
    if (result == 0 && recording->pages != NULL) {
        result = read_all_pages(recording);
    }
    if (result == 0) {
        result = tare_raw_stacks_finish(recording->stacks, &how, symbols, recording->profile);
    }
    if (result == 0) {
        tare_profile_sort(recording->profile);
        result = tell(recording);
    }
    if (result == 0 && unnamed != 0) {
        result =
            note(recording->outcome, "interrupted while functions were looked up: %llu addresses have no name",
                 (unsigned long long)unnamed);
    }
    tare_symbols_free(symbols);
    return result;
}

/* What the choice and the request say of the profile. Returns 0 or -ENOMEM. */
static int describe(struct tare_profile *profile, const struct tare_profiling_request *request,
                    const struct tare_profiling_choice *choice, double hz)
{
    profile->mode = strdup("built-in");
    profile->reason = choice->reason != NULL ? strdup(choice->reason) : NULL;
    profile->event = strdup(request->off_cpu ? "wall-clock" : "cpu-clock");
    profile->unit = strdup("ns");
    profile->frequency_hz = hz;
    profile->by_timer = request->by_timer;
    bool fine = profile->mode != NULL && profile->event != NULL && profile->unit != NULL &&
                (choice->reason == NULL || profile->reason != NULL);
    return fine ? 0 : -ENOMEM;
}

static int begin(struct recording *recording, const struct tare_profiling_choice *choice, char *message,
                 size_t message_size)
{
    const struct tare_profiling_request *request = recording->request;
    double hz = request->frequency_hz > 0 ? request->frequency_hz : TARE_PROFILING_HZ;
    uint32_t flags =
        (request->off_cpu ? TARE_SAMPLES_WALL : 0) | (request->by_timer ? TARE_SAMPLES_BY_TIMER : 0);
    recording->stacks = tare_raw_stacks_new();
    recording->profile = tare_profile_new();
    int result = recording->stacks == NULL || recording->profile == NULL
                     ? -ENOMEM
                     : describe(recording->profile, request, choice, hz);
    if (result == 0) {
        recording->interval_ns = (uint64_t)llround(1e9 / hz);
        result = tare_samples_make(&recording->reader, flags, recording->interval_ns);
    }
    if (result == 0 && request->by_timer) {
        result = tare_page_set_make(&recording->set, 0, 0);
        recording->pages = result == 0 ? calloc(recording->set.max, sizeof(*recording->pages)) : NULL;
        result = result == 0 && recording->pages == NULL ? -ENOMEM : result;
    }
    if (result != 0) {
        snprintf(message, message_size, "cannot make the memory for samples: %s%s", strerror(-result),
                 result == -EFBIG ? " (see 'ulimit -f': it is not for us to lift)" : "");
    }
    return result;
}

static void end(struct recording *recording)
{
    for (uint64_t i = 0; recording->pages != NULL && i < recording->set.max; i++) {
        free(recording->pages[i].numbers);
    }
    free(recording->pages);
    for (size_t i = 0; i < recording->reason_count; i++) {
        free(recording->reasons[i]);
    }
    tare_page_set_close(&recording->set);
    tare_raw_stacks_free(recording->stacks);
    tare_profile_free(recording->profile);
    tare_samples_close(&recording->reader);
}

int tare_built_in_record(const struct tare_profiling_request *request,
                         const struct tare_profiling_choice *choice, struct tare_profile **profile,
                         struct tare_profiling_outcome *outcome, char *message, size_t message_size)
{
    *profile = NULL;
    *outcome = (struct tare_profiling_outcome){0};
    if (request->argv == NULL || request->library == NULL) {
        snprintf(message, message_size, "%s",
                 request->argv == NULL ? "a process that runs already cannot be sampled without perf: start it "
                                         "with 'tare profile', or use --mode fp or dwarf"
                                       : "this tare has no libtare-profile.so: use --mode fp or dwarf");
        return -ENOTSUP;
    }
    struct recording recording = {
        .request = request, .reader = {.fd = -1}, .set = {.fd = -1}, .outcome = outcome};
    int result = begin(&recording, choice, message, message_size);
    uint64_t start_ns = tare__monotonic_ns();
    if (result == 0) {
        result = run_program(&recording, message, message_size);
    }
    if (result == 0) {
        tare_samples_stop(&recording.reader);
        drain(&recording, false); /* who has just begun is in there */
        recording.still_running = signal_processes(&recording, 0);
        if (recording.still_running != 0) { /* who is just writing may come to its end */
            nanosleep(&(struct timespec){0, LAST_NS}, NULL);
        }
        drain(&recording, true);
        recording.profile->wall_ns = outcome->program.wall_ns;
        result = request->time_only ? recording.failure : finish(&recording, start_ns);
        if (result != 0) {
            snprintf(message, message_size, "out of memory");
        }
    }
    if (result == 0) {
        *profile = recording.profile;
        recording.profile = NULL;
    }
    end(&recording);
    return result;
}
