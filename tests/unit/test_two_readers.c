/* SPDX-License-Identifier: MIT */
/*
 * docs/page-format.md against record/reader.c: the reader in Python that was written from the document
 * (tests/behaviour/page_reader.py) and the one in C must say the same about every page of the fuzz corpus and
 * about pages with random damage, the refusals included; and the bytes that the document shows must be those of
 * the file that it names. Skipped where there is no Python 3.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "record/reader.h"
#include "tests/unit/page_builder.h"

static const char *source_directory;

static char *path_in_source(const char *name)
{
    char *path;
    assert_true(asprintf(&path, "%s/%s", source_directory, name) > 0);
    return path;
}

/* As json.dumps writes it: names are printable already. */
static void write_string(FILE *out, const char *text)
{
    fputc('"', out);
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\') {
            fputc('\\', out);
        }
        fputc(*c, out);
    }
    fputc('"', out);
}

static void write_buckets(FILE *out, const uint64_t *buckets)
{
    const char *separator = "";
    for (uint32_t i = 0; buckets != NULL && i < TARE_BUCKET_COUNT; i++) {
        if (buckets[i] != 0) {
            fprintf(out, "%s\"%u\":%" PRIu64, separator, i, buckets[i]);
            separator = ",";
        }
    }
}

static void write_timer(FILE *out, const struct tare_page_timer *timer)
{
    const struct tare_timer_sums *sums = &timer->sums;
    fputs("{\"module\":", out);
    write_string(out, timer->module);
    fputs(",\"name\":", out);
    write_string(out, timer->name);
    fprintf(out, ",\"calls\":%" PRIu64 ",\"outermost\":%" PRIu64 ",\"total_ticks\":%" PRIu64, sums->calls,
            sums->outermost, sums->total_ticks);
    fprintf(out, ",\"min_ticks\":%" PRIu64 ",\"max_ticks\":%" PRIu64 ",\"scopes_within\":%" PRIu64,
            sums->outermost != 0 ? sums->min_ticks : 0, sums->max_ticks, sums->scopes_within);
    fprintf(out, ",\"closeness_within\":%" PRIu64 ",\"uncounted_within\":%" PRIu64, sums->closeness_within,
            sums->uncounted_within);
    fprintf(out, ",\"bytes\":%" PRIu64 ",\"buckets\":{", sums->bytes);
    write_buckets(out, timer->buckets);
    fputs("}}", out);
}

static void write_numbers(FILE *out, const char *name, const uint64_t *numbers, size_t count)
{
    fprintf(out, ",\"%s\":[", name);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "%s%" PRIu64, i > 0 ? "," : "", numbers[i]);
    }
    fputs("]", out);
}

static void write_bits(FILE *out, const char *name, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    if (isnan(value)) {
        fprintf(out, ",\"%s\":null", name);
    } else {
        fprintf(out, ",\"%s\":%" PRIu64, name, bits);
    }
}

static void write_keys(FILE *out, const struct tare_page_instrument *topk)
{
    fprintf(out, ",\"weight\":%" PRIu64 ",\"hits\":%" PRIu64 ",\"least\":%" PRIu64 ",\"keys\":[", topk->total,
            topk->hits, topk->least_weight);
    for (size_t i = 0; i < topk->key_count; i++) {
        const struct tare_page_key *key = &topk->keys[i];
        fprintf(out, "%s[%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "]", i > 0 ? "," : "", key->key,
                key->weight, key->error, key->hits);
    }
    fputs("]", out);
}

static void write_frames(FILE *out, const char *name, const struct tare_page_frame *frames, size_t count,
                         uint32_t parts)
{
    fprintf(out, ",\"%s\":[", name);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "%s[%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%d,[", i > 0 ? "," : "", frames[i].number,
                frames[i].start_ticks, frames[i].ticks, frames[i].slow);
        for (uint32_t k = 0; k < parts; k++) {
            fprintf(out, "%s%" PRIu64, k > 0 ? "," : "", frames[i].part_ticks[k]);
        }
        fputs("]]", out);
    }
    fputs("]", out);
}

static void write_ring(FILE *out, const struct tare_page_instrument *instrument)
{
    const struct tare_page_frames *f = &instrument->frames;
    fprintf(out, ",\"frames\":%" PRIu64 ",\"dropped\":%" PRIu64 ",\"slow\":%" PRIu64, f->frames, f->dropped,
            f->slow);
    write_numbers(out, "part_ticks", f->part_ticks, instrument->name_count);
    write_numbers(out, "part_frames", f->part_frames, instrument->name_count);
    write_frames(out, "last", f->last, f->last_count, instrument->name_count);
    write_frames(out, "slowest", f->slowest, f->slowest_count, instrument->name_count);
}

