/* SPDX-License-Identifier: MIT */
/*
 * Numbers and sentences of the views of benchmarks, and lines that fit a terminal.
 *
 * A number has no more digits than its interval leaves to be read: two where the error begins with 1, else one,
 * as a step from 1 to 2 is too coarse for an error (the habit of the Particle Data Group, Review of Particle
 * Physics, section 5.3 of the introduction, a little simplified).
 */
#include "view/bench_text.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/text.h"
#include "view/columns.h"

/* Text that grows */

static void add(struct tare__phrase *phrase, const char *between, const char *format, va_list arguments)
{
    if (phrase->error != 0) {
        return;
    }
    char *more = NULL;
    int written = vasprintf(&more, format, arguments);
    size_t gap = phrase->size > 0 ? strlen(between) : 0;
    char *grown = written < 0 ? NULL : realloc(phrase->text, phrase->size + gap + (size_t)written + 1);
    if (grown == NULL) {
        phrase->error = -ENOMEM;
    } else {
        memcpy(grown + phrase->size, between, gap);
        memcpy(grown + phrase->size + gap, more, (size_t)written + 1);
        phrase->text = grown;
        phrase->size += gap + (size_t)written;
    }
    if (written >= 0) {
        free(more);
    }
}

void tare__phrase_add(struct tare__phrase *phrase, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(phrase, "", format, arguments);
    va_end(arguments);
}

void tare__phrase_item(struct tare__phrase *phrase, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(phrase, "; ", format, arguments);
    va_end(arguments);
}

void tare__phrase_release(struct tare__phrase *phrase)
{
    free(phrase->text);
    *phrase = (struct tare__phrase){0};
}

/* Lines */

/* How many bytes the first `columns` code points of `text` take. */
static size_t bytes_of(const char *text, size_t columns)
{
    size_t at = 0;
    while (text[at] != '\0' && ((text[at] & 0xc0) == 0x80 || columns-- > 0)) {
        at++;
    }
    return at;
}

char *tare__safe_cut(const char *text, size_t width, bool ascii)
{
    const char *dots = ascii ? "..." : "…";
    char *safe = tare__view_safe(text, ascii), *cut;
    size_t taken = safe != NULL ? tare__text_width(safe) : 0;
    size_t gap = tare__text_width(dots);
    if (safe == NULL || width == 0 || taken <= width) {
        return safe;
    }
    if (width <= gap) {
        safe[bytes_of(safe, width)] = '\0';
        return safe;
    }
    size_t kept = width - gap;
    int head = (int)bytes_of(safe, kept - kept / 2);
    int written = asprintf(&cut, "%.*s%s%s", head, safe, dots, safe + bytes_of(safe, taken - kept / 2));
    free(safe);
    return written < 0 ? NULL : cut;
}

/* One line being wrapped. */
struct wrap {
    const struct tare__lines_out *lines;
    size_t hang;
    size_t column;
    size_t styled; /* bytes that are still to be written before the style ends; 0: it has */
};

static void new_line(struct wrap *wrap)
{
    fprintf(wrap->lines->out, "\n%*s", (int)wrap->hang, "");
    wrap->column = wrap->hang;
}

/* Breaks within a word only where one has no room in a line of its own. */
static void put_bytes(struct wrap *wrap, const char *text, size_t size)
{
    FILE *out = wrap->lines->out;
    for (size_t i = 0; i < size; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            if (wrap->lines->cut && wrap->column >= wrap->lines->width && wrap->column > wrap->hang) {
                new_line(wrap);
            }
            wrap->column++;
        }
        putc(text[i], out);
        if (wrap->styled > 0 && --wrap->styled == 0) {
            fputs(TARE__PLAIN, out);
        }
    }
}

/* So many bytes are not written. */
static void skip_style(struct wrap *wrap, size_t size)
{
    if (wrap->styled > 0 && size >= wrap->styled) {
        wrap->styled = 0;
        fputs(TARE__PLAIN, wrap->lines->out);
    } else if (wrap->styled > 0) {
        wrap->styled -= size;
    }
}

