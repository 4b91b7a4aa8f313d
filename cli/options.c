/* SPDX-License-Identifier: MIT */
/*
 * Options of a command, from one table: parsing (getopt_long), --help and completion all read it, so they
 * cannot differ. Where a program with options of its own is the operand, ours end at it.
 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

enum { OPTIONS_MAX = 64, SUBCOMMANDS_MAX = 32, ID_HELP = 9999, HELP_COLUMN = 26, HELP_WIDTH = 80 };

static size_t count_options(const struct command *command)
{
    size_t count = 0;
    while (command->options[count].name != NULL) {
        count++;
    }
    return count;
}

/* "[=GLOB]": an argument that may be left out, and else follows '=' in the same word. */
static bool is_optional(const char *argument)
{
    return strncmp(argument, "[=", 2) == 0;
}

static void unknown_option(const struct command *command, const char *text)
{
    const char *words[OPTIONS_MAX];
    size_t count = count_options(command);
    for (size_t i = 0; i < count && i < OPTIONS_MAX; i++) {
        words[i] = command->options[i].name;
    }
    char word[64] = "";
    size_t same_start = 0;
    if (strncmp(text, "--", 2) == 0) {
        snprintf(word, sizeof(word), "%.*s", (int)strcspn(text + 2, "="), text + 2);
    }
    for (size_t i = 0; i < count && word[0] != '\0'; i++) {
        if (strcmp(words[i], word) == 0) {
            error("option '--%s' takes no argument", word);
            return;
        }
        same_start += strncmp(words[i], word, strlen(word)) == 0;
    }
    if (same_start > 1) {
        error("option '--%s' can be read in %zu ways: see 'tare %s --help'", word, same_start, command->name);
        return;
    }
    const char *near = word[0] != '\0' ? suggest(word, words, count) : NULL;
    if (near != NULL) {
        error("unknown option '%s': did you mean '--%s'?", text, near);
    } else {
        error("unknown option '%s': see 'tare %s --help'", text, command->name);
    }
}

int options_parse(const struct command *command, int argc, char **argv, option_handler *handler, void *data,
                  int *exit_code)
{
    struct option longs[OPTIONS_MAX] = {{0}};
    char shorts[2 * OPTIONS_MAX + 4] = "+:h";
    size_t count = count_options(command), at = strlen(shorts);
    for (size_t i = 0; i < count; i++) {
        const struct option_spec *spec = &command->options[i];
        int has_argument = spec->argument == NULL        ? no_argument
                           : is_optional(spec->argument) ? optional_argument
                                                         : required_argument;
        longs[i] =
            (struct option){spec->name, has_argument, NULL, spec->letter != '\0' ? spec->letter : spec->id};
        if (spec->letter != '\0') {
            shorts[at++] = spec->letter;
            if (spec->argument != NULL) {
                shorts[at++] = ':';
            }
        }
    }
    longs[count] = (struct option){"help", no_argument, NULL, ID_HELP};
    optind = 1;
    opterr = 0;
    for (int end = argc;;) {
        int before = optind;
        int got = getopt_long(end, argv, shorts, longs, NULL);
        if (got == -1) {
            bool ended = optind != before || optind >= end; /* by "--", or there is no more */
            if (ended || command->operands_have_options) {
                return optind;
            }
            char *operand = argv[optind];
            memmove(&argv[optind], &argv[optind + 1], (size_t)(argc - optind - 1) * sizeof(*argv));
            argv[argc - 1] = operand;
            end--;
            continue;
        }
        *exit_code = command->usage_exit;
        if (got == 'h' || got == ID_HELP) {
            options_help(command, stdout);
            *exit_code = EXIT_FINE;
            return -1;
        }
        if (got == ':') {
            error("option '%s' needs an argument", argv[before]);
            return -1;
        }
        if (got == '?') {
            unknown_option(command, argv[before]);
            return -1;
        }
        const struct option_spec *spec = command->options;
        while (spec->name != NULL && spec->id != got && (spec->letter == '\0' || spec->letter != got)) {
            spec++;
        }
        int result = handler(data, spec->id, spec->argument != NULL ? optarg : NULL);
        if (result != 0) {
            *exit_code = result;
            return -1;
        }
    }
}

