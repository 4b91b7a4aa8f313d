/* SPDX-License-Identifier: MIT */
/* record/massif.h: the format of its file, well-formed and not. The real one is run in tests/cli/stat.bats. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "record/massif.h"

static char message[256];

static int read_text(const char *text, struct tare_massif *massif)
{
    FILE *file = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
    assert_non_null(file);
    message[0] = '\0';
    int error = tare_massif_read(file, massif, message, sizeof(message));
    fclose(file);
    return error;
}

#define HEAD "desc: (none)\ncmd: ./heap a b\ntime_unit: i\n"
#define SNAPSHOT(number, time, heap, extra, stacks, tree)                                                      \
    "#-----------\nsnapshot=" #number "\n#-----------\ntime=" #time "\nmem_heap_B=" #heap                      \
    "\nmem_heap_extra_B=" #extra "\nmem_stacks_B=" #stacks "\nheap_tree=" #tree "\n"

static void the_marked_peak_and_its_sites_are_found(void **state)
{
    (void)state;
    struct tare_massif massif;
    assert_int_equal(
        read_text(
            HEAD SNAPSHOT(0, 0, 0, 0, 0, empty) SNAPSHOT(
                1, 70, 1400, 16, 8,
                peak) "n3: 1400 (heap allocation functions) malloc/new/new[], --alloc-fns, etc.\n"
                      " n0: 300 0x4848AB: ??? (in /usr/lib/libx.so)\n"
                      " n1: 1000 0x109166: grow(std::vector<int>&) (a.cc:5)\n"
                      "  n0: 1000 0x109190: main (a.cc:12)\n"
                      " n0: 100 in 3 places, all below massif's threshold (1.00%)\n" SNAPSHOT(
                          2, 100, 10, 6, 0,
                          detailed) "n1: 10 (heap allocation functions) malloc/new/new[], --alloc-fns, etc.\n"
                                    " n0: 10 0x109166: other (a.cc:5)\n",
            &massif),
        0);
    assert_string_equal(massif.command, "./heap a b");
    assert_string_equal(massif.time_unit, "i");
    assert_int_equal(massif.snapshots, 3);
    assert_true(massif.exact);
    assert_int_equal(massif.peak_time, 70);
    assert_int_equal(massif.end_time, 100);
    assert_int_equal(massif.heap_bytes, 1400);
    assert_int_equal(massif.extra_bytes, 16);
    assert_int_equal(massif.stacks_bytes, 8);
    assert_int_equal(massif.below_bytes, 100);
    assert_int_equal(massif.site_count, 2);
    assert_string_equal(massif.sites[0].function, "grow(std::vector<int>&)");
    assert_string_equal(massif.sites[0].where, "a.cc:5");
    assert_int_equal(massif.sites[0].bytes, 1000);
    assert_null(massif.sites[1].function);
    assert_string_equal(massif.sites[1].where, "/usr/lib/libx.so");
    tare_massif_release(&massif);
}

static void without_a_marked_peak_it_is_the_largest_snapshot(void **state)
{
    (void)state;
    struct tare_massif massif;
    assert_int_equal(read_text(HEAD SNAPSHOT(0, 0, 0, 0, 0, empty) SNAPSHOT(1, 5, 100, 10, 0, empty)
                                   SNAPSHOT(2, 9, 90, 30, 0, empty) SNAPSHOT(3, 10, 1, 1, 0, empty),
                               &massif),
                     0);
    assert_false(massif.exact);
    assert_int_equal(massif.peak_time, 9);
    assert_int_equal(massif.heap_bytes, 90);
    assert_int_equal(massif.site_count, 0);
    tare_massif_release(&massif);
}

static void what_is_not_to_be_understood_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } wrong[] = {
        {HEAD, "massif's file has no snapshot"},
        {HEAD "snapshot=0\n#-----------\ntime=0\n", "massif's file is cut short"},
        {"events: Ir\n", "line 1 of massif's file is not to be understood"},
        {HEAD "snapshot=x\n", "line 4 of massif's file is not to be understood"},
        {HEAD "snapshot=0\ntime=99999999999999999999\n", "line 5 of massif's file is not to be understood"},
        {HEAD "snapshot=0\ntime=-1\n", "line 5 of massif's file is not to be understood"},
        {HEAD SNAPSHOT(0, 0, 0, 0, 0, other), "line 11 of massif's file is not to be understood"},
        {HEAD SNAPSHOT(0, 0, 0, 0, 0, peak) "n1: many\n", "line 12 of massif's file is not to be understood"},
        {HEAD SNAPSHOT(0, 0, 9223372036854775807, 1, 0, empty), "massif's file has sums that cannot be"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct tare_massif massif;
        assert_int_equal(read_text(wrong[i].text, &massif), -EBADMSG);
        assert_string_equal(message, wrong[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_marked_peak_and_its_sites_are_found),
        cmocka_unit_test(without_a_marked_peak_it_is_the_largest_snapshot),
        cmocka_unit_test(what_is_not_to_be_understood_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
