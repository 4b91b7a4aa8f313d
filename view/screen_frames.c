/* SPDX-License-Identifier: MIT */
/* The rows that are no columns: titles of top-k and frames, and what is told of frames. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "view/columns.h"
#include "view/screen_parts.h"
#include "view/telemetry_table.h"

/* The figures begin further left than the rest, so that 80 columns hold those up to p95. */
enum { LABEL = 12, FIGURES_AT = 9, CELL = 9, LEVELS = 8, OTHER = 16, WITH_OTHER = 64 };

/* What the keys below are of, if that is not what was asked for, and what they weigh. */
static void describe_hot(char text[TARE__CELL], const struct tare_instrument_figures *instrument, bool total,
                         bool ascii)
{
    const struct tare_readings *of = tare__hot_readings(instrument, total), *rolling = &instrument->rolling;
    char a[TARE__FIGURE], b[TARE__FIGURE], c[TARE__FIGURE];
    bool since = of == &instrument->total;
    /* The hits stand behind it anyway. */
    const char *unit =
        instrument->unit != NULL && strcmp(instrument->unit, "hits") == 0 ? NULL : instrument->unit;
    bool least_known = of->least_weight != 0 && of->least_weight != TARE_COUNT_UNKNOWN;
    const char *before = !instrument->enabled  ? "  off"
                         : total || !since     ? ""
                         : !rolling->known     ? "  no window yet"
                         : rolling->total == 0 ? "  nothing in this window"
                                               : "  in this window no key for sure";
    if (!of->known || (since && of->hits == 0)) {
        snprintf(text, TARE__CELL, "%s%s", before, *before == '\0' && of->known ? "  nothing yet" : "");
        return;
    }
    snprintf(text, TARE__CELL, "%s%s  weight %s  hits %s  %zu key%s%s%s%s", before,
             since && !total ? ", since the start" : "",
             tare__figure_of_unit(a, tare__figure_count(of->total), unit, ascii),
             tare__figure_number(b, tare__figure_count(of->hits)), of->key_count, of->key_count == 1 ? "" : "s",
             since ? " kept" : "", least_known ? "  others at most " : "",
             least_known ? tare__figure_of_unit(c, tare__figure_count(of->least_weight), unit, ascii) : "");
}

/* Pieces that two spaces part, each of them whole, as half of a figure would be another. */
static void put_pieces(const struct tare__area *area, int x, int y, char *text)
{
    for (char *piece = text, *next; piece != NULL; piece = next) {
        next = strstr(piece, "  ");
        if (next != NULL) {
            *next = '\0';
            next += 2;
        }
        if (*piece != '\0' && tare__columns_of(piece) + 2 <= area->width - x) {
            x += 2 + tare__put(area, x + 2, y, area->width - x - 2, 0, piece);
        }
    }
}

void tare__draw_title_row(const struct tare__area *area, int y, const struct tare_screen_state *state,
                          const struct tare__row *row)
{
    const struct tare_instrument_figures *instrument = row->instrument;
    char text[TARE__CELL], a[TARE__FIGURE], b[TARE__FIGURE], c[TARE__FIGURE];
    bool off = !instrument->enabled;
    char *name = tare_instrument_full_name(instrument);
    tare__put(area, 0, y, 1, off ? TARE_SCREEN_DIM : 0, area->ascii ? off ? "-" : "*" : off ? "○" : "●");
    int x = 2 + tare__put(area, 2, y, area->width - 2, TARE_SCREEN_BOLD, name != NULL ? name : "");
    free(name);
    text[0] = '\0';
    if (instrument->kind == TARE_KIND_TOPK) {
        describe_hot(text, instrument, state->total, area->ascii);
    } else if (off) {
        snprintf(text, sizeof(text), "  off");
    } else if (instrument->total.known && instrument->kind == TARE_KIND_FRAMES) {
        snprintf(text, sizeof(text), "  since the start %s frames, %s dropped, %s slow",
                 tare__figure_number(a, tare__figure_count(instrument->total.distribution.count)),
                 tare__figure_number(b, tare__figure_count(instrument->total.frames_dropped)),
                 tare__figure_number(c, tare__figure_count(instrument->total.frames_slow)));
    }
    put_pieces(area, x, y, text);
}

