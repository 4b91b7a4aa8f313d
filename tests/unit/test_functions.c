/* SPDX-License-Identifier: MIT */
/* record/functions.h: the patterns; the table itself is tested in programs (behaviour/functions_are_timed.sh). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "record/functions.h"

static bool wanted(const char *globs, const char *name)
{
    bool by_name;
    return tare_functions_wanted(globs, "prog", name, &by_name);
}

static void patterns_choose_and_leave_out(void **state)
{
    (void)state;
    assert_true(wanted(NULL, "parse"));
    assert_true(wanted("parse", "parse"));
    assert_true(wanted("prog::parse", "parse"));
    assert_false(wanted("other::parse", "parse"));
    assert_true(wanted("pa*,main", "main"));
    assert_false(wanted("pa*,main", "write"));
    assert_false(wanted("*,!parse", "parse"));
    assert_false(wanted("!parse,*", "parse"));
    assert_true(wanted("!parse", "write"));
    assert_false(wanted("!prog::*", "write"));
    assert_true(wanted(",,", "write"));
}

static void a_name_without_wildcards_is_told(void **state)
{
    (void)state;
    bool by_name;
    assert_true(tare_functions_wanted("get,p*", "prog", "get", &by_name));
    assert_true(by_name);
    assert_true(tare_functions_wanted("get,p*", "prog", "put", &by_name));
    assert_false(by_name);
    assert_false(tare_functions_wanted("get,!g*", "prog", "get", &by_name));
    assert_false(by_name);
    assert_true(tare_functions_wanted(NULL, "prog", "get", &by_name));
    assert_false(by_name);
}

static void what_is_no_program_is_refused(void **state)
{
    (void)state;
    static const char *const paths[] = {"/nonexistent", "/etc/passwd", "/"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        char message[256] = "";
        struct tare_functions made;
        const struct tare_functions_request request = {.path = paths[i], .max = 100};
        assert_true(tare_functions_make(&request, &made, message, sizeof(message)) < 0);
        assert_true(message[0] != '\0' && strchr(message, '\n') == NULL);
        assert_int_equal(made.fd, -1);
        tare_functions_close(&made);
    }
}

static void a_program_without_calls_has_none(void **state)
{
    (void)state;
    char message[256] = "";
    struct tare_functions made;
    const struct tare_functions_request request = {.path = "/proc/self/exe", .max = 100};
    int result = tare_functions_make(&request, &made, message, sizeof(message));
    if (result == -ENOSYS) {
        skip();
    }
    assert_int_equal(result, -ENOENT);
    assert_non_null(strstr(message, "-finstrument-functions"));
    tare_functions_close(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_choose_and_leave_out),
        cmocka_unit_test(a_name_without_wildcards_is_told),
        cmocka_unit_test(what_is_no_program_is_refused),
        cmocka_unit_test(a_program_without_calls_has_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
