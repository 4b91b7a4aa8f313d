/* SPDX-License-Identifier: MIT */
/* Modules as cages, as a program of its own uses them: calls, traps, threads, the end of the stack. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "suites/syscalls/boot/boot.h"
#include "suites/syscalls/boot/module_cache.h"
#include "suites/syscalls/cage.h"

/*
 * By wat2wasm of:
 *
 * (module
 *   (import "lind" "make_syscall" (func $call (param i64 i64 i64 i64 i64 i64 i64) (result i64)))
 *   (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
 *   (memory (export "memory") 1 8)
 *   (func (export "_initialize") i32.const 0 i32.const 77 i32.store)
 *   (func (export "initialized") (result i32) i32.const 0 i32.load)
 *   (func (export "minus") (param i32 i64) (result i32) local.get 0 local.get 1 i32.wrap_i64 i32.sub)
 *   (func (export "getpid") (result i64)
 *     i64.const 39 i64.const 0 i64.const 0 i64.const 0 i64.const 0 i64.const 0 i64.const 0 call $call)
 *   (func (export "leave") (param i32) local.get 0 call $exit)
 *   (func (export "store") (param i32 i64) local.get 0 local.get 1 i64.store)
 *   (func (export "load") (param i32) (result i64) local.get 0 i64.load)
 *   (func (export "grow") (param i32) (result i32) local.get 0 memory.grow)
 *   (func $deep (export "deep") (param i64) (result i64)
 *     local.get 0 i64.eqz if (result i64) i64.const 0 else local.get 0 i64.const 1 i64.sub call $deep i64.const 1 i64.add end)
 *   (func (export "float") (param f64) (result f64) local.get 0))
 */
