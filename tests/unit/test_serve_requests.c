/* SPDX-License-Identifier: MIT */
/* What tare serve makes of requests without a socket, what it writes of unknown counts, and a document's thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "serve/guard.h"
#include "serve/maker.h"
#include "serve/stream.h"
#include "tests/unit/sample_telemetry.h"

static void an_absolute_target_has_its_own_host(void **state)
{
    (void)state;
    char host[16];
    assert_string_equal(tare__guard_target("/metrics", host, sizeof(host)), "/metrics");
    assert_string_equal(host, "");
    assert_string_equal(tare__guard_target("http://a:1/metrics", host, sizeof(host)), "/metrics");
    assert_string_equal(host, "a:1");
    assert_string_equal(tare__guard_target("HTTP://[::1]", host, sizeof(host)), "/");
    assert_string_equal(host, "[::1]");
    assert_null(tare__guard_target("http:///metrics", host, sizeof(host)));
    assert_null(tare__guard_target("http://0123456789abcdef/", host, sizeof(host)));
    assert_string_equal(tare__guard_target("https://a/", host, sizeof(host)), "https://a/");
    assert_string_equal(tare__guard_target("*", host, sizeof(host)), "*");
    assert_string_equal(tare__guard_target("", host, sizeof(host)), "");
}

static const char *unescaped(const char *text)
{
    static char copy[64];
    strcpy(copy, text);
    size_t size = tare__guard_unescape(copy);
    assert_int_equal(size, strlen(copy));
    return copy;
}

static void escapes_are_undone_but_for_a_nul(void **state)
{
    (void)state;
    assert_string_equal(unescaped("/%68ealth"), "/health");
    assert_string_equal(unescaped("%2f%2F"), "//");
    assert_string_equal(unescaped("/health%00x"), "/health%00x");
    assert_string_equal(unescaped("%2500"), "%00");
    assert_string_equal(unescaped("%"), "%");
    assert_string_equal(unescaped("%6"), "%6");
    assert_string_equal(unescaped("%zz%6z%"), "%zz%6z%");
    assert_string_equal(unescaped(""), "");
}

static void names_are_those_that_were_given(void **state)
{
    (void)state;
    static const char *const names[] = {"my.example", "::2"};
    assert_true(tare__guard_named("My.Example:80", names, 2));
    assert_true(tare__guard_named("[::2]:80", names, 2));
    assert_false(tare__guard_named("my.example.other", names, 2));
    assert_false(tare__guard_named("my.example:x", names, 2));
    assert_false(tare__guard_named("", names, 2));
    assert_false(tare__guard_named(NULL, names, 2));
    assert_false(tare__guard_named("my.example", names, 0));
    assert_true(tare__guard_is_name("my.example"));
    assert_true(tare__guard_is_name("::1"));
    assert_false(tare__guard_is_name(""));
    assert_false(tare__guard_is_name("my.example:80"));
    assert_false(tare__guard_is_name("[::1]"));
    assert_true(tare__guard_host("[::ffff:127.0.0.1]:1", "my.name"));
    assert_false(tare__guard_host("[::ffff:10.0.0.1]", "my.name"));
}

static void anything_includes_plain_text(void **state)
{
    (void)state;
    assert_true(tare__guard_openmetrics("application/openmetrics-text;version=1.0.0,"
                                        "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"));
    assert_false(tare__guard_openmetrics("application/openmetrics-text;q=0.5, text/*"));
    assert_false(tare__guard_openmetrics("application/openmetrics-text;q=0.5, */*"));
    assert_true(tare__guard_openmetrics("application/openmetrics-text;q=0.5, */*, text/plain;q=0.1"));
    assert_true(tare__guard_openmetrics("text/plain;q=0.1, application/openmetrics-text;q=0.5, */*"));
    assert_true(tare__guard_openmetrics(",, application/openmetrics-text ; q=0.001,"));
    assert_false(tare__guard_openmetrics("application/openmetrics-textual"));
    bool histograms = false;
    assert_true(tare__guard_timers("histogram", &histograms) && histograms);
    assert_true(tare__guard_timers("summary", &histograms) && !histograms);
    assert_false(tare__guard_timers("", &histograms));
    assert_false(tare__guard_timers(NULL, &histograms));
    bool left_out;
    assert_true(tare__guard_leave_out("0", &left_out) && left_out);
    assert_true(tare__guard_leave_out("1", &left_out) && !left_out);
    assert_false(tare__guard_leave_out("00", &left_out));
    assert_false(tare__guard_leave_out(NULL, &left_out));
    assert_true(tare__guard_once("hOST"));
    assert_false(tare__guard_once("Cookie"));
}

