/* SPDX-License-Identifier: MIT */
/*
 * A run's points as bytes, and back: docs/history-store.md has the table. A point takes 42 to 70 bytes, and
 * its blocks' values what tare_history_pack() makes of them. As rows of tables, with keys of three ids each,
 * the same took two to three times as much on both engines, and reading a million of them several times as
 * long.
 *
 * Both end with a CRC-32, as engines do not see when a bit falls over in what they keep.
 */
#include "history/store_parts.h"

#include <endian.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "stats/values.h"

enum {
    FORM = 1,
    HEAD = 1,
    CRC = 4,
    WHOLE_MAX = 10, /* bytes of a number in LEB128 */
    POINT_MAX = 8 + WHOLE_MAX + 7 * 8 + 3 * WHOLE_MAX,
};

/* What of a point is known: its bits, in the order in which the figures follow. */
enum known {
    VALUE = 1 << 0,
    LOW = 1 << 1,
    HIGH = 1 << 2,
    N = 1 << 3,
    ROUNDS = 1 << 4,
    DROPPED = 1 << 5,
    NOT_STOLEN = 1 << 6, /* stolen is known, and 0, as it nearly always is: no bytes of its own */
    STOLEN = 1 << 7,
    CONTROL = 1 << 8,
    CONTROL_LOW = 1 << 9,
    CONTROL_HIGH = 1 << 10,
    KNOWN = (1 << 11) - 1,
};

static unsigned char *put_whole(unsigned char *at, uint64_t value)
{
    while (value >= 0x80) {
        *at++ = (unsigned char)(value | 0x80);
        value >>= 7;
    }
    *at++ = (unsigned char)value;
    return at;
}

static unsigned char *put_8(unsigned char *at, uint64_t value)
{
    value = htole64(value);
    memcpy(at, &value, 8);
    return at + 8;
}

static unsigned char *put_double(unsigned char *at, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return put_8(at, bits);
}

static unsigned char *put_crc(unsigned char *bytes, unsigned char *at)
{
    uint32_t crc = htole32((uint32_t)crc32_z(0, bytes, (size_t)(at - bytes)));
    memcpy(at, &crc, CRC);
    return at + CRC;
}

bool tare__point_is_beyond(const struct tare_history_point *point)
{
    const double figures[] = {point->value,         point->low,         point->high,        point->stolen,
                              point->control_ratio, point->control_low, point->control_high};
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
        if (fabs(figures[i]) > TARE_VALUE_LIMIT) {
            return true;
        }
    }
    for (size_t i = 0; i < point->value_count && point->values != NULL; i++) {
        if (fabs(point->values[i]) > TARE_VALUE_LIMIT) {
            return true;
        }
    }
    return false;
}

/* Not what a figure is: larger than what is judged, or less than nothing. */
static bool cannot_be_kept(const struct tare_history_point *point)
{
    if (tare__point_is_beyond(point)) {
        return true;
    }
    const int64_t wholes[] = {point->n, point->rounds, point->rounds_dropped};
    for (size_t i = 0; i < sizeof wholes / sizeof wholes[0]; i++) {
        if (wholes[i] < 0 && wholes[i] != TARE_HISTORY_UNKNOWN) {
            return true;
        }
    }
    return point->value_count > 0 && point->values == NULL;
}

static unsigned char *put_point(unsigned char *at, int64_t series, const struct tare_history_point *point)
{
    const struct {
        enum known bit;
        double figure;
    } doubles_1[] = {{VALUE, point->value}, {LOW, point->low}, {HIGH, point->high}},
      doubles_2[] = {{STOLEN, point->stolen},
                     {CONTROL, point->control_ratio},
                     {CONTROL_LOW, point->control_low},
                     {CONTROL_HIGH, point->control_high}};
    const struct {
        enum known bit;
        int64_t whole;
    } wholes[] = {{N, point->n}, {ROUNDS, point->rounds}, {DROPPED, point->rounds_dropped}};
    unsigned known = 0;
    for (size_t i = 0; i < 3; i++) {
        known |= isnan(doubles_1[i].figure) ? 0u : (unsigned)doubles_1[i].bit;
        known |= wholes[i].whole == TARE_HISTORY_UNKNOWN ? 0u : (unsigned)wholes[i].bit;
    }
    for (size_t i = 0; i < 4; i++) {
        known |= isnan(doubles_2[i].figure) ? 0u : (unsigned)doubles_2[i].bit;
    }
    if (known & STOLEN && point->stolen == 0 && !signbit(point->stolen)) {
        known ^= STOLEN | NOT_STOLEN;
    }
    at = put_8(at, (uint64_t)series);
    at = put_whole(at, known);
    for (size_t i = 0; i < 3; i++) {
        at = known & doubles_1[i].bit ? put_double(at, doubles_1[i].figure) : at;
    }
    for (size_t i = 0; i < 3; i++) {
        at = known & wholes[i].bit ? put_whole(at, (uint64_t)wholes[i].whole) : at;
    }
    for (size_t i = 0; i < 4; i++) {
        at = known & doubles_2[i].bit ? put_double(at, doubles_2[i].figure) : at;
    }
    return at;
}

