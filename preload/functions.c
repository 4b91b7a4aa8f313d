/* SPDX-License-Identifier: MIT */
/*
 * The functions of a program as timers, without a word about tare in its source: libtare-functions.so takes
 * the calls that compilers put into functions. With -finstrument-functions there is one at the beginning and
 * one at the end. With -pg, and where room for a call was left and filled in, there is only one at the
 * beginning, which puts an address of ours in the place of the function's return address; so we hear of its
 * end, and go on to where it would have returned to.
 *
 * A thread keeps its open functions on a stack of its own beside the real one, in memory that is reserved
 * once and touched as it is needed. A frame remembers how deep in the real stack it began: frames that lie
 * deeper than one that now begins or ends were left by longjmp or an exception, and are dropped, as with any
 * scope that was left so. Signal handlers push and pop above whatever they interrupted.
 *
 * What address belongs to which timer is found in a hash table without a lock, into which an address is entered
 * when it is first seen.
 */
#include "preload/functions_parts.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    FRAMES_MAX = 1 << 17, /* of one thread; a stack of 8 MB holds some 170,000 of the smallest functions */
    FRAMES_MIN = 1 << 10, /* where memory is limited */
    KNOWN_MIN = 1 << 12,
};

/* One for each thread; the memory of a thread that ends is given back by the key's destructor. */
_Thread_local struct frames *functions__frames __attribute__((tls_model("initial-exec")));
static _Thread_local bool thread_is_over __attribute__((tls_model("initial-exec")));
static pthread_key_t key;
static bool have_key;

/*
 * Open addressing. `address` is claimed first, and the timer stored behind: whoever comes in between looks it
 * up itself.
 */
struct known {
    uintptr_t address;
    uintptr_t what; /* the timer and FUNCTIONS_COPY...; 0: not yet; NOBODY: none */
};
static tare_timer nobody;
#define NOBODY ((uintptr_t)&nobody)

static struct known none_known[1];
static struct known *known = none_known;
static size_t known_mask;
static size_t known_count; /* claimed so far */

static inline size_t place_of(uintptr_t address)
{
    return (size_t)((uint64_t)address * UINT64_C(0x9e3779b97f4a7c15) >> 32) & known_mask;
}

bool functions__know_init(size_t functions)
{
    size_t size = KNOWN_MIN;
    while (size < 4 * functions) {
        size *= 2;
    }
    void *memory =
        mmap(NULL, size * sizeof(*known), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return false;
    }
    known = memory; /* before the mask, for a hook that comes in between */
    __atomic_store_n(&known_mask, size - 1, __ATOMIC_RELEASE);
    return true;
}

/* Finds out what the address is, and remembers it while there is room. */
static FUNCTIONS_SLOW uintptr_t look_up(uintptr_t address)
{
    int saved = errno;
    bool unsure = false;
    uintptr_t what = functions__what_is_at(address, &unsure);
    errno = saved;
    if (unsure) {
        return 0;
    }
    for (size_t at = place_of(address);; at = (at + 1) & known_mask) {
        uintptr_t there = __atomic_load_n(&known[at].address, __ATOMIC_RELAXED);
        if (there == 0) {
            if (__atomic_load_n(&known_count, __ATOMIC_RELAXED) > known_mask / 2) {
                return what; /* code that no table knows, much of it */
            }
            if (!__atomic_compare_exchange_n(&known[at].address, &there, address, false, __ATOMIC_RELAXED,
                                             __ATOMIC_RELAXED)) {
                if (there != address) {
                    continue;
                }
            } else {
                __atomic_fetch_add(&known_count, 1, __ATOMIC_RELAXED);
            }
            there = address;
        }
        if (there == address) {
            __atomic_store_n(&known[at].what, what != 0 ? what : NOBODY, __ATOMIC_RELEASE);
            return what;
        }
    }
}

