/* SPDX-License-Identifier: MIT */
/*
 * A build is a tree of processes: a shell, make, compilers. It gets a session of its own, so that the
 * terminal's Ctrl-C reaches us alone and we decide: the whole group is asked to end (make then removes what it
 * has half made), and killed two seconds later; at once, if we are killed. A session has no terminal, either:
 * what would ask for a password there fails instead of waiting for an answer that nobody is shown the question
 * for.
 */
#include "record/build.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "record/clean.h"
#include "record/discover.h"
#include "record/folders.h"
#include "record/monotonic.h"

extern char **environ;

enum {
    DEATH = SIGUSR2, /* of the parent */
    LOOK_NS = 100000000,
    CODE_SIGNALED = 128,
    OUTPUT_LINES = 20,
    OUTPUT_BYTES = 4096,
};

#define GRACE_NS UINT64_C(2000000000)
#define LOG_MAX ((off_t)64 << 20) /* of a log: what comes before is thrown away then */

static const int interrupts[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

void tare_build_trouble_release(struct tare_build_trouble *trouble)
{
    free(trouble->message);
    free(trouble->output);
    free(trouble->log);
    *trouble = (struct tare_build_trouble){0};
}

int tare__trouble(struct tare_build_trouble *trouble, int error, const char *format, ...)
{
    if (trouble == NULL) {
        return error;
    }
    char *message = NULL;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&message, format, arguments) < 0) {
        message = NULL;
    }
    va_end(arguments);
    if (message != NULL) {
        tare__clean_text(message);
    }
    free(trouble->message);
    trouble->message = message;
    return error;
}

void tare__notice(const struct tare_build_watch *watch, const char *format, ...)
{
    char *line = NULL;
    if (watch == NULL || watch->notice == NULL) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&line, format, arguments) < 0) {
        line = NULL;
    }
    va_end(arguments);
    if (line != NULL) {
        tare__clean_text(line);
        watch->notice(watch->data, line);
        free(line);
    }
}