/* Values of all points, one behind the other, each with its size before it. */
static int write_values(const struct tare__point_of *points, size_t count, void **values, size_t *size)
{
    int result = 0;
    size_t room = 0, length = HEAD;
    unsigned char *bytes = NULL;
    for (size_t i = 0; i < count && result == 0; i++) {
        void *packed = NULL;
        size_t packed_size = 0;
        if (points[i].point->value_count > 0) {
            result =
                tare_history_pack(points[i].point->values, points[i].point->value_count, &packed, &packed_size);
        }
        size_t needed = length + WHOLE_MAX + packed_size + CRC;
        if (result == 0 && needed > room) {
            room = needed + needed / 2;
            unsigned char *more = realloc(bytes, room);
            result = more == NULL ? -ENOMEM : 0;
            bytes = more != NULL ? more : bytes;
        }
        if (result == 0) {
            unsigned char *at = put_whole(bytes + length, packed_size);
            if (packed_size > 0) {
                memcpy(at, packed, packed_size);
            }
            length = (size_t)(at - bytes) + packed_size;
        }
        free(packed);
    }
    if (result != 0 || bytes == NULL) {
        free(bytes);
        return result;
    }
    bytes[0] = FORM;
    *size = (size_t)(put_crc(bytes, bytes + length) - bytes);
    *values = bytes;
    return 0;
}

int tare__points_write(const struct tare__point_of *points, size_t count, void **bytes, size_t *size,
                       void **values, size_t *values_size)
{
    *bytes = *values = NULL;
    *size = *values_size = 0;
    bool any_values = false;
    for (size_t i = 0; i < count; i++) {
        if (cannot_be_kept(points[i].point)) {
            return -EINVAL;
        }
        any_values |= points[i].point->value_count > 0;
    }
    unsigned char *start = malloc(HEAD + WHOLE_MAX + count * POINT_MAX + CRC);
    if (start == NULL) {
        return -ENOMEM;
    }
    unsigned char *at = start;
    *at++ = FORM;
    at = put_whole(at, count);
    for (size_t i = 0; i < count; i++) {
        at = put_point(at, points[i].series, points[i].point);
    }
    at = put_crc(start, at);
    int result = any_values ? write_values(points, count, values, values_size) : 0;
    if (result != 0) {
        free(start);
        return result;
    }
    *bytes = start;
    *size = (size_t)(at - start);
    return 0;
}

/* Reading: each returns false at bytes that end too early or say something else than the writer does. */

static bool get_whole(const unsigned char **at, const unsigned char *end, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; *at < end && shift < 64; shift += 7) {
        unsigned char byte = *(*at)++;
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            return shift < 63 || byte < 2;
        }
    }
    return false;
}

static bool get_8(const unsigned char **at, const unsigned char *end, uint64_t *value)
{
    if (end - *at < 8) {
        return false;
    }
    memcpy(value, *at, 8);
    *value = le64toh(*value);
    *at += 8;
    return true;
}

static bool get_double(const unsigned char **at, const unsigned char *end, double *value)
{
    uint64_t bits;
    if (!get_8(at, end, &bits)) {
        return false;
    }
    memcpy(value, &bits, sizeof *value);
    return isfinite(*value);
}

static bool get_count(const unsigned char **at, const unsigned char *end, int64_t *value)
{
    uint64_t whole;
    if (!get_whole(at, end, &whole) || whole > INT64_MAX) {
        return false;
    }
    *value = (int64_t)whole;
    return true;
}

