/* SPDX-License-Identifier: MIT */
/*
 * view/profile_exports.h: what each format carries, taken apart by parsers of this file that refuse what they do not
 * know. What other viewers make of the same profiles is tests/web/exports.test.js.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "result/utf8.h"
#include "tests/unit/comma_locale.h"
#include "tests/unit/export_profiles.h"
#include "view/profile_exports.h"

#if TARE_HAVE_ZLIB
#include <zlib.h>
#endif

enum { MANY = 64 };

typedef int writer(const struct tare_result *result, FILE *out);

struct text {
    char *bytes;
    size_t size;
};

/* The result is freed. */
static struct text written(struct tare_result *result, writer *write)
{
    struct text text = {NULL, 0};
    FILE *out = open_memstream(&text.bytes, &text.size);
    assert_non_null(out);
    assert_int_equal(write(result, out), 0);
    assert_int_equal(fclose(out), 0);
    tare_result_free(result);
    return text;
}

static void assert_utf8(const char *text, size_t size)
{
    assert_int_equal(strlen(text), size);
    for (size_t taken; *text != '\0'; text += taken) {
        uint32_t code_point;
        taken = tare__utf8_decode(text, &code_point);
        assert_int_not_equal(taken, 0);
    }
}

/* Folded stacks */

static void folded_stacks_are_sorted_and_added_up(void **state)
{
    (void)state;
    struct text text = written(export_profile_small(), tare_view_folded);
    assert_string_equal(text.bytes, "[no stack] 10000000\n"
                                    "main;[jit+0x7f0000001000] 10000000\n"
                                    "main;read_all;sys_read 10000000\n"
                                    "main;sort_all;compare(char const*, char const*) 30000000\n"
                                    "main;sort_all;swap 10000000\n"
                                    "start;[libc.so.6+0x1234] 10000000\n");
    free(text.bytes);
}

static void a_folded_stack_may_end_within_another_and_weigh_nothing(void **state)
{
    (void)state;
    struct text text = written(export_profile_folded(), tare_view_folded);
    assert_string_equal(text.bytes, "a;a;a 5\na;b 30\na;b;c 12\n");
    free(text.bytes);
}

static void folded_names_cannot_break_a_line(void **state)
{
    (void)state;
    struct text text = written(export_profile_hostile(), tare_view_folded);
    assert_utf8(text.bytes, text.size);
    size_t lines = 0, names = 0;
    for (char *line = text.bytes; *line != '\0'; lines++) {
        char *end = strchr(line, '\n');
        assert_non_null(end);
        for (const char *p = line; p < end; p++) {
            assert_true((unsigned char)*p >= ' ' && *p != 0x7f && *p != ';');
        }
        assert_memory_equal(end - strlen(" 1000000"), " 1000000", strlen(" 1000000"));
        line = end + 1;
    }
    while (export_hostile_names[names] != NULL) {
        names++;
    }
    assert_int_equal(lines, names);
    assert_non_null(strstr(text.bytes, "semi,colon,<T, 4> 1000000\n"));
    assert_non_null(strstr(text.bytes, "bad\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd utf"));
    free(text.bytes);
}

static void sums_stop_at_the_largest_number(void **state)
{
    (void)state;
    struct text text = written(export_profile_heavy(), tare_view_folded);
    assert_string_equal(text.bytes, "a 9007199254740993\na;b 18446744073709551615\n");
    free(text.bytes);
}

static void nothing_sampled_is_nothing_folded(void **state)
{
    (void)state;
    struct text text = written(export_profile_empty(), tare_view_folded);
    assert_int_equal(text.size, 0);
    free(text.bytes);
}

/* pprof */

#if TARE_HAVE_ZLIB

struct span {
    const unsigned char *at, *end;
};

static uint64_t varint(struct span *span)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        assert_true(span->at < span->end);
        unsigned char byte = *span->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return value;
        }
    }
    fail_msg("a number of more than 64 bits");
    return 0;
}

/* The next field: its number; `value` for a number, `inner` for what has a length. 0 at the end. */
static unsigned field(struct span *span, uint64_t *value, struct span *inner)
{
    *value = 0;
    *inner = (struct span){NULL, NULL};
    if (span->at == span->end) {
        return 0;
    }
    uint64_t key = varint(span);
    if ((key & 7) == 0) {
        *value = varint(span);
    } else {
        assert_int_equal(key & 7, 2);
        uint64_t size = varint(span);
        assert_true(size <= (uint64_t)(span->end - span->at));
        *inner = (struct span){span->at, span->at + size};
        span->at += size;
    }
    assert_int_not_equal(key >> 3, 0);
    return (unsigned)(key >> 3);
}

struct proto_sample {
    uint64_t locations[MANY], values[2];
    size_t location_count, value_count, label_count;
    struct {
        uint64_t key, text, number;
    } labels[8];
};
struct proto_location {
    uint64_t mapping, address;
    size_t line_count;
    struct {
        uint64_t function, line;
    } lines[8];
};
struct proto_function {
    uint64_t name, system_name, file, start;
};
struct proto_mapping {
    uint64_t id, file, build_id;
};

