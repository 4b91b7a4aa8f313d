/* SPDX-License-Identifier: MIT */
/*
 * record/profiling.h: which mode is chosen, and what is said where one cannot work. What perf can do is made
 * up; the programs are those of this machine.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "record/binary.h"
#include "record/profiling.h"

static char sentence[] = "it cannot here";
static char *const shell[] = {(char[]){"/bin/sh"}, NULL};

/* A perf as on a machine without PMU, and one that is missing. */
static const struct tare_perf plain = {/* no path: events are not tried out */
                                       .version = (char[]){"6.1"},
                                       .no_lbr = sentence,
                                       .no_cycles = sentence,
                                       .no_off_cpu = sentence};
static const struct tare_perf missing = {.missing = (char[]){"perf was not found in PATH"}};

struct asked {
    struct tare_profiling_request request;
    struct tare_profiling_choice choice;
    char message[512];
    int result;
};

static struct asked ask(struct tare_profiling_request request, const struct tare_perf *perf)
{
    struct asked asked = {.request = request};
    asked.request.pin_cpu = -1;
    asked.result =
        tare_profiling_choose(&asked.request, perf, &asked.choice, asked.message, sizeof(asked.message));
    if (asked.result != 0) {
        assert_int_not_equal(asked.message[0], '\0');
        assert_null(strchr(asked.message, '\n'));
        assert_null(asked.choice.reason);
    } else {
        assert_non_null(asked.choice.reason);
        assert_non_null(asked.choice.event);
    }
    return asked;
}

/* What is to be asked for, besides the shell and the sampler's library. */
#define REQUEST(wanted, ...)                                                                                   \
    (struct tare_profiling_request)                                                                            \
    {                                                                                                          \
        .argv = shell, .library = "/lib/libtare-profile.so", .mode = TARE_MODE_##wanted, __VA_ARGS__           \
    }

static void expect_mode(struct asked asked, enum tare_profiling_mode mode, const char *event)
{
    if (asked.result != 0 || asked.choice.mode != mode) {
        fail_msg("mode %d, %s", (int)asked.choice.mode, asked.message);
    }
    assert_string_equal(asked.choice.event, event);
    tare_profiling_choice_release(&asked.choice);
}

static void expect_refusal(struct asked asked, const char *text)
{
    if (asked.result != -ENOTSUP || strstr(asked.message, text) == NULL) {
        fail_msg("%d: '%s' has no '%s'", asked.result, asked.message, text);
    }
    tare_profiling_choice_release(&asked.choice);
}

static void words_stand_for_modes(void **state)
{
    (void)state;
    enum tare_profiling_mode mode;
    for (unsigned i = 0; i <= TARE_MODE_AUTO; i++) {
        const char *name = tare_profiling_mode_name((enum tare_profiling_mode)i);
        assert_true(tare_profiling_mode_parse(name, &mode));
        assert_int_equal(mode, i);
    }
    assert_false(tare_profiling_mode_parse("", &mode));
    assert_false(tare_profiling_mode_parse("FP", &mode));
}

static void the_best_that_perf_can_do_is_taken(void **state)
{
    (void)state;
    struct tare_perf with_lbr = plain;
    with_lbr.no_lbr = with_lbr.no_cycles = NULL;
    expect_mode(ask(REQUEST(AUTO, .pid = 0), &with_lbr), TARE_MODE_LBR, "cycles");
    struct asked by_time = ask(REQUEST(AUTO, .pid = 0), &plain);
    expect_mode(ask(REQUEST(AUTO, .off_cpu = true), &(struct tare_perf){.version = plain.version}),
                by_time.choice.mode, "off-cpu");
    tare_profiling_choice_release(&by_time.choice);
    struct tare_binary binary;
    char message[256];
    if (tare_binary_read("/bin/sh", NULL, &binary, message, sizeof(message)) != 0 ||
        binary.profiling[TARE_PROFILING_FP].works == TARE_WORKS_YES) {
        tare_binary_release(&binary);
        skip(); /* the shell keeps frame pointers here, or cannot be judged */
    }
    tare_binary_release(&binary);
    expect_mode(ask(REQUEST(AUTO, .pid = 0), &plain), TARE_MODE_DWARF, "cpu-clock");
    expect_mode(ask(REQUEST(AUTO, .event = "page-faults"), &plain), TARE_MODE_DWARF, "page-faults");
    /* An event that is not by the processor's branches. */
    expect_mode(ask(REQUEST(AUTO, .event = "page-faults"), &with_lbr), TARE_MODE_DWARF, "page-faults");
}

