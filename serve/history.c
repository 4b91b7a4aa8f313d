/* SPDX-License-Identifier: MIT */
/* The program's end is asked for, and not waited for: standard output may be closed before it. */
#include "serve/history.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "record/sha256.h"

#define SECOND_NS UINT64_C(1000000000)
enum {
    NICE = 10,                /* who looks at history can wait; who watches sees samples */
    ASK_NS = 5 * 1000 * 1000, /* whether it has ended, after its output has */
    ROUNDS = 64,              /* of reading before others get their turn: 4 MiB */
};

#ifdef __GLIBC__
#if __GLIBC_PREREQ(2, 34)
#define HAVE_CLOSEFROM
#endif
#endif

extern char **environ;

void tare__history_init(struct tare__history *history, const char *const *command)
{
    *history = (struct tare__history){.command = command, .fd = -1, .errors_fd = -1};
}

bool tare__history_is_fresh(const struct tare__history *history, uint64_t now_ns)
{
    uint64_t rest_ns = 10 * history->took_ns;
    rest_ns = rest_ns > TARE_SERVE_HISTORY_REST_S * SECOND_NS ? rest_ns : TARE_SERVE_HISTORY_REST_S * SECOND_NS;
    return history->begun_ns != 0 && history->pid == 0 && now_ns - history->begun_ns < rest_ns;
}

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
    *fd = -1;
}

/* Standard input is empty, all that we have open stays ours, and signals are as a shell would have them. */
static int spawn(struct tare__history *history, int to)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    int failure = posix_spawn_file_actions_init(&actions);
    if (failure != 0) {
        return -failure;
    }
    failure = posix_spawnattr_init(&attributes);
    if (failure != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return -failure;
    }
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    failure = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    failure = failure == 0 ? posix_spawn_file_actions_adddup2(&actions, to, STDOUT_FILENO) : failure;
    failure =
        failure == 0 ? posix_spawn_file_actions_adddup2(&actions, history->errors_fd, STDERR_FILENO) : failure;
#ifdef HAVE_CLOSEFROM /* else what we open is closed by exec, all the same */
    failure = failure == 0 ? posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1) : failure;
#endif
    if (failure == 0) {
        failure = posix_spawn(&history->pid, history->command[0], &actions, &attributes,
                              (char *const *)(uintptr_t)(history->command + 1), environ);
    }
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return -failure;
}

int tare__history_begin(struct tare__history *history, uint64_t now_ns)
{
    int ends[2] = {-1, -1};
    history->begun_ns = now_ns;
    history->took_ns = 0;
    history->too_large = history->too_late = false;
    history->errors_fd = memfd_create("errors", MFD_CLOEXEC);
    int failure = history->errors_fd < 0 || pipe2(ends, O_CLOEXEC) != 0 ? -errno : 0;
    failure = failure == 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0 ? -errno : failure;
    failure = failure == 0 ? spawn(history, ends[1]) : failure;
    close_fd(&ends[1]);
    if (failure != 0) {
        close_fd(&ends[0]);
        close_fd(&history->errors_fd);
        history->pid = 0;
        tare__text_drop(history->document);
        history->document = NULL;
        snprintf(history->problem, sizeof(history->problem), "cannot run '%.150s': %s", history->command[0],
                 strerror(-failure));
        return failure;
    }
    setpriority(PRIO_PROCESS, (id_t)history->pid, NICE);
    history->fd = ends[0];
    return 0;
}

/* "made" is when, and changes with nothing else: it is left out. */
static void hash_document(const struct tare__text *document, char etag[20])
{
    static const char made[] = "\"made\":\"";
    struct tare_sha256 hash;
    uint8_t digest[TARE_SHA256_BYTES];
    size_t size = document->size;
    const char *at = memmem(document->bytes, size, made, strlen(made));
    const char *end = at != NULL
                          ? memchr(at + strlen(made), '"', size - (size_t)(at + strlen(made) - document->bytes))
                          : NULL;
    size_t before = end != NULL ? (size_t)(at - document->bytes) : 0;
    size_t behind = end != NULL ? (size_t)(end - document->bytes) : 0;
    tare_sha256_init(&hash);
    tare_sha256_add(&hash, document->bytes, before);
    tare_sha256_add(&hash, document->bytes + behind, size - behind);
    tare_sha256_finish(&hash, digest);
    etag[0] = '"';
    for (int i = 0; i < 8; i++) {
        snprintf(etag + 1 + 2 * i, 3, "%02x", digest[i]);
    }
    strcpy(etag + 17, "\"");
}

