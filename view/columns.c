/* SPDX-License-Identifier: MIT */
/*
 * Columns, rows and cells: what table, CSV and Markdown have in common.
 *
 * A column is a line of data: where its figure lies, how wide it is, what it is called in each format. The
 * formats differ only in how they lay out and escape. There is no column for a timer's share of the whole: a
 * timer's time contains that of the timers within it, so shares would add up to more than everything.
 */
#include "view/columns.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "result/utf8.h"

#define AT(member) offsetof(struct tare_result_figures, member)
#define COUNT(column, title, csv, wide, member)                                                                \
    {                                                                                                          \
        .name = (column), .header = (title), .field = (csv), .type = TARE__VIEW_COUNT, .width = (wide),        \
        .offset = AT(member)                                                                                   \
    }
#define TIME(column, title, csv, member)                                                                       \
    {                                                                                                          \
        .name = (column), .header = (title), .field = (csv), .type = TARE__VIEW_TIME,                          \
        .width = TARE_TABLE_TIME, .offset = AT(member)                                                         \
    }
#define TICKS(column, csv, member, how, counted)                                                               \
    {                                                                                                          \
        .name = (column), .header = (column), .field = (csv), .type = TARE__VIEW_TIME,                         \
        .width = TARE_TABLE_TIME, .offset = AT(member), .ticks = (how), .ticks_offset = AT(counted)            \
    }
/* "> 12.345ns" has room. */
#define ERROR_WIDTH 11
#define ERROR(column, title, csv, place)                                                                       \
    {                                                                                                          \
        .name = (column), .header = "± " title, .ascii_header = "+- " title, .field = (csv),                   \
        .type = TARE__VIEW_TIME, .is_error = true,                                                             \
        .width = sizeof("+- " title) - 1 > ERROR_WIDTH ? sizeof("+- " title) - 1 : ERROR_WIDTH,                \
        .offset = (place)                                                                                      \
    }
#define PART(title, part)                                                                                      \
    ERROR("error-" title, title, "net_avg_error_" title, AT(net_avg_error_part_ns) + (part) * sizeof(double))

