/* SPDX-License-Identifier: MIT */
/* The processors of code_judge.h, one function each. Private to them. */
#ifndef TARE_RECORD_CODE_ARCH_H
#define TARE_RECORD_CODE_ARCH_H

#include "record/code_judge.h"

/* How many instructions may lie between saving the caller's frame pointer and setting the own. */
enum { TARE__CODE_NEAR = 16 };

struct tare__code tare__code_x86_64(const unsigned char *code, size_t size);
struct tare__code tare__code_aarch64(const unsigned char *code, size_t size);

bool tare__code_returns_x86_64(const unsigned char *code, size_t size, uint64_t at, uint64_t *address);
bool tare__code_returns_aarch64(const unsigned char *code, size_t size, uint64_t at, uint64_t *address);

#endif
