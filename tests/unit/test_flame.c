/* SPDX-License-Identifier: MIT */
/*
 * The tree of a flame graph, its figures, and the files made from it. Wilson's interval against
 * stats/interval.h; the interval of a difference against values computed by hand from Agresti and Caffo's
 * formula.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record/profile.h"
#include "stats/interval.h"
#include "view/flame_layout.h"
#include "view/flame_page.h"

#define NONE TARE_PROFILE_NONE

static struct tare_profile *profile_new(const char *unit)
{
    struct tare_profile *profile = tare_profile_new();
    assert_non_null(profile);
    profile->mode = strdup("fp");
    profile->event = strdup("cpu-clock");
    profile->unit = strdup(unit);
    return profile;
}

/* The node of "a;b;c", the outermost first; '+' before a name: inlined, '?': unknown. */
static uint32_t stack(struct tare_profile *profile, const char *calls)
{
    char *list = strdup(calls), *rest = list;
    uint32_t node = NONE, object = tare_profile_object(profile, "/lib/libc.so.6", NULL, TARE_OBJECT_FILE);
    for (char *name; (name = strsep(&rest, ";")) != NULL;) {
        static uint64_t address;
        bool unknown = name[0] == '?';
        const struct tare_profile_frame frame = {
            .function = unknown ? NULL : name + (name[0] == '+'),
            .object = unknown ? object : NONE,
            .address = unknown ? ++address : 0,
            .line = (uint32_t)strlen(calls), /* another one in each stack */
            .file = (char *)"x.c",
            .inlined = name[0] == '+',
        };
        node = tare_profile_node(profile, node, tare_profile_frame(profile, &frame));
        assert_int_not_equal(node, NONE);
    }
    free(list);
    return node;
}

static void add_full(struct tare_profile *profile, const char *calls, uint64_t weight, uint32_t thread,
                     uint32_t timer, uint32_t flags)
{
    const struct tare_profile_sample sample = {.time_ns = NAN,
                                               .weight = weight,
                                               .node = calls != NULL ? stack(profile, calls) : NONE,
                                               .thread = thread,
                                               .timer = timer,
                                               .flags = flags};
    assert_int_equal(tare_profile_add(profile, &sample), 0);
}

static void add(struct tare_profile *profile, const char *calls, uint64_t weight)
{
    add_full(profile, calls, weight, NONE, NONE, 0);
}

/* The tree as text: "all 10(a 7(b 3) c 3)"; '+' before what was inlined, '*' before what is no function. */
static const char *drawn_as(const struct tare__flame *flame, int side)
{
    static char text[4000];
    FILE *out = fmemopen(text, sizeof(text), "w");
    for (size_t i = 0; i < flame->node_count; i++) {
        const struct tare__flame_node *node = &flame->nodes[i];
        const struct tare__flame_function *function = &flame->functions[node->function];
        if (i > 0) {
            uint32_t before = flame->nodes[i - 1].depth;
            for (uint32_t depth = node->depth; depth <= before; depth++) {
                fputc(')', out);
            }
            fputc(node->depth > before ? '(' : ' ', out);
        }
        fprintf(out, "%s%s%s %ju", node->inlined ? "+" : "", function->is_function ? "" : "*", function->name,
                (uintmax_t)node->total[side]);
    }
    for (uint32_t depth = 0; depth < flame->nodes[flame->node_count - 1].depth; depth++) {
        fputc(')', out);
    }
    fclose(out);
    return text;
}

static struct tare__flame made(const struct tare_profile *profile, struct tare_flame_options options)
{
    struct tare__flame flame;
    assert_int_equal(tare__flame_make(profile, &options, &flame), 0);
    return flame;
}

static void assert_tree(const struct tare_profile *profile, struct tare_flame_options options,
                        const char *expected)
{
    struct tare__flame flame = made(profile, options);
    assert_string_equal(drawn_as(&flame, 0), expected);
    tare__flame_release(&flame);
}

