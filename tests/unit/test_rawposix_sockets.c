/* SPDX-License-Identifier: MIT */
/*
 * suites/syscalls/layers/rawposix.h: sockets on the loopback, and no way to be reached, or to reach, beyond it.
 */
#include "cage_calls.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

enum { V4_BYTES = 16, V6_BYTES = 28 };

static uint64_t put_v4(const struct cage *cage, int number, const char *address, uint16_t port)
{
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons(port)};
    assert_int_equal(inet_pton(AF_INET, address, &own.sin_addr), 1);
    memcpy(area_at(cage, number), &own, sizeof own);
    return area(number);
}

static uint64_t put_v6(const struct cage *cage, int number, const char *address, uint16_t port)
{
    struct sockaddr_in6 own = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    assert_int_equal(inet_pton(AF_INET6, address, &own.sin6_addr), 1);
    memcpy(area_at(cage, number), &own, sizeof own);
    return area(number);
}

/* The address of a socket, as the cage is told; its port. */
static uint16_t name_of(struct cage *cage, int64_t fd, struct sockaddr_in *name)
{
    const uint32_t room = 128;
    memcpy(area_at(cage, 9), &room, sizeof room);
    assert_int_equal(call(cage, LIND_GETSOCKNAME, (uint64_t)fd, area(8), area(9)), 0);
    uint32_t length;
    memcpy(&length, area_at(cage, 9), sizeof length);
    assert_int_equal(length, sizeof(*name));
    memcpy(name, area_at(cage, 8), sizeof(*name));
    return ntohs(name->sin_port);
}

static void a_stream_goes_there_and_back(void **state)
{
    struct cage *cage = ((struct cage_test *)*state)->cage;
    assert_int_equal(call(cage, LIND_SOCKET, AF_INET, SOCK_STREAM | LIND_O_CLOEXEC, 0), 0);
    assert_int_equal(call(cage, LIND_FCNTL, 0, 1), 1);
    *(int32_t *)area_at(cage, 2) = 1;
    assert_int_equal(call(cage, LIND_SETSOCKOPT, 0, SOL_SOCKET, SO_REUSEADDR, area(2), 4), 0);
    assert_int_equal(call(cage, LIND_BIND, 0, put_v4(cage, 2, "127.0.0.1", 0), V4_BYTES), 0);
    assert_int_equal(call(cage, LIND_LISTEN, 0, 5), 0);
    struct sockaddr_in name;
    uint16_t port = name_of(cage, 0, &name);
    assert_int_not_equal(port, 0);

    assert_int_equal(call(cage, LIND_SOCKET, AF_INET, SOCK_STREAM, IPPROTO_TCP), 1);
    assert_int_equal(call(cage, LIND_CONNECT, 1, put_v4(cage, 2, "127.0.0.1", port), V4_BYTES), 0);
    const uint32_t room = 4; /* the address is cut, its length is told in full */
    memcpy(area_at(cage, 3), &room, sizeof room);
    memset(area_at(cage, 4), 0x55, 32);
    assert_int_equal(call(cage, LIND_ACCEPT, 0, area(4), area(3)), 2);
    assert_int_equal(*(uint32_t *)area_at(cage, 3), V4_BYTES);
    assert_int_equal(*(uint16_t *)area_at(cage, 4), AF_INET);
    assert_int_equal(((uint8_t *)area_at(cage, 4))[4], 0x55);

    assert_int_equal(call(cage, LIND_SENDTO, 1, text_in(cage, 5, "ping"), 4, 0, 0, 0), 4);
    assert_int_equal(call(cage, LIND_RECVFROM, 2, area(6), 100, 0, 0, 0), 4);
    assert_memory_equal(area_at(cage, 6), "ping", 4);
    assert_int_equal(call(cage, LIND_WRITE, 2, text_in(cage, 5, "pong"), 4), 4);
    assert_int_equal(call(cage, LIND_READ, 1, area(6), 100), 4);
    assert_memory_equal(area_at(cage, 6), "pong", 4);
    assert_int_equal(call(cage, LIND_SHUTDOWN, 1, SHUT_WR), 0);
    assert_int_equal(call(cage, LIND_READ, 2, area(6), 100), 0);
    assert_int_equal(close_in(cage, 1), 0);
    /* To one that has gone: an error, not a signal. */
    int64_t sent = 0;
    for (int i = 0; i < 100 && sent >= 0; i++) {
        sent = call(cage, LIND_WRITE, 2, area(5), 4);
        call(cage, LIND_SLEEP_NS, 1, 1000000, 0);
    }
    assert_true(sent == -EPIPE || sent == -ECONNRESET);
}

