/* SPDX-License-Identifier: MIT */
/*
 * Writes the files of tests/fuzz/corpus/page/ that are made on purpose: pages that are in order, and pages that
 * are wrong in one way each. How to run it: tests/fuzz/README.md. Pages are trimmed behind their last byte that
 * is not zero, which a reader must bear.
 */
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/page_builder.h"

static const char *directory;

static void save_bytes(const char *name, const void *bytes, size_t size)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes, 1, size, file) != size || fclose(file) != 0) {
        fprintf(stderr, "make_page_corpus: cannot write '%s': %s\n", path, strerror(errno));
        exit(1);
    }
}

static void save(struct page_builder *b, const char *name)
{
    save_bytes(name, b->bytes, page_builder_used(b));
    page_builder_release(b);
}

/* Two threads, two timers, one of them within the other; the second thread has ended. */
static void usual(struct page_builder *b, uint32_t flags)
{
    page_builder_init(b, 4, 2, flags);
    uint32_t outer = page_builder_timer(b, "store", "put", "src/store.c", 41);
    uint32_t inner = page_builder_timer(b, "store", "hash", "src/store.c", 17);
    uint32_t main_thread = page_builder_block(b, 4242, "example");
    uint32_t worker = page_builder_block(b, 4243, "worker");
    for (uint64_t i = 0; i < 8; i++) {
        page_builder_record(b, main_thread, inner, 120 + 3 * i, 0);
        page_builder_record(b, main_thread, outer, 400 + 50 * i * i, 1);
        page_builder_record(b, worker, inner, 90 + i, 0);
    }
    page_builder_control(b, outer)->enabled = 1;
    page_builder_block_at(b, worker)->state = TARE_BLOCK_ENDED;
    page_builder_block_at(b, worker)->threads = 3;
}

/* The worked example of docs/page-format.md. */
static void save_tiny(void)
{
    struct page_builder b;
    page_builder_init(&b, 2, 1, TARE_PAGE_HISTOGRAMS | TARE_PAGE_INVARIANT_TSC);
    page_builder_costs(&b);
    uint32_t timer = page_builder_timer(&b, "fdtables", "close_virtualfd", "fdtables.c", 120);
    page_builder_control(&b, timer)->enabled = 1;
    uint32_t block = page_builder_block(&b, 4242, "example");
    page_builder_record(&b, block, timer, 100, 0);
    page_builder_record(&b, block, timer, 103, 0);
    page_builder_record(&b, block, timer, 1000, 2);
    page_builder_slot(&b, block, timer)->closeness_within = 28;
    page_builder_slot(&b, block, timer)->bytes = 512;
    uint32_t counter =
        page_builder_instrument(&b, TARE_KIND_COUNTER, "fdtables", "read_total", "bytes", "from=disk");
    page_builder_count(&b, block, counter, 4096);
    save(&b, "tiny");
}

enum { KINDS_GAUGE = 1, KINDS_STATE = 3, KINDS_TOPK = 4, KINDS_FRAMES = 5 };

/* One instrument of each kind but timers, in two threads. */
static void all_kinds(struct page_builder *b, uint32_t flags)
{
    static const char *const states[] = {"idle", "running"}, *const parts[] = {"cpu", "gpu"};
    page_builder_init(b, 6, 2, flags);
    page_builder_block(b, 4242, "example");
    page_builder_block(b, 4243, "worker");
    uint32_t counter =
        page_builder_instrument(b, TARE_KIND_COUNTER, "net", "sent", "bytes", "dir=out,proto=tcp");
    uint32_t gauge = page_builder_instrument(b, TARE_KIND_GAUGE, "net", "queue", "requests", NULL);
    uint32_t histogram = page_builder_instrument(b, TARE_KIND_HISTOGRAM, "net", "size", "bytes", NULL);
    uint32_t state = page_builder_instrument(b, TARE_KIND_STATE, "net", "mode", NULL, NULL);
    page_builder_names(b, state, states, 2);
    uint32_t topk = page_builder_instrument(b, TARE_KIND_TOPK, "vm", "hot", NULL, NULL);
    page_builder_entry(b, topk)->size = 2;
    uint32_t frames = page_builder_instrument(b, TARE_KIND_FRAMES, "view", "main", NULL, NULL);
    page_builder_names(b, frames, parts, 2);
    page_builder_entry(b, frames)->size = 4;
    page_builder_gauge(b, gauge, 3, 17.5);
    struct tare_frame_ring *ring = page_builder_frames(b, frames, 4, 2);
    for (uint64_t i = 0; i < 6; i++) {
        page_builder_frame(ring, 2000000 + 100000 * i, 50000 + i, (const uint64_t[]){20000 + i, UINT64_MAX});
    }
    for (uint32_t block = 0; block < 2; block++) {
        page_builder_count(b, block, counter, 1000 + block);
        page_builder_record(b, block, histogram, 512 + block, 0);
        struct tare_state_slot *slot = (void *)page_builder_slot(b, block, state);
        *slot = (struct tare_state_slot){
            .changes = 4, .since_ticks = 2000000, .current = 1 + block, .generation = 1};
        slot->ticks[1] = 7000 + block;
        page_builder_topk(b, block, topk, 2);
        for (uint64_t key = 1; key <= 2; key++) {
            page_builder_key(b, block, topk,
                             &(struct tare_topk_entry){.key = key, .weight = 10 * key, .hits = key});
        }
    }
}

