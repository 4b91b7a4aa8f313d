/* SPDX-License-Identifier: MIT */
/* What the exports of a profile have in common. */
#include "view/profile_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "result/utf8.h"

/* The finaliser of MurmurHash3 (A. Appleby, public domain). */
static uint64_t mix(uint64_t value)
{
    value ^= value >> 33;
    value *= 0xff51afd7ed558ccdULL;
    value ^= value >> 33;
    value *= 0xc4ceb9fe1a85ec53ULL;
    return value ^ value >> 33;
}

/* FNV-1a (G. Fowler, L. C. Noll, K.-P. Vo), mixed at the end. */
static uint64_t hash_text(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325ULL;
    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3ULL;
    }
    return mix(hash);
}

static uint64_t hash_triple(const uint32_t key[3])
{
    return mix(mix((uint64_t)key[0] << 32 | key[1]) + key[2]);
}

/* Makes room for one more element: the array grows to twice its size. */
static bool grow(void **array, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity) {
        return true;
    }
    size_t wanted = *capacity == 0 ? 64 : *capacity * 2;
    void *larger = count < TARE_PROFILE_NONE - 1 ? reallocarray(*array, wanted, size) : NULL;
    if (larger != NULL) {
        *array = larger;
        *capacity = wanted;
    }
    return larger != NULL;
}

/* Slots are at most half full: a search ends at a free one. */
static uint32_t *slots_for(size_t count, size_t *slot_count)
{
    *slot_count = 256;
    while (*slot_count < count * 4) {
        *slot_count *= 2;
    }
    return calloc(*slot_count, sizeof(uint32_t));
}

static bool triples_grow(struct tare__triples *triples)
{
    if (!grow((void **)&triples->keys, triples->count, &triples->capacity, sizeof *triples->keys)) {
        return false;
    }
    if ((triples->count + 1) * 2 <= triples->slot_count) {
        return true;
    }
    size_t slot_count;
    uint32_t *slots = slots_for(triples->count, &slot_count);
    if (slots == NULL) {
        return false;
    }
    for (size_t i = 0; i < triples->count; i++) {
        size_t slot = hash_triple(triples->keys[i]) & (slot_count - 1);
        while (slots[slot] != 0) {
            slot = (slot + 1) & (slot_count - 1);
        }
        slots[slot] = (uint32_t)i + 1;
    }
    free(triples->slots);
    triples->slots = slots;
    triples->slot_count = slot_count;
    return true;
}

uint32_t tare__triples_number(struct tare__triples *triples, uint32_t a, uint32_t b, uint32_t c)
{
    if (!triples_grow(triples)) {
        return TARE_PROFILE_NONE;
    }
    const uint32_t key[3] = {a, b, c};
    size_t slot = hash_triple(key) & (triples->slot_count - 1);
    for (; triples->slots[slot] != 0; slot = (slot + 1) & (triples->slot_count - 1)) {
        uint32_t number = triples->slots[slot] - 1;
        if (memcmp(triples->keys[number], key, sizeof key) == 0) {
            return number;
        }
    }
    memcpy(triples->keys[triples->count], key, sizeof key);
    triples->slots[slot] = (uint32_t)++triples->count;
    return (uint32_t)triples->count - 1;
}

void tare__triples_release(struct tare__triples *triples)
{
    free(triples->keys);
    free(triples->slots);
}

static bool strings_grow(struct tare__lexicon *strings)
{
    if (!grow((void **)&strings->texts, strings->count, &strings->capacity, sizeof *strings->texts)) {
        return false;
    }
    if ((strings->count + 1) * 2 <= strings->slot_count) {
        return true;
    }
    size_t slot_count;
    uint32_t *slots = slots_for(strings->count, &slot_count);
    if (slots == NULL) {
        return false;
    }
    for (size_t i = 0; i < strings->count; i++) {
        size_t slot = hash_text(strings->texts[i]) & (slot_count - 1);
        while (slots[slot] != 0) {
            slot = (slot + 1) & (slot_count - 1);
        }
        slots[slot] = (uint32_t)i + 1;
    }
    free(strings->slots);
    strings->slots = slots;
    strings->slot_count = slot_count;
    return true;
}

