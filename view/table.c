/* SPDX-License-Identifier: MIT */
/*
 * The table for people, and the lines below it, which say what the figures cannot: what was lost, how it ended,
 * which clock it was.
 *
 * It is 97 columns wide, with the module as a heading in dashes, and has what matters most: calls, net and its
 * ±. A wider terminal gets more columns, never a wider form of the same; a narrower one fewer, and a shorter
 * column of names. Every text that comes from a measured program passes tare__view_safe() on its way out: it
 * may have been written to deceive whoever reads it.
 */
#include "view/columns.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "view/telemetry_table.h"

/* A terminal narrower than this gets a table for this. */
enum { WIDTH_MIN = 60 };

#define BOLD "\033[1m"
#define DIM "\033[2m"
#define PLAIN "\033[0m"

/* Which columns */

/* Of all but the name. */
static int width_of(const struct tare__view_plan *plan)
{
    struct tare__view_plan nameless = *plan;
    nameless.name_width = 0;
    return tare__view_plan_width(&nameless);
}

/* A list of columns, and the least that is left for the name before a shorter one is taken. */
struct choice {
    const char *columns;
    int name_width;
};

/* The last of `choices` that fits into `width`; the first if none does. */
static void choose(struct tare__view_plan *plan, const struct choice *choices, size_t count, int width)
{
    tare__view_plan_make(plan, NULL, choices[0].columns);
    for (size_t i = 1; i < count; i++) {
        struct tare__view_plan candidate;
        tare__view_plan_make(&candidate, NULL, choices[i].columns);
        if (choices[i].name_width + width_of(&candidate) <= width) {
            *plan = candidate;
        }
    }
}

static void choose_default(struct tare__view_plan *plan, bool exclusive, int width)
{
    static const struct choice plain[] = {
        {"name,calls,net,error", TARE__VIEW_NAME_MIN},
        {"name,calls,avg,net,error", 48},
        {"name,calls,total,avg,net,error", TARE_TABLE_NAME},
        {"name,calls,total,avg,net,error,p50,p99", TARE_TABLE_NAME},
    };
    /* Whoever asked for exclusive passes wants to see where the two disagree, before anything else. */
    static const struct choice both[] = {
        {"name,calls,net,exclusive-net", TARE__VIEW_NAME_MIN},
        {"name,calls,net,error,exclusive-net", 31},
        {"name,calls,net,error,exclusive-net,exclusive-error", 36},
        {"name,calls,avg,net,error,exclusive-net,exclusive-error", 48},
        {"name,calls,total,avg,net,error,exclusive-net,exclusive-error", TARE_TABLE_NAME},
        {"name,calls,total,avg,net,error,exclusive-net,exclusive-error,p50,p99", TARE_TABLE_NAME},
    };
    if (exclusive) {
        choose(plan, both, sizeof both / sizeof both[0], width);
    } else {
        choose(plan, plain, sizeof plain / sizeof plain[0], width);
    }
}

/* Columns that the longest name takes, but no more than are usually left for one. -ENOMEM. */
static int longest_name(const struct tare__view_rows *rows, bool ascii)
{
    int longest = 0;
    for (size_t i = 0; i < rows->count; i++) {
        char *name, *safe = NULL;
        if (asprintf(&name, "%s::%s", rows->timers[i]->module, rows->timers[i]->name) >= 0) {
            safe = tare__view_safe(name, ascii);
            free(name);
        }
        if (safe == NULL) {
            return -ENOMEM;
        }
        size_t width = tare__text_width(safe);
        free(safe);
        longest = width >= TARE_TABLE_NAME ? TARE_TABLE_NAME : (int)width > longest ? (int)width : longest;
    }
    return longest;
}

/*
 * Rows in an order whose reason is not to be seen look unordered: the column that they are sorted by comes
 * along.
 */
