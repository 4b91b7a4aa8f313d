/* SPDX-License-Identifier: MIT */
/*
 * record/elf.h: what is found in programs without running them. The programs are made here, by the compiler
 * that $CC names, from tests/unit/fixtures/, in every way of linking that changes how a pointer is written
 * down. Without a compiler those tests are skipped, and the program says so with 77; what only one of them
 * needs (another processor's compiler, musl's, a static libc) is skipped with a message.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
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

#include "record/elf.h"
#include "record/elf_search.h"

extern char **environ;

static char directory[] = "/tmp/tare-test-elf-XXXXXX";
static char fixtures[4096];
static char include_flag[4096];

/*
 * Runs a command with the words of `line`, split at blanks, in the directory of the test. Returns its exit
 * code.
 */
static int run(const char *format, ...)
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

static char *in_directory(char path[4096], const char *name)
{
    snprintf(path, 4096, "%s/%s", directory, name);
    return path;
}

static const struct tare_elf_timer *find_timer(const struct tare_elf_list *list, const char *module,
                                               const char *name)
{
    for (size_t i = 0; i < list->timer_count; i++) {
        if (strcmp(list->timers[i].module, module) == 0 && strcmp(list->timers[i].name, name) == 0) {
            return &list->timers[i];
        }
    }
    return NULL;
}

static const struct tare_elf_object *find_object(const struct tare_elf_list *list, const char *name)
{
    for (size_t i = 0; i < list->object_count; i++) {
        if (strcmp(list->objects[i].name, name) == 0) {
            return &list->objects[i];
        }
    }
    return NULL;
}

static void list_file(const char *name, struct tare_elf_list *list)
{
    char path[4096];
    char message[512] = "";
    int result = tare_elf_list(in_directory(path, name), list, message, sizeof message);
    if (result != 0) {
        fail_msg("'%s': %d: %s", name, result, message);
    }
}

static void inspect_file(const char *name, struct tare_elf_info *info)
{
    char path[4096];
    char message[512] = "";
    int result = tare_elf_inspect(in_directory(path, name), info, message, sizeof message);
    if (result != 0) {
        fail_msg("'%s': %d: %s", name, result, message);
    }
}

/* The two timers of timers.c, in their order, and where they are declared. */
static void check_fixture_timers(const struct tare_elf_list *list, size_t object)
{
    const struct tare_elf_timer *first = find_timer(list, "fixture", "first");
    const struct tare_elf_timer *second = find_timer(list, "fixture", "second step");
    assert_non_null(first);
    assert_non_null(second);
    assert_ptr_equal(second, first + 1);
    assert_int_equal(first->object, object);
    assert_int_equal(first->kind, 1);
    assert_int_equal(first->line, 6);
    assert_int_equal(second->line, 7);
    assert_non_null(strstr(first->file, "fixtures/timers.c"));
}

static void test_ways_of_linking(void **state)
{
    (void)state;
    NEEDS(compiler());
    static const struct {
        const char *name;
        const char *flags;
        bool is_static, is_pie;
    } ways[] = {
        {"pie", "-fPIE -pie", false, true},
        {"no-pie", "-fno-pie -no-pie", false, false},
        {"static", "-fno-pie -static", true, false},
        {"static-pie", "-fPIE -static-pie", true, true},
        {"exported", "-fPIE -pie -rdynamic", false, true},
        {"stripped", "-fPIE -pie -s", false, true},
    };
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        if (run("%s -O1 %s -DFIXTURE_MAIN %s %s/timers.c %s/runtime.c -o %s", compiler(), include_flag,
                ways[i].flags, fixtures, fixtures, ways[i].name) != 0) {
            print_message("skipped: '%s' does not link with %s\n", compiler(), ways[i].flags);
            continue;
        }
        struct tare_elf_list list;
        list_file(ways[i].name, &list);
        assert_int_equal(list.timer_count, 2);
        check_fixture_timers(&list, 0);
        assert_int_equal(list.objects[0].timer_count, 2);
        assert_true(list.objects[0].is_runtime);
        assert_true(list.has_runtime);
        assert_null(list.objects[0].problem);
        tare_elf_list_release(&list);

        struct tare_elf_info info;
        inspect_file(ways[i].name, &info);
        assert_true(info.is_elf && info.is_program && info.native && info.has_timers && info.contains_tare);
        assert_false(info.is_script || info.is_library || info.needs_tare || info.is_setuid || info.is_setgid);
        assert_int_equal(info.bits, 64);
        assert_int_equal(info.is_static, ways[i].is_static);
        assert_int_equal(info.is_dynamic, !ways[i].is_static);
        assert_int_equal(info.is_pie, ways[i].is_pie);
        assert_int_equal(info.interpreter == NULL, ways[i].is_static);
        tare_elf_info_release(&info);
    }
}

