/* SPDX-License-Identifier: MIT */
/*
 * result/model.h and result/json.h: what is written is read back the same, and what is wrong is refused by
 * name.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "result/json.h"
#include "tests/unit/comma_locale.h"
#include "tests/unit/sample_result.h"

static char *written(const struct tare_result *result, int expected)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_int_equal(tare_result_write_json(result, out), expected);
    assert_int_equal(fclose(out), 0);
    return text;
}

static struct tare_result *parsed(const char *text)
{
    struct tare_result *result = NULL;
    char message[256] = "";
    int error = tare_result_parse_json(text, strlen(text), &result, message, sizeof message);
    if (error != 0) {
        fail_msg("%d: %s", error, message);
    }
    return result;
}

static void assert_refused(const char *text, size_t size, int expected, const char *part)
{
    struct tare_result *result = NULL;
    char message[256] = "";
    int error = tare_result_parse_json(text, size, &result, message, sizeof message);
    assert_null(result);
    if (error != expected || strstr(message, part) == NULL || strchr(message, '\n') != NULL) {
        fail_msg("%d '%s', not %d and '%s'", error, message, expected, part);
    }
}

static void assert_string(const char *found, const char *expected)
{
    assert_int_equal(found == NULL, expected == NULL);
    if (expected != NULL) {
        assert_string_equal(found, expected);
    }
}

/* The same bits, or both unknown. */
static void assert_double(double found, double expected)
{
    if (isnan(expected)) {
        assert_true(isnan(found));
        return;
    }
    assert_memory_equal(&found, &expected, sizeof found);
}

static void assert_figures(const struct tare_result_figures *found, const struct tare_result_figures *expected)
{
    assert_int_equal(found->calls, expected->calls);
    assert_int_equal(found->outermost_calls, expected->outermost_calls);
    assert_int_equal(found->scopes_within, expected->scopes_within);
    assert_int_equal(found->bytes, expected->bytes);
    assert_int_equal(found->has_ticks, expected->has_ticks);
    assert_int_equal(found->raw_total_ticks, expected->raw_total_ticks);
    assert_int_equal(found->raw_min_ticks, expected->raw_min_ticks);
    assert_int_equal(found->raw_max_ticks, expected->raw_max_ticks);
    const double *a = &found->raw_total_ns, *b = &expected->raw_total_ns;
    enum {
        DOUBLES = (offsetof(struct tare_result_figures, buckets) -
                   offsetof(struct tare_result_figures, raw_total_ns)) /
                  sizeof(double)
    };
    for (size_t i = 0; i < DOUBLES; i++) {
        assert_double(a[i], b[i]);
    }
    assert_int_equal(found->buckets == NULL, expected->buckets == NULL);
    assert_int_equal(found->bucket_count, expected->bucket_count);
    for (size_t i = 0; i < expected->bucket_count; i++) {
        assert_int_equal(found->buckets[i].low_ticks, expected->buckets[i].low_ticks);
        assert_int_equal(found->buckets[i].width_ticks, expected->buckets[i].width_ticks);
        assert_int_equal(found->buckets[i].count, expected->buckets[i].count);
    }
}

static void assert_timers(const struct tare_result_timer *found, size_t found_count,
                          const struct tare_result_timer *expected, size_t count)
{
    assert_int_equal(found_count, count);
    for (size_t i = 0; i < count; i++) {
        assert_string(found[i].module, expected[i].module);
        assert_string(found[i].name, expected[i].name);
        assert_string(found[i].file, expected[i].file);
        assert_int_equal(found[i].line, expected[i].line);
        assert_int_equal(found[i].has_exclusive, expected[i].has_exclusive);
        assert_figures(&found[i].figures, &expected[i].figures);
        assert_figures(&found[i].exclusive, &expected[i].exclusive);
        assert_int_equal(found[i].disagrees, expected[i].disagrees);
    }
}

static void assert_cost(const struct tare_result_cost *found, const struct tare_result_cost *expected)
{
    assert_double(found->median_ns, expected->median_ns);
    assert_double(found->mad_ns, expected->mad_ns);
    assert_int_equal(found->n, expected->n);
}

