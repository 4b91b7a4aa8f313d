/* SPDX-License-Identifier: MIT */
/*
 * Which rows a list has, in which order. They are made anew from each snapshot; what is drawn of them is what
 * fits, so making them has to be cheap for thousands of instruments: no text is made but where a filter or an
 * order asks for it.
 */
#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "view/screen_parts.h"

/* The module whose instruments a panel is for; NULL: it goes by kind. */
static const char *module_of(enum tare_screen_panel panel)
{
    static const char *const modules[TARE_SCREEN_PANELS] = {
        [TARE_SCREEN_JIT] = "jit",         [TARE_SCREEN_GFX] = "gfx",       [TARE_SCREEN_CPU] = "cpu",
        [TARE_SCREEN_LATENCY] = "latency", [TARE_SCREEN_MEMORY] = "memory",
    };
    return panel < TARE_SCREEN_PANELS ? modules[panel] : NULL;
}

/* "jit" and "jit.cache" belong to "jit". */
static bool belongs(const char *name, const char *module)
{
    size_t length = strlen(module);
    return strncmp(name, module, length) == 0 && (name[length] == '\0' || name[length] == '.');
}

/* The panel of the set that an instrument is of; -1: of none. There may be thousands to ask. */
static int panel_of_set(const char *module)
{
    if (strchr("jgclm", *module) == NULL) {
        return -1;
    }
    for (int i = 0; i < TARE_SCREEN_PANELS; i++) {
        const char *of = module_of((enum tare_screen_panel)i);
        if (of != NULL && belongs(module, of)) {
            return i;
        }
    }
    return -1;
}

static unsigned bit(int panel)
{
    return panel >= 0 ? 1u << panel : 0;
}

/* The panels that it is in, a bit each: timers, frames and hot keys of a set are in two. */
static unsigned panels_of(const struct tare_instrument_figures *instrument)
{
    int set = panel_of_set(instrument->module);
    switch (instrument->kind) {
    case TARE_KIND_TIMER:
        return bit(TARE_SCREEN_TIMERS) | bit(set);
    case TARE_KIND_FRAMES:
        return bit(TARE_SCREEN_FRAMES) | bit(set);
    case TARE_KIND_TOPK:
        return bit(TARE_SCREEN_HOTSPOTS) | bit(set);
    case TARE_KIND_COUNTER:
    case TARE_KIND_GAUGE:
    case TARE_KIND_HISTOGRAM:
    case TARE_KIND_STATE:
        return set >= 0 ? bit(set) : bit(TARE_SCREEN_VALUES);
    default:
        return bit(set);
    }
}

/* Of a set there are many instruments at once, and mostly not all of them are used. */
static bool is_silent(const struct tare_instrument_figures *instrument)
{
    const struct tare_readings *total = &instrument->total;
    if (panel_of_set(instrument->module) < 0) {
        return false;
    }
    switch (instrument->kind) {
    case TARE_KIND_GAUGE:
        return isnan(total->value) && isnan(total->peak); /* one that was told to be 0 says something */
    case TARE_KIND_HISTOGRAM:
        return total->distribution.count == 0;
    case TARE_KIND_COUNTER:
        return total->total == 0;
    default:
        return false;
    }
}

static bool is_derived_in(enum tare_screen_panel panel, const struct tare_derived *derived)
{
    const char *module = module_of(panel);
    return module != NULL && belongs(derived->name, module);
}

unsigned tare__screen_panels(const struct tare_process_figures *process, bool all)
{
    const unsigned every = (1u << TARE_SCREEN_PANELS) - 1;
    unsigned found = 0;
    for (size_t i = 0; process != NULL && i < process->instrument_count && found != every; i++) {
        const struct tare_instrument_figures *instrument = &process->instruments[i];
        unsigned panels = panels_of(instrument);
        if ((panels & ~found) != 0 && (all || !is_silent(instrument))) {
            found |= panels;
        }
    }
    return found;
}

bool tare__screen_panel_has(enum tare_screen_panel panel, const struct tare_process_figures *process, bool all)
{
    return (tare__screen_panels(process, all) >> panel & 1) != 0;
}

