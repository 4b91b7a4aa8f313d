/* SPDX-License-Identifier: MIT */
/*
 * Where everything stands:
 *
 *     tare top  4711 server  up 3m12s  cpu 12.3%  38.2MiB  5 threads                last 1.0 s
 *     1 timers  2 values  3 frames  4 jit ...
 *     12 of 40 timers, by busy, filter 'read'
 *        timer                         calls/s  net avg        ±     busy
 *     ● fdtables::read_virtualfd        1.234M  12.35ns  0.412ns     1.5%
 *     ...
 *     q quit  ? help  / filter ...
 *
 * The list in the middle has what height there is. Its columns are left out by rank where it is narrow, and the
 * name gets what they leave. On a tall and wide screen, frames and hotspots stand below it.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "view/columns.h"
#include "view/screen_parts.h"

const char *const tare__screen_panel_names[TARE_SCREEN_LISTS] = {
    [TARE_SCREEN_TIMERS] = "timers",     [TARE_SCREEN_VALUES] = "values",
    [TARE_SCREEN_FRAMES] = "frames",     [TARE_SCREEN_JIT] = "jit",
    [TARE_SCREEN_GFX] = "gfx",           [TARE_SCREEN_CPU] = "cpu",
    [TARE_SCREEN_LATENCY] = "latency",   [TARE_SCREEN_MEMORY] = "memory",
    [TARE_SCREEN_HOTSPOTS] = "hotspots", [TARE_SCREEN_PROCESSES] = "processes",
};

enum {
    MARK = 2,          /* columns of the mark that says whether an instrument is enabled */
    HEAD_LINES = 3,    /* above the list */
    BELOW_HEIGHT = 40, /* from which on there is a second row of panels */
    BELOW_WIDTH = 100,
    PLACED_MAX = 24,
};

/* Columns */

struct placed {
    const struct tare__column *column;
    int x, width;
};

/* Of names, the columns that the longest one takes, without making one. */
void tare__screen_rows_measure(struct tare__rows *rows)
{
    size_t longest = 0;
    for (size_t i = 0; i < rows->count && longest < TARE_SCREEN_WIDTH_MAX; i++) {
        const struct tare__row *row = &rows->rows[i];
        const struct tare_instrument_figures *instrument = row->instrument;
        size_t length = row->kind == TARE__ROW_PROCESS && row->process->name != NULL
                            ? strlen(row->process->name)
                        : row->kind == TARE__ROW_DERIVED ? strlen(row->derived->name)
                        : row->kind != TARE__ROW_INSTRUMENT
                            ? 0
                            : strlen(instrument->module) + strlen(instrument->name) + 2 +
                                  (instrument->labels != NULL ? strlen(instrument->labels) + 2 : 0);
        longest = length > longest ? length : longest;
    }
    rows->name_columns = longest < TARE_SCREEN_WIDTH_MAX ? (int)longest : TARE_SCREEN_WIDTH_MAX;
}

enum { LOOKED_AT = 300 }; /* of many rows, for what is as wide as they need; they are made for that */

/* Columns that the longest figures beside a value take. */
static int longest_figures(const struct tare__rows *rows, const struct tare_screen_state *state, bool changes)
{
    char figures[TARE__CELL], words[TARE__CELL];
    int longest = 0;
    for (size_t i = 0; i < rows->count && i < LOOKED_AT; i++) {
        if (rows->rows[i].kind == TARE__ROW_INSTRUMENT || rows->rows[i].kind == TARE__ROW_DERIVED) {
            tare__screen_detail(figures, words, &rows->rows[i], state, changes);
            int columns = tare__columns_of(figures);
            longest = columns > longest ? columns : longest;
        }
    }
    return longest;
}

/* What the rows need in a column, of which some have long units; at least what it has. */
static int wanted_width(const struct tare__column *column, const struct tare__rows *rows,
                        const struct tare_screen_state *state)
{
    char text[TARE__CELL];
    int longest = column->width;
    for (size_t i = 0; i < rows->count && i < LOOKED_AT && longest < column->most; i++) {
        const struct tare__row *row = &rows->rows[i];
        if (row->kind == TARE__ROW_INSTRUMENT || row->kind == TARE__ROW_DERIVED || row->kind == TARE__ROW_KEY) {
            int columns = tare__columns_of(tare__screen_column_text(text, column->id, row, state));
            longest = columns > longest ? columns : longest;
        }
    }
    return longest < column->most ? longest : column->most;
}

/*
 * Widens columns of figures up to what their rows need, those at the right first, which matter more; names and
 * sentences keep the rest. Returns by how much all of them grew, `spare` at most.
 */