static void datagrams(void **state)
{
    struct cage *cage = ((struct cage_test *)*state)->cage;
    assert_int_equal(call(cage, LIND_SOCKET, AF_INET, SOCK_DGRAM, 0), 0);
    assert_int_equal(call(cage, LIND_SOCKET, AF_INET, SOCK_DGRAM | LIND_O_NONBLOCK, 0), 1);
    assert_int_equal(call(cage, LIND_BIND, 0, put_v4(cage, 2, "0.0.0.0", 0), V4_BYTES),
                     0); /* to none is to the loopback */
    struct sockaddr_in name;
    uint16_t port = name_of(cage, 0, &name);
    assert_int_equal(ntohl(name.sin_addr.s_addr), INADDR_LOOPBACK);
    assert_int_equal(call(cage, LIND_SENDTO, 1, text_in(cage, 5, "ping"), 4, 0,
                          put_v4(cage, 2, "127.0.0.1", port), V4_BYTES),
                     4);
    assert_true(name_of(cage, 1, &name) != 0);
    assert_int_equal(ntohl(name.sin_addr.s_addr), INADDR_LOOPBACK);
    const uint32_t room = 128;
    memcpy(area_at(cage, 3), &room, sizeof room);
    assert_int_equal(call(cage, LIND_RECVFROM, 0, area(6), 100, 0, area(4), area(3)), 4);
    assert_int_equal(call(cage, LIND_SENDTO, 0, area(5), 4, 0, area(4), V4_BYTES), 4); /* and back */
    assert_int_equal(call(cage, LIND_RECVFROM, 1, area(6), 100, 0, 0, 0), 4);
    assert_int_equal(call(cage, LIND_RECVFROM, 1, area(6), 100, 0, 0, 0), -EAGAIN);
}

static void a_pair(void **state)
{
    struct cage *cage = ((struct cage_test *)*state)->cage;
    assert_int_equal(call(cage, LIND_SOCKETPAIR, AF_UNIX, SOCK_SEQPACKET, 0, area(2)), 0);
    assert_int_equal(call(cage, LIND_WRITE, 0, text_in(cage, 3, "abc"), 3), 3);
    assert_int_equal(call(cage, LIND_RECVFROM, 1, area(4), 2, MSG_TRUNC, 0, 0), 3);
    assert_int_equal(call(cage, LIND_SOCKETPAIR, AF_INET, SOCK_STREAM, 0, area(2)), -EAFNOSUPPORT);
    assert_int_equal(call(cage, LIND_SOCKETPAIR, AF_UNIX, SOCK_STREAM, 1, area(2)), -EPROTONOSUPPORT);
    for (int i = 2; i < LIND_FDS_MAX - 1; i++) {
        assert_int_equal(call(cage, LIND_DUP, 0), i);
    }
    assert_int_equal(call(cage, LIND_SOCKETPAIR, AF_UNIX, SOCK_STREAM, 0, area(2)), -EMFILE);
    assert_int_equal(call(cage, LIND_DUP, 0), LIND_FDS_MAX - 1); /* the half is gone */
    struct sockaddr *path = area_at(cage, 5);
    path->sa_family = AF_UNIX;
    memcpy(path->sa_data, "/tmp/x", 7);
    assert_int_equal(call(cage, LIND_BIND, 0, area(5), 16), -EACCES);
    assert_int_equal(call(cage, LIND_CONNECT, 0, area(5), 16), -EACCES);
    assert_int_equal(call(cage, LIND_SENDTO, 0, area(3), 1, 0, area(5), 16), -EACCES);
}

