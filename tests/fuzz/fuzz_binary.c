/* SPDX-License-Identifier: MIT */
/*
 * record/binary.h with any bytes as a file, and record/code_judge.h with the same bytes as machine code: a file
 * may be refused, with a message, what is said of one must be consistent, and nothing must do harm.
 */
#include <elf.h>
#include <fcntl.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "record/binary.h"
#include "record/code_judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(int holds)
{
    if (!holds) {
        abort();
    }
}

static void check_code(const uint8_t *data, size_t size)
{
    static const uint16_t machines[] = {EM_X86_64, EM_AARCH64};
    size_t length = tare__x86_64_length(data, size);
    expect(length <= size && length <= 15);
    for (size_t i = 0; i < 2; i++) {
        uint64_t address;
        struct tare__code code = tare__code_judge(machines[i], data, size);
        expect(code.frame <= TARE__FRAME_UNKNOWN);
        expect(code.frame == TARE__FRAME_KEPT || code.frame == TARE__FRAME_UNKNOWN || !code.stores_arguments);
        tare__code_returns_address(machines[i], data, size, 0x1000, &address);
    }
}

static void check_share(double share)
{
    expect(isnan(share) || (share >= 0 && share <= 1));
}

static void check_binary(const struct tare_binary *binary)
{
    const struct tare_frame_pointers *frames = &binary->frames;
    uint64_t units = 0;
    expect(frames->counted == frames->kept_count + frames->missing + frames->reused);
    expect(frames->functions == frames->counted + frames->leaves + frames->unread);
    expect((frames->kept == TARE_KEPT_UNKNOWN) == (frames->counted == 0));
    check_share(frames->stores_arguments);
    check_share(binary->unwind.covered.share);
    check_share(binary->unwind.debug_covered.share);
    check_share(binary->debug.covered.share);
    expect(binary->debug.units_full + binary->debug.split_units + binary->assembler_units <=
           binary->debug.units);
    expect((binary->debug.level == TARE_DEBUG_NONE) == (binary->debug.units == 0));
    for (size_t i = 0; i < binary->flags_count; i++) {
        expect(binary->flags[i].compiler != NULL && binary->flags[i].units > 0);
        units += binary->flags[i].units;
    }
    expect(binary->flags_from != TARE_FLAGS_DEBUG_INFO || units <= binary->debug.units);
    for (int i = 0; i < TARE_PROFILING_MODES; i++) {
        expect(binary->profiling[i].why != NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct tare_binary_options options = {.debug_directory = "/nonexistent",
                                                       .without_libraries = true};
    static int fd = -1;
    static char path[64];
    if (fd < 0) {
        fd = memfd_create("fuzz-binary", MFD_CLOEXEC);
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
    struct tare_binary binary;
    int result = tare_binary_read(path, &options, &binary, message, sizeof message);
    if (result == 0) {
        check_binary(&binary);
    } else {
        expect(message[0] != '\0' && strchr(message, '\n') == NULL);
    }
    tare_binary_release(&binary);
    check_code(data, size);
    return 0;
}
