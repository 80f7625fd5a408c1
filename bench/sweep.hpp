// GB/s over the size of the working set, for the plot: some operations of the dispatched backend in f32 and the ceilings
// over them.
#pragma once

#include <stddef.h>

#include <string>
#include <vector>

#include "arena.hpp"
#include "ceilings.hpp"
#include "machine.hpp"

namespace roofline {

struct Point {
  size_t bytes;  // touched
  double gbps;
};

struct Series {
  std::string name;   // "elu forward", or "ceiling"
  const char* store;  // of a ceiling: ordinary or streaming; an operation chooses itself: ""
  Traffic traffic;
  std::vector<Point> points;
};

// On one thread, from a fraction of the first cache to the size that stands for DRAM. `rounds` as for the ceilings.
std::vector<Series> sweep(const Machine& machine, const Arena& arena, const Ceilings& ceilings, const std::string& backend,
                          size_t rounds);

}  // namespace roofline
