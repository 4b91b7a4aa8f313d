/* SPDX-License-Identifier: MIT */
/*
 * One execution of a program. We stay in its process group, so the terminal's Ctrl-C reaches both: the program
 * decides what it means, and we wait for its end and report. Signals sent to us alone are passed on.
 */
#include "record/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "record/family.h"
#include "record/monotonic.h"

extern char **environ;

enum { WAIT_NS = 100000000, POLL_LEAST_NS = 1000000, POLL_MOST_NS = 1000000000, GRACE_S = 2 };

/* Those of them that were ignored when we were started (nohup's SIGHUP) stay ignored. */
static const int passed_on[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGCONT, SIGWINCH, SIGALRM};

static double timeval_ns(struct timeval t)
{
    return (double)t.tv_sec * 1e9 + (double)t.tv_usec * 1e3;
}

static bool names(const char *const *list, const char *variable)
{
    size_t length = strcspn(variable, "=");
    for (; list != NULL && *list != NULL; list++) {
        if (strncmp(*list, variable, length) == 0 && ((*list)[length] == '=' || (*list)[length] == '\0')) {
            return true;
        }
    }
    return false;
}

/* Our environment with the changes; the array is ours, the strings are not. */
static char **make_environment(const struct tare_spawn *spawn)
{
    size_t count = 0, added = 0;
    while (environ[count] != NULL) {
        count++;
    }
    while (spawn->set != NULL && spawn->set[added] != NULL) {
        added++;
    }
    char **list = calloc(count + added + 1, sizeof(*list));
    if (list == NULL) {
        return NULL;
    }
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        if (!names(spawn->set, environ[i]) && !names(spawn->unset, environ[i])) {
            list[at++] = environ[i];
        }
    }
    for (size_t i = 0; i < added; i++) {
        list[at++] = (char *)(uintptr_t)spawn->set[i];
    }
    return list;
}

static int redirect(const char *path, int flags, int to)
{
    int fd = open(path, flags);
    return fd < 0 || dup2(fd, to) < 0 ? -1 : fd == to ? 0 : close(fd);
}

/*
 * The signals that are taken with sigtimedwait while the program runs, and how things were before. SIGCHLD
 * ignored, as some parents leave it to us, would have the kernel reap our child, and wait would not know how it
 * ended.
 */
struct signals {
    sigset_t set, mask_before;
    struct sigaction child_before;
};