static void assert_clock(const struct tare_result_clock *found, const struct tare_result_clock *expected)
{
    assert_string(found->name, expected->name);
    assert_double(found->rate_hz, expected->rate_hz);
    assert_double(found->rate_error_ppm, expected->rate_error_ppm);
    assert_double(found->granularity_ns, expected->granularity_ns);
    assert_int_equal(found->invariant_tsc, expected->invariant_tsc);
    assert_int_equal(found->counter_traps, expected->counter_traps);
    assert_int_equal(found->watch_points, expected->watch_points);
    assert_double(found->watched_ns, expected->watched_ns);
    assert_int_equal(found->steps, expected->steps);
    assert_double(found->step_ns, expected->step_ns);
    assert_double(found->rate_change_ppm, expected->rate_change_ppm);
    assert_double(found->suspended_ns, expected->suspended_ns);
    assert_int_equal(found->migrations, expected->migrations);
    assert_cost(&found->inner, &expected->inner);
    assert_cost(&found->outer, &expected->outer);
    assert_cost(&found->inner_at_exit, &expected->inner_at_exit);
    assert_cost(&found->outer_at_exit, &expected->outer_at_exit);
    assert_cost(&found->inner_empty, &expected->inner_empty);
    assert_cost(&found->inner_empty_at_exit, &expected->inner_empty_at_exit);
    assert_cost(&found->inner_empty_in_run, &expected->inner_empty_in_run);
    assert_cost(&found->outer_nested, &expected->outer_nested);
    assert_cost(&found->outer_apart, &expected->outer_apart);
    assert_cost(&found->outer_nested_at_exit, &expected->outer_nested_at_exit);
    assert_cost(&found->outer_apart_at_exit, &expected->outer_apart_at_exit);
    assert_cost(&found->inner_in_run, &expected->inner_in_run);
    assert_cost(&found->outer_in_run, &expected->outer_in_run);
    assert_cost(&found->outer_nested_in_run, &expected->outer_nested_in_run);
    assert_cost(&found->outer_apart_in_run, &expected->outer_apart_in_run);
}

static void assert_environment(const struct tare_environment *found, const struct tare_environment *expected)
{
    assert_string(found->host, expected->host);
    assert_string(found->machine, expected->machine);
    assert_string(found->cpu_model, expected->cpu_model);
    assert_int_equal(found->cpu_count, expected->cpu_count);
    assert_double(found->memory_bytes, expected->memory_bytes);
    assert_string(found->kernel, expected->kernel);
    assert_string(found->os, expected->os);
    assert_string(found->libc, expected->libc);
    assert_string(found->clocksource, expected->clocksource);
    assert_string(found->governor, expected->governor);
    assert_string(found->virtualization, expected->virtualization);
    assert_string(found->commit, expected->commit);
    assert_int_equal(found->commit_dirty, expected->commit_dirty);
    assert_string(found->commit_parents, expected->commit_parents);
    assert_double(found->commit_time_s, expected->commit_time_s);
    assert_string(found->commit_subject, expected->commit_subject);
    assert_string(found->branch, expected->branch);
    assert_string(found->job_link, expected->job_link);
}

static void assert_fingerprint(const struct tare_fingerprint *found, const struct tare_fingerprint *expected)
{
    assert_string_equal(found->hash, expected->hash);
    for (int part = 0; part < TARE_FINGERPRINT_PARTS; part++) {
        assert_string(found->parts[part], expected->parts[part]);
    }
}

static void assert_strings(char **found, char **expected)
{
    assert_int_equal(found == NULL, expected == NULL);
    for (size_t i = 0; expected != NULL && (i == 0 || expected[i - 1] != NULL); i++) {
        assert_string(found[i], expected[i]);
    }
}

static void assert_processes(const struct tare_result *found, const struct tare_result *expected)
{
    assert_int_equal(found->process_count, expected->process_count);
    for (size_t i = 0; i < expected->process_count; i++) {
        const struct tare_result_process *a = &found->processes[i], *b = &expected->processes[i];
        assert_int_equal(a->pid, b->pid);
        assert_int_equal(a->parent_pid, b->parent_pid);
        assert_string(a->executable, b->executable);
        assert_string(a->command, b->command);
        assert_int_equal(a->end, b->end);
        assert_int_equal(a->code, b->code);
        assert_int_equal(a->threads, b->threads);
        assert_double(a->wall_ns, b->wall_ns);
        assert_int_equal(a->lost_instruments, b->lost_instruments);
        assert_int_equal(a->lost_threads, b->lost_threads);
        assert_int_equal(a->lost_scopes, b->lost_scopes);
        assert_int_equal(a->dropped_scopes, b->dropped_scopes);
        assert_timers(a->timers, a->timer_count, b->timers, b->timer_count);
    }
}

static void assert_results(const struct tare_result *found, const struct tare_result *expected)
{
    assert_string(found->kind, expected->kind);
    assert_string(found->tare_version, expected->tare_version);
    assert_string(found->started, expected->started);
    assert_strings(found->command, expected->command);
    assert_environment(&found->environment, &expected->environment);
    assert_fingerprint(&found->fingerprint, &expected->fingerprint);
    assert_clock(&found->clock, &expected->clock);
    assert_int_equal(found->pass_count, expected->pass_count);
    for (size_t i = 0; i < expected->pass_count; i++) {
        const struct tare_result_pass *a = &found->passes[i], *b = &expected->passes[i];
        assert_string(a->only, b->only);
        assert_double(a->wall_ns, b->wall_ns);
        assert_double(a->user_ns, b->user_ns);
        assert_double(a->system_ns, b->system_ns);
        assert_int_equal(a->end, b->end);
        assert_int_equal(a->code, b->code);
    }
    assert_timers(found->timers, found->timer_count, expected->timers, expected->timer_count);
    assert_processes(found, expected);
    assert_int_equal(found->lost_instruments, expected->lost_instruments);
    assert_int_equal(found->lost_threads, expected->lost_threads);
    assert_int_equal(found->lost_scopes, expected->lost_scopes);
    assert_int_equal(found->dropped_scopes, expected->dropped_scopes);
    assert_int_equal(found->lost_processes, expected->lost_processes);
    assert_double(found->confidence, expected->confidence);
    assert_double(found->cpu_ns, expected->cpu_ns);
    assert_double(found->measuring_ns, expected->measuring_ns);
    assert_double(found->measuring_share, expected->measuring_share);
    assert_int_equal(found->page_size_bytes, expected->page_size_bytes);
    assert_strings(found->notes, expected->notes);
    assert_int_equal(found->incomplete, expected->incomplete);
}