/* What is said by the messages; ids index the arrays. */
struct proto {
    char *strings[MANY * 2];
    size_t string_count;
    struct {
        uint64_t type, unit;
    } types[2], period_type;
    size_t type_count;
    struct proto_sample samples[MANY];
    size_t sample_count;
    struct proto_location locations[MANY];
    struct proto_function functions[MANY];
    struct proto_mapping mappings[MANY];
    size_t mapping_count;
    uint64_t period, time, duration, comments[MANY], default_type;
    size_t comment_count;
    unsigned char *bytes;
};

static void parse_type(struct span span, uint64_t *type, uint64_t *unit)
{
    uint64_t value;
    struct span inner;
    for (unsigned n; (n = field(&span, &value, &inner)) != 0;) {
        assert_in_range(n, 1, 2);
        *(n == 1 ? type : unit) = value;
    }
}

static void parse_sample(struct span span, struct proto_sample *sample)
{
    uint64_t value;
    struct span inner;
    for (unsigned n; (n = field(&span, &value, &inner)) != 0;) {
        assert_in_range(n, 1, 3);
        assert_non_null(inner.at);
        if (n == 3) {
            assert_true(sample->label_count < 8);
            uint64_t *label = &sample->labels[sample->label_count++].key, number;
            struct span nothing;
            for (unsigned m; (m = field(&inner, &number, &nothing)) != 0;) {
                assert_in_range(m, 1, 3);
                label[m - 1] = number;
            }
            continue;
        }
        while (inner.at < inner.end) {
            if (n == 1) {
                assert_true(sample->location_count < MANY);
                sample->locations[sample->location_count++] = varint(&inner);
            } else {
                assert_true(sample->value_count < 2);
                sample->values[sample->value_count++] = varint(&inner);
            }
        }
    }
}

static void parse_location(struct span span, struct proto *proto)
{
    struct proto_location location = {0};
    uint64_t value, id = 0;
    struct span inner;
    for (unsigned n; (n = field(&span, &value, &inner)) != 0;) {
        assert_in_range(n, 1, 4);
        if (n == 4) {
            assert_true(location.line_count < 8);
            uint64_t *line = &location.lines[location.line_count++].function, number;
            struct span nothing;
            for (unsigned m; (m = field(&inner, &number, &nothing)) != 0;) {
                assert_in_range(m, 1, 2);
                line[m - 1] = number;
            }
        } else {
            *(n == 1 ? &id : n == 2 ? &location.mapping : &location.address) = value;
        }
    }
    assert_in_range(id, 1, MANY - 1);
    assert_int_equal(proto->locations[id].line_count, 0); /* no id twice */
    assert_int_not_equal(location.line_count, 0);
    proto->locations[id] = location;
}

static void parse_function(struct span span, struct proto *proto)
{
    struct proto_function function = {0};
    uint64_t value, id = 0;
    struct span inner;
    for (unsigned n; (n = field(&span, &value, &inner)) != 0;) {
        assert_in_range(n, 1, 5);
        *(n == 1   ? &id
          : n == 2 ? &function.name
          : n == 3 ? &function.system_name
          : n == 4 ? &function.file
                   : &function.start) = value;
    }
    assert_in_range(id, 1, MANY - 1);
    proto->functions[id] = function;
}

static void parse_mapping(struct span span, struct proto_mapping *mapping)
{
    uint64_t value;
    struct span inner;
    for (unsigned n; (n = field(&span, &value, &inner)) != 0;) {
        assert_in_range(n, 1, 10);
        if (n == 1) {
            mapping->id = value;
        } else if (n == 5) {
            mapping->file = value;
        } else if (n == 6) {
            mapping->build_id = value;
        } else {
            assert_in_range(n, 7, 10);
            assert_int_equal(value, 1);
        }
    }
}

