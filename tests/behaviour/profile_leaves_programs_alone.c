/* SPDX-License-Identifier: MIT */
/*
 * libtare-profile.so: what a program does with signals, timers, threads and time goes as it would without
 * it, and where it stands in the way of sampling, the reader is told. Each part is played by this program,
 * with the library in front, and judges itself.
 */
#include <dlfcn.h>
#include <link.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/time.h>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>

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

static volatile sig_atomic_t came, came_other;

static void count(int signal)
{
    (void)signal;
    came = came + 1;
}

static void count_expirations(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)context;
    came_other = came_other + 1 + info->si_overrun;
}

/* Its own SIGPROF, and a timer of its own on a real-time signal: all of them arrive. */
static int own_timers(void)
{
    struct sigaction action = {.sa_handler = count},
                     other = {.sa_sigaction = count_expirations, .sa_flags = SA_SIGINFO};
    struct itimerval often = {.it_interval = {0, 20000}, .it_value = {0, 20000}};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1};
    timer_t timer;
    double before = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
    NEED(sigaction(SIGPROF, &action, NULL) == 0 && sigaction(SIGRTMIN + 1, &other, NULL) == 0);
    NEED(timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &timer) == 0);
    NEED(setitimer(ITIMER_PROF, &often, NULL) == 0);
    NEED(timer_settime(timer, 0, &(struct itimerspec){{0, 20000000}, {0, 20000000}}, NULL) == 0);
    burn(0.4);
    double expected = (cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - before) / 0.02;
    /* SIGPROF comes once where the kernel looked so late that two fall together: the machine is busy. */
    printf("# %d and %d of %.0f\n", (int)came, (int)came_other, expected);
    return came < expected * 0.25 || came > expected + 2 || came_other < expected * 0.8 ||
           came_other > expected + 2;
}

/* Blocks all signals, and is told that it does. */
static int blocks_all(void)
{
    sigset_t all, before, now;
    sigfillset(&all);
    NEED(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    NEED(pthread_sigmask(SIG_BLOCK, NULL, &now) == 0);
    for (int signal = SIGRTMIN; signal <= SIGRTMAX; signal++) {
        NEED(sigismember(&now, signal) == 1);
        NEED(sigismember(&before, signal) == 0);
    }
    burn(0.25);
    NEED(sigprocmask(SIG_SETMASK, &before, &now) == 0);
    NEED(sigismember(&now, SIGRTMAX) == 1 && sigismember(&now, SIGUSR1) == 1);
    NEED(sigprocmask(SIG_SETMASK, NULL, &now) == 0);
    NEED(sigismember(&now, SIGRTMAX) == 0);
    return 0;
}

/* What daemons do: every signal as it was in the beginning, or ignored. */
static int resets_all(void)
{
    struct sigaction action = {.sa_handler = SIG_IGN}, now;
    for (int signal = 1; signal <= SIGRTMAX; signal++) {
        sigaction(signal, &action, NULL);
    }
    for (int signal = SIGRTMIN; signal <= SIGRTMAX; signal++) {
        NEED(sigaction(signal, NULL, &now) == 0 && now.sa_handler == SIG_IGN);
    }
    for (int number = 1; number <= SIGRTMAX; number++) {
        signal(number, SIG_DFL);
    }
    burn(0.25);
    return 0;
}

/* Takes every real-time signal for itself, and gets each. */
static int takes_all(void)
{
    burn(0.1);
    for (int number = SIGRTMIN; number <= SIGRTMAX; number++) {
        struct sigaction action = {.sa_handler = count};
        NEED(sigaction(number, &action, NULL) == 0);
    }
    burn(0.2);
    NEED(came == 0); /* none of ours */
    for (int number = SIGRTMIN; number <= SIGRTMAX; number++) {
        raise(number);
    }
    NEED(came == SIGRTMAX - SIGRTMIN + 1);
    return 0;
}

static volatile bool cut_short;

/* Again and again: the first may come before the wait has begun, where the machine is busy. */
static void *raise_later(void *signal)
{
    while (!cut_short) {
        nanosleep(&(struct timespec){0, 30000000}, NULL);
        if (!cut_short) {
            kill(getpid(), *(int *)signal);
        }
    }
    return NULL;
}

/* A wait takes its time, and fails with EINTR if another signal than ours comes, and else never. */
static int waits(void)
{
    struct timespec time = {0, 30000000}, now, left;
    uint64_t began, chosen, least = 29000000;
    sem_t semaphore;
    int poller = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event;
    NEED(sem_init(&semaphore, 0, 0) == 0 && poller >= 0);
    struct sigaction action = {.sa_handler = count};
    NEED(sigaction(SIGUSR1, &action, NULL) == 0);
/* To a point of time, the wait is counted from when that was chosen. */
#define TAKES_SINCE(start, call, result)                                                                       \
    do {                                                                                                       \
        began = (start);                                                                                       \
        NEED((call) == (result));                                                                              \
        NEED(monotonic_ns() - began >= least);                                                                 \
    } while (0)
#define TAKES(call, result) TAKES_SINCE(monotonic_ns(), call, result)
    for (int i = 0; i < 4; i++) {
        struct timeval select_time = {0, 30000};
        TAKES(nanosleep(&time, NULL), 0);
        TAKES(clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL), 0);
        chosen = monotonic_ns();
        clock_gettime(CLOCK_MONOTONIC, &now);
        now.tv_nsec += 30000000;
        now.tv_sec += now.tv_nsec / 1000000000;
        now.tv_nsec %= 1000000000;
        TAKES_SINCE(chosen, clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &now, NULL), 0);
        TAKES(usleep(30000), 0);
        TAKES(poll(NULL, 0, 30), 0);
        TAKES(ppoll(NULL, 0, &time, NULL), 0);
        TAKES(select(0, NULL, NULL, NULL, &select_time), 0);
        TAKES(pselect(0, NULL, NULL, NULL, &time, NULL), 0);
        TAKES(epoll_wait(poller, &event, 1, 30), 0);
        chosen = monotonic_ns();
        clock_gettime(CLOCK_REALTIME, &now);
        now.tv_nsec += 30000000;
        now.tv_sec += now.tv_nsec / 1000000000;
        now.tv_nsec %= 1000000000;
        TAKES_SINCE(chosen, sem_timedwait(&semaphore, &now), -1);
        NEED(errno == ETIMEDOUT);
    }
    int signal = SIGUSR1;
    sigset_t none, mine;
    sigemptyset(&none);
    sigemptyset(&mine);
    sigaddset(&mine, SIGUSR1);