static int compare_times(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return a < b ? -1 : a > b;
}

/*
 * What the height of the curve stands for: the longest frame, or, where single ones are so much longer that the
 * others would be all the same, three times what nine of ten stay below.
 */
static double top_of(const struct tare_frame_figures *frames, size_t count, bool *cut)
{
    static const double most = 3, share = 0.9;
    double times[TARE_SCREEN_WIDTH_MAX];
    *cut = false;
    count = count < TARE_SCREEN_WIDTH_MAX ? count : TARE_SCREEN_WIDTH_MAX;
    if (count == 0) {
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        times[i] = frames[i].ns;
    }
    qsort(times, count, sizeof(*times), compare_times);
    double usual = times[(size_t)((double)(count - 1) * share)], longest = times[count - 1];
    *cut = usual > 0 && longest > most * usual;
    return *cut ? most * usual : longest;
}

/* Bars of the last frames, the newest at the right end, from 0 up. One that is longer than that ends in "^". */
static void draw_curve(const struct tare__area *area, int y, const struct tare__row *row)
{
    const struct tare_instrument_figures *instrument = row->instrument;
    int room = area->width - LABEL;
    size_t shown = room > 0 && instrument->last_count > (size_t)room ? (size_t)room : instrument->last_count;
    const struct tare_frame_figures *first = instrument->last + (instrument->last_count - shown);
    char figure[TARE__FIGURE], text[TARE__FIGURE + 8];
    bool cut;
    double top = top_of(first, shown, &cut);
    int line = TARE__CURVE_LINES - 1 - (int)row->index; /* from below */
    if (top > 0 && (row->index == 0 || line == 0)) {
        snprintf(text, sizeof(text), "%s%s", cut && line != 0 ? ">" : "",
                 line == 0 ? "0" : tare__figure_time(figure, top, area->ascii));
        tare__put_right(area, 0, y, LABEL - 2, TARE_SCREEN_DIM, text);
    } else if (shown == 0 && row->index == 1) {
        tare__put(area, LABEL, y, room, TARE_SCREEN_DIM, "no frame yet");
    }
    for (size_t i = 0; i < shown && top > 0; i++) {
        static const char ascii[LEVELS + 1] = ".:-=+*%#";
        bool over = first[i].ns > top;
        double share = over ? 1 : first[i].ns / top;
        int eighths = (int)ceil(share * LEVELS * TARE__CURVE_LINES) - line * LEVELS;
        int level = eighths > LEVELS ? LEVELS : eighths;
        if (level > 0) {
            tare__put_character(area, LABEL + (int)i, y,
                                first[i].slow ? TARE_SCREEN_BAD | TARE_SCREEN_BOLD : TARE_SCREEN_ACCENT,
                                over && row->index == 0 ? '^'
                                : area->ascii           ? (uint32_t)ascii[level - 1]
                                                        : 0x2580 + (uint32_t)level);
        }
    }
}

static const char *const frame_titles[] = {"frames/s", "1/avg", "median", "1% low", "0.1% low", "p50",    "p95",
                                           "p99",      "max",   "CoV",    "frames", "slow",     "dropped"};
enum { FRAME_CELLS = sizeof(frame_titles) / sizeof(frame_titles[0]) };

/* Of frames that are not there any more: what their buckets tell, where there are as many as it takes. */
static void of_buckets(const struct tare_readings *readings, struct tare_frames *out)
{
    const struct tare_distribution *of = &readings->distribution;
    tare_frames_of(NULL, 0, out);
    out->frames = (size_t)of->count;
    out->mean_ms = of->mean / 1e6;
    out->p50_ms = of->p50 / 1e6;
    out->p95_ms = of->count >= TARE_FRAMES_P95_LEAST ? of->p95 / 1e6 : NAN;
    out->p99_ms = of->count >= TARE_FRAMES_P99_LEAST ? of->p99 / 1e6 : NAN;
    out->p999_ms = of->count >= TARE_FRAMES_P999_LEAST ? of->p999 / 1e6 : NAN;
    out->max_ms = of->max / 1e6;
    out->avg_fps = 1e3 / out->mean_ms;
    out->median_fps = 1e3 / out->p50_ms;
    out->low_1_fps = 1e3 / out->p99_ms;
    out->low_01_fps = 1e3 / out->p999_ms;
}

