/* SPDX-License-Identifier: MIT */
/*
 * `tare record -- PROGRAM`. The program and its children find a set of pages in TARE_PAGE, as those of `tare run`
 * do, so that nothing is lost of one that ends before it was looked at: its page is there still, and what it says
 * is one sample. A process that runs is watched as any other is, by its number. Samples are due at fixed times from
 * the first page on.
 */
#include "cli/record.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "cli/start.h"
#include "record/monotonic.h"
#include "record/reader.h"
#include "record/set.h"
#include "record/spawn.h"
#include "result/telemetry_page.h"

/* How long until the next look for the first page: at first often, as it is made soon or never. */
static const uint64_t LOOK_NS = 1000000, LATER_LOOK_NS = 20000000, SOON_NS = 2000000000;

/* Ids of processes and instruments are those of the one that watches, behind its own number. */
enum { PROCESS_BITS = 20, INDEX_BITS = 20, WATCHED_MOST = 1 << 23 };

enum page_state { PAGE_NEW, PAGE_WATCHED, PAGE_DONE };

struct page {
    uint8_t state; /* enum page_state */
    bool trouble;  /* it could not be read once; counted in the program's `troubled` */
    bool lacking;  /* while PAGE_NEW: what it says is not in the capture, and would be if it could be read */
};

/* A process of the set that is watched while it runs. */
struct watched {
    uint64_t number; /* of all that were, from 1 */
    pid_t pid;
    uint64_t page;
    struct tare_live *live;
    const struct tare_telemetry *snapshot; /* of this sample */
    bool fresh;                            /* it was read when this sample began to watch it */
    bool over;                             /* this sample is its last one */
};

struct program {
    struct record *record;
    const struct tare_outcome *outcome;
    struct tare_page_set set;
    struct page *pages; /* of the set */
    uint64_t done_below, looked_below;
    struct watched *watched;
    size_t watched_count;
    uint64_t watched_ever;
    struct tare_telemetry *lasts; /* of processes that ended unwatched, in this sample */
    size_t last_count;
    uint64_t begun_ns, start_ns, tick; /* the program; the first sample; the sample that was due last */
    bool sampled;                      /* there is a first one */
    bool over;                         /* nothing more is recorded */
    bool written, failed;
    uint64_t unreadable,
        troubled; /* pages of ended processes; processes of which one was said to be unreadable */
    char message[256];
    const sigset_t
        *held;        /* signals are held back, and this is to be the mask then; NULL: they are not any more */
    int late;         /* one that came meanwhile; 0: none */
    pthread_t writer; /* while `writing` */
    bool writing, writer_failed;
    const char *writer_note;
};

static bool out_of_memory(struct program *program)
{
    error("out of memory");
    program->failed = program->over = true;
    return false;
}

static void *grow(void *list, size_t count, size_t size)
{
    return (count & (count - 1)) == 0 ? reallocarray(list, count != 0 ? 2 * count : 1, size) : list;
}

/* Of the first process in trouble the reason is said; the others are counted, however often each of them is. */
static void complain(struct program *program, uint64_t page, const char *message)
{
    if (message[0] != '\0' && !program->pages[page].trouble) {
        program->pages[page].trouble = true;
        if (program->troubled++ == 0) {
            warning("%s", message);
        }
    }
}

/* ---- pages ---- */

static struct watched *watched_of(const struct program *program, pid_t pid)
{
    for (size_t i = 0; i < program->watched_count; i++) {
        if (program->watched[i].pid == pid) {
            return &program->watched[i];
        }
    }
    return NULL;
}

/* Begins to watch a process that has claimed a page; not if the page is still being made. False after an error. */
static bool watch(struct program *program, pid_t pid, uint64_t page)
{
    const struct tare_live_options options = {
        .pids = &pid,
        .pid_count = 1,
        .window_ns = program->record->window_s * 1e9,
        .histograms = true,
        .stays = true,
        .keep_ended = true,
    };
    const struct tare_telemetry *snapshot;
    char message[256] = "";
    struct tare_live *live = tare_live_new(&options);
    struct watched *grown =
        live != NULL ? grow(program->watched, program->watched_count, sizeof(*grown)) : NULL;
    if (grown == NULL) {
        tare_live_free(live);
        return out_of_memory(program);
    }
    program->watched = grown;
    if (tare_live_poll(live, &snapshot, message, sizeof(message)) != 0 || snapshot->process_count == 0) {
        complain(program, page, message);
        program->pages[page].lacking |= message[0] != '\0';
        tare_live_free(live);
        return true;
    }
    program->watched[program->watched_count++] = (struct watched){
        .number = ++program->watched_ever,
        .pid = pid,
        .page = page,
        .live = live,
        .snapshot = snapshot,
        .fresh = true,
    };
    program->pages[page].state = PAGE_WATCHED;
    return true;
}

