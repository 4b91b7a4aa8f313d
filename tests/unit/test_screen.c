/* SPDX-License-Identifier: MIT */
/* view/screen.h: what stands where at which size, what keys do, and what hostile names cannot. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/comma_locale.h"
#include "tests/unit/near.h"
#include "tests/unit/sample_telemetry.h"
#include "view/screen.h"
#include "view/screen_parts.h"

/* A screen of the sample. Its first process is chosen, as there are two. */
struct fixture {
    struct tare_telemetry telemetry;
    struct tare_screen_state state;
    struct tare_screen screen;
    struct tare_screen_action action;
};

static void draw(struct fixture *fixture)
{
    assert_int_equal(tare_screen_draw(&fixture->screen, &fixture->state, &fixture->telemetry), 0);
}

static void press(struct fixture *fixture, uint32_t key)
{
    free(fixture->action.ids);
    assert_int_equal(tare_screen_key(&fixture->state, &fixture->telemetry, key, &fixture->action), 0);
    draw(fixture);
}

static void type(struct fixture *fixture, const char *text)
{
    for (; *text != '\0'; text++) {
        press(fixture, (unsigned char)*text);
    }
}

static void resize(struct fixture *fixture, int width, int height)
{
    assert_int_equal(tare_screen_resize(&fixture->screen, width, height), 0);
    draw(fixture);
}

static int set_up(void **data)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    *data = fixture;
    sample_telemetry(&fixture->telemetry);
    tare_screen_state_init(&fixture->state);
    fixture->state.has_chosen = true;
    fixture->state.process = fixture->telemetry.processes[0].id;
    resize(fixture, 80, 24);
    return 0;
}

static int tear_down(void **data)
{
    struct fixture *fixture = *data;
    free(fixture->action.ids);
    tare_screen_release(&fixture->screen);
    tare_telemetry_release(&fixture->telemetry);
    free(fixture);
    return 0;
}

static void assert_row(const struct fixture *fixture, int y, const char *expected)
{
    char *text = tare_screen_row(&fixture->screen, y);
    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
}

/* The first line that has the text in it; -1: none. */
static int line_of(const struct fixture *fixture, const char *part)
{
    for (int y = 0; y < fixture->screen.height; y++) {
        char *text = tare_screen_row(&fixture->screen, y);
        assert_non_null(text);
        bool found = strstr(text, part) != NULL;
        free(text);
        if (found) {
            return y;
        }
    }
    return -1;
}

static void assert_shows(const struct fixture *fixture, const char *part)
{
    if (line_of(fixture, part) < 0) {
        for (int y = 0; y < fixture->screen.height; y++) {
            char *text = tare_screen_row(&fixture->screen, y);
            print_message("|%s\n", text);
            free(text);
        }
        fail_msg("'%s' is not on the screen", part);
    }
}

static void assert_hides(const struct fixture *fixture, const char *part)
{
    if (line_of(fixture, part) >= 0) {
        fail_msg("'%s' is on the screen", part);
    }
}

static uint32_t attributes_at(const struct fixture *fixture, int x, int y)
{
    return fixture->screen.cells[y * fixture->screen.width + x].attributes;
}

static void a_screen_of_80x24_letter_by_letter(void **data)
{
    struct fixture *fixture = *data;
    assert_row(fixture, 0, " 4242 game  up 10s  cpu 75.0%  measuring 3.4%  117.7MiB  4/6 thr     last 1.0 s");
    assert_row(fixture, 1, "1 timers 2 values 3 frames 4 jit 5 gfx 6 cpu 7 latency 8 memory 9 hotspots");
    assert_row(fixture, 2, "3 timers, by busy");
    assert_row(fixture, 3, "  timer                     calls/s  net avg        ±  net p99   ▾busy    total");
    assert_row(fixture, 4, "● fdtable…:close_virtualfd      100  37.60ns  0.750ns ~217.8ns    0.0%  37.60µs");
    assert_row(fixture, 5, "○ fdtables::never               off        -        -        -       -        -");
    assert_row(fixture, 6, "● lind_bo…load_main_module        -        -        -        -       -  1.504µs");
    assert_row(fixture, 7, "");
    assert_row(fixture, 23, "q quit  ? help  / filter  s sort  space on/off  a all  t totals  f freeze");
}

static void rates_of_a_comma_locale_have_points(void **data)
{
    struct fixture *fixture = *data;
    if (!comma_locale_begin()) {
        skip();
    }
    draw(fixture);
    assert_row(fixture, 4, "● fdtable…:close_virtualfd      100  37.60ns  0.750ns ~217.8ns    0.0%  37.60µs");
    comma_locale_end();
}

static void columns_come_and_go_by_width(void **data)
{
    struct fixture *fixture = *data;
    resize(fixture, 200, 30);
    assert_shows(fixture, "declared at");
    assert_shows(fixture, "sample.c:10");
    assert_shows(fixture, "fdtables::close_virtualfd");
    resize(fixture, 110, 30);
    assert_hides(fixture, "declared at");
    assert_shows(fixture, "net p95");
    resize(fixture, 40, 10);
    assert_row(fixture, 1, "1 timers 2 3 4 5 6 7 8 9");
    assert_row(fixture, 3, "  timer                calls/s  net avg");
}

static void below_40x10_it_says_what_it_needs(void **data)
{
    struct fixture *fixture = *data;
    resize(fixture, 39, 24);
    assert_row(fixture, 0, "39x24 is too small: 40x10 at least");
    resize(fixture, 20, 5);
    assert_row(fixture, 0, "20x5 is too small:");
    assert_row(fixture, 1, "40x10 at least");
    resize(fixture, 20, 1);
    assert_row(fixture, 0, "need 40x10");
    resize(fixture, 0, 0);
    resize(fixture, 1, 1);
    resize(fixture, 100000, 100000);
    assert_int_equal(fixture->screen.width, TARE_SCREEN_WIDTH_MAX);
}

/* No size, panel or place in a list makes it draw outside: the sanitizers watch. */
static void every_size_and_panel_can_be_drawn(void **data)
{
    struct fixture *fixture = *data;
    for (int width = 0; width < 130; width += width < 45 ? 1 : 17) {
        for (int height = 0; height < 50; height += height < 14 ? 1 : 9) {
            resize(fixture, width, height);
            for (uint32_t key = '1'; key <= '9'; key++) {
                press(fixture, key);
                press(fixture, TARE_SCREEN_KEY_END);
                press(fixture, TARE_SCREEN_KEY_PAGE_UP);
                press(fixture, 't');
            }
            press(fixture, '?');
            press(fixture, TARE_SCREEN_KEY_PAGE_DOWN);
            press(fixture, 'x');
        }
    }
}