static void assert_round_trip(const struct tare_result *result)
{
    char *text = written(result, 0);
    struct tare_result *again = parsed(text);
    assert_results(again, result);
    char *text_again = written(again, 0);
    assert_string_equal(text_again, text);
    free(text_again);
    free(text);
    tare_result_free(again);
}

/* `text` with the first `from` replaced by `to`; to be freed. */
static char *replaced(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    char *made;
    if (at == NULL) {
        fail_msg("no '%s' in the sample", from);
    }
    assert_true(asprintf(&made, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)) > 0);
    return made;
}

static void every_member_survives_writing_and_reading(void **state)
{
    (void)state;
    struct tare_result *result = sample_result_full();
    assert_round_trip(result);
    tare_result_free(result);
}

static void what_is_unknown_stays_unknown(void **state)
{
    (void)state;
    struct tare_result *result = tare_result_new();
    assert_non_null(result);
    result->kind = sample_string("page");
    assert_non_null(tare_result_add_timer(result, "", ""));
    assert_non_null(tare_result_add_pass(result));
    assert_non_null(tare_result_add_process(result));
    assert_round_trip(result);
    tare_result_free(result);
}

static void a_part_of_the_fingerprint_may_be_unknown(void **state)
{
    (void)state;
    struct tare_result *result = sample_result_full();
    char **governor = &result->fingerprint.parts[TARE_FINGERPRINT_GOVERNOR];
    free(*governor);
    *governor = NULL;
    tare_fingerprint_hash(&result->fingerprint);
    assert_round_trip(result);
    tare_result_free(result);
}

static void an_older_result_has_no_fingerprint(void **state)
{
    (void)state;
    struct tare_result *result = sample_result_full();
    char *text = written(result, 0);
    char *older = replaced(text, "\"fingerprint\": {", "\"other\": {");
    struct tare_result *again = parsed(older);
    assert_string_equal(again->fingerprint.hash, "");
    tare_fingerprint_release(&result->fingerprint);
    assert_results(again, result);
    assert_round_trip(again);
    tare_result_free(again);
    tare_result_free(result);
    free(older);
    free(text);
}

static void a_fingerprint_of_another_version_keeps_its_hash(void **state)
{
    (void)state;
    struct tare_result *result = sample_result_full();
    char *text = written(result, 0);
    char *other = replaced(text, "\"turbo\":", "\"undreamt_of\":");
    struct tare_result *again = parsed(other);
    assert_string_equal(again->fingerprint.hash, result->fingerprint.hash);
    assert_null(again->fingerprint.parts[TARE_FINGERPRINT_TURBO]);
    tare_result_free(again);
    tare_result_free(result);
    free(other);
    free(text);
}

static void an_empty_histogram_is_not_a_missing_one(void **state)
{
    (void)state;
    struct tare_result *result = sample_result_table();
    result->timers[0].figures.buckets = calloc(1, sizeof(struct tare_result_bucket));
    assert_non_null(result->timers[0].figures.buckets);
    assert_round_trip(result);
    tare_result_free(result);
}

static void doubles_of_all_sizes_survive(void **state)
{
    (void)state;
    struct tare_result *result = sample_result_table();
    uint64_t bits = 88172645463325252u; /* xorshift64, Marsaglia 2003 */
    for (int i = 0; i < 2000; i++) {
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        double value;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value)) {
            continue;
        }
        result->clock.rate_hz = fabs(value);
        char *text = written(result, 0);
        struct tare_result *again = parsed(text);
        assert_double(again->clock.rate_hz, fabs(value));
        tare_result_free(again);
        free(text);
    }
    tare_result_free(result);
}

static void numbers_survive_a_locale_with_a_comma(void **state)
{
    (void)state;
    struct tare_result *result = sample_result_full();
    char *plain = written(result, 0);
    bool have = comma_locale_begin();
    if (have) {
        char *foreign = written(result, 0);
        struct tare_result *again = parsed(plain);
        comma_locale_end();
        assert_string_equal(foreign, plain);
        assert_results(again, result);
        tare_result_free(again);
        free(foreign);
    }
    free(plain);
    tare_result_free(result);
    if (!have) {
        fputs("no locale with a decimal comma is installed, and localedef(1) made none\n", stderr);
        skip();
    }
}

