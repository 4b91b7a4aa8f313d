/* SPDX-License-Identifier: MIT */
/*
 * record/perf.c and record/perf_look.c: perf's command line; perfs that are missing, too old or refuse, made up in its
 * place; and the real one, where it is installed and allowed.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "record/perf_child.h"
#include "record/perf_parts.h"
#include "record/profiling.h"

static char place[64], message[400];

static int make_place(void **state)
{
    (void)state;
    snprintf(place, sizeof(place), "/tmp/test-perf-XXXXXX");
    return mkdtemp(place) != NULL ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static int remove_place(void **state)
{
    (void)state;
    return nftw(place, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* A script in the place of perf; returns its path. */
static const char *make_perf(const char *script)
{
    static char path[96];
    snprintf(path, sizeof(path), "%s/perf", place);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "#!/bin/sh\n%s\n", script);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0755), 0);
    return path;
}

static void expect_missing(const char *perf, const char *part)
{
    struct tare_perf found;
    assert_int_equal(tare_perf_look(perf, &found), 0);
    assert_non_null(found.missing);
    if (strstr(found.missing, part) == NULL) {
        fail_msg("'%s' does not say '%s'", found.missing, part);
    }
    tare_perf_release(&found);
}

static void why_perf_cannot_be_used_is_said(void **state)
{
    (void)state;
    expect_missing("/nonexistent/perf", "'/nonexistent/perf' cannot be run");
    expect_missing("no-such-perf", "perf is not installed");
    expect_missing(make_perf("echo 'perf version 3.16.7'"), "perf 3.16.7 is too old: 4.4 or later is needed");
    expect_missing(make_perf("echo 'WARNING: perf not found for kernel 9.9' >&2; exit 2"),
                   "does not say its version: WARNING: perf not found for kernel 9.9");
    expect_missing(make_perf("exit 0"), "does not say its version");
}

/* The kernel's refusal comes first, where it refuses. */
static void a_perf_that_does_not_record_is_found_out(void **state)
{
    (void)state;
    struct tare_perf found;
    assert_int_equal(tare_perf_look(make_perf("[ $1 != --version ] || { echo 'perf version 6.1.0'; exit; }\n"
                                              "echo 'Error:' >&2; echo 'the disk is on fire.' >&2; exit 1"),
                                    &found),
                     0);
    assert_non_null(found.missing);
    if (strstr(found.missing, "perf_event") == NULL) {
        assert_string_equal(found.missing, "perf 6.1.0 does not record here: the disk is on fire");
    }
    assert_string_equal(found.version, "6.1.0");
    tare_perf_release(&found);
}

static void a_perf_that_does_nothing_is_ended_and_counts_as_missing(void **state)
{
    (void)state;
    expect_missing(make_perf("exec sleep 300"),
                   "does not say its version: it did nothing for 5 s, and was ended");
}

static char *joined(char **argv)
{
    static char text[1024];
    text[0] = '\0';
    assert_non_null(argv);
    for (char **word = argv; *word != NULL; word++) {
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", word == argv ? "" : " ", *word);
        free(*word);
    }
    free(argv);
    return text;
}

static void the_command_line_is_what_was_asked_for(void **state)
{
    (void)state;
    static char prog[] = "./prog", one[] = "a b", path[] = "/usr/bin/perf", version[] = "6.1.187", no[] = "no";
    char *argv[] = {prog, one, NULL};
    static char clock[] = "cpu-clock";
    struct tare_profiling_request request = {.argv = argv, .pin_cpu = -1};
    struct tare_profiling_choice choice = {.mode = TARE_MODE_DWARF, .event = clock};
    struct tare_perf perf = {.path = path, .version = version};
    assert_string_equal(joined(tare_perf_argv(&request, &choice, &perf, "DATA")),
                        "perf record -q -B -N --clockid=monotonic --no-bpf-event --buildid-mmap -F 99 -e "
                        "cpu-clock --call-graph dwarf,8192 -o DATA -- ./prog a b");
    choice.mode = TARE_MODE_FP;
    perf.no_kernel = no;
    version[0] = '4';
    request.frequency_hz = 49;
    assert_string_equal(joined(tare_perf_argv(&request, &choice, &perf, "DATA")),
                        "perf record -q -B -N --clockid=monotonic -F 49 -e cpu-clock --all-user "
                        "--call-graph fp -o DATA -- ./prog a b");
    choice.mode = TARE_MODE_LBR;
    perf.no_kernel = NULL;
    request = (struct tare_profiling_request){.pid = 7, .for_s = 1.5, .pin_cpu = -1};
    assert_string_equal(joined(tare_perf_argv(&request, &choice, &perf, "DATA")),
                        "perf record -q -B -N --clockid=monotonic -F 99 -e cpu-clock --call-graph lbr -o "
                        "DATA -p 7 -- sleep 1.5");
    choice.mode = TARE_MODE_DWARF;
    request =
        (struct tare_profiling_request){.argv = argv, .pin_cpu = -1, .off_cpu = true, .stack_bytes = 30001};
    const char *off = joined(tare_perf_argv(&request, &choice, &perf, "DATA"));
    assert_non_null(strstr(off, " -e context-switches -c 1 --switch-events --call-graph dwarf,30008 "));
    static char faults[] = "page-faults:u";
    choice.event = faults;
    request.off_cpu = false;
    const char *each = joined(tare_perf_argv(&request, &choice, &perf, "DATA"));
    assert_non_null(strstr(each, " -c 1 -e page-faults:u "));
    if (geteuid() == 0) { /* however many there will be */
        assert_non_null(strstr(each, " -m 16384K "));
    }
    request.frequency_hz = 49;
    assert_non_null(
        strstr(joined(tare_perf_argv(&request, &choice, &perf, "DATA")), " -F 49 -e page-faults:u "));
}

