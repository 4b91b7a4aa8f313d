/* SPDX-License-Identifier: MIT */
/* Names of Rust's newer scheme, "_R...". Private to record/. */
#ifndef TARE_RECORD_SYMBOLS_RUST_H
#define TARE_RECORD_SYMBOLS_RUST_H

#include <stddef.h>

/*
 * Writes the symbol's name as Rust has it to `text`, not terminated. Returns how many bytes, 0 if it is no such name, is
 * damaged or needs more than `size`. What a crate is told apart by (a hash) and the types of constants are left out.
 * Thread-safe.
 */
size_t tare__rust_name(const char *symbol, char *text, size_t size);

#endif
