/* SPDX-License-Identifier: MIT */
/*
 * Call frame information as libtare-profile.so keeps it: against what readelf makes of the same files, row
 * by row, and what becomes of bytes that are wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "preload/profile_cfi.h"

struct image {
    uint8_t *file;
    size_t file_size;
    const uint8_t *bytes;
    size_t size;
    uint64_t address, header;
    enum cfi_machine machine;
    bool found;
};

static struct image open_image(const char *path)
{
    struct image image = {NULL, 0, NULL, 0, 0, 0, CFI_X86_64, false};
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return image;
    }
    if (fstat(fd, &status) == 0 && status.st_size > (off_t)sizeof(Elf64_Ehdr)) {
        image.file_size = (size_t)status.st_size;
        image.file = mmap(NULL, image.file_size, PROT_READ, MAP_PRIVATE, fd, 0);
        assert_true(image.file != MAP_FAILED);
        const Elf64_Ehdr *elf = (const void *)image.file;
        const Elf64_Phdr *segments = (const void *)(image.file + elf->e_phoff);
        image.machine = elf->e_machine == EM_AARCH64 ? CFI_AARCH64 : CFI_X86_64;
        for (int i = 0; i < elf->e_phnum; i++) {
            if (segments[i].p_type == PT_GNU_EH_FRAME) {
                image.header = segments[i].p_vaddr;
                image.found = true;
            }
        }
        for (int i = 0; i < elf->e_phnum; i++) {
            if (segments[i].p_type == PT_LOAD && image.header - segments[i].p_vaddr < segments[i].p_filesz) {
                image.bytes = image.file + segments[i].p_offset;
                image.size = segments[i].p_filesz;
                image.address = segments[i].p_vaddr;
            }
        }
    }
    close(fd);
    return image;
}

static void close_image(struct image *image)
{
    if (image->file != NULL) {
        munmap(image->file, image->file_size);
    }
}

struct parsed {
    struct cfi_table table;
    uint32_t *buckets, *index;
    int result;
};

static struct parsed parse(const struct image *image, uint32_t row_max)
{
    struct parsed parsed = {.buckets = calloc(CFI_BUCKETS, sizeof(uint32_t))};
    parsed.table.rows = malloc((row_max + 1) * sizeof(struct cfi_row));
    parsed.table.rules = malloc(CFI_RULES * sizeof(struct cfi_rule));
    assert_true(parsed.buckets != NULL && parsed.table.rows != NULL && parsed.table.rules != NULL);
    struct cfi_room room = {.row_max = row_max, .buckets = parsed.buckets};
    parsed.result = cfi_parse(image->bytes, image->size, image->address, image->header, 0, image->machine,
                              &room, &parsed.table);
    uint32_t count = cfi_index_size(&parsed.table);
    parsed.index = malloc((count + 1) * sizeof(uint32_t));
    assert_non_null(parsed.index);
    cfi_index_make(&parsed.table, parsed.index, count);
    return parsed;
}

static void release(struct parsed *parsed)
{
    free(parsed->table.rows);
    free(parsed->table.rules);
    free(parsed->buckets);
    free(parsed->index);
}

/* ---- readelf ---- */

enum { COLUMNS = 40, SIGNAL_CIES = 16 };

struct reading {
    const struct image *image;
    const struct cfi_table *table;
    char columns[COLUMNS][8];
    int column_count;
    unsigned long signal_cies[SIGNAL_CIES];
    int signal_cie_count;
    bool in_fde;
    unsigned long end;
    unsigned long rows, known, wrong;
};

/* "rsp+8" -> the register and the number. */
static bool split_cfa(const char *text, char reg[8], long *offset)
{
    size_t length = strcspn(text, "+-");
    if (text[length] == '\0' || length >= 8) {
        return false;
    }
    memcpy(reg, text, length);
    reg[length] = '\0';
    *offset = strtol(text + length, NULL, 10);
    return true;
}

static bool place_is(const char *text, uint8_t where, int32_t offset)
{
    if (text[0] == 'c') {
        return where == CFI_AT_CFA && offset == strtol(text + 1, NULL, 10);
    }
    return strcmp(text, "exp") == 0                           ? where == CFI_AT_FP || where == CFI_LOST
           : strcmp(text, "u") == 0 || strcmp(text, "s") == 0 ? where == CFI_SAME
                                                              : where == CFI_LOST;
}

