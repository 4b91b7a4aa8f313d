/* SPDX-License-Identifier: MIT */
/*
 * Only what is known is used: a build folder's own record of how it was configured, and rules that make itself
 * finds. make's built-in rules are switched off for that question, since they would compile bench/x.c to
 * bench/x with none of the flags that the project gives it somewhere else.
 */
#include "record/build_guess.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/folders.h"

enum {
    SMALL_FILE = 1 << 20,
    NINJA_FILE = 512 << 20,
    QUESTION_S = 120, /* make may have to make its makefiles first */
};

void tare__built_release(struct tare__built *built)
{
    free(built->folder);
    free(built->source);
    tare__cmake_cache_release(&built->cache);
    *built = (struct tare__built){0};
}

void tare__plan_release(struct tare__plan *plan)
{
    free(plan->configure);
    free(plan->build);
    free(plan->folder);
    free(plan->why);
    *plan = (struct tare__plan){0};
}

static char *load(const char *folder, const char *name, size_t limit)
{
    char *path = tare__text("%s/%s", folder, name), *text = NULL;
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
    if (fd >= 0) {
        text = tare__descriptor_text(fd, limit);
        close(fd);
    }
    free(path);
    return text;
}

/* The folder above, in place; false: there is none that belongs to the same user. */
static bool go_up(char *folder)
{
    struct stat here, above;
    if (strcmp(folder, "/") == 0 || stat(folder, &here) != 0) {
        return false;
    }
    char *slash = strrchr(folder, '/');
    slash[slash == folder] = '\0';
    return stat(folder, &above) == 0 && above.st_uid == here.st_uid && strcmp(folder, "/") != 0;
}

char *tare__build_top(const char *executable)
{
    char *top = tare__path_folder(executable), *folder = top != NULL ? strdup(top) : NULL;
    while (folder != NULL && !tare__path_exists(folder, ".git") && go_up(folder)) {
        strcpy(top, folder);
    }
    free(folder);
    return top;
}

/* meson-info/meson-info.json has it as "source": "/path". Allocated; NULL: not found. */
static char *meson_source(const char *folder)
{
    static const char key[] = "\"source\": \"";
    char *text = load(folder, "meson-info/meson-info.json", SMALL_FILE);
    char *value = text != NULL ? strstr(text, key) : NULL, *real = NULL;
    if (value != NULL) {
        value += sizeof(key) - 1;
        value[strcspn(value, "\"\\")] = '\0'; /* with an escape it is cut, and no such folder */
        real = realpath(value, NULL);
    }
    free(text);
    return real;
}

/* The closest folder with a configure script, or what makes one. Allocated; NULL: none. */
static char *configure_source(const char *build_folder)
{
    char *folder = strdup(build_folder);
    do {
        if (folder == NULL || tare__path_exists(folder, "configure") ||
            tare__path_exists(folder, "configure.ac") || tare__path_exists(folder, "configure.in")) {
            return folder;
        }
    } while (go_up(folder));
    free(folder);
    return NULL;
}

/* Whether this folder is what an executable was built in; fills in the rest of `built` then. */
static int look(struct tare__built *built, const char *folder)
{
    if (tare__path_exists(folder, TARE__CMAKE_CACHE)) {
        char *path = tare__text("%s/" TARE__CMAKE_CACHE, folder);
        tare__cmake_cache_release(&built->cache);
        int error = path != NULL ? tare__cmake_cache_load(&built->cache, path) : -ENOMEM;
        free(path);
        const char *source = tare__cmake_cache_get(&built->cache, "CMAKE_HOME_DIRECTORY");
        if (error == 0 && source != NULL) {
            built->kind = TARE__BUILD_CMAKE;
            built->source = realpath(source, NULL);
        }
        return error == -ENOMEM ? error : 0;
    }
    if (tare__path_exists(folder, "meson-private/cmd_line.txt")) {
        built->kind = TARE__BUILD_MESON;
        built->source = meson_source(folder);
    } else if (tare__path_exists(folder, "config.status")) {
        built->kind = TARE__BUILD_CONFIGURE;
        built->source = configure_source(folder);
    } else if (strcmp(tare__path_name(folder), "target") == 0 && tare__path_exists(folder, "../Cargo.toml")) {
        built->kind = TARE__BUILD_CARGO;
        built->source = tare__path_folder(folder);
    }
    return 0;
}

