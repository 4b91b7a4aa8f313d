/* SPDX-License-Identifier: MIT */
/*
 * record/symbols.h: from addresses to functions and lines. First what needs no files: ranges, mappings,
 * names, the kernel's symbols, map files of JIT compilers, this process itself. Then programs that the
 * compilers at hand make of tests/unit/fixtures/symbols_*; what needs a compiler or tool that is not there is
 * skipped with a message.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <search.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "record/elf.h"
#include "record/symbols.h"
#include "record/symbols_parts.h"

extern char **environ;

enum { PATH_BYTES = 4096, PID = 4000111 }; /* more than any pid there is */

static char directory[] = "/tmp/tare-test-symbols-XXXXXX";
static char fixtures[PATH_BYTES];
static char tare_binary_path[PATH_BYTES];

/* ---- helpers ---- */

static char *in_directory(char path[PATH_BYTES], const char *name)
{
    snprintf(path, PATH_BYTES, "%s/%s", directory, name);
    return path;
}

static void write_file(const char *name, const char *text, const char *mode)
{
    char path[PATH_BYTES];
    FILE *file = fopen(in_directory(path, name), mode);
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static struct tare_symbols *make(void)
{
    static const struct tare_symbols_options options = {.debug_directory = "/nonexistent",
                                                        .jit_directory = directory};
    struct tare_symbols *symbols = tare_symbols_new(&options);
    assert_non_null(symbols);
    return symbols;
}

/* The innermost frame, which there always is. */
static const struct tare_symbols_frame *innermost(struct tare_symbols *symbols, uint32_t pid, uint64_t address)
{
    const struct tare_symbols_frame *frames;
    assert_true(tare_symbols_resolve(symbols, pid, address, false, &frames) >= 1);
    return frames;
}

/* ---- without files ---- */

static void test_ranges_are_as_if_looked_up_one_by_one(void **state)
{
    (void)state;
    uint32_t random = 1;
    for (int round = 0; round < 300; round++) {
        struct tare__ranges ranges = {0};
        struct tare__range all[24];
        size_t count = (size_t)round % 24;
        for (size_t i = 0; i < count; i++) {
            random = random * 1664525u + 1013904223u;
            all[i].low = (random >> 8) % 64;
            all[i].high = all[i].low + (random >> 20) % 24;
            all[i].rank = (uint64_t)i * 7 % 24;
            all[i].value = (uint32_t)i;
            assert_int_equal(tare__ranges_add(&ranges, all[i].low, all[i].high, all[i].rank, all[i].value), 0);
        }
        assert_int_equal(tare__ranges_settle(&ranges), 0);
        assert_true(ranges.count <= 2 * count);
        for (uint64_t address = 0; address < 100; address++) {
            const struct tare__range *best = NULL;
            for (size_t i = 0; i < count; i++) {
                if (all[i].low <= address && address < all[i].high &&
                    (best == NULL || all[i].rank > best->rank)) {
                    best = &all[i];
                }
            }
            const struct tare__range *found = tare__ranges_find(&ranges, address);
            assert_true((found == NULL) == (best == NULL));
            if (found != NULL) {
                assert_int_equal(found->value, best->value);
            }
        }
        tare__ranges_release(&ranges);
    }
    struct tare__ranges whole = {0};
    assert_int_equal(tare__ranges_add(&whole, 0, UINT64_MAX, 0, 5), 0);
    assert_int_equal(tare__ranges_settle(&whole), 0);
    assert_int_equal(tare__ranges_find(&whole, UINT64_MAX - 1)->value, 5);
    tare__ranges_release(&whole);
}

static void test_strings_are_kept_once(void **state)
{
    (void)state;
    struct tare__strings strings = {0};
    const char *kept[3000];
    char text[64];
    for (int i = 0; i < 3000; i++) {
        int length = snprintf(text, sizeof text, "function_number_%d", i);
        kept[i] = tare__strings_keep(&strings, text, (size_t)length);
        assert_string_equal(kept[i], text);
    }
    for (int i = 0; i < 3000; i++) {
        int length = snprintf(text, sizeof text, "function_number_%d", i);
        assert_ptr_equal(tare__strings_keep(&strings, text, (size_t)length), kept[i]);
    }
    char *large = calloc(1, 1 << 20);
    assert_non_null(large);
    memset(large, 'x', (1 << 20) - 1);
    assert_string_equal(tare__strings_keep(&strings, large, (1 << 20) - 1), large);
    assert_string_equal(tare__strings_keep(&strings, "abc", 2), "ab");
    assert_string_equal(tare__strings_keep(&strings, "", 0), "");
    free(large);
    tare__strings_release(&strings);
}

static void expect_path(struct tare_symbols *symbols, uint32_t pid, uint64_t address, const char *path,
                        uint64_t expected)
{
    const struct tare_symbols_frame *frame = innermost(symbols, pid, address);
    assert_null(frame->function);
    assert_false(frame->kernel);
    if (path == NULL) {
        assert_null(frame->object);
    } else {
        assert_non_null(frame->object);
        assert_string_equal(frame->object->path, path);
    }
    if (frame->address != expected) {
        fail_msg("0x%llx: 0x%llx instead of 0x%llx", (unsigned long long)address,
                 (unsigned long long)frame->address, (unsigned long long)expected);
    }
}

static void test_what_is_mapped_over_is_gone(void **state)
{
    (void)state;
    struct tare_symbols *symbols = make();
    expect_path(symbols, PID, 0x1000, NULL, 0x1000); /* no such process */
    assert_int_equal(tare_symbols_map(symbols, PID, 0x10000, 0x10000, 0x3000, "/no/a", NULL), 0);
    assert_int_equal(tare_symbols_map(symbols, PID, 0x14000, 0x2000, 0, "/no/b", NULL), 0); /* in the middle */
    expect_path(symbols, PID, 0xffff, NULL, 0xffff);
    expect_path(symbols, PID, 0x10000, "/no/a", 0x3000);
    expect_path(symbols, PID, 0x13fff, "/no/a", 0x6fff);
    expect_path(symbols, PID, 0x14000, "/no/b", 0);
    expect_path(symbols, PID, 0x15fff, "/no/b", 0x1fff);
    expect_path(symbols, PID, 0x16000, "/no/a", 0x9000);
    expect_path(symbols, PID, 0x1ffff, "/no/a", 0x12fff);
    expect_path(symbols, PID, 0x20000, NULL, 0x20000);
    assert_int_equal(tare_symbols_map(symbols, PID, 0x13000, 0x5000, 0, "/no/c", NULL), 0); /* over three */
    expect_path(symbols, PID, 0x12fff, "/no/a", 0x5fff);
    expect_path(symbols, PID, 0x13000, "/no/c", 0);
    expect_path(symbols, PID, 0x17fff, "/no/c", 0x4fff);
    expect_path(symbols, PID, 0x18000, "/no/a", 0xb000);
    assert_int_equal(tare_symbols_map(symbols, PID, 0x8000, 0x18000, 7, "/no/d", NULL), 0); /* over all */
    expect_path(symbols, PID, 0x1ffff, "/no/d", 0x18006);
    assert_int_equal(tare_symbols_map(symbols, PID, 0x8000, 0, 0, "/no/e", NULL), 0); /* nothing */
    expect_path(symbols, PID, 0x8000, "/no/d", 7);
    assert_int_equal(tare_symbols_map(symbols, PID, UINT64_MAX - 15, 4096, 0, "/no/f", NULL), 0);
    expect_path(symbols, PID, UINT64_MAX - 10, "/no/f", 5);
    tare_symbols_free(symbols);
}

static void test_mappings_are_what_a_list_of_bytes_says(void **state)
{
    (void)state;
    enum { BYTES = 200 };
    struct tare_symbols *symbols = make();
    int owner[BYTES];
    uint64_t offset[BYTES];
    memset(owner, -1, sizeof owner);
    uint32_t random = 7;
    for (int step = 0; step < 400; step++) {
        random = random * 1664525u + 1013904223u;
        uint64_t from = (random >> 8) % BYTES;
        uint64_t size = (random >> 18) % 40 + 1;
        char path[32];
        snprintf(path, sizeof path, "/no/%d", step % 5);
        assert_int_equal(tare_symbols_map(symbols, PID, 4096 + from, size, (uint64_t)step * 1000, path, NULL),
                         0);
        for (uint64_t i = from; i < from + size && i < BYTES; i++) {
            owner[i] = step % 5;
            offset[i] = (uint64_t)step * 1000 + i - from;
        }
        for (uint64_t i = 0; i < BYTES; i++) {
            snprintf(path, sizeof path, "/no/%d", owner[i]);
            expect_path(symbols, PID, 4096 + i, owner[i] < 0 ? NULL : path,
                        owner[i] < 0 ? 4096 + i : offset[i]);
        }
    }
    tare_symbols_free(symbols);
}

static void test_fork_and_exec(void **state)
{
    (void)state;
    struct tare_symbols *symbols = make();
    assert_int_equal(tare_symbols_map(symbols, PID, 0x1000, 0x1000, 0, "/no/a", NULL), 0);
    for (uint32_t i = 1; i < 100; i++) { /* the table of processes grows meanwhile */
        assert_int_equal(tare_symbols_fork(symbols, PID + i - 1, PID + i), 0);
    }
    assert_int_equal(tare_symbols_map(symbols, PID, 0x1000, 0x800, 0, "/no/b", NULL), 0);
    expect_path(symbols, PID + 99, 0x1000, "/no/a", 0);
    expect_path(symbols, PID, 0x1000, "/no/b", 0);
    tare_symbols_exec(symbols, PID + 99);
    expect_path(symbols, PID + 99, 0x1000, NULL, 0x1000);
    expect_path(symbols, PID + 98, 0x1000, "/no/a", 0);
    assert_int_equal(tare_symbols_fork(symbols, PID + 99, PID + 98), 0); /* the pid is used again */
    expect_path(symbols, PID + 98, 0x1000, NULL, 0x1000);
    assert_int_equal(tare_symbols_fork(symbols, PID, PID), 0);
    expect_path(symbols, PID, 0x1000, "/no/b", 0);
    tare_symbols_exec(symbols, 1); /* unknown */
    tare_symbols_free(symbols);
}

static void test_what_paths_stand_for(void **state)
{
    (void)state;
    static const struct {
        const char *path, *shown;
        enum tare_profile_object_kind kind;
        uint32_t flags;
    } paths[] = {
        {"//anon", "[jit]", TARE_OBJECT_JIT, 0},
        {"", "[jit]", TARE_OBJECT_JIT, 0},
        {"/memfd:code (deleted)", "[jit]", TARE_OBJECT_JIT, 0},
        {"/dev/zero (deleted)", "[jit]", TARE_OBJECT_JIT, 0},
        {"[anon:v8]", "[jit]", TARE_OBJECT_JIT, 0},
        {"[heap]", "[jit]", TARE_OBJECT_JIT, 0},
        {"[uprobes]", "[uprobes]", TARE_OBJECT_UNKNOWN, 0},
        {"[vdso]", "[vdso]", TARE_OBJECT_VDSO, 0},
        {"/no/file (deleted)", "/no/file", TARE_OBJECT_FILE, TARE_OBJECT_DELETED | TARE_OBJECT_UNREADABLE},
        {"/no/file", "/no/file", TARE_OBJECT_FILE, TARE_OBJECT_DELETED | TARE_OBJECT_UNREADABLE},
        {"/dev/null", "/dev/null", TARE_OBJECT_FILE, TARE_OBJECT_UNREADABLE},
        {"/etc/passwd", "/etc/passwd", TARE_OBJECT_FILE, TARE_OBJECT_UNREADABLE},
    };
    struct tare_symbols *symbols = make();
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        uint64_t address = 0x10000 * (i + 1);
        assert_int_equal(tare_symbols_map(symbols, PID, address, 16, 0, paths[i].path, NULL), 0);
        const struct tare_symbols_object *object = innermost(symbols, PID, address)->object;
        assert_string_equal(object->path, paths[i].shown);
        if (object->kind != paths[i].kind || (TARE__WITH_ELF && object->flags != paths[i].flags)) {
            fail_msg("'%s': kind %d, flags %x", paths[i].path, (int)object->kind, (unsigned)object->flags);
        }
    }
    struct tare_symbols_frame frame;
    assert_int_equal(tare_symbols_resolve_file(symbols, "/no/file", 0, &frame), -ENOENT);
    assert_int_equal(tare_symbols_resolve_file(symbols, "[vdso]", 0, &frame), -ENOENT);
    assert_int_equal(tare_symbols_read_maps(symbols, PID), -ENOENT);
    tare_symbols_free(symbols);
}

