/* SPDX-License-Identifier: MIT */
/*
 * view/compare.h: tables compared letter by letter, what a narrow terminal leaves out, and what names that were
 * not meant well can do. The comparisons are made by hand, so that no rule decides on what is shown.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/text.h"
#include "tests/unit/comma_locale.h"
#include "tests/unit/near.h"
#include "tests/unit/sample_result.h"
#include "view/compare.h"

enum { ROWS = 6 };

/* A whole report and what it refers to. */
struct sample {
    struct tare_compared_row rows[ROWS];
    struct tare_compared_section section;
    struct tare_compared compared;
    struct tare_result *old, *new;
    struct tare_compare_source source;
    struct tare_compare_report report;
};

static struct tare_compared_side side_of(double ns, double half_ns, uint64_t count)
{
    struct tare_compared_side side = {.there = true,
                                      .measured = true,
                                      .ns = ns,
                                      .low_ns = ns - half_ns,
                                      .high_ns = ns + half_ns,
                                      .limit_ns = NAN,
                                      .count = count};
    for (size_t i = 0; i < TARE_COMPARED_PERCENTILES; i++) {
        side.percentile_ns[i] = NAN;
    }
    return side;
}

static struct tare_compared_row row_of(const char *module, const char *name, double old, double new,
                                       enum tare_verdict verdict, double low, double high)
{
    return (struct tare_compared_row){.module = module,
                                      .name = name,
                                      .old = side_of(old, old / 100, 30),
                                      .new = side_of(new, new / 100, 30),
                                      .comparison = {.verdict = verdict,
                                                     .ratio = new / old,
                                                     .low = low,
                                                     .high = high,
                                                     .control_ratio = NAN,
                                                     .control_low = NAN,
                                                     .control_high = NAN,
                                                     .smallest = (high - low) * 0.7},
                                      .difference_ns = new - old,
                                      .difference_low_ns = NAN,
                                      .difference_high_ns = NAN};
}

static void alone(struct tare_compared_row *row, enum tare_compared_presence presence)
{
    struct tare_compared_side none = side_of(NAN, NAN, 0);
    none.there = none.measured = false;
    row->presence = presence;
    *(presence == TARE_COMPARED_REMOVED ? &row->new : &row->old) = none;
    row->comparison.ratio = row->comparison.low = row->comparison.high = row->comparison.smallest = NAN;
    row->difference_ns = NAN;
}

static void count(struct tare_compared_section *section)
{
    for (size_t i = 0; i < section->row_count; i++) {
        const struct tare_compared_row *row = &section->rows[i];
        bool both = row->presence == TARE_COMPARED_BOTH;
        section->matched += both;
        section->removed += row->presence == TARE_COMPARED_REMOVED;
        section->added += row->presence == TARE_COMPARED_ADDED;
        section->verdicts[row->comparison.verdict] += both;
    }
}

/* Rows of benchmarks (module NULL) or of timers. */
static void make_sample(struct sample *sample, const char *module)
{
    *sample = (struct sample){
        .rows =
            {
                row_of(module, "ring_write/64", 12.345, 13.456, TARE_VERDICT_SLOWER, 1.081, 1.099),
                row_of(module, "ring_read", 1234.5, 1195.0, TARE_VERDICT_FASTER, 0.961, 0.976),
                row_of(module, "pool", 5678901, 5701234, TARE_VERDICT_UNRESOLVED, 0.985, 1.024),
                row_of(module, "lock", 20.5, 20.51, TARE_VERDICT_SAME, 0.998, 1.003),
                row_of(module, "old_one", 7, 7, TARE_VERDICT_UNRESOLVED, 1, 1),
                row_of(module, "new_one", 8, 8, TARE_VERDICT_UNRESOLVED, 1, 1),
            },
    };
    alone(&sample->rows[4], TARE_COMPARED_REMOVED);
    alone(&sample->rows[5], TARE_COMPARED_ADDED);
    sample->old = tare_result_new();
    sample->new = tare_result_new();
    assert_true(sample->old != NULL && sample->new != NULL);
    struct tare_result *results[] = {sample->old, sample->new};
    for (size_t i = 0; i < 2; i++) {
        results[i]->kind = sample_string(module == NULL ? "bench" : "run");
        results[i]->started = sample_string(i == 0 ? "2025-01-02T03:04:05Z" : "2025-01-03T03:04:05Z");
        results[i]->environment.commit = sample_string(i == 0 ? "0123456789abcdef" : "fedcba9876543210");
        results[i]->environment.commit_dirty = (int)i;
        tare_fingerprint_hash(&results[i]->fingerprint);
    }
    sample->section =
        (struct tare_compared_section){.result = sample->new, .rows = sample->rows, .row_count = ROWS};
    count(&sample->section);
    sample->section.slower_beyond = sample->section.faster_beyond = 1;
    sample->compared = (struct tare_compared){
        .kind = module == NULL ? TARE_COMPARED_BENCHMARKS : TARE_COMPARED_TIMERS,
        .rule = {.alpha = 0.002, .comparisons = 4, .margin = 0.01, .control_alpha = 0.01},
        .confidence = 0.9995,
        .sections = &sample->section,
        .section_count = 1,
    };
    sample->source = (struct tare_compare_source){.label = "new.json", .result = sample->new};
    sample->report = (struct tare_compare_report){.old = {.label = "old.json", .result = sample->old},
                                                  .news = &sample->source,
                                                  .compared = &sample->compared};
}

