/* SPDX-License-Identifier: MIT */
/*
 * `tare doctor`: what about this machine bears on measurements, and how it is set. record/findings.c has the
 * findings; here they are measured for, in an order that keeps our own work out of them, and shown.
 */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <tare/version.h>

#include "cli/cli.h"
#include "cli/doctor.h"
#include "cli/doctor_tune.h"
#include "record/findings.h"
#include "runtime/clock.h"

enum {
    OPTION_DOCTOR_FORMAT = 1,
    OPTION_DOCTOR_QUICK,
    OPTION_DOCTOR_FIX,
    OPTION_DOCTOR_APPLY,
    OPTION_DOCTOR_RESTORE,
    OPTION_DOCTOR_AGAINST,
};

enum { WIDTH = 80, WIDTH_LEAST = 48, WIDTH_MOST = 100, NAME_COLUMN = 8, VALUE_COLUMN = 24 };

/* Long enough for some hundred timer interrupts; together little over a second. */
static const double bound_s = 0.5, loose_s = 0.4, wander_s = 0.3;

static const struct option_spec options[] = {
    {OPTION_DOCTOR_FORMAT, '\0', "format", "FORMAT", "table or json", "table json"},
    {OPTION_DOCTOR_QUICK, '\0', "quick", NULL, "do not measure, only read the settings", NULL},
    {OPTION_DOCTOR_FIX, '\0', "fix", NULL, "print the commands that set the machine up, for root to run", NULL},
    {OPTION_DOCTOR_APPLY, '\0', "apply", NULL, "set the machine up, and save what was there", NULL},
    {OPTION_DOCTOR_RESTORE, '\0', "restore", NULL, "put back what --apply saved", NULL},
    {OPTION_DOCTOR_AGAINST, '\0', "against", "RESULT",
     "compare this machine with the one that RESULT was made on, and say what differs", NULL},
    {0},
};

struct doctor {
    bool json, quick, fix, apply, restore;
    const char *against;
};

static int take_option(void *data, int id, const char *value)
{
    struct doctor *doctor = data;
    switch (id) {
    case OPTION_DOCTOR_FORMAT:
        return option_table_or_json(&doctor->json, id, value);
    case OPTION_DOCTOR_QUICK:
        doctor->quick = true;
        break;
    case OPTION_DOCTOR_FIX:
        doctor->fix = true;
        break;
    case OPTION_DOCTOR_APPLY:
        doctor->apply = true;
        break;
    case OPTION_DOCTOR_RESTORE:
        doctor->restore = true;
        break;
    default:
        doctor->against = value;
    }
    return 0;
}

static volatile sig_atomic_t stop;

static void on_signal(int signal)
{
    (void)signal;
    stop = 1;
}

static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
enum { ENDS = sizeof(ends) / sizeof(ends[0]) };

/* Ctrl-C ends the measuring, not the report. What was ignored stays ignored. */
static void catch_signals(struct sigaction before[ENDS])
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < ENDS; i++) {
        sigaction(ends[i], NULL, &before[i]);
        if (before[i].sa_handler != SIG_IGN) {
            sigaction(ends[i], &action, NULL);
        }
    }
}

static void release_signals(const struct sigaction before[ENDS])
{
    for (size_t i = 0; i < ENDS; i++) {
        sigaction(ends[i], &before[i], NULL);
    }
}

static uint32_t timer_kind;

/* Half of them as a scope's start, half as its end. */
static void read_timer(unsigned n)
{
    for (unsigned i = 0; i < n; i += 2) {
        clock_start(timer_kind);
        clock_stop(timer_kind);
    }
}

