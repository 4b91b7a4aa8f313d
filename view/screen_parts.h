/* SPDX-License-Identifier: MIT */
/* What the files of the screen share. Private to view/. */
#ifndef TARE_VIEW_SCREEN_PARTS_H
#define TARE_VIEW_SCREEN_PARTS_H

#include "view/screen.h"

/* A part of the screen, in which columns and lines count from 0. What lies outside is not drawn. */
struct tare__area {
    struct tare_screen *screen;
    int x, y, width, height;
    bool ascii;
};

/*
 * Writes text, at most `room` columns of it, from column x on; returns how many it took. Control characters and
 * what would combine with others are "?"; so is all that is not ASCII if the area is.
 */
int tare__put(const struct tare__area *area, int x, int y, int room, uint32_t attributes, const char *text);
/* The same at the right end of the room, cut at its left, and in the middle where it is too long. */
void tare__put_right(const struct tare__area *area, int x, int y, int room, uint32_t attributes,
                     const char *text);
void tare__put_middle(const struct tare__area *area, int x, int y, int room, uint32_t attributes,
                      const char *text);
void tare__put_character(const struct tare__area *area, int x, int y, uint32_t attributes, uint32_t character);
/* Adds attributes to what is there, or takes the same away. */
void tare__screen_mark(const struct tare__area *area, int x, int y, int room, uint32_t attributes);
/* Columns that text takes. */
int tare__columns_of(const char *text);
/* A bar for `share` of `room` columns, in eighths. */
void tare__put_bar(const struct tare__area *area, int x, int y, int room, uint32_t attributes, double share);

/* A count, or NAN if it is not known. */
static inline double tare__figure_count(uint64_t count)
{
    return count == TARE_COUNT_UNKNOWN ? __builtin_nan("") : (double)count;
}

/* Figures in at most 8 columns, of four digits. NAN: "-". Each returns buffer. */
enum { TARE__FIGURE = 96 };
char *tare__figure_time(char buffer[TARE__FIGURE], double ns, bool ascii);
char *tare__figure_number(char buffer[TARE__FIGURE], double value); /* 12.35k, in powers of 1000 */
char *tare__figure_bytes(char buffer[TARE__FIGURE], double bytes);  /* 1.250GiB */
char *tare__figure_share(char buffer[TARE__FIGURE], double share);  /* 12.3% */
char *tare__figure_age(char buffer[TARE__FIGURE], double ns);       /* 3m12s */
/*
 * A value with its unit, whatever columns that takes: times, bytes and ratios as above, also where so much comes in
 * a second ("bytes/s"); others as a number, and the unit behind it. NULL, "" and "1" are numbers alone.
 */
char *tare__figure_of_unit(char buffer[TARE__FIGURE], double value, const char *unit, bool ascii);
/* So much of that unit in each second: "489.3ms/s"; of what is only counted, a number alone. */
char *tare__figure_rate(char buffer[TARE__FIGURE], double per_s, const char *unit, bool ascii);
/* By how much it changed, with a sign. */
char *tare__figure_change(char buffer[TARE__FIGURE], double value, const char *unit, bool ascii);

/*
 * A percentile says less than its digits where there are fewer values than it takes for one to lie beyond it (six
 * for a median's interval): then it is the greatest of them, or the least. That of a timer, which is net, also
 * where half of the way to the values beside it is more than an eighth of it: the clock moves in steps, of
 * `step_ns` (not above 0: unknown), and buckets have a width. Such a one is marked "~".
 */
bool tare__is_of_few(double p, uint64_t count);
bool tare__is_coarse(const struct tare_distribution *distribution, double raw, double net, double step_ns);
/* Whether a timer's net percentile is either; `raw` is of its distribution. */
bool tare__is_rough(const struct tare_distribution *distribution, double p, double raw, double net,
                    double step_ns);
/* "~" before a figure of at most 8 columns, so that it stays one. Unknown ones stay as they are. */
char *tare__figure_mark(char buffer[TARE__FIGURE], bool rough);

/* Rows */

enum tare__row_kind {
    TARE__ROW_PROCESS,
    TARE__ROW_INSTRUMENT,
    TARE__ROW_DERIVED,
    TARE__ROW_TITLE,        /* of a top-k, or of frames: an instrument with its rows below */
    TARE__ROW_KEY,          /* number `index` of the keys */
    TARE__ROW_CURVE,        /* line `index` of TARE__CURVE_LINES */
    TARE__ROW_FRAME_HEADER, /* of the three below */
    TARE__ROW_FRAME_WINDOW,
    TARE__ROW_FRAME_RING, /* all that are in the ring */
    TARE__ROW_FRAME_TOTAL,
    TARE__ROW_PART, /* number `index` of the parts of frames */
    TARE__ROW_SLOW_TITLE,
    TARE__ROW_SLOW, /* number `index` of the slow frames, the newest first */
    TARE__ROW_GAP,
};
enum { TARE__CURVE_LINES = 3 };

struct tare__row {
    enum tare__row_kind kind;
    uint32_t index;
    size_t order;  /* in the directory */
    double number; /* what it is sorted by, if not by name */
    const struct tare_process_figures *process;
    const struct tare_instrument_figures *instrument;
    const struct tare_derived *derived;
};

struct tare__rows {
    struct tare__row *rows;
    size_t count;
    size_t instruments; /* that they are of */
    size_t all;         /* without the filter */
    size_t silent;      /* instruments of a set that are left out, as they never counted anything */
    int name_columns;   /* that the longest name takes; 0: see tare__screen_rows_measure() */
};

/* What drawing them asks of all of them. */
void tare__screen_rows_measure(struct tare__rows *rows);