/* Those of them that were ignored when we were started (nohup's SIGHUP) stay ignored. */
static void make_set(sigset_t *set)
{
    sigemptyset(set);
    for (size_t i = 0; i < sizeof(interrupts) / sizeof(interrupts[0]); i++) {
        struct sigaction action;
        if (sigaction(interrupts[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN) {
            sigaddset(set, interrupts[i]);
        }
    }
}

/* Takes one that waits; 0: none. */
static int take_interrupt(void)
{
    sigset_t set;
    make_set(&set);
    int got = sigtimedwait(&set, NULL, &(struct timespec){0, 0});
    return got > 0 ? got : 0;
}

void tare__signals_block(sigset_t *before)
{
    sigset_t set;
    make_set(&set);
    sigprocmask(SIG_BLOCK, &set, before);
}

int tare__signals_unblock(const sigset_t *before)
{
    int last = 0;
    /* Also one that the caller himself keeps blocked: he hears of it from us. */
    for (int got = take_interrupt(); got != 0; got = take_interrupt()) {
        last = got;
    }
    sigprocmask(SIG_SETMASK, before, NULL);
    return last;
}

static bool is_named(const char *variable, const char *name)
{
    size_t length = strcspn(name, "=");
    return strncmp(variable, name, length) == 0 && variable[length] == '=';
}

/*
 * Our environment with the changes; the array is ours, the strings are not. What `git rev-parse
 * --local-env-vars` names is set by hooks and aliases, for their repository. A make that runs us has its jobs
 * counted by pipes that its children do not have.
 */
static char **make_environment(const char *const *set)
{
    static const char *const dropped[] = {"GIT_ALTERNATE_OBJECT_DIRECTORIES",
                                          "GIT_CONFIG",
                                          "GIT_CONFIG_PARAMETERS",
                                          "GIT_CONFIG_COUNT",
                                          "GIT_OBJECT_DIRECTORY",
                                          "GIT_DIR",
                                          "GIT_WORK_TREE",
                                          "GIT_IMPLICIT_WORK_TREE",
                                          "GIT_GRAFT_FILE",
                                          "GIT_INDEX_FILE",
                                          "GIT_NO_REPLACE_OBJECTS",
                                          "GIT_REPLACE_REF_BASE",
                                          "GIT_PREFIX",
                                          "GIT_SHALLOW_FILE",
                                          "GIT_COMMON_DIR",
                                          "GIT_NAMESPACE"};
    static const char *const of_make[] = {"MAKELEVEL", "MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES"};
    bool within_make = getenv("MAKELEVEL") != NULL;
    size_t count = 0, added = 0, used = 0;
    while (environ != NULL && environ[count] != NULL) {
        count++;
    }
    while (set != NULL && set[added] != NULL) {
        added++;
    }
    char **list = calloc(count + added + 1, sizeof(*list));
    if (list == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        bool drop = false;
        for (size_t k = 0; k < sizeof(dropped) / sizeof(dropped[0]); k++) {
            drop = drop || is_named(environ[i], dropped[k]);
        }
        for (size_t k = 0; within_make && k < sizeof(of_make) / sizeof(of_make[0]); k++) {
            drop = drop || is_named(environ[i], of_make[k]);
        }
        for (size_t k = 0; k < added; k++) {
            drop = drop || is_named(environ[i], set[k]);
        }
        if (!drop) {
            list[used++] = environ[i];
        }
    }
    for (size_t i = 0; i < added; i++) {
        list[used++] = (char *)(uintptr_t)set[i];
    }
    return list;
}

/* Descriptors 0, 1 and 2, also where we were started without them. */
static bool redirect(int output, int errors)
{
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    /* Copies out of the way first: any of them may have the number of another one's target. */
    int out = nowhere < 0 ? -1 : fcntl(output >= 0 ? output : nowhere, F_DUPFD_CLOEXEC, 3);
    int err = out < 0 ? -1 : fcntl(errors >= 0 ? errors : nowhere, F_DUPFD_CLOEXEC, 3);
    int in = err < 0 ? -1 : fcntl(nowhere, F_DUPFD_CLOEXEC, 3);
    return in >= 0 && dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 &&
           dup2(err, STDERR_FILENO) >= 0;
}

/* What the supervisor changes of signals, and how they were. */
struct dispositions {
    struct sigaction interrupts[sizeof(interrupts) / sizeof(interrupts[0])];
    struct sigaction death;
};

/* Becomes the program, or writes errno into `report` and ends. */
static _Noreturn void become(const struct tare__command *command, char **environment, const sigset_t *mask,
                             int report, const struct dispositions *before)
{
    int safe = fcntl(report, F_DUPFD_CLOEXEC, 3);
    if (safe >= 0 && redirect(command->output, command->errors) &&
        (command->folder == NULL || chdir(command->folder) == 0)) {
        for (size_t i = 0; i < sizeof(interrupts) / sizeof(interrupts[0]); i++) {
            sigaction(interrupts[i], &before->interrupts[i], NULL);
        }
        sigaction(DEATH, &before->death, NULL);
        sigprocmask(SIG_SETMASK, mask, NULL);
        environ = environment;
        execvp(command->argv[0], (char *const *)(uintptr_t)command->argv);
    }
    int error = errno;
    ssize_t written = write(safe >= 0 ? safe : report, &error, sizeof(error));
    _exit(written == (ssize_t)sizeof(error) ? 127 : 126);
}

/* Sends SIGKILL to each child we have now. False where the kernel does not list them. For signal handlers. */
static bool kill_children(void)
{
    char text[4096];
    int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, text, sizeof(text)) : -1;
    if (fd >= 0) {
        close(fd);
    }
    pid_t pid = 0;
    for (ssize_t i = 0; i < got; i++) {
        if (isdigit((unsigned char)text[i])) {
            pid = pid * 10 + (text[i] - '0');
        } else if (pid > 0) { /* a number that was cut off is left for the next time */
            kill(pid, SIGKILL);
            pid = 0;
        }
    }
    return got >= 0;
}

/*
 * Not all at once, which would take us along: our lock would be free while one of them is still in the system
 * call in which the signal found it, which may be the one that writes the executable. Whose parent dies becomes
 * our child.
 */
static void end_all(int signal)
{
    (void)signal;
    do {
        if (!kill_children()) {
            kill(0, SIGKILL);
        }
    } while (waitpid(-1, NULL, 0) > 0 || errno == EINTR);
    _exit(126);
}

/*
 * A process between us and the program, at the head of its session, which ends all of it if we are killed: what
 * a build does after that would be done to files that somebody else has put in order. It also keeps our locks
 * until then, as it is a copy of us. It outlives what ends the program, and hands its exit code on.
 */
static _Noreturn void supervise(const struct tare__command *command, char **environment, const sigset_t *mask,
                                int report, pid_t parent)
{
    const struct sigaction ignored = {.sa_handler = SIG_IGN}, standard = {.sa_handler = SIG_DFL};
    struct sigaction deadly = {.sa_handler = end_all};
    struct dispositions before;
    sigset_t death;
    setsid();
    for (size_t i = 0; i < sizeof(interrupts) / sizeof(interrupts[0]); i++) {
        sigaction(interrupts[i], &ignored, &before.interrupts[i]);
    }
    sigaction(SIGPIPE, &standard, NULL);
    sigaction(DEATH, &deadly, &before.death);
    sigemptyset(&death);
    sigaddset(&death, DEATH);
    sigprocmask(SIG_UNBLOCK, &death, NULL);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0 || prctl(PR_SET_PDEATHSIG, DEATH) != 0 || getppid() != parent) {
        _exit(126);
    }
    pid_t pid = fork();
    if (pid == 0) {
        become(command, environment, mask, report, &before);
    }
    close(report);
    int status = 0;
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    _exit(pid < 0 ? 126 : WIFSIGNALED(status) ? CODE_SIGNALED + WTERMSIG(status) : WEXITSTATUS(status));
}