#define CUT_SHORT(call)                                                                                        \
    do {                                                                                                       \
        pthread_t thread;                                                                                      \
        came = 0;                                                                                              \
        cut_short = false;                                                                                     \
        NEED(pthread_sigmask(SIG_BLOCK, &mine, NULL) == 0); /* the thread is not to get it */                  \
        NEED(pthread_create(&thread, NULL, raise_later, &signal) == 0);                                        \
        NEED(pthread_sigmask(SIG_UNBLOCK, &mine, NULL) == 0);                                                  \
        NEED((call) == -1 && errno == EINTR && came >= 1);                                                     \
        cut_short = true;                                                                                      \
        pthread_join(thread, NULL);                                                                            \
    } while (0)
    CUT_SHORT(nanosleep(&(struct timespec){20, 0}, &left));
    NEED(left.tv_sec >= 10 && left.tv_sec < 20);
    CUT_SHORT(poll(NULL, 0, 20000));
    CUT_SHORT(epoll_wait(poller, &event, 1, -1));
    CUT_SHORT(pause());
    CUT_SHORT(sigsuspend(&none));
    return 0;
}

/* Gets its own signals by waiting for them, though it waits for all. */
static int waits_for_signals(void)
{
    sigset_t all;
    siginfo_t info;
    sigfillset(&all);
    NEED(pthread_sigmask(SIG_SETMASK, &all, NULL) == 0);
    int fd = signalfd(-1, &all, SFD_NONBLOCK | SFD_CLOEXEC);
    struct signalfd_siginfo got;
    NEED(fd >= 0);
    burn(0.2);
    NEED(read(fd, &got, sizeof(got)) == -1 && errno == EAGAIN); /* none of ours */
    kill(getpid(), SIGUSR2);
    NEED(sigwaitinfo(&all, &info) == SIGUSR2);
    NEED(sigtimedwait(&all, &info, &(struct timespec){0, 50000000}) == -1 && errno == EAGAIN);
    return 0;
}

static void *do_little(void *gate)
{
    pthread_barrier_wait(gate);
    return NULL;
}

/*
 * As many threads as there can be, up to 10,000, all at once. An emulator takes milliseconds to make one, and has timers
 * for some dozens only: 1,000 of them say the same there.
 */
