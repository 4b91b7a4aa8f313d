/* SPDX-License-Identifier: MIT */
/*
 * What tare-ld is made of: words, orders, archives and sections. That links come out right is in
 * tests/behaviour.
 */
#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "linker/archive.h"
#include "linker/sections.h"
#include "linker/shuffle.h"
#include "linker/words.h"
#include "near.h"

static char folder[64];

static int set_up(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/tare-test-linker-XXXXXX");
    return mkdtemp(folder) == NULL || chdir(folder) != 0 ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    return chdir("/") != 0 || system(command) != 0 ? -1 : 0;
}

static void put(const char *name, const void *bytes, size_t size)
{
    FILE *file = fopen(name, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void put_text(const char *name, const char *text)
{
    put(name, text, strlen(text));
}

static void put_object(const char *name, unsigned type)
{
    unsigned char bytes[64] = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB};
    bytes[16] = (unsigned char)type;
    put(name, bytes, sizeof(bytes));
}

static void check_words(const struct tare_words *words, const char *const *expected)
{
    size_t count = 0;
    for (; expected[count] != NULL; count++) {
        assert_true(count < words->count);
        assert_string_equal(words->list[count], expected[count]);
    }
    assert_int_equal(words->count, count);
    assert_null(words->list[count]);
}

static void test_words_of_a_file(void **state)
{
    (void)state;
    static const char text[] = " a\tb\\ c 'd \"e' \"f 'g\\\"\" \\@h\n\n'' i\"\"j\\\\ \\";
    struct tare_words words = {0};
    assert_int_equal(tare_words_parse(&words, text, strlen(text), 0), 0);
    check_words(&words, (const char *const[]){"a", "b c", "d \"e", "f 'g\"", "@h", "", "ij\\", "", NULL});
    tare_words_release(&words);
}

static void test_words_come_back(void **state)
{
    (void)state;
    char *argv[] = {(char *)"ld",   (char *)"",      (char *)"a b", (char *)"c\\'\"d",
                    (char *)"\t\n", (char *)"@none", NULL};
    struct tare_words words, again = {0};
    assert_int_equal(tare_words_expand(argv, &words), 0);
    check_words(&words, (const char *const *)argv); /* and a file that is not there stands for itself */
    assert_false(words.expanded);
    assert_int_equal(tare_words_write(&words, 1, "words"), 0);
    char *from[] = {(char *)"ld", (char *)"@words", NULL};
    assert_int_equal(tare_words_expand(from, &again), 0);
    check_words(&again, (const char *const *)argv);
    assert_true(again.expanded);
    assert_int_equal(tare_words_write(&words, 1, "words"), -EEXIST);
    tare_words_release(&words);
    tare_words_release(&again);
}

static void test_files_within_files(void **state)
{
    (void)state;
    char *argv[] = {(char *)"ld", (char *)"@one", (char *)"z", NULL};
    struct tare_words words;
    put_text("one", "a @two b");
    put_text("two", "c '@three d'");
    assert_int_equal(tare_words_expand(argv, &words), 0);
    check_words(&words, (const char *const[]){"ld", "a", "c", "@three d", "b", "z", NULL});
    tare_words_release(&words);
    put_text("two", "@one");
    assert_int_equal(tare_words_expand(argv, &words), -E2BIG);
    tare_words_release(&words);
}

static void read_link(struct tare_words *words, struct tare_link *link, const char *const *argv)
{
    assert_int_equal(tare_words_expand((char *const *)(uintptr_t)argv, words), 0);
    assert_int_equal(tare_link_read(words, link), 0);
}

static void test_runs_of_objects(void **state)
{
    (void)state;
    const char *const names[] = {"a.o", "b.obj", "c", "d.o", "e.o", "crtbeginS.o", "Scrt1.o", "my-crt1.o"};
    for (size_t i = 0; i < COUNT(names); i++) {
        put_object(names[i], ET_REL);
    }
    put_object("lib.so", ET_DYN);
    put_text("lib.a", "!<arch>\nand more of it, to be long enough");
    put("f.bc", "BC\xc0\xde.....................", 24);
    const char *const argv[] = {"ld",          "-o",    "a.o",       "Scrt1.o",     "crtbeginS.o", "a.o",
                                "-L",          "b.obj", "b.obj",     "--as-needed", "c",           "lib.a",
                                "d.o",         "-lx",   "e.o",       "f.bc",        "my-crt1.o",   "lib.so",
                                "--start-lib", "a.o",   "--end-lib", "missing.o",   NULL};
    const struct {
        size_t word;
        enum tare_word kind;
        size_t group;
    } expected[] = {
        {2, TARE_WORD_OPTION, 0},  {3, TARE_WORD_BREAK, 0},    {4, TARE_WORD_BREAK, 0},
        {5, TARE_WORD_OBJECT, 0},  {7, TARE_WORD_OPTION, 0},   {8, TARE_WORD_OBJECT, 0},
        {10, TARE_WORD_OBJECT, 0}, {11, TARE_WORD_ARCHIVE, 0}, {12, TARE_WORD_OBJECT, 1},
        {14, TARE_WORD_OBJECT, 2}, {15, TARE_WORD_OBJECT, 2},  {16, TARE_WORD_OBJECT, 2},
        {17, TARE_WORD_BREAK, 0},  {19, TARE_WORD_BREAK, 0},   {21, TARE_WORD_BREAK, 0},
    };
    struct tare_words words;
    struct tare_link link;
    read_link(&words, &link, argv);
    assert_int_equal(link.groups, 3);
    assert_string_equal(link.output, "a.o");
    assert_true(link.executable);
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_int_equal(link.kinds[expected[i].word], expected[i].kind);
        assert_int_equal(link.group[expected[i].word], expected[i].group);
    }
    tare_link_release(&link);
    tare_words_release(&words);
}

