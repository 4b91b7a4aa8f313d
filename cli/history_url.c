/* SPDX-License-Identifier: MIT */
/*
 * Passwords in the URLs of databases. A command line is there for everybody on the machine to see, an
 * environment for its user alone: so `tare history` takes them out of the one and gives them to tare-history by
 * the other.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/history.h"

static const char PLACEHOLDER[] = "***";

/* Where a URL begins in a word, which may be "--db=URL"; NULL: nowhere. */
static char *url_in(char *word)
{
    char *start = *word == '-' ? strchr(word, '=') : word;
    if (start != NULL && start != word) {
        start++;
    }
    return start != NULL && history_is_url(start) ? start : NULL;
}

bool history_is_url(const char *where)
{
    return strncasecmp(where, "postgresql://", 13) == 0 || strncasecmp(where, "postgres://", 11) == 0;
}

/*
 * The next password at or behind `from`: between the first ':' and the last '@' (libpq's
 * user:password@host), and behind "password=" in the query. Its length, 0: there is none.
 */
static size_t find_password(const char *url, const char *from, const char **password)
{
    const char *authority = strstr(url, "://") + 3;
    size_t length = strcspn(authority, "?"); /* rather too much than a part of one with a '/' in it */
    const char *at = memrchr(authority, '@', length);
    const char *colon = at != NULL ? memchr(authority, ':', (size_t)(at - authority)) : NULL;
    if (colon != NULL && colon + 1 >= from && colon + 1 < at) {
        *password = colon + 1;
        return (size_t)(at - colon - 1);
    }
    const char *query = strchr(authority, '?');
    static const char *const keys[] = {"password=", "sslpassword="};
    for (const char *key = query; key != NULL; key = strchr(key, '&')) {
        key++;
        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
            const char *value = key + strlen(keys[i]);
            if (strncasecmp(key, keys[i], strlen(keys[i])) == 0 && value >= from && strcspn(value, "&") > 0) {
                *password = value;
                return strcspn(value, "&");
            }
        }
    }
    return 0;
}

char *history_without_password(const char *where)
{
    char *copy = NULL;
    size_t size;
    FILE *out = open_memstream(&copy, &size);
    if (out == NULL) {
        return NULL;
    }
    const char *from = where, *password;
    size_t length;
    while (history_is_url(where) && (length = find_password(where, from, &password)) > 0) {
        fprintf(out, "%.*s%s", (int)(password - from), from, PLACEHOLDER);
        from = password + length;
    }
    fputs(from, out);
    if (fclose(out) != 0) {
        free(copy);
        return NULL;
    }
    return copy;
}

static void variable_name(char name[static 32], unsigned index)
{
    snprintf(name, 32, "TARE_HISTORY_URL_%u", index);
}

bool history_hide_passwords(int argc, char **argv)
{
    unsigned count = 0;
    for (int i = 0; i < argc; i++) {
        char *url = url_in(argv[i]), *hidden = url != NULL ? history_without_password(url) : NULL;
        char name[32], *word = NULL;
        if (hidden != NULL && strcmp(hidden, url) != 0) {
            variable_name(name, count++);
            if (setenv(name, url, 1) != 0 ||
                asprintf(&word, "%.*s%s", (int)(url - argv[i]), argv[i], hidden) < 0) {
                error("out of memory");
                free(hidden);
                return false;
            }
            argv[i] = word; /* until exec */
        } else if (url != NULL && hidden == NULL) {
            error("out of memory");
            return false;
        }
        free(hidden);
    }
    return true;
}

bool history_find_passwords(int argc, char **argv)
{
    unsigned count = 0;
    for (int i = 0; i < argc; i++) {
        char name[32], *url = url_in(argv[i]), *word = NULL;
        if (url == NULL || strstr(url, PLACEHOLDER) == NULL) {
            continue;
        }
        variable_name(name, count);
        const char *full = getenv(name);
        char *hidden = full != NULL ? history_without_password(full) : NULL;
        if (hidden != NULL && strcmp(hidden, url) == 0) {
            if (asprintf(&word, "%.*s%s", (int)(url - argv[i]), argv[i], full) < 0) {
                error("out of memory");
                free(hidden);
                return false;
            }
            argv[i] = word; /* for as long as we run */
            unsetenv(name);
            count++;
        }
        free(hidden);
    }
    return true;
}
