/* SPDX-License-Identifier: MIT */
/* What `tare verify` found, as JSON: all of it, each repetition included. tare-verify(1) lists the members. */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/verify.h"
#include "runtime/clock.h"

enum { INDENT = 2, DIGITS = 9 };

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *text_or_null(const char *text)
{
    return text != NULL ? json_string(text) : json_null();
}

/* Takes over `value`; a NULL among them, or in `object`, shows when the document is written. */
static void put(json_t *object, const char *name, json_t *value, bool *failed)
{
    *failed |= json_object_set_new(object, name, value) != 0;
}

static const char *const part_names[TARE_ERROR_PARTS] = {
    [TARE_ERROR_CALIBRATION] = "calibration", [TARE_ERROR_DRIFT] = "drift",
    [TARE_ERROR_CONTEXT] = "context",         [TARE_ERROR_RATE] = "rate",
    [TARE_ERROR_GRANULARITY] = "granularity", [TARE_ERROR_SAMPLING] = "sampling",
};

static json_t *parts_value(const double part_ns[TARE_ERROR_PARTS], bool *failed)
{
    json_t *parts = json_object();
    for (int part = 0; part < TARE_ERROR_PARTS; part++) {
        put(parts, part_names[part], number(part_ns[part]), failed);
    }
    return parts;
}

/* One member of all cases. */
static json_t *column(const struct verify_timer *timer, size_t member, bool *failed)
{
    json_t *array = json_array();
    for (size_t i = 0; i < timer->case_count; i++) {
        double value;
        memcpy(&value, (const char *)&timer->cases[i] + member, sizeof(value));
        *failed |= json_array_append_new(array, number(value)) != 0;
    }
    return array;
}

static json_t *repetitions_value(const struct verify_timer *timer, bool *failed)
{
    json_t *object = json_object(), *pairs = json_array(), *covered = json_array();
    for (size_t i = 0; i < timer->case_count; i++) {
        *failed |= json_array_append_new(pairs, json_integer((json_int_t)timer->cases[i].pairs)) != 0;
        *failed |= json_array_append_new(covered, json_boolean(timer->cases[i].covered)) != 0;
    }
#define COLUMN(member) column(timer, offsetof(struct tare_verify_case, member), failed)
    put(object, "pairs", pairs, failed);
    put(object, "truth_ns", COLUMN(truth_ns), failed);
    put(object, "raw_ns", COLUMN(raw_ns), failed);
    put(object, "net_ns", COLUMN(net_ns), failed);
    put(object, "half_width_ns", COLUMN(half_ns), failed);
    put(object, "error_ns", COLUMN(error_ns), failed);
    put(object, "covered", covered, failed);
#undef COLUMN
    return object;
}

static json_t *timer_value(const struct verify_timer *timer, bool *failed)
{
    const struct tare_verify_summary *summary = &timer->summary;
    struct tare_interval coverage;
    tare_proportion_exact(summary->covered, summary->cases, 0.95, &coverage);
    json_t *object = json_object();
    put(object, "name", json_string(timer->name), failed);
    put(object, "rung", json_string(timer->rung->name), failed);
    put(object, "class", json_string(verify_class_names[timer->rung->class]), failed);
    put(object, "truth_ns", number(summary->truth_ns), failed);
    put(object, "raw_ns", number(summary->raw_ns), failed);
    put(object, "net_ns", number(summary->net_ns), failed);
    put(object, "half_width_ns", number(summary->half_ns), failed);
    put(object, "half_width_parts_ns", parts_value(summary->part_ns, failed), failed);
    put(object, "error_ns", number(summary->error_ns), failed);
    put(object, "cases", json_integer((json_int_t)summary->cases), failed);
    put(object, "covered", json_integer((json_int_t)summary->covered), failed);
    put(object, "coverage_low", number(coverage.low), failed);
    put(object, "coverage_high", number(coverage.high), failed);
    put(object, "repetitions", repetitions_value(timer, failed), failed);
    return object;
}

static json_t *bound_value(const struct tare_verify_bound *bound, bool *failed)
{
    json_t *object = json_object();
    put(object, "absolute_ns", number(bound->absolute_ns), failed);
    put(object, "relative", number(bound->relative), failed);
    put(object, "timers", json_integer((json_int_t)bound->count), failed);
    return object;
}