static void test_what_is_linked(void **state)
{
    (void)state;
    const struct {
        const char *const argv[5];
        const char *output;
        bool executable;
    } cases[] = {
        {{"ld", "x.o", NULL}, "a.out", true},
        {{"ld", "-ofile", NULL}, "file", true},
        {{"ld", "--output=file", NULL}, "file", true},
        {{"ld", "--output", "file", NULL}, "file", true},
        {{"ld", "-o", "one", "-otwo", NULL}, "two", true},
        {{"ld", "-oformat", "elf", NULL}, "a.out", true},
        {{"ld", "-o", NULL}, "a.out", true},
        {{"ld", "-shared", "-o", "x", NULL}, "x", false},
        {{"ld", "-r", "-o", "x", NULL}, "x", false},
        {{"ld", "-soname", "-shared", "-pie", NULL}, "a.out", true},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tare_words words;
        struct tare_link link;
        read_link(&words, &link, cases[i].argv);
        assert_string_equal(link.output, cases[i].output);
        assert_int_equal(link.executable, cases[i].executable);
        tare_link_release(&link);
        tare_words_release(&words);
    }
}

static void test_number_of_orders(void **state)
{
    (void)state;
    assert_true(tare_shuffle_count(NULL, 0) == 1);
    assert_true(tare_shuffle_count((const size_t[]){1, 0, 1}, 3) == 1);
    assert_true(tare_shuffle_count((const size_t[]){3, 4}, 2) == 144);
    assert_true(tare_shuffle_count((const size_t[]){20}, 1) == UINT64_C(2432902008176640000));
    assert_true(tare_shuffle_count((const size_t[]){21}, 1) == UINT64_MAX);
    assert_true(tare_shuffle_count((const size_t[]){SIZE_MAX}, 1) == UINT64_MAX);
}

/* An order of 3 and 2 things as a number; fails if it is none. */
static unsigned check_order(const size_t order[5])
{
    unsigned seen = 0, value = 0;
    for (size_t i = 0; i < 5; i++) {
        assert_true(order[i] < (i < 3 ? 3u : 2u));
        unsigned bit = 1u << (order[i] + (i < 3 ? 0 : 3));
        assert_false(seen & bit);
        seen |= bit;
        value = value * 10 + (unsigned)order[i];
    }
    return value;
}

static void test_all_orders_come_once(void **state)
{
    (void)state;
    const size_t sizes[] = {3, 2};
    for (uint64_t seed = 0; seed < 20; seed++) {
        unsigned values[12];
        size_t order[5];
        for (unsigned n = 1; n <= 12; n++) {
            assert_int_equal(tare_shuffle_nth(sizes, 2, seed, n, order), 0);
            values[n - 1] = check_order(order);
            for (unsigned k = 0; k + 1 < n; k++) {
                assert_int_not_equal(values[k], values[n - 1]);
            }
            size_t again[5];
            assert_int_equal(tare_shuffle_nth(sizes, 2, seed, n, again), 0);
            assert_memory_equal(again, order, sizeof(order));
        }
        assert_int_equal(tare_shuffle_nth(sizes, 2, seed, 13, order), -ENOENT);
        assert_int_equal(tare_shuffle_nth(sizes, 2, seed, 0, order), -ENOENT);
    }
}

/*
 * Each of 6 orders is as likely as the others: of 3000 seeds, 500 each, standard deviation 20.4. Chi-squared
 * with 5 degrees of freedom is above 20.5 once in 1000 times; the seeds are fixed.
 */
