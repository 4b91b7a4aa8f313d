/* SPDX-License-Identifier: MIT */
/*
 * lind-boot: runs a WASI program in a cage. The program runs on a thread of its own, whose stack has a size that we know: so
 * recursion without end meets its end, also where the shell has set none.
 */
#include "suites/syscalls/boot/lind_boot_command.h"

#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <tare/version.h>

enum { STACK_BYTES = 8 << 20 };

enum option_code {
    OPTION_DIR = 256,
    OPTION_ENV,
    OPTION_CACHE,
    OPTION_NO_CACHE,
    OPTION_CACHE_SIZE,
    OPTION_COMPILE,
    OPTION_MAX_MEMORY,
    OPTION_GRATE,
    OPTION_PERF,
    OPTION_VERSION
};

static const struct option options[] = {
    {"dir", required_argument, NULL, OPTION_DIR},
    {"env", required_argument, NULL, OPTION_ENV},
    {"grate", required_argument, NULL, OPTION_GRATE},
    {"max-memory", required_argument, NULL, OPTION_MAX_MEMORY},
    {"cache", required_argument, NULL, OPTION_CACHE},
    {"no-cache", no_argument, NULL, OPTION_NO_CACHE},
    {"cache-size", required_argument, NULL, OPTION_CACHE_SIZE},
    {"compile", no_argument, NULL, OPTION_COMPILE},
    {"perf", optional_argument, NULL, OPTION_PERF},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static const char help[] = "usage: lind-boot [options] MODULE.wasm [ARGS]\n"
                           "\n"
                           "run a WASI program in a cage, whose system calls go through lind-common,\n"
                           "threei, rawposix and fdtables\n"
                           "\n"
                           "Options:\n"
                           "      --dir DIR           the directory that the program sees as / (default: the\n"
                           "                          current one)\n"
                           "      --env NAME=VALUE    a variable of its environment, which is empty\n"
                           "                          otherwise; may be given again\n"
                           "      --grate MODULE      a module that answers the program's calls; may be\n"
                           "                          given again: the last one is asked first\n"
                           "      --max-memory SIZE   of the program, at most: 64K to 4095M (default: 1G)\n"
                           "      --cache DIR         where compiled modules are kept (default: LIND_CACHE,\n"
                           "                          else ~/.cache/tare/wasm)\n"
                           "      --no-cache          compile anew, and keep nothing\n"
                           "      --cache-size SIZE   how large the cache may be (default: 256M)\n"
                           "      --compile           compile the modules, and do not run them\n"
                           "      --perf[=CLOCK]      what each layer takes, by 'tare run', with one timer\n"
                           "                          enabled at a time; CLOCK is clock or tsc\n"
                           "      --version           print the version\n"
                           "  -h, --help              print this text\n"
                           "\n"
                           "Exit code: the program's own; 125: lind-boot itself failed, or a tool is not\n"
                           "installed, 126: the module is not valid, or wants what is not there, 127: not\n"
                           "found, 134: the program trapped\n";

/* 64K, 16M, 1G, or bytes; 0: it is none. */
static uint64_t parse_size(const char *text)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    unsigned shift = *end == 'K' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : 0;
    end += shift != 0;
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value > UINT64_MAX >> shift) {
        return 0;
    }
    return (uint64_t)value << shift;
}

static int usage(const char *problem, const char *what)
{
    fprintf(stderr, "lind-boot: %s '%s': 'lind-boot --help' shows the options\n", problem, what);
    return EXIT_OURS;
}

static int take_environment(struct command *command, const char *variable)
{
    size_t count = 0;
    if (strchr(variable, '=') == NULL || variable[0] == '=') {
        return usage("--env takes NAME=VALUE, not", variable);
    }
    while (command->environment != NULL && command->environment[count] != NULL) {
        count++;
    }
    const char **more = reallocarray(command->environment, count + 2, sizeof(*more));
    if (more == NULL) {
        return usage("no memory for", variable);
    }
    more[count] = variable;
    more[count + 1] = NULL;
    command->environment = more;
    return 0;
}

static int take_option(struct command *command, int option, const char *value)
{
    switch (option) {
    case OPTION_DIR:
        command->root = value;
        return 0;
    case OPTION_ENV:
        return take_environment(command, value);
    case OPTION_CACHE:
        command->boot.cache_dir = value;
        return 0;
    case OPTION_NO_CACHE:
        command->boot.no_cache = true;
        return 0;
    case OPTION_COMPILE:
        command->compile_only = true;
        return 0;
    case OPTION_CACHE_SIZE:
        command->boot.cache_bytes = parse_size(value);
        return command->boot.cache_bytes == 0 ? usage("--cache-size takes a size as 256M, not", value) : 0;
    case OPTION_MAX_MEMORY:
        command->boot.memory_max_bytes = parse_size(value);
        return command->boot.memory_max_bytes < 65536 || command->boot.memory_max_bytes > UINT64_C(4095) << 20
                   ? usage("--max-memory takes a size from 64K to 4095M, not", value)
                   : 0;
    case OPTION_GRATE:
        if (command->grate_count == COMMAND_GRATES_MAX) {
            return usage("too many grates, at", value);
        }
        command->grates[command->grate_count++] = value;
        return 0;
    case OPTION_PERF:
        command->perf = true;
        command->perf_clock = value;
        return value == NULL || strcmp(value, "clock") == 0 || strcmp(value, "tsc") == 0
                   ? 0
                   : usage("--perf takes clock or tsc, not", value);
    default:
        return usage("wrong option", "?");
    }
}

