/* SPDX-License-Identifier: MIT */
/* Chooses the processor whose code it is. */
#include "record/code_judge.h"

#include <elf.h>

#include "record/code_arch.h"

struct tare__code tare__code_judge(uint16_t machine, const unsigned char *code, size_t size)
{
    switch (machine) {
    case EM_X86_64:
        return tare__code_x86_64(code, size);
    case EM_AARCH64:
        return tare__code_aarch64(code, size);
    default:
        return (struct tare__code){.frame = TARE__FRAME_UNKNOWN};
    }
}

bool tare__code_returns_address(uint16_t machine, const unsigned char *code, size_t size, uint64_t at,
                                uint64_t *address)
{
    switch (machine) {
    case EM_X86_64:
        return tare__code_returns_x86_64(code, size, at, address);
    case EM_AARCH64:
        return tare__code_returns_aarch64(code, size, at, address);
    default:
        return false;
    }
}
