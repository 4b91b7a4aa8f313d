/* SPDX-License-Identifier: MIT */
/*
 * For functions_are_timed.sh, which builds it with a compiler's calls at its functions: `functions CASE`
 * calls functions so often that the script knows the counts. All are too small to be inlined by accident, and
 * are told not to be; nothing in here knows of tare.
 */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef APART
#define APART __attribute__((noinline, noclone))
#endif
#ifdef __clang__
#undef APART
#define APART __attribute__((noinline))
#endif

#define KEPT(value) __asm__ volatile("" : "+r"(value) : : "memory")

static volatile sig_atomic_t seen;

APART static int leaf(int x)
{
    KEPT(x);
    return x + 1;
}

APART static void leaf_void(void)
{
    seen++;
}

APART static int middle(int x)
{
    int y = leaf(x) + leaf(x + 1);
    leaf_void();
    KEPT(y);
    return y;
}

APART static int outer(int x)
{
    int y = middle(x);
    KEPT(y);
    return y;
}

/* Ends with jumps into others, where the compiler makes them. */
APART static int jumps(int x)
{
    seen++;
    return middle(x);
}

APART static void jumps_void(void)
{
    seen++;
    leaf_void();
}

APART static int recursion(int depth)
{
    int below = depth > 0 ? recursion(depth - 1) : 0;
    KEPT(below);
    return below + 1;
}

APART static double sum(int count, ...)
{
    double total = 0;
    va_list list;
    va_start(list, count);
    for (int i = 0; i < count; i++) {
        total += va_arg(list, double);
    }
    va_end(list);
    return total;
}

/* More than registers hold, in both directions. */
struct large {
    double values[8];
};

APART static struct large many(double a, double b, double c, double d, double e, double f, double g, double h,
                               double i, long j, long k, long l, long m, long n, long o, long p)
{
    return (struct large){
        {a + b, c + d, e + f, g + h, i, (double)(j + k), (double)(l + m), (double)(n * 100 + o * 10 + p)}};
}

APART static long double precise(long double x)
{
    __asm__ volatile("" : "+m"(x));
    return x * 1.5L;
}

APART static _Complex double pair(double x)
{
    __asm__ volatile("" : "+m"(x));
    return x + 2.0i;
}

static int check(int right, const char *what)
{
    if (!right) {
        printf("wrong: %s\n", what);
    }
    return right ? 0 : 1;
}

APART static int arguments(void)
{
    int wrong = 0;
    for (int i = 0; i < 100; i++) {
        struct large got = many(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 1, 2, 3);
        const double expected[] = {3, 7, 11, 15, 9, 21, 25, 123};
        wrong |= check(memcmp(got.values, expected, sizeof(expected)) == 0, "arguments and a large result");
        wrong |= check(sum(4, 1.0, 2.0, 3.0, 4.0) == 10.0, "variable arguments");
        wrong |= check(precise(2.0L) == 3.0L, "a long double");
        wrong |= check(pair(1.0) == 1.0 + 2.0i, "a complex result");
        errno = 77;
        leaf_void();
        wrong |= check(errno == 77, "errno");
    }
    return wrong;
}

static jmp_buf back;

APART static void leaves(int depth)
{
    if (depth == 0) {
        longjmp(back, 1);
    }
    leaves(depth - 1);
    seen++;
}

APART static int tries(int i)
{
    volatile int kept = i;
    if (setjmp(back) == 0) {
        leaves(3);
    }
    return leaf(kept);
}

APART static void *thread(void *unused)
{
    (void)unused;
    for (int i = 0; i < 1000; i++) {
        outer(i);
    }
    return NULL;
}

APART static void *thread_that_exits(void *unused)
{
    (void)unused;
    leaf(1);
    pthread_exit(NULL);
}

static void on_signal(int signal)
{
    (void)signal;
    leaf_void();
    jumps_void();
}

APART static int raises(int i)
{
    raise(SIGUSR1);
    return leaf(i);
}

/* On the same stack, and on another, which lies elsewhere. */
APART static void signals(int aside)
{
    static char memory[1 << 16];
    stack_t stack = {.ss_sp = memory, .ss_size = sizeof(memory)};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = aside ? SA_ONSTACK : 0};
    sigaltstack(&stack, NULL);
    sigaction(SIGUSR1, &action, NULL);
    for (int i = 0; i < 500; i++) {
        raises(i);
    }
    seen++;
}

static volatile sig_atomic_t alarms;

APART static void alarmed(int signal)
{
    (void)signal;
    leaf_void();
    alarms++;
}

/* Handlers come at any instruction, those of the hooks included. */
APART static void interrupted(void)
{
    struct sigaction action = {.sa_handler = alarmed};
    sigaction(SIGALRM, &action, NULL);
    ualarm(50, 50);
    for (int i = 0; i < 200000 || (alarms < 200 && i < 100000000); i++) {
        leaf(i);
    }
    ualarm(0, 0);
    printf("alarms %d\n", (int)alarms);
}

