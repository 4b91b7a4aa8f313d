/* SPDX-License-Identifier: MIT */
/* record/functions.h with any bytes as a file: it may be refused, with a message, or makes a table that holds. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "record/functions.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_table(const struct tare_functions *made)
{
    const struct tare_functions_header *header = made->shared;
    const struct tare_functions_module *modules = (const struct tare_functions_module *)(header + 1);
    const struct tare_functions_entry *entries =
        (const struct tare_functions_entry *)(modules + header->module_count);
    const char *strings = (const char *)header + header->strings_offset;
    size_t room = header->size - header->strings_offset, chosen = 0;
    for (uint32_t m = 0; m < header->module_count; m++) {
        if (modules[m].name >= room || modules[m].first + modules[m].count > header->function_count) {
            abort();
        }
        for (uint32_t i = modules[m].first; i < modules[m].first + modules[m].count; i++) {
            if (entries[i].name >= room || entries[i].file >= room ||
                (i > modules[m].first && entries[i].address <= entries[i - 1].address) ||
                strnlen(strings + entries[i].name, room - entries[i].name) > 255) {
                abort();
            }
            chosen += entries[i].chosen;
        }
    }
    if (chosen != made->chosen || chosen == 0) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    static char path[64];
    if (fd < 0) {
        fd = memfd_create("fuzz-functions", MFD_CLOEXEC);
        if (fd < 0) {
            perror("memfd_create");
            abort();
        }
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    if (ftruncate(fd, (off_t)size) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size) {
        perror("writing the input");
        abort();
    }
    char message[512] = "";
    struct tare_functions made;
    const struct tare_functions_request request = {.path = path, .min_size = 1, .max = 100, .globs = "*,!b*"};
    int result = tare_functions_make(&request, &made, message, sizeof message);
    if (result != 0 && (message[0] == '\0' || strchr(message, '\n') != NULL)) {
        abort();
    }
    if (result == 0) {
        check_table(&made);
    }
    tare_functions_close(&made);
    return 0;
}