static struct proto *parse(struct tare_result *result)
{
    struct text text = written(result, tare_view_pprof);
    struct proto *proto = calloc(1, sizeof *proto);
    uLongf room = 1 << 20;
    proto->bytes = malloc(room);
    z_stream z = {.next_in = (Bytef *)text.bytes,
                  .avail_in = (uInt)text.size,
                  .next_out = proto->bytes,
                  .avail_out = (uInt)room};
    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK); /* gzip and nothing else */
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(z.avail_in, 0);
    struct span span = {proto->bytes, proto->bytes + z.total_out};
    inflateEnd(&z);
    free(text.bytes);
    uint64_t value;
    struct span inner;
    for (unsigned n; (n = field(&span, &value, &inner)) != 0;) {
        switch (n) {
        case 1:
            assert_true(proto->type_count < 2);
            parse_type(inner, &proto->types[proto->type_count].type, &proto->types[proto->type_count].unit);
            proto->type_count++;
            break;
        case 2:
            assert_true(proto->sample_count < MANY);
            parse_sample(inner, &proto->samples[proto->sample_count++]);
            break;
        case 3:
            assert_true(proto->mapping_count < MANY);
            parse_mapping(inner, &proto->mappings[proto->mapping_count++]);
            break;
        case 4:
            parse_location(inner, proto);
            break;
        case 5:
            parse_function(inner, proto);
            break;
        case 6:
            assert_true(proto->string_count < MANY * 2);
            proto->strings[proto->string_count] =
                strndup((const char *)inner.at, (size_t)(inner.end - inner.at));
            assert_utf8(proto->strings[proto->string_count], (size_t)(inner.end - inner.at));
            proto->string_count++;
            break;
        case 9:
            proto->time = value;
            break;
        case 10:
            proto->duration = value;
            break;
        case 11:
            parse_type(inner, &proto->period_type.type, &proto->period_type.unit);
            break;
        case 12:
            proto->period = value;
            break;
        case 13:
            proto->comments[proto->comment_count++] = value;
            break;
        case 14:
            proto->default_type = value;
            break;
        default:
            fail_msg("field %u of a profile", n);
        }
    }
    assert_string_equal(proto->strings[0], "");
    return proto;
}

static void release(struct proto *proto)
{
    for (size_t i = 0; i < proto->string_count; i++) {
        free(proto->strings[i]);
    }
    free(proto->bytes);
    free(proto);
}

static const char *string(const struct proto *proto, uint64_t number)
{
    assert_true(number < proto->string_count);
    return proto->strings[number];
}

static const char *label(const struct proto *proto, const struct proto_sample *sample, const char *key)
{
    for (size_t i = 0; i < sample->label_count; i++) {
        if (strcmp(string(proto, sample->labels[i].key), key) == 0) {
            return string(proto, sample->labels[i].text);
        }
    }
    return NULL;
}

/* "inner<outer|caller" by names: '<' is inlined into, '|' is called by. */
static void stack_text(const struct proto *proto, const struct proto_sample *sample, char text[400])
{
    *text = '\0';
    for (size_t i = 0; i < sample->location_count; i++) {
        assert_in_range(sample->locations[i], 1, MANY - 1);
        const struct proto_location *location = &proto->locations[sample->locations[i]];
        assert_int_not_equal(location->line_count, 0);
        for (size_t j = 0; j < location->line_count; j++) {
            const struct proto_function *function = &proto->functions[location->lines[j].function];
            snprintf(text + strlen(text), 400 - strlen(text), "%s%s:%u",
                     j > 0   ? "<"
                     : i > 0 ? "|"
                             : "",
                     string(proto, function->name), (unsigned)location->lines[j].line);
        }
    }
}

static const struct proto_sample *find_sample(const struct proto *proto, const char *stack, const char *timer)
{
    for (size_t i = 0; i < proto->sample_count; i++) {
        char text[400];
        stack_text(proto, &proto->samples[i], text);
        const char *its = label(proto, &proto->samples[i], "timer");
        if (strcmp(text, stack) == 0 && (timer == NULL) == (its == NULL) &&
            (timer == NULL || strcmp(timer, its) == 0)) {
            return &proto->samples[i];
        }
    }
    fail_msg("no sample '%s'", stack);
    return NULL;
}

static void pprof_carries_stacks_with_inlined_calls(void **state)
{
    (void)state;
    struct proto *proto = parse(export_profile_small());
    assert_int_equal(proto->sample_count, 7);
    const struct proto_sample *sample = find_sample(proto, "swap:7<sort_all:52|main:100", NULL);
    assert_int_equal(sample->value_count, 2);
    assert_int_equal(sample->values[0], 1);
    assert_int_equal(sample->values[1], 10000000);
    sample = find_sample(proto, "compare(char const*, char const*):10|sort_all:50|main:100", "sorting::sort");
    assert_int_equal(sample->values[0], 2);
    assert_int_equal(sample->values[1], 20000000);
    find_sample(proto, "compare(char const*, char const*):10|sort_all:50|main:100", NULL);
    sample = find_sample(proto, "[libc.so.6+0x1234]:0|start:0", NULL);
    assert_int_equal(proto->locations[sample->locations[0]].address, 0x1234);
    find_sample(proto, "sys_read:0|read_all:0|main:100", NULL);
    find_sample(proto, "[no stack]:0", NULL);
    release(proto);
}

static void pprof_says_who_was_sampled(void **state)
{
    (void)state;
    struct proto *proto = parse(export_profile_small());
    const struct proto_sample *sample = find_sample(proto, "[jit+0x7f0000001000]:0|main:100", NULL);
    assert_string_equal(label(proto, sample, "thread"), "worker");
    assert_string_equal(label(proto, sample, "process"), "sort");
    assert_int_equal(sample->label_count, 4);
    assert_string_equal(string(proto, sample->labels[2].key), "pid");
    assert_int_equal(sample->labels[2].number, 200);
    assert_string_equal(string(proto, sample->labels[3].key), "tid");
    assert_int_equal(sample->labels[3].number, 200);
    sample = find_sample(proto, "[no stack]:0", NULL);
    assert_int_equal(sample->label_count, 1);
    assert_string_equal(label(proto, sample, "truncated"), "yes");
    release(proto);
}

