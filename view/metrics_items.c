/* SPDX-License-Identifier: MIT */
/*
 * What there is to say: each instrument, process and derived figure gives an item for each family of metrics that
 * it appears in, with the family's name, type and unit, and its labels.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "view/metrics_parts.h"

/* How names of samples of this type end that are not the value of a counter, gauge or histogram. */
static const char *const value_ends[][16] = {
    [TARE__TYPE_GAUGE] = {"bucket", "sum", "count", "peak", "rolling", "state_threads", "frames_rate_ring",
                          "frames_time_ring", "frames_time_variance_ring", "frames_time_variation_ring",
                          "frames_part", "topk_key_weight", "topk_key_error", "topk_key_hits",
                          "topk_rest_weight", NULL},
    [TARE__TYPE_HISTOGRAM] = {"frames_seconds", NULL},
    [TARE__TYPE_COUNTER] = {"state_seconds", "state_changes", "frames_rate", "frames_dropped", "frames_slow",
                            "topk_weight", "topk_hits", NULL},
};

static bool room(void **array, size_t *capacity, size_t count, size_t size)
{
    if (count < *capacity) {
        return true;
    }
    size_t wanted = *capacity == 0 ? 64 : *capacity * 2;
    void *grown = reallocarray(*array, wanted, size);
    if (grown == NULL) {
        return false;
    }
    *array = grown;
    *capacity = wanted;
    return true;
}

/* The string belongs to `m` from now on. */
static const char *keep(struct tare__metrics *m, char *string)
{
    if (string == NULL || !room((void **)&m->strings, &m->string_capacity, m->string_count, sizeof(char *))) {
        free(string);
        m->failed = true;
        return "";
    }
    return m->strings[m->string_count++] = string;
}

/* `base` + `suffix` + the unit. Returns the item, to be completed; NULL: no memory. */
static struct tare__metric_item *add(struct tare__metrics *m, const char *base, const char *suffix,
                                     enum tare__metric_type type, enum tare__metric_what what,
                                     const struct tare__unit *unit, const char *labels)
{
    char *name = NULL;
    const char *unit_name = unit != NULL ? unit->name : "";
    size_t size = strlen(suffix), length = strlen(unit_name);
    /* "jit_time" + "_seconds", but not "_per_second" + "_per_second". */
    bool there = length > 0 && size > length && strcmp(suffix + size - length, unit_name) == 0;
    if (m->failed || !room((void **)&m->items, &m->item_capacity, m->item_count, sizeof(*m->items)) ||
        asprintf(&name, "%s%s%s%s", base, suffix, length > 0 && !there ? "_" : "", there ? "" : unit_name) <
            0) {
        m->failed = true;
        return NULL;
    }
    struct tare__metric_item *item = &m->items[m->item_count];
    *item = (struct tare__metric_item){
        .name = name, .type = type, .what = what, .labels = labels, .order = m->item_count++};
    item->unit = unit != NULL ? *unit : (struct tare__unit){.factor = 1};
    return item;
}

static void add_for(struct tare__metrics *m, const char *base, const char *suffix, enum tare__metric_type type,
                    enum tare__metric_what what, const struct tare__unit *unit, const char *labels,
                    const struct tare_process_figures *process,
                    const struct tare_instrument_figures *instrument)
{
    struct tare__metric_item *item = add(m, base, suffix, type, what, unit, labels);
    if (item != NULL) {
        item->process = process;
        item->instrument = instrument;
        item->help = instrument != NULL ? instrument->help : NULL;
    }
}

static const struct tare__unit seconds = {.name = "seconds", .factor = 1, .decimals = 9}; /* from ns */
static const struct tare__unit square_seconds = {.name = "square_seconds", .factor = 1, .decimals = 18};
static const struct tare__unit bytes = {.name = "bytes", .factor = 1};
static const struct tare__unit bytes_per_second = {.name = "bytes_per_second", .factor = 1};
static const struct tare__unit ratio = {.name = "ratio", .factor = 1};
static const struct tare__unit none = {.factor = 1};
static const struct tare__unit per_second = {.name = "per_second", .factor = 1};

