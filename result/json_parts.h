/* SPDX-License-Identifier: MIT */
/*
 * What the files share that write and read the document's parts: json_write.c and json_read.c, where these
 * functions are, and json_bench_write.c, json_bench_read.c, json_profile_write.c and json_profile_read.c. Private to
 * result/.
 */
#ifndef TARE_RESULT_JSON_PARTS_H
#define TARE_RESULT_JSON_PARTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "result/json_fields.h"

/* Writing: the first thing that went wrong (-errno), or 0; after it, building goes on with nothing. */
struct json_builder {
    int error;
};

void tare__json_fail(struct json_builder *b, int error);
/* Both take the reference to `value`. What is NULL here for want of memory, is found out here. */
void tare__json_put(struct json_builder *b, json_t *object, const char *key, json_t *value);
void tare__json_append(struct json_builder *b, json_t *array, json_t *value);
json_t *tare__json_string(const char *text); /* null for NULL */
json_t *tare__json_count(struct json_builder *b, uint64_t count);
json_t *tare__json_number(struct json_builder *b, double value, bool negative_too); /* null for NAN */
json_t *tare__json_fields(struct json_builder *b, const struct field_table *table, const void *from);
void tare__json_put_fields(struct json_builder *b, json_t *object, const struct field_table *table,
                           const void *from);
json_t *tare__json_bench(struct json_builder *b, const struct tare_result_bench *bench); /* null for NULL */
json_t *tare__json_suite(struct json_builder *b, const struct tare_result_suite *suite); /* null for NULL */
json_t *tare__json_profile(struct json_builder *b, const struct tare_profile *profile);  /* null for NULL */
json_t *tare__json_stat(struct json_builder *b, const struct tare_result_stat *stat);    /* null for NULL */
json_t *tare__json_instruments(struct json_builder *b, const struct tare_instrument_figures *instruments,
                               size_t count);
json_t *tare__json_capture(struct json_builder *b, const struct tare_capture *capture);  /* null for NULL */

/*
 * Reading: the first complaint goes into the reader and ends the reading; every function returns whether all is
 * still well, or what it looked for, or NULL.
 */
struct json_reader {
    int error; /* 0 or -errno */
    char *message;
    size_t message_size;
};

/* Where we are: a chain from the innermost container to the root, on the stack. */
struct json_place {
    const struct json_place *up;
    const char *key; /* NULL: `index` counts */
    size_t index;
};

bool tare__json_complain(struct json_reader *r, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool tare__json_out_of_memory(struct json_reader *r);
/* "'timers[3].figures.calls' is not `wanted`". */
bool tare__json_unfit(struct json_reader *r, const struct json_place *place, const char *wanted);
/* The member `key`; NULL after a complaint, unless it may be missing. */
const json_t *tare__json_member_of(struct json_reader *r, const json_t *object, const char *key,
                                   const struct json_place *place, bool required);
/* The member here->key, which has to be there, and an object, or an array; NULL after a complaint. */
const json_t *tare__json_object_of(struct json_reader *r, const json_t *object, const struct json_place *here);
const json_t *tare__json_array_of(struct json_reader *r, const json_t *object, const struct json_place *here);
bool tare__json_read_integer(struct json_reader *r, const json_t *value, const struct json_place *place,
                             uint64_t max, uint64_t *to);
bool tare__json_read_number(struct json_reader *r, const json_t *value, const struct json_place *place,
                            bool negative_too, double *to);
bool tare__json_read_string(struct json_reader *r, const json_t *value, const struct json_place *place,
                            char **to);
bool tare__json_read_fields(struct json_reader *r, const json_t *object, const struct field_table *table,
                            const struct json_place *place, void *to);
/*
 * The member "bench" of the root; *to stays as it is without one. What was read is the caller's also in
 * failure.
 */
bool tare__json_read_bench(struct json_reader *r, const json_t *root, struct tare_result_bench **to);
bool tare__json_read_suite(struct json_reader *r, const json_t *root, struct tare_result_suite **to);
/* The member "profile" of the root, in the same way. */
bool tare__json_read_profile(struct json_reader *r, const json_t *root, struct tare_profile **to);
bool tare__json_read_stat(struct json_reader *r, const json_t *root, struct tare_result_stat **to);
/* The member "instruments"; none where it is missing, as in results of before. */
bool tare__json_read_instruments(struct json_reader *r, const json_t *root, struct tare_result *result);
bool tare__json_read_capture(struct json_reader *r, const json_t *root, struct tare_capture **to);

#endif
