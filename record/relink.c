/* SPDX-License-Identifier: MIT */
/*
 * The executable is missing for as long as others are made in its place, so everything here is about having it
 * back: signals are kept away from the first rename to the last, and the open file is kept, from which it can
 * be written anew if the build removes what lies beside its output.
 */
#include "record/relink.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "linker/linker.h"
#include "record/build_guess.h"
#include "record/folders.h"
#include "record/relink_files.h"

enum { LOG_MAX = 1 << 20, VARIABLES = 8 };

/* What the linker did in one build, by tare-ld's log. */
struct links {
    char what[16]; /* to the target; "": it was not linked */
    size_t items;
    uint64_t orders;
    char *other; /* another executable that was linked */
    bool others; /* more than that one */
};

struct job {
    const struct tare_relink_request *request;
    struct tare_build_trouble *trouble;
    struct tare_relink *out;
    struct tare_build_watch watch; /* ours, which passes on to the request's */
    char *aside;                   /* the name for the original */
    bool moved;                    /* it has that name now */
    int kept;                      /* the original, open */
    struct stat status;
    char digest[TARE_SHA256_HEX + 1];
    char *folder; /* scratch: "bin" with the names of linkers, "made", "log" */
    char *target; /* what tare-ld shall take for the executable */
    char *build, *build_folder;
};

static int out_of_memory(struct job *job)
{
    return tare__trouble(job->trouble, -ENOMEM, "out of memory");
}

static void progress(void *data, const char *what, double elapsed_s)
{
    const struct job *job = data;
    const struct tare_build_watch *watch = job->request->watch;
    tare__relink_alive(job->out->lock);
    if (watch != NULL && watch->progress != NULL) {
        watch->progress(watch->data, what, elapsed_s);
    }
}

static void notice(void *data, const char *line)
{
    const struct job *job = data;
    tare__notice(job->request->watch, "%s", line);
}

static int lock(struct job *job)
{
    const char *name = job->request->executable;
    int error = tare__relink_resolve(name, &job->out->original);
    if (error != 0) {
        return tare__trouble(job->trouble, error, "cannot find the executable '%s': %s", name,
                             strerror(-error));
    }
    int got = tare__relink_lock(job->out->original);
    if (got == -EBUSY) {
        return tare__trouble(job->trouble, got, "another tare relinks '%s' at this moment: wait for its end",
                             name);
    }
    if (got < 0) {
        return tare__trouble(job->trouble, got,
                             "cannot write beside '%s': %s: its link order can only be varied in a "
                             "folder of yours",
                             name, strerror(-got));
    }
    job->out->lock = got;
    int found = tare__relink_tidy(job->out->original, got);
    if (found < 0) {
        return tare__trouble(job->trouble, found,
                             "cannot put '%s' back, which a run that was killed has left aside: "
                             "%s",
                             name, strerror(-found));
    }
    if (found == TARE__RELINK_PUT_BACK) {
        tare__notice(job->request->watch, "put '%s' back, which a run that was killed had left aside", name);
    }
    tare__relink_alive(got);
    return 0;
}

