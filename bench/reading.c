/* SPDX-License-Identifier: MIT */
/*
 * `make bench-reading`: how long a live view takes to read a page, beside a floor of the same run: copying the
 * same slots, which is what any reader has to look at. The page is of a real process, a child of this program:
 * 16 threads that have used all of 5,000 instruments, in several mixes of kinds. Its threads are idle while it is
 * read, so that they do not compete with the reader for processors; the page is as full. Histograms and timers
 * alone are the most that there can be to read: they are shown, and have no limit (docs/cost.md).
 *
 * Each way of reading takes turns with the copy, whose caches are warm; each figure is of all of its rounds. The
 * limit is for reading again and again with the contents of histograms: 3 ms in the middle, with caches that the
 * last reading has left warm, and with cold ones, which is what a live view at 4 Hz finds. What it makes of what it
 * read is not in it. Reading once, as other commands do, has to find and read all names, and has no limit.
 *
 * Exit status: 0 if the limit is met in all mixes that have it, 1 if not, 2 if that could not be told (bench/quiet.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tare/frame.h>
#include <tare/page.h>
#include <tare/tare.h>

#include "bench/quiet.h"
#include "record/discover.h"
#include "record/reader.h"
#include "runtime/clock.h"
#include "stats/quantile.h"

enum { THREADS = 16, INSTRUMENTS = 5000, ROUNDS = 101, NAME = 32, KINDS = 6, VALUES = 50 };
static const double LIMIT_MS = 3;

struct kind {
    uint32_t kind;
    uint32_t count;
};

/* How many there are of each kind; what is left are counters. A count of 0 ends the list. */
static const struct mix {
    const char *what;
    bool judged;
    struct kind kinds[KINDS + 1];
} mixes[] = {
    {"counters alone", true, {{0, 0}}},
    {"85 of 100 counters, all kinds",
     true,
     {{TARE_KIND_GAUGE, 400},
      {TARE_KIND_TIMER, 200},
      {TARE_KIND_HISTOGRAM, 100},
      {TARE_KIND_STATE, 50},
      {TARE_KIND_TOPK, 2},
      {TARE_KIND_FRAMES, 2}}},
    {"half timers and histograms, half counters", true, {{TARE_KIND_TIMER, 1250}, {TARE_KIND_HISTOGRAM, 1250}}},
    {"timers alone, which have no limit", false, {{TARE_KIND_TIMER, INSTRUMENTS}}},
    {"histograms alone, which have no limit", false, {{TARE_KIND_HISTOGRAM, INSTRUMENTS}}},
};

static tare_instrument instruments[INSTRUMENTS];
static tare_timer *pointers[INSTRUMENTS];
static char names[INSTRUMENTS][NAME];
static const struct tare__module module = {"bench"};
static const char *const parts[] = {"first", "second", "third", "fourth"};
static pthread_barrier_t barrier;

static void die(const char *what)
{
    fprintf(stderr, "bench-reading: %s: %s\n", what, strerror(errno));
    exit(2);
}

static void declare(const struct kind *from)
{
    uint32_t left = from->count;
    for (uint32_t i = 0; i < INSTRUMENTS; i++) {
        if (left == 0 && from->count != 0) {
            from++;
            left = from->count;
        }
        uint32_t kind = left > 0 ? from->kind : TARE_KIND_COUNTER;
        left -= left > 0;
        snprintf(names[i], NAME, "instrument_%u", i);
        bool named = kind == TARE_KIND_STATE || kind == TARE_KIND_FRAMES;
        instruments[i] = (tare_instrument){
            .timer = {&tare__never, TARE_ABI, UINT32_MAX, names[i], &module, "reading.c", i + 1, kind},
            .names = named ? parts : NULL,
            .name_count = named ? 4 : 0,
            .size = kind == TARE_KIND_TOPK     ? 256
                    : kind == TARE_KIND_FRAMES ? 1024
                                               : 0,
        };
        pointers[i] = &instruments[i].timer;
    }
    tare__enroll(pointers, pointers + INSTRUMENTS);
    tare_enable("*");
}

static void use(uint32_t i, uint64_t thread)
{
    tare_instrument *instrument = &instruments[i];
    switch (instrument->timer.kind) {
    case TARE_KIND_COUNTER:
        tare__add(instrument, i + 1);
        break;
    case TARE_KIND_GAUGE:
        tare__set(instrument, (double)i);
        break;
    case TARE_KIND_TIMER: {
        for (int k = 0; k < VALUES; k++) {
            tare_span span = tare__open(&instrument->timer);
            tare__close(&span);
        }
        break;
    }
    case TARE_KIND_HISTOGRAM:
        for (uint64_t k = 0; k < VALUES; k++) { /* in a dozen buckets and more */
            tare__record(instrument, 1000 + i + k * k);
        }
        break;
    case TARE_KIND_STATE:
        tare__enter(instrument, 1);
        break;
    case TARE_KIND_TOPK:
        for (uint64_t key = 0; key < 300; key++) {
            tare__hit(instrument, key % 290 + thread, key + 1);
        }
        break;
    case TARE_KIND_FRAMES:
        for (int k = 0; thread == 0 && k < 1100; k++) {
            tare__frame_begin(instrument);
            tare__frame_end(instrument);
        }
        break;
    }
}