static void show_sorted_by(struct tare__view_plan *plan, const char *sort)
{
    struct tare__view_plan wanted;
    if (sort == NULL || tare__view_plan_make(&wanted, sort + (*sort == '-'), NULL) != 0) {
        return;
    }
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->columns[i] == wanted.columns[0]) {
            return;
        }
    }
    if (plan->count < TARE__VIEW_COLUMNS_MAX) {
        plan->columns[plan->count++] = wanted.columns[0];
    }
}

static int plan_table(struct tare__view_plan *plan, const struct tare_view_options *options,
                      const struct tare__view_rows *rows)
{
    int width = options->width > 0 && options->width < WIDTH_MIN ? WIDTH_MIN : options->width;
    if (options->columns != NULL) {
        int error = tare__view_plan_make(plan, options->columns, NULL);
        if (error != 0) {
            return error;
        }
    } else {
        choose_default(plan, rows->has_exclusive, width > 0 ? width : TARE_TABLE_WIDTH);
        if (width == 0) { /* nothing is cut: rather a wider table than one whose rows do not line up */
            int longest = longest_name(rows, options->ascii), left = TARE_TABLE_WIDTH - width_of(plan);
            if (longest < 0) {
                return longest;
            }
            plan->name_width = longest > left ? longest : left;
        }
        show_sorted_by(plan, options->sort);
    }
    int rest = width_of(plan);
    if (width > 0 && TARE_TABLE_NAME + rest > width) {
        plan->name_width = width - rest > TARE__VIEW_NAME_MIN ? width - rest : TARE__VIEW_NAME_MIN;
        plan->cut_names = true;
    }
    return 0;
}

/* One table */

struct table {
    const struct tare_view_options *options;
    const struct tare__view_plan *plan;
    const struct tare_result *result;
    FILE *out;
};

/* How many bytes the first `columns` code points of `text` take. */
static size_t bytes_of(const char *text, size_t columns)
{
    size_t at = 0;
    while (text[at] != '\0' && ((text[at] & 0xc0) == 0x80 || columns-- > 0)) {
        at++;
    }
    return at;
}

char *tare__view_cut_middle(char *text, size_t width, const char *dots)
{
    if (text == NULL) {
        return NULL;
    }
    size_t taken = tare__text_width(text);
    if (taken <= width) {
        return text;
    }
    size_t kept = width - tare__text_width(dots);
    size_t head = bytes_of(text, kept - kept / 2);
    size_t tail = bytes_of(text, taken - kept / 2);
    char *cut;
    int written = asprintf(&cut, "%.*s%s%s", (int)head, text, dots, text + tail);
    free(text);
    return written < 0 ? NULL : cut;
}

static int print_cell(const struct table *table, size_t index, const struct tare_result_timer *timer)
{
    const struct tare__view_column *column = table->plan->columns[index];
    bool ascii = table->options->ascii;
    bool text = column->type == TARE__VIEW_NAME || column->type == TARE__VIEW_FILE;
    bool last = index + 1 == table->plan->count;
    bool dim = column->is_error && table->options->color;
    int width = column->type == TARE__VIEW_NAME ? table->plan->name_width : column->width;
    char *cell = tare__view_cell(column, timer, table->options, table->result->clock.rate_hz);
    char *shown = cell != NULL ? tare__view_safe(cell, ascii && text) : NULL;
    free(cell);
    if (shown != NULL && column->type == TARE__VIEW_NAME && table->plan->cut_names) {
        shown = tare__view_cut_middle(shown, (size_t)width, ascii ? "..." : "…");
    }
    if (shown == NULL) {
        return -ENOMEM;
    }
    fputs(dim ? DIM : "", table->out);
    tare__text_pad(table->out, shown, text ? (last ? 0 : width) : -width);
    fputs(dim ? PLAIN : "", table->out);
    free(shown);
    return 0;
}

static int print_row(const struct table *table, const struct tare_result_timer *timer)
{
    for (size_t i = 0; i < table->plan->count; i++) {
        if (i > 0) {
            putc(' ', table->out);
        }
        int error = print_cell(table, i, timer);
        if (error != 0) {
            return error;
        }
    }
    putc('\n', table->out);
    return 0;
}