static void stacks_are_merged_widest_first(void **state)
{
    (void)state;
    struct tare_profile *profile = profile_new("samples");
    add(profile, "main;a", 1);
    add(profile, "main;b;c", 5);
    add(profile, "main;b", 2);
    add(profile, "main;a", 3);
    add(profile, "other", 4);
    assert_tree(profile, (struct tare_flame_options){0}, "*all 15(main 11(b 7(c 5)) a 4)) other 4)");
    assert_tree(profile, (struct tare_flame_options){.reverse = true},
                "*all 15(c 5(b 5(main 5))) a 4(main 4)) other 4) b 2(main 2))");
    tare_profile_free(profile);
}

static void inlined_calls_and_unknown_functions(void **state)
{
    (void)state;
    struct tare_profile *profile = profile_new("samples");
    add(profile, "main;+a", 1);
    add(profile, "main;a", 2);
    add(profile, "main;?", 1); /* at two addresses: one frame */
    add(profile, "main;?", 1);
    add(profile, NULL, 3);
    assert_tree(profile, (struct tare_flame_options){0},
                "*all 8(main 5([libc.so.6] 2) a 2) +a 1)) *[no stack] 3)");
    struct tare__flame flame = made(profile, (struct tare_flame_options){0});
    for (size_t i = 0; i < flame.function_count; i++) {
        const struct tare__flame_function *function = &flame.functions[i];
        if (strcmp(function->name, "a") == 0) {
            assert_int_equal(function->self[0], 3); /* inlined or not */
        }
        assert_true(strcmp(function->name, "[libc.so.6]") != 0 || function->kind == TARE__FLAME_UNKNOWN);
    }
    tare__flame_release(&flame);
    tare_profile_free(profile);
}

static void a_function_in_a_stack_twice_counts_once(void **state)
{
    (void)state;
    struct tare_profile *profile = profile_new("samples");
    add(profile, "f;g;f;g", 4);
    add(profile, "f;h", 1);
    for (int reverse = 0; reverse <= 1; reverse++) {
        struct tare__flame flame = made(profile, (struct tare_flame_options){.reverse = reverse});
        for (size_t i = 0; i < flame.function_count; i++) {
            const struct tare__flame_function *function = &flame.functions[i];
            char name = function->name[0];
            if (function->is_function) {
                assert_int_equal(function->total[0], name == 'f' ? 5 : name == 'g' ? 4 : 1);
                assert_int_equal(function->self[0], name == 'f' ? 0 : name == 'g' ? 4 : 1);
            }
        }
        tare__flame_release(&flame);
    }
    tare_profile_free(profile);
}

static bool is_read(void *data, const char *module, const char *name)
{
    (void)data;
    return strcmp(module, "io") == 0 && strcmp(name, "read") == 0;
}

static void what_stands_at_the_base(void **state)
{
    (void)state;
    struct tare_profile *profile = profile_new("samples");
    uint32_t process = tare_profile_process(profile, 7);
    uint32_t one = tare_profile_thread(profile, process, 7), two = tare_profile_thread(profile, process, 8);
    profile->processes[process].command = strdup("prog");
    profile->threads[two].name = strdup("worker");
    uint32_t read = tare_profile_timer(profile, "io", "read");
    add_full(profile, "main;a", 4, one, read, 0);
    add_full(profile, "main;a", 1, one, NONE, 0);
    add_full(profile, "main;b", 2, two, NONE, TARE_SAMPLE_TRUNCATED);

    struct tare_flame_options options = {.by = TARE_FLAME_BY_TIMER};
    struct tare__flame flame;
    assert_int_equal(tare__flame_make(profile, &options, &flame), -ENODATA); /* it does not know them */
    tare__flame_release(&flame);
    profile->by_timer = true;
    const char *by_timer =
        "*all 7(*io::read 4(main 4(a 4))) *[no timer was open] 3(*[truncated] 2(main 2(b 2))) "
        "main 1(a 1)))";
    assert_tree(profile, options, by_timer);
    assert_tree(profile, (struct tare_flame_options){0}, by_timer);
    assert_tree(profile, (struct tare_flame_options){.by = TARE_FLAME_BY_NOTHING},
                "*all 7(main 5(a 5)) *[truncated] 2(main 2(b 2)))");
    assert_tree(profile, (struct tare_flame_options){.by = TARE_FLAME_BY_NOTHING, .reverse = true},
                "*all 7(a 5(main 5)) b 2(main 2(*[truncated] 2)))");
    assert_tree(profile, (struct tare_flame_options){.by = TARE_FLAME_BY_THREAD},
                "*all 7(*prog (7) 5(main 5(a 5))) *worker (8) 2(*[truncated] 2(main 2(b 2))))");
    assert_tree(profile, (struct tare_flame_options){.by = TARE_FLAME_BY_PROCESS},
                "*all 7(*prog (7) 7(main 5(a 5)) *[truncated] 2(main 2(b 2))))");
    assert_tree(profile, (struct tare_flame_options){.by = TARE_FLAME_BY_NOTHING, .timer_matches = is_read},
                "*all 4(main 4(a 4))");
    /* Two runs: other numbers, the same threads. */
    options = (struct tare_flame_options){.by = TARE_FLAME_BY_THREAD, .before = profile};
    assert_tree(profile, options, "*all 7(*prog 5(main 5(a 5))) *worker 2(*[truncated] 2(main 2(b 2))))");
    tare_profile_free(profile);
}

