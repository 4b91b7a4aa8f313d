/* SPDX-License-Identifier: MIT */
/*
 * From the registers of an interrupted thread to the addresses of its stack: by call frame information
 * where there is some, else by the frame pointer, which is all that there is for code that was made at run
 * time.
 *
 * Memory is read where it lies. Before the first word of each page is, the kernel is asked whether that can
 * be done, so a wrong guess (a frame pointer that holds something else, a coroutine's stack, one that has
 * just gone) ends the stack and never the program. rt_sigprocmask is what is asked: given a set and an
 * operation that does not exist, it reads the set (EFAULT) before it refuses the operation (EINVAL), and no
 * sandbox that lets a program have signal handlers can forbid it. 60 to 100 ns a page; twenty frames
 * usually lie in one or two. No bounds of stacks have to be known, so that threads are not asked for
 * theirs, and stacks that the program makes itself are as good as any.
 *
 * It cannot run in circles: each step leads outwards, except where a signal's frame leads to another stack;
 * and there are no more than `max` of them.
 */
#include "preload/profile.h"

#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>

enum { PAGE = 4096 }; /* or larger, which is no harm */

bool profile__read(struct profile_stack *stack, uint64_t address, uint64_t *value)
{
    if ((address & 7) != 0) {
        return false;
    }
    if (stack->page != address / PAGE * PAGE) {
        if (profile_call(SYS_rt_sigprocmask, -1, (long)address, 0, 8) != -EINVAL) {
            return false;
        }
        stack->page = address / PAGE * PAGE;
    }
    *value = *(const volatile uint64_t *)(uintptr_t)address;
    return true;
}

/* Whether there is this code, of 16 bytes at most. Code need not be readable. */
static bool is_code(struct profile_stack *stack, uint64_t pc, const uint8_t *code, size_t size)
{
    uint64_t words[3];
    for (size_t i = 0; 8 * i < (pc & 7) + size; i++) {
        if (!profile__read(stack, (pc & ~UINT64_C(7)) + 8 * i, &words[i])) {
            return false;
        }
    }
    return memcmp((const uint8_t *)words + (pc & 7), code, size) == 0;
}

struct frame {
    uint64_t pc, sp, fp;
    uint64_t link; /* aarch64: the return address of a function that has not stored it */
    bool linked;   /* there is one */
    bool exact;    /* pc is where the thread is, or was interrupted; else a return address */
    bool end;      /* there is no frame further out */
};

#if defined(__x86_64__)
/* mov $15, %rax; syscall */
static const uint8_t sigreturn_code[] = {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05};

static struct frame frame_of(const ucontext_t *context)
{
    const greg_t *registers = context->uc_mcontext.gregs;
    return (struct frame){
        .pc = (uint64_t)registers[REG_RIP],
        .sp = (uint64_t)registers[REG_RSP],
        .fp = (uint64_t)registers[REG_RBP],
        .exact = true,
    };
}

/* glibc's __restore_rt is returned to with the stack pointer at the ucontext_t. */
static bool step_signal(struct profile_stack *stack, struct frame *frame)
{
    uint64_t registers = frame->sp + offsetof(ucontext_t, uc_mcontext.gregs);
    frame->exact = true;
    return profile__read(stack, registers + 8 * REG_RBP, &frame->fp) &&
           profile__read(stack, registers + 8 * REG_RIP, &frame->pc) &&
           profile__read(stack, registers + 8 * REG_RSP, &frame->sp);
}

uint64_t profile__stack_pointer(const ucontext_t *context)
{
    return (uint64_t)context->uc_mcontext.gregs[REG_RSP];
}

bool profile__cut_short(struct profile_stack *stack, const ucontext_t *context)
{
    static const uint8_t syscall_code[] = {0x0f, 0x05};
    return context->uc_mcontext.gregs[REG_RAX] == -EINTR &&
           is_code(stack, (uint64_t)context->uc_mcontext.gregs[REG_RIP] - 2, syscall_code,
                   sizeof(syscall_code));
}
#else
/* mov x8, #139; svc #0 */
static const uint8_t sigreturn_code[] = {0x68, 0x11, 0x80, 0xd2, 0x01, 0, 0, 0xd4};

