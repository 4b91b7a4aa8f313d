/* SPDX-License-Identifier: MIT */
/*
 * perf.data, through the perf at hand: `perf script` unwinds and names, and says what was mapped where, so that
 * user code's functions, lines and inlined calls are looked up by record/symbols.h; the kernel's names are perf's.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "record/elf.h"
#include "record/perf_child.h"
#include "record/perf_parts.h"
#include "record/perf_script.h"
#include "record/profiling.h"
#include "record/symbols.h"

enum {
    WORDS = 200,
    STREAM_FROM_BYTES = 64 << 20, /* data from here on are not mapped whole: see tare__perf_stream() */
};

/* ---- a command line ---- */

void tare__perf_add(struct tare__perf_words *words, const char *format, ...)
{
    if (words->count + 1 >= words->room) {
        size_t room = words->room != 0 ? 2 * words->room : 32;
        char **list = reallocarray(words->list, room, sizeof(*list));
        if (list == NULL) {
            words->failed = true;
            return;
        }
        words->list = list;
        words->room = room;
    }
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    bool fine = vasprintf(&text, format, arguments) >= 0;
    va_end(arguments);
    if (!fine) {
        words->failed = true;
        return;
    }
    words->list[words->count++] = text;
    words->list[words->count] = NULL;
}

void tare__perf_free_words(char **list)
{
    for (char **word = list; word != NULL && *word != NULL; word++) {
        free(*word);
    }
    free(list);
}

/* ---- reading ---- */

/* perf has another idea of its options than we: it says how it is used. */
enum { CODE_USAGE = 129 };

static char **script_argv(const char *perf, const char *input, bool plain)
{
    struct tare__perf_words words = {0};
    tare__perf_add(&words, "%s", perf);
    tare__perf_add(&words, "script");
    tare__perf_add(&words, "-i");
    tare__perf_add(&words, "%s", input);
    tare__perf_add(&words, "-F");
    if (plain) { /* what perf knew long ago */
        tare__perf_add(&words, "comm,pid,tid,time,event,ip,sym,dso");
        tare__perf_add(&words, "--show-mmap-events");
    } else {
        tare__perf_add(&words, "comm,pid,tid,time,period,event,ip,sym,dso");
        tare__perf_add(&words, "--ns");
        tare__perf_add(&words, "--no-inline");
        tare__perf_add(&words, "--show-mmap-events");
        tare__perf_add(&words, "--show-task-events");
        tare__perf_add(&words, "--show-switch-events");
        tare__perf_add(&words, "--show-lost-events");
    }
    if (words.failed) {
        tare__perf_free_words(words.list);
        return NULL;
    }
    return words.list;
}

/* The process that feeds perf; it ends when perf does. */
static void end_writer(pid_t writer)
{
    while (writer > 0 && waitpid(writer, NULL, 0) < 0 && errno == EINTR) {
    }
}

static unsigned silence_s(const struct tare__perf_reading *reading)
{
    return reading->silence_s != 0 ? reading->silence_s : TARE__PERF_SILENCE_S;
}

/*
 * perf opens a process's map file of JIT code whatever it is, and waits for ever where it is a pipe: anybody can make
 * one.
 */
static void say_silent(unsigned limit_s, char *message, size_t size)
{
    struct stat status;
    glob_t maps;
    const char *pipe_path = NULL;
    bool listed = glob("/tmp/perf-*.map", GLOB_NOSORT, NULL, &maps) == 0;
    for (size_t i = 0; listed && i < maps.gl_pathc && pipe_path == NULL; i++) {
        pipe_path = stat(maps.gl_pathv[i], &status) == 0 && S_ISFIFO(status.st_mode) ? maps.gl_pathv[i] : NULL;
    }
    snprintf(message, size, "'perf script' printed nothing for %u s and did nothing, and was ended%s%.100s%s",
             limit_s, pipe_path != NULL ? ": it may wait for '" : "", pipe_path != NULL ? pipe_path : "",
             pipe_path != NULL ? "', which is a pipe and no file: remove it" : "");
    if (listed) {
        globfree(&maps);
    }
}

