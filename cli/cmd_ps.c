/* SPDX-License-Identifier: MIT */
/* `tare ps`: the live processes that have a page. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "record/discover.h"
#include "record/process_name.h"
#include "record/reader.h"

enum { OPTION_PS_FORMAT = 1 };

static const struct option_spec options[] = {
    {OPTION_PS_FORMAT, '\0', "format", "FORMAT", "table or json", "table json"},
    {0},
};

/* One line of the list. */
struct row {
    pid_t pid;
    size_t timers, enabled, threads;
    size_t others; /* instruments that are no timers */
    uint64_t calls;
    const char *where;
    const char *name;
    const char *executable;
};

static void print_row(const struct row *row, bool json, json_t *list)
{
    if (json) {
        json_array_append_new(list,
                              json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:s, s:s}", "pid",
                                        (json_int_t)row->pid, "timers", (json_int_t)row->timers, "enabled",
                                        (json_int_t)row->enabled, "threads", (json_int_t)row->threads, "calls",
                                        (json_int_t)row->calls, "others", (json_int_t)row->others, "page",
                                        row->where, "name", row->name, "executable", row->executable));
        return;
    }
    const char *slash = strrchr(row->executable, '/');
    bool same = strcmp(row->name, slash != NULL ? slash + 1 : row->executable) == 0;
    char *executable = printable(row->executable), *name = same ? NULL : printable(row->name);
    printf("%8d %7zu %7zu %7zu %12llu %7zu  %-6s %s%s%s%s\n", (int)row->pid, row->timers, row->enabled,
           row->threads, (unsigned long long)row->calls, row->others, row->where, name != NULL ? name : "",
           name != NULL ? " (" : "", executable != NULL ? executable : "-", name != NULL ? ")" : "");
    free(executable);
    free(name);
}

static void read_row(const struct tare_found_page *found, bool json, json_t *list)
{
    struct tare_page_view view = {0};
    char message[256];
    int fd = open(found->path, O_RDONLY | O_CLOEXEC);
    const struct tare_page_source source = {fd, found->offset, found->limit};
    if (fd < 0) {
        return; /* it has just ended */
    }
    int failure = tare_page_read(&source, 0, &view, message, sizeof(message));
    if (failure == 0) {
        struct tare_process_names names;
        tare_process_names_of(found->pid, view.executable, view.command, view.command_size, &names);
        struct row row = {
            .pid = found->pid,
            .timers = view.timer_count,
            .threads = view.thread_count,
            .others = view.instrument_count,
            .where = found->in_set                        ? "run"
                     : view.header.flags & TARE_PAGE_FILE ? "file"
                                                          : "memory",
            .name = names.name,
            .executable = view.executable,
        };
        for (size_t i = 0; i < view.timer_count; i++) {
            row.enabled += view.timers[i].enabled;
            row.calls += view.timers[i].sums.calls;
        }
        print_row(&row, json, list);
    } else if (failure != -EAGAIN) { /* it is just starting */
        warning("process %d has a page that cannot be read: %s", (int)found->pid, message);
    }
    tare_page_view_release(&view);
    close(fd);
}

static int run_command(const struct command *command, int argc, char **argv)
{
    bool json = false;
    int code;
    int first = options_parse(command, argc, argv, option_table_or_json, &json, &code);
    if (first < 0) {
        return code;
    }
    if (first < argc) {
        error("'%s' is one word too many: tare ps takes no operands", argv[first]);
        return EXIT_TROUBLE;
    }
    struct tare_found_page *pages = NULL;
    size_t count = 0, denied = 0;
    int failure = tare_discover(0, &pages, &count, &denied);
    if (failure != 0) {
        error("cannot look at the processes: %s", strerror(-failure));
        free(pages);
        return EXIT_TROUBLE;
    }
    json_t *list = json ? json_array() : NULL;
    if (!json && count != 0) {
        printf("%8s %7s %7s %7s %12s %7s  %-6s %s\n", "pid", "timers", "enabled", "threads", "calls", "others",
               "page", "program");
    }
    for (size_t i = 0; i < count; i++) {
        read_row(&pages[i], json, list);
    }
    free(pages);
    if (json) {
        json_dumpf(list, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(list);
    } else if (count == 0) {
        fputs("tare: no live process has a page\n", stderr);
    }
    if (denied != 0 && stderr_is_terminal()) {
        fprintf(stderr, "tare: %zu processes of other users could not be looked at\n", denied);
    }
    return EXIT_FINE;
}

const struct command command_ps = {
    .name = "ps",
    .operands = "",
    .summary = "list live processes that have a page",
    .options = options,
    .details = "Columns: process, timers declared, timers enabled, threads, calls counted,\n"
               "instruments that are no timers, where the page is (memory: its own; file:\n"
               "TARE_PAGE=FILE; run: under a 'tare run'), program. A process with two libtares\n"
               "in it has a line for each.\n\n"
               "Exit code: 0 (also if there are none), or 2 for a wrong command line.\n\nExample:\n  tare ps\n",
    .run = run_command,
    .usage_exit = EXIT_TROUBLE,
};
