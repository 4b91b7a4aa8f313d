/* SPDX-License-Identifier: MIT */
/*
 * `tare doctor PROGRAM`: shows what record/binary.c found out about a program or library. What is unknown is
 * said at the end in one place, so that nobody takes it for a no.
 */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <tare/version.h>

#include "build-config.h"
#include "cli/cli.h"
#include "cli/doctor.h"
#include "record/binary.h"
#include "runtime/text.h"

/* By bytes: the padding between functions is missing in each. */
#define ALL_BYTES 0.8
enum { START_UP_BYTES = 512 };

enum {
    WIDTH = 80,
    INDENT = 2,
    TEXT_COLUMN = 19,
    LIBRARY_NAME = 22, /* columns; where something is longer, the folder gets a line of its own */
    LIBRARY_FRAMES = 22,
    LIBRARIES_SHOWN = 20, /* of the table; JSON has all */
};

static const char *const kept_names[] = {[TARE_KEPT_UNKNOWN] = "unknown",
                                         [TARE_KEPT_NO] = "no",
                                         [TARE_KEPT_MIXED] = "mixed",
                                         [TARE_KEPT_YES] = "yes"};
static const char *const works_names[] = {[TARE_WORKS_UNKNOWN] = "unknown",
                                          [TARE_WORKS_NO] = "no",
                                          [TARE_WORKS_PARTLY] = "partly",
                                          [TARE_WORKS_YES] = "yes"};
static const char *const from_names[] = {[TARE_FUNCTIONS_NONE] = NULL,
                                         [TARE_FUNCTIONS_SYMBOLS] = ".symtab",
                                         [TARE_FUNCTIONS_UNWIND_TABLE] = ".eh_frame",
                                         [TARE_FUNCTIONS_EXPORTED] = ".dynsym"};

/*
 * A line "  label   text", the text wrapped; a word that is too long for a line is not cut, so that it can be
 * copied.
 */
__attribute__((format(printf, 2, 3))) static void field(const char *label, const char *format, ...)
{
    va_list arguments;
    char *raw;
    va_start(arguments, format);
    int length = vasprintf(&raw, format, arguments);
    va_end(arguments);
    char *text = length >= 0 ? printable(raw) : NULL;
    if (length >= 0) {
        free(raw);
    }
    if (text == NULL) {
        error("out of memory");
        return;
    }
    printf("%*s%-*s", INDENT, "", TEXT_COLUMN - INDENT, label);
    size_t column = TEXT_COLUMN;
    bool first = true;
    char *rest = text;
    for (char *word; (word = strsep(&rest, " ")) != NULL;) {
        size_t width = tare__text_width(word);
        if (!first && column + 1 + width > WIDTH) {
            printf("\n%*s", TEXT_COLUMN, "");
            column = TEXT_COLUMN;
        } else if (!first) {
            putchar(' ');
            column++;
        }
        fputs(word, stdout);
        column += width;
        first = false;
    }
    putchar('\n');
    free(text);
}

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

static const char *kind_of(const struct tare_elf_info *info)
{
    return info->is_library                  ? "shared library"
           : info->is_static && info->is_pie ? "program, static PIE"
           : info->is_static                 ? "program, static, at a fixed address"
           : info->is_pie                    ? "program, PIE, dynamically linked"
                                             : "program at a fixed address, dynamically linked";
}

/* ---- the table ---- */

/* "; covers 98 % of the code", or "" where that is not known. Rounded down: 100 % is all of it. */
static const char *covered_text(const struct tare_coverage *covered, char text[64])
{
    text[0] = '\0';
    if (!isnan(covered->share)) {
        snprintf(text, 64, "; covers %.0f %% of the %s", floor(100 * covered->share),
                 covered->of_functions ? "functions" : "code");
    }
    return text;
}

/* All but padding and start-up code. False where it is not known. */
static bool covers_all(const struct tare_coverage *covered)
{
    return covered->share >= ALL_BYTES || (!isnan(covered->share) && covered->missed <= START_UP_BYTES);
}

/*
 * "-O2 in 110, -O0 in 2": one figure for each optimisation, whichever the compiler. Returns the units that it
 * is about.
 */