/* Whether a row of readelf's says what our rule for its address says. */
static bool agrees(const struct reading *reading, const char *cfa, const char *fp, const char *ra,
                   const struct cfi_rule *rule)
{
    bool x86 = reading->image->machine == CFI_X86_64;
    char reg[8];
    long offset;
    if (x86 && strcmp(ra, "u") == 0) {
        return rule->cfa == CFI_END;
    }
    if (!split_cfa(cfa, reg, &offset)) {
        return rule->cfa == CFI_FP_DEREF || rule->cfa == CFI_PLT || rule->cfa == CFI_UNKNOWN;
    }
    bool is_sp = strcmp(reg, x86 ? "rsp" : "sp") == 0, is_fp = strcmp(reg, x86 ? "rbp" : "x29") == 0;
    if (!is_sp && !is_fp) {
        return rule->cfa == CFI_UNKNOWN;
    }
    if (!x86 && rule->cfa == CFI_END) {
        return strcmp(ra, "u") == 0;
    }
    return rule->cfa == (is_sp ? CFI_SP : CFI_FP) && rule->cfa_offset == offset &&
           place_is(fp, rule->fp, rule->fp_offset) && place_is(ra, rule->ra, rule->ra_offset);
}

static void read_row(struct reading *reading, char **words, int count)
{
    const char *fp = "u", *ra = "u";
    bool x86 = reading->image->machine == CFI_X86_64;
    unsigned long address = strtoul(words[0], NULL, 16);
    if (count != reading->column_count || address >= reading->end) {
        return;
    }
    for (int i = 2; i < count; i++) {
        fp = strcmp(reading->columns[i], x86 ? "rbp" : "x29") == 0 ? words[i] : fp;
        ra = strcmp(reading->columns[i], "ra") == 0 ? words[i] : ra;
    }
    const struct cfi_rule *rule = cfi_find(reading->table, address);
    reading->rows++;
    reading->known += rule != NULL && rule->cfa != CFI_UNKNOWN;
    if (rule == NULL || !agrees(reading, words[1], fp, ra, rule)) {
        if (reading->wrong++ < 5) {
            printf("# %lx: readelf: %s fp %s ra %s; rule %d%+d fp %d%+d ra %d%+d\n", address, words[1], fp, ra,
                   rule != NULL ? rule->cfa : -1, rule != NULL ? rule->cfa_offset : 0,
                   rule != NULL ? rule->fp : -1, rule != NULL ? rule->fp_offset : 0,
                   rule != NULL ? rule->ra : -1, rule != NULL ? rule->ra_offset : 0);
        }
    }
}

static void read_line(struct reading *reading, char *line)
{
    char *words[COLUMNS], *save = NULL;
    int count = 0;
    for (char *word = strtok_r(line, " \t\n", &save); word != NULL && count < COLUMNS;
         word = strtok_r(NULL, " \t\n", &save)) {
        words[count++] = word;
    }
    if (count >= 5 && strcmp(words[3], "CIE") == 0) {
        reading->in_fde = false;
        if (strchr(words[4], 'S') != NULL && reading->signal_cie_count < SIGNAL_CIES) {
            reading->signal_cies[reading->signal_cie_count++] = strtoul(words[0], NULL, 16);
        }
    } else if (count >= 6 && strcmp(words[3], "FDE") == 0) {
        unsigned long cie = strtoul(words[4] + strlen("cie="), NULL, 16);
        reading->end = strtoul(strstr(words[5], "..") + 2, NULL, 16);
        reading->in_fde = true;
        for (int i = 0; i < reading->signal_cie_count; i++) {
            reading->in_fde = reading->in_fde && reading->signal_cies[i] != cie;
        }
    } else if (count >= 2 && strcmp(words[0], "LOC") == 0) {
        reading->column_count = count;
        for (int i = 0; i < count; i++) {
            snprintf(reading->columns[i], sizeof(reading->columns[i]), "%.7s", words[i]);
        }
    } else if (count >= 2 && reading->in_fde && strspn(words[0], "0123456789abcdef") == 16) {
        read_row(reading, words, count);
    }
}

/* How many rows there were; 0: it cannot be had. */
static unsigned long compare(const char *path)
{
    char command[512], line[4096];
    struct image image = open_image(path);
    if (!image.found) {
        close_image(&image);
        return 0;
    }
    struct parsed parsed = parse(&image, (uint32_t)image.size);
    assert_int_equal(parsed.result, 0);
    struct reading reading = {.image = &image, .table = &parsed.table};
    snprintf(command, sizeof(command), "readelf --debug-dump=frames-interp '%s' 2>/dev/null", path);
    FILE *out = popen(command, "r");
    while (out != NULL && fgets(line, sizeof(line), out) != NULL) {
        read_line(&reading, line);
    }
    if (out != NULL) {
        pclose(out);
    }
    printf("# %s: %lu rows of readelf's, %lu known here, %u rows and %u rules\n", path, reading.rows,
           reading.known, parsed.table.row_count, parsed.table.rule_count);
    assert_int_equal(reading.wrong, 0);
    assert_true(reading.known * 100 >= reading.rows * 97);
    release(&parsed);
    close_image(&image);
    return reading.rows;
}