static const struct tare__view_column columns[] = {
    {.name = "name", .header = "name", .type = TARE__VIEW_NAME, .width = TARE_TABLE_NAME},
    COUNT("calls", "calls", "calls", TARE_TABLE_CALLS, calls),
    COUNT("outermost", "outermost", "outermost_calls", TARE_TABLE_CALLS, outermost_calls),
    TICKS("total", "raw_total", raw_total_ns, TARE__VIEW_TICKS_EXACT, raw_total_ticks),
    TICKS("avg", "raw_avg", raw_avg_ns, TARE__VIEW_TICKS_AVERAGE, raw_total_ticks),
    TICKS("min", "raw_min", raw_min_ns, TARE__VIEW_TICKS_EXACT, raw_min_ticks),
    TICKS("max", "raw_max", raw_max_ns, TARE__VIEW_TICKS_EXACT, raw_max_ticks),
    {.name = "net-total",
     .header = "net total",
     .field = "net_total",
     .type = TARE__VIEW_TIME,
     .signs = TARE__VIEW_BELOW,
     .is_total = true,
     .width = TARE_TABLE_TIME,
     .offset = AT(net_total_ns)},
    {.name = "net",
     .header = "net",
     .field = "net_avg",
     .type = TARE__VIEW_TIME,
     .signs = TARE__VIEW_BELOW,
     .width = TARE_TABLE_TIME,
     .offset = AT(net_avg_ns)},
    {.name = "error",
     .header = "±",
     .ascii_header = "+-",
     .field = "net_avg_error",
     .type = TARE__VIEW_TIME,
     .is_error = true,
     .signs = TARE__VIEW_UNSAMPLED,
     .states_confidence = true,
     .width = ERROR_WIDTH,
     .offset = AT(net_avg_error_ns)},
    TIME("limit", "limit", "net_avg_limit", net_avg_limit_ns),
    PART("calibration", TARE_ERROR_CALIBRATION),
    PART("drift", TARE_ERROR_DRIFT),
    PART("context", TARE_ERROR_CONTEXT),
    PART("rate", TARE_ERROR_RATE),
    PART("granularity", TARE_ERROR_GRANULARITY),
    PART("sampling", TARE_ERROR_SAMPLING),
    TIME("p50", "p50", "net_p50", net_p50_ns),
    TIME("p90", "p90", "net_p90", net_p90_ns),
    TIME("p95", "p95", "net_p95", net_p95_ns),
    TIME("p99", "p99", "net_p99", net_p99_ns),
    TIME("p999", "p99.9", "net_p999", net_p999_ns),
    TIME("raw-p50", "raw p50", "raw_p50", raw_p50_ns),
    TIME("raw-p90", "raw p90", "raw_p90", raw_p90_ns),
    TIME("raw-p95", "raw p95", "raw_p95", raw_p95_ns),
    TIME("raw-p99", "raw p99", "raw_p99", raw_p99_ns),
    TIME("raw-p999", "raw p99.9", "raw_p999", raw_p999_ns),
    ERROR("p50-error", "p50", "p50_error", AT(p50_error_ns)),
    ERROR("p90-error", "p90", "p90_error", AT(p90_error_ns)),
    ERROR("p95-error", "p95", "p95_error", AT(p95_error_ns)),
    ERROR("p99-error", "p99", "p99_error", AT(p99_error_ns)),
    ERROR("p999-error", "p99.9", "p999_error", AT(p999_error_ns)),
    COUNT("within", "within", "scopes_within", TARE_TABLE_CALLS, scopes_within),
    COUNT("bytes", "bytes", "bytes", 14, bytes),
    TIME("measuring", "measuring", "measuring", measuring_ns),
    {.name = "share",
     .header = "share",
     .field = "measuring_share",
     .type = TARE__VIEW_SHARE,
     .width = 8,
     .offset = AT(measuring_share)},
    {.name = "exclusive-avg",
     .header = "excl avg",
     .field = "exclusive_raw_avg",
     .type = TARE__VIEW_TIME,
     .exclusive = true,
     .width = TARE_TABLE_TIME,
     .offset = AT(raw_avg_ns),
     .ticks = TARE__VIEW_TICKS_AVERAGE,
     .ticks_offset = AT(raw_total_ticks)},
    {.name = "exclusive-net",
     .header = "excl",
     .field = "exclusive_net_avg",
     .type = TARE__VIEW_TIME,
     .exclusive = true,
     .signs = TARE__VIEW_BELOW | TARE__VIEW_DISAGREES,
     .width = TARE_TABLE_TIME,
     .offset = AT(net_avg_ns)},
    {.name = "exclusive-error",
     .header = "excl ±",
     .ascii_header = "excl +-",
     .field = "exclusive_net_avg_error",
     .type = TARE__VIEW_TIME,
     .exclusive = true,
     .is_error = true,
     .signs = TARE__VIEW_UNSAMPLED,
     .width = ERROR_WIDTH,
     .offset = AT(net_avg_error_ns)},
    {.name = "exclusive-limit",
     .header = "excl limit",
     .field = "exclusive_net_avg_limit",
     .type = TARE__VIEW_TIME,
     .exclusive = true,
     .width = TARE_TABLE_TIME,
     .offset = AT(net_avg_limit_ns)},
    {.name = "disagrees", .header = "disagrees", .field = "disagrees", .type = TARE__VIEW_ANSWER, .width = 9},
    {.name = "file", .header = "file", .type = TARE__VIEW_FILE, .width = 32},
};
enum { COLUMN_COUNT = sizeof columns / sizeof columns[0] };

