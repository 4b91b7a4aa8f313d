/* SPDX-License-Identifier: MIT */
/*
 * libtare-profile.so: the stacks of what runs, of a program that was compiled without frame pointers: of
 * plain calls, in threads, in signal handlers, on stacks of its own, behind fork, exec and dlopen. Each
 * part burns processor time in a chain of calls that is known.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/syscall.h>
#include <threads.h>
#include <ucontext.h>

#include "tests/behaviour/profile_run.h"

#define HZ 997.0

/* The same program, compiled with frame pointers, and nothing but them to go by; libc has none. */
#ifdef FRAME_POINTERS
#define FLAGS TARE_SAMPLES_FP_ONLY
#else
#define FLAGS 0
#endif

static volatile double sink;
static double burn_for = 0.25;
static clockid_t burn_by = CLOCK_THREAD_CPUTIME_ID;

PLACE(burn) static void burn(void)
{
    double until = cpu_seconds(burn_by) + burn_for, x = 1;
    do {
        for (int i = 0; i < 20000; i++) {
            x = x * 1.0000001 + 0.5;
        }
        sink = x;
    } while (cpu_seconds(burn_by) < until);
}

/* Each with a stack frame of its own, and work behind the call, so that it is none in the tail. */
#define CALLER(name, callee, bytes)                                                                            \
    PLACE(name) static void name(void)                                                                         \
    {                                                                                                          \
        volatile char room[bytes];                                                                             \
        room[0] = 1;                                                                                           \
        callee();                                                                                              \
        sink += room[0];                                                                                       \
    }                                                                                                          \
    struct nothing_##name

CALLER(inner, burn, 24);
CALLER(middle, inner, 5000);
CALLER(outer, middle, 104);

/* The processor's vector instructions want a stack that is aligned more than calls keep it. */
PLACE(aligned) static void aligned(void)
{
    _Alignas(64) volatile char room[192];
    room[0] = 1;
    inner();
    sink += room[0];
}

PLACE(variable) static void variable(size_t bytes)
{
    volatile char *room = __builtin_alloca(bytes);
    room[0] = 1;
    inner();
    sink += room[0];
}

PLACE(recursive) static void recursive(int depth)
{
    if (depth == 0) {
        inner();
    } else {
        recursive(depth - 1);
    }
    sink += depth;
}

PLACE(handler) static void handler(int signal)
{
    (void)signal;
    inner();
    sink += 1;
}

PLACE(raises) static void raises(void)
{
    raise(SIGUSR1);
    sink += 1;
}

static ucontext_t back, coroutine;

PLACE(routine) static void routine(void)
{
    inner();
    sink += 1;
}

PLACE(thread) static void *thread(void *how)
{
    if (how != NULL) {
        pthread_setname_np(pthread_self(), how);
    }
    outer();
    sink += 1;
    return NULL;
}

PLACE(leaving_thread) static void *leaving_thread(void *unused)
{
    outer();
    pthread_exit(unused);
}

PLACE(c11_thread) static int c11_thread(void *unused)
{
    (void)unused;
    outer();
    return sink > 0 ? 3 : 4;
}

/* Code that nobody has call frame information for: it keeps a frame pointer, and calls. */
static const uint8_t made[] = {
#if defined(__x86_64__)
    0x55,             /* push %rbp */
    0x48, 0x89, 0xe5, /* mov %rsp, %rbp */
    0xff, 0xd7,       /* call *%rdi */
    0x5d,             /* pop %rbp */
    0xc3,             /* ret */
#else
    0xfd, 0x7b, 0xbf, 0xa9, /* stp x29, x30, [sp, #-16]! */
    0xfd, 0x03, 0x00, 0x91, /* mov x29, sp */
    0x00, 0x00, 0x3f, 0xd6, /* blr x0 */
    0xfd, 0x7b, 0xc1, 0xa8, /* ldp x29, x30, [sp], #16 */
    0xc0, 0x03, 0x5f, 0xd6, /* ret */
#endif
};

PLACE(calls_made) static void calls_made(void)
{
    void (*call)(void (*)(void)) = NULL;
    char *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST(code != MAP_FAILED);
    memcpy(code, made, sizeof(made));
    MUST(mprotect(code, 4096, PROT_READ | PROT_EXEC) == 0);
    __builtin___clear_cache(code, code + sizeof(made));
    *(void **)&call = code;
    call(inner);
    sink += 1;
}

