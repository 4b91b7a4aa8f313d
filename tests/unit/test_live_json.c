/* SPDX-License-Identifier: MIT */
/*
 * A snapshot: names, look-up, and its JSON, which is read with jansson here, and held against the schema by
 * python3-jsonschema where there is one.
 */
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "result/json_text.h"
#include "result/telemetry.h"
#include "tests/unit/comma_locale.h"
#include "tests/unit/near.h"
#include "tests/unit/sample_telemetry.h"

static json_t *parsed(const struct tare_telemetry *telemetry)
{
    size_t size = 0;
    json_error_t error;
    char *text = tare_telemetry_json(telemetry, &size);
    assert_non_null(text);
    assert_int_equal(strlen(text), size);
    assert_null(strchr(text, '\n')); /* a line, for streams of them */
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &error);
    if (root == NULL) {
        fail_msg("%s at %d", error.text, error.position);
    }
    free(text);
    return root;
}

static const json_t *instrument_of(const json_t *root, size_t process, const char *full_name)
{
    const json_t *list =
        json_object_get(json_array_get(json_object_get(root, "processes"), process), "instruments");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        if (strcmp(json_string_value(json_object_get(one, "full_name")), full_name) == 0) {
            return one;
        }
    }
    fail_msg("no %s", full_name);
    return NULL;
}

static const json_t *of(const json_t *instrument, const char *part, const char *name)
{
    return json_object_get(json_object_get(instrument, part), name);
}

static void test_names(void **state)
{
    (void)state;
    char module[] = "m", name_text[] = "n", labels[] = "a=b,c=d";
    struct tare_instrument_figures one = {.kind = TARE_KIND_TIMER, .module = module, .name = name_text};
    char *name = tare_instrument_full_name(&one);
    assert_string_equal(name, "m::n");
    free(name);
    one.kind = TARE_KIND_COUNTER;
    one.labels = labels;
    name = tare_instrument_full_name(&one);
    assert_string_equal(name, "m.n{a=b,c=d}");
    free(name);
    assert_null(tare_kind_name(0));
    assert_null(tare_kind_name(100));
    assert_string_equal(tare_kind_name(TARE_KIND_FRAMES), "frames");
}

static void test_look_up(void **state)
{
    (void)state;
    struct tare_telemetry telemetry;
    sample_telemetry(&telemetry);
    struct tare_process_figures *process = NULL;
    uint64_t id = telemetry.processes[1].instruments[1].id;
    assert_ptr_equal(tare_telemetry_process(&telemetry, 2), &telemetry.processes[1]);
    assert_null(tare_telemetry_process(&telemetry, 3));
    assert_ptr_equal(tare_telemetry_instrument(&telemetry, id, &process),
                     &telemetry.processes[1].instruments[1]);
    assert_ptr_equal(process, &telemetry.processes[1]);
    assert_null(tare_telemetry_instrument(&telemetry, 12345, NULL));
    tare_telemetry_release(&telemetry);
}

static void test_unknown_is_null(void **state)
{
    (void)state;
    struct tare_telemetry telemetry;
    sample_telemetry(&telemetry);
    json_t *root = parsed(&telemetry);
    const json_t *gauge = instrument_of(root, 0, "net.temperature");
    assert_true(json_is_null(of(gauge, "total", "value")));
    assert_true(json_is_null(of(gauge, "rolling", "change")));
    const json_t *reset = instrument_of(root, 0, "lind_boot::load_main_module");
    assert_true(json_is_false(of(reset, "rolling", "known")));
    assert_true(json_is_null(of(reset, "rolling", "calls"))); /* not 0 */
    assert_true(json_is_null(of(reset, "rolling", "calls_per_s")));
    assert_near(json_number_value(of(reset, "total", "calls")), 40, 0);
    const json_t *never = instrument_of(root, 0, "fdtables::never");
    assert_near(json_number_value(of(never, "rolling", "calls")), 0, 0);
    assert_true(json_is_null(of(never, "rolling", "net_avg_ns")));
    const json_t *frames = instrument_of(root, 0, "view.main_view");
    const json_t *parts = json_object_get(json_array_get(json_object_get(frames, "last"), 11), "part_ns");
    assert_int_equal(json_array_size(parts), 3);
    assert_true(json_is_number(json_array_get(parts, 0)));
    assert_true(json_is_null(json_array_get(parts, 1)));
    const json_t *worker = json_array_get(json_object_get(root, "processes"), 1);
    assert_true(json_is_false(json_object_get(worker, "alive")));
    assert_true(json_is_null(json_object_get(worker, "cpu_share")));
    json_decref(root);
    tare_telemetry_release(&telemetry);
}