static void *thread_main(void *number)
{
    for (uint32_t i = 0; i < INSTRUMENTS; i++) {
        use(i, (uint64_t)(uintptr_t)number);
    }
    pthread_barrier_wait(&barrier);
    for (;;) {
        pause();
    }
    return NULL;
}

/* The measured process. Says so when its page is full. */
static _Noreturn void measured(int ready, const struct mix *mix)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    declare(mix->kinds);
    pthread_barrier_init(&barrier, NULL, THREADS + 1);
    for (uintptr_t k = 0; k < THREADS; k++) {
        pthread_t thread;
        errno = pthread_create(&thread, NULL, thread_main, (void *)k);
        if (errno != 0) {
            die("cannot start a thread");
        }
    }
    pthread_barrier_wait(&barrier);
    if (write(ready, "r", 1) != 1) {
        die("cannot say that the page is full");
    }
    for (;;) {
        pause();
    }
}

static pid_t start_measured(size_t mix)
{
    int ready[2];
    char fd[16], number[16], byte;
    if (pipe(ready) != 0) {
        die("cannot make a pipe");
    }
    snprintf(fd, sizeof(fd), "%d", ready[1]);
    snprintf(number, sizeof(number), "%zu", mix);
    pid_t pid = fork();
    if (pid == 0) {
        setenv("TARE_TIMERS", "5000", 1); /* read when a program starts: so it is started once more */
        setenv("TARE_THREADS", "32", 1);
        unsetenv("TARE");
        unsetenv("TARE_PAGE");
        execl("/proc/self/exe", "bench-reading", "measured", fd, number, (char *)NULL);
        _exit(127);
    }
    close(ready[1]);
    if (pid < 0 || read(ready[0], &byte, 1) != 1) {
        die("the measured process did not come to be");
    }
    close(ready[0]);
    return pid;
}

static double now_ms(void)
{
    return (double)clock_raw_ns() / 1e6;
}