static void tall_and_wide_screens_have_more_panels(void **data)
{
    struct fixture *fixture = *data;
    resize(fixture, 200, 60);
    assert_shows(fixture, "frames/s");
    assert_shows(fixture, "0x7f00deadbeef0000");
    press(fixture, '3'); /* then it is not there twice */
    int first = line_of(fixture, "frames/s");
    assert_true(first >= 0 && first < 10);
    resize(fixture, 80, 24);
    press(fixture, '1');
    assert_hides(fixture, "frames/s");
}

static void frames_have_a_curve_rates_parts_and_slow_ones(void **data)
{
    struct fixture *fixture = *data;
    press(fixture, '3');
    assert_row(fixture, 3, "● view.main_view  since the start 12 frames, 4 dropped, 1 slow");
    assert_row(fixture, 6, "         0  ████████████");
    assert_row(fixture, 7, "         frames/s    1/avg   median   1% low 0.1% low      p50      p95      p99");
    assert_shows(fixture, "  slow frames, over 25.00ms, the newest first");
    assert_shows(fixture, "       #595  33.00ms  at 9.92 s  cpu 19.80ms  gpu 4.250ms  io -");
    /* Of 12 frames there is no 1 %. */
    assert_row(fixture, 8, "  window       12    58.85    64.31        -        -  15.55ms ~23.70ms        -");
    assert_row(fixture, 9, "  in ring   60.61    58.85    64.31        -        -  15.55ms ~23.70ms        -");
    assert_row(fixture, 10, "  all           -    63.99    61.58        -        -  16.24ms ~16.56ms        -");
    assert_row(fixture, 13, "  io               -        -            all -");
    assert_true((attributes_at(fixture, 19, 4) & TARE_SCREEN_BAD) != 0); /* the slow one in the curve */
}

static struct tare_instrument_figures *first_of(struct fixture *fixture, enum tare_kind kind)
{
    struct tare_process_figures *process = &fixture->telemetry.processes[0];
    for (size_t i = 0; i < process->instrument_count; i++) {
        if (process->instruments[i].kind == kind) {
            return &process->instruments[i];
        }
    }
    fail_msg("none of that kind");
    return NULL;
}

static void one_long_frame_does_not_flatten_the_others(void **data)
{
    struct fixture *fixture = *data;
    struct tare_instrument_figures *frames = first_of(fixture, TARE_KIND_FRAMES);
    assert_true(frames->last_count >= 12);
    for (size_t i = 0; i < frames->last_count; i++) {
        frames->last[i].ns = i % 2 == 0 ? 1e6 : 2e6;
        frames->last[i].slow = false;
    }
    frames->last[frames->last_count - 1].ns = 5e8;
    press(fixture, '3');
    assert_row(fixture, 4, "  >6.000ms             ^");
    assert_row(fixture, 6, "         0  ▄█▄█▄█▄█▄█▄█");
    frames->last[frames->last_count - 1].ns = 5e6; /* still in it */
    draw(fixture);
    assert_row(fixture, 4, "   5.000ms             █");
}

static void hot_keys_have_their_share_and_error(void **data)
{
    struct fixture *fixture = *data;
    press(fixture, '9');
    assert_row(fixture, 4, "● jit.hot_blocks  weight 10.00k cycles  hits 1000  3 keys");
    assert_shows(fixture, "0xffffffffffffffff   25.0% 2500 cycles 120 cycles       200");
    type(fixture, "/0x7f");
    press(fixture, TARE_SCREEN_KEY_ENTER);
    assert_shows(fixture, "0x7f00deadbeef0000");
    assert_hides(fixture, "0xffffffffffffffff");
}

static void an_idle_window_shows_the_hot_keys_since_the_start_and_says_so(void **data)
{
    struct fixture *fixture = *data;
    struct tare_instrument_figures *hot = first_of(fixture, TARE_KIND_TOPK);
    press(fixture, '9');
    int y = line_of(fixture, "0xffffffffffffffff");
    assert_int_equal(attributes_at(fixture, 2, y) & TARE_SCREEN_DIM, 0);
    size_t keys = hot->rolling.key_count;
    hot->rolling.key_count = 0;
    hot->rolling.total = hot->rolling.hits = 0;
    draw(fixture);
    assert_shows(fixture, "● jit.hot_blocks  nothing in this window, since the start  weight ");
    resize(fixture, 120, 24);
    draw(fixture);
    assert_shows(fixture, " 3 keys kept");
    assert_hides(fixture, " 0 keys");
    y = line_of(fixture, "0xffffffffffffffff");
    assert_true(y > 0);
    assert_int_equal(attributes_at(fixture, 2, y) & TARE_SCREEN_DIM, TARE_SCREEN_DIM);
    hot->rolling.total = 7; /* of keys that had to leave their tables */
    draw(fixture);
    assert_shows(fixture, "in this window no key for sure, since the start");
    hot->rolling.known = false;
    draw(fixture);
    assert_shows(fixture, "no window yet, since the start");
    press(fixture, 't');
    assert_hides(fixture, "yet, since the start");
    assert_shows(fixture, "● jit.hot_blocks  weight ");
    assert_shows(fixture, " keys kept");
    hot->rolling.key_count = keys;
}

