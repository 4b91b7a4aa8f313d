/* SPDX-License-Identifier: MIT */
/*
 * The table, from inside the program: tare_report(), and TARE_REPORT at exit. Columns and headings are the ones
 * of `tare run`, by way of text.h. What else was counted follows, a line for each.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/internal.h"
#include "runtime/text.h"

/* "µs" where the environment asks for UTF-8: the program need not have called setlocale. */
static const char *micro(void)
{
    const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *locale = getenv(names[i]);
        if (locale != NULL && *locale != '\0') {
            return strcasestr(locale, "UTF-8") != NULL || strcasestr(locale, "utf8") != NULL ? "\302\265s"
                                                                                             : "us";
        }
    }
    return "us";
}

/* A name is the program's own text: control characters in it are not for a terminal. */
static void clean(char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f) {
            *text = '?';
        }
    }
}

static void print_row(FILE *out, const tare_stats *stats)
{
    char name[2 * NAME_MAX_BYTES + 3], calls[24], total[TARE_TEXT_TIME], avg[TARE_TEXT_TIME],
        net[TARE_TEXT_TIME];
    snprintf(name, sizeof(name), "%s::%s", stats->module, stats->name);
    clean(name);
    snprintf(calls, sizeof(calls), "%llu", (unsigned long long)stats->calls);
    double outermost = (double)stats->outermost;
    tare__text_pad(out, name, TARE_TABLE_NAME);
    fputc(' ', out);
    tare__text_pad(out, calls, -TARE_TABLE_CALLS);
    fputc(' ', out);
    tare__text_pad(out, tare__text_time(total, stats->total_ns, micro()), -TARE_TABLE_TIME);
    fputc(' ', out);
    tare__text_pad(out, tare__text_time(avg, stats->total_ns / outermost, micro()), -TARE_TABLE_TIME);
    fputc(' ', out);
    tare__text_pad(out, tare__text_time(net, stats->net_ns / outermost, micro()), -TARE_TABLE_TIME);
    fputc('\n', out);
}

static void print_columns(FILE *out)
{
    tare__text_pad(out, "name", TARE_TABLE_NAME);
    fputc(' ', out);
    tare__text_pad(out, "calls", -TARE_TABLE_CALLS);
    fputc(' ', out);
    tare__text_pad(out, "total", -TARE_TABLE_TIME);
    fputc(' ', out);
    tare__text_pad(out, "avg", -TARE_TABLE_TIME);
    fputc(' ', out);
    tare__text_pad(out, "net", -TARE_TABLE_TIME);
    fputc('\n', out);
}

/* All timers of one module, from the first of them on; marks them done by calls = 0. */
static void print_module(FILE *out, tare_stats *stats, int count)
{
    const char *module = stats[0].module;
    char title[NAME_MAX_BYTES + 1];
    fputc('\n', out);
    clean(tare__text_title(title, sizeof(title), module));
    tare__text_heading(out, title, TARE_TABLE_WIDTH + 1 + TARE_TABLE_TIME);
    fputc('\n', out);
    print_columns(out);
    for (int i = 0; i < count; i++) {
        if (stats[i].calls != 0 && strcmp(stats[i].module, module) == 0) {
            print_row(out, &stats[i]);
            stats[i].calls = 0;
        }
    }
}

/* ---- what is no timer ---- */

/* A line of the list, which begins with its heading. */
struct line {
    FILE *out;
    bool *any; /* there was one before */
    uint32_t index;
    const struct tare_entry *entry;
    char unit[NAME_MAX_BYTES + 2]; /* " bytes", or "" */
};

static const char *text_at(uint32_t string)
{
    return tare__rt.strings + string;
}

static void print_name(const struct line *line)
{
    char name[8 * NAME_MAX_BYTES];
    const char *labels = text_at(line->entry->labels_string);
    if (!*line->any) {
        fputc('\n', line->out);
        tare__text_heading(line->out, "COUNTED", TARE_TABLE_WIDTH + 1 + TARE_TABLE_TIME);
        fputc('\n', line->out);
    }
    *line->any = true;
    snprintf(name, sizeof(name), "%s.%s%s%s%s", text_at(line->entry->module_string),
             text_at(line->entry->name_string), *labels != '\0' ? "{" : "", labels, *labels != '\0' ? "}" : "");
    clean(name);
    tare__text_pad(line->out, name, TARE_TABLE_NAME);
    fputc(' ', line->out);
}

/* The next slot of the instrument that is not void, from block *number on; NULL: no more. */
static const void *next_slot(uint32_t index, uint32_t *number)
{
    uint32_t generation = load_relaxed(&tare__rt.controls[index].generation);
    while (*number < load_acquire(&tare__rt.page->block_count)) {
        const struct tare_slot *slot = block_slot(page_block((*number)++), index);
        if (load_acquire(&slot->generation) == generation) { /* pairs with where it is cleared */
            return slot;
        }
    }
    return NULL;
}