static void test_names(void **state)
{
    (void)state;
#if defined(TARE_HAVE_DEMANGLE) && TARE_HAVE_DEMANGLE
    static const struct {
        const char *symbol, *shown;
    } names[] = {
        {"main", "main"},
        {"", ""},
        {"_ZN5outer5innerEil", "outer::inner(int, long)"},
        {"_ZN3foo3barIiEEvT_", "void foo::bar<int>(int)"},
        {"_ZN4core3fmt5write17h0123456789abcdefE", "core::fmt::write"},
        {"_ZN50_$LT$alloc..vec..Vec$LT$T$GT$$u20$as$u20$Clone$GT$5clone17hfedcba9876543210E",
         "<alloc::vec::Vec<T> as Clone>::clone"},
        {"_ZN3abc17h0000000000000000E", "abc::h0000000000000000"}, /* a name, if an odd one, and no hash */
        {"_ZN3abc15h0123456789abcdE", "abc::h0123456789abcd"},
        {"_Z3foov.cold", "foo() [clone .cold]"},
        {"_Z", "_Z"},
        {"_Znonsense", "_Znonsense"},
        {"_RNvCs1234_7mycrate3foo", "mycrate::foo"},
    };
    struct tare__strings strings = {0};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_string_equal(tare__name_shown(&strings, names[i].symbol, false), names[i].shown);
        assert_string_equal(tare__name_shown(&strings, names[i].symbol, true), names[i].symbol);
    }
    /* Each pair holds the one before twice: 2^40 letters when it is written out. It is left as it is. */
    char doubling[1024] = "_Z1fSt4pairIiiE";
    for (int i = 0; i < 40; i++) {
        char piece[64];
        char last[8] = "";
        if (i > 0) {
            snprintf(last, sizeof last, "%c", i <= 10 ? '0' + i - 1 : 'A' + i - 11);
        }
        snprintf(piece, sizeof piece, "St4pairIS%s_S%s_E", last, last);
        strcat(doubling, piece);
    }
    assert_string_equal(tare__name_shown(&strings, doubling, false), doubling);
    tare__strings_release(&strings);
