/* SPDX-License-Identifier: MIT */
/*
 * 100,000 samples are some two million lines of frames, of which a few thousand are different: so a frame's line
 * is looked up as it stands, and read only when it is new. In a process whose mappings are known the same line
 * may mean another place later; they number their states, and the number is part of what is looked up.
 *
 * Since 5.10 perf prints the place in the file for user code, before that the place in memory; which of them it
 * is, is seen from which of them lies in the object that is named beside it.
 */
#include "record/perf_script.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "record/perf_processes.h"
#include "record/perf_text.h"
#include "record/profiling.h"
#include "record/text_lines.h"

enum {
    DEPTH_MAX = 32768,   /* frames of one stack; perf itself takes 127 unless told */
    CACHE_MAX = 1 << 20, /* lines that are remembered; then it begins anew */
    CACHE_FIRST = 1 << 12,
    NAME_MAX_BYTES = 4096, /* of a symbol or path */
    INLINED_MAX = 64,      /* lines "(inlined)" in front of their frame */
    EVENTS_MAX = 64,       /* kinds of samples in one text; what comes beyond is left out */
    EVENT_SHIFT = 8, /* while it is read, the flags of a sample have the number of its event from there on */
};

/* Of which the one with the most samples is the profile's. */
struct event {
    char *name; /* NULL: it was not said */
    uint64_t samples, weight_sum;
};

/* What a line stands for: `count` frames, the innermost first, in `frames` from `first` on. */
struct known_line {
    uint64_t hash;
    char *text; /* NULL: empty */
    uint32_t length;
    uint32_t state; /* of the process's mappings */
    uint32_t first;
    uint16_t count;
    bool is_return;
    bool begins; /* a thread begins there */
    bool signal; /* of the kernel's return from a signal: its caller is no return address */
    bool kernel;
};

struct reader {
    struct tare__lines lines;
    struct tare__perf_reading *reading;
    struct tare_profile *profile;
    struct tare__perf_processes processes;
    struct known_line *known;
    size_t known_room, known_count;
    uint32_t *frames;
    size_t frame_count, frame_room;
    /* The sample that is being read. */
    bool open;
    bool passing;   /* over the stack of a sample that is left out */
    uint32_t event; /* its number */
    struct tare__perf_thread *thread;
    uint64_t time_ns, period;
    uint32_t stack[DEPTH_MAX];
    size_t depth;
    bool too_deep;
    bool began[2], last_kernel, last_signal,
        has_frame;                 /* began: of the outermost frame, and the one within it */
    uint32_t inlined[INLINED_MAX]; /* frames that wait for the one that they are in */
    size_t inlined_count;
    /* So far. */
    uint64_t offsets_seen, addresses_seen; /* evidence for what the addresses of user code are */
    struct event events[EVENTS_MAX];
    uint32_t event_count;
    int error;
};

/* ---- names ---- */

/* Where the stacks of threads end, or a frame further out if its function has no name. */
static bool is_beginning(const char *name)
{
    static const char *const beginnings[] = {
        "_start",
        "__libc_start_main",
        "__libc_start_main_impl",
        "__libc_start_call_main",
        "start_thread",
        "__clone3",
        "clone3",
        "__GI___clone3",
        "__clone",
        "clone",
        "__GI___clone",
        "_dl_start",
        "_dl_start_user",
        "_dl_start_final",
        "ret_from_fork",
        "ret_from_fork_asm",
        "runtime.goexit",
        "runtime.mstart",
    };
    size_t length = strcspn(name, "@");
    for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
        if (strlen(beginnings[i]) == length && memcmp(beginnings[i], name, length) == 0) {
            return true;
        }
    }
    return strncmp(name, "runtime.goexit.", 15) == 0 || strcmp(name, "main") == 0;
}

static bool is_signal_return(const char *name)
{
    return strcmp(name, "__restore_rt") == 0 || strcmp(name, "__restore") == 0 ||
           strncmp(name, "__kernel_rt_sigreturn", 21) == 0;
}

static bool equal(struct tare__words words, const char *text)
{
    return strlen(text) == words.length && memcmp(words.text, text, words.length) == 0;
}

static bool starts_with(struct tare__words words, const char *text)
{
    size_t length = strlen(text);
    return words.length >= length && memcmp(words.text, text, length) == 0;
}

static void copy(char text[NAME_MAX_BYTES], struct tare__words words)
{
    size_t length = words.length < NAME_MAX_BYTES ? words.length : NAME_MAX_BYTES - 1;
    memcpy(text, words.text, length);
    text[length] = '\0';
}