static void add_derived(struct tare__metrics *m, const struct tare_process_figures *process, const char *labels)
{
    for (size_t i = 0; i < process->derived_count; i++) {
        const struct tare_derived *derived = &process->derived[i];
        struct tare__unit unit = tare__metric_unit(derived->unit);
        char *base = tare__metric_derived(derived);
        m->failed |= base == NULL;
        for (int rolling = 0; rolling < (m->options->no_rolling ? 1 : 2) && !m->failed; rolling++) {
            struct tare__metric_item *item =
                add(m, base, rolling ? "_rolling" : "", TARE__TYPE_GAUGE,
                    rolling ? TARE__OF_DERIVED_ROLLING : TARE__OF_DERIVED, &unit, labels);
            if (item != NULL) {
                item->process = process;
                item->derived = derived;
                item->help = derived->help;
            }
        }
        free(base);
    }
}

/*
 * Whether figures of the last window are shown. Of what is switched off there are none: that nothing was counted
 * does not say that nothing happened.
 */
static bool is_rolling(const struct tare__metrics *m, const struct tare_instrument_figures *instrument)
{
    return !m->options->no_rolling && instrument->enabled;
}

static void add_timer(struct tare__metrics *m, const struct tare_process_figures *process,
                      const struct tare_instrument_figures *timer, const char *process_labels)
{
    struct tare__grown text = {0};
    tare__grow(&text, process_labels);
    tare__metric_label(&text, "module", timer->module);
    tare__metric_label(&text, "timer", timer->name);
    tare__metric_labels(&text, timer->labels);
    const char *labels = keep(m, tare__grown_steal(&text));
    enum tare__metric_type type = m->options->timer_histograms ? TARE__TYPE_HISTOGRAM : TARE__TYPE_SUMMARY;
    add_for(m, "tare_timer", "", type, TARE__OF_TIMER, &seconds, labels, process, timer);
    add_for(m, "tare_timer_net", "", TARE__TYPE_GAUGE, TARE__OF_TIMER_NET, &seconds, labels, process, timer);
    add_for(m, "tare_timer_net_average", "", TARE__TYPE_GAUGE, TARE__OF_TIMER_NET_AVERAGE, &seconds, labels,
            process, timer);
    add_for(m, "tare_timer_net_average_error", "", TARE__TYPE_GAUGE, TARE__OF_TIMER_NET_ERROR, &seconds, labels,
            process, timer);
    if (timer->total.bytes > 0) {
        add_for(m, "tare_timer", "", TARE__TYPE_COUNTER, TARE__OF_TIMER_BYTES, &bytes, labels, process, timer);
    }
    if (is_rolling(m, timer)) {
        add_for(m, "tare_timer", "_rolling", TARE__TYPE_SUMMARY, TARE__OF_TIMER_WINDOW, &seconds, labels,
                process, timer);
        add_for(m, "tare_timer_calls", "_rolling", TARE__TYPE_GAUGE, TARE__OF_TIMER_RATE, &per_second, labels,
                process, timer);
        add_for(m, "tare_timer_busy", "_rolling", TARE__TYPE_GAUGE, TARE__OF_TIMER_BUSY, &ratio, labels,
                process, timer);
        add_for(m, "tare_timer_net_average", "_rolling", TARE__TYPE_GAUGE, TARE__OF_TIMER_NET_WINDOW, &seconds,
                labels, process, timer);
        add_for(m, "tare_timer_net_average_error", "_rolling", TARE__TYPE_GAUGE,
                TARE__OF_TIMER_NET_ERROR_WINDOW, &seconds, labels, process, timer);
        if (timer->total.bytes > 0) {
            add_for(m, "tare_timer", "_rolling", TARE__TYPE_GAUGE, TARE__OF_TIMER_BYTES_RATE, &bytes_per_second,
                    labels, process, timer);
        }
    }
}

