/* SPDX-License-Identifier: MIT */
/*
 * Captures when memory ends, at every allocation in turn: a sample that came to nothing leaves no trace, and
 * the capture goes on as if it had never been tried. The linker puts the functions here in front of libc's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* The above are what cmocka.h needs. */
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "result/capture.h"
#include "tests/unit/sample_telemetry.h"

void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);
char *__real_strdup(const char *text);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);
char *__wrap_strdup(const char *text);
int __wrap_asprintf(char **to, const char *format, ...);
int __wrap___asprintf_chk(char **to, int flag, const char *format, ...);

/* Allocations until the one that fails; below 0: none does. */
static long left = -1;

static bool fails(void)
{
    return left >= 0 && left-- == 0;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

void *__wrap_reallocarray(void *old, size_t count, size_t size)
{
    return fails() ? NULL : __real_reallocarray(old, count, size);
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

/* What it points to is undefined then: something that must not be freed. */
static int no_text(char **to)
{
    *to = (char *)to;
    return -1;
}

int __wrap_asprintf(char **to, const char *format, ...)
{
    if (fails()) {
        return no_text(to);
    }
    va_list arguments;
    va_start(arguments, format);
    int written = vasprintf(to, format, arguments);
    va_end(arguments);
    return written;
}

int __wrap___asprintf_chk(char **to, int flag, const char *format, ...)
{
    (void)flag;
    if (fails()) {
        return no_text(to);
    }
    va_list arguments;
    va_start(arguments, format);
    int written = vasprintf(to, format, arguments);
    va_end(arguments);
    return written;
}

static struct tare_instrument_figures *of_kind(struct tare_telemetry *telemetry, enum tare_kind kind)
{
    for (size_t i = 0; i < telemetry->processes[0].instrument_count; i++) {
        if (telemetry->processes[0].instruments[i].kind == kind) {
            return &telemetry->processes[0].instruments[i];
        }
    }
    fail_msg("the sample has no such instrument");
    return NULL;
}

/*
 * Number `sample` of five. The third one has all that is new: a process, instruments, a state's columns behind
 * those that it had, threads, frames, a reset.
 */
static void shape(struct tare_telemetry *telemetry, int sample, size_t processes, size_t instruments,
                  size_t threads, size_t states)
{
    bool whole = sample >= 2;
    telemetry->process_count = whole ? processes : 1;
    telemetry->processes[0].instrument_count = whole ? instruments : instruments - 1;
    telemetry->processes[0].thread_list_count = whole ? threads : threads - 1;
    struct tare_instrument_figures *state = of_kind(telemetry, TARE_KIND_STATE);
    state->total.state_count = whole ? states : 0;
    of_kind(telemetry, TARE_KIND_COUNTER)->generation = whole ? 2 : 1;
    telemetry->monotonic_ns += 0.25e9;
    telemetry->unix_ns += 0.25e9;
    telemetry->processes[0].age_ns += 0.25e9;
}

/* The document after five samples; the third is tried twice, if allocation number `failing` is in it. */
static char *capture_failing(long failing, bool *failed)
{
    struct tare_telemetry telemetry;
    size_t size;
    sample_telemetry(&telemetry);
    size_t processes = telemetry.process_count, instruments = telemetry.processes[0].instrument_count,
           threads = telemetry.processes[0].thread_list_count,
           states = of_kind(&telemetry, TARE_KIND_STATE)->total.state_count;
    struct tare_capture *capture = tare_capture_new(&(struct tare_capture_options){.interval_ns = 0.25e9});
    assert_non_null(capture);
    *failed = false;
    for (int sample = 0; sample < 5; sample++) {
        shape(&telemetry, sample, processes, instruments, threads, states);
        left = sample == 2 ? failing : -1;
        int error = tare_capture_add(capture, &telemetry);
        left = -1;
        if (error != 0) {
            assert_int_equal(error, -ENOMEM);
            assert_int_equal(capture->sample_count, 2);
            *failed = true;
            free(tare_capture_json(capture, &size)); /* whole in between, too */
            assert_int_equal(tare_capture_add(capture, &telemetry), 0);
        }
    }
    char *text = tare_capture_json(capture, &size);
    assert_non_null(text);
    tare_capture_free(capture);
    shape(&telemetry, 4, processes, instruments, threads, states);
    tare_telemetry_release(&telemetry);
    return text;
}

static void a_sample_that_memory_ended_in_leaves_no_trace(void **state)
{
    (void)state;
    bool failed = true;
    char *whole = capture_failing(-1, &failed);
    long failing = 0;
    for (failed = true; failed; failing++) {
        char *text = capture_failing(failing, &failed);
        assert_string_equal(text, whole);
        free(text);
    }
    assert_true(failing > 30); /* there is that much to fail */
    free(whole);
}

/* A copy is whole, or there is none. */
static void a_copy_is_the_same_or_none(void **state)
{
    (void)state;
    struct tare_telemetry telemetry;
    size_t size, copy_size;
    sample_telemetry(&telemetry);
    struct tare_capture *capture = tare_capture_new(NULL), *copy = NULL;
    assert_non_null(capture);
    for (int sample = 0; sample < 3; sample++) {
        assert_int_equal(tare_capture_add(capture, &telemetry), 0);
        telemetry.monotonic_ns += 0.25e9;
    }
    char *text = tare_capture_json(capture, &size);
    assert_non_null(text);
    long failing = 0;
    for (; copy == NULL; failing++) {
        left = failing;
        copy = tare_capture_copy(capture);
        left = -1;
    }
    assert_true(failing > 100); /* there is that much to fail */
    tare_capture_free(capture);
    char *copied = tare_capture_json(copy, &copy_size);
    assert_non_null(copied);
    assert_string_equal(copied, text);
    assert_true(tare_capture_is_full(copy));
    assert_int_equal(tare_capture_add(copy, &telemetry), -ENOBUFS);
    tare_capture_free(copy);
    free(copied);
    free(text);
    tare_telemetry_release(&telemetry);
}

/* And where it ends for good, what there is can still be freed. */
static void a_capture_that_memory_ended_for_can_be_freed(void **state)
{
    (void)state;
    struct tare_telemetry telemetry;
    sample_telemetry(&telemetry);
    for (long failing = 0; failing < 400; failing += 3) {
        struct tare_capture *capture = tare_capture_new(NULL);
        left = failing;
        int error = tare_capture_add(capture, &telemetry);
        left = -1;
        assert_true(error == 0 || error == -ENOMEM);
        tare_capture_free(capture);
    }
    tare_telemetry_release(&telemetry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sample_that_memory_ended_in_leaves_no_trace),
        cmocka_unit_test(a_copy_is_the_same_or_none),
        cmocka_unit_test(a_capture_that_memory_ended_for_can_be_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
