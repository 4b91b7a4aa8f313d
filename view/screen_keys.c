/* SPDX-License-Identifier: MIT */
/*
 * What keys do. What is to be done to a process, or needs the outside, is handed to the caller as an action: it
 * names the instruments by their ids, as they were shown when the key was pressed.
 */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "view/screen_parts.h"

/* For keys and help; the third column is on the screen. */
static const char *const help_lines[] = {
    "q             quit; what was switched is switched back (not with --keep)",
    "? or F1       this text; any key leaves it",
    "p             the list of processes; Enter shows one, Esc goes back",
    "Enter         all that is known of the selected instrument; Esc goes back",
    "",
    "1 to 9, Tab   a panel; the next one (also right; left: the one before)",
    "arrows        move; also PgUp, PgDn, Home, End, and j, k, g, G",
    "s, S, r       sort by the next column shown, the one before; reverse",
    "/             filter: a part of the name, or a pattern with * ? [ ]",
    "              Enter keeps it, Esc undoes it; Esc later clears it",
    "A             show what of jit, gfx ... never counted, too; or leave it out",
    "",
    "space         switch the selected instrument on or off",
    "a             switch on all that are listed; off, if all are on",
    "z             void what those that are listed counted so far (asks first)",
    "",
    "t             figures since the start, or of the window",
    "w, W          a longer window, a shorter one",
    "f             freeze: no reading until f is pressed again",
    "e             write the snapshot as JSON into a new file here",
    "Ctrl-L        draw the screen anew",
    "",
    "net           time less what measuring cost; ± is half of its 95 % interval",
    "busy          net time in the window, of all threads: over 100% is possible",
    "●  ○          on, off (* and - where there is no UTF-8)",
    "measuring     of the processor time in the window, what timers took themselves",
    "frames/s      that came in a second; 1/avg, median, 1% low, 0.1% low: rates",
    "              by frame times alone, without the waiting between frames",
    "> ^           of frames: ^ are longer than the curve is high, > how high it is",
    "change        by how much a figure of now changed in the window",
    "in window     what came in it; of a gauge, its change",
    "in ring, all  of frames: of those that are kept; of all since the start",
    "4/6 thr       4 of its 6 threads have counted something (other than frames)",
    "1% low        the rate of the frame time that 1 % of the frames exceed",
    "error         of a hot key: its true weight lies at most so much lower",
    "▾ ▴           what is sorted by: the largest first, the smallest first",
    "~             a percentile of too few values, or too near the clock's steps",
    "-, off        is not known; is off",
};
enum { HELP_LINES = sizeof(help_lines) / sizeof(help_lines[0]) };

void tare__draw_help(const struct tare__area *area, struct tare_screen_state *state)
{
    int lines = area->height - 3, last = HELP_LINES > lines ? HELP_LINES - lines : 0;
    state->help_top = state->help_top < 0 ? 0 : state->help_top > last ? last : state->help_top;
    state->page_rows = lines;
    for (int i = 0; i < lines && state->help_top + i < HELP_LINES; i++) {
        const char *line = help_lines[state->help_top + i];
        tare__put(area, 1, 2 + i, area->width - 1, 0, line);
        tare__screen_mark(area, 1, 2 + i, *line != '\0' ? 13 : 0, TARE_SCREEN_BOLD);
    }
    tare__put(area, 0, area->height - 1, area->width, TARE_SCREEN_DIM,
              last > 0 ? "up and down move; any other key goes back" : "any key goes back");
}

void tare_screen_state_init(struct tare_screen_state *state)
{
    *state = (struct tare_screen_state){.window_s = 1};
    for (int i = 0; i < TARE_SCREEN_LISTS; i++) {
        state->lists[i].sort = -1;
    }
    /* What takes most of the time first; the rest as it was declared. */
    size_t count;
    const struct tare__column *columns = tare__screen_columns(TARE_SCREEN_TIMERS, &count);
    for (size_t i = 0; i < count; i++) {
        if (columns[i].id == TARE__COLUMN_BUSY) {
            state->lists[TARE_SCREEN_TIMERS].sort = (int)i;
        }
    }
}

void tare_screen_say(struct tare_screen_state *state, bool bad, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(state->message, sizeof(state->message), format, arguments);
    va_end(arguments);
    state->message_is_bad = bad;
}

/* Moving */