static void percentiles_of_few_values_or_between_steps_are_marked(void **data)
{
    struct fixture *fixture = *data;
    const struct {
        double p;
        uint64_t few, enough;
    } cases[] = {{0.5, 5, 6},    {0.05, 19, 20},  {0.9, 9, 10},
                 {0.95, 19, 20}, {0.99, 99, 100}, {0.999, 999, 1000}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_true(tare__is_of_few(cases[i].p, 0));
        assert_true(tare__is_of_few(cases[i].p, cases[i].few));
        assert_false(tare__is_of_few(cases[i].p, cases[i].enough));
    }
    /* A clock in steps of 26 ticks; and one without. */
    struct tare_result_bucket steps[] = {{104, 4, 900}, {130, 8, 80}, {156, 8, 20}};
    struct tare_result_bucket smooth[] = {{104, 4, 600}, {108, 4, 200}, {112, 4, 200}};
    struct tare_distribution of = {.scale = 0.5, .buckets = steps, .bucket_count = 3, .count = 1000};
    assert_true(tare__is_coarse(&of, 53, 40, NAN));
    assert_false(tare__is_coarse(&of, 53, 53, NAN));
    assert_true(tare__is_rough(&of, 0.99, 80, 50, NAN));
    of.buckets = smooth;
    assert_false(tare__is_coarse(&of, 53, 40, NAN));
    assert_true(tare__is_coarse(&of, 53, 4, NAN));
    assert_true(tare__is_coarse(&of, 53, 0, NAN));
    assert_true(tare__is_coarse(&of, 53, -3, 0));
    assert_false(tare__is_rough(&of, 0.99, 57, 40, NAN));
    of.count = 99;
    assert_true(tare__is_rough(&of, 0.99, 57, 40, NAN));
    char figure[TARE__FIGURE];
    assert_string_equal(tare__figure_mark(strcpy(figure, "12.35ns"), true), "~12.35ns");
    assert_string_equal(tare__figure_mark(strcpy(figure, "12.35ns"), false), "12.35ns");
    assert_string_equal(tare__figure_mark(strcpy(figure, "-12.35ns"), true), "~-12.3ns");
    assert_string_equal(tare__figure_mark(strcpy(figure, "-999.9µs"), true), "~-999µs");
    assert_string_equal(tare__figure_mark(strcpy(figure, "-"), true), "-");
    /* On the screen */
    press(fixture, '3');
    struct tare_instrument_figures *frames = first_of(fixture, TARE_KIND_FRAMES);
    frames->rolling.frames.frames = 60;
    frames->rolling.frames.low_1_fps = 41.25;
    frames->rolling.frames.low_01_fps = 40.5;
    draw(fixture);
    assert_shows(fixture, "~41.25   ~40.50");
    frames->rolling.frames.frames = 100;
    draw(fixture);
    assert_shows(fixture, " 41.25   ~40.50");
}

static void sets_have_panels_with_what_follows_from_them(void **data)
{
    struct fixture *fixture = *data;
    press(fixture, '4');
    assert_shows(fixture, "jit.cache.hit_rate");
    assert_shows(fixture, "98.0%");
    assert_hides(fixture, "gfx.draw_calls_total");
    press(fixture, '5');
    assert_shows(fixture, "gfx.draw_calls_total");
    press(fixture, '8');
    assert_shows(fixture, "memory.committed_bytes");
    assert_shows(fixture, "256.0MiB");
}

static void what_of_a_set_never_counted_is_left_out(void **data)
{
    struct fixture *fixture = *data;
    press(fixture, '2'); /* they have panels of their own */
    assert_hides(fixture, "jit.");
    press(fixture, '5');
    assert_row(fixture, 2, "3 instruments, 2 never counted: A shows them");
    assert_hides(fixture, "gpu_timing_enabled");
    assert_shows(fixture, "gpu_timing_supported"); /* which it told to be 0 */
    press(fixture, 'A');
    assert_shows(fixture, "gpu_timing_enabled");
    press(fixture, '4');
    fixture->telemetry.processes[0].derived[0].rolling = NAN; /* no lookup in the window */
    draw(fixture);
    int y = line_of(fixture, "jit.cache.hit_rate");
    assert_true(y > 0);
    char *text = tare_screen_row(&fixture->screen, y);
    assert_non_null(strstr(text, " - in all 97.5%"));
    free(text);
}

/* Committed bytes: what they are, and by how much they changed; not that change in the value's place. */
static void figures_of_a_moment_are_shown_as_they_are_now(void **data)
{
    struct fixture *fixture = *data;
    struct tare_derived *derived = &fixture->telemetry.processes[0].derived[0];
    *derived = (struct tare_derived){.name = "jit.committed",
                                     .unit = "bytes",
                                     .help = "now",
                                     .total = 1048576,
                                     .rolling = 4096,
                                     .of_moment = true};
    resize(fixture, 110, 24);
    press(fixture, '4');
    assert_shows(fixture, "1.00MiB change +4.00KiB  now");
    derived->rolling = 0;
    draw(fixture);
    assert_shows(fixture, "1.00MiB now");
    derived->rolling = -4096;
    press(fixture, 't');
    assert_shows(fixture, "1.00MiB change -4.00KiB  now");
}

static void enter_shows_all_of_one_instrument(void **data)
{
    struct fixture *fixture = *data;
    press(fixture, '2');
    press(fixture, TARE_SCREEN_KEY_DOWN);
    press(fixture, TARE_SCREEN_KEY_ENTER);
    assert_shows(fixture, "declared at   src/sample.c:");
    assert_shows(fixture, "window       since start");
    assert_shows(fixture, "Enter or Esc goes back");
    press(fixture, TARE_SCREEN_KEY_ESCAPE);
    assert_hides(fixture, "since start");
    for (uint32_t panel = '1'; panel <= '9'; panel++) { /* every kind */
        press(fixture, panel);
        for (int i = 0; i < 20; i++) {
            press(fixture, TARE_SCREEN_KEY_ENTER);
            press(fixture, TARE_SCREEN_KEY_DOWN);
            press(fixture, TARE_SCREEN_KEY_ENTER);
        }
    }
}

static void much_measuring_is_a_warning(void **data)
{
    struct fixture *fixture = *data;
    assert_shows(fixture, "measuring 3.4%");
    assert_hides(fixture, "measuring takes");
    fixture->telemetry.processes[0].measuring_share = 0.345;
    draw(fixture);
    assert_shows(fixture, "measuring takes 34.5% of its processor time");
    fixture->telemetry.processes[0].measuring_share = NAN;
    draw(fixture);
    assert_hides(fixture, "measuring");
}

static void an_ended_process_turns_to_totals(void **data)
{
    struct fixture *fixture = *data;
    fixture->telemetry.processes[0].alive = false;
    draw(fixture);
    assert_true(fixture->state.total);
    assert_shows(fixture, "since the start");
    press(fixture, 't');
    assert_false(fixture->state.total);
    assert_shows(fixture, "ended; no window is left");
    assert_hides(fixture, "of that name");
    struct tare_process_figures *other = &fixture->telemetry.processes[1];
    free(other->name);
    other->name = strdup(fixture->telemetry.processes[0].name); /* it was started again */
    draw(fixture);
    assert_hides(fixture, "of that name"); /* that one has ended, too */
    other->alive = true;
    press(fixture, 't');
    assert_row(fixture, 0, " 4242 game  ended; these are its last totals                    since the start");
    assert_shows(fixture, "  process 4300 of that name runs: p");
    press(fixture, 't');
    other->alive = false;
    fixture->telemetry.processes[0].alive = true;
    draw(fixture);
    assert_false(fixture->state.total);
}

