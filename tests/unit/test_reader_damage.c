/* SPDX-License-Identifier: MIT */
/*
 * The page reader on pages that are damaged, foreign, cut short or made to harm: it says in one line what is
 * wrong, or gives figures that hold together. Every field of the header is set to every suspicious value, every
 * other byte that the reader looks at to random ones. Run it with the address and undefined behaviour
 * sanitizers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record/page_check.h"
#include "record/reader.h"
#include "tests/unit/page_builder.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char message[200];

static int read_fd(int fd, uint64_t limit, unsigned flags, struct tare_page_view *view)
{
    struct tare_page_source source = {.fd = fd, .offset = 0, .limit = limit};
    memset(message, 0x55, sizeof(message));
    message[0] = '\0';
    return tare_page_read(&source, flags, view, message, sizeof(message));
}

/* One line: something, without newline and full stop. */
static void check_message(void)
{
    size_t length = strlen(message);
    assert_in_range(length, 5, sizeof(message) - 1);
    assert_null(strchr(message, '\n'));
    assert_int_not_equal(message[length - 1], '.');
}

static void check_text(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        assert_true(text[i] == '\0' || ((unsigned char)text[i] >= 0x20 && text[i] != 0x7f));
    }
}

static void check_instrument(const struct tare_page_view *view, const struct tare_page_instrument *i)
{
    const char *const texts[] = {i->module, i->name, i->file, i->unit, i->labels, i->help};
    for (size_t k = 0; k < COUNT(texts); k++) {
        check_text(texts[k], strlen(texts[k]));
    }
    for (uint32_t k = 0; k < i->name_count; k++) {
        check_text(i->names[k], strlen(i->names[k]));
    }
    assert_in_range(i->kind, TARE_KIND_COUNTER, TARE_KIND_FRAMES);
    assert_in_range(i->index, 0, view->header.instrument_count - 1);
    assert_true(tare__labels_valid(i->labels));
    for (uint32_t k = 0; k < i->name_count; k++) {
        assert_true(*i->names[k] != '\0');
        for (uint32_t other = 0; other < k; other++) {
            assert_string_not_equal(i->names[k], i->names[other]);
        }
    }
    assert_true(i->sums.outermost == 0 || i->sums.min_ticks <= i->sums.max_ticks);
    assert_false(isinf(i->value) || isinf(i->peak));
    assert_in_range(i->key_count, 0, i->size);
    for (size_t k = 0; k < i->key_count; k++) {
        assert_true(i->keys[k].error <= i->keys[k].weight);
        assert_true(k == 0 || i->keys[k].weight <= i->keys[k - 1].weight);
    }
    if (i->kind != TARE_KIND_FRAMES) {
        return;
    }
    const struct tare_page_frames *f = &i->frames;
    assert_true(f->slow <= f->frames && f->last_count <= f->frames);
    for (size_t k = 1; k < f->last_count; k++) {
        assert_true(f->last[k - 1].number < f->last[k].number);
    }
    for (size_t k = 1; k < f->slowest_count; k++) {
        assert_true(f->slowest[k - 1].number < f->slowest[k].number);
    }
}

/* What may be relied on, whatever the page holds. */
static void check_view(const struct tare_page_view *view)
{
    check_text(view->executable, strlen(view->executable));
    check_text(view->command, view->command_size);
    assert_int_equal(view->command[view->command_size], '\0');
    for (size_t i = 0; i < view->timer_count; i++) {
        const struct tare_page_timer *timer = &view->timers[i];
        const struct tare_timer_sums *sums = &timer->sums;
        check_text(timer->module, strlen(timer->module));
        check_text(timer->name, strlen(timer->name));
        check_text(timer->file, strlen(timer->file));
        assert_int_equal(timer->kind, TARE_KIND_TIMER);
        assert_in_range(timer->index, 0, view->header.instrument_count - 1);
        assert_true(sums->outermost <= sums->calls);
        if (sums->outermost == 0) {
            assert_true(sums->min_ticks == UINT64_MAX && sums->max_ticks == 0 && sums->total_ticks == 0);
        } else {
            assert_true(sums->min_ticks <= sums->max_ticks);
        }
    }
    for (size_t i = 0; i < view->instrument_count; i++) {
        check_instrument(view, &view->instruments[i]);
    }
    for (size_t i = 0; i < view->thread_count; i++) {
        check_text(view->threads[i].name, strlen(view->threads[i].name));
    }
}

