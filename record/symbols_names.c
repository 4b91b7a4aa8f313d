/* SPDX-License-Identifier: MIT */
/*
 * Names of functions as their language has them. C++ names, and those of Rust's older scheme, which is C++'s
 * with a hash for a last part and with what C++ has no letters for written out between dollar signs, are
 * demangled by the function that GCC's libsupc++ has beside __cxa_demangle(): it hands the text over in
 * pieces. A name of 300 bytes can be one of 2^40 when it is written out, so what goes beyond NAME_BYTES is
 * stopped there, and the name stays as it is. Rust's newer scheme (_R...) is record/symbols_rust.h's.
 */
#include "record/symbols_parts.h"

#include <ctype.h>
#include <setjmp.h>
#include <string.h>

#include "record/symbols_rust.h"

enum {
    NAME_BYTES = 16 * 1024, /* written out; the longest of libLLVM-14 has some 2,000 */
    MANGLED_BYTES = 8 * 1024,
    RUST_HASH = 16, /* digits behind "::h" */
};

size_t tare__name_underscores(const char *name)
{
    return strspn(name, "_");
}

static const char *rust_name(struct tare__strings *strings, const char *symbol, size_t length)
{
    char text[NAME_BYTES];
    size_t shown = length <= MANGLED_BYTES ? tare__rust_name(symbol, text, sizeof text) : 0;
    return shown > 0 ? tare__strings_keep(strings, text, shown) : tare__strings_keep(strings, symbol, length);
}

#if defined(TARE_HAVE_DEMANGLE) && TARE_HAVE_DEMANGLE

/* Of libsupc++, which declares it in no header that it installs. 0: it was demangled. */
int __gcclibcxx_demangle_callback(const char *mangled, void (*callback)(const char *, size_t, void *),
                                  void *opaque);

struct shown {
    jmp_buf out;
    size_t length;
    char text[NAME_BYTES];
};

/* The demangler holds no memory of its own but its stack, so it may be left from here. */
static void take(const char *piece, size_t length, void *opaque)
{
    struct shown *shown = opaque;
    if (length > sizeof shown->text - shown->length) {
        longjmp(shown->out, 1);
    }
    memcpy(shown->text + shown->length, piece, length);
    shown->length += length;
}

static bool demangle(const char *symbol, struct shown *shown)
{
    shown->length = 0;
    if (setjmp(shown->out) != 0) {
        return false;
    }
    return __gcclibcxx_demangle_callback(symbol, take, shown) == 0 && shown->length > 0;
}

/* Whether the last part is a hash as Rust has it: all hexadecimal, with letters and digits of some variety. */
static bool ends_in_hash(const char *text, size_t length)
{
    if (length < RUST_HASH + 4 || memcmp(text + length - RUST_HASH - 3, "::h", 3) != 0) {
        return false;
    }
    unsigned seen = 0;
    for (size_t i = length - RUST_HASH; i < length; i++) {
        char c = text[i];
        if (!isdigit((unsigned char)c) && !(c >= 'a' && c <= 'f')) {
            return false;
        }
        seen |= 1u << (isdigit((unsigned char)c) ? c - '0' : c - 'a' + 10);
    }
    return __builtin_popcount(seen) >= 5; /* of 16 random digits fewer are different once in a million times */
}

/*
 * What stands between dollar signs: a name of a sign, or u and its code. Returns how many bytes; 0: it is
 * none.
 */
static size_t read_sign(const char *at, const char *end, char *sign)
{
    static const struct {
        char name[5];
        char sign;
    } signs[] = {{"$SP$", '@'}, {"$BP$", '*'}, {"$RF$", '&'}, {"$LT$", '<'},
                 {"$GT$", '>'}, {"$LP$", '('}, {"$RP$", ')'}, {"$C$", ','}};
    size_t left = (size_t)(end - at);
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
        size_t length = strlen(signs[i].name);
        if (left >= length && memcmp(at, signs[i].name, length) == 0) {
            *sign = signs[i].sign;
            return length;
        }
    }
    if (left < 5 || at[1] != 'u') {
        return 0;
    }
    unsigned code = 0;
    size_t used = 2;
    for (; used < left && used < 5 && isxdigit((unsigned char)at[used]); used++) {
        code = code * 16 +
               (unsigned)(isdigit((unsigned char)at[used]) ? at[used] - '0' : (at[used] | 0x20) - 'a' + 10);
    }
    if (used >= left || at[used] != '$' || code < 0x20 || code > 0x7e) {
        return 0; /* beyond ASCII: left as it is */
    }
    *sign = (char)code;
    return used + 1;
}

/* In place: takes the hash off and puts the signs in, all of which makes it shorter. */
static size_t as_rust(char *text, size_t length)
{
    const char *end = text + length - RUST_HASH - 3;
    char *out = text;
    bool first = true; /* of a part: an underscore stands before a sign there */
    for (const char *at = text; at < end;) {
        char sign;
        size_t used = 0;
        if (first && at + 1 < end && at[0] == '_' && at[1] == '$') {
            at++;
        }
        first = false;
        if (*at == '$') {
            used = read_sign(at, end, &sign);
        }
        if (used > 0) {
            *out++ = sign;
            at += used;
        } else if (at + 1 < end && (memcmp(at, "..", 2) == 0 || memcmp(at, "::", 2) == 0)) {
            first = *at == ':';
            *out++ = ':';
            *out++ = ':';
            at += 2;
        } else {
            *out++ = *at++;
        }
    }
    return (size_t)(out - text);
}

const char *tare__name_shown(struct tare__strings *strings, const char *symbol, bool mangled)
{
    size_t length = strlen(symbol);
    struct shown shown;
    if (!mangled && strncmp(symbol, "_R", 2) == 0) {
        return rust_name(strings, symbol, length);
    }
    if (mangled || length > MANGLED_BYTES || strncmp(symbol, "_Z", 2) != 0 || !demangle(symbol, &shown)) {
        return tare__strings_keep(strings, symbol, length);
    }
    if (ends_in_hash(shown.text, shown.length)) {
        shown.length = as_rust(shown.text, shown.length);
    }
    return tare__strings_keep(strings, shown.text, shown.length);
}

#else

const char *tare__name_shown(struct tare__strings *strings, const char *symbol, bool mangled)
{
    if (!mangled && strncmp(symbol, "_R", 2) == 0) {
        return rust_name(strings, symbol, strlen(symbol));
    }
    return tare__strings_keep(strings, symbol, strlen(symbol));
}

#endif
