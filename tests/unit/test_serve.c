/* SPDX-License-Identifier: MIT */
/* What tare serve decides and writes without a socket: who may ask, numbers, events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "serve/guard.h"
#include "serve/lines.h"
#include "serve/peer.h"
#include "serve/stream.h"

static void hosts_of_the_loopback_are_ours(void **state)
{
    (void)state;
    static const char *const ours[] = {"localhost",  "LOCALHOST:1", "127.0.0.1:9469", "127.9.9.9",
                                       "[::1]:9469", "[::1]",       "my.name:80",     "My.Name"};
    static const char *const others[] = {"",
                                         "evil.example",
                                         "127.0.0.1.evil.example",
                                         "localhost.evil",
                                         "10.0.0.1",
                                         "[::2]",
                                         "[::1",
                                         "127.0.0.1:x",
                                         "localhost:",
                                         "localhost:123456",
                                         "0.0.0.0"};
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
        assert_true(tare__guard_host(ours[i], "my.name"));
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_false(tare__guard_host(others[i], "my.name"));
    }
    assert_false(tare__guard_host(NULL, "my.name"));
}

static void origins_are_those_of_the_host(void **state)
{
    (void)state;
    assert_true(tare__guard_origin(NULL, "a:1"));
    assert_true(tare__guard_origin("http://a:1", "a:1"));
    assert_true(tare__guard_origin("https://A:1", "a:1"));
    assert_false(tare__guard_origin("null", "a:1"));
    assert_false(tare__guard_origin("http://a:2", "a:1"));
    assert_false(tare__guard_origin("http://", ""));
    assert_false(tare__guard_origin("http://a:1", NULL));
    assert_false(tare__guard_origin("ftp://a:1", "a:1"));
}

static void tokens_are_the_whole_token(void **state)
{
    (void)state;
    const char *token = "0123456789abcdef";
    assert_true(tare__guard_token("Bearer 0123456789abcdef", NULL, "t", token));
    assert_true(tare__guard_token("bearer  0123456789abcdef ", NULL, "t", token));
    assert_true(tare__guard_token(NULL, "a=b; t=0123456789abcdef", "t", token));
    assert_true(tare__guard_token(NULL, "t=wrong; t=0123456789abcdef", "t", token));
    static const char *const wrong[] = {"Bearer 0123456789abcde",
                                        "Bearer 0123456789abcdef0",
                                        "Bearer ",
                                        "Basic x",
                                        "0123456789abcdef",
                                        "Bearer 0123456789abcdef0123456789abcdef"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_false(tare__guard_token(wrong[i], NULL, "t", token));
    }
    assert_false(tare__guard_token(NULL, "tt=0123456789abcdef", "t", token));
    assert_false(tare__guard_token(NULL, "t=", "t", token));
    assert_false(tare__guard_token(NULL, NULL, "t", token));
}

static void formats_are_negotiated(void **state)
{
    (void)state;
    assert_true(tare__guard_openmetrics("application/openmetrics-text; version=1.0.0,text/plain;q=0.5"));
    assert_true(tare__guard_openmetrics("text/plain;q=0.5, application/openmetrics-text;q=0.75"));
    assert_false(tare__guard_openmetrics("text/plain, application/openmetrics-text;q=0.75"));
    assert_false(tare__guard_openmetrics("application/openmetrics-text;q=0"));
    assert_false(tare__guard_openmetrics("*/*"));
    assert_false(tare__guard_openmetrics(NULL));
    assert_true(tare__guard_is_json("Application/JSON; charset=utf-8"));
    assert_false(tare__guard_is_json("application/jsonx"));
    assert_false(tare__guard_is_json(NULL));
}

static const char *number(double value)
{
    static char text[64];
    struct tare__buffer buffer = {0};
    tare__buffer_number(&buffer, value);
    assert_false(buffer.failed);
    assert_true(buffer.size < sizeof(text));
    memcpy(text, buffer.bytes, buffer.size);
    text[buffer.size] = '\0';
    free(buffer.bytes);
    return text;
}

static void numbers_have_six_digits(void **state)
{
    (void)state;
    assert_string_equal(number(0), "0");
    assert_string_equal(number(-0.0), "0");
    assert_string_equal(number(1), "1");
    assert_string_equal(number(-17), "-17");
    assert_string_equal(number(0.5), "0.5");
    assert_string_equal(number(-2.25), "-2.25");
    assert_string_equal(number(99999.95), "100000");
    assert_string_equal(number(123456.7), "123457");
    assert_string_equal(number(999999.4), "999999");
    assert_string_equal(number(999999.6), "1000000");
    assert_string_equal(number(12345678.9), "12345679");
    assert_string_equal(number(1e-6), "0.000001");
    assert_string_equal(number(1e-9), "0.000000001");
    assert_string_equal(number(1e-12), "0");
    assert_string_equal(number(0.1 + 0.2), "0.3");
    assert_string_equal(number(9007199254740992.0), "9007199254740992");
    assert_string_equal(number(NAN), "null");
    assert_string_equal(number(-INFINITY), "null");
    assert_string_equal(number(1e300), "null");
    for (double value = 1.23456789e-8; value < 1e15; value *= 1.37) {
        double read = strtod(number(value), NULL), bound = fmax(value * 5.1e-6, value > 999999 ? 0.5 : 0);
        assert_true(fabs(read - value) <= bound);
        read = strtod(number(-value), NULL);
        assert_true(fabs(read + value) <= bound);
    }
}