/* The last line that it said, without who said it. */
static void take_problem(struct tare__history *history, int status)
{
    char text[2048];
    static const char own[] = "tare: ";
    if (history->too_large || history->too_late) {
        snprintf(history->problem, sizeof(history->problem),
                 history->too_large
                     ? "the history is larger than %zu bytes: 'tare history html' makes a page of a part"
                     : "the history took longer than %zu s to read",
                 history->too_large ? TARE_SERVE_HISTORY_BYTES : (size_t)TARE_SERVE_HISTORY_TIME_S);
        return;
    }
    off_t size = lseek(history->errors_fd, 0, SEEK_END);
    off_t from = size > (off_t)sizeof(text) - 1 ? size - (off_t)sizeof(text) + 1 : 0;
    ssize_t got = size > 0 ? pread(history->errors_fd, text, sizeof(text) - 1, from) : 0;
    text[got > 0 ? got : 0] = '\0';
    for (ssize_t end = got; end > 0 && (text[end - 1] == '\n' || text[end - 1] == ' ');) {
        text[--end] = '\0';
    }
    const char *line = strrchr(text, '\n');
    line = line != NULL ? line + 1 : text;
    line += strncmp(line, own, strlen(own)) == 0 ? strlen(own) : 0;
    if (*line != '\0') {
        snprintf(history->problem, sizeof(history->problem), "%.*s", (int)sizeof(history->problem) - 1, line);
    } else if (WIFSIGNALED(status)) {
        snprintf(history->problem, sizeof(history->problem), "what reads the history was killed by signal %d",
                 WTERMSIG(status));
    } else {
        snprintf(history->problem, sizeof(history->problem),
                 "what reads the history ended with %d, and said nothing", WEXITSTATUS(status));
    }
}

static void finish(struct tare__history *history, int status, uint64_t now_ns)
{
    history->pid = 0;
    history->took_ns = now_ns - history->begun_ns;
    history->problem[0] = '\0';
    bool fine = WIFEXITED(status) && WEXITSTATUS(status) == 0 && !history->too_large && !history->too_late;
    struct tare__text *document = fine ? tare__buffer_share(&history->made) : NULL;
    free(history->made.bytes);
    history->made = (struct tare__buffer){0};
    if (!fine) {
        take_problem(history, status);
    } else if (document == NULL) {
        snprintf(history->problem, sizeof(history->problem), "out of memory");
    }
    close_fd(&history->errors_fd);
    char etag[sizeof(history->etag)] = "";
    if (document != NULL) {
        hash_document(document, etag);
    }
    if (document != NULL && history->document != NULL && strcmp(etag, history->etag) == 0) {
        tare__text_drop(document); /* those who have it already share it */
        return;
    }
    tare__text_drop(history->document);
    history->document = document;
    strcpy(history->etag, etag);
}

static void kill_it(struct tare__history *history)
{
    kill(history->pid, SIGKILL);
    close_fd(&history->fd);
}

static void read_some(struct tare__history *history)
{
    static char bytes[64 << 10]; /* one thread */
    for (int round = 0; history->fd >= 0 && round < ROUNDS; round++) {
        ssize_t got = read(history->fd, bytes, sizeof(bytes));
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        if (got <= 0) {
            close_fd(&history->fd);
        } else if (history->made.size + (size_t)got > TARE_SERVE_HISTORY_BYTES) {
            history->too_large = true;
            kill_it(history);
        } else {
            tare__buffer_add(&history->made, bytes, (size_t)got);
        }
    }
}

bool tare__history_go_on(struct tare__history *history, uint64_t now_ns)
{
    int status;
    if (history->pid == 0) {
        return false;
    }
    read_some(history);
    if (!history->too_late && now_ns - history->begun_ns > TARE_SERVE_HISTORY_TIME_S * SECOND_NS) {
        history->too_late = true;
        kill_it(history);
    }
    if (history->fd >= 0 || waitpid(history->pid, &status, WNOHANG) != history->pid) {
        return false;
    }
    finish(history, status, now_ns);
    return true;
}

uint64_t tare__history_due_ns(const struct tare__history *history, uint64_t now_ns)
{
    if (history->pid == 0) {
        return UINT64_MAX;
    }
    return history->fd < 0 ? now_ns + ASK_NS : history->begun_ns + TARE_SERVE_HISTORY_TIME_S * SECOND_NS + 1;
}

void tare__history_release(struct tare__history *history)
{
    if (history->pid != 0) {
        kill_it(history);
        waitpid(history->pid, NULL, 0);
        history->pid = 0;
    }
    close_fd(&history->errors_fd);
    free(history->made.bytes);
    history->made = (struct tare__buffer){0};
    tare__text_drop(history->document);
    history->document = NULL;
}