static void release_sample(struct sample *sample)
{
    tare_result_free(sample->old);
    tare_result_free(sample->new);
}

static char *shown(const struct sample *sample, const struct tare_view_options *options,
                   enum tare_format format)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_int_equal(tare_view_compare(&sample->report, options, format, out), 0);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void assert_shown(const struct sample *sample, const struct tare_view_options *options,
                         enum tare_format format, const char *expected)
{
    char *text = shown(sample, options, format);
    assert_string_equal(text, expected);
    free(text);
}

static void assert_contains(const struct sample *sample, const struct tare_view_options *options,
                            enum tare_format format, const char *part)
{
    char *text = shown(sample, options, format);
    if (strstr(text, part) == NULL) {
        fail_msg("no '%s' in: %s", part, text);
    }
    free(text);
}

#define SIDES                                                                                                  \
    "old: 'old.json', 2025-01-02T03:04:05Z, commit 0123456789ab\n"                                             \
    "new: 'new.json', 2025-01-03T03:04:05Z, commit fedcba987654 with changes\n"                                \
    "fingerprint 467cc4baa0d11b54: processor unknown, virtualization unknown\n"
#define TITLE                                                                                                  \
    "4 benchmarks in 'old.json' and 'new.json': 1 slower, 1 faster, 1 same within\n"                           \
    "1 %, 1 unresolved; 1 removed, 1 added\n"
#define RULE                                                                                                   \
    "Changes are of medians of processes, with their 99.95 % intervals (alpha\n"                               \
    "0.002 over 4 comparisons); same is within 1 %; 'seen from': the smallest change\n"                        \
    "that two such runs would have shown in 4 of 5 cases.\n"
#define CAVEAT                                                                                                 \
    "Runs at different times have no pairs of rounds and no control arm: what became\n"                        \
    "different on the machine in between looks like a change of the code. A second\n"                          \
    "result of the old code as --control shows part of that. 'tare bench A --vs B'\n"                          \
    "runs both in turns, and is the better instrument.\n"

static void the_table_has_changes_with_their_intervals(void **state)
{
    (void)state;
    struct sample sample;
    make_sample(&sample, NULL);
    assert_shown(&sample, &(struct tare_view_options){0}, TARE_FORMAT_TABLE,
                 SIDES "\n" TITLE "\n"
                       "name                 old        new  change                    verdict\n"
                       "ring_write/64  12.345 ns  13.456 ns  +9.0 % (+8.1 to +9.9)     slower\n"
                       "ring_read       1.234 µs   1.195 µs  -3.2 % (-3.9 to -2.4)     faster\n"
                       "pool            5.679 ms   5.701 ms  +0.4 % (seen from 2.7 %)  unresolved\n"
                       "lock            20.50 ns   20.51 ns  0.0 % (-0.2 to +0.3)      same\n"
                       "old_one         7.000 ns          -  -                         removed\n"
                       "new_one                -   8.000 ns  -                         added\n"
                       "\n" RULE CAVEAT);
    release_sample(&sample);
}

