/* SPDX-License-Identifier: MIT */
/*
 * What stands in the columns of the lists, and by what they are sorted. "calls/s" and the like are of the
 * window; where a total is asked for, the same column is the count since the start.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "view/screen_parts.h"

static const struct tare__column timer_columns[] = {
    {TARE__COLUMN_NAME, "timer", NULL, 0, 0, true, true, false, 0},
    {TARE__COLUMN_RATE, "calls/s", "calls", 8, 0, false, true, false, 0},
    {TARE__COLUMN_NET, "net avg", NULL, 8, 0, false, true, false, 0},
    {TARE__COLUMN_ERROR, "±", NULL, 8, 2, false, true, false, 0},
    {TARE__COLUMN_P99, "net p99", NULL, 8, 3, false, true, false, 0},
    {TARE__COLUMN_BUSY, "busy", NULL, 7, 1, false, true, true, 0},
    {TARE__COLUMN_TOTAL, "total", NULL, 8, 4, false, true, false, 0},
    {TARE__COLUMN_CALLS, "calls", NULL, 8, 5, false, true, true, 0},
    {TARE__COLUMN_P50, "net p50", NULL, 8, 6, false, true, false, 0},
    {TARE__COLUMN_P95, "net p95", NULL, 8, 7, false, true, false, 0},
    {TARE__COLUMN_AVG, "raw avg", NULL, 8, 8, false, true, false, 0},
    {TARE__COLUMN_MAX, "raw max", NULL, 8, 9, false, true, false, 0},
    {TARE__COLUMN_BYTES, "bytes", NULL, 8, 10, false, true, false, 0},
    {TARE__COLUMN_PLACE, "declared at", NULL, 30, 11, true, false, false, 0},
};
static const struct tare__column value_columns[] = {
    {TARE__COLUMN_NAME, "name", NULL, 0, 0, true, true, false, 0},
    {TARE__COLUMN_KIND, "kind", NULL, 9, 5, true, true, false, 0},
    {TARE__COLUMN_RATE, "per s", NULL, 8, 0, false, true, true, 24},
    {TARE__COLUMN_CHANGE, "in window", NULL, 9, 6, false, true, false, 24},
    {TARE__COLUMN_VALUE, "value", NULL, 10, 0, false, true, false, 24},
    {TARE__COLUMN_DETAIL, "", NULL, 0, 4, true, false, false, 0},
};
static const struct tare__column hotspot_columns[] = {
    {TARE__COLUMN_KEY, "key", NULL, 18, 0, true, true, false, 0},
    {TARE__COLUMN_SHARE, "share", NULL, 7, 0, false, true, false, 0},
    {TARE__COLUMN_WEIGHT, "weight", NULL, 9, 0, false, true, false, 24},
    {TARE__COLUMN_KEY_ERROR, "error", NULL, 9, 1, false, true, false, 24},
    {TARE__COLUMN_HITS, "hits", NULL, 9, 2, false, true, false, 0},
    {TARE__COLUMN_BAR, "", NULL, 0, 0, true, false, false, 0},
};
static const struct tare__column process_columns[] = {
    {TARE__COLUMN_PID, "pid", NULL, 8, 0, false, true, false, 0},
    {TARE__COLUMN_NAME, "program", NULL, 0, 0, true, true, false, 0},
    {TARE__COLUMN_CPU, "cpu", NULL, 7, 0, false, true, false, 0},
    {TARE__COLUMN_MEMORY, "memory", NULL, 8, 1, false, true, false, 0},
    {TARE__COLUMN_THREADS, "threads", NULL, 7, 3, false, true, false, 0},
    {TARE__COLUMN_INSTRUMENTS, "instr", NULL, 6, 2, false, true, false, 0},
    {TARE__COLUMN_ENABLED, "on", NULL, 6, 2, false, true, false, 0},
    {TARE__COLUMN_AGE, "age", NULL, 8, 1, false, true, false, 0},
    {TARE__COLUMN_DETAIL, "command", NULL, 0, 4, true, false, false, 0},
};
static const struct tare__column no_columns[] = {
    {TARE__COLUMN_NAME, "", NULL, 0, 0, true, false, false, 0},
};

#define LIST(array, count) ((*(count) = sizeof(array) / sizeof((array)[0])), (array))
const struct tare__column *tare__screen_columns(enum tare_screen_panel panel, size_t *count)
{
    switch (panel) {
    case TARE_SCREEN_TIMERS:
        return LIST(timer_columns, count);
    case TARE_SCREEN_FRAMES:
        return LIST(no_columns, count);
    case TARE_SCREEN_HOTSPOTS:
        return LIST(hotspot_columns, count);
    case TARE_SCREEN_PROCESSES:
        return LIST(process_columns, count);
    default:
        return LIST(value_columns, count);
    }
}

/* Figures */