static void test_hard_text_and_numbers(void **state)
{
    (void)state;
    struct tare_telemetry telemetry;
    sample_telemetry(&telemetry);
    telemetry.processes[1].command[0] = (char)0xff; /* no UTF-8 */
    json_t *root = parsed(&telemetry);
    const json_t *worker = json_array_get(json_object_get(root, "processes"), 1);
    assert_string_equal(json_string_value(json_object_get(worker, "command")), "\xef\xbf\xbdorker");
    const json_t *counter = json_array_get(json_object_get(worker, "instruments"), 1);
    assert_string_equal(json_string_value(json_object_get(counter, "module")), "m\"<&>'");
    assert_string_equal(json_string_value(json_object_get(json_object_get(counter, "labels"), "path")),
                        "\"a b\\c\"");
    assert_true(json_is_null(of(counter, "total", "total"))); /* above 2^63 - 1 */
    const json_t *keys = of(instrument_of(root, 0, "jit.hot_blocks"), "total", "keys");
    assert_string_equal(json_string_value(json_object_get(json_array_get(keys, 1), "key")),
                        "0xffffffffffffffff"); /* all 64 bits of it */
    json_decref(root);
    tare_telemetry_release(&telemetry);
}

/* A label that is there twice would make an object that no reader takes. */
static void test_labels_twice(void **state)
{
    (void)state;
    struct tare_telemetry telemetry;
    sample_telemetry(&telemetry);
    free(telemetry.processes[1].instruments[1].labels);
    telemetry.processes[1].instruments[1].labels = strdup("a=1,b,a=2,=x,,b=3");
    json_t *root = parsed(&telemetry);
    const json_t *worker = json_array_get(json_object_get(root, "processes"), 1);
    const json_t *labels = json_object_get(json_array_get(json_object_get(worker, "instruments"), 1), "labels");
    assert_string_equal(json_string_value(json_object_get(labels, "a")), "1");
    assert_string_equal(json_string_value(json_object_get(labels, "b")), "");
    assert_string_equal(json_string_value(json_object_get(labels, "")), "x");
    json_decref(root);
    tare_telemetry_release(&telemetry);
}

static void test_long_lists_are_cut(void **state)
{
    (void)state;
    enum { MANY = 700 };
    struct tare_telemetry telemetry;
    sample_telemetry(&telemetry);
    struct tare_process_figures *game = &telemetry.processes[0];
    for (size_t i = 0; i < game->instrument_count; i++) {
        struct tare_instrument_figures *one = &game->instruments[i];
        if (one->kind == TARE_KIND_FRAMES) {
            one->last = realloc(one->last, MANY * sizeof(*one->last));
            for (size_t k = 0; k < MANY; k++) {
                one->last[k] = (struct tare_frame_figures){.number = k};
            }
            one->last_count = MANY;
        } else if (one->kind == TARE_KIND_TOPK) {
            one->total.keys = realloc(one->total.keys, MANY * sizeof(*one->total.keys));
            for (size_t k = 0; k < MANY; k++) {
                one->total.keys[k] = (struct tare_key_figures){.key = k, .weight = MANY - k};
            }
            one->total.key_count = MANY;
        }
    }
    json_t *root = parsed(&telemetry);
    const json_t *frames = instrument_of(root, 0, "view.main_view");
    const json_t *last = json_object_get(frames, "last");
    assert_int_equal(json_array_size(last), 256);
    assert_near(json_number_value(json_object_get(json_array_get(last, 255), "number")), MANY - 1, 0);
    assert_near(json_number_value(json_object_get(frames, "last_left_out")), MANY - 256, 0);
    const json_t *topk = instrument_of(root, 0, "jit.hot_blocks");
    assert_int_equal(json_array_size(of(topk, "total", "keys")), 256);
    assert_near(json_number_value(of(topk, "total", "keys_left_out")), MANY - 256, 0);
    json_decref(root);
    tare_telemetry_release(&telemetry);
}

static void check_number(double value, const char *expected)
{
    struct tare__json_text json = {0};
    size_t size = 0;
    tare__json_text_number(&json, value);
    char *text = tare__json_text_end(&json, &size);
    assert_string_equal(text, expected);
    free(text);
}