static void print_columns(const struct table *table)
{
    for (size_t i = 0; i < table->plan->count; i++) {
        const struct tare__view_column *column = table->plan->columns[i];
        bool text = column->type == TARE__VIEW_NAME || column->type == TARE__VIEW_FILE;
        bool last = i + 1 == table->plan->count;
        int width = column->type == TARE__VIEW_NAME ? table->plan->name_width : column->width;
        char buffer[TARE__VIEW_HEADER];
        const char *header = tare__view_header(buffer, column, table->result, table->options->ascii);
        if (i > 0) {
            putc(' ', table->out);
        }
        tare__text_pad(table->out, header, text ? (last ? 0 : width) : -width);
    }
    putc('\n', table->out);
}

/* A blank line, the heading, and the names of the columns. `subject`: a module, or what all is sorted by. */
static int print_heading(const struct table *table, const char *subject)
{
    size_t size = strlen(subject) + 1;
    char *title = malloc(size);
    char *safe =
        title != NULL ? tare__view_safe(tare__text_title(title, size, subject), table->options->ascii) : NULL;
    free(title);
    if (safe == NULL) {
        return -ENOMEM;
    }
    putc('\n', table->out);
    fputs(table->options->color ? BOLD : "", table->out);
    tare__text_heading(table->out, safe, tare__view_plan_width(table->plan));
    fputs(table->options->color ? PLAIN : "", table->out);
    putc('\n', table->out);
    print_columns(table);
    free(safe);
    return 0;
}

static int print_rows(const struct table *table, const struct tare__view_rows *rows)
{
    int error = 0;
    if (!rows->by_module && rows->count > 0) {
        char subject[64];
        const char *sort = table->options->sort;
        bool reversed = sort[0] == '-';
        snprintf(subject, sizeof subject, "timers by %s%s", sort + (reversed ? 1 : 0),
                 reversed ? ", reversed" : "");
        error = print_heading(table, subject);
    }
    for (size_t i = 0; error == 0 && i < rows->count; i++) {
        const char *module = rows->timers[i]->module;
        if (rows->by_module && (i == 0 || strcmp(rows->timers[i - 1]->module, module) != 0)) {
            error = print_heading(table, module);
        }
        if (error == 0) {
            error = print_row(table, rows->timers[i]);
        }
    }
    return error;
}

static int print_table(const struct tare_result_timer *timers, size_t count, const struct tare_result *result,
                       const struct tare_view_options *options, struct tare__view_lines *notes, FILE *out)
{
    struct tare__view_rows rows;
    struct tare__view_plan plan;
    int error = tare__view_rows_make(&rows, timers, count, options, result->clock.rate_hz);
    if (error != 0) {
        return error;
    }
    error = plan_table(&plan, options, &rows);
    if (error != 0) {
        goto out;
    }
    if (rows.count == 0) {
        char *nothing = tare__view_nothing(count);
        error = nothing == NULL ? -ENOMEM : 0;
        fprintf(out, "%s\n", nothing != NULL ? nothing : "");
        free(nothing);
        goto out;
    }
    error = print_rows(&(struct table){.options = options, .plan = &plan, .result = result, .out = out}, &rows);
    tare__view_note_rows(notes, &rows, &plan, result);
out:
    tare__view_rows_release(&rows);
    return error;
}

/* A blank line before the first. Leaves `lines` empty. */
static int print_lines(struct tare__view_lines *lines, const struct tare_view_options *options, FILE *out)
{
    int error = lines->error;
    for (size_t i = 0; i < lines->count && error == 0; i++) {
        char *safe = tare__view_safe(lines->lines[i], options->ascii);
        error = safe == NULL ? -ENOMEM : 0;
        fprintf(out, "%s%s\n", i == 0 ? "\n" : "", safe != NULL ? safe : "");
        free(safe);
    }
    tare__view_lines_release(lines);
    return error;
}

