/* SPDX-License-Identifier: MIT */
/*
 * What the subcommands of `tare history` have in common: where the store is, whose project, when, which commit.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/history.h"
#include "record/ci.h"
#include "record/git.h"

static const char FOLDER[] = ".tare", FILE_NAME[] = "history.db";

int history_common_option(struct history_common *common, int id, const char *value)
{
    if (id != HISTORY_DB && id != HISTORY_PROJECT) {
        return -1;
    }
    if (*value == '\0') {
        error("--%s needs a name", id == HISTORY_DB ? "db" : "project");
        return EXIT_TROUBLE;
    }
    if (id == HISTORY_DB) {
        common->db = value;
    } else {
        common->project = value;
    }
    return 0;
}

void history_common_release(struct history_common *common)
{
    free(common->where);
    free(common->shown);
    free(common->own_project);
    free(common->up);
    free(common->git_project);
    free(common->refused);
    free(common->placed);
    *common = (struct history_common){0};
}

/* git */

enum { GIT_LIMIT_MS = 60000, GIT_TEXT = 2 << 20 }; /* a cold disk; the ids of 20,000 commits */

char *history_git(const char *const arguments[])
{
    const char *argv[16] = {"git"};
    for (size_t i = 0; arguments[i] != NULL && i < 14; i++) {
        argv[i + 1] = arguments[i];
    }
    struct tare__git_job job;
    char *text = malloc(GIT_TEXT);
    if (text == NULL || tare__git_start(&job, argv, GIT_LIMIT_MS) != 0) {
        free(text);
        return NULL;
    }
    ssize_t got = tare__git_finish(&job, text, GIT_TEXT);
    if (got < 0 || got >= GIT_TEXT) {
        free(text);
        return NULL;
    }
    size_t size = (size_t)got;
    while (size > 0 && text[size - 1] == '\n') {
        size--;
    }
    text[size] = '\0';
    return text;
}

/* NULL stays NULL; false after an error was printed. */
static bool copy_text(char **to, const char *from)
{
    *to = from != NULL ? strdup(from) : NULL;
    if (from != NULL && *to == NULL) {
        error("out of memory");
    }
    return from == NULL || *to != NULL;
}

/* What git said of the current folder. False after an error was printed. */
static bool take_note(struct history_common *common, const struct tare_origin *here)
{
    char why[256];
    if (common->asked) {
        return true;
    }
    common->asked = true;
    common->shallow = here->shallow;
    bool none = here->up == NULL && !here->has_commit;
    const char *refused = none && tare__git_refuses(".", GIT_LIMIT_MS, why, sizeof(why)) ? why : NULL;
    return copy_text(&common->up, here->up) && copy_text(&common->git_project, here->project) &&
           copy_text(&common->refused, refused);
}

static bool ask_here(struct history_common *common)
{
    struct tare_origin here;
    char message[256];
    if (common->asked) {
        return true;
    }
    int failure = tare_origin_find(".", NULL, 0, &here, message, sizeof(message));
    if (failure != 0) {
        error("%s", strerror(-failure));
        return false;
    }
    bool fine = take_note(common, &here);
    tare_origin_release(&here);
    return fine;
}

/* Where */

/* In the root of the work tree, as it is reached from here: "../.tare/history.db". */
static char *default_place(struct history_common *common)
{
    char *place = NULL;
    if (!ask_here(common) ||
        asprintf(&place, "%s%s/%s", common->up != NULL ? common->up : "", FOLDER, FILE_NAME) < 0) {
        return NULL;
    }
    return place;
}

/* The folder of a store in its default place; its .gitignore keeps the work tree clean for git. */
static void make_folder(const char *place)
{
    char *file = strdup(place), *slash = file != NULL ? strrchr(file, '/') : NULL;
    if (slash != NULL) {
        *slash = '\0';
        bool made = mkdir(file, 0777) == 0;
        free(file);
        file = NULL;
        if (made && asprintf(&file, "%.*s/.gitignore", (int)(strrchr(place, '/') - place), place) >= 0) {
            FILE *out = fopen(file, "we");
            if (out != NULL) {
                fputs("*\n", out);
                fclose(out);
            }
        }
    }
    free(file); /* what went wrong, opening the store says */
}

static bool find_where(struct history_common *common)
{
    const char *given = common->db != NULL ? common->db : getenv("TARE_DB");
    bool is_default = given == NULL || *given == '\0';
    common->where = is_default ? default_place(common) : strdup(given);
    common->shown = common->where != NULL ? history_without_password(common->where) : NULL;
    if (common->shown == NULL) {
        error("out of memory");
        return false;
    }
    common->is_default = is_default;
    return true;
}