/* Nothing is known of what was switched off before it counted anything. */
static bool says_nothing(const struct tare_instrument_figures *instrument)
{
    const struct tare_readings *total = &instrument->total;
    if (!total->known) {
        return true;
    }
    return !instrument->enabled && instrument->kind != TARE_KIND_GAUGE && total->total == 0 &&
           total->distribution.count == 0 && total->changes == 0 && total->hits == 0;
}

/* `base` + `figure` + "_rolling" + the unit, where figures of the last window are shown. */
static void add_rolling(struct tare__metrics *m, const char *base, const char *figure,
                        enum tare__metric_what what, const struct tare__unit *unit, const char *labels,
                        const struct tare_process_figures *process,
                        const struct tare_instrument_figures *instrument)
{
    if (!is_rolling(m, instrument)) {
        return;
    }
    char suffix[64];
    snprintf(suffix, sizeof(suffix), "%s_rolling", figure);
    add_for(m, base, suffix, TARE__TYPE_GAUGE, what, unit, labels, process, instrument);
}

/* The same, a second. */
static void add_rate(struct tare__metrics *m, const char *base, const char *figure, enum tare__metric_what what,
                     const struct tare__unit *unit, const char *labels,
                     const struct tare_process_figures *process,
                     const struct tare_instrument_figures *instrument)
{
    struct tare__unit rate = *unit;
    snprintf(rate.name, sizeof(rate.name), "%.40s%sper_second", unit->name, unit->name[0] != '\0' ? "_" : "");
    add_rolling(m, base, figure, what, &rate, labels, process, instrument);
}

/* `base`, or, where with the unit it could be a figure of another kind, with "_value". NULL: no memory. */
static char *value_name(const char *base, enum tare__metric_type type, const struct tare__unit *unit)
{
    struct tare__grown text = {0}, whole = {0};
    bool meant = false;
    tare__grow(&text, base);
    char *plain = tare__grown_steal(&text);
    while (plain != NULL && tare__metric_cut(plain, "value")) {
    }
    for (int with_unit = 0; plain != NULL && with_unit < 2; with_unit++) {
        struct tare__grown name = {0};
        tare__grow(&name, plain);
        tare__grow(&name, with_unit && unit->name[0] != '\0' ? "_" : "");
        tare__grow(&name, with_unit ? unit->name : "");
        for (int i = 0; !name.failed && value_ends[type][i] != NULL; i++) {
            meant |= tare__metric_ends(name.data, value_ends[type][i]);
        }
        whole.failed |= name.failed;
        free(name.data);
    }
    whole.failed |= plain == NULL;
    tare__grow(&whole, base);
    tare__grow(&whole, meant ? "_value" : "");
    free(plain);
    return tare__grown_steal(&whole);
}

static void add_value(struct tare__metrics *m, const char *base, const struct tare__unit *unit,
                      const char *labels, const struct tare_process_figures *process,
                      const struct tare_instrument_figures *i)
{
    static const struct tare__unit counted = {.name = "count",
                                              .factor = 1}; /* which no unit of a program is called */
    enum tare__metric_type type = i->kind == TARE_KIND_COUNTER ? TARE__TYPE_COUNTER
                                  : i->kind == TARE_KIND_GAUGE ? TARE__TYPE_GAUGE
                                                               : TARE__TYPE_HISTOGRAM;
    char *name = value_name(base, type, unit);
    m->failed |= name == NULL;
    if (name == NULL) {
        return;
    }
    switch (type) {
    case TARE__TYPE_COUNTER:
        add_for(m, name, "", type, TARE__OF_COUNTER, unit, labels, process, i);
        add_rate(m, name, "", TARE__OF_COUNTER_RATE, unit, labels, process, i);
        break;
    case TARE__TYPE_GAUGE:
        add_for(m, name, "", type, TARE__OF_GAUGE, unit, labels, process, i);
        add_for(m, base, "_peak", type, TARE__OF_GAUGE_PEAK, unit, labels, process, i);
        add_rolling(m, base, "_change", TARE__OF_GAUGE_CHANGE, unit, labels, process, i);
        break;
    default:
        add_for(m, name, "", type, TARE__OF_HISTOGRAM, unit, labels, process, i);
        add_rolling(m, name, "", TARE__OF_HISTOGRAM_WINDOW, unit, labels, process, i);
        add_rolling(m, name, "_sum", TARE__OF_HISTOGRAM_SUM, unit, labels, process, i);
        add_rate(m, name, "", TARE__OF_HISTOGRAM_RATE, &counted, labels, process, i);
        break;
    }
    free(name);
}