static const struct place places[] = {
    PLACE_OF(calls_made),     PLACE_OF(burn),       PLACE_OF(inner),    PLACE_OF(middle),
    PLACE_OF(outer),          PLACE_OF(aligned),    PLACE_OF(variable), PLACE_OF(recursive),
    PLACE_OF(handler),        PLACE_OF(raises),     PLACE_OF(routine),  PLACE_OF(thread),
    PLACE_OF(leaving_thread), PLACE_OF(c11_thread), {NULL, NULL, NULL},
};

static int with_handler(int flags)
{
    static char stack[65536];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof(stack)};
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    sigfillset(&action.sa_mask); /* ours is not meant */
    MUST(sigaltstack(&alternate, NULL) == 0 && sigaction(SIGUSR1, &action, NULL) == 0);
    raises();
    return 0;
}

static int with_threads(int count, double seconds, void *(*start)(void *), bool named)
{
    pthread_t threads[8];
    burn_for = seconds;
    for (int i = 0; i < count; i += 4) {
        for (int j = 0; j < 4; j++) {
            MUST(pthread_create(&threads[j], NULL, start, named ? (void *)(uintptr_t) "burner" : NULL) == 0);
        }
        for (int j = 0; j < 4; j++) {
            pthread_join(threads[j], NULL);
        }
    }
    return 0;
}

static sigjmp_buf jump;

static void jumps(int signal)
{
    (void)signal;
    siglongjmp(jump, 1);
}

static long mapped_pages(void)
{
    char line[64] = "";
    FILE *file = fopen("/proc/self/statm", "re");
    MUST(file != NULL && fgets(line, sizeof(line), file) != NULL);
    fclose(file);
    return atol(line);
}

/* Libraries that come and go leave nothing behind. */
static int loads_often(void)
{
    char path[PATH_MAX] = "";
    long before = 0;
    MUST(readlink("/proc/self/exe", path, sizeof(path) - 32) > 0);
    strcpy(strrchr(path, '/') + 1, "plugin.so");
    for (int i = 0; i < 600; i++) {
        void *library = dlopen(path, RTLD_NOW);
        MUST(library != NULL && dlclose(library) == 0);
        before = i == 99 ? mapped_pages() : before;
    }
    printf("# %ld pages, then %ld\n", before, mapped_pages());
    return mapped_pages() - before > 250; /* less than one for each time */
}

static int play(const char *role, const char *argument)
{
    if (strcmp(role, "plain") == 0) {
        outer();
    } else if (strcmp(role, "aligned") == 0) {
        aligned();
    } else if (strcmp(role, "variable") == 0) {
        variable(strlen(argument) + 1000);
    } else if (strcmp(role, "recursive") == 0) {
        recursive(atoi(argument));
    } else if (strcmp(role, "handler") == 0) {
        return with_handler(0);
    } else if (strcmp(role, "alternate") == 0) {
        return with_handler(SA_ONSTACK);
    } else if (strcmp(role, "coroutine") == 0) {
        char *stack = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        MUST(stack != MAP_FAILED && getcontext(&coroutine) == 0);
        coroutine.uc_stack = (stack_t){.ss_sp = stack, .ss_size = 65536};
        coroutine.uc_link = &back;
        makecontext(&coroutine, routine, 0);
        MUST(swapcontext(&back, &coroutine) == 0);
    } else if (strcmp(role, "made") == 0) {
        calls_made();
    } else if (strcmp(role, "threads") == 0) {
        return with_threads(4, 0.1, thread, true);
    } else if (strcmp(role, "many-threads") == 0) {
        return with_threads(200, 0.003, thread, false);
    } else if (strcmp(role, "leaving-threads") == 0) {
        return with_threads(4, 0.1, leaving_thread, false);
    } else if (strcmp(role, "c11-thread") == 0) {
        thrd_t id;
        int code = 0;
        MUST(thrd_create(&id, c11_thread, NULL) == thrd_success && thrd_join(id, &code) == thrd_success);
        return code != 3;
    } else if (strcmp(role, "fork") == 0) {
        pid_t pid = fork();
        if (pid == 0) {
            outer();
            exit(0);
        }
        return status_of(pid);
    } else if (strcmp(role, "exec") == 0) {
        inner();
        return become(NULL, "plain");
    } else if (strcmp(role, "dlopen") == 0) {
        char path[PATH_MAX] = "";
        MUST(readlink("/proc/self/exe", path, sizeof(path) - 32) > 0);
        strcpy(strrchr(path, '/') + 1, "plugin.so");
        void *library = dlopen(path, RTLD_NOW);
        void (*call)(void (*)(void)) = NULL;
        MUST(library != NULL);
        *(void **)&call = dlsym(library, "plugin_call");
        MUST(call != NULL);
        call(inner);
        MUST(dlclose(library) == 0);
    } else if (strcmp(role, "dlopen-often") == 0) {
        return loads_often();
    } else if (strcmp(role, "longjmp") == 0) {
        struct sigaction action = {.sa_handler = jumps};
        MUST(sigaction(SIGALRM, &action, NULL) == 0);
        volatile int left = 20;
        sigsetjmp(jump, 1);
        if (left-- > 0) {
            ualarm(5000, 0);
            burn_for = 10;
            outer();
        }
        burn_for = 0.1;
        outer();
    } else {
        return 2;
    }
    return 0;
}

