/* SPDX-License-Identifier: MIT */
/*
 * Where a result belongs: the project, the commit and its place among the commits, the branch, the job. By git, and by
 * the variables of CI services. What is cheap is asked in two runs of git at the same time; what takes longer the more
 * commits or files there are, only if it is wanted: adding a result to the history should not depend on these.
 */
#include "history/extract.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record/ci.h"
#include "record/clean.h"
#include "record/git.h"

enum {
    LIMIT_MS = 10000, /* to count the commits of a large repository on a cold disk */
};

void tare_origin_release(struct tare_origin *origin)
{
    free(origin->project);
    free(origin->branch);
    free(origin->link);
    free(origin->machine);
    free(origin->up);
    tare_history_commit_release(&origin->commit);
    *origin = (struct tare_origin){
        .commit = {.time_s = TARE_HISTORY_UNKNOWN, .ordinal = TARE_HISTORY_UNKNOWN},
        .dirty = -1,
        .shallow = true,
    };
}

/* Runs of git at the same time. */
enum { PLACE, REMOTE, DETAILS, STATUS, COUNT, JOBS };

struct asked {
    struct tare__git_job jobs[JOBS];
    char *text; /* TARE__GIT_TEXT */
    int error;
};

static void ask(struct asked *asked, int which, const char *const argv[])
{
    if (asked->error == 0) {
        asked->error = tare__git_start(&asked->jobs[which], argv, LIMIT_MS);
    }
}

/* How much it printed, -1: it failed. The text is without the newline at its end, also where it failed. */
static ssize_t answer(struct asked *asked, int which)
{
    ssize_t got = tare__git_finish(&asked->jobs[which], asked->text, TARE__GIT_TEXT);
    size_t length = strlen(asked->text);
    if (length > 0 && asked->text[length - 1] == '\n') {
        asked->text[length - 1] = '\0';
    }
    return got;
}

/* Whether git takes it for one commit, and for no option, no range and no exclusion. */
static bool is_plain(const char *revision)
{
    return *revision != '\0' && *revision != '-' && *revision != '^' && strstr(revision, "..") == NULL &&
           strlen(revision) < 1000;
}

static bool is_id(const char *text)
{
    size_t length = strlen(text);
    return (length == 40 || length == 64) && strspn(text, "0123456789abcdef") == length; /* SHA-1, SHA-256 */
}

/* What git says of the place, a line each. */
struct place {
    char *up;     /* NULL: there is no work tree */
    char *named;  /* the id of the revision that was asked about */
    char *head;   /* that of HEAD */
    char *branch; /* NULL: none is checked out */
    bool shallow;
};

/*
 * Whether commits are missing, whether this is in a work tree, the way up (in one), the revision, HEAD, and HEAD's full
 * name. It ends where git does not know one of them. The strings are in `text`.
 */
static struct place read_place(char *text, bool revision)
{
    static const char heads[] = "refs/heads/";
    struct place place = {.shallow = strncmp(text, "false\n", 6) != 0};
    char *rest = text;
    strsep(&rest, "\n");
    const char *inside = strsep(&rest, "\n");
    if (inside != NULL && strcmp(inside, "true") == 0) {
        place.up = strsep(&rest, "\n");
    }
    char **const ids[] = {&place.named, &place.head};
    size_t at = revision ? 0 : 1;
    for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
        if (at < 2 && is_id(line)) {
            *ids[at++] = line;
        } else if (at == 2 && strncmp(line, heads, sizeof heads - 1) == 0) {
            place.branch = line + sizeof heads - 1;
        } else if (at < 2 && place.up != NULL) {
            break;
        }
    }
    return place;
}

/* NULL stays NULL; false: no memory. */
static bool copy(char **to, const char *from)
{
    *to = from != NULL ? strdup(from) : NULL;
    return from == NULL || *to != NULL;
}

static int set_place(struct tare_origin *origin, const struct place *place, bool revision)
{
    const char *id = revision ? place->named : place->head;
    origin->shallow = place->shallow;
    origin->has_commit = id != NULL;
    origin->is_head = id != NULL && place->head != NULL && strcmp(id, place->head) == 0;
    bool fine = copy(&origin->up, place->up) && copy(&origin->commit.id, id) &&
                copy(&origin->branch, origin->is_head ? place->branch : NULL);
    if (origin->branch != NULL) {
        tare__clean_text(origin->branch);
    }
    return fine ? 0 : -ENOMEM;
}

static int set_project(struct tare_origin *origin, const char *remote, const char *directory)
{
    int result = *remote != '\0' ? tare__ci_project(remote, &origin->project) : 0;
    if (result != 0 || origin->project != NULL || origin->up == NULL) {
        return result;
    }
    char *root = NULL;
    char top[PATH_MAX];
    if (asprintf(&root, "%s/%s", directory, origin->up) < 0) {
        return -ENOMEM;
    }
    const char *slash = realpath(root, top) != NULL ? strrchr(top, '/') : NULL;
    free(root);
    if (slash == NULL || slash[1] == '\0') {
        return 0;
    }
    origin->project = strdup(slash + 1);
    if (origin->project == NULL) {
        return -ENOMEM;
    }
    tare__clean_text(origin->project);
    return 0;
}