static int print_process(const struct tare_result *result, size_t index,
                         const struct tare_view_options *options, FILE *out)
{
    struct tare__view_lines notes = {0};
    const struct tare_result_process *process = &result->processes[index];
    char *title = tare__view_process_title(process);
    char *safe = title != NULL ? tare__view_safe(title, options->ascii) : NULL;
    free(title);
    if (safe == NULL) {
        return -ENOMEM;
    }
    fprintf(out, "%s%s== %s%s\n", index > 0 ? "\n" : "", options->color ? BOLD : "", safe,
            options->color ? PLAIN : "");
    free(safe);
    int error = print_table(process->timers, process->timer_count, result, options, &notes, out);
    if (result->process_count > 1) {
        tare__view_note_process(&notes, process);
    }
    int lines_error = print_lines(&notes, options, out);
    return error != 0 ? error : lines_error;
}

int tare_view_table(const struct tare_result *result, const struct tare_view_options *options, FILE *out)
{
    struct tare__view_lines notes = {0};
    int error = 0;
    if (options->per_process) {
        for (size_t i = 0; error == 0 && i < result->process_count; i++) {
            error = print_process(result, i, options, out);
        }
        if (result->process_count == 0) {
            fputs("no process was seen\n", out);
        }
    } else {
        error = print_table(result->timers, result->timer_count, result, options, &notes, out);
    }
    if (error == 0) {
        error = tare__grids_print(result, options, out);
    }
    tare__view_note_result(&notes, result, !options->per_process);
    tare__view_note_measuring(&notes, result, options->ascii);
    tare__view_note_fingerprint(&notes, result);
    tare__view_note_clock(&notes, result, options->ascii);
    int lines_error = print_lines(&notes, options, out);
    if (error == 0) {
        error = lines_error;
    }
    return error != 0 ? error : tare__view_finish(out);
}

/* The lines below */

void tare__view_say(struct tare__view_lines *lines, const char *format, ...)
{
    if (lines->error != 0) {
        return;
    }
    char *line;
    va_list arguments;
    va_start(arguments, format);
    int written = vasprintf(&line, format, arguments);
    va_end(arguments);
    if (written < 0) {
        lines->error = -ENOMEM;
        return;
    }
    if ((lines->count & (lines->count - 1)) == 0) {
        size_t capacity = lines->count == 0 ? 1 : lines->count * 2;
        char **grown = reallocarray(lines->lines, capacity, sizeof *grown);
        if (grown == NULL) {
            free(line);
            lines->error = -ENOMEM;
            return;
        }
        lines->lines = grown;
    }
    lines->lines[lines->count++] = line;
}

void tare__view_lines_release(struct tare__view_lines *lines)
{
    for (size_t i = 0; i < lines->count; i++) {
        free(lines->lines[i]);
    }
    free(lines->lines);
    *lines = (struct tare__view_lines){0};
}

/* A live thread that was just recording can show a call whose time is not in yet. */
static uint64_t unsettled_calls(const struct tare_result *result)
{
    uint64_t threads = 0;
    for (size_t i = 0; i < result->process_count; i++) {
        threads += result->processes[i].end == TARE_END_RUNNING ? result->processes[i].threads : 0;
    }
    return threads;
}

static unsigned signs_shown(const struct tare__view_rows *rows, const struct tare__view_plan *plan)
{
    unsigned signs = 0;
    for (size_t i = 0; i < rows->count; i++) {
        for (size_t j = 0; j < plan->count; j++) {
            signs |= tare__view_signs(plan->columns[j], rows->timers[i]);
        }
    }
    return signs;
}

