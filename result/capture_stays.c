/* SPDX-License-Identifier: MIT */
/*
 * Where each thread was, from what two samples say of it. A thread's slot holds the state that it is in, since when,
 * how often it changed, and how long it was in each state before; all of it of one moment. From state a to state b
 * there were:
 *
 *  - no change: it is the same stay, which lasts.
 *  - one change: a ended when b began.
 *  - two, by way of x: what a has more of is the length of its stay, and so it is with x; a ended when x began.
 *  - more: a lasted up to the first sample at least, b is known from its begin on, and in between there were several.
 *
 * Threads that are short-lived use a block one after the other. Between two readings of which the first is of a
 * thread that had ended, and the second of the next one, all is that one's, and in the beginning it was in no state;
 * and so it is with the first reading of a block, if there was a sample before. What lies between any other two
 * threads is of several.
 *
 * Stays take a part of what the capture may take. When that is used up, those of one thread that lie side by side are
 * put together, in pieces of ever longer time: nothing is lost of how long a thread was in each state, but when, within
 * such a piece. What is left of it is for new ones, which are exact again. What cannot be made smaller so, as there are
 * too many threads and states, is kept no further, and counted.
 *
 * All in ticks of the page, so that what ends and what begins then is the same moment, and what does not fit
 * together is noticed: it is nothing that is known.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "result/capture_parts.h"
#include "result/grow.h"

/* The reading before this one, and what is between them. */
struct step {
    struct tare_capture *capture;
    struct tare__capture_way *way;
    struct tare_capture_instrument *instrument;
    struct tare__captured_state *last;
    const struct tare_stay_figures *now;
    size_t thread, state_count;
    double origin_ns, tick_ns;
    uint64_t threads;                          /* that were there from the reading before up to this one */
    uint64_t changes, gained[TARE_STATES_MAX]; /* ticks in each state */
};

static double place_ns(const struct step *step, uint64_t ticks)
{
    double before_ns = (double)(int64_t)(step->now->since_ticks - ticks) * step->tick_ns;
    return step->origin_ns + step->now->since_ns - before_ns;
}

/* What these take, in memory or as a document, where it is mostly more. */
enum { STAY_BYTES = 104, SEVERAL_BYTES = 64, STATE_BYTES = 20 };
_Static_assert(sizeof(struct tare_capture_stay) <= STAY_BYTES &&
                   sizeof(struct tare_capture_several) <= SEVERAL_BYTES + STATE_BYTES * TARE_STATES_MAX,
               "a document is larger than what it is made of");

static void take_room(struct tare__capture_way *way, size_t bytes)
{
    way->bytes += bytes;
    way->stay_bytes += bytes;
}

/* One more of `several`, which becomes the stay's. */
static bool put_in_several(struct tare_capture_several **list, size_t *count, struct tare_capture_stay *stay,
                           const struct tare_capture_several *several)
{
    struct tare_capture_several *grown =
        *count < UINT32_MAX ? tare__result_grow(*list, *count, sizeof(*grown)) : NULL;
    if (grown == NULL) {
        return false;
    }
    *list = grown;
    stay->several = (uint32_t)*count;
    grown[(*count)++] = *several;
    return true;
}

/*
 * Behind the thread's last one: as the rate of the clock becomes known ever better, the same moment may lie a
 * few ns away from where it was. `several`: what it was in, or NULL.
 */
static bool put_stay(struct step *step, const struct tare_capture_stay *added,
                     const struct tare_capture_several *several)
{
    struct tare_capture_instrument *instrument = step->instrument;
    struct tare_capture_stay stay = *added;
    stay.thread = (uint32_t)step->thread;
    stay.begin_ns = fmax(added->begin_ns, step->last->end_ns);
    stay.end_ns = fmax(added->end_ns, stay.begin_ns);
    if (step->way->stays_full) {
        step->capture->stays_dropped++;
        step->last->end_ns = stay.end_ns;
        step->last->open = SIZE_MAX;
        return true;
    }
    struct tare_capture_stay *grown =
        tare__result_grow(instrument->stays, instrument->stay_count, sizeof(*grown));
    if (grown == NULL) {
        return false;
    }
    instrument->stays = grown;
    if (several != NULL) {
        struct tare_capture_several within = *several;
        for (size_t i = 0; i < TARE_STATES_MAX; i++) {
            within.ns[i] = fmin(fmax(within.ns[i], 0), stay.end_ns - stay.begin_ns);
        }
        if (!put_in_several(&instrument->several, &instrument->several_count, &stay, &within)) {
            return false;
        }
    }
    take_room(step->way, STAY_BYTES + (several != NULL ? SEVERAL_BYTES + step->state_count * STATE_BYTES : 0));
    grown[instrument->stay_count] = stay;
    step->last->end_ns = stay.end_ns;
    step->last->open = stay.lasts ? instrument->stay_count : SIZE_MAX;
    instrument->stay_count++;
    return true;
}

