/* SPDX-License-Identifier: MIT */
/* What is said of a profile besides its table, and numbers of it. Private to view/profile_*.c. */
#ifndef TARE_VIEW_PROFILE_SAY_H
#define TARE_VIEW_PROFILE_SAY_H

#include "result/profile_functions.h"
#include "view/bench_text.h"
#include "view/profile.h"

/* Receives one line, its head (which may be "") and what follows it; `note`: it belongs below the table. */
typedef void tare__profile_line(void *data, const char *head, const char *rest, bool note);

/* How the samples were taken, how many, what is missing; what it cost. Returns 0 or -ENOMEM. */
int tare__profile_say_head(const struct tare_profile *profile, const struct tare_profile_functions *functions,
                           bool ascii, tare__profile_line *put, void *data);
/* What limits what the table can tell, and the result's own notes. Returns 0 or -ENOMEM. */
int tare__profile_say_notes(const struct tare_result *result, const struct tare_profile_functions *functions,
                            bool ascii, tare__profile_line *put, void *data);

/* Folded stacks are sums: how many samples they are is unknown, and their weight is shown instead. */
bool tare__profile_is_folded(const struct tare_profile *profile);

/* "12.3", of a share; "-" if unknown. Two decimals where so many samples tell that much. Returns `buffer`. */
char *tare__profile_percent(char buffer[TARE__NUMBER_TEXT], double share, double effective);

/*
 * The numbers of the functions that have samples, by self or by total, the largest first; the caller frees it.
 * NULL without memory.
 */
uint32_t *tare__profile_order(const struct tare_profile_functions *functions, bool by_total, size_t *count);

/* The samples of one table where there is one for each thread, process or timer. */
struct tare__profile_part {
    struct tare_profile_filter filter;
    char *title;     /* "thread 12 (worker) of process 10 (./server)" */
    char *fields[3]; /* of CSV: pid, tid, name; pid, command; module, name */
    uint64_t weight, samples;
    uint64_t measuring; /* samples of a timer that are left out of these: tare_profile_is_measuring() */
};
struct tare__profile_parts {
    struct tare__profile_part *parts;
    size_t count;
    uint64_t weight; /* of all of them */
};
/*
 * Those that have samples, the one with the most weight first. Returns 0 or -ENOMEM; release them in any case.
 */
int tare__profile_parts_make(const struct tare_profile *profile, const struct tare_profile_view *view,
                             struct tare__profile_parts *parts);
void tare__profile_parts_release(struct tare__profile_parts *parts);

/* CSV: view/profile_csv.c. */
int tare__profile_csv(const struct tare_profile *profile, const struct tare_profile_view *view, FILE *out);

#endif
