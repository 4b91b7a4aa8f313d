/* SPDX-License-Identifier: MIT */
/* What `tare dual` found, as a table and as JSON (schema "tare-dual"). */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/dual.h"
#include "view/bench_text.h"

/* A sentence, or what is as long: on a terminal wrapped, with later lines indented by `hang`. */
__attribute__((format(printf, 5, 6))) static void put(const struct dual *dual, FILE *out, size_t indent,
                                                      size_t hang, const char *format, ...)
{
    const struct tare_view_options *view = &dual->output.view;
    struct tare__lines_out lines = {
        .out = out, .options = view, .width = view->width > 0 ? (size_t)view->width : SIZE_MAX};
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0) {
        text = NULL;
    }
    va_end(arguments);
    tare__lines_put(&lines, indent, hang, NULL, text != NULL ? text : "-", "");
    free(text);
}

/* "12.3 ms", with as many digits as are known. */
static char *duration(char text[32], double ns, bool ascii)
{
    static const struct {
        double ns;
        const char *name, *plain;
    } units[] = {{1, "ns", "ns"}, {1e3, "µs", "us"}, {1e6, "ms", "ms"}, {1e9, "s", "s"}};
    size_t i = 0;
    if (isnan(ns)) {
        strcpy(text, "-");
        return text;
    }
    while (i < 3 && fabs(ns) >= units[i + 1].ns) {
        i++;
    }
    double value = ns / units[i].ns;
    snprintf(text, 32, "%.*f %s",
             value < 10    ? 3
             : value < 100 ? 2
                           : 1,
             value, ascii ? units[i].plain : units[i].name);
    return text;
}

/* "+1.6 % (+1.2 to +2.1 %)" */
static char *change(char text[80], double ratio, double low, double high)
{
    if (isnan(ratio)) {
        strcpy(text, "-");
    } else if (isnan(low) || isnan(high)) {
        snprintf(text, 80, "%+.2f %%", 100 * (ratio - 1));
    } else {
        snprintf(text, 80, "%+.2f %% (%+.2f to %+.2f %%)", 100 * (ratio - 1), 100 * (low - 1),
                 100 * (high - 1));
    }
    return text;
}

const struct tare_result_arm *dual_arm(const struct tare_result_benchmark *benchmark, const char *label)
{
    for (size_t i = 0; i < benchmark->arm_count; i++) {
        if (strcmp(benchmark->arms[i].label, label) == 0) {
            return &benchmark->arms[i];
        }
    }
    return NULL;
}

static void print_arm(FILE *out, const char *name, const struct tare_result_arm *arm, bool ascii)
{
    char median[32], error[32] = "-";
    double half = NAN;
    if (arm != NULL && arm->summary.n != 0) {
        half =
            fmax(arm->summary.median_high - arm->summary.median, arm->summary.median - arm->summary.median_low);
    }
    duration(error, half, ascii);
    fprintf(out, "  %-24s %12s  %s %s\n", name,
            duration(median, arm != NULL && arm->summary.n != 0 ? arm->summary.median : NAN, ascii),
            ascii ? "+-" : "±", error);
    if (arm != NULL && arm->failure != NULL) {
        char *failure = printable(arm->failure);
        fprintf(out, "    failed: %s\n", failure != NULL ? failure : "-");
        free(failure);
    }
}

static void print_benchmark(const struct dual *dual, FILE *out, const struct tare_result_benchmark *benchmark,
                            bool named)
{
    bool ascii = dual->output.view.ascii;
    char text[80];
    if (named) {
        char *name = printable(benchmark->name);
        fprintf(out, "%s\n", name != NULL ? name : "-");
        free(name);
    }
    print_arm(out, "maximum performance", dual_arm(benchmark, "A"), ascii);
    print_arm(out, "instrumented", dual_arm(benchmark, "B"), ascii);
    for (size_t i = 0; i < benchmark->comparison_count; i++) {
        const struct tare_comparison *comparison = &benchmark->comparisons[i].comparison;
        fprintf(out, "  %-24s %s: %s\n", "cost of instrumentation",
                change(text, comparison->ratio, comparison->low, comparison->high),
                tare_verdict_names[comparison->verdict]);
        if (benchmark->comparisons[i].reason != NULL) {
            /* A ratio of 1 is a change of 0 %, which is what stands in this line. */
            const char *reason = benchmark->comparisons[i].reason;
            static const char one[] = "the interval holds 1 ";
            bool of_ratio = strncmp(reason, one, sizeof(one) - 1) == 0;
            put(dual, out, 4, 4, "%s%s", of_ratio ? "the interval holds 0 % " : "",
                reason + (of_ratio ? sizeof(one) - 1 : 0));
        }
    }
}

