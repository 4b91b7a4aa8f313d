/* SPDX-License-Identifier: MIT */
/*
 * For tests of what the runtime writes: a page as it lies in memory or in a file, by include/tare/page.h alone,
 * so that a mistake of the reader's cannot hide one of the writer's. Unlike record/reader.c it trusts the page.
 */
#ifndef TARE_TESTS_RAW_PAGE_H
#define TARE_TESTS_RAW_PAGE_H

#include <math.h>

#include "tests/behaviour/behaviour.h"

struct raw_page {
    const struct tare_page *header;
    size_t size;
};

static UNUSED struct raw_page raw_open(const char *path)
{
    struct stat st;
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    MUST(fd >= 0 && fstat(fd, &st) == 0);
    void *memory = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    MUST(memory != MAP_FAILED);
    close(fd);
    return (struct raw_page){.header = memory, .size = (size_t)st.st_size};
}

static UNUSED void raw_close(struct raw_page *page)
{
    munmap((void *)(uintptr_t)page->header, page->size);
}

static UNUSED const void *raw_at(const struct raw_page *page, uint64_t offset)
{
    return (const char *)page->header + offset;
}

static UNUSED const char *raw_string(const struct raw_page *page, uint32_t string)
{
    return raw_at(page, page->header->strings_offset + string);
}

static UNUSED const struct tare_entry *raw_entry(const struct raw_page *page, uint32_t index)
{
    return raw_at(page, page->header->directory_offset + (uint64_t)index * page->header->entry_stride);
}

static UNUSED const struct tare_control *raw_control(const struct raw_page *page, uint32_t index)
{
    return raw_at(page, page->header->control_offset + (uint64_t)index * page->header->control_stride);
}

static UNUSED const struct tare_cell *raw_cell(const struct raw_page *page, uint32_t index)
{
    return raw_at(page, page->header->cells_offset + (uint64_t)index * page->header->cell_stride);
}

static UNUSED const struct tare_block *raw_block(const struct raw_page *page, uint32_t number)
{
    return raw_at(page, page->header->blocks_offset + number * page->header->block_stride);
}

/* Of a block that was ever used; NULL: void. */
static UNUSED const void *raw_slot(const struct raw_page *page, uint32_t number, uint32_t index)
{
    const struct tare_slot *slot =
        (const void *)((const char *)raw_block(page, number) + page->header->slots_offset +
                       (uint64_t)index * page->header->slot_stride);
    uint32_t generation = __atomic_load_n(&slot->generation, __ATOMIC_ACQUIRE);
    return generation == __atomic_load_n(&raw_control(page, index)->generation, __ATOMIC_RELAXED) ? slot : NULL;
}

static UNUSED uint32_t raw_blocks(const struct raw_page *page)
{
    return __atomic_load_n(&page->header->block_count, __ATOMIC_ACQUIRE);
}

/* The index of an instrument; labels "" for none. UINT32_MAX: there is none. */
static UNUSED uint32_t raw_find_labelled(const struct raw_page *page, uint32_t kind, const char *module,
                                         const char *name, const char *labels)
{
    uint32_t count = __atomic_load_n(&page->header->instrument_count, __ATOMIC_ACQUIRE);
    for (uint32_t i = 0; i < count; i++) {
        const struct tare_entry *entry = raw_entry(page, i);
        if (entry->kind == kind && strcmp(raw_string(page, entry->module_string), module) == 0 &&
            strcmp(raw_string(page, entry->name_string), name) == 0 &&
            strcmp(raw_string(page, entry->labels_string), labels) == 0) {
            return i;
        }
    }
    return UINT32_MAX;
}

static UNUSED uint32_t raw_find(const struct raw_page *page, uint32_t kind, const char *name)
{
    uint32_t index = raw_find_labelled(page, kind, "test", name, "");
    MUST(index != UINT32_MAX);
    return index;
}

