/* SPDX-License-Identifier: MIT */
/*
 * compress [-d] FROM TO: a small compressor, LZ77 and Huffman, and its way back. A real program's mixture for the sandbox:
 * files by stdio, memory in quantity, bits, and no help from the machine.
 *
 *     file     "TC1\n", u32 bytes of content (little-endian), 1 byte for the length of the code of each symbol, bits
 *     symbols  0..255 a byte; 256 + n a match of n + 3 bytes, behind which stand 15 bits of distance - 1
 *     bits     from the lowest of each byte; codes are canonical, their highest bit first
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MATCH_MIN = 3,
    MATCH_MAX = MATCH_MIN + 63,
    SYMBOLS = 256 + 64,
    DISTANCE_BITS = 15,
    CODE_MAX = 24,
    HASHES = 1 << 14,
    TRIES = 32,
};

struct bytes {
    uint8_t *data;
    size_t size, room;
};

struct bits {
    struct bytes *to;
    uint64_t held;
    unsigned count;
};

static const char magic[4] = "TC1\n";

static void stop(const char *what, const char *subject)
{
    fprintf(stderr, "compress: %s '%s'\n", what, subject);
    _Exit(1); /* nothing is half-written, and what was allocated is nobody's */
}

static void add(struct bytes *bytes, const void *data, size_t size)
{
    if (bytes->size + size > bytes->room) {
        bytes->room = (bytes->size + size) * 2;
        bytes->data = realloc(bytes->data, bytes->room);
        if (bytes->data == NULL) {
            stop("no memory for", "data");
        }
    }
    memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
}

static struct bytes read_file(const char *path)
{
    struct bytes bytes = {0};
    uint8_t piece[4096];
    size_t size;
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        stop(strerror(errno), path);
    }
    while ((size = fread(piece, 1, sizeof(piece), file)) > 0) {
        add(&bytes, piece, size);
    }
    if (ferror(file)) {
        stop("cannot read", path);
    }
    fclose(file);
    return bytes;
}

static void write_file(const char *path, const struct bytes *bytes)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        stop(strerror(errno), path);
    }
    if ((bytes->size != 0 && fwrite(bytes->data, 1, bytes->size, file) != bytes->size) || fclose(file) != 0) {
        stop("cannot write", path);
    }
}

static void put_bit(struct bits *bits, unsigned bit)
{
    bits->held |= (uint64_t)bit << bits->count;
    if (++bits->count == 8) {
        uint8_t byte = (uint8_t)bits->held;
        add(bits->to, &byte, 1);
        bits->held = 0;
        bits->count = 0;
    }
}

/* The highest bit first. */
static void put(struct bits *bits, uint32_t value, unsigned count)
{
    while (count-- > 0) {
        put_bit(bits, value >> count & 1);
    }
}

/* Lengths of a Huffman code: the two lightest are joined until one is left. A symbol alone gets one bit. */
static void code_lengths(const uint64_t counts[SYMBOLS], uint8_t lengths[SYMBOLS])
{
    uint64_t weights[2 * SYMBOLS];
    int parents[2 * SYMBOLS];
    bool joined[2 * SYMBOLS] = {false};
    int nodes = SYMBOLS, left = 0;
    for (int i = 0; i < SYMBOLS; i++) {
        weights[i] = counts[i];
        joined[i] = counts[i] == 0;
        left += counts[i] != 0;
        lengths[i] = 0;
    }
    while (left > 1) {
        int lightest[2] = {-1, -1};
        for (int i = 0; i < nodes; i++) {
            if (joined[i]) {
                continue;
            }
            if (lightest[0] < 0 || weights[i] < weights[lightest[0]]) {
                lightest[1] = lightest[0];
                lightest[0] = i;
            } else if (lightest[1] < 0 || weights[i] < weights[lightest[1]]) {
                lightest[1] = i;
            }
        }
        weights[nodes] = weights[lightest[0]] + weights[lightest[1]];
        joined[lightest[0]] = joined[lightest[1]] = true;
        parents[lightest[0]] = parents[lightest[1]] = nodes++;
        left--;
    }
    for (int i = 0; i < SYMBOLS; i++) {
        if (counts[i] == 0) {
            continue;
        }
        int node = i;
        while (node < nodes - 1 && lengths[i] < CODE_MAX) {
            node = parents[node];
            lengths[i]++;
        }
        lengths[i] = lengths[i] == 0 ? 1 : lengths[i];
    }
}

/* Canonical: shorter codes first, then by symbol. False: the lengths are of no code. */
static bool codes_of(const uint8_t lengths[SYMBOLS], uint32_t codes[SYMBOLS])
{
    uint64_t next = 0;
    for (unsigned length = 1; length <= CODE_MAX; length++) {
        next <<= 1;
        for (int i = 0; i < SYMBOLS; i++) {
            if (lengths[i] == length) {
                codes[i] = (uint32_t)next++;
            }
        }
        if (next > (uint64_t)1 << length) {
            return false;
        }
    }
    return true;
}

struct token {
    uint16_t symbol, distance; /* distance - 1, of a match */
};

static unsigned hash(const uint8_t *at)
{
    return ((uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2]) * 2654435761u >> 18 & (HASHES - 1);
}

/* The longest match before `at`; 0: none. */
static size_t longest(const struct bytes *in, size_t at, const int32_t *previous, int32_t candidate,
                      size_t *distance)
{
    size_t best = 0, most = in->size - at < MATCH_MAX ? in->size - at : MATCH_MAX;
    for (int tries = 0; candidate >= 0 && tries < TRIES && at - (size_t)candidate <= 1u << DISTANCE_BITS;
         tries++) {
        size_t length = 0;
        while (length < most && in->data[(size_t)candidate + length] == in->data[at + length]) {
            length++;
        }
        if (length > best) {
            best = length;
            *distance = at - (size_t)candidate;
        }
        candidate = previous[candidate];
    }
    return best >= MATCH_MIN ? best : 0;
}

