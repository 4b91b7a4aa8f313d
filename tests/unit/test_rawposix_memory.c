/* SPDX-License-Identifier: MIT */
/*
 * suites/syscalls/layers/rawposix.h: what a cage says is not trusted. Every pointer of every call is checked, at the ends of
 * the memory and where addresses wrap around; and calls made up at random do nothing but answer. Beside the memory are
 * pages that end the test when they are touched.
 */
#include "cage_calls.h"

#ifdef __has_feature
#define HAS_THREAD_SANITIZER __has_feature(thread_sanitizer)
#else
#define HAS_THREAD_SANITIZER 0
#endif

#include <pthread.h>
#include <signal.h>
#include <sys/time.h>

/* Fine arguments of a call, and which of them are addresses of at least so many bytes. */
struct pointer_case {
    uint32_t number;
    uint64_t args[LIND_ARGUMENTS];
    struct {
        int argument;
        uint64_t size;
    } pointers[3]; /* size 0: no more */
};

#define A (1 * AREA_BYTES)
#define B (2 * AREA_BYTES)
#define C (3 * AREA_BYTES) /* a path: "file" */
#define D (4 * AREA_BYTES) /* a path: "other" */
#define E (5 * AREA_BYTES) /* an iovec */
#define F (6 * AREA_BYTES) /* an address of the loopback */
#define G (7 * AREA_BYTES) /* the length 16 */
#define ROOT ((uint64_t)LIND_AT_ROOT)

/* Descriptors: 0 is a file, 1 a directory, 2 and 3 a pair of sockets, 4 a socket that listens, 5 a datagram socket. */
static const struct pointer_case cases[] = {
    {LIND_READ, {0, A, 10}, {{1, 10}}},
    {LIND_WRITE, {0, A, 10}, {{1, 10}}},
    {LIND_PREAD, {0, A, 10, 0}, {{1, 10}}},
    {LIND_PWRITE, {0, A, 10, 0}, {{1, 10}}},
    {LIND_READV, {0, E, 1}, {{1, 8}}},
    {LIND_WRITEV, {0, E, 1}, {{1, 8}}},
    {LIND_PREADV, {0, E, 1, 0}, {{1, 8}}},
    {LIND_PWRITEV, {0, E, 1, 0}, {{1, 8}}},
    {LIND_OPEN, {C, 0, 0}, {{0, 5}}},
    {LIND_STAT, {C, A}, {{0, 5}, {1, 64}}},
    {LIND_LSTAT, {C, A}, {{0, 5}, {1, 64}}},
    {LIND_FSTAT, {0, A}, {{1, 64}}},
    {LIND_POLL, {A, 1, 0}, {{0, 8}}},
    {LIND_POLL_NS, {A, 1, 0}, {{0, 8}}},
    {LIND_PIPE, {A}, {{0, 8}}},
    {LIND_PIPE2, {A, 0}, {{0, 8}}},
    {LIND_NANOSLEEP, {B, B}, {{0, 16}, {1, 16}}},
    {LIND_CLOCK_GETTIME, {1, A}, {{1, 16}}},
    {LIND_CLOCK_GETRES, {1, A}, {{1, 16}}},
    {LIND_GETRANDOM, {A, 10, 0}, {{0, 10}}},
    {LIND_GETDENTS, {1, A, 400}, {{1, 400}}},
    {LIND_READDIR, {1, A, 400, 0}, {{1, 400}}},
    {LIND_MKDIR, {D, 0755}, {{0, 6}}},
    {LIND_RMDIR, {D}, {{0, 6}}},
    {LIND_UNLINK, {D}, {{0, 6}}},
    {LIND_RENAME, {D, D}, {{0, 6}, {1, 6}}},
    {LIND_LINK, {D, D}, {{0, 6}, {1, 6}}},
    {LIND_SYMLINK, {D, C}, {{0, 6}, {1, 5}}},
    {LIND_READLINK, {C, A, 10}, {{0, 5}, {1, 10}}},
    {LIND_UTIMENSAT, {ROOT, C, A, 0}, {{1, 5}, {2, 32}}},
    {LIND_PATH_OPEN, {ROOT, C, 4, 0, 0}, {{1, 4}}},
    {LIND_PATH_STAT, {ROOT, C, 4, A, 0}, {{1, 4}, {3, 64}}},
    {LIND_PATH_MKDIR, {ROOT, D, 5, 0755}, {{1, 5}}},
    {LIND_PATH_RMDIR, {ROOT, D, 5}, {{1, 5}}},
    {LIND_PATH_UNLINK, {ROOT, D, 5}, {{1, 5}}},
    {LIND_PATH_RENAME, {ROOT, D, 5, ROOT, D, 5}, {{1, 5}, {4, 5}}},
    {LIND_PATH_LINK, {ROOT, D, 5, ROOT, D, 5}, {{1, 5}, {4, 5}}},
    {LIND_PATH_SYMLINK, {D, 5, ROOT, C, 4}, {{0, 5}, {3, 4}}},
    {LIND_PATH_READLINK, {ROOT, C, 4, A, 10}, {{1, 4}, {3, 10}}},
    {LIND_PATH_UTIMENS, {ROOT, C, 4, 0, 0, 0}, {{1, 4}}},
    {LIND_SOCKETPAIR, {1, 1, 0, A}, {{3, 8}}},
    {LIND_BIND, {2, F, 16}, {{1, 16}}},
    {LIND_CONNECT, {2, F, 16}, {{1, 16}}},
    {LIND_ACCEPT, {4, A, G}, {{1, 16}, {2, 4}}},
    {LIND_ACCEPT4, {4, A, G, 0}, {{1, 16}, {2, 4}}},
    {LIND_SENDTO, {5, A, 10, 0, F, 16}, {{1, 10}, {4, 16}}},
    {LIND_RECVFROM, {5, A, 10, 0x40, B, G}, {{1, 10}, {4, 16}, {5, 4}}},
    {LIND_GETSOCKNAME, {4, A, G}, {{1, 16}, {2, 4}}},
    {LIND_GETPEERNAME, {2, A, G}, {{1, 16}, {2, 4}}},
    {LIND_SETSOCKOPT, {4, 1, 2, A, 4}, {{3, 4}}},
    {LIND_GETSOCKOPT, {4, 1, 2, A, G}, {{3, 16}, {4, 4}}},
};

