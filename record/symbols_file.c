/* SPDX-License-Identifier: MIT */
/*
 * Functions of one ELF file, of any processor, 32 or 64 bits, little-endian. From its symbol table, or from
 * the one in its separate debug file, or from the one that some distributions pack into .gnu_debugdata;
 * without any of these from the names that it shares with other files (.dynsym). Lines and inlined calls:
 * symbols_lines.c.
 *
 * Where several symbols cover an address, that one counts which has a size, begins last, has the fewest
 * underscores in front, is global rather than weak rather than local, and is the shortest: as perf chooses,
 * but that perf takes the longest. One without a size goes on to the next symbol, or to the end of its
 * section.
 *
 * A file is read into memory, up to READ_BYTES, so that one that shrinks meanwhile is damaged and not a SIGBUS.
 */
#include "record/symbols_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if TARE__WITH_ELF

#include <endian.h>
#include <fcntl.h>
#include <gelf.h>
#include <sys/stat.h>

#if TARE__WITH_DWARF
#include <elfutils/libdwfl.h>
#endif

#include "record/symbols_debug_file.h"

enum {
    READ_BYTES = 256 * 1024 * 1024, /* a larger file is mapped */
    SEGMENTS_MAX = 256,             /* of type PT_LOAD; linkers make 2 to 6 */
    SECTIONS_MAX = 1 << 20,
    PAGE_BYTES = 4096,         /* the smallest that a file can be mapped by */
    PACKED_BYTES = 512 * 1024, /* of .gnu_debugdata; xz makes one byte of 7,000 at most */
};

struct segment {
    uint64_t offset, address, in_file;
    bool executable;
};

struct tare__symbol_file {
    struct tare__strings *strings;
    bool mangled, without_inlined;
    Elf *elf;
    Elf *debug_elf; /* of the separate file; NULL: none */
    int debug_fd;
    char build_id[TARE__BUILD_ID_TEXT];
    uint32_t flags;
    struct segment segments[SEGMENTS_MAX];
    size_t segment_count;
    struct tare__ranges code;      /* what can be executed; value: index of the section */
    struct tare__ranges functions; /* value: index in `names` */
    const char **names;            /* as linked */
    size_t name_count, name_room;
#if TARE__WITH_DWARF
    struct tare__lines *lines;
    Dwfl *packed; /* owns what was read from .gnu_debugdata */
#endif
};

/*
 * Libelf allocates for as many headers as a file claims to have, so that is compared with the file's size
 * first. Such a header is 64 bytes in the file, or 40 of 32 bits.
 */
static bool headers_fit(int fd, uint64_t size)
{
    union {
        unsigned char ident[EI_NIDENT];
        Elf32_Ehdr narrow;
        Elf64_Ehdr wide;
    } header = {0};
    union {
        Elf32_Shdr narrow;
        Elf64_Shdr wide;
    } first;
    if (pread(fd, &header, sizeof header.wide, 0) < (ssize_t)sizeof header.narrow ||
        memcmp(header.ident, ELFMAG, SELFMAG) != 0 || header.ident[EI_DATA] != ELFDATA2LSB) {
        return false;
    }
    bool wide = header.ident[EI_CLASS] == ELFCLASS64;
    if (!wide && header.ident[EI_CLASS] != ELFCLASS32) {
        return false;
    }
    uint16_t type = le16toh(wide ? header.wide.e_type : header.narrow.e_type);
    uint64_t at = wide ? le64toh(header.wide.e_shoff) : le32toh(header.narrow.e_shoff);
    uint64_t count = le16toh(wide ? header.wide.e_shnum : header.narrow.e_shnum);
    size_t each = wide ? sizeof first.wide : sizeof first.narrow;
    if (type != ET_EXEC && type != ET_DYN) {
        return false;
    }
    if (at == 0) {
        return count == 0;
    }
    if (at > size || size - at < each || pread(fd, &first, each, (off_t)at) != (ssize_t)each) {
        return false;
    }
    if (count == 0) {
        count = wide ? le64toh(first.wide.sh_size) : le32toh(first.narrow.sh_size);
    }
    return count <= SECTIONS_MAX && count <= (size - at) / each;
}

