/* SPDX-License-Identifier: MIT */
/*
 * Running the body of a benchmark, and what its loop calls. The body runs once: when a sample is over the
 * loop asks for the number of iterations of the next, and in between, while nothing is timed, that is
 * decided. So set-up happens once, and what a sample leaves in the caches the next one finds, as in a
 * program.
 *
 * Each thread has a lane. What is decided is decided by lane 0 while the others wait, and is the same for all.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "harness/harness.h"
#include "harness/team.h"
#include "runtime/atomic.h"

enum {
    LINE_BYTES = 128, /* so that lanes do not write into each other's cache lines */
    GROWTH_MAX = 16,  /* from one run to the next, while the number of iterations is looked for */
    COUNT_ROUNDS = 5,
};
#define ITERATIONS_MAX (UINT64_C(1) << 50)
#define SLOW_NS 1e9 /* a first iteration that takes so long is taken at its word */

enum phase {
    PHASE_BEFORE,
    PHASE_FIRST,
    PHASE_SCALE,
    PHASE_SAMPLES,
    PHASE_COUNTS,
    PHASE_OVER,
};

enum lane_state {
    LANE_SET_UP,
    LANE_LOOP,
    LANE_OVER,
};

struct lane {
    tare_bench bench;
    struct run *run;
    uint64_t began_ticks;                  /* the sample */
    uint64_t work_began_ticks, work_ticks; /* of TARE_EACH_WITH: this iteration's, and the sum in the sample */
    enum lane_state state;
    bool with, working, left_work; /* left_work: by break */
    bool sampling;
    double ticks, wall_ticks; /* of the last sample */
    int cpu;
    uint64_t migrations;
    double wait_ns; /* at first when sampling began, then since */
    jmp_buf out;
} __attribute__((aligned(LINE_BYTES)));

struct run {
    const struct plan *plan;
    struct measured *measured;
    void (*body)(tare_bench *b);
    const uint64_t *script; /* of a calibration: the samples' iterations, and where their ticks go */
    double *script_ticks;
    size_t script_count, script_at;
    struct lane *lanes;
    unsigned threads;
    struct team team;
    pid_t pid;
    uint32_t failed;
    /* Lane 0's, while the others wait: */
    enum phase phase;
    uint64_t next; /* iterations of the next sample; 0: it is over */
    double cpu_ns, involuntary;
    struct counters counters;
    struct counted before;
    double counts[2][COUNT_ROUNDS][COUNTERS_MAX]; /* of single and double samples */
    unsigned count_at;
};

void (*tare__bench_last_words)(const char *failed);

static struct run *current; /* the run under way; NULL: none. For threads that are no lanes */
static _Thread_local struct lane *self;

static struct lane *lane_of(const tare_bench *b)
{
    return b->tare__lane;
}

/* The first failure counts: others follow from it. */
static void fail(struct run *run, const char *text)
{
    if (!cas32_acq_rel(&run->failed, 0, 1)) {
        return;
    }
    char *out = run->measured->failed;
    size_t size = sizeof(run->measured->failed), at = 0;
    for (; text[at] != '\0' && at + 1 < size; at++) { /* it goes into a line, and to a terminal */
        out[at] = text[at] >= ' ' && text[at] <= '~' ? text[at] : '?';
    }
    out[at] = '\0';
    if (run->threads > 1) {
        tare__bench_team_break(&run->team);
    }
}

/* Notes it, and returns if the body can be left as this place leaves it. */
static void leave_with(const char *text, int leaves)
{
    if (self != NULL && self->run->pid == getpid()) {
        fail(self->run, text);
        const struct tare__bench *bench = self->run->measured->bench;
        if (bench == NULL || leaves == bench->leaves) {
            return;
        }
        /* A throw that nobody catches ends the process without a word; a jump would skip destructors. */
    }
    struct run *run = load_acquire(&current);
    if (run != NULL && run->pid == getpid()) {
        fail(run, text);
        if (tare__bench_last_words != NULL) {
            tare__bench_last_words(run->measured->failed);
        }
    } else if (run == NULL) {
        fprintf(stderr, "%s, outside of a benchmark\n", text);
    }
    _exit(1);
}

