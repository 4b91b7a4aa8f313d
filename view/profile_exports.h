/* SPDX-License-Identifier: MIT */
/*
 * A profile in the forms that other viewers open; docs/profile-formats.md says what each carries and what it
 * loses.
 *
 * Each writes the profile of a result of kind "profile". They do not trust its text: bytes that are no UTF-8
 * become U+FFFD, and what means something to a format is escaped or replaced. A sample without a stack is one of
 * the function "[no stack]".
 *
 * Each returns 0, -EINVAL if the result has no profile, -ENOMEM, or -EIO if the stream has an error. The profile
 * is not changed; they may run in several threads at once.
 */
#ifndef TARE_VIEW_PROFILE_EXPORTS_H
#define TARE_VIEW_PROFILE_EXPORTS_H

#include <stdio.h>

#include "result/model.h"

/*
 * Folded stacks, as B. Gregg's FlameGraph reads them: a line for each distinct stack, its functions from the
 * outermost to the innermost with ';' between, a space and the sum of the weights. Sorted by function names.
 */
int tare_view_folded(const struct tare_result *result, FILE *out);

/*
 * profile.proto of pprof (github.com/google/pprof/blob/main/proto/profile.proto), compressed as gzip does it.
 * -ENOTSUP in a tare that was built without zlib.
 */
int tare_view_pprof(const struct tare_result *result, FILE *out);

/* speedscope's own format (speedscope.app/file-format-schema.json): a "sampled" profile for each thread. */
int tare_view_speedscope(const struct tare_result *result, FILE *out);

/* The Firefox Profiler's processed profile format, version 60; the viewer reads it and every later one. */
int tare_view_firefox(const struct tare_result *result, FILE *out);

/* Chrome's trace events: calls as pairs of "B" and "E", made from what followed each other in the samples. */
int tare_view_chrome(const struct tare_result *result, FILE *out);

#endif
