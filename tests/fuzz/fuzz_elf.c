/* SPDX-License-Identifier: MIT */
/* record/elf.h with any bytes as a file: it may be refused, with a message, and must not do harm. */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "record/elf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_message(int result, const char *message)
{
    if (result != 0 && (message[0] == '\0' || strchr(message, '\n') != NULL)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    static char path[64];
    if (fd < 0) {
        fd = memfd_create("fuzz-elf", MFD_CLOEXEC);
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
    struct tare_elf_list list;
    expect_message(tare_elf_list(path, &list, message, sizeof message), message);
    for (size_t i = 0; i < list.timer_count; i++) {
        if (list.timers[i].module == NULL || list.timers[i].name == NULL || list.timers[i].file == NULL ||
            list.timers[i].object >= list.object_count) {
            abort();
        }
    }
    tare_elf_list_release(&list);
    message[0] = '\0';
    struct tare_elf_info info;
    expect_message(tare_elf_inspect(path, &info, message, sizeof message), message);
    tare_elf_info_release(&info);
    return 0;
}