#else
    print_message("skipped: built without libsupc++\n");
    skip();
#endif
}

static void test_kernel_symbols(void **state)
{
    (void)state;
    char path[PATH_BYTES];
    in_directory(path, "kallsyms");
    write_file("kallsyms",
               "0000000000000000 A fixed_percpu_data\n"
               "ffffffff81000000 T _text\n"
               "ffffffff81000000 T startup_64\n"
               "ffffffff81000100 t __do_sys_read\n"
               "ffffffff81000100 T ksys_read\n"
               "nonsense\n"
               "ffffffff81000300 D data_begins\n"
               "ffffffffc0451000 t nf_hook_slow\t[nf_tables]\n"
               "ffffffffc0451040 t\n"
               "ffffffffc0452000 t last_one\t[nf_tables]\n",
               "w");
    const struct tare_symbols_options options = {.kernel_symbols = path};
    struct tare_symbols *symbols = tare_symbols_new(&options);
    static const struct {
        uint64_t address;
        const char *function, *object;
    } places[] = {
        {UINT64_C(0xffffffff81000010), "startup_64", "[kernel]"},
        {UINT64_C(0xffffffff81000100), "ksys_read", "[kernel]"},
        {UINT64_C(0xffffffff810002ff), "ksys_read", "[kernel]"},
        {UINT64_C(0xffffffff81000300), NULL, "[kernel]"},
        {UINT64_C(0xffffffffc0451008), "nf_hook_slow", "[nf_tables]"},
        {UINT64_C(0xffffffffc0452008), "last_one", "[nf_tables]"},
        {UINT64_C(0xffffffffc0460000), NULL, "[kernel]"},
        {UINT64_C(0xffff800000000000), NULL, "[kernel]"},
    };
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        const struct tare_symbols_frame *frame = innermost(symbols, PID, places[i].address);
        assert_true(frame->kernel && frame->object->kind == TARE_OBJECT_KERNEL);
        assert_int_equal(frame->object->flags & TARE_OBJECT_NO_SYMBOLS, 0);
        assert_string_equal(frame->object->path, places[i].object);
        assert_true((frame->function == NULL) == (places[i].function == NULL));
        if (frame->function != NULL) {
            assert_string_equal(frame->function, places[i].function);
        }
    }
    tare_symbols_free(symbols);

    write_file("kallsyms", "0000000000000000 T _text\n0000000000000000 T startup_64\n", "w");
    symbols = tare_symbols_new(&options);
    const struct tare_symbols_frame *frame = innermost(symbols, PID, UINT64_C(0xffffffff81000010));
    assert_true(frame->kernel && frame->function == NULL);
    assert_string_equal(frame->object->path, "[kernel]");
    assert_true((frame->object->flags & TARE_OBJECT_NO_SYMBOLS) != 0);
    tare_symbols_free(symbols);
}

/* ---- map files of JIT compilers ---- */

static void expect_jit(struct tare_symbols *symbols, uint64_t address, const char *function)
{
    const struct tare_symbols_frame *frame = innermost(symbols, PID, address);
    assert_string_equal(frame->object->path, "[jit]");
    assert_true(frame->address == address);
    if ((frame->function == NULL) != (function == NULL) ||
        (function != NULL && strcmp(function, frame->function) != 0)) {
        fail_msg("0x%llx: '%s' instead of '%s'", (unsigned long long)address,
                 frame->function != NULL ? frame->function : "-", function != NULL ? function : "-");
    }
}

static void test_jit_map(void **state)
{
    (void)state;
    char name[64];
    snprintf(name, sizeof name, "perf-%d.map", PID);
    write_file(name,
               "10000 100 first\n"
               "10100 20 LazyCompile:*parse /srv/app/parse.js:12\n"
               "0x10200 0x10 with 0x\n"
               "10300 10 overwritten\n"
               "102f8 10 later\n"
               "\n"
               "10400 0 no size\n"
               "10410 10\n"
               "10420 10 \n"
               "10430 nonsense name\n"
               "nonsense 10 name\n"
               "-10440 10 negative\n"
               "+10440 10 positive\n"
               " 10440 10 blank in front\n"
               "fffffffffffffff0 100 around the end\n"
               "1000000000000010450 10 too many digits\n"
               "10460 10 terminal \033[31m\n"
               "10470\t10 tab\n"
               "10480 10 carriage return\r\n"
               "10500 10 not ended yet",
               "w");
    struct tare_symbols *symbols = make();
    assert_int_equal(tare_symbols_map(symbols, PID, 0x10000, 0x10000, 0, "//anon", NULL), 0);
    expect_jit(symbols, 0x10000, "first");
    expect_jit(symbols, 0x100ff, "first");
    expect_jit(symbols, 0x10100, "LazyCompile:*parse /srv/app/parse.js:12");
    expect_jit(symbols, 0x10120, NULL);
    expect_jit(symbols, 0x10208, "with 0x");
    expect_jit(symbols, 0x102f8, "later");
    expect_jit(symbols, 0x10307, "later");
    expect_jit(symbols, 0x10308, "overwritten");
    for (uint64_t address = 0x10310; address < 0x10510; address += 8) {
        expect_jit(symbols, address, NULL);
    }
    write_file(name, " at all\n10600 10 new\n", "a"); /* it has grown */
    expect_jit(symbols, 0x10600, "new");
    expect_jit(symbols, 0x10508, "not ended yet at all");
    expect_jit(symbols, 0x10000, "first");

    /* A line that is far too long, over the end of what is read at once, and one behind it. */
    char *long_line = malloc(200000);
    assert_non_null(long_line);
    memset(long_line, 'a', 199999);
    long_line[199999] = '\0';
    memcpy(long_line, "10700 10 ", 9);
    write_file(name, long_line, "a");
    expect_jit(symbols, 0x10700, NULL);
    write_file(name, "\n10800 10 behind\n", "a");
    expect_jit(symbols, 0x10800, "behind");
    expect_jit(symbols, 0x10700, NULL);
    free(long_line);

    write_file(name, "10000 10 anew\n", "w"); /* another process of that pid */
    expect_jit(symbols, 0x10a00, NULL);
    expect_jit(symbols, 0x10000, "anew");
    expect_jit(symbols, 0x10100, NULL);
    tare_symbols_free(symbols);
}

static void test_jit_map_that_is_no_file(void **state)
{
    (void)state;
    char name[64];
    char path[PATH_BYTES];
    char target[PATH_BYTES];
    snprintf(name, sizeof name, "perf-%d.map", PID);
    in_directory(path, name);
    unlink(path);
    write_file("elsewhere", "10000 100 through a link\n", "w");
    assert_int_equal(symlink(in_directory(target, "elsewhere"), path), 0);
    struct tare_symbols *symbols = make();
    assert_int_equal(tare_symbols_map(symbols, PID, 0x10000, 0x10000, 0, "//anon", NULL), 0);
    expect_jit(symbols, 0x10000, NULL);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0); /* would keep a reader waiting */
    expect_jit(symbols, 0x10000, NULL);
    assert_int_equal(unlink(path), 0);
    tare_symbols_free(symbols);
}

/* ---- programs ---- */

