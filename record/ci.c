/* SPDX-License-Identifier: MIT */
/*
 * Names and links of jobs and commits, from what CI services and git's configuration say. Both are text that
 * somebody else chose: what is not a plain URL is not made one, and tokens, which remotes of CI jobs often have as
 * their user's password, are left out.
 */
#include "record/ci.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "record/clean.h"

enum { LINK_MAX = 2000, NAME_MAX_BYTES = 256 };

/* Where "https://" or "http://" ends; NULL: it does not begin so. */
static const char *behind_scheme(const char *text)
{
    if (strncasecmp(text, "https://", 8) == 0) {
        return text + 8;
    }
    return strncasecmp(text, "http://", 7) == 0 ? text + 7 : NULL;
}

bool tare__is_link(const char *text)
{
    const char *rest = text != NULL ? behind_scheme(text) : NULL;
    if (rest == NULL || *rest == '/' || *rest == '\0' || strlen(text) > LINK_MAX) {
        return false;
    }
    for (const char *at = text; *at != '\0'; at++) {
        if (*at <= ' ' || *at > '~' || strchr("\"'<>\\`", *at) != NULL) {
            return false;
        }
    }
    return memchr(rest, '@', strcspn(rest, "/?#")) == NULL; /* a user, and perhaps a password */
}

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && *value != '\0' ? value : NULL;
}

static int copy_name(const char *text, size_t length, char **name)
{
    *name = NULL;
    if (length == 0 || length > NAME_MAX_BYTES) {
        return 0;
    }
    *name = strndup(text, length);
    if (*name == NULL) {
        return -ENOMEM;
    }
    tare__clean_text(*name);
    return 0;
}

/* `link`, if it is one; it is taken. */
static int keep_link(char *made, int length, char **link)
{
    *link = NULL;
    if (length < 0) {
        return -ENOMEM;
    }
    if (tare__is_link(made)) {
        *link = made;
    } else {
        free(made);
    }
    return 0;
}

/* How many bytes of a URL, or path, are before slashes at its end. */
static size_t length_without_slashes(const char *text)
{
    size_t length = strlen(text);
    while (length > 0 && text[length - 1] == '/') {
        length--;
    }
    return length;
}

int tare__ci_branch(char **branch)
{
    const char *name = variable("GITHUB_HEAD_REF");
    const char *type = variable("GITHUB_REF_TYPE");
    if (name == NULL && (type == NULL || strcmp(type, "branch") == 0)) {
        name = variable("GITHUB_REF_NAME");
    }
    name = name != NULL ? name : variable("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME");
    name = name != NULL ? name : variable("CI_COMMIT_BRANCH");
    *branch = NULL;
    return name != NULL ? copy_name(name, strlen(name), branch) : 0;
}

int tare__ci_job_link(char **link)
{
    const char *server = variable("GITHUB_SERVER_URL");
    const char *repository = variable("GITHUB_REPOSITORY");
    const char *run = variable("GITHUB_RUN_ID");
    const char *job = variable("CI_JOB_URL");
    char *made = NULL;
    *link = NULL;
    if (server != NULL && repository != NULL && run != NULL) {
        int length = asprintf(&made, "%.*s/%s/actions/runs/%s", (int)length_without_slashes(server), server,
                              repository, run);
        return keep_link(made, length, link);
    }
    if (job != NULL) {
        made = strdup(job);
        return keep_link(made, made != NULL ? 0 : -1, link);
    }
    return 0;
}

/* Host and path of a remote; as git takes them: URLs, and "user@host:path". */
struct remote {
    const char *host, *path; /* the path without slashes at its beginning */
    size_t host_length, path_length;
    size_t authority_length; /* of the host with its port */
    const char *scheme;      /* of pages about it */
    bool local;              /* a path of this machine */
};

