/* SPDX-License-Identifier: MIT */
/*
 * A timer for each thread, on its own CPU clock, made by the thread itself: the first one when we start,
 * others before their start routine, through pthread_create and thrd_create. It goes with the thread,
 * whichever way that ends, by the destructor of a key.
 *
 * Not sampled: threads that are made by the bare clone call, or by libc for itself (timers with
 * SIGEV_THREAD, aio), children of _Fork and of the bare system calls, and processes that drop LD_PRELOAD
 * from their environment.
 *
 * Expirations do not follow a program that does the same again and again at their own pace: the time between
 * two is random, from half an interval to one and a half (Cox and Miller, The Theory of Stochastic Processes,
 * 1965, chapter 9: a renewal process). Each stands for one interval, which is the mean. The handler sets the
 * timer for the next one. Due times go on from due times and not from samples, which come later, with the
 * kernel's tick; so all time is accounted for.
 *
 * The first expiration comes when the next one of such a process would that has run for ever, so that the
 * expectation of a thread's expirations is its time in intervals, however short it lives. But those that fall
 * behind the last tick of the kernel in a thread never arrive: they are counted as missed_expirations.
 */
#include "preload/profile.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <threads.h>
#include <unistd.h>

#include <linux/seccomp.h>

PROFILE_TLS struct profile_thread profile__self;

static pthread_key_t key;
static bool have_key;

/* All armed threads. Held for a few stores; who cannot have the lock soon goes without. */
static struct profile_thread *threads;
static uint32_t lock;
static const struct profile_thread *lock_owner;

enum { LOCK_TRIES = 10000 };

static bool take_lock(void)
{
    for (int i = 0; i < LOCK_TRIES; i++) {
        uint32_t idle = 0;
        if (__atomic_compare_exchange_n(&lock, &idle, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
            STORE(lock_owner, &profile__self);
            return true;
        }
        if (!LOAD(profile.sandboxed)) {
            sched_yield();
        }
    }
    return false;
}

static void drop_lock(void)
{
    STORE(lock_owner, NULL);
    __atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
}

static void change_mask(int how)
{
    uint64_t set = UINT64_C(1) << (profile.signal - 1);
    profile_call(SYS_rt_sigprocmask, how, (long)(uintptr_t)&set, 0, sizeof(set));
}

void profile__hold(const void *function)
{
    STORE(profile__self.held, (uint64_t)(uintptr_t)function);
    change_mask(SIG_BLOCK);
}

void profile__let_go(void)
{
    if (!LOAD(profile.sandboxed)) {
        change_mask(SIG_UNBLOCK); /* what is pending is delivered now, and what expires meanwhile behind it */
    }
    STORE(profile__self.held, 0);
}

static clockid_t timer_clock(void)
{
    return (profile.flags & TARE_SAMPLES_WALL) != 0 ? CLOCK_MONOTONIC : CLOCK_THREAD_CPUTIME_ID;
}

/* splitmix64 (Steele, Lea and Flood, 2014) of what differs from thread to thread and from run to run. */
static uint64_t random_seed(void)
{
    uint64_t mixed =
        profile__now(CLOCK_MONOTONIC) ^ (uint64_t)profile__self.tid << 32 ^ (uint64_t)(uintptr_t)&profile__self;
    mixed += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return (mixed ^ mixed >> 31) | 1;
}

/* xorshift64* (Vigna, 2016). Intervals are so far below 2^64 that the remainder is as good as uniform. */
static uint64_t random_below(struct profile_thread *thread, uint64_t limit)
{
    uint64_t x = thread->random;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    thread->random = x;
    return (x * UINT64_C(0x2545f4914f6cdd1d) >> 8) % limit;
}

static uint64_t random_interval(struct profile_thread *thread)
{
    return profile.interval_ns / 2 + random_below(thread, profile.interval_ns + 1);
}

/*
 * From any time to the next expiration: that time lies anywhere in an interval, and in a long one rather than
 * in a short one, in proportion to its length.
 */
static uint64_t random_rest(struct profile_thread *thread)
{
    uint64_t longest = profile.interval_ns + profile.interval_ns / 2, interval;
    do {
        interval = random_interval(thread);
    } while (random_below(thread, longest) >= interval);
    return 1 + random_below(thread, interval);
}

static struct timespec timespec_of(uint64_t ns)
{
    return (struct timespec){.tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u)};
}

