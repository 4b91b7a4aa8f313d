/* SPDX-License-Identifier: MIT */
/* The suites that there are. */
#include <string.h>

#include "suites/suite.h"

const struct suite *const suites[] = {&suite_os, &suite_syscalls, &suite_ffi, NULL};

const struct suite *suite_find(const char *name)
{
    for (size_t i = 0; suites[i] != NULL; i++) {
        if (strcmp(suites[i]->name, name) == 0) {
            return suites[i];
        }
    }
    return NULL;
}

static bool is_case(const char *pattern, const char *bench)
{
    size_t size = strlen(pattern);
    if (size != 0 && pattern[size - 1] == '*') {
        return strncmp(pattern, bench, size - 1) == 0;
    }
    return strcmp(pattern, bench) == 0;
}

const struct suite_case *suite_find_case(const struct suite *suite, const char *bench,
                                         const struct suite_group **group)
{
    for (size_t i = 0; i < suite->group_count; i++) {
        for (size_t j = 0; j < suite->groups[i]->count; j++) {
            if (is_case(suite->groups[i]->cases[j].bench, bench)) {
                if (group != NULL) {
                    *group = suite->groups[i];
                }
                return &suite->groups[i]->cases[j];
            }
        }
    }
    return NULL;
}