/* What the cases speak of. */
static void prepare(struct cage *cage)
{
    memset(cage->memory, 0, CAGE_BYTES);
    memcpy(cage->memory + C, "file", 5);
    memcpy(cage->memory + D, "other", 6);
    *(struct lind_iovec *)(cage->memory + E) = (struct lind_iovec){A, 10};
    memcpy(cage->memory + F, (const uint8_t[]){2, 0, 0, 9, 127, 0, 0, 1}, 8);
    memcpy(cage->memory + G, (const uint8_t[]){16, 0, 0, 0}, 4);
    *(struct lind_pollfd *)(cage->memory + A) = (struct lind_pollfd){.fd = 0, .events = 1};
}

static void open_descriptors(struct cage *cage)
{
    assert_int_equal(call(cage, LIND_OPEN, C, LIND_O_CREAT | 2, 0644), 0);
    assert_int_equal(open_in(cage, "/", LIND_O_DIRECTORY), 1);
    assert_int_equal(call(cage, LIND_SOCKETPAIR, 1, 1 | LIND_O_NONBLOCK, 0, A), 0);
    assert_int_equal(call(cage, LIND_SOCKET, 2, 1 | LIND_O_NONBLOCK, 0), 4);
    assert_int_equal(call(cage, LIND_LISTEN, 4, 1), 0);
    assert_int_equal(call(cage, LIND_SOCKET, 2, 2 | LIND_O_NONBLOCK, 0), 5);
}

