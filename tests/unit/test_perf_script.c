/* SPDX-License-Identifier: MIT */
/*
 * record/perf_text.h, record/perf_script.h and record/folded.c: what `perf script` printed, in its usual choices of
 * fields, as recorded from small programs; what it never printed; and folded stacks.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "record/perf_script.h"
#include "record/perf_text.h"
#include "record/profiling.h"

static char message[256];

static struct tare_profile *read_script(const char *text)
{
    struct tare_profile *profile = NULL;
    FILE *file = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
    assert_non_null(file);
    int error = tare_perf_script_read(file, &profile, message, sizeof(message));
    fclose(file);
    assert_true((error == 0) == (profile != NULL));
    return profile;
}

/* As of our own recording, without symbols. */
static struct tare_profile *parse(const char *text, bool off_cpu, struct tare__perf_reading *reading)
{
    struct tare_profile *profile = tare_profile_new();
    FILE *file = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
    assert_non_null(profile);
    assert_non_null(file);
    *reading = (struct tare__perf_reading){.off_cpu = off_cpu, .stacks_complete = true};
    assert_int_equal(tare__perf_script_parse(file, reading, profile, message, sizeof(message)), 0);
    fclose(file);
    return profile;
}

/* The names of a sample's stack, the innermost first, with "~" in front of what is inlined. */
static const char *stack_of(const struct tare_profile *profile, size_t sample)
{
    static char text[4096];
    size_t used = 0;
    text[0] = '\0';
    for (uint32_t node = profile->samples[sample].node; node != TARE_PROFILE_NONE;
         node = profile->nodes[node].parent) {
        char name[TARE_PROFILE_NAME];
        const struct tare_profile_frame *frame = &profile->frames[profile->nodes[node].frame];
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s%s", used != 0 ? " " : "",
                                 frame->inlined ? "~" : "",
                                 tare_profile_frame_name(profile, profile->nodes[node].frame, name));
    }
    return text;
}

static const char *const usual =
    "blk  8876 35295.481985:    1001001 cpu-clock:u: \n"
    "\t            10cb main+0x5b (/tmp/work dir/blk (deleted))\n"
    "\t           27249 __libc_start_call_main+0x79 (/usr/lib/libc.so.6)\n"
    "\t           27304 __libc_start_main_impl+0x84 (inlined)\n"
    "\t            1100 _start+0x20 (/tmp/work dir/blk (deleted))\n"
    "\n"
    "my worker 2 8877 35295.482985:    1001001 cpu-clock:u: \n"
    "\tffffffff8158c3e1 next_uptodate_folio+0xc1 ([kernel.kallsyms])\n"
    "\tffffffffc0123456 nft_do_chain+0x10 ([nf_tables])\n"
    "\t            20ce7 [unknown] (/usr/lib/libx.so)\n"
    "\t         7f0000ab void A::b<int (*)(char)>(char const*) const+0x7 (/tmp/perf-8876.map)\n"
    "\n";

static void the_usual_fields_are_read(void **state)
{
    (void)state;
    struct tare_profile *profile = read_script(usual);
    assert_non_null(profile);
    assert_string_equal(message, "");
    assert_string_equal(profile->mode, "perf-script");
    assert_string_equal(profile->event, "cpu-clock");
    assert_string_equal(profile->unit, "ns");
    assert_int_equal(profile->sample_count, 2);
    assert_int_equal(profile->samples[0].weight, 1001001);
    assert_true(profile->samples[0].time_ns == 0);
    assert_true(profile->samples[1].time_ns == 1000000);
    assert_true(profile->wall_ns == 1000000);
    assert_true(profile->interval_ns == 1001001);
    assert_string_equal(stack_of(profile, 0), "main __libc_start_call_main ~__libc_start_main_impl _start");
    assert_string_equal(stack_of(profile, 1), "next_uptodate_folio nft_do_chain [libx.so+0x20ce7] "
                                              "void A::b<int (*)(char)>(char const*) const");
    assert_string_equal(profile->threads[profile->samples[1].thread].name, "my worker 2");
    assert_int_equal(profile->threads[profile->samples[1].thread].tid, 8877);
    assert_int_equal(profile->lost, TARE_PROFILE_UNKNOWN);
    assert_int_equal(profile->truncated, TARE_PROFILE_UNKNOWN);
    const struct tare_profile_object *object = &profile->objects[profile->frames[0].object];
    assert_string_equal(object->path, "/tmp/work dir/blk");
    assert_int_equal(object->flags & TARE_OBJECT_DELETED, TARE_OBJECT_DELETED);
    unsigned kernel = 0, jit = 0;
    for (size_t i = 0; i < profile->object_count; i++) {
        kernel += profile->objects[i].kind == TARE_OBJECT_KERNEL;
        jit += profile->objects[i].kind == TARE_OBJECT_JIT;
    }
    assert_int_equal(kernel, 2);
    assert_int_equal(jit, 1);
    tare_profile_free(profile);
}