const struct tare_view_column_info tare_view_columns[] = {
    {"name", "the timer, as module::name"},
    {"calls", "scopes that ended, inner ones of a recursion included"},
    {"outermost", "scopes that ended and were not inside another of the same timer"},
    {"total", "raw time in outermost scopes"},
    {"avg", "raw time of an outermost scope, on average"},
    {"min", "raw time of the shortest outermost scope"},
    {"max", "raw time of the longest outermost scope"},
    {"net-total", "time in outermost scopes, less what measuring cost"},
    {"net", "time of an outermost scope, less what measuring cost, on average"},
    {"error", "how far off net may be: half the width of its 95 % interval, from all the following"},
    {"limit", "the detection limit: what net has to be to be told from 0"},
    {"error-calibration", "of error, what is due to the spread of the calibration"},
    {"error-drift", "of error, what is due to the costs changing meanwhile"},
    {"error-context", "of error, what is due to costs depending on the code around"},
    {"error-rate", "of error, what is due to the clock's rate"},
    {"error-granularity", "of error, what is due to the steps in which the clock moves"},
    {"error-sampling", "of error, what is due to another run having another mean"},
    {"p50", "median of single scopes, net"},
    {"p90", "90th percentile of single scopes, net"},
    {"p95", "95th percentile of single scopes, net"},
    {"p99", "99th percentile of single scopes, net"},
    {"p999", "99.9th percentile of single scopes, net"},
    {"raw-p50", "median of single scopes, as read"},
    {"raw-p90", "90th percentile of single scopes, as read"},
    {"raw-p95", "95th percentile of single scopes, as read"},
    {"raw-p99", "99th percentile of single scopes, as read"},
    {"raw-p999", "99.9th percentile of single scopes, as read"},
    {"p50-error", "how far off p50 can be: to the farther edge of its histogram's bucket"},
    {"p90-error", "how far off p90 can be: to the farther edge of its histogram's bucket"},
    {"p95-error", "how far off p95 can be: to the farther edge of its histogram's bucket"},
    {"p99-error", "how far off p99 can be: to the farther edge of its histogram's bucket"},
    {"p999-error", "how far off p999 can be: to the farther edge of its histogram's bucket"},
    {"within", "scopes of any timer that ended inside the outermost scopes"},
    {"bytes", "bytes moved, where the program says it"},
    {"measuring", "what the timer's scopes took themselves"},
    {"share", "measuring, of the program's processor time"},
    {"exclusive-avg", "avg, in the pass with only this timer enabled"},
    {"exclusive-net", "net, in the pass with only this timer enabled"},
    {"exclusive-error", "error, in the pass with only this timer enabled"},
    {"exclusive-limit", "limit, in the pass with only this timer enabled"},
    {"disagrees", "whether the intervals of net and exclusive-net do not overlap"},
    {"file", "where the timer is declared, as file:line"},
    {NULL, NULL},
};
_Static_assert(sizeof tare_view_columns / sizeof tare_view_columns[0] == COLUMN_COUNT + 1,
               "a help for each column");
_Static_assert((int)COLUMN_COUNT <= (int)TARE__VIEW_COLUMNS_MAX, "all columns fit in a plan");

static const struct tare__view_column *find(const char *name, size_t length)
{
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        if (strlen(columns[i].name) == length && memcmp(columns[i].name, name, length) == 0) {
            return &columns[i];
        }
    }
    return NULL;
}

