/* SPDX-License-Identifier: MIT */
/*
 * Finds and reads source files. Debug information has them as the compiler saw them, often on another machine:
 * a path that leads nowhere here is tried again without its first parts, the longest end that is there first.
 */
#include "record/source_text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "record/files.h"

static const size_t SOURCE_MAX_BYTES = (size_t)64 << 20;

/* Takes the path over. True if the file is there and was read. */
static bool load(struct tare_source_text *source, char *path)
{
    struct stat st;
    if (path == NULL) {
        return false;
    }
    source->text =
        stat(path, &st) == 0 && S_ISREG(st.st_mode) ? tare__file_load("", path, SOURCE_MAX_BYTES) : NULL;
    if (source->text == NULL) {
        free(path);
        return false;
    }
    source->path = path;
    source->modified = st.st_mtime;
    return true;
}

/* "a/b" below `directory`, then "b". */
static bool load_below(struct tare_source_text *source, const char *directory, const char *file)
{
    while (*file != '\0') {
        char *path = NULL;
        file += strspn(file, "/");
        if (directory == NULL) {
            path = strdup(file);
        } else if (asprintf(&path, "%s/%s", directory, file) < 0) {
            path = NULL;
        }
        if (*file != '\0' && path != NULL) {
            if (load(source, path)) {
                return true;
            }
        } else {
            free(path);
        }
        file += strcspn(file, "/");
    }
    return false;
}

static int split(struct tare_source_text *source)
{
    size_t count = 0;
    for (const char *c = source->text; *c != '\0'; c++) {
        count += *c == '\n';
    }
    source->lines = reallocarray(NULL, count + 1, sizeof *source->lines);
    if (source->lines == NULL) {
        return -ENOMEM;
    }
    for (char *line = source->text; *line != '\0';) {
        size_t size = strcspn(line, "\n");
        bool last = line[size] == '\0';
        source->lines[source->count++] = line;
        line[size] = '\0';
        if (size > 0 && line[size - 1] == '\r') {
            line[size - 1] = '\0';
        }
        line += size + !last;
    }
    return 0;
}

int tare_source_text_read(struct tare_source_text *source, const char *file, const char *directory)
{
    *source = (struct tare_source_text){0};
    bool found = load(source, strdup(file)) || (directory != NULL && load_below(source, directory, file)) ||
                 load_below(source, NULL, file);
    return found ? split(source) : -ENOENT;
}

void tare_source_text_release(struct tare_source_text *source)
{
    free(source->path);
    free(source->text);
    free(source->lines);
    *source = (struct tare_source_text){0};
}
