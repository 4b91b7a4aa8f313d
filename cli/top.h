/* SPDX-License-Identifier: MIT */
/* What `tare top` shares between its command line and its screen. */
#ifndef TARE_CLI_TOP_H
#define TARE_CLI_TOP_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "result/telemetry.h"
#include "view/screen.h"

struct top {
    double interval_s;
    unsigned long count; /* snapshots to show; 0: until somebody ends it */
    bool once, json, keep;
    bool warned;            /* it was said why a process cannot be read */
    char *enable;           /* patterns; NULL: none */
    pid_t pid;              /* 0: any */
    const char *name;       /* of the executable, a pattern; NULL: any */
    struct tare_live *live; /* reads and switches, and knows what to switch back */
    const struct tare_telemetry *snapshot;
    struct tare_screen_state state;
    uint64_t *seen; /* ids of instruments that --enable has looked at, ascending */
    size_t seen_count;
    uint64_t seen_shape;
    int signals;   /* descriptor that becomes readable when one of those comes that end us */
    sigset_t ends; /* those signals; blocked */
    int died_of;   /* the one that ended us, where we die of it once all is put back; 0: an end as asked for */
};

/* Whether a signal came that ends us; that one did. */
bool top_is_ended(struct top *top);
void top_end(struct top *top, int number);
/* Of a write of our own that failed, and has said so. Safe in a handler. */
bool top_is_own(int number, pid_t sender);

/*
 * Reads once more, and switches what --enable is for. Returns 0 or -errno with a line in `message`; what went
 * wrong with a single process stands in `message`, too, with 0.
 */
int top_poll(struct top *top, char *message, size_t size);

/* Does what the keys asked for; what came of it is left as a message in top->state. */
void top_switch(struct top *top, const struct tare_screen_action *action);
void top_reset(struct top *top, const struct tare_screen_action *action);
void top_export(struct top *top);
bool top_set_window(struct top *top); /* to top->state.window_s; false: it could not be changed */

uint64_t top_now_ns(void); /* CLOCK_MONOTONIC */

/* The screen. Returns the exit code; an error was printed if it is not EXIT_FINE. */
int top_screen(struct top *top);

#endif