static void test_orders_are_uniform(void **state)
{
    (void)state;
    enum { SEEDS = 3000 };
    unsigned counts[3][3] = {{0}};
    double chi2 = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        size_t order[3];
        assert_int_equal(tare_shuffle_nth((const size_t[]){3}, 1, seed, 2, order), 0);
        counts[order[0]][order[1]]++;
    }
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < 3; k++) {
            double difference = counts[i][k] - SEEDS / 6.0;
            chi2 += i == k ? 0 : difference * difference / (SEEDS / 6.0);
        }
    }
    assert_true(chi2 < 20.5);
}

/* An archive made by hand: members "m0" ... of the given sizes, each defining "s0" ...; returns its size. */
static size_t make_archive(char *bytes, const size_t *sizes, size_t count, bool twice)
{
    char index[256], names[128] = "";
    size_t name_size = 0, at = 8 + 60;
    for (size_t i = 0; i < count; i++) {
        name_size += (size_t)sprintf(names + name_size, "s%zu", twice ? 0 : i) + 1;
    }
    size_t index_size = 4 + 4 * count + name_size;
    at += index_size + (index_size & 1);
    memset(index, 0, sizeof(index));
    index[3] = (char)count;
    for (size_t i = 0; i < count; i++) {
        index[4 * i + 6] = (char)(at >> 8);
        index[4 * i + 7] = (char)at;
        at += 60 + sizes[i] + (sizes[i] & 1);
    }
    memcpy(index + 4 + 4 * count, names, name_size);
    size_t used = (size_t)sprintf(bytes, "!<arch>\n%-48s%-10zu`\n", "/", index_size);
    memcpy(bytes + used, index, index_size + (index_size & 1));
    used += index_size + (index_size & 1);
    for (size_t i = 0; i < count; i++) {
        char name[32];
        snprintf(name, sizeof(name), "m%zu/", i);
        used += (size_t)sprintf(bytes + used, "%-48s%-10zu`\n", name, sizes[i]);
        memset(bytes + used, 'a' + (int)i, sizes[i]);
        used += sizes[i];
        if (sizes[i] & 1) {
            bytes[used++] = '\n';
        }
    }
    return used;
}

static size_t write_archive(const struct tare_archive *archive, const size_t *order, const char *where,
                            char *bytes, size_t room)
{
    int fd = memfd_create("archive", 0);
    assert_int_equal(tare_archive_write(archive, order, where, fd), 0);
    ssize_t got = pread(fd, bytes, room, 0);
    close(fd);
    assert_true(got > 0 && (size_t)got < room);
    return (size_t)got;
}

static void test_members_change_places(void **state)
{
    (void)state;
    static char bytes[4096], moved[4096], back[4096];
    size_t size = make_archive(bytes, (const size_t[]){3, 10, 0, 7}, 4, false);
    struct tare_archive archive, other;
    assert_int_equal(tare_archive_read(bytes, size, &archive), 0);
    assert_int_equal(archive.count, 4);
    assert_int_equal(archive.symbols, 4);
    size_t moved_size = write_archive(&archive, (const size_t[]){2, 0, 3, 1}, "/", moved, sizeof(moved));
    assert_int_equal(moved_size, size);
    assert_int_equal(tare_archive_read(moved, moved_size, &other), 0);
    assert_int_equal(other.count, 4);
    const char *const names[] = {"m2/", "m0/", "m3/", "m1/"};
    for (size_t i = 0; i < 4; i++) {
        assert_memory_equal(moved + other.members[i].header, names[i], 3);
    }
    /* The first symbol of the index is the first member's, and where it says. */
    assert_memory_equal(moved + 8 + 60 + 20, "s2\0s0\0s3\0s1\0", 12);
    assert_int_equal((unsigned char)moved[8 + 60 + 7], other.members[0].header);
    size_t back_size = write_archive(&other, (const size_t[]){1, 3, 0, 2}, "/", back, sizeof(back));
    assert_int_equal(back_size, size);
    tare_archive_release(&archive);
    assert_int_equal(tare_archive_read(back, back_size, &archive), 0);
    assert_memory_equal(back + 8 + 60, bytes + 8 + 60, size - 8 - 60);
    tare_archive_release(&archive);
    tare_archive_release(&other);
}

static void test_archives_that_stay(void **state)
{
    (void)state;
    static char bytes[4096];
    struct tare_archive archive;
    size_t size =
        make_archive(bytes, (const size_t[]){4, 4}, 2, true); /* a symbol twice: the first member decides */
    assert_int_equal(tare_archive_read(bytes, size, &archive), -ENOTSUP);
    tare_archive_release(&archive);
    size = make_archive(bytes, (const size_t[]){4, 4}, 2, false);
    size_t members = 8 + 60 + 4 + 8 + 6;
    memmove(bytes + 8, bytes + members, size - members); /* no index */
    assert_int_equal(tare_archive_read(bytes, size - members + 8, &archive), -ENOTSUP);
    tare_archive_release(&archive);
}

