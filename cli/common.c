/* SPDX-License-Identifier: MIT */
/* Small things that several commands need. */
#include <errno.h>
#include <fnmatch.h>
#include <langinfo.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <tare/version.h>

#include "cli/cli.h"
#include "record/environment.h"
#include "view/columns.h"

char *tool_path(const char *directory, const char *name)
{
    char self[4096], *path = NULL, *real = NULL;
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (n <= 0) {
        error("cannot find '%s': /proc/self/exe: %s", name, strerror(errno));
        return NULL;
    }
    self[n] = '\0';
    *strrchr(self, '/') = '\0';
    if (asprintf(&path, "%s/%s/%s", self, directory, name) < 0) {
        error("out of memory");
        return NULL;
    }
    real = realpath(path, NULL);
    if (real == NULL) {
        error("cannot find '%s': %s; it is installed with tare", path, strerror(errno));
    }
    free(path);
    return real;
}

char *timestamp_now(void)
{
    char text[32];
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    return strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc) != 0 ? strdup(text) : NULL;
}

static char **copy_strings(char *const *from)
{
    size_t count = 0;
    while (from[count] != NULL) {
        count++;
    }
    char **copy = calloc(count + 1, sizeof(*copy));
    for (size_t i = 0; copy != NULL && i < count; i++) {
        copy[i] = strdup(from[i]);
        if (copy[i] == NULL) {
            while (i > 0) {
                free(copy[--i]);
            }
            free(copy);
            return NULL;
        }
    }
    return copy;
}

struct tare_result *result_begin(const char *kind, char *const *command)
{
    struct tare_result *result = tare_result_new();
    if (result == NULL) {
        error("out of memory");
        return NULL;
    }
    result->kind = strdup(kind);
    result->tare_version = strdup(TARE_VERSION);
    result->started = timestamp_now();
    result->command = command != NULL ? copy_strings(command) : NULL;
    if (result->kind == NULL || result->tare_version == NULL || result->started == NULL ||
        (command != NULL && result->command == NULL) || tare_environment_read(&result->environment, ".") != 0) {
        error("out of memory");
        tare_result_free(result);
        return NULL;
    }
    return result;
}

bool result_fingerprint(struct tare_result *result, const char *settings)
{
    tare_fingerprint_release(&result->fingerprint);
    if (tare_fingerprint_read(&result->fingerprint, &result->environment, TARE_VERSION, settings) != 0) {
        error("out of memory");
        return false;
    }
    return true;
}

static void say_waiting(void *data, const struct tare_lock_holder *holder, double waited_s)
{
    (void)data;
    char who[TARE_LOCK_COMMAND + 32] = "another measurement", so_far[48] = "";
    char *command = holder->pid != 0 ? printable(holder->command) : NULL;
    if (command != NULL) {
        snprintf(who, sizeof(who), "'%.*s' (pid %d)", TARE_LOCK_COMMAND - 1, command, (int)holder->pid);
    }
    free(command);
    if (stderr_is_terminal()) {
        snprintf(so_far, sizeof(so_far), ", for %.0f s so far", waited_s);
        progress("waiting for %s to end%s", who, so_far);
    } else {
        error("waiting for %s to end", who);
    }
}

/* The command line for others to read, as much of it as the lock takes. */
static void describe(char text[TARE_LOCK_COMMAND], const char *name, char *const *argv)
{
    int used = snprintf(text, TARE_LOCK_COMMAND, "tare %s", name);
    for (size_t i = 0; argv[i] != NULL && used >= 0 && used < TARE_LOCK_COMMAND; i++) {
        int more = snprintf(text + used, (size_t)(TARE_LOCK_COMMAND - used), " %s", argv[i]);
        used = more < 0 ? more : used + more;
    }
}

bool measurement_lock(struct tare_lock *lock, const char *name, char *const *argv)
{
    char command[TARE_LOCK_COMMAND];
    describe(command, name, argv);
    const char *path = getenv("TARE_LOCK_FILE");
    int failure = tare_lock_take(lock, path != NULL && *path != '\0' ? path : NULL, command,
                                 getenv("TARE_LOCK"), stderr_is_terminal(), say_waiting, NULL);
    progress_clear();
    if (failure == -EPERM) {
        error("'%s' is no lock: it is a link, a device or a file of another kind; remove it, or set "
              "TARE_LOCK_FILE",
              lock->path);
    } else if (failure == -EACCES) {
        error("cannot lock '%s': it may not be written to; 'chmod a+rw' by its owner lets all use it",
              lock->path);
    } else if (failure != 0 && lock->path[0] == '\0') {
        error("no folder for a lock that all users can write to: set TARE_LOCK_FILE");
    } else if (failure != 0 && failure != -EINTR) { /* by a signal, for which the caller has a handler */
        error("cannot lock '%s': %s", lock->path, strerror(-failure));
    }
    return failure == 0;
}

