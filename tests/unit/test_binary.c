/* SPDX-License-Identifier: MIT */
/*
 * record/binary.h and record/code_judge.h: what is said of programs without running them. First instructions
 * one by one, then programs that the compilers at hand make from tests/unit/fixtures/ with different flags;
 * what needs a compiler or tool that is not there is skipped with a message, and without $CC the program says
 * so with 77.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <math.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "record/binary.h"
#include "record/binary_cursor.h"
#include "record/code_judge.h"

#if defined(TARE_HAVE_LIBELF) && TARE_HAVE_LIBELF
#define WITH_LIBELF 1
#else
#define WITH_LIBELF 0
#endif

#if WITH_LIBELF

extern char **environ;

enum { PATH_BYTES = 4096, MESSAGE_BYTES = 512, CALLERS = 20 };

static char directory[] = "/tmp/tare-test-binary-XXXXXX";
static char fixtures[PATH_BYTES];
static char include_flag[PATH_BYTES + 16];

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

static bool found_command(const char *name)
{
    char *path;
    if (tare_find_program(name, &path) != 0) {
        return false;
    }
    free(path);
    return true;
}

static const char *compiler(void)
{
    const char *cc = getenv("CC");
    return cc != NULL && cc[0] != '\0' ? cc : "cc";
}

#define NEEDS(name)                                                                                            \
    do {                                                                                                       \
        if (!found_command(name)) {                                                                            \
            print_message("skipped: no '%s'\n", name);                                                         \
            skip();                                                                                            \
        }                                                                                                      \
    } while (0)

static char *in_directory(char path[PATH_BYTES], const char *name)
{
    snprintf(path, PATH_BYTES, "%s/%s", directory, name);
    return path;
}

static void write_file(const char *name, const void *bytes, size_t size)
{
    char path[PATH_BYTES];
    int fd = open(in_directory(path, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    close(fd);
}

/* Reads a file of the test's directory, which must succeed. */
static void read_binary(const char *name, const struct tare_binary_options *options, struct tare_binary *binary)
{
    char path[PATH_BYTES];
    char message[MESSAGE_BYTES] = "";
    int result = tare_binary_read(in_directory(path, name), options, binary, message, sizeof message);
    if (result != 0) {
        fail_msg("'%s': %d: %s", name, result, message);
    }
}

static const struct tare_binary_options alone = {.debug_directory = "/nonexistent", .without_libraries = true};

#endif

/* ---- instructions ---- */

struct bytes {
    size_t size;
    const char *text;
};
#define BYTES(text)                                                                                            \
    {                                                                                                          \
        sizeof(text) - 1, text                                                                                 \
    }

static void test_lengths_of_instructions(void **state)
{
    (void)state;
    static const struct bytes instructions[] = {
        BYTES("\x55"),                                     /* push %rbp */
        BYTES("\x48\x89\xe5"),                             /* mov %rsp,%rbp */
        BYTES("\xf3\x0f\x1e\xfa"),                         /* endbr64 */
        BYTES("\x48\x83\xec\x18"),                         /* sub $0x18,%rsp */
        BYTES("\x48\x81\xec\x00\x10\x00\x00"),             /* sub $0x1000,%rsp */
        BYTES("\x8b\x45\xfc"),                             /* mov -4(%rbp),%eax */
        BYTES("\x8b\x05\x11\x22\x33\x00"),                 /* mov n(%rip),%eax */
        BYTES("\x8b\x84\x24\x80\x00\x00\x00"),             /* mov 0x80(%rsp),%eax */
        BYTES("\x8b\x04\xc5\x00\x00\x40\x00"),             /* mov n(,%rax,8),%eax */
        BYTES("\x48\xb8\x01\x02\x03\x04\x05\x06\x07\x08"), /* movabs */
        BYTES("\xb8\x01\x00\x00\x00"),                     /* mov $1,%eax */
        BYTES("\x66\xb8\x01\x00"),                         /* mov $1,%ax */
        BYTES("\x48\xc7\xc0\x01\x00\x00\x00"),             /* mov $1,%rax */
        BYTES("\x66\xc7\x00\x01\x00"),                     /* movw $1,(%rax) */
        BYTES("\xf6\xc1\x01"),                             /* test $1,%cl */
        BYTES("\xf7\xd8"),                                 /* neg %eax */
        BYTES("\xf7\x45\xf8\x01\x00\x00\x00"),             /* testl $1,-8(%rbp) */
        BYTES("\xe8\x00\x00\x00\x00"),                     /* call */
        BYTES("\xff\x15\x00\x00\x00\x00"),                 /* call *n(%rip) */
        BYTES("\x41\xff\xd4"),                             /* call *%r12 */
        BYTES("\x0f\x84\x00\x00\x00\x00"),                 /* je */
        BYTES("\x74\x00"),                                 /* je, short */
        BYTES("\x66\x2e\x0f\x1f\x84\x00\x00\x00\x00\x00"), /* nopw */
        BYTES("\xa0\x01\x02\x03\x04\x05\x06\x07\x08"),     /* movabs n,%al */
        BYTES("\xc8\x10\x00\x00"),                         /* enter */
        BYTES("\xf0\x48\x0f\xb1\x0f"),                     /* lock cmpxchg */
        BYTES("\x66\x0f\x3a\x0f\xc1\x08"),                 /* palignr */
        BYTES("\x66\x0f\x38\x00\xc1"),                     /* pshufb */
        BYTES("\x0f\x70\xc1\x1b"),                         /* pshufw */
        BYTES("\xc5\xf8\x77"),                             /* vzeroupper */
        BYTES("\xc5\xfd\x6f\x06"),                         /* vmovdqa (%rsi),%ymm0 */
        BYTES("\xc5\xf9\x70\xc1\x1b"),                     /* vpshufd */
        BYTES("\xc4\xe3\x7d\x39\xc1\x01"),                 /* vextracti128 */
        BYTES("\x62\xf1\xfe\x48\x6f\x46\x01"),             /* vmovdqu64 0x40(%rsi),%zmm0 */
        BYTES("\x62\xf3\x7d\x48\x25\xc0\xff"),             /* vpternlogd */
        BYTES("\x8f\xe8\x78\xc2\xec\x0e"),                 /* vprotd, AMD's XOP */
        BYTES("\x8f\xc0"),                                 /* pop %rax, its long form */
    };
    for (size_t i = 0; i < sizeof instructions / sizeof instructions[0]; i++) {
        const unsigned char *code = (const unsigned char *)instructions[i].text;
        size_t size = instructions[i].size;
        if (tare__x86_64_length(code, size) != size) {
            fail_msg("instruction %zu: %zu bytes instead of %zu", i, tare__x86_64_length(code, size), size);
        }
        for (size_t cut = 0; cut < size; cut++) {
            size_t found = tare__x86_64_length(code, cut);
            assert_true(found <= cut); /* a prefix of one can be another, but never reaches beyond the end */
        }
    }
    assert_int_equal(tare__x86_64_length((const unsigned char *)"\x06", 1), 0); /* gone in 64-bit mode */
    assert_int_equal(
        tare__x86_64_length(
            (const unsigned char *)"\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x90", 16),
        0); /* longer than 15 bytes */
}

struct rule {
    const char *what;
    struct bytes code;
    enum tare__frame frame;
    bool stores;
};