static int widen(struct placed *placed, size_t count, int spare, const struct tare__rows *rows,
                 const struct tare_screen_state *state)
{
    int grown = 0;
    for (size_t i = count; i-- > 0;) {
        const struct tare__column *column = placed[i].column;
        int more = column->most > 0 ? wanted_width(column, rows, state) - column->width : 0;
        more = more < spare - grown ? more : spare - grown;
        placed[i].width = column->width + (more > 0 ? more : 0);
        grown += more > 0 ? more : 0;
    }
    return grown;
}

static bool has_changes(const struct placed *placed, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (placed[i].column->id == TARE__COLUMN_CHANGE) {
            return true;
        }
    }
    return false;
}

/* The columns that fit, from left to right; returns how many. */
static size_t place_columns(struct placed placed[PLACED_MAX], enum tare_screen_panel panel, int width,
                            const struct tare__rows *rows, const struct tare_screen_state *state)
{
    enum {
        SENTENCE_MIN = 14,
        NAME_FULL = 24,
        NAME_LEAST = 30,
        BOTH_LEAST = 40,
        NAME_ALONE = 20,
        BAR_LEAST = 4,
        WITH_CHANGES = 120, /* where it is narrower, names go before them */
    };
    bool total = state->total;
    size_t count, kept = 0;
    const struct tare__column *columns = tare__screen_columns(panel, &count);
    int name_min = width < 60 ? 14 : panel == TARE_SCREEN_TIMERS ? 22 : panel == TARE_SCREEN_HOTSPOTS ? 10 : 26;
    int fixed, flexible, worst;
    int limit = INT32_MAX; /* of rank */
    do {
        fixed = MARK;
        flexible = worst = 0;
        kept = 0;
        for (size_t i = 0; i < count && kept < PLACED_MAX; i++) {
            const struct tare__column *column = &columns[i];
            if ((column->rank >= limit && column->rank != 0) || (total && column->window_only) ||
                (column->id == TARE__COLUMN_CHANGE && width < WITH_CHANGES)) {
                continue;
            }
            placed[kept++].column = column;
            fixed += column->width != 0 ? column->width + 1 : 1;
            flexible += column->width == 0;
            worst = column->rank > worst ? column->rank : worst;
        }
        limit = worst;
    } while (worst > 0 && width - fixed < name_min * (flexible > 0 ? flexible : 1));
    int rest = width - fixed > 0 ? width - fixed : 0, x = MARK;
    int least = panel == TARE_SCREEN_HOTSPOTS ? BAR_LEAST : flexible == 2 ? BOTH_LEAST : NAME_ALONE;
    rest -= widen(placed, kept, rest - least, rows, state);
    /* A name gets what the longest takes; more would only part it from its figures. */
    int longest = rows->name_columns, first = longest > NAME_FULL ? longest : NAME_FULL;
    int most = flexible < 2 ? rest : rest - SENTENCE_MIN > rest / 2 ? rest - SENTENCE_MIN : rest / 2;
    if (flexible == 2 && panel != TARE_SCREEN_PROCESSES) { /* figures go before names, and those before words */
        int left = rest - longest_figures(rows, state, has_changes(placed, kept));
        left = left > NAME_LEAST ? left : NAME_LEAST;
        most = left < most ? left : most;
    }
    first = first > most || (flexible < 2 && panel == TARE_SCREEN_HOTSPOTS) ? most : first;
    bool had_one = false;
    for (size_t i = 0; i < kept; i++) {
        int wide = placed[i].width;
        if (wide == 0) {
            wide = had_one ? rest - first : first;
            had_one = true;
        }
        placed[i].x = x;
        placed[i].width = wide;
        x += wide + 1;
    }
    return kept;
}

static void draw_header(const struct tare__area *area, const struct tare_screen_state *state,
                        enum tare_screen_panel panel, const struct placed *placed, size_t count)
{
    size_t all;
    const struct tare__column *columns = tare__screen_columns(panel, &all);
    const struct tare_screen_list *list = &state->lists[panel];
    for (size_t i = 0; i < count; i++) {
        const struct tare__column *column = placed[i].column;
        const char *title = state->total && column->total_title != NULL ? column->total_title : column->title;
        bool sorted = list->sort >= 0 && &columns[list->sort] == column;
        uint32_t attributes = TARE_SCREEN_BOLD | (sorted ? TARE_SCREEN_UNDERLINE : 0);
        if (area->ascii && column->id == TARE__COLUMN_ERROR) {
            title = "+-";
        }
        int used = tare__columns_of(title), x = placed[i].x;
        if (column->left) {
            tare__put(area, x, 0, placed[i].width, attributes, title);
            x += used;
        } else {
            tare__put_right(area, x, 0, placed[i].width, attributes, title);
            x += placed[i].width - used - 1; /* there is a space between columns, if not in them */
        }
        if (sorted) { /* figures fall, names rise */
            bool rises = list->reverse != (column->id == TARE__COLUMN_NAME || column->id == TARE__COLUMN_KEY ||
                                           column->id == TARE__COLUMN_PID);
            tare__put(area, x, 0, 1, attributes & ~(uint32_t)TARE_SCREEN_UNDERLINE,
                      area->ascii ? rises ? "^" : "v"
                      : rises     ? "▴"
                                  : "▾");
        }
    }
}

