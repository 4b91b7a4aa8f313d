/* SPDX-License-Identifier: MIT */
/*
 * What is an object file is told by its first bytes, not by its name: `.o`, `.obj`, `.os` and what compilers
 * call their temporary files are all the same. What the compiler puts first and last (crt1.o, crtbegin.o ...)
 * is known by name, and keeps its place: there is no program without.
 */
#include "linker/words.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    DEPTH_MAX = 32, /* of response files within response files */
    WORDS_MAX = 1 << 22,
    RESPONSE_MAX = 1 << 28,
};

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Takes over the string, also when it fails; NULL: no memory. */
static int append(struct tare_words *words, char *word)
{
    if (word == NULL) {
        return -ENOMEM;
    }
    if (words->count == WORDS_MAX) {
        free(word);
        return -E2BIG;
    }
    /* Room for a power of two and the NULL behind them. */
    if (words->list == NULL || (words->count & (words->count + 1)) == 0) {
        char **more = realloc(words->list, (2 * words->count + 2) * sizeof(*more));
        if (more == NULL) {
            free(word);
            return -ENOMEM;
        }
        words->list = more;
    }
    words->list[words->count++] = word;
    words->list[words->count] = NULL;
    return 0;
}

static int append_expanded(struct tare_words *words, char *word, unsigned depth);

/*
 * As libiberty's buildargv() reads them: blanks separate, both kinds of quotes keep blanks, and a backslash
 * takes the next character as it is, also between quotes.
 */
int tare_words_parse(struct tare_words *words, const char *text, size_t size, unsigned depth)
{
    size_t at = 0;
    int error = 0;
    char *word = malloc(size + 1);
    if (word == NULL) {
        return -ENOMEM;
    }
    while (error == 0) {
        while (at < size && is_space(text[at])) {
            at++;
        }
        if (at >= size || text[at] == '\0') {
            break;
        }
        char quote = '\0';
        size_t length = 0;
        for (; at < size && text[at] != '\0' && (quote != '\0' || !is_space(text[at])); at++) {
            char c = text[at];
            if (c == '\\') {
                if (at + 1 < size && text[at + 1] != '\0') {
                    word[length++] = text[++at];
                }
            } else if (c == quote) {
                quote = '\0';
            } else if (quote == '\0' && (c == '\'' || c == '"')) {
                quote = c;
            } else {
                word[length++] = c;
            }
        }
        error = append_expanded(words, strndup(word, length), depth);
    }
    free(word);
    return error;
}

/* The file's text, allocated; NULL without one that can be read: the word stands for itself then. */
static char *read_response(const char *path, size_t *size)
{
    struct stat status;
    char *text = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return NULL;
    }
    size_t used = 0, room = 0;
    ssize_t got = fstat(fd, &status) == 0 && !S_ISDIR(status.st_mode) ? 1 : -1;
    while (got > 0) {
        if (used == room) {
            room = room == 0 ? 65536 : 2 * room;
            char *more = room > RESPONSE_MAX ? NULL : realloc(text, room);
            if (more == NULL) {
                got = -1;
                break;
            }
            text = more;
        }
        got = read(fd, text + used, room - used);
        used += got > 0 ? (size_t)got : 0;
    }
    close(fd);
    if (got < 0) {
        free(text);
        return NULL;
    }
    *size = used;
    return text;
}

static int append_expanded(struct tare_words *words, char *word, unsigned depth)
{
    size_t size = 0;
    char *text = word != NULL && word[0] == '@' ? read_response(word + 1, &size) : NULL;
    if (text == NULL) {
        return append(words, word);
    }
    free(word);
    words->expanded = true;
    int error = depth >= DEPTH_MAX ? -E2BIG : tare_words_parse(words, text, size, depth + 1);
    free(text);
    return error;
}