static void test_numbers(void **state)
{
    (void)state;
    check_number(0, "0");
    check_number(-0.0, "0");
    check_number(NAN, "null");
    check_number(INFINITY, "null");
    check_number(-INFINITY, "null");
    check_number(1, "1");
    check_number(-2.5, "-2.5");
    check_number(0.1, "0.1");
    check_number(0.001, "0.001");
    check_number(0.0001, "0.0001");
    check_number(-1e-9, "-1e-09");
    check_number(1.0 / 3, "0.333333333333333");
    check_number(1234567.891, "1234567.891");
    check_number(999999.9999999, "1000000");
    check_number(-0.99999999999999995, "-1");
    check_number(0.9999999999996, "0.9999999999996");
    check_number(9007199254740992, "9.00719925474e+15");
    check_number(123456789012345, "123456789012345");
    check_number(1e300, "1e+300");
}

/* Any double comes back to 12 digits, and every one is written as JSON has it. */
static void test_numbers_come_back(void **state)
{
    (void)state;
    uint64_t bits = 1;
    for (int i = 0; i < 20000; i++) {
        double value;
        bits = bits * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        uint64_t mixed = bits ^ bits >> 29;
        memcpy(&value, &mixed, sizeof(value));
        value = i % 2 == 0 ? value : (double)(mixed >> 20) / (double)(1 + (mixed & 0xfffff));
        struct tare__json_text json = {0};
        size_t size = 0;
        tare__json_text_number(&json, value);
        char *text = tare__json_text_end(&json, &size);
        if (!isfinite(value)) {
            assert_string_equal(text, "null");
        } else {
            char *end;
            json_t *read = json_loadb(text, size, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);
            double back = strtod(text, &end);
            assert_true(*end == '\0');
            assert_true(read != NULL || fabs(value) < 1e-300); /* jansson refuses what underflows */
            assert_true(fabs(back - value) <= fmax(6e-12 * fabs(value), 1e-300));
            json_decref(read);
        }
        free(text);
    }
}

static void test_numbers_in_another_locale(void **state)
{
    if (!comma_locale_begin()) {
        skip();
    }
    test_numbers(state);
    comma_locale_end();
}

static void write_sample(const char *path, void (*make)(struct tare_telemetry *))
{
    struct tare_telemetry telemetry;
    size_t size = 0;
    make(&telemetry);
    char *text = tare_telemetry_json(&telemetry, &size);
    FILE *out = fopen(path, "w");
    assert_non_null(text);
    assert_non_null(out);
    assert_int_equal(fwrite(text, 1, size, out), size);
    fclose(out);
    free(text);
    tare_telemetry_release(&telemetry);
}

static void large(struct tare_telemetry *telemetry)
{
    sample_telemetry_large(telemetry, 40);
}

/* By the document that other programs go by. */
static void test_the_schema_holds(void **state)
{
    (void)state;
    const char *source = getenv("TARE_SOURCE_DIR");
    char folder[] = "/tmp/tare-live-json-XXXXXX", path[3][64], command[1024];
    if (system("python3 -c 'import jsonschema' 2> /dev/null") != 0 || source == NULL) {
        print_message("skipped: no python3 with jsonschema, or no TARE_SOURCE_DIR\n");
        skip();
    }
    assert_non_null(mkdtemp(folder));
    void (*const makers[])(struct tare_telemetry *) = {sample_telemetry, sample_telemetry_empty, large};
    for (size_t i = 0; i < COUNT(makers); i++) {
        snprintf(path[i], sizeof(path[i]), "%s/%zu.json", folder, i);
        write_sample(path[i], makers[i]);
    }
    snprintf(command, sizeof(command),
             "python3 '%s/tests/cli/check_result.py' schema '%s/docs/live.schema.json' %s %s %s", source,
             source, path[0], path[1], path[2]);
    int status = system(command);
    for (size_t i = 0; i < COUNT(makers); i++) {
        unlink(path[i]);
    }
    rmdir(folder);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_look_up),
        cmocka_unit_test(test_unknown_is_null),
        cmocka_unit_test(test_hard_text_and_numbers),
        cmocka_unit_test(test_labels_twice),
        cmocka_unit_test(test_long_lists_are_cut),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_numbers_come_back),
        cmocka_unit_test(test_numbers_in_another_locale),
        cmocka_unit_test(test_the_schema_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
