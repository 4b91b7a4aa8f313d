/* SPDX-License-Identifier: MIT */
/*
 * For scripts about other revisions and link orders, which are slow and leave things about when they fail:
 *
 *     revision worktree EXECUTABLE REVISION [--build COMMAND] [--timeout S] [--hold] [--relink N]
 *     revision relink EXECUTABLE N [--build COMMAND] [--timeout S] [--seed N] [--hold]
 *     revision recover EXECUTABLE
 *
 * Prints "NAME: VALUE" for what came of it and for each notice, and with --hold waits for the end of standard
 * input before it is cleaned up. Exit code: 0, or 1 with "error: MESSAGE" on standard error.
 *
 * Environment: TARE_LD, the path of tare-ld.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record/relink.h"
#include "record/worktree.h"

struct options {
    const char *build;
    double timeout_s;
    uint64_t seed;
    unsigned relink;
    int hold;
};

static unsigned long looks;

static void progress(void *data, const char *what, double elapsed_s)
{
    (void)data;
    (void)elapsed_s;
    static char last[128];
    looks++;
    if (strcmp(last, what) != 0) {
        snprintf(last, sizeof(last), "%s", what);
        printf("progress: %s\n", what);
        fflush(stdout);
    }
}

static void notice(void *data, const char *line)
{
    (void)data;
    printf("notice: %s\n", line);
    fflush(stdout);
}

static const struct tare_build_watch watch = {.progress = progress, .notice = notice};

static int fail(struct tare_build_trouble *trouble, int error)
{
    fflush(stdout);
    fprintf(stderr, "error: %s\n", trouble->message != NULL ? trouble->message : "?");
    if (trouble->output != NULL) {
        fprintf(stderr, "%s", trouble->output);
    }
    if (trouble->log != NULL) {
        fprintf(stderr, "log: %s\n", trouble->log);
    }
    fprintf(stderr, "number: %d\n", -error);
    if (trouble->interrupted != 0) {
        fprintf(stderr, "interrupted: %d\n", trouble->interrupted);
    }
    tare_build_trouble_release(trouble);
    return 1;
}

static void hold(const struct options *options)
{
    char byte;
    printf("ready\n");
    fflush(stdout);
    while (options->hold && read(STDIN_FILENO, &byte, 1) > 0) {
    }
}

static int do_relink(const struct options *options, const char *executable, unsigned count, const char *build,
                     const char *folder)
{
    struct tare_relink relink;
    struct tare_build_trouble trouble = {0};
    const struct tare_relink_request request = {
        .executable = executable,
        .linker = getenv("TARE_LD"),
        .count = count,
        .seed = options->seed,
        .build = build,
        .folder = folder,
        .timeout_s = options->timeout_s,
        .watch = &watch,
    };
    int error = tare_relink_make(&request, &relink, &trouble);
    if (error != 0) {
        return fail(&trouble, error);
    }
    printf("original: %s\n", relink.original);
    for (size_t i = 0; i < relink.count; i++) {
        printf("executable: %s\n", relink.executables[i]);
    }
    printf("items: %zu\norders: %" PRIu64 "\nlayouts: %zu\nreproduced: %d\ncommand: %s\n", relink.items,
           relink.orders, relink.layouts, relink.reproduced, relink.command);
    hold(options);
    tare_relink_release(&relink);
    tare_build_trouble_release(&trouble);
    return 0;
}

static int do_worktree(const struct options *options, const char *executable, const char *revision)
{
    struct tare_worktree worktree;
    struct tare_build_trouble trouble = {0};
    const struct tare_worktree_request request = {
        .executable = executable,
        .revision = revision,
        .build = options->build,
        .timeout_s = options->timeout_s,
        .watch = &watch,
    };
    int error = tare_worktree_build(&request, &worktree, &trouble), code = 0;
    if (error != 0) {
        return fail(&trouble, error);
    }
    printf("executable: %s\ncommit: %s\nhead: %s\ndirty: %d\nroot: %s\ntree: %s\ncommand: %s\nfolder: "
           "%s\nlooks: %d\n",
           worktree.executable, worktree.commit, worktree.head != NULL ? worktree.head : "-", worktree.dirty,
           worktree.root, worktree.tree, worktree.command != NULL ? worktree.command : "-",
           worktree.folder != NULL ? worktree.folder : "-", looks > 0);
    fflush(stdout);
    if (options->relink != 0) {
        code = do_relink(options, worktree.executable, options->relink, worktree.command, worktree.folder);
    } else {
        hold(options);
    }
    error = tare_worktree_remove(&worktree, &trouble);
    code = error != 0 ? fail(&trouble, error) : code;
    tare_build_trouble_release(&trouble);
    return code;
}

static int do_recover(const char *executable)
{
    struct tare_build_trouble trouble = {0};
    int found = tare_relink_recover(executable, &watch, &trouble);
    if (found < 0) {
        return fail(&trouble, found);
    }
    printf("recovered: %d\n", found);
    return 0;
}

int main(int argc, char **argv)
{
    struct options options = {.seed = 1};
    for (int i = 4; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--hold") == 0) {
            options.hold = 1;
            continue;
        }
        i++;
        if (strcmp(argv[i - 1], "--build") == 0) {
            options.build = value;
        } else if (strcmp(argv[i - 1], "--timeout") == 0) {
            options.timeout_s = strtod(value, NULL);
        } else if (strcmp(argv[i - 1], "--seed") == 0) {
            options.seed = strtoull(value, NULL, 10);
        } else if (strcmp(argv[i - 1], "--relink") == 0) {
            options.relink = (unsigned)strtoul(value, NULL, 10);
        } else {
            return 2;
        }
    }
    if (argc > 3 && strcmp(argv[1], "worktree") == 0) {
        return do_worktree(&options, argv[2], argv[3]);
    }
    if (argc > 3 && strcmp(argv[1], "relink") == 0) {
        return do_relink(&options, argv[2], (unsigned)strtoul(argv[3], NULL, 10), options.build, NULL);
    }
    if (argc > 2 && strcmp(argv[1], "recover") == 0) {
        return do_recover(argv[2]);
    }
    return 2;
}