#if TARE__WITH_ELF

#include <gelf.h>

static bool found_command(const char *name)
{
    char *path;
    if (name == NULL || tare_find_program(name, &path) != 0) {
        return false;
    }
    free(path);
    return true;
}

#define NEEDS(name)                                                                                            \
    do {                                                                                                       \
        if (!found_command(name)) {                                                                            \
            print_message("skipped: no '%s'\n", (name) != NULL ? (name) : "C++ compiler");                     \
            skip();                                                                                            \
        }                                                                                                      \
    } while (0)

/* Runs the words of a line in the test's directory, silently. Returns the exit code. */
__attribute__((format(printf, 1, 2))) static int run(const char *format, ...)
{
    char line[16384];
    char *argv[64];
    size_t count = 0;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    char *rest = line;
    for (char *word; count < 63 && (word = strsep(&rest, " ")) != NULL;) {
        if (*word != '\0') {
            argv[count++] = word;
        }
    }
    argv[count] = NULL;
    pid_t pid;
    int status;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addchdir_np(&actions, directory);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    int failed = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) {
        return 127;
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static const char *other_compiler; /* in place of $CC */

static const char *compiler(void)
{
    const char *cc = other_compiler != NULL ? other_compiler : getenv("CC");
    return cc != NULL && cc[0] != '\0' ? cc : "cc";
}

/* The value of a symbol of a file that is not stripped, and the offset in the file of what is there. */
static uint64_t value_of(const char *name, const char *wanted, uint64_t *offset)
{
    char path[PATH_BYTES];
    int fd = open(in_directory(path, name), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0 && elf_version(EV_CURRENT) != EV_NONE);
    Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
    GElf_Shdr header;
    uint64_t value = 0;
    for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section)) != NULL;) {
        assert_non_null(gelf_getshdr(section, &header));
        Elf_Data *data = header.sh_type == SHT_SYMTAB ? elf_getdata(section, NULL) : NULL;
        GElf_Sym symbol;
        for (int i = 0; data != NULL && gelf_getsym(data, i, &symbol) != NULL; i++) {
            const char *text = elf_strptr(elf, header.sh_link, symbol.st_name);
            value = text != NULL && strcmp(text, wanted) == 0 ? symbol.st_value : value;
        }
    }
    size_t count;
    GElf_Phdr segment;
    assert_int_equal(elf_getphdrnum(elf, &count), 0);
    *offset = 0;
    for (size_t i = 0; i < count; i++) {
        assert_non_null(gelf_getphdr(elf, (int)i, &segment));
        if (segment.p_type == PT_LOAD && value >= segment.p_vaddr &&
            value - segment.p_vaddr < segment.p_filesz) {
            *offset = value - segment.p_vaddr + segment.p_offset;
        }
    }
    elf_end(elf);
    close(fd);
    if (value == 0 || *offset == 0) {
        fail_msg("no symbol '%s' in '%s'", wanted, name);
    }
    return value;
}

struct expected {
    const char *function;
    const char *file; /* ends so; NULL: unknown */
    uint32_t line, function_line;
};

#define BASE UINT64_C(0x7f0000000000)

/* Maps the file as a whole, as a process could, and compares the frames at an offset in it. */
static uint32_t expect_frames(struct tare_symbols *symbols, const char *name, const char *id, uint64_t offset,
                              uint64_t address, const struct expected *expected, size_t count)
{
    char path[PATH_BYTES];
    const struct tare_symbols_frame *frames;
    assert_int_equal(tare_symbols_map(symbols, PID, BASE, 1 << 30, 0, in_directory(path, name), id), 0);
    size_t found = tare_symbols_resolve(symbols, PID, BASE + offset, false, &frames);
    for (size_t i = 0; i < found && i < count; i++) {
        const char *file = frames[i].file;
        size_t length = expected[i].file != NULL ? strlen(expected[i].file) : 0;
        bool same_file = expected[i].file == NULL
                             ? file == NULL
                             : file != NULL && strlen(file) >= length &&
                                   strcmp(file + strlen(file) - length, expected[i].file) == 0;
        if (frames[i].function == NULL || strcmp(frames[i].function, expected[i].function) != 0 || !same_file ||
            frames[i].line != expected[i].line || frames[i].function_line != expected[i].function_line ||
            frames[i].inlined != (i + 1 < count) || frames[i].address != address ||
            strcmp(frames[i].object->path, path) != 0) {
            fail_msg("'%s', frame %zu: %s %s:%u [%u]%s 0x%llx", name, i,
                     frames[i].function != NULL ? frames[i].function : "-", file != NULL ? file : "-",
                     frames[i].line, frames[i].function_line, frames[i].inlined ? " inlined" : "",
                     (unsigned long long)frames[i].address);
        }
    }
    assert_int_equal(found, count);
    return frames[0].object->flags;
}

static const struct expected nest[] = {
    {"innermost", "symbols_nest.c", 16, 13},
    {"middle", "symbols_nest.c", 22, 19},
    {"outermost", "symbols_nest.c", 28, 25},
};
static const struct expected nest_without_lines[] = {{"outermost", NULL, 0, 0}};

static void check_nest(const char *options, const char *name, bool with_lines)
{
    if (run("%s -O2 %s %s/symbols_nest.c -o %s", compiler(), options, fixtures, name) != 0) {
        print_message("skipped: %s cannot do '%s'\n", compiler(), options);
        return;
    }
    uint64_t offset;
    uint64_t address = value_of(name, "symbols_mark", &offset);
    struct tare_symbols *symbols = make();
    bool lines = with_lines && TARE__WITH_DWARF;
    uint32_t flags =
        expect_frames(symbols, name, NULL, offset, address, lines ? nest : nest_without_lines, lines ? 3 : 1);
    assert_int_equal(flags, lines ? 0 : TARE_OBJECT_NO_DEBUG);
    struct tare_symbols_frame frame;
    char path[PATH_BYTES];
    assert_int_equal(tare_symbols_resolve_file(symbols, in_directory(path, name), address, &frame), 0);
    assert_string_equal(frame.function, lines ? "innermost" : "outermost");
    tare_symbols_free(symbols);
}

static void test_inlined_calls(void **state)
{
    (void)state;
    NEEDS(compiler());
    check_nest("-g", "pie", true);
    check_nest("-g -no-pie", "fixed", true);
    check_nest("-g -static", "static", true);
    check_nest("-g -fPIC -shared -DLIBRARY", "library.so", true);
    check_nest("-g -gdwarf-5", "five", true);
    check_nest("-g -gdwarf-4", "four", true);
    check_nest("-g -gdwarf-3", "three", true);
    check_nest("-g -gz", "compressed", true);
    check_nest("-g -ffunction-sections -Wl,--gc-sections", "collected", true);
    check_nest("-g -gsplit-dwarf", "split", true);
    check_nest("-g -gsplit-dwarf -gdwarf-4", "split-four", true);
    check_nest("-g0", "none", false);
}

static int forget_compiler(void **state)
{
    (void)state;
    other_compiler = NULL;
    return 0;
}

static void test_other_compiler(void **state)
{
    (void)state;
    NEEDS("clang");
    other_compiler = "clang";
    check_nest("-g", "clang", true);
    check_nest("-g -gdwarf-4", "clang-four", true);
    check_nest("-g -gsplit-dwarf", "clang-split", true);
}

