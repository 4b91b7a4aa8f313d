/* SPDX-License-Identifier: MIT */
/* `tare list`: the timers and other instruments that a program and its libraries declare, without running it.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "record/elf.h"
#include "result/telemetry.h"
#include "runtime/text.h"

enum { OPTION_LIST_FORMAT = 1 };

static const struct option_spec options[] = {
    {OPTION_LIST_FORMAT, '\0', "format", "FORMAT", "table or json", "table json"},
    {0},
};

/* "module::name", of what is no timer "module.name{labels}", as it can be shown; NULL without memory. */
static char *full_name(const struct tare_elf_timer *timer)
{
    char *full = NULL, *shown = NULL;
    bool labels = *timer->labels != '\0';
    if (asprintf(&full, "%s%s%s%s%s%s", timer->module, timer->kind == TARE_KIND_TIMER ? "::" : ".", timer->name,
                 labels ? "{" : "", timer->labels, labels ? "}" : "") >= 0) {
        shown = printable(full);
        free(full);
    }
    return shown;
}

static const char *kind_name(uint32_t kind)
{
    const char *name = tare_kind_name((enum tare_kind)kind);
    return name != NULL ? name : "unknown";
}

/* How wide the longest name among them is; false without memory. */
static bool measure_names(const struct tare_elf_timer *all, size_t count, size_t *width)
{
    for (size_t i = 0; i < count; i++) {
        char *name = full_name(&all[i]);
        if (name == NULL) {
            return false;
        }
        size_t length = tare__text_width(name);
        *width = length > *width ? length : *width;
        free(name);
    }
    return true;
}

static bool print_rows(const struct tare_elf_list *list, const struct tare_elf_timer *all, size_t count,
                       size_t width)
{
    bool fine = true;
    for (size_t i = 0; i < count && fine; i++) {
        const struct tare_elf_timer *timer = &all[i];
        char *name = full_name(timer), *file = printable(timer->file);
        char *object = printable(list->objects[timer->object].name);
        fine = name != NULL && file != NULL && object != NULL;
        if (fine) {
            tare__text_pad(stdout, name, (int)width);
            if (list->instrument_count > 0) { /* else all of them are timers */
                printf("  %-9s", kind_name(timer->kind));
            }
            printf("  %s:%u  (%s)\n", file, timer->line, object);
        }
        free(name);
        free(file);
        free(object);
    }
    return fine;
}

/* Timers, and then the others. Returns false without memory. */
static bool print_table(const struct tare_elf_list *list)
{
    size_t width = 0;
    return measure_names(list->timers, list->timer_count, &width) &&
           measure_names(list->instruments, list->instrument_count, &width) &&
           print_rows(list, list->timers, list->timer_count, width) &&
           print_rows(list, list->instruments, list->instrument_count, width);
}

static const char *or_null(const char *text)
{
    return *text != '\0' ? text : NULL;
}

static int print_json(const struct tare_elf_list *list)
{
    json_t *timers = json_array(), *instruments = json_array(), *objects = json_array();
    for (size_t i = 0; i < list->timer_count; i++) {
        const struct tare_elf_timer *timer = &list->timers[i];
        json_array_append_new(timers,
                              json_pack("{s:s, s:s, s:s, s:I, s:s}", "module", timer->module, "name",
                                        timer->name, "file", timer->file, "line", (json_int_t)timer->line,
                                        "object", list->objects[timer->object].name));
    }
    for (size_t i = 0; i < list->instrument_count; i++) {
        const struct tare_elf_timer *other = &list->instruments[i];
        json_array_append_new(instruments,
                              json_pack("{s:s, s:s, s:s, s:s?, s:s?, s:s?, s:s, s:I, s:s}", "kind",
                                        kind_name(other->kind), "module", other->module, "name", other->name,
                                        "unit", or_null(other->unit), "labels", or_null(other->labels), "help",
                                        or_null(other->help), "file", other->file, "line",
                                        (json_int_t)other->line, "object", list->objects[other->object].name));
    }
    for (size_t i = 0; i < list->object_count; i++) {
        const struct tare_elf_object *object = &list->objects[i];
        json_array_append_new(objects, json_pack("{s:s, s:s?, s:s?, s:I, s:I}", "name", object->name, "path",
                                                 object->path, "problem", object->problem, "timers",
                                                 (json_int_t)object->timer_count, "instruments",
                                                 (json_int_t)object->instrument_count));
    }
    json_t *root = json_pack("{s:s, s:i, s:o, s:o, s:o}", "schema", "tare-list", "schema_version", 1, "timers",
                             timers, "instruments", instruments, "objects", objects);
    int failure = root == NULL || json_dumpf(root, stdout, JSON_INDENT(2)) != 0;
    putchar('\n');
    json_decref(root);
    if (failure) {
        error("cannot write the list: a name is not UTF-8, or standard output failed");
    }
    return failure ? EXIT_TROUBLE : EXIT_FINE;
}

static int run_command(const struct command *command, int argc, char **argv)
{
    bool json = false;
    int code;
    int first = options_parse(command, argc, argv, option_table_or_json, &json, &code);
    if (first < 0) {
        return code;
    }
    if (first + 1 != argc) {
        error("%s: tare list [options] PROGRAM", first == argc ? "no program given" : "one program at a time");
        return EXIT_TROUBLE;
    }
    char *path = NULL;
    struct tare_elf_list list = {0};
    char message[256];
    /* A library is no program to be found through PATH, so a name with a slash is taken as it is. */
    int failure = strchr(argv[first], '/') != NULL ? 0 : tare_find_program(argv[first], &path);
    if (failure != 0) {
        error("cannot find '%s': %s", argv[first], strerror(-failure));
        return EXIT_TROUBLE;
    }
    failure = tare_elf_list(path != NULL ? path : argv[first], &list, message, sizeof(message));
    code = EXIT_TROUBLE;
    if (failure != 0) {
        error("%s", message);
    } else {
        for (size_t i = 0; i < list.object_count; i++) {
            if (list.objects[i].problem != NULL) {
                warning("%s: %s", list.objects[i].name, list.objects[i].problem);
            } else if (list.objects[i].path == NULL) {
                warning("library '%s' was not found: its timers are missing here", list.objects[i].name);
            }
        }
        code = EXIT_FINE;
        if (json) {
            code = print_json(&list);
        } else if (list.timer_count + list.instrument_count == 0) {
            fprintf(stderr, "tare: '%s' and the libraries that it needs declare no timers\n", argv[first]);
        } else if (!print_table(&list)) {
            error("out of memory");
            code = EXIT_TROUBLE;
        }
    }
    tare_elf_list_release(&list);
    free(path);
    return code;
}

const struct command command_list = {
    .name = "list",
    .operands = "PROGRAM",
    .summary = "list the timers of a program and its libraries, without running it",
    .options = options,
    .details = "Counters, gauges and other instruments are listed, too, each with its kind.\n"
               "Those of libraries that are loaded later with dlopen are not seen.\n\n"
               "Exit code: 0 (also if there are no timers), 2 for a wrong command line or a file\n"
               "that is no program.\n\n"
               "Example:\n  tare list ./server\n",
    .run = run_command,
    .usage_exit = EXIT_TROUBLE,
};
