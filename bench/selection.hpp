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

// Every operation in f32 on every backend, level and number of threads, and PReLU on the images of real networks; in the
// other formats on the chosen backend, and on the others at L2. A quick run has f32 on the chosen backend at every level
// and on the others at L2, a few images, and of each other format some operations at L2 and in DRAM.
std::vector<Row> select_rows(const Selection& selection);

}  // namespace roofline
