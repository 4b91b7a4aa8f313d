/* SPDX-License-Identifier: MIT */
/*
 * tare/set.h: what the headers of ready-made sets of instruments (jit.h, gfx.h, cpu.h, memory.h, latency.h) are
 * made of: instruments whose module is the set's, whatever TARE_MODULE the file has. Programs include those.
 */
#ifndef TARE_SET_H
#define TARE_SET_H

#include <tare/tare.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef TARE_DISABLE

#ifdef __cplusplus
#define TARE__SET_MODULE(id, text) static constexpr tare__module tare__module_##id = {text}
#else
#define TARE__SET_MODULE(id, text) TARE__UNUSED static const struct tare__module tare__module_##id = {text}
#endif
#define TARE__SET_COUNTER(id, module, name, unit, labels, help)                                                \
    TARE__DECLARE(counter, 2, id, name, &tare__module_##module, unit, labels, help, TARE__NONE, 0, 0)
#define TARE__SET_GAUGE(id, module, name, unit, labels, help)                                                  \
    TARE__DECLARE(gauge, 3, id, name, &tare__module_##module, unit, labels, help, TARE__NONE, 0, 0)
#define TARE__SET_HISTOGRAM(id, module, name, unit, labels, help)                                              \
    TARE__DECLARE(histogram, 4, id, name, &tare__module_##module, unit, labels, help, TARE__NONE, 0, 0)
/*
 * One that is not there until tare__late_tell() says so: what nobody can measure is unknown, and not 0 times
 * measured. `size`, which histograms have none of, says so.
 */
#define TARE__LATE 1
#define TARE__SET_LATE_HISTOGRAM(id, module, name, unit, labels, help)                                         \
    TARE__DECLARE(histogram, 4, id, name, &tare__module_##module, unit, labels, help, TARE__NONE, 0, TARE__LATE)
#define TARE__SET_FUNCTION TARE__INLINE
#define TARE__SET_ON(kind, id) tare__is_on(&tare__##kind##_##id)

#else

#define TARE__SET_MODULE(id, text) TARE__NOTHING
#define TARE__SET_COUNTER(id, module, name, unit, labels, help) TARE__NOTHING
#define TARE__SET_GAUGE(id, module, name, unit, labels, help) TARE__NOTHING
#define TARE__SET_HISTOGRAM(id, module, name, unit, labels, help) TARE__NOTHING
#define TARE__SET_LATE_HISTOGRAM(id, module, name, unit, labels, help) TARE__NOTHING
#define TARE__SET_FUNCTION TARE__INERT
#define TARE__SET_ON(kind, id) 0

#endif

/*
 * The switch of tare/jit.h, which belongs to the program and not to an instrument: odd while its compiler is
 * off. A gauge of the set is told by tare__jit_tell(), so that none is left over that says otherwise.
 */
#ifndef TARE_DISABLE
extern TARE__API uint32_t tare__jit_switches;
TARE__API void tare__jit_switch(int enabled, tare_instrument *state, tare_instrument *capacity,
                                tare_instrument *used);
TARE__API void tare__jit_tell(tare_instrument *gauge, double value);
#endif

/*
 * Of the late histogram: nobody measures it (it is not there, or counts no more), somebody does (it is there, if
 * with no value yet), nobody knows, and a value has come, which shows it where nobody said that it is off.
 */
#define TARE__LATE_OFF 0
#define TARE__LATE_ON 1
#define TARE__LATE_UNKNOWN 2
#define TARE__LATE_VALUE 3
#ifndef TARE_DISABLE
TARE__API void tare__late_tell(tare_instrument *histogram, int what);
#endif

/* CLOCK_MONOTONIC in ns: a function of the library, as <time.h> has the clock only with POSIX asked for. */
#ifndef TARE_DISABLE
TARE__API uint64_t tare__now_ns(void);
#else
TARE__INERT uint64_t tare__now_ns(void)
{
    return 0;
}
#endif

#ifdef __cplusplus
}
#endif

#endif
