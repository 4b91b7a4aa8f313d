/* SPDX-License-Identifier: MIT */
/*
 * A user's C++ that is compiled with warnings of old casts, of 0 as a null pointer and of casts that change nothing
 * as errors: what the macros of tare make of arguments of each type must not give any. Only compiled, not run.
 */
#include <tare/cpu.h>
#include <tare/frame.h>
#include <tare/gfx.h>
#include <tare/jit.h>
#include <tare/latency.h>
#include <tare/memory.h>
#include <tare/tare.h>

TARE_MODULE("consumer");
TARE_TIMER(work);
TARE_COUNTER(plain);
TARE_COUNTER_NAMED(sent, "sent.total", "bytes", "proto=tcp", "What was sent");
TARE_GAUGE(depth);
TARE_HISTOGRAM(sizes, "bytes");
TARE_STATE(mode, "idle", "running");
TARE_TOPK(hot, 16);
TARE_FRAMES(view, 64, "cpu");
TARE_JIT_TIER(baseline);
TARE_JIT_PASS(allocation);

enum class state : unsigned char { idle, running };
struct packed {
    unsigned bits : 3;
};

void instruments(uint64_t u64, uint32_t u32, int i, double d, float f, const void *p, packed bits);
void instruments(uint64_t u64, uint32_t u32, int i, double d, float f, const void *p, packed bits)
{
    TARE_SCOPE(work);
    tare_span span = TARE_BEGIN(work);
    TARE_BYTES(span, u64);
    TARE_BYTES(span, i);
    TARE_END(span);
    TARE_DROP(span);
    TARE_ADD(plain, u64);
    TARE_ADD(plain, 1);
    TARE_ADD(sent, sizeof(span));
    TARE_ADD(sent, bits.bits);
    TARE_SET(depth, d);
    TARE_SET(depth, f);
    TARE_SET(depth, i);
    TARE_UNSET(depth);
    TARE_RECORD(sizes, u64);
    TARE_RECORD(sizes, u32);
    TARE_RECORD(sizes, d);
    TARE_ENTER(mode, state::running);
    TARE_ENTER(mode, u32);
    TARE_LEAVE(mode);
    TARE_HIT(hot, p, u64);
    TARE_HIT(hot, u64, 1);
}

void headers(uint64_t u64, int i);
void headers(uint64_t u64, int i)
{
    tare_frame_begin(view);
    {
        TARE_FRAME_PART(view, 0);
    }
    tare_frame_part_ns(view, i, u64);
    uint64_t number = tare_frame_end(view);
    tare_frame_part_late_ns(view, number, 0, i);
    tare_frame_dropped(view, 1);
    tare_frame_slow_ns(view, u64);
    tare_jit_enabled(i);
    tare_jit_compiled(baseline, u64, i);
    tare_jit_pass_ns(allocation, u64);
    tare_jit_cache_used(u64);
    tare_latency way = tare_latency_input();
    tare_latency_present(&way);
    tare_latency_queue_depth(u64);
    tare_cpu_batch batch = TARE_CPU_BATCH;
    tare_cpu_retired(&batch, u64);
    tare_cpu_pause(&batch);
}