/* The inlined function is in the object of the one that it lies in. */
static void inlined_frames_belong_to_what_is_around_them(void **state)
{
    (void)state;
    struct tare_profile *profile = read_script(usual);
    uint32_t inlined = TARE_PROFILE_NONE;
    for (uint32_t i = 0; i < profile->frame_count; i++) {
        inlined = profile->frames[i].inlined && profile->frames[i].object != TARE_PROFILE_NONE ? i : inlined;
    }
    assert_int_not_equal(inlined, TARE_PROFILE_NONE);
    assert_string_equal(tare_profile_object_name(profile, profile->frames[inlined].object), "blk");
    tare_profile_free(profile);
}

static void other_choices_of_fields_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text, *stack;
        unsigned tid;
        uint64_t weight;
    } choices[] = {
        {"blk  8876/8877  [001] 35295.481985123:    42 cycles:ppp: \n\t 10cb main (/a/blk)\n\n", "main", 8877,
         42},
        {"blk  8876 35295.481985:    1001001 cpu-clock:u:      56551b4770cb main+0x5b (/tmp/perf/blk)\n",
         "main", 8876, 1001001},
        {"            blk  8876    1001001 cpu-clock:u: \n\t            10cb main+0x1 (/a)\n\n", "main", 8876,
         1001001},
        {"cpu-clock:u: \n\t            10cb main\n\n", "main", 0, 1},
        {"8876/8876 1.5: cycles: \n\t            10cb main\n\n", "main", 8876, 1},
        {"a 8876/8876 1.500000: 7 cpu/event=0x3c,umask=0x1/u: \n\t 10cb main (x)\n\n", "main", 8876, 7},
        {":-1    -1/-1    1.500000: 7 cycles: \n\t 10cb main (x)\n\n", "main", 0, 7},
        {"a 1.5 2 8876/8876 3.500000: 7 cycles: \n\t 10cb f(int (*)(int))+0x2 (x)\n\n", "f(int (*)(int))", 8876,
         7},
        {"swapper 0 [000] 3.5: 1 sched:sched_switch: prev_comm=swapper prev_pid=0\n\t 10cb main (x)\n\n",
         "main", 0, 1},
        {"a 5 3.500000: 9 cycles: \n\t 10cb main+0x1 (/a)\n  a.c:12\n\t 20 f\n  ??:0\n\t 30 g\n  b.c:3 "
         "(inlined)\n\n",
         "main f ~g", 5, 9},
    };
    for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
        struct tare_profile *profile = read_script(choices[i].text);
        if (profile == NULL || message[0] != '\0') {
            fail_msg("choice %zu: %s", i, message);
        }
        assert_int_equal(profile->sample_count, 1);
        assert_string_equal(stack_of(profile, 0), choices[i].stack);
        assert_int_equal(profile->samples[0].weight, choices[i].weight);
        if (choices[i].tid != 0) {
            assert_int_equal(profile->threads[profile->samples[0].thread].tid, choices[i].tid);
        }
        tare_profile_free(profile);
    }
}

static void source_lines_go_to_their_frames(void **state)
{
    (void)state;
    struct tare_profile *profile =
        read_script("a 5 3.500000: 9 cycles: \n\t 10cb main+0x1 (/a)\n  dir/a.c:12\n\t 20 f (/a)\n  ??:0\n\n");
    uint32_t innermost = profile->nodes[profile->samples[0].node].frame;
    assert_string_equal(profile->frames[innermost].file, "dir/a.c");
    assert_int_equal(profile->frames[innermost].line, 12);
    tare_profile_free(profile);
}

