/* SPDX-License-Identifier: MIT */
/*
 * pprof: profile.proto in the encoding of protocol buffers (protobuf.dev/programming-guides/encoding), which is
 * small enough to be written here: a field is its number and type, then a varint, or a length and as many bytes.
 *
 *     Profile 1 sample_type  2 sample  3 mapping  4 location  5 function  6 string_table
 *             9 time_nanos  10 duration_nanos  11 period_type  12 period  13 comment  14 default_sample_type
 *     Sample  1 location_id (innermost first)  2 value  3 label
 *     Mapping 1 id  5 filename  6 build_id  7..10 has_functions, has_filenames, has_line_numbers, has_inline_frames
 *     Location 1 id  2 mapping_id  3 address  4 line (innermost first)      Line 1 function_id  2 line
 *     Function 1 id  2 name  3 system_name  4 filename  5 start_line        Label 1 key  2 str  3 num
 *
 * Text is a number in the string table, whose first string is empty. Ids begin at 1. A location is one address:
 * what was inlined there are lines of it. Samples of the same stack, thread and timer are added up.
 *
 * A mapping has no address range, since the profile has no addresses but of unknown functions, and says that its
 * functions are resolved: no reader is to look them up again.
 */
#include "view/profile_exports.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "result/utf8.h"
#include "view/profile_parts.h"

#if !TARE_HAVE_ZLIB

int tare_view_pprof(const struct tare_result *result, FILE *out)
{
    (void)result;
    (void)out;
    return -ENOTSUP;
}

#else

#include <zlib.h>

struct bytes {
    unsigned char *data;
    size_t size, capacity;
};

struct pprof {
    const struct tare_result *result;
    struct tare__export export;
    FILE *out;
    z_stream deflate;
    struct bytes message, inner, innermost; /* a field of the profile, a message in it, and one in that */
    struct tare__lexicon strings;
    struct tare__triples locations; /* (frame, location that it was inlined into) */
    uint32_t *location_of;          /* for each node */
    bool *used;                     /* for each location, whether a sample has it; last: [no stack] */
    uint64_t total;                 /* of the values written */
    char **timers;                  /* "module::name" */
    int failure;
};

static void fail(struct pprof *p, int failure)
{
    if (p->failure == 0) {
        p->failure = failure;
    }
}

static void put_bytes(struct pprof *p, struct bytes *bytes, const void *data, size_t size)
{
    if (size > bytes->capacity - bytes->size) {
        size_t wanted = (bytes->size + size) * 2 + 256;
        unsigned char *larger = realloc(bytes->data, wanted);
        if (larger == NULL) {
            fail(p, -ENOMEM);
            return;
        }
        bytes->data = larger;
        bytes->capacity = wanted;
    }
    memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
}

static void put_varint(struct pprof *p, struct bytes *bytes, uint64_t value)
{
    unsigned char text[10];
    size_t size = 0;
    for (; value >= 0x80; value >>= 7) {
        text[size++] = (unsigned char)(value | 0x80);
    }
    text[size++] = (unsigned char)value;
    put_bytes(p, bytes, text, size);
}

/* 0 is what a field is that is not there. */
static void put_number(struct pprof *p, struct bytes *bytes, unsigned field, uint64_t value)
{
    if (value != 0) {
        put_varint(p, bytes, field << 3);
        put_varint(p, bytes, value);
    }
}

/* As a field with a length; `from` is empty then. */
static void put_inner(struct pprof *p, struct bytes *bytes, unsigned field, struct bytes *from)
{
    put_varint(p, bytes, field << 3 | 2);
    put_varint(p, bytes, from->size);
    if (from->size > 0) {
        put_bytes(p, bytes, from->data, from->size);
    }
    from->size = 0;
}

static void put_compressed(struct pprof *p, struct bytes *bytes, int mode)
{
    unsigned char buffer[1 << 15];
    p->deflate.next_in = bytes->data;
    p->deflate.avail_in = (uInt)bytes->size;
    do {
        p->deflate.next_out = buffer;
        p->deflate.avail_out = sizeof buffer;
        deflate(&p->deflate, mode);
        fwrite(buffer, 1, sizeof buffer - p->deflate.avail_out, p->out);
    } while (p->deflate.avail_out == 0);
    bytes->size = 0;
}

/* Ends a field of the profile, whose content is in `inner`. */
static void put_field(struct pprof *p, unsigned field)
{
    put_inner(p, &p->message, field, &p->inner);
    if (p->failure == 0 && p->message.size > 1 << 16) {
        put_compressed(p, &p->message, Z_NO_FLUSH);
    }
}

