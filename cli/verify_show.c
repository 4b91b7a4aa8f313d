/* SPDX-License-Identifier: MIT */
/* What `tare verify` found, as a table for people. The last line is one to quote. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/verify.h"
#include "runtime/clock.h"
#include "runtime/text.h"

enum { NAME_WIDTH = 13, TIME_WIDTH = 11, COVERED_WIDTH = 10 };

const char *verify_mode_name(const struct verify_mode *mode)
{
    static const char *const sums_only[] = {
        [TARE_CLOCK_NONE] = "none, sums only",
        [TARE_CLOCK_TSC_ORDERED] = "tsc-ordered, sums only",
        [TARE_CLOCK_TSC] = "tsc, sums only",
        [TARE_CLOCK_CLOCK] = "clock, sums only",
    };
    return mode->histograms ? tare__clock_name(mode->clock) : sums_only[mode->clock];
}

static void print_time(FILE *out, double ns, const char *micro)
{
    char text[TARE_TEXT_TIME];
    tare__text_pad(out, tare__text_time(text, ns, micro), -TIME_WIDTH);
}

/* A rung of which the ± is too small by itself, whatever the others do. */
static bool seldom_covered(const struct tare_verify_summary *summary)
{
    return !tare_verify_holds(summary->covered, summary->cases);
}

static void print_row(FILE *out, const struct verify_timer *timer, const char *micro)
{
    const struct tare_verify_summary *summary = &timer->summary;
    char covered[32];
    tare__text_pad(out, timer->name, NAME_WIDTH);
    print_time(out, summary->truth_ns, micro);
    print_time(out, summary->raw_ns, micro);
    print_time(out, summary->net_ns, micro);
    print_time(out, summary->half_ns, micro);
    print_time(out, summary->error_ns, micro);
    snprintf(covered, sizeof(covered), "%zu/%zu%s", summary->covered, summary->cases,
             seldom_covered(summary) ? "*" : "");
    tare__text_pad(out, covered, -COVERED_WIDTH);
    fputc('\n', out);
}

/* Upwards: what is claimed has to stay true when it is rounded. */
static double up(double value, double step)
{
    return ceil(value / step - 1e-9) * step;
}

/* "0.9 ns or 2.1 %", "2.1 %"; "-" where there is nothing to claim. */
static void bound_text(char *text, size_t size, const struct tare_verify_bound *bound)
{
    bool in_ns = !isnan(bound->absolute_ns), in_percent = !isnan(bound->relative);
    size_t at = (size_t)snprintf(text, size, "%s", in_ns || in_percent ? "" : "-");
    if (in_ns) {
        at += (size_t)snprintf(text, size, "%.1f ns", up(bound->absolute_ns, 0.1));
    }
    if (in_percent && at < size) {
        snprintf(text + at, size - at, "%s%.1f %%", in_ns ? " or " : "", up(bound->relative * 100, 0.1));
    }
}

static void print_bound(FILE *out, const char *what, const struct tare_verify_bound *bound)
{
    char text[64];
    bound_text(text, sizeof(text), bound);
    fprintf(out, "%s within %s\n", what, text);
}

static double percent(uint64_t part, uint64_t whole)
{
    return whole != 0 ? (double)part / (double)whole * 100 : NAN;
}

