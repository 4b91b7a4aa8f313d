/* SPDX-License-Identifier: MIT */
/*
 * A profile from a file of any of the kinds that can be read. The kind is told from the first bytes, so that a
 * pipe does as well as a file: they are kept and read again.
 */
#include "cli/profile_read.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tare/page.h>
#include <tare/version.h>

#include "cli/cli.h"
#include "record/profiling.h"
#include "result/json.h"


/* How much of a file is looked at: several lines of the text of `perf script` with its stacks. */
enum { HEAD = 16384 };

/* A stream that begins with what was read of another one already. */
struct replay {
    FILE *in;
    char head[HEAD + 1];
    size_t size, at;
};

static ssize_t replay_read(void *cookie, char *to, size_t size)
{
    struct replay *replay = cookie;
    size_t left = replay->size - replay->at;
    if (left > 0) {
        size_t taken = size < left ? size : left;
        memcpy(to, replay->head + replay->at, taken);
        replay->at += taken;
        return (ssize_t)taken;
    }
    errno = 0;
    size_t got = fread(to, 1, size, replay->in);
    if (got == 0 && ferror(replay->in)) {
        errno = errno != 0 ? errno : EIO;
        return -1;
    }
    return (ssize_t)got;
}

enum content {
    CONTENT_EMPTY,
    CONTENT_JSON,
    CONTENT_PERF_DATA,
    CONTENT_PERF_SCRIPT,
    CONTENT_FOLDED,
    CONTENT_PAGE,
    CONTENT_GZIP,
    CONTENT_BINARY,
};

static bool begins_with(const struct replay *replay, const char *magic, size_t size)
{
    return replay->size >= size && memcmp(replay->head, magic, size) == 0;
}

/* The first line that says something: no comment, not blank. Its end is the next line's beginning. */
static const char *first_line(const char *text, size_t *length)
{
    for (;;) {
        size_t size = strcspn(text, "\n");
        size_t blank = strspn(text, " \t\r");
        if (blank < size && text[blank] != '#') {
            *length = size;
            return text;
        }
        if (text[size] == '\0') {
            return NULL;
        }
        text += size + 1;
    }
}

/*
 * "a;b;c 12": the last word is a number. A line of perf script ends in the event's name and a colon, or a name.
 */
static bool is_folded(const char *line, size_t length)
{
    while (length > 0 && isspace((unsigned char)line[length - 1])) {
        length--;
    }
    size_t digits = 0;
    while (digits < length && isdigit((unsigned char)line[length - digits - 1])) {
        digits++;
    }
    if (digits > 0 && digits < length && isspace((unsigned char)line[length - digits - 1])) {
        return true;
    }
    return length > HEAD / 2; /* a stack or a name that is longer than what we look at */
}

/*
 * Whether the line can be one of `perf script`: a command and its process, a number of its own. Any other text is
 * nothing that a user could mend line by line.
 */
static bool may_be_perf_script(const struct replay *replay)
{
    size_t length, word = 0;
    const char *line = first_line(replay->head, &length);
    for (size_t at = 0; line != NULL && at < length; word++) {
        while (at < length && isspace((unsigned char)line[at])) {
            at++;
        }
        size_t begin = at, digits = 0;
        while (at < length && !isspace((unsigned char)line[at])) {
            digits += isdigit((unsigned char)line[at]) || line[at] == '/';
            at++;
        }
        if (word > 0 && at > begin && digits == at - begin && line[begin] != '/') {
            return true;
        }
    }
    return line == NULL;
}

static enum content content_of(const struct replay *replay)
{
    size_t length;
    if (begins_with(replay, "PERFILE2", 8) || begins_with(replay, "2ELIFREP", 8)) {
        return CONTENT_PERF_DATA;
    }
    if (begins_with(replay, TARE_PAGE_MAGIC, 8)) {
        return CONTENT_PAGE;
    }
    if (begins_with(replay, "\x1f\x8b", 2)) {
        return CONTENT_GZIP;
    }
    if (memchr(replay->head, '\0', replay->size) != NULL) {
        return CONTENT_BINARY;
    }
    const char *line = first_line(replay->head, &length);
    if (line == NULL) {
        return strchr(replay->head, '#') != NULL ? CONTENT_PERF_SCRIPT : CONTENT_EMPTY;
    }
    if (line[strspn(line, " \t")] == '{') {
        return CONTENT_JSON;
    }
    return is_folded(line, length) ? CONTENT_FOLDED : CONTENT_PERF_SCRIPT;
}

/*
 * Around a profile that was taken by others. Takes it over. `left_out`: a sentence, "": nothing. NULL without memory,
 * an error was printed.
 */
