/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: a map file of a JIT compiler. It is read in two parts, as if it grew meanwhile. Names have no
 * control characters, and what is in one part is found in the whole.
 */
#include <ctype.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record/symbols_parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void append(const char *path, const uint8_t *data, size_t size, const char *mode)
{
    FILE *file = fopen(path, mode);
    if (file == NULL || fwrite(data, 1, size, file) != size || fclose(file) != 0) {
        abort();
    }
}

static size_t look_around(struct tare__jit *jit)
{
    size_t found = 0;
    for (uint64_t address = 0; address < 0x1000; address += 16) {
        const char *name = tare__jit_find(jit, address);
        found += name != NULL;
        for (; name != NULL && *name != '\0'; name++) {
            if (iscntrl((unsigned char)*name)) {
                abort();
            }
        }
    }
    return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char directory[] = "/tmp/tare-fuzz-jit-XXXXXX";
    char path[128];
    struct tare__strings strings = {0};
    struct tare__jit *jit;
    if (mkdtemp(directory) == NULL || (jit = tare__jit_new(directory, 1, &strings)) == NULL) {
        abort();
    }
    snprintf(path, sizeof path, "%s/perf-1.map", directory);
    append(path, data, size / 2, "w");
    size_t before = look_around(jit);
    append(path, data + size / 2, size - size / 2, "a");
    if (look_around(jit) < before) {
        abort();
    }
    tare__jit_free(jit);
    tare__strings_release(&strings);
    unlink(path);
    rmdir(directory);
    return 0;
}
