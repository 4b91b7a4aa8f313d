/* SPDX-License-Identifier: MIT */
/*
 * Merging. Sums of processes add in ns, since each process has calibrated its own clock; ticks and histograms
 * add only while all processes use one clock, and are left out when they do not.
 */
#include "result/collect.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "result/instruments.h"
#include "runtime/clock.h"
#include "stats/quantile.h"

/* What was counted in stretches of the run: scopes and net ns. */
struct sampled {
    struct tare_run_blocks blocks; /* of all pages, one after the other */
    struct tare_run_blocks passes; /* each pass is one */
    uint64_t pass;
};

/* One timer, over the processes so far. */
struct merged {
    char *module, *name, *file;
    uint32_t line;
    struct tare_timer_sums sums;
    double min_ns, max_ns;
    struct tare_estimate estimate;
    uint64_t *buckets;       /* NULL: none, or of different clocks */
    struct sampled *sampled; /* NULL: nobody looked while it ran */
    bool window;
};

struct tare_collector {
    struct tare_result *result;
    struct merged *timers;
    size_t count, capacity;
    struct tare__instruments instruments;
    uint64_t lost_extras; /* tables of top-k and rings of frames */
    uint32_t *table;      /* open addressing: index + 1 */
    size_t table_size;
    bool any_page;
    uint32_t clock; /* of the first page */
    bool mixed_clocks;
    double tick_ns; /* of the page with the best known rate */
    double best_error_ppb;
};

struct tare_collector *tare_collector_new(struct tare_result *result)
{
    struct tare_collector *collector = calloc(1, sizeof(*collector));
    if (collector != NULL) {
        collector->result = result;
        collector->best_error_ppb = INFINITY;
        collector->tick_ns = NAN;
    }
    return collector;
}

static void merged_release(struct merged *timer)
{
    free(timer->module);
    free(timer->name);
    free(timer->file);
    free(timer->buckets);
    free(timer->sampled);
}

void tare_collector_free(struct tare_collector *collector)
{
    if (collector == NULL) {
        return;
    }
    for (size_t i = 0; i < collector->count; i++) {
        merged_release(&collector->timers[i]);
    }
    tare__instruments_release(&collector->instruments);
    free(collector->timers);
    free(collector->table);
    free(collector);
}

static size_t hash(const char *module, const char *name)
{
    size_t h = 5381;
    for (const char *p = module; *p != '\0'; p++) {
        h = h * 33 ^ (unsigned char)*p;
    }
    h = h * 33 ^ 0xff;
    for (const char *p = name; *p != '\0'; p++) {
        h = h * 33 ^ (unsigned char)*p;
    }
    return h;
}

/* Where the name stands in the table, or the free place where it belongs. */
static uint32_t *place_of(const struct tare_collector *collector, const char *module, const char *name)
{
    size_t at = hash(module, name) & (collector->table_size - 1);
    while (collector->table[at] != 0) {
        const struct merged *timer = &collector->timers[collector->table[at] - 1];
        if (strcmp(timer->name, name) == 0 && strcmp(timer->module, module) == 0) {
            break;
        }
        at = (at + 1) & (collector->table_size - 1);
    }
    return &collector->table[at];
}

static int grow(struct tare_collector *collector)
{
    if (collector->count < collector->capacity) {
        return 0;
    }
    size_t capacity = collector->capacity != 0 ? 2 * collector->capacity : 64;
    struct merged *timers = realloc(collector->timers, capacity * sizeof(*timers));
    if (timers == NULL) {
        return -ENOMEM;
    }
    collector->timers = timers;
    uint32_t *table = calloc(4 * capacity, sizeof(*table));
    if (table == NULL) {
        return -ENOMEM;
    }
    free(collector->table);
    collector->table = table;
    collector->table_size = 4 * capacity;
    collector->capacity = capacity;
    for (size_t i = 0; i < collector->count; i++) {
        *place_of(collector, timers[i].module, timers[i].name) = (uint32_t)i + 1;
    }
    return 0;
}