static struct tare_result *foreign(struct tare_profile *profile, const char *mode, const char *left_out)
{
    struct tare_result *result = tare_result_new();
    if (result == NULL) {
        tare_profile_free(profile);
        error("out of memory");
        return NULL;
    }
    result->profile = profile;
    result->kind = strdup("profile");
    result->tare_version = strdup(TARE_VERSION);
    if (profile->mode == NULL) {
        profile->mode = strdup(mode);
    }
    if (result->kind == NULL || result->tare_version == NULL || profile->mode == NULL ||
        (left_out[0] != '\0' && tare_result_note(result, "%s", left_out) != 0)) {
        tare_result_free(result);
        error("out of memory");
        return NULL;
    }
    return result;
}

static struct tare_result *read_content(FILE *in, const struct replay *replay, const char *path,
                                        const char *label, const char *perf)
{
    enum content content = content_of(replay);
    static const char unusable[] =
        "a result of tare, a perf.data, the output of 'perf script' or folded stacks "
        "can be read";
    struct tare_result *result = NULL;
    struct tare_profile *profile = NULL;
    char message[512] = "";
    int failure = 0;
    switch (content) {
    case CONTENT_JSON:
        failure = tare_result_read_json(in, &result, message, sizeof(message));
        break;
    case CONTENT_PERF_DATA:
        if (strcmp(path, "-") == 0) {
            error("cannot read a perf.data from standard input: give its file");
            return NULL;
        }
        failure = tare_perf_data_read(path, perf, &profile, message, sizeof(message));
        break;
    case CONTENT_PERF_SCRIPT:
        failure = tare_perf_script_read(in, &profile, message, sizeof(message));
        break;
    case CONTENT_FOLDED:
        failure = tare_folded_read(in, &profile, message, sizeof(message));
        break;
    case CONTENT_PAGE:
        error("'%s' is a page, and no profile: 'tare report' shows it", label);
        return NULL;
    case CONTENT_GZIP:
        error("'%s' is compressed: %s", label, unusable);
        return NULL;
    case CONTENT_EMPTY:
        error("cannot read '%s': result is empty", label);
        return NULL;
    case CONTENT_BINARY:
        error("cannot read '%s': %s", label, unusable);
        return NULL;
    }
    if (failure != 0 && failure != -ENOMEM && content == CONTENT_PERF_SCRIPT && !may_be_perf_script(replay)) {
        error("cannot read '%s': it is neither a result of tare, nor a page, nor a profile (a perf.data, the "
              "text of 'perf script', folded stacks)",
              label);
        return NULL;
    }
    if (failure != 0) {
        error("cannot read '%s': %s", label, message[0] != '\0' ? message : strerror(-failure));
        return NULL;
    }
    return result != NULL ? result
                          : foreign(profile, content == CONTENT_FOLDED ? "folded" : "perf-script", message);
}

struct tare_result *profile_read_any(const char *path, const char *perf)
{
    bool standard = strcmp(path, "-") == 0;
    const char *label = standard ? "standard input" : path;
    struct tare_result *result = NULL;
    FILE *again = NULL;
    struct replay *replay = calloc(1, sizeof(*replay));
    if (replay == NULL) {
        error("out of memory");
        return NULL;
    }
    replay->in = standard ? stdin : fopen(path, "re");
    if (replay->in == NULL) {
        error("cannot open '%s': %s", path, strerror(errno));
        goto out;
    }
    errno = 0;
    replay->size = fread(replay->head, 1, HEAD, replay->in);
    if (ferror(replay->in)) {
        error("cannot read '%s': %s", label, strerror(errno != 0 ? errno : EIO));
        goto out;
    }
    again = fopencookie(replay, "r", (cookie_io_functions_t){.read = replay_read});
    if (again == NULL) {
        error("out of memory");
        goto out;
    }
    result = read_content(again, replay, path, label, perf);
out:
    if (again != NULL) {
        fclose(again);
    }
    if (replay->in != NULL && !standard) {
        fclose(replay->in);
    }
    free(replay);
    return result;
}

void profile_warn(const struct tare_result *result)
{
    const char *mode = result->profile != NULL ? result->profile->mode : NULL;
    if (mode == NULL || (strcmp(mode, "folded") != 0 && strcmp(mode, "perf-script") != 0)) {
        return;
    }
    for (char *const *note = result->notes; note != NULL && *note != NULL; note++) {
        warning("%s", *note);
    }
}

/* Where each kind of result is shown. */
static const char *command_of(const char *kind)
{
    return strcmp(kind, "check") == 0 ? "tare check" : "tare report";
}

struct tare_result *profile_read(const char *path, const char *perf)
{
    struct tare_result *result = profile_read_any(path, perf);
    if (result == NULL || (result->kind != NULL && strcmp(result->kind, "profile") == 0)) {
        return result;
    }
    const char *kind = result->kind != NULL ? result->kind : "unknown";
    char *shown = printable(kind);
    error("'%s' is a result of kind '%s', and no profile: '%s' shows it",
          strcmp(path, "-") == 0 ? "standard input" : path, shown != NULL ? shown : "-", command_of(kind));
    free(shown);
    tare_result_free(result);
    return NULL;
}
