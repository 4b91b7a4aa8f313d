/* SPDX-License-Identifier: MIT */
/*
 * A handler that leaves by siglongjmp may do so out of a scope's begin, its end or its recording. The scope
 * that was left is recorded or not; those that begin at the same place afterwards are all counted, at once,
 * and as outermost ones. The trap flag of x86-64 takes the handler to every instruction of a scope; elsewhere
 * a timer takes it wherever it comes.
 */
#include <setjmp.h>
#include <signal.h>
#include <sys/time.h>
#include <ucontext.h>

#include "tests/behaviour/behaviour.h"

TARE_MODULE("test");
TARE_TIMER(left);
TARE_TIMER(other);

enum { AFTERWARDS = 5 };

static sigjmp_buf back;
static volatile uint64_t traps_left; /* until the handler leaves */
static volatile sig_atomic_t came;

/* The same place for all of them. */
static __attribute__((noinline)) void run_scopes(unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        TARE_SCOPE(left);
        TARE_SCOPE(other);
    }
}

#if defined(__x86_64__) && !SANITIZED

/* The counts before the scope that was left, and after those that followed it. */
static void check_counts(const tare_stats *before, const char *full)
{
    tare_stats after = stats_of(full);
    CHECK_BETWEEN(AFTERWARDS, after.calls - before->calls, AFTERWARDS + 1);
    CHECK_BETWEEN(AFTERWARDS, after.outermost - before->outermost, AFTERWARDS + 1);
}

static void on_trap(int number, siginfo_t *info, void *interrupted)
{
    (void)number, (void)info, (void)interrupted;
    if (traps_left-- == 0) {
        siglongjmp(back, 1); /* and the flag stays off */
    }
}

/* One place and depth for the scopes that are left and for those that follow. */
static __attribute__((noinline)) void run_maybe_trapped(bool trapped, unsigned times)
{
    if (trapped) {
        __asm__ volatile("subq $128, %%rsp\n\tpushfq\n\torq $0x100, (%%rsp)\n\tpopfq\n\taddq $128, %%rsp"
                         :
                         :
                         : "cc", "memory");
    }
    run_scopes(times);
    if (trapped) {
        __asm__ volatile("subq $128, %%rsp\n\tpushfq\n\tandq $-0x101, (%%rsp)\n\tpopfq\n\taddq $128, %%rsp"
                         :
                         :
                         : "cc", "memory");
    }
}

static void check_every_instruction(void)
{
    struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
    MUST(sigaction(SIGTRAP, &action, NULL) == 0);
    volatile uint64_t place = 0;
    volatile bool left_early = true;
    while (left_early && failed_checks < 10) {
        const tare_stats left_before = stats_of("test::left"), other_before = stats_of("test::other");
        left_early = true;
        traps_left = place++;
        if (sigsetjmp(back, 1) == 0) {
            run_maybe_trapped(true, 1);
            left_early = false;
        }
        run_maybe_trapped(false, AFTERWARDS);
        check_counts(&left_before, "test::left");
        check_counts(&other_before, "test::other");
    }
    CHECK_BETWEEN(100, place, 10000);
}

#else

static void check_every_instruction(void)
{
    skip_case("needs the trap flag of x86-64, and no sanitizer, whose code would be trapped, too");
}

#endif

static void on_alarm(int number)
{
    (void)number;
    came++;
    siglongjmp(back, 1);
}

static void check_by_timer(void)
{
    struct sigaction action = {.sa_handler = on_alarm};
    MUST(sigaction(SIGALRM, &action, NULL) == 0);
    for (volatile int i = 0; i < TIMES(500); i++) {
        const struct itimerval once = {{0, 0}, {0, 100 + i % 100}};
        if (sigsetjmp(back, 1) == 0) {
            setitimer(ITIMER_REAL, &once, NULL);
            for (;;) {
                run_scopes(1);
            }
        }
        const tare_stats before = stats_of("test::left");
        run_scopes(AFTERWARDS);
        CHECK_EQ(stats_of("test::left").calls, before.calls + AFTERWARDS);
        CHECK_EQ(stats_of("test::left").outermost, before.outermost + AFTERWARDS);
    }
    CHECK_EQ(came, TIMES(500));
}

int main(void)
{
    MUST(tare_enable("*") == 2);
    run_scopes(1);
    begin_case("a scope left at any instruction does not spoil those that follow");
    check_every_instruction();
    begin_case("a scope left wherever a timer's signal finds it does not, either");
    check_by_timer();
    return finish();
}