static uint64_t text_number(struct pprof *p, const char *text)
{
    uint32_t number = tare__lexicon_number(&p->strings, text);
    if (number == TARE_PROFILE_NONE) {
        fail(p, -ENOMEM);
        return 0;
    }
    return number;
}

static void put_text(struct pprof *p, struct bytes *bytes, unsigned field, const char *text)
{
    put_number(p, bytes, field, text != NULL ? text_number(p, text) : 0);
}

/* Values are signed there, and readers add them up: their sum stops where a signed number does. */
static uint64_t value(struct pprof *p, uint64_t weight)
{
    uint64_t room = INT64_MAX - p->total;
    uint64_t taken = weight < room ? weight : room;
    p->total += taken;
    return taken;
}

static bool counts_samples(const struct tare_profile *profile)
{
    return profile->unit == NULL || strcmp(profile->unit, "samples") == 0;
}

static const char *type_name(const struct tare_profile *profile)
{
    return counts_samples(profile)                             ? "samples"
           : profile->event != NULL && *profile->event != '\0' ? profile->event
                                                               : "weight";
}

static void put_type(struct pprof *p, unsigned field, const char *type, const char *unit)
{
    put_text(p, &p->inner, 1, type);
    put_text(p, &p->inner, 2, unit);
    put_field(p, field);
}

/* What a sample's values are, and what is known of the whole. */
static void put_head(struct pprof *p)
{
    const struct tare_profile *profile = p->result->profile;
    const char *unit = tare__export_in_ns(profile)                      ? "nanoseconds"
                       : counts_samples(profile)                        ? "count"
                       : strcmp(type_name(profile), profile->unit) == 0 ? "count"
                                                                        : profile->unit;
    if (!counts_samples(profile)) {
        put_type(p, 1, "samples", "count");
    }
    put_type(p, 1, type_name(profile), unit);
    put_type(p, 11, type_name(profile), unit);
    put_text(p, &p->message, 14, type_name(profile));
    if (tare__export_in_ns(profile) && profile->interval_ns >= 1 && profile->interval_ns < 0x1p62) {
        put_number(p, &p->message, 12, (uint64_t)llround(profile->interval_ns));
    }
    int64_t started = tare__export_started(p->result);
    if (started > 0 && started < INT64_MAX / 1000000000) {
        put_number(p, &p->message, 9, (uint64_t)started * 1000000000);
    }
    if (profile->wall_ns >= 0 && profile->wall_ns < 0x1p62) {
        put_number(p, &p->message, 10, (uint64_t)llround(profile->wall_ns));
    }
}

/* The first of them is for the reader the program itself. */
static size_t main_object(const struct tare_profile *profile)
{
    for (size_t i = 0; i < profile->object_count; i++) {
        if (profile->objects[i].kind == TARE_OBJECT_FILE &&
            strstr(tare_profile_object_name(profile, (uint32_t)i), ".so") == NULL) {
            return i;
        }
    }
    return 0;
}

static void put_mappings(struct pprof *p)
{
    const struct tare_profile *profile = p->result->profile;
    size_t count = profile->object_count, first = main_object(profile);
    for (size_t n = 0; n < count; n++) {
        size_t i = n == 0 ? first : n <= first ? n - 1 : n;
        const struct tare_profile_object *object = &profile->objects[i];
        bool lines = object->kind == TARE_OBJECT_FILE && (object->flags & TARE_OBJECT_NO_DEBUG) == 0;
        put_number(p, &p->inner, 1, i + 1);
        put_text(p, &p->inner, 5, object->path);
        put_text(p, &p->inner, 6, object->build_id);
        put_number(p, &p->inner, 7, 1);
        put_number(p, &p->inner, 8, lines);
        put_number(p, &p->inner, 9, lines);
        put_number(p, &p->inner, 10, lines);
        put_field(p, 3);
    }
}

static void put_functions(struct pprof *p)
{
    for (size_t i = 0; i <= p->export.function_count; i++) {
        const struct tare__function *function = &p->export.functions[i];
        put_number(p, &p->inner, 1, i + 1);
        put_text(p, &p->inner, 2, function->name);
        put_text(p, &p->inner, 3, function->name);
        put_text(p, &p->inner, 4, function->file);
        put_number(p, &p->inner, 5, function->line);
        put_field(p, 5);
    }
}

static void make_locations(struct pprof *p)
{
    const struct tare_profile *profile = p->result->profile;
    p->location_of = malloc((profile->node_count + 1) * sizeof *p->location_of);
    for (size_t i = 0; p->location_of != NULL && p->failure == 0 && i < profile->node_count; i++) {
        const struct tare_profile_node *node = &profile->nodes[i];
        bool more = profile->frames[node->frame].inlined && node->parent != TARE_PROFILE_NONE;
        p->location_of[i] = tare__triples_number(&p->locations, node->frame,
                                                 more ? p->location_of[node->parent] : TARE_PROFILE_NONE, 0);
        if (p->location_of[i] == TARE_PROFILE_NONE) {
            fail(p, -ENOMEM);
        }
    }
    p->used = calloc(p->locations.count + 1, sizeof *p->used);
    if (p->location_of == NULL || p->used == NULL) {
        fail(p, -ENOMEM);
    }
}

