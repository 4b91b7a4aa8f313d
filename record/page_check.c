/* SPDX-License-Identifier: MIT */
/*
 * What may be believed of a page's header, decided before anything is computed from it: whether it is a page at
 * all, and whether every offset that its geometry can give lies within it. Pure functions, so that tests can
 * ask for any header they like. What counts as damage is part of the contract: docs/page-format.md, "What a
 * reader checks".
 *
 * A page may claim to be huge and be a sparse file of no size at all, so there are limits to what we read: those
 * within which the runtime makes pages.
 */
#include "record/page_check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "runtime/labels.h"

enum {
    INSTRUMENTS_LIMIT = 1 << 16, /* the runtime's own, as those of the next two */
    BLOCKS_LIMIT = 1 << 12,
    STRINGS_LIMIT = (1 << 24) + (1 << 16),
    SLOTS_LIMIT = 1 << 26, /* instruments x blocks in use: 8 GiB, of which holes are not read */
};

/* Where a check says what it found. */
struct report {
    char *message;
    size_t size;
};

static __attribute__((format(printf, 3, 4))) int fail(const struct report *r, int error, const char *format,
                                                      ...)
{
    if (r->message != NULL && r->size > 0) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(r->message, r->size, format, arguments);
        va_end(arguments);
    }
    return error;
}

/* A part of the page or of a block: `count` records, `stride` apart. */
struct area {
    const char *name;
    uint64_t offset;
    uint64_t stride;
    uint64_t count;
    uint64_t end; /* set by areas_check */
};

/* Each lies in [low, high), on a multiple of 8 bytes unless it is text, and no two overlap. */
static int areas_check(const struct report *r, struct area *areas, size_t n, uint64_t low, uint64_t high)
{
    for (size_t i = 0; i < n; i++) {
        struct area *a = &areas[i];
        uint64_t size;
        if (__builtin_mul_overflow(a->stride, a->count, &size) ||
            __builtin_add_overflow(a->offset, size, &a->end) || a->offset < low || a->end > high) {
            return fail(r, -EINVAL, "page is damaged: its %s lie outside of it", a->name);
        }
        if (a->offset % 8 != 0 && a->stride != 1) {
            return fail(r, -EINVAL, "page is damaged: its %s are not aligned", a->name);
        }
        for (size_t k = 0; k < i; k++) {
            if (size != 0 && areas[k].end != areas[k].offset && a->offset < areas[k].end &&
                areas[k].offset < a->end) {
                return fail(r, -EINVAL, "page is damaged: its %s overlap its %s", a->name, areas[k].name);
            }
        }
    }
    return 0;
}

static int stride_check(const struct report *r, const char *name, uint32_t stride, size_t least)
{
    if (stride < least || stride % 8 != 0 || stride > TARE__STRIDE_LIMIT) {
        return fail(r, -EINVAL, "page is damaged: its %s cannot be %u bytes apart", name, stride);
    }
    return 0;
}

static int histograms_check(const struct report *r, const struct tare_page *h)
{
    if (h->bucket_count != TARE_BUCKET_COUNT || h->bucket_bits != TARE_BUCKET_BITS) {
        return fail(r, -ENOTSUP,
                    "page has histograms of %u buckets, 2^%u to an octave; this tare reads %u, 2^%u",
                    h->bucket_count, h->bucket_bits, TARE_BUCKET_COUNT, TARE_BUCKET_BITS);
    }
    if (h->histogram_stride < TARE_BUCKET_COUNT * sizeof(uint64_t) || h->histogram_stride % 8 != 0) {
        return fail(r, -EINVAL, "page is damaged: its histograms cannot be %u bytes apart",
                    h->histogram_stride);
    }
    return 0;
}

/* Whether the counts of the header fit its maxima and our limits. */
static int counts_check(const struct report *r, const struct tare_page *h)
{
    if (h->instrument_count > h->instrument_max || h->block_count > h->block_max ||
        h->strings_used > h->strings_size) {
        return fail(r, -EINVAL,
                    "page is damaged: it counts more instruments, threads or strings than it has room for");
    }
    if (h->instrument_count > INSTRUMENTS_LIMIT || h->block_count > BLOCKS_LIMIT ||
        h->strings_used > STRINGS_LIMIT || (uint64_t)h->instrument_count * h->block_count > SLOTS_LIMIT) {
        return fail(r, -ENOTSUP, "page is larger than this tare reads: %u instruments in %u threads",
                    h->instrument_count, h->block_count);
    }
    return 0;
}