/* Reads it, and checks that it is one or the other. Returns what tare_page_read() did. */
static int check_fd(int fd, uint64_t limit)
{
    struct tare_page_view view;
    int error = read_fd(fd, limit, TARE_READ_HISTOGRAMS, &view);
    if (error == 0) {
        check_view(&view);
        for (int later = 0; later <= 1; later++) {
            struct tare_anchor now = {.ticks = UINT64_MAX, .raw_ns = UINT64_MAX, .bracket_ns = UINT64_MAX};
            struct tare_cost_model model = tare_page_cost_model(&view.header, later ? &now : NULL);
            assert_false(model.tick_ns <= 0.0);
        }
    } else {
        assert_true(error == -EINVAL || error == -ENOTSUP || error == -EAGAIN || error == -ENOMEM);
        check_message();
    }
    tare_page_view_release(&view);

    struct tare_page_source source = {.fd = fd,
                                      .limit = limit}; /* the same through a mapping, if it can be had */
    struct tare_page_reader *reader = tare_page_reader_open(&source);
    assert_non_null(reader);
    assert_int_equal(tare_page_reader_read(reader, TARE_READ_HISTOGRAMS, &view, message, sizeof(message)),
                     error);
    if (error == 0) {
        check_view(&view);
    }
    tare_page_view_release(&view);
    tare_page_reader_close(reader);
    return error;
}

static void expect(int fd, uint64_t limit, int error, const char *text)
{
    struct tare_page_view view;
    int found = read_fd(fd, limit, TARE_READ_HISTOGRAMS, &view);
    tare_page_view_release(&view);
    if (found != error || (text != NULL && strcmp(message, text) != 0)) {
        fail_msg("got %d '%s', not %d '%s'", found, message, error, text != NULL ? text : "");
    }
}

/* As `expect`, for a builder's page. */
static void expect_page(const struct page_builder *b, int error, const char *text)
{
    int fd = page_builder_file(b, 0, b->size);
    expect(fd, b->size, error, text);
    close(fd);
}

static void build_small(struct page_builder *b)
{
    page_builder_init(b, 3, 2, TARE_PAGE_HISTOGRAMS);
    uint32_t timer = page_builder_timer(b, "module", "timer", "file.c", 10);
    uint32_t other = page_builder_timer(b, "module", "other", "file.c", 20);
    uint32_t first = page_builder_block(b, 1, "main"), second = page_builder_block(b, 2, "worker");
    for (uint64_t i = 0; i < 50; i++) {
        page_builder_record(b, first, timer, 100 + i * i, 1);
        page_builder_record(b, second, timer, 90 + i, 0);
        page_builder_record(b, second, other, 10 + i, 0);
    }
}

static void what_is_no_page_is_called_that(void **state)
{
    (void)state;
    struct page_builder b;
    build_small(&b);
    memcpy(b.header->magic, "\177ELF\2\1\1", 8);
    expect_page(&b, -EINVAL, "not a tare page");
    page_builder_release(&b);

    int fd = page_builder_file(&b, 0, 0); /* an empty file */
    expect(fd, 1 << 20, -EINVAL, "not a tare page");
    assert_int_equal(pwrite(fd, "hello, world\n", 13, 0), 13);
    expect(fd, 1 << 20, -EINVAL, "not a tare page");
    expect(fd, 100, -EINVAL, NULL);
    check_message();
    close(fd);

    fd = open("/", O_RDONLY | O_DIRECTORY);
    expect(fd, 1 << 20, -EISDIR, "cannot read the page: Is a directory");
    close(fd);
}

