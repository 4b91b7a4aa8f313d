/* SPDX-License-Identifier: MIT */
/*
 * The words of a linker's command line, and what they are. Response files (@FILE) are replaced by what is in
 * them, as GNU ld, gold, lld and mold do. Thread-safe.
 */
#ifndef TARE_LINKER_WORDS_H
#define TARE_LINKER_WORDS_H

#include <stdbool.h>
#include <stddef.h>

struct tare_words {
    char **list; /* NULL-terminated, allocated as are the strings */
    size_t count;
    bool expanded; /* there was a response file: it may be too long for a command line */
};

/* 0, -ENOMEM, or -E2BIG: response files that name themselves. In each case `words` is to be released. */
int tare_words_expand(char *const *argv, struct tare_words *words);
void tare_words_release(struct tare_words *words);

/* Appends what is in a response file, which is not NUL-terminated. 0, -ENOMEM, or -E2BIG as above. */
int tare_words_parse(struct tare_words *words, const char *text, size_t size, unsigned depth);

/* Writes words `from` ... as a response file with the mode 0600. 0 or -errno. */
int tare_words_write(const struct tare_words *words, size_t from, const char *path);

enum tare_word {
    TARE_WORD_OPTION,  /* or its value, or whatever else does not end a run of object files */
    TARE_WORD_BREAK,   /* a library, a linker script, an option that says how to take what follows */
    TARE_WORD_OBJECT,  /* an object file that may change places */
    TARE_WORD_ARCHIVE, /* given as a file, and not one of the system */
};

struct tare_link {
    enum tare_word *kinds; /* of each word */
    size_t *group;         /* of each word that is an object: the number of its run, from 0 */
    size_t groups;         /* runs: objects change places within one, since libraries between them stay */
    const char *output;    /* of a word; "a.out" where none names it */
    bool executable;       /* neither a shared library nor an object file is made */
};

/* What each word is; looks into the files that are named. 0 or -ENOMEM; to be released in each case. */
int tare_link_read(const struct tare_words *words, struct tare_link *link);
void tare_link_release(struct tare_link *link);

#endif