static const struct tare_key_figures *key_of(const struct tare__row *row, bool total)
{
    if (row->kind != TARE__ROW_KEY) {
        return NULL;
    }
    const struct tare_readings *readings = tare__hot_readings(row->instrument, total);
    return row->index < readings->key_count ? &readings->keys[row->index] : NULL;
}

/* Of a row of one figure: the one that its column "value" has. */
static double main_value(const struct tare_instrument_figures *instrument, bool total)
{
    const struct tare_readings *readings = total ? &instrument->total : &instrument->rolling;
    switch (instrument->kind) {
    case TARE_KIND_COUNTER: /* the rate stands beside it */
    case TARE_KIND_TOPK:
        return instrument->total.known ? tare__figure_count(instrument->total.total) : NAN;
    case TARE_KIND_GAUGE:
        return instrument->total.value;
    case TARE_KIND_HISTOGRAM:
        return readings->known ? readings->distribution.mean : NAN;
    case TARE_KIND_TIMER:
        return readings->known ? readings->net_avg_ns : NAN;
    case TARE_KIND_FRAMES:
        return !readings->known ? NAN : total ? 1e9 / readings->distribution.mean : readings->per_s;
    default:
        return NAN;
    }
}

static double process_number(enum tare__column_id id, const struct tare_process_figures *process)
{
    size_t enabled = 0;
    switch (id) {
    case TARE__COLUMN_PID:
        return (double)process->pid;
    case TARE__COLUMN_CPU:
        return process->alive ? process->cpu_share : NAN;
    case TARE__COLUMN_MEMORY:
        return process->alive ? process->resident_bytes : NAN;
    case TARE__COLUMN_THREADS:
        /* That they count anything is known of those with a block alone. */
        return tare__figure_count(process->process_threads);
    case TARE__COLUMN_INSTRUMENTS:
        return (double)process->instrument_count;
    case TARE__COLUMN_ENABLED:
        for (size_t i = 0; i < process->instrument_count; i++) {
            enabled += process->instruments[i].enabled;
        }
        return (double)enabled;
    case TARE__COLUMN_AGE:
        return process->age_ns;
    default:
        return NAN;
    }
}

/* What is off counts nothing, which is not the same as that nothing happened. */
static bool is_off(const struct tare_instrument_figures *instrument, const struct tare_readings *readings)
{
    bool nothing = readings->total == 0 && readings->distribution.count == 0 && readings->changes == 0;
    return !instrument->enabled && (nothing || instrument->kind == TARE_KIND_GAUGE);
}

/* What came in the window; of what is what it is, by how much it changed. */
static double change_number(const struct tare_instrument_figures *instrument)
{
    const struct tare_readings *rolling = &instrument->rolling;
    if (!rolling->known || is_off(instrument, rolling)) {
        return NAN;
    }
    switch (instrument->kind) {
    case TARE_KIND_GAUGE:
        return rolling->value;
    case TARE_KIND_HISTOGRAM:
        return tare__figure_count(rolling->distribution.count);
    case TARE_KIND_STATE:
        return tare__figure_count(rolling->changes);
    default:
        return tare__figure_count(rolling->total);
    }
}