/* How many letters have to be changed, added or removed to get from `a` to `b`. */
static size_t distance(const char *a, size_t length, const char *b)
{
    enum { LONGEST = 32 };
    size_t row[LONGEST + 1];
    size_t width = strlen(b);
    if (width > LONGEST || length > LONGEST) {
        return SIZE_MAX;
    }
    for (size_t j = 0; j <= width; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= length; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= width; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            best = row[j] + 1 < best ? row[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[width];
}

static int complain_of(const char *name, size_t length, char *message, size_t size)
{
    const char *nearest = NULL;
    size_t least = 3; /* further off is no slip of the finger */
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        size_t off = distance(name, length, columns[i].name);
        if (off < least && off < strlen(columns[i].name)) {
            least = off;
            nearest = columns[i].name;
        }
    }
    int shown = length < 40 ? (int)length : 40;
    if (nearest != NULL) {
        snprintf(message, size, "unknown column '%.*s': did you mean '%s'?", shown, name, nearest);
        return -EINVAL;
    }
    snprintf(message, size, "unknown column '%.*s': '--columns help' lists them", shown, name);
    return -EINVAL;
}

/* The next name of a comma-separated list, without blanks around it; moves *list behind it. */
static const char *next_name(const char **list, size_t *length)
{
    const char *name = *list + strspn(*list, " \t");
    size_t size = strcspn(name, ",");
    *list = name + size + (name[size] == ',' ? 1 : 0);
    while (size > 0 && (name[size - 1] == ' ' || name[size - 1] == '\t')) {
        size--;
    }
    *length = size;
    return name;
}

static int parse(struct tare__view_plan *plan, const char *list, char *message, size_t size)
{
    *plan = (struct tare__view_plan){.name_width = TARE_TABLE_NAME};
    do {
        size_t length;
        const char *name = next_name(&list, &length);
        if (length == 0) {
            snprintf(message, size, "empty name in the list of columns");
            return -EINVAL;
        }
        const struct tare__view_column *column = find(name, length);
        if (column == NULL) {
            return complain_of(name, length, message, size);
        }
        if (plan->count == TARE__VIEW_COLUMNS_MAX) {
            snprintf(message, size, "more than %d columns", TARE__VIEW_COLUMNS_MAX);
            return -EINVAL;
        }
        plan->columns[plan->count++] = column;
    } while (*list != '\0');
    return 0;
}

int tare_view_check(const struct tare_view_options *options, char *message, size_t message_size)
{
    struct tare__view_plan plan;
    int error = options->columns != NULL ? parse(&plan, options->columns, message, message_size) : 0;
    if (error == 0 && options->sort != NULL) {
        const char *name = options->sort + (options->sort[0] == '-' ? 1 : 0);
        if (find(name, strlen(name)) == NULL) {
            error = complain_of(name, strlen(name), message, message_size);
        }
    }
    return error;
}

int tare__view_plan_make(struct tare__view_plan *plan, const char *list, const char *otherwise)
{
    char message[8];
    return parse(plan, list != NULL ? list : otherwise, message, sizeof message);
}

void tare__view_plan_all(struct tare__view_plan *plan)
{
    *plan = (struct tare__view_plan){.name_width = TARE_TABLE_NAME, .count = COLUMN_COUNT};
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        plan->columns[i] = &columns[i];
    }
}

int tare__view_plan_width(const struct tare__view_plan *plan)
{
    int width = 0;
    for (size_t i = 0; i < plan->count; i++) {
        const struct tare__view_column *column = plan->columns[i];
        width += (i > 0 ? 1 : 0) + (column->type == TARE__VIEW_NAME ? plan->name_width : column->width);
    }
    return width;
}

const char *tare__view_header(char buffer[TARE__VIEW_HEADER], const struct tare__view_column *column,
                              const struct tare_result *result, bool ascii)
{
    char number[TARE__VIEW_NUMBER];
    const char *header = ascii && column->ascii_header != NULL ? column->ascii_header : column->header;
    if (!column->states_confidence) {
        return header;
    }
    snprintf(buffer, TARE__VIEW_HEADER, "%s %s %%", header,
             tare__view_number(number, result->confidence * 100));
    return buffer;
}

/* Cells */

static const struct tare_result_figures *figures_of(const struct tare__view_column *column,
                                                    const struct tare_result_timer *timer)
{
    return column->exclusive ? &timer->exclusive : &timer->figures;
}

unsigned tare__view_signs(const struct tare__view_column *column, const struct tare_result_timer *timer)
{
    const struct tare_result_figures *figures = figures_of(column, timer);
    unsigned signs = 0;
    if (column->exclusive && !timer->has_exclusive) {
        return 0;
    }
    signs |= tare_figures_below_limit(figures) ? TARE__VIEW_BELOW : 0;
    if (isfinite(figures->net_avg_error_ns) && isnan(figures->net_avg_error_part_ns[TARE_ERROR_SAMPLING])) {
        signs |= TARE__VIEW_UNSAMPLED;
    }
    signs |= timer->disagrees == 1 ? TARE__VIEW_DISAGREES : 0;
    return signs & column->signs;
}

