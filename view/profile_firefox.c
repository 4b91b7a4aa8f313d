/* SPDX-License-Identifier: MIT */
/*
 * The Firefox Profiler's processed profile format, version 60: the first one in which the tables of strings,
 * stacks, frames and functions are the profile's and not each thread's. Its own description is src/types/ in
 * github.com/firefox-devtools/profiler, and docs-developer/CHANGELOG-formats.md there; the viewer brings older
 * versions up to date, so that this one stays readable.
 *
 *     sample -> stackTable (frame, prefix) -> frameTable -> funcTable -> resourceTable -> libs
 *                                                |             |-> sources
 *                                                |-> address, line, category
 *
 * Every table is columns: an array for each field. Here a column is written by a loop over the rows, and rows are
 * known by their number: a frame is (frame of ours, depth of inlining), a stack is a node of ours.
 *
 * Weights that are times are "tracing-ms": a sample is where its time begins, and lasts as long as it weighs.
 * Others are "samples". There are no native symbols, which would need the functions' addresses.
 */
#include "view/profile_exports.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "view/profile_parts.h"

enum { VERSION = 60, GECKO_VERSION = 31, RESOURCE_LIBRARY = 1 };

enum category { CATEGORY_OTHER, CATEGORY_USER, CATEGORY_KERNEL, CATEGORY_JIT, CATEGORIES };
static const struct {
    const char *name, *color;
} categories[CATEGORIES] = {
    [CATEGORY_OTHER] = {"Other", "grey"},
    [CATEGORY_USER] = {"User", "yellow"},
    [CATEGORY_KERNEL] = {"Kernel", "orange"},
    [CATEGORY_JIT] = {"JIT", "green"},
};

struct firefox {
    const struct tare_result *result;
    const struct tare_profile *profile;
    struct tare__export export;
    struct tare__json *json;
    struct tare__lexicon strings, sources;
    struct tare__triples frames; /* (frame, depth of inlining) */
    uint32_t *frame_of;          /* for each node */
    uint32_t *function_names;    /* for each function and [no stack]: strings */
    uint32_t *function_sources;  /* sources, or TARE_PROFILE_NONE */
    uint32_t *object_names;      /* for each object: strings */
};

static uint32_t string_number(struct firefox *f, const char *text, int *failure)
{
    uint32_t number = tare__lexicon_number(&f->strings, text);
    if (number == TARE_PROFILE_NONE) {
        *failure = -ENOMEM;
    }
    return number;
}

/* Numbers for everything. [no stack] is the last function, frame and stack. */
static int make_tables(struct firefox *f)
{
    const struct tare_profile *profile = f->profile;
    size_t functions = f->export.function_count + 1;
    int failure = 0;
    f->frame_of = malloc((profile->node_count + 1) * sizeof *f->frame_of);
    f->function_names = malloc(functions * sizeof *f->function_names);
    f->function_sources = malloc(functions * sizeof *f->function_sources);
    f->object_names = malloc((profile->object_count + 1) * sizeof *f->object_names);
    if (f->frame_of == NULL || f->function_names == NULL || f->function_sources == NULL ||
        f->object_names == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < functions && failure == 0; i++) {
        const char *file = f->export.functions[i].file;
        f->function_names[i] = string_number(f, f->export.functions[i].name, &failure);
        f->function_sources[i] = file != NULL ? tare__lexicon_number(&f->sources, file) : TARE_PROFILE_NONE;
        if (file != NULL && f->function_sources[i] == TARE_PROFILE_NONE) {
            failure = -ENOMEM;
        }
    }
    for (uint32_t i = 0; i < profile->object_count && failure == 0; i++) {
        f->object_names[i] = string_number(f, tare_profile_object_name(profile, i), &failure);
    }
    for (size_t i = 0; i < profile->node_count && failure == 0; i++) {
        const struct tare_profile_node *node = &profile->nodes[i];
        uint32_t depth = 0;
        if (profile->frames[node->frame].inlined && node->parent != TARE_PROFILE_NONE) {
            depth = f->frames.keys[f->frame_of[node->parent]][1] + 1;
        }
        f->frame_of[i] = tare__triples_number(&f->frames, node->frame, depth, 0);
        failure = f->frame_of[i] == TARE_PROFILE_NONE ? -ENOMEM : 0;
    }
    return failure;
}

static void put_pair(struct tare__json *json, const char *key, const char *text)
{
    tare__json_key(json, key);
    tare__json_text(json, text);
}

static void put_raw(struct tare__json *json, const char *key, const char *text)
{
    tare__json_key(json, key);
    tare__json_raw(json, text);
}