static void without_a_timer_that_is_on_it_begins_elsewhere(void **data)
{
    struct fixture *fixture = *data;
    struct tare_process_figures *process = &fixture->telemetry.processes[0];
    struct tare_screen_state state;
    for (size_t i = 0; i < process->instrument_count; i++) {
        process->instruments[i].enabled = process->instruments[i].kind != TARE_KIND_TIMER;
    }
    tare_screen_state_init(&state);
    state.has_chosen = true;
    state.process = process->id;
    assert_int_equal(tare_screen_draw(&fixture->screen, &state, &fixture->telemetry), 0);
    assert_int_equal(state.panel, TARE_SCREEN_FRAMES);
    assert_int_equal(tare_screen_key(&state, &fixture->telemetry, '1', &fixture->action), 0);
    assert_int_equal(tare_screen_draw(&fixture->screen, &state, &fixture->telemetry), 0);
    assert_int_equal(state.panel, TARE_SCREEN_TIMERS);
}

static void figures_go_before_names_and_words(void **data)
{
    struct fixture *fixture = *data;
    press(fixture, '2');
    assert_shows(fixture, "3 in idle  1 in running");
    assert_shows(fixture, " p95 103.5B  p99 475.5B");
    assert_shows(fixture, "net.packet_size ");
}

/* On 80 columns, instruments of one set that differ in their names alone, before their labels. */
static void names_that_are_cut_still_differ(void **data)
{
    struct fixture *fixture = *data;
    press(fixture, '4');
    assert_shows(fixture, "ns_total{tier=baseline} ");
    assert_shows(fixture, "ks_total{tier=baseline} ");
}

static void names_are_sorted_as_they_are_displayed(void **data)
{
    struct fixture *fixture = *data;
    struct tare_process_figures *process = &fixture->telemetry.processes[0];
    /* "a.b" < "a::x", although "a" < "a.b" */
    free(process->instruments[0].module);
    free(process->instruments[2].module);
    process->instruments[0].module = strdup("a");
    process->instruments[2].module = strdup("a.b");
    fixture->state.lists[TARE_SCREEN_TIMERS].sort = 0;
    draw(fixture);
    assert_int_equal(line_of(fixture, "a.b::"), 4);
    assert_int_equal(line_of(fixture, "a::"), 5);
}