static void measure_interruptions(struct tare_measured *measured, const char *root)
{
    struct tare_interrupts *interrupts = calloc(2, sizeof(*interrupts));
    int cpu = sched_getcpu();
    bool counted =
        interrupts != NULL && cpu >= 0 && tare_interrupts_read(&interrupts[0], (unsigned)cpu, root) == 0;
    /* Who may not bind itself is still told what a thread sees that moves. */
    tare_gaps_measure(&measured->bound, cpu, bound_s, &stop);
    if (counted && measured->bound.seconds > 0 &&
        tare_interrupts_read(&interrupts[1], (unsigned)cpu, root) == 0) {
        measured->interrupt_count =
            tare_interrupts_top(&interrupts[0], &interrupts[1], measured->interrupts, TARE_LOAD_TOP);
    }
    free(interrupts);
}

static void measure(struct tare_measured *measured, const char *root)
{
    tare_measured_init(measured);
    struct sigaction before[ENDS];
    catch_signals(before);
    struct tare_load_mark *first = tare_load_mark(root);
    progress("measuring 1 of 3: interruptions of a bound thread, %.1f s left", bound_s + loose_s + wander_s);
    measure_interruptions(measured, root);
    progress("measuring 2 of 3: interruptions of a thread that may move, %.1f s left", loose_s + wander_s);
    if (!stop) {
        tare_gaps_measure(&measured->loose, -1, loose_s, &stop);
    }
    progress("measuring 3 of 3: the clock rate, %.1f s left", wander_s);
    if (!stop) {
        tare_wander_measure(&measured->wander, wander_s, &stop);
    }
    if (!stop) {
        timer_kind = tare__clock_default();
        measured->timer_name = tare__clock_name(timer_kind);
        tare_call_cost_measure(&measured->system_call, tare_call_system);
        tare_call_cost_measure(&measured->clock, tare_call_clock);
        if (timer_kind != TARE_CLOCK_CLOCK) {
            tare_call_cost_measure(&measured->timer, read_timer);
        }
    }
    struct tare_load_mark *last = tare_load_mark(root);
    if (first != NULL && last != NULL) {
        tare_load_between(first, last, &measured->load);
    }
    tare_load_mark_free(first);
    tare_load_mark_free(last);
    progress_clear();
    release_signals(before);
}

/* How the text is to be laid out. */
struct layout {
    int width;
    bool ascii;
};

/* A terminal's width, in bounds in which it can be read; where there is none, that of most. */
static struct layout find_layout(void)
{
    struct layout layout = {WIDTH, !locale_is_utf8()};
    struct winsize size;
    if (isatty(STDOUT_FILENO)) {
        const char *columns = getenv("COLUMNS");
        int given = columns != NULL ? atoi(columns) : 0;
        if (given <= 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) {
            given = size.ws_col;
        }
        layout.width = given <= 0            ? WIDTH
                       : given < WIDTH_LEAST ? WIDTH_LEAST
                       : given > WIDTH_MOST  ? WIDTH_MOST
                                             : given;
    }
    return layout;
}

/* Prints a character's bytes; "µ", "±" and "°" as ASCII where the locale has no such characters. */
static int print_word(const char *word, size_t length, bool ascii)
{
    int columns = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)word[i];
        if (!ascii || byte < 0x80) {
            putchar(byte);
            columns += (byte & 0xc0) != 0x80;
        } else if ((byte & 0xc0) != 0x80) {
            const char *plain = strncmp(word + i, "µ", 2) == 0   ? "u"
                                : strncmp(word + i, "±", 2) == 0 ? "+-"
                                : strncmp(word + i, "°", 2) == 0 ? ""
                                                                 : "?";
            fputs(plain, stdout);
            columns += (int)strlen(plain);
        }
    }
    return columns;
}

static int columns_of(const char *word, size_t length)
{
    int columns = 0;
    for (size_t i = 0; i < length; i++) {
        columns += ((unsigned char)word[i] & 0xc0) != 0x80;
    }
    return columns;
}

/* Words of `text`, wrapped, where the line stands at column `at`; further lines begin at `from`. */
static int print_wrapped(const char *text, int at, int from, const struct layout *layout)
{
    bool first = true;
    for (text += strspn(text, " "); *text != '\0'; text += strspn(text, " ")) {
        size_t length = strcspn(text, " ");
        int columns = columns_of(text, length);
        if (at > from && at + !first + columns > layout->width) {
            printf("\n%*s", from, "");
            at = from;
        } else if (!first) {
            putchar(' ');
            at++;
        }
        at += print_word(text, length, layout->ascii);
        text += length;
        first = false;
    }
    return at;
}

