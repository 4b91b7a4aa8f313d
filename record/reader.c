/* SPDX-License-Identifier: MIT */
/*
 * Reads a page that somebody else wrote, perhaps is writing, perhaps to harm us.
 *
 * Order. What a page publishes it stores with release order (docs/page-format.md, "Order"). pread copies in no
 * particular order, so what needs one takes several calls, with an acquire fence between them: the header twice
 * (counts first, then what they cover), then the control bytes, the blocks, and the histograms.
 *
 * Trust. The geometry is checked once (record/page_check.c); every string offset, kind and state is checked
 * when it is met. A page that fails a check gives one line and nothing else. Figures are different: the fields
 * of a live slot may lie a scope apart, so figures that contradict each other are mended (slot_mend), and what
 * comes out holds whatever was in the file: outermost <= calls, min <= max, sums that saturate, names that are
 * printable UTF-8.
 *
 * Size. Only what was used is read: the instruments there are, of the blocks there are, and of each histogram
 * the buckets between its extremes.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/page_check.h"
#include "record/reader.h"

enum {
    COMMAND_LIMIT = 4096,
    CHUNK_BYTES = 1 << 18, /* stays in the second-level cache */
};
_Static_assert(CHUNK_BYTES >= TARE__STRIDE_LIMIT, "a record fits into the scratch memory");

/* What a view owns. */
struct memory {
    char *strings;
    char *command;
    uint64_t *buckets;
};

/* One reading under way. */
struct reader {
    const struct tare_page_source *source;
    struct tare_page_view *view;
    const struct tare_page *header; /* the view's */
    struct memory *memory;
    unsigned char *chunk; /* scratch of CHUNK_BYTES */
    struct tare_control *controls;
    struct tare_slot *slots; /* of the block being read */
    uint32_t *timer_of;      /* instrument -> index in view->timers, or UINT32_MAX: of a kind unknown to us */
    bool histograms;
    bool was_reset; /* some instrument has been reset before */
    char *message;
    size_t message_size;
};

static void acquire_fence(void)
{
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
}

static __attribute__((format(printf, 3, 4))) int fail(struct reader *r, int error, const char *format, ...)
{
    if (r->message_size > 0) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(r->message, r->message_size, format, arguments);
        va_end(arguments);
    }
    return error;
}

static int fail_memory(struct reader *r)
{
    return fail(r, -ENOMEM, "no memory to read the page");
}

static uint64_t add_saturating(uint64_t a, uint64_t b)
{
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

/* How much the file holds from the page's first byte on. */
static uint64_t bytes_there(const struct reader *r)
{
    struct stat status;
    if (fstat(r->source->fd, &status) != 0 || (uint64_t)status.st_size < r->source->offset) {
        return 0;
    }
    return (uint64_t)status.st_size - r->source->offset;
}

/*
 * How large the page may claim to be. A file that ends within the page's place sets its own limit when it is
 * read, and then it is a page cut short, which may lack nothing but what was never used.
 */
static uint64_t room_for_page(const struct reader *r)
{
    return bytes_there(r) <= r->source->limit ? UINT64_MAX : r->source->limit;
}

/* Reads all of [offset, offset + size) of the page. The caller knows that it lies within off_t. */
static int read_fully(struct reader *r, uint64_t offset, void *out, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n = pread(r->source->fd, (unsigned char *)out + done, size - done,
                          (off_t)(r->source->offset + offset + done));
        if (n < 0) {
            if (errno == EINTR) {
                continue;
            }
            int error = -errno;
            return fail(r, error, "cannot read the page: %s", strerror(-error));
        }
        if (n == 0) {
            uint64_t needed = r->header->page_size != 0 ? r->header->page_size : sizeof(struct tare_page);
            return fail(r, -EINVAL, "page is cut short: %llu of %llu bytes", (unsigned long long)bytes_there(r),
                        (unsigned long long)needed);
        }
        done += (size_t)n;
    }
    return 0;
}

/*
 * Reads `count` records that lie `stride` apart, `size` bytes of each, and packs them into `out`. size is at
 * most stride, and stride at most TARE__STRIDE_LIMIT.
 */