static int compare_texts(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static void names_of_one_module_are_sorted_as_they_are_displayed(void **data)
{
    static const char *const names[][2] = {{"ab", NULL}, {"a", "x=1"}, {"a", NULL},
                                           {"a|", NULL}, {"a", "x=0"}, {"a{", "x=1"},
                                           {"a", ""},    {"b", NULL},  {"a.b", "y=1"}};
    enum { COUNT = sizeof(names) / sizeof(names[0]) };
    struct fixture *fixture = *data;
    struct tare_instrument_figures instruments[COUNT] = {0};
    struct tare_process_figures process = {
        .alive = true, .instruments = instruments, .instrument_count = COUNT};
    char *expected[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        instruments[i] = (struct tare_instrument_figures){.kind = TARE_KIND_COUNTER,
                                                          .module = (char *)"m",
                                                          .name = (char *)names[i][0],
                                                          .labels = (char *)names[i][1]};
        expected[i] = tare_instrument_full_name(&instruments[i]);
    }
    qsort(expected, COUNT, sizeof(*expected), compare_texts);
    fixture->state.lists[TARE_SCREEN_VALUES].sort = 0;
    struct tare__rows rows;
    assert_int_equal(tare__screen_rows_make(&rows, &fixture->state, TARE_SCREEN_VALUES, NULL, &process), 0);
    assert_int_equal(rows.count, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        char *name = tare__screen_row_name(&rows.rows[i]);
        assert_string_equal(name, expected[i]);
        free(name);
        free(expected[i]);
    }
    tare__screen_rows_release(&rows);
}

static void unknown_is_a_dash(void **data)
{
    struct fixture *fixture = *data;
    press(fixture, '2');
    type(fixture, "/temperature");
    assert_row(fixture, 4, "● net.temperature                            -");
    struct tare__row row = {.kind = TARE__ROW_INSTRUMENT,
                            .instrument = fixture->telemetry.processes[0].instruments};
    char text[TARE__CELL];
    fixture->telemetry.processes[0].instruments[0].total.bytes = TARE_COUNT_UNKNOWN;
    assert_string_equal(tare__screen_column_text(text, TARE__COLUMN_BYTES, &row, &fixture->state), "");
}

static void filters(void **data)
{
    (void)data;
    assert_true(tare_screen_filter_matches("", "anything"));
    assert_true(tare_screen_filter_matches("read", "fdtables::read_virtualfd"));
    assert_true(tare_screen_filter_matches("read", "fdtables::READ"));
    assert_false(tare_screen_filter_matches("READ", "fdtables::read"));
    assert_true(tare_screen_filter_matches("fd*::r?ad", "fdtables::read"));
    assert_false(tare_screen_filter_matches("fd*::r?ad", "fdtables::reads"));
    assert_true(tare_screen_filter_matches("[ab]*", "beta"));
    assert_false(tare_screen_filter_matches("[", "beta")); /* no pattern that ends */
}

static void a_filter_is_typed_kept_and_undone(void **data)
{
    struct fixture *fixture = *data;
    type(fixture, "/nev");
    assert_hides(fixture, "close_virtualfd");
    assert_shows(fixture, "filter: nev");
    assert_int_equal(fixture->screen.cursor_x, 11);
    press(fixture, TARE_SCREEN_KEY_BACKSPACE);
    press(fixture, 0xe9); /* a character of two bytes goes as one */
    press(fixture, TARE_SCREEN_KEY_BACKSPACE);
    press(fixture, TARE_SCREEN_KEY_ENTER);
    assert_row(fixture, 2, "1 of 3 timers, by busy, filter 'ne'");
    assert_int_equal(fixture->screen.cursor_x, -1);
    type(fixture, "/xx");
    assert_shows(fixture, "the filter lets none through");
    press(fixture, TARE_SCREEN_KEY_ESCAPE);
    assert_string_equal(fixture->state.filter, "ne");
    press(fixture, TARE_SCREEN_KEY_ESCAPE);
    assert_string_equal(fixture->state.filter, "");
    press(fixture, '/');
    for (int i = 0; i < 1000; i++) { /* more than there is room for */
        press(fixture, 0x4e16);
    }
    assert_int_equal(strlen(fixture->state.filter), 126); /* and no part of a character */
}

static void sorting_goes_through_the_columns_that_are_there(void **data)
{
    struct fixture *fixture = *data;
    press(fixture, 's');
    assert_row(fixture, 2, "3 timers, by total");
    press(fixture, 'r');
    assert_row(fixture, 2, "3 timers, by total, reversed");
    /* The unknown is last, either way round. */
    assert_int_equal(line_of(fixture, "load_main_module"), 4);
    assert_int_equal(line_of(fixture, "::never"), 6);
    press(fixture, 'r');
    assert_int_equal(line_of(fixture, "close_virtualfd"), 4);
    assert_int_equal(line_of(fixture, "::never"), 6);
    press(fixture, 't'); /* there is no share of the window in it */
    press(fixture, 'S');
    assert_row(fixture, 2, "3 timers, by net p99");
}

static void the_cursor_stays_on_its_row(void **data)
{
    struct fixture *fixture = *data;
    press(fixture, TARE_SCREEN_KEY_DOWN);
    uint64_t id = fixture->state.lists[TARE_SCREEN_TIMERS].id;
    assert_true((attributes_at(fixture, 0, 5) & TARE_SCREEN_REVERSE) != 0);
    press(fixture, 's');
    press(fixture, 'r');
    assert_int_equal(fixture->state.lists[TARE_SCREEN_TIMERS].id, id);
    int y = line_of(fixture, "::never");
    assert_true((attributes_at(fixture, 0, y) & TARE_SCREEN_REVERSE) != 0);
    press(fixture, ' ');
    assert_int_equal(fixture->action.what, TARE_SCREEN_SWITCH);
    assert_int_equal(fixture->action.count, 1);
    assert_int_equal(fixture->action.ids[0], id);
    assert_true(fixture->action.enabled);
    press(fixture, TARE_SCREEN_KEY_HOME);
    assert_true((attributes_at(fixture, 0, 4) & TARE_SCREEN_REVERSE) != 0);
}

static void all_that_are_listed_are_switched(void **data)
{
    struct fixture *fixture = *data;
    press(fixture, 'a'); /* not all are on */
    assert_int_equal(fixture->action.what, TARE_SCREEN_SWITCH);
    assert_int_equal(fixture->action.count, 3);
    assert_true(fixture->action.enabled);
    type(fixture, "/close");
    press(fixture, TARE_SCREEN_KEY_ENTER);
    press(fixture, 'a');
    assert_int_equal(fixture->action.count, 1);
    assert_false(fixture->action.enabled);
    press(fixture, '9'); /* a top-k has many rows, and one switch */
    press(fixture, TARE_SCREEN_KEY_ESCAPE);
    press(fixture, 'a');
    assert_int_equal(fixture->action.count, 1);
    press(fixture, TARE_SCREEN_KEY_DOWN);
    press(fixture, ' ');
    assert_int_equal(fixture->action.count, 1);
    press(fixture, '4');
    press(fixture, ' '); /* the first row is a figure that follows from others */
    assert_int_equal(fixture->action.what, TARE_SCREEN_NOTHING);
    assert_shows(fixture, "this follows from others: it has no switch");
}

static void voiding_asks_first(void **data)
{
    struct fixture *fixture = *data;
    press(fixture, 'z');
    assert_int_equal(fixture->action.what, TARE_SCREEN_NOTHING);
    assert_shows(fixture, "void what 3 instruments counted so far? y or n");
    press(fixture, 'q'); /* anything but y is no; and does nothing else */
    assert_int_equal(fixture->action.what, TARE_SCREEN_NOTHING);
    assert_shows(fixture, "nothing was voided");
    press(fixture, 'z');
    press(fixture, 'y');
    assert_int_equal(fixture->action.what, TARE_SCREEN_VOID);
    assert_int_equal(fixture->action.count, 3);
}

static void other_keys_are_handed_on(void **data)
{
    struct fixture *fixture = *data;
    press(fixture, 'w');
    assert_int_equal(fixture->action.what, TARE_SCREEN_WINDOW);
    assert_close(fixture->state.window_s, 2, 1e-9);
    press(fixture, 'W');
    press(fixture, 'W');
    assert_close(fixture->state.window_s, 0.5, 1e-9);
    for (int i = 0; i < 20; i++) {
        press(fixture, 'w');
    }
    assert_close(fixture->state.window_s, 60, 1e-9);
    press(fixture, 'e');
    assert_int_equal(fixture->action.what, TARE_SCREEN_EXPORT);
    press(fixture, 'f');
    assert_shows(fixture, "FROZEN");
    press(fixture, 't');
    assert_shows(fixture, "since the start");
    assert_shows(fixture, "   calls  net avg");
    press(fixture, '?');
    press(fixture, 'q'); /* leaves the help alone */
    assert_int_equal(fixture->action.what, TARE_SCREEN_NOTHING);
    press(fixture, TARE_SCREEN_KEY_OTHER);
    press(fixture, 'q');
    assert_int_equal(fixture->action.what, TARE_SCREEN_QUIT);
}

static void help_fits_and_scrolls(void **data)
{
    struct fixture *fixture = *data;
    press(fixture, '?');
    assert_shows(fixture, " q             quit");
    for (int i = 0; i < 40; i++) {
        for (int y = 0; y < 24; y++) { /* nothing is cut at the right */
            assert_int_equal(fixture->screen.cells[y * 80 + 79].character, ' ');
        }
        press(fixture, TARE_SCREEN_KEY_DOWN);
    }
    assert_shows(fixture, "is not known");
}

static void one_process_is_shown_at_once_and_more_are_a_list(void **data)
{
    struct fixture *fixture = *data;
    fixture->state.has_chosen = false;
    draw(fixture);
    assert_row(fixture, 2, "2 processes, 5 more may not be looked at");
    assert_shows(fixture, "      4242 game");
    assert_shows(fixture, "ended");
    press(fixture, TARE_SCREEN_KEY_DOWN);
    press(fixture, TARE_SCREEN_KEY_ENTER);
    assert_row(fixture, 0, " 4300 worker  ended; these are its last totals                  since the start");
    press(fixture, 'p');
    assert_shows(fixture, "      4242 game");
    press(fixture, TARE_SCREEN_KEY_ESCAPE);
    assert_shows(fixture, "4300 worker");

    struct tare_telemetry one;
    sample_telemetry_large(&one, 3);
    struct tare_screen_state state;
    tare_screen_state_init(&state);
    assert_ptr_equal(tare_screen_process(&state, &one), &one.processes[0]);
    tare_telemetry_release(&one);
}

static void no_process_is_a_list_that_says_so(void **data)
{
    struct fixture *fixture = *data;
    struct tare_telemetry empty;
    sample_telemetry_empty(&empty);
    fixture->state.has_chosen = false;
    assert_int_equal(tare_screen_draw(&fixture->screen, &fixture->state, &empty), 0);
    assert_shows(fixture, "no live process has a page; this looks for one each second");
    assert_shows(fixture, "  tare run --libc PROGRAM ");
    for (uint32_t key = ' '; key < 0x7f; key++) {
        free(fixture->action.ids);
        assert_int_equal(tare_screen_key(&fixture->state, &empty, key, &fixture->action), 0);
        assert_int_equal(tare_screen_draw(&fixture->screen, &fixture->state, &empty), 0);
    }
    tare_telemetry_release(&empty);
}

static void lost_instruments_are_told(void **data)
{
    struct fixture *fixture = *data;
    fixture->state.process = fixture->telemetry.processes[1].id;
    resize(fixture, 200, 24);
    assert_shows(fixture, "1 instruments found no room, 2 threads found no room");
}

static void that_no_timer_is_on_is_told(void **data)
{
    struct fixture *fixture = *data;
    struct tare_process_figures *process = &fixture->telemetry.processes[0];
    assert_hides(fixture, "no timer is on");
    for (size_t i = 0; i < process->instrument_count; i++) {
        process->instruments[i].enabled = process->instruments[i].kind != TARE_KIND_TIMER;
    }
    draw(fixture);
    assert_shows(fixture, "no timer is on: space switches one on");
}

/* What a terminal would obey, or place elsewhere, never gets into a cell. */
static void names_cannot_break_out_of_their_cells(void **data)
{
    struct fixture *fixture = *data;
    struct tare_instrument_figures *timer = &fixture->telemetry.processes[0].instruments[0];
    free(timer->name);
    timer->name = strdup("\033[2Ja\nb\xc2\x9b"
                         "1m\xff\xe2\x80\xae\xcc\x81\xe4\xb8\x96");
    free(timer->module);
    timer->module = strdup("m");
    draw(fixture);
    assert_row(fixture, 4, "● m::?[2Ja?b?1m???世            100  37.60ns  0.750ns ~217.8ns    0.0%  37.60µs");
    for (int i = 0; i < 80 * 24; i++) {
        uint32_t c = fixture->screen.cells[i].character;
        assert_true(c == 0 || (c >= 0x20 && c != 0x7f && !(c >= 0x80 && c < 0xa0)));
    }
    fixture->state.ascii = true;
    draw(fixture);
    assert_row(fixture, 4, "* m::?[2Ja?b?1m????             100  37.60ns  0.750ns ~217.8ns    0.0%  37.60us");
    for (int i = 0; i < 80 * 24; i++) {
        assert_true(fixture->screen.cells[i].character < 0x80);
    }
}

static void figures_have_four_digits(void **data)
{
    (void)data;
    char text[TARE__FIGURE];
    assert_string_equal(tare__figure_time(text, 0.0004, false), "0ns");
    assert_string_equal(tare__figure_time(text, 0.4, false), "0.400ns");
    assert_string_equal(tare__figure_time(text, -12.345, false), "-12.35ns");
    assert_string_equal(tare__figure_time(text, 999.94, false), "999.9ns");
    assert_string_equal(tare__figure_time(text, 999.96, false), "1.000µs");
    assert_string_equal(tare__figure_time(text, 999.96e3, true), "1.000ms");
    assert_string_equal(tare__figure_time(text, 1.5e3, true), "1.500us");
    assert_string_equal(tare__figure_time(text, 4321e9, false), "4321s");
    assert_string_equal(tare__figure_time(text, 90061e9, false), "1d01h");
    assert_string_equal(tare__figure_time(text, NAN, false), "-");
    assert_string_equal(tare__figure_number(text, 0), "0");
    assert_string_equal(tare__figure_number(text, 9999), "9999");
    assert_string_equal(tare__figure_number(text, 10000), "10.00k");
    assert_string_equal(tare__figure_number(text, 999999), "1.000M");
    assert_string_equal(tare__figure_number(text, -2.5), "-2.500");
    assert_string_equal(tare__figure_number(text, 0.00012), "1.2e-4");
    assert_string_equal(tare__figure_number(text, 1.8446744073709552e19), "18.45E");
    assert_string_equal(tare__figure_number(text, 1e300), "1.0e+300");
    assert_string_equal(tare__figure_number(text, INFINITY), "-");
    assert_string_equal(tare__figure_bytes(text, 1023), "1023B");
    assert_string_equal(tare__figure_bytes(text, 1024), "1.00KiB");
    assert_string_equal(tare__figure_bytes(text, 1.5 * 1024 * 1024 * 1024), "1.50GiB");
    assert_string_equal(tare__figure_share(text, 0.1234), "12.3%");
    assert_string_equal(tare__figure_share(text, 12), "1200%");
    assert_string_equal(tare__figure_age(text, 192e9), "3m12s");
    assert_string_equal(tare__figure_age(text, -1), "-");
    assert_string_equal(tare__figure_of_unit(text, 0.5, "ratio", false), "50.0%");
    assert_string_equal(tare__figure_of_unit(text, 2, "seconds", false), "2.000s");
    assert_string_equal(tare__figure_of_unit(text, 250, "MIPS", false), "250 MIPS");
    assert_string_equal(tare__figure_of_unit(text, 250, NULL, false), "250");
    assert_string_equal(tare__figure_of_unit(text, 250, "1", false), "250"); /* a pure number */
}

static char *text_of(const struct tare_telemetry *telemetry, const struct tare_screen_state *state, int width)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_int_equal(tare_screen_text(telemetry, state, width, out), 0);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void as_text_every_row_is_there(void **data)
{
    struct fixture *fixture = *data;
    char *text = text_of(&fixture->telemetry, &fixture->state, 100);
    assert_non_null(strstr(text, "4242 game  up 10s"));
    assert_non_null(strstr(text, "\n\ntimers\n  timer "));
    assert_non_null(strstr(text, "\n\nhotspots\n"));
    assert_non_null(strstr(text, "\n\n4300 worker  ended"));
    assert_null(strchr(text, '\033'));
    assert_null(strstr(text, "\n\n\n"));
    assert_non_null(strstr(text, "2 of gfx, 1 of memory never counted: --all shows them"));
    free(text);
    strcpy(fixture->state.filter, "\033zzz");
    text = text_of(&fixture->telemetry, &fixture->state, 100);
    assert_non_null(strstr(text, "nothing matches '?zzz'"));
    free(text);
    fixture->state.filter[0] = '\0';

    struct tare_telemetry large;
    sample_telemetry_large(&large, 1000);
    text = text_of(&large, &fixture->state, 80);
    size_t rows = 0;
    for (const char *at = text; (at = strstr(at, "\n\xe2\x97")) != NULL; at++) { /* of the mark at its begin */
        rows++;
    }
    assert_true(rows >= 1000);
    free(text);
    tare_telemetry_release(&large);
}

static void a_full_device_is_an_error(void **data)
{
    struct fixture *fixture = *data;
    FILE *full = fopen("/dev/full", "w");
    if (full == NULL) {
        skip();
    }
    assert_int_equal(tare_screen_text(&fixture->telemetry, &fixture->state, 80, full), -EIO);
    fclose(full);
}

static void thousands_of_instruments_scroll(void **data)
{
    struct fixture *fixture = *data;
    struct tare_telemetry large, small = fixture->telemetry;
    sample_telemetry_large(&large, 5000);
    fixture->telemetry = large;
    fixture->state.has_chosen = false;
    press(fixture, '2');
    struct tare_screen_list *list = &fixture->state.lists[TARE_SCREEN_VALUES];
    press(fixture, TARE_SCREEN_KEY_END);
    size_t last = list->cursor;
    assert_true(last > 1000);
    assert_int_equal(list->top, last - (size_t)fixture->state.page_rows + 1);
    press(fixture, TARE_SCREEN_KEY_DOWN);
    assert_int_equal(list->cursor, last);
    press(fixture, TARE_SCREEN_KEY_PAGE_UP);
    assert_int_equal(list->cursor, last - (size_t)fixture->state.page_rows);
    press(fixture, TARE_SCREEN_KEY_HOME);
    assert_int_equal(list->top, 0);
    press(fixture, TARE_SCREEN_KEY_UP);
    assert_int_equal(list->cursor, 0);
    fixture->telemetry = small;
    tare_telemetry_release(&large);
}

static void put_unit(struct tare_instrument_figures *instrument, const char *unit)
{
    free(instrument->unit);
    instrument->unit = strdup(unit);
}

static void every_value_has_its_unit(void **data)
{
    struct fixture *fixture = *data;
    char text[TARE__FIGURE];
    assert_string_equal(tare__figure_of_unit(text, 21, "celsius", false), "21 celsius");
    assert_string_equal(tare__figure_of_unit(text, 1e6, "bytes/s", false), "976.6KiB/s");
    assert_string_equal(tare__figure_of_unit(text, 1000, "kbit/s", false), "1000 kbit/s");
    assert_string_equal(tare__figure_of_unit(text, 4893, "%", false), "4893%");
    assert_string_equal(tare__figure_of_unit(text, 12, "ms/s", false), "12.00ms/s");
    assert_string_equal(tare__figure_of_unit(text, 12, "1/s", false), "12/s");
    assert_string_equal(tare__figure_of_unit(text, NAN, "celsius", false), "-");
    assert_string_equal(tare__figure_rate(text, 489.3, "ms", false), "489.3ms/s");
    assert_string_equal(tare__figure_rate(text, 489.5, "%", false), "489.5%/s");
    assert_string_equal(tare__figure_rate(text, 5, "requests", false), "5 requests/s");
    assert_string_equal(tare__figure_rate(text, 5, NULL, false), "5");
    assert_string_equal(tare__figure_rate(text, NAN, "ms", false), "-");
    assert_string_equal(tare__figure_change(text, 0.5, "celsius", false), "+0.500 celsius");
    assert_string_equal(tare__figure_change(text, -4096, "bytes", false), "-4.00KiB");
    assert_string_equal(tare__figure_change(text, 0, "bytes", false), "0B");
    assert_string_equal(tare__figure_change(text, NAN, "bytes", false), "-");
    char endless[300];
    memset(endless, 'u', sizeof(endless) - 1);
    endless[sizeof(endless) - 1] = '\0';
    assert_true(strlen(tare__figure_rate(text, 1, endless, false)) < TARE__FIGURE);
    /* Of half a character, nothing is left. */
    memset(endless, 'u', 47);
    memcpy(endless + 47, "\xc3\xa9", 2);
    assert_null(strchr(tare__figure_of_unit(text, 1, endless, false), '\xc3'));

    struct tare_instrument_figures *gauge = first_of(fixture, TARE_KIND_GAUGE);
    put_unit(gauge, "celsius");
    gauge->total.value = 21;
    gauge->total.peak = 25;
    press(fixture, '2');
    type(fixture, "/queue");
    press(fixture, TARE_SCREEN_KEY_ENTER);
    assert_row(fixture, 4, "● net.queue_depth                   21 celsius change +0.500 celsius");
    resize(fixture, 200, 24);
    assert_shows(fixture, " +0.500 celsius 21 celsius peak 25 celsius");
    assert_hides(fixture, "change");
    press(fixture, 't'); /* both, always */
    assert_shows(fixture, " +0.500 celsius 21 celsius peak 25 celsius");
    press(fixture, TARE_SCREEN_KEY_ENTER);
    assert_shows(fixture, " 21 celsius");
    press(fixture, TARE_SCREEN_KEY_ESCAPE);
    put_unit(gauge, "quintillions of instructions"); /* digits are never cut */
    resize(fixture, 40, 12);
    assert_shows(fixture, " 21 quintillions…");
    press(fixture, TARE_SCREEN_KEY_ENTER);
    assert_shows(fixture, " 21 quintill");

    struct tare_instrument_figures *hot = first_of(fixture, TARE_KIND_TOPK);
    put_unit(hot, "ns");
    resize(fixture, 100, 24);
    press(fixture, TARE_SCREEN_KEY_ESCAPE);
    press(fixture, TARE_SCREEN_KEY_ESCAPE);
    press(fixture, 't');
    press(fixture, '9');
    assert_shows(fixture, "weight 10.00µs ");
    assert_shows(fixture, "others at most 100.0ns");
    assert_shows(fixture, "2.500µs");
}

/* 500 frames came in the window, and the ring keeps the last 64. */
static void a_window_of_more_frames_than_the_ring_keeps_is_of_all_of_them(void **data)
{
    struct fixture *fixture = *data;
    struct tare_instrument_figures *frames = first_of(fixture, TARE_KIND_FRAMES);
    resize(fixture, 140, 24);
    press(fixture, '3');
    assert_shows(fixture, "  window       12    58.85 ");
    frames->total.total = frames->total.distribution.count = 2000;
    frames->rolling.total = frames->rolling.distribution.count = 500;
    frames->total.frames.frames = frames->rolling.frames.frames = 64;
    frames->rolling.frames.p50_ms = frames->total.frames.p50_ms = 40e-6;
    frames->rolling.distribution.p50 = 120;
    frames->rolling.distribution.p999 = 2e6;
    frames->total.distribution.p50 = 200;
    frames->rolling.frames_slow = 21;
    frames->total.frames_slow = 33;
    draw(fixture);
    assert_shows(fixture, "    ~500  120.0ns ");
    assert_shows(fixture, "        -      500       21        0");
    assert_shows(fixture, " 40.00ns ");
    assert_shows(fixture, "       64        ");
    assert_shows(fixture, " 200.0ns ");
    assert_shows(fixture, "        -     2000       33        4");
    frames->rolling.frames.frames = 63; /* the ring has one of before the window: it has all of that */
    draw(fixture);
    assert_hides(fixture, "120.0ns");
}

static void threads_are_those_that_count_of_all_there_are(void **data)
{
    struct fixture *fixture = *data;
    struct tare_process_figures *process = &fixture->telemetry.processes[0];
    const struct {
        uint64_t counting, all;
        const char *text;
    } cases[] = {{128, 201, "  128 of 201 threads count  "},
                 {0, 1, "  0 of 1 thread counts  "},
                 {4, 4, "  4 threads  "},
                 {1, 1, "  1 thread  "},
                 {3, TARE_COUNT_UNKNOWN, "  3 threads count  "},
                 {1, TARE_COUNT_UNKNOWN, "  1 thread counts  "},
                 {5, 4, "  5 threads count  "}};
    resize(fixture, 140, 24);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        process->threads = cases[i].counting;
        process->process_threads = cases[i].all;
        draw(fixture);
        assert_shows(fixture, cases[i].text);
    }
}