/* A command under way. */
struct child {
    const struct tare__command *command;
    pid_t pid;
    uint64_t started_ns, stopped_ns; /* 0: not told to end */
    bool killed;
    int interrupted;
    bool late; /* its time was up */
};

static void stop(struct child *child)
{
    uint64_t now_ns = tare__monotonic_ns();
    if (child->stopped_ns == 0) {
        child->stopped_ns = now_ns;
        kill(-child->pid, SIGTERM);
        kill(-child->pid, SIGCONT); /* a stopped one would not notice */
    } else if (!child->killed && now_ns - child->stopped_ns > GRACE_NS) {
        child->killed = true;
        kill(-child->pid, SIGKILL);
    }
}

/* A runaway build must not fill the disk with its words. */
static void limit_log(int fd)
{
    struct stat status;
    if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > LOG_MAX) {
        (void)!ftruncate(fd, 0);
    }
}

static void look(struct child *child)
{
    const struct tare__command *command = child->command;
    double elapsed_s = (double)(tare__monotonic_ns() - child->started_ns) / 1e9;
    child->late = child->late || (command->timeout_s > 0 && elapsed_s >= command->timeout_s);
    if (child->late || (child->interrupted != 0 && !command->deaf)) {
        stop(child);
    }
    if (command->watch != NULL && command->watch->progress != NULL && command->what != NULL) {
        command->watch->progress(command->watch->data, command->what, elapsed_s);
    }
    limit_log(command->output);
}

/* Waits for a signal to us or the child's end, a tenth of a second at most. */
static void doze(struct child *child, bool ended)
{
    sigset_t set;
    if (child->command->deaf) {
        sigemptyset(&set);
    } else {
        make_set(&set);
    }
    if (!ended) {
        sigaddset(&set, SIGCHLD);
    }
    uint64_t wait_ns = ended ? LOOK_NS / 10 : LOOK_NS;
    int got = sigtimedwait(&set, NULL, &(struct timespec){0, (long)wait_ns});
    if (got > 0 && got != SIGCHLD) {
        child->interrupted = got;
    }
}

/*
 * Whether somebody in the group has not ended. Orphans that have are still in it for as long as nobody has
 * waited for them, which in a container may be forever.
 */
static bool is_anybody_left(pid_t group)
{
    if (kill(-group, 0) != 0) {
        return false;
    }
    DIR *proc = opendir("/proc");
    bool left = proc == NULL;
    for (struct dirent *entry = proc != NULL ? readdir(proc) : NULL; entry != NULL && !left;
         entry = readdir(proc)) {
        pid_t pid = isdigit((unsigned char)entry->d_name[0]) ? (pid_t)atoi(entry->d_name) : 0;
        left = pid > 0 && getpgid(pid) == group && !tare_process_ended(pid);
    }
    if (proc != NULL) {
        closedir(proc);
    }
    return left;
}

