/* SPDX-License-Identifier: MIT */
/*
 * Columns and cells of a comparison.
 *
 * A change is shown with the interval that decides; where nothing could be decided, with the smallest change
 * that would have been seen, as an interval that holds 0 invites to read the estimate in its middle.
 */
#include "view/compare_cells.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "view/bench_text.h"

const struct tare_view_column_info tare_view_compare_columns[] = {
    {"name", "the benchmark; or the timer, as module::name"},
    {"count", "of a benchmark, processes that count; of a timer, calls: old and new if they differ"},
    {"old", "time in the old result: median of a benchmark's processes; of a timer, net, on average"},
    {"new", "the same in the new result"},
    {"old-error", "how far off old may be: half the width of its 95 % interval"},
    {"new-error", "how far off new may be"},
    {"change", "from old to new, with its interval; if unresolved, what could have been seen"},
    {"interval", "of change, also where it is unresolved"},
    {"difference", "new less old, as a time; of a timer with its interval"},
    {"smallest", "the smallest change that two such runs would have shown in 4 of 5 cases"},
    {"control", "change from old to the control, with its interval"},
    {"verdict", "slower, faster, same or unresolved; added or removed"},
    {"p50", "median of single scopes of a timer, net, old and new: for information"},
    {"p90", "their 90th percentile"},
    {"p95", "their 95th percentile"},
    {"p99", "their 99th percentile"},
    {"p999", "their 99.9th percentile"},
    {NULL, NULL},
};
_Static_assert(sizeof tare_view_compare_columns / sizeof tare_view_compare_columns[0] ==
                   TARE__COMPARE_COLUMNS + 1,
               "a name for each column");

int tare__compare_plan_make(struct tare__compare_plan *plan, const char *list)
{
    *plan = (struct tare__compare_plan){0};
    for (const char *name = list;;) {
        size_t size = strcspn(name, ",");
        unsigned column = 0;
        while (column < TARE__COMPARE_COLUMNS &&
               (strlen(tare_view_compare_columns[column].name) != size ||
                memcmp(tare_view_compare_columns[column].name, name, size) != 0)) {
            column++;
        }
        if (column == TARE__COMPARE_COLUMNS || plan->count == TARE__COMPARE_COLUMNS) {
            return -EINVAL;
        }
        plan->columns[plan->count++] = column;
        if (name[size] == '\0') {
            return 0;
        }
        name += size + 1;
    }
}

bool tare__compare_has(const struct tare__compare_plan *plan, unsigned column)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->columns[i] == column) {
            return true;
        }
    }
    return false;
}

const char *tare__compare_header(unsigned column, enum tare_compared_kind kind, bool ascii)
{
    switch (column) {
    case TARE__COMPARE_COUNT:
        return kind == TARE_COMPARED_TIMERS ? "calls" : "processes";
    case TARE__COMPARE_OLD_ERROR:
        return ascii ? "old +-" : "old ±";
    case TARE__COMPARE_NEW_ERROR:
        return ascii ? "new +-" : "new ±";
    case TARE__COMPARE_PERCENTILE + 4:
        return "p99.9";
    default:
        return tare_view_compare_columns[column].name;
    }
}

bool tare__compare_is_left(unsigned column)
{
    switch (column) {
    case TARE__COMPARE_NAME:
    case TARE__COMPARE_CHANGE:
    case TARE__COMPARE_INTERVAL:
    case TARE__COMPARE_DIFFERENCE:
    case TARE__COMPARE_CONTROL:
    case TARE__COMPARE_VERDICT:
        return true;
    default:
        return false;
    }
}

char *tare__compare_name(const struct tare_compared_row *row)
{
    char *text;
    if (row->module == NULL) {
        return strdup(row->name);
    }
    return asprintf(&text, "%s::%s", row->module, row->name) < 0 ? NULL : text;
}

bool tare__compare_is_change(const struct tare_compared_row *row)
{
    return row->presence != TARE_COMPARED_BOTH || row->comparison.verdict == TARE_VERDICT_FASTER ||
           row->comparison.verdict == TARE_VERDICT_SLOWER;
}