/* For due_ns. Should nobody set it again, it goes on. */
static bool set_timer(const struct profile_thread *thread)
{
    struct itimerspec setting = {
        .it_value = timespec_of(thread->due_ns),
        .it_interval = timespec_of(profile.interval_ns),
    };
    return profile_call(SYS_timer_settime, thread->timer, TIMER_ABSTIME, (long)(uintptr_t)&setting, 0) == 0;
}

/* Counts what is due until now, and moves due_ns behind it. */
static uint64_t expire(struct profile_thread *thread)
{
    enum { ONE_BY_ONE = 64 }; /* after a wait of many more, their mean is as good */
    uint64_t now = profile__now(timer_clock()), count = 0;
    if (now >= thread->due_ns && (now - thread->due_ns) / profile.interval_ns > ONE_BY_ONE) {
        count = (now - thread->due_ns) / profile.interval_ns - 1;
        thread->due_ns += count * profile.interval_ns;
    }
    for (; thread->due_ns <= now; count++) {
        thread->due_ns += random_interval(thread);
    }
    return count;
}

uint64_t profile__expirations(struct profile_thread *thread)
{
    uint64_t count = expire(thread);
    set_timer(thread);
    return count;
}

/* With the lock, so that who stops all timers misses none. */
static void arm(struct profile_thread *thread)
{
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = profile.signal};
    event.sigev_value.sival_ptr = (void *)(uintptr_t)profile__mark();
    if (!LOAD(profile.active)) {
        return;
    }
    bool locked = take_lock();
    if (!LOAD(profile.active)) { /* meanwhile */
        if (locked) {
            drop_lock();
        }
        return;
    }
    thread->tid = (uint32_t)syscall(SYS_gettid);
    event._sigev_un._tid = (pid_t)thread->tid;
    bool has_stack = locked && have_key && profile__stack_begin(thread);
    if (!has_stack || syscall(SYS_timer_create, timer_clock(), &event, &thread->timer) != 0) {
        ADD(profile.samples->missed_threads, 1);
        if (has_stack) {
            profile__stack_end(thread);
        }
        if (locked) {
            drop_lock();
        }
        return;
    }
    prctl(PR_GET_NAME, thread->name);
    thread->renamed = true;
    thread->held = 0;
    thread->block = NULL;
    thread->self = pthread_self();
    thread->random = random_seed();
    thread->previous = NULL;
    thread->next = threads;
    if (threads != NULL) {
        threads->previous = thread;
    }
    threads = thread;
    thread->armed = true;
    thread->due_ns = profile__now(timer_clock()) + random_rest(thread);
    /* Without a value the destructor would not come; it does not allocate for the first 32 keys. */
    if (pthread_setspecific(key, thread) != 0 || !set_timer(thread)) {
        thread->armed = false;
        threads = thread->next;
        if (threads != NULL) {
            threads->previous = NULL;
        }
        thread->next = NULL;
        syscall(SYS_timer_delete, thread->timer);
        profile__stack_end(thread);
        ADD(profile.samples->missed_threads, 1);
    }
    change_mask(SIG_UNBLOCK); /* it is inherited, by exec too, or comes from the thread's attributes */
    drop_lock();
}

/* What has expired, but was never delivered. */
static void count_missed(struct profile_thread *thread)
{
    uint64_t missed = expire(thread);
    if (missed != 0) {
        ADD(profile.samples->missed_expirations, missed);
    }
}

/* Off the list, even where it was disarmed before. */
static void disarm(void *data)
{
    struct profile_thread *thread = data;
    bool armed = thread->armed;
    int saved = errno;
    thread->armed = false;
    if (!LOAD(profile.sandboxed)) { /* what is on its way does not come where there is no stack for it */
        change_mask(SIG_BLOCK);
    }
    /*
     * Its memory is about to go: it must not stay in the list. It is ours already if a handler of the program
     * ends the thread from within arm(), and nobody's if _Fork left us alone with it.
     */
    while (!take_lock() && LOAD(lock_owner) != &profile__self &&
           (LOAD(profile.sandboxed) || (uint32_t)getpid() == profile.pid)) {
    }
    if (thread->previous != NULL) {
        thread->previous->next = thread->next;
    } else if (threads == thread) {
        threads = thread->next;
    }
    if (thread->next != NULL) {
        thread->next->previous = thread->previous;
    }
    thread->next = thread->previous = NULL;
    drop_lock();
    if (armed && !LOAD(profile.sandboxed)) {
        syscall(SYS_timer_delete, thread->timer);
        if (LOAD(profile.samples->stopped) == 0) {
            count_missed(thread);
        }
    }
    if (!LOAD(profile.sandboxed)) {
        profile__stack_end(thread);
    }
    errno = saved;
}