static void pages_of_other_kinds_are_not_supported(void **state)
{
    (void)state;
    struct page_builder b;
    build_small(&b);
    b.header->version = 4;
    expect_page(&b, -ENOTSUP, "page is of version 4, this tare reads version 3");
    b.header->version = 1;
    expect_page(&b, -ENOTSUP, "page is of version 1, this tare reads version 3");
    b.header->byte_order = 0x04030201;
    expect_page(&b, -ENOTSUP, "page is of a machine with the other byte order");
    page_builder_release(&b);

    build_small(&b);
    b.header->bucket_bits = 5;
    expect_page(&b, -ENOTSUP, NULL);
    b.header->bucket_bits = 4;
    b.header->bucket_count = 721;
    expect_page(&b, -ENOTSUP, NULL);
    b.header->flags &= ~(uint32_t)TARE_PAGE_HISTOGRAMS; /* then nobody looks at them */
    expect_page(&b, 0, "");
    page_builder_release(&b);
}

static void page_that_is_being_built_is_to_be_tried_again(void **state)
{
    (void)state;
    struct page_builder b;
    build_small(&b);
    b.header->state = TARE_PAGE_BUILDING;
    expect_page(&b, -EAGAIN, "page is still being built");
    b.header->byte_order = 0;
    b.header->version = 0;
    expect_page(&b, -EAGAIN, "page is still being built");
    memset(b.bytes, 0, b.size);
    expect_page(&b, -EAGAIN, "page is still being built");
    page_builder_release(&b);
}

static void page_that_is_cut_short_says_where(void **state)
{
    (void)state;
    struct page_builder b;
    build_small(&b);
    int fd = page_builder_file(&b, 0, b.size);
    char expected[100];
    for (off_t size = (off_t)b.size; size >= 0; size -= 509) {
        assert_int_equal(ftruncate(fd, size), 0);
        int error = check_fd(fd, b.size);
        if (error != 0 && size >= 24) {
            snprintf(expected, sizeof(expected), "page is cut short: %lld of %zu bytes", (long long)size,
                     b.size);
            expect(fd, b.size, -EINVAL, expected);
            expect(fd, (uint64_t)size, -EINVAL, size >= 4096 ? expected : NULL);
        }
    }
    close(fd);

    /* What lies behind the last byte that is needed may be missing. */
    size_t used = page_builder_used(&b);
    page_builder_block_at(&b, 1)->state = TARE_BLOCK_FREE;
    fd = page_builder_file(&b, 0, used);
    expect(fd, b.size, 0, "");
    close(fd);
    page_builder_release(&b);
}

static void figures_that_contradict_each_other_are_mended(void **state)
{
    (void)state;
    struct page_builder b;
    struct tare_page_view view;
    build_small(&b);
    struct tare_slot *slot = page_builder_slot(&b, 0, 0), *idle = page_builder_slot(&b, 0, 1);
    slot->calls = 10; /* of 50 */
    slot->min_ticks = 5000;
    slot->max_ticks = 40;
    page_builder_slot(&b, 1, 0)->generation = 0;
    idle->generation = 1; /* the first scope, seen when only its total was there */
    idle->total_ticks = 77;
    idle->calls = 1;
    int fd = page_builder_file(&b, 0, b.size);
    assert_int_equal(read_fd(fd, b.size, TARE_READ_HISTOGRAMS, &view), 0);
    check_view(&view);
    assert_int_equal(view.timers[0].sums.calls, 50);
    assert_int_equal(view.timers[0].sums.outermost, 50);
    assert_int_equal(view.timers[0].sums.min_ticks, 5000);
    assert_int_equal(view.timers[0].sums.max_ticks, 5000);
    assert_int_equal(view.timers[1].sums.calls, 51);
    assert_int_equal(view.timers[1].sums.outermost, 50);
    assert_int_equal(view.timers[1].sums.min_ticks, 10);
    assert_int_equal(view.timers[1].sums.total_ticks, 50 * 10 + 49 * 50 / 2);
    tare_page_view_release(&view);
    close(fd);
    page_builder_release(&b);
}