static void without_utf8_the_table_is_ascii(void **state)
{
    (void)state;
    struct sample sample;
    make_sample(&sample, "mod");
    sample.rows[0].name = "größe";
    sample.rows[0].new.count = 31;
    const char *const columns[] = {NULL,
                                   "name,count,old,new,old-error,new-error,change,interval,difference,smallest,"
                                   "control,verdict,p50,p90,p95,p99,p999"};
    for (size_t i = 0; i < COUNT(columns); i++) {
        for (enum tare_format format = TARE_FORMAT_TABLE; format <= TARE_FORMAT_MARKDOWN; format++) {
            if (format == TARE_FORMAT_JSON || format == TARE_FORMAT_CSV) {
                continue;
            }
            struct tare_view_options options = {.ascii = true, .columns = columns[i]};
            char *text = shown(&sample, &options, format);
            for (const char *p = text; *p != '\0'; p++) {
                assert_in_range((unsigned char)*p, '\n', '~');
            }
            assert_non_null(strstr(text, " us"));
            assert_non_null(strstr(text, format == TARE_FORMAT_TABLE ? "30 -> 31" : "30 -&gt; 31"));
            free(text);
        }
    }
    release_sample(&sample);
}

/* The widest line of a text, in columns. */
static size_t widest(const char *text)
{
    size_t most = 0;
    while (*text != '\0') {
        size_t size = strcspn(text, "\n");
        char *line = strndup(text, size);
        assert_non_null(line);
        size_t width = tare__text_width(line);
        most = width > most ? width : most;
        free(line);
        text += size + (text[size] == '\n');
    }
    return most;
}

static void a_terminal_is_not_overrun(void **state)
{
    (void)state;
    struct sample sample;
    make_sample(&sample, "a_module");
    sample.rows[0].name = "a_name_of_which_nobody_would_think_that_it_fits_anywhere";
    sample.rows[1].new.count = 1000000;
    for (int width = 60; width <= 160; width += 5) {
        char *text = shown(&sample, &(struct tare_view_options){.width = width}, TARE_FORMAT_TABLE);
        assert_in_range(widest(text), (size_t)width - 12, (size_t)width);
        assert_non_null(strstr(text, "+9.0 % (+8.1 to +9.9)"));
        assert_non_null(strstr(text, "slower\n"));
        /* Calls that are others are told one way or the other. */
        assert_non_null(strstr(text, "1000000"));
        assert_true(width > 110 || strstr(text, "…") != NULL);
        free(text);
    }
    /* Into a file, a name goes as it is. */
    assert_contains(&sample, &(struct tare_view_options){0}, TARE_FORMAT_TABLE, sample.rows[0].name);
    release_sample(&sample);
}

static void columns_can_be_chosen(void **state)
{
    (void)state;
    struct sample sample;
    make_sample(&sample, "m");
    sample.rows[0].difference_low_ns = 1.0;
    sample.rows[0].difference_high_ns = 1.222;
    sample.rows[0].old.percentile_ns[3] = 20;
    sample.rows[0].new.percentile_ns[3] = 25;
    assert_contains(&sample,
                    &(struct tare_view_options){.columns = "verdict,name,difference,p99,interval,old-error"},
                    TARE_FORMAT_TABLE,
                    "verdict     name              difference                                       p99  "
                    "interval                 old ±\n"
                    "slower      m::ring_write/64  +1.11 ns (+1.00 ns to +1.22 ns)  20.00 ns → 25.00 ns  "
                    "+9.0 % (+8.1 to +9.9)  0.12 ns\n"
                    "faster      m::ring_read      -39.50 ns                                          -  "
                    "-3.2 % (-3.9 to -2.4)    12 ns\n");
    assert_contains(&sample, &(struct tare_view_options){.columns = "name,interval"}, TARE_FORMAT_TABLE,
                    "\nm::pool           0 % (-2 to +2)\n");
    const char *const bad[] = {"", "nam", "name,", "name,,old", "names"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct tare_view_options options = {.columns = bad[i]};
        FILE *out = fopen("/dev/null", "w");
        assert_non_null(out);
        assert_int_equal(tare_view_compare(&sample.report, &options, TARE_FORMAT_TABLE, out), -EINVAL);
        assert_int_equal(tare_view_compare(&sample.report, &options, TARE_FORMAT_MARKDOWN, out), -EINVAL);
        assert_int_equal(tare_view_compare(&sample.report, &options, TARE_FORMAT_JSON, out), -EINVAL);
        fclose(out);
    }
    release_sample(&sample);
}

