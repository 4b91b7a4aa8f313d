/* SPDX-License-Identifier: MIT */
/* Small things that several commands need. */
#include <fnmatch.h>
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <tare/version.h>

#include "cli/cli.h"
#include "record/environment.h"
#include "view/columns.h"

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