/* Names */

static bool contains(const char *text, const char *part)
{
    size_t length = strlen(part);
    for (; *text != '\0'; text++) {
        size_t i = 0;
        while (i < length) {
            unsigned char found = (unsigned char)text[i], wanted = (unsigned char)part[i];
            if (found != wanted && !(wanted >= 'a' && wanted <= 'z' && found == wanted - 'a' + 'A')) {
                break;
            }
            i++;
        }
        if (i == length) {
            return true;
        }
    }
    return length == 0;
}

bool tare_screen_filter_matches(const char *filter, const char *name)
{
    return strpbrk(filter, "*?[") != NULL ? fnmatch(filter, name, 0) == 0 : contains(name, filter);
}

char *tare__screen_row_name(const struct tare__row *row)
{
    if (row->kind == TARE__ROW_PROCESS) {
        return strdup(row->process->name != NULL ? row->process->name : "?");
    }
    return row->kind == TARE__ROW_DERIVED ? strdup(row->derived->name)
                                          : tare_instrument_full_name(row->instrument);
}

/* A name that cannot be made for want of memory is not found. */
static bool passes(const char *filter, const struct tare__row *row)
{
    if (*filter == '\0') {
        return true;
    }
    char *name = tare__screen_row_name(row);
    bool found = name != NULL && tare_screen_filter_matches(filter, name);
    if (!found && name != NULL && row->instrument != NULL && row->instrument->labels != NULL) {
        size_t length = strlen(name), labels = strlen(row->instrument->labels) + 2;
        name[length > labels ? length - labels : 0] = '\0'; /* a pattern need not say them */
        found = tare_screen_filter_matches(filter, name);
    }
    free(name);
    if (row->kind == TARE__ROW_PROCESS && !found) {
        char pid[24];
        snprintf(pid, sizeof(pid), "%d", (int)row->process->pid);
        found = tare_screen_filter_matches(filter, pid);
    }
    return found;
}

/* Making */

struct builder {
    struct tare__rows *rows;
    size_t room;
    bool failed;
};

static void push(struct builder *builder, struct tare__row row)
{
    struct tare__rows *rows = builder->rows;
    if (rows->count == builder->room) {
        size_t room = builder->room * 2 + 64;
        struct tare__row *more = realloc(rows->rows, room * sizeof(*more));
        if (more == NULL) {
            builder->failed = true;
            return;
        }
        rows->rows = more;
        builder->room = room;
    }
    row.order = rows->count;
    rows->rows[rows->count++] = row;
}

static void push_kind(struct builder *builder, struct tare__row row, enum tare__row_kind kind, size_t count)
{
    row.kind = kind;
    for (size_t i = 0; i < count; i++) {
        row.index = (uint32_t)i;
        push(builder, row);
    }
}

static size_t parts_of(const struct tare_instrument_figures *instrument)
{
    size_t count = 0;
    while (count < TARE_FRAME_PARTS_MAX && instrument->names != NULL && instrument->names[count] != NULL) {
        count++;
    }
    return count;
}

static void push_frames(struct builder *builder, struct tare__row row)
{
    push_kind(builder, row, TARE__ROW_GAP, builder->rows->count != 0);
    push_kind(builder, row, TARE__ROW_TITLE, 1);
    push_kind(builder, row, TARE__ROW_CURVE, TARE__CURVE_LINES);
    push_kind(builder, row, TARE__ROW_FRAME_HEADER, 1);
    push_kind(builder, row, TARE__ROW_FRAME_WINDOW, 1);
    push_kind(builder, row, TARE__ROW_FRAME_RING, 1);
    push_kind(builder, row, TARE__ROW_FRAME_TOTAL, 1);
    push_kind(builder, row, TARE__ROW_PART, parts_of(row.instrument));
    push_kind(builder, row, TARE__ROW_SLOW_TITLE, 1);
    push_kind(builder, row, TARE__ROW_SLOW, row.instrument->slow_count);
}

