/* SPDX-License-Identifier: MIT */
#include "tests/unit/export_profiles.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/sample_result.h"

#define TEN_NAMES "0123456789abcdefghijklmnopqrstuvwxyz"
#define LONG_NAME                                                                                              \
    TEN_NAMES TEN_NAMES TEN_NAMES TEN_NAMES TEN_NAMES TEN_NAMES TEN_NAMES TEN_NAMES TEN_NAMES TEN_NAMES

const char *const export_hostile_names[] = {
    "say \"hello\" \\ and \\u0041",
    "semi;colon;<T; 4>",
    "line\nfeed\r\ttab\x01\x1f\x7f",
    "bad\xff\xc0\xaf utf\xed\xa0\x80",
    "</script><script>alert(1)</script><!--",
    "na\xc3\xafve::\xe2\x82\xac<\xf0\x9f\x94\xa5>",
    "ends with a number 42",
    "Profile", /* the name of one of Chrome's own events */
    "__proto__",
    "# a comment",
    " ",
    LONG_NAME LONG_NAME LONG_NAME LONG_NAME,
    NULL,
};

static struct tare_result *new_result(void)
{
    struct tare_result *result = tare_result_new();
    if (result == NULL) {
        abort();
    }
    free(result->kind);
    free(result->tare_version);
    free(result->started);
    result->kind = sample_string("profile");
    result->tare_version = sample_string("1.2.3");
    result->started = sample_string("2026-11-21T14:30:00Z");
    if (result->profile == NULL) {
        result->profile = tare_profile_new();
    }
    if (result->profile == NULL) {
        abort();
    }
    return result;
}

static uint32_t function(struct tare_profile *p, uint32_t object, const char *name, const char *file,
                         uint32_t line)
{
    const struct tare_profile_frame frame = {
        .function = (char *)name,
        .object = object,
        .file = (char *)file,
        .line = line,
        .function_line = line > 3 ? line - 3 : 0,
    };
    return tare_profile_frame(p, &frame);
}

/* Frames from the outermost to the innermost; ends with TARE_PROFILE_NONE. */
static uint32_t stack(struct tare_profile *p, ...)
{
    va_list frames;
    uint32_t node = TARE_PROFILE_NONE;
    va_start(frames, p);
    for (uint32_t frame; (frame = va_arg(frames, uint32_t)) != TARE_PROFILE_NONE;) {
        node = tare_profile_node(p, node, frame);
    }
    va_end(frames);
    return node;
}

static void add(struct tare_profile *p, double time_ns, uint64_t weight, uint32_t node, uint32_t thread)
{
    const struct tare_profile_sample sample = {
        .time_ns = time_ns,
        .weight = weight,
        .node = node,
        .thread = thread,
        .timer = TARE_PROFILE_NONE,
    };
    if (tare_profile_add(p, &sample) != 0) {
        abort();
    }
}

static uint32_t named_thread(struct tare_profile *p, uint32_t process, uint32_t tid, const char *name)
{
    uint32_t thread = tare_profile_thread(p, process, tid);
    p->threads[thread].name = sample_string(name);
    return thread;
}