static void print_finding(const struct tare_finding *finding, const struct layout *layout)
{
    printf("%-*s%-*s", NAME_COLUMN, tare_rating_name(finding->rating), VALUE_COLUMN - NAME_COLUMN,
           finding->name);
    print_wrapped(finding->value, VALUE_COLUMN, VALUE_COLUMN, layout);
    if (finding->effect[0] != '\0' || finding->advice[0] != '\0') {
        char text[sizeof(finding->effect) + sizeof(finding->advice) + 1];
        snprintf(text, sizeof(text), "%s %s", finding->effect, finding->advice);
        printf("\n%*s", NAME_COLUMN, "");
        print_wrapped(text, NAME_COLUMN, NAME_COLUMN, layout);
    }
    if (finding->command[0] != '\0') {
        printf("\n%*s%s", NAME_COLUMN, "", finding->command); /* in one piece, to be copied */
    }
    putchar('\n');
}

/* What matters most, in one sentence. */
static void summarize(char *text, size_t size, const struct tare_findings *findings, bool measured)
{
    size_t harms = tare_findings_count(findings, TARE_RATING_HARMS);
    size_t notes = tare_findings_count(findings, TARE_RATING_NOTE);
    const struct tare_finding *first = tare_findings_first(findings);
    if (first != NULL) {
        snprintf(text, size, "%zu of %zu %s measurements here, first of all %s: %s", harms, findings->count,
                 harms == 1 ? "harms" : "harm", first->name, first->value);
    } else {
        snprintf(text, size, "nothing that was looked at harms measurements here; %zu %s to be known%s", notes,
                 notes == 1 ? "thing is" : "things are", measured ? "" : "; nothing was measured");
    }
}

static void print_table(const struct tare_findings *findings, const char *summary)
{
    const struct layout layout = find_layout();
    for (size_t i = 0; i < findings->count; i++) {
        print_finding(&findings->list[i], &layout);
    }
    putchar('\n');
    print_wrapped(summary, 0, 0, &layout);
    putchar('\n');
}

static json_t *finding_json(const struct tare_finding *finding)
{
    json_t *figures = json_object();
    for (size_t i = 0; i < finding->figure_count; i++) {
        double value = finding->figures[i].value;
        json_object_set_new(figures, finding->figures[i].name,
                            isfinite(value) ? json_real(value) : json_null());
    }
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s*, s:o}", "name", finding->name, "rating",
                     tare_rating_name(finding->rating), "value", finding->value, "effect", finding->effect,
                     "advice", finding->advice, "command",
                     finding->command[0] != '\0' ? finding->command : NULL, "figures", figures);
}

static int print_json(const struct tare_findings *findings, const char *summary, bool measured)
{
    json_t *list = json_array();
    int failure = list == NULL;
    for (size_t i = 0; i < findings->count; i++) {
        failure = json_array_append_new(list, finding_json(&findings->list[i])) != 0 || failure;
    }
    const struct tare_finding *first = tare_findings_first(findings);
    char *now = timestamp_now();
    json_t *root = json_pack("{s:s, s:i, s:s, s:s?, s:b, s:b, s:o, s:{s:I, s:I, s:I, s:I, s:s?, s:s}}",
                             "schema", "tare-doctor", "schema_version", 1, "version", TARE_VERSION, "started",
                             now, "measured", measured, "incomplete", stop != 0, "findings", list, "summary",
                             "fine", (json_int_t)tare_findings_count(findings, TARE_RATING_FINE), "note",
                             (json_int_t)tare_findings_count(findings, TARE_RATING_NOTE), "harms",
                             (json_int_t)tare_findings_count(findings, TARE_RATING_HARMS), "unknown",
                             (json_int_t)tare_findings_count(findings, TARE_RATING_UNKNOWN), "first",
                             first != NULL ? first->name : NULL, "text", summary);
    free(now);
    failure = failure || root == NULL || json_dumpf(root, stdout, JSON_INDENT(2)) != 0;
    putchar('\n');
    json_decref(root);
    if (failure) {
        error("cannot write to standard output");
    }
    return failure ? EXIT_TROUBLE : EXIT_FINE;
}