/*
 * Whole pieces of figures, as half of one would be another; words behind them may be cut. Where there is no room
 * for all, the ends of a distribution matter more than its middle, which the value beside it tells about.
 */
static void put_detail(const struct tare__area *area, int x, int y, int room, uint32_t attributes,
                       const struct tare__row *row, const struct tare_screen_state *state, bool changes)
{
    enum { WORDS_MIN = 8 };
    char figures[TARE__CELL], words[TARE__CELL];
    int end = x + room;
    tare__screen_detail(figures, words, row, state, changes);
    bool narrow = tare__columns_of(figures) > room;
    for (char *piece = figures, *next; piece != NULL && *piece != '\0'; piece = next) {
        next = strstr(piece, "  ");
        if (next != NULL) {
            *next = '\0';
            next += 2;
        }
        if (narrow && strncmp(piece, "p50 ", 4) == 0) {
            continue;
        }
        if (tare__columns_of(piece) > end - x) {
            return;
        }
        x += tare__put(area, x, y, end - x, attributes, piece) + 2;
    }
    int columns = tare__columns_of(words);
    if (columns <= end - x) {
        tare__put(area, x, y, end - x, attributes, words);
    } else if (end - x >= WORDS_MIN) {
        const char *dots = area->ascii ? ".." : "…";
        int used = tare__put(area, x, y, end - x - (area->ascii ? 2 : 1), attributes, words);
        tare__put(area, x + used, y, 2, attributes, dots);
    }
}

/* A figure, whose unit is cut where there is no room for it: never its digits. */
static void put_figure(const struct tare__area *area, int x, int y, int room, uint32_t attributes,
                       const char *text)
{
    int dots = area->ascii ? 2 : 1;
    if (tare__columns_of(text) <= room || room <= dots) {
        tare__put_right(area, x, y, room, attributes, text);
        return;
    }
    int used = tare__put(area, x, y, room - dots, attributes, text);
    tare__put(area, x + used, y, dots, attributes, area->ascii ? ".." : "…");
}

static void draw_cells(const struct tare__area *area, int y, const struct tare_screen_state *state,
                       const struct tare__row *row, const struct placed *placed, size_t count)
{
    char text[TARE__CELL];
    bool off = row->instrument != NULL && !row->instrument->enabled;
    bool ended = row->kind == TARE__ROW_PROCESS && !row->process->alive;
    bool before = row->kind == TARE__ROW_KEY && !state->total &&
                  tare__hot_readings(row->instrument, false) == &row->instrument->total;
    uint32_t attributes = off || ended || before ? TARE_SCREEN_DIM : 0;
    if (row->kind == TARE__ROW_INSTRUMENT) {
        tare__put(area, 0, y, 1, attributes, area->ascii ? off ? "-" : "*" : off ? "○" : "●");
    }
    for (size_t i = 0; i < count; i++) {
        enum tare__column_id id = placed[i].column->id;
        int x = placed[i].x, width = placed[i].width;
        if (id == TARE__COLUMN_NAME) {
            char *name = tare__screen_row_name(row);
            tare__put_middle(area, x, y, width, attributes, name != NULL ? name : "");
            free(name);
        } else if (id == TARE__COLUMN_BAR) {
            tare__put_bar(area, x, y, width, TARE_SCREEN_ACCENT,
                          tare__screen_column_number(TARE__COLUMN_SHARE, row, state->total));
        } else if (id == TARE__COLUMN_DETAIL) {
            put_detail(area, x, y, width, attributes, row, state, has_changes(placed, count));
        } else if (placed[i].column->left) {
            tare__put(area, x, y, width,
                      attributes | (id == TARE__COLUMN_KIND || id == TARE__COLUMN_PLACE ? TARE_SCREEN_DIM : 0),
                      tare__screen_column_text(text, id, row, state));
        } else {
            put_figure(area, x, y, width, attributes, tare__screen_column_text(text, id, row, state));
        }
    }
}

void tare__draw_rows(const struct tare__area *area, const struct tare_screen_state *state,
                     enum tare_screen_panel panel, const struct tare__rows *rows, size_t top, size_t cursor)
{
    struct placed placed[PLACED_MAX];
    size_t count = place_columns(placed, panel, area->width, rows, state);
    int y = 0;
    if (panel != TARE_SCREEN_FRAMES) {
        draw_header(area, state, panel, placed, count);
        y = 1;
    }
    for (size_t i = top; i < rows->count && y < area->height; i++, y++) {
        const struct tare__row *row = &rows->rows[i];
        switch (row->kind) {
        case TARE__ROW_TITLE:
            tare__draw_title_row(area, y, state, row);
            break;
        case TARE__ROW_PROCESS:
        case TARE__ROW_INSTRUMENT:
        case TARE__ROW_DERIVED:
        case TARE__ROW_KEY:
            draw_cells(area, y, state, row, placed, count);
            break;
        default:
            tare__draw_frame_row(area, y, state, row);
            break;
        }
        if (i == cursor) {
            tare__screen_mark(area, 0, y, area->width, TARE_SCREEN_REVERSE);
        }
    }
}