static void the_header_says_how_it_was_recorded(void **state)
{
    (void)state;
    struct tare_profile *profile =
        read_script("# ========\n# cmdline : /usr/bin/perf record -F 999 -- ./blk \n"
                    "# event : name = cpu-clock:u, , id = { 1 }, type = 1, size = 128, { sample_period, "
                    "sample_freq } = 999, "
                    "sample_type = IP|TID, inherit = 1, freq = 1, task = 1\n# ========\n#\n"
                    "blk  8876 35295.481985:    1001001 cpu-clock:u: \n\t 10cb main (x)\n\n");
    assert_true(profile->frequency_hz == 999);
    assert_string_equal(profile->recorder[1], "record");
    assert_string_equal(profile->recorder[5], "./blk");
    assert_null(profile->recorder[6]);
    tare_profile_free(profile);
}

static void samples_of_a_second_event_are_left_out_and_counted(void **state)
{
    (void)state;
    struct tare_profile *profile = read_script("a 5 1.0: 9 cycles: \n\t 10cb main (/a)\n\n"
                                               "a 5 1.1: 9 page-faults: \n\t 10cb f (/a)\n  a.c:3\n\n"
                                               "a 5 1.2: 9 cycles: \n\t 10cb g (/a)\n\n");
    assert_int_equal(profile->sample_count, 2);
    assert_string_equal(profile->unit, "cycles");
    assert_string_equal(message, "1 samples of other events are left out");
    tare_profile_free(profile);
}

/* Also where it begins with another one. */
static void the_event_with_the_most_samples_is_the_profile_s(void **state)
{
    (void)state;
    struct tare_profile *profile = read_script("# event : name = page-faults, , id = { 1 }, { sample_period, "
                                               "sample_freq } = 99, freq = 1, \n"
                                               "a 5 1.0: 1 page-faults: \n\t 20 f (/a)\n\n"
                                               "a 5 1.1: 500 cpu-clock:u: \n\t 10 [unknown] (/a)\n\n"
                                               "a 5 1.2: 2 page-faults: \n\t 20 f (/a)\n\n"
                                               "a 5 1.3: 700 cpu-clock:u: \n\t 30 g (/a)\n\n"
                                               "a 5 1.4: 900 cpu-clock:u: \n\t 30 g (/a)\n\n");
    assert_string_equal(profile->event, "cpu-clock");
    assert_string_equal(profile->unit, "ns");
    assert_int_equal(profile->sample_count, 3);
    assert_string_equal(stack_of(profile, 1), "g");
    assert_int_equal(profile->samples[0].weight + profile->samples[1].weight + profile->samples[2].weight,
                     2100);
    assert_int_equal(profile->samples[2].flags, 0);
    assert_true(profile->interval_ns == 700);
    assert_true(isnan(profile->frequency_hz));
    assert_int_equal(profile->unknown, 1);
    assert_string_equal(message, "2 samples of other events are left out");
    tare_profile_free(profile);
}

/* More kinds of them than anybody records: the profile is still one of them, and no sample is forgotten. */
static void very_many_events_are_counted(void **state)
{
    (void)state;
    char text[8192] = "";
    for (int i = 0; i < 100; i++) {
        sprintf(text + strlen(text), "a 5 1.0: 9 event%d: \n\t 10cb main (/a)\n\n", i);
    }
    struct tare_profile *profile = read_script(text);
    assert_string_equal(profile->event, "event0");
    assert_int_equal(profile->sample_count, 1);
    assert_string_equal(message, "99 samples of other events are left out");
    tare_profile_free(profile);
}

static void damaged_lines_are_counted(void **state)
{
    (void)state;
    struct tare_profile *profile =
        read_script("rubbish\na 5 1.0: 9 cycles: \n\t 10cb main (/a)\n\tnot a frame\n\n");
    assert_int_equal(profile->sample_count, 1);
    assert_string_equal(stack_of(profile, 0), "main");
    assert_string_equal(message, "2 lines were not understood, the first of them line 1");
    tare_profile_free(profile);
}

static void a_time_that_cannot_be_is_damage(void **state)
{
    (void)state;
    struct tare_profile *profile =
        read_script("a 5 1.0: 9 cycles: \n\t 1 f (/a)\n\n"
                    "a 5 99999999999999999999.000001: 9 cycles: \n\ngarbage line here\n");
    assert_non_null(profile);
    assert_int_equal(profile->sample_count, 1);
    assert_string_equal(profile->event, "cycles");
    assert_string_equal(message, "2 lines were not understood, the first of them line 4");
    tare_profile_free(profile);
    assert_null(read_script("a 5 99999999999999999999.000001: 9 cycles: \n"));
    assert_null(read_script("a 99999999999999999999.000001: cycles: \n"));
}