static void write_instrument(FILE *out, const struct tare_page_instrument *instrument)
{
    const char *const texts[][2] = {{"module", instrument->module},
                                    {"name", instrument->name},
                                    {"unit", instrument->unit},
                                    {"labels", instrument->labels}};
    fprintf(out, "{\"kind\":%u", instrument->kind);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        fprintf(out, ",\"%s\":", texts[i][0]);
        write_string(out, texts[i][1]);
    }
    fputs(",\"names\":[", out);
    for (uint32_t i = 0; i < instrument->name_count; i++) {
        fputs(i > 0 ? "," : "", out);
        write_string(out, instrument->names[i]);
    }
    fputs("]", out);
    const struct tare_timer_sums *sums = &instrument->sums;
    switch (instrument->kind) {
    case TARE_KIND_COUNTER:
        fprintf(out, ",\"total\":%" PRIu64, instrument->total);
        break;
    case TARE_KIND_GAUGE:
        write_bits(out, "value_bits", instrument->value);
        write_bits(out, "peak_bits", instrument->peak);
        break;
    case TARE_KIND_STATE:
        write_numbers(out, "ticks", instrument->state_ticks, instrument->name_count);
        write_numbers(out, "threads", instrument->state_threads, instrument->name_count);
        fprintf(out, ",\"changes\":%" PRIu64, instrument->state_changes);
        break;
    case TARE_KIND_TOPK:
        write_keys(out, instrument);
        break;
    default: /* histogram, frames */
        fprintf(out, ",\"outermost\":%" PRIu64 ",\"total_ticks\":%" PRIu64, sums->outermost, sums->total_ticks);
        fprintf(out, ",\"min_ticks\":%" PRIu64 ",\"max_ticks\":%" PRIu64 ",\"buckets\":{",
                sums->outermost != 0 ? sums->min_ticks : 0, sums->max_ticks);
        write_buckets(out, instrument->buckets);
        fputs("}", out);
        break;
    }
    if (instrument->kind == TARE_KIND_FRAMES) {
        write_ring(out, instrument);
    }
    fputs("}", out);
}

static void write_scope_cost(FILE *out, const char *name, const struct tare_scope_cost *costs)
{
    const struct tare_cost *cost = &costs->inner;
    fprintf(out, "\"%s\":", name);
    for (size_t i = 0; i < TARE_SCOPE_COSTS; i++) {
        fprintf(out, "%s%" PRId64 ",%" PRId64 ",%" PRIu64, i > 0 ? "," : "[", cost[i].median_mticks,
                cost[i].mad_mticks, cost[i].n);
    }
    fputs("],", out);
}

static void write_costs(FILE *out, const struct tare_page *h)
{
    fputs("\"costs\":{", out);
    write_scope_cost(out, "start", &h->cost);
    write_scope_cost(out, "exit", &h->cost_at_exit);
    fprintf(out, "\"in_run\":[%" PRIu64, h->cost_in_run.n);
    for (size_t i = 0; i < TARE_RUN_SAMPLES; i++) {
        for (size_t j = 0; j < TARE_SCOPE_COSTS; j++) {
            fprintf(out, ",%" PRId64, h->cost_in_run.mticks[i][j]);
        }
    }
    fprintf(out, "],\"caps\":[%" PRIu32 ",%" PRIu32 "]},", h->begin_cap_ticks, h->end_cap_ticks);
}

/* What the Python reader prints, from ours; NULL for a page that is refused. */
static char *read_in_c(const char *path)
{
    static const char *const clocks[] = {"none", "tsc-ordered", "tsc", "clock"};
    char *text = NULL;
    size_t size;
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    struct tare_page_source source = {.fd = fd, .offset = 0, .limit = UINT64_MAX};
    struct tare_page_view view;
    if (tare_page_read(&source, TARE_READ_HISTOGRAMS, &view, NULL, 0) == 0) {
        const struct tare_page *h = &view.header;
        FILE *out = open_memstream(&text, &size);
        assert_non_null(out);
        fprintf(out, "{\"pid\":%u,\"clock\":\"%s\",", h->pid, h->clock < 4 ? clocks[h->clock] : "none");
        write_costs(out, h);
        fputs("\"timers\":[", out);
        for (size_t i = 0; i < view.timer_count; i++) {
            fputs(i > 0 ? "," : "", out);
            write_timer(out, &view.timers[i]);
        }
        fputs("],\"instruments\":[", out);
        for (size_t i = 0; i < view.instrument_count; i++) {
            fputs(i > 0 ? "," : "", out);
            write_instrument(out, &view.instruments[i]);
        }
        fprintf(out, "],\"lost\":{\"instruments\":%" PRIu64 ",\"threads\":%" PRIu64, h->lost_instruments,
                h->lost_threads);
        fprintf(out, ",\"scopes\":%" PRIu64 ",\"dropped\":%" PRIu64 "}}\n", h->lost_scopes, h->dropped_scopes);
        assert_int_equal(fclose(out), 0);
    }
    tare_page_view_release(&view);
    close(fd);
    return text;
}

