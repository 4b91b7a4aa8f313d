/* SPDX-License-Identifier: MIT */
/*
 * The stream's text. At 4 Hz and a thousand instruments most of what serving costs is writing numbers, so
 * that is done here, without printf, and once for all clients. Whether an instrument changed is whether its
 * text did.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "serve/stream.h"

/* At most so many of a ring's frames are in a sample; a reader has not come for longer otherwise. */
enum { FRAMES_MAX = 512, KEYS_MAX = 32 };

struct tare__text *tare__text_own(char *bytes, size_t size)
{
    struct tare__text *text = bytes != NULL ? malloc(sizeof(*text)) : NULL;
    if (text == NULL) {
        free(bytes);
        return NULL;
    }
    *text = (struct tare__text){1, size, bytes};
    return text;
}

struct tare__text *tare__text_hold(struct tare__text *text)
{
    text->references++;
    return text;
}

void tare__text_drop(struct tare__text *text)
{
    if (text != NULL && --text->references == 0) {
        free(text->bytes);
        free(text);
    }
}

/* Room for `size` more; NULL without memory. */
static char *room(struct tare__buffer *buffer, size_t size)
{
    if (buffer->failed) {
        return NULL;
    }
    if (buffer->capacity - buffer->size < size) {
        size_t capacity = (buffer->capacity + size) * 2 + 256;
        char *bytes = realloc(buffer->bytes, capacity);
        if (bytes == NULL) {
            buffer->failed = true;
            return NULL;
        }
        buffer->bytes = bytes;
        buffer->capacity = capacity;
    }
    return buffer->bytes + buffer->size;
}

void tare__buffer_add(struct tare__buffer *buffer, const char *bytes, size_t size)
{
    char *at = room(buffer, size);
    if (at != NULL && size > 0) {
        memcpy(at, bytes, size);
        buffer->size += size;
    }
}

void tare__buffer_text(struct tare__buffer *buffer, const char *text)
{
    tare__buffer_add(buffer, text, strlen(text));
}

static void put(struct tare__buffer *buffer, char c)
{
    char *at = room(buffer, 1);
    if (at != NULL) {
        *at = c;
        buffer->size++;
    }
}

enum { DIGITS_MAX = 20 };

/* The digits of a number, at the end of `text`; returns where they begin. */
static char *digits_of(uint64_t value, char text[DIGITS_MAX])
{
    static const char pairs[] =
        "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243"
        "4445464748495051525354555657585960616263646566676869707172737475767778798081828384858687"
        "888990919293949596979899";
    char *at = text + DIGITS_MAX;
    while (value >= 100) {
        at -= 2;
        memcpy(at, &pairs[value % 100 * 2], 2);
        value /= 100;
    }
    if (value >= 10) {
        at -= 2;
        memcpy(at, &pairs[value * 2], 2);
    } else {
        *--at = (char)('0' + value);
    }
    return at;
}

static void put_digits(struct tare__buffer *buffer, uint64_t value)
{
    char text[DIGITS_MAX], *at = digits_of(value, text);
    tare__buffer_add(buffer, at, (size_t)(text + DIGITS_MAX - at));
}

void tare__buffer_count(struct tare__buffer *buffer, uint64_t value)
{
    if (value > INT64_MAX) { /* of a sum modulo 2^64: less than nothing, and so not known */
        tare__buffer_add(buffer, "null", 4);
    } else {
        put_digits(buffer, value);
    }
}

/* `value`, below a million and not whole: digits, the exponent of the first one, and whether there are any. */
static bool scale(double value, uint64_t *digits, int *exponent)
{
    enum { LEAST = 9 };
    static const double powers[] = {1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1e0,  1e1,  1e2,
                                    1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14};
    /* log10(2) x the binary exponent is the decimal one, or one less. */
    int decimal = (int)floor(ilogb(value) * 0.30102999566398120);
    if (decimal < -LEAST - 1 || decimal > 5) {
        return false;
    }
    decimal += value >= powers[decimal + 1 + LEAST];
    if (decimal < -LEAST) {
        return false;
    }
    double scaled = value * powers[5 - decimal + LEAST];
    *digits = (uint64_t)(scaled + 0.5);
    if (*digits >= 1000000) { /* rounded up to it */
        *digits = (*digits + 5) / 10;
        decimal++;
    }
    *exponent = decimal;
    return true;
}