static void test_split_debug_info_that_is_gone(void **state)
{
    (void)state;
    NEEDS(compiler());
    char path[PATH_BYTES];
    if (!TARE__WITH_DWARF ||
        run("%s -O2 -g -gsplit-dwarf -c %s/symbols_nest.c -o gone.o", compiler(), fixtures) != 0 ||
        run("%s gone.o -o gone", compiler()) != 0 || unlink(in_directory(path, "gone.dwo")) != 0) {
        print_message("skipped: no split debug information\n");
        skip();
    }
    static const struct expected lines_alone[] = {{"outermost", "symbols_nest.c", 16, 0}};
    for (int trap = 0; trap < 2; trap++) {
        uint64_t offset;
        uint64_t address = value_of("gone", "symbols_mark", &offset);
        struct tare_symbols *symbols = make();
        expect_frames(symbols, "gone", NULL, offset, address, lines_alone, 1);
        tare_symbols_free(symbols);
        assert_true(trap == 1 || mkfifo(path, 0600) == 0); /* who opens that for reading waits for ever */
    }
    unlink(path);
}

static void test_other_processor(void **state)
{
    (void)state;
    NEEDS("aarch64-linux-gnu-gcc");
    other_compiler = "aarch64-linux-gnu-gcc";
    check_nest("-g", "aarch64", true);
}

static void test_without_inlined(void **state)
{
    (void)state;
    NEEDS(compiler());
    assert_int_equal(run("%s -O2 -g %s/symbols_nest.c -o whole", compiler(), fixtures), 0);
    uint64_t offset;
    uint64_t address = value_of("whole", "symbols_mark", &offset);
    const struct tare_symbols_options options = {.without_inlined = true, .debug_directory = "/nonexistent"};
    struct tare_symbols *symbols = tare_symbols_new(&options);
    expect_frames(symbols, "whole", NULL, offset, address, TARE__WITH_DWARF ? &nest[2] : nest_without_lines, 1);
    tare_symbols_free(symbols);
}

static void test_names_of_cplusplus(void **state)
{
    (void)state;
    const char *cxx = getenv("CXX");
    NEEDS(cxx);
#if TARE__WITH_DWARF && defined(TARE_HAVE_DEMANGLE) && TARE_HAVE_DEMANGLE
    if (run("%s -O2 -g %s/symbols_names.cpp -o names", cxx, fixtures) != 0) {
        print_message("skipped: '%s' makes no programs\n", cxx);
        skip();
    }
    uint64_t offset;
    uint64_t address = value_of("names", "symbols_mark", &offset);
    char path[PATH_BYTES];
    const struct tare_symbols_frame *frames;
    struct tare_symbols *symbols = make();
    assert_int_equal(tare_symbols_map(symbols, PID, BASE, 1 << 20, 0, in_directory(path, "names"), NULL), 0);
    assert_int_equal(tare_symbols_resolve(symbols, PID, BASE + offset, false, &frames), 2);
    /* With clang there is "(int)" behind it. */
    static const char inner[] = "outer::(anonymous namespace)::box::put";
    assert_int_equal(strncmp(frames[0].function, inner, sizeof inner - 1), 0);
    assert_true(frames[0].inlined && frames[0].line == 18 && frames[0].function_line == 15);
    assert_string_equal(frames[1].function,
                        "outer::holder<long>::hold(long, outer::(anonymous namespace)::box const*)");
    assert_true(!frames[1].inlined && frames[1].line == 27 && frames[1].function_line == 24);
    assert_true(frames[0].address == address && frames[1].address == address);
    tare_symbols_free(symbols);
#else
    print_message("skipped: built without libdw or libsupc++\n");
    skip();
#endif
}

static void test_stripped(void **state)
{
    (void)state;
    NEEDS(compiler());
    NEEDS("strip");
    assert_int_equal(
        run("%s -O2 -g -fPIC -shared -DLIBRARY %s/symbols_nest.c -o stripped.so", compiler(), fixtures), 0);
    uint64_t offset;
    uint64_t exported;
    uint64_t mark = value_of("stripped.so", "symbols_mark", &offset);
    uint64_t address = value_of("stripped.so", "library_function", &exported);
    assert_int_equal(run("strip stripped.so"), 0);
    static const struct expected name[] = {{"library_function", NULL, 0, 0}};
    struct tare_symbols *symbols = make();
    uint32_t flags = expect_frames(symbols, "stripped.so", NULL, exported, address, name, 1);
    assert_int_equal(flags, TARE_OBJECT_NO_SYMBOLS | TARE_OBJECT_NO_DEBUG);
    (void)mark;
    tare_symbols_free(symbols);

    assert_int_equal(run("%s -O2 -g %s/symbols_nest.c -o stripped", compiler(), fixtures), 0);
    address = value_of("stripped", "symbols_mark", &offset);
    assert_int_equal(run("strip stripped"), 0);
    symbols = make();
    char path[PATH_BYTES];
    assert_int_equal(tare_symbols_map(symbols, PID, BASE, 1 << 20, 0, in_directory(path, "stripped"), NULL), 0);
    const struct tare_symbols_frame *frame = innermost(symbols, PID, BASE + offset);
    assert_null(frame->function);
    assert_true(frame->address == address);
    assert_int_equal(frame->object->flags, TARE_OBJECT_NO_SYMBOLS | TARE_OBJECT_NO_DEBUG);
    tare_symbols_free(symbols);
}

static void test_packed_symbols(void **state)
{
    (void)state;
    NEEDS(compiler());
    NEEDS("objcopy");
    NEEDS("xz");
    if (!TARE__WITH_DWARF) {
        print_message("skipped: built without libdw\n");
        skip();
    }
    uint64_t offset;
    assert_int_equal(run("%s -O2 %s/symbols_nest.c -o packed", compiler(), fixtures), 0);
    uint64_t address = value_of("packed", "symbols_mark", &offset);
    assert_int_equal(run("objcopy --only-keep-debug packed mini"), 0);
    assert_int_equal(run("xz -k mini"), 0);
    assert_int_equal(run("objcopy --strip-all --add-section .gnu_debugdata=mini.xz packed"), 0);
    struct tare_symbols *symbols = make();
    uint32_t flags = expect_frames(symbols, "packed", NULL, offset, address, nest_without_lines, 1);
    assert_int_equal(flags, TARE_OBJECT_NO_DEBUG);
    tare_symbols_free(symbols);
}

/* Reads NT_GNU_BUILD_ID as the symbols do, from the object of a frame. */
static void get_build_id(const char *name, char id[129])
{
    char path[PATH_BYTES];
    struct tare_symbols *symbols = make();
    assert_int_equal(tare_symbols_map(symbols, PID, BASE, 1 << 20, 0, in_directory(path, name), NULL), 0);
    const struct tare_symbols_object *object = innermost(symbols, PID, BASE + 0x1000)->object;
    assert_non_null(object->build_id);
    snprintf(id, 129, "%s", object->build_id);
    tare_symbols_free(symbols);
}

