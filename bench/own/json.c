/* SPDX-License-Identifier: MIT */
/* bench-own: a result as JSON, read and written. It has as many benchmarks as its argument says, of 20 values each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tare/bench.h>

#include "result/json.h"
#include "stats/random.h"

enum { VALUES = 20 };

static void write_benchmark(FILE *out, struct tare_random *random, int number)
{
    fprintf(
        out,
        "%s{\"name\": \"step_%d\", \"bench\": \"step_%d\", \"threads\": 1, \"command\": false, \"layouts\": 1,"
        " \"args\": [], \"comparisons\": [], \"contamination\": {\"rounds\": %d, \"dropped\": 0,"
        " \"rule_suspended\": false}, \"arms\": [{\"label\": \"A\", \"control\": false, \"what\": "
        "\"./program\","
        " \"summary\": {\"n\": %d, \"median_ns\": 100.5, \"outliers\": {\"low_severe\": 0, \"low_mild\": 0,"
        " \"normal\": %d, \"high_mild\": 0, \"high_severe\": 0}, \"modes\": {\"more\": false, \"modes\": []}},"
        " \"per_op\": {}, \"timers\": [], \"values_ns\": [",
        number == 0 ? "" : ", ", number, number, VALUES, VALUES, VALUES);
    for (int i = 0; i < VALUES; i++) {
        fprintf(out, "%s%.17g", i == 0 ? "" : ", ", 100 + tare_random_normal(random));
    }
    fputs("], \"rounds\": [", out);
    for (int i = 0; i < VALUES; i++) {
        fprintf(out, "%s%d", i == 0 ? "" : ", ", i + 1);
    }
    fputs("], \"dropped\": [", out);
    for (int i = 0; i < VALUES; i++) {
        fprintf(out, "%sfalse", i == 0 ? "" : ", ");
    }
    fputs("]}]}", out);
}

static char *make_text(int benchmarks, size_t *size)
{
    char *text = NULL;
    struct tare_random random;
    FILE *out = open_memstream(&text, size);
    tare_require(out != NULL);
    tare_random_seed(&random, 1);
    fputs(
        "{\"schema\": \"tare-result\", \"schema_version\": 1, \"kind\": \"bench\", \"tare_version\": \"0.1.0\","
        " \"environment\": {}, \"passes\": [], \"timers\": [], \"processes\": [], \"notes\": [], "
        "\"incomplete\": false,"
        " \"clock\": {\"invariant_tsc\": false, \"inner\": {\"n\": 0}, \"outer\": {\"n\": 0}, "
        "\"inner_at_exit\": {\"n\": 0},"
        " \"outer_at_exit\": {\"n\": 0}}, \"lost\": {\"instruments\": 0, \"threads\": 0, \"scopes\": 0,"
        " \"dropped_scopes\": 0, \"processes\": 0}, \"bench\": {\"settings\": {\"comparisons\": 0, \"seed\": "
        "\"1\"},"
        " \"growths\": [], \"benchmarks\": [",
        out);
    for (int i = 0; i < benchmarks; i++) {
        write_benchmark(out, &random, i);
    }
    fputs("]}}", out);
    fclose(out);
    return text;
}

TARE_BENCH(result_read)
{
    size_t size = 0;
    char *text = make_text((int)b->arg[0], &size), message[300] = "";
    struct tare_result *result = NULL;
    TARE_EACH(b)
    {
        tare_require(tare_result_parse_json(text, size, &result, message, sizeof(message)) == 0);
        tare_result_free(result);
    }
    tare_bytes(b, (double)size);
    free(text);
}
TARE_BENCH_ARGS(result_read, 10, 100);

TARE_BENCH(result_write)
{
    size_t size = 0, written = 0;
    char *text = make_text((int)b->arg[0], &size), *again = NULL, message[300] = "";
    struct tare_result *result = NULL;
    tare_require(tare_result_parse_json(text, size, &result, message, sizeof(message)) == 0);
    TARE_EACH(b)
    {
        FILE *out = open_memstream(&again, &written);
        tare_require(out != NULL && tare_result_write_json(result, out) == 0 && fclose(out) == 0);
        free(again);
    }
    tare_bytes(b, (double)written);
    tare_result_free(result);
    free(text);
}
TARE_BENCH_ARGS(result_write, 10, 100);