static void a_stack_that_is_cut_is_truncated_and_said(void **state)
{
    (void)state;
    static const size_t depths[] = {5000, 40000};
    for (size_t i = 0; i < 2; i++) {
        char *text = malloc(24 * depths[i] + 64);
        assert_non_null(text);
        size_t used = (size_t)sprintf(text, "a 5 1.0: 9 cycles: \n");
        for (size_t frame = 0; frame < depths[i]; frame++) {
            used += (size_t)sprintf(text + used, "\t %zx f (/a)\n", frame + 1);
        }
        strcpy(text + used, "\n");
        struct tare_profile *profile = read_script(text);
        free(text);
        assert_non_null(profile);
        assert_int_equal(profile->sample_count, 1);
        if (i == 0) {
            assert_string_equal(message, "");
            assert_int_equal(profile->node_count, depths[i]);
            assert_true(profile->truncated == TARE_PROFILE_UNKNOWN);
        } else {
            assert_string_equal(message, "1 stack is deeper than 32768 calls, and cut there");
            assert_int_equal(profile->truncated, 1);
        }
        tare_profile_free(profile);
    }
}

static void what_is_no_perf_script_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"hello\nworld\n", "\n", "# only a header\n", "{\"schema\": \"x\"}\n",
                                        "main;a;b 12\n"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_null(read_script(texts[i]));
        assert_string_not_equal(message, "");
    }
    read_script("\nnothing\n");
    assert_string_equal(message, "line 2 is none that 'perf script' prints");
}

static void a_sum_of_weights_that_cannot_be_is_damage(void **state)
{
    (void)state;
    struct tare_profile *profile = read_script("a 5 1.0: 9223372036854775807 cycles: \n\t 1 f (/a)\n\n"
                                               "a 5 1.1: 9223372036854775807 cycles: \n\t 1 f (/a)\n\n");
    assert_int_equal(profile->sample_count, 1);
    tare_profile_free(profile);
}

/* ---- our own recordings ---- */

static void records_say_what_was_lost_and_when_it_ran(void **state)
{
    (void)state;
    struct tare__perf_reading reading;
    struct tare_profile *profile = parse(
        "perf-exec     0/0         0.000000000: PERF_RECORD_COMM: perf-exec:10/10\n"
        "blk 10/10 1.000000000: PERF_RECORD_COMM exec: blk:10/10\n"
        "blk 10/10 1.000000001: PERF_RECORD_MMAP2 10/10: [0x1000(0x1000) @ 0x1000 <abcdef>]: r-xp /tmp/a b\n"
        "blk 10/10 1.000000002: 10101010 cpu-clock: \n\t 1080 main+0x0 (/tmp/a b)\n\n"
        "blk 10/10 1.100000000: PERF_RECORD_FORK(10:11):(10:10)\n"
        "blk 10/11 1.200000000: 10101010 cpu-clock: \n\t 10cb w (/tmp/a b)\n\t 2 start_thread (/c)\n\t 3 "
        "clone3 (/c)\n\n"
        "blk 10/10 1.300000000: PERF_RECORD_LOST lost 17\n"
        "blk 10/10 1.400000000: PERF_RECORD_LOST lost 2\n"
        "blk 10/10 2.000000000: PERF_RECORD_EXIT(10:10):(9:9)\n",
        false, &reading);
    assert_int_equal(reading.damaged, 0);
    assert_int_equal(reading.lost, 19);
    assert_true(reading.has_records);
    assert_int_equal(reading.exit_ns - reading.exec_ns, 1000000000);
    assert_int_equal(profile->thread_count, 2);
    assert_int_equal(profile->process_count, 1);
    assert_true(profile->samples[1].time_ns == 200000000);
    assert_int_equal(profile->truncated, 0);
    tare_profile_free(profile);
}