struct tare_result *export_profile_small(void)
{
    struct tare_result *result = new_result();
    struct tare_profile *p = result->profile;
    p->mode = sample_string("built-in");
    p->reason = sample_string("perf is not installed");
    p->event = sample_string("cpu-clock");
    p->unit = sample_string("ns");
    p->frequency_hz = 100;
    p->interval_ns = 1e7;
    p->wall_ns = 1.5e8;
    p->lost = 3;
    uint32_t libc = tare_profile_object(p, "/usr/lib/libc.so.6", "00112233445566778899aabbccddeeff00112233",
                                        TARE_OBJECT_FILE);
    uint32_t sort = tare_profile_object(p, "/usr/bin/sort", "abcd", TARE_OBJECT_FILE);
    uint32_t kernel = tare_profile_object(p, "[kernel]", NULL, TARE_OBJECT_KERNEL);
    uint32_t jit = tare_profile_object(p, "[jit]", NULL, TARE_OBJECT_JIT);
    p->objects[libc].flags |= TARE_OBJECT_NO_SYMBOLS | TARE_OBJECT_NO_DEBUG;
    uint32_t main_ = function(p, sort, "main", "sort.c", 100);
    uint32_t sort_all = function(p, sort, "sort_all", "sort.c", 50);
    uint32_t sort_all_2 = function(p, sort, "sort_all", "sort.c", 52); /* another line of it */
    uint32_t compare = function(p, sort, "compare(char const*, char const*)", "compare.c", 10);
    uint32_t read_all = function(p, sort, "read_all", NULL, 0);
    uint32_t start = function(p, libc, "start", NULL, 0);
    const struct tare_profile_frame swap_frame = {.function = (char *)"swap",
                                                  .object = sort,
                                                  .file = (char *)"swap.h",
                                                  .line = 7,
                                                  .function_line = 5,
                                                  .inlined = true};
    const struct tare_profile_frame read_frame = {
        .function = (char *)"sys_read", .object = kernel, .kernel = true};
    const struct tare_profile_frame unknown_frame = {.object = libc, .address = 0x1234};
    const struct tare_profile_frame jit_frame = {.object = jit, .address = 0x7f0000001000};
    uint32_t swap = tare_profile_frame(p, &swap_frame), sys_read = tare_profile_frame(p, &read_frame);
    uint32_t unknown = tare_profile_frame(p, &unknown_frame), jitted = tare_profile_frame(p, &jit_frame);

    uint32_t first = tare_profile_process(p, 100), second = tare_profile_process(p, 200);
    p->processes[first].command = sample_string("sort");
    p->processes[second].command = sample_string("sort");
    uint32_t t100 = named_thread(p, first, 100, "worker"), t101 = named_thread(p, first, 101, "worker");
    uint32_t t200 = named_thread(p, second, 200, "worker");
    uint32_t timer = tare_profile_timer(p, "sorting", "sort");
    p->by_timer = true;

    const uint64_t weight = 10000000;
    const uint32_t none = TARE_PROFILE_NONE;
    uint32_t comparing = stack(p, main_, sort_all, compare, none);
    add(p, 5e6, weight, none, none);
    p->samples[0].flags = TARE_SAMPLE_TRUNCATED;
    p->truncated = 1;
    add(p, 1e7, weight, comparing, t100);
    p->samples[1].timer = timer;
    add(p, 1e7, weight, comparing, t200);
    add(p, 1.5e7, weight, stack(p, start, unknown, none), t101);
    add(p, 2e7, weight, comparing, t100);
    p->samples[4].timer = timer;
    add(p, 2e7, weight, stack(p, main_, jitted, none), t200);
    add(p, 3e7, weight, stack(p, main_, sort_all_2, swap, none), t100);
    add(p, 1e8, weight, stack(p, main_, read_all, sys_read, none), t100);
    return result;
}

struct tare_result *export_profile_hostile(void)
{
    struct tare_result *result = new_result();
    struct tare_profile *p = result->profile;
    p->mode = sample_string("fp\n\"\xff");
    p->reason = sample_string("because \\ \"of\" \x02\xfe");
    p->event = sample_string("cpu-clock");
    p->unit = sample_string("ns");
    uint32_t object = tare_profile_object(
        p, "/tmp/\"a\\b\xff\n", "not hex; at all, but longer than thirty-two bytes", TARE_OBJECT_FILE);
    uint32_t process = tare_profile_process(p, 1);
    p->processes[process].command = sample_string("\"quoted\" \\ \xff\x01 </script>");
    uint32_t thread = named_thread(p, process, 1, "tab\t\xc3 end");
    for (size_t i = 0; export_hostile_names[i] != NULL; i++) {
        uint32_t frame = function(p, object, export_hostile_names[i], "/src/\"x\"\\\xff.c", 12);
        add(p, (double)(i + 1) * 1e6, 1000000, stack(p, frame, TARE_PROFILE_NONE), thread);
    }
    return result;
}

struct tare_result *export_profile_empty(void)
{
    return new_result();
}

struct tare_result *export_profile_folded(void)
{
    struct tare_result *result = new_result();
    struct tare_profile *p = result->profile;
    p->mode = sample_string("folded");
    p->unit = sample_string("samples");
    p->lost = TARE_PROFILE_UNKNOWN;
    p->truncated = TARE_PROFILE_UNKNOWN;
    const uint32_t none = TARE_PROFILE_NONE;
    uint32_t a = function(p, none, "a", NULL, 0), b = function(p, none, "b", NULL, 0);
    uint32_t c = function(p, none, "c", NULL, 0);
    add(p, NAN, 12, stack(p, a, b, c, none), none);
    add(p, NAN, 30, stack(p, a, b, none), none);
    add(p, NAN, 0, stack(p, c, none), none);
    add(p, NAN, 5, stack(p, a, a, a, none), none);
    return result;
}

