/* SPDX-License-Identifier: MIT */
/*
 * A profile in `tare report`: which function, timers and order were meant. A function is named as the table has
 * it, without its parameters if that is clear, and with @OBJECT behind it where several objects have one of
 * that name.
 */
#include "cli/report_profile.h"

#include <stdlib.h>
#include <string.h>

#include "result/profile_functions.h"

/* Near misses that are named. */
enum { NEAR = 3 };

void report_profile_init(struct report_profile *report)
{
    *report = (struct report_profile){.view = {.top = TARE_PROFILE_TOP}};
}

void report_profile_release(struct report_profile *report)
{
    free(report->chosen);
    report->chosen = NULL;
}

static int set_function(struct report_profile *report, enum tare_profile_show show, const char *value)
{
    if (report->function != NULL) {
        error("--callers, --callees and --annotate: one at a time");
        return EXIT_TROUBLE;
    }
    report->function = value;
    report->view.show = show;
    return 0;
}

static int set_by(struct report_profile *report, const char *value)
{
    static const char *const words[] = {"thread", "process", "timer"};
    static const enum tare_profile_by by[] = {TARE_PROFILE_BY_THREAD, TARE_PROFILE_BY_PROCESS,
                                              TARE_PROFILE_BY_TIMER};
    for (size_t i = 0; i < 3; i++) {
        if (strcmp(value, words[i]) == 0) {
            report->view.by = by[i];
            return 0;
        }
    }
    const char *near = suggest(value, words, 3);
    if (near != NULL) {
        error("unknown word '%s' for --by: did you mean '%s'?", value, near);
    } else {
        error("unknown word '%s' for --by: thread, process or timer", value);
    }
    return EXIT_TROUBLE;
}

int report_profile_option(struct report_profile *report, int id, const char *value)
{
    static const char *const names[] = {"--callers", "--callees", "--annotate", "--top",
                                        "--timer",   "--by",      "--source"};
    unsigned long top;
    if (id < OPTION_CALLERS || id > OPTION_SOURCE) {
        return -1;
    }
    if (report->first == NULL) {
        report->first = names[id - OPTION_CALLERS];
    }
    switch (id) {
    case OPTION_CALLERS:
        return set_function(report, TARE_PROFILE_CALLERS, value);
    case OPTION_CALLEES:
        return set_function(report, TARE_PROFILE_CALLEES, value);
    case OPTION_ANNOTATE:
        return set_function(report, TARE_PROFILE_ANNOTATE, value);
    case OPTION_TOP:
        if (!parse_count("--top", value, 0, 1000000000, &top)) {
            return EXIT_TROUBLE;
        }
        report->view.top = top;
        return 0;
    case OPTION_TIMER:
        report->timers = value;
        return 0;
    case OPTION_BY:
        return set_by(report, value);
    default:
        report->view.source = value;
        return 0;
    }
}

/* How a name on the command line can mean a function: the earlier, the better. */
enum fit {
    FIT_WHOLE,  /* "ns::sort(int*)" or "[libc.so.6]" */
    FIT_OBJECT, /* "malloc@libc.so.6" */
    FIT_PLAIN,  /* "ns::sort": without parameters */
    FIT_LAST,   /* "sort": without what it is in */
    FIT_BARE,   /* "ns::sort" of "int* ns::sort<int>(int*)": without template arguments and what it returns */
    FIT_BARE_LAST, /* "sort" of it */
    FIT_NOT,
};

/* Up to the parameters: in "f(int)::{lambda(char)#1}::operator()(char) const" they are the last. */
static size_t plain_length(const char *name)
{
    size_t size = strlen(name);
    const char *close = strrchr(name, ')');
    if (close == NULL || strchr(close, ':') != NULL) {
        return size;
    }
    size_t at = (size_t)(close - name), depth = 0;
    for (;; at--) {
        depth += name[at] == ')';
        depth -= name[at] == '(';
        if (depth == 0 || at == 0) {
            break;
        }
    }
    bool is_operator = at >= 8 && strncmp(name + at - 8, "operator", 8) == 0; /* operator() itself */
    return at == 0 || is_operator ? size : at;
}

/*
 * The first `size` bytes of a function's name without its template arguments and without what it returns, which
 * names of templates begin with. NULL: it has none of them (or no memory, in which case it is not found).
 */