/* "[kernel.kallsyms]", "[nf_tables]", "/lib/modules/.../x.ko", and what lies in the upper half of the addresses. */
static bool is_kernel(const struct tare__perf_frame *frame)
{
    struct tare__words object = frame->object;
    if (object.length == 0 || equal(object, "[unknown]")) {
        return frame->ip >> 63 != 0;
    }
    if (object.text[0] == '[') {
        return !equal(object, "[vdso]") && !equal(object, "[vsyscall]") && !starts_with(object, "[heap") &&
               !starts_with(object, "[stack") && !starts_with(object, "[anon");
    }
    return starts_with(object, "/lib/modules/") || starts_with(object, "/usr/lib/modules/");
}

/* ---- objects and frames by perf's own words ---- */

static uint32_t object_number(struct reader *r, const struct tare__perf_frame *frame, bool kernel)
{
    char path[NAME_MAX_BYTES];
    struct tare__words name = frame->object;
    uint32_t flags = 0;
    if (kernel) {
        bool module = name.length != 0 && !starts_with(name, "[kernel") && !equal(name, "[unknown]");
        copy(path, module ? name : (struct tare__words){"[kernel]", 8});
        return tare_profile_object(r->profile, path, NULL, TARE_OBJECT_KERNEL);
    }
    enum tare_profile_object_kind kind = TARE_OBJECT_FILE;
    if (name.length == 0) {
        return TARE_PROFILE_NONE;
    }
    if (equal(name, "[vdso]")) {
        kind = TARE_OBJECT_VDSO;
    } else if (starts_with(name, "/tmp/perf-") && name.length > 4 &&
               memcmp(name.text + name.length - 4, ".map", 4) == 0) {
        kind = TARE_OBJECT_JIT;
        name = (struct tare__words){"[jit]", 5};
    } else if (name.text[0] == '[' || starts_with(name, "//anon") || starts_with(name, "anon_inode:")) {
        kind = frame->symbol.length != 0 ? TARE_OBJECT_JIT : TARE_OBJECT_UNKNOWN;
        name = (struct tare__words){frame->symbol.length != 0 ? "[jit]" : "[unknown]",
                                    frame->symbol.length != 0 ? 5 : 9};
    }
    copy(path, name);
    size_t length = strlen(path);
    if (length > 10 && strcmp(path + length - 10, " (deleted)") == 0) {
        path[length - 10] = '\0';
        flags = TARE_OBJECT_DELETED;
    }
    uint32_t number = tare_profile_object(r->profile, path, NULL, kind);
    if (number != TARE_PROFILE_NONE) {
        r->profile->objects[number].flags |= flags;
    }
    return number;
}

static uint32_t frame_by_name(struct reader *r, const struct tare__perf_frame *frame, bool kernel, bool *begins,
                              bool *signal)
{
    char function[NAME_MAX_BYTES];
    struct tare_profile_frame made = {.kernel = kernel, .inlined = frame->inlined};
    made.object = object_number(r, frame, kernel);
    if (frame->symbol.length != 0) {
        copy(function, frame->symbol);
        made.function = function;
        *begins = is_beginning(function);
        *signal = is_signal_return(function);
    } else {
        made.address = frame->ip;
    }
    return tare_profile_frame(r->profile, &made);
}

/* ---- frames by our own reading of the objects ---- */

/* Where it lies in memory: by what is mapped there, or from the place in the file. False: it is not known. */
static bool address_of(struct reader *r, const struct tare__perf_frame *frame, uint64_t *address)
{
    uint64_t by_offset = 0;
    bool offset = false, absolute = false;
    if (r->thread == NULL || frame->ip == 0) {
        return false;
    }
    tare__perf_process_find(&r->processes, r->thread->process, frame->ip, frame->object.text,
                            frame->object.length, &by_offset, &offset, &absolute);
    r->offsets_seen += offset && !absolute;
    r->addresses_seen += absolute && !offset;
    if (absolute && (!offset || r->addresses_seen > r->offsets_seen)) {
        *address = frame->ip;
        return true;
    }
    *address = by_offset;
    return offset;
}

static uint32_t frame_by_symbols(struct reader *r, const struct tare_symbols_frame *found, const char *fallback)
{
    struct tare_profile_frame made = {
        .function = (char *)(uintptr_t)(found->function != NULL ? found->function : fallback),
        .object = TARE_PROFILE_NONE,
        .file = (char *)(uintptr_t)found->file,
        .line = found->line,
        .function_line = found->function_line,
        .inlined = found->inlined,
        .kernel = found->kernel,
    };
    made.address = made.function == NULL ? found->address : 0;
    if (found->object != NULL) {
        made.object =
            tare_profile_object(r->profile, found->object->path, found->object->build_id, found->object->kind);
        if (made.object == TARE_PROFILE_NONE) {
            return TARE_PROFILE_NONE;
        }
        r->profile->objects[made.object].flags |= found->object->flags;
    }
    return tare_profile_frame(r->profile, &made);
}