static json_t *costs_value(const struct tare_costs *costs, double tick_ns, bool *failed)
{
    const struct {
        const char *name;
        const struct tare_cost_ticks *cost;
    } all[] = {
        {"inner", &costs->inner},
        {"outer", &costs->outer},
        {"outer_nested", &costs->outer_nested},
        {"outer_apart", &costs->outer_apart},
    };
    json_t *object = json_object();
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        json_t *cost = json_object();
        bool known = all[i].cost->n != 0;
        put(cost, "median_ns", number(known ? all[i].cost->median * tick_ns : NAN), failed);
        put(cost, "mad_ns", number(known ? all[i].cost->mad * tick_ns : NAN), failed);
        put(cost, "n", json_integer((json_int_t)all[i].cost->n), failed);
        put(object, all[i].name, cost, failed);
    }
    return object;
}

static json_t *model_value(const struct tare_cost_model *model, bool *failed)
{
    json_t *object = json_object();
    put(object, "tick_ns", number(model->tick_ns), failed);
    put(object, "rate_error_ppm", number(model->rate_error_ppb / 1000), failed);
    put(object, "grain_ticks", number(model->grain_ticks), failed);
    put(object, "at_start", costs_value(&model->at_start, model->tick_ns, failed), failed);
    put(object, "in_run", costs_value(&model->in_run, model->tick_ns, failed), failed);
    put(object, "at_exit", costs_value(&model->at_exit, model->tick_ns, failed), failed);
    return object;
}

static json_t *cpu_or_null(int cpu)
{
    return cpu >= 0 ? json_integer(cpu) : json_null();
}

static json_t *mode_value(const struct verify_mode *mode, bool *failed)
{
    const struct verify_run *run = mode->run;
    json_t *object = json_object(), *timers = json_array(), *skipped = json_object(), *rings = json_object();
    put(object, "clock", json_string(tare__clock_name(mode->clock)), failed);
    put(object, "histograms", json_boolean(mode->histograms), failed);
    put(object, "judged", json_boolean(mode->judged), failed);
    put(object, "complete", json_boolean(verify_mode_complete(mode)), failed);
    for (size_t i = 0; i < mode->timer_count; i++) {
        *failed |= json_array_append_new(timers, timer_value(&mode->timers[i], failed)) != 0;
    }
    for (size_t i = 0; mode->measured && i < run->rung_count; i++) {
        if (run->rungs[i].skipped[0] != '\0') {
            put(skipped, run->rungs[i].name, json_string(run->rungs[i].skipped), failed);
        }
    }
    for (size_t i = 0; mode->measured && i < VERIFY_LEVELS_MAX && run->rings[i].bytes != 0; i++) {
        json_t *ring = json_object();
        put(ring, "bytes", json_integer((json_int_t)run->rings[i].bytes), failed);
        put(ring, "known", json_boolean(run->rings[i].known), failed);
        put(rings, run->rings[i].name, ring, failed);
    }
    if (mode->measured) {
        put(object, "cpu", cpu_or_null(run->cpu), failed);
        put(object, "second_cpu", cpu_or_null(run->second_cpu), failed);
        put(object, "repetitions", json_integer(run->repetitions), failed);
        put(object, "pairs", json_integer((json_int_t)mode->pairs), failed);
        put(object, "pairs_dropped", json_integer((json_int_t)mode->dropped), failed);
        put(object, "model", model_value(&mode->model, failed), failed);
        put(object, "cases", json_integer((json_int_t)mode->cases), failed);
        put(object, "covered", json_integer((json_int_t)mode->covered), failed);
        put(object, "coverage_low", number(mode->coverage.low), failed);
        put(object, "coverage_high", number(mode->coverage.high), failed);
        put(object, "single", bound_value(&mode->single, failed), failed);
        put(object, "nest", bound_value(&mode->nest, failed), failed);
    }
    put(object, "rings", rings, failed);
    put(object, "skipped", skipped, failed);
    put(object, "timers", timers, failed);
    return object;
}

