/* SPDX-License-Identifier: MIT */
/*
 * Call frame information as libtare-profile.so keeps it: what a compiler left in .eh_frame about where a
 * function's caller is, boiled down to what it takes to step from one frame to the next (program counter,
 * stack pointer, frame pointer), for each address at which that changes:
 *
 *     .eh_frame_hdr -> FDE, CIE -> instructions -> rows: address -> rule
 *
 * The format is that of DWARF 4, section 6.4, as the Linux Standard Base (Core, 10.6) has it for .eh_frame.
 * What a rule cannot say is CFI_UNKNOWN: the unwinder then tries the frame pointer.
 *
 * Pure functions over bytes and the caller's memory: no allocation, no system call, no global. Bytes are not
 * trusted: nothing outside of the image is read, rows and rules stay within their room, addresses rise.
 */
#ifndef TARE_PRELOAD_PROFILE_CFI_H
#define TARE_PRELOAD_PROFILE_CFI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cfi_machine { CFI_X86_64, CFI_AARCH64 };

/* The canonical frame address: the stack pointer's value in the caller, behind the call. */
enum cfi_cfa {
    CFI_UNKNOWN,
    CFI_SP,       /* sp + cfa_offset */
    CFI_FP,       /* fp + cfa_offset */
    CFI_FP_DEREF, /* what lies at fp + cfa_offset: a function that has aligned its stack */
    CFI_PLT,      /* sp + 8, and 8 more from byte cfa_offset of the 16 of a stub on: x86_64's .plt */
    CFI_SIGNAL,   /* what a signal handler returns to: the registers lie in a ucontext_t */
    CFI_END,      /* the outermost frame */
};

/* Where the caller's frame pointer and the return address are. */
enum cfi_where {
    CFI_SAME,   /* in their registers still */
    CFI_AT_CFA, /* at cfa + offset */
    CFI_AT_FP,  /* at fp + offset */
    CFI_LOST,   /* nowhere that a rule could say */
};

struct cfi_rule {
    uint8_t cfa;      /* enum cfi_cfa */
    uint8_t fp;       /* enum cfi_where */
    uint8_t ra;       /* enum cfi_where */
    uint8_t reserved; /* zero: rules are compared as bytes */
    int32_t cfa_offset, fp_offset, ra_offset;
};

/* Holds from its address up to that of the next row. */
struct cfi_row {
    uint32_t pc;   /* from the table's base */
    uint32_t rule; /* number */
};

enum {
    CFI_BUCKETS = 8192,
    CFI_RULES = 6000,    /* different ones in one object: libc has 300; what is beyond them is unknown */
    CFI_INDEX_SHIFT = 8, /* the index has an entry for each 256 bytes of code */
};

struct cfi_table {
    uint64_t base;
    struct cfi_row *rows; /* by address */
    uint32_t row_count;
    struct cfi_rule *rules; /* number 0 is CFI_UNKNOWN */
    uint32_t rule_count;
    const uint32_t
        *index; /* for each block of code the last row that begins in front of it or at it; NULL: none */
    uint32_t index_count;
};

/* Memory that a parse may use: `rows` of the table has room for row_max, its `rules` for CFI_RULES. */
struct cfi_room {
    uint32_t row_max;
    uint32_t *buckets; /* CFI_BUCKETS of them, zero */
};

/*
 * Reads the FDEs that the search table of .eh_frame_hdr lists, which has to be sorted, as linkers leave it.
 * `bytes`: `size` of them, the segment that .eh_frame_hdr and .eh_frame lie in, `address` bytes away from
 * where addresses count from; `header`: address of .eh_frame_hdr; `base`: what the table's addresses are
 * relative to. All in the object as linked, or all in memory. Fills row_count and rule_count. Returns 0, or
 * -EBADMSG if there is no such table in it, -ENOSPC with what there was room for.
 */
int cfi_parse(const uint8_t *bytes, size_t size, uint64_t address, uint64_t header, uint64_t base,
              enum cfi_machine machine, const struct cfi_room *room, struct cfi_table *table);

/* How many entries an index needs; and its making. */
uint32_t cfi_index_size(const struct cfi_table *table);
void cfi_index_make(struct cfi_table *table, uint32_t *index, uint32_t count);

/* The rule for an address, or NULL where the table has none. Async-signal-safe. */
const struct cfi_rule *cfi_find(const struct cfi_table *table, uint64_t pc);

#endif
