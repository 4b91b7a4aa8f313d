/* SPDX-License-Identifier: MIT */
/*
 * The order of steps matters for what is left when one of them fails: what can be refused is refused first,
 * then comes the scratch folder, then git's entry, which is marked as ours at once. From there on everything
 * goes through one exit, which removes what there is. Signals are kept away all the time, except from commands.
 */
#include "record/worktree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/build_guess.h"
#include "record/folders.h"
#include "record/git.h"
#include "record/worktree_git.h"

enum {
    STATUS_LIMIT_MS = 10000,
    FILL_MOST = 200, /* of a name, which has 255 bytes at most */
};

/* What is known of A, and of what is going on. */
struct job {
    const struct tare_worktree_request *request;
    struct tare_build_trouble *trouble;
    struct tare_worktree *out;
    char *place;        /* where A's name lies */
    char *real;         /* where it leads */
    struct stat before; /* of A: to be the same afterwards */
    bool missing;       /* there is no A, which is fine */
    struct tare__built built;
    struct tare__plan plan;
    char *build_folder; /* in the scratch tree */
    char what[64];
};

static struct tare__git git_of(const struct job *job, bool deaf)
{
    return (struct tare__git){
        .folder = job->out->root,
        .watch = job->request->watch,
        .trouble = job->trouble,
        .deaf = deaf,
        .timeout_s = deaf ? 0 : job->request->timeout_s,
        .option = job->request->option,
        .instead = job->request->instead,
    };
}

static int out_of_memory(struct job *job)
{
    return tare__trouble(job->trouble, -ENOMEM, "out of memory");
}

/* What A is, and how it was built. */
static int find_executable(struct job *job)
{
    const char *name = job->request->executable;
    int error = tare__path_place(name, &job->place);
    /* Not even its folder may be there: what is in it, "build/prog", is found from where we are. */
    if (job->request->may_be_missing && (error == -ENOENT || (error == 0 && access(job->place, F_OK) != 0))) {
        char *here = realpath(".", NULL);
        job->missing = true;
        if (error != 0 && here != NULL) {
            job->place = name[0] == '/'
                             ? strdup(name)
                             : tare__text("%s/%s", here, strncmp(name, "./", 2) == 0 ? name + 2 : name);
        }
        job->real = job->place != NULL ? strdup(job->place) : NULL;
        free(here);
        return job->real != NULL ? 0 : out_of_memory(job);
    }
    job->real = error == 0 ? realpath(job->place, NULL) : NULL;
    error = error == 0 && job->real == NULL ? -errno : error;
    if (error == 0 && stat(job->real, &job->before) != 0) {
        error = -errno;
    }
    if (error == 0 && !S_ISREG(job->before.st_mode)) {
        error = S_ISDIR(job->before.st_mode) ? -EISDIR : -EINVAL;
    }
    if (error != 0) {
        return tare__trouble(job->trouble, error, "cannot find the executable '%s': %s", name,
                             strerror(-error));
    }
    return tare__built_find(&job->built, job->real) != 0 ? out_of_memory(job) : 0;
}

/* The work tree: of the sources, if A's build folder says where they are, else around A. */
static int find_root(struct job *job)
{
    char *folder = tare__path_folder(job->place);
    struct tare__git git = git_of(job, false);
    if (folder == NULL) {
        return out_of_memory(job);
    }
    while (job->missing && access(folder, F_OK) != 0) {
        char *above = tare__path_folder(folder);
        free(folder);
        folder = above;
        if (folder == NULL) {
            return out_of_memory(job);
        }
    }
    git.folder = job->built.source != NULL ? job->built.source : folder;
    int error = tare__git_root(&git, job->request->executable, &job->out->root);
    free(folder);
    if (error != 0) {
        return error;
    }
    bool inside = tare__path_below(job->place, job->out->root) != NULL ||
                  tare__path_below(job->real, job->out->root) != NULL;
    if (!inside && job->built.kind == TARE__BUILD_UNKNOWN) {
        return tare__trouble(job->trouble, -EXDEV, "'%s' is not in the work tree '%s': %s",
                             job->request->executable, job->out->root,
                             tare__git_instead(job->request->instead));
    }
    return 0;
}

static int find_commit(struct job *job)
{
    struct tare__git git = git_of(job, false);
    int error = tare__git_commit(&git, job->request->revision, &job->out->commit);
    if (error == 0 && tare__git_head(job->out->root, STATUS_LIMIT_MS, &job->out->head, &job->out->dirty) != 0) {
        error = out_of_memory(job);
    }
    if (error == 0) {
        snprintf(job->what, sizeof(job->what), "building %.12s", job->out->commit);
    }
    return error;
}