/* Cut or changed anywhere, it is refused or read, and what is read can be written. */
static void test_damaged_archives(void **state)
{
    (void)state;
    static char bytes[4096], moved[8192];
    size_t size = make_archive(bytes, (const size_t[]){3, 10, 0, 7}, 4, false);
    for (size_t cut = 0; cut < size; cut++) {
        struct tare_archive archive;
        char *exact = malloc(cut + 1);
        memcpy(exact, bytes, cut);
        int error = tare_archive_read(exact, cut, &archive);
        assert_true(error == 0 || error == -EINVAL || error == -ENOTSUP);
        tare_archive_release(&archive);
        free(exact);
    }
    for (size_t at = 0; at < size; at++) {
        for (unsigned change = 0; change < 4; change++) {
            struct tare_archive archive;
            char kept = bytes[at];
            bytes[at] = "\xff/9 "[change];
            if (tare_archive_read(bytes, size, &archive) == 0 && archive.count == 4 && !archive.thin) {
                write_archive(&archive, (const size_t[]){3, 2, 1, 0}, "/", moved, sizeof(moved));
            }
            tare_archive_release(&archive);
            bytes[at] = kept;
        }
    }
}

/* An object file of these sections, all code. Returns its size. */
static size_t make_object(unsigned char *bytes, const char *const *names, size_t count)
{
    Elf64_Ehdr file = {.e_shentsize = sizeof(Elf64_Shdr), .e_shnum = (Elf64_Half)(count + 2), .e_shstrndx = 1};
    memcpy(file.e_ident, ELFMAG, SELFMAG);
    file.e_ident[EI_CLASS] = ELFCLASS64;
    file.e_ident[EI_DATA] = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;
    file.e_shoff = sizeof(file);
    Elf64_Shdr headers[16] = {{0}};
    size_t at = sizeof(file) + (count + 2) * sizeof(headers[0]), start = at++;
    bytes[start] = '\0';
    for (size_t i = 0; i < count; i++) {
        headers[i + 2].sh_name = (Elf64_Word)(at - start);
        headers[i + 2].sh_type = SHT_PROGBITS;
        headers[i + 2].sh_flags = SHF_ALLOC | SHF_EXECINSTR;
        at += (size_t)sprintf((char *)bytes + at, "%s", names[i]) + 1;
    }
    headers[1].sh_offset = start;
    headers[1].sh_size = at - start;
    memcpy(bytes, &file, sizeof(file));
    memcpy(bytes + sizeof(file), headers, (count + 2) * sizeof(headers[0]));
    return at;
}

static void test_sections_of_functions(void **state)
{
    (void)state;
    static unsigned char bytes[4096];
    const char *const names[] = {".text",   ".text.b", ".text.startup.main", ".text.a",
                                 ".text.b", ".init",   ".text.x y"};
    size_t size = make_object(bytes, names, COUNT(names));
    struct tare_sections sections;
    assert_int_equal(tare_sections_read(bytes, size, &sections), 0);
    assert_int_equal(sections.count, 3);
    assert_string_equal(sections.names[0], ".text.a");
    assert_string_equal(sections.names[1], ".text.b");
    assert_string_equal(sections.names[2], ".text.startup.main");
    tare_sections_release(&sections);
    for (size_t cut = 0; cut < size; cut++) {
        unsigned char *exact = malloc(cut + 1);
        memcpy(exact, bytes, cut);
        assert_int_equal(tare_sections_read(exact, cut, &sections), -EINVAL);
        tare_sections_release(&sections);
        free(exact);
    }
    for (size_t at = 0; at < size; at++) {
        bytes[at] ^= 0xff;
        tare_sections_read(bytes, size, &sections);
        tare_sections_release(&sections);
        bytes[at] ^= 0xff;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_of_a_file),
        cmocka_unit_test_setup_teardown(test_words_come_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_files_within_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_runs_of_objects, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_linked, set_up, tear_down),
        cmocka_unit_test(test_number_of_orders),
        cmocka_unit_test(test_all_orders_come_once),
        cmocka_unit_test(test_orders_are_uniform),
        cmocka_unit_test(test_members_change_places),
        cmocka_unit_test(test_archives_that_stay),
        cmocka_unit_test(test_damaged_archives),
        cmocka_unit_test(test_sections_of_functions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
