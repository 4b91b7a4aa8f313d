/* SPDX-License-Identifier: MIT */
/* What a benchmark program prints when it runs by itself: a table of 80 columns, or JSON. */
#include <math.h>
#include <string.h>

#include "harness/harness.h"
#include "stats/growth.h"

enum { WIDTH = 80, NAME = 26, FIGURE = 9, GROWTH_LEAST = 4 };

/* One column's width to the right; a micro sign is two bytes and one column. */
static void put_figure(FILE *out, const char *text)
{
    int bytes_more = strstr(text, "\302\265") != NULL ? 1 : 0;
    fprintf(out, "%*s", FIGURE + bytes_more, text);
}

static void put_time(FILE *out, double ns)
{
    char text[DECIMAL_MAX];
    put_figure(out, tare__bench_time(text, ns));
}

static void put_rule(FILE *out)
{
    for (int i = 0; i < WIDTH; i++) {
        fputc('-', out);
    }
    fputc('\n', out);
}

static void row(FILE *out, const struct shown *shown)
{
    const struct tare_summary *summary = &shown->summary;
    fprintf(out, "%-*s", NAME, shown->unit->name);
    if (strlen(shown->unit->name) >= NAME) {
        fprintf(out, "\n%*s", NAME, "");
    }
    put_time(out, summary->median);
    put_time(out, (summary->median_high - summary->median_low) / 2);
    put_time(out, summary->mad);
    put_time(out, summary->min);
    put_time(out, summary->p99);
    put_time(out, shown->first_ns);
    fputc('\n', out);
}

static void details(FILE *out, const struct shown *shown)
{
    char text[DECIMAL_MAX];
    double seconds = shown->summary.median * 1e-9 / shown->unit->threads;
    fputs("    ", out);
    if (seconds > 0 && !isnan(shown->bytes)) {
        fprintf(out, "%s, ", tare__bench_rate(text, shown->bytes / seconds, "B"));
    }
    if (seconds > 0 && !isnan(shown->items)) {
        fprintf(out, "%s, ", tare__bench_rate(text, shown->items / seconds, "items"));
    }
    fprintf(out, "loop %s, %zu x %llu iterations", tare__bench_time(text, shown->loop_ns), shown->samples,
            (unsigned long long)shown->iterations);
    if (!shown->settled) {
        fputs(", not settled", out);
    } else if (shown->warmup != 0) {
        fprintf(out, ", %zu warm-up", shown->warmup);
    }
    fputc('\n', out);
}

static void inner_timers(FILE *out, const struct shown *shown)
{
    char calls[DECIMAL_MAX], time[DECIMAL_MAX];
    for (size_t i = 0; i < shown->timer_count; i++) {
        const struct inner_timer *timer = &shown->timers[i];
        tare__bench_decimal(calls, timer->calls, timer->calls < 0.1 ? 5 : timer->calls < 10 ? 2 : 0);
        fprintf(out, "    timer %s: %s calls of %s net\n", timer->name, calls,
                tare__bench_time(time, timer->net_ns));
    }
}

/* A string of JSON. Ours are printable; what is not comes out as '?'. */
static void put_string(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') {
            fputc('\\', out);
        }
        fputc(*text >= ' ' && *text <= '~' ? *text : '?', out);
    }
    fputc('"', out);
}

static void put_member(FILE *out, const char *name, double value)
{
    char text[DECIMAL_MAX];
    fprintf(out, ", \"%s\": %s", name, tare__bench_decimal(text, value, 4) ? text : "null");
}

static void json_row(FILE *out, const struct shown *shown)
{
    const struct bench_unit *unit = shown->unit;
    fputs("{\"name\": ", out);
    put_string(out, unit->name);
    fputs(", \"bench\": ", out);
    put_string(out, unit->bench->name);
    fputs(", \"args\": [", out);
    for (unsigned i = 0; i < unit->arg_count; i++) {
        fprintf(out, "%s%lld", i != 0 ? ", " : "", (long long)unit->args[i]);
    }
    fprintf(out, "], \"threads\": %u, \"failed\": ", unit->threads);
    if (shown->failed != NULL) {
        put_string(out, shown->failed);
        fputc('}', out);
        return;
    }
    const struct tare_summary *summary = &shown->summary;
    fprintf(out, "null, \"samples\": %zu, \"warmup_samples\": %zu, \"settled\": %s, \"iterations\": %llu",
            shown->samples, shown->warmup, shown->settled ? "true" : "false",
            (unsigned long long)shown->iterations);
    put_member(out, "median_ns", summary->median);
    put_member(out, "median_low_ns", summary->median_low);
    put_member(out, "median_high_ns", summary->median_high);
    put_member(out, "mad_ns", summary->mad);
    put_member(out, "min_ns", summary->min);
    put_member(out, "p99_ns", summary->p99);
    put_member(out, "first_ns", shown->first_ns);
    put_member(out, "loop_ns", shown->loop_ns);
    put_member(out, "bytes", shown->bytes);
    put_member(out, "items", shown->items);
    fputs(", \"timers\": [", out);
    for (size_t i = 0; i < shown->timer_count; i++) {
        fputs(i != 0 ? ", {\"name\": " : "{\"name\": ", out);
        put_string(out, shown->timers[i].name);
        put_member(out, "calls", shown->timers[i].calls);
        put_member(out, "net_ns", shown->timers[i].net_ns);
        fputc('}', out);
    }
    fputs("]}", out);
}

