/* SPDX-License-Identifier: MIT */
/*
 * Writes what the tools read, and runs them. The C that wasm2c makes is compiled in one unit with ours, so that the way
 * from a module's call to the host is one indirect call. Floating point is as WebAssembly has it: nothing is contracted, and
 * NaNs are not assumed away; calls are not turned into jumps, so that endless recursion ends; frames are touched page by
 * page, so that the end of the stack is met and not jumped over.
 */
#include "suites/syscalls/boot/module_compile.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern const char lind_module_abi_text[], lind_module_glue_text[]; /* the two files, by cmake/Embed.cmake */

static const char *const cc_flags[] = {
    "-std=gnu17",
    "-O2",
    "-fPIC",
    "-shared",
    "-w",
    "-fvisibility=hidden",
    "-fwrapv",
    "-fno-strict-aliasing",
    "-fno-optimize-sibling-calls",
    "-frounding-math",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-fstack-clash-protection",
};

enum {
    CC_FLAGS = sizeof(cc_flags) / sizeof(cc_flags[0]),
    TOOL_CPU_S = 1200, /* sqlite takes some 30 */
};

#define TOOL_MEMORY_BYTES (UINT64_C(8) << 30)
#define TOOL_FILE_BYTES (UINT64_C(2) << 30)

static bool find_program(const char *name, char found[PATH_MAX])
{
    const char *path = getenv("PATH");
    for (const char *at = path == NULL ? "/usr/local/bin:/usr/bin:/bin" : path; *at != '\0';) {
        size_t length = strcspn(at, ":");
        if (length != 0 && *at == '/' &&
            snprintf(found, PATH_MAX, "%.*s/%s", (int)length, at, name) < PATH_MAX &&
            access(found, X_OK) == 0) {
            return true;
        }
        at += length + (at[length] == ':');
    }
    return false;
}

/* A tool that is installed anew is another file. */
static void identify(const char *path, char *text, size_t room)
{
    struct stat stat_of = {0};
    char real[PATH_MAX];
    stat(realpath(path, real) != NULL ? real : path, &stat_of);
    snprintf(text, room, "%llu %lld.%09ld %llu", (unsigned long long)stat_of.st_size,
             (long long)stat_of.st_mtim.tv_sec, stat_of.st_mtim.tv_nsec, (unsigned long long)stat_of.st_ino);
}

int compile_find_tools(struct compile_tools *tools, char error[MODULE_ERROR_BYTES])
{
    char one[120], two[120];
    if (!find_program("wasm2c", tools->wasm2c)) {
        snprintf(error, MODULE_ERROR_BYTES, "cannot be compiled: 'wasm2c' is not installed: package wabt");
        return -ESRCH;
    }
    if (!find_program("cc", tools->cc)) {
        snprintf(error, MODULE_ERROR_BYTES,
                 "cannot be compiled: 'cc' is not installed: package gcc, with libc6-dev");
        return -ESRCH;
    }
    identify(tools->wasm2c, one, sizeof(one));
    identify(tools->cc, two, sizeof(two));
    snprintf(tools->identity, sizeof(tools->identity), "%s, %s", one, two);
    return 0;
}

/* Ours of the C code */

/* As wasm2c writes names: a 'Z' and two digits for what C does not take, and for 'Z' itself. */
static void write_name(FILE *file, const char *name)
{
    for (; *name != '\0'; name++) {
        unsigned char c = (unsigned char)*name;
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c < 'Z') || (c >= '0' && c <= '9') || c == '_') {
            putc(c, file);
        } else {
            fprintf(file, "Z%02X", c);
        }
    }
}

static size_t parameters_of(const char *type)
{
    return strcspn(type, ":");
}

static void write_import(FILE *file, const struct module_import *import, int number)
{
    size_t count = parameters_of(import->type);
    char result = import->type[count + 1];
    fprintf(file, "%s Z_", result == '\0' ? "void" : result == 'i' ? "u32" : "u64");
    write_name(file, import->module);
    fputs("Z_", file);
    write_name(file, import->name);
    fputs("(struct Z_", file);
    write_name(file, import->module);
    fputs("_instance_t *cage", file);
    for (size_t i = 0; i < count; i++) {
        fprintf(file, ", %s a%zu", import->type[i] == 'i' ? "u32" : "u64", i);
    }
    fputs(")\n{\n    const u64 a[] = {0", file);
    for (size_t i = 0; i < count; i++) {
        fprintf(file, ", a%zu", i);
    }
    fprintf(file, "};\n    %slind_host->import(cage, %d, a + 1);\n}\n", result == '\0' ? "" : "return ",
            number);
}