static bool is_whole(const unsigned char *bytes, size_t size)
{
    uint32_t crc;
    if (size < HEAD + 1 + CRC || bytes[0] != FORM) {
        return false;
    }
    memcpy(&crc, bytes + size - CRC, CRC);
    return le32toh(crc) == (uint32_t)crc32_z(0, bytes, size - CRC);
}

int tare__points_begin(struct tare__points *points, const void *bytes, size_t size, const void *values,
                       size_t values_size)
{
    *points = (struct tare__points){0};
    if (!is_whole(bytes, size) || (values != NULL && !is_whole(values, values_size))) {
        return -EINVAL;
    }
    points->at = (const unsigned char *)bytes + HEAD;
    points->end = (const unsigned char *)bytes + size - CRC;
    uint64_t count;
    if (!get_whole(&points->at, points->end, &count) || count > size) {
        return -EINVAL;
    }
    points->left = (size_t)count;
    if (values != NULL) {
        points->values_at = (const unsigned char *)values + HEAD;
        points->values_end = (const unsigned char *)values + values_size - CRC;
    }
    return 0;
}

static bool get_point(struct tare__points *points, int64_t *series, struct tare_history_point *point)
{
    const unsigned char **at = &points->at, *end = points->end;
    uint64_t id, known;
    if (!get_8(at, end, &id) || id > INT64_MAX || !get_whole(at, end, &known) || known > KNOWN ||
        (known & STOLEN && known & NOT_STOLEN)) {
        return false;
    }
    *series = (int64_t)id;
    if (known & NOT_STOLEN) {
        point->stolen = 0;
    }
    return (!(known & VALUE) || get_double(at, end, &point->value)) &&
           (!(known & LOW) || get_double(at, end, &point->low)) &&
           (!(known & HIGH) || get_double(at, end, &point->high)) &&
           (!(known & N) || get_count(at, end, &point->n)) &&
           (!(known & ROUNDS) || get_count(at, end, &point->rounds)) &&
           (!(known & DROPPED) || get_count(at, end, &point->rounds_dropped)) &&
           (!(known & STOLEN) || get_double(at, end, &point->stolen)) &&
           (!(known & CONTROL) || get_double(at, end, &point->control_ratio)) &&
           (!(known & CONTROL_LOW) || get_double(at, end, &point->control_low)) &&
           (!(known & CONTROL_HIGH) || get_double(at, end, &point->control_high));
}

int tare__points_next(struct tare__points *points, int64_t *series, struct tare_history_point *point,
                      const void **packed, size_t *packed_size)
{
    *packed = NULL;
    *packed_size = 0;
    if (points->left == 0) {
        return points->at == points->end && points->values_at == points->values_end ? 0 : -EINVAL;
    }
    points->left--;
    *point = tare_history_point_unknown();
    if (!get_point(points, series, point)) {
        return -EINVAL;
    }
    if (points->values_at != NULL) {
        uint64_t size;
        if (!get_whole(&points->values_at, points->values_end, &size) ||
            size > (uint64_t)(points->values_end - points->values_at)) {
            return -EINVAL;
        }
        *packed = size > 0 ? points->values_at : NULL;
        *packed_size = (size_t)size;
        points->values_at += size;
    }
    return 1;
}

int tare__store_each_point(struct tare_store *store, int column, bool values, tare__point_user *use, void *data)
{
    size_t size, values_size = 0;
    const void *bytes = tare__sql_get_bytes(store->sql, column, &size);
    const void *packed = values ? tare__sql_get_bytes(store->sql, column + 1, &values_size) : NULL;
    struct tare__points points;
    struct tare__stored_point point;
    int result = tare__points_begin(&points, bytes, size, packed, values_size);
    if (result == 0) {
        while ((result = tare__points_next(&points, &point.series, &point.point, &point.packed,
                                           &point.packed_size)) == 1) {
            int used = use(data, &point);
            if (used != 0) {
                return used;
            }
        }
    }
    return result == 0 ? 0 : tare__store_damaged(store, "the points of a run");
}

int tare__store_unpack(struct tare_store *store, struct tare__stored_point *point)
{
    if (point->packed == NULL) {
        return 0;
    }
    int result =
        tare_history_unpack(point->packed, point->packed_size, &point->point.values, &point->point.value_count);
    return result == 0         ? 0
           : result == -ENOMEM ? tare__store_no_memory(store)
                               : tare__store_damaged(store, "the values of a point's blocks");
}
