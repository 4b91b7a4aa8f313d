// SPDX-License-Identifier: MIT
// The same loops with Google Benchmark, in which PauseTiming() and ResumeTiming() are the way to have set-up in
// each iteration. The counter "wall" is what our own clock says around the loop, for each iteration.
#include <benchmark/benchmark.h>

#include "bench/loops/loops.h"

namespace {

class Wall {
  public:
    explicit Wall(benchmark::State &of) : state(of), start_ns(loops_now_ns())
    {
    }
    ~Wall()
    {
        state.counters["wall"] =
            static_cast<double>(loops_now_ns() - start_ns) / static_cast<double>(state.iterations());
    }
    Wall(const Wall &) = delete;
    Wall &operator=(const Wall &) = delete;

  private:
    benchmark::State &state;
    uint64_t start_ns;
};

// With the barrier that TARE_EACH has in itself: without one the compiler drops the whole loop.
void empty(benchmark::State &state)
{
    uint64_t value = 1;
    Wall wall(state);
    for (auto _ : state) {
        OPAQUE(value);
    }
}

void work(benchmark::State &state)
{
    uint64_t value = 1;
    Wall wall(state);
    for (auto _ : state) {
        LOOPS_WORK
    }
    benchmark::DoNotOptimize(value);
}

void with(benchmark::State &state)
{
    uint64_t value = 1;
    Wall wall(state);
    for (auto _ : state) {
        state.PauseTiming();
        OPAQUE(value);
        state.ResumeTiming();
    }
}

void with_work(benchmark::State &state)
{
    uint64_t value = 1;
    Wall wall(state);
    for (auto _ : state) {
        state.PauseTiming();
        OPAQUE(value);
        state.ResumeTiming();
        LOOPS_WORK
    }
    benchmark::DoNotOptimize(value);
}

void with_setup_and_work(benchmark::State &state)
{
    uint64_t value = 1;
    Wall wall(state);
    for (auto _ : state) {
        state.PauseTiming();
        LOOPS_SETUP
        state.ResumeTiming();
        LOOPS_WORK
    }
    benchmark::DoNotOptimize(value);
}

BENCHMARK(empty)->Iterations(20000000);
BENCHMARK(work)->Iterations(120000);
BENCHMARK(with)->Iterations(10000);
BENCHMARK(with_work)->Iterations(10000);
BENCHMARK(with_setup_and_work)->Iterations(10000);

} // namespace

BENCHMARK_MAIN();
