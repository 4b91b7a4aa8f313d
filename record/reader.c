/* SPDX-License-Identifier: MIT */
/*
 * Reads a page that somebody else wrote, perhaps is writing, perhaps to harm us.
 *
 * Order. What a page publishes it stores with release order (docs/page-format.md, "Order"). Neither pread nor a
 * copy has an order in itself, so what needs one takes several, with an acquire fence between them: the header
 * twice (counts first, then what they cover), then the control bytes, the blocks, and the histograms.
 *
 * Trust. The geometry is checked once (record/page_check.c); every string offset, kind and state is checked
 * when it is met. A page that fails a check gives one line and nothing else. Figures are different: the fields
 * of a live slot may lie a scope apart, so figures that contradict each other are mended, and what comes out
 * holds whatever was in the file: outermost <= calls, min <= max, sums that saturate, names that are printable
 * UTF-8.
 *
 * Size. Only what was used is read: the instruments there are, of the blocks there are, and of each histogram
 * the buckets between its extremes.
 *
 * The parts: page_access.c has the bytes, page_names.c what does not change, page_instruments.c and
 * page_frames.c what was counted.
 */
#include "record/reader.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "record/page_access.h"
#include "record/page_check.h"
#include "record/page_instruments.h"
#include "record/page_names.h"
#include "runtime/clock.h"

enum {
    EXTRAS_LIMIT = 1 << 28, /* bytes of tables and rings that are read at once */
    RETRIES = 1 << 14,      /* of records that were being written */
};

struct tare_page_reader {
    struct tare__page_file file;
    bool mapping;         /* whether to try */
    uint64_t mapped_size; /* of the page for which that was tried */
    struct tare__page_names *names;
    struct tare_control *controls; /* room for `room` each */
    struct tare__page_plan *plan;
    uint64_t *totals;
    uint64_t *kinds_objects; /* the first 8 bytes of entries */
    size_t room;
    struct tare__page_table *tables; /* kept for their memory */
    size_t table_room;
    struct tare__page_stay *stays; /* the same */
    size_t stay_room;
};

/* The part of an entry that may change, and what stands before it. */
struct entry_head {
    uint32_t kind;
    uint32_t objects;
};
_Static_assert(sizeof(struct entry_head) == sizeof(uint64_t) &&
                   offsetof(struct entry_head, objects) == offsetof(struct tare_entry, objects),
               "the head of an entry");

/*
 * How large the page may claim to be. A file that ends within the page's place sets its own limit when it is
 * read, and then it is a page cut short, which may lack nothing but what was never used.
 */
static uint64_t room_for_page(const struct tare__page_file *file)
{
    return tare__page_bytes_there(file) <= file->source.limit ? UINT64_MAX : file->source.limit;
}

/*
 * The header is read twice: what the first reading counts (acquire: instrument_count and state) had been
 * written before, so the second sees all of it, strings_used above all.
 */
static int header_read(struct tare__page_file *file, struct tare_page *header)
{
    file->page_size = 0;
    if (file->source.limit < sizeof(*header) || file->source.offset > INT64_MAX - sizeof(*header)) {
        return tare__page_fail(file, -EINVAL, "no room for a page: %llu bytes",
                               (unsigned long long)file->source.limit);
    }
    int error = tare__page_copy(file, 0, header, sizeof(*header));
    if (error == -EINVAL && memcmp(header->magic, TARE_PAGE_MAGIC, sizeof(header->magic)) != 0) {
        return tare__page_fail(file, -EINVAL, "not a tare page");
    }
    if (error == -EINVAL) { /* as much of it as there is may say how large it should be */
        return tare__page_fail_short(file, header->page_size);
    }
    if (error == 0) {
        error = tare__page_identify(header, file->message, file->message_size);
    }
    if (error != 0) {
        return error;
    }
    uint32_t instrument_count = header->instrument_count;
    file->page_size = header->page_size;
    tare__acquire_fence();
    error = tare__page_copy(file, 0, header, sizeof(*header));
    if (error == 0) {
        error = tare__page_identify(header, file->message, file->message_size);
    }
    header->instrument_count = instrument_count;
    file->page_size = header->page_size;
    if (error == 0) {
        error = tare__page_check(header, file->source.offset, room_for_page(file), file->message,
                                 file->message_size);
    }
    return error;
}

