/* SPDX-License-Identifier: MIT */
/*
 * The processor's trap flag raises SIGTRAP after every instruction, so a handler that runs scopes interrupts
 * a scope's begin, its end and its recording at each place where a signal can; and with the flag set in the
 * handler, too, a second handler interrupts the first one's scopes. After each interrupted scope, every scope
 * there was is counted, or counted as dropped, and dropped are only those of handlers that interrupted one
 * recording more often than there is room to put off.
 */
#include <signal.h>
#include <ucontext.h>

#include "tests/behaviour/behaviour.h"

TARE_MODULE("test");
TARE_TIMER(same);
TARE_TIMER(other);
TARE_TIMER(nested);

#if defined(__x86_64__) && !SANITIZED

enum { STACK_BYTES = 256 * 1024 };

static uint64_t scopes;      /* that handlers ran */
static uint64_t traps;       /* since the interrupted scope began */
static int level;            /* 1 in the first handler */
static uint64_t phase;       /* the first handler runs scopes at this trap, */
static uint64_t distance;    /* and each so many traps later; 0: not again, and there are no more traps */
static unsigned acts;        /* how often it may still do so: what is put off is recorded, and trapped, later */
static unsigned second_acts; /* the same for the second handler */
static unsigned first_odds;  /* if not 0: instead, one in so many traps has it run scopes */
static unsigned second_odds; /* the same for the second handler; 0: there is none */
static bool by_hand;         /* the interrupted scope is a span that does not lie on the stack */
static uint64_t random_state = 99;
static const struct tare_page *page;

static void trap_after_each_instruction(void)
{
    __asm__ volatile("subq $128, %%rsp\n\tpushfq\n\torq $0x100, (%%rsp)\n\tpopfq\n\taddq $128, %%rsp"
                     :
                     :
                     : "cc", "memory");
}

static void trap_no_more(void)
{
    __asm__ volatile("subq $128, %%rsp\n\tpushfq\n\tandq $-0x101, (%%rsp)\n\tpopfq\n\taddq $128, %%rsp"
                     :
                     :
                     : "cc", "memory");
}

static bool first_handler_acts(ucontext_t *interrupted)
{
    uint64_t trap = traps++;
    bool here = first_odds != 0 ? next_random(&random_state) % first_odds == 0
                                : (distance != 0 ? trap % distance : trap) == phase;
    if (!here || acts == 0) {
        return false;
    }
    acts--;
    if (acts == 0) {
        interrupted->uc_mcontext.gregs[REG_EFL] &= ~0x100; /* no more traps in this scope */
    }
    return true;
}

static void first_handler(void)
{
    level = 1;
    if (second_odds != 0) {
        trap_after_each_instruction();
    }
    {
        TARE_SCOPE(same);
        TARE_SCOPE(other);
    }
    if (second_odds != 0) {
        trap_no_more();
    }
    level = 0;
    scopes += 2;
}

static void second_handler(void)
{
    if (next_random(&random_state) % second_odds != 0 || second_acts == 0) {
        return;
    }
    second_acts--;
    scopes++;
    if (next_random(&random_state) % 2 != 0) {
        TARE_SCOPE(same);
    } else {
        TARE_SCOPE(nested);
    }
}

static void on_trap(int number, siginfo_t *info, void *interrupted)
{
    (void)number, (void)info;
    if (level == 0) {
        if (first_handler_acts(interrupted)) {
            first_handler();
        }
    } else {
        second_handler();
    }
}

static uint64_t recorded(void)
{
    return stats_of("test::same").calls + stats_of("test::other").calls + stats_of("test::nested").calls;
}

/*
 * One scope, interrupted at most so often, as the variables above say. Returns how many of all scopes were
 * dropped.
 */