static void pprof_says_what_was_sampled(void **state)
{
    (void)state;
    struct proto *proto = parse(export_profile_small());
    assert_int_equal(proto->type_count, 2);
    assert_string_equal(string(proto, proto->types[0].type), "samples");
    assert_string_equal(string(proto, proto->types[0].unit), "count");
    assert_string_equal(string(proto, proto->types[1].type), "cpu-clock");
    assert_string_equal(string(proto, proto->types[1].unit), "nanoseconds");
    assert_string_equal(string(proto, proto->default_type), "cpu-clock");
    assert_string_equal(string(proto, proto->period_type.type), "cpu-clock");
    assert_int_equal(proto->period, 10000000);
    assert_int_equal(proto->duration, 150000000);
    assert_int_equal(proto->time, UINT64_C(1795271400) * 1000000000);
    bool mode = false, lost = false;
    for (size_t i = 0; i < proto->comment_count; i++) {
        mode = mode || strcmp(string(proto, proto->comments[i]), "mode: built-in") == 0;
        lost = lost || strcmp(string(proto, proto->comments[i]), "lost samples: 3") == 0;
    }
    assert_true(mode && lost);
    /* The program stands before its libraries. */
    assert_int_equal(proto->mapping_count, 4);
    assert_string_equal(string(proto, proto->mappings[0].file), "/usr/bin/sort");
    assert_string_equal(string(proto, proto->mappings[1].file), "/usr/lib/libc.so.6");
    assert_string_equal(string(proto, proto->mappings[1].build_id), "00112233445566778899aabbccddeeff00112233");
    const struct proto_sample *sample = find_sample(proto, "swap:7<sort_all:52|main:100", NULL);
    const struct proto_location *location = &proto->locations[sample->locations[0]];
    assert_int_equal(location->mapping, proto->mappings[0].id);
    assert_string_equal(string(proto, proto->functions[location->lines[0].function].file), "swap.h");
    assert_int_equal(proto->functions[location->lines[0].function].start, 5);
    release(proto);
}

static void two_lines_of_a_function_are_one_function_in_pprof(void **state)
{
    (void)state;
    struct proto *proto = parse(export_profile_small());
    const struct proto_sample *one =
        find_sample(proto, "compare(char const*, char const*):10|sort_all:50|main:100", NULL);
    const struct proto_sample *other = find_sample(proto, "swap:7<sort_all:52|main:100", NULL);
    assert_int_equal(proto->locations[one->locations[1]].lines[0].function,
                     proto->locations[other->locations[0]].lines[1].function);
    release(proto);
}

static void pprof_takes_hostile_names_empty_and_heavy_profiles(void **state)
{
    (void)state;
    struct proto *proto = parse(export_profile_hostile());
    find_sample(proto, "semi;colon;<T; 4>:12", NULL);
    find_sample(proto, "line\nfeed\r\ttab\x01\x1f\x7f:12", NULL);
    find_sample(proto, "bad\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd utf\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd:12",
                NULL);
    release(proto);

    proto = parse(export_profile_empty());
    assert_int_equal(proto->sample_count, 0);
    assert_int_equal(proto->type_count, 1);
    release(proto);

    proto = parse(export_profile_heavy());
    assert_int_equal(find_sample(proto, "a:0", NULL)->values[1], (UINT64_C(1) << 53) + 1);
    assert_int_equal(find_sample(proto, "b:0|a:0", NULL)->values[1], INT64_MAX - (INT64_C(1) << 53) - 1);
    release(proto);
}

static void samples_that_were_counted_before_are_not_counted_anew(void **state)
{
    (void)state;
    struct proto *proto = parse(export_profile_folded());
    assert_int_equal(proto->type_count, 1);
    assert_string_equal(string(proto, proto->types[0].type), "samples");
    const struct proto_sample *sample = find_sample(proto, "c:0|b:0|a:0", NULL);
    assert_int_equal(sample->value_count, 1);
    assert_int_equal(sample->values[0], 12);
    release(proto);
}

#else

static void pprof_needs_zlib(void **state)
{
    (void)state;
    struct tare_result *result = export_profile_small();
    assert_int_equal(tare_view_pprof(result, stdout), -ENOTSUP);
    tare_result_free(result);
    print_message("built without zlib: no pprof can be written\n");
    skip();
}

#endif

/* JSON */

static json_t *loaded(struct tare_result *result, writer *write)
{
    struct text text = written(result, write);
    assert_utf8(text.bytes, text.size);
    json_error_t error;
    json_t *root = json_loadb(text.bytes, text.size, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL) {
        fail_msg("%s in: %s", error.text, text.bytes);
    }
    free(text.bytes);
    return root;
}