/*
 * All but a few of the samples are of this chain: the program does something before and behind it, of which a busy
 * machine makes 20 ms, or five samples at the kernel's tick. `whole`: up to the outermost frame, too.
 */
static void expect_stacks(const char *role, const char *argument, bool whole, const char *const *chain)
{
    struct taken taken = run_profiled(role, argument, FLAGS, HZ, NULL, places);
    size_t with = samples_with(&taken, chain), others = taken.sample_count - with;
    bool few = others * 10 <= taken.sample_count || others <= 5;
    CHECK_EQ(taken.status, 0);
    CHECK_EQ(taken.lost, 0);
    CHECK_EQ(taken.broken_count, 0);
    CHECK(taken.sample_count > 5);
    CHECK(with > others && few);
    CHECK(!whole || taken.cut * 10 <= taken.sample_count);
    if (with <= others || !few) {
        printf("# %s: %zu of %zu samples, %" PRIu64 " cut\n", role, with, taken.sample_count, taken.cut);
    }
    release_taken(&taken);
}

static void expect(const char *role, const char *argument, const char *const *chain)
{
    expect_stacks(role, argument, true, chain);
}

static void expect_modules(void)
{
    struct taken taken = run_profiled("dlopen", NULL, 0, HZ, NULL, places);
    bool program = false, plugin = false, libc = false;
    for (size_t i = 0; i < taken.module_count; i++) {
        const struct profile_module *module = &taken.modules[i];
        program = program || strstr(module->path, "/behaviour_profile_stacks_are_right") != NULL;
        plugin = plugin || strstr(module->path, "/plugin.so") != NULL;
        libc = libc || strstr(module->path, "/libc.so") != NULL;
    }
    CHECK(program);
    CHECK(plugin);
    CHECK(libc);
    /* Of those that are in what the plugin calls: loading it may take many samples of its own. */
    size_t in_plugin = 0, called = 0;
    for (size_t i = 0; i < taken.sample_count; i++) {
        bool in_call = false;
        for (size_t frame = 0; frame < taken.samples[i].depth; frame++) {
            const char *place = taken.samples[i].stack[frame];
            in_call = in_call || (place != NULL && strcmp(place, "inner") == 0);
        }
        called += in_call;
        for (size_t frame = 2; in_call && frame < taken.samples[i].depth; frame++) {
            for (size_t m = 0; m < taken.module_count; m++) {
                in_plugin +=
                    strstr(taken.modules[m].path, "/plugin.so") != NULL &&
                    taken.samples[i].addresses[frame] - taken.modules[m].address < taken.modules[m].size;
            }
        }
    }
    CHECK(called > 5);
    CHECK(in_plugin * 10 >= called * 9);
    release_taken(&taken);
}