/* "TMPDIR/tare---XXXXXX", made as long as the path of the work tree, if that is longer. */
static int make_tree(struct job *job)
{
    char *folder;
    int error = tare__scratch_place(true, &folder);
    if (error != 0) {
        tare__trouble(job->trouble, error, "cannot build in '%s': %s: name another folder with TMPDIR",
                      folder != NULL ? folder : "",
                      error == -ENOEXEC ? "no program can be run there" : strerror(-error));
        free(folder);
        return error;
    }
    char filling[FILL_MOST + 1];
    size_t wanted = strlen(job->out->root), least = strlen(folder) + strlen("/tare-XXXXXX");
    size_t fill = wanted > least && wanted - least <= FILL_MOST ? wanted - least : 0;
    memset(filling, '-', fill);
    filling[fill] = '\0';
    job->out->tree = tare__text("%s/tare%s-XXXXXX", folder, filling);
    free(folder);
    if (job->out->tree == NULL) {
        return out_of_memory(job);
    }
    error = tare__scratch_make(job->out->tree);
    if (error != 0) {
        tare__trouble(job->trouble, error, "cannot make '%s': %s: name another folder with TMPDIR",
                      job->out->tree, strerror(-error));
        free(job->out->tree);
        job->out->tree = NULL;
    }
    return error;
}

/* A path of the work tree, in the scratch tree. Allocated; NULL: it is not in it, or no memory. */
static char *counterpart(const struct job *job, const char *path)
{
    const char *below = tare__path_below(path, job->out->root);
    return below != NULL ? tare__text("%s/%s", job->out->tree, below) : NULL;
}

/* Where B will be: as A by its name, where it leads, or in the build folder beside the work tree. */
static char *find_place(const struct job *job, bool real)
{
    char *place = counterpart(job, real ? job->real : job->place);
    const char *below = job->build_folder != NULL ? tare__path_below(job->real, job->built.folder) : NULL;
    if (place == NULL && below != NULL) {
        place = tare__text("%s/%s", job->build_folder, below);
    }
    return place;
}

static int run(struct job *job, const char *command, const char *folder, const char *what)
{
    const struct tare__shell shell = {
        .command = command,
        .folder = folder,
        .what = what,
        .timeout_s = job->request->timeout_s,
        .watch = job->request->watch,
    };
    return tare__shell_run(&shell, job->trouble);
}

/* By the command that the user gave. */
static int build_as_told(struct job *job)
{
    char *here = realpath(".", NULL), *folder = here != NULL ? counterpart(job, here) : NULL;
    free(here);
    folder = folder != NULL ? folder : strdup(job->out->tree);
    int error = folder == NULL ? -ENOMEM : tare__folders_make(folder); /* one for what is built is not in git */
    if (error != 0) {
        tare__trouble(job->trouble, error, "cannot make '%s': %s", folder != NULL ? folder : "",
                      strerror(-error));
        free(folder);
        return error;
    }
    job->out->command = strdup(job->request->build);
    job->out->folder = folder;
    if (job->out->command == NULL) {
        return out_of_memory(job);
    }
    tare__notice(job->request->watch, "building %.12s with '%s'", job->out->commit, job->out->command);
    return run(job, job->out->command, folder, job->what);
}

/* By what the build folder or the makefiles say. */
static int build_as_found(struct job *job)
{
    struct tare__plan *plan = &job->plan;
    const struct tare_build_watch *watch = job->request->watch;
    int error = tare__plan_configure(plan, &job->built, job->out->root, job->out->tree, &job->build_folder,
                                     watch, job->trouble);
    if (error == 0 && plan->configure != NULL) {
        char what[64];
        snprintf(what, sizeof(what), "configuring %.12s", job->out->commit);
        error = run(job, plan->configure, plan->folder, what);
    }
    char *place = error == 0 ? find_place(job, true) : NULL;
    place = error == 0 && place == NULL ? find_place(job, false) : place;
    if (error == 0) {
        error = place == NULL ? out_of_memory(job)
                              : tare__plan_build(plan, &job->built, job->build_folder, place, job->out->tree,
                                                 watch, job->trouble);
    }
    free(place);
    if (error != 0) {
        return error;
    }
    tare__notice(watch, "building %.12s with '%s', %s", job->out->commit, plan->build, plan->why);
    job->out->command = strdup(plan->build);
    job->out->folder = strdup(plan->folder);
    if (job->out->command == NULL || job->out->folder == NULL) {
        return out_of_memory(job);
    }
    return run(job, plan->build, plan->folder, job->what);
}

/* libtool leaves a script under the program's name that finds the libraries for the real one. */
static void tell_of_script(const struct job *job)
{
    char head[512] = "";
    int fd = open(job->out->executable, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, head, sizeof(head) - 1) : -1;
    if (fd >= 0) {
        close(fd);
    }
    if (got > 2 && memcmp(head, "#!", 2) == 0 && strstr(head, "libtool") != NULL) {
        tare__notice(
            job->request->watch,
            "'%s' is a script of libtool's: what it costs to start is measured, too; '.libs/%s' is the "
            "program",
            job->request->executable, tare__path_name(job->place));
    }
}