static double instrument_number(enum tare__column_id id, const struct tare_instrument_figures *instrument,
                                bool total)
{
    const struct tare_readings *since = &instrument->total;
    const struct tare_readings *readings = total ? since : &instrument->rolling;
    bool countable = instrument->kind == TARE_KIND_TIMER || instrument->kind == TARE_KIND_HISTOGRAM ||
                     instrument->kind == TARE_KIND_FRAMES;
    bool is_of_total = id == TARE__COLUMN_CALLS || id == TARE__COLUMN_TOTAL || id == TARE__COLUMN_BYTES ||
                       (id == TARE__COLUMN_VALUE && !countable);
    if (id == TARE__COLUMN_CHANGE) {
        return change_number(instrument);
    }
    if (id != TARE__COLUMN_KIND && is_off(instrument, is_of_total ? since : readings)) {
        return NAN;
    }
    switch (id) {
    case TARE__COLUMN_RATE:
        return !readings->known || instrument->kind == TARE_KIND_GAUGE ? NAN
               : !total                                                ? readings->per_s
               : countable ? tare__figure_count(readings->distribution.count)
                           : NAN;
    case TARE__COLUMN_CALLS:
        return since->known ? tare__figure_count(since->distribution.count) : NAN;
    case TARE__COLUMN_NET:
        return readings->known ? readings->net_avg_ns : NAN;
    case TARE__COLUMN_ERROR:
        return readings->known ? readings->net_avg_error_ns : NAN;
    case TARE__COLUMN_P50:
        return readings->known ? readings->net_p50_ns : NAN;
    case TARE__COLUMN_P95:
        return readings->known ? readings->net_p95_ns : NAN;
    case TARE__COLUMN_P99:
        return readings->known ? readings->net_p99_ns : NAN;
    case TARE__COLUMN_MAX:
        return readings->known ? readings->distribution.max : NAN;
    case TARE__COLUMN_AVG:
        return readings->known ? readings->distribution.mean : NAN;
    case TARE__COLUMN_BUSY:
        /* Of the start there is no share, but the order is that of the totals. */
        return total ? since->net_total_ns : readings->known ? readings->busy_share : NAN;
    case TARE__COLUMN_TOTAL:
        return since->known ? since->net_total_ns : NAN;
    case TARE__COLUMN_BYTES:
        return since->known ? tare__figure_count(since->bytes) : NAN;
    case TARE__COLUMN_VALUE:
        return main_value(instrument, total);
    case TARE__COLUMN_KIND:
        return (double)instrument->kind;
    default:
        return NAN;
    }
}

double tare__screen_column_number(enum tare__column_id id, const struct tare__row *row, bool total)
{
    const struct tare_key_figures *key;
    switch (row->kind) {
    case TARE__ROW_PROCESS:
        return process_number(id, row->process);
    case TARE__ROW_DERIVED:
        return id == TARE__COLUMN_CHANGE ? row->derived->of_moment ? row->derived->rolling : NAN
               : id == TARE__COLUMN_VALUE
                   ? total || row->derived->of_moment ? row->derived->total : row->derived->rolling
               : id == TARE__COLUMN_KIND ? 0
                                         : NAN;
    case TARE__ROW_KEY:
        key = key_of(row, total);
        return key == NULL                    ? NAN
               : id == TARE__COLUMN_KEY       ? (double)key->key
               : id == TARE__COLUMN_WEIGHT    ? tare__figure_count(key->weight)
               : id == TARE__COLUMN_KEY_ERROR ? tare__figure_count(key->error)
               : id == TARE__COLUMN_HITS      ? tare__figure_count(key->hits)
               : id == TARE__COLUMN_SHARE     ? key->share
                                              : NAN;
    case TARE__ROW_INSTRUMENT:
        return instrument_number(id, row->instrument, total);
    default:
        return NAN;
    }
}

/* Texts */

static const char *kind_word(enum tare_kind kind)
{
    static const char *const words[] = {
        [TARE_KIND_TIMER] = "timer",         [TARE_KIND_COUNTER] = "counter", [TARE_KIND_GAUGE] = "gauge",
        [TARE_KIND_HISTOGRAM] = "histogram", [TARE_KIND_STATE] = "state",     [TARE_KIND_TOPK] = "top-k",
        [TARE_KIND_FRAMES] = "frames",
    };
    return (size_t)kind < sizeof(words) / sizeof(words[0]) && words[kind] != NULL ? words[kind] : "?";
}

/* Adds to a cell; what does not fit is left away. */
static void add(char text[TARE__CELL], const char *before, const char *what)
{
    size_t used = strlen(text);
    snprintf(text + used, TARE__CELL - used, "%s%s%s", used != 0 ? "  " : "", before, what);
}

static void add_percentile(char text[TARE__CELL], const char *before, double value, const char *unit,
                           bool rough, bool ascii)
{
    char figure[TARE__FIGURE];
    add(text, before, tare__figure_mark(tare__figure_of_unit(figure, value, unit, ascii), rough));
}