static void save_kinds(void)
{
    struct page_builder b;
    all_kinds(&b, 0);
    save(&b, "kinds");
    all_kinds(&b, 0);
    page_builder_gauge(&b, KINDS_GAUGE, NAN, NAN);
    page_builder_control(&b, KINDS_STATE)->generation = 2; /* reset: the times are void, the state is not */
    save(&b, "kinds-unknown");
    all_kinds(&b, 0);
    struct tare_topk_slot *slot = (void *)page_builder_slot(&b, 0, KINDS_TOPK);
    ((struct tare_topk *)(void *)(b.bytes + slot->table_offset))->capacity = UINT32_MAX;
    slot = (void *)page_builder_slot(&b, 1, KINDS_TOPK);
    slot->table_offset = UINT64_MAX - 63;
    save(&b, "table-outside");
    all_kinds(&b, 0);
    struct tare_cell *cell = page_builder_cell(&b, KINDS_FRAMES);
    struct tare_frame_ring *ring = (void *)(b.bytes + cell->extra_offset);
    ring->capacity = 1u << 31;
    ring->slow_offset = UINT32_MAX - 7;
    ring->record_stride = 0;
    save(&b, "ring-outside");
    all_kinds(&b, 0);
    page_builder_cell(&b, KINDS_FRAMES)->extra_offset = b.header->page_size - 64;
    page_builder_entry(&b, KINDS_STATE)->name_count = UINT32_MAX;
    ((struct tare_state_slot *)(void *)page_builder_slot(&b, 0, KINDS_STATE))->current = UINT32_MAX;
    save(&b, "names-without-end");
    all_kinds(&b, 0);
    b.header->cells_offset = b.header->directory_offset;
    save(&b, "cells-overlap");
    all_kinds(&b, 0);
    b.header->extras_size = UINT64_MAX - b.header->extras_offset;
    save(&b, "extras-overflow");
}

static void save_pages_in_order(void)
{
    struct page_builder b;
    save_tiny();
    usual(&b, TARE_PAGE_HISTOGRAMS | TARE_PAGE_INVARIANT_TSC);
    save(&b, "usual");
    usual(&b, TARE_PAGE_INVARIANT_TSC);
    save(&b, "sums-only");
    usual(&b, 0);
    b.header->state = TARE_PAGE_EXITED;
    b.header->flags |= TARE_PAGE_CALIBRATED_AT_EXIT;
    page_builder_costs(&b);
    b.header->cost_at_exit = b.header->cost;
    b.header->cost_in_run.n = 2;
    for (int i = 0; i < TARE_SCOPE_COSTS; i++) {
        b.header->cost_in_run.mticks[0][i] = 40000 + 2000 * i;
        b.header->cost_in_run.mticks[1][i] = 41000 - 7000 * i;
    }
    page_builder_slot(&b, 0, 0)->closeness_within = 60;
    page_builder_slot(&b, 0, 0)->uncounted_within = 3;
    b.header->lost_instruments = 1;
    b.header->lost_threads = 2;
    b.header->lost_scopes = 3;
    b.header->dropped_scopes = 4;
    save(&b, "exited-with-losses");
    page_builder_init(&b, 4, 2, 0);
    save(&b, "no-timers");
    usual(&b, 0);
    page_builder_control(&b, 1)->generation = 2;
    page_builder_record(&b, 0, 1, 5, 0);
    save(&b, "reset");
    usual(&b, 0);
    page_builder_entry(&b, 0)->kind = 99;
    b.header->clock = TARE_CLOCK_CLOCK;
    save(&b, "unknown-kind");
    page_builder_init_padded(&b, 4, 1, 0, 24);
    page_builder_timer(&b, "m", "t", "m.c", 1);
    page_builder_record(&b, page_builder_block(&b, 1, "main"), 0, 77, 0);
    save(&b, "padded");
}