/* All values in one bucket: only the clock itself can tell how far apart the next one would be. */
static void a_percentile_within_a_step_of_the_clock_is_marked(void **data)
{
    struct fixture *fixture = *data;
    struct tare_instrument_figures *timer = first_of(fixture, TARE_KIND_TIMER);
    struct tare_distribution *of = &timer->rolling.distribution;
    of->buckets[0] = (struct tare_result_bucket){.low_ticks = 100, .width_ticks = 4, .count = 5000};
    of->bucket_count = 1;
    of->count = 5000;
    timer->rolling.net_p99_ns = of->p99 = 51;
    draw(fixture);
    assert_shows(fixture, "  51.00ns ");
    fixture->telemetry.processes[0].clock_step_ns = 13;
    draw(fixture);
    assert_shows(fixture, " ~51.00ns ");
    fixture->telemetry.processes[0].clock_step_ns = NAN;
    draw(fixture);
    assert_shows(fixture, "  51.00ns ");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_screen_of_80x24_letter_by_letter),
        TEST(rates_of_a_comma_locale_have_points),
        TEST(columns_come_and_go_by_width),
        TEST(below_40x10_it_says_what_it_needs),
        TEST(every_size_and_panel_can_be_drawn),
        TEST(tall_and_wide_screens_have_more_panels),
        TEST(frames_have_a_curve_rates_parts_and_slow_ones),
        TEST(one_long_frame_does_not_flatten_the_others),
        TEST(hot_keys_have_their_share_and_error),
        TEST(an_idle_window_shows_the_hot_keys_since_the_start_and_says_so),
        TEST(percentiles_of_few_values_or_between_steps_are_marked),
        TEST(sets_have_panels_with_what_follows_from_them),
        TEST(what_of_a_set_never_counted_is_left_out),
        TEST(figures_of_a_moment_are_shown_as_they_are_now),
        TEST(enter_shows_all_of_one_instrument),
        TEST(much_measuring_is_a_warning),
        TEST(an_ended_process_turns_to_totals),
        TEST(without_a_timer_that_is_on_it_begins_elsewhere),
        TEST(figures_go_before_names_and_words),
        TEST(names_that_are_cut_still_differ),
        TEST(names_are_sorted_as_they_are_displayed),
        TEST(names_of_one_module_are_sorted_as_they_are_displayed),
        TEST(unknown_is_a_dash),
        cmocka_unit_test(filters),
        TEST(a_filter_is_typed_kept_and_undone),
        TEST(sorting_goes_through_the_columns_that_are_there),
        TEST(the_cursor_stays_on_its_row),
        TEST(all_that_are_listed_are_switched),
        TEST(voiding_asks_first),
        TEST(other_keys_are_handed_on),
        TEST(help_fits_and_scrolls),
        TEST(one_process_is_shown_at_once_and_more_are_a_list),
        TEST(no_process_is_a_list_that_says_so),
        TEST(lost_instruments_are_told),
        TEST(that_no_timer_is_on_is_told),
        TEST(names_cannot_break_out_of_their_cells),
        cmocka_unit_test(figures_have_four_digits),
        TEST(as_text_every_row_is_there),
        TEST(a_full_device_is_an_error),
        TEST(thousands_of_instruments_scroll),
        TEST(every_value_has_its_unit),
        TEST(a_window_of_more_frames_than_the_ring_keeps_is_of_all_of_them),
        TEST(threads_are_those_that_count_of_all_there_are),
        TEST(a_percentile_within_a_step_of_the_clock_is_marked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
