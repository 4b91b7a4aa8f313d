/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: whatever bytes stand where a loaded object's call frame information should be, with
 * .eh_frame_hdr in front. The first byte chooses the machine. Rows rise, and name rules that there are.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "preload/profile_cfi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { ROWS = 4096 };
    if (size < 1) {
        return 0;
    }
    uint32_t *buckets = calloc(CFI_BUCKETS, sizeof(*buckets));
    struct cfi_table table = {
        .rows = malloc(ROWS * sizeof(*table.rows)),
        .rules = malloc(CFI_RULES * sizeof(*table.rules)),
    };
    if (buckets == NULL || table.rows == NULL || table.rules == NULL) {
        abort();
    }
    const struct cfi_room room = {.row_max = ROWS, .buckets = buckets};
    enum cfi_machine machine = (data[0] & 1) != 0 ? CFI_AARCH64 : CFI_X86_64;
    int result = cfi_parse(data + 1, size - 1, 0x2000, 0x2000, 0x1000, machine, &room, &table);
    if ((result != 0 && result != -EBADMSG && result != -ENOSPC) || table.row_count > ROWS ||
        table.rule_count > CFI_RULES || table.rule_count == 0) {
        abort();
    }
    uint32_t count = cfi_index_size(&table);
    uint32_t *index = count < 1 << 20 ? malloc((count + 1) * sizeof(*index)) : NULL;
    if (index != NULL) {
        cfi_index_make(&table, index, count);
    }
    for (uint32_t i = 0; i < table.row_count; i++) {
        if (table.rows[i].rule >= table.rule_count || (i > 0 && table.rows[i].pc <= table.rows[i - 1].pc)) {
            abort();
        }
        const struct cfi_rule *rule = cfi_find(&table, 0x1000 + (uint64_t)table.rows[i].pc);
        if (rule != (i + 1 == table.row_count ? NULL : &table.rules[table.rows[i].rule])) {
            abort();
        }
    }
    free(index);
    free(buckets);
    free(table.rows);
    free(table.rules);
    return 0;
}
