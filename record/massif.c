/* SPDX-License-Identifier: MIT */
/*
 * The file, as valgrind's manual shows it ("Massif: a heap profiler"):
 *
 *     desc: ...            cmd: ...            time_unit: i
 *     #-----------
 *     snapshot=12
 *     #-----------
 *     time=140284
 *     mem_heap_B=1400      mem_heap_extra_B=16     mem_stacks_B=0
 *     heap_tree=peak                        or empty, detailed
 *     n2: 1400 (heap allocation functions) malloc/new/new[], --alloc-fns, etc.
 *      n1: 1000 0x109166: f (a.c:5)
 *       n0: 1000 0x109190: main (a.c:12)
 *      n0: 400 in 3 places, all below massif's threshold (1.00%)
 *
 * (each on a line of its own). A line of the tree has as many blanks in front as it is deep, and says how many
 * lines below belong to it.
 */
#include "record/massif.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/clean.h"
#include "record/elf.h"
#include "record/perf_child.h"
#include "record/text_lines.h"

enum { SITES_MAX = 4096, PATH_ROOM = 4096 };

struct snapshot {
    uint64_t time, heap, extra, stacks;
    bool has_time, has_heap, peak;
};

struct reader {
    struct tare__lines lines;
    struct tare_massif *massif;
    struct snapshot now;
    bool any, has_peak;
    struct tare_massif_site *sites; /* of the tree that is being read */
    size_t site_count;
    uint64_t below;
    int error;
};

static bool after(const char *line, const char *word, const char **rest)
{
    size_t length = strlen(word);
    if (strncmp(line, word, length) != 0) {
        return false;
    }
    *rest = line + length;
    return true;
}

static bool read_number(const char **at, uint64_t *value)
{
    char *end;
    if (**at < '0' || **at > '9') {
        return false;
    }
    errno = 0;
    unsigned long long number = strtoull(*at, &end, 10);
    if (errno != 0 || number > INT64_MAX) {
        return false;
    }
    *at = end;
    *value = number;
    return true;
}

static bool whole_number(const char *text, uint64_t *value)
{
    return read_number(&text, value) && *text == '\0';
}

static void free_sites(struct tare_massif_site *sites, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(sites[i].function);
        free(sites[i].where);
    }
    free(sites);
}

static void forget_tree(struct reader *r)
{
    free_sites(r->sites, r->site_count);
    r->sites = NULL;
    r->site_count = 0;
    r->below = 0;
}

static bool keep_site(struct reader *r, uint64_t bytes, char *function, char *where)
{
    if (r->site_count == SITES_MAX) {
        return !__builtin_add_overflow(r->below, bytes, &r->below);
    }
    if (r->site_count % 16 == 0) {
        struct tare_massif_site *sites = reallocarray(r->sites, r->site_count + 16, sizeof(*sites));
        if (sites == NULL) {
            r->error = -ENOMEM;
            return false;
        }
        r->sites = sites;
    }
    struct tare_massif_site *site = &r->sites[r->site_count++];
    *site = (struct tare_massif_site){.bytes = bytes};
    site->function = function[0] != '\0' ? strdup(function) : NULL;
    site->where = where[0] != '\0' ? strdup(where) : NULL;
    if ((function[0] != '\0' && site->function == NULL) || (where[0] != '\0' && site->where == NULL)) {
        r->error = -ENOMEM;
        return false;
    }
    return true;
}

/* "0x109166: f(int) (a.c:5)": the last brackets say where; "???" is no name. */
static bool read_site(struct reader *r, uint64_t bytes, char *text)
{
    char *colon = strstr(text, ": ");
    if (colon == NULL) {
        return false;
    }
    char *function = colon + 2, *where = function + strlen(function);
    size_t length = strlen(function);
    if (length > 0 && function[length - 1] == ')') {
        char *open = strrchr(function, '(');
        if (open != NULL && open > function && open[-1] == ' ') {
            function[length - 1] = '\0';
            where = open + 1;
            open[-1] = '\0';
            where += strncmp(where, "in ", 3) == 0 ? 3 : 0;
        }
    }
    if (strcmp(function, "???") == 0) {
        function[0] = '\0';
    }
    return keep_site(r, bytes, function, where);
}

/* A line of the tree. False: it is none. */
static bool read_tree_line(struct reader *r, char *line)
{
    size_t depth = strspn(line, " ");
    const char *at = line + depth;
    uint64_t children, bytes;
    if (*at++ != 'n' || !read_number(&at, &children) || strncmp(at, ": ", 2) != 0) {
        return false;
    }
    at += 2;
    if (!read_number(&at, &bytes) || *at != ' ') {
        return false;
    }
    if (depth == 0) {
        forget_tree(r);
    } else if (depth == 1) {
        char *text = line + (at + 1 - line);
        if (strncmp(text, "in ", 3) == 0) {
            return !__builtin_add_overflow(r->below, bytes, &r->below);
        }
        return read_site(r, bytes, text);
    }
    return true;
}