int tare__built_find(struct tare__built *built, const char *executable)
{
    *built = (struct tare__built){0};
    char *folder = tare__path_folder(executable);
    int error = folder == NULL ? -ENOMEM : 0;
    while (error == 0) {
        error = look(built, folder);
        if (built->kind != TARE__BUILD_UNKNOWN) {
            built->folder = folder;
            return error;
        }
        if (error != 0 || !go_up(folder)) {
            break;
        }
    }
    free(folder);
    return error;
}

/* `folder` seen from `top`, as a word for sh. Allocated. */
static char *word_below(const char *folder, const char *top)
{
    const char *below = tare__path_below(folder, top);
    return tare__shell_word(below == NULL ? folder : *below == '\0' ? "." : below);
}

static const char *get(const struct tare__built *built, const char *name)
{
    const char *value = tare__cmake_cache_get(&built->cache, name);
    return value != NULL ? value : "";
}

/* The cmake that made the build folder, if it is still there. */
static const char *cmake_program(const struct tare__built *built)
{
    const char *path = get(built, "CMAKE_COMMAND");
    return path[0] == '/' && access(path, X_OK) == 0 ? path : "cmake";
}

static char *configure_cmake(const struct tare__built *built, const char *root, const char *tree,
                             const char *source, const char *build_folder, int *error)
{
    char *program = NULL, *from = NULL, *to = NULL, *generator = NULL, *platform = NULL, *toolset = NULL;
    char *first = NULL, *initial = tare__text("%s/tare-initial-cache.cmake", build_folder), *command = NULL;
    const struct tare__move moves[] = {
        {get(built, "CMAKE_CACHEFILE_DIR"), build_folder, true},
        {built->folder, build_folder, true},
        {get(built, "CMAKE_HOME_DIRECTORY"), source, false},
        {root, tree, false},
    };
    *error = initial == NULL
                 ? -ENOMEM
                 : tare__cmake_cache_write(&built->cache, initial, moves, sizeof(moves) / sizeof(moves[0]));
    if (*error == 0) {
        program = tare__shell_word(cmake_program(built));
        from = word_below(source, tree);
        to = word_below(build_folder, tree);
        first = word_below(initial, tree);
        generator = tare__shell_word(get(built, "CMAKE_GENERATOR"));
        platform = tare__shell_word(get(built, "CMAKE_GENERATOR_PLATFORM"));
        toolset = tare__shell_word(get(built, "CMAKE_GENERATOR_TOOLSET"));
    }
    if (program != NULL && from != NULL && to != NULL && first != NULL && generator != NULL &&
        platform != NULL && toolset != NULL) {
        bool a = strcmp(platform, "''") != 0, t = strcmp(toolset, "''") != 0;
        command = tare__text("%s -S %s -B %s -G %s%s%s%s%s -C %s", program, from, to, generator,
                             a ? " -A " : "", a ? platform : "", t ? " -T " : "", t ? toolset : "", first);
    }
    *error = *error == 0 && command == NULL ? -ENOMEM : *error;
    free(program);
    free(from);
    free(to);
    free(first);
    free(initial);
    free(generator);
    free(platform);
    free(toolset);
    return command;
}

/* The options that meson was given, which it keeps as "NAME = VALUE" below "[options]". */
static char *configure_meson(const struct tare__built *built, const char *source, const char *build_folder,
                             const char *tree, int *error)
{
    char *text = load(built->folder, "meson-private/cmd_line.txt", SMALL_FILE), *rest = text;
    char *from = word_below(source, tree), *to = word_below(build_folder, tree), *command = NULL;
    size_t size;
    FILE *out = open_memstream(&command, &size);
    bool options = false;
    *error = text == NULL || from == NULL || to == NULL || out == NULL ? -ENOMEM : 0;
    if (*error == 0) {
        fprintf(out, "meson setup %s %s", to, from);
    }
    for (char *line = strsep(&rest, "\n"); *error == 0 && line != NULL; line = strsep(&rest, "\n")) {
        char *equals = strstr(line, " = ");
        if (line[0] == '[') {
            options = strcmp(line, "[options]") == 0;
        } else if (equals != NULL) {
            *equals = '\0';
            char *given = tare__text(options ? "%s=%s" : "%s %s", line, equals + 3);
            char *word = given != NULL ? tare__shell_word(given) : NULL;
            if (word == NULL) {
                *error = -ENOMEM;
            } else if (options) {
                fprintf(out, " -D%s", word);
            } else {
                *error = -ENOTSUP; /* a cross file or a native file, which may lie anywhere */
            }
            free(given);
            free(word);
        }
    }
    if (out != NULL) {
        bool bad = ferror(out) != 0;
        *error = fclose(out) != 0 || bad ? -ENOMEM : *error;
    }
    free(text);
    free(from);
    free(to);
    if (*error != 0) {
        free(command);
        command = NULL;
    }
    return command;
}

