/* SPDX-License-Identifier: MIT */
#include "record/process_name.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "record/page_check.h"

enum { KERNEL_BYTES = 15 /* of what was executed; the rest is cut */ };

/* The last part of a path of `size` bytes. */
static void copy_last_part(char to[256], const char *path, size_t size)
{
    const char *slash = memrchr(path, '/', size);
    size_t skipped = slash != NULL ? (size_t)(slash - path) + 1 : 0;
    size -= skipped;
    size = size < 255 ? size : 255;
    memcpy(to, path + skipped, size);
    to[size] = '\0';
    tare__make_printable(to, size); /* it may be cut in a character */
}

/* Whether the kernel's name is that one, as far as it reaches. */
static bool is_kernels(const char *kernel, const char *name)
{
    size_t length = strlen(kernel);
    return length != 0 &&
           (length < KERNEL_BYTES ? strcmp(kernel, name) == 0 : strncmp(kernel, name, length) == 0);
}

/* Argument number `at`; NULL: there are not so many. */
static const char *argument_at(const char *command, size_t size, size_t at, size_t *length)
{
    const char *end = command + size;
    for (; command < end; command += *length + 1) {
        *length = strnlen(command, (size_t)(end - command));
        if (at-- == 0) {
            return command;
        }
    }
    return NULL;
}

/* The name by which the kernel knows a script: its path is behind the interpreter, which may have an argument. */
static bool find_script(const char *kernel, const char *command, size_t size, char name[256])
{
    for (size_t at = 1; at <= 2; at++) {
        size_t length;
        const char *argument = argument_at(command, size, at, &length);
        if (argument == NULL) {
            return false;
        }
        copy_last_part(name, argument, length);
        if (is_kernels(kernel, name)) {
            return true;
        }
    }
    return false;
}

/* "redis-server *:6379", "nginx: master process /usr/sbin/nginx": the first word of what was made of the argument. */
static void copy_first_word(char to[256], const char *argument, size_t length)
{
    size_t word = 0;
    while (word < length && argument[word] != ' ') {
        word++;
    }
    word -= word > 0 && argument[word - 1] == ':';
    copy_last_part(to, argument, word);
}

void tare__process_names_from(const char *kernel, const char *executable, const char *command, size_t size,
                              struct tare_process_names *names)
{
    size_t length = 0;
    const char *argument = argument_at(command, size, 0, &length);
    char word[256] = "", script[256] = "";
    memset(names, 0, sizeof(*names));
    snprintf(names->kernel, sizeof(names->kernel), "%s", kernel);
    tare__make_printable(names->kernel, strlen(names->kernel));
    copy_last_part(names->executable, executable, strlen(executable));
    if (argument != NULL) {
        bool login = length > 1 && argument[0] == '-';
        copy_last_part(names->argument, argument + login, length - login);
        copy_first_word(word, argument + login, length - login);
    }
    const char *name = names->argument;
    if (is_kernels(kernel, names->argument)) {
        name = names->argument;
    } else if (is_kernels(kernel, word)) {
        name = word;
    } else if (find_script(kernel, command, size, script)) {
        name = script;
    } else if (is_kernels(kernel, names->executable) || names->argument[0] == '\0' ||
               strcmp(word, names->argument) != 0) {
        name = names->executable;
    }
    name = name[0] != '\0' ? name : names->kernel;
    snprintf(names->name, sizeof(names->name), "%s", name);
}

void tare_process_names_of(pid_t pid, const char *executable, const char *command, size_t size,
                           struct tare_process_names *names)
{
    char path[64], kernel[64] = "";
    snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
    int fd = pid > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t got = fd >= 0 ? read(fd, kernel, sizeof(kernel) - 1) : 0;
    if (fd >= 0) {
        close(fd);
    }
    kernel[got > 0 ? got : 0] = '\0';
    kernel[strcspn(kernel, "\n")] = '\0';
    tare__process_names_from(kernel, executable, command, size, names);
}

bool tare_process_names_match(const struct tare_process_names *names, const char *pattern)
{
    const char *const all[] = {names->name, names->kernel, names->argument, names->executable};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (all[i][0] != '\0' && fnmatch(pattern, all[i], 0) == 0) {
            return true;
        }
    }
    return false;
}