static void a_stack_that_ends_elsewhere_is_truncated(void **state)
{
    (void)state;
    struct tare__perf_reading reading;
    struct tare_profile *profile =
        parse("a 5/5 1.0: 9 cycles: \n\t 1 f (/a)\n\t 2 g (/a)\n\n"
              "a 5/5 1.1: 9 cycles: \n\t 1 f (/a)\n\t 2 _start (/a)\n\n"
              "a 5/5 1.2: 9 cycles: \n\t 1 f (/a)\n\t 2 __libc_start_main@@GLIBC_2.34 (/c)\n"
              "\t 3 [unknown] (/a)\n\n"
              "a 5/5 1.3: 9 cycles: \n\t 1 f (/a)\n"
              "\tffffffffffffffff [unknown] ([unknown])\n\n"
              "a 5/5 1.4: 9 cycles: \n\tffffffff81000000 k ([kernel.kallsyms])\n\n",
              false, &reading);
    const bool truncated[] = {true, false, false, true, false};
    assert_int_equal(profile->sample_count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(profile->samples[i].flags & TARE_SAMPLE_TRUNCATED, truncated[i]);
    }
    assert_string_equal(stack_of(profile, 3), "f"); /* what was read beyond the copy of the stack is no frame */
    assert_int_equal(profile->truncated, 2);
    tare_profile_free(profile);
}

/* What the kernel follows where a register holds something else than a frame pointer. */
static void a_caller_that_cannot_be_code_is_left_out(void **state)
{
    (void)state;
    struct tare__perf_reading reading;
    struct tare_profile *profile = parse("a 5/5 1.1: 9 cpu-clock: \n"
                                         "\tffffffff81000010 do_fault ([kernel.kallsyms])\n"
                                         "\t 10 inner (/a)\n"
                                         "\tbe552274c0854800 [unknown] ([unknown])\n\n"
                                         "a 5/5 1.2: 9 cpu-clock: \n"
                                         "\t 10 inner (/a)\n"
                                         "\t 1 [unknown] ([unknown])\n\n"
                                         "a 5/5 1.3: 9 cpu-clock: \n"
                                         "\t 10 inner (/a)\n"
                                         "\t 7f0000001000 [unknown] ([unknown])\n\n",
                                         false, &reading);
    assert_int_equal(profile->sample_count, 3);
    assert_string_equal(stack_of(profile, 0), "do_fault inner");
    assert_string_equal(stack_of(profile, 1), "inner");
    assert_int_not_equal(strlen(stack_of(profile, 2)), strlen("inner")); /* it may be made code */
    assert_int_equal(profile->truncated, 3);
    assert_int_equal(reading.damaged, 0);
    tare_profile_free(profile);
}

/* tare's own process, before it is the program. */
static void what_comes_before_the_program_is_left_out(void **state)
{
    (void)state;
    const char *text = "tare 5/5 1.000000001: 9 cpu-clock: \n\t 10 poll (/tare)\n\n"
                       "prog 5/5 1.000000002: PERF_RECORD_COMM exec: prog:5/5\n"
                       "prog 5/5 1.000000003: 9 cpu-clock: \n\t 10 main (/a)\n\n";
    for (int from_exec = 0; from_exec < 2; from_exec++) {
        struct tare__perf_reading reading = {.from_exec = from_exec != 0};
        struct tare_profile *profile = tare_profile_new();
        FILE *file = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
        assert_non_null(file);
        assert_int_equal(tare__perf_script_parse(file, &reading, profile, message, sizeof(message)), 0);
        fclose(file);
        assert_int_equal(profile->sample_count, from_exec != 0 ? 1 : 2);
        assert_true(reading.exec_ns != 0);
        tare_profile_free(profile);
    }
}

/* Of the processor's record of calls, which has 32 places: a recursion that is deeper. */
static void a_full_record_of_calls_is_truncated(void **state)
{
    (void)state;
    char text[8192] = "deep 7/7 10.000001: 1000003 cycles:P: \n";
    for (int i = 0; i < 33; i++) {
        sprintf(text + strlen(text), "\t%16x down+0x%x (/tmp/deep)\n", 0x1180 + i % 2, i);
    }
    strcat(text,
           "\ndeep 7/7 10.000002: 1000003 cycles:P: \n\t            1170 leaf+0x1 (/tmp/deep)\n"
           "\t            11b0 main+0x1 (/tmp/deep)\n\t           27249 __libc_start_call_main+0x79 (/c)\n\n");
    struct tare__perf_reading reading;
    struct tare_profile *profile = parse(text, false, &reading);
    assert_int_equal(reading.damaged, 0);
    assert_string_equal(profile->event, "cycles");
    assert_string_equal(profile->unit, "cycles");
    assert_int_equal(profile->samples[0].flags, TARE_SAMPLE_TRUNCATED);
    assert_int_equal(profile->samples[1].flags, 0);
    tare_profile_free(profile);
}

/*
 * As perf 6.1 prints what `perf record --call-graph lbr` took: the kernel's calls by frame pointers, then the user's by the
 * processor's record, which ends where it is full. Written by hand after perf's source, as not every machine that
 * builds this has such a processor.
 */