void tare__buffer_number(struct tare__buffer *buffer, double value)
{
    if (!isfinite(value) || fabs(value) >= 1e19) {
        tare__buffer_add(buffer, "null", 4);
        return;
    }
    if (value < 0) {
        put(buffer, '-');
        value = -value;
    }
    if (value >= 999999.5 || value == (double)(uint64_t)value) {
        put_digits(buffer, (uint64_t)(value + (value < 9e15 ? 0.5 : 0)));
        return;
    }
    uint64_t digits;
    int exponent;
    if (!scale(value, &digits, &exponent)) {
        put(buffer, '0'); /* below 1e-9 of any unit that we have */
        return;
    }
    while (digits % 10 == 0) {
        digits /= 10;
    }
    char text[DIGITS_MAX], *at = digits_of(digits, text);
    size_t size = (size_t)(text + DIGITS_MAX - at), whole = exponent >= 0 ? (size_t)exponent + 1 : 0;
    if (whole == 0) {
        tare__buffer_add(buffer, "0.000000000", (size_t)(2 - exponent - 1));
        tare__buffer_add(buffer, at, size);
        return;
    }
    tare__buffer_add(buffer, at, whole < size ? whole : size);
    for (size_t i = size; i < whole; i++) {
        put(buffer, '0');
    }
    if (whole < size) {
        put(buffer, '.');
        tare__buffer_add(buffer, at + whole, size - whole);
    }
}

struct tare__text *tare__buffer_share(struct tare__buffer *buffer)
{
    struct tare__text *text = NULL;
    if (!buffer->failed) {
        text = tare__text_own(buffer->bytes, buffer->size);
    } else {
        free(buffer->bytes);
    }
    *buffer = (struct tare__buffer){0};
    return text;
}

static const char columns[] =
    "{\"timer\":[\"total.count\",\"total.net_total_ns\",\"total.net_avg_ns\",\"rolling.count\",\"rolling.per_"
    "s\","
    "\"rolling.net_total_ns\",\"rolling.net_avg_ns\",\"rolling.net_avg_error_ns\",\"rolling.net_p50_ns\","
    "\"rolling.net_p95_ns\",\"rolling.net_p99_ns\",\"rolling.busy_share\",\"total.net_avg_error_ns\","
    "\"total.net_p50_ns\",\"total.net_p95_ns\",\"total.net_p99_ns\"],"
    "\"counter\":[\"total.total\",\"rolling.total\",\"rolling.per_s\"],"
    "\"gauge\":[\"total.value\",\"total.peak\",\"rolling.value\"],"
    "\"histogram\":[\"total.count\",\"total.sum\",\"total.mean\",\"rolling.count\",\"rolling.per_s\","
    "\"rolling.mean\",\"rolling.p50\",\"rolling.p90\",\"rolling.p95\",\"rolling.p99\",\"rolling.p999\","
    "\"rolling.p05\",\"total.p05\",\"total.p50\",\"total.p90\",\"total.p95\",\"total.p99\",\"total.p999\"],"
    "\"state\":[\"total.changes\",\"rolling.changes\",\"states\"],"
    "\"topk\":[\"total.total\",\"total.hits\",\"rolling.total\",\"rolling.per_s\",\"keys\"],"
    "\"frames\":[\"total.count\",\"total.frames_dropped\",\"total.frames_slow\",\"rolling.count\",\"rolling."
    "per_s\","
    "\"rolling.frames_dropped\",\"rolling.avg_fps\",\"rolling.median_fps\",\"rolling.low_1_fps\","
    "\"rolling.low_01_fps\",\"rolling.mean_ms\",\"rolling.p50_ms\",\"rolling.p95_ms\",\"rolling.p99_ms\","
    "\"rolling.cov\",\"parts\",\"rolling.frames_slow\",\"total.recent_frames\",\"total.avg_fps\","
    "\"total.median_fps\",\"total.low_1_fps\",\"total.low_01_fps\",\"total.mean_ms\",\"total.p50_ms\","
    "\"total.p95_ms\",\"total.p99_ms\",\"total.cov\",\"total_parts\"]}";

static void comma_number(struct tare__buffer *out, double value)
{
    put(out, ',');
    tare__buffer_number(out, value);
}

static void comma_count(struct tare__buffer *out, uint64_t value)
{
    put(out, ',');
    tare__buffer_count(out, value);
}

/* A count of a window, or of readings that nothing is known of. */
static void comma_known(struct tare__buffer *out, const struct tare_readings *readings, uint64_t value)
{
    comma_count(out, readings->known ? value : TARE_COUNT_UNKNOWN);
}