static void test_separate_debug_files(void **state)
{
    (void)state;
    NEEDS(compiler());
    NEEDS("objcopy");
    char id[129];
    uint64_t offset;
    assert_int_equal(run("%s -O2 -g -Wl,--build-id=sha1 %s/symbols_nest.c -o apart", compiler(), fixtures), 0);
    uint64_t address = value_of("apart", "symbols_mark", &offset);
    get_build_id("apart", id);
    assert_int_equal(run("objcopy --only-keep-debug apart apart.debug"), 0);
    assert_int_equal(run("objcopy --strip-all --add-gnu-debuglink=apart.debug apart"), 0);
    struct tare_symbols *symbols = make();
    size_t frames = TARE__WITH_DWARF ? 3 : 1;
    const struct expected *expected = TARE__WITH_DWARF ? nest : nest_without_lines;
    uint32_t flags = expect_frames(symbols, "apart", id, offset, address, expected, frames);
    assert_int_equal(flags & TARE_OBJECT_NO_SYMBOLS, 0);
    tare_symbols_free(symbols);

    char path[PATH_BYTES];
    char debug[PATH_BYTES];
    assert_int_equal(run("mkdir -p debug/.build-id/%.2s", id), 0);
    assert_int_equal(run("mv apart.debug debug/.build-id/%.2s/%s.debug", id, id + 2), 0);
    const struct tare_symbols_options options = {.debug_directory = in_directory(debug, "debug")};
    symbols = tare_symbols_new(&options);
    flags = expect_frames(symbols, "apart", id, offset, address, expected, frames);
    assert_int_equal(flags & TARE_OBJECT_NO_SYMBOLS, 0);
    tare_symbols_free(symbols);

    symbols = make(); /* where there is none */
    assert_int_equal(tare_symbols_map(symbols, PID, BASE, 1 << 20, 0, in_directory(path, "apart"), NULL), 0);
    assert_null(innermost(symbols, PID, BASE + offset)->function);
    tare_symbols_free(symbols);
}

static void test_debug_info_that_files_share(void **state)
{
    (void)state;
    NEEDS(compiler());
    NEEDS("dwz");
    if (!TARE__WITH_DWARF) {
        print_message("skipped: built without libdw\n");
        skip();
    }
    char path[PATH_BYTES];
    /* dwz 0.15 refuses what clang makes of version 5. */
    assert_int_equal(run("%s -O2 -g -gdwarf-4 %s/symbols_nest.c -o shared1", compiler(), fixtures), 0);
    assert_int_equal(run("cp shared1 shared2"), 0);
    uint64_t offset;
    uint64_t address = value_of("shared1", "symbols_mark", &offset);
    assert_int_equal(run("dwz -m shared.dwz -M %s shared1 shared2", in_directory(path, "shared.dwz")), 0);
    assert_int_equal(access(path, R_OK), 0); /* or they share nothing */
    struct tare_symbols *symbols = make();
    expect_frames(symbols, "shared1", NULL, offset, address, nest, 3);
    expect_frames(symbols, "shared2", NULL, offset, address, nest, 3);
    tare_symbols_free(symbols);
}

static void test_another_file_is_there_now(void **state)
{
    (void)state;
    NEEDS(compiler());
    char path[PATH_BYTES];
    char id[129];
    uint64_t offset;
    assert_int_equal(run("%s -O2 -g -Wl,--build-id=sha1 %s/symbols_nest.c -o changed", compiler(), fixtures),
                     0);
    uint64_t address = value_of("changed", "symbols_mark", &offset);
    get_build_id("changed", id);
    in_directory(path, "changed");
    struct tare_symbols *symbols = make();
    char padded[160];
    snprintf(padded, sizeof padded, "%s%s", id, "000000"); /* as perf writes shorter ones */
    expect_frames(symbols, "changed", padded, offset, address, TARE__WITH_DWARF ? nest : nest_without_lines,
                  TARE__WITH_DWARF ? 3 : 1);
    tare_symbols_free(symbols);

    id[0] = id[0] == '0' ? '1' : '0';
    symbols = make();
    assert_int_equal(tare_symbols_map(symbols, PID, BASE, 1 << 20, 0, path, id), 0);
    const struct tare_symbols_frame *frame = innermost(symbols, PID, BASE + offset);
    assert_null(frame->function);
    assert_null(frame->file);
    assert_true(frame->address == offset);
    assert_int_equal(frame->object->flags, TARE_OBJECT_CHANGED);
    assert_string_equal(frame->object->build_id, id);
    tare_symbols_free(symbols);

    assert_int_equal(unlink(path), 0);
    symbols = make();
    assert_int_equal(tare_symbols_map(symbols, PID, BASE, 1 << 20, 0, path, id), 0);
    frame = innermost(symbols, PID, BASE + offset);
    assert_int_equal(frame->object->flags, TARE_OBJECT_DELETED | TARE_OBJECT_UNREADABLE);
    tare_symbols_free(symbols);
}

static void test_stubs(void **state)
{
    (void)state;
    NEEDS(compiler());
    static const char *const options[] = {"-Wl,-z,lazy", "-Wl,-z,now", "-Wl,-z,lazy -fcf-protection"};
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        if (run("%s -O2 %s %s/symbols_nest.c -o stubs", compiler(), options[i], fixtures) != 0) {
            continue;
        }
        char path[PATH_BYTES];
        bool found = false;
        struct tare_symbols *symbols = make();
        in_directory(path, "stubs");
        for (uint64_t address = 0x200; address < 0x3000 && !found; address += 8) {
            struct tare_symbols_frame frame;
            assert_int_equal(tare_symbols_resolve_file(symbols, path, address, &frame), 0);
            found = frame.function != NULL && strcmp(frame.function, "fflush@plt") == 0;
        }
        tare_symbols_free(symbols);
        if (!found) {
#if defined(__x86_64__)
            fail_msg("%s: no 'fflush@plt'", options[i]);
#else
            print_message("skipped: %s: no stubs that are understood\n", options[i]);
#endif
        }
    }
}

/* ---- processes that live ---- */

