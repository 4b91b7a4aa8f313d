/* SPDX-License-Identifier: MIT */
/* bench-own: what its files share. */
#ifndef TARE_BENCH_OWN_H
#define TARE_BENCH_OWN_H

/* page.c: the process whose page is read; never returns. `ready`: a descriptor to which it says that its page is full. */
_Noreturn void own_page_fill(int ready, unsigned instruments);

#endif