static uint64_t optimisations(const struct tare_binary *binary, char *text, size_t size)
{
    uint64_t said = 0;
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < binary->flags_count && used < size; i++) {
        const char *optimisation = binary->flags[i].optimisation;
        uint64_t same = 0;
        bool earlier = optimisation == NULL;
        for (size_t j = 0; j < binary->flags_count && !earlier; j++) {
            const char *other = binary->flags[j].optimisation;
            if (other != NULL && strcmp(other, optimisation) == 0) {
                same += binary->flags[j].units;
                earlier = j < i;
            }
        }
        if (!earlier) {
            used += (size_t)snprintf(text + used, size - used, "%s%s in %ju", used > 0 ? ", " : "",
                                     optimisation, (uintmax_t)same);
            said += same;
        }
    }
    return said;
}

static void show_optimisation(const struct tare_binary *binary)
{
    char text[1024];
    uint64_t said = optimisations(binary, text, sizeof(text));
    uint64_t all = binary->debug.units - binary->assembler_units;
    const char *compiler = binary->flags_count > 0 ? binary->flags[0].compiler : "";
    if (said > 0 && binary->flags_from == TARE_FLAGS_COMMAND_LINE) {
        field("optimisation", "%s recorded command line%s (%s, .GCC.command.line)", text, plural(said),
              compiler);
    } else if (said > 0) {
        field("optimisation", "%s of %ju unit%s with debug info (%s%s)", text, (uintmax_t)all, plural(all),
              compiler, binary->flags_count > 1 ? " and others" : "");
    } else if (binary->flags_count > 0) {
        field("optimisation", "not recorded by '%s'", compiler);
    } else if (binary->debug.split_units > 0) {
        field("optimisation", "perhaps recorded in the .dwo files, which are not read");
    } else {
        field("optimisation", "not recorded: neither by debug info nor in .GCC.command.line");
    }
    if (binary->frames.looks_unoptimised) {
        field("", "%s looks unoptimised, by its machine code",
              binary->frames.kept == TARE_KEPT_YES ? "it" : "a part of it");
    }
}

static void show_no_debug(const struct tare_debug_info *debug)
{
    const char *url = getenv("DEBUGINFOD_URLS");
    if (debug->path != NULL) {
        field("debug info", "none, nor in '%s', which belongs to it", debug->path);
    } else if (debug->link_name != NULL) {
        field("debug info", "none here; '%s', which it names, was not found", debug->link_name);
    } else {
        field("debug info", "none, and no separate file with it was found");
    }
    if (url != NULL && url[0] != '\0') {
        field("", "debuginfod may have it: it was not asked");
    }
}

static void show_debug(const struct tare_binary *binary)
{
    const struct tare_debug_info *debug = &binary->debug;
    char range[32] = "", full[96] = "", covered[64] = "";
    uint64_t typed = debug->units_full + debug->split_units;
    if (debug->level == TARE_DEBUG_NONE) {
        show_no_debug(debug);
    } else {
        if (debug->version_min != debug->version_max) {
            snprintf(range, sizeof(range), "%u to ", debug->version_min);
        }
        if (debug->level == TARE_DEBUG_FULL && typed + binary->assembler_units < debug->units) {
            snprintf(full, sizeof(full), " in %ju of %ju units, else lines", (uintmax_t)typed,
                     (uintmax_t)debug->units);
        }
        field("debug info", "%s%s, DWARF %s%u%s%s, in %s%s",
              debug->level == TARE_DEBUG_FULL ? "full" : "lines and functions only", full, range,
              debug->version_max, debug->compressed ? ", compressed" : "",
              debug->split_units > 0 ? ", split into .dwo files" : "",
              debug->path != NULL ? debug->path : "the file itself",
              debug->path == NULL ? ""
              : debug->by_name    ? " (found by name)"
                                  : " (found by build id)");
        if (!covers_all(&debug->covered) && covered_text(&debug->covered, covered)[0] != '\0') {
            field("", "%s", covered + 2);
        }
    }
    if (debug->split_missing > 0) {
        field("", "%ju of %ju .dwo files are not where they were made", (uintmax_t)debug->split_missing,
              (uintmax_t)debug->split_units);
    }
    if (debug->problem != NULL) {
        field("", "%s", debug->problem);
    }
}

