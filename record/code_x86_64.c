/* SPDX-License-Identifier: MIT */
/*
 * Reads x86-64 machine code as far as it must to tell what a function does with %rbp: how long each instruction
 * is, and what the few are that matter. Lengths follow the opcode maps of the "Intel 64 and IA-32 Architectures
 * Software Developer's Manual", volume 2, appendix A, and chapter 2 for prefixes, ModRM, VEX and EVEX. They
 * were compared with those of objdump over the libraries of a Debian system.
 */
#include <endian.h>
#include <string.h>

#include "record/code_arch.h"

/* What follows an opcode. IMMEDIATE_Z has 4 bytes, or 2 with the prefix 66. */
enum {
    INVALID = 0,
    PLAIN = 1,
    MODRM = 2,
    IMMEDIATE_8 = 4,
    IMMEDIATE_16 = 8,
    IMMEDIATE_Z = 16,
    SPECIAL = 32, /* see take_special() */
    RELATIVE_32 = 64,
};

#define P PLAIN
#define M MODRM
#define B (PLAIN | IMMEDIATE_8)
#define MB (MODRM | IMMEDIATE_8)
#define Z (PLAIN | IMMEDIATE_Z)
#define MZ (MODRM | IMMEDIATE_Z)
#define J (PLAIN | RELATIVE_32)
#define S SPECIAL
#define X INVALID

/* clang-format off */

/*
 * Rows of 16, as in the manual. Prefixes are taken off before: their places are invalid here, as are those of
 * instructions that 64-bit mode lost.
 */
static const uint8_t one_byte[256] = {
    /* 00 */ M, M, M, M, B, Z, X, X, M, M, M, M, B, Z, X, X,
    /* 10 */ M, M, M, M, B, Z, X, X, M, M, M, M, B, Z, X, X,
    /* 20 */ M, M, M, M, B, Z, X, X, M, M, M, M, B, Z, X, X,
    /* 30 */ M, M, M, M, B, Z, X, X, M, M, M, M, B, Z, X, X,
    /* 40 */ X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
    /* 50 */ P, P, P, P, P, P, P, P, P, P, P, P, P, P, P, P,
    /* 60 */ X, X, X, M, X, X, X, X, Z, MZ, B, MB, P, P, P, P,
    /* 70 */ B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B,
    /* 80 */ MB, MZ, X, MB, M, M, M, M, M, M, M, M, M, M, M, M,
    /* 90 */ P, P, P, P, P, P, P, P, P, P, X, P, P, P, P, P,
    /* A0 */ S, S, S, S, P, P, P, P, B, Z, P, P, P, P, P, P,
    /* B0 */ B, B, B, B, B, B, B, B, S, S, S, S, S, S, S, S,
    /* C0 */ MB, MB, P | IMMEDIATE_16, P, X, X, MB, MZ, S, P, P | IMMEDIATE_16, P, P, B, X, P,
    /* D0 */ M, M, M, M, X, X, X, P, M, M, M, M, M, M, M, M,
    /* E0 */ B, B, B, B, B, B, B, B, J, J, X, B, P, P, P, P,
    /* F0 */ X, P, X, X, P, P, S, S, P, P, P, P, P, P, M, M,
};

/* Behind 0F. */
static const uint8_t two_bytes[256] = {
    /* 00 */ M, M, M, M, X, P, P, P, P, P, X, P, X, M, P, MB,
    /* 10 */ M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,
    /* 20 */ M, M, M, M, X, X, X, X, M, M, M, M, M, M, M, M,
    /* 30 */ P, P, P, P, P, P, X, P, X, X, X, X, X, X, X, X,
    /* 40 */ M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,
    /* 50 */ M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,
    /* 60 */ M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,
    /* 70 */ MB, MB, MB, MB, M, M, M, P, M, M, M, M, M, M, M, M,
    /* 80 */ J, J, J, J, J, J, J, J, J, J, J, J, J, J, J, J,
    /* 90 */ M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,
    /* A0 */ P, P, P, M, MB, M, X, X, P, P, P, M, MB, M, M, M,
    /* B0 */ M, M, M, M, M, M, M, M, M, M, MB, M, M, M, M, M,
    /* C0 */ M, M, MB, M, MB, MB, MB, M, P, P, P, P, P, P, P, P,
    /* D0 */ M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,
    /* E0 */ M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,
    /* F0 */ M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,
};