/* By the command line, the environment, git. */
static bool find_project(struct history_common *common)
{
    const char *variable = getenv("TARE_PROJECT");
    if (common->project == NULL && variable != NULL && *variable != '\0') {
        common->project = variable;
    }
    if (common->project != NULL) {
        if (common->refused != NULL && !common->warned) {
            warning(
                "git will not have the repository around this folder (%s): what it would know of commits and "
                "branches is missing",
                common->refused);
        }
        common->warned = true;
        return true;
    }
    if (!ask_here(common)) {
        return false;
    }
    if (common->refused != NULL) {
        error(
            "which project is it? git will not have the repository around this folder (%s): allow it with 'git "
            "config --global --add safe.directory FOLDER', or give --project",
            common->refused);
        return false;
    }
    if (!copy_text(&common->own_project, common->git_project != NULL ? common->git_project : "default")) {
        return false;
    }
    common->project = common->own_project;
    return true;
}

bool history_find(struct history_common *common)
{
    return (common->where != NULL || find_where(common)) && find_project(common);
}

/*
 * How far back it is looked for an ancestor whose ordinal is known: at worst so many questions to the database, which
 * is still less than to count the commits of a large repository (5 us each).
 */
enum { ANCESTORS = 200 };
#define ANCESTORS_TEXT "200"

static bool replace(char **text, const char *by)
{
    if (by != NULL) {
        free(*text);
        *text = strdup(by);
        if (*text == NULL) {
            error("out of memory");
            return false;
        }
    }
    return true;
}

/* A whole id that git does not know, as where there is no git: it is taken at its word. */
static bool is_whole_id(const char *revision)
{
    size_t length = strlen(revision);
    return (length == 40 || length == 64) && strspn(revision, "0123456789abcdef") == length;
}

bool history_origin(struct history_common *common, const char *revision, const char *branch, const char *link,
                    int dirty, unsigned wanted, struct tare_origin *origin)
{
    char message[256] = "";
    int failure = tare_origin_find(".", revision, wanted, origin, message, sizeof(message));
    if (failure == -EINVAL && revision != NULL && is_whole_id(revision)) {
        failure = tare_origin_find(".", NULL, 0, origin, message, sizeof(message));
        if (failure == 0 && !take_note(common, origin)) {
            return false;
        }
        if (failure == 0) {
            tare_history_commit_release(&origin->commit);
            free(origin->branch); /* of what is checked out */
            origin->branch = NULL;
            origin->is_head = false;
            origin->known = TARE_ORIGIN_ALL; /* nothing: git has no such commit */
            origin->commit = (struct tare_history_commit){
                .id = strdup(revision), .time_s = TARE_HISTORY_UNKNOWN, .ordinal = TARE_HISTORY_UNKNOWN};
            origin->has_commit = origin->commit.id != NULL;
            origin->dirty = -1;
            failure = origin->has_commit ? 0 : -ENOMEM;
        }
    }
    if (failure != 0) {
        error("%s", message[0] != '\0' ? message : strerror(-failure));
        if (failure == -EINVAL && ask_here(common) && common->refused != NULL) {
            error("git will not have the repository around this folder: %s", common->refused);
        }
        return false;
    }
    if (!take_note(common, origin) || !find_project(common) || !replace(&origin->project, common->project) ||
        !replace(&origin->branch, branch) || !replace(&origin->link, link)) {
        return false;
    }
    origin->dirty = dirty >= 0 ? dirty : origin->dirty;
    return true;
}

