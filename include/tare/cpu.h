/* SPDX-License-Identifier: MIT */
/*
 * tare/cpu.h: instructions that an emulator or interpreter has carried out, and how fast.
 *
 *     tare_cpu_batch batch = TARE_CPU_BATCH;       // one for each thread that runs guest code
 *     tare_cpu_resume(&batch);                     // from here on, time counts
 *     for (;;) {
 *         execute(block);
 *         tare_cpu_retired(&batch, block->length); // an addition; every 65,536 instructions, a flush
 *     }
 *     tare_cpu_pause(&batch);                      // flushes; waiting for something is not slowness
 *
 * | instrument               | kind, unit                   | what                                            |
 * | ------------------------ | ---------------------------- | ----------------------------------------------- |
 * | cpu.instructions_total   | counter                      | guest instructions that were carried out        |
 * | cpu.batch_rate           | histogram, instructions/ms   | of each batch: 1000 of them are 1 MIPS          |
 *
 * MIPS is made by readers: instructions / time. The slow tail of the batches is the 5th percentile of their
 * rates: 5 % of the batches were slower. (A high percentile would be the fast end.) A batch that took no time by
 * the clock is counted, but has no rate.
 *
 * A batch belongs to one thread. Until it is flushed, what it holds is not seen by readers, and lost by SIGKILL:
 * less than 65,536 instructions. With the instruments disabled, a flush reads no clock.
 */
#ifndef TARE_CPU_H
#define TARE_CPU_H

#include <tare/set.h>

#ifdef __cplusplus
extern "C" {
#endif

TARE__SET_MODULE(cpu, "cpu");
TARE__SET_COUNTER(cpu_instructions, cpu, "instructions_total", TARE__NONE, TARE__NONE,
                  "Guest instructions carried out");
TARE__SET_HISTOGRAM(cpu_batch_rate, cpu, "batch_rate", "instructions/ms", TARE__NONE,
                    "Rates of batches; 1000 are 1 MIPS, and the slow tail is the 5th percentile");

#define TARE_CPU_FLUSH 65536

typedef struct tare_cpu_batch {
    uint64_t instructions; /* since the last flush */
    uint64_t since_ns;     /* of the batch's begin; 0: not running, or nobody looks */
} tare_cpu_batch;

/* clang-format off */
#define TARE_CPU_BATCH {0, 0}
/* clang-format on */

TARE__SET_FUNCTION void tare_cpu_resume(tare_cpu_batch *batch)
{
    batch->since_ns = TARE__SET_ON(histogram, cpu_batch_rate) ? tare__now_ns() : 0;
}

TARE__SET_FUNCTION void tare_cpu_flush(tare_cpu_batch *batch)
{
    uint64_t instructions = batch->instructions, since_ns = batch->since_ns;
    batch->instructions = 0;
    tare_cpu_resume(batch);
    if (instructions != 0) {
        TARE_ADD(cpu_instructions, instructions);
        if (since_ns != 0 && batch->since_ns > since_ns) {
            double rate = tare__real(instructions) * 1e6 / tare__real(batch->since_ns - since_ns);
            TARE_RECORD(cpu_batch_rate, rate + 0.5);
        }
    }
}

TARE__SET_FUNCTION void tare_cpu_retired(tare_cpu_batch *batch, uint64_t instructions)
{
    batch->instructions += instructions;
    if (__builtin_expect(batch->instructions >= TARE_CPU_FLUSH, 0)) {
        tare_cpu_flush(batch);
    }
}

TARE__SET_FUNCTION void tare_cpu_pause(tare_cpu_batch *batch)
{
    tare_cpu_flush(batch);
    batch->since_ns = 0;
}

#ifdef __cplusplus
}
#endif

#endif
