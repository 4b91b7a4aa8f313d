/* SPDX-License-Identifier: MIT */
/*
 * By which command a project builds one of its executables, told by what lies above the executable: a build
 * folder of CMake, Meson or configure knows how it was made; a Makefile or build.ninja is asked for its rule.
 * Private to record/.
 */
#ifndef TARE_RECORD_BUILD_GUESS_H
#define TARE_RECORD_BUILD_GUESS_H

#include "record/build.h"
#include "record/cmake_cache.h"

enum tare__build_kind {
    TARE__BUILD_UNKNOWN, /* nothing says how: rules are looked for */
    TARE__BUILD_CMAKE,
    TARE__BUILD_MESON,
    TARE__BUILD_CONFIGURE,
    TARE__BUILD_CARGO,
};

struct tare__built {
    enum tare__build_kind kind;
    char *folder; /* the build folder, resolved; of Cargo: "target" */
    char *source; /* the source folder, as the build folder has it, resolved; NULL: unknown, or it is gone */
    struct tare__cmake_cache cache;
};

/*
 * How an executable was built. `executable` is resolved. Looks no further up than where folders belong to
 * somebody else. 0, or -ENOMEM. To be released in each case.
 */
int tare__built_find(struct tare__built *built, const char *executable);
void tare__built_release(struct tare__built *built);

struct tare__plan {
    char *configure; /* for sh; NULL: nothing to configure */
    char *build;     /* for sh */
    char *folder;    /* in which both run; absolute */
    char *why;       /* "as 'build/CMakeCache.txt' has it" */
};

void tare__plan_release(struct tare__plan *plan);

/*
 * How to configure, in `tree`, what `built` is in `root` (the same work tree at another revision): fills
 * configure and folder, and *build_folder, allocated: where the build will be. Makes that folder, and writes
 * what CMake shall start from. Nothing to do for other kinds. 0 or -errno with a message.
 */
int tare__plan_configure(struct tare__plan *plan, const struct tare__built *built, const char *root,
                         const char *tree, char **build_folder, const struct tare_build_watch *watch,
                         struct tare_build_trouble *trouble);

/*
 * How to build `executable`, which lies in `top` or a folder of it, and need not exist (and where it does, make
 * cannot be asked): fills build, folder and why. `build_folder` is that of `kind`. -ENOENT: no way is known.
 */
int tare__plan_build(struct tare__plan *plan, const struct tare__built *built, const char *build_folder,
                     const char *executable, const char *top, const struct tare_build_watch *watch,
                     struct tare_build_trouble *trouble);

/*
 * The highest folder above `executable` to look into: that of its git work tree, or as tare__built_find() does.
 */
char *tare__build_top(const char *executable);

#endif
