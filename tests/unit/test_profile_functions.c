/* SPDX-License-Identifier: MIT */
/*
 * A profile by functions: against a count that goes over every stack by itself, with recursion, inlined calls
 * and unnamed code; the intervals against Wilson's formula as Python 3.11 works it out (statistics.NormalDist).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "result/profile_functions.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NONE TARE_PROFILE_NONE

/*
 * Adds `count` samples of the stack "main;serve;sort:12", outermost first; a number is the line. "" is no
 * stack.
 */
static void add_stack(struct tare_profile *p, const char *stack, uint64_t weight, int count, uint32_t timer)
{
    char *copy = strdup(stack), *rest = copy;
    uint32_t node = NONE;
    for (char *name = strsep(&rest, ";"); name != NULL && *name != '\0'; name = strsep(&rest, ";")) {
        char *line = strchr(name, ':'), file[] = "a.c";
        if (line != NULL) {
            *line++ = '\0';
        }
        struct tare_profile_frame frame = {.function = name,
                                           .object = NONE,
                                           .file = line != NULL ? file : NULL,
                                           .line = line != NULL ? (uint32_t)atoi(line) : 0};
        uint32_t number = tare_profile_frame(p, &frame);
        assert_int_not_equal(number, NONE);
        node = tare_profile_node(p, node, number);
        assert_int_not_equal(node, NONE);
    }
    const struct tare_profile_sample sample = {NAN, weight, node, NONE, timer, 0};
    for (int i = 0; i < count; i++) {
        assert_int_equal(tare_profile_add(p, &sample), 0);
    }
    free(copy);
}

static uint32_t number_of(const struct tare_profile_functions *functions, const char *name)
{
    for (uint32_t i = 0; i < functions->count; i++) {
        if (strcmp(functions->functions[i].name, name) == 0) {
            return i;
        }
    }
    fail_msg("no function %s", name);
    return NONE;
}

static void expect(const struct tare_profile_functions *functions, const char *name, uint64_t self,
                   uint64_t total)
{
    const struct tare_profile_function *function = &functions->functions[number_of(functions, name)];
    if (function->self != self || function->total != total) {
        fail_msg("%s: self %llu and total %llu, not %llu and %llu", name, (unsigned long long)function->self,
                 (unsigned long long)function->total, (unsigned long long)self, (unsigned long long)total);
    }
}

static void self_and_total_are_told_apart(void **state)
{
    (void)state;
    struct tare_profile *p = tare_profile_new();
    struct tare_profile_functions functions;
    add_stack(p, "main;serve;sort", 10, 3, NONE);
    add_stack(p, "main;serve", 10, 1, NONE);
    add_stack(p, "main;log;sort", 10, 1, NONE);
    add_stack(p, "", 10, 5, NONE);
    assert_int_equal(tare_profile_functions_make(p, NULL, &functions), 0);
    assert_int_equal(functions.count, 4);
    assert_int_equal(functions.samples, 10);
    assert_int_equal(functions.weight, 100);
    assert_int_equal(functions.no_stack, 50);
    expect(&functions, "main", 0, 50);
    expect(&functions, "serve", 10, 40);
    expect(&functions, "sort", 40, 40);
    expect(&functions, "log", 0, 10);
    /* By self, then by total, then by name. */
    static const char *const order[] = {"sort", "serve", "main", "log"};
    for (size_t i = 0; i < COUNT(order); i++) {
        assert_string_equal(functions.functions[i].name, order[i]);
    }
    assert_true(fabs(functions.functions[0].self_share - 0.4) < 1e-12);
    assert_int_equal(functions.functions[0].self_samples, 4);
    for (uint32_t i = 0; i < p->frame_count; i++) {
        assert_string_equal(functions.functions[functions.of_frame[i]].name, p->frames[i].function);
    }
    tare_profile_functions_release(&functions);
    tare_profile_free(p);
}

