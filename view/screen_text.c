/* SPDX-License-Identifier: MIT */
/*
 * A snapshot as text: the same lists as on the screen, as long as they are, one below the other. Panels without
 * anything are left out.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "view/columns.h"
#include "view/screen_parts.h"

enum { KEYS_MOST = 20 }; /* of one top-k */

/* The rows of the screen. */
static int print(const struct tare_screen *screen, FILE *out)
{
    for (int y = 0; y < screen->height; y++) {
        char *line = tare_screen_row(screen, y);
        if (line == NULL) {
            return -ENOMEM;
        }
        fprintf(out, "%s\n", line);
        free(line);
    }
    return 0;
}

/* Pieces of a list, so that it may be as long as it likes: a header stands above the first alone. */
static int print_rows(struct tare_screen *screen, const struct tare_screen_state *state,
                      enum tare_screen_panel panel, const struct tare__rows *rows, int width, FILE *out)
{
    enum { PIECE = 200 };
    for (size_t at = 0; at < rows->count; at += PIECE) {
        bool header = panel != TARE_SCREEN_FRAMES;
        int lines = (int)(rows->count - at < PIECE ? rows->count - at : PIECE);
        int failure = tare_screen_resize(screen, width, lines + header);
        if (failure != 0) {
            return failure;
        }
        /* Of later pieces, the header is drawn above the screen. */
        const struct tare__area area = {screen,         0,           header && at != 0 ? -1 : 0, width,
                                        lines + header, state->ascii};
        if (header && at != 0) {
            failure = tare_screen_resize(screen, width, lines);
            if (failure != 0) {
                return failure;
            }
        }
        tare__draw_rows(&area, state, panel, rows, at, SIZE_MAX);
        failure = print(screen, out);
        if (failure != 0) {
            return failure;
        }
    }
    return 0;
}

/* Of thousands of keys, those that matter. Returns how many were left out. */
static size_t leave_out(struct tare__rows *rows)
{
    size_t kept = 0, keys = 0, all = rows->count;
    for (size_t i = 0; i < all; i++) {
        keys = rows->rows[i].kind == TARE__ROW_KEY ? keys + 1 : 0;
        if (keys <= KEYS_MOST) {
            rows->rows[kept++] = rows->rows[i];
        }
    }
    rows->count = kept;
    return all - kept;
}

/* What was printed of a process, and what was left out. */
struct tally {
    size_t panels;
    char silent[256];
    size_t used;
};

static int print_panel(struct tare_screen *screen, const struct tare_screen_state *state,
                       enum tare_screen_panel panel, const struct tare_process_figures *process, int width,
                       struct tally *tally, FILE *out)
{
    struct tare__rows rows;
    int failure = tare__screen_rows_make(&rows, state, panel, NULL, process);
    if (failure == 0 && rows.silent != 0 && *state->filter == '\0') {
        tally->used +=
            (size_t)snprintf(tally->silent + tally->used, sizeof(tally->silent) - tally->used, "%s%zu of %s",
                             tally->used != 0 ? ", " : "", rows.silent, tare__screen_panel_names[panel]);
    }
    if (failure == 0 && rows.count != 0) {
        tally->panels++;
        size_t left_out = leave_out(&rows);
        tare__screen_rows_measure(&rows);
        fprintf(out, "\n%s\n", tare__screen_panel_names[panel]);
        failure = print_rows(screen, state, panel, &rows, width, out);
        if (left_out != 0) {
            fprintf(out, "  %zu lighter keys are left out: --format json has more of them\n", left_out);
        }
    }
    tare__screen_rows_release(&rows);
    return failure;
}

/* A line that may hold what a terminal would obey. */
static int print_line(struct tare_screen *screen, const struct tare_screen_state *state, const char *text,
                      FILE *out)
{
    int failure = tare_screen_resize(screen, tare__columns_of(text), 1);
    if (failure == 0) {
        const struct tare__area area = {screen, 0, 0, screen->width, 1, state->ascii};
        tare__put(&area, 0, 0, area.width, 0, text);
        failure = print(screen, out);
    }
    return failure;
}

static int print_process(struct tare_screen *screen, const struct tare_telemetry *telemetry,
                         const struct tare_screen_state *chosen, const struct tare_process_figures *process,
                         int width, FILE *out)
{
    struct tare_screen_state ended = *chosen;
    const struct tare_screen_state *state = process->alive ? chosen : &ended;
    struct tally tally = {0};
    ended.total = true; /* it has no window any more */
    char notice[512];
    int failure = tare_screen_resize(screen, width, 1);
    if (failure != 0) {
        return failure;
    }
    const struct tare__area area = {screen, -1, 0, width + 1, 1, state->ascii};
    tare__draw_process_line(&area, state, telemetry, process, 0);
    failure = print(screen, out);
    tare__screen_notice(notice, sizeof(notice), process, TARE_SCREEN_TIMERS, false);
    if (notice[0] != '\0') {
        fprintf(out, "%s\n", notice);
    }
    for (int i = 0; i < TARE_SCREEN_PANELS && failure == 0; i++) {
        failure = print_panel(screen, state, (enum tare_screen_panel)i, process, width, &tally, out);
    }
    if (failure == 0 && tally.used != 0) {
        fprintf(out, "\n%s never counted: --all shows them\n", tally.silent);
    }
    if (failure == 0 && tally.panels == 0 && *state->filter != '\0') {
        char text[TARE_SCREEN_FILTER_MAX + 32];
        snprintf(text, sizeof(text), "nothing matches '%s'", state->filter);
        failure = print_line(screen, state, text, out);
    }
    return failure;
}

int tare_screen_text(const struct tare_telemetry *telemetry, const struct tare_screen_state *state, int width,
                     FILE *out)
{
    struct tare_screen screen = {0};
    int failure = 0;
    width = width < TARE_SCREEN_WIDTH_MIN   ? TARE_SCREEN_WIDTH_MIN
            : width > TARE_SCREEN_WIDTH_MAX ? TARE_SCREEN_WIDTH_MAX
                                            : width;
    for (size_t i = 0; i < telemetry->process_count && failure == 0; i++) {
        fputs(i != 0 ? "\n" : "", out);
        failure = print_process(&screen, telemetry, state, &telemetry->processes[i], width, out);
    }
    tare_screen_release(&screen);
    if (failure == 0) {
        failure = tare__view_finish(out);
    }
    return failure;
}