static void without_perf_it_is_the_built_in_sampler(void **state)
{
    (void)state;
    struct asked asked = ask(REQUEST(AUTO, .pid = 0), &missing);
    assert_int_equal(asked.result, 0);
    assert_string_equal(asked.choice.reason, "perf was not found in PATH");
    expect_mode(asked, TARE_MODE_BUILT_IN, "cpu-clock");
    expect_mode(ask(REQUEST(AUTO, .off_cpu = true), &missing), TARE_MODE_BUILT_IN, "wall-clock");
    expect_mode(ask(REQUEST(AUTO, .off_cpu = true), &plain), TARE_MODE_BUILT_IN, "wall-clock");
    expect_mode(ask(REQUEST(AUTO, .by_timer = true), &plain), TARE_MODE_BUILT_IN, "cpu-clock");
    expect_refusal(ask(REQUEST(AUTO, .event = "page-faults"), &missing), "perf was not found");
}

static void a_mode_that_cannot_work_says_why_and_what_would(void **state)
{
    (void)state;
    expect_refusal(ask(REQUEST(LBR, .pid = 0), &plain), "--mode lbr cannot work: it cannot here; --mode dwarf");
    expect_refusal(ask(REQUEST(FP, .pid = 0), &missing), "--mode built-in would");
    expect_refusal(ask(REQUEST(DWARF, .by_timer = true), &plain), "leave out --mode dwarf");
    expect_refusal(ask(REQUEST(DWARF, .off_cpu = true), &plain), "--mode built-in samples by wall");
    expect_refusal(ask(REQUEST(BUILT_IN, .event = "page-faults"), &plain), "it samples by time");
    struct tare_profiling_request without = REQUEST(BUILT_IN, .pid = 0);
    without.library = NULL;
    expect_refusal(ask(without, &plain), "no libtare-profile.so; --mode dwarf would");
    expect_refusal(ask(without, &missing), "no other mode would");
    without.mode = TARE_MODE_AUTO;
    expect_refusal(ask(without, &missing),
                   "perf was not found in PATH; and without perf, this tare has no lib");
    without.library = "/some where/libtare-profile.so";
    expect_refusal(ask(without, &missing), "space or a colon");
}

static void an_event_that_is_not_there_is_refused_before_anything_runs(void **state)
{
    (void)state;
    expect_refusal(ask(REQUEST(AUTO, .event = "cycles"), &plain), "it cannot here; without --event, cpu-clock");
    struct tare_perf refuses = plain;
    refuses.path = (char[]){"/bin/false"};
    expect_refusal(ask(REQUEST(AUTO, .event = "nonsense"), &refuses), "--event nonsense cannot be had");
    expect_refusal(ask(REQUEST(DWARF, .event = "nonsense"), &refuses), "'perf list' names those that can");
    refuses.path = (char[]){"/bin/true"};
    struct asked asked = ask(REQUEST(DWARF, .event = "sense"), &refuses);
    expect_mode(asked, TARE_MODE_DWARF, "sense");
}

static void a_running_process_needs_perf(void **state)
{
    (void)state;
    struct tare_profiling_request request = {
        .mode = TARE_MODE_AUTO, .pid = getpid(), .library = "/lib/libtare-profile.so"};
    struct asked asked = ask(request, &plain);
    assert_int_equal(asked.result, 0);
    assert_int_not_equal(asked.choice.mode, TARE_MODE_BUILT_IN);
    tare_profiling_choice_release(&asked.choice);
    expect_refusal(ask(request, &missing), "only perf can profile a process that runs: ");
    request.by_timer = true;
    expect_refusal(ask(request, &plain), "it runs already");
    request = (struct tare_profiling_request){.mode = TARE_MODE_AUTO, .pid = INT32_MAX};
    assert_int_equal(ask(request, &plain).result, -ESRCH);
}