/* The timer, and where its function has its return address, if that is unusual; 0: not to be timed. */
static inline uintptr_t what_is(uintptr_t address)
{
    for (size_t at = place_of(address);; at = (at + 1) & known_mask) {
        uintptr_t there = __atomic_load_n(&known[at].address, __ATOMIC_RELAXED);
        if (likely(there == address)) {
            uintptr_t what = __atomic_load_n(&known[at].what, __ATOMIC_ACQUIRE);
            if (likely(what != 0)) {
                return what != NOBODY ? what : 0;
            }
            return look_up(address);
        }
        if (there == 0) {
            return look_up(address);
        }
    }
}

static inline tare_timer *timer_of(uintptr_t address)
{
    return (tare_timer *)(what_is(address) & ~(uintptr_t)FUNCTIONS_COPY);
}

static inline bool is_enabled(const tare_timer *timer)
{
    return __atomic_load_n(__atomic_load_n(&timer->enabled, __ATOMIC_RELAXED), __ATOMIC_RELAXED) != 0;
}

/*
 * The frames of all threads, and of those that are over, whose memory the next ones take: it is never given
 * back, as another thread may be looking for a return address in it.
 */
static struct frames *all_frames;

#if FUNCTIONS_CAN_RETURN
/*
 * Return addresses of frames that looked as if they had been left. One of a stack that the program switched
 * away from has not been, and returns when it is switched back: on whatever thread, and untimed, but to where
 * it came from. Each has some places, of which the one goes that was begun first; those of longjmp are never
 * asked for.
 */
enum { AWAY_BITS = 16, AWAY_PLACES = 32, AWAY_BUSY = 1 };
static struct away {
    uintptr_t slot, original; /* slot 0: free; AWAY_BUSY: being written */
    uint64_t since;
} away[1 << AWAY_BITS];

static struct away *away_place(uintptr_t slot, size_t which)
{
    size_t place = (size_t)((uint64_t)(slot / 8) * UINT64_C(0x9e3779b97f4a7c15) >> (64 - AWAY_BITS));
    return &away[(place + which) % (1 << AWAY_BITS)];
}

static bool is_since(uint64_t later, uint64_t earlier)
{
    return (int64_t)(later - earlier) >= 0;
}

