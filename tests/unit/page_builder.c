/* SPDX-License-Identifier: MIT */
/*
 * Lays a page out as small as the format allows: control bytes, directory, strings and blocks follow each
 * other, and a block's slots its header, without the room that the runtime leaves. So a reader that knows the
 * runtime's layout instead of reading the header's fails on these pages.
 */
#include "tests/unit/page_builder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { STRINGS_BYTES = 1024 };

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
    h->strings_offset = h->directory_offset + (uint64_t)instrument_max * h->entry_stride;
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
    h->page_size = (h->blocks_offset + h->block_stride * block_max + 4095) / 4096 * 4096;
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