static void data_that_are_none_are_refused(void **state)
{
    (void)state;
    struct tare_profile *profile;
    char path[96];
    snprintf(path, sizeof(path), "%s/data", place);
    assert_int_equal(tare_perf_data_read(path, NULL, &profile, message, sizeof(message)), -ENOENT);
    FILE *file = fopen(path, "w");
    fputs("PERFFILE or not", file);
    fclose(file);
    assert_int_equal(tare_perf_data_read(path, NULL, &profile, message, sizeof(message)), -EBADMSG);
    assert_non_null(strstr(message, "is no data of perf"));
    file = fopen(path, "w");
    fputs("PERFILE2 and then nothing of the kind", file);
    fclose(file);
    assert_int_equal(tare_perf_data_read(path, "/nonexistent/perf", &profile, message, sizeof(message)),
                     -ENOENT);
    assert_non_null(strstr(message, "perf is not there to read it"));
    const char *perf = make_perf("echo 'incompatible file format (rerun with -v to learn more)' >&2; exit 255");
    assert_int_equal(tare_perf_data_read(path, perf, &profile, message, sizeof(message)), -EBADMSG);
    assert_non_null(strstr(message, "incompatible file format"));
    assert_null(profile);
}

/* As one does that waits for somebody to write to a pipe which it took for a map file. */
static void a_perf_script_that_does_nothing_is_ended(void **state)
{
    (void)state;
    struct tare_profile *profile = NULL;
    struct tare__perf_reading reading = {.silence_s = 1};
    char path[96];
    snprintf(path, sizeof(path), "%s/data", place);
    FILE *file = fopen(path, "w+");
    assert_non_null(file);
    fputs("PERFILE2 and more", file);
    fflush(file);
    const char *perf = make_perf("printf 'a 5/5 1.5: cycles: \\n\\t 10 main (/a)\\n\\n'; exec sleep 300");
    assert_int_equal(
        tare__perf_read(perf, fileno(file), path, path, &reading, &profile, message, sizeof(message)),
        -ETIMEDOUT);
    assert_non_null(strstr(message, "'perf script' printed nothing for 1 s"));
    fclose(file);
    tare_profile_free(profile);
    tare_symbols_free(reading.symbols);
}

/* One that prints now and then is waited for, however long it takes. */
static void a_perf_script_that_works_is_waited_for(void **state)
{
    (void)state;
    struct tare_profile *profile = NULL;
    struct tare__perf_reading reading = {.silence_s = 2};
    char path[96];
    snprintf(path, sizeof(path), "%s/data", place);
    FILE *file = fopen(path, "w+");
    assert_non_null(file);
    fputs("PERFILE2 and more", file);
    fflush(file);
    const char *perf = make_perf("for i in 1 2 3; do sleep 1; echo '# said'; done\n"
                                 "printf 'a 5/5 1.5: cycles: \\n\\t 10 main (/a)\\n\\n'");
    assert_int_equal(
        tare__perf_read(perf, fileno(file), path, path, &reading, &profile, message, sizeof(message)), 0);
    assert_int_equal(profile->sample_count, 1);
    fclose(file);
    tare_profile_free(profile);
    tare_symbols_free(reading.symbols);
}

/* What an older perf does not know is asked for again without it. */
static void an_older_perf_script_gets_a_plainer_command(void **state)
{
    (void)state;
    struct tare_profile *profile;
    char path[96];
    snprintf(path, sizeof(path), "%s/data", place);
    FILE *file = fopen(path, "w");
    fputs("PERFILE2 and more", file);
    fclose(file);
    const char *perf =
        make_perf("case \"$*\" in *--show-lost-events*) echo \"Error: unknown option\" >&2; exit 129;; esac\n"
                  "printf 'a 5/5 1.5: cycles: \\n\\t 10 main (/a)\\n\\n'");
    assert_int_equal(tare_perf_data_read(path, perf, &profile, message, sizeof(message)), 0);
    assert_int_equal(profile->sample_count, 1);
    assert_string_equal(profile->unit, "samples");
    tare_profile_free(profile);
}