static void test_packed_relative_relocations(void **state)
{
    (void)state;
    NEEDS(compiler());
    if (run("%s -O1 %s -shared -fPIC -nostdlib -Wl,-z,pack-relative-relocs -Wl,--fatal-warnings %s/timers.c -o "
            "relr.so",
            compiler(), include_flag, fixtures) != 0) {
        print_message("skipped: '%s' does not link with -z pack-relative-relocs\n", compiler());
        skip();
    }
    struct tare_elf_list list;
    list_file("relr.so", &list);
    check_fixture_timers(&list, 0);
    tare_elf_list_release(&list);
}

static void test_aarch64(void **state)
{
    (void)state;
    NEEDS("aarch64-linux-gnu-gcc");
    assert_int_equal(run("aarch64-linux-gnu-gcc -O1 %s -shared -fPIC -nostdlib %s/timers.c -o aarch64.so",
                         include_flag, fixtures),
                     0);
    struct tare_elf_list list;
    list_file("aarch64.so", &list);
    check_fixture_timers(&list, 0);
    tare_elf_list_release(&list);
    struct tare_elf_info info;
    inspect_file("aarch64.so", &info);
    assert_string_equal(info.machine_name, "aarch64");
    assert_true(info.is_library && !info.is_program && !info.contains_tare && info.has_timers);
    assert_false(info.has_benches);
    tare_elf_info_release(&info);
}

static void test_benchmarks(void **state)
{
    (void)state;
    NEEDS(compiler());
    assert_int_equal(
        run("%s -O1 %s -shared -fPIC -nostdlib %s/benches.c -o benches.so", compiler(), include_flag, fixtures),
        0);
    struct tare_elf_info info;
    inspect_file("benches.so", &info);
    assert_true(info.is_library && info.has_benches);
    assert_false(info.has_timers || info.contains_tare || info.needs_tare);
    tare_elf_info_release(&info);
    /* What is stripped is found, too. */
    if (run("strip --strip-all benches.so -o stripped.so") != 0) {
        print_message("skipped: no strip\n");
        skip();
    }
    inspect_file("stripped.so", &info);
    assert_true(info.has_benches);
    tare_elf_info_release(&info);
}

static void test_musl(void **state)
{
    (void)state;
    NEEDS("musl-gcc");
    assert_int_equal(run("musl-gcc -O1 %s -DFIXTURE_MAIN %s/timers.c %s/runtime.c -o musl", include_flag,
                         fixtures, fixtures),
                     0);
    struct tare_elf_list list;
    list_file("musl", &list);
    check_fixture_timers(&list, 0);
    const struct tare_elf_object *libc = find_object(&list, "libc.so");
    assert_non_null(libc);
    assert_non_null(libc->path);
    assert_null(libc->problem);
    tare_elf_list_release(&list);
}