/* Whether one of the processes is what the page says, too. */
static bool is_among(const struct tare_telemetry *snapshot, const struct tare_process_figures *process)
{
    for (size_t i = 0; snapshot != NULL && i < snapshot->process_count; i++) {
        const struct tare_process_figures *other = &snapshot->processes[i];
        if (strcmp(other->executable, process->executable) == 0 &&
            strcmp(other->command, process->command) == 0) {
            return true;
        }
    }
    return false;
}

/*
 * What a page says that nobody watches any more: it is recorded, unless it is what `snapshot` (or NULL) has, or its
 * process, which has called exec, still runs. The memory of a page whose process has ended is given back. False
 * after an error.
 */
static bool take_last(struct program *program, uint64_t page, pid_t pid, const struct tare_telemetry *snapshot)
{
    const struct tare_page_source source = tare_page_set_source(&program->set, page);
    struct tare_page_view view = {0};
    struct tare_telemetry last;
    char message[sizeof(program->message)] = "";
    bool ended = tare_page_set_ended(&program->set, page), known = false;
    int failure =
        tare_page_read(&source, TARE_READ_HISTOGRAMS | TARE_READ_STAYS, &view, message, sizeof(message));
    if (failure == 0) {
        pid = pid != 0 ? pid : (pid_t)view.header.pid;
        failure = tare_telemetry_of_page(&view, ++program->watched_ever << PROCESS_BITS, pid, &last);
        struct tare_telemetry *grown =
            failure == 0 ? grow(program->lasts, program->last_count, sizeof(*grown)) : NULL;
        if (failure == 0 && grown == NULL) {
            failure = -ENOMEM;
            tare_telemetry_release(&last);
        } else if (failure == 0) {
            program->lasts = grown;
            known = is_among(snapshot, &last.processes[0]);
            if (known || !ended) {
                tare_telemetry_release(&last);
            } else {
                program->lasts[program->last_count++] = last;
            }
        }
    } else if (failure != -ENOMEM && failure != -EAGAIN && program->unreadable++ == 0) {
        memcpy(program->message, message, sizeof(message));
    }
    tare_page_view_release(&view);
    program->pages[page].state = known || ended ? PAGE_DONE : PAGE_NEW;
    program->pages[page].lacking = !known && !ended;
    if (ended) {
        tare_page_set_discard(&program->set, page);
    }
    return failure != -ENOMEM || out_of_memory(program);
}

/* Pages that were claimed since the last look, and those whose processes have ended since. */
static bool look_at_pages(struct program *program)
{
    uint64_t lost, count = tare_page_set_count(&program->set, &lost);
    for (uint64_t i = program->done_below; i < count; i++) {
        if (program->pages[i].state == PAGE_NEW) {
            pid_t pid = tare_page_set_live_pid(&program->set, i);
            if (pid != 0 && watched_of(program, pid) != NULL) {
                program->pages[i].state = PAGE_WATCHED; /* it has called exec, or has two of them */
            } else if (pid != 0 && program->watched_ever < WATCHED_MOST && !watch(program, pid, i)) {
                return false;
            }
        }
        if (program->pages[i].state == PAGE_NEW && tare_page_set_ended(&program->set, i) &&
            !take_last(program, i, 0, NULL)) {
            return false;
        }
    }
    program->looked_below = count;
    while (program->done_below < count && program->pages[program->done_below].state == PAGE_DONE) {
        program->done_below++;
    }
    return true;
}

/*
 * A process has ended, or called exec, and its last figures are in its snapshot, but for pages that were there too
 * short a time.
 */
static bool finish_pages(struct program *program, const struct watched *watched)
{
    uint64_t lost, count = tare_page_set_count(&program->set, &lost);
    for (uint64_t i = program->done_below; i < count; i++) {
        if (program->pages[i].state == PAGE_WATCHED) {
            struct tare_page_source source = tare_page_set_source(&program->set, i);
            struct tare_page header;
            if (pread(source.fd, &header, sizeof(header), (off_t)source.offset) == (ssize_t)sizeof(header) &&
                header.pid == (uint32_t)watched->pid &&
                !take_last(program, i, watched->pid, watched->snapshot)) {
                return false;
            }
        }
    }
    return true;
}