static int read_records(struct reader *r, uint64_t offset, uint32_t stride, uint32_t count, size_t size,
                        void *out)
{
    if (stride == size) {
        return read_fully(r, offset, out, (size_t)count * size);
    }
    uint32_t at_once = CHUNK_BYTES / stride;
    for (uint32_t first = 0; first < count; first += at_once) {
        uint32_t now = count - first < at_once ? count - first : at_once;
        size_t bytes = (size_t)(now - 1) * stride + size;
        int error = read_fully(r, offset + (uint64_t)first * stride, r->chunk, bytes);
        if (error != 0) {
            return error;
        }
        for (uint32_t i = 0; i < now; i++) {
            memcpy((unsigned char *)out + (size_t)(first + i) * size, r->chunk + (size_t)i * stride, size);
        }
    }
    return 0;
}

/*
 * The header is read twice: what the first reading counts (acquire: instrument_count and state) had been
 * written before, so the second sees all of it, strings_used above all.
 */
static int header_read(struct reader *r)
{
    struct tare_page *header = &r->view->header;
    if (r->source->limit < sizeof(*header) || r->source->offset > INT64_MAX - sizeof(*header)) {
        return fail(r, -EINVAL, "no room for a page: %llu bytes", (unsigned long long)r->source->limit);
    }
    int error = read_fully(r, 0, header, sizeof(*header));
    if (error == -EINVAL && memcmp(header->magic, TARE_PAGE_MAGIC, sizeof(header->magic)) != 0) {
        return fail(r, -EINVAL, "not a tare page");
    }
    if (error == 0) {
        error = tare__page_identify(header, r->message, r->message_size);
    }
    if (error != 0) {
        return error;
    }
    uint32_t instrument_count = header->instrument_count;
    acquire_fence();
    error = read_fully(r, 0, header, sizeof(*header));
    if (error == 0) {
        error = tare__page_identify(header, r->message, r->message_size);
    }
    header->instrument_count = instrument_count;
    r->histograms = (header->flags & TARE_PAGE_HISTOGRAMS) != 0;
    if (error == 0) {
        error = tare__page_check(header, r->source->offset, room_for_page(r), r->message, r->message_size);
    }
    return error;
}

/* The string at `offset`, or NULL: outside, or without a beginning or an end. */
static const char *string_at(const struct reader *r, uint32_t offset)
{
    uint64_t used = r->header->strings_used;
    if (offset >= used || memchr(r->memory->strings + offset, '\0', used - offset) == NULL) {
        return NULL;
    }
    const char *string = r->memory->strings + offset;
    return ((unsigned char)string[0] & 0xc0) == 0x80 ? NULL : string; /* the rest of a character */
}

static int strings_read(struct reader *r)
{
    const struct tare_page *h = r->header;
    size_t used = (size_t)h->strings_used;
    r->memory->strings = malloc(used + 1);
    if (r->memory->strings == NULL) {
        return fail_memory(r);
    }
    int error = read_fully(r, h->strings_offset, r->memory->strings, used);
    if (error != 0) {
        return error;
    }
    r->memory->strings[used] = '\0';
    tare__make_printable(r->memory->strings, used);

    r->view->executable = used == 0 && h->executable_string == 0 ? "" : string_at(r, h->executable_string);
    if (r->view->executable == NULL) {
        return fail(r, -EINVAL, "page is damaged: its executable's name is outside of its strings");
    }
    if (h->command_size > COMMAND_LIMIT || h->command_string > used ||
        h->command_size > used - h->command_string) {
        return fail(r, -EINVAL, "page is damaged: its command line is outside of its strings");
    }
    r->memory->command = calloc(1, (size_t)h->command_size + 1); /* ends with NUL, whatever the page says */
    if (r->memory->command == NULL) {
        return fail_memory(r);
    }
    memcpy(r->memory->command, r->memory->strings + h->command_string, h->command_size);
    tare__make_printable(r->memory->command, h->command_size); /* once more: it may be cut within a character */
    r->view->command = r->memory->command;
    r->view->command_size = h->command_size;
    return 0;
}

