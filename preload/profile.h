/* SPDX-License-Identifier: MIT */
/*
 * libtare-profile.so: what its files share. It is put in front of a program with LD_PRELOAD by `tare
 * profile` and samples the stacks of its threads into the memory that preload/samples.h describes. It needs
 * libc alone.
 *
 *     profile.c          start, the ring, the signal handler
 *     profile_stack.c    a stack for the handler, in each thread
 *     profile_transfer.c calls that a signal may end early, and system calls by number
 *     profile_thread.c   a timer for each thread: pthread_create, fork, threads' names
 *     profile_signal.c   keeps our signal ours: sigaction, signal masks
 *     profile_wait.c     calls that a signal cuts short
 *     profile_modules.c  what is loaded, and its call frame information (profile_cfi.c)
 *     profile_unwind.c   from registers to a stack
 *     profile_scope.c    the innermost open scope of tare.h
 *
 * The rule above all others: the program must not notice. The handler reads memory and writes into the
 * ring; it asks the kernel whether an address can be read, and for the time, and sets the timer again. Whatever fails before sampling begins
 * ends in a BROKEN record, and the program runs as if we were not there.
 */
#ifndef TARE_PRELOAD_PROFILE_H
#define TARE_PRELOAD_PROFILE_H

#include "preload/next.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "preload/profile_cfi.h"
#include "preload/samples.h"

#define PROFILE_TLS __thread __attribute__((tls_model("initial-exec")))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

struct profile_thread {
    struct profile_thread *next, *previous; /* of all that are armed */
    pthread_t self;
    uint32_t tid;
    int timer;        /* the kernel's number */
    bool armed;       /* it has a timer; the handler leaves others alone */
    bool renamed;     /* `name` is yet to be told */
    bool masked;      /* the program believes that it blocks our signal */
    bool stopped;     /* as the process has entered a sandbox: the timer is there, but not set */
    bool busy;        /* its handler runs */
    bool interrupted; /* a sample has ended a system call with EINTR */
    bool has_stack;   /* the state of its alternate stack is ours to tell */
    size_t stack_size, stack_guard;
    char *stack;           /* ours, from its guard on; NULL: none was needed yet */
    stack_t program_stack; /* as the program believes it to be */
    uint64_t held;         /* the function of libc that waits with our signal blocked; 0: none */
    char name[16];
    uint64_t due_ns;   /* the next expiration, by the timer's clock */
    uint64_t random;   /* state of the generator; not 0 */
    const void *block; /* of the page, as found last (profile_scope.c) */
    uint64_t block_of; /* the page that it is in */
};

/* Set by profile__start(), and constant since, but for pid and active. */
struct profile {
    struct tare_samples *samples; /* NULL: not asked for, or broken */
    uint8_t *slots;
    uint32_t slot_size, slot_count;
    uint32_t frames_max;
    uint32_t flags;
    uint64_t interval_ns;
    int signal;
    uint32_t pid;
    bool active;    /* threads get timers */
    bool sandboxed; /* behind a filter of system calls: make none that the program would not */
    bool stale;     /* something unknown may have been loaded */
    bool forked;    /* from then on, only what the program does itself tells that something was loaded */
    struct sigaction program_action; /* what the program believes our signal's to be */
};
extern NEXT_HIDDEN struct profile profile;
extern NEXT_HIDDEN PROFILE_TLS struct profile_thread profile__self;

#define LOAD(from) __atomic_load_n(&(from), __ATOMIC_RELAXED)
#define STORE(to, value) __atomic_store_n(&(to), value, __ATOMIC_RELAXED)
#define ADD(to, value) __atomic_fetch_add(&(to), value, __ATOMIC_RELAXED)

/* profile.c */
NEXT_HIDDEN void profile__start(void); /* once; from the constructor, or the first call that needs it */
NEXT_HIDDEN uint64_t profile__now(clockid_t clock);
NEXT_HIDDEN const void *profile__mark(void); /* what our timers give to their signals */
/* NULL: the ring is full, which is counted in lost_records; a lost sample is the caller's to count. What was written is complete with profile__publish(). */
NEXT_HIDDEN struct tare_samples_slot *profile__claim(uint32_t kind, uint64_t *number);
NEXT_HIDDEN void profile__publish(struct tare_samples_slot *slot, uint64_t number);
/* The same from outside of handlers, where there is time to wait for a while until the reader has made room. */
NEXT_HIDDEN struct tare_samples_slot *profile__claim_patiently(uint32_t kind, uint64_t *number);
/* As much of it as there is room for in the slot behind `to`; returns the bytes, with the NUL. */
NEXT_HIDDEN uint32_t profile__put_text(struct tare_samples_slot *slot, char *to, const char *text);
NEXT_HIDDEN void profile__announce(uint32_t flags, uint32_t parent_pid);

/* profile_thread.c */
NEXT_HIDDEN void profile__threads_start(void);                        /* with the calling thread, the first */
NEXT_HIDDEN void profile__threads_stop(void);                         /* of this process, all */
NEXT_HIDDEN void profile__thread_stop(struct profile_thread *thread); /* this one cannot be sampled further */
/*
 * How many expirations there were until now in the calling thread, with the timer set for the next one.
 * Async-signal-safe.
 */