static struct frame frame_of(const ucontext_t *context)
{
    return (struct frame){
        .pc = context->uc_mcontext.pc,
        .sp = context->uc_mcontext.sp,
        .fp = context->uc_mcontext.regs[29],
        .link = context->uc_mcontext.regs[30],
        .linked = true,
        .exact = true,
    };
}

/* The kernel's own code is returned to with the stack pointer at the siginfo_t; the ucontext_t is behind. */
static bool step_signal(struct profile_stack *stack, struct frame *frame)
{
    uint64_t context = frame->sp + sizeof(siginfo_t);
    frame->exact = true;
    frame->linked = true;
    return profile__read(stack, context + offsetof(ucontext_t, uc_mcontext.regs[29]), &frame->fp) &&
           profile__read(stack, context + offsetof(ucontext_t, uc_mcontext.regs[30]), &frame->link) &&
           profile__read(stack, context + offsetof(ucontext_t, uc_mcontext.pc), &frame->pc) &&
           profile__read(stack, context + offsetof(ucontext_t, uc_mcontext.sp), &frame->sp);
}

uint64_t profile__stack_pointer(const ucontext_t *context)
{
    return context->uc_mcontext.sp;
}

bool profile__cut_short(struct profile_stack *stack, const ucontext_t *context)
{
    static const uint8_t svc_code[] = {0x01, 0, 0, 0xd4};
    return context->uc_mcontext.regs[0] == (uint64_t)-EINTR &&
           is_code(stack, context->uc_mcontext.pc - 4, svc_code, sizeof(svc_code));
}
#endif

/* aarch64 may keep a signature in the upper bits of a return address. */
static uint64_t without_signature(uint64_t address)
{
#if defined(__aarch64__)
    return address & UINT64_C(0x0000ffffffffffff);
#else
    return address;
#endif
}

static const struct profile_module *module_of(const struct profile_modules *all, uint64_t pc)
{
    uint32_t low = 0, high = all->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (all->modules[middle].end <= pc) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < all->count && all->modules[low].start <= pc ? &all->modules[low] : NULL;
}

/* Functions in between that are without a frame of their own are passed over. */
static bool step_by_fp(struct profile_stack *stack, const struct profile_modules *all, bool known,
                       struct frame *frame)
{
    uint64_t fp, pc;
    bool trusted = !known || (profile.flags & TARE_SAMPLES_FP_ONLY) != 0;
    if (frame->fp == 0) { /* as the first frame's is, where frame pointers are kept */
        frame->end = trusted;
        return false;
    }
    if (frame->fp < frame->sp || !profile__read(stack, frame->fp, &fp) ||
        !profile__read(stack, frame->fp + 8, &pc)) {
        return false;
    }
    pc = without_signature(pc);
    if (pc == 0) {
        frame->end = true;
        return false;
    }
    /* In code that may use the register for something else, what is found has to be code. */
    if (!trusted && module_of(all, pc - 1) == NULL) {
        return false;
    }
    frame->sp = frame->fp + 16;
    frame->fp = fp;
    frame->pc = pc;
    frame->linked = false;
    frame->exact = false;
    return true;
}

static bool find_cfa(struct profile_stack *stack, const struct cfi_rule *rule, const struct frame *frame,
                     uint64_t *cfa)
{
    uint64_t offset = (uint64_t)(int64_t)rule->cfa_offset;
    switch (rule->cfa) {
    case CFI_SP:
        *cfa = frame->sp + offset;
        return true;
    case CFI_FP:
        *cfa = frame->fp + offset;
        return true;
    case CFI_FP_DEREF:
        return profile__read(stack, frame->fp + offset, cfa);
    case CFI_PLT:
        *cfa = frame->sp + 8 + ((frame->pc & 15) >= offset ? 8 : 0);
        return true;
    default:
        return false;
    }
}

static bool find(struct profile_stack *stack, uint8_t where, int32_t offset, uint64_t cfa, uint64_t fp,
                 uint64_t *value)
{
    uint64_t by = (uint64_t)(int64_t)offset;
    return where == CFI_AT_CFA  ? profile__read(stack, cfa + by, value)
           : where == CFI_AT_FP ? profile__read(stack, fp + by, value)
                                : false;
}

