/* SPDX-License-Identifier: MIT */
/*
 * Our signal stays ours. It is a real-time signal from the upper end that nobody uses, and not SIGPROF,
 * which the program may have a timer of its own for. What the program does to all signals at once must not
 * do it to this one:
 *
 *     blocks it (sigfillset)       the bit is left out, here and in what it waits for (sigwait, signalfd); the
 *                                  program is told what it expects
 *     ignores or resets it         is remembered, for when it asks
 *     takes it for itself          gets it: this process is sampled no more, and `signal_taken` says so
 *
 * Masks that are set by bare system calls or by setcontext are as they are: such a thread has no samples
 * meanwhile.
 */
#include "preload/profile.h"

#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

NEXT_OF(NULL, int, sigaction, (int signal, const struct sigaction *to, struct sigaction *from),
        (signal, to, from));
NEXT_OF(NULL, int, sigprocmask, (int how, const sigset_t *set, sigset_t *before), (how, set, before));
NEXT_OF(NULL, int, pthread_sigmask, (int how, const sigset_t *set, sigset_t *before), (how, set, before));
NEXT_OF(NULL, int, signalfd, (int fd, const sigset_t *set, int flags), (fd, set, flags));

static bool is_ours(int signal)
{
    return signal == profile.signal && signal != 0 && LOAD(profile.active);
}

/* ---- taking and losing it ---- */

/* An emulator may keep the upper ones to itself. Other failures than that are no fault of the signal's. */
static bool timers_have(int signal)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = signal};
    int timer;
    if (syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer) == 0) {
        syscall(SYS_timer_delete, timer);
        return true;
    }
    return errno != EINVAL;
}

bool profile__take_signal(void (*handler)(int, siginfo_t *, void *), const char **why)
{
    struct sigaction before, ours = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
    sigset_t pending, blocked;
    sigemptyset(&pending);
    sigpending(&pending);
    sigfillset(&ours.sa_mask);
    for (int pass = 0; pass < 2; pass++) {
        for (int signal = SIGRTMAX; signal > SIGRTMIN; signal--) {
            /* What is pending already is somebody's. */
            if (sigismember(&pending, signal) == 1 || NEXT(sigaction)(signal, NULL, &before) != 0 ||
                (before.sa_flags & SA_SIGINFO) != 0 || before.sa_handler != (pass == 0 ? SIG_DFL : SIG_IGN) ||
                !timers_have(signal)) {
                continue;
            }
            if (NEXT(sigaction)(signal, &ours, NULL) != 0) {
                continue;
            }
            profile.signal = signal;
            profile.program_action = before;
            if (NEXT(pthread_sigmask)(SIG_BLOCK, NULL, &blocked) == 0) {
                profile__self.masked = sigismember(&blocked, signal) == 1;
            }
            return true;
        }
    }
    *why = "every real-time signal is in use";
    return false;
}

/* What would have come of it without us. */
void profile__foreign_signal(void)
{
    struct sigaction end = {.sa_handler = SIG_DFL};
    if (profile.program_action.sa_handler == SIG_IGN || !LOAD(profile.active)) {
        return;
    }
    NEXT(sigaction)(profile.signal, &end, NULL);
    syscall(SYS_tgkill, getpid(), (pid_t)syscall(SYS_gettid), profile.signal); /* when the handler returns */
}

/* The program has a handler for it. A child of vfork, who shares our memory alone, may have one too. */
static void give_up(void)
{
    struct sigaction none = {.sa_handler = SIG_IGN};
    if ((uint32_t)getpid() != profile.pid) {
        return;
    }
    profile__threads_stop();
    NEXT(sigaction)(profile.signal, &none, NULL); /* what was on its way is gone */
    ADD(profile.samples->signal_taken, 1);
}

static bool is_handler(const struct sigaction *action)
{
    return (action->sa_flags & SA_SIGINFO) != 0 ||
           (action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN);
}

/*
 * What the program asked for that the kernel was not told: our signal in sa_mask, and SA_ONSTACK as long as the
 * program has no such stack (profile_stack.c). Two threads that change one signal at once do not know either
 * what they get.
 */
enum { ASKED_MASK = 1, ASKED_STACK = 2 };
static uint8_t asked[NSIG];
static bool has_stacks;