static uint64_t total(const struct snapshot *snapshot)
{
    uint64_t sum;
    return __builtin_add_overflow(snapshot->heap, snapshot->extra, &sum) ||
                   __builtin_add_overflow(sum, snapshot->stacks, &sum)
               ? UINT64_MAX
               : sum;
}

/* The peak that massif marked, or else the largest; its tree is what was read since its beginning. */
static void end_snapshot(struct reader *r)
{
    struct tare_massif *massif = r->massif;
    const struct snapshot known = {
        .heap = massif->heap_bytes, .extra = massif->extra_bytes, .stacks = massif->stacks_bytes};
    if (!r->any) {
        return;
    }
    massif->snapshots++;
    massif->end_time = r->now.time;
    bool better = massif->snapshots == 1 || total(&r->now) > total(&known);
    if (r->now.peak || (!massif->exact && better)) {
        massif->exact = massif->exact || r->now.peak;
        massif->peak_time = r->now.time;
        massif->heap_bytes = r->now.heap;
        massif->extra_bytes = r->now.extra;
        massif->stacks_bytes = r->now.stacks;
        free_sites(massif->sites, massif->site_count);
        massif->sites = r->sites;
        massif->site_count = r->site_count;
        massif->below_bytes = r->below;
        r->sites = NULL;
        r->site_count = 0;
    }
    forget_tree(r);
}

static int set_text(char **to, const char *text)
{
    free(*to);
    *to = strdup(text);
    return *to != NULL ? 0 : -ENOMEM;
}

/* False: the line is none of massif's. */
static bool read_line(struct reader *r, char *line)
{
    const char *rest;
    uint64_t number;
    if (line[0] == '\0' || line[0] == '#' || after(line, "desc:", &rest)) {
        return true;
    }
    if (after(line, "cmd: ", &rest)) {
        r->error = set_text(&r->massif->command, rest);
        return true;
    }
    if (after(line, "time_unit: ", &rest)) {
        r->error = set_text(&r->massif->time_unit, rest);
        return true;
    }
    if (after(line, "snapshot=", &rest)) {
        end_snapshot(r);
        r->any = true;
        r->now = (struct snapshot){0};
        return whole_number(rest, &number);
    }
    if (!r->any) {
        return false;
    }
    if (after(line, "time=", &rest)) {
        return r->now.has_time = whole_number(rest, &r->now.time);
    }
    if (after(line, "mem_heap_B=", &rest)) {
        return r->now.has_heap = whole_number(rest, &r->now.heap);
    }
    if (after(line, "mem_heap_extra_B=", &rest)) {
        return whole_number(rest, &r->now.extra);
    }
    if (after(line, "mem_stacks_B=", &rest)) {
        return whole_number(rest, &r->now.stacks);
    }
    if (after(line, "heap_tree=", &rest)) {
        r->now.peak = strcmp(rest, "peak") == 0;
        return r->now.peak || strcmp(rest, "empty") == 0 || strcmp(rest, "detailed") == 0;
    }
    return read_tree_line(r, line);
}

static int by_bytes(const void *a, const void *b)
{
    const struct tare_massif_site *left = a, *right = b;
    return (left->bytes < right->bytes) - (left->bytes > right->bytes);
}

int tare_massif_read(FILE *in, struct tare_massif *massif, char *message, size_t message_size)
{
    struct reader r = {.massif = massif};
    size_t length;
    *massif = (struct tare_massif){0};
    int error = tare__lines_begin(&r.lines, in);
    bool fine = true;
    for (char *line;
         error == 0 && fine && r.error == 0 && (line = tare__lines_next(&r.lines, &length)) != NULL;) {
        fine = !r.lines.damaged && read_line(&r, line);
    }
    error = error != 0 ? error : r.error;
    if (error != 0) {
        snprintf(message, message_size, "out of memory");
    } else if (ferror(in)) {
        error = -EIO;
        snprintf(message, message_size, "massif's file cannot be read");
    } else if (!fine) {
        error = -EBADMSG;
        snprintf(message, message_size, "line %llu of massif's file is not to be understood",
                 (unsigned long long)r.lines.number);
    } else {
        bool complete = !r.any || (r.now.has_time && r.now.has_heap);
        end_snapshot(&r);
        if (massif->snapshots == 0 || !complete || massif->heap_bytes > INT64_MAX - massif->extra_bytes ||
            massif->below_bytes > INT64_MAX) {
            error = -EBADMSG;
            snprintf(message, message_size, "massif's file %s",
                     massif->snapshots == 0 ? "has no snapshot"
                     : !complete            ? "is cut short"
                                            : "has sums that cannot be");
        }
    }
    forget_tree(&r);
    tare__lines_end(&r.lines);
    if (error != 0) {
        tare_massif_release(massif);
    } else if (massif->site_count != 0) {
        qsort(massif->sites, massif->site_count, sizeof(*massif->sites), by_bytes);
    }
    return error;
}

