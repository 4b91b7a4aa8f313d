/* SPDX-License-Identifier: MIT */
/*
 * valgrind writes a file and a log for each process, into a folder that we make for them and empty again.
 * The log says what the process is (its command and its parent), and what valgrind could not do.
 */
#include "record/callgrind.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record/block_child.h"
#include "record/clean.h"

enum {
    PATH_ROOM = 4096,
    LINE_ROOM = 4096,
    PROCESSES_MAX = 1024, /* whose logs are looked at */
    LOG_LINES_MAX = 10000,
    FILES_MAX = 65536, /* in the folder; beyond, something is badly wrong */
};

/* ---- callgrind's format: https://valgrind.org/docs/manual/cl-format.html ---- */

/* The beginning of a line, without its newline; what does not fit is skipped. False at the end. */
static bool read_line(FILE *file, char line[LINE_ROOM])
{
    size_t length = 0;
    int c = getc_unlocked(file);
    if (c == EOF) {
        return false;
    }
    for (; c != EOF && c != '\n'; c = getc_unlocked(file)) {
        if (length < LINE_ROOM - 1) {
            line[length++] = (char)c;
        }
    }
    line[length] = '\0';
    return true;
}

/* Which of the words is "Ir"; -1: none. */
static int index_of_instructions(const char *words)
{
    for (int index = 0;; index++) {
        words += strspn(words, " \t");
        size_t length = strcspn(words, " \t");
        if (length == 0) {
            return -1;
        }
        if (length == 2 && strncmp(words, "Ir", 2) == 0) {
            return index;
        }
        words += length;
    }
}

/* The number at that place; callgrind leaves out zeros at the end. False: there is something else. */
static bool number_at(const char *numbers, int index, uint64_t *value)
{
    for (;; index--) {
        numbers += strspn(numbers, " \t");
        if (*numbers == '\0') {
            *value = 0;
            return true;
        }
        char *end;
        errno = 0;
        unsigned long long number = strtoull(numbers, &end, 10);
        if (*numbers < '0' || *numbers > '9' || errno != 0 || strchr(" \t", *end) == NULL) {
            return false;
        }
        if (index == 0) {
            *value = number;
            return true;
        }
        numbers = end;
    }
}

int tare_callgrind_total(FILE *file, uint64_t *total)
{
    char line[LINE_ROOM];
    int index = -1;
    bool found = false;
    *total = 0;
    while (read_line(file, line)) {
        uint64_t value;
        if (strncmp(line, "events:", 7) == 0) {
            index = index_of_instructions(line + 7);
        } else if (strncmp(line, "totals:", 7) == 0) {
            if (index < 0 || !number_at(line + 7, index, &value) ||
                __builtin_add_overflow(*total, value, total)) {
                return -EBADMSG;
            }
            found = true;
        }
    }
    return ferror(file) ? -EIO : found ? 0 : -EBADMSG;
}

/* ---- the folder ---- */

static int make_folder(char folder[PATH_ROOM])
{
    const char *parent = getenv("TMPDIR");
    int length = snprintf(folder, PATH_ROOM, "%s/tare-callgrind-XXXXXX",
                          parent != NULL && parent[0] == '/' ? parent : "/tmp");
    if (length < 0 || length >= PATH_ROOM) {
        return -ENAMETOOLONG;
    }
    return mkdtemp(folder) != NULL ? 0 : -errno;
}

/* Only files are in it, and only valgrind's. */
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

/* "--option=FOLDER/name", where valgrind takes '%' for its own; NULL without memory. */
static char *make_option(const char *option, const char *folder, const char *name)
{
    size_t percents = 0;
    for (const char *at = folder; *at != '\0'; at++) {
        percents += *at == '%';
    }
    char *text = malloc(strlen(option) + strlen(folder) + percents + strlen(name) + 2);
    if (text == NULL) {
        return NULL;
    }
    char *to = stpcpy(text, option);
    for (const char *at = folder; *at != '\0'; at++) {
        *to++ = *at;
        if (*at == '%') {
            *to++ = '%';
        }
    }
    *to++ = '/';
    strcpy(to, name);
    return text;
}

