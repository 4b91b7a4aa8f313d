/* SPDX-License-Identifier: MIT */
/*
 * Reading one's own page: sums of a timer over all blocks, while other threads go on counting. What
 * record/reader.c does from outside, without its distrust: this memory is ours.
 */
#include <errno.h>
#include <string.h>

#include "runtime/internal.h"

static void add_block(tare_stats *stats, const struct tare_block *block, uint32_t index, uint32_t generation)
{
    const struct tare_slot *slot = block_slot(block, index);
    if (load_acquire(&slot->generation) !=
        generation) { /* pairs with slot_clear: never used, or void by a reset */
        return;
    }
    uint64_t outermost = load_relaxed(&slot->outermost);
    stats->calls += load_relaxed(&slot->calls);
    stats->bytes += load_relaxed(&slot->bytes);
    if (outermost == 0) {
        return;
    }
    uint64_t min = load_relaxed(&slot->min_ticks), max = load_relaxed(&slot->max_ticks);
    if (stats->outermost == 0 || min < stats->min_ticks) {
        stats->min_ticks = min;
    }
    if (max > stats->max_ticks) {
        stats->max_ticks = max;
    }
    stats->outermost += outermost;
    stats->total_ticks += load_relaxed(&slot->total_ticks);
    stats->scopes_within += load_relaxed(&slot->scopes_within);
    stats->closeness_within += load_relaxed(&slot->closeness_within);
    stats->uncounted_within += load_relaxed(&slot->uncounted_within);
}

/* The mean of what the calibrations at start and at exit found, in thousandths of a tick. */
static double cost_mticks(const struct tare_page *page, size_t member)
{
    const struct tare_cost *start =
        (const struct tare_cost *)(const void *)((const char *)&page->cost + member);
    const struct tare_cost *exit =
        (const struct tare_cost *)(const void *)((const char *)&page->cost_at_exit + member);
    bool both = load_relaxed(&page->flags) & TARE_PAGE_CALIBRATED_AT_EXIT;
    return both ? (double)(start->median_mticks + exit->median_mticks) / 2 : (double)start->median_mticks;
}

#define COST(page, member) cost_mticks(page, offsetof(struct tare_scope_cost, member))

/* How much of the recording the scopes around paid for: stats/overhead.c has the reasons, and the uncertainty. */
static double share_paid(const tare_stats *stats, const struct tare_page *page)
{
    double close = COST(page, close), knee = COST(page, knee) / close;
    double counted = (double)(stats->scopes_within - stats->uncounted_within);
    if (page->begin_cap_ticks == 0 || !(close > 0) || !(counted > 0)) {
        return 0.5;
    }
    double found = (double)stats->closeness_within * 1000 / counted / close;
    found = found < 1 ? found : 1;
    knee = knee < 0.95 ? knee : 0.95;
    double none = knee > 0.5 ? 2 * knee - 1 : 0; /* from here on, all hides that can */
    double alike = found > none ? (found - none) / (1 - none) : 0;
    return found * (0.35 + 0.65 * alike);
}

/* raw - outermost x inner - (scopes ended within) x outer */
static void derive(tare_stats *stats, const struct tare_page *page)
{
    double tick_ns = page->rate_hz != 0 ? 1e9 / (double)page->rate_hz : 0;
    double apart = COST(page, outer_apart);
    double close = (COST(page, outer) + COST(page, outer_nested)) / 2;
    double outer = apart + share_paid(stats, page) * (close - apart);
    double cost = (double)stats->outermost * COST(page, inner) + (double)stats->scopes_within * outer;
    stats->total_ns = (double)stats->total_ticks * tick_ns;
    stats->net_ns = stats->total_ns - cost / 1000 * tick_ns;
}

int tare__snapshot(const char *globs, void *out, size_t max, size_t size)
{
    tare__init();
    const struct tare_page *page = tare__rt.page;
    if ((globs != NULL && *globs == '\0') || (out == NULL && max != 0)) {
        return -EINVAL;
    }
    if (page == NULL) {
        return -ENODEV;
    }
    size_t found = 0;
    uint32_t blocks = load_acquire(&page->block_count);
    uint32_t count = load_acquire(&page->instrument_count);
    for (uint32_t i = 0; i < count; i++) {
        const struct tare_entry *entry = &tare__rt.entries[i];
        const char *module = tare__rt.strings + entry->module_string;
        const char *name = tare__rt.strings + entry->name_string;
        if (entry->kind != TARE_KIND_TIMER || (globs != NULL && !tare__name_matches(globs, module, name))) {
            continue;
        }
        if (found < max) {
            const struct tare_control *control = &tare__rt.controls[i];
            tare_stats stats = {.module = module, .name = name, .enabled = load_relaxed(&control->enabled)};
            for (uint32_t b = 0; b < blocks; b++) {
                add_block(&stats, page_block(b), i, load_relaxed(&control->generation));
            }
            derive(&stats, page);
            unsigned char *element = (unsigned char *)out + found * size;
            memset(element, 0, size);
            memcpy(element, &stats, size < sizeof(stats) ? size : sizeof(stats));
        }
        found++;
    }
    return (int)found;
}

const char *tare_version(void)
{
    return TARE_VERSION;
}

const char *tare_clock_name(void)
{
    tare__init();
    return tare__clock_name(tare__rt.page != NULL ? tare__rt.clock : TARE_CLOCK_NONE);
}

uint64_t tare_clock_hz(void)
{
    tare__init();
    return tare__rt.page != NULL ? load_relaxed(&tare__rt.page->rate_hz) : 0;
}