/* Nothing may be written of a result that cannot be written whole. */
static void assert_unwritable(struct tare_result *result, int expected)
{
    char *text = written(result, expected);
    assert_string_equal(text, "");
    free(text);
    tare_result_free(result);
}

static void what_json_cannot_say_is_refused_before_the_first_byte(void **state)
{
    (void)state;
    struct tare_result *result = sample_result_table();
    result->timers[3].figures.calls = (uint64_t)INT64_MAX + 1;
    assert_unwritable(result, -ERANGE);
    result = sample_result_table();
    result->lost_scopes = UINT64_MAX;
    assert_unwritable(result, -ERANGE);
    result = sample_result_table();
    result->timers[0].figures.net_avg_ns = INFINITY;
    assert_unwritable(result, -ERANGE);
    result = sample_result_table();
    result->timers[0].figures.net_avg_ns = -INFINITY;
    assert_unwritable(result, -ERANGE);
    result = sample_result_table();
    result->timers[0].figures.raw_avg_ns = -1;
    assert_unwritable(result, -ERANGE);
    result = sample_result_table();
    result->processes[0].code = -1;
    assert_unwritable(result, -ERANGE);
    result = sample_result_table();
    free(result->kind);
    result->kind = NULL;
    assert_unwritable(result, -EINVAL);
    result = sample_result_table();
    free(result->timers[0].name);
    result->timers[0].name = NULL;
    assert_unwritable(result, -EINVAL);
}

static void a_full_disk_is_an_error(void **state)
{
    (void)state;
    FILE *full = fopen("/dev/full", "w");
    if (full == NULL) {
        fputs("there is no /dev/full\n", stderr);
        skip();
    }
    struct tare_result *result = sample_result_table();
    assert_int_equal(tare_result_write_json(result, full), -EIO);
    fclose(full);
    tare_result_free(result);
}

static void names_that_are_not_utf8_become_replacement_characters(void **state)
{
    (void)state;
    static const struct {
        const char *name, *expected;
    } cases[] = {
        {"a\xff"
         "b",
         "a\xef\xbf\xbd"
         "b"},
        {"\xc3", "\xef\xbf\xbd"},                                                 /* cut short */
        {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},                                 /* overlong */
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},                 /* a surrogate */
        {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* above U+10FFFF */
        {"\xe2\x82\xac\xf4\x8f\xbf\xbf", "\xe2\x82\xac\xf4\x8f\xbf\xbf"},         /* fine */
        {"\x01\x1b[31m", "\x01\x1b[31m"},                                         /* fine in JSON, escaped */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tare_result *result = tare_result_new();
        assert_non_null(result);
        result->kind = sample_string("run");
        assert_non_null(tare_result_add_timer(result, "m", cases[i].name));
        char *text = written(result, 0);
        assert_null(strchr(text, '\x1b'));
        struct tare_result *again = parsed(text);
        assert_string_equal(again->timers[0].name, cases[i].expected);
        tare_result_free(again);
        tare_result_free(result);
        free(text);
    }
}

static void a_document_cut_short_anywhere_is_refused(void **state)
{
    (void)state;
    struct tare_result *result = sample_result_full();
    char *text = written(result, 0);
    size_t size = strlen(text);
    assert_refused(text, 0, -EINVAL, "result is empty");
    /* All but the last newline belongs to the document. Copied, so that a sanitizer sees a step too far. */
    for (size_t length = 1; length + 1 < size; length++) {
        char *cut = malloc(length);
        assert_non_null(cut);
        memcpy(cut, text, length);
        assert_refused(cut, length, -EINVAL, "result is cut short in line ");
        free(cut);
    }
    assert_refused(text, 60, -EINVAL, "in line 4");
    tare_result_free(parsed(text));
    free(text);
    tare_result_free(result);
}

struct damage {
    const char *from, *to;
    int error;
    const char *message;
};

static void assert_damages(const struct damage *damages, size_t count)
{
    struct tare_result *result = sample_result_full();
    char *text = written(result, 0);
    for (size_t i = 0; i < count; i++) {
        char *damaged = replaced(text, damages[i].from, damages[i].to);
        assert_refused(damaged, strlen(damaged), damages[i].error, damages[i].message);
        free(damaged);
    }
    free(text);
    tare_result_free(result);
}