static char *without_arguments(const char *name, size_t size)
{
    static const char operators[] = "operator";
    char *bare = memchr(name, '<', size) != NULL ? calloc(1, size + 1) : NULL;
    size_t length = 0, depth = 0;
    for (size_t i = 0; bare != NULL && i < size; i++) {
        /* "operator<<", "operator->": no brackets */
        size_t word = sizeof operators - 1;
        if (depth == 0 && i + word <= size && strncmp(name + i, operators, word) == 0) {
            memcpy(bare + length, name + i, word);
            length += word;
            i += word;
            size_t signs = i < size ? strspn(name + i, "<>=-") : 0;
            signs = signs > 1 && name[i] == '<' && name[i + 1] != '<' && name[i + 1] != '=' ? 1 : signs;
            for (; signs > 0 && i < size; signs--) {
                bare[length++] = name[i++];
            }
            i--;
            continue;
        }
        bool inside = depth > 0;
        if (name[i] == '<') {
            depth++;
        } else if (name[i] == '>' && depth > 0) {
            depth--;
        } else if (!inside) {
            bare[length++] = name[i];
            if (name[i] == ' ' && strstr(bare, operators) == NULL &&
                strncmp(name + i, " namespace)", 11) != 0) {
                memset(bare, 0, length);
                length = 0;
            }
        }
    }
    while (length > 0 && bare[length - 1] == ' ') { /* of "operator<< <int>" */
        bare[--length] = '\0';
    }
    return bare;
}

static bool is_exactly(const char *text, size_t size, const char *name)
{
    return strlen(name) == size && strncmp(text, name, size) == 0;
}

static enum fit fit_of(const struct tare_profile *profile, const struct tare_profile_function *function,
                       const char *name)
{
    const char *own = function->name;
    if (strcmp(own, name) == 0) {
        return FIT_WHOLE;
    }
    size_t whole = strlen(own), plain = plain_length(own);
    const char *at = strrchr(name, '@');
    if (at != NULL && strcmp(at + 1, tare_profile_object_name(profile, function->object)) == 0 &&
        (is_exactly(name, (size_t)(at - name), own) ||
         ((size_t)(at - name) == plain && plain < whole && strncmp(name, own, plain) == 0))) {
        return FIT_OBJECT;
    }
    if (is_exactly(own, plain, name)) {
        return FIT_PLAIN;
    }
    size_t length = strlen(name);
    if (length + 2 < plain && strncmp(own + plain - length, name, length) == 0 &&
        strncmp(own + plain - length - 2, "::", 2) == 0) {
        return FIT_LAST;
    }
    char *bare = without_arguments(own, plain);
    enum fit fit = FIT_NOT;
    if (bare != NULL && strcmp(bare, name) == 0) {
        fit = FIT_BARE;
    } else if (bare != NULL && ends_with(bare, name) && strlen(bare) > length + 2 &&
               strncmp(bare + strlen(bare) - length - 2, "::", 2) == 0) {
        fit = FIT_BARE_LAST;
    }
    free(bare);
    return fit;
}

/* A list of functions as the command line would have them: 'a@x', 'b@y' or 'c@z'. NULL without memory. */
static char *list_functions(const struct tare_profile *profile, const struct tare_profile_functions *functions,
                            const uint32_t *numbers, size_t count, bool with_object)
{
    char *list = strdup("");
    for (size_t i = 0; i < count && list != NULL; i++) {
        const struct tare_profile_function *function = &functions->functions[numbers[i]];
        const char *object = tare_profile_object_name(profile, function->object);
        bool named = with_object && *object != '\0';
        char *longer;
        int written = asprintf(&longer, "%s%s'%s%s%s'", list,
                               i == 0           ? ""
                               : i + 1 == count ? " or "
                                                : ", ",
                               function->name, named ? "@" : "", named ? object : "");
        free(list);
        list = written < 0 ? NULL : longer;
    }
    return list;
}

static void say_ambiguous(const struct tare_profile *profile, const struct tare_profile_functions *functions,
                          const char *name, const uint32_t *numbers, size_t count)
{
    size_t named = count < NEAR ? count : NEAR;
    char *list = list_functions(profile, functions, numbers, named, true);
    char *shown = printable(name), *near = list != NULL ? printable(list) : NULL;
    error("'%s' can be any of %zu functions: %s%s", shown != NULL ? shown : "-", count,
          near != NULL ? near : "-", named < count ? ", ..." : "");
    free(list);
    free(shown);
    free(near);
}

/*
 * Functions whose names have the word in them, those of the largest total first; else the one spelled most
 * alike.
 */
static size_t near_misses(const struct tare_profile_functions *functions, const char *name,
                          uint32_t numbers[NEAR])
{
    size_t count = 0;
    for (uint32_t i = 0; i < functions->count; i++) {
        const struct tare_profile_function *function = &functions->functions[i];
        if (function->total_samples == 0 || strcasestr(function->name, name) == NULL) {
            continue;
        }
        size_t at = count < NEAR ? count++ : NEAR;
        for (; at > 0 && functions->functions[numbers[at - 1]].total < function->total; at--) {
            if (at < NEAR) {
                numbers[at] = numbers[at - 1];
            }
        }
        if (at < NEAR) {
            numbers[at] = i;
        }
    }
    unsigned best = (unsigned)(strlen(name) / 2 + 1);
    for (uint32_t i = 0; count == 0 && i < functions->count; i++) {
        unsigned distance = edit_distance(name, functions->functions[i].name);
        if (functions->functions[i].total_samples > 0 && distance < best) {
            best = distance;
            numbers[0] = i;
        }
    }
    return count > 0 ? count : best < strlen(name) / 2 + 1 ? 1 : 0;
}