static int set_action(int signal, const struct sigaction *to, struct sigaction *from)
{
    struct sigaction copy, before;
    bool known = signal > 0 && signal < NSIG;
    uint8_t was = known ? LOAD(asked[signal]) : 0, is = 0;
    if (to != NULL && LOAD(profile.active)) { /* the program's handlers are sampled, too */
        copy = *to;
        is |= sigismember(&copy.sa_mask, profile.signal) == 1 ? ASKED_MASK : 0;
        sigdelset(&copy.sa_mask, profile.signal);
        if ((copy.sa_flags & SA_ONSTACK) != 0 && !LOAD(has_stacks)) {
            is |= ASKED_STACK;
            copy.sa_flags &= ~SA_ONSTACK;
        }
        to = &copy;
    }
    int result = NEXT(sigaction)(signal, to, from != NULL ? &before : NULL);
    if (result != 0) {
        return result;
    }
    if (from != NULL) {
        *from = before;
        if ((was & ASKED_MASK) != 0) {
            sigaddset(&from->sa_mask, profile.signal);
        }
        from->sa_flags |= (was & ASKED_STACK) != 0 ? SA_ONSTACK : 0;
    }
    /* Signals of a child of vfork are its own, but the table is its parent's. */
    if (to != NULL && known && is != was && (LOAD(profile.sandboxed) || (uint32_t)getpid() == profile.pid)) {
        STORE(asked[signal], is);
    }
    return 0;
}

void profile__handlers_on_stack(void)
{
    struct sigaction action;
    if (__atomic_exchange_n(&has_stacks, true, __ATOMIC_SEQ_CST)) {
        return;
    }
    for (int signal = 1; signal < NSIG; signal++) {
        if ((LOAD(asked[signal]) & ASKED_STACK) != 0) {
            STORE(asked[signal], (uint8_t)(LOAD(asked[signal]) & ~ASKED_STACK));
            if (NEXT(sigaction)(signal, NULL, &action) == 0) {
                action.sa_flags |= SA_ONSTACK;
                NEXT(sigaction)(signal, &action, NULL);
            }
        }
    }
}

static int any_sigaction(int signal, const struct sigaction *to, struct sigaction *from)
{
    struct sigaction copy;
    if (profile.samples == NULL || to == NULL || !is_ours(signal)) {
        if (is_ours(signal)) {
            if (from != NULL) {
                *from = profile.program_action;
            }
            return 0;
        }
        return set_action(signal, to, from);
    }
    copy = profile.program_action;
    if (!is_handler(to)) {
        profile.program_action = *to;
    } else {
        struct sigaction action = *to;
        give_up();
        if (NEXT(sigaction)(signal, &action, NULL) != 0) {
            return -1;
        }
    }
    if (from != NULL) {
        *from = copy;
    }
    return 0;
}

int sigaction(int signal, const struct sigaction *to, struct sigaction *from)
{
    return any_sigaction(signal, to, from);
}

NEXT_EXPORT int __sigaction(int signal, const struct sigaction *to, struct sigaction *from);
int __sigaction(int signal, const struct sigaction *to, struct sigaction *from)
{
    return any_sigaction(signal, to, from);
}

/* The older ways to say the same, each with its own idea of the flags, which matter for handlers alone. */
#define SIGNAL_OF(symbol)                                                                                      \
    NEXT_OF(NULL, sighandler_t, symbol, (int signal, sighandler_t handler), (signal, handler));                \
    sighandler_t symbol(int signal, sighandler_t handler)                                                      \
    {                                                                                                          \
        return is_ours(signal) && own_signal(handler, &handler)                                                \
                   ? handler                                                                                   \
                   : forget(signal, NEXT(symbol)(signal, handler));                                            \
    }                                                                                                          \
    NEXT_LINE_END

/* These ask for neither a mask nor a stack. */
static sighandler_t forget(int signal, sighandler_t before)
{
    if (before != SIG_ERR && signal > 0 && signal < NSIG && LOAD(asked[signal]) != 0 &&
        (LOAD(profile.sandboxed) || (uint32_t)getpid() == profile.pid)) {
        STORE(asked[signal], 0);
    }
    return before;
}

/* False: it is the program's from now on. */
static bool own_signal(sighandler_t handler, sighandler_t *before)
{
    struct sigaction action = {.sa_handler = handler};
    if (is_handler(&action) && handler != SIG_ERR && handler != SIG_HOLD) {
        give_up();
        return false;
    }
    *before = profile.program_action.sa_handler;
    if (handler == SIG_HOLD) {
        profile__self.masked = true;
    } else if (handler == SIG_ERR) {
        errno = EINVAL;
        *before = SIG_ERR;
    } else {
        profile.program_action = action;
    }
    return true;
}

NEXT_EXPORT sighandler_t bsd_signal(int signal, sighandler_t handler);
NEXT_EXPORT sighandler_t sysv_signal(int signal, sighandler_t handler);
NEXT_EXPORT sighandler_t __sysv_signal(int signal, sighandler_t handler);
SIGNAL_OF(signal);
SIGNAL_OF(bsd_signal);
SIGNAL_OF(ssignal);
SIGNAL_OF(sysv_signal);
SIGNAL_OF(__sysv_signal);
SIGNAL_OF(sigset);

