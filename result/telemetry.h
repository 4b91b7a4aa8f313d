/* SPDX-License-Identifier: MIT */
/*
 * Telemetry: what the instruments of live processes say, and what they did in the last window of time. The
 * plain data that every live view (tare top, tare serve, OpenMetrics, captures) shows.
 *
 * A process's instruments are read again and again. `total` figures are since its start, or the last reset;
 * `rolling` ones are differences of two such readings, some `window_ns` apart: the program never computes them.
 * Both always come together. Unknown figures are NAN, and TARE_COUNT_UNKNOWN among counts; they are never 0.
 *
 * Strings belong to the structure that they are in. No function here prints or waits.
 */
#ifndef TARE_RESULT_TELEMETRY_H
#define TARE_RESULT_TELEMETRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <tare/page.h>

#include "result/model.h"
#include "stats/frames.h"

#define TARE_LIVE_SCHEMA "tare-live"
#define TARE_LIVE_SCHEMA_VERSION 1

/* Values that were recorded: of a timer's calls in ns, of a histogram in its unit, of frames in ns. */
struct tare_distribution {
    uint64_t count;
    double sum, min,
        max; /* NAN if count is 0; min and max of a window are of buckets: see tare_distribution_of() */
    double mean;
    double p50, p90, p95, p99, p999;    /* NAN without a histogram */
    double p05;                         /* of rates, the slow tail */
    struct tare_result_bucket *buckets; /* ascending, low_ticks and width_ticks in raw values; NULL: none */
    size_t bucket_count;
    double scale; /* raw value x scale = value in the unit: ns per tick, or 1 */
};

struct tare_state_figures {
    char *name;
    uint64_t threads; /* in it, when it was read */
    double ns;        /* that threads spent in it */
    double share;     /* of the time in all states; NAN if that is 0 */
};

/*
 * In total, a key weighs at most `weight`, and at least weight - error. In a window it grew by at least
 * `weight`, and at most weight + error: the tables that keys are kept in tell no more of one that came into
 * them meanwhile.
 */
struct tare_key_figures {
    uint64_t key;
    uint64_t weight, error, hits;
    double share; /* weight by the weight of all keys */
};

struct tare_frame_figures {
    uint64_t number;
    double start_ns; /* since the page was made; of a forked child's, since its parent's was */
    double ns;
    bool slow;
    double part_ns[TARE_FRAME_PARTS_MAX]; /* NAN: unknown */
};

/*
 * The state that one thread is in, and what it did there before: struct tare_page_stay. Ticks are the page's, to be
 * compared and subtracted, and `tick_ns` is what one is worth.
 */
struct tare_stay_figures {
    size_t thread;                   /* among the process's thread_list */
    uint32_t block;                  /* that its slot is in, where the next thread goes on when it has ended */
    uint64_t threads;                /* that were in that block up to now, with this one */
    bool ended;                      /* the thread has: nobody has come after it yet */
    uint32_t generation, switched;   /* readings of which one differs say nothing of the time in between */
    bool known;                      /* false: nobody knows where the thread is, as where it was switched off */
    int state;                       /* number; -1: in none */
    uint64_t since_ticks;            /* when it was entered: the same in readings of one stay */
    double since_ns;                 /* the same, counted as frames are */
    uint64_t changes;                /* of the thread */
    uint64_t ticks[TARE_STATES_MAX]; /* in each state, without the stay that lasts */
};

/* What an instrument counted: in total, or in a window. */
struct tare_readings {
    bool known; /* false: nothing can be said: no second reading yet, a reset in between, or it is off */
    /* Counter; top-k: weight of all keys; timer: calls; frames: frames that ended. In a window: what came. */
    uint64_t total;
    double per_s;       /* windows only: `total` per second; histogram: count; state: changes */
    double value, peak; /* gauge; in a window: `value` is the difference, `peak` NAN */
    struct tare_distribution distribution;             /* timer (raw), histogram, frames */
    double net_total_ns, net_avg_ns, net_avg_error_ns; /* timer */
    double net_p50_ns, net_p95_ns, net_p99_ns;         /* timer: percentiles less the inner cost */
    double busy_share;   /* timer, windows only: net_total_ns / window, over all threads: may exceed 1 */
    double measuring_ns; /* timer: what its scopes took themselves; NAN: unknown */
    uint64_t bytes;      /* timer */
    struct tare_state_figures *states;
    size_t state_count;
    uint64_t changes;              /* state */
    struct tare_key_figures *keys; /* top-k, heaviest first. In a window: those that grew */
    size_t key_count;
    uint64_t hits, least_weight;          /* top-k */
    uint64_t frames_dropped, frames_slow; /* of all frames, as `total` is */
    uint64_t recent_slow;                 /* of those that `frames` is of */
    struct tare_frames
        frames; /* frames: the usual figures, of the last 4,096 of the ring at most: of all of those
                                  (total), or of those that ended in the window */
    double frame_part_mean_ns[TARE_FRAME_PARTS_MAX]; /* frames: of those that have the part; NAN: none has */
};