static void show_symbols(const struct tare_binary *binary)
{
    uintmax_t count = (uintmax_t)binary->symbol_functions;
    if (binary->symbols == TARE_SYMBOLS_FULL) {
        field("symbols", ".symtab, %ju function%s", count, plural(count));
    } else if (binary->separate_symbols) {
        field("symbols", "stripped; .symtab with %ju function%s is in the file with the debug info", count,
              plural(count));
    } else if (binary->symbols == TARE_SYMBOLS_DYNAMIC && count > 0) {
        field("symbols", "stripped: .dynsym only; %ju exported function%s, the others are without names%s",
              count, plural(count),
              binary->has_mini_symbols ? " but in .gnu_debugdata, which is not read here" : "");
    } else {
        field("symbols", "stripped: none of its functions has a name%s",
              binary->has_mini_symbols ? " but in .gnu_debugdata, which is not read here" : "");
    }
}

static void show_unwind(const struct tare_unwind *unwind)
{
    char covered[64];
    if (!unwind->eh_frame && !unwind->debug_frame) {
        field("unwind tables", "none");
    }
    if (unwind->eh_frame) {
        field("unwind tables", ".eh_frame, %ju entr%s, with%s .eh_frame_hdr%s", (uintmax_t)unwind->entries,
              unwind->entries == 1 ? "y" : "ies", unwind->eh_frame_hdr ? "" : "out",
              covered_text(&unwind->covered, covered));
    }
    if (unwind->debug_frame) {
        field(unwind->eh_frame ? "" : "unwind tables", ".debug_frame%s",
              covered_text(&unwind->debug_covered, covered));
    }
    if (unwind->problem != NULL) {
        field("", "%s", unwind->problem);
    }
}

static void show_frames(const struct tare_binary *binary)
{
    const struct tare_frame_pointers *frames = &binary->frames;
    char share[TARE_SHARE_TEXT];
    char others[128] = "";
    if (frames->counted == 0) {
        field("frame pointers", "unknown: %s",
              frames->functions == 0 ? "no function was found" : "none of its functions calls another");
        return;
    }
    field("frame pointers", "%s: kept in %s of %ju function%s%s, leaves (%ju) not counted",
          kept_names[frames->kept], tare_frame_pointers_share(frames, share), (uintmax_t)frames->counted,
          plural(frames->counted), binary->info.is_static ? ", those of the libraries in it included" : "",
          (uintmax_t)frames->leaves);
    if (frames->missing + frames->reused > 0) {
        snprintf(others, sizeof(others), "without a frame: %ju; with other use of the register: %ju",
                 (uintmax_t)frames->missing, (uintmax_t)frames->reused);
        field("", "%s", others);
    }
    field("", "judged by machine code; functions found in %s", from_names[frames->from]);
}