static bool keep_frame(struct reader *r, uint32_t number)
{
    if (number == TARE_PROFILE_NONE) {
        r->error = -ENOMEM;
        return false;
    }
    if (r->frame_count == r->frame_room) {
        size_t room = r->frame_room != 0 ? 2 * r->frame_room : 4096;
        uint32_t *frames = reallocarray(r->frames, room, sizeof(*frames));
        if (frames == NULL) {
            r->error = -ENOMEM;
            return false;
        }
        r->frames = frames;
        r->frame_room = room;
    }
    r->frames[r->frame_count++] = number;
    return true;
}

/* Reads a line that was not seen before. */
static void learn(struct reader *r, const struct tare__perf_frame *frame, struct known_line *line)
{
    const struct tare_symbols_frame *found;
    uint64_t address;
    line->first = (uint32_t)r->frame_count;
    line->kernel = is_kernel(frame);
    char name[NAME_MAX_BYTES];
    copy(name, frame->symbol);
    if (!line->kernel && !frame->inlined && r->reading->symbols != NULL && address_of(r, frame, &address)) {
        size_t count =
            tare_symbols_resolve(r->reading->symbols, r->thread->pid, address, line->is_return, &found);
        if (count == 0) {
            r->error = -ENOMEM;
            return;
        }
        if (found[0].object != NULL) {
            for (size_t i = 0; i < count; i++) {
                const char *fallback = name[0] != '\0' && i + 1 == count ? name : NULL;
                const char *function = found[i].function != NULL ? found[i].function : fallback;
                line->begins = line->begins || (function != NULL && is_beginning(function));
                line->signal = line->signal || (function != NULL && is_signal_return(function));
                if (!keep_frame(r, frame_by_symbols(r, &found[i], fallback))) {
                    return;
                }
            }
            line->count = (uint16_t)count;
            return;
        }
    }
    line->count = keep_frame(r, frame_by_name(r, frame, line->kernel, &line->begins, &line->signal)) ? 1 : 0;
}

/* ---- lines that are known ---- */

static uint64_t hash_line(const char *text, size_t length, uint32_t state, bool is_return)
{
    uint64_t hash = (uint64_t)state * 2 + is_return + length, word;
    for (; length >= sizeof(word); text += sizeof(word), length -= sizeof(word)) {
        memcpy(&word, text, sizeof(word));
        hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 29;
    }
    word = 0;
    memcpy(&word, text, length);
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 32;
}

static void forget_lines(struct reader *r)
{
    for (size_t i = 0; i < r->known_room; i++) {
        free(r->known[i].text);
    }
    free(r->known);
    r->known = NULL;
    r->known_room = r->known_count = 0;
    r->frame_count = 0;
}

/* The line's slot: its own, or the empty one where it belongs. NULL without memory. */
static struct known_line *find_line(struct reader *r, const char *text, size_t length, uint32_t state,
                                    bool is_return)
{
    if (r->known_count >= CACHE_MAX) {
        forget_lines(r);
    }
    if (2 * r->known_count >= r->known_room) {
        size_t room = r->known_room != 0 ? 2 * r->known_room : CACHE_FIRST;
        struct known_line *known = calloc(room, sizeof(*known));
        if (known == NULL) {
            r->error = -ENOMEM;
            return NULL;
        }
        for (size_t i = 0; i < r->known_room; i++) {
            if (r->known[i].text != NULL) {
                size_t at = r->known[i].hash & (room - 1);
                while (known[at].text != NULL) {
                    at = (at + 1) & (room - 1);
                }
                known[at] = r->known[i];
            }
        }
        free(r->known);
        r->known = known;
        r->known_room = room;
    }
    uint64_t hash = hash_line(text, length, state, is_return);
    size_t at = hash & (r->known_room - 1);
    for (; r->known[at].text != NULL; at = (at + 1) & (r->known_room - 1)) {
        struct known_line *line = &r->known[at];
        if (line->hash == hash && line->length == length && line->state == state &&
            line->is_return == is_return && memcmp(line->text, text, length) == 0) {
            return line;
        }
    }
    r->known[at] =
        (struct known_line){.hash = hash, .length = (uint32_t)length, .state = state, .is_return = is_return};
    return &r->known[at];
}

