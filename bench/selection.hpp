// Which rows a run measures.
#pragma once

#include <stddef.h>

#include <string>
#include <vector>

#include "ceilings.hpp"
#include "machine.hpp"
#include "port_bound.hpp"
#include "rows.hpp"

namespace roofline {

struct Selection {
  const Machine& machine;
  const Ceilings& ceilings;
  const std::vector<Fused>& fused;
  const std::vector<std::string>& backends;
  const std::string& dispatched;
  double ghz;
  std::vector<size_t> threads;
  bool quick;
};

// Every operation on every backend, level and number of threads, and PReLU on the images of real networks. A quick run has
// the chosen backend at every level, the others at L2, and a few images.
std::vector<Row> select_rows(const Selection& selection);

}  // namespace roofline