static void check_rules(uint16_t machine, const struct rule *rules, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct tare__code code =
            tare__code_judge(machine, (const unsigned char *)rules[i].code.text, rules[i].code.size);
        if (code.frame != rules[i].frame || code.stores_arguments != rules[i].stores) {
            fail_msg("%s: frame %d, stores %d", rules[i].what, (int)code.frame, code.stores_arguments);
        }
    }
}

#define CALL "\xe8\x00\x00\x00\x00"

static void test_rule_for_x86_64(void **state)
{
    (void)state;
    static const struct rule rules[] = {
        {"prologue", BYTES("\x55\x48\x89\xe5" CALL "\x5d\xc3"), TARE__FRAME_KEPT, false},
        {"the other encoding of mov", BYTES("\x55\x48\x8b\xec" CALL "\x5d\xc3"), TARE__FRAME_KEPT, false},
        {"behind endbr64", BYTES("\xf3\x0f\x1e\xfa\x55\x48\x89\xe5" CALL "\xc9\xc3"), TARE__FRAME_KEPT, false},
        {"scheduled apart", BYTES("\x55\x31\xc0\x89\xfa\x48\x89\xe5\x41\x54" CALL "\xc3"), TARE__FRAME_KEPT,
         false},
        {"behind an early end", BYTES("\x85\xff\x75\x01\xc3\x55\x48\x89\xe5" CALL "\x5d\xc3"), TARE__FRAME_KEPT,
         false},
        {"enter", BYTES("\xc8\x10\x00\x00" CALL "\xc9\xc3"), TARE__FRAME_KEPT, false},
        {"stored, as Go does", BYTES("\x48\x83\xec\x10\x48\x89\x6c\x24\x08\x48\x8d\x6c\x24\x08" CALL "\xc3"),
         TARE__FRAME_KEPT, false}, /* sub $16,%rsp; mov %rbp,8(%rsp); lea 8(%rsp),%rbp */
        {"stored far up, as Go does",
         BYTES("\x48\x89\xac\x24\x80\x00\x00\x00\x48\x8d\xac\x24\x80\x00\x00\x00" CALL "\xc3"),
         TARE__FRAME_KEPT, false},
        {"stored elsewhere", BYTES("\x48\x89\x6c\x24\x08\x48\x8d\x6c\x24\x10" CALL "\xc3"), TARE__FRAME_MISSING,
         false},
        {"stored by another register", BYTES("\x48\x89\x6c\x24\x08\x48\x8d\x6d\x08" CALL "\xc3"),
         TARE__FRAME_MISSING, false}, /* lea 8(%rbp),%rbp */
        {"a call between", BYTES("\x48\x89\x6c\x24\x08" CALL "\x48\x8d\x6c\x24\x08\xc3"), TARE__FRAME_MISSING,
         false},
        {"a leaf with a frame", BYTES("\x55\x48\x89\xe5\x5d\xc3"), TARE__FRAME_KEPT, false},
        {"a leaf", BYTES("\x8d\x04\x37\xc3"), TARE__FRAME_LEAF, false},
        {"a tail call", BYTES("\xe9\x00\x00\x00\x00"), TARE__FRAME_LEAF, false},
        {"calls without", BYTES("\x48\x83\xec\x08" CALL "\x48\x83\xc4\x08\xc3"), TARE__FRAME_MISSING, false},
        {"calls through a pointer", BYTES("\x50\xff\x15\x00\x00\x00\x00\x58\xc3"), TARE__FRAME_MISSING, false},
        {"one more register", BYTES("\x55\x89\xfd\x53" CALL "\x5b\x5d\xc3"), TARE__FRAME_REUSED, false},
        {"a leaf with one more register", BYTES("\x55\x89\xfd\x5d\xc3"), TARE__FRAME_REUSED, false},
        {"a buffer's address in %rbp", BYTES("\x55\x48\x83\xec\x60\x48\x89\xe5" CALL "\xc3"),
         TARE__FRAME_REUSED, false},
        {"something pushed between", BYTES("\x55\x53\x48\x89\xe5" CALL "\xc3"), TARE__FRAME_REUSED, false},
        {"a branch between", BYTES("\x55\x74\x00\x48\x89\xe5" CALL "\xc3"), TARE__FRAME_REUSED, false},
        {"mov alone", BYTES("\x48\x89\xe5" CALL "\xc3"), TARE__FRAME_MISSING, false},
        {"push %r13", BYTES("\x41\x55\x48\x89\xe5" CALL "\xc3"), TARE__FRAME_MISSING, false},
        {"no instructions", BYTES("\x06\x06\x06"), TARE__FRAME_UNKNOWN, false},
        {"cut short", BYTES("\x48\x83"), TARE__FRAME_UNKNOWN, false},
        {"a table behind the prologue", BYTES("\x55\x48\x89\xe5\x06"), TARE__FRAME_KEPT, false},
        {"not optimised", BYTES("\x55\x48\x89\xe5\x48\x83\xec\x20\x89\x7d\xec" CALL "\xc9\xc3"),
         TARE__FRAME_KEPT, true},
        {"not optimised, a char", BYTES("\x55\x48\x89\xe5\x89\xf8\x88\x45\xec\x89\x75\xe8\xc9\xc3"),
         TARE__FRAME_KEPT, true},
        {"not optimised, a double", BYTES("\x55\x48\x89\xe5\xf2\x0f\x11\x45\xe8\xc9\xc3"), TARE__FRAME_KEPT,
         true},
        {"stores something else", BYTES("\x55\x48\x89\xe5\x89\x45\xec\xc9\xc3"), TARE__FRAME_KEPT, false},
        {"stores above its frame", BYTES("\x55\x48\x89\xe5\x89\x7d\x10\xc9\xc3"), TARE__FRAME_KEPT, false},
    };
    check_rules(EM_X86_64, rules, sizeof rules / sizeof rules[0]);
}

