/* SPDX-License-Identifier: MIT */
/*
 * The kernel's functions, as /proc/kallsyms lists them:
 *
 *     ffffffff81000000 T _text
 *     ffffffffc0451000 t nf_hook_slow	[nf_tables]
 *
 * Who may not see addresses (kernel.kptr_restrict, kernel.perf_event_paranoid) reads 0 in place of each.
 * There are no sizes: a function goes on to the next symbol, of data or code. Of several at one address the
 * one with the fewest underscores in front, global rather than local, and the shortest counts, as in files.
 */
#include "record/symbols_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SYMBOLS_MAX = 4 << 20, /* a distribution's kernel has some 250,000 with its modules */
    LINE_BYTES = 4096,
};

struct symbol {
    uint64_t address;
    const char *name;   /* NULL: not of code */
    const char *module; /* NULL: the kernel itself */
    bool global;
};

struct tare__kernel {
    struct symbol *list; /* ascending by address, each address once */
    size_t count, room;
};

static int by_address(const void *a, const void *b)
{
    const struct symbol *x = a;
    const struct symbol *y = b;
    if (x->address != y->address) {
        return x->address > y->address ? 1 : -1;
    }
    /* The best one first. */
    if ((x->name == NULL) != (y->name == NULL)) {
        return x->name == NULL ? 1 : -1;
    }
    if (x->name == NULL) {
        return 0;
    }
    size_t front_x = tare__name_underscores(x->name);
    size_t front_y = tare__name_underscores(y->name);
    if (front_x != front_y) {
        return front_x > front_y ? 1 : -1;
    }
    if (x->global != y->global) {
        return x->global ? -1 : 1;
    }
    size_t length_x = strlen(x->name);
    size_t length_y = strlen(y->name);
    return length_x != length_y ? (length_x > length_y ? 1 : -1) : strcmp(x->name, y->name);
}

/* One line. Returns 0, also for what is none, or -ENOMEM. */
static int add_line(struct tare__kernel *kernel, char *line, struct tare__strings *strings)
{
    char *end;
    errno = 0;
    uint64_t address = strtoull(line, &end, 16);
    if (end == line || end[0] != ' ' || end[1] == '\0' || end[2] != ' ' || errno != 0 || address == 0) {
        return 0;
    }
    char type = end[1];
    char *name = end + 3;
    name[strcspn(name, "\r\n")] = '\0';
    size_t length = strcspn(name, " \t");
    char *module = name + length + strspn(name + length, " \t");
    struct symbol symbol = {.address = address, .global = type == 'T'};
    if (strchr("tTwW", type) != NULL && length > 0) {
        symbol.name = tare__strings_keep(strings, name, length);
        if (module[0] == '[') {
            symbol.module = tare__strings_keep(strings, module, strlen(module));
        }
        if (symbol.name == NULL || (module[0] == '[' && symbol.module == NULL)) {
            return -ENOMEM;
        }
    }
    if (kernel->count == kernel->room) {
        size_t room = kernel->room == 0 ? 4096 : kernel->room * 2;
        struct symbol *list = room <= SYMBOLS_MAX ? reallocarray(kernel->list, room, sizeof *list) : NULL;
        if (list == NULL) {
            return -ENOMEM;
        }
        kernel->list = list;
        kernel->room = room;
    }
    kernel->list[kernel->count++] = symbol;
    return 0;
}

struct tare__kernel *tare__kernel_new(const char *path, struct tare__strings *strings)
{
    struct tare__kernel *kernel = calloc(1, sizeof *kernel);
    int fd = kernel != NULL ? open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK) : -1;
    FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;
    if (file == NULL) {
        if (fd >= 0) {
            close(fd);
        }
        return kernel;
    }
    char line[LINE_BYTES];
    int failed = 0;
    while (failed == 0 && fgets(line, sizeof line, file) != NULL) {
        if (strchr(line, '\n') == NULL) { /* longer than any symbol: the rest of it is no line */
            int c;
            while ((c = getc(file)) != EOF && c != '\n') {
            }
            continue;
        }
        failed = add_line(kernel, line, strings);
    }
    fclose(file);
    if (kernel->count > 0) {
        qsort(kernel->list, kernel->count, sizeof *kernel->list, by_address);
    }
    size_t kept = 0;
    for (size_t i = 0; i < kernel->count; i++) {
        if (kept == 0 || kernel->list[kept - 1].address != kernel->list[i].address) {
            kernel->list[kept++] = kernel->list[i];
        }
    }
    kernel->count = kept;
    return kernel;
}

void tare__kernel_free(struct tare__kernel *kernel)
{
    if (kernel != NULL) {
        free(kernel->list);
        free(kernel);
    }
}

bool tare__kernel_empty(const struct tare__kernel *kernel)
{
    return kernel->count == 0;
}

bool tare__kernel_find(const struct tare__kernel *kernel, uint64_t address, const char **function,
                       const char **module)
{
    size_t low = 0;
    size_t high = kernel->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (kernel->list[middle].address <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    /* The last one has no end: it is of a module or of data, whose functions are not that long. */
    if (low == 0 || kernel->list[low - 1].name == NULL ||
        (low == kernel->count && address - kernel->list[low - 1].address >= 4096)) {
        return false;
    }
    *function = kernel->list[low - 1].name;
    *module = kernel->list[low - 1].module != NULL ? kernel->list[low - 1].module : "[kernel]";
    return true;
}