static const uint8_t module_bytes[] = {
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x3a, 0x0b, 0x60, 0x07, 0x7e, 0x7e, 0x7e, 0x7e, 0x7e,
    0x7e, 0x7e, 0x01, 0x7e, 0x60, 0x01, 0x7f, 0x00, 0x60, 0x00, 0x00, 0x60, 0x00, 0x01, 0x7f, 0x60, 0x02, 0x7f,
    0x7e, 0x01, 0x7f, 0x60, 0x00, 0x01, 0x7e, 0x60, 0x02, 0x7f, 0x7e, 0x00, 0x60, 0x01, 0x7f, 0x01, 0x7e, 0x60,
    0x01, 0x7f, 0x01, 0x7f, 0x60, 0x01, 0x7e, 0x01, 0x7e, 0x60, 0x01, 0x7c, 0x01, 0x7c, 0x02, 0x38, 0x02, 0x04,
    0x6c, 0x69, 0x6e, 0x64, 0x0c, 0x6d, 0x61, 0x6b, 0x65, 0x5f, 0x73, 0x79, 0x73, 0x63, 0x61, 0x6c, 0x6c, 0x00,
    0x00, 0x16, 0x77, 0x61, 0x73, 0x69, 0x5f, 0x73, 0x6e, 0x61, 0x70, 0x73, 0x68, 0x6f, 0x74, 0x5f, 0x70, 0x72,
    0x65, 0x76, 0x69, 0x65, 0x77, 0x31, 0x09, 0x70, 0x72, 0x6f, 0x63, 0x5f, 0x65, 0x78, 0x69, 0x74, 0x00, 0x01,
    0x03, 0x0b, 0x0a, 0x02, 0x03, 0x04, 0x05, 0x01, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x05, 0x04, 0x01, 0x01, 0x01,
    0x08, 0x07, 0x64, 0x0b, 0x06, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 0x02, 0x00, 0x0b, 0x5f, 0x69, 0x6e, 0x69,
    0x74, 0x69, 0x61, 0x6c, 0x69, 0x7a, 0x65, 0x00, 0x02, 0x0b, 0x69, 0x6e, 0x69, 0x74, 0x69, 0x61, 0x6c, 0x69,
    0x7a, 0x65, 0x64, 0x00, 0x03, 0x05, 0x6d, 0x69, 0x6e, 0x75, 0x73, 0x00, 0x04, 0x06, 0x67, 0x65, 0x74, 0x70,
    0x69, 0x64, 0x00, 0x05, 0x05, 0x6c, 0x65, 0x61, 0x76, 0x65, 0x00, 0x06, 0x05, 0x73, 0x74, 0x6f, 0x72, 0x65,
    0x00, 0x07, 0x04, 0x6c, 0x6f, 0x61, 0x64, 0x00, 0x08, 0x04, 0x67, 0x72, 0x6f, 0x77, 0x00, 0x09, 0x04, 0x64,
    0x65, 0x65, 0x70, 0x00, 0x0a, 0x05, 0x66, 0x6c, 0x6f, 0x61, 0x74, 0x00, 0x0b, 0x0a, 0x6b, 0x0a, 0x0a, 0x00,
    0x41, 0x00, 0x41, 0xcd, 0x00, 0x36, 0x02, 0x00, 0x0b, 0x07, 0x00, 0x41, 0x00, 0x28, 0x02, 0x00, 0x0b, 0x08,
    0x00, 0x20, 0x00, 0x20, 0x01, 0xa7, 0x6b, 0x0b, 0x12, 0x00, 0x42, 0x27, 0x42, 0x00, 0x42, 0x00, 0x42, 0x00,
    0x42, 0x00, 0x42, 0x00, 0x42, 0x00, 0x10, 0x00, 0x0b, 0x06, 0x00, 0x20, 0x00, 0x10, 0x01, 0x0b, 0x09, 0x00,
    0x20, 0x00, 0x20, 0x01, 0x37, 0x03, 0x00, 0x0b, 0x07, 0x00, 0x20, 0x00, 0x29, 0x03, 0x00, 0x0b, 0x06, 0x00,
    0x20, 0x00, 0x40, 0x00, 0x0b, 0x15, 0x00, 0x20, 0x00, 0x50, 0x04, 0x7e, 0x42, 0x00, 0x05, 0x20, 0x00, 0x42,
    0x01, 0x7d, 0x10, 0x0a, 0x42, 0x01, 0x7c, 0x0b, 0x0b, 0x04, 0x00, 0x20, 0x00, 0x0b,
};

/*
 * A grate whose `lind_setup` asks for getpid(), and then answers what `choose` was told; first that it refuses:
 *
 * (module
 *   (import "lind" "copy_data" (func $copy (param i64 i64 i64 i64 i64) (result i64)))
 *   (import "lind" "register_handler" (func $register (param i64 i64 i64) (result i64)))
 *   (memory 1)
 *   (global $answer (mut i64) (i64.const -13))
 *   (func (export "choose") (param i64) local.get 0 global.set $answer)
 *   (func (export "lind_setup") (param i64) (result i64)
 *     local.get 0 i64.const 39 i64.const 1 call $register drop global.get $answer)
 *   (func (export "lind_handle") (param i64 i64 i64 i64 i64 i64 i64 i64) (result i64) i64.const 4242)
 *   (func (export "peek") (param i64) (result i64)
 *     local.get 0 i64.const 0 i64.const 0 i64.const 0 i64.const 8 call $copy))
 */