/* Waits end in the kernel: who waited is asked. A name with a '!' is the kernel's. */
static void waits_belong_to_who_waits(void **state)
{
    (void)state;
    for (int off_cpu = 0; off_cpu < 2; off_cpu++) {
        struct tare_profile *p = tare_profile_new();
        struct tare_profile_functions functions;
        p->off_cpu = off_cpu != 0;
        add_stack(p, "main;sleep;!nanosleep;!schedule", 10, 3, NONE);
        add_stack(p, "main;read;!schedule", 10, 1, NONE);
        add_stack(p, "main", 10, 1, NONE);
        add_stack(p, "!worker;!schedule", 10, 2, NONE); /* a thread of the kernel */
        for (size_t i = 0; i < p->frame_count; i++) {
            p->frames[i].kernel = p->frames[i].function[0] == '!';
        }
        assert_int_equal(tare_profile_functions_make(p, NULL, &functions), 0);
        expect(&functions, "sleep", off_cpu ? 30 : 0, 30);
        expect(&functions, "read", off_cpu ? 10 : 0, 10);
        expect(&functions, "main", 10, 50);
        expect(&functions, "!nanosleep", 0, 30);
        expect(&functions, "!schedule", off_cpu ? 20 : 60, 60);
        assert_int_equal(functions.functions[number_of(&functions, "sleep")].self_samples, off_cpu ? 3 : 0);
        tare_profile_functions_release(&functions);
        tare_profile_free(p);
    }
}

static void the_heaviest_samples_are_counted(void **state)
{
    (void)state;
    struct tare_profile *p = tare_profile_new();
    struct tare_profile_functions functions;
    add_stack(p, "main;wait", 1000, 3, NONE);
    add_stack(p, "main", 1, 500, NONE);
    assert_int_equal(tare_profile_functions_make(p, NULL, &functions), 0);
    assert_int_equal(functions.heaviest, 2);
    assert_int_equal(functions.heaviest_weight, 2000);
    tare_profile_functions_release(&functions);
    tare_profile_free(p);
}

static void recursion_counts_once(void **state)
{
    (void)state;
    struct tare_profile *p = tare_profile_new();
    struct tare_profile_functions functions;
    struct tare_profile_edge *edges;
    size_t count;
    add_stack(p, "main;a;b;a;b;a", 1, 7, NONE);
    add_stack(p, "main;a;b", 1, 2, NONE);
    add_stack(p, "a", 1, 1, NONE);
    assert_int_equal(tare_profile_functions_make(p, NULL, &functions), 0);
    expect(&functions, "main", 0, 9);
    expect(&functions, "a", 8, 10);
    expect(&functions, "b", 2, 9);

    /* a is called by main (9 samples), by b (7) and by nobody (1); each call counts once in a stack. */
    assert_int_equal(tare_profile_edges(p, NULL, &functions, number_of(&functions, "a"), true, &edges, &count),
                     0);
    assert_int_equal(count, 3);
    assert_string_equal(functions.functions[edges[0].function].name, "main");
    assert_int_equal(edges[0].weight, 9);
    assert_string_equal(functions.functions[edges[1].function].name, "b");
    assert_int_equal(edges[1].weight, 7);
    assert_int_equal(edges[2].function, NONE);
    assert_int_equal(edges[2].samples, 1);
    free(edges);
    assert_int_equal(tare_profile_edges(p, NULL, &functions, number_of(&functions, "a"), false, &edges, &count),
                     0);
    assert_int_equal(count, 1);
    assert_int_equal(edges[0].weight, 9);
    free(edges);
    /* A leaf calls nobody. */
    add_stack(p, "leaf", 1, 1, NONE);
    tare_profile_functions_release(&functions);
    assert_int_equal(tare_profile_functions_make(p, NULL, &functions), 0);
    assert_int_equal(
        tare_profile_edges(p, NULL, &functions, number_of(&functions, "leaf"), false, &edges, &count), 0);
    assert_int_equal(count, 0);
    free(edges);
    tare_profile_functions_release(&functions);
    tare_profile_free(p);
}