static int timer_fill(struct reader *r, uint32_t index, const struct tare_entry *entry)
{
    const struct tare_control *control = &r->controls[index];
    const char *module = string_at(r, entry->module_string);
    const char *name = string_at(r, entry->name_string);
    const char *file = string_at(r, entry->file_string);
    if (module == NULL || name == NULL || file == NULL) {
        return fail(r, -EINVAL, "page is damaged: instrument %u has a name outside of its strings", index);
    }
    r->timer_of[index] = (uint32_t)r->view->timer_count;
    r->view->timers[r->view->timer_count++] = (struct tare_page_timer){
        .module = module,
        .name = name,
        .file = file,
        .line = entry->line,
        .kind = entry->kind,
        .index = index,
        .generation = control->generation,
        .enabled = control->enabled != 0,
        .loaded = entry->objects != 0,
        .sums.min_ticks = UINT64_MAX,
    };
    return 0;
}

/* The control bytes and the directory, into view->timers. */
static int directory_read(struct reader *r)
{
    const struct tare_page *h = r->header;
    uint32_t count = h->instrument_count;
    size_t room = count > 0 ? count : 1;
    struct tare_entry *entries = malloc(room * sizeof(*entries));
    r->controls = malloc(room * sizeof(*r->controls));
    r->slots = malloc(room * sizeof(*r->slots));
    r->timer_of = malloc(room * sizeof(*r->timer_of));
    r->view->timers = calloc(room, sizeof(*r->view->timers));
    int error = 0;
    if (entries == NULL || r->controls == NULL || r->slots == NULL || r->timer_of == NULL ||
        r->view->timers == NULL) {
        error = fail_memory(r);
        goto out;
    }
    error = read_records(r, h->control_offset, h->control_stride, count, sizeof(*r->controls), r->controls);
    if (error == 0) {
        error = read_records(r, h->directory_offset, h->entry_stride, count, sizeof(*entries), entries);
    }
    for (uint32_t i = 0; i < count && error == 0; i++) {
        r->was_reset = r->was_reset || r->controls[i].generation > 1;
        r->timer_of[i] = UINT32_MAX;
        if (entries[i].kind == TARE_KIND_TIMER) {
            error = timer_fill(r, i, &entries[i]);
        }
    }
out:
    free(entries);
    return error;
}

/* Whether what the slot holds counts: it was used, and not reset since. */
static bool slot_counts(const struct tare_slot *slot, const struct tare_control *control)
{
    return slot->generation != 0 && slot->generation == control->generation;
}

/*
 * A live slot's fields may lie a scope apart, and a hostile one's anywhere. What contradicts itself is set
 * right in favour of the field that the writer updates later: outermost after calls, the maximum after the
 * minimum.
 */
static void slot_mend(struct tare_slot *slot)
{
    if (slot->outermost == 0) { /* no time was measured yet, or only half of the first */
        slot->total_ticks = 0;
        slot->min_ticks = UINT64_MAX;
        slot->max_ticks = 0;
        slot->scopes_within = 0;
        slot->closeness_within = 0;
        slot->uncounted_within = 0;
        return;
    }
    if (slot->calls < slot->outermost) {
        slot->calls = slot->outermost;
    }
    if (slot->min_ticks > slot->max_ticks) { /* the one that has been set speaks for both */
        if (slot->min_ticks == UINT64_MAX) {
            slot->min_ticks = slot->max_ticks;
        } else {
            slot->max_ticks = slot->min_ticks;
        }
    }
}

static void sums_merge(struct tare_timer_sums *sums, const struct tare_slot *slot)
{
    sums->calls = add_saturating(sums->calls, slot->calls);
    sums->outermost = add_saturating(sums->outermost, slot->outermost);
    sums->total_ticks = add_saturating(sums->total_ticks, slot->total_ticks);
    sums->scopes_within = add_saturating(sums->scopes_within, slot->scopes_within);
    sums->closeness_within = add_saturating(sums->closeness_within, slot->closeness_within);
    sums->uncounted_within = add_saturating(sums->uncounted_within, slot->uncounted_within);
    sums->bytes = add_saturating(sums->bytes, slot->bytes);
    if (slot->outermost != 0) {
        sums->min_ticks = slot->min_ticks < sums->min_ticks ? slot->min_ticks : sums->min_ticks;
        sums->max_ticks = slot->max_ticks > sums->max_ticks ? slot->max_ticks : sums->max_ticks;
    }
}