/* Which columns there are, for the keys that sort by them. */
static uint64_t columns_drawn(enum tare_screen_panel panel, int width, const struct tare__rows *rows,
                              const struct tare_screen_state *state)
{
    struct placed placed[PLACED_MAX];
    size_t all, count = place_columns(placed, panel, width, rows, state);
    const struct tare__column *columns = tare__screen_columns(panel, &all);
    uint64_t drawn = 0;
    for (size_t i = 0; i < count; i++) {
        drawn |= UINT64_C(1) << (placed[i].column - columns);
    }
    return drawn;
}

/* Above the list */

/* As tare run warns of it. */
#define MEASURING_MOST 0.1

static double window_of(const struct tare_telemetry *telemetry, const struct tare_process_figures *process)
{
    return process != NULL && !isnan(process->window_ns) ? process->window_ns
           : telemetry != NULL                           ? telemetry->window_ns
                                                         : NAN;
}

/* Two columns on, if all of it has room; returns where it ends. */
static int put_piece(const struct tare__area *area, int x, int room, uint32_t attributes, const char *text)
{
    int columns = tare__columns_of(text);
    return x + 2 + columns + 2 > room ? x : x + 2 + tare__put(area, x + 2, 0, columns, attributes, text);
}

/* A process of the same name that runs, the newest; NULL: there is none. */
static const struct tare_process_figures *namesake(const struct tare_telemetry *telemetry,
                                                   const struct tare_process_figures *process)
{
    const struct tare_process_figures *found = NULL;
    for (size_t i = 0; telemetry != NULL && process->name != NULL && i < telemetry->process_count; i++) {
        const struct tare_process_figures *other = &telemetry->processes[i];
        if (other->alive && other->name != NULL && strcmp(other->name, process->name) == 0 &&
            (found == NULL || other->age_ns < found->age_ns)) {
            found = other;
        }
    }
    return found;
}

/* Those that have counted something are not all that there are. */
static void describe_threads(char *text, size_t size, const struct tare_process_figures *process, bool narrow)
{
    uint64_t counting = process->threads, all = process->process_threads;
    if (all == TARE_COUNT_UNKNOWN || all == 0 || all < counting) { /* it is counted at another moment */
        snprintf(text, size, "%" PRIu64 " thread%s", counting, counting == 1 ? " counts" : "s count");
    } else if (counting == all) {
        snprintf(text, size, "%" PRIu64 " thread%s", all, all == 1 ? "" : "s");
    } else if (narrow) {
        snprintf(text, size, "%" PRIu64 "/%" PRIu64 " thr", counting, all);
    } else {
        snprintf(text, size, "%" PRIu64 " of %" PRIu64 " thread%s", counting, all,
                 all == 1 ? " counts" : "s count");
    }
}

void tare__draw_process_line(const struct tare__area *area, const struct tare_screen_state *state,
                             const struct tare_telemetry *telemetry, const struct tare_process_figures *process,
                             uint32_t attributes)
{
    char right[64] = "", figure[TARE__FIGURE], number[TARE__VIEW_NUMBER];
    double window_ns = window_of(telemetry, process);
    if (state->total || (process != NULL && !process->alive)) {
        snprintf(right, sizeof(right), "%s", state->total ? "since the start" : "");
    } else if (!isnan(window_ns)) {
        snprintf(right, sizeof(right), "last %s s", tare__view_fixed(number, window_ns / 1e9, 1));
    }
    for (int x = 0; x < area->width; x++) {
        tare__put_character(area, x, 0, attributes, ' ');
    }
    int room = area->width - tare__columns_of(right) - 1, x = 0;
    tare__put_right(area, 0, 0, area->width - 1, attributes, right);
    if (state->frozen) {
        room -= 8;
        tare__put(area, room + 1, 0, 6, attributes | TARE_SCREEN_BOLD, "FROZEN");
    }
    if (process == NULL) {
        tare__put(area, 1, 0, room - 1, attributes | TARE_SCREEN_BOLD, "tare top");
        return;
    }
    char text[TARE__CELL];
    snprintf(text, sizeof(text), " %d %.200s", (int)process->pid, process->name != NULL ? process->name : "");
    x = tare__put(area, 0, 0, room, attributes | TARE_SCREEN_BOLD, text);
    if (!process->alive) {
        tare__put(area, x + 2, 0, room - x - 2, attributes | TARE_SCREEN_BOLD | TARE_SCREEN_WARN,
                  state->total ? "ended; these are its last totals"
                               : "ended; no window is left: t shows totals");
        return;
    }
    snprintf(text, sizeof(text), "up %s", tare__figure_age(figure, process->age_ns));
    x = put_piece(area, x, room, attributes, text);
    if (!isnan(process->cpu_share)) {
        snprintf(text, sizeof(text), "cpu %s", tare__figure_share(figure, process->cpu_share));
        x = put_piece(area, x, room, attributes, text);
    }
    if (process->measuring_share > 0) {
        bool much = process->measuring_share > MEASURING_MOST;
        snprintf(text, sizeof(text), "measuring %s", tare__figure_share(figure, process->measuring_share));
        x = put_piece(area, x, room, attributes | (much ? TARE_SCREEN_BOLD | TARE_SCREEN_WARN : 0), text);
    }
    if (!isnan(process->resident_bytes)) {
        x = put_piece(area, x, room, attributes, tare__figure_bytes(figure, process->resident_bytes));
    }
    describe_threads(text, sizeof(text), process, false);
    int before = x;
    x = put_piece(area, x, room, attributes, text);
    if (x == before) {
        describe_threads(text, sizeof(text), process, true);
        x = put_piece(area, x, room, attributes, text);
    }
    if (process->clock != NULL) {
        snprintf(text, sizeof(text), "clock %.32s", process->clock);
        put_piece(area, x, room, attributes, text);
    }
}