static int strides_check(const struct report *r, const struct tare_page *h)
{
    int error = stride_check(r, "control bytes", h->control_stride, sizeof(struct tare_control));
    error = error ? error : stride_check(r, "directory entries", h->entry_stride, sizeof(struct tare_entry));
    error = error ? error : stride_check(r, "slots", h->slot_stride, sizeof(struct tare_slot));
    error = error ? error : stride_check(r, "cells", h->cell_stride, sizeof(struct tare_cell));
    if (error == 0 && h->block_stride % 8 != 0) { /* that it holds what is in a block, areas_check sees */
        error = fail(r, -EINVAL, "page is damaged: its blocks cannot be %llu bytes apart",
                     (unsigned long long)h->block_stride);
    }
    return error;
}

int tare__page_check(const struct tare_page *h, uint64_t offset, uint64_t limit, char *message,
                     size_t message_size)
{
    const struct report report = {message, message_size};
    const struct report *r = &report;
    bool histograms = (h->flags & TARE_PAGE_HISTOGRAMS) != 0;
    uint64_t end;
    if (h->page_size < sizeof(*h) || h->page_size > limit ||
        __builtin_add_overflow(offset, h->page_size, &end) || end > INT64_MAX) {
        return fail(r, -EINVAL, "page is damaged: it claims %llu bytes of the %llu that it can have",
                    (unsigned long long)h->page_size, (unsigned long long)limit);
    }
    if (h->header_size != sizeof(*h)) {
        return fail(r, -EINVAL, "page is damaged: its header has %u bytes", h->header_size);
    }
    int error = strides_check(r, h);
    if (error == 0 && histograms) {
        error = histograms_check(r, h);
    }
    struct area whole[] = {
        {"control bytes", h->control_offset, h->control_stride, h->instrument_max, 0},
        {"directory entries", h->directory_offset, h->entry_stride, h->instrument_max, 0},
        {"strings", h->strings_offset, 1, h->strings_size, 0},
        {"blocks", h->blocks_offset, h->block_stride, h->block_max, 0},
        {"cells", h->cells_offset, h->cell_stride, h->instrument_max, 0},
        {"extras", h->extras_offset, 8, h->extras_size / 8, 0},
    };
    struct area block[] = {
        {"slots", h->slots_offset, h->slot_stride, h->instrument_max, 0},
        {"histograms", h->histograms_offset, h->histogram_stride, h->instrument_max, 0},
    };
    error = error ? error : areas_check(r, whole, 6, sizeof(*h), h->page_size);
    error =
        error ? error : areas_check(r, block, histograms ? 2 : 1, sizeof(struct tare_block), h->block_stride);
    return error ? error : counts_check(r, h);
}

/* Fields that are not set yet do not speak against a page that is being built. */
static bool being_built(const struct tare_page *h, bool named)
{
    bool same_order = h->byte_order == 0 || h->byte_order == TARE_BYTE_ORDER;
    bool same_version = h->version == 0 || h->version == TARE_PAGE_VERSION;
    return h->state == TARE_PAGE_BUILDING && (!named || (same_order && same_version));
}

int tare__page_identify(const struct tare_page *h, char *message, size_t message_size)
{
    const struct report report = {message, message_size};
    const struct report *r = &report;
    static const char unset[sizeof(h->magic)];
    bool named = memcmp(h->magic, TARE_PAGE_MAGIC, sizeof(h->magic)) == 0;
    bool unnamed = memcmp(h->magic, unset, sizeof(h->magic)) == 0;
    if ((named || unnamed) && being_built(h, named)) {
        return fail(r, -EAGAIN, "page is still being built");
    }
    if (!named) {
        return fail(r, -EINVAL, "not a tare page");
    }
    if (h->byte_order == __builtin_bswap32(TARE_BYTE_ORDER)) {
        return fail(r, -ENOTSUP, "page is of a machine with the other byte order");
    }
    if (h->byte_order != TARE_BYTE_ORDER) {
        return fail(r, -EINVAL, "page is damaged: its byte order is %#x", h->byte_order);
    }
    if (h->version != TARE_PAGE_VERSION) {
        return fail(r, -ENOTSUP, "page is of version %u, this tare reads version %u", h->version,
                    TARE_PAGE_VERSION);
    }
    if (h->state != TARE_PAGE_LIVE && h->state != TARE_PAGE_EXITED) {
        return fail(r, -EINVAL, "page is damaged: its state is %u", h->state);
    }
    return 0;
}

bool tare__labels_valid(const char *labels)
{
    char normal[TARE__LABELS_BYTES + 1];
    tare__labels_normal(normal, labels, strlen(labels), false);
    return strcmp(normal, labels) == 0;
}

void tare__make_printable(char *text, size_t size)
{
    for (size_t i = 0; i < size;) {
        size_t length = text[i] == '\0' ? 1 : tare__utf8_printable((const unsigned char *)text + i, size - i);
        if (length == 0) {
            text[i] = '?';
            length = 1;
        }
        i += length;
    }
}