/* ---- samples ---- */

static bool any_alive(const struct tare_telemetry *snapshot)
{
    for (size_t i = 0; i < snapshot->process_count; i++) {
        if (snapshot->processes[i].alive) {
            return true;
        }
    }
    return false;
}

/* Reads all that are watched. False after an error. */
static bool poll_watched(struct program *program)
{
    for (size_t i = 0; i < program->watched_count; i++) {
        struct watched *watched = &program->watched[i];
        char message[256] = "";
        int failure = watched->fresh
                          ? 0 /* two readings at once would make a window of nothing */
                          : tare_live_poll(watched->live, &watched->snapshot, message, sizeof(message));
        watched->fresh = false;
        if (failure == -ENOMEM) {
            return out_of_memory(program);
        }
        complain(program, watched->page, message);
        watched->snapshot = failure == 0 ? watched->snapshot : NULL;
        watched->over = failure == 0 && !any_alive(watched->snapshot);
        if (watched->over && !finish_pages(program, watched)) {
            return false;
        }
    }
    return true;
}

/* Copies of what the snapshots have, with ids that differ from watched to watched. */
struct merged {
    struct tare_telemetry telemetry;
    struct tare_instrument_figures **instruments; /* of each process, to be freed; NULL: the snapshot's own */
};

static bool merge(struct merged *merged, const struct tare_telemetry *from, uint64_t number)
{
    struct tare_telemetry *to = &merged->telemetry;
    for (size_t i = 0; i < from->process_count; i++) {
        struct tare_process_figures *process = &to->processes[to->process_count];
        *process = from->processes[i];
        if (number != 0) {
            size_t count = process->instrument_count;
            struct tare_instrument_figures *copies = malloc((count + 1) * sizeof(*copies));
            if (copies == NULL) {
                return false;
            }
            process->id = number << PROCESS_BITS | (process->id & ((1u << PROCESS_BITS) - 1));
            for (size_t k = 0; k < count; k++) {
                copies[k] = process->instruments[k];
                copies[k].id = process->id << INDEX_BITS | (copies[k].id & ((1u << INDEX_BITS) - 1));
            }
            merged->instruments[to->process_count] = process->instruments = copies;
        }
        to->process_count++;
    }
    to->window_ns = fmax(to->window_ns, from->window_ns); /* of two, the one that is a number */
    return true;
}

static double clock_ns(clockid_t clock)
{
    struct timespec time;
    return clock_gettime(clock, &time) == 0 ? (double)time.tv_sec * 1e9 + (double)time.tv_nsec : NAN;
}

static bool add_sample(struct program *program, double unix_ns, double monotonic_ns)
{
    size_t count = program->last_count;
    for (size_t i = 0; i < program->watched_count; i++) {
        count += program->watched[i].snapshot != NULL ? program->watched[i].snapshot->process_count : 0;
    }
    struct merged merged = {
        .telemetry = {.unix_ns = unix_ns,
                      .monotonic_ns = monotonic_ns,
                      .window_ns = NAN,
                      .processes = calloc(count + 1, sizeof(*merged.telemetry.processes))},
        .instruments = calloc(count + 1, sizeof(*merged.instruments)),
    };
    bool room = merged.telemetry.processes != NULL && merged.instruments != NULL;
    for (size_t i = 0; i < program->watched_count && room; i++) {
        const struct watched *watched = &program->watched[i];
        room = watched->snapshot == NULL || merge(&merged, watched->snapshot, watched->number);
    }
    for (size_t i = 0; i < program->last_count && room; i++) {
        room = merge(&merged, &program->lasts[i], 0);
    }
    merged.telemetry.reading_ns = clock_ns(CLOCK_MONOTONIC) - monotonic_ns;
    bool fine = room ? record_add(program->record, &merged.telemetry) : out_of_memory(program);
    for (size_t i = 0; i < count && merged.instruments != NULL; i++) {
        free(merged.instruments[i]);
    }
    free(merged.instruments);
    free(merged.telemetry.processes);
    program->failed |= !fine;
    return fine;
}