static void put_location(struct pprof *p, uint32_t number)
{
    const struct tare_profile *profile = p->result->profile;
    uint32_t object = TARE_PROFILE_NONE;
    uint64_t address = 0;
    put_number(p, &p->inner, 1, (uint64_t)number + 1);
    if (number == p->locations.count) {
        put_number(p, &p->innermost, 1, p->export.function_count + 1);
        put_inner(p, &p->inner, 4, &p->innermost);
    }
    for (uint32_t i = number; i < p->locations.count; i = p->locations.keys[i][1]) {
        uint32_t frame = p->locations.keys[i][0];
        put_number(p, &p->innermost, 1, (uint64_t)p->export.of_frame[frame] + 1);
        put_number(p, &p->innermost, 2, profile->frames[frame].line);
        put_inner(p, &p->inner, 4, &p->innermost);
        object = profile->frames[frame].object;
        address = profile->frames[frame].address;
    }
    put_number(p, &p->inner, 2, object != TARE_PROFILE_NONE ? (uint64_t)object + 1 : 0);
    put_number(p, &p->inner, 3, address);
    put_field(p, 4);
}

static void put_label(struct pprof *p, const char *key, const char *text, uint64_t number)
{
    put_text(p, &p->innermost, 1, key);
    put_text(p, &p->innermost, 2, text);
    put_number(p, &p->innermost, 3, number);
    put_inner(p, &p->inner, 3, &p->innermost);
}

static void put_labels(struct pprof *p, const struct tare_profile_sample *sample)
{
    const struct tare_profile *profile = p->result->profile;
    if (sample->thread < profile->thread_count) {
        const struct tare_profile_thread *thread = &profile->threads[sample->thread];
        const struct tare_profile_process *process = &profile->processes[thread->process];
        if (process->command != NULL) {
            put_label(p, "process", process->command, 0);
        }
        if (thread->name != NULL) {
            put_label(p, "thread", thread->name, 0);
        }
        put_label(p, "pid", NULL, process->pid);
        put_label(p, "tid", NULL, thread->tid);
    }
    if (sample->timer < profile->timer_count) {
        put_label(p, "timer", p->timers[sample->timer], 0);
    }
    if (sample->flags & TARE_SAMPLE_TRUNCATED) {
        put_label(p, "truncated", "yes", 0);
    }
}

/* `samples` are all of the same stack, thread, timer and flags. */
static void put_sample(struct pprof *p, const uint32_t *samples, size_t count)
{
    const struct tare_profile *profile = p->result->profile;
    const struct tare_profile_sample *sample = &profile->samples[samples[0]];
    uint64_t weight = 0;
    for (size_t i = 0; i < count; i++) {
        weight = tare__export_sum(weight, profile->samples[samples[i]].weight);
    }
    if (sample->node == TARE_PROFILE_NONE) {
        p->used[p->locations.count] = true;
        put_varint(p, &p->innermost, p->locations.count + 1);
    }
    for (uint32_t node = sample->node; node != TARE_PROFILE_NONE; node = profile->nodes[node].parent) {
        p->used[p->location_of[node]] = true;
        put_varint(p, &p->innermost, (uint64_t)p->location_of[node] + 1);
        while (profile->frames[profile->nodes[node].frame].inlined &&
               profile->nodes[node].parent != TARE_PROFILE_NONE) {
            node = profile->nodes[node].parent;
        }
    }
    put_inner(p, &p->inner, 1, &p->innermost);
    if (!counts_samples(profile)) {
        put_varint(p, &p->innermost, count);
    }
    put_varint(p, &p->innermost, value(p, weight));
    put_inner(p, &p->inner, 2, &p->innermost);
    put_labels(p, sample);
    put_field(p, 2);
}

static int by_what(const void *a, const void *b, void *data)
{
    const struct tare_profile *profile = data;
    const struct tare_profile_sample *x = &profile->samples[*(const uint32_t *)a];
    const struct tare_profile_sample *y = &profile->samples[*(const uint32_t *)b];
    return x->node != y->node       ? (x->node > y->node) - (x->node < y->node)
           : x->thread != y->thread ? (x->thread > y->thread) - (x->thread < y->thread)
           : x->timer != y->timer   ? (x->timer > y->timer) - (x->timer < y->timer)
                                    : (x->flags > y->flags) - (x->flags < y->flags);
}

