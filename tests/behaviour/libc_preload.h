/* SPDX-License-Identifier: MIT */
/*
 * For the tests of libtare-libc.so: a test starts itself again with the library in front, and then looks at
 * what the timers say about its own calls. The library lies beside the libtare.so that the test is linked with.
 */
#ifndef TARE_TESTS_LIBC_PRELOAD_H
#define TARE_TESTS_LIBC_PRELOAD_H

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tare/tare.h>

static int failures;

#define CHECK(condition, ...)                                                                                  \
    do {                                                                                                       \
        if (!(condition)) {                                                                                    \
            failures++;                                                                                        \
            printf("not ok: line %d: %s: ", __LINE__, #condition);                                             \
            printf(__VA_ARGS__);                                                                               \
            printf("\n");                                                                                      \
        }                                                                                                      \
    } while (0)

/* The file that the function named `symbol` comes from. */
static inline const char *origin_of(const char *symbol)
{
    Dl_info info;
    void *address = dlsym(RTLD_DEFAULT, symbol);
    return address != NULL && dladdr(address, &info) != 0 ? info.dli_fname : "";
}

/* Returns in a process that has the library in front of libc. */
static inline void preload_self(char **argv)
{
    const char *sanitizer = getenv("TARE_SANITIZER");
    if (sanitizer != NULL && *sanitizer != '\0') {
        printf("skipped: a sanitizer takes libc's calls for itself\n");
        exit(77);
    }
    if (strstr(origin_of("read"), "libtare-libc.so") != NULL) {
        return;
    }
    const char *before = getenv("LD_PRELOAD");
    if (before != NULL && strstr(before, "libtare-libc.so") != NULL) {
        printf("not ok: the preloaded library does not define read, which comes from '%s'\n",
               origin_of("read"));
        exit(1);
    }
    char path[PATH_MAX];
    snprintf(path, sizeof(path) - 32, "%s", origin_of("tare_version"));
    char *slash = strrchr(path, '/');
    strcpy(slash != NULL ? slash + 1 : path, "libtare-libc.so");
    if (access(path, R_OK) != 0) {
        const char *built = getenv("TARE_HAVE_PRELOAD");
        bool left_out = built != NULL && strcmp(built, "0") == 0;
        printf(left_out ? "skipped: built without '%s'\n" : "not ok: no library '%s'\n", path);
        exit(left_out ? 77 : 1);
    }
    setenv("LD_PRELOAD", path, 1);
    static const char *const unwanted[] = {"TARE",      "TARE_ENABLE",    "TARE_CLOCK",  "TARE_REPORT",
                                           "TARE_PAGE", "TARE_HISTOGRAM", "TARE_TIMERS", "TARE_THREADS"};
    for (size_t i = 0; i < sizeof(unwanted) / sizeof(unwanted[0]); i++) {
        unsetenv(unwanted[i]);
    }
    execv("/proc/self/exe", argv);
    if (errno == ENOEXEC) {
        printf(
            "skipped: this system does not start programs of this kind by itself\n"); /* an emulator's guest */
        exit(77);
    }
    perror("not ok: execv");
    exit(1);
}

enum { STATS_MAX = 256 };

/* What libc::`name` has counted; zero where there is no such timer. */
static inline tare_stats stats_of(const char *name)
{
    static tare_stats all[STATS_MAX];
    tare_stats none = {0};
    int n = tare_snapshot("libc::*", all, STATS_MAX);
    for (int i = 0; i < n && i < STATS_MAX; i++) {
        if (strcmp(all[i].name, name) == 0) {
            return all[i];
        }
    }
    return none;
}

#endif
