/* SPDX-License-Identifier: MIT */
/*
 * libtare-profile.so: handlers of ours take no room on stacks of the program, whose own state of alternate
 * stacks is as it set it; and by wall clock, no transfer is cut short. Each part is played by this program, with
 * the library in front, and judges itself.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>

#include <linux/futex.h>

#include "tests/behaviour/profile_run.h"

#define HZ 997.0

static volatile double sink;

PLACE(burn) static void burn(double seconds)
{
    double until = cpu_seconds(CLOCK_THREAD_CPUTIME_ID) + seconds, x = 1;
    do {
        for (int i = 0; i < 20000; i++) {
            x = x * 1.0000001 + 0.5;
        }
        sink = x;
    } while (cpu_seconds(CLOCK_THREAD_CPUTIME_ID) < until);
}

static const struct place places[] = {PLACE_OF(burn), {NULL, NULL, NULL}};

/* Says where it went wrong, and ends the part. */
#define NEED(condition)                                                                                        \
    do {                                                                                                       \
        if (!(condition)) {                                                                                    \
            printf("# line %d: %s: %s\n", __LINE__, #condition, strerror(errno));                              \
            return 1;                                                                                          \
        }                                                                                                      \
    } while (0)

static char small_stack[4096], large_stack[262144];
static volatile sig_atomic_t came, came_on_stack;
static sigjmp_buf back;

static void look(int signal)
{
    stack_t now;
    (void)signal;
    came = came + 1;
    came_on_stack = came_on_stack + (sigaltstack(NULL, &now) == 0 && (now.ss_flags & SS_ONSTACK) != 0);
}

static void leave(int signal)
{
    look(signal);
    siglongjmp(back, 1);
}

static bool is_disabled(void)
{
    stack_t now;
    return sigaltstack(NULL, &now) == 0 && now.ss_flags == SS_DISABLE;
}

static bool is_told(const stack_t *set)
{
    stack_t now;
    return sigaltstack(NULL, &now) == 0 && now.ss_flags == 0 && now.ss_sp == set->ss_sp &&
           now.ss_size == set->ss_size;
}

static int own_stacks(void)
{
    struct sigaction action = {.sa_handler = look, .sa_flags = SA_ONSTACK}, now;
    stack_t small = {.ss_sp = small_stack, .ss_size = sizeof(small_stack)}, before;
    stack_t large = {.ss_sp = large_stack, .ss_size = sizeof(large_stack)};
    stack_t tiny = {.ss_sp = small_stack, .ss_size = 64}, none = {.ss_flags = SS_DISABLE};
    NEED(is_disabled());
    sigfillset(&action.sa_mask);
    NEED(sigaction(SIGUSR1, &action, NULL) == 0 && sigaction(SIGUSR1, NULL, &now) == 0);
    for (int signal = SIGRTMIN; signal <= SIGRTMAX; signal++) {
        NEED(sigismember(&now.sa_mask, signal) == 1);
    }
    NEED((now.sa_flags & SA_ONSTACK) != 0);
    raise(SIGUSR1); /* where it would run anyway: the program has no such stack */
    NEED(came == 1 && came_on_stack == 0);
    NEED(sigaltstack(&tiny, NULL) == -1 && errno == ENOMEM && is_disabled());
    NEED(sigaltstack(&small, &before) == 0 && before.ss_flags == SS_DISABLE && is_told(&small));
    burn(0.2);
    raise(SIGUSR1);
    NEED(came == 2 && came_on_stack == 1 && is_told(&small));
    NEED(sigaltstack(&large, &before) == 0 && before.ss_sp == small_stack && is_told(&large));
    burn(0.1);
    raise(SIGUSR1);
    NEED(came == 3 && came_on_stack == 2);
    NEED(sigaltstack(&none, &before) == 0 && before.ss_sp == large_stack && is_disabled());
    burn(0.1);
    NEED(sigaltstack(&small, NULL) == 0);
    action.sa_handler = leave;
    NEED(sigaction(SIGUSR1, &action, NULL) == 0);
    for (volatile int i = 0; i < 100; i = i + 1) {
        if (sigsetjmp(back, 1) == 0) {
            raise(SIGUSR1);
        }
        burn(0.001);
        NEED(is_told(&small));
    }
    NEED(came == 103 && came_on_stack == 102);
    for (size_t i = 0; i < sizeof(small_stack); i++) {
        NEED(small_stack[i] == 0); /* nothing of ours either */
    }
    return 0;
}

static void *use_most(void *result)
{
    volatile char room[10500];
    for (int i = 0; i < (int)sizeof(room); i++) {
        room[i] = 1;
    }
    burn(0.2);
    return is_disabled() ? result : NULL;
}

static int small_threads(void)
{
    pthread_t thread;
    pthread_attr_t small;
    void *result;
    long least = sysconf(_SC_THREAD_STACK_MIN);
    int done;
    NEED(is_disabled());
    burn(0.01); /* what the dynamic linker has to find, it finds here, where there is room */
    NEED(pthread_attr_init(&small) == 0);
    NEED(pthread_attr_setstacksize(&small, least > 16384 ? (size_t)least : 16384) == 0);
    for (int i = 0; i < 3; i++) {
        NEED(pthread_create(&thread, &small, use_most, &done) == 0);
        NEED(pthread_join(thread, &result) == 0 && result == &done);
    }
    return 0;
}

static ucontext_t outside, inside;

static void run_inside(void)
{
    burn(0.3);
}

static int coroutines(void)
{
    static char memory[16384];
    enum { GUARD = 8192, ROOM = 3072 };
    memset(memory, 0x5a, sizeof(memory));
    burn(0.01); /* what the dynamic linker has to find, it finds here, where there is room */
    NEED(getcontext(&inside) == 0);
    inside.uc_stack.ss_sp = memory + GUARD;
    inside.uc_stack.ss_size = ROOM;
    inside.uc_link = &outside;
    makecontext(&inside, run_inside, 0);
    NEED(swapcontext(&outside, &inside) == 0);
    for (int i = 0; i < GUARD; i++) {
        NEED(memory[i] == 0x5a);
    }
    return 0;
}

static void *write_slowly(void *fd)
{
    static const char bytes[4];
    for (int i = 0; i < 3; i++) {
        usleep(60000);
        if (write(*(int *)fd, bytes, sizeof(bytes)) != sizeof(bytes)) {
            return NULL;
        }
    }
    return fd;
}

static void *read_slowly(void *fd)
{
    static char bytes[65536];
    usleep(100000);
    while (read(*(int *)fd, bytes, sizeof(bytes)) > 0) {
        usleep(1000);
    }
    return fd;
}

static int transfers(void)
{
    enum { LARGE = 2 << 20 };
    static char bytes[LARGE];
    int sockets[2], ends[2], word = 0;
    pthread_t thread;
    struct timespec time = {0, 100000000};
    struct timeval limit = {0, 200000};
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0 && pipe(ends) == 0);
    NEED(pthread_create(&thread, NULL, write_slowly, &sockets[1]) == 0);
    NEED(recv(sockets[0], bytes, 12, MSG_WAITALL) == 12 && pthread_join(thread, NULL) == 0);
    NEED(setsockopt(sockets[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0);
    NEED(recv(sockets[0], bytes, 1, 0) == -1 && errno == EAGAIN);
    NEED(pthread_create(&thread, NULL, read_slowly, &ends[0]) == 0);
    NEED(write(ends[1], bytes, LARGE) == LARGE);
    close(ends[1]);
    NEED(pthread_join(thread, NULL) == 0);
    NEED(syscall(SYS_futex, &word, FUTEX_WAIT, 0, &time, NULL, 0) == -1 && errno == ETIMEDOUT);
    NEED(syscall(SYS_nanosleep, &time, NULL) == 0);
    return 0;
}

static int play(const char *role)
{
    return strcmp(role, "own-stacks") == 0      ? own_stacks()
           : strcmp(role, "small-threads") == 0 ? small_threads()
           : strcmp(role, "coroutines") == 0    ? coroutines()
           : strcmp(role, "transfers") == 0     ? transfers()
                                                : 2;
}

static void expect(const char *role, uint32_t flags, bool sampled)
{
    struct taken taken = run_profiled(role, NULL, flags, HZ, NULL, places);
    CHECK_EQ(taken.status, 0);
    CHECK_EQ(taken.lost, 0);
    CHECK_EQ(taken.missed_threads, 0);
    CHECK(taken.sample_count > 0);
    if (sampled) {
        CHECK(samples_with(&taken, CHAIN("burn")) > 5);
    }
    release_taken(&taken);
}

int main(int argc, char **argv)
{
    if (argc >= 2) {
        return play(argv[1]);
    }
    find_profile_library();
    begin_case("alternate stacks of its own");
    expect("own-stacks", 0, true);
    expect("own-stacks", TARE_SAMPLES_WALL, true);
    begin_case("threads with little stack");
    expect("small-threads", 0, true);
    begin_case("coroutines with less than a signal needs");
    expect("coroutines", 0, true);
    begin_case("by wall clock, no transfer is cut short");
    expect("transfers", TARE_SAMPLES_WALL, false);
    return finish();
}
