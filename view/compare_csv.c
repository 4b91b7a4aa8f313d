/* SPDX-License-Identifier: MIT */
/*
 * A comparison as CSV for programs, a line for each row of each new result, as view/csv.c writes it: units in
 * the names of the fields, all digits, and nothing where something is unknown. And the formats by name.
 */
#include "view/compare_cells.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>

#include "view/escape.h"

static const char *const presence_names[] = {
    [TARE_COMPARED_BOTH] = "both",
    [TARE_COMPARED_REMOVED] = "removed",
    [TARE_COMPARED_ADDED] = "added",
};

static void put_number(FILE *out, double value)
{
    char number[TARE__VIEW_NUMBER];
    putc(',', out);
    if (isfinite(value)) {
        fputs(tare__view_number(number, value), out);
    }
}

static void put_text(FILE *out, const char *text)
{
    putc(',', out);
    tare__escape_csv(out, text);
}

static void put_header(FILE *out)
{
    static const char *const sides[] = {"old", "new"};
    fputs(
        "file,module,name,presence,verdict,within_margin,ratio,ratio_low,ratio_high,difference_ns,"
        "difference_low_ns,difference_high_ns,smallest,control_ratio,control_low,control_high,control_differs",
        out);
    for (size_t i = 0; i < 2; i++) {
        fprintf(out, ",%s_ns,%s_low_ns,%s_high_ns,%s_limit_ns,%s_count,%s_dropped", sides[i], sides[i],
                sides[i], sides[i], sides[i], sides[i]);
        for (size_t j = 0; j < TARE_COMPARED_PERCENTILES; j++) {
            fprintf(out, ",%s_%s_ns", sides[i], tare_compared_percentiles[j]);
        }
    }
    fputs(",why\n", out);
}

static void put_side(FILE *out, const struct tare_compared_side *side)
{
    put_number(out, side->ns);
    put_number(out, side->low_ns);
    put_number(out, side->high_ns);
    put_number(out, side->limit_ns);
    if (side->there) {
        fprintf(out, ",%" PRIu64 ",%" PRIu64, side->count, side->dropped);
    } else {
        fputs(",,", out);
    }
    for (size_t i = 0; i < TARE_COMPARED_PERCENTILES; i++) {
        put_number(out, side->percentile_ns[i]);
    }
}

static void put_row(FILE *out, const char *file, const struct tare_compared_row *row, bool controlled)
{
    const struct tare_comparison *comparison = &row->comparison;
    bool both = row->presence == TARE_COMPARED_BOTH;
    tare__escape_csv(out, file);
    put_text(out, row->module);
    put_text(out, row->name);
    put_text(out, presence_names[row->presence]);
    put_text(out, both ? tare_verdict_names[comparison->verdict] : NULL);
    put_text(out, !both ? NULL : comparison->within_margin ? "true" : "false");
    put_number(out, comparison->ratio);
    put_number(out, comparison->low);
    put_number(out, comparison->high);
    put_number(out, row->difference_ns);
    put_number(out, row->difference_low_ns);
    put_number(out, row->difference_high_ns);
    put_number(out, comparison->smallest);
    put_number(out, comparison->control_ratio);
    put_number(out, comparison->control_low);
    put_number(out, comparison->control_high);
    put_text(out, !both || !controlled ? NULL : comparison->control_differs ? "true" : "false");
    put_side(out, &row->old);
    put_side(out, &row->new);
    put_text(out, row->why);
    putc('\n', out);
}

int tare__compare_csv(const struct tare_compare_report *report, FILE *out)
{
    put_header(out);
    for (size_t i = 0; i < report->compared->section_count; i++) {
        const struct tare_compared_section *section = &report->compared->sections[i];
        for (size_t j = 0; j < section->row_count; j++) {
            put_row(out, report->news[i].label, &section->rows[j], report->compared->controlled);
        }
    }
    return tare__view_finish(out);
}

int tare_view_compare(const struct tare_compare_report *report, const struct tare_view_options *options,
                      enum tare_format format, FILE *out)
{
    switch (format) {
    case TARE_FORMAT_TABLE:
        return tare__compare_table(report, options, out);
    case TARE_FORMAT_CSV:
        return tare__compare_csv(report, out);
    case TARE_FORMAT_MARKDOWN:
        return tare__compare_markdown(report, options, out);
    default: /* JSON is result/'s, and the others are a profile's */
        break;
    }
    return -EINVAL;
}
