// SPDX-License-Identifier: MIT
// The rungs as users of Google Benchmark measure them: "loop/NAME", the rung alone as the body of the
// benchmark's loop, and "in-situ/NAME", the rung where it stands in the program, with the timer paused
// everywhere else.
//
// The counter "truth" of each is the rung's bare loop before and after, in ns.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "bench/accuracy/rungs.h"
#include "bench/accuracy/work.h"

extern "C" {
extern unsigned benchmark_rung;
unsigned benchmark_rung = RUNGS;
void benchmark_resume(void);
void benchmark_pause(void);
}

namespace {

benchmark::State *running;

class Truth {
  public:
    Truth(benchmark::State &of, unsigned number) : state(of), rung(number), calls(accuracy_bare_calls(number))
    {
        measure();
    }
    ~Truth()
    {
        measure();
        state.counters["truth"] = sum_ns / (2 * each);
    }
    Truth(const Truth &) = delete;
    Truth &operator=(const Truth &) = delete;

  private:
    static constexpr unsigned each = 5;
    benchmark::State &state;
    unsigned rung;
    uint64_t calls;
    double sum_ns = 0;

    void measure()
    {
        for (unsigned i = 0; i < each; i++) {
            sum_ns += accuracy_bare_ns(rung, calls);
        }
    }
};

#define LOOP(id)                                                                                               \
    void loop_##id(benchmark::State &state)                                                                    \
    {                                                                                                          \
        Truth truth(state, RUNG_##id);                                                                         \
        uint64_t value = 1;                                                                                    \
        for (auto _ : state) {                                                                                 \
            WORK_##id                                                                                          \
        }                                                                                                      \
        benchmark::DoNotOptimize(value);                                                                       \
    }

LOOP(chain_5)
LOOP(chain_10)
LOOP(chain_20)
LOOP(chain_50)
LOOP(chain_200)
LOOP(chain_1k)
LOOP(system_call)

void (*const loops[RUNG_nest_a])(benchmark::State &) = {
    loop_chain_5, loop_chain_10, loop_chain_20, loop_chain_50, loop_chain_200, loop_chain_1k, loop_system_call,
};

void loop_function(benchmark::State &state, unsigned rung)
{
    Truth truth(state, rung);
    uint64_t value = 1;
    for (auto _ : state) {
        value = accuracy_bare[rung].once(value);
    }
    benchmark::DoNotOptimize(value);
}

// An iteration is one scope of the rung. The timer is started once more for each batch than there are scopes.
void in_situ(benchmark::State &state, unsigned rung)
{
    Truth truth(state, rung);
    const unsigned calls = 1000, outermost = rung < RUNG_nest_a ? rung : +RUNG_nest_a;
    uint64_t value = 1;
    running = &state;
    while (state.KeepRunningBatch(calls * accuracy_marked[rung].scopes)) {
        state.PauseTiming();
        benchmark_rung = rung;
        value = accuracy_marked[outermost].block(value, calls);
        benchmark_rung = RUNGS;
        state.ResumeTiming();
    }
    benchmark::DoNotOptimize(value);
}

} // namespace

void benchmark_resume(void)
{
    running->ResumeTiming();
}

void benchmark_pause(void)
{
    running->PauseTiming();
}

int main(int argc, char **argv)
{
    benchmark::Initialize(&argc, argv);
    if (argc > 2 || (argc == 2 && accuracy_pin(std::atoi(argv[1])) != 0)) {
        std::fprintf(stderr, "usage: %s [--benchmark_...] [CPU]\n", argv[0]);
        return 2;
    }
    for (unsigned rung = 0; rung < RUNGS; rung++) {
        const std::string name = accuracy_bare[rung].name;
        if (rung < RUNG_nest_a) {
            benchmark::RegisterBenchmark(("loop/" + name).c_str(), loops[rung]);
        } else {
            benchmark::RegisterBenchmark(("loop/" + name).c_str(), loop_function, rung);
        }
        benchmark::RegisterBenchmark(("in-situ/" + name).c_str(), in_situ, rung);
    }
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
