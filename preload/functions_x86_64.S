/* SPDX-License-Identifier: MIT */
/*
 * What the hooks of -pg, and calls that were put into pads, need of x86-64: they come amid a function's
 * arguments, which have to be there afterwards, and where a function returns, its results have to be.
 *
 * Saved are the registers of integer arguments, rax (the number of vector registers of a variadic call), r10
 * (the static chain) and the lower halves of the vector registers that pass arguments. Their upper halves
 * stay as they are, as the code that runs at every call has no instruction that touches them; what runs once
 * for a thread may, in libc: the first timed function of a thread that gets a __m256 by value is the one case
 * that is lost.
 */
    .text

    .macro save_arguments
    pushq %rax
    .cfi_adjust_cfa_offset 8
    pushq %rcx
    .cfi_adjust_cfa_offset 8
    pushq %rdx
    .cfi_adjust_cfa_offset 8
    pushq %rsi
    .cfi_adjust_cfa_offset 8
    pushq %rdi
    .cfi_adjust_cfa_offset 8
    pushq %r8
    .cfi_adjust_cfa_offset 8
    pushq %r9
    .cfi_adjust_cfa_offset 8
    pushq %r10
    .cfi_adjust_cfa_offset 8
    .endm

    /* rdi, rsi are set; the stack may be aligned or not. */
    .macro enter_and_return
    pushq %rbx
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %rbx, 0
    movq %rsp, %rbx
    .cfi_def_cfa_register %rbx
    subq $128, %rsp
    andq $-16, %rsp
    movaps %xmm0, (%rsp)
    movaps %xmm1, 16(%rsp)
    movaps %xmm2, 32(%rsp)
    movaps %xmm3, 48(%rsp)
    movaps %xmm4, 64(%rsp)
    movaps %xmm5, 80(%rsp)
    movaps %xmm6, 96(%rsp)
    movaps %xmm7, 112(%rsp)
    call functions__enter
    movaps (%rsp), %xmm0
    movaps 16(%rsp), %xmm1
    movaps 32(%rsp), %xmm2
    movaps 48(%rsp), %xmm3
    movaps 64(%rsp), %xmm4
    movaps 80(%rsp), %xmm5
    movaps 96(%rsp), %xmm6
    movaps 112(%rsp), %xmm7
    movq %rbx, %rsp
    .cfi_def_cfa_register %rsp
    popq %rbx
    .cfi_adjust_cfa_offset -8
    .cfi_restore %rbx
    popq %r10
    .cfi_adjust_cfa_offset -8
    popq %r9
    .cfi_adjust_cfa_offset -8
    popq %r8
    .cfi_adjust_cfa_offset -8
    popq %rdi
    .cfi_adjust_cfa_offset -8
    popq %rsi
    .cfi_adjust_cfa_offset -8
    popq %rdx
    .cfi_adjust_cfa_offset -8
    popq %rcx
    .cfi_adjust_cfa_offset -8
    popq %rax
    .cfi_adjust_cfa_offset -8
    ret
    .endm

    /* Called behind `push %rbp; mov %rsp, %rbp`: the function's return address, or a copy, lies above its frame
     * pointer. */
    .globl mcount
    .type mcount, @function
    .globl _mcount
    .type _mcount, @function
    .p2align 4
mcount:
_mcount:
    .cfi_startproc
    save_arguments
    movq 64(%rsp), %rdi
    leaq 8(%rbp), %rsi
    movq %r10, %rdx
    movq %r13, %rcx
    enter_and_return
    .cfi_endproc
    .size mcount, . - mcount
    .size _mcount, . - _mcount

    /* Called before anything else: the function's return address lies above ours. */
    .globl __fentry__
    .type __fentry__, @function
    .p2align 4
__fentry__:
    .cfi_startproc
    save_arguments
    movq 64(%rsp), %rdi
    leaq 72(%rsp), %rsi
    enter_and_return
    .cfi_endproc
    .size __fentry__, . - __fentry__

    /*
     * Hooked functions return to here; rsp is just above the place of their return address. The way on is a
     * jump, as the processor has already taken this return off its own stack of return addresses.
     */
    .globl functions__return
    .hidden functions__return
    .type functions__return, @function
    .p2align 4
    .cfi_startproc
    .cfi_undefined %rip
    nop                         /* unwinders look one byte before a return address */
functions__return:
    subq $8, %rsp
    pushq %rax
    pushq %rdx
    pushq %rbx
    movq %rsp, %rbx
    leaq 24(%rsp), %rdi
    subq $32, %rsp
    andq $-16, %rsp
    movaps %xmm0, (%rsp)
    movaps %xmm1, 16(%rsp)
    call functions__leave_slot
    movq %rax, %r11
    movaps (%rsp), %xmm0
    movaps 16(%rsp), %xmm1
    movq %rbx, %rsp
    popq %rbx
    popq %rdx
    popq %rax
    addq $8, %rsp
    jmp *%r11
    .cfi_endproc
    .size functions__return, . - functions__return

    .section .note.GNU-stack, "", @progbits
