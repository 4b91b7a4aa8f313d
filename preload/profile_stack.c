/* SPDX-License-Identifier: MIT */
/*
 * A stack for the handler, in each thread that has a timer. What the kernel puts on the stack for a signal is
 * kilobytes, 3 to 11 with the vector registers; there need not be as much left on the stacks of a program that
 * has no handlers: those of coroutines, or of threads that were told to have little. So the thread gets an
 * alternate signal stack, and the program sees its own state of that in sigaltstack:
 *
 *     it has none              ours is there. Its own handlers that ask for one (SA_ONSTACK) run where they would
 *                              without us, until it sets an alternate stack for the first time, in any thread
 *     it sets one that is large enough for its handlers and ours
 *                              that one is used
 *     it sets a smaller one    ours is there. Its handlers run on ours, which is larger
 *     the same, with SS_AUTODISARM
 *                              its own, as more than one of them may be in use: no more samples of the thread
 *
 * While a handler runs on an alternate stack, the program is told which one that is. Programs that call the
 * system without libc see, and can replace, what is there.
 */
#include "preload/profile.h"

#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif
#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1U << 31)
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

enum {
    STACK_BYTES = 65536,
    BEYOND_FRAME = 32768,  /* in ours, beside what the kernel puts there: also for handlers of the program */
    ENOUGH_BEYOND = 24576, /* in one of the program's */
};

NEXT_OF(NULL, int, sigaltstack, (const stack_t *set, stack_t *before), (set, before));

/* What the kernel needs for one signal. */
static size_t frame_size(void)
{
    size_t size = getauxval(AT_MINSIGSTKSZ);
    return size != 0 ? size : 2048;
}

static bool is_enough(const stack_t *stack)
{
    return (stack->ss_flags & SS_DISABLE) == 0 && stack->ss_size >= frame_size() + ENOUGH_BEYOND;
}

static bool map_stack(struct profile_thread *thread)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), size = frame_size() + BEYOND_FRAME;
    size = size > STACK_BYTES ? size : STACK_BYTES;
    size = (size + page - 1) / page * page + page;
    char *stack = mmap(NULL, size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
    if (stack == MAP_FAILED) {
        return false;
    }
    /* The first leaves it one mapping with its neighbours, of which there cannot be too many. */
    if (madvise(stack, page, MADV_GUARD_INSTALL) != 0 && mprotect(stack, page, PROT_NONE) != 0) {
        munmap(stack, size);
        return false;
    }
    thread->stack = stack;
    thread->stack_size = size;
    thread->stack_guard = page;
    return true;
}

static bool give_ours(struct profile_thread *thread)
{
    if (thread->stack == NULL && !map_stack(thread)) {
        return false;
    }
    return NEXT(sigaltstack)(&(stack_t){.ss_sp = thread->stack + thread->stack_guard,
                                        .ss_size = thread->stack_size - thread->stack_guard},
                             NULL) == 0;
}

bool profile__stack_begin(struct profile_thread *thread)
{
    stack_t now;
    if (thread->has_stack) { /* in the child of a fork */
        return true;
    }
    if (NEXT(sigaltstack)(NULL, &now) != 0 || (now.ss_flags & SS_ONSTACK) != 0 ||
        (!is_enough(&now) && (((unsigned)now.ss_flags & SS_AUTODISARM) != 0 || !give_ours(thread)))) {
        return false;
    }
    thread->program_stack = now;
    thread->has_stack = true;
    if ((now.ss_flags & SS_DISABLE) == 0) {
        profile__handlers_on_stack();
    }
    return true;
}

/* On the stack itself (the thread ends in a handler), it stays. */
void profile__stack_end(struct profile_thread *thread)
{
    stack_t now;
    bool ours = thread->stack != NULL && NEXT(sigaltstack)(NULL, &now) == 0 &&
                now.ss_sp == thread->stack + thread->stack_guard;
    if (thread->stack != NULL && (!ours || NEXT(sigaltstack)(&thread->program_stack, NULL) == 0)) {
        profile__stack_drop(thread);
    }
    thread->has_stack = false;
}

void profile__stack_drop(struct profile_thread *thread)
{
    if (thread->stack != NULL) {
        munmap(thread->stack, thread->stack_size);
        thread->stack = NULL;
    }
}

/* With our signal blocked. It is the kernel that judges what the program gives. */
static int change(struct profile_thread *thread, const stack_t *given)
{
    if (NEXT(sigaltstack)(given, NULL) != 0) {
        return -1;
    }
    bool disabled = (given->ss_flags & SS_DISABLE) != 0;
    thread->program_stack = disabled ? (stack_t){.ss_flags = SS_DISABLE}
                                     : (stack_t){.ss_sp = given->ss_sp,
                                                 .ss_size = given->ss_size,
                                                 .ss_flags = (int)((unsigned)given->ss_flags & SS_AUTODISARM)};
    if (!disabled) {
        profile__handlers_on_stack();
    }
    if (!is_enough(given) &&
        (((unsigned)thread->program_stack.ss_flags & SS_AUTODISARM) != 0 || !give_ours(thread))) {
        thread->has_stack = false;
        profile__thread_stop(thread);
    }
    return 0;
}

int sigaltstack(const stack_t *set, stack_t *before)
{
    struct profile_thread *thread = &profile__self;
    stack_t now, given, mine = thread->program_stack;
    if (!thread->has_stack || (set == NULL && before == NULL)) {
        return NEXT(sigaltstack)(set, before);
    }
    if (set != NULL) { /* both may be one */
        given = *set;
    }
    int result = NEXT(sigaltstack)(NULL, &now);
    if (result == 0 && set != NULL) {
        if (LOAD(profile.sandboxed) || !thread->armed) { /* no handler of ours any more */
            result = NEXT(sigaltstack)(&given, NULL);
            thread->has_stack = result != 0;
        } else if ((uint32_t)getpid() != profile.pid) {
            result = NEXT(sigaltstack)(&given, NULL); /* a child of vfork: the memory is its parent's */
        } else {
            profile__hold(NULL);
            result = change(thread, &given);
            profile__let_go();
        }
    }
    if (result == 0 && before != NULL) {
        bool away = (now.ss_flags & SS_ONSTACK) != 0 || ((unsigned)mine.ss_flags & SS_AUTODISARM) != 0;
        *before = away ? now : mine;
    }
    return result;
}
