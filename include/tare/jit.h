/* SPDX-License-Identifier: MIT */
/*
 * tare/jit.h: what a just-in-time compiler says of itself, under the same names in every program.
 *
 *     #include <tare/jit.h>
 *     TARE_JIT_TIER(baseline);               // at file scope: a tier, and a pass of the compiler
 *     TARE_JIT_TIER(optimizing);
 *     TARE_JIT_PASS(register_allocation);
 *
 *     tare_jit_enabled(1);                   // once, when it is known
 *     tare_jit_cache_capacity(64 << 20);
 *     ...
 *     tare_jit_pass_ns(register_allocation, ns);
 *     tare_jit_compiled(baseline, ns, 1);    // one block more, in so many ns
 *     tare_jit_cache_used(bytes);
 *     tare_jit_cache_lookup(found != NULL);
 *
 * | instrument                        | kind, unit      | what                                              |
 * | --------------------------------- | --------------- | ------------------------------------------------- |
 * | jit.enabled                       | gauge           | 1 or 0; unknown until tare_jit_enabled()          |
 * | jit.compile.time_ns_total{tier}   | counter, ns     | time that compiling took                          |
 * | jit.compile.blocks_total{tier}    | counter         | blocks (traces, functions) that were compiled     |
 * | jit.compile.failed_total{tier}    | counter         | of those that were begun and given up             |
 * | jit.pass.time_ns_total{pass}      | counter, ns     | time in a pass of the compiler                    |
 * | jit.cache.capacity_bytes          | gauge, bytes    | room for compiled code                            |
 * | jit.cache.used_bytes              | gauge, bytes    | of it, in use                                     |
 * | jit.cache.lookup_hit_total        | counter         | lookups of compiled code that found some          |
 * | jit.cache.lookup_miss_total       | counter         | and that did not                                  |
 * | jit.cache.evicted_total           | counter         | blocks that were thrown out                       |
 * | jit.deopt_total                   | counter         | compiled code that was given up as it was wrong   |
 * | jit.guard_fail_total              | counter         | exits from compiled code by a failed guard        |
 *
 * The program counts; hit rate, compile ms/s and blocks/s are made by readers.
 *
 * With the JIT off, say tare_jit_enabled(0). From then on nothing of the set counts, in the whole process, and
 * each of the functions is a load and a branch; jit.enabled and both gauges of the cache are 0. That is the
 * program's own word: the instruments stay enabled, so that readers show those zeros, and nobody can make them
 * count by switching instruments on. What was counted before stays; what another thread is counting at that
 * moment may still be counted.
 *
 * tare_jit_enabled(1) after that lets everything count again. Capacity and use of the cache are unknown then,
 * as what was said while it was off has not been kept: tell both again. Before the first call the set counts,
 * too. A child of fork has the compiler on or off as its parent has; its gauges are unknown until it says so
 * again.
 *
 * tare_jit_enabled() itself is not for signal handlers nor for hot paths. Thread safety, TARE_DISABLE and the
 * rest: as in tare/tare.h.
 */
#ifndef TARE_JIT_H
#define TARE_JIT_H

#include <tare/set.h>

