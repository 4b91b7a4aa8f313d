/* SPDX-License-Identifier: MIT */
/*
 * Which things may change places: object files between which no library stands (a library before the file that
 * needs it would not be searched for it), and the members of one archive. What that changes besides the layout
 * is in linker/linker.h.
 */
#include "linker/rearrange.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "linker/archive.h"
#include "linker/sections.h"
#include "linker/shuffle.h"

struct mapping {
    void *bytes;
    size_t size;
};

enum piece_kind { PIECE_RUN, PIECE_ARCHIVE, PIECE_SECTIONS };

struct tare_piece {
    enum piece_kind kind;
    size_t *words; /* of a run: which words; of the others the one, or none */
    size_t word_count;
    struct mapping *mappings; /* of what is read from files; as many as words */
    struct tare_archive archive;
    const char **names; /* of sections */
    size_t name_count;
};

static int map_file(const char *path, struct mapping *mapping)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    *mapping = (struct mapping){MAP_FAILED, 0};
    if (fd < 0) {
        return -errno;
    }
    if (fstat(fd, &status) == 0 && status.st_size > 0) {
        mapping->size = (size_t)status.st_size;
        mapping->bytes = mmap(NULL, mapping->size, PROT_READ, MAP_PRIVATE, fd, 0);
    }
    close(fd);
    return mapping->bytes == MAP_FAILED ? -EIO : 0;
}

static void release(struct tare_piece *piece)
{
    for (size_t i = 0; piece->mappings != NULL && i < piece->word_count; i++) {
        if (piece->mappings[i].bytes != MAP_FAILED && piece->mappings[i].bytes != NULL) {
            munmap(piece->mappings[i].bytes, piece->mappings[i].size);
        }
    }
    tare_archive_release(&piece->archive);
    free(piece->mappings);
    free(piece->words);
    free(piece->names);
    *piece = (struct tare_piece){0};
}

void tare_pieces_release(struct tare_pieces *pieces)
{
    for (size_t i = 0; i < pieces->count; i++) {
        release(&pieces->list[i]);
    }
    free(pieces->list);
    free(pieces->sizes);
    *pieces = (struct tare_pieces){0};
}

/* A piece with room for so many words, of which there are none yet. */
static struct tare_piece *add_piece(struct tare_pieces *pieces, enum piece_kind kind, size_t words)
{
    struct tare_piece *list = realloc(pieces->list, (pieces->count + 1) * sizeof(*list));
    pieces->list = list != NULL ? list : pieces->list;
    size_t *sizes = realloc(pieces->sizes, (pieces->count + 1) * sizeof(*sizes));
    pieces->sizes = sizes != NULL ? sizes : pieces->sizes;
    if (list == NULL || sizes == NULL) {
        return NULL;
    }
    struct tare_piece *piece = &list[pieces->count];
    *piece = (struct tare_piece){.kind = kind};
    sizes[pieces->count++] = 0;
    piece->words = calloc(words + 1, sizeof(*piece->words));
    piece->mappings = calloc(words + 1, sizeof(*piece->mappings));
    return piece->words != NULL && piece->mappings != NULL ? piece : NULL;
}

static void set_size(struct tare_pieces *pieces, size_t size)
{
    pieces->sizes[pieces->count - 1] = size;
    pieces->items += size;
}

static int find_runs(const struct tare_words *words, const struct tare_link *link, struct tare_pieces *pieces)
{
    for (size_t group = 0; group < link->groups; group++) {
        size_t size = 0, at = 0;
        for (size_t i = 1; i < words->count; i++) {
            size += link->kinds[i] == TARE_WORD_OBJECT && link->group[i] == group;
        }
        struct tare_piece *piece = add_piece(pieces, PIECE_RUN, size);
        if (piece == NULL) {
            return -ENOMEM;
        }
        for (size_t i = 1; i < words->count; i++) {
            if (link->kinds[i] == TARE_WORD_OBJECT && link->group[i] == group) {
                piece->words[at++] = i;
            }
        }
        piece->word_count = size;
        set_size(pieces, size);
    }
    return 0;
}