static double scaled(double ns, enum tare_unit unit, double rate_hz)
{
    return unit == TARE_UNIT_TIME ? ns : rate_hz > 0 ? ns * (rate_hz / 1e9) : NAN;
}

struct tare__view_value tare__view_value(const struct tare__view_column *column,
                                         const struct tare_result_timer *timer, enum tare_unit unit,
                                         double rate_hz)
{
    const struct tare_result_figures *figures = figures_of(column, timer);
    const char *base = (const char *)figures;
    struct tare__view_value value = {.known = false};
    if (column->type == TARE__VIEW_NAME || column->type == TARE__VIEW_FILE ||
        (column->exclusive && !timer->has_exclusive)) {
        return value;
    }
    if (column->type == TARE__VIEW_ANSWER) {
        return (struct tare__view_value){
            .known = timer->disagrees >= 0, .whole = true, .count = timer->disagrees > 0};
    }
    if (column->type == TARE__VIEW_COUNT) {
        return (struct tare__view_value){
            .known = true, .whole = true, .count = *(const uint64_t *)(base + column->offset)};
    }
    if (column->type == TARE__VIEW_SHARE) {
        value.number = *(const double *)(base + column->offset);
    } else if (unit == TARE_UNIT_TICKS && column->ticks != TARE__VIEW_TICKS_OF_RATE) {
        uint64_t ticks = *(const uint64_t *)(base + column->ticks_offset);
        if (!figures->has_ticks) {
            return value;
        }
        if (column->ticks == TARE__VIEW_TICKS_EXACT) {
            return (struct tare__view_value){.known = true, .whole = true, .count = ticks};
        }
        value.number = figures->outermost_calls > 0 ? (double)ticks / (double)figures->outermost_calls : NAN;
    } else {
        value.number = scaled(*(const double *)(base + column->offset), unit, rate_hz);
    }
    value.known = isfinite(value.number);
    return value;
}

/* Puts '.' where printf wrote the decimal point of the program's locale, which may be several bytes. */
static void set_point(char *text)
{
    static const char ours[] = "0123456789+-e";
    size_t start = strspn(text, ours);
    size_t foreign = strcspn(text + start, ours);
    if (foreign > 0) {
        text[start] = '.';
        memmove(text + start + 1, text + start + foreign, strlen(text + start + foreign) + 1);
    }
}

char *tare__view_number(char buffer[TARE__VIEW_NUMBER], double value)
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(buffer, TARE__VIEW_NUMBER, "%.*g", digits, value);
        if (strtod(buffer, NULL) == value) {
            break;
        }
    }
    set_point(buffer);
    return buffer;
}

char *tare__view_fixed(char buffer[TARE__VIEW_NUMBER], double value, int decimals)
{
    if (!isfinite(value)) {
        snprintf(buffer, TARE__VIEW_NUMBER, "-");
        return buffer;
    }
    /* Beyond 1e15 a double has no decimals, and the figure is not to be read in full. */
    snprintf(buffer, TARE__VIEW_NUMBER, fabs(value) < 1e15 ? "%.*f" : "%.*e", decimals, value);
    set_point(buffer);
    return buffer;
}

static char *file_cell(const struct tare_result_timer *timer)
{
    char *text;
    int written;
    if (timer->file == NULL) {
        return strdup("-");
    }
    if (timer->line == 0) {
        return strdup(timer->file);
    }
    written = asprintf(&text, "%s:%" PRIu32, timer->file, timer->line);
    return written < 0 ? NULL : text;
}

/* What a net time that is below its limit is less than. */
static double limit_of(const struct tare__view_column *column, const struct tare_result_timer *timer)
{
    const struct tare_result_figures *figures = figures_of(column, timer);
    return figures->net_avg_limit_ns * (column->is_total ? (double)figures->outermost_calls : 1.0);
}