void tare_massif_release(struct tare_massif *massif)
{
    free(massif->command);
    free(massif->time_unit);
    free_sites(massif->sites, massif->site_count);
    *massif = (struct tare_massif){0};
}

/* ---- the run ---- */

static void remove_folder(const char *folder)
{
    DIR *entries = opendir(folder);
    for (struct dirent *entry; entries != NULL && (entry = readdir(entries)) != NULL;) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            unlinkat(dirfd(entries), entry->d_name, 0);
        }
    }
    if (entries != NULL) {
        closedir(entries);
    }
    rmdir(folder);
}

/* The last line of valgrind's log that says something of its own. */
static void read_log(const char *folder, pid_t pid, char *words, size_t size)
{
    char path[PATH_ROOM + 32], line[512];
    snprintf(path, sizeof(path), "%s/log.%ld", folder, (long)pid);
    FILE *log = fopen(path, "re");
    words[0] = '\0';
    while (log != NULL && fgets(line, sizeof(line), log) != NULL) {
        if (strncmp(line, "valgrind: ", 10) == 0) {
            line[strcspn(line, "\n")] = '\0';
            snprintf(words, size, "%.*s", (int)size - 1, line + 10);
            tare__clean_text(words);
            break;
        }
    }
    if (log != NULL) {
        fclose(log);
    }
}

static uint64_t peak(const struct tare_massif *massif)
{
    return massif->heap_bytes + massif->extra_bytes +
           massif->stacks_bytes; /* sums that were checked: below 2^65 */
}

/* What was found of all processes. */
struct family {
    struct tare_massif best;
    pid_t best_pid;
    size_t read, unreadable;
};

static int read_one(int folder, const char *name, pid_t pid, struct family *family, char *message, size_t size)
{
    struct tare_massif massif;
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    FILE *out = fd >= 0 ? fdopen(fd, "r") : NULL;
    if (out == NULL) {
        int error = -errno;
        if (fd >= 0) {
            close(fd);
        }
        snprintf(message, size, "massif's file cannot be read: %s", strerror(-error));
        return error;
    }
    int error = tare_massif_read(out, &massif, message, size);
    fclose(out);
    if (error == 0) {
        bool higher = family->read++ == 0 || peak(&massif) > peak(&family->best);
        if (higher) {
            struct tare_massif lower = family->best;
            family->best = massif;
            family->best_pid = pid;
            massif = lower;
        }
        tare_massif_release(&massif);
    }
    return error;
}

/* There is no file: why. Massif writes it when the process ends, and not where that is by SIGKILL. */
static void explain_nothing(const char *folder, const struct tare_massif_request *request,
                            const struct tare_outcome *outcome, char *message, size_t size)
{
    char words[200];
    const char *name = request->spawn->argv[0];
    read_log(folder, outcome->pid, words, sizeof(words));
    if (words[0] != '\0') {
        snprintf(message, size, "massif wrote nothing: %s", words);
    } else if (outcome->end == TARE_END_TIMEOUT) {
        snprintf(message, size, "'%.100s' was ended after %g s, and massif wrote nothing", name,
                 request->spawn->timeout_s);
    } else if (outcome->end == TARE_END_SIGNALED) {
        snprintf(message, size, "'%.100s' was killed by signal %d (%s), and massif wrote nothing", name,
                 outcome->code, strsignal(outcome->code));
    } else {
        snprintf(message, size, "massif wrote nothing: '%.100s' became another program: run that one", name);
    }
}