/* The stay that lasted in the reading before, of the same thread. */
static void end_stay(struct step *step, double end_ns)
{
    if (step->last->open != SIZE_MAX) {
        struct tare_capture_stay *stay = &step->instrument->stays[step->last->open];
        stay->end_ns = fmax(stay->end_ns, end_ns);
        stay->lasts = false;
        step->last->end_ns = stay->end_ns;
        step->last->open = SIZE_MAX;
    }
}

/* From the last moment at which it was seen, up to the stay of now. */
static bool put_several(struct step *step)
{
    const struct tare__captured_state *last = step->last;
    double end_ns = step->origin_ns + step->now->since_ns, begin_ns = last->until_ns;
    int before = last->reading.state;
    if (!(end_ns > begin_ns)) {
        return true;
    }
    double sum_ns = 0;
    for (size_t i = 0; i < step->state_count; i++) {
        sum_ns += (double)step->gained[i] * step->tick_ns;
    }
    sum_ns -= before >= 0 ? begin_ns - place_ns(step, last->reading.since_ticks) : 0;
    if (!(sum_ns <= (end_ns - begin_ns) * 1.001 + 1e4)) {
        return true; /* some of it was before: a reading must be missing */
    }
    struct tare_capture_several several = {.changes = step->changes, .threads = step->threads};
    for (size_t i = 0; i < step->state_count; i++) {
        several.ns[i] = (double)step->gained[i] * step->tick_ns;
        if ((int)i == before) { /* less what of that stay came before */
            several.ns[i] -= begin_ns - place_ns(step, last->reading.since_ticks);
        }
    }
    return put_stay(step, &(struct tare_capture_stay){.state = -1, .begin_ns = begin_ns, .end_ns = end_ns},
                    &several);
}

/* The only state but for `before` in which time was spent; -1: none; -2: several. */
static int other_state(const struct step *step, int before)
{
    int other = -1;
    for (size_t i = 0; i < step->state_count; i++) {
        if ((int)i != before && step->gained[i] != 0) {
            other = other == -1 ? (int)i : -2;
        }
    }
    return other;
}

/* One change or two, if they fit together: then *fits. False without memory. */
static bool put_few(struct step *step, bool *fits)
{
    const struct tare_stay_figures *last = &step->last->reading, *now = step->now;
    int before = last->state, other = other_state(step, before);
    uint64_t ended = last->since_ticks + (before >= 0 ? step->gained[before] : 0);
    uint64_t began = now->since_ticks - (other >= 0 ? step->gained[other] : 0);
    bool one = step->changes == 1, in_order = (int64_t)(began - ended) >= 0;
    *fits = other != -2 && (!one || other == -1) && in_order &&
            (before < 0 || (one || other >= 0 ? began == ended : true));
    if (!*fits) {
        return true;
    }
    if (before >= 0) {
        end_stay(step, place_ns(step, ended));
    }
    const struct tare_capture_stay stay = {
        .state = other, .begin_ns = place_ns(step, began), .end_ns = place_ns(step, now->since_ticks)};
    return other < 0 || put_stay(step, &stay, NULL);
}

/* Whether the two say anything of the time between them. */
static bool compare(struct step *step)
{
    const struct tare_stay_figures *last = &step->last->reading, *now = step->now;
    if (!last->known || !now->known || last->generation != now->generation || last->switched != now->switched ||
        now->changes <= last->changes || (int64_t)(now->since_ticks - last->since_ticks) < 0) {
        return false;
    }
    step->changes = now->changes - last->changes;
    for (size_t i = 0; i < TARE_STATES_MAX; i++) {
        if (now->ticks[i] < last->ticks[i]) {
            return false;
        }
        step->gained[i] = now->ticks[i] - last->ticks[i];
    }
    return true;
}

