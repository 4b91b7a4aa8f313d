/* SPDX-License-Identifier: MIT */
/*
 * Removing a worktree: what is left is told. A git that refuses stands before the real one in PATH, as root,
 * who may run this, is refused nothing by a file's mode.
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

#include "record/folders.h"
#include "record/worktree_git.h"

static char place[] = "/tmp/tare-worktree-XXXXXX", repository[64], tree[64], refusing[64];

static int shell(const char *format, const char *first, const char *second)
{
    char line[512];
    snprintf(line, sizeof(line), format, first, second);
    return system(line);
}

static int make_repository(void **state)
{
    (void)state;
    if (tare__scratch_make(place) != 0) {
        return -1;
    }
    snprintf(repository, sizeof(repository), "%s/repository", place);
    snprintf(tree, sizeof(tree), "%s/tree", place);
    snprintf(refusing, sizeof(refusing), "%s/bin", place);
    return shell("mkdir '%s' && git -C '%s' init -q", repository, repository) == 0 &&
                   shell("git -C '%s' -c user.name=n -c user.email=e%s commit -q --allow-empty -m one",
                         repository, "") == 0 &&
                   shell("mkdir '%s' && printf '#!/bin/sh\\ncase \"$*\" in\\n"
                         "*worktree\\ remove*) echo \"fatal: not today\" >&2; exit 128;;\\nesac\\n"
                         "PATH=${PATH#*:}\\nexec git \"$@\"\\n' >'%s/git'",
                         refusing, refusing) == 0 &&
                   shell("chmod +x '%s/%s'", refusing, "git") == 0
               ? 0
               : -1;
}

static int remove_repository(void **state)
{
    (void)state;
    return tare__tree_remove(place);
}

/* As git lists them, which the test does not leave to what it tests. */
static bool is_listed(void)
{
    return shell("git -C '%s' worktree list --porcelain | grep -q -x 'worktree %s'", repository, tree) == 0;
}

static int try_to_remove(bool refused, char **message)
{
    struct tare_build_trouble trouble = {0};
    const struct tare__git git = {.folder = repository, .trouble = &trouble, .timeout_s = 30};
    char *before = strdup(getenv("PATH")), path[4096];
    snprintf(path, sizeof(path), "%s:%s", refusing, before);
    setenv("PATH", refused ? path : before, 1);
    int error = tare__git_remove(&git, tree);
    setenv("PATH", before, 1);
    free(before);
    *message = trouble.message;
    trouble.message = NULL;
    tare_build_trouble_release(&trouble);
    return error;
}

static void what_is_left_is_told(void **state)
{
    (void)state;
    char *message;
    assert_int_equal(shell("git -C '%s' worktree add -q --detach '%s'", repository, tree), 0);
    assert_true(is_listed());

    assert_int_equal(try_to_remove(true, &message), -EIO);
    assert_non_null(message);
    assert_non_null(strstr(message, tree));
    assert_non_null(strstr(message, "not today"));
    free(message);
    assert_true(is_listed());
    assert_false(tare__path_exists(tree, ""));

    assert_int_equal(try_to_remove(false, &message), 0);
    assert_null(message);
    assert_false(is_listed());
}

/* git complains, but there is nothing left. */
static void what_is_gone_is_no_error(void **state)
{
    (void)state;
    char *message;
    assert_int_equal(try_to_remove(false, &message), 0);
    assert_null(message);
    assert_int_equal(try_to_remove(true, &message), 0);
    assert_null(message);

    /* An entry whose path only begins like it. */
    assert_int_equal(shell("git -C '%s' worktree add -q --detach '%s-other'", repository, tree), 0);
    assert_int_equal(try_to_remove(true, &message), 0);
    assert_null(message);

    assert_int_equal(tare__tree_remove(repository), 0);
    assert_int_equal(try_to_remove(false, &message), 0);
    assert_null(message);
}

int main(void)
{
    if (getenv("TARE_EMULATOR") != NULL) {
        puts("skipped: starts programs, which an emulated program cannot");
        return 77;
    }
    if (system("git --version >/dev/null 2>&1") != 0) {
        puts("skipped: no git");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_left_is_told),
        cmocka_unit_test(what_is_gone_is_no_error),
    };
    return cmocka_run_group_tests(tests, make_repository, remove_repository);
}
