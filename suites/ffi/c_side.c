/* SPDX-License-Identifier: MIT */
/* The sides in C: finding the library's functions, and what it calls back. The benchmarks are in c_calls.c and c_data.c. */
#include "suites/ffi/c_side.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tare/bench.h>

/* The path of a file in the program's folder. */
static void beside_program(const char *name, char *path, size_t room)
{
    ssize_t size = readlink("/proc/self/exe", path, room - strlen(name) - 1);
    path[size > 0 ? size : 0] = '\0';
    char *slash = strrchr(path, '/');
    strcpy(slash != NULL ? slash + 1 : path, name);
}

#ifdef SIDE_DLOPEN

#define DEFINE(name) __typeof__(bl_##name) *side_##name;
#define DEFINE_TARGET(ten, one) DEFINE(target_##ten##one)
SIDE_FUNCTIONS(DEFINE)
BL_TARGETS(DEFINE_TARGET)
side_numbered *side_targets[100];

static void *find(void *library, const char *name)
{
    void *found = dlsym(library, name);
    if (found == NULL) {
        fprintf(stderr, "libbenchlib.so has no '%s'\n", name);
        exit(2);
    }
    return found;
}

/* By its path: a sanitizer's dlopen() does not look where the program's own would. */
static void *open_library(void)
{
    char path[PATH_MAX];
    beside_program("libbenchlib.so", path, sizeof(path));
    return dlopen(path, RTLD_NOW | RTLD_LOCAL);
}

/* A pointer to a function is not one to an object in C: it is copied. */
static void find_all(void)
{
    void *found, *library = open_library();
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(2);
    }
#define FIND(name)                                                                                             \
    found = find(library, "bl_" #name);                                                                        \
    memcpy(&side_##name, &found, sizeof(found));
#define FIND_TARGET(ten, one)                                                                                  \
    FIND(target_##ten##one)                                                                                    \
    side_targets[10 * (ten) + (one)] = side_target_##ten##one;
    SIDE_FUNCTIONS(FIND)
    BL_TARGETS(FIND_TARGET)
}

#else

#define TARGET(ten, one) bl_target_##ten##one,
side_numbered *side_targets[100] = {BL_TARGETS(TARGET)};

static void find_all(void)
{
}

#endif

int32_t side_plus_one(int32_t x)
{
    return x + 1;
}

bool side_until(size_t i, void *user)
{
    struct side_iteration *iteration = user;
    iteration->sum += i;
    return i + 1 != iteration->stop;
}

double side_minus(double x)
{
    return -x;
}

int main(int argc, char **argv)
{
    find_all();
    if (argc == 2 && strcmp(argv[1], "check") == 0) {
        return side_check();
    }
    if (argc == 2 && strcmp(argv[1], "verify") == 0) {
        char path[PATH_MAX];
        beside_program("vectors.txt", path, sizeof(path));
        return side_verify(path);
    }
    return tare_bench_main(argc, argv);
}
