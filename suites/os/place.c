/* SPDX-License-Identifier: MIT */
/*
 * Where the two parties of a benchmark run: on one processor, on two, or wherever the kernel puts them.
 *
 * All that a body makes is kept here rather than in the body, since a failure leaves that by a jump. Parties are processes
 * made by the kernel's bare fork, as libtare would else make each of them a page of its own, and they are killed rather
 * than told to end: nothing that they could do would be worth waiting for.
 */
#include "suites/os/place.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PARTIES_MAX = 64, FDS_MAX = 192, SHARED_MAX = 4 };

struct thread {
    pthread_t thread;
    place_party *party;
    void *data;
    unsigned number;
};

static struct {
    bool begun;
    enum place place;
    int cpus[2];
    cpu_set_t allowed; /* before */
    struct sigaction pipe_before, child_before;
    unsigned parties; /* started, of both kinds */
    pid_t processes[PARTIES_MAX];
    unsigned process_count;
    struct thread threads[PARTIES_MAX];
    unsigned thread_count;
    int fds[FDS_MAX];
    unsigned fd_count;
    struct {
        void *at;
        size_t size;
    } shared[SHARED_MAX];
    unsigned shared_count;
    void (*stop)(void *data);
    void *stop_data;
    void (*volatile died)(void *data);
    void *volatile died_data;
} now;

/* The first line of a file below a processor's topology/. False: unknown. */
static bool read_topology(int cpu, const char *name, char *line, int size)
{
    char path[128];
    snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/topology/%s", cpu, name);
    FILE *file = fopen(path, "re");
    bool known = file != NULL && fgets(line, size, file) != NULL;
    if (file != NULL) {
        fclose(file);
    }
    return known;
}

/* Whether a list of the kernel's, "0,4-7", has this number. */
static bool list_has(const char *list, int number)
{
    for (const char *at = list; *at >= '0' && *at <= '9';) {
        char *end;
        long first = strtol(at, &end, 10), last = first;
        if (*end == '-') {
            last = strtol(end + 1, &end, 10);
        }
        if (number >= first && number <= last) {
            return true;
        }
        at = *end == ',' ? end + 1 : end;
    }
    return false;
}

unsigned place_cpus(int cpus[2])
{
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0 || CPU_COUNT(&allowed) == 0) {
        return 0;
    }
    char siblings[1024] = "", package[64] = "", other[64];
    int first = -1, best = -1, best_rank = -1;
    for (int cpu = 0; cpu < CPU_SETSIZE && best_rank < 2; cpu++) {
        if (!CPU_ISSET(cpu, &allowed)) {
            continue;
        }
        if (first < 0) {
            first = cpu;
            read_topology(cpu, "thread_siblings_list", siblings, sizeof(siblings));
            read_topology(cpu, "physical_package_id", package, sizeof(package));
            continue;
        }
        bool near =
            read_topology(cpu, "physical_package_id", other, sizeof(other)) && strcmp(other, package) == 0;
        int rank = list_has(siblings, cpu) ? 0 : near ? 2 : 1;
        if (rank > best_rank) {
            best_rank = rank;
            best = cpu;
        }
    }
    cpus[0] = first;
    cpus[1] = best >= 0 ? best : first;
    return best >= 0 ? 2 : 1;
}

bool place_pin(int cpu)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    return sched_setaffinity(0, sizeof(one), &one) == 0;
}

pid_t place_fork(void)
{
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34)
    return _Fork();
#else
    return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
#endif
}

static void on_child(int number)
{
    (void)number;
    int error = errno;
    void (*died)(void *data) = now.died;
    if (died != NULL) {
        died(now.died_data);
    }
    errno = error;
}

static void start_pinned(unsigned number)
{
    if (now.place == PLACE_OTHER && !place_pin(now.cpus[number & 1])) {
        _exit(1);
    }
}

void place_begin(enum place place)
{
    place_end(); /* of one that failed */
    unsigned count = place_cpus(now.cpus);
    if (place != PLACE_FREE && count == 0) {
        tare_skip("the kernel does not say which processors this process may run on");
    }
    if (place == PLACE_OTHER && count < 2) {
        tare_skip("it needs two processors, and may run on one alone");
    }
    now.place = place;
    now.parties = 0;
    now.died = NULL;
    now.stop = NULL;
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction child = {.sa_handler = on_child, .sa_flags = SA_NOCLDSTOP | SA_RESTART};
    sigaction(SIGPIPE, &ignore, &now.pipe_before);
    sigaction(SIGCHLD, &child, &now.child_before);
    now.begun = true;
    if (place != PLACE_FREE) {
        sched_getaffinity(0, sizeof(now.allowed), &now.allowed);
        if (!place_pin(now.cpus[0])) {
            now.place = PLACE_FREE; /* nothing to be undone */
            place_end();
            tare_skip("it may not choose the processor that it runs on");
        }
    }
}