static void weights_and_samples(void **state)
{
    (void)state;
    struct tare_profile *even = profile_new("ns");
    add(even, "a", 10101010);
    add(even, "a", 10101010);
    add(even, "b", 10101010);
    struct tare__flame flame = made(even, (struct tare_flame_options){0});
    assert_true(flame.sides[0].uniform);
    assert_int_equal(flame.sides[0].weight, 3);
    assert_int_equal(flame.sides[0].unit, 10101010);
    assert_true(fabs(flame.sides[0].effective - 3) < 1e-9);
    assert_int_equal(flame.nodes[1].samples, 2);
    tare__flame_release(&flame);

    struct tare_profile *uneven = profile_new("ns");
    add(uneven, "a", 6);
    add(uneven, "b", 2);
    add(uneven, "b", 2);
    flame = made(uneven, (struct tare_flame_options){0});
    assert_false(flame.sides[0].uniform);
    assert_int_equal(flame.sides[0].samples, 3);
    assert_int_equal(flame.sides[0].unit, 2);
    assert_true(fabs(flame.sides[0].effective - 100.0 / 44) < 1e-9);
    tare__flame_release(&flame);

    struct tare_profile *counted = profile_new("samples"); /* folded: a line is so many samples */
    add(counted, "a", 6);
    add(counted, "b", 2);
    flame = made(counted, (struct tare_flame_options){0});
    assert_int_equal(flame.sides[0].samples, 8);
    assert_int_equal(flame.nodes[1].samples, 6);
    assert_true(fabs(flame.sides[0].effective - 8) < 1e-9);
    tare__flame_release(&flame);

    struct tare_profile *huge = profile_new("cycles");
    add(huge, "a", UINT64_MAX);
    add(huge, "a", 1);
    const struct tare_flame_options plain = {0};
    assert_int_equal(tare__flame_make(huge, &plain, &flame), -EOVERFLOW);
    tare__flame_release(&flame);
    tare_profile_free(even);
    tare_profile_free(uneven);
    tare_profile_free(counted);
    tare_profile_free(huge);
}

static void errors_of_shares(void **state)
{
    (void)state;
    static const unsigned cases[][2] = {{0, 10}, {1, 10}, {50, 100}, {999, 1000}, {3, 100000}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tare_interval interval;
        assert_int_equal(tare_proportion_wilson(cases[i][0], cases[i][1], 0.95, &interval), 0);
        double error = fmax(interval.high - interval.estimate, interval.estimate - interval.low);
        /* At 0 and 1 that one ends, where ours goes on by what rounding takes. */
        double found = tare__flame_share_error((double)cases[i][0] / cases[i][1], cases[i][1]);
        assert_true(fabs(found - error) < 1e-6);
    }
    assert_true(isnan(tare__flame_share_error(0.5, 0)));
}

