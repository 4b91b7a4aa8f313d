/* SPDX-License-Identifier: MIT */
/* A grate that does nothing: every call is passed on as it is. What that takes is what standing there takes. */
#include "grate.h"

GRATE_EXPORT("lind_handle")
int64_t lind_handle(int64_t number, int64_t caller, int64_t a, int64_t b, int64_t c, int64_t d, int64_t e,
                    int64_t f)
{
    return grate_pass(caller, number, a, b, c, d, e, f);
}
