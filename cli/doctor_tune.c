/* SPDX-License-Identifier: MIT */
/* `tare doctor --fix`, `--apply` and `--restore`: says what record/tune.c would do, does, or has done. */
#include "cli/doctor_tune.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "record/tune.h"

enum { STATE_NAME_MAX = 4096 };

/* Gone after a restart, as the settings are. */
#define STATE_DEFAULT "/run/tare/tuned"

static bool state_name(char name[STATE_NAME_MAX], const char *root)
{
    const char *given = getenv("TARE_STATE");
    bool own = given != NULL && *given != '\0';
    int length = snprintf(name, STATE_NAME_MAX, "%s%s", own ? "" : root, own ? given : STATE_DEFAULT);
    if (length < 0 || length >= STATE_NAME_MAX) {
        error("the name of the file to save in is too long: name a shorter one with TARE_STATE");
        return false;
    }
    return true;
}

static int print_document(json_t *document)
{
    int failure = document == NULL || json_dumpf(document, stdout, JSON_INDENT(2)) != 0;
    putchar('\n');
    json_decref(document);
    if (failure) {
        error("cannot write to standard output");
    }
    return failure ? EXIT_TROUBLE : EXIT_FINE;
}

int doctor_fix(const char *root, bool json)
{
    struct tare_tune_plan plan;
    if (tare_tune_plan(&plan, root) != 0) {
        error("out of memory");
        return EXIT_TROUBLE;
    }
    json_t *list = json ? json_array() : NULL;
    size_t count = 0;
    for (size_t i = 0; i < plan.count; i++) {
        const struct tare_setting *setting = &plan.settings[i];
        char command[TARE_TUNE_PATH + TARE_TUNE_VALUE + 16];
        if (setting->keep) {
            continue;
        }
        count++;
        snprintf(command, sizeof(command), "echo %s >%s", setting->want, setting->path);
        if (json) {
            json_array_append_new(list, json_string(command));
        } else {
            puts(command);
        }
    }
    tare_tune_plan_release(&plan);
    int code = EXIT_FINE;
    if (json) {
        code = print_document(json_pack("{s:s, s:i, s:s, s:o}", "schema", "tare-tune", "schema_version", 1,
                                        "action", "fix", "commands", list));
    } else if (count == 0) {
        fflush(stdout);
        fputs("tare: nothing to set: what can be set here is as it should be\n", stderr);
    } else if (stderr_is_terminal()) {
        fflush(stdout);
        fputs("tare: to be run as root; 'tare doctor --apply' does the same, and can put it back\n", stderr);
    }
    return code;
}

static const char *outcome_name(enum tare_tune_outcome outcome)
{
    static const char *const names[] = {"set", "same", "foreign", "failed", "undone", "stuck"};
    return names[outcome];
}

static const char *error_text(int number)
{
    return number == EIO || number == 0 ? "the kernel made something else of it"
           : number == ENOENT           ? "it is gone (a processor that is offline?)"
                                        : strerror(number);
}

static void print_line(const struct tare_tune_line *line, bool restoring)
{
    switch (line->outcome) {
    case TARE_TUNE_SET:
        printf("%s: %s -> %s%s\n", line->path, line->from, line->to, line->keep ? " (had changed along)" : "");
        break;
    case TARE_TUNE_SAME:
        printf("%s: is as it was, %s\n", line->path, line->to);
        break;
    case TARE_TUNE_FOREIGN:
        printf("%s: left at %s, which somebody else has set; it was %s:\n  echo %s | sudo tee %s\n", line->path,
               line->from, line->to, line->to, line->path);
        break;
    case TARE_TUNE_FAILED:
        printf("%s: %s %s: %s\n", line->path, restoring ? "not put back to" : "did not take", line->to,
               error_text(line->error));
        break;
    case TARE_TUNE_UNDONE:
        printf("%s: put back to %s\n", line->path, line->from);
        break;
    case TARE_TUNE_STUCK:
        printf("%s: not put back to %s: %s\n", line->path, line->keep ? line->to : line->from,
               error_text(line->error));
        break;
    }
}