/* All of it are integers, of which few enough. */
static bool callable(const char *type)
{
    size_t count = parameters_of(type);
    return count <= 16 && strspn(type, "iI") == count &&
           strspn(type + count + 1, "iI") == strlen(type + count + 1) && strlen(type + count + 1) <= 1;
}

static void write_export(FILE *file, const struct module_export *export, size_t number)
{
    size_t count = parameters_of(export->type);
    char result = export->type[count + 1];
    fprintf(file, "static u64 lind_call_%zu(void *instance, const u64 *a)\n{\n    %sZ_mZ_", number,
            result == '\0'  ? ""
            : result == 'i' ? "return (u64)(s64)(s32)"
                            : "return ");
    write_name(file, export->name);
    fputs("(instance", file);
    for (size_t i = 0; i < count; i++) {
        fprintf(file, ", (%s)a[%zu]", export->type[i] == 'i' ? "u32" : "u64", i);
    }
    fprintf(file, ");\n%s}\n", result == '\0' ? "    return 0;\n" : "");
}

char *compile_glue(const struct module *module, const int *imports)
{
    char *text = NULL;
    size_t size = 0, calls = 0, modules = 0;
    FILE *file = open_memstream(&text, &size);
    if (file == NULL) {
        return NULL;
    }
    fputs("#include \"m.c\"\n#include \"module_glue.c\"\n", file);
    for (size_t i = 0; i < module->import_count; i++) {
        bool first = true, other = true;
        for (size_t j = 0; j < i; j++) {
            bool same_module = strcmp(module->imports[i].module, module->imports[j].module) == 0;
            other = other && !same_module;
            first = first && !(same_module && strcmp(module->imports[i].name, module->imports[j].name) == 0);
        }
        modules += other;
        if (first) { /* a module may import a function twice */
            write_import(file, &module->imports[i], imports[i]);
        }
    }
    for (size_t i = 0; i < module->export_count; i++) {
        if (callable(module->exports[i].type)) {
            write_export(file, &module->exports[i], i);
        }
    }
    fputs("static const struct lind_abi_export lind_exports[] = {\n", file);
    for (size_t i = 0; i < module->export_count; i++) {
        if (callable(module->exports[i].type)) {
            fprintf(file, "    {\"%s\", \"%s\", lind_call_%zu},\n", module->exports[i].name,
                    module->exports[i].type, i);
            calls++;
        }
    }
    fputs("    {0}};\nstatic void lind_start(const struct lind_abi_host *host)\n{\n    lind_host = host;\n"
          "    Z_m_init_module();\n}\nstatic void lind_instantiate(void *instance, void *cage)\n{\n"
          "    Z_m_instantiate(instance",
          file);
    for (size_t i = 0; i < modules; i++) {
        fputs(", cage", file);
    }
    fprintf(file,
            ");\n}\nstatic void lind_release(void *instance)\n{\n    Z_m_free(instance);\n}\n"
            "__attribute__((visibility(\"default\"))) const struct lind_abi_module lind_module = {\n"
            "    LIND_ABI, %zu, sizeof(Z_m_instance_t), lind_start, lind_instantiate, lind_release, "
            "lind_exports};\n",
            calls);
    if (fclose(file) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

void compile_add_to_key(struct tare_sha256 *hash, const char *glue, const struct compile_tools *tools)
{
    tare_sha256_add(hash, glue, strlen(glue) + 1);
    tare_sha256_add(hash, lind_module_abi_text, strlen(lind_module_abi_text) + 1);
    tare_sha256_add(hash, lind_module_glue_text, strlen(lind_module_glue_text) + 1);
    tare_sha256_add(hash, tools->identity, strlen(tools->identity) + 1);
    for (size_t i = 0; i < CC_FLAGS; i++) {
        tare_sha256_add(hash, cc_flags[i], strlen(cc_flags[i]) + 1);
    }
#if defined(__x86_64__)
    tare_sha256_add(hash, "x86_64", 6);
#elif defined(__aarch64__)
    tare_sha256_add(hash, "aarch64", 7);
#endif
}

/* Running tools */

/* Signals belong to the process: so one module is compiled at a time, and the others wait. */
static pthread_mutex_t compiling = PTHREAD_MUTEX_INITIALIZER;
static volatile sig_atomic_t stopped_by;

static void on_stop(int number)
{
    stopped_by = number;
}

static const int stops[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

enum { STOPS = sizeof(stops) / sizeof(stops[0]) };

struct signals_before {
    struct sigaction stops[STOPS], child;
};

/* Those that end us, and the end of children: where that is ignored, nobody hears whether a tool has failed. */
static void take_signals(struct signals_before *before)
{
    const struct sigaction action = {.sa_handler = on_stop}, usual = {.sa_handler = SIG_DFL};
    for (size_t i = 0; i < STOPS; i++) {
        sigaction(stops[i], NULL, &before->stops[i]);
        if (before->stops[i].sa_handler != SIG_IGN) {
            sigaction(stops[i], &action, NULL);
        }
    }
    sigaction(SIGCHLD, NULL, &before->child);
    if (before->child.sa_handler == SIG_IGN || (before->child.sa_flags & SA_NOCLDWAIT) != 0) {
        sigaction(SIGCHLD, &usual, NULL);
    }
}

static void give_signals_back(const struct signals_before *before)
{
    for (size_t i = 0; i < STOPS; i++) {
        sigaction(stops[i], &before->stops[i], NULL);
    }
    sigaction(SIGCHLD, &before->child, NULL);
}

struct progress {
    const char *name;
    struct timespec begin;
    long shown_s; /* 0: nothing yet */
    bool wanted;
};

static void show_progress(struct progress *progress)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    long seconds = (long)(now.tv_sec - progress->begin.tv_sec);
    if (progress->wanted && seconds != progress->shown_s) {
        fprintf(stderr, "\rlind-boot: compiling '%s', this once: %ld s ", progress->name, seconds);
        progress->shown_s = seconds;
    }
}

static void limit(int what, uint64_t most)
{
    struct rlimit now;
    if (getrlimit(what, &now) == 0 && (now.rlim_max == RLIM_INFINITY || now.rlim_max > most)) {
        struct rlimit lower = {most, most};
        setrlimit(what, &lower);
    }
}

/* In the child, which may have been forked from a process with threads. */
static _Noreturn void become(const char *const argv[], const char *const environment[], const char *directory)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (chdir(directory) == 0 && nothing >= 0) {
        int log = open("log", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        limit(RLIMIT_CPU, TOOL_CPU_S);
        limit(RLIMIT_AS, TOOL_MEMORY_BYTES);
        limit(RLIMIT_FSIZE, TOOL_FILE_BYTES);
        limit(RLIMIT_CORE, 0);
        if (log >= 0 && dup2(nothing, 0) >= 0 && dup2(log, 1) >= 0 && dup2(log, 2) >= 0) {
            execve(argv[0], (char *const *)argv, (char *const *)environment);
        }
    }
    _exit(127);
}

/* The first line of what a tool said that is an error, without the names of our files; else its first line. */
static void read_log(const char *directory, char *text, size_t room)
{
    char path[PATH_MAX], line[512];
    text[0] = '\0';
    if (snprintf(path, sizeof(path), "%s/log", directory) >= (int)sizeof(path)) {
        return;
    }
    FILE *file = fopen(path, "re");
    for (bool found = false; file != NULL && !found && fgets(line, sizeof(line), file) != NULL;) {
        const char *said = strstr(line, "error: "), *full = strstr(line, "No space left on device");
        found = said != NULL || full != NULL; /* the linker says so in a line that is no error by its word */
        if (found || text[0] == '\0') {
            snprintf(text, room, "%.150s",
                     full != NULL   ? full
                     : said != NULL ? said + strlen("error: ")
                                    : line);
        }
    }
    text[strcspn(text, "\n")] = '\0';
    for (char *c = text; *c != '\0'; c++) {
        *c = *c >= ' ' && *c < 127 ? *c : '?';
    }
    if (file != NULL) {
        fclose(file);
    }
}

/* 0, -EINTR, -ENOEXEC, or -errno. */
static int run_tool(const char *const argv[], const char *const environment[], const char *directory,
                    struct progress *progress)
{
    int status = 0;
    pid_t child = fork();
    if (child < 0) {
        return -errno;
    }
    if (child == 0) {
        become(argv, environment, directory);
    }
    setpgid(child, child);
    for (long wait_ns = 500000;; wait_ns = wait_ns < 50000000 ? wait_ns * 2 : wait_ns) {
        pid_t ended = waitpid(child, &status, WNOHANG);
        if (ended == child) {
            break;
        }
        if (ended < 0 && errno != EINTR) {
            return -errno; /* somebody else has waited for it: what came of it is not known */
        }
        if (stopped_by != 0) {
            kill(-child, SIGKILL);
            kill(child, SIGKILL);
            while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
            }
            return -EINTR;
        }
        show_progress(progress);
        nanosleep(&(struct timespec){.tv_nsec = wait_ns}, NULL);
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ENOEXEC;
}

static int write_file(const char *directory, const char *name, const void *bytes, size_t size)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path)) {
        return -ENAMETOOLONG;
    }
    FILE *file = fopen(path, "we");
    if (file == NULL) {
        return -errno;
    }
    errno = 0;
    int result = fwrite(bytes, 1, size, file) == size ? 0 : errno != 0 ? -errno : -EIO;
    if (fclose(file) != 0 && result == 0) {
        result = errno != 0 ? -errno : -EIO;
    }
    return result;
}

