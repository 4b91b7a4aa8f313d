/* SPDX-License-Identifier: MIT */
/* Fuzz target: a program or library in which addresses are looked up, with its debug information. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "record/symbols.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct tare_symbols_frame *frames, size_t count)
{
    if (count == 0 || count > TARE_SYMBOLS_DEPTH) {
        abort();
    }
    size_t length = 0;
    for (size_t i = 0; i < count; i++) {
        length += frames[i].function != NULL ? strlen(frames[i].function) : 0;
        length += frames[i].file != NULL ? strlen(frames[i].file) : 0;
        length += frames[i].line;
        if (frames[i].object != frames[0].object || frames[i].address != frames[0].address) {
            abort();
        }
    }
    volatile size_t all_of_it_was_read = length;
    (void)all_of_it_was_read;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* What a hostile name does to a demangler is that one's matter, and is bounded by what it may write. */
    const struct tare_symbols_options options = {.debug_directory = "/nonexistent", .mangled = true};
    char path[64];
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size) {
        abort();
    }
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct tare_symbols *symbols = tare_symbols_new(&options);
    if (symbols == NULL || tare_symbols_map(symbols, 1, 0x10000, 1 << 30, 0, path, NULL) != 0) {
        abort();
    }
    const struct tare_symbols_frame *frames;
    size_t step = size / 256 + 1;
    for (uint64_t offset = 0; offset < size + 16; offset += step) {
        size_t count = tare_symbols_resolve(symbols, 1, 0x10000 + offset, (offset & 1) != 0, &frames);
        check(frames, count);
    }
    struct tare_symbols_frame frame;
    for (uint64_t address = 0; address < 0x3000; address += 61) {
        if (tare_symbols_resolve_file(symbols, path, 0x400000 + address, &frame) == 0) {
            check(&frame, 1);
        }
    }
    tare_symbols_free(symbols);
    close(fd);
    return 0;
}
