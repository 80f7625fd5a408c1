// Clocks, medians, and the length of a cycle.
#pragma once

#include <stddef.h>

#include <vector>

namespace roofline {

double wall_nanoseconds();

// What the process has used of its processors: does not go on while another process has them. A costlier call.
double processor_nanoseconds();

// How a body is timed: so many calls without a pause that the clock's own time does not matter. A call that is long by
// itself may well be interrupted by another process: then, if it runs on one thread, the processor's time is taken.
struct Timer {
  size_t repeats = 1;
  bool processor = false;

  // Of one call.
  template <class Body>
  double nanoseconds(const Body& body) const {
    const auto now = processor ? processor_nanoseconds : wall_nanoseconds;
    const double start = now();
    for (size_t i = 0; i < repeats; ++i) body();
    return (now() - start) / static_cast<double>(repeats);
  }
};

Timer timer_for(double nanoseconds_per_call, size_t threads);

// The same for a body, which is run to find out. A first run may be slow (pages, caches): a short one is run again.
template <class Body>
Timer timer_of(const Body& body, size_t threads) {
  double time = Timer{}.nanoseconds(body);
  if (time < 1e6) time = Timer{}.nanoseconds(body);
  return timer_for(time, threads);
}

double median(std::vector<double> values);

// The core's frequency at this moment, from a chain of dependent additions, each of which takes a cycle. About 10 µs.
double cycles_per_nanosecond();

}  // namespace roofline
