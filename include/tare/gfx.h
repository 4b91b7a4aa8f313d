/* SPDX-License-Identifier: MIT */
/*
 * tare/gfx.h: what a renderer asks of the graphics below it, under the same names in every program. Call each
 * function where the call itself is made.
 *
 * | instrument                     | kind, unit       | what                                                  |
 * | ------------------------------ | ---------------- | ----------------------------------------------------- |
 * | gfx.draw_calls_total           | counter          |                                                       |
 * | gfx.render_passes_total        | counter          |                                                       |
 * | gfx.pipeline_switches_total    | counter          | another pipeline (shader, blend state) than before    |
 * | gfx.bind_group_changes_total   | counter          | other textures, samplers, buffers                     |
 * | gfx.upload_bytes_total         | counter, bytes   | from the program to the memory of the graphics        |
 * | gfx.cpu_translate_ns           | histogram, ns    | to turn a foreign command stream into ours            |
 * | gfx.cpu_encode_ns              | histogram, ns    | to record commands                                    |
 * | gfx.gpu_ns                     | histogram, ns    | the GPU's own time; not there while it is unknown     |
 * | gfx.gpu_timing_supported       | gauge            | 1 or 0; unknown until tare_gfx_gpu_timing()           |
 * | gfx.gpu_timing_enabled         | gauge            | the same                                              |
 *
 * The GPU's time comes later than the frame that it belongs to: record it when it is known, and tell the frame
 * by tare_frame_part_late_ns() (tare/frame.h).
 *
 * gfx.gpu_ns is nullable: the instrument is not there, in no view, until tare_gfx_gpu_timing(1, 1) or the first
 * tare_gfx_gpu_ns(). From then on no value means that none came: 0. Once tare_gfx_gpu_timing() has said that it is
 * not supported or not enabled, what tare_gfx_gpu_ns() is told does not count: the instrument is not declared, or,
 * if it is there already, is switched off, keeps what it has, and rolling figures of it are unknown. Saying that
 * both are 1 again, or unknown, switches it on again, unless it had been off before.
 *
 * tare_gfx_gpu_timing(), and tare_gfx_gpu_ns() until the instrument is there, are not for signal handlers. Thread
 * safety, cost, TARE_DISABLE and the rest: as in tare/tare.h.
 */
#ifndef TARE_GFX_H
#define TARE_GFX_H

#include <tare/set.h>

#ifdef __cplusplus
extern "C" {
#endif

TARE__SET_MODULE(gfx, "gfx");
TARE__SET_COUNTER(gfx_draws, gfx, "draw_calls_total", TARE__NONE, TARE__NONE, "Draw calls");
TARE__SET_COUNTER(gfx_passes, gfx, "render_passes_total", TARE__NONE, TARE__NONE, "Render passes");
TARE__SET_COUNTER(gfx_pipelines, gfx, "pipeline_switches_total", TARE__NONE, TARE__NONE,
                  "Changes of the pipeline");
TARE__SET_COUNTER(gfx_binds, gfx, "bind_group_changes_total", TARE__NONE, TARE__NONE,
                  "Changes of bound resources");
TARE__SET_COUNTER(gfx_uploads, gfx, "upload_bytes_total", "bytes", TARE__NONE, "Bytes sent to the graphics");
TARE__SET_HISTOGRAM(gfx_translate, gfx, "cpu_translate_ns", "ns", TARE__NONE,
                    "Processor time to translate commands");
TARE__SET_HISTOGRAM(gfx_encode, gfx, "cpu_encode_ns", "ns", TARE__NONE, "Processor time to record commands");
TARE__SET_LATE_HISTOGRAM(gfx_gpu, gfx, "gpu_ns", "ns", TARE__NONE, "Time on the GPU");
TARE__SET_GAUGE(gfx_gpu_supported, gfx, "gpu_timing_supported", TARE__NONE, TARE__NONE,
                "Whether the GPU can tell its time");
TARE__SET_GAUGE(gfx_gpu_enabled, gfx, "gpu_timing_enabled", TARE__NONE, TARE__NONE, "Whether it is asked to");

TARE__SET_FUNCTION void tare_gfx_draw(uint64_t calls)
{
    TARE_ADD(gfx_draws, calls);
}

TARE__SET_FUNCTION void tare_gfx_render_pass(uint64_t passes)
{
    TARE_ADD(gfx_passes, passes);
}

TARE__SET_FUNCTION void tare_gfx_pipeline_switch(uint64_t switches)
{
    TARE_ADD(gfx_pipelines, switches);
}

TARE__SET_FUNCTION void tare_gfx_bind_group_change(uint64_t changes)
{
    TARE_ADD(gfx_binds, changes);
}

TARE__SET_FUNCTION void tare_gfx_upload(uint64_t bytes)
{
    TARE_ADD(gfx_uploads, bytes);
}

TARE__SET_FUNCTION void tare_gfx_cpu_translate_ns(uint64_t ns)
{
    TARE_RECORD(gfx_translate, ns);
}

TARE__SET_FUNCTION void tare_gfx_cpu_encode_ns(uint64_t ns)
{
    TARE_RECORD(gfx_encode, ns);
}

#ifndef TARE_DISABLE
#define TARE__GFX_GPU(what) tare__late_tell(&tare__histogram_gfx_gpu, what)
#else
#define TARE__GFX_GPU(what) TARE__UNEVALUATED(what)
#endif

TARE__SET_FUNCTION void tare_gfx_gpu_ns(uint64_t ns)
{
    if (!TARE__SET_ON(histogram, gfx_gpu)) {
        TARE__GFX_GPU(TARE__LATE_VALUE);
    }
    TARE_RECORD(gfx_gpu, ns);
}

/* Each 1 or 0; negative: unknown. */
TARE__SET_FUNCTION void tare_gfx_gpu_timing(int supported, int enabled)
{
    TARE_SET(gfx_gpu_supported, supported < 0 ? __builtin_nan("") : supported != 0 ? 1.0 : 0.0);
    TARE_SET(gfx_gpu_enabled, enabled < 0 ? __builtin_nan("") : enabled != 0 ? 1.0 : 0.0);
    TARE__GFX_GPU(supported == 0 || enabled == 0 ? TARE__LATE_OFF
                  : supported > 0 && enabled > 0 ? TARE__LATE_ON
                                                 : TARE__LATE_UNKNOWN);
}

#ifdef __cplusplus
}
#endif

#endif