static void describe_state(char text[TARE__CELL], const struct tare_instrument_figures *instrument,
                           const struct tare_readings *readings)
{
    char figure[TARE__FIGURE], both[TARE__FIGURE + 64];
    const struct tare_readings *now = &instrument->total;
    uint64_t threads = 0;
    for (size_t i = 0; i < now->state_count; i++) {
        threads += now->states[i].threads;
    }
    for (size_t i = 0; i < now->state_count; i++) {
        if (now->states[i].threads != 0 && threads == 1) {
            add(text, "now ", now->states[i].name);
        } else if (now->states[i].threads != 0) {
            snprintf(both, sizeof(both), "%" PRIu64 " in ", now->states[i].threads);
            add(text, both, now->states[i].name);
        }
    }
    for (size_t i = 0; i < readings->state_count; i++) {
        snprintf(both, sizeof(both), "%.48s ", readings->states[i].name);
        add(text, both, tare__figure_share(figure, readings->states[i].share));
    }
}

/* Where the window is looked at, what all of it was, and the other way round. */
static void add_other(char text[TARE__CELL], const struct tare_instrument_figures *instrument, bool total,
                      bool ascii)
{
    const struct tare_readings *other = total ? &instrument->rolling : &instrument->total;
    char figure[TARE__FIGURE], both[2 * TARE__FIGURE + 16], count[TARE__FIGURE];
    if (other->known && other->distribution.count != 0) {
        snprintf(both, sizeof(both), "%s, avg %s",
                 tare__figure_number(count, tare__figure_count(other->distribution.count)),
                 tare__figure_of_unit(figure, other->distribution.mean, instrument->unit, ascii));
        add(text, total ? "in window " : "in all ", both);
    }
}

static double step_of(const struct tare__row *row)
{
    return row->process != NULL ? row->process->clock_step_ns : NAN;
}

static void describe(char text[TARE__CELL], const struct tare__row *row, bool total, bool ascii, bool changes)
{
    const struct tare_instrument_figures *instrument = row->instrument;
    const struct tare_readings *readings = total ? &instrument->total : &instrument->rolling;
    char figure[TARE__FIGURE];
    const struct tare_distribution *of = &readings->distribution;
    const char *unit = instrument->unit;
    struct tare_frames frames;
    switch (instrument->kind) {
    case TARE_KIND_GAUGE:
        if (!changes && instrument->rolling.known && isfinite(instrument->rolling.value)) {
            add(text, "change ", tare__figure_change(figure, instrument->rolling.value, unit, ascii));
        }
        if (isfinite(instrument->total.peak)) {
            add(text, "peak ", tare__figure_of_unit(figure, instrument->total.peak, unit, ascii));
        }
        break;
    case TARE_KIND_HISTOGRAM:
        if (of->count == 0) {
            break;
        }
        add_percentile(text, "p50 ", of->p50, unit, tare__is_of_few(0.5, of->count), ascii);
        add_percentile(text, "p95 ", of->p95, unit, tare__is_of_few(0.95, of->count), ascii);
        add_percentile(text, "p99 ", of->p99, unit, tare__is_of_few(0.99, of->count), ascii);
        add(text, "max ", tare__figure_of_unit(figure, of->max, unit, ascii));
        if (strncmp(instrument->module, "cpu", 3) == 0) { /* of rates, the slow end is the low one */
            add_percentile(text, "p5 ", of->p05, unit, tare__is_of_few(0.05, of->count), ascii);
        }
        add_other(text, instrument, total, ascii);
        break;
    case TARE_KIND_TIMER:
        add(text, ascii ? "+- " : "± ", tare__figure_time(figure, readings->net_avg_error_ns, ascii));
        add_percentile(text, "p99 ", readings->net_p99_ns, "ns",
                       tare__is_rough(of, 0.99, of->p99, readings->net_p99_ns, step_of(row)), ascii);
        add(text, "total ", tare__figure_time(figure, instrument->total.net_total_ns, ascii));
        break;
    case TARE_KIND_STATE:
        describe_state(text, instrument, readings);
        break;
    case TARE_KIND_TOPK:
        if (readings->key_count > 0) {
            char key[TARE__FIGURE];
            snprintf(key, sizeof(key), "heaviest 0x%" PRIx64 " ", readings->keys[0].key);
            add(text, key, tare__figure_share(figure, readings->keys[0].share));
        }
        break;
    case TARE_KIND_FRAMES:
        tare__screen_frames(instrument, total, &frames);
        add_percentile(text, "1% low ", frames.low_1_fps, "fps", tare__is_of_few(0.99, frames.frames), ascii);
        add_percentile(text, "p99 ", frames.p99_ms * 1e6, "ns", tare__is_of_few(0.99, frames.frames), ascii);
        break;
    default:
        break;
    }
}