/* ---- the real one ---- */

static bool look(struct tare_perf *perf)
{
    assert_int_equal(tare_perf_look(NULL, perf), 0);
    if (perf->missing != NULL) {
        print_message("skipped: %s\n", perf->missing);
        tare_perf_release(perf);
        return false;
    }
    return true;
}

static char shell[] = "/bin/sh", dash_c[] = "-c";
static char busy[] = "i=0; while [ $i -lt 300000 ]; do i=$((i + 1)); done; exit 7";

static void a_program_is_recorded_and_its_code_known(void **state)
{
    (void)state;
    struct tare_perf perf;
    if (!look(&perf)) {
        skip();
    }
    char *argv[] = {shell, dash_c, busy, NULL};
    static char clock[] = "cpu-clock", reason[] = "so it was chosen";
    const enum tare_profiling_mode modes[] = {TARE_MODE_FP, TARE_MODE_DWARF};
    for (size_t i = 0; i < 2; i++) {
        struct tare_profiling_request request = {.argv = argv, .pin_cpu = -1, .frequency_hz = 997};
        struct tare_profiling_choice choice = {.mode = modes[i], .event = clock, .reason = reason};
        struct tare_profiling_outcome outcome;
        struct tare_profile *profile = NULL;
        int error = tare_perf_record(&request, &choice, &perf, &profile, &outcome, message, sizeof(message));
        if (error != 0) {
            fail_msg("%s", message);
        }
        assert_int_equal(outcome.program.end, TARE_END_EXITED);
        assert_int_equal(outcome.program.code, 7);
        assert_true(outcome.program.wall_ns > 0);
        assert_string_equal(profile->mode, i == 0 ? "fp" : "dwarf");
        assert_string_equal(profile->reason, reason);
        assert_string_equal(profile->event, "cpu-clock");
        assert_string_equal(profile->unit, "ns");
        assert_true(profile->sample_count > 0);
        assert_int_equal(profile->samples[profile->sample_count / 2].weight / 1000, 1003);
        assert_int_not_equal(profile->lost, TARE_PROFILE_UNKNOWN);
        assert_true(profile->process_count > 0);
        assert_string_equal(profile->processes[0].command, "sh");
        tare_profile_free(profile);
        tare_profiling_outcome_release(&outcome);
    }
    tare_perf_release(&perf);
}

static void what_cannot_be_run_is_said(void **state)
{
    (void)state;
    struct tare_perf perf;
    if (!look(&perf)) {
        skip();
    }
    char missing[] = "/nonexistent/program", clock[] = "cpu-clock", *argv[] = {missing, NULL};
    struct tare_profiling_request request = {.argv = argv, .pin_cpu = -1};
    struct tare_profiling_choice choice = {.mode = TARE_MODE_FP, .event = clock};
    struct tare_profiling_outcome outcome;
    struct tare_profile *profile = NULL;
    assert_int_equal(tare_perf_record(&request, &choice, &perf, &profile, &outcome, message, sizeof(message)),
                     -ENOENT);
    assert_true(outcome.not_started);
    assert_string_equal(message, "cannot run '/nonexistent/program': No such file or directory");
    tare_profiling_outcome_release(&outcome);
    request.frequency_hz = 1e9;
    assert_int_equal(tare_perf_record(&request, &choice, &perf, &profile, &outcome, message, sizeof(message)),
                     -EINVAL);
    assert_non_null(strstr(message, "use -F "));
    tare_profiling_outcome_release(&outcome);
    setenv("TMPDIR", "/nonexistent", 1);
    request.frequency_hz = 99;
    assert_int_equal(tare_perf_record(&request, &choice, &perf, &profile, &outcome, message, sizeof(message)),
                     -ENOENT);
    unsetenv("TMPDIR");
    assert_non_null(strstr(message, "set TMPDIR"));
    tare_profiling_outcome_release(&outcome);
    tare_perf_release(&perf);
}