static void draw_panel_line(const struct tare__area *area, const struct tare_screen_state *state,
                            const struct tare_process_figures *process)
{
    int wide = 0, x = 0;
    for (int i = 0; i < TARE_SCREEN_PANELS; i++) {
        wide += (int)strlen(tare__screen_panel_names[i]) + 3;
    }
    int gap = area->width >= wide + TARE_SCREEN_PANELS ? 2 : 1;
    bool words = area->width >= wide - 1;
    unsigned filled = tare__screen_panels(process, state->all);
    for (int i = 0; i < TARE_SCREEN_PANELS; i++) {
        bool shown = (enum tare_screen_panel)i == state->panel && !state->choosing;
        uint32_t attributes = shown ? TARE_SCREEN_REVERSE : (filled >> i & 1) != 0 ? 0 : TARE_SCREEN_DIM;
        char text[32];
        snprintf(text, sizeof(text), words || shown ? "%d %s" : "%d", i + 1, tare__screen_panel_names[i]);
        x += tare__put(area, x, 1, area->width - x, attributes, text) + gap;
    }
}

void tare__screen_notice(char *text, size_t size, const struct tare_process_figures *process,
                         enum tare_screen_panel panel, bool keys)
{
    size_t timers = 0, enabled = 0;
    text[0] = '\0';
    for (size_t i = 0; i < process->instrument_count; i++) {
        timers += process->instruments[i].kind == TARE_KIND_TIMER;
        enabled += process->instruments[i].kind == TARE_KIND_TIMER && process->instruments[i].enabled;
    }
    if (panel == TARE_SCREEN_TIMERS && timers != 0 && enabled == 0 && process->alive) {
        snprintf(text, size,
                 keys ? "no timer is on: space switches one on, a all of them"
                      : "no timer is on: --enable GLOB switches timers on");
        return;
    }
    if (process->measuring_share > MEASURING_MOST) {
        char figure[TARE__FIGURE];
        snprintf(text, size, "measuring takes %s of its processor time: switch off what is called most",
                 tare__figure_share(figure, process->measuring_share));
    }
    const struct {
        uint64_t count;
        const char *what;
    } losses[] = {
        {process->lost_instruments, "instruments found no room"},
        {process->lost_threads, "threads found no room"},
        {process->lost_scopes, "scopes of such threads lost"},
        {process->dropped_scopes, "recordings in signal handlers dropped"},
        {process->lost_extras, "tables or rings found no room"},
    };
    for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++) {
        size_t used = strlen(text);
        if (losses[i].count != 0 && used < size) {
            snprintf(text + used, size - used, "%s%" PRIu64 " %s", used != 0 ? ", " : "", losses[i].count,
                     losses[i].what);
        }
    }
}