static void a_change_from_or_to_nothing_is_a_bound(void **state)
{
    (void)state;
    struct sample sample;
    make_sample(&sample, "m");
    struct tare_compared_row *row = &sample.rows[0];
    row->old.below_limit = true;
    row->old.limit_ns = 3;
    row->comparison.ratio = row->comparison.high = NAN;
    row->comparison.low = 24.9;
    struct tare_view_options options = {.columns = "old,change,verdict"};
    assert_contains(&sample, &options, TARE_FORMAT_TABLE, "\n< 3.000 ns  over 24.90 × ");
    assert_contains(&sample, &options, TARE_FORMAT_TABLE, "note: '<': below the detection limit");
    row->comparison.low = NAN;
    row->difference_low_ns = 1.0;
    row->difference_high_ns = 1.222;
    assert_contains(&sample, &options, TARE_FORMAT_TABLE, "\n< 3.000 ns  +1.11 ns (+1.00 ns to +1.22 ns) ");
    row = &sample.rows[1];
    row->new.below_limit = true;
    row->comparison.ratio = 0.01;
    row->comparison.low = -0.01;
    row->comparison.high = 0.03;
    assert_contains(&sample, &options, TARE_FORMAT_TABLE, "  under 0.03 × ");
    release_sample(&sample);
}

static void notes_say_why(void **state)
{
    (void)state;
    static const char why[] = "below the detection limit in both results";
    struct sample sample;
    make_sample(&sample, NULL);
    sample.rows[2].why = why;
    sample.rows[3].comparison.verdict = TARE_VERDICT_UNRESOLVED;
    sample.rows[3].why = why;
    sample.rows[0].comparison.within_margin = true;
    sample.rows[1].why = "failed in the new result";
    sample.rows[1].failure = "tare_require(x == 3)";
    sample.new->lost_threads = 1;
    struct tare_view_options options = {.width = 120};
    assert_contains(&sample, &options, TARE_FORMAT_TABLE,
                    "\nnote: pool, lock: below the detection limit in both results\n");
    assert_contains(&sample, &options, TARE_FORMAT_TABLE,
                    "\nnote: there is a change, within the margin of 1 %: ring_write/64\n");
    assert_contains(&sample, &options, TARE_FORMAT_TABLE,
                    "\nnote: ring_read: failed in the new result: tare_require(x == 3)\n");
    assert_contains(&sample, &options, TARE_FORMAT_TABLE,
                    "\nnote: not all found room in 'new.json': 'tare report' says what was lost\n");
    /* What has another reason than its width has its interval. */
    assert_contains(&sample, &options, TARE_FORMAT_TABLE, "  0 % (-2 to +2) ");
    assert_contains(&sample, &options, TARE_FORMAT_MARKDOWN, "\n- note: pool, lock: below the detection limit");
    release_sample(&sample);
}

static void what_was_not_measured_alike_comes_with_a_warning(void **state)
{
    (void)state;
    struct sample sample;
    make_sample(&sample, NULL);
    sample.source.different = 1 << TARE_FINGERPRINT_KERNEL | 1 << TARE_FINGERPRINT_GOVERNOR;
    sample.new->incomplete = true;
    struct tare_view_options options = {.width = 200};
    assert_contains(
        &sample, &options, TARE_FORMAT_TABLE,
        "warning: 'old.json' and 'new.json' were not measured alike, they differ in kernel, governor: what "
        "looks like a change of the code may be one of that\n"
        "warning: 'new.json' is incomplete: the measurement was interrupted\n\nold: ");
    assert_contains(&sample, &options, TARE_FORMAT_MARKDOWN,
                    "\n> [!WARNING]\n> warning: 'old.json' and 'new\\.json' were not measured alike");
    assert_contains(&sample, &options, TARE_FORMAT_TABLE,
                    "commit 0123456789ab, fingerprint 467cc4baa0d11b54\n");
    sample.source.different = TARE_FINGERPRINT_OTHER;
    assert_contains(&sample, &options, TARE_FORMAT_TABLE, "differ in a part that this version does not know");
    sample.source.different = 0;
    sample.source.unknown = true;
    sample.new->fingerprint.hash[0] = '\0';
    assert_contains(&sample, &options, TARE_FORMAT_TABLE, "warning: 'new.json' has no fingerprint");
    assert_contains(&sample, &options, TARE_FORMAT_TABLE, ", fingerprint unknown\n");
    release_sample(&sample);
}

