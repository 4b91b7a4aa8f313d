/* SPDX-License-Identifier: MIT */
/* See rungs.c: Google Benchmark's timer runs within one rung at a time; benchmark.cc has the functions. */
extern unsigned benchmark_rung;
void benchmark_resume(void);
void benchmark_pause(void);

static inline void benchmark_end(const unsigned *rung)
{
    if (*rung == benchmark_rung) {
        benchmark_pause();
    }
}

#define MARK_DECLARE(id, text)
#define MARK(id)                                                                                               \
    __attribute__((cleanup(benchmark_end), unused)) const unsigned benchmark_here = RUNG_##id;                 \
    if (benchmark_rung == RUNG_##id) {                                                                         \
        benchmark_resume();                                                                                    \
    }