static int find_archives(const struct tare_words *words, const struct tare_link *link,
                         struct tare_pieces *pieces)
{
    for (size_t i = 1; i < words->count; i++) {
        if (link->kinds[i] != TARE_WORD_ARCHIVE) {
            continue;
        }
        struct tare_piece *piece = add_piece(pieces, PIECE_ARCHIVE, 1);
        if (piece == NULL) {
            return -ENOMEM;
        }
        piece->words[0] = i;
        piece->word_count = 1;
        int error = map_file(words->list[i], &piece->mappings[0]);
        if (error == 0) {
            error = tare_archive_read(piece->mappings[0].bytes, piece->mappings[0].size, &piece->archive);
        }
        if (error == -ENOMEM) {
            return error;
        }
        if (error != 0 || piece->archive.count < 2) {
            release(piece);
            pieces->count--;
        } else {
            set_size(pieces, piece->archive.count);
        }
    }
    return 0;
}

static int append_names(struct tare_piece *piece, const struct tare_sections *sections)
{
    const char **more = realloc(piece->names, (piece->name_count + sections->count + 1) * sizeof(*more));
    if (more == NULL) {
        return -ENOMEM;
    }
    piece->names = more;
    if (sections->count > 0) {
        memcpy(more + piece->name_count, sections->names, sections->count * sizeof(*more));
    }
    piece->name_count += sections->count;
    return 0;
}

static int find_sections(const struct tare_words *words, const struct tare_link *link,
                         struct tare_pieces *pieces)
{
    struct tare_piece *piece = add_piece(pieces, PIECE_SECTIONS, words->count);
    int error = piece == NULL ? -ENOMEM : 0;
    for (size_t i = 1; error == 0 && i < words->count; i++) {
        struct tare_sections sections = {0};
        if (link->kinds[i] != TARE_WORD_OBJECT ||
            map_file(words->list[i], &piece->mappings[piece->word_count]) != 0) {
            continue;
        }
        const struct mapping *mapping = &piece->mappings[piece->word_count++];
        error = tare_sections_read(mapping->bytes, mapping->size, &sections);
        error = error == 0 ? append_names(piece, &sections) : error == -ENOMEM ? error : 0;
        tare_sections_release(&sections);
    }
    if (error == 0 && piece->name_count < 2) {
        release(piece);
        pieces->count--;
    } else if (error == 0) {
        set_size(pieces, piece->name_count);
    }
    return error;
}

int tare_pieces_find(const struct tare_words *words, const struct tare_link *link, enum tare_linker linker,
                     struct tare_pieces *pieces)
{
    *pieces = (struct tare_pieces){0};
    int error = find_runs(words, link, pieces);
    /* lld takes the members as they are missed, whatever their order. */
    if (error == 0 && linker != TARE_LINKER_LLD && linker != TARE_LINKER_UNKNOWN) {
        error = find_archives(words, link, pieces);
    }
    if (error == 0 && tare_shuffle_count(pieces->sizes, pieces->count) == 1 &&
        (linker == TARE_LINKER_LLD || linker == TARE_LINKER_GOLD)) {
        error = find_sections(words, link, pieces);
    }
    return error;
}

/* The path of a file to be made, allocated. */
static char *name_file(const char *folder, const char *mark, size_t number, const char *suffix)
{
    char *path = NULL;
    return asprintf(&path, "%s/%s-%zu%s", folder, mark, number, suffix) < 0 ? NULL : path;
}

static int write_archive(const struct tare_archive *archive, const char *original, const size_t *order,
                         const char *path)
{
    char *real = realpath(original, NULL);
    if (real == NULL) {
        return -errno;
    }
    char *slash = strrchr(real, '/');
    *slash = '\0';
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int error = fd < 0 ? -errno : tare_archive_write(archive, order, real, fd);
    if (fd >= 0 && close(fd) != 0 && error == 0) {
        error = -errno;
    }
    free(real);
    return error;
}

/* gold is told sections, lld symbols: what compilers put before them, and -ffunction-sections between. */
static const char *symbol_of(const char *section)
{
    static const char *const kinds[] = {"hot.", "unlikely.", "startup.", "exit.", "cold.", NULL};
    const char *name = section + strlen(".text.");
    for (size_t i = 0; kinds[i] != NULL; i++) {
        if (strncmp(name, kinds[i], strlen(kinds[i])) == 0) {
            return name + strlen(kinds[i]);
        }
    }
    return name;
}