static void another_schema_is_refused(void **state)
{
    (void)state;
    static const struct damage damages[] = {
        {"\"schema_version\": 1", "\"schema_version\": 2", -ENOTSUP,
         "result has schema version 2, this tare reads up to 1: use a newer tare"},
        {"\"schema_version\": 1", "\"schema_version\": 0", -EINVAL, "'schema_version'"},
        {"\"schema_version\": 1", "\"schema_version\": \"1\"", -EINVAL, "'schema_version'"},
        {"\"schema_version\": 1,", "", -EINVAL, "'schema_version'"},
        {"\"tare-result\"", "\"other\\u001b\"", -ENOTSUP,
         "not a result: its schema is 'other?', not 'tare-result'"},
        {"\"schema\"", "\"scheme\"", -EINVAL, "not a result: no 'schema' in it"},
    };
    assert_damages(damages, sizeof damages / sizeof damages[0]);
    assert_refused("[]", 2, -EINVAL, "not a result: the document is not an object");
    assert_refused("1", 1, -EINVAL, "not a result");
    assert_refused("{}", 2, -EINVAL, "not a result");
}

static void broken_json_is_refused_with_its_line(void **state)
{
    (void)state;
    static const struct damage damages[] = {
        {"\"kind\": \"run\",", "\"kind\": \"run\"", -EINVAL, "in line 5"},
        {"\"kind\": \"run\",", "\"kind\": run,", -EINVAL, "in line 4"},
        {"\"kind\": \"run\",", "\"kind\": \"run\", \"kind\": \"run\",", -EINVAL, "duplicate"},
        {"\"kind\": \"run\",", "\"kind\": \"r\xff\",", -EINVAL, "in line 4"},
        {"\"kind\": \"run\",", "\"kind\": \"r\\u0000\",", -EINVAL, "in line 4"},
        {"\"kind\": \"run\",", "\"kind\": NaN,", -EINVAL, "in line 4"},
        {"9223372036854775807", "9223372036854775808", -EINVAL, "too big integer"},
        {"2596100001.25", "1e999", -EINVAL, "real number overflow"},
    };
    assert_damages(damages, sizeof damages / sizeof damages[0]);
    struct tare_result *result = sample_result_full();
    char *text = written(result, 0);
    char *damaged = replaced(text, "\n}\n", "\n}\nmore");
    assert_refused(damaged, strlen(damaged), -EINVAL, "result is");
    free(damaged);
    free(text);
    tare_result_free(result);
}

