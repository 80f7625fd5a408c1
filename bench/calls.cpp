#include "calls.hpp"

#include <benchmark/benchmark.h>

#include <string>

#include "arena.hpp"
#include "ceilings.hpp"
#include "levels.hpp"
#include "operations.hpp"
#include "threads.hpp"

namespace roofline {
namespace {

struct Call {
  const Operation* operation;
  Level level;
  size_t threads;
  rectify_shape shape;
};

std::string name_of(const Call& c) {
  return std::string(c.operation->operation) + "/" + c.operation->direction + "/" + name(c.operation->layout) + "/" +
         name(c.level) + "/threads:" + std::to_string(c.threads);
}

void run(benchmark::State& state, const Call& c, const Arena& arena) {
  const Tensors arrays = tensors(*c.operation, arena.place(c.operation->traffic, elements(c.shape)), arena);
  rectify_options options = {};
  options.struct_size = sizeof options;
  options.threads = c.threads;
  const int32_t status = c.operation->call(arrays, c.shape, options);  // also brings the arrays to the level
  if (status != RECTIFY_OK) state.SkipWithError(rectify_status_text(status));
  for ([[maybe_unused]] auto iteration : state) c.operation->call(arrays, c.shape, options);
}

}  // namespace

void run_calls(const Machine& machine) {
  const Arena arena(touched_bytes(machine, Level::dram, all_threads()) / 2);  // at least two arrays share it
  const auto add = [&](Level level, size_t threads) {
    for (const Operation& operation : operations()) {
      const size_t n = elements(operation.traffic, touched_bytes(machine, level, threads));
      const Call call = {&operation, level, threads, shape_of(operation.layout, n)};
      auto* registered = benchmark::RegisterBenchmark(name_of(call).c_str(),
                                                      [call, &arena](benchmark::State& state) { run(state, call, arena); });
      // On one thread the processor's time, which goes on only while the process has it, is what counts.
      if (threads > 1) registered->UseRealTime();
    }
  };
  for (const Level level : levels(machine)) {
    add(level, 1);
    if (all_threads() > 1) add(level, all_threads());
  }
  benchmark::RunSpecifiedBenchmarks();
}

}  // namespace roofline
