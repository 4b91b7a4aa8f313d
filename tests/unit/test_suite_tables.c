/* SPDX-License-Identifier: MIT */
/*
 * The tables of the suites and their programs say the same: each benchmark that a program has is in the table, with its
 * definition; each of the table is one of a program's; and a budget asks for what there is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/suite.h"
#include "harness/lines.h"
#include "result/budget.h"
#include "suites/suite.h"

enum { TEXT_BYTES = 1 << 18, SAID_ON = 9 };

extern char **environ;

static char folder[4096]; /* of the suites' programs */

static bool path_of(char *path, size_t size, const struct suite *suite, const char *file)
{
    int length = snprintf(path, size, "%s/%s/%s", folder, suite->name, file);
    assert_true(length > 0 && (size_t)length < size);
    return access(path, R_OK) == 0;
}

/* All of it; the caller frees it. */
static char *read_all(int fd, size_t *size)
{
    char *text = malloc(TEXT_BYTES);
    assert_non_null(text);
    ssize_t n;
    *size = 0;
    while (*size < TEXT_BYTES && (n = read(fd, text + *size, TEXT_BYTES - *size)) != 0) {
        assert_true(n > 0 || errno == EINTR);
        *size += n > 0 ? (size_t)n : 0;
    }
    assert_true(*size < TEXT_BYTES);
    return text;
}

static void list_of(const char *path, struct bench_list *list)
{
    int fds[2], status;
    pid_t pid;
    char *argv[] = {(char *)(uintptr_t)path, NULL}, message[512] = "", drive[64];
    snprintf(drive, sizeof(drive), "fd=%d job=list", SAID_ON);
    assert_int_equal(setenv("TARE_BENCH_DRIVE", drive, 1), 0);
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fds[1], SAID_ON);
    assert_int_equal(posix_spawn(&pid, path, &actions, NULL, argv, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    unsetenv("TARE_BENCH_DRIVE");
    close(fds[1]);
    size_t size;
    char *text = read_all(fds[0], &size);
    close(fds[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    if (bench_lines_list(text, size, list, message, sizeof(message)) != 0) {
        fail_msg("%s: %s", path, message);
    }
    free(text);
}

static bool has_bench(const struct bench_list *lists, size_t count, const struct suite *suite,
                      const struct suite_case *wanted)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < lists[i].count; j++) {
            if (suite_find_case(suite, lists[i].cases[j].bench, NULL) == wanted) {
                return true;
            }
        }
    }
    return false;
}

static bool has_name(const struct bench_list *lists, size_t count, const char *name, size_t length)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < lists[i].count; j++) {
            if (strncmp(lists[i].cases[j].name, name, length) == 0 && lists[i].cases[j].name[length] == '\0') {
                return true;
            }
        }
    }
    return false;
}

static void check_definitions(const struct suite *suite)
{
    for (size_t i = 0; i < suite->group_count; i++) {
        const struct suite_group *group = suite->groups[i];
        assert_true(group->name != NULL && group->name[0] != '\0');
        for (size_t j = 0; j < group->count; j++) {
            const char *about = group->cases[j].about;
            if (about == NULL || about[0] == '\0' || about[strlen(about) - 1] == '.' ||
                strchr(about, '\n') != NULL) {
                fail_msg("%s, %s: '%s' is no definition", suite->name, group->cases[j].bench, about);
            }
            if (suite_find_case(suite, group->cases[j].bench, NULL) != &group->cases[j]) {
                fail_msg("%s: '%s' is there twice", suite->name, group->cases[j].bench);
            }
        }
    }
}