static struct merged *find_or_add(struct tare_collector *collector, const struct tare_page_timer *from)
{
    if (grow(collector) != 0) {
        return NULL;
    }
    uint32_t *place = place_of(collector, from->module, from->name);
    if (*place != 0) {
        return &collector->timers[*place - 1];
    }
    struct merged timer = {
        .module = strdup(from->module),
        .name = strdup(from->name),
        .file = from->file[0] != '\0' ? strdup(from->file) : NULL,
        .line = from->line,
        .sums.min_ticks = UINT64_MAX,
        .min_ns = NAN,
        .max_ns = NAN,
    };
    if (timer.module == NULL || timer.name == NULL || (timer.file == NULL && from->file[0] != '\0')) {
        merged_release(&timer);
        return NULL;
    }
    collector->timers[collector->count] = timer;
    *place = (uint32_t)++collector->count;
    return &collector->timers[collector->count - 1];
}

/*
 * Of calls, times and losses: a sum that stays at the greatest value that a document can hold, instead of
 * starting again. Nothing comes to that; pages can be damaged.
 */
static uint64_t add(uint64_t a, uint64_t b)
{
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) || sum > INT64_MAX ? INT64_MAX : sum;
}

/* The sampling error of one page's timer, from its own blocks; and those join the blocks of the other pages. */
static int merge_blocks(struct merged *timer, const struct tare_page_timer *from, double tick_ns,
                        struct tare_estimate *estimate, const struct tare_page_context *context)
{
    const struct tare_timer_sums *sums = &from->sums;
    if (context->sampler == NULL || sums->outermost == 0) {
        return 0;
    }
    struct tare_run_blocks blocks;
    struct tare_run_mean mean;
    tare_sampler_blocks(context->sampler, context->page, from, &blocks);
    tare_run_blocks_net(&blocks, tick_ns, estimate->outer_total_ns / (double)sums->scopes_within);
    tare_run_blocks_mean(&blocks, &mean);
    estimate->error_ns[TARE_ERROR_SAMPLING] = mean.error * (double)sums->outermost;
    struct sampled *sampled = timer->sampled != NULL ? timer->sampled : calloc(1, sizeof(*sampled));
    if (sampled == NULL) {
        return -ENOMEM;
    }
    tare_run_blocks_append(&sampled->blocks, &blocks);
    if (timer->sampled != NULL && sampled->pass == context->pass) {
        tare_run_blocks_extend(&sampled->passes, tare_run_blocks_sum(&blocks));
    } else {
        tare_run_blocks_add(&sampled->passes, tare_run_blocks_sum(&blocks));
    }
    sampled->pass = context->pass;
    timer->sampled = sampled;
    return 0;
}

/*
 * The sampling error of the sum. Passes are what "another run" means, so if there are enough of them, they are
 * asked. Else each page's own error, where all have one: what differs from process to process would do so in
 * the next run. Else (many processes, each too short for it) the blocks of all pages together.
 */
static double sampling_error(const struct merged *timer)
{
    double own_ns = timer->estimate.error_ns[TARE_ERROR_SAMPLING], outermost = (double)timer->sums.outermost;
    const struct sampled *sampled = timer->sampled;
    if (sampled == NULL || tare_run_blocks_sum(&sampled->blocks).scopes != outermost) { /* a page is missing */
        return own_ns;
    }
    struct tare_run_mean passes, blocks;
    tare_run_blocks_mean(&sampled->passes, &passes);
    tare_run_blocks_mean(&sampled->blocks, &blocks);
    return !isnan(passes.error) ? passes.error * outermost : !isnan(own_ns) ? own_ns : blocks.error * outermost;
}

