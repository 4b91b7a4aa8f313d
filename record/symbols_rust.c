/* SPDX-License-Identifier: MIT */
/*
 * Rust's symbol names, version 0, as RFC 2603 has them: a prefix code that is read and written out in one pass.
 *
 *     _RNvNtCs1234_7mycrate3foo3bar
 *       N v                           a value,
 *         N t                           in a module (a type's name space)
 *           C s1234_ 7mycrate             of a crate, with its hash
 *                            3foo
 *                                3bar       mycrate::foo::bar
 *
 * What was there before is said by its place, "B" and a number, so that a short name can stand for an enormous one:
 * depth, steps and bytes are bounded. What an impl lies in is read and not shown, and no such reference followed there.
 */
#include "record/symbols_rust.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum {
    DEPTH_MAX = 256,
    CODES_MAX = 128,     /* letters of an identifier that is not all ASCII */
    STEPS_MAX = 1 << 16, /* each path, type and constant is one */
};

struct rust {
    const char *name; /* behind "_R" */
    size_t length, at;
    char *out;
    size_t size, used;
    uint64_t bound; /* lifetimes that the binders around have brought */
    unsigned depth, steps;
    bool quiet, failed;
};

struct identifier {
    const char *text;
    size_t length;
    bool punycode;
};

static void path(struct rust *r, bool in_value);
static void type(struct rust *r);
static void constant(struct rust *r, bool in_value);

/* ---- out ---- */

static void put_bytes(struct rust *r, const char *text, size_t length)
{
    if (r->quiet || r->failed) {
        return;
    }
    if (length > r->size - r->used) {
        r->failed = true;
        return;
    }
    memcpy(r->out + r->used, text, length);
    r->used += length;
}

static void put(struct rust *r, const char *text)
{
    put_bytes(r, text, strlen(text));
}

static void put_number(struct rust *r, uint64_t number)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRIu64, number);
    put(r, text);
}

static void put_code(struct rust *r, uint32_t code)
{
    char text[4];
    size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    if (length == 1) {
        text[0] = (char)code;
    } else {
        static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};
        for (size_t i = length; i-- > 1; code >>= 6) {
            text[i] = (char)(0x80 | (code & 0x3f));
        }
        text[0] = (char)(first[length] | code);
    }
    put_bytes(r, text, length);
}

/* RFC 3492, with "_" in place of its "-". Returns how many codes; 0: it is none, or too long. */
static size_t decode(const struct identifier *identifier, uint32_t codes[CODES_MAX])
{
    const char *at = identifier->text, *end = at + identifier->length;
    const char *delimiter = memrchr(at, '_', identifier->length);
    size_t count = 0;
    for (; delimiter != NULL && at < delimiter && count < CODES_MAX; at++) {
        codes[count++] = (unsigned char)*at;
    }
    at += delimiter != NULL;
    uint32_t code = 128, place = 0, bias = 72;
    for (bool first = true; at < end; first = false) {
        uint32_t before = place, weight = 1;
        for (uint32_t k = 36;; k += 36) {
            uint32_t digit = at == end                  ? 36
                             : *at >= 'a' && *at <= 'z' ? (uint32_t)(*at - 'a')
                             : *at >= '0' && *at <= '9' ? (uint32_t)(*at - '0') + 26
                                                        : 36;
            uint32_t limit = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias, add;
            if (digit == 36 || __builtin_mul_overflow(digit, weight, &add) ||
                __builtin_add_overflow(place, add, &place)) {
                return 0;
            }
            at++;
            if (digit < limit) {
                break;
            }
            if (__builtin_mul_overflow(weight, 36 - limit, &weight)) {
                return 0;
            }
        }
        if (count == CODES_MAX || __builtin_add_overflow(code, place / (count + 1), &code) || code > 0x10ffff ||
            (code >= 0xd800 && code < 0xe000) || code < 0xa0) {
            return 0;
        }
        count++;
        uint32_t delta = (place - before) / (first ? 700 : 2);
        place %= (uint32_t)count;
        delta += delta / (uint32_t)count;
        for (bias = 0; delta > 35 * 26 / 2; bias += 36) {
            delta /= 35;
        }
        bias += 36 * delta / (delta + 38);
        memmove(codes + place + 1, codes + place, (count - 1 - place) * sizeof(*codes));
        codes[place++] = code;
    }
    return count;
}

static void put_identifier(struct rust *r, const struct identifier *identifier)
{
    uint32_t codes[CODES_MAX];
    size_t count = identifier->punycode && !r->quiet && !r->failed ? decode(identifier, codes) : 0;
    if (!identifier->punycode) {
        put_bytes(r, identifier->text, identifier->length);
    } else if (count == 0) {
        put(r, "punycode{");
        put_bytes(r, identifier->text, identifier->length);
        put(r, "}");
    }
    for (size_t i = 0; i < count; i++) {
        put_code(r, codes[i]);
    }
}

