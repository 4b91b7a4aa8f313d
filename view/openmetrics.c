/* SPDX-License-Identifier: MIT */
/*
 * Telemetry as metrics, in two passes. The first lists what there is: each instrument gives an item for each
 * family of metrics that it appears in, with the family's name, type and unit. Items of one name and type, of
 * whichever process, are one family; items of a family with the same labels are told apart by one label more.
 * The second pass writes family after family.
 *
 * Names. What a sample is called follows from the kind, the name and the unit of its instrument, and from
 * nothing else: another program that starts must not rename the series of this one. So names of different
 * things have to differ by themselves. What we add to a name says what it is (`_peak`, `_rolling`, ...), and an
 * instrument whose own name ends so gets `_value` (value_ends); what is ours begins with `tare_`, and what a
 * program calls so, with `app_tare_`. A counter and a gauge `m.q` then are m_q_total and m_q, which is fine in a
 * text of samples, but OpenMetrics has one family of a name: the counter's samples stay as they are, and are
 * announced as of unknown type (put_undeclared()). Should a name be given twice nevertheless, by a unit made for it,
 * the later one is left out, and tare_metrics_left_out counts it.
 *
 * Nothing that a program says can make the text invalid, which would cost every other series of the scrape, too.
 */
#include <stdlib.h>
#include <string.h>

#include "view/metrics_parts.h"

static const char *const type_names[] = {"gauge", "info", "summary", "histogram", "counter"};