/* By a path of keys and indices: "threads.0.samples.length". */
static json_t *at(json_t *value, const char *path)
{
    char part[60];
    const char *rest = path;
    while (*rest != '\0') {
        size_t size = strcspn(rest, ".");
        snprintf(part, sizeof part, "%.*s", (int)size, rest);
        value = json_is_array(value) ? json_array_get(value, strtoul(part, NULL, 10))
                                     : json_object_get(value, part);
        rest += size + (rest[size] == '.');
    }
    if (value == NULL) {
        fail_msg("no '%s'", path);
    }
    return value;
}

static const char *text_at(json_t *value, const char *path)
{
    const char *text = json_string_value(at(value, path));
    assert_non_null(text);
    return text;
}

static double number_at(json_t *value, const char *path)
{
    assert_true(json_is_number(at(value, path)));
    return json_number_value(at(value, path));
}

static size_t size_at(json_t *value, const char *path)
{
    assert_true(json_is_array(at(value, path)));
    return json_array_size(at(value, path));
}

/* speedscope */

static void speedscope_has_a_profile_for_each_thread(void **state)
{
    (void)state;
    json_t *root = loaded(export_profile_small(), tare_view_speedscope);
    assert_string_equal(text_at(root, "exporter"), "tare 1.2.3");
    assert_int_equal(size_at(root, "profiles"), 4);
    assert_string_equal(text_at(root, "profiles.0.name"), "sort: worker (100/100)");
    assert_string_equal(text_at(root, "profiles.2.name"), "sort: worker (200/200)");
    assert_string_equal(text_at(root, "profiles.3.name"), "unknown thread");
    assert_string_equal(text_at(root, "profiles.0.unit"), "nanoseconds");
    assert_int_equal(size_at(root, "profiles.0.samples"), 4);
    assert_int_equal(size_at(root, "profiles.0.weights"), 4);
    assert_int_equal(number_at(root, "profiles.0.endValue"), 40000000);
    assert_int_equal(size_at(root, "profiles.0.samples.2"), 3);
    static const char *const expected[] = {"main", "sort_all", "swap"};
    for (size_t i = 0; i < 3; i++) {
        json_t *number = json_array_get(at(root, "profiles.0.samples.2"), i);
        json_t *function = json_array_get(at(root, "shared.frames"), (size_t)json_integer_value(number));
        assert_string_equal(text_at(function, "name"), expected[i]);
    }
    json_decref(root);
}

static void speedscope_takes_every_profile(void **state)
{
    (void)state;
    json_t *root = loaded(export_profile_hostile(), tare_view_speedscope);
    assert_string_equal(text_at(root, "shared.frames.0.name"), export_hostile_names[0]);
    assert_string_equal(text_at(root, "shared.frames.2.name"), export_hostile_names[2]);
    json_decref(root);
    root = loaded(export_profile_empty(), tare_view_speedscope);
    assert_int_equal(size_at(root, "profiles"), 0);
    json_decref(root);
    root = loaded(export_profile_heavy(), tare_view_speedscope);
    assert_true(json_integer_value(at(root, "profiles.0.weights.0")) == (INT64_C(1) << 53) + 1);
    assert_true(json_integer_value(at(root, "profiles.0.weights.1")) == INT64_MAX);
    assert_string_equal(text_at(root, "profiles.0.unit"), "none");
    json_decref(root);
}

/* Firefox Profiler */

static void assert_table(json_t *table, const char *const *columns)
{
    size_t rows = (size_t)number_at(table, "length"), count = 0;
    for (; columns[count] != NULL; count++) {
        assert_int_equal(size_at(table, columns[count]), rows);
    }
    assert_int_equal(json_object_size(table), count + 1); /* and no others */
}

static void assert_indices(json_t *column, size_t limit, bool null_too, bool minus_one_too)
{
    for (size_t i = 0; i < json_array_size(column); i++) {
        json_t *value = json_array_get(column, i);
        if (json_is_null(value)) {
            assert_true(null_too);
            continue;
        }
        assert_true(json_is_integer(value));
        if (json_integer_value(value) == -1) {
            assert_true(minus_one_too);
            continue;
        }
        assert_true(json_integer_value(value) >= 0 && (size_t)json_integer_value(value) < limit);
    }
}