static void sums_saturate(void **state)
{
    (void)state;
    struct page_builder b;
    struct tare_page_view view;
    build_small(&b);
    for (uint32_t block = 0; block < 2; block++) {
        struct tare_slot *slot = page_builder_slot(&b, block, 0);
        slot->calls = slot->outermost = slot->total_ticks = slot->scopes_within = slot->bytes = UINT64_MAX - 5;
        page_builder_buckets(&b, block, 0)[tare_bucket_of(100)] = UINT64_MAX - 5;
    }
    int fd = page_builder_file(&b, 0, b.size);
    assert_int_equal(read_fd(fd, b.size, TARE_READ_HISTOGRAMS, &view), 0);
    check_view(&view);
    const struct tare_timer_sums *sums = &view.timers[0].sums;
    assert_true(sums->calls == UINT64_MAX && sums->outermost == UINT64_MAX && sums->total_ticks == UINT64_MAX);
    assert_true(sums->scopes_within == UINT64_MAX && sums->bytes == UINT64_MAX);
    assert_true(view.timers[0].buckets[tare_bucket_of(100)] == UINT64_MAX);
    tare_page_view_release(&view);
    close(fd);
    page_builder_release(&b);
}

static void names_are_made_printable(void **state)
{
    (void)state;
    struct page_builder b;
    struct tare_page_view view;
    page_builder_init(&b, 4, 1, 0);
    page_builder_timer(&b, "\033[31mred", "tab\tnew\nline\177", "\xc3(\xff\xed\xa0\x80\xf0\x90\x80", 1);
    page_builder_timer(&b, "ä€\xf0\x9f\x98\x80", "\xc2\x9b[0m", "\xe0\x80\xaf\xf4\x90\x80\x80\xc0\x80", 1);
    page_builder_command(&b, "a\0b\nc\0\xe2\x82", 8); /* cut within a character */
    int fd = page_builder_file(&b, 0, b.size);
    assert_int_equal(read_fd(fd, b.size, 0, &view), 0);
    assert_string_equal(view.timers[0].module, "?[31mred");
    assert_string_equal(view.timers[0].name, "tab?new?line?");
    assert_string_equal(view.timers[0].file, "?(???????");
    assert_string_equal(view.timers[1].module, "ä€\xf0\x9f\x98\x80");
    assert_string_equal(view.timers[1].name, "??[0m");
    assert_string_equal(view.timers[1].file, "?????????");
    assert_memory_equal(view.command, "a\0b?c\0??", 9);
    tare_page_view_release(&view);
    page_builder_entry(&b, 1)->module_string++; /* from the middle of a character on */
    assert_int_equal(pwrite(fd, b.bytes, b.size, 0), (ssize_t)b.size);
    expect(fd, b.size, -EINVAL, "page is damaged: instrument 1 has a name outside of its strings");
    close(fd);
    page_builder_release(&b);
}

/* A page of terabytes, all of it holes: refused, or read in what was used of it. */
static void huge_claims_cost_nothing(void **state)
{
    (void)state;
    struct page_builder b;
    build_small(&b);
    struct tare_page *h = b.header;
    int fd = page_builder_file(&b, 0, b.size);
    assert_int_equal(ftruncate(fd, INT64_MAX / 4), 0);
    h->instrument_max = h->instrument_count = 1u << 31;
    h->block_max = h->block_count = 1;
    h->page_size = INT64_MAX / 4;
    h->directory_offset = UINT64_C(1) << 40;
    h->strings_offset = UINT64_C(1) << 41;
    h->blocks_offset = UINT64_C(1) << 42;
    h->block_stride = UINT64_C(1) << 50;
    h->cells_offset = UINT64_C(1) << 52;
    h->extras_offset = UINT64_C(1) << 53;
    h->histograms_offset = (1u << 31) + 128;
    h->slots_offset = 128;
    h->flags = 0;
    assert_int_equal(pwrite(fd, b.bytes, 4096, 0), 4096);
    expect(fd, h->page_size, -ENOTSUP,
           "page is larger than this tare reads: 2147483648 instruments in 1 threads");
    h->instrument_count = 2; /* room for many, used by few */
    h->strings_used = 0;
    h->executable_string = 0;
    h->command_string = h->command_size = 0;
    assert_int_equal(pwrite(fd, b.bytes, 4096, 0), 4096);
    expect(fd, h->page_size, 0, "");
    h->strings_size = h->strings_used = UINT64_C(1) << 40;
    assert_int_equal(pwrite(fd, b.bytes, 4096, 0), 4096);
    expect(fd, h->page_size, -ENOTSUP, NULL);
    close(fd);
    page_builder_release(&b);
}

