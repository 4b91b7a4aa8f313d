/* SPDX-License-Identifier: MIT */
/*
 * Puts together what `tare doctor BINARY` says of a file: kind and identity, then its parts, each in a file of
 * its own (binary_sections.c, binary_unwind.c, binary_functions.c, binary_dwarf.c), the same of its libraries,
 * and last what follows for profiling (binary_profiling.c).
 */
#include "record/binary.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *tare_profiling_name(enum tare_profiling mode)
{
    static const char *const names[TARE_PROFILING_MODES] = {"fp", "dwarf", "lbr", "built-in"};
    return mode < TARE_PROFILING_MODES ? names[mode] : "";
}

char *tare_frame_pointers_share(const struct tare_frame_pointers *frames, char text[TARE_SHARE_TEXT])
{
    double percent = 100.0 * (double)frames->kept_count / (double)frames->counted;
    if (frames->counted == 0) {
        snprintf(text, TARE_SHARE_TEXT, "-");
    } else if (frames->kept_count == 0 || frames->kept_count == frames->counted) {
        snprintf(text, TARE_SHARE_TEXT, "%.0f %%", percent);
    } else {
        snprintf(text, TARE_SHARE_TEXT, "%.1f %%", percent < 0.1 ? 0.1 : percent > 99.9 ? 99.9 : percent);
    }
    return text;
}

void tare_binary_release(struct tare_binary *binary)
{
    for (size_t i = 0; i < binary->flags_count; i++) {
        free(binary->flags[i].compiler);
        free(binary->flags[i].optimisation);
        free(binary->flags[i].words);
    }
    for (size_t i = 0; i < binary->library_count; i++) {
        free(binary->libraries[i].name);
        free(binary->libraries[i].path);
        free(binary->libraries[i].problem);
        free(binary->libraries[i].unwind.problem);
    }
    for (size_t i = 0; i < TARE_PROFILING_MODES; i++) {
        free(binary->profiling[i].why);
    }
    free(binary->flags);
    free(binary->libraries);
    free(binary->path);
    free(binary->debug.path);
    free(binary->debug.link_name);
    free(binary->debug.problem);
    free(binary->unwind.problem);
    free(binary->runtime.path);
    free(binary->runtime.version);
    free(binary->runtime.problem);
    free(binary->preload_problem);
    tare_elf_info_release(&binary->info);
    memset(binary, 0, sizeof *binary);
}

#if defined(TARE_HAVE_LIBELF) && TARE_HAVE_LIBELF

#include <fcntl.h>
#include <unistd.h>

/* For TARE_ABI alone: the declarations would have this program enrol timers. */
#define TARE_DISABLE
#include <tare/tare.h>

#include "record/binary_parts.h"
#include "record/clean.h"

enum { LINE_MAX_BYTES = 512 };

/* The program that an env(1) in the first line of a script would find; NULL: not such a line, not found. */
static char *program_of_env(const char *path)
{
    char line[256] = ""; /* as much as the kernel reads */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    ssize_t got = fd >= 0 ? read(fd, line, sizeof line - 1) : -1;
    if (fd >= 0) {
        close(fd);
    }
    if (got <= 2) {
        return NULL;
    }
    line[strcspn(line, "\n")] = '\0';
    char *rest = line + 2;
    char *found = NULL;
    bool is_env = false;
    for (char *word; (word = strsep(&rest, " \t")) != NULL;) {
        const char *slash = strrchr(word, '/');
        if (*word == '\0' || *word == '-' || strchr(word, '=') != NULL) {
            continue;
        }
        if (is_env) {
            return tare_find_program(word, &found) == 0 ? found : NULL;
        }
        if (strcmp(slash != NULL ? slash + 1 : word, "env") != 0) {
            return NULL;
        }
        is_env = true;
    }
    return NULL;
}

