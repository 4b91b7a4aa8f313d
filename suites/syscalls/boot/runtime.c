/* SPDX-License-Identifier: MIT */
/*
 * Calls and what ends them. A call keeps where to jump back to in a frame on the stack; frames of a thread are a list.
 * A trap happens in the module's own code, in the innermost frame, with no function of ours between the two, so the jump
 * leaves no lock and no scope of ours open. The end of the stack could be met anywhere: hence imports look at what is
 * left of it before they do anything.
 */
#include "suites/syscalls/boot/runtime.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "suites/syscalls/boot/lind_common.h"

#define RESERVED_BYTES ((UINT64_C(8) << 30) + RUNTIME_PAGE_BYTES)

enum {
    SIGNAL_STACK_BYTES = 64 << 10, /* a frame of the kernel's with all registers of AVX-512, and room */
    HOST_STACK_BYTES = 192 << 10,  /* what imports may use: paths, vectors, and a grate's beginning */
    NEAR_STACK_BYTES = 64 << 10,   /* modules are compiled to touch each page of a frame */
    TABLE_BYTES_MAX = 64 << 20,    /* of an instance */
    TYPE_VALUES_MAX = 2000,
    TYPE_CHAINS = 4096,
};

struct frame {
    sigjmp_buf back;
    struct frame *outer;
    struct runtime_memory *memory;
};

static __thread struct frame *innermost;
static __thread uintptr_t stack_limit; /* imports do not begin below; 0: not known yet */

static const char *const trap_texts[RUNTIME_TRAPS] = {
    [RUNTIME_NONE] = "nothing happened",
    [RUNTIME_OUT_OF_BOUNDS] = "accessed memory or a table out of bounds",
    [RUNTIME_INT_OVERFLOW] = "made an integer overflow",
    [RUNTIME_DIVISION_BY_ZERO] = "divided by zero",
    [RUNTIME_INVALID_CONVERSION] = "converted NaN to an integer",
    [RUNTIME_UNREACHABLE] = "reached 'unreachable' (abort, or a failed assertion)",
    [RUNTIME_CALL_INDIRECT] = "called an entry of a table that is empty or of another type",
    [RUNTIME_UNCAUGHT_EXCEPTION] = "threw what nobody caught",
    [RUNTIME_STACK_EXHAUSTED] = "exhausted the stack",
    [RUNTIME_NO_MEMORY] = "got no memory",
    [RUNTIME_EXIT] = "ended",
};

const char *runtime_trap_text(enum runtime_trap trap)
{
    return (unsigned)trap < RUNTIME_TRAPS ? trap_texts[trap] : "trapped";
}

/* The signal */

struct taken {
    struct sigaction before, first_before;
    bool ever;
};

static struct taken taken_segv, taken_bus;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t signal_stack_key;

static uintptr_t stack_pointer_of(const void *context)
{
#if defined(__x86_64__)
    return (uintptr_t)((const ucontext_t *)context)->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
    return (uintptr_t)((const ucontext_t *)context)->uc_mcontext.sp;
#else
    (void)context;
    return 0;
#endif
}

/*
 * To who had the signal last before us. If that is one who came after us and passes on to who he found, which is us, it goes
 * to who had it before anybody of ours: we are there again, deeper on the same stack.
 */
static void pass_on(int number, siginfo_t *info, void *context)
{
    static __thread uintptr_t passing_at; /* 0: not; stays where a handler has jumped out */
    uintptr_t here = (uintptr_t)__builtin_frame_address(0), outer = passing_at;
    const struct taken *taken = number == SIGBUS ? &taken_bus : &taken_segv;
    const struct sigaction *before =
        passing_at != 0 && here < passing_at ? &taken->first_before : &taken->before;
    passing_at = here;
    if ((before->sa_flags & SA_SIGINFO) != 0 && before->sa_sigaction != NULL) {
        before->sa_sigaction(number, info, context);
    } else if (before->sa_handler != SIG_DFL && before->sa_handler != SIG_IGN) {
        before->sa_handler(number);
    } else {
        signal(number, SIG_DFL); /* and again: the fault, as if nobody had been here */
    }
    passing_at = outer;
}