static void store(unsigned char *at, size_t size, uint64_t value)
{
    memcpy(at, &value, size); /* the low bytes: little-endian, or a value as good as any other */
}

static uint64_t load(const unsigned char *at, size_t size)
{
    uint64_t value = 0;
    memcpy(&value, at, size);
    return value;
}

/* Every aligned word of the header's used part, as 4 and as 8 bytes: a superset of its fields. */
static void every_header_field_may_be_anything(void **state)
{
    (void)state;
    struct page_builder b;
    build_small(&b);
    int fd = page_builder_sealed_file(&b);
    unsigned refused = 0, read = 0;
    for (size_t offset = 0; offset < 2536; offset += 4) {
        if (offset == 448) { /* costs, where anything goes */
            offset = 2464;
        }
        for (size_t size = 4; size <= 8 - offset % 8; size += 4) {
            uint64_t old = load(b.bytes + offset, size);
            const uint64_t values[] = {
                0,
                1,
                2,
                7,
                8,
                64,
                127,
                4095,
                4096,
                old + 1,
                old - 1,
                old + 8,
                old - 8,
                old * 2,
                old / 2,
                ~old,
                b.size - 1,
                b.size,
                b.size + 1,
                b.size - old,
                INT32_MAX,
                UINT32_MAX,
                UINT32_MAX - 7,
                INT64_MAX,
                INT64_MAX - 7,
                UINT64_MAX,
                UINT64_MAX - 7,
                UINT64_MAX - old + 1,
                UINT64_C(1) << 63,
                __builtin_bswap64(old),
                UINT64_C(0x5555555555555555),
            };
            for (size_t i = 0; i < COUNT(values); i++) {
                store(b.bytes + offset, size, values[i]);
                assert_int_equal(pwrite(fd, b.bytes + offset, size, (off_t)offset), (ssize_t)size);
                if (check_fd(fd, b.size) == 0) {
                    read++;
                } else {
                    refused++;
                }
                (void)check_fd(fd, UINT64_MAX);
            }
            store(b.bytes + offset, size, old);
            assert_int_equal(pwrite(fd, b.bytes + offset, size, (off_t)offset), (ssize_t)size);
        }
    }
    assert_int_equal(check_fd(fd, b.size), 0); /* all is as it was */
    assert_true(refused > 500 && read > 500);  /* both happened, or this tested little */
    close(fd);
    page_builder_release(&b);
}

#define FIELD(name) offsetof(struct tare_page, name), sizeof(((struct tare_page *)0)->name)