/* A line for what is no ELF file. */
static int refuse_other(const char *path, const struct tare_elf_info *info, char *message, size_t size)
{
    if (info->is_script && info->interpreter != NULL) {
        char *program = program_of_env(path);
        const char *name = program != NULL ? program : info->interpreter;
        int result = tare__image_fail(-ENOEXEC, message, size,
                                      "'%s' is a script for '%s': look at that one, with 'tare doctor %s'",
                                      path, name, name);
        free(program);
        return result;
    }
    char start[8] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    ssize_t got = fd >= 0 ? pread(fd, start, sizeof start, 0) : -1;
    if (fd >= 0) {
        close(fd);
    }
    if (got == 0) {
        return tare__image_fail(-ENOEXEC, message, size, "'%s' is empty", path);
    }
    if (got == sizeof start && memcmp(start, "!<arch>\n", sizeof start) == 0) {
        return tare__image_fail(
            -ENOEXEC, message, size,
            "'%s' is an archive of object files: look at the program that it is linked into", path);
    }
    if (got >= SELFMAG && memcmp(start, ELFMAG, SELFMAG) == 0) {
        return tare__image_fail(-EINVAL, message, size, "'%s' is cut short within the ELF header", path);
    }
    return tare__image_fail(-ENOEXEC, message, size,
                            "'%s' is neither a program nor a library: it is no ELF file", path);
}

/*
 * A line for an ELF file of a kind that is not looked at; 0: it is a program or a library that can be. `name`:
 * of the processor, NULL if not known.
 */
static int refuse_kind(const char *path, const struct tare__image *image, const char *name, char *message,
                       size_t size)
{
    uint16_t machine = image->header.e_machine;
    switch (image->header.e_type) {
    case ET_EXEC:
    case ET_DYN:
        break;
    case ET_REL:
        return tare__image_fail(-ENOEXEC, message, size,
                                "'%s' is an object file: look at the program that it is linked into", path);
    case ET_CORE:
        return tare__image_fail(-ENOEXEC, message, size,
                                "'%s' is a core dump: look at the program that left it behind", path);
    default:
        return tare__image_fail(-ENOEXEC, message, size, "'%s' is neither a program nor a library", path);
    }
    if (machine != EM_X86_64 && machine != EM_AARCH64) {
        return tare__image_fail(-ENOEXEC, message, size,
                                "'%s' is for %s, and only x86-64 and aarch64 are known", path,
                                name != NULL ? name : "another processor");
    }
    return 0;
}

/* Whether the file has the headers of a program and the content of its debug info alone. */
static bool is_debug_file(const char *path)
{
    struct tare__file file;
    struct tare__section section;
    char message[LINE_MAX_BYTES];
    bool answer = tare__file_open(&file, path, message, sizeof message) == 0 &&
                  tare__section_find(&file, ".debug_info", &section) &&
                  !tare__section_find(&file, ".text", &section);
    tare__file_close(&file);
    return answer;
}

/* Opens a file that can be looked at, or says which kind it is. */
static int open_binary(const char *path, struct tare_binary *binary, struct tare__image *image, char *message,
                       size_t size)
{
    int result = tare_elf_inspect(path, &binary->info, message, size);
    if (result == 0 && !binary->info.is_elf) {
        return refuse_other(path, &binary->info, message, size);
    }
    if (result == 0 && binary->info.bits == 32) {
        return tare__image_fail(-ENOEXEC, message, size,
                                "'%s' is a 32-bit file for %s, and only 64-bit ones are read", path,
                                binary->info.machine_name != NULL ? binary->info.machine_name : "a processor");
    }
    if (result == 0) {
        result = tare__image_open(image, path, message, size);
    }
    if ((result == 0 || result == -EINVAL) && is_debug_file(path)) {
        return tare__image_fail(-ENOEXEC, message, size,
                                "'%s' has debug info alone: look at the program that it belongs to", path);
    }
    return result == 0 ? refuse_kind(path, image, binary->info.machine_name, message, size) : result;
}