/*
 * Has the Python reader read all of `paths`, in one go, as it takes longer to start than to read, and compares what
 * it prints of each, JSON or a line that begins "page_reader: ", with ours. Returns how many both could read.
 */
static unsigned compare(char *const *paths, unsigned count)
{
    char *script = path_in_source("tests/behaviour/page_reader.py"), *command = NULL, *line = NULL;
    size_t size, room = 0;
    unsigned read = 0;
    FILE *text = open_memstream(&command, &size);
    assert_non_null(text);
    fprintf(text, "python3 -ES '%s'", script);
    for (unsigned i = 0; i < count; i++) {
        fprintf(text, " '%s'", paths[i]);
    }
    fputs(" 2>&1", text);
    assert_int_equal(fclose(text), 0);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    for (unsigned i = 0; i < count; i++) {
        char *ours = read_in_c(paths[i]);
        if (getline(&line, &room, pipe) <= 0) {
            fail_msg("'%s': in Python nothing", paths[i]);
        }
        if (ours != NULL ? strcmp(ours, line) != 0 : strncmp(line, "page_reader: ", 13) != 0) {
            fail_msg("'%s': in C %s, in Python %s", paths[i], ours != NULL ? ours : "refused", line);
        }
        read += ours != NULL;
        free(ours);
    }
    assert_true(getline(&line, &room, pipe) < 0);
    int status = pclose(pipe);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == (read < count));
    free(line);
    free(command);
    free(script);
    return read;
}

static void both_readers_agree_on_the_corpus(void **state)
{
    (void)state;
    enum { FILES_MAX = 256 };
    char *paths[FILES_MAX], *directory = path_in_source("tests/fuzz/corpus/page");
    unsigned count = 0;
    DIR *corpus = opendir(directory);
    assert_non_null(corpus);
    for (struct dirent *entry = readdir(corpus); entry != NULL; entry = readdir(corpus)) {
        if (entry->d_name[0] != '.') {
            assert_true(count < FILES_MAX && asprintf(&paths[count++], "%s/%s", directory, entry->d_name) > 0);
        }
    }
    closedir(corpus);
    free(directory);
    unsigned read = compare(paths, count);
    assert_true(read >= 5 && count - read >= 5);
    while (count > 0) {
        free(paths[--count]);
    }
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/*
 * One 4-byte word of the header, of the rest or of the extras set to something else, but in the first. The rest
 * of each file is as the page has it. Releases it.
 */
static void compare_damaged(struct page_builder *b)
{
    enum { ROUNDS = 80 };
    char *paths[ROUNDS];
    size_t small = b->header->blocks_offset + b->header->histograms_offset;
    uint64_t seed = 99;
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t random = next_random(&seed);
        size_t range = round % 2 ? 128 : small;
        size_t at = (random >> 16) % (range / 4) * 4;
        if (b->header->extras_used != 0 && round % 3 == 1) {
            at = b->header->extras_offset + (random >> 16) % (b->header->extras_used / 4) * 4;
        }
        const uint32_t values[] = {0, 1, UINT32_MAX, (uint32_t)(random >> 32), 128, 2};
        const uint32_t value = values[random % 6];
        paths[round] = strdup("/tmp/tare-page-XXXXXX");
        assert_non_null(paths[round]);
        int fd = mkstemp(paths[round]);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, b->bytes, b->size), (ssize_t)b->size);
        if (round > 0) {
            assert_int_equal(pwrite(fd, &value, sizeof(value), (off_t)at), sizeof(value));
        }
        close(fd);
    }
    unsigned read = compare(paths, ROUNDS);
    assert_true(read > 10 && read < ROUNDS);
    for (unsigned round = 0; round < ROUNDS; round++) {
        unlink(paths[round]);
        free(paths[round]);
    }
    page_builder_release(b);
}

