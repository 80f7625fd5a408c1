// Clocks, medians, and the length of a cycle.
#pragma once

#include <stddef.h>

#include <chrono>
#include <vector>

namespace roofline {

// Nanoseconds of one of `repeats` calls made without a pause.
template <class Body>
double nanoseconds(size_t repeats, const Body& body) {
  const auto start = std::chrono::steady_clock::now();
  for (size_t i = 0; i < repeats; ++i) body();
  const std::chrono::duration<double, std::nano> time = std::chrono::steady_clock::now() - start;
  return time.count() / static_cast<double>(repeats);
}

// How often a body of this length is repeated so that the clock's own noise does not matter.
size_t repeats_for(double nanoseconds_per_call);

double median(std::vector<double> values);

// The core's frequency at this moment, from a chain of dependent additions, each of which takes a cycle. About 10 µs.
double cycles_per_nanosecond();

}  // namespace roofline