static void put_whole(struct tare__json *json, const char *key, uint64_t number)
{
    tare__json_key(json, key);
    tare__json_whole(json, number);
}

static void begin_column(struct tare__json *json, const char *key)
{
    tare__json_key(json, key);
    tare__json_open(json, '[');
}

/* A column that has the same value in every row. */
static void put_same(struct tare__json *json, const char *key, const char *value, size_t rows)
{
    begin_column(json, key);
    for (size_t i = 0; i < rows; i++) {
        tare__json_next(json);
        tare__json_raw(json, value);
    }
    tare__json_close(json, ']');
}

static void begin_table(struct tare__json *json, const char *key)
{
    tare__json_next(json);
    tare__json_raw(json, "\n\"");
    tare__json_raw(json, key);
    tare__json_raw(json, "\":");
    tare__json_open(json, '{');
}

static void end_table(struct tare__json *json, size_t rows)
{
    put_whole(json, "length", rows);
    tare__json_close(json, '}');
}

/* Milliseconds, or null where it is unknown. */
static void put_ms(struct tare__json *json, const char *key, double ns, const char *otherwise)
{
    tare__json_key(json, key);
    if (ns >= 0 && ns < 0x1p62) {
        tare__json_decimal(json, (uint64_t)llround(ns), 6);
    } else {
        tare__json_raw(json, otherwise);
    }
}

/* Whether weights are times for which threads ran. */
static bool counts_cpu(const struct tare_profile *profile)
{
    return tare__export_in_ns(profile) && !profile->off_cpu && profile->event != NULL &&
           (strcmp(profile->event, "cpu-clock") == 0 || strcmp(profile->event, "task-clock") == 0);
}

static int put_meta(struct firefox *f)
{
    struct tare__json *json = f->json;
    struct tare__fact facts[TARE__FACTS] = {{NULL, NULL}};
    char *title = tare__export_title(f->result);
    int failure = title == NULL ? -ENOMEM : tare__export_facts(f->result, facts);
    if (failure != 0) {
        goto out;
    }
    int64_t started = tare__export_started(f->result);
    tare__json_key(json, "meta");
    tare__json_open(json, '{');
    put_whole(json, "version", GECKO_VERSION);
    put_whole(json, "preprocessedProfileVersion", VERSION);
    /* The viewer divides by it; 1 ms is what it takes where there is no interval. */
    put_ms(json, "interval", f->profile->interval_ns > 0 ? f->profile->interval_ns : NAN, "1");
    put_whole(json, "startTime", started > 0 ? (uint64_t)started * 1000 : 0);
    if (f->profile->wall_ns >= 0) {
        put_raw(json, "profilingStartTime", "0");
        put_ms(json, "profilingEndTime", f->profile->wall_ns, "0");
    }
    put_whole(json, "processType", 0);
    put_whole(json, "stackwalk", 1);
    put_pair(json, "product", title);
    put_pair(json, "importedFrom", "tare");
    if (counts_cpu(f->profile)) {
        put_raw(json, "sampleUnits", "{\"time\":\"ms\",\"eventDelay\":\"ms\",\"threadCPUDelta\":\"ns\"}");
    }
    put_raw(json, "symbolicated", "true");
    put_raw(json, "symbolicationNotSupported", "true");
    put_raw(json, "sourceCodeIsNotOnSearchfox", "true");
    put_raw(json, "usesOnlyOneStackType", "true");
    put_raw(json, "markerSchema", "[]");
    begin_column(json, "categories");
    for (size_t i = 0; i < CATEGORIES; i++) {
        tare__json_next(json);
        tare__json_open(json, '{');
        put_pair(json, "name", categories[i].name);
        put_pair(json, "color", categories[i].color);
        put_raw(json, "subcategories", "[\"Other\"]");
        tare__json_close(json, '}');
    }
    tare__json_close(json, ']');
    begin_column(json, "extra");
    tare__json_next(json);
    tare__json_open(json, '{');
    put_pair(json, "label", "How it was taken");
    begin_column(json, "entries");
    for (size_t i = 0; facts[i].name != NULL; i++) {
        tare__json_next(json);
        tare__json_open(json, '{');
        put_pair(json, "label", facts[i].name);
        put_pair(json, "format", "string");
        put_pair(json, "value", facts[i].text);
        tare__json_close(json, '}');
    }
    tare__json_close(json, ']');
    tare__json_close(json, '}');
    tare__json_close(json, ']');
    tare__json_close(json, '}');
out:
    free(title);
    tare__export_facts_release(facts);
    return failure;
}

/*
 * The id under which symbol servers for Breakpad know a file: the build id's first 16 bytes as a GUID, whose first
 * three fields are little-endian, and the age 0. "" if it is unknown.
 */
