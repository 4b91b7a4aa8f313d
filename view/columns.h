/* SPDX-License-Identifier: MIT */
/* What the views share: columns, rows, cells, and the lines below a table. Private to view/. */
#ifndef TARE_VIEW_COLUMNS_H
#define TARE_VIEW_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/text.h"
#include "view/view.h"

enum tare__view_type {
    TARE__VIEW_NAME,   /* module::name */
    TARE__VIEW_FILE,   /* file:line */
    TARE__VIEW_COUNT,  /* uint64_t in the figures */
    TARE__VIEW_TIME,   /* double in ns in the figures */
    TARE__VIEW_SHARE,  /* double in the figures, of 1 */
    TARE__VIEW_ANSWER, /* whether exclusive figures disagree: yes, no */
};

/* What is put before a figure, for people alone. */
enum tare__view_sign {
    TARE__VIEW_BELOW = 1 << 0,     /* "<": the detection limit stands in place of a net time that is below it */
    TARE__VIEW_UNSAMPLED = 1 << 1, /* ">": an error without its sampling error, which is unknown */
    TARE__VIEW_DISAGREES = 1 << 2, /* "!": an exclusive net time that is not that of the common pass */
};

enum tare__view_ticks {
    TARE__VIEW_TICKS_OF_RATE, /* the figure exists in ns alone: ticks by the clock's rate */
    TARE__VIEW_TICKS_EXACT,   /* counted: at ticks_offset */
    TARE__VIEW_TICKS_AVERAGE, /* counted: at ticks_offset, for each outermost call */
};

struct tare__view_column {
    const char *name;         /* as asked for */
    const char *header;       /* as shown */
    const char *ascii_header; /* the same where there is no UTF-8; NULL: header */
    const char *field;        /* in CSV; a time gets _ns or _ticks behind it */
    enum tare__view_type type;
    bool exclusive; /* of the exclusive figures */
    bool is_error;
    unsigned signs;         /* enum tare__view_sign, that it can have */
    bool is_total;          /* of all outermost calls: so is a limit in its place */
    bool states_confidence; /* the header says of how many percent */
    int width;
    size_t offset; /* in struct tare_result_figures */
    enum tare__view_ticks ticks;
    size_t ticks_offset;
};

enum {
    TARE__VIEW_COLUMNS_MAX = 64,
    TARE__VIEW_NAME_MIN = 20,
};

/* The columns of one output, in order. */
struct tare__view_plan {
    const struct tare__view_column *columns[TARE__VIEW_COLUMNS_MAX];
    size_t count;
    int name_width;
    bool cut_names; /* to name_width, in the middle */
};

/* The columns that options->columns names, or if it is NULL those of `otherwise`. 0 or -EINVAL. */
int tare__view_plan_make(struct tare__view_plan *plan, const char *columns, const char *otherwise);

/* All columns, in the order of tare_view_columns. */
void tare__view_plan_all(struct tare__view_plan *plan);

/* Columns that a row takes. */
int tare__view_plan_width(const struct tare__view_plan *plan);

/* What stands above a column. */
enum { TARE__VIEW_HEADER = 96 };
const char *tare__view_header(char buffer[TARE__VIEW_HEADER], const struct tare__view_column *column,
                              const struct tare_result *result, bool ascii);

/* The timers to show, in order. Sections of one module each, unless the order cuts across modules. */
struct tare__view_rows {
    const struct tare_result_timer **timers;
    size_t count;
    bool by_module;
    bool has_exclusive;
};

/* 0, -ENOMEM, or -EINVAL for a wrong options->sort. */
int tare__view_rows_make(struct tare__view_rows *rows, const struct tare_result_timer *timers, size_t count,
                         const struct tare_view_options *options, double rate_hz);
void tare__view_rows_release(struct tare__view_rows *rows);

/* What stands in a cell of a count or time. */
struct tare__view_value {
    bool known;
    bool whole; /* in `count`, else in `number` */
    uint64_t count;
    double number; /* ns or ticks */
};

struct tare__view_value tare__view_value(const struct tare__view_column *column,
                                         const struct tare_result_timer *timer, enum tare_unit unit,
                                         double rate_hz);

/* Signs of a timer's figure, of those that the column has. */
unsigned tare__view_signs(const struct tare__view_column *column, const struct tare_result_timer *timer);

/*
 * A number as text with a decimal point in every locale: shortest that reads back the same, or so many
 * decimals.
 */
enum { TARE__VIEW_NUMBER = 64 };
char *tare__view_number(char buffer[TARE__VIEW_NUMBER], double value);
char *tare__view_fixed(char buffer[TARE__VIEW_NUMBER], double value, int decimals);

/* A cell for people, before any escaping; "-" if unknown. The caller frees it; NULL without memory. */
char *tare__view_cell(const struct tare__view_column *column, const struct tare_result_timer *timer,
                      const struct tare_view_options *options, double rate_hz);

/*
 * A copy of `text` that a terminal shows and does not obey: control characters, bytes that are not UTF-8, and
 * characters that hide or turn around others are written as \xNN or \uNNNN; for `ascii` so is all else that is
 * not ASCII. The caller frees it; NULL without memory.
 */
char *tare__view_safe(const char *text, bool ascii);

/*
 * `text`, which it frees, cut in the middle to `width` columns: its module and its end are what tells a name
 * from others. NULL for NULL, and without memory. `dots` stand for what is left out.
 */
char *tare__view_cut_middle(char *text, size_t width, const char *dots);

/* Lines to be put below a table, before any escaping. After an error, nothing more is added. */
struct tare__view_lines {
    char **lines;
    size_t count;
    int error;
};

void tare__view_say(struct tare__view_lines *lines, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void tare__view_lines_release(struct tare__view_lines *lines);

/*
 * Notes on the timers of one table, and on the signs in it; on one process of several; on the whole result; and
 * the lines on what measuring took, on the fingerprint, if they are known, and on the clock.
 */
void tare__view_note_rows(struct tare__view_lines *lines, const struct tare__view_rows *rows,
                          const struct tare__view_plan *plan, const struct tare_result *result);
void tare__view_note_process(struct tare__view_lines *lines, const struct tare_result_process *process);
void tare__view_note_result(struct tare__view_lines *lines, const struct tare_result *result, bool ends);
void tare__view_note_measuring(struct tare__view_lines *lines, const struct tare_result *result, bool ascii);
void tare__view_note_fingerprint(struct tare__view_lines *lines, const struct tare_result *result);
void tare__view_note_clock(struct tare__view_lines *lines, const struct tare_result *result, bool ascii);

/* "pid 123: /usr/bin/foo, exited 0"; the caller frees it; NULL without memory. */
char *tare__view_process_title(const struct tare_result_process *process);

/* What stands where a table of `count` timers would have no row; the caller frees it; NULL without memory. */
char *tare__view_nothing(size_t count);

/* Flushes; 0, or -EIO if the stream has an error. */
int tare__view_finish(FILE *out);

#endif