static int write_names(const struct tare_piece *piece, const size_t *order, bool symbols, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (file == NULL) {
        int error = -errno;
        if (fd >= 0) {
            close(fd);
        }
        return error;
    }
    for (size_t i = 0; i < piece->name_count; i++) {
        const char *name = piece->names[order[i]];
        fprintf(file, "%s\n", symbols ? symbol_of(name) : name);
    }
    bool bad = ferror(file) != 0;
    return fclose(file) != 0 || bad ? -EIO : 0;
}

/* What is to be put where, before anything is: so that words are changed in whole or not at all. */
struct plan {
    char **words;     /* of each word: what takes its place; NULL: it stays. Not owned for words that move */
    char *options[2]; /* added at the end */
    size_t option_count;
    char **made; /* strings of ours */
    size_t made_count;
};

static int plan_piece(const struct tare_piece *piece, size_t number, struct tare_words *words,
                      enum tare_linker linker, const size_t *order, const char *folder, const char *mark,
                      struct plan *plan)
{
    char *path;
    int error;
    switch (piece->kind) {
    case PIECE_RUN:
        for (size_t i = 0; i < piece->word_count; i++) {
            plan->words[piece->words[i]] = words->list[piece->words[order[i]]];
        }
        return 0;
    case PIECE_ARCHIVE:
        path = name_file(folder, mark, number, ".a");
        if (path == NULL) {
            return -ENOMEM;
        }
        plan->made[plan->made_count++] = path;
        plan->words[piece->words[0]] = path;
        return write_archive(&piece->archive, words->list[piece->words[0]], order, path);
    case PIECE_SECTIONS:
        path = name_file(folder, mark, number, ".order");
        if (path == NULL) {
            return -ENOMEM;
        }
        error = write_names(piece, order, linker == TARE_LINKER_LLD, path);
        if (error == 0 && asprintf(&plan->options[0], "--%s-ordering-file=%s",
                                   linker == TARE_LINKER_LLD ? "symbol" : "section", path) < 0) {
            plan->options[0] = NULL;
            error = -ENOMEM;
        }
        plan->option_count = plan->options[0] != NULL;
        free(path);
        if (error == 0 && linker == TARE_LINKER_LLD) {
            plan->options[1] = strdup("--no-warn-symbol-ordering");
            plan->option_count += plan->options[1] != NULL;
            error = plan->options[1] == NULL ? -ENOMEM : 0;
        }
        return error;
    }
    return -EINVAL;
}

/* Nothing in here can fail. `list` has room for all. */
static void carry_out(struct plan *plan, struct tare_words *words, char **list)
{
    for (size_t i = 0; i < words->count; i++) {
        list[i] = plan->words[i] != NULL ? plan->words[i] : words->list[i];
    }
    for (size_t k = 0; k < plan->made_count; k++) {
        for (size_t i = 0; i < words->count; i++) {
            if (list[i] == plan->made[k]) {
                free(words->list[i]);
            }
        }
    }
    size_t count = words->count;
    for (size_t i = 0; i < plan->option_count; i++) {
        list[count++] = plan->options[i];
        plan->options[i] = NULL;
    }
    plan->made_count = 0;
    free(words->list);
    words->list = list;
    words->count = count;
}

int tare_pieces_arrange(struct tare_pieces *pieces, struct tare_words *words, enum tare_linker linker,
                        const size_t *order, const char *folder, const char *mark)
{
    struct plan plan = {.words = calloc(words->count + 1, sizeof(*plan.words)),
                        .made = calloc(pieces->count + 1, sizeof(*plan.made))};
    char **list = calloc(words->count + 3, sizeof(*list));
    int error = plan.words == NULL || plan.made == NULL || list == NULL ? -ENOMEM : 0;
    for (size_t i = 0; error == 0 && i < pieces->count; i++) {
        error = plan_piece(&pieces->list[i], i, words, linker, order, folder, mark, &plan);
        order += pieces->sizes[i];
    }
    if (error == 0) {
        carry_out(&plan, words, list);
        list = NULL;
    }
    for (size_t i = 0; i < plan.made_count; i++) {
        free(plan.made[i]);
    }
    free(plan.options[0]);
    free(plan.options[1]);
    free(plan.words);
    free(plan.made);
    free(list);
    return error;
}