/* Of a commit, and those before it on the line of first parents; *ordinal is unknown where it cannot be told. */
static int ordinal_of(const struct history_common *common, struct tare_store *store, const char *id,
                      int64_t *ordinal)
{
    struct tare_history_commit known;
    int64_t distance = 0;
    int failure = tare_store_commit(store, common->project, id, &known);
    *ordinal = known.ordinal;
    tare_history_commit_release(&known);
    if ((failure != 0 && failure != -ENOENT) || *ordinal != TARE_HISTORY_UNKNOWN) {
        return failure;
    }
    const char *const before[] = {"rev-list", "--first-parent", "--max-count=" ANCESTORS_TEXT, id, "--", NULL};
    char *list = history_git(before), *rest = list;
    failure = 0;
    for (char *one = strsep(&rest, "\n"); one != NULL && *one != '\0' && failure == 0;
         one = strsep(&rest, "\n"), distance++) {
        failure = distance > 0 ? tare_store_commit(store, common->project, one, &known) : -ENOENT;
        if (failure == 0 && known.ordinal != TARE_HISTORY_UNKNOWN) {
            *ordinal = known.ordinal + distance;
        }
        if (distance > 0) {
            tare_history_commit_release(&known);
        }
        failure = failure == -ENOENT ? 0 : failure;
        if (*ordinal != TARE_HISTORY_UNKNOWN) {
            break;
        }
    }
    free(list);
    if (failure != 0 || *ordinal != TARE_HISTORY_UNKNOWN || distance == 0 || common->shallow) {
        return failure;
    }
    if (distance < ANCESTORS) { /* that was the first one of all */
        *ordinal = distance;
        return 0;
    }
    const char *const count[] = {"rev-list", "--count", "--first-parent", id, "--", NULL};
    char *text = history_git(count), *end = NULL;
    long long counted = text != NULL ? strtoll(text, &end, 10) : 0;
    *ordinal = text != NULL && end != text && *end == '\0' && counted > 0 ? counted : TARE_HISTORY_UNKNOWN;
    free(text);
    return 0;
}

bool history_place(struct history_common *common, struct tare_store *store, struct tare_history_record *record)
{
    struct tare_history_commit *commit = &record->commit;
    if (!record->has_commit || commit->ordinal != TARE_HISTORY_UNKNOWN) {
        return true;
    }
    if (common->placed == NULL || strcmp(common->placed, commit->id) != 0) {
        free(common->placed);
        common->placed = NULL;
        int failure = ordinal_of(common, store, commit->id, &common->ordinal);
        if (failure != 0) {
            history_store_error(common, store, "read", failure);
            return false;
        }
        if (!copy_text(&common->placed, commit->id)) {
            return false;
        }
    }
    commit->ordinal = common->ordinal;
    return true;
}

int history_store_error(const struct history_common *common, const struct tare_store *store, const char *what,
                        int failure)
{
    const char *message = store != NULL ? tare_store_message(store) : "";
    char *text = printable(message); /* a server's words are in it */
    if (text != NULL && *text != '\0') {
        error("%s", text);
    } else {
        error("cannot %s '%s': %s", what, common->shown, strerror(-failure));
    }
    free(text);
    return EXIT_TROUBLE;
}

struct tare_store *history_open(struct history_common *common, int flags)
{
    return history_open_even(common, flags, NULL);
}

struct tare_store *history_open_even(struct history_common *common, int flags, bool *damaged)
{
    struct tare_store *store = NULL;
    if (!history_find(common)) {
        return NULL;
    }
    if (common->is_default && (flags & TARE_STORE_CREATE) != 0) {
        make_folder(common->where);
    }
    int failure = tare_store_open(common->where, flags, &store);
    if (damaged != NULL) {
        *damaged = failure != 0 && tare_store_is_damaged(store);
    }
    if (failure == 0 || (damaged != NULL && *damaged)) {
        return store;
    }
    if (failure == -ENOENT && (flags & TARE_STORE_CREATE) == 0 && !history_is_url(common->where)) {
        error("there is no history '%s' yet: 'tare history add', or --history of tare run, makes it",
              common->shown);
    } else {
        history_store_error(common, store, "open", failure);
    }
    tare_store_close(store);
    return NULL;
}

void history_say_nothing(const struct history_common *common, struct tare_store *store, char *const *patterns)
{
    char **names = NULL, *list = NULL;
    size_t size;
    bool known = false;
    FILE *out = open_memstream(&list, &size);
    int failure = out != NULL ? tare_store_projects(store, &names) : -ENOMEM;
    for (size_t i = 0; failure == 0 && names[i] != NULL; i++) {
        known = known || strcmp(names[i], common->project) == 0;
        fprintf(out, "%s'%s'", i > 0 ? ", " : "", names[i]);
    }
    if (out == NULL || fclose(out) != 0) {
        error("out of memory");
    } else if (failure != 0) {
        history_store_error(common, store, "read", failure);
    } else if (*list == '\0') {
        error("'%s' is empty: 'tare history add' adds results", common->shown);
    } else if (!known) {
        char *text = printable(list);
        error("'%s' has nothing of the project '%s', only of %s: choose with --project", common->shown,
              common->project, text != NULL ? text : list);
        free(text);
    } else if (patterns != NULL && *patterns != NULL) {
        error("no points of series like '%s': 'tare history show' lists the series", *patterns);
    } else {
        error("'%s' has no such points of the project '%s'", common->shown, common->project);
    }
    for (size_t i = 0; names != NULL && names[i] != NULL; i++) {
        free(names[i]);
    }
    free(names);
    free(list);
}

