/* SPDX-License-Identifier: MIT */
/* The result as JSON (jansson), both ways. docs/result.schema.json describes it. */
#ifndef TARE_RESULT_JSON_H
#define TARE_RESULT_JSON_H

#include <stddef.h>
#include <stdio.h>

#include "result/model.h"

/*
 * Writes one document and a newline, and flushes. Returns 0, -ENOMEM, or -EIO if the stream has an error.
 * Before the first byte is written: -ERANGE if a number cannot be said (a count above INT64_MAX, which is as
 * far as jansson reads, but for those of instruments and captures, which are unknown then; an infinity; a raw
 * time, size or rate below 0), -EINVAL if the kind or a timer's module
 * or name is NULL, if benchmarks are missing where the kind is "bench", or do not hang together
 * (tare_result_bench_check()), or the same with a profile. Bytes of a string that are not UTF-8 become U+FFFD.
 */
int tare_result_write_json(const struct tare_result *result, FILE *out);

/*
 * Reads a document of at most 1 GiB. Returns 0 and sets *result, or -errno with one line in `message`: -EINVAL
 * (not JSON, cut short, or not a result: says where and what), -ENOTSUP (a newer schema version, or another
 * schema), -EFBIG, -ENOMEM, or what reading said. Every field is checked for its type and range; unknown fields
 * are ignored. The kind may be any string: what can be done with it is for the caller to know.
 */
int tare_result_read_json(FILE *in, struct tare_result **result, char *message, size_t message_size);
int tare_result_parse_json(const char *text, size_t size, struct tare_result **result, char *message,
                           size_t message_size);

#endif
