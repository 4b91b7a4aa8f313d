/* SPDX-License-Identifier: MIT */
/* The member "suite" of a result, both ways: what `tare suite` adds to benchmarks. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "result/grow.h"
#include "result/json_parts.h"
#include "result/suite.h"

#define FIELD(member, type)                                                                                    \
    {                                                                                                          \
#member, type, offsetof(STRUCT, member)                                                                \
    }

#define STRUCT struct tare_result_suite
static const struct field suite_array[] = {FIELD(name, FIELD_NAME), FIELD(quick, FIELD_BOOL)};
#undef STRUCT
static const struct field_table suite_fields = FIELD_TABLE(suite_array);

#define STRUCT struct tare_suite_side
static const struct field side_array[] = {
    FIELD(label, FIELD_NAME),
    FIELD(about, FIELD_STRING),
    FIELD(skipped, FIELD_STRING),
    FIELD(arm, FIELD_STRING),
};
#undef STRUCT
static const struct field_table side_fields = FIELD_TABLE(side_array);

#define STRUCT struct tare_suite_item
static const struct field item_array[] = {
    FIELD(benchmark, FIELD_NAME),
    FIELD(group, FIELD_STRING),
    FIELD(about, FIELD_STRING),
    FIELD(skipped, FIELD_STRING),
};
#undef STRUCT
static const struct field_table item_fields = FIELD_TABLE(item_array);

#define STRUCT struct tare_suite_fact
static const struct field fact_array[] = {FIELD(name, FIELD_NAME), FIELD(value, FIELD_STRING)};
#undef STRUCT
static const struct field_table fact_fields = FIELD_TABLE(fact_array);

#define STRUCT struct tare_suite_figure
static const struct field figure_array[] = {
    FIELD(kind, FIELD_NAME),   FIELD(benchmark, FIELD_NAME), FIELD(side, FIELD_STRING),
    FIELD(part, FIELD_STRING), FIELD(value, FIELD_NUMBER),   FIELD(low, FIELD_NUMBER),
    FIELD(high, FIELD_NUMBER), FIELD(note, FIELD_STRING),
};
#undef STRUCT
static const struct field_table figure_fields = FIELD_TABLE(figure_array);

#define STRUCT struct tare_suite_hypothesis
static const struct field hypothesis_array[] = {
    FIELD(text, FIELD_NAME),        FIELD(quantity, FIELD_STRING), FIELD(n, FIELD_SIZE),
    FIELD(estimate, FIELD_NUMBER),  FIELD(low, FIELD_NUMBER),      FIELD(high, FIELD_NUMBER),
    FIELD(at_least, FIELD_NUMBER),  FIELD(at_most, FIELD_NUMBER),  FIELD(p, FIELD_SHARE),
    FIELD(p_adjusted, FIELD_SHARE), FIELD(reason, FIELD_STRING),
};
#undef STRUCT
static const struct field_table hypothesis_fields = FIELD_TABLE(hypothesis_array);

/* ---- writing ---- */

static json_t *objects(struct json_builder *b, const struct field_table *fields, const void *array,
                       size_t count, size_t size)
{
    json_t *made = json_array();
    for (size_t i = 0; i < count; i++) {
        tare__json_append(b, made, tare__json_fields(b, fields, (const char *)array + i * size));
    }
    return made;
}

json_t *tare__json_suite(struct json_builder *b, const struct tare_result_suite *suite)
{
    if (suite == NULL) {
        return json_null();
    }
    json_t *object = tare__json_fields(b, &suite_fields, suite), *figures = json_array(),
           *hypotheses = json_array();
    tare__json_put(b, object, "sides",
                   objects(b, &side_fields, suite->sides, suite->side_count, sizeof *suite->sides));
    tare__json_put(b, object, "items",
                   objects(b, &item_fields, suite->items, suite->item_count, sizeof *suite->items));
    tare__json_put(b, object, "facts",
                   objects(b, &fact_fields, suite->facts, suite->fact_count, sizeof *suite->facts));
    for (size_t i = 0; i < suite->figure_count; i++) {
        json_t *figure = tare__json_fields(b, &figure_fields, &suite->figures[i]);
        tare__json_put(b, figure, "unit", tare__json_string(tare_suite_unit_names[suite->figures[i].unit]));
        tare__json_append(b, figures, figure);
    }
    tare__json_put(b, object, "figures", figures);
    for (size_t i = 0; i < suite->hypothesis_count; i++) {
        json_t *one = tare__json_fields(b, &hypothesis_fields, &suite->hypotheses[i]);
        tare__json_put(b, one, "answer",
                       tare__json_string(tare_suite_answer_names[suite->hypotheses[i].answer]));
        tare__json_append(b, hypotheses, one);
    }
    tare__json_put(b, object, "hypotheses", hypotheses);
    return object;
}

/* ---- reading ---- */