static void addresses_are_checked(void **state)
{
    struct cage *cage = ((struct cage_test *)*state)->cage;
    prepare(cage);
    open_descriptors(cage);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct pointer_case *one = &cases[i];
        prepare(cage);
        assert_int_not_equal(call_args(cage, one->number, one->args), -EFAULT);
        for (int j = 0; j < 3 && one->pointers[j].size != 0; j++) {
            uint64_t size = one->pointers[j].size;
            const uint64_t bad[] = {
                CAGE_BYTES - size + 1,
                CAGE_BYTES - 1,
                CAGE_BYTES,
                CAGE_BYTES + 1,
                UINT32_MAX,
                UINT64_C(1) << 32,
                (UINT64_C(1) << 32) + A,
                INT64_MAX,
                UINT64_C(1) << 63,
                UINT64_MAX,
                UINT64_MAX - size + 1,
                UINT64_MAX - size + 2,
                0 - (uint64_t)AREA_BYTES,
                (uint64_t)(uintptr_t)cage->memory,
                (uint64_t)(uintptr_t)&cage,
            };
            for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++) {
                uint64_t args[LIND_ARGUMENTS];
                memcpy(args, one->args, sizeof args);
                args[one->pointers[j].argument] = bad[k];
                prepare(cage);
                memset(cage->memory + CAGE_BYTES - 128, 'x', 128); /* no NUL at the end */
                assert_int_equal(call_args(cage, one->number, args), -EFAULT);
            }
            /* In a cage that is not there. */
            struct lind_request request = {.number = one->number, .caller = cage->id};
            memcpy(request.args, one->args, sizeof request.args);
            for (int k = 0; k < LIND_ARGUMENTS; k++) {
                request.from[k] = k == one->pointers[j].argument ? 12345 : cage->id;
            }
            prepare(cage);
            assert_int_equal(rawposix_call(&request, NULL), -EFAULT);
        }
    }
}

/* Each call of the table with a pointer is in the cases above: of those that are not, none has any. */
static void the_cases_are_complete(void **state)
{
    (void)state;
    const uint32_t without[] = {
        LIND_CLOSE,    LIND_LSEEK,   LIND_SCHED_YIELD, LIND_DUP,          LIND_DUP2,      LIND_DUP3,
        LIND_GETPID,   LIND_GETPPID, LIND_GETEUID,     LIND_SOCKET,       LIND_SHUTDOWN,  LIND_LISTEN,
        LIND_FCNTL,    LIND_FSYNC,   LIND_FDATASYNC,   LIND_FTRUNCATE,    LIND_FALLOCATE, LIND_FUTIMENS,
        LIND_RENUMBER, LIND_FDMODE,  LIND_CLOCK_NS,    LIND_CLOCK_RES_NS, LIND_SLEEP_NS,
    };
    bool known[LIND_CALLS_MAX] = {false};
    for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++) {
        known[without[i]] = true;
    }
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        known[cases[i].number] = true;
    }
    for (uint32_t i = 0; i < LIND_CALLS_MAX; i++) {
        assert_int_equal(known[i], rawposix_call_name(i) != NULL);
    }
}

/*
 * At random
 */

