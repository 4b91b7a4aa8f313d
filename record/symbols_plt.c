/* SPDX-License-Identifier: MIT */
/*
 * The stubs of the procedure linkage table, of which the symbol table says nothing. Linkers lay them out in
 * many ways, but each jumps through one slot that the dynamic linker fills, and the relocation of that slot
 * has the function's name:
 *
 *     x86-64   ff 25 disp32              jmp *disp32(%rip)
 *     aarch64  adrp x16, page; ldr x17, [x16, #offset]
 *
 * Stubs that are not understood have their section's name.
 */
#include "record/symbols_parts.h"

#if TARE__WITH_ELF

#include <endian.h>
#include <errno.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    STUBS_MAX = 1 << 20,
    NAME_MAX_BYTES = 4096,
    AARCH64_HEAD = 32, /* bytes in front of the first stub of .plt, which need not be as long as each stub */
};

/* The slot at an address, and the name of its symbol. */
struct slot {
    uint64_t address;
    const char *name;
};

struct slots {
    struct slot *list;
    size_t count, room;
};

static int add_slot(struct slots *slots, uint64_t address, const char *name)
{
    if (slots->count == slots->room) {
        size_t room = slots->room == 0 ? 64 : slots->room * 2;
        struct slot *list = reallocarray(slots->list, room, sizeof *list);
        if (list == NULL) {
            return -ENOMEM;
        }
        slots->list = list;
        slots->room = room;
    }
    slots->list[slots->count++] = (struct slot){address, name};
    return 0;
}

static bool fills_slot(uint16_t machine, uint64_t type)
{
    return machine == EM_X86_64    ? type == R_X86_64_JUMP_SLOT || type == R_X86_64_GLOB_DAT
           : machine == EM_AARCH64 ? type == R_AARCH64_JUMP_SLOT || type == R_AARCH64_GLOB_DAT
                                   : false;
}

/* Slots of the relocations in one section. */
static int read_relocations(Elf *elf, Elf_Scn *section, const GElf_Shdr *header, uint16_t machine,
                            struct slots *slots)
{
    Elf_Data *data = elf_getdata(section, NULL);
    Elf_Scn *symbols = elf_getscn(elf, header->sh_link);
    GElf_Shdr symbols_header;
    size_t each = gelf_fsize(elf, ELF_T_RELA, 1, EV_CURRENT);
    if (data == NULL || symbols == NULL || each == 0 || gelf_getshdr(symbols, &symbols_header) == NULL ||
        symbols_header.sh_type != SHT_DYNSYM) {
        return 0;
    }
    Elf_Data *table = elf_getdata(symbols, NULL);
    for (size_t i = 0; table != NULL && i < data->d_size / each && i < STUBS_MAX; i++) {
        GElf_Rela relocation;
        GElf_Sym symbol;
        if (gelf_getrela(data, (int)i, &relocation) == NULL ||
            !fills_slot(machine, GELF_R_TYPE(relocation.r_info)) ||
            gelf_getsym(table, (int)(GELF_R_SYM(relocation.r_info) & INT32_MAX), &symbol) == NULL) {
            continue;
        }
        const char *name = elf_strptr(elf, symbols_header.sh_link, symbol.st_name);
        if (name != NULL && name[0] != '\0' && add_slot(slots, relocation.r_offset, name) != 0) {
            return -ENOMEM;
        }
    }
    return 0;
}

static int by_address(const void *a, const void *b)
{
    uint64_t x = ((const struct slot *)a)->address;
    uint64_t y = ((const struct slot *)b)->address;
    return (x > y) - (x < y);
}

static uint32_t load_32(const unsigned char *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return le32toh(value);
}

/* The slot through which the stub at `address` jumps. 0: not understood. */
static uint64_t slot_of(uint16_t machine, const unsigned char *stub, size_t size, uint64_t address)
{
    for (size_t i = 0; machine == EM_X86_64 && i + 6 <= size; i++) {
        if (stub[i] == 0xff && stub[i + 1] == 0x25) {
            return address + i + 6 + (uint64_t)(int64_t)(int32_t)load_32(stub + i + 2);
        }
    }
    for (size_t i = 0; machine == EM_AARCH64 && i + 8 <= size; i += 4) {
        uint32_t adrp = load_32(stub + i);
        uint32_t ldr = load_32(stub + i + 4);
        if ((adrp & 0x9f00001fu) == 0x90000010u && (ldr & 0xffc003ffu) == 0xf9400211u) {
            uint64_t pages = (uint64_t)(adrp >> 5 & 0x7ffff) << 2 | (adrp >> 29 & 3);
            pages = (pages ^ 0x100000) - 0x100000; /* 21 bits, signed */
            return ((address + i) & ~UINT64_C(0xfff)) + (pages << 12) + (uint64_t)(ldr >> 10 & 0xfff) * 8;
        }
    }
    return 0;
}

