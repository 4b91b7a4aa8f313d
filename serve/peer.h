/* SPDX-License-Identifier: MIT */
/* Whose the other end of a connection within this machine is. */
#ifndef TARE_SERVE_PEER_H
#define TARE_SERVE_PEER_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/*
 * The user of the socket at the other end of a TCP connection whose ends are both on this machine. 0, or
 * -errno:
 * -ENOENT: the kernel's tables do not have it (any more): it is elsewhere, or was closed.
 */
int tare__peer_uid(int fd, uid_t *uid);

/*
 * Looks for a socket in a table as /proc/net/tcp and tcp6 have it; its ends as they are written there
 * ("0100007F:1F90"). False: it is not there, or nobody has it open, and so it says nothing of whose it is.
 */
bool tare__peer_find(FILE *table, const char *local, const char *remote, uid_t *uid);

#endif