static bool put_changes(struct step *step)
{
    bool fits = false;
    if (!compare(step)) {
        return true; /* what lasted then ended at an unknown time */
    }
    if (step->changes <= 2 && step->threads == 1 && !put_few(step, &fits)) {
        return false;
    }
    /* One change that does not fit: of a thread that was gone without a word, nobody knows since when. */
    return fits || step->changes == 1 || put_several(step);
}

static bool add_reading(struct step *step, double until_ns)
{
    struct tare__captured_state *last = step->last;
    const struct tare_stay_figures *now = step->now;
    bool same = last->there && last->thread == step->thread && last->reading.known && now->known &&
                last->reading.state == now->state && last->reading.since_ticks == now->since_ticks;
    if (same) {
        if (last->open != SIZE_MAX && until_ns > last->end_ns) {
            step->instrument->stays[last->open].end_ns = last->end_ns = until_ns;
        }
    } else {
        double since_ns = place_ns(step, now->since_ticks);
        if (last->there && !put_changes(step)) {
            return false;
        }
        last->open = SIZE_MAX;
        const struct tare_capture_stay stay = {
            .state = now->state, .begin_ns = since_ns, .end_ns = until_ns, .lasts = true};
        if (now->known && now->state >= 0 && !put_stay(step, &stay, NULL)) {
            return false;
        }
    }
    last->there = true;
    last->reading = *now;
    last->thread = step->thread;
    last->until_ns = fmax(until_ns, place_ns(step, now->since_ticks));
    return true;
}

/* What was last read of that block. NULL without memory. */
static struct tare__captured_state *last_of(struct tare__capture_way *way, struct tare__captured_states *states,
                                            size_t block)
{
    while (states->count <= block) {
        struct tare__captured_state *grown = tare__result_grow(states->blocks, states->count, sizeof(*grown));
        if (grown == NULL) {
            return NULL;
        }
        states->blocks = grown;
        grown[states->count++] = (struct tare__captured_state){.open = SIZE_MAX, .end_ns = -INFINITY};
        take_room(way, sizeof(*grown));
    }
    return &states->blocks[block];
}

/* ---- for want of room ---- */

/* The last stay that a thread has, of those that were put together up to now. */
struct lane {
    size_t at;         /* among the new ones; SIZE_MAX: there is none that could go on */
    size_t open, kept; /* which one lasts: among the old ones, and the new; SIZE_MAX: none */
    bool ends_single;  /* its last part is a stay in one state */
    bool after_single; /* it came right behind a stay in one state, and that change is nobody's yet */
};

struct merged {
    struct tare_capture_stay *stays;
    struct tare_capture_several *several;
    size_t stay_count, several_count;
};

/*
 * The next one of a thread: part of the one before, or behind it. A change from one state to another is told by the two
 * stays that it lies between, and has to be counted where these are not to be seen any more.
 */
static bool merge_stay(struct merged *merged, struct lane *lane, const struct tare_capture_stay *stay,
                       const struct tare_capture_several *several, bool open, double most_ns)
{
    static const double gap_ns = 1e4; /* that the clock's rate may make */
    struct tare_capture_stay *before = lane->at != SIZE_MAX ? &merged->stays[lane->at] : NULL;
    bool passing = several != NULL && several->threads > 1;
    bool follows = before != NULL && !passing && stay->begin_ns - before->end_ns <= gap_ns;
    bool change = follows && lane->ends_single && several == NULL;
    if (follows && !open && stay->end_ns - before->begin_ns <= most_ns) {
        if (before->state >= 0) {
            struct tare_capture_several begun = {.changes = lane->after_single, .threads = 1};
            begun.ns[before->state] = before->end_ns - before->begin_ns;
            if (!put_in_several(&merged->several, &merged->several_count, before, &begun)) {
                return false;
            }
        }
        struct tare_capture_several *to = &merged->several[before->several];
        to->changes += change + (several != NULL ? several->changes : 0);
        for (int i = 0; i < TARE_STATES_MAX; i++) {
            to->ns[i] += several != NULL    ? several->ns[i]
                         : i == stay->state ? stay->end_ns - stay->begin_ns
                                            : 0;
        }
        before->state = -1;
        before->lasts = false;
        before->end_ns = fmax(stay->end_ns, before->end_ns);
        lane->ends_single = several == NULL;
        return true;
    }
    bool counted = change && before->state < 0;
    if (counted) {
        merged->several[before->several].changes++;
    }
    struct tare_capture_stay *grown = tare__result_grow(merged->stays, merged->stay_count, sizeof(*grown));
    if (grown == NULL) {
        return false;
    }
    merged->stays = grown;
    grown[merged->stay_count] = *stay;
    if (several != NULL &&
        !put_in_several(&merged->several, &merged->several_count, &grown[merged->stay_count], several)) {
        return false;
    }
    lane->after_single = change && !counted;
    lane->ends_single = several == NULL;
    lane->at = passing ? SIZE_MAX : merged->stay_count;
    lane->kept = open ? merged->stay_count : lane->kept;
    merged->stay_count++;
    return true;
}

