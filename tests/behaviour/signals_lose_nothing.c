/* SPDX-License-Identifier: MIT */
/*
 * Scopes in a signal handler that interrupts scopes: of the same timer and of another, at any point of their
 * begin, their recording and their end. Every scope is counted once, on the thread's stack as on an alternate
 * one, wherever that lies in memory. A handler with more scopes than can be put off while a recording is
 * interrupted has the rest of them counted as dropped.
 *
 * The timers are those of the process, at 5 kHz; how many signals came is what the handler itself counted.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>

#include "tests/behaviour/behaviour.h"

TARE_MODULE("test");
TARE_TIMER(same);
TARE_TIMER(other);
TARE_TIMER(spare);

enum { MANY = 200, ALTERNATE_BYTES = 256 * 1024 };

static volatile sig_atomic_t handler_runs;
static volatile sig_atomic_t many;

/* Three scopes of the interrupted code's timer, one of them within another; or two hundred. */
static void on_signal(int number)
{
    (void)number;
    int saved = errno;
    handler_runs++;
    {
        TARE_SCOPE(same);
        TARE_SCOPE(other);
        TARE_SCOPE(same);
    }
    for (int i = 0; i < many; i++) {
        TARE_SCOPE(spare);
    }
    {
        TARE_SCOPE(same);
    }
    errno = saved;
}

static void set_timer(int microseconds)
{
    const struct itimerval every = {{0, microseconds}, {0, microseconds}};
    MUST(setitimer(ITIMER_REAL, &every, NULL) == 0);
}

/* Runs scopes with signals coming in, until there were some thousand; returns how often the loop ran. */
static uint64_t loop(unsigned signals)
{
    uint64_t times = 0;
    uint64_t until = monotonic_ns() + UINT64_C(1000000000);
    while ((unsigned)handler_runs < signals && (times % 64 != 0 || monotonic_ns() < until)) {
        TARE_SCOPE(same);
        TARE_SCOPE(other);
        times++;
    }
    return times;
}

/* What the page says was dropped. There is no other way to ask for it than as a reader. */
static uint64_t dropped(void)
{
    struct tare_page header;
    const char *path = own_page();
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    MUST(fd >= 0 && pread(fd, &header, sizeof(header), 0) == (ssize_t)sizeof(header));
    close(fd);
    return header.dropped_scopes;
}

static void check(unsigned signals, int scopes_more)
{
    tare_reset("*");
    handler_runs = 0;
    many = scopes_more;
    uint64_t dropped_before = dropped();
    set_timer(200);
    uint64_t times = loop(signals);
    set_timer(0);
    uint64_t runs = (uint64_t)handler_runs;
    uint64_t same_calls = stats_of("test::same").calls, other_calls = stats_of("test::other").calls;
    uint64_t spare_calls = stats_of("test::spare").calls, lost = dropped() - dropped_before;
    CHECK(runs > 10);
    if (scopes_more == 0) {
        CHECK_EQ(same_calls, times + 3 * runs);
        CHECK_EQ(other_calls, times + runs);
        CHECK_EQ(lost, 0);
    }
    CHECK_EQ(same_calls + other_calls + spare_calls + lost, 2 * times + (4 + (uint64_t)scopes_more) * runs);
    CHECK(stats_of("test::same").outermost <= same_calls);
}

static void handle(int flags)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART | flags};
    sigemptyset(&action.sa_mask);
    MUST(sigaction(SIGALRM, &action, NULL) == 0);
}

static void use_alternate_stack(void *memory)
{
    const stack_t stack = {
        .ss_sp = memory, .ss_size = ALTERNATE_BYTES, .ss_flags = memory == NULL ? SS_DISABLE : 0};
    MUST(sigaltstack(&stack, NULL) == 0);
}

static void check_alternate(void *memory)
{
    use_alternate_stack(memory);
    handle(SA_ONSTACK);
    check(1000, 0);
    check(500, MANY);
    use_alternate_stack(NULL);
    handle(0);
}

/* In a thread with its own small stack, far below the main thread's, on which its alternate stack then lies. */
static void *check_alternate_in_thread(void *memory)
{
    sigset_t alarm;
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    pthread_sigmask(SIG_UNBLOCK, &alarm, NULL);
    check_alternate(memory);
    return NULL;
}

static void check_alternate_above(void)
{
    char memory[ALTERNATE_BYTES] __attribute__((aligned(64)));
    pthread_t thread;
    sigset_t alarm;
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &alarm, NULL);
    MUST(pthread_create(&thread, NULL, check_alternate_in_thread, memory) == 0);
    pthread_join(thread, NULL);
    pthread_sigmask(SIG_UNBLOCK, &alarm, NULL);
}

/* The interrupted code's span need not lie on its stack: here it is static, there on the heap. */
static void check_span_elsewhere(void)
{
    static tare_span low;
    tare_span *heap = malloc(sizeof(*heap));
    MUST(heap != NULL);
    tare_reset("*");
    handler_runs = 0;
    many = MANY;
    uint64_t dropped_before = dropped(), times = 0, until = monotonic_ns() + UINT64_C(1000000000);
    set_timer(200);
    while (handler_runs < 1000 && (times % 64 != 0 || monotonic_ns() < until)) {
        low = TARE_BEGIN(same);
        *heap = TARE_BEGIN(other);
        TARE_END(*heap);
        TARE_END(low);
        times++;
    }
    set_timer(0);
    uint64_t recorded =
        stats_of("test::same").calls + stats_of("test::other").calls + stats_of("test::spare").calls;
    CHECK_EQ(recorded + dropped() - dropped_before, 2 * times + (4 + MANY) * (uint64_t)handler_runs);
    free(heap);
}

int main(void)
{
    static char below[ALTERNATE_BYTES] __attribute__((aligned(64)));
    MUST(tare_enable("*") == 3);
    handle(0);
    begin_case("scopes in a handler are counted once, like those that it interrupts");
    check(3000, 0);
    begin_case("a handler with two hundred scopes: recorded and dropped are all there were");
    check(1000, MANY);
    begin_case("the same on an alternate stack below the interrupted one");
    check_alternate(below);
    begin_case("the same on an alternate stack above the interrupted one");
    check_alternate_above();
    begin_case("the same where the interrupted span does not lie on the stack");
    check_span_elsewhere();
    return finish();
}
