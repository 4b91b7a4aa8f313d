/* SPDX-License-Identifier: MIT */
/* See rungs.c: tare's scopes. */
#include <tare/tare.h>

TARE_MODULE("accuracy");

#define MARK_DECLARE(id, text) TARE_TIMER_NAMED(id, text);
#define MARK(id) TARE_SCOPE(id);