/* NULL: it cannot be read as ELF. */
static Elf *open_elf(int fd, uint64_t *size_bytes)
{
    struct stat status;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) ||
        !headers_fit(fd, *size_bytes = (uint64_t)status.st_size) || elf_version(EV_CURRENT) == EV_NONE) {
        return NULL;
    }
    Elf *elf = elf_begin(fd, status.st_size <= READ_BYTES ? ELF_C_READ : ELF_C_READ_MMAP, NULL);
    if (elf != NULL && elf_kind(elf) != ELF_K_ELF) {
        elf_end(elf);
        return NULL;
    }
    return elf;
}

static int read_segments(struct tare__symbol_file *file)
{
    size_t count;
    int failed = elf_getphdrnum(file->elf, &count) != 0 ? -EINVAL : 0;
    for (size_t i = 0; failed == 0 && i < count && i < INT32_MAX; i++) {
        GElf_Phdr header;
        if (gelf_getphdr(file->elf, (int)i, &header) == NULL) {
            return -EINVAL;
        }
        if (header.p_type == PT_LOAD && file->segment_count < SEGMENTS_MAX) {
            file->segments[file->segment_count++] = (struct segment){
                header.p_offset, header.p_vaddr, header.p_filesz, (header.p_flags & PF_X) != 0};
        }
    }
    return failed != 0 ? failed : file->segment_count == 0 ? -EINVAL : 0;
}

/* What can be executed: by the sections, or without them by the segments. */
static int read_code(struct tare__symbol_file *file)
{
    int failed = 0;
    GElf_Shdr header;
    for (Elf_Scn *section = NULL; failed == 0 && (section = elf_nextscn(file->elf, section)) != NULL;) {
        if (gelf_getshdr(section, &header) != NULL && (header.sh_flags & SHF_EXECINSTR) != 0 &&
            (header.sh_flags & SHF_ALLOC) != 0 && header.sh_size <= UINT64_MAX - header.sh_addr) {
            failed = tare__ranges_add(&file->code, header.sh_addr, header.sh_addr + header.sh_size, 0,
                                      (uint32_t)elf_ndxscn(section));
        }
    }
    for (size_t i = 0; failed == 0 && file->code.count == 0 && i < file->segment_count; i++) {
        const struct segment *segment = &file->segments[i];
        if (segment->executable && segment->in_file <= UINT64_MAX - segment->address) {
            failed = tare__ranges_add(&file->code, segment->address, segment->address + segment->in_file, 0, 0);
        }
    }
    return failed != 0 ? failed : tare__ranges_settle(&file->code);
}

/* ---- symbols ---- */

struct symbol {
    uint64_t address, end; /* the end is 0 until it is known */
    const char *name;
    size_t length, underscores;
    bool sized;
    unsigned char binding;
};

struct symbols {
    struct symbol *list;
    size_t count, room;
};

static int add_symbol(struct symbols *symbols, const GElf_Sym *from, const char *name)
{
    if (symbols->count == symbols->room) {
        size_t room = symbols->room == 0 ? 256 : symbols->room * 2;
        struct symbol *list = reallocarray(symbols->list, room, sizeof *list);
        if (list == NULL) {
            return -ENOMEM;
        }
        symbols->list = list;
        symbols->room = room;
    }
    bool sized = from->st_size != 0 && from->st_size <= UINT64_MAX - from->st_value;
    symbols->list[symbols->count++] = (struct symbol){
        .address = from->st_value,
        .end = sized ? from->st_value + from->st_size : 0,
        .name = name,
        .length = strlen(name),
        .underscores = tare__name_underscores(name),
        .sized = sized,
        .binding = GELF_ST_BIND(from->st_info),
    };
    return 0;
}

/*
 * Functions, and what assemblers leave without a type; not what marks code and data of ARM ($x), nor labels
 * (.L1).
 */
static bool is_function(const struct tare__symbol_file *file, const GElf_Sym *symbol, const char *name)
{
    unsigned char type = GELF_ST_TYPE(symbol->st_info);
    return symbol->st_shndx != SHN_UNDEF && symbol->st_shndx != SHN_ABS && symbol->st_shndx != SHN_COMMON &&
           (type == STT_FUNC || type == STT_GNU_IFUNC ||
            (type == STT_NOTYPE && name != NULL && name[0] != '$' && name[0] != '.')) &&
           name != NULL && name[0] != '\0' && tare__ranges_find(&file->code, symbol->st_value) != NULL;
}

