/* SPDX-License-Identifier: MIT */
/*
 * `make bench-cost`: what tare costs, as ratios to a floor measured in the same process, in interleaved rounds.
 * The figures that count are medians over rounds of a round's ratio, so that a disturbance of this machine
 * spoils rounds, not the figure.
 *
 * Clock and histograms are chosen when a process starts, so each row of scopes is a child of this program with
 * its environment.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tare/page.h>
#include <tare/tare.h>

#include "bench/cost_loop.h"
#include "record/discover.h"
#include "record/reader.h"
#include "runtime/clock.h"
#include "stats/quantile.h"

extern char **environ;

TARE_TIMER(scope);

enum {
    ROUNDS = 101,
    SCOPES = 20000,
    LOOPS = 200000,
    STARTS = 151,
    PAGE_TIMERS = 1000,
    PAGE_THREADS = 64,
    READS = 15,
};

static double now_ns(void)
{
    return (double)clock_raw_ns();
}

/* Two readings of a clock with nothing between or around them: the floor. */
static double bare_pair_ns(uint32_t kind)
{
    double start = now_ns();
    for (int i = 0; i < SCOPES; i++) {
        uint64_t first = clock_start(kind);
        __asm__ volatile("" : : "r"(first));
        uint64_t last = clock_stop(kind);
        __asm__ volatile("" : : "r"(last));
    }
    return (now_ns() - start) / SCOPES;
}

static double scope_ns(void)
{
    double start = now_ns();
    for (int i = 0; i < SCOPES; i++) {
        TARE_SCOPE(scope);
    }
    return (now_ns() - start) / SCOPES;
}

/* Child: the median of scope - pair and scope / pair, and of the pair. */
static int child_scope(void)
{
    static double pairs[ROUNDS], differences[ROUNDS], ratios[ROUNDS];
    uint32_t kind = tare__clock_parse(tare_clock_name());
    if (kind == TARE_CLOCK_NONE) {
        return 1;
    }
    for (int i = 0; i < ROUNDS; i++) {
        double before = bare_pair_ns(kind), scope = scope_ns(), after = bare_pair_ns(kind);
        pairs[i] = (before + after) / 2;
        differences[i] = scope - pairs[i];
        ratios[i] = scope / pairs[i];
    }
    printf("%.4f %.4f %.4f\n", tare_median(pairs, ROUNDS), tare_median(differences, ROUNDS),
           tare_median(ratios, ROUNDS));
    return 0;
}

/* Runs this program again as a child with one more variable or two; reads three numbers from it. */
static int run_child(const char *what, const char *clock, const char *histogram, double out[3])
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0) {
        return -errno;
    }
    pid_t pid = fork();
    if (pid == 0) {
        setenv("TARE_CLOCK", clock, 1);
        setenv("TARE_HISTOGRAM", histogram, 1);
        setenv("TARE_ENABLE", "cost::scope", 1);
        dup2(fds[1], STDOUT_FILENO);
        execl("/proc/self/exe", "bench-cost", what, (char *)NULL);
        _exit(127);
    }
    close(fds[1]);
    FILE *in = fdopen(fds[0], "r");
    int got = in != NULL ? fscanf(in, "%lf %lf %lf", &out[0], &out[1], &out[2]) : 0;
    if (in != NULL) {
        fclose(in);
    }
    int status;
    waitpid(pid, &status, 0);
    return got == 3 && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

static void print_row(const char *what, const char *measured, const char *limit, bool met)
{
    printf("%-66s %18s %12s  %s\n", what, measured, limit, met ? "met" : "NOT MET");
    fflush(stdout);
}

static void rows_of_scopes(void)
{
    static const char *const clocks[] = {"tsc-ordered", "tsc", "clock"};
    for (size_t i = 0; i < 3; i++) {
        char what[96], measured[32];
        double sums[3], histogram[3];
        if (!tare__clock_usable(tare__clock_parse(clocks[i]))) {
            printf("%s: skipped, cannot be read here\n", clocks[i]);
            continue;
        }
        if (run_child("--scope", clocks[i], "off", sums) != 0 ||
            run_child("--scope", clocks[i], "on", histogram) != 0) {
            printf("%s: FAILED\n", clocks[i]);
            continue;
        }
        snprintf(what, sizeof(what), "%s: scope, sums only, to a bare pair of %.1f ns", clocks[i], sums[0]);
        snprintf(measured, sizeof(measured), "%.3f x", sums[2]);
        print_row(what, measured, "1.10 x", sums[2] <= 1.10);
        snprintf(what, sizeof(what), "%s: scope with histogram, over that pair", clocks[i]);
        snprintf(measured, sizeof(measured), "%+.2f ns", histogram[1]);
        print_row(what, measured, "+6 ns", histogram[1] <= 6);
    }
}