/* The variables of ours that tools may see: not those that would change what they do, nor those of a measurement. */
static int make_environment(const char *directory, const char *variables[5], char *buffer, size_t room)
{
    const char *path = getenv("PATH");
    int length = snprintf(buffer, room, "TMPDIR=%s", directory) + 1;
    variables[0] = buffer;
    if (length >= (int)room || snprintf(buffer + length, room - (size_t)length, "PATH=%s",
                                        path == NULL ? "/usr/bin:/bin" : path) >= (int)room - length) {
        return -ENAMETOOLONG;
    }
    variables[1] = buffer + length;
    variables[2] = "LC_ALL=C";
    variables[3] = "SOURCE_DATE_EPOCH=0";
    variables[4] = NULL;
    return 0;
}

static int run_tools(const struct compile_tools *tools, const char *directory, struct progress *progress,
                     char error[MODULE_ERROR_BYTES])
{
    char buffer[3 * PATH_MAX], said[160];
    const char *variables[5];
    const char *wasm2c[] = {tools->wasm2c, "m.wasm", "-n", "m", "--no-debug-names", "-o", "m.c", NULL};
    const char *cc[CC_FLAGS + 6] = {tools->cc};
    size_t count = 1;
    for (size_t i = 0; i < CC_FLAGS; i++) {
        cc[count++] = cc_flags[i];
    }
    cc[count++] = "glue.c";
    cc[count++] = "-o";
    cc[count++] = "m.so";
    cc[count++] = "-lm";
    int result = make_environment(directory, variables, buffer, sizeof(buffer));
    if (result < 0) {
        return result;
    }
    result = run_tool(wasm2c, variables, directory, progress);
    if (result == -ENOEXEC) {
        read_log(directory, said, sizeof(said));
        if (said[0] == '\0') {
            snprintf(error, MODULE_ERROR_BYTES,
                     "is not taken by wasm2c, which ended without a word: SIMD, for one");
        } else {
            snprintf(error, MODULE_ERROR_BYTES, "is not valid: %s", said);
        }
        return -EBADMSG;
    }
    if (result == 0) {
        result = run_tool(cc, variables, directory, progress);
        if (result == -ENOEXEC) {
            read_log(directory, said, sizeof(said));
            snprintf(error, MODULE_ERROR_BYTES, "cannot be compiled: %s",
                     said[0] == '\0' ? "the C compiler failed" : said);
        }
    }
    return result;
}

