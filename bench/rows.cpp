#include "rows.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string_view>

#include "timing.hpp"

namespace roofline {
namespace {

void run_rounds(benchmark::State& state, Row& row, const Arena& arena) {
  const Traffic traffic = row.operation->traffic;
  const Streams streams = arena.place(traffic, row.n());
  const Tensors tensors_ = tensors(*row.operation, streams, arena);
  rectify_options options = {};
  options.struct_size = sizeof options;
  options.threads = row.threads;
  options.backend = row.backend.c_str();

  const auto kernel = [&] { row.operation->call(tensors_, row.shape, options); };
  const auto ceiling = [&](size_t repeats) {
    return ceiling_nanoseconds(*row.ceiling->kernel, streams, row.threads, repeats);
  };
  const int32_t status = row.operation->call(tensors_, row.shape, options);  // also brings the arrays to the level
  if (status != RECTIFY_OK) {
    row.error = rectify_status_text(status);
    state.SkipWithError(row.error.c_str());
    return;
  }
  const size_t kernel_repeats = repeats_for(nanoseconds(1, kernel));
  ceiling(1);
  const size_t ceiling_repeats = repeats_for(ceiling(1));

  std::vector<double> ns, percent, cycles;
  for ([[maybe_unused]] auto round : state) {
    const double kernel_time = nanoseconds(kernel_repeats, kernel);
    const double ceiling_time = ceiling(ceiling_repeats);
    ns.push_back(kernel_time);
    percent.push_back(100 * ceiling_time / kernel_time);
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

// As many rounds as fit into the time; in DRAM at least enough for a median.
benchmark::IterationCount rounds(const Row& row, double seconds) {
  const double bytes = static_cast<double>(row.n() * row.operation->traffic.bytes_per_element());
  const double pass = bytes / row.ceiling->gbps;
  const double round = 2.1 * pass * static_cast<double>(repeats_for(pass));
  if (row.level == Level::dram) seconds *= 1.5;
  return static_cast<benchmark::IterationCount>(std::clamp(seconds * 1e9 / round, 7.0, 5000.0));
}

void measure(const std::vector<Row*>& rows, const Arena& arena, double seconds_per_row) {
  for (Row* row : rows)
    benchmark::RegisterBenchmark(row->name().c_str(),
                                 [row, &arena](benchmark::State& state) { run_rounds(state, *row, arena); })
        ->UseManualTime()
        ->Iterations(rounds(*row, seconds_per_row));
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
  const bool judged = row.dispatched && row.threads == 1 && row.level != Level::l1 && row.memory_bound() &&
                      row.operation->direction != std::string_view("backward_with_parameter");
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
