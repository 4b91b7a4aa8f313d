/* SPDX-License-Identifier: MIT */
/* `tare flags`: prints what to build a program with, in the words of its build system. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/build_flags.h"
#include "cli/cli.h"

enum { OPTION_PROFILE = 1, OPTION_LANGUAGE, OPTION_COMPILER, OPTION_FOR, OPTION_FUNCTIONS, OPTION_LIST };

static const struct option_spec options[] = {
    {OPTION_PROFILE, '\0', "profile", "NAME", "what it is to be (default: fast); --list has them",
     "fast instrumented portable pgo-generate pgo-use lto"},
    {OPTION_LANGUAGE, '\0', "lang", "LANGUAGE", "c (the default), c++ or rust", "c c++ rust"},
    {OPTION_COMPILER, '\0', "compiler", "COMPILER", "gcc (the default) or clang", "gcc clang"},
    {OPTION_FOR, '\0', "for", "SYSTEM", "write them for make, cmake, meson or cargo", "make cmake meson cargo"},
    {OPTION_FUNCTIONS, '\0', "functions", "[=WAY]",
     "add what 'tare run --functions' needs: instrument (default), pg or patchable", NULL},
    {OPTION_LIST, '\0', "list", NULL, "list the profiles", NULL},
    {0},
};

struct flags_request {
    const char *profile, *language, *compiler, *system;
    const char *functions; /* the piece of the flags; NULL: none */
    bool list, compiler_given;
};

/* One of the words, or NULL after an error was printed. */
static const char *one_of(const char *option, const char *value, const char *const *words, size_t count,
                          const char *list)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(value, words[i]) == 0) {
            return words[i];
        }
    }
    const char *near = suggest(value, words, count);
    if (near != NULL) {
        error("unknown %s '%s': did you mean '%s'?", option, value, near);
    } else {
        error("unknown %s '%s': one of %s", option, value, list);
    }
    return NULL;
}

static int handle_option(void *data, int id, const char *value)
{
    static const char *const languages[] = {"c", "c++", "rust"}, *const compilers[] = {"gcc", "clang"},
                             *const systems[] = {"make", "cmake", "meson", "cargo"},
                             *const ways[] = {"instrument", "pg", "patchable"};
    struct flags_request *request = data;
    const char *names[16];
    size_t count = 0;
    switch (id) {
    case OPTION_PROFILE:
        for (; build_profiles[count].name != NULL; count++) {
            names[count] = build_profiles[count].name;
        }
        request->profile = one_of("profile", value, names, count, "those of 'tare flags --list'");
        return request->profile != NULL ? 0 : EXIT_TROUBLE;
    case OPTION_LANGUAGE:
        request->language = one_of("language", value, languages, 3, "c, c++, rust");
        return request->language != NULL ? 0 : EXIT_TROUBLE;
    case OPTION_COMPILER:
        request->compiler = one_of("compiler", value, compilers, 2, "gcc, clang");
        request->compiler_given = true;
        return request->compiler != NULL ? 0 : EXIT_TROUBLE;
    case OPTION_FOR:
        request->system = one_of("build system", value, systems, 4, "make, cmake, meson, cargo");
        return request->system != NULL ? 0 : EXIT_TROUBLE;
    case OPTION_FUNCTIONS:
        value = value == NULL ? ways[0]
                              : one_of("way to mark functions", value, ways, 3, "instrument, pg, patchable");
        request->functions = value == NULL                     ? NULL
                             : strcmp(value, "pg") == 0        ? "functions-pg"
                             : strcmp(value, "patchable") == 0 ? "functions-patchable"
                                                               : "functions";
        return value != NULL ? 0 : EXIT_TROUBLE;
    default:
        request->list = true;
        return 0;
    }
}

/* What does not go together; false after an error was printed. */
static bool check(const struct flags_request *request)
{
    bool rust = strcmp(request->language, "rust") == 0, cargo = false;
    cargo = request->system != NULL && strcmp(request->system, "cargo") == 0;
    if (rust && request->functions != NULL) {
        error("rustc has no flag for --functions: 'tare run --functions' reads programs in C and C++");
    } else if (rust && request->compiler_given) {
        error("--compiler is for c and c++: Rust's compiler is rustc");
    } else if (rust && request->system != NULL && !cargo) {
        error("Rust is built by cargo: not by '%s'", request->system);
    } else if (!rust && cargo) {
        error("cargo builds Rust: give --lang rust with it");
    } else {
        return true;
    }
    return false;
}