void profile__thread_stop(struct profile_thread *thread)
{
    if (thread->armed) {
        thread->armed = false;
        syscall(SYS_timer_delete, thread->timer);
        ADD(profile.samples->missed_threads, 1);
    }
}

void profile__threads_stop(void)
{
    STORE(profile.active, false);
    if (take_lock()) {
        for (struct profile_thread *thread = threads; thread != NULL; thread = thread->next) {
            if (thread->armed) {
                thread->armed = false;
                syscall(SYS_timer_delete, thread->timer);
            }
        }
        drop_lock();
    }
}

/* ---- sandboxes ---- */

/* A timer that is not set does nothing, and can be set again. */
static void set_all_timers(bool on)
{
    static const struct itimerspec off;
    for (struct profile_thread *thread = threads; thread != NULL; thread = thread->next) {
        if (on ? thread->stopped : thread->armed) {
            thread->stopped = !on;
            thread->armed = on;
            if (!on) {
                syscall(SYS_timer_settime, thread->timer, 0, &off, NULL);
            } else {
                set_timer(thread);
            }
        }
    }
}

/* A handler that runs now may still ask the kernel for something. */
static void wait_for_handlers(void)
{
    enum { TRIES = 1000 };
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* pairs with that of the handler */
    for (const struct profile_thread *thread = threads; thread != NULL; thread = thread->next) {
        for (int i = 0; i < TRIES && thread != &profile__self && LOAD(thread->busy); i++) {
            syscall(SYS_nanosleep, &(struct timespec){0, 100000}, NULL);
        }
    }
}

bool profile__enter_sandbox(void)
{
    int saved = errno;
    /* A child of vfork has our memory, but no timers. */
    bool stops = LOAD(profile.active) && (uint32_t)getpid() == profile.pid && take_lock();
    if (stops) {
        STORE(profile.active, false);
        set_all_timers(false);
        wait_for_handlers();
        STORE(profile.sandboxed, true);
        ADD(profile.samples->sandboxed, 1);
        drop_lock();
    }
    errno = saved;
    return stops;
}

void profile__stay_outside(void)
{
    int saved = errno;
    STORE(profile.sandboxed, false);
    if (take_lock()) {
        ADD(profile.samples->sandboxed, -1);
        STORE(profile.active, true);
        set_all_timers(true);
        drop_lock();
    }
    errno = saved;
}

bool profile__is_sandbox(int option, unsigned long mode, unsigned long filter)
{
    /* Without a filter, it is a question whether there could be one. */
    return option == PR_SET_SECCOMP &&
           (mode == SECCOMP_MODE_STRICT || (mode == SECCOMP_MODE_FILTER && filter != 0));
}

/* ---- fork ---- */

/* The list was the parent's, and so is who may have been at it. */
static void forget_threads(void)
{
    lock = 0;
    lock_owner = NULL;
    threads = NULL;
    profile__self.next = profile__self.previous = NULL;
}

/* Timers stay with the parent, and so do the other threads. */
static void in_child(void)
{
    int saved = errno;
    uint32_t parent = profile.pid;
    if (LOAD(profile.sandboxed)) {
        forget_threads();
        return;
    }
    profile.pid = (uint32_t)getpid();
    /* They were not just changing it; what they have themselves is still there to read. */
    for (struct profile_thread *other = lock == 0 ? threads : NULL; other != NULL; other = other->next) {
        if (other != &profile__self) {
            profile__stack_drop(other);
        }
    }
    forget_threads();
    profile__modules_in_child();
    profile__self.armed = false;
    if (LOAD(profile.active)) {
        profile__self.tid = (uint32_t)syscall(SYS_gettid);
        profile__announce(TARE_SAMPLES_FORKED, parent);
        arm(&profile__self);
    }
    errno = saved;
}

void profile__threads_start(void)
{
    have_key = pthread_key_create(&key, disarm) == 0;
    pthread_atfork(profile__modules_before_fork, profile__modules_behind_fork, in_child);
    arm(&profile__self);
}

/* The first thread's end of the process: its key is not destroyed by exit(). */
__attribute__((destructor)) static void end(void)
{
    if (profile__self.armed && (uint32_t)getpid() == profile.pid) {
        count_missed(&profile__self);
    }
}

/* ---- threads ---- */