static void push(struct reader *r, uint32_t frame)
{
    if (r->depth < DEPTH_MAX) {
        r->stack[r->depth++] = frame;
    } else {
        r->too_deep = true;
    }
}

/* No user code is called from there: the kernel's half of the addresses, or the first page. */
static bool cannot_be_code(const struct tare__perf_frame *frame)
{
    return frame->symbol.length == 0 && (frame->ip >> 63 != 0 || frame->ip < 4096) &&
           frame->object.length == sizeof("[unknown]") - 1 &&
           memcmp(frame->object.text, "[unknown]", frame->object.length) == 0;
}

/* A frame's line of the open sample. False: it is none. */
static bool read_frame(struct reader *r, const char *text, size_t length)
{
    uint32_t state = r->reading->symbols != NULL && r->thread != NULL
                         ? tare__perf_process_state(&r->processes, r->thread->process)
                         : 0;
    /* From the kernel back to its caller, and out of a signal handler, execution goes on at the very address. */
    bool is_return = r->has_frame && !r->last_signal && !r->last_kernel;
    struct known_line *line = find_line(r, text, length, state, is_return);
    if (line == NULL) {
        return true;
    }
    if (line->text == NULL) {
        struct tare__perf_frame frame;
        if (!tare__perf_text_frame(text, &frame)) {
            return false;
        }
        if (frame.ip == UINT64_MAX || (is_return && cannot_be_code(&frame))) {
            /* Read beyond the copy of the stack, or what a register held that was no frame pointer. */
            r->began[1] = r->began[0];
            r->began[0] = false;
            return true;
        }
        struct known_line learned = *line;
        learn(r, &frame, &learned);
        if (frame.inlined) { /* what it lies in says more about it, and comes next */
            if (r->inlined_count < INLINED_MAX && learned.count == 1) {
                r->inlined[r->inlined_count++] = r->frames[learned.first];
            }
            r->frame_count = learned.first;
            return true;
        }
        learned.text = r->error == 0 ? malloc(length + 1) : NULL;
        if (learned.text == NULL) {
            r->error = -ENOMEM;
            return true;
        }
        memcpy(learned.text, text, length + 1);
        *line = learned;
        r->known_count++;
    }
    /* perf's inlined calls, unless we have found our own. */
    for (size_t i = 0; i < r->inlined_count && line->count == 1; i++) {
        struct tare_profile_frame made = r->profile->frames[r->inlined[i]];
        made.object = r->profile->frames[r->frames[line->first]].object;
        uint32_t number = tare_profile_frame(r->profile, &made);
        if (number == TARE_PROFILE_NONE) {
            r->error = -ENOMEM;
            return true;
        }
        push(r, number);
    }
    r->inlined_count = 0;
    for (uint16_t i = 0; i < line->count; i++) {
        push(r, r->frames[line->first + i]);
    }
    r->began[1] = r->has_frame && r->began[0];
    r->began[0] = line->begins;
    r->last_kernel = line->kernel;
    r->last_signal = line->signal;
    r->has_frame = true;
    return true;
}

/* "file.c:12" for the frame in front of it, where our own reading found none. */
static bool read_source(struct reader *r, const char *text)
{
    struct tare__perf_source source;
    if (!tare__perf_text_source(text, &source)) {
        return false;
    }
    if (r->depth == 0 || r->profile->frames[r->stack[r->depth - 1]].file != NULL) {
        return true;
    }
    struct tare_profile_frame made = r->profile->frames[r->stack[r->depth - 1]];
    char path[NAME_MAX_BYTES];
    if (source.file.length != 0) {
        copy(path, source.file);
        made.file = path;
        made.line = source.line;
    }
    made.inlined = made.inlined || source.inlined;
    uint32_t frame = tare_profile_frame(r->profile, &made);
    if (frame == TARE_PROFILE_NONE) {
        r->error = -ENOMEM;
    } else {
        r->stack[r->depth - 1] = frame;
    }
    return true;
}

/* ---- samples ---- */

static void see_time(struct reader *r, uint64_t time_ns)
{
    struct tare__perf_reading *reading = r->reading;
    if (time_ns == 0) { /* records that perf made up, of what was there before */
        return;
    }
    if (!reading->has_start || time_ns < reading->start_ns) {
        reading->start_ns = time_ns;
    }
    if (!reading->has_start || time_ns > reading->end_ns) {
        reading->end_ns = time_ns;
    }
    reading->has_start = true;
}