uint32_t tare__lexicon_number(struct tare__lexicon *strings, const char *text)
{
    if (!strings_grow(strings)) {
        return TARE_PROFILE_NONE;
    }
    size_t slot = hash_text(text) & (strings->slot_count - 1);
    for (; strings->slots[slot] != 0; slot = (slot + 1) & (strings->slot_count - 1)) {
        uint32_t number = strings->slots[slot] - 1;
        if (strcmp(strings->texts[number], text) == 0) {
            return number;
        }
    }
    strings->texts[strings->count] = text;
    strings->slots[slot] = (uint32_t)++strings->count;
    return (uint32_t)strings->count - 1;
}

void tare__lexicon_release(struct tare__lexicon *strings)
{
    free(strings->texts);
    free(strings->slots);
}

bool tare__export_in_ns(const struct tare_profile *profile)
{
    return profile->unit != NULL && strcmp(profile->unit, "ns") == 0;
}

uint64_t tare__export_sum(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* The frame's name, which stays until the export is released; NULL without memory. */
static const char *name_of(struct tare__export *export, uint32_t frame)
{
    if (export->profile->frames[frame].function != NULL && *export->profile->frames[frame].function != '\0') {
        return export->profile->frames[frame].function;
    }
    char text[TARE_PROFILE_NAME];
    char *copy = strdup(tare_profile_frame_name(export->profile, frame, text));
    if (copy != NULL && *copy == '\0') {
        free(copy);
        copy = strdup("[unknown]");
    }
    if (copy != NULL) {
        export->texts[export->text_count++] = copy;
    }
    return copy;
}

/*
 * Numbers the frames' functions. First goes which file each (name, object) is in as far as that is known, so
 * that an address without a line does not make a function of its own.
 */
static int make_functions(struct tare__export *export)
{
    const struct tare_profile *profile = export->profile;
    size_t count = profile->frame_count;
    struct tare__lexicon strings = {0};
    struct tare__triples plain = {0}, known = {0};
    uint32_t *file_of = malloc((count + 1) * sizeof *file_of); /* for each (name, object) a file's string */
    uint32_t *plain_of = malloc((count + 1) * sizeof *plain_of);
    const char **names = calloc(count + 1, sizeof *names);
    int failure = -ENOMEM;
    if (file_of == NULL || plain_of == NULL || names == NULL) {
        goto out;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct tare_profile_frame *frame = &profile->frames[i];
        names[i] = name_of(export, i);
        uint32_t name = names[i] != NULL ? tare__lexicon_number(&strings, names[i]) : TARE_PROFILE_NONE;
        uint32_t file = frame->file == NULL ? TARE_PROFILE_NONE : tare__lexicon_number(&strings, frame->file);
        size_t before = plain.count;
        plain_of[i] = name == TARE_PROFILE_NONE ? name : tare__triples_number(&plain, name, frame->object, 0);
        if (plain_of[i] == TARE_PROFILE_NONE || (frame->file != NULL && file == TARE_PROFILE_NONE)) {
            goto out;
        }
        if (plain.count > before || file_of[plain_of[i]] == TARE_PROFILE_NONE) {
            file_of[plain_of[i]] = file;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct tare_profile_frame *frame = &profile->frames[i];
        uint32_t file =
            frame->file != NULL ? tare__lexicon_number(&strings, frame->file) : file_of[plain_of[i]];
        size_t before = known.count;
        uint32_t number = tare__triples_number(&known, plain_of[i], file, 0);
        if (number == TARE_PROFILE_NONE) {
            goto out;
        }
        struct tare__function *function = &export->functions[number];
        if (known.count > before) {
            *function = (struct tare__function){
                .name = names[i],
                .object = frame->object,
                .file = file == TARE_PROFILE_NONE ? NULL : strings.texts[file],
            };
        }
        if (function->line == 0) {
            function->line = frame->function_line;
        }
        export->of_frame[i] = number;
    }
    export->function_count = known.count;
    export->functions[known.count] = (struct tare__function){
        .name = TARE__NO_STACK,
        .object = TARE_PROFILE_NONE,
    };
    failure = 0;
out:
    tare__lexicon_release(&strings);
    tare__triples_release(&plain);
    tare__triples_release(&known);
    free(file_of);
    free(plain_of);
    free(names);
    return failure;
}

/* Sorted by time, what is unknown behind, and in the order in which they came where that says nothing. */
static int by_time(const void *a, const void *b, void *context)
{
    const struct tare_profile *profile = context;
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    double x = profile->samples[i].time_ns, y = profile->samples[j].time_ns;
    if (isnan(x) || isnan(y)) {
        return isnan(x) != isnan(y) ? isnan(x) - isnan(y) : (i > j) - (i < j);
    }
    return x != y ? (x > y) - (x < y) : (i > j) - (i < j);
}

static bool in_order(const struct tare_profile *profile, const uint32_t *samples, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (by_time(&samples[i - 1], &samples[i], (void *)profile) > 0) {
            return false;
        }
    }
    return true;
}

/* Process and thread numbers for samples of no known thread: 0 and the first one that is nobody's there. */
static uint32_t free_tid(const struct tare_profile *profile)
{
    uint32_t tid = 0;
    for (size_t i = 0; i < profile->thread_count; i++) {
        const struct tare_profile_thread *thread = &profile->threads[i];
        if (profile->processes[thread->process].pid == 0 && thread->tid == tid) {
            tid++;
            i = (size_t)-1; /* from the start again */
        }
    }
    return tid;
}

static int make_threads(struct tare__export *export)
{
    const struct tare_profile *profile = export->profile;
    size_t count = profile->thread_count;
    size_t *next = calloc(count + 2, sizeof *next);
    if (next == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < profile->sample_count; i++) {
        uint32_t thread = profile->samples[i].thread;
        next[(thread < count ? thread : count) + 1]++;
    }
    export->thread_count = count + (next[count + 1] > 0);
    for (size_t i = 0; i < export->thread_count; i++) {
        export->threads[i] = (struct tare__thread){
            .thread = i < count ? (uint32_t)i : TARE_PROFILE_NONE,
            .samples = export->samples + next[i],
            .count = next[i + 1],
        };
        next[i + 1] += next[i];
        struct tare__thread *thread = &export->threads[i];
        if (i < count) {
            thread->pid = profile->processes[profile->threads[i].process].pid;
            thread->tid = profile->threads[i].tid;
            thread->name = profile->threads[i].name;
            thread->process = profile->processes[profile->threads[i].process].command;
        } else {
            thread->tid = free_tid(profile);
            thread->name = "unknown thread";
        }
    }
    for (uint32_t i = 0; i < profile->sample_count; i++) {
        uint32_t thread = profile->samples[i].thread;
        export->samples[next[thread < count ? thread : count]++] = i;
    }
    free(next);
    uint32_t *samples = export->samples;
    for (size_t i = 0; i < export->thread_count; i++) {
        size_t n = export->threads[i].count;
        if (!in_order(profile, samples, n)) {
            qsort_r(samples, n, sizeof *samples, by_time, (void *)profile);
        }
        samples += n;
    }
    return 0;
}

int tare__export_begin(struct tare__export *export, const struct tare_result *result)
{
    *export = (struct tare__export){.profile = result->profile};
    if (result->profile == NULL) {
        return -EINVAL;
    }
    size_t frames = result->profile->frame_count;
    export->functions = calloc(frames + 1, sizeof *export->functions);
    export->of_frame = malloc((frames + 1) * sizeof *export->of_frame);
    export->texts = malloc((frames + 1) * sizeof *export->texts);
    export->threads = calloc(result->profile->thread_count + 1, sizeof *export->threads);
    export->samples = malloc((result->profile->sample_count + 1) * sizeof *export->samples);
    if (export->functions == NULL || export->of_frame == NULL || export->texts == NULL ||
        export->threads == NULL || export->samples == NULL) {
        return -ENOMEM;
    }
    int failure = make_functions(export);
    return failure != 0 ? failure : make_threads(export);
}

void tare__export_release(struct tare__export *export)
{
    for (size_t i = 0; i < export->text_count; i++) {
        free(export->texts[i]);
    }
    free(export->texts);
    free(export->functions);
    free(export->of_frame);
    free(export->threads);
    free(export->samples);
}

void tare__export_place(const struct tare_profile *profile, uint32_t sample, struct tare__place *place)
{
    const uint64_t limit = INT64_MAX; /* where whole numbers of JSON's readers end */
    const struct tare_profile_sample *taken = &profile->samples[sample];
    uint64_t weight = taken->weight;
    place->begin = place->end;
    if (tare__export_in_ns(profile) && taken->time_ns >= 0 && taken->time_ns < 0x1p62) {
        uint64_t end = (uint64_t)llround(taken->time_ns);
        uint64_t begin = end > weight ? end - weight : 0;
        if (begin > place->end && (!place->any || begin - place->end >= weight)) {
            place->begin = begin;
        }
    }
    place->any = true;
    place->end = weight < limit - place->begin ? place->begin + weight : limit;
}

int64_t tare__export_started(const struct tare_result *result)
{
    struct tm utc = {0};
    const char *end = result->started != NULL ? strptime(result->started, "%Y-%m-%dT%H:%M:%S", &utc) : NULL;
    return end != NULL && (*end == 'Z' || *end == '.') ? (int64_t)timegm(&utc) : -1;
}

/* argv as one line, for people. NULL without memory. */
static char *joined(char *const *words)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    for (size_t i = 0; out != NULL && words[i] != NULL; i++) {
        fprintf(out, "%s%s", i > 0 ? " " : "", words[i]);
    }
    if (out == NULL || fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

char *tare__export_title(const struct tare_result *result)
{
    const struct tare_profile *profile = result->profile;
    for (size_t i = 0; i < profile->process_count; i++) {
        if (profile->processes[i].command != NULL && *profile->processes[i].command != '\0') {
            return strdup(profile->processes[i].command);
        }
    }
    return result->command != NULL && result->command[0] != NULL ? joined(result->command) : strdup("profile");
}

static char *count_text(uint64_t count)
{
    char *text = NULL;
    if (count == TARE_PROFILE_UNKNOWN) {
        return strdup("unknown");
    }
    return asprintf(&text, "%" PRIu64, count) < 0 ? NULL : text;
}

int tare__export_facts(const struct tare_result *result, struct tare__fact facts[TARE__FACTS])
{
    const struct tare_profile *profile = result->profile;
    size_t n = 0;
    const struct {
        const char *name, *text;
    } texts[] = {
        {"mode", profile->mode},
        {"reason", profile->reason},
        {"event", profile->event},
        {"unit", profile->unit},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (texts[i].text != NULL) {
            facts[n++] = (struct tare__fact){texts[i].name, strdup(texts[i].text)};
        }
    }
    if (result->command != NULL) {
        facts[n++] = (struct tare__fact){"command", joined(result->command)};
    }
    if (profile->recorder != NULL) {
        facts[n++] = (struct tare__fact){"recorder", joined(profile->recorder)};
    }
    facts[n++] = (struct tare__fact){"samples", count_text(profile->sample_count)};
    facts[n++] = (struct tare__fact){"lost samples", count_text(profile->lost)};
    facts[n++] = (struct tare__fact){"truncated stacks", count_text(profile->truncated)};
    facts[n++] = (struct tare__fact){"samples of unknown functions", count_text(profile->unknown)};
    facts[n++] = (struct tare__fact){"threads without samples", count_text(profile->threads_missed)};
    facts[n] = (struct tare__fact){NULL, NULL};
    for (size_t i = 0; i < n; i++) {
        if (facts[i].text == NULL) {
            return -ENOMEM;
        }
    }
    return 0;
}

void tare__export_facts_release(struct tare__fact facts[TARE__FACTS])
{
    for (size_t i = 0; i < TARE__FACTS && facts[i].name != NULL; i++) {
        free(facts[i].text);
    }
}

/* The writer of JSON */

static void flush(struct tare__json *json)
{
    fwrite(json->buffer, 1, json->used, json->out);
    json->used = 0;
}

static void put(struct tare__json *json, const char *bytes, size_t size)
{
    while (size > 0) {
        if (json->used == sizeof json->buffer) {
            flush(json);
        }
        size_t room = sizeof json->buffer - json->used, part = size < room ? size : room;
        memcpy(json->buffer + json->used, bytes, part);
        json->used += part;
        bytes += part;
        size -= part;
    }
}

static void put_char(struct tare__json *json, char c)
{
    if (json->used == sizeof json->buffer) {
        flush(json);
    }
    json->buffer[json->used++] = c;
}

void tare__json_begin(struct tare__json *json, FILE *out)
{
    json->out = out;
    json->used = 0;
    json->first = true;
}

int tare__json_end(struct tare__json *json)
{
    put_char(json, '\n');
    flush(json);
    return ferror(json->out) ? -EIO : 0;
}

void tare__json_raw(struct tare__json *json, const char *text)
{
    put(json, text, strlen(text));
}

void tare__json_open(struct tare__json *json, char bracket)
{
    put_char(json, bracket);
    json->first = true;
}

void tare__json_close(struct tare__json *json, char bracket)
{
    put_char(json, bracket);
    json->first = false;
}

void tare__json_next(struct tare__json *json)
{
    if (!json->first) {
        put_char(json, ',');
    }
    json->first = false;
}

void tare__json_key(struct tare__json *json, const char *key)
{
    tare__json_next(json);
    put_char(json, '"');
    put(json, key, strlen(key));
    put(json, "\":", 2);
}

void tare__json_text(struct tare__json *json, const char *text)
{
    if (text == NULL) {
        put(json, "null", 4);
        return;
    }
    put_char(json, '"');
    while (*text != '\0') {
        const char *plain = text;
        while (*text >= ' ' && *text < 0x7f && *text != '"' && *text != '\\') {
            text++;
        }
        put(json, plain, (size_t)(text - plain));
        unsigned char c = (unsigned char)*text;
        if (c >= 0x7f) {
            uint32_t code_point;
            size_t taken = tare__utf8_decode(text, &code_point);
            put(json, taken > 0 ? text : "\xef\xbf\xbd", taken > 0 ? taken : 3);
            text += taken > 0 ? taken : 1;
        } else if (c == '"' || c == '\\') {
            put_char(json, '\\');
            put_char(json, *text++);
        } else if (c != '\0') {
            char escape[8];
            snprintf(escape, sizeof escape, "\\u%04x", c);
            put(json, escape, 6);
            text++;
        }
    }
    put_char(json, '"');
}

void tare__json_whole(struct tare__json *json, uint64_t number)
{
    tare__json_decimal(json, number < INT64_MAX ? number : INT64_MAX, 0);
}

void tare__json_decimal(struct tare__json *json, uint64_t number, int digits)
{
    char text[32], *p = text + sizeof text;
    for (int i = 0; i < digits; i++) {
        *--p = (char)('0' + number % 10);
        number /= 10;
    }
    if (digits > 0) {
        *--p = '.';
    }
    do {
        *--p = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    put(json, p, (size_t)(text + sizeof text - p));
}
