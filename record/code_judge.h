/* SPDX-License-Identifier: MIT */
/*
 * What the machine code of a function does with the frame pointer, for x86-64 and aarch64. Reads bytes in
 * memory, knows nothing of files; never reads beyond the bytes given, whatever they are.
 */
#ifndef TARE_RECORD_CODE_JUDGE_H
#define TARE_RECORD_CODE_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tare__frame {
    TARE__FRAME_KEPT, /* saves the caller's frame pointer, and points it at its own frame */
    TARE__FRAME_LEAF, /* calls nothing and leaves the frame pointer alone: nobody misses a frame of its own */
    TARE__FRAME_MISSING, /* calls others without a frame: its own caller is skipped in their stacks */
    TARE__FRAME_REUSED,  /* uses the frame pointer for other things: stacks end or go astray in it */
    TARE__FRAME_UNKNOWN, /* not all of it could be read as instructions */
};

struct tare__code {
    enum tare__frame frame;
    bool calls; /* has a call; a jump to another function is none */
    /*
     * Puts an argument's register into its frame before anything else, as compilers do when they do not
     * optimise.
     */
    bool stores_arguments;
};

/*
 * Judges the function in code[0 .. size). `machine`: EM_X86_64 or EM_AARCH64; another one is unknown.
 *
 * The rule. Instructions are read one after the other from the function's start to its end, jumps are not
 * followed. A frame is kept where the caller's frame pointer is pushed and the stack pointer, not changed
 * since, is copied to it within the next 16 instructions:
 *
 *     x86-64    push %rbp ... mov %rsp,%rbp            (or enter)
 *     aarch64   stp x29,x30,[sp,#n] ... add x29,sp,#n  (or stp x29,x30,[sp,#-m]! ... mov x29,sp)
 *
 * or where it is stored, and the frame pointer then points at it, as Go's compiler does:
 *
 *     x86-64    mov %rbp,n(%rsp), lea n(%rsp),%rbp
 *     aarch64   str x30,[sp,#-m]!, stur x29,[sp,#-8], sub x29,sp,#8
 *
 * anywhere in the function, since compilers move this behind a first test that often ends the function early
 * (shrink-wrapping). Otherwise the function is a leaf if it has no call instruction, and does not save the
 * frame pointer: what saves it without making it a frame wants it as one more register.
 */
struct tare__code tare__code_judge(uint16_t machine, const unsigned char *code, size_t size);

/*
 * Whether code[0 .. size), which lies at `at`, is a function that does nothing but return one constant address,
 * as compilers make it of { return "text"; }; if so, *address is that one.
 */
bool tare__code_returns_address(uint16_t machine, const unsigned char *code, size_t size, uint64_t at,
                                uint64_t *address);

/* The length in bytes of the first of the x86-64 instructions in code[0 .. size); 0: none, or cut short. */
size_t tare__x86_64_length(const unsigned char *code, size_t size);

#endif
