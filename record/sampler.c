/* SPDX-License-Identifier: MIT */
/*
 * How often. Blocks are joined as a run goes on until some 32 to 64 are left (stats/blocks.c), so a look is
 * worth its while after a 64th of the time that its page has been there. The first ones come every FIRST_NS, so
 * that a run of some 20 ms gets the blocks that it needs; no two are more than LAST_NS apart, as what a timer
 * does may begin late. That makes 64 looks in the first 0.16 s, some 120 in the first half second, and 300
 * until they are LAST_NS apart.
 *
 * What it may cost. Looks are paid from a purse that gets 1 ns for each PRICE that go by, and holds PURSE_NS. A
 * page of ten timers and one thread takes 7 us, or 10 to 25 where our caches have been used by others
 * meanwhile; one of 1,000 timers and 64 threads 1 ms, and is then looked at every 0.2 s. Paid is the processor
 * time of our thread, which does not count the waiting while the program has our processor. The program itself
 * loses a line of each slot to our cache for a moment: its wall time with and without looks was the same within
 * its scatter of 1.5 %.
 */
#include "record/sampler.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    FIRST_NS = 2500000,
    LAST_NS = 100000000,
    AGE_SHARE = TARE_RUN_BLOCKS_MAX,
    PURSE_NS = 100000,
    PRICE = 200, /* ns that must go by for each ns of looking: half a percent */
};

struct counts {
    uint64_t outermost, total_ticks, scopes_within;
};

/* One timer of a page: what was seen last, and the blocks up to there. */
struct sampled {
    struct counts last;
    uint32_t generation; /* 0: not seen yet */
    struct tare_run_blocks *blocks;
};

struct page {
    uint64_t first_ns, due_ns;
    struct sampled *timers; /* by index in the page's directory */
    size_t count;
};

struct tare_sampler {
    struct page **pages; /* by number; NULL: not seen yet, or forgotten */
    uint64_t count;
    uint64_t begun_ns;
    uint64_t next_ns; /* when the next round is due, whatever looks cost */
    int64_t purse_ns;
    uint64_t filled_ns; /* when the purse was filled last */
};

struct tare_sampler *tare_sampler_new(uint64_t now_ns)
{
    struct tare_sampler *sampler = calloc(1, sizeof(*sampler));
    if (sampler != NULL) {
        sampler->begun_ns = sampler->filled_ns = sampler->next_ns = now_ns;
        sampler->purse_ns = PURSE_NS;
    }
    return sampler;
}

void tare_sampler_forget(struct tare_sampler *sampler, uint64_t number)
{
    struct page *page = number < sampler->count ? sampler->pages[number] : NULL;
    if (page == NULL) {
        return;
    }
    for (size_t i = 0; i < page->count; i++) {
        free(page->timers[i].blocks);
    }
    free(page->timers);
    free(page);
    sampler->pages[number] = NULL;
}

void tare_sampler_free(struct tare_sampler *sampler)
{
    if (sampler == NULL) {
        return;
    }
    for (uint64_t i = 0; i < sampler->count; i++) {
        tare_sampler_forget(sampler, i);
    }
    free(sampler->pages);
    free(sampler);
}

static struct page *page_of(struct tare_sampler *sampler, uint64_t number, uint64_t now_ns)
{
    if (number >= sampler->count) {
        uint64_t count = 2 * number + 16;
        struct page **grown = reallocarray(sampler->pages, count, sizeof(*grown));
        if (grown == NULL) {
            return NULL;
        }
        memset(grown + sampler->count, 0, (count - sampler->count) * sizeof(*grown));
        sampler->pages = grown;
        sampler->count = count;
    }
    struct page **place = &sampler->pages[number];
    if (*place == NULL) {
        *place = calloc(1, sizeof(**place));
        if (*place != NULL) {
            (*place)->first_ns = (*place)->due_ns = now_ns;
        }
    }
    return *place;
}

static struct sampled *timer_of(struct page *page, uint32_t index)
{
    if (index >= page->count) {
        size_t count = (size_t)index + 1 > 2 * page->count ? (size_t)index + 1 : 2 * page->count;
        struct sampled *grown = reallocarray(page->timers, count, sizeof(*grown));
        if (grown == NULL) {
            return NULL;
        }
        memset(grown + page->count, 0, (count - page->count) * sizeof(*grown));
        page->timers = grown;
        page->count = count;
    }
    return &page->timers[index];
}

static struct counts counts_of(const struct tare_timer_sums *sums)
{
    return (struct counts){sums->outermost, sums->total_ticks, sums->scopes_within};
}

static double beyond(uint64_t now, uint64_t before)
{
    return now > before ? (double)(now - before) : 0.0;
}

