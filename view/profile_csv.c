/* SPDX-License-Identifier: MIT */
/*
 * A profile as CSV for programs: every function (caller, line), every figure as it is, as view/csv.c says.
 * Where there is a table for each thread, process or timer, its first columns say which.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "view/columns.h"
#include "view/escape.h"
#include "view/profile_say.h"

struct csv {
    FILE *out;
    const struct tare_profile *profile;
    const struct tare_profile_view *view;
    const struct tare__profile_part *part; /* NULL: of all samples */
};

#define FUNCTION_HEADER                                                                                        \
    "function,object,file,line,kernel,self,total,self_samples,total_samples,self_share,self_error,"            \
    "total_share,total_error"

static const char *const part_headers[][4] = {
    [TARE_PROFILE_BY_THREAD] = {"pid", "tid", "thread"},
    [TARE_PROFILE_BY_PROCESS] = {"pid", "command"},
    [TARE_PROFILE_BY_TIMER] = {"timer_module", "timer_name"},
};

static void put_text(const struct csv *csv, const char *text)
{
    tare__escape_csv(csv->out, text);
    putc(',', csv->out);
}

static void put_count(const struct csv *csv, uint64_t count)
{
    fprintf(csv->out, "%" PRIu64 ",", count);
}

/* `last`: ends the line. Unknown is empty. */
static void put_number(const struct csv *csv, double number, bool last)
{
    char text[TARE__VIEW_NUMBER];
    fprintf(csv->out, "%s%c", isnan(number) ? "" : tare__view_number(text, number), last ? '\n' : ',');
}

static void put_part(const struct csv *csv, bool header)
{
    for (size_t i = 0; csv->view->by != TARE_PROFILE_BY_NOTHING && part_headers[csv->view->by][i] != NULL;
         i++) {
        put_text(csv, header ? part_headers[csv->view->by][i] : csv->part->fields[i]);
    }
}

static void put_place(const struct csv *csv, const struct tare_profile_function *function)
{
    put_text(csv, function->name);
    put_text(csv,
             function->object < csv->profile->object_count ? csv->profile->objects[function->object].path : "");
    put_text(csv, function->file);
    if (function->line > 0) {
        fprintf(csv->out, "%" PRIu32, function->line);
    }
    fprintf(csv->out, ",%d,", function->kernel);
}

static int put_functions(const struct csv *csv, const struct tare_profile_functions *functions)
{
    size_t top = csv->view->top, count;
    uint32_t *order = tare__profile_order(functions, csv->view->by_total, &count);
    if (order == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < count && (top == 0 || i < top); i++) {
        const struct tare_profile_function *function = &functions->functions[order[i]];
        put_part(csv, false);
        put_place(csv, function);
        put_count(csv, function->self);
        put_count(csv, function->total);
        put_count(csv, function->self_samples);
        put_count(csv, function->total_samples);
        put_number(csv, function->self_share, false);
        put_number(csv, function->self_error, false);
        put_number(csv, function->total_share, false);
        put_number(csv, function->total_error, true);
    }
    free(order);
    return 0;
}

static int put_edges(const struct csv *csv, const struct tare_profile_functions *functions,
                     const struct tare_profile_filter *filter)
{
    static const struct tare_profile_function nobody = {.object = TARE_PROFILE_NONE};
    uint32_t number = functions->of_frame[csv->view->frame];
    struct tare_profile_edge *edges;
    size_t count, top = csv->view->top;
    bool callers = csv->view->show == TARE_PROFILE_CALLERS;
    int error = tare_profile_edges(csv->profile, filter, functions, number, callers, &edges, &count);
    for (size_t i = 0; error == 0 && i < count && (top == 0 || i < top); i++) {
        const struct tare_profile_edge *edge = &edges[i];
        double of = (double)functions->functions[number].total, all = (double)functions->weight;
        put_part(csv, false);
        put_place(csv, edge->function == TARE_PROFILE_NONE ? &nobody : &functions->functions[edge->function]);
        put_count(csv, edge->weight);
        put_count(csv, edge->samples);
        put_number(csv, of > 0 ? (double)edge->weight / of : NAN, false);
        put_number(csv, all > 0 ? (double)edge->weight / all : NAN, true);
    }
    free(edges);
    return error;
}

static int put_lines(const struct csv *csv, const struct tare_profile_functions *functions,
                     const struct tare_profile_filter *filter)
{
    uint32_t number = functions->of_frame[csv->view->frame];
    double all = (double)functions->weight;
    struct tare_profile_line *lines;
    size_t count;
    int error = tare_profile_lines(csv->profile, filter, functions, number, &lines, &count);
    for (size_t i = 0; error == 0 && i < count; i++) {
        put_part(csv, false);
        put_text(csv, lines[i].file);
        if (lines[i].line > 0) {
            fprintf(csv->out, "%" PRIu32, lines[i].line);
        }
        putc(',', csv->out);
        put_count(csv, lines[i].self);
        put_count(csv, lines[i].total);
        put_count(csv, lines[i].self_samples);
        put_count(csv, lines[i].total_samples);
        put_number(csv, all > 0 ? (double)lines[i].self / all : NAN, false);
        put_number(csv, all > 0 ? (double)lines[i].total / all : NAN, true);
    }
    free(lines);
    return error;
}

static int put_rows(const struct csv *csv, const struct tare_profile_filter *filter)
{
    struct tare_profile_functions functions;
    int error = tare_profile_functions_make(csv->profile, filter, &functions);
    if (error == 0) {
        error = csv->view->show == TARE_PROFILE_FUNCTIONS  ? put_functions(csv, &functions)
                : csv->view->show == TARE_PROFILE_ANNOTATE ? put_lines(csv, &functions, filter)
                                                           : put_edges(csv, &functions, filter);
    }
    tare_profile_functions_release(&functions);
    return error;
}

int tare__profile_csv(const struct tare_profile *profile, const struct tare_profile_view *view, FILE *out)
{
    static const char *const headers[] = {
        [TARE_PROFILE_FUNCTIONS] = FUNCTION_HEADER,
        [TARE_PROFILE_CALLERS] = "caller,object,file,line,kernel,weight,samples,share_of_function,share",
        [TARE_PROFILE_CALLEES] = "callee,object,file,line,kernel,weight,samples,share_of_function,share",
        [TARE_PROFILE_ANNOTATE] = "file,line,self,total,self_samples,total_samples,self_share,total_share",
    };
    struct csv csv = {.out = out, .profile = profile, .view = view};
    put_part(&csv, true);
    fprintf(out, "%s\n", headers[view->show]);
    if (view->by == TARE_PROFILE_BY_NOTHING) {
        const struct tare_profile_filter filter = {.timers = view->timers};
        return put_rows(&csv, &filter);
    }
    struct tare__profile_parts parts;
    int error = tare__profile_parts_make(profile, view, &parts);
    for (size_t i = 0; i < parts.count && error == 0; i++) {
        csv.part = &parts.parts[i];
        error = put_rows(&csv, &csv.part->filter);
    }
    tare__profile_parts_release(&parts);
    return error;
}