static void nothing_beyond_the_loopback(void **state)
{
    struct cage *cage = ((struct cage_test *)*state)->cage;
    const char *v4[] = {"8.8.8.8",         "10.0.0.1",        "192.168.0.1", "128.0.0.1",
                        "126.255.255.255", "255.255.255.255", "224.0.0.1",   "169.254.169.254"};
    const char *v6[] = {"2001:db8::1", "fe80::1", "ff02::1", "::2", "::ffff:8.8.8.8", "::ffff:127.0.0.1"};
    const int types[] = {SOCK_STREAM, SOCK_DGRAM};
    for (int t = 0; t < 2; t++) {
        assert_int_equal(call(cage, LIND_SOCKET, AF_INET, (uint64_t)types[t] | LIND_O_NONBLOCK, 0), 0);
        for (size_t i = 0; i < sizeof(v4) / sizeof(v4[0]); i++) {
            uint64_t at = put_v4(cage, 2, v4[i], 9);
            assert_int_equal(call(cage, LIND_CONNECT, 0, at, V4_BYTES), -EACCES);
            assert_int_equal(call(cage, LIND_BIND, 0, at, V4_BYTES), -EACCES);
            assert_int_equal(call(cage, LIND_SENDTO, 0, area(3), 1, 0, at, V4_BYTES), -EACCES);
        }
        assert_int_equal(call(cage, LIND_CONNECT, 0, put_v4(cage, 2, "0.0.0.0", 9), V4_BYTES), -EACCES);
        for (size_t i = 0; i < sizeof(v6) / sizeof(v6[0]); i++) {
            uint64_t at = put_v6(cage, 2, v6[i], 9);
            assert_int_equal(call(cage, LIND_CONNECT, 0, at, V6_BYTES), -EACCES);
            assert_int_equal(call(cage, LIND_BIND, 0, at, V6_BYTES), -EACCES);
            assert_int_equal(call(cage, LIND_SENDTO, 0, area(3), 1, 0, at, V6_BYTES), -EACCES);
        }
        memset(area_at(cage, 2), 0, V4_BYTES); /* AF_UNSPEC, which takes a connection back */
        assert_int_equal(call(cage, LIND_CONNECT, 0, area(2), V4_BYTES), -EACCES);
        assert_int_equal(call(cage, LIND_BIND, 0, area(2), V4_BYTES), -EACCES);
        put_v4(cage, 2, "127.0.0.1", 9);
        assert_int_equal(call(cage, LIND_CONNECT, 0, area(2), 8), -EINVAL);
        assert_int_equal(call(cage, LIND_CONNECT, 0, area(2), 1), -EINVAL);
        assert_int_equal(call(cage, LIND_CONNECT, 0, area(2), 4000), -EINVAL);
        assert_int_equal(close_in(cage, 0), 0);
    }
}

static void other_sockets_there_are_none(void **state)
{
    struct cage *cage = ((struct cage_test *)*state)->cage;
    const struct {
        int family, type, protocol, result;
    } none[] = {
        {AF_UNIX, SOCK_STREAM, 0, -EAFNOSUPPORT},
        {16 /* netlink */, SOCK_RAW, 0, -EAFNOSUPPORT},
        {17 /* packet */, SOCK_RAW, 0, -EAFNOSUPPORT},
        {40 /* vsock */, SOCK_STREAM, 0, -EAFNOSUPPORT},
        {-1, SOCK_STREAM, 0, -EAFNOSUPPORT},
        {AF_INET, SOCK_RAW, 1, -EPROTONOSUPPORT},
        {AF_INET, SOCK_DGRAM, 1, -EPROTONOSUPPORT},
        {AF_INET, SOCK_STREAM, 262, -EPROTONOSUPPORT},
        {AF_INET, SOCK_SEQPACKET, 132, -EPROTONOSUPPORT},
    };
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        assert_int_equal(call(cage, LIND_SOCKET, ARG(none[i].family), ARG(none[i].type), ARG(none[i].protocol)),
                         none[i].result);
    }
    assert_int_equal(call(cage, LIND_SOCKET, AF_INET, SOCK_STREAM, 0), 0);
    *(int32_t *)area_at(cage, 2) = 1;
    const int options[] = {SO_BINDTODEVICE,  SO_BROADCAST, SO_DEBUG, SO_ATTACH_FILTER,
                           SO_DETACH_FILTER, SO_REUSEPORT, SO_MARK};
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        assert_int_equal(call(cage, LIND_SETSOCKOPT, 0, SOL_SOCKET, ARG(options[i]), area(2), 4), -ENOPROTOOPT);
    }
    assert_int_equal(call(cage, LIND_SETSOCKOPT, 0, IPPROTO_IP, IP_ADD_MEMBERSHIP, area(2), 8), -ENOPROTOOPT);
    assert_int_equal(call(cage, LIND_SETSOCKOPT, 0, SOL_SOCKET, SO_TYPE, area(2), 4), -ENOPROTOOPT);
    const uint32_t room = 4;
    memcpy(area_at(cage, 3), &room, sizeof room);
    assert_int_equal(call(cage, LIND_GETSOCKOPT, 0, SOL_SOCKET, SO_TYPE, area(2), area(3)), 0);
    assert_int_equal(*(int32_t *)area_at(cage, 2), SOCK_STREAM);
    assert_int_equal(call(cage, LIND_SENDTO, 0, area(2), 1, 0x20000000 /* MSG_FASTOPEN */, 0, 0), -EINVAL);
    assert_int_equal(call(cage, LIND_RECVFROM, 0, area(2), 1, 0x2000 /* MSG_ERRQUEUE */, 0, 0), -EINVAL);
    int64_t file = open_in(cage, "file", LIND_O_CREAT | 1);
    assert_int_equal(call(cage, LIND_LISTEN, (uint64_t)file, 1), -ENOTSOCK);
    assert_int_equal(call(cage, LIND_LISTEN, 99, 1), -EBADF);
}