static void where_a_program_waits_is_recorded(void **state)
{
    (void)state;
    struct tare_perf perf;
    if (!look(&perf)) {
        skip();
    }
    if (perf.no_off_cpu != NULL) {
        print_message("skipped: %s\n", perf.no_off_cpu);
        tare_perf_release(&perf);
        skip();
    }
    char sleeper[] = "/bin/sleep", time[] = "0.3", *argv[] = {sleeper, time, NULL};
    struct tare_profiling_request request = {.argv = argv, .pin_cpu = -1, .off_cpu = true};
    struct tare_profiling_choice choice = {.mode = TARE_MODE_DWARF};
    struct tare_profiling_outcome outcome;
    struct tare_profile *profile = NULL;
    if (tare_perf_record(&request, &choice, &perf, &profile, &outcome, message, sizeof(message)) != 0) {
        fail_msg("%s", message);
    }
    uint64_t longest = 0;
    for (size_t i = 0; i < profile->sample_count; i++) {
        longest = profile->samples[i].weight > longest ? profile->samples[i].weight : longest;
    }
    assert_true(profile->off_cpu);
    assert_string_equal(profile->event, "off-cpu");
    assert_in_range(longest, 290000000, 5000000000);
    tare_profile_free(profile);
    tare_profiling_outcome_release(&outcome);
    tare_perf_release(&perf);
}

/* What perf would have recorded into a pipe. */
static void copy_stream(const char *from, const char *to)
{
    pid_t writer;
    char block[65536];
    ssize_t n;
    int fd = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    int stream = tare__perf_stream(fd, &writer);
    assert_true(stream >= 0);
    while ((n = read(stream, block, sizeof(block))) > 0) {
        assert_int_equal(write(out, block, (size_t)n), n);
    }
    assert_int_equal(n, 0);
    assert_int_equal(waitpid(writer, NULL, 0), writer);
    close(stream);
    close(out);
    close(fd);
}

/* The data as a file, and as the stream that is made of large ones, are the same to the reader. */
static void kept_data_can_be_read_again(void **state)
{
    (void)state;
    struct tare_perf perf;
    if (!look(&perf)) {
        skip();
    }
    char path[96], clock[] = "cpu-clock", *argv[] = {shell, dash_c, busy, NULL};
    snprintf(path, sizeof(path), "%s/kept", place);
    struct tare_profiling_request request = {
        .argv = argv, .pin_cpu = -1, .frequency_hz = 997, .keep_data = path};
    struct tare_profiling_choice choice = {.mode = TARE_MODE_DWARF, .event = clock};
    struct tare_profiling_outcome outcome;
    struct tare_profile *profile = NULL, *again = NULL;
    if (tare_perf_record(&request, &choice, &perf, &profile, &outcome, message, sizeof(message)) != 0) {
        fail_msg("%s", message);
    }
    if (tare_perf_data_read(path, NULL, &again, message, sizeof(message)) != 0) {
        fail_msg("%s", message);
    }
    assert_string_equal(message, "");
    assert_string_equal(again->mode, "perf-script");
    /* perf was there before the program's exec, and what it took then is in its data alone. */
    const size_t samples = again->sample_count, nodes = again->node_count;
    assert_in_range(samples, profile->sample_count, profile->sample_count + 100); /* 0.1 s */
    assert_true(nodes >= profile->node_count);
    tare_profile_free(again);
    char stream[96];
    snprintf(stream, sizeof(stream), "%s/stream", place);
    copy_stream(path, stream);
    if (tare_perf_data_read(stream, NULL, &again, message, sizeof(message)) != 0) {
        fail_msg("%s", message);
    }
    assert_int_equal(again->sample_count, samples);
    assert_int_equal(again->node_count, nodes);
    assert_string_equal(again->event, profile->event);
    tare_profile_free(profile);
    tare_profile_free(again);
    tare_profiling_outcome_release(&outcome);
    tare_perf_release(&perf);
}

int main(void)
{
    if (getenv("TARE_EMULATOR") != NULL) {
        puts("skipped: starts programs, which an emulated program cannot");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(why_perf_cannot_be_used_is_said, make_place, remove_place),
        cmocka_unit_test_setup_teardown(a_perf_that_does_not_record_is_found_out, make_place, remove_place),
        cmocka_unit_test_setup_teardown(a_perf_that_does_nothing_is_ended_and_counts_as_missing, make_place,
                                        remove_place),
        cmocka_unit_test(the_command_line_is_what_was_asked_for),
        cmocka_unit_test_setup_teardown(data_that_are_none_are_refused, make_place, remove_place),
        cmocka_unit_test_setup_teardown(a_perf_script_that_does_nothing_is_ended, make_place, remove_place),
        cmocka_unit_test_setup_teardown(a_perf_script_that_works_is_waited_for, make_place, remove_place),
        cmocka_unit_test_setup_teardown(an_older_perf_script_gets_a_plainer_command, make_place, remove_place),
        cmocka_unit_test(a_program_is_recorded_and_its_code_known),
        cmocka_unit_test(what_cannot_be_run_is_said),
        cmocka_unit_test(where_a_program_waits_is_recorded),
        cmocka_unit_test_setup_teardown(kept_data_can_be_read_again, make_place, remove_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