/*
 * One slot's histogram, added to the timer's. Only the buckets between the slot's extremes can hold anything; a
 * live thread may have gone beyond them since, which costs at most the scopes that ended since.
 */
static int histogram_merge(struct reader *r, uint64_t block_offset, uint32_t index,
                           const struct tare_slot *slot, uint64_t *buckets)
{
    uint64_t part[TARE_BUCKET_COUNT];
    uint32_t first = tare_bucket_of(slot->min_ticks);
    uint32_t count = tare_bucket_of(slot->max_ticks) - first + 1;
    uint64_t offset = block_offset + r->header->histograms_offset +
                      (uint64_t)index * r->header->histogram_stride + first * sizeof(uint64_t);
    int error = read_fully(r, offset, part, count * sizeof(uint64_t));
    for (uint32_t i = 0; i < count && error == 0; i++) {
        buckets[first + i] = add_saturating(buckets[first + i], part[i]);
    }
    return error;
}

/*
 * The slots of one block into r->slots, the void ones zeroed. A thread sets a slot's generation, with release
 * order, after it has cleared it for a reset; so where there were resets the slots are read twice, and one
 * counts only if its generation was right before its figures were read.
 */
static int slots_read(struct reader *r, uint64_t block_offset)
{
    const struct tare_page *h = r->header;
    uint64_t offset = block_offset + h->slots_offset;
    int error = read_records(r, offset, h->slot_stride, h->instrument_count, sizeof(*r->slots), r->slots);
    if (error != 0) {
        return error;
    }
    bool *counted = NULL;
    if (r->was_reset) {
        counted = malloc(h->instrument_count);
        if (counted == NULL) {
            return fail_memory(r);
        }
        for (uint32_t i = 0; i < h->instrument_count; i++) {
            counted[i] = slot_counts(&r->slots[i], &r->controls[i]);
        }
        acquire_fence();
        error = read_records(r, offset, h->slot_stride, h->instrument_count, sizeof(*r->slots), r->slots);
    }
    for (uint32_t i = 0; i < h->instrument_count && error == 0; i++) {
        if (!slot_counts(&r->slots[i], &r->controls[i]) || (counted != NULL && !counted[i])) {
            memset(&r->slots[i], 0, sizeof(r->slots[i]));
        }
    }
    free(counted);
    return error;
}

static void thread_add(struct reader *r, const struct tare_block *block)
{
    struct tare_page_thread *thread = &r->view->threads[r->view->thread_count++];
    thread->tid = block->tid;
    thread->threads = block->threads;
    thread->scopes_ended = block->ended;
    thread->ended = block->state == TARE_BLOCK_ENDED;
    memcpy(thread->name, block->thread_name, sizeof(block->thread_name));
    tare__make_printable(thread->name, strlen(thread->name));
}

static int block_read(struct reader *r, uint32_t number)
{
    uint64_t offset = r->header->blocks_offset + number * r->header->block_stride;
    struct tare_block block;
    int error = read_fully(r, offset, &block, sizeof(block));
    if (error != 0 || block.state == TARE_BLOCK_FREE) { /* free: claimed a moment ago, nothing in it */
        return error;
    }
    if (block.state != TARE_BLOCK_OWNED && block.state != TARE_BLOCK_ENDED &&
        block.state != TARE_BLOCK_ENDING) {
        return fail(r, -EINVAL, "page is damaged: the state of block %u is %u", number, block.state);
    }
    if (block.threads != 0) { /* else fork has prepared it for threads to come, or one is about to take it */
        thread_add(r, &block);
    }
    acquire_fence();
    error = slots_read(r, offset);
    acquire_fence();
    for (uint32_t i = 0; i < r->header->instrument_count && error == 0; i++) {
        if (r->timer_of[i] == UINT32_MAX || r->slots[i].generation == 0) {
            continue;
        }
        struct tare_page_timer *timer = &r->view->timers[r->timer_of[i]];
        slot_mend(&r->slots[i]);
        sums_merge(&timer->sums, &r->slots[i]);
        if (timer->buckets != NULL && r->slots[i].outermost != 0) {
            error = histogram_merge(r, offset, i, &r->slots[i], timer->buckets);
        }
    }
    return error;
}