/* One `perf script`. Returns its exit code, or -errno with a message. */
static int run_script(const char *perf, int fd, const char *path, bool plain,
                      struct tare__perf_reading *reading, struct tare_profile *profile, char *words,
                      char *message, size_t size)
{
    struct stat status;
    struct tare__perf_child child;
    pid_t writer = 0;
    int fds[2], stream = -1, code = -ENOMEM;
    message[0] = words[0] = '\0';
    uint64_t head[2] = {0};
    if (pread(fd, head, sizeof(head), 0) == (ssize_t)sizeof(head) && head[1] == sizeof(head)) {
        stream = fcntl(fd, F_DUPFD_CLOEXEC, 0); /* perf recorded into a pipe, and somebody into a file */
        lseek(fd, 0, SEEK_SET);
    } else if (!plain && fstat(fd, &status) == 0 && status.st_size >= STREAM_FROM_BYTES) {
        stream = tare__perf_stream(fd, &writer);
    }
    char **argv = script_argv(perf, stream >= 0 ? "-" : path, plain);
    if (argv == NULL) {
        snprintf(message, size, "out of memory");
    } else if (pipe2(fds, O_CLOEXEC) != 0) {
        code = -errno;
        snprintf(message, size, "cannot make a pipe: %s", strerror(-code));
    } else {
        fcntl(fds[1], F_SETPIPE_SZ, 1 << 20); /* if it may be; it is only faster */
        int error = tare__perf_start(argv, stream, fds[1], false, &child);
        close(fds[1]);
        if (error != 0) {
            close(fds[0]);
            code = error;
            snprintf(message, size, "cannot run '%s': %s", perf, strerror(-error));
        } else {
            struct tare__perf_watch watch = {.pid = child.pid, .limit_s = silence_s(reading)};
            FILE *in = tare__perf_output(&watch, fds[0]);
            error = in != NULL ? tare__perf_script_parse(in, reading, profile, message, size) : -ENOMEM;
            if (in != NULL) {
                fclose(in); /* if it was not read to its end, perf ends by SIGPIPE */
            } else {
                close(fds[0]);
            }
            code = tare__perf_end(&child, words, WORDS);
            code = code == 0 || (error != -EBADMSG && error != 0) ? error : code;
            if (watch.silent) {
                code = -ETIMEDOUT;
                say_silent(watch.limit_s, message, size);
            }
        }
    }
    if (stream >= 0) {
        close(stream);
    }
    end_writer(writer);
    tare__perf_free_words(argv);
    return code;
}

/* Forgets what a first try found. */
static int begin_again(struct tare__perf_reading *reading, struct tare_profile **profile)
{
    struct tare_profile *fresh = tare_profile_new();
    struct tare_symbols *symbols = tare_symbols_new(NULL);
    if (fresh == NULL || symbols == NULL) {
        tare_profile_free(fresh);
        tare_symbols_free(symbols);
        return -ENOMEM;
    }
    tare_profile_free(*profile);
    tare_symbols_free(reading->symbols);
    *profile = fresh;
    *reading = (struct tare__perf_reading){.symbols = symbols,
                                           .off_cpu = reading->off_cpu,
                                           .stacks_complete = reading->stacks_complete,
                                           .from_exec = reading->from_exec,
                                           .silence_s = reading->silence_s};
    return 0;
}