static int merge(struct merged *timer, const struct tare_page_timer *from, const struct tare_cost_model *model,
                 bool same_clock, const struct tare_page_context *context)
{
    const struct tare_timer_sums *sums = &from->sums;
    struct tare_estimate estimate = tare_estimate_timer(model, sums);
    if (merge_blocks(timer, from, model->tick_ns, &estimate, context) != 0) {
        return -ENOMEM;
    }
    if (timer->sums.calls == 0) {
        timer->estimate = estimate;
    } else {
        tare_estimate_add(&timer->estimate, &estimate);
    }
    timer->sums.calls = add(timer->sums.calls, sums->calls);
    timer->sums.outermost = add(timer->sums.outermost, sums->outermost);
    timer->sums.total_ticks = add(timer->sums.total_ticks, sums->total_ticks);
    timer->sums.scopes_within = add(timer->sums.scopes_within, sums->scopes_within);
    timer->sums.bytes = add(timer->sums.bytes, sums->bytes);
    timer->window |= context->window;
    if (sums->outermost == 0) {
        return 0;
    }
    double min_ns = (double)sums->min_ticks * model->tick_ns, max_ns = (double)sums->max_ticks * model->tick_ns;
    timer->min_ns = isnan(timer->min_ns) || min_ns < timer->min_ns ? min_ns : timer->min_ns;
    timer->max_ns = isnan(timer->max_ns) || max_ns > timer->max_ns ? max_ns : timer->max_ns;
    timer->sums.min_ticks = sums->min_ticks < timer->sums.min_ticks ? sums->min_ticks : timer->sums.min_ticks;
    timer->sums.max_ticks = sums->max_ticks > timer->sums.max_ticks ? sums->max_ticks : timer->sums.max_ticks;
    if (from->buckets == NULL || !same_clock) {
        return 0;
    }
    if (timer->buckets == NULL) {
        timer->buckets = calloc(TARE_BUCKET_COUNT, sizeof(*timer->buckets));
        if (timer->buckets == NULL) {
            return -ENOMEM;
        }
    }
    for (uint32_t i = 0; i < TARE_BUCKET_COUNT; i++) {
        timer->buckets[i] = add(timer->buckets[i], from->buckets[i]);
    }
    return 0;
}

static double ticks_to_ns(const struct tare_collector *collector, double ticks)
{
    return collector->mixed_clocks ? NAN : ticks * collector->tick_ns;
}

static int fill_buckets(struct tare_result_figures *figures, const uint64_t *buckets)
{
    size_t used = 0;
    for (uint32_t i = 0; i < TARE_BUCKET_COUNT; i++) {
        used += buckets[i] != 0;
    }
    if (used == 0) {
        return 0;
    }
    figures->buckets = calloc(used, sizeof(*figures->buckets));
    if (figures->buckets == NULL) {
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < TARE_BUCKET_COUNT; i++) {
        if (buckets[i] != 0) {
            figures->buckets[figures->bucket_count++] = (struct tare_result_bucket){
                .low_ticks = tare_bucket_low(i), .width_ticks = tare_bucket_width(i), .count = buckets[i]};
        }
    }
    return 0;
}

