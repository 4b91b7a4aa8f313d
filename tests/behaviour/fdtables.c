/* SPDX-License-Identifier: MIT */
/*
 * The descriptor tables of examples/syscall-path keep POSIX's promises: the lowest free number, 1,024 of them
 * to a cage, and a host descriptor that is given back once, when the last number for it goes. The library is
 * loaded at run time, as it belongs to the examples, which may be left out of a build. Prints TAP.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "examples/syscall-path/fdtables.h"

/* The library's functions, under their own names. */
static struct {
    __typeof__(fdtables_register_close_handlers) *register_close_handlers;
    __typeof__(fdtables_cage_create) *cage_create;
    __typeof__(fdtables_cage_destroy) *cage_destroy;
    __typeof__(fdtables_get_unused_virtual_fd) *get_unused_virtual_fd;
    __typeof__(fdtables_translate_virtual_fd) *translate_virtual_fd;
    __typeof__(fdtables_dup_virtual_fd) *dup_virtual_fd;
    __typeof__(fdtables_close_virtualfd) *close_virtualfd;
} fdtables;

static int checks, failures;
static int more_calls, last_calls, last_fd;

static void check(bool good, const char *what)
{
    checks++;
    failures += !good;
    printf("%s %d %s\n", good ? "ok" : "not ok", checks, what);
}

static void on_more(int under_fd)
{
    (void)under_fd;
    more_calls++;
}

static void on_last(int under_fd)
{
    last_calls++;
    last_fd = under_fd;
}

/* Returns false after saying why the test cannot run. */
static bool load(void)
{
    void *library = dlopen("libfdtables.so", RTLD_NOW);
    if (library == NULL) {
        printf("the example library cannot be loaded: %s\n", dlerror());
        return false;
    }
    struct {
        void *where;
        const char *name;
    } wanted[] = {
        {&fdtables.register_close_handlers, "fdtables_register_close_handlers"},
        {&fdtables.cage_create, "fdtables_cage_create"},
        {&fdtables.cage_destroy, "fdtables_cage_destroy"},
        {&fdtables.get_unused_virtual_fd, "fdtables_get_unused_virtual_fd"},
        {&fdtables.translate_virtual_fd, "fdtables_translate_virtual_fd"},
        {&fdtables.dup_virtual_fd, "fdtables_dup_virtual_fd"},
        {&fdtables.close_virtualfd, "fdtables_close_virtualfd"},
    };
    bool complete = true;
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        void *symbol = dlsym(library, wanted[i].name);
        memcpy(wanted[i].where, &symbol, sizeof(symbol));
        complete = complete && symbol != NULL;
    }
    check(complete, "the library has all of its functions");
    return complete;
}

static void numbers_are_lowest_free(void)
{
    struct fdtables_entry entry;
    check(fdtables.cage_create(1) == 0 && fdtables.cage_create(2) == 0, "cages are created");
    check(fdtables.cage_create(1) == -EEXIST, "a cage is created once");
    check(fdtables.cage_create(FDTABLES_CAGE_MAX) == -EINVAL, "an id out of range is refused");

    bool ascending = true;
    for (int i = 0; i < FDTABLES_FD_MAX; i++) {
        ascending = ascending && fdtables.get_unused_virtual_fd(1, 1, 5000 + i, false) == i;
    }
    check(ascending, "1,024 numbers in ascending order");
    check(fdtables.get_unused_virtual_fd(1, 1, 9999, false) == -EMFILE, "and not one more");
    check(fdtables.dup_virtual_fd(1, 0) == -EMFILE, "nor by duplicating");
    check(fdtables.translate_virtual_fd(1, 700, &entry) == 0 && entry.under_fd == 5700 && entry.kind == 1,
          "a number leads to its host descriptor");
    check(fdtables.translate_virtual_fd(2, 700, &entry) == -EBADF, "but not in another cage");

    fdtables.close_virtualfd(1, 900);
    fdtables.close_virtualfd(1, 64);
    check(fdtables.get_unused_virtual_fd(1, 1, 1, true) == 64, "the lowest free number is given out again");
    check(fdtables.translate_virtual_fd(1, 64, &entry) == 0 && entry.cloexec, "close-on-exec is kept");
    check(fdtables.dup_virtual_fd(1, 64) == 900, "then the next");
    check(fdtables.translate_virtual_fd(1, 900, &entry) == 0 && !entry.cloexec,
          "and a duplicate starts without it");
}

static void host_descriptors_are_closed_once(void)
{
    more_calls = last_calls = 0;
    int first = fdtables.get_unused_virtual_fd(2, 1, 77, false);
    int second = fdtables.dup_virtual_fd(2, first);
    check(first == 0 && second == 1, "a duplicate gets the next number");
    check(fdtables.close_virtualfd(2, first) == 0 && more_calls == 1 && last_calls == 0,
          "closing one of two leaves the host descriptor open");
    check(fdtables.close_virtualfd(2, second) == 0 && last_calls == 1 && last_fd == 77,
          "closing the other closes it");
    check(fdtables.close_virtualfd(2, second) == -EBADF && last_calls == 1, "and not a second time");

    check(fdtables.close_virtualfd(2, -1) == -EBADF, "-1 is no descriptor");
    check(fdtables.close_virtualfd(2, FDTABLES_FD_MAX) == -EBADF, "nor is 1,024");
    check(fdtables.dup_virtual_fd(2, -1) == -EBADF, "and cannot be duplicated");
    check(fdtables.close_virtualfd(3, 0) == -ESRCH, "a cage that does not exist has none at all");
    check(fdtables.get_unused_virtual_fd(2, FDTABLES_KIND_MAX, 1, false) == -EINVAL,
          "an unknown kind is refused");

    more_calls = last_calls = 0;
    check(fdtables.cage_destroy(1) == 0 && last_calls == FDTABLES_FD_MAX - 1 && more_calls == 1,
          "destroying a cage closes each host descriptor once");
    check(fdtables.cage_destroy(1) == -ESRCH, "a cage is destroyed once");
    check(fdtables.cage_destroy(2) == 0, "an empty cage is destroyed, too");
}

int main(void)
{
    if (!load()) {
        return failures > 0 ? 1 : 77;
    }
    struct fdtables_close_handlers handlers = {.more = on_more, .last = on_last};
    check(fdtables.register_close_handlers(1, handlers) == 0, "close handlers are registered");
    check(fdtables.register_close_handlers(FDTABLES_KIND_MAX, handlers) == -EINVAL, "not for an unknown kind");
    numbers_are_lowest_free();
    host_descriptors_are_closed_once();
    printf("1..%d\n", checks);
    return failures == 0 ? 0 : 1;
}