/* Every table's columns, by version 60 of the format, and where their numbers lead. */
static void assert_firefox(json_t *root)
{
    static const char *const stacks[] = {"frame", "prefix", NULL};
    static const char *const frames[] = {"address",      "inlineDepth",   "category", "subcategory", "func",
                                         "nativeSymbol", "innerWindowID", "line",     "column",      NULL};
    static const char *const functions[] = {"name",   "isJS",       "relevantForJS", "resource",
                                            "source", "lineNumber", "columnNumber",  NULL};
    static const char *const resources[] = {"type", "lib", "name", "host", NULL};
    static const char *const symbols[] = {"libIndex", "address", "name", "functionSize", NULL};
    static const char *const sources[] = {"id", "filename", NULL};
    static const char *const markers[] = {"data", "name", "startTime", "endTime", "phase", "category", NULL};
    static const char *const samples[] = {"stack", "time", "weight", NULL};
    static const char *const running[] = {"stack", "time", "weight", "threadCPUDelta", NULL};
    bool runs = json_object_get(at(root, "meta"), "sampleUnits") != NULL;
    assert_int_equal(number_at(root, "meta.preprocessedProfileVersion"), 60);
    json_t *shared = at(root, "shared");
    assert_table(at(shared, "stackTable"), stacks);
    assert_table(at(shared, "frameTable"), frames);
    assert_table(at(shared, "funcTable"), functions);
    assert_table(at(shared, "resourceTable"), resources);
    assert_table(at(shared, "nativeSymbols"), symbols);
    assert_table(at(shared, "sources"), sources);
    size_t strings = size_at(shared, "stringArray");
    assert_indices(at(shared, "stackTable.frame"), (size_t)number_at(shared, "frameTable.length"), false,
                   false);
    assert_indices(at(shared, "frameTable.func"), (size_t)number_at(shared, "funcTable.length"), false, false);
    assert_indices(at(shared, "frameTable.category"), size_at(root, "meta.categories"), false, false);
    assert_indices(at(shared, "funcTable.name"), strings, false, false);
    assert_indices(at(shared, "funcTable.resource"), (size_t)number_at(shared, "resourceTable.length"), false,
                   true);
    assert_indices(at(shared, "funcTable.source"), (size_t)number_at(shared, "sources.length"), true, false);
    assert_indices(at(shared, "resourceTable.lib"), size_at(root, "libs"), true, false);
    assert_indices(at(shared, "resourceTable.name"), strings, false, false);
    assert_indices(at(shared, "sources.filename"), strings, false, false);
    json_t *prefix = at(shared, "stackTable.prefix");
    for (size_t i = 0; i < json_array_size(prefix); i++) {
        json_t *outer = json_array_get(prefix, i);
        assert_true(json_is_null(outer) || (size_t)json_integer_value(outer) < i); /* callers come first */
    }
    assert_int_not_equal(size_at(root, "threads"), 0);
    for (size_t i = 0; i < size_at(root, "threads"); i++) {
        json_t *thread = json_array_get(at(root, "threads"), i);
        json_t *table = json_deep_copy(at(thread, "samples"));
        assert_true(json_is_string(at(table, "weightType")));
        json_object_del(table, "weightType");
        assert_table(table, runs ? running : samples);
        json_decref(table);
        assert_table(at(thread, "markers"), markers);
        assert_true(json_is_string(at(thread, "pid")));
        assert_indices(at(thread, "samples.stack"), (size_t)number_at(shared, "stackTable.length"), true,
                       false);
        double last = 0;
        for (size_t j = 0; j < size_at(thread, "samples.time"); j++) {
            double time = json_number_value(json_array_get(at(thread, "samples.time"), j));
            assert_true(time >= last);
            last = time;
        }
    }
}

static void firefox_has_the_tables_of_its_version(void **state)
{
    (void)state;
    static struct tare_result *(*const makers[])(void) = {export_profile_small, export_profile_hostile,
                                                          export_profile_empty, export_profile_folded,
                                                          export_profile_heavy};
    for (size_t i = 0; i < sizeof makers / sizeof makers[0]; i++) {
        json_t *root = loaded(makers[i](), tare_view_firefox);
        assert_firefox(root);
        json_decref(root);
    }
}

static void firefox_has_times_weights_lines_and_inlined_calls(void **state)
{
    (void)state;
    json_t *root = loaded(export_profile_small(), tare_view_firefox);
    assert_string_equal(text_at(root, "threads.0.samples.weightType"), "tracing-ms");
    assert_true(number_at(root, "threads.0.samples.weight.0") == 10);
    assert_true(number_at(root, "threads.0.samples.time.1") == 10);
    assert_true(number_at(root, "threads.0.samples.time.3") == 90); /* the pause stays */
    assert_int_equal(number_at(root, "threads.0.samples.threadCPUDelta.3"), 10000000);
    assert_true(json_is_true(at(root, "threads.0.isMainThread")));
    assert_true(json_is_false(at(root, "threads.1.isMainThread")));
    assert_string_equal(text_at(root, "threads.2.pid"), "200");
    assert_true(number_at(root, "meta.interval") == 10);
    assert_true(number_at(root, "meta.startTime") == 1795271400000);
    /* bytes 3 2 1 0, 5 4, 7 6, and the rest; then the age */
    assert_string_equal(text_at(root, "libs.0.breakpadId"), "33221100554477668899AABBCCDDEEFF0");
    assert_string_equal(text_at(root, "libs.1.breakpadId"), "");
    json_t *shared = at(root, "shared");
    size_t stack = (size_t)number_at(root, "threads.0.samples.stack.2");
    size_t frame = (size_t)json_integer_value(json_array_get(at(shared, "stackTable.frame"), stack));
    assert_int_equal(json_integer_value(json_array_get(at(shared, "frameTable.inlineDepth"), frame)), 1);
    assert_int_equal(json_integer_value(json_array_get(at(shared, "frameTable.line"), frame)), 7);
    json_decref(root);
}

