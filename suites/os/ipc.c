/* SPDX-License-Identifier: MIT */
/*
 * IPC: what it takes to hand something to another process and to hear back, how much goes through, and what it takes to ask
 * which of many descriptors is ready. about_ipc.c has the definitions.
 */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <tare/tare.h>

#include "suites/os/ipc.h"
#include "suites/os/place.h"

TARE_MODULE("os");
TARE_TIMER(pipe_round);
TARE_TIMER(unix_round);
TARE_TIMER(socketpair_round);
TARE_TIMER(eventfd_round);
TARE_TIMER(futex_round);
TARE_TIMER(pipe_throughput);
TARE_TIMER(unix_throughput);
TARE_TIMER(poll_fds);
TARE_TIMER(epoll_fds);

/*
 * Round trips
 */

/* The descriptors of one party. */
struct ends {
    int in, out;
};

/* Sends each byte back. */
static void echo(void *data, unsigned number)
{
    const struct ends *ends = data;
    char byte;
    (void)number;
    while (read(ends->in, &byte, 1) == 1 && write(ends->out, &byte, 1) == 1) {
    }
}

/* One byte there and one back. */
static inline bool round_trip(const struct ends *ends)
{
    char byte = 'x';
    return write(ends->out, &byte, 1) == 1 && read(ends->in, &byte, 1) == 1 && byte == 'x';
}

/* The parent has to close what the child alone uses, and the child what the parent does, or nobody sees the end of file. */
struct pipes {
    int there[2], back[2];
};

static void echo_pipes(void *data, unsigned number)
{
    struct pipes *pipes = data;
    close(pipes->there[1]);
    close(pipes->back[0]);
    struct ends ends = {.in = pipes->there[0], .out = pipes->back[1]};
    echo(&ends, number);
}

static void pipe_round(tare_bench *b, enum place place)
{
    struct pipes pipes;
    place_begin(place);
    place_pipe(pipes.there);
    place_pipe(pipes.back);
    place_start(echo_pipes, &pipes);
    place_close(&pipes.there[0]);
    place_close(&pipes.back[1]);
    const struct ends ends = {.in = pipes.back[0], .out = pipes.there[1]};
    tare_require(round_trip(&ends));
    TARE_EACH(b)
    {
        TARE_SCOPE(pipe_round);
        tare_require(round_trip(&ends));
    }
    place_end();
}
PLACED_BENCH(pipe_round);

static void echo_socket(void *data, unsigned number)
{
    const int *sockets = data;
    close(sockets[0]);
    const struct ends ends = {.in = sockets[1], .out = sockets[1]};
    echo((void *)&ends, number);
}

static void make_socketpair(int sockets[2])
{
    tare_require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) == 0);
    place_keep(sockets[0]);
    place_keep(sockets[1]);
}

