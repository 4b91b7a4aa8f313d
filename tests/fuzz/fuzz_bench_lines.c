/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: whatever bytes claim to come from a benchmark program, as an answer to job=list and to
 * job=block. What is taken must be what the header promises: names that are unique, numbers that are numbers,
 * and nothing that a terminal obeys.
 */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "harness/lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth) {
        abort();
    }
}

static void check_plain(const char *text)
{
    for (; *text != '\0'; text++) {
        require(*text >= ' ' && *text <= '~');
    }
}

static void check_name(const char *name)
{
    require(name != NULL && *name != '\0' && strlen(name) < BENCH_NAME_MAX && strchr(name, ' ') == NULL);
    check_plain(name);
}

static void check_case(const struct bench_list *list, size_t at)
{
    const struct bench_case *one = &list->cases[at];
    check_name(one->name);
    check_name(one->bench);
    check_plain(one->file != NULL ? one->file : "");
    require(one->threads > 0 && one->arg_count <= BENCH_ARGS_MAX);
    for (unsigned i = 0; i < one->arg_count; i++) {
        require(isfinite(one->args[i]));
    }
    for (size_t i = 0; i < at; i++) {
        require(strcmp(list->cases[i].name, one->name) != 0);
    }
}

static void check_list(const char *text, size_t size)
{
    struct bench_list list;
    char message[256] = "";
    int failure = bench_lines_list(text, size, &list, message, sizeof(message));
    require((failure == 0) == (message[0] == '\0') || failure == -ENOMEM);
    check_plain(message);
    require(list.count <= BENCH_CASES_MAX);
    for (size_t i = 0; failure == 0 && i < list.count; i++) {
        check_case(&list, i);
    }
    bench_list_release(&list);
}

static void check_block(const char *text, size_t size)
{
    struct bench_block block;
    char message[256] = "";
    int failure = bench_lines_block(text, size, &block, message, sizeof(message));
    require((failure == 0) == (message[0] == '\0') || failure == -ENOMEM);
    check_plain(message);
    require(block.sample_count <= BENCH_SAMPLES_MAX && block.count_count <= BENCH_COUNTS_MAX);
    require(!block.complete || failure == 0);
    for (size_t i = 0; i < block.sample_count; i++) {
        require(block.samples[i].iterations > 0 && isfinite(block.samples[i].ns));
    }
    for (size_t i = 0; i < block.count_count; i++) {
        check_name(block.counts[i].name);
        require(isfinite(block.counts[i].per_iteration));
    }
    const double figures[] = {block.first_ns, block.loop_ns, block.bytes,      block.items,
                              block.wait_ns,  block.cpu_ns,  block.migrations, block.involuntary};
    for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
        require(!isinf(figures[i]));
    }
    check_plain(block.failed != NULL ? block.failed : "");
    bench_block_release(&block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_list((const char *)data, size);
    check_block((const char *)data, size);
    return 0;
}
