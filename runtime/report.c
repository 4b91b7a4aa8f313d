/* SPDX-License-Identifier: MIT */
/*
 * The table, from inside the program: tare_report(), and TARE_REPORT at exit. Columns and headings are the ones
 * of `tare run`, by way of text.h.
 */
#include <errno.h>
#include <fcntl.h>
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

static void print_lost(FILE *out, const struct tare_page *page)
{
    const struct {
        uint64_t count;
        const char *what;
    } lost[] = {
        {load_relaxed(&page->lost_instruments), "timers did not fit: set TARE_TIMERS"},
        {load_relaxed(&page->lost_threads), "threads found no room: set TARE_THREADS"},
        {load_relaxed(&page->lost_scopes), "scopes of such threads were not recorded"},
        {load_relaxed(&page->dropped_scopes), "scopes in signal handlers were not recorded"},
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
    if (!any) {
        fprintf(out, "tare: no timer was called%s\n",
                count == 0 ? ": the program declares none"
                : enabled  ? ""
                           : ": none is enabled (tare_enable, TARE_ENABLE='*')");
    }
    print_lost(out, page);
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