static FILE *open_entry(DIR *folder, const char *name)
{
    int fd = openat(dirfd(folder), name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;
    if (file == NULL && fd >= 0) {
        close(fd);
    }
    return file;
}

/* ---- what the logs say ---- */

struct process {
    long pid, parent;
    uint64_t command; /* a hash of it */
};

struct logs {
    struct process processes[PROCESSES_MAX];
    size_t count;
    bool unsupported;
    char complaint[160]; /* valgrind's last own words; "": none */
};

/* FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/ */
static uint64_t hash(const char *text)
{
    uint64_t value = UINT64_C(0xcbf29ce484222325);
    for (; *text != '\0'; text++) {
        value = (value ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    }
    return value;
}

/* "==PID== words": what stands behind the second mark; NULL: no such line. */
static const char *words_of(const char *line)
{
    const char *second = strncmp(line, "==", 2) == 0 ? strstr(line + 2, "== ") : NULL;
    return second != NULL ? second + 3 : NULL;
}

static void read_log(struct logs *logs, FILE *file, long pid)
{
    struct process process = {.pid = pid};
    char line[LINE_ROOM];
    for (unsigned i = 0; i < LOG_LINES_MAX && read_line(file, line); i++) {
        const char *words = words_of(line);
        if (words == NULL) {
            continue;
        }
        if (strncmp(words, "Command: ", 9) == 0) {
            process.command = hash(words + 9);
        } else if (strncmp(words, "Parent PID: ", 12) == 0) {
            process.parent = strtol(words + 12, NULL, 10);
        } else if (strncmp(words, "valgrind: ", 10) == 0) {
            logs->unsupported = logs->unsupported || strstr(words, "Unrecognised instruction") != NULL;
            snprintf(logs->complaint, sizeof(logs->complaint), "%.150s", words + 10);
            tare__clean_text(logs->complaint);
        }
    }
    if (logs->count < PROCESSES_MAX) {
        logs->processes[logs->count++] = process;
    }
}

/* It has its parent's command: it was forked, and became no other program. */
static bool was_forked(const struct logs *logs, long pid)
{
    const struct process *process = NULL;
    for (size_t i = 0; i < logs->count; i++) {
        process = logs->processes[i].pid == pid ? &logs->processes[i] : process;
    }
    for (size_t i = 0; process != NULL && i < logs->count; i++) {
        if (logs->processes[i].pid == process->parent && logs->processes[i].command == process->command) {
            return true;
        }
    }
    return false;
}

struct totals {
    uint64_t instructions;
    unsigned counted, forked;
};

/* Visits the files of that kind ("log." or "out.") in the folder. */
static int visit(DIR *folder, const char *kind, struct logs *logs, struct totals *totals)
{
    unsigned seen = 0;
    rewinddir(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (strncmp(entry->d_name, kind, 4) != 0) {
            continue;
        }
        if (++seen > FILES_MAX) {
            return -EBADMSG;
        }
        long pid = strtol(entry->d_name + 4, NULL, 10);
        if (totals != NULL && was_forked(logs, pid)) {
            totals->forked++;
            continue;
        }
        FILE *file = open_entry(folder, entry->d_name);
        if (file == NULL) {
            return -EIO;
        }
        uint64_t value = 0;
        int error = 0;
        if (totals == NULL) {
            read_log(logs, file, pid);
        } else {
            error = tare_callgrind_total(file, &value);
        }
        fclose(file);
        if (error == 0 && totals != NULL) {
            totals->counted++;
            error = __builtin_add_overflow(totals->instructions, value, &totals->instructions) ? -EBADMSG : 0;
        }
        if (error != 0) {
            return error;
        }
    }
    return 0;
}

/* ---- the run ---- */

/* valgrind's own place, by PATH. Returns false: nowhere. */
static bool find_valgrind(char path[PATH_ROOM])
{
    const char *folders = getenv("PATH");
    for (const char *at = folders != NULL ? folders : "/usr/local/bin:/usr/bin:/bin"; *at != '\0';) {
        size_t length = strcspn(at, ":");
        int written =
            snprintf(path, PATH_ROOM, "%.*s/valgrind", (int)(length < PATH_ROOM ? length : PATH_ROOM), at);
        if (length > 0 && written > 0 && written < PATH_ROOM && access(path, X_OK) == 0) {
            return true;
        }
        at += length + (at[length] == ':');
    }
    return false;
}

/* Runs it, with `folder` for the files. */
static int run_valgrind(const struct tare_block_request *block, const char *valgrind, const char *folder,
                        struct tare_block_outcome *outcome, bool *not_started)
{
    static char tool[] = "--tool=callgrind", children[] = "--trace-children=yes",
                strict[] = "--command-line-only=yes";
    size_t arguments = 0, variables = 0;
    while (block->argv[arguments] != NULL) {
        arguments++;
    }
    while (block->set != NULL && block->set[variables] != NULL) {
        variables++;
    }
    char *out = make_option("--callgrind-out-file=", folder, "out.%p"),
         *log = make_option("--log-file=", folder, "log.%p");
    char **argv = calloc(arguments + 8, sizeof(*argv));
    const char **set = calloc(variables + 2, sizeof(*set));
    int error = -ENOMEM;
    if (out != NULL && log != NULL && argv != NULL && set != NULL) {
        char *const front[] = {(char *)(uintptr_t)valgrind,   tool, strict, children, out, log,
                               (char *)(uintptr_t)block->path};
        memcpy(argv, front, sizeof(front));
        for (size_t i = 1; i < arguments; i++) {
            argv[sizeof(front) / sizeof(front[0]) + i - 1] = block->argv[i];
        }
        for (size_t i = 0; i < variables; i++) {
            set[i] = block->set[i];
        }
        set[variables] = "DEBUGINFOD_URLS="; /* or it would ask servers for the sources of every library */
        struct tare_block_request request = *block;
        request.path = valgrind;
        request.argv = argv;
        request.set = set;
        request.count_syscalls = request.count_hardware = false;
        request.errors = block->errors == TARE_BLOCK_NULL ? TARE_BLOCK_CAPTURE : block->errors;
        error = tare_block_run(&request, outcome, not_started);
    }
    free(out);
    free(log);
    free(argv);
    free(set);
    return error;
}

/* What was printed first, by the program or, in its place, by valgrind; fit to be shown. */
static void first_words(const struct tare_block_outcome *outcome, char *words, size_t size)
{
    const char *text = outcome->output != NULL ? outcome->output : "";
    snprintf(words, size, "%.*s", (int)strcspn(text, "\n"), text);
    tare__clean_text(words);
}

/* From what valgrind left in the folder. */
static int judge(const char *folder, const struct tare_block_outcome *outcome, double timeout_s,
                 struct totals *totals, char *message, size_t size)
{
    if (outcome->interrupted != 0) {
        snprintf(message, size, "interrupted while callgrind counted instructions");
        return -EINTR;
    }
    if (outcome->end == TARE_END_TIMEOUT) {
        snprintf(message, size,
                 "did not end within %.0f s under callgrind, where programs take some fifty times as long",
                 timeout_s);
        return -ETIMEDOUT;
    }
    struct logs *logs = calloc(1, sizeof(*logs));
    DIR *entries = logs != NULL ? opendir(folder) : NULL;
    if (entries == NULL) {
        int error = logs != NULL ? -errno : -ENOMEM;
        snprintf(message, size, "cannot read what callgrind wrote: %s", strerror(-error));
        free(logs);
        return error;
    }
    int error = visit(entries, "log.", logs, NULL);
    error = error != 0 ? error : visit(entries, "out.", logs, totals);
    closedir(entries);
    char words[160];
    first_words(outcome, words, sizeof(words));
    if (logs->unsupported) {
        error = -ENOTSUP;
        snprintf(message, size,
                 "valgrind does not know an instruction of the program: build it for an older processor");
    } else if (outcome->end == TARE_END_SIGNALED) {
        error = -ECHILD;
        snprintf(message, size, "was ended by signal %d under callgrind", outcome->code);
    } else if (error == 0 && totals->counted == 0) {
        error = -ECHILD;
        snprintf(message, size, "callgrind counted nothing%s%s",
                 words[0] != '\0' || logs->complaint[0] != '\0' ? ": " : "",
                 logs->complaint[0] != '\0' ? logs->complaint : words);
    } else if (error != 0) {
        snprintf(message, size, "callgrind's file is not to be understood");
    } else if (totals->forked > 0) {
        snprintf(message, size,
                 "without %u process%s that it forked, which callgrind cannot tell from their parent",
                 totals->forked, totals->forked == 1 ? "" : "es");
    }
    free(logs);
    return error;
}

int tare_callgrind_run(const struct tare_block_request *block, struct tare_block_outcome *outcome,
                       double *instructions, char *message, size_t size)
{
    char valgrind[PATH_ROOM], folder[PATH_ROOM];
    bool not_started = false;
    struct totals totals = {0};
    int error = 0;
    tare__outcome_init(outcome);
    *instructions = NAN;
    message[0] = '\0';
    if (!find_valgrind(valgrind)) {
        snprintf(message, size, "cannot find 'valgrind', which counts the instructions: install it");
        error = -ENOENT;
        goto out;
    }
    if (access(block->path, X_OK) != 0) {
        error = -errno;
        snprintf(message, size, "cannot run '%.200s': %s", block->path, strerror(-error));
        goto out;
    }
    error = make_folder(folder);
    if (error != 0) {
        snprintf(message, size, "cannot make a folder for callgrind's files: %s: set TMPDIR", strerror(-error));
        goto out;
    }
    error = run_valgrind(block, valgrind, folder, outcome, &not_started);
    if (error != 0) {
        snprintf(message, size, "cannot run '%.200s': %s", not_started ? valgrind : block->path,
                 strerror(-error));
    } else {
        error = judge(folder, outcome, block->timeout_s, &totals, message, size);
    }
    remove_folder(folder);
    if (error == 0) {
        *instructions = (double)totals.instructions;
    }
out:
    if (outcome->text == NULL) { /* it did not come to running anything */
        outcome->text = calloc(1, 1);
        outcome->output = calloc(1, 1);
        error = outcome->text != NULL && outcome->output != NULL ? error : -ENOMEM;
    }
    return error;
}
