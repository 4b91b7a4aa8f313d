/* SPDX-License-Identifier: MIT */
/*
 * Messages for people, on standard error. A progress line stays at the bottom until something else is to be
 * said.
 */
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

static bool progress_shown;

bool stderr_is_terminal(void)
{
    return isatty(STDERR_FILENO);
}

void progress_clear(void)
{
    if (progress_shown) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
        progress_shown = false;
    }
}

void progress(const char *format, ...)
{
    if (!stderr_is_terminal()) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    fputs("\r", stderr);
    vfprintf(stderr, format, arguments);
    fputs("\033[K", stderr);
    fflush(stderr);
    va_end(arguments);
    progress_shown = true;
}

static void print(const char *prefix, const char *format, va_list arguments)
{
    progress_clear();
    fflush(stdout);
    fputs(prefix, stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
}

void error(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print("tare: ", format, arguments);
    va_end(arguments);
}

void warning(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print("tare: warning: ", format, arguments);
    va_end(arguments);
}