/* Values just beyond what fits; what fits just so is read. Relative to what the page has, or absolute. */
static void every_rule_of_the_geometry_is_kept(void **state)
{
    (void)state;
    static const struct {
        size_t offset, size;
        bool absolute;
        uint64_t value;
        int error;
    } cases[] = {
        {FIELD(page_size), true, 4095, -EINVAL},
        {FIELD(page_size), false, 8, -EINVAL}, /* more than its place */
        {FIELD(page_size), true, INT64_MAX, -EINVAL},
        {FIELD(header_size), false, 8, -EINVAL},
        {FIELD(state), true, 3, -EINVAL},
        {FIELD(control_offset), true, 4088, -EINVAL}, /* in the header */
        {FIELD(control_offset), false, 8, -EINVAL},   /* into the directory */
        {FIELD(directory_offset), false, (uint64_t)-8, -EINVAL},
        {FIELD(directory_offset), false, 8, -EINVAL},
        {FIELD(directory_offset), true, UINT64_MAX - 7, -EINVAL},
        {FIELD(strings_offset), false, (uint64_t)-1, -EINVAL},
        {FIELD(strings_offset), false, 1, -EINVAL},
        {FIELD(strings_size), false, 1, -EINVAL},
        {FIELD(strings_size), true, UINT64_MAX, -EINVAL},
        {FIELD(strings_size), false, (uint64_t)-1, 0},
        {FIELD(blocks_offset), false, (uint64_t)-8, -EINVAL},
        {FIELD(blocks_offset), false, 4, -EINVAL}, /* not aligned */
        {FIELD(blocks_offset), true, 1 << 24, -EINVAL},
        {FIELD(block_stride), false, (uint64_t)-8, -EINVAL}, /* the last histogram would not fit */
        {FIELD(block_stride), false, 4, -EINVAL},
        {FIELD(block_stride), true, UINT64_C(1) << 63, -EINVAL},
        {FIELD(block_stride), true, 0, -EINVAL},
        {FIELD(instrument_max), false, 1, -EINVAL},            /* everything is as large as it must be */
        {FIELD(instrument_max), false, (uint64_t)-2, -EINVAL}, /* fewer than there are */
        {FIELD(instrument_max), false, (uint64_t)-1, 0},
        {FIELD(block_max), true, 100, -EINVAL},
        {FIELD(block_max), true, 1, -EINVAL}, /* fewer than there are */
        {FIELD(control_stride), true, 0, -EINVAL},
        {FIELD(control_stride), true, 4, -EINVAL},
        {FIELD(entry_stride), false, (uint64_t)-8, -EINVAL},
        {FIELD(slot_stride), false, (uint64_t)-8, -EINVAL},
        {FIELD(slot_stride), false, 4, -EINVAL},
        {FIELD(slot_stride), true, 1 << 20, -EINVAL},
        {FIELD(histogram_stride), false, (uint64_t)-8, -EINVAL},
        {FIELD(slots_offset), false, (uint64_t)-8, -EINVAL}, /* in the block's own header */
        {FIELD(slots_offset), false, 8, -EINVAL},            /* into the histograms */
        {FIELD(histograms_offset), false, (uint64_t)-8, -EINVAL},
        {FIELD(histograms_offset), false, 8, -EINVAL},
        {FIELD(instrument_count), true, 4, -EINVAL},
        {FIELD(block_count), true, 3, -EINVAL},
        {FIELD(strings_used), true, UINT32_MAX, -EINVAL},
        {FIELD(strings_used), true, 20, -EINVAL}, /* then names lie outside */
        {FIELD(executable_string), true, UINT32_MAX, -EINVAL},
        {FIELD(command_string), true, UINT32_MAX, -EINVAL},
        {FIELD(command_size), true, 4097, -EINVAL},
        {FIELD(command_size), true, 1000, -EINVAL},          /* more than the strings hold from there */
        {FIELD(cells_offset), false, (uint64_t)-8, -EINVAL}, /* into the directory */
        {FIELD(cells_offset), false, 8, -EINVAL},            /* into the strings */
        {FIELD(cells_offset), false, 4, -EINVAL},
        {FIELD(cells_offset), true, 0, -EINVAL},
        {FIELD(cell_stride), false, (uint64_t)-8, -EINVAL},
        {FIELD(cell_stride), false, 8, -EINVAL},
        {FIELD(extras_offset), false, (uint64_t)-8, -EINVAL}, /* into the blocks */
        {FIELD(extras_offset), false, 4, -EINVAL},
        {FIELD(extras_offset), true, UINT64_MAX - 7, -EINVAL},
        {FIELD(extras_size), true, 1 << 24, -EINVAL},
        {FIELD(extras_size), true, UINT64_MAX, -EINVAL},
        {FIELD(extras_size), true, 0, 0}, /* as long as nobody has anything there */
        {FIELD(bucket_count), false, (uint64_t)-1, -ENOTSUP},
        {FIELD(bucket_bits), false, 1, -ENOTSUP},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct page_builder b;
        build_small(&b);
        uint64_t old = load(b.bytes + cases[i].offset, cases[i].size);
        store(b.bytes + cases[i].offset, cases[i].size,
              cases[i].absolute ? cases[i].value : old + cases[i].value);
        int fd = page_builder_file(&b, 0, b.size);
        assert_int_equal(ftruncate(fd, (off_t)b.size * 4), 0); /* it is not the file's end that refuses */
        int error = check_fd(fd, b.size);
        if (error != cases[i].error) {
            fail_msg("case %zu gives %d '%s'", i, error, message);
        }
        if (error == -EINVAL) {
            assert_memory_equal(message, "page is damaged: ", 17); /* found before anything was read */
        }
        close(fd);
        page_builder_release(&b);
    }
}

