/* SPDX-License-Identifier: MIT */
/*
 * TCP has no SO_PEERCRED. But both ends of a connection on the loopback are sockets of this machine, and
 * /proc/net/tcp has the user of each: the peer's socket is the one whose ends are ours the other way round.
 * A socket that its process has closed may be in the table still, with the user 0: its inode is 0, too, and it
 * is not believed.
 *
 * Reading that table takes milliseconds, however few sockets are in it: the kernel walks all of its hash. So it is
 * asked for the one socket first, by sock_diag(7); where that is not to be had, the table is read.
 */
#include "serve/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { END_SIZE = 40, LINE_SIZE = 256 };

bool tare__peer_find(FILE *table, const char *local, const char *remote, uid_t *uid)
{
    char line[LINE_SIZE], a[END_SIZE], b[END_SIZE];
    while (fgets(line, sizeof(line), table) != NULL) {
        unsigned long user, inode;
        if (sscanf(line, "%*s %39s %39s %*s %*s %*s %*s %lu %*s %lu", a, b, &user, &inode) == 4 &&
            strcmp(a, local) == 0 && strcmp(b, remote) == 0 && inode != 0 && user <= UINT32_MAX) {
            *uid = (uid_t)user;
            return true;
        }
    }
    return false;
}

/* As the tables write it: words of the address as this machine reads them, and the port. */
static void write_end(char text[END_SIZE], const struct sockaddr_storage *end, bool as_v6)
{
    uint32_t words[4] = {0, 0, htonl(0xffff), 0};
    if (end->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)end;
        memcpy(words, &v6->sin6_addr, sizeof(words));
        snprintf(text, END_SIZE, "%08" PRIX32 "%08" PRIX32 "%08" PRIX32 "%08" PRIX32 ":%04X", words[0],
                 words[1], words[2], words[3], ntohs(v6->sin6_port));
        return;
    }
    const struct sockaddr_in *v4 = (const void *)end;
    words[3] = v4->sin_addr.s_addr;
    if (as_v6) {
        snprintf(text, END_SIZE, "%08" PRIX32 "%08" PRIX32 "%08" PRIX32 "%08" PRIX32 ":%04X", words[0],
                 words[1], words[2], words[3], ntohs(v4->sin_port));
    } else {
        snprintf(text, END_SIZE, "%08" PRIX32 ":%04X", words[3], ntohs(v4->sin_port));
    }
}

static void set_end(uint32_t address[4], uint16_t *port, const struct sockaddr_storage *end)
{
    if (end->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)end;
        memcpy(address, &v6->sin6_addr, sizeof(v6->sin6_addr));
        *port = v6->sin6_port;
    } else {
        const struct sockaddr_in *v4 = (const void *)end;
        address[0] = v4->sin_addr.s_addr;
        *port = v4->sin_port;
    }
}

/* The user of the socket from `local` to `remote`, as sock_diag says. False: it does not. */
static bool ask_kernel(const struct sockaddr_storage *local, const struct sockaddr_storage *remote, uid_t *uid)
{
    struct {
        struct nlmsghdr header;
        struct inet_diag_req_v2 body;
    } request = {
        .header = {.nlmsg_len = sizeof(request),
                   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                   .nlmsg_flags = NLM_F_REQUEST},
        .body = {.sdiag_family = (uint8_t)local->ss_family,
                 .sdiag_protocol = IPPROTO_TCP,
                 .idiag_states = UINT32_MAX,
                 .id = {.idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}}},
    };
    set_end(request.body.id.idiag_src, &request.body.id.idiag_sport, local);
    set_end(request.body.id.idiag_dst, &request.body.id.idiag_dport, remote);
    int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (fd < 0) {
        return false;
    }
    /* It answers before send() returns; should it ever not, nobody waits. */
    alignas(struct nlmsghdr) char answer[4096];
    const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    ssize_t size = sendto(fd, &request, sizeof(request), 0, (const struct sockaddr *)&kernel, sizeof(kernel));
    size = size == (ssize_t)sizeof(request) ? recv(fd, answer, sizeof(answer), MSG_DONTWAIT) : -1;
    close(fd);
    const struct nlmsghdr *header = (const void *)answer;
    if (size < (ssize_t)NLMSG_LENGTH(sizeof(struct inet_diag_msg)) || header->nlmsg_len > (size_t)size ||
        header->nlmsg_len < NLMSG_LENGTH(sizeof(struct inet_diag_msg)) ||
        header->nlmsg_type != SOCK_DIAG_BY_FAMILY) {
        return false;
    }
    const struct inet_diag_msg *found = NLMSG_DATA(header);
    if (found->id.idiag_sport != request.body.id.idiag_sport ||
        found->id.idiag_dport != request.body.id.idiag_dport || found->idiag_inode == 0) {
        return false; /* a socket that listens, or one that nobody has open */
    }
    *uid = found->idiag_uid;
    return true;
}

int tare__peer_uid(int fd, uid_t *uid)
{
    struct sockaddr_storage own, peer;
    socklen_t own_size = sizeof(own), peer_size = sizeof(peer);
    if (getsockname(fd, (struct sockaddr *)&own, &own_size) != 0 ||
        getpeername(fd, (struct sockaddr *)&peer, &peer_size) != 0) {
        return -errno;
    }
    bool v6 = own.ss_family == AF_INET6;
    if (own.ss_family != peer.ss_family || (!v6 && own.ss_family != AF_INET)) {
        return -ENOENT;
    }
    if (ask_kernel(&peer, &own, uid)) {
        return 0;
    }
    /*
     * IPv4's may be a socket of IPv6 at the other end; and a table that changes while it is read is read
     * again.
     */
    int failure = -ENOENT;
    for (int attempt = 0; attempt < 4; attempt++) {
        bool as_v6 = v6 || attempt % 2 == 1;
        char local[END_SIZE], remote[END_SIZE];
        write_end(local, &peer, as_v6);
        write_end(remote, &own, as_v6);
        FILE *table = fopen(as_v6 ? "/proc/net/tcp6" : "/proc/net/tcp", "re");
        if (table == NULL) {
            failure = -errno;
            continue;
        }
        bool found = tare__peer_find(table, local, remote, uid);
        fclose(table);
        if (found) {
            return 0;
        }
    }
    return failure;
}