/* Chrome */

struct call {
    const char *name;
    double begin;
};

/* Events of one thread, which must be in order and nest. Returns how long calls without a caller took in all. */
static double assert_nesting(json_t *events, int64_t pid, int64_t tid, double *last)
{
    struct call open[MANY];
    size_t depth = 0;
    double sum = 0, now = 0;
    for (size_t i = 0; i < json_array_size(events); i++) {
        json_t *event = json_array_get(events, i);
        const char *kind = text_at(event, "ph");
        if (json_integer_value(at(event, "pid")) != pid || json_integer_value(at(event, "tid")) != tid ||
            *kind == 'M') {
            continue;
        }
        assert_true(number_at(event, "ts") >= now);
        now = number_at(event, "ts");
        if (*kind == 'B') {
            assert_true(depth < MANY);
            open[depth++] = (struct call){text_at(event, "name"), now};
            continue;
        }
        assert_string_equal(kind, "E");
        assert_int_not_equal(depth, 0);
        assert_string_equal(text_at(event, "name"), open[--depth].name);
        sum += depth == 0 ? now - open[0].begin : 0;
    }
    assert_int_equal(depth, 0);
    *last = now;
    return sum;
}

static void chrome_has_calls_that_nest_and_take_what_samples_weigh(void **state)
{
    (void)state;
    json_t *root = loaded(export_profile_small(), tare_view_chrome);
    json_t *events = at(root, "traceEvents");
    double last;
    assert_true(assert_nesting(events, 100, 100, &last) == 40000);
    assert_true(last == 100000);
    assert_true(assert_nesting(events, 100, 101, &last) == 10000);
    assert_true(last == 15000);
    assert_true(assert_nesting(events, 200, 200, &last) == 20000);
    assert_true(assert_nesting(events, 0, 0, &last) == 10000);
    assert_string_equal(text_at(root, "otherData.mode"), "built-in");
    assert_null(json_object_get(json_array_get(events, 0), "cat"));
    json_decref(root);
}

static void a_call_in_samples_that_follow_each_other_is_one(void **state)
{
    (void)state;
    json_t *root = loaded(export_profile_small(), tare_view_chrome);
    size_t mains = 0;
    for (size_t i = 0; i < size_at(root, "traceEvents"); i++) {
        json_t *event = json_array_get(at(root, "traceEvents"), i);
        mains += strcmp(text_at(event, "name"), "main") == 0 && strcmp(text_at(event, "ph"), "B") == 0 &&
                 json_integer_value(at(event, "tid")) == 100;
    }
    assert_int_equal(mains, 2); /* before and behind the pause */
    json_decref(root);
}

/* Viewers that sort events by time and name take a function's begin before its end there. */
static void no_call_begins_when_another_of_its_name_ends(void **state)
{
    (void)state;
    json_t *root = loaded(export_profile_recursive(), tare_view_chrome);
    json_t *events = at(root, "traceEvents");
    double last;
    double sum = assert_nesting(events, 7, 7, &last);
    assert_true(sum > 24 * 1000 - 1 && sum <= 24 * 1000 + 0.0031);
    size_t late = 0;
    for (size_t i = 0; i < json_array_size(events); i++) {
        json_t *begin = json_array_get(events, i);
        if (strcmp(text_at(begin, "ph"), "B") != 0) {
            continue;
        }
        double now = number_at(begin, "ts");
        bool first = i > 0 && strcmp(text_at(json_array_get(events, i - 1), "ph"), "E") == 0;
        for (size_t j = i; first && j-- > 0;) {
            json_t *end = json_array_get(events, j);
            if (strcmp(text_at(end, "ph"), "E") != 0 || number_at(end, "ts") < now - 0.01) {
                break;
            }
            if (strcmp(text_at(end, "name"), text_at(begin, "name")) == 0) {
                assert_true(number_at(end, "ts") < now);
                late++;
            }
        }
    }
    assert_int_not_equal(late, 0);
    json_decref(root);
}

static void chrome_takes_every_profile(void **state)
{
    (void)state;
    double last;
    json_t *root = loaded(export_profile_hostile(), tare_view_chrome);
    assert_true(assert_nesting(at(root, "traceEvents"), 1, 1, &last) == 12000);
    json_decref(root);
    root = loaded(export_profile_empty(), tare_view_chrome);
    assert_int_equal(size_at(root, "traceEvents"), 0);
    json_decref(root);
    root = loaded(export_profile_folded(), tare_view_chrome);
    assert_true(assert_nesting(at(root, "traceEvents"), 0, 0, &last) == 47);
    json_decref(root);
    root = loaded(export_profile_heavy(), tare_view_chrome);
    assert_nesting(at(root, "traceEvents"), 7, 7, &last);
    json_decref(root);
}