static const uint8_t grate_bytes[] = {
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x26, 0x05, 0x60, 0x05, 0x7e, 0x7e, 0x7e, 0x7e,
    0x7e, 0x01, 0x7e, 0x60, 0x03, 0x7e, 0x7e, 0x7e, 0x01, 0x7e, 0x60, 0x01, 0x7e, 0x00, 0x60, 0x01, 0x7e,
    0x01, 0x7e, 0x60, 0x08, 0x7e, 0x7e, 0x7e, 0x7e, 0x7e, 0x7e, 0x7e, 0x7e, 0x01, 0x7e, 0x02, 0x2a, 0x02,
    0x04, 0x6c, 0x69, 0x6e, 0x64, 0x09, 0x63, 0x6f, 0x70, 0x79, 0x5f, 0x64, 0x61, 0x74, 0x61, 0x00, 0x00,
    0x04, 0x6c, 0x69, 0x6e, 0x64, 0x10, 0x72, 0x65, 0x67, 0x69, 0x73, 0x74, 0x65, 0x72, 0x5f, 0x68, 0x61,
    0x6e, 0x64, 0x6c, 0x65, 0x72, 0x00, 0x01, 0x03, 0x05, 0x04, 0x02, 0x03, 0x04, 0x03, 0x05, 0x03, 0x01,
    0x00, 0x01, 0x06, 0x06, 0x01, 0x7e, 0x01, 0x42, 0x73, 0x0b, 0x07, 0x2c, 0x04, 0x06, 0x63, 0x68, 0x6f,
    0x6f, 0x73, 0x65, 0x00, 0x02, 0x0a, 0x6c, 0x69, 0x6e, 0x64, 0x5f, 0x73, 0x65, 0x74, 0x75, 0x70, 0x00,
    0x03, 0x0b, 0x6c, 0x69, 0x6e, 0x64, 0x5f, 0x68, 0x61, 0x6e, 0x64, 0x6c, 0x65, 0x00, 0x04, 0x04, 0x70,
    0x65, 0x65, 0x6b, 0x00, 0x05, 0x0a, 0x2b, 0x04, 0x06, 0x00, 0x20, 0x00, 0x24, 0x00, 0x0b, 0x0d, 0x00,
    0x20, 0x00, 0x42, 0x27, 0x42, 0x01, 0x10, 0x01, 0x1a, 0x23, 0x00, 0x0b, 0x05, 0x00, 0x42, 0x92, 0x21,
    0x0b, 0x0e, 0x00, 0x20, 0x00, 0x42, 0x00, 0x42, 0x00, 0x42, 0x00, 0x42, 0x08, 0x10, 0x00, 0x0b};

static char folder[] = "/tmp/test-lind-boot.XXXXXX", cache[64], path[64];
static struct boot_module *module; /* NULL: a tool is missing */
static char said[BOOT_ERROR_BYTES];

