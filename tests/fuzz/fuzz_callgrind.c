/* SPDX-License-Identifier: MIT */
/* Fuzz target: whatever bytes are in the file that callgrind should have written. There is a total, or an error. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record/callgrind.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t total = 0;
    FILE *file = size > 0 ? fmemopen((void *)(uintptr_t)data, size, "r") : NULL;
    if (file == NULL) {
        return 0;
    }
    int result = tare_callgrind_total(file, &total);
    fclose(file);
    if (result != 0 && result != -EBADMSG) {
        abort();
    }
    /* A total comes from a line of that name, of events that are named. */
    if (result == 0 && (memmem(data, size, "totals:", 7) == NULL || memmem(data, size, "events:", 7) == NULL)) {
        abort();
    }
    return 0;
}