bool tare__compare_other_calls(const struct tare_compared_row *row)
{
    return row->module != NULL && row->presence == TARE_COMPARED_BOTH && row->old.count != row->new.count;
}

/* Times */

static double side_error(const struct tare_compared_side *side)
{
    return fmax(side->ns - side->low_ns, side->high_ns - side->ns);
}

/* With a digit more than its error leaves: what two results have in common of their errors does not tell them
 * apart. */
static char *time_cell(const struct tare_compared_side *side, bool ascii)
{
    char number[TARE__NUMBER_TEXT], *text;
    if (side->below_limit) {
        tare__text_duration(number, side->limit_ns, NAN, ascii);
        return asprintf(&text, "< %s", number) < 0 ? NULL : text;
    }
    return strdup(tare__text_duration(number, side->ns, side_error(side) / 10, ascii));
}

static char *error_cell(const struct tare_compared_side *side, bool ascii)
{
    char number[TARE__NUMBER_TEXT];
    double error = side_error(side);
    return strdup(tare__text_duration(number, error, error, ascii));
}

/* Of what is on one side, that alone. */
static char *count_cell(const struct tare_compared_row *row, bool ascii)
{
    uint64_t old = row->old.count, new = row->new.count;
    char *text;
    int written;
    if (row->presence == TARE_COMPARED_BOTH && old != new) {
        written = asprintf(&text, "%" PRIu64 " %s %" PRIu64, old, ascii ? "->" : "→", new);
    } else {
        written = asprintf(&text, "%" PRIu64, row->presence == TARE_COMPARED_ADDED ? new : old);
    }
    return written < 0 ? NULL : text;
}

static char *percentile_cell(const struct tare_compared_row *row, unsigned percentile, bool ascii)
{
    char old[TARE__NUMBER_TEXT], new[TARE__NUMBER_TEXT], *text;
    double a = row->old.percentile_ns[percentile], b = row->new.percentile_ns[percentile];
    if (isnan(a) && isnan(b)) {
        return strdup("-");
    }
    int written = asprintf(&text, "%s %s %s", tare__text_duration(old, a, NAN, ascii), ascii ? "->" : "→",
                           tare__text_duration(new, b, NAN, ascii));
    return written < 0 ? NULL : text;
}

/* "+48.3 ns (+44.1 to +52.0 ns)" */
static char *difference_cell(const struct tare_compared_row *row, bool ascii)
{
    char value[TARE__NUMBER_TEXT], low[TARE__NUMBER_TEXT], high[TARE__NUMBER_TEXT], *text;
    double difference = row->difference_ns;
    double error = fmax(difference - row->difference_low_ns, row->difference_high_ns - difference);
    if (isnan(difference)) {
        return strdup("-");
    }
    tare__text_duration(value, difference, error, ascii);
    const char *sign = difference > 0 ? "+" : "";
    if (isnan(error)) {
        return asprintf(&text, "%s%s", sign, value) < 0 ? NULL : text;
    }
    tare__text_duration(low, row->difference_low_ns, error, ascii);
    tare__text_duration(high, row->difference_high_ns, error, ascii);
    int written = asprintf(&text, "%s%s (%s%s to %s%s)", sign, value, row->difference_low_ns > 0 ? "+" : "",
                           low, row->difference_high_ns > 0 ? "+" : "", high);
    return written < 0 ? NULL : text;
}

/* Changes */

/* "+1.5 to +2.1", without the unit, which stands before it. */
static void range_text(char text[TARE__NUMBER_TEXT], double ratio, double low, double high, bool ascii)
{
    tare__text_change_range(text, ratio, low, high, ascii);
    char *blank = strrchr(text, ' ');
    if (blank != NULL) {
        *blank = '\0';
    }
}