/* The rows of a list, filtered and sorted. 0 or -ENOMEM. */
int tare__screen_rows_make(struct tare__rows *rows, const struct tare_screen_state *state,
                           enum tare_screen_panel panel, const struct tare_telemetry *telemetry,
                           const struct tare_process_figures *process);
void tare__screen_rows_release(struct tare__rows *rows);

/* Which panels have anything to show, whatever the filter, a bit each; whether one has. */
unsigned tare__screen_panels(const struct tare_process_figures *process, bool all);
bool tare__screen_panel_has(enum tare_screen_panel panel, const struct tare_process_figures *process, bool all);

/* Which row has the cursor, by what the state remembers. */
size_t tare__screen_rows_cursor(const struct tare__rows *rows, const struct tare_screen_list *list, bool total);
/* Lets the state remember that one. */
void tare__screen_rows_remember(const struct tare__rows *rows, size_t cursor, struct tare_screen_list *list,
                                bool total);

/*
 * What the keys of a top-k are of: the window, or since the start, if that is asked for, or the window has none.
 */
const struct tare_readings *tare__hot_readings(const struct tare_instrument_figures *instrument, bool total);

/* What a name is written as; "" without memory. The caller frees it, if it is not NULL. */
char *tare__screen_row_name(const struct tare__row *row);

/* Columns */

enum tare__column_id {
    TARE__COLUMN_NAME,
    TARE__COLUMN_KIND,
    TARE__COLUMN_RATE,
    TARE__COLUMN_CALLS,
    TARE__COLUMN_NET,
    TARE__COLUMN_ERROR,
    TARE__COLUMN_P50,
    TARE__COLUMN_P95,
    TARE__COLUMN_P99,
    TARE__COLUMN_MAX,
    TARE__COLUMN_AVG,
    TARE__COLUMN_BUSY,
    TARE__COLUMN_TOTAL,
    TARE__COLUMN_BYTES,
    TARE__COLUMN_CHANGE, /* what came in the window, or by how much a gauge changed */
    TARE__COLUMN_VALUE,
    TARE__COLUMN_DETAIL,
    TARE__COLUMN_PID,
    TARE__COLUMN_CPU,
    TARE__COLUMN_MEMORY,
    TARE__COLUMN_THREADS,
    TARE__COLUMN_INSTRUMENTS,
    TARE__COLUMN_ENABLED,
    TARE__COLUMN_AGE,
    TARE__COLUMN_KEY,
    TARE__COLUMN_WEIGHT,
    TARE__COLUMN_KEY_ERROR,
    TARE__COLUMN_HITS,
    TARE__COLUMN_SHARE,
    TARE__COLUMN_BAR,
    TARE__COLUMN_PLACE, /* file:line */
};

struct tare__column {
    enum tare__column_id id;
    const char *title, *total_title; /* in the window; since the start, NULL: the same */
    int width;                       /* 0: what is left; two such share it */
    int rank;                        /* the greater, the sooner it is left out where it is narrow; 0: never */
    bool left;                       /* aligned */
    bool sortable;
    bool window_only; /* there is no such figure since the start */
    int most;         /* columns that it grows to where there is room, and its rows need more; 0: it does not */
};

/* All columns of a list. */
const struct tare__column *tare__screen_columns(enum tare_screen_panel panel, size_t *count);

/* A column's figure, for sorting; NAN: unknown. Names are not figures. */
double tare__screen_column_number(enum tare__column_id id, const struct tare__row *row, bool total);
/* What is written in it; "" where it does not apply. */
enum { TARE__CELL = 256 };
char *tare__screen_column_text(char buffer[TARE__CELL], enum tare__column_id id, const struct tare__row *row,
                               const struct tare_screen_state *state);
/*
 * The figures and the words of the column without a title; pieces of figures are two spaces apart. `changes`: there
 * is a column of what changed.
 */
void tare__screen_detail(char figures[TARE__CELL], char words[TARE__CELL], const struct tare__row *row,
                         const struct tare_screen_state *state, bool changes);
/*
 * The usual figures of the frames of a window, or (`total`) of those in the ring. Where more frames came in the
 * window than the ring keeps, they are those of its buckets, and what buckets do not tell is NAN.
 */
void tare__screen_frames(const struct tare_instrument_figures *instrument, bool total, struct tare_frames *out);

/* Draws rows of a panel below their header into an area; `cursor` SIZE_MAX: none. */
void tare__draw_rows(const struct tare__area *area, const struct tare_screen_state *state,
                     enum tare_screen_panel panel, const struct tare__rows *rows, size_t top, size_t cursor);
/* The rows of frames, and what else is no row of columns. */
void tare__draw_frame_row(const struct tare__area *area, int y, const struct tare_screen_state *state,
                          const struct tare__row *row);
void tare__draw_title_row(const struct tare__area *area, int y, const struct tare_screen_state *state,
                          const struct tare__row *row);
void tare__draw_help(const struct tare__area *area, struct tare_screen_state *state);
/* All that is known of one row's instrument, or figure. */
void tare__draw_details(const struct tare__area *area, const struct tare_screen_state *state,
                        const struct tare__row *row);

/* A panel's word in the bar of panels, and as a heading. */
extern const char *const tare__screen_panel_names[TARE_SCREEN_LISTS];
/* The line that says whose figures these are. */
void tare__draw_process_line(const struct tare__area *area, const struct tare_screen_state *state,
                             const struct tare_telemetry *telemetry, const struct tare_process_figures *process,
                             uint32_t attributes);
/* What was lost, what is off: "" if there is nothing to say. */
void tare__screen_notice(char *text, size_t size, const struct tare_process_figures *process,
                         enum tare_screen_panel panel, bool keys);

#endif