static void put_away(const struct frame *frame)
{
    uint64_t since = frame->span.start_ticks;
    for (int tries = 0; tries < AWAY_PLACES; tries++) { /* another thread may be faster at the place */
        struct away *best = NULL;
        uintptr_t best_slot = 0;
        for (size_t i = 0; i < AWAY_PLACES; i++) {
            struct away *one = away_place(frame->stack, i);
            uintptr_t slot = __atomic_load_n(&one->slot, __ATOMIC_ACQUIRE);
            if (slot == AWAY_BUSY) {
                continue;
            }
            if (slot == frame->stack) {
                best = one;
                best_slot = slot;
                break;
            }
            if (best == NULL || (best_slot != 0 && (slot == 0 || is_since(best->since, one->since)))) {
                best = one;
                best_slot = slot;
            }
        }
        if (best != NULL && __atomic_compare_exchange_n(&best->slot, &best_slot, AWAY_BUSY, false,
                                                        __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
            __atomic_store_n(&best->original, frame->original, __ATOMIC_RELAXED);
            __atomic_store_n(&best->since, since, __ATOMIC_RELAXED);
            __atomic_store_n(&best->slot, frame->stack, __ATOMIC_RELEASE);
            return;
        }
    }
}

/*
 * Where a function goes on whose frame this thread does not have: from what was put away, and from the frames
 * of all threads, as one that is on a stack which another thread went on with still is among those of the
 * first. Of several that had the same place on that stack it is the one that was begun last. 0: nobody knows.
 */
static uintptr_t find_elsewhere(uintptr_t slot)
{
    uintptr_t original = 0, *taken = NULL;
    uint64_t since = 0;
    for (struct frames *one = __atomic_load_n(&all_frames, __ATOMIC_ACQUIRE); one != NULL; one = one->next) {
        struct frame *top = __atomic_load_n(&one->top, __ATOMIC_ACQUIRE);
        for (struct frame *frame = one->first + 1; frame < top && frame < one->limit; frame++) {
            if (__atomic_load_n(&frame->stack, __ATOMIC_RELAXED) != slot) {
                continue;
            }
            uintptr_t found = __atomic_load_n(&frame->original, __ATOMIC_RELAXED);
            if (found == 0 || found == (uintptr_t)functions__return ||
                __atomic_load_n(&frame->is_put_back, __ATOMIC_RELAXED)) {
                continue;
            }
            if (original == 0 || is_since(frame->span.start_ticks, since)) {
                original = found;
                taken = &frame->original;
                since = frame->span.start_ticks;
            }
        }
    }
    for (size_t i = 0; i < AWAY_PLACES; i++) {
        struct away *one = away_place(slot, i);
        if (__atomic_load_n(&one->slot, __ATOMIC_ACQUIRE) == slot) {
            uintptr_t found = __atomic_load_n(&one->original, __ATOMIC_RELAXED);
            uint64_t begun = __atomic_load_n(&one->since, __ATOMIC_RELAXED);
            if (__atomic_load_n(&one->slot, __ATOMIC_ACQUIRE) == slot && found != 0 &&
                (original == 0 || is_since(begun, since))) {
                original = found;
                taken = &one->original;
                since = begun;
            }
        }
    }
    if (taken != NULL) { /* it returns once */
        __atomic_store_n(taken, 0, __ATOMIC_RELAXED);
    }
    return original;
}
#endif

static void frames_reset(struct frames *frames)
{
    __atomic_store_n(&frames->top, frames->first + 1, __ATOMIC_RELEASE);
    frames->beyond = 0;
    frames->put_back = false;
    frames->have_returns = false;
}

static void release(void *value)
{
    struct frames *frames = value;
    thread_is_over = true;
    functions__frames = NULL;
    for (struct frame *frame = frames->top - 1; frame > frames->first; frame--) {
        if (frame >= frames->limit) {
            continue;
        }
#if FUNCTIONS_CAN_RETURN
        if (frame->original != 0 && !frame->is_put_back) {
            put_away(frame); /* on a stack that outlives this thread */
        }
#endif
        if (frame->span.timer != NULL) {
            tare__drop(&frame->span);
        }
    }
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t second = ((uintptr_t)frames->first + page) & ~(page - 1);
    frames_reset(frames);
    madvise((void *)second, (uintptr_t)frames + frames->bytes - second, MADV_DONTNEED);
    __atomic_store_n(&frames->is_taken, false, __ATOMIC_RELEASE);
}

void functions__init_threads(void)
{
    have_key = pthread_key_create(&key, release) == 0;
}

static struct frames *frames_of_one_gone(void)
{
    for (struct frames *one = __atomic_load_n(&all_frames, __ATOMIC_ACQUIRE); one != NULL; one = one->next) {
        bool is_taken = __atomic_load_n(&one->is_taken, __ATOMIC_RELAXED);
        if (!is_taken && __atomic_compare_exchange_n(&one->is_taken, &is_taken, true, false, __ATOMIC_ACQUIRE,
                                                     __ATOMIC_RELAXED)) {
            return one;
        }
    }
    return NULL;
}

static struct frames *frames_map(void)
{
    size_t bytes = 0;
    void *memory = MAP_FAILED;
    for (size_t count = FRAMES_MAX; count >= FRAMES_MIN && memory == MAP_FAILED; count /= 8) {
        bytes = sizeof(struct frames) + (count + 2) * sizeof(struct frame);
        memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    }
    if (memory == MAP_FAILED) {
        return NULL;
    }
    struct frames *frames = memory;
    frames->bytes = bytes;
    frames->limit = frames->first + (bytes - sizeof(struct frames)) / sizeof(struct frame) - 1;
    frames->first[0].stack = UINTPTR_MAX;
    frames->is_taken = true;
    frames_reset(frames);
    frames->next = __atomic_load_n(&all_frames, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&all_frames, &frames->next, frames, true, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED)) {
    }
    return frames;
}

