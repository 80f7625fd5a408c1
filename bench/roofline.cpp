// The roofline: this machine's memory ceilings, and every operation of the library held against them.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <stdexcept>
#include <string>

#include "arena.hpp"
#include "ceilings.hpp"
#include "operations.hpp"
#include "port_bound.hpp"
#include "rectify/rectify.h"
#include "report.hpp"
#include "rows.hpp"
#include "scaling.hpp"
#include "selection.hpp"
#include "small_calls.hpp"
#include "sweep.hpp"
#include "targets.hpp"
#include "threads.hpp"
#include "timing.hpp"

namespace roofline {
namespace {

constexpr const char* usage =
    "usage: roofline [--quick] [--output DIR] [--benchmark_filter=REGEX]\n"
    "  --quick       one thread; f32 on the chosen backend at all levels, on the others at L2; the other formats in part:\n"
    "                under a minute\n"
    "  --output DIR  where roofline.json goes; the current folder if not given\n";

struct Options {
  bool quick = false;
  std::filesystem::path output = ".";
};

// How much time each part may take.
struct Effort {
  size_t ceiling_rounds;
  double seconds_per_row;
  double seconds_in_all;  // no row is measured again after that
};

constexpr Effort quick_effort = {14, 0.14, 44}, full_effort = {35, 0.5, 1170};

Options parse(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);  // takes its own options out
  Options options;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--quick") == 0)
      options.quick = true;
    else if (std::strcmp(argv[i], "--output") == 0 && i + 1 < argc)
      options.output = argv[++i];
    else
      throw std::invalid_argument(std::string("what is \"") + argv[i] + "\"?");
  }
  return options;
}

std::vector<std::string> available_backends() {
  std::vector<std::string> names;
  for (size_t i = 0; const char* backend = rectify_backend_name(i); ++i)
    if (rectify_backend_available(backend) == RECTIFY_OK) names.emplace_back(backend);
  return names;
}

std::string dispatched_backend() {
  const char* backend = nullptr;
  const int32_t status = rectify_backend_in_use(nullptr, &backend);
  if (status != RECTIFY_OK) throw std::runtime_error(rectify_status_text(status));
  return backend;
}

double median_ghz() {
  std::vector<double> ghz;
  for (int i = 0; i < 101; ++i) ghz.push_back(cycles_per_nanosecond());
  return median(ghz);
}

FILE* open_json(const std::filesystem::path& folder, const char* mode) {
  std::filesystem::create_directories(folder);
  const std::string path = folder / "roofline.json";
  FILE* file = std::fopen(path.c_str(), mode);
  if (!file) throw std::runtime_error("cannot write " + path + ": " + std::strerror(errno));
  return file;
}

int run(const Options& options) {
  const double start = wall_nanoseconds();
  const Effort effort = options.quick ? quick_effort : full_effort;
  std::fclose(open_json(options.output, "a"));  // before the work: an unwritable folder should not cost a run

  Report report = {};
  report.quick = options.quick;
  report.machine = this_machine();
  report.backends = available_backends();
  report.dispatched = dispatched_backend();
  report.ghz = median_ghz();
  report.fused = measure_fused(50 * effort.ceiling_rounds);

  std::vector<size_t> threads = {1};
  if (!options.quick && all_threads() > 1) threads.push_back(all_threads());
  const Arena arena(touched_bytes(report.machine, Level::dram, threads.back()) / 2);  // at least two arrays share it
  report.huge_pages = arena.huge_pages();
  print_machine(stdout, report);
  std::fflush(stdout);

  const Ceilings ceilings(report.machine, arena, threads, effort.ceiling_rounds, [](Level level, size_t count) {
    std::fprintf(stderr, "ceilings of %s, %zu thread%s\n", name(level), count, count == 1 ? "" : "s");
  });
  report.ceilings = ceilings.all();

  const auto seconds_left = [&] { return effort.seconds_in_all - (wall_nanoseconds() - start) * 1e-9; };
  report.rows = select_rows(
      {report.machine, ceilings, report.fused, report.backends, report.dispatched, report.ghz, threads, options.quick});
  measure(report.rows, arena, effort.seconds_per_row);
  measure_again(report.rows, arena, effort.seconds_per_row, seconds_left);
  std::fprintf(stderr, "calls on 16 elements\n");
  report.calls = measure_small_calls(arena, 10 * effort.ceiling_rounds);
  report.scalings = measure_scaling(report.machine, arena, ceilings, options.quick, effort.seconds_per_row);
  std::fprintf(stderr, "sweep over the sizes\n");
  report.sweep = sweep(report.machine, arena, ceilings, report.dispatched, effort.ceiling_rounds);
  report.judgements = judge(report.rows, report.calls, report.scalings);
  report.seconds = (wall_nanoseconds() - start) * 1e-9;

  print_ceilings(stdout, report);
  print_rows(stdout, report);
  print_images(stdout, report);
  print_calls(stdout, report);
  print_scalings(stdout, report);
  print_verdict(stdout, report);
  FILE* json = open_json(options.output, "w");
  write_json(json, report);
  const bool written = std::ferror(json) == 0;
  if (std::fclose(json) != 0 || !written) throw std::runtime_error("cannot write roofline.json");

  const bool sound = std::none_of(report.rows.begin(), report.rows.end(),
                                  [](const Row& row) { return impossible(row) || !row.error.empty(); });
  return sound ? 0 : 1;
}

}  // namespace
}  // namespace roofline

int main(int argc, char** argv) {
  try {
    return roofline::run(roofline::parse(argc, argv));
  } catch (const std::invalid_argument& error) {
    std::fprintf(stderr, "roofline: %s\n%s", error.what(), roofline::usage);
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "roofline: %s\n", error.what());
    return 1;
  }
}
