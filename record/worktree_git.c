/* SPDX-License-Identifier: MIT */
/*
 * git is asked, never its files; but one file is put into its folder of an entry ("worktrees/NAME"), which git
 * removes with it. It holds the worktree's path and is locked for as long as we live: an entry with such a file
 * and no lock has been left behind by a tare that was killed, and nothing else has. `git worktree prune` is not
 * for us: it would also forget worktrees of the user's that are on a disk which is not mounted now.
 */
#include "record/worktree_git.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/folders.h"

#define MARK "tare-bench"

enum {
    WORDS_MAX = 24,
    SAID_MAX = 64 << 20,
    DEPTH_MAX = 8, /* submodules of submodules */
};

/*
 * Runs git with these words in git->folder, or in `folder`. Returns its exit code or -errno; *said, if asked
 * for, is what it printed, *complaint its standard error; both allocated.
 */
static int run(const struct tare__git *git, const char *folder, const char *what, const char *const *words,
               char **said, char **complaint)
{
    static const char *const set[] = {"LC_ALL=C", "GIT_TERMINAL_PROMPT=0", "GIT_OPTIONAL_LOCKS=0", NULL};
    /* Hooks and file system monitors are programs that the repository names: not ours to start. */
    const char *argv[WORDS_MAX] = {"git",
                                   "-c",
                                   "core.hooksPath=/dev/null",
                                   "-c",
                                   "core.fsmonitor=false",
                                   "-c",
                                   "advice.detachedHead=false",
                                   "-c",
                                   "submodule.recurse=false"};
    size_t count = 9;
    for (; *words != NULL && count + 1 < WORDS_MAX; words++) {
        argv[count++] = *words;
    }
    int out = memfd_create("tare-git", MFD_CLOEXEC), err = memfd_create("tare-git", MFD_CLOEXEC),
        interrupted = 0;
    const struct tare__command command = {
        .argv = argv,
        .folder = folder != NULL ? folder : git->folder,
        .set = set,
        .output = out,
        .errors = err,
        .timeout_s = git->timeout_s,
        .deaf = git->deaf,
        .what = what,
        .watch = git->watch,
    };
    int result = out < 0 || err < 0 ? -EMFILE : tare__command_run(&command, &interrupted);
    if (said != NULL) {
        *said = out >= 0 ? tare__descriptor_text(out, SAID_MAX) : NULL;
    }
    if (complaint != NULL) {
        *complaint = err >= 0 ? tare__descriptor_text(err, SAID_MAX) : NULL;
    }
    if (out >= 0) {
        close(out);
    }
    if (err >= 0) {
        close(err);
    }
    if (interrupted != 0 && git->trouble != NULL) {
        git->trouble->interrupted = interrupted;
    }
    return result;
}

/* The last line of what git complained, without what it puts before it. */
static const char *last_line(char *complaint)
{
    static const char *const before[] = {"fatal: ", "error: ", NULL};
    if (complaint == NULL) {
        return "no reason given";
    }
    size_t length = strlen(complaint);
    while (length > 0 && complaint[length - 1] == '\n') {
        complaint[--length] = '\0';
    }
    /* The first "fatal:" or "error:" is the cause; what follows are hints. */
    char *line = strstr(complaint, "fatal: ");
    line = line != NULL ? line : strstr(complaint, "error: ");
    if (line == NULL) {
        line = strrchr(complaint, '\n') != NULL ? strrchr(complaint, '\n') + 1 : complaint;
    }
    line[strcspn(line, "\n")] = '\0';
    for (size_t i = 0; before[i] != NULL; i++) {
        if (strncmp(line, before[i], strlen(before[i])) == 0) {
            return line + strlen(before[i]);
        }
    }
    return *line != '\0' ? line : "no reason given";
}

