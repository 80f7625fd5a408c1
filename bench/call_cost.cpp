// What a call costs over its number of elements, from one: beside its bare kernel while it is small, and on two threads
// beside one while a second may not pay, with how late the second comes. Prints tables and writes call_cost.json, which
// plot_calls.py draws.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "arena.hpp"
#include "machine.hpp"
#include "operations.hpp"
#include "small_calls.hpp"
#include "threads.hpp"
#include "timing.hpp"

namespace roofline {
namespace {

constexpr size_t most_bare = 4096;  // one leaf of a sum
constexpr size_t first_of_two_threads = 4096, most = size_t{1} << 20;
constexpr size_t rounds = 25;
constexpr double worth_it = 1.05;
constexpr size_t arrivals = 1000;
constexpr double longest_wait = 200e3;  // ns that the first thread is busy

struct Cost {
  size_t n;
  double call_ns = 0;
  double kernel_ns = 0;      // 0: not measured
  double second_thread = 0;  // how many times as fast as one thread two are, in the median round
  double at_best = 0;        // and in one round of ten
};

struct Series {
  const Operation* operation;
  std::vector<Cost> costs;

  // The least n measured from which on two threads are always faster, by more than two equal times differ; 0 if there is
  // none.
  size_t pays_from() const {
    size_t from = 0;
    for (const Cost& cost : costs) {
      if (cost.n < first_of_two_threads) continue;
      if (cost.second_thread < worth_it)
        from = 0;
      else if (from == 0)
        from = cost.n;
    }
    return from;
  }
};

// How late a second thread comes to a call, after so long without one.
struct Arrival {
  double idle_ns;
  double came = 0;                    // the share of the calls to which it came while the first thread was busy
  double median_ns = 0, late_ns = 0;  // of those: after so long; one in ten later than that
};

void spin_until(double end) {
  while (wall_nanoseconds() < end) continue;
}

Arrival measure_arrival(double idle_ns) {
  const auto first = std::this_thread::get_id();
  std::vector<double> waits;
  for (size_t i = 0; i < arrivals; ++i) {
    spin_until(wall_nanoseconds() + idle_ns);
    std::atomic<double> arrived = 0;
    const double start = wall_nanoseconds();
    on_threads(2, [&](size_t) {
      if (std::this_thread::get_id() != first) {
        arrived = wall_nanoseconds();
      } else {
        while (arrived == 0 && wall_nanoseconds() < start + longest_wait) continue;
      }
    });
    if (arrived != 0) waits.push_back(arrived - start);
  }
  Arrival arrival = {.idle_ns = idle_ns};
  if (waits.empty()) return arrival;
  std::sort(waits.begin(), waits.end());
  arrival.came = static_cast<double>(waits.size()) / arrivals;
  arrival.median_ns = waits[waits.size() / 2];
  arrival.late_ns = waits[waits.size() * 9 / 10];
  return arrival;
}

bool wanted(const Operation& o) {
  if (*o.variant || o.format != Format::f32 || o.traffic.in_place || o.displaced || o.layout != Layout::flat) return false;
  return o.is("relu", "forward") || o.is("relu", "backward") || o.is("leaky_relu", "forward") ||
         o.is("leaky_relu", "backward_with_parameter") || o.is("elu", "forward");
}

Cost measure(const Operation& operation, size_t n, const Arena& arena) {
  const rectify_shape shape = {1, 1, n};
  Cost cost = {.n = n};
  if (n <= most_bare) {
    SmallCall small = {&operation, shape};
    for (size_t round = 0; round < rounds; ++round) measure(small, arena);
    cost.call_ns = small.call_ns;
    cost.kernel_ns = small.kernel_ns;
  }
  if (n < first_of_two_threads) return cost;
  const size_t line = 64 / sizeof(float), whole = (n + line - 1) / line * line;
  const Tensors arrays = tensors(operation, arena.place(operation.traffic, whole * sizeof(float)), arena);
  rectify_options options[2] = {};
  Timer timers[2];
  std::vector<double> one, gains;
  const auto call = [&](size_t i) { return [&, i] { operation.call(arrays, shape, &options[i]); }; };
  for (size_t i = 0; i < 2; ++i) {
    options[i].struct_size = sizeof options[i];
    options[i].threads = i + 1;
    if (const int32_t status = operation.call(arrays, shape, &options[i])) {
      throw std::runtime_error(rectify_status_text(status));
    }
    timers[i] = timer_of(call(i), 2);
  }
  for (size_t round = 0; round < rounds; ++round) {
    const double time[2] = {timers[0].nanoseconds(call(0)), timers[1].nanoseconds(call(1))};
    one.push_back(time[0]);
    gains.push_back(time[0] / time[1]);
  }
  cost.call_ns = cost.call_ns == 0 ? median(one) : cost.call_ns;
  std::sort(gains.begin(), gains.end());
  cost.second_thread = gains[gains.size() / 2];
  cost.at_best = gains[gains.size() * 9 / 10];
  return cost;
}

void print(const Series& series) {
  std::printf("\n%s\n%10s %12s %12s %12s %14s %10s\n", label(*series.operation).c_str(), "elements", "call ns", "kernel ns",
              "above ns", "two threads", "at best");
  for (const Cost& c : series.costs) {
    std::printf("%10zu %12.1f", c.n, c.call_ns);
    if (c.kernel_ns != 0)
      std::printf(" %12.1f %12.1f", c.kernel_ns, c.call_ns - c.kernel_ns);
    else
      std::printf(" %12s %12s", "", "");
    if (c.second_thread != 0) std::printf(" %13.2fx %9.2fx", c.second_thread, c.at_best);
    std::printf("\n");
  }
  if (const size_t from = series.pays_from()) std::printf("A second thread pays from %zu elements on.\n", from);
}

void print(const std::vector<Arrival>& all) {
  std::printf("\nthe second thread of a call: how late it comes\n%14s %10s %12s %16s\n", "idle before us", "came",
              "median us", "one in ten us");
  for (const Arrival& a : all) {
    std::printf("%14.0f %9.0f%% %12.1f %16.1f\n", a.idle_ns / 1e3, a.came * 100, a.median_ns / 1e3, a.late_ns / 1e3);
  }
}

void write(const Machine& machine, const std::vector<Series>& all, const std::vector<Arrival>& late,
           const std::filesystem::path& path) {
  FILE* const file = std::fopen(path.c_str(), "w");
  if (file == nullptr) throw std::runtime_error("cannot write " + path.string());
  std::fprintf(file, "{\"cpu\": \"%s\", \"series\": [", machine.cpu.c_str());
  const char* separator = "\n";
  for (const Series& series : all) {
    std::fprintf(file, "%s {\"operation\": \"%s\", \"second_thread_pays_from\": %zu, \"costs\": [", separator,
                 label(*series.operation).c_str(), series.pays_from());
    const char* comma = "\n";
    for (const Cost& c : series.costs) {
      std::fprintf(file,
                   "%s  {\"n\": %zu, \"call_ns\": %.2f, \"kernel_ns\": %.2f, \"second_thread\": %.3f, \"at_best\": %.3f}",
                   comma, c.n, c.call_ns, c.kernel_ns, c.second_thread, c.at_best);
      comma = ",\n";
    }
    std::fprintf(file, "]}");
    separator = ",\n";
  }
  std::fprintf(file, "\n], \"second_thread\": [");
  separator = "\n";
  for (const Arrival& a : late) {
    std::fprintf(file, "%s {\"idle_ns\": %.0f, \"came\": %.3f, \"median_ns\": %.0f, \"one_in_ten_ns\": %.0f}", separator,
                 a.idle_ns, a.came, a.median_ns, a.late_ns);
    separator = ",\n";
  }
  std::fprintf(file, "\n]}\n");
  if (std::fclose(file) != 0) throw std::runtime_error("cannot write " + path.string());
}

void run(const std::filesystem::path& output) {
  const Machine machine = this_machine();
  const Arena arena(most * sizeof(float) * 2);
  std::vector<Series> all;
  for (const Operation& operation : operations()) {
    if (!wanted(operation)) continue;
    Series series = {&operation, {}};
    for (size_t n = 1; n <= most; n *= 2) series.costs.push_back(measure(operation, n, arena));
    print(series);
    all.push_back(series);
  }
  std::vector<Arrival> late;
  if (all_threads() > 1) {
    for (const double idle_ns : {0.0, 20e3, 100e3, 1e6}) late.push_back(measure_arrival(idle_ns));
    print(late);
  }
  write(machine, all, late, output / "call_cost.json");
}

}  // namespace
}  // namespace roofline

int main(int count, char** arguments) {
  try {
    roofline::run(count > 1 ? arguments[1] : ".");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "call_cost: %s\n", error.what());
    return 1;
  }
}
