/* SPDX-License-Identifier: MIT */
/* All figures of one instrument, of the window and since the start, side by side, with what is said of it. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "view/screen_parts.h"

enum { LABEL = 14, CELL = 12, CELL_MOST = 30 };

/* Where the next line goes. */
struct place {
    const struct tare__area *area;
    int y;
    int cell;       /* columns of a figure */
    double step_ns; /* of the clock; NAN: unknown */
};

/* A figure, at the right end; where it has no room, its unit is cut. */
static void put_cell(const struct place *place, int x, int room, const char *text)
{
    if (tare__columns_of(text) <= room) {
        tare__put_right(place->area, x, place->y, room, 0, text);
    } else {
        tare__put(place->area, x, place->y, room, 0, text);
    }
}

static void put_words(struct place *place, const char *label, const char *text)
{
    if (text == NULL || *text == '\0') {
        return;
    }
    const struct tare__area *area = place->area;
    tare__put(area, 2, place->y, LABEL - 1, TARE_SCREEN_DIM, label);
    tare__put(area, 2 + LABEL, place->y, area->width - LABEL - 2, 0, text);
    place->y++;
}

/* `window`, `total`: NULL: there is no such figure. */
static void put_both(struct place *place, const char *label, const char *window, const char *total)
{
    const struct tare__area *area = place->area;
    tare__put_middle(area, 2, place->y, LABEL - 1, TARE_SCREEN_DIM, label);
    put_cell(place, 2 + LABEL, place->cell, window != NULL ? window : "");
    put_cell(place, 2 + LABEL + place->cell + 1, place->cell + 1, total != NULL ? total : "");
    place->y++;
}

static void put_values(struct place *place, const char *label, const char *unit, double window, double total)
{
    char a[TARE__FIGURE], b[TARE__FIGURE];
    bool ascii = place->area->ascii;
    put_both(place, label, tare__figure_of_unit(a, window, unit, ascii),
             tare__figure_of_unit(b, total, unit, ascii));
}

static void put_window(struct place *place, const char *label, const char *unit, double value)
{
    char a[TARE__FIGURE];
    put_both(place, label, tare__figure_of_unit(a, value, unit, place->area->ascii), NULL);
}

/* Percentiles of values, none of them net. */
static void put_percentile(struct place *place, const char *label, const char *unit, double p,
                           const struct tare_distribution *now, double window,
                           const struct tare_distribution *all, double total)
{
    char a[TARE__FIGURE], b[TARE__FIGURE];
    bool ascii = place->area->ascii;
    put_both(place, label,
             tare__figure_mark(tare__figure_of_unit(a, window, unit, ascii), tare__is_of_few(p, now->count)),
             tare__figure_mark(tare__figure_of_unit(b, total, unit, ascii), tare__is_of_few(p, all->count)));
}

static void put_net_percentile(struct place *place, const char *label, double p,
                               const struct tare_distribution *now, double window_raw, double window,
                               const struct tare_distribution *all, double total_raw, double total)
{
    char a[TARE__FIGURE], b[TARE__FIGURE];
    bool ascii = place->area->ascii;
    put_both(place, label,
             tare__figure_mark(tare__figure_time(a, window, ascii),
                               tare__is_rough(now, p, window_raw, window, place->step_ns)),
             tare__figure_mark(tare__figure_time(b, total, ascii),
                               tare__is_rough(all, p, total_raw, total, place->step_ns)));
}

static void put_distribution(struct place *place, const struct tare_readings *window,
                             const struct tare_readings *total, const char *unit)
{
    const struct tare_distribution *now = &window->distribution, *all = &total->distribution;
    put_values(place, "min", unit, now->min, all->min);
    put_percentile(place, "p5", unit, 0.05, now, now->p05, all, all->p05);
    put_percentile(place, "p50", unit, 0.5, now, now->p50, all, all->p50);
    put_percentile(place, "p90", unit, 0.9, now, now->p90, all, all->p90);
    put_percentile(place, "p95", unit, 0.95, now, now->p95, all, all->p95);
    put_percentile(place, "p99", unit, 0.99, now, now->p99, all, all->p99);
    put_percentile(place, "p99.9", unit, 0.999, now, now->p999, all, all->p999);
    put_values(place, "max", unit, now->max, all->max);
}