/* clang-format on */

#undef P
#undef M
#undef B
#undef MB
#undef Z
#undef MZ
#undef J
#undef S
#undef X

enum {
    INSTRUCTION_MAX = 15, /* the processor refuses longer ones */
    REX_W = 8,
    REX_R = 4,
    REX_B = 1,
    RSP = 4,
    RBP = 5,
};

/*
 * An instruction, taken apart. `map`: 0 one byte, 1 behind 0F, 2 behind 0F 38, 3 behind 0F 3A; 4 and up EVEX's.
 */
struct instruction {
    size_t length;
    const unsigned char *bytes;
    uint8_t map, opcode, rex;
    bool is_vector; /* VEX or EVEX: `rex` means nothing */
    bool has_modrm;
    bool small_operand, small_address; /* prefixes 66 and 67 */
    uint8_t repeat;                    /* F2, F3 or 0 */
    uint8_t modrm;
    uint8_t base; /* register of a memory operand, REX.B included; 0xff: none, or relative to %rip */
};

/* Takes a ModRM byte with what it brings along. Returns false if the code ends before it does. */
static bool take_modrm(struct instruction *one, size_t *at, size_t size)
{
    if (*at >= size) {
        return false;
    }
    one->has_modrm = true;
    one->modrm = one->bytes[(*at)++];
    one->base = 0xff;
    unsigned mode = one->modrm >> 6;
    unsigned base = one->modrm & 7;
    if (mode == 3) {
        return true;
    }
    bool relative = mode == 0 && base == RBP;
    if (base == 4) {
        if (*at >= size) {
            return false;
        }
        base = one->bytes[(*at)++] & 7;
        relative = mode == 0 && base == RBP; /* no base at all, in this case */
    }
    if (!relative) {
        one->base = (uint8_t)(base | (one->rex & REX_B) << 3);
    }
    *at += mode == 1 ? 1 : mode == 2 || relative ? 4 : 0;
    return *at <= size;
}

/* Those whose immediate depends on more than the opcode. Adds to *at. */
static bool take_special(struct instruction *one, size_t *at, size_t size)
{
    uint8_t opcode = one->opcode;
    if (opcode >= 0xa0 && opcode <= 0xa3) { /* mov to and from an absolute address */
        *at += one->small_address ? 4 : 8;
    } else if (opcode >= 0xb8 && opcode <= 0xbf) { /* mov of a constant */
        *at += (one->rex & REX_W) != 0 ? 8 : one->small_operand ? 2 : 4;
    } else if (opcode == 0xc8) { /* enter */
        *at += 3;
    } else { /* F6 and F7: test has an immediate, the others do not */
        if (!take_modrm(one, at, size)) {
            return false;
        }
        if ((one->modrm >> 3 & 7) < 2) {
            *at += opcode == 0xf6 ? 1 : one->small_operand && (one->rex & REX_W) == 0 ? 2 : 4;
        }
    }
    return *at <= size;
}

/* XOP, AMD's, from the byte behind 8F: laid out like VEX, with maps of its own. */
static bool take_xop(struct instruction *one, size_t *at, size_t size)
{
    if (size - *at < 3) {
        return false;
    }
    uint8_t map = one->bytes[*at] & 0x1f;
    one->is_vector = true;
    *at += 2;
    one->opcode = one->bytes[(*at)++];
    if (map > 10 || !take_modrm(one, at, size)) {
        return false;
    }
    *at += map == 8 ? 1 : map == 10 ? 4 : 0;
    return *at <= size;
}

/* VEX (C4, C5) and EVEX (62), from the byte behind that one. */
static bool take_vector(struct instruction *one, uint8_t prefix, size_t *at, size_t size)
{
    size_t payload = prefix == 0xc5 ? 1 : prefix == 0xc4 ? 2 : 3;
    if (size - *at < payload + 1) {
        return false;
    }
    one->is_vector = true;
    one->map = prefix == 0xc5 ? 1 : one->bytes[*at] & (prefix == 0xc4 ? 0x1f : 7);
    one->rex = prefix == 0xc5 || (one->bytes[*at] & 0x20) != 0 ? 0 : REX_B;
    *at += payload;
    one->opcode = one->bytes[(*at)++];
    bool immediate = one->map == 3;
    if (one->map == 1) {
        if (one->opcode == 0x77) { /* vzeroupper */
            return true;
        }
        immediate = (one->opcode >= 0x70 && one->opcode <= 0x73) || one->opcode == 0xc2 ||
                    one->opcode == 0xc4 || one->opcode == 0xc5 || one->opcode == 0xc6;
    } else if (one->map == 0 || one->map == 4 || one->map > 6 || (prefix == 0xc4 && one->map > 3)) {
        return false;
    }
    if (!take_modrm(one, at, size)) {
        return false;
    }
    *at += immediate ? 1 : 0;
    return *at <= size;
}

