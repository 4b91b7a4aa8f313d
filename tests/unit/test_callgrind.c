/* SPDX-License-Identifier: MIT */
/*
 * record/callgrind.h: the format of its files, well-formed and not; how it fails, with made-up programs in the
 * place of valgrind; and the real one, where it is installed.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "record/callgrind.h"

static int total_of(const char *text, uint64_t *total)
{
    FILE *file = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
    assert_non_null(file);
    int result = tare_callgrind_total(file, total);
    fclose(file);
    return result;
}

static void totals_are_found_and_added(void **state)
{
    (void)state;
    uint64_t total;
    assert_int_equal(
        total_of("# callgrind format\nevents: Ir\nsummary: 7\nfn=(1) main\n3 12\n\ntotals: 12\n", &total), 0);
    assert_int_equal(total, 12);
    assert_int_equal(total_of("events: Dr Ir Dw\ntotals: 1 20 3\n", &total), 0);
    assert_int_equal(total, 20);
    assert_int_equal(total_of("events: Dr Dw Ir\ntotals: 1\n", &total), 0); /* zeros at the end are left out */
    assert_int_equal(total, 0);
    assert_int_equal(total_of("events: Ir\npart: 1\ntotals: 5\npart: 2\ntotals: 6", &total), 0);
    assert_int_equal(total, 11);
    assert_int_equal(total_of("events: Ir\ntotals: 18446744073709551615\n", &total), 0);
    assert_true(total == UINT64_MAX);
}

static void what_is_not_to_be_understood_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "\n",
        "events: Ir\n",
        "events: Ir\nsummary: 12\n", /* cut off before its end */
        "totals: 12\n",              /* of what? */
        "events: Dr Dw\ntotals: 1 2\n",
        "events: Irx\ntotals: 1\n",
        "events: Ir\ntotals: twelve\n",
        "events: Ir\ntotals: -12\n",
        "events: Ir\ntotals: 12x\n",
        "events: Ir\ntotals: 18446744073709551616\n",
        "events: Ir\ntotals: 18446744073709551615\ntotals: 1\n",
        "events: Dr Ir\ntotals: x 12\n",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        uint64_t total;
        assert_int_equal(total_of(texts[i], &total), -EBADMSG);
    }
}

static void long_lines_are_skipped(void **state)
{
    (void)state;
    enum { LENGTH = 100000 };
    char *text = malloc(LENGTH + 64);
    uint64_t total;
    assert_non_null(text);
    size_t at = (size_t)sprintf(text, "events: Ir\nfn=(1) ");
    /* What looks like a line of its own in the middle of one is none. */
    while (at < LENGTH) {
        at += (size_t)sprintf(text + at, "totals: 9 ");
    }
    strcpy(text + at, "\ntotals: 3\n");
    assert_int_equal(total_of(text, &total), 0);
    assert_int_equal(total, 3);
    free(text);
}

/* ---- a folder with a program called valgrind, and the temporary folder in which nothing may be left ---- */

static char place[64], saved_path[4096];

static int make_place(void **state)
{
    (void)state;
    char path[128];
    snprintf(place, sizeof(place), "/tmp/tare-callgrind-test-XXXXXX");
    if (mkdtemp(place) == NULL) {
        return -1;
    }
    snprintf(path, sizeof(path), "%s/100%% temporary", place); /* a '%' is valgrind's to replace */
    snprintf(saved_path, sizeof(saved_path), "%s", getenv("PATH") != NULL ? getenv("PATH") : "/usr/bin:/bin");
    return mkdir(path, 0700) == 0 && setenv("TMPDIR", path, 1) == 0 ? 0 : -1;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *position)
{
    (void)status;
    (void)type;
    (void)position;
    return remove(path);
}

static int remove_place(void **state)
{
    (void)state;
    setenv("PATH", saved_path, 1);
    unsetenv("TMPDIR");
    return nftw(place, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/*
 * A shell script that gets valgrind's arguments, and knows where its file ($out, for process 1) and log are
 * to go.
 */
static void put_valgrind(const char *script)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/valgrind", place);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fprintf(file,
            "#!/bin/sh\n"
            "for word; do case $word in\n"
            "--callgrind-out-file=*) out=$(printf '%%s' \"${word#*=}\" | sed 's/%%%%/%%/g; s/%%p/1/') ;;\n"
            "--log-file=*) log=$(printf '%%s' \"${word#*=}\" | sed 's/%%%%/%%/g; s/%%p/1/') ;;\n"
            "esac; done\n%s\n",
            script);
    assert_int_equal(fchmod(fileno(file), 0700), 0);
    assert_int_equal(fclose(file), 0);
    char with_place[4200];
    snprintf(with_place, sizeof(with_place), "%s:%s", place, saved_path);
    setenv("PATH", with_place, 1);
}

struct counted {
    struct tare_block_outcome outcome; /* released */
    int error;
    double instructions;
    char message[TARE_CALLGRIND_MESSAGE];
};