/* Says why git could not be run at all or did not come to its end; 0: it did. */
static int failed_to_run(const struct tare__git *git, int result)
{
    if (result >= 0) {
        return 0;
    }
    if (result == -ENOENT) {
        return tare__trouble(git->trouble, result, "cannot run git, which %s needs: it is not in PATH",
                             git->option != NULL ? git->option : "--vs-rev");
    }
    if (result == -EINTR) {
        return tare__trouble(git->trouble, result, "interrupted");
    }
    if (result == -ETIMEDOUT) {
        return tare__trouble(git->trouble, result, "git was stopped after %g s", git->timeout_s);
    }
    return tare__trouble(git->trouble, result, "cannot run git: %s", strerror(-result));
}

/* Without the newline; NULL for text that is empty. Takes it over. */
static char *first_line(char *text)
{
    if (text == NULL || *text == '\0' || *text == '\n') {
        free(text);
        return NULL;
    }
    size_t length = strlen(text); /* a path may have newlines in it: only the last one is git's */
    if (text[length - 1] == '\n') {
        text[length - 1] = '\0';
    }
    return text;
}

const char *tare__git_instead(const char *instead)
{
    return instead != NULL ? instead : "build the other version yourself, and name it with --vs";
}

int tare__git_root(const struct tare__git *git, const char *subject, char **root)
{
    const char *const top[] = {"rev-parse", "--show-toplevel", NULL};
    const char *const bare[] = {"rev-parse", "--is-bare-repository", NULL};
    char *said = NULL, *complaint = NULL, *is_bare = NULL;
    *root = NULL;
    int result = run(git, NULL, "asking git", top, &said, &complaint), error = failed_to_run(git, result);
    if (error != 0) {
        goto out;
    }
    said = first_line(said);
    if (result == 0 && said != NULL) {
        *root = realpath(said, NULL);
        error = *root != NULL
                    ? 0
                    : tare__trouble(git->trouble, -errno, "cannot find '%s': %s", said, strerror(errno));
        goto out;
    }
    if (complaint != NULL && strstr(complaint, "not a git repository") != NULL) {
        error = tare__trouble(git->trouble, -ENOENT, "'%s' is not in a git repository: %s", subject,
                              tare__git_instead(git->instead));
    } else if (run(git, NULL, "asking git", bare, &is_bare, NULL) == 0 && is_bare != NULL &&
               strncmp(is_bare, "true", 4) == 0) {
        error = tare__trouble(git->trouble, -ENOENT,
                              "'%s' is in a bare repository, which has no work tree: clone it, "
                              "and build there",
                              subject);
    } else {
        error = tare__trouble(git->trouble, -ENOENT, "git knows no work tree around '%s': %s", subject,
                              last_line(complaint));
    }
out:
    free(said);
    free(complaint);
    free(is_bare);
    return error;
}

static bool is_id(const char *text)
{
    size_t length = strspn(text, "0123456789abcdef");
    return text[length] == '\0' && (length == 40 || length == 64); /* SHA-1 or SHA-256 */
}

/* rev-parse --verify of one name: an id, allocated, or NULL with *result. */
static char *verify(const struct tare__git *git, const char *name, int *result)
{
    const char *const words[] = {"rev-parse", "--verify", "--quiet", name, NULL};
    char *said = NULL;
    *result = run(git, NULL, "asking git", words, &said, NULL);
    said = first_line(said);
    if (*result == 0 && said != NULL && is_id(said)) {
        return said;
    }
    free(said);
    return NULL;
}

static int unknown_revision(const struct tare__git *git, const char *revision)
{
    const char *const words[] = {"rev-parse", "--is-shallow-repository", NULL};
    char *said = NULL;
    bool shallow =
        run(git, NULL, "asking git", words, &said, NULL) == 0 && said != NULL && strncmp(said, "true", 4) == 0;
    free(said);
    return tare__trouble(git->trouble, -ENOENT, "no revision '%s' in '%s'%s", revision, git->folder,
                         shallow ? ": it is a shallow clone, 'git fetch --unshallow' gets the rest"
                                 : ": 'git log' and 'git branch -a' list those that there are");
}

