// The measurement of every operation, under Google Benchmark. A benchmark's iteration is a round: the kernel and its
// matched ceiling are timed back to back on the same arrays, then fused multiply-adds where they bound it, and the length
// of a cycle. What counts is the median over rounds.
#pragma once

#include <stddef.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "arena.hpp"
#include "ceilings.hpp"
#include "levels.hpp"
#include "operations.hpp"
#include "port_bound.hpp"

namespace roofline {
struct Row {
  const Operation* operation;
  std::string backend;
  bool dispatched;  // the backend that a call without options uses
  Level level;
  size_t threads;
  rectify_shape shape;
  std::optional<Image> image;  // the shape's, where it is one that PReLU meets in networks
  const Ceiling* ceiling;
  PortBound port_bound;
  double ghz;  // of the core before the measurement

  // Measured; 0 until then, and after an error.
  double gbps = 0;
  double ns_per_element = 0;
  double cycles_per_element = 0;
  double percent_of_ceiling = 0;
  double percent_of_port_bound = 0;  // where the arithmetic takes longer than the ceiling
  double times_dx = 0;               // a backward with the parameter's gradient: the time of dx alone goes so often into it
  std::string error = {};

  bool measured() const { return percent_of_ceiling > 0; }
  size_t n() const { return elements(shape); }
  std::string name() const;
  std::string variant() const;   // the operation's, or the image
  double port_bound_ns() const;  // of an element
  bool memory_bound() const;     // the ceiling beside the row takes longer than the arithmetic would
  double gflops() const { return measured() ? operation->arithmetic().flops() / ns_per_element : 0; }
};

inline constexpr double marked_above = 105;  // percent of the ceiling
// No kernel is so much faster than the memory: the accounting would be wrong. With several threads it can be: on a busy
// machine the library's share out their work anew, those of a ceiling wait for the slowest.
inline constexpr double impossible_above = 120;

inline bool impossible(const Row& row) { return row.threads == 1 && row.percent_of_ceiling > impossible_above; }

// Measures each row for about so many seconds (more in DRAM, where a round takes longer), one line of progress each on
// stderr. Rows that --benchmark_filter leaves out stay unmeasured.
void measure(std::vector<Row>& rows, const Arena& arena, double seconds_per_row);

// Rows that miss their target or are impossible are measured again, up to three times while seconds_left() is positive,
// each time with another stack (stack.hpp), and the best (of an impossible row the lowest) of their measurements stands.
void measure_again(std::vector<Row>& rows, const Arena& arena, double seconds_per_row,
                   const std::function<double()>& seconds_left);

}  // namespace roofline