/* A counter's sum over all blocks. */
static UNUSED uint64_t raw_total(const struct raw_page *page, uint32_t index)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < raw_blocks(page); i++) {
        const struct tare_counter_slot *slot = raw_slot(page, i, index);
        total += slot != NULL ? __atomic_load_n(&slot->value, __ATOMIC_RELAXED) : 0;
    }
    return total;
}

/* A histogram, merged. */
struct raw_values {
    uint64_t count, sum, least, most;
    uint64_t buckets[TARE_BUCKET_COUNT];
};

static UNUSED struct raw_values raw_values(const struct raw_page *page, uint32_t index)
{
    struct raw_values values = {.least = UINT64_MAX};
    for (uint32_t i = 0; i < raw_blocks(page); i++) {
        const struct tare_slot *slot = raw_slot(page, i, index);
        const uint64_t *buckets =
            (const void *)((const char *)raw_block(page, i) + page->header->histograms_offset +
                           (uint64_t)index * page->header->histogram_stride);
        if (slot == NULL) {
            continue;
        }
        values.count += __atomic_load_n(&slot->outermost, __ATOMIC_RELAXED);
        values.sum += __atomic_load_n(&slot->total_ticks, __ATOMIC_RELAXED);
        uint64_t least = __atomic_load_n(&slot->min_ticks, __ATOMIC_RELAXED);
        uint64_t most = __atomic_load_n(&slot->max_ticks, __ATOMIC_RELAXED);
        values.least = least < values.least ? least : values.least;
        values.most = most > values.most ? most : values.most;
        for (uint32_t b = 0; b < TARE_BUCKET_COUNT; b++) {
            values.buckets[b] += __atomic_load_n(&buckets[b], __ATOMIC_RELAXED);
        }
    }
    return values;
}

static UNUSED double raw_value(const struct raw_page *page, uint32_t index)
{
    return tare_gauge_decode(__atomic_load_n(&raw_cell(page, index)->value, __ATOMIC_RELAXED));
}

/* NAN: none since the last reset. */
static UNUSED double raw_peak(const struct raw_page *page, uint32_t index)
{
    const struct tare_cell *cell = raw_cell(page, index);
    return __atomic_load_n(&cell->generation, __ATOMIC_RELAXED) ==
                   __atomic_load_n(&raw_control(page, index)->generation, __ATOMIC_RELAXED)
               ? tare_gauge_decode(__atomic_load_n(&cell->peak, __ATOMIC_RELAXED))
               : NAN;
}

/* Time of all threads in a state, in seconds, in stays that have ended. */
static UNUSED double raw_seconds(const struct raw_page *page, uint32_t index, uint32_t state)
{
    uint64_t ticks = 0;
    for (uint32_t i = 0; i < raw_blocks(page); i++) {
        const struct tare_state_slot *slot = raw_slot(page, i, index);
        const uint64_t *of = slot == NULL ? NULL
                             : state < 7  ? &slot->ticks[state]
                                          : &slot->ticks_more[state - 7];
        ticks += of != NULL ? __atomic_load_n(of, __ATOMIC_RELAXED) : 0;
    }
    return (double)ticks / (double)page->header->rate_hz;
}

/* How many threads are in it now. */
static UNUSED unsigned raw_threads_in(const struct raw_page *page, uint32_t index, uint32_t state)
{
    unsigned threads = 0;
    for (uint32_t i = 0; i < raw_blocks(page); i++) {
        const struct tare_state_slot *slot =
            (const void *)((const char *)raw_block(page, i) + page->header->slots_offset +
                           (uint64_t)index * page->header->slot_stride);
        threads += __atomic_load_n(&raw_block(page, i)->state, __ATOMIC_ACQUIRE) == TARE_BLOCK_OWNED &&
                   __atomic_load_n(&slot->generation, __ATOMIC_ACQUIRE) != 0 &&
                   __atomic_load_n(&slot->current, __ATOMIC_RELAXED) == (uint64_t)state + 1;
    }
    return threads;
}

#endif