static void print_counter(const struct line *line)
{
    const struct tare_counter_slot *slot;
    uint64_t total = 0;
    for (uint32_t b = 0; (slot = next_slot(line->index, &b)) != NULL;) {
        total += load_relaxed(&slot->value);
    }
    if (total > INT64_MAX) {
        print_name(line);
        fputs("unknown: more was subtracted than added\n", line->out);
    } else if (total != 0) {
        print_name(line);
        fprintf(line->out, "%llu%s\n", (unsigned long long)total, line->unit);
    }
}

static void print_gauge(const struct line *line)
{
    const struct tare_cell *cell = tare__cell(line->index);
    bool valid = load_relaxed(&cell->generation) == load_relaxed(&tare__rt.controls[line->index].generation);
    double value = tare_gauge_value(load_relaxed(&cell->value));
    double peak = valid ? tare_gauge_value(load_relaxed(&cell->peak)) : value;
    if (isnan(value) && isnan(peak)) {
        return;
    }
    print_name(line);
    if (isnan(value)) {
        fputs("unknown", line->out);
    } else {
        fprintf(line->out, "%.10g%s", value, line->unit);
    }
    if (!isnan(peak)) {
        fprintf(line->out, ", at most %.10g%s", peak, line->unit);
    }
    fputc('\n', line->out);
}

static void print_histogram(const struct line *line)
{
    const struct tare_slot *slot;
    uint64_t values = 0, sum = 0, least = UINT64_MAX, most = 0;
    for (uint32_t b = 0; (slot = next_slot(line->index, &b)) != NULL;) {
        uint64_t low = load_relaxed(&slot->min_ticks), high = load_relaxed(&slot->max_ticks);
        values += load_relaxed(&slot->outermost);
        uint64_t part = load_relaxed(&slot->total_ticks);
        sum = part > UINT64_MAX - sum ? TARE_SUM_UNKNOWN : sum + part;
        least = low < least ? low : least;
        most = high > most ? high : most;
    }
    if (values != 0) {
        print_name(line);
        fprintf(line->out, "%llu times, %llu to %llu%s, ", (unsigned long long)values,
                (unsigned long long)least, (unsigned long long)most, line->unit);
        if (sum == TARE_SUM_UNKNOWN) {
            fputs("average unknown\n", line->out);
        } else {
            fprintf(line->out, "%.10g on average\n", (double)sum / (double)values);
        }
    }
}

/* Times of stays that have ended. */
static void print_state(const struct line *line)
{
    uint64_t ticks[TARE_STATES_MAX] = {0}, rate_hz = load_relaxed(&tare__rt.page->rate_hz);
    const struct tare_state_slot *slot;
    bool any = false;
    for (uint32_t b = 0; (slot = next_slot(line->index, &b)) != NULL;) {
        for (uint32_t i = 0; i < TARE_STATES_MAX; i++) {
            ticks[i] += load_relaxed(i < 7 ? &slot->ticks[i] : &slot->ticks_more[i - 7]);
        }
    }
    const char *name = text_at(line->entry->names_string);
    for (uint32_t i = 0; i < line->entry->name_count && rate_hz != 0; i++, name += strlen(name) + 1) {
        char text[NAME_MAX_BYTES + 1], time[TARE_TEXT_TIME];
        if (ticks[i] == 0) {
            continue;
        }
        if (!any) {
            print_name(line);
        }
        snprintf(text, sizeof(text), "%s", name);
        clean(text);
        fprintf(line->out, "%s%s %s", any ? ", " : "", text,
                tare__text_time(time, (double)ticks[i] * 1e9 / (double)rate_hz, micro()));
        any = true;
    }
    if (any) {
        fputc('\n', line->out);
    }
}

static void print_topk(const struct line *line)
{
    const struct tare_topk_slot *slot;
    uint64_t hits = 0, weight = 0;
    for (uint32_t b = 0; (slot = next_slot(line->index, &b)) != NULL;) {
        hits += load_relaxed(&slot->hits);
        weight += load_relaxed(&slot->weight);
    }
    if (hits != 0) {
        print_name(line);
        fprintf(line->out, "%llu hits of weight %llu%s\n", (unsigned long long)hits, (unsigned long long)weight,
                line->unit);
    }
}

static void print_frames(const struct line *line)
{
    uint64_t offset = load_acquire(&tare__cell(line->index)->extra_offset);
    const struct tare_frame_ring *ring =
        (const void *)((const unsigned char *)tare__rt.page + offset); /* the header, if there is none */
    uint64_t frames = offset != 0 && load_acquire(&ring->generation) ==
                                         load_relaxed(&tare__rt.controls[line->index].generation)
                          ? load_relaxed(&ring->frames)
                          : 0;
    uint64_t rate_hz = load_relaxed(&tare__rt.page->rate_hz);
    if (frames != 0 && rate_hz != 0) {
        char avg[TARE_TEXT_TIME], most[TARE_TEXT_TIME];
        double tick_ns = 1e9 / (double)rate_hz;
        print_name(line);
        fprintf(
            line->out, "%llu frames of %s on average, at most %s\n", (unsigned long long)frames,
            tare__text_time(avg, (double)load_relaxed(&ring->total_ticks) / (double)frames * tick_ns, micro()),
            tare__text_time(most, (double)load_relaxed(&ring->max_ticks) * tick_ns, micro()));
    }
}