static void test_rule_for_aarch64(void **state)
{
    (void)state;
    static const struct rule rules[] = {
        {"prologue", BYTES("\xfd\x7b\xbe\xa9\xfd\x03\x00\x91\x00\x00\x00\x94\xfd\x7b\xc2\xa8\xc0\x03\x5f\xd6"),
         TARE__FRAME_KEPT, false}, /* stp x29,x30,[sp,#-32]!; mov x29,sp; bl; ldp; ret */
        {"behind paciasp", BYTES("\x3f\x23\x03\xd5\xfd\x7b\xbe\xa9\xfd\x03\x00\x91\x00\x00\x00\x94"),
         TARE__FRAME_KEPT, false},
        {"further up", BYTES("\xff\x83\x00\xd1\xfd\x7b\x01\xa9\xfd\x43\x00\x91\x00\x00\x00\x94"),
         TARE__FRAME_KEPT, false}, /* sub sp,sp,#32; stp x29,x30,[sp,#16]; add x29,sp,#16 */
        {"not where it was saved", BYTES("\xff\x83\x00\xd1\xfd\x7b\x01\xa9\xfd\x23\x00\x91\x00\x00\x00\x94"),
         TARE__FRAME_REUSED, false}, /* add x29,sp,#8 */
        {"below, as Go does", BYTES("\xfe\x0f\x1e\xf8\xfd\x83\x1f\xf8\xfd\x23\x00\xd1\x00\x00\x00\x94"),
         TARE__FRAME_KEPT, false}, /* str x30,[sp,#-32]!; stur x29,[sp,#-8]; sub x29,sp,#8 */
        {"below, but not stored there", BYTES("\xfe\x0f\x1e\xf8\xfd\x23\x00\xd1\x00\x00\x00\x94"),
         TARE__FRAME_MISSING, false},
        {"x30 alone", BYTES("\xfe\x0f\x1f\xf8\x00\x00\x00\x94\xfe\x07\x41\xf8\xc0\x03\x5f\xd6"),
         TARE__FRAME_MISSING, false}, /* str x30,[sp,#-16]! */
        {"calls through a register", BYTES("\xfe\x0f\x1f\xf8\x00\x00\x3f\xd6\xfe\x07\x41\xf8\xc0\x03\x5f\xd6"),
         TARE__FRAME_MISSING, false},
        {"saved and not set", BYTES("\xfd\x7b\xbe\xa9\x00\x00\x00\x94\xfd\x7b\xc2\xa8\xc0\x03\x5f\xd6"),
         TARE__FRAME_REUSED, false},
        {"a leaf", BYTES("\x00\x00\x01\x0b\xc0\x03\x5f\xd6"), TARE__FRAME_LEAF, false},
        {"a tail call", BYTES("\x00\x00\x00\x14"), TARE__FRAME_LEAF, false},
        {"not optimised", BYTES("\xfd\x7b\xbe\xa9\xfd\x03\x00\x91\xe0\x1f\x00\xb9\x00\x00\x00\x94"),
         TARE__FRAME_KEPT, true}, /* str w0,[sp,#28] */
        {"not optimised, x19 saved",
         BYTES("\xfd\x7b\xbb\xa9\xfd\x03\x00\x91\xf3\x0b\x00\xf9\xe0\x3f\x00\xb9\x00\x00\x00\x94"),
         TARE__FRAME_KEPT, true}, /* str x19,[sp,#16]; str w0,[sp,#60] */
        {"less than a word", BYTES("\xfd\x7b"), TARE__FRAME_UNKNOWN, false},
    };
    check_rules(EM_AARCH64, rules, sizeof rules / sizeof rules[0]);
    assert_int_equal(tare__code_judge(EM_RISCV, (const unsigned char *)"\x55", 1).frame, TARE__FRAME_UNKNOWN);
}

static void test_constant_that_is_returned(void **state)
{
    (void)state;
    static const struct {
        uint16_t machine;
        struct bytes code;
        uint64_t address; /* 0: not such a function */
    } functions[] = {
        {EM_X86_64, BYTES("\x48\x8d\x05\x10\x00\x00\x00\xc3"), 0x1017},
        {EM_X86_64, BYTES("\xf3\x0f\x1e\xfa\x55\x48\x89\xe5\x48\x8d\x05\xf0\xff\xff\xff\x5d\xc3"), 0xfff},
        {EM_X86_64, BYTES("\xb8\x00\x20\x40\x00\xc3"), 0x402000},
        {EM_X86_64, BYTES("\x48\x8d\x05\x10\x00\x00\x00" CALL "\xc3"), 0},
        {EM_X86_64, BYTES("\x48\x8d\x05\x10\x00\x00\x00"), 0},
        {EM_X86_64, BYTES("\xc3"), 0},
        {EM_AARCH64, BYTES("\x00\x00\x00\x90\x00\x40\x08\x91\xc0\x03\x5f\xd6"),
         0x1210}, /* adrp, add #0x210, ret */
        {EM_AARCH64, BYTES("\x5f\x24\x03\xd5\x80\x00\x00\x10\xc0\x03\x5f\xd6"),
         0x1014}, /* bti c; adr x0,. + 16 */
        {EM_AARCH64, BYTES("\x00\x00\x00\x90\x00\x00\x00\x94\xc0\x03\x5f\xd6"), 0},
    };
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        uint64_t address = 0;
        bool known =
            tare__code_returns_address(functions[i].machine, (const unsigned char *)functions[i].code.text,
                                       functions[i].code.size, 0x1000, &address);
        if (known != (functions[i].address != 0) || (known && address != functions[i].address)) {
            fail_msg("function %zu: %d, 0x%jx", i, known, (uintmax_t)address);
        }
    }
}

static void test_share_is_not_rounded_to_all_or_none(void **state)
{
    (void)state;
    char text[TARE_SHARE_TEXT];
    struct tare_frame_pointers frames = {.kept_count = 99999, .counted = 100000};
    assert_string_equal(tare_frame_pointers_share(&frames, text), "99.9 %");
    frames.kept_count = 100000;
    assert_string_equal(tare_frame_pointers_share(&frames, text), "100 %");
    frames.kept_count = 1;
    assert_string_equal(tare_frame_pointers_share(&frames, text), "0.1 %");
    frames.kept_count = 0;
    assert_string_equal(tare_frame_pointers_share(&frames, text), "0 %");
    frames.counted = 0;
    assert_string_equal(tare_frame_pointers_share(&frames, text), "-");
}

/* ---- programs ---- */

#if WITH_LIBELF

/* One program, by its verdicts. `kept` must hold for the stripped one as well. */
static void check_frames(const char *cc, const char *flags, bool kept, bool unoptimised, const char *strip)
{
    struct tare_binary binary;
    if (run("%s %s -fPIC -shared -nostdlib %s/functions.c -o frames.so", cc, flags, fixtures) != 0) {
        fail_msg("'%s %s' does not compile", cc, flags);
    }
    for (int stripped = 0; stripped < 2; stripped++) {
        if (stripped && (!found_command(strip) || run("%s frames.so", strip) != 0)) {
            print_message("skipped: no '%s'\n", strip);
            continue;
        }
        read_binary("frames.so", &alone, &binary);
        const struct tare_frame_pointers *frames = &binary.frames;
        if (frames->kept != (kept ? TARE_KEPT_YES : TARE_KEPT_NO) || frames->looks_unoptimised != unoptimised) {
            fail_msg("%s %s%s: %d, %ju of %ju, unread %ju, stores %f", cc, flags, stripped ? ", stripped" : "",
                     (int)frames->kept, (uintmax_t)frames->kept_count, (uintmax_t)frames->counted,
                     (uintmax_t)frames->unread, frames->stores_arguments);
        }
        assert_int_equal(frames->from, stripped ? TARE_FUNCTIONS_UNWIND_TABLE : TARE_FUNCTIONS_SYMBOLS);
        assert_true(frames->counted >= CALLERS);
        assert_int_equal(frames->unread, 0);
        assert_int_equal(frames->kept_count + frames->missing + frames->reused, frames->counted);
        assert_int_equal(frames->counted + frames->leaves, frames->functions);
        assert_true(binary.unwind.covered.share >= 0.8);
        assert_int_equal(binary.profiling[TARE_PROFILING_FP].works, kept ? TARE_WORKS_YES : TARE_WORKS_NO);
        assert_int_equal(binary.profiling[TARE_PROFILING_DWARF].works, TARE_WORKS_YES);
        tare_binary_release(&binary);
    }
}

/* What the flags say must be what the machine code says, whatever the optimisation. */
static void check_compiler(const char *cc, const char *strip)
{
    static const char *const levels[] = {"-O0", "-O1", "-O2", "-O3", "-Os"};
    char flags[64];
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        snprintf(flags, sizeof flags, "%s -fno-omit-frame-pointer", levels[i]);
        check_frames(cc, flags, true, i == 0, strip);
        snprintf(flags, sizeof flags, "%s -fomit-frame-pointer", levels[i]);
        check_frames(cc, flags, false, false, strip);
    }
}