#define SIGNAL_ALONE(symbol, params, args, own)                                                                \
    NEXT_OF(NULL, int, symbol, params, args);                                                                  \
    int symbol params                                                                                          \
    {                                                                                                          \
        if (is_ours(signal)) {                                                                                 \
            own;                                                                                               \
            return 0;                                                                                          \
        }                                                                                                      \
        return NEXT(symbol) args;                                                                              \
    }                                                                                                          \
    NEXT_LINE_END

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
SIGNAL_ALONE(sighold, (int signal), (signal), profile__self.masked = true);
SIGNAL_ALONE(sigrelse, (int signal), (signal), profile__self.masked = false);
SIGNAL_ALONE(sigignore, (int signal), (signal),
             profile.program_action = (struct sigaction){.sa_handler = SIG_IGN});
SIGNAL_ALONE(siginterrupt, (int signal, int on), (signal, on), (void)on);
#pragma GCC diagnostic pop

/* ---- masks ---- */

/* `set` without our signal, if it has it: then it is copied. */
static const sigset_t *without(const sigset_t *set, sigset_t *copy)
{
    if (set == NULL || !LOAD(profile.active) || sigismember(set, profile.signal) != 1) {
        return set;
    }
    *copy = *set;
    sigdelset(copy, profile.signal);
    return copy;
}

/* Our signal in the mask as the program believes it to be. `set` as it was given. */
static void believe(int how, const sigset_t *set, sigset_t *before, bool accepted)
{
    if (!accepted || !LOAD(profile.active)) {
        return;
    }
    bool masked = profile__self.masked, member = set != NULL && sigismember(set, profile.signal) == 1;
    if (set != NULL && (how == SIG_SETMASK || member)) {
        profile__self.masked = how == SIG_SETMASK ? member : how == SIG_BLOCK;
    }
    if (before != NULL && masked) {
        sigaddset(before, profile.signal);
    }
}

int sigprocmask(int how, const sigset_t *set, sigset_t *before)
{
    sigset_t copy, given;
    if (set != NULL) { /* both may be one */
        given = *set;
    }
    int result = NEXT(sigprocmask)(how, how == SIG_UNBLOCK ? set : without(set, &copy), before);
    believe(how, set != NULL ? &given : NULL, before, result == 0);
    return result;
}

int pthread_sigmask(int how, const sigset_t *set, sigset_t *before)
{
    sigset_t copy, given;
    if (set != NULL) {
        given = *set;
    }
    int result = NEXT(pthread_sigmask)(how, how == SIG_UNBLOCK ? set : without(set, &copy), before);
    believe(how, set != NULL ? &given : NULL, before, result == 0);
    return result;
}

int signalfd(int fd, const sigset_t *set, int flags)
{
    sigset_t copy;
    return NEXT(signalfd)(fd, without(set, &copy), flags);
}

/*
 * Calls that wait for signals. With ours blocked meanwhile they need not be told about it: what expires in
 * the wait is delivered behind it, with the stack that waited.
 */
#define WAIT_FOR(symbol, params, args)                                                                         \
    NEXT_OF(NULL, int, symbol, params, args);                                                                  \
    int symbol params                                                                                          \
    {                                                                                                          \
        sigset_t copy;                                                                                         \
        bool held = profile__self.armed;                                                                       \
        set = without(set, &copy);                                                                             \
        if (held) {                                                                                            \
            profile__hold((const void *)(uintptr_t)NEXT(symbol));                                              \
        }                                                                                                      \
        int result = NEXT(symbol) args;                                                                        \
        if (held) {                                                                                            \
            profile__let_go();                                                                                 \
        }                                                                                                      \
        return result;                                                                                         \
    }                                                                                                          \
    NEXT_LINE_END

WAIT_FOR(sigwait, (const sigset_t *set, int *signal), (set, signal));
WAIT_FOR(sigwaitinfo, (const sigset_t *set, siginfo_t *info), (set, info));
WAIT_FOR(sigtimedwait, (const sigset_t *set, siginfo_t *info, const struct timespec *timeout),
         (set, info, timeout));

static const sigset_t *with(const sigset_t *set, sigset_t *copy)
{
    if (set == NULL || !profile__self.armed) {
        return set;
    }
    *copy = *set;
    sigaddset(copy, profile.signal);
    return copy;
}

NEXT_OF(NULL, int, sigsuspend, (const sigset_t *set), (set));
int sigsuspend(const sigset_t *set)
{
    sigset_t copy;
    return NEXT(sigsuspend)(with(set, &copy));
}
NEXT_EXPORT int __sigsuspend(const sigset_t *set);
int __sigsuspend(const sigset_t *set)
{
    return sigsuspend(set);
}