static void forget_ended(struct program *program)
{
    size_t kept = 0;
    for (size_t i = 0; i < program->watched_count; i++) {
        if (program->watched[i].over) {
            tare_live_free(program->watched[i].live);
        } else {
            program->watched[kept++] = program->watched[i];
        }
    }
    program->watched_count = kept;
    for (size_t i = 0; i < program->last_count; i++) {
        tare_telemetry_release(&program->lasts[i]);
    }
    program->last_count = 0;
}

/* A sample, if there is anybody to take one of, or was. False after an error was printed. */
static bool take(struct program *program)
{
    double unix_ns = clock_ns(CLOCK_REALTIME), monotonic_ns = clock_ns(CLOCK_MONOTONIC);
    if (!look_at_pages(program) || !poll_watched(program)) {
        return false;
    }
    if (program->watched_count == 0 && program->last_count == 0 && !program->sampled) {
        return true;
    }
    if (!program->sampled) {
        program->sampled = true;
        program->start_ns = tare__monotonic_ns();
    }
    bool fine = add_sample(program, unix_ns, monotonic_ns);
    forget_ended(program);
    return fine;
}

static bool any_meant(const struct record *record)
{
    for (size_t p = 0; p < record->capture->process_count; p++) {
        const struct tare_capture_process *process = &record->capture->processes[p];
        for (size_t i = 0; i < process->instrument_count; i++) {
            if (record_is_meant(record->enable, process->instruments[i].module, process->instruments[i].name)) {
                return true;
            }
        }
    }
    return false;
}

/* Whether what was recorded is worth writing. False after an error was printed. */
static bool is_what_was_meant(struct program *program)
{
    const struct record *record = program->record;
    bool meant = record->enable == NULL || any_meant(record);
    if (!meant) {
        error("no instrument matches '%s': without --enable, all are recorded", record->enable);
        program->over = program->failed = true;
    }
    return meant;
}

/* Pages whose processes run, or may, and of which the capture has nothing. */
static uint64_t count_lacking(const struct program *program)
{
    uint64_t lacking = 0;
    for (uint64_t i = program->done_below; i < program->looked_below; i++) {
        const struct page *page = &program->pages[i];
        if (page->state != PAGE_NEW) {
            continue;
        }
        struct tare_page_source source = tare_page_set_source(&program->set, i);
        struct tare_page header;
        bool made =
            pread(source.fd, &header, sizeof(header), (off_t)source.offset) == (ssize_t)sizeof(header) &&
            header.pid != 0 && header.state != TARE_PAGE_BUILDING;
        /* Of one in another pid namespace it cannot be known whether it has ended. */
        lacking += made && (page->lacking || (tare_page_set_live_pid(&program->set, i) == 0 &&
                                              !tare_page_set_ended(&program->set, i)));
    }
    return lacking;
}

/* What the capture lacks, and what went wrong meanwhile: each in a line here, the first in a note of the capture, too. */
static void tell_lacks(struct program *program)
{
    struct record *record = program->record;
    uint64_t lost, unread = program->unreadable + count_lacking(program);
    tare_page_set_count(&program->set, &lost);
    if (lost != 0) {
        snprintf(record->lacks[0], sizeof(record->lacks[0]),
                 "%llu process%s found none of the %llu pages free, and %s not in this capture",
                 (unsigned long long)lost, lost == 1 ? "" : "es", (unsigned long long)program->set.max,
                 lost == 1 ? "is" : "are");
        warning("%s", record->lacks[0]);
    }
    if (unread != 0) {
        snprintf(record->lacks[1], sizeof(record->lacks[1]),
                 "%llu process%s could not be read, and %s not in this capture%s%s", (unsigned long long)unread,
                 unread == 1 ? "" : "es", unread == 1 ? "is" : "are", program->message[0] != '\0' ? ": " : "",
                 program->message);
        warning("%s", record->lacks[1]);
    }
    if (program->troubled > 1) {
        warning("%llu more process%s could not be read at times", (unsigned long long)program->troubled - 1,
                program->troubled == 2 ? "" : "es");
    }
}

/* Nothing is watched any more, and files that were open for that may be needed for writing. */
static void forget_watched(struct program *program)
{
    for (size_t i = 0; i < program->watched_count; i++) {
        program->watched[i].over = true;
    }
    forget_ended(program);
}

static void *write_aside(void *data)
{
    struct program *program = data;
    prctl(PR_SET_NAME, "tare-write"); /* for who looks what we are at */
    program->writer_failed = !record_write(program->record, program->writer_note);
    return NULL;
}

