/* SPDX-License-Identifier: MIT */
/*
 * One block. One loop waits for everything at once: signals (through a descriptor: the child's end, and
 * those that are to stop us), and what the program tells and prints, so that a program that fills a pipe
 * does not wait for us for ever. The end is that of the process that we started, not of the pipes, which its
 * children may hold.
 *
 * When it has ended, what it wrote is in the pipes; what others write from then on is not waited for.
 * Members of its process group that live on would run during the next block: they are killed, and that is
 * reported.
 */
#include "record/block.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "record/block_child.h"
#include "record/family.h"
#include "record/files.h"
#include "record/hardware_count.h"
#include "record/monotonic.h"
#include "record/process_stat.h"
#include "record/syscall_count.h"

enum {
    GRACE_NS = 1000000000, /* from SIGTERM to SIGKILL */
    DEATH_NS = 1000000000, /* how long killed processes are waited for */
    PAUSE_NS = 1000000,
    TEXT_ROOM = 4096, /* at first */
};

/*
 * Those of them that are ignored (nohup's SIGHUP) stay ignored. SIGTSTP is not a stop of the block, but of
 * us all.
 */
static const int taken[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};

struct run {
    const struct tare_block_request *block;
    struct tare_block_outcome *outcome;
    struct tare__child child;
    struct tare__syscalls syscalls;
    struct tare__hardware hardware;
    struct tare_family family; /* descendants when it was told to stop */
    sigset_t set, mask_before, mask_program;
    struct sigaction child_before;
    int signals;
    bool signals_are_taken, tracing;
    bool more;                   /* tracing: more stops have to be taken, which may not be signalled again */
    bool other_child, late_tstp; /* signals that were not for us */
    uint64_t started_ns, limit_ns, kill_ns; /* limits: 0 is none */
    int stopping;                           /* SIGTERM or SIGKILL was sent; 0: neither */
    bool timed_out, ended;
    int status;
    struct rusage usage;
    size_t text_room;
    int error;
};

static double timeval_ns(struct timeval t)
{
    return (double)t.tv_sec * 1e9 + (double)t.tv_usec * 1e3;
}

/*
 * SIGCHLD ignored, as some parents leave it to us, would have the kernel reap our child. The program is not to
 * have those blocked that stop it, whatever we were started with.
 */