/* That it is an executable a linker has made. */
static int check_executable(struct job *job)
{
    const char *name = job->request->executable;
    char head[1024] = "";
    job->kept = open(job->out->original, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (job->kept < 0 || fstat(job->kept, &job->status) != 0) {
        return tare__trouble(job->trouble, -errno, "cannot read the executable '%s': %s", name,
                             strerror(errno));
    }
    ssize_t got = S_ISREG(job->status.st_mode) ? pread(job->kept, head, sizeof(head) - 1, 0) : -1;
    if (got > 2 && memcmp(head, "#!", 2) == 0 && strstr(head, "libtool") != NULL) {
        return tare__trouble(
            job->trouble, -ENOTSUP,
            "'%s' is a script of libtool's, which links the program behind it in steps of its own: "
            "configure with --disable-shared to vary its link order",
            name);
    }
    if (got < EI_NIDENT + 4 || memcmp(head, ELFMAG, SELFMAG) != 0) {
        return tare__trouble(job->trouble, -ENOTSUP, "'%s' is no ELF executable: it has no link order", name);
    }
    int error = tare__relink_digest(job->out->original, job->digest);
    return error == 0 ? 0 : tare__trouble(job->trouble, error, "cannot read '%s': %s", name, strerror(-error));
}

/* The folder with what compilers shall find in the place of linkers. */
static int make_scratch(struct job *job)
{
    static const char *const names[] = {TARE_LD_NAMES, NULL};
    char *place = NULL, *linker = realpath(job->request->linker, NULL);
    if (linker == NULL || access(linker, X_OK) != 0) {
        free(linker);
        return tare__trouble(job->trouble, -errno, "cannot run '%s': %s; it is installed with tare",
                             job->request->linker, strerror(errno));
    }
    int error = tare__scratch_place(false, &place);
    uint64_t number = 0;
    char *folder = getrandom(&number, sizeof(number), 0) == (ssize_t)sizeof(number) && place != NULL
                       ? tare__text("%s/tare-ld-%016" PRIx64, place, number)
                       : NULL;
    if (error == 0) {
        error = folder == NULL ? -ENOMEM : strchr(folder, ':') != NULL ? -EINVAL : 0;
    }
    if (error == 0) {
        tare__relink_note(job->out->lock, folder); /* first: we may be killed right after it is made */
        error = mkdir(folder, 0700) != 0 ? -errno : 0;
    }
    if (error == 0) {
        job->folder = folder;
        folder = NULL;
        char *bin = tare__text("%s/bin", job->folder), *made = tare__text("%s/made", job->folder);
        error = bin == NULL || made == NULL                       ? -ENOMEM
                : mkdir(bin, 0700) != 0 || mkdir(made, 0700) != 0 ? -errno
                                                                  : 0;
        for (size_t i = 0; error == 0 && names[i] != NULL; i++) {
            char *link = tare__text("%s/%s", bin, names[i]);
            error = link == NULL ? -ENOMEM : symlink(linker, link) != 0 ? -errno : 0;
            free(link);
        }
        free(bin);
        free(made);
    }
    if (error != 0) {
        tare__trouble(job->trouble, error, "cannot make a folder in '%s': %s: name another one with TMPDIR",
                      place != NULL ? place : "",
                      error == -EINVAL ? "its name has a colon in it" : strerror(-error));
    }
    free(folder);
    free(place);
    free(linker);
    return error;
}

/* By which command it is built. It is not there now, so that make can be asked for its rule. */
static int find_build(struct job *job)
{
    const struct tare_relink_request *request = job->request;
    if (request->build != NULL) {
        job->build = strdup(request->build);
        job->build_folder = realpath(request->folder != NULL ? request->folder : ".", NULL);
        if (job->build_folder == NULL) {
            return tare__trouble(job->trouble, -errno, "cannot build in '%s': %s",
                                 request->folder != NULL ? request->folder : ".", strerror(errno));
        }
        return job->build != NULL ? 0 : out_of_memory(job);
    }
    struct tare__built built;
    struct tare__plan plan = {0};
    char *top = tare__build_top(job->out->original);
    int error = tare__built_find(&built, job->out->original);
    if (error != 0 || top == NULL) {
        error = out_of_memory(job);
    } else {
        error =
            tare__plan_build(&plan, &built, built.folder, job->out->original, top, &job->watch, job->trouble);
    }
    if (error == 0) {
        tare__notice(request->watch, "linking '%s' with '%s', %s", request->executable, plan.build, plan.why);
        job->build = plan.build;
        job->build_folder = plan.folder;
        plan.build = plan.folder = NULL;
    }
    free(top);
    tare__plan_release(&plan);
    tare__built_release(&built);
    return error;
}

/* The environment that makes compilers take tare-ld for the linker. Allocated strings; false: no memory. */
static bool make_variables(const struct job *job, unsigned order, char *set[VARIABLES + 1])
{
    const char *compilers = getenv("COMPILER_PATH"), *path = getenv("PATH");
    bool given = compilers != NULL && *compilers != '\0';
    char *lock_name = tare__relink_name(job->out->original, "lock");
    if (lock_name == NULL) {
        return false;
    }
    size_t at = 0;
    set[at++] = tare__text("COMPILER_PATH=%s/bin%s%s", job->folder, given ? ":" : "", given ? compilers : "");
    /* For those who run the linker themselves. */
    set[at++] = tare__text("PATH=%s/bin:%s", job->folder, path != NULL ? path : "/usr/bin:/bin");
    set[at++] = tare__text(TARE_LD_TARGET "=%s", job->target);
    set[at++] = tare__text(TARE_LD_ORDER "=%u", order);
    set[at++] = tare__text(TARE_LD_SEED "=%" PRIu64, job->request->seed);
    set[at++] = tare__text(TARE_LD_FOLDER "=%s/made", job->folder);
    set[at++] = tare__text(TARE_LD_LOCK "=%s", lock_name);
    set[at++] = tare__text(TARE_LD_LOG "=%s/log", job->folder);
    bool complete = true;
    for (size_t i = 0; i < at; i++) {
        complete = complete && set[i] != NULL;
    }
    free(lock_name);
    return complete;
}

/* A line of the log: "WHAT ITEMS ORDERS LINKER OUTPUT". */
static void read_line(struct links *links, char *line, const char *target)
{
    char what[16], linker[16];
    size_t items;
    uint64_t orders;
    int length = 0;
    if (sscanf(line, "%15s %zu %" SCNu64 " %15s %n", what, &items, &orders, linker, &length) != 4 ||
        length == 0) {
        return;
    }
    const char *output = line + length;
    if (strcmp(output, target) == 0) {
        snprintf(links->what, sizeof(links->what), "%s", what);
        links->items = items;
        links->orders = orders;
    } else if (links->other == NULL) {
        links->other = strdup(output);
    } else if (strcmp(links->other, output) != 0) {
        links->others = true;
    }
}

/* Reads the log, and empties the folder for what tare-ld makes. */
static int read_links(struct job *job, struct links *links)
{
    char *path = tare__text("%s/log", job->folder), *made = tare__text("%s/made", job->folder), *text = NULL;
    *links = (struct links){0};
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1, error = fd < 0 || made == NULL ? -ENOMEM : 0;
    if (error == 0) {
        text = tare__descriptor_text(fd, LOG_MAX);
        tare__tree_remove(made);
        error = text == NULL ? -ENOMEM : mkdir(made, 0700) != 0 ? -errno : 0;
    }
    char *rest = text;
    for (char *line = strsep(&rest, "\n"); error == 0 && line != NULL; line = strsep(&rest, "\n")) {
        read_line(links, line, job->target);
    }
    if (fd >= 0) {
        close(fd);
    }
    free(text);
    free(path);
    free(made);
    return error == 0
               ? 0
               : tare__trouble(job->trouble, error, "cannot read in '%s': %s", job->folder, strerror(-error));
}

/* Whether the original is still there under its other name: who cleans before he builds has removed it. */
static bool is_aside(const struct job *job)
{
    struct stat status;
    return lstat(job->aside, &status) == 0 && status.st_ino == job->status.st_ino &&
           status.st_dev == job->status.st_dev;
}

/* Has the executable made in an order; `links` is to be released. */
static int remake(struct job *job, unsigned order, struct links *links)
{
    char *set[VARIABLES + 1] = {NULL}, what[64], *log = tare__text("%s/log", job->folder);
    *links = (struct links){0};
    if (order == 0) {
        snprintf(what, sizeof(what), "linking in the usual order");
    } else {
        snprintf(what, sizeof(what), "link order %u of %zu", order, job->out->count);
    }
    int fd = log != NULL ? open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1, error;
    if (fd < 0 || !make_variables(job, order, set)) {
        error = out_of_memory(job);
    } else {
        const struct tare__shell shell = {
            .command = job->build,
            .folder = job->build_folder,
            .set = (const char *const *)set,
            .what = what,
            .timeout_s = job->request->timeout_s,
            .watch = &job->watch,
        };
        error = tare__shell_run(&shell, job->trouble);
    }
    for (size_t i = 0; i < VARIABLES; i++) {
        free(set[i]);
    }
    if (fd >= 0) {
        close(fd);
    }
    free(log);
    if (error != 0) {
        return error;
    }
    struct stat status;
    if (!is_aside(job)) {
        return tare__trouble(job->trouble, -ENOTSUP,
                             "'%s' removes what else lies beside '%s': name a command with "
                             "--build that does not clean first",
                             job->build, job->request->executable);
    }
    if (lstat(job->out->original, &status) != 0 || !S_ISREG(status.st_mode)) {
        return tare__trouble(job->trouble, -ENOENT,
                             "'%s' did not make '%s' again: name a command that does, with "
                             "--build",
                             job->build, job->request->executable);
    }
    return read_links(job, links);
}

/*
 * The usual order first: it shows what the linker is given, whether all of it goes through tare-ld, and whether
 * what is made is what was there.
 */
static int probe(struct job *job)
{
    struct links links;
    char digest[TARE_SHA256_HEX + 1];
    int error = remake(job, 0, &links);
    /* The one executable that is linked is ours under another name: linked aside, and moved when it is done. */
    if (error == 0 && links.what[0] == '\0' && links.other != NULL && !links.others) {
        free(job->target);
        job->target = links.other;
        links = (struct links){0};
        unlink(job->out->original);
        error = remake(job, 0, &links);
    }
    if (error == 0 && links.what[0] == '\0') {
        error = tare__trouble(
            job->trouble, -ENOTSUP,
            links.other != NULL
                ? "'%s' does not link '%s' itself: its link order cannot be varied"
                : "'%s' makes '%s' without a linker that could be replaced (COMPILER_PATH): its link "
                  "order cannot be varied",
            job->build, job->request->executable);
    }
    if (error == 0 && links.orders < 2) {
        error = tare__trouble(
            job->trouble, -ENOTSUP,
            links.items < 2 ? "'%s' is linked from one object file: its link order cannot be varied"
                            : "'%s' has one link order only: no two of its object files can change places",
            job->request->executable);
    }
    if (error == 0) {
        error = tare__relink_digest(job->out->original, digest);
        job->out->reproduced = error == 0 && strcmp(digest, job->digest) == 0;
        job->out->items = links.items;
        job->out->orders = links.orders;
        job->out->count = links.orders < job->request->count ? (size_t)links.orders : job->request->count;
    }
    if (error == 0 && !job->out->reproduced) {
        tare__notice(job->request->watch,
                     "'%s' makes another '%s' than was there, in the same link order: sources or "
                     "options have changed since, or it is not reproducible; what is made now is measured",
                     job->build, job->request->executable);
    }
    if (error == 0 && job->out->count < job->request->count) {
        tare__notice(job->request->watch, "'%s' has %zu link orders, not %u", job->request->executable,
                     job->out->count, job->request->count);
    }
    unlink(job->out->original);
    free(links.other);
    return error;
}

static int make_one(struct job *job, unsigned number, char digest[TARE_SHA256_HEX + 1])
{
    struct links links;
    char suffix[16];
    snprintf(suffix, sizeof(suffix), "%u", number);
    char *name = tare__relink_name(job->out->original, suffix);
    if (name == NULL) {
        return out_of_memory(job);
    }
    job->out->executables[number - 1] = name;
    int error = remake(job, number, &links);
    free(links.other);
    if (error == 0 && strcmp(links.what, "order") != 0) {
        error =
            tare__trouble(job->trouble, -ENOTSUP, "'%s' linked '%s' %s: its link order cannot be varied",
                          job->build, job->request->executable,
                          links.what[0] == '\0' ? "once, and not again" : "as usual, though told otherwise");
    }
    if (error == 0 && rename(job->out->original, name) != 0) {
        error = tare__trouble(job->trouble, -errno, "cannot make '%s': %s", name, strerror(errno));
    }
    if (error == 0) {
        error = tare__relink_digest(name, digest);
        if (error != 0) {
            tare__trouble(job->trouble, error, "cannot read '%s': %s", name, strerror(-error));
        }
    }
    return error;
}

static int make_all(struct job *job)
{
    char(*digests)[TARE_SHA256_HEX + 1] = calloc(job->out->count, sizeof(*digests));
    job->out->executables = calloc(job->out->count + 1, sizeof(*job->out->executables));
    int error = digests == NULL || job->out->executables == NULL ? out_of_memory(job) : 0;
    for (unsigned i = 1; error == 0 && i <= job->out->count; i++) {
        error = make_one(job, i, digests[i - 1]);
    }
    for (size_t i = 0; error == 0 && i < job->out->count; i++) {
        bool known = false;
        for (size_t k = 0; k < i; k++) {
            known = known || strcmp(digests[k], digests[i]) == 0;
        }
        job->out->layouts += !known;
    }
    if (error == 0 && job->out->layouts < 2) {
        error = tare__trouble(job->trouble, -ENOTSUP,
                              "'%s' makes the same '%s' in each link order: it cannot be varied", job->build,
                              job->request->executable);
    }
    free(digests);
    return error;
}

/* From the open file, where its name is gone: another inode, but the same bytes, rights and times. */
static int write_again(const struct job *job)
{
    char bytes[4096];
    int fd = open(job->aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), error = fd < 0 ? -errno : 0;
    off_t at = 0;
    for (ssize_t got = 1; error == 0 && got > 0;) {
        got = pread(job->kept, bytes, sizeof(bytes), at);
        error = got < 0 || (got > 0 && write(fd, bytes, (size_t)got) != got) ? (errno != 0 ? -errno : -EIO) : 0;
        at += got > 0 ? got : 0;
    }
    const struct timespec times[2] = {job->status.st_atim, job->status.st_mtim};
    if (error == 0) {
        (void)!fchown(fd, job->status.st_uid, job->status.st_gid); /* ours, where it may not be another's */
        if (fchmod(fd, job->status.st_mode & 07777) != 0 || futimens(fd, times) != 0) {
            error = -errno;
        }
    }
    if (fd >= 0 && close(fd) != 0 && error == 0) {
        error = -errno;
    }
    return error;
}

/* Returns 0, or -errno with a message that goes before any other. */
static int put_back(struct job *job)
{
    if (!job->moved) {
        return 0;
    }
    int error = is_aside(job) ? 0 : write_again(job);
    if (error == 0 && rename(job->aside, job->out->original) != 0) {
        error = -errno;
    }
    job->moved = error != 0;
    return error == 0 ? 0
                      : tare__trouble(job->trouble, error, "cannot put '%s' back: %s: it is '%s'",
                                      job->request->executable, strerror(-error), job->aside);
}

static int make(struct job *job)
{
    int error = lock(job);
    error = error == 0 ? check_executable(job) : error;
    error = error == 0 ? make_scratch(job) : error;
    if (error != 0) {
        return error;
    }
    job->aside = tare__relink_name(job->out->original, "original");
    job->target = strdup(job->out->original);
    if (job->aside == NULL || job->target == NULL) {
        return out_of_memory(job);
    }
    if (rename(job->out->original, job->aside) != 0) {
        return tare__trouble(job->trouble, -errno, "cannot move '%s' aside: %s", job->request->executable,
                             strerror(errno));
    }
    job->moved = true;
    error = find_build(job);
    error = error == 0 ? probe(job) : error;
    error = error == 0 ? make_all(job) : error;
    int worse = put_back(job);
    return worse != 0 ? worse : error;
}

int tare_relink_make(const struct tare_relink_request *request, struct tare_relink *relink,
                     struct tare_build_trouble *trouble)
{
    *relink = (struct tare_relink){.lock = -1};
    if (request->count < TARE_RELINK_LEAST || request->count > TARE_RELINK_MOST) {
        return tare__trouble(trouble, -EINVAL, "%u link orders: %d to %d can be asked for", request->count,
                             TARE_RELINK_LEAST, TARE_RELINK_MOST);
    }
    struct job job = {.request = request, .trouble = trouble, .out = relink, .kept = -1};
    job.watch = (struct tare_build_watch){progress, notice, &job};
    sigset_t before;
    tare__signals_block(&before);
    int error = make(&job);
    if (job.folder != NULL) {
        tare__tree_remove(job.folder);
    }
    relink->command = job.build;
    if (error != 0) {
        tare_relink_release(relink);
    }
    int late = tare__signals_unblock(&before);
    if (late != 0) {
        if (error == 0) {
            error = tare__trouble(trouble, -EINTR, "interrupted");
            tare_relink_release(relink);
        }
        trouble->interrupted = error == -EINTR ? late : trouble->interrupted;
    }
    if (job.kept >= 0) {
        close(job.kept);
    }
    free(job.aside);
    free(job.folder);
    free(job.target);
    free(job.build_folder);
    return error;
}

void tare_relink_release(struct tare_relink *relink)
{
    sigset_t before;
    if (relink->original == NULL) {
        return;
    }
    tare__signals_block(&before);
    for (size_t i = 0; relink->executables != NULL && i < relink->count; i++) {
        if (relink->executables[i] != NULL) {
            unlink(relink->executables[i]);
            free(relink->executables[i]);
        }
    }
    if (relink->lock >= 0) {
        tare__relink_unlock(relink->original, relink->lock);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    free(relink->executables);
    free(relink->original);
    free(relink->command);
    *relink = (struct tare_relink){.lock = -1};
}

int tare_relink_recover(const char *executable, const struct tare_build_watch *watch,
                        struct tare_build_trouble *trouble)
{
    char *original;
    sigset_t before;
    if (tare__relink_resolve(executable, &original) != 0) {
        return 0; /* nothing there, which is for others to say */
    }
    if (!tare__relink_is_left(original)) {
        free(original);
        return 0;
    }
    tare__signals_block(&before);
    /* What another user does there is his. */
    int lock = tare__relink_lock(original),
        found = lock == -EBUSY || lock == -EACCES || lock == -EPERM ? 0 : lock;
    if (lock >= 0) {
        found = tare__relink_tidy(original, lock);
        if (found >= 0) {
            tare__relink_unlock(original, lock);
        } else {
            close(lock); /* its file says when the run died */
        }
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (found < 0) {
        tare__trouble(trouble, found, "cannot put '%s' back, which a run that was killed has left aside: %s",
                      executable, strerror(-found));
    } else if (lock >= 0 && found == TARE__RELINK_PUT_BACK) {
        tare__notice(watch, "put '%s' back, which a run that was killed had left aside", executable);
    }
    free(original);
    return found < 0 ? found : lock >= 0 && found == TARE__RELINK_PUT_BACK;
}
