/* SPDX-License-Identifier: MIT */
/* Finds functions that the compiler made fit to be timed, chooses among them, and writes the table. */
#include "record/functions.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char *const flags[TARE_HOOK_STYLES] = {
    [TARE_HOOK_NONE] = "",
    [TARE_HOOK_CYG] = "-finstrument-functions",
    [TARE_HOOK_MCOUNT] = "-pg",
    [TARE_HOOK_FENTRY] = "-pg -mfentry",
    [TARE_HOOK_PADS] = "-fpatchable-function-entry",
};

const char *tare_functions_flag(enum tare_functions_style style)
{
    return style < TARE_HOOK_STYLES ? flags[style] : "";
}

void tare_functions_address(const struct tare_functions *made, char address[TARE_FUNCTIONS_ADDRESS])
{
    snprintf(address, TARE_FUNCTIONS_ADDRESS, "/proc/%d/fd/%d", (int)getpid(), made->fd);
}

void tare_functions_close(struct tare_functions *made)
{
    for (size_t i = 0; i < made->file_count; i++) {
        free(made->files[i].path);
        free(made->files[i].module);
    }
    free(made->files);
    for (size_t i = 0; i < made->name_count; i++) {
        free(made->names[i]);
    }
    free(made->names);
    for (size_t i = 0; i < sizeof(made->small_names) / sizeof(made->small_names[0]); i++) {
        free(made->small_names[i]);
    }
    if (made->shared != NULL) {
        munmap(made->shared, made->shared->size);
    }
    if (made->fd >= 0) {
        close(made->fd);
    }
    *made = (struct tare_functions){.fd = -1};
}

bool tare_functions_wanted(const char *globs, const char *module, const char *name, bool *by_name)
{
    *by_name = false;
    if (globs == NULL) {
        return true;
    }
    char *full = NULL, *list = strdup(globs), *rest = list;
    bool any_asked = false, asked = false, left_out = false;
    if (list != NULL && asprintf(&full, "%s::%s", module, name) >= 0) {
        for (char *glob = strsep(&rest, ","); glob != NULL; glob = strsep(&rest, ",")) {
            bool out = *glob == '!';
            glob += out;
            if (*glob == '\0') {
                continue;
            }
            bool match = fnmatch(glob, full, 0) == 0 || fnmatch(glob, name, 0) == 0;
            any_asked |= !out;
            asked |= match && !out;
            left_out |= match && out;
            *by_name |= match && !out && strpbrk(glob, "*?[") == NULL;
        }
        free(full);
    }
    free(list);
    *by_name = *by_name && !left_out;
    return !left_out && (asked || !any_asked);
}

#if defined(TARE_HAVE_LIBELF) && TARE_HAVE_LIBELF

#include "record/binary_parts.h"
#include "record/clean.h"
#include "record/elf.h"
#include "record/functions_calls.h"
#include "record/symbols.h"
#include "record/symbols_parts.h"

enum {
    SYMBOLS_MAX = 1 << 23, /* of one file */
    FILES_MAX = 256,
    NAME_MAX_BYTES = 255, /* of a timer's name: more the runtime cuts */
};

/*
 * Bytes of a small function that are the compiler's call and what it takes to make it: gcc 12 and clang 14,
 * -O2, x86-64, of functions that without it have 3 to 11 bytes.
 */
static const uint32_t mark_bytes[TARE_HOOK_STYLES] = {
    [TARE_HOOK_CYG] = 47,
    [TARE_HOOK_MCOUNT] = 11,
    [TARE_HOOK_FENTRY] = 6,
    [TARE_HOOK_PADS] = 5,
};

struct function {
    uint64_t address;
    uint64_t size;
    char *name;
    char *file;    /* of a name that is local to it; NULL: unknown */
    size_t of;     /* index of its file */
    uint32_t line; /* 0: unknown */
    bool is_global;
    bool calls; /* others */
    bool chosen;
    bool too_small, not_asked_for;
};

/* All that becomes the table. */
struct work {
    const struct tare_functions_request *request;
    struct tare_functions *made;
    struct tare_functions_module *modules; /* strings not filled in */
    struct function *functions;
    size_t count, room;
    struct tare__strings strings; /* of demangled names */
    char *message;
    size_t message_size;
};