static int refused(int result)
{
    switch (result) {
    case -ENOENT:
        return EXIT_NOT_FOUND;
    case -EBADMSG:
    case -ENOTSUP:
    case -EISDIR:
    case -EFBIG:
    case -EACCES:
        return EXIT_CANNOT_RUN;
    default:
        return EXIT_OURS;
    }
}

static int complain(const char *error)
{
    fflush(stdout);
    fprintf(stderr, "lind-boot: %s\n", error);
    return EXIT_OURS;
}

struct run {
    const struct command *command;
    struct boot_module *modules[1 + COMMAND_GRATES_MAX]; /* the program, then grates */
    struct boot_cage *cages[1 + COMMAND_GRATES_MAX];
    int exit_code;
};

static int load_modules(struct run *run)
{
    const struct command *command = run->command;
    char error[BOOT_ERROR_BYTES];
    for (size_t i = 0; i <= command->grate_count; i++) {
        int result = boot_load(i == 0 ? command->module : command->grates[i - 1], &command->boot,
                               &run->modules[i], error);
        if (result == -EINTR) {
            return 128 + SIGINT;
        }
        if (result < 0) {
            complain(error);
            return refused(result);
        }
    }
    return 0;
}

static int make_cages(struct run *run)
{
    const struct command *command = run->command;
    const struct boot_start start = {
        .args = command->args, .environment = command->environment, .root = command->root};
    const struct boot_start grate = {.root = command->root};
    char error[BOOT_ERROR_BYTES];
    for (size_t i = 0; i <= command->grate_count; i++) {
        int result = boot_cage_new(run->modules[i], i == 0 ? &start : &grate, &run->cages[i], error);
        if (result == 0 && i > 0) {
            result = boot_interpose(run->cages[0], run->cages[i], NULL, 0, error);
        }
        if (result < 0) {
            complain(error);
            return result == -EFAULT ? EXIT_TRAP : result == -ENOTSUP ? EXIT_CANNOT_RUN : EXIT_OURS;
        }
    }
    return 0;
}

/* Cages have 1,024 descriptors each, the host's. Not before modules are compiled: the tools get what the shell has set. */
static void raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void *run_thread(void *data)
{
    struct run *run = data;
    char error[BOOT_ERROR_BYTES];
    run->exit_code = load_modules(run);
    if (run->exit_code == 0 && !run->command->compile_only) {
        raise_descriptors();
        run->exit_code = make_cages(run);
    }
    if (run->exit_code == 0 && !run->command->compile_only) {
        int code = 0;
        switch (boot_run(run->cages[0], &code, error)) {
        case BOOT_RETURNED:
        case BOOT_EXITED:
            run->exit_code = code & 0xff;
            break;
        case BOOT_TRAPPED:
            complain(error);
            run->exit_code = EXIT_TRAP;
            break;
        case BOOT_REFUSED:
            complain(error);
            run->exit_code = EXIT_CANNOT_RUN;
            break;
        }
    }
    for (size_t i = 0; i <= COMMAND_GRATES_MAX; i++) {
        boot_cage_free(run->cages[i]);
    }
    for (size_t i = 0; i <= COMMAND_GRATES_MAX; i++) {
        boot_unload(run->modules[i]);
    }
    return NULL;
}

static int run_command(const struct command *command)
{
    struct run run = {.command = command};
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    int error = pthread_create(&thread, &attributes, run_thread, &run);
    pthread_attr_destroy(&attributes);
    if (error != 0) {
        fprintf(stderr, "lind-boot: no thread for '%s': %s\n", command->module, strerror(error));
        return EXIT_OURS;
    }
    pthread_join(thread, NULL);
    return run.exit_code;
}

int main(int argc, char **argv)
{
    struct command command = {.root = "."};
    int option, result = 0;
    opterr = 0;
    while (result == 0 && (option = getopt_long(argc, argv, "+h", options, NULL)) != -1) {
        if (option == 'h' || option == OPTION_VERSION) {
            if (option == 'h') {
                fputs(help, stdout);
            } else {
                printf("lind-boot %d.%d.%d\n", TARE_VERSION_MAJOR, TARE_VERSION_MINOR, TARE_VERSION_PATCH);
            }
            free(command.environment);
            return fflush(stdout) == 0 ? 0 : EXIT_OURS;
        }
        if (option == '?') {
            result = usage(optopt >= 256 || optopt == 0 ? "unknown, ambiguous or incomplete option"
                                                        : "unknown option",
                           argv[optind - 1]);
        } else {
            result = take_option(&command, option, optarg);
        }
    }
    if (result == 0 && optind == argc) {
        fputs("lind-boot: no module is named: 'lind-boot --help' shows how\n", stderr);
        result = EXIT_OURS;
    }
    if (result == 0) {
        command.module = argv[optind];
        command.args = (const char *const *)argv + optind;
        if (command.perf) {
            struct command compiling = command;
            compiling.compile_only = true; /* so that no pass has it in its time */
            result = run_command(&compiling);
            result = result != 0 ? result : perf(&command);
        } else {
            result = run_command(&command);
        }
    }
    free(command.environment);
    return result;
}