/*
 * Where the line may be broken behind `text`: at a blank, but not between a number and its unit, and not within
 * "O(n log n)".
 */
static size_t word_size(const char *text)
{
    size_t at = 0;
    bool within = false;
    for (; text[at] != '\0'; at++) {
        char before = at > 0 ? text[at - 1] : '\0';
        if (text[at] == ' ' && !within && !isdigit((unsigned char)before)) {
            break;
        }
        within = text[at] == '(' ? before == 'O' : within && text[at] != ')';
    }
    return at;
}

static size_t columns_of(const char *text, size_t size)
{
    size_t columns = 0;
    for (size_t i = 0; i < size; i++) {
        columns += (text[i] & 0xc0) != 0x80;
    }
    return columns;
}

static void put_wrapped(const struct tare__lines_out *lines, size_t indent, size_t hang, size_t styled,
                        const char *text)
{
    struct wrap wrap = {.lines = lines, .hang = hang, .column = indent, .styled = styled};
    bool first = true;
    while (*text != '\0') {
        size_t blanks = strspn(text, " ");
        size_t size = word_size(text + blanks), columns = columns_of(text + blanks, size);
        bool fits = wrap.column + blanks + columns <= lines->width;
        /* A word that no line has room for may as well begin here. */
        bool hopeless = lines->cut && hang + columns > lines->width;
        if (!first && !fits && !hopeless && wrap.column > hang) {
            skip_style(&wrap, blanks);
            new_line(&wrap);
        } else {
            put_bytes(&wrap, text, blanks);
        }
        put_bytes(&wrap, text + blanks, size);
        text += blanks + size;
        first = false;
    }
    putc('\n', lines->out);
}

void tare__lines_put(struct tare__lines_out *lines, size_t indent, size_t hang, const char *style,
                     const char *head, const char *rest)
{
    if (lines->error != 0) {
        return;
    }
    char *safe_head = tare__view_safe(head, lines->options->ascii);
    char *safe_rest = tare__view_safe(rest, lines->options->ascii);
    char *text = NULL;
    if (safe_head == NULL || safe_rest == NULL || asprintf(&text, "%s%s", safe_head, safe_rest) < 0) {
        lines->error = -ENOMEM;
    } else {
        bool styled = style != NULL && lines->options->color && *safe_head != '\0';
        fprintf(lines->out, "%*s%s", (int)indent, "", styled ? style : "");
        put_wrapped(lines, indent, hang, styled ? strlen(safe_head) : 0, text);
        free(text);
    }
    free(safe_head);
    free(safe_rest);
}

void tare__lines_phrase(struct tare__lines_out *lines, size_t indent, size_t hang, const char *style,
                        struct tare__phrase *phrase)
{
    if (lines->error == 0) {
        lines->error = phrase->error;
    }
    if (phrase->size > 0) {
        tare__lines_put(lines, indent, hang, style, phrase->text, "");
    }
    tare__phrase_release(phrase);
}

/* Numbers */

enum { DECIMALS_MAX = 4 };

int tare__decimals(double error)
{
    if (!isfinite(error) || !(error > 0)) {
        return error == 0 ? DECIMALS_MAX : 0;
    }
    int power = (int)floor(log10(error));
    double leading = error / pow(10, power);
    int decimals = (leading < 1.95 ? 1 : 0) - power;
    return decimals < 0 ? 0 : decimals > DECIMALS_MAX ? DECIMALS_MAX : decimals;
}

/* Decimals that leave `digits` significant ones. */
static int decimals_for(double value, int digits)
{
    double size = fabs(value);
    int power = size > 0 ? (int)floor(log10(size)) : 0;
    int decimals = digits - 1 - power;
    return decimals < 0 ? 0 : decimals > digits ? digits : decimals;
}

struct unit {
    double size;
    const char *name, *ascii; /* ascii NULL: name */
};