/* Prefixes, then REX, in any number. */
static void take_prefixes(struct instruction *one, size_t *at, size_t size)
{
    for (; *at < size; (*at)++) {
        uint8_t byte = one->bytes[*at];
        if (byte == 0x66) {
            one->small_operand = true;
        } else if (byte == 0x67) {
            one->small_address = true;
        } else if (byte == 0xf2 || byte == 0xf3) {
            one->repeat = byte;
        } else if ((byte & 0xf0) == 0x40) {
            one->rex = byte;
            continue;
        } else if (byte != 0xf0 && byte != 0x2e && byte != 0x36 && byte != 0x3e && byte != 0x26 &&
                   byte != 0x64 && byte != 0x65) {
            return;
        }
        one->rex = 0; /* counts only directly before the opcode */
    }
}

/* Takes the first instruction of code[0 .. size) apart. */
static bool decode(const unsigned char *code, size_t size, struct instruction *one)
{
    *one = (struct instruction){.bytes = code, .base = 0xff};
    size = size < INSTRUCTION_MAX ? size : INSTRUCTION_MAX;
    size_t at = 0;
    take_prefixes(one, &at, size);
    if (at >= size) {
        return false;
    }
    uint8_t form;
    one->opcode = code[at++];
    if (one->opcode == 0xc4 || one->opcode == 0xc5 || one->opcode == 0x62) {
        bool fine = take_vector(one, one->opcode, &at, size);
        one->length = at;
        return fine;
    }
    if (one->opcode == 0x8f && at < size && (code[at] & 0x1f) >= 8) { /* else it is pop */
        bool fine = take_xop(one, &at, size);
        one->length = at;
        return fine;
    }
    if (one->opcode != 0x0f) {
        form = one_byte[one->opcode];
    } else {
        if (at >= size) {
            return false;
        }
        one->opcode = code[at++];
        one->map = one->opcode == 0x38 ? 2 : one->opcode == 0x3a ? 3 : 1;
        if (one->map == 1) {
            form = two_bytes[one->opcode];
        } else {
            if (at >= size) {
                return false;
            }
            one->opcode = code[at++];
            form = one->map == 3 ? MODRM | IMMEDIATE_8 : MODRM;
        }
    }
    if (form == INVALID) {
        return false;
    }
    if (form == SPECIAL) {
        bool fine = take_special(one, &at, size);
        one->length = at;
        return fine;
    }
    if ((form & MODRM) != 0 && !take_modrm(one, &at, size)) {
        return false;
    }
    at += (form & IMMEDIATE_8) != 0 ? 1 : 0;
    at += (form & IMMEDIATE_16) != 0 ? 2 : 0;
    at += (form & RELATIVE_32) != 0 ? 4 : 0;
    if ((form & IMMEDIATE_Z) != 0) {
        at += one->small_operand && (one->rex & REX_W) == 0 ? 2 : 4;
    }
    one->length = at;
    return at <= size;
}

size_t tare__x86_64_length(const unsigned char *code, size_t size)
{
    struct instruction one;
    return decode(code, size, &one) ? one.length : 0;
}

static unsigned field_reg(const struct instruction *one)
{
    return (one->modrm >> 3 & 7) | ((one->rex & REX_R) != 0 ? 8 : 0);
}

/* The register that ModRM names as operand; 0xff: it names memory. */
static unsigned field_rm(const struct instruction *one)
{
    return one->modrm >> 6 == 3 ? (one->modrm & 7) | ((one->rex & REX_B) != 0 ? 8 : 0) : 0xff;
}

static bool is_plain(const struct instruction *one)
{
    return one->map == 0 && !one->is_vector;
}

static bool is_push_of_rbp(const struct instruction *one)
{
    return is_plain(one) && one->opcode == 0x55 && (one->rex & REX_B) == 0;
}