void tare__screen_frames(const struct tare_instrument_figures *instrument, bool total, struct tare_frames *out)
{
    const struct tare_readings *rolling = &instrument->rolling;
    bool all_of_ring = rolling->frames.frames >= instrument->total.frames.frames;
    if (!total && rolling->known && all_of_ring && rolling->distribution.count > rolling->frames.frames) {
        of_buckets(rolling, out);
    } else {
        *out = total ? instrument->total.frames : rolling->frames;
    }
}

/* All of them are of the frames of the row: those of the window, those that are in the ring, or all. */
static double frame_number(const struct tare_instrument_figures *instrument, enum tare__row_kind row,
                           const struct tare_frames *frames, int number)
{
    bool window = row == TARE__ROW_FRAME_WINDOW, ring = row == TARE__ROW_FRAME_RING;
    const struct tare_readings *readings = window ? &instrument->rolling : &instrument->total;
    const double figures[] = {
        ring ? tare__frames_rate(instrument) : readings->per_s,
        frames->avg_fps,
        frames->median_fps,
        frames->low_1_fps,
        frames->low_01_fps,
        frames->p50_ms * 1e6,
        frames->p95_ms * 1e6,
        frames->p99_ms * 1e6,
        frames->max_ms * 1e6,
        frames->cov,
        (double)frames->frames,
    };
    if (!readings->known) {
        return NAN;
    }
    if (number < (int)(sizeof(figures) / sizeof(figures[0]))) {
        return figures[number];
    }
    if (number == FRAME_CELLS - 1) { /* when frames were dropped, nobody has noted */
        return ring ? NAN : tare__figure_count(readings->frames_dropped);
    }
    return ring ? (double)readings->recent_slow : tare__figure_count(readings->frames_slow);
}

static char *frame_cell(char figure[TARE__FIGURE], const struct tare_instrument_figures *instrument,
                        enum tare__row_kind row, int number, bool ascii)
{
    enum { FIRST_TIME = 5, COV = 9 };
    /* median, 1% low, 0.1% low, p50, p95, p99 */
    static const double percentiles[FRAME_CELLS] = {
        [2] = 0.5, [3] = 0.99, [4] = 0.999, [5] = 0.5, [6] = 0.95, [7] = 0.99};
    struct tare_frames frames;
    if (row == TARE__ROW_FRAME_TOTAL) {
        of_buckets(&instrument->total, &frames);
    } else {
        tare__screen_frames(instrument, row == TARE__ROW_FRAME_RING, &frames);
    }
    double value = frame_number(instrument, row, &frames, number), p = percentiles[number];
    if (number == COV) {
        return tare__figure_share(figure, value);
    }
    if (number >= FIRST_TIME && number < COV) {
        tare__figure_time(figure, value, ascii);
    } else {
        tare__figure_number(figure, value);
    }
    return tare__figure_mark(figure, p > 0 && tare__is_of_few(p, frames.frames));
}

static void draw_figures(const struct tare__area *area, int y, const struct tare__row *row)
{
    char figure[TARE__FIGURE];
    bool header = row->kind == TARE__ROW_FRAME_HEADER;
    tare__put(area, 2, y, FIGURES_AT - 2, TARE_SCREEN_DIM,
              header                               ? ""
              : row->kind == TARE__ROW_FRAME_RING  ? "in ring"
              : row->kind == TARE__ROW_FRAME_TOTAL ? "all"
                                                   : "window");
    for (int i = 0, x = FIGURES_AT; i < FRAME_CELLS && x + CELL <= area->width + 1; i++, x += CELL) {
        tare__put_right(area, x, y, CELL - 1, header ? TARE_SCREEN_BOLD : 0,
                        header ? frame_titles[i]
                               : frame_cell(figure, row->instrument, row->kind, i, area->ascii));
    }
}