static void row_disabled(void)
{
    static double differences[ROUNDS];
    uint64_t keep = 0;
    for (int i = 0; i < ROUNDS; i++) {
        double a = now_ns();
        keep += cost_loop_without(LOOPS);
        double b = now_ns();
        keep += cost_loop_with(LOOPS);
        double c = now_ns();
        keep += cost_loop_without(LOOPS);
        double d = now_ns();
        differences[i] = ((c - b) - ((b - a) + (d - c)) / 2) / LOOPS;
    }
    char measured[32];
    double median = tare_median(differences, ROUNDS);
    snprintf(measured, sizeof(measured), "%+.3f ns", median);
    print_row("disabled scope, to the same loop compiled with TARE_DISABLE", measured, "+0.5 ns",
              median <= 0.5);
    __asm__ volatile("" : : "r"(keep));
}

/* Two threads on two processors in the same timer. */
struct worker {
    int cpu;
    pthread_barrier_t *start;
    double ns;
};

static void *work(void *data)
{
    struct worker *worker = data;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)worker->cpu, &set);
    sched_setaffinity(0, sizeof(set), &set);
    scope_ns();
    pthread_barrier_wait(worker->start);
    double start = now_ns();
    for (int i = 0; i < 50; i++) {
        scope_ns();
    }
    worker->ns = now_ns() - start;
    return NULL;
}

/* Scopes in a second by that many threads, each on its own processor. */
static double scopes_per_second(const int *cpus, unsigned threads)
{
    pthread_barrier_t start;
    pthread_t ids[2];
    struct worker workers[2];
    double rate = 0;
    pthread_barrier_init(&start, NULL, threads);
    for (unsigned i = 0; i < threads; i++) {
        workers[i] = (struct worker){.cpu = cpus[i], .start = &start};
        pthread_create(&ids[i], NULL, work, &workers[i]);
    }
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        rate += 50.0 * SCOPES * 1e9 / workers[i].ns;
    }
    pthread_barrier_destroy(&start);
    return rate;
}

static void row_threads(void)
{
    cpu_set_t set;
    int cpus[2], count = 0;
    sched_getaffinity(0, sizeof(set), &set);
    for (int cpu = 0; cpu < CPU_SETSIZE && count < 2; cpu++) {
        if (CPU_ISSET((size_t)cpu, &set)) {
            cpus[count++] = cpu;
        }
    }
    if (count < 2) {
        printf("two threads: skipped, there is one processor\n");
        return;
    }
    tare_enable_only("cost::scope");
    double ratios[11];
    for (int i = 0; i < 11; i++) {
        double one = (scopes_per_second(cpus, 1) + scopes_per_second(cpus + 1, 1)) / 2;
        ratios[i] = scopes_per_second(cpus, 2) / one;
    }
    tare_disable("*");
    char measured[32];
    double median = tare_median(ratios, 11);
    snprintf(measured, sizeof(measured), "%.3f x", median);
    print_row("two threads on two processors in one timer, to one thread", measured, ">= 1.9 x", median >= 1.9);
}

/* A page of 1,000 timers x 64 threads, all of them used. */
static pthread_barrier_t page_ready, page_read;
static tare_timer *page_timers[PAGE_TIMERS];

static void *fill(void *data)
{
    (void)data;
    for (int i = 0; i < PAGE_TIMERS; i++) {
        for (int n = 0; n < 4; n++) {
            tare_span span = tare__open(page_timers[i]);
            for (volatile int spin = 0; spin < n * 8; spin++) {
            }
            TARE_END(span);
        }
    }
    pthread_barrier_wait(&page_ready);
    pthread_barrier_wait(&page_read);
    return NULL;
}

static double read_page(const struct tare_page_source *source, unsigned flags)
{
    struct tare_page_view view;
    char message[256];
    double start = now_ns();
    int failure = tare_page_read(source, flags, &view, message, sizeof(message));
    double took = now_ns() - start;
    if (failure != 0 || view.timer_count < PAGE_TIMERS) {
        fprintf(stderr, "bench-cost: the page cannot be read: %s\n",
                failure != 0 ? message : "timers are missing");
        took = NAN;
    }
    tare_page_view_release(&view);
    return took;
}