static void test_frame_pointers_of_what_the_compiler_makes(void **state)
{
    (void)state;
    NEEDS(compiler());
    check_compiler(compiler(), "strip");
}

static void test_frame_pointers_of_what_clang_makes(void **state)
{
    (void)state;
    NEEDS("clang");
    check_compiler("clang", "strip");
}

static void test_frame_pointers_of_aarch64(void **state)
{
    (void)state;
    NEEDS("aarch64-linux-gnu-gcc");
    check_compiler("aarch64-linux-gnu-gcc", "aarch64-linux-gnu-strip");
}

/* Half of the functions with, half without. */
static void test_frame_pointers_of_a_part(void **state)
{
    (void)state;
    NEEDS(compiler());
    struct tare_binary binary;
    assert_int_equal(
        run("%s -O2 -c -fPIC -fno-omit-frame-pointer %s/functions.c -o with.o", compiler(), fixtures), 0);
    assert_int_equal(
        run("%s -O2 -c -fPIC -fomit-frame-pointer %s/functions.c -o without.o", compiler(), fixtures), 0);
    if (!found_command("objcopy") || run("objcopy --prefix-symbols=other_ with.o") != 0) {
        print_message("skipped: no 'objcopy'\n");
        skip();
    }
    assert_int_equal(
        run("%s -shared -nostdlib -Wl,--unresolved-symbols=ignore-all with.o without.o -o half.so", compiler()),
        0);
    read_binary("half.so", &alone, &binary);
    assert_int_equal(binary.frames.kept, TARE_KEPT_MIXED);
    assert_int_equal(binary.profiling[TARE_PROFILING_FP].works, TARE_WORKS_PARTLY);
    tare_binary_release(&binary);
}

static bool is_gcc(void)
{
    return run("%s -frecord-gcc-switches -fno-tree-loop-im -fsyntax-only -Werror -x c /dev/null", compiler()) ==
               0 &&
           run("%s -grecord-command-line -fsyntax-only -x c /dev/null", compiler()) != 0;
}

/* Flags, level and version of debug info. */
static void test_debug_info_and_flags(void **state)
{
    (void)state;
    NEEDS(compiler());
    if (!is_gcc()) {
        print_message("skipped: '%s' is not gcc\n", compiler());
        skip();
    }
    static const struct {
        const char *flags;
        enum tare_debug_level level;
        unsigned version;
        const char *optimisation; /* NULL: not recorded */
        int frame_pointer;
        enum tare_flags_from from;
        bool compressed;
    } programs[] = {
        {"-O2 -g -gdwarf-5", TARE_DEBUG_FULL, 5, "-O2", -1, TARE_FLAGS_DEBUG_INFO, false},
        {"-O3 -g -gdwarf-4 -fno-omit-frame-pointer", TARE_DEBUG_FULL, 4, "-O3", 1, TARE_FLAGS_DEBUG_INFO,
         false},
        {"-Os -g -gdwarf-3 -fomit-frame-pointer", TARE_DEBUG_FULL, 3, "-Os", 0, TARE_FLAGS_DEBUG_INFO, false},
        {"-O3 -O1 -g -gdwarf-2", TARE_DEBUG_FULL, 2, "-O1", -1, TARE_FLAGS_DEBUG_INFO, false},
        {"-O -g -gdwarf-5", TARE_DEBUG_FULL, 5, "-O1", -1, TARE_FLAGS_DEBUG_INFO, false},
        {"-g -gdwarf-5", TARE_DEBUG_FULL, 5, "-O0", -1, TARE_FLAGS_DEBUG_INFO, false},
        {"-O2 -gdwarf-5 -g1", TARE_DEBUG_LINES, 5, "-O2", -1, TARE_FLAGS_DEBUG_INFO, false},
        {"-O2 -g -gdwarf-5 -gdwarf64", TARE_DEBUG_FULL, 5, "-O2", -1, TARE_FLAGS_DEBUG_INFO, false},
        {"-O2 -g -gdwarf-5 -gz=zlib", TARE_DEBUG_FULL, 5, "-O2", -1, TARE_FLAGS_DEBUG_INFO, true},
        {"-O2 -g -gdwarf-4 -gz=zlib-gnu", TARE_DEBUG_FULL, 4, "-O2", -1, TARE_FLAGS_DEBUG_INFO, true},
        {"-O2 -g -gdwarf-5 -gno-record-gcc-switches", TARE_DEBUG_FULL, 5, NULL, -1, TARE_FLAGS_DEBUG_INFO,
         false},
        {"-Og -g0 -frecord-gcc-switches", TARE_DEBUG_NONE, 0, "-Og", -1, TARE_FLAGS_COMMAND_LINE, false},
        {"-O2 -g0", TARE_DEBUG_NONE, 0, NULL, -1, TARE_FLAGS_NOWHERE, false},
    };
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
        struct tare_binary binary;
        if (run("%s %s -fPIC -shared -nostdlib %s/functions.c -o debug.so", compiler(), programs[i].flags,
                fixtures) != 0) {
            print_message("skipped: '%s' does not know %s\n", compiler(), programs[i].flags);
            continue;
        }
        read_binary("debug.so", &alone, &binary);
        const char *optimisation = binary.flags_count > 0 ? binary.flags[0].optimisation : NULL;
        const char *expected = programs[i].optimisation;
        if (binary.debug.level != programs[i].level || binary.debug.version_max != programs[i].version ||
            binary.debug.compressed != programs[i].compressed || binary.flags_from != programs[i].from ||
            (optimisation == NULL) != (expected == NULL) ||
            (expected != NULL && strcmp(optimisation, expected) != 0)) {
            fail_msg("%s: level %d, version %u, flags from %d, '%s'", programs[i].flags,
                     (int)binary.debug.level, binary.debug.version_max, (int)binary.flags_from,
                     optimisation != NULL ? optimisation : "");
        }
        if (expected != NULL) {
            assert_int_equal(binary.flags[0].frame_pointer, programs[i].frame_pointer);
            assert_int_equal(strncmp(binary.flags[0].compiler, "GNU C", 5), 0);
            assert_non_null(binary.flags[0].words);
            assert_non_null(strstr(binary.flags[0].words, "-fPIC"));
            assert_null(strstr(binary.flags[0].words, "-o debug.so"));
            assert_null(strchr(binary.flags[0].compiler, '-'));
        }
        if (programs[i].level != TARE_DEBUG_NONE) {
            assert_int_equal(binary.debug.units, 1);
            assert_true(binary.debug.covered.share > 0.9);
        }
        assert_null(binary.debug.problem);
        tare_binary_release(&binary);
    }
}