/* The unit in which `value`, rounded to `digits` significant digits, is less than 1000. */
static const struct unit *unit_for(const struct unit *units, size_t count, double value)
{
    size_t i = 0;
    while (i + 1 < count && fabs(value) / units[i].size >= 999.5) {
        i++;
    }
    return &units[i];
}

static const struct unit time_units[] = {
    {1, "ns", NULL}, {1e3, "µs", "us"}, {1e6, "ms", NULL}, {1e9, "s", NULL}};

/* "-0.00" says nothing that "0.00" does not. */
static const char *without_sign(const char *number)
{
    return number[0] == '-' && number[strspn(number, "-0.")] == '\0' ? number + 1 : number;
}

/* Beyond this a number is not to be read in full; a damaged file may hold it, and columns are narrow. */
#define SUBTRACTED_LEAST 0.05 /* of what was subtracted, less than this is nothing */
#define PLAIN_MAX 99999.5

/* "1.2e+11" */
static char *set_huge(char buffer[TARE__VIEW_NUMBER], double value, int decimals)
{
    int power = (int)floor(log10(fabs(value)));
    char digits[TARE__VIEW_NUMBER];
    snprintf(buffer, TARE__VIEW_NUMBER, "%.24se+%02d",
             tare__view_fixed(digits, value / pow(10, power), decimals), power);
    return buffer;
}

static void set_unknown(char buffer[TARE__NUMBER_TEXT])
{
    snprintf(buffer, TARE__NUMBER_TEXT, "-");
}

char *tare__text_duration(char buffer[TARE__NUMBER_TEXT], double ns, double error_ns, bool ascii)
{
    char number[TARE__VIEW_NUMBER];
    if (!isfinite(ns)) {
        set_unknown(buffer);
        return buffer;
    }
    const struct unit *unit = unit_for(time_units, sizeof time_units / sizeof time_units[0], ns);
    double value = ns / unit->size;
    int most = fabs(value) < 99.9995 ? 3 : 2; /* five digits at most: the columns are so wide */
    int decimals = decimals_for(value, 4);
    if (value != 0 && fabs(value) < 0.1) { /* ns of one byte of many */
        most = 2 - (int)floor(log10(fabs(value)));
        most = most < 12 ? most : 12;
        decimals = most;
    }
    if (isfinite(error_ns) && error_ns > 0) {
        decimals = tare__decimals(error_ns / unit->size);
    }
    if (fabs(value) >= PLAIN_MAX) {
        set_huge(number, value, 1);
    } else {
        tare__view_fixed(number, value, decimals < most ? decimals : most);
    }
    snprintf(buffer, TARE__NUMBER_TEXT, "%s %s", without_sign(number),
             ascii && unit->ascii != NULL ? unit->ascii : unit->name);
    return buffer;
}

char *tare__text_percent(char buffer[TARE__NUMBER_TEXT], double share)
{
    char number[TARE__VIEW_NUMBER];
    double percent = share * 100, size = fabs(percent);
    if (!isfinite(percent)) {
        set_unknown(buffer);
        return buffer;
    }
    if (size >= PLAIN_MAX) {
        set_huge(number, percent, 0);
    } else {
        tare__view_fixed(number, percent, size < 0.095 && size > 0 ? 2 : size < 9.95 ? 1 : 0);
    }
    snprintf(buffer, TARE__NUMBER_TEXT, "%s %%", without_sign(number));
    return buffer;
}

static char *scaled(char buffer[TARE__NUMBER_TEXT], const struct unit *units, size_t count, double value)
{
    char number[TARE__VIEW_NUMBER];
    if (!isfinite(value)) {
        set_unknown(buffer);
        return buffer;
    }
    const struct unit *unit = unit_for(units, count, value);
    if (fabs(value / unit->size) >= PLAIN_MAX) {
        set_huge(number, value / unit->size, 0);
    } else {
        tare__view_fixed(number, value / unit->size, decimals_for(value / unit->size, 3));
    }
    snprintf(buffer, TARE__NUMBER_TEXT, "%s%s", without_sign(number), unit->name);
    return buffer;
}