static void print_modes(const struct dual *dual, FILE *out)
{
    if (dual->mode_count == 0) {
        return;
    }
    fprintf(out, "\nprofiling the instrumented build, %g samples a second\n", dual->frequency_hz);
    fprintf(out, "  %-9s %-20s %s\n", "mode", "expected", "measured");
    for (size_t i = 0; i < dual->mode_count; i++) {
        const struct dual_mode *mode = &dual->modes[i];
        char text[80], expected[80];
        if (isnan(mode->expected_high)) {
            snprintf(expected, sizeof(expected), "-");
        } else {
            snprintf(expected, sizeof(expected), "+%.2f to +%.2f %%", 100 * mode->expected_low,
                     100 * mode->expected_high);
        }
        bool more = mode->problem == NULL && mode->overhead.low > 1 + mode->expected_high;
        fprintf(out, "  %-9s %-20s %s%s\n", mode->name, expected,
                mode->problem != NULL
                    ? mode->problem
                    : change(text, mode->overhead.ratio, mode->overhead.low, mode->overhead.high),
                more ? ": more than expected" : "");
    }
}

/* The first of the flags that begins so; "" for none. */
static const char *flag_of(const char *flags, const char *begin, char text[32])
{
    text[0] = '\0';
    for (const char *at = flags; at != NULL && *at != '\0';) {
        size_t length = strcspn(at, " ");
        if (strncmp(at, begin, strlen(begin)) == 0 && length < 32) {
            memcpy(text, at, length);
            text[length] = '\0';
            break;
        }
        at += length + strspn(at + length, " ");
    }
    return text;
}

/* What its compilers wrote down of themselves. */
static void print_recorded(const struct dual *dual, FILE *out, const struct tare_binary *binary)
{
    const struct tare_flags *flags = &binary->flags[0]; /* of most units */
    char more[64] = "";
    if (binary->flags_count > 1) {
        snprintf(more, sizeof(more), "; %zu other compilers or sets of flags", binary->flags_count - 1);
    }
    put(dual, out, 4, 16, "built by    %s%s%s%s", flags->compiler,
        flags->words != NULL          ? " "
        : flags->optimisation != NULL ? ""
                                      : ", which recorded no flags",
        flags->words != NULL ? flags->words : "", more);
}

/* Whether a build of ours shows that its command took the flags: as far as compilers wrote down what they were told. */
static void note_flags(const struct dual *dual, FILE *out, const struct dual_build *build)
{
    static const char cause[] = "its command did not heed the flags (CFLAGS, CXXFLAGS, RUSTFLAGS)";
    const struct tare_binary *binary = &build->binary;
    char level[32], debug[32];
    const char *other = NULL;
    bool heeded = false;
    if (flag_of(build->flags.compile, "-O", level)[0] == '\0') {
        return; /* Cargo's settings, which rustc does not write down */
    }
    for (size_t i = 0; i < binary->flags_count; i++) {
        const char *recorded = binary->flags[i].optimisation;
        heeded = heeded || (recorded != NULL && strcmp(recorded, level) == 0);
        other = other == NULL ? recorded : other;
    }
    if (other != NULL && !heeded) {
        put(dual, out, 0, 6, "note: nothing of the %s build was compiled with %s, but with %s: %s",
            build->profile, level, other, cause);
    } else if (binary->debug.level == TARE_DEBUG_NONE &&
               flag_of(build->flags.compile, "-g", debug)[0] != '\0') {
        put(dual, out, 0, 6,
            "note: the %s build has no debug information, which %s asks for: %s, or takes it out again",
            build->profile, debug, cause);
    }
}