void place_end(void)
{
    if (!now.begun) {
        return;
    }
    const struct sigaction standard = {.sa_handler = SIG_DFL};
    sigaction(SIGCHLD, &standard, NULL);
    if (now.stop != NULL) {
        now.stop(now.stop_data);
    }
    for (; now.thread_count > 0; now.thread_count--) {
        pthread_join(now.threads[now.thread_count - 1].thread, NULL);
    }
    for (unsigned i = 0; i < now.process_count; i++) {
        kill(now.processes[i], SIGKILL);
    }
    for (; now.process_count > 0; now.process_count--) {
        while (waitpid(now.processes[now.process_count - 1], NULL, 0) < 0 && errno == EINTR) {
        }
    }
    for (; now.fd_count > 0; now.fd_count--) {
        if (now.fds[now.fd_count - 1] >= 0) {
            close(now.fds[now.fd_count - 1]);
        }
    }
    for (; now.shared_count > 0; now.shared_count--) {
        munmap(now.shared[now.shared_count - 1].at, now.shared[now.shared_count - 1].size);
    }
    if (now.place != PLACE_FREE) {
        sched_setaffinity(0, sizeof(now.allowed), &now.allowed);
    }
    sigaction(SIGPIPE, &now.pipe_before, NULL);
    sigaction(SIGCHLD, &now.child_before, NULL);
    now.begun = false;
}

void place_start(place_party *party, void *data)
{
    tare_require(now.process_count < PARTIES_MAX);
    unsigned number = ++now.parties;
    pid_t parent = getpid(), child = place_fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) {
            _exit(1); /* it died before that */
        }
        start_pinned(number);
        party(data, number);
        _exit(0);
    }
    tare_require(child > 0);
    now.processes[now.process_count++] = child;
}

static void *run_thread(void *data)
{
    const struct thread *thread = data;
    start_pinned(thread->number);
    thread->party(thread->data, thread->number);
    return NULL;
}

void place_start_thread(place_party *party, void *data)
{
    tare_require(now.thread_count < PARTIES_MAX);
    struct thread *thread = &now.threads[now.thread_count];
    *thread = (struct thread){.party = party, .data = data, .number = ++now.parties};
    tare_require(pthread_create(&thread->thread, NULL, run_thread, thread) == 0);
    now.thread_count++;
}

void place_on_end(void (*stop)(void *data), void *data)
{
    now.stop_data = data;
    now.stop = stop;
}

void place_on_death(void (*died)(void *data), void *data)
{
    now.died_data = data;
    now.died = died;
}

int place_keep(int fd)
{
    tare_require(fd >= 0);
    if (now.fd_count == FDS_MAX) {
        close(fd);
        tare_require(now.fd_count < FDS_MAX);
    }
    now.fds[now.fd_count++] = fd;
    return fd;
}

void place_pipe(int fds[2])
{
    tare_require(pipe2(fds, O_CLOEXEC) == 0);
    place_keep(fds[0]);
    place_keep(fds[1]);
}

void place_close(int *fd)
{
    for (unsigned i = 0; i < now.fd_count; i++) {
        if (now.fds[i] == *fd) {
            now.fds[i] = -1;
        }
    }
    close(*fd);
    *fd = -1;
}

void *place_share(size_t size)
{
    tare_require(now.shared_count < SHARED_MAX);
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    tare_require(at != MAP_FAILED);
    now.shared[now.shared_count].at = at;
    now.shared[now.shared_count++].size = size;
    return at;
}

bool place_write(int fd, const void *bytes, size_t size)
{
    for (const char *at = bytes; size != 0;) {
        ssize_t n = write(fd, at, size);
        if (n <= 0 && !(n < 0 && errno == EINTR)) {
            return false;
        }
        at += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

bool place_read(int fd, void *bytes, size_t size)
{
    for (char *at = bytes; size != 0;) {
        ssize_t n = read(fd, at, size);
        if (n <= 0 && !(n < 0 && errno == EINTR)) {
            return false;
        }
        at += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
    return true;
}