NEXT_HIDDEN uint64_t profile__expirations(struct profile_thread *thread);
/* Whether that prctl leads into a sandbox, if it can be had. */
NEXT_HIDDEN bool profile__is_sandbox(int option, unsigned long mode, unsigned long filter);
/* Before that: stops all timers of this process. True: done, to be undone if there is no sandbox after all. */
NEXT_HIDDEN bool profile__enter_sandbox(void);
NEXT_HIDDEN void profile__stay_outside(void);
/* Our signal is blocked in this thread, for a call of that function of libc; and no longer. errno is kept. */
NEXT_HIDDEN void profile__hold(const void *function);
NEXT_HIDDEN void profile__let_go(void);

/* profile_stack.c, each in the thread itself. False: there is none; the handler must not run. */
NEXT_HIDDEN bool profile__stack_begin(struct profile_thread *thread);
NEXT_HIDDEN void profile__stack_end(struct profile_thread *thread);
NEXT_HIDDEN void profile__stack_drop(
    struct profile_thread *thread); /* of a thread that is not in this process */

/* profile_signal.c: false, with what is the matter, if there is no signal for us. */
NEXT_HIDDEN bool profile__take_signal(void (*handler)(int, siginfo_t *, void *), const char **why);
NEXT_HIDDEN void profile__handlers_on_stack(void); /* the program has set an alternate stack */
NEXT_HIDDEN void profile__foreign_signal(void);    /* somebody else has sent it */

/* profile_modules.c */
struct profile_module {
    uint64_t start, end; /* of its code */
    const struct cfi_table *table;
};
struct profile_modules {
    uint32_t count;
    uint64_t own_start, own_end; /* our own code */
    struct profile_module modules[];
};
extern NEXT_HIDDEN const struct profile_modules *profile__modules; /* never NULL */
extern NEXT_HIDDEN uint32_t profile__readers;    /* handlers that have the list, or are about to */
NEXT_HIDDEN void profile__modules_refresh(void); /* not from a handler */
NEXT_HIDDEN void profile__modules_before_fork(void);
NEXT_HIDDEN void profile__modules_behind_fork(void); /* in the parent */
NEXT_HIDDEN void profile__modules_in_child(void);

/*
 * What a handler or a dlopen that we could not wait for left to do: only in calls that neither a handler nor the
 * child of a threaded program's fork may make, as it takes the dynamic linker's lock.
 */
static inline void profile_catch_up(void)
{
    if (unlikely(LOAD(profile.stale)) && LOAD(profile.active)) {
        profile__modules_refresh();
    }
}

/*
 * A system call, as the kernel has it: the result, or -errno. Where a signal of ours may come in it, it must be us that it
 * interrupts, whom the unwinder knows, and not syscall() of libc, which would be in the profile as the program's.
 */
static inline __attribute__((always_inline)) long profile_call(long number, long a, long b, long c, long d)
{
#if defined(__x86_64__)
    register long fourth __asm__("r10") = d;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth)
                     : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long name __asm__("x8") = number;
    register long result __asm__("x0") = a;
    register long second __asm__("x1") = b;
    register long third __asm__("x2") = c;
    register long fourth __asm__("x3") = d;
    __asm__ volatile("svc #0" : "+r"(result) : "r"(name), "r"(second), "r"(third), "r"(fourth) : "memory");
    return result;
#else
#error "libtare-profile.so knows the registers of x86_64 and aarch64"
#endif
}

/* profile_unwind.c */
struct profile_stack {
    uint64_t page;  /* of memory that can be read; odd: none yet */
    uint32_t flags; /* TARE_SAMPLES_TRUNCATED, TARE_SAMPLES_CUT */
    uint64_t held;  /* the function in whose place we stand, if it is us that the signal has interrupted */
};
/* Whether eight bytes at an address, which is a multiple of 8, can be read; their value. Async-signal-safe. */
NEXT_HIDDEN bool profile__read(struct profile_stack *stack, uint64_t address, uint64_t *value);
/* Fills up to `max` addresses of the stack that a signal has interrupted, and returns how many. */
NEXT_HIDDEN uint32_t profile__unwind(struct profile_stack *stack, const ucontext_t *context,
                                     uint64_t *addresses, uint32_t max);
/* The stack pointer, and whether a system call was interrupted that now returns EINTR. */
NEXT_HIDDEN uint64_t profile__stack_pointer(const ucontext_t *context);
NEXT_HIDDEN bool profile__cut_short(struct profile_stack *stack, const ucontext_t *context);

/* profile_scope.c */
NEXT_HIDDEN void profile__scopes_start(void);
/* The innermost open scope's instrument and page; false: there is no page to ask. */
NEXT_HIDDEN bool profile__scope(struct profile_thread *thread, struct profile_stack *stack, uint64_t sp,
                                uint32_t *timer, uint32_t *page);

#endif