static void fill_quantiles(const struct tare_collector *collector, const struct merged *timer,
                           struct tare_result_figures *figures)
{
    const struct {
        double *raw, *net, *error;
    } wanted[] = {
        {&figures->raw_p50_ns, &figures->net_p50_ns, &figures->p50_error_ns},
        {&figures->raw_p90_ns, &figures->net_p90_ns, &figures->p90_error_ns},
        {&figures->raw_p95_ns, &figures->net_p95_ns, &figures->p95_error_ns},
        {&figures->raw_p99_ns, &figures->net_p99_ns, &figures->p99_error_ns},
        {&figures->raw_p999_ns, &figures->net_p999_ns, &figures->p999_error_ns},
    };
    static const double p[] = {0.5, 0.9, 0.95, 0.99, 0.999};
    double ticks[sizeof(p) / sizeof(p[0])], error_ticks[sizeof(p) / sizeof(p[0])];
    const struct tare_histogram_facts facts = {.count = timer->sums.outermost,
                                               .sum = timer->sums.total_ticks < INT64_MAX
                                                          ? timer->sums.total_ticks
                                                          : UINT64_MAX, /* it stopped there */
                                               .min = timer->sums.min_ticks,
                                               .max = timer->sums.max_ticks,
                                               .attained = !timer->window};
    tare_histogram_quantiles_of(timer->buckets, TARE_BUCKET_COUNT, p, sizeof(p) / sizeof(p[0]), &facts, ticks,
                                error_ticks);
    double shift_ns = tare_estimate_shift_ns(&timer->estimate, timer->sums.outermost);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        *wanted[i].raw = ticks_to_ns(collector, ticks[i]);
        /* Readings come in steps of the counter, which may be wider than a bucket. */
        double step_ns = collector->result->clock.granularity_ns;
        *wanted[i].error = ticks_to_ns(collector, error_ticks[i]);
        if (step_ns / 2 > *wanted[i].error) {
            *wanted[i].error = step_ns / 2;
        }
        *wanted[i].net = *wanted[i].raw - shift_ns;
    }
}

static void fill_errors(const struct merged *timer, struct tare_result_figures *figures)
{
    uint64_t outermost = timer->sums.outermost;
    struct tare_estimate estimate = timer->estimate;
    estimate.error_ns[TARE_ERROR_SAMPLING] = sampling_error(timer);
    figures->net_avg_error_ns = tare_estimate_avg_error_ns(&estimate, outermost);
    figures->net_avg_low_ns = figures->net_avg_ns - figures->net_avg_error_ns;
    figures->net_avg_high_ns = figures->net_avg_ns + figures->net_avg_error_ns;
    figures->net_avg_limit_ns = tare_estimate_avg_limit_ns(&estimate, outermost);
    for (int part = 0; part < TARE_ERROR_PARTS; part++) {
        figures->net_avg_error_part_ns[part] =
            tare_estimate_avg_error_part_ns(&estimate, outermost, (enum tare_error_part)part);
    }
}

static int fill(const struct tare_collector *collector, const struct merged *timer,
                struct tare_result_figures *figures)
{
    const struct tare_timer_sums *sums = &timer->sums;
    tare_result_figures_init(figures);
    figures->calls = sums->calls;
    figures->outermost_calls = sums->outermost;
    figures->scopes_within = sums->scopes_within;
    figures->bytes = sums->bytes;
    figures->has_ticks = !collector->mixed_clocks && sums->total_ticks < INT64_MAX &&
                         (sums->outermost == 0 || sums->max_ticks <= INT64_MAX);
    if (figures->has_ticks) {
        figures->raw_total_ticks = sums->total_ticks;
        figures->raw_min_ticks = sums->outermost != 0 && !timer->window ? sums->min_ticks : 0;
        figures->raw_max_ticks = timer->window ? 0 : sums->max_ticks;
    }
    figures->measuring_ns = timer->estimate.measuring_ns; /* without calls: 0 */
    if (sums->calls == 0) {
        return 0;
    }
    double outermost = (double)sums->outermost;
    figures->raw_total_ns = timer->estimate.raw_total_ns;
    figures->net_total_ns = timer->estimate.net_total_ns;
    if (sums->outermost == 0) {
        return 0;
    }
    figures->raw_avg_ns = figures->raw_total_ns / outermost;
    figures->net_avg_ns = figures->net_total_ns / outermost;
    fill_errors(timer, figures);
    if (!timer->window) {
        figures->raw_min_ns = timer->min_ns;
        figures->raw_max_ns = timer->max_ns;
    }
    if (timer->buckets == NULL || collector->mixed_clocks) {
        return 0;
    }
    fill_quantiles(collector, timer, figures);
    return fill_buckets(figures, timer->buckets);
}