static void nothing(int number)
{
    (void)number;
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static uint64_t random_argument(uint64_t *random)
{
    uint64_t value = next_random(random) >> 8;
    switch (value % 8) {
    case 0:
        return value / 8 % 8; /* a descriptor, a flag, a count */
    case 1:
        return value / 8 % 8 * AREA_BYTES;
    case 2:
        return CAGE_BYTES - value / 8 % 70;
    case 3:
        return ROOT;
    case 4:
        return value / 8 % 2048;
    case 5:
        return UINT64_C(1) << value / 8 % 64;
    case 6:
        return 0 - value / 8 % 5000;
    default:
        return next_random(random);
    }
}

static void random_calls(struct cage *cage, uint64_t seed, int count)
{
    /* What waits is interrupted by the timer; what changes the process's own time or place does not exist. */
    uint64_t random = seed;
    for (int i = 0; i < count; i++) {
        struct lind_request request = {.caller = cage->id};
        do {
            request.number = (uint32_t)(next_random(&random) >> 20) % LIND_CALLS_MAX;
        } while (rawposix_call_name(request.number) == NULL);
        for (int j = 0; j < LIND_ARGUMENTS; j++) {
            request.args[j] = random_argument(&random);
            request.from[j] = cage->id;
        }
        /* The disk of who runs this test is no sandbox's. */
        bool grows = request.number == LIND_FTRUNCATE || request.number == LIND_FALLOCATE;
        for (int j = 1; grows && j < LIND_ARGUMENTS; j++) {
            request.args[j] %= 100000;
        }
        if (request.number == LIND_PWRITE || request.number == LIND_PWRITEV) {
            request.args[3] %= 100000;
        }
        int64_t result = rawposix_call(&request, NULL);
        assert_true(result >= -4095);
        if (i % 64 == 0) {
            memcpy(cage->memory + C, "file", 5); /* else no path is one any more */
            memcpy(cage->memory + D, "../other", 9);
        }
        if (i % 1000 == 0) {
            fdtables_remove_cage_from_fdtable(cage->fds);
            fd_table_free(cage->fds);
            cage->fds = fd_table_new();
            assert_non_null(cage->fds);
            prepare(cage);
            call(cage, LIND_OPEN, C, LIND_O_CREAT | 2, 0644); /* it may be a directory by now */
            call(cage, LIND_SOCKETPAIR, 1, 1 | LIND_O_NONBLOCK, 0, A);
            call(cage, LIND_PIPE2, A, LIND_O_NONBLOCK);
        }
    }
}

static void calls_at_random(void **state)
{
    struct cage_test *test = *state;
    struct sigaction action = {.sa_handler = nothing}, old;
    sigaction(SIGALRM, &action, &old);
    struct itimerval timer = {.it_value.tv_usec = 300, .it_interval.tv_usec = 300};
    setitimer(ITIMER_REAL, &timer, NULL);
    prepare(test->cage);
    random_calls(test->cage, 0x9e3779b97f4a7c15, 30000);
    setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
    sigaction(SIGALRM, &old, NULL);
    char text[16] = "";
    int fd = openat(test->folder_fd, "secret", O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(fd, text, sizeof text - 1), 5);
    assert_string_equal(text, "host\n");
    close(fd);
}

/* Another thread of the cage changes a path and a vector while they are looked at. */
struct changing {
    struct cage *cage;
    bool done; /* atomic */
};

static void *change(void *argument)
{
    struct changing *changing = argument;
    volatile uint32_t *vector = (volatile uint32_t *)(changing->cage->memory + E);
    volatile uint8_t *path = changing->cage->memory + CAGE_BYTES - 1;
    while (!__atomic_load_n(&changing->done, __ATOMIC_ACQUIRE)) {
        vector[0] = UINT32_MAX;
        *path = 'x';
        vector[0] = A;
        *path = '\0';
    }
    return NULL;
}

static void what_changes_meanwhile(void **state)
{
#if defined(__SANITIZE_THREAD__) || HAS_THREAD_SANITIZER
    print_message("skipped: the race is what this is about\n");
    skip();
#endif
    struct cage *cage = ((struct cage_test *)*state)->cage;
    prepare(cage);
    assert_int_equal(call(cage, LIND_OPEN, C, LIND_O_CREAT | 2, 0644), 0);
    struct changing changing = {.cage = cage};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, change, &changing), 0);
    memcpy(cage->memory + CAGE_BYTES - 5, "file", 4);
    for (int i = 0; i < 20000; i++) {
        int64_t written = call(cage, LIND_PWRITEV, 0, E, 1, 0);
        assert_true(written == 10 || written == -EFAULT);
        int64_t found = call(cage, LIND_LSTAT, CAGE_BYTES - 5, B);
        assert_true(found == 0 || found == -EFAULT);
    }
    __atomic_store_n(&changing.done, true, __ATOMIC_RELEASE);
    pthread_join(thread, NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, cage_test_set_up, cage_test_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(addresses_are_checked),
        cmocka_unit_test(the_cases_are_complete),
        TEST(calls_at_random),
        TEST(what_changes_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