static void add_sample(struct reader *r, struct tare__perf_thread *thread, uint64_t time_ns, uint64_t weight,
                       uint32_t node, uint32_t flags)
{
    struct tare_profile_sample sample = {
        .time_ns = time_ns != 0 ? (double)time_ns : NAN,
        .weight = weight,
        .node = node,
        .thread = thread != NULL ? thread->number : TARE_PROFILE_NONE,
        .timer = TARE_PROFILE_NONE,
        .flags = flags,
    };
    uint64_t *sum = &r->events[flags >> EVENT_SHIFT].weight_sum;
    if (__builtin_add_overflow(*sum, weight, sum) || *sum > INT64_MAX) {
        *sum -= weight; /* no such sum can be said: a period that is none */
        r->reading->first_damaged_line =
            r->reading->damaged == 0 ? r->lines.number : r->reading->first_damaged_line;
        r->reading->damaged++;
        return;
    }
    int error = tare_profile_add(r->profile, &sample);
    r->error = r->error != 0 ? r->error : error;
}

static void close_sample(struct reader *r)
{
    if (!r->open) {
        return;
    }
    r->open = false;
    if (r->reading->from_exec && r->reading->exec_ns == 0) {
        return;
    }
    for (size_t i = 0; i < r->inlined_count; i++) { /* of a stack that was cut */
        push(r, r->inlined[i]);
    }
    uint32_t node = TARE_PROFILE_NONE;
    for (size_t i = r->depth; i-- > 0;) {
        node = tare_profile_node(r->profile, node, r->stack[i]);
        if (node == TARE_PROFILE_NONE) {
            r->error = -ENOMEM;
            return;
        }
    }
    bool complete = r->began[0] || r->began[1] || r->last_kernel || r->depth == 0;
    r->reading->too_deep += r->too_deep;
    uint32_t flags = r->too_deep || (r->reading->stacks_complete && !complete) ? TARE_SAMPLE_TRUNCATED : 0;
    flags |= r->event << EVENT_SHIFT;
    if (r->reading->off_cpu) {
        if (r->thread != NULL) {
            r->thread->waits = true;
            r->thread->node = node;
            r->thread->since_ns = r->time_ns;
            r->thread->flags = flags;
        }
    } else {
        add_sample(r, r->thread, r->time_ns, r->period, node, flags);
    }
}

/* "cycles:u" -> "cycles"; tracepoints ("sched:sched_switch") and what is in slashes stay as they are. */
static char *event_name(struct tare__words event)
{
    size_t length = event.length;
    const char *colon = memrchr(event.text, ':', length);
    if (colon != NULL) {
        size_t behind = length - (size_t)(colon - event.text) - 1;
        size_t modifiers = 0;
        while (modifiers < behind && strchr("ukhpPSDGHIWeb", colon[1 + modifiers]) != NULL) {
            modifiers++;
        }
        length = modifiers == behind ? (size_t)(colon - event.text) : length;
    }
    return strndup(event.text, length);
}

/* The number of that event; one without a name is the first. EVENTS_MAX: there are too many, or no memory. */
static uint32_t event_of(struct reader *r, struct tare__words name)
{
    for (uint32_t i = 0; i < r->event_count && name.length != 0; i++) {
        if (r->events[i].name != NULL && equal(name, r->events[i].name)) {
            return i;
        }
    }
    bool named = r->event_count != 0 && r->events[0].name != NULL;
    uint32_t number = name.length != 0 && named ? r->event_count : 0;
    if (number < EVENTS_MAX && name.length != 0) {
        r->events[number].name = strndup(name.text, name.length);
        if (r->events[number].name == NULL) {
            r->error = -ENOMEM;
            return EVENTS_MAX;
        }
    }
    r->event_count = number < r->event_count || number == EVENTS_MAX ? r->event_count : number + 1;
    return number;
}

static bool open_sample(struct reader *r, const struct tare__perf_head *head)
{
    close_sample(r);
    uint32_t event = event_of(r, head->event);
    r->passing = event == EVENTS_MAX;
    if (r->passing) {
        r->reading->others++;
        return true;
    }
    r->event = event;
    r->events[event].samples++;
    r->thread = tare__perf_thread(&r->processes, r->profile, head->pid, head->tid, head->command.text,
                                  head->command.length);
    if (r->thread == NULL && head->tid >= 0) {
        r->error = -ENOMEM;
    }
    r->open = true;
    r->time_ns = head->has_time ? head->time_ns : 0;
    r->period = head->has_period ? head->period : 1;
    r->reading->has_periods = head->has_period;
    r->depth = r->inlined_count = 0;
    r->too_deep = r->last_kernel = r->last_signal = r->has_frame = false;
    r->began[0] = r->began[1] = false;
    see_time(r, r->time_ns);
    /* Without a stack the address stands in the same line, padded as it is in a line of its own. */
    const char *rest = head->rest.text;
    size_t blanks = head->rest.length != 0 ? strspn(rest, " \t") : 0;
    size_t digits = head->rest.length != 0 ? strspn(rest + blanks, "0123456789abcdef") : 0;
    if (digits != 0 && blanks + digits >= 16 &&
        (rest[blanks + digits] == ' ' || rest[blanks + digits] == '\0')) {
        read_frame(r, rest, head->rest.length);
        close_sample(r);
    }
    return true;
}

