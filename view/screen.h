/* SPDX-License-Identifier: MIT */
/*
 * The screen of `tare top` as a grid of cells: what stands where is decided here, from a snapshot, what its
 * user has chosen, and a size; how it reaches a terminal is not. So all of it can be tested without one, and
 * the same drawing serves `tare top --once`, which is text.
 *
 * Nothing here waits, prints or keeps the snapshot. Not thread-safe for one state; different ones are
 * independent. Figures that are unknown are "-".
 */
#ifndef TARE_VIEW_SCREEN_H
#define TARE_VIEW_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "result/telemetry.h"

enum {
    TARE_SCREEN_WIDTH_MIN = 40, /* of less, only a line that asks for more is drawn */
    TARE_SCREEN_HEIGHT_MIN = 10,
    TARE_SCREEN_WIDTH_MAX = 1000, /* more is left empty */
    TARE_SCREEN_HEIGHT_MAX = 1000,
};

/* How a cell looks. Colours carry no meaning that bold, dim or a word does not carry, too. */
enum tare_screen_attributes {
    TARE_SCREEN_BOLD = 1,
    TARE_SCREEN_DIM = 2,
    TARE_SCREEN_REVERSE = 4,
    TARE_SCREEN_UNDERLINE = 8,
    TARE_SCREEN_ACCENT = 16, /* colours: bars and curves; */
    TARE_SCREEN_WARN = 32,   /* what to look at; */
    TARE_SCREEN_BAD = 64,    /* what is wrong */
};

struct tare_screen_cell {
    uint32_t character; /* 0: covered by the one before, which takes two columns */
    uint32_t attributes;
};

struct tare_screen {
    int width, height;
    struct tare_screen_cell *cells; /* width x height, row by row */
    int cursor_x, cursor_y;         /* where text is being typed; -1: nowhere */
};

/* Any size from 0 x 0 up. 0, or -ENOMEM: then it is as it was. */
int tare_screen_resize(struct tare_screen *screen, int width, int height);
void tare_screen_release(struct tare_screen *screen);

/* A row without spaces at its end, in UTF-8. malloc'ed; NULL: no memory. */
char *tare_screen_row(const struct tare_screen *screen, int y);

/* What can be looked at; the first nine have the keys 1 to 9. */
enum tare_screen_panel {
    TARE_SCREEN_TIMERS,
    TARE_SCREEN_VALUES, /* counters, gauges, histograms, states */
    TARE_SCREEN_FRAMES,
    TARE_SCREEN_JIT, /* of the modules jit, gfx, ...: instruments of all kinds, and what follows from them */
    TARE_SCREEN_GFX,
    TARE_SCREEN_CPU,
    TARE_SCREEN_LATENCY,
    TARE_SCREEN_MEMORY,
    TARE_SCREEN_HOTSPOTS,
    TARE_SCREEN_PANELS,
    TARE_SCREEN_PROCESSES = TARE_SCREEN_PANELS,
    TARE_SCREEN_LISTS,
};

enum tare_screen_prompt {
    TARE_SCREEN_NO_PROMPT,
    TARE_SCREEN_FILTER, /* is being typed */
    TARE_SCREEN_RESET,  /* waits for y */
};

/* Where somebody is in one list. */
struct tare_screen_list {
    int sort; /* a column of the list; -1: in the order of the directory */
    bool reverse;
    bool moved;         /* the row with the cursor is kept, wherever sorting takes it; else the first one */
    uint64_t id;        /* of its process or instrument; of figures that follow: a hash of the name */
    uint32_t part;      /* which of several rows of an instrument */
    uint64_t key;       /* the key, or the number of the frame there */
    size_t cursor, top; /* as drawn last */
    uint64_t columns;   /* that were drawn then, a bit each; 0: not drawn yet */
};

enum { TARE_SCREEN_FILTER_MAX = 128, TARE_SCREEN_MESSAGE_MAX = 512 };

