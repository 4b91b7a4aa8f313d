/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: text as labels. Whatever it is, its one form is a list of labels, stays what it is, and does not
 * depend on the order of a list; with a byte changed it is another one, unless that only turns labels around.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "record/page_check.h"
#include "runtime/labels.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition) {
        abort();
    }
}

/* The last label comes first. */
static void turn(char *out, const char *labels)
{
    const char *last = strrchr(labels, ',');
    if (last == NULL) {
        strcpy(out, labels);
        return;
    }
    size_t head = (size_t)(last - labels), tail = strlen(last + 1);
    memcpy(out, last + 1, tail);
    out[tail] = ',';
    memcpy(out + tail + 1, labels, head);
    out[tail + 1 + head] = '\0';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (text == NULL) {
        return 0;
    }
    if (size > 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    size_t length = strlen(text);
    for (int declared = 0; declared <= 1; declared++) {
        char normal[TARE__LABELS_BYTES + 1], turned[TARE__LABELS_BYTES + 1], again[TARE__LABELS_BYTES + 1];
        tare__labels_normal(normal, text, length, declared);
        must(strlen(normal) <= TARE__LABELS_BYTES && tare__labels_valid(normal));
        must((*normal == '\0') == (length == 0));
        turn(turned, normal);
        tare__labels_normal(again, turned, strlen(turned), false);
        must(strcmp(normal, again) == 0);
        if (length > 0 && text[length - 1] != 'x') { /* another text of the same length */
            char last = text[length - 1];
            text[length - 1] = 'x';
            tare__labels_normal(again, text, length, declared);
            must(strcmp(normal, again) != 0);
            text[length - 1] = last;
        }
    }
    free(text);
    return 0;
}
