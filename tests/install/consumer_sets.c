/* SPDX-License-Identifier: MIT */
/*
 * A user's program with every instrument that is not a timer and all ready-made sets, for run.sh and the matrix:
 * it must compile in each language without a warning. It succeeds if its counters say what it counted, and with
 * TARE_DISABLE if nothing of tare is left in it.
 */
#include <stdio.h>

#include <tare/cpu.h>
#include <tare/frame.h>
#include <tare/gfx.h>
#include <tare/jit.h>
#include <tare/latency.h>
#include <tare/memory.h>
#include <tare/tare.h>

TARE_MODULE("consumer");
TARE_COUNTER(rounds);
TARE_COUNTER(sent, "bytes", "proto=tcp,dir=out", "What was sent");
TARE_COUNTER_NAMED(received, "received.bytes_total", "bytes");
TARE_GAUGE(level, "percent");
TARE_HISTOGRAM(size, "bytes", "kind=block");
TARE_STATE(what, "idle", "busy");
TARE_TOPK(keys, 64, "hits");
TARE_FRAMES(picture, 64, "update", "draw");
TARE_JIT_TIER(baseline);
TARE_JIT_PASS(lowering);
TARE_MEMORY_REGION(heap);
TARE_LATENCY_STAGE(draw);

#ifdef TARE_DISABLE
enum { EXPECTED = 0 };
#else
enum { EXPECTED = 10 };
#endif

static tare_cpu_batch batch = TARE_CPU_BATCH; /* no parameter, whose type would be in a name of C++ */

static void one_round(int number)
{
    tare_frame_begin(picture);
    tare_latency way = tare_latency_input();
    {
        TARE_FRAME_PART(picture, 0);
        TARE_ENTER(what, 1);
        TARE_ADD(rounds, 1);
        TARE_ADD(sent, number);
        TARE_ADD(received, 2 * number);
        TARE_SET(level, number);
        TARE_RECORD(size, number);
        TARE_HIT(keys, number % 3, 1);
        TARE_LEAVE(what);
    }
    tare_gfx_draw(1);
    tare_gfx_render_pass(1);
    tare_gfx_pipeline_switch(1);
    tare_gfx_bind_group_change(1);
    tare_gfx_upload(64);
    tare_gfx_cpu_translate_ns(10);
    tare_gfx_cpu_encode_ns(20);
    tare_gfx_gpu_ns(30);
    tare_latency_stage(&way, draw);
    tare_latency_present(&way);
    tare_cpu_retired(&batch, 1000);
    tare_frame_part_ns(picture, 1, 1000);
    uint64_t frame = tare_frame_end(picture);
    tare_frame_part_late_ns(picture, frame, 1, 500);
}

int main(void)
{
    tare_frame_slow_ns(picture, 1000000);
    tare_gfx_gpu_timing(1, -1);
    tare_jit_enabled(1);
    tare_jit_cache_capacity(4096);
    tare_jit_cache_used(512);
    tare_jit_cache_lookup(1);
    tare_jit_cache_lookups(3, 4);
    tare_jit_cache_evicted(1);
    tare_jit_compiled(baseline, 1000, 1);
    tare_jit_failed(baseline, 500);
    tare_jit_pass_ns(lowering, 100);
    tare_jit_deopt(1);
    tare_jit_guard_failed(2);
    tare_memory_configured(heap, 1 << 20);
    tare_memory_committed(heap, 1 << 10);
    tare_latency_queue_depth(3);
    tare_latency_stalled(100);
    tare_cpu_resume(&batch);
    for (int i = 0; i < 10; i++) {
        one_round(i);
    }
    tare_cpu_pause(&batch);
    tare_frame_dropped(picture, 1);
    TARE_UNSET(level);
    unsigned long long rounds = TARE_TOTAL(rounds);
    printf("%llu rounds were counted\n", rounds);
    return rounds == EXPECTED ? 0 : 1;
}
