/* SPDX-License-Identifier: MIT */
/*
 * Lays a page out as small as the format allows: control bytes, directory, strings and blocks follow each
 * other, and a block's slots its header, without the room that the runtime leaves. So a reader that knows the
 * runtime's layout instead of reading the header's fails on these pages.
 */
#include "tests/unit/page_builder.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { STRINGS_BYTES = 1024, EXTRAS_BYTES = 1 << 16 };

static void must(int condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "page_builder: %s\n", what);
        exit(1);
    }
}

static void layout(struct tare_page *h, uint32_t instrument_max, uint32_t block_max, uint32_t padding)
{
    h->instrument_max = instrument_max;
    h->block_max = block_max;
    h->control_stride = sizeof(struct tare_control) + padding;
    h->entry_stride = sizeof(struct tare_entry) + padding;
    h->slot_stride = sizeof(struct tare_slot) + padding;
    h->control_offset = sizeof(*h) + padding;
    h->directory_offset = h->control_offset + (uint64_t)instrument_max * h->control_stride;
    h->cell_stride = sizeof(struct tare_cell) + padding;
    h->cells_offset = h->directory_offset + (uint64_t)instrument_max * h->entry_stride;
    h->strings_offset = h->cells_offset + (uint64_t)instrument_max * h->cell_stride;
    h->strings_size = STRINGS_BYTES + (uint64_t)instrument_max * 128;
    h->blocks_offset = h->strings_offset + h->strings_size;
    h->slots_offset = sizeof(struct tare_block) + padding;
    uint32_t block_end = h->slots_offset + instrument_max * h->slot_stride;
    if ((h->flags & TARE_PAGE_HISTOGRAMS) != 0) {
        h->bucket_count = TARE_BUCKET_COUNT;
        h->bucket_bits = TARE_BUCKET_BITS;
        h->histogram_stride = TARE_BUCKET_COUNT * sizeof(uint64_t) + padding;
        h->histograms_offset = block_end;
        block_end += instrument_max * h->histogram_stride;
    }
    h->block_stride = block_end + padding;
    h->extras_offset = h->blocks_offset + h->block_stride * block_max;
    h->extras_size = EXTRAS_BYTES;
    h->page_size = (h->extras_offset + h->extras_size + 4095) / 4096 * 4096;
}

static void identity(struct tare_page *h)
{
    h->pid = 4242;
    h->parent_pid = 4241;
    h->uid = 1000;
    h->start_time_jiffies = 123456;
    h->started_realtime_ns = 1700000000000000000;
    for (unsigned i = 0; i < sizeof(h->boot_id); i++) {
        h->boot_id[i] = (uint8_t)(i + 1);
    }
    h->runtime_version = 1u << 8; /* 0.1.0 */
}

/* 2 GHz over 10 ms, known to 20 ns in 10 ms, which is 2000 ppb. */
static void clock_of(struct tare_page *h)
{
    h->clock = TARE_CLOCK_TSC_ORDERED;
    h->arch = TARE_ARCH_X86_64;
    h->rate_hz = 2000000000;
    h->rate_error_ppb = 2000;
    h->first = (struct tare_anchor){.ticks = 1000000, .raw_ns = 5000000, .bracket_ns = 20};
    h->last = (struct tare_anchor){.ticks = 21000000, .raw_ns = 15000000, .bracket_ns = 20};
    h->cost.inner = (struct tare_cost){.median_mticks = 38500, .mad_mticks = 250, .n = 64};
    h->cost.outer = (struct tare_cost){.median_mticks = 96000, .mad_mticks = 500, .n = 64};
    h->calibration_ns = 9500000;
}

void page_builder_costs(struct page_builder *b)
{
    struct tare_page *h = b->header;
    h->begin_cap_ticks = 40;
    h->end_cap_ticks = 30;
    h->cost.inner_empty = (struct tare_cost){.median_mticks = 39500, .mad_mticks = 250, .n = 64};
    h->cost.outer_nested = (struct tare_cost){.median_mticks = 98000, .mad_mticks = 500, .n = 64};
    h->cost.outer_apart = (struct tare_cost){.median_mticks = 80000, .mad_mticks = 500, .n = 64};
    h->cost.close = (struct tare_cost){.median_mticks = 20000, .mad_mticks = 1000, .n = 64};
    h->cost.knee = (struct tare_cost){.median_mticks = 12000, .mad_mticks = 1000, .n = 64};
}