static const char *const by_lbr =
    "# captured on    : Mon Jun  2 10:00:00 2025\n"
    "# cmdline : /usr/bin/perf record -F 499 -e cycles --call-graph lbr -o perf.data -- ./deep \n"
    "# event : name = cycles, , id = { 11, 12 }, size = 128, { sample_period, sample_freq } = 499, sample_type "
    "= "
    "IP|TID|TIME|PERIOD|BRANCH_STACK, read_format = ID, disabled = 1, inherit = 1, mmap = 1, comm = 1, freq = "
    "1, "
    "branch_sample_type = USER|CALL_STACK|NO_FLAGS|NO_CYCLES\n"
    "#\n"
    "deep 7/7 10.000001: 2000006 cycles:P: \n"
    "\tffffffff81a0110a asm_exc_page_fault+0x1a ([kernel.kallsyms])\n"
    "\t            1170 leaf+0x20 (/tmp/deep)\n"
    "\t            1196 down+0x36 (/tmp/deep)\n"
    "\t            11b0 main+0x10 (/tmp/deep)\n"
    "\t           27249 __libc_start_call_main+0x79 (/usr/lib/libc.so.6)\n"
    "\t           27304 __libc_start_main@@GLIBC_2.34+0x84 (/usr/lib/libc.so.6)\n"
    "\t            1080 _start+0x20 (/tmp/deep)\n\n"
    "deep 7/7 10.002001: 2000006 cycles:P: \n"
    "\t            1170 leaf+0x20 (/tmp/deep)\n"
    "\t            1196 down+0x36 (/tmp/deep)\n"
    "\t            1196 down+0x36 (/tmp/deep)\n\n";

static void stacks_of_the_processor_s_record_are_read(void **state)
{
    (void)state;
    struct tare__perf_reading reading;
    struct tare_profile *profile = parse(by_lbr, false, &reading);
    assert_int_equal(reading.damaged, 0);
    assert_int_equal(profile->sample_count, 2);
    assert_string_equal(profile->event, "cycles");
    assert_true(profile->frequency_hz == 499);
    assert_string_equal(stack_of(profile, 0), "asm_exc_page_fault leaf down main __libc_start_call_main "
                                              "__libc_start_main@@GLIBC_2.34 _start");
    assert_int_equal(profile->samples[0].flags, 0);
    assert_string_equal(stack_of(profile, 1), "leaf down down");
    assert_int_equal(profile->samples[1].flags, TARE_SAMPLE_TRUNCATED);
    assert_int_equal(profile->truncated, 1);
    tare_profile_free(profile);
}

static void a_wait_goes_from_the_switch_away_to_the_next_run(void **state)
{
    (void)state;
    struct tare__perf_reading reading;
    struct tare_profile *profile = parse(
        "blk 10/10 1.000000000: PERF_RECORD_COMM exec: blk:10/10\n"
        "blk 10/10 1.100000000:          1 context-switches: \n\t 5 nap (/c)\n\t 6 main (/a)\n\n"
        "blk 10/10 1.100000400: PERF_RECORD_SWITCH OUT        \n"
        "blk 10/11 1.150000000:          1 context-switches: \n\t 7 lock (/c)\n\t 8 clone3 (/c)\n\n"
        "blk 10/11 1.150000100: PERF_RECORD_SWITCH OUT        \n"
        "blk 10/10 1.600000000: PERF_RECORD_SWITCH IN         \n"
        "blk 10/10 1.700000000:          1 context-switches: \n\t 9 loop (/a)\n\t 6 main (/a)\n\n"
        "blk 10/10 1.700000100: PERF_RECORD_SWITCH OUT preempt\n" /* it wanted to go on: no wait */
        "blk 10/10 1.800000000: PERF_RECORD_SWITCH IN         \n"
        "blk 10/10 1.900000000:          1 context-switches: \n\t 5 nap (/c)\n\t 6 main (/a)\n\n"
        "blk 10/10 2.000000000: PERF_RECORD_EXIT(10:10):(9:9)\n", /* it does not wait for anything any more */
        true, &reading);
    assert_int_equal(reading.damaged, 0);
    assert_true(profile->off_cpu);
    assert_string_equal(profile->unit, "ns");
    assert_int_equal(profile->sample_count, 2);
    assert_string_equal(stack_of(profile, 0), "nap main");
    assert_int_equal(profile->samples[0].weight, 500000000);
    assert_true(profile->samples[0].time_ns == 100000000);
    /* Still waiting at the end: so far. */
    assert_string_equal(stack_of(profile, 1), "lock clone3");
    assert_int_equal(profile->samples[1].weight, 850000000);
    tare_profile_free(profile);
}