struct tare_instrument_figures {
    enum tare_kind kind;
    uint64_t id; /* the same as long as the process is watched; not of another instrument of the snapshot */
    char *module, *name, *unit, *labels, *help, *file; /* unit, labels, help: NULL if none. labels: "k=v,k=v" */
    uint32_t line;
    uint32_t generation; /* another one: what it counted before is void, it was reset */
    bool enabled, loaded;
    char **names; /* parts of frames, states, as they are declared; NULL-terminated, NULL if none */
    uint32_t size;
    struct tare_readings total, rolling;
    struct tare_frame_figures
        *last; /* frames: of the ring, oldest first: those that ended since the last window's
                                        begin are in the window */
    size_t last_count;
    struct tare_frame_figures *slow; /* frames: the last slow ones, oldest first */
    size_t slow_count;
    double slow_over_ns; /* frames: NAN: none counts as slow */
    /* State, if the live was told to: of each thread that there is, or was last in its block. */
    struct tare_stay_figures *stays;
    size_t stay_count;
    uint64_t stays_left_out; /* that are not among them, as there are too many */
    double
        stays_until_ns; /* when that was so, counted as since_ns is; NAN: unknown, as its process was killed, or
                              nobody asked */
    double tick_ns;     /* of stays */
};

/* A figure that follows from several instruments of a set (tare/jit.h and so on): a hit rate, MIPS. */
struct tare_derived {
    const char *name; /* "jit.cache.hit_rate"; static */
    const char *unit; /* "ratio", "ms/s", "1/s", "MIPS", ...; static */
    const char *help; /* how it is computed; static */
    double total, rolling;
    bool of_moment; /* `total` is what it is now, and `rolling`, where known, by how much it changed */
};

struct tare_process_figures {
    uint64_t id; /* as for instruments */
    pid_t pid;
    char *name; /* as it was started: tare_process_names_of() */
    char *executable, *command;
    char *started; /* RFC 3339, UTC; NULL: unknown */
    bool alive;
    double age_ns;        /* since its page was made; NAN: unknown */
    double origin_age_ns; /* since the moment that times of frames count from, by the page's clock, which no
                             setting of the time of day moves; 0: unknown, and then that is `age_ns` ago */
    double window_ns;     /* of its rolling figures: shorter than others' while it is new; NAN: none yet */
    double cpu_total_ns, cpu_share; /* of one processor, in the window; NAN: unknown */
    double measuring_share; /* of the processor time in the window, what timers took themselves; NAN: unknown */
    double resident_bytes;
    uint64_t
        threads; /* that have counted something, and run: a thread that only makes frames, or sets gauges, does
                         not */
    uint64_t process_threads; /* that it has; TARE_COUNT_UNKNOWN: unknown, as of one that has ended */
    uint64_t lost_instruments, lost_threads, lost_scopes, dropped_scopes, lost_extras;
    char *clock;          /* "tsc-ordered", ... */
    double clock_step_ns; /* the clock moves in steps of about so much; NAN: unknown */
    struct tare_result_thread {
        uint32_t tid;
        char name[17];
        bool ended;
    } * thread_list;
    size_t thread_list_count;
    struct tare_instrument_figures *instruments; /* timers, too, in the order of the directory */
    size_t instrument_count;
    struct tare_derived *derived;
    size_t derived_count;
};