/* May run in a signal handler. NULL, and this thread's functions are not timed, without memory. */
static FUNCTIONS_SLOW struct frames *frames_make(void)
{
    if (thread_is_over || !have_key) {
        return NULL;
    }
    int saved = errno;
    struct frames *frames = frames_of_one_gone();
    if (frames == NULL && (frames = frames_map()) == NULL) {
        thread_is_over = true;
    }
    errno = saved;
    if (functions__frames != NULL) { /* a handler was faster */
        if (frames != NULL) {
            __atomic_store_n(&frames->is_taken, false, __ATOMIC_RELEASE);
        }
        thread_is_over = false;
        return functions__frames;
    }
    if (frames != NULL) {
        functions__frames = frames;
        pthread_setspecific(key, frames);
    }
    return frames;
}

/*
 * Where this thread is on its alternate signal stack, frames of the stack that it interrupted say nothing about
 * what was left.
 */
static bool is_within(const stack_t *alternate, uintptr_t stack)
{
    return stack - (uintptr_t)alternate->ss_sp <= alternate->ss_size;
}

static bool on_alternate(uintptr_t stack, stack_t *alternate)
{
    return sigaltstack(NULL, alternate) == 0 && (alternate->ss_flags & SS_ONSTACK) != 0 &&
           is_within(alternate, stack);
}

/* Ends what an exception left, and drops what longjmp did. */
static void frame_left(const struct frames *frames, struct frame *frame)
{
#if FUNCTIONS_CAN_RETURN
    if (frame->original != 0 && !frame->is_put_back) {
        put_away(frame);
    }
#endif
    if (frame->span.timer == NULL) {
        return;
    }
    if (frames->put_back && frame->is_put_back) {
        tare__end(&frame->span);
    } else {
        tare__drop(&frame->span);
    }
}

FUNCTIONS_SLOW void functions__leave(struct frames *frames, uintptr_t stack)
{
    int saved = errno;
    stack_t alternate;
    bool aside = on_alternate(stack, &alternate);
    while (frames->top[-1].stack < stack && (!aside || is_within(&alternate, frames->top[-1].stack))) {
        struct frame *frame = frames->top - 1;
        if (frame == frames->limit) { /* the one that stands for all beyond it */
            frames->beyond = 0;
        } else {
            frame_left(frames, frame);
        }
        frames->top = frame; /* not one less: a handler that came in between may have been faster */
    }
    errno = saved;
}

/*
 * The last frame is never a function's: when it is on top, `beyond` functions lie deeper than there are frames.
 * It looks as if it had been left, so that every begin and end comes by here.
 */
static FUNCTIONS_SLOW struct frame *frame_beyond(struct frames *frames, uintptr_t stack, bool counted)
{
    if (frames->top - 1 == frames->limit && frames->limit[-1].stack < stack) {
        frames->beyond = 0; /* it was left with what is below it */
        frames->top--;
        functions__leave(frames, stack);
    }
    if (frames->top < frames->limit) {
        return frames->top;
    }
    if (frames->top == frames->limit) {
        frames->limit->span.timer = NULL;
        frames->limit->function = 0;
        frames->limit->original = 0;
        frames->limit->stack = 0;
        frames->top++;
    }
    frames->beyond += counted;
    return NULL;
}

/* The frame for a function that begins so deep; NULL: there is none, nor will there be an end. */
static inline __attribute__((always_inline)) struct frame *frame_next(struct frames *frames, uintptr_t stack,
                                                                      bool counted)
{
    struct frame *frame = frames->top;
    if (unlikely(frame[-1].stack < stack)) {
        if (frame - 1 == frames->limit) {
            return frame_beyond(frames, stack, counted);
        }
        functions__leave(frames, stack);
        frame = frames->top;
    }
    if (unlikely(frame >= frames->limit)) {
        return frame_beyond(frames, stack, counted);
    }
    return frame;
}

/* How deep the caller's frame lies. */
#define STACK() ((uintptr_t)__builtin_dwarf_cfa())

FUNCTIONS_EXPORT void __cyg_profile_func_enter(void *function, void *site);
FUNCTIONS_EXPORT void __cyg_profile_func_exit(void *function, void *site);

/*
 * Makes the frame the topmost, as of a function `function` or one with return address `original`. A handler
 * that comes in between uses the same frame, and leaves its own words in it: then, once more. From the moment
 * on in which it is on top and complete, handlers stay above it.
 */