static int signals_take(struct run *run)
{
    const struct sigaction standard = {.sa_handler = SIG_DFL};
    sigemptyset(&run->set);
    sigaddset(&run->set, SIGCHLD);
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        struct sigaction action;
        if (sigaction(taken[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN) {
            sigaddset(&run->set, taken[i]);
        }
    }
    run->signals = signalfd(-1, &run->set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (run->signals < 0) {
        return -errno;
    }
    sigprocmask(SIG_BLOCK, &run->set, &run->mask_before);
    sigaction(SIGCHLD, &standard, &run->child_before);
    run->signals_are_taken = true;
    run->mask_program = run->mask_before;
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        sigdelset(&run->mask_program, taken[i]);
    }
    return 0;
}

/* Signals the group, and wakes who is stopped, or it would not notice. */
static void signal_all(struct run *run, int number)
{
    if (run->stopping == 0 && tare_family_read(run->child.pid, &run->family) != 0) {
        tare_family_release(&run->family); /* then the group has to do */
    }
    run->stopping = number;
    kill(-run->child.pid, number);
    tare_family_signal(&run->family, number);
    kill(-run->child.pid, SIGCONT);
}

static void stop(struct run *run, uint64_t now_ns)
{
    if (run->stopping == 0) {
        signal_all(run, SIGTERM);
        run->kill_ns = now_ns + GRACE_NS;
    } else if (run->stopping == SIGTERM) {
        signal_all(run, SIGKILL);
    }
}

/*
 * The terminal's Ctrl-Z: the program, which it does not reach, stands still with us. It is raised again with
 * the signal let through, so that whatever it does to us otherwise happens. Limits do not count the pause.
 */
static void pause_with_us(struct run *run)
{
    sigset_t one;
    uint64_t before_ns = tare__monotonic_ns();
    sigemptyset(&one);
    sigaddset(&one, SIGTSTP);
    kill(-run->child.pid, SIGSTOP);
    raise(SIGTSTP);
    sigprocmask(SIG_UNBLOCK, &one, NULL);
    sigprocmask(SIG_BLOCK, &one, NULL);
    kill(-run->child.pid, SIGCONT);
    uint64_t paused_ns = tare__monotonic_ns() - before_ns;
    run->limit_ns += run->limit_ns != 0 ? paused_ns : 0;
    run->kill_ns += run->kill_ns != 0 ? paused_ns : 0;
    run->outcome->paused = true;
}

/*
 * A process that has ended can still be looked at, until it is waited for. "run_ns wait_ns slices": all 0 from
 * a kernel that does not keep them, as nothing ends without having run.
 */
static double read_wait_ns(pid_t pid)
{
    char name[64], text[128];
    unsigned long long ran, waited;
    snprintf(name, sizeof(name), "/proc/%d/schedstat", (int)pid);
    return tare__file_read("", name, text, sizeof(text)) > 0 && sscanf(text, "%llu %llu", &ran, &waited) == 2 &&
                   ran > 0
               ? (double)waited
               : NAN;
}

/* SIGCHLD came at `now_ns`, or there was more to take: whether it is the end. */
static void look_for_end(struct run *run, uint64_t now_ns)
{
    struct tare_block_outcome *outcome = run->outcome;
    if (run->tracing) {
        run->ended = tare__syscalls_step(&run->syscalls, &run->status, &run->usage, &run->more);
    } else {
        siginfo_t info = {0};
        if (waitid(P_PID, (id_t)run->child.pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 && errno != EINTR) {
            run->error = -errno;
            run->ended = true;
            return;
        }
        if (info.si_pid == run->child.pid) {
            outcome->wait_ns = read_wait_ns(run->child.pid);
            run->ended = wait4(run->child.pid, &run->status, 0, &run->usage) == run->child.pid;
        }
    }
    if (run->ended) {
        outcome->wall_ns = (double)(now_ns - run->started_ns);
    }
}

static void take_signals(struct run *run, uint64_t now_ns)
{
    struct signalfd_siginfo info;
    bool child = run->more, tstp = false;
    while (read(run->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGCHLD) {
            child = true;
            run->other_child = run->other_child || (!run->tracing && (pid_t)info.ssi_pid != run->child.pid);
        } else if (info.ssi_signo == SIGTSTP) {
            tstp = true;
        } else {
            run->outcome->interrupted = (int)info.ssi_signo;
            if (!run->ended && run->child.pid > 0) {
                stop(run, now_ns);
            }
        }
    }
    if (child && !run->ended && run->child.pid > 0) {
        look_for_end(run, now_ns);
    }
    if (tstp && !run->ended && run->child.pid > 0) {
        pause_with_us(run);
    } else if (tstp) {
        run->late_tstp = true;
    }
}

static void keep_text(struct run *run, const char *from, size_t size)
{
    struct tare_block_outcome *outcome = run->outcome;
    size_t room = run->text_room;
    if (size > TARE_BLOCK_TEXT_MAX - outcome->text_size) {
        size = TARE_BLOCK_TEXT_MAX - outcome->text_size;
        outcome->text_cut = true;
    }
    while (room < outcome->text_size + size + 1) {
        room *= 2;
    }
    if (room != run->text_room) {
        char *grown = realloc(outcome->text, room);
        if (grown == NULL) {
            run->error = -ENOMEM;
            return;
        }
        outcome->text = grown;
        run->text_room = room;
    }
    memcpy(outcome->text + outcome->text_size, from, size);
    outcome->text_size += size;
    outcome->text[outcome->text_size] = '\0';
}

static void keep_output(struct run *run, const char *from, size_t size)
{
    struct tare_block_outcome *outcome = run->outcome;
    if (outcome->output_size < TARE_BLOCK_OUTPUT_MAX) {
        size_t room = TARE_BLOCK_OUTPUT_MAX - outcome->output_size, kept = size < room ? size : room;
        memcpy(outcome->output + outcome->output_size, from, kept);
        outcome->output[outcome->output_size + kept] = '\0';
    }
    outcome->output_size += size;
}

/* Empties a pipe of what is in it now. Returns false at its end: nobody can write any more. */
static bool empty(struct run *run, int fd, void (*keep)(struct run *, const char *, size_t))
{
    char buffer[16384];
    int left = 0;
    if (ioctl(fd, FIONREAD, &left) != 0) {
        return false;
    }
    do {
        ssize_t got = read(fd, buffer, sizeof(buffer));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return got < 0 && errno == EAGAIN;
        }
        keep(run, buffer, (size_t)got);
        left -= (int)got;
    } while (left > 0);
    return true;
}

static void check_limits(struct run *run, uint64_t now_ns)
{
    if (run->stopping == 0 && run->limit_ns != 0 && now_ns >= run->limit_ns) {
        run->timed_out = true;
        stop(run, now_ns);
    } else if (run->stopping == SIGTERM && now_ns >= run->kill_ns) {
        stop(run, now_ns);
    }
}

/* NULL: for as long as it takes. */
static const struct timespec *until_next_limit(const struct run *run, struct timespec *interval)
{
    if (run->more) {
        *interval = (struct timespec){0};
        return interval;
    }
    uint64_t due_ns = run->stopping == 0 ? run->limit_ns : run->stopping == SIGTERM ? run->kill_ns : 0;
    if (due_ns == 0) {
        return NULL;
    }
    uint64_t now_ns = tare__monotonic_ns(), left_ns = due_ns > now_ns ? due_ns - now_ns : 0;
    *interval =
        (struct timespec){.tv_sec = (time_t)(left_ns / 1000000000), .tv_nsec = (long)(left_ns % 1000000000)};
    return interval;
}

static void await_end(struct run *run)
{
    struct pollfd fds[] = {
        {.fd = run->signals, .events = POLLIN},
        {.fd = run->child.pipe_lines[0], .events = POLLIN},
        {.fd = run->child.pipe_output[0], .events = POLLIN},
    };
    while (!run->ended) {
        struct timespec interval;
        int ready = ppoll(fds, sizeof(fds) / sizeof(fds[0]), until_next_limit(run, &interval), NULL);
        uint64_t now_ns = tare__monotonic_ns();
        if (run->more || (ready > 0 && fds[0].revents != 0)) {
            take_signals(run, now_ns);
        }
        if (ready > 0 && fds[1].revents != 0 && !empty(run, fds[1].fd, keep_text)) {
            fds[1].fd = -1; /* at its end it would be ready for ever */
        }
        if (ready > 0 && fds[2].revents != 0 && !empty(run, fds[2].fd, keep_output)) {
            fds[2].fd = -1;
        }
        if (!run->ended) {
            check_limits(run, now_ns);
        }
    }
    if (run->child.pipe_lines[0] >= 0) {
        empty(run, run->child.pipe_lines[0], keep_text);
    }
    if (run->child.pipe_output[0] >= 0) {
        empty(run, run->child.pipe_output[0], keep_output);
    }
}

/* Whether a process of the group lives: one that is a zombie is not our business, but that of its parent. */
static bool group_lives(pid_t group)
{
    DIR *proc = opendir("/proc");
    bool lives = false;
    for (struct dirent *entry; proc != NULL && !lives && (entry = readdir(proc)) != NULL;) {
        pid_t pid = entry->d_name[0] >= '1' && entry->d_name[0] <= '9' ? (pid_t)atoi(entry->d_name) : 0;
        if (pid > 0 && getpgid(pid) == group) {
            char name[64], text[TARE__PROCESS_STAT_BYTES];
            struct tare__process_stat stat;
            snprintf(name, sizeof(name), "/proc/%d/stat", (int)pid);
            /* Of a process whose first thread has ended the others may live. */
            lives = tare__file_read("", name, text, sizeof(text)) > 0 &&
                    tare__process_stat_parse(text, &stat) == 0 &&
                    ((stat.state != 'Z' && stat.state != 'X') || stat.threads > 1);
        }
    }
    if (proc != NULL) {
        closedir(proc);
    }
    return lives;
}

static bool others_live(const struct run *run)
{
    pid_t group = run->child.pid;
    /*
     * The number of a group is not given away while it has members. Mostly there are none, and this is
     * quick.
     */
    return (kill(-group, 0) == 0 && group_lives(group)) || tare_family_signal(&run->family, 0) > 0;
}

/* Who is traced comes to its end, and is gone behind it, only as far as we let it. */
static void pass_time(struct run *run)
{
    if (!run->more) {
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
    }
    if (run->tracing) {
        int status;
        struct rusage usage;
        tare__syscalls_step(&run->syscalls, &status, &usage, &run->more);
    }
}

/* The process has ended and was waited for: nobody that belongs to it runs on. */
static void end_group(struct run *run)
{
    bool others = others_live(run);
    while (others && run->stopping == SIGTERM && tare__monotonic_ns() < run->kill_ns) {
        pass_time(run);
        others = others_live(run);
    }
    if (!others) {
        return;
    }
    run->outcome->left_children = true;
    uint64_t until_ns = tare__monotonic_ns() + DEATH_NS;
    do {
        kill(-run->child.pid, SIGKILL);
        tare_family_signal(&run->family, SIGKILL);
        pass_time(run);
    } while (others_live(run) && tare__monotonic_ns() < until_ns);
}

static void fill(struct run *run, double own_peak_bytes)
{
    struct tare_block_outcome *outcome = run->outcome;
    const struct rusage *usage = &run->usage;
    outcome->end = run->timed_out             ? TARE_END_TIMEOUT
                   : WIFSIGNALED(run->status) ? TARE_END_SIGNALED
                                              : TARE_END_EXITED;
    outcome->code = WIFSIGNALED(run->status) ? WTERMSIG(run->status)
                    : run->timed_out         ? 0
                                             : WEXITSTATUS(run->status);
    outcome->user_ns = timeval_ns(usage->ru_utime);
    outcome->system_ns = timeval_ns(usage->ru_stime);
    outcome->minor_faults = (uint64_t)usage->ru_minflt;
    outcome->major_faults = (uint64_t)usage->ru_majflt;
    outcome->voluntary = (uint64_t)usage->ru_nvcsw;
    outcome->involuntary = (uint64_t)usage->ru_nivcsw;
    /*
     * The kernel keeps the largest of all memories that the process had, and the first one was ours: only
     * what is above our own peak is its own.
     */
    double peak_bytes = (double)usage->ru_maxrss * 1024;
    outcome->max_rss_bytes = peak_bytes > own_peak_bytes ? peak_bytes : NAN;
}

/* Starts it, and what watches it. */
static int start(struct run *run)
{
    const struct tare_block_request *block = run->block;
    bool held = block->count_syscalls || block->count_hardware;
    run->started_ns = tare__monotonic_ns();
    int error = tare__child_start(&run->child, held);
    if (error != 0) {
        return error;
    }
    if (block->timeout_s > 0) {
        /* Some 31 years, beyond which the sum could overflow. */
        run->limit_ns = run->started_ns + (uint64_t)((block->timeout_s < 1e9 ? block->timeout_s : 1e9) * 1e9);
    }
    if (block->count_hardware) {
        tare__hardware_open(&run->hardware, run->child.pid, tare__hardware_events, tare__hardware_event_count);
    }
    run->tracing = block->count_syscalls && tare__syscalls_attach(&run->syscalls, run->child.pid) == 0;
    if (held) {
        run->started_ns = tare__monotonic_ns();
        tare__child_go(&run->child);
    }
    tare__child_close_ends(&run->child);
    return 0;
}

/* What came while the program ended is ours to report, not to die of; and all is as it was. */
static void signals_give_back(struct run *run)
{
    if (run->signals >= 0) {
        if (run->signals_are_taken) {
            take_signals(run, 0);
        }
        close(run->signals);
    }
    if (run->signals_are_taken) {
        sigaction(SIGCHLD, &run->child_before, NULL);
        if (run->other_child) {
            raise(SIGCHLD); /* it was not about our child */
        }
        if (run->late_tstp) {
            raise(SIGTSTP);
        }
        sigprocmask(SIG_SETMASK, &run->mask_before, NULL);
    }
}

void tare__outcome_init(struct tare_block_outcome *outcome)
{
    *outcome = (struct tare_block_outcome){
        .wall_ns = NAN,
        .user_ns = NAN,
        .system_ns = NAN,
        .wait_ns = NAN,
        .max_rss_bytes = NAN,
        .syscalls = NAN,
    };
    for (size_t i = 0; i < sizeof(outcome->hardware) / sizeof(outcome->hardware[0]); i++) {
        outcome->hardware[i] = NAN;
    }
}

int tare_block_run(const struct tare_block_request *block, struct tare_block_outcome *outcome,
                   bool *not_started)
{
    *not_started = false;
    tare__outcome_init(outcome);
    outcome->text = calloc(1, TEXT_ROOM);
    outcome->output = calloc(1, TARE_BLOCK_OUTPUT_MAX + 1);
    if (outcome->text == NULL || outcome->output == NULL) {
        return -ENOMEM;
    }
    struct run run = {.block = block, .outcome = outcome, .signals = -1, .text_room = TEXT_ROOM};
    struct rusage own;
    int error = signals_take(&run);
    if (error != 0) {
        return error;
    }
    error = tare__child_prepare(&run.child, block, &run.mask_program, &run.child_before);
    getrusage(RUSAGE_SELF, &own);
    error = error != 0 ? error : start(&run);
    if (error == 0) {
        await_end(&run);
        end_group(&run);
        fill(&run, (double)own.ru_maxrss * 1024);
        if (run.tracing) {
            outcome->syscalls = tare__syscalls_finish(&run.syscalls);
        }
        if (block->count_hardware) {
            tare__hardware_finish(&run.hardware, outcome->hardware);
        }
        error = run.error;
        if (run.child.report->error != 0) {
            *not_started = run.child.report->at_exec;
            error = -run.child.report->error;
        }
    }
    tare_family_release(&run.family);
    tare__child_release(&run.child);
    signals_give_back(&run);
    return error;
}

void tare_block_release(struct tare_block_outcome *outcome)
{
    free(outcome->text);
    free(outcome->output);
    outcome->text = outcome->output = NULL;
}