static int examine(const char *root, bool json, bool quick)
{
    struct tare_machine machine;
    struct tare_counters counters;
    struct tare_measured measured;
    struct tare_findings findings;
    if (!quick) {
        measure(&measured, root); /* first: what follows is work of our own */
    }
    if (tare_machine_read(&machine, root) != 0) {
        error("out of memory");
        return EXIT_TROUBLE;
    }
    tare_counters_try(&counters, root);
    tare_findings_make(&findings, &machine, &counters, quick ? NULL : &measured);
    tare_machine_release(&machine);
    char summary[1024];
    summarize(summary, sizeof(summary), &findings, !quick);
    if (json) {
        return print_json(&findings, summary, !quick);
    }
    print_table(&findings, summary);
    if (stop) {
        error("interrupted: what was not measured is unknown");
    }
    return EXIT_FINE;
}

/* What cannot go together. */
static bool check(const struct doctor *doctor, int operands, char **operand)
{
    bool sets = doctor->fix || doctor->apply || doctor->restore;
    const char *option = doctor->restore ? "--restore" : doctor->apply ? "--apply" : "--fix";
    if (operands > 1) {
        error("'%s' is one word too many: tare doctor takes one program or library", operand[1]);
    } else if (doctor->restore && (doctor->fix || doctor->apply)) {
        error("'--restore' undoes what '%s' does: give one of them", doctor->apply ? "--apply" : "--fix");
    } else if (sets && operands > 0) {
        error("'%s' is for the machine: it cannot go with the program '%s'", option, operand[0]);
    } else if (sets && doctor->against != NULL) {
        error("'%s' cannot go with '--against': give one of them", option);
    } else if (doctor->against != NULL && operands > 0) {
        error("'--against' compares machines: it cannot go with the program '%s'", operand[0]);
    } else {
        return true;
    }
    return false;
}

static int run_command(const struct command *command, int argc, char **argv)
{
    struct doctor doctor = {0};
    int code;
    int first = options_parse(command, argc, argv, take_option, &doctor, &code);
    if (first < 0) {
        return code;
    }
    if (!check(&doctor, argc - first, argv + first)) {
        return EXIT_TROUBLE;
    }
    const char *given = getenv("TARE_ROOT");
    const char *root = given != NULL ? given : "";
    if (first < argc) {
        return doctor_binary(argv[first], doctor.json);
    }
    if (doctor.against != NULL) {
        return doctor_against(doctor.against, doctor.json);
    }
    return doctor.restore ? doctor_restore(root, doctor.json)
           : doctor.apply ? doctor_apply(root, doctor.json)
           : doctor.fix   ? doctor_fix(root, doctor.json)
                          : examine(root, doctor.json, doctor.quick);
}

const struct command command_doctor = {
    .name = "doctor",
    .operands = "[PROGRAM]",
    .summary = "tell what about this machine, or a program, bears on measurements",
    .options = options,
    .details = "With PROGRAM (or a library): what can be measured in it, and how. Without: the\n"
               "machine. --fix, --apply and --restore set it up and put it back.\n\n"
               "Exit code: 0 when it has looked, whatever it found; 2 for a wrong command line\n"
               "or a failure. With --against: 0 the same machine, 1 another, 2 failure.\n\n"
               "Examples:\n"
               "  tare doctor\n"
               "  sudo tare doctor --apply\n"
               "  sudo tare doctor --restore\n"
               "  tare doctor ./program\n"
               "  tare doctor --against result.json\n",
    .run = run_command,
    .usage_exit = EXIT_TROUBLE,
};
