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
}

/* raw - outermost x inner - (scopes ended within) x outer; record/ and stats/ add the uncertainty. */
static void derive(tare_stats *stats, const struct tare_page *page)
{
    double tick_ns = page->rate_hz != 0 ? 1e9 / (double)page->rate_hz : 0;
    double cost_mticks = (double)stats->outermost * (double)page->cost.inner.median_mticks +
                         (double)stats->scopes_within * (double)page->cost.outer.median_mticks;
    stats->total_ns = (double)stats->total_ticks * tick_ns;
    stats->net_ns = stats->total_ns - cost_mticks / 1000 * tick_ns;
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
        if (globs != NULL && !tare__name_matches(globs, module, name)) {
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