/* Those of one thread that lie side by side become one, if that is no longer than most_ns. False without memory. */
static bool merge(const struct tare_capture_process *process, struct tare_capture_instrument *instrument,
                  double most_ns)
{
    struct tare__captured_states *states = instrument->memory;
    struct lane *lanes = calloc(process->thread_count + 1, sizeof(*lanes));
    struct merged merged = {0};
    bool fine = lanes != NULL;
    for (size_t i = 0; fine && i < process->thread_count; i++) {
        lanes[i].at = lanes[i].open = lanes[i].kept = SIZE_MAX;
    }
    for (size_t i = 0; fine && i < states->count; i++) {
        if (states->blocks[i].open != SIZE_MAX) {
            lanes[states->blocks[i].thread].open = states->blocks[i].open;
        }
    }
    for (size_t i = 0; fine && i < instrument->stay_count; i++) {
        const struct tare_capture_stay *stay = &instrument->stays[i];
        struct lane *lane = &lanes[stay->thread];
        fine = merge_stay(&merged, lane, stay, stay->state < 0 ? &instrument->several[stay->several] : NULL,
                          lane->open == i, most_ns);
    }
    for (size_t i = 0; fine && i < states->count; i++) {
        struct tare__captured_state *block = &states->blocks[i];
        block->open = block->open != SIZE_MAX ? lanes[block->thread].kept : SIZE_MAX;
    }
    free(lanes);
    free(fine ? instrument->stays : merged.stays);
    free(fine ? instrument->several : merged.several);
    if (fine) {
        instrument->stays = merged.stays;
        instrument->stay_count = merged.stay_count;
        instrument->several = merged.several;
        instrument->several_count = merged.several_count;
    }
    return fine;
}

static size_t count_states(const struct tare_capture_instrument *instrument)
{
    size_t count = 0;
    while (instrument->names != NULL && count < TARE_STATES_MAX && instrument->names[count] != NULL) {
        count++;
    }
    return count;
}

/* All instruments' that have some. False if memory was missing for one of them, which is as it was. */
static bool merge_all(struct tare_capture *capture, double most_ns)
{
    struct tare__capture_way *way = capture->memory;
    size_t bytes = 0;
    bool fine = true;
    for (size_t p = 0; p < capture->process_count; p++) {
        for (size_t i = 0; i < capture->processes[p].instrument_count; i++) {
            struct tare_capture_instrument *instrument = &capture->processes[p].instruments[i];
            const struct tare__captured_states *states = instrument->memory;
            if (states == NULL) {
                continue;
            }
            fine = merge(&capture->processes[p], instrument, most_ns) && fine;
            bytes += states->count * sizeof(*states->blocks) + instrument->stay_count * STAY_BYTES +
                     instrument->several_count * (SEVERAL_BYTES + count_states(instrument) * STATE_BYTES);
        }
    }
    capture->stays_merged_ns = most_ns;
    way->bytes = way->bytes - way->stay_bytes + bytes;
    way->stay_bytes = bytes;
    return fine;
}

/*
 * When there is no more room: a quarter of it is to be free afterwards, so that this is done seldom; each time for
 * pieces twice as long at least, so that it is done some dozen times in a capture of any length.
 */