/* Child: a process with such a page reads it as a stranger would. */
static int child_page(void)
{
    static const struct tare__module module = {"page"};
    static char names[PAGE_TIMERS][24];
    static tare_timer timers[PAGE_TIMERS];
    pthread_t threads[PAGE_THREADS];
    for (int i = 0; i < PAGE_TIMERS; i++) {
        snprintf(names[i], sizeof(names[i]), "timer%d", i);
        timers[i] =
            (tare_timer){&tare__never, TARE_ABI, UINT32_MAX, names[i], &module, __FILE__, 1, TARE_KIND_TIMER};
        page_timers[i] = &timers[i];
    }
    tare__enroll(page_timers, page_timers + PAGE_TIMERS);
    tare_enable("page::*");
    pthread_barrier_init(&page_ready, NULL, PAGE_THREADS + 1);
    pthread_barrier_init(&page_read, NULL, PAGE_THREADS + 1);
    for (int i = 0; i < PAGE_THREADS; i++) {
        pthread_create(&threads[i], NULL, fill, NULL);
    }
    pthread_barrier_wait(&page_ready);
    struct tare_found_page *pages = NULL;
    size_t count = 0, denied = 0;
    if (tare_discover(getpid(), &pages, &count, &denied) != 0 || count == 0) {
        return 1;
    }
    const struct tare_page_source source = {open(pages[0].path, O_RDONLY | O_CLOEXEC), pages[0].offset,
                                            pages[0].limit};
    double sums[READS], all[READS];
    for (int i = 0; i < READS; i++) {
        sums[i] = read_page(&source, 0) / 1e6;
        all[i] = read_page(&source, TARE_READ_HISTOGRAMS) / 1e6;
    }
    pthread_barrier_wait(&page_read);
    for (int i = 0; i < PAGE_THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    printf("%.4f %.4f 0\n", tare_median(sums, READS), tare_median(all, READS));
    return 0;
}

static void rows_of_reading(void)
{
    double ms[3];
    char measured[32];
    if (run_child("--page", "tsc", "on", ms) != 0) {
        printf("reading a page: FAILED\n");
        return;
    }
    snprintf(measured, sizeof(measured), "%.2f ms", ms[0]);
    print_row("reading the sums of a page of 1,000 timers x 64 threads", measured, "5 ms", ms[0] <= 5);
    snprintf(measured, sizeof(measured), "%.2f ms", ms[1]);
    print_row("the same with all histograms", measured, "100 ms", ms[1] <= 100);
}

/* Wall time of a child that does nothing, in ms. */
static double start_ms(const char *variable)
{
    char *argv[] = {(char *)"bench-cost", (char *)"--nothing", NULL};
    char *environment[] = {(char *)(uintptr_t)variable, NULL};
    pid_t pid;
    int status = 0;
    double start = now_ns();
    if (posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, environment) != 0 ||
        waitpid(pid, &status, 0) != pid || status != 0) {
        return NAN;
    }
    return (now_ns() - start) / 1e6;
}

static void row_start(void)
{
    static double with[STARTS], without[STARTS], differences[STARTS];
    for (int i = 0; i < STARTS; i++) {
        bool first = i % 2 == 0;
        double a = start_ms(first ? "TARE=off" : "TARE_ENABLE=*");
        double b = start_ms(first ? "TARE_ENABLE=*" : "TARE=off");
        without[i] = first ? a : b;
        with[i] = first ? b : a;
        differences[i] = with[i] - without[i];
    }
    char what[96], measured[32];
    double median = tare_median(differences, STARTS);
    snprintf(what, sizeof(what), "start-up with the page, to TARE=off (%.2f ms)", tare_median(without, STARTS));
    snprintf(measured, sizeof(measured), "%+.3f ms", median);
    print_row(what, measured, "+1 ms", median <= 1);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--scope") == 0) {
        return child_scope();
    }
    if (argc > 1 && strcmp(argv[1], "--page") == 0) {
        return child_page();
    }
    if (argc > 1 && strcmp(argv[1], "--nothing") == 0) {
        return 0;
    }
    if (argc > 1) {
        fprintf(stderr, "usage: bench-cost\n");
        return 2;
    }
    printf("%-66s %18s %12s\n", "what", "measured", "at most");
    rows_of_scopes();
    row_disabled();
    row_threads();
    rows_of_reading();
    row_start();
    return 0;
}
