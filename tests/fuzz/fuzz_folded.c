/* SPDX-License-Identifier: MIT */
/* Fuzz target: whatever bytes are in a file of folded stacks. There are samples, each with a stack, or an error. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "record/profiling.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char message[200] = "";
    struct tare_profile *profile;
    FILE *file = size > 0 ? fmemopen((void *)(uintptr_t)data, size, "r") : NULL;
    if (file == NULL) {
        return 0;
    }
    int result = tare_folded_read(file, &profile, message, sizeof(message));
    fclose(file);
    if (result != 0) {
        if (result != -EBADMSG || message[0] == '\0' || profile != NULL) {
            abort();
        }
        return 0;
    }
    uint64_t sum = 0;
    for (size_t i = 0; i < profile->sample_count; i++) {
        if (profile->samples[i].node >= profile->node_count || profile->samples[i].weight == 0 ||
            __builtin_add_overflow(sum, profile->samples[i].weight, &sum)) {
            abort();
        }
    }
    if (profile->sample_count == 0) {
        abort();
    }
    tare_profile_free(profile);
    return 0;
}
