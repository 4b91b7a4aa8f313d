/* SPDX-License-Identifier: MIT */
/* Finding and splitting source files: as recorded, below a directory, by ever shorter ends of the path. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/source_text.h"

static char folder[] = "/tmp/tare-source-XXXXXX";

static void write_file(const char *name, const char *text)
{
    FILE *out = fopen(name, "w");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL || chdir(folder) != 0 || mkdir("below", 0700) != 0 ||
        mkdir("below/src", 0700) != 0) {
        return -1;
    }
    write_file("below/src/a.c", "one\n\tdeux\r\n\nlast");
    write_file("b.c", "b\n");
    write_file("empty.c", "");
    return mkfifo("pipe.c", 0600);
}

static int remove_folder(void **state)
{
    (void)state;
    static const char *const files[] = {"below/src/a.c", "b.c", "empty.c", "pipe.c"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        unlink(files[i]);
    }
    return rmdir("below/src") != 0 || rmdir("below") != 0 || chdir("/") != 0 || rmdir(folder) != 0;
}

static void expect_at(const char *file, const char *directory, const char *path)
{
    struct tare_source_text source;
    assert_int_equal(tare_source_text_read(&source, file, directory), 0);
    assert_string_equal(source.path, path);
    tare_source_text_release(&source);
}

static void a_file_is_found_by_ever_shorter_ends(void **state)
{
    (void)state;
    char absolute[100];
    snprintf(absolute, sizeof absolute, "%s/b.c", folder);
    expect_at(absolute, NULL, absolute);
    expect_at("b.c", NULL, "b.c");
    expect_at("/old/build/below/src/a.c", NULL, "below/src/a.c");
    expect_at("/old/build/src/a.c", "below", "below/src/a.c");
    expect_at("//a.c", "below/src", "below/src/a.c");
    expect_at("/old/b.c", "below", "b.c"); /* not there, but here */
}

static void what_is_no_source_is_not_found(void **state)
{
    (void)state;
    static const char *const files[] = {"/old/missing.c", "", "/", "below", "pipe.c", "below/src/a.c/"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct tare_source_text source;
        assert_int_equal(tare_source_text_read(&source, files[i], "below"), -ENOENT);
        tare_source_text_release(&source);
    }
}

static void lines_are_without_their_ends(void **state)
{
    (void)state;
    static const char *const lines[] = {"one", "\tdeux", "", "last"};
    struct tare_source_text source;
    assert_int_equal(tare_source_text_read(&source, "below/src/a.c", NULL), 0);
    assert_int_equal(source.count, 4);
    for (size_t i = 0; i < source.count; i++) {
        assert_string_equal(source.lines[i], lines[i]);
    }
    tare_source_text_release(&source);
    assert_int_equal(tare_source_text_read(&source, "empty.c", NULL), 0);
    assert_int_equal(source.count, 0);
    tare_source_text_release(&source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_found_by_ever_shorter_ends),
        cmocka_unit_test(what_is_no_source_is_not_found),
        cmocka_unit_test(lines_are_without_their_ends),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