static bool is_well_known(const char *name)
{
    static const char *const names[] = {"libc.so", "libm.so", "libstdc++.so", "libpthread.so"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strncmp(name, names[i], strlen(names[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* The folder of a library that has the name by which it is needed, else its path. */
static char *place_of(const struct tare_binary_library *library)
{
    char *text = library->path != NULL ? strdup(library->path) : strdup("not found");
    char *slash = text != NULL ? strrchr(text, '/') : NULL;
    if (slash != NULL && slash != text && strcmp(slash + 1, library->name) == 0) {
        *slash = '\0';
    }
    char *safe = text != NULL ? printable(text) : NULL;
    free(text);
    return safe;
}

static void show_library(const struct tare_binary_library *library)
{
    char share[TARE_SHARE_TEXT], frames[64];
    char *name = printable(library->name), *place = place_of(library);
    if (name == NULL || place == NULL) {
        error("out of memory");
        goto out;
    }
    if (library->path == NULL) {
        snprintf(frames, sizeof(frames), "-");
    } else if (library->frames.counted == 0) {
        snprintf(frames, sizeof(frames), "unknown");
    } else {
        snprintf(frames, sizeof(frames), "%-5s %s of %ju", kept_names[library->frames.kept],
                 tare_frame_pointers_share(&library->frames, share), (uintmax_t)library->frames.counted);
    }
    printf("%*s", INDENT, "");
    tare__text_pad(stdout, name, LIBRARY_NAME);
    bool fits = INDENT + LIBRARY_NAME + LIBRARY_FRAMES + 2 + tare__text_width(place) <= WIDTH &&
                tare__text_width(name) <= LIBRARY_NAME;
    if (fits) {
        printf(" %-*s %s\n", LIBRARY_FRAMES, frames, place);
    } else {
        printf(" %s\n%*s%s\n", frames, 2 * INDENT, "", place);
    }
    if (library->problem != NULL) {
        field("", "%s", library->problem);
    }
out:
    free(name);
    free(place);
}

static void show_libraries(const struct tare_binary *binary)
{
    size_t counts[TARE_KEPT_YES + 1] = {0};
    size_t left_out = 0;
    if (binary->library_count == 0) {
        return;
    }
    printf("\n%*s%-*s %-*s %s\n", INDENT, "", LIBRARY_NAME, "library", LIBRARY_FRAMES, "frame pointers", "in");
    for (size_t i = 0; i < binary->library_count; i++) {
        const struct tare_binary_library *library = &binary->libraries[i];
        if (i < LIBRARIES_SHOWN || library->is_runtime || library->path == NULL ||
            is_well_known(library->name)) {
            show_library(library);
        } else {
            left_out++;
            counts[library->frames.kept]++;
        }
    }
    if (left_out > 0) {
        field(
            "",
            "and %zu more: frame pointers kept in %zu, not in %zu, mixed in %zu, unknown in %zu; --format json "
            "lists them",
            left_out, counts[TARE_KEPT_YES], counts[TARE_KEPT_NO], counts[TARE_KEPT_MIXED],
            counts[TARE_KEPT_UNKNOWN]);
    }
}

static void show_runtime(const struct tare_binary *binary)
{
    const struct tare_binary_runtime *runtime = &binary->runtime;
    bool is_itself = runtime->count > 0 && runtime->build_id == binary->build_id;
    putchar('\n');
    if (runtime->count > 0) {
        const char *version = runtime->version;
        char other[64] = "";
        if (version != NULL && strcmp(version, TARE_VERSION) != 0) {
            snprintf(other, sizeof(other), " (this command is %s)", TARE_VERSION);
        }
        field("libtare", "%s%s, version %s%s%s%s", runtime->is_static ? "in the program itself" : "",
              runtime->is_static ? ""
              : is_itself        ? "this is it"
                                 : runtime->path,
              version != NULL ? version : "unknown", other,
              runtime->build_id[0] != '\0' && !is_itself ? ", build id " : "",
              is_itself ? "" : runtime->build_id);
    } else if (runtime->is_needed) {
        field("libtare", "needed, and not found: it will not start as things are");
    } else {
        field("libtare", "none: not linked with it");
    }
    if (runtime->count > 1) {
        field("", "%zu objects bring a libtare along: timers may count in one that is not read",
              runtime->count);
    }
    if (runtime->timers > 0) {
        field("timers", "%zu of its own, %zu of its libraries, made with ABI %u of tare.h", runtime->own_timers,
              runtime->timers - runtime->own_timers, runtime->abi);
        if (runtime->count == 0 && !runtime->is_needed) {
            field("", "they count nothing where no libtare is loaded");
        }
    } else {
        field("timers", "none");
    }
    if (runtime->problem != NULL) {
        field("", "%s", runtime->problem);
    }
    if (!TARE_HAVE_PRELOAD) {
        field("run --libc", "no: this tare was built without libtare-libc.so");
    } else {
        field("run --libc", "%s%s", binary->can_preload ? "yes: its calls of libc can be timed" : "no: ",
              binary->can_preload ? "" : binary->preload_problem);
    }
}

static void show_modes(const struct tare_binary *binary)
{
    char label[32];
    putchar('\n');
    for (enum tare_profiling mode = 0; mode < TARE_PROFILING_MODES; mode++) {
        const struct tare_profiling_answer *answer = &binary->profiling[mode];
        snprintf(label, sizeof(label), "%s %s", mode == 0 ? "profile" : "       ", tare_profiling_name(mode));
        field(label, "%s: %s", works_names[answer->works], answer->why);
    }
    if (!binary->info.native) {
        field("", "this holds on a machine with that processor, which this is not");
    }
}

/* Whether what the flags were found of is all the code there is. */
static bool all_flags_known(const struct tare_binary *binary)
{
    return binary->flags_from == TARE_FLAGS_DEBUG_INFO && binary->units_without_flags == 0 &&
           covers_all(&binary->debug.covered);
}

/* What could not be known, each in words; returns how many, at most `max`. */
static size_t list_unknown(const struct tare_binary *binary, const char **list, size_t max)
{
    size_t count = 0;
    size_t lost = 0;
    for (size_t i = 0; i < binary->library_count; i++) {
        lost += binary->libraries[i].path == NULL || binary->libraries[i].problem != NULL;
    }
    const struct {
        bool applies;
        const char *text;
    } items[] = {
        {!all_flags_known(binary),
         binary->has_annobin
             ? "how all of it was optimised; .gnu.build.attributes may say it, and is not read here"
             : "how all of it was optimised"},
        {binary->frames.from == TARE_FUNCTIONS_EXPORTED,
         "frame pointers of functions that are not exported: no symbols, and no unwind table"},
        {binary->frames.unread > 0,
         "frame pointers of functions that are not all instructions, or not all in the file"},
        {isnan(binary->unwind.covered.share) && binary->unwind.eh_frame,
         "how much of the code .eh_frame covers"},
        {lost > 0, "everything about libraries that were not found or could not be read"},
        {binary->runtime.may_load_libraries, "what it loads with dlopen while it runs"},
        {binary->runtime.count > 0 && binary->runtime.version == NULL, "which version of libtare it is"},
        {binary->runtime.timers > 0,
         "the version of tare.h that its timers were made with: they say their ABI alone"},
        {true, "code that is made at run time, and stacks that the program makes for itself"},
    };
    for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
        if (items[i].applies && count < max) {
            list[count++] = items[i].text;
        }
    }
    return count;
}

enum { UNKNOWN_MAX = 16 };

static void print_table(const struct tare_binary *binary)
{
    const struct tare_elf_info *info = &binary->info;
    const char *unknown[UNKNOWN_MAX];
    char *path = printable(binary->path);
    printf("%s\n", path != NULL ? path : "");
    free(path);
    field("kind", "%s, %s%s", kind_of(info), info->machine_name, info->native ? "" : ", not of this machine");
    field("build id", "%s", binary->build_id[0] != '\0' ? binary->build_id : "none");
    if (info->interpreter != NULL) {
        field("interpreter", "%s", info->interpreter);
    }
    show_optimisation(binary);
    show_debug(binary);
    show_symbols(binary);
    show_unwind(&binary->unwind);
    show_frames(binary);
    show_libraries(binary);
    show_runtime(binary);
    show_modes(binary);
    size_t count = list_unknown(binary, unknown, UNKNOWN_MAX);
    putchar('\n');
    for (size_t i = 0; i < count; i++) {
        field(i == 0 ? "not known" : "", "%s", unknown[i]);
    }
}

/* ---- JSON ---- */

static json_t *text_or_null(const char *text)
{
    return text != NULL && text[0] != '\0' ? json_string(text) : json_null();
}

static json_t *number_or_null(double value)
{
    return isnan(value) ? json_null() : json_real(value);
}

static json_t *coverage_json(const struct tare_coverage *covered)
{
    if (isnan(covered->share)) {
        return json_null();
    }
    return json_pack("{s:f, s:s, s:I}", "share", covered->share, "of",
                     covered->of_functions ? "functions" : "bytes", "missed", (json_int_t)covered->missed);
}

static json_t *frames_json(const struct tare_frame_pointers *frames)
{
    double share = frames->counted > 0 ? (double)frames->kept_count / (double)frames->counted : NAN;
    return json_pack("{s:s, s:s?, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:b}", "kept",
                     kept_names[frames->kept], "functions_from", from_names[frames->from], "kept_share",
                     number_or_null(share), "functions", (json_int_t)frames->functions, "counted",
                     (json_int_t)frames->counted, "kept_count", (json_int_t)frames->kept_count, "missing",
                     (json_int_t)frames->missing, "reused", (json_int_t)frames->reused, "leaves",
                     (json_int_t)frames->leaves, "unread", (json_int_t)frames->unread, "stores_arguments_share",
                     number_or_null(frames->stores_arguments), "looks_unoptimised", frames->looks_unoptimised);
}

static json_t *unwind_json(const struct tare_unwind *unwind)
{
    return json_pack("{s:b, s:b, s:I, s:o, s:b, s:o, s:s?}", "eh_frame", unwind->eh_frame, "eh_frame_hdr",
                     unwind->eh_frame_hdr, "entries", (json_int_t)unwind->entries, "covered",
                     unwind->eh_frame ? coverage_json(&unwind->covered) : json_null(), "debug_frame",
                     unwind->debug_frame, "debug_covered",
                     unwind->debug_frame ? coverage_json(&unwind->debug_covered) : json_null(), "problem",
                     unwind->problem);
}

static json_t *flags_json(const struct tare_binary *binary)
{
    json_t *list = json_array();
    for (size_t i = 0; i < binary->flags_count; i++) {
        const struct tare_flags *one = &binary->flags[i];
        json_array_append_new(list,
                              json_pack("{s:s, s:s?, s:o, s:I}", "compiler", one->compiler, "optimisation",
                                        one->optimisation, "frame_pointer",
                                        one->frame_pointer < 0 ? json_null() : json_boolean(one->frame_pointer),
                                        "units", (json_int_t)one->units));
    }
    return json_pack("{s:s?, s:o, s:I, s:I, s:b}", "from",
                     binary->flags_from == TARE_FLAGS_DEBUG_INFO     ? "debug info"
                     : binary->flags_from == TARE_FLAGS_COMMAND_LINE ? ".GCC.command.line"
                                                                     : NULL,
                     "kinds", list, "units_without_flags", (json_int_t)binary->units_without_flags,
                     "assembler_units", (json_int_t)binary->assembler_units, "has_annobin",
                     binary->has_annobin);
}

static json_t *debug_json(const struct tare_debug_info *debug)
{
    static const char *const levels[] = {
        [TARE_DEBUG_NONE] = "none", [TARE_DEBUG_LINES] = "lines", [TARE_DEBUG_FULL] = "full"};
    return json_pack("{s:s, s:o, s:o, s:I, s:I, s:o, s:I, s:I, s:b, s:s?, s:s?, s:s?, s:s?}", "level",
                     levels[debug->level], "dwarf_min",
                     debug->version_min != 0 ? json_integer(debug->version_min) : json_null(), "dwarf_max",
                     debug->version_max != 0 ? json_integer(debug->version_max) : json_null(), "units",
                     (json_int_t)debug->units, "units_full", (json_int_t)debug->units_full, "covered",
                     coverage_json(&debug->covered), "split_units", (json_int_t)debug->split_units,
                     "split_missing", (json_int_t)debug->split_missing, "compressed", debug->compressed,
                     "separate_file", debug->path, "found_by",
                     debug->path == NULL ? NULL
                     : debug->by_name    ? "name"
                                         : "build id",
                     "link_name", debug->link_name, "problem", debug->problem);
}

static json_t *libraries_json(const struct tare_binary *binary)
{
    json_t *list = json_array();
    for (size_t i = 0; i < binary->library_count; i++) {
        const struct tare_binary_library *one = &binary->libraries[i];
        bool read = one->path != NULL;
        json_array_append_new(list, json_pack("{s:s, s:s?, s:s?, s:o, s:b, s:o, s:o}", "name", one->name,
                                              "path", one->path, "problem", one->problem, "build_id",
                                              text_or_null(one->build_id), "is_libtare", one->is_runtime,
                                              "frame_pointers", read ? frames_json(&one->frames) : json_null(),
                                              "unwind", read ? unwind_json(&one->unwind) : json_null()));
    }
    return list;
}

static json_t *runtime_json(const struct tare_binary *binary)
{
    const struct tare_binary_runtime *runtime = &binary->runtime;
    return json_pack(
        "{s:I, s:b, s:s?, s:s?, s:o, s:b, s:I, s:I, s:o, s:s?, s:b, s:b, s:s?}", "count",
        (json_int_t)runtime->count, "is_static", runtime->is_static, "path", runtime->path, "version",
        runtime->version, "build_id", text_or_null(runtime->build_id), "is_needed", runtime->is_needed,
        "timers", (json_int_t)runtime->timers, "own_timers", (json_int_t)runtime->own_timers, "abi",
        runtime->abi != 0 ? json_integer(runtime->abi) : json_null(), "problem", runtime->problem,
        "may_load_libraries", runtime->may_load_libraries, "libc_preload",
        TARE_HAVE_PRELOAD && binary->can_preload, "libc_preload_problem",
        TARE_HAVE_PRELOAD ? binary->preload_problem : "this tare was built without libtare-libc.so");
}

static json_t *modes_json(const struct tare_binary *binary)
{
    json_t *modes = json_object();
    for (enum tare_profiling mode = 0; mode < TARE_PROFILING_MODES; mode++) {
        const struct tare_profiling_answer *answer = &binary->profiling[mode];
        json_object_set_new(modes, tare_profiling_name(mode),
                            json_pack("{s:s, s:s}", "works", works_names[answer->works], "why", answer->why));
    }
    return modes;
}

static json_t *unknown_json(const struct tare_binary *binary)
{
    const char *unknown[UNKNOWN_MAX];
    json_t *list = json_array();
    size_t count = list_unknown(binary, unknown, UNKNOWN_MAX);
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(list, json_string(unknown[i]));
    }
    return list;
}

static int print_json(const struct tare_binary *binary)
{
    static const char *const tables[] = {
        [TARE_SYMBOLS_NONE] = NULL, [TARE_SYMBOLS_DYNAMIC] = ".dynsym", [TARE_SYMBOLS_FULL] = ".symtab"};
    const struct tare_elf_info *info = &binary->info;
    json_t *root = json_pack(
        "{s:s, s:i, s:s, s:s, s:I, s:{s:s, s:b, s:b, s:b, s:s, s:b, s:s?}, s:o, s:o, s:o}", "schema",
        "tare-doctor-binary", "schema_version", 1, "version", TARE_VERSION, "path", binary->path, "size_bytes",
        (json_int_t)binary->size_bytes, "kind", "type", info->is_library ? "library" : "program", "static",
        info->is_static, "pie", info->is_pie, "dynamic", info->is_dynamic, "machine", info->machine_name,
        "native", info->native, "interpreter", info->interpreter, "build_id", text_or_null(binary->build_id),
        "flags", flags_json(binary), "debug_info", debug_json(&binary->debug));
    json_t *more = json_pack(
        "{s:{s:s?, s:I, s:b, s:b}, s:o, s:o, s:o, s:o, s:o, s:o}", "symbols", "table", tables[binary->symbols],
        "functions", (json_int_t)binary->symbol_functions, "in_separate_file", binary->separate_symbols,
        "has_mini_symbols", binary->has_mini_symbols, "unwind", unwind_json(&binary->unwind), "frame_pointers",
        frames_json(&binary->frames), "libraries", libraries_json(binary), "libtare", runtime_json(binary),
        "profiling", modes_json(binary), "unknown", unknown_json(binary));
    int failure = root == NULL || more == NULL || json_object_update(root, more) != 0 ||
                  json_dumpf(root, stdout, JSON_INDENT(2)) != 0;
    putchar('\n');
    json_decref(more);
    json_decref(root);
    if (failure) {
        error("cannot write to standard output, or out of memory");
    }
    return failure ? EXIT_TROUBLE : EXIT_FINE;
}

/*
 * A name with a slash is taken as it is, one without is looked for in PATH, as by `tare run`; a library or a
 * program in this folder that PATH does not lead to is meant as a file.
 */
int doctor_binary(const char *path, bool json)
{
    struct tare_binary binary;
    char message[512];
    char *found = NULL;
    if (strchr(path, '/') == NULL && tare_find_program(path, &found) == -ENOMEM) {
        error("out of memory");
        return EXIT_TROUBLE;
    }
    int code = EXIT_TROUBLE;
    if (tare_binary_read(found != NULL ? found : path, NULL, &binary, message, sizeof(message)) != 0) {
        error("%s", message);
    } else if (json) {
        code = print_json(&binary);
    } else {
        print_table(&binary);
        code = EXIT_FINE;
    }
    tare_binary_release(&binary);
    free(found);
    return code;
}