/* When */

int64_t history_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* "30 days", "1 week ago". */
static bool ago(const char *text, int64_t now_ms, int64_t *ms)
{
    static const struct {
        const char *name;
        double seconds;
    } units[] = {
        {"second", 1},
        {"minute", 60},
        {"hour", 3600},
        {"day", 86400},
        {"week", 7 * 86400},
        {"month", 30.4375 * 86400},
        {"year", 365.25 * 86400},
    };
    char *end;
    if (!isdigit((unsigned char)*text)) {
        return false;
    }
    double count = strtod(text, &end);
    end += strspn(end, " ");
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        size_t length = strlen(units[i].name);
        const char *rest = end + length;
        if (strncmp(end, units[i].name, length) != 0) {
            continue;
        }
        rest += *rest == 's';
        if ((*rest == '\0' || strcmp(rest, " ago") == 0) && count * units[i].seconds < 1e10) {
            *ms = now_ms - (int64_t)(count * units[i].seconds * 1000);
            return true;
        }
    }
    return false;
}

bool history_date(const char *text, int64_t now_ms, int64_t *ms)
{
    struct tm parts = {.tm_isdst = -1};
    int zone_hours = 0, zone_minutes = 0, used = 0;
    if (ago(text, now_ms, ms)) {
        return true;
    }
    const char *rest = strptime(text, "%Y-%m-%d", &parts);
    if (rest == NULL || rest != text + 10) {
        return false;
    }
    if (*rest == 'T' || *rest == ' ') {
        const char *seconds = strptime(rest + 1, "%H:%M:%S", &parts);
        rest = seconds != NULL ? seconds : strptime(rest + 1, "%H:%M", &parts);
        if (rest == NULL) {
            return false;
        }
        if (*rest == '.') { /* less than a second does not matter */
            rest += 1 + strspn(rest + 1, "0123456789");
        }
    }
    struct tm check = parts;
    check.tm_isdst = 0;
    time_t utc = timegm(&check);
    if (check.tm_mday != parts.tm_mday) { /* the 30th of February */
        return false;
    }
    if (strcmp(rest, "Z") == 0) {
        *ms = (int64_t)utc * 1000;
        return true;
    }
    if ((*rest == '+' || *rest == '-') &&
        sscanf(rest + 1, "%2d:%2d%n", &zone_hours, &zone_minutes, &used) == 2 && rest[1 + used] == '\0') {
        int64_t offset = zone_hours * 3600 + zone_minutes * 60;
        *ms = ((int64_t)utc - (*rest == '-' ? -offset : offset)) * 1000;
        return true;
    }
    *ms = (int64_t)mktime(&parts) * 1000;
    return *rest == '\0';
}

struct history_time history_time(int64_t ms)
{
    struct history_time time = {"-"};
    struct tm utc;
    time_t seconds = (time_t)(ms / 1000 - (ms % 1000 < 0));
    if (ms != TARE_HISTORY_UNKNOWN && gmtime_r(&seconds, &utc) != NULL) {
        strftime(time.text, sizeof(time.text), "%Y-%m-%dT%H:%M:%SZ", &utc);
    }
    return time;
}

/* Which commit */

static bool is_hex(const char *text)
{
    return strspn(text, "0123456789abcdefABCDEF") == strlen(text);
}

/* By git; NULL: there is no such commit, or no git. */
static char *resolve(const char *text)
{
    char *revision = NULL, *id = NULL;
    if (*text != '\0' && *text != '-' && asprintf(&revision, "%s^{commit}", text) >= 0) {
        const char *const arguments[] = {"rev-parse",        "--verify", "--quiet",
                                         "--end-of-options", revision,   NULL};
        id = history_git(arguments);
        free(revision);
        if (id != NULL && (*id == '\0' || !is_hex(id))) {
            free(id);
            id = NULL;
        }
    }
    return id;
}

/* The newest commit that the history has on the line of first parents up to `id`. NULL: there is none. */
static char *measured_ancestor(const char *id, const struct tare_history *history)
{
    const char *const arguments[] = {"rev-list", "--first-parent", "--max-count=20000", id, NULL};
    char *list = history_git(arguments), *rest = list, *found = NULL;
    for (char *one = strsep(&rest, "\n"); one != NULL && found == NULL; one = strsep(&rest, "\n")) {
        found = tare_history_find_commit(history, one) != NULL ? strdup(one) : NULL;
    }
    free(list);
    return found;
}