static void draw_part(const struct tare__area *area, int y, const struct tare_screen_state *state,
                      const struct tare__row *row)
{
    const struct tare_instrument_figures *instrument = row->instrument;
    const struct tare_readings *readings = state->total ? &instrument->total : &instrument->rolling;
    const struct tare_readings *other = state->total ? &instrument->rolling : &instrument->total;
    char figure[TARE__FIGURE], text[TARE__FIGURE + 16];
    double mean_ns = readings->known ? readings->frame_part_mean_ns[row->index] : NAN;
    double other_ns = other->known ? other->frame_part_mean_ns[row->index] : NAN;
    int x = LABEL + 2 * CELL;
    double share = mean_ns / readings->distribution.mean; /* of the same frames: those in the ring are others */
    tare__put_middle(area, 2, y, LABEL - 3, 0, instrument->names[row->index]);
    tare__put_right(area, LABEL, y, CELL - 1, 0, tare__figure_time(figure, mean_ns, area->ascii));
    tare__put_right(area, LABEL + CELL, y, CELL - 1, 0, tare__figure_share(figure, share));
    if (area->width >= WITH_OTHER) {
        snprintf(text, sizeof(text), "%s %s", state->total ? "window" : "all",
                 tare__figure_time(figure, other_ns, area->ascii));
        tare__put_right(area, x, y, OTHER, TARE_SCREEN_DIM, text);
        x += OTHER + 1;
    }
    tare__put_bar(area, x, y, area->width - x, TARE_SCREEN_ACCENT, share);
}

static void draw_slow_title(const struct tare__area *area, int y, const struct tare__row *row)
{
    const struct tare_instrument_figures *instrument = row->instrument;
    char text[TARE__CELL], figure[TARE__FIGURE];
    if (isnan(instrument->slow_over_ns)) {
        snprintf(text, sizeof(text), "no frame counts as slow: the program has set no limit");
    } else {
        snprintf(text, sizeof(text), "slow frames, over %s, the newest first%s",
                 tare__figure_time(figure, instrument->slow_over_ns, area->ascii),
                 instrument->slow_count == 0 ? ": none" : "");
    }
    tare__put(area, 2, y, area->width - 2, TARE_SCREEN_DIM, text);
}

static void draw_slow(const struct tare__area *area, int y, const struct tare__row *row)
{
    const struct tare_instrument_figures *instrument = row->instrument;
    if (row->index >= instrument->slow_count) {
        return;
    }
    const struct tare_frame_figures *frame = &instrument->slow[instrument->slow_count - 1 - row->index];
    char text[TARE__CELL], figure[TARE__FIGURE], number[TARE__VIEW_NUMBER];
    snprintf(text, sizeof(text), "#%" PRIu64, frame->number);
    tare__put_right(area, 2, y, LABEL - 3, 0, text);
    tare__put_right(area, LABEL, y, CELL - 1, TARE_SCREEN_BAD | TARE_SCREEN_BOLD,
                    tare__figure_time(figure, frame->ns, area->ascii));
    snprintf(text, sizeof(text), "at %s s", tare__view_fixed(number, frame->start_ns / 1e9, 2));
    int x = LABEL + CELL + 1;
    x += tare__put(area, x, y, area->width - x, TARE_SCREEN_DIM, text) + 2;
    for (int part = 0; part < TARE_FRAME_PARTS_MAX && instrument->names != NULL; part++) {
        if (instrument->names[part] == NULL) {
            break;
        }
        snprintf(text, sizeof(text), "%.32s %s", instrument->names[part],
                 tare__figure_time(figure, frame->part_ns[part], area->ascii));
        x += tare__put(area, x, y, area->width - x, 0, text) + 2;
    }
}

void tare__draw_frame_row(const struct tare__area *area, int y, const struct tare_screen_state *state,
                          const struct tare__row *row)
{
    switch (row->kind) {
    case TARE__ROW_CURVE:
        draw_curve(area, y, row);
        break;
    case TARE__ROW_FRAME_HEADER:
    case TARE__ROW_FRAME_WINDOW:
    case TARE__ROW_FRAME_RING:
    case TARE__ROW_FRAME_TOTAL:
        draw_figures(area, y, row);
        break;
    case TARE__ROW_PART:
        draw_part(area, y, state, row);
        break;
    case TARE__ROW_SLOW_TITLE:
        draw_slow_title(area, y, row);
        break;
    case TARE__ROW_SLOW:
        draw_slow(area, y, row);
        break;
    default:
        break;
    }
}
