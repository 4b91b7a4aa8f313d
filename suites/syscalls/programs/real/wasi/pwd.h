/* SPDX-License-Identifier: MIT */
/* There are no users. */
#ifndef REAL_PWD_H
#define REAL_PWD_H

#include <stddef.h>
#include <sys/types.h>

struct passwd {
    char *pw_dir;
};

static inline struct passwd *getpwuid(uid_t user)
{
    (void)user;
    return NULL;
}

#endif