void page_builder_init_padded(struct page_builder *b, uint32_t instrument_max, uint32_t block_max,
                              uint32_t flags, uint32_t padding)
{
    struct tare_page header = {
        .version = TARE_PAGE_VERSION,
        .byte_order = TARE_BYTE_ORDER,
        .header_size = sizeof(header),
        .state = TARE_PAGE_LIVE,
        .flags = flags | TARE_PAGE_CALIBRATED,
    };
    memcpy(header.magic, TARE_PAGE_MAGIC, sizeof(header.magic));
    layout(&header, instrument_max, block_max, padding);
    identity(&header);
    clock_of(&header);
    b->size = header.page_size;
    b->bytes = calloc(1, b->size);
    must(b->bytes != NULL, "no memory");
    b->header = (struct tare_page *)(void *)b->bytes;
    *b->header = header;
    page_builder_string(b, "", 0); /* offset 0: the empty string */
    b->header->executable_string = page_builder_string(b, "/usr/bin/example", 16);
    page_builder_command(b, "example\0--fast", 15);
}

void page_builder_init(struct page_builder *b, uint32_t instrument_max, uint32_t block_max, uint32_t flags)
{
    page_builder_init_padded(b, instrument_max, block_max, flags, 0);
}

void page_builder_release(struct page_builder *b)
{
    free(b->bytes);
    memset(b, 0, sizeof(*b));
}

uint32_t page_builder_string(struct page_builder *b, const char *text, size_t size)
{
    uint64_t at = b->header->strings_used;
    must(size < b->header->strings_size - at, "no room for a string");
    memcpy(b->bytes + b->header->strings_offset + at, text, size);
    b->header->strings_used = at + size + 1;
    return (uint32_t)at;
}

void page_builder_command(struct page_builder *b, const char *command, size_t size)
{
    b->header->command_string = page_builder_string(b, command, size);
    b->header->command_size = (uint32_t)size;
}

struct tare_control *page_builder_control(const struct page_builder *b, uint32_t timer)
{
    return (void *)(b->bytes + b->header->control_offset + (size_t)timer * b->header->control_stride);
}

struct tare_entry *page_builder_entry(const struct page_builder *b, uint32_t timer)
{
    return (void *)(b->bytes + b->header->directory_offset + (size_t)timer * b->header->entry_stride);
}

struct tare_block *page_builder_block_at(const struct page_builder *b, uint32_t block)
{
    return (void *)(b->bytes + b->header->blocks_offset + block * b->header->block_stride);
}

struct tare_slot *page_builder_slot(const struct page_builder *b, uint32_t block, uint32_t timer)
{
    return (void *)((unsigned char *)page_builder_block_at(b, block) + b->header->slots_offset +
                    (size_t)timer * b->header->slot_stride);
}

uint64_t *page_builder_buckets(const struct page_builder *b, uint32_t block, uint32_t timer)
{
    return (void *)((unsigned char *)page_builder_block_at(b, block) + b->header->histograms_offset +
                    (size_t)timer * b->header->histogram_stride);
}

uint32_t page_builder_timer(struct page_builder *b, const char *module, const char *name, const char *file,
                            uint32_t line)
{
    uint32_t index = b->header->instrument_count;
    must(index < b->header->instrument_max, "no room for a timer");
    struct tare_entry *entry = page_builder_entry(b, index);
    entry->kind = TARE_KIND_TIMER;
    entry->objects = 1;
    entry->module_string = page_builder_string(b, module, strlen(module));
    entry->name_string = page_builder_string(b, name, strlen(name));
    entry->file_string = page_builder_string(b, file, strlen(file));
    entry->line = line;
    page_builder_control(b, index)->generation = 1;
    b->header->instrument_count = index + 1;
    return index;
}

uint32_t page_builder_instrument(struct page_builder *b, uint32_t kind, const char *module, const char *name,
                                 const char *unit, const char *labels)
{
    uint32_t index = page_builder_timer(b, module, name, "file.c", 1);
    struct tare_entry *entry = page_builder_entry(b, index);
    entry->kind = kind;
    entry->unit_string = unit != NULL ? page_builder_string(b, unit, strlen(unit)) : 0;
    entry->labels_string = labels != NULL ? page_builder_string(b, labels, strlen(labels)) : 0;
    page_builder_control(b, index)->enabled = 1;
    return index;
}

void page_builder_names(struct page_builder *b, uint32_t instrument, const char *const *names, uint32_t count)
{
    struct tare_entry *entry = page_builder_entry(b, instrument);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = page_builder_string(b, names[i], strlen(names[i]));
        entry->names_string = i == 0 ? at : entry->names_string;
    }
    entry->name_count = count;
}

struct tare_cell *page_builder_cell(const struct page_builder *b, uint32_t instrument)
{
    return (void *)(b->bytes + b->header->cells_offset + (size_t)instrument * b->header->cell_stride);
}