/* ---- records ---- */

static void take_map(struct reader *r, const struct tare__perf_record *record)
{
    char path[NAME_MAX_BYTES], build_id[128];
    if (record->pid < 0 || record->path.length == 0 || record->path.length >= sizeof(path)) {
        return; /* the kernel's */
    }
    copy(path, record->path);
    bool has_id = record->build_id.length != 0 && record->build_id.length < sizeof(build_id);
    if (has_id) {
        memcpy(build_id, record->build_id.text, record->build_id.length);
        build_id[record->build_id.length] = '\0';
    }
    int error = 0;
    if (record->executable) {
        error = tare__perf_process_map(&r->processes, (uint32_t)record->pid, record->address, record->size,
                                       record->offset, path);
    }
    if (error == 0 && record->executable && r->reading->symbols != NULL) {
        error = tare_symbols_map(r->reading->symbols, (uint32_t)record->pid, record->address, record->size,
                                 record->offset, path, has_id ? build_id : NULL);
    }
    r->error = r->error != 0 ? r->error : error;
}

static void take_comm(struct reader *r, const struct tare__perf_record *record)
{
    if (record->pid < 0 || record->tid < 0) {
        return;
    }
    if (record->exec) {
        if (r->reading->exec_ns == 0 && record->head.has_time) {
            r->reading->exec_ns = record->head.time_ns;
        }
        tare__perf_process_exec(&r->processes, (uint32_t)record->pid);
        if (r->reading->symbols != NULL) {
            tare_symbols_exec(r->reading->symbols, (uint32_t)record->pid);
        }
    }
    if (tare__perf_rename(&r->processes, r->profile, (uint32_t)record->pid, (uint32_t)record->tid,
                          record->name.text, record->name.length) != 0) {
        r->error = -ENOMEM;
    }
}

static void take_switch(struct reader *r, const struct tare__perf_record *record)
{
    if (!r->reading->off_cpu || record->head.tid < 0) {
        return;
    }
    struct tare__perf_thread *thread =
        tare__perf_thread(&r->processes, r->profile, record->head.pid, record->head.tid, NULL, 0);
    if (thread == NULL) {
        r->error = -ENOMEM;
    } else if (!record->in) {
        thread->waits = thread->waits && !record->preempted; /* then it wanted to run */
    } else if (thread->waits) {
        thread->waits = false;
        if (record->head.time_ns > thread->since_ns) {
            add_sample(r, thread, thread->since_ns, record->head.time_ns - thread->since_ns, thread->node,
                       thread->flags);
        }
    }
}

static void take_record(struct reader *r, const struct tare__perf_record *record)
{
    int error = 0;
    close_sample(r);
    r->reading->has_records = true;
    if (record->head.has_time) {
        see_time(r, record->head.time_ns);
    }
    switch (record->kind) {
    case TARE__PERF_RECORD_MAP:
        take_map(r, record);
        break;
    case TARE__PERF_RECORD_COMM:
        take_comm(r, record);
        break;
    case TARE__PERF_RECORD_FORK:
        if (record->pid >= 0 && record->parent_pid >= 0) {
            error = tare__perf_fork(&r->processes, (uint32_t)record->parent_pid, (uint32_t)record->pid,
                                    (uint32_t)record->tid);
        }
        if (error == 0 && record->pid >= 0 && record->parent_pid >= 0 && record->pid != record->parent_pid &&
            r->reading->symbols != NULL) {
            error = tare_symbols_fork(r->reading->symbols, (uint32_t)record->parent_pid, (uint32_t)record->pid);
        }
        break;
    case TARE__PERF_RECORD_EXIT:
        tare__perf_exit(&r->processes, (uint32_t)record->tid);
        if (record->head.has_time) {
            r->reading->exit_ns = record->head.time_ns;
        }
        break;
    case TARE__PERF_RECORD_LOST:
        if (__builtin_add_overflow(r->reading->lost, record->lost, &r->reading->lost)) {
            r->reading->lost = INT64_MAX;
        }
        break;
    case TARE__PERF_RECORD_SWITCH:
        take_switch(r, record);
        break;
    case TARE__PERF_RECORD_OTHER:
        break;
    }
    r->error = r->error != 0 ? r->error : error;
}