static void a_forced_mode_with_wrong_stacks_is_done_with_a_caution(void **state)
{
    (void)state;
    struct asked asked = ask(REQUEST(FP, .pid = 0), &plain);
    assert_int_equal(asked.result, 0);
    assert_int_equal(asked.choice.mode, TARE_MODE_FP);
    struct tare_binary binary;
    char message[256];
    if (tare_binary_read("/bin/sh", NULL, &binary, message, sizeof(message)) == 0 &&
        binary.profiling[TARE_PROFILING_FP].works == TARE_WORKS_NO) {
        assert_non_null(asked.choice.caution);
        assert_non_null(strstr(asked.choice.caution, "callers are missing or wrong"));
    }
    tare_binary_release(&binary);
    tare_profiling_choice_release(&asked.choice);
}

static void programs_that_nothing_can_be_loaded_into(void **state)
{
    (void)state;
    char *argv[] = {(char[]){"/sbin/ldconfig"}, NULL}; /* static in most distributions */
    struct tare_elf_info info;
    char message[256];
    bool is_static = tare_elf_inspect(argv[0], &info, message, sizeof(message)) == 0 && info.is_static;
    tare_elf_info_release(&info);
    if (!is_static) {
        skip();
    }
    struct tare_profiling_request request = REQUEST(BUILT_IN, .pid = 0);
    request.argv = argv;
    expect_refusal(ask(request, &plain), "statically linked, and nothing can be loaded into it; --mode dwarf");
    request.mode = TARE_MODE_AUTO;
    expect_refusal(ask(request, &missing), "statically linked");
    struct asked asked = ask(request, &plain);
    assert_int_equal(asked.result, 0);
    assert_int_not_equal(asked.choice.mode, TARE_MODE_BUILT_IN);
    tare_profiling_choice_release(&asked.choice);
}

static void write_script(const char *path, const char *line)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "%s\necho\n", line);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0755), 0);
}

static void a_script_is_judged_by_what_runs_it(void **state)
{
    (void)state;
    char folder[] = "/tmp/tare-profiling-XXXXXX", path[64];
    static const char *const lines[] = {"#!/bin/sh", "#! /bin/sh -e", "#!/usr/bin/env sh",
                                        "#!/usr/bin/env -S sh -e"};
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/script", folder);
    char *argv[] = {path, NULL};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        write_script(path, lines[i]);
        struct tare_profiling_request request = REQUEST(AUTO, .pid = 0);
        request.argv = argv;
        struct asked asked = ask(request, &plain), of_shell = ask(REQUEST(AUTO, .pid = 0), &plain);
        assert_int_equal(asked.result, 0);
        assert_int_equal(asked.choice.mode, of_shell.choice.mode);
        assert_non_null(asked.choice.caution);
        assert_non_null(strstr(asked.choice.caution, "/sh', as long as it runs the script"));
        tare_profiling_choice_release(&asked.choice);
        tare_profiling_choice_release(&of_shell.choice);
    }
    write_script(path, "#!/nowhere/interpreter");
    struct tare_profiling_request request = REQUEST(AUTO, .pid = 0);
    request.argv = argv;
    struct asked asked = ask(request, &plain); /* exec will say what is wrong */
    assert_int_equal(asked.result, 0);
    tare_profiling_choice_release(&asked.choice);
    unlink(path);
    rmdir(folder);
    assert_int_equal(ask(request, &plain).result, -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_stand_for_modes),
        cmocka_unit_test(the_best_that_perf_can_do_is_taken),
        cmocka_unit_test(without_perf_it_is_the_built_in_sampler),
        cmocka_unit_test(a_mode_that_cannot_work_says_why_and_what_would),
        cmocka_unit_test(an_event_that_is_not_there_is_refused_before_anything_runs),
        cmocka_unit_test(a_running_process_needs_perf),
        cmocka_unit_test(a_forced_mode_with_wrong_stacks_is_done_with_a_caution),
        cmocka_unit_test(programs_that_nothing_can_be_loaded_into),
        cmocka_unit_test(a_script_is_judged_by_what_runs_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