static void intervals_are_wilson_s(void **state)
{
    (void)state;
    static const struct {
        int hits, samples;
        double low, high;
    } cases[] = {
        {10, 100, 0.05522914, 0.17436566},
        {0, 10, 0.0, 0.27753280},
        {500, 1000, 0.46906960, 0.53093040},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tare_profile *p = tare_profile_new();
        struct tare_profile_functions functions;
        add_stack(p, "hit", 5, cases[i].hits, NONE);
        add_stack(p, "other", 5, cases[i].samples - cases[i].hits, NONE);
        assert_int_equal(tare_profile_functions_make(p, NULL, &functions), 0);
        double error = functions.functions[number_of(&functions, "hit")].self_error;
        double share = (double)cases[i].hits / cases[i].samples;
        assert_true(fabs(functions.effective - cases[i].samples) < 1e-9);
        assert_true(fabs(error - fmax(cases[i].high - share, share - cases[i].low)) < 1e-7);
        tare_profile_functions_release(&functions);
        tare_profile_free(p);
    }
}

static void weights_that_differ_make_fewer_samples(void **state)
{
    (void)state;
    struct tare_profile *p = tare_profile_new();
    struct tare_profile_functions functions;
    add_stack(p, "often", 1, 100, NONE);
    add_stack(p, "heavy", 100, 1, NONE);
    assert_int_equal(tare_profile_functions_make(p, NULL, &functions), 0);
    /* (100 + 100)^2 / (100 + 10000) */
    assert_true(fabs(functions.effective - 40000.0 / 10100.0) < 1e-9);
    assert_true(functions.functions[0].self_error > 0.3);
    tare_profile_functions_release(&functions);
    tare_profile_free(p);

    p = tare_profile_new();
    assert_int_equal(tare_profile_functions_make(p, NULL, &functions), 0);
    assert_int_equal(functions.count, 0);
    assert_true(functions.effective == 0);
    tare_profile_functions_release(&functions);
    add_stack(p, "nothing", 0, 3, NONE);
    assert_int_equal(tare_profile_functions_make(p, NULL, &functions), 0);
    assert_int_equal(functions.functions[0].total_samples, 3);
    assert_true(isnan(functions.functions[0].self_share) && isnan(functions.functions[0].self_error));
    tare_profile_functions_release(&functions);
    tare_profile_free(p);
}

static void names_are_of_an_object_and_unnamed_code_is_one(void **state)
{
    (void)state;
    struct tare_profile *p = tare_profile_new();
    struct tare_profile_functions functions;
    uint32_t libc = tare_profile_object(p, "/usr/lib/libc.so.6", NULL, TARE_OBJECT_FILE);
    uint32_t loader = tare_profile_object(p, "/usr/lib/ld.so", NULL, TARE_OBJECT_FILE);
    char name[] = "malloc", source[] = "malloc.c";
    const struct tare_profile_frame frames[] = {
        {.function = name, .object = libc, .file = source, .line = 7, .function_line = 3},
        {.function = name, .object = libc, .file = source, .line = 9, .function_line = 3, .inlined = true},
        {.function = name, .object = loader},
        {.object = libc, .address = 0x10},
        {.object = libc, .address = 0x20},
        {.object = NONE, .address = 0x20},
    };
    for (size_t i = 0; i < COUNT(frames); i++) {
        uint32_t node = tare_profile_node(p, NONE, tare_profile_frame(p, &frames[i]));
        const struct tare_profile_sample sample = {NAN, 1, node, NONE, NONE, 0};
        assert_int_equal(tare_profile_add(p, &sample), 0);
    }
    assert_int_equal(tare_profile_functions_make(p, NULL, &functions), 0);
    assert_int_equal(functions.count, 4);
    assert_int_equal(functions.of_frame[0], functions.of_frame[1]);
    assert_int_not_equal(functions.of_frame[0], functions.of_frame[2]);
    assert_int_equal(functions.of_frame[3], functions.of_frame[4]);
    expect(&functions, "[libc.so.6]", 2, 2);
    expect(&functions, "[unknown]", 1, 1);
    const struct tare_profile_function *ours = &functions.functions[functions.of_frame[0]];
    assert_string_equal(ours->file, "malloc.c");
    assert_int_equal(ours->line, 3);
    tare_profile_functions_release(&functions);
    tare_profile_free(p);
}