static void write_module(char place[64], const char *name, const uint8_t *bytes, size_t size)
{
    snprintf(place, 64, "%s/%s", folder, name);
    FILE *file = fopen(place, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* Who has the signal before any cage is made: faults go to it in the end. */

enum { PASSED_ON = 42 };

static volatile bool is_child;

static void end_child(int number)
{
    if (is_child) {
        _exit(PASSED_ON);
    }
    signal(number, SIG_DFL);
}

static int set_up(void **state)
{
    (void)state;
    const struct boot_options options = {.cache_dir = cache, .memory_max_bytes = 4 * 65536, .quiet = true};
    assert_non_null(mkdtemp(folder));
    snprintf(cache, sizeof(cache), "%s/cache", folder);
    write_module(path, "unit.wasm", module_bytes, sizeof(module_bytes));
#ifdef TEST_CROSS_COMPILED
    int result = -ESRCH;
    (void)options;
    snprintf(said, sizeof(said), "cross-compiled: 'cc' makes code for another processor");
#else
    int result = boot_load(path, &options, &module, said);
#endif
    if (result != -ESRCH && result != 0) {
        fail_msg("%s", said);
    }
    if (result == 0) {
        struct boot_cage *first;
        struct sigaction own = {.sa_handler = end_child}, before;
        sigaction(SIGSEGV, &own, &before);
        assert_int_equal(boot_cage_new(module, NULL, &first, said), 0);
        boot_cage_free(first);
        sigaction(SIGSEGV, &before, NULL);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    boot_unload(module);
    module_cache_remove_directory(cache);
    module_cache_remove_directory(folder);
    return access(folder, F_OK) == 0 ? -1 : 0;
}

/* Every test's first line. */
static struct boot_cage *new_cage(void)
{
    struct boot_cage *cage;
    if (module == NULL) {
        print_message("skipped: %s\n", said);
        skip();
    }
    if (boot_cage_new(module, NULL, &cage, said) < 0) {
        fail_msg("%s", said);
    }
    return cage;
}

#define CALL(cage, name, result, ...)                                                                          \
    boot_call(cage, boot_find(module, name), (uint64_t[]){__VA_ARGS__},                                        \
              sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t), result, said)

static void functions_take_and_return_integers(void **state)
{
    (void)state;
    int64_t result = 0;
    struct boot_cage *cage = new_cage();
    assert_int_equal(CALL(cage, "minus", &result, 5, 7), BOOT_RETURNED);
    assert_int_equal(result, -2); /* an i32, sign-extended */
    assert_int_equal(boot_call(cage, boot_find(module, "initialized"), NULL, 0, &result, said), BOOT_RETURNED);
    assert_int_equal(result, 77);
    assert_int_equal(CALL(cage, "store", NULL, 16, UINT64_MAX), BOOT_RETURNED);
    assert_int_equal(CALL(cage, "load", &result, 16), BOOT_RETURNED);
    assert_int_equal(result, -1);
    assert_int_equal(boot_call(cage, boot_find(module, "getpid"), NULL, 0, &result, said), BOOT_RETURNED);
    assert_int_equal(result, boot_cage_id(cage));
    boot_cage_free(cage);
}

static void what_cannot_be_called_is_refused(void **state)
{
    (void)state;
    int code;
    struct boot_cage *cage = new_cage();
    assert_null(boot_find(module, "nothing"));
    assert_null(boot_find(module, "memory"));
    assert_null(boot_find(module, "float"));
    assert_int_equal(CALL(cage, "nothing", NULL, 1), BOOT_REFUSED);
    assert_int_equal(CALL(cage, "minus", NULL, 1), BOOT_REFUSED);
    assert_int_equal(boot_run(cage, &code, said), BOOT_REFUSED);
    assert_non_null(strstr(said, "'_start'"));
    boot_cage_free(cage);
}

static void a_trap_ends_the_call_and_the_cage_but_not_its_neighbours(void **state)
{
    (void)state;
    int64_t result = 0;
    struct boot_cage *one = new_cage(), *two = new_cage();
    assert_int_equal(CALL(two, "store", NULL, 8, 123), BOOT_RETURNED);
    assert_int_equal(CALL(one, "load", &result, 65536), BOOT_TRAPPED);
    assert_non_null(strstr(said, "unit.wasm"));
    assert_non_null(strstr(said, "out of bounds"));
    assert_int_equal(CALL(one, "load", &result, 0), BOOT_REFUSED);
    assert_int_equal(CALL(two, "load", &result, 8), BOOT_RETURNED);
    assert_int_equal(result, 123);
    boot_cage_free(one);
    boot_cage_free(two);
}

static void an_end_by_itself_is_not_a_trap(void **state)
{
    (void)state;
    int64_t result = 0;
    struct boot_cage *cage = new_cage();
    assert_int_equal(CALL(cage, "leave", &result, 300), BOOT_EXITED);
    assert_int_equal(result, 300);
    assert_int_equal(CALL(cage, "load", &result, 0), BOOT_RETURNED);
    boot_cage_free(cage);
}

static void memory_grows_as_far_as_it_may(void **state)
{
    (void)state;
    int64_t result = 0;
    struct boot_cage *cage = new_cage();
    assert_int_equal(CALL(cage, "grow", &result, 2), BOOT_RETURNED);
    assert_int_equal(result, 1);
    assert_int_equal(CALL(cage, "load", &result, 3 * 65536 - 8), BOOT_RETURNED);
    assert_int_equal(CALL(cage, "grow", &result, 2), BOOT_RETURNED); /* the module's limit is 8, ours 4 */
    assert_int_equal(result, -1);
    assert_int_equal(CALL(cage, "grow", &result, UINT32_MAX), BOOT_RETURNED);
    assert_int_equal(result, -1);
    assert_int_equal(CALL(cage, "load", &result, 3 * 65536 - 7), BOOT_TRAPPED);
    boot_cage_free(cage);
}

/* Of several threads, which share no message. */
#define CALL_QUIETLY(cage, name, result, value)                                                                \
    boot_call(cage, boot_find(module, name), (uint64_t[]){value}, 1, result, NULL)

static void *in_thread(void *data)
{
    struct boot_cage *cage = data;
    int64_t result = 0;
    for (uint64_t i = 0; i < 200; i++) {
        if (boot_call(cage, boot_find(module, "store"), (uint64_t[]){8, i}, 2, NULL, NULL) != BOOT_RETURNED ||
            CALL_QUIETLY(cage, "load", &result, 8) != BOOT_RETURNED || result != (int64_t)i ||
            CALL_QUIETLY(cage, "deep", &result, 100) != BOOT_RETURNED || result != 100) {
            return (void *)"wrong result";
        }
    }
    char own_error[BOOT_ERROR_BYTES];
    if (boot_call(cage, boot_find(module, "deep"), (uint64_t[]){UINT64_MAX}, 1, &result, own_error) !=
            BOOT_TRAPPED ||
        strstr(own_error, "exhausted the stack") == NULL) {
        return (void *)"no end of the stack";
    }
    return NULL;
}

static void cages_run_on_threads_at_once_and_each_meets_the_end_of_its_stack(void **state)
{
    (void)state;
    enum { THREADS = 8 };
    pthread_t threads[THREADS];
    struct boot_cage *cages[THREADS];
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    for (int i = 0; i < THREADS; i++) {
        cages[i] = new_cage();
        pthread_attr_setstacksize(&attributes, i % 2 == 0 ? 8 << 20 : 512 << 10);
        assert_int_equal(pthread_create(&threads[i], &attributes, in_thread, cages[i]), 0);
    }
    pthread_attr_destroy(&attributes);
    for (int i = 0; i < THREADS; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        assert_null(wrong);
        boot_cage_free(cages[i]);
    }
    assert_null(in_thread(cages[0] = new_cage())); /* and of the first thread's */
    boot_cage_free(cages[0]);
}

static void many_cages_at_once(void **state)
{
    (void)state;
    enum { CAGES = 300 };
    static struct boot_cage *cages[CAGES];
    int64_t result = 0;
    for (int i = 0; i < CAGES; i++) {
        cages[i] = new_cage();
        assert_int_equal(CALL(cages[i], "store", NULL, 0, (uint64_t)i), BOOT_RETURNED);
    }
    for (int i = 0; i < CAGES; i++) {
        assert_int_equal(CALL(cages[i], "load", &result, 0), BOOT_RETURNED);
        assert_int_equal(result, i);
        boot_cage_free(cages[i]);
    }
}

static void *call_often(void *data)
{
    int64_t result;
    for (uint64_t i = 0; i < 20000; i++) {
        result = 0;
        if (boot_call(data, boot_find(module, "minus"), (uint64_t[]){i, 1}, 2, &result, NULL) !=
                BOOT_RETURNED ||
            result != (int64_t)i - 1) {
            return (void *)"wrong result";
        }
    }
    return NULL;
}

static void a_cage_that_runs_is_waited_for(void **state)
{
    (void)state;
    pthread_t threads[3];
    struct boot_cage *cage = new_cage();
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, call_often, cage), 0);
    }
    for (int i = 0; i < 3; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
    boot_cage_free(cage);
}