static int blocks_read(struct reader *r, unsigned flags)
{
    const struct tare_page *h = r->header;
    size_t room = h->block_count > 0 ? h->block_count : 1;
    r->view->threads = calloc(room, sizeof(*r->view->threads));
    if (r->view->threads == NULL) {
        return fail_memory(r);
    }
    if (r->histograms && (flags & TARE_READ_HISTOGRAMS) != 0 && r->view->timer_count > 0) {
        /* Large, and taken from the system zeroed, so that timers without calls take no memory. */
        r->memory->buckets = calloc(r->view->timer_count, TARE_BUCKET_COUNT * sizeof(uint64_t));
        if (r->memory->buckets == NULL) {
            return fail_memory(r);
        }
        for (size_t i = 0; i < r->view->timer_count; i++) {
            r->view->timers[i].buckets = r->memory->buckets + i * TARE_BUCKET_COUNT;
        }
    }
    for (uint32_t i = 0; i < h->block_count; i++) {
        int error = block_read(r, i);
        if (error != 0) {
            return error;
        }
    }
    return 0;
}

/*
 * A timer that was reset while we read has old counts from some blocks and new ones from others. Nothing of it
 * is given: the truth a moment after the reset.
 */
static int resets_check(struct reader *r)
{
    const struct tare_page *h = r->header;
    struct tare_control *now = malloc(h->instrument_count * sizeof(*now) + 1);
    if (now == NULL) {
        return fail_memory(r);
    }
    acquire_fence();
    int error = read_records(r, h->control_offset, h->control_stride, h->instrument_count, sizeof(*now), now);
    for (uint32_t i = 0; i < h->instrument_count && error == 0; i++) {
        if (now[i].generation == r->controls[i].generation || r->timer_of[i] == UINT32_MAX) {
            continue;
        }
        struct tare_page_timer *timer = &r->view->timers[r->timer_of[i]];
        timer->sums = (struct tare_timer_sums){.min_ticks = UINT64_MAX};
        if (timer->buckets != NULL) {
            memset(timer->buckets, 0, TARE_BUCKET_COUNT * sizeof(uint64_t));
        }
    }
    free(now);
    return error;
}

int tare_page_read(const struct tare_page_source *source, unsigned flags, struct tare_page_view *view,
                   char *message, size_t message_size)
{
    memset(view, 0, sizeof(*view));
    view->executable = "";
    view->command = "";
    struct reader r = {
        .source = source,
        .view = view,
        .header = &view->header,
        .message = message,
        .message_size = message != NULL ? message_size : 0,
    };
    int error;
    view->memory = r.memory = calloc(1, sizeof(*r.memory));
    r.chunk = malloc(CHUNK_BYTES);
    if (r.memory == NULL || r.chunk == NULL) {
        error = fail_memory(&r);
        goto out;
    }
    error = header_read(&r);
    if (error == 0) {
        acquire_fence();
        error = strings_read(&r);
    }
    if (error == 0) {
        error = directory_read(&r);
    }
    if (error == 0) {
        error = blocks_read(&r, flags);
    }
    if (error == 0) {
        error = resets_check(&r);
    }
out:
    free(r.timer_of);
    free(r.slots);
    free(r.controls);
    free(r.chunk);
    return error;
}

void tare_page_view_release(struct tare_page_view *view)
{
    struct memory *memory = view->memory;
    if (memory != NULL) {
        free(memory->strings);
        free(memory->command);
        free(memory->buckets);
        free(memory);
    }
    free(view->timers);
    free(view->threads);
    memset(view, 0, sizeof(*view));
}