static double if_known(const struct tare_readings *readings, double value)
{
    return readings->known ? value : NAN;
}

static void put_timer(struct tare__buffer *out, const struct tare_readings *total,
                      const struct tare_readings *rolling)
{
    comma_known(out, total, total->distribution.count);
    comma_number(out, if_known(total, total->net_total_ns));
    comma_number(out, if_known(total, total->net_avg_ns));
    comma_known(out, rolling, rolling->distribution.count);
    const double values[] = {
        rolling->per_s,      rolling->net_total_ns, rolling->net_avg_ns, rolling->net_avg_error_ns,
        rolling->net_p50_ns, rolling->net_p95_ns,   rolling->net_p99_ns, rolling->busy_share};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        comma_number(out, if_known(rolling, values[i]));
    }
    const double totals[] = {total->net_avg_error_ns, total->net_p50_ns, total->net_p95_ns, total->net_p99_ns};
    for (size_t i = 0; i < sizeof(totals) / sizeof(totals[0]); i++) {
        comma_number(out, if_known(total, totals[i]));
    }
}

static void put_histogram(struct tare__buffer *out, const struct tare_readings *total,
                          const struct tare_readings *rolling)
{
    comma_known(out, total, total->distribution.count);
    comma_number(out, if_known(total, total->distribution.sum));
    comma_number(out, if_known(total, total->distribution.mean));
    comma_known(out, rolling, rolling->distribution.count);
    comma_number(out, if_known(rolling, rolling->per_s));
    comma_number(out, if_known(rolling, rolling->distribution.mean));
    const struct tare_distribution *now = &rolling->distribution, *all = &total->distribution;
    const double percentiles[] = {now->p50, now->p90, now->p95, now->p99, now->p999, now->p05};
    for (size_t i = 0; i < sizeof(percentiles) / sizeof(percentiles[0]); i++) {
        comma_number(out, if_known(rolling, percentiles[i]));
    }
    const double totals[] = {all->p05, all->p50, all->p90, all->p95, all->p99, all->p999};
    for (size_t i = 0; i < sizeof(totals) / sizeof(totals[0]); i++) {
        comma_number(out, if_known(total, totals[i]));
    }
}

/* The states are those that were declared, whether or not anything is known of them yet. */
static void put_states(struct tare__buffer *out, const struct tare_instrument_figures *instrument)
{
    const struct tare_readings *total = &instrument->total, *rolling = &instrument->rolling;
    size_t known = total->known && total->states != NULL ? total->state_count : 0, count = 0;
    while (instrument->names != NULL && instrument->names[count] != NULL) {
        count++;
    }
    count = count > known ? count : known;
    comma_known(out, total, total->changes);
    comma_known(out, rolling, rolling->changes);
    tare__buffer_text(out, ",[");
    for (size_t i = 0; i < count; i++) {
        const struct tare_state_figures *window =
            rolling->states != NULL && i < rolling->state_count ? &rolling->states[i] : NULL;
        tare__buffer_text(out, i > 0 ? ",[" : "[");
        tare__buffer_count(out, i < known ? total->states[i].threads : TARE_COUNT_UNKNOWN);
        comma_number(out, i < known ? total->states[i].ns : NAN);
        comma_number(out, window != NULL ? if_known(rolling, window->ns) : NAN);
        comma_number(out, window != NULL ? if_known(rolling, window->share) : NAN);
        put(out, ']');
    }
    put(out, ']');
}

/* What a window added to a key: only its own list says, which need not have all keys. */
static uint64_t added_weight(const struct tare_readings *rolling, uint64_t key)
{
    for (size_t i = 0; rolling->known && rolling->keys != NULL && i < rolling->key_count; i++) {
        if (rolling->keys[i].key == key) {
            return rolling->keys[i].weight;
        }
    }
    return TARE_COUNT_UNKNOWN;
}

