/* SPDX-License-Identifier: MIT */
/*
 * A program of 1,000 counters, for tests of what takes long where there are many. Says "ready" when each has been
 * used once, and waits.
 */
#include <stdio.h>
#include <unistd.h>

#include <tare/tare.h>

TARE_MODULE("many");

#define TEN(X, p) X(p##0) X(p##1) X(p##2) X(p##3) X(p##4) X(p##5) X(p##6) X(p##7) X(p##8) X(p##9)
#define HUNDRED(X, p)                                                                                          \
    TEN(X, p##0)                                                                                               \
    TEN(X, p##1)                                                                                               \
    TEN(X, p##2) TEN(X, p##3) TEN(X, p##4) TEN(X, p##5) TEN(X, p##6) TEN(X, p##7) TEN(X, p##8) TEN(X, p##9)
#define THOUSAND(X)                                                                                            \
    HUNDRED(X, a)                                                                                              \
    HUNDRED(X, b)                                                                                              \
    HUNDRED(X, c) HUNDRED(X, d) HUNDRED(X, e) HUNDRED(X, f) HUNDRED(X, g) HUNDRED(X, h) HUNDRED(X, i)          \
        HUNDRED(X, j)
#define COUNTER(id) TARE_COUNTER(id);
#define ADD(id) TARE_ADD(id, 1);
/* clang-format off */
THOUSAND(COUNTER)
/* clang-format on */

int main(void)
{
    THOUSAND(ADD)
    puts("ready");
    fflush(stdout);
    for (;;) {
        pause();
    }
}