static int many_threads(void)
{
    enum { MANY = 10000, MANY_EMULATED = 1000 };
    static pthread_t threads[MANY];
    pthread_attr_t small;
    pthread_barrier_t gate;
    struct rlimit limit;
    int made = 0, wanted = getenv("TARE_EMULATOR") != NULL ? MANY_EMULATED : MANY;
    long least = sysconf(_SC_THREAD_STACK_MIN);
    NEED(pthread_attr_init(&small) == 0);
    NEED(pthread_attr_setstacksize(&small, least > 65536 ? (size_t)least : 65536) == 0);
    if (getrlimit(RLIMIT_NPROC, &limit) == 0 && limit.rlim_cur < MANY + 1000) {
        wanted = (int)(limit.rlim_cur / 4);
    }
    FILE *file = fopen("/sys/fs/cgroup/pids.max", "r");
    int pids = 0;
    if (file != NULL) {
        wanted = fscanf(file, "%d", &pids) == 1 && pids < 2 * wanted ? pids / 4 : wanted;
        fclose(file);
    }
    NEED(pthread_barrier_init(&gate, NULL, (unsigned)wanted + 1) == 0);
    while (made < wanted && pthread_create(&threads[made], &small, do_little, &gate) == 0) {
        made++;
    }
    if (made < wanted) {
        printf("# %d threads, and no more\n", made);
        fflush(stdout);
        burn(0.3);
        _exit(0); /* those that are there wait for ever */
    }
    pthread_barrier_wait(&gate);
    for (int i = 0; i < made; i++) {
        pthread_join(threads[i], NULL);
    }
    burn(0.3);
    return 0;
}

static volatile int cleaned;

static void clean(void *unused)
{
    (void)unused;
    cleaned = cleaned + 1;
}

static void *wait_for_ever(void *how)
{
    pthread_cleanup_push(clean, NULL);
    if (how != NULL) {
        poll(NULL, 0, -1);
    } else {
        sleep(1000);
    }
    pthread_cleanup_pop(0);
    return NULL;
}

/* Threads that are cancelled while they wait clean up and end. */
static int cancelled(void)
{
    for (int i = 0; i < 4; i++) {
        pthread_t thread;
        void *result = NULL;
        NEED(pthread_create(&thread, NULL, wait_for_ever, i % 2 == 0 ? NULL : &thread) == 0);
        nanosleep(&(struct timespec){0, 20000000}, NULL);
        NEED(pthread_cancel(thread) == 0 && pthread_join(thread, &result) == 0);
        NEED(result == PTHREAD_CANCELED && cleaned == i + 1);
    }
    return 0;
}

/* Thousands of exceptions, in several threads: a C++ program beside this one. */
static int throws(void)
{
    return become("throws", "");
}

static void *burn_in_thread(void *unused)
{
    burn(0.05);
    return unused;
}

static int without_timers(void)
{
    pthread_t thread;
    NEED(setrlimit(RLIMIT_SIGPENDING, &(struct rlimit){0, 0}) == 0);
    for (int i = 0; i < 3; i++) {
        NEED(pthread_create(&thread, NULL, burn_in_thread, NULL) == 0 && pthread_join(thread, NULL) == 0);
    }
    return 0;
}

static void compute(void)
{
    for (volatile long i = 0; i < 150000000;) {
        i = i + 1;
    }
}

/* Any other call than these ends it; burn() would need none either, but for the clock where there is no vDSO. */
static int in_a_sandbox(bool by_number)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 4, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_brk, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigreturn, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};
    /* Attempts that fail change nothing. */
    NEED(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, 0L) == -1 && errno == EFAULT);
    NEED(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, 16L) == -1);
    NEED(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, NULL) == -1 && errno == EFAULT);
    NEED(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, 16L) == -1);
    NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    burn(0.3);
    NEED(by_number ? syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0
                   : prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
    compute();
    _exit(0);
}

static int filters_by_prctl(void)
{
    return in_a_sandbox(false);
}

static int filters_by_number(void)
{
    return in_a_sandbox(true);
}

static volatile bool linking, linked;

static int stay(struct dl_phdr_info *object, size_t size, void *data)
{
    (void)object, (void)size, (void)data;
    linking = true;
    while (!linked) {
        poll(NULL, 0, 1);
    }
    return 1;
}

static void *link_for_long(void *gate)
{
    sem_wait(gate);
    dl_iterate_phdr(stay, NULL);
    return NULL;
}

