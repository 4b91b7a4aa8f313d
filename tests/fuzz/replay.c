/* SPDX-License-Identifier: MIT */
/*
 * Feeds files to a fuzz target, for compilers without libFuzzer: each argument is a file, or a directory whose
 * files are taken in the order of their names. What once went wrong is kept in the corpus, so this is a
 * regression test. The data lies in memory of its exact size, so that a sanitizer sees a read beyond its end.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int complain(const char *path)
{
    int error = errno;
    fprintf(stderr, "replay: cannot read '%s': %s\n", path, strerror(error));
    return -error;
}

/* Returns 1 for a file that was replayed, or -errno. */
static int replay_file(const char *path, size_t size)
{
    uint8_t *data = malloc(size > 0 ? size : 1);
    FILE *file = fopen(path, "rb");
    int result;
    if (data == NULL || file == NULL) {
        result = complain(path);
        goto out;
    }
    if (fread(data, 1, size, file) != size) {
        errno = ferror(file) ? errno : EIO; /* shorter than it was a moment ago */
        result = complain(path);
        goto out;
    }
    LLVMFuzzerTestOneInput(data, size);
    result = 1;
out:
    if (file != NULL) {
        fclose(file);
    }
    free(data);
    return result;
}

/* Returns how many files were replayed, or -errno. */
static int replay(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        return complain(path);
    }
    if (!S_ISDIR(status.st_mode)) {
        return replay_file(path, (size_t)status.st_size);
    }
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort);
    if (count < 0) {
        return complain(path);
    }
    int total = 0;
    for (int i = 0; i < count; i++) {
        char inside[4096];
        int length = snprintf(inside, sizeof(inside), "%s/%s", path, entries[i]->d_name);
        if (total >= 0 && entries[i]->d_name[0] != '.' && length < (int)sizeof(inside)) {
            int result = replay(inside);
            total = result < 0 ? result : total + result;
        }
        free(entries[i]);
    }
    free(entries);
    return total;
}

int main(int argc, char **argv)
{
    int total = 0;
    for (int i = 1; i < argc; i++) {
        int result = replay(argv[i]);
        if (result < 0) {
            return 1;
        }
        total += result;
    }
    if (total == 0) {
        fprintf(stderr, "replay: no files in '%s'\n", argc > 1 ? argv[1] : "nothing");
        return 1;
    }
    printf("replayed %d files\n", total);
    return 0;
}