uint64_t page_builder_extra(struct page_builder *b, size_t size)
{
    uint64_t at = b->header->extras_used;
    must(size <= b->header->extras_size - at, "no room for an extra");
    b->header->extras_used = at + (size + 63) / 64 * 64;
    return b->header->extras_offset + at;
}

void page_builder_count(const struct page_builder *b, uint32_t block, uint32_t counter, uint64_t n)
{
    struct tare_counter_slot *slot = (void *)page_builder_slot(b, block, counter);
    slot->generation = page_builder_control(b, counter)->generation;
    slot->value += n;
}

void page_builder_gauge(const struct page_builder *b, uint32_t gauge, double value, double peak)
{
    struct tare_cell *cell = page_builder_cell(b, gauge);
    cell->value = tare_gauge_encode(value);
    cell->peak = tare_gauge_encode(peak);
    cell->generation = page_builder_control(b, gauge)->generation;
}

struct tare_topk *page_builder_topk(struct page_builder *b, uint32_t block, uint32_t topk, uint32_t capacity)
{
    struct tare_topk_slot *slot = (void *)page_builder_slot(b, block, topk);
    slot->table_size = TARE_TOPK_ENTRIES + (uint64_t)capacity * sizeof(struct tare_topk_entry);
    slot->table_offset = page_builder_extra(b, slot->table_size);
    slot->generation = page_builder_control(b, topk)->generation;
    struct tare_topk *table = (void *)(b->bytes + slot->table_offset);
    table->capacity = capacity;
    table->entry_stride = sizeof(struct tare_topk_entry);
    return table;
}

void page_builder_key(const struct page_builder *b, uint32_t block, uint32_t topk,
                      const struct tare_topk_entry *key)
{
    struct tare_topk_slot *slot = (void *)page_builder_slot(b, block, topk);
    struct tare_topk *table = (void *)(b->bytes + slot->table_offset);
    must(table->used < table->capacity, "no room for a key");
    struct tare_topk_entry *entries = (void *)((unsigned char *)table + TARE_TOPK_ENTRIES);
    entries[table->used++] = *key;
    slot->weight += key->weight;
    slot->hits += key->hits;
}

struct tare_frame_ring *page_builder_frames(struct page_builder *b, uint32_t frames, uint32_t capacity,
                                            uint32_t slow_capacity)
{
    struct tare_cell *cell = page_builder_cell(b, frames);
    const uint32_t stride = sizeof(struct tare_frame_record);
    cell->extra_size = sizeof(struct tare_frame_ring) + (uint64_t)(capacity + slow_capacity) * stride +
                       TARE_BUCKET_COUNT * sizeof(uint64_t);
    cell->extra_offset = page_builder_extra(b, cell->extra_size);
    cell->generation = page_builder_control(b, frames)->generation;
    struct tare_frame_ring *ring = (void *)(b->bytes + cell->extra_offset);
    ring->capacity = capacity;
    ring->part_count = page_builder_entry(b, frames)->name_count;
    ring->record_stride = stride;
    ring->slow_capacity = slow_capacity;
    ring->records_offset = sizeof(*ring);
    ring->slow_offset = ring->records_offset + capacity * stride;
    ring->buckets_offset = ring->slow_offset + slow_capacity * stride;
    ring->generation = cell->generation;
    ring->min_ticks = UINT64_MAX;
    return ring;
}

void page_builder_frame(struct tare_frame_ring *ring, uint64_t start_ticks, uint64_t ticks,
                        const uint64_t *part_ticks)
{
    unsigned char *base = (unsigned char *)ring;
    struct tare_frame_record record = {
        .sequence = 2 * (ring->frames + 1),
        .start_ticks = start_ticks,
        .ticks = ticks,
        .flags = ring->slow_ticks != 0 && ticks > ring->slow_ticks ? TARE_FRAME_IS_SLOW : 0,
    };
    for (uint32_t i = 0; i < TARE_FRAME_PARTS_MAX; i++) {
        record.part_ticks[i] = i < ring->part_count ? part_ticks[i] : UINT64_MAX;
        if (record.part_ticks[i] != UINT64_MAX) {
            ring->part_ticks[i] += part_ticks[i];
            ring->part_frames[i]++;
        }
    }
    memcpy(base + ring->records_offset + ring->frames % ring->capacity * ring->record_stride, &record,
           sizeof(record));
    if (record.flags != 0) {
        memcpy(base + ring->slow_offset + ring->slow % ring->slow_capacity * ring->record_stride, &record,
               sizeof(record));
        ring->slow++;
    }
    ring->frames++;
    ring->total_ticks += ticks;
    ring->min_ticks = ticks < ring->min_ticks ? ticks : ring->min_ticks;
    ring->max_ticks = ticks > ring->max_ticks ? ticks : ring->max_ticks;
    uint64_t *buckets = (void *)(base + ring->buckets_offset);
    buckets[tare_bucket_of(ticks)]++;
}