static void look_at_timer(struct page *page, const struct tare_page_timer *timer)
{
    struct counts now = counts_of(&timer->sums);
    if (now.outermost == 0) {
        return; /* not called yet; or reset while it was read, and the next look will see its generation */
    }
    struct sampled *sampled = timer_of(page, timer->index);
    if (sampled == NULL) {
        return;
    }
    if (sampled->generation != timer->generation) { /* reset: what went before is void */
        sampled->generation = timer->generation;
        sampled->last = (struct counts){0};
        if (sampled->blocks != NULL) {
            *sampled->blocks = (struct tare_run_blocks){0};
        }
    }
    if (now.outermost <= sampled->last.outermost) {
        return;
    }
    if (sampled->blocks == NULL) {
        sampled->blocks = calloc(1, sizeof(*sampled->blocks));
        if (sampled->blocks == NULL) {
            return;
        }
    }
    tare_run_blocks_add(sampled->blocks, (struct tare_run_block){
                                             .scopes = beyond(now.outermost, sampled->last.outermost),
                                             .total = beyond(now.total_ticks, sampled->last.total_ticks),
                                             .within = beyond(now.scopes_within, sampled->last.scopes_within),
                                         });
    sampled->last = now;
}

int tare_sampler_begin(struct tare_sampler *sampler, uint64_t number, const struct tare_page_view *view,
                       uint64_t now_ns)
{
    struct page *page = page_of(sampler, number, now_ns);
    if (page == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < view->timer_count; i++) {
        const struct tare_page_timer *timer = &view->timers[i];
        struct sampled *sampled = timer_of(page, timer->index);
        if (sampled == NULL) {
            tare_sampler_forget(sampler, number);
            return -ENOMEM;
        }
        sampled->generation = timer->generation;
        sampled->last = counts_of(&timer->sums);
    }
    return 0;
}

static uint64_t distance_ns(uint64_t since_ns, uint64_t now_ns)
{
    uint64_t distance = now_ns > since_ns ? (now_ns - since_ns) / AGE_SHARE : 0;
    return distance < FIRST_NS ? FIRST_NS : distance > LAST_NS ? LAST_NS : distance;
}

static int64_t processor_time_ns(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void fill_purse(struct tare_sampler *sampler, uint64_t now_ns)
{
    if (now_ns <= sampler->filled_ns) {
        return;
    }
    int64_t earned = (int64_t)((now_ns - sampler->filled_ns) / PRICE);
    sampler->purse_ns = earned < PURSE_NS - sampler->purse_ns ? sampler->purse_ns + earned : PURSE_NS;
    sampler->filled_ns = now_ns;
}

bool tare_sampler_is_due(struct tare_sampler *sampler, uint64_t now_ns)
{
    fill_purse(sampler, now_ns);
    if (now_ns < sampler->next_ns || sampler->purse_ns < 0) {
        return false;
    }
    sampler->next_ns = now_ns + distance_ns(sampler->begun_ns, now_ns); /* for pages that come */
    return true;
}

void tare_sampler_poll(struct tare_sampler *sampler, uint64_t number, const struct tare_page_source *source,
                       uint64_t now_ns)
{
    struct page *page = page_of(sampler, number, now_ns);
    if (page == NULL) {
        return;
    }
    if (page->due_ns <= now_ns + FIRST_NS / 2) { /* what is due soon is read now, so that rounds stay apart */
        struct tare_page_view view;
        int64_t begun_ns = processor_time_ns();
        if (tare_page_read(source, 0, &view, NULL, 0) == 0) {
            for (size_t i = 0; i < view.timer_count; i++) {
                look_at_timer(page, &view.timers[i]);
            }
        }
        tare_page_view_release(&view);
        page->due_ns = now_ns + distance_ns(page->first_ns, now_ns);
        sampler->purse_ns -= processor_time_ns() - begun_ns;
    }
    if (page->due_ns < sampler->next_ns) {
        sampler->next_ns = page->due_ns;
    }
}

uint64_t tare_sampler_wait_ns(struct tare_sampler *sampler, uint64_t now_ns)
{
    fill_purse(sampler, now_ns);
    uint64_t wait_ns = sampler->next_ns > now_ns ? sampler->next_ns - now_ns : 0;
    uint64_t earning_ns = sampler->purse_ns < 0 ? (uint64_t)-sampler->purse_ns * PRICE : 0;
    return wait_ns > earning_ns ? wait_ns : earning_ns;
}

void tare_sampler_blocks(const struct tare_sampler *sampler, uint64_t number,
                         const struct tare_page_timer *timer, struct tare_run_blocks *blocks)
{
    const struct page *page = number < sampler->count ? sampler->pages[number] : NULL;
    const struct sampled *sampled =
        page != NULL && timer->index < page->count ? &page->timers[timer->index] : NULL;
    *blocks = (struct tare_run_blocks){0};
    if (sampled != NULL && sampled->generation == timer->generation && sampled->blocks != NULL) {
        *blocks = *sampled->blocks;
    }
    struct tare_run_block all = {.scopes = (double)timer->sums.outermost,
                                 .total = (double)timer->sums.total_ticks,
                                 .within = (double)timer->sums.scopes_within};
    struct tare_run_block seen = tare_run_blocks_sum(blocks);
    tare_run_blocks_add(blocks, (struct tare_run_block){.scopes = fmax(all.scopes - seen.scopes, 0.0),
                                                        .total = fmax(all.total - seen.total, 0.0),
                                                        .within = fmax(all.within - seen.within, 0.0)});
}