static void *load_often(void *data)
{
    const struct boot_options options = {.cache_dir = cache, .quiet = true};
    char own_error[BOOT_ERROR_BYTES];
    for (int i = 0; i < 300; i++) {
        struct boot_module *another;
        if (boot_load(path, &options, &another, own_error) < 0) {
            return data;
        }
        boot_unload(another);
    }
    return NULL;
}

static void a_module_is_loaded_again_while_it_runs(void **state)
{
    (void)state;
    pthread_t loader, caller;
    void *wrong, *also_wrong;
    struct boot_cage *one = new_cage(), *two = new_cage();
    assert_int_equal(pthread_create(&loader, NULL, load_often, path), 0);
    assert_int_equal(pthread_create(&caller, NULL, call_often, one), 0);
    while (pthread_tryjoin_np(loader, &wrong) != 0) {
        int64_t result = 0;
        assert_int_equal(boot_call(two, boot_find(module, "getpid"), NULL, 0, &result, said), BOOT_RETURNED);
        assert_int_equal(result, boot_cage_id(two));
    }
    pthread_join(caller, &also_wrong);
    assert_null(wrong);
    assert_null(also_wrong);
    boot_cage_free(one);
    boot_cage_free(two);
}

static void *compile(void *data)
{
    const struct boot_options options = {.no_cache = true, .quiet = true};
    char own_error[BOOT_ERROR_BYTES];
    struct boot_module *another;
    if (boot_load(path, &options, &another, own_error) < 0) {
        return data;
    }
    boot_unload(another);
    return NULL;
}

