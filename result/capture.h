/* SPDX-License-Identifier: MIT */
/*
 * A capture: telemetry that was read again and again, kept as series. What `tare record` and the live page
 * write, as a result of kind "capture"; docs/captures.md describes it.
 *
 * Every instrument has a few columns, with a value for each sample; what there is depends on its kind. Frames
 * are kept one by one, with their start and duration: those that had left the ring of the program before anybody
 * looked are counted as missed.
 *
 * A capture is bounded: once it has as many samples, or takes as much memory, as its options say, samples are
 * dropped and counted. What it holds by then stays as it is. Where threads were may take half of that: then it is told
 * more coarsely, and if that does not do, no further, while samples go on.
 *
 * Not thread-safe for one capture; different captures are independent.
 */
#ifndef TARE_RESULT_CAPTURE_H
#define TARE_RESULT_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "result/model.h"
#include "result/telemetry.h"

#define TARE_CAPTURE_SAMPLES 100000            /* unless the options say otherwise */
#define TARE_CAPTURE_BYTES ((size_t)256 << 20) /* the same: in memory; as JSON it is up to 2.5 times as large */

struct tare_capture_options {
    double interval_ns; /* that is meant to be between samples; for the reader. 0: unknown */
    size_t max_samples; /* 0: TARE_CAPTURE_SAMPLES */
    size_t max_bytes;   /* 0: TARE_CAPTURE_BYTES */
    size_t max_keys;    /* of a top-k, as it was last; 0: 64 */
};

/* A value for each sample: a count, TARE_COUNT_UNKNOWN where it is unknown, or a number, NAN where it is. */
struct tare_capture_column {
    char *name;       /* "total", "per_s", "value", "p99_ns", "ns.idle" */
    char *unit;       /* "ns", "1/s", "bytes", ...; NULL: none */
    uint64_t *counts; /* one of the two is not NULL, unless there are no samples */
    double *numbers;
    bool is_count;
};

/* Columns of an instrument, of a process, or of a derived figure. */
struct tare_capture_series {
    struct tare_capture_column *columns;
    size_t column_count;
    size_t first; /* samples before are unknown, and not in the columns */
    size_t count; /* values in each column: of samples first to first + count - 1 */
};

/*
 * A thread in one state; or in several, where it changed so often between two samples that no more is known than how
 * often, and how long it was in each. Of a thread, one is behind the other, and what lies between them is a time in no
 * state, or one of which nothing is known.
 */
struct tare_capture_stay {
    uint32_t thread; /* among the process's */
    int state;       /* among the instrument's names; -1: several */
    double begin_ns,
        end_ns; /* since the capture's first sample; a stay may have begun before that. Of one state, the begin is
                    exact, and of several it is a sample's time, and the end exact */
    bool lasts; /* one state: it lasted at end_ns, and how much longer is unknown; else its end is exact */
    uint32_t several; /* several: which of the instrument's `several` tells more */
};

/* What is known of a time in which a thread was in several states. */
struct tare_capture_several {
    uint64_t changes; /* from the stay before it on, up to the one behind */
    uint64_t
        threads; /* that these are of: where there are more than one, they came one after the other, and the
                         stay's `thread` is the last of them */
    double ns[TARE_STATES_MAX]; /* that it was in each state; the rest of the time, in none */
};

struct tare_capture_instrument {
    uint64_t id; /* within the capture; not kept in the document */
    enum tare_kind kind;
    char *module, *name, *unit, *labels, *help, *file; /* as in struct tare_instrument_figures */
    uint32_t line;
    uint32_t generation; /* as it was last; not kept in the document */
    char **names;        /* of states, or of parts of frames; NULL-terminated, NULL if none */
    struct tare_capture_series series;
    struct tare_frame_figures *
        frames; /* by number, which goes on after a reset; start_ns: since the capture's first sample, may be < 0 */
    size_t frame_count;
    uint64_t frames_next, frames_base; /* private */
    uint64_t frames_missed;            /* ended while it was captured, and are not among these;
                                          TARE_COUNT_UNKNOWN: unknown */
    double slow_over_ns;               /* NAN: none counts as slow */
    struct tare_capture_stay *stays;   /* state: of one thread in the order of time */
    size_t stay_count;
    struct tare_capture_several *several; /* of those stays that are, in their order */
    size_t several_count;
    void *memory;                  /* private: what only a capture under way needs */
    struct tare_key_figures *keys; /* top-k, as it was last: heaviest first */
    size_t key_count;
    bool unknown_count, unknown_sum; /* private: a counter's or a sum's value was once, which a note says */
    uint64_t voids;                  /* times that what it counted was reset: totals begin anew there */
};