void tare__bench_failed(const char *what, const char *file, unsigned line, int leaves)
{
    char text[sizeof(((struct measured *)NULL)->failed)];
    if (file != NULL) {
        snprintf(text, sizeof(text), "tare_require(%s) in %s:%u", what, file, line);
    } else {
        snprintf(text, sizeof(text), "%s%s", leaves == TARE__BENCH_THROWS ? "exception: " : "", what);
    }
    leave_with(text, leaves);
}

void tare__bench_skipped(const char *reason, int leaves)
{
    char text[sizeof(((struct measured *)NULL)->failed)];
    snprintf(text, sizeof(text), BENCH_SKIPPED "%s",
             reason != NULL && *reason != '\0' ? reason : "it does not say why");
    leave_with(text, leaves);
}

void tare__bench_leave(void)
{
    longjmp(self->out, 1);
}

void tare__per_iteration(tare_bench *b, int items, double n)
{
    struct measured *measured = lane_of(b)->run->measured;
    if (b->thread == 0 && measured != NULL && isfinite(n) && n > 0) {
        *(items ? &measured->items : &measured->bytes) = n;
    }
}

/*
 * ns that this thread could have run and did not; NAN: the kernel does not tell. Kernels that do not keep this
 * write zeros, of a thread that has run for a while (`old`), too.
 */
static double waited_ns(bool old)
{
    char text[96];
    unsigned long long ran, waited;
    int fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
    if (fd >= 0) {
        close(fd);
    }
    text[n > 0 ? n : 0] = '\0';
    bool known = sscanf(text, "%llu %llu", &ran, &waited) == 2 && (ran != 0 || !old);
    return known ? (double)waited : NAN;
}

static double process_cpu_ns(void)
{
    struct timespec used;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) != 0) {
        return NAN;
    }
    return (double)used.tv_sec * 1e9 + (double)used.tv_nsec;
}

static double process_involuntary(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? (double)usage.ru_nivcsw : NAN;
}

/*
 * What is read of each thread, and by the first of the process, before the first sample and behind the last. The number
 * of iterations is looked for by what may become the first sample.
 */
static void note_sampling(struct lane *lane)
{
    struct run *run = lane->run;
    bool samples = run->phase == PHASE_SCALE || run->phase == PHASE_SAMPLES, first = lane->bench.thread == 0;
    int cpu = sched_getcpu();
    lane->migrations += lane->sampling && cpu != lane->cpu;
    lane->cpu = cpu;
    if (samples && !lane->sampling) {
        lane->sampling = true;
        lane->wait_ns = waited_ns(false);
        if (first) {
            run->involuntary = process_involuntary();
            run->cpu_ns = process_cpu_ns();
        }
    } else if (!samples && lane->sampling) {
        lane->sampling = false;
        if (first) {
            run->cpu_ns = process_cpu_ns() - run->cpu_ns;
            run->involuntary = process_involuntary() - run->involuntary;
        }
        lane->wait_ns = waited_ns(true) - lane->wait_ns;
    }
}

static void begin_samples(struct run *run, uint64_t iterations)
{
    run->next = iterations < 1 ? 1 : iterations > ITERATIONS_MAX ? ITERATIONS_MAX : iterations;
    run->phase = PHASE_SAMPLES;
}

static void begin(struct run *run)
{
    run->phase = run->plan->kind == PLAN_EXACT ? PHASE_SAMPLES : PHASE_FIRST;
    run->next = run->plan->kind == PLAN_EXACT ? run->plan->iterations : 1;
}

static void sample_done(struct run *run, double ticks);

/* One more run on the way to the number of iterations that takes sample_ns, or the first sample. */
static void scale(struct run *run, double ticks, double wall_ticks)
{
    double wall_ns = wall_ticks * tare__bench_tick_ns();
    if (run->next == 1 && wall_ns >= run->plan->sample_ns) {
        begin_samples(run, 1);
        sample_done(run, ticks); /* as warm, and of as many iterations, as the others */
        return;
    }
    double times = wall_ns > 0 ? run->plan->sample_ns / wall_ns : GROWTH_MAX;
    double wanted = round((double)run->next * times);
    if (times <= 4 || run->next >= ITERATIONS_MAX) {
        begin_samples(run, (uint64_t)fmin(wanted, (double)ITERATIONS_MAX));
    } else {
        run->next = (uint64_t)fmin(fmax(wanted, 2.0 * (double)run->next), GROWTH_MAX * (double)run->next);
    }
}