char *tare__text_count(char buffer[TARE__NUMBER_TEXT], double count)
{
    static const struct unit units[] = {{1e3, " k", NULL}, {1e6, " M", NULL}, {1e9, " G", NULL}};
    char number[TARE__VIEW_NUMBER];
    if (!isfinite(count) || fabs(count) >= PLAIN_MAX) {
        return scaled(buffer, units, sizeof units / sizeof units[0], count);
    }
    bool whole = fabs(count - round(count)) < 1e-6 && (fabs(count) >= 0.5 || count == 0);
    tare__view_fixed(number, count, whole ? 0 : decimals_for(count, 3));
    if (!whole && number[strspn(number, "-0.")] == '\0') { /* a few in a million */
        snprintf(number, sizeof number, "%.0e", count);
    }
    snprintf(buffer, TARE__NUMBER_TEXT, "%s", number);
    return buffer;
}

static double per_second(double amount, double ns)
{
    return ns > 0 && amount >= 0 ? amount / ns * 1e9 : NAN;
}

double tare__rate_time(const struct tare_result_arm *arm)
{
    const struct tare_summary *summary = &arm->summary;
    bool nothing = summary->median_low <= 0 || summary->median < SUBTRACTED_LEAST * arm->loop_ns;
    return nothing ? NAN : summary->median;
}

char *tare__text_bytes_rate(char buffer[TARE__NUMBER_TEXT], double bytes, double ns)
{
    static const struct unit units[] = {{1, " B/s", NULL},
                                        {1e3, " kB/s", NULL},
                                        {1e6, " MB/s", NULL},
                                        {1e9, " GB/s", NULL},
                                        {1e12, " TB/s", NULL}};
    return scaled(buffer, units, sizeof units / sizeof units[0], per_second(bytes, ns));
}

char *tare__text_items_rate(char buffer[TARE__NUMBER_TEXT], double items, double ns, bool named)
{
    static const struct unit units[] = {
        {1, " /s", NULL}, {1e3, " k/s", NULL}, {1e6, " M/s", NULL}, {1e9, " G/s", NULL}};
    static const struct unit named_units[] = {
        {1, " items/s", NULL}, {1e3, " k items/s", NULL}, {1e6, " M items/s", NULL}, {1e9, " G items/s", NULL}};
    return scaled(buffer, named ? named_units : units, sizeof units / sizeof units[0], per_second(items, ns));
}

char *tare__text_roughly(char buffer[TARE__NUMBER_TEXT], double ns)
{
    static const struct unit units[] = {
        {1e9, "s", NULL}, {60e9, "min", NULL}, {3600e9, "h", NULL}, {86400e9, "days", NULL}};
    char number[TARE__VIEW_NUMBER];
    size_t i = 0, count = sizeof units / sizeof units[0];
    if (!isfinite(ns)) {
        set_unknown(buffer);
        return buffer;
    }
    while (i + 1 < count && ns >= 1.95 * units[i + 1].size) {
        i++;
    }
    double value = ns / units[i].size;
    tare__view_fixed(number, value, value < 9.95 ? 1 : 0);
    snprintf(buffer, TARE__NUMBER_TEXT, "%s %s", number, units[i].name);
    return buffer;
}

double tare__median_error(const struct tare_summary *summary)
{
    return fmax(summary->median_high - summary->median, summary->median - summary->median_low);
}

/* Ratios */

static bool in_times(double ratio)
{
    return ratio >= 2 || ratio <= 0.5;
}

static const char *times(bool ascii)
{
    return ascii ? "x" : "×";
}

static char *signed_number(char buffer[TARE__VIEW_NUMBER + 1], double value, int decimals)
{
    char number[TARE__VIEW_NUMBER];
    tare__view_fixed(number, fabs(value), decimals);
    bool nothing = number[strspn(number, "0.")] == '\0';
    snprintf(buffer, TARE__VIEW_NUMBER + 1, "%s%s", nothing ? "" : value < 0 ? "-" : "+", number);
    return buffer;
}