/* Words of `text` from column `from` on, wrapped. */
static void print_wrapped(FILE *out, const char *text, int from)
{
    int column = from;
    while (*text != '\0') {
        int length = (int)strcspn(text, " ");
        if (column > from && column + 1 + length > HELP_WIDTH) {
            fprintf(out, "\n%*s", from, "");
            column = from;
        } else if (column > from) {
            fputc(' ', out);
            column++;
        }
        fprintf(out, "%.*s", length, text);
        column += length;
        text += length;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

static void print_option(FILE *out, char letter, const char *name, const char *argument, const char *help)
{
    char left[64];
    snprintf(left, sizeof(left), "  %c%c%s --%s%s%s", letter != '\0' ? '-' : ' ', letter != '\0' ? letter : ' ',
             letter != '\0' ? "," : " ", name, argument != NULL && !is_optional(argument) ? " " : "",
             argument != NULL ? argument : "");
    if (strlen(left) > HELP_COLUMN - 2) {
        fprintf(out, "%s\n%*s", left, HELP_COLUMN, "");
    } else {
        fprintf(out, "%-*s", HELP_COLUMN, left);
    }
    print_wrapped(out, help, HELP_COLUMN);
}

void options_help(const struct command *command, FILE *out)
{
    fprintf(out, "usage: tare %s [options]%s%s\n\n", command->name, *command->operands != '\0' ? " " : "",
            command->operands);
    print_wrapped(out, command->summary, 0);
    for (size_t i = 0; command->subcommands != NULL && command->subcommands[i] != NULL; i++) {
        const struct command *sub = command->subcommands[i];
        fprintf(out, "%s  %-9s %s\n", i == 0 ? "\nSubcommands:\n" : "", subcommand_name(sub), sub->summary);
    }
    if (command->subcommands != NULL) {
        fprintf(out, "\n'tare %s SUBCOMMAND --help' lists a subcommand's options.\n", command->name);
    }
    fprintf(out, "\nOptions:\n");
    for (const struct option_spec *spec = command->options; spec->name != NULL; spec++) {
        print_option(out, spec->letter, spec->name, spec->argument, spec->help);
    }
    print_option(out, 'h', "help", NULL, "print this text");
    fprintf(out, "\n%s", command->details);
}

static void complete_option(const struct option_spec *spec)
{
    bool waits = spec->argument != NULL && !is_optional(spec->argument); /* for the next word */
    printf("\t%s\t%s\t%s\n", waits ? spec->argument : "-", spec->values != NULL ? spec->values : "-",
           spec->help);
}

const char *subcommand_name(const struct command *sub)
{
    return strchr(sub->name, ' ') + 1;
}

const struct command *subcommand_find(const struct command *command, const char *name)
{
    const char *words[SUBCOMMANDS_MAX];
    size_t count = 0;
    for (; command->subcommands[count] != NULL && count < SUBCOMMANDS_MAX; count++) {
        words[count] = subcommand_name(command->subcommands[count]);
        if (strcmp(words[count], name) == 0) {
            return command->subcommands[count];
        }
    }
    const char *near = suggest(name, words, count);
    if (near != NULL) {
        error("unknown subcommand '%s' of 'tare %s': did you mean '%s'?", name, command->name, near);
    } else {
        error("unknown subcommand '%s' of 'tare %s': see 'tare %s --help'", name, command->name, command->name);
    }
    return NULL;
}

void options_complete(const struct command *command)
{
    for (size_t i = 0; command->subcommands != NULL && command->subcommands[i] != NULL; i++) {
        printf("%s\t-\t-\t%s\n", subcommand_name(command->subcommands[i]), command->subcommands[i]->summary);
    }
    for (const struct option_spec *spec = command->options; spec->name != NULL; spec++) {
        printf("--%s", spec->name);
        complete_option(spec);
        if (spec->letter != '\0') {
            printf("-%c", spec->letter);
            complete_option(spec);
        }
    }
    printf("--help\t-\t-\tprint the command's help\n");
}

int option_table_or_json(void *data, int id, const char *value)
{
    (void)id;
    bool *json = data;
    *json = strcmp(value, "json") == 0;
    if (!*json && strcmp(value, "table") != 0) {
        error("unknown format '%s': one of table, json", value);
        return EXIT_TROUBLE;
    }
    return 0;
}

bool parse_count(const char *option, const char *text, unsigned long min, unsigned long max,
                 unsigned long *value)
{
    char *end;
    errno = 0;
    *value = strtoul(text, &end, 10);
    if (!isdigit((unsigned char)text[0]) || *end != '\0' || errno != 0 || *value < min || *value > max) {
        error("'%s' is not a number from %lu to %lu for %s", text, min, max, option);
        return false;
    }
    return true;
}

bool parse_seconds(const char *option, const char *text, double *value)
{
    char *end;
    *value = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(*value) || *value <= 0 || *value > 1e9) {
        error("'%s' is not a number of seconds above 0 for %s", text, option);
        return false;
    }
    return true;
}

bool parse_number(const char *option, const char *text, bool percent, double min, double max, double *value)
{
    char *end;
    errno = 0;
    *value = strtod(text, &end);
    end += percent && *end == '%';
    if (end == text || *end != '\0' || !(*value >= min && *value <= max)) {
        error("'%s' is no number from %g to %g for %s", text, min, max, option);
        return false;
    }
    return true;
}