/* Every instrument that is no timer and has anything to say; whether there was one. */
static bool print_counted(FILE *out)
{
    static void (*const print[])(const struct line *) = {
        [TARE_KIND_COUNTER] = print_counter,     [TARE_KIND_GAUGE] = print_gauge,
        [TARE_KIND_HISTOGRAM] = print_histogram, [TARE_KIND_STATE] = print_state,
        [TARE_KIND_TOPK] = print_topk,           [TARE_KIND_FRAMES] = print_frames,
    };
    bool any = false;
    for (uint32_t i = 0; i < load_acquire(&tare__rt.page->instrument_count); i++) {
        const struct tare_entry *entry = &tare__rt.entries[i];
        const char *unit = text_at(entry->unit_string);
        if (entry->kind != TARE_KIND_TIMER) {
            struct line line = {.out = out, .any = &any, .index = i, .entry = entry};
            snprintf(line.unit, sizeof(line.unit), "%s%s", *unit != '\0' ? " " : "", unit);
            clean(line.unit);
            print[entry->kind](&line);
        }
    }
    return any;
}

static void print_lost(FILE *out, const struct tare_page *page)
{
    const struct {
        uint64_t count;
        const char *what;
    } lost[] = {
        {load_relaxed(&page->lost_instruments), "instruments did not fit: set TARE_TIMERS (up to 65536)"},
        {load_relaxed(&page->lost_threads), "threads found no room: set TARE_THREADS (up to 4096)"},
        {load_relaxed(&page->lost_scopes), "scopes of such threads were not recorded"},
        {load_relaxed(&page->dropped_scopes), "scopes in signal handlers were not recorded"},
        {load_relaxed(&page->lost_extras), "tables of keys or frames found no room: set TARE_THREADS"},
    };
    for (size_t i = 0; i < sizeof(lost) / sizeof(lost[0]); i++) {
        if (lost[i].count != 0) {
            fprintf(out, "note: %llu %s\n", (unsigned long long)lost[i].count, lost[i].what);
        }
    }
}

int tare_report(FILE *out)
{
    tare__init();
    const struct tare_page *page = tare__rt.page;
    if (page == NULL) {
        fputs("tare: no page: switched off by TARE=off, or there was no memory\n", out);
        return ferror(out) ? -EIO : 0;
    }
    int count = tare_snapshot(NULL, NULL, 0);
    tare_stats *stats = count > 0 ? calloc((size_t)count, sizeof(*stats)) : NULL;
    if (count > 0 && stats == NULL) {
        return -ENOMEM;
    }
    int filled = tare_snapshot(NULL, stats, (size_t)count);
    count = filled < count ? filled : count; /* a library may have come in between */
    bool any = false, enabled = false;
    for (int i = 0; i < count; i++) {
        enabled |= stats[i].enabled;
        if (stats[i].calls != 0) {
            any = true;
            print_module(out, stats + i, count - i);
        }
    }
    if (!print_counted(out) && !any) {
        fprintf(out, "tare: no timer was called%s\n",
                count == 0 ? ": the program declares none"
                : enabled  ? ""
                           : ": none is enabled (tare_enable, TARE_ENABLE='*')");
    }
    print_lost(out, page);
    tare__config_complain(out);
    free(stats);
    return ferror(out) ? -EIO : 0;
}

static char where[4096]; /* a file's name, or "" */
static int stream_fd =
    -1; /* of the standard stream that was asked for, under a number that nobody closes by chance */

/*
 * At start: the program may change its environment, and close its streams (as many programs do, to see write
 * errors) before we come to print. %p in a file's name stands for the process id, so that forked children write
 * one each; without it, only the process that was started writes.
 */
HIDDEN void tare__report_prepare(const char *report)
{
    enum { FLOOR = 200 };
    if (strcmp(report, "stderr") == 0 || strcmp(report, "stdout") == 0) {
        int fd = strcmp(report, "stderr") == 0 ? STDERR_FILENO : STDOUT_FILENO;
        stream_fd = fcntl(fd, F_DUPFD_CLOEXEC, FLOOR);
        if (stream_fd < 0) {
            stream_fd = fd; /* a low limit on descriptors: then it has to stay open */
        }
    } else if (strlen(report) < sizeof(where)) {
        strcpy(where, report);
    }
}

HIDDEN void tare__report_forget(void)
{
    if (strstr(where, "%p") == NULL) {
        where[0] = '\0';
    }
}

HIDDEN void tare__report_at_exit(void)
{
    FILE *out = NULL;
    if (stream_fd >= 0) {
        fflush(stdout); /* what the program printed comes first */
        out = fdopen(stream_fd, "w");
    } else if (where[0] != '\0') {
        char path[sizeof(where) + 16];
        const char *p = strstr(where, "%p");
        if (p != NULL) {
            snprintf(path, sizeof(path), "%.*s%d%s", (int)(p - where), where, (int)getpid(), p + 2);
        }
        out = fopen(p != NULL ? path : where, "we");
    }
    if (out != NULL) {
        tare_report(out);
        fclose(out);
    }
}