uint32_t page_builder_block(struct page_builder *b, uint32_t tid, const char *thread_name)
{
    uint32_t number = b->header->block_count;
    must(number < b->header->block_max, "no room for a block");
    struct tare_block *block = page_builder_block_at(b, number);
    block->state = TARE_BLOCK_OWNED;
    block->tid = tid;
    block->threads = 1;
    size_t size = strlen(thread_name);
    memcpy(block->thread_name, thread_name, size < 16 ? size : 16);
    b->header->block_count = number + 1;
    return number;
}

void page_builder_record(struct page_builder *b, uint32_t block, uint32_t timer, uint64_t ticks,
                         uint64_t within)
{
    struct tare_slot *slot = page_builder_slot(b, block, timer);
    if (slot->generation == 0) {
        slot->min_ticks = UINT64_MAX;
        slot->generation = page_builder_control(b, timer)->generation;
    }
    slot->calls++;
    slot->outermost++;
    slot->total_ticks += ticks;
    slot->min_ticks = ticks < slot->min_ticks ? ticks : slot->min_ticks;
    slot->max_ticks = ticks > slot->max_ticks ? ticks : slot->max_ticks;
    slot->scopes_within += within;
    page_builder_block_at(b, block)->ended++;
    if ((b->header->flags & TARE_PAGE_HISTOGRAMS) != 0) {
        page_builder_buckets(b, block, timer)[tare_bucket_of(ticks)]++;
    }
}

void page_builder_kinds(struct page_builder *b, uint32_t flags)
{
    static const char *const names[] = {"one", "two"};
    static const struct tare_topk_entry key = {.key = 5, .weight = 20, .error = 3, .hits = 4};
    page_builder_init(b, 6, 2, flags);
    uint32_t block = page_builder_block(b, 1, "main");
    for (uint32_t kind = TARE_KIND_COUNTER; kind <= TARE_KIND_FRAMES; kind++) {
        page_builder_instrument(b, kind, "module", "name", "unit", "label=value");
    }
    page_builder_count(b, block, 0, 77);
    page_builder_gauge(b, 1, 2.5, 3.5);
    page_builder_record(b, block, 2, 1000, 0);
    page_builder_names(b, 3, names, 2);
    struct tare_state_slot *state = (void *)page_builder_slot(b, block, 3);
    *state = (struct tare_state_slot){.changes = 4, .current = 1, .ticks = {5, 6}, .generation = 1};
    page_builder_entry(b, 4)->size = 8;
    page_builder_topk(b, block, 4, 8);
    page_builder_key(b, block, 4, &key);
    page_builder_names(b, 5, names, 2);
    page_builder_entry(b, 5)->size = 8;
    struct tare_frame_ring *ring = page_builder_frames(b, 5, 8, 4);
    ring->slow_ticks = 1;
    for (uint64_t n = 0; n < 10; n++) {
        page_builder_frame(ring, n, n, (const uint64_t[]){n, UINT64_MAX});
    }
}

size_t page_builder_used(const struct page_builder *b)
{
    size_t used = b->size;
    while (used > 0 && b->bytes[used - 1] == 0) {
        used--;
    }
    return (used + 4095) / 4096 * 4096;
}

int page_builder_file(const struct page_builder *b, uint64_t offset, size_t size)
{
    int fd = memfd_create(TARE_PAGE_MEMFD, MFD_CLOEXEC);
    must(fd >= 0, "no memfd");
    must(ftruncate(fd, (off_t)(offset + size)) == 0, "no room for a file");
    must(pwrite(fd, b->bytes, size, (off_t)offset) == (ssize_t)size, "cannot write the file");
    return fd;
}

int page_builder_sealed_file(const struct page_builder *b)
{
    int fd = memfd_create(TARE_PAGE_MEMFD, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    must(fd >= 0 && ftruncate(fd, (off_t)b->size) == 0, "no memfd");
    for (size_t at = 0; at < b->size; at += 4096) { /* sparse, as the runtime's are */
        static const unsigned char zeros[4096];
        if (memcmp(b->bytes + at, zeros, 4096) != 0) {
            must(pwrite(fd, b->bytes + at, 4096, (off_t)at) == 4096, "cannot write the file");
        }
    }
    must(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0, "cannot seal the file");
    return fd;
}