struct tare_result *export_profile_heavy(void)
{
    struct tare_result *result = new_result();
    struct tare_profile *p = result->profile;
    p->mode = sample_string("lbr");
    p->event = sample_string("cycles");
    p->unit = sample_string("cycles");
    uint32_t thread = tare_profile_thread(p, tare_profile_process(p, 7), 7);
    uint32_t a = function(p, TARE_PROFILE_NONE, "a", NULL, 0), b = function(p, TARE_PROFILE_NONE, "b", NULL, 0);
    add(p, 1e6, (UINT64_C(1) << 53) + 1, stack(p, a, TARE_PROFILE_NONE), thread);
    add(p, 2e6, UINT64_MAX, stack(p, a, b, TARE_PROFILE_NONE), thread);
    add(p, 3e6, UINT64_MAX, stack(p, a, b, TARE_PROFILE_NONE), thread);
    return result;
}

struct tare_result *export_profile_recursive(void)
{
    struct tare_result *result = new_result();
    struct tare_profile *p = result->profile;
    p->mode = sample_string("fp");
    p->event = sample_string("cpu-clock");
    p->unit = sample_string("ns");
    const uint32_t none = TARE_PROFILE_NONE;
    uint32_t thread = tare_profile_thread(p, tare_profile_process(p, 7), 7);
    uint32_t main_ = function(p, none, "main", NULL, 0), f = function(p, none, "f", NULL, 0);
    uint32_t g = function(p, none, "g", NULL, 0);
    const uint32_t stacks[] = {
        stack(p, main_, g, f, none), stack(p, main_, f, none),       stack(p, main_, f, f, f, none),
        stack(p, main_, f, none),    stack(p, main_, g, f, g, none), stack(p, main_, f, g, none),
        stack(p, f, f, none),        stack(p, main_, g, g, f, none), stack(p, g, none),
    };
    for (uint32_t i = 0; i < 27; i++) {
        add(p, (i + 1) * 1e6, i % 9 == 5 ? 1 : 1000000, stacks[(i * 5 + i / 9) % 9], thread);
    }
    return result;
}

struct tare_result *export_profile_large(uint32_t count)
{
    enum { THREADS = 4, DEPTH = 30, FUNCTIONS = 500 };
    struct tare_result *result = new_result();
    struct tare_profile *p = result->profile;
    p->mode = sample_string("dwarf");
    p->event = sample_string("cpu-clock");
    p->unit = sample_string("ns");
    uint32_t object =
        tare_profile_object(p, "/usr/bin/large", "0123456789abcdef0123456789abcdef01234567", TARE_OBJECT_FILE);
    uint32_t functions[FUNCTIONS], threads[THREADS];
    for (uint32_t i = 0; i < FUNCTIONS; i++) {
        char name[80];
        snprintf(name, sizeof name, "large::module_%u::function_with_a_usual_name_%u(int, char const*)", i % 7,
                 i);
        functions[i] = function(p, object, name, "large.cpp", i + 10);
    }
    uint32_t process = tare_profile_process(p, 4000);
    for (uint32_t i = 0; i < THREADS; i++) {
        threads[i] = tare_profile_thread(p, process, 4000 + i);
    }
    uint64_t random = 88172645463325252ULL; /* xorshift64 (G. Marsaglia, J. Stat. Soft. 8 (2003) 14) */
    for (uint32_t i = 0; i < count; i++) {
        uint32_t node = TARE_PROFILE_NONE;
        for (uint32_t depth = 0; depth < DEPTH; depth++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            /* Outer calls vary less than inner ones, as they do in programs. */
            uint32_t choices = depth < DEPTH / 2 ? 1 : depth < DEPTH - 5 ? 2 : 10;
            node = tare_profile_node(p, node, functions[(depth * 16 + random % choices) % FUNCTIONS]);
        }
        add(p, (double)(i / THREADS + 1) * 1e6, 1000000, node, threads[i % THREADS]);
    }
    return result;
}