static void both_readers_agree_on_damage(void **state)
{
    (void)state;
    struct page_builder b;
    page_builder_init(&b, 3, 2, TARE_PAGE_HISTOGRAMS);
    uint32_t timer = page_builder_timer(&b, "mödule", "a \"timer\"", "file.c", 10);
    uint32_t other = page_builder_timer(&b, "mödule", "back\\slash", "file.c", 20);
    uint32_t first = page_builder_block(&b, 1, "main"), second = page_builder_block(&b, 2, "worker");
    for (uint64_t i = 0; i < 50; i++) {
        page_builder_record(&b, first, timer, 100 + i * i * i, 1);
        page_builder_record(&b, second, timer, i, 0);
        page_builder_record(&b, second, other, 10 + i, 0);
    }
    compare_damaged(&b);
    page_builder_kinds(&b, TARE_PAGE_HISTOGRAMS);
    compare_damaged(&b);
}

/* Lines of the worked example, as of hexdump -C: an offset, then 16 bytes. */
static void document_shows_the_bytes_of_its_example(void **state)
{
    (void)state;
    char *document = path_in_source("docs/page-format.md"),
         *example = path_in_source("tests/fuzz/corpus/page/tiny");
    FILE *in = fopen(document, "r");
    int fd = open(example, O_RDONLY);
    assert_true(in != NULL && fd >= 0);
    char line[512];
    unsigned shown = 0;
    while (fgets(line, sizeof(line), in) != NULL) {
        unsigned long offset;
        int used = 0;
        if (sscanf(line, "    %8lx  %n", &offset, &used) != 1 || used != 14) {
            continue;
        }
        unsigned char bytes[16];
        assert_int_equal(pread(fd, bytes, 16, (off_t)offset), 16);
        const char *p = line + used;
        for (int i = 0; i < 16; i++) {
            char *end;
            unsigned long byte = strtoul(p, &end, 16);
            if (end == p || byte != bytes[i]) {
                fail_msg("at %lx the document has %s", offset, line);
            }
            p = end;
        }
        shown++;
    }
    assert_true(shown > 30);
    fclose(in);
    close(fd);
    free(document);
    free(example);
}

/* And comes to the same net time, however that is computed by now. */
static void document_computes_what_ours_does(void **state)
{
    (void)state;
    char *document = path_in_source("docs/page-format.md"),
         *example = path_in_source("tests/fuzz/corpus/page/tiny");
    struct tare_page_source source = {.fd = open(example, O_RDONLY), .limit = UINT64_MAX};
    struct tare_page_view view;
    assert_int_equal(tare_page_read(&source, 0, &view, NULL, 0), 0);
    const struct tare_timer_sums *sums = &view.timers[0].sums;
    struct tare_cost_model model = tare_page_cost_model(&view.header, NULL);
    struct tare_estimate estimate = tare_estimate_timer(&model, sums);
    char expected[64], line[512];
    snprintf(expected, sizeof(expected), "%.2f ns, %.2f ns on", estimate.net_total_ns,
             estimate.net_total_ns / (double)sums->outermost);
    FILE *in = fopen(document, "r");
    assert_non_null(in);
    bool found = false;
    while (!found && fgets(line, sizeof(line), in) != NULL) {
        found = strstr(line, expected) != NULL;
    }
    if (!found) {
        fail_msg("the document does not end with '%s'", expected);
    }
    fclose(in);
    tare_page_view_release(&view);
    close(source.fd);
    free(document);
    free(example);
}

int main(void)
{
    source_directory = getenv("TARE_SOURCE_DIR") != NULL ? getenv("TARE_SOURCE_DIR") : ".";
    char *script = path_in_source("tests/behaviour/page_reader.py");
    bool there = access(script, R_OK) == 0;
    if (!there || system("python3 -c '' 2>/dev/null") != 0) {
        printf("skipped: %s\n",
               there ? "there is no python3" : "no tests/behaviour/page_reader.py: set TARE_SOURCE_DIR");
        free(script);
        return 77;
    }
    free(script);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_readers_agree_on_the_corpus),
        cmocka_unit_test(both_readers_agree_on_damage),
        cmocka_unit_test(document_shows_the_bytes_of_its_example),
        cmocka_unit_test(document_computes_what_ours_does),
    };
    return cmocka_run_group_tests_name("two_readers", tests, NULL, NULL);
}
