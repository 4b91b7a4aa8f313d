/* SPDX-License-Identifier: MIT */
/*
 * tare-ld: the linker, with object files in another order; linker.h says when and why. Whatever goes wrong in
 * here, the link itself is passed on as it came: a build must not fail because of us.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "linker/linker.h"
#include "linker/rearrange.h"
#include "linker/shuffle.h"
#include "linker/words.h"

enum { EXIT_CANNOT = 126, EXIT_NOT_FOUND = 127 };

/* What we are asked for. */
struct task {
    const char *target, *folder, *log;
    uint64_t seed;
    unsigned order;
};

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/*
 * The linkers that we have become already, with ':' between. One of them may be a script that looks for the
 * next one by PATH, and finds us again: that one has had the words in their order, and is not to be found a
 * second time.
 */
#define PASSED "TARE_LD_PASSED"

static bool was_passed(const char *path)
{
    const char *list = getenv(PASSED);
    size_t length = strlen(path);
    while (list != NULL && *list != '\0') {
        size_t part = strcspn(list, ":");
        if (part == length && strncmp(list, path, length) == 0) {
            return true;
        }
        list += part + (list[part] == ':');
    }
    return false;
}

/* Whether it can be run and is not we ourselves, under whatever name. */
static bool is_another_program(const char *path)
{
    struct stat its, ours;
    if (was_passed(path)) {
        return false;
    }
    return access(path, X_OK) == 0 && stat(path, &its) == 0 && S_ISREG(its.st_mode) &&
           stat("/proc/self/exe", &ours) == 0 && (its.st_dev != ours.st_dev || its.st_ino != ours.st_ino);
}

/* In the folders of a list as PATH. Allocated; NULL: nowhere. */
static char *search(const char *list, const char *name)
{
    while (list != NULL && *list != '\0') {
        size_t length = strcspn(list, ":");
        char *path = NULL;
        if (length > 0 && asprintf(&path, "%.*s/%s", (int)length, list, name) < 0) {
            return NULL;
        }
        if (path != NULL && is_another_program(path)) {
            return path;
        }
        free(path);
        list += length + (list[length] == ':');
    }
    return NULL;
}

/* The first line that a program prints on standard output; false: it printed none, or did not run. */
static bool ask(char *const *argv, char *line, size_t size)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0) {
        return false;
    }
    pid_t pid = fork();
    if (pid == 0) {
        int nowhere = open("/dev/null", O_RDWR);
        if (nowhere >= 0 && dup2(nowhere, 0) >= 0 && dup2(nowhere, 2) >= 0 && dup2(fds[1], 1) >= 0) {
            execv(argv[0], argv);
        }
        _exit(EXIT_NOT_FOUND);
    }
    close(fds[1]);
    size_t used = 0;
    char rest[512];
    for (ssize_t got = 1; pid > 0 && (got > 0 || (got < 0 && errno == EINTR));) {
        got = read(fds[0], used + 1 < size ? line + used : rest,
                   used + 1 < size ? size - used - 1 : sizeof(rest));
        used += got > 0 && used + 1 < size ? (size_t)got : 0;
    }
    close(fds[0]);
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
    line[used] = '\0';
    line[strcspn(line, "\n")] = '\0';
    return line[0] != '\0';
}

/*
 * clang looks beside itself, too, and knows where; it is our parent then. gcc's collect2 need not be asked:
 * what it has in COMPILER_PATH is all that it searches.
 */
static char *ask_clang(const char *name)
{
    char link[64], parent[PATH_MAX], answer[PATH_MAX], question[64];
    snprintf(link, sizeof(link), "/proc/%d/exe", (int)getppid());
    ssize_t length = readlink(link, parent, sizeof(parent) - 1);
    if (length <= 0) {
        return NULL;
    }
    parent[length] = '\0';
    if (strncmp(last_part(parent), "clang", 5) != 0) {
        return NULL;
    }
    const char *before = getenv("COMPILER_PATH");
    char *kept = before != NULL ? strdup(before) : NULL;
    unsetenv("COMPILER_PATH");
    snprintf(question, sizeof(question), "-print-prog-name=%s", name);
    bool said = ask((char *[]){parent, question, NULL}, answer, sizeof(answer));
    if (kept != NULL) {
        setenv("COMPILER_PATH", kept, 1);
        free(kept);
    }
    return said && answer[0] == '/' && is_another_program(answer) ? strdup(answer) : NULL;
}

static char *find_linker(const char *name)
{
    char *path = search(getenv("COMPILER_PATH"), name);
    path = path != NULL ? path : ask_clang(name);
    return path != NULL ? path : search(getenv("PATH"), name);
}

static _Noreturn void become(char *linker, char **argv)
{
    const char *passed = getenv(PASSED);
    char *list = NULL;
    if (asprintf(&list, "%s%s%s", passed != NULL ? passed : "", passed != NULL ? ":" : "", linker) >= 0) {
        setenv(PASSED, list, 1);
        free(list);
    }
    argv[0] = linker;
    execv(linker, argv);
    fprintf(stderr, "tare-ld: cannot run '%s': %s\n", linker, strerror(errno));
    exit(EXIT_CANNOT);
}

static enum tare_linker kind_of(char *linker)
{
    char version[256];
    if (!ask((char *[]){linker, (char *)"--version", NULL}, version, sizeof(version))) {
        return TARE_LINKER_UNKNOWN;
    }
    return strstr(version, "LLD") != NULL                      ? TARE_LINKER_LLD
           : strstr(version, "mold") != NULL                   ? TARE_LINKER_MOLD
           : strstr(version, "GNU gold") != NULL               ? TARE_LINKER_GOLD
           : strncmp(version, "GNU ld", strlen("GNU ld")) == 0 ? TARE_LINKER_BFD
                                                               : TARE_LINKER_UNKNOWN;
}