/* How much of the code .debug_frame covers, if `file` has one. `own`: the file with the code. */
static int read_debug_frame(const struct tare__file *file, const struct tare__file *own,
                            const struct tare__functions *functions, struct tare_unwind *unwind)
{
    struct tare__functions ranges = {0};
    int result = tare__debug_frame_read(file, &ranges);
    if (result == 0 && ranges.count > 0) {
        unwind->debug_frame = true;
        unwind->debug_covered = tare__coverage(own, functions, &ranges);
    }
    free(ranges.list);
    return result;
}

/*
 * Frame pointers and unwind tables. Without .symtab, the longer list of functions is taken: that of .eh_frame,
 * or, where a compiler was told to leave that out (musl), that of the exported ones.
 */
static int read_code(struct tare__image *image, struct tare_frame_pointers *frames, struct tare_unwind *unwind,
                     enum tare_symbol_table *symbols, uint64_t *symbol_functions)
{
    struct tare__file file = tare__file_of(image);
    struct tare__functions ranges = {0};
    struct tare__functions functions = {0};
    bool full = false;
    bool dynamic = false;
    unwind->debug_covered.share = NAN;
    int result = tare__unwind_read(image, unwind, &ranges);
    if (result == 0) {
        result = tare__functions_read(&file, SHT_SYMTAB, &functions, &full);
    }
    if (result == 0 && !full) {
        result = tare__functions_read(&file, SHT_DYNSYM, &functions, &dynamic);
    }
    if (result == 0) {
        *symbols = full ? TARE_SYMBOLS_FULL : dynamic ? TARE_SYMBOLS_DYNAMIC : TARE_SYMBOLS_NONE;
        *symbol_functions = functions.count;
        unwind->covered = tare__coverage(&file, &functions, &ranges);
        result = read_debug_frame(&file, &file, &functions, unwind);
    }
    if (result == 0) {
        bool by_symbols = functions.count > 0 && (full || functions.count > ranges.count);
        result = tare__frames_judge(image, by_symbols ? &functions : &ranges, frames);
    }
    free(ranges.list);
    free(functions.list);
    return result;
}

/* What may be in the file with the debug info as well: symbols and .debug_frame. */
static int look_for_rest(const struct tare__file *file, const struct tare__file *own,
                         struct tare_binary *binary)
{
    struct tare__functions functions = {0};
    bool has_table;
    int result = tare__functions_read(file, SHT_SYMTAB, &functions, &has_table);
    if (result == 0 && has_table && binary->symbols != TARE_SYMBOLS_FULL) {
        binary->separate_symbols = true;
        binary->symbol_functions = functions.count;
    }
    if (result == 0 && !binary->unwind.debug_frame) {
        result = read_debug_frame(file, own, &functions, &binary->unwind);
    }
    free(functions.list);
    return result;
}

/* The debug info in a file, which is the program's own or a separate one. */
static int read_debug_of(const struct tare__file *file, const struct tare__file *own,
                         struct tare_binary *binary)
{
    int result = tare__dwarf_read(file, binary);
    return result == 0 ? tare__debug_coverage(file, own, &binary->debug.covered) : result;
}

/* Debug info, here or in a file of its own, and the flags that are written in it or beside it. */
static int read_debug(const struct tare__image *image, const struct tare_binary_options *options,
                      struct tare_binary *binary)
{
    struct tare__file own = tare__file_of(image);
    struct tare__section section;
    const char *directory = options->debug_directory != NULL ? options->debug_directory : "/usr/lib/debug";
    binary->has_annobin = tare__section_find(&own, ".gnu.build.attributes", &section);
    binary->has_mini_symbols = tare__section_find(&own, ".gnu_debugdata", &section);
    int result = read_debug_of(&own, &own, binary);
    if (result == 0 && binary->debug.level == TARE_DEBUG_NONE) {
        result = tare__find_debug_file(&own, binary->path, binary->build_id, directory, &binary->debug);
    }
    if (result == 0 && binary->debug.path != NULL) {
        struct tare__file separate;
        char message[LINE_MAX_BYTES];
        if (tare__file_open(&separate, binary->debug.path, message, sizeof message) == 0) {
            result = read_debug_of(&separate, &own, binary);
            if (result == 0) {
                result = look_for_rest(&separate, &own, binary);
            }
        }
        tare__file_close(&separate);
        tare__clean_text(binary->debug.path);
    }
    if (result == 0 && binary->flags_count == 0) {
        result = tare__command_lines_read(&own, binary);
    }
    return result;
}