char *tare__view_cell(const struct tare__view_column *column, const struct tare_result_timer *timer,
                      const struct tare_view_options *options, double rate_hz)
{
    char *text;
    char number[TARE__VIEW_NUMBER];
    if (column->type == TARE__VIEW_NAME) {
        return asprintf(&text, "%s::%s", timer->module, timer->name) < 0 ? NULL : text;
    }
    if (column->type == TARE__VIEW_FILE) {
        return file_cell(timer);
    }
    struct tare__view_value value = tare__view_value(column, timer, options->unit, rate_hz);
    unsigned signs = tare__view_signs(column, timer);
    if (value.known && (signs & TARE__VIEW_BELOW) != 0) {
        value.number = scaled(limit_of(column, timer), options->unit, rate_hz);
    }
    if (!value.known) {
        return strdup("-");
    }
    if (column->type == TARE__VIEW_ANSWER) {
        return strdup(value.count != 0 ? "yes" : "no");
    }
    if (column->type == TARE__VIEW_SHARE) {
        return asprintf(&text, "%s %%", tare__view_fixed(number, value.number * 100, 1)) < 0 ? NULL : text;
    }
    if (value.whole) {
        snprintf(number, sizeof number, "%" PRIu64, value.count);
    } else if (options->unit == TARE_UNIT_TICKS) {
        tare__view_fixed(number, value.number, 1);
    } else {
        tare__text_time(number, value.number, options->ascii ? "us" : "µs");
    }
    const char *order = (signs & TARE__VIEW_BELOW) != 0       ? "< "
                        : (signs & TARE__VIEW_UNSAMPLED) != 0 ? "> "
                                                              : "";
    int written = asprintf(&text, "%s%s%s", (signs & TARE__VIEW_DISAGREES) != 0 ? "! " : "", order, number);
    return written < 0 ? NULL : text;
}

/* Characters that are not seen, or that change how others are seen: direction, line breaks, tags. */
static bool is_deceptive(uint32_t c)
{
    return c == 0x61c || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
           (c >= 0xe0000 && c <= 0xe007f);
}

char *tare__view_safe(const char *text, bool ascii)
{
    /* A byte becomes "\xNN" at most, three become "\uNNNN", four "\UNNNNNNNN". */
    size_t room;
    char *safe = __builtin_mul_overflow(strlen(text), 4, &room) ? NULL : malloc(room + 1);
    if (safe == NULL) {
        return NULL;
    }
    char *to = safe;
    while (*text != '\0') {
        uint32_t c;
        size_t taken = tare__utf8_decode(text, &c);
        if (taken == 0) {
            to += sprintf(to, "\\x%02X", (unsigned char)*text++);
            continue;
        }
        if (c < 0x20 || (c >= 0x7f && c < 0xa0)) {
            to += sprintf(to, "\\x%02X", (unsigned)c);
        } else if (c >= 0x80 && (ascii || is_deceptive(c))) {
            to += sprintf(to, c > 0xffff ? "\\U%08X" : c > 0xff ? "\\u%04X" : "\\x%02X", (unsigned)c);
        } else {
            memcpy(to, text, taken);
            to += taken;
        }
        text += taken;
    }
    *to = '\0';
    return safe;
}

/* Rows */

struct sortable {
    const struct tare_result_timer *timer;
    size_t index;
    size_t group; /* index of the first timer of its module */
    bool known;
    long double key; /* holds a uint64_t exactly where its mantissa has 64 bits */
};

struct order {
    const struct tare__view_column *column; /* NULL: as declared, by module */
    bool reverse;
};

static int compare_index(const struct sortable *a, const struct sortable *b)
{
    return (a->index > b->index) - (a->index < b->index);
}

static int compare_module(const void *left, const void *right)
{
    const struct sortable *a = left, *b = right;
    int order = strcmp(a->timer->module, b->timer->module);
    return order != 0 ? order : compare_index(a, b);
}

static int compare_group(const void *left, const void *right)
{
    const struct sortable *a = left, *b = right;
    int order = (a->group > b->group) - (a->group < b->group);
    return order != 0 ? order : compare_index(a, b);
}

static int compare_text(const struct sortable *a, const struct sortable *b, enum tare__view_type type)
{
    if (type == TARE__VIEW_NAME) {
        int order = strcmp(a->timer->module, b->timer->module);
        return order != 0 ? order : strcmp(a->timer->name, b->timer->name);
    }
    int order = strcmp(a->timer->file, b->timer->file);
    return order != 0 ? order : (a->timer->line > b->timer->line) - (a->timer->line < b->timer->line);
}