static void changes_within_their_error_are_none(void **state)
{
    (void)state;
    struct tare_profile *before = profile_new("samples"), *now = profile_new("samples");
    add(before, "a", 100);
    add(before, "b", 100);
    add(before, "gone", 40);
    add(now, "a", 300);
    add(now, "b", 130);
    add(now, "new", 4);
    struct tare__flame flame = made(now, (struct tare_flame_options){.before = before});
    assert_string_equal(drawn_as(&flame, 0), "*all 434(a 300) b 130) new 4) gone 0)");
    assert_string_equal(drawn_as(&flame, 1), "*all 240(a 100) b 100) new 0) gone 40)");
    /* (301/436)(135/436)/436 + (101/242)(141/242)/242, its root times 1.96 */
    struct tare__flame_change change = tare__flame_change(&flame, 300, 100);
    assert_true(fabs(change.difference - (300.0 / 434 - 100.0 / 240)) < 1e-12);
    assert_true(fabs(change.error - 0.0757853) < 1e-6);
    double largest = tare__flame_largest_change(&flame);
    assert_true(fabs(largest - change.difference) < 1e-12);
    assert_int_equal(tare__flame_step(&change, largest), 4);
    change = tare__flame_change(&flame, 0, 40);
    assert_int_equal(tare__flame_step(&change, largest), -4);
    change = tare__flame_change(&flame, 4, 0); /* four samples more than none: that may be chance */
    assert_int_equal(tare__flame_step(&change, largest), 0);
    change = tare__flame_change(&flame, 434, 240);
    assert_int_equal(tare__flame_step(&change, largest), 0);
    tare__flame_release(&flame);

    /* As measured, twice as much of everything is more of everything. */
    struct tare_profile *twice = profile_new("samples");
    add(twice, "a", 200);
    add(twice, "b", 200);
    add(twice, "gone", 80);
    for (int as_measured = 0; as_measured <= 1; as_measured++) {
        flame = made(twice, (struct tare_flame_options){.before = before, .not_normalized = as_measured});
        change = tare__flame_change(&flame, 200, 100);
        assert_int_equal(tare__flame_step(&change, tare__flame_largest_change(&flame)) > 0, as_measured);
        assert_true(fabs(change.difference - (as_measured ? 100.0 / 480 : 0)) < 1e-12);
        if (as_measured) { /* two Poisson counts, with one added to each */
            assert_true(fabs(change.error - 1.959964 * sqrt(201 + 101) / 480) < 1e-6);
        }
        tare__flame_release(&flame);
    }
    tare_profile_free(before);
    tare_profile_free(now);
    tare_profile_free(twice);
}

static void narrow_frames_are_left_out_and_counted(void **state)
{
    (void)state;
    struct tare_profile *profile = profile_new("samples");
    char name[40];
    add(profile, "wide", 900);
    for (int i = 0; i < 50; i++) {
        snprintf(name, sizeof(name), "f%02d;g", i);
        add(profile, name, 1 + (i < 50 / 2));
    }
    add(profile, "tail", 25);
    struct tare__flame flame = made(profile, (struct tare_flame_options){0});
    bool drawn[200];
    struct tare__flame_left_out left_out;
    assert_int_equal(tare__flame_choose(&flame, 1000, 0.1, 1000, drawn, &left_out), 0);
    assert_int_equal(left_out.frames, 0);
    assert_int_equal(tare__flame_choose(&flame, 1000, 1.5, 1000, drawn, &left_out), 0);
    assert_int_equal(left_out.frames, 50); /* 25 and their calls */
    assert_true(fabs(left_out.share - 0.025) < 1e-12);
    /* No more than 10: all of one width or none of it, and never a call without its caller. */
    assert_int_equal(tare__flame_choose(&flame, 1000, 0.1, 10, drawn, &left_out), 0);
    assert_int_equal(left_out.frames, 100);
    assert_true(left_out.least_px > 1.9 && left_out.least_px < 2.1);
    assert_true(fabs(left_out.share - 0.075) < 1e-12);
    for (size_t i = 1; i < flame.node_count; i++) {
        assert_true(!drawn[i] || drawn[flame.nodes[i].parent]);
    }
    tare__flame_release(&flame);
    tare_profile_free(profile);
}

