/* SPDX-License-Identifier: MIT */
/*
 * A processor's counter whose readings are trapped and emulated, as some hypervisors and debuggers have it,
 * costs far more than it should: that is noticed, told in the page, and `clock` is taken instead if it costs
 * less; unless somebody asked for the counter.
 *
 * The trap is a true one: PR_SET_TSC makes the kernel send a signal for each reading, and the handler here does
 * what a hypervisor does. This program stands before libc's clock_gettime, whose vDSO reads the counter, too,
 * before prctl, which would tell the runtime that the counter is forbidden, and before pthread_sigmask.
 */
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include "runtime/clock.h"
#include "tests/behaviour/behaviour.h"

TARE_MODULE("test");
TARE_TIMER(step);

#if defined(__x86_64__) && defined(PR_SET_TSC) && !SANITIZED
#define CAN_TRAP 1

static volatile sig_atomic_t trapped, clock_is_dear;

int clock_gettime(clockid_t id, struct timespec *now)
{
    for (int i = 0; clock_is_dear && i < 3; i++) {
        arch_ticks();
    }
    return (int)syscall(SYS_clock_gettime, id, now);
}

int prctl(int option, ...)
{
    va_list arguments;
    va_start(arguments, option);
    unsigned long a = va_arg(arguments, unsigned long), b = 0, c = 0, d = 0;
    if (option == PR_GET_TSC && trapped) {
        *(int *)a = PR_TSC_ENABLE;
        va_end(arguments);
        return 0;
    }
    if (option != PR_GET_TSC && option != PR_SET_TSC) {
        b = va_arg(arguments, unsigned long);
        c = va_arg(arguments, unsigned long);
        d = va_arg(arguments, unsigned long);
    }
    va_end(arguments);
    return (int)syscall(SYS_prctl, option, a, b, c, d);
}

/* A fault whose signal is blocked is the end; a hypervisor's trap is no signal. */
int pthread_sigmask(int how, const sigset_t *set, sigset_t *before)
{
    sigset_t without;
    if (set != NULL) {
        without = *set;
        sigdelset(&without, SIGSEGV);
    }
    return sigprocmask(how, set != NULL ? &without : NULL, before) == 0 ? 0 : errno;
}

/* Gives the time of another clock as the counter's. */
static void emulate(int number, siginfo_t *info, void *context)
{
    (void)info;
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    const unsigned char *code = (const unsigned char *)(uintptr_t)registers[REG_RIP];
    bool rdtsc = code[0] == 0x0f && code[1] == 0x31;
    bool rdtscp = code[0] == 0x0f && code[1] == 0x01 && code[2] == 0xf9;
    if (!rdtsc && !rdtscp) {
        signal(number, SIG_DFL); /* a true fault: again, without us */
        return;
    }
    struct timespec now;
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC_RAW, &now);
    uint64_t ticks = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    registers[REG_RAX] = (greg_t)(ticks & 0xffffffffu);
    registers[REG_RDX] = (greg_t)(ticks >> 32);
    registers[REG_RIP] += rdtsc ? 2 : 3;
}

/* Before libtare starts, which it does with priority 101. */
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wprio-ctor-dtor"
#endif
static __attribute__((constructor(100))) void set_trap(void)
{
    const char *how = getenv("TRAP");
    if (how == NULL) {
        return;
    }
    const struct sigaction action = {.sa_sigaction = emulate, .sa_flags = SA_SIGINFO};
    if (sigaction(SIGSEGV, &action, NULL) != 0 ||
        syscall(SYS_prctl, PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0) != 0) {
        _exit(77);
    }
    trapped = 1;
    clock_is_dear = strcmp(how, "clock-too") == 0;
}
#else
#define CAN_TRAP 0
#endif

static int be_child(const char *clock)
{
    for (int i = 0; i < 3; i++) {
        TARE_SCOPE(step);
    }
    CHECK(strcmp(tare_clock_name(), clock) == 0);
    CHECK_EQ(stats_of("test::step").calls, 3);
    return failed_checks != 0;
}

/* Runs the child, which must find itself with that clock; the page says that, and whether the counter is trapped. */
static void check(const char *name, const char *trap, const char *wanted, uint32_t clock, bool traps)
{
    const char *page = scratch("page");
    begin_case(name);
    if (!CAN_TRAP && trap != NULL) {
        skip_case("no way here to trap the counter: needs an x86-64, and no sanitizer, which has the signal");
        return;
    }
    int status =
        run_self("child",
                 ENVIRONMENT(text("TARE_PAGE=%s", page), trap != NULL ? text("TRAP=%s", trap) : "NO_TRAP=",
                             wanted != NULL ? text("TARE_CLOCK=%s", wanted) : "NO_CLOCK="),
                 tare__clock_name(clock));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        skip_case("the kernel does not let PR_SET_TSC trap the counter");
        return;
    }
    CHECK_EQ(status, 0);
    struct tare_page_view view = read_page(page);
    CHECK_EQ(view.header.clock, clock);
    CHECK_EQ((view.header.flags & TARE_PAGE_COUNTER_TRAPS) != 0, traps);
    tare_page_view_release(&view);
    unlink(page);
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "child") == 0) {
        return be_child(argv[2]);
    }
    uint32_t best = tare__clock_default();
    bool usable = tare__clock_usable(TARE_CLOCK_TSC_ORDERED);
    bool traps = usable && tare__clock_counter(TARE_CLOCK_TSC_ORDERED) != TARE__COUNTER_DIRECT;
    check("nothing steps in between: this machine's best clock", NULL, NULL, best, traps);
    check("a trapped counter is avoided", "counter", NULL, TARE_CLOCK_CLOCK, true);
    check("one that is asked for is taken", "counter", "tsc", TARE_CLOCK_TSC, true);
    check("the ordered one, too", "counter", "tsc-ordered", TARE_CLOCK_TSC_ORDERED, true);
    check("clock is clock", "counter", "clock", TARE_CLOCK_CLOCK, true);
    check("where clock costs as much, the counter stays", "clock-too", NULL, best, true);
    return finish();
}