static bool step_by_rule(struct profile_stack *stack, const struct cfi_rule *rule, struct frame *frame)
{
    uint64_t cfa, pc = frame->link, fp = frame->fp;
    if (!find_cfa(stack, rule, frame, &cfa) || cfa < frame->sp) {
        return false;
    }
    if (rule->ra == CFI_SAME ? !frame->linked : !find(stack, rule->ra, rule->ra_offset, cfa, fp, &pc)) {
        return false;
    }
    if (cfa == frame->sp && rule->ra != CFI_SAME) {
        return false;
    }
    if (rule->fp != CFI_SAME && !find(stack, rule->fp, rule->fp_offset, cfa, frame->fp, &fp)) {
        fp = 0;
    }
    pc = without_signature(pc);
    if (pc == 0) {
        frame->end = true;
        return false;
    }
    *frame = (struct frame){.pc = pc, .sp = cfa, .fp = fp};
    return true;
}

static bool step(struct profile_stack *stack, const struct profile_modules *all, struct frame *frame)
{
    uint64_t pc = frame->exact ? frame->pc : frame->pc - 1; /* the call, not what follows it */
    const struct profile_module *module = module_of(all, pc);
    const struct cfi_rule *rule = NULL;
    if (module == NULL && !profile.forked && !LOAD(profile.stale)) {
        STORE(profile.stale, true); /* to be looked at where that is safe */
    }
    if (module != NULL && module->table != NULL) {
        rule = cfi_find(module->table, pc);
    }
    if (rule != NULL ? rule->cfa == CFI_SIGNAL
                     : !frame->exact && is_code(stack, frame->pc, sigreturn_code, sizeof(sigreturn_code))) {
        /* Code that no call frame information speaks of may still be what a handler returns to. */
        return step_signal(stack, frame);
    }
    bool known = rule != NULL;
    if (known && (profile.flags & TARE_SAMPLES_FP_ONLY) == 0 && rule->cfa != CFI_UNKNOWN) {
        if (rule->cfa == CFI_END) {
            frame->end = true;
            return false;
        }
        return step_by_rule(stack, rule, frame);
    }
    return step_by_fp(stack, all, known, frame);
}

static uint32_t unwind(struct profile_stack *stack, const struct profile_modules *all,
                       const ucontext_t *context, uint64_t *addresses, uint32_t max)
{
    struct frame frame = frame_of(context);
    uint32_t count = 0;
    /* Twice as many steps: frames of our own are left out. */
    for (uint32_t steps = 0; steps < 2 * max; steps++) {
        if (frame.pc - all->own_start >= all->own_end - all->own_start) {
            if (count == max) {
                stack->flags |= TARE_SAMPLES_TRUNCATED;
                return count;
            }
            /* See struct tare_samples_slot: all but the first are looked up one byte in front. */
            addresses[count] = count == 0    ? frame.exact ? frame.pc : frame.pc - 1
                               : frame.exact ? frame.pc + 1
                                             : frame.pc;
            count++;
        } else if (stack->held != 0 && count == 0) {
            /* Unblocking: it is the call before that has waited. */
            addresses[0] = stack->held;
            count = 1;
            stack->held = 0;
        }
        if (!step(stack, all, &frame)) {
            stack->flags |= frame.end ? 0 : TARE_SAMPLES_CUT;
            return count;
        }
    }
    stack->flags |= TARE_SAMPLES_TRUNCATED;
    return count;
}

uint32_t profile__unwind(struct profile_stack *stack, const ucontext_t *context, uint64_t *addresses,
                         uint32_t max)
{
    __atomic_fetch_add(&profile__readers, 1,
                       __ATOMIC_SEQ_CST); /* in front of the load, for who retires lists */
    const struct profile_modules *all = __atomic_load_n(&profile__modules, __ATOMIC_SEQ_CST);
    uint32_t count = unwind(stack, all, context, addresses, max);
    __atomic_fetch_sub(&profile__readers, 1, __ATOMIC_RELEASE);
    return count;
}