/* With as much stack as the main thread has elsewhere: some C libraries give a thread little. */
static bool start_writer(struct program *program)
{
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) == 0) {
        pthread_attr_setstacksize(&attributes, (size_t)8 << 20);
        program->writing = pthread_create(&program->writer, &attributes, write_aside, program) == 0;
        pthread_attr_destroy(&attributes);
    }
    return program->writing;
}

static void join_writer(struct program *program)
{
    if (program->writing) {
        pthread_join(program->writer, NULL);
        program->writing = false;
        program->failed |= program->writer_failed;
    }
}

/*
 * The recording is over: the capture is written, whatever the program does. While it runs on, a thread does that, as
 * signals have to be passed on and --timeout heeded, and a disk may be slow, a pipe have no reader yet. The thread
 * has all these signals blocked, like us who start it. Until join_writer(), the record is its own.
 */
static void finish(struct program *program, const char *note, bool runs_on)
{
    program->over = program->written = true;
    forget_watched(program);
    program->writer_note = note;
    if (runs_on && start_writer(program)) {
        return;
    }
    program->failed |= !record_write(program->record, note);
}

/* From now on what is to end us does: the capture is about to be written, and who is to read it may not come. */
static void release_signals(struct program *program)
{
    if (program->held != NULL) {
        program->late = start_release_signals(program->held);
        program->held = NULL;
    }
}

/* Called while the program runs: takes the sample that is due. Returns in how many ns the next one is. */
static uint64_t look(void *data)
{
    struct program *program = data;
    struct record *record = program->record;
    uint64_t interval_ns = (uint64_t)llround(record->interval_s * 1e9), ticks = record_ticks(record);
    uint64_t now_ns = tare__monotonic_ns();
    program->begun_ns = program->begun_ns != 0 ? program->begun_ns : now_ns;
    if (program->over) {
        return SOON_NS;
    }
    if (!program->sampled) {
        program->over |= !take(program);
        if (!program->sampled) {
            return now_ns - program->begun_ns < SOON_NS ? LOOK_NS : LATER_LOOK_NS;
        }
    } else {
        uint64_t due = (now_ns - program->start_ns) / interval_ns;
        due = due < ticks ? due : ticks;
        if (due > program->tick) { /* of those that are due, the last one */
            tare_capture_missed(record->capture, due - program->tick - 1);
            program->tick = due;
            program->over |= !take(program);
        }
    }
    if (program->failed) {
        return SOON_NS;
    }
    bool full = tare_capture_is_full(record->capture);
    if (program->tick >= ticks || full) {
        if (full && record->for_s > 0) {
            record->capture->samples_dropped += ticks - program->tick; /* that would have come */
        }
        if (is_what_was_meant(program)) {
            tell_lacks(program);
            finish(program, "the program ran on", true);
        }
        return SOON_NS;
    }
    uint64_t next_ns = program->start_ns + (program->tick + 1) * interval_ns;
    now_ns = tare__monotonic_ns();
    return next_ns > now_ns ? next_ns - now_ns : 0;
}

/* It has ended, and nobody has its number yet. */
static void look_at_end(void *data)
{
    struct program *program = data;
    if (!program->over) {
        program->failed |= !take(program);
        program->over = true;
    }
}

static unsigned stop_children(void *data, int signal)
{
    struct program *program = data;
    uint64_t lost, count = tare_page_set_count(&program->set, &lost);
    unsigned reached = 0;
    for (uint64_t i = program->done_below; i < count; i++) {
        reached += program->pages[i].state != PAGE_DONE && tare_page_set_signal(&program->set, i, signal);
    }
    return reached;
}

/* ---- the program ---- */

/* How the program ended, if that is worth a note. */
static const char *note_of(const struct tare_outcome *outcome, double timeout_s, char *note, size_t size)
{
    if (outcome->end == TARE_END_SIGNALED) {
        snprintf(note, size, "the program was killed by signal %d (%s)", outcome->code,
                 strsignal(outcome->code));
    } else if (outcome->end == TARE_END_TIMEOUT) {
        snprintf(note, size, "the program was ended after %g s", timeout_s);
    } else {
        snprintf(note, size, "the program ended with exit code %d", outcome->code);
    }
    return note;
}