void tare__bench_show_begin(struct show *show)
{
    if (show->json) {
        fprintf(show->out, "{\"schema\": 1, \"clock\": \"%s\", \"benchmarks\": [",
                tare__clock_name(tare__bench_clock));
        return;
    }
    static const char *const columns[] = {"median", "95% +-", "MAD", "min", "p99", "first"};
    fprintf(show->out, "%-*s", NAME, "benchmark");
    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
        put_figure(show->out, columns[i]);
    }
    fputc('\n', show->out);
    put_rule(show->out);
}

void tare__bench_show(struct show *show, const struct shown *shown)
{
    if (show->json) {
        fputs(show->rows != 0 ? ",\n  " : "\n  ", show->out);
        json_row(show->out, shown);
    } else if (shown->failed != NULL) {
        bool skip = strncmp(shown->failed, BENCH_SKIPPED, strlen(BENCH_SKIPPED)) == 0;
        fprintf(show->out, "%-*s %s%s\n", NAME - 1, shown->unit->name, skip ? "" : "failed: ", shown->failed);
    } else {
        row(show->out, shown);
        details(show->out, shown);
        inner_timers(show->out, shown);
    }
    show->rows++;
    fflush(show->out);
}

/* Whether b is a's case with another value of argument `arg`. */
static bool differ_in(const struct bench_unit *a, const struct bench_unit *b, unsigned arg)
{
    for (unsigned i = 0; i < a->arg_count && i < b->arg_count; i++) {
        if (i != arg && a->args[i] != b->args[i]) {
            return false;
        }
    }
    return a->bench == b->bench && a->threads == b->threads && a->arg_count == b->arg_count;
}

static void show_fit(FILE *out, const struct bench_unit *unit, unsigned arg, const struct tare_growth *growth)
{
    char base[DECIMAL_MAX], factor[DECIMAL_MAX], error[DECIMAL_MAX];
    fprintf(out, "%s", unit->bench->name);
    for (unsigned i = 0; i < unit->arg_count; i++) {
        if (i == arg) {
            fputs("/n", out);
        } else {
            fprintf(out, "/%lld", (long long)unit->args[i]);
        }
    }
    if (unit->threads > 1) {
        fprintf(out, "/threads:%u", unit->threads);
    }
    fprintf(out, ": %s", tare_growth_names[growth->best]);
    if (!growth->clear) {
        fprintf(out, " or %s", tare_growth_names[growth->second]);
    }
    tare__bench_decimal(error, growth->error * 100, 1);
    tare__bench_time(base, growth->base);
    if (growth->best == TARE_GROWTH_CONSTANT) {
        fprintf(out, ", %s (off by %s %%)\n", base, error);
    } else {
        const char *name = tare_growth_names[growth->best]; /* "O(n log n)" */
        fprintf(out, ", %s + %s x %.*s (off by %s %%)\n", base, tare__bench_time(factor, growth->factor),
                (int)strlen(name) - 3, name + 2, error);
    }
}

void tare__bench_show_growth(struct show *show, const struct shown *shown, size_t count)
{
    double arguments[BENCH_CASES_MAX], times[BENCH_CASES_MAX];
    const struct bench_unit *first_unit = count != 0 ? shown[0].unit : NULL;
    for (unsigned arg = 0; !show->json && first_unit != NULL && arg < TARE_BENCH_ARGS_MAX; arg++) {
        for (size_t i = 0; i < count; i++) {
            const struct bench_unit *unit = shown[i].unit;
            size_t found = 0;
            bool seen = false;
            for (size_t k = 0; k < count && arg < unit->arg_count; k++) {
                if (differ_in(unit, shown[k].unit, arg)) {
                    seen = seen || k < i;
                    if (shown[k].failed == NULL && shown[k].unit->args[arg] > 0 &&
                        shown[k].summary.median > 0) {
                        arguments[found] = (double)shown[k].unit->args[arg];
                        times[found++] = shown[k].summary.median;
                    }
                }
            }
            struct tare_growth growth;
            if (!seen && found >= GROWTH_LEAST && tare_growth_fit(arguments, times, found, &growth) == 0) {
                show_fit(show->out, unit, arg, &growth);
            }
        }
    }
    fflush(show->out);
}

void tare__bench_show_end(struct show *show, const char *program)
{
    if (show->json) {
        fputs("\n]}\n", show->out);
        return;
    }
    put_rule(show->out);
    fprintf(show->out,
            "One process: one layout of its memory, one start. Many, and comparisons:\n  tare bench %s\n",
            program);
}