/* ---- lines by themselves ---- */

static void mappings_are_read_in_both_forms(void **state)
{
    (void)state;
    struct tare__perf_record record;
    assert_true(
        tare__perf_text_record("deep 7/8 1.5: PERF_RECORD_MMAP2 7/8: [0x56105f044000(0x1000) @ 0x2000 fe:00 "
                               "11354898 3179142493]: r-xp /tmp/a b (deleted)",
                               &record));
    assert_int_equal(record.kind, TARE__PERF_RECORD_MAP);
    assert_int_equal(record.pid, 7);
    assert_int_equal(record.address, 0x56105f044000);
    assert_int_equal(record.size, 0x1000);
    assert_int_equal(record.offset, 0x2000);
    assert_true(record.executable);
    assert_int_equal(record.path.length, strlen("/tmp/a b (deleted)"));
    assert_int_equal(record.build_id.length, 0);
    assert_true(
        tare__perf_text_record("PERF_RECORD_MMAP -1/0: [0xffffffff81000000(0x1209988) @ 0xffffffff81000000]: x "
                               "[kernel.kallsyms]_text",
                               &record));
    assert_int_equal(record.pid, -1);
    assert_true(tare__perf_text_record(
        "a 7/7 1.5: PERF_RECORD_MMAP2 7/7: [0x1000(0x1000) @ 0 <abf24c>]: r--p /a", &record));
    assert_int_equal(record.build_id.length, 6);
    assert_false(record.executable);
    assert_false(tare__perf_text_record("a 7/7 1.5: PERF_RECORD_MMAP2 7/7: [0x1000(0x1000", &record));
    assert_false(tare__perf_text_record(
        "a 7/7 1.5: PERF_RECORD_MMAP2 7/7: [0xffffffffffffffff(0x1000) @ 0 <a>]: r-xp /a", &record));
}

static void names_with_blanks_and_colons_are_names(void **state)
{
    (void)state;
    struct tare__perf_record record;
    struct tare__perf_head head;
    assert_true(tare__perf_text_record("x 7/7 1.5: PERF_RECORD_COMM exec: a: b 1:7/8", &record));
    assert_int_equal(record.name.length, strlen("a: b 1"));
    assert_int_equal(record.tid, 8);
    assert_true(record.exec);
    assert_true(tare__perf_text_head("a 1.5: b 7/8 [003] 2.5: 6 cycles:", &head));
    assert_int_equal(head.time_ns, 2500000000);
    assert_int_equal(head.tid, 8);
    assert_int_equal(head.command.length, strlen("a 1.5: b"));
}

/* ---- folded stacks ---- */

static struct tare_profile *read_folded(const char *text)
{
    struct tare_profile *profile = NULL;
    FILE *file = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
    assert_non_null(file);
    int error = tare_folded_read(file, &profile, message, sizeof(message));
    fclose(file);
    assert_true((error == 0) == (profile != NULL));
    return profile;
}

static void folded_stacks_are_read(void **state)
{
    (void)state;
    struct tare_profile *profile =
        read_folded("main;a;b c 3\nmain;sys_[k] 4\nmain;a_[i];j_[j] 1.5\n\nmain;[unknown] 2\n");
    assert_non_null(profile);
    assert_string_equal(message, "");
    assert_string_equal(profile->mode, "folded");
    assert_int_equal(profile->sample_count, 4);
    assert_string_equal(stack_of(profile, 0), "b c a main");
    assert_int_equal(profile->samples[0].weight, 3);
    assert_string_equal(stack_of(profile, 2), "j ~a main");
    assert_true(profile->frames[profile->nodes[profile->samples[1].node].frame].kernel);
    assert_null(profile->frames[profile->nodes[profile->samples[3].node].frame].function);
    assert_int_equal(profile->unknown, 1);
    assert_true(isnan(profile->samples[0].time_ns));
    tare_profile_free(profile);
}

