/* SPDX-License-Identifier: MIT */
/*
 * syscall-path: the way of a system call out of a sandbox, through a program and the libraries below it, each
 * layer with timers. README.md tells what each layer does and how to read the table. This is the command line.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot.h"

enum {
    EXIT_USAGE = 2,
};

static const uint64_t count_max = UINT64_C(1000000000000);

__attribute__((format(printf, 1, 2))) static bool usage_error(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("syscall-path: ", stderr);
    vfprintf(stderr, format, arguments);
    fputs("; see 'syscall-path --help'\n", stderr);
    va_end(arguments);
    return false;
}

static void help(void)
{
    puts("usage: syscall-path [--cages N] [--threads N] [--grate] CALL [PARAMETER] COUNT\n"
         "\n"
         "Make a system call COUNT times from inside a sandbox, and check every result.\n"
         "\n"
         "calls:");
    for (unsigned i = 0; i < workload_count; i++) {
        const struct workload *workload = &workloads[i];
        char synopsis[32];
        snprintf(synopsis, sizeof(synopsis), "%s %s%sCOUNT", workload->name,
                 workload->parameter != NULL ? workload->parameter : "",
                 workload->parameter != NULL ? " " : "");
        printf("  %-17s %s\n", synopsis, workload->help);
    }
    printf("\n"
           "SIZE is 1 to %d bytes.\n"
           "\n"
           "options:\n"
           "  --cages N         take turns in N sandboxes (1 to %d; 1)\n"
           "  --threads N       share the calls out among N threads (1 to %d; 1)\n"
           "  --grate           put a grate, a sandbox that answers for others, between them and the host\n"
           "  --help            print this\n"
           "\n"
           "Exits with 0 if every result was right, 1 if one was wrong or the sandboxes cannot be set up, and\n"
           "2 for a wrong command line.\n",
           SIZE_MAX_BYTES, BOOT_CAGE_MAX, BOOT_THREAD_MAX);
}

static bool parse_signed(const char *text, int64_t min, int64_t max, int64_t *value)
{
    char *end;
    errno = 0;
    long long parsed = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || parsed < min || parsed > max) {
        return false;
    }
    *value = parsed;
    return true;
}

static bool parse_small(const char *option, const char *text, unsigned max, unsigned *value)
{
    int64_t parsed;
    if (text == NULL) {
        return usage_error("'%s' needs a number", option);
    }
    if (!parse_signed(text, 1, max, &parsed)) {
        return usage_error("'%s' is not a number from 1 to %u, for '%s'", text, max, option);
    }
    *value = (unsigned)parsed;
    return true;
}

/* Takes the options out of argv and leaves the rest, as FD may be -1 and must not be taken for one. */
static bool parse_options(struct boot *boot, char **argv, char *words[4], unsigned *word_count)
{
    for (; *argv != NULL; argv++) {
        if (strcmp(*argv, "--cages") == 0) {
            if (!parse_small("--cages", *++argv, BOOT_CAGE_MAX, &boot->cages)) {
                return false;
            }
        } else if (strcmp(*argv, "--threads") == 0) {
            if (!parse_small("--threads", *++argv, BOOT_THREAD_MAX, &boot->threads)) {
                return false;
            }
        } else if (strcmp(*argv, "--grate") == 0) {
            boot->grate = true;
        } else if (strncmp(*argv, "--", 2) == 0) {
            return usage_error("unknown option '%s'", *argv);
        } else if (*word_count == 3) {
            return usage_error("'%s' is one argument too many", *argv);
        } else {
            words[(*word_count)++] = *argv;
        }
    }
    return true;
}

static bool parse_words(struct boot *boot, char *words[4], unsigned word_count)
{
    if (word_count == 0) {
        return usage_error("no call given");
    }
    const struct workload *workload = workload_find(words[0]);
    if (workload == NULL) {
        return usage_error("unknown call '%s'", words[0]);
    }
    boot->workload = workload;

    unsigned count_at = workload->parameter != NULL ? 2 : 1;
    if (word_count != count_at + 1) {
        return usage_error("'%s' takes %s%sCOUNT", workload->name,
                           workload->parameter != NULL ? workload->parameter : "",
                           workload->parameter != NULL ? " and " : "");
    }
    if (workload->parameter != NULL &&
        !parse_signed(words[1], workload->parameter_min, workload->parameter_max, &boot->parameter)) {
        return usage_error("%s '%s' is not a number from %" PRId64 " to %" PRId64, workload->parameter,
                           words[1], workload->parameter_min, workload->parameter_max);
    }
    if (strcmp(workload->name, "close") == 0 && boot->parameter >= 0 && boot->parameter < CAGE_FD_FREE) {
        return usage_error("descriptor '%s' is open in every sandbox, close takes one that is not", words[1]);
    }
    int64_t count;
    if (!parse_signed(words[count_at], 1, (int64_t)count_max, &count)) {
        return usage_error("COUNT '%s' is not a number from 1 to %" PRIu64, words[count_at], count_max);
    }
    boot->count = (uint64_t)count;
    return true;
}

static void print_summary(const struct boot *boot, uint64_t elapsed_ns)
{
    char parameter[24] = "";
    if (boot->workload->parameter != NULL) {
        snprintf(parameter, sizeof(parameter), " %" PRId64, boot->parameter);
    }
    printf("%s%s: %" PRIu64 " calls, %u cage%s, %u thread%s%s, each returned %" PRId64 "; %.1f ns a call\n",
           boot->workload->name, parameter, boot->count, boot->cages, boot->cages == 1 ? "" : "s",
           boot->threads, boot->threads == 1 ? "" : "s", boot->grate ? ", a grate" : "",
           boot->workload->expected(boot->parameter), (double)elapsed_ns * boot->threads / (double)boot->count);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            help();
            return fflush(stdout) == 0 && !ferror(stdout) ? EXIT_SUCCESS : EXIT_FAILURE;
        }
    }
    struct boot boot = {.cages = 1, .threads = 1};
    char *words[4] = {NULL};
    unsigned word_count = 0;
    if (!parse_options(&boot, argv + 1, words, &word_count) || !parse_words(&boot, words, word_count)) {
        return EXIT_USAGE;
    }

    uint64_t elapsed_ns = 0;
    if (boot_load(&boot) != 0) {
        return EXIT_FAILURE;
    }
    int error = boot_run(&boot, &elapsed_ns);
    boot_unload(&boot);
    if (error != 0) {
        return EXIT_FAILURE;
    }
    print_summary(&boot, elapsed_ns);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "syscall-path: cannot write the summary: %s\n", strerror(errno));
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
