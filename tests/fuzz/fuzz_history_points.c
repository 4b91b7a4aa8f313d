/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: a run's points and the values of their blocks, as a store gives them. If the first byte is
 * odd both get the CRCs that they need; the next two say how many bytes are of the points. What is taken for points
 * can be written, and is then the same.
 */
#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "history/store_parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { POINTS_MOST = 300, CRC = 4, HEAD = 3 };

struct decoded {
    struct tare__point_of of[POINTS_MOST];
    struct tare_history_point points[POINTS_MOST];
    size_t count;
};

static uint8_t *part_of(const uint8_t *data, size_t size, bool seal)
{
    uint8_t *part = malloc(size + CRC + 1);
    if (part == NULL) {
        abort();
    }
    memcpy(part, data, size);
    uint32_t crc = htole32((uint32_t)crc32_z(0, part, size));
    if (seal) {
        memcpy(part + size, &crc, CRC);
    }
    return part;
}

/* 1: all points; 0: more of them than fit here; -EINVAL. */
static int decode(struct decoded *decoded, const void *bytes, size_t size, const void *values,
                  size_t values_size)
{
    struct tare__points points;
    int result = tare__points_begin(&points, bytes, size, values, values_size);
    decoded->count = 0;
    while (result == 0 && decoded->count < POINTS_MOST) {
        struct tare_history_point *point = &decoded->points[decoded->count];
        const void *packed;
        size_t packed_size;
        result = tare__points_next(&points, &decoded->of[decoded->count].series, point, &packed, &packed_size);
        if (result != 1) {
            return result == 0 ? 1 : result;
        }
        decoded->of[decoded->count++].point = point;
        result =
            packed == NULL ? 0 : tare_history_unpack(packed, packed_size, &point->values, &point->value_count);
    }
    return result;
}

static void release(struct decoded *decoded)
{
    for (size_t i = 0; i < decoded->count; i++) {
        tare_history_point_release(&decoded->points[i]);
    }
}

static void write_again(const struct decoded *decoded)
{
    static struct decoded again;
    void *bytes, *values;
    size_t size, values_size;
    int result = tare__points_write(decoded->of, decoded->count, &bytes, &size, &values, &values_size);
    for (size_t i = 0; i < decoded->count && result == -EINVAL; i++) {
        result = tare__point_is_beyond(decoded->of[i].point) ? -ENOMEM : result; /* is read, but not written */
    }
    if (result == -ENOMEM) {
        return;
    }
    if (result != 0 || decode(&again, bytes, size, values, values_size) != 1 || again.count != decoded->count) {
        abort();
    }
    for (size_t i = 0; i < again.count; i++) {
        const struct tare_history_point *one = &again.points[i], *other = &decoded->points[i];
        if (again.of[i].series != decoded->of[i].series || one->n != other->n || one->rounds != other->rounds ||
            memcmp(&one->value, &other->value, sizeof one->value) != 0 ||
            memcmp(&one->stolen, &other->stolen, sizeof one->stolen) != 0 ||
            one->value_count != other->value_count) {
            abort();
        }
    }
    release(&again);
    free(bytes);
    free(values);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct decoded decoded;
    if (size < HEAD) {
        return 0;
    }
    bool seal = data[0] & 1;
    size_t first = data[1] | (size_t)data[2] << 8;
    first = first < size - HEAD ? first : size - HEAD;
    size_t second = size - HEAD - first;
    uint8_t *points = part_of(data + HEAD, first, seal);
    uint8_t *values = second > 0 ? part_of(data + HEAD + first, second, seal) : NULL;
    size_t more = seal ? CRC : 0;
    int result = decode(&decoded, points, first + more, values, second + more);
    if (result == 1) {
        write_again(&decoded);
    } else if (result != 0 && result != -EINVAL && result != -ENOMEM) {
        abort();
    }
    release(&decoded);
    free(points);
    free(values);
    return 0;
}