static void first_done(struct run *run, double ticks, double wall_ticks)
{
    const struct plan *plan = run->plan;
    run->measured->first_ticks = ticks;
    run->measured->has_first = true;
    if (plan->kind == PLAN_COUNT) {
        run->next = plan->iterations;
        run->phase = PHASE_COUNTS;
    } else if (plan->iterations != 0) {
        begin_samples(run, plan->iterations);
    } else if (wall_ticks * tare__bench_tick_ns() >= SLOW_NS) {
        begin_samples(run, 1);
    } else {
        run->phase = PHASE_SCALE; /* from one iteration again: the first finds everything cold */
    }
}

static void sample_done(struct run *run, double ticks)
{
    const struct plan *plan = run->plan;
    struct measured *measured = run->measured;
    measured->samples[measured->count++] = (struct measured_sample){run->next, ticks};
    if (measured->count == plan->samples ||
        (plan->until_ns != 0 && measured->count >= plan->samples_min && clock_raw_ns() >= plan->until_ns)) {
        run->next = 0;
        run->phase = PHASE_OVER;
    } else if (plan->look != NULL) {
        plan->look(plan->data);
    }
}

/* Counters are read as the last thing before a sample, and as the first behind it. */
static void counts_done(struct run *run, const struct counted *now)
{
    bool twice = run->count_at % 2 != 0;
    tare__bench_counters_between(&run->before, now, run->counts[twice][run->count_at / 2]);
    run->count_at++;
    run->next = twice ? run->plan->iterations : 2 * run->plan->iterations;
    if (run->count_at == 2 * COUNT_ROUNDS) {
        run->next = 0;
        run->phase = PHASE_OVER;
    }
}

/* What comes next; by lane 0, while the others wait. */
static void decide(struct run *run, const struct counted *counted)
{
    double ticks = 0, wall_ticks = 0;
    for (unsigned i = 0; i < run->threads; i++) {
        ticks += run->lanes[i].ticks / run->threads;
        wall_ticks = fmax(wall_ticks, run->lanes[i].wall_ticks);
    }
    run->measured->with = run->lanes[0].with;
    switch (run->phase) {
    case PHASE_BEFORE:
        begin(run);
        if (run->plan->begin != NULL) {
            run->plan->begin(run->plan->data);
        }
        break;
    case PHASE_FIRST:
        first_done(run, ticks, wall_ticks);
        break;
    case PHASE_SCALE:
        scale(run, ticks, wall_ticks);
        break;
    case PHASE_SAMPLES:
        sample_done(run, ticks);
        break;
    case PHASE_COUNTS:
        counts_done(run, counted);
        break;
    case PHASE_OVER:
        break;
    }
    if (run->phase == PHASE_OVER && run->plan->end != NULL) {
        run->plan->end(run->plan->data);
    }
}

static uint64_t next_of_script(struct run *run, double ticks)
{
    if (run->script_at > 0) {
        run->script_ticks[run->script_at - 1] = ticks;
    }
    return run->script_at < run->script_count ? run->script[run->script_at++] : 0;
}

/* The iterations of the next sample, the same for all lanes; 0: there is none. */
static uint64_t next_of_plan(struct run *run, struct lane *lane)
{
    struct counted counted;
    if (run->phase == PHASE_COUNTS) { /* all lanes, so that what it costs is the same for all */
        tare__bench_counters_read(&run->counters, &counted);
    }
    if (run->threads > 1 && !tare__bench_team_meet(&run->team)) {
        return 0;
    }
    if (lane->bench.thread == 0) {
        decide(run, &counted);
    }
    if (run->threads > 1 && !tare__bench_team_meet(&run->team)) {
        return 0;
    }
    if (run->plan->kind == PLAN_TIME) {
        note_sampling(lane);
    }
    if (run->phase == PHASE_COUNTS && lane->bench.thread == 0) {
        tare__bench_counters_read(&run->counters, &run->before);
    }
    if (run->threads > 1 && !tare__bench_team_meet(&run->team)) {
        return 0;
    }
    return run->next;
}