/* The kernel would bind these to all addresses. */
static void what_nobody_bound(void **state)
{
    struct cage *cage = ((struct cage_test *)*state)->cage;
    struct sockaddr_in name;
    assert_int_equal(call(cage, LIND_SOCKET, AF_INET, SOCK_STREAM, 0), 0);
    assert_int_equal(call(cage, LIND_LISTEN, 0, 1), 0);
    assert_true(name_of(cage, 0, &name) != 0);
    assert_int_equal(ntohl(name.sin_addr.s_addr), INADDR_LOOPBACK);

    /* A write without a destination fails, and binds; then nothing comes in, not even from the host itself. */
    assert_int_equal(call(cage, LIND_SOCKET, AF_INET, SOCK_DGRAM | LIND_O_NONBLOCK, 0), 1);
    assert_int_equal(call(cage, LIND_WRITE, 1, area(3), 1), -EDESTADDRREQ);
    uint16_t port = name_of(cage, 1, &name);
    if (port != 0) {
        int host = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct sockaddr_in to = {
            .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        sendto(host, "x", 1, 0, (struct sockaddr *)&to, sizeof to);
        close(host);
        assert_int_equal(call(cage, LIND_RECVFROM, 1, area(3), 1, 0, 0, 0), -EAGAIN);
        assert_int_equal(call(cage, LIND_SENDTO, 1, area(3), 1, 0, put_v4(cage, 2, "127.0.0.1", 9), V4_BYTES),
                         -EACCES);
        /* Connected to the loopback it is bound there. */
        assert_int_equal(call(cage, LIND_CONNECT, 1, put_v4(cage, 2, "127.0.0.1", 9), V4_BYTES), 0);
        name_of(cage, 1, &name);
        assert_int_equal(ntohl(name.sin_addr.s_addr), INADDR_LOOPBACK);
    }
}

static void the_newer_protocol(void **state)
{
    struct cage *cage = ((struct cage_test *)*state)->cage;
    int64_t fd = call(cage, LIND_SOCKET, AF_INET6, SOCK_STREAM, 0);
    int64_t bound = fd < 0 ? fd : call(cage, LIND_BIND, 0, put_v6(cage, 2, "::", 0), V6_BYTES);
    if (bound < 0) {
        print_message("skipped: no IPv6 here (%d)\n", (int)bound);
        skip();
    }
    assert_int_equal(call(cage, LIND_LISTEN, 0, 1), 0);
    const uint32_t room = 128;
    memcpy(area_at(cage, 9), &room, sizeof room);
    assert_int_equal(call(cage, LIND_GETSOCKNAME, 0, area(8), area(9)), 0);
    struct sockaddr_in6 name;
    memcpy(&name, area_at(cage, 8), sizeof name);
    assert_true(IN6_IS_ADDR_LOOPBACK(&name.sin6_addr));
    assert_int_equal(call(cage, LIND_SOCKET, AF_INET6, SOCK_STREAM, 0), 1);
    assert_int_equal(call(cage, LIND_CONNECT, 1, area(8), V6_BYTES), 0);
    assert_int_equal(call(cage, LIND_ACCEPT4, 0, 0, 0, LIND_O_NONBLOCK), 2);
    assert_int_equal(call(cage, LIND_READ, 2, area(3), 1), -EAGAIN);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, cage_test_set_up, cage_test_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_stream_goes_there_and_back),
        TEST(datagrams),
        TEST(a_pair),
        TEST(nothing_beyond_the_loopback),
        TEST(other_sockets_there_are_none),
        TEST(what_nobody_bound),
        TEST(the_newer_protocol),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