static struct counted count(const char *program, const char *const argv[], double timeout_s)
{
    struct counted counted;
    const struct tare_block_request request = {.path = program,
                                               .argv = (char *const *)(uintptr_t)argv,
                                               .lines_fd = -1,
                                               .pin_cpu = -1,
                                               .timeout_s = timeout_s};
    counted.error = tare_callgrind_run(&request, &counted.outcome, &counted.instructions, counted.message,
                                       sizeof(counted.message));
    assert_non_null(counted.outcome.text);
    assert_non_null(counted.outcome.output);
    tare_block_release(&counted.outcome);
    assert_int_equal(isnan(counted.instructions) != 0, counted.error != 0);
    assert_int_equal(rmdir(getenv("TMPDIR")), 0); /* nothing is in it */
    assert_int_equal(mkdir(getenv("TMPDIR"), 0700), 0);
    return counted;
}

static struct counted count_true(void)
{
    const char *const argv[] = {"true", NULL};
    return count("/bin/true", argv, 30);
}

static void without_valgrind_it_says_so(void **state)
{
    (void)state;
    setenv("PATH", place, 1);
    struct counted counted = count_true();
    assert_int_equal(counted.error, -ENOENT);
    assert_non_null(strstr(counted.message, "cannot find 'valgrind'"));
}

static void a_program_that_is_not_there_is_told_from_valgrind(void **state)
{
    (void)state;
    const char *const argv[] = {"none", NULL};
    put_valgrind("exit 1");
    struct counted counted = count("/nonexistent/program", argv, 30);
    assert_int_equal(counted.error, -ENOENT);
    assert_non_null(strstr(counted.message, "'/nonexistent/program'"));
}

static void its_failures_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *script;
        int error;
        const char *message;
    } cases[] = {
        {"echo 'valgrind: no room' >&2; exit 1", -ECHILD, "no room"},
        {"exit 0", -ECHILD, "nothing"},
        {"echo nonsense >\"$out\"", -EBADMSG, "not to be understood"},
        {": >\"$out\"", -EBADMSG, "not to be understood"},
        {"kill -9 $$", -ECHILD, "signal 9"},
        {"echo '==1== valgrind: Unrecognised instruction at address 0x1.' >\"$log\"; kill -ILL $$", -ENOTSUP,
         "instruction"},
        {"ln -s /etc/passwd \"$out\"", -EIO, ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        put_valgrind(cases[i].script);
        struct counted counted = count_true();
        assert_int_equal(counted.error, cases[i].error);
        assert_non_null(strstr(counted.message, cases[i].message));
        assert_null(strchr(counted.message, '\n'));
    }
}

static void a_time_limit_holds(void **state)
{
    (void)state;
    const char *const argv[] = {"true", NULL};
    put_valgrind("exec sleep 50");
    struct counted counted = count("/bin/true", argv, 0.3);
    assert_int_equal(counted.error, -ETIMEDOUT);
    assert_int_equal(counted.outcome.end, TARE_END_TIMEOUT);
}

static void processes_are_added_up_but_those_that_were_forked(void **state)
{
    (void)state;
    put_valgrind(
        "write() { printf '==%s== Command: %s\\n==%s== Parent PID: %s\\n' $1 \"$3\" $1 $2 >\"${log%1}$1\"\n"
        "printf 'events: Ir\\ntotals: %s\\n' $4 >\"${out%1}$1\"; }\n"
        "write 11 1 'sh -c x' 1000; write 12 11 true 200; write 13 11 'sh -c x' 1001; write 14 13 true 30\n"
        "exit 3");
    struct counted counted = count_true();
    assert_int_equal(counted.error, 0);
    assert_true(counted.instructions == 1230);
    assert_int_equal(counted.outcome.code, 3);
    assert_non_null(strstr(counted.message, "1 process that"));
}

static void valgrind_itself_counts(void **state)
{
    (void)state;
    const char *const one[] = {"sh", "-c", "exit 3", NULL};
    const char *const more[] = {"sh", "-c", "i=0; while [ $i -lt 1000 ]; do i=$((i+1)); done", NULL};
    struct counted counted = count("/bin/sh", one, 50), again = count("/bin/sh", one, 50);
    if (counted.error == -ENOENT || counted.error == -ENOTSUP) {
        print_message("skipped: %s\n", counted.message);
        skip();
    }
    assert_int_equal(counted.error, 0);
    assert_string_equal(counted.message, "");
    assert_int_equal(counted.outcome.code, 3);
    assert_true(counted.instructions > 10000);
    assert_true(fabs(counted.instructions - again.instructions) < 0.02 * counted.instructions);
    struct counted counted_more = count("/bin/sh", more, 50);
    assert_int_equal(counted_more.error, 0);
    assert_int_equal(counted_more.outcome.code, 0);
    assert_true(counted_more.instructions > counted.instructions + 100000);
}

int main(void)
{
    if (getenv("TARE_EMULATOR") != NULL) {
        puts("skipped: starts programs, which an emulated program cannot");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(totals_are_found_and_added),
        cmocka_unit_test(what_is_not_to_be_understood_is_refused),
        cmocka_unit_test(long_lines_are_skipped),
        cmocka_unit_test_setup_teardown(without_valgrind_it_says_so, make_place, remove_place),
        cmocka_unit_test_setup_teardown(a_program_that_is_not_there_is_told_from_valgrind, make_place,
                                        remove_place),
        cmocka_unit_test_setup_teardown(its_failures_are_told_apart, make_place, remove_place),
        cmocka_unit_test_setup_teardown(a_time_limit_holds, make_place, remove_place),
        cmocka_unit_test_setup_teardown(processes_are_added_up_but_those_that_were_forked, make_place,
                                        remove_place),
        cmocka_unit_test_setup_teardown(valgrind_itself_counts, make_place, remove_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