/* Of all tables of that type (SHT_SYMTAB, SHT_DYNSYM). */
static int read_table(const struct tare__symbol_file *file, Elf *elf, uint32_t type, struct symbols *symbols)
{
    GElf_Shdr header;
    for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section)) != NULL;) {
        if (gelf_getshdr(section, &header) == NULL || header.sh_type != type) {
            continue;
        }
        Elf_Data *data = elf_getdata(section, NULL);
        size_t each = gelf_fsize(elf, ELF_T_SYM, 1, EV_CURRENT);
        for (size_t i = 0; data != NULL && each != 0 && i < data->d_size / each && i < INT32_MAX; i++) {
            GElf_Sym symbol;
            if (gelf_getsym(data, (int)i, &symbol) == NULL) {
                break;
            }
            const char *name = elf_strptr(elf, header.sh_link, symbol.st_name);
            if (is_function(file, &symbol, name) && add_symbol(symbols, &symbol, name) != 0) {
                return -ENOMEM;
            }
        }
    }
    return 0;
}

static int by_address(const void *a, const void *b)
{
    const struct symbol *x = a;
    const struct symbol *y = b;
    return (x->address > y->address) - (x->address < y->address);
}

static int rank_of_binding(unsigned char binding)
{
    return binding == STB_GLOBAL || binding == STB_GNU_UNIQUE ? 2 : binding == STB_WEAK ? 1 : 0;
}

/* The better one behind. */
static int by_preference(const void *a, const void *b)
{
    const struct symbol *x = a;
    const struct symbol *y = b;
    if (x->sized != y->sized) {
        return x->sized ? 1 : -1;
    }
    if (x->address != y->address) {
        return x->address > y->address ? 1 : -1;
    }
    if (x->underscores != y->underscores) {
        return x->underscores < y->underscores ? 1 : -1;
    }
    int binding = rank_of_binding(x->binding) - rank_of_binding(y->binding);
    if (binding != 0) {
        return binding;
    }
    if (x->length != y->length) {
        return x->length < y->length ? 1 : -1;
    }
    return strcmp(y->name, x->name);
}

static uint32_t add_name(struct tare__symbol_file *file, const char *name)
{
    if (file->name_count == file->name_room) {
        size_t room = file->name_room == 0 ? 256 : file->name_room * 2;
        const char **names = reallocarray(file->names, room, sizeof *names);
        if (names == NULL) {
            return UINT32_MAX;
        }
        file->names = names;
        file->name_room = room;
    }
    file->names[file->name_count] = name;
    return (uint32_t)file->name_count++;
}

/* Where symbols without a size end: at the next one, or with their section. */
static void find_ends(const struct tare__symbol_file *file, struct symbols *symbols)
{
    qsort(symbols->list, symbols->count, sizeof *symbols->list, by_address);
    uint64_t next = UINT64_MAX;
    for (size_t i = symbols->count; i > 0; i--) {
        struct symbol *symbol = &symbols->list[i - 1];
        if (i < symbols->count && symbol->address != symbols->list[i].address) {
            next = symbols->list[i].address;
        }
        if (!symbol->sized) {
            const struct tare__range *section = tare__ranges_find(&file->code, symbol->address);
            symbol->end = section != NULL && section->high < next ? section->high : next;
        }
    }
}

static int make_functions(struct tare__symbol_file *file, struct symbols *symbols)
{
    if (symbols->count == 0) {
        return 0;
    }
    find_ends(file, symbols);
    qsort(symbols->list, symbols->count, sizeof *symbols->list, by_preference);
    int failed = 0;
    for (size_t i = 0; failed == 0 && i < symbols->count; i++) {
        const struct symbol *symbol = &symbols->list[i];
        uint32_t name = add_name(file, symbol->name);
        failed = name == UINT32_MAX
                     ? -ENOMEM
                     : tare__ranges_add(&file->functions, symbol->address, symbol->end, i + 1, name);
    }
    return failed;
}

#if TARE__WITH_DWARF

static int no_debug_file(Dwfl_Module *module, void **user, const char *name, Dwarf_Addr base, const char *path,
                         const char *link, GElf_Word checksum, char **found)
{
    (void)module;
    (void)user;
    (void)name;
    (void)base;
    (void)path;
    (void)link;
    (void)checksum;
    (void)found;
    return -1;
}