/* One of `count` words, as a member `key`. */
static bool read_word(struct json_reader *r, const json_t *object, const char *key,
                      const struct json_place *place, const char *const *words, size_t count,
                      const char *wanted, unsigned *to)
{
    const struct json_place here = {.up = place, .key = key};
    const json_t *value = tare__json_member_of(r, object, key, place, true);
    const char *text = value != NULL ? json_string_value(value) : NULL;
    for (size_t i = 0; text != NULL && i < count; i++) {
        if (strcmp(text, words[i]) == 0) {
            *to = (unsigned)i;
            return true;
        }
    }
    return value != NULL && tare__json_unfit(r, &here, wanted);
}

/*
 * The array of objects `key`: `*array` becomes room for as many, zeroed, of which `*count` were begun. `more` reads what
 * the table cannot say; NULL: nothing.
 */
static bool read_objects(struct json_reader *r, const json_t *object, const struct json_place *place,
                         const char *key, const struct field_table *fields, const void *unknown, size_t size,
                         void **array, size_t *count,
                         bool (*more)(struct json_reader *, const json_t *, const struct json_place *, void *))
{
    const struct json_place here = {.up = place, .key = key};
    const json_t *from = tare__json_array_of(r, object, &here);
    for (size_t i = 0; from != NULL && i < json_array_size(from); i++) {
        const struct json_place at = {.up = &here, .index = i};
        const json_t *element = json_array_get(from, i);
        void *grown = tare__result_grow(*array, *count, size);
        if (grown == NULL) {
            return tare__json_out_of_memory(r);
        }
        *array = grown;
        void *to = (char *)grown + *count * size;
        memcpy(to, unknown, size);
        ++*count;
        if (!json_is_object(element)) {
            return tare__json_unfit(r, &at, "an object");
        }
        if (!tare__json_read_fields(r, element, fields, &at, to) ||
            (more != NULL && !more(r, element, &at, to))) {
            return false;
        }
    }
    return r->error == 0;
}

static bool read_unit(struct json_reader *r, const json_t *object, const struct json_place *place, void *to)
{
    struct tare_suite_figure *figure = to;
    unsigned unit = 0;
    bool fine = read_word(r, object, "unit", place, tare_suite_unit_names, TARE_SUITE_UNITS,
                          "\"ns\", \"ratio\", \"share\" or \"count\"", &unit);
    figure->unit = (enum tare_suite_unit)unit;
    return fine;
}

static bool read_answer(struct json_reader *r, const json_t *object, const struct json_place *place, void *to)
{
    struct tare_suite_hypothesis *hypothesis = to;
    unsigned answer = 0;
    bool fine = read_word(r, object, "answer", place, tare_suite_answer_names, TARE_SUITE_ANSWERS,
                          "\"supported\", \"not supported\" or \"unresolved\"", &answer);
    hypothesis->answer = (enum tare_suite_answer)answer;
    return fine;
}

bool tare__json_read_suite(struct json_reader *r, const json_t *root, struct tare_result_suite **to)
{
    static const struct tare_suite_figure no_figure = {.value = NAN, .low = NAN, .high = NAN};
    static const struct tare_suite_hypothesis no_hypothesis = {.estimate = NAN,
                                                               .low = NAN,
                                                               .high = NAN,
                                                               .at_least = NAN,
                                                               .at_most = NAN,
                                                               .p = NAN,
                                                               .p_adjusted = NAN,
                                                               .answer = TARE_SUITE_UNRESOLVED};
    static const struct tare_suite_side no_side;
    static const struct tare_suite_item no_item;
    static const struct tare_suite_fact no_fact;
    const struct json_place here = {.key = "suite"};
    const json_t *object = json_object_get(root, here.key);
    if (object == NULL || json_is_null(object)) {
        return true;
    }
    if (!json_is_object(object)) {
        return tare__json_unfit(r, &here, "an object");
    }
    struct tare_result_suite *suite = *to = tare_result_suite_new(NULL, false);
    if (suite == NULL) {
        return tare__json_out_of_memory(r);
    }
    /* By way of a `void *`, as an array of one type is none of another. */
#define READ(key, array, count, fields, unknown, more)                                                         \
    (__extension__({                                                                                           \
        void *made_ = NULL;                                                                                    \
        bool fine_ = read_objects(r, object, &here, key, fields, &(unknown), sizeof(unknown), &made_,          \
                                  &suite->count, more);                                                        \
        suite->array = made_;                                                                                  \
        fine_;                                                                                                 \
    }))
    return tare__json_read_fields(r, object, &suite_fields, &here, suite) &&
           READ("sides", sides, side_count, &side_fields, no_side, NULL) &&
           READ("items", items, item_count, &item_fields, no_item, NULL) &&
           READ("facts", facts, fact_count, &fact_fields, no_fact, NULL) &&
           READ("figures", figures, figure_count, &figure_fields, no_figure, read_unit) &&
           READ("hypotheses", hypotheses, hypothesis_count, &hypothesis_fields, no_hypothesis, read_answer);
#undef READ
}
