/* SPDX-License-Identifier: MIT */
/*
 * Makes pages (include/tare/page.h) for tests: valid ones, in memory, with figures of one's choice, to be read
 * as they are or damaged first. It is a second writer of the format, apart from the runtime, so that neither
 * can be wrong alone.
 */
#ifndef TARE_TESTS_PAGE_BUILDER_H
#define TARE_TESTS_PAGE_BUILDER_H

#include <stddef.h>
#include <stdint.h>

#include <tare/page.h>

struct page_builder {
    unsigned char *bytes;
    size_t size;
    struct tare_page *header; /* = bytes */
};

/*
 * A live page of pid 4242 with clock tsc-ordered at 2 GHz, calibrated, without timers or threads: flags are
 * those of the header besides TARE_PAGE_CALIBRATED. All of these functions end the test program where memory is
 * missing, or where the page has no room for what is asked.
 */
void page_builder_init(struct page_builder *builder, uint32_t instrument_max, uint32_t block_max,
                       uint32_t flags);

/* The same with `padding` more bytes (a multiple of 8) behind each struct, as a later version may have. */
void page_builder_init_padded(struct page_builder *builder, uint32_t instrument_max, uint32_t block_max,
                              uint32_t flags, uint32_t padding);
void page_builder_release(struct page_builder *builder);

/* Calibrates it further: what scopes within cost in other places, and how close they are followed there. */
void page_builder_costs(struct page_builder *builder);

/* Appends text of `size` bytes and a NUL to the strings; returns its offset. */
uint32_t page_builder_string(struct page_builder *builder, const char *text, size_t size);

/* `size` bytes, arguments separated by NUL. */
void page_builder_command(struct page_builder *builder, const char *command, size_t size);

/* The index of a new timer, disabled and loaded, of generation 1. */
uint32_t page_builder_timer(struct page_builder *builder, const char *module, const char *name,
                            const char *file, uint32_t line);

/* The number of a new block, owned by `tid`. */
uint32_t page_builder_block(struct page_builder *builder, uint32_t tid, const char *thread_name);

struct tare_control *page_builder_control(const struct page_builder *builder, uint32_t timer);
struct tare_entry *page_builder_entry(const struct page_builder *builder, uint32_t timer);
struct tare_block *page_builder_block_at(const struct page_builder *builder, uint32_t block);
struct tare_slot *page_builder_slot(const struct page_builder *builder, uint32_t block, uint32_t timer);
uint64_t *page_builder_buckets(const struct page_builder *builder, uint32_t block, uint32_t timer);

/* What an outermost scope of `ticks` leaves, in which `within` scopes ended. */
void page_builder_record(struct page_builder *builder, uint32_t block, uint32_t timer, uint64_t ticks,
                         uint64_t within);

/*
 * The index of a new instrument of another kind, enabled and loaded, of generation 1; `unit` and `labels` may
 * be NULL. States and frames get their names then.
 */
uint32_t page_builder_instrument(struct page_builder *builder, uint32_t kind, const char *module,
                                 const char *name, const char *unit, const char *labels);
void page_builder_names(struct page_builder *builder, uint32_t instrument, const char *const *names,
                        uint32_t count);
struct tare_cell *page_builder_cell(const struct page_builder *builder, uint32_t instrument);

/* Room in the extras, of which there are 64 KiB; returns its offset in the page. */
uint64_t page_builder_extra(struct page_builder *builder, size_t size);

/* A counter's n more in one block. A gauge's value and peak, NAN: unknown. */
void page_builder_count(const struct page_builder *builder, uint32_t block, uint32_t counter, uint64_t n);
void page_builder_gauge(const struct page_builder *builder, uint32_t gauge, double value, double peak);

/* A block's table of a top-k, and a key more in it, whose weight and hits count for all keys, too. */
struct tare_topk *page_builder_topk(struct page_builder *builder, uint32_t block, uint32_t topk,
                                    uint32_t capacity);
void page_builder_key(const struct page_builder *builder, uint32_t block, uint32_t topk,
                      const struct tare_topk_entry *key);

/* A ring of frames, with as many parts as the instrument has names, and a frame more in it, with those parts.
 */
struct tare_frame_ring *page_builder_frames(struct page_builder *builder, uint32_t frames, uint32_t capacity,
                                            uint32_t slow_capacity);
void page_builder_frame(struct tare_frame_ring *ring, uint64_t start_ticks, uint64_t ticks,
                        const uint64_t *part_ticks);

/* Instead of page_builder_init(): a page with one instrument of each kind but timers, all in use, by one
 * thread. */
void page_builder_kinds(struct page_builder *builder, uint32_t flags);

/* Bytes up to the last one that is not zero, rounded up to 4096: what a file needs to hold to be read. */
size_t page_builder_used(const struct page_builder *builder);

/* A memfd with the first `size` bytes at `offset`; the caller closes it. */
int page_builder_file(const struct page_builder *builder, uint64_t offset, size_t size);

/* A memfd with all of the page, with holes where it is zero, and sealed as the runtime seals its own. */
int page_builder_sealed_file(const struct page_builder *builder);

#endif
