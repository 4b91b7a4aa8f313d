/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: whatever bytes claim to be a budget. What can be read can be judged or is refused with a line;
 * each name can be written down and read again; a view lets nothing through that a terminal obeys.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "result/budget.h"
#include "view/budget.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth) {
        abort();
    }
}

static void check_plain(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        require(((unsigned char)text[i] >= 0x20 || text[i] == '\n') && text[i] != 0x7f);
        /* Nor the control characters from U+0080 to U+009F. */
        require(i == 0 || (unsigned char)text[i - 1] != 0xc2 || (unsigned char)text[i] >= 0xa0);
    }
}

static void check_problem(const struct tare_budget_problem *problem)
{
    require(problem->message[0] != '\0');
    for (const char *c = problem->message; *c != '\0'; c++) {
        require((unsigned char)*c >= 0x20 && *c != 0x7f);
    }
}

/* Metrics "a" to "g", one of each unit; "h" is unknown. */
static void make_metrics(struct tare_metrics *metrics)
{
    enum { COUNT = TARE_METRIC_UNITS + 1 };
    *metrics = (struct tare_metrics){
        .metrics = calloc(COUNT, sizeof *metrics->metrics),
        .sorted = calloc(COUNT, sizeof *metrics->sorted),
        .count = COUNT,
    };
    require(metrics->metrics != NULL && metrics->sorted != NULL);
    for (int i = 0; i < COUNT; i++) {
        struct tare_metric *metric = &metrics->metrics[i];
        const char name[] = {(char)('a' + i), '\0'};
        *metric = (struct tare_metric){.name = strdup(name), .unit = i, .value = 10, .low = 9, .high = 11};
        require(metric->name != NULL);
        metrics->sorted[i] = metric;
    }
    metrics->metrics[TARE_METRIC_COUNT].exact = true;
    metrics->metrics[COUNT - 1].unit = TARE_METRIC_TIME;
    metrics->metrics[COUNT - 1].value = __builtin_nan("");
}

static void check_name(const char *name)
{
    for (int ascii = 0; ascii < 2; ascii++) {
        struct tare_budget *again = NULL;
        struct tare_budget_problem problem;
        char *text = NULL, *written = tare_view_metric_name(name, ascii != 0);
        require(written != NULL && asprintf(&text, "[%s]\ninformational = yes\n", written) > 0);
        check_plain(written, strlen(written));
        require(tare_budget_parse(text, strlen(text), &again, &problem) == 0);
        require(again->count == 1);
        /* Bytes that are no characters are written as the characters of their numbers. */
        bool same = strcmp(again->entries[0].metric, name) == 0;
        require(same || strstr(written, "\\x") != NULL);
        tare_budget_free(again);
        free(text);
        free(written);
    }
}

static void check_views(const struct tare_judged *judged, size_t count)
{
    static const struct tare_view_options options[] = {{0}, {.width = 40, .ascii = true}};
    const struct tare_budget_report report = {.judged = judged, .count = count, .confidence = 0.95};
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        char *text = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&text, &size);
        require(out != NULL);
        require(tare_view_budget(&report, &options[i], TARE_FORMAT_TABLE, out) == 0);
        require(tare_view_budget(&report, &options[i], TARE_FORMAT_MARKDOWN, out) == 0);
        require(fclose(out) == 0);
        check_plain(text, size);
        free(text);
    }
}

static void check_judgements(const struct tare_budget *budget)
{
    struct tare_metrics metrics;
    make_metrics(&metrics);
    struct tare_judged *judged = calloc(budget->count, sizeof *judged);
    size_t count = 0;
    require(judged != NULL);
    for (size_t i = 0; i < budget->count; i++) {
        struct tare_budget_problem problem;
        int error = tare_budget_judge(&budget->entries[i], &metrics, &metrics, &judged[count], &problem);
        require(error == 0 || error == -EINVAL);
        if (error != 0) {
            check_problem(&problem);
            require(problem.line != 0);
        } else {
            require((unsigned)judged[count].judgement < TARE_JUDGEMENTS);
            count++;
        }
    }
    check_views(judged, count);
    free(judged);
    tare_metrics_release(&metrics);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tare_budget *budget = NULL;
    struct tare_budget_problem problem;
    int error = tare_budget_parse((const char *)data, size, &budget, &problem);
    require((error == 0) == (budget != NULL));
    if (error != 0) {
        check_problem(&problem);
        return 0;
    }
    require(budget->count > 0);
    for (size_t i = 0; i < budget->count; i++) {
        check_name(budget->entries[i].metric);
    }
    check_judgements(budget);
    tare_budget_free(budget);
    return 0;
}