int tare_words_expand(char *const *argv, struct tare_words *words)
{
    *words = (struct tare_words){0};
    int error = argv[0] != NULL ? append(words, strdup(argv[0])) : -EINVAL;
    for (size_t i = 1; error == 0 && argv[i] != NULL; i++) {
        error = append_expanded(words, strdup(argv[i]), 0);
    }
    return error;
}

void tare_words_release(struct tare_words *words)
{
    for (size_t i = 0; i < words->count; i++) {
        free(words->list[i]);
    }
    free(words->list);
    *words = (struct tare_words){0};
}

int tare_words_write(const struct tare_words *words, size_t from, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return -errno;
    }
    FILE *file = fdopen(fd, "w");
    if (file == NULL) {
        close(fd);
        return -ENOMEM;
    }
    for (size_t i = from; i < words->count; i++) {
        if (words->list[i][0] == '\0') {
            fputs("\"\"", file);
        }
        for (const char *at = words->list[i]; *at != '\0'; at++) {
            if (is_space(*at) || *at == '\\' || *at == '\'' || *at == '"') {
                putc('\\', file);
            }
            putc(*at, file);
        }
        putc('\n', file);
    }
    bool bad = ferror(file) != 0;
    return fclose(file) != 0 || bad ? -EIO : 0;
}