static void move(struct tare_screen_state *state, struct tare_screen_list *list, const struct tare__rows *rows,
                 uint32_t key)
{
    size_t at = tare__screen_rows_cursor(rows, list, state->total);
    size_t page = state->page_rows > 1 ? (size_t)state->page_rows : 1;
    size_t last = rows->count != 0 ? rows->count - 1 : 0;
    list->moved = true;
    switch (key) {
    case TARE_SCREEN_KEY_UP:
    case 'k':
        at -= at > 0;
        break;
    case TARE_SCREEN_KEY_DOWN:
    case 'j':
        at += at < last;
        break;
    case TARE_SCREEN_KEY_PAGE_UP:
        at = at > page ? at - page : 0;
        break;
    case TARE_SCREEN_KEY_PAGE_DOWN:
        at = at + page < last ? at + page : last;
        break;
    case TARE_SCREEN_KEY_END:
    case 'G':
        at = last;
        break;
    default: /* to the first row, and to stay there, whatever comes to stand in it */
        at = 0;
        list->moved = false;
        break;
    }
    tare__screen_rows_remember(rows, at, list, state->total);
}

/* Through the columns that are on the screen: by another one it would look like no order at all. */
static void sort_by(struct tare_screen_list *list, enum tare_screen_panel panel, int step, bool total)
{
    size_t count;
    const struct tare__column *columns = tare__screen_columns(panel, &count);
    /* One more than there are columns: the order of the directory. */
    int choices = (int)count + 1, at = list->sort < 0 ? (int)count : list->sort;
    do {
        at = (at + step + choices) % choices;
    } while (at < (int)count && (!columns[at].sortable || (total && columns[at].window_only) ||
                                 (list->columns != 0 && (list->columns >> at & 1) == 0)));
    list->sort = at == (int)count ? -1 : at;
}

static void change_window(struct tare_screen_state *state, bool longer)
{
    static const double windows_s[] = {0.25, 0.5, 1, 2, 5, 10, 30, 60};
    enum { WINDOWS = sizeof(windows_s) / sizeof(windows_s[0]) };
    double found = state->window_s;
    for (int i = 0; i < WINDOWS; i++) {
        if (longer && windows_s[i] > state->window_s) {
            found = windows_s[i];
            break;
        }
        if (!longer && windows_s[i] < state->window_s) {
            found = windows_s[i];
        }
    }
    state->window_s = found;
}

/* Switching */

/* The instruments of all rows, each once: rows of one stand together. */
static int ids_of(const struct tare__rows *rows, struct tare_screen_action *action, bool *all_on)
{
    action->ids = malloc((rows->count + 1) * sizeof(*action->ids));
    if (action->ids == NULL) {
        return -ENOMEM;
    }
    *all_on = true;
    for (size_t i = 0; i < rows->count; i++) {
        const struct tare_instrument_figures *instrument = rows->rows[i].instrument;
        if (instrument != NULL && (action->count == 0 || action->ids[action->count - 1] != instrument->id)) {
            action->ids[action->count++] = instrument->id;
            *all_on = *all_on && instrument->enabled;
        }
    }
    return 0;
}

static int switch_one(struct tare_screen_state *state, const struct tare__rows *rows,
                      const struct tare_screen_list *list, struct tare_screen_action *action)
{
    size_t at = tare__screen_rows_cursor(rows, list, state->total);
    const struct tare_instrument_figures *instrument = NULL;
    /* What was shown there is meant, also if another row has come to stand in its place since. */
    for (size_t i = 0; i < rows->count; i++) {
        if (rows->rows[i].instrument != NULL && rows->rows[i].instrument->id == list->id) {
            instrument = rows->rows[i].instrument;
        }
    }
    if (instrument == NULL && at < rows->count) {
        instrument = rows->rows[at].instrument;
    }
    if (instrument == NULL) {
        tare_screen_say(state, false, "%s",
                        rows->count == 0 ? "there is nothing to switch"
                                         : "this follows from others: it has no switch");
        return 0;
    }
    action->ids = malloc(sizeof(*action->ids));
    if (action->ids == NULL) {
        return -ENOMEM;
    }
    action->ids[0] = instrument->id;
    action->count = 1;
    action->enabled = !instrument->enabled;
    action->what = TARE_SCREEN_SWITCH;
    return 0;
}

static int switch_all(struct tare_screen_state *state, const struct tare__rows *rows,
                      struct tare_screen_action *action)
{
    bool all_on;
    int failure = ids_of(rows, action, &all_on);
    if (failure == 0 && action->count != 0) {
        action->what = TARE_SCREEN_SWITCH;
        action->enabled = !all_on;
    } else if (failure == 0) {
        tare_screen_say(state, false, "there is nothing to switch");
    }
    return failure;
}

/* Prompts */