/* Starts `name` with "wait" and reads the two addresses that it prints. */
static pid_t start(const char *name, int *input, uint64_t *mark, uint64_t *returns_to)
{
    char path[PATH_BYTES];
    char wait_word[] = "wait";
    char *argv[] = {in_directory(path, name), wait_word, NULL};
    int in[2];
    int out[2];
    pid_t pid;
    assert_true(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    int failed = posix_spawn(&pid, path, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    assert_int_equal(failed, 0);
    FILE *file = fdopen(out[0], "r");
    unsigned long long numbers[2] = {0};
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%llx %llx", &numbers[0], &numbers[1]), 2);
    fclose(file);
    *input = in[1];
    *mark = numbers[0];
    *returns_to = numbers[1];
    return pid;
}

static void stop(pid_t pid, int input)
{
    int status;
    close(input);
    assert_int_equal(waitpid(pid, &status, 0), pid);
}

static void test_process_and_return_address(void **state)
{
    (void)state;
    NEEDS(compiler());
    static const char *const options[] = {"-pie -fPIE", "-no-pie"};
    for (size_t i = 0; i < 2; i++) {
        if (run("%s -O2 -g %s %s/symbols_nest.c -o live", compiler(), options[i], fixtures) != 0) {
            print_message("skipped: %s cannot do '%s'\n", compiler(), options[i]);
            continue;
        }
        int input;
        uint64_t mark;
        uint64_t returns_to;
        pid_t pid = start("live", &input, &mark, &returns_to);
        struct tare_symbols *symbols = make();
        assert_int_equal(tare_symbols_read_maps(symbols, (uint32_t)pid), 0);
        stop(pid, input);
        const struct tare_symbols_frame *frames;
        size_t count = tare_symbols_resolve(symbols, (uint32_t)pid, mark, false, &frames);
        assert_int_equal(count, TARE__WITH_DWARF ? 3 : 1);
        assert_string_equal(frames[count - 1].function, "outermost");
        assert_int_equal(tare_symbols_resolve(symbols, (uint32_t)pid, returns_to, true, &frames), 1);
        assert_string_equal(frames[0].function, "caller");
        assert_int_equal(frames[0].line, TARE__WITH_DWARF ? 41 : 0);
        tare_symbols_free(symbols);
    }
}

static void test_deleted_program_that_runs(void **state)
{
    (void)state;
    NEEDS(compiler());
    for (int again = 0; again < 2; again++) {
        char path[PATH_BYTES];
        int input;
        uint64_t mark;
        uint64_t returns_to;
        assert_int_equal(run("%s -O2 -g %s/symbols_nest.c -o deleted", compiler(), fixtures), 0);
        pid_t pid = start("deleted", &input, &mark, &returns_to);
        assert_int_equal(unlink(in_directory(path, "deleted")), 0);
        if (again == 1) { /* built anew, into the same place */
            write_file("deleted", "another one", "w");
        }
        struct tare_symbols *symbols = make();
        assert_int_equal(tare_symbols_read_maps(symbols, (uint32_t)pid), 0);
        stop(pid, input); /* what was there has to be opened by now */
        const struct tare_symbols_frame *frames;
        size_t count = tare_symbols_resolve(symbols, (uint32_t)pid, mark, false, &frames);
        assert_int_equal(count, TARE__WITH_DWARF ? 3 : 1);
        assert_string_equal(frames[count - 1].function, "outermost");
        assert_string_equal(frames[0].object->path, path);
        assert_int_equal(frames[0].object->flags,
                         TARE_OBJECT_DELETED | (TARE__WITH_DWARF ? 0 : TARE_OBJECT_NO_DEBUG));
        tare_symbols_free(symbols);
        unlink(path);
    }
}

static void test_deleted_program_that_is_gone(void **state)
{
    (void)state;
    struct tare_symbols *symbols = make();
    char path[PATH_BYTES];
    in_directory(path, "never (deleted)");
    assert_int_equal(tare_symbols_map(symbols, PID, BASE, 1 << 20, 0, path, NULL), 0);
    const struct tare_symbols_frame *frame = innermost(symbols, PID, BASE + 64);
    assert_null(frame->function);
    assert_int_equal(frame->object->flags, TARE_OBJECT_DELETED | TARE_OBJECT_UNREADABLE);
    tare_symbols_free(symbols);
}

__attribute__((noinline)) static void function_of_this_test(void)
{
    __asm__ volatile("");
}

static void test_this_process(void **state)
{
    (void)state;
    struct tare_symbols *symbols = make();
    uint32_t pid = (uint32_t)getpid();
    assert_int_equal(tare_symbols_read_maps(symbols, pid), 0);
    const struct tare_symbols_frame *frame =
        innermost(symbols, pid, (uint64_t)(uintptr_t)function_of_this_test);
    assert_string_equal(frame->function, "function_of_this_test");
    frame = innermost(symbols, pid, (uint64_t)(uintptr_t)lfind);
    assert_non_null(frame->function);
    assert_non_null(strstr(frame->function, "lfind"));
    int on_stack;
    frame = innermost(symbols, pid, (uint64_t)(uintptr_t)&on_stack);
    assert_null(frame->function);
    tare_symbols_free(symbols);
}

static void test_vdso(void **state)
{
    (void)state;
    uint64_t base = getauxval(AT_SYSINFO_EHDR);
    if (base == 0) {
        print_message("skipped: no vdso here\n");
        skip();
    }
    struct tare_symbols *symbols = make();
    uint32_t pid = (uint32_t)getpid();
    assert_int_equal(tare_symbols_read_maps(symbols, pid), 0);
    const struct tare_symbols_frame *frame = innermost(symbols, pid, base);
    if (frame->object == NULL || frame->object->kind != TARE_OBJECT_VDSO) {
        tare_symbols_free(symbols);
        print_message("skipped: the vdso is not in /proc/self/maps\n");
        skip();
    }
    bool found = false;
    for (uint64_t address = base; address < base + 0x2000 && !found; address += 16) {
        frame = innermost(symbols, pid, address);
        found = frame->function != NULL && strstr(frame->function, "clock_gettime") != NULL;
    }
    assert_true(found);
    /* One that does not have the room of ours is another one. */
    assert_int_equal(tare_symbols_map(symbols, PID, 0x1000, 64, 0, "[vdso]", NULL), 0);
    assert_null(innermost(symbols, PID, 0x1010)->function);
    tare_symbols_free(symbols);
}

/* ---- against addr2line ---- */

/*
 * That of the compiler at hand: binutils 2.40 names the wrong one of nested calls where clang has given them several
 * ranges; llvm's and we do not.
 */
#if defined(__clang__)
#define ADDR2LINE "llvm-addr2line"
#else
#define ADDR2LINE "addr2line"
#endif

enum { ADDRESSES = 400 };

struct answer {
    char function[3 * PATH_BYTES];
    char place[PATH_BYTES];
};

/* What addr2line says of the addresses: of the innermost call of each. */
static void ask_addr2line(const char *path, const uint64_t *addresses, struct answer answers[ADDRESSES])
{
    char line[3 * PATH_BYTES];
    char place[PATH_BYTES];
    char input[PATH_BYTES];
    FILE *file = fopen(in_directory(input, "addresses"), "w");
    assert_non_null(file);
    for (size_t i = 0; i < ADDRESSES; i++) {
        fprintf(file, "0x%llx\n", (unsigned long long)addresses[i]);
    }
    assert_int_equal(fclose(file), 0);
    snprintf(line, sizeof line, ADDR2LINE " -a -i -f -e '%s' <'%s' 2>/dev/null", path, input);
    file = popen(line, "r");
    assert_non_null(file);
    size_t at = SIZE_MAX;
    bool inner = false;
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "0x", 2) == 0) {
            at++;
            assert_true(at < ADDRESSES && strtoull(line, NULL, 16) == addresses[at]);
            inner = true;
            continue;
        }
        assert_non_null(fgets(place, sizeof place, file));
        place[strcspn(place, " \n")] = '\0'; /* without the discriminator */
        assert_true(at < ADDRESSES);
        if (!inner) {
            continue;
        }
        inner = false;
        snprintf(answers[at].function, sizeof answers[at].function, "%s", line);
        const char *name = strrchr(place, '/');
        snprintf(answers[at].place, sizeof answers[at].place, "%s", name != NULL ? name + 1 : place);
    }
    assert_int_equal(pclose(file), 0);
    assert_int_equal(at, ADDRESSES - 1);
}

static void place_of(const struct tare_symbols_frame *frame, char text[PATH_BYTES])
{
    const char *name = frame->file != NULL ? strrchr(frame->file, '/') : NULL;
    snprintf(text, PATH_BYTES, "%s:%u",
             name != NULL          ? name + 1
             : frame->file != NULL ? frame->file
                                   : "??",
             frame->line);
}