static int room_make(struct tare_page_reader *reader, size_t count)
{
    size_t room = count + 1;
    if (reader->room >= room) {
        return 0;
    }
    free(reader->controls);
    free(reader->plan);
    free(reader->totals);
    free(reader->kinds_objects);
    reader->controls = malloc(room * sizeof(*reader->controls));
    reader->plan = malloc(room * sizeof(*reader->plan));
    reader->totals = malloc(room * sizeof(*reader->totals));
    reader->kinds_objects = malloc(room * sizeof(*reader->kinds_objects));
    bool fine = reader->controls != NULL && reader->plan != NULL && reader->totals != NULL &&
                reader->kinds_objects != NULL;
    reader->room = fine ? room : 0;
    return fine ? 0 : tare__page_fail_memory(&reader->file);
}

/* The names, those of the last reading if they still hold, and with them all that a view has before it counts.
 */
static int names_get(struct tare_page_reader *reader, struct tare__page_reading *r)
{
    struct tare_page_view *view = r->view;
    if (reader->names != NULL && !tare__page_names_current(reader->names, &view->header)) {
        tare__page_names_release(reader->names);
        reader->names = NULL;
    }
    if (reader->names == NULL) {
        int error = tare__page_names_read(&reader->file, &view->header, &reader->names);
        if (error != 0) {
            return error;
        }
    }
    struct tare__page_names *names = reader->names;
    names->references++;
    r->memory->names = names;
    view->executable = names->executable;
    view->command = names->command;
    view->command_size = names->header.command_size;
    view->timers = malloc(names->timer_count * sizeof(*view->timers) + 1);
    view->instruments = malloc(names->instrument_count * sizeof(*view->instruments) + 1);
    if (view->timers == NULL || view->instruments == NULL) {
        return tare__page_fail_memory(&reader->file);
    }
    memcpy(view->timers, names->timers, names->timer_count * sizeof(*view->timers));
    for (size_t i = 0; i < names->instrument_count; i++) {
        const struct tare__page_instrument_names *from = &names->instruments[i];
        view->instruments[i] = (struct tare_page_instrument){
            .kind = from->kind,
            .index = from->index,
            .module = from->module,
            .name = from->name,
            .file = from->file,
            .line = from->line,
            .unit = from->unit,
            .labels = from->labels,
            .help = from->help,
            .names = from->names,
            .name_count = from->name_count,
            .size = from->size,
            .value = NAN,
            .peak = NAN,
            .sums.min_ticks = UINT64_MAX,
        };
    }
    view->timer_count = names->timer_count;
    view->instrument_count = names->instrument_count;
    return 0;
}

/* What slots of that kind hold, if anything; cells and extras have generations of their own. */
static bool counts_in_slots(uint32_t kind)
{
    return kind != 0 && kind != TARE_KIND_GAUGE && kind != TARE_KIND_FRAMES;
}

/* The control bytes, and what of the directory may change. */
static int controls_read(struct tare_page_reader *reader, struct tare__page_reading *r)
{
    const struct tare_page *h = r->header;
    uint32_t count = h->instrument_count;
    int error = room_make(reader, count);
    r->controls = reader->controls;
    r->plan = reader->plan;
    r->totals = reader->totals;
    error = error ? error
                  : tare__page_records(&reader->file, h->control_offset, h->control_stride, count,
                                       sizeof(*reader->controls), reader->controls);
    error = error ? error
                  : tare__page_records(&reader->file, h->directory_offset, h->entry_stride, count,
                                       sizeof(*reader->kinds_objects), reader->kinds_objects);
    for (uint32_t i = 0; i < count && error == 0; i++) {
        const struct tare_control *control = &r->controls[i];
        const struct tare__page_place *place = &reader->names->places[i];
        struct entry_head head;
        memcpy(&head, &reader->kinds_objects[i], sizeof(head));
        r->was_reset = r->was_reset || control->generation > 1;
        r->plan[i] = (struct tare__page_plan){
            .kind = place->kind,
            .generation = counts_in_slots(place->kind) ? control->generation : 0,
            .index = place->index,
        };
        if (place->kind == TARE_KIND_TIMER) {
            struct tare_page_timer *timer = &r->view->timers[place->index];
            timer->generation = control->generation;
            timer->enabled = control->enabled != 0;
            timer->loaded = head.objects != 0;
        } else if (place->kind != 0) {
            struct tare_page_instrument *instrument = &r->view->instruments[place->index];
            instrument->generation = control->generation;
            instrument->enabled = control->enabled != 0;
            instrument->switched = control->switched;
            instrument->loaded = head.objects != 0;
        }
    }
    if (error == 0) {
        memset(r->totals, 0, r->view->instrument_count * sizeof(*r->totals));
    }
    return error;
}

static bool has_histogram(const struct tare_page_instrument *instrument, bool in_blocks)
{
    return (instrument->kind == TARE_KIND_HISTOGRAM && in_blocks) || instrument->kind == TARE_KIND_FRAMES;
}