/* What `config.status --config` prints: configure's arguments, as words for sh. Allocated; NULL with *error. */
static char *configure_arguments(const char *folder, const struct tare_build_watch *watch, int *error,
                                 int *interrupted)
{
    int fd = memfd_create("tare-config-status", MFD_CLOEXEC);
    const struct tare__command command = {
        .argv = (const char *const[]){"./config.status", "--config", NULL},
        .folder = folder,
        .output = fd,
        .errors = -1,
        .timeout_s = QUESTION_S,
        .what = "asking config.status",
        .watch = watch,
    };
    *error = fd < 0 ? -errno : tare__command_run(&command, interrupted);
    char *text = *error == 0 ? tare__descriptor_text(fd, SMALL_FILE) : NULL;
    if (fd >= 0) {
        close(fd);
    }
    if (text != NULL) {
        text[strcspn(text, "\n")] = '\0';
    }
    *error = *error == 0 && text == NULL ? -ENOMEM : *error;
    return text;
}

static char *configure_autoconf(const struct tare__built *built, const char *source, const char *build_folder,
                                const char *tree, const struct tare_build_watch *watch, int *error,
                                int *interrupted)
{
    char *arguments = configure_arguments(built->folder, watch, error, interrupted);
    char *from = word_below(source, tree), *to = word_below(build_folder, tree),
         *whole = tare__shell_word(source);
    char *command = NULL, *before = NULL;
    if (arguments != NULL && from != NULL && to != NULL && whole != NULL) {
        before = tare__path_exists(source, "configure") ? strdup("")
                 : tare__path_exists(source, "autogen.sh")
                     ? tare__text("(cd %s && NOCONFIGURE=1 ./autogen.sh) && ", from)
                     : tare__text("autoreconf -fi %s && ", from);
        bool inside = strcmp(source, build_folder) == 0;
        command = before == NULL
                      ? NULL
                      : tare__text("%scd %s && %s/configure %s", before, to, inside ? "." : whole, arguments);
        *error = command == NULL ? -ENOMEM : 0;
    }
    free(arguments);
    free(before);
    free(from);
    free(to);
    free(whole);
    return command;
}

/* Where a folder of `root` is in `tree`: the same place; NULL with *error. */
static char *same_place(const char *folder, const char *root, const char *tree)
{
    const char *below = tare__path_below(folder, root);
    return below == NULL ? NULL : *below == '\0' ? strdup(tree) : tare__text("%s/%s", tree, below);
}

int tare__plan_configure(struct tare__plan *plan, const struct tare__built *built, const char *root,
                         const char *tree, char **build_folder, const struct tare_build_watch *watch,
                         struct tare_build_trouble *trouble)
{
    int error = 0, interrupted = 0;
    *plan = (struct tare__plan){0};
    *build_folder = NULL;
    if (built->kind == TARE__BUILD_UNKNOWN) {
        return 0;
    }
    if (built->source == NULL || tare__path_below(built->source, root) == NULL) {
        return tare__trouble(
            trouble, -EXDEV,
            "'%s' was configured for the sources in '%s', which are not in '%s': say how to build "
            "with --build 'COMMAND'",
            built->folder, built->source != NULL ? built->source : "?", root);
    }
    char *source = same_place(built->source, root, tree);
    /* A build folder beside the work tree is one within the other. */
    *build_folder = tare__path_below(built->folder, root) != NULL ? same_place(built->folder, root, tree)
                                                                  : tare__text("%s/.tare-build", tree);
    plan->folder = strdup(tree);
    error = source == NULL || *build_folder == NULL || plan->folder == NULL ? -ENOMEM
            : built->kind == TARE__BUILD_CARGO                              ? 0
                                                                            : tare__folders_make(*build_folder);
    if (error == 0 && built->kind == TARE__BUILD_CMAKE) {
        plan->configure = configure_cmake(built, root, tree, source, *build_folder, &error);
    } else if (error == 0 && built->kind == TARE__BUILD_MESON) {
        plan->configure = configure_meson(built, source, *build_folder, tree, &error);
    } else if (error == 0 && built->kind == TARE__BUILD_CONFIGURE) {
        plan->configure = configure_autoconf(built, source, *build_folder, tree, watch, &error, &interrupted);
    }
    free(source);
    if (error == -ENOTSUP) {
        tare__trouble(trouble, error,
                      "'%s' was configured with a cross or native file: say how to build with --build "
                      "'COMMAND'",
                      built->folder);
    } else if (error == -EINTR && trouble != NULL) {
        trouble->interrupted = interrupted;
        tare__trouble(trouble, error, "interrupted while asking config.status");
    } else if (error != 0) {
        error = error > 0 ? -ECHILD : error;
        tare__trouble(trouble, error,
                      "cannot tell how '%s' was configured: %s: say how to build with --build 'COMMAND'",
                      built->folder, error == -ECHILD ? "config.status failed" : strerror(-error));
    }
    return error;
}

