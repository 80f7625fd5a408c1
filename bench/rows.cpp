#include "rows.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>

#include "stack.hpp"
#include "targets.hpp"

namespace roofline {
namespace {

constexpr size_t fewest_rounds = 7, most_rounds = 5000;

// A round takes longest in DRAM.
double seconds_of(const Row& row, double seconds_per_row) { return seconds_per_row * (row.level == Level::dram ? 1.5 : 1); }

// What the rounds of a row have shown.
struct Rounds {
  std::vector<double> ns, cycles, percent_of_port_bound, times_dx;
  std::vector<std::vector<double>> percent_of_ceiling;  // of each of its kernels

  void conclude(Row& row) const {
    const auto n = static_cast<double>(row.n());
    row.ns_per_element = median(ns) / n;
    row.gbps = static_cast<double>(row.operation->bytes_per_element()) / row.ns_per_element;
    row.cycles_per_element = median(cycles) / n;
    row.percent_of_ceiling = median(percent_of_ceiling.front());
    for (const auto& of_one : percent_of_ceiling) row.percent_of_ceiling = std::min(row.percent_of_ceiling, median(of_one));
    row.percent_of_port_bound = row.memory_bound() ? 0 : median(percent_of_port_bound);
    row.times_dx = median(times_dx);
  }
};

void run_rounds(benchmark::State& state, Row& row, const Arena& arena, double seconds) {
  const Operation& operation = *row.operation;
  const Streams streams = arena.place(operation.traffic, array_bytes(operation, row.shape));
  const Tensors arrays = tensors(operation, streams, arena);
  rectify_options options = {};
  options.struct_size = sizeof options;
  options.threads = row.threads;
  if (!row.dispatched) options.backend = row.backend.c_str();  // else as from a caller who names none

  const auto kernel = [&] { operation.call(arrays, row.shape, &options); };
  const auto dx_alone = [&] { operation.dx_alone(arrays, row.shape, &options); };
  const int32_t status = operation.call(arrays, row.shape, &options);  // also brings the arrays to the level
  if (status != RECTIFY_OK) {
    row.error = rectify_status_text(status);
    state.SkipWithError(row.error.c_str());
    return;
  }
  const auto& roofs = row.ceiling->kernels;
  const Timer kernel_timer = timer_of(kernel, row.threads);
  const Timer dx_timer = operation.dx_alone ? timer_of(dx_alone, row.threads) : Timer{};
  std::vector<Timer> roof_timers;
  for (const CeilingKernel* roof : roofs) roof_timers.push_back(ceiling_timer(*roof, streams, row.threads));
  // Beside the port bound the table's ceiling is the longer by far, or this row's own has to decide: that of L3 is not the
  // same from one minute to the next, and that of DRAM has been seen to change by a factor of 2.2 (two threads).
  const double ceiling_ns = static_cast<double>(operation.bytes_per_element()) / row.ceiling->gbps;
  const FusedPeak* const peak = row.port_bound_ns() < 0.25 * ceiling_ns ? nullptr : row.port_bound.peak;
  const double places = row.port_bound.places * static_cast<double>(row.n()) / static_cast<double>(row.threads);

  Rounds rounds;
  rounds.percent_of_ceiling.resize(roofs.size());
  const double start = wall_nanoseconds();
  for ([[maybe_unused]] auto round : state) {
    // A busy machine lengthens the rounds: then the time, not their number, ends the row.
    if (rounds.ns.size() >= fewest_rounds && wall_nanoseconds() - start > 1.3e9 * seconds) {
      state.SetIterationTime(rounds.ns.back() * 1e-9);
      continue;
    }
    const double ns = kernel_timer.nanoseconds(kernel);
    for (size_t i = 0; i < roofs.size(); ++i)
      rounds.percent_of_ceiling[i].push_back(100 * ceiling_nanoseconds(*roofs[i], streams, row.threads, roof_timers[i]) /
                                             ns);
    if (operation.dx_alone) rounds.times_dx.push_back(ns / dx_timer.nanoseconds(dx_alone));
    if (peak) rounds.percent_of_port_bound.push_back(100 * places * fused_nanoseconds(*peak) / ns);
    rounds.ns.push_back(ns);
    rounds.cycles.push_back(ns * cycles_per_nanosecond());
    state.SetIterationTime(ns * 1e-9);
  }
  rounds.conclude(row);
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
  const double bytes = static_cast<double>(row.n() * row.operation->bytes_per_element());
  const double pass = bytes / row.ceiling->gbps;
  const double round =
      (row.operation->dx_alone ? 3.1 : 2.1) * pass * static_cast<double>(timer_for(pass, row.threads).repeats);
  return static_cast<benchmark::IterationCount>(
      std::clamp(seconds * 1e9 / round, static_cast<double>(fewest_rounds), static_cast<double>(most_rounds)));
}

void measure(const std::vector<Row*>& rows, const Arena& arena, double seconds_per_row, size_t lower_stack = 0) {
  for (Row* row : rows) {
    const double seconds = seconds_of(*row, seconds_per_row);
    const auto body = [row, &arena, seconds, lower_stack](benchmark::State& state) {
      on_lower_stack(lower_stack, [&] { run_rounds(state, *row, arena, seconds); });
    };
    benchmark::RegisterBenchmark(row->name().c_str(), body)->UseManualTime()->Iterations(rounds(*row, seconds));
  }
  Progress progress(rows.size());
  benchmark::RunSpecifiedBenchmarks(&progress);
  benchmark::ClearRegisteredBenchmarks();
}

}  // namespace

std::string Row::name() const {
  return label(*operation) + "/" + (image ? roofline::name(*image) + "/" : "") + backend + "/" + roofline::name(level) +
         "/threads:" + std::to_string(threads);
}

std::string Row::variant() const { return image ? roofline::name(*image) : operation->variant; }

double Row::port_bound_ns() const { return port_bound.cycles / ghz / static_cast<double>(threads); }

bool Row::memory_bound() const { return port_bound_ns() <= ns_per_element * percent_of_ceiling / 100; }

void measure(std::vector<Row>& rows, const Arena& arena, double seconds_per_row) {
  std::vector<Row*> all;
  for (Row& row : rows) all.push_back(&row);
  measure(all, arena, seconds_per_row);
}

void measure_again(std::vector<Row>& rows, const Arena& arena, double seconds_per_row,
                   const std::function<double()>& seconds_left) {
  for (size_t again = 1; again <= 3; ++again) {
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
      measure({row}, arena, seconds_per_row, again * 1024);
      const bool better =
          impossible(before) ? row->percent_of_ceiling < before.percent_of_ceiling : closer_to_target(*row, before);
      if (!better) *row = before;
    }
  }
}

}  // namespace roofline
