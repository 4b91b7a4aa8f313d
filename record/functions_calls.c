/* SPDX-License-Identifier: MIT */
/*
 * No disassembler: a call with a distance in it is known by where it leads, which no other bytes do but by chance,
 * and chance would only have a function timed that need not be.
 */
#if defined(TARE_HAVE_LIBELF) && TARE_HAVE_LIBELF

#include "record/functions_calls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CODE_MOST = 4096, RELOCATIONS_MOST = 1 << 23 };

static bool is_mark(const char *name)
{
    static const char *const marks[] = {"__cyg_profile_func_enter", "__cyg_profile_func_exit", "mcount",
                                        "_mcount", "__fentry__"};
    size_t length = strcspn(name, "@");
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        if (strlen(marks[i]) == length && strncmp(name, marks[i], length) == 0) {
            return true;
        }
    }
    return false;
}

static const char *symbol_name(Elf *elf, const GElf_Shdr *of, Elf_Data *symbols, uint64_t number)
{
    GElf_Sym symbol;
    const char *name = NULL;
    if (number <= INT32_MAX && gelf_getsym(symbols, (int)number, &symbol) != NULL) {
        name = elf_strptr(elf, of->sh_link, symbol.st_name);
    }
    return name != NULL ? name : "";
}

/* Where the hooks' addresses are found at run time. */
static int read_marks(struct tare__calls *calls, Elf *elf)
{
    GElf_Shdr header, of;
    GElf_Rela rela;
    for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section)) != NULL;) {
        if (gelf_getshdr(section, &header) == NULL || header.sh_type != SHT_RELA) {
            continue;
        }
        Elf_Scn *table = elf_getscn(elf, header.sh_link);
        Elf_Data *symbols = table != NULL && gelf_getshdr(table, &of) != NULL ? elf_getdata(table, NULL) : NULL;
        Elf_Data *data = symbols != NULL ? elf_getdata(section, NULL) : NULL;
        for (int i = 0; data != NULL && i < RELOCATIONS_MOST && gelf_getrela(data, i, &rela) != NULL; i++) {
            if (GELF_R_SYM(rela.r_info) == 0 ||
                !is_mark(symbol_name(elf, &of, symbols, GELF_R_SYM(rela.r_info)))) {
                continue;
            }
            uint64_t *grown = realloc(calls->marks, (calls->mark_count + 1) * sizeof(*grown));
            if (grown == NULL) {
                return -ENOMEM;
            }
            calls->marks = grown;
            grown[calls->mark_count++] = rela.r_offset;
        }
    }
    return 0;
}

int tare__calls_open(struct tare__calls *calls, struct tare__image *image, uint64_t *starts, size_t start_count,
                     struct tare__strings *strings)
{
    *calls = (struct tare__calls){.image = image, .starts = starts, .start_count = start_count};
    int error = tare__plt_read(image->elf, strings, &calls->stubs, &calls->stub_names, &calls->stub_name_count,
                               &calls->stub_name_room);
    error = error == 0 ? tare__ranges_settle(&calls->stubs) : error;
    return error == 0 ? read_marks(calls, image->elf) : error;
}

void tare__calls_release(struct tare__calls *calls)
{
    free(calls->starts);
    free(calls->stub_names);
    free(calls->marks);
    tare__ranges_release(&calls->stubs);
    *calls = (struct tare__calls){0};
}

static int compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* Whether another function begins there, or a stub for one that is no hook. */
static bool leads_out(const struct tare__calls *calls, uint64_t from, uint64_t to)
{
    if (to == from) {
        return false;
    }
    if (calls->start_count != 0 &&
        bsearch(&to, calls->starts, calls->start_count, sizeof(to), compare) != NULL) {
        return true;
    }
    const struct tare__range *stub = tare__ranges_find(&calls->stubs, to);
    return stub != NULL && stub->value < calls->stub_name_count && !is_mark(calls->stub_names[stub->value]);
}

static bool is_mark_pointer(const struct tare__calls *calls, uint64_t address)
{
    for (size_t i = 0; i < calls->mark_count; i++) {
        if (calls->marks[i] == address) {
            return true;
        }
    }
    return false;
}

static uint64_t distance_at(const unsigned char *code)
{
    int32_t distance;
    memcpy(&distance, code, sizeof(distance));
    return (uint64_t)(int64_t)distance;
}

static bool x86_calls(const struct tare__calls *calls, uint64_t address, const unsigned char *code, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        uint64_t next = address + i + 5;
        if ((code[i] == 0xe8 || code[i] == 0xe9) && i + 5 <= size) { /* call, jmp */
            uint64_t to = next + distance_at(code + i + 1);
            if (leads_out(calls, address, to)) {
                return true;
            }
            if (tare__ranges_find(&calls->stubs, to) != NULL) {
                i += 4; /* a hook's: its distance is no code */
            }
        } else if (code[i] == 0xeb && i + 2 <= size &&
                   leads_out(calls, address, address + i + 2 + (uint64_t)(int64_t)(int8_t)code[i + 1])) {
            return true; /* a short jmp, to a neighbour */
        } else if (code[i] == 0xff && i + 6 <= size && (code[i + 1] == 0x15 || code[i + 1] == 0x25)) {
            uint64_t pointer = next + 1 + distance_at(code + i + 2); /* relative to the next instruction */
            if (is_mark_pointer(calls, pointer)) {
                i += 5;
            } else if (code[i + 1] == 0x15) {
                return true;
            }
        } else if (code[i] == 0xff && i + 2 <= size && (code[i + 1] & 0xf8) == 0xd0) { /* call *%reg */
            return true;
        }
    }
    return false;
}

static bool aarch64_calls(const struct tare__calls *calls, uint64_t address, const unsigned char *code,
                          size_t size)
{
    for (size_t i = 0; i + 4 <= size; i += 4) {
        uint32_t word;
        memcpy(&word, code + i, sizeof(word));
        uint64_t to = address + i + (uint64_t)(((int64_t)(int32_t)(word << 6) >> 6) * 4);
        bool direct = (word & 0x7c000000u) == 0x14000000u; /* b, bl */
        if ((word & 0xfffffc1fu) == 0xd63f0000u ||         /* blr */
            (direct && leads_out(calls, address, to))) {
            return true;
        }
    }
    return false;
}

bool tare__calls_any(const struct tare__calls *calls, uint64_t address, uint64_t size)
{
    unsigned char code[CODE_MOST];
    size = size < CODE_MOST ? size : CODE_MOST;
    size_t got = tare__image_memory(calls->image, address, code, size);
    return calls->image->header.e_machine == EM_X86_64    ? x86_calls(calls, address, code, got)
           : calls->image->header.e_machine == EM_AARCH64 ? aarch64_calls(calls, address, code, got)
                                                          : false;
}

#endif