static bool has_packed_symbols(Elf *elf)
{
    size_t names;
    GElf_Shdr header;
    for (Elf_Scn *section = NULL;
         elf_getshdrstrndx(elf, &names) == 0 && (section = elf_nextscn(elf, section)) != NULL;) {
        const char *name;
        if (gelf_getshdr(section, &header) != NULL && (name = elf_strptr(elf, names, header.sh_name)) != NULL &&
            strcmp(name, ".gnu_debugdata") == 0) {
            return header.sh_type == SHT_PROGBITS && header.sh_size <= PACKED_BYTES;
        }
    }
    return false;
}

/* The symbols in .gnu_debugdata, an ELF file packed by xz; libdwfl unpacks it, and finds .dynsym's, too. */
static int read_packed(struct tare__symbol_file *file, int fd, const char *path, struct symbols *symbols)
{
    static const Dwfl_Callbacks callbacks = {.find_debuginfo = no_debug_file};
    if (!has_packed_symbols(file->elf) || (file->packed = dwfl_begin(&callbacks)) == NULL) {
        return 0;
    }
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    dwfl_report_begin(file->packed);
    Dwfl_Module *module = copy < 0 ? NULL : dwfl_report_elf(file->packed, "", path, copy, 0, false);
    if (module == NULL && copy >= 0) {
        close(copy);
    }
    dwfl_report_end(file->packed, NULL, NULL);
    int count = module != NULL ? dwfl_module_getsymtab(module) : 0;
    for (int i = 0; i < count; i++) {
        GElf_Sym symbol;
        GElf_Addr address;
        const char *name = dwfl_module_getsym_info(module, i, &symbol, &address, NULL, NULL, NULL);
        if (name != NULL && is_function(file, &symbol, name) && add_symbol(symbols, &symbol, name) != 0) {
            return -ENOMEM;
        }
    }
    return 0;
}

#endif

/* From the best table that there is. */
static int read_functions(struct tare__symbol_file *file, int fd, const char *path)
{
    struct symbols symbols = {0};
    int failed = read_table(file, file->elf, SHT_SYMTAB, &symbols);
    if (failed == 0 && symbols.count == 0 && file->debug_elf != NULL) {
        failed = read_table(file, file->debug_elf, SHT_SYMTAB, &symbols);
    }
#if TARE__WITH_DWARF
    if (failed == 0 && symbols.count == 0 && fd >= 0) {
        failed = read_packed(file, fd, path, &symbols);
    }
#else
    (void)fd;
    (void)path;
#endif
    if (failed == 0 && symbols.count == 0) {
        file->flags |= TARE_OBJECT_NO_SYMBOLS;
        failed = read_table(file, file->elf, SHT_DYNSYM, &symbols);
    }
    failed = failed != 0 ? failed : make_functions(file, &symbols);
    free(symbols.list);
    return failed != 0 ? failed
                       : tare__plt_read(file->elf, file->strings, &file->functions, &file->names,
                                        &file->name_count, &file->name_room);
}

/* ---- the separate file with debug information ---- */

static bool has_debug_info(Elf *elf)
{
    size_t names;
    GElf_Shdr header;
    for (Elf_Scn *section = NULL;
         elf_getshdrstrndx(elf, &names) == 0 && (section = elf_nextscn(elf, section)) != NULL;) {
        const char *name;
        if (gelf_getshdr(section, &header) != NULL && header.sh_type != SHT_NOBITS && header.sh_size > 0 &&
            (name = elf_strptr(elf, names, header.sh_name)) != NULL &&
            (strcmp(name, ".debug_info") == 0 || strcmp(name, ".zdebug_info") == 0)) {
            return true;
        }
    }
    return false;
}

static const char *directory_of(const struct tare_symbols_options *options)
{
    return options != NULL && options->debug_directory != NULL ? options->debug_directory : "/usr/lib/debug";
}

/* Sets debug_elf and *path, allocated, if there is one. */
static int open_debug_file(struct tare__symbol_file *file, const struct tare__symbol_source *source,
                           uint64_t size, char **path, uint64_t *debug_size)
{
    const struct tare__elf_file own = {source->fd, size, file->elf};
    int failed = tare__elf_debug_file(&own, source->path, file->build_id, directory_of(source->options), path);
    int fd = *path != NULL ? open(*path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK) : -1;
    if (fd >= 0) {
        file->debug_elf = open_elf(fd, debug_size);
        file->debug_fd = fd;
    }
    return failed;
}