/* Out of the handler, which may run with signals blocked that were not: SA_NODEFER is not for those who wrap it. */
static _Noreturn void end_from_handler(enum runtime_trap trap, const void *context)
{
    pthread_sigmask(SIG_SETMASK, &((const ucontext_t *)context)->uc_sigmask, NULL);
    runtime_end(trap);
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    const struct frame *frame = innermost;
    uintptr_t address = (uintptr_t)info->si_addr;
    if (frame == NULL || info->si_code <= 0 || info->si_code == SI_KERNEL) {
        pass_on(number, info, context);
        return;
    }
    const struct runtime_memory *memory = frame->memory;
    if (memory->reserved != NULL && address - (uintptr_t)memory->reserved < memory->reserved_bytes) {
        end_from_handler(RUNTIME_OUT_OF_BOUNDS, context);
    }
    uintptr_t stack_pointer = stack_pointer_of(context);
    if (stack_pointer != 0 && address - (stack_pointer - NEAR_STACK_BYTES) < 2 * (uintptr_t)NEAR_STACK_BYTES &&
        address < stack_limit) {
        end_from_handler(RUNTIME_STACK_EXHAUSTED, context);
    }
    pass_on(number, info, context);
}

static void release_signal_stack(void *stack)
{
    stack_t none = {.ss_flags = SS_DISABLE};
    sigaltstack(&none, NULL);
    munmap(stack, SIGNAL_STACK_BYTES);
}

static void make_key(void)
{
    pthread_key_create(&signal_stack_key, release_signal_stack);
}

static void take_signal(int number, struct taken *taken)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER}, now;
    sigemptyset(&action.sa_mask);
    if (sigaction(number, NULL, &now) == 0 &&
        ((now.sa_flags & SA_SIGINFO) == 0 || now.sa_sigaction != on_fault)) {
        taken->before = now;
        if (!taken->ever) {
            taken->first_before = now;
            taken->ever = true;
        }
        sigaction(number, &action, NULL);
    }
}

void runtime_take_signals(void)
{
    static pthread_mutex_t taking = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&taking);
    take_signal(SIGSEGV, &taken_segv);
    take_signal(SIGBUS, &taken_bus);
    pthread_mutex_unlock(&taking);
}

/* A thread's first call: where its stack ends, and another one for the handler. */
static void prepare_thread(void)
{
    pthread_attr_t attributes;
    void *low = NULL;
    size_t bytes = 0;
    stack_t stack;
    pthread_once(&once, make_key);
    if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
        pthread_attr_getstack(&attributes, &low, &bytes);
        pthread_attr_destroy(&attributes);
    }
    size_t kept = bytes / 2 < HOST_STACK_BYTES ? bytes / 2 : HOST_STACK_BYTES;
    stack_limit = (uintptr_t)low + kept + 1;
    if (sigaltstack(NULL, &stack) == 0 && (stack.ss_flags & SS_DISABLE) == 0) {
        return; /* somebody else's will do */
    }
    void *memory = mmap(NULL, SIGNAL_STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory != MAP_FAILED) {
        stack = (stack_t){.ss_sp = memory, .ss_size = SIGNAL_STACK_BYTES};
        sigaltstack(&stack, NULL);
        pthread_setspecific(signal_stack_key, memory);
    }
}

/* Calls */

enum runtime_trap runtime_call(struct runtime_memory *memory,
                               uint64_t (*function)(void *instance, const uint64_t *args), void *instance,
                               const uint64_t *args, uint64_t *result)
{
    struct frame frame;
    if (stack_limit == 0) {
        prepare_thread();
    }
    frame.outer = innermost;
    frame.memory = memory;
    /* Without the signal mask: that would be a system call, and the handler sets it back. */
    int trap = sigsetjmp(frame.back, 0);
    if (trap == 0) {
        innermost = &frame;
        *result = function(instance, args);
    }
    innermost = frame.outer;
    return (enum runtime_trap)trap;
}

void runtime_end(enum runtime_trap trap)
{
    siglongjmp(innermost->back,
               (unsigned)trap < RUNTIME_TRAPS && trap != RUNTIME_NONE ? (int)trap : RUNTIME_UNREACHABLE);
}

void runtime_check_stack(void)
{
    if (__builtin_expect((uintptr_t)__builtin_frame_address(0) < stack_limit, 0)) {
        runtime_end(RUNTIME_STACK_EXHAUSTED);
    }
}

static void host_trap(int code)
{
    runtime_end((enum runtime_trap)code);
}

/* Types of functions: the same number for the same type, in all modules. */

struct type {
    struct type *next;
    uint32_t number, parameters, results;
    int values[];
};

static pthread_mutex_t types_lock = PTHREAD_MUTEX_INITIALIZER;
static struct type *types[TYPE_CHAINS]; /* by hash */
static uint32_t type_count;