static void add_frames(struct tare__metrics *m, const char *base, const char *labels,
                       const struct tare_process_figures *process, const struct tare_instrument_figures *i)
{
    static const struct {
        const char *figure;
        enum tare__metric_what what;
        const struct tare__unit *unit;
    } of_ring[] =
        {
            {"_frames_rate_ring", TARE__OF_FRAMES_RATE, &per_second},
            {"_frames_time_ring", TARE__OF_FRAMES_TIME, &seconds},
            {"_frames_time_variance_ring", TARE__OF_FRAMES_VARIANCE, &square_seconds},
            {"_frames_time_variation_ring", TARE__OF_FRAMES_VARIATION, &ratio},
            {"_frames_part", TARE__OF_FRAME_PARTS, &seconds},
        },
      of_window[] = {
          {"_frames", TARE__OF_FRAMES_ENDED_RATE, &per_second},
          {"_frames_dropped", TARE__OF_FRAMES_DROPPED_RATE, &per_second},
          {"_frames_slow", TARE__OF_FRAMES_SLOW_RATE, &per_second},
          {"_frames_rate", TARE__OF_FRAMES_ROLLING, &per_second},
          {"_frames_time", TARE__OF_FRAMES_TIME_ROLLING, &seconds},
          {"_frames_time_variance", TARE__OF_FRAMES_VARIANCE_ROLLING, &square_seconds},
          {"_frames_time_variation", TARE__OF_FRAMES_VARIATION_ROLLING, &ratio},
          {"_frames_part", TARE__OF_FRAME_PARTS_ROLLING, &seconds},
      };
    add_for(m, base, "_frames", TARE__TYPE_HISTOGRAM, TARE__OF_FRAMES, &seconds, labels, process, i);
    add_for(m, base, "_frames_dropped", TARE__TYPE_COUNTER, TARE__OF_FRAMES_DROPPED, NULL, labels, process, i);
    add_for(m, base, "_frames_slow", TARE__TYPE_COUNTER, TARE__OF_FRAMES_SLOW, NULL, labels, process, i);
    for (size_t k = 0; k < sizeof(of_ring) / sizeof(of_ring[0]); k++) {
        add_for(m, base, of_ring[k].figure, TARE__TYPE_GAUGE, of_ring[k].what, of_ring[k].unit, labels, process,
                i);
    }
    for (size_t k = 0; k < sizeof(of_window) / sizeof(of_window[0]); k++) {
        add_rolling(m, base, of_window[k].figure, of_window[k].what, of_window[k].unit, labels, process, i);
    }
}

static void add_keys(struct tare__metrics *m, const char *base, const struct tare__unit *unit,
                     const char *labels, const struct tare_process_figures *process,
                     const struct tare_instrument_figures *i)
{
    add_for(m, base, "_topk_key_weight", TARE__TYPE_GAUGE, TARE__OF_KEY_WEIGHT, unit, labels, process, i);
    add_for(m, base, "_topk_key_error", TARE__TYPE_GAUGE, TARE__OF_KEY_ERROR, unit, labels, process, i);
    add_for(m, base, "_topk_key_hits", TARE__TYPE_GAUGE, TARE__OF_KEY_HITS, NULL, labels, process, i);
    add_for(m, base, "_topk_rest_weight", TARE__TYPE_GAUGE, TARE__OF_KEYS_REST, unit, labels, process, i);
    add_rate(m, base, "_topk_key_weight", TARE__OF_KEY_WEIGHT_RATE, unit, labels, process, i);
    add_rate(m, base, "_topk_key_error", TARE__OF_KEY_ERROR_RATE, unit, labels, process, i);
    add_rate(m, base, "_topk_key_hits", TARE__OF_KEY_HITS_RATE, &none, labels, process, i);
}

