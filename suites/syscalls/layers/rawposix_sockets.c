/* SPDX-License-Identifier: MIT */
/*
 * Sockets of a cage: IPv4 and IPv6 on the loopback, stream and datagram, and pairs of AF_UNIX.
 *
 * The kernel binds a socket to all addresses of the machine when a program listens, or sends a datagram, without having
 * bound it. So what is unbound is bound to the loopback before; a datagram socket takes nothing in until it is bound or
 * connected there (a filter drops all), since a mere write(2) binds it, too; and that a stream socket listens on the
 * loopback, and who it accepts, is looked at once more afterwards, as another thread may have done something in between.
 */
#include <arpa/inet.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <tare/tare.h>

#include "suites/syscalls/layers/rawposix_internal.h"

TARE_MODULE("rawposix");
TARE_TIMER(socket_syscall);
TARE_TIMER(socketpair_syscall);
TARE_TIMER(bind_syscall);
TARE_TIMER(connect_syscall);
TARE_TIMER(listen_syscall);
TARE_TIMER(accept_syscall);
TARE_TIMER(sendto_syscall);
TARE_TIMER(recvfrom_syscall);
TARE_TIMER(shutdown_syscall);
TARE_TIMER(getsockname_syscall);
TARE_TIMER(getpeername_syscall);
TARE_TIMER(setsockopt_syscall);
TARE_TIMER(getsockopt_syscall);

/* The constants of Linux are the same on all processors that we know, but for a few old ones. */
_Static_assert(SOCK_STREAM == 1 && SOCK_DGRAM == 2 && (int)SOCK_NONBLOCK == LIND_O_NONBLOCK &&
                   (int)SOCK_CLOEXEC == LIND_O_CLOEXEC && SOL_SOCKET == 1 && AF_INET6 == 10,
               "constants of sockets");

enum {
    TYPE_FLAGS = LIND_O_NONBLOCK | LIND_O_CLOEXEC,
    BACKLOG_MAX = 128,
    SEND_FLAGS = MSG_DONTWAIT | MSG_NOSIGNAL | MSG_MORE,
    RECEIVE_FLAGS = MSG_DONTWAIT | MSG_PEEK | MSG_TRUNC | MSG_WAITALL,
};

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_storage room;
};

static bool is_loopback(const union address *address)
{
    switch (address->any.sa_family) {
    case AF_INET:
        return ntohl(address->v4.sin_addr.s_addr) >> 24 == 127;
    case AF_INET6:
        return IN6_IS_ADDR_LOOPBACK(&address->v6.sin6_addr);
    default:
        return false;
    }
}

static bool is_any(const union address *address)
{
    return (address->any.sa_family == AF_INET && address->v4.sin_addr.s_addr == htonl(INADDR_ANY)) ||
           (address->any.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&address->v6.sin6_addr));
}

static void set_loopback(union address *address)
{
    if (address->any.sa_family == AF_INET) {
        address->v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    } else {
        address->v6.sin6_addr = in6addr_loopback;
    }
}

static socklen_t size_of(const union address *address)
{
    return address->any.sa_family == AF_INET ? sizeof address->v4 : sizeof address->v6;
}

/*
 * An address of a cage, copied. 0; -EACCES: it is not the loopback's (with `any_is_loopback`, no address becomes it); or
 * -EFAULT, -EINVAL.
 */
static int address_of(struct rawposix_request *request, int argument, bool any_is_loopback,
                      union address *address)
{
    uint64_t size = (uint32_t)request->args[argument + 1];
    const void *from = rawposix__at(request, argument, size);
    if (from == NULL) {
        return -EFAULT;
    }
    if (size < sizeof(sa_family_t) || size > sizeof *address) {
        return -EINVAL;
    }
    memset(address, 0, sizeof *address);
    rawposix__copy_in(address, from, size);
    if (address->any.sa_family != AF_INET && address->any.sa_family != AF_INET6) {
        return -EACCES;
    }
    if (size < size_of(address)) {
        return -EINVAL;
    }
    if (any_is_loopback && is_any(address)) {
        set_loopback(address);
    }
    return is_loopback(address) ? 0 : -EACCES;
}

/* Where a cage wants an address, and how much of it: an address, and behind it that of a length. 0, or -EFAULT. */
struct wanted {
    void *to;
    uint8_t *length_at;
    uint32_t room;
};

static int wanted_at(struct rawposix_request *request, int argument, struct wanted *wanted)
{
    *wanted = (struct wanted){0};
    if (request->args[argument] == 0) {
        return 0;
    }
    wanted->length_at = rawposix__at(request, argument + 1, sizeof(uint32_t));
    if (wanted->length_at == NULL) {
        return -EFAULT;
    }
    rawposix__copy_in(&wanted->room, wanted->length_at, sizeof wanted->room);
    wanted->to = rawposix__at(request, argument, wanted->room);
    return wanted->to != NULL ? 0 : -EFAULT;
}