int tare__git_commit(const struct tare__git *git, const char *revision, char **commit)
{
    int result;
    *commit = NULL;
    if (*revision == '\0' || *revision == '-') {
        return tare__trouble(git->trouble, -EINVAL, "'%s' is no revision: name a commit, a branch or a tag",
                             revision);
    }
    /* In two steps, as in ":/text^{commit}" all would be the text. */
    char *id = verify(git, revision, &result);
    int error = failed_to_run(git, result);
    if (error != 0 || id == NULL) {
        free(id);
        return error != 0 ? error : unknown_revision(git, revision);
    }
    char *peeled = tare__text("%s^{commit}", id);
    *commit = peeled != NULL ? verify(git, peeled, &result) : NULL;
    error = peeled != NULL ? failed_to_run(git, result) : -ENOMEM;
    if (error == 0 && *commit == NULL) {
        error = tare__trouble(git->trouble, -EINVAL, "'%s' is not a commit: name a commit, a branch or a tag",
                              revision);
    }
    free(peeled);
    free(id);
    return error;
}

bool tare__git_tracks(const struct tare__git *git, const char *commit, const char *file)
{
    char *object = tare__text("%s:%s", commit, file);
    const char *const words[] = {"cat-file", "-e", object, NULL};
    bool tracked = object != NULL && run(git, NULL, "asking git", words, NULL, NULL) == 0;
    free(object);
    return tracked;
}

/* git's own folder of a work tree: of the entry (--git-dir), or of all (--git-common-dir). Allocated. */
static char *git_folder(const struct tare__git *git, const char *folder, const char *which)
{
    const char *const words[] = {"rev-parse", which, NULL};
    char *said = NULL, *whole = NULL, *real = NULL;
    if (run(git, folder, NULL, words, &said, NULL) == 0 && (said = first_line(said)) != NULL) {
        whole = said[0] == '/' ? strdup(said) : tare__text("%s/%s", folder, said);
        real = whole != NULL ? realpath(whole, NULL) : NULL;
    }
    free(whole);
    free(said);
    return real;
}

/* Marks the entry of `tree` as ours and alive. Returns the descriptor, or -errno. */
static int leave_mark(const struct tare__git *git, const char *tree)
{
    char *folder = git_folder(git, tree, "--git-dir"),
         *path = folder != NULL ? tare__text("%s/" MARK, folder) : NULL;
    int fd = path != NULL ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1, error = 0;
    if (fd < 0) {
        error = path != NULL ? -errno : -ENOENT;
    } else if (flock(fd, LOCK_EX | LOCK_NB) != 0 || write(fd, tree, strlen(tree)) != (ssize_t)strlen(tree)) {
        error = -EIO;
        close(fd);
        unlink(path);
    }
    free(folder);
    free(path);
    return error != 0 ? error : fd;
}

static int add_submodules(const struct tare__git *git, const char *from, const char *tree, const char *commit,
                          unsigned depth);

/* One submodule, from the user's checkout of it: nothing is fetched, and nothing written there. */
static int add_submodule(const struct tare__git *git, const char *from, const char *to, const char *id,
                         const char *name, unsigned depth)
{
    char *complaint = NULL, *object = tare__text("%s^{commit}", id);
    if (object == NULL) {
        return -ENOMEM;
    }
    const char *const has[] = {"cat-file", "-e", object, NULL};
    const char *const clone[] = {"clone", "--quiet", "--shared", "--no-checkout", from, to, NULL};
    const char *const reset[] = {"reset", "--quiet", "--hard", id, NULL};
    int result = run(git, from, "asking git", has, NULL, NULL), error = failed_to_run(git, result);
    if (error == 0 && result != 0) {
        error =
            tare__trouble(git->trouble, -ENOENT,
                          "the submodule '%s' has no commit %.12s, which the revision needs: 'git -C %s fetch' "
                          "gets it",
                          name, id, from);
    }
    for (int step = 0; error == 0 && step < 2; step++) {
        free(complaint);
        complaint = NULL;
        result = run(git, step == 0 ? from : to, "checking out submodules", step == 0 ? clone : reset, NULL,
                     &complaint);
        error = failed_to_run(git, result);
        if (error == 0 && result != 0) {
            error = tare__trouble(git->trouble, -EIO, "cannot check out the submodule '%s': %s", name,
                                  last_line(complaint));
        }
    }
    free(complaint);
    free(object);
    return error != 0 ? error : add_submodules(git, from, to, id, depth + 1);
}

