/* SPDX-License-Identifier: MIT */
#include "cli/build_flags.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "build-flags.h" /* build_flags_source: cmake/build-flags.txt as a string */

const struct build_profile build_profiles[] = {
    {"fast", "speed native lines hidden",
     "as fast as this machine's compiler makes it, with lines for a profiler"},
    {"instrumented", "speed native lines hidden frames", "fast, with stacks that a profiler can walk"},
    {"portable", "moderate lines release",
     "what can be given to others: no instructions of this machine alone"},
    {"pgo-generate", "speed native lines hidden pgo-generate",
     "fast, and counts what is executed, for pgo-use"},
    {"pgo-use", "speed native lines hidden pgo-use", "fast, by what was counted"},
    {"lto", "speed native lines hidden lto", "fast, optimised across files when it is linked"},
    {0},
};

const struct build_profile *build_profile_find(const char *name)
{
    for (const struct build_profile *profile = build_profiles; profile->name != NULL; profile++) {
        if (strcmp(profile->name, name) == 0) {
            return profile;
        }
    }
    return NULL;
}

/* Whether `word` is one of the words of a text, or the text is "*". */
static bool has_word(const char *text, size_t length, const char *word)
{
    size_t word_length = strlen(word);
    for (size_t i = 0; i < length;) {
        size_t end = i;
        while (end < length && text[end] != ' ') {
            end++;
        }
        if ((end - i == word_length && strncmp(text + i, word, word_length) == 0) ||
            (end - i == 1 && text[i] == '*')) {
            return true;
        }
        i = end + 1;
    }
    return false;
}

enum { FIELD_PIECE, FIELD_LANGUAGE, FIELD_COMPILER, FIELD_COMPILE, FIELD_LINK, FIELDS };

struct field {
    const char *text;
    size_t length;
};

/* The fields of a line, without the blanks around them; false for a comment. */
static bool read_fields(const char *line, size_t length, struct field fields[FIELDS])
{
    memset(fields, 0, FIELDS * sizeof(fields[0]));
    if (length == 0 || line[0] == '#') {
        return false;
    }
    const char *end = line + length;
    for (int i = 0; i < FIELDS && line <= end; i++) {
        const char *stop = memchr(line, '|', (size_t)(end - line));
        stop = stop != NULL ? stop : end;
        const char *first = line, *last = stop;
        while (first < last && *first == ' ') {
            first++;
        }
        while (last > first && last[-1] == ' ') {
            last--;
        }
        fields[i] = (struct field){first, (size_t)(last - first)};
        line = stop + 1;
    }
    return true;
}

/* Appends, with a blank between. False without memory. */
static bool append(char **text, const struct field *field)
{
    char *whole;
    if (asprintf(&whole, "%s%s%.*s", *text != NULL ? *text : "",
                 *text != NULL && **text != '\0' && field->length != 0 ? " " : "", (int)field->length,
                 field->length != 0 ? field->text : "") < 0) {
        return false;
    }
    free(*text);
    *text = whole;
    return true;
}

static bool add_piece(struct build_flags *flags, const char *piece, const char *language, const char *compiler)
{
    for (const char *line = build_flags_source; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        struct field fields[FIELDS];
        if (read_fields(line, length, fields) && fields[FIELD_PIECE].length == strlen(piece) &&
            strncmp(fields[FIELD_PIECE].text, piece, strlen(piece)) == 0 &&
            has_word(fields[FIELD_LANGUAGE].text, fields[FIELD_LANGUAGE].length, language) &&
            has_word(fields[FIELD_COMPILER].text, fields[FIELD_COMPILER].length, compiler)) {
            bool cargo =
                fields[FIELD_COMPILE].length > 6 && strncmp(fields[FIELD_COMPILE].text, "CARGO_", 6) == 0;
            return append(cargo ? &flags->cargo : &flags->compile, &fields[FIELD_COMPILE]) &&
                   append(&flags->link, &fields[FIELD_LINK]);
        }
        line += length + (line[length] == '\n');
    }
    return true; /* there is none for this language: the caller knows which there are */
}

bool build_flags_add(struct build_flags *flags, const char *pieces, const char *language, const char *compiler)
{
    static const struct field nothing = {"", 0};
    bool fine =
        append(&flags->compile, &nothing) && append(&flags->link, &nothing) && append(&flags->cargo, &nothing);
    char *list = strdup(pieces), *rest = NULL;
    for (char *piece = list != NULL ? strtok_r(list, " ", &rest) : NULL; piece != NULL && fine;
         piece = strtok_r(NULL, " ", &rest)) {
        fine = add_piece(flags, piece, language, compiler);
    }
    fine = fine && list != NULL;
    free(list);
    return fine;
}

void build_flags_release(struct build_flags *flags)
{
    free(flags->compile);
    free(flags->link);
    free(flags->cargo);
    *flags = (struct build_flags){0};
}