/*
 * As many decimals as half the interval's width asks for, and as keep the end next to 0 from being shown as 0.
 */
static int range_decimals(double low, double high)
{
    int decimals = tare__decimals((high - low) / 2);
    double nearest = fmin(fabs(low), fabs(high));
    bool apart = (low > 0) == (high > 0);
    while (apart && nearest > 0 && decimals < DECIMALS_MAX && nearest * pow(10, decimals) < 0.5) {
        decimals++;
    }
    return decimals;
}

char *tare__text_change(char buffer[TARE__NUMBER_TEXT], double ratio, double low, double high, bool ascii)
{
    char number[TARE__VIEW_NUMBER + 1];
    bool known = isfinite(low) && isfinite(high);
    if (!isfinite(ratio)) {
        set_unknown(buffer);
    } else if (in_times(ratio)) {
        tare__view_fixed(number, ratio, known ? range_decimals(low, high) : 2);
        snprintf(buffer, TARE__NUMBER_TEXT, "%s %s", number, times(ascii));
    } else {
        int decimals = known ? range_decimals((low - 1) * 100, (high - 1) * 100) : 1;
        snprintf(buffer, TARE__NUMBER_TEXT, "%s %%", signed_number(number, (ratio - 1) * 100, decimals));
    }
    return buffer;
}

char *tare__text_change_range(char buffer[TARE__NUMBER_TEXT], double ratio, double low, double high, bool ascii)
{
    char from[TARE__VIEW_NUMBER + 1], to[TARE__VIEW_NUMBER + 1];
    if (!isfinite(low) || !isfinite(high)) {
        set_unknown(buffer);
    } else if (in_times(ratio)) {
        int decimals = range_decimals(low, high);
        snprintf(buffer, TARE__NUMBER_TEXT, "%.24s to %.24s %s", tare__view_fixed(from, low, decimals),
                 tare__view_fixed(to, high, decimals), times(ascii));
    } else {
        double least = (low - 1) * 100, most = (high - 1) * 100;
        int decimals = range_decimals(least, most);
        snprintf(buffer, TARE__NUMBER_TEXT, "%.24s to %.24s %%", signed_number(from, least, decimals),
                 signed_number(to, most, decimals));
    }
    return buffer;
}

/* Verdicts */

/* "99.8": as many decimals as there are. */
static char *trimmed(char buffer[TARE__VIEW_NUMBER], double value)
{
    tare__view_fixed(buffer, value, DECIMALS_MAX);
    size_t size = strlen(buffer);
    if (strchr(buffer, '.') != NULL) {
        while (size > 0 && buffer[size - 1] == '0') {
            size--;
        }
        size -= size > 0 && buffer[size - 1] == '.';
        buffer[size] = '\0';
    }
    return buffer;
}

/* `low` and `high` are both in percent, or both in times, and `how` is the sign of it. */
static void say_different(const struct tare_comparison *comparison, const struct tare__verdict_terms *terms,
                          struct tare__phrase *head, struct tare__phrase *rest)
{
    bool faster = comparison->verdict == TARE_VERDICT_FASTER;
    bool as_times = in_times(comparison->ratio);
    double value, low, high;
    if (as_times) {
        value = faster ? 1 / comparison->ratio : comparison->ratio;
        low = faster ? 1 / comparison->high : comparison->low;
        high = faster ? 1 / comparison->low : comparison->high;
    } else {
        value = (faster ? 1 - comparison->ratio : comparison->ratio - 1) * 100;
        low = (faster ? 1 - comparison->high : comparison->low - 1) * 100;
        high = (faster ? 1 - comparison->low : comparison->high - 1) * 100;
    }
    const char *unit = as_times ? times(terms->ascii) : "%", *before = " (";
    bool known = isfinite(low) && isfinite(high);
    int decimals = known ? range_decimals(low, high) : as_times ? 2 : 1;
    char number[TARE__VIEW_NUMBER], to[TARE__VIEW_NUMBER];
    if (isfinite(value)) {
        tare__phrase_add(head, "%s is %s %s %s", terms->label, tare__view_fixed(number, value, decimals), unit,
                         tare_verdict_names[comparison->verdict]);
    } else {
        tare__phrase_add(head, "%s is %s", terms->label, tare_verdict_names[comparison->verdict]);
    }
    if (known) {
        tare__phrase_add(rest, "%s%s to %s %s", before, tare__view_fixed(number, low, decimals),
                         tare__view_fixed(to, high, decimals), unit);
        before = ", ";
    }
    if (isfinite(terms->alpha)) {
        tare__phrase_add(rest, "%s%s %% sure over the call", before, trimmed(number, (1 - terms->alpha) * 100));
        before = ", ";
    }
    tare__phrase_add(rest, "%s", before[0] == ',' ? ")" : "");
    if (comparison->within_margin) {
        bool margin = isfinite(terms->margin);
        tare__phrase_add(rest, ": less than the margin%s%s%s", margin ? " of " : "",
                         margin ? trimmed(number, terms->margin * 100) : "", margin ? " %" : "");
    }
}

