/* SPDX-License-Identifier: MIT */
/*
 * For the tests of this folder: cases and checks, printed as TAP; what the process's own timers counted;
 * programs that are started with an environment of their own; and the pages that those leave in files.
 *
 * The variables TARE_* are read when a program starts. So a test that needs some of them starts itself once
 * more: run_self("role", ENVIRONMENT("TARE_PAGE=..."), NULL), and its main() finds the role in argv[1]. Such
 * a child checks as its parent does, prints only what fails, and says so by its exit code: `return
 * failed_checks != 0`.
 */
#ifndef TARE_TESTS_BEHAVIOUR_H
#define TARE_TESTS_BEHAVIOUR_H

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include <tare/tare.h>

#define UNUSED __attribute__((unused))

/*
 * Sanitizers make a program many times slower: what is repeated for its numbers alone is repeated less often.
 */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif
#define TIMES(n) (SANITIZED ? ((n) + 9) / 10 : (n))

/*
 * Cases and checks
 */

static unsigned failed_checks UNUSED;
static struct {
    const char *name;
    const char *skipped; /* why */
    unsigned number, failed_before, failed;
} the_case UNUSED;

/* Ends the case under way, if any: its line is the verdict over the checks since it began. */
static UNUSED void end_case(void)
{
    if (the_case.name == NULL) {
        return;
    }
    bool failed = failed_checks != the_case.failed_before;
    printf("%sok %u %s%s%s\n", failed ? "not " : "", the_case.number, the_case.name,
           the_case.skipped != NULL && !failed ? " # SKIP " : "",
           the_case.skipped != NULL && !failed ? the_case.skipped : "");
    fflush(stdout);
    the_case.failed += failed;
    the_case.name = NULL;
}

static UNUSED void begin_case(const char *name)
{
    end_case();
    the_case.name = name;
    the_case.skipped = NULL;
    the_case.number++;
    the_case.failed_before = failed_checks;
}

/* The case under way cannot run here. */
static UNUSED void skip_case(const char *reason)
{
    the_case.skipped = reason;
}

/* The whole test cannot run here. */
static UNUSED void skip_all(const char *reason)
{
    printf("skipped: %s\n", reason);
    exit(77);
}

/* The last line of main(): the plan and the exit code. */
static UNUSED int finish(void)
{
    end_case();
    printf("1..%u\n", the_case.number);
    return the_case.failed != 0 || failed_checks != 0;
}

static UNUSED void note_failure(const char *file, int line, const char *what)
{
    failed_checks++;
    printf("# %s:%d: %s\n", file, line, what);
    fflush(stdout);
}