static void add_kind(struct tare__metrics *m, const char *base, const struct tare__unit *unit,
                     const char *labels, const struct tare_process_figures *process,
                     const struct tare_instrument_figures *i)
{
    switch (i->kind) {
    case TARE_KIND_COUNTER:
    case TARE_KIND_GAUGE:
    case TARE_KIND_HISTOGRAM:
        add_value(m, base, unit, labels, process, i);
        break;
    case TARE_KIND_STATE:
        add_for(m, base, "_state", TARE__TYPE_COUNTER, TARE__OF_STATE_TIME, &seconds, labels, process, i);
        add_for(m, base, "_state_threads", TARE__TYPE_GAUGE, TARE__OF_STATE_THREADS, NULL, labels, process, i);
        add_for(m, base, "_state_changes", TARE__TYPE_COUNTER, TARE__OF_STATE_CHANGES, NULL, labels, process,
                i);
        if (is_rolling(m, i)) {
            add_for(m, base, "_state_rolling", TARE__TYPE_GAUGE, TARE__OF_STATE_SHARE, &ratio, labels, process,
                    i);
        }
        add_rate(m, base, "_state_changes", TARE__OF_STATE_CHANGES_RATE, &none, labels, process, i);
        break;
    case TARE_KIND_TOPK:
        if (!m->options->no_keys) {
            add_keys(m, base, unit, labels, process, i);
        }
        add_for(m, base, "_topk_weight", TARE__TYPE_COUNTER, TARE__OF_TOPK_WEIGHT, unit, labels, process, i);
        add_for(m, base, "_topk_hits", TARE__TYPE_COUNTER, TARE__OF_TOPK_HITS, NULL, labels, process, i);
        add_rate(m, base, "_topk_weight", TARE__OF_TOPK_WEIGHT_RATE, unit, labels, process, i);
        add_rate(m, base, "_topk_hits", TARE__OF_TOPK_HITS_RATE, &none, labels, process, i);
        break;
    case TARE_KIND_FRAMES:
        add_frames(m, base, labels, process, i);
        break;
    default:
        break;
    }
}

static void add_instruments(struct tare__metrics *m, const struct tare_process_figures *process,
                            const char *process_labels)
{
    for (size_t n = 0; n < process->instrument_count && !m->failed; n++) {
        const struct tare_instrument_figures *instrument = &process->instruments[n];
        if (says_nothing(instrument)) {
            continue;
        }
        if (instrument->kind == TARE_KIND_TIMER) {
            add_timer(m, process, instrument, process_labels);
            continue;
        }
        bool own_unit = instrument->kind != TARE_KIND_STATE && instrument->kind != TARE_KIND_FRAMES;
        struct tare__unit unit =
            own_unit ? tare__metric_unit(instrument->unit) : (struct tare__unit){.factor = 1};
        char *base =
            tare__metric_base(instrument->module, instrument->name, own_unit ? instrument->unit : NULL, &unit);
        struct tare__grown text = {0};
        tare__grow(&text, process_labels);
        tare__metric_labels(&text, instrument->labels);
        const char *labels = keep(m, tare__grown_steal(&text));
        if (base != NULL) {
            /* "pool_worker_state" + "_state_threads" says it twice. */
            tare__metric_cut(base, instrument->kind == TARE_KIND_STATE ? "state" : "");
            tare__metric_cut(base, instrument->kind == TARE_KIND_FRAMES ? "frames" : "");
            tare__metric_cut(base, instrument->kind == TARE_KIND_FRAMES ? "frame" : "");
            add_kind(m, base, &unit, labels, process, instrument);
        }
        m->failed |= base == NULL;
        free(base);
    }
}

