/* SPDX-License-Identifier: MIT */
/*
 * What an aarch64 function does with x29, its frame pointer. Each instruction is a word of 32 bits; the few
 * that matter are told by masks from the "Arm Architecture Reference Manual for A-profile", chapter C4.
 */
#include <endian.h>
#include <string.h>

#include "record/code_arch.h"

enum { FP = 29, LR = 30, SP = 31, WORD = 4 };

/* Where Go's compiler has x30 at [sp], and x29 below: stur x29,[sp,#-8], and sub x29,sp,#8 behind it. */
#define STORE_BELOW UINT32_C(0xf81f83fd)
#define SET_BELOW UINT32_C(0xd10023fd)

static uint32_t load_word(const unsigned char *code)
{
    uint32_t word;
    memcpy(&word, code, sizeof word);
    return le32toh(word);
}

static unsigned field(uint32_t word, unsigned low)
{
    return word >> low & 31;
}

/* bl, blr, and blr with authentication. */
static bool is_call(uint32_t word)
{
    return (word & 0xfc000000) == 0x94000000 || (word & 0xfefff000) == 0xd63f0000;
}

/* b, b.cond, cbz, cbnz, tbz, tbnz, br, ret. */
static bool is_branch(uint32_t word)
{
    return (word & 0xfc000000) == 0x14000000 || (word & 0xff000000) == 0x54000000 ||
           (word & 0x7e000000) == 0x34000000 || (word & 0x7e000000) == 0x36000000 ||
           (word & 0xfe9f0000) == 0xd61f0000;
}

/* stp of two 64-bit registers to [sp,#n], or with sp moved first ([sp,#n]!). */
static bool is_pair_store(uint32_t word, bool *moves)
{
    *moves = (word & 0xffc00000) == 0xa9800000;
    return (*moves || (word & 0xffc00000) == 0xa9000000) && field(word, 5) == SP;
}

/* str of one 64-bit register, likewise. */
static bool is_single_store(uint32_t word)
{
    return ((word & 0xffc00000) == 0xf9000000 || (word & 0xffe00c00) == 0xf8000c00) && field(word, 5) == SP;
}

/* add x29,sp,#n, which is mov x29,sp for 0. */
static bool is_frame_set(uint32_t word, uint32_t *offset)
{
    *offset = word >> 10 & 0xfff;
    return (word & 0xffc003ff) == 0x910003fd;
}

/* add and sub of a constant to sp, and loads and stores of pairs and singles that move it. */
static bool changes_sp(uint32_t word)
{
    bool arithmetic = (word & 0xbf000000) == 0x91000000 && field(word, 0) == SP;
    bool moving_pair = ((word & 0x3e000000) == 0x28000000) && (word & 0x00800000) != 0 && field(word, 5) == SP;
    bool moving_one = (word & 0x3b200400) == 0x38000400 && field(word, 5) == SP;
    return arithmetic || (word & 0xbf000000) == 0xb1000000 || moving_pair || moving_one;
}

/* str or stur of x0 to x7, w0 to w7, and their vector namesakes, relative to sp or x29. */
static bool is_argument_store(uint32_t word)
{
    bool scaled = (word & 0x3bc00000) == 0x39000000;   /* str, strh, strb */
    bool unscaled = (word & 0x3be00c00) == 0x38000000; /* stur */
    return (scaled || unscaled) && (field(word, 5) == SP || field(word, 5) == FP) && field(word, 0) < 8;
}

/* str or stp of x19 to x28, which unoptimised code may save first. */
static bool is_before_stores(uint32_t word)
{
    bool moves;
    return (is_single_store(word) || is_pair_store(word, &moves)) && field(word, 0) >= 19 &&
           field(word, 0) <= 28;
}

struct tare__code tare__code_aarch64(const unsigned char *code, size_t size)
{
    struct tare__code facts = {.frame = TARE__FRAME_UNKNOWN};
    bool saves = false;
    bool kept = false;
    unsigned since_save = 0; /* instructions since x29 and x30 were saved at sp + `saved_at`; 0: not */
    uint32_t saved_at = 0;
    bool at_stores = false;
    uint32_t last = 0;
    if (size < WORD) {
        return facts;
    }
    for (size_t at = 0; at + WORD <= size; at += WORD) {
        uint32_t word = load_word(code + at);
        bool moves;
        uint32_t offset;
        if (at_stores) {
            facts.stores_arguments = facts.stores_arguments || is_argument_store(word);
            at_stores = is_before_stores(word);
        }
        if (is_pair_store(word, &moves) && field(word, 0) == FP) {
            saves = true;
            bool is_record = field(word, 10) == LR;
            since_save = is_record ? 1 : 0;
            saved_at = moves ? 0 : (word >> 15 & 0x7f) * 8; /* never below sp: see the comparison */
        } else if (is_frame_set(word, &offset) && since_save > 0 && offset == saved_at) {
            at_stores = !kept && since_save == 1;
            kept = true;
            since_save = 0;
        } else if (word == SET_BELOW && last == STORE_BELOW) {
            saves = kept = true;
        } else {
            saves = saves || (is_single_store(word) && field(word, 0) == FP) ||
                    (is_pair_store(word, &moves) && field(word, 10) == FP);
            if (changes_sp(word) || is_branch(word) || is_call(word) || since_save == TARE__CODE_NEAR) {
                since_save = 0;
            } else if (since_save > 0) {
                since_save++;
            }
        }
        facts.calls = facts.calls || is_call(word);
        last = word;
    }
    facts.frame = kept          ? TARE__FRAME_KEPT
                  : saves       ? TARE__FRAME_REUSED
                  : facts.calls ? TARE__FRAME_MISSING
                                : TARE__FRAME_LEAF;
    return facts;
}

bool tare__code_returns_aarch64(const unsigned char *code, size_t size, uint64_t at, uint64_t *address)
{
    uint64_t x0 = 0;
    bool known = false;
    for (size_t i = 0; i + WORD <= size; i += WORD) {
        uint32_t word = load_word(code + i);
        uint64_t high = (uint64_t)(word >> 5 & 0x7ffff) << 2 | (word >> 29 & 3);
        uint64_t signed_high = (high ^ 0x100000) - 0x100000;
        if ((word & 0x9f00001f) == 0x90000000) { /* adrp x0 */
            x0 = ((at + i) & ~UINT64_C(0xfff)) + (signed_high << 12);
            known = true;
        } else if ((word & 0x9f00001f) == 0x10000000) { /* adr x0 */
            x0 = at + i + signed_high;
            known = true;
        } else if ((word & 0xffc003ff) == 0x91000000) { /* add x0,x0,#n */
            x0 += word >> 10 & 0xfff;
        } else if ((word & 0xfffffc1f) == 0xd65f0000) { /* ret */
            *address = x0;
            return known;
        } else if ((word & 0xfffff01f) != 0xd503201f && (word & 0xfe007fff) != 0xa8007bfd &&
                   word != 0x910003fd) {
            return false; /* neither a hint (nop, bti, paciasp) nor of a prologue or epilogue */
        }
    }
    return false;
}