static void test_debug_info_of_clang(void **state)
{
    (void)state;
    NEEDS("clang");
    static const struct {
        const char *flags;
        enum tare_debug_level level;
        unsigned version;
        const char *optimisation;
    } programs[] = {
        {"-O2 -g -gdwarf-5", TARE_DEBUG_FULL, 5, NULL}, /* strings by index, and no flags */
        {"-O2 -g -gdwarf-4", TARE_DEBUG_FULL, 4, NULL},
        {"-O3 -g -gdwarf-5 -grecord-command-line", TARE_DEBUG_FULL, 5, "-O3"},
        {"-O2 -gdwarf-5 -gline-tables-only", TARE_DEBUG_LINES, 5, NULL},
        {"-O1 -g0 -frecord-command-line", TARE_DEBUG_NONE, 0, "-O1"},
    };
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
        struct tare_binary binary;
        if (run("clang %s -fPIC -shared -nostdlib %s/functions.c -o clang.so", programs[i].flags, fixtures) !=
            0) {
            print_message("skipped: clang does not know %s\n", programs[i].flags);
            continue;
        }
        read_binary("clang.so", &alone, &binary);
        const char *expected = programs[i].optimisation;
        assert_int_equal(binary.debug.level, programs[i].level);
        assert_int_equal(binary.debug.version_max, programs[i].version);
        if (expected != NULL) {
            assert_non_null(binary.flags[0].optimisation);
            assert_string_equal(binary.flags[0].optimisation, expected);
        } else if (programs[i].level != TARE_DEBUG_NONE) {
            assert_int_equal(binary.units_without_flags, 1);
            assert_null(binary.flags[0].optimisation);
        }
        if (binary.flags_count > 0) {
            assert_non_null(strstr(binary.flags[0].compiler, "clang"));
        }
        tare_binary_release(&binary);
    }
}

static void test_split_debug_info(void **state)
{
    (void)state;
    NEEDS(compiler());
    struct tare_binary binary;
    assert_int_equal(run("%s -O2 -g -gsplit-dwarf -fPIC -c %s/functions.c -o split.o", compiler(), fixtures),
                     0);
    assert_int_equal(run("%s -shared -nostdlib split.o -o split.so", compiler()), 0);
    read_binary("split.so", &alone, &binary);
    assert_int_equal(binary.debug.level, TARE_DEBUG_FULL);
    assert_int_equal(binary.debug.split_units, 1);
    assert_int_equal(binary.debug.split_missing, 0);
    tare_binary_release(&binary);
    assert_int_equal(run("rm split.dwo"), 0);
    read_binary("split.so", &alone, &binary);
    assert_int_equal(binary.debug.split_missing, 1);
    tare_binary_release(&binary);
}

static void make_separate(const char *debug_name, const char *link_name)
{
    assert_int_equal(
        run("%s -O2 -g -Wl,--build-id=sha1 -DFIXTURE_MAIN %s/functions.c -o whole", compiler(), fixtures), 0);
    assert_int_equal(run("cp whole apart"), 0);
    assert_int_equal(run("objcopy --only-keep-debug whole %s", debug_name), 0);
    assert_int_equal(run("strip apart"), 0);
    if (link_name != NULL) {
        assert_int_equal(run("objcopy --add-gnu-debuglink=%s apart", link_name), 0);
    }
}

static void test_separate_debug_info(void **state)
{
    (void)state;
    NEEDS(compiler());
    NEEDS("objcopy");
    NEEDS("strip");
    char path[PATH_BYTES];
    char debug_directory[PATH_BYTES];
    struct tare_binary binary;
    struct tare_binary_options options = {.debug_directory = in_directory(debug_directory, "debug"),
                                          .without_libraries = true};
    /* Beside the program, then in .debug. */
    make_separate("apart.debug", "apart.debug");
    read_binary("apart", &options, &binary);
    assert_non_null(binary.debug.path);
    assert_string_equal(strrchr(binary.debug.path, '/'), "/apart.debug");
    assert_true(binary.debug.by_name && binary.separate_symbols);
    assert_int_equal(binary.debug.level, TARE_DEBUG_FULL);
    assert_int_equal(binary.symbols, TARE_SYMBOLS_DYNAMIC);
    assert_true(binary.symbol_functions >= CALLERS);
    assert_string_equal(binary.debug.link_name, "apart.debug");
    tare_binary_release(&binary);

    assert_int_equal(mkdir(in_directory(path, ".debug"), 0700), 0);
    assert_int_equal(run("mv apart.debug .debug"), 0);
    read_binary("apart", &options, &binary);
    assert_non_null(binary.debug.path);
    assert_non_null(strstr(binary.debug.path, "/.debug/apart.debug"));
    char build_id[TARE_BUILD_ID_TEXT];
    snprintf(build_id, sizeof build_id, "%s", binary.build_id);
    assert_int_equal(strlen(build_id), 40);
    tare_binary_release(&binary);

    /* By build id, which comes before the name. */
    assert_int_equal(run("mkdir -p debug/.build-id/%.2s", build_id), 0);
    assert_int_equal(run("mv .debug/apart.debug debug/.build-id/%.2s/%s.debug", build_id, build_id + 2), 0);
    read_binary("apart", &options, &binary);
    assert_non_null(binary.debug.path);
    assert_non_null(strstr(binary.debug.path, "/.build-id/"));
    assert_false(binary.debug.by_name);
    assert_int_equal(binary.debug.level, TARE_DEBUG_FULL);
    tare_binary_release(&binary);

    /* One of another build is named and passed over; the link that is left leads nowhere. */
    assert_int_equal(
        run("%s -O0 -g -DFIXTURE_MAIN %s/functions.c -Wl,--build-id=sha1 -o debug/.build-id/%.2s/%s.debug",
            compiler(), fixtures, build_id, build_id + 2),
        0);
    read_binary("apart", &options, &binary);
    assert_null(binary.debug.path);
    assert_non_null(binary.debug.problem);
    assert_non_null(strstr(binary.debug.problem, "another build"));
    assert_int_equal(binary.debug.level, TARE_DEBUG_NONE);
    tare_binary_release(&binary);

    /* A file that is no ELF file, and a link that leads back to the program. */
    assert_int_equal(run("cp %s/functions.c debug/.build-id/%.2s/%s.debug", fixtures, build_id, build_id + 2),
                     0);
    assert_int_equal(run("cp apart whole.debug"), 0);
    assert_int_equal(run("objcopy --remove-section=.gnu_debuglink apart"), 0);
    assert_int_equal(run("objcopy --add-gnu-debuglink=whole.debug apart"), 0);
    assert_int_equal(run("mv apart whole.debug"), 0);
    read_binary("whole.debug", &options, &binary);
    assert_null(binary.debug.path);
    tare_binary_release(&binary);
}

/* Without build ids the checksum decides. */
static void test_separate_debug_info_by_checksum(void **state)
{
    (void)state;
    NEEDS(compiler());
    NEEDS("objcopy");
    NEEDS("strip");
    struct tare_binary binary;
    assert_int_equal(
        run("%s -O2 -g -Wl,--build-id=none -DFIXTURE_MAIN %s/functions.c -o summed", compiler(), fixtures), 0);
    assert_int_equal(run("objcopy --only-keep-debug summed summed.debug"), 0);
    assert_int_equal(run("strip summed"), 0);
    assert_int_equal(run("objcopy --add-gnu-debuglink=summed.debug summed"), 0);
    read_binary("summed", &alone, &binary);
    assert_string_equal(binary.build_id, "");
    assert_non_null(binary.debug.path);
    assert_int_equal(binary.debug.level, TARE_DEBUG_FULL);
    tare_binary_release(&binary);
    assert_int_equal(run("objcopy --add-section=.extra=%s/functions.c summed.debug", fixtures), 0);
    read_binary("summed", &alone, &binary);
    assert_null(binary.debug.path);
    assert_non_null(strstr(binary.debug.problem, "another build"));
    tare_binary_release(&binary);
}