static void a_control_is_shown(void **state)
{
    (void)state;
    struct sample sample;
    make_sample(&sample, NULL);
    struct tare_compare_source control = {.label = "again.json", .result = sample.old};
    sample.report.control = &control;
    sample.compared.controlled = true;
    sample.rows[0].comparison.control_ratio = 1.002;
    sample.rows[0].comparison.control_low = 0.993;
    sample.rows[0].comparison.control_high = 1.012;
    struct tare_view_options options = {.width = 120};
    assert_contains(&sample, &options, TARE_FORMAT_TABLE, "  control                verdict\n");
    assert_contains(&sample, &options, TARE_FORMAT_TABLE, "  +0.2 % (-0.7 to +1.2)  slower\n");
    assert_contains(&sample, &options, TARE_FORMAT_TABLE, "control: 'again.json', 2025-01-02");
    assert_contains(&sample, &options, TARE_FORMAT_MARKDOWN, "| +0.2 % (-0.7 to +1.2) | **slower** |");
    assert_contains(&sample, &options, TARE_FORMAT_MARKDOWN,
                    "\n- control: 'again.json' against 'old.json', both");
    release_sample(&sample);
}

static void markdown_folds_away_what_did_not_change(void **state)
{
    (void)state;
    struct sample sample;
    make_sample(&sample, NULL);
    assert_shown(&sample, &(struct tare_view_options){0}, TARE_FORMAT_MARKDOWN,
                 "### 4 benchmarks in 'old.json' and 'new\\.json': 1 slower, 1 faster, 1 same within 1 %, 1 "
                 "unresolved; 1 "
                 "removed, 1 added\n"
                 "\n"
                 "| name | old | new | change | verdict |\n"
                 "| :--- | ---: | ---: | :--- | :--- |\n"
                 "| ring\\_write/64 | 12.345 ns | 13.456 ns | +9.0 % (+8.1 to +9.9) | **slower** |\n"
                 "| ring\\_read | 1.234 µs | 1.195 µs | -3.2 % (-3.9 to -2.4) | **faster** |\n"
                 "| old\\_one | 7.000 ns | - | - | removed |\n"
                 "| new\\_one | - | 8.000 ns | - | added |\n"
                 "\n"
                 "<details>\n"
                 "<summary>2 the same or unresolved</summary>\n"
                 "\n"
                 "| name | old | new | change | verdict |\n"
                 "| :--- | ---: | ---: | :--- | :--- |\n"
                 "| pool | 5.679 ms | 5.701 ms | +0.4 % (seen from 2.7 %) | unresolved |\n"
                 "| lock | 20.50 ns | 20.51 ns | 0.0 % (-0.2 to +0.3) | same |\n"
                 "\n"
                 "</details>\n"
                 "\n"
                 "<details>\n"
                 "<summary>How this was judged, and what it cannot know</summary>\n"
                 "\n"
                 "- old, new: the median of a run's processes, of which each counts once, with the median of "
                 "its warm samples. "
                 "Rounds that the rule on contamination dropped do not count.\n"
                 "- change: the ratio of the two medians, with its 99.95 % interval, made of how the processes "
                 "of each run "
                 "scatter.\n"
                 "- slower, faster: the interval lies on one side of 0. Where nothing differed, chance alone "
                 "would say so of any "
                 "of them in 0.2 % of such calls (alpha 0.002, divided over 4 comparisons).\n"
                 "- same: the interval holds 0 and lies within 1 % of it.\n"
                 "- unresolved: neither of these. 'seen from' is the smallest change that two such runs would "
                 "have shown in 4 of "
                 "5 cases: repeat both for longer to see less.\n"
                 "- Runs at different times have no pairs of rounds and no control arm: what became different "
                 "on the machine in "
                 "between looks like a change of the code. A second result of the old code as --control shows "
                 "part of that. "
                 "'tare bench A --vs B' runs both in turns, and is the better instrument.\n"
                 "\n"
                 "</details>\n"
                 "\n"
                 "<details>\n"
                 "<summary>What was compared</summary>\n"
                 "\n"
                 "- old: 'old.json', 2025-01-02T03:04:05Z, commit 0123456789ab\n"
                 "- new: 'new\\.json', 2025-01-03T03:04:05Z, commit fedcba987654 with changes\n"
                 "- fingerprint 467cc4baa0d11b54: processor unknown, virtualization unknown\n"
                 "\n"
                 "</details>\n");
    release_sample(&sample);
}