static void give_wanted(const struct wanted *wanted, const union address *address, socklen_t length)
{
    if (wanted->to == NULL) {
        return;
    }
    uint32_t known = length < sizeof *address ? length : sizeof *address;
    memcpy(wanted->to, address, known < wanted->room ? known : wanted->room);
    memcpy(wanted->length_at, &length, sizeof(uint32_t));
}

static int64_t own_address(int fd, union address *address)
{
    socklen_t length = sizeof *address;
    memset(address, 0, sizeof *address);
    return rawposix__result(getsockname(fd, &address->any, &length));
}

/*
 * What no cage may do by accident
 */

static int drop_all(int fd)
{
    struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
    struct sock_fprog program = {.len = 1, .filter = &nothing};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

/* When it is bound to the loopback, or connected there. */
static void drop_no_more(int fd)
{
    setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &(int){0}, sizeof(int)); /* ENOENT: there is none */
}

/* A socket that has no port gets one of the loopback. 0; -EACCES: it is bound elsewhere; or -errno. */
static int64_t ensure_bound(int fd)
{
    union address address;
    int64_t result = own_address(fd, &address);
    if (result < 0 || (address.any.sa_family != AF_INET && address.any.sa_family != AF_INET6)) {
        return result; /* the kernel knows what is wrong */
    }
    if (is_loopback(&address)) {
        return 0;
    }
    in_port_t port = address.any.sa_family == AF_INET ? address.v4.sin_port : address.v6.sin6_port;
    if (port != 0) {
        return -EACCES;
    }
    set_loopback(&address);
    result = rawposix__result(bind(fd, &address.any, size_of(&address)));
    if (result == 0) {
        drop_no_more(fd);
    }
    return result;
}

static int64_t is_bound_elsewhere(int fd)
{
    union address address;
    int64_t result = own_address(fd, &address);
    if (result < 0) {
        return result;
    }
    bool inet = address.any.sa_family == AF_INET || address.any.sa_family == AF_INET6;
    return inet && !is_loopback(&address) ? -EACCES : 0;
}

/*
 * The calls
 */

#define WITH_SOCKET(request, host_fd)                                                                          \
    struct fd_file *file = fdtables_translate_virtual_fd((request)->caller->fds, rawposix__int((request), 0)); \
    if (file == NULL) {                                                                                        \
        return -EBADF;                                                                                         \
    }                                                                                                          \
    int host_fd = file->under_fd

#define DONE_WITH_SOCKET(result)                                                                               \
    do {                                                                                                       \
        int64_t done_result = (result);                                                                        \
        fd_file_put(file);                                                                                     \
        return done_result;                                                                                    \
    } while (false)

RAWPOSIX_CALL(socket)
{
    TARE_SCOPE(socket_syscall);
    int family = rawposix__int(request, 0);
    int type = rawposix__int(request, 1) & ~TYPE_FLAGS;
    int flags = rawposix__int(request, 1) & TYPE_FLAGS;
    int protocol = rawposix__int(request, 2);
    if (family != AF_INET && family != AF_INET6) {
        return -EAFNOSUPPORT;
    }
    if (type != SOCK_STREAM && type != SOCK_DGRAM) {
        return -EPROTONOSUPPORT;
    }
    if (protocol != 0 && protocol != (type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP)) {
        return -EPROTONOSUPPORT;
    }
    int fd =
        socket(family, type | SOCK_CLOEXEC | ((flags & LIND_O_NONBLOCK) != 0 ? SOCK_NONBLOCK : 0), protocol);
    if (fd < 0) {
        return rawposix__result(-1);
    }
    if ((type == SOCK_DGRAM && drop_all(fd) != 0) ||
        (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){1}, sizeof(int)) != 0)) {
        close(fd);
        return -EACCES;
    }
    return rawposix__number(request->caller, fd, (flags & LIND_O_CLOEXEC) != 0);
}