static uint32_t chain_of(const struct type *type, uint32_t count)
{
    uint32_t hash = type->parameters * 31 + type->results;
    for (uint32_t i = 0; i < count; i++) {
        hash = (hash ^ (uint32_t)type->values[i]) * 0x01000193; /* FNV-1a, of whole values */
    }
    return (hash ^ hash >> 16) % TYPE_CHAINS;
}

/* Ends the module's start where it cannot have a number: two types without one would be taken for the same. */
static uint32_t host_register_type(uint32_t parameters, uint32_t results, va_list list)
{
    uint32_t count = parameters + results, number = 0;
    struct type *type = parameters > TYPE_VALUES_MAX || results > TYPE_VALUES_MAX
                            ? NULL
                            : malloc(sizeof(*type) + count * sizeof(type->values[0]));
    if (type == NULL) {
        runtime_end(RUNTIME_NO_MEMORY);
    }
    type->parameters = parameters;
    type->results = results;
    for (uint32_t i = 0; i < count; i++) {
        type->values[i] = va_arg(list, int);
    }
    struct type **chain = &types[chain_of(type, count)];
    pthread_mutex_lock(&types_lock);
    for (const struct type *known = *chain; known != NULL && number == 0; known = known->next) {
        if (known->parameters == parameters && known->results == results &&
            memcmp(known->values, type->values, count * sizeof(type->values[0])) == 0) {
            number = known->number;
        }
    }
    if (number == 0) {
        number = type->number = ++type_count;
        type->next = *chain;
        *chain = type;
        type = NULL;
    }
    pthread_mutex_unlock(&types_lock);
    free(type);
    return number;
}

/* Memories and tables, of the innermost frame's instance. */

static int host_memory_grow(uint8_t *data, uint32_t pages)
{
    struct runtime_memory *memory = innermost->memory;
    uint64_t before = memory->cage->size, bytes = (uint64_t)pages * RUNTIME_PAGE_BYTES;
    if (data != memory->reserved || bytes > memory->max_bytes || bytes < before ||
        mprotect(data + before, bytes - before, PROT_READ | PROT_WRITE) < 0) {
        return 0;
    }
    cage_set_size(memory->cage, bytes);
    return 1;
}

static uint8_t *host_memory_new(uint32_t pages, uint32_t max_pages)
{
    struct runtime_memory *memory = innermost->memory;
    (void)max_pages;
    if (memory->reserved != NULL) {
        runtime_end(RUNTIME_NO_MEMORY); /* there is one in a module */
    }
    void *reserved = mmap(NULL, RESERVED_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (reserved == MAP_FAILED) {
        runtime_end(RUNTIME_NO_MEMORY);
    }
    memory->reserved = reserved;
    memory->reserved_bytes = RESERVED_BYTES;
    memory->cage->memory = reserved;
    cage_set_size(memory->cage, 0);
    if (pages != 0 && !host_memory_grow(reserved, pages)) {
        runtime_end(RUNTIME_NO_MEMORY);
    }
    return reserved;
}

/* The cage's, not the instance's: others may be copying from it. It goes with the cage. */
static void host_memory_free(uint8_t *data)
{
    (void)data;
}

void runtime_memory_release(struct runtime_memory *memory)
{
    if (memory->reserved != NULL) {
        munmap(memory->reserved, memory->reserved_bytes);
        memory->reserved = NULL;
    }
}

static void *host_table_resize(void *elements, uint64_t bytes, uint64_t more)
{
    struct runtime_memory *memory = innermost->memory;
    if (more > TABLE_BYTES_MAX || memory->table_bytes + more > TABLE_BYTES_MAX) {
        return NULL;
    }
    uint8_t *resized = realloc(elements, bytes + more + 1);
    if (resized != NULL) {
        memset(resized + bytes, 0, more + 1);
        memory->table_bytes += more;
    }
    return resized;
}

static const struct lind_abi_host host = {
    .trap = host_trap,
    .register_type = host_register_type,
    .memory_new = host_memory_new,
    .memory_grow = host_memory_grow,
    .memory_free = host_memory_free,
    .table_resize = host_table_resize,
    .table_free = free,
    .import = lind_common_import,
};

static uint64_t start_module(void *module, const uint64_t *args)
{
    (void)args;
    ((const struct lind_abi_module *)module)->start(&host);
    return 0;
}

enum runtime_trap runtime_start(const struct lind_abi_module *module)
{
    struct runtime_memory none = {0};
    uint64_t ignored;
    return runtime_call(&none, start_module, (void *)module, NULL, &ignored);
}