/* One library. Its errors are its own, but for -ENOMEM. */
static int read_library(const struct tare_elf_object *object, struct tare_binary_library *library)
{
    char message[LINE_MAX_BYTES] = "";
    struct tare__image image;
    enum tare_symbol_table symbols;
    uint64_t functions;
    library->is_runtime = object->is_runtime;
    library->name = strdup(object->name);
    library->path = object->path != NULL ? strdup(object->path) : NULL;
    library->problem = object->problem != NULL ? strdup(object->problem) : NULL;
    if (library->name == NULL || (object->path != NULL && library->path == NULL) ||
        (object->problem != NULL && library->problem == NULL)) {
        return -ENOMEM;
    }
    if (library->path == NULL) {
        return 0;
    }
    int result = tare__image_open(&image, library->path, message, sizeof message);
    if (result == 0) {
        struct tare__file file = tare__file_of(&image);
        tare__build_id(&file, library->build_id);
        result = read_code(&image, &library->frames, &library->unwind, &symbols, &functions);
    }
    tare__image_close(&image);
    tare__clean_text(library->path);
    if (result != 0 && result != -ENOMEM) {
        result = 0;
        if (library->problem == NULL) {
            library->problem = strdup(message);
            result = library->problem != NULL ? 0 : -ENOMEM;
        }
    }
    return result;
}

/* The libtare that an object brings along: where it is and, as far as its code tells, which version. */
static int read_runtime(const struct tare_elf_object *object, struct tare_binary_runtime *runtime)
{
    struct tare__image image = {.fd = -1};
    char message[LINE_MAX_BYTES];
    char *real = object->path != NULL ? realpath(object->path, NULL) : NULL;
    if (object->path != NULL && tare__image_open(&image, object->path, message, sizeof message) == 0) {
        runtime->version = tare__returned_string(&image, "tare_version");
    }
    tare__image_close(&image);
    runtime->path = real != NULL ? real : strdup(object->path != NULL ? object->path : object->name);
    if (runtime->path == NULL) {
        return -ENOMEM;
    }
    tare__clean_text(runtime->path);
    return 0;
}

/* Which timers and which libtare will be there, with all libraries. */
static int judge_runtime(const struct tare_elf_list *list, struct tare_binary *binary)
{
    struct tare_binary_runtime *runtime = &binary->runtime;
    int result = 0;
    runtime->timers = list->timer_count;
    runtime->own_timers = list->objects[0].timer_count;
    runtime->abi = list->timer_count > 0 ? TARE_ABI : 0;
    for (size_t i = 0; i < list->object_count && result == 0; i++) {
        const struct tare_elf_object *object = &list->objects[i];
        const char *slash = strrchr(object->name, '/');
        runtime->is_needed = runtime->is_needed || (i > 0 && strncmp(slash != NULL ? slash + 1 : object->name,
                                                                     "libtare.so", 10) == 0);
        if (i == 0 && object->problem != NULL) {
            runtime->problem = strdup(object->problem);
            result = runtime->problem != NULL ? 0 : -ENOMEM;
        }
        if (!object->is_runtime) {
            continue;
        }
        if (runtime->count++ == 0 && result == 0) {
            runtime->is_static = i == 0 && !binary->info.is_library;
            runtime->build_id = i == 0 ? binary->build_id : binary->libraries[i - 1].build_id;
            result = read_runtime(object, runtime);
        }
    }
    return result;
}

