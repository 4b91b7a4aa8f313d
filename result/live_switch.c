/* SPDX-License-Identifier: MIT */
/*
 * Switches and resets the instruments of live processes, and puts back what it switched. What was changed of an
 * instrument is remembered by how it was found; the lock of a page is held as long as something in it is to be put
 * back.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "record/switch.h"
#include "result/live_parts.h"

/* The process that has the instrument, and its number there; -ENOENT: it is in no page that can be written. */
static int find_instrument(struct tare_live *live, uint64_t id, struct tare__live_process **process, size_t *at)
{
    for (size_t i = 0; i < live->count; i++) {
        struct tare__live_process *candidate = live->processes[i];
        if (candidate->id != id >> 20 || candidate->ignored || !candidate->has_view) {
            continue;
        }
        for (size_t k = 0; k < candidate->now.count; k++) {
            if (candidate->now.instruments[k].index != (id & ((1u << 20) - 1))) {
                continue;
            }
            *process = candidate;
            *at = k;
            return candidate->source.fd < 0 ? -ENOENT : candidate->writable ? 0 : -EACCES;
        }
    }
    return -ENOENT;
}

static bool is_enabled(const struct tare__live_process *process, uint32_t index, bool *enabled)
{
    const struct tare_page_view *view = &process->view;
    for (size_t i = 0; i < view->timer_count; i++) {
        if (view->timers[i].index == index) {
            *enabled = view->timers[i].enabled;
            return true;
        }
    }
    for (size_t i = 0; i < view->instrument_count; i++) {
        if (view->instruments[i].index == index) {
            *enabled = view->instruments[i].enabled;
            return true;
        }
    }
    return false;
}

static void give_up_lock(struct tare__live_process *process)
{
    if (process->locked) {
        tare_page_unlock(&process->source, &process->view.header);
        process->locked = false;
    }
}

/* Remembers how it was when we found it. */
static int mark_switched(struct tare__live_process *process, uint32_t index, bool was_enabled)
{
    if (index >= process->switched_count) {
        size_t count = (size_t)index + 64;
        uint8_t *grown = realloc(process->switched, count);
        if (grown == NULL) {
            return -ENOMEM;
        }
        memset(grown + process->switched_count, TARE__UNTOUCHED, count - process->switched_count);
        process->switched = grown;
        process->switched_count = count;
    }
    if (process->switched[index] == TARE__UNTOUCHED) {
        process->switched[index] = was_enabled ? TARE__WAS_ON : TARE__WAS_OFF;
        process->switched_now++;
    }
    return 0;
}

/* For the figures of the windows that it falls into; those of windows that have passed go. */
static int note_switch(const struct tare_live *live, struct tare__live_process *process, uint32_t index)
{
    double now_ns = tare__live_clock_ns(CLOCK_MONOTONIC);
    double since_ns = process->past_count != 0 ? process->pasts[0].at_ns : now_ns - 2 * live->window_ns;
    size_t kept = 0;
    for (size_t i = 0; i < process->switch_count; i++) {
        if (process->switches[i].at_ns >= since_ns && process->switches[i].index != index) {
            process->switches[kept++] = process->switches[i];
        }
    }
    process->switch_count = kept;
    struct tare__switched *grown = reallocarray(process->switches, kept + 1, sizeof(*grown));
    if (grown == NULL) {
        return -ENOMEM;
    }
    process->switches = grown;
    grown[process->switch_count++] = (struct tare__switched){.index = index, .at_ns = now_ns};
    return 0;
}

/* One that is again as we found it is nothing to put back; where nothing is, others may switch. */
static void forget_switched(struct tare__live_process *process, uint32_t index, bool enabled)
{
    if (process->switched[index] == (enabled ? TARE__WAS_ON : TARE__WAS_OFF)) {
        process->switched[index] = TARE__UNTOUCHED;
        process->switched_now--;
    }
    if (process->switched_now == 0) {
        give_up_lock(process);
    }
}

int tare_live_switch(struct tare_live *live, uint64_t id, bool enabled)
{
    struct tare__live_process *process = NULL;
    size_t at = 0;
    bool was_enabled = false;
    int error = find_instrument(live, id, &process, &at);
    if (error != 0) {
        return error;
    }
    const struct tare_page *header = &process->view.header;
    uint32_t index = process->now.instruments[at].index;
    if (!process->locked) {
        error = tare_page_lock(&process->source, header);
        process->locked = error == 0;
    }
    if (error == 0 && !is_enabled(process, index, &was_enabled)) {
        error = -ENOENT;
    }
    error = error != 0 ? error : mark_switched(process, index, was_enabled);
    error = error != 0 ? error : note_switch(live, process, index);
    error = error != 0 ? error : tare_page_switch(&process->source, header, index, enabled);
    if (error == 0) {
        forget_switched(process, index, enabled);
        process->due_ns = 0; /* to be seen at the next poll */
    } else if (process->switched_now == 0) {
        give_up_lock(process);
    }
    return error;
}

int tare_live_reset(struct tare_live *live, uint64_t id)
{
    struct tare__live_process *process = NULL;
    size_t at = 0;
    int error = find_instrument(live, id, &process, &at);
    if (error != 0) {
        return error;
    }
    process->due_ns = 0;
    return tare_page_reset(&process->source, &process->view.header, process->now.instruments[at].index);
}

void tare_live_restore(struct tare_live *live)
{
    for (size_t i = 0; i < live->count; i++) {
        struct tare__live_process *process = live->processes[i];
        for (size_t k = 0; k < process->switched_count; k++) {
            if (process->switched[k] != TARE__UNTOUCHED && process->source.fd >= 0) {
                tare_page_switch(&process->source, &process->view.header, (uint32_t)k,
                                 process->switched[k] == TARE__WAS_ON);
            }
        }
        free(process->switched);
        process->switched = NULL;
        process->switched_count = process->switched_now = 0;
        give_up_lock(process);
    }
}
