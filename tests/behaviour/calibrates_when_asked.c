/* SPDX-License-Identifier: MIT */
/*
 * A reader that stores 1 in a block's `calibrate` gets another calibration of what a scope costs, from the
 * thread whose block it is: at its next scope's end, unless a scope of the program is open there, which would
 * be the longer for it. What the program counts is none the wiser.
 */
#include <pthread.h>
#include <signal.h>

#include "tests/behaviour/behaviour.h"

TARE_MODULE("test");
TARE_TIMER(around);
TARE_TIMER(call);

static struct tare_page header(void)
{
    struct tare_page_view view = read_page(page_of_process(getpid()));
    struct tare_page found = view.header;
    tare_page_view_release(&view);
    return found;
}

/* Asks all threads that have a block. */
static void ask(void)
{
    const uint8_t one = 1;
    struct tare_page page = header();
    int fd = open(page_of_process(getpid()), O_RDWR | O_CLOEXEC);
    MUST(fd >= 0);
    for (uint32_t i = 0; i < page.block_count; i++) {
        uint64_t at = page.blocks_offset + i * page.block_stride + offsetof(struct tare_block, calibrate);
        MUST(pwrite(fd, &one, 1, (off_t)at) == 1);
    }
    close(fd);
}

static uint64_t calibrations(void)
{
    return header().cost_in_run.n;
}

static void call_once(void)
{
    TARE_SCOPE(call);
}

static void *thread(void *unused)
{
    call_once();
    ask();
    call_once();
    return unused;
}

static void on_signal(int number)
{
    (void)number;
    call_once();
}

/* As much as is asked for, with nothing behind it. */
static void check_handler(void)
{
    size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    size_t least = (size_t)sysconf(_SC_MINSIGSTKSZ);
    size_t size = (least + 2048 + page_bytes - 1) / page_bytes * page_bytes;
    unsigned char *memory =
        mmap(NULL, page_bytes + size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST(memory != MAP_FAILED && mprotect(memory, page_bytes, PROT_NONE) == 0);
    const stack_t stack = {.ss_sp = memory + page_bytes + size - least - 2048, .ss_size = least + 2048};
    const struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
    MUST(SANITIZED || sigaltstack(&stack, NULL) == 0);
    MUST(sigaction(SIGUSR1, &action, NULL) == 0);
    ask();
    uint64_t before = calibrations();
    raise(SIGUSR1);
    CHECK_EQ(calibrations(), before + 1);
    CHECK_EQ(stats_of("test::call").calls, 309);
}

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Of all of them the median: each takes microseconds, and may have been interrupted for much longer. */
static void check_findings(void)
{
    enum { ASKED = 6 };
    struct tare_page page = header();
    const struct tare_cost *start = &page.cost.inner;
    MUST(page.cost_in_run.n == ASKED);
    for (unsigned i = 0; i < 4; i++) {
        int64_t found[ASKED];
        for (unsigned k = 0; k < ASKED; k++) {
            found[k] = page.cost_in_run.mticks[k][i];
        }
        qsort(found, ASKED, sizeof(found[0]), ascending);
        CHECK(found[ASKED / 2] > start[i].median_mticks / 10 && found[ASKED / 2] < start[i].median_mticks * 10);
    }
}

int main(void)
{
    MUST(tare_enable("test::*") == 2);
    begin_case("nobody asked, nothing is calibrated");
    call_once();
    CHECK_EQ(calibrations(), 0);

    begin_case("a thread that is asked calibrates at its next scope's end");
    ask();
    call_once();
    CHECK_EQ(calibrations(), 1);
    call_once();
    CHECK_EQ(calibrations(), 1);

    begin_case("but not while a scope is open, which would be longer for it");
    {
        TARE_SCOPE(around);
        ask();
        call_once();
        CHECK_EQ(calibrations(), 1);
    }
    CHECK_EQ(calibrations(), 2); /* as soon as it has ended */
    {
        TARE_SCOPE(around);
        ask();
        for (int i = 0; i < 300; i++) {
            call_once();
        }
    }
    CHECK_EQ(calibrations(), 2); /* what waits too long is dropped, as waiting has its price */
    ask();
    call_once();
    CHECK_EQ(calibrations(), 3);

    begin_case("the program's own figures do not show it");
    CHECK_EQ(stats_of("test::call").calls, 305);
    CHECK_EQ(stats_of("test::around").calls, 2);
    CHECK_EQ(stats_of("test::around").scopes_within, 301);

    begin_case("other threads do it, too, and each is counted");
    pthread_t other;
    MUST(pthread_create(&other, NULL, thread, NULL) == 0);
    MUST(pthread_join(other, NULL) == 0);
    CHECK_EQ(calibrations(), 4);
    call_once(); /* was asked with the other */
    CHECK_EQ(calibrations(), 5);
    CHECK_EQ(stats_of("test::call").calls, 308);

    begin_case("also in a signal handler with little stack");
    check_handler();

    begin_case("what they find is what was found at start, within a factor");
    check_findings();
    return finish();
}