APART static int forks(void)
{
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < 7; i++) {
            leaf(i);
        }
        exit(0);
    }
    return waitpid(child, &status, 0) == child && status == 0 ? leaf(1) * 0 : 1;
}

APART static int loads(const char *path)
{
    void *library = dlopen(path, RTLD_NOW);
    int (*loaded)(int) = library != NULL ? (int (*)(int))dlsym(library, "loaded_function") : NULL;
    if (loaded == NULL) {
        printf("wrong: %s\n", dlerror());
        return 1;
    }
    int sum = 0;
    for (int i = 0; i < 11; i++) {
        sum += loaded(i);
    }
    return sum == 66 + 55 ? 0 : check(0, "what the library's function returns");
}

static ucontext_t main_context, other_context;
static int other_sum;

APART static int switches(int x)
{
    swapcontext(&other_context, &main_context);
    return leaf(x);
}

APART static void other_main(void)
{
    for (int i = 0; i < 5; i++) {
        other_sum += switches(i);
    }
}

/* A stack of its own, and functions that are open on both. */
APART static int coroutine(void)
{
    enum { BYTES = 1 << 16 };
    char *stack = malloc(BYTES);
    if (stack == NULL || getcontext(&other_context) != 0) {
        return 1;
    }
    other_context.uc_stack.ss_sp = stack;
    other_context.uc_stack.ss_size = BYTES;
    other_context.uc_link = &main_context;
    makecontext(&other_context, other_main, 0);
    for (int i = 0; i < 6; i++) {
        swapcontext(&main_context, &other_context);
        leaf_void();
    }
    free(stack);
    return check(other_sum == 15, "a coroutine's results");
}

/*
 * More of them than one, each with a function that is open when it is switched away from. What becomes of them:
 * they are gone on with by this thread or another, or their stacks are given back first.
 */
enum { SLEEPERS = 400, SLEEPER_BYTES = 1 << 16 };
static struct sleeper {
    ucontext_t context;
    char *stack;
    int sum;
} sleepers[SLEEPERS];
static ucontext_t *whence;
static int sleeping;

APART static int sleeps(int x)
{
    struct sleeper *self = &sleepers[x];
    swapcontext(&self->context, whence);
    return leaf(x);
}

APART static void sleeper_main(void)
{
    struct sleeper *self = &sleepers[sleeping];
    self->sum = sleeps(sleeping);
    setcontext(whence);
}

static void switch_to(int which)
{
    ucontext_t here;
    whence = &here;
    sleeping = which;
    swapcontext(&here, &sleepers[which].context);
}

