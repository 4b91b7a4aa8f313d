/* SPDX-License-Identifier: MIT */
/*
 * The histogram's formulae in tare/page.h: every value has one bucket, the buckets cover everything without
 * gaps, and the middle of one is within 1/32 of each value in it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <tare/page.h>

static void buckets_follow_each_other(void **state)
{
    (void)state;
    assert_int_equal(TARE_BUCKET_COUNT, 720);
    uint64_t next = 0;
    for (uint32_t i = 0; i < TARE_BUCKET_COUNT; i++) {
        assert_true(tare_bucket_low(i) == next);
        next += tare_bucket_width(i);
    }
    assert_true(next == UINT64_C(1) << TARE_BUCKET_TOP);
}

static void of_low_and_width_agree(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < TARE_BUCKET_COUNT; i++) {
        uint64_t low = tare_bucket_low(i), width = tare_bucket_width(i);
        assert_int_equal(tare_bucket_of(low), i);
        assert_int_equal(tare_bucket_of(low + width / 2), i);
        assert_int_equal(tare_bucket_of(low + width - 1), i);
        if (i > 0) {
            assert_int_equal(tare_bucket_of(low - 1), i - 1);
        }
    }
}

static void values_beyond_the_top_are_in_the_last(void **state)
{
    (void)state;
    for (unsigned bit = TARE_BUCKET_TOP; bit < 64; bit++) {
        assert_int_equal(tare_bucket_of(UINT64_C(1) << bit), TARE_BUCKET_COUNT - 1);
    }
    assert_int_equal(tare_bucket_of(UINT64_MAX), TARE_BUCKET_COUNT - 1);
}

/* 32 x |low + width/2 - value| <= value, in integers (both sides doubled). */
static void check_value(uint64_t value)
{
    uint32_t index = tare_bucket_of(value);
    uint64_t low = tare_bucket_low(index), width = tare_bucket_width(index);
    assert_true(value >= low && value - low < width);
    if (width == 1) {
        return; /* exact */
    }
    uint64_t twice_middle = 2 * low + width;
    uint64_t distance = twice_middle > 2 * value ? twice_middle - 2 * value : 2 * value - twice_middle;
    assert_true(32 * distance <= 2 * value);
}

static void middle_is_within_a_32nd(void **state)
{
    (void)state;
    for (uint64_t value = 0; value < 1 << 16; value++) {
        check_value(value);
    }
    for (unsigned bit = 16; bit < TARE_BUCKET_TOP; bit++) { /* around every power of two, and between */
        uint64_t power = UINT64_C(1) << bit;
        for (uint64_t i = 0; i < 512; i++) {
            check_value(power - 1 - i);
            check_value(power + i);
            check_value(power + (power >> 9) * i);
            check_value(power + (power >> 9) * (i + 1) - 1);
        }
    }
}

static void index_never_falls_as_values_rise(void **state)
{
    (void)state;
    uint32_t last = 0;
    for (uint64_t value = 1; value < UINT64_C(1) << 63; value += value / 100 + 1) {
        uint32_t index = tare_bucket_of(value);
        assert_true(index >= last && index < TARE_BUCKET_COUNT);
        last = index;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buckets_follow_each_other),
        cmocka_unit_test(of_low_and_width_agree),
        cmocka_unit_test(values_beyond_the_top_are_in_the_last),
        cmocka_unit_test(middle_is_within_a_32nd),
        cmocka_unit_test(index_never_falls_as_values_rise),
    };
    return cmocka_run_group_tests_name("bucket", tests, NULL, NULL);
}
