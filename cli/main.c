/* SPDX-License-Identifier: MIT */
/*
 * The command `tare`.
 *
 * To add a command: write cli/cmd_NAME.c with a `const struct command command_NAME` (its options' table makes
 * --help and completion), declare it in cli.h, put it into the table below in the order of the work, and add
 * docs/man/tare-NAME.1.scd, tests/cli/NAME.bats and the file's name in cli/CMakeLists.txt. A test compares
 * --help with the man page.
 */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tare/version.h>

#include "cli/cli.h"

const struct command *const commands[] = {
    &command_run,     &command_list,    &command_ps,
    &command_attach,  &command_top,     &command_serve,
    &command_record,  &command_report,  &command_verify,
    &command_bench,   &command_compare, &command_check,
    &command_history, &command_profile, &command_flame,
    &command_suite,   &command_stat,    &command_flags,   &command_dual,
    &command_doctor,  &command_info,    NULL,
};

const struct command *command_find(const char *name)
{
    for (size_t i = 0; commands[i] != NULL; i++) {
        if (strcmp(commands[i]->name, name) == 0) {
            return commands[i];
        }
    }
    return NULL;
}

static void print_overview(FILE *out)
{
    fputs("usage: tare COMMAND [options] [operands]\n\n"
          "Measures hot paths, subtracts what measuring costs, and says how sure it is.\n\nCommands:\n",
          out);
    for (size_t i = 0; commands[i] != NULL; i++) {
        fprintf(out, "  %-8s %s\n", commands[i]->name, commands[i]->summary);
    }
    fputs("  help     print this text, or a command's with 'tare help COMMAND'\n\n"
          "'tare COMMAND --help' lists a command's options; 'tare --version' prints the version.\n",
          out);
}

static int unknown_command(const char *name)
{
    const char *words[sizeof(commands) / sizeof(commands[0])];
    size_t count = 0;
    for (; commands[count] != NULL; count++) {
        words[count] = commands[count]->name;
    }
    const char *near = suggest(name, words, count);
    if (near != NULL) {
        error("unknown command '%s': did you mean '%s'?", name, near);
    } else {
        error("unknown command '%s': see 'tare help', or 'tare run -- %s' to measure it", name, name);
    }
    return EXIT_TROUBLE;
}

static int help(int argc, char **argv)
{
    if (argc < 2) {
        print_overview(stdout);
        return EXIT_FINE;
    }
    const struct command *command = command_find(argv[1]);
    if (command == NULL) {
        return unknown_command(argv[1]);
    }
    if (argc > 2 && command->subcommands != NULL) {
        command = subcommand_find(command, argv[2]);
    }
    if (command == NULL) {
        return EXIT_TROUBLE;
    }
    options_help(command, stdout);
    return EXIT_FINE;
}

/* For the completion scripts: what can stand on the command line, one word in a line. */
static int complete(int argc, char **argv)
{
    if (argc < 2) {
        for (size_t i = 0; commands[i] != NULL; i++) {
            printf("%s\t%s\n", commands[i]->name, commands[i]->summary);
        }
        return EXIT_FINE;
    }
    const struct command *command = command_find(argv[1]);
    if (command != NULL && argc > 2 && command->subcommands != NULL) {
        const struct command *const *sub = command->subcommands;
        while (*sub != NULL && strcmp(subcommand_name(*sub), argv[2]) != 0) {
            sub++;
        }
        command = *sub;
    }
    if (command != NULL) {
        options_complete(command);
    }
    return EXIT_FINE;
}

static int dispatch(int argc, char **argv)
{
    if (argc < 2) {
        print_overview(stderr);
        return EXIT_TROUBLE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        printf("tare %s\n", TARE_VERSION);
        return EXIT_FINE;
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        return help(argc - 1, argv + 1);
    }
    if (strcmp(name, "__complete") == 0) {
        return complete(argc - 1, argv + 1);
    }
    const struct command *command = command_find(name);
    if (command == NULL) {
        return unknown_command(name);
    }
    return command->run(command, argc - 1, argv + 1);
}

/*
 * Where our caller closed a standard stream, the next file we open would take its number, and what is printed
 * would go into it: into the page of a live process, for one. What is put there fails as a closed one does, and
 * is closed again in the measured program.
 */
static void occupy_closed_streams(void)
{
    static const int modes[] = {O_WRONLY, O_RDONLY, O_RDONLY};
    for (int fd = 0; fd < 3; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", modes[fd] | O_CLOEXEC) != fd) {
            _exit(EXIT_TROUBLE); /* and there is nowhere to say why */
        }
    }
}

int main(int argc, char **argv)
{
    occupy_closed_streams();
    setlocale(LC_CTYPE, ""); /* for "µs" and "±"; numbers keep their decimal point */
    int code = dispatch(argc, argv);
    errno = 0;
    if (fflush(stdout) != 0 || ferror(stdout)) {
        if (code == EXIT_FINE) {
            error("cannot write to standard output: %s", strerror(errno != 0 ? errno : EIO));
            code = EXIT_TROUBLE;
        }
    }
    return code;
}