/* Until it has ended, and who is left of its session. Returns wait's status, or -errno. */
static int await(struct child *child, int *status)
{
    for (;;) {
        pid_t got = waitpid(child->pid, status, WNOHANG);
        if (got < 0 && errno != EINTR) {
            return -errno;
        }
        if (got == child->pid) {
            break;
        }
        look(child);
        doze(child, false);
    }
    /* Its number stays taken for as long as there is somebody in its group. */
    uint64_t since_ns = tare__monotonic_ns();
    while (is_anybody_left(child->pid) && tare__monotonic_ns() - since_ns < 2 * GRACE_NS) {
        stop(child);
        doze(child, true);
    }
    return 0;
}

int tare__command_run(const struct tare__command *command, int *interrupted)
{
    int report[2], status = 0, result, exec_error = 0;
    sigset_t set, before;
    struct sigaction standard = {.sa_handler = SIG_DFL}, child_before;
    struct child child = {.command = command, .started_ns = tare__monotonic_ns()};
    char **environment = make_environment(command->set);
    *interrupted = 0;
    if (environment == NULL) {
        return -ENOMEM;
    }
    if (pipe2(report, O_CLOEXEC) != 0) {
        result = -errno;
        free(environment);
        return result;
    }
    make_set(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, &before);
    sigaction(SIGCHLD, &standard, &child_before); /* ignored, it would have the kernel reap our child */
    child.interrupted = command->deaf ? 0 : take_interrupt();
    pid_t self = getpid();
    child.pid = child.interrupted != 0 ? -1 : fork();
    if (child.pid == 0) {
        /* The mask of before us, not of our caller, who may keep signals away already. */
        sigset_t mask = before;
        for (size_t i = 0; i < sizeof(interrupts) / sizeof(interrupts[0]); i++) {
            sigdelset(&mask, interrupts[i]);
        }
        supervise(command, environment, &mask, report[1], self);
    }
    result = child.pid < 0 ? -errno : 0;
    close(report[1]);
    if (child.pid > 0) {
        ssize_t n;
        do {
            n = read(report[0], &exec_error, sizeof(exec_error)); /* ends when exec closes the other side */
        } while (n < 0 && errno == EINTR);
        exec_error = n == (ssize_t)sizeof(exec_error) ? exec_error : 0;
        result = await(&child, &status);
    }
    close(report[0]);
    sigaction(SIGCHLD, &child_before, NULL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    free(environment);
    *interrupted = child.interrupted;
    return child.interrupted != 0 ? -EINTR
           : result != 0          ? result
           : exec_error != 0      ? -exec_error
           : child.late           ? -ETIMEDOUT
           : WIFSIGNALED(status)  ? CODE_SIGNALED + WTERMSIG(status)
                                  : WEXITSTATUS(status);
}

char *tare__descriptor_text(int fd, size_t limit)
{
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return NULL;
    }
    size_t size = (uint64_t)status.st_size < limit ? (size_t)status.st_size : limit, used = 0;
    char *text = malloc(size + 1);
    if (text == NULL) {
        return NULL;
    }
    while (used < size) {
        ssize_t got = pread(fd, text + used, size - used, (off_t)used);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            break;
        }
        used += (size_t)got;
    }
    text[used] = '\0';
    return text;
}

