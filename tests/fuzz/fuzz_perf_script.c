/* SPDX-License-Identifier: MIT */
/* Fuzz target: whatever bytes `perf script` should have printed. There is a profile that hangs together, or an error. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "record/perf_script.h"
#include "record/profiling.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct tare_profile *profile)
{
    for (size_t i = 0; i < profile->node_count; i++) {
        const struct tare_profile_node *node = &profile->nodes[i];
        if (node->frame >= profile->frame_count || (node->parent != TARE_PROFILE_NONE && node->parent >= i)) {
            abort();
        }
    }
    for (size_t i = 0; i < profile->sample_count; i++) {
        const struct tare_profile_sample *sample = &profile->samples[i];
        if ((sample->node != TARE_PROFILE_NONE && sample->node >= profile->node_count) ||
            (sample->thread != TARE_PROFILE_NONE && sample->thread >= profile->thread_count)) {
            abort();
        }
    }
}

/* As of our own recordings, where threads wait or run; without symbols, as files that somebody names would be read. */
static void parse_own(FILE *file, bool off_cpu)
{
    struct tare__perf_reading reading = {.off_cpu = off_cpu, .stacks_complete = true};
    char message[200];
    struct tare_profile *profile = tare_profile_new();
    rewind(file);
    if (profile != NULL &&
        tare__perf_script_parse(file, &reading, profile, message, sizeof(message)) != -ENOMEM) {
        check(profile);
    }
    tare_profile_free(profile);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char message[200] = "";
    struct tare_profile *profile;
    FILE *file = size > 0 ? fmemopen((void *)(uintptr_t)data, size, "r") : NULL;
    if (file == NULL) {
        return 0;
    }
    int result = tare_perf_script_read(file, &profile, message, sizeof(message));
    if (result == 0) {
        check(profile);
        tare_profile_free(profile);
    } else if (result != -EBADMSG || message[0] == '\0' || profile != NULL) {
        abort();
    }
    parse_own(file, false);
    parse_own(file, true);
    fclose(file);
    return 0;
}