static bool append(char *text, size_t size, uint32_t c)
{
    size_t used = strlen(text);
    char bytes[5] = {0};
    if (c < 0x80) {
        bytes[0] = (char)c;
    } else if (c < 0x800) {
        bytes[0] = (char)(0xc0 | c >> 6);
        bytes[1] = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        bytes[0] = (char)(0xe0 | c >> 12);
        bytes[1] = (char)(0x80 | (c >> 6 & 0x3f));
        bytes[2] = (char)(0x80 | (c & 0x3f));
    } else {
        bytes[0] = (char)(0xf0 | c >> 18);
        bytes[1] = (char)(0x80 | (c >> 12 & 0x3f));
        bytes[2] = (char)(0x80 | (c >> 6 & 0x3f));
        bytes[3] = (char)(0x80 | (c & 0x3f));
    }
    if (used + strlen(bytes) + 1 > size) {
        return false;
    }
    strcpy(text + used, bytes);
    return true;
}

static void type_filter(struct tare_screen_state *state, uint32_t key)
{
    size_t length = strlen(state->filter);
    if (key == TARE_SCREEN_KEY_ENTER) {
        state->prompt = TARE_SCREEN_NO_PROMPT;
    } else if (key == TARE_SCREEN_KEY_ESCAPE) {
        strcpy(state->filter, state->filter_before);
        state->prompt = TARE_SCREEN_NO_PROMPT;
    } else if (key == TARE_SCREEN_KEY_BACKSPACE) {
        while (length > 0 && ((unsigned char)state->filter[length - 1] & 0xc0) == 0x80) {
            length--; /* the rest of a character */
        }
        state->filter[length > 0 ? length - 1 : 0] = '\0';
    } else if (key == 'U' - '@') { /* Ctrl-U */
        state->filter[0] = '\0';
    } else if (key >= ' ' && key != 0x7f && key < 0x110000) {
        append(state->filter, sizeof(state->filter), key);
    }
}

static int answer_reset(struct tare_screen_state *state, const struct tare__rows *rows, uint32_t key,
                        struct tare_screen_action *action)
{
    bool all_on;
    state->prompt = TARE_SCREEN_NO_PROMPT;
    if (key != 'y' && key != 'Y') {
        tare_screen_say(state, false, "nothing was voided");
        return 0;
    }
    action->what = TARE_SCREEN_VOID;
    return ids_of(rows, action, &all_on);
}

/* Panels and processes */

static void show_panel(struct tare_screen_state *state, int number)
{
    state->panel = (enum tare_screen_panel)((number + TARE_SCREEN_PANELS) % TARE_SCREEN_PANELS);
    state->panel_is_chosen = true;
    state->details = false;
}

/* The next panel in which there is something, as long as there is one. */
static void next_panel(struct tare_screen_state *state, const struct tare_process_figures *process, int step)
{
    for (int i = 0; i < TARE_SCREEN_PANELS; i++) {
        show_panel(state, (int)state->panel + step);
        if (tare__screen_panel_has(state->panel, process, state->all)) {
            break;
        }
    }
}

static void choose(struct tare_screen_state *state, const struct tare__rows *rows)
{
    size_t at = tare__screen_rows_cursor(rows, &state->lists[TARE_SCREEN_PROCESSES], state->total);
    if (at < rows->count) {
        state->has_chosen = true;
        state->process = rows->rows[at].process->id;
        state->choosing = false;
        state->filter[0] = '\0'; /* it was for the names of processes */
        for (int i = 0; i < TARE_SCREEN_PANELS; i++) {
            state->lists[i].moved = false;
            state->lists[i].top = 0;
        }
    }
}

static void help_key(struct tare_screen_state *state, uint32_t key)
{
    int page = state->page_rows > 0 ? state->page_rows : 1;
    switch (key) {
    case TARE_SCREEN_KEY_UP:
    case TARE_SCREEN_KEY_DOWN:
        state->help_top += key == TARE_SCREEN_KEY_UP ? -1 : 1;
        break;
    case TARE_SCREEN_KEY_PAGE_UP:
    case TARE_SCREEN_KEY_PAGE_DOWN:
        state->help_top += key == TARE_SCREEN_KEY_PAGE_UP ? -page : page;
        break;
    default:
        state->help = false;
        break;
    }
}