/* mov %rsp,%rbp in either encoding. */
static bool is_frame_set(const struct instruction *one)
{
    if (!is_plain(one) || (one->rex & REX_W) == 0) {
        return false;
    }
    return (one->opcode == 0x89 && field_reg(one) == RSP && field_rm(one) == RBP) ||
           (one->opcode == 0x8b && field_reg(one) == RBP && field_rm(one) == RSP);
}

/* mov %rbp,n(%rsp), or lea n(%rsp),%rbp, by its opcode; which n, the bytes from ModRM on say. */
static bool is_of_rbp_at_rsp(const struct instruction *one, uint8_t opcode)
{
    return one->length >= 4 && one->bytes[0] == (0x40 | REX_W) && one->bytes[1] == opcode &&
           (one->modrm & 0x3f) == (RBP << 3 | RSP) && one->base == RSP && one->bytes[3] == 0x24;
}

static bool is_same_place(const struct instruction *one, const struct instruction *other)
{
    return one->length == other->length && memcmp(one->bytes + 2, other->bytes + 2, one->length - 2) == 0;
}

static bool is_call(const struct instruction *one)
{
    if (!is_plain(one)) {
        return false;
    }
    unsigned operation = one->modrm >> 3 & 7;
    return one->opcode == 0xe8 || (one->opcode == 0xff && (operation == 2 || operation == 3));
}

/* Jumps, returns and traps; conditional jumps, too. */
static bool is_branch(const struct instruction *one)
{
    if (one->map == 1 && !one->is_vector) {
        return (one->opcode & 0xf0) == 0x80 || one->opcode == 0x0b;
    }
    if (!is_plain(one)) {
        return false;
    }
    unsigned operation = one->modrm >> 3 & 7;
    return (one->opcode & 0xf0) == 0x70 || (one->opcode >= 0xe0 && one->opcode <= 0xe3) ||
           one->opcode == 0xe9 || one->opcode == 0xeb || one->opcode == 0xc3 || one->opcode == 0xc2 ||
           one->opcode == 0xcc || one->opcode == 0xf4 ||
           (one->opcode == 0xff && (operation == 4 || operation == 5));
}

static bool changes_rsp(const struct instruction *one)
{
    if (!is_plain(one)) {
        return false;
    }
    uint8_t opcode = one->opcode;
    unsigned operation = one->modrm >> 3 & 7;
    if ((opcode >= 0x50 && opcode <= 0x5f) || opcode == 0x68 || opcode == 0x6a || opcode == 0x8f ||
        opcode == 0x9c || opcode == 0x9d || opcode == 0xc8 || opcode == 0xc9 ||
        (opcode == 0xff && operation == 6) || is_call(one)) {
        return true;
    }
    if (!one->has_modrm) {
        return false;
    }
    /* add, or, adc, sbb, and, sub, xor, but not cmp; mov, lea. */
    bool to_rm = (opcode < 0x38 && (opcode & 7) == 1) || opcode == 0x89 ||
                 ((opcode == 0x81 || opcode == 0x83) && operation != 7);
    bool to_reg = (opcode < 0x38 && (opcode & 7) == 3) || opcode == 0x8b || opcode == 0x8d;
    return (to_rm && field_rm(one) == RSP) || (to_reg && field_reg(one) == RSP);
}

/* A store of a register in which arguments arrive (%rdi %rsi %rdx %rcx %r8 %r9, %xmm0 to %xmm7) below %rbp. */
static bool is_argument_store(const struct instruction *one)
{
    if (!one->has_modrm || one->is_vector || one->base != RBP ||
        (one->modrm >> 6 != 1 && one->modrm >> 6 != 2)) {
        return false;
    }
    bool below = (one->bytes[one->length - 1] & 0x80) != 0; /* no immediate behind it */
    unsigned reg = field_reg(one);
    if (one->map == 0 && (one->opcode == 0x89 || one->opcode == 0x88)) {
        return below && (reg == 7 || reg == 6 || reg == 2 || reg == 1 || reg == 8 || reg == 9);
    }
    return below && one->map == 1 && (one->opcode == 0x11 || one->opcode == 0x29 || one->opcode == 0x7f) &&
           reg < 8;
}