static void children_lie_within_their_parent(void **state)
{
    (void)state;
    struct tare_profile *profile = profile_new("ns");
    uint64_t random = 88172645463325252u; /* xorshift64, Marsaglia 2003 */
    for (int i = 0; i < 3000; i++) {
        char calls[200] = "main";
        for (int depth = 0; depth < 12; depth++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            snprintf(calls + strlen(calls), 10, ";f%u", (unsigned)(random >> 33) % 4);
            if ((random >> 20) % 5 == 0) {
                break;
            }
        }
        add(profile, calls, 1 + (random >> 40) % 1000);
    }
    for (int reverse = 0; reverse <= 1; reverse++) {
        struct tare__flame flame = made(profile, (struct tare_flame_options){.reverse = reverse});
        uint64_t self = 0, samples = 0;
        for (uint32_t i = 0; i < flame.node_count; i++) {
            const struct tare__flame_node *node = &flame.nodes[i];
            uint64_t within = node->self[0], at = node->start, wider = UINT64_MAX;
            self += node->self[0];
            samples += node->self_samples;
            for (uint32_t child = i + 1; child < node->end; child = flame.nodes[child].end) {
                const struct tare__flame_node *below = &flame.nodes[child];
                assert_int_equal(below->parent, i);
                assert_int_equal(below->depth, node->depth + 1);
                assert_true(below->start == at && below->total[0] <= wider);
                wider = below->total[0];
                at += wider;
                within += wider;
            }
            assert_true(within == node->total[0]);
        }
        assert_true(self == flame.nodes[0].total[0] && self == flame.sides[0].weight);
        assert_int_equal(samples, 3000);
        tare__flame_release(&flame);
    }
    tare_profile_free(profile);
}

static char *file_of(const struct tare_profile *profile, struct tare_flame_options options)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_int_equal(tare_view_flame(profile, &options, out), 0);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(strlen(text), size); /* no NUL in it */
    return text;
}

static size_t times(const char *text, const char *word)
{
    size_t count = 0;
    for (; (text = strstr(text, word)) != NULL; text += strlen(word)) {
        count++;
    }
    return count;
}

static void names_cannot_leave_their_place(void **state)
{
    (void)state;
    struct tare_profile *profile = profile_new("samples");
    add(profile, "</script><script>x()</script>", 1);
    add(profile, "]]>\"'&<!--", 1);
    add(profile, "\x01\x1b[31m\xff\xed\xa0\x80\xef\xbf\xbe", 1);
    for (int html = 0; html <= 1; html++) {
        char *text =
            file_of(profile, (struct tare_flame_options){.format = html ? TARE_FLAME_HTML : TARE_FLAME_SVG,
                                                         .command = "</title><script>"});
        assert_int_equal(times(text, "<script"), 2); /* the data, and ours */
        assert_int_equal(times(text, "</script>"), 2);
        assert_int_equal(times(text, "]]>"), html ? 0 : 1);
        assert_int_equal(times(text, "<!--"), 0);
        assert_non_null(strstr(text, "&lt;/script&gt;&lt;script&gt;x()&lt;/script&gt;"));
        assert_non_null(strstr(text, "\"\\u003c/script\\u003e\\u003cscript\\u003ex()\\u003c/script\\u003e\""));
        /* In the still graph, what follows its name differs: a tooltip goes on, a label ends. */
        assert_true(times(text, "\\x01\\x1B[31m\\xFF\\xED\\xA0\\x80\xef\xbf\xbd") >= 1);
        assert_int_equal(times(text, "\xef\xbf\xbe"), 0);
        for (const char *p = text; *p != '\0'; p++) {
            assert_true((unsigned char)*p >= 0x20 || *p == '\n');
        }
        free(text);
    }
    tare_profile_free(profile);
}

static void what_is_embedded_can_be(void **state)
{
    (void)state;
    /* In a CDATA section and in HTML's <script> and <style>, as it is. */
    assert_true(strlen(tare__web_flame_js) > 1000);
    assert_null(strstr(tare__web_flame_js, "]]>"));
    assert_null(strstr(tare__web_flame_js, "</"));
    assert_null(strstr(tare__web_flame_js, "<!--"));
    const char *styles[] = {tare__web_flame_css, tare__web_flame_page_css};
    for (int i = 0; i < 2; i++) {
        assert_true(strlen(styles[i]) > 500);
        assert_null(strpbrk(styles[i], "<&"));
        assert_null(strstr(styles[i], "url(http"));
    }
}