char *history_revision(const char *option, const char *text, const struct tare_history *history)
{
    size_t matches = 0, length = strlen(text);
    char *id = resolve(text);
    if (id != NULL && history != NULL && tare_history_find_commit(history, id) == NULL) {
        char *ancestor = measured_ancestor(id, history);
        if (ancestor != NULL) {
            warning("there is no result of '%s' (%.12s): taking that of its ancestor %.12s", text, id,
                    ancestor);
            free(id);
            return ancestor;
        }
    }
    if (id != NULL) {
        return id;
    }
    for (size_t i = 0; history != NULL && i < history->commit_count && length >= 4 && is_hex(text); i++) {
        if (strncasecmp(history->commits[i].id, text, length) == 0) {
            matches++;
            free(id);
            id = strdup(history->commits[i].id);
        }
    }
    if (matches == 1 && id != NULL) {
        return id;
    }
    free(id);
    if (matches > 1) {
        error("'%s' for %s begins %zu commits: give more of it", text, option, matches);
    } else if (matches == 1) {
        error("out of memory");
    } else {
        error("'%s' for %s is no revision: git knows no such commit%s", text, option,
              history != NULL ? ", nor does the history" : "");
    }
    return NULL;
}

/* The rest */

bool history_is_link(const char *option, const char *value)
{
    bool fine = tare__is_link(value);
    if (!fine) {
        error(
            "'%s' for %s is no URL of a page: it begins with http:// or https://, and has no blanks, quotes or "
            "user in it",
            value, option);
    }
    return fine;
}

char *history_read_file(const char *path, size_t limit, size_t *size)
{
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *in = is_stdin ? stdin : fopen(path, "re");
    struct stat st;
    const char *name = is_stdin ? "standard input" : path;
    size_t room = 65536, used = 0;
    if (in != NULL && fstat(fileno(in), &st) == 0 && S_ISDIR(st.st_mode)) {
        fclose(in);
        in = NULL;
        errno = EISDIR;
    }
    if (in == NULL) {
        error("cannot read '%s': %s", name, strerror(errno));
        return NULL;
    }
    if (!is_stdin && S_ISREG(st.st_mode) && st.st_size > 0 && (uintmax_t)st.st_size < limit) {
        room = (size_t)st.st_size + 2;
    }
    char *bytes = malloc(room);
    errno = 0;
    while (bytes != NULL) {
        used += fread(bytes + used, 1, room - 1 - used, in);
        if (used < room - 1 || used > limit) {
            break;
        }
        char *larger = realloc(bytes, room *= 2);
        if (larger == NULL) {
            free(bytes);
        }
        bytes = larger;
    }
    bool failed = ferror(in);
    int reason = errno != 0 ? errno : EIO;
    if (!is_stdin) {
        fclose(in);
    }
    if (bytes == NULL) {
        error("out of memory");
    } else if (failed) {
        error("cannot read '%s': %s", name, strerror(reason));
    } else if (used > limit) {
        error("cannot read '%s': it is larger than %zu MiB", name, limit >> 20);
    } else {
        bytes[used] = '\0';
        *size = used;
        return bytes;
    }
    free(bytes);
    return NULL;
}

const char *history_plural(char *text, size_t size, uint64_t count, const char *what)
{
    size_t length = strlen(what);
    if (count == 1) {
        snprintf(text, size, "1 %s", what);
    } else if (length > 0 && what[length - 1] == 's') { /* "series" is both */
        snprintf(text, size, "%llu %s", (unsigned long long)count, what);
    } else {
        snprintf(text, size, "%llu %ss", (unsigned long long)count, what);
    }
    return text;
}

/* What is said on the way out by a signal; read by the handler. */
static const char *volatile interruption;

static void interrupted(int signal_number)
{
    const char *line = interruption;
    if (line != NULL) {
        ssize_t written = write(STDERR_FILENO, line, strlen(line));
        written = written < 0 ? 0 : write(STDERR_FILENO, "\n", 1);
        (void)written;
    }
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

void history_interruptible(const char *line)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    interruption = line;
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        struct sigaction old, action = {.sa_handler = line != NULL ? interrupted : SIG_DFL};
        sigemptyset(&action.sa_mask);
        if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN) {
            sigaction(signals[i], &action, NULL);
        }
    }
}