static void make_stay_room(struct tare_capture *capture)
{
    enum { FIRST_SAMPLES = 4 };
    static const double interval_ns = 0.25e9; /* where it is unknown */
    struct tare__capture_way *way = capture->memory;
    size_t most = way->options.max_bytes / 2;
    double first_ns = (capture->interval_ns > 0 ? capture->interval_ns : interval_ns) * FIRST_SAMPLES;
    double length_ns = capture->at_ns[capture->sample_count];
    if (way->stays_full || way->stay_bytes < most) {
        return;
    }
    double next_ns = fmax(2 * capture->stays_merged_ns, first_ns);
    bool fine = true;
    while (fine && way->stay_bytes > most / 4 * 3 && next_ns < 2 * length_ns) {
        fine = merge_all(capture, next_ns);
        next_ns *= 2;
    }
    way->stays_full = way->stay_bytes > most / 4 * 3;
}

/*
 * Whose the time since the reading before is. Of the next thread alone, that reading becomes one of it, in no state;
 * the same where there was none of the block, but a sample that would have had it.
 */
static void compare_threads(struct step *step, double sample_before_ns)
{
    struct tare__captured_state *last = step->last;
    const struct tare_stay_figures *now = step->now;
    step->threads = 1;
    if (!last->there && isfinite(sample_before_ns)) {
        double since_then_ns = place_ns(step, now->since_ticks) - sample_before_ns;
        last->there = true;
        last->thread = step->thread;
        last->until_ns = sample_before_ns;
        last->reading = (struct tare_stay_figures){
            .generation = now->generation, .switched = now->switched, .known = true, .state = -1};
        last->reading.since_ticks =
            now->since_ticks - (since_then_ns > 0 ? (uint64_t)(since_then_ns / step->tick_ns) : 0);
        step->threads = now->threads;
    } else if (last->there && (last->reading.threads != now->threads || last->thread != step->thread)) {
        uint64_t came = now->threads > last->reading.threads ? now->threads - last->reading.threads : 1;
        step->threads = came + !last->reading.ended;
        last->open = SIZE_MAX;
    }
}

bool tare__capture_stays_add(struct tare_capture *capture, const struct tare_capture_process *process,
                             struct tare_capture_instrument *instrument,
                             const struct tare_instrument_figures *from)
{
    enum { BLOCKS = 1 << 16 }; /* more than any page has */
    struct tare__capture_way *way = capture->memory;
    const size_t most = way->options.max_bytes / 2;
    const struct tare__captured_process_way *own = process->memory;
    struct tare__captured_states *states = instrument->memory;
    struct step step = {.capture = capture,
                        .way = way,
                        .instrument = instrument,
                        .state_count = count_states(instrument),
                        .origin_ns = process->origin_ns,
                        .tick_ns = from->tick_ns};
    uint64_t left_out = from->stays_left_out;
    if (states == NULL) {
        states = instrument->memory = calloc(1, sizeof(*states));
        if (states == NULL) {
            return false;
        }
        states->until_ns = -INFINITY;
    }
    double until_ns = from->stays_until_ns + step.origin_ns;
    until_ns = isfinite(until_ns) ? until_ns : -INFINITY;
    for (size_t i = 0; i < from->stay_count; i++) {
        const struct tare_stay_figures *now = &from->stays[i];
        step.thread = now->thread < own->place_count ? own->places[now->thread] : SIZE_MAX;
        if (step.thread == SIZE_MAX || now->block >= BLOCKS || !isfinite(now->since_ns) ||
            !(step.tick_ns > 0) || !isfinite(step.origin_ns) ||
            (now->known && now->state >= (int)step.state_count)) {
            continue;
        }
        make_stay_room(capture);
        size_t blocks = now->block >= states->count ? now->block + (size_t)1 - states->count : 0;
        if (blocks != 0 && (way->stays_full || way->stay_bytes + blocks * sizeof(*states->blocks) > most)) {
            left_out++;
            continue;
        }
        step.now = now;
        step.last = last_of(way, states, now->block);
        if (step.last == NULL) {
            return false;
        }
        compare_threads(&step, states->until_ns);
        if (!add_reading(&step, until_ns)) {
            return false;
        }
    }
    capture->stays_dropped += left_out;
    /* Who was not in this sample may have been there all the same. */
    states->until_ns = left_out == 0 ? until_ns : -INFINITY;
    return true;
}
