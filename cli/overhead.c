/* SPDX-License-Identifier: MIT */
/*
 * Scopes that are many and short can cost more than what they measure. Their cost is subtracted, but what it
 * does to the rest of the program is not; so whoever measures like that is told, with the timers that make most
 * of it and the option that leaves them out.
 */
#include "cli/overhead.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NAMED_MAX = 3, HINT_MAX = 160 };

bool parse_percent(const char *option, const char *text, double *value)
{
    char *end;
    *value = strtod(text, &end);
    if (end == text || *end != '\0' || !(*value >= 0 && *value <= 100)) {
        error("'%s' is not a percentage from 0 to 100 for %s", text, option);
        return false;
    }
    return true;
}

/* The timers that were called, those that took most first. */
struct sorted {
    const struct tare_result_timer **timers;
    size_t count;
    size_t heavy; /* so many have to go for the rest to be within the limit */
};

static int by_measuring(const void *left, const void *right)
{
    const struct tare_result_timer *const *a = left, *const *b = right;
    double first = (*a)->figures.measuring_ns, second = (*b)->figures.measuring_ns;
    return (first < second) - (first > second);
}

static bool sort(const struct tare_result *result, double limit_ns, struct sorted *sorted)
{
    *sorted = (struct sorted){.timers = calloc(result->timer_count + 1, sizeof(*sorted->timers))};
    if (sorted->timers == NULL) {
        error("out of memory");
        return false;
    }
    for (size_t i = 0; i < result->timer_count; i++) {
        if (result->timers[i].figures.calls != 0) {
            sorted->timers[sorted->count++] = &result->timers[i];
        }
    }
    qsort(sorted->timers, sorted->count, sizeof(*sorted->timers), by_measuring);
    double rest_ns = result->measuring_ns;
    while (sorted->heavy < sorted->count && rest_ns > limit_ns) {
        rest_ns -= sorted->timers[sorted->heavy++]->figures.measuring_ns;
    }
    return true;
}

static void put_names(FILE *out, const struct sorted *sorted)
{
    for (size_t i = 0; i < sorted->heavy && i < NAMED_MAX; i++) {
        const struct tare_result_timer *timer = sorted->timers[i];
        char *module = printable(timer->module), *name = printable(timer->name);
        double percent = timer->figures.measuring_share * 100;
        fprintf(out, "%s%s::%s %.*f %%", i > 0 ? ", " : "", module != NULL ? module : "?",
                name != NULL ? name : "?", percent < 10, percent);
        free(module);
        free(name);
    }
    if (sorted->heavy > NAMED_MAX) {
        fprintf(out, " and %zu more", sorted->heavy - NAMED_MAX);
    }
}

static bool has_module(const struct sorted *sorted, size_t from, size_t to, const char *module)
{
    for (size_t i = from; i < to; i++) {
        if (strcmp(sorted->timers[i]->module, module) == 0) {
            return true;
        }
    }
    return false;
}

/* Patterns for the timers from `from` up to `to`: whole modules where none of the others is in it. */
static void put_patterns(FILE *out, const struct sorted *sorted, size_t from, size_t to)
{
    const char *separator = "";
    for (size_t i = from; i < to; i++) {
        const struct tare_result_timer *timer = sorted->timers[i];
        bool mixed =
            has_module(sorted, 0, from, timer->module) || has_module(sorted, to, sorted->count, timer->module);
        if (!mixed && has_module(sorted, from, i, timer->module)) {
            continue; /* has been named */
        }
        char *pattern = exact_glob(timer->module, mixed ? timer->name : NULL);
        fprintf(out, "%s%s", separator, pattern != NULL ? pattern : "");
        separator = ",";
        free(pattern);
    }
}

/* What to do about it; NULL without memory. */
static char *hint(const struct tare_result *result, const struct sorted *sorted)
{
    char *patterns = NULL, *text = NULL;
    size_t size;
    bool attached = strcmp(result->kind, "attach") == 0;
    bool captured = strcmp(result->kind, "capture") == 0;
    const char *only = captured ? "enable" : "only";
    FILE *out = open_memstream(&patterns, &size);
    if (out == NULL) {
        return NULL;
    }
    if (attached) {
        put_patterns(out, sorted, 0, sorted->heavy);
    } else {
        put_patterns(out, sorted, sorted->heavy, sorted->count);
    }
    if (fclose(out) != 0) {
        free(patterns);
        return NULL;
    }
    char *safe = printable(patterns);
    bool usable = size > 0 && size <= HINT_MAX && strchr(patterns, '\'') == NULL && safe != NULL &&
                  strcmp(safe, patterns) == 0;
    int written;
    if ((sorted->heavy == sorted->count && !attached) || (captured && result->command == NULL)) {
        written = asprintf(&text, "time fewer or longer pieces of work");
    } else if (!usable) {
        written = asprintf(&text, attached   ? "leave them out with --disable"
                                  : captured ? "name all others with --enable"
                                             : "name all others with --only");
    } else {
        written = asprintf(&text, "leave %s out with --%s '%s'", sorted->heavy == 1 ? "it" : "them",
                           attached ? "disable" : only, patterns);
    }
    free(patterns);
    free(safe);
    return written < 0 ? NULL : text;
}

/* "measuring took 62 % of this run: nested::compare 57 %"; NULL without memory. `limit`: follows on "run". */
static char *finding(const struct tare_result *result, const struct sorted *sorted, const char *limit)
{
    char *text = NULL;
    size_t size;
    double percent = result->measuring_share * 100;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL) {
        return NULL;
    }
    fprintf(out, "measuring took %.*f %% of this %s%s: ", percent < 10, percent,
            strcmp(result->kind, "run") == 0 || result->command != NULL ? "run" : "process", limit);
    put_names(out, sorted);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

bool overhead_judge(const struct tare_result *result, double max_percent)
{
    bool limited = !isnan(max_percent);
    double limit_percent = limited ? max_percent : OVERHEAD_WARN_PERCENT,
           percent = result->measuring_share * 100;
    if (limited && isnan(percent) && result->measuring_ns != 0) {
        error("what measuring took is not known, so --max-overhead cannot be judged: %s",
              isnan(result->measuring_ns) ? "what a scope costs was not measured"
                                          : "the processor time of what was measured is not known");
        return false;
    }
    if (!(percent > limit_percent)) {
        return true;
    }
    struct sorted sorted;
    if (!sort(result, limit_percent / 100 * result->cpu_ns, &sorted)) {
        return !limited;
    }
    char allowed[64] = "";
    if (limited) {
        snprintf(allowed, sizeof(allowed), ", more than --max-overhead %g", max_percent);
    }
    char *found = finding(result, &sorted, allowed), *advice = hint(result, &sorted);
    if (found == NULL || advice == NULL) {
        error("out of memory");
    } else if (limited) {
        error("%s; %s", found, advice);
    } else {
        warning("%s; %s", found, advice);
    }
    free(found);
    free(advice);
    free(sorted.timers);
    return !limited;
}