/* Whether the one who asks is still there. */
static bool is_held(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    bool held = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    close(fd);
    return held;
}

static bool read_task(struct task *task)
{
    const char *order = getenv(TARE_LD_ORDER), *seed = getenv(TARE_LD_SEED), *lock = getenv(TARE_LD_LOCK);
    task->target = getenv(TARE_LD_TARGET);
    task->folder = getenv(TARE_LD_FOLDER);
    task->log = getenv(TARE_LD_LOG);
    if (task->target == NULL || task->folder == NULL || task->log == NULL || order == NULL || seed == NULL ||
        lock == NULL || !is_held(lock)) {
        return false;
    }
    task->order = (unsigned)strtoul(order, NULL, 10);
    task->seed = strtoull(seed, NULL, 10);
    return true;
}

/* Absolute, with its folder resolved; its own name may not exist yet. NULL: no such folder. */
static char *resolve(const char *path)
{
    char *folder = strdup(path), *real = NULL, *whole = NULL;
    if (folder == NULL) {
        return NULL;
    }
    size_t length = (size_t)(last_part(path) - path);
    folder[length] = '\0';
    real = realpath(length == 0 ? "." : folder, NULL);
    if (real != NULL && asprintf(&whole, "%s/%s", strcmp(real, "/") == 0 ? "" : real, last_part(path)) < 0) {
        whole = NULL;
    }
    free(real);
    free(folder);
    return whole;
}

/* In one write, as links may go on side by side. */
static void note(const struct task *task, const char *what, const struct tare_pieces *pieces, uint64_t orders,
                 enum tare_linker linker, const char *output)
{
    static const char *const names[] = {"-", "bfd", "gold", "lld", "mold"};
    char *line = NULL;
    int length = asprintf(&line, "%s %zu %llu %s %s\n", what, pieces->items, (unsigned long long)orders,
                          names[linker], output);
    int fd = length < 0 ? -1 : open(task->log, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t written = write(fd, line, (size_t)length);
        (void)written; /* a link that is not in the log counts as none */
        close(fd);
    }
    free(length < 0 ? NULL : line);
}

/* Puts the words into the order that is asked for. Returns what to say of it. */
static const char *arrange(const struct task *task, struct tare_words *words, struct tare_pieces *pieces,
                           enum tare_linker linker)
{
    if (task->order == 0) {
        return "usual";
    }
    char mark[32];
    snprintf(mark, sizeof(mark), "%d", (int)getpid());
    size_t *order = calloc(pieces->items + 1, sizeof(*order));
    bool done = order != NULL &&
                tare_shuffle_nth(pieces->sizes, pieces->count, task->seed, task->order, order) == 0 &&
                tare_pieces_arrange(pieces, words, linker, order, task->folder, mark) == 0;
    free(order);
    return done ? "order" : "none";
}

/* The words of a response file are too many for a command line, perhaps: they go into one again. */
static bool shorten(const struct task *task, struct tare_words *words)
{
    char *path = NULL;
    if (!words->expanded) {
        return true;
    }
    if (asprintf(&path, "@%s/%d.words", task->folder, (int)getpid()) < 0) {
        return false;
    }
    if (tare_words_write(words, 1, path + 1) != 0 || words->count < 2) {
        free(path);
        return false;
    }
    for (size_t i = 1; i < words->count; i++) {
        free(words->list[i]);
    }
    words->list[1] = path;
    words->list[2] = NULL;
    words->count = 2;
    return true;
}

/* Links the target as asked. Returns where it is not the target, or cannot be done. */
static void relink(const struct task *task, char *linker, char **argv)
{
    struct tare_words words;
    struct tare_link link = {0};
    struct tare_pieces pieces = {0};
    if (tare_words_expand(argv, &words) != 0 || tare_link_read(&words, &link) != 0 || !link.executable) {
        return; /* not released: the next thing is exec */
    }
    char *output = resolve(link.output);
    if (output == NULL) {
        return;
    }
    if (strcmp(output, task->target) != 0) {
        note(task, "other", &pieces, 0, TARE_LINKER_UNKNOWN, output);
        return;
    }
    enum tare_linker kind = kind_of(linker);
    if (tare_pieces_find(&words, &link, kind, &pieces) != 0) {
        return;
    }
    uint64_t orders = tare_shuffle_count(pieces.sizes, pieces.count);
    const char *what = arrange(task, &words, &pieces, kind);
    bool changed = strcmp(what, "order") == 0;
    if (changed && !shorten(task, &words)) {
        what = "none";
        changed = false;
    }
    note(task, what, &pieces, orders, kind, output);
    if (changed) {
        become(linker, words.list);
    }
}

int main(int argc, char **argv)
{
    struct task task;
    if (argc < 1 || strcmp(last_part(argv[0]), "tare-ld") == 0) {
        fputs("tare-ld: is run by compilers, in the place of the linker, while 'tare bench --relink' asks for "
              "it\n",
              stderr);
        return 2;
    }
    char *linker = find_linker(last_part(argv[0]));
    if (linker == NULL) {
        fprintf(stderr, "tare-ld: cannot find the linker '%s'\n", last_part(argv[0]));
        return EXIT_NOT_FOUND;
    }
    if (getenv(PASSED) == NULL && read_task(&task)) {
        relink(&task, linker, argv);
    }
    become(linker, argv);
}