RAWPOSIX_CALL(socketpair)
{
    TARE_SCOPE(socketpair_syscall);
    int type = rawposix__int(request, 1);
    void *to = rawposix__array_at(request, 3, 2, sizeof(int32_t));
    if (to == NULL) {
        return -EFAULT;
    }
    if (rawposix__int(request, 0) != AF_UNIX) {
        return -EAFNOSUPPORT;
    }
    if (rawposix__int(request, 2) != 0) {
        return -EPROTONOSUPPORT;
    }
    int ends[2];
    if (socketpair(AF_UNIX, (type & ~LIND_O_CLOEXEC) | SOCK_CLOEXEC, 0, ends) != 0) {
        return rawposix__result(-1);
    }
    bool cloexec = (type & LIND_O_CLOEXEC) != 0;
    int32_t numbers[2];
    numbers[0] = rawposix__number(request->caller, ends[0], cloexec);
    if (numbers[0] < 0) {
        close(ends[1]);
        return numbers[0];
    }
    numbers[1] = rawposix__number(request->caller, ends[1], cloexec);
    if (numbers[1] < 0) {
        fdtables_close_virtualfd(request->caller->fds, numbers[0]);
        return numbers[1];
    }
    memcpy(to, numbers, sizeof numbers);
    return 0;
}

RAWPOSIX_CALL(bind)
{
    TARE_SCOPE(bind_syscall);
    union address address;
    int error = address_of(request, 1, true, &address);
    if (error != 0) {
        return error;
    }
    WITH_SOCKET(request, fd);
    int64_t result = rawposix__result(bind(fd, &address.any, size_of(&address)));
    if (result == 0) {
        drop_no_more(fd);
    }
    DONE_WITH_SOCKET(result);
}

RAWPOSIX_CALL(connect)
{
    TARE_SCOPE(connect_syscall);
    union address address;
    int error = address_of(request, 1, false, &address);
    if (error != 0) {
        return error;
    }
    WITH_SOCKET(request, fd);
    int64_t result = rawposix__result(connect(fd, &address.any, size_of(&address)));
    if (result == 0) {
        drop_no_more(fd);
    }
    DONE_WITH_SOCKET(result);
}

RAWPOSIX_CALL(listen)
{
    TARE_SCOPE(listen_syscall);
    int backlog = rawposix__int(request, 1);
    WITH_SOCKET(request, fd);
    int64_t result = ensure_bound(fd);
    if (result == 0) {
        result = rawposix__result(listen(fd, backlog > BACKLOG_MAX || backlog < 0 ? BACKLOG_MAX : backlog));
    }
    if (result == 0) {
        result = is_bound_elsewhere(fd);
        if (result != 0) {
            shutdown(fd, SHUT_RDWR); /* listens no more */
        }
    }
    DONE_WITH_SOCKET(result);
}

static int64_t accept_with(struct rawposix_request *request, int flags)
{
    if ((flags & ~TYPE_FLAGS) != 0) {
        return -EINVAL;
    }
    struct wanted wanted;
    int error = wanted_at(request, 1, &wanted);
    if (error != 0) {
        return error;
    }
    WITH_SOCKET(request, fd);
    union address address;
    socklen_t length = sizeof address;
    memset(&address, 0, sizeof address);
    int accepted =
        accept4(fd, &address.any, &length, SOCK_CLOEXEC | ((flags & LIND_O_NONBLOCK) != 0 ? SOCK_NONBLOCK : 0));
    int64_t result = rawposix__result(accepted);
    if (result >= 0) {
        if ((address.any.sa_family == AF_INET || address.any.sa_family == AF_INET6) && !is_loopback(&address)) {
            close(accepted);
            result = -ECONNABORTED;
        } else {
            result = rawposix__number(request->caller, accepted, (flags & LIND_O_CLOEXEC) != 0);
        }
    }
    if (result >= 0) {
        give_wanted(&wanted, &address, length);
    }
    DONE_WITH_SOCKET(result);
}

RAWPOSIX_CALL(accept)
{
    TARE_SCOPE(accept_syscall);
    return accept_with(request, 0);
}

RAWPOSIX_CALL(accept4)
{
    TARE_SCOPE(accept_syscall);
    return accept_with(request, rawposix__int(request, 3));
}

RAWPOSIX_CALL(sendto)
{
    TARE_SCOPE(sendto_syscall);
    const void *buffer = rawposix__at(request, 1, request->args[2]);
    if (buffer == NULL) {
        return -EFAULT;
    }
    int flags = rawposix__int(request, 3);
    if ((flags & ~SEND_FLAGS) != 0) {
        return -EINVAL;
    }
    union address address;
    bool addressed = request->args[4] != 0;
    int error = addressed ? address_of(request, 4, false, &address) : 0;
    if (error != 0) {
        return error;
    }
    WITH_SOCKET(request, fd);
    int64_t result = addressed ? ensure_bound(fd) : 0;
    if (result == 0) {
        result = rawposix__result(sendto(fd, buffer, request->args[2], flags | MSG_NOSIGNAL,
                                         addressed ? &address.any : NULL, addressed ? size_of(&address) : 0));
    }
    DONE_WITH_SOCKET(result);
}