static void print_profiles(void)
{
    for (const struct build_profile *profile = build_profiles; profile->name != NULL; profile++) {
        printf("%-13s %s\n", profile->name, profile->help);
    }
}

/* NAME='VALUE', and a blank before it unless it is the first of the line. Flags have no quotes in them. */
static void print_setting(bool *first, const char *before, const char *name, const char *value)
{
    printf("%s%s'%s%s'", *first ? "" : " ", before, name, value);
    *first = false;
}

static void print_assignment(bool *first, const char *name, const char *value)
{
    if (value[0] != '\0') {
        printf("%s%s='%s'", *first ? "" : " ", name, value);
        *first = false;
    }
}

static void print_flags(const struct flags_request *request, const struct build_flags *flags)
{
    const char *system = request->system;
    bool first = true, cxx = strcmp(request->language, "c++") == 0;
    if (strcmp(request->language, "rust") == 0) {
        printf("%s%s", flags->cargo, flags->cargo[0] != '\0' ? " " : "");
        print_assignment(&first, "RUSTFLAGS", flags->compile);
    } else if (system == NULL) {
        printf("%s%s%s", flags->compile, flags->link[0] != '\0' ? " " : "", flags->link);
    } else if (strcmp(system, "make") == 0) {
        print_assignment(&first, cxx ? "CXXFLAGS" : "CFLAGS", flags->compile);
        print_assignment(&first, "LDFLAGS", flags->link);
    } else if (strcmp(system, "cmake") == 0) {
        /* Without a build type, which would add its own behind ours. */
        printf("-DCMAKE_BUILD_TYPE=None ");
        print_setting(&first, "-D", cxx ? "CMAKE_CXX_FLAGS=" : "CMAKE_C_FLAGS=", flags->compile);
        if (flags->link[0] != '\0') {
            print_setting(&first, "-D", "CMAKE_EXE_LINKER_FLAGS=", flags->link);
            print_setting(&first, "-D", "CMAKE_SHARED_LINKER_FLAGS=", flags->link);
        }
    } else {
        printf("--buildtype=plain ");
        print_setting(&first, "-D", cxx ? "cpp_args=" : "c_args=", flags->compile);
        if (flags->link[0] != '\0') {
            print_setting(&first, "-D", cxx ? "cpp_link_args=" : "c_link_args=", flags->link);
        }
    }
    putchar('\n');
}

static int run_command(const struct command *command, int argc, char **argv)
{
    struct flags_request request = {.profile = "fast", .language = "c", .compiler = "gcc"};
    int code;
    int first = options_parse(command, argc, argv, handle_option, &request, &code);
    if (first < 0) {
        return code;
    }
    if (first < argc) {
        error("'%s' is one word too many: tare flags takes no operands", argv[first]);
        return EXIT_TROUBLE;
    }
    if (request.list) {
        print_profiles();
        return EXIT_FINE;
    }
    if (!check(&request)) {
        return EXIT_TROUBLE;
    }
    code = EXIT_FINE;
    struct build_flags flags = {0};
    const struct build_profile *profile = build_profile_find(request.profile);
    if (build_flags_add(&flags, profile->pieces, request.language, request.compiler) &&
        build_flags_add(&flags, request.functions != NULL ? request.functions : "", request.language,
                        request.compiler)) {
        print_flags(&request, &flags);
    } else {
        error("out of memory");
        code = EXIT_TROUBLE;
    }
    build_flags_release(&flags);
    return code;
}

const struct command command_flags = {
    .name = "flags",
    .operands = "",
    .summary = "print the flags to build a program with",
    .options = options,
    .details = "Exit code: 0, or 2 for a wrong command line.\n\nExamples:\n"
               "  cc $(tare flags --profile instrumented) -o prog prog.c\n"
               "  eval make $(tare flags --for make)\n"
               "  eval cmake -B build $(tare flags --profile lto --for cmake)\n"
               "  eval env $(tare flags --lang rust --for cargo) cargo build --release\n",
    .run = run_command,
    .usage_exit = EXIT_TROUBLE,
};
