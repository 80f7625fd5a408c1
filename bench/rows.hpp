// The measurement of every operation, under Google Benchmark. A benchmark's iteration is a round: the kernel and its
// matched ceiling are timed back to back on the same arrays, then the length of a cycle. What counts is the median over
// rounds.
#pragma once

#include <stddef.h>

#include <functional>
#include <string>
#include <vector>

#include "arena.hpp"
#include "ceilings.hpp"
#include "levels.hpp"
#include "operations.hpp"

namespace roofline {

struct Row {
  const Operation* operation;
  std::string backend;
  bool dispatched;  // the backend that a call without options uses
  Level level;
  size_t threads;
  rectify_shape shape;
  const Ceiling* ceiling;
  double port_bound_ns;  // per element: what the arithmetic alone would take

  // Measured; 0 until then, and after an error.
  double gbps = 0;
  double ns_per_element = 0;
  double cycles_per_element = 0;
  double percent_of_ceiling = 0;
  std::string error = {};

  bool measured() const { return percent_of_ceiling > 0; }
  size_t n() const { return elements(shape); }
  std::string name() const;
  bool memory_bound() const;  // the ceiling takes longer than the arithmetic would
};

// The bar that is set for a row, in percent of its ceiling; 0 for one that is only shown, as all of the scalar reference.
double target(const Row& row);

inline constexpr double marked_above = 105;  // percent of the ceiling
// No kernel is so much faster than the memory: the accounting would be wrong. With several threads it can be: on a busy
// machine the library's share out their work anew, those of a ceiling wait for the slowest.
inline constexpr double impossible_above = 120;

inline bool misses_target(const Row& row) { return row.percent_of_ceiling < target(row); }
inline bool impossible(const Row& row) { return row.threads == 1 && row.percent_of_ceiling > impossible_above; }

// Measures each row for about so many seconds (more in DRAM, where a round takes longer), one line of progress each on
// stderr. Rows that --benchmark_filter leaves out stay unmeasured.
void measure(std::vector<Row>& rows, const Arena& arena, double seconds_per_row);

// Rows that miss their target or are impossible are measured again, up to three times while seconds_left() is positive, and
// the best (of an impossible row the lowest) of their measurements stands.
void measure_again(std::vector<Row>& rows, const Arena& arena, double seconds_per_row,
                   const std::function<double()>& seconds_left);

}  // namespace roofline