/* What is read of an Elf later on has to be there when its descriptor goes. */
static void let_go(Elf *elf, int fd)
{
    if (elf != NULL && fd >= 0) {
        elf_cntl(elf, ELF_C_FDDONE);
    }
    if (fd >= 0) {
        close(fd);
    }
}

static bool same_id(const char *wanted, const char *found)
{
    /* perf pads ids to 20 bytes in its older records. */
    size_t length = strlen(found);
    return length > 0 && strncasecmp(wanted, found, length) == 0 &&
           strspn(wanted + length, "0") == strlen(wanted + length);
}

static int read_all(struct tare__symbol_file *file, const struct tare__symbol_source *source)
{
    uint64_t size = source->image_size;
    uint64_t debug_size = 0;
    char *debug_path = NULL;
    file->elf = source->fd >= 0 ? open_elf(source->fd, &size)
                                : elf_memory((char *)(uintptr_t)source->image, source->image_size);
    int failed = file->elf == NULL ? -EINVAL : read_segments(file);
    if (failed != 0) {
        return failed;
    }
    if (source->fd >= 0) {
        const struct tare__elf_file own = {source->fd, size, file->elf};
        tare__elf_build_id(&own, file->build_id);
    }
    if (source->build_id != NULL && source->fd >= 0 && !same_id(source->build_id, file->build_id)) {
        return -ESTALE;
    }
    bool own_debug_info = has_debug_info(file->elf);
    failed = read_code(file);
    if (failed == 0 && !own_debug_info && source->fd >= 0) {
        failed = open_debug_file(file, source, size, &debug_path, &debug_size);
    }
    if (failed == 0) {
        failed = read_functions(file, source->fd, source->path);
    }
    file->flags |= TARE_OBJECT_NO_DEBUG;
#if TARE__WITH_DWARF
    if (failed == 0 && (own_debug_info || file->debug_elf != NULL)) {
        file->lines =
            tare__lines_open(own_debug_info ? file->elf : file->debug_elf, own_debug_info ? size : debug_size,
                             own_debug_info ? source->path : debug_path, directory_of(source->options),
                             &file->code, source->strings);
        file->flags &= file->lines != NULL ? ~(uint32_t)TARE_OBJECT_NO_DEBUG : UINT32_MAX;
    }
#endif
    free(debug_path);
    return failed != 0 ? failed : tare__ranges_settle(&file->functions);
}

/* ---- for others ---- */

int tare__symbol_file_open(const struct tare__symbol_source *source, struct tare__symbol_file **result)
{
    *result = NULL;
    struct tare__symbol_file *file = calloc(1, sizeof *file);
    if (file == NULL) {
        let_go(NULL, source->fd);
        return -ENOMEM;
    }
    file->strings = source->strings;
    file->mangled = source->options != NULL && source->options->mangled;
    file->without_inlined = source->options != NULL && source->options->without_inlined;
    file->debug_fd = -1;
    int failed = read_all(file, source);
    let_go(file->elf, source->fd);
    let_go(file->debug_elf, file->debug_fd);
    if (failed != 0) {
        tare__symbol_file_close(file);
        return failed;
    }
    *result = file;
    return 0;
}

void tare__symbol_file_close(struct tare__symbol_file *file)
{
    if (file == NULL) {
        return;
    }
#if TARE__WITH_DWARF
    tare__lines_close(file->lines);
    if (file->packed != NULL) {
        dwfl_end(file->packed);
    }
#endif
    if (file->debug_elf != NULL) {
        elf_end(file->debug_elf);
    }
    if (file->elf != NULL) {
        elf_end(file->elf);
    }
    tare__ranges_release(&file->code);
    tare__ranges_release(&file->functions);
    free(file->names);
    free(file);
}

uint32_t tare__symbol_file_flags(const struct tare__symbol_file *file)
{
    return file->flags;
}

const char *tare__symbol_file_id(const struct tare__symbol_file *file)
{
    return file->build_id[0] != '\0' ? file->build_id : NULL;
}

