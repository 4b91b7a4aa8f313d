/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: whatever git prints of a commit, and whatever stands as the URL of a remote in a repository's
 * configuration. What comes of them is clean text, and links are plain URLs without a user.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "record/ci.h"
#include "record/git.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition) {
        abort();
    }
}

/* Of controls, and of bytes that are none of a terminal's business, clean text has none. */
static void must_be_clean(const char *text)
{
    for (; text != NULL && *text != '\0'; text++) {
        must((unsigned char)*text >= ' ' && *text != 0x7f);
    }
}

static void read_remote(const char *text)
{
    char *project, *link;
    must(tare__ci_project(text, &project) == 0);
    must_be_clean(project);
    must(project == NULL || strchr(project, '/') == NULL);
    must(tare__ci_commit_link(text, "0123456789abcdef", &link) == 0);
    must(link == NULL || (tare__is_link(link) && strstr(link, "/0123456789abcdef") != NULL));
    free(project);
    free(link);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tare__git_commit_details details;
    char *text = malloc(size + 1);
    must(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    must(tare__git_details_read(text, &details) == 0);
    if (details.id == NULL) {
        must(details.parents == NULL && details.subject == NULL && details.time_s == INT64_MIN);
    } else {
        must(strspn(details.id, "0123456789abcdef") == strlen(details.id));
        must(details.parents == NULL ||
             strspn(details.parents, "0123456789abcdef ") == strlen(details.parents));
        must(details.subject == NULL || strlen(details.subject) <= 256);
        must_be_clean(details.subject);
    }
    tare__git_details_release(&details);
    read_remote(text);
    free(text);
    return 0;
}
