/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: whatever bytes claim to be a result. What can be read has to be writable, readable again to the
 * same document, and fit for every view; a view must let nothing through that a terminal obeys.
 */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "history/extract.h"
#include "record/ci.h"
#include "result/json.h"
#include "view/capture.h"
#include "view/profile.h"
#include "view/view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth) {
        abort();
    }
}

static char *document(const struct tare_result *result, size_t *size)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, size);
    require(out != NULL && tare_result_write_json(result, out) == 0);
    require(fclose(out) == 0);
    return text;
}

static void check_again(const struct tare_result *result)
{
    char message[200];
    size_t size, size_again;
    struct tare_result *again = NULL;
    char *text = document(result, &size);
    require(tare_result_parse_json(text, size, &again, message, sizeof message) == 0);
    char *text_again = document(again, &size_again);
    require(size == size_again && memcmp(text, text_again, size) == 0);
    tare_result_free(again);
    free(text_again);
    free(text);
}

static void check_plain(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        require(((unsigned char)text[i] >= 0x20 || text[i] == '\n') && text[i] != 0x7f);
        /* Nor the control characters from U+0080 to U+009F. */
        require(i == 0 || (unsigned char)text[i - 1] != 0xc2 || (unsigned char)text[i] >= 0xa0);
    }
}

static void check_views(const struct tare_result *result)
{
    static const struct tare_view_options options[] = {
        {.all = true},
        {.all = true, .width = 60, .unit = TARE_UNIT_TICKS, .ascii = true},
        {.width = 200, .sort = "-net", .per_process = true},
        {.all = true,
         .width = 80,
         .columns = "file,name,total,avg,error,exclusive-net,bytes,share,disagrees,p50-error",
         .sort = "file"},
    };
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        char *text = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&text, &size);
        require(out != NULL);
        require(tare_view_table(result, &options[i], out) == 0);
        require(tare_view_markdown(result, &options[i], out) == 0);
        check_plain(text, size);
        require(tare_view_csv(result, &options[i], out) == 0);
        require(fclose(out) == 0);
        free(text);
    }
}

static void check_profile_views(const struct tare_result *result)
{
    static const struct tare_view_options options[] = {{.width = 80}, {.ascii = true}, {.width = 20}};
    bool timers[64] = {true, false, true};
    const struct tare_profile_view views[] = {
        {.top = 3},
        {.by = TARE_PROFILE_BY_THREAD, .by_total = true},
        {.by = TARE_PROFILE_BY_PROCESS},
        {.by = TARE_PROFILE_BY_TIMER, .show = TARE_PROFILE_CALLERS},
        {.timers = result->profile->timer_count <= 64 ? timers : NULL, .show = TARE_PROFILE_CALLEES},
        {.show = TARE_PROFILE_ANNOTATE},
    };
    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++) {
        const struct tare_view_options *how = &options[i % (sizeof options / sizeof options[0])];
        char *text = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&text, &size);
        require(out != NULL);
        if (views[i].show == TARE_PROFILE_FUNCTIONS || result->profile->frame_count > 0) {
            require(tare_view_profile(result, how, &views[i], TARE_FORMAT_TABLE, out) == 0);
            require(tare_view_profile(result, how, &views[i], TARE_FORMAT_MARKDOWN, out) == 0);
            check_plain(text, size);
            require(tare_view_profile(result, how, &views[i], TARE_FORMAT_CSV, out) == 0);
        }
        require(fclose(out) == 0);
        free(text);
    }
}

static void check_capture_views(const struct tare_result *result)
{
    static const struct tare_view_options options[] = {
        {.all = true, .width = 100}, {.ascii = true}, {.width = 20}};
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        char *text = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&text, &size);
        require(out != NULL);
        require(tare_view_capture(result, &options[i], TARE_FORMAT_TABLE, out) == 0);
        require(tare_view_capture(result, &options[i], TARE_FORMAT_MARKDOWN, out) == 0);
        check_plain(text, size);
        require(tare_view_capture_csv(result, out) == 0);
        require(tare_view_capture_chrome(result, out) == 0);
        require(fclose(out) == 0);
        free(text);
    }
}

static void check_point(const struct tare_history_line *line, int64_t run)
{
    const struct tare_history_point *point = &line->points[0];
    void *packed;
    double *values;
    size_t size, count;
    require(line->count == 1 && point->run == run && isfinite(point->value));
    require(isnan(point->low) == isnan(point->high));
    require(line->series.id == tare_history_series_id(&line->series) && line->series.id >= 0);
    require(tare_history_pack(point->values, point->value_count, &packed, &size) == 0);
    require(tare_history_unpack(packed, size, &values, &count) == 0 && count == point->value_count);
    free(packed);
    free(values);
}

static void check_history(const struct tare_result *result, const char *raw, size_t size)
{
    struct tare_history_record record;
    char message[200] = "";
    int error = tare_history_extract(result, raw, size, NULL, &record, message, sizeof message);
    if (error != 0) {
        require(error == -EINVAL && message[0] != '\0');
    } else {
        const struct tare_history_run *run = &record.run;
        require(record.line_count > 0 && record.raw_size == size && memcmp(record.raw, raw, size) == 0);
        require(run->started_ms != TARE_HISTORY_UNKNOWN && run->project != NULL && run->environment != NULL);
        require(run->link == NULL || tare__is_link(run->link));
        require(record.has_commit == (run->commit != NULL));
        require(run->commit == NULL || strspn(run->commit, "0123456789abcdef") == strlen(run->commit));
        for (size_t i = 0; i < record.line_count; i++) {
            check_point(&record.lines[i], run->id);
        }
    }
    tare_history_record_release(&record);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char message[200] = "";
    struct tare_result *result = NULL;
    int error = tare_result_parse_json((const char *)data, size, &result, message, sizeof message);
    require((error == 0) == (result != NULL));
    if (error != 0) {
        require(message[0] != '\0');
        check_plain(message, strlen(message));
        require(strchr(message, '\n') == NULL);
        return 0;
    }
    check_again(result);
    check_views(result);
    if (result->profile != NULL) {
        check_profile_views(result);
    }
    if (result->capture != NULL) {
        check_capture_views(result);
    }
    check_history(result, (const char *)data, size);
    tare_result_free(result);
    return 0;
}