/* ---- the header: # lines of `perf script --header` ---- */

/* "perf record -F 99 -- ./a b": words, which perf prints without quotes. */
static int take_command(struct tare_profile *profile, const char *line)
{
    size_t count = 0, words = 1;
    for (const char *p = line; *p != '\0'; p++) {
        words += *p == ' ';
    }
    profile->recorder = calloc(words + 1, sizeof(*profile->recorder));
    for (const char *p = line; profile->recorder != NULL && *(p += strspn(p, " ")) != '\0';
         p += strcspn(p, " ")) {
        profile->recorder[count] = strndup(p, strcspn(p, " "));
        if (profile->recorder[count++] == NULL) {
            return -ENOMEM;
        }
    }
    return profile->recorder != NULL ? 0 : -ENOMEM;
}

static void take_header(struct reader *r, const char *line)
{
    static const char command[] = "# cmdline : ", frequency[] = "{ sample_period, sample_freq } = ";
    const char *found;
    char *end;
    if (strncmp(line, command, sizeof(command) - 1) == 0 && r->profile->recorder == NULL) {
        int error = take_command(r->profile, line + sizeof(command) - 1);
        r->error = r->error != 0 ? r->error : error;
    } else if (strncmp(line, "# event : ", 10) == 0 && isnan(r->profile->frequency_hz) &&
               strstr(line, " freq = 1,") != NULL && (found = strstr(line, frequency)) != NULL) {
        unsigned long value = strtoul(found + sizeof(frequency) - 1, &end, 10);
        if (value > 0 && value <= UINT32_MAX && *end == ',') {
            r->profile->frequency_hz = (double)value;
        }
    }
}

/* ---- the whole ---- */

static bool read_line(struct reader *r, const char *line, size_t length)
{
    struct tare__perf_record record;
    struct tare__perf_head head;
    if (length == 0) {
        close_sample(r);
        return true;
    }
    if (line[0] == '#') {
        close_sample(r);
        take_header(r, line);
        return true;
    }
    if (r->open && (line[0] == '\t' || line[0] == ' ') &&
        (read_frame(r, line, length) || read_source(r, line))) {
        return true;
    }
    if (r->passing && (line[0] == '\t' || line[0] == ' ')) {
        struct tare__perf_frame frame;
        struct tare__perf_source source;
        if (tare__perf_text_frame(line, &frame) || tare__perf_text_source(line, &source)) {
            return true;
        }
    }
    /* A record comes without a blank line behind it, a name may say "PERF_RECORD_" and is no record then. */
    if (strstr(line, "PERF_RECORD_") != NULL && tare__perf_text_record(line, &record)) {
        take_record(r, &record);
        return true;
    }
    return tare__perf_text_head(line, &head) && open_sample(r, &head);
}

/* Threads that wait at the end of the recording have waited so far; those that have ended do not. */
static void end_waits(struct reader *r)
{
    for (size_t i = 0; i < r->processes.thread_count; i++) {
        struct tare__perf_thread *thread = &r->processes.threads[i];
        if (thread->waits && !thread->exited && r->reading->end_ns > thread->since_ns) {
            add_sample(r, thread, thread->since_ns, r->reading->end_ns - thread->since_ns, thread->node,
                       thread->flags);
        }
    }
}

/* Leaves the samples of one event in the profile, and their flags as they are to be. */
static void keep_event(struct reader *r, uint32_t event)
{
    struct tare_profile *profile = r->profile;
    size_t count = profile->sample_count;
    profile->sample_count = 0;
    profile->truncated = profile->unknown = 0;
    for (size_t i = 0; i < count && r->error == 0; i++) {
        struct tare_profile_sample sample = profile->samples[i];
        if (sample.flags >> EVENT_SHIFT == event) {
            sample.flags &= (1u << EVENT_SHIFT) - 1;
            r->error = tare_profile_add(profile, &sample); /* in front of what is still to be looked at */
        }
    }
}

/* Chooses the event that has the most samples, and counts the others'. */
static const struct event *choose_event(struct reader *r)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < r->event_count; i++) {
        best = r->events[i].samples > r->events[best].samples ? i : best;
    }
    r->reading->samples = r->events[best].samples;
    for (uint32_t i = 0; i < r->event_count; i++) {
        r->reading->others += i != best ? r->events[i].samples : 0;
    }
    if (r->event_count > 1) {
        keep_event(r, best);
        r->profile->frequency_hz = NAN; /* the header's may be another event's */
    }
    return &r->events[best];
}