static void threads_compile_and_signals_are_as_before(void **state)
{
    (void)state;
    pthread_t threads[3];
    struct sigaction ignored = {.sa_handler = SIG_IGN}, before, now;
    boot_cage_free(new_cage());
    sigaction(SIGCHLD, &ignored, &before); /* as somebody may have it who has no interest in children */
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, compile, threads), 0);
    }
    for (int i = 0; i < 3; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
    sigaction(SIGCHLD, &before, &now);
    assert_true(now.sa_handler == SIG_IGN);
    sigaction(SIGINT, NULL, &now);
    assert_true(now.sa_handler == SIG_DFL);
}

/* Another process, which throws an entry out just before it is opened. */

static int thrown_out, to_throw_out;

void *dlopen(const char *name, int flags)
{
    void *(*next)(const char *, int);
    *(void **)&next = dlsym(RTLD_NEXT, "dlopen");
    if (name != NULL && strstr(name, "/contended/") != NULL && strstr(name, "/build.") == NULL &&
        thrown_out < to_throw_out) {
        thrown_out += unlink(name) == 0;
    }
    return next(name, flags);
}

static void an_entry_that_goes_before_it_is_opened_is_made_again(void **state)
{
    (void)state;
    char contended[80];
    const struct boot_options options = {.cache_dir = contended, .quiet = true};
    boot_cage_free(new_cage());
    snprintf(contended, sizeof(contended), "%s/contended", folder);
    static const int often[] = {0, 1, 100}; /* that it is there, once, and whatever is done */
    for (size_t i = 0; i < sizeof(often) / sizeof(often[0]); i++) {
        struct boot_module *another;
        thrown_out = 0;
        to_throw_out = often[i];
        if (boot_load(path, &options, &another, said) < 0) {
            fail_msg("%s", said);
        }
        assert_in_range(thrown_out, often[i] > 0, often[i]);
        boot_unload(another);
    }
    to_throw_out = 0;
    module_cache_remove_directory(contended);
}

static int64_t getpid_of(struct boot_cage *cage)
{
    int64_t result = 0;
    assert_int_equal(boot_call(cage, boot_find(module, "getpid"), NULL, 0, &result, said), BOOT_RETURNED);
    return result;
}

