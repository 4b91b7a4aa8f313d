/* SPDX-License-Identifier: MIT */
/*
 * Flags for building a program to be fast, or fast and fit for a profiler: what `tare flags` prints, and what `tare
 * dual` builds with. Their one source is cmake/build-flags.txt, which the presets of this project are made of, too.
 */
#ifndef TARE_CLI_BUILD_FLAGS_H
#define TARE_CLI_BUILD_FLAGS_H

#include <stdbool.h>
#include <stddef.h>

struct build_profile {
    const char *name;
    const char *pieces; /* of the source, in the order in which they are printed; blanks between them */
    const char *help;
};
extern const struct build_profile build_profiles[]; /* ends with name NULL */

struct build_flags {
    char *compile; /* of Rust: options of rustc */
    char *link;    /* what the linker needs beside it */
    char *cargo;   /* NAME=VALUE ...: Cargo's settings; "" for C and C++ */
};

/*
 * Flags of a profile, with further pieces added ("" for none). `language`: "c", "c++", "rust"; `compiler`: "gcc",
 * "clang". Adds to what `flags` has; strings are the caller's to free by build_flags_release(), also after false: no
 * memory.
 */
bool build_flags_add(struct build_flags *flags, const char *pieces, const char *language, const char *compiler);
void build_flags_release(struct build_flags *flags);
const struct build_profile *build_profile_find(const char *name);

#endif