/*
 * What may stand between the prologue and such a store: push %rbx, sub $n,%rsp, and copies of narrow arguments
 * to %eax with their stores, of which %al or %ax is the operand.
 */
static bool is_before_stores(const struct instruction *one)
{
    if (!is_plain(one)) {
        return false;
    }
    return (changes_rsp(one) && (one->opcode == 0x81 || one->opcode == 0x83)) || one->opcode == 0x53 ||
           ((one->opcode == 0x89 || one->opcode == 0x8b) && field_rm(one) != 0xff) ||
           ((one->opcode == 0x88 || (one->opcode == 0x89 && one->small_operand)) && one->base == RBP);
}

struct tare__code tare__code_x86_64(const unsigned char *code, size_t size)
{
    struct tare__code facts = {.frame = TARE__FRAME_UNKNOWN};
    bool saves = false;      /* %rbp was pushed somewhere */
    bool kept = false;       /* and made the frame pointer */
    unsigned since_push = 0; /* instructions since it was pushed while %rsp is what it was; 0: not */
    bool at_stores = false;  /* only what an unoptimised prologue has was seen since the frame was set */
    struct instruction stored = {0}; /* how %rbp was stored, where that was the last instruction */
    for (size_t at = 0; at < size;) {
        struct instruction one;
        if (!decode(code + at, size - at, &one)) {
            facts.frame = kept ? TARE__FRAME_KEPT : TARE__FRAME_UNKNOWN;
            return facts;
        }
        at += one.length;
        if (at_stores) {
            facts.stores_arguments = facts.stores_arguments || is_argument_store(&one);
            at_stores = is_before_stores(&one);
        }
        if (is_push_of_rbp(&one)) {
            saves = true;
            since_push = 1;
        } else if (is_frame_set(&one) && since_push > 0) {
            at_stores = !kept && since_push == 1;
            kept = true;
            since_push = 0;
        } else if (is_plain(&one) && one.opcode == 0xc8) {
            saves = kept = true;
        } else if (stored.length != 0 && is_of_rbp_at_rsp(&one, 0x8d) && is_same_place(&one, &stored)) {
            saves = kept = true; /* it points at what it was itself */
        } else if (changes_rsp(&one) || is_branch(&one) || since_push == TARE__CODE_NEAR) {
            since_push = 0;
        } else if (since_push > 0) {
            since_push++;
        }
        stored = is_of_rbp_at_rsp(&one, 0x89) ? one : (struct instruction){0};
        facts.calls = facts.calls || is_call(&one);
    }
    facts.frame = kept          ? TARE__FRAME_KEPT
                  : saves       ? TARE__FRAME_REUSED
                  : facts.calls ? TARE__FRAME_MISSING
                                : TARE__FRAME_LEAF;
    return facts;
}

/* push, pop, mov between registers, endbr64: what surrounds the one instruction that counts. */
static bool is_wrapping(const struct instruction *one)
{
    if (one->map == 1 && !one->is_vector) {
        return one->opcode == 0x1e || one->opcode == 0x1f; /* endbr64 and nop */
    }
    return is_plain(one) && (one->opcode == 0x55 || one->opcode == 0x5d || one->opcode == 0xc9 ||
                             one->opcode == 0x90 || is_frame_set(one));
}

bool tare__code_returns_x86_64(const unsigned char *code, size_t size, uint64_t at, uint64_t *address)
{
    bool known = false;
    for (size_t i = 0; i < size;) {
        struct instruction one;
        if (!decode(code + i, size - i, &one)) {
            return false;
        }
        i += one.length;
        int32_t constant;
        bool is_lea = is_plain(&one) && one.opcode == 0x8d && one.modrm == 0x05 && (one.rex & REX_R) == 0;
        bool is_mov = is_plain(&one) && one.opcode == 0xb8 && one.rex == 0 && !one.small_operand;
        if (is_lea || is_mov) { /* lea n(%rip),%rax; mov $n,%eax in a program at a fixed address */
            memcpy(&constant, one.bytes + one.length - 4, sizeof constant);
            constant = (int32_t)le32toh((uint32_t)constant);
            *address = is_lea ? at + i + (uint64_t)(int64_t)constant : (uint32_t)constant;
            known = true;
        } else if (is_plain(&one) && one.opcode == 0xc3) {
            return known;
        } else if (!is_wrapping(&one)) {
            return false;
        }
    }
    return false;
}