static uint64_t next_sample(struct lane *lane)
{
    struct run *run = lane->run;
    int saved = errno;
    uint64_t next = run->script != NULL ? next_of_script(run, lane->ticks) : next_of_plan(run, lane);
    errno = saved;
    if (next == 0) {
        lane->state = LANE_OVER;
        return 0;
    }
    lane->work_ticks = 0;
    lane->began_ticks = clock_start(tare__bench_clock);
    return next;
}

static uint64_t begin_loop(tare_bench *b, bool with)
{
    struct lane *lane = lane_of(b);
    if (lane->state != LANE_SET_UP) {
        fail(lane->run, "it begins a second TARE_EACH loop");
        return 0;
    }
    lane->state = LANE_LOOP;
    lane->with = with;
    return next_sample(lane);
}

uint64_t tare__each(tare_bench *b)
{
    return begin_loop(b, false);
}

uint64_t tare__each_with(tare_bench *b)
{
    return begin_loop(b, true);
}

uint64_t tare__more(tare_bench *b)
{
    uint64_t now = clock_stop(tare__bench_clock);
    struct lane *lane = lane_of(b);
    if (lane->state != LANE_LOOP) { /* the loop was never begun, or is over: a second one within it */
        return 0;
    }
    lane->wall_ticks = (double)(now - lane->began_ticks);
    lane->ticks = lane->with ? (double)lane->work_ticks : lane->wall_ticks;
    return next_sample(lane);
}

void tare__work_begins(tare_bench *b)
{
    struct lane *lane = lane_of(b);
    lane->left_work = lane->left_work || lane->working;
    lane->working = true;
    lane->work_began_ticks = clock_start(tare__bench_clock);
}

void tare__work_ended(tare_bench *b)
{
    uint64_t now = clock_stop(tare__bench_clock);
    struct lane *lane = lane_of(b);
    lane->work_ticks += now - lane->work_began_ticks;
    lane->working = false;
}

/* Others would wait for this thread for ever. */
static void lane_ends(void *data)
{
    struct lane *lane = data;
    if (lane->run->pid == getpid()) {
        static atomic_flag told = ATOMIC_FLAG_INIT;
        static _Thread_local bool telling; /* a sanitizer's end of a thread comes here more than once */
        if (!atomic_flag_test_and_set(&told)) {
            telling = true;
            fail(lane->run, "it ends its thread");
            if (tare__bench_last_words != NULL) {
                tare__bench_last_words(lane->run->measured->failed);
            }
        } else if (!telling) {
            for (;;) { /* until the thread that tells has told, and ends us */
                pause();
            }
        }
        _exit(1);
    }
}

/* By itself, as nothing that changes may live across setjmp. */
static __attribute__((noinline)) void run_body(struct lane *lane)
{
    if (setjmp(lane->out) == 0) {
        lane->run->body(&lane->bench);
    }
}

/* The body on its thread. */
static void *run_lane(void *data)
{
    struct lane *lane = data;
    struct run *run = lane->run;
    struct lane *outer = self; /* of a run in whose course this one calibrates */
    self = lane;
    pthread_cleanup_push(lane_ends, lane);
    run_body(lane);
    pthread_cleanup_pop(0);
    if (getpid() != run->pid) { /* a child that the benchmark forked, and forgot to end */
        _exit(1);
    }
    self = outer;
    if (lane->state == LANE_SET_UP) {
        fail(run, "it never gets to a TARE_EACH loop");
    } else if (lane->state == LANE_LOOP || lane->left_work || lane->working) {
        fail(run, "it leaves its TARE_EACH loop early");
    }
    return NULL;
}

static int run_init(struct run *run, unsigned threads)
{
    run->lanes = aligned_alloc(LINE_BYTES, threads * sizeof(struct lane));
    if (run->lanes == NULL) {
        return -ENOMEM;
    }
    memset(run->lanes, 0, threads * sizeof(struct lane));
    run->threads = threads;
    run->pid = getpid();
    team_init(&run->team, threads);
    for (unsigned i = 0; i < threads; i++) {
        run->lanes[i].run = run;
        run->lanes[i].bench = (tare_bench){.thread = i, .threads = threads, .tare__lane = &run->lanes[i]};
    }
    return 0;
}