/* What is always asked. `commit`: NULL, or a revision with "^{commit}" behind it. */
static int find(struct asked *asked, const char *directory, const char *commit, struct tare_origin *origin)
{
    const char *place_argv[12] = {
        "git", "-C", directory, "rev-parse", "--is-shallow-repository", "--is-inside-work-tree", "--show-cdup"};
    const char *const last[] = {commit, "HEAD", "--symbolic-full-name", "HEAD"};
    const char *const remote[] = {"git", "-C", directory, "config", "--get", "remote.origin.url", NULL};
    for (size_t i = commit != NULL ? 0 : 1, at = 7; i < 4; i++) {
        place_argv[at++] = last[i];
    }
    ask(asked, PLACE, place_argv);
    ask(asked, REMOTE, remote);
    answer(asked, PLACE);
    struct place place = read_place(asked->text, commit != NULL);
    int result = asked->error != 0 ? asked->error : set_place(origin, &place, commit != NULL);
    if (answer(asked, REMOTE) < 0) {
        asked->text[0] = '\0';
    }
    result = result != 0 ? result : set_project(origin, asked->text, directory);
    if (result == 0 && origin->has_commit) {
        result = tare__ci_commit_link(asked->text[0] != '\0' ? asked->text : NULL, origin->commit.id,
                                      &origin->commit.link);
    }
    if (result == 0 && origin->is_head && origin->branch == NULL) {
        result = tare__ci_branch(&origin->branch);
    }
    return result != 0 ? result : tare__ci_job_link(&origin->link);
}

/* Takes the strings. */
static void set_details(struct tare_origin *origin, struct tare__git_commit_details *details)
{
    free(origin->commit.parents);
    free(origin->commit.subject);
    origin->commit.parents = details->parents;
    origin->commit.subject = details->subject;
    origin->commit.time_s = details->time_s;
    free(details->id);
    *details = (struct tare__git_commit_details){.time_s = INT64_MIN};
}

static int64_t ordinal_of(const char *text)
{
    char *end;
    long long ordinal = strtoll(text, &end, 10);
    return end != text && *end == '\0' && ordinal > 0 ? ordinal : TARE_HISTORY_UNKNOWN;
}

int tare_origin_more(const char *directory, unsigned wanted, struct tare_origin *origin)
{
    wanted &= ~origin->known;
    if (!origin->has_commit || wanted == 0) {
        return 0;
    }
    origin->known |= wanted;
    struct asked asked = {.text = malloc(TARE__GIT_TEXT)};
    struct tare__git_commit_details found = {.time_s = INT64_MIN};
    const char *details[10];
    /* A file system monitor is a program that the repository's configuration names: not ours to start. */
    const char *const status[] = {
        "git", "-C", directory, "-c", "core.fsmonitor=false", "status", "--porcelain", "--untracked-files=no",
        NULL};
    /* Behind "--" are paths: a file may be called as a revision is. */
    const char *const count[] = {
        "git", "-C", directory, "rev-list", "--count", "--first-parent", origin->commit.id, "--", NULL};
    if (asked.text == NULL) {
        return -ENOMEM;
    }
    if (wanted & TARE_ORIGIN_DETAILS) {
        tare__git_details_arguments(directory, origin->commit.id, details);
        ask(&asked, DETAILS, details);
    }
    if (wanted & TARE_ORIGIN_DIRTY && origin->is_head) {
        ask(&asked, STATUS, status);
    }
    if (wanted & TARE_ORIGIN_ORDINAL && !origin->shallow) {
        ask(&asked, COUNT, count);
    }
    int result = asked.error;
    if (answer(&asked, DETAILS) > 0 && result == 0) {
        result = tare__git_details_read(asked.text, &found);
        if (result == 0 && found.id != NULL) {
            set_details(origin, &found);
        }
    }
    ssize_t changes = answer(&asked, STATUS);
    if (changes >= 0) {
        origin->dirty = changes > 0;
    }
    if (answer(&asked, COUNT) > 0) {
        origin->commit.ordinal = ordinal_of(asked.text);
    }
    free(asked.text);
    return result;
}

int tare_origin_find(const char *directory, const char *revision, unsigned wanted, struct tare_origin *origin,
                     char *message, size_t message_size)
{
    struct asked asked = {.text = malloc(TARE__GIT_TEXT)};
    char *commit = NULL;
    *origin = (struct tare_origin){0};
    tare_origin_release(origin);
    if (asked.text == NULL) {
        return -ENOMEM;
    }
    bool plain = revision == NULL || is_plain(revision);
    int result = plain ? 0 : -EINVAL;
    if (plain && revision != NULL && asprintf(&commit, "%s^{commit}", revision) < 0) {
        commit = NULL;
        result = -ENOMEM;
    }
    if (result == 0) {
        result = find(&asked, directory, commit, origin);
    }
    free(asked.text);
    free(commit);
    if (result == 0 && revision != NULL && !origin->has_commit) {
        result = -EINVAL;
    }
    if (result == -EINVAL) {
        snprintf(message, message_size, "there is no commit '%s': name one that git knows", revision);
    }
    if (result == 0) {
        result = tare_origin_more(directory, wanted, origin);
    }
    if (result != 0) {
        tare_origin_release(origin);
    }
    return result;
}

int tare_origin_read(const char *directory, const char *revision, struct tare_origin *origin, char *message,
                     size_t message_size)
{
    return tare_origin_find(directory, revision, TARE_ORIGIN_ALL, origin, message, message_size);
}
