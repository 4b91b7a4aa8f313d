/* SPDX-License-Identifier: MIT */
/*
 * What the files that make captures share: what is known of one under way beside its document, and how columns
 * grow. Private to result/capture*.c. A function that returns false had no memory.
 */
#ifndef TARE_RESULT_CAPTURE_PARTS_H
#define TARE_RESULT_CAPTURE_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "result/capture.h"

/* What lies where in an array: by key, ascending, each key once. Samples have thousands of lookups. */
struct tare__finder {
    struct tare__finder_entry {
        uint64_t key;
        size_t place;
    } * entries;
    size_t count;
};

/* Of a capture under way: struct tare_capture's `memory`. */
struct tare__capture_way {
    struct tare_capture_options options;
    size_t bytes;      /* about what it takes: as a document, where that is more */
    size_t stay_bytes; /* of those: for where threads were */
    bool stays_full;   /* no further ones are kept */
    double first_monotonic_ns;
    uint64_t tries;                /* samples, also those that came to nothing */
    struct tare__finder processes; /* by id */
};

/*
 * The same, of a process. A tid may be used again, so threads are found by tid and number: of several with one
 * tid, each is another thread.
 */
enum { TARE__CAPTURE_THREADS = 4096 };
struct tare__captured_process_way {
    struct tare__finder instruments; /* by id */
    struct tare__finder threads;     /* by tid << 32 | number */
    uint64_t *thread_try;            /* one for each thread kept: the last try that it was in */
    uint32_t *left, *left_then;      /* tids that found no room, in this sample and the one before; ascending */
    size_t left_count, left_then_count;
    size_t *places; /* of the threads of this sample, among those kept; SIZE_MAX: not kept */
    size_t place_count;
};

/* The same, of an instrument that is a state: what was last read of each block, by its number. */
struct tare__captured_states {
    struct tare__captured_state {
        bool there;
        struct tare_stay_figures reading;
        size_t thread;   /* that it was of, among those kept */
        double until_ns; /* that it was so: since the capture's first sample */
        size_t open;     /* the stay that lasts, among the instrument's; SIZE_MAX: none */
        double end_ns;   /* of the last stay */
    } * blocks;
    size_t count;
    double until_ns; /* that the last sample is of; -INFINITY: there was none, or nobody knows */
};

/*
 * What a sample, the one that at_ns ends with, says of where the threads were. False without memory: what was told
 * up to then stays, as it is true whatever becomes of the sample. Keeps to the limit by itself.
 */
bool tare__capture_stays_add(struct tare_capture *capture, const struct tare_capture_process *process,
                             struct tare_capture_instrument *instrument,
                             const struct tare_instrument_figures *from);

/* What one column gets from the readings of a sample. */
struct tare__capture_cell {
    const char *name, *more; /* the name is both, one behind the other */
    const char *unit;
    bool is_count;
    uint64_t count;
    double number;
};

enum { TARE__CAPTURE_CELLS = 12 + 3 * TARE_STATES_MAX };
struct tare__capture_cells {
    struct tare__capture_cell cells[TARE__CAPTURE_CELLS];
    size_t count;
    char rate_unit[64]; /* "bytes/s" */
};

/* What a reading puts into each column. The cells' strings are the figures'. */
void tare__capture_cells_of(struct tare__capture_cells *cells,
                            const struct tare_instrument_figures *instrument);
void tare__capture_cells_of_process(struct tare__capture_cells *cells,
                                    const struct tare_process_figures *process);
void tare__capture_cells_of_derived(struct tare__capture_cells *cells, const struct tare_derived *derived);

/* NULL stays NULL. */
bool tare__capture_copy_text(char **to, const char *from);

/* Columns for the cells, without values; `first` is the number of the sample that they will begin with. */
bool tare__capture_series_begin(struct tare_capture_series *series, const struct tare__capture_cells *cells,
                                size_t first);

/*
 * The value of sample number `sample` in each column, with unknown ones for the samples since the last. Values
 * behind the series' count are not its own: they may be of a sample that came to nothing.
 */
bool tare__capture_series_append(struct tare__capture_way *way, struct tare_capture_series *series,
                                 const struct tare__capture_cells *cells, size_t sample);

/* What strings and columns of a series take, about. */
size_t tare__capture_series_bytes(const struct tare__capture_cells *cells);

/* Each frees what the structure has, and not the structure. */
void tare__capture_column_release(struct tare_capture_column *column);
void tare__capture_series_release(struct tare_capture_series *series);
void tare__captured_instrument_release(struct tare_capture_instrument *instrument);
void tare__captured_process_release(struct tare_capture_process *process);
void tare__capture_names_free(char **names); /* NULL-terminated, or NULL */

#endif