static void put_total(struct place *place, const char *label, const char *unit, double value)
{
    char a[TARE__FIGURE];
    put_both(place, label, NULL, tare__figure_of_unit(a, value, unit, place->area->ascii));
}

/* Of what is not known there is nothing, not 0. */
static double known_count(const struct tare_readings *readings, uint64_t count)
{
    return readings->known ? tare__figure_count(count) : NAN;
}

static void put_timer(struct place *place, const struct tare_readings *window,
                      const struct tare_readings *total)
{
    const struct tare_distribution *now = &window->distribution, *all = &total->distribution;
    put_values(place, "calls", NULL, known_count(window, window->total), known_count(total, total->total));
    put_window(place, "calls/s", NULL, window->per_s);
    put_values(place, "net avg", "ns", window->net_avg_ns, total->net_avg_ns);
    put_values(place, place->area->ascii ? "+-" : "±", "ns", window->net_avg_error_ns, total->net_avg_error_ns);
    put_net_percentile(place, "net p50", 0.5, now, now->p50, window->net_p50_ns, all, all->p50,
                       total->net_p50_ns);
    put_net_percentile(place, "net p95", 0.95, now, now->p95, window->net_p95_ns, all, all->p95,
                       total->net_p95_ns);
    put_net_percentile(place, "net p99", 0.99, now, now->p99, window->net_p99_ns, all, all->p99,
                       total->net_p99_ns);
    put_values(place, "net total", "ns", window->net_total_ns, total->net_total_ns);
    put_window(place, "busy", "ratio", window->busy_share);
    put_values(place, "measuring", "ns", window->measuring_ns, total->measuring_ns);
    put_values(place, "raw avg", "ns", window->distribution.mean, total->distribution.mean);
    put_values(place, "raw min", "ns", window->distribution.min, total->distribution.min);
    put_values(place, "raw max", "ns", window->distribution.max, total->distribution.max);
    put_values(place, "bytes", "bytes", known_count(window, window->bytes), known_count(total, total->bytes));
}

static void put_states(struct place *place, const struct tare_readings *window,
                       const struct tare_readings *total)
{
    put_values(place, "changes", NULL, known_count(window, window->changes),
               known_count(total, total->changes));
    for (size_t i = 0; i < total->state_count; i++) {
        const struct tare_state_figures *state = &total->states[i];
        char a[TARE__FIGURE], b[TARE__FIGURE], text[64];
        bool both = i < window->state_count;
        put_both(place, state->name,
                 both ? tare__figure_time(a, window->states[i].ns, place->area->ascii) : "-",
                 tare__figure_time(b, state->ns, place->area->ascii));
        snprintf(text, sizeof(text), "%s, %" PRIu64 " thread%s now",
                 tare__figure_share(a, both ? window->states[i].share : state->share), state->threads,
                 state->threads == 1 ? "" : "s");
        tare__put(place->area, LABEL + 2 * place->cell + 6, place->y - 1, place->area->width, 0, text);
    }
}

static void put_frames(struct place *place, const struct tare_instrument_figures *instrument)
{
    const struct tare_readings *window = &instrument->rolling, *total = &instrument->total;
    put_values(place, "frames", NULL, known_count(window, window->total), known_count(total, total->total));
    put_values(place, "slow", NULL, known_count(window, window->frames_slow),
               known_count(total, total->frames_slow));
    put_values(place, "dropped", NULL, known_count(window, window->frames_dropped),
               known_count(total, total->frames_dropped));
    put_window(place, "frames/s", NULL, window->per_s);
    put_distribution(place, window, total, "ns");
}