/* The name that a file without TARE_MODULE gives its timers, and a timer that two objects declare. */
static void test_libraries_and_stems(void **state)
{
    (void)state;
    NEEDS(compiler());
    char path[4096];
    const char *cc = compiler();
    assert_int_equal(mkdir(in_directory(path, "src"), 0700), 0);
    assert_int_equal(mkdir(in_directory(path, "deep"), 0700), 0);
    assert_int_equal(run("ln -s %s/unnamed.c src/fd.tables.c", fixtures), 0);
    assert_int_equal(run("ln -s %s/unnamed.c src/.hidden", fixtures), 0);
    assert_int_equal(run("%s %s -fPIC -shared %s/runtime.c -Wl,-soname,libtare.so.0 -o deep/libtare.so.0", cc,
                         include_flag, fixtures),
                     0);
    assert_int_equal(run("%s %s -fPIC -shared src/fd.tables.c %s/timers.c -Wl,--no-as-needed deep/libtare.so.0 "
                         "-Wl,--enable-new-dtags,-rpath,$ORIGIN -o deep/libtables.so -Wl,-soname,libtables.so",
                         cc, include_flag, fixtures),
                     0);
    assert_int_equal(run("%s %s -fPIC -shared -x c src/.hidden -x none -o libgone.so -Wl,-soname,libgone.so",
                         cc, include_flag),
                     0);
    assert_int_equal(
        run("%s %s -DFIXTURE_MAIN %s/timers.c -Wl,--no-as-needed deep/libtables.so libgone.so "
            "deep/libtare.so.0 -Wl,--disable-new-dtags,-rpath,${ORIGIN}/nowhere:$ORIGIN/deep -o program",
            cc, include_flag, fixtures),
        0);

    struct tare_elf_list list;
    assert_int_equal(setenv("LD_LIBRARY_PATH", directory, 1), 0);
    list_file("program", &list);
    assert_non_null(find_timer(&list, ".hidden", "lookup"));
    tare_elf_list_release(&list);
    assert_int_equal(unsetenv("LD_LIBRARY_PATH"), 0);

    list_file("program", &list);
    check_fixture_timers(&list, 0);
    assert_int_equal(list.timer_count,
                     3); /* those of libtables.so that the program has, too, are not repeated */
    const struct tare_elf_timer *lookup = find_timer(&list, "fd.tables", "lookup");
    assert_non_null(lookup);
    assert_string_equal(list.objects[lookup->object].name, "libtables.so");
    assert_int_equal(list.objects[lookup->object].timer_count, 1);
    assert_string_equal(lookup->file, "src/fd.tables.c");
    const struct tare_elf_object *gone = find_object(&list, "libgone.so");
    assert_non_null(gone);
    assert_null(gone->path);
    const struct tare_elf_object *runtime = find_object(&list, "libtare.so.0");
    assert_non_null(runtime);
    assert_true(runtime->is_runtime && list.has_runtime);
    assert_false(list.objects[0].is_runtime);
    size_t libc_count = 0;
    for (size_t i = 0; i < list.object_count; i++) {
        libc_count += strcmp(list.objects[i].name, "libc.so.6") == 0;
    }
    assert_true(libc_count <= 1);
    tare_elf_list_release(&list);

    struct tare_elf_info info;
    inspect_file("program", &info);
    assert_true(info.needs_tare && info.has_timers && info.is_dynamic && !info.contains_tare);
    tare_elf_info_release(&info);
}