/* What else can be wrong with other kinds than timers. */
static void save_more_kinds(void)
{
    enum { COUNTER, GAUGE, HISTOGRAM, STATE, TOPK, FRAMES };
    struct page_builder b;
    page_builder_kinds(&b, 0);
    for (uint32_t i = COUNTER; i <= FRAMES; i++) {
        page_builder_control(&b, i)->generation = 2;
    }
    save(&b, "kinds-reset");
    page_builder_kinds(&b, 0);
    struct tare_topk_slot *topk = (void *)page_builder_slot(&b, 0, TOPK);
    ((struct tare_topk *)(void *)(b.bytes + topk->table_offset))->capacity = TARE_TOPK_MAX;
    save(&b, "table-too-large");
    page_builder_kinds(&b, 0);
    page_builder_cell(&b, FRAMES)->extra_size = UINT64_MAX - 7;
    save(&b, "ring-size-overflows");
    page_builder_kinds(&b, 0);
    struct tare_frame_ring *ring = (void *)(b.bytes + page_builder_cell(&b, FRAMES)->extra_offset);
    ring->frames = UINT64_MAX;
    ring->slow = UINT64_MAX;
    save(&b, "frames-without-end");
    page_builder_kinds(&b, 0);
    page_builder_entry(&b, STATE)->name_count = TARE_STATES_MAX + 1;
    save(&b, "states-too-many");
    page_builder_kinds(&b, 0);
    struct tare_state_slot *state = (void *)page_builder_slot(&b, 0, STATE);
    state->changes |= 1; /* its thread died there */
    page_builder_gauge(&b, GAUGE, -1.0 / 0.0, 1.0 / 0.0);
    page_builder_entry(&b, COUNTER)->labels_string = page_builder_entry(&b, COUNTER)->name_string;
    save(&b, "kinds-without-sense");
}

static void save_damaged_pages(void)
{
    struct page_builder b;
    usual(&b, 0);
    b.header->state = TARE_PAGE_BUILDING;
    save(&b, "building");
    usual(&b, 0);
    b.header->version = TARE_PAGE_VERSION + 1;
    save(&b, "later-version");
    usual(&b, 0);
    b.header->version = 1;
    save(&b, "earlier-version");
    usual(&b, 0);
    b.header->byte_order = 0x04030201;
    save(&b, "other-byte-order");
    usual(&b, 0);
    b.header->block_stride = UINT64_C(1) << 63;
    save(&b, "stride-overflows");
    usual(&b, 0);
    page_builder_entry(&b, 1)->name_string = (uint32_t)b.header->strings_used;
    save(&b, "name-outside");
    usual(&b, 0);
    memset(b.bytes + b.header->strings_offset + b.header->strings_used - 4, 'x', 4);
    save(&b, "name-without-end");
    usual(&b, TARE_PAGE_HISTOGRAMS);
    b.header->bucket_bits = 5;
    save(&b, "other-buckets");
    usual(&b, 0);
    page_builder_block_at(&b, 1)->state = 9;
    save(&b, "block-state-9");
    usual(&b, 0);
    struct tare_slot *slot = page_builder_slot(&b, 0, 0);
    memset(slot, 0xff, offsetof(struct tare_slot, open_token));
    slot->max_ticks = 3;
    slot->calls = 1;
    save(&b, "figures-contradict");
    usual(&b, 0);
    b.header->flags |= TARE_PAGE_CALIBRATED_AT_EXIT;
    b.header->begin_cap_ticks = UINT32_MAX;
    memset(&b.header->cost, 0xff, sizeof(b.header->cost));
    memset(&b.header->cost_at_exit, 0x7f, sizeof(b.header->cost_at_exit));
    memset(&b.header->cost_in_run, 0xff, sizeof(b.header->cost_in_run));
    slot = page_builder_slot(&b, 0, 0);
    slot->closeness_within = slot->uncounted_within = UINT64_MAX;
    save(&b, "costs-without-sense");
    page_builder_init(&b, 4, 1, 0);
    page_builder_timer(&b, "\033[2Jm", "t\xc3", "\xff\n.c", 1);
    save(&b, "names-to-harm");
    usual(&b, 0);
    save_bytes("cut-short", b.bytes, b.header->blocks_offset + 100);
    save_bytes("header-only", b.bytes, 4096);
    save_bytes("half-a-header", b.bytes, 100);
    page_builder_release(&b);
    save_bytes("not-a-page", "hello, world\n", 13);
}

static void save_set(void)
{
    struct page_builder b;
    usual(&b, 0);
    b.header->extras_size = 0; /* to be small */
    b.header->page_size = b.size = (b.header->extras_offset + 4095) / 4096 * 4096;
    struct tare_set set = {
        .version = TARE_PAGE_VERSION,
        .byte_order = TARE_BYTE_ORDER,
        .first_offset = 4096,
        .stride = b.size,
        .max = 3,
        .next = 4,
    };
    memcpy(set.magic, TARE_SET_MAGIC, sizeof(set.magic));
    size_t size = set.first_offset + 2 * b.size; /* the third was claimed by nobody who lived to write it */
    unsigned char *bytes = calloc(1, size);
    if (bytes == NULL) {
        exit(1);
    }
    memcpy(bytes, &set, sizeof(set));
    memcpy(bytes + set.first_offset, b.bytes, b.size);
    memcpy(bytes + set.first_offset + b.size, b.bytes, b.size);
    save_bytes("set", bytes, size);
    free(bytes);
    page_builder_release(&b);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: make_page_corpus DIRECTORY\n");
        return 2;
    }
    directory = argv[1];
    save_pages_in_order();
    save_more_kinds();
    save_damaged_pages();
    save_kinds();
    save_set();
    return 0;
}