/* "+1.8 % (+1.5 to +2.1)"; "+1.8 %" if there is no interval; "-". */
static char *interval_text(double ratio, double low, double high, bool ascii)
{
    char change[TARE__NUMBER_TEXT], range[TARE__NUMBER_TEXT], *text;
    tare__text_change(change, ratio, low, high, ascii);
    if (isnan(ratio) || !isfinite(low) || !isfinite(high)) {
        return strdup(change);
    }
    range_text(range, ratio, low, high, ascii);
    return asprintf(&text, "%s (%s)", change, range) < 0 ? NULL : text;
}

/* A change to or from what cannot be told from 0 has a bound, and no value. NULL without memory. */
static char *bound_cell(const struct tare_compared_row *row, bool ascii)
{
    const struct tare_comparison *comparison = &row->comparison;
    char bound[TARE__NUMBER_TEXT], *text;
    bool slower = comparison->verdict == TARE_VERDICT_SLOWER;
    double end = slower ? comparison->low : comparison->high;
    if (isnan(end)) {
        return difference_cell(row, ascii);
    }
    tare__text_change(bound, end, NAN, NAN, ascii);
    return asprintf(&text, "%s %s", slower ? "over" : "under", bound) < 0 ? NULL : text;
}

static char *change_cell(const struct tare_compared_row *row, bool ascii)
{
    const struct tare_comparison *comparison = &row->comparison;
    char change[TARE__NUMBER_TEXT], smallest[TARE__NUMBER_TEXT], *text;
    bool different = comparison->verdict == TARE_VERDICT_SLOWER || comparison->verdict == TARE_VERDICT_FASTER;
    if (different && (isnan(comparison->ratio) || isnan(comparison->low) || isnan(comparison->high) ||
                      row->new.below_limit)) {
        return bound_cell(row, ascii);
    }
    if (comparison->verdict == TARE_VERDICT_UNRESOLVED && row->why == NULL && isfinite(comparison->smallest)) {
        tare__text_change(change, comparison->ratio, NAN, NAN, ascii);
        tare__text_percent(smallest, comparison->smallest);
        return asprintf(&text, "%s (seen from %s)", change, smallest) < 0 ? NULL : text;
    }
    return interval_text(comparison->ratio, comparison->low, comparison->high, ascii);
}

static const char *verdict_word(const struct tare_compared_row *row)
{
    return row->presence == TARE_COMPARED_REMOVED ? "removed"
           : row->presence == TARE_COMPARED_ADDED ? "added"
                                                  : tare_verdict_names[row->comparison.verdict];
}

static char *smallest_cell(const struct tare_compared_row *row)
{
    char number[TARE__NUMBER_TEXT];
    return strdup(tare__text_percent(number, row->comparison.smallest));
}

char *tare__compare_cell(unsigned column, const struct tare_compared_row *row, bool ascii)
{
    const struct tare_comparison *comparison = &row->comparison;
    switch (column) {
    case TARE__COMPARE_NAME:
        return tare__compare_name(row);
    case TARE__COMPARE_COUNT:
        return count_cell(row, ascii);
    case TARE__COMPARE_OLD:
        return time_cell(&row->old, ascii);
    case TARE__COMPARE_NEW:
        return time_cell(&row->new, ascii);
    case TARE__COMPARE_OLD_ERROR:
        return error_cell(&row->old, ascii);
    case TARE__COMPARE_NEW_ERROR:
        return error_cell(&row->new, ascii);
    case TARE__COMPARE_CHANGE:
        return change_cell(row, ascii);
    case TARE__COMPARE_INTERVAL:
        return interval_text(comparison->ratio, comparison->low, comparison->high, ascii);
    case TARE__COMPARE_DIFFERENCE:
        return difference_cell(row, ascii);
    case TARE__COMPARE_SMALLEST:
        return smallest_cell(row);
    case TARE__COMPARE_CONTROL:
        return interval_text(comparison->control_ratio, comparison->control_low, comparison->control_high,
                             ascii);
    case TARE__COMPARE_VERDICT:
        return strdup(verdict_word(row));
    default:
        return percentile_cell(row, column - TARE__COMPARE_PERCENTILE, ascii);
    }
}
