/* SPDX-License-Identifier: MIT */
/*
 * The values of blocks as bytes. There are some tens of them with each point, and they are what a point takes
 * most of its room for:
 *
 *     byte 0      form: 1 float, 2 double; + 16: what follows the count is deflated (RFC 1951, no header)
 *     then        how many: LEB128, 7 bits in each byte, the lowest first, the top bit says that more follow
 *     then        all lowest bytes of the values (IEEE 754, little-endian), all second ones, ... all highest
 *
 * Values of one benchmark are near each other: their highest bytes, side by side, are nearly all the same and
 * deflate to almost nothing, the lowest ones are noise. Values are floats where all of them are the same as floats, as
 * counts often are, else doubles: what comes back is what went in.
 */
#include "history/model.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#if TARE_HAVE_ZLIB
#include <zlib.h>
#endif

enum {
    FORM_FLOAT = 1,
    FORM_DOUBLE = 2,
    FORM_DEFLATED = 16,
    HEAD_MAX = 1 + 3,        /* form, and a count of 21 bits at most */
    DEFLATE_MOST = 1032,     /* bytes that one deflated byte can become: zlib's technical notes */
    RAW_DEFLATE = -15,       /* zlib: no header, largest window */
    RAW_DEFLATE_LITTLE = -9, /* smallest, of LITTLE bytes */
    LITTLE = 512,
};
_Static_assert(TARE_HISTORY_VALUES_MAX <= 1 << 20, "HEAD_MAX holds the count");

/* Whether a float is the same value. */
static bool fits_float(double value)
{
    double magnitude = fabs(value);
    if (!isfinite(value) || value == 0) {
        return true;
    }
    if (magnitude < (double)FLT_MIN || magnitude > (double)FLT_MAX) {
        return false;
    }
    return (double)(float)value == value;
}

static uint64_t bits_of(double value, size_t width)
{
    if (width == sizeof(float)) {
        float narrow = (float)value;
        uint32_t bits;
        memcpy(&bits, &narrow, sizeof bits);
        return isnan(value) ? UINT32_C(0x7fc00000) : bits;
    }
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return isnan(value) ? UINT64_C(0x7ff8000000000000) : bits;
}

static double of_bits(uint64_t bits, size_t width)
{
    if (width == sizeof(float)) {
        uint32_t narrow = (uint32_t)bits;
        float value;
        memcpy(&value, &narrow, sizeof value);
        return (double)value;
    }
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

#if TARE_HAVE_ZLIB
/* Into `room` bytes. Returns how many they became, or 0: they do not fit; or -ENOMEM. */
static ssize_t deflate_into(uint8_t *to, size_t room, const uint8_t *from, size_t size)
{
    z_stream stream = {0};
    /* A window as small as what there is: the large one's tables are cleared each time, ten times the work itself. */
    bool little = size <= LITTLE;
    if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, little ? RAW_DEFLATE_LITTLE : RAW_DEFLATE,
                     little ? 1 : 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        return -ENOMEM;
    }
    stream.next_in = (Bytef *)from;
    stream.avail_in = (uInt)size;
    stream.next_out = to;
    stream.avail_out = (uInt)room;
    ssize_t got = deflate(&stream, Z_FINISH) == Z_STREAM_END ? (ssize_t)stream.total_out : 0;
    deflateEnd(&stream);
    return got;
}

/* To `size` bytes, which all of `from` has to become, no more and no less. 0, -EINVAL, -ENOMEM. */
static int inflate_into(uint8_t *to, size_t size, const uint8_t *from, size_t from_size)
{
    z_stream stream = {0};
    if (inflateInit2(&stream, RAW_DEFLATE) != Z_OK) {
        return -ENOMEM;
    }
    stream.next_in = (Bytef *)from;
    stream.avail_in = (uInt)from_size;
    stream.next_out = to;
    stream.avail_out = (uInt)size;
    int ended = inflate(&stream, Z_FINISH);
    bool whole = ended == Z_STREAM_END && stream.avail_in == 0 && stream.avail_out == 0;
    inflateEnd(&stream);
    return whole ? 0 : ended == Z_MEM_ERROR ? -ENOMEM : -EINVAL;
}
#endif

