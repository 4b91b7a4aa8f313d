/* SPDX-License-Identifier: MIT */
/*
 * The layout of perf.data, of which only the frame is read here: Documentation/perf.data-file-format.txt under
 * tools/perf of the kernel.
 *
 *     file                                     pipe
 *     header: magic, sizes, places (104)       header: magic, its size (16)
 *     attributes, each with the place of ids   HEADER_ATTR event for each, ids behind it
 *     data: events                             HEADER_FEATURE events, for those that are of use
 *     places of the features, features         events, as they are
 */
#include "record/perf_child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "record/clean.h"

extern char **environ;

enum { ASK_SILENCE_S = 5 };

/* ---- a child ---- */

static bool is_set(const char *variable, const char *const *set)
{
    for (; *set != NULL; set++) {
        size_t length = strcspn(*set, "=") + 1;
        if (strncmp(*set, variable, length) == 0) {
            return true;
        }
    }
    return false;
}

/* Ours, with what decides on how figures are printed and on whom perf asks. The strings are not the caller's. */
static char **plain_environment(void)
{
    static const char *const set[] = {"LC_ALL=C", "PERF_CONFIG=/dev/null", "DEBUGINFOD_URLS=", "PAGER=cat",
                                      NULL};
    const size_t added = sizeof(set) / sizeof(set[0]);
    size_t count = 0, at = 0;
    while (environ[count] != NULL) {
        count++;
    }
    char **list = calloc(count + added, sizeof(*list));
    for (size_t i = 0; list != NULL && i < count; i++) {
        if (!is_set(environ[i], set)) {
            list[at++] = environ[i];
        }
    }
    for (size_t i = 0; list != NULL && set[i] != NULL; i++) {
        list[at++] = (char *)(uintptr_t)set[i];
    }
    return list;
}

int tare__perf_start(char *const *argv, int in, int out, bool apart, struct tare__perf_child *child)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    *child = (struct tare__perf_child){.errors = memfd_create("tare-perf", MFD_CLOEXEC)};
    char **environment = plain_environment();
    int error = child->errors < 0 ? errno : environment == NULL ? ENOMEM : 0;
    if (error == 0 && (error = posix_spawn_file_actions_init(&actions)) == 0) {
        if ((error = posix_spawnattr_init(&attributes)) == 0) {
            sigset_t none;
            sigemptyset(&none);
            posix_spawnattr_setsigmask(&attributes, &none);
            posix_spawnattr_setflags(&attributes, apart ? POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP
                                                        : POSIX_SPAWN_SETSIGMASK);
            error = in >= 0
                        ? posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO)
                        : posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
            error = error != 0 ? error
                    : out >= 0
                        ? posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO)
                        : posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
            error =
                error != 0 ? error : posix_spawn_file_actions_adddup2(&actions, child->errors, STDERR_FILENO);
            error = error != 0 ? error
                               : posix_spawn(&child->pid, argv[0], &actions, &attributes, argv, environment);
            posix_spawnattr_destroy(&attributes);
        }
        posix_spawn_file_actions_destroy(&actions);
    }
    free(environment);
    if (error != 0 && child->errors >= 0) {
        close(child->errors);
        child->errors = -1;
    }
    return -error;
}

/* Of what perf says: not that it is about to say something, and not how much it wrote. */
static bool says_something(const char *line)
{
    static const char *const nothing[] = {"Error:", "Warning:", "WARNING:", "[ perf record:", "Usage:", ""};
    for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++) {
        size_t length = strlen(nothing[i]);
        if (i < 3 || i == 5 ? strcmp(line, nothing[i]) == 0 : strncmp(line, nothing[i], length) == 0) {
            return false;
        }
    }
    return true;
}

static void first_words(int fd, char *words, size_t size)
{
    char text[4096];
    words[0] = '\0';
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
    if (n <= 0) {
        return;
    }
    text[n] = '\0';
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        line += strspn(line, " \t");
        size_t length = strlen(line);
        while (length > 0 && strchr(" \t\r.", line[length - 1]) != NULL) {
            line[--length] = '\0';
        }
        if (says_something(line)) {
            snprintf(words, size, "%s", line);
            tare__clean_text(words);
            return;
        }
    }
}

