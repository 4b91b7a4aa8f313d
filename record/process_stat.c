/* SPDX-License-Identifier: MIT */
/* The name in field 2 may hold anything, also ')' and blanks: what counts is the last ')'. */
#include "record/process_stat.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record/files.h"

/* Fields by the numbers of proc(5). */
enum {
    STATE = 3,
    PARENT = 4,
    USER = 14,
    SYSTEM = 15,
    CHILDREN_USER = 16,
    CHILDREN_SYSTEM = 17,
    THREADS = 20,
    START = 22, /* all up to here must be there */
    PROCESSOR = 39,
    FIELDS = PROCESSOR + 1
};

int tare__process_stat_parse(const char *text, struct tare__process_stat *stat)
{
    const char *open = strchr(text, '('), *close = strrchr(text, ')');
    *stat = (struct tare__process_stat){.cpu = -1};
    if (open == NULL || close == NULL || close < open || close[1] != ' ' || close[2] == '\0' ||
        close[3] != ' ') {
        return -EINVAL;
    }
    long long values[FIELDS] = {0};
    int last = STATE;
    for (const char *at = close + 3; last < PROCESSOR && *at == ' '; last++) {
        char *end;
        /* Some are signed, and some do not fit into that: these are not among ours. */
        long long value = strtoll(at, &end, 10);
        if (end == at || (*end != ' ' && *end != '\n')) { /* without either behind it, it may be cut off */
            break;
        }
        values[last + 1] = value;
        at = end;
    }
    if (last < START || values[START] < 0) {
        return -EINVAL;
    }
    long long ticks = values[USER] + values[SYSTEM];
    long long children_ticks = values[CHILDREN_USER] + values[CHILDREN_SYSTEM];
    stat->name = open + 1;
    stat->name_length = (size_t)(close - open - 1);
    stat->state = close[2];
    stat->parent = (pid_t)values[PARENT];
    stat->ticks = ticks > 0 ? (uint64_t)ticks : 0;
    stat->children_ticks = children_ticks > 0 ? (uint64_t)children_ticks : 0;
    stat->threads = values[THREADS] > 0 ? (uint64_t)values[THREADS] : 0;
    stat->start_time_jiffies = (uint64_t)values[START];
    if (last == PROCESSOR && values[PROCESSOR] >= 0 && values[PROCESSOR] <= INT_MAX) {
        stat->cpu = (int)values[PROCESSOR];
    }
    return 0;
}

bool tare__process_ended(pid_t pid)
{
    char name[64], text[TARE__PROCESS_STAT_BYTES];
    struct tare__process_stat stat;
    if (kill(pid, 0) != 0 && errno == ESRCH) {
        return true;
    }
    snprintf(name, sizeof(name), "/proc/%ld/stat", (long)pid);
    return tare__file_read("", name, text, sizeof(text)) > 0 && tare__process_stat_parse(text, &stat) == 0 &&
           (stat.state == 'Z' || stat.state == 'X') && stat.threads <= 1;
}