/* B as it was built, and A as it was. */
static int check(struct job *job)
{
    struct stat status;
    for (int real = 0; real < 2; real++) {
        char *place = find_place(job, real);
        if (place != NULL && stat(place, &status) == 0 && S_ISREG(status.st_mode) && access(place, X_OK) == 0) {
            job->out->executable = place;
            break;
        }
        free(place);
    }
    if (job->out->executable == NULL) {
        const char *below = tare__path_below(job->place, job->out->root);
        return tare__trouble(
            job->trouble, -ENOENT, "'%s' did not make '%s' at %.12s: %s",
            job->out->command != NULL ? job->out->command : "git", below != NULL ? below : job->place,
            job->out->commit,
            job->request->may_be_missing
                ? "name what it makes"
                : "say how to build it with --build 'COMMAND', or whether it had another name then");
    }
    if (!job->missing && status.st_ino == job->before.st_ino && status.st_dev == job->before.st_dev) {
        return tare__trouble(
            job->trouble, -EEXIST,
            "'%s' is the same file at %.12s, by a link into the work tree: name the executable itself",
            job->request->executable, job->out->commit);
    }
    bool same = job->missing
                    ? stat(job->real, &status) != 0
                    : stat(job->real, &status) == 0 && status.st_ino == job->before.st_ino &&
                          status.st_dev == job->before.st_dev && status.st_size == job->before.st_size &&
                          status.st_mtim.tv_sec == job->before.st_mtim.tv_sec &&
                          status.st_mtim.tv_nsec == job->before.st_mtim.tv_nsec;
    if (!same) {
        return tare__trouble(
            job->trouble, -EBUSY,
            "'%s' has changed while %.12s was built: if '%s' writes there, name a command with --build "
            "that stays within its folder; then build '%s' again",
            job->request->executable, job->out->commit, job->out->command != NULL ? job->out->command : "git",
            job->request->executable);
    }
    tell_of_script(job);
    return 0;
}

/* What is a file of the revision (a script) need not be built. */
static bool is_tracked(struct job *job)
{
    struct tare__git git = git_of(job, false);
    const char *below = tare__path_below(job->place, job->out->root);
    return below != NULL && tare__git_tracks(&git, job->out->commit, below);
}

static int build(struct job *job)
{
    struct tare__git git = git_of(job, false);
    int error = find_executable(job);
    error = error == 0 ? find_root(job) : error;
    git.folder = job->out->root;
    error = error == 0 ? find_commit(job) : error;
    if (error != 0) {
        return error;
    }
    tare__git_sweep(&git);
    error = make_tree(job);
    if (error != 0) {
        return error;
    }
    error = tare__git_add(&git, job->out->tree, job->out->commit, &job->out->mark);
    if (error == 0 && job->request->build != NULL) {
        error = build_as_told(job);
    } else if (error == 0 && !is_tracked(job)) {
        error = build_as_found(job);
    }
    return error == 0 ? check(job) : error;
}

int tare_worktree_build(const struct tare_worktree_request *request, struct tare_worktree *worktree,
                        struct tare_build_trouble *trouble)
{
    *worktree = (struct tare_worktree){.mark = -1, .dirty = -1};
    struct job job = {.request = request, .out = worktree, .trouble = trouble};
    sigset_t before;
    tare__signals_block(&before);
    int error = build(&job);
    if (error != 0) {
        struct tare_build_trouble other = {0};
        if (tare_worktree_remove(worktree, &other) != 0) {
            tare__notice(request->watch, "%s", other.message != NULL ? other.message : "a worktree is left");
        }
        tare_build_trouble_release(&other);
    }
    int late = tare__signals_unblock(&before);
    if (late != 0) { /* what had come while we looked at files, or removed them */
        if (error == 0) {
            error = tare__trouble(trouble, -EINTR, "interrupted");
            tare_worktree_remove(worktree, NULL);
        }
        trouble->interrupted = error == -EINTR ? late : trouble->interrupted;
    }
    free(job.place);
    free(job.real);
    free(job.build_folder);
    tare__built_release(&job.built);
    tare__plan_release(&job.plan);
    return error;
}

int tare_worktree_remove(struct tare_worktree *worktree, struct tare_build_trouble *trouble)
{
    int error = 0;
    if (worktree->tree != NULL) {
        const struct tare__git git = {.folder = worktree->root, .trouble = trouble, .deaf = true};
        sigset_t before;
        /* Whoever interrupts is not lost: the signals are delivered afterwards. */
        tare__signals_block(&before);
        error = tare__git_remove(&git, worktree->tree);
        sigprocmask(SIG_SETMASK, &before, NULL);
    }
    if (worktree->tree != NULL && worktree->mark >= 0) {
        close(worktree->mark);
    }
    free(worktree->executable);
    free(worktree->commit);
    free(worktree->head);
    free(worktree->root);
    free(worktree->tree);
    free(worktree->command);
    free(worktree->folder);
    *worktree = (struct tare_worktree){.mark = -1, .dirty = -1};
    return error;
}
