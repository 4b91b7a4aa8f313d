/* SPDX-License-Identifier: MIT */
/* The choice of the clock, by what its readings cost: figures measured somewhere, and this machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runtime/clock.h"

static void a_counter_is_avoided_if_it_is_dear_and_the_clock_is_not(void **state)
{
    (void)state;
    static const struct {
        uint64_t counter_ns, clock_ns;
        enum tare__counter expected;
    } cases[] = {
        {0, 0, TARE__COUNTER_DIRECT},
        {20, 25, TARE__COUNTER_DIRECT},   /* an instruction, and the vDSO that holds one */
        {20, 2000, TARE__COUNTER_DIRECT}, /* a kernel that reads hpet */
        {90, 40, TARE__COUNTER_DIRECT},   /* a slow processor: dearer, but no trap */
        {150, 1, TARE__COUNTER_DIRECT},
        {151, 1, TARE__COUNTER_AVOIDED},
        {2280, 130, TARE__COUNTER_AVOIDED}, /* a signal handler, and a system call */
        {1200, 1225, TARE__COUNTER_DEAR},   /* the vDSO reads the counter, too */
        {1230, 1200, TARE__COUNTER_DEAR},   /* and that the two differ is noise */
        {1501, 1200, TARE__COUNTER_AVOIDED},
        {1500, 1200, TARE__COUNTER_DEAR},
        {400, 900, TARE__COUNTER_DEAR}, /* an emulator, in which system calls are slow */
        {UINT64_MAX, UINT64_MAX / 2, TARE__COUNTER_AVOIDED},
        {1, UINT64_MAX, TARE__COUNTER_DIRECT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (tare__clock_judge(cases[i].counter_ns, cases[i].clock_ns) != cases[i].expected) {
            fail_msg("case %zu: is %d, should be %d", i,
                     (int)tare__clock_judge(cases[i].counter_ns, cases[i].clock_ns), (int)cases[i].expected);
        }
    }
}

static void what_is_asked_for_is_taken_if_it_can_be_read(void **state)
{
    (void)state;
    for (uint32_t kind = TARE_CLOCK_TSC_ORDERED; kind <= TARE_CLOCK_CLOCK; kind++) {
        bool traps;
        if (tare__clock_usable(kind)) {
            assert_int_equal(tare__clock_choose(kind, &traps), kind);
        } else {
            assert_int_equal(tare__clock_choose(kind, &traps), TARE_CLOCK_CLOCK);
            assert_false(traps);
        }
    }
}

static void the_default_is_not_a_counter_that_is_avoided(void **state)
{
    (void)state;
    bool traps;
    uint32_t kind = tare__clock_choose(TARE_CLOCK_NONE, &traps);
    assert_true(kind == TARE_CLOCK_TSC_ORDERED || kind == TARE_CLOCK_CLOCK);
    if (kind == TARE_CLOCK_TSC_ORDERED) {
        assert_true(tare__clock_usable(kind));
        assert_int_not_equal(tare__clock_counter(kind), TARE__COUNTER_AVOIDED);
    }
    assert_int_equal(tare__clock_choose(77, &traps), kind); /* one that does not exist is none */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_counter_is_avoided_if_it_is_dear_and_the_clock_is_not),
        cmocka_unit_test(what_is_asked_for_is_taken_if_it_can_be_read),
        cmocka_unit_test(the_default_is_not_a_counter_that_is_avoided),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