/* Before there are threads, so that theirs lie deeper and nothing that they do looks as if it left these. */
static int make_sleepers(void)
{
    for (int i = 0; i < SLEEPERS; i++) {
        sleepers[i].stack =
            mmap(NULL, SLEEPER_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (sleepers[i].stack == MAP_FAILED) {
            return 1;
        }
    }
    return 0;
}

static int start_sleepers(void)
{
    for (int i = 0; i < SLEEPERS; i++) {
        struct sleeper *one = &sleepers[i];
        if (getcontext(&one->context) != 0) {
            return 1;
        }
        one->context.uc_stack.ss_sp = one->stack;
        one->context.uc_stack.ss_size = SLEEPER_BYTES;
        makecontext(&one->context, sleeper_main, 0);
        switch_to(i);
    }
    return 0;
}

APART static void *wake(void *unused)
{
    (void)unused;
    for (int i = 0; i < SLEEPERS; i++) {
        switch_to(i);
    }
    return NULL;
}

APART static int check_sleepers(void)
{
    int sum = 0;
    for (int i = 0; i < SLEEPERS; i++) {
        sum += sleepers[i].sum;
    }
    return check(sum == SLEEPERS * (SLEEPERS + 1) / 2, "results of coroutines that waited");
}

static sem_t are_asleep, may_end;

static void *thread_of_sleepers(void *unused)
{
    start_sleepers();
    sem_post(&are_asleep);
    sem_wait(&may_end);
    return unused;
}

/* The first thread waits meanwhile, or is over. */
APART static int moves(int is_over)
{
    pthread_t first, second;
    if (make_sleepers() || sem_init(&are_asleep, 0, 0) != 0 || sem_init(&may_end, 0, is_over ? 1 : 0) != 0 ||
        pthread_create(&first, NULL, thread_of_sleepers, NULL) != 0) {
        return 1;
    }
    sem_wait(&are_asleep);
    if (is_over) {
        pthread_join(first, NULL);
    }
    pthread_create(&second, NULL, wake, NULL);
    pthread_join(second, NULL);
    if (!is_over) {
        sem_post(&may_end);
        pthread_join(first, NULL);
    }
    return check_sleepers();
}

/* A walk of the stack, which meets none of those that are gone. */
APART static void *walks(void *unused)
{
    void *addresses[8];
    start_sleepers();
    for (int i = 0; i < SLEEPERS; i++) {
        munmap(sleepers[i].stack, SLEEPER_BYTES);
    }
    leaf(backtrace(addresses, 8));
    return unused;
}

APART static int unmaps(void)
{
    pthread_t other;
    if (make_sleepers() || pthread_create(&other, NULL, walks, NULL) != 0) {
        return 1;
    }
    pthread_join(other, NULL);
    return 0;
}

APART static int pong(int n);

/* Jumps, where the compiler makes them: no matter how many, they are not within each other. */
APART static int ping(int n)
{
    KEPT(n);
    return n == 0 ? 1 : pong(n - 1);
}

APART static int pong(int n)
{
    KEPT(n);
    return n == 0 ? 2 : ping(n - 1);
}

/* Their stack is aligned by way of a register, as there is more on it of which the size is not known. */
APART static int aligned(int n)
{
    _Alignas(64) volatile char fixed[128];
    volatile char *more = __builtin_alloca((size_t)n + 1);
    fixed[n & 127] = (char)n;
    more[n] = 1;
    return fixed[n & 127] + more[n] + ((uintptr_t)fixed % 64 == 0);
}

APART static int aligned_arguments(int a, int b, int c, int d, int e, int f, int g, int h, int n)
{
    _Alignas(64) volatile char fixed[128];
    volatile char *more = __builtin_alloca((size_t)n + 1);
    fixed[n & 127] = (char)n;
    more[n] = 1;
    return a + b + c + d + e + f + g + h + fixed[n & 127] + more[n] + ((uintptr_t)fixed % 64 == 0);
}

static void *waits(void *unused)
{
    pause();
    return unused;
}

/* The first library is not noticed before the second one calls, and then there is another thread. */
static int loads_late(const char *first, const char *second)
{
    pthread_t other;
    return pthread_create(&other, NULL, waits, NULL) + loads(first) + loads(second) + loads(first);
}

static int all_threads(void *(*run)(void *), int count)
{
    pthread_t threads[16];
    for (int i = 0; i < count; i++) {
        if (pthread_create(&threads[i], NULL, run, NULL) != 0) {
            return 1;
        }
    }
    for (int i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
    }
    return 0;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    int sum = 0;
    if (strcmp(name, "calls") == 0) {
        for (int i = 0; i < 100; i++) {
            sum += outer(i);
        }
        for (int i = 0; i < 10; i++) {
            sum += jumps(i);
            jumps_void();
        }
        return sum != 10200 + 120 ? check(0, "results") : 0;
    }
    if (strcmp(name, "recursion") == 0) {
        return check(recursion(50) == 51, "a recursion's result");
    }
    if (strcmp(name, "deep") == 0) { /* more than there are frames */
        return check(recursion(140000) == 140001 && recursion(9) == 10 && leaf(1) == 2, "a deep recursion");
    }
    if (strcmp(name, "arguments") == 0) {
        return arguments();
    }
    if (strcmp(name, "longjmp") == 0) {
        for (int i = 0; i < 100; i++) {
            sum += tries(i);
        }
        return check(sum == 4950 + 100, "results behind longjmp");
    }
    if (strcmp(name, "threads") == 0) {
        return all_threads(thread, 8);
    }
    if (strcmp(name, "exits") == 0) {
        return all_threads(thread_that_exits, 8);
    }
    if (strcmp(name, "signals") == 0) {
        signals(0);
        return 0;
    }
    if (strcmp(name, "aside") == 0) {
        signals(1);
        return 0;
    }
    if (strcmp(name, "interrupted") == 0) {
        interrupted();
        return 0;
    }
    if (strcmp(name, "fork") == 0) {
        return forks();
    }
    if (strcmp(name, "coroutine") == 0) {
        return coroutine();
    }
    if (strcmp(name, "moved") == 0) {
        return moves(0);
    }
    if (strcmp(name, "orphaned") == 0) {
        return moves(1);
    }
    if (strcmp(name, "waiting") == 0) {
        return make_sleepers() + start_sleepers() + (wake(NULL) != NULL) + check_sleepers();
    }
    if (strcmp(name, "unmapped") == 0) {
        return unmaps();
    }
    if (strcmp(name, "chain") == 0) {
        return check(ping(200000) == 1, "a chain of jumps");
    }
    if (strcmp(name, "aligned") == 0) {
        for (int i = 0; i < 100; i++) {
            sum += aligned(i) + aligned_arguments(1, 2, 3, 4, 5, 6, 7, 8, i);
        }
        return check(sum == 2 * (4950 + 200) + 3600, "aligned functions' results");
    }
    if (strcmp(name, "late") == 0 && argc > 3) {
        return loads_late(argv[2], argv[3]);
    }
    if (strcmp(name, "dlopen") == 0 && argc > 2) {
        return loads(argv[2]);
    }
    printf("wrong: no case '%s'\n", name);
    return 1;
}