bool can_pin(int cpu)
{
    cpu_set_t before, wanted;
    CPU_ZERO(&wanted);
    CPU_SET((size_t)cpu, &wanted);
    bool known = sched_getaffinity(0, sizeof(before), &before) == 0;
    if (sched_setaffinity(0, sizeof(wanted), &wanted) != 0) {
        error("cannot use processor %d: %s", cpu,
              errno == EINVAL ? "there is none of that number, or none for this process" : strerror(errno));
        return false;
    }
    if (known) {
        sched_setaffinity(0, sizeof(before), &before);
    }
    return true;
}

bool parse_fail_on(const char *value, enum fail_on *fail_on)
{
    static const char *const words[] = {"slower", "different", "unresolved", "nothing"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(value, words[i]) == 0) {
            *fail_on = (enum fail_on)i;
            return true;
        }
    }
    const char *near = suggest(value, words, sizeof(words) / sizeof(words[0]));
    if (near != NULL) {
        error("unknown word '%s' for --fail-on: did you mean '%s'?", value, near);
    } else {
        error("unknown word '%s' for --fail-on: slower, different, unresolved or nothing", value);
    }
    return false;
}

int comparison_code(enum fail_on fail_on, bool slower, bool faster, bool unresolved)
{
    if (fail_on == FAIL_ON_NOTHING) {
        return EXIT_FINE;
    }
    if (slower || (faster && fail_on != FAIL_ON_SLOWER)) {
        return EXIT_DIFFERENT;
    }
    return unresolved && fail_on == FAIL_ON_UNRESOLVED ? EXIT_UNRESOLVED : EXIT_FINE;
}

bool locale_is_utf8(void)
{
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

char *printable(const char *text)
{
    return tare__view_safe(text, !locale_is_utf8());
}

bool globs_match(const char *globs, const char *module, const char *name)
{
    char *full = NULL, *list = strdup(globs);
    bool match = false;
    if (list != NULL && asprintf(&full, "%s::%s", module, name) >= 0) {
        char *rest = list;
        for (char *glob = strsep(&rest, ","); glob != NULL && !match; glob = strsep(&rest, ",")) {
            match = *glob != '\0' && fnmatch(glob, full, 0) == 0;
        }
        free(full);
    }
    free(list);
    return match;
}

bool benchmark_matches(const char *globs, const char *name, const char *bench)
{
    char *list = strdup(globs), *rest = list;
    bool match = false;
    for (char *glob = strsep(&rest, ","); glob != NULL && !match; glob = strsep(&rest, ",")) {
        match =
            *glob != '\0' && (fnmatch(glob, name, 0) == 0 || (bench != NULL && fnmatch(glob, bench, 0) == 0));
    }
    free(list);
    return match;
}

char *exact_glob(const char *module, const char *name)
{
    const char *parts[] = {module, "::", name != NULL ? name : ""};
    char *pattern = malloc(2 * (strlen(module) + strlen(parts[2])) + 4);
    if (pattern == NULL) {
        return NULL;
    }
    char *to = pattern;
    for (size_t i = 0; i < 3; i++) {
        for (const char *from = parts[i]; *from != '\0'; from++) {
            if (strchr("*?[]\\", *from) != NULL) {
                *to++ = '\\';
            }
            *to++ = *from == ',' ? '?' : *from; /* a comma separates patterns */
        }
    }
    strcpy(to, name == NULL ? "*" : "");
    return pattern;
}

int outcome_code(const struct tare_outcome *outcome)
{
    switch (outcome->end) {
    case TARE_END_SIGNALED:
        return EXIT_RUN_SIGNALED + outcome->code;
    case TARE_END_TIMEOUT:
        return EXIT_RUN_TIMEOUT;
    case TARE_END_EXITED:
        return outcome->code;
    default:
        return EXIT_FINE;
    }
}

void outcome_say(const struct tare_outcome *outcome, const char *name, double timeout_s, const char *what)
{
    if (outcome->end == TARE_END_SIGNALED) {
        error("'%s' was killed by signal %d (%s): %s follows", name, outcome->code, strsignal(outcome->code),
              what);
    } else if (outcome->end == TARE_END_TIMEOUT) {
        error("'%s' was ended after %g s: %s follows", name, timeout_s, what);
    }
}

bool outcome_pass(struct tare_result *result, const struct tare_outcome *outcome, const char *only)
{
    struct tare_result_pass *pass = tare_result_add_pass(result);
    if (pass == NULL) {
        error("out of memory");
        return false;
    }
    pass->only = only != NULL ? strdup(only) : NULL;
    pass->wall_ns = outcome->wall_ns;
    pass->user_ns = outcome->user_ns;
    pass->system_ns = outcome->system_ns;
    pass->end = outcome->end;
    pass->code = outcome->code;
    return true;
}