static void lines_have_what_they_call(void **state)
{
    (void)state;
    struct tare_profile *p = tare_profile_new();
    struct tare_profile_functions functions;
    struct tare_profile_line *lines;
    size_t count;
    add_stack(p, "main:50;work:10", 1, 2, NONE);
    add_stack(p, "main:50;work:12;inlined:3", 1, 3, NONE);
    add_stack(p, "main:51;work:12;work:10", 1, 4, NONE);
    add_stack(p, "main:51;work:12;work:12;work:12", 1, 5, NONE);
    add_stack(p, "main:51;work", 1, 1, NONE);
    assert_int_equal(tare_profile_functions_make(p, NULL, &functions), 0);
    assert_int_equal(tare_profile_lines(p, NULL, &functions, number_of(&functions, "work"), &lines, &count), 0);
    static const struct {
        uint32_t line;
        uint64_t self, total;
    } expected[] = {{10, 6, 6}, {12, 5, 12}, {0, 1, 1}};
    assert_int_equal(count, COUNT(expected));
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(lines[i].line, expected[i].line);
        assert_int_equal(lines[i].self, expected[i].self);
        assert_int_equal(lines[i].total, expected[i].total);
        assert_int_equal(lines[i].self_samples, expected[i].self);
    }
    assert_null(lines[2].file);
    free(lines);
    assert_int_equal(tare_profile_lines(p, NULL, &functions, number_of(&functions, "inlined"), &lines, &count),
                     0);
    assert_int_equal(count, 1);
    assert_int_equal(lines[0].line, 3);
    free(lines);
    tare_profile_functions_release(&functions);
    tare_profile_free(p);
}

