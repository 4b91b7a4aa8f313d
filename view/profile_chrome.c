/* SPDX-License-Identifier: MIT */
/*
 * Chrome's trace events: a call begins ("B") where a sample has it and the one before had not, and ends ("E")
 * where the next one has it no more, or comes later than right behind. That is how long samples saw it, not when
 * it was called: a call between two samples is not there, and two calls in two samples that follow each other are
 * one. Every place of a thread's samples is tare__export_place()'s; weights that are no times are microseconds.
 *
 * Events of one moment stand in the order in which they are to be taken: ends before begins, the inner end and
 * the outer begin first. Where a function ends and another call of it begins further out, the new calls begin
 * 0.001 µs later: of an end and a begin of one name and time, speedscope takes the begin first, and then the ends
 * of other calls for wrong. The first event has no category: viewers tell by it which of Chrome's formats this is.
 */
#include "view/profile_exports.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "view/profile_parts.h"

struct chrome {
    const struct tare_profile *profile;
    struct tare__export export;
    struct tare__json *json;
    uint32_t *open; /* functions that have begun and not ended, outermost first */
    size_t depth;
    uint32_t *path; /* those of the next sample */
};

static void begin_event(struct chrome *c, const char *kind, const struct tare__thread *thread)
{
    tare__json_next(c->json);
    tare__json_raw(c->json, "\n{\"ph\":\"");
    tare__json_raw(c->json, kind);
    tare__json_raw(c->json, "\",\"pid\":");
    tare__json_whole(c->json, thread->pid);
    tare__json_raw(c->json, ",\"tid\":");
    tare__json_whole(c->json, thread->tid);
    c->json->first = false;
}

/* `what` is "process_name", "thread_name" or, with the argument "labels", "process_labels". */
static void put_name(struct chrome *c, const struct tare__thread *thread, const char *what,
                     const char *argument, const char *name)
{
    begin_event(c, "M", thread);
    tare__json_key(c->json, "name");
    tare__json_text(c->json, what);
    tare__json_key(c->json, "args");
    tare__json_open(c->json, '{');
    tare__json_key(c->json, argument);
    tare__json_text(c->json, name);
    tare__json_close(c->json, '}');
    tare__json_close(c->json, '}');
}

/* `late`: 0.001 µs after `at`. */
static void put_call(struct chrome *c, const struct tare__thread *thread, bool begins, uint64_t at, bool late,
                     uint32_t number)
{
    const struct tare__function *function = &c->export.functions[number];
    begin_event(c, begins ? "B" : "E", thread);
    tare__json_key(c->json, "ts");
    if (tare__export_in_ns(c->profile)) {
        tare__json_decimal(c->json, at + late, 3);
    } else {
        tare__json_whole(c->json, at);
        tare__json_raw(c->json, late ? ".001" : "");
    }
    tare__json_key(c->json, "name");
    tare__json_text(c->json, function->name);
    if (begins && function->object < c->profile->object_count) {
        tare__json_key(c->json, "cat");
        tare__json_text(c->json, tare_profile_object_name(c->profile, function->object));
    }
    tare__json_close(c->json, '}');
}

static void end_calls(struct chrome *c, const struct tare__thread *thread, uint64_t at, size_t depth)
{
    while (c->depth > depth) {
        put_call(c, thread, false, at, false, c->open[--c->depth]);
    }
}

/* The functions of a sample, outermost first; returns how many. */
static size_t make_path(struct chrome *c, uint32_t node)
{
    size_t depth = 0;
    for (uint32_t n = node; n != TARE_PROFILE_NONE; n = c->profile->nodes[n].parent) {
        depth++;
    }
    size_t i = depth;
    for (uint32_t n = node; n != TARE_PROFILE_NONE; n = c->profile->nodes[n].parent) {
        c->path[--i] = c->export.of_frame[c->profile->nodes[n].frame];
    }
    if (depth == 0) {
        c->path[depth++] = (uint32_t)c->export.function_count;
    }
    return depth;
}