static struct tare_result_cost to_cost(const struct tare_cost_ticks *cost, double tick_ns)
{
    return (struct tare_result_cost){
        .median_ns = cost->n != 0 ? cost->median * tick_ns : NAN,
        .mad_ns = cost->n != 0 && cost->mad >= 0 ? cost->mad * tick_ns : NAN, /* of a damaged page: anything */
        .n = cost->n,
    };
}

static void note_costs(struct tare_result_clock *clock, const struct tare_cost_model *model)
{
    double tick_ns = model->tick_ns;
    clock->inner = to_cost(&model->at_start.inner, tick_ns);
    clock->outer = to_cost(&model->at_start.outer, tick_ns);
    clock->inner_empty = to_cost(&model->at_start.inner_empty, tick_ns);
    clock->outer_nested = to_cost(&model->at_start.outer_nested, tick_ns);
    clock->outer_apart = to_cost(&model->at_start.outer_apart, tick_ns);
    clock->inner_at_exit = to_cost(&model->at_exit.inner, tick_ns);
    clock->outer_at_exit = to_cost(&model->at_exit.outer, tick_ns);
    clock->inner_empty_at_exit = to_cost(&model->at_exit.inner_empty, tick_ns);
    clock->outer_nested_at_exit = to_cost(&model->at_exit.outer_nested, tick_ns);
    clock->outer_apart_at_exit = to_cost(&model->at_exit.outer_apart, tick_ns);
    clock->inner_in_run = to_cost(&model->in_run.inner, tick_ns);
    clock->outer_in_run = to_cost(&model->in_run.outer, tick_ns);
    clock->inner_empty_in_run = to_cost(&model->in_run.inner_empty, tick_ns);
    clock->outer_nested_in_run = to_cost(&model->in_run.outer_nested, tick_ns);
    clock->outer_apart_in_run = to_cost(&model->in_run.outer_apart, tick_ns);
}

/* The result states the clock of the page whose rate is known best: with one machine and clock, they agree. */
static int note_clock(struct tare_collector *collector, const struct tare_page *header,
                      const struct tare_cost_model *model)
{
    struct tare_result_clock *clock = &collector->result->clock;
    if (clock->counter_traps != 1) { /* of any page */
        clock->counter_traps = (header->flags & TARE_PAGE_COUNTER_TRAPS) != 0;
    }
    if (collector->any_page && header->clock != collector->clock && !collector->mixed_clocks) {
        collector->mixed_clocks = true;
        free(clock->name);
        clock->name = strdup("mixed");
        clock->rate_hz = clock->rate_error_ppm = clock->granularity_ns = NAN;
        return clock->name != NULL ? 0 : -ENOMEM;
    }
    collector->any_page = true;
    bool better = model->rate_error_ppb < collector->best_error_ppb ||
                  (header->flags & TARE_PAGE_CALIBRATED_AT_EXIT && clock->inner_at_exit.n == 0);
    if (collector->mixed_clocks || (clock->name != NULL && !better)) {
        return 0;
    }
    if (clock->name == NULL) {
        collector->clock = header->clock;
        clock->name = strdup(tare__clock_name(header->clock));
        if (clock->name == NULL) {
            return -ENOMEM;
        }
    }
    collector->tick_ns = model->tick_ns;
    collector->best_error_ppb = model->rate_error_ppb;
    clock->rate_hz = 1e9 / model->tick_ns;
    clock->rate_error_ppm = model->rate_error_ppb / 1000;
    clock->granularity_ns = header->grain_ticks != 0 ? (double)header->grain_ticks * model->tick_ns : NAN;
    clock->invariant_tsc = header->flags & TARE_PAGE_INVARIANT_TSC;
    note_costs(clock, model);
    return 0;
}