const struct tare_readings *tare__hot_readings(const struct tare_instrument_figures *instrument, bool total)
{
    const struct tare_readings *rolling = &instrument->rolling;
    return total || !rolling->known || rolling->key_count == 0 ? &instrument->total : rolling;
}

/* A filter that does not name the instrument may name keys of it. */
static bool push_hotspots(struct builder *builder, struct tare__row row, const struct tare_screen_state *state)
{
    const struct tare_readings *readings = tare__hot_readings(row.instrument, state->total);
    size_t title = builder->rows->count;
    bool all = passes(state->filter, &row);
    push_kind(builder, row, TARE__ROW_TITLE, 1);
    row.kind = TARE__ROW_KEY;
    for (size_t i = 0; i < readings->key_count; i++) {
        char key[32];
        snprintf(key, sizeof(key), "0x%" PRIx64, readings->keys[i].key);
        if (all || tare_screen_filter_matches(state->filter, key)) {
            row.index = (uint32_t)i;
            push(builder, row);
        }
    }
    if (!all && builder->rows->count == title + 1) {
        builder->rows->count = title;
        return false;
    }
    return true;
}

static void push_processes(struct builder *builder, const struct tare_screen_state *state,
                           const struct tare_telemetry *telemetry)
{
    for (size_t i = 0; telemetry != NULL && i < telemetry->process_count; i++) {
        const struct tare__row row = {.kind = TARE__ROW_PROCESS, .process = &telemetry->processes[i]};
        builder->rows->all++;
        if (passes(state->filter, &row)) {
            push(builder, row);
        }
    }
}

static void push_instruments(struct builder *builder, const struct tare_screen_state *state,
                             enum tare_screen_panel panel, const struct tare_process_figures *process)
{
    struct tare__rows *rows = builder->rows;
    /* Where no instrument has anything to say, neither has what follows from them; else unknown is "-". */
    bool has_any = process->derived_count != 0 && tare__screen_panel_has(panel, process, state->all);
    for (size_t i = 0; i < process->derived_count && has_any; i++) {
        const struct tare__row row = {
            .kind = TARE__ROW_DERIVED, .process = process, .derived = &process->derived[i]};
        if (is_derived_in(panel, row.derived) && passes(state->filter, &row)) {
            push(builder, row);
        }
    }
    for (size_t i = 0; i < process->instrument_count; i++) {
        const struct tare__row row = {
            .kind = TARE__ROW_INSTRUMENT, .process = process, .instrument = &process->instruments[i]};
        if ((panels_of(row.instrument) >> panel & 1) == 0) {
            continue;
        }
        if (!state->all && is_silent(row.instrument)) {
            rows->silent++;
            continue;
        }
        rows->all++;
        if (panel == TARE_SCREEN_HOTSPOTS) {
            rows->instruments += push_hotspots(builder, row, state);
        } else if (passes(state->filter, &row)) {
            rows->instruments++;
            if (panel == TARE_SCREEN_FRAMES) {
                push_frames(builder, row);
            } else {
                push(builder, row);
            }
        }
    }
}

/* Sorting */

struct sorting {
    enum tare__column_id column;
    bool plain; /* by no column */
    bool total, reverse;
};

/* The pieces that a name is displayed in, one behind the other. */
enum { PIECES = 6 };
static void pieces_of(const struct tare__row *row, const char *pieces[PIECES])
{
    const struct tare_instrument_figures *instrument = row->instrument;
    const char *name = row->kind == TARE__ROW_PROCESS   ? row->process->name
                       : row->kind == TARE__ROW_DERIVED ? row->derived->name
                                                        : NULL;
    const char *const simple[PIECES] = {name != NULL ? name : "", "", "", "", "", ""};
    memcpy(pieces, simple, sizeof(simple));
    if (row->kind != TARE__ROW_PROCESS && row->kind != TARE__ROW_DERIVED) {
        bool labels = instrument->labels != NULL && *instrument->labels != '\0';
        const char *const parts[PIECES] = {instrument->module,
                                           instrument->kind == TARE_KIND_TIMER ? "::" : ".",
                                           instrument->name,
                                           labels ? "{" : "",
                                           labels ? instrument->labels : "",
                                           labels ? "}" : ""};
        memcpy(pieces, parts, sizeof(parts));
    }
}