struct tare_telemetry {
    double unix_ns;      /* when it was read: since 1970 */
    double monotonic_ns; /* the same on CLOCK_MONOTONIC */
    double window_ns;    /* of the rolling figures; NAN: this is the first reading */
    double reading_ns;   /* that it took to read */
    uint64_t number;     /* of the snapshot, from 0 */
    uint64_t shape;      /* changes when processes or instruments come or go, or are switched */
    struct tare_process_figures *processes; /* by pid */
    size_t process_count;
    size_t denied; /* processes that we may not look into */
};

/* "timer", "counter", "gauge", "histogram", "state", "topk", "frames"; NULL: no kind. */
const char *tare_kind_name(enum tare_kind kind);

/*
 * "module.name" as it is shown, for timers "module::name", and "{labels}" behind it if there are any.
 * malloc'ed.
 */
char *tare_instrument_full_name(const struct tare_instrument_figures *instrument);

/* Nothing known: every double NAN, counts 0, no arrays. */
void tare_readings_init(struct tare_readings *readings);
void tare_distribution_init(struct tare_distribution *distribution);

/*
 * Free what was made piece by piece, each string and array by malloc. Not for what tare_live_poll() gave: that
 * belongs to the struct tare_live.
 */
void tare_instrument_figures_release(struct tare_instrument_figures *instrument);
void tare_telemetry_release(struct tare_telemetry *telemetry);

/* The process, or instrument of a process, of that id; NULL: it is not there (any more). */
struct tare_process_figures *tare_telemetry_process(struct tare_telemetry *telemetry, uint64_t id);
struct tare_instrument_figures *tare_telemetry_instrument(struct tare_telemetry *telemetry, uint64_t id,
                                                          struct tare_process_figures **process);

/*
 * Reads live processes again and again. Not thread-safe: one thread polls, and uses what it got until the next
 * poll.
 */
struct tare_live;
struct tare_live_options {
    const pid_t *pids; /* these processes; or NULL */
    size_t pid_count;
    const char *name; /* processes that are called so: tare_process_names_match(); or NULL: all */
    double window_ns; /* of rolling figures; 0: 1 s */
    bool histograms;  /* percentiles; they take most of the reading */
    bool stays;       /* where each thread is: for captures; see tare_live_set_stays() */
    bool keep_ended;  /* a process that ended stays in the snapshots, with what it last said: the last 64 */
};

/* NULL: no memory. */
struct tare_live *tare_live_new(const struct tare_live_options *options);
void tare_live_free(struct tare_live *live);

/*
 * The window of rolling figures from the next poll on; 0: 1 s. The readings that are kept stay: a longer window
 * is reached as soon as there are old enough ones, and says until then what it really is.
 */
void tare_live_set_window(struct tare_live *live, double window_ns);

/*
 * Whether readings say where each thread is, from the next poll on. Only captures need it; it takes memory for each
 * thread and state.
 */
void tare_live_set_stays(struct tare_live *live, bool stays);

/*
 * Looks for processes (once a second; where all are asked for, into those that are new, and every fifth time
 * into all), reads their pages, and computes. Returns 0 and the snapshot, which belongs to `live` and is valid
 * until the next poll, or -errno with one line in `message`. A process whose page cannot be read is left out,
 * and why stands in `message` (else "").
 */
int tare_live_poll(struct tare_live *live, const struct tare_telemetry **snapshot, char *message,
                   size_t message_size);

/*
 * Switches an instrument of the last snapshot, or voids what it counted. Returns 0, -ENOENT (no such id, or its
 * process has ended), -EACCES (the process belongs to somebody else), -EBUSY (another tare is switching that
 * process: the first switch takes its page's lock), or what writing said. What tare_live_switch() changed is
 * put back, and the locks are given up, by tare_live_restore(), where the process still runs; tare_live_free()
 * does not do so.
 */
int tare_live_switch(struct tare_live *live, uint64_t id, bool enabled);
int tare_live_reset(struct tare_live *live, uint64_t id);
void tare_live_restore(struct tare_live *live);

/*
 * The snapshot as JSON, schema "tare-live" (docs/live.schema.json), in one line without an end. malloc'ed,
 * `*size` bytes and a NUL; NULL: no memory. Of frames, the last 256 are in it, and of keys the heaviest 256.
 */
char *tare_telemetry_json(const struct tare_telemetry *telemetry, size_t *size);

#endif