static void put_samples(struct pprof *p)
{
    const struct tare_profile *profile = p->result->profile;
    size_t count = profile->sample_count;
    uint32_t *order = malloc((count + 1) * sizeof *order);
    if (order == NULL) {
        fail(p, -ENOMEM);
        return;
    }
    memcpy(order, p->export.samples, count * sizeof *order);
    qsort_r(order, count, sizeof *order, by_what, (void *)profile);
    for (size_t i = 0, same; i < count && p->failure == 0; i += same) {
        for (same = 1; i + same < count && by_what(&order[i], &order[i + same], (void *)profile) == 0;) {
            same++;
        }
        put_sample(p, order + i, same);
    }
    free(order);
}

/* What is there to be read beside: `pprof -comments` shows it. */
static void put_comments(struct pprof *p, const struct tare__fact *facts, char *comments[TARE__FACTS])
{
    for (size_t i = 0; facts[i].name != NULL; i++) {
        if (asprintf(&comments[i], "%s: %s", facts[i].name, facts[i].text) < 0) {
            comments[i] = NULL;
            fail(p, -ENOMEM);
            return;
        }
        put_text(p, &p->message, 13, comments[i]);
    }
}

/* All strings are known when everything else is written. */
static void put_strings(struct pprof *p)
{
    for (size_t i = 0; i < p->strings.count; i++) {
        for (const char *text = p->strings.texts[i]; *text != '\0';) {
            uint32_t code_point;
            size_t taken = tare__utf8_decode(text, &code_point);
            put_bytes(p, &p->inner, taken > 0 ? text : "\xef\xbf\xbd", taken > 0 ? taken : 3);
            text += taken > 0 ? taken : 1;
        }
        put_field(p, 6);
    }
}

static void make_timers(struct pprof *p)
{
    const struct tare_profile *profile = p->result->profile;
    p->timers = calloc(profile->timer_count + 1, sizeof *p->timers);
    for (size_t i = 0; p->timers != NULL && i < profile->timer_count; i++) {
        const struct tare_profile_timer *timer = &profile->timers[i];
        bool module = timer->module != NULL && *timer->module != '\0';
        if (asprintf(&p->timers[i], "%s%s%s", module ? timer->module : "", module ? "::" : "",
                     timer->name != NULL ? timer->name : "") < 0) {
            p->timers[i] = NULL;
            fail(p, -ENOMEM);
        }
    }
    if (p->timers == NULL) {
        fail(p, -ENOMEM);
    }
}

static void put_all(struct pprof *p)
{
    text_number(p, "");
    make_timers(p);
    make_locations(p);
    if (p->failure != 0) {
        return;
    }
    put_head(p);
    put_mappings(p);
    put_samples(p);
    for (uint32_t i = 0; i <= p->locations.count && p->failure == 0; i++) {
        if (p->used[i]) {
            put_location(p, i);
        }
    }
    put_functions(p);
    struct tare__fact facts[TARE__FACTS] = {{NULL, NULL}};
    char *comments[TARE__FACTS] = {NULL};
    int failure = tare__export_facts(p->result, facts);
    if (failure == 0) {
        put_comments(p, facts, comments);
        put_strings(p);
    } else {
        fail(p, failure);
    }
    tare__export_facts_release(facts);
    for (size_t i = 0; i < TARE__FACTS; i++) {
        free(comments[i]);
    }
    if (p->failure == 0) {
        put_compressed(p, &p->message, Z_FINISH);
    }
}

int tare_view_pprof(const struct tare_result *result, FILE *out)
{
    struct pprof p = {.result = result, .out = out};
    p.failure = tare__export_begin(&p.export, result);
    if (p.failure == 0) {
        enum { GZIP = 16, WINDOW = 15, MEMORY = 8 }; /* as zlib.h wants it: +16 makes a gzip header */
        if (deflateInit2(&p.deflate, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW + GZIP, MEMORY,
                         Z_DEFAULT_STRATEGY) == Z_OK) {
            put_all(&p);
            deflateEnd(&p.deflate);
        } else {
            p.failure = -ENOMEM;
        }
    }
    for (size_t i = 0; p.timers != NULL && i < result->profile->timer_count; i++) {
        free(p.timers[i]);
    }
    free(p.timers);
    free(p.location_of);
    free(p.used);
    free(p.message.data);
    free(p.inner.data);
    free(p.innermost.data);
    tare__lexicon_release(&p.strings);
    tare__triples_release(&p.locations);
    tare__export_release(&p.export);
    return p.failure != 0 ? p.failure : ferror(out) ? -EIO : 0;
}

#endif