static unsigned char next_byte(const char *pieces[PIECES], int *piece)
{
    while (*piece < PIECES && *pieces[*piece] == '\0') {
        ++*piece;
    }
    return *piece < PIECES ? (unsigned char)*pieces[*piece]++ : 0;
}

/* Two of one module, which most are: from where their names part. */
static int compare_in_module(const struct tare_instrument_figures *a, const struct tare_instrument_figures *b)
{
    const char *x = a->name, *y = b->name;
    while (*x != '\0' && *x == *y) {
        x++;
        y++;
    }
    const char *of_a = a->labels != NULL ? a->labels : "", *of_b = b->labels != NULL ? b->labels : "";
    if (*x == *y) { /* none before some */
        return strcmp(of_a, of_b);
    }
    unsigned char after_a = (unsigned char)(*x != '\0' ? *x : *of_a != '\0' ? '{' : '\0');
    unsigned char after_b = (unsigned char)(*y != '\0' ? *y : *of_b != '\0' ? '{' : '\0');
    return after_a < after_b ? -1 : after_a > after_b;
}

/* As they are displayed. */
static int compare_names(const struct tare__row *a, const struct tare__row *b)
{
    if (a->kind == TARE__ROW_INSTRUMENT && b->kind == TARE__ROW_INSTRUMENT &&
        (a->instrument->kind == TARE_KIND_TIMER) == (b->instrument->kind == TARE_KIND_TIMER) &&
        strcmp(a->instrument->module, b->instrument->module) == 0) {
        int order = compare_in_module(a->instrument, b->instrument);
        if (order != 0) {
            return order;
        }
    }
    const char *of_a[PIECES], *of_b[PIECES];
    int at_a = 0, at_b = 0;
    unsigned char x, y;
    pieces_of(a, of_a);
    pieces_of(b, of_b);
    do {
        x = next_byte(of_a, &at_a);
        y = next_byte(of_b, &at_b);
    } while (x == y && x != 0);
    return x < y ? -1 : x > y;
}

/* The order that nobody chose: what follows from others, then module by module, as they were declared. */
static int compare_modules(const struct tare__row *a, const struct tare__row *b)
{
    if (a->kind != TARE__ROW_INSTRUMENT || b->kind != TARE__ROW_INSTRUMENT) {
        return (a->kind == TARE__ROW_INSTRUMENT) - (b->kind == TARE__ROW_INSTRUMENT);
    }
    return strcmp(a->instrument->module, b->instrument->module);
}

/* Names from A on, figures from the largest on; the unknown last, either way round; then as declared. */
static int compare(const void *left, const void *right, void *data)
{
    const struct tare__row *a = left, *b = right;
    const struct sorting *sorting = data;
    int order = 0;
    if (sorting->plain) {
        order = compare_modules(a, b);
    } else if (sorting->column == TARE__COLUMN_NAME) {
        order = compare_names(a, b);
    } else {
        double x = a->number, y = b->number;
        if (isnan(x) || isnan(y)) {
            order = isnan(x) - isnan(y);
            return order != 0 ? order : a->order < b->order ? -1 : a->order > b->order;
        }
        order = x > y ? -1 : x < y;
        if (sorting->column == TARE__COLUMN_KEY || sorting->column == TARE__COLUMN_PID) {
            order = -order;
        }
    }
    order = sorting->reverse ? -order : order;
    return order != 0 ? order : a->order < b->order ? -1 : a->order > b->order;
}

static bool is_in_order(const struct tare__row *rows, size_t count, struct sorting *sorting)
{
    for (size_t i = 1; i < count; i++) {
        if (compare(&rows[i - 1], &rows[i], sorting) > 0) {
            return false;
        }
    }
    return true;
}