/* Text ascends and numbers descend, the other way around if reversed; what is unknown comes last either way. */
static int compare_column(const void *left, const void *right, void *context)
{
    const struct sortable *a = left, *b = right;
    const struct order *order = context;
    if (!a->known || !b->known) {
        return a->known != b->known ? (a->known ? -1 : 1) : compare_index(a, b);
    }
    int result;
    if (order->column->type == TARE__VIEW_NAME || order->column->type == TARE__VIEW_FILE) {
        result = compare_text(a, b, order->column->type);
    } else {
        result = (a->key < b->key) - (a->key > b->key);
    }
    if (result == 0) {
        return compare_index(a, b);
    }
    return order->reverse ? -result : result;
}

static void set_key(struct sortable *row, const struct tare__view_column *column, enum tare_unit unit,
                    double rate_hz)
{
    if (column->type == TARE__VIEW_NAME || column->type == TARE__VIEW_FILE) {
        row->known = column->type == TARE__VIEW_NAME || row->timer->file != NULL;
        return;
    }
    struct tare__view_value value = tare__view_value(column, row->timer, unit, rate_hz);
    row->known = value.known;
    row->key = value.whole ? (long double)value.count : (long double)value.number;
}

static bool was_called(const struct tare_result_timer *timer)
{
    return timer->figures.calls > 0 || (timer->has_exclusive && timer->exclusive.calls > 0);
}

static void sort_by_module(struct sortable *sortables, size_t count)
{
    qsort(sortables, count, sizeof *sortables, compare_module);
    for (size_t i = 0; i < count; i++) {
        bool same = i > 0 && strcmp(sortables[i].timer->module, sortables[i - 1].timer->module) == 0;
        sortables[i].group = same ? sortables[i - 1].group : sortables[i].index;
    }
    qsort(sortables, count, sizeof *sortables, compare_group);
}

int tare__view_rows_make(struct tare__view_rows *rows, const struct tare_result_timer *timers, size_t count,
                         const struct tare_view_options *options, double rate_hz)
{
    int error = 0;
    struct order order = {0};
    struct sortable *sortables = NULL;
    *rows = (struct tare__view_rows){.by_module = true};
    if (options->sort != NULL) {
        order.reverse = options->sort[0] == '-';
        const char *name = options->sort + (order.reverse ? 1 : 0);
        order.column = find(name, strlen(name));
        if (order.column == NULL) {
            return -EINVAL;
        }
        rows->by_module = order.column->type == TARE__VIEW_NAME;
    }
    sortables = calloc(count + 1, sizeof *sortables);
    rows->timers = calloc(count + 1, sizeof *rows->timers);
    if (sortables == NULL || rows->timers == NULL) {
        error = -ENOMEM;
        goto out;
    }
    for (size_t i = 0; i < count; i++) {
        if (options->all || was_called(&timers[i])) {
            sortables[rows->count++] = (struct sortable){.timer = &timers[i], .index = i};
            rows->has_exclusive |= timers[i].has_exclusive;
        }
    }
    if (order.column == NULL) {
        sort_by_module(sortables, rows->count);
    } else {
        for (size_t i = 0; i < rows->count; i++) {
            set_key(&sortables[i], order.column, options->unit, rate_hz);
        }
        qsort_r(sortables, rows->count, sizeof *sortables, compare_column, &order);
    }
    for (size_t i = 0; i < rows->count; i++) {
        rows->timers[i] = sortables[i].timer;
    }
out:
    free(sortables);
    if (error != 0) {
        tare__view_rows_release(rows);
    }
    return error;
}

void tare__view_rows_release(struct tare__view_rows *rows)
{
    free(rows->timers);
    rows->timers = NULL;
    rows->count = 0;
}

int tare__view_finish(FILE *out)
{
    return fflush(out) != 0 || ferror(out) ? -EIO : 0;
}