/* Whether each build is what it is called. */
static void note_builds(const struct dual *dual, FILE *out)
{
    const struct dual_build *fast = &dual->builds[DUAL_FAST];
    const struct dual_build *instrumented = &dual->builds[DUAL_INSTRUMENTED];
    for (size_t i = 0; i < DUAL_BUILDS; i++) {
        if (dual->builds[i].has_binary && dual->builds[i].given == NULL) {
            note_flags(dual, out, &dual->builds[i]);
        }
    }
    if (fast->has_binary && fast->binary.frames.kept == TARE_KEPT_YES) {
        put(dual, out, 0, 6,
            "note: the fast build keeps frame pointers, too: what they cost is not in the comparison");
    }
    if (instrumented->has_binary && instrumented->binary.frames.kept != TARE_KEPT_YES &&
        instrumented->binary.frames.kept != TARE_KEPT_UNKNOWN) {
        put(dual, out, 0, 6, "note: the instrumented build does not keep frame pointers: %s",
            instrumented->given != NULL ? "build it with 'tare flags --profile instrumented'"
                                        : "its command did not heed the flags (CFLAGS, CXXFLAGS, RUSTFLAGS)");
    }
}

/* Which flags, which command, and whether the executable shows that they were heeded. */
static void print_builds(const struct dual *dual, FILE *out)
{
    fputs("\nbuilds\n", out);
    for (size_t i = 0; i < DUAL_BUILDS; i++) {
        const struct dual_build *build = &dual->builds[i];
        char share[TARE_SHARE_TEXT];
        fprintf(out, "  %-13s %s\n", build->profile, build->given != NULL ? build->given : dual->build);
        if (build->given == NULL) {
            put(dual, out, 4, 16, "flags       %s%s%s%s%s", build->flags.cargo,
                build->flags.cargo[0] != '\0' ? " " : "", build->flags.compile,
                build->flags.link[0] != '\0' ? " " : "", build->flags.link);
            fprintf(out, "    commit      %s\n", build->worktree.commit);
        }
        if (build->has_binary && build->binary.flags_count != 0) {
            print_recorded(dual, out, &build->binary);
        }
        if (build->has_binary) {
            fprintf(out, "    frames      %s of its functions keep frame pointers\n",
                    tare_frame_pointers_share(&build->binary.frames, share));
        }
    }
    note_builds(dual, out);
    fputs("\ncommands\n", out);
    for (size_t i = 0; i < DUAL_BUILDS; i++) {
        const struct dual_build *build = &dual->builds[i];
        if (build->build_command != NULL) {
            fprintf(out, "  %s # %s\n", build->build_command, build->shown);
        }
    }
    fprintf(out, "  %s\n", dual->bench_command);
    for (size_t i = 0; i < DUAL_BUILDS; i++) {
        fprintf(out, "  %s # of %s, not run here\n", dual->builds[i].profile_command, dual->builds[i].profile);
    }
    for (size_t i = 0; i < dual->mode_count; i++) {
        if (dual->modes[i].command != NULL) {
            fprintf(out, "  %s\n", dual->modes[i].command);
        }
    }
    if (dual->build != NULL) {
        put(dual, out, 0, 6,
            "note: each build is one of %.12s in a tree of its own; the commands name %s '%s'%s",
            dual->builds[DUAL_FAST].worktree.commit, dual->keep != NULL ? "the copies of" : "what was",
            dual->program,
            dual->keep != NULL ? " that were kept"
                               : " there by a name to keep it by (--keep DIR makes such copies)");
    }
}

/* Returns 0 or -errno, as all stream_writers do. */
static int finish(FILE *out)
{
    errno = 0;
    return fflush(out) != 0 || ferror(out) ? -EIO : 0;
}

int dual_write_table(void *data, FILE *out)
{
    const struct dual *dual = data;
    const struct tare_result_bench *bench = dual->result->bench;
    for (size_t i = 0; i < bench->benchmark_count; i++) {
        print_benchmark(dual, out, &bench->benchmarks[i], bench->benchmark_count > 1);
    }
    print_modes(dual, out);
    print_builds(dual, out);
    return finish(out);
}

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *text_of(const char *text)
{
    json_t *value = text != NULL ? json_string(text) : NULL;
    return value != NULL ? value : json_null(); /* also what is not UTF-8 */
}

static json_t *arm_value(const struct tare_result_arm *arm)
{
    if (arm == NULL) {
        return json_null();
    }
    bool any = arm->summary.n != 0;
    return json_pack("{s:o, s:o, s:o, s:I, s:o}", "median_ns", number(any ? arm->summary.median : NAN),
                     "low_ns", number(any ? arm->summary.median_low : NAN), "high_ns",
                     number(any ? arm->summary.median_high : NAN), "n", (json_int_t)arm->summary.n, "failure",
                     text_of(arm->failure));
}