void tare__screen_detail(char figures[TARE__CELL], char words[TARE__CELL], const struct tare__row *row,
                         const struct tare_screen_state *state, bool changes)
{
    char figure[TARE__FIGURE];
    figures[0] = words[0] = '\0';
    if (row->kind == TARE__ROW_PROCESS) {
        add(words, "", row->process->command != NULL ? row->process->command : "");
        return;
    }
    if (row->kind == TARE__ROW_DERIVED) {
        const struct tare_derived *derived = row->derived;
        double other = state->total ? derived->rolling : derived->total;
        if (derived->of_moment && !changes && isfinite(derived->rolling) && derived->rolling != 0) {
            add(figures, "change ", tare__figure_change(figure, derived->rolling, derived->unit, state->ascii));
        } else if (!derived->of_moment && isfinite(other)) {
            add(figures, state->total ? "now " : "in all ",
                tare__figure_of_unit(figure, other, derived->unit, state->ascii));
        }
        add(words, "", derived->help != NULL ? derived->help : "");
        return;
    }
    const struct tare_instrument_figures *instrument = row->instrument;
    const struct tare_readings *readings = state->total ? &instrument->total : &instrument->rolling;
    if (readings->known || instrument->kind == TARE_KIND_GAUGE) {
        describe(figures, row, state->total, state->ascii, changes);
    }
    if (instrument->help != NULL && *instrument->help != '\0') {
        add(words, "", instrument->help);
    }
}

static char *value_text(char text[TARE__CELL], const struct tare__row *row, double value, bool ascii)
{
    char figure[TARE__FIGURE];
    const char *unit = row->kind == TARE__ROW_DERIVED ? row->derived->unit : row->instrument->unit;
    bool is_state = row->kind == TARE__ROW_INSTRUMENT && row->instrument->kind == TARE_KIND_STATE;
    if (row->kind == TARE__ROW_INSTRUMENT && row->instrument->kind == TARE_KIND_TIMER) {
        tare__figure_time(figure, value, ascii);
    } else if (row->kind == TARE__ROW_INSTRUMENT && row->instrument->kind == TARE_KIND_FRAMES) {
        tare__figure_of_unit(figure, value, "fps", ascii);
    } else {
        tare__figure_of_unit(figure, value, unit, ascii);
    }
    bool off = row->kind == TARE__ROW_INSTRUMENT && !row->instrument->enabled && isnan(value);
    snprintf(text, TARE__CELL, "%s", is_state ? "" : off ? "off" : figure);
    return text;
}

static void rate_text(char text[TARE__CELL], const struct tare__row *row, double value, bool ascii)
{
    char figure[TARE__FIGURE];
    bool has_none = row->kind == TARE__ROW_DERIVED ||
                    (row->kind == TARE__ROW_INSTRUMENT && row->instrument->kind == TARE_KIND_GAUGE);
    bool sums = row->kind == TARE__ROW_INSTRUMENT &&
                (row->instrument->kind == TARE_KIND_COUNTER || row->instrument->kind == TARE_KIND_TOPK);
    bool off = row->kind == TARE__ROW_INSTRUMENT && !row->instrument->enabled && isnan(value);
    snprintf(text, TARE__CELL, "%s",
             has_none ? ""
             : off    ? "off"
                      : tare__figure_rate(figure, value, sums ? row->instrument->unit : NULL, ascii));
}

static void change_text(char text[TARE__CELL], const struct tare__row *row, double value, bool ascii)
{
    char figure[TARE__FIGURE];
    if (row->kind == TARE__ROW_DERIVED) {
        strcpy(text,
               row->derived->of_moment ? tare__figure_change(figure, value, row->derived->unit, ascii) : "");
        return;
    }
    const struct tare_instrument_figures *instrument = row->instrument;
    bool sums = instrument->kind == TARE_KIND_COUNTER || instrument->kind == TARE_KIND_TOPK;
    strcpy(text, !instrument->enabled && isnan(value) ? "off"
                 : instrument->kind == TARE_KIND_GAUGE
                     ? tare__figure_change(figure, value, instrument->unit, ascii)
                     : tare__figure_of_unit(figure, value, sums ? instrument->unit : NULL, ascii));
}

