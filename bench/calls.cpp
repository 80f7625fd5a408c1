// Every call of the library in f32, and some in the other formats, at every level of the memory as a plain Google
// Benchmark, without ceilings: what two builds are compared by. Takes Google Benchmark's own options: --benchmark_filter,
// --benchmark_repetitions, --benchmark_out.
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
  return label(*c.operation) + "/" + name(c.level) + "/threads:" + std::to_string(c.threads);
}

void run(benchmark::State& state, const Call& c, const Arena& arena) {
  const Tensors arrays =
      tensors(*c.operation, arena.place(c.operation->traffic, array_bytes(*c.operation, c.shape)), arena);
  rectify_options options = {};
  options.struct_size = sizeof options;
  options.threads = c.threads;
  const int32_t status = c.operation->call(arrays, c.shape, &options);  // also brings the arrays to the level
  if (status != RECTIFY_OK) state.SkipWithError(rectify_status_text(status));
  for ([[maybe_unused]] auto iteration : state) c.operation->call(arrays, c.shape, &options);
}

// An older library has fewer formats.
bool computed(Format format) { return rectify_relu_forward(dtype(format), 0, nullptr, nullptr, nullptr) == RECTIFY_OK; }

// One of each kind in the other formats.
bool compared(const Operation& o) {
  if (o.format == Format::f32) return true;
  const bool kind = o.is("relu", "forward") || o.is("prelu", "forward") || o.is("prelu", "backward_with_parameter") ||
                    o.is("elu", "forward");
  return kind && representative(o) && computed(o.format);
}

void run(const Machine& machine) {
  const Arena arena(touched_bytes(machine, Level::dram, all_threads()) / 2);  // at least two arrays share it
  const auto add = [&](Level level, size_t threads) {
    for (const Operation& operation : operations()) {
      if (!compared(operation)) continue;
      const size_t n = elements(operation, touched_bytes(machine, level, threads));
      const Call call = {&operation, level, threads, shape_of(operation, n)};
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

}  // namespace
}  // namespace roofline

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  roofline::run(roofline::this_machine());
}