static void draw_info_line(const struct tare__area *area, const struct tare_screen_state *state,
                           enum tare_screen_panel panel, const struct tare__rows *rows,
                           const struct tare_process_figures *process, const struct tare_telemetry *telemetry)
{
    char text[512];
    size_t columns_count, shown = panel == TARE_SCREEN_PROCESSES ? rows->count : rows->instruments;
    const struct tare__column *columns = tare__screen_columns(panel, &columns_count);
    const struct tare_screen_list *list = &state->lists[panel];
    bool sorted = panel != TARE_SCREEN_FRAMES && list->sort >= 0 && (size_t)list->sort < columns_count;
    size_t used = (size_t)snprintf(text, sizeof(text), "%zu", shown);
    if (*state->filter != '\0') {
        used += (size_t)snprintf(text + used, sizeof(text) - used, " of %zu", rows->all);
    }
    bool one = (*state->filter != '\0' ? rows->all : shown) == 1;
    used += (size_t)snprintf(text + used, sizeof(text) - used, " %s%s",
                             panel == TARE_SCREEN_TIMERS      ? "timer"
                             : panel == TARE_SCREEN_PROCESSES ? "process"
                                                              : "instrument",
                             one                              ? ""
                             : panel == TARE_SCREEN_PROCESSES ? "es"
                                                              : "s");
    if (sorted) {
        used +=
            (size_t)snprintf(text + used, sizeof(text) - used, ", by %s%s",
                             columns[list->sort].id == TARE__COLUMN_ERROR ? "error" : columns[list->sort].title,
                             list->reverse ? ", reversed" : "");
    }
    if (*state->filter != '\0') {
        used += (size_t)snprintf(text + used, sizeof(text) - used, ", filter '%s'", state->filter);
    }
    if (rows->silent != 0) {
        used += (size_t)snprintf(text + used, sizeof(text) - used, ", %zu never counted: A shows %s",
                                 rows->silent, rows->silent == 1 ? "it" : "them");
    }
    if (panel == TARE_SCREEN_PROCESSES && telemetry != NULL && telemetry->denied != 0) {
        snprintf(text + used, sizeof(text) - used, ", %zu more may not be looked at", telemetry->denied);
    }
    int x = tare__put(area, 0, 2, area->width, TARE_SCREEN_DIM, text) + 2;
    if (panel != TARE_SCREEN_PROCESSES) {
        const struct tare_process_figures *other = process->alive ? NULL : namesake(telemetry, process);
        tare__screen_notice(text, sizeof(text), process, panel, true);
        if (other != NULL) { /* that one is what to look at */
            snprintf(text, sizeof(text), "process %d of that name runs: p", (int)other->pid);
        }
        tare__put(area, x, 2, area->width - x, TARE_SCREEN_WARN | TARE_SCREEN_BOLD, text);
    }
}

/* Below the list */

static void draw_last_line(const struct tare__area *area, const struct tare_screen_state *state,
                           const struct tare__rows *rows)
{
    static const char *const hints[] = {
        "q quit",   "? help",   "/ filter", "s sort",  "space on/off", "a all",    "t totals",
        "f freeze", "w window", "e export", "z reset", "p processes",  "tab next", "r reversed",
    };
    int y = area->height - 1, x = 0;
    if (state->prompt == TARE_SCREEN_FILTER) {
        x = tare__put(area, 0, y, area->width, TARE_SCREEN_BOLD, "filter: ");
        x += tare__put(area, x, y, area->width - x - 1, 0, state->filter);
        area->screen->cursor_x = x;
        area->screen->cursor_y = y;
        return;
    }
    if (state->prompt == TARE_SCREEN_RESET) {
        char text[96];
        snprintf(text, sizeof(text), "void what %zu instrument%s counted so far? y or n", rows->instruments,
                 rows->instruments == 1 ? "" : "s");
        tare__put(area, 0, y, area->width, TARE_SCREEN_BOLD | TARE_SCREEN_WARN, text);
        return;
    }
    if (state->message[0] != '\0') {
        tare__put(area, 0, y, area->width, TARE_SCREEN_BOLD | (state->message_is_bad ? TARE_SCREEN_BAD : 0),
                  state->message);
        return;
    }
    if (state->details) {
        tare__put(area, 0, y, area->width, TARE_SCREEN_DIM, "Enter or Esc goes back");
        return;
    }
    for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
        int columns = (int)strlen(hints[i]), key = (int)strcspn(hints[i], " ");
        if (x + columns > area->width) {
            break;
        }
        tare__put(area, x, y, columns, TARE_SCREEN_DIM, hints[i]);
        tare__put(area, x, y, key, TARE_SCREEN_BOLD, hints[i]);
        x += columns + 2;
    }
}

static int draw_panel_in(const struct tare__area *area, const struct tare_screen_state *state,
                         enum tare_screen_panel panel, const struct tare_telemetry *telemetry,
                         const struct tare_process_figures *process)
{
    struct tare__rows rows;
    int failure = tare__screen_rows_make(&rows, state, panel, telemetry, process);
    if (failure == 0) {
        tare__screen_rows_measure(&rows);
        const struct tare__area below = {area->screen, area->x,          area->y + 1,
                                         area->width,  area->height - 1, area->ascii};
        tare__put(area, 0, 0, area->width, TARE_SCREEN_BOLD | TARE_SCREEN_ACCENT,
                  tare__screen_panel_names[panel]);
        tare__draw_rows(&below, state, panel, &rows, 0, SIZE_MAX);
        tare__screen_rows_release(&rows);
    }
    return failure;
}