/* ---- in ---- */

static char look(const struct rust *r)
{
    return !r->failed && r->at < r->length ? r->name[r->at] : '\0';
}

static char take(struct rust *r)
{
    char c = look(r);
    r->failed = r->failed || c == '\0';
    r->at += c != '\0';
    return c;
}

static bool take_if(struct rust *r, char c)
{
    bool there = look(r) == c;
    r->at += there;
    return there;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "_" is 0, "0_" 1, and so on, with digits, small and large letters. */
static uint64_t base_62(struct rust *r)
{
    uint64_t sum = 0;
    if (take_if(r, '_')) {
        return 0;
    }
    for (char c; !r->failed && (c = take(r)) != '_';) {
        unsigned digit = is_digit(c)            ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'z' ? (unsigned)(c - 'a') + 10
                         : c >= 'A' && c <= 'Z' ? (unsigned)(c - 'A') + 36
                                                : 62;
        r->failed = r->failed || digit == 62 || __builtin_mul_overflow(sum, 62, &sum) ||
                    __builtin_add_overflow(sum, digit, &sum);
    }
    r->failed = r->failed || __builtin_add_overflow(sum, 1, &sum);
    return r->failed ? 0 : sum;
}

/* With a letter in front, or not there: then 0. */
static uint64_t optional_base_62(struct rust *r, char tag)
{
    uint64_t number;
    if (!take_if(r, tag)) {
        return 0;
    }
    number = base_62(r);
    r->failed = r->failed || number == UINT64_MAX;
    return r->failed ? 0 : number + 1;
}

static struct identifier read_identifier(struct rust *r)
{
    struct identifier identifier = {.text = "", .punycode = take_if(r, 'u')};
    size_t length = 0;
    r->failed = r->failed || !is_digit(look(r));
    if (!take_if(r, '0')) {
        while (!r->failed && is_digit(look(r))) {
            length = length * 10 + (size_t)(take(r) - '0');
            r->failed = length > r->length;
        }
    }
    take_if(r, '_');
    if (r->failed || length > r->length - r->at) {
        r->failed = true;
        return (struct identifier){.text = ""};
    }
    identifier.text = r->name + r->at;
    identifier.length = length;
    r->at += length;
    return identifier;
}

static bool enter(struct rust *r)
{
    if (r->failed || r->depth == DEPTH_MAX || r->steps == STEPS_MAX) {
        r->failed = true;
        return false;
    }
    r->depth++;
    r->steps++;
    return true;
}

/* Behind "B". Returns where to come back to; SIZE_MAX: not to be followed. */
static size_t follow(struct rust *r)
{
    size_t here = r->at - 1;
    uint64_t place = base_62(r);
    r->failed = r->failed || place >= here;
    if (r->failed || r->quiet) {
        return SIZE_MAX;
    }
    size_t back = r->at;
    r->at = (size_t)place;
    return back;
}

static void come_back(struct rust *r, size_t back)
{
    r->at = back;
}

/* ---- parts ---- */

/* By the number that counts from the innermost binder; 0: one that was erased. */
static void lifetime(struct rust *r, uint64_t number)
{
    if (r->quiet || r->failed) {
        return;
    }
    put(r, "'");
    if (number == 0) {
        put(r, "_");
    } else if (number > r->bound) {
        r->failed = true;
    } else if (r->bound - number < 26) {
        put_bytes(r, &"abcdefghijklmnopqrstuvwxyz"[r->bound - number], 1);
    } else {
        put(r, "_");
        put_number(r, r->bound - number);
    }
}

/* Lifetimes that are brought in for what follows. Returns how many, to be taken back. */
static uint64_t binder(struct rust *r)
{
    uint64_t count = optional_base_62(r, 'G');
    if (count == 0 || r->quiet) {
        return 0;
    }
    put(r, "for<");
    for (uint64_t i = 0; i < count && !r->failed; i++) { /* what is written bounds it */
        put(r, i > 0 ? ", " : "");
        r->bound++;
        lifetime(r, 1);
    }
    put(r, "> ");
    return r->failed ? 0 : count;
}

static void generic_argument(struct rust *r)
{
    if (take_if(r, 'L')) {
        lifetime(r, base_62(r));
    } else if (take_if(r, 'K')) {
        constant(r, false);
    } else {
        type(r);
    }
}

static void generic_arguments(struct rust *r)
{
    for (bool first = true; !r->failed && !take_if(r, 'E'); first = false) {
        put(r, first ? "" : ", ");
        generic_argument(r);
    }
}

static void nested(struct rust *r, bool in_value)
{
    char space = take(r);
    path(r, in_value);
    uint64_t number = optional_base_62(r, 's');
    struct identifier name = read_identifier(r);
    if (space >= 'A' && space <= 'Z') { /* what has no name of its own */
        put(r, "::{");
        if (space == 'C' || space == 'S') {
            put(r, space == 'C' ? "closure" : "shim");
        } else {
            put_bytes(r, &space, 1);
        }
        put(r, name.length != 0 ? ":" : "");
        put_identifier(r, &name);
        put(r, "#");
        put_number(r, number);
        put(r, "}");
    } else if (space < 'a' || space > 'z') {
        r->failed = true;
    } else if (name.length != 0) {
        put(r, "::");
        put_identifier(r, &name);
    }
}

static void implementation(struct rust *r, char tag)
{
    if (tag != 'Y') {
        bool quiet = r->quiet;
        optional_base_62(r, 's');
        r->quiet = true;
        path(r, false);
        r->quiet = quiet;
    }
    put(r, "<");
    type(r);
    if (tag != 'M') {
        put(r, " as ");
        path(r, false);
    }
    put(r, ">");
}

static void path(struct rust *r, bool in_value)
{
    if (!enter(r)) {
        return;
    }
    struct identifier name;
    size_t back;
    char tag = take(r);
    switch (tag) {
    case 'C':
        optional_base_62(r, 's');
        name = read_identifier(r);
        put_identifier(r, &name);
        break;
    case 'N':
        nested(r, in_value);
        break;
    case 'M':
    case 'X':
    case 'Y':
        implementation(r, tag);
        break;
    case 'I':
        path(r, in_value);
        put(r, in_value ? "::<" : "<");
        generic_arguments(r);
        put(r, ">");
        break;
    case 'B':
        back = follow(r);
        if (back != SIZE_MAX) {
            path(r, in_value);
            come_back(r, back);
        }
        break;
    default:
        r->failed = true;
        break;
    }
    r->depth--;
}

/* Of `dyn`: its generic arguments stay open for "Item = u8". Returns whether they are. */
static bool open_path(struct rust *r)
{
    bool open = false;
    if (!enter(r)) {
        return false;
    }
    if (take_if(r, 'B')) {
        size_t back = follow(r);
        if (back != SIZE_MAX) {
            open = open_path(r);
            come_back(r, back);
        }
    } else if (take_if(r, 'I')) {
        path(r, false);
        put(r, "<");
        generic_arguments(r);
        open = true;
    } else {
        path(r, false);
    }
    r->depth--;
    return open;
}

static void trait_objects(struct rust *r)
{
    put(r, "dyn ");
    uint64_t bound = binder(r);
    for (bool first = true; !r->failed && !take_if(r, 'E'); first = false) {
        put(r, first ? "" : " + ");
        bool open = open_path(r);
        while (take_if(r, 'p')) {
            struct identifier name = read_identifier(r);
            put(r, open ? ", " : "<");
            put_identifier(r, &name);
            put(r, " = ");
            type(r);
            open = true;
        }
        put(r, open ? ">" : "");
    }
    r->bound -= bound;
    r->failed = r->failed || !take_if(r, 'L');
    uint64_t number = r->failed ? 0 : base_62(r);
    if (number != 0) {
        put(r, " + ");
        lifetime(r, number);
    }
}

static void function_pointer(struct rust *r)
{
    uint64_t bound = binder(r);
    put(r, take_if(r, 'U') ? "unsafe " : "");
    if (take_if(r, 'K')) {
        struct identifier name = {.text = "C", .length = 1};
        if (!take_if(r, 'C')) {
            name = read_identifier(r);
            r->failed = r->failed || name.punycode;
        }
        put(r, "extern \"");
        for (size_t i = 0; i < name.length; i++) {
            put_bytes(r, name.text[i] == '_' ? "-" : name.text + i, 1);
        }
        put(r, "\" ");
    }
    put(r, "fn(");
    for (bool first = true; !r->failed && !take_if(r, 'E'); first = false) {
        put(r, first ? "" : ", ");
        type(r);
    }
    put(r, ")");
    if (!take_if(r, 'u')) { /* nothing is returned */
        put(r, " -> ");
        type(r);
    }
    r->bound -= bound;
}

static const char *basic_type(char tag)
{
    static const char names[26][6] = {
        ['a' - 'a'] = "i8",    ['b' - 'a'] = "bool", ['c' - 'a'] = "char", ['d' - 'a'] = "f64",
        ['e' - 'a'] = "str",   ['f' - 'a'] = "f32",  ['h' - 'a'] = "u8",   ['i' - 'a'] = "isize",
        ['j' - 'a'] = "usize", ['l' - 'a'] = "i32",  ['m' - 'a'] = "u32",  ['n' - 'a'] = "i128",
        ['o' - 'a'] = "u128",  ['p' - 'a'] = "_",    ['s' - 'a'] = "i16",  ['t' - 'a'] = "u16",
        ['u' - 'a'] = "()",    ['v' - 'a'] = "...",  ['x' - 'a'] = "i64",  ['y' - 'a'] = "u64",
        ['z' - 'a'] = "!",
    };
    return tag >= 'a' && tag <= 'z' && names[tag - 'a'][0] != '\0' ? names[tag - 'a'] : NULL;
}

static void reference(struct rust *r, char tag)
{
    put(r, "&");
    uint64_t number = take_if(r, 'L') ? base_62(r) : 0;
    if (number != 0) {
        lifetime(r, number);
        put(r, " ");
    }
    put(r, tag == 'Q' ? "mut " : "");
    type(r);
}

static void tuple(struct rust *r, void (*part)(struct rust *r))
{
    size_t count = 0;
    put(r, "(");
    for (; !r->failed && !take_if(r, 'E'); count++) {
        put(r, count > 0 ? ", " : "");
        part(r);
    }
    put(r, count == 1 ? ",)" : ")");
}

static void type(struct rust *r)
{
    if (!enter(r)) {
        return;
    }
    size_t back;
    char tag = take(r);
    switch (tag) {
    case 'R':
    case 'Q':
        reference(r, tag);
        break;
    case 'P':
    case 'O':
        put(r, tag == 'P' ? "*const " : "*mut ");
        type(r);
        break;
    case 'A':
    case 'S':
        put(r, "[");
        type(r);
        if (tag == 'A') {
            put(r, "; ");
            constant(r, true);
        }
        put(r, "]");
        break;
    case 'T':
        tuple(r, type);
        break;
    case 'F':
        function_pointer(r);
        break;
    case 'D':
        trait_objects(r);
        break;
    case 'W': /* later than the RFC: only some values of a type */
        type(r);
        put(r, " is ");
        r->failed = r->failed || !take_if(r, 'R');
        constant(r, true);
        put(r, "..=");
        constant(r, true);
        break;
    case 'B':
        back = follow(r);
        if (back != SIZE_MAX) {
            type(r);
            come_back(r, back);
        }
        break;
    default:
        if (basic_type(tag) != NULL) {
            put(r, basic_type(tag));
        } else if (!r->failed) {
            r->at--;
            path(r, false);
        }
        break;
    }
    r->depth--;
}

/* ---- constants ---- */

/* Digits up to "_": sixteens. */
static struct identifier read_digits(struct rust *r)
{
    struct identifier digits = {.text = r->name + r->at};
    for (char c; !r->failed && (c = take(r)) != '_'; digits.length++) {
        r->failed = r->failed || !(is_digit(c) || (c >= 'a' && c <= 'f'));
    }
    return digits;
}

static uint64_t value_of(const char *digits, size_t count)
{
    uint64_t value = 0;
    for (size_t i = 0; i < count; i++) {
        value = value << 4 | (uint64_t)(is_digit(digits[i]) ? digits[i] - '0' : digits[i] - 'a' + 10);
    }
    return value;
}

static void integer(struct rust *r)
{
    struct identifier digits = read_digits(r);
    if (digits.length > 16) {
        put(r, "0x");
        put_bytes(r, digits.text, digits.length);
    } else {
        put_number(r, value_of(digits.text, digits.length));
    }
}

static void character(struct rust *r, uint64_t code, char quote)
{
    char text[16];
    if (code == (uint64_t)(unsigned char)quote || code == '\\') {
        snprintf(text, sizeof(text), "\\%c", (char)code);
    } else if (code >= 0x20 && code < 0x7f) {
        snprintf(text, sizeof(text), "%c", (char)code);
    } else if (code == '\n' || code == '\t' || code == '\r') {
        snprintf(text, sizeof(text), "\\%c", code == '\n' ? 'n' : code == '\t' ? 't' : 'r');
    } else {
        snprintf(text, sizeof(text), "\\u{%" PRIx64 "}", code);
    }
    put(r, text);
}

/* Bytes of UTF-8, two digits each. What is no letter of ASCII is shown by the byte. */
static void string(struct rust *r)
{
    struct identifier digits = read_digits(r);
    r->failed = r->failed || digits.length % 2 != 0;
    put(r, "\"");
    for (size_t i = 0; !r->failed && i < digits.length; i += 2) {
        uint64_t byte = value_of(digits.text + i, 2);
        char text[24];
        if (byte < 0x80) {
            character(r, byte, '"');
        } else {
            snprintf(text, sizeof(text), "\\x%02x", (unsigned)byte);
            put(r, text);
        }
    }
    put(r, "\"");
}

static void constant_in_value(struct rust *r)
{
    constant(r, true);
}

static void fields(struct rust *r)
{
    put(r, " { ");
    for (bool first = true; !r->failed && !take_if(r, 'E'); first = false) {
        put(r, first ? "" : ", ");
        optional_base_62(r, 's');
        struct identifier name = read_identifier(r);
        put_identifier(r, &name);
        put(r, ": ");
        constant(r, true);
    }
    put(r, " }");
}

/* Of a struct or variant: nothing, "(1, 2)" or "{ a: 1 }" behind its path. */
static void structure(struct rust *r)
{
    path(r, true);
    char kind = take(r);
    if (kind == 'T') {
        put(r, "(");
        for (bool first = true; !r->failed && !take_if(r, 'E'); first = false) {
            put(r, first ? "" : ", ");
            constant(r, true);
        }
        put(r, ")");
    } else if (kind == 'S') {
        fields(r);
    } else {
        r->failed = r->failed || kind != 'U';
    }
}

/* Other than numbers: among generic arguments they stand in braces. The RFC has room for these, rustc made them up. */
static void compound(struct rust *r, char tag)
{
    switch (tag) {
    case 'e':
        put(r, "*");
        string(r);
        break;
    case 'R':
    case 'Q':
        put(r, tag == 'Q' ? "&mut " : "&");
        constant(r, true);
        break;
    case 'A':
        put(r, "[");
        for (bool first = true; !r->failed && !take_if(r, 'E'); first = false) {
            put(r, first ? "" : ", ");
            constant(r, true);
        }
        put(r, "]");
        break;
    case 'T':
        tuple(r, constant_in_value);
        break;
    case 'V':
        structure(r);
        break;
    default:
        r->failed = true;
        break;
    }
}

static void constant(struct rust *r, bool in_value)
{
    if (!enter(r)) {
        return;
    }
    struct identifier digits;
    size_t back;
    char tag = take(r);
    if (tag != '\0' && strchr("htmyojaslxni", tag) != NULL) {
        bool is_signed = strchr("aslxni", tag) != NULL;
        put(r, is_signed && take_if(r, 'n') ? "-" : "");
        integer(r);
    } else if (tag == 'b') {
        digits = read_digits(r);
        r->failed = r->failed || digits.length != 1 || digits.text[0] > '1';
        put(r, !r->failed && digits.text[0] == '1' ? "true" : "false");
    } else if (tag == 'c') {
        digits = read_digits(r);
        r->failed = r->failed || digits.length > 6;
        put(r, "'");
        character(r, r->failed ? 0 : value_of(digits.text, digits.length), '\'');
        put(r, "'");
    } else if (tag == 'p') {
        put(r, "_");
    } else if (tag == 'B') {
        back = follow(r);
        if (back != SIZE_MAX) {
            constant(r, in_value);
            come_back(r, back);
        }
    } else if (tag == 'R' && take_if(r, 'e')) {
        string(r);
    } else {
        put(r, in_value ? "" : "{");
        compound(r, tag);
        put(r, in_value ? "" : "}");
    }
    r->depth--;
}

/* ---- the whole ---- */

size_t tare__rust_name(const char *symbol, char *text, size_t size)
{
    if (strncmp(symbol, "_R", 2) != 0) {
        return 0;
    }
    struct rust r = {.name = symbol + 2, .out = text, .size = size};
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    r.length = strspn(r.name, letters);
    const char *suffix = r.name + r.length; /* of whoever made it another one: ".llvm.123", ".cold" */
    if (suffix[0] != '\0' && suffix[0] != '.' && suffix[0] != '$') {
        return 0;
    }
    path(&r, true);
    if (!r.failed && r.at < r.length) { /* the crate that made an instance of it */
        r.quiet = true;
        path(&r, false);
        r.quiet = false;
    }
    if (r.failed || r.at != r.length) {
        return 0;
    }
    if (strncmp(suffix, ".llvm.", 6) != 0) {
        for (; *suffix != '\0'; suffix++) {
            put_bytes(&r, (unsigned char)*suffix >= 0x20 && *suffix != 0x7f ? suffix : "?", 1);
        }
    }
    return r.failed ? 0 : r.used;
}