struct tare_capture_derived {
    char *name, *unit, *help;
    struct tare_capture_series series; /* "total", "rolling" */
};

struct tare_capture_thread {
    uint32_t tid;
    char *name;
    bool ended;
};

struct tare_capture_process {
    uint64_t id; /* not kept in the document */
    uint32_t pid;
    double origin_ns; /* what times of its frames count from, since the first sample: mostly below 0 */
    char *name, *executable, *command, *started, *clock;
    bool alive;      /* when it was last read */
    size_t ended_at; /* private: the sample in which it had, behind which it has no values */
    /* As they were last; TARE_COUNT_UNKNOWN: unknown. */
    uint64_t lost_instruments, lost_threads, lost_scopes, dropped_scopes, lost_extras;
    struct tare_capture_thread *threads; /* all that were seen, up to 4,096 */
    size_t thread_count;
    uint64_t threads_left_out;         /* that were seen besides those; TARE_COUNT_UNKNOWN: unknown */
    struct tare_capture_series series; /* "cpu_total_ns", "cpu_share", "resident_bytes", "threads" (that have
                                          counted something), "process_threads" (all) */
    struct tare_capture_instrument *instruments;
    size_t instrument_count;
    struct tare_capture_derived *derived;
    size_t derived_count;
    void *memory; /* private: what only a capture under way needs */
};

struct tare_capture {
    double started_unix_ns; /* when the first sample was read, since 1970; NAN: there is none */
    double interval_ns;     /* that was asked for; NAN: unknown */
    double *at_ns;          /* of each sample, since the first one */
    double *window_ns;      /* of its rolling figures; NAN: it has none */
    size_t sample_count;
    uint64_t samples_dropped; /* for want of room */
    uint64_t samples_missed;  /* that were due, and came too late to be taken */
    /* Stays, and what samples said of threads, that there was no room for. */
    uint64_t stays_dropped;
    double
        stays_merged_ns; /* for want of room, stays that lie side by side in so much time were made one of several
                               states, but for the last ones; 0: none were */
    struct tare_capture_process *processes;
    size_t process_count;
    void *memory; /* private: what only a capture under way needs. NULL in one that was read */
};

/* NULL: no memory. `options` may be NULL. */
struct tare_capture *tare_capture_new(const struct tare_capture_options *options);
void tare_capture_free(struct tare_capture *capture); /* NULL is fine */

/*
 * One more sample. Returns 0, -ENOBUFS if it was dropped for want of room (and counted), or -ENOMEM: the sample is
 * then not among the capture's either, and what was there before is.
 */
int tare_capture_add(struct tare_capture *capture, const struct tare_telemetry *telemetry);

/* So many samples were due, and nobody came to take them. */
void tare_capture_missed(struct tare_capture *capture, uint64_t samples);

/* Whether the next one will be dropped. */
bool tare_capture_is_full(const struct tare_capture *capture);

/*
 * A result of kind "capture" that owns the capture from now on, with the environment of this machine. NULL: no
 * memory; the capture then is still the caller's.
 */
struct tare_result *tare_capture_result(struct tare_capture *capture);

/* The same document as JSON, while the capture goes on. malloc'ed, `*size` bytes; NULL: no memory. */
char *tare_capture_json(const struct tare_capture *capture, size_t *size);

/*
 * What it holds now, as a capture of its own: to be read, also by another thread, while the first one goes on.
 * No samples can be added to it. NULL: no memory.
 */
struct tare_capture *tare_capture_copy(const struct tare_capture *capture);

/* The column of that name; NULL: there is none. Of several, as of two states of one name, number `at`. */
const struct tare_capture_column *tare_capture_column(const struct tare_capture_series *series,
                                                      const char *name);
const struct tare_capture_column *tare_capture_column_at(const struct tare_capture_series *series,
                                                         const char *name, size_t at);

/* Its value at a sample of the capture, counts as numbers, too; NAN where it is unknown, or `column` NULL. */
double tare_capture_value(const struct tare_capture_series *series, const struct tare_capture_column *column,
                          size_t sample);

#endif
