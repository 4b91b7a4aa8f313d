/* SPDX-License-Identifier: MIT */
/*
 * tare/frame.h: frames of a renderer, an emulator, a game loop: how long each took, and which parts of it.
 *
 *     #include <tare/frame.h>
 *     TARE_MODULE("view");
 *     TARE_FRAMES(main_view, 1024, "cpu", "gpu", "io");  // view.main_view: a ring of 1024 frames, three parts
 *
 *     tare_frame_begin(main_view);
 *     {
 *         TARE_FRAME_PART(main_view, 0);                 // the rest of the block is the part "cpu"
 *         draw();
 *     }
 *     tare_frame_part_ns(main_view, 1, gpu_ns);          // the part "gpu", measured by somebody else
 *     uint64_t number = tare_frame_end(main_view);
 *     ...
 *     tare_frame_part_late_ns(main_view, number, 1, ns); // or when it is known, if the frame is still in the ring
 *
 * A frame lasts from tare_frame_begin() to tare_frame_end(); what is begun while one is open takes its place,
 * which counts as abandoned, as does a frame in which they were disabled for a while. Numbers go on across
 * resets. Parts need not cover the frame, may overlap, and add up if they come several times;
 * a part that was not told is unknown (null in every view), which is not 0.
 *
 * A time is one from 0 to 2^63 - 1 ns. A part that is told another, as a negative one is, is unknown in that
 * frame, whatever else it is told there; so is one whose sum goes beyond what 64 bits of the clock's ticks can
 * say.
 *
 * Kept are: the last frames in a ring (1 to 65536, rounded up to a power of two, and to 64; more or none is an
 * error when the program is compiled, as it is for the sizes of tare/tare.h), the last 64 slow ones, which
 * took longer than tare_frame_slow_ns() says, the distribution of the times of all frames, sums, and how many
 * were dropped, if the program says so. Rates, lows and percentiles are made by readers.
 *
 * One thread at a time begins, ends and fills the frames of one instrument; that may be another thread each
 * time, if the program orders them. tare_frame_part_late_ns() may be called from any thread. Nothing of this
 * may be used in a signal handler. It allocates nothing, and does not call the system, but for the first frame.
 *
 * Frames are enabled from the start. Disabled (tare_disable("view.main_view")), all of it takes a load and a
 * branch, and arguments may not be evaluated. Works as <tare/tare.h> does with TARE_DISABLE. Two files that
 * declare the same frames share them.
 */
#ifndef TARE_FRAME_H
#define TARE_FRAME_H

#include <tare/tare.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef TARE_DISABLE

/* The number of a frame that was not recorded. */
#define TARE_FRAME_NONE UINT64_MAX

TARE__API void tare__frame_begin(tare_instrument *frames);
TARE__API uint64_t tare__frame_end(tare_instrument *frames);
TARE__API void tare__frame_part(tare_instrument *frames, uint32_t part, uint64_t ns);
TARE__API void tare__frame_part_late(tare_instrument *frames, uint64_t number, uint32_t part, uint64_t ns);
TARE__API void tare__frame_dropped(tare_instrument *frames, uint64_t count);
TARE__API void tare__frame_slow(tare_instrument *frames, uint64_t ns);

/* A part that is under way. Its members belong to the library. */
typedef struct tare__frame_scope {
    tare_instrument *frames; /* NULL: not recorded */
    uint64_t start_ticks;
    uint32_t part;
} tare__frame_scope;
TARE__API void tare__frame_part_begin(tare_instrument *frames, uint32_t part, tare__frame_scope *scope);
TARE__API void tare__frame_part_end(tare__frame_scope *scope);

TARE__INLINE void tare__frame_part_close(tare__frame_scope *scope)
{
    if (__builtin_expect(scope->frames != TARE__NONE, 0)) {
        tare__frame_part_end(scope);
    }
}

/*
 * The frames module.id: `ring` of them are kept, with the parts that are named: up to 8, or none. Parts of one
 * name, and without a name, are told apart as states are. With the name as a string; and with labels and a
 * sentence of help, of which either may be "", as tare/tare.h has them: two views of one name are told apart by
 * their labels.
 */
#define TARE_FRAMES(id, ring, ...) TARE_FRAMES_NAMED(id, #id, ring, __VA_ARGS__)
#define TARE_FRAMES_NAMED(id, text, ring, ...)                                                                 \
    TARE_FRAMES_LABELLED(id, text, ring, TARE__NONE, TARE__NONE, __VA_ARGS__)
