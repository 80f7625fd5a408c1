#include "timing.hpp"

#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "dependent_adds.hpp"

namespace roofline {
namespace {

double nanoseconds_of(clockid_t clock) {
  timespec time = {};
  clock_gettime(clock, &time);
  return 1e9 * static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec);
}

}  // namespace

double wall_nanoseconds() { return nanoseconds_of(CLOCK_MONOTONIC); }

double processor_nanoseconds() { return nanoseconds_of(CLOCK_PROCESS_CPUTIME_ID); }

Timer timer_for(double nanoseconds_per_call, size_t threads) {
  // A start of several threads takes microseconds and should not matter either.
  const double enough = threads == 1 ? 60e3 : 300e3, interruptible = 500e3;
  return {.repeats = static_cast<size_t>(std::clamp(std::ceil(enough / nanoseconds_per_call), 1.0, 1e6)),
          .processor = threads == 1 && nanoseconds_per_call > interruptible};
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

double cycles_per_nanosecond() {
  constexpr size_t turns = 800;
  uint64_t sum = 1;
  const double time = Timer{}.nanoseconds([&] { sum = dependent_adds(sum, turns); });
  return static_cast<double>(turns * dependent_adds_per_turn) / time;
}

}  // namespace roofline