static inline __attribute__((always_inline)) void frame_take(struct frames *frames, struct frame *frame,
                                                             uintptr_t function, uintptr_t stack,
                                                             uintptr_t original)
{
    do {
        frame->span.timer = NULL;
        frame->function = function;
        frame->original = original;
        frame->stack = stack;
        frame->is_put_back = 0;
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        frames->top = frame + 1;
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
    } while (unlikely(frame->stack != stack || frame->function != function || frame->original != original ||
                      frames->top != frame + 1));
}

/*
 * The last thing is a jump to tare__begin, so that nothing of ours lies between the reading of the clock and
 * the function. A frame is kept also where the timer is off, so that begin and end match whatever is
 * switched.
 */
void __cyg_profile_func_enter(void *function, void *site)
{
    (void)site;
    tare_timer *timer = timer_of((uintptr_t)function);
    if (timer == NULL) {
        return;
    }
    struct frames *frames = functions__frames;
    if (unlikely(frames == NULL) && (frames = frames_make()) == NULL) {
        return;
    }
    uintptr_t stack = STACK();
    struct frame *frame = frame_next(frames, stack, true);
    if (unlikely(frame == NULL)) {
        if (is_enabled(timer)) {
            functions__lost();
        }
        return;
    }
    frame_take(frames, frame, (uintptr_t)function, stack, 0);
    if (is_enabled(timer)) {
        tare__begin(timer, &frame->span);
    }
}

static inline __attribute__((always_inline)) void frame_end(struct frames *frames, struct frame *frame)
{
    if (likely(frame->span.timer != NULL)) {
        tare__end(&frame->span);
    }
    __atomic_signal_fence(__ATOMIC_SEQ_CST); /* until then handlers stay above it */
    frames->top = frame;
}

/*
 * One that is not on top: not timed, too deep, or below others that were left. `is_jump`: see below; then
 * `stack` is where the function's caller was, and what is deeper is all of the function or left.
 */
static FUNCTIONS_SLOW void exit_seldom(struct frames *frames, uintptr_t function, uintptr_t stack, bool is_jump)
{
    if (timer_of(function) == NULL) {
        return;
    }
    if (frames->top - 1 == frames->limit) {
        if (frames->limit[-1].stack >= stack && frames->beyond != 0) {
            frames->beyond--;
            frames->top -= frames->beyond == 0;
            return;
        }
        frames->beyond = 0;
        frames->top--;
    }
    struct frame *frame = frames->top - 1;
    if (is_jump) { /* the outermost of the function among all that is deeper than its caller */
        int saved = errno;
        stack_t alternate;
        bool aside = on_alternate(stack, &alternate);
        while (frame > frames->first && frame[-1].stack < stack &&
               (!aside || is_within(&alternate, frame[-1].stack))) {
            frame--;
        }
        while (frame < frames->top - 1 && frame->function != function) {
            frame++;
        }
        errno = saved;
    }
    /* Those above are of functions that were left, or of a handler that left from a stack further out. */
    while (frame > frames->first && (frame->function != function || (!is_jump && frame->stack < stack))) {
        frame--;
    }
    if (frame > frames->first) {
        for (struct frame *above = frames->top - 1; above > frame; above--) {
            frame_left(frames, above);
            frames->top = above;
        }
        frame_end(frames, frame);
    }
}

/*
 * Called from within the function, whose frame then is no higher than at its begin; or jumped to at its end, as
 * gcc does where there is no result to be kept meanwhile: then our return address is the function's, which the
 * compiler passes on as `site`, and its frame is gone already.
 */
void __cyg_profile_func_exit(void *function, void *site)
{
    struct frames *frames = functions__frames;
    if (unlikely(frames == NULL)) {
        return;
    }
    struct frame *frame = frames->top - 1;
    uintptr_t stack = STACK();
    bool is_jump = __builtin_return_address(0) == site;
    if (unlikely(frame->function != (uintptr_t)function || frame[is_jump ? -1 : 0].stack < stack)) {
        exit_seldom(frames, (uintptr_t)function, stack, is_jump);
        return;
    }
    frame_end(frames, frame);
}

#if FUNCTIONS_CAN_RETURN

