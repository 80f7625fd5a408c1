#include "rows.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <string_view>

namespace roofline {
namespace {

constexpr size_t fewest_rounds = 7, most_rounds = 5000;

// A round takes longest in DRAM.
double seconds_of(const Row& row, double seconds_per_row) { return seconds_per_row * (row.level == Level::dram ? 1.5 : 1); }

void run_rounds(benchmark::State& state, Row& row, const Arena& arena, double seconds) {
  const Traffic traffic = row.operation->traffic;
  const Streams streams = arena.place(traffic, row.n());
  const Tensors arrays = tensors(*row.operation, streams, arena);
  rectify_options options = {};
  options.struct_size = sizeof options;
  options.threads = row.threads;
  options.backend = row.backend.c_str();

  const auto kernel = [&] { row.operation->call(arrays, row.shape, options); };
  const int32_t status = row.operation->call(arrays, row.shape, options);  // also brings the arrays to the level
  if (status != RECTIFY_OK) {
    row.error = rectify_status_text(status);
    state.SkipWithError(row.error.c_str());
    return;
  }
  const CeilingKernel& roof = *row.ceiling->kernel;
  const Timer kernel_timer = timer_of(kernel, row.threads), roof_timer = ceiling_timer(roof, streams, row.threads);

  std::vector<double> ns, percent, cycles;
  const double start = wall_nanoseconds();
  for ([[maybe_unused]] auto round : state) {
    // A busy machine lengthens the rounds: then the time, not their number, ends the row.
    if (ns.size() >= fewest_rounds && wall_nanoseconds() - start > 1.3e9 * seconds) {
      state.SetIterationTime(ns.back() * 1e-9);
      continue;
    }
    const double kernel_time = kernel_timer.nanoseconds(kernel);
    const double roof_time = ceiling_nanoseconds(roof, streams, row.threads, roof_timer);
    ns.push_back(kernel_time);
    percent.push_back(100 * roof_time / kernel_time);
    cycles.push_back(kernel_time * cycles_per_nanosecond());
    state.SetIterationTime(kernel_time * 1e-9);
  }
  const auto n = static_cast<double>(row.n());
  row.ns_per_element = median(ns) / n;
  row.gbps = static_cast<double>(traffic.bytes_per_element()) / row.ns_per_element;
  row.cycles_per_element = median(cycles) / n;
  row.percent_of_ceiling = median(percent);
  state.counters["GB/s"] = row.gbps;
  state.counters["percent"] = row.percent_of_ceiling;
}

// One line per row as soon as it is measured. Keeps stdout for the table.
class Progress : public benchmark::BenchmarkReporter {
 public:
  explicit Progress(size_t rows) : rows_(rows) {}
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      const auto counter = [&](const char* key) {
        const auto found = run.counters.find(key);
        return found == run.counters.end() ? 0.0 : found->second.value;
      };
      std::fprintf(stderr, "[%3zu/%zu] %-64s %7.1f GB/s %6.1f %%\n", ++done_, rows_, run.run_name.function_name.c_str(),
                   counter("GB/s"), counter("percent"));
    }
  }

 private:
  size_t rows_;
  size_t done_ = 0;
};

// As many rounds as fit into the time, at least enough for a median.
benchmark::IterationCount rounds(const Row& row, double seconds) {
  const double bytes = static_cast<double>(row.n() * row.operation->traffic.bytes_per_element());
  const double pass = bytes / row.ceiling->gbps;
  const double round = 2.1 * pass * static_cast<double>(timer_for(pass, row.threads).repeats);
  return static_cast<benchmark::IterationCount>(
      std::clamp(seconds * 1e9 / round, static_cast<double>(fewest_rounds), static_cast<double>(most_rounds)));
}

void measure(const std::vector<Row*>& rows, const Arena& arena, double seconds_per_row) {
  for (Row* row : rows) {
    const double seconds = seconds_of(*row, seconds_per_row);
    const auto body = [row, &arena, seconds](benchmark::State& state) { run_rounds(state, *row, arena, seconds); };
    benchmark::RegisterBenchmark(row->name().c_str(), body)->UseManualTime()->Iterations(rounds(*row, seconds));
  }
  Progress progress(rows.size());
  benchmark::RunSpecifiedBenchmarks(&progress);
  benchmark::ClearRegisteredBenchmarks();
}

}  // namespace

std::string Row::name() const {
  return std::string(operation->operation) + "/" + operation->direction + "/" + roofline::name(operation->layout) + "/" +
         backend + "/" + roofline::name(level) + "/threads:" + std::to_string(threads);
}

bool Row::memory_bound() const {
  const double ceiling_ns = static_cast<double>(operation->traffic.bytes_per_element()) / ceiling->gbps;
  return port_bound_ns <= ceiling_ns;
}

double target(const Row& row) {
  const bool judged = row.dispatched && row.backend != "scalar" && row.threads == 1 && row.level != Level::l1 &&
                      row.memory_bound() && row.operation->direction != std::string_view("backward_with_parameter");
  return judged ? 85 : 0;
}

void measure(std::vector<Row>& rows, const Arena& arena, double seconds_per_row) {
  std::vector<Row*> all;
  for (Row& row : rows) all.push_back(&row);
  measure(all, arena, seconds_per_row);
}

void measure_again(std::vector<Row>& rows, const Arena& arena, double seconds_per_row,
                   const std::function<double()>& seconds_left) {
  for (int again = 0; again < 3; ++again) {
    std::vector<Row*> doubtful;
    for (Row& row : rows)
      if (row.measured() && (misses_target(row) || impossible(row))) doubtful.push_back(&row);
    if (doubtful.empty()) return;
    std::fprintf(stderr, "measuring %zu rows again that miss their target\n", doubtful.size());
    for (Row* row : doubtful) {
      if (seconds_left() <= 0) {
        std::fprintf(stderr, "no time left to measure again\n");
        return;
      }
      const Row before = *row;
      measure({row}, arena, seconds_per_row);
      const bool lower = row->percent_of_ceiling < before.percent_of_ceiling;
      if (lower != impossible(before)) *row = before;
    }
  }
}

}  // namespace roofline