static json_t *environment_value(const struct tare_environment *environment, bool *failed)
{
    json_t *object = json_object();
    put(object, "host", text_or_null(environment->host), failed);
    put(object, "machine", text_or_null(environment->machine), failed);
    put(object, "cpu_model", text_or_null(environment->cpu_model), failed);
    put(object, "cpu_count", environment->cpu_count != 0 ? json_integer(environment->cpu_count) : json_null(),
        failed);
    put(object, "kernel", text_or_null(environment->kernel), failed);
    put(object, "os", text_or_null(environment->os), failed);
    put(object, "libc", text_or_null(environment->libc), failed);
    put(object, "clocksource", text_or_null(environment->clocksource), failed);
    put(object, "governor", text_or_null(environment->governor), failed);
    put(object, "virtualization", text_or_null(environment->virtualization), failed);
    return object;
}

static json_t *document(const struct verify *verify, const struct tare_result *header, bool *failed)
{
    json_t *root = json_object(), *limits = json_object(), *modes = json_array();
    int verdict = verify_verdict(verify);
    put(root, "schema", json_string("tare-verify"), failed);
    put(root, "schema_version", json_integer(1), failed);
    put(root, "tare_version", text_or_null(header->tare_version), failed);
    put(root, "started", text_or_null(header->started), failed);
    put(root, "environment", environment_value(&header->environment, failed), failed);
    put(root, "fingerprint",
        text_or_null(header->fingerprint.hash[0] != '\0' ? header->fingerprint.hash : NULL), failed);
    put(limits, "coverage", json_real(TARE_VERIFY_COVERAGE), failed);
    put(limits, "from_ns", json_real(VERIFY_FROM_NS), failed);
    put(limits, "single_split_ns", json_real(VERIFY_SINGLE_SPLIT_NS), failed);
    put(limits, "nest_split_ns", json_real(VERIFY_NEST_SPLIT_NS), failed);
    put(root, "limits", limits, failed);
    for (size_t i = 0; i < verify->mode_count; i++) {
        *failed |= json_array_append_new(modes, mode_value(&verify->modes[i], failed)) != 0;
    }
    put(root, "modes", modes, failed);
    put(root, "complete", json_boolean(verify->interrupted == 0), failed);
    put(root, "holds", verdict < 0 ? json_null() : json_boolean(verdict != 0), failed);
    return root;
}

static bool is_flat(const json_t *value)
{
    size_t count = json_is_array(value) ? json_array_size(value) : 0;
    for (size_t i = 0; i < count; i++) {
        const json_t *member = json_array_get(value, i);
        if (json_is_array(member) || json_is_object(member)) {
            return false;
        }
    }
    return json_is_array(value);
}

/* Indented, but for arrays of plain values, which take one line each. */
static int dump(json_t *value, FILE *out, int depth)
{
    const size_t flags = JSON_ENCODE_ANY | JSON_REAL_PRECISION(DIGITS);
    if (is_flat(value) || !(json_is_object(value) || json_is_array(value))) {
        return json_dumpf(value, out, flags);
    }
    const char *key;
    size_t i = 0, index;
    json_t *member;
    int failure = 0;
    fputc(json_is_object(value) ? '{' : '[', out);
    if (json_is_object(value)) {
        json_object_foreach(value, key, member)
        {
            fprintf(out, "%s\n%*s\"%s\": ", i++ != 0 ? "," : "", INDENT * (depth + 1), "", key);
            failure |= dump(member, out, depth + 1);
        }
    } else {
        json_array_foreach(value, index, member)
        {
            fprintf(out, "%s\n%*s", i++ != 0 ? "," : "", INDENT * (depth + 1), "");
            failure |= dump(member, out, depth + 1);
        }
    }
    if (i != 0) {
        fprintf(out, "\n%*s", INDENT * depth, "");
    }
    fputc(json_is_object(value) ? '}' : ']', out);
    return failure;
}

int verify_write_json(const struct verify *verify, const struct tare_result *header, FILE *out)
{
    bool failed = false;
    json_t *root = document(verify, header, &failed);
    int failure = root == NULL || failed ? -ENOMEM : 0;
    errno = 0;
    if (failure == 0 &&
        (dump(root, out, 0) != 0 || fputc('\n', out) == EOF || fflush(out) != 0 || ferror(out))) {
        failure = -EIO;
    }
    json_decref(root);
    return failure;
}