/* Rounds come in pairs; two digits are enough of what is a guess. */
static double rounds_more(const struct tare_comparison *comparison)
{
    double more = 2 * (comparison->units_needed - (double)comparison->units);
    if (!isfinite(more) || !(more > 0)) {
        return NAN;
    }
    double step = pow(10, fmax(floor(log10(more)) - 1, 0));
    return fmax(ceil(more / step) * step, 2);
}

static void say_unresolved(const struct tare_result_comparison *found, const struct tare__verdict_terms *terms,
                           struct tare__phrase *rest)
{
    const struct tare_comparison *comparison = &found->comparison;
    char number[TARE__NUMBER_TEXT], time[TARE__NUMBER_TEXT];
    bool known = isfinite(comparison->low) && isfinite(comparison->high);
    if (known) {
        tare__phrase_item(rest, "%s",
                          tare__text_change_range(number, comparison->ratio, comparison->low, comparison->high,
                                                  terms->ascii));
    }
    /* That an interval holds 1 is seen by itself. */
    bool plain = known && comparison->low <= 1 && comparison->high >= 1 && !comparison->control_differs;
    if (found->reason != NULL && !plain) {
        tare__phrase_item(rest, "%s", found->reason);
    } else if (comparison->control_differs) {
        tare__phrase_item(rest, "the control arm differs");
    } else if (!known) {
        tare__phrase_item(rest, "too few rounds for an interval");
    }
    if (comparison->control_differs) {
        return; /* and then no number of rounds would help */
    }
    if (isfinite(comparison->smallest)) {
        tare__phrase_item(rest, "this run could have seen %s or more",
                          tare__text_percent(number, comparison->smallest));
    }
    if (isfinite(comparison->layouts_needed)) {
        tare__phrase_item(rest, "some %s link orders would settle it",
                          tare__text_count(number, comparison->layouts_needed));
    }
    double more = rounds_more(comparison);
    if (isfinite(more) && known) { /* else the reason says it */
        bool timed = isfinite(terms->round_ns);
        tare__phrase_item(rest, "some %s rounds%s%s%s more would settle it", tare__text_count(number, more),
                          timed ? " (" : "", timed ? tare__text_roughly(time, more * terms->round_ns) : "",
                          timed ? ")" : "");
    }
}