int tare__perf_read(const char *perf, int fd, const char *path, const char *name,
                    struct tare__perf_reading *reading, struct tare_profile **profile, char *message,
                    size_t size)
{
    char words[WORDS];
    int code = CODE_USAGE;
    for (int plain = 0; plain < 2 && (code == CODE_USAGE || (plain == 0 && code != 0)); plain++) {
        int error = begin_again(reading, profile);
        if (error != 0) {
            snprintf(message, size, "out of memory");
            return error;
        }
        code = run_script(perf, fd, path, plain != 0, reading, *profile, words, message, size);
        if (code < 0 && code != -EBADMSG) {
            break;
        }
    }
    if (code == -EBADMSG && words[0] == '\0' && reading->damaged == 0) {
        message[0] = '\0'; /* perf understood it, and there was nothing in it */
        (*profile)->event = (*profile)->event != NULL ? (*profile)->event : strdup("unknown");
        return 0;
    }
    if (code > 0 || code == -EBADMSG) {
        snprintf(message, size, "perf cannot read '%.200s'%s%s", name, words[0] != '\0' ? ": " : "",
                 words[0] != '\0' ? words
                 : code > 0       ? ""
                                  : ": it is damaged, or of another kind of machine");
        return -EBADMSG;
    }
    return code;
}

int tare_perf_data_read(const char *path, const char *perf, struct tare_profile **profile, char *message,
                        size_t message_size)
{
    struct tare__perf_reading reading = {0};
    char *program = NULL, *given = NULL, head[8] = "";
    *profile = NULL;
    int error = 0, fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        error = -errno;
        snprintf(message, message_size, "cannot read '%.200s': %s", path, strerror(-error));
        return error;
    }
    if (pread(fd, head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
        (memcmp(head, "PERFILE2", 8) != 0 && memcmp(head, "2ELIFREP", 8) != 0)) {
        error = -EBADMSG;
        snprintf(message, message_size, "'%.200s' is no data of perf", path);
    } else if (tare_find_program(perf != NULL ? perf : "perf", &program) != 0) {
        error = -ENOENT;
        snprintf(
            message, message_size,
            "'%.200s' is data of perf, and perf is not there to read it: install it, or give the output of "
            "'perf script' from where it is",
            path);
    } else if (asprintf(&given, "%s%s", path[0] == '-' ? "./" : "", path) <
               0) { /* "-": perf's standard input */
        given = NULL;
        error = -ENOMEM;
        snprintf(message, message_size, "out of memory");
    } else {
        error = tare__perf_read(program, fd, given, path, &reading, profile, message, message_size);
    }
    if (error == 0) {
        (*profile)->mode = strdup("perf-script");
        if (reading.too_deep == 0) { /* others end somewhere, too: it cannot be told */
            (*profile)->truncated = TARE_PROFILE_UNKNOWN;
        }
        (*profile)->lost = reading.has_records ? reading.lost : TARE_PROFILE_UNKNOWN;
        (*profile)->threads_missed = TARE_PROFILE_UNKNOWN;
        error = (*profile)->mode != NULL ? 0 : -ENOMEM;
    }
    if (error != 0) {
        tare_profile_free(*profile);
        *profile = NULL;
    } else {
        tare__perf_script_caution(&reading, message, message_size);
    }
    tare_symbols_free(reading.symbols);
    free(given);
    free(program);
    close(fd);
    return error;
}

/* What `perf script` prints, from elsewhere: its names are all there is. */
int tare_perf_script_read(FILE *in, struct tare_profile **profile, char *message, size_t message_size)
{
    struct tare__perf_reading reading = {0};
    *profile = tare_profile_new();
    if (*profile == NULL) {
        snprintf(message, message_size, "out of memory");
        return -ENOMEM;
    }
    int error = tare__perf_script_parse(in, &reading, *profile, message, message_size);
    if (error == 0) {
        (*profile)->mode = strdup("perf-script");
        if (reading.too_deep == 0) { /* others end somewhere, too: it cannot be told */
            (*profile)->truncated = TARE_PROFILE_UNKNOWN;
        }
        (*profile)->lost = reading.has_records ? reading.lost : TARE_PROFILE_UNKNOWN;
        (*profile)->threads_missed = TARE_PROFILE_UNKNOWN;
        error = (*profile)->mode != NULL ? 0 : -ENOMEM;
    }
    if (error != 0) {
        tare_profile_free(*profile);
        *profile = NULL;
    } else {
        tare__perf_script_caution(&reading, message, message_size);
    }
    return error;
}