/* The last lines, without those that are empty; made fit for a terminal, tabs as blanks. */
static char *last_lines(int fd)
{
    char bytes[OUTPUT_BYTES + 1];
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return NULL;
    }
    off_t from = status.st_size > OUTPUT_BYTES ? status.st_size - OUTPUT_BYTES : 0;
    ssize_t got = pread(fd, bytes, OUTPUT_BYTES, from);
    if (got <= 0) {
        return NULL;
    }
    bytes[got] = '\0';
    /* From the start of a line: what stands before it has been cut. */
    char *text = from > 0 && strchr(bytes, '\n') != NULL ? strchr(bytes, '\n') + 1 : bytes;
    char *lines[OUTPUT_LINES], *rest = text;
    size_t count = 0;
    for (char *line = strsep(&rest, "\n\r"); line != NULL; line = strsep(&rest, "\n\r")) {
        for (char *at = line; *at != '\0'; at++) {
            *at = *at == '\t' ? ' ' : *at;
        }
        if (line[strspn(line, " ")] == '\0') {
            continue;
        }
        if (count == OUTPUT_LINES) {
            memmove(lines, lines + 1, (OUTPUT_LINES - 1) * sizeof(*lines));
            count--;
        }
        lines[count++] = line;
    }
    char *output = count > 0 ? calloc(1, (size_t)got + OUTPUT_LINES + 1) : NULL, *to = output;
    for (size_t i = 0; output != NULL && i < count; i++) {
        tare__clean_text(lines[i]);
        to = stpcpy(stpcpy(to, lines[i]), "\n");
    }
    return output;
}

/* Writes all of it to a file for the user, "tare-build-XXXXXX.log" in the folder for scratch files. */
static char *save(int log)
{
    char *folder, *path = NULL, bytes[4096];
    int fd = -1;
    if (tare__scratch_place(false, &folder) == 0) {
        path = tare__text("%s/tare-build-XXXXXX.log", folder);
        fd = path != NULL ? mkostemps(path, 4, O_CLOEXEC) : -1;
    }
    bool whole = fd >= 0;
    off_t at = 0;
    for (ssize_t got = 1; whole && got > 0; at += got) {
        got = pread(log, bytes, sizeof(bytes), at);
        whole = got >= 0 && write(fd, bytes, (size_t)got) == got;
    }
    if (fd >= 0) {
        close(fd);
    }
    if (!whole) {
        if (fd >= 0) {
            unlink(path);
        }
        free(path);
        path = NULL;
    }
    free(folder);
    return path;
}

static void keep(int log, struct tare_build_trouble *trouble)
{
    free(trouble->output);
    free(trouble->log);
    trouble->output = last_lines(log);
    trouble->log = trouble->output != NULL ? save(log) : NULL;
}

/* Why a command did not come to its end with 0. */
static int explain(const struct tare__shell *shell, int result, struct tare_build_trouble *trouble)
{
    if (result == -EINTR) {
        return tare__trouble(trouble, result, "interrupted while %s", shell->what);
    }
    if (result == -ETIMEDOUT) {
        return tare__trouble(trouble, result, "'%s' was stopped after %g s", shell->command, shell->timeout_s);
    }
    if (result < 0) {
        return tare__trouble(trouble, result, "cannot run '%s' in '%s': %s", shell->command, shell->folder,
                             strerror(-result));
    }
    if (result > CODE_SIGNALED) {
        return tare__trouble(trouble, -ECHILD, "'%s' failed in '%s': signal %d (%s)", shell->command,
                             shell->folder, result - CODE_SIGNALED, strsignal(result - CODE_SIGNALED));
    }
    return tare__trouble(trouble, -ECHILD, "'%s' failed in '%s': exit code %d%s", shell->command, shell->folder,
                         result, result == 127 ? " (a command was not found)" : "");
}

int tare__shell_run(const struct tare__shell *shell, struct tare_build_trouble *trouble)
{
    /* In memory, so that nothing is left if we are killed. */
    int fd = memfd_create("tare-build", MFD_CLOEXEC), interrupted;
    if (fd < 0 || fcntl(fd, F_SETFL, O_APPEND) != 0) {
        int error =
            tare__trouble(trouble, -errno, "cannot keep what '%s' prints: %s", shell->command, strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        return error;
    }
    const struct tare__command command = {
        .argv = (const char *const[]){"sh", "-c", shell->command, NULL},
        .folder = shell->folder,
        .set = shell->set,
        .output = fd,
        .errors = fd,
        .timeout_s = shell->timeout_s,
        .what = shell->what,
        .watch = shell->watch,
    };
    int result = tare__command_run(&command, &interrupted);
    if (result != 0) {
        result = explain(shell, result, trouble);
        trouble->interrupted = interrupted;
    }
    if (result == -ECHILD || result == -ETIMEDOUT) {
        keep(fd, trouble);
    }
    close(fd);
    return result;
}