/*
 * Where the return address is of a function that found its stack not aligned, and pushed a copy of it: below
 * the arguments, whose place a register holds. NULL: not there.
 */
static FUNCTIONS_SLOW uintptr_t *behind_copy(uintptr_t what, uintptr_t *copy, uintptr_t r10, uintptr_t r13)
{
    enum { FAR = 1 << 16 };
    uintptr_t *slot = (uintptr_t *)((what & FUNCTIONS_COPY_R10) != 0 ? r10 : r13) - 1;
    if (slot <= copy || (uintptr_t)slot - (uintptr_t)copy > FAR || (uintptr_t)slot % 8 != 0 || *slot != *copy) {
        functions__lost();
        return NULL;
    }
    return slot;
}

/*
 * A function was entered that will not say when it ends. `address` is in it, `slot` where its return address
 * is: ours takes its place, unless the timer is off: then nothing of us is left in the function's way.
 * r10 and r13 are what the registers hold; only mcount needs them.
 *
 * A function that ended by jumping into this one has left it its return address, which is ours already.
 */
FUNCTIONS_HIDDEN void functions__enter(uintptr_t address, uintptr_t *slot, uintptr_t r10, uintptr_t r13);
void functions__enter(uintptr_t address, uintptr_t *slot, uintptr_t r10, uintptr_t r13)
{
    uintptr_t what = what_is(address);
    tare_timer *timer = (tare_timer *)(what & ~(uintptr_t)FUNCTIONS_COPY);
    if (timer == NULL || !is_enabled(timer)) {
        return;
    }
    if (unlikely((what & FUNCTIONS_COPY) != 0) && (slot = behind_copy(what, slot, r10, r13)) == NULL) {
        return;
    }
    struct frames *frames = functions__frames;
    if (unlikely(frames == NULL) && (frames = frames_make()) == NULL) {
        return;
    }
    struct frame *frame = frame_next(frames, (uintptr_t)slot, false);
    if (unlikely(frame == NULL)) {
        functions__lost();
        return;
    }
    if (unlikely(*slot == (uintptr_t)functions__return) && frame[-1].stack == (uintptr_t)slot &&
        frame[-1].original != 0) {
        frame--;
        if (frame->span.timer != NULL) {
            tare__end(&frame->span);
            frame->span.timer = NULL;
        }
    } else {
        frames->have_returns = true;
        frame_take(frames, frame, 0, (uintptr_t)slot, *slot);
        *slot = (uintptr_t)functions__return;
    }
    tare__begin(timer, &frame->span);
}

/*
 * Frames above that of a function which now returns were left. NULL: this thread has none of it.
 */
static FUNCTIONS_SLOW struct frame *find_slot(struct frames *frames, uintptr_t slot)
{
    struct frame *frame = frames->top - 1;
    while (frame > frames->first && (frame->stack != slot || frame->original == 0)) {
        frame--;
    }
    if (frame == frames->first) {
        return NULL;
    }
    for (struct frame *above = frames->top - 1; above > frame; above--) {
        if (above < frames->limit) {
            frame_left(frames, above);
        }
        frames->top = above;
    }
    frames->beyond = 0;
    return frame;
}

/* Where nobody can say where it goes on, the program ends here rather than somewhere. */
static FUNCTIONS_SLOW uintptr_t lost_return(uintptr_t slot)
{
    uintptr_t original = find_elsewhere(slot);
    if (original == 0) {
        __builtin_trap();
    }
    functions__lost();
    return original;
}

/* The function whose return address was at `slot` has returned. Returns where it goes on. */
FUNCTIONS_HIDDEN uintptr_t functions__leave_slot(uintptr_t slot);
uintptr_t functions__leave_slot(uintptr_t slot)
{
    struct frames *frames = functions__frames;
    struct frame *frame = frames != NULL ? frames->top - 1 : NULL;
    if (unlikely(frame == NULL || frame->stack != slot || frame->original == 0)) {
        frame = frames != NULL ? find_slot(frames, slot) : NULL;
        if (frame == NULL) {
            return lost_return(slot);
        }
    }
    uintptr_t original = frame->original;
    frame_end(frames, frame);
    return original;
}

#endif