static char *join_command(const char *command, size_t size)
{
    char *text = malloc(size + 1);
    if (text == NULL) {
        return NULL;
    }
    memcpy(text, command, size);
    while (size > 0 && text[size - 1] == '\0') {
        size--;
    }
    for (size_t i = 0; i < size; i++) {
        text[i] = text[i] == '\0' ? ' ' : text[i];
    }
    text[size] = '\0';
    return text;
}

static int fill_timers(const struct tare_page_view *view, const struct tare_cost_model *model,
                       const struct tare_page_context *context, struct tare_result *result,
                       struct tare_result_process *process);

static int add_process(struct tare_collector *collector, const struct tare_page_view *view,
                       const struct tare_cost_model *model, const struct tare_page_context *context)
{
    const struct tare_page *header = &view->header;
    struct tare_result_process *process = tare_result_add_process(collector->result);
    if (process == NULL) {
        return -ENOMEM;
    }
    process->pid = header->pid;
    process->parent_pid = header->parent_pid;
    process->executable = view->executable[0] != '\0' ? strdup(view->executable) : NULL;
    process->command = view->command_size != 0 ? join_command(view->command, view->command_size) : NULL;
    process->end = context->end;
    process->code = context->code;
    process->lost_instruments = header->lost_instruments;
    process->lost_threads = header->lost_threads;
    process->lost_scopes = header->lost_scopes;
    process->dropped_scopes = header->dropped_scopes;
    for (size_t i = 0; i < view->thread_count; i++) {
        process->threads = add(process->threads, view->threads[i].threads);
    }
    const struct tare_anchor *from = header->flags & TARE_PAGE_FORKED ? NULL : &header->first;
    bool ended_by_itself = header->state == TARE_PAGE_EXITED;
    process->wall_ns = from != NULL && ended_by_itself && header->last.raw_ns > from->raw_ns
                           ? (double)(header->last.raw_ns - from->raw_ns)
                           : NAN;
    return context->keep_timers ? fill_timers(view, model, context, collector->result, process) : 0;
}

int tare_collector_add(struct tare_collector *collector, const struct tare_page_view *view,
                       const struct tare_page_context *context)
{
    struct tare_result *result = collector->result;
    struct tare_cost_model model = tare_page_cost_model(&view->header, context->now);
    int error = note_clock(collector, &view->header, &model);
    for (size_t i = 0; error == 0 && i < view->timer_count; i++) {
        struct merged *timer = find_or_add(collector, &view->timers[i]);
        if (timer == NULL) {
            return -ENOMEM;
        }
        if (view->timers[i].sums.calls != 0) {
            error = merge(timer, &view->timers[i], &model, view->header.clock == collector->clock, context);
        }
    }
    if (error == 0) {
        error = tare__instruments_add(&collector->instruments, view, &model);
    }
    collector->lost_extras = add(collector->lost_extras, view->header.lost_extras);
    result->lost_instruments = add(result->lost_instruments, view->header.lost_instruments);
    result->lost_threads = add(result->lost_threads, view->header.lost_threads);
    result->lost_scopes = add(result->lost_scopes, view->header.lost_scopes);
    result->dropped_scopes = add(result->dropped_scopes, view->header.dropped_scopes);
    if (view->header.page_size > result->page_size_bytes) {
        result->page_size_bytes = view->header.page_size;
    }
    if (error == 0 && context->keep_process) {
        error = add_process(collector, view, &model, context);
    }
    return error;
}