/* Whether the first call that begins has the name of one that ends at the same time. */
static bool begins_anew(const struct chrome *c, size_t depth, size_t same)
{
    for (size_t i = same; i < c->depth && same < depth; i++) {
        if (strcmp(c->export.functions[c->open[i]].name, c->export.functions[c->path[same]].name) == 0) {
            return true;
        }
    }
    return false;
}

static void put_thread(struct chrome *c, const struct tare__thread *thread)
{
    struct tare__place place = {0};
    if (thread->process != NULL) {
        put_name(c, thread, "process_name", "name", thread->process);
    }
    if (thread->name != NULL) {
        put_name(c, thread, "thread_name", "name", thread->name);
    }
    for (size_t i = 0; i < thread->count; i++) {
        const struct tare_profile_sample *sample = &c->profile->samples[thread->samples[i]];
        uint64_t end = place.end;
        if (sample->weight == 0) {
            continue; /* it would take no time */
        }
        tare__export_place(c->profile, thread->samples[i], &place);
        size_t depth = make_path(c, sample->node), same = 0;
        while (place.begin == end && same < c->depth && same < depth && c->open[same] == c->path[same]) {
            same++;
        }
        bool late = place.begin == end && begins_anew(c, depth, same);
        end_calls(c, thread, end, same);
        for (; c->depth < depth; c->depth++) {
            c->open[c->depth] = c->path[c->depth];
            put_call(c, thread, true, place.begin, late, c->open[c->depth]);
        }
    }
    end_calls(c, thread, place.end, 0);
}

static void put_other(struct chrome *c, const struct tare_result *result, const struct tare__fact *facts)
{
    struct tare__json *json = c->json;
    tare__json_key(json, "displayTimeUnit");
    tare__json_text(json, "ns");
    tare__json_key(json, "otherData");
    tare__json_open(json, '{');
    tare__json_key(json, "tare");
    tare__json_text(json, result->tare_version);
    if (result->started != NULL) {
        tare__json_key(json, "started");
        tare__json_text(json, result->started);
    }
    for (size_t i = 0; facts[i].name != NULL; i++) {
        tare__json_key(json, facts[i].name);
        tare__json_text(json, facts[i].text);
    }
    tare__json_close(json, '}');
}

static int put_all(struct chrome *c, const struct tare_result *result, FILE *out)
{
    struct tare__fact facts[TARE__FACTS] = {{NULL, NULL}};
    int failure = tare__export_facts(result, facts);
    if (failure == 0) {
        tare__json_begin(c->json, out);
        tare__json_open(c->json, '{');
        put_other(c, result, facts);
        tare__json_key(c->json, "traceEvents");
        tare__json_open(c->json, '[');
        if (c->export.thread_count > 0) {
            /* A first event for sure, without a category. */
            const char *mode = c->profile->mode != NULL ? c->profile->mode : "profile";
            put_name(c, &c->export.threads[0], "process_labels", "labels", mode);
        }
        for (size_t i = 0; i < c->export.thread_count; i++) {
            put_thread(c, &c->export.threads[i]);
        }
        tare__json_close(c->json, ']');
        tare__json_close(c->json, '}');
        failure = tare__json_end(c->json);
    }
    tare__export_facts_release(facts);
    return failure;
}

int tare_view_chrome(const struct tare_result *result, FILE *out)
{
    struct chrome c = {.profile = result->profile, .json = malloc(sizeof(struct tare__json))};
    int failure = tare__export_begin(&c.export, result);
    if (failure == 0) {
        c.open = malloc((c.profile->node_count + 1) * sizeof *c.open);
        c.path = malloc((c.profile->node_count + 1) * sizeof *c.path);
        failure = c.json != NULL && c.open != NULL && c.path != NULL ? put_all(&c, result, out) : -ENOMEM;
    }
    free(c.json);
    free(c.open);
    free(c.path);
    tare__export_release(&c.export);
    return failure;
}
