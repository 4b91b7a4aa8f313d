/* SPDX-License-Identifier: MIT */
/*
 * What follows from a binary for taking its stacks while it runs.
 *
 *     fp        the kernel follows the frame pointers: all on the stack must keep them, in libraries, too
 *     dwarf     a part of the stack is copied and unwound afterwards by .eh_frame; whether perf reads .debug_frame,
 *               too, is not for the file to say
 *     lbr       the processor notes the last branches: a matter of the machine
 *     built-in  tare unwinds by itself, by frame pointers or .eh_frame
 *
 * A function without a frame is itself seen by fp, but the one that called it is skipped; one that reuses the
 * register ends the stack, or sends it astray. Hence "partly" where the program keeps frame pointers and its
 * libraries do not: stacks from within the program are right, those taken in such a library are not.
 */
#if defined(TARE_HAVE_LIBELF) && TARE_HAVE_LIBELF

#include "record/binary_parts.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_SHOWN = 3 };

/*
 * Up to this the unwind table is taken to cover the program. By functions it is 100 %, less some assembly,
 * where the compiler wrote it. By bytes the padding between functions is missing (12 % in the worst of common
 * libraries), and the start-up code, some 200 bytes, which is much of a small program.
 */
#define COVERED_FUNCTIONS 0.9
#define COVERED_BYTES 0.8
/* Below this, the table is the start-up code's alone, or that of a few strangers. */
#define COVERED_PARTLY 0.1
enum { UNCOVERED_BYTES = 512 };

static bool is_covered(const struct tare_coverage *covered)
{
    if (covered->of_functions) {
        return covered->share >= COVERED_FUNCTIONS;
    }
    return covered->share >= COVERED_BYTES || (!isnan(covered->share) && covered->missed <= UNCOVERED_BYTES);
}

__attribute__((format(printf, 3, 4))) static int answer(struct tare_profiling_answer *mode,
                                                        enum tare_works works, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    mode->works = works;
    if (vasprintf(&mode->why, format, arguments) < 0) {
        mode->why = NULL;
    }
    va_end(arguments);
    return mode->why != NULL ? 0 : -ENOMEM;
}

static bool is_loader(const struct tare_binary *binary, const struct tare_binary_library *library)
{
    const char *loader = binary->info.interpreter;
    const char *slash = loader != NULL ? strrchr(loader, '/') : NULL;
    const char *name = slash != NULL ? slash + 1 : loader;
    return name != NULL && strcmp(library->name, name) == 0;
}

static enum tare_works works_with(const struct tare_coverage *covered)
{
    return isnan(covered->share)              ? TARE_WORKS_UNKNOWN
           : is_covered(covered)              ? TARE_WORKS_YES
           : covered->share >= COVERED_PARTLY ? TARE_WORKS_PARTLY
                                              : TARE_WORKS_NO;
}

typedef bool library_test(const struct tare_binary_library *library);

static bool keeps_no_frames(const struct tare_binary_library *library)
{
    return library->frames.kept == TARE_KEPT_NO || library->frames.kept == TARE_KEPT_MIXED;
}

static bool has_no_unwind_table(const struct tare_binary_library *library)
{
    /* One of data alone (icudata) has no functions, and needs none. */
    return library->path != NULL && library->problem == NULL && !library->unwind.eh_frame &&
           library->frames.functions > 0;
}

static bool is_libc(const struct tare_binary_library *library)
{
    return strncmp(library->name, "libc.so", 7) == 0;
}

static bool is_unknown(const struct tare_binary_library *library)
{
    return library->path == NULL || (library->problem != NULL && library->frames.functions == 0);
}

static size_t count_libraries(const struct tare_binary *binary, library_test *fails)
{
    size_t count = 0;
    for (size_t i = 0; i < binary->library_count; i++) {
        count += !is_loader(binary, &binary->libraries[i]) && fails(&binary->libraries[i]);
    }
    return count;
}

/*
 * "libc.so.6, libm.so.6 and 3 more": the libraries that fail, libc first, as all call it; the dynamic linker,
 * which hardly runs, left out. "" if there are none; NULL without memory.
 */