static void print_mode(FILE *out, const struct verify_mode *mode, const char *micro, const char *plus_minus)
{
    static const char *const titles[] = {"truth", "raw", "net", NULL, "error", "covered"};
    const struct verify_run *run = mode->run;
    fprintf(out, "%s: %u repetitions, %.1f %% of %llu pairs dropped%s\n\n", verify_mode_name(mode),
            run->repetitions, percent(mode->dropped, mode->pairs), (unsigned long long)mode->pairs,
            run->complete ? "" : "; interrupted");
    tare__text_pad(out, "rung", NAME_WIDTH);
    for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++) {
        tare__text_pad(out, titles[i] != NULL ? titles[i] : plus_minus, i < 5 ? -TIME_WIDTH : -COVERED_WIDTH);
    }
    fputc('\n', out);
    for (size_t i = 0; i < mode->timer_count; i++) {
        print_row(out, &mode->timers[i], micro);
    }
    for (size_t i = 0; i < run->rung_count; i++) {
        if (run->rungs[i].skipped[0] != '\0') {
            tare__text_pad(out, run->rungs[i].name, NAME_WIDTH);
            fprintf(out, " skipped: %s\n", run->rungs[i].skipped);
        }
    }
    bool seldom = false;
    for (size_t i = 0; i < mode->timer_count; i++) {
        seldom |= seldom_covered(&mode->timers[i].summary);
    }
    fprintf(out, "%s\ncovered %llu of %llu: %.1f %% (%.1f to %.1f at 95 %%), %.0f %% wanted%s\n",
            seldom ? "\n* in fewer than wanted of its own repetitions\n" : "",
            (unsigned long long)mode->covered, (unsigned long long)mode->cases,
            percent(mode->covered, mode->cases), mode->coverage.low * 100, mode->coverage.high * 100,
            TARE_VERIFY_COVERAGE * 100, mode->judged ? "" : "; not judged");
    print_bound(out, "single scopes from 5 ns up:", &mode->single);
    print_bound(out, "levels of the nest:", &mode->nest);
    fputc('\n', out);
}

/* Of the first mode that ran: all of them have the same. */
static void print_rings(FILE *out, const struct verify *verify)
{
    const struct verify_run *run = NULL;
    for (size_t i = 0; i < verify->mode_count && run == NULL; i++) {
        run = verify->modes[i].measured ? verify->modes[i].run : NULL;
    }
    bool assumed = false;
    for (size_t i = 0; run != NULL && i < VERIFY_LEVELS_MAX && run->rings[i].bytes != 0; i++) {
        const struct verify_ring *ring = &run->rings[i];
        fprintf(out, "%s %s: %.0f KiB%s", i == 0 ? "loads go round" : ",", ring->name,
                (double)ring->bytes / 1024, ring->known ? "" : "*");
        assumed |= !ring->known;
    }
    if (run != NULL && run->rings[0].bytes != 0) {
        fprintf(out, "\n%s", assumed ? "* the size of a cache is not known, and a usual one was taken\n" : "");
    }
}

/* One line for each clock that is judged: of the two modes of one clock, that with histograms. */
static void print_quotes(FILE *out, const struct verify *verify, const char *plus_minus)
{
    for (size_t i = 0; i < verify->mode_count; i++) {
        const struct verify_mode *mode = &verify->modes[i];
        if (mode->judged && mode->histograms && verify_mode_complete(mode)) {
            char text[64];
            bool holds = tare_verify_holds(mode->covered, mode->cases);
            bound_text(text, sizeof(text), &mode->single);
            fprintf(out, "on this machine: within %s from %.0f ns up (%s)%s%s%s\n", text, VERIFY_FROM_NS,
                    tare__clock_name(mode->clock), holds ? "" : ", but the ", holds ? "" : plus_minus,
                    holds ? "" : " is too small");
        }
    }
}

int verify_write_table(const struct verify *verify, FILE *out)
{
    bool utf8 = locale_is_utf8();
    for (size_t i = 0; i < verify->mode_count; i++) {
        if (verify->modes[i].measured) {
            print_mode(out, &verify->modes[i], utf8 ? "µs" : "us", utf8 ? "±" : "+-");
        }
    }
    print_rings(out, verify);
    for (size_t i = 0; i < verify->mode_count; i++) {
        if (!verify_mode_complete(&verify->modes[i])) {
            fprintf(out, "%s: interrupted%s\n", verify_mode_name(&verify->modes[i]),
                    verify->modes[i].judged ? ", so there is no verdict" : "");
        }
    }
    print_quotes(out, verify, utf8 ? "±" : "+-");
    errno = 0;
    return fflush(out) != 0 || ferror(out) ? -EIO : 0;
}