/* What the figure is; of an instrument, behind its own help, or its name. */
static const char *const helps[] = {
    [TARE__OF_READING] = "Time that reading all processes took, the last time",
    [TARE__OF_PROCESSES] = "Processes that are watched",
    [TARE__OF_DENIED] = "Processes that may not be looked into",
    [TARE__OF_LEFT_OUT] = "Figures that are not here, as their name is that of another one",
    [TARE__OF_WINDOW] = "Length of the window that figures of the last window are of",
    [TARE__OF_PROCESS_INFO] = "A process with instruments",
    [TARE__OF_PROCESS_ALIVE] = "1 while the process runs, 0 when it has ended",
    [TARE__OF_PROCESS_AGE] = "Time since the process made its page",
    [TARE__OF_PROCESS_CPU] = "Processor time of the process",
    [TARE__OF_PROCESS_CPU_SHARE] = "Share of one processor that the process took in the last window",
    [TARE__OF_PROCESS_RESIDENT] = "Memory of the process that is resident",
    [TARE__OF_PROCESS_THREADS] = "Threads of the process",
    [TARE__OF_PROCESS_INSTRUMENTED] = "Threads of the process that run and have counted something, for which "
                                      "each has a block of its page; one that "
                                      "only makes frames or sets gauges has none",
    [TARE__OF_PROCESS_LOST] = "What the process could not count, for want of room in its page",
    [TARE__OF_PROCESS_MEASURING] = "Share of the processor time of the last window that timers took themselves",
    [TARE__OF_DERIVED] = "since the start",
    [TARE__OF_DERIVED_ROLLING] = "over the last window",
    [TARE__OF_COUNTER] = "since the start, or the last reset",
    [TARE__OF_COUNTER_RATE] = "a second, in the last window",
    [TARE__OF_GAUGE] = "as it was last set",
    [TARE__OF_GAUGE_PEAK] = "the greatest value since the start, or the last reset",
    [TARE__OF_GAUGE_CHANGE] = "what it changed by in the last window",
    [TARE__OF_HISTOGRAM] = "values since the start, or the last reset",
    [TARE__OF_HISTOGRAM_RATE] = "values a second, in the last window",
    [TARE__OF_HISTOGRAM_SUM] = "sum of the values that came in the last window",
    [TARE__OF_HISTOGRAM_WINDOW] = "mean and percentiles of the values that came in the last window",
    [TARE__OF_TIMER] = "Calls of timers and their times as read, which include what measuring costs",
    [TARE__OF_TIMER_WINDOW] = "Times of the timers' calls as read, in the last window",
    [TARE__OF_TIMER_NET] = "Time in timers less what measuring costs, an estimate",
    [TARE__OF_TIMER_NET_AVERAGE] = "Time of a call on average, less what measuring costs",
    [TARE__OF_TIMER_NET_ERROR] = "Half the width of the 95 % interval of that average",
    [TARE__OF_TIMER_BYTES] = "Bytes that were moved in the timers' calls",
    [TARE__OF_TIMER_RATE] = "Calls a second, in the last window",
    [TARE__OF_TIMER_BUSY] = "Net time in the timer in the last window, by that window; over all threads",
    [TARE__OF_TIMER_NET_WINDOW] =
        "Time of a call on average, less what measuring costs, of calls in the last window",
    [TARE__OF_TIMER_NET_ERROR_WINDOW] = "Half the width of the 95 % interval of that average",
    [TARE__OF_TIMER_BYTES_RATE] = "Bytes a second that were moved in the timers' calls, in the last window",
    [TARE__OF_STATE_TIME] = "time that threads spent in each state",
    [TARE__OF_STATE_THREADS] = "threads that are in each state",
    [TARE__OF_STATE_CHANGES] = "changes of state",
    [TARE__OF_STATE_SHARE] = "share of threads' time in each state, in the last window",
    [TARE__OF_STATE_CHANGES_RATE] = "changes of state a second, in the last window",
    [TARE__OF_KEY_WEIGHT] = "weight of keys that have at least 1 % of all for sure, at most",
    [TARE__OF_KEY_ERROR] = "of these keys, what the weight may be too large by",
    [TARE__OF_KEY_HITS] = "updates of these keys, at least: those since they are kept",
    [TARE__OF_KEYS_REST] = "weight of all other keys, at most",
    [TARE__OF_TOPK_WEIGHT] = "weight of all keys",
    [TARE__OF_TOPK_HITS] = "updates of all keys",
    [TARE__OF_KEY_WEIGHT_RATE] = "weight a second that the same keys got in the last window, at least",
    [TARE__OF_KEY_ERROR_RATE] = "of the same keys, what that may be too small by",
    [TARE__OF_KEY_HITS_RATE] = "updates of the same keys a second, in the last window, at least",
    [TARE__OF_TOPK_WEIGHT_RATE] = "weight of all keys a second, in the last window",
    [TARE__OF_TOPK_HITS_RATE] = "updates of all keys a second, in the last window",
    [TARE__OF_FRAMES] = "times of frames",
    [TARE__OF_FRAMES_DROPPED] = "frames that were not shown",
    [TARE__OF_FRAMES_SLOW] = "frames that took longer than the program's limit",
    [TARE__OF_FRAMES_RATE] = "frame rates, of the last frames: those in the ring, 4096 at most",
    [TARE__OF_FRAMES_TIME] = "times of frames, of the last ones: those in the ring, 4096 at most",
    [TARE__OF_FRAMES_VARIANCE] = "variance of the times of frames, of the last ones",
    [TARE__OF_FRAMES_VARIATION] = "coefficient of variation of the times of frames, of the last ones",
    [TARE__OF_FRAMES_ENDED_RATE] = "frames that ended a second, in the last window",
    [TARE__OF_FRAMES_DROPPED_RATE] = "frames that were not shown a second, in the last window",
    [TARE__OF_FRAMES_SLOW_RATE] =
        "frames that took longer than the program's limit a second, in the last window",
    [TARE__OF_FRAMES_ROLLING] = "frame rates, of those frames of the last window that the ring still has",
    [TARE__OF_FRAMES_TIME_ROLLING] = "times of those frames of the last window that the ring still has",
    [TARE__OF_FRAMES_VARIANCE_ROLLING] =
        "variance of the times of those frames of the last window that the ring still has",
    [TARE__OF_FRAMES_VARIATION_ROLLING] =
        "coefficient of variation of the times of those frames of the last window that the ring still has",
    [TARE__OF_FRAME_PARTS_ROLLING] =
        "mean time of parts of frames in the last window, of the frames that have it",
    [TARE__OF_FRAME_PARTS] = "mean time of parts of frames, of the frames that have the part",
};

static const char *help_of(const struct tare__metric_item *item)
{
    if (item->derived != NULL && item->derived->of_moment) {
        return item->what == TARE__OF_DERIVED_ROLLING ? "what it changed by in the last window"
                                                      : "as it is now";
    }
    return helps[item->what];
}

/* `family` and `type` as they are announced. */
static void put_head(struct tare__metrics *m, const struct tare__metric_item *item, const char *family,
                     const char *suffix, const char *type, bool unit)
{
    struct tare__grown *text = &m->text;
    bool openmetrics = m->options->format == TARE_METRICS_OPENMETRICS;
    tare__grow(text, "# HELP ");
    tare__grow(text, family);
    tare__grow(text, suffix);
    tare__grow(text, " ");
    bool timer = item->instrument != NULL && item->instrument->kind == TARE_KIND_TIMER;
    if (item->derived != NULL) {
        tare__metric_escaped(text, item->derived->name, openmetrics);
        tare__grow(text, ": ");
    } else if (!timer && item->instrument != NULL && (item->help == NULL || *item->help == '\0')) {
        tare__metric_escaped(text, item->instrument->module, openmetrics);
        tare__grow(text, ".");
        tare__metric_escaped(text, item->instrument->name, openmetrics);
        tare__grow(text, ": ");
    }
    if (!timer && item->help != NULL && *item->help != '\0') {
        tare__metric_escaped(text, item->help, openmetrics);
        tare__grow(text, ": ");
    }
    tare__grow(text, help_of(item));
    tare__grow(text, "\n# TYPE ");
    tare__grow(text, family);
    tare__grow(text, suffix);
    tare__grow(text, " ");
    tare__grow(text, type);
    tare__grow(text, "\n");
    if (unit) {
        tare__grow(text, "# UNIT ");
        tare__grow(text, family);
        tare__grow(text, " ");
        tare__grow(text, item->unit.name);
        tare__grow(text, "\n");
    }
}