/* A child must not wait for a lock that another thread of its parent has, in a call that it may make. */
static int forks_while_linking(void)
{
    sem_t gate;
    pthread_t thread;
    sem_init(&gate, 0, 0);
    NEED(pthread_create(&thread, NULL, link_for_long, &gate) == 0);
    NEED(dlopen("$ORIGIN/there-is-no-such-library.so", RTLD_NOW) == NULL); /* is left for later */
    sem_post(&gate);
    while (!linking) {
        poll(NULL, 0, 1);
    }
    pid_t child = fork();
    NEED(child >= 0);
    if (child == 0) {
        poll(NULL, 0, 1);
        nanosleep(&(struct timespec){0, 1000}, NULL);
        _exit(0);
    }
    int status = -1;
    for (int i = 0; i < 10000 && waitpid(child, &status, WNOHANG) == 0; i++) {
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    kill(child, SIGKILL);
    linked = true;
    pthread_join(thread, NULL);
    NEED(status == 0);
    return 0;
}

static long anonymous_kb(void)
{
    char line[256];
    long kb = -1;
    FILE *file = fopen("/proc/self/status", "re");
    while (file != NULL && kb < 0 && fgets(line, sizeof(line), file) != NULL) {
        sscanf(line, "RssAnon: %ld", &kb);
    }
    if (file != NULL) {
        fclose(file);
    }
    return kb;
}

static int loads_and_unloads(void)
{
    enum { CYCLES = 500, WARM = 20 };
    long before = 0;
    for (int i = 0; i < CYCLES; i++) {
        void *library = dlopen("libresolv.so.2", RTLD_NOW);
        NEED(library != NULL);
        dlclose(library);
        before = i == WARM ? anonymous_kb() : before;
    }
    NEED(before > 0);
    NEED(anonymous_kb() - before < 2 * CYCLES);
    return 0;
}

static int play(const char *role)
{
    static const struct {
        const char *name;
        int (*play)(void);
    } parts[] = {
        {"own-timers", own_timers},
        {"blocks-all", blocks_all},
        {"resets-all", resets_all},
        {"takes-all", takes_all},
        {"waits", waits},
        {"forks-while-linking", forks_while_linking},
        {"loads-and-unloads", loads_and_unloads},
        {"waits-for-signals", waits_for_signals},
        {"many-threads", many_threads},
        {"without-timers", without_timers},
        {"filters-by-prctl", filters_by_prctl},
        {"filters-by-number", filters_by_number},
        {"cancelled", cancelled},
        {"throws", throws},
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (strcmp(role, parts[i].name) == 0) {
            return parts[i].play();
        }
    }
    if (strcmp(role, "burn") == 0) {
        burn(0.2);
        return 0;
    }
    if (strcmp(role, "killed") == 0) {
        burn(0.2);
        kill(getpid(), SIGKILL);
    }
    return 2;
}

/* The part went well, and was sampled. */
static struct taken expect(const char *role, uint32_t flags, bool sampled)
{
    struct taken taken = run_profiled(role, NULL, flags, HZ, NULL, places);
    CHECK_EQ(taken.status, 0);
    CHECK_EQ(taken.broken_count, 0);
    CHECK_EQ(taken.lost, 0);
    if (sampled) {
        size_t burning = samples_with(&taken, CHAIN("burn"));
        printf("# %zu of %zu samples, %" PRIu64 " missed\n", burning, taken.sample_count, taken.missed_threads);
        CHECK(burning > 5);
        CHECK_EQ(taken.signal_taken, 0);
    }
    return taken;
}

static void without_memory(const char *address)
{
    const char *library = find_profile_library();
    const char *const environment[] = {address,
                                       getenv("TARE_EMULATOR") != NULL
                                           ? text("QEMU_SET_ENV=LD_PRELOAD=%s", library)
                                           : text("LD_PRELOAD=%s", library),
                                       NULL};
    CHECK_EQ(run_self("burn", environment, NULL), 0);
}

int main(int argc, char **argv)
{
    if (argc >= 2) {
        return play(argv[1]);
    }
    find_profile_library();
    struct taken taken;
    begin_case("its own timers get all of their signals");
    taken = expect("own-timers", 0, true);
    release_taken(&taken);
    begin_case("it blocks all signals, and is sampled");
    const char *few_signals =
        getenv("TARE_EMULATOR") != NULL ? "the emulator has not all real-time signals" : NULL;
    if (few_signals == NULL) {
        taken = expect("blocks-all", 0, true);
        release_taken(&taken);
    } else {
        skip_case(few_signals);
    }
    begin_case("it resets all signals, and is sampled");
    taken = expect("resets-all", 0, true);
    release_taken(&taken);
    begin_case("it takes all real-time signals, and has them");
    if (few_signals == NULL) {
        taken = expect("takes-all", 0, false);
        CHECK_EQ(taken.signal_taken, 1);
        CHECK(taken.sample_count > 0);
        release_taken(&taken);
    } else {
        skip_case(few_signals);
    }
    begin_case("its waits are as long as they should be, by CPU clock and by wall clock");
    taken = expect("waits", 0, false);
    release_taken(&taken);
    taken = expect("waits", TARE_SAMPLES_WALL, false);
    CHECK_BETWEEN(10 * 4 * 0.03 * HZ, total_weight(&taken), 10 * 4 * 0.03 * HZ * 20);
    release_taken(&taken);
    begin_case("threads that are cancelled in a wait");
    taken = expect("cancelled", 0, false);
    release_taken(&taken);
    taken = expect("cancelled", TARE_SAMPLES_WALL, false);
    release_taken(&taken);
    begin_case("exceptions");
    char path[PATH_MAX] = "";
    MUST(readlink("/proc/self/exe", path, sizeof(path) - 32) > 0);
    strcpy(strrchr(path, '/') + 1, "throws");
    if (getenv("TARE_EMULATOR") != NULL) {
        skip_case("an emulated program cannot start another");
    } else if (access(path, X_OK) != 0) {
        skip_case("built without C++");
    } else {
        taken = expect("throws", 0, false);
        CHECK(taken.sample_count > 5);
        CHECK(taken.cut * 5 <= taken.sample_count);
        release_taken(&taken);
    }
    begin_case("it waits for its own signals, and gets no others");
    taken = expect("waits-for-signals", 0, true);
    release_taken(&taken);
    begin_case("a fork while another thread has the dynamic linker's lock");
    taken = expect("forks-while-linking", 0, false);
    release_taken(&taken);
    begin_case("libraries that come and go take no memory with them");
    if (getenv("TARE_EMULATOR") != NULL) {
        skip_case("the emulator's memory is not the program's");
    } else {
        taken = expect("loads-and-unloads", 0, false);
        release_taken(&taken);
    }
    begin_case("thousands of threads");
    taken = expect("many-threads", 0, true);
    printf("# %" PRIu64 " threads without a timer\n", taken.missed_threads);
    release_taken(&taken);
    begin_case("threads that can have no timer are counted");
    taken = expect("without-timers", 0, false);
    CHECK_EQ(taken.missed_threads, 3);
    CHECK_EQ(samples_with(&taken, CHAIN("burn")), 0);
    release_taken(&taken);
    begin_case("no system calls of ours in a sandbox");
    const char *const sandboxes[] = {"filters-by-prctl", "filters-by-number"};
    for (size_t i = 0; i < 2 && getenv("TARE_EMULATOR") == NULL; i++) {
        for (uint32_t flags = 0; flags <= TARE_SAMPLES_WALL; flags += TARE_SAMPLES_WALL) {
            taken = expect(sandboxes[i], flags, true);
            CHECK_EQ(taken.sandboxed, 1);
            release_taken(&taken);
        }
    }
    begin_case("killed, what it wrote can be read");
    taken = run_profiled("killed", NULL, 0, HZ, NULL, places);
    CHECK(WIFSIGNALED(taken.status) && WTERMSIG(taken.status) == SIGKILL);
    CHECK(samples_with(&taken, CHAIN("burn")) > 5);
    CHECK_EQ(taken.torn, 0);
    release_taken(&taken);
    begin_case("without memory, or with something else in its place");
    without_memory("TARE_PROFILE=/proc/1/fd/9999");
    without_memory("TARE_PROFILE=/proc/self/exe");
    without_memory("TARE_PROFILE=/nowhere");
    without_memory("TARE_PROFILE=");
    begin_case("an interval that is too short");
    taken = run_profiled("burn", NULL, 0, 1e6, NULL, places);
    CHECK_EQ(taken.status, 0);
    CHECK_EQ(taken.broken_count, 1);
    CHECK(strstr(taken.broken, "too short") != NULL);
    CHECK_EQ(taken.sample_count, 0);
    release_taken(&taken);
    return finish();
}