struct output {
    struct tare__strings *strings;
    struct tare__ranges *ranges;
    const char ***names;
    size_t *count, *room;
};

static int add(const struct output *out, uint64_t low, uint64_t size, const char *name)
{
    const char *kept = tare__strings_keep(out->strings, name, strlen(name));
    if (*out->count == *out->room) {
        size_t room = *out->room == 0 ? 64 : *out->room * 2;
        const char **names = reallocarray(*out->names, room, sizeof *names);
        if (names == NULL) {
            return -ENOMEM;
        }
        *out->names = names;
        *out->room = room;
    }
    if (kept == NULL || size > UINT64_MAX - low) {
        return kept == NULL ? -ENOMEM : 0;
    }
    (*out->names)[*out->count] = kept;
    return tare__ranges_add(out->ranges, low, low + size, 0, (uint32_t)(*out->count)++);
}

static int read_stubs(Elf_Scn *section, const GElf_Shdr *header, const char *name, uint16_t machine,
                      const struct slots *slots, const struct output *out)
{
    Elf_Data *data = elf_rawdata(section, NULL);
    size_t each = header->sh_entsize >= 8 && header->sh_entsize <= 64 ? (size_t)header->sh_entsize : 16;
    if (data == NULL || data->d_buf == NULL || data->d_size / each > STUBS_MAX) {
        return add(out, header->sh_addr, header->sh_size, name);
    }
    size_t head = machine == EM_AARCH64 && strcmp(name, ".plt") == 0 ? AARCH64_HEAD : 0;
    int failed = head == 0 ? 0 : add(out, header->sh_addr, head, name);
    for (size_t at = head; failed == 0 && at < data->d_size; at += each) {
        size_t size = data->d_size - at < each ? data->d_size - at : each;
        uint64_t address = header->sh_addr + at;
        struct slot wanted = {slot_of(machine, (const unsigned char *)data->d_buf + at, size, address), NULL};
        const struct slot *slot = wanted.address == 0 || slots->count == 0
                                      ? NULL
                                      : bsearch(&wanted, slots->list, slots->count, sizeof wanted, by_address);
        char text[NAME_MAX_BYTES];
        int length = slot != NULL ? snprintf(text, sizeof text, "%s@plt", slot->name) : -1;
        failed = add(out, address, size, length > 0 && length < NAME_MAX_BYTES ? text : name);
    }
    return failed;
}

int tare__plt_read(Elf *elf, struct tare__strings *strings, struct tare__ranges *ranges, const char ***names,
                   size_t *count, size_t *room)
{
    const struct output out = {strings, ranges, names, count, room};
    struct slots slots = {0};
    GElf_Ehdr file;
    GElf_Shdr header;
    size_t section_names;
    int failed = 0;
    if (gelf_getehdr(elf, &file) == NULL || elf_getshdrstrndx(elf, &section_names) != 0) {
        return 0;
    }
    for (Elf_Scn *section = NULL; failed == 0 && (section = elf_nextscn(elf, section)) != NULL;) {
        if (gelf_getshdr(section, &header) != NULL && header.sh_type == SHT_RELA) {
            failed = read_relocations(elf, section, &header, file.e_machine, &slots);
        }
    }
    if (slots.count > 0) {
        qsort(slots.list, slots.count, sizeof *slots.list, by_address);
    }
    for (Elf_Scn *section = NULL; failed == 0 && (section = elf_nextscn(elf, section)) != NULL;) {
        const char *name;
        if (gelf_getshdr(section, &header) != NULL && header.sh_type == SHT_PROGBITS &&
            (header.sh_flags & SHF_EXECINSTR) != 0 &&
            (name = elf_strptr(elf, section_names, header.sh_name)) != NULL && strncmp(name, ".plt", 4) == 0) {
            failed = read_stubs(section, &header, name, file.e_machine, &slots, &out);
        }
    }
    free(slots.list);
    return failed;
}

#else

typedef int tare__symbols_plt_need_libelf; /* a file must not be empty */

#endif