/*
 * All submodules of a commit, as far as they are checked out in `from`: what is not, the user's own build has
 * done without. `ls-tree` has them as "160000 commit ID\tPATH"; a path in quotes is one that no sane project
 * has.
 */
static int add_submodules(const struct tare__git *git, const char *from, const char *tree, const char *commit,
                          unsigned depth)
{
    static const char kind[] = "160000 commit ";
    char *modules = tare__text("%s:.gitmodules", commit), *said = NULL, *rest;
    const char *const any[] = {"cat-file", "-e", modules, NULL};
    const char *const list[] = {"-c", "core.quotePath=false", "ls-tree", "-r", "--full-tree", commit, NULL};
    int error = modules == NULL ? -ENOMEM : 0,
        result = error == 0 ? run(git, from, NULL, any, NULL, NULL) : error;
    error = failed_to_run(git, result);
    if (error != 0 || result != 0 || depth > DEPTH_MAX) {
        goto out;
    }
    error = failed_to_run(git, run(git, from, "looking for submodules", list, &said, NULL));
    rest = said;
    for (char *line = strsep(&rest, "\n"); error == 0 && line != NULL; line = strsep(&rest, "\n")) {
        char *name = strchr(line, '\t');
        if (strncmp(line, kind, sizeof(kind) - 1) != 0 || name == NULL || name[1] == '"') {
            continue;
        }
        *name++ = '\0';
        const char *id = line + sizeof(kind) - 1;
        char *its = tare__text("%s/%s", from, name), *to = tare__text("%s/%s", tree, name);
        if (its == NULL || to == NULL) {
            error = -ENOMEM;
        } else if (!is_id(id) || !tare__path_exists(its, ".git")) {
            tare__notice(git->watch,
                         "the submodule '%s' is not checked out in '%s', and so not in the other revision",
                         name, from);
        } else {
            error = add_submodule(git, its, to, id, name, depth);
        }
        free(its);
        free(to);
    }
out:
    free(modules);
    free(said);
    return error;
}

int tare__git_add(const struct tare__git *git, const char *tree, const char *commit, int *mark)
{
    /* The files come in a second step, so that the entry is marked before what takes long. */
    const char *const add[] = {"worktree", "add", "--quiet", "--detach", "--no-checkout", tree, commit, NULL};
    const char *const reset[] = {"reset", "--quiet", "--hard", commit, NULL};
    char *complaint = NULL, what[64];
    *mark = -1;
    snprintf(what, sizeof(what), "checking out %.12s", commit);
    int result = run(git, NULL, what, add, NULL, &complaint), error = failed_to_run(git, result);
    if (error == 0 && result != 0) {
        error = tare__trouble(git->trouble, -EIO, "cannot add a worktree to '%s': %s: %s", git->folder,
                              last_line(complaint), tare__git_instead(git->instead));
    }
    if (error == 0) {
        *mark = leave_mark(git, tree);
        error = *mark >= 0 ? 0
                           : tare__trouble(git->trouble, *mark, "cannot write in git's folder of '%s': %s",
                                           git->folder, strerror(-*mark));
    }
    if (error == 0) {
        free(complaint);
        complaint = NULL;
        result = run(git, tree, what, reset, NULL, &complaint);
        error = failed_to_run(git, result);
        if (error == 0 && result != 0) {
            error = tare__trouble(git->trouble, -EIO, "cannot check out %.12s into '%s': %s", commit, tree,
                                  last_line(complaint));
        }
    }
    free(complaint);
    return error != 0 ? error : add_submodules(git, git->folder, tree, commit, 0);
}

