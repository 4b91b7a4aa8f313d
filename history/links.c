/* SPDX-License-Identifier: MIT */
/* Links are stored as they came, perhaps by another version: who shows one asks again. */
#include <string.h>

#include "history/model.h"
#include "record/ci.h"

bool tare_history_is_link(const char *text)
{
    if (!tare__is_link(text) || strpbrk(text, "^{|}") != NULL) {
        return false;
    }
    return strchr("/?#", *(strchr(text, ':') + strlen("://"))) == NULL; /* there is a host */
}