void tare__view_note_rows(struct tare__view_lines *lines, const struct tare__view_rows *rows,
                          const struct tare__view_plan *plan, const struct tare_result *result)
{
    uint64_t unsettled = unsettled_calls(result);
    for (size_t i = 0; i < rows->count; i++) {
        const struct tare_result_timer *timer = rows->timers[i];
        uint64_t calls = timer->figures.calls, outermost = timer->figures.outermost_calls;
        if (calls > outermost && calls - outermost > unsettled) {
            tare__view_say(lines,
                           "note: %s::%s calls itself (or a signal handler does): %" PRIu64 " calls, %" PRIu64
                           " outermost; times are of the outermost",
                           timer->module, timer->name, calls, outermost);
        }
    }
    unsigned signs = signs_shown(rows, plan);
    if ((signs & TARE__VIEW_BELOW) != 0) {
        tare__view_say(lines, "note: '<': below the detection limit, so that it cannot be told from 0");
    }
    if ((signs & TARE__VIEW_UNSAMPLED) != 0) {
        tare__view_say(lines,
                       "note: '>': without the sampling error, which is unknown: too few calls, too short a "
                       "time, or nobody watched");
    }
    if ((signs & TARE__VIEW_DISAGREES) != 0) {
        tare__view_say(lines,
                       "note: '!': the exclusive pass disagrees with the common one by more than both errors. "
                       "There, scopes of other timers can disturb caches, branch prediction, and whoever "
                       "waits for their thread; and no two runs need do the same, or be disturbed alike. "
                       "Trust the exclusive figure if one more run confirms it");
    }
}

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

static const char *was(uint64_t count)
{
    return count == 1 ? "was" : "were";
}

static void note_lost(struct tare__view_lines *lines, uint64_t instruments, uint64_t threads, uint64_t scopes,
                      uint64_t dropped)
{
    if (instruments > 0) {
        tare__view_say(lines,
                       "note: %" PRIu64
                       " instrument%s did not fit and %s not counted: set TARE_TIMERS (up to 65536)",
                       instruments, plural(instruments), was(instruments));
    }
    if (threads > 0) {
        tare__view_say(lines, "note: %" PRIu64 " thread%s found no room: set TARE_THREADS higher", threads,
                       plural(threads));
    }
    if (scopes > 0) {
        tare__view_say(lines,
                       "note: %" PRIu64 " scope%s of threads without room %s not recorded: set TARE_THREADS "
                       "higher",
                       scopes, plural(scopes), was(scopes));
    }
    if (dropped > 0) {
        tare__view_say(lines,
                       "note: %" PRIu64 " scope%s %s dropped: signal handlers interrupted a recording too "
                       "often at once",
                       dropped, plural(dropped), was(dropped));
    }
}

void tare__view_note_process(struct tare__view_lines *lines, const struct tare_result_process *process)
{
    note_lost(lines, process->lost_instruments, process->lost_threads, process->lost_scopes,
              process->dropped_scopes);
}

enum { END_TEXT = 80 };

/* "killed by signal 9 (SIGKILL)", or for the other ends what a heading says. */
static const char *end_text(char buffer[END_TEXT], enum tare_end end, int code)
{
    char number[32];
    const char *name = NULL;
#ifdef __GLIBC__
    name = sigabbrev_np(code);
#endif
    if (name != NULL) {
        snprintf(number, sizeof number, "%d (SIG%s)", code, name);
    } else {
        snprintf(number, sizeof number, "%d", code);
    }
    switch (end) {
    case TARE_END_EXITED:
        snprintf(buffer, END_TEXT, "exited %d", code);
        return buffer;
    case TARE_END_SIGNALED:
        snprintf(buffer, END_TEXT, "killed by signal %s", number);
        return buffer;
    case TARE_END_TIMEOUT:
        if (code == 0) {
            return "stopped by the timeout";
        }
        snprintf(buffer, END_TEXT, "stopped by the timeout with signal %s", number);
        return buffer;
    case TARE_END_RUNNING:
        return "running";
    case TARE_END_UNKNOWN:
        break;
    }
    return "end unknown";
}

char *tare__view_process_title(const struct tare_result_process *process)
{
    char end[END_TEXT];
    char *title;
    int written = asprintf(&title, "pid %" PRIu32 ": %s, %s", process->pid,
                           process->executable != NULL ? process->executable : "-",
                           end_text(end, process->end, process->code));
    return written < 0 ? NULL : title;
}