#define TARE_FRAMES_LABELLED(id, text, ring, labels, help, ...)                                                \
    static const char *const tare__names_##id[] = {__VA_ARGS__};                                               \
    TARE__ASSERT_WITHIN(1, 1 + sizeof(tare__names_##id) / sizeof(tare__names_##id[0]), 1 + 8,                  \
                        "a TARE_FRAMES has up to 8 parts");                                                    \
    TARE__ASSERT_WITHIN(1, ring, 65536, "a TARE_FRAMES keeps 1 to 65536 frames");                              \
    TARE__DECLARE(frames, 7, id, text, TARE__MODULE_HERE, TARE__NONE, labels, help, tare__names_##id,          \
                  sizeof(tare__names_##id) / sizeof(tare__names_##id[0]), ring)

#define TARE__FRAMES_ON(id) tare__is_on(&tare__frames_##id)
#define tare_frame_begin(id) (TARE__FRAMES_ON(id) ? tare__frame_begin(&tare__frames_##id) : (void)0)

/* Returns the frame's number, from 0 on; TARE_FRAME_NONE if none was open. */
#define tare_frame_end(id) (TARE__FRAMES_ON(id) ? tare__frame_end(&tare__frames_##id) : TARE_FRAME_NONE)

/* In a block, after its opening brace: the rest of it is part number `part` of the frame that is open. */
#define TARE_FRAME_PART(id, part) TARE__FRAME_PART(id, part, TARE__CAT(tare__frame_part_, __COUNTER__))
#define TARE__FRAME_PART(id, part, scope)                                                                      \
    __attribute__((cleanup(tare__frame_part_close))) tare__frame_scope scope;                                  \
    scope.frames = TARE__NONE;                                                                                 \
    (TARE__FRAMES_ON(id) ? tare__frame_part_begin(&tare__frames_##id, tare__u32(part), &scope) : (void)0)

/* So many ns more, 0 to 2^63 - 1, of part number `part` in the frame that is open. */
#define tare_frame_part_ns(id, part, ns)                                                                       \
    (TARE__FRAMES_ON(id) ? tare__frame_part(&tare__frames_##id, tare__u32(part), tare__u64(ns)) : (void)0)

/* The same for a frame that has ended; nothing happens if it is not in the ring any more. */
#define tare_frame_part_late_ns(id, number, part, ns)                                                          \
    (TARE__FRAMES_ON(id)                                                                                       \
         ? tare__frame_part_late(&tare__frames_##id, tare__u64(number), tare__u32(part), tare__u64(ns))        \
         : (void)0)

/* So many frames were not shown: they came too late, or never. */
#define tare_frame_dropped(id, count)                                                                          \
    (TARE__FRAMES_ON(id) ? tare__frame_dropped(&tare__frames_##id, tare__u64(count)) : (void)0)

/*
 * From now on, frames that take longer are slow; 0: none is. At first, none is. From any thread, also while the
 * frames are disabled; a reset does not change it.
 */
#define tare_frame_slow_ns(id, ns) tare__frame_slow(&tare__frames_##id, tare__u64(ns))

#else /* TARE_DISABLE */

#define TARE_FRAME_NONE UINT64_MAX
#define TARE_FRAMES(id, ring, ...) TARE__NOTHING
#define TARE_FRAMES_NAMED(id, text, ring, ...) TARE__NOTHING
#define TARE_FRAMES_LABELLED(id, text, ring, labels, help, ...) TARE__NOTHING
#define tare_frame_begin(id) ((void)0)
#define tare_frame_end(id) TARE_FRAME_NONE
#define TARE_FRAME_PART(id, part) TARE__UNEVALUATED(part)
#define tare_frame_part_ns(id, part, ns) (TARE__UNEVALUATED(part), TARE__UNEVALUATED(ns))
#define tare_frame_part_late_ns(id, number, part, ns)                                                          \
    (TARE__UNEVALUATED(number), TARE__UNEVALUATED(part), TARE__UNEVALUATED(ns))
#define tare_frame_dropped(id, count) TARE__UNEVALUATED(count)
#define tare_frame_slow_ns(id, ns) TARE__UNEVALUATED(ns)

#endif /* TARE_DISABLE */

#ifdef __cplusplus
}
#endif

#endif