/* Times from the start, and what follows from all samples. */
static void finish(struct reader *r)
{
    struct tare_profile *profile = r->profile;
    struct tare__perf_reading *reading = r->reading;
    if (reading->off_cpu) {
        end_waits(r);
    }
    const struct event *event = choose_event(r);
    for (size_t i = 0; i < profile->sample_count; i++) {
        profile->samples[i].time_ns -= (double)reading->start_ns; /* exact: below 2^53 ns are 104 days */
    }
    char *name =
        event->name != NULL ? event_name((struct tare__words){event->name, strlen(event->name)}) : NULL;
    if (event->name != NULL && name == NULL) {
        r->error = -ENOMEM;
        return;
    }
    bool clock = name != NULL && (strcmp(name, "cpu-clock") == 0 || strcmp(name, "task-clock") == 0);
    const char *unit = reading->off_cpu || (clock && reading->has_periods) ? "ns"
                       : name != NULL && reading->has_periods              ? name
                                                                           : "samples";
    profile->unit = strdup(unit);
    profile->event = reading->off_cpu ? strdup("off-cpu") : name != NULL ? strdup(name) : strdup("unknown");
    r->error = profile->unit != NULL && profile->event != NULL ? r->error : -ENOMEM;
    profile->off_cpu = reading->off_cpu;
    if (reading->has_start) {
        profile->wall_ns = (double)(reading->end_ns - reading->start_ns);
    }
    if (clock && reading->has_periods && profile->sample_count != 0) {
        profile->interval_ns = (double)event->weight_sum / (double)profile->sample_count;
    }
    free(name);
}

int tare__perf_script_parse(FILE *in, struct tare__perf_reading *reading, struct tare_profile *profile,
                            char *message, size_t message_size)
{
    struct reader *r = calloc(1, sizeof(*r));
    int error = r != NULL ? tare__lines_begin(&r->lines, in) : -ENOMEM;
    if (error != 0) {
        free(r);
        snprintf(message, message_size, "out of memory");
        return error;
    }
    r->reading = reading;
    r->profile = profile;
    size_t length;
    for (char *line; r->error == 0 && (line = tare__lines_next(&r->lines, &length)) != NULL;) {
        if (r->lines.damaged || !read_line(r, line, length)) {
            reading->first_damaged_line = reading->damaged == 0 ? r->lines.number : reading->first_damaged_line;
            reading->damaged++;
        }
    }
    close_sample(r);
    finish(r);
    error = r->error;
    if (error != 0) {
        snprintf(message, message_size, "out of memory");
    } else if (ferror(in)) {
        error = -EIO;
        snprintf(message, message_size, "cannot read what perf printed: %s", strerror(EIO));
    } else if (reading->samples == 0 && !reading->has_records && reading->damaged != 0) {
        error = -EBADMSG;
        snprintf(message, message_size, "line %llu is none that 'perf script' prints",
                 (unsigned long long)reading->first_damaged_line);
    } else if (reading->samples == 0 && !reading->has_records) {
        error = -EBADMSG;
        snprintf(message, message_size, "no samples of 'perf script' in it");
    }
    forget_lines(r);
    free(r->frames);
    for (uint32_t i = 0; i < r->event_count; i++) {
        free(r->events[i].name);
    }
    tare__perf_processes_release(&r->processes);
    tare__lines_end(&r->lines);
    free(r);
    return error;
}

void tare__perf_script_caution(const struct tare__perf_reading *reading, char *message, size_t message_size)
{
    size_t used = 0;
    message[0] = '\0';
    if (reading->others != 0) {
        int written = snprintf(message, message_size, "%llu samples of other events are left out",
                               (unsigned long long)reading->others);
        used = written > 0 && (size_t)written < message_size ? (size_t)written : 0;
    }
    if (reading->damaged != 0) {
        int written = snprintf(
            message + used, message_size - used, "%s%llu line%s not understood, the first of them line %llu",
            used != 0 ? "; " : "", (unsigned long long)reading->damaged,
            reading->damaged == 1 ? " was" : "s were", (unsigned long long)reading->first_damaged_line);
        used += written > 0 && (size_t)written < message_size - used ? (size_t)written : 0;
    }
    if (reading->too_deep != 0) {
        snprintf(message + used, message_size - used, "%s%llu stack%s deeper than %d calls, and cut there",
                 used != 0 ? "; " : "", (unsigned long long)reading->too_deep,
                 reading->too_deep == 1 ? " is" : "s are", (int)DEPTH_MAX);
    }
}
