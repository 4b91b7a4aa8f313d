/* SPDX-License-Identifier: MIT */
/* What `tare bench` has to build before it measures: another revision, and other link orders. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench.h"

static void show_progress(void *data, const char *what, double elapsed_s)
{
    (void)data;
    progress("%s, %.0f s", what, elapsed_s);
}

static void show_notice(void *data, const char *line)
{
    (void)data;
    progress_clear();
    fprintf(stderr, "%s\n", line);
}

static const struct tare_build_watch watch = {.progress = show_progress, .notice = show_notice};

/* Says what went wrong; false for the caller to pass on. */
static bool say_trouble(struct tare_build_trouble *trouble)
{
    progress_clear();
    if (trouble->interrupted != 0) {
        bench_signal = trouble->interrupted;
    } else {
        error("%s", trouble->message != NULL ? trouble->message : "out of memory");
        if (trouble->output != NULL) {
            fputs(trouble->output, stderr);
        }
        if (trouble->log != NULL) {
            fprintf(stderr, "all of it is in %s\n", trouble->log);
        }
    }
    tare_build_trouble_release(trouble);
    return false;
}

void bench_builds_recover(char *const *operands, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct tare_build_trouble trouble = {0};
        if (strchr(operands[i], '/') != NULL && tare_relink_recover(operands[i], &watch, &trouble) < 0) {
            warning("%s", trouble.message != NULL ? trouble.message : "out of memory");
        }
        tare_build_trouble_release(&trouble);
    }
}

bool bench_builds_revision(struct bench_call *call)
{
    const struct bench_options *options = &call->options;
    const struct bench_side *first = &call->sides[0];
    if (options->revision == NULL) {
        return true;
    }
    if (call->side_count >= BENCH_SIDES_MAX) {
        error("too many to compare: %d at most in one call", BENCH_SIDES_MAX);
        return false;
    }
    struct tare_build_trouble trouble = {0};
    const struct tare_worktree_request request = {
        .executable = first->path, .revision = options->revision, .build = options->build, .watch = &watch};
    if (tare_worktree_build(&request, &call->worktree, &trouble) != 0) {
        return say_trouble(&trouble);
    }
    progress_clear();
    tare_build_trouble_release(&trouble);
    call->built_what = strdup(first->what);
    if (call->built_what == NULL) {
        error("out of memory");
        return false;
    }
    if (call->worktree.head != NULL && strcmp(call->worktree.head, call->worktree.commit) == 0 &&
        call->worktree.dirty == 0) {
        warning("'%s' is the commit that is checked out, and nothing is changed: A and B should be the same",
                options->revision);
    }
    if (!bench_sides_add_program(call, call->built_what, call->worktree.executable, call->worktree.commit)) {
        return false;
    }
    /* It is what the program is compared with: A. So "slower" says that the program has become slower since. */
    struct bench_side built = call->sides[call->side_count - 1];
    memmove(&call->sides[1], &call->sides[0], (call->side_count - 1) * sizeof(built));
    call->sides[0] = built;
    return true;
}

bool bench_builds_relink(struct bench_call *call)
{
    if (call->options.relink == 0) {
        return true;
    }
    char *linker = tool_path(TARE_LIBEXECDIR_RELATIVE, "tare-ld");
    bool fine = linker != NULL;
    for (size_t i = 0; i < call->side_count && fine; i++) {
        struct bench_side *side = &call->sides[i];
        size_t same = 0;
        while (same < i && strcmp(call->sides[same].path, side->path) != 0) {
            same++;
        }
        if (same < i) { /* A against itself has the layouts of A */
            side->layout_count = call->sides[same].layout_count;
            memcpy(side->layouts, call->sides[same].layouts, sizeof(side->layouts));
            continue;
        }
        bool ours = call->built_what != NULL && side->what == call->built_what;
        struct tare_build_trouble trouble = {0};
        const struct tare_relink_request request = {.executable = side->path,
                                                    .linker = linker,
                                                    .count = (unsigned)call->options.relink,
                                                    .seed = call->options.seed,
                                                    .build =
                                                        ours ? call->worktree.command : call->options.build,
                                                    .folder = ours ? call->worktree.folder : NULL,
                                                    .watch = &watch};
        int failure = tare_relink_make(&request, &call->relinked[i], &trouble);
        progress_clear();
        if (failure == -ENOTSUP) {
            char *why = trouble.message;
            bench_note(call, side->what, "--relink", why != NULL ? why : "not possible");
            warning("%s: its stack is moved, and nothing else", why != NULL ? why : side->what);
        } else if (failure != 0) {
            fine = say_trouble(&trouble);
        } else {
            size_t count = call->relinked[i].count;
            if (!call->relinked[i].reproduced) {
                bench_note(call, side->what, "--relink",
                           "the build makes another file than it had: what is measured is what it makes now");
            }
            side->layout_count = count < BENCH_LAYOUTS_MAX ? count : BENCH_LAYOUTS_MAX;
            for (size_t j = 0; j < side->layout_count; j++) {
                side->layouts[j] = call->relinked[i].executables[j];
            }
        }
        tare_build_trouble_release(&trouble);
    }
    free(linker);
    return fine;
}

void bench_builds_release(struct bench_call *call)
{
    for (size_t i = 0; i < BENCH_SIDES_MAX; i++) {
        tare_relink_release(&call->relinked[i]);
    }
    struct tare_build_trouble trouble = {0};
    if (tare_worktree_remove(&call->worktree, &trouble) != 0) {
        warning("%s", trouble.message != NULL ? trouble.message : "out of memory");
    }
    tare_build_trouble_release(&trouble);
    free(call->built_what);
}