/* Keys that mean the same whatever is shown. Returns whether it was one. */
static bool common_key(struct tare_screen_state *state, uint32_t key, struct tare_screen_action *action)
{
    switch (key) {
    case 'q':
    case 'Q':
        action->what = TARE_SCREEN_QUIT;
        return true;
    case '?':
    case 'h':
        state->help = true;
        state->help_top = 0;
        return true;
    case 'f':
        state->frozen = !state->frozen;
        return true;
    case 't':
        state->total = !state->total;
        return true;
    case 'A':
        state->all = !state->all;
        return true;
    case 'w':
    case 'W':
        change_window(state, key == 'w');
        action->what = TARE_SCREEN_WINDOW;
        return true;
    case 'e':
        action->what = TARE_SCREEN_EXPORT;
        return true;
    case 'L' - '@': /* Ctrl-L */
        action->what = TARE_SCREEN_REDRAW;
        return true;
    case '/':
        strcpy(state->filter_before, state->filter);
        state->prompt = TARE_SCREEN_FILTER;
        return true;
    default:
        return false;
    }
}

static int list_key(struct tare_screen_state *state, const struct tare__rows *rows,
                    enum tare_screen_panel panel, const struct tare_process_figures *process, uint32_t key,
                    struct tare_screen_action *action)
{
    struct tare_screen_list *list = &state->lists[panel];
    switch (key) {
    case TARE_SCREEN_KEY_UP:
    case TARE_SCREEN_KEY_DOWN:
    case TARE_SCREEN_KEY_PAGE_UP:
    case TARE_SCREEN_KEY_PAGE_DOWN:
    case TARE_SCREEN_KEY_HOME:
    case TARE_SCREEN_KEY_END:
    case 'j':
    case 'k':
    case 'g':
    case 'G':
        move(state, list, rows, key);
        return 0;
    case 's':
    case 'S':
        if (panel != TARE_SCREEN_FRAMES) {
            sort_by(list, panel, key == 's' ? 1 : -1, state->total);
        }
        return 0;
    case 'r':
        list->reverse = !list->reverse;
        return 0;
    case 'p':
        state->details = false;
        state->choosing = !state->choosing || process == NULL;
        state->filter[0] = '\0';
        return 0;
    case TARE_SCREEN_KEY_ENTER:
        if (panel == TARE_SCREEN_PROCESSES) {
            choose(state, rows);
        } else if (rows->count != 0) {
            state->details = !state->details;
            list->moved = true; /* what is looked at stays, wherever sorting takes it */
        }
        return 0;
    case TARE_SCREEN_KEY_ESCAPE:
        if (panel == TARE_SCREEN_PROCESSES) {
            state->choosing = false;
        } else if (state->details) {
            state->details = false;
        } else {
            state->filter[0] = '\0';
        }
        return 0;
    default:
        break;
    }
    if (panel == TARE_SCREEN_PROCESSES) {
        return 0;
    }
    switch (key) {
    case '\t':
    case TARE_SCREEN_KEY_RIGHT:
        next_panel(state, process, 1);
        return 0;
    case TARE_SCREEN_KEY_BACK_TAB:
    case TARE_SCREEN_KEY_LEFT:
        next_panel(state, process, -1);
        return 0;
    case ' ':
        return switch_one(state, rows, list, action);
    case 'a':
        return switch_all(state, rows, action);
    case 'z':
        if (rows->instruments != 0) {
            state->prompt = TARE_SCREEN_RESET;
        } else {
            tare_screen_say(state, false, "there is nothing to void");
        }
        return 0;
    default:
        if (key >= '1' && key <= '9') {
            show_panel(state, (int)(key - '1'));
        }
        return 0;
    }
}

int tare_screen_key(struct tare_screen_state *state, const struct tare_telemetry *telemetry, uint32_t key,
                    struct tare_screen_action *action)
{
    *action = (struct tare_screen_action){0};
    state->message[0] = '\0';
    if (state->help) {
        help_key(state, key);
        return 0;
    }
    if (state->prompt == TARE_SCREEN_FILTER) {
        type_filter(state, key);
        return 0;
    }
    if (state->prompt == TARE_SCREEN_NO_PROMPT && common_key(state, key, action)) {
        return 0;
    }
    const struct tare_process_figures *process = tare_screen_process(state, telemetry);
    enum tare_screen_panel panel = process == NULL ? TARE_SCREEN_PROCESSES : state->panel;
    struct tare__rows rows;
    int failure = tare__screen_rows_make(&rows, state, panel, telemetry, process);
    if (failure == 0) {
        failure = state->prompt == TARE_SCREEN_RESET ? answer_reset(state, &rows, key, action)
                                                     : list_key(state, &rows, panel, process, key, action);
    }
    tare__screen_rows_release(&rows);
    if (failure != 0) {
        free(action->ids);
        *action = (struct tare_screen_action){0};
    }
    return failure;
}