/* Every metric is a figure of a benchmark: NAME.FIGURE, or, of a case with a point in its name, more. */
static void check_budget(const struct suite *suite, const struct bench_list *lists, size_t count)
{
    char path[4200];
    if (suite->budget == NULL || !tare_budget_available()) {
        return;
    }
    assert_true(path_of(path, sizeof(path), suite, suite->budget));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    size_t size;
    char *text = read_all(fd, &size);
    close(fd);
    struct tare_budget *budget = NULL;
    struct tare_budget_problem problem;
    if (tare_budget_parse(text, size, &budget, &problem) != 0) {
        fail_msg("%s:%zu: %s", path, problem.line, problem.message);
    }
    for (size_t i = 0; i < budget->count; i++) {
        const char *metric = budget->entries[i].metric, *point = strchr(metric, '.');
        if (point == NULL || !has_name(lists, count, metric, (size_t)(point - metric))) {
            fail_msg("%s:%zu: '%s' is of no benchmark", path, budget->entries[i].line, metric);
        }
    }
    tare_budget_free(budget);
    free(text);
}

static void check_suite(const struct suite *suite)
{
    struct bench_list *lists = calloc(suite->side_count, sizeof(*lists));
    assert_non_null(lists);
    char path[4200];
    size_t count = 0;
    check_definitions(suite);
    for (size_t i = 0; i < suite->side_count; i++) {
        if (suite->sides[i].interpreter != NULL ||
            !path_of(path, sizeof(path), suite, suite->sides[i].program)) {
            continue;
        }
        struct bench_list *list = &lists[count++];
        list_of(path, list);
        for (size_t j = 0; j < list->count; j++) {
            if (suite_find_case(suite, list->cases[j].bench, NULL) == NULL) {
                fail_msg("%s: '%s' is not in the table", path, list->cases[j].bench);
            }
        }
    }
    if (count == 0) {
        print_message("skipped: no program of '%s' was built\n", suite->name);
        free(lists);
        skip();
    }
    for (size_t i = 0; i < suite->group_count; i++) {
        for (size_t j = 0; j < suite->groups[i]->count; j++) {
            if (!has_bench(lists, count, suite, &suite->groups[i]->cases[j])) {
                fail_msg("%s: '%s' is of no program", suite->name, suite->groups[i]->cases[j].bench);
            }
        }
    }
    check_budget(suite, lists, count);
    for (size_t i = 0; i < count; i++) {
        bench_list_release(&lists[i]);
    }
    free(lists);
}

static void os_agrees(void **state)
{
    (void)state;
    check_suite(&suite_os);
}

static void syscalls_agrees(void **state)
{
    (void)state;
    check_suite(&suite_syscalls);
}

static void ffi_agrees(void **state)
{
    (void)state;
    check_suite(&suite_ffi);
}

static void suites_are_found_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; suites[i] != NULL; i++) {
        assert_ptr_equal(suite_find(suites[i]->name), suites[i]);
    }
    assert_null(suite_find("os "));
    assert_null(suite_find(""));
}

static void what_does_not_fit_is_left_out(void **state)
{
    (void)state;
    assert_true(suite_fits(70, 0, 0, 12, 58)); /* the first one is measured in any case */
    assert_true(suite_fits(20, 16, 4, 6, 58)); /* 4 s for each part so far: 56 s */
    assert_true(suite_fits(22, 16, 4, 6, 58));
    assert_false(suite_fits(22.1, 16, 4, 6, 58));
    assert_true(suite_fits(22.1, 16, 4, 5, 58));
    assert_false(suite_fits(58.1, 1e-9, 1000, 1, 58));
}

int main(void)
{
    const char *build = getenv("TARE_BUILD_DIR"), *suites_folder = getenv("TARE_SUITES_DIR");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(os_agrees),
        cmocka_unit_test(syscalls_agrees),
        cmocka_unit_test(ffi_agrees),
        cmocka_unit_test(suites_are_found_by_name),
        cmocka_unit_test(what_does_not_fit_is_left_out),
    };
    if (getenv("TARE_EMULATOR") != NULL) {
        printf("skipped: starts programs, which an emulated program cannot\n");
        return 77;
    }
    if (suites_folder == NULL && build == NULL) {
        printf("skipped: set TARE_BUILD_DIR to the folder of the build\n");
        return 77;
    }
    snprintf(folder, sizeof(folder), "%s%s", suites_folder != NULL ? suites_folder : build,
             suites_folder != NULL ? "" : "/bin/../libexec/tare/suites");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