/* Of two processes with one number, an ended one and one that has got the number since, the later counts. */
static bool has_successor(const struct tare_telemetry *telemetry, size_t number)
{
    const struct tare_process_figures *process = &telemetry->processes[number];
    for (size_t i = 0; i < telemetry->process_count; i++) {
        const struct tare_process_figures *other = &telemetry->processes[i];
        if (other->pid == process->pid && i != number &&
            (other->alive != process->alive ? other->alive : i > number)) {
            return true;
        }
    }
    return false;
}

void tare__metrics_collect(struct tare__metrics *m)
{
    static const struct {
        const char *name;
        enum tare__metric_type type;
        enum tare__metric_what what;
        const struct tare__unit *unit;
    } of_process[] = {
        {"tare_process", TARE__TYPE_INFO, TARE__OF_PROCESS_INFO, NULL},
        {"tare_process_alive", TARE__TYPE_GAUGE, TARE__OF_PROCESS_ALIVE, NULL},
        {"tare_process_age", TARE__TYPE_GAUGE, TARE__OF_PROCESS_AGE, &seconds},
        {"tare_process_cpu", TARE__TYPE_COUNTER, TARE__OF_PROCESS_CPU, &seconds},
        {"tare_process_resident", TARE__TYPE_GAUGE, TARE__OF_PROCESS_RESIDENT, &bytes},
        {"tare_process_threads", TARE__TYPE_GAUGE, TARE__OF_PROCESS_THREADS, NULL},
        {"tare_process_instrumented_threads", TARE__TYPE_GAUGE, TARE__OF_PROCESS_INSTRUMENTED, NULL},
        {"tare_lost", TARE__TYPE_COUNTER, TARE__OF_PROCESS_LOST, NULL},
        /* Of the window: see below. */
        {"tare_process_cpu_rolling", TARE__TYPE_GAUGE, TARE__OF_PROCESS_CPU_SHARE, &ratio},
        {"tare_process_measuring_rolling", TARE__TYPE_GAUGE, TARE__OF_PROCESS_MEASURING, &ratio},
    };
    enum { OF_PROCESS = sizeof(of_process) / sizeof(of_process[0]) };
    struct tare__grown common_text = {0};
    tare__metric_labels(&common_text, m->options->labels);
    const char *common = keep(m, tare__grown_steal(&common_text));
    add(m, "tare_read", "", TARE__TYPE_GAUGE, TARE__OF_READING, &seconds, common);
    add(m, "tare_processes", "", TARE__TYPE_GAUGE, TARE__OF_PROCESSES, NULL, common);
    add(m, "tare_processes_denied", "", TARE__TYPE_GAUGE, TARE__OF_DENIED, NULL, common);
    add(m, "tare_metrics_left_out", "", TARE__TYPE_GAUGE, TARE__OF_LEFT_OUT, NULL, common);
    if (!m->options->no_rolling) {
        add(m, "tare_window", "", TARE__TYPE_GAUGE, TARE__OF_WINDOW, &seconds, common);
    }
    for (size_t p = 0; p < m->telemetry->process_count && !m->failed; p++) {
        const struct tare_process_figures *process = &m->telemetry->processes[p];
        if (has_successor(m->telemetry, p)) {
            continue;
        }
        char pid[24];
        snprintf(pid, sizeof(pid), "%ld", (long)process->pid);
        struct tare__grown text = {0};
        tare__grow(&text, common);
        tare__metric_label(&text, "pid", pid);
        tare__metric_label(&text, "process", process->name);
        const char *labels = keep(m, tare__grown_steal(&text));
        for (int i = 0; i < OF_PROCESS - (m->options->no_rolling ? 2 : 0); i++) {
            add_for(m, of_process[i].name, "", of_process[i].type, of_process[i].what, of_process[i].unit,
                    labels, process, NULL);
        }
        add_derived(m, process, labels);
        add_instruments(m, process, labels);
    }
}

void tare__metrics_release_items(struct tare__metrics *m)
{
    for (size_t i = 0; i < m->item_count; i++) {
        free(m->items[i].name);
        free(m->items[i].more_labels);
    }
    for (size_t i = 0; i < m->string_count; i++) {
        free(m->strings[i]);
    }
    free(m->items);
    free(m->strings);
}