static bool in_file(const char *folder, const char *name, const char *text)
{
    char *path = tare__text("%s/%s", folder, name);
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
    struct stat status;
    bool found = false;
    if (fd >= 0 && fstat(fd, &status) == 0 && status.st_size > 0 && status.st_size < NINJA_FILE) {
        void *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (bytes != MAP_FAILED) {
            found = memmem(bytes, (size_t)status.st_size, text, strlen(text)) != NULL;
            munmap(bytes, (size_t)status.st_size);
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    free(path);
    return found;
}

/* Whether one of ninja's files has a rule for that output. */
static bool ninja_knows(const char *folder, const char *file, const char *output)
{
    /* Blanks, colons and dollars have a dollar before them there. */
    char *escaped = malloc(2 * strlen(output) + 1), *to = escaped;
    if (escaped == NULL) {
        return false;
    }
    for (const char *at = output; *at != '\0'; at++) {
        if (strchr(" :$", *at) != NULL) {
            *to++ = '$';
        }
        *to++ = *at;
    }
    *to = '\0';
    char *first = tare__text("\nbuild %s:", escaped), *other = tare__text("\nbuild %s |", escaped);
    bool known =
        first != NULL && other != NULL && (in_file(folder, file, first) || in_file(folder, file, other));
    free(escaped);
    free(first);
    free(other);
    return known;
}

/*
 * With several configurations in one build folder: the one in whose folder the executable is. Allocated; or
 * NULL.
 */
static char *find_config(const struct tare__built *built, const char *below)
{
    char *types = strdup(get(built, "CMAKE_CONFIGURATION_TYPES")), *rest = types, *config = NULL;
    char *path = tare__text("/%s", below);
    for (char *type = strsep(&rest, ";"); path != NULL && type != NULL; type = strsep(&rest, ";")) {
        char *part = tare__text("/%s/", type);
        if (*type != '\0' && part != NULL && strstr(path, part) != NULL && config == NULL) {
            config = strdup(type);
        }
        free(part);
    }
    free(path);
    free(types);
    return config;
}

/* The name under which the build folder has the executable as a target. Allocated; NULL: none is known. */
static char *find_target(const char *generator, const char *build_folder, const char *executable,
                         const char *config)
{
    const char *below = tare__path_below(executable, build_folder),
               *output = below != NULL ? below : executable;
    char *known = NULL, *target = NULL;
    if (strcmp(generator, "Unix Makefiles") == 0) {
        known = tare__text("/CMakeFiles/%s.dir\n", tare__path_name(executable));
        if (known != NULL && in_file(build_folder, "CMakeFiles/TargetDirectories.txt", known)) {
            target = strdup(tare__path_name(executable));
        }
    } else if (strncmp(generator, "Ninja", 5) == 0) {
        known = config != NULL ? tare__text("CMakeFiles/impl-%s.ninja", config) : strdup("build.ninja");
        if (known != NULL && ninja_knows(build_folder, known, output)) {
            target = strdup(output);
        }
    }
    free(known);
    return target;
}

static char *build_cmake(const struct tare__built *built, const char *build_folder, const char *executable,
                         const char *top)
{
    const char *generator = get(built, "CMAKE_GENERATOR"), *below = tare__path_below(executable, build_folder);
    bool multi = strstr(generator, "Multi-Config") != NULL && below != NULL;
    char *config = multi ? find_config(built, below) : NULL;
    char *target = find_target(generator, build_folder, executable, config);
    char *folder = word_below(build_folder, top),
         *target_word = target != NULL ? tare__shell_word(target) : NULL;
    char *config_word = config != NULL ? tare__shell_word(config) : NULL, *command = NULL;
    char jobs[32] = "";
    if (strcmp(generator, "Unix Makefiles") == 0) { /* the others use all processors by themselves */
        snprintf(jobs, sizeof(jobs), " --parallel %ld", sysconf(_SC_NPROCESSORS_ONLN));
    }
    char *program = tare__shell_word(cmake_program(built));
    if (folder != NULL && program != NULL && (target == NULL || target_word != NULL) &&
        (config == NULL || config_word != NULL)) {
        command = tare__text("%s --build %s%s%s%s%s%s", program, folder, target != NULL ? " --target " : "",
                             target != NULL ? target_word : "", config != NULL ? " --config " : "",
                             config != NULL ? config_word : "", jobs);
    }
    free(config);
    free(target);
    free(folder);
    free(program);
    free(target_word);
    free(config_word);
    return command;
}

static char *build_cargo(const char *target_folder, const char *executable)
{
    const char *below = tare__path_below(executable, target_folder), *name = tare__path_name(executable);
    const char *slash = below != NULL ? strchr(below, '/') : NULL;
    if (slash == NULL) {
        return NULL;
    }
    char *profile = strndup(below, (size_t)(slash - below)), *word = tare__shell_word(name), *command = NULL;
    char *target = tare__shell_word(target_folder),
         *profile_word = profile != NULL ? tare__shell_word(profile) : NULL;
    if (word != NULL && target != NULL && profile_word != NULL) {
        bool example = strncmp(slash, "/examples/", 10) == 0;
        /* Folders that a configuration names for all projects would have both revisions in one place. */
        command =
            tare__text("CARGO_TARGET_DIR=%s cargo build --profile %s --%s %s", target,
                       strcmp(profile, "debug") == 0 ? "dev" : profile_word, example ? "example" : "bin", word);
    }
    free(profile);
    free(profile_word);
    free(word);
    free(target);
    return command;
}

static bool has_makefile(const char *folder)
{
    return tare__path_exists(folder, "GNUmakefile") || tare__path_exists(folder, "makefile") ||
           tare__path_exists(folder, "Makefile");
}

/*
 * Asks make, without doing it, for a target. Its exit code, or -EINTR; *complaint is what it said, allocated.
 */
static int ask_make(const char *folder, const char *options, const char *target,
                    const struct tare_build_watch *watch, char **complaint, int *interrupted)
{
    int fd = memfd_create("tare-make", MFD_CLOEXEC);
    const struct tare__command command = {
        .argv = (const char *const[]){"make", options, target, NULL},
        .folder = folder,
        .set = (const char *const[]){"LC_ALL=C", NULL},
        .output = -1,
        .errors = fd,
        .timeout_s = QUESTION_S,
        .what = "asking make",
        .watch = watch,
    };
    int result = tare__command_run(&command, interrupted);
    *complaint = fd >= 0 ? tare__descriptor_text(fd, SMALL_FILE) : NULL;
    if (fd >= 0) {
        close(fd);
    }
    return result;
}

/*
 * Whether make in that folder has a rule for the target, which does not exist: 1, 0, or -errno. That it can
 * make its prerequisites by rules that are built in is fine; then it complains of these alone without them.
 */
static int make_knows(const char *folder, const char *target, const struct tare_build_watch *watch,
                      int *interrupted)
{
    char *complaint = NULL;
    *interrupted = 0;
    if (target[0] == '-' || strpbrk(target, "=:%$# \t\n\\;*?[~'\"&|<>(){}`!") != NULL) {
        return 0; /* no name for make */
    }
    int result = ask_make(folder, "-rn", target, watch, &complaint, interrupted);
    char *itself = tare__text("No rule to make target '%s'.", target);
    if (result > 0 && complaint != NULL && itself != NULL && strstr(complaint, "needed by '") != NULL &&
        strstr(complaint, itself) == NULL) {
        free(complaint);
        result = ask_make(folder, "-n", target, watch, &complaint, interrupted);
    }
    free(complaint);
    free(itself);
    return result == 0 ? 1 : result == -EINTR ? result : 0;
}

/*
 * A rule in the closest of the folders between the executable and `top`; else what make does unasked in the
 * highest.
 */
static int plan_by_rules(struct tare__plan *plan, const char *executable, const char *top,
                         const struct tare_build_watch *watch, struct tare_build_trouble *trouble)
{
    char *folder = tare__path_folder(executable), *highest = NULL;
    int error = folder == NULL ? -ENOMEM : 0;
    while (error == 0 && plan->build == NULL && tare__path_below(folder, top) != NULL) {
        const char *target = tare__path_below(executable, folder);
        bool makefile = has_makefile(folder);
        int interrupted = 0, knows = makefile ? make_knows(folder, target, watch, &interrupted) : 0;
        bool ninja = knows == 0 && tare__path_exists(folder, "build.ninja") &&
                     ninja_knows(folder, "build.ninja", target);
        if (knows < 0) {
            error = tare__trouble(trouble, knows, "interrupted while asking make");
            if (trouble != NULL) {
                trouble->interrupted = interrupted;
            }
        } else if (knows > 0 || ninja) {
            char *word = tare__shell_word(target);
            plan->build = word != NULL ? tare__text("%s %s", ninja ? "ninja" : "make", word) : NULL;
            plan->why = tare__text("as its %s has a rule for it", ninja ? "build.ninja" : "Makefile");
            plan->folder = strdup(folder);
            free(word);
            error = plan->build == NULL || plan->why == NULL || plan->folder == NULL ? -ENOMEM : 0;
        } else if (makefile) {
            free(highest);
            highest = strdup(folder);
            error = highest == NULL ? -ENOMEM : 0;
        }
        char *slash = strrchr(folder, '/');
        if (slash == folder) {
            break;
        }
        *slash = '\0';
    }
    if (error == 0 && plan->build == NULL && highest != NULL) {
        plan->build = strdup("make");
        plan->why = strdup("as there is a Makefile");
        plan->folder = highest;
        highest = NULL;
        error = plan->build == NULL || plan->why == NULL ? -ENOMEM : 0;
    }
    free(folder);
    free(highest);
    return error;
}

int tare__plan_build(struct tare__plan *plan, const struct tare__built *built, const char *build_folder,
                     const char *executable, const char *top, const struct tare_build_watch *watch,
                     struct tare_build_trouble *trouble)
{
    int error = 0;
    const char *record = NULL;
    free(plan->build);
    free(plan->folder);
    free(plan->why);
    plan->build = plan->folder = plan->why = NULL;
    if (built->kind == TARE__BUILD_CMAKE) {
        record = TARE__CMAKE_CACHE;
        plan->build = build_cmake(built, build_folder, executable, top);
    } else if (built->kind == TARE__BUILD_MESON) {
        const char *below = tare__path_below(executable, build_folder);
        char *folder = word_below(build_folder, top);
        char *word = below != NULL && ninja_knows(build_folder, "build.ninja", below) ? tare__shell_word(below)
                                                                                      : strdup("");
        record = "meson-private/cmd_line.txt";
        plan->build = folder != NULL && word != NULL
                          ? tare__text("ninja -C %s%s%s", folder, *word ? " " : "", word)
                          : NULL;
        free(folder);
        free(word);
    } else if (built->kind == TARE__BUILD_CARGO) {
        char *folder = tare__path_folder(build_folder);
        plan->folder = folder;
        plan->why = strdup("as there is a Cargo.toml");
        plan->build = build_cargo(build_folder, executable);
    } else {
        error = plan_by_rules(plan, executable, top, watch, trouble);
        if (error == 0 && plan->build == NULL) {
            return tare__trouble(trouble, -ENOENT,
                                 "how '%s' is built is not known: above it is no build folder of CMake, Meson, "
                                 "configure or Cargo, and no Makefile: say how with --build 'COMMAND'",
                                 executable);
        }
    }
    if (record != NULL) {
        plan->folder = strdup(top);
        char *folder = word_below(build_folder, top);
        plan->why = folder != NULL ? tare__text("as '%s/%s' has it", folder, record) : NULL;
        free(folder);
    }
    if (error == 0 && (plan->build == NULL || plan->folder == NULL || plan->why == NULL)) {
        error = -ENOMEM;
    }
    if (error == -ENOMEM) {
        tare__trouble(trouble, error, "out of memory");
    }
    return error;
}
