/* SPDX-License-Identifier: MIT */
/* Fuzz target: whatever a file says that is opened as a history: it is read and checked, or refused in one line. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "history/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void be_one_line(void *data, const char *what)
{
    (void)data;
    if (strchr(what, '\n') != NULL) {
        abort();
    }
}

static void use(struct tare_store *store)
{
    struct tare_history_query query = {.since_ms = TARE_HISTORY_UNKNOWN, .values = true};
    struct tare_history history;
    struct tare_store_counts counts;
    size_t wrong;
    tare_store_count(store, &counts);
    if (tare_store_read(store, &query, &history) == 0) {
        for (size_t i = 0; i < history.run_count; i++) {
            char *raw;
            size_t raw_size;
            if (tare_store_raw(store, history.runs[i].project, history.runs[i].id, &raw, &raw_size) == 0) {
                free(raw);
            }
        }
        tare_history_release(&history);
    }
    tare_store_fsck(store, be_one_line, NULL, &wrong);
    struct tare_prune what = {.before_ms = TARE_HISTORY_UNKNOWN, .keep = 1};
    tare_store_prune(store, &what, &counts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const behind[] = {"", "-wal", "-shm", "-journal"};
    char path[] = "/tmp/tare-fuzz.XXXXXX", beside[64];
    int file = mkstemp(path);
    if (file < 0 || (size > 0 && write(file, data, size) != (ssize_t)size) || close(file) != 0) {
        abort();
    }
    struct tare_store *store;
    if (tare_store_open(path, TARE_STORE_WRITE, &store) == 0) {
        use(store);
    } else {
        be_one_line(NULL, tare_store_message(store));
    }
    tare_store_close(store);
    for (size_t i = 0; i < sizeof behind / sizeof behind[0]; i++) {
        snprintf(beside, sizeof beside, "%s%s", path, behind[i]);
        unlink(beside);
    }
    return 0;
}