/* Frames and hotspots, where there is room for more than one panel. Returns the lines it took, or -ENOMEM. */
static int draw_below(const struct tare__area *area, const struct tare_screen_state *state,
                      const struct tare_telemetry *telemetry, const struct tare_process_figures *process,
                      size_t rows_above)
{
    static const enum tare_screen_panel candidates[] = {TARE_SCREEN_FRAMES, TARE_SCREEN_HOTSPOTS,
                                                        TARE_SCREEN_VALUES};
    enum tare_screen_panel panels[2];
    int count = 0;
    if (area->height < BELOW_HEIGHT || area->width < BELOW_WIDTH) {
        return 0;
    }
    for (size_t i = 0; i < sizeof(candidates) / sizeof(candidates[0]) && count < 2; i++) {
        if (candidates[i] != state->panel && tare__screen_panel_has(candidates[i], process, state->all)) {
            panels[count++] = candidates[i];
        }
    }
    /* A third of the height, and what a short list does not take. */
    int above = HEAD_LINES + 2 + (rows_above < BELOW_HEIGHT ? (int)rows_above : BELOW_HEIGHT);
    int third = area->height / 3, free_lines = area->height - 1 - above;
    int lines = count == 0 ? 0 : free_lines > third ? free_lines : third;
    int width = count != 0 ? (area->width - (count - 1) * 2) / count : 0;
    for (int i = 0; i < count; i++) {
        const struct tare__area part = {area->screen, i * (width + 2), area->height - 1 - lines,
                                        width,        lines,           area->ascii};
        int failure = draw_panel_in(&part, state, panels[i], telemetry, process);
        if (failure != 0) {
            return failure;
        }
    }
    return lines;
}

/* Scrolls as little as it takes for the cursor to be seen. */
static void scroll_to_cursor(struct tare_screen_list *list, size_t cursor, size_t count, int lines)
{
    size_t page = lines > 0 ? (size_t)lines : 1;
    if (cursor < list->top) {
        list->top = cursor;
    } else if (cursor >= list->top + page) {
        list->top = cursor - page + 1;
    }
    size_t last = count > page ? count - page : 0;
    list->top = list->top > last ? last : list->top;
}

static void draw_how_to_begin(const struct tare__area *area)
{
    static const char *const lines[] = {
        "a program has one if it uses tare/tare.h and runs; or, in another terminal:",
        "  tare run --libc PROGRAM       calls of its C library, nothing built in",
        "  tare run --functions PROGRAM  its functions, if it was built for that",
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        tare__put(area, MARK, 3 + (int)i, area->width - MARK, TARE_SCREEN_DIM, lines[i]);
    }
}

static int draw_list(const struct tare__area *area, struct tare_screen_state *state,
                     const struct tare_telemetry *telemetry, const struct tare_process_figures *process)
{
    enum tare_screen_panel panel = process == NULL ? TARE_SCREEN_PROCESSES : state->panel;
    struct tare_screen_list *list = &state->lists[panel];
    struct tare__rows rows;
    int failure = tare__screen_rows_make(&rows, state, panel, telemetry, process);
    int taken = failure == 0 && process != NULL ? draw_below(area, state, telemetry, process, rows.count) : 0;
    failure = failure != 0 ? failure : taken < 0 ? taken : 0;
    if (failure != 0) {
        tare__screen_rows_release(&rows);
        return failure;
    }
    tare__screen_rows_measure(&rows);
    const struct tare__area middle = {
        area->screen, 0, HEAD_LINES, area->width, area->height - HEAD_LINES - 1 - taken - (taken != 0),
        area->ascii};
    state->page_rows = middle.height - (panel != TARE_SCREEN_FRAMES);
    size_t cursor = tare__screen_rows_cursor(&rows, list, state->total);
    scroll_to_cursor(list, cursor, rows.count, state->page_rows);
    tare__screen_rows_remember(&rows, cursor, list, state->total);
    list->columns = columns_drawn(panel, middle.width, &rows, state);
    draw_info_line(area, state, panel, &rows, process, telemetry);
    state->details = state->details && panel != TARE_SCREEN_PROCESSES && cursor < rows.count;
    if (state->details) {
        tare__draw_details(&middle, state, &rows.rows[cursor]);
    } else {
        tare__draw_rows(&middle, state, panel, &rows, list->top, cursor);
    }
    if (rows.count == 0) {
        bool none = panel == TARE_SCREEN_PROCESSES && rows.all == 0;
        tare__put(&middle, MARK, 1, area->width - MARK, TARE_SCREEN_DIM,
                  *state->filter != '\0' && rows.all != 0 ? "the filter lets none through (/ Esc clears it)"
                  : rows.silent != 0 ? "nothing of this ever counted (A shows what there is)"
                  : none             ? "no live process has a page; this looks for one each second"
                                     : "this process has none of these");
        if (none) {
            draw_how_to_begin(&middle);
        }
    }
    draw_last_line(area, state, &rows);
    tare__screen_rows_release(&rows);
    return 0;
}

