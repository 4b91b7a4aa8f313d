/* SPDX-License-Identifier: MIT */
/*
 * History: what is kept of results, in memory. history/store.h puts it into a database and reads it from there;
 * history/extract.h makes it of a result, history/import.h of other tools' files, history/check.h judges it.
 *
 * Strings are the structure's own, UTF-8; NULL where unknown. Doubles are NAN, whole numbers
 * TARE_HISTORY_UNKNOWN where unknown. Ids are 63 bits of a SHA-256 over what they are of (docs/history.md), so
 * that every writer gives the same thing the same id without asking anybody.
 */
#ifndef TARE_HISTORY_MODEL_H
#define TARE_HISTORY_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/sha256.h"

#define TARE_HISTORY_UNKNOWN INT64_MIN

enum {
    TARE_HISTORY_VALUES_MAX = 1 << 20, /* of one point: tare_history_pack() refuses more, and unpack, too */
};

/* Which way is worse. */
enum tare_history_better {
    TARE_BETTER_UNKNOWN, /* a change is neither better nor worse: it is shown, and fails nothing */
    TARE_BETTER_LOWER,   /* times, counts of costs */
    TARE_BETTER_HIGHER,  /* throughput */
};

struct tare_history_commit {
    char *id;        /* hexadecimal, lower case; never NULL */
    char *parents;   /* ids, separated by spaces; "": it has none */
    int64_t time_s;  /* the committer's, Unix time */
    int64_t ordinal; /* commits on the line of first parents up to it, from 1; unknown in a shallow clone */
    char *subject;   /* of its message, the first line */
    char *link;      /* http or https URL of a page about it */
};

/* What a series is: all of it is its key. Equal keys are one series. */
struct tare_history_series {
    int64_t id;    /* of all below, but `better` */
    char *project; /* never NULL, as all below */
    char *suite; /* the timers' module, the benchmark program, what an import came from; "" if there is none */
    char *name;  /* benchmark, without its arguments, or timer */
    char *arguments;   /* of the benchmark, as in its name behind the '/': "64/2"; "" if there are none */
    char *metric;      /* "median", "net_avg", "instructions", ... as in a budget, without the name */
    char *unit;        /* tare_metric_unit_names, or an import's own */
    char *fingerprint; /* hash of the machine's part of it: identity and settings; "": unknown */
    char *harness;     /* what measured: "tare 0.1.0", "google-benchmark", ... */
    char *settings;    /* of the measurement, and what decides on its statistics */
    enum tare_history_better better;
};

/* One result that was added. */
struct tare_history_run {
    int64_t id;                       /* of the digest and the project, of an import also the commit */
    char digest[TARE_SHA256_HEX + 1]; /* of the raw result's bytes */
    char *project;
    char *kind; /* of the result; of an import "import" */
    int64_t
        started_ms; /* Unix time; never unknown: of an import without one it is the commit's, or the file's */
    char *commit;   /* id; NULL: none is known */
    char *branch;
    int dirty;         /* 1, 0, or -1: unknown */
    char *link;        /* http or https: the job that measured */
    char *tool;        /* "tare 0.1.0", or what an import came from */
    char *environment; /* JSON object: the machine, its fingerprint's parts */
    int64_t raw_size;  /* bytes of the raw result; 0: it is not kept */
};

struct tare_history_point {
    int64_t run;
    double value;
    double low, high;                                /* interval */
    int64_t n;                                       /* values it was made of */
    double control_ratio, control_low, control_high; /* the control arm: A' / A */
    int64_t rounds, rounds_dropped;                  /* contamination: of the benchmark's rounds */
    double stolen;                                   /* share of the measured time that others took */
    double *values; /* of the blocks, in their order; NULL: there are none, or they were not asked for */
    size_t value_count;
};

/* One series with its points, oldest first: by the commits' order where it is known, else by time. */
struct tare_history_line {
    struct tare_history_series series;
    struct tare_history_point *points;
    size_t count;
};