/* All lanes, the first on this thread. */
static int run_lanes(struct run *run)
{
    pthread_t *ids = calloc(run->threads, sizeof(*ids));
    if (ids == NULL) {
        return -ENOMEM;
    }
    unsigned started = 1;
    int error = 0;
    while (started < run->threads && error == 0) {
        error = pthread_create(&ids[started], NULL, run_lane, &run->lanes[started]);
        started += error == 0;
    }
    if (error == 0) {
        run_lane(&run->lanes[0]);
    } else {
        char text[128];
        snprintf(text, sizeof(text), "cannot start thread %u of %u: %s", started + 1, run->threads,
                 strerror(error));
        fail(run, text);
    }
    for (unsigned i = 1; i < started; i++) {
        pthread_join(ids[i], NULL);
    }
    free(ids);
    return 0;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/*
 * What an iteration counted: samples of twice as many counted so much more. Of what the kernel counts one by
 * one the mean over rounds, as it may be rare; of the processor's counters the median, as interrupts disturb
 * some rounds.
 */
static double counted_by_iteration(const struct run *run, unsigned counter)
{
    double differences[COUNT_ROUNDS], sum = 0;
    for (unsigned i = 0; i < COUNT_ROUNDS; i++) {
        differences[i] = run->counts[1][i][counter] - run->counts[0][i][counter];
        sum += differences[i];
    }
    if (isnan(sum)) {
        return NAN;
    }
    qsort(differences, COUNT_ROUNDS, sizeof(differences[0]), compare_doubles);
    double difference =
        tare__bench_counter_is_kernels(counter) ? sum / COUNT_ROUNDS : differences[COUNT_ROUNDS / 2];
    return difference / (double)run->plan->iterations / run->threads;
}

static void sum_up(const struct run *run)
{
    struct measured *measured = run->measured;
    if (run->phase != PHASE_OVER || measured->failed[0] != '\0') {
        return;
    }
    if (run->plan->kind == PLAN_COUNT) {
        for (unsigned i = 0; i < COUNTERS_MAX; i++) {
            measured->counts[i] = counted_by_iteration(run, i);
        }
    } else if (run->plan->kind == PLAN_TIME) {
        measured->wait_ns = measured->migrations = 0;
        for (unsigned i = 0; i < run->threads; i++) {
            measured->wait_ns += run->lanes[i].wait_ns;
            measured->migrations += (double)run->lanes[i].migrations;
        }
        measured->cpu_ns = run->cpu_ns;
        measured->involuntary = run->involuntary;
    }
}

int tare__bench_measure(const struct bench_unit *unit, const struct plan *plan, struct measured *measured)
{
    struct run run = {
        .plan = plan, .measured = measured, .body = plan->empty ? unit->bench->nothing : unit->bench->body};
    *measured = (struct measured){
        .bench = unit->bench,
        .samples = calloc(plan->samples, sizeof(*measured->samples)),
        .bytes = NAN,
        .items = NAN,
        .wait_ns = NAN,
        .cpu_ns = NAN,
        .migrations = NAN,
        .involuntary = NAN,
    };
    for (unsigned i = 0; i < COUNTERS_MAX; i++) {
        measured->counts[i] = NAN;
    }
    int error = measured->samples != NULL ? run_init(&run, plan->empty ? 1 : unit->threads) : -ENOMEM;
    if (error != 0) {
        return error;
    }
    for (unsigned i = 0; i < run.threads; i++) {
        memcpy(run.lanes[i].bench.arg, unit->args, sizeof(unit->args));
        run.lanes[i].bench.args = unit->arg_count;
    }
    if (plan->kind == PLAN_COUNT) {
        tare__bench_counters_open(&run.counters);
    }
    store_release(&current, &run);
    error = run_lanes(&run);
    store_release(&current, NULL);
    sum_up(&run);
    if (plan->kind == PLAN_COUNT) {
        tare__bench_counters_close(&run.counters);
    }
    free(run.lanes);
    return error;
}

void tare__bench_measured_release(struct measured *measured)
{
    free(measured->samples);
    measured->samples = NULL;
    measured->count = 0;
}

int tare__bench_ticks_of(void (*body)(tare_bench *b), const uint64_t *iterations, size_t count, double *ticks)
{
    struct measured unused = {.count = 0};
    struct run run = {
        .measured = &unused, .body = body, .script = iterations, .script_ticks = ticks, .script_count = count};
    int error = run_init(&run, 1);
    if (error == 0) {
        run_lane(&run.lanes[0]);
        free(run.lanes);
    }
    return error;
}