static bool is_one_of(const char *word, const char *const *list)
{
    for (; *list != NULL; list++) {
        if (strcmp(word, *list) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether the word is an option whose value is the next word. Long ones may have one dash or two. */
static bool takes_value(const char *word)
{
    static const char names[] =
        " a A b c e f F G h I l L m o P R T u y Y z architecture assert audit auxiliary default-script defsym"
        " dependency-file depaudit dynamic-linker dynamic-list entry exclude-libs export-dynamic-symbol"
        " export-dynamic-symbol-list filter fini format hash-size hash-style image-base init just-symbols "
        "library"
        " library-path Map mllvm mri-script oformat orphan-handling output plugin plugin-opt require-defined"
        " retain-symbols-file rpath rpath-link script section-ordering-file section-start soname sort-section"
        " symbol-ordering-file Tbss Tdata Ttext Tldata-segment Trodata-segment Ttext-segment trace-symbol"
        " undefined version-exports-section version-script wrap ";
    char name[40];
    bool two = word[0] == '-' && word[1] == '-';
    int length = word[0] == '-' ? snprintf(name, sizeof(name), " %s ", word + 1 + two) : 0;
    return length > 2 && (size_t)length < sizeof(name) && strchr(word, ' ') == NULL &&
           strstr(names, name) != NULL && !(two && length == 3);
}

static bool is_crt(const char *path)
{
    static const char *const before[] = {"", "S", "g", "gr", "r", "M", NULL};
    const char *name = strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path;
    size_t length = strlen(name);
    const char *crt = strstr(name, "crt");
    if (crt == NULL || length < 2 || strcmp(name + length - 2, ".o") != 0) {
        return false;
    }
    char prefix[4] = "";
    if ((size_t)(crt - name) >= sizeof(prefix)) {
        return false;
    }
    memcpy(prefix, name, (size_t)(crt - name));
    return is_one_of(prefix, before) && strcspn(crt, ".-_") == (size_t)(name + length - 2 - crt);
}

/* The system's archives are its own: nobody's change moves anything in them. */
static bool is_of_system(const char *path)
{
    char real[PATH_MAX];
    return realpath(path, real) == NULL || strncmp(real, "/usr/", 5) == 0 || strncmp(real, "/lib/", 5) == 0 ||
           strncmp(real, "/lib64/", 7) == 0;
}

static enum tare_word look_into(const char *path)
{
    unsigned char head[20] = {0};
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return TARE_WORD_BREAK;
    }
    ssize_t got = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) ? pread(fd, head, sizeof(head), 0) : -1;
    close(fd);
    if (got < (ssize_t)sizeof(head)) {
        return TARE_WORD_BREAK;
    }
    if (memcmp(head, "!<arch>\n", 8) == 0 || memcmp(head, "!<thin>\n", 8) == 0) {
        return is_of_system(path) ? TARE_WORD_BREAK : TARE_WORD_ARCHIVE;
    }
    bool bitcode = memcmp(head, "BC\xc0\xde", 4) == 0;
    unsigned type = head[EI_DATA] == ELFDATA2MSB ? head[16] << 8 | head[17] : head[17] << 8 | head[16];
    bool relocatable = memcmp(head, ELFMAG, SELFMAG) == 0 && type == ET_REL;
    return (bitcode || relocatable) && !is_crt(path) ? TARE_WORD_OBJECT : TARE_WORD_BREAK;
}

/* Of an option that says how to take the files behind it, or starts or ends a group of them. */
static bool breaks(const char *word)
{
    static const char *const ends[] = {"-(",
                                       "-)",
                                       "--start-group",
                                       "--end-group",
                                       "--whole-archive",
                                       "--no-whole-archive",
                                       "-whole-archive",
                                       "-no-whole-archive",
                                       "-start-group",
                                       "-end-group",
                                       NULL};
    static const char *const starts[] = {"-l", "--library", "-b", "--format", "-format", "-A", "-T", NULL};
    if (is_one_of(word, ends)) {
        return true;
    }
    for (size_t i = 0; starts[i] != NULL; i++) {
        if (strncmp(word, starts[i], strlen(starts[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* The output that this word names, on its own or with the next one. */
static const char *output_of(const char *word, const char *next)
{
    if (strcmp(word, "-o") == 0 || strcmp(word, "--output") == 0 || strcmp(word, "-output") == 0) {
        return next;
    }
    if (strncmp(word, "--output=", 9) == 0) {
        return word + 9;
    }
    /* GNU ld takes -oNAME, except for the long options with one dash that begin so. */
    return strncmp(word, "-o", 2) == 0 && strncmp(word, "-oformat", 8) != 0 &&
                   strncmp(word, "-orphan", 7) != 0 && strncmp(word, "-output", 7) != 0
               ? word + 2
               : NULL;
}

int tare_link_read(const struct tare_words *words, struct tare_link *link)
{
    static const char *const others[] = {
        "-r", "-i", "--relocatable", "-relocatable", "-Ur", "-shared", "--shared", "-Bshareable", NULL};
    *link = (struct tare_link){.output = "a.out", .executable = true};
    link->kinds = calloc(words->count + 1, sizeof(*link->kinds));
    link->group = calloc(words->count + 1, sizeof(*link->group));
    if (link->kinds == NULL || link->group == NULL) {
        return -ENOMEM;
    }
    bool in_run = false, lazy = false; /* between --start-lib and --end-lib: as members of an archive */
    for (size_t i = 1; i < words->count; i++) {
        const char *word = words->list[i], *next = words->list[i + 1];
        if (word[0] == '-' && word[1] != '\0') {
            const char *output = output_of(word, next);
            link->output = output != NULL ? output : link->output;
            link->executable = link->executable && !is_one_of(word, others);
            if (strcmp(word, "--start-lib") == 0 || strcmp(word, "--end-lib") == 0) {
                lazy = strcmp(word, "--start-lib") == 0;
                in_run = false;
            }
            in_run = in_run && !breaks(word);
            i += takes_value(word) && next != NULL; /* whose kind is TARE_WORD_OPTION as well */
            continue;
        }
        link->kinds[i] = lazy ? TARE_WORD_BREAK : look_into(word);
        if (link->kinds[i] != TARE_WORD_OBJECT) {
            in_run = false;
            continue;
        }
        link->groups += !in_run;
        in_run = true;
        link->group[i] = link->groups - 1;
    }
    return 0;
}

void tare_link_release(struct tare_link *link)
{
    free(link->kinds);
    free(link->group);
    *link = (struct tare_link){0};
}
