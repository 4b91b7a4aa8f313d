/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: whatever bytes stand for the values of blocks in a database. They are values, or an error; what they
 * are, packed again, is those values.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "history/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    double *values, *again;
    size_t count, count_again;
    int result = tare_history_unpack(data, size, &values, &count);
    if (result != 0) {
        must(result == -EINVAL && values == NULL && count == 0);
        return 0;
    }
    must(count <= TARE_HISTORY_VALUES_MAX && (count == 0) == (size == 0));
    void *packed;
    size_t packed_size;
    must(tare_history_pack(values, count, &packed, &packed_size) == 0);
    must(tare_history_unpack(packed, packed_size, &again, &count_again) == 0);
    must(count_again == count);
    for (size_t i = 0; i < count; i++) {
        bool both_unknown = values[i] != values[i] && again[i] != again[i];
        /* What was kept as doubles may fit floats now: then it is as near as those are. */
        double off = again[i] - values[i];
        must(both_unknown || again[i] == values[i] ||
             (values[i] < 0 ? off <= -values[i] * 0x1p-24 && -off <= -values[i] * 0x1p-24
                            : off <= values[i] * 0x1p-24 && -off <= values[i] * 0x1p-24));
    }
    free(values);
    free(again);
    free(packed);
    return 0;
}