int tare_history_pack(const double *values, size_t count, void **bytes, size_t *size)
{
    *bytes = NULL;
    *size = 0;
    if (count == 0) {
        return 0;
    }
    if (count > TARE_HISTORY_VALUES_MAX) {
        return -EINVAL;
    }
    bool all_fit = true;
    for (size_t i = 0; i < count && all_fit; i++) {
        all_fit = fits_float(values[i]);
    }
    size_t width = all_fit ? sizeof(float) : sizeof(double);
    uint8_t *packed = malloc(HEAD_MAX + count * width);
    uint8_t *planes = malloc(count * width);
    if (packed == NULL || planes == NULL) {
        free(packed);
        free(planes);
        return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t bits = bits_of(values[i], width);
        for (size_t plane = 0; plane < width; plane++) {
            planes[plane * count + i] = (uint8_t)(bits >> 8 * plane);
        }
    }
    packed[0] = all_fit ? FORM_FLOAT : FORM_DOUBLE;
    size_t head = 1;
    for (size_t left = count; head == 1 || left > 0; left >>= 7) {
        packed[head++] = (uint8_t)((left & 127) | (left > 127 ? 128 : 0));
    }
    ssize_t deflated = 0;
#if TARE_HAVE_ZLIB
    /* One byte less: deflated where that is smaller, and only there. */
    deflated = deflate_into(packed + head, count * width - 1, planes, count * width);
#endif
    if (deflated > 0) {
        packed[0] |= FORM_DEFLATED;
        *size = head + (size_t)deflated;
    } else if (deflated == 0) {
        memcpy(packed + head, planes, count * width);
        *size = head + count * width;
    }
    free(planes);
    if (deflated < 0) {
        free(packed);
        return -ENOMEM;
    }
    void *smaller = realloc(packed, *size);
    *bytes = smaller != NULL ? smaller : packed;
    return 0;
}

/* The count, written in as few bytes as it takes. Returns how many bytes they were, or 0: it is none. */
static size_t read_count(const uint8_t *bytes, size_t size, size_t *count)
{
    *count = 0;
    for (size_t i = 0; i < size && i < HEAD_MAX - 1; i++) {
        *count |= (size_t)(bytes[i] & 127) << 7 * i;
        if (bytes[i] < 128) {
            return bytes[i] == 0 || *count > TARE_HISTORY_VALUES_MAX ? 0 : i + 1;
        }
    }
    return 0;
}

/* The planes, as they stand or inflated into `scratch`. 0, -EINVAL, -ENOMEM. */
static int read_planes(const uint8_t *bytes, size_t size, bool deflated, size_t wanted, uint8_t **scratch,
                       const uint8_t **planes)
{
    if (!deflated) {
        *planes = bytes;
        return size == wanted ? 0 : -EINVAL;
    }
#if TARE_HAVE_ZLIB
    if (size > wanted || wanted / DEFLATE_MOST > size) {
        return -EINVAL;
    }
    *scratch = malloc(wanted);
    *planes = *scratch;
    return *scratch != NULL ? inflate_into(*scratch, wanted, bytes, size) : -ENOMEM;
#else
    (void)scratch;
    return -EINVAL;
#endif
}

int tare_history_unpack(const void *bytes, size_t size, double **values, size_t *count)
{
    *values = NULL;
    *count = 0;
    if (size == 0) {
        return 0;
    }
    const uint8_t *at = bytes;
    unsigned form = at[0] & ~(unsigned)FORM_DEFLATED;
    size_t number;
    size_t head = read_count(at + 1, size - 1, &number);
    if ((form != FORM_FLOAT && form != FORM_DOUBLE) || head == 0) {
        return -EINVAL;
    }
    size_t width = form == FORM_FLOAT ? sizeof(float) : sizeof(double);
    uint8_t *scratch = NULL;
    const uint8_t *planes = NULL;
    int result = read_planes(at + 1 + head, size - 1 - head, (at[0] & FORM_DEFLATED) != 0, number * width,
                             &scratch, &planes);
    double *read = result == 0 ? malloc(number * sizeof *read) : NULL;
    if (result == 0 && read == NULL) {
        result = -ENOMEM;
    }
    for (size_t i = 0; i < number && result == 0; i++) {
        uint64_t bits = 0;
        for (size_t plane = 0; plane < width; plane++) {
            bits |= (uint64_t)planes[plane * number + i] << 8 * plane;
        }
        read[i] = of_bits(bits, width);
    }
    free(scratch);
    if (result == 0) {
        *values = read;
        *count = number;
    }
    return result;
}