struct beginning {
    union {
        void *(*routine)(void *);
        thrd_start_t c11;
    };
    void *argument;
    bool masked;
};

NEXT_OF(NULL, int, pthread_create,
        (pthread_t * thread, const pthread_attr_t *attributes, void *(*routine)(void *), void *argument),
        (thread, attributes, routine, argument));
NEXT_OF(NULL, int, thrd_create, (thrd_t * thread, thrd_start_t routine, void *argument),
        (thread, routine, argument));

static struct beginning begin_thread(void *data)
{
    struct beginning beginning = *(struct beginning *)data;
    int saved = errno;
    free(data);
    profile__self.masked = beginning.masked;
    arm(&profile__self);
    errno = saved;
    return beginning;
}

static void *run(void *data)
{
    struct beginning beginning = begin_thread(data);
    return beginning.routine(beginning.argument);
}

static int run_c11(void *data)
{
    struct beginning beginning = begin_thread(data);
    return beginning.c11(beginning.argument);
}

/* NULL: the thread is not to be sampled, or cannot be. */
static struct beginning *beginning_of(void *argument)
{
    profile__start();
    if (!LOAD(profile.active) || (profile.flags & TARE_SAMPLES_MAIN_ONLY) != 0) {
        return NULL;
    }
    profile_catch_up();
    int saved = errno;
    struct beginning *beginning = malloc(sizeof(*beginning));
    errno = saved;
    if (beginning == NULL) {
        ADD(profile.samples->missed_threads, 1);
        return NULL;
    }
    beginning->argument = argument;
    beginning->masked = profile__self.masked;
    return beginning;
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*routine)(void *),
                   void *argument)
{
    struct beginning *beginning = beginning_of(argument);
    if (beginning == NULL) {
        return NEXT(pthread_create)(thread, attributes, routine, argument);
    }
    beginning->routine = routine;
    int error = NEXT(pthread_create)(thread, attributes, run, beginning);
    if (error != 0) {
        free(beginning);
    }
    return error;
}

int thrd_create(thrd_t *thread, thrd_start_t routine, void *argument)
{
    struct beginning *beginning = beginning_of(argument);
    if (beginning == NULL) {
        return NEXT(thrd_create)(thread, routine, argument);
    }
    beginning->c11 = routine;
    int error = NEXT(thrd_create)(thread, run_c11, beginning);
    if (error != thrd_success) {
        free(beginning);
    }
    return error;
}

/* ---- names, and the door of a sandbox ---- */

static void rename_thread(struct profile_thread *thread, const char *name)
{
    size_t length = strnlen(name, sizeof(thread->name) - 1);
    memset(thread->name, 0, sizeof(thread->name));
    memcpy(thread->name, name, length);
    STORE(thread->renamed, true);
}

NEXT_OF(NULL, int, pthread_setname_np, (pthread_t thread, const char *name), (thread, name));
int pthread_setname_np(pthread_t thread, const char *name)
{
    int error = NEXT(pthread_setname_np)(thread, name);
    if (error == 0 && LOAD(profile.active) && take_lock()) {
        for (struct profile_thread *it = threads; it != NULL; it = it->next) {
            if (pthread_equal(it->self, thread)) {
                rename_thread(it, name);
            }
        }
        drop_lock();
    }
    return error;
}

/*
 * A process that filters its system calls may be killed for those that its authors did not think of. Signals
 * alone take one. So before it does, its timers are stopped, and from then on nothing of ours calls the system.
 * The other way to ask for it is syscall() (profile_transfer.c); libc has no third one.
 */
NEXT_EXPORT int prctl(int option, ...);
static int (*next_prctl)(int, ...);
NEXT_ENTRY(NULL, prctl);
int prctl(int option, ...)
{
    unsigned long arguments[4];
    va_list list;
    va_start(list, option);
    for (int i = 0; i < 4; i++) {
        arguments[i] = va_arg(list, unsigned long);
    }
    va_end(list);
    if (NEXT(prctl) == NULL && !next__resolve(&entry_prctl)) {
        errno = ENOSYS;
        return -1;
    }
    bool entered = profile__is_sandbox(option, arguments[0], arguments[1]) && profile__enter_sandbox();
    int result = NEXT(prctl)(option, arguments[0], arguments[1], arguments[2], arguments[3]);
    if (entered && result != 0) {
        profile__stay_outside();
    }
    if (result == 0 && option == PR_SET_NAME && profile__self.armed) {
        rename_thread(&profile__self, (const char *)arguments[0]);
    }
    return result;
}