static void a_wrong_type_or_range_is_named_by_its_path(void **state)
{
    (void)state;
    static const struct damage damages[] = {
        {"\"kind\": \"run\"", "\"kind\": null", -EINVAL, "'kind' is not a string"},
        {"\"kind\": \"run\"", "\"kin\": \"run\"", -EINVAL, "'kind' is missing"},
        {"\"tare_version\": \"0.1.0\"", "\"tare_version\": 1", -EINVAL, "'tare_version' is not a string"},
        {"\"command\": [", "\"command\": [1, ", -EINVAL, "'command[0]' is not a string"},
        {"\"command\": [", "\"command\": true, \"other\": [", -EINVAL, "'command' is not an array or null"},
        {"\"environment\": {", "\"environments\": {", -EINVAL, "'environment' is missing"},
        {"\"fingerprint\": {", "\"fingerprint\": 1, \"other\": {", -EINVAL,
         "'fingerprint' is not an object or null"},
        {"\"hash\": \"", "\"hash\": \"0", -EINVAL, "'fingerprint.hash' is not a hash of 64 hexadecimal digits"},
        {"\"hash\": \"", "\"hash\": 1, \"other\": \"", -EINVAL, "'fingerprint.hash' is not a hash"},
        {"\"hash\": ", "\"hush\": ", -EINVAL, "'fingerprint.hash' is missing"},
        {"\"parts\": {", "\"parts\": [], \"other\": {", -EINVAL, "'fingerprint.parts' is not an object"},
        {"\"parts\": {", "\"other\": {", -EINVAL, "'fingerprint.parts' is missing"},
        {"\"microcode\": \"", "\"microcode\": 1, \"other\": \"", -EINVAL,
         "'fingerprint.parts.microcode' is not a string"},
        {"\"clock\": {", "\"clock\": 1, \"other\": {", -EINVAL, "'clock' is not an object"},
        {"\"cpu_count\": 2", "\"cpu_count\": 4294967296", -EINVAL,
         "'environment.cpu_count' is not a whole number"},
        {"\"cpu_count\": 2", "\"cpu_count\": -1", -EINVAL, "'environment.cpu_count'"},
        {"\"cpu_count\": 2", "\"cpu_count\": 2.0", -EINVAL, "'environment.cpu_count'"},
        {"\"commit_dirty\": true", "\"commit_dirty\": 1", -EINVAL,
         "'environment.commit_dirty' is not true or false"},
        {"\"rate_hz\": 2596100001.25", "\"rate_hz\": \"x\"", -EINVAL,
         "'clock.rate_hz' is not a number or null"},
        {"\"rate_hz\": 2596100001.25", "\"rate_hz\": -1", -EINVAL,
         "'clock.rate_hz' is not a number of at least 0"},
        {"\"steps\": 0", "\"steps\": -1", -EINVAL, "'clock.steps' is not a whole number"},
        {"\"steps\": 0", "\"steps\": 0.5", -EINVAL, "'clock.steps' is not a whole number"},
        {"\"migrations\": 3", "\"migrations\": true", -EINVAL, "'clock.migrations' is not a whole number"},
        {"\"counter_traps\": false", "\"counter_traps\": 0", -EINVAL,
         "'clock.counter_traps' is not true or false"},
        {"\"suspended_ns\": ", "\"suspended_ns\": -", -EINVAL, "'clock.suspended_ns' is not a number of"},
        {"\"n\": 64", "\"n\": null", -EINVAL, "'clock.inner.n' is not a whole number"},
        {"\"outer_in_run\": {", "\"outer_in_run\": 1, \"other\": {", -EINVAL,
         "'clock.outer_in_run' is not an object"},
        {"\"confidence\": 0.95", "\"confidence\": \"95 %\"", -EINVAL, "'confidence' is not a number or null"},
        {"\"disagrees\": true", "\"disagrees\": 1", -EINVAL, "'timers[0].disagrees' is not true or false"},
        {"\"measuring_share\": 0.05", "\"measuring_share\": -0.05", -EINVAL,
         "'timers[0].figures.measuring_share' is not a number of at least 0"},
        {"\"outer\": {", "\"outer\": [], \"other\": {", -EINVAL, "'clock.outer' is not an object"},
        {"\"passes\": [", "\"passes\": [0, ", -EINVAL, "'passes[0]' is not an object"},
        {"\"end\": \"timeout\"", "\"end\": \"gone\"", -EINVAL, "'passes[0].end' is not unknown, exited"},
        {"\"end\": \"timeout\"", "\"end\": 1", -EINVAL, "'passes[0].end'"},
        {"\"code\": 15", "\"code\": null", -EINVAL,
         "'passes[0].code' is not a whole number from 0 to 2147483647"},
        {"\"code\": 15", "\"code\": 2147483648", -EINVAL, "'passes[0].code'"},
        {"\"timers\": [", "\"timers\": {}, \"other\": [", -EINVAL, "'timers' is not an array"},
        {"\"timers\": [", "\"timers\": [null, ", -EINVAL, "'timers[0]' is not an object"},
        {"\"module\": \"fib\"", "\"module\": null", -EINVAL, "'timers[0].module' is not a string"},
        {"\"figures\": {", "\"figures\": null, \"other\": {", -EINVAL, "'timers[0].figures' is not an object"},
        {"\"calls\": 9", "\"calls\": -9", -EINVAL, "'timers[0].figures.calls'"},
        {"\"raw_min_ticks\": 1,", "\"raw_min_ticks\": null,", -EINVAL, "'timers[0].figures.raw_min_ticks'"},
        {"\"raw_total_ticks\": 9223372036854775806,", "", -EINVAL,
         "'timers[0].figures.raw_total_ticks' is missing"},
        {"[0, 1, 3]", "[0, 1]", -EINVAL, "'timers[0].figures.histogram[0]' is not three numbers"},
        {"[0, 1, 3]", "0", -EINVAL, "'timers[0].figures.histogram[0]' is not three numbers"},
        {"[0, 1, 3]", "[0, 0, 3]", -EINVAL, "'timers[0].figures.histogram[0][1]' is not above 0"},
        {"[0, 1, 3]", "[0, 1, 0]", -EINVAL, "'timers[0].figures.histogram[0][2]' is not above 0"},
        {"[0, 1, 3]", "[0, 97, 3]", -EINVAL,
         "'timers[0].figures.histogram[1]' is not above the bucket before it"},
        {"\"histogram\": [", "\"histogram\": 1, \"other\": [", -EINVAL,
         "'timers[0].figures.histogram' is not an array"},
        {"\"exclusive\": {", "\"exclusive\": 1, \"other\": {", -EINVAL,
         "'timers[0].exclusive' is not an object or null"},
        {"\"pid\": 4294967295", "\"pid\": 4294967296", -EINVAL, "'processes[0].pid'"},
        {"\"lost\": {", "\"lost\": 0, \"other\": {", -EINVAL, "'processes[0].lost' is not an object"},
        {"\"module\": \"m\"", "\"module\": 0", -EINVAL, "'processes[0].timers[0].module'"},
        {"\"processes\": 9", "\"processes\": null", -EINVAL, "'lost.processes'"},
        {"\"notes\": [", "\"notes\": [[], ", -EINVAL, "'notes[0]' is not a string"},
        {"\"notes\": [", "\"notes\": null, \"other\": [", -EINVAL, "'notes' is not an array"},
        {"\"incomplete\": true", "\"incomplete\": null", -EINVAL, "'incomplete' is not true or false"},
    };
    assert_damages(damages, sizeof damages / sizeof damages[0]);
}