/* Each process that ended by itself, or by a signal that valgrind saw, has left a file "out.PID". */
static int read_out(const char *folder, const struct tare_massif_request *request,
                    const struct tare_outcome *outcome, struct tare_massif *massif, char *message, size_t size)
{
    const pid_t pid = outcome->pid;
    struct family family = {0};
    DIR *entries = opendir(folder);
    char words[200], *end;
    int error = 0;
    message[0] = '\0';
    for (struct dirent *entry; entries != NULL && (entry = readdir(entries)) != NULL;) {
        if (strncmp(entry->d_name, "out.", 4) == 0) {
            pid_t of = (pid_t)strtol(entry->d_name + 4, &end, 10);
            int failure = read_one(dirfd(entries), entry->d_name, of, &family, message, size);
            family.unreadable += failure != 0;
            error = failure != 0 ? failure : error;
        }
    }
    if (entries != NULL) {
        closedir(entries);
    }
    if (family.read == 0 && error == 0) {
        explain_nothing(folder, request, outcome, message, size);
        return -ECHILD;
    }
    if (family.read == 0 || error == -ENOMEM) {
        tare_massif_release(&family.best);
        return error;
    }
    size_t used = 0;
    message[0] = '\0';
    if (family.read > 1 || family.best_pid != pid) {
        snprintf(words, sizeof(words), "%s", family.best.command != NULL ? family.best.command : "?");
        tare__clean_text(words);
        int written =
            snprintf(message, size, "the peak is of the process %ld (%.100s)", (long)family.best_pid, words);
        used = written > 0 && (size_t)written < size ? (size_t)written : 0;
        if (family.read > 1) {
            written = snprintf(message + used, size - used, ": %zu other%s had a lower one, and %s not in it",
                               family.read - 1, family.read == 2 ? "" : "s", family.read == 2 ? "is" : "are");
            used += written > 0 && (size_t)written < size - used ? (size_t)written : 0;
        }
    }
    if (family.unreadable != 0) {
        snprintf(message + used, size - used, "%sof %zu process%s massif's file cannot be read",
                 used != 0 ? "; " : "", family.unreadable, family.unreadable == 1 ? "" : "es");
    }
    *massif = family.best;
    return 0;
}

static int run_valgrind(const char *valgrind, const char *folder, const struct tare_massif_request *request,
                        struct tare_outcome *outcome)
{
    static char tool[] = "--tool=massif", quiet[] = "-q", strict[] = "--command-line-only=yes",
                stacks[] = "--stacks=yes", inaccuracy[] = "--peak-inaccuracy=0.0",
                children[] = "--trace-children=yes";
    char out[PATH_ROOM + 32], log[PATH_ROOM + 32];
    snprintf(out, sizeof(out), "--massif-out-file=%s/out.%%p", folder);
    snprintf(log, sizeof(log), "--log-file=%s/log.%%p", folder);
    size_t arguments = 0, n = 0, variables = 0;
    const struct tare_spawn *program = request->spawn;
    while (program->argv[arguments] != NULL) {
        arguments++;
    }
    while (program->set != NULL && program->set[variables] != NULL) {
        variables++;
    }
    char **argv = calloc(arguments + 13, sizeof(*argv));
    const char **set = calloc(variables + 2, sizeof(*set));
    int error = -ENOMEM;
    if (argv != NULL && set != NULL) {
        argv[n++] = (char *)(uintptr_t)valgrind;
        argv[n++] = tool;
        argv[n++] = quiet;
        argv[n++] = strict;
        argv[n++] = inaccuracy;
        argv[n++] = children;
        argv[n++] = out;
        argv[n++] = log;
        if (request->stacks) {
            argv[n++] = stacks;
        }
        argv[n++] = (char *)(uintptr_t)program->path;
        for (size_t i = 1; i < arguments; i++) {
            argv[n++] = program->argv[i];
        }
        for (size_t i = 0; i < variables; i++) {
            set[i] = program->set[i];
        }
        set[variables] = "DEBUGINFOD_URLS="; /* or it would ask servers for the sources of every library */
        struct tare_spawn spawn = *program;
        bool not_started;
        spawn.path = valgrind;
        spawn.argv = argv;
        spawn.set = set;
        error = tare_spawn_run(&spawn, outcome, &not_started);
    }
    free(argv);
    free(set);
    return error;
}

int tare_massif_run(const struct tare_massif_request *request, struct tare_massif *massif,
                    struct tare_outcome *outcome, char *message, size_t message_size)
{
    char folder[PATH_ROOM], *valgrind = NULL;
    *massif = (struct tare_massif){0};
    *outcome = (struct tare_outcome){0};
    if (tare_find_program("valgrind", &valgrind) != 0) {
        snprintf(message, message_size, "cannot find 'valgrind', whose massif measures the heap: install it");
        return -ENOENT;
    }
    int length = snprintf(folder, sizeof(folder), "%s/tare-massif-XXXXXX", tare__perf_folder());
    if (length < 0 || length >= (int)sizeof(folder) || mkdtemp(folder) == NULL) {
        int error = length >= (int)sizeof(folder) ? -ENAMETOOLONG : -errno;
        snprintf(message, message_size, "cannot make a folder for massif's file: %s: set TMPDIR",
                 strerror(-error));
        free(valgrind);
        return error;
    }
    int error = run_valgrind(valgrind, folder, request, outcome);
    if (error != 0) {
        snprintf(message, message_size, "cannot run '%.200s': %s", valgrind, strerror(-error));
    } else {
        error = read_out(folder, request, outcome, massif, message, message_size);
    }
    remove_folder(folder);
    free(valgrind);
    return error;
}