static int print_lines(const struct tare_tune_report *report, const char *action, const char *state, int result,
                       bool json)
{
    if (!json) {
        for (size_t i = 0; i < report->count; i++) {
            print_line(&report->lines[i], strcmp(action, "restore") == 0);
        }
        return EXIT_FINE;
    }
    json_t *changes = json_array();
    for (size_t i = 0; i < report->count; i++) {
        const struct tare_tune_line *line = &report->lines[i];
        json_array_append_new(changes, json_pack("{s:s, s:s, s:s, s:s, s:b}", "path", line->path, "from",
                                                 line->from, "to", line->to, "outcome",
                                                 outcome_name(line->outcome), "changed_along", line->keep));
    }
    return print_document(json_pack("{s:s, s:i, s:s, s:s, s:b, s:b, s:o}", "schema", "tare-tune",
                                    "schema_version", 1, "action", action, "state", state, "complete",
                                    result == 0, "earlier_boot", report->other_boot, "changes", changes));
}

/* Why nothing was changed. */
static void explain(const struct tare_tune_report *report, const char *state, int result)
{
    if (result == -ENOMEM) {
        error("out of memory: nothing was changed");
    } else if (report->stage == TARE_TUNE_CHECK) {
        error("cannot write '%s': %s: nothing was changed; %s", report->subject, strerror(-result),
              result == -EROFS ? "in a container, run it on the host" : "run it as root");
    } else if (result == -EBUSY) {
        error("another tare is changing settings, and has '%s': nothing was changed; try again", state);
    } else if (result == -EBADMSG) {
        error("'%s' is damaged, or no list of saved settings: nothing was changed; read it, then remove it",
              state);
    } else if (result == -EPERM && report->folder) {
        error("the folder of '%s' cannot be trusted: another user's, or others may write it: nothing was "
              "changed; "
              "name a file elsewhere with TARE_STATE",
              state);
    } else if (result == -EPERM) {
        error("'%s' cannot be trusted: another user's, or others may write it: nothing was changed; remove it",
              state);
    } else {
        error("cannot save settings in '%s': %s: name another file with TARE_STATE", state, strerror(-result));
    }
}

int doctor_apply(const char *root, bool json)
{
    char state[STATE_NAME_MAX];
    struct tare_tune_report report;
    if (!state_name(state, root)) {
        return EXIT_TROUBLE;
    }
    int result = tare_tune_apply(root, state, &report);
    int code = result == 0 ? EXIT_FINE : EXIT_TROUBLE;
    if (result != 0 && report.stage != TARE_TUNE_WRITE) {
        explain(&report, state, result);
        goto out;
    }
    int printed = print_lines(&report, "apply", state, result, json);
    code = printed != EXIT_FINE ? printed : code;
    if (result != 0) {
        bool stuck = false;
        for (size_t i = 0; i < report.count; i++) {
            stuck = stuck || report.lines[i].outcome == TARE_TUNE_STUCK;
        }
        error("'%s' cannot be set: %s: %s", report.subject, error_text(-result),
              stuck ? "not all could be put back, 'tare doctor --restore' tries again"
                    : "everything is as it was");
    } else if (!json && report.nothing) {
        puts("nothing to set: what can be set here is as it should be");
    } else if (!json) {
        printf("to put it back: tare doctor --restore (saved in '%s')\n", state);
    }
out:
    tare_tune_report_release(&report);
    return code;
}

int doctor_restore(const char *root, bool json)
{
    char state[STATE_NAME_MAX];
    struct tare_tune_report report;
    if (!state_name(state, root)) {
        return EXIT_TROUBLE;
    }
    int result = tare_tune_restore(root, state, &report);
    int code = result == 0 ? EXIT_FINE : EXIT_TROUBLE;
    if (result != 0 && report.stage != TARE_TUNE_WRITE) {
        explain(&report, state, result);
        goto out;
    }
    int printed = print_lines(&report, "restore", state, result, json);
    code = printed != EXIT_FINE ? printed : code;
    if (result != 0) {
        error("not everything could be put back: what is left stays saved in '%s'", state);
    } else if (!json && report.nothing) {
        printf("nothing to put back: nothing is saved in '%s'\n", state);
    } else if (!json && report.other_boot) {
        puts("nothing to put back: the machine was restarted since, and its settings with it");
    }
out:
    tare_tune_report_release(&report);
    return code;
}