static void what_is_not_folded_is_refused(void **state)
{
    (void)state;
    assert_null(read_folded("a;b\n"));
    assert_string_equal(message, "line 1 is no folded stack, as 'a;b;c 12' is one");
    assert_null(read_folded("\n"));
    assert_string_equal(message, "there are no stacks in it");
    struct tare_profile *profile = read_folded("a;b 1\nbad\n");
    assert_string_equal(message, "1 line is left out: 1 no stack (line 2)");
    tare_profile_free(profile);
}

/* "f;f; ... ;f 1", of `depth` calls. */
static char *deep_folded(size_t depth)
{
    char *text = malloc(2 * depth + 32);
    assert_non_null(text);
    char *at = text;
    for (size_t i = 0; i < depth; i++) {
        *at++ = 'f';
        *at++ = ';';
    }
    strcpy(at - 1, " 1\nmain 2\n");
    return text;
}

static void what_is_left_out_of_folded_stacks_is_said(void **state)
{
    (void)state;
    struct tare_profile *profile = read_folded("a 9223372036854775807\nb 5\na 99999999999999999999\nc\n");
    assert_non_null(profile);
    assert_int_equal(profile->sample_count, 1);
    assert_string_equal(message, "3 lines are left out: 1 no stack (line 4), 1 with a number that is too large "
                                 "(line 3), 1 with which the sum of the numbers would be too large (line 2)");
    tare_profile_free(profile);
    profile = read_folded("a 9223372036854775808\nb 5\na 18446744073709551616\n");
    assert_non_null(profile);
    assert_string_equal(message, "2 lines are left out: 2 with a number that is too large (the first: line 1)");
    tare_profile_free(profile);
    assert_null(read_folded("a 9223372036854775808\n"));
    assert_string_equal(message,
                        "line 1 has a number that is too large: up to 9223372036854775807 can be read");

    char *text = deep_folded(20000); /* as deep as the line is long */
    profile = read_folded(text);
    assert_non_null(profile);
    assert_string_equal(message, "");
    assert_int_equal(profile->node_count, 20001);
    tare_profile_free(profile);
    free(text);
    text = deep_folded(40000);
    profile = read_folded(text);
    assert_non_null(profile);
    assert_string_equal(message, "1 line is left out: 1 with a stack that is too deep (line 1)");
    tare_profile_free(profile);
    *strchr(text, '\n') = '\0';
    assert_null(read_folded(text));
    assert_string_equal(message,
                        "line 1 has a stack that is too deep: up to 65536 bytes of a line can be read");
    for (char *p = text; *p != '\0'; p++) {
        *p = *p == ';' ? 'g' : *p;
    }
    assert_null(read_folded(text));
    assert_string_equal(message, "line 1 has a name that is too long: up to 65536 bytes of a line can be read");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_usual_fields_are_read),
        cmocka_unit_test(inlined_frames_belong_to_what_is_around_them),
        cmocka_unit_test(other_choices_of_fields_are_read),
        cmocka_unit_test(source_lines_go_to_their_frames),
        cmocka_unit_test(the_header_says_how_it_was_recorded),
        cmocka_unit_test(samples_of_a_second_event_are_left_out_and_counted),
        cmocka_unit_test(the_event_with_the_most_samples_is_the_profile_s),
        cmocka_unit_test(very_many_events_are_counted),
        cmocka_unit_test(damaged_lines_are_counted),
        cmocka_unit_test(a_time_that_cannot_be_is_damage),
        cmocka_unit_test(a_stack_that_is_cut_is_truncated_and_said),
        cmocka_unit_test(what_is_no_perf_script_is_refused),
        cmocka_unit_test(a_sum_of_weights_that_cannot_be_is_damage),
        cmocka_unit_test(records_say_what_was_lost_and_when_it_ran),
        cmocka_unit_test(a_stack_that_ends_elsewhere_is_truncated),
        cmocka_unit_test(a_caller_that_cannot_be_code_is_left_out),
        cmocka_unit_test(what_comes_before_the_program_is_left_out),
        cmocka_unit_test(a_full_record_of_calls_is_truncated),
        cmocka_unit_test(stacks_of_the_processor_s_record_are_read),
        cmocka_unit_test(a_wait_goes_from_the_switch_away_to_the_next_run),
        cmocka_unit_test(mappings_are_read_in_both_forms),
        cmocka_unit_test(names_with_blanks_and_colons_are_names),
        cmocka_unit_test(folded_stacks_are_read),
        cmocka_unit_test(what_is_not_folded_is_refused),
        cmocka_unit_test(what_is_left_out_of_folded_stacks_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