static void unknown_fields_are_ignored_and_nullable_ones_may_be_missing(void **state)
{
    (void)state;
    struct tare_result *result = sample_result_full();
    char *text = written(result, 0);
    char *more = replaced(text, "\"kind\": \"run\",", "\"kind\": \"run\", \"more\": {\"of\": [1, null]},");
    char *less = replaced(more, "\"rate_hz\": 2596100001.25,", "");
    struct tare_result *again = parsed(less);
    assert_true(isnan(again->clock.rate_hz));
    result->clock.rate_hz = NAN;
    assert_results(again, result);
    tare_result_free(again);
    tare_result_free(result);
    free(text);
    free(more);
    free(less);
}

static void forget_figures(struct tare_result_figures *figures)
{
    figures->net_avg_low_ns = figures->net_avg_high_ns = figures->net_avg_limit_ns = NAN;
    for (int part = 0; part < TARE_ERROR_PARTS; part++) {
        figures->net_avg_error_part_ns[part] = NAN;
    }
    figures->p50_error_ns = figures->p90_error_ns = figures->p95_error_ns = NAN;
    figures->p99_error_ns = figures->p999_error_ns = NAN;
    figures->measuring_ns = figures->measuring_share = NAN;
}

/* All that the first versions did not write. */
static void forget(struct tare_result *result)
{
    const struct tare_result_cost unknown = {.median_ns = NAN, .mad_ns = NAN};
    struct tare_result_clock *clock = &result->clock;
    forget_figures(&result->timers[0].figures);
    forget_figures(&result->timers[0].exclusive);
    forget_figures(&result->processes[0].timers[0].figures);
    result->timers[0].disagrees = -1;
    clock->outer_nested = clock->outer_apart = clock->outer_nested_at_exit = clock->outer_apart_at_exit =
        unknown;
    clock->inner_empty = clock->inner_empty_at_exit = clock->inner_empty_in_run = unknown;
    clock->inner_in_run = clock->outer_in_run = clock->outer_nested_in_run = clock->outer_apart_in_run =
        unknown;
    result->cpu_ns = result->measuring_ns = result->measuring_share = NAN;
}

/* `text` without all fields of that name, which are null. */
static char *without(const char *text, const char *name)
{
    char field[64];
    char *less = sample_string(text);
    int length = snprintf(field, sizeof field, "\"%s\": null,", name);
    size_t found = 0;
    for (char *at = strstr(less, field); at != NULL; at = strstr(less, field)) {
        memmove(at, at + length, strlen(at + length) + 1);
        found++;
    }
    assert_true(found > 0);
    return less;
}

static void an_older_result_has_fewer_figures(void **state)
{
    (void)state;
    static const char *const later[] = {
        "disagrees",
        "net_avg_low_ns",
        "net_avg_high_ns",
        "net_avg_limit_ns",
        "cpu_ns",
        "net_avg_error_context_ns",
        "net_avg_error_sampling_ns",
        "net_avg_error_rate_ns",
        "measuring_ns",
        "net_avg_error_drift_ns",
        "net_avg_error_calibration_ns",
        "measuring_share",
        "outer_nested",
        "outer_nested_at_exit",
        "outer_nested_in_run",
        "p50_error_ns",
        "outer_apart",
        "outer_apart_at_exit",
        "net_avg_error_granularity_ns",
        "p90_error_ns",
        "inner_in_run",
        "inner_empty",
        "inner_empty_at_exit",
        "inner_empty_in_run",
        "outer_in_run",
        "p95_error_ns",
        "p99_error_ns",
        "p999_error_ns",
    };
    struct tare_result *result = sample_result_full();
    forget(result);
    assert_round_trip(result);
    char *text = written(result, 0);
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++) {
        char *less = without(text, later[i]);
        free(text);
        text = less;
    }
    char *older = replaced(text, "\"confidence\": 0.95,", "");
    struct tare_result *again = parsed(older);
    assert_double(again->confidence, 0.95); /* it always was */
    assert_results(again, result);
    tare_result_free(again);
    tare_result_free(result);
    free(older);
    free(text);
}

static void what_nobody_watched_is_unknown_and_not_zero(void **state)
{
    (void)state;
    struct tare_result *result = sample_result_full(), *empty = tare_result_new();
    result->clock.counter_traps = empty->clock.counter_traps;
    result->clock.watch_points = empty->clock.watch_points;
    result->clock.watched_ns = empty->clock.watched_ns;
    result->clock.steps = empty->clock.steps;
    result->clock.step_ns = empty->clock.step_ns;
    result->clock.rate_change_ppm = empty->clock.rate_change_ppm;
    result->clock.suspended_ns = empty->clock.suspended_ns;
    result->clock.migrations = empty->clock.migrations;
    assert_true(result->clock.steps == TARE_COUNT_UNKNOWN && result->clock.migrations == TARE_COUNT_UNKNOWN);
    char *text = written(result, 0);
    static const char *const unknown[] = {"counter_traps", "watch_points",    "watched_ns",   "steps",
                                          "step_ns",       "rate_change_ppm", "suspended_ns", "migrations"};
    char *less = sample_string(text);
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        char field[64];
        snprintf(field, sizeof field, "\"%s\": null,", unknown[i]);
        char *shorter = replaced(less, field, "");
        free(less);
        less = shorter;
    }
    struct tare_result *again = parsed(less); /* as an older tare wrote it */
    assert_results(again, result);
    assert_round_trip(result);
    tare_result_free(again);
    tare_result_free(result);
    tare_result_free(empty);
    free(text);
    free(less);
}

