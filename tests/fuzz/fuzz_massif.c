/* SPDX-License-Identifier: MIT */
/* Fuzz target: whatever bytes are in the file that massif should have written. There is a peak, or an error. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "record/massif.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char message[200] = "";
    struct tare_massif massif;
    FILE *file = size > 0 ? fmemopen((void *)(uintptr_t)data, size, "r") : NULL;
    if (file == NULL) {
        return 0;
    }
    int result = tare_massif_read(file, &massif, message, sizeof(message));
    fclose(file);
    if (result != 0) {
        if (result != -EBADMSG || message[0] == '\0') {
            abort();
        }
        return 0;
    }
    for (size_t i = 1; i < massif.site_count; i++) {
        if (massif.sites[i].bytes > massif.sites[i - 1].bytes) {
            abort();
        }
    }
    if (massif.snapshots == 0) {
        abort();
    }
    tare_massif_release(&massif);
    return 0;
}