static bool was_killed(enum tare_end end)
{
    return end == TARE_END_SIGNALED || end == TARE_END_TIMEOUT;
}

/* Of the processes; or, where none of them is known to have been killed, of the passes. */
static void note_ends(struct tare__view_lines *lines, const struct tare_result *result)
{
    enum { EACH_MAX = 4 };
    static const char consequence[] = "the table holds what was counted until then";
    char end[END_TEXT];
    size_t killed = 0;
    for (size_t i = 0; i < result->process_count; i++) {
        killed += was_killed(result->processes[i].end);
    }
    if (killed > EACH_MAX) {
        tare__view_say(lines, "note: %zu processes were killed; %s", killed, consequence);
        return;
    }
    for (size_t i = 0; i < result->process_count; i++) {
        const struct tare_result_process *process = &result->processes[i];
        if (!was_killed(process->end)) {
            continue;
        }
        if (result->process_count == 1) {
            tare__view_say(lines, "note: %s; %s", end_text(end, process->end, process->code), consequence);
        } else {
            tare__view_say(lines, "note: pid %" PRIu32 " (%s) %s; %s", process->pid,
                           process->executable != NULL ? process->executable : "-",
                           end_text(end, process->end, process->code), consequence);
        }
    }
    for (size_t i = 0; killed == 0 && i < result->pass_count; i++) {
        const struct tare_result_pass *pass = &result->passes[i];
        if (was_killed(pass->end)) {
            tare__view_say(lines, "note: %s; %s", end_text(end, pass->end, pass->code), consequence);
            break;
        }
    }
}

void tare__view_note_result(struct tare__view_lines *lines, const struct tare_result *result, bool ends)
{
    note_lost(lines, result->lost_instruments, result->lost_threads, result->lost_scopes,
              result->dropped_scopes);
    if (result->lost_processes > 0) {
        tare__view_say(lines, "note: %" PRIu64 " process%s found no page and %s not counted",
                       result->lost_processes, result->lost_processes == 1 ? "" : "es",
                       was(result->lost_processes));
    }
    if (result->incomplete) {
        tare__view_say(lines, "note: interrupted: this is what there was until then");
    }
    if (ends && result->process_count > 1) {
        tare__view_say(lines, "note: the sum of %zu processes; --per-process shows each",
                       result->process_count);
    }
    if (ends) {
        note_ends(lines, result);
    }
    for (char **note = result->notes; note != NULL && *note != NULL; note++) {
        tare__view_say(lines, "note: %s", *note);
    }
}

void tare__view_note_measuring(struct tare__view_lines *lines, const struct tare_result *result, bool ascii)
{
    const char *micro = ascii ? "us" : "µs";
    char share[TARE__VIEW_NUMBER], measuring[TARE_TEXT_TIME], cpu[TARE_TEXT_TIME];
    double percent = result->measuring_share * 100;
    if (!isfinite(percent) || !(result->measuring_ns > 0)) {
        return;
    }
    /* A capture has the command if it is of a program from its start on. */
    bool run = result->kind != NULL && (strcmp(result->kind, "run") == 0 ||
                                        (strcmp(result->kind, "capture") == 0 && result->command != NULL));
    tare__view_say(lines, "measuring took %s %% of this %s: %s of %s processor time",
                   tare__view_fixed(share, percent, percent < 10 ? 1 : 0), run ? "run" : "process",
                   tare__text_time(measuring, result->measuring_ns, micro),
                   tare__text_time(cpu, result->cpu_ns, micro));
}

void tare__view_note_fingerprint(struct tare__view_lines *lines, const struct tare_result *result)
{
    const struct tare_fingerprint *fingerprint = &result->fingerprint;
    const char *model = fingerprint->parts[TARE_FINGERPRINT_CPU_MODEL];
    const char *virtualization = fingerprint->parts[TARE_FINGERPRINT_VIRTUALIZATION];
    if (fingerprint->hash[0] != '\0') {
        tare__view_say(lines, "fingerprint %.*s: %s, virtualization %s", TARE_FINGERPRINT_SHORT,
                       fingerprint->hash, model != NULL ? model : "processor unknown",
                       virtualization != NULL ? virtualization : "unknown");
    }
}