/* Frames have a histogram in any case, all else only if the page keeps them. */
static int buckets_make(struct tare__page_reading *r)
{
    bool in_blocks = (r->header->flags & TARE_PAGE_HISTOGRAMS) != 0;
    size_t count = in_blocks ? r->view->timer_count : 0;
    for (size_t i = 0; i < r->view->instrument_count; i++) {
        count += has_histogram(&r->view->instruments[i], in_blocks);
    }
    if (count == 0) {
        return 0;
    }
    /* Large, and taken from the system zeroed, so that those without calls take no memory. */
    uint64_t *buckets = r->memory->buckets = calloc(count, TARE_BUCKET_COUNT * sizeof(uint64_t));
    if (buckets == NULL) {
        return tare__page_fail_memory(r->file);
    }
    for (size_t i = 0; in_blocks && i < r->view->timer_count; i++, buckets += TARE_BUCKET_COUNT) {
        r->view->timers[i].buckets = buckets;
    }
    for (size_t i = 0; i < r->view->instrument_count; i++) {
        if (has_histogram(&r->view->instruments[i], in_blocks)) {
            r->view->instruments[i].buckets = buckets;
            buckets += TARE_BUCKET_COUNT;
        }
    }
    return 0;
}

static void thread_add(struct tare_page_view *view, const struct tare_block *block)
{
    struct tare_page_thread *thread = &view->threads[view->thread_count++];
    thread->tid = block->tid;
    thread->threads = block->threads;
    thread->scopes_ended = block->ended;
    thread->ended = block->state == TARE_BLOCK_ENDED;
    memcpy(thread->name, block->thread_name, sizeof(block->thread_name));
    tare__make_printable(thread->name, strlen(thread->name));
}

static int block_read(struct tare__page_reading *r, uint32_t number)
{
    uint64_t offset = r->header->blocks_offset + number * r->header->block_stride;
    struct tare_block block;
    int error = tare__page_copy(r->file, offset, &block, sizeof(block));
    if (error != 0 || block.state == TARE_BLOCK_FREE) { /* free: claimed a moment ago, nothing in it */
        return error;
    }
    if (block.state != TARE_BLOCK_OWNED && block.state != TARE_BLOCK_ENDED &&
        block.state != TARE_BLOCK_ENDING) {
        return tare__page_fail(r->file, -EINVAL, "page is damaged: the state of block %u is %u", number,
                               block.state);
    }
    bool has_thread = block.threads != 0; /* else fork has prepared it for threads to come, or one is about to
                                             take it */
    if (has_thread) {
        thread_add(r->view, &block);
    }
    tare__acquire_fence();
    size_t stays = r->stay_count;
    r->block = number;
    error = tare__page_slots_read(r, offset, block.state == TARE_BLOCK_OWNED);
    if (error != 0 || r->stay_count == stays) {
        return error;
    }
    struct tare_block after;
    tare__acquire_fence();
    error = tare__page_copy(r->file, offset, &after, sizeof(after));
    if (!has_thread || after.threads != block.threads || after.tid != block.tid) {
        r->stay_count = stays; /* another thread has it by now, and the slots may be of either */
    }
    return error;
}

/*
 * Up to when stays in states are counted. Of a process that came to its end: up to that. The clock is read
 * before the slots are: a stay that is seen then has lasted that long, so what is counted never falls.
 */
static void clock_read(struct tare__page_reading *r, unsigned flags)
{
    const struct tare_page *h = r->header;
    if ((flags & TARE_READ_LIVE) != 0 && tare__clock_usable(h->clock)) {
        r->view->read_ticks = clock_start(h->clock);
    }
    r->end_ticks = h->state == TARE_PAGE_EXITED ? h->last.ticks : r->view->read_ticks;
    r->view->end_ticks = r->end_ticks;
}

static int blocks_read(struct tare__page_reading *r, unsigned flags)
{
    const struct tare_page *h = r->header;
    r->view->threads = calloc(h->block_count + (size_t)1, sizeof(*r->view->threads));
    int error = r->view->threads != NULL ? 0 : tare__page_fail_memory(r->file);
    if (error == 0 && (flags & TARE_READ_HISTOGRAMS) != 0) {
        error = buckets_make(r);
    }
    if (error == 0) {
        clock_read(r, flags);
    }
    for (uint32_t i = 0; i < h->block_count && error == 0; i++) {
        error = block_read(r, i);
    }
    error = error ? error : tare__page_cells_read(r);
    return error ? error : tare__page_instruments_finish(r);
}

/*
 * An instrument that was reset while we read has old counts from some blocks and new ones from others. Nothing
 * of it is given: the truth a moment after the reset.
 */