#ifdef __cplusplus
extern "C" {
#endif

TARE__SET_MODULE(jit, "jit");
TARE__SET_MODULE(jit_compile, "jit.compile");
TARE__SET_MODULE(jit_pass, "jit.pass");
TARE__SET_MODULE(jit_cache, "jit.cache");
TARE__SET_GAUGE(jit_enabled, jit, "enabled", TARE__NONE, TARE__NONE, "Whether code is compiled just in time");
TARE__SET_GAUGE(jit_cache_capacity, jit_cache, "capacity_bytes", "bytes", TARE__NONE, "Room for compiled code");
TARE__SET_GAUGE(jit_cache_used, jit_cache, "used_bytes", "bytes", TARE__NONE, "Compiled code that is kept");
TARE__SET_COUNTER(jit_cache_hits, jit_cache, "lookup_hit_total", TARE__NONE, TARE__NONE,
                  "Lookups that found compiled code");
TARE__SET_COUNTER(jit_cache_misses, jit_cache, "lookup_miss_total", TARE__NONE, TARE__NONE,
                  "Lookups that found none");
TARE__SET_COUNTER(jit_cache_evicted, jit_cache, "evicted_total", TARE__NONE, TARE__NONE,
                  "Compiled blocks that were thrown out");
TARE__SET_COUNTER(jit_deopts, jit, "deopt_total", TARE__NONE, TARE__NONE, "Compiled code that was given up");
TARE__SET_COUNTER(jit_guard_fails, jit, "guard_fail_total", TARE__NONE, TARE__NONE,
                  "Exits from compiled code by a failed guard");

/* At file scope: a tier of the compiler, and a pass. Their names become labels. */
#define TARE_JIT_TIER(id)                                                                                      \
    TARE__SET_COUNTER(jit_time_##id, jit_compile, "time_ns_total", "ns", "tier=" #id, "Time spent compiling"); \
    TARE__SET_COUNTER(jit_blocks_##id, jit_compile, "blocks_total", TARE__NONE, "tier=" #id,                   \
                      "Blocks compiled");                                                                      \
    TARE__SET_COUNTER(jit_failed_##id, jit_compile, "failed_total", TARE__NONE, "tier=" #id,                   \
                      "Compilations that were given up")
#define TARE_JIT_PASS(id)                                                                                      \
    TARE__SET_COUNTER(jit_pass_##id, jit_pass, "time_ns_total", "ns", "pass=" #id, "Time spent in a pass")

#ifndef TARE_DISABLE
TARE__INLINE int tare__jit_is_on(void)
{
    return (__atomic_load_n(&tare__jit_switches, __ATOMIC_RELAXED) & 1) == 0;
}
#define TARE__JIT(what) (__builtin_expect(tare__jit_is_on(), 1) ? (what) : (void)0)
#define TARE__JIT_TELL(id, value)                                                                              \
    TARE__JIT(tare__is_on(&tare__gauge_##id) ? tare__jit_tell(&tare__gauge_##id, tare__real(value)) : (void)0)
#define TARE__JIT_SWITCH(enabled)                                                                              \
    tare__jit_switch(enabled, &tare__gauge_jit_enabled, &tare__gauge_jit_cache_capacity,                       \
                     &tare__gauge_jit_cache_used)
#else
#define TARE__JIT(what) (what)
#define TARE__JIT_TELL(id, value) TARE_SET(id, value)
#define TARE__JIT_SWITCH(enabled) TARE__UNEVALUATED(enabled)
#endif

/* So many blocks were compiled, or compiling was given up, after so many ns. */
#define tare_jit_compiled(tier, ns, blocks)                                                                    \
    TARE__JIT((TARE_ADD(jit_time_##tier, ns), TARE_ADD(jit_blocks_##tier, blocks)))
#define tare_jit_failed(tier, ns) TARE__JIT((TARE_ADD(jit_time_##tier, ns), TARE_ADD(jit_failed_##tier, 1)))
#define tare_jit_pass_ns(pass, ns) TARE__JIT(TARE_ADD(jit_pass_##pass, ns))

TARE__SET_FUNCTION void tare_jit_cache_capacity(uint64_t bytes)
{
    TARE__JIT_TELL(jit_cache_capacity, bytes);
}

TARE__SET_FUNCTION void tare_jit_cache_used(uint64_t bytes)
{
    TARE__JIT_TELL(jit_cache_used, bytes);
}

TARE__SET_FUNCTION void tare_jit_enabled(int enabled)
{
    TARE__JIT_SWITCH(enabled);
}

TARE__SET_FUNCTION void tare_jit_cache_lookup(int hit)
{
    TARE__JIT(hit != 0 ? TARE_ADD(jit_cache_hits, 1) : TARE_ADD(jit_cache_misses, 1));
}

/* Several at once, where the program counts them by itself. */
TARE__SET_FUNCTION void tare_jit_cache_lookups(uint64_t hits, uint64_t misses)
{
    TARE__JIT((TARE_ADD(jit_cache_hits, hits), TARE_ADD(jit_cache_misses, misses)));
}

TARE__SET_FUNCTION void tare_jit_cache_evicted(uint64_t blocks)
{
    TARE__JIT(TARE_ADD(jit_cache_evicted, blocks));
}

TARE__SET_FUNCTION void tare_jit_deopt(uint64_t count)
{
    TARE__JIT(TARE_ADD(jit_deopts, count));
}

TARE__SET_FUNCTION void tare_jit_guard_failed(uint64_t count)
{
    TARE__JIT(TARE_ADD(jit_guard_fails, count));
}

#ifdef __cplusplus
}
#endif

#endif