static void put_keys(struct tare__buffer *out, const struct tare_readings *total,
                     const struct tare_readings *rolling)
{
    comma_known(out, total, total->total);
    comma_known(out, total, total->hits);
    comma_known(out, rolling, rolling->total);
    comma_number(out, if_known(rolling, rolling->per_s));
    tare__buffer_text(out, ",[");
    for (size_t i = 0; total->keys != NULL && i < total->key_count && i < KEYS_MAX; i++) {
        const struct tare_key_figures *key = &total->keys[i];
        static const char hex[] = "0123456789abcdef";
        char text[16];
        size_t size = 0;
        uint64_t rest = key->key;
        do {
            text[15 - size++] = hex[rest % 16];
            rest /= 16;
        } while (rest != 0);
        tare__buffer_text(out, i > 0 ? ",[\"0x" : "[\"0x");
        tare__buffer_add(out, text + 16 - size, size);
        put(out, '"');
        comma_count(out, key->weight);
        comma_count(out, key->error);
        comma_count(out, key->hits);
        comma_count(out, added_weight(rolling, key->key));
        put(out, ']');
    }
    put(out, ']');
}

static void put_frame_figures(struct tare__buffer *out, const struct tare_readings *readings)
{
    const struct tare_frames *frames = &readings->frames;
    const double values[] = {frames->avg_fps,    frames->median_fps, frames->low_1_fps,
                             frames->low_01_fps, frames->mean_ms,    frames->p50_ms,
                             frames->p95_ms,     frames->p99_ms,     frames->cov};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        comma_number(out, if_known(readings, values[i]));
    }
}

static void put_part_means(struct tare__buffer *out, const struct tare_instrument_figures *instrument,
                           const struct tare_readings *readings)
{
    tare__buffer_text(out, ",[");
    for (size_t i = 0; instrument->names != NULL && instrument->names[i] != NULL && i < TARE_FRAME_PARTS_MAX;
         i++) {
        if (i > 0) {
            put(out, ',');
        }
        tare__buffer_number(out, if_known(readings, readings->frame_part_mean_ns[i]));
    }
    put(out, ']');
}

static void put_frames(struct tare__buffer *out, const struct tare_instrument_figures *instrument)
{
    const struct tare_readings *total = &instrument->total, *rolling = &instrument->rolling;
    comma_known(out, total, total->distribution.count);
    comma_known(out, total, total->frames_dropped);
    comma_known(out, total, total->frames_slow);
    comma_known(out, rolling, rolling->distribution.count);
    comma_number(out, if_known(rolling, rolling->per_s));
    comma_known(out, rolling, rolling->frames_dropped);
    put_frame_figures(out, rolling);
    put_part_means(out, instrument, rolling);
    comma_known(out, rolling, rolling->frames_slow);
    comma_known(out, total, total->frames.frames);
    put_frame_figures(out, total);
    put_part_means(out, instrument, total);
}

static void put_row(struct tare__buffer *out, size_t n, const struct tare_instrument_figures *instrument)
{
    const struct tare_readings *total = &instrument->total, *rolling = &instrument->rolling;
    put(out, '[');
    put_digits(out, n);
    switch (instrument->kind) {
    case TARE_KIND_TIMER:
        put_timer(out, total, rolling);
        break;
    case TARE_KIND_COUNTER:
        comma_known(out, total, total->total);
        comma_known(out, rolling, rolling->total);
        comma_number(out, if_known(rolling, rolling->per_s));
        break;
    case TARE_KIND_GAUGE:
        comma_number(out, if_known(total, total->value));
        comma_number(out, if_known(total, total->peak));
        comma_number(out, if_known(rolling, rolling->value));
        break;
    case TARE_KIND_HISTOGRAM:
        put_histogram(out, total, rolling);
        break;
    case TARE_KIND_STATE:
        put_states(out, instrument);
        break;
    case TARE_KIND_TOPK:
        put_keys(out, total, rolling);
        break;
    case TARE_KIND_FRAMES:
        put_frames(out, instrument);
        break;
    default:
        break;
    }
    put(out, ']');
}

static void put_new_frames(struct tare__buffer *out, size_t n, const struct tare_instrument_figures *instrument,
                           uint64_t *seen)
{
    uint64_t newest = instrument->last_count > 0 ? instrument->last[instrument->last_count - 1].number + 1 : 0;
    uint64_t from = newest < *seen ? 0 : *seen; /* counted anew after a reset */
    size_t first = instrument->last_count;
    while (first > 0 && instrument->last[first - 1].number >= from &&
           instrument->last_count - first < FRAMES_MAX) {
        first--;
    }
    *seen = newest;
    if (first == instrument->last_count || out == NULL) {
        return;
    }
    put(out, out->size > 0 && out->bytes[out->size - 1] == '{' ? '"' : ',');
    if (out->size > 0 && out->bytes[out->size - 1] == ',') {
        put(out, '"');
    }
    put_digits(out, n);
    tare__buffer_text(out, "\":[");
    for (size_t i = first; i < instrument->last_count; i++) {
        const struct tare_frame_figures *frame = &instrument->last[i];
        put(out, i > first ? ',' : '[');
        if (i > first) {
            put(out, '[');
        }
        put_digits(out, frame->number);
        comma_number(out, frame->ns);
        tare__buffer_text(out, frame->slow ? ",1]" : ",0]");
    }
    put(out, ']');
}