static void say_unknown(const struct tare_profile *profile, const struct tare_profile_functions *functions,
                        const char *name)
{
    uint32_t numbers[NEAR];
    size_t count = near_misses(functions, name, numbers);
    char *list = list_functions(profile, functions, numbers, count, false);
    char *shown = printable(name), *near = list != NULL ? printable(list) : NULL;
    if (count > 0) {
        error("no samples of a function '%s': did you mean %s?", shown != NULL ? shown : "-",
              near != NULL ? near : "-");
    } else {
        error("no samples of a function '%s': 'tare report --top 0' lists all that have some",
              shown != NULL ? shown : "-");
    }
    free(list);
    free(shown);
    free(near);
}

/* Its number; TARE_PROFILE_NONE after an error was printed. */
static uint32_t find_function(const struct tare_profile *profile,
                              const struct tare_profile_functions *functions, const char *name)
{
    uint32_t *fitting = reallocarray(NULL, functions->count + 1, sizeof(*fitting));
    uint32_t found = TARE_PROFILE_NONE;
    enum fit best = FIT_NOT;
    size_t count = 0;
    if (fitting == NULL) {
        error("out of memory");
        return TARE_PROFILE_NONE;
    }
    for (uint32_t i = 0; i < functions->count; i++) {
        enum fit fit = functions->functions[i].total_samples > 0
                           ? fit_of(profile, &functions->functions[i], name)
                           : FIT_NOT;
        if (fit < best) {
            best = fit;
            count = 0;
        }
        if (fit == best && fit != FIT_NOT) {
            fitting[count++] = i;
        }
    }
    if (count == 1) {
        found = fitting[0];
    } else if (count > 1) {
        say_ambiguous(profile, functions, name, fitting, count);
    } else {
        say_unknown(profile, functions, name);
    }
    free(fitting);
    return found;
}

static bool prepare_function(struct report_profile *report, const struct tare_profile *profile)
{
    const struct tare_profile_filter filter = {.timers = report->view.timers};
    struct tare_profile_functions functions;
    bool fine = tare_profile_functions_make(profile, &filter, &functions) == 0;
    if (!fine) {
        error("out of memory");
    } else {
        uint32_t number = find_function(profile, &functions, report->function);
        fine = number != TARE_PROFILE_NONE;
        for (uint32_t frame = 0; fine && frame < profile->frame_count; frame++) {
            if (functions.of_frame[frame] == number) {
                report->view.frame = frame;
                break;
            }
        }
    }
    tare_profile_functions_release(&functions);
    return fine;
}

static bool prepare_timers(struct report_profile *report, const struct tare_profile *profile)
{
    if (!profile->by_timer) {
        error("this profile does not know the timers of its samples: 'tare profile --by-timer' takes one that "
              "does");
        return false;
    }
    if (report->timers == NULL) {
        return true;
    }
    bool any = false;
    report->chosen = calloc(profile->timer_count + 1, sizeof(*report->chosen));
    if (report->chosen == NULL) {
        error("out of memory");
        return false;
    }
    for (size_t i = 0; i < profile->timer_count; i++) {
        const struct tare_profile_timer *timer = &profile->timers[i];
        report->chosen[i] = globs_match(report->timers, timer->module, timer->name);
        any |= report->chosen[i];
    }
    report->view.timers = report->chosen;
    if (!any) {
        error("no timer of the profile matches '%s': 'tare report --by timer' shows them", report->timers);
    }
    return any;
}

static bool prepare_sort(struct report_profile *report)
{
    static const char *const words[] = {"self", "total"};
    if (report->sort == NULL || strcmp(report->sort, "self") == 0) {
        return true;
    }
    report->view.by_total = strcmp(report->sort, "total") == 0;
    if (!report->view.by_total) {
        const char *near = suggest(report->sort, words, 2);
        if (near != NULL) {
            error("no column '%s' in a profile: did you mean '%s'?", report->sort, near);
        } else {
            error("no column '%s' in a profile: --sort self or --sort total", report->sort);
        }
    }
    return report->view.by_total;
}

bool report_profile_prepare(struct report_profile *report, const struct tare_profile *profile)
{
    bool timers = report->timers != NULL || report->view.by == TARE_PROFILE_BY_TIMER;
    return prepare_sort(report) && (!timers || prepare_timers(report, profile)) &&
           (report->function == NULL || prepare_function(report, profile));
}