static struct bytes tokens_of(const struct bytes *in)
{
    static int32_t newest[HASHES];
    struct bytes tokens = {0};
    int32_t *previous = malloc((in->size + 1) * sizeof(*previous));
    if (previous == NULL) {
        stop("no memory for", "matches");
    }
    memset(newest, 0xff, sizeof(newest));
    for (size_t at = 0; at < in->size;) {
        size_t distance = 0, length = 0;
        if (in->size - at >= MATCH_MIN) {
            length = longest(in, at, previous, newest[hash(in->data + at)], &distance);
        }
        struct token token = {in->data[at], 0};
        if (length != 0) {
            token = (struct token){(uint16_t)(256 + length - MATCH_MIN), (uint16_t)(distance - 1)};
        }
        add(&tokens, &token, sizeof(token));
        for (size_t end = at + (length != 0 ? length : 1); at < end; at++) {
            if (in->size - at >= MATCH_MIN) {
                unsigned which = hash(in->data + at);
                previous[at] = newest[which];
                newest[which] = (int32_t)at;
            }
        }
    }
    free(previous);
    return tokens;
}

static struct bytes compress(const struct bytes *in)
{
    struct bytes out = {0}, tokens = tokens_of(in);
    const struct token *token = (const struct token *)tokens.data;
    size_t count = tokens.size / sizeof(*token);
    uint64_t counts[SYMBOLS] = {0};
    uint8_t lengths[SYMBOLS];
    uint32_t codes[SYMBOLS] = {0};
    for (size_t i = 0; i < count; i++) {
        counts[token[i].symbol]++;
    }
    code_lengths(counts, lengths);
    if (!codes_of(lengths, codes)) {
        stop("no code for",
             "this content"); /* more than CODE_MAX bits: from 121,393 tokens on, of a rare kind */
    }
    const uint8_t size[4] = {(uint8_t)in->size, (uint8_t)(in->size >> 8), (uint8_t)(in->size >> 16),
                             (uint8_t)(in->size >> 24)};
    add(&out, magic, sizeof(magic));
    add(&out, size, sizeof(size));
    add(&out, lengths, sizeof(lengths));
    struct bits bits = {.to = &out};
    for (size_t i = 0; i < count; i++) {
        put(&bits, codes[token[i].symbol], lengths[token[i].symbol]);
        if (token[i].symbol >= 256) {
            put(&bits, token[i].distance, DISTANCE_BITS);
        }
    }
    while (bits.count != 0) {
        put_bit(&bits, 0);
    }
    free(tokens.data);
    return out;
}

struct reading {
    const struct bytes *from;
    size_t at;
    unsigned bit;
    bool over;
};

static unsigned get_bit(struct reading *reading)
{
    if (reading->at >= reading->from->size) {
        reading->over = true;
        return 0;
    }
    unsigned bit = reading->from->data[reading->at] >> reading->bit & 1;
    if (++reading->bit == 8) {
        reading->bit = 0;
        reading->at++;
    }
    return bit;
}

static int get_symbol(struct reading *reading, const uint8_t lengths[SYMBOLS], const uint32_t codes[SYMBOLS])
{
    uint32_t code = 0;
    for (unsigned length = 1; length <= CODE_MAX && !reading->over; length++) {
        code = code << 1 | get_bit(reading);
        for (int i = 0; i < SYMBOLS; i++) {
            if (lengths[i] == length && codes[i] == code) {
                return i;
            }
        }
    }
    return -1;
}

static struct bytes expand(const struct bytes *in, const char *name)
{
    struct bytes out = {0};
    const size_t head = sizeof(magic) + 4;
    uint32_t codes[SYMBOLS] = {0};
    if (in->size < head + SYMBOLS || memcmp(in->data, magic, sizeof(magic)) != 0) {
        stop("not compressed by this program:", name);
    }
    const uint8_t *size = in->data + sizeof(magic), *lengths = in->data + head;
    size_t wanted = size[0] | (size_t)size[1] << 8 | (size_t)size[2] << 16 | (size_t)size[3] << 24;
    if (!codes_of(lengths, codes)) {
        stop("damaged:", name);
    }
    struct reading reading = {.from = in, .at = head + SYMBOLS};
    while (out.size < wanted) {
        int symbol = get_symbol(&reading, lengths, codes);
        size_t distance = 0;
        for (int i = 0; symbol >= 256 && i < DISTANCE_BITS; i++) {
            distance = distance << 1 | get_bit(&reading);
        }
        if (symbol < 0 || reading.over || (symbol >= 256 && distance >= out.size)) {
            stop("damaged:", name);
        }
        uint8_t byte = (uint8_t)symbol;
        for (int left = symbol < 256 ? 1 : symbol - 256 + MATCH_MIN; left > 0; left--) {
            byte = symbol < 256 ? byte : out.data[out.size - distance - 1];
            add(&out, &byte, 1);
        }
    }
    return out;
}

int main(int argc, char **argv)
{
    bool back = argc > 1 && strcmp(argv[1], "-d") == 0;
    if (argc != 3 + back) {
        fprintf(stderr, "usage: compress [-d] FROM TO\n");
        return 2;
    }
    struct bytes in = read_file(argv[1 + back]);
    struct bytes out = back ? expand(&in, argv[2]) : compress(&in);
    write_file(argv[2 + back], &out);
    printf("%zu %zu\n", in.size, out.size);
    free(in.data);
    free(out.data);
    return fflush(stdout) == 0 ? 0 : 1;
}