static void a_whole_number_will_do_for_a_time(void **state)
{
    (void)state;
    struct tare_result *result = sample_result_full();
    char *text = written(result, 0);
    char *whole = replaced(text, "2596100001.25", "2596100001");
    struct tare_result *again = parsed(whole);
    assert_double(again->clock.rate_hz, 2596100001.0);
    tare_result_free(again);
    tare_result_free(result);
    free(text);
    free(whole);
}

static void deep_nesting_is_refused(void **state)
{
    (void)state;
    enum { DEPTH = 100000 };
    char *deep = malloc(DEPTH);
    assert_non_null(deep);
    memset(deep, '[', DEPTH);
    assert_refused(deep, DEPTH, -EINVAL, "maximum parsing depth");
    free(deep);
}

static void a_short_message_buffer_is_enough(void **state)
{
    (void)state;
    struct tare_result *result = NULL;
    char message[8] = "#######";
    assert_int_equal(tare_result_parse_json("{}", 2, &result, message, 4), -EINVAL);
    assert_string_equal(message, "not");
    assert_int_equal(tare_result_parse_json("{}", 2, &result, NULL, 0), -EINVAL);
}

static void a_stream_is_read_like_a_string(void **state)
{
    (void)state;
    struct tare_result *result = sample_result_full();
    struct tare_result *again = NULL;
    char message[256] = "";
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(tare_result_write_json(result, file), 0);
    rewind(file);
    assert_int_equal(tare_result_read_json(file, &again, message, sizeof message), 0);
    assert_results(again, result);
    tare_result_free(again);
    fclose(file);
    tare_result_free(result);
    file = fopen("/", "r");
    assert_non_null(file);
    assert_int_equal(tare_result_read_json(file, &again, message, sizeof message), -EISDIR);
    assert_string_equal(message, "cannot read the result: Is a directory");
    fclose(file);
}

static void timers_are_found_by_module_and_name(void **state)
{
    (void)state;
    struct tare_result *result = tare_result_new();
    assert_non_null(result);
    for (int i = 0; i < 100; i++) {
        char name[16];
        snprintf(name, sizeof name, "t%d", i);
        struct tare_result_timer *timer = tare_result_add_timer(result, i % 2 == 0 ? "even" : "odd", name);
        assert_non_null(timer);
        timer->line = (uint32_t)i;
        assert_true(isnan(timer->figures.net_avg_ns) && isnan(timer->exclusive.raw_p999_ns));
        assert_int_equal(timer->figures.calls, 0);
    }
    assert_int_equal(result->timer_count, 100);
    assert_int_equal(tare_result_find_timer(result, "odd", "t77")->line, 77);
    assert_null(tare_result_find_timer(result, "even", "t77"));
    tare_result_free(result);
    tare_result_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_member_survives_writing_and_reading),
        cmocka_unit_test(what_is_unknown_stays_unknown),
        cmocka_unit_test(a_part_of_the_fingerprint_may_be_unknown),
        cmocka_unit_test(an_older_result_has_no_fingerprint),
        cmocka_unit_test(a_fingerprint_of_another_version_keeps_its_hash),
        cmocka_unit_test(an_empty_histogram_is_not_a_missing_one),
        cmocka_unit_test(doubles_of_all_sizes_survive),
        cmocka_unit_test(numbers_survive_a_locale_with_a_comma),
        cmocka_unit_test(what_json_cannot_say_is_refused_before_the_first_byte),
        cmocka_unit_test(a_full_disk_is_an_error),
        cmocka_unit_test(names_that_are_not_utf8_become_replacement_characters),
        cmocka_unit_test(a_document_cut_short_anywhere_is_refused),
        cmocka_unit_test(another_schema_is_refused),
        cmocka_unit_test(broken_json_is_refused_with_its_line),
        cmocka_unit_test(a_wrong_type_or_range_is_named_by_its_path),
        cmocka_unit_test(unknown_fields_are_ignored_and_nullable_ones_may_be_missing),
        cmocka_unit_test(an_older_result_has_fewer_figures),
        cmocka_unit_test(what_nobody_watched_is_unknown_and_not_zero),
        cmocka_unit_test(a_whole_number_will_do_for_a_time),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(a_short_message_buffer_is_enough),
        cmocka_unit_test(a_stream_is_read_like_a_string),
        cmocka_unit_test(timers_are_found_by_module_and_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
