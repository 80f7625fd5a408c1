// The bars that the library is held to, and what falls short of them.
#pragma once

#include <stddef.h>

#include <string>
#include <vector>

#include "rows.hpp"
#include "scaling.hpp"
#include "small_calls.hpp"

namespace roofline {

enum class Figure {
  percent_of_ceiling,
  percent_of_port_bound,
  cycles_per_element,
  times_dx,
  nanoseconds_above_kernel,
  share_of_ceilings_gain,
  mean_percent_of_ceiling,
};

const char* name(Figure figure);  // as roofline.json calls it
const char* unit(Figure figure);  // " %"

struct Target {
  const char* what;
  Figure figure;
  double bar;
  bool at_most = false;  // else at least

  bool reached(double value) const { return at_most ? value <= bar : value >= bar; }
};

// The bar that is set for a row; NULL for one that is only shown.
const Target* target(const Row& row);
const Target& target(const SmallCall& call);
const Target& target(const Scaling& scaling);

// The figure that is held against it.
double judged(const Row& row, const Target& target);
inline double judged(const SmallCall& call) { return call.above_kernel_ns(); }
inline double judged(const Scaling& scaling) { return scaling.share; }

bool misses_target(const Row& row);
bool closer_to_target(const Row& row, const Row& other);

struct Miss {
  std::string name;
  double value;
};

// What became of a target.
struct Judgement {
  Target target;
  size_t judged = 0;
  double worst = 0;
  std::vector<Miss> misses = {};
};

// In the order of the table; only targets that judged something.
std::vector<Judgement> judge(const std::vector<Row>& rows, const std::vector<SmallCall>& calls,
                             const std::vector<Scaling>& scalings);

}  // namespace roofline