static void unknown_counts_are_null(void **state)
{
    (void)state;
    struct tare__buffer out = {0};
    static const uint64_t counts[] = {0, INT64_MAX, (uint64_t)INT64_MAX + 1, TARE_COUNT_UNKNOWN - 1,
                                      TARE_COUNT_UNKNOWN};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        tare__buffer_count(&out, counts[i]);
        tare__buffer_text(&out, " ");
    }
    tare__buffer_add(&out, "", 1);
    assert_string_equal(out.bytes, "0 9223372036854775807 null null null ");
    free(out.bytes);
}

/* The first unknown count and the last above what there is: neither is ever a number of the stream. */
static void a_sample_has_no_number_for_what_is_unknown(void **state)
{
    (void)state;
    struct tare_telemetry telemetry;
    struct tare__rows rows = {0};
    sample_telemetry(&telemetry);
    telemetry.unix_ns = NAN;
    for (size_t p = 0; p < telemetry.process_count; p++) {
        struct tare_process_figures *process = &telemetry.processes[p];
        process->threads = TARE_COUNT_UNKNOWN;
        for (size_t i = 0; i < process->instrument_count; i++) {
            struct tare_readings *both[] = {&process->instruments[i].total, &process->instruments[i].rolling};
            for (size_t n = 0; n < 2; n++) {
                both[n]->total = both[n]->changes = both[n]->hits = TARE_COUNT_UNKNOWN;
                both[n]->distribution.count = both[n]->frames_dropped = TARE_COUNT_UNKNOWN - 5;
                both[n]->frames_slow = (uint64_t)INT64_MAX + 1;
                for (size_t k = 0; both[n]->keys != NULL && k < both[n]->key_count; k++) {
                    both[n]->keys[k].weight = both[n]->keys[k].error = TARE_COUNT_UNKNOWN;
                }
            }
        }
    }
    assert_int_equal(tare__rows_begin(&rows, &telemetry), 0);
    assert_int_equal(tare__rows_next(&rows, &telemetry), 0);
    struct tare__text *text = tare__rows_sample(&rows, true);
    assert_non_null(text);
    char *copy = strndup(text->bytes, text->size);
    assert_non_null(copy);
    assert_non_null(strstr(copy, "{\"unix_ms\":null,"));
    assert_null(strstr(copy, "18446744073709551"));
    assert_null(strstr(copy, "9223372036854775"));
    free(copy);
    tare__text_drop(text);
    tare__stream_rows_release(&rows);
    tare_telemetry_release(&telemetry);
}

static struct tare_capture *make_capture(struct tare_telemetry *telemetry)
{
    struct tare_capture *capture = tare_capture_new(NULL);
    assert_non_null(capture);
    for (int i = 0; i < 3; i++) {
        telemetry->monotonic_ns += 1e9;
        assert_int_equal(tare_capture_add(capture, telemetry), 0);
    }
    return capture;
}

static void a_document_is_of_what_there_was_when_it_was_begun(void **state)
{
    (void)state;
    struct tare_telemetry telemetry;
    struct tare__maker maker;
    size_t size, made_size;
    uint64_t took_ns = 0;
    sample_telemetry(&telemetry);
    struct tare_capture *capture = make_capture(&telemetry);
    char *text = tare_capture_json(capture, &size);
    assert_int_equal(tare__maker_open(&maker), 0);
    for (int turn = 0; turn < 2; turn++) {
        assert_int_equal(tare__maker_begin(&maker, capture), 0);
        assert_true(maker.running);
        if (turn == 0) { /* the capture goes on meanwhile, and is gone before it ends */
            telemetry.monotonic_ns += 1e9;
            assert_int_equal(tare_capture_add(capture, &telemetry), 0);
            tare_capture_free(capture);
        }
        struct pollfd fd = {.fd = maker.ready_fd, .events = POLLIN};
        assert_int_equal(poll(&fd, 1, 60000), 1);
        char *made = tare__maker_end(&maker, &made_size, &took_ns);
        assert_non_null(made);
        assert_int_equal(made_size, size);
        assert_memory_equal(made, text, size);
        assert_true(took_ns > 0);
        assert_int_equal(poll(&fd, 1, 0), 0);
        free(made);
        if (turn == 0) {
            tare_telemetry_release(&telemetry);
            sample_telemetry(&telemetry);
            capture = make_capture(&telemetry);
        }
    }
    /* One that nobody waits for any more. */
    assert_int_equal(tare__maker_begin(&maker, capture), 0);
    tare__maker_close(&maker);
    tare_capture_free(capture);
    free(text);
    tare_telemetry_release(&telemetry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_absolute_target_has_its_own_host),
        cmocka_unit_test(escapes_are_undone_but_for_a_nul),
        cmocka_unit_test(names_are_those_that_were_given),
        cmocka_unit_test(anything_includes_plain_text),
        cmocka_unit_test(unknown_counts_are_null),
        cmocka_unit_test(a_sample_has_no_number_for_what_is_unknown),
        cmocka_unit_test(a_document_is_of_what_there_was_when_it_was_begun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
