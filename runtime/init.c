/* SPDX-License-Identifier: MIT */
/*
 * The beginning and the end: started by the first object that enrols its timers, which is before the program's
 * own constructors run, and finished by the library's destructor, after the program's.
 */
#include <errno.h>

#include "runtime/internal.h"
#include "runtime/kernels.h"

enum {
    ROUNDS_AT_START = 16,
    ROUNDS_AT_EXIT = 32,
};

static void fork_prepare(void)
{
    tare__registry_lock();
}

static void fork_parent(void)
{
    tare__registry_unlock();
}

static void fork_child(void)
{
    tare__page_fork_child();
    tare__report_forget();
    tare__registry_unlock();
}

/* Two anchors, one from the making of the page, give the rate; the longer apart the better. */
static void update_rate(struct tare_page *page)
{
    struct tare_anchor now = tare__clock_anchor(page->clock);
    uint64_t error_ppb;
    uint64_t rate_hz = tare__clock_rate(page->clock, &page->first, &now, &error_ppb);
    if (rate_hz != 0) {
        page->last = now;
        page->rate_hz = rate_hz;
        page->rate_error_ppb = error_ppb;
    }
}

static void start(void)
{
    struct config config;
    tare__config_read(&config);
    if (config.off) {
        return;
    }
    tare__thread_first();
    tare__page_make(&config);
    struct tare_page *page = tare__rt.page;
    if (page == NULL) {
        return;
    }
    bool counter_traps;
    uint32_t clock = tare__clock_choose(config.clock, &counter_traps);
    page->clock = tare__rt.clock = clock;
    page->arch = ARCH_ID;
    page->flags |= (config.histograms ? TARE_PAGE_HISTOGRAMS : 0) |
                   (ARCH_HAS_COUNTER && arch_counter_invariant() ? TARE_PAGE_INVARIANT_TSC : 0) |
                   (counter_traps ? TARE_PAGE_COUNTER_TRAPS : 0);
    page->first = tare__clock_anchor(clock);
    uint64_t before = clock_raw_ns();
    tare__calibrate_caps(page);
    if (tare__calibrate(&page->cost, ROUNDS_AT_START) == 0) {
        page->flags |= TARE_PAGE_CALIBRATED;
    }
    page->grain_ticks = tare__clock_grain(clock);
    page->calibration_ns = clock_raw_ns() - before;
    update_rate(page);
    if (tare__registry_init(&config) != 0 || tare__thread_init() != 0 ||
        pthread_atfork(fork_prepare, fork_parent, fork_child) != 0) {
        tare__rt.page = NULL;
        return;
    }
    if (config.report != NULL) {
        tare__report_prepare(config.report);
    }
    store_release(&page->state, TARE_PAGE_LIVE); /* pairs with the readers' acquire */
    if (config.enable != NULL) {
        tare__block_open(0); /* now, as the first thread may not be allowed any system call later */
        tare__rt.open_blocks = 1;
    }
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

HIDDEN void tare__init(void)
{
    pthread_once(&once, start);
}

/*
 * A page that is made as it should be says so from the start; this one's start was a few hundred microseconds
 * ago, and nothing was counted since.
 */
int tare__calibrate_as(const struct tare__kernels *kernels)
{
    tare__init();
    struct tare_page *page = tare__rt.page;
    if (page == NULL) {
        return -ENODEV;
    }
    uint64_t before = clock_raw_ns();
    tare__calibrate_kernels(kernels);
    tare__calibrate_caps(page);
    int error = tare__calibrate(&page->cost, ROUNDS_AT_START);
    page->calibration_ns += clock_raw_ns() - before;
    return error;
}

/* Whether any thread has ended a scope. */
static bool anything_counted(const struct tare_page *page)
{
    for (uint32_t i = 0; i < load_acquire(&page->block_count); i++) {
        if (load_relaxed(&page_block(i)->ended) != 0) {
            return true;
        }
    }
    return false;
}

__attribute__((destructor(101))) static void finish(void)
{
    struct tare_page *page = tare__rt.page;
    if (page == NULL) {
        return;
    }
    if (anything_counted(page) && tare__calibrate(&page->cost_at_exit, ROUNDS_AT_EXIT) == 0) {
        fetch_add_relaxed(&page->flags, TARE_PAGE_CALIBRATED_AT_EXIT);
    }
    if (tare__self != NULL) {
        tare__states_leave(tare__self, false);
    }
    update_rate(page);
    tare__report_at_exit();
    tare__thread_finish();
    store_release(&page->state, TARE_PAGE_EXITED);
}