/* Whether git has an entry for the tree. 1: yes, 0: no, or -errno. A line for each is "worktree PATH". */
static int has_entry(const struct tare__git *git, const char *tree)
{
    const char *const words[] = {"worktree", "list", "--porcelain", NULL};
    char *said = NULL, *line = tare__text("worktree %s", tree);
    int result = line != NULL ? run(git, NULL, "asking git", words, &said, NULL) : -ENOMEM, found = 0;
    for (char *at = said; result == 0 && found == 0 && at != NULL && (at = strstr(at, line)) != NULL; at++) {
        char behind = at[strlen(line)];
        found = (at == said || at[-1] == '\n') && (behind == '\n' || behind == '\0');
    }
    free(said);
    free(line);
    return result < 0 ? result : result > 0 ? -EIO : found;
}

int tare__git_remove(const struct tare__git *git, const char *tree)
{
    /* Twice: also where it is locked. A tree that is gone already is no obstacle. */
    const char *const words[] = {"worktree", "remove", "--force", "--force", tree, NULL};
    char *complaint = NULL;
    int result = run(git, NULL, "removing the worktree", words, NULL, NULL);
    int error = tare__tree_remove(tree); /* what git cannot remove: read-only folders, or all of it */
    if (error != 0) {
        return tare__trouble(git->trouble, error, "cannot remove '%s': %s", tree, strerror(-error));
    }
    if (result != 0) {
        result = run(git, NULL, "removing the worktree", words, NULL, &complaint);
    }
    /* It also fails where there is no entry, or no longer a repository. */
    if (result != 0 && tare__path_exists(git->folder, "") && has_entry(git, tree) != 0) {
        error = tare__trouble(git->trouble, result < 0 ? result : -EIO,
                              "cannot remove '%s' from git's worktrees: %s: 'git -C %s worktree remove -f -f "
                              "%s' does it",
                              tree, result < 0 ? strerror(-result) : last_line(complaint), git->folder, tree);
    }
    free(complaint);
    return error;
}

/* The path in a mark that nobody holds; NULL: there is none. */
static char *abandoned(const char *path)
{
    struct stat status;
    char *tree = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return NULL;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &status) == 0 && status.st_uid == geteuid()) {
        tree = tare__descriptor_text(fd, PATH_MAX);
    }
    close(fd);
    if (tree != NULL && tree[0] != '/') {
        free(tree);
        tree = NULL;
    }
    return tree;
}

void tare__git_sweep(const struct tare__git *git)
{
    char *common = git_folder(git, git->folder, "--git-common-dir");
    char *folder = common != NULL ? tare__text("%s/worktrees", common) : NULL;
    DIR *list = folder != NULL ? opendir(folder) : NULL;
    for (struct dirent *entry = list != NULL ? readdir(list) : NULL; entry != NULL; entry = readdir(list)) {
        struct stat status;
        char *path = tare__text("%s/%s/" MARK, folder, entry->d_name);
        char *tree = path != NULL && entry->d_name[0] != '.' ? abandoned(path) : NULL;
        /* What is there now may be somebody else's, after a restart that emptied /tmp. */
        bool ours = tree != NULL &&
                    (lstat(tree, &status) != 0 || (S_ISDIR(status.st_mode) && status.st_uid == geteuid() &&
                                                   tare__path_exists(tree, ".git")));
        if (ours && tare__git_remove(git, tree) == 0) {
            tare__notice(git->watch, "removed '%s', which a run that was killed has left behind", tree);
        }
        free(tree);
        free(path);
    }
    if (list != NULL) {
        closedir(list);
    }
    free(folder);
    free(common);
}