/* One process's own timers: a collector for it alone. */
static int fill_timers(const struct tare_page_view *view, const struct tare_cost_model *model,
                       const struct tare_page_context *context, struct tare_result *result,
                       struct tare_result_process *process)
{
    struct tare_collector alone = {.result = result, .clock = view->header.clock, .tick_ns = model->tick_ns};
    for (size_t i = 0; i < view->timer_count; i++) {
        const struct tare_page_timer *from = &view->timers[i];
        if (from->sums.calls == 0) {
            continue;
        }
        struct merged timer = {.sums.min_ticks = UINT64_MAX, .min_ns = NAN, .max_ns = NAN};
        int error = merge(&timer, from, model, true, context);
        struct tare_result_timer *to =
            error == 0 ? tare_result_process_add_timer(process, from->module, from->name) : NULL;
        if (to != NULL) {
            to->file = from->file[0] != '\0' ? strdup(from->file) : NULL;
            to->line = from->line;
            error = fill(&alone, &timer, &to->figures);
        }
        free(timer.buckets);
        free(timer.sampled);
        if (to == NULL || error != 0) {
            return -ENOMEM;
        }
    }
    return 0;
}

static char *name_if(bool meant, const struct tare_instrument_figures *instrument, bool *failed)
{
    char *name = meant ? tare_instrument_full_name(instrument) : NULL;
    *failed |= meant && name == NULL;
    return name;
}

static char *unknown_count(const void *list, size_t i, bool *failed)
{
    const struct tare_instrument_figures *instrument = &((const struct tare_instrument_figures *)list)[i];
    return name_if((instrument->kind == TARE_KIND_COUNTER || instrument->kind == TARE_KIND_TOPK) &&
                       instrument->total.total == TARE_COUNT_UNKNOWN,
                   instrument, failed);
}

/* Whose values are above what a program can mean: see <tare/tare.h>, section 4. As a double, 2^63 - 1 is 2^63. */
static char *negative_values(const void *list, size_t i, bool *failed)
{
    const struct tare_instrument_figures *instrument = &((const struct tare_instrument_figures *)list)[i];
    const struct tare_distribution *values = &instrument->total.distribution;
    return name_if(instrument->kind == TARE_KIND_HISTOGRAM && values->count != 0 && values->max > 0x1p63,
                   instrument, failed);
}

static char *unknown_sum(const void *list, size_t i, bool *failed)
{
    const struct tare_instrument_figures *instrument = &((const struct tare_instrument_figures *)list)[i];
    const struct tare_distribution *values = &instrument->total.distribution;
    return name_if(instrument->kind == TARE_KIND_HISTOGRAM && values->count != 0 && isnan(values->sum),
                   instrument, failed);
}

/* They move to the result. */
static int finish_instruments(struct tare_collector *collector)
{
    struct tare__instruments *instruments = &collector->instruments;
    uint64_t left_out = instruments->left_out;
    size_t count = instruments->count;
    if (count != 0 && collector->result->instruments == NULL) {
        struct tare_instrument_figures *list = instruments->list;
        instruments->list = calloc(count, sizeof(*list)); /* what is released with the collector */
        if (instruments->list == NULL) {
            instruments->list = list;
            return -ENOMEM;
        }
        collector->result->instruments = list;
        collector->result->instrument_count = count;
    }
    const struct tare_result *result = collector->result;
    int error = tare_result_note_names(collector->result, TARE_NOTE_UNKNOWN_COUNTS, unknown_count,
                                       result->instruments, result->instrument_count);
    if (error == 0) {
        error = tare_result_note_names(collector->result, TARE_NOTE_UNKNOWN_SUMS, unknown_sum,
                                       result->instruments, result->instrument_count);
    }
    if (error == 0) {
        error =
            tare_result_note_names(collector->result,
                                   "histograms with values above 2^63 - 1, as negative ones are taken, are no "
                                   "guide to what was meant",
                                   negative_values, result->instruments, result->instrument_count);
    }
    if (error == 0 && left_out != 0) {
        error = tare_result_note(collector->result,
                                 "gauges and frames of more than %d processes were seen: %" PRIu64
                                 " more are left out",
                                 TARE__INSTRUMENT_PROCESSES, left_out);
    }
    if (error == 0 && collector->lost_extras != 0) {
        error = tare_result_note(collector->result,
                                 "%" PRIu64 " tables of top-k or rings of frames found no room in a page: what "
                                 "they were to hold is not here",
                                 collector->lost_extras);
    }
    return error;
}