static int64_t ask(struct boot_cage *grate, const struct boot_module *of, const char *name, int64_t argument)
{
    int64_t result = 0;
    assert_int_equal(boot_call(grate, boot_find(of, name), (uint64_t[]){(uint64_t)argument}, 1, &result, said),
                     BOOT_RETURNED);
    return result;
}

static void a_grate_that_refuses_may_do_nothing_and_can_be_asked_again(void **state)
{
    (void)state;
    const struct boot_options options = {.cache_dir = cache, .quiet = true};
    static const uint32_t numbers[] = {LIND_CLOSE, LIND_GETPID};
    char place[64];
    struct boot_module *other;
    struct boot_cage *cage = new_cage(), *grate, *second;
    write_module(place, "grate.wasm", grate_bytes, sizeof(grate_bytes));
    assert_int_equal(boot_load(place, &options, &other, said), 0);
    assert_int_equal(boot_cage_new(other, NULL, &grate, said), 0);
    assert_int_equal(boot_cage_new(other, NULL, &second, said), 0);
    assert_int_equal(boot_interpose(cage, grate, NULL, 0, said), -ENOTSUP);
    assert_int_equal(ask(grate, other, "peek", boot_cage_id(cage)), -EPERM);
    assert_int_equal(getpid_of(cage), boot_cage_id(cage));
    /* Nor is it one: another may stand before it. */
    ask(second, other, "choose", 0);
    assert_int_equal(boot_interpose(grate, second, NULL, 0, said), 0);
    assert_int_equal(boot_interpose(cage, second, NULL, 0, said), 0);
    assert_int_equal(getpid_of(cage), 4242);
    assert_int_equal(ask(second, other, "peek", boot_cage_id(cage)), 0);
    /* Once more, and in vain: what was before stays. */
    assert_int_equal(boot_interpose(cage, second, numbers, 2, said), -EEXIST);
    assert_int_equal(getpid_of(cage), 4242);
    assert_int_equal(ask(second, other, "peek", boot_cage_id(cage)), 0);
    boot_cage_free(cage);
    boot_cage_free(grate);
    boot_cage_free(second);
    boot_unload(other);
}

static struct sigaction before_theirs;

static void pass_on(int number, siginfo_t *info, void *context)
{
    before_theirs.sa_sigaction(number, info, context);
}

static void a_fault_of_others_is_passed_on_and_not_for_ever(void **state)
{
    (void)state;
    int status;
    struct boot_cage *one = new_cage();
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct sigaction theirs = {.sa_sigaction = pass_on, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
        struct boot_cage *two;
        alarm(20);
        is_child = true;
        sigaction(SIGSEGV, &theirs, &before_theirs);
        if (boot_cage_new(module, NULL, &two, NULL) < 0) { /* takes the signal again */
            _exit(99);
        }
        volatile uintptr_t nowhere = 16;
        *(volatile int *)nowhere = 1;
        _exit(98);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), PASSED_ON);
    boot_cage_free(one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_take_and_return_integers),
        cmocka_unit_test(what_cannot_be_called_is_refused),
        cmocka_unit_test(a_trap_ends_the_call_and_the_cage_but_not_its_neighbours),
        cmocka_unit_test(an_end_by_itself_is_not_a_trap),
        cmocka_unit_test(memory_grows_as_far_as_it_may),
        cmocka_unit_test(cages_run_on_threads_at_once_and_each_meets_the_end_of_its_stack),
        cmocka_unit_test(many_cages_at_once),
        cmocka_unit_test(a_cage_that_runs_is_waited_for),
        cmocka_unit_test(a_module_is_loaded_again_while_it_runs),
        cmocka_unit_test(threads_compile_and_signals_are_as_before),
        cmocka_unit_test(an_entry_that_goes_before_it_is_opened_is_made_again),
        cmocka_unit_test(a_grate_that_refuses_may_do_nothing_and_can_be_asked_again),
        cmocka_unit_test(a_fault_of_others_is_passed_on_and_not_for_ever),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