static void names_do_not_become_markup_or_commands(void **state)
{
    (void)state;
    struct sample sample;
    make_sample(&sample, "m|`");
    sample.rows[0].name = "</details><b>\033[2J|a`b` [x](http://x) \xff";
    sample.source.label = "new|<i>.json";
    char *text = shown(&sample, &(struct tare_view_options){0}, TARE_FORMAT_MARKDOWN);
    assert_non_null(strstr(
        text, "| m\\|\\`::&lt;/details&gt;&lt;b&gt;\\\\x1B\\[2J\\|a\\`b\\` \\[x\\](http\\://x) \\\\xFF |"));
    assert_non_null(strstr(text, "'new\\|&lt;i&gt;.json'"));
    assert_null(strchr(text, '\033'));
    free(text);
    text = shown(&sample, &(struct tare_view_options){0}, TARE_FORMAT_TABLE);
    assert_non_null(strstr(text, "\\x1B[2J"));
    assert_null(strchr(text, '\033'));
    free(text);
    text = shown(&sample, &(struct tare_view_options){.color = true}, TARE_FORMAT_TABLE);
    assert_non_null(strstr(text, "\033[1;31mslower\033[0m\n"));
    free(text);
    release_sample(&sample);
}

static size_t count_char(const char *text, char wanted)
{
    size_t count = 0;
    for (; *text != '\0' && *text != '\n'; text++) {
        count += *text == wanted;
    }
    return count;
}

static void csv_has_a_line_for_each_row(void **state)
{
    (void)state;
    struct sample sample;
    make_sample(&sample, NULL);
    char *text = shown(&sample, &(struct tare_view_options){.columns = NULL}, TARE_FORMAT_CSV);
    size_t fields = count_char(text, ','), lines = 0;
    assert_memory_equal(text, "file,module,name,presence,verdict,", 34);
    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        assert_int_equal(count_char(line, ','), fields);
        lines++;
    }
    assert_int_equal(lines, ROWS + 1);
    assert_non_null(strstr(text, "\nnew.json,,ring_write/64,both,slower,false,"));
    assert_non_null(strstr(text, ",1.081,1.099,"));
    assert_non_null(strstr(text, "\nnew.json,,old_one,removed,,,,,,,,,,"));
    free(text);
    sample.rows[0].name = "a,\"b\"";
    assert_contains(&sample, &(struct tare_view_options){0}, TARE_FORMAT_CSV,
                    "\nnew.json,,\"a,\"\"b\"\"\",both,");
    release_sample(&sample);
}

static void numbers_have_a_point_in_every_locale(void **state)
{
    (void)state;
    struct sample sample;
    make_sample(&sample, NULL);
    const enum tare_format formats[] = {TARE_FORMAT_TABLE, TARE_FORMAT_CSV, TARE_FORMAT_MARKDOWN};
    for (size_t i = 0; i < COUNT(formats); i++) {
        char *plain = shown(&sample, &(struct tare_view_options){0}, formats[i]);
        if (!comma_locale_begin()) {
            fputs("no locale with a decimal comma is installed, and localedef(1) made none\n", stderr);
            skip();
        }
        char *foreign = shown(&sample, &(struct tare_view_options){0}, formats[i]);
        comma_locale_end();
        assert_string_equal(foreign, plain);
        free(plain);
        free(foreign);
    }
    release_sample(&sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_has_changes_with_their_intervals),
        cmocka_unit_test(without_utf8_the_table_is_ascii),
        cmocka_unit_test(a_terminal_is_not_overrun),
        cmocka_unit_test(columns_can_be_chosen),
        cmocka_unit_test(a_change_from_or_to_nothing_is_a_bound),
        cmocka_unit_test(notes_say_why),
        cmocka_unit_test(what_was_not_measured_alike_comes_with_a_warning),
        cmocka_unit_test(a_control_is_shown),
        cmocka_unit_test(markdown_folds_away_what_did_not_change),
        cmocka_unit_test(names_do_not_become_markup_or_commands),
        cmocka_unit_test(csv_has_a_line_for_each_row),
        cmocka_unit_test(numbers_have_a_point_in_every_locale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