static void an_output_that_fails_is_an_error(void **state)
{
    (void)state;
    struct tare_profile *profile = profile_new("samples");
    add(profile, "main", 1);
    FILE *full = fopen("/dev/full", "w");
    if (full == NULL) {
        print_message("no /dev/full\n");
        skip();
    }
    const struct tare_flame_options options = {0};
    assert_int_equal(tare_view_flame(profile, &options, full), -EIO);
    fclose(full);
    tare_profile_free(profile);
}

/* "main" of the program, which calls "work" of the library. */
static struct tare_profile *of_objects(const char *program, const char *library)
{
    struct tare_profile *profile = profile_new("ns");
    const char *const calls[][2] = {{"main", program}, {"work", library}, {NULL, library}};
    uint32_t node = NONE;
    for (int i = 0; i < 3; i++) {
        struct tare_profile_frame frame = {
            .function = (char *)calls[i][0],
            .object = tare_profile_object(profile, calls[i][1], NULL, TARE_OBJECT_FILE),
        };
        node = tare_profile_node(profile, node, tare_profile_frame(profile, &frame));
        const struct tare_profile_sample sample = {NAN, 10, node, NONE, NONE, 0};
        assert_int_equal(tare_profile_add(profile, &sample), 0);
    }
    return profile;
}

static void a_program_by_another_name_is_the_same(void **state)
{
    (void)state;
    static const struct {
        const char *program, *library, *said;
    } before[] = {
        {"/tmp/server", "/lib/libz.so.1.3", NULL},
        {"/tmp/server.old", "/lib/libz.so.1.3", "'server.old' of A and 'server' of B"},
        {"/tmp/server", "/lib/libz.so.1.2", "'libz.so.1.2' of A and 'libz.so.1.3' of B"},
        {"/tmp/old", "/lib/libz-1.2.so",
         "'old' of A and 'server' of B, 'libz-1.2.so' of A and 'libz.so.1.3' of B"},
    };
    struct tare_profile *after = of_objects("/usr/bin/server", "/lib/libz.so.1.3");
    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
        struct tare_profile *profile = of_objects(before[i].program, before[i].library);
        struct tare__flame flame = made(after, (struct tare_flame_options){.before = profile});
        assert_string_equal(drawn_as(&flame, 0), "*all 3(main 3(work 2([libz.so.1.3] 1)))");
        assert_string_equal(drawn_as(&flame, 1), "*all 3(main 3(work 2([libz.so.1.3] 1)))");
        if (before[i].said == NULL) {
            assert_null(flame.taken_for_same);
        } else {
            assert_string_equal(flame.taken_for_same, before[i].said);
        }
        tare__flame_release(&flame);
        tare_profile_free(profile);
    }
    /* Another library is another one, and so are its functions. */
    struct tare_profile *other = of_objects("/usr/bin/server", "/lib/libxz.so.1.3");
    struct tare__flame flame = made(after, (struct tare_flame_options){.before = other});
    assert_string_equal(drawn_as(&flame, 1),
                        "*all 3(main 3(work 0([libz.so.1.3] 0)) work 2([libxz.so.1.3] 1)))");
    assert_null(flame.taken_for_same);
    tare__flame_release(&flame);
    tare_profile_free(other);
    tare_profile_free(after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stacks_are_merged_widest_first),
        cmocka_unit_test(inlined_calls_and_unknown_functions),
        cmocka_unit_test(a_function_in_a_stack_twice_counts_once),
        cmocka_unit_test(what_stands_at_the_base),
        cmocka_unit_test(weights_and_samples),
        cmocka_unit_test(errors_of_shares),
        cmocka_unit_test(a_program_by_another_name_is_the_same),
        cmocka_unit_test(changes_within_their_error_are_none),
        cmocka_unit_test(narrow_frames_are_left_out_and_counted),
        cmocka_unit_test(children_lie_within_their_parent),
        cmocka_unit_test(names_cannot_leave_their_place),
        cmocka_unit_test(what_is_embedded_can_be),
        cmocka_unit_test(an_output_that_fails_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