static size_t count_of(const struct tare_telemetry *telemetry)
{
    size_t count = 0;
    for (size_t p = 0; p < telemetry->process_count; p++) {
        count += telemetry->processes[p].instrument_count;
    }
    return count;
}

static int make_room(struct tare__rows *rows, size_t count)
{
    if (count > rows->capacity) {
        size_t *a = calloc(count, sizeof(*a)), *b = calloc(count, sizeof(*b));
        uint64_t *seen = calloc(count, sizeof(*seen));
        if (a == NULL || b == NULL || seen == NULL) {
            free(a);
            free(b);
            free(seen);
            return -ENOMEM;
        }
        free(rows->ends[0]);
        free(rows->ends[1]);
        free(rows->frames_seen);
        rows->ends[0] = a;
        rows->ends[1] = b;
        rows->frames_seen = seen;
        rows->capacity = count;
    }
    rows->count = count;
    return 0;
}

static void clear(struct tare__buffer *buffer)
{
    buffer->size = 0;
    buffer->failed = false;
}

/*
 * Writes all rows; with `changed`, also those that are not as they were. `tail`: where new frames go, or
 * NULL.
 */
static void write_rows(struct tare__rows *rows, const struct tare_telemetry *telemetry,
                       struct tare__buffer *changed, struct tare__buffer *tail)
{
    struct tare__buffer *out = &rows->rows[rows->now], *old = &rows->rows[1 - rows->now];
    size_t *ends = rows->ends[rows->now], *old_ends = rows->ends[1 - rows->now], n = 0;
    clear(out);
    for (size_t p = 0; p < telemetry->process_count; p++) {
        const struct tare_process_figures *process = &telemetry->processes[p];
        for (size_t i = 0; i < process->instrument_count && n < rows->count; i++, n++) {
            size_t begin = out->size;
            put_row(out, n, &process->instruments[i]);
            ends[n] = out->size;
            if (process->instruments[i].kind == TARE_KIND_FRAMES) {
                put_new_frames(tail, n, &process->instruments[i], &rows->frames_seen[n]);
            }
            if (changed == NULL || out->failed) {
                continue;
            }
            size_t old_begin = n > 0 ? old_ends[n - 1] : 0, size = out->size - begin;
            if (old_ends[n] - old_begin != size ||
                memcmp(out->bytes + begin, old->bytes + old_begin, size) != 0) {
                if (changed->size > 0) {
                    put(changed, ',');
                }
                tare__buffer_add(changed, out->bytes + begin, size);
            }
        }
    }
}

static bool has_failed(const struct tare__rows *rows)
{
    return rows->rows[rows->now].failed || rows->changed.failed || rows->head.failed || rows->tail.failed;
}

int tare__rows_begin(struct tare__rows *rows, const struct tare_telemetry *telemetry)
{
    int failure = make_room(rows, count_of(telemetry));
    if (failure == 0) {
        memset(rows->frames_seen, 0, rows->count * sizeof(*rows->frames_seen));
        write_rows(rows, telemetry, NULL, NULL);
        failure = rows->rows[rows->now].failed ? -ENOMEM : 0;
    }
    return failure;
}

static void write_tail(struct tare__buffer *out, const struct tare_telemetry *telemetry)
{
    tare__buffer_text(out, "},\"processes\":[");
    for (size_t p = 0; p < telemetry->process_count; p++) {
        const struct tare_process_figures *process = &telemetry->processes[p];
        tare__buffer_text(out, p > 0 ? ",[" : "[");
        put_digits(out, process->id);
        tare__buffer_text(out, process->alive ? ",1" : ",0");
        comma_number(out, process->cpu_share);
        comma_number(out, process->resident_bytes);
        comma_count(out, process->threads);
        comma_number(out, process->measuring_share);
        put(out, ']');
    }
    tare__buffer_text(out, "],\"derived\":[");
    bool any = false;
    for (size_t p = 0; p < telemetry->process_count; p++) {
        const struct tare_process_figures *process = &telemetry->processes[p];
        if (process->derived_count == 0) {
            continue;
        }
        tare__buffer_text(out, any ? ",[" : "[");
        any = true;
        put_digits(out, p);
        for (size_t i = 0; i < process->derived_count; i++) {
            tare__buffer_text(out, ",[");
            tare__buffer_number(out, process->derived[i].total);
            comma_number(out, process->derived[i].rolling);
            put(out, ']');
        }
        put(out, ']');
    }
    tare__buffer_text(out, "]}\n\n");
}