static void write_file(const char *name, const void *bytes, size_t size, mode_t mode)
{
    char path[4096];
    int fd = open(in_directory(path, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

/* Either it is read, or there is one line that says why not. */
static void check_survives(const char *name)
{
    char path[4096];
    char message[512] = "";
    struct tare_elf_list list;
    struct tare_elf_info info;
    int result = tare_elf_list(in_directory(path, name), &list, message, sizeof message);
    assert_true(result == 0 || (message[0] != '\0' && strchr(message, '\n') == NULL));
    tare_elf_list_release(&list);
    message[0] = '\0';
    result = tare_elf_inspect(path, &info, message, sizeof message);
    assert_true(result == 0 || (message[0] != '\0' && strchr(message, '\n') == NULL));
    tare_elf_info_release(&info);
}

static void test_damaged_files(void **state)
{
    (void)state;
    NEEDS(compiler());
    assert_int_equal(run("%s -O1 %s -DFIXTURE_START -nostdlib -static-pie -fPIE -s -Wl,-z,norelro %s/timers.c "
                         "%s/runtime.c -o small",
                         compiler(), include_flag, fixtures, fixtures),
                     0);
    char path[4096];
    unsigned char bytes[65536];
    int fd = open(in_directory(path, "small"), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t size = read(fd, bytes, sizeof bytes);
    close(fd);
    assert_true(size > 0 && size < (ssize_t)sizeof bytes);
    struct tare_elf_list list;
    list_file("small", &list);
    assert_int_equal(list.timer_count, 2);
    tare_elf_list_release(&list);
    for (ssize_t length = 0; length < size; length += 61) {
        write_file("cut", bytes, (size_t)length, 0700);
        check_survives("cut");
    }
    /* Each byte of the header and the program headers, made large: counts, offsets and sizes go astray. */
    for (ssize_t at = 4; at < 64 + 8 * 56; at++) {
        unsigned char saved = bytes[at];
        bytes[at] = 0xff;
        write_file("wrong", bytes, (size_t)size, 0700);
        check_survives("wrong");
        bytes[at] = saved;
    }
}

static void test_cut_short_is_an_error(void **state)
{
    (void)state;
    char path[4096];
    char message[512] = "";
    struct tare_elf_list list;
    write_file("short", "\177ELF\2\1\1", 7, 0700);
    assert_int_equal(tare_elf_list(in_directory(path, "short"), &list, message, sizeof message), -EINVAL);
    assert_non_null(strstr(message, "cut short"));
    tare_elf_list_release(&list);
    assert_int_equal(tare_elf_list(directory, &list, message, sizeof message), -EISDIR);
    tare_elf_list_release(&list);
    assert_int_equal(tare_elf_list(in_directory(path, "none"), &list, message, sizeof message), -ENOENT);
    tare_elf_list_release(&list);
    assert_int_equal(mkfifo(in_directory(path, "fifo"), 0600), 0);
    assert_int_equal(tare_elf_list(path, &list, message, sizeof message), -ENOEXEC);
    tare_elf_list_release(&list);
}

static void test_kinds_of_files(void **state)
{
    (void)state;
    char path[4096];
    char message[512] = "";
    struct tare_elf_info info;
    struct tare_elf_list list;
    write_file("script", "#! /bin/sh -e\necho\n", 19, 04755);
    inspect_file("script", &info);
    assert_true(info.is_script && !info.is_elf && info.is_setuid && !info.is_setgid);
    assert_string_equal(info.interpreter, "/bin/sh");
    assert_int_equal(info.owner_uid, geteuid());
    tare_elf_info_release(&info);
    assert_int_equal(tare_elf_list(in_directory(path, "script"), &list, message, sizeof message), -ENOEXEC);
    tare_elf_list_release(&list);

    unsigned char old[64] = "\177ELF\1\1\1";
    old[16] = 2; /* ET_EXEC */
    old[18] = 3; /* EM_386 */
    write_file("old", old, sizeof old, 0755);
    inspect_file("old", &info);
    assert_true(info.is_elf && !info.native && info.is_program);
    assert_int_equal(info.bits, 32);
    assert_string_equal(info.machine_name, "i386");
    tare_elf_info_release(&info);
    assert_int_equal(tare_elf_list(in_directory(path, "old"), &list, message, sizeof message), -ENOEXEC);
    assert_non_null(strstr(message, "64-bit"));
    tare_elf_list_release(&list);

    unsigned char big[64] = "\177ELF\2\2\1";
    big[17] = 2;
    big[19] = 22; /* EM_S390 */
    write_file("big", big, sizeof big, 0755);
    inspect_file("big", &info);
    assert_true(info.is_elf && !info.native && info.is_program && !info.little_endian);
    assert_string_equal(info.machine_name, "s390x");
    tare_elf_info_release(&info);

    write_file("text", "hello\n", 6, 0644);
    inspect_file("text", &info);
    assert_false(info.is_elf || info.is_script || info.is_program);
    tare_elf_info_release(&info);
}

/* The running program, and with it the C library of this machine. */
static void test_itself(void **state)
{
    (void)state;
    char message[512] = "";
    struct tare_elf_info info;
    struct tare_elf_list list;
    assert_int_equal(tare_elf_inspect("/proc/self/exe", &info, message, sizeof message), 0);
    assert_true(info.is_elf && info.native && info.is_program);
    assert_int_equal(info.is_dynamic, info.interpreter != NULL);
    bool dynamic = info.is_dynamic;
    tare_elf_info_release(&info);
    assert_int_equal(tare_elf_list("/proc/self/exe", &list, message, sizeof message), 0);
    assert_int_equal(list.timer_count, 0);
    assert_false(list.has_runtime);
    if (dynamic) {
        assert_true(list.object_count > 1);
        assert_int_equal(tare_elf_inspect(list.objects[1].path, &info, message, sizeof message), 0);
        assert_true(info.is_library && !info.is_program);
        tare_elf_info_release(&info);
    }
    for (size_t i = 0; i < list.object_count; i++) {
        assert_non_null(list.objects[i].path); /* we were loaded, so all of them are there */
        assert_null(list.objects[i].problem);
    }
    tare_elf_list_release(&list);
}

static void test_ld_so_conf(void **state)
{
    (void)state;
    char path[4096];
    char text[512];
    assert_int_equal(mkdir(in_directory(path, "conf.d"), 0700), 0);
    int length = snprintf(text, sizeof text,
                          "# all\n/first/ \ninclude conf.d/*.conf\n include %s/main.conf\n/last", directory);
    write_file("main.conf", text, (size_t)length, 0600);
    write_file("conf.d/a.conf", "/from/a\t# why\n/from/old=libc5\nrelative\n", 39, 0600);
    write_file("conf.d/b.conf", "include ../main.conf\n/from/b\n/first\n", 36, 0600);
    struct tare__search search;
    assert_int_equal(tare__search_init(&search, 62, NULL, in_directory(path, "main.conf")), 0);
    static const char *const expected[] = {"/first", "/from/a", "/from/old", "/last", "/from/b"};
    bool seen[5] = {false};
    for (size_t i = 0; i < search.directory_count; i++) {
        assert_int_equal(search.directories[i][0], '/');
        for (size_t k = 0; k < 5; k++) {
            if (strcmp(search.directories[i], expected[k]) == 0) {
                assert_false(seen[k]);
                seen[k] = true;
            }
        }
    }
    for (size_t k = 0; k < 5; k++) {
        assert_true(seen[k]);
    }
    tare__search_release(&search);
}

static void test_find_program(void **state)
{
    (void)state;
    char path[4096];
    char list[16384];
    char *found;
    char *saved = strdup(getenv("PATH") != NULL ? getenv("PATH") : "");
    assert_non_null(saved);
    assert_int_equal(mkdir(in_directory(path, "one"), 0700), 0);
    assert_int_equal(mkdir(in_directory(path, "two"), 0700), 0);
    write_file("one/tool", "", 0, 0600);
    write_file("two/tool", "", 0, 0700);
    write_file("one/locked", "", 0, 0600);
    assert_int_equal(mkdir(in_directory(path, "two/folder"), 0700), 0);
    snprintf(list, sizeof list, "/nonexistent:%s/one:%s/two:", directory, directory);
    assert_int_equal(setenv("PATH", list, 1), 0);
    assert_int_equal(tare_find_program("tool", &found), 0); /* the first is no executable, and passed over */
    assert_string_equal(found, in_directory(path, "two/tool"));
    free(found);
    assert_int_equal(tare_find_program("locked", &found), -EACCES);
    assert_null(found);
    assert_int_equal(tare_find_program("folder", &found), -EACCES);
    assert_int_equal(tare_find_program("missing", &found), -ENOENT);
    assert_int_equal(tare_find_program("", &found), -ENOENT);
    assert_int_equal(tare_find_program(in_directory(path, "two/tool"), &found), 0);
    free(found);
    assert_int_equal(tare_find_program(in_directory(path, "one/tool"), &found), -EACCES);
    assert_int_equal(tare_find_program(in_directory(path, "two/none"), &found), -ENOENT);
    assert_int_equal(tare_find_program(in_directory(path, "two/tool/x"), &found), -ENOENT);
    assert_int_equal(chdir(in_directory(path, "two")), 0);
    assert_int_equal(setenv("PATH", "", 1), 0); /* an empty element is the current directory */
    assert_int_equal(tare_find_program("tool", &found), 0);
    assert_string_equal(found, "./tool");
    free(found);
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(setenv("PATH", saved, 1), 0);
    free(saved);
}

/* Names go to terminals: what a file can put into them is bounded. */
static void test_names_are_clean(void **state)
{
    (void)state;
    NEEDS(compiler());
    char source[2048];
    char wide[300];
    memset(wide, 'n', sizeof wide);
    wide[299] = '\0';
    int length = snprintf(source, sizeof source,
                          "#include <tare/tare.h>\nTARE_MODULE(\"\\033[31m\\377gr\303\266\303\237e\");\n"
                          "TARE_TIMER_NAMED(a, \"%s\");\n",
                          wide);
    write_file("odd.c", source, (size_t)length, 0600);
    assert_int_equal(run("%s %s -fPIC -shared -nostdlib odd.c -o odd.so", compiler(), include_flag), 0);
    struct tare_elf_list list;
    list_file("odd.so", &list);
    assert_int_equal(list.timer_count, 1);
    assert_string_equal(list.timers[0].module, "?[31m?gr\303\266\303\237e");
    assert_int_equal(strlen(list.timers[0].name), 255); /* as the runtime cuts it */
    tare_elf_list_release(&list);
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

int main(void)
{
#if !defined(TARE_HAVE_LIBELF) || !TARE_HAVE_LIBELF
    printf("skipped: built without libelf\n");
    return 77;
#endif
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ways_of_linking),
        cmocka_unit_test(test_packed_relative_relocations),
        cmocka_unit_test(test_aarch64),
        cmocka_unit_test(test_benchmarks),
        cmocka_unit_test(test_musl),
        cmocka_unit_test(test_libraries_and_stems),
        cmocka_unit_test(test_damaged_files),
        cmocka_unit_test(test_names_are_clean),
        cmocka_unit_test(test_cut_short_is_an_error),
        cmocka_unit_test(test_kinds_of_files),
        cmocka_unit_test(test_itself),
        cmocka_unit_test(test_ld_so_conf),
        cmocka_unit_test(test_find_program),
    };
    int failed = cmocka_run_group_tests(tests, set_up, tear_down);
    if (failed == 0 && !found_command(compiler())) {
        printf("skipped: no compiler '%s' to make programs with\n", compiler());
        return 77;
    }
    return failed;
}
