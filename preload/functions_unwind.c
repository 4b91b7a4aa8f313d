/* SPDX-License-Identifier: MIT */
/*
 * What walks the stack must not meet our address in the place of a return address: nobody can tell where it
 * came from. So whoever begins to walk is stopped here first, and all return addresses are put back before he
 * goes on. An exception ends its walk in a catch, where those of the functions that are still executed are
 * replaced again, and those that it left are ended. Until then cleanups may call functions, which are timed
 * like any others.
 *
 * Also here: with -pg the C library would collect samples and write gmon.out, of calls that it no longer
 * hears of.
 */
#include "preload/functions_parts.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#if FUNCTIONS_CAN_RETURN

#define STACK() ((uintptr_t)__builtin_dwarf_cfa())
#define OUR_RETURN ((uintptr_t)functions__return)

/* By the dynamic linker: where the main thread's stack begins. */
extern void *__libc_stack_end __attribute__((weak));

/*
 * What a walk can come by: from where it begins to the end of the thread's stack. A frame that is not there is
 * of another stack, which may be gone. The end is known where the thread is on the stack that it was given,
 * whose top holds what libc keeps of the thread; else, on a stack of the program's own or a signal's,
 * everything further out may be of it, or, on the latter, everything. What was unmapped is found by asking the
 * kernel: rt_sigprocmask reads the set that it is given before it refuses an operation that does not exist.
 */
struct walk {
    uintptr_t low, high;
    uintptr_t page; /* the last that is known to be there */
};

static bool is_mapped(struct walk *walk, uintptr_t address)
{
    enum { PAGE = 4096, SET_BYTES = 8 }; /* pages may be larger, which is no harm */
    if (address % 8 != 0) {
        return false;
    }
    if (walk->page != address / PAGE) {
        register unsigned long size __asm__("r10") = SET_BYTES;
        long result;
        __asm__ volatile("syscall"
                         : "=a"(result)
                         : "a"((long)SYS_rt_sigprocmask), "D"(-1L), "S"(address), "d"(0L), "r"(size)
                         : "rcx", "r11", "memory");
        if (result != -EINVAL) {
            return false;
        }
        walk->page = address / PAGE;
    }
    return true;
}

static struct walk walk_from(uintptr_t stack)
{
    struct walk walk = {stack, UINTPTR_MAX, 0};
    uintptr_t own;
    __asm__("movq %%fs:0, %0" : "=r"(own));
    if (getpid() == (pid_t)syscall(SYS_gettid)) {
        own = &__libc_stack_end != NULL ? (uintptr_t)__libc_stack_end : UINTPTR_MAX;
    }
    stack_t alternate;
    int saved = errno;
    if (sigaltstack(NULL, &alternate) == 0 && (alternate.ss_flags & SS_ONSTACK) != 0) {
        walk.low = 0;
    } else if (stack < own) {
        walk.high = own;
    }
    errno = saved;
    return walk;
}

static bool is_in(struct walk *walk, const struct frame *frame)
{
    return frame->original != 0 && frame->stack >= walk->low && frame->stack < walk->high &&
           is_mapped(walk, frame->stack);
}

/* From the innermost out: of two frames with one place the outer one is of a stack that is gone. */
void functions__put_back(struct frames *frames, uintptr_t stack)
{
    struct walk walk = walk_from(stack);
    for (struct frame *frame = frames->top - 1; frame > frames->first; frame--) {
        if (frame >= frames->limit || !is_in(&walk, frame)) {
            continue;
        }
        uintptr_t *slot = (uintptr_t *)frame->stack;
        if (*slot == OUR_RETURN) {
            *slot = frame->original;
            frame->is_put_back = 1;
        }
    }
}

/* What is further out than `stack`, from the outermost in. */
void functions__replace(struct frames *frames, uintptr_t stack)
{
    struct walk walk = walk_from(stack);
    for (struct frame *frame = frames->first + 1; frame < frames->top && frame < frames->limit; frame++) {
        if (!frame->is_put_back || frame->stack < stack || !is_in(&walk, frame)) {
            continue;
        }
        uintptr_t *slot = (uintptr_t *)frame->stack;
        if (*slot == frame->original) {
            *slot = OUR_RETURN;
            frame->is_put_back = 0;
        }
    }
}

/* Of the calling thread, if any of its functions returns to us. */
static struct frames *hooked(void)
{
    struct frames *frames = functions__frames;
    return frames != NULL && frames->have_returns ? frames : NULL;
}

/* An exception begins to walk, or goes on. */
static void walk_begin(void)
{
    struct frames *frames = hooked();
    if (frames != NULL) {
        functions__put_back(frames, STACK());
        frames->put_back = true;
    }
}

typedef void *any;