static int read_libraries(struct tare_binary *binary, char *message, size_t size)
{
    struct tare_elf_list list;
    int result = tare_elf_list(binary->path, &list, message, size);
    if (result == 0 && list.object_count > 1) {
        binary->libraries = calloc(list.object_count - 1, sizeof *binary->libraries);
        result = binary->libraries != NULL ? 0 : -ENOMEM;
    }
    for (size_t i = 1; i < list.object_count && result == 0; i++) {
        binary->library_count++;
        result = read_library(&list.objects[i], &binary->libraries[i - 1]);
    }
    if (result == 0) {
        result = judge_runtime(&list, binary);
    }
    tare_elf_list_release(&list);
    return result;
}

/* Whether libtare-libc.so could be loaded before it, as `tare run --libc` does. */
static int judge_preload(struct tare_binary *binary)
{
    const struct tare_elf_info *info = &binary->info;
    const char *problem = NULL;
    if (info->is_library) {
        problem = "it is a library: the program that loads it decides";
    } else if (info->is_static) {
        problem = "statically linked: its calls of libc cannot be intercepted";
    } else if ((info->is_setuid && info->owner_uid != getuid()) ||
               (info->is_setgid && info->owner_gid != getgid()) || info->has_capabilities) {
        problem = "it runs with rights of its own: the dynamic linker ignores LD_PRELOAD";
    } else if (info->interpreter != NULL && strstr(info->interpreter, "ld-musl") != NULL) {
        problem = "it uses musl, and libtare-libc.so is for glibc";
    } else if (!info->native) {
        problem = "it is not for this machine's processor";
    }
    binary->can_preload = problem == NULL;
    if (problem != NULL) {
        binary->preload_problem = strdup(problem);
    }
    return problem == NULL || binary->preload_problem != NULL ? 0 : -ENOMEM;
}

/* Whether it calls dlopen; a static program that does has it within. */
static bool loads_libraries(struct tare__image *image, const struct tare_elf_info *info)
{
    enum tare__symbol symbol = tare__image_find_symbol(image, "dlopen");
    return symbol == TARE__SYMBOL_UNDEFINED || (symbol == TARE__SYMBOL_DEFINED && info->is_static);
}

static int read_all(struct tare__image *image, const struct tare_binary_options *options,
                    struct tare_binary *binary, char *message, size_t size)
{
    struct tare__file file = tare__file_of(image);
    binary->size_bytes = image->size;
    tare__build_id(&file, binary->build_id);
    int result =
        read_code(image, &binary->frames, &binary->unwind, &binary->symbols, &binary->symbol_functions);
    if (result == 0) {
        result = read_debug(image, options, binary);
    }
    binary->runtime.build_id = "";
    binary->runtime.may_load_libraries = loads_libraries(image, &binary->info);
    if (result == 0 && !options->without_libraries) {
        result = read_libraries(binary, message, size);
    }
    if (result == 0) {
        result = judge_preload(binary);
    }
    if (result == 0) {
        result = tare__profiling_judge(binary);
    }
    return result;
}

int tare_binary_read(const char *path, const struct tare_binary_options *options, struct tare_binary *binary,
                     char *message, size_t size)
{
    static const struct tare_binary_options defaults = {0};
    struct tare__image image = {.fd = -1};
    memset(binary, 0, sizeof *binary);
    binary->path = strdup(path);
    int result = binary->path != NULL ? open_binary(path, binary, &image, message, size) : -ENOMEM;
    if (result == 0) {
        result = read_all(&image, options != NULL ? options : &defaults, binary, message, size);
    }
    if (result == -ENOMEM) {
        tare__image_fail(0, message, size, "not enough memory to read '%s'", path);
    }
    tare__image_close(&image);
    if (binary->path != NULL) {
        tare__clean_text(binary->path);
    }
    return result;
}

#else /* without libelf */

int tare_binary_read(const char *path, const struct tare_binary_options *options, struct tare_binary *binary,
                     char *message, size_t size)
{
    (void)options;
    memset(binary, 0, sizeof *binary);
    snprintf(message, size, "cannot read '%s': tare was built without libelf", path);
    return -ENOSYS;
}

#endif