static char *name_libraries(const struct tare_binary *binary, library_test *fails)
{
    char *text = strdup("");
    size_t count = count_libraries(binary, fails);
    size_t shown = 0;
    for (size_t i = 0; i < 2 * binary->library_count && text != NULL && shown < NAMES_SHOWN; i++) {
        const struct tare_binary_library *library = &binary->libraries[i % binary->library_count];
        if (is_loader(binary, library) || !fails(library) || is_libc(library) != (i < binary->library_count)) {
            continue;
        }
        char *longer;
        shown++;
        const char *before = shown == 1 ? "" : shown == count ? " and " : ", ";
        int length = asprintf(&longer, "%s%s%s", text, before, library->name);
        free(text);
        text = length >= 0 ? longer : NULL;
    }
    if (text != NULL && count > shown) {
        char *longer;
        int length = asprintf(&longer, "%s and %zu more", text, count - shown);
        free(text);
        text = length >= 0 ? longer : NULL;
    }
    return text;
}

static int judge_fp(struct tare_binary *binary)
{
    struct tare_profiling_answer *mode = &binary->profiling[TARE_PROFILING_FP];
    const struct tare_frame_pointers *frames = &binary->frames;
    const char *within = binary->info.is_static ? ", those of the libraries in it included," : "";
    char kept[TARE_SHARE_TEXT];
    tare_frame_pointers_share(frames, kept);
    if (frames->kept == TARE_KEPT_UNKNOWN) {
        return answer(mode, TARE_WORKS_UNKNOWN, "%s",
                      frames->functions == 0
                          ? "no functions were found in it to judge"
                          : "none of its functions calls another: there is nothing to judge");
    }
    if (frames->kept == TARE_KEPT_NO) {
        return answer(mode, TARE_WORKS_NO,
                      "%s of its functions%s keep the frame pointer: compile with -fno-omit-frame-pointer",
                      kept, within);
    }
    if (frames->kept == TARE_KEPT_MIXED) {
        return answer(mode, TARE_WORKS_PARTLY,
                      "%s of its functions%s keep the frame pointer: stacks go wrong in the others", kept,
                      within);
    }
    char *libraries = name_libraries(binary, keeps_no_frames);
    size_t unknown = count_libraries(binary, is_unknown);
    int result = -ENOMEM;
    if (libraries == NULL) {
        return result;
    }
    if (libraries[0] != '\0') {
        result = answer(mode, TARE_WORKS_PARTLY,
                        "the file keeps frame pointers, but %s %s not: stacks that begin in there lose callers",
                        libraries, strstr(libraries, " and ") != NULL ? "do" : "does");
    } else if (unknown > 0) {
        result = answer(mode, TARE_WORKS_UNKNOWN,
                        "the file keeps frame pointers; of its libraries, %zu could not be judged", unknown);
    } else {
        result = answer(mode, TARE_WORKS_YES, "frame pointers are kept%s",
                        binary->library_count > 0 ? ", in its libraries, too" : "");
    }
    free(libraries);
    return result;
}