int main(int argc, char **argv)
{
    if (argc >= 2) {
        return play(argv[1], argc > 2 ? argv[2] : "");
    }
    find_profile_library();
#ifdef FRAME_POINTERS
    begin_case("by frame pointers alone");
    expect_stacks("plain", NULL, false, CHAIN("burn", "inner", "middle", "outer"));
    expect_stacks("aligned", NULL, false, CHAIN("burn", "inner", "aligned"));
    expect_stacks("variable", NULL, false, CHAIN("burn", "inner", "variable"));
    expect_stacks("recursive", "60", false, CHAIN("burn", "inner", "recursive", "recursive", "recursive"));
    expect_stacks("made", NULL, false, CHAIN("burn", "inner", "calls_made"));
    expect_stacks("leaving-threads", NULL, false, CHAIN("burn", "inner", "middle", "outer", "leaving_thread"));
    return finish();
#endif
    const char *const *plain = CHAIN("burn", "inner", "middle", "outer");
    begin_case("calls");
    {
        expect("plain", NULL, plain);
    }
    begin_case("a frame that is aligned, one of variable size, and many");
    {
        expect("aligned", NULL, CHAIN("burn", "inner", "aligned"));
        expect("variable", NULL, CHAIN("burn", "inner", "variable"));
        expect("recursive", "60", CHAIN("burn", "inner", "recursive", "recursive", "recursive"));
    }
    begin_case("a signal handler, and what it interrupted, on the same stack and on another");
    {
        expect("handler", NULL, CHAIN("burn", "inner", "handler", "raises"));
        expect("alternate", NULL, CHAIN("burn", "inner", "handler", "raises"));
    }
    begin_case("a coroutine");
    {
        /* Behind the routine is what makecontext has made up. */
        expect_stacks("coroutine", NULL, false, CHAIN("burn", "inner", "routine"));
    }
    begin_case("code that was made at run time");
    {
        expect("made", NULL, CHAIN("burn", "inner", "calls_made"));
    }
    begin_case("threads, with their names");
    {
        struct taken taken = run_profiled("threads", NULL, 0, HZ, NULL, places);
        CHECK_EQ(taken.status, 0);
        CHECK(samples_with(&taken, CHAIN("burn", "inner", "middle", "outer", "thread")) * 10 >=
              taken.sample_count * 9);
        size_t named = 0;
        for (size_t i = 0; i < taken.thread_count; i++) {
            named += strcmp(taken.thread_names[i], "burner") == 0;
        }
        CHECK_EQ(named, 4);
        release_taken(&taken);
    }
    begin_case("threads that leave by pthread_exit, and one of C11");
    {
        expect("leaving-threads", NULL, CHAIN("burn", "inner", "middle", "outer", "leaving_thread"));
        expect("c11-thread", NULL, CHAIN("burn", "inner", "middle", "outer", "c11_thread"));
    }
    begin_case("200 short threads: what they had no sample for is counted");
    {
        struct taken taken = run_profiled("many-threads", NULL, 0, HZ, NULL, places);
        double expirations = 200 * 0.003 * HZ;
        CHECK_EQ(taken.status, 0);
        CHECK_EQ(taken.missed_threads, 0);
        CHECK(samples_with(&taken, CHAIN("burn", "inner", "middle", "outer", "thread")) > 0);
        CHECK_BETWEEN(expirations * 0.7, total_weight(&taken) + taken.missed_expirations, expirations * 2);
        release_taken(&taken);
    }
    begin_case("behind fork");
    {
        struct taken taken = run_profiled("fork", NULL, 0, HZ, NULL, places);
        CHECK_EQ(taken.status, 0);
        CHECK_EQ(taken.process_count, 2);
        CHECK((taken.process_flags[1] & TARE_SAMPLES_FORKED) != 0);
        CHECK_EQ(taken.parents[1], taken.pids[0]);
        size_t of_child = 0;
        for (size_t i = 0; i < taken.sample_count; i++) {
            of_child += taken.samples[i].pid == taken.pids[1];
        }
        CHECK(of_child * 10 >= taken.sample_count * 9);
        CHECK(samples_with(&taken, plain) * 10 >= taken.sample_count * 9);
        release_taken(&taken);
    }
    if (getenv("TARE_EMULATOR") == NULL) {
        begin_case("behind exec");
        {
            expect("exec", NULL, CHAIN("burn", "inner"));
            struct taken taken = run_profiled("exec", NULL, 0, HZ, NULL, places);
            CHECK_EQ(taken.process_count, 2);
            CHECK_EQ(taken.pids[0], taken.pids[1]);
            CHECK(samples_with(&taken, plain) > 5);
            release_taken(&taken);
        }
    }
    begin_case("a library that is loaded later");
    {
        expect_modules();
    }
    begin_case("a library that comes and goes");
    if (getenv("TARE_EMULATOR") != NULL) {
        skip_case("the emulator's own memory is in what is counted");
    } else {
        struct taken taken = run_profiled("dlopen-often", NULL, 0, HZ, NULL, places);
        CHECK_EQ(taken.status, 0);
        release_taken(&taken);
    }
    begin_case("behind longjmp out of a signal handler");
    {
        expect("longjmp", NULL, plain);
    }
    return finish();
}