#define CHECK(condition)                                                                                       \
    do {                                                                                                       \
        if (!(condition)) {                                                                                    \
            note_failure(__FILE__, __LINE__, #condition);                                                      \
        }                                                                                                      \
    } while (0)

static UNUSED void check_eq(uint64_t actual, uint64_t expected, const char *file, int line, const char *text)
{
    if (actual != expected) {
        char what[512];
        snprintf(what, sizeof(what), "%s: is %" PRIu64 ", should be %" PRIu64, text, actual, expected);
        note_failure(file, line, what);
    }
}
#define CHECK_EQ(actual, expected)                                                                             \
    check_eq((uint64_t)(actual), (uint64_t)(expected), __FILE__, __LINE__, #actual)

static UNUSED void check_between(double low, double actual, double high, const char *file, int line,
                                 const char *text)
{
    if (!(low <= actual && actual <= high)) {
        char what[512];
        snprintf(what, sizeof(what), "%s: is %.10g, should be from %.10g to %.10g", text, actual, low, high);
        note_failure(file, line, what);
    }
}
#define CHECK_BETWEEN(low, actual, high)                                                                       \
    check_between((double)(low), (double)(actual), (double)(high), __FILE__, __LINE__, #actual)

/* Something that the test needs and that is not tested failed. */
#define MUST(condition)                                                                                        \
    do {                                                                                                       \
        if (!(condition)) {                                                                                    \
            printf("# %s:%d: cannot go on: %s: %s\n", __FILE__, __LINE__, #condition, strerror(errno));        \
            exit(1);                                                                                           \
        }                                                                                                      \
    } while (0)

/* xorshift64 (Marsaglia, 2003): the same numbers in every run. */
static UNUSED uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static UNUSED uint64_t monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Waits until `condition` is true, for ten seconds at most, and leaves the processor to others meanwhile. */
#define EVENTUALLY(condition)                                                                                  \
    do {                                                                                                       \
        uint64_t until = monotonic_ns() + UINT64_C(10000000000);                                               \
        while (!(condition) && monotonic_ns() < until) {                                                       \
            nanosleep(&(struct timespec){0, 200000}, NULL);                                                    \
        }                                                                                                      \
        CHECK(condition);                                                                                      \
    } while (0)

/* What this process's timer `full` ("module::name") counted; zeros where there is none. */
static UNUSED tare_stats stats_of(const char *full)
{
    tare_stats stats;
    memset(&stats, 0, sizeof(stats));
    tare_snapshot(full, &stats, 1);
    return stats;
}

#ifndef __cplusplus /* from here on for C alone */

#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "record/discover.h"
#include "record/reader.h"

/*
 * Files and memory
 */

static char scratch_folder[64] UNUSED;
static pid_t scratch_owner UNUSED;

static UNUSED int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st, (void)kind, (void)where;
    return remove(path);
}

static UNUSED void remove_scratch(void)
{
    if (getpid() == scratch_owner) {
        nftw(scratch_folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    }
}

/*
 * `name` in a folder that is private to this test and goes with it, on a tmpfs if there is one. Valid for 16
 * calls.
 */
static UNUSED char *scratch(const char *name)
{
    static char paths[16][256];
    static unsigned next;
    if (scratch_folder[0] == '\0') {
        strcpy(scratch_folder, "/dev/shm/tare-test.XXXXXX");
        if (mkdtemp(scratch_folder) == NULL) {
            strcpy(scratch_folder, "/tmp/tare-test.XXXXXX");
            MUST(mkdtemp(scratch_folder) != NULL);
        }
        scratch_owner = getpid();
        atexit(remove_scratch);
    }
    char *path = paths[next++ % 16];
    snprintf(path, sizeof(paths[0]), "%s/%s", scratch_folder, name);
    return path;
}

/*
 * Zeroed memory that the test shares with its children: those it forks, and, by way of `path`, those it
 * starts.
 */
static UNUSED void *shared_memory(const char *path, size_t size)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct stat st;
    MUST(fd >= 0 && fstat(fd, &st) == 0);
    MUST(st.st_size != 0 || ftruncate(fd, (off_t)size) == 0);
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    MUST(memory != MAP_FAILED);
    close(fd);
    return memory;
}

/*
 * Processes
 */

#define ENVIRONMENT(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Formats one NAME=VALUE. Valid for 16 calls. */
static UNUSED __attribute__((format(printf, 1, 2))) const char *text(const char *format, ...)
{
    static char texts[16][512];
    static unsigned next;
    char *out = texts[next++ % 16];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out, sizeof(texts[0]), format, arguments);
    va_end(arguments);
    return out;
}

/* Takes all TARE_* out of the environment, and puts these in. */
static UNUSED void set_environment(const char *const *environment)
{
    static const char *const names[] = {"TARE",      "TARE_ENABLE",    "TARE_CLOCK",  "TARE_REPORT",
                                        "TARE_PAGE", "TARE_HISTOGRAM", "TARE_TIMERS", "TARE_THREADS"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        unsetenv(names[i]);
    }
    for (; environment != NULL && *environment != NULL; environment++) {
        char name[64];
        const char *equals = strchr(*environment, '=');
        snprintf(name, sizeof(name), "%.*s", (int)(equals - *environment), *environment);
        setenv(name, equals + 1, 1);
    }
}

/* Starts this program again with argv {"self", role, argument}; argument may be NULL. */
static UNUSED pid_t start_self(const char *role, const char *const *environment, const char *argument)
{
    fflush(stdout);
    pid_t pid = fork();
    MUST(pid >= 0);
    if (pid == 0) {
        set_environment(environment);
        if (getenv("TARE_EMULATOR") !=
            NULL) { /* the kernel cannot start us: a host's shell starts the emulator */
            char path[4096] = "";
            MUST(readlink("/proc/self/exe", path, sizeof(path) - 1) > 0);
            execl("/bin/sh", "sh", "-c", "exec $TARE_EMULATOR \"$0\" \"$@\"", path, role, argument,
                  (char *)NULL);
            _exit(127);
        }
        execl("/proc/self/exe", "self", role, argument, (char *)NULL);
        _exit(127);
    }
    return pid;
}

/* Waits for the end of a child, and returns its status as waitpid(2) does. */
static UNUSED int status_of(pid_t pid)
{
    int status = -1;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

static UNUSED int run_self(const char *role, const char *const *environment, const char *argument)
{
    return status_of(start_self(role, environment, argument));
}

/* Starts argv[0], looked for in PATH, with its outputs in files (NULL: ours). */
static UNUSED pid_t start_program(const char *const *argv, const char *const *environment, const char *out,
                                  const char *err)
{
    fflush(stdout);
    pid_t pid = fork();
    MUST(pid >= 0);
    if (pid == 0) {
        const char *paths[] = {out, err};
        for (int i = 0; i < 2; i++) {
            int fd = paths[i] == NULL ? -1 : open(paths[i], O_WRONLY | O_CREAT | O_TRUNC, 0600);
            if (paths[i] != NULL && (fd < 0 || dup2(fd, i + 1) < 0)) {
                _exit(127);
            }
        }
        set_environment(environment);
        execvp(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    return pid;
}

/*
 * Pages
 */

/* Reads the page in a file, which must be there and whole. */
static UNUSED struct tare_page_view read_page(const char *path)
{
    struct tare_page_view view;
    char message[256] = "";
    struct stat st;
    memset(&st, 0, sizeof(st));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int error = fd < 0 || fstat(fd, &st) != 0 ? -errno : 0;
    if (error == 0) {
        struct tare_page_source source = {.fd = fd, .limit = (uint64_t)st.st_size};
        error = tare_page_read(&source, TARE_READ_HISTOGRAMS, &view, message, sizeof(message));
    }
    if (error != 0) {
        printf("# cannot go on: page '%s': %s%s%s\n", path, strerror(-error), message[0] != '\0' ? ": " : "",
               message);
        exit(1);
    }
    close(fd);
    return view;
}

/*
 * Where the page of a live process lies: "/proc/PID/fd/N", or NULL if it has none, or several. Valid for one
 * call.
 */
static UNUSED const char *page_of_process(pid_t pid)
{
    static char path[48];
    struct tare_found_page *pages = NULL;
    size_t count = 0;
    bool found = tare_discover(pid, &pages, &count, NULL) == 0 && count == 1;
    if (found) {
        memcpy(path, pages[0].path, sizeof(path));
    }
    free(pages);
    return found ? path : NULL;
}

/* This process's own page in memory, without the help of what is to be tested. Valid for one call. */
static UNUSED const char *own_page(void)
{
    static char path[64];
    char link[64];
    for (int fd = 3; fd < 1024; fd++) {
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        ssize_t n = readlink(path, link, sizeof(link) - 1);
        if (n > 0 && strncmp(link, "/memfd:" TARE_PAGE_MEMFD " ", strlen("/memfd:" TARE_PAGE_MEMFD " ")) == 0) {
            return path;
        }
    }
    return NULL;
}

/* The timer module::name of a page, or NULL. */
static UNUSED const struct tare_page_timer *timer_in(const struct tare_page_view *view, const char *module,
                                                     const char *name)
{
    for (size_t i = 0; i < view->timer_count; i++) {
        if (strcmp(view->timers[i].module, module) == 0 && strcmp(view->timers[i].name, name) == 0) {
            return &view->timers[i];
        }
    }
    return NULL;
}

/* The same for test::name, which most tests have. */
static UNUSED const struct tare_page_timer *timer_of(const struct tare_page_view *view, const char *name)
{
    return timer_in(view, "test", name);
}

/* What it counted; zeros where there is none. */
static UNUSED struct tare_timer_sums sums_of(const struct tare_page_view *view, const char *name)
{
    const struct tare_page_timer *timer = timer_of(view, name);
    return timer != NULL ? timer->sums : (struct tare_timer_sums){0};
}

/* How many scopes are in its histogram. */
static UNUSED uint64_t histogram_sum(const struct tare_page_timer *timer)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; timer != NULL && timer->buckets != NULL && i < TARE_BUCKET_COUNT; i++) {
        sum += timer->buckets[i];
    }
    return sum;
}

#endif
#endif