static int compare(const void *a, const void *b)
{
    const double *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

static bool show(const char *what, double *ms, size_t count, double floor_ms, bool judged)
{
    qsort(ms, count, sizeof(*ms), compare);
    double median = tare_quantile(ms, count, 0.5), p95 = tare_quantile(ms, count, 0.95);
    printf("  %-44s %8.3f ms %8.3f ms %7.2f", what, median, p95, median / floor_ms);
    if (judged) {
        printf("  %.0f ms, which is %.1f: %s", LIMIT_MS, LIMIT_MS / floor_ms,
               median <= LIMIT_MS ? "met" : "NOT MET");
    }
    printf("\n");
    return !judged || median <= LIMIT_MS;
}

struct sides {
    double copy[4 * ROUNDS], reading[ROUNDS], contents[ROUNDS], cold[ROUNDS], once[ROUNDS];
};

static double timed_read(struct tare_page_reader *reader, const struct tare_page_source *source, unsigned flags)
{
    struct tare_page_view view;
    char message[200] = "";
    double start = now_ms();
    int error = reader != NULL ? tare_page_reader_read(reader, flags, &view, message, sizeof(message))
                               : tare_page_read(source, flags, &view, message, sizeof(message));
    double ms = now_ms() - start;
    if (error != 0 || view.instrument_count + view.timer_count != INSTRUMENTS || view.thread_count < THREADS) {
        fprintf(stderr, "bench-reading: the page was not read: %s\n", message);
        exit(2);
    }
    for (size_t i = 0; i < view.instrument_count; i++) {
        const struct tare_page_instrument *counter = &view.instruments[i];
        if (counter->kind == TARE_KIND_COUNTER && counter->total != (uint64_t)THREADS * counter->line) {
            fprintf(stderr, "bench-reading: %s is %llu\n", counter->name, (unsigned long long)counter->total);
            exit(2);
        }
    }
    start = now_ms();
    tare_page_view_release(&view);
    return ms + (now_ms() - start);
}

/* Copies all slots that are in use, from a mapping of our own. */
static double timed_copy(const unsigned char *page, const struct tare_page *h, unsigned char *out)
{
    double start = now_ms();
    size_t size = (size_t)h->instrument_count * h->slot_stride;
    for (uint32_t k = 0; k < THREADS; k++) {
        memcpy(out + k * size, page + h->blocks_offset + k * h->block_stride + h->slots_offset, size);
    }
    __asm__ volatile("" : : "r"(out) : "memory");
    return now_ms() - start;
}

/* What a reader finds that reads four times a second: others have used the caches since. */
static void empty_caches(void)
{
    enum { SIZE = 64 << 20, LINE = 64 };
    static unsigned char *memory;
    if (memory == NULL && (memory = malloc(SIZE)) == NULL) {
        die("no memory");
    }
    for (size_t i = 0; i < SIZE; i += LINE) {
        memory[i]++;
    }
    __asm__ volatile("" : : "r"(memory) : "memory");
}

static void measure(const struct tare_page_source *source, struct sides *sides)
{
    struct tare_page_reader *reader = tare_page_reader_open(source);
    struct tare_page_view view;
    char message[200] = "";
    if (reader == NULL || tare_page_reader_read(reader, 0, &view, message, sizeof(message)) != 0) {
        die(message);
    }
    struct tare_page h = view.header;
    tare_page_view_release(&view);
    unsigned char *out = malloc((size_t)THREADS * h.instrument_count * h.slot_stride);
    unsigned char *page = mmap(NULL, h.page_size, PROT_READ, MAP_SHARED, source->fd, (off_t)source->offset);
    if (out == NULL || page == MAP_FAILED) {
        die("no memory");
    }
    const struct {
        double *ms;
        struct tare_page_reader *reader;
        unsigned flags;
        bool cold;
    } ways[] = {
        {sides->reading, reader, TARE_READ_LIVE, false},
        {sides->contents, reader, TARE_READ_LIVE | TARE_READ_HISTOGRAMS, false},
        {sides->cold, reader, TARE_READ_LIVE | TARE_READ_HISTOGRAMS, true},
        {sides->once, NULL, 0, false},
    };
    for (size_t way = 0; way < sizeof(ways) / sizeof(ways[0]); way++) {
        for (int i = -5; i < ROUNDS; i++) {
            int k = i < 0 ? 0 : i; /* the first ones warm up, and are overwritten */
            sides->copy[way * ROUNDS + (size_t)k] = timed_copy(page, &h, out);
            if (ways[way].cold) {
                empty_caches();
            }
            ways[way].ms[k] = timed_read(ways[way].reader, source, ways[way].flags);
        }
    }
    printf("  %u instruments, %d threads: %.1f MB of slots; %d rounds\n", h.instrument_count, THREADS,
           (double)THREADS * h.instrument_count * h.slot_stride / 1e6, ROUNDS);
    munmap(page, h.page_size);
    free(out);
    tare_page_reader_close(reader);
}

static bool run(size_t mix)
{
    static struct sides sides;
    pid_t pid = start_measured(mix);
    struct tare_found_page *pages = NULL;
    size_t count = 0;
    int error = tare_discover(pid, &pages, &count, NULL);
    if (error != 0 || count != 1) {
        errno = -error;
        die("the measured process has no page");
    }
    struct tare_page_source source = {open(pages[0].path, O_RDONLY | O_CLOEXEC), pages[0].offset,
                                      pages[0].limit};
    if (source.fd < 0) {
        die("cannot open the page");
    }
    printf("%s\n", mixes[mix].what);
    measure(&source, &sides);
    const size_t copies = sizeof(sides.copy) / sizeof(sides.copy[0]);
    qsort(sides.copy, copies, sizeof(double), compare);
    double floor_ms = tare_quantile(sides.copy, copies, 0.5);
    show("copying the slots (memcpy)", sides.copy, copies, floor_ms, false);
    show("reading again and again, sums alone", sides.reading, ROUNDS, floor_ms, false);
    bool met =
        show("the same with the contents of histograms", sides.contents, ROUNDS, floor_ms, mixes[mix].judged);
    met &= show("the same with cold caches, as live views", sides.cold, ROUNDS, floor_ms, mixes[mix].judged);
    show("reading once, by pread, sums alone", sides.once, ROUNDS, floor_ms, false);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(source.fd);
    free(pages);
    return met;
}

int main(int argc, char **argv)
{
    const size_t count = sizeof(mixes) / sizeof(mixes[0]);
    if (argc == 4 && strcmp(argv[1], "measured") == 0 && (size_t)atoi(argv[3]) < count) {
        measured(atoi(argv[2]), &mixes[atoi(argv[3])]);
    }
    struct bench_quiet quiet = bench_quiet_now();
    bool met = true;
    printf("  %-44s %11s %11s %7s  at most\n", "what", "median", "p95", "x copy");
    for (size_t mix = 0; mix < count; mix++) {
        met &= run(mix);
        fflush(stdout);
    }
    bool noisy = bench_is_noisy(quiet);
    return met ? 0 : noisy ? 2 : 1;
}