static uint64_t interrupt_scope(unsigned times)
{
    static tare_span low;
    uint64_t dropped_before = page->dropped_scopes, recorded_before = recorded();
    scopes = 0;
    traps = 0;
    acts = times;
    second_acts = second_odds == 1 ? 300 : 30;
    trap_after_each_instruction();
    if (by_hand) {
        low = TARE_BEGIN(same);
        TARE_END(low);
    } else {
        TARE_SCOPE(same);
    }
    trap_no_more();
    uint64_t dropped = page->dropped_scopes - dropped_before;
    CHECK_EQ(recorded() - recorded_before + dropped, scopes + 1);
    uint64_t outermost = stats_of("test::same").outermost;
    {
        TARE_SCOPE(same);
    }
    CHECK_EQ(stats_of("test::same").outermost, outermost + 1); /* nothing that ended holds the timer open */
    return dropped;
}

static void map_page(void)
{
    const char *path = own_page();
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    page = mmap(NULL, sizeof(*page), PROT_READ, MAP_SHARED, fd, 0);
    MUST(page != MAP_FAILED);
    close(fd);
}

static void check_several(void)
{
    first_odds = 8;
    second_odds = 0;
    for (int i = 0; i < 50; i++) {
        CHECK_EQ(interrupt_scope(16), 0); /* 32 scopes, and 64 can be put off */
    }
}

static void check_too_many(void)
{
    uint64_t dropped = 0;
    first_odds = 1;
    second_odds = 0;
    for (int i = 0; i < 10; i++) {
        dropped += interrupt_scope(1000);
    }
    CHECK(dropped != 0);
    first_odds = 64;
    second_odds = 1;
    for (int i = 0; i < 3; i++) {
        interrupt_scope(4);
    }
}

static void use_alternate_stack(void *memory)
{
    const stack_t stack = {
        .ss_sp = memory, .ss_size = STACK_BYTES, .ss_flags = memory == NULL ? SS_DISABLE : 0};
    MUST(sigaltstack(&stack, NULL) == 0);
}

int main(void)
{
    static char below[STACK_BYTES] __attribute__((aligned(64)));
    char above[STACK_BYTES]
        __attribute__((aligned(64))); /* than the frames of functions that are called from here */
    MUST(tare_enable("*") == 3);
    struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_NODEFER | SA_SIGINFO | SA_ONSTACK};
    MUST(sigaction(SIGTRAP, &action, NULL) == 0);
    map_page();
    {
        TARE_SCOPE(same); /* the thread's first one, and the dynamic linker's work */
        TARE_SCOPE(other);
        TARE_SCOPE(nested);
    }
    begin_case("a handler at each instruction of a scope");
    distance = 64;
    for (phase = 0; phase < distance; phase++) {
        CHECK_EQ(interrupt_scope(16), 0);
    }
    CHECK_BETWEEN(100, traps, 10000);
    begin_case("a handler at each instruction of the first scope after a reset");
    distance = 0;
    phase = 0;
    do { /* until the scope has come to its end before it; a histogram is cleared in a long loop */
        tare_reset("*");
        CHECK_EQ(interrupt_scope(1), 0);
        phase += phase < 150 ? 1 : 97;
    } while (phase < traps + 97);
    begin_case("several handlers, one after the other, in one scope");
    check_several();
    begin_case("handlers in handlers");
    first_odds = 64;
    second_odds = 64;
    for (int i = 0; i < 15; i++) {
        CHECK_EQ(interrupt_scope(2), 0);
    }
    begin_case("more handlers than there is room for: the rest is counted as dropped");
    check_too_many();
    begin_case("handlers on an alternate stack below the interrupted one");
    use_alternate_stack(below);
    check_several();
    check_too_many();
    begin_case("handlers on an alternate stack above the interrupted one");
    use_alternate_stack(above);
    check_several();
    check_too_many();
    use_alternate_stack(NULL);
    begin_case("handlers that interrupt a span which lies below the stack");
    by_hand = true;
    check_several();
    check_too_many();
    return finish();
}

#else

int main(void)
{
    skip_all("needs the trap flag of x86-64, and no sanitizer, whose code would be trapped, too");
    (void)next_random;
}

#endif