static void test_same_as_addr2line(void **state)
{
    (void)state;
    NEEDS(ADDR2LINE);
    if (!TARE__WITH_DWARF || tare_binary_path[0] == '\0') {
        print_message("skipped: built without libdw, or no binary to read\n");
        skip();
    }
    static struct answer answers[ADDRESSES];
    uint64_t addresses[ADDRESSES];
    const struct tare_symbols_options options = {.mangled = true, .debug_directory = "/nonexistent"};
    struct tare_symbols *symbols = tare_symbols_new(&options);
    /* Addresses of functions of ours, in this program or a larger one of the build. */
    struct tare_symbols_frame frame;
    uint32_t random = 99;
    size_t made = 0;
    for (int tries = 0; tries < 1000000 && made < ADDRESSES; tries++) {
        random = random * 1664525u + 1013904223u;
        uint64_t address = 0x400 + (random >> 4) % (4u << 20);
        if (tare_symbols_resolve_file(symbols, tare_binary_path, address, &frame) == 0 &&
            frame.function != NULL && frame.file != NULL) {
            addresses[made++] = address;
        }
    }
    if (made < ADDRESSES) {
        tare_symbols_free(symbols);
        print_message("skipped: '%s' has no debug information\n", tare_binary_path);
        skip();
    }
    ask_addr2line(tare_binary_path, addresses, answers);
    size_t other = 0, other_file = 0;
    assert_int_equal(tare_symbols_map(symbols, PID, BASE, 1 << 30, 0, tare_binary_path, NULL), 0);
    for (size_t i = 0; i < ADDRESSES; i++) {
        char place[PATH_BYTES];
        assert_int_equal(tare_symbols_resolve_file(symbols, tare_binary_path, addresses[i], &frame), 0);
        place_of(&frame, place);
        /* Line 0, of code that the compiler made up, is a question mark there. */
        const char *theirs = strrchr(answers[i].place, ':'), *ours = strrchr(place, ':');
        bool same = strcmp(answers[i].function, frame.function) == 0 &&
                    (frame.line == 0 || (theirs != NULL && strcmp(theirs, ours) == 0));
        /* binutils 2.40 has the unit's file for a header's functions that were compiled with -g3; llvm's has not. */
        other_file += same && frame.line != 0 && strcmp(answers[i].place, place) != 0;
        if (!same && other++ < 5) {
            print_message("0x%llx: %s %s, addr2line: %s %s\n", (unsigned long long)addresses[i], frame.function,
                          place, answers[i].function, answers[i].place);
        }
    }
    assert_true(other <= ADDRESSES / 100);
    assert_true(other_file <= ADDRESSES / 20);
    tare_symbols_free(symbols);
}

static void test_damaged_files(void **state)
{
    (void)state;
    NEEDS(compiler());
    static unsigned char bytes[1 << 20];
    char path[PATH_BYTES];
    uint64_t offset;
    assert_int_equal(run("%s -O2 -g %s/symbols_nest.c -o damaged", compiler(), fixtures), 0);
    value_of("damaged", "symbols_mark", &offset);
    int fd = open(in_directory(path, "damaged"), O_RDONLY | O_CLOEXEC);
    ssize_t size = read(fd, bytes, sizeof bytes);
    close(fd);
    assert_true(size > 0 && size < (ssize_t)sizeof bytes);
    uint32_t random = 4711;
    for (int round = 0; round < 300; round++) {
        size_t places[3];
        unsigned char saved[3];
        for (int j = 0; j < 3; j++) {
            random = random * 1664525u + 1013904223u;
            places[j] = (random >> 8) % (size_t)size;
            saved[j] = bytes[places[j]];
            bytes[places[j]] = (unsigned char)((random & 1) != 0 ? 0xff : random >> 4);
        }
        size_t length = round % 10 == 0 ? (size_t)size * (size_t)round / 300 : (size_t)size;
        fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
        assert_true(fd >= 0 && write(fd, bytes, length) == (ssize_t)length);
        close(fd);
        struct tare_symbols *symbols = make();
        assert_int_equal(tare_symbols_map(symbols, PID, BASE, 1 << 20, 0, path, NULL), 0);
        for (uint64_t at = 0; at < (uint64_t)size; at += 509) {
            innermost(symbols, PID, BASE + at);
        }
        innermost(symbols, PID, BASE + offset);
        tare_symbols_free(symbols);
        for (int j = 2; j >= 0; j--) {
            bytes[places[j]] = saved[j];
        }
    }
}

#endif

/* ---- ---- */

static int set_up(void **state)
{
    (void)state;
    char *source = getenv("TARE_SOURCE_DIR");
    const char *build = getenv("TARE_BUILD_DIR");
    char *root = source != NULL ? realpath(source, NULL) : realpath(".", NULL);
    if (root == NULL || mkdtemp(directory) == NULL) {
        free(root);
        return -1;
    }
    snprintf(fixtures, sizeof fixtures, "%s/tests/unit/fixtures", root);
    free(root);
    snprintf(tare_binary_path, sizeof tare_binary_path, "%s/bin/tare", build != NULL ? build : "");
    if (access(tare_binary_path, R_OK) != 0) {
        ssize_t length = readlink("/proc/self/exe", tare_binary_path, sizeof tare_binary_path - 1);
        tare_binary_path[length > 0 ? length : 0] = '\0';
    }
    return access(fixtures, R_OK);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

static int tear_down(void **state)
{
    (void)state;
    return nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges_are_as_if_looked_up_one_by_one),
        cmocka_unit_test(test_strings_are_kept_once),
        cmocka_unit_test(test_what_is_mapped_over_is_gone),
        cmocka_unit_test(test_mappings_are_what_a_list_of_bytes_says),
        cmocka_unit_test(test_fork_and_exec),
        cmocka_unit_test(test_what_paths_stand_for),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_kernel_symbols),
        cmocka_unit_test(test_jit_map),
        cmocka_unit_test(test_jit_map_that_is_no_file),
#if TARE__WITH_ELF
        cmocka_unit_test(test_inlined_calls),
        cmocka_unit_test_teardown(test_other_compiler, forget_compiler),
        cmocka_unit_test(test_split_debug_info_that_is_gone),
        cmocka_unit_test_teardown(test_other_processor, forget_compiler),
        cmocka_unit_test(test_without_inlined),
        cmocka_unit_test(test_names_of_cplusplus),
        cmocka_unit_test(test_stripped),
        cmocka_unit_test(test_packed_symbols),
        cmocka_unit_test(test_separate_debug_files),
        cmocka_unit_test(test_debug_info_that_files_share),
        cmocka_unit_test(test_another_file_is_there_now),
        cmocka_unit_test(test_stubs),
        cmocka_unit_test(test_process_and_return_address),
        cmocka_unit_test(test_deleted_program_that_runs),
        cmocka_unit_test(test_deleted_program_that_is_gone),
        cmocka_unit_test(test_this_process),
        cmocka_unit_test(test_vdso),
        cmocka_unit_test(test_same_as_addr2line),
        cmocka_unit_test(test_damaged_files),
#endif
    };
    int failed = cmocka_run_group_tests(tests, set_up, tear_down);
#if TARE__WITH_ELF
    if (failed == 0 && !found_command(compiler())) {
        printf("skipped: no compiler '%s' to make programs with\n", compiler());
        return 77;
    }
#else
    if (failed == 0) {
        printf("skipped: built without libelf\n");
        return 77;
    }
#endif
    return failed;
}