/* What was chosen. tare_screen_state_init(), then set what is known before the first key. */
struct tare_screen_state {
    bool ascii;  /* the locale is not UTF-8 */
    bool total;  /* figures since the start, not of the window */
    bool frozen; /* said on the screen; the caller stops reading */
    bool help;
    bool all;        /* also what of a set never counted anything */
    bool details;    /* of the instrument under the cursor, in place of the list */
    bool choosing;   /* the list of processes is shown */
    bool has_chosen; /* `process` is valid; else the only one, if there is but one, is shown */
    uint64_t process;
    enum tare_screen_panel panel;
    bool panel_is_chosen; /* by a key; else it goes by what a process has, when it is first shown */
    bool has_greeted;     /* `greeted` is that process */
    uint64_t greeted;
    bool ended_total; /* `total` was set as the process ended; `total_before` is what it was */
    bool total_before;
    struct tare_screen_list lists[TARE_SCREEN_LISTS];
    enum tare_screen_prompt prompt;
    char filter[TARE_SCREEN_FILTER_MAX];        /* UTF-8; "": all */
    char filter_before[TARE_SCREEN_FILTER_MAX]; /* what Esc goes back to */
    char message[TARE_SCREEN_MESSAGE_MAX];      /* in the last line, until the next key */
    bool message_is_bad;
    double window_s; /* as asked for; what is shown is that of the snapshot */
    int page_rows;   /* of the list, as drawn last */
    int help_top;    /* first line of the help that is shown */
};

void tare_screen_state_init(struct tare_screen_state *state);

/* Draws all of it. Corrects what of `state` does not fit the snapshot. 0 or -ENOMEM. */
int tare_screen_draw(struct tare_screen *screen, struct tare_screen_state *state,
                     const struct tare_telemetry *telemetry);

/* Keys that are no character; characters stand for themselves. */
enum tare_screen_key {
    TARE_SCREEN_KEY_UP = 0x110000,
    TARE_SCREEN_KEY_DOWN,
    TARE_SCREEN_KEY_PAGE_UP,
    TARE_SCREEN_KEY_PAGE_DOWN,
    TARE_SCREEN_KEY_HOME,
    TARE_SCREEN_KEY_END,
    TARE_SCREEN_KEY_LEFT,
    TARE_SCREEN_KEY_RIGHT,
    TARE_SCREEN_KEY_ENTER,
    TARE_SCREEN_KEY_ESCAPE,
    TARE_SCREEN_KEY_BACKSPACE,
    TARE_SCREEN_KEY_BACK_TAB,
    TARE_SCREEN_KEY_OTHER,
};

/* What the caller is to do after a key. */
enum tare_screen_what {
    TARE_SCREEN_NOTHING, /* but draw */
    TARE_SCREEN_QUIT,
    TARE_SCREEN_SWITCH, /* the instruments `ids` to `enabled` */
    TARE_SCREEN_VOID,   /* reset the instruments `ids` */
    TARE_SCREEN_EXPORT,
    TARE_SCREEN_WINDOW, /* state->window_s was changed */
    TARE_SCREEN_REDRAW, /* even what seems to be there already */
};
struct tare_screen_action {
    enum tare_screen_what what;
    bool enabled;
    uint64_t *ids;
    size_t count;
};

/* `telemetry`: what is on the screen. The caller frees action->ids. 0 or -ENOMEM. */
int tare_screen_key(struct tare_screen_state *state, const struct tare_telemetry *telemetry, uint32_t key,
                    struct tare_screen_action *action);

/* Leaves a message for the last line. */
void tare_screen_say(struct tare_screen_state *state, bool bad, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The process that is shown; NULL: none, or the list of them. */
const struct tare_process_figures *tare_screen_process(const struct tare_screen_state *state,
                                                       const struct tare_telemetry *telemetry);

/*
 * Whether a filter lets a name through: "" does; one with * ? or [ is a pattern (fnmatch) for all of the name,
 * another one a part of it, small letters standing for capitals, too.
 */
bool tare_screen_filter_matches(const char *filter, const char *name);

/* Everything of a snapshot as text without any control, `width` columns wide: 0, -ENOMEM or -EIO. */
int tare_screen_text(const struct tare_telemetry *telemetry, const struct tare_screen_state *state, int width,
                     FILE *out);

#endif