/* All of them */

static writer *const writers[] = {
    tare_view_folded, tare_view_speedscope, tare_view_firefox, tare_view_chrome,
#if TARE_HAVE_ZLIB
    tare_view_pprof,
#endif
};
enum { WRITERS = sizeof writers / sizeof writers[0] };

static void a_result_without_profile_is_refused(void **state)
{
    (void)state;
    struct tare_result *result = tare_result_new();
    for (size_t i = 0; i < WRITERS; i++) {
        assert_int_equal(writers[i](result, stdout), -EINVAL);
    }
    tare_result_free(result);
}

static void a_full_disk_is_an_error(void **state)
{
    (void)state;
    struct tare_result *result = export_profile_small();
    for (size_t i = 0; i < WRITERS; i++) {
        FILE *full = fopen("/dev/full", "w");
        if (full == NULL) {
            print_message("no /dev/full here\n");
            skip();
        }
        setvbuf(full, NULL, _IONBF, 0);
        assert_int_equal(writers[i](result, full), -EIO);
        fclose(full);
    }
    tare_result_free(result);
}

static void what_is_written_does_not_depend_on_the_locale(void **state)
{
    (void)state;
    if (!comma_locale_begin()) {
        skip();
    }
    struct text with_comma[WRITERS];
    for (size_t i = 0; i < WRITERS; i++) {
        with_comma[i] = written(export_profile_small(), writers[i]);
    }
    comma_locale_end();
    for (size_t i = 0; i < WRITERS; i++) {
        struct text text = written(export_profile_small(), writers[i]);
        assert_int_equal(text.size, with_comma[i].size);
        assert_memory_equal(text.bytes, with_comma[i].bytes, text.size);
        free(text.bytes);
        free(with_comma[i].bytes);
    }
}

static void many_samples_are_written(void **state)
{
    (void)state;
    enum { SAMPLES = 4000 };
    struct tare_result *result = export_profile_large(SAMPLES);
    for (size_t i = 0; i < WRITERS; i++) {
        FILE *out = tmpfile();
        assert_non_null(out);
        assert_int_equal(writers[i](result, out), 0);
        assert_true(ftell(out) > SAMPLES / 10);
        fclose(out);
    }
    tare_result_free(result);
    struct text text = written(export_profile_large(SAMPLES), tare_view_folded);
    uint64_t sum = 0;
    for (const char *line = text.bytes, *end; *line != '\0'; line = end + 1) {
        end = strchr(line, '\n');
        const char *space = memrchr(line, ' ', (size_t)(end - line));
        assert_non_null(space);
        sum += strtoull(space, NULL, 10);
    }
    assert_int_equal(sum, UINT64_C(1000000) * SAMPLES);
    free(text.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folded_stacks_are_sorted_and_added_up),
        cmocka_unit_test(a_folded_stack_may_end_within_another_and_weigh_nothing),
        cmocka_unit_test(folded_names_cannot_break_a_line),
        cmocka_unit_test(sums_stop_at_the_largest_number),
        cmocka_unit_test(nothing_sampled_is_nothing_folded),
#if TARE_HAVE_ZLIB
        cmocka_unit_test(pprof_carries_stacks_with_inlined_calls),
        cmocka_unit_test(pprof_says_who_was_sampled),
        cmocka_unit_test(pprof_says_what_was_sampled),
        cmocka_unit_test(two_lines_of_a_function_are_one_function_in_pprof),
        cmocka_unit_test(pprof_takes_hostile_names_empty_and_heavy_profiles),
        cmocka_unit_test(samples_that_were_counted_before_are_not_counted_anew),
#else
        cmocka_unit_test(pprof_needs_zlib),
#endif
        cmocka_unit_test(speedscope_has_a_profile_for_each_thread),
        cmocka_unit_test(speedscope_takes_every_profile),
        cmocka_unit_test(firefox_has_the_tables_of_its_version),
        cmocka_unit_test(firefox_has_times_weights_lines_and_inlined_calls),
        cmocka_unit_test(chrome_has_calls_that_nest_and_take_what_samples_weigh),
        cmocka_unit_test(a_call_in_samples_that_follow_each_other_is_one),
        cmocka_unit_test(no_call_begins_when_another_of_its_name_ends),
        cmocka_unit_test(chrome_takes_every_profile),
        cmocka_unit_test(a_result_without_profile_is_refused),
        cmocka_unit_test(a_full_disk_is_an_error),
        cmocka_unit_test(what_is_written_does_not_depend_on_the_locale),
        cmocka_unit_test(many_samples_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