/* Rows of figures among themselves; those of a top-k stay below its title. */
static void sort_rows(struct tare__rows *rows, struct sorting *sorting)
{
    size_t start = 0;
    bool by_number = !sorting->plain && sorting->column != TARE__COLUMN_NAME;
    for (size_t i = 0; by_number && i < rows->count; i++) { /* once, and not at each comparison */
        rows->rows[i].number = tare__screen_column_number(sorting->column, &rows->rows[i], sorting->total);
    }
    for (size_t i = 0; i <= rows->count; i++) {
        if (i == rows->count || rows->rows[i].kind == TARE__ROW_TITLE) {
            /* As they are declared they mostly are already; and what sorts takes memory for it. */
            if (i - start > 1 && !is_in_order(&rows->rows[start], i - start, sorting)) {
                qsort_r(&rows->rows[start], i - start, sizeof(*rows->rows), compare, sorting);
            }
            start = i + 1;
        }
    }
}

int tare__screen_rows_make(struct tare__rows *rows, const struct tare_screen_state *state,
                           enum tare_screen_panel panel, const struct tare_telemetry *telemetry,
                           const struct tare_process_figures *process)
{
    *rows = (struct tare__rows){0};
    struct builder builder = {.rows = rows};
    if (panel == TARE_SCREEN_PROCESSES) {
        push_processes(&builder, state, telemetry);
    } else if (process != NULL) {
        push_instruments(&builder, state, panel, process);
    }
    if (builder.failed) {
        tare__screen_rows_release(rows);
        return -ENOMEM;
    }
    size_t count;
    const struct tare__column *columns = tare__screen_columns(panel, &count);
    const struct tare_screen_list *list = &state->lists[panel];
    bool sorted = list->sort >= 0 && (size_t)list->sort < count;
    if (panel != TARE_SCREEN_FRAMES &&
        (sorted || (panel != TARE_SCREEN_PROCESSES && panel != TARE_SCREEN_HOTSPOTS))) {
        struct sorting sorting = {.column = sorted ? columns[list->sort].id : TARE__COLUMN_NAME,
                                  .plain = !sorted,
                                  .total = state->total,
                                  .reverse = list->reverse};
        sort_rows(rows, &sorting);
    }
    return 0;
}

void tare__screen_rows_release(struct tare__rows *rows)
{
    free(rows->rows);
    *rows = (struct tare__rows){0};
}

/* The cursor */

static uint64_t hash(const char *text)
{
    uint64_t value = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (; *text != '\0'; text++) {
        value = (value ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    }
    return value;
}

/* What tells a row from all others, also in the next snapshot. */
static void identity(const struct tare__row *row, bool total, uint64_t *id, uint32_t *part, uint64_t *key)
{
    *id = row->kind == TARE__ROW_PROCESS   ? row->process->id
          : row->kind == TARE__ROW_DERIVED ? hash(row->derived->name)
                                           : row->instrument->id;
    *part = (uint32_t)row->kind;
    *key = row->index;
    if (row->kind == TARE__ROW_KEY) {
        const struct tare_readings *readings = tare__hot_readings(row->instrument, total);
        *key = row->index < readings->key_count ? readings->keys[row->index].key : 0;
    } else if (row->kind == TARE__ROW_SLOW && row->index < row->instrument->slow_count) {
        *key = row->instrument->slow[row->instrument->slow_count - 1 - row->index].number;
    }
}

size_t tare__screen_rows_cursor(const struct tare__rows *rows, const struct tare_screen_list *list, bool total)
{
    if (!list->moved || rows->count == 0) {
        return 0;
    }
    for (size_t i = 0; i < rows->count; i++) {
        uint64_t id, key;
        uint32_t part;
        identity(&rows->rows[i], total, &id, &part, &key);
        if (id == list->id && part == list->part && key == list->key) {
            return i;
        }
    }
    return list->cursor < rows->count ? list->cursor : rows->count - 1; /* it is gone: what took its place */
}

void tare__screen_rows_remember(const struct tare__rows *rows, size_t cursor, struct tare_screen_list *list,
                                bool total)
{
    list->cursor = cursor;
    if (cursor < rows->count) {
        identity(&rows->rows[cursor], total, &list->id, &list->part, &list->key);
    }
}
