/* SPDX-License-Identifier: MIT */
/*
 * libtare-profile.so: the start in each process, the ring, and the signal handler that takes a sample.
 *
 * How a sample comes about: the kernel looks at a thread's CPU clock when its tick interrupts the thread
 * (every 4 ms at HZ=250). A timer that has expired sends the signal then; how many expirations were due until
 * now is the sample's weight (profile_thread.c). So above the rate of ticks there are no more samples, but
 * heavier ones, which keeps shares unbiased, while their error is that of the number of samples. By
 * CLOCK_MONOTONIC (TARE_SAMPLES_WALL), expirations are exact.
 *
 * The handler runs with all signals blocked, on the thread's alternate stack, which there always is
 * (profile_stack.c). It needs less than 1 KB beside what the kernel puts there, because addresses are written
 * into the ring where they shall be read.
 */
#include "preload/profile.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct profile profile;

enum {
    HEADER = 4096,
    INTERVAL_MIN_NS = 10000, /* more often than that, nothing but us would run */
    PATIENCE_MS = 100,
};

uint64_t profile__now(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- the ring ---- */

static struct tare_samples_slot *try_claim(uint32_t kind, uint64_t *number)
{
    struct tare_samples *samples = profile.samples;
    uint64_t head = LOAD(samples->head);
    do {
        /* Pairs with the reader's release: it has read the slot before it gives it away. */
        if (head - __atomic_load_n(&samples->tail, __ATOMIC_ACQUIRE) >= profile.slot_count) {
            return NULL;
        }
    } while (!__atomic_compare_exchange_n(&samples->head, &head, head + 1, true, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
    struct tare_samples_slot *slot =
        (void *)(profile.slots + head % profile.slot_count * (uint64_t)profile.slot_size);
    slot->kind = kind;
    slot->flags = 0;
    slot->pid = profile.pid;
    slot->tid = profile__self.tid;
    slot->parent_pid = 0;
    slot->count = 0;
    slot->time_ns = profile__now(CLOCK_MONOTONIC);
    *number = head;
    return slot;
}

struct tare_samples_slot *profile__claim(uint32_t kind, uint64_t *number)
{
    struct tare_samples_slot *slot = try_claim(kind, number);
    if (slot == NULL && kind != TARE_SAMPLES_SAMPLE) {
        ADD(profile.samples->lost_records, 1);
    }
    return slot;
}

void profile__publish(struct tare_samples_slot *slot, uint64_t number)
{
    __atomic_store_n(&slot->sequence, number + 1, __ATOMIC_RELEASE); /* pairs with the reader's acquire */
}

struct tare_samples_slot *profile__claim_patiently(uint32_t kind, uint64_t *number)
{
    static bool hopeless; /* nobody reads */
    struct tare_samples_slot *slot = try_claim(kind, number);
    for (int i = 0; slot == NULL && i < PATIENCE_MS && !LOAD(hopeless); i++) {
        syscall(SYS_nanosleep, &(struct timespec){0, 1000000}, NULL);
        slot = try_claim(kind, number);
    }
    if (slot == NULL) {
        STORE(hopeless, true);
        ADD(profile.samples->lost_records, 1);
    }
    return slot;
}

uint32_t profile__put_text(struct tare_samples_slot *slot, char *to, const char *text)
{
    size_t room = profile.slot_size - (size_t)(to - (char *)slot);
    size_t length = strlen(text);
    length = length < room ? length : room - 1;
    memcpy(to, text, length);
    to[length] = '\0';
    return (uint32_t)length + 1;
}

void profile__announce(uint32_t flags, uint32_t parent_pid)
{
    uint64_t number;
    struct tare_samples_slot *slot = profile__claim_patiently(TARE_SAMPLES_PROCESS, &number);
    if (slot == NULL) {
        return;
    }
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
    path[length > 0 ? length : 0] = '\0';
    slot->flags = flags;
    slot->parent_pid = parent_pid;
    slot->count = profile__put_text(slot, slot->text, path);
    profile__publish(slot, number);
}

static void announce_broken(const char *why)
{
    uint64_t number;
    ADD(profile.samples->broken, 1);
    struct tare_samples_slot *slot = profile__claim_patiently(TARE_SAMPLES_BROKEN, &number);
    if (slot != NULL) {
        slot->count = profile__put_text(slot, slot->text, why);
        profile__publish(slot, number);
    }
}

/* ---- the handler ---- */

static void tell_name(struct profile_thread *thread)
{
    uint64_t number;
    struct tare_samples_slot *slot = profile__claim(TARE_SAMPLES_THREAD, &number);
    if (slot != NULL) {
        slot->count = profile__put_text(slot, slot->text, thread->name);
        profile__publish(slot, number);
        thread->renamed = false;
    }
}

static void take_sample(struct profile_thread *thread, struct profile_stack *stack, const ucontext_t *context,
                        uint64_t weight)
{
    uint64_t number;
    if (thread->renamed) {
        tell_name(thread);
    }
    struct tare_samples_slot *slot = profile__claim(TARE_SAMPLES_SAMPLE, &number);
    if (slot == NULL) {
        ADD(profile.samples->lost, 1);
        ADD(profile.samples->lost_weight, weight);
        return;
    }
    slot->sample.weight = weight;
    slot->sample.timer = TARE_SAMPLES_NO_TIMER;
    slot->sample.page = 0;
    slot->count = profile__unwind(stack, context, slot->sample.addresses, profile.frames_max);
    if (stack->held != 0) { /* a handler of the program has left the call by longjmp */
        STORE(thread->held, 0);
    }
    slot->flags = stack->flags;
    if ((stack->flags & TARE_SAMPLES_CUT) != 0) {
        ADD(profile.samples->cut_unwinding, 1);
    }
    if ((profile.flags & TARE_SAMPLES_BY_TIMER) != 0 &&
        profile__scope(thread, stack, profile__stack_pointer(context), &slot->sample.timer,
                       &slot->sample.page)) {
        slot->flags |= TARE_SAMPLES_TIMER;
    }
    profile__publish(slot, number);
}

static const char our_timers; /* its address marks their signals */

static void handle(int signal, siginfo_t *info, void *context)
{
    struct profile_thread *thread = &profile__self;
    int saved = errno;
    (void)signal;
    STORE(thread->busy, true);
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* who stops the timers sees that we run, or we that they are */
    if (info->si_code != SI_TIMER) {
        profile__foreign_signal();
    } else if (info->si_value.sival_ptr == &our_timers && LOAD(thread->armed)) {
        struct profile_stack stack = {.page = 1, .held = LOAD(thread->held)};
        uint64_t weight = profile__expirations(thread);
        thread->interrupted = thread->interrupted || profile__cut_short(&stack, context);
        if (weight != 0 && LOAD(profile.samples->stopped) == 0) {
            take_sample(thread, &stack, context, weight);
        }
    }
    STORE(thread->busy, false);
    errno = saved;
}

const void *profile__mark(void)
{
    return &our_timers;
}

/* ---- start ---- */

/* The memory, if it is what we know. */
static struct tare_samples *map_samples(const char *path)
{
    struct stat status;
    struct tare_samples *found = MAP_FAILED;
    int fd = strncmp(path, "/proc/", strlen("/proc/")) == 0
                 ? open(path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
                 : -1;
    if (fd < 0) {
        return NULL;
    }
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > HEADER) {
        found = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    close(fd);
    if (found == MAP_FAILED) {
        return NULL;
    }
    uint64_t size = (uint64_t)status.st_size, head = offsetof(struct tare_samples_slot, sample.addresses);
    if (memcmp(found->magic, TARE_SAMPLES_MAGIC, sizeof(found->magic)) != 0 ||
        found->version != TARE_SAMPLES_VERSION || found->size > size || found->slots_offset < HEADER ||
        found->slots_offset > size || found->slots_offset % 64 != 0 || found->slot_size % 8 != 0 ||
        found->slot_size < head + 64 || found->slot_count == 0 || found->frames_max == 0 ||
        found->slot_count > (size - found->slots_offset) / found->slot_size) {
        munmap(found, (size_t)size);
        return NULL;
    }
    profile.slots = (uint8_t *)found + found->slots_offset;
    profile.slot_size = found->slot_size;
    profile.slot_count = found->slot_count;
    profile.frames_max = (uint32_t)((found->slot_size - head) / 8);
    profile.frames_max = found->frames_max < profile.frames_max ? found->frames_max : profile.frames_max;
    profile.flags = found->flags;
    profile.interval_ns = found->interval_ns;
    return found;
}

static void start(void)
{
    const char *path = secure_getenv(TARE_SAMPLES_VARIABLE);
    struct tare_samples *samples = path != NULL ? map_samples(path) : NULL;
    const char *why = NULL;
    if (samples == NULL) {
        return;
    }
    profile.samples = samples;
    profile.pid = (uint32_t)getpid();
    profile__self.tid = (uint32_t)syscall(SYS_gettid);
    profile__announce(0, (uint32_t)getppid());
    if (profile.interval_ns < INTERVAL_MIN_NS) {
        announce_broken("the interval between samples is too short");
        return;
    }
    if (!profile__take_signal(handle, &why)) {
        announce_broken(why);
        return;
    }
    profile__modules_refresh();
    if ((profile.flags & TARE_SAMPLES_BY_TIMER) != 0) {
        profile__scopes_start();
    }
    STORE(profile.active, true);
    profile__threads_start();
}

/*
 * A library that is a library's of the program, and starts threads in its own constructor, is earlier than
 * ours: then it is its pthread_create that starts us.
 */
void profile__start(void)
{
    static bool started;
    if (!__atomic_exchange_n(&started, true, __ATOMIC_ACQ_REL)) {
        int saved = errno;
        start();
        errno = saved;
    }
}

/* Behind that of next.c, which finds who is behind us. */
__attribute__((constructor(104))) static void begin(void)
{
    profile__start();
}