static int judge_dwarf(struct tare_binary *binary)
{
    struct tare_profiling_answer *mode = &binary->profiling[TARE_PROFILING_DWARF];
    const struct tare_unwind *unwind = &binary->unwind;
    const struct tare_coverage *covered = &unwind->covered;
    if (!unwind->eh_frame && !unwind->debug_frame) {
        return answer(mode, TARE_WORKS_NO,
                      "neither .eh_frame nor .debug_frame: compile with -fasynchronous-unwind-tables");
    }
    if (binary->info.is_program && !unwind->eh_frame_hdr && !unwind->debug_frame) {
        return answer(mode, TARE_WORKS_NO,
                      ".eh_frame is there, but not .eh_frame_hdr, by which perf finds it: link with "
                      "-Wl,--eh-frame-hdr");
    }
    /*
     * That of programs without asynchronous unwind tables, where .eh_frame is the start-up code's, and of Go's. perf 6.1
     * of Debian 12 ends each stack at the first function that only this one describes.
     */
    bool searched = unwind->eh_frame && unwind->eh_frame_hdr;
    if (unwind->debug_frame &&
        (!searched || (!is_covered(covered) && unwind->debug_covered.share > covered->share))) {
        return answer(mode, TARE_WORKS_UNKNOWN,
                      "only .debug_frame describes %s of it, which perf may pass over (6.1 does): compile with "
                      "-fasynchronous-unwind-tables",
                      is_covered(&unwind->debug_covered) ? "all" : "some");
    }
    if (isnan(covered->share)) {
        return answer(mode, TARE_WORKS_UNKNOWN, ".eh_frame is there; how much it covers is not known");
    }
    if (!is_covered(covered)) {
        return answer(mode, works_with(covered),
                      ".eh_frame covers %.0f %% of its %s: compile with -fasynchronous-unwind-tables",
                      floor(100 * covered->share), covered->of_functions ? "functions" : "code");
    }
    char *libraries = name_libraries(binary, has_no_unwind_table);
    if (libraries == NULL) {
        return -ENOMEM;
    }
    int result =
        answer(mode, libraries[0] != '\0' ? TARE_WORKS_PARTLY : TARE_WORKS_YES, ".eh_frame covers it%s%s",
               libraries[0] != '\0' ? ", but there is none in " : "", libraries);
    free(libraries);
    return result;
}

static int judge_built_in(struct tare_binary *binary)
{
    struct tare_profiling_answer *mode = &binary->profiling[TARE_PROFILING_BUILT_IN];
    enum tare_works fp = binary->profiling[TARE_PROFILING_FP].works;
    enum tare_works table = TARE_WORKS_NO; /* .debug_frame is not in memory */
    if (!binary->can_preload && !binary->info.is_library) {
        return answer(mode, TARE_WORKS_NO, "%s",
                      binary->info.is_static ? "statically linked: the sampler cannot be loaded into it"
                                             : binary->preload_problem);
    }
    if (binary->unwind.eh_frame) {
        table = works_with(&binary->unwind.covered);
        table = table == TARE_WORKS_YES ? binary->profiling[TARE_PROFILING_DWARF].works : table;
    }
    if (table == TARE_WORKS_YES || fp == TARE_WORKS_YES) {
        return answer(mode, TARE_WORKS_YES, "by %s%s", table == TARE_WORKS_YES ? ".eh_frame" : "frame pointers",
                      table == fp ? ", or by frame pointers" : "");
    }
    if (table == TARE_WORKS_PARTLY || fp == TARE_WORKS_PARTLY) {
        return answer(mode, TARE_WORKS_PARTLY, "%s",
                      table == fp                  ? "by .eh_frame and frame pointers, each of which has gaps"
                      : table == TARE_WORKS_PARTLY ? "by .eh_frame, which has gaps"
                                                   : "by frame pointers, which have gaps");
    }
    if (table == TARE_WORKS_UNKNOWN) {
        return answer(mode, TARE_WORKS_UNKNOWN, ".eh_frame is there; how much it covers is not known");
    }
    return answer(mode, fp == TARE_WORKS_UNKNOWN ? TARE_WORKS_UNKNOWN : TARE_WORKS_NO, "%s",
                  fp == TARE_WORKS_UNKNOWN ? "no .eh_frame, and frame pointers could not be judged"
                                           : "neither frame pointers nor .eh_frame: compile with "
                                             "-fno-omit-frame-pointer or -fasynchronous-unwind-tables");
}

int tare__profiling_judge(struct tare_binary *binary)
{
    int result = judge_fp(binary);
    if (result == 0) {
        result = judge_dwarf(binary);
    }
    if (result == 0) {
        result = answer(&binary->profiling[TARE_PROFILING_LBR], TARE_WORKS_UNKNOWN,
                        "not the file's to say: 'tare doctor' says whether this machine has it");
    }
    if (result == 0) {
        result = judge_built_in(binary);
    }
    return result;
}

#else

typedef int tare__binary_profiling_need_libelf; /* a file must not be empty */

#endif