int tare_collector_finish(struct tare_collector *collector)
{
    for (size_t i = 0; i < collector->count; i++) {
        const struct merged *timer = &collector->timers[i];
        struct tare_result_timer *to = tare_result_add_timer(collector->result, timer->module, timer->name);
        if (to == NULL) {
            return -ENOMEM;
        }
        to->file = timer->file != NULL ? strdup(timer->file) : NULL;
        to->line = timer->line;
        if (fill(collector, timer, &to->figures) != 0) {
            return -ENOMEM;
        }
    }
    return finish_instruments(collector);
}

int tare_collector_figures(const struct tare_collector *collector, const char *module, const char *name,
                           struct tare_result_figures *figures)
{
    tare_result_figures_init(figures);
    if (collector->table_size == 0) {
        return 0;
    }
    const uint32_t *place = place_of(collector, module, name);
    return *place == 0 ? 0 : fill(collector, &collector->timers[*place - 1], figures);
}

static uint64_t less(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

void tare_timer_sums_subtract(struct tare_timer_sums *later, const struct tare_timer_sums *earlier)
{
    later->calls = less(later->calls, earlier->calls);
    later->outermost = less(later->outermost, earlier->outermost);
    /* Of one that stopped at the greatest number nobody knows what came since: it stays so. */
    later->total_ticks = tare_sum_is_known(later->total_ticks) && tare_sum_is_known(earlier->total_ticks)
                             ? less(later->total_ticks, earlier->total_ticks)
                             : UINT64_MAX;
    later->scopes_within = less(later->scopes_within, earlier->scopes_within);
    later->closeness_within = less(later->closeness_within, earlier->closeness_within);
    later->uncounted_within = less(later->uncounted_within, earlier->uncounted_within);
    later->bytes = less(later->bytes, earlier->bytes);
}

static void subtract_timer(struct tare_page_timer *later, const struct tare_page_timer *earlier)
{
    if (later->generation != earlier->generation) {
        return; /* reset in between: all of it is new */
    }
    tare_timer_sums_subtract(&later->sums, &earlier->sums);
    if (later->buckets == NULL || earlier->buckets == NULL) {
        return;
    }
    /* The extremes of the window are not known; those of its buckets bound its quantiles. */
    uint64_t min = UINT64_MAX, max = 0;
    for (uint32_t i = 0; i < TARE_BUCKET_COUNT; i++) {
        later->buckets[i] = less(later->buckets[i], earlier->buckets[i]);
        if (later->buckets[i] != 0) {
            min = min == UINT64_MAX ? tare_bucket_low(i) : min;
            max = tare_bucket_low(i) + tare_bucket_width(i) - 1;
        }
    }
    if (min != UINT64_MAX) {
        later->sums.min_ticks = min > later->sums.min_ticks ? min : later->sums.min_ticks;
        later->sums.max_ticks = max < later->sums.max_ticks ? max : later->sums.max_ticks;
    }
}

void tare_page_view_subtract(struct tare_page_view *later, const struct tare_page_view *earlier)
{
    for (size_t i = 0; i < later->timer_count && i < earlier->timer_count; i++) {
        if (later->timers[i].index == earlier->timers[i].index) { /* directories only grow */
            subtract_timer(&later->timers[i], &earlier->timers[i]);
        }
    }
    tare__instruments_subtract(later, earlier);
    later->header.lost_instruments = less(later->header.lost_instruments, earlier->header.lost_instruments);
    later->header.lost_threads = less(later->header.lost_threads, earlier->header.lost_threads);
    later->header.lost_scopes = less(later->header.lost_scopes, earlier->header.lost_scopes);
    later->header.dropped_scopes = less(later->header.dropped_scopes, earlier->header.dropped_scopes);
}