static void put_figures(struct place *place, const struct tare_instrument_figures *instrument)
{
    const struct tare_readings *window = &instrument->rolling, *total = &instrument->total;
    const char *unit = instrument->unit;
    char rate[TARE__FIGURE];
    switch (instrument->kind) {
    case TARE_KIND_TIMER:
        put_timer(place, window, total);
        break;
    case TARE_KIND_COUNTER:
        put_values(place, "count", unit, known_count(window, window->total), known_count(total, total->total));
        put_both(place, "per s", tare__figure_rate(rate, window->per_s, unit, place->area->ascii), NULL);
        break;
    case TARE_KIND_GAUGE:
        put_total(place, "value now", unit, total->value);
        put_both(place, "change", tare__figure_change(rate, window->value, unit, place->area->ascii), NULL);
        put_total(place, "peak", unit, total->peak);
        break;
    case TARE_KIND_HISTOGRAM:
        put_values(place, "values", NULL, known_count(window, window->distribution.count),
                   known_count(total, total->distribution.count));
        put_window(place, "values/s", NULL, window->per_s);
        put_values(place, "sum", unit, window->distribution.sum, total->distribution.sum);
        put_values(place, "avg", unit, window->distribution.mean, total->distribution.mean);
        put_distribution(place, window, total, unit);
        break;
    case TARE_KIND_STATE:
        put_states(place, window, total);
        break;
    case TARE_KIND_TOPK:
        put_values(place, "weight", unit, known_count(window, window->total), known_count(total, total->total));
        put_both(place, "per s", tare__figure_rate(rate, window->per_s, unit, place->area->ascii), NULL);
        put_values(place, "hits", NULL, known_count(window, window->hits), known_count(total, total->hits));
        put_values(place, "keys", NULL, known_count(window, window->key_count),
                   known_count(total, total->key_count));
        put_total(place, "others at most", unit, known_count(total, total->least_weight));
        break;
    case TARE_KIND_FRAMES:
        put_frames(place, instrument);
        break;
    default:
        break;
    }
}

/* As wide as a figure of that unit takes, if there is room. */
static int cell_of(const struct tare__area *area, const char *unit)
{
    enum { FIGURE = 8 };
    int wanted = unit != NULL ? FIGURE + (int)strlen(" /s") + tare__columns_of(unit) : CELL;
    int room = (area->width - LABEL - 4) / 2;
    wanted = wanted > CELL_MOST ? CELL_MOST : wanted;
    wanted = wanted > room ? room : wanted;
    return wanted > CELL ? wanted : CELL;
}

void tare__draw_details(const struct tare__area *area, const struct tare_screen_state *state,
                        const struct tare__row *row)
{
    const struct tare_instrument_figures *instrument = row->instrument;
    const char *unit = row->kind == TARE__ROW_DERIVED ? row->derived->unit : instrument->unit;
    struct place place = {.area = area, .cell = cell_of(area, unit), .step_ns = row->process->clock_step_ns};
    char text[TARE__CELL];
    char *name = tare__screen_row_name(row);
    (void)state;
    tare__put(area, 2, place.y++, area->width - 2, TARE_SCREEN_BOLD, name != NULL ? name : "");
    free(name);
    if (row->kind == TARE__ROW_DERIVED) {
        const struct tare_derived *derived = row->derived;
        put_words(&place, "follows as", derived->help);
        put_words(&place, "unit", derived->unit);
        put_both(&place, "", derived->of_moment ? "change" : "window", derived->of_moment ? "now" : "start");
        put_values(&place, "value", derived->unit, derived->rolling, derived->total);
        return;
    }
    snprintf(text, sizeof(text), "%s, %s%s", tare_kind_name(instrument->kind),
             instrument->enabled ? "on" : "off",
             instrument->loaded ? "" : ", its library is not loaded any more");
    put_words(&place, "kind", text);
    put_words(&place, "labels", instrument->labels);
    put_words(&place, "unit", instrument->unit);
    put_words(&place, "help", instrument->help);
    if (instrument->file != NULL) {
        snprintf(text, sizeof(text), "%.200s:%" PRIu32, instrument->file, instrument->line);
        put_words(&place, "declared at", text);
    }
    put_both(&place, "", "window", "since start");
    tare__screen_mark(area, 2, place.y - 1, LABEL + 2 * place.cell + 2, TARE_SCREEN_BOLD);
    put_figures(&place, instrument);
}