static void test_unwind_tables(void **state)
{
    (void)state;
    NEEDS(compiler());
    struct tare_binary binary;
    const char *const common = "-O2 -fomit-frame-pointer -fPIC -shared -nostdlib";
    assert_int_equal(run("%s %s %s/functions.c -o unwind.so", compiler(), common, fixtures), 0);
    read_binary("unwind.so", &alone, &binary);
    assert_true(binary.unwind.eh_frame && binary.unwind.eh_frame_hdr);
    assert_true(binary.unwind.covered.of_functions);
    assert_true(binary.unwind.covered.share == 1);
    assert_int_equal(binary.unwind.covered.missed, 0);
    assert_null(binary.unwind.problem);
    assert_int_equal(binary.profiling[TARE_PROFILING_BUILT_IN].works, TARE_WORKS_YES);
    assert_int_equal(binary.profiling[TARE_PROFILING_LBR].works, TARE_WORKS_UNKNOWN);
    tare_binary_release(&binary);

    assert_int_equal(
        run("%s %s -fno-asynchronous-unwind-tables -fno-unwind-tables -g0 %s/functions.c -o unwind.so",
            compiler(), common, fixtures),
        0);
    read_binary("unwind.so", &alone, &binary);
    assert_false(binary.unwind.eh_frame || binary.unwind.debug_frame);
    assert_int_equal(binary.profiling[TARE_PROFILING_DWARF].works, TARE_WORKS_NO);
    assert_int_equal(binary.profiling[TARE_PROFILING_BUILT_IN].works, TARE_WORKS_NO);
    tare_binary_release(&binary);

    assert_int_equal(
        run("%s %s -fno-asynchronous-unwind-tables -fno-unwind-tables -g %s/functions.c -o unwind.so",
            compiler(), common, fixtures),
        0);
    read_binary("unwind.so", &alone, &binary);
    assert_true(binary.unwind.debug_frame && !binary.unwind.eh_frame);
    assert_true(binary.unwind.debug_covered.share == 1);
    assert_int_equal(binary.profiling[TARE_PROFILING_DWARF].works, TARE_WORKS_UNKNOWN);
    assert_non_null(
        strstr(binary.profiling[TARE_PROFILING_DWARF].why, "only .debug_frame describes all of it"));
    assert_int_equal(binary.profiling[TARE_PROFILING_BUILT_IN].works, TARE_WORKS_NO);
    tare_binary_release(&binary);
}

/* The 64-bit form of .debug_frame, which compilers write for none but the largest programs: here by hand. */
static void test_debug_frame_in_its_64_bit_form(void **state)
{
    (void)state;
    NEEDS(compiler());
    static const char source[] =
        "asm(\".globl one\\n.type one, %function\\none: .zero 16\\n.size one, 16\\n\"\n"
        "    \".globl two\\n.type two, %function\\ntwo: .zero 32\\n.size two, 32\\n\"\n"
        "    \".section .debug_frame,\\\"\\\",%progbits\\n\"\n"
        "    \".4byte 0xffffffff\\n.8byte 13\\n\"\n" /* CIE */
        "    \".8byte -1\\n.byte 3, 0, 1, 0x78, 16\\n\"\n"
        "    \".4byte 0xffffffff\\n.8byte 24\\n\"\n" /* FDE */
        "    \".8byte 0\\n.8byte one\\n.8byte 16\\n\"\n"
        "    \".4byte 0xffffffff\\n.8byte 24\\n\"\n"
        "    \".8byte 0\\n.8byte two\\n.8byte 32\\n\"\n"
        "    \".text\");\n";
    struct tare_binary binary;
    write_file("wide.c", source, sizeof source - 1);
    assert_int_equal(run("%s -g0 -fPIC -shared -nostdlib -fno-asynchronous-unwind-tables -fno-unwind-tables "
                         "-Wl,-Bsymbolic wide.c -o wide.so",
                         compiler()),
                     0);
    read_binary("wide.so", &alone, &binary);
    assert_true(binary.unwind.debug_frame && !binary.unwind.eh_frame);
    assert_true(binary.unwind.debug_covered.of_functions);
    assert_true(binary.unwind.debug_covered.share == 1);
    assert_int_equal(binary.unwind.debug_covered.missed, 0);
    tare_binary_release(&binary);
}

static void test_numbers_without_end(void **state)
{
    (void)state;
    unsigned char bytes[64];
    memset(bytes, 0x80, sizeof bytes);
    struct tare__cursor cursor = {bytes, bytes + sizeof bytes, false};
    assert_int_equal(tare__take_leb128(&cursor), 0);
    assert_true(cursor.bad);
    memset(bytes, 0xff, 9);
    bytes[9] = 0x01; /* the largest that there is */
    cursor = (struct tare__cursor){bytes, bytes + sizeof bytes, false};
    assert_true(tare__take_leb128(&cursor) == UINT64_MAX);
    assert_false(cursor.bad);
    assert_ptr_equal(cursor.at, bytes + 10);
    cursor = (struct tare__cursor){bytes, bytes + 9, false};
    tare__take_leb128(&cursor);
    assert_true(cursor.bad);
}