/* What one raw result brings: the unit of adding. */
struct tare_history_record {
    struct tare_history_run run;
    bool has_commit;
    struct tare_history_commit commit;
    struct tare_history_line *lines; /* each with one point, but for imports that know several */
    size_t line_count;
    char *raw; /* the bytes that were read */
    size_t raw_size;
};

/* A name for a level that was accepted: changes at or before its commit count no more, and figures are shown beside it. */
struct tare_history_baseline {
    char *project;
    char *name;      /* "default" if none is given */
    char *commit;    /* id; NULL: all that was there when it was set */
    int64_t set_ms;  /* when, Unix time */
    char *reason;    /* in somebody's words */
    char *selection; /* pattern of the series that it is for; "*": all */
};

/* What was read. */
struct tare_history {
    struct tare_history_line *lines;
    size_t line_count;
    struct tare_history_run *runs; /* ascending by id */
    size_t run_count;
    struct tare_history_commit *commits; /* ascending by id */
    size_t commit_count;
    struct tare_history_baseline *baselines;
    size_t baseline_count;
};

/* history/model.c */

void tare_history_commit_release(struct tare_history_commit *commit);
void tare_history_series_release(struct tare_history_series *series);
void tare_history_run_release(struct tare_history_run *run);
void tare_history_point_release(struct tare_history_point *point);
void tare_history_line_release(struct tare_history_line *line);
void tare_history_baseline_release(struct tare_history_baseline *baseline);
/* Everything unknown and empty. */
void tare_history_record_init(struct tare_history_record *record);
void tare_history_record_release(struct tare_history_record *record);
void tare_history_release(struct tare_history *history); /* all zero is fine */

/* A point with everything unknown. */
struct tare_history_point tare_history_point_unknown(void);

/*
 * Appends a line with a series whose strings are all NULL, and one point, which is unknown; NULL without memory.
 * Earlier pointers to lines become invalid.
 */
struct tare_history_line *tare_history_record_add(struct tare_history_record *record);

/*
 * When a record is whole but for what follows from the rest of it: sets the run's digest, id and raw size from `raw`,
 * the run of each point, the series' project and ids. Strings that must not be NULL and are become "" (the run's
 * project "default", its kind "import", its environment "{}"). Of lines with one id the first one stays. 0 or -ENOMEM.
 */
int tare_history_record_finish(struct tare_history_record *record);

/* Ids, from the content; see docs/history.md for the bytes. Never negative. */
int64_t tare_history_series_id(const struct tare_history_series *series);
int64_t tare_history_run_id(const char *project, const char *digest);
/* Of an import whose commit is known: two commits may have the same file of counts, and are two points then. */
int64_t tare_history_import_id(const char *project, const char *digest, const char *commit);
/* Whether its id is one of these, of its own project, digest and commit. */
bool tare_history_run_has_id(const struct tare_history_run *run);
int64_t tare_history_project_id(const char *project);

const struct tare_history_run *tare_history_find_run(const struct tare_history *history, int64_t id);
const struct tare_history_commit *tare_history_find_commit(const struct tare_history *history, const char *id);

/*
 * Puts the points of each line into order: where all commits of a line have an ordinal, by that, else by the
 * commits' times, else by when they were measured; equal ones by when they were measured, then by the run's id.
 */
int tare_history_sort(struct tare_history *history);

/* "suite::name/arguments metric", with what is empty left out: what people see. malloc'ed; NULL without memory. */
char *tare_history_title(const struct tare_history_series *series);

/* history/links.c */

/*
 * Whether it may become a link in what is shown: a URL of http or https with a host, as record/ci.h has them, and
 * without what is no part of URLs. NULL is none.
 */
bool tare_history_is_link(const char *text);

/* history/pack.c */

/*
 * The values of blocks as bytes and back: docs/history.md has the form. No values are no bytes (NULL, 0). What
 * comes back is exact; not a number is one of them. *bytes and *values are malloc'ed. 0,
 * -ENOMEM; -EINVAL: too many, or damaged bytes. Unpacking takes 8 MiB and 3,100 times the bytes, the smaller of them.
 */
int tare_history_pack(const double *values, size_t count, void **bytes, size_t *size);
int tare_history_unpack(const void *bytes, size_t size, double **values, size_t *count);

#endif