RAWPOSIX_CALL(recvfrom)
{
    TARE_SCOPE(recvfrom_syscall);
    void *buffer = rawposix__at(request, 1, request->args[2]);
    if (buffer == NULL) {
        return -EFAULT;
    }
    int flags = rawposix__int(request, 3);
    if ((flags & ~RECEIVE_FLAGS) != 0) {
        return -EINVAL;
    }
    struct wanted wanted;
    int error = wanted_at(request, 4, &wanted);
    if (error != 0) {
        return error;
    }
    WITH_SOCKET(request, fd);
    union address address;
    socklen_t length = sizeof address;
    memset(&address, 0, sizeof address);
    int64_t result = rawposix__result(recvfrom(fd, buffer, request->args[2], flags, &address.any, &length));
    if (result >= 0) {
        give_wanted(&wanted, &address, length);
    }
    DONE_WITH_SOCKET(result);
}

RAWPOSIX_CALL(shutdown)
{
    TARE_SCOPE(shutdown_syscall);
    WITH_SOCKET(request, fd);
    DONE_WITH_SOCKET(rawposix__result(shutdown(fd, rawposix__int(request, 1))));
}

static int64_t name_of(struct rawposix_request *request, int (*ask)(int, struct sockaddr *, socklen_t *))
{
    struct wanted wanted;
    int error = wanted_at(request, 1, &wanted);
    if (error != 0 || wanted.to == NULL) {
        return -EFAULT;
    }
    WITH_SOCKET(request, fd);
    union address address;
    socklen_t length = sizeof address;
    memset(&address, 0, sizeof address);
    int64_t result = rawposix__result(ask(fd, &address.any, &length));
    if (result == 0) {
        give_wanted(&wanted, &address, length);
    }
    DONE_WITH_SOCKET(result);
}

static int ask_own(int fd, struct sockaddr *address, socklen_t *length)
{
    return getsockname(fd, address, length);
}

static int ask_peer(int fd, struct sockaddr *address, socklen_t *length)
{
    return getpeername(fd, address, length);
}

RAWPOSIX_CALL(getsockname)
{
    TARE_SCOPE(getsockname_syscall);
    return name_of(request, ask_own);
}

RAWPOSIX_CALL(getpeername)
{
    TARE_SCOPE(getpeername_syscall);
    return name_of(request, ask_peer);
}

/* Options that concern nobody but the cage; each is an int. */
static bool is_option(int level, int name, bool set)
{
    if (level == IPPROTO_TCP) {
        return name == TCP_NODELAY;
    }
    if (level != SOL_SOCKET) {
        return false;
    }
    switch (name) {
    case SO_REUSEADDR:
    case SO_KEEPALIVE:
    case SO_SNDBUF:
    case SO_RCVBUF:
        return true;
    case SO_TYPE:
    case SO_ERROR:
    case SO_ACCEPTCONN:
    case SO_DOMAIN:
    case SO_PROTOCOL:
        return !set;
    default:
        return false;
    }
}

RAWPOSIX_CALL(setsockopt)
{
    TARE_SCOPE(setsockopt_syscall);
    int level = rawposix__int(request, 1);
    int name = rawposix__int(request, 2);
    const void *from = rawposix__at(request, 3, sizeof(int));
    if (!is_option(level, name, true)) {
        return -ENOPROTOOPT;
    }
    if (from == NULL || (uint32_t)request->args[4] < sizeof(int)) {
        return from == NULL ? -EFAULT : -EINVAL;
    }
    int value;
    rawposix__copy_in(&value, from, sizeof value);
    WITH_SOCKET(request, fd);
    DONE_WITH_SOCKET(rawposix__result(setsockopt(fd, level, name, &value, sizeof value)));
}

RAWPOSIX_CALL(getsockopt)
{
    TARE_SCOPE(getsockopt_syscall);
    int level = rawposix__int(request, 1);
    int name = rawposix__int(request, 2);
    if (!is_option(level, name, false)) {
        return -ENOPROTOOPT;
    }
    struct wanted wanted;
    int error = wanted_at(request, 3, &wanted);
    if (error != 0 || wanted.to == NULL) {
        return -EFAULT;
    }
    WITH_SOCKET(request, fd);
    int value = 0;
    socklen_t length = sizeof value;
    int64_t result = rawposix__result(getsockopt(fd, level, name, &value, &length));
    if (result == 0) {
        uint32_t given = wanted.room < sizeof value ? wanted.room : (uint32_t)sizeof value;
        memcpy(wanted.to, &value, given);
        memcpy(wanted.length_at, &given, sizeof given);
    }
    DONE_WITH_SOCKET(result);
}