static json_t *benchmark_value(const struct tare_result_benchmark *benchmark)
{
    json_t *value =
        json_pack("{s:o, s:o, s:o}", "name", text_of(benchmark->name), "fast",
                  arm_value(dual_arm(benchmark, "A")), "instrumented", arm_value(dual_arm(benchmark, "B")));
    if (value != NULL && benchmark->comparison_count != 0) {
        const struct tare_comparison *comparison = &benchmark->comparisons[0].comparison;
        json_object_set_new(value, "cost",
                            json_pack("{s:o, s:o, s:o, s:s, s:o}", "ratio", number(comparison->ratio), "low",
                                      number(comparison->low), "high", number(comparison->high), "verdict",
                                      tare_verdict_names[comparison->verdict], "reason",
                                      text_of(benchmark->comparisons[0].reason)));
    } else if (value != NULL) {
        json_object_set_new(value, "cost", json_null());
    }
    return value;
}

static json_t *build_value(const struct dual *dual, const struct dual_build *build)
{
    const struct tare_frame_pointers *frames = &build->binary.frames;
    bool built = build->given == NULL, counted = build->has_binary && frames->counted != 0;
    const struct tare_flags *recorded =
        build->has_binary && build->binary.flags_count != 0 ? &build->binary.flags[0] : NULL;
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "profile", build->profile,
                     "compiler", text_of(recorded != NULL ? recorded->compiler : NULL), "recorded_flags",
                     text_of(recorded != NULL ? recorded->words : NULL), "executable",
                     built && dual->keep == NULL ? json_null() : text_of(build->shown), "command",
                     text_of(built ? dual->build : NULL), "build_command", text_of(build->build_command),
                     "profile_command", text_of(build->profile_command), "flags", text_of(build->flags.compile),
                     "link_flags", text_of(build->flags.link), "cargo", text_of(build->flags.cargo), "commit",
                     text_of(build->worktree.commit), "frame_pointers",
                     number(counted ? (double)frames->kept_count / (double)frames->counted : NAN));
}

static json_t *mode_value(const struct dual *dual, const struct dual_mode *mode)
{
    bool measured = mode->problem == NULL;
    return json_pack("{s:s, s:f, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "mode", mode->name, "frequency_hz",
                     dual->frequency_hz, "ratio", number(measured ? mode->overhead.ratio : NAN), "low",
                     number(measured ? mode->overhead.low : NAN), "high",
                     number(measured ? mode->overhead.high : NAN), "expected_low",
                     number(1 + mode->expected_low), "expected_high", number(1 + mode->expected_high),
                     "command", text_of(mode->command), "problem", text_of(mode->problem));
}

int dual_write_json(void *data, FILE *out)
{
    const struct dual *dual = data;
    const struct tare_result_bench *bench = dual->result->bench;
    json_t *benchmarks = json_array(), *builds = json_array(), *modes = json_array();
    bool fine = benchmarks != NULL && builds != NULL && modes != NULL;
    for (size_t i = 0; fine && i < bench->benchmark_count; i++) {
        fine = json_array_append_new(benchmarks, benchmark_value(&bench->benchmarks[i])) == 0;
    }
    for (size_t i = 0; fine && i < DUAL_BUILDS; i++) {
        fine = json_array_append_new(builds, build_value(dual, &dual->builds[i])) == 0;
    }
    for (size_t i = 0; fine && i < dual->mode_count; i++) {
        fine = json_array_append_new(modes, mode_value(dual, &dual->modes[i])) == 0;
    }
    json_t *root = json_pack("{s:s, s:i, s:o, s:o, s:o, s:o}", "schema", "tare-dual", "schema_version", 1,
                             "builds", builds, "benchmarks", benchmarks, "modes", modes, "bench_command",
                             text_of(dual->bench_command));
    fine = fine && root != NULL && json_dumpf(root, out, JSON_INDENT(2)) == 0 && fputc('\n', out) != EOF;
    json_decref(root);
    return fine ? finish(out) : ferror(out) ? -EIO : -ENOMEM;
}
