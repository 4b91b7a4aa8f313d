/* SPDX-License-Identifier: MIT */
/*
 * A new profile in the form that was asked for: as a table of what its options say, or in any other form that
 * profiles have.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/profile.h"
#include "view/profile.h"

struct writing {
    const struct profiling *profiling;
    const struct tare_result *result;
};

static int write_table(void *data, FILE *out)
{
    const struct writing *writing = data;
    const struct profiling *profiling = writing->profiling;
    const struct tare_profile_view view = {
        .show = TARE_PROFILE_FUNCTIONS,
        .top = profiling->top_given ? profiling->top : TARE_PROFILE_TOP,
        .by = profiling->threads ? TARE_PROFILE_BY_THREAD : TARE_PROFILE_BY_NOTHING,
    };
    bool usual = !profiling->top_given && !profiling->threads;
    return tare_view_profile(writing->result, &profiling->output.view, usual ? NULL : &view,
                             profiling->output.format, out);
}

/* What can be done with the profile, for who sits in front of a terminal. */
static void say_where(const struct profiling *profiling, const struct tare_result *result)
{
    const char *file = profiling->output.file;
    if (!stderr_is_terminal()) {
        return;
    }
    if (file == NULL && profiling->output.format == TARE_FORMAT_TABLE) {
        fputs("-o FILE.json keeps the profile for tare report and flame, -o FILE.svg draws it\n", stderr);
    }
    char *name = file != NULL ? printable(file) : NULL;
    if (name != NULL) {
        bool json = profiling->output.format == TARE_FORMAT_JSON;
        fprintf(stderr, "%zu samples (%s) are in '%s'%s%s%s\n", result->profile->sample_count,
                result->profile->mode, name, json ? ": 'tare report " : "", json ? name : "",
                json ? "' shows them, 'tare flame' draws them" : "");
    }
    free(name);
}

bool profile_write(const struct profiling *profiling, const struct tare_result *result)
{
    struct writing writing = {profiling, result};
    bool fine, table = profiling->output.format == TARE_FORMAT_TABLE;
    if (result->profile->sample_count == 0 && table && profiling->output.file == NULL) {
        return true; /* why there is nothing to show was said */
    } else if (table || profiling->output.format == TARE_FORMAT_CSV ||
               profiling->output.format == TARE_FORMAT_MARKDOWN) {
        fine = output_write_whole(profiling->output.file, write_table, &writing);
    } else {
        const struct tare_profile_view by_thread = {.by = TARE_PROFILE_BY_THREAD};
        struct output output = profiling->output;
        output.profile_view = profiling->threads ? &by_thread : NULL;
        fine = output_write(&output, result);
    }
    if (fine) {
        say_where(profiling, result);
    }
    return fine;
}