/* The next function of that name behind us. libgcc may have been loaded late, by libc and out of our sight. */
static any next(const char *name)
{
    int saved = errno;
    any found = dlsym(RTLD_NEXT, name);
    if (found == NULL) {
        dlerror();
        any library = dlopen("libgcc_s.so.1", RTLD_LAZY);
        found = library != NULL ? dlsym(library, name) : NULL;
    }
    if (found == NULL) {
        dlerror();
        abort(); /* somebody calls a function that nobody has: the dynamic linker would end it, too */
    }
    errno = saved;
    return found;
}

#define NEXT(symbol)                                                                                           \
    ({                                                                                                         \
        static __typeof__(&symbol) found;                                                                      \
        __typeof__(&symbol) now = __atomic_load_n(&found, __ATOMIC_RELAXED);                                   \
        if (now == NULL) {                                                                                     \
            now = (__typeof__(&symbol))next(#symbol);                                                          \
            __atomic_store_n(&found, now, __ATOMIC_RELAXED);                                                   \
        }                                                                                                      \
        now;                                                                                                   \
    })

FUNCTIONS_EXPORT int _Unwind_RaiseException(void *exception);
int _Unwind_RaiseException(void *exception)
{
    walk_begin();
    return NEXT(_Unwind_RaiseException)(exception);
}

FUNCTIONS_EXPORT int _Unwind_Resume_or_Rethrow(void *exception);
int _Unwind_Resume_or_Rethrow(void *exception)
{
    walk_begin();
    return NEXT(_Unwind_Resume_or_Rethrow)(exception);
}

FUNCTIONS_EXPORT int _Unwind_ForcedUnwind(void *exception, void *stop, void *data);
int _Unwind_ForcedUnwind(void *exception, void *stop, void *data)
{
    walk_begin();
    return NEXT(_Unwind_ForcedUnwind)(exception, stop, data);
}

FUNCTIONS_EXPORT void _Unwind_Resume(void *exception);
void _Unwind_Resume(void *exception)
{
    walk_begin();
    NEXT(_Unwind_Resume)(exception);
}

/* The walk ends in a catch; what is deeper has been left. */
FUNCTIONS_EXPORT void *__cxa_begin_catch(void *exception);
void *__cxa_begin_catch(void *exception)
{
    struct frames *frames = hooked();
    if (frames != NULL && frames->put_back) {
        uintptr_t stack = STACK();
        functions__leave(frames, stack);
        functions__replace(frames, stack);
        frames->put_back = false;
    }
    return NEXT(__cxa_begin_catch)(exception);
}

FUNCTIONS_EXPORT int _Unwind_Backtrace(void *callback, void *data);
int _Unwind_Backtrace(void *callback, void *data)
{
    struct frames *frames = hooked();
    bool is_first = frames != NULL && !frames->put_back;
    if (is_first) {
        functions__put_back(frames, STACK());
    }
    int result = NEXT(_Unwind_Backtrace)(callback, data);
    if (is_first) {
        functions__replace(frames, STACK());
    }
    return result;
}

FUNCTIONS_EXPORT int backtrace(void **addresses, int size);
int backtrace(void **addresses, int size)
{
    struct frames *frames = hooked();
    bool is_first = frames != NULL && !frames->put_back;
    if (is_first) {
        functions__put_back(frames, STACK());
    }
    int result = NEXT(backtrace)(addresses, size);
    if (is_first) {
        functions__replace(frames, STACK());
    }
    return result;
}

/* libc walks by itself then, which nobody can stop: so before it begins. */
FUNCTIONS_EXPORT void pthread_exit(void *result) __attribute__((noreturn));
void pthread_exit(void *result)
{
    walk_begin();
    NEXT(pthread_exit)(result);
    __builtin_unreachable();
}

/* Those that are sure to be needed, while nobody waits for the dynamic linker's lock. */
void functions__init_unwind(void)
{
    if (dlsym(RTLD_NEXT, "__cxa_begin_catch") != NULL) {
        (void)NEXT(__cxa_begin_catch);
        (void)NEXT(_Unwind_RaiseException);
        (void)NEXT(_Unwind_Resume);
    } else {
        dlerror();
    }
}

#endif

/* What the start-up code of -pg calls. */
FUNCTIONS_EXPORT void __monstartup(unsigned long low, unsigned long high);
FUNCTIONS_EXPORT void monstartup(unsigned long low, unsigned long high);
FUNCTIONS_EXPORT void _mcleanup(void);
FUNCTIONS_EXPORT void moncontrol(int mode);

void __monstartup(unsigned long low, unsigned long high)
{
    (void)low;
    (void)high;
}

void monstartup(unsigned long low, unsigned long high)
{
    (void)low;
    (void)high;
}

void _mcleanup(void)
{
}

void moncontrol(int mode)
{
    (void)mode;
}