/* After writing: the program's, unless it says that all is well and a signal says that something is not. */
static int code_of(const struct program *program)
{
    int code = outcome_code(program->outcome);
    if (program->failed) {
        return EXIT_RUN_FAILURE;
    }
    return code == 0 && program->late != 0 ? EXIT_RUN_SIGNALED + program->late : code;
}

/* Processor time of a program that has ended, with all that it started; NAN if one of them still runs. */
static double cpu_ns(const struct program *program)
{
    const struct tare_capture *capture = program->record->capture;
    for (size_t i = 0; i < capture->process_count; i++) {
        if (capture->processes[i].alive) {
            return NAN;
        }
    }
    return program->outcome->user_ns + program->outcome->system_ns;
}

/* What is left to do when it has ended. Returns the exit code. */
static int conclude(struct program *program, const char *path)
{
    struct record *record = program->record;
    const struct tare_outcome *outcome = program->outcome;
    char note[128];
    int code = outcome_code(outcome);
    if (program->failed) {
        return EXIT_RUN_FAILURE;
    }
    if (program->written) {
        release_signals(program);
        join_writer(program);
        return code_of(program);
    }
    if (!program->sampled) {
        tell_lacks(program);
        start_explain_nothing(
            record->argv[0], path,
            &(struct start_nothing){.what = "instruments", .command = "record", .libc = record->libc});
        return code != 0 ? code : EXIT_RUN_FAILURE;
    }
    if (!is_what_was_meant(program)) {
        return EXIT_RUN_FAILURE;
    }
    tell_lacks(program);
    outcome_say(outcome, record->argv[0], record->timeout_s, "what was recorded until then");
    record->interrupted = outcome->interrupted != 0;
    record->cpu_ns = cpu_ns(program);
    release_signals(program);
    finish(program, note_of(outcome, record->timeout_s, note, sizeof(note)), false);
    return code_of(program);
}

static bool make_variables(const struct program *program, const char *preload, char *set[START_VARIABLES_MAX])
{
    const struct record *record = program->record;
    char address[TARE_SET_ADDRESS];
    tare_page_set_address(&program->set, address);
    return start_variables(
        &(struct start){
            .page = address,
            .enable = record->enable != NULL ? record->enable : "*",
            .clock = record->clock,
            .preload = preload,
            .no_histogram = record->no_histogram,
        },
        set);
}

static int run(struct program *program, const char *path, const char *preload)
{
    struct record *record = program->record;
    struct tare_outcome outcome = {0};
    char *set[START_VARIABLES_MAX] = {NULL};
    bool not_started = false;
    int code = EXIT_RUN_FAILURE;
    program->outcome = &outcome;
    program->pages = calloc(program->set.max, sizeof(*program->pages));
    if (program->pages == NULL || !record_make_capture(record) || !make_variables(program, preload, set)) {
        error("out of memory");
        goto out;
    }
    const struct tare_spawn spawn = {
        .path = path,
        .argv = record->argv,
        .set = (const char *const *)set,
        .unset = start_unset,
        .pin_cpu = record->pin,
        .timeout_s = record->timeout_s,
        .mask = program->held,
        .poll = look,
        .ending = look_at_end,
        .stop = stop_children,
        .data = program,
    };
    int failure = tare_spawn_run(&spawn, &outcome, &not_started);
    code = failure != 0 ? start_failed(record->argv[0], failure, not_started) : conclude(program, path);
out:
    release_signals(program);
    join_writer(program); /* still there if the program could not be waited for */
    forget_watched(program);
    free(program->watched);
    free(program->lasts);
    free(program->pages);
    tare_capture_free(record->capture);
    record->capture = NULL;
    start_variables_free(set);
    return code;
}

int record_program(struct record *record)
{
    struct program program = {.record = record};
    char *path = NULL, *preload = NULL;
    sigset_t mask;
    int code = start_find(record->argv[0], &path);
    if (code == 0) {
        if (record->clock == NULL) {
            start_check_clock_variable();
        }
        code = (record->pin >= 0 && !can_pin(record->pin)) ||
                       (record->libc && (!start_can_preload(path, "libc", "--libc") ||
                                         !start_add_preload(&preload, "libtare-libc.so", "--libc"))) ||
                       !start_make_pages(&program.set, 0)
                   ? EXIT_RUN_FAILURE
                   : 0;
        if (code == 0) {
            start_hold_signals(&mask);
            program.held = &mask;
            code = run(&program, path, preload);
            tare_page_set_close(&program.set);
        }
    }
    free(path);
    free(preload);
    return code;
}