/* The string at an offset of a string table; "" if it does not end within. */
static const char *string_at(const Elf_Data *names, uint64_t offset)
{
    if (names == NULL || names->d_buf == NULL || offset >= names->d_size) {
        return "";
    }
    const char *text = (const char *)names->d_buf + offset;
    return memchr(text, '\0', names->d_size - offset) != NULL ? text : "";
}

static bool is_used(struct tare__image *image, const char *name)
{
    return tare__image_find_symbol(image, name) == TARE__SYMBOL_UNDEFINED;
}

/* The first one by which both begin and end are heard of, in the order of how little can go wrong. */
static enum tare_functions_style style_of(struct tare__image *image, struct tare__section *pads)
{
    struct tare__file file = tare__file_of(image);
    bool have_pads = tare__section_find(&file, "__patchable_function_entries", pads) && pads->size >= 8;
    if (is_used(image, "__cyg_profile_func_enter")) {
        return TARE_HOOK_CYG;
    }
    if (is_used(image, "__fentry__")) {
        return TARE_HOOK_FENTRY;
    }
    if (is_used(image, "mcount") || is_used(image, "_mcount")) {
        return TARE_HOOK_MCOUNT;
    }
    return have_pads ? TARE_HOOK_PADS : TARE_HOOK_NONE;
}