static struct remote read_remote(const char *text)
{
    struct remote remote = {0};
    const char *scheme = strstr(text, "://");
    const char *begin = scheme != NULL ? scheme + 3 : text;
    const char *colon = strchr(begin, ':');
    size_t length = strcspn(begin, "/");
    remote.local = scheme != NULL ? strncasecmp(text, "file:", 5) == 0
                                  : colon == NULL || (size_t)(colon - begin) > length || colon == begin;
    if (remote.local) {
        remote.path = begin;
    } else if (scheme == NULL) {
        length = (size_t)(colon - begin);
        remote.path = colon + 1;
    } else {
        remote.path = begin + length;
    }
    for (size_t i = 0; i < length && !remote.local; i++) { /* behind the last '@': a password may have one */
        if (begin[i] == '@') {
            begin += i + 1;
            length -= i + 1;
            i = (size_t)-1;
        }
    }
    remote.host = begin;
    remote.scheme = strncasecmp(text, "http://", 7) == 0 ? "http" : "https";
    remote.authority_length = length;
    const char *port = memchr(begin, ':', length);
    remote.host_length = remote.local ? 0 : port != NULL ? (size_t)(port - begin) : length;
    if (behind_scheme(text) == NULL) { /* the port is one of another protocol */
        remote.authority_length = remote.host_length;
    }
    while (*remote.path == '/' && !remote.local) {
        remote.path++;
    }
    remote.path_length = length_without_slashes(remote.path);
    if (remote.path_length > 4 && strncmp(remote.path + remote.path_length - 4, ".git", 4) == 0) {
        remote.path_length -= 4;
    }
    return remote;
}

int tare__ci_project(const char *remote, char **project)
{
    struct remote found = read_remote(remote);
    const char *name = found.path;
    for (size_t i = 0; i < found.path_length; i++) {
        if (found.path[i] == '/') {
            name = found.path + i + 1;
        }
    }
    size_t length = (size_t)(found.path + found.path_length - name);
    return copy_name(name, length, project);
}

/* The ways in which services have pages about commits: the path between the project's and the id. */
struct style {
    const char *word; /* a label of the host's name is this, or begins so */
    const char *path;
};
static const struct style styles[] = {
    {"github", "commit"}, {"gitlab", "-/commit"}, {"bitbucket", "commits"}, {"codeberg", "commit"}};

static bool host_is_called(const struct remote *remote, const char *word)
{
    size_t length = strlen(word);
    for (size_t i = 0; i + length <= remote->host_length; i++) {
        if ((i == 0 || remote->host[i - 1] == '.') && strncasecmp(remote->host + i, word, length) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether the URL is of that host. */
static bool is_host_of(const struct remote *remote, const char *url)
{
    const char *rest = url != NULL ? behind_scheme(url) : NULL;
    return rest != NULL && remote->host_length > 0 && strcspn(rest, ":/") == remote->host_length &&
           strncasecmp(rest, remote->host, remote->host_length) == 0;
}

int tare__ci_commit_link(const char *remote, const char *id, char **link)
{
    const char *server = variable("GITHUB_SERVER_URL");
    const char *repository = variable("GITHUB_REPOSITORY");
    const char *project = variable("CI_PROJECT_URL");
    struct remote at = {.host = "", .path = ""};
    char *made = NULL;
    *link = NULL;
    if (remote != NULL) {
        at = read_remote(remote);
    }
    if (server != NULL && repository != NULL && (remote == NULL || is_host_of(&at, server))) {
        /* The page is of the remote's project, which may be another one than the job's: a submodule's, a tool's. */
        int path_length = remote != NULL ? (int)at.path_length : (int)strlen(repository);
        int length = asprintf(&made, "%.*s/%.*s/commit/%s", (int)length_without_slashes(server), server,
                              path_length, remote != NULL ? at.path : repository, id);
        return keep_link(made, length, link);
    }
    if (project != NULL && remote == NULL) {
        int length = asprintf(&made, "%.*s/-/commit/%s", (int)length_without_slashes(project), project, id);
        return keep_link(made, length, link);
    }
    const char *path = is_host_of(&at, project) ? "-/commit" : NULL;
    for (size_t i = 0; i < sizeof styles / sizeof styles[0] && path == NULL; i++) {
        path = host_is_called(&at, styles[i].word) ? styles[i].path : NULL;
    }
    if (path == NULL || at.path_length == 0) {
        return 0;
    }
    int length = asprintf(&made, "%s://%.*s/%.*s/%s/%s", at.scheme, (int)at.authority_length, at.host,
                          (int)at.path_length, at.path, path, id);
    return keep_link(made, length, link);
}