const struct tare_process_figures *tare_screen_process(const struct tare_screen_state *state,
                                                       const struct tare_telemetry *telemetry)
{
    if (telemetry == NULL || state->choosing) {
        return NULL;
    }
    if (!state->has_chosen) {
        return telemetry->process_count == 1 ? &telemetry->processes[0] : NULL;
    }
    for (size_t i = 0; i < telemetry->process_count; i++) {
        if (telemetry->processes[i].id == state->process) {
            return &telemetry->processes[i];
        }
    }
    return NULL;
}

static bool has_timer_on(const struct tare_process_figures *process)
{
    for (size_t i = 0; i < process->instrument_count; i++) {
        if (process->instruments[i].kind == TARE_KIND_TIMER && process->instruments[i].enabled) {
            return true;
        }
    }
    return false;
}

/* What is seen of a process first: timers, if any is on; else what there is, if nobody has chosen. */
static void greet(struct tare_screen_state *state, const struct tare_process_figures *process)
{
    static const enum tare_screen_panel order[] = {
        TARE_SCREEN_FRAMES, TARE_SCREEN_VALUES, TARE_SCREEN_HOTSPOTS, TARE_SCREEN_JIT,
        TARE_SCREEN_GFX,    TARE_SCREEN_CPU,    TARE_SCREEN_LATENCY,  TARE_SCREEN_MEMORY};
    if (state->panel_is_chosen || (state->has_greeted && state->greeted == process->id)) {
        return;
    }
    state->has_greeted = true;
    state->greeted = process->id;
    state->panel = TARE_SCREEN_TIMERS;
    for (size_t i = 0; !has_timer_on(process) && i < sizeof(order) / sizeof(order[0]); i++) {
        if (tare__screen_panel_has(order[i], process, state->all)) {
            state->panel = order[i];
            return;
        }
    }
}

/* One that has ended has no window any more. */
static void settle_total(struct tare_screen_state *state, const struct tare_process_figures *process)
{
    if (process != NULL && !process->alive && !state->ended_total) {
        state->total_before = state->total;
        state->total = state->ended_total = true;
    } else if (process != NULL && process->alive && state->ended_total) {
        state->total = state->total_before;
        state->ended_total = false;
    }
}

/* As much of it as fits into a line, or else over several of them, parted between words. */
static void draw_too_small(const struct tare__area *area)
{
    char text[96], need[32];
    snprintf(text, sizeof(text), "%dx%d is too small: %dx%d at least", area->width, area->height,
             TARE_SCREEN_WIDTH_MIN, TARE_SCREEN_HEIGHT_MIN);
    snprintf(need, sizeof(need), "need %dx%d", TARE_SCREEN_WIDTH_MIN, TARE_SCREEN_HEIGHT_MIN);
    if (area->height < 2 && (int)strlen(text) > area->width) {
        strcpy(text, need);
    }
    const char *word = text;
    for (int x = 0, y = 0; *word != '\0' && y < area->height;) {
        int length = (int)strcspn(word, " ");
        if (x > 0 && x + length > area->width) {
            x = 0;
            y++;
            continue;
        }
        for (int i = 0; i < length; i++) {
            tare__put_character(area, x + i, y, 0, (uint32_t)word[i]);
        }
        x += length + 1;
        word += length + (word[length] == ' ');
    }
}

int tare_screen_draw(struct tare_screen *screen, struct tare_screen_state *state,
                     const struct tare_telemetry *telemetry)
{
    int failure = tare_screen_resize(screen, screen->width, screen->height);
    if (failure != 0) {
        return failure;
    }
    const struct tare__area area = {screen, 0, 0, screen->width, screen->height, state->ascii};
    if (screen->width < TARE_SCREEN_WIDTH_MIN || screen->height < TARE_SCREEN_HEIGHT_MIN) {
        draw_too_small(&area);
        return 0;
    }
    const struct tare_process_figures *process = tare_screen_process(state, telemetry);
    if (process != NULL) { /* the one that is shown stays, also when others come */
        state->has_chosen = true;
        state->process = process->id;
        greet(state, process);
    }
    settle_total(state, process);
    tare__draw_process_line(&area, state, telemetry, process, TARE_SCREEN_REVERSE);
    if (state->help) {
        tare__draw_help(&area, state);
        return 0;
    }
    if (process != NULL) {
        draw_panel_line(&area, state, process);
    } else {
        tare__put(&area, 0, 1, area.width, TARE_SCREEN_BOLD,
                  state->choosing ? "processes: Enter shows one, Esc goes back" : "processes: Enter shows one");
    }
    return draw_list(&area, state, telemetry, process);
}