/* A reader's scratch memory is bounded, so strides are. */
static void structs_too_large_are_refused(void **state)
{
    (void)state;
    struct page_builder b;
    page_builder_init_padded(&b, 4, 2, 0, 1 << 20);
    page_builder_timer(&b, "m", "t", "m.c", 1);
    expect_page(&b, -EINVAL, "page is damaged: its control bytes cannot be 1048584 bytes apart");
    page_builder_release(&b);
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Control bytes, directory, strings, blocks, slots and histograms: a few random bytes changed at a time. */
static void damage_at_random(bool kinds)
{
    struct page_builder b;
    if (kinds) {
        page_builder_kinds(&b, TARE_PAGE_HISTOGRAMS);
    } else {
        build_small(&b);
    }
    unsigned char *original = malloc(b.size);
    assert_non_null(original);
    memcpy(original, b.bytes, b.size);
    int fd = page_builder_sealed_file(&b);
    uint64_t seed = 7;
    size_t small = b.header->blocks_offset + b.header->histograms_offset; /* but for the large histograms */
    size_t extras = b.header->extras_offset, extras_end = extras + b.header->extras_used;
    for (int round = 0; round < 4000; round++) {
        size_t changed[4];
        for (size_t i = 0; i < COUNT(changed); i++) {
            uint64_t random = next_random(&seed);
            size_t range = random % 16 == 0 ? b.size : small;
            changed[i] = 448 + (random >> 8) % (range - 448);
            if (kinds && random % 4 == 1) {
                changed[i] = extras + (random >> 8) % (extras_end - extras);
            }
            unsigned char byte = random & 16 ? 0xff : random & 32 ? 0 : (unsigned char)(random >> 56);
            assert_int_equal(pwrite(fd, &byte, 1, (off_t)changed[i]), 1);
        }
        (void)check_fd(fd, b.size);
        for (size_t i = 0; i < COUNT(changed); i++) {
            assert_int_equal(pwrite(fd, original + changed[i], 1, (off_t)changed[i]), 1);
        }
    }
    assert_int_equal(check_fd(fd, b.size), 0);
    close(fd);
    free(original);
    page_builder_release(&b);
}

static void everything_else_may_be_anything_too(void **state)
{
    (void)state;
    damage_at_random(false);
    damage_at_random(true);
}

static void message_may_be_small_or_missing(void **state)
{
    (void)state;
    struct page_builder b;
    build_small(&b);
    b.header->version = 9;
    int fd = page_builder_file(&b, 0, b.size);
    struct tare_page_source source = {.fd = fd, .offset = 0, .limit = b.size};
    struct tare_page_view view;
    char small[8];
    assert_int_equal(tare_page_read(&source, 0, &view, small, sizeof(small)), -ENOTSUP);
    assert_string_equal(small, "page is");
    tare_page_view_release(&view);
    assert_int_equal(tare_page_read(&source, 0, &view, NULL, 100), -ENOTSUP);
    tare_page_view_release(&view);
    assert_int_equal(tare_page_read(&source, 0, &view, small, 0), -ENOTSUP);
    tare_page_view_release(&view);
    close(fd);
    page_builder_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_page_is_called_that),
        cmocka_unit_test(pages_of_other_kinds_are_not_supported),
        cmocka_unit_test(page_that_is_being_built_is_to_be_tried_again),
        cmocka_unit_test(page_that_is_cut_short_says_where),
        cmocka_unit_test(figures_that_contradict_each_other_are_mended),
        cmocka_unit_test(sums_saturate),
        cmocka_unit_test(names_are_made_printable),
        cmocka_unit_test(huge_claims_cost_nothing),
        cmocka_unit_test(every_rule_of_the_geometry_is_kept),
        cmocka_unit_test(structs_too_large_are_refused),
        cmocka_unit_test(every_header_field_may_be_anything),
        cmocka_unit_test(everything_else_may_be_anything_too),
        cmocka_unit_test(message_may_be_small_or_missing),
    };
    return cmocka_run_group_tests_name("reader_damage", tests, NULL, NULL);
}