static void breakpad_id(const char *build_id, char id[34])
{
    static const unsigned char places[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    id[0] = '\0';
    if (build_id == NULL || strlen(build_id) < 32 || strspn(build_id, "0123456789abcdefABCDEF") < 32) {
        return;
    }
    for (size_t i = 0; i < 16; i++) {
        for (size_t half = 0; half < 2; half++) {
            char c = build_id[places[i] * 2u + half];
            id[i * 2 + half] = (char)(c >= 'a' && c <= 'f' ? c - 'a' + 'A' : c);
        }
    }
    memcpy(id + 32, "0", 2);
}

static void put_libs(struct firefox *f)
{
    struct tare__json *json = f->json;
    begin_column(json, "libs");
    for (uint32_t i = 0; i < f->profile->object_count; i++) {
        const struct tare_profile_object *object = &f->profile->objects[i];
        const char *name = tare_profile_object_name(f->profile, i);
        char id[34];
        breakpad_id(object->build_id, id);
        tare__json_next(json);
        tare__json_raw(json, "\n");
        tare__json_open(json, '{');
        put_pair(json, "arch", ""); /* the profile does not say */
        put_pair(json, "name", name);
        put_pair(json, "path", object->path);
        put_pair(json, "debugName", name);
        put_pair(json, "debugPath", object->path);
        put_pair(json, "breakpadId", id);
        put_pair(json, "codeId", object->build_id);
        tare__json_close(json, '}');
    }
    tare__json_close(json, ']');
}

static void put_stacks(struct firefox *f)
{
    struct tare__json *json = f->json;
    size_t nodes = f->profile->node_count;
    begin_table(json, "stackTable");
    begin_column(json, "frame");
    for (size_t i = 0; i <= nodes; i++) {
        tare__json_next(json);
        tare__json_whole(json, i < nodes ? f->frame_of[i] : f->frames.count);
    }
    tare__json_close(json, ']');
    begin_column(json, "prefix");
    for (size_t i = 0; i <= nodes; i++) {
        tare__json_next(json);
        if (i < nodes && f->profile->nodes[i].parent != TARE_PROFILE_NONE) {
            tare__json_whole(json, f->profile->nodes[i].parent);
        } else {
            tare__json_raw(json, "null");
        }
    }
    tare__json_close(json, ']');
    end_table(json, nodes + 1);
}

static enum category category_of(const struct firefox *f, const struct tare_profile_frame *frame)
{
    enum tare_profile_object_kind kind = frame->object < f->profile->object_count
                                             ? f->profile->objects[frame->object].kind
                                             : TARE_OBJECT_UNKNOWN;
    return frame->kernel || kind == TARE_OBJECT_KERNEL              ? CATEGORY_KERNEL
           : kind == TARE_OBJECT_JIT                                ? CATEGORY_JIT
           : kind == TARE_OBJECT_UNKNOWN && frame->function == NULL ? CATEGORY_OTHER
                                                                    : CATEGORY_USER;
}

static void put_frames(struct firefox *f)
{
    struct tare__json *json = f->json;
    size_t count = f->frames.count;
    const uint32_t(*keys)[3] = (const uint32_t(*)[3])f->frames.keys;
    const struct tare_profile_frame *frames = f->profile->frames;
    begin_table(json, "frameTable");
    begin_column(json, "address");
    for (size_t i = 0; i <= count; i++) {
        tare__json_next(json);
        if (i < count && frames[keys[i][0]].address != 0) {
            tare__json_whole(json, frames[keys[i][0]].address);
        } else {
            tare__json_raw(json, "-1");
        }
    }
    tare__json_close(json, ']');
    begin_column(json, "inlineDepth");
    for (size_t i = 0; i <= count; i++) {
        tare__json_next(json);
        tare__json_whole(json, i < count ? keys[i][1] : 0);
    }
    tare__json_close(json, ']');
    begin_column(json, "category");
    for (size_t i = 0; i <= count; i++) {
        tare__json_next(json);
        tare__json_whole(json, i < count ? category_of(f, &frames[keys[i][0]]) : CATEGORY_OTHER);
    }
    tare__json_close(json, ']');
    put_same(json, "subcategory", "0", count + 1);
    begin_column(json, "func");
    for (size_t i = 0; i <= count; i++) {
        tare__json_next(json);
        tare__json_whole(json, i < count ? f->export.of_frame[keys[i][0]] : f->export.function_count);
    }
    tare__json_close(json, ']');
    put_same(json, "nativeSymbol", "null", count + 1);
    put_same(json, "innerWindowID", "0", count + 1);
    begin_column(json, "line");
    for (size_t i = 0; i <= count; i++) {
        tare__json_next(json);
        if (i < count && frames[keys[i][0]].line != 0) {
            tare__json_whole(json, frames[keys[i][0]].line);
        } else {
            tare__json_raw(json, "null");
        }
    }
    tare__json_close(json, ']');
    put_same(json, "column", "null", count + 1);
    end_table(json, count + 1);
}

static void put_functions(struct firefox *f)
{
    struct tare__json *json = f->json;
    size_t count = f->export.function_count + 1;
    begin_table(json, "funcTable");
    begin_column(json, "name");
    for (size_t i = 0; i < count; i++) {
        tare__json_next(json);
        tare__json_whole(json, f->function_names[i]);
    }
    tare__json_close(json, ']');
    put_same(json, "isJS", "false", count);
    put_same(json, "relevantForJS", "false", count);
    begin_column(json, "resource");
    for (size_t i = 0; i < count; i++) {
        tare__json_next(json);
        if (f->export.functions[i].object < f->profile->object_count) {
            tare__json_whole(json, f->export.functions[i].object);
        } else {
            tare__json_raw(json, "-1");
        }
    }
    tare__json_close(json, ']');
    begin_column(json, "source");
    for (size_t i = 0; i < count; i++) {
        tare__json_next(json);
        if (f->function_sources[i] != TARE_PROFILE_NONE) {
            tare__json_whole(json, f->function_sources[i]);
        } else {
            tare__json_raw(json, "null");
        }
    }
    tare__json_close(json, ']');
    put_same(json, "lineNumber", "null", count);
    put_same(json, "columnNumber", "null", count);
    end_table(json, count);
}

/* A resource is what a function is from: a library each, in the order of `libs`. */
static void put_resources(struct firefox *f)
{
    struct tare__json *json = f->json;
    size_t count = f->profile->object_count;
    begin_table(json, "resourceTable");
    begin_column(json, "type");
    for (size_t i = 0; i < count; i++) {
        tare__json_next(json);
        tare__json_whole(json, RESOURCE_LIBRARY);
    }
    tare__json_close(json, ']');
    begin_column(json, "lib");
    for (size_t i = 0; i < count; i++) {
        tare__json_next(json);
        tare__json_whole(json, i);
    }
    tare__json_close(json, ']');
    begin_column(json, "name");
    for (size_t i = 0; i < count; i++) {
        tare__json_next(json);
        tare__json_whole(json, f->object_names[i]);
    }
    tare__json_close(json, ']');
    put_same(json, "host", "null", count);
    end_table(json, count);
}

static int put_shared(struct firefox *f)
{
    struct tare__json *json = f->json;
    int failure = 0;
    tare__json_key(json, "shared");
    tare__json_open(json, '{');
    put_stacks(f);
    put_frames(f);
    put_functions(f);
    put_resources(f);
    begin_table(json, "nativeSymbols");
    static const char *const symbol_columns[] = {"libIndex", "address", "name", "functionSize"};
    for (size_t i = 0; i < sizeof symbol_columns / sizeof symbol_columns[0]; i++) {
        put_same(json, symbol_columns[i], "", 0);
    }
    end_table(json, 0);
    begin_table(json, "sources");
    put_same(json, "id", "null", f->sources.count);
    begin_column(json, "filename");
    for (size_t i = 0; i < f->sources.count && failure == 0; i++) {
        tare__json_next(json);
        tare__json_whole(json, string_number(f, f->sources.texts[i], &failure));
    }
    tare__json_close(json, ']');
    end_table(json, f->sources.count);
    begin_column(json, "stringArray");
    for (size_t i = 0; i < f->strings.count; i++) {
        tare__json_next(json);
        tare__json_text(json, f->strings.texts[i]);
    }
    tare__json_close(json, ']');
    tare__json_close(json, '}');
    return failure;
}

static void put_samples(struct firefox *f, const struct tare__thread *thread)
{
    struct tare__json *json = f->json;
    const struct tare_profile *profile = f->profile;
    bool in_ns = tare__export_in_ns(profile);
    begin_table(json, "samples");
    begin_column(json, "stack");
    for (size_t i = 0; i < thread->count; i++) {
        uint32_t node = profile->samples[thread->samples[i]].node;
        tare__json_next(json);
        tare__json_whole(json, node == TARE_PROFILE_NONE ? profile->node_count : node);
    }
    tare__json_close(json, ']');
    begin_column(json, "time");
    struct tare__place place = {0};
    double last_ns = 0;
    for (size_t i = 0; i < thread->count; i++) {
        const struct tare_profile_sample *sample = &profile->samples[thread->samples[i]];
        tare__json_next(json);
        if (in_ns) {
            tare__export_place(profile, thread->samples[i], &place);
            tare__json_decimal(json, place.begin, 6);
            continue;
        }
        /* Of unknown time: 1 ms after the one before. */
        bool known = sample->time_ns >= 0 && sample->time_ns < 0x1p62;
        last_ns = known ? sample->time_ns : i > 0 ? last_ns + 1e6 : 0;
        tare__json_decimal(json, (uint64_t)llround(last_ns), 6);
    }
    tare__json_close(json, ']');
    begin_column(json, "weight");
    for (size_t i = 0; i < thread->count; i++) {
        uint64_t weight = profile->samples[thread->samples[i]].weight;
        tare__json_next(json);
        if (in_ns) {
            tare__json_decimal(json, weight, 6);
        } else {
            tare__json_whole(json, weight);
        }
    }
    tare__json_close(json, ']');
    if (counts_cpu(profile)) {
        /* Since the sample before, which is what that one weighs: so the viewer sees pauses. */
        begin_column(json, "threadCPUDelta");
        for (size_t i = 0; i < thread->count; i++) {
            tare__json_next(json);
            tare__json_whole(json, i > 0 ? profile->samples[thread->samples[i - 1]].weight : 0);
        }
        tare__json_close(json, ']');
    }
    put_pair(json, "weightType", in_ns ? "tracing-ms" : "samples");
    end_table(json, thread->count);
}

static void put_thread(struct firefox *f, const struct tare__thread *thread)
{
    struct tare__json *json = f->json;
    char number[24];
    snprintf(number, sizeof number, "%u", thread->pid);
    tare__json_next(json);
    tare__json_raw(json, "\n");
    tare__json_open(json, '{');
    put_pair(json, "processType", "default");
    put_raw(json, "processStartupTime", "0");
    put_raw(json, "processShutdownTime", "null");
    put_raw(json, "registerTime", "0");
    put_raw(json, "unregisterTime", "null");
    put_raw(json, "pausedRanges", "[]");
    put_pair(json, "name",
             thread->name != NULL      ? thread->name
             : thread->process != NULL ? thread->process
                                       : number);
    put_raw(json, "isMainThread", thread->pid == thread->tid ? "true" : "false");
    /* Without a name it would be the "Parent Process". */
    put_pair(json, "processName", thread->process != NULL ? thread->process : "unknown process");
    put_pair(json, "pid", number);
    put_whole(json, "tid", thread->tid);
    put_samples(f, thread);
    begin_table(json, "markers");
    static const char *const marker_columns[] = {"data", "name", "startTime", "endTime", "phase", "category"};
    for (size_t i = 0; i < sizeof marker_columns / sizeof marker_columns[0]; i++) {
        put_same(json, marker_columns[i], "", 0);
    }
    end_table(json, 0);
    tare__json_close(json, '}');
}

static int put_all(struct firefox *f, FILE *out)
{
    struct tare__json *json = f->json;
    tare__json_begin(json, out);
    tare__json_open(json, '{');
    int failure = put_meta(f);
    if (failure != 0) {
        return failure;
    }
    put_libs(f);
    /* The strings of the sources come last into the table, and it is written behind them. */
    failure = put_shared(f);
    begin_column(json, "threads");
    for (size_t i = 0; i < f->export.thread_count; i++) {
        put_thread(f, &f->export.threads[i]);
    }
    if (f->export.thread_count == 0) {
        /* The viewer refuses a profile without threads. */
        put_thread(f, &(struct tare__thread){.thread = TARE_PROFILE_NONE, .name = "no samples"});
    }
    tare__json_close(json, ']');
    tare__json_close(json, '}');
    int broken = tare__json_end(json);
    return failure != 0 ? failure : broken;
}

int tare_view_firefox(const struct tare_result *result, FILE *out)
{
    struct firefox f = {
        .result = result, .profile = result->profile, .json = malloc(sizeof(struct tare__json))};
    int failure = tare__export_begin(&f.export, result);
    if (failure == 0 && f.json == NULL) {
        failure = -ENOMEM;
    }
    if (failure == 0) {
        failure = make_tables(&f);
    }
    if (failure == 0) {
        failure = put_all(&f, out);
    }
    free(f.json);
    free(f.frame_of);
    free(f.function_names);
    free(f.function_sources);
    free(f.object_names);
    tare__lexicon_release(&f.strings);
    tare__lexicon_release(&f.sources);
    tare__triples_release(&f.frames);
    tare__export_release(&f.export);
    return failure;
}
