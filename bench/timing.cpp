#include "timing.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "dependent_adds.hpp"

namespace roofline {

size_t repeats_for(double nanoseconds_per_call) {
  constexpr double span = 60e3;
  return static_cast<size_t>(std::clamp(std::ceil(span / nanoseconds_per_call), 1.0, 1e6));
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
  const double time = nanoseconds(1, [&] { sum = dependent_adds(sum, turns); });
  return static_cast<double>(turns * dependent_adds_per_turn) / time;
}

}  // namespace roofline
