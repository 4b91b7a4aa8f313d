/* SPDX-License-Identifier: MIT */
/*
 * speedscope: functions once for all, then for each thread its samples one after the other, each the numbers of
 * its functions from the outermost to the innermost, and their weights. A place in a function is no part of the
 * format that would not tear the function apart: a function has the line on which it is declared.
 */
#include "view/profile_exports.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "view/profile_parts.h"

static void put_functions(struct tare__json *json, const struct tare__export *export)
{
    tare__json_key(json, "shared");
    tare__json_open(json, '{');
    tare__json_key(json, "frames");
    tare__json_open(json, '[');
    for (size_t i = 0; i <= export->function_count; i++) {
        const struct tare__function *function = &export->functions[i];
        const char *object = function->object < export->profile->object_count
                                 ? export->profile->objects[function->object].path
                                 : NULL;
        const char *file = function->file != NULL ? function->file : object;
        tare__json_next(json);
        tare__json_raw(json, "\n");
        tare__json_open(json, '{');
        tare__json_key(json, "name");
        tare__json_text(json, function->name);
        if (file != NULL) {
            tare__json_key(json, "file");
            tare__json_text(json, file);
        }
        if (function->file != NULL && function->line != 0) {
            tare__json_key(json, "line");
            tare__json_whole(json, function->line);
        }
        tare__json_close(json, '}');
    }
    tare__json_close(json, ']');
    tare__json_close(json, '}');
}

static const char *unit_name(const struct tare_profile *profile)
{
    return tare__export_in_ns(profile)                                    ? "nanoseconds"
           : profile->unit != NULL && strcmp(profile->unit, "bytes") == 0 ? "bytes"
                                                                          : "none";
}

/* "sort: worker (4711/4713)", as far as that is known. */
static char *thread_title(const struct tare__thread *thread)
{
    char *title = NULL;
    const char *process = thread->process != NULL ? thread->process : "";
    const char *name = thread->name != NULL ? thread->name : "";
    if (thread->thread == TARE_PROFILE_NONE) {
        return strdup(name);
    }
    bool both = *process != '\0' && *name != '\0' && strcmp(process, name) != 0;
    int size =
        asprintf(&title, "%s%s%s%s(%u/%u)", process, both ? ": " : "", both || *process == '\0' ? name : "",
                 *process != '\0' || *name != '\0' ? " " : "", thread->pid, thread->tid);
    return size < 0 ? NULL : title;
}

/* `path` has room for the longest stack. */
static void put_stack(struct tare__json *json, const struct tare__export *export, uint32_t node, uint32_t *path)
{
    size_t depth = 0;
    if (node == TARE_PROFILE_NONE) {
        path[depth++] = (uint32_t) export->function_count;
    }
    for (; node != TARE_PROFILE_NONE; node = export->profile->nodes[node].parent) {
        path[depth++] = export->of_frame[export->profile->nodes[node].frame];
    }
    tare__json_open(json, '[');
    while (depth > 0) {
        tare__json_next(json);
        tare__json_whole(json, path[--depth]);
    }
    tare__json_close(json, ']');
}

static int put_thread(struct tare__json *json, const struct tare__export *export,
                      const struct tare__thread *thread, uint32_t *path)
{
    const struct tare_profile *profile = export->profile;
    char *title = thread_title(thread);
    if (title == NULL) {
        return -ENOMEM;
    }
    uint64_t sum = 0;
    tare__json_next(json);
    tare__json_raw(json, "\n");
    tare__json_open(json, '{');
    tare__json_key(json, "type");
    tare__json_text(json, "sampled");
    tare__json_key(json, "name");
    tare__json_text(json, title);
    free(title);
    tare__json_key(json, "unit");
    tare__json_text(json, unit_name(profile));
    tare__json_key(json, "samples");
    tare__json_open(json, '[');
    for (size_t i = 0; i < thread->count; i++) {
        tare__json_next(json);
        put_stack(json, export, profile->samples[thread->samples[i]].node, path);
    }
    tare__json_close(json, ']');
    tare__json_key(json, "weights");
    tare__json_open(json, '[');
    for (size_t i = 0; i < thread->count; i++) {
        uint64_t weight = profile->samples[thread->samples[i]].weight;
        tare__json_next(json);
        tare__json_whole(json, weight);
        sum = tare__export_sum(sum, weight);
    }
    tare__json_close(json, ']');
    tare__json_key(json, "startValue");
    tare__json_whole(json, 0);
    tare__json_key(json, "endValue");
    tare__json_whole(json, sum);
    tare__json_close(json, '}');
    return 0;
}

int tare_view_speedscope(const struct tare_result *result, FILE *out)
{
    struct tare__export export;
    struct tare__json *json = malloc(sizeof *json);
    char *exporter = NULL, *name = NULL;
    int failure = tare__export_begin(&export, result);
    const struct tare_profile *profile = result->profile;
    uint32_t *path = failure == 0 ? malloc((profile->node_count + 1) * sizeof *path) : NULL;
    if (failure == 0) {
        name = tare__export_title(result);
        bool version = result->tare_version != NULL;
        if (json == NULL || path == NULL || name == NULL ||
            asprintf(&exporter, "tare%s%s", version ? " " : "", version ? result->tare_version : "") < 0) {
            exporter = NULL;
            failure = -ENOMEM;
        }
    }
    if (failure == 0) {
        tare__json_begin(json, out);
        tare__json_open(json, '{');
        tare__json_key(json, "$schema");
        tare__json_text(json, "https://www.speedscope.app/file-format-schema.json");
        tare__json_key(json, "name");
        tare__json_text(json, name);
        tare__json_key(json, "exporter");
        tare__json_text(json, exporter);
        put_functions(json, &export);
        tare__json_key(json, "profiles");
        tare__json_open(json, '[');
        for (size_t i = 0; i < export.thread_count && failure == 0; i++) {
            if (export.threads[i].count > 0) {
                failure = put_thread(json, &export, &export.threads[i], path);
            }
        }
        tare__json_close(json, ']');
        tare__json_close(json, '}');
        int broken = tare__json_end(json);
        failure = failure != 0 ? failure : broken;
    }
    free(exporter);
    free(name);
    free(path);
    free(json);
    tare__export_release(&export);
    return failure;
}