/* "42.1", or "37.0 to 46.2": it depends on what follows a scope. */
enum { OUTER_TEXT = 2 * TARE__VIEW_NUMBER + 8 };

static const char *outer_text(char text[OUTER_TEXT], const struct tare_result_clock *clock)
{
    const struct tare_result_cost *others[] = {&clock->outer_nested, &clock->outer_apart};
    double least = clock->outer.median_ns, most = least;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (others[i]->n > 0 && isfinite(others[i]->median_ns)) {
            least = fmin(least, others[i]->median_ns);
            most = fmax(most, others[i]->median_ns);
        }
    }
    char low[TARE__VIEW_NUMBER], high[TARE__VIEW_NUMBER];
    tare__view_fixed(low, least, 1);
    tare__view_fixed(high, most, 1);
    bool range = strcmp(low, high) != 0;
    snprintf(text, OUTER_TEXT, "%s%s%s", low, range ? " to " : "", range ? high : "");
    return text;
}

void tare__view_note_clock(struct tare__view_lines *lines, const struct tare_result *result, bool ascii)
{
    const struct tare_result_clock *clock = &result->clock;
    char rate[TARE__VIEW_NUMBER], error[TARE__VIEW_NUMBER];
    char speed[2 * TARE__VIEW_NUMBER + 32] = "", steps[TARE__VIEW_NUMBER + 32] = "";
    const char *trapped = "";
    char cost[TARE__VIEW_NUMBER + OUTER_TEXT + 96] = "what a scope costs is unknown, and so is net";
    if (isfinite(clock->rate_hz)) {
        bool has_error = isfinite(clock->rate_error_ppm);
        /* Enough decimals that a small error is not shown as none. */
        int decimals = clock->rate_error_ppm > 0 && clock->rate_error_ppm < 0.1 ? 3 : 1;
        snprintf(speed, sizeof speed, ", %s MHz%s%s%s", tare__view_fixed(rate, clock->rate_hz / 1e6, 1),
                 has_error ? (ascii ? " +- " : " ± ") : "",
                 has_error ? tare__view_fixed(error, clock->rate_error_ppm, decimals) : "",
                 has_error ? " ppm" : "");
    }
    if (isfinite(clock->granularity_ns)) {
        char grain[TARE__VIEW_NUMBER];
        snprintf(steps, sizeof steps, ", steps of %s ns", tare__view_fixed(grain, clock->granularity_ns, 1));
    }
    if (clock->counter_traps == 1) {
        bool avoided = clock->name != NULL && strcmp(clock->name, "clock") == 0;
        trapped =
            avoided ? " (the counter is trapped: over 150 ns a reading)" : " (trapped: over 150 ns a reading)";
    }
    if (clock->inner.n > 0 && clock->outer.n > 0 && isfinite(clock->inner.median_ns) &&
        isfinite(clock->outer.median_ns)) {
        char inner[TARE__VIEW_NUMBER], outer[OUTER_TEXT];
        snprintf(cost, sizeof cost, "one scope costs %s ns inside and %s ns outside, subtracted in column net",
                 tare__view_fixed(inner, clock->inner.median_ns, 1), outer_text(outer, clock));
    }
    tare__view_say(lines, "clock %s%s%s%s; %s", clock->name != NULL ? clock->name : "unknown", trapped, speed,
                   steps, cost);
}

char *tare__view_nothing(size_t count)
{
    char *text;
    if (count == 0) {
        return strdup("no timers");
    }
    return asprintf(&text, "no timer was called; %zu %s declared", count, count == 1 ? "is" : "are") < 0 ? NULL
                                                                                                         : text;
}