static int resets_check(struct tare_page_reader *reader, struct tare__page_reading *r)
{
    const struct tare_page *h = r->header;
    struct tare_control *now = (void *)reader->kinds_objects; /* of the same size, and not needed any more */
    _Static_assert(sizeof(*now) == sizeof(*reader->kinds_objects), "controls fit there");
    tare__acquire_fence();
    int error = tare__page_records(r->file, h->control_offset, h->control_stride, h->instrument_count,
                                   sizeof(*now), now);
    for (uint32_t i = 0; i < h->instrument_count && error == 0; i++) {
        if (now[i].generation == r->controls[i].generation) {
            continue;
        }
        if (r->plan[i].kind == TARE_KIND_TIMER) {
            struct tare_page_timer *timer = &r->view->timers[r->plan[i].index];
            timer->sums = (struct tare_timer_sums){.min_ticks = UINT64_MAX};
            if (timer->buckets != NULL) {
                memset(timer->buckets, 0, TARE_BUCKET_COUNT * sizeof(uint64_t));
            }
        } else if (r->plan[i].kind != 0) {
            tare__page_instrument_void(&r->view->instruments[r->plan[i].index]);
        }
    }
    return error;
}

int tare_page_reader_read(struct tare_page_reader *reader, unsigned flags, struct tare_page_view *view,
                          char *message, size_t message_size)
{
    struct tare__page_file *file = &reader->file;
    memset(view, 0, sizeof(*view));
    view->executable = "";
    view->command = "";
    file->message = message;
    file->message_size = message != NULL ? message_size : 0;
    file->retries = RETRIES;
    struct tare__page_reading r = {
        .file = file,
        .view = view,
        .header = &view->header,
        .with_stays = (flags & TARE_READ_STAYS) != 0,
        .memory = calloc(1, sizeof(*r.memory)),
        .tables = reader->tables,
        .table_room = reader->table_room,
        .stays = reader->stays,
        .stay_room = reader->stay_room,
    };
    view->memory = r.memory;
    if (r.memory == NULL || tare__page_file_prepare(file) != 0) {
        return tare__page_fail_memory(file);
    }
    int error = header_read(file, &view->header);
    if (error != 0) {
        return error;
    }
    file->extras_budget = view->header.extras_size < EXTRAS_LIMIT ? view->header.extras_size : EXTRAS_LIMIT;
    if (reader->mapping && reader->mapped_size != view->header.page_size) {
        reader->mapped_size = view->header.page_size;
        tare__page_file_map(file, view->header.page_size);
    }
    tare__acquire_fence();
    error = names_get(reader, &r);
    error = error ? error : controls_read(reader, &r);
    tare__acquire_fence();
    error = error ? error : blocks_read(&r, flags);
    error = error ? error : resets_check(reader, &r);
    reader->tables = r.tables;
    reader->table_room = r.table_room;
    reader->stays = r.stays;
    reader->stay_room = r.stay_room;
    if (!r.with_stays) { /* nobody asks any more */
        free(reader->stays);
        reader->stays = NULL;
        reader->stay_room = 0;
    }
    return error;
}

static void reader_init(struct tare_page_reader *reader, const struct tare_page_source *source, bool mapping)
{
    *reader = (struct tare_page_reader){.file.source = *source, .mapping = mapping};
}

static void reader_release(struct tare_page_reader *reader)
{
    tare__page_file_release(&reader->file);
    tare__page_names_release(reader->names);
    free(reader->controls);
    free(reader->plan);
    free(reader->totals);
    free(reader->kinds_objects);
    free(reader->tables);
    free(reader->stays);
}

struct tare_page_reader *tare_page_reader_open(const struct tare_page_source *source)
{
    struct tare_page_reader *reader = malloc(sizeof(*reader));
    if (reader != NULL) {
        reader_init(reader, source, true);
    }
    return reader;
}

void tare_page_reader_close(struct tare_page_reader *reader)
{
    if (reader != NULL) {
        reader_release(reader);
        free(reader);
    }
}

int tare_page_read(const struct tare_page_source *source, unsigned flags, struct tare_page_view *view,
                   char *message, size_t message_size)
{
    struct tare_page_reader reader;
    reader_init(&reader, source, false);
    int error = tare_page_reader_read(&reader, flags, view, message, message_size);
    reader_release(&reader);
    return error;
}

void tare_page_view_release(struct tare_page_view *view)
{
    struct tare__page_memory *memory = view->memory;
    if (memory != NULL) {
        tare__page_names_release(memory->names);
        free(memory->buckets);
        for (size_t i = 0; i < memory->owned_count; i++) {
            free(memory->owned[i]);
        }
        free(memory->owned);
        free(memory);
    }
    free(view->timers);
    free(view->instruments);
    free(view->threads);
    memset(view, 0, sizeof(*view));
}