int compile_module(const struct compile_tools *tools, const void *bytes, size_t size, const char *glue,
                   const char *directory, const char *name, bool progress, int *signal_number,
                   char error[MODULE_ERROR_BYTES])
{
    struct signals_before before;
    struct progress shown = {.name = name, .wanted = progress};
    error[0] = '\0';
    pthread_mutex_lock(&compiling);
    clock_gettime(CLOCK_MONOTONIC, &shown.begin);
    stopped_by = 0;
    take_signals(&before);
    int result = write_file(directory, "m.wasm", bytes, size);
    result = result < 0 ? result : write_file(directory, "glue.c", glue, strlen(glue));
    result = result < 0
                 ? result
                 : write_file(directory, "module_abi.h", lind_module_abi_text, strlen(lind_module_abi_text));
    result = result < 0
                 ? result
                 : write_file(directory, "module_glue.c", lind_module_glue_text, strlen(lind_module_glue_text));
    result = result < 0 ? result : run_tools(tools, directory, &shown, error);
    if (shown.shown_s != 0) {
        fputs("\r\033[K", stderr);
    }
    give_signals_back(&before);
    *signal_number = (int)stopped_by;
    pthread_mutex_unlock(&compiling);
    if (result < 0 && error[0] == '\0') {
        snprintf(error, MODULE_ERROR_BYTES, "cannot be compiled: %s",
                 result == -EINTR ? "interrupted" : strerror(-result));
    }
    return *signal_number != 0 ? -EINTR : result;
}