/* Nothing but program headers: functions are found through PT_GNU_EH_FRAME. */
static void test_file_without_sections(void **state)
{
    (void)state;
    NEEDS(compiler());
    struct tare_binary binary;
    char path[PATH_BYTES];
    assert_int_equal(run("%s -O2 -fno-omit-frame-pointer -fPIC -shared -nostdlib -s %s/functions.c -o bare.so",
                         compiler(), fixtures),
                     0);
    int fd = open(in_directory(path, "bare.so"), O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    Elf64_Ehdr header;
    assert_int_equal(pread(fd, &header, sizeof header, 0), sizeof header);
    header.e_shoff = 0;
    header.e_shnum = header.e_shstrndx = 0;
    assert_int_equal(pwrite(fd, &header, sizeof header, 0), sizeof header);
    close(fd);
    read_binary("bare.so", &alone, &binary);
    assert_int_equal(binary.frames.from, TARE_FUNCTIONS_UNWIND_TABLE);
    assert_int_equal(binary.frames.kept, TARE_KEPT_YES);
    assert_true(binary.frames.counted >= CALLERS);
    assert_true(isnan(binary.unwind.covered.share));
    assert_int_equal(binary.symbols, TARE_SYMBOLS_NONE);
    assert_int_equal(binary.profiling[TARE_PROFILING_DWARF].works, TARE_WORKS_UNKNOWN);
    tare_binary_release(&binary);
}

static void test_libraries_are_judged(void **state)
{
    (void)state;
    NEEDS(compiler());
    struct tare_binary binary;
    assert_int_equal(run("%s -O2 -fomit-frame-pointer -fPIC -shared -nostdlib %s/functions.c -o libwithout.so "
                         "-Wl,-soname,libwithout.so",
                         compiler(), fixtures),
                     0);
    assert_int_equal(run("%s -O2 -fno-omit-frame-pointer -fPIC -shared -nostdlib %s/functions.c -o libwith.so "
                         "-Wl,-soname,libwith.so",
                         compiler(), fixtures),
                     0);
    const char *const link = "-O1 -fno-omit-frame-pointer -nostdlib -DFIXTURE_START -pie -fPIE "
                             "-Wl,--no-as-needed -Wl,-rpath,$ORIGIN";
    assert_int_equal(run("%s %s %s/functions.c libwith.so libwithout.so -o linked", compiler(), link, fixtures),
                     0);
    read_binary("linked", NULL, &binary);
    assert_int_equal(binary.library_count, 2);
    assert_string_equal(binary.libraries[0].name, "libwith.so");
    assert_int_equal(binary.libraries[0].frames.kept, TARE_KEPT_YES);
    assert_int_equal(binary.libraries[1].frames.kept, TARE_KEPT_NO);
    assert_int_equal(binary.frames.kept, TARE_KEPT_YES);
    assert_int_equal(binary.profiling[TARE_PROFILING_FP].works, TARE_WORKS_PARTLY);
    assert_non_null(strstr(binary.profiling[TARE_PROFILING_FP].why, "libwithout.so does not"));
    assert_null(strstr(binary.profiling[TARE_PROFILING_FP].why, "libwith.so"));
    tare_binary_release(&binary);

    assert_int_equal(run("rm libwithout.so"), 0);
    read_binary("linked", NULL, &binary);
    assert_null(binary.libraries[1].path);
    assert_int_equal(binary.profiling[TARE_PROFILING_FP].works, TARE_WORKS_UNKNOWN);
    tare_binary_release(&binary);

    assert_int_equal(run("%s %s %s/functions.c libwith.so -o linked", compiler(), link, fixtures), 0);
    read_binary("linked", NULL, &binary);
    assert_int_equal(binary.profiling[TARE_PROFILING_FP].works, TARE_WORKS_YES);
    tare_binary_release(&binary);
}

static void test_which_libtare(void **state)
{
    (void)state;
    NEEDS(compiler());
    struct tare_binary binary;
    char path[PATH_BYTES];
    const char *cc = compiler();
    assert_int_equal(mkdir(in_directory(path, "tare"), 0700), 0);
    assert_int_equal(run("%s %s -O2 -fPIC -shared %s/runtime.c %s/versioned.c -Wl,--build-id=sha1 "
                         "-Wl,-soname,libtare.so.0 -o tare/libtare.so.0",
                         cc, include_flag, fixtures, fixtures),
                     0);
    assert_int_equal(
        run("%s %s -O1 -DFIXTURE_MAIN %s/timers.c tare/libtare.so.0 -Wl,-rpath,$ORIGIN/tare -o shared", cc,
            include_flag, fixtures),
        0);
    read_binary("shared", NULL, &binary);
    assert_int_equal(binary.runtime.count, 1);
    assert_false(binary.runtime.is_static);
    assert_true(binary.runtime.is_needed);
    assert_non_null(strstr(binary.runtime.path, "/tare/libtare.so.0"));
    assert_string_equal(binary.runtime.version, "4.5.6");
    assert_int_equal(strlen(binary.runtime.build_id), 40);
    assert_string_not_equal(binary.runtime.build_id, binary.build_id);
    assert_int_equal(binary.runtime.timers, 2);
    assert_int_equal(binary.runtime.own_timers, 2);
    assert_int_equal(binary.runtime.abi, 1);
    assert_false(binary.runtime.may_load_libraries);
    assert_true(binary.can_preload);
    tare_binary_release(&binary);

    assert_int_equal(run("mv tare gone"), 0);
    read_binary("shared", NULL, &binary);
    assert_true(binary.runtime.is_needed);
    assert_int_equal(binary.runtime.count, 0);
    assert_null(binary.runtime.path);
    tare_binary_release(&binary);

    assert_int_equal(run("%s %s -O2 -DFIXTURE_MAIN %s/timers.c %s/runtime.c %s/versioned.c -o within", cc,
                         include_flag, fixtures, fixtures, fixtures),
                     0);
    read_binary("within", NULL, &binary);
    assert_int_equal(binary.runtime.count, 1);
    assert_true(binary.runtime.is_static);
    assert_false(binary.runtime.is_needed);
    assert_string_equal(binary.runtime.version, "4.5.6");
    tare_binary_release(&binary);

    assert_int_equal(run("%s -O2 -DFIXTURE_MAIN %s/functions.c -o neither", cc, fixtures), 0);
    read_binary("neither", NULL, &binary);
    assert_int_equal(binary.runtime.count, 0);
    assert_false(binary.runtime.is_needed);
    assert_int_equal(binary.runtime.timers, 0);
    assert_int_equal(binary.runtime.abi, 0);
    tare_binary_release(&binary);
}

/* A version that the function does not simply return is not known, and not guessed. */
static void test_version_that_cannot_be_told(void **state)
{
    (void)state;
    NEEDS(compiler());
    struct tare_binary binary;
    static const char source[] =
        "const char *pick(int); const char *tare_version(void) { return pick(3); }\n"
        "__attribute__((noinline, noclone)) const char *pick(int a) { return a > 2 ? \"a\" : "
        "\"b\"; }\n";
    write_file("picked.c", source, sizeof source - 1);
    assert_int_equal(run("%s %s -O0 -DFIXTURE_MAIN %s/timers.c %s/runtime.c picked.c -o picked", compiler(),
                         include_flag, fixtures, fixtures),
                     0);
    read_binary("picked", NULL, &binary);
    assert_int_equal(binary.runtime.count, 1);
    assert_null(binary.runtime.version);
    tare_binary_release(&binary);
}

static void test_kinds_of_programs(void **state)
{
    (void)state;
    NEEDS(compiler());
    struct tare_binary binary;
    if (run("%s -O2 -static -DFIXTURE_MAIN %s/functions.c -o static", compiler(), fixtures) != 0) {
        print_message("skipped: '%s' does not link with -static\n", compiler());
    } else {
        read_binary("static", NULL, &binary);
        assert_true(binary.info.is_static && !binary.info.is_pie && !binary.can_preload);
        assert_non_null(strstr(binary.preload_problem, "statically linked"));
        assert_int_equal(binary.library_count, 0);
        tare_binary_release(&binary);
    }
    if (found_command("musl-gcc") && run("musl-gcc -O2 -DFIXTURE_MAIN %s/functions.c -o musl", fixtures) == 0) {
        read_binary("musl", NULL, &binary);
        assert_false(binary.can_preload);
        assert_non_null(strstr(binary.preload_problem, "musl"));
        tare_binary_release(&binary);
    } else {
        print_message("skipped: no 'musl-gcc'\n");
    }
    assert_int_equal(run("%s -O2 -fPIC -shared -nostdlib %s/functions.c -o lib.so", compiler(), fixtures), 0);
    read_binary("lib.so", NULL, &binary);
    assert_true(binary.info.is_library && !binary.can_preload);
    tare_binary_release(&binary);
}

static void expect_refusal(const char *name, int expected, const char *words)
{
    char path[PATH_BYTES];
    char message[MESSAGE_BYTES] = "";
    struct tare_binary binary;
    int result = tare_binary_read(in_directory(path, name), NULL, &binary, message, sizeof message);
    if (result != expected || strstr(message, words) == NULL || strchr(message, '\n') != NULL) {
        fail_msg("'%s': %d: '%s'", name, result, message);
    }
    tare_binary_release(&binary);
}

static void test_what_is_no_program(void **state)
{
    (void)state;
    char path[PATH_BYTES];
    expect_refusal(".", -EISDIR, "is a directory");
    expect_refusal("missing", -ENOENT, "cannot open");
    write_file("empty", "", 0);
    expect_refusal("empty", -ENOEXEC, "is empty");
    write_file("text", "hello, world\n", 13);
    expect_refusal("text", -ENOEXEC, "no ELF file");
    write_file("script", "#! /bin/sh -e\n", 14);
    expect_refusal("script", -ENOEXEC,
                   "is a script for '/bin/sh': look at that one, with 'tare doctor /bin/sh'");
    write_file("by-env", "#!/usr/bin/env -S A=1 sh -e\n", 28);
    expect_refusal("by-env", -ENOEXEC, "/sh'");
    write_file("by-env-gone", "#!/usr/bin/env no-such-interpreter\n", 35);
    expect_refusal("by-env-gone", -ENOEXEC, "is a script for '/usr/bin/env'");
    write_file("escape", "#!/bin/\033[31msh\n", 16);
    expect_refusal("escape", -ENOEXEC, "/bin/?[31msh");
    write_file("archive", "!<arch>\nmore", 12);
    expect_refusal("archive", -ENOEXEC, "is an archive");
    write_file("short", "\177ELF\2\1\1", 7);
    expect_refusal("short", -EINVAL, "cut short");
    assert_int_equal(mkfifo(in_directory(path, "fifo"), 0600), 0);
    expect_refusal("fifo", -EINVAL, "not a regular file");

    Elf64_Ehdr header = {.e_ident = ELFMAG, .e_ehsize = sizeof header, .e_machine = EM_X86_64};
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_ident[EI_VERSION] = header.e_version = EV_CURRENT;
    header.e_type = ET_REL;
    write_file("object", &header, sizeof header);
    expect_refusal("object", -ENOEXEC, "is an object file");
    header.e_type = ET_CORE;
    write_file("core-dump", &header, sizeof header);
    expect_refusal("core-dump", -ENOEXEC, "is a core dump");
    header.e_type = ET_NONE;
    write_file("none", &header, sizeof header);
    expect_refusal("none", -ENOEXEC, "neither a program nor a library");
    header.e_type = ET_EXEC;
    header.e_machine = EM_RISCV;
    write_file("riscv", &header, sizeof header);
    expect_refusal("riscv", -ENOEXEC, "is for riscv");
    header.e_ident[EI_CLASS] = ELFCLASS32;
    header.e_machine = EM_386;
    write_file("narrow", &header, sizeof header);
    expect_refusal("narrow", -ENOEXEC, "is a 32-bit file for i386");
}

static void test_file_of_debug_info(void **state)
{
    (void)state;
    NEEDS(compiler());
    NEEDS("objcopy");
    assert_int_equal(run("%s -O2 -g -DFIXTURE_MAIN %s/functions.c -o whole", compiler(), fixtures), 0);
    assert_int_equal(run("objcopy --only-keep-debug whole rest.debug"), 0);
    expect_refusal("rest.debug", -ENOEXEC, "has debug info alone");
}

/* A file is read, or refused with one line. */
static void check_survives(const char *name)
{
    char path[PATH_BYTES];
    char message[MESSAGE_BYTES] = "";
    struct tare_binary binary;
    int result = tare_binary_read(in_directory(path, name), &alone, &binary, message, sizeof message);
    assert_true(result == 0 || (message[0] != '\0' && strchr(message, '\n') == NULL));
    if (result == 0) {
        for (int i = 0; i < TARE_PROFILING_MODES; i++) {
            assert_non_null(binary.profiling[i].why);
        }
    }
    tare_binary_release(&binary);
}

static void test_damaged_files(void **state)
{
    (void)state;
    NEEDS(compiler());
    char path[PATH_BYTES];
    static unsigned char bytes[1 << 20];
    assert_int_equal(run("%s -O1 -g -fno-omit-frame-pointer -DFIXTURE_START -nostdlib -static-pie -fPIE "
                         "-Wl,-z,noseparate-code %s/functions.c -o small",
                         compiler(), fixtures),
                     0);
    int fd = open(in_directory(path, "small"), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t size = read(fd, bytes, sizeof bytes);
    close(fd);
    assert_true(size > 0 && size < (ssize_t)sizeof bytes);
    for (ssize_t length = 0; length < size; length += size / 97) {
        write_file("cut", bytes, (size_t)length);
        check_survives("cut");
    }
    /* Three bytes at a time, all over the file: the same places in each run. */
    uint32_t random = 12345;
    for (int i = 0; i < 1500; i++) {
        size_t places[3];
        unsigned char saved[3];
        for (int j = 0; j < 3; j++) {
            random = random * 1664525u + 1013904223u;
            places[j] = (random >> 8) % (size_t)size;
            saved[j] = bytes[places[j]];
            bytes[places[j]] = (unsigned char)((random & 1) != 0 ? 0xff : random >> 4);
        }
        write_file("wrong", bytes, (size_t)size);
        check_survives("wrong");
        for (int j = 2; j >= 0; j--) {
            bytes[places[j]] = saved[j];
        }
    }
}

static int set_up(void **state)
{
    (void)state;
    char *source = getenv("TARE_SOURCE_DIR");
    char *root = source != NULL ? realpath(source, NULL) : realpath(".", NULL);
    if (root == NULL || mkdtemp(directory) == NULL) {
        free(root);
        return -1;
    }
    snprintf(fixtures, sizeof fixtures, "%s/tests/unit/fixtures", root);
    snprintf(include_flag, sizeof include_flag, "-I%s/include", root);
    free(root);
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

#endif

int main(void)
{
    const struct CMUnitTest instructions[] = {
        cmocka_unit_test(test_lengths_of_instructions),
        cmocka_unit_test(test_rule_for_x86_64),
        cmocka_unit_test(test_rule_for_aarch64),
        cmocka_unit_test(test_constant_that_is_returned),
        cmocka_unit_test(test_share_is_not_rounded_to_all_or_none),
    };
    int failed = cmocka_run_group_tests(instructions, NULL, NULL);
#if WITH_LIBELF
    const struct CMUnitTest programs[] = {
        cmocka_unit_test(test_frame_pointers_of_what_the_compiler_makes),
        cmocka_unit_test(test_frame_pointers_of_what_clang_makes),
        cmocka_unit_test(test_frame_pointers_of_aarch64),
        cmocka_unit_test(test_frame_pointers_of_a_part),
        cmocka_unit_test(test_debug_info_and_flags),
        cmocka_unit_test(test_debug_info_of_clang),
        cmocka_unit_test(test_split_debug_info),
        cmocka_unit_test(test_separate_debug_info),
        cmocka_unit_test(test_separate_debug_info_by_checksum),
        cmocka_unit_test(test_unwind_tables),
        cmocka_unit_test(test_debug_frame_in_its_64_bit_form),
        cmocka_unit_test(test_numbers_without_end),
        cmocka_unit_test(test_file_without_sections),
        cmocka_unit_test(test_libraries_are_judged),
        cmocka_unit_test(test_which_libtare),
        cmocka_unit_test(test_version_that_cannot_be_told),
        cmocka_unit_test(test_kinds_of_programs),
        cmocka_unit_test(test_what_is_no_program),
        cmocka_unit_test(test_file_of_debug_info),
        cmocka_unit_test(test_damaged_files),
    };
    failed += cmocka_run_group_tests(programs, set_up, tear_down);
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