/* A connection by a name that the kernel chooses, which is in no file system. */
static void make_connection(int sockets[2])
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    socklen_t size = sizeof(name);
    int listener = place_keep(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    tare_require(bind(listener, (const struct sockaddr *)&name, sizeof(name.sun_family)) == 0);
    tare_require(getsockname(listener, (struct sockaddr *)&name, &size) == 0 && listen(listener, 1) == 0);
    sockets[0] = place_keep(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    tare_require(connect(sockets[0], (const struct sockaddr *)&name, size) == 0);
    sockets[1] = place_keep(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
    place_close(&listener);
}

static void unix_round(tare_bench *b, enum place place)
{
    int sockets[2];
    place_begin(place);
    make_connection(sockets);
    place_start(echo_socket, sockets);
    place_close(&sockets[1]);
    const struct ends ends = {.in = sockets[0], .out = sockets[0]};
    tare_require(round_trip(&ends));
    TARE_EACH(b)
    {
        TARE_SCOPE(unix_round);
        tare_require(round_trip(&ends));
    }
    place_end();
}
PLACED_BENCH(unix_round);

static void socketpair_round(tare_bench *b, enum place place)
{
    int sockets[2];
    place_begin(place);
    make_socketpair(sockets);
    place_start(echo_socket, sockets);
    place_close(&sockets[1]);
    const struct ends ends = {.in = sockets[0], .out = sockets[0]};
    tare_require(round_trip(&ends));
    TARE_EACH(b)
    {
        TARE_SCOPE(socketpair_round);
        tare_require(round_trip(&ends));
    }
    place_end();
}
PLACED_BENCH(socketpair_round);

enum { DEAD = 1000000 }; /* what no living party says */

/* There is no end of file: the other's death is told through the descriptor that is waited at. */
static void tell_death(void *data)
{
    uint64_t dead = DEAD;
    ssize_t told = write(*(const int *)data, &dead, sizeof(dead));
    (void)told;
}

static bool eventfd_trip(int in, int out)
{
    uint64_t one = 1;
    return write(out, &one, sizeof(one)) == sizeof(one) && read(in, &one, sizeof(one)) == sizeof(one) &&
           one == 1;
}

static void echo_eventfd(void *data, unsigned number)
{
    const struct ends *ends = data;
    uint64_t value;
    (void)number;
    while (read(ends->in, &value, sizeof(value)) == sizeof(value) &&
           write(ends->out, &value, sizeof(value)) == sizeof(value)) {
    }
}

static void eventfd_round(tare_bench *b, enum place place)
{
    place_begin(place);
    static int there, back;
    there = place_keep(eventfd(0, EFD_CLOEXEC));
    back = place_keep(eventfd(0, EFD_CLOEXEC));
    struct ends ends = {.in = there, .out = back};
    place_on_death(tell_death, &back);
    place_start(echo_eventfd, &ends);
    tare_require(eventfd_trip(back, there));
    TARE_EACH(b)
    {
        TARE_SCOPE(eventfd_round);
        tare_require(eventfd_trip(back, there));
    }
    place_end();
}
PLACED_BENCH(eventfd_round);

/* Whose turn it is: the parent's (0) or the child's (1). Each waits for its own, asleep unless it has come already. */
struct turn {
    _Atomic uint32_t whose;
};

static long futex(_Atomic uint32_t *word, int operation, uint32_t value)
{
    return syscall(SYS_futex, word, operation, value, NULL, NULL, 0);
}

/* Gives the turn away and waits for it to come back. */
static inline uint32_t pass_turn(struct turn *turn, uint32_t own)
{
    uint32_t other = 1 - own, seen;
    atomic_store_explicit(&turn->whose, other, memory_order_release);
    futex(&turn->whose, FUTEX_WAKE, 1);
    while ((seen = atomic_load_explicit(&turn->whose, memory_order_acquire)) == other) {
        futex(&turn->whose, FUTEX_WAIT, other);
    }
    return seen;
}

static void take_turns(void *data, unsigned number)
{
    struct turn *turn = data;
    (void)number;
    while (atomic_load_explicit(&turn->whose, memory_order_acquire) == 0) {
        futex(&turn->whose, FUTEX_WAIT, 0);
    }
    while (pass_turn(turn, 1) == 1) {
    }
}

static void end_turns(void *data)
{
    struct turn *turn = data;
    atomic_store(&turn->whose, DEAD);
    futex(&turn->whose, FUTEX_WAKE, INT_MAX);
}

static void futex_round(tare_bench *b, enum place place)
{
    place_begin(place);
    struct turn *turn = place_share(sizeof(*turn));
    place_on_death(end_turns, turn);
    place_start(take_turns, turn);
    tare_require(pass_turn(turn, 0) == 0);
    TARE_EACH(b)
    {
        TARE_SCOPE(futex_round);
        tare_require(pass_turn(turn, 0) == 0);
    }
    place_end();
}
PLACED_BENCH(futex_round);

/*
 * Throughput
 */

/* Reads until it has all of a batch, and says so: a batch is over when it was read. */
static void drain(void *data, unsigned number)
{
    struct flow *flow = data;
    (void)number;
    if (flow->closed_by_reader >= 0) {
        close(flow->closed_by_reader);
    }
    char *room = malloc(flow->size);
    uint64_t received = 0, one = 1;
    for (ssize_t n; room != NULL && (n = read(flow->in, room, flow->size)) > 0;) {
        received += (uint64_t)n;
        if (received == atomic_load_explicit(flow->target, memory_order_acquire) &&
            write(flow->done, &one, sizeof(one)) != sizeof(one)) {
            break;
        }
    }
    free(room);
}

void flow_begin(struct flow *flow, size_t size)
{
    flow->size = size;
    flow->sent = 0;
    flow->target = place_share(sizeof(*flow->target));
    flow->done = place_keep(eventfd(0, EFD_CLOEXEC));
    flow->bytes = place_share(size);
    memset(flow->bytes, 'x', size);
    place_on_death(tell_death, &flow->done);
    place_start(drain, flow);
}

void flow_expect(struct flow *flow, uint64_t count)
{
    flow->sent += count * flow->size;
    atomic_store_explicit(flow->target, flow->sent, memory_order_release);
}

bool flow_await(struct flow *flow)
{
    uint64_t said;
    return read(flow->done, &said, sizeof(said)) == sizeof(said) && said == 1;
}

static void pipe_throughput(tare_bench *b, enum place place)
{
    static struct flow flow;
    int fds[2];
    place_begin(place);
    place_pipe(fds);
    flow = (struct flow){.in = fds[0], .closed_by_reader = fds[1]};
    flow_begin(&flow, (size_t)b->arg[0]);
    place_close(&fds[0]);
    FLOW_MEASURE(b, &flow, fds[1], pipe_throughput);
    place_end();
}
PLACED_BENCH(pipe_throughput);
PLACED_ARGS(pipe_throughput, 64, 4096, 65536, 1048576);

static void unix_throughput(tare_bench *b, enum place place)
{
    static struct flow flow;
    int sockets[2];
    place_begin(place);
    make_connection(sockets);
    flow = (struct flow){.in = sockets[1], .closed_by_reader = sockets[0]};
    flow_begin(&flow, (size_t)b->arg[0]);
    place_close(&sockets[1]);
    FLOW_MEASURE(b, &flow, sockets[0], unix_throughput);
    place_end();
}
PLACED_BENCH(unix_throughput);
PLACED_ARGS(unix_throughput, 64, 4096, 65536, 1048576);

/*
 * Which of many is ready
 */

enum { FDS_BESIDES = 64 }; /* that this process may have open besides */

static void allow_descriptors(uint64_t count)
{
    struct rlimit limit;
    tare_require(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    rlim_t wanted = count + FDS_BESIDES;
    if (limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < wanted) {
        limit.rlim_cur = limit.rlim_max == RLIM_INFINITY || limit.rlim_max > wanted ? wanted : limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
        if (limit.rlim_cur < wanted) {
            tare_skip("the limit of open files is too low (ulimit -Hn)");
        }
    }
}

/* So many that have nothing to say, but the last. Longer lists than place_keep() has room for: closed here. */
static int *make_quiet(size_t count)
{
    int *fds = calloc(count, sizeof(*fds));
    tare_require(fds != NULL);
    for (size_t i = 0; i < count; i++) {
        fds[i] = eventfd(i + 1 == count, EFD_CLOEXEC | EFD_NONBLOCK);
        tare_require(fds[i] >= 0);
    }
    return fds;
}

static void end_quiet(int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        close(fds[i]);
    }
    free(fds);
}

TARE_BENCH(poll_fds)
{
    size_t count = (size_t)b->arg[0];
    allow_descriptors(count);
    int *fds = make_quiet(count);
    struct pollfd *polled = calloc(count, sizeof(*polled));
    tare_require(polled != NULL);
    for (size_t i = 0; i < count; i++) {
        polled[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
    }
    TARE_EACH(b)
    {
        TARE_SCOPE(poll_fds);
        tare_require(poll(polled, count, 0) == 1);
    }
    tare_require(polled[count - 1].revents == POLLIN);
    free(polled);
    end_quiet(fds, count);
}
TARE_BENCH_ARGS(poll_fds, 1, 10, 100, 1000);

TARE_BENCH(epoll_fds)
{
    size_t count = (size_t)b->arg[0];
    allow_descriptors(count);
    int *fds = make_quiet(count), set = epoll_create1(EPOLL_CLOEXEC);
    tare_require(set >= 0);
    for (size_t i = 0; i < count; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data = {.fd = fds[i]}};
        tare_require(epoll_ctl(set, EPOLL_CTL_ADD, fds[i], &event) == 0);
    }
    struct epoll_event ready[16] = {{0}};
    TARE_EACH(b)
    {
        TARE_SCOPE(epoll_fds);
        tare_require(epoll_wait(set, ready, 16, 0) == 1);
    }
    tare_require(ready[0].data.fd == fds[count - 1]);
    close(set);
    end_quiet(fds, count);
}
TARE_BENCH_ARGS(epoll_fds, 1, 10, 100, 1000);