static void a_filter_leaves_the_rest_out(void **state)
{
    (void)state;
    struct tare_profile *p = tare_profile_new();
    struct tare_profile_functions functions;
    uint32_t first = tare_profile_timer(p, "m", "first"), second = tare_profile_timer(p, "m", "second");
    add_stack(p, "main;a", 1, 3, first);
    add_stack(p, "main;b", 1, 4, second);
    add_stack(p, "main;c", 1, 5, NONE);
    uint32_t process = tare_profile_process(p, 10);
    uint32_t thread = tare_profile_thread(p, process, 11);
    p->samples[0].thread = thread;
    const bool chosen[] = {true, false};
    const struct {
        struct tare_profile_filter filter;
        uint64_t samples;
    } cases[] = {
        {{0}, 12},
        {{.by_timer = true, .timer = second}, 4},
        {{.by_timer = true, .timer = NONE}, 5},
        {{.timers = chosen}, 3},
        {{.by_thread = true, .thread = thread}, 1},
        {{.by_thread = true, .thread = NONE}, 11},
        {{.by_process = true, .process = process}, 1},
        {{.by_process = true, .process = NONE}, 11},
        {{.by_process = true, .process = process, .by_timer = true, .timer = second}, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(tare_profile_functions_make(p, &cases[i].filter, &functions), 0);
        assert_int_equal(functions.samples, cases[i].samples);
        assert_int_equal(functions.weight, cases[i].samples);
        assert_int_equal(functions.functions[number_of(&functions, "main")].total, cases[i].samples);
        tare_profile_functions_release(&functions);
    }
    /* Functions that no sample has stand behind. */
    assert_int_equal(tare_profile_functions_make(p, &cases[3].filter, &functions), 0);
    assert_int_equal(functions.count, 4);
    assert_int_equal(functions.functions[1].total_samples, 3);
    assert_int_equal(functions.functions[2].total_samples, 0);
    tare_profile_functions_release(&functions);
    tare_profile_free(p);
}

/* What measuring took is left out where that is asked for, and only in a profile by timers. */
static void measuring_can_be_left_out(void **state)
{
    (void)state;
    struct tare_profile *p = tare_profile_new();
    const struct tare_profile_filter without = {.without_measuring = true};
    struct tare_profile_functions functions;
    add_stack(p, "main;work", 1, 3, NONE);
    add_stack(p, "main;work;" TARE_PROFILE_MEASURING, 1, 5, NONE);
    add_stack(p, "", 1, 1, NONE);
    for (int by_timer = 0; by_timer < 2; by_timer++) {
        p->by_timer = by_timer != 0;
        assert_int_equal(tare_profile_functions_make(p, &without, &functions), 0);
        assert_int_equal(functions.samples, by_timer ? 4 : 9);
        expect(&functions, "work", 3, by_timer ? 3 : 8);
        tare_profile_functions_release(&functions);
    }
    tare_profile_free(p);
}

/* A fixed sequence (xorshift64, Marsaglia 2003), so that every run tests the same. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* The same counted stack by stack. */
static void random_stacks_are_counted_as_one_by_one(void **state)
{
    (void)state;
    enum { FUNCTIONS = 6, STACKS = 3000, DEPTH = 12 };
    uint64_t seed = 88172645463325252ULL, self[FUNCTIONS] = {0}, total[FUNCTIONS] = {0};
    uint64_t calls[FUNCTIONS][FUNCTIONS + 1] = {{0}}; /* [callee][caller] */
    struct tare_profile *p = tare_profile_new();
    for (int i = 0; i < STACKS; i++) {
        char stack[DEPTH * 4] = "";
        bool in[FUNCTIONS] = {0}, called[FUNCTIONS][FUNCTIONS + 1] = {{0}};
        unsigned depth = (unsigned)(next_random(&seed) % DEPTH) + 1, caller = FUNCTIONS;
        uint64_t weight = next_random(&seed) % 5 + 1;
        for (unsigned d = 0; d < depth; d++) {
            unsigned f = (unsigned)(next_random(&seed) % FUNCTIONS);
            char name[8];
            snprintf(name, sizeof name, "%sf%u", d > 0 ? ";" : "", f);
            strcat(stack, name);
            in[f] = called[f][caller] = true;
            caller = f;
        }
        self[caller] += weight;
        for (unsigned f = 0; f < FUNCTIONS; f++) {
            total[f] += in[f] ? weight : 0;
            for (unsigned g = 0; g <= FUNCTIONS; g++) {
                calls[f][g] += called[f][g] ? weight : 0;
            }
        }
        add_stack(p, stack, weight, 1, NONE);
    }
    struct tare_profile_functions functions;
    assert_int_equal(tare_profile_functions_make(p, NULL, &functions), 0);
    uint32_t numbers[FUNCTIONS + 1] = {[FUNCTIONS] = NONE};
    for (unsigned f = 0; f < FUNCTIONS; f++) {
        char name[8];
        snprintf(name, sizeof name, "f%u", f);
        numbers[f] = number_of(&functions, name);
        expect(&functions, name, self[f], total[f]);
    }
    for (unsigned f = 0; f < FUNCTIONS; f++) {
        struct tare_profile_edge *edges;
        size_t count;
        assert_int_equal(tare_profile_edges(p, NULL, &functions, numbers[f], true, &edges, &count), 0);
        assert_int_equal(count, FUNCTIONS + 1);
        for (size_t i = 0; i < count; i++) {
            unsigned g = 0;
            while (numbers[g] != edges[i].function) {
                g++;
            }
            assert_int_equal(edges[i].weight, calls[f][g]);
            assert_true(i == 0 || edges[i].weight <= edges[i - 1].weight);
        }
        free(edges);
        assert_int_equal(tare_profile_edges(p, NULL, &functions, numbers[f], false, &edges, &count), 0);
        assert_int_equal(count, FUNCTIONS);
        for (size_t i = 0; i < count; i++) {
            unsigned g = 0;
            while (numbers[g] != edges[i].function) {
                g++;
            }
            assert_int_equal(edges[i].weight, calls[g][f]);
        }
        free(edges);
    }
    tare_profile_functions_release(&functions);
    tare_profile_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(self_and_total_are_told_apart),
        cmocka_unit_test(waits_belong_to_who_waits),
        cmocka_unit_test(the_heaviest_samples_are_counted),
        cmocka_unit_test(recursion_counts_once),
        cmocka_unit_test(intervals_are_wilson_s),
        cmocka_unit_test(weights_that_differ_make_fewer_samples),
        cmocka_unit_test(names_are_of_an_object_and_unnamed_code_is_one),
        cmocka_unit_test(lines_have_what_they_call),
        cmocka_unit_test(a_filter_leaves_the_rest_out),
        cmocka_unit_test(measuring_can_be_left_out),
        cmocka_unit_test(random_stacks_are_counted_as_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