int tare__rows_next(struct tare__rows *rows, const struct tare_telemetry *telemetry)
{
    if (count_of(telemetry) != rows->count) {
        return -EINVAL;
    }
    rows->now = 1 - rows->now;
    clear(&rows->changed);
    clear(&rows->head);
    clear(&rows->tail);
    tare__buffer_text(&rows->head, "event: sample\ndata: {\"unix_ms\":");
    tare__buffer_count(&rows->head, telemetry->unix_ns > 0 ? (uint64_t)(telemetry->unix_ns / 1e6 + 0.5)
                                                           : TARE_COUNT_UNKNOWN);
    tare__buffer_text(&rows->head, ",\"number\":");
    put_digits(&rows->head, telemetry->number);
    tare__buffer_text(&rows->head, ",\"window_s\":");
    tare__buffer_number(&rows->head, telemetry->window_ns / 1e9);
    tare__buffer_text(&rows->head, ",\"shape\":");
    put_digits(&rows->head, telemetry->shape);
    tare__buffer_text(&rows->tail, "],\"frames\":{");
    write_rows(rows, telemetry, &rows->changed, &rows->tail);
    write_tail(&rows->tail, telemetry);
    return has_failed(rows) ? -ENOMEM : 0;
}

struct tare__text *tare__rows_sample(struct tare__rows *rows, bool full)
{
    struct tare__buffer out = {0};
    const struct tare__buffer *all = &rows->rows[rows->now];
    room(&out, rows->head.size + rows->tail.size + 64 + (full ? all->size + rows->count : rows->changed.size));
    tare__buffer_add(&out, rows->head.bytes, rows->head.size);
    tare__buffer_text(&out, full ? ",\"full\":true,\"values\":[" : ",\"full\":false,\"values\":[");
    if (full) {
        for (size_t n = 0; n < rows->count; n++) {
            size_t begin = n > 0 ? rows->ends[rows->now][n - 1] : 0;
            if (n > 0) {
                put(&out, ',');
            }
            tare__buffer_add(&out, all->bytes + begin, rows->ends[rows->now][n] - begin);
        }
    } else {
        tare__buffer_add(&out, rows->changed.bytes, rows->changed.size);
    }
    tare__buffer_add(&out, rows->tail.bytes, rows->tail.size);
    return tare__buffer_share(&out);
}

void tare__stream_rows_release(struct tare__rows *rows)
{
    for (unsigned i = 0; i < 2; i++) {
        free(rows->rows[i].bytes);
        free(rows->ends[i]);
    }
    free(rows->frames_seen);
    free(rows->changed.bytes);
    free(rows->head.bytes);
    free(rows->tail.bytes);
    *rows = (struct tare__rows){0};
}

struct tare__text *tare__snapshot_event(const struct tare_telemetry *telemetry, const char *document,
                                        size_t document_size, double interval_s, double window_s)
{
    struct tare__buffer out = {0};
    room(&out, document_size + sizeof(columns) + 256);
    tare__buffer_text(&out, "event: snapshot\ndata: {\"shape\":");
    put_digits(&out, telemetry->shape);
    tare__buffer_text(&out, ",\"interval_ms\":");
    tare__buffer_number(&out, interval_s * 1e3);
    tare__buffer_text(&out, ",\"window_ms\":");
    tare__buffer_number(&out, window_s * 1e3);
    tare__buffer_text(&out, ",\"columns\":");
    tare__buffer_text(&out, columns);
    tare__buffer_text(&out, ",\"document\":");
    size_t begin = out.size;
    tare__buffer_add(&out, document, document_size);
    /* An event's data is one line; in JSON a line's end is nothing but space. */
    for (size_t i = begin; !out.failed && i < out.size; i++) {
        if (out.bytes[i] == '\n' || out.bytes[i] == '\r') {
            out.bytes[i] = ' ';
        }
    }
    tare__buffer_text(&out, "}\n\n");
    return tare__buffer_share(&out);
}