/* That hits are hits stands above them. */
static const char *weight_unit(const struct tare_instrument_figures *instrument)
{
    return instrument->unit != NULL && strcmp(instrument->unit, "hits") == 0 ? NULL : instrument->unit;
}

static const char *place(const char *file)
{
    const char *slash = file != NULL ? strrchr(file, '/') : NULL;
    return file == NULL ? "-" : slash != NULL ? slash + 1 : file;
}

static bool is_rough(enum tare__column_id id, const struct tare__row *row, bool total, double net)
{
    if (row->kind != TARE__ROW_INSTRUMENT) {
        return false;
    }
    const struct tare_distribution *of =
        total ? &row->instrument->total.distribution : &row->instrument->rolling.distribution;
    double step_ns = step_of(row);
    return id == TARE__COLUMN_P50   ? tare__is_rough(of, 0.5, of->p50, net, step_ns)
           : id == TARE__COLUMN_P95 ? tare__is_rough(of, 0.95, of->p95, net, step_ns)
                                    : tare__is_rough(of, 0.99, of->p99, net, step_ns);
}

char *tare__screen_column_text(char text[TARE__CELL], enum tare__column_id id, const struct tare__row *row,
                               const struct tare_screen_state *state)
{
    char figure[TARE__FIGURE];
    double value = tare__screen_column_number(id, row, state->total);
    const struct tare_key_figures *key;
    text[0] = '\0';
    switch (id) {
    case TARE__COLUMN_NAME:
    case TARE__COLUMN_BAR:
    case TARE__COLUMN_DETAIL:
        return text; /* drawn by others */
    case TARE__COLUMN_KIND:
        snprintf(text, TARE__CELL, "%s",
                 row->kind == TARE__ROW_DERIVED ? "derived" : kind_word(row->instrument->kind));
        return text;
    case TARE__COLUMN_RATE:
        rate_text(text, row, value, state->ascii);
        return text;
    case TARE__COLUMN_CHANGE:
        change_text(text, row, value, state->ascii);
        return text;
    case TARE__COLUMN_WEIGHT:
    case TARE__COLUMN_KEY_ERROR:
        return strcpy(text, tare__figure_of_unit(figure, value, weight_unit(row->instrument), state->ascii));
    case TARE__COLUMN_NET:
    case TARE__COLUMN_ERROR:
    case TARE__COLUMN_MAX:
    case TARE__COLUMN_AVG:
    case TARE__COLUMN_TOTAL:
        return strcpy(text, tare__figure_time(figure, value, state->ascii));
    case TARE__COLUMN_P50:
    case TARE__COLUMN_P95:
    case TARE__COLUMN_P99:
        tare__figure_time(figure, value, state->ascii);
        return strcpy(text, tare__figure_mark(figure, is_rough(id, row, state->total, value)));
    case TARE__COLUMN_BUSY:
    case TARE__COLUMN_SHARE:
    case TARE__COLUMN_CPU:
        return strcpy(text, tare__figure_share(figure, value));
    case TARE__COLUMN_BYTES:
        return strcpy(text, value > 0 ? tare__figure_bytes(figure, value) : "");
    case TARE__COLUMN_MEMORY:
        return strcpy(text, tare__figure_bytes(figure, value));
    case TARE__COLUMN_VALUE:
        return value_text(text, row, value, state->ascii);
    case TARE__COLUMN_PID:
        snprintf(text, TARE__CELL, "%d", (int)row->process->pid);
        return text;
    case TARE__COLUMN_AGE:
        return strcpy(text, row->process->alive ? tare__figure_age(figure, value) : "ended");
    case TARE__COLUMN_KEY:
        key = key_of(row, state->total);
        snprintf(text, TARE__CELL, "0x%" PRIx64, key != NULL ? key->key : 0);
        return text;
    case TARE__COLUMN_PLACE:
        snprintf(text, TARE__CELL, "%.200s:%" PRIu32, place(row->instrument->file), row->instrument->line);
        return text;
    default:
        return strcpy(text, tare__figure_number(figure, value));
    }
}
