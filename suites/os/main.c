/* SPDX-License-Identifier: MIT */
/*
 * The program of the suite `os`. Beside what every benchmark program takes, it says where it puts its files, and removes
 * them; run by itself it does so at its end. See folder.h.
 */
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tare/bench.h>

#include "suites/os/folder.h"

static int where(void)
{
    char path[PATH_MAX];
    if (folder_path(path, sizeof(path)) != 0) {
        fprintf(stderr, "os: the name of the folder for files is too long: see TARE_SUITE_DIR\n");
        return 2;
    }
    return printf("%s\n", path) < 0 || fflush(stdout) != 0 ? 2 : 0;
}

int main(int argc, char **argv)
{
    bool driven = getenv("TARE_BENCH_DRIVE") != NULL;
    if (!driven && argc == 2 && strcmp(argv[1], "--clean") == 0) {
        return folder_clean();
    }
    if (!driven && argc == 2 && strcmp(argv[1], "--where") == 0) {
        return where();
    }
    int code = tare_bench_main(argc, argv);
    int cleaned = !driven && folder_in_use() ? folder_clean() : 0;
    return code != 0 ? code : cleaned;
}
