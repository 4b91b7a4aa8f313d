/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: whatever bytes claim to be a result. What can be read has to be writable, readable again to the
 * same document, and fit for every view; a view must let nothing through that a terminal obeys.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "result/json.h"
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
    tare_result_free(result);
    return 0;
}