static void signals_take(struct signals *signals)
{
    const struct sigaction standard = {.sa_handler = SIG_DFL};
    sigemptyset(&signals->set);
    sigaddset(&signals->set, SIGCHLD);
    for (size_t i = 0; i < sizeof(passed_on) / sizeof(passed_on[0]); i++) {
        struct sigaction action;
        if (sigaction(passed_on[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN) {
            sigaddset(&signals->set, passed_on[i]);
        }
    }
    sigprocmask(SIG_BLOCK, &signals->set, &signals->mask_before);
    sigaction(SIGCHLD, &standard, &signals->child_before);
}

/*
 * In the child, before its mask is given back: a handler of ours would swallow, up to exec, what is meant for the
 * program.
 */
static void signals_forget_handlers(void)
{
    for (size_t i = 0; i < sizeof(passed_on) / sizeof(passed_on[0]); i++) {
        struct sigaction action;
        if (sigaction(passed_on[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN) {
            signal(passed_on[i], SIG_DFL);
        }
    }
}

static void signals_give_back(const struct signals *signals)
{
    sigaction(SIGCHLD, &signals->child_before, NULL);
    sigprocmask(SIG_SETMASK, &signals->mask_before, NULL);
}

/*
 * A pipe that swallows everything, for passes whose output nobody wants twice. Not /dev/null, which programs
 * look for, and then do less (grep, tar). Returns its end to write to, or -errno. The process that reads it
 * ends with its last writer.
 */
static int open_drain(void)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0) {
        return -errno;
    }
    pid_t pid = fork();
    if (pid == 0) {
        const int kept_away[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP};
        for (size_t i = 0; i < sizeof(kept_away) / sizeof(kept_away[0]); i++) {
            signal(kept_away[i], SIG_IGN);
        }
        for (int fd = 0; fd <= STDERR_FILENO; fd++) {
            close(fd);
        }
        close(fds[1]);
        char buffer[65536];
        ssize_t n;
        do {
            n = read(fds[0], buffer, sizeof(buffer));
        } while (n > 0 || (n < 0 && errno == EINTR));
        _exit(0);
    }
    close(fds[0]);
    if (pid < 0) {
        close(fds[1]);
        return -EAGAIN;
    }
    return fds[1];
}

/* In the child: waits for the word to go on, where there is one to come. */
static bool may_go(const int go[2])
{
    char word;
    ssize_t n;
    if (go[0] < 0) {
        return true;
    }
    close(go[1]);
    do {
        n = read(go[0], &word, 1);
    } while (n < 0 && errno == EINTR);
    return n == 1;
}

/* In the child: writes when it begins into `report`, and becomes the program, or writes errno behind it and ends. */
static _Noreturn void become(const struct tare_spawn *spawn, char **environment, const struct signals *signals,
                             const int go[2], int report, int drain)
{
    bool ready = true;
    if (!may_go(go)) {
        _exit(0);
    }
    if (spawn->pin_cpu >= 0) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET((size_t)spawn->pin_cpu, &set);
        ready = sched_setaffinity(0, sizeof(set), &set) == 0;
    }
    ready = ready && (drain < 0 || dup2(drain, STDOUT_FILENO) == STDOUT_FILENO);
    ready = ready && (!spawn->no_input || redirect("/dev/null", O_RDONLY, STDIN_FILENO) == 0);
    if (ready) {
        signals_forget_handlers();
        signals_give_back(signals);
        if (spawn->mask != NULL) {
            sigprocmask(SIG_SETMASK, spawn->mask, NULL);
        }
        if (spawn->before != NULL) {
            getrusage(RUSAGE_SELF, spawn->before);
        }
        const uint64_t begins_ns = tare__monotonic_ns();
        ssize_t told = write(report, &begins_ns, sizeof(begins_ns));
        (void)told; /* else it begins when we notice */
        execve(spawn->path, spawn->argv, environment);
    }
    int error = errno;
    ssize_t written = write(report, &error, sizeof(error));
    _exit(written == (ssize_t)sizeof(error) ? 127 : 126);
}

static void pass_on(const siginfo_t *info, struct tare_outcome *outcome)
{
    if (info->si_signo != SIGCONT && info->si_signo != SIGWINCH) {
        outcome->interrupted = info->si_signo;
    }
    /* From the terminal (the kernel) the whole group has it already. */
    if (info->si_code <= 0 && info->si_pid != outcome->pid) {
        kill(outcome->pid, info->si_signo);
    }
}

/* Whether the child has ended; how, if so. Returns 0 or -errno. */
static int reap(const struct tare_spawn *spawn, uint64_t started, int stopping, struct tare_outcome *outcome,
                bool *ended)
{
    int status;
    struct rusage usage;
    siginfo_t info = {0};
    uint64_t looked = tare__monotonic_ns();
    if (spawn->ending != NULL && waitid(P_PID, (id_t)outcome->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
        info.si_pid != 0) {
        spawn->ending(spawn->data);
    }
    pid_t pid = wait4(outcome->pid, &status, WNOHANG, &usage);
    if (pid < 0) {
        return -errno;
    }
    *ended = pid == outcome->pid;
    if (*ended) {
        outcome->wall_ns = (double)(looked - started);
        outcome->user_ns = timeval_ns(usage.ru_utime);
        outcome->system_ns = timeval_ns(usage.ru_stime);
        outcome->end = stopping != 0         ? TARE_END_TIMEOUT
                       : WIFSIGNALED(status) ? TARE_END_SIGNALED
                                             : TARE_END_EXITED;
        outcome->code = WIFSIGNALED(status) ? WTERMSIG(status) : stopping != 0 ? 0 : WEXITSTATUS(status);
    }
    return 0;
}

/* Sends `signal` to the child, unless it has ended, to its descendants of now and before, and to who else belongs to it. */
static void stop_all(const struct tare_spawn *spawn, const struct tare_outcome *outcome, bool ended, int signal,
                     struct tare_family *family)
{
    if (!ended) {
        struct tare_family now;
        if (tare_family_read(outcome->pid, &now) == 0 && now.count != 0) {
            tare_family_signal(family, signal);
            tare_family_release(family);
            *family = now;
        } else {
            tare_family_release(&now);
        }
        kill(outcome->pid, signal);
        kill(outcome->pid, SIGCONT); /* a stopped one would not notice */
    }
    tare_family_signal(family, signal);
    if (spawn->stop != NULL) {
        spawn->stop(spawn->data, signal);
    }
}

static bool anybody_left(const struct tare_spawn *spawn, const struct tare_family *family)
{
    return tare_family_signal(family, 0) > 0 || (spawn->stop != NULL && spawn->stop(spawn->data, 0) > 0);
}

/* Lets the caller look, if it is time to. Returns how long to wait then: not beyond the next look. */
static struct timespec look(const struct tare_spawn *spawn, uint64_t *due_ns)
{
    uint64_t wait_ns = WAIT_NS;
    if (spawn->poll != NULL) {
        if (tare__monotonic_ns() >= *due_ns) {
            uint64_t again_ns = spawn->poll(spawn->data);
            again_ns = again_ns < POLL_LEAST_NS ? POLL_LEAST_NS : again_ns;
            *due_ns = tare__monotonic_ns() + (again_ns < POLL_MOST_NS ? again_ns : POLL_MOST_NS);
        }
        uint64_t now_ns = tare__monotonic_ns(), left_ns = *due_ns > now_ns ? *due_ns - now_ns : 0;
        wait_ns = left_ns < wait_ns ? left_ns : wait_ns;
    }
    return (struct timespec){0, (long)wait_ns};
}

/*
 * Waits for the child's end, with the signals in `set` blocked. When the time is up, also for the end of the
 * others, who may take longer than the child to heed SIGTERM, or ignore it.
 */
static int await(const struct tare_spawn *spawn, const sigset_t *set, uint64_t started,
                 struct tare_outcome *outcome, struct tare_family *family)
{
    uint64_t due_ns = started;
    int stopping = 0;
    bool ended = false;
    for (;;) {
        int error = ended ? 0 : reap(spawn, started, stopping, outcome, &ended);
        if (error != 0) {
            return error;
        }
        double elapsed_s = (double)(tare__monotonic_ns() - started) / 1e9;
        bool others = stopping != 0 && elapsed_s < spawn->timeout_s + 2 * GRACE_S;
        if (ended && !(others && anybody_left(spawn, family))) {
            return 0;
        }
        int stop = spawn->timeout_s <= 0 || elapsed_s < spawn->timeout_s ? 0
                   : elapsed_s < spawn->timeout_s + GRACE_S              ? SIGTERM
                                                                         : SIGKILL;
        if (stop != stopping) {
            stopping = stop;
            stop_all(spawn, outcome, ended, stop, family);
        }
        struct timespec interval = look(spawn, &due_ns);
        siginfo_t info;
        int got = sigtimedwait(set, &info, &interval);
        if (got > 0 && got != SIGCHLD && !ended) {
            pass_on(&info, outcome);
        }
    }
}

static bool ends(int number)
{
    return number == SIGINT || number == SIGTERM || number == SIGHUP || number == SIGQUIT;
}

bool tare_spawn_asked_to_end(void)
{
    sigset_t pending;
    return sigpending(&pending) == 0 &&
           (sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1 ||
            sigismember(&pending, SIGHUP) == 1 || sigismember(&pending, SIGQUIT) == 1);
}

int tare_spawn_run(const struct tare_spawn *spawn, struct tare_outcome *outcome, bool *not_started)
{
    *outcome = (struct tare_outcome){
        .wall_ns = __builtin_nan(""), .user_ns = __builtin_nan(""), .system_ns = __builtin_nan("")};
    *not_started = false;
    int report[2] = {-1, -1}, go[2] = {-1, -1};
    char **environment = make_environment(spawn);
    if (environment == NULL) {
        return -ENOMEM;
    }
    struct signals signals;
    signals_take(&signals);
    int error = 0, drain = spawn->quiet ? open_drain() : -1;
    if (spawn->quiet && drain < 0) {
        error = drain;
        goto out;
    }
    if (pipe2(report, O_CLOEXEC) != 0 || (spawn->attach != NULL && pipe2(go, O_CLOEXEC) != 0)) {
        error = -errno;
        goto out;
    }
    uint64_t started;
    outcome->pid = fork();
    if (outcome->pid < 0) {
        error = -errno;
        goto out;
    }
    if (outcome->pid == 0) {
        become(spawn, environment, &signals, go, report[1], drain);
    }
    if (drain >= 0) {
        close(drain);
        drain = -1;
    }
    close(report[1]);
    report[1] = -1;
    if (spawn->attach != NULL) {
        error = spawn->attach(spawn->data, outcome->pid);
        started = tare__monotonic_ns();
        if (error == 0 && write(go[1], "", 1) != 1) {
            error = -errno;
        }
        if (error != 0) {
            close(go[1]);
            go[1] = -1;
            waitpid(outcome->pid, NULL, 0);
            goto out;
        }
    }
    int exec_error;
    uint64_t begins_ns;
    ssize_t n;
    do {
        n = read(report[0], &begins_ns, sizeof(begins_ns));
    } while (n < 0 && errno == EINTR);
    bool told = n == (ssize_t)sizeof(begins_ns);
    do {
        n = read(report[0], &exec_error, sizeof(exec_error)); /* ends when exec closes the other side */
    } while (n < 0 && errno == EINTR);
    started = told ? begins_ns : tare__monotonic_ns(); /* of the program: making a process is our doing */
    struct tare_family family = {0};
    error = await(spawn, &signals.set, started, outcome, &family);
    tare_family_release(&family);
    if (n == (ssize_t)sizeof(exec_error)) {
        *not_started = true;
        error = -exec_error;
    }
out:
    if (drain >= 0) {
        close(drain);
    }
    for (int i = 0; i < 2; i++) {
        if (report[i] >= 0) {
            close(report[i]);
        }
        if (go[i] >= 0) {
            close(go[i]);
        }
    }
    /* What came while the child ended is ours to report, not to die of. */
    siginfo_t late;
    while (sigtimedwait(&signals.set, &late, &(struct timespec){0, 0}) > 0) {
        if (ends(late.si_signo)) {
            outcome->interrupted = late.si_signo;
        }
    }
    signals_give_back(&signals);
    free(environment);
    return error;
}