/* What crt1.o, crti.o and crtbegin.o bring, code without a compiler's call; and what is tare's own. */
static bool is_start_up_code(const char *name)
{
    static const char *const names[] = {"_start",
                                        "_init",
                                        "_fini",
                                        "frame_dummy",
                                        "__do_global_dtors_aux",
                                        "register_tm_clones",
                                        "deregister_tm_clones",
                                        "_dl_relocate_static_pie",
                                        "__gmon_start__",
                                        "atexit",
                                        "__stack_chk_fail_local"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return strncmp(name, "tare__", 6) == 0; /* of <tare/tare.h>, and part of its scopes */
}

/* The part of a function that is seldom executed lies elsewhere, and is no function. */
static bool is_part(const char *name)
{
    const char *cold = strstr(name, ".cold");
    return cold != NULL && (cold[5] == '\0' || cold[5] == '.');
}

/* How long the name is without what compilers add to that of a copy: "f.isra.0", "f.constprop.0.isra.1". */
static size_t plain_length(const char *name)
{
    static const char *const added[] = {".isra.", ".constprop.", ".part.", ".lto_priv.", ".llvm."};
    size_t length = strlen(name);
    for (size_t i = 0; i < sizeof(added) / sizeof(added[0]); i++) {
        const char *at = strstr(name, added[i]);
        if (at != NULL && at != name && (size_t)(at - name) < length) {
            length = (size_t)(at - name);
        }
    }
    return length;
}

static int add_function(struct work *work, const GElf_Sym *symbol, const char *name, const char *file)
{
    if (work->count == work->room) {
        size_t room = work->room == 0 ? 256 : work->room * 2;
        struct function *grown = realloc(work->functions, room * sizeof(*grown));
        if (grown == NULL) {
            return -ENOMEM;
        }
        work->functions = grown;
        work->room = room;
    }
    char *plain = strndup(name, plain_length(name));
    const char *shown = plain != NULL ? tare__name_shown(&work->strings, plain, false) : NULL;
    struct function *function = &work->functions[work->count];
    *function = (struct function){
        .address = symbol->st_value,
        .size = symbol->st_size,
        .name = shown != NULL ? strdup(shown) : NULL,
        .file = file != NULL && *file != '\0' ? strdup(file) : NULL,
        .of = work->made->file_count - 1,
        .is_global = GELF_ST_BIND(symbol->st_info) != STB_LOCAL,
    };
    free(plain);
    work->count++;
    return function->name == NULL || (file != NULL && *file != '\0' && function->file == NULL) ? -ENOMEM : 0;
}

static int compare_functions(const void *a, const void *b)
{
    const struct function *left = a, *right = b;
    if (left->of != right->of) {
        return left->of < right->of ? -1 : 1;
    }
    if (left->address != right->address) {
        return left->address < right->address ? -1 : 1;
    }
    if (left->is_global != right->is_global) {
        return left->is_global ? -1 : 1;
    }
    return strcmp(left->name, right->name);
}

static void function_release(struct function *function)
{
    free(function->name);
    free(function->file);
}

/* Sorts those from `first` on, and drops other names of the same code. */
static void order(struct work *work, size_t first)
{
    if (work->count == first) {
        return;
    }
    qsort(work->functions + first, work->count - first, sizeof(*work->functions), compare_functions);
    size_t kept = first;
    for (size_t i = first; i < work->count; i++) {
        if (kept > first && work->functions[kept - 1].address == work->functions[i].address) {
            function_release(&work->functions[i]);
            continue;
        }
        work->functions[kept++] = work->functions[i];
    }
    work->count = kept;
}

/* The functions of a symbol table. A symbol of a file stands before the local ones that come from it. */
static int read_table(struct work *work, const struct tare__file *file, uint32_t type, bool *has_table)
{
    GElf_Shdr header;
    Elf_Data *symbols = NULL, *names = NULL;
    for (Elf_Scn *section = NULL; symbols == NULL && (section = elf_nextscn(file->elf, section)) != NULL;) {
        if (gelf_getshdr(section, &header) != NULL && header.sh_type == type) {
            symbols = elf_getdata(section, NULL);
            Elf_Scn *of_names = elf_getscn(file->elf, header.sh_link);
            names = of_names != NULL ? elf_getdata(of_names, NULL) : NULL;
        }
    }
    *has_table = symbols != NULL && symbols->d_size > sizeof(Elf64_Sym);
    size_t first = work->count;
    const char *source = NULL;
    GElf_Sym symbol;
    int error = 0;
    for (int i = 0; *has_table && error == 0 && i < SYMBOLS_MAX && gelf_getsym(symbols, i, &symbol) != NULL;
         i++) {
        const char *name = string_at(names, symbol.st_name);
        int kind = GELF_ST_TYPE(symbol.st_info);
        bool is_local = GELF_ST_BIND(symbol.st_info) == STB_LOCAL;
        if (kind == STT_FILE) {
            source = name;
        } else if (kind == STT_FUNC && symbol.st_shndx != SHN_UNDEF && symbol.st_size != 0 && *name != '\0' &&
                   !is_start_up_code(name) && !is_part(name)) {
            error = add_function(work, &symbol, name, is_local ? source : NULL);
        }
    }
    order(work, first);
    return error;
}

static int compare_addresses(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/*
 * Where the pads are, ascending: as the section says, or, of a file that is loaded anywhere, the relocations
 * that will fill it.
 */
static uint64_t *read_pads(const struct tare__file *file, const struct tare__section *section, size_t *count)
{
    size_t room = section->size / 8;
    uint64_t *pads = (uint64_t *)tare__section_copy(section, (uint64_t)SYMBOLS_MAX * 8);
    *count = 0;
    for (Elf_Scn *one = NULL; pads != NULL && (one = elf_nextscn(file->elf, one)) != NULL;) {
        GElf_Shdr header;
        GElf_Rela rela;
        if (gelf_getshdr(one, &header) == NULL || header.sh_type != SHT_RELA) {
            continue;
        }
        Elf_Data *data = elf_getdata(one, NULL);
        for (int i = 0; data != NULL && i < SYMBOLS_MAX && gelf_getrela(data, i, &rela) != NULL; i++) {
            uint64_t within = rela.r_offset - section->address;
            if (GELF_R_TYPE(rela.r_info) == R_X86_64_RELATIVE && within / 8 < room && within % 8 == 0) {
                pads[within / 8] = (uint64_t)rela.r_addend;
            }
        }
    }
    if (pads != NULL) {
        qsort(pads, room, sizeof(*pads), compare_addresses);
        *count = room;
    }
    return pads;
}

/* Which of the functions from `first` on that are small for their size alone call others. */
static int find_calls(struct work *work, size_t first, struct tare__image *image,
                      enum tare_functions_style style)
{
    uint64_t limit = (uint64_t)work->request->min_size + mark_bytes[style];
    uint64_t *starts = malloc((work->count - first + 1) * sizeof(*starts));
    struct tare__calls calls = {0};
    int error = starts == NULL ? -ENOMEM : 0;
    for (size_t i = first; error == 0 && i < work->count; i++) {
        starts[i - first] = work->functions[i].address;
    }
    error = error == 0 ? tare__calls_open(&calls, image, starts, work->count - first, &work->strings) : error;
    for (size_t i = first; error == 0 && i < work->count; i++) {
        struct function *function = &work->functions[i];
        function->calls = function->size < limit && tare__calls_any(&calls, function->address, function->size);
    }
    tare__calls_release(&calls);
    return error;
}

/* Keeps of the functions from `first` on those that have a pad: others were built without. */
static int keep_with_pads(struct work *work, size_t first, const struct tare__file *file,
                          const struct tare__section *section)
{
    size_t count, kept = first;
    uint64_t *pads = read_pads(file, section, &count);
    if (pads == NULL) {
        return -ENOMEM;
    }
    for (size_t i = first, at = 0; i < work->count; i++) {
        struct function *function = &work->functions[i];
        while (at < count && pads[at] < function->address) {
            at++;
        }
        if (at < count && pads[at] - function->address < function->size) {
            work->functions[kept++] = *function;
        } else {
            function_release(function);
        }
    }
    work->count = kept;
    free(pads);
    return 0;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* Files of the system are not the program's own. */
static bool is_of_the_system(const char *path)
{
    static const char *const folders[] = {"/lib/",       "/lib64/",     "/lib32/",      "/usr/lib/",
                                          "/usr/lib64/", "/usr/lib32/", "/usr/libexec/"};
    char *real = realpath(path, NULL);
    bool is = false;
    for (size_t i = 0; real != NULL && i < sizeof(folders) / sizeof(folders[0]); i++) {
        is = is || strncmp(real, folders[i], strlen(folders[i])) == 0;
    }
    free(real);
    return is;
}

static bool is_known(const struct work *work, const struct stat *st)
{
    for (size_t i = 0; i < work->made->file_count; i++) {
        if (work->modules[i].device == st->st_dev && work->modules[i].inode == st->st_ino) {
            return true;
        }
    }
    return false;
}

/* Adds a file if it was built so. Returns 0, 1 (it was not), or -errno with a message. */
static int add_file(struct work *work, const char *path)
{
    struct tare__image image = {.fd = -1};
    struct tare__section pads = {0};
    struct tare_functions *made = work->made;
    int error = tare__image_open(&image, path, work->message, work->message_size);
    if (error != 0) {
        goto out;
    }
    if (is_known(work, &image.status)) {
        goto out;
    }
    enum tare_functions_style style = style_of(&image, &pads);
    if (style == TARE_HOOK_NONE || made->file_count == FILES_MAX) {
        error = 1;
        goto out;
    }
#if !defined(__x86_64__)
    if (style != TARE_HOOK_CYG) {
        error = tare__image_fail(-ENOTSUP, work->message, work->message_size,
                                 "'%s' is built with %s, which is understood on x86-64 alone: build it with "
                                 "-finstrument-functions",
                                 path, flags[style]);
        goto out;
    }
#endif
    if (style != TARE_HOOK_CYG &&
        tare__image_find_symbol(&image, "_Unwind_RaiseException") == TARE__SYMBOL_DEFINED) {
        error = tare__image_fail(
            -ENOTSUP, work->message, work->message_size,
            "'%s' is built with %s and has libgcc in itself, whose exceptions would not get past "
            "timed functions: link it without -static-libgcc, or build it with "
            "-finstrument-functions",
            path, flags[style]);
        goto out;
    }
    error = -ENOMEM;
    struct tare_functions_file *files = realloc(made->files, (made->file_count + 1) * sizeof(*files));
    made->files = files != NULL ? files : made->files;
    struct tare_functions_module *modules = realloc(work->modules, (made->file_count + 1) * sizeof(*modules));
    work->modules = modules != NULL ? modules : work->modules;
    if (files == NULL || modules == NULL) {
        goto out;
    }
    struct tare_functions_file *file = &files[made->file_count];
    *file = (struct tare_functions_file){.path = strdup(path),
                                         .module = strdup(base_name(path)),
                                         .style = style,
                                         .has_timers = tare__image_has_timers(&image)};
    modules[made->file_count] = (struct tare_functions_module){
        .device = image.status.st_dev,
        .inode = image.status.st_ino,
        .style = style,
        .pads_address = style == TARE_HOOK_PADS ? pads.address : 0,
        .pads_size = style == TARE_HOOK_PADS ? pads.size : 0,
    };
    made->file_count++;
    if (file->path == NULL || file->module == NULL) {
        goto out;
    }
    tare__clean_text(file->module);
    struct tare__file own = tare__file_of(&image);
    size_t first = work->count;
    bool has_table;
    error = read_table(work, &own, SHT_SYMTAB, &has_table);
    if (error == 0 && !has_table) {
        file->is_stripped = true;
        error = read_table(work, &own, SHT_DYNSYM, &has_table);
    }
    error = error == 0 ? find_calls(work, first, &image, style) : error;
    if (error == 0 && style == TARE_HOOK_PADS) {
        error = keep_with_pads(work, first, &own, &pads);
    }
    file->functions = work->count - first;
out:
    if (error == -ENOMEM) {
        tare__image_fail(error, work->message, work->message_size, "out of memory");
    }
    tare__image_close(&image);
    return error;
}

static int by_name(const void *a, const void *b)
{
    const struct function *left = *(struct function *const *)a, *right = *(struct function *const *)b;
    if (left->of != right->of) {
        return left->of < right->of ? -1 : 1;
    }
    return strcmp(left->name, right->name);
}

/* Functions of one name and module are one timer; those that are local to different files are told apart. */
static int tell_apart(struct work *work, const struct tare_elf_list *list)
{
    struct function **sorted = malloc((work->count + 1) * sizeof(struct function *));
    int error = sorted == NULL ? -ENOMEM : 0;
    for (size_t i = 0; error == 0 && i < work->count; i++) {
        sorted[i] = &work->functions[i];
    }
    if (error == 0) {
        qsort(sorted, work->count, sizeof(struct function *), by_name);
    }
    for (size_t i = 0; error == 0 && i < work->count;) {
        size_t end = i + 1;
        while (end < work->count && by_name(&sorted[i], &sorted[end]) == 0) {
            end++;
        }
        for (size_t k = i; error == 0 && end - i > 1 && k < end; k++) {
            char *longer = NULL;
            if (sorted[k]->file != NULL) {
                error = asprintf(&longer, "%s (%s)", sorted[k]->name, sorted[k]->file) < 0 ? -ENOMEM : 0;
                if (error == 0) {
                    free(sorted[k]->name);
                    sorted[k]->name = longer;
                }
            }
        }
        i = end;
    }
    free(sorted);
    /* A timer in the source with the same full name would be one with the function's. */
    for (size_t t = 0; list != NULL && error == 0 && t < list->timer_count; t++) {
        for (size_t i = 0; error == 0 && i < work->count; i++) {
            struct function *function = &work->functions[i];
            if (strcmp(function->name, list->timers[t].name) == 0 &&
                strcmp(work->made->files[function->of].module, list->timers[t].module) == 0) {
                char *longer = NULL;
                error = asprintf(&longer, "%s()", function->name) < 0 ? -ENOMEM : 0;
                if (error == 0) {
                    free(function->name);
                    function->name = longer;
                }
            }
        }
    }
    return error;
}

static int by_size(const void *a, const void *b)
{
    const struct function *left = *(struct function *const *)a, *right = *(struct function *const *)b;
    return (left->size < right->size) - (left->size > right->size);
}

/* Counts by name what was chosen, and why the rest was not; keeps the names. `order`: room for all functions. */
static int count_names(struct work *work, struct function **order)
{
    struct tare_functions *made = work->made;
    for (size_t i = 0; i < work->count; i++) {
        order[i] = &work->functions[i];
    }
    qsort(order, work->count, sizeof(*order), by_name);
    made->names = calloc(work->count + 1, sizeof(*made->names));
    size_t small = 0;
    for (size_t i = 0; made->names != NULL && i < work->count;) {
        bool chosen = false, too_small = false, not_asked_for = false;
        struct function *one = order[i];
        for (; i < work->count && by_name(&one, &order[i]) == 0; i++) {
            chosen |= order[i]->chosen;
            too_small |= order[i]->too_small;
            not_asked_for |= order[i]->not_asked_for;
        }
        made->chosen += chosen;
        made->too_small += !chosen && too_small;
        made->not_asked_for += !chosen && !too_small && not_asked_for;
        if (asprintf(&made->names[made->name_count], "%s::%s", made->files[one->of].module, one->name) < 0) {
            return -ENOMEM;
        }
        made->name_count++;
        if (!chosen && too_small) {
            order[small++] = one; /* behind what is still to be read */
        }
    }
    made->functions = made->name_count;
    qsort(order, small, sizeof(*order), by_size);
    for (size_t i = 0; i < small && i < sizeof(made->small_names) / sizeof(made->small_names[0]); i++) {
        made->small_names[i] = strdup(order[i]->name);
    }
    return made->names != NULL ? 0 : -ENOMEM;
}

/* Marks what is to be timed. */
static int choose(struct work *work)
{
    struct tare_functions *made = work->made;
    const struct tare_functions_request *request = work->request;
    struct function **chosen = malloc((work->count + 1) * sizeof(struct function *));
    size_t count = 0;
    if (chosen == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < work->count; i++) {
        struct function *function = &work->functions[i];
        const struct tare_functions_file *file = &made->files[function->of];
        bool by_its_name;
        if (!tare_functions_wanted(request->globs, file->module, function->name, &by_its_name)) {
            function->not_asked_for = true;
        } else if (!by_its_name && !function->calls && request->min_size != 0 &&
                   function->size < (uint64_t)request->min_size + mark_bytes[file->style]) {
            function->too_small = true;
        } else {
            chosen[count++] = function;
        }
    }
    if (count > request->max) {
        qsort(chosen, count, sizeof(struct function *), by_size);
        made->without_room = count - request->max;
        made->largest_without_room = (uint32_t)chosen[request->max]->size;
        count = request->max;
    }
    for (size_t i = 0; i < count; i++) {
        chosen[i]->chosen = true;
        made->files[chosen[i]->of].chosen++;
    }
    int error = count_names(work, chosen);
    free(chosen);
    return error;
}

/* Where the chosen ones stand in the source, as far as the debug information says. */
static int find_lines(struct work *work)
{
    const struct tare_symbols_options options = {.without_inlined = true};
    struct tare_symbols *symbols = tare_symbols_new(&options);
    int error = symbols == NULL ? -ENOMEM : 0;
    for (size_t i = 0; error == 0 && i < work->count; i++) {
        struct function *function = &work->functions[i];
        struct tare_symbols_frame frame;
        if (!function->chosen || tare_symbols_resolve_file(symbols, work->made->files[function->of].path,
                                                           function->address, &frame) != 0) {
            continue;
        }
        function->line = frame.function_line != 0 ? frame.function_line : frame.line;
        if (frame.file != NULL) {
            char *file = strdup(frame.file);
            error = file == NULL ? -ENOMEM : 0;
            if (error == 0) {
                free(function->file);
                function->file = file;
            }
        }
    }
    tare_symbols_free(symbols);
    return error;
}

/* Cuts a name where it is too long for a timer, and makes it fit to be shown. */
static uint32_t put(char *strings, uint64_t *used, const char *text)
{
    if (text == NULL || *text == '\0') {
        return 0;
    }
    uint32_t at = (uint32_t)*used;
    size_t length = strnlen(text, NAME_MAX_BYTES);
    memcpy(strings + at, text, length);
    strings[at + length] = '\0';
    tare__clean_text(strings + at);
    *used += length + 1;
    return at;
}

/* Writes the table. Names that are cut to the same length become one timer. */
static int write_table(struct work *work)
{
    struct tare_functions *made = work->made;
    uint64_t offset = sizeof(struct tare_functions_header) +
                      made->file_count * sizeof(struct tare_functions_module) +
                      work->count * sizeof(struct tare_functions_entry);
    uint64_t size = offset + 2;
    for (size_t i = 0; i < made->file_count; i++) {
        size += strlen(made->files[i].module) + 1;
    }
    for (size_t i = 0; i < work->count; i++) {
        const struct function *one = &work->functions[i];
        size += one->chosen ? strlen(one->name) + 1 + (one->file != NULL ? strlen(one->file) + 1 : 0) : 0;
    }
    if (size > UINT32_MAX) {
        return -EFBIG;
    }
    made->fd = memfd_create("tare-functions", MFD_CLOEXEC);
    if (made->fd < 0 || ftruncate(made->fd, (off_t)size) != 0) {
        return -errno;
    }
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, made->fd, 0);
    if (memory == MAP_FAILED) {
        return -errno;
    }
    struct tare_functions_header *header = made->shared = memory;
    *header = (struct tare_functions_header){.magic = TARE_FUNCTIONS_MAGIC,
                                             .size = size,
                                             .module_count = (uint32_t)made->file_count,
                                             .function_count = (uint32_t)work->count,
                                             .strings_offset = (uint32_t)offset,
                                             .style = made->style};
    struct tare_functions_module *modules = (struct tare_functions_module *)(header + 1);
    struct tare_functions_entry *entries = (struct tare_functions_entry *)(modules + made->file_count);
    char *strings = (char *)memory + offset;
    uint64_t used = 1;
    size_t at = 0;
    for (size_t i = 0; i < made->file_count; i++) {
        modules[i] = work->modules[i];
        modules[i].name = put(strings, &used, made->files[i].module);
        modules[i].first = (uint32_t)at;
        for (; at < work->count && work->functions[at].of == i; at++) {
            const struct function *one = &work->functions[at];
            entries[at] = (struct tare_functions_entry){
                .address = one->address,
                .size = one->size > UINT32_MAX ? UINT32_MAX : (uint32_t)one->size,
                .name = one->chosen ? put(strings, &used, one->name) : 0,
                .file = one->chosen ? put(strings, &used, one->file) : 0,
                .line = one->line,
                .chosen = one->chosen,
            };
        }
        modules[i].count = (uint32_t)at - modules[i].first;
    }
    return 0;
}

/* The program, its own libraries, and what was named. */
static int add_files(struct work *work, const struct tare_elf_list *list)
{
    const struct tare_functions_request *request = work->request;
    int error = list->object_count > 0 ? add_file(work, request->path) : 0; /* else a script */
    for (size_t i = 1; error >= 0 && i < list->object_count; i++) {
        const struct tare_elf_object *object = &list->objects[i];
        if (object->path != NULL && object->problem == NULL && !object->is_runtime &&
            !is_of_the_system(object->path)) {
            error = add_file(work, object->path);
        }
    }
    for (size_t i = 0; error >= 0 && request->also != NULL && request->also[i] != NULL; i++) {
        error = add_file(work, request->also[i]);
        if (error == 1) {
            error = tare__image_fail(-ENOENT, work->message, work->message_size,
                                     "'%s' was not built with calls at its functions: build it with "
                                     "-finstrument-functions (see 'tare flags --functions')",
                                     request->also[i]);
        }
    }
    return error < 0 ? error : 0;
}

static int make(struct work *work)
{
    struct tare_functions *made = work->made;
    struct tare_elf_list list = {0};
    int error = tare_elf_list(work->request->path, &list, work->message, work->message_size);
    if (error == -ENOEXEC && work->request->also == NULL) {
        tare__image_fail(error, work->message, work->message_size,
                         "'%s' is no ELF program: name what it starts with --functions-in FILE",
                         work->request->path);
    }
    if (error != 0 && (error != -ENOEXEC || work->request->also == NULL)) {
        goto out;
    }
    if (error != 0) { /* of a script there is nothing but what else was named */
        tare_elf_list_release(&list);
        list = (struct tare_elf_list){0};
    }
    error = add_files(work, &list);
    if (error != 0) {
        goto out;
    }
    if (made->file_count == 0) {
        error =
            tare__image_fail(-ENOENT, work->message, work->message_size,
                             "'%s' has no calls at its functions: build it with -finstrument-functions or -pg "
                             "(see 'tare flags --functions')",
                             work->request->path);
        goto out;
    }
    made->style = made->files[0].style;
    error = tell_apart(work, &list);
    error = error == 0 ? choose(work) : error;
    if (error == 0 && made->chosen == 0) {
        bool stripped = work->count == 0;
        error = tare__image_fail(
            -ESRCH, work->message, work->message_size,
            stripped ? "'%s' has no symbols, so its functions are not known: do not strip it"
                     : "no function of '%s' is left to be timed: %zu were not asked for, %zu "
                       "are smaller than %u bytes (--functions-min-size)",
            work->request->path, made->not_asked_for, made->too_small, work->request->min_size);
        goto out;
    }
    error = error == 0 ? find_lines(work) : error;
    error = error == 0 ? write_table(work) : error;
    if (error != 0) {
        tare__image_fail(error, work->message, work->message_size, "cannot make the table of functions: %s",
                         strerror(-error));
    }
out:
    tare_elf_list_release(&list);
    return error;
}

int tare_functions_make(const struct tare_functions_request *request, struct tare_functions *made,
                        char *message, size_t message_size)
{
    *made = (struct tare_functions){.fd = -1};
    struct work work = {.request = request, .made = made, .message = message, .message_size = message_size};
    int error = make(&work);
    for (size_t i = 0; i < work.count; i++) {
        function_release(&work.functions[i]);
    }
    free(work.functions);
    free(work.modules);
    tare__strings_release(&work.strings);
    return error;
}

#else

int tare_functions_make(const struct tare_functions_request *request, struct tare_functions *made,
                        char *message, size_t message_size)
{
    (void)request;
    *made = (struct tare_functions){.fd = -1};
    snprintf(message, message_size, "this build of tare cannot read programs: it was made without libelf");
    return -ENOSYS;
}

#endif