static void missing(const char *batch, const char *export, const char *const *extra, const char *expected)
{
    size_t size;
    char *rest = tare__lines_missing(batch, strlen(batch), export, strlen(export), extra, 1700, &size);
    assert_non_null(rest);
    assert_string_equal(rest, expected);
    assert_int_equal(size, strlen(expected));
    free(rest);
}

static void what_a_store_has_is_not_sent_again(void **state)
{
    (void)state;
    static const char batch[] = "a_total{x=\"1\",y=\"q\\\"\\\\\\n\"} 5 1700\n"
                                "b 7 1700\n"
                                "b{x=\"\"} 8 1700\n"
                                "c{x=\"2\"} 1 1700\n";
    missing(batch, "", NULL, batch);
    missing(batch, "nonsense\n{\"metric\":{}}\n[]\n", NULL, batch);
    /* Another time, other labels, more labels, fewer labels: all of it is sent. */
    missing(
        batch,
        "{\"metric\":{\"__name__\":\"b\"},\"values\":[7],\"timestamps\":[1701]}\n"
        "{\"metric\":{\"__name__\":\"c\",\"x\":\"3\"},\"values\":[7],\"timestamps\":[1700]}\n"
        "{\"metric\":{\"__name__\":\"c\",\"x\":\"2\",\"host\":\"h\"},\"values\":[7],\"timestamps\":[1700]}\n"
        "{\"metric\":{\"__name__\":\"c\"},\"values\":[7],\"timestamps\":[1700]}\n",
        NULL, batch);
    missing(batch,
            "{\"metric\":{\"y\":\"q\\\"\\\\\\n\",\"__name__\":\"a_total\",\"x\":\"1\"},\"values\":[7,8],"
            "\"timestamps\":[1699,1700]}\n"
            "{\"metric\":{\"__name__\":\"c\",\"x\":\"2\"},\"values\":[1],\"timestamps\":[1700]}",
            NULL, "b 7 1700\nb{x=\"\"} 8 1700\n");
    const char *const extra[] = {"host=h", "x=9", NULL};
    missing("c{x=\"2\"} 1 1700\nc 1 1700\nd 1 1700\n",
            "{\"metric\":{\"__name__\":\"c\",\"x\":\"9\",\"host\":\"h\"},\"values\":[1],\"timestamps\":[1700]}",
            extra, "d 1 1700\n");
    char *query = tare__lines_query(batch, strlen(batch), 1700);
    assert_string_equal(query,
                        "start=1.700&end=1.701&reduce_mem_usage=1&match[]={__name__=~%22a_total%7Cb%7Cc%22}");
    free(query);
    query = tare__lines_query("", 0, 1700);
    assert_string_equal(query, "start=1.700&end=1.701&reduce_mem_usage=1");
    free(query);
}

static void a_peer_is_found_by_both_ends(void **state)
{
    (void)state;
    char table[] =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
        "   0: 0100007F:24FD 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 11 1 0\n"
        "   1: 0100007F:24FD 0100007F:8000 01 00000000:00000000 00:00000000 00000000     7        0 12 1 0\n"
        "   2: 0100007F:8000 0100007F:24FD 01 00000000:00000000 00:00000000 00000000  1000        0 13 1 0\n"
        "   3: 0100007F:8001 0100007F:24FD 05 00000000:00000000 00:00000000 00000000     0        0 0 1 0\n"
        "   4: 0100007F:80";
    static const struct {
        const char *local;
        bool found;
        uid_t uid;
    } cases[] = {{"0100007F:8000", true, 1000}, {"0100007F:8001", false, 0}, {"0100007F:80", false, 0}};
    for (size_t i = 0; i < 3; i++) {
        FILE *file = fmemopen(table, strlen(table), "r");
        assert_non_null(file);
        uid_t uid = 0;
        assert_int_equal(tare__peer_find(file, cases[i].local, "0100007F:24FD", &uid), cases[i].found);
        assert_int_equal(uid, cases[i].uid);
        fclose(file);
    }
}

static void an_etag_is_found_in_a_list(void **state)
{
    (void)state;
    static const char tag[] = "\"0123456789abcdef\"";
    static const char *const found[] = {"\"0123456789abcdef\"",
                                        "W/\"0123456789abcdef\"",
                                        "*",
                                        "\"x\", \"0123456789abcdef\"",
                                        " ,\t\"\" , W/\"a,b\",\"0123456789abcdef\"",
                                        "\"0123456789abcdef\" rubbish"};
    static const char *const others[] = {"",
                                         "0123456789abcdef",
                                         "\"0123456789abcde\"",
                                         "\"0123456789abcdef",
                                         "\"0123456789abcdef0\"",
                                         "w/\"0123456789abcdef\"",
                                         "x\"0123456789abcdef\"",
                                         "\"",
                                         "W/",
                                         ", ,"};
    for (size_t i = 0; i < sizeof(found) / sizeof(found[0]); i++) {
        assert_true(tare__guard_matches(found[i], tag));
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_false(tare__guard_matches(others[i], tag));
    }
    assert_false(tare__guard_matches(NULL, tag));
    assert_false(tare__guard_matches("*", "")); /* there is nothing yet */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_etag_is_found_in_a_list),
        cmocka_unit_test(hosts_of_the_loopback_are_ours),
        cmocka_unit_test(origins_are_those_of_the_host),
        cmocka_unit_test(tokens_are_the_whole_token),
        cmocka_unit_test(formats_are_negotiated),
        cmocka_unit_test(numbers_have_six_digits),
        cmocka_unit_test(what_a_store_has_is_not_sent_again),
        cmocka_unit_test(a_peer_is_found_by_both_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