int tare__perf_end(struct tare__perf_child *child, char *words, size_t size)
{
    int status = 0;
    pid_t pid;
    do {
        pid = waitpid(child->pid, &status, 0);
    } while (pid < 0 && errno == EINTR); /* ECHILD: SIGCHLD is ignored, and nobody knows how it ended */
    first_words(child->errors, words, size);
    close(child->errors);
    *child = (struct tare__perf_child){.errors = -1};
    return pid < 0 ? 0 : WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Clock ticks of the processor that it and its ended children took. False: it has ended, runs, or waits for a disk. */
static bool idle_so_far(pid_t pid, unsigned long long *ticks)
{
    char path[64], text[1024];
    snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
    if (fd >= 0) {
        close(fd);
    }
    text[n > 0 ? n : 0] = '\0';
    const char *behind = strrchr(text, ')'); /* of the name, which may have brackets itself */
    unsigned long long taken[4];
    char state;
    if (behind == NULL || sscanf(behind, ") %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %llu %llu",
                                 &state, &taken[0], &taken[1], &taken[2], &taken[3]) != 5) {
        return false;
    }
    *ticks = taken[0] + taken[1] + taken[2] + taken[3];
    return state != 'D' && state != 'Z' && state != 'R';
}

/*
 * Seconds are counted one by one, as far as we ran ourselves: while the terminal has both of us stopped, none goes by.
 */
static ssize_t watched_read(void *cookie, char *to, size_t size)
{
    struct tare__perf_watch *watch = cookie;
    unsigned long long before = 0, now = 0;
    for (unsigned silent_s = 0; silent_s < watch->limit_s;) {
        struct pollfd input = {.fd = watch->fd, .events = POLLIN};
        int ready = poll(&input, 1, 1000);
        if (ready > 0) {
            ssize_t n = read(watch->fd, to, size);
            if (n >= 0 || errno != EINTR) {
                return n;
            }
        } else if (ready < 0 && errno != EINTR) {
            return -1;
        } else if (ready == 0) {
            bool idle = idle_so_far(watch->pid, &now) && now == before;
            before = idle ? before : now;
            silent_s = idle ? silent_s + 1 : 0;
        }
    }
    watch->silent = true;
    kill(watch->pid, SIGKILL);
    return 0;
}

static int watched_close(void *cookie)
{
    struct tare__perf_watch *watch = cookie;
    return close(watch->fd);
}

FILE *tare__perf_output(struct tare__perf_watch *watch, int fd)
{
    watch->fd = fd;
    FILE *out = fopencookie(watch, "r", (cookie_io_functions_t){.read = watched_read, .close = watched_close});
    if (out != NULL) {
        setvbuf(out, NULL, _IOFBF, 1 << 16);
    }
    return out;
}

int tare__perf_ask(char *const *argv, char *text, size_t text_size, char *words, size_t words_size)
{
    struct tare__perf_child child;
    int fds[2];
    text[0] = words[0] = '\0';
    if (pipe2(fds, O_CLOEXEC) != 0) {
        return -errno;
    }
    int error = tare__perf_start(argv, -1, fds[1], false, &child);
    close(fds[1]);
    if (error == 0) {
        struct tare__perf_watch watch = {.pid = child.pid, .limit_s = ASK_SILENCE_S, .fd = fds[0]};
        size_t length = 0;
        char spill[4096];
        for (ssize_t n = 1; n > 0;) {
            bool room = length + 1 < text_size;
            n = watched_read(&watch, room ? text + length : spill,
                             room ? text_size - length - 1 : sizeof(spill));
            length += room && n > 0 ? (size_t)n : 0;
        }
        text[length] = '\0';
        error = tare__perf_end(&child, words, words_size);
        if (watch.silent) {
            error = -ETIMEDOUT;
            snprintf(words, words_size, "it did nothing for %d s, and was ended", ASK_SILENCE_S);
        }
    }
    close(fds[0]);
    return error;
}

/* ---- files ---- */

const char *tare__perf_folder(void)
{
    const char *folder = getenv("TMPDIR");
    return folder != NULL && folder[0] == '/' ? folder : "/tmp";
}

int tare__perf_unnamed_file(void)
{
    char name[4096];
    int fd = open(tare__perf_folder(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0) {
        return fd;
    }
    int length = snprintf(name, sizeof(name), "%s/tare-perf-XXXXXX", tare__perf_folder());
    if (length < 0 || (size_t)length >= sizeof(name)) {
        return -ENAMETOOLONG;
    }
    fd = mkostemp(name, O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    unlink(name);
    return fd;
}

/* ---- perf.data as a stream ---- */

struct place {
    uint64_t offset, size;
};

struct file_header {
    char magic[8];
    uint64_t size, attribute_size;
    struct place attributes, data, event_types;
    uint64_t features[4];
};
_Static_assert(sizeof(struct file_header) == 104, "as perf writes it");

enum {
    EVENT_ATTR = 64,    /* PERF_RECORD_HEADER_ATTR */
    EVENT_FEATURE = 80, /* PERF_RECORD_HEADER_FEATURE */
    EVENT_SIZE_MAX = 65528,
    ATTRIBUTE_MIN = 64, /* of struct perf_event_attr, ever */
    ATTRIBUTE_MAX = 4096,
    ATTRIBUTES_MAX = 1024,
    FEATURES = 256,
    PIPE_BYTES = 1 << 20,
};

/* Bits of features, as perf numbers them. */
#define FEATURE(n) (UINT64_C(1) << (n))
#define FEATURES_NOT_STREAMED                                                                                  \
    (FEATURE(1) | FEATURE(18) | FEATURE(24) | FEATURE(27)) /* tracing, aux, dir, zstd */
#define FEATURES_PASSED_ON                                                                                     \
    (FEATURE(3) | FEATURE(4) | FEATURE(5) | FEATURE(6) | FEATURE(7) | FEATURE(12)) /* host .. cpus, events */

static bool read_at(int fd, void *data, size_t size, uint64_t offset)
{
    return offset <= INT64_MAX - size && pread(fd, data, size, (off_t)offset) == (ssize_t)size;
}

static bool write_all(int fd, const void *data, size_t size)
{
    const char *at = data;
    while (size > 0) {
        ssize_t n = write(fd, at, size);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        at += n;
        size -= (size_t)n;
    }
    return true;
}

static bool write_event(int to, uint32_t type, char *event, size_t size)
{
    const uint16_t misc = 0, short_size = (uint16_t)size;
    memcpy(event, &type, sizeof(type));
    memcpy(event + 4, &misc, sizeof(misc));
    memcpy(event + 6, &short_size, sizeof(short_size));
    return write_all(to, event, size);
}

static bool plausible(const struct file_header *header, uint64_t file_size)
{
    const struct place *attributes = &header->attributes, *data = &header->data;
    return memcmp(header->magic, "PERFILE2", 8) == 0 && header->size == sizeof(*header) &&
           header->attribute_size >= ATTRIBUTE_MIN + sizeof(struct place) &&
           header->attribute_size <= ATTRIBUTE_MAX && attributes->size != 0 &&
           attributes->size % header->attribute_size == 0 &&
           attributes->size / header->attribute_size <= ATTRIBUTES_MAX && attributes->offset <= file_size &&
           attributes->size <= file_size - attributes->offset && data->offset <= file_size &&
           data->size <= file_size - data->offset && data->size != 0 &&
           (header->features[0] & FEATURES_NOT_STREAMED) == 0;
}

static bool write_attributes(int fd, int to, const struct file_header *header, char *event)
{
    size_t size = (size_t)header->attribute_size - sizeof(struct place);
    for (uint64_t at = 0; at < header->attributes.size; at += header->attribute_size) {
        struct place ids;
        uint64_t from = header->attributes.offset + at;
        if (!read_at(fd, event + 8, size, from) || !read_at(fd, &ids, sizeof(ids), from + size) ||
            ids.size > EVENT_SIZE_MAX - 8 - size || ids.size % 8 != 0 ||
            !read_at(fd, event + 8 + size, (size_t)ids.size, ids.offset) ||
            !write_event(to, EVENT_ATTR, event, 8 + size + (size_t)ids.size)) {
            return false;
        }
    }
    return true;
}

static bool write_features(int fd, int to, const struct file_header *header, char *event)
{
    uint64_t places = header->data.offset + header->data.size, index = 0;
    for (uint64_t bit = 0; bit < FEATURES; bit++) {
        struct place place;
        if ((header->features[bit / 64] & FEATURE(bit % 64)) == 0) {
            continue;
        }
        if (!read_at(fd, &place, sizeof(place), places + index++ * sizeof(place))) {
            return true; /* it was not ended in order: there are none */
        }
        if (bit >= 64 || (FEATURES_PASSED_ON & FEATURE(bit)) == 0 || place.size > EVENT_SIZE_MAX - 24) {
            continue;
        }
        size_t size = 16 + ((size_t)place.size + 7) / 8 * 8;
        memset(event, 0, size);
        memcpy(event + 8, &bit, sizeof(bit));
        if (read_at(fd, event + 16, (size_t)place.size, place.offset) &&
            !write_event(to, EVENT_FEATURE, event, size)) {
            return false;
        }
    }
    return true;
}

static void write_stream(int fd, int to, const struct file_header *header)
{
    static char event[EVENT_SIZE_MAX + 8];
    const uint64_t size = 16;
    if (!write_all(to, header->magic, 8) || !write_all(to, &size, sizeof(size)) ||
        !write_attributes(fd, to, header, event) || !write_features(fd, to, header, event)) {
        return;
    }
    off_t at = (off_t)header->data.offset, end = at + (off_t)header->data.size;
    while (at < end) {
        size_t left = end - at < PIPE_BYTES ? (size_t)(end - at) : PIPE_BYTES;
        ssize_t n = splice(fd, &at, to, NULL, left, 0);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return; /* whoever reads sees an end within an event, and says so */
        }
    }
}

int tare__perf_stream(int fd, pid_t *writer)
{
    struct file_header header;
    struct stat status;
    int fds[2];
    if (fstat(fd, &status) != 0) {
        return -errno;
    }
    if (!S_ISREG(status.st_mode) || !read_at(fd, &header, sizeof(header), 0) ||
        !plausible(&header, (uint64_t)status.st_size)) {
        return -ENOTSUP;
    }
    if (pipe2(fds, O_CLOEXEC) != 0) {
        return -errno;
    }
    fcntl(fds[1], F_SETPIPE_SZ, PIPE_BYTES); /* if it may be; it is only faster */
    *writer = fork();
    if (*writer == 0) {
        close(fds[0]);
        signal(SIGPIPE, SIG_DFL);
        write_stream(fd, fds[1], &header);
        _exit(0);
    }
    close(fds[1]);
    if (*writer < 0) {
        close(fds[0]);
        return -EAGAIN;
    }
    return fds[0];
}