/*
 * The samples from `begin` on, of a family whose name another one has: each name of theirs becomes a family
 * of its own, of unknown type.
 */
static void put_undeclared(struct tare__metrics *m, const struct tare__metric_item *head, size_t begin)
{
    bool openmetrics = m->options->format == TARE_METRICS_OPENMETRICS;
    char *samples = strdup(m->text.data + begin);
    if (samples == NULL) {
        m->failed = true;
        return;
    }
    m->text.size = begin;
    for (const char *const *suffix = tare__metric_samples[head->type]; *suffix != NULL; suffix++) {
        size_t name = strlen(head->name), size = name + strlen(*suffix);
        put_head(m, head, head->name, *suffix, openmetrics ? "unknown" : "untyped", false);
        for (const char *line = samples; *line != '\0';) {
            size_t length = strcspn(line, "\n") + 1;
            if (strncmp(line + name, *suffix, size - name) == 0 && (line[size] == '{' || line[size] == ' ')) {
                tare__grow_bytes(&m->text, line, length);
            }
            line += length;
        }
    }
    free(samples);
}

static void put_family(struct tare__metrics *m, size_t first, size_t end)
{
    struct tare__metric_item *head = &m->items[first];
    bool openmetrics = m->options->format == TARE_METRICS_OPENMETRICS, plain = m->options->samples_only;
    bool unit = openmetrics && head->unit.name[0] != '\0' && head->type != TARE__TYPE_INFO;
    tare__metrics_tell_apart(m, first, end);
    for (size_t i = first; i < end; i++) {
        head->help = head->help == NULL ? m->items[i].help : head->help; /* the first that there is */
        unit &= strcmp(head->unit.name, m->items[i].unit.name) == 0;
    }
    if (!plain && !head->undeclared) {
        const char *suffix = openmetrics                        ? ""
                             : head->type == TARE__TYPE_COUNTER ? "_total"
                             : head->type == TARE__TYPE_INFO    ? "_info"
                                                                : "";
        bool as_gauge = head->type == TARE__TYPE_INFO && !openmetrics;
        put_head(m, head, head->name, suffix, type_names[as_gauge ? TARE__TYPE_GAUGE : head->type], unit);
    }
    tare__grow(&m->text, ""); /* a text, if an empty one */
    size_t begin = m->text.size;
    for (size_t i = first; i < end; i++) {
        if (!m->items[i].left_out) {
            tare__metrics_put(m, &m->items[i]);
        }
    }
    if (!plain && head->undeclared && !m->failed && !m->text.failed) {
        put_undeclared(m, head, begin);
    }
}

static void put_all(struct tare__metrics *m)
{
    for (size_t first = 0, end; first < m->item_count && !m->failed; first = end) {
        end = tare__metrics_family_end(m, first);
        if (!m->items[first].left_out) {
            put_family(m, first, end);
        }
    }
    if (m->options->format == TARE_METRICS_OPENMETRICS && !m->options->samples_only) {
        tare__grow(&m->text, "# EOF\n");
    }
    tare__grow(&m->text, ""); /* a text, if an empty one */
}

char *tare_openmetrics_with(const struct tare_telemetry *telemetry, const struct tare_metrics_options *options,
                            size_t *size)
{
    struct tare__metrics m = {.telemetry = telemetry, .options = options};
    tare__metrics_collect(&m);
    tare__metrics_settle(&m);
    if (!m.failed) {
        put_all(&m);
    }
    m.failed |= m.text.failed;
    tare__metrics_release_items(&m);
    tare__metrics_release_names(&m);
    if (m.failed) {
        free(m.text.data);
        return NULL;
    }
    *size = m.text.size;
    return m.text.data;
}

char *tare_openmetrics(const struct tare_telemetry *telemetry, enum tare_metrics_format format, size_t *size)
{
    const struct tare_metrics_options options = {.format = format};
    return tare_openmetrics_with(telemetry, &options, size);
}
