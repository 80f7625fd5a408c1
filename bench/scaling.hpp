// What a second thread gains in the last cache that cores share, against what it gains for the ceiling.
#pragma once

#include <stddef.h>

#include <functional>
#include <string>
#include <vector>

#include "arena.hpp"
#include "ceilings.hpp"
#include "machine.hpp"
#include "operations.hpp"

namespace roofline {

struct Scaling {
  const Operation* operation;
  rectify_shape shape;
  size_t threads;
  double gain = 0;           // the time on one thread over the time on `threads`
  double ceilings_gain = 0;  // the same of the matched ceiling, whose threads never wait for each other
  double share = 0;          // the one over the other

  std::string name() const;
};

// Every operation of f32 as it is usually called (in a quick run two of them), in about so many seconds each. Empty where
// there is no L3 or no second processor.
std::vector<Scaling> measure_scaling(const Machine& machine, const Arena& arena, const Ceilings& ceilings, bool quick,
                                     double seconds);

}  // namespace roofline