bool tare__symbol_file_address(const struct tare__symbol_file *file, uint64_t offset, uint64_t *address)
{
    /*
     * Segments share pages of the file, so what is in one counts before what is in its pages, and code first.
     */
    for (int round = 0; round < 4; round++) {
        bool executable = (round & 1) == 0;
        uint64_t page = round < 2 ? 0 : PAGE_BYTES - 1;
        for (size_t i = 0; i < file->segment_count; i++) {
            const struct segment *segment = &file->segments[i];
            uint64_t low = segment->offset & ~page;
            uint64_t end = segment->offset + segment->in_file;
            if (segment->executable == executable && offset >= low && end >= segment->offset &&
                (offset < end || offset < ((end + page) & ~page))) {
                *address = segment->address + (offset - segment->offset);
                return true;
            }
        }
    }
    return false;
}

/*
 * The outermost function as the symbol table has it and as the debug information has it. Compilers split and
 * clone functions ("f.cold", "f.part.0"), which are the same to the reader, so the source's name is better;
 * but not where it is an inner one of several (__libc_write), or lacks what C++ puts before and behind it.
 */
static const char *better_name(const struct tare__symbol_file *file, const char *described, const char *symbol)
{
    if (described == NULL || symbol == NULL) {
        return described != NULL ? described : symbol;
    }
    if (strncmp(described, "_Z", 2) == 0 || strncmp(described, "_R", 2) == 0) {
        return described;
    }
    if (strncmp(symbol, "_Z", 2) == 0 || strncmp(symbol, "_R", 2) == 0) {
        const char *dot = strchr(symbol, '.');
        return dot == NULL ? symbol : tare__strings_keep(file->strings, symbol, (size_t)(dot - symbol));
    }
    return strchr(symbol, '.') == NULL && tare__name_underscores(symbol) < tare__name_underscores(described)
               ? symbol
               : described;
}

/* False: no memory. */
static bool keep_strings(const struct tare__symbol_file *file, struct tare_symbols_frame *frame)
{
    const char *function = frame->function;
    const char *path = frame->file;
    if (function != NULL) {
        frame->function = tare__name_shown(file->strings, function, file->mangled);
    }
    if (path != NULL) {
        frame->file = tare__strings_keep(file->strings, path, strlen(path));
    }
    return (function == NULL || frame->function != NULL) && (path == NULL || frame->file != NULL);
}

size_t tare__symbol_file_frames(struct tare__symbol_file *file, uint64_t address,
                                struct tare_symbols_frame frames[TARE_SYMBOLS_DEPTH])
{
    const struct tare__range *range = tare__ranges_find(&file->functions, address);
    const char *symbol = range != NULL ? file->names[range->value] : NULL;
    size_t count = 0;
#if TARE__WITH_DWARF
    if (file->lines != NULL) {
        count = tare__lines_frames(file->lines, address, frames);
    }
#endif
    if (count == 0) {
        frames[0] = (struct tare_symbols_frame){.function = symbol};
        count = 1;
    } else if (!frames[count - 1].inlined) {
        frames[count - 1].function = better_name(file, frames[count - 1].function, symbol);
    }
    if (file->without_inlined && count > 1) {
        frames[0] = frames[count - 1];
        count = 1;
    }
    for (size_t i = 0; i < count; i++) {
        if (!keep_strings(file, &frames[i])) {
            return 0;
        }
    }
    return count;
}

#else

struct tare__symbol_file {
    uint32_t flags;
};

int tare__symbol_file_open(const struct tare__symbol_source *source, struct tare__symbol_file **file)
{
    *file = NULL;
    if (source->fd >= 0) {
        close(source->fd);
    }
    return -ENOSYS;
}

void tare__symbol_file_close(struct tare__symbol_file *file)
{
    (void)file;
}

uint32_t tare__symbol_file_flags(const struct tare__symbol_file *file)
{
    return file->flags;
}

const char *tare__symbol_file_id(const struct tare__symbol_file *file)
{
    (void)file;
    return NULL;
}

bool tare__symbol_file_address(const struct tare__symbol_file *file, uint64_t offset, uint64_t *address)
{
    (void)file;
    (void)offset;
    (void)address;
    return false;
}

size_t tare__symbol_file_frames(struct tare__symbol_file *file, uint64_t address,
                                struct tare_symbols_frame frames[TARE_SYMBOLS_DEPTH])
{
    (void)file;
    (void)address;
    (void)frames;
    return 0;
}

#endif