void tare__verdict_say(const struct tare_result_comparison *found, const struct tare__verdict_terms *terms,
                       struct tare__phrase *head, struct tare__phrase *rest)
{
    const struct tare_comparison *comparison = &found->comparison;
    struct tare__phrase why = {0};
    char number[TARE__NUMBER_TEXT];
    switch (comparison->verdict) {
    case TARE_VERDICT_FASTER:
    case TARE_VERDICT_SLOWER:
        say_different(comparison, terms, head, rest);
        if (found->reason != NULL && !isfinite(comparison->ratio)) {
            tare__phrase_add(rest, ": %s", found->reason);
        }
        break;
    case TARE_VERDICT_SAME: {
        bool margin = isfinite(terms->margin);
        tare__phrase_add(head, "%s is the same%s%s%s", terms->label, margin ? " within " : "",
                         margin ? trimmed(number, terms->margin * 100) : "", margin ? " %" : "");
        if (isfinite(comparison->low) && isfinite(comparison->high)) {
            tare__phrase_add(rest, " (%s)",
                             tare__text_change_range(number, comparison->ratio, comparison->low,
                                                     comparison->high, terms->ascii));
        }
        break;
    }
    default:
        tare__phrase_add(head, "%s is unresolved:", terms->label);
        say_unresolved(found, terms, &why);
        tare__phrase_add(rest, " %s", why.size > 0 ? why.text : "");
        rest->error = rest->error != 0 ? rest->error : why.error;
        tare__phrase_release(&why);
        break;
    }
}

const char *tare__verdict_style(const struct tare_comparison *comparison)
{
    switch (comparison->verdict) {
    case TARE_VERDICT_FASTER:
        return comparison->within_margin ? TARE__BOLD : TARE__GREEN;
    case TARE_VERDICT_SLOWER:
        return comparison->within_margin ? TARE__BOLD : TARE__RED;
    case TARE_VERDICT_SAME:
        return TARE__BOLD;
    default:
        return TARE__YELLOW;
    }
}

/* From one end to the other, times: such an interval says nothing. */
#define TOO_WIDE 10.0

void tare__control_say(const struct tare_comparison *comparison, bool ascii, struct tare__phrase *phrase)
{
    char change[TARE__NUMBER_TEXT], range[TARE__NUMBER_TEXT];
    double ratio = comparison->control_ratio, low = comparison->control_low, high = comparison->control_high;
    if (!isfinite(ratio)) {
        return;
    }
    if (high > TOO_WIDE * low) { /* of two units or three, which say nothing yet */
        tare__phrase_item(phrase, "control A against A: too few rounds for an interval");
        return;
    }
    tare__phrase_item(phrase, "control A against A: %s", tare__text_change(change, ratio, low, high, ascii));
    if (isfinite(low) && isfinite(high)) {
        tare__phrase_add(phrase, " (%s)", tare__text_change_range(range, ratio, low, high, ascii));
    }
}

const struct tare_result_arm *tare__compared_arm(const struct tare_result_benchmark *benchmark,
                                                 const struct tare_result_comparison *comparison)
{
    return comparison->arm < benchmark->arm_count ? &benchmark->arms[comparison->arm] : NULL;
}

void tare__ran_say(const struct tare_result_benchmark *benchmark, const struct tare_result_comparison *found,
                   bool ascii, struct tare__phrase *phrase)
{
    const struct tare_comparison *comparison = &found->comparison;
    const struct tare_result_arm *a = benchmark->arms, *b = tare__compared_arm(benchmark, found);
    bool faster = comparison->verdict == TARE_VERDICT_FASTER;
    char number[TARE__VIEW_NUMBER], from[TARE__VIEW_NUMBER], to[TARE__VIEW_NUMBER];
    if (!benchmark->command || b == NULL || (!faster && comparison->verdict != TARE_VERDICT_SLOWER)) {
        return;
    }
    double value = faster ? 1 / comparison->ratio : comparison->ratio;
    double low = faster ? 1 / comparison->high : comparison->low;
    double high = faster ? 1 / comparison->low : comparison->high;
    if (!isfinite(value) || !isfinite(low) || !isfinite(high)) {
        return;
    }
    int decimals = range_decimals(low - 1, high - 1);
    tare__phrase_item(phrase, "'%s' ran %s %s (%s to %s %s) faster than '%s'", faster ? b->what : a->what,
                      tare__view_fixed(number, value, decimals), times(ascii),
                      tare__view_fixed(from, low, decimals), tare__view_fixed(to, high, decimals), times(ascii),
                      faster ? a->what : b->what);
}