static void agrees_with_readelf(void **state)
{
    (void)state;
    Dl_info info;
    unsigned long rows = 0;
    char own[512] = "";
    assert_true(readlink("/proc/self/exe", own, sizeof(own) - 1) > 0);
    const char *const paths[] = {own, "/usr/bin/sqlite3", "/lib/x86_64-linux-gnu/libstdc++.so.6"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        rows += compare(paths[i]);
    }
    void *address = dlsym(RTLD_DEFAULT, "puts");
    if (address != NULL && dladdr(address, &info) != 0 && access(info.dli_fname, R_OK) == 0) {
        rows += compare(info.dli_fname);
    }
    if (rows == 0) {
        printf("# skipped: no readelf\n");
        skip();
    }
}

/* ---- bytes that are wrong ---- */

/* Rows rise, rules exist, and finding an address finds the row that is last at or before it. */
static void check_table(const struct cfi_table *table)
{
    for (uint32_t i = 0; i < table->row_count; i++) {
        assert_true(table->rows[i].rule < table->rule_count);
        assert_true(i == 0 || table->rows[i].pc > table->rows[i - 1].pc);
        const struct cfi_rule *rule = cfi_find(table, table->rows[i].pc);
        assert_true(i + 1 == table->row_count ? rule == NULL : rule == &table->rules[table->rows[i].rule]);
        if (i > 0) {
            assert_ptr_equal(cfi_find(table, table->rows[i].pc - 1), &table->rules[table->rows[i - 1].rule]);
        }
    }
    assert_null(cfi_find(table, UINT64_MAX));
}

static void damage_is_survived(void **state)
{
    (void)state;
    struct image image = open_image("/proc/self/exe");
    assert_true(image.found);
    uint8_t *copy = malloc(image.size);
    assert_non_null(copy);
    const uint8_t *whole = image.bytes;
    uint64_t random = 1;
    for (int round = 0; round < 300; round++) {
        memcpy(copy, whole, image.size);
        for (int i = 0; i < 200; i++) {
            random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            copy[(random >> 20) % image.size] = (uint8_t)(random >> 12);
        }
        image.bytes = copy;
        struct parsed parsed = parse(&image, (uint32_t)image.size);
        check_table(&parsed.table);
        release(&parsed);
    }
    free(copy);
    image.bytes = whole;
    close_image(&image);
}

static void a_cut_image_is_survived(void **state)
{
    (void)state;
    struct image image = open_image("/proc/self/exe");
    size_t whole = image.size;
    for (image.size = 0; image.size < whole; image.size += 97) {
        struct parsed parsed = parse(&image, (uint32_t)whole);
        check_table(&parsed.table);
        release(&parsed);
    }
    image.size = whole;
    close_image(&image);
}

static void little_room_is_enough(void **state)
{
    (void)state;
    struct image image = open_image("/proc/self/exe");
    struct parsed all = parse(&image, (uint32_t)image.size);
    assert_int_equal(all.result, 0);
    check_table(&all.table);
    struct parsed some = parse(&image, 10);
    assert_int_equal(some.result, -ENOSPC);
    assert_int_equal(some.table.row_count, 10);
    check_table(&some.table);
    release(&all);
    release(&some);
    close_image(&image);
}

static void no_search_table_is_no_table(void **state)
{
    (void)state;
    const uint8_t bytes[16] = {1, 0x1b, 0x03, 0xff};
    struct image image = {.bytes = bytes, .size = sizeof(bytes), .address = 0x1000, .header = 0x1000};
    struct parsed parsed = parse(&image, 10);
    assert_int_equal(parsed.result, -EBADMSG);
    assert_int_equal(parsed.table.row_count, 0);
    assert_null(cfi_find(&parsed.table, 0x1000));
    release(&parsed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_readelf),         cmocka_unit_test(damage_is_survived),
        cmocka_unit_test(a_cut_image_is_survived),     cmocka_unit_test(little_room_is_enough),
        cmocka_unit_test(no_search_table_is_no_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
